/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has the blocks that are too large for Python's pools: objects, lists'
   items, dicts' tables, arrays' data, counted by type of the object and by its
   path from a root, merged (patterns.h).  A resumable job. */
#ifndef PM_GRAPH_LARGE_BLOCKS_H
#define PM_GRAPH_LARGE_BLOCKS_H

#include "graph/population.h"

struct pm_large_group {
	uint32_t pattern; /* PM_NO_PATTERN: no root leads there */
	uint32_t type;	  /* of the object; PM_NO_NODE: not known */
	bool buffer;	  /* memory of the object's, not itself */
	uint64_t blocks, bytes;
	uint32_t example; /* node of the first; PM_NO_NODE: not known */
};

struct pm_large_blocks {
	const struct pm_graph *g;
	struct pm_population *paths;
	PM_VEC(struct pm_large_group) list; /* most bytes first */
	uint64_t blocks, bytes;
};

struct pm_large_blocks_job; /* opaque */

/* The graph has its roots. */
PM_CHECKED enum pm_status pm_large_blocks_create(const struct pm_graph *g,
	struct pm_large_blocks_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_large_blocks_step(struct pm_large_blocks_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_large_blocks_destroy(struct pm_large_blocks_job *j);
/* Once done, owned by the job. */
const struct pm_large_blocks *pm_large_blocks_result(
	const struct pm_large_blocks_job *j);

#endif
