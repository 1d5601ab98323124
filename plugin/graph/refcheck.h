/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reference count of every object against the references that were found:
   from objects, and from roots that are counted.  More counts than references
   are held by C code, or leaked; fewer are corruption, or a reference taken for
   one that is none.  Words in objects of C extensions and in variables of C
   code are taken for references as far as they explain the count; those on C
   stacks and in registers are not, they are borrowed or left over mostly.  A
   resumable job, one pass over the heap. */
#ifndef PM_GRAPH_REFCHECK_H
#define PM_GRAPH_REFCHECK_H

#include "graph/graph.h"

struct pm_refcheck_sums {
	uint64_t objects; /* looked at: neither static nor below */
	uint64_t exact;
	/* Of these, with words in variables of C code (nothing else does). */
	uint64_t by_variables;
	uint64_t surplus, deficit;		 /* objects */
	uint64_t surplus_counts, deficit_counts; /* how many too many, too few
						  */
};

struct pm_refcheck_object {
	uint32_t node;
	int64_t count, found; /* found: exact references */
	uint32_t native;      /* and guesses: in objects, in variables */
};

struct pm_refcheck {
	struct pm_refcheck_sums all;
	struct pm_refcheck_sums *types; /* by type id */
	uint32_t ntypes;
	uint64_t immortal, deferred; /* their counts mean nothing */
	PM_VEC(struct pm_refcheck_object)
	odd; /* those not exact, the first
		limit, by node */
	uint64_t unreadable;
};

struct pm_refcheck_job; /* opaque */

/* The graph has its roots.  limit: of those that are told one by one. */
PM_CHECKED enum pm_status pm_refcheck_create(struct pm_graph *g, size_t limit,
	struct pm_refcheck_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_refcheck_step(struct pm_refcheck_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_refcheck_progress(const struct pm_refcheck_job *j, uint64_t *ret_done,
	uint64_t *ret_total);
void pm_refcheck_destroy(struct pm_refcheck_job *j);
/* Owned by the job. */
const struct pm_refcheck *pm_refcheck_result(const struct pm_refcheck_job *j);

#endif
