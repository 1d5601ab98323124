/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pymalloc as it stands: arenas, pools, size classes (Objects/obmalloc.c).
   Built from the arena table and the pool headers alone, so it is cheap; which
   blocks of a pool are free is read with the pool (pm_pool_free_blocks). */
#ifndef PM_HEAP_POOLS_H
#define PM_HEAP_POOLS_H

#include "layout/layout.h"

#define PM_MAX_CLASSES 64

enum pm_pool_state {
	PM_POOL_UNCARVED, /* never used yet */
	PM_POOL_FREE,	  /* no block in use */
	PM_POOL_USED,
	PM_POOL_BAD, /* its header makes no sense or can't be read */
};

struct pm_pool {
	uint8_t state; /* enum pm_pool_state */
	uint8_t szidx;
	uint16_t used; /* blocks in use */
};

struct pm_arena {
	pm_addr address; /* as allocated */
	pm_addr first;	 /* its first pool */
	uint32_t npools; /* pools that fit */
	uint32_t carved; /* of these, handed out at least once */
	uint32_t nfree;	 /* nfreepools as the arena says */
	uint32_t pool0;	 /* index of its first pool in pools[] */
	uint32_t interp; /* index of the interpreter whose allocator it is */
};

/* Where an allocator keeps its arena_objects. */
struct pm_arena_table {
	pm_addr addr;
	uint64_t entries;
};

/* Addresses to pools: 1 GiB regions, each an array by pool number. */
struct pm_pool_region {
	uint64_t key;	 /* addr >> 30, plus 1; 0: empty */
	uint32_t *pools; /* index + 1 */
};
#define PM_POOL_REGIONS 1024

struct pm_pools {
	PM_VEC(struct pm_arena) arenas; /* sorted by address */
	struct pm_pool *pools;
	size_t npools;
	unsigned pool_shift, align_shift;
	/* Of each class: 2^32 / size, rounded up; offset * inverse >> 32 is
	   offset / size for every offset in a pool. */
	uint32_t inverse[PM_MAX_CLASSES];
	uint32_t pool_size, arena_size, alignment, header; /* bytes */
	uint32_t hook_pre, hook_post; /* debug allocator: bytes around data */
	PM_VEC(struct pm_arena_table) tables;
	uint64_t bad_arenas, bad_pools;
	uint64_t maxarenas;
	/* Counters of the allocator itself; has_counters false: unknown. */
	bool has_counters;
	uint64_t narenas, ntimes, highwater, raw_blocks;
	bool has_raw_blocks;
	struct pm_pool_region *regions; /* PM_POOL_REGIONS, hashed */
	/* One bit per MiB from inside_low on: all of it belongs to arenas. */
	pm_addr inside_low;
	uint64_t inside_cells;
	uint64_t *inside;
};

/* Reads every interpreter's allocator. An empty result (no pymalloc) is
   PM_OK with no arenas. */
PM_CHECKED enum pm_status pm_pools_create(const struct pm_layout *l,
	struct pm_memory *m, struct pm_pools **ret, struct pm_error *err);
void pm_pools_destroy(struct pm_pools *p);
static inline void pm_cleanup_pools(struct pm_pools **p)
{
	pm_pools_destroy(*p);
}

/* Is addr surely in an arena?  The quick answer to most words of a heap; false
   says nothing. */
static inline bool pm_pools_inside(const struct pm_pools *p, pm_addr addr)
{
	uint64_t cell = (addr - p->inside_low) >> 20;
	return cell < p->inside_cells &&
	       (p->inside[cell / 64] >> cell % 64 & 1);
}

/* The pool that addr lies in: its index, or -1. */
static inline int64_t pm_pools_find(const struct pm_pools *p, pm_addr addr)
{
	uint64_t key = (addr >> 30) + 1;
	for (size_t i = (key * 0x9E3779B97F4A7C15u) >> 54;;
		i = (i + 1) & (PM_POOL_REGIONS - 1)) {
		const struct pm_pool_region *r = &p->regions[i];
		if (r->key == key)
			return (int64_t)r->pools[(addr & 0x3fffffff) >>
						 p->pool_shift] -
			       1;
		if (!r->key)
			return -1;
	}
}

static inline uint32_t pm_pools_class_size(
	const struct pm_pools *p, unsigned szidx)
{
	return (szidx + 1) * p->alignment;
}

/* Which block of a pool of this class lies off bytes behind its header. */
static inline uint32_t pm_pools_block_index(
	const struct pm_pools *p, unsigned szidx, uint32_t off)
{
	return (uint32_t)((uint64_t)off * p->inverse[szidx] >> 32);
}

/* First address of pool i. */
pm_addr pm_pools_address(const struct pm_pools *p, size_t i);

/* Start of the block of pool i that holds addr; 0: not in a block. */
static inline pm_addr pm_pools_block(
	const struct pm_pools *p, size_t i, pm_addr addr)
{
	const struct pm_pool *pool = &p->pools[i];
	uint32_t off = (uint32_t)(addr & (p->pool_size - 1));
	if (pool->state != PM_POOL_USED || off < p->header)
		return 0;
	uint32_t size = pm_pools_class_size(p, pool->szidx);
	uint32_t k = pm_pools_block_index(p, pool->szidx, off - p->header);
	if (p->header + (k + 1) * size > p->pool_size)
		return 0;
	return addr - off + p->header + k * size;
}

/* Marks the free blocks of a used pool whose bytes are at bytes: bit k of
   free_bits for block k.  Returns the number of blocks carved so far, 0 when
   the header does not fit; *ret_torn: the free list does not agree with the
   count in the header. free_bits holds PM_POOL_BLOCK_WORDS words. */
#define PM_POOL_BLOCK_WORDS 32
unsigned pm_pools_free_blocks(const struct pm_layout *l,
	const struct pm_pools *p, size_t i, const unsigned char *bytes,
	uint64_t free_bits[static PM_POOL_BLOCK_WORDS], bool *ret_torn);

#endif
