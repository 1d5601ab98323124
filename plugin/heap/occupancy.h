/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How full the allocator's arenas are, from the counts in its own tables:
   nothing of the blocks is read.  Pools are pages, and arenas segments, where
   mimalloc is the allocator. */
#ifndef PM_HEAP_OCCUPANCY_H
#define PM_HEAP_OCCUPANCY_H

#include "heap/pools.h"

struct pm_occupancy {
	uint64_t pools_used;
	uint64_t pools_free; /* of mimalloc: slices that are no page's */
	uint64_t blocks;     /* in use */
	uint64_t bytes_used; /* of these */
};

/* i: number of the arena in p->arenas. */
void pm_occupancy_of(
	const struct pm_pools *p, size_t i, struct pm_occupancy *ret);

/* What the same blocks would need if they were moved together: of each
   allocator (of an interpreter; of mimalloc: each heap) and size class as few
   pools as there can be.  Nothing in CPython moves blocks: it is the bound of
   what freeing and allocating anew can reach. */
struct pm_compacted {
	uint64_t arenas; /* pymalloc: needed.  mimalloc: all that there are */
	uint64_t bytes;	 /* of arenas; of mimalloc: of pages, and of what is
			    no page's in its segments */
};
PM_CHECKED enum pm_status pm_occupancy_compacted(const struct pm_pools *p,
	struct pm_compacted *ret, struct pm_error *err);

/* What could be given back as it is: arenas without a used block; of mimalloc,
   pages and slices without one. */
uint64_t pm_occupancy_returnable(const struct pm_pools *p);

#endif
