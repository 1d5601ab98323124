/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who keeps whom alive, exactly: the dominator tree of a graph from its roots
   (Lengauer and Tarjan, with path compression: O(edges log nodes), in practice
   linear), and what would go with each object.

   A resumable job: 44 bytes per object reached while it runs, 24 (and a bit)
   per object afterwards.  No recursion: chains may be millions of objects long.
 */
#ifndef PM_GRAPH_DOMINATORS_H
#define PM_GRAPH_DOMINATORS_H

#include "graph/graph.h"

/* In place of a dominator. */
#define PM_BY_ROOTS UINT32_MAX	      /* no single object */
#define PM_UNREACHED (UINT32_MAX - 1) /* no root leads there */

struct pm_dominators {
	uint32_t n;
	uint32_t *of;	    /* by node: its immediate dominator */
	uint64_t *retained; /* bytes, its own included; 0: unreached */
	uint32_t *objects;  /* that many, itself included */
	/* Those that each dominates immediately; begin[n]: that the roots do.
	 */
	uint32_t *begin, *below;
	uint32_t reached;
	uint64_t bytes; /* of all that are reached */
	/* Bits, by node: only roots that are guesses lead there; how many of
	   those reached, and their bytes. */
	uint64_t *guessed;
	uint32_t guessed_objects;
	uint64_t guessed_bytes;
};

static inline bool pm_is_guessed(const struct pm_dominators *d, uint32_t node)
{
	return d->guessed[node / 64] >> node % 64 & 1;
}

struct pm_dominators_job; /* opaque */

/* Takes a copy of the nodes that roots lead to directly, the first nsure of
   which by a root that is no guess; edges of the graph must not change while
   the job runs. */
PM_CHECKED enum pm_status pm_dominators_create(const struct pm_graph *g,
	const uint32_t *roots, size_t nroots, size_t nsure,
	struct pm_dominators_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_dominators_step(struct pm_dominators_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_dominators_progress(const struct pm_dominators_job *j,
	uint64_t *ret_done, uint64_t *ret_total);
void pm_dominators_job_destroy(struct pm_dominators_job *j);

/* Once done, and once only: the result, which is the caller's now. */
struct pm_dominators *pm_dominators_take(struct pm_dominators_job *j);
void pm_dominators_destroy(struct pm_dominators *d);
static inline void pm_cleanup_dominators(struct pm_dominators **d)
{
	pm_dominators_destroy(*d);
}

#endif
