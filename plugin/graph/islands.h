/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What no root reaches but words of C code, in islands: objects that references
   join, whichever way they point.  An island whose reference counts are all
   explained by its own references is for the collector; one with more of them
   is held by C code: by the words that are known, or by somebody who is not.
   A resumable job. */
#ifndef PM_GRAPH_ISLANDS_H
#define PM_GRAPH_ISLANDS_H

#include "graph/graph.h"

struct pm_island {
	uint32_t first, n; /* in pm_islands.nodes */
	uint64_t size;	   /* bytes */
	bool held;	   /* more reference counts than references */
	/* A word of C code that leads there, the best; NULL: none known. */
	const struct pm_root *by;
	uint32_t held_node; /* one that has more counts, when held */
	bool finalizers;    /* objects of classes with __del__ */
	bool cycle;	    /* an object is reached from itself */
};

struct pm_islands {
	uint32_t *nodes; /* in the order of islands */
	uint32_t n;
	PM_VEC(struct pm_island) list;
	uint64_t unreadable;
};

struct pm_islands_job; /* opaque */

/* The graph has its roots and dominators. */
PM_CHECKED enum pm_status pm_islands_create(
	struct pm_graph *g, struct pm_islands_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_islands_step(struct pm_islands_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_islands_destroy(struct pm_islands_job *j);
/* Owned by the job. */
const struct pm_islands *pm_islands_result(const struct pm_islands_job *j);

#endif
