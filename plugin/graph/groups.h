/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the objects of each group (a type, a module's classes) retain: bytes
   that go with an object are counted once for a group, at the one that is
   nearest to the roots.  What several of the group keep only together is not in
   it, so it is a lower bound.  A resumable job over the dominator tree. */
#ifndef PM_GRAPH_GROUPS_H
#define PM_GRAPH_GROUPS_H

#include "graph/dominators.h"

struct pm_group_sum {
	uint64_t objects; /* of the group itself */
	uint64_t size;	  /* of these */
	uint64_t retained;
	uint64_t guessed; /* of these: only roots that are guesses lead there */
	uint32_t example; /* the one that retains most; PM_NO_NODE */
	uint64_t example_retained;
};

/* Which groups the objects of a type are in: those in list from begin[type] to
   begin[type + 1]; without begin the one list[type], PM_NO_NODE: none. */
struct pm_group_map {
	const uint32_t *begin, *list;
	uint32_t ntypes, ngroups; /* ids are below */
};

struct pm_group_sums; /* opaque job */

/* Of what the node top dominates, itself not; g->n: of all that is reached.
   Takes a copy of the map. */
PM_CHECKED enum pm_status pm_group_sums_create(const struct pm_graph *g,
	uint32_t top, const struct pm_group_map *map,
	struct pm_group_sums **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_group_sums_step(struct pm_group_sums *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_group_sums_destroy(struct pm_group_sums *j);

/* Once done: one for each group. */
const struct pm_group_sum *pm_group_sums_result(const struct pm_group_sums *j);

#endif
