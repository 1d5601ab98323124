/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shortest chains of references from a root to an object.  The search goes
   backward, level by level, so it reads no more of the graph than it must.  A
   root that says little (the globals of a running function, a static object)
   gives way to one that says more, a few steps further.
   Guesses (state words, C stacks, ...) are told only when no precise root leads
   there, or, those of C code, when all roots are wanted.  A resumable job. */
#ifndef PM_GRAPH_PATH_H
#define PM_GRAPH_PATH_H

#include "graph/graph.h"

struct pm_path {
	const struct pm_root *root; /* the graph's */
	uint32_t *nodes; /* from the root's object to the target; NULL: closed
			  */
	size_t n;
	uint32_t from; /* the first of them */
};

struct pm_paths {
	PM_VEC(struct pm_path) list; /* shortest first */
	uint64_t visited;	     /* objects that lead to the target */
	bool complete;		     /* all of them were looked at */
};

/* Is a path allowed to go through objects of this type? */
typedef bool pm_path_passes_fn(void *arg, const struct pm_type *t);

struct pm_path_job; /* opaque */

/* limit: paths at most, each from another root's object; 1: the shortest.
   passes NULL: through all.  The graph has its roots. */
PM_CHECKED enum pm_status pm_path_create(const struct pm_graph *g,
	uint32_t target, size_t limit, pm_path_passes_fn *passes, void *arg,
	struct pm_path_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_path_step(struct pm_path_job *j, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_path_progress(
	const struct pm_path_job *j, uint64_t *ret_done, uint64_t *ret_total);
/* The nodes of the i-th path found; the only one of limit 1 is open. */
PM_CHECKED enum pm_status pm_path_open(
	struct pm_path_job *j, size_t i, struct pm_error *err);
void pm_path_close(struct pm_path_job *j, size_t i);
/* Owned by the job. */
const struct pm_paths *pm_path_result(const struct pm_path_job *j);
void pm_path_destroy(struct pm_path_job *j);

#endif
