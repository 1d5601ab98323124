/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small-block allocator as it stands: pools of blocks of one size each.
   Of pymalloc (Objects/obmalloc.c) these are its pools, in arenas; of mimalloc
   (free-threaded builds, PYTHONMALLOC=mimalloc) its pages, in segments.  Built
   from tables and headers alone, so it is cheap; which blocks of a pool are
   free is read with the pool (pm_pools_free_blocks).
   Where a pool's blocks are and how large they are is asked by the functions
   below, never computed elsewhere. */
#ifndef PM_HEAP_POOLS_H
#define PM_HEAP_POOLS_H

#include "layout/layout.h"

#define PM_MAX_CLASSES 128

enum pm_pool_state {
	PM_POOL_UNCARVED, /* never used yet */
	PM_POOL_FREE,	  /* no block in use */
	PM_POOL_USED,
	PM_POOL_BAD, /* its header makes no sense or can't be read */
};

/* What the blocks of a pool hold.  Free-threaded builds have a heap of
   mimalloc for each (_Py_mimalloc_heap_id, pycore_mimalloc.h). */
enum pm_pool_use {
	PM_USE_MEMORY,	   /* PyMem_Malloc: no objects */
	PM_USE_OBJECTS,	   /* objects that the collector does not know */
	PM_USE_COLLECTED,  /* those that it does */
	PM_USE_PREHEADERS, /* the same, behind two words */
	PM_USE_ANY,
	PM_USE_RAW, /* PyMem_RawMalloc, where mimalloc serves that, too */
};
#define PM_USES (PM_USE_RAW + 1)

struct pm_pool {
	uint8_t state; /* enum pm_pool_state */
	uint8_t szidx;
	uint16_t used; /* blocks in use, by the allocator's own count */
};

/* Instead of an interpreter's number, of segments of mimalloc. */
#define PM_OWNER_RAW INT64_C(-1)  /* no interpreter: raw memory */
#define PM_OWNER_LOST INT64_C(-2) /* one that is gone, or not known */

/* An arena of pymalloc or a segment of mimalloc. */
struct pm_arena {
	pm_addr address; /* as allocated */
	pm_addr first;	 /* its first pool */
	uint64_t bytes;
	uint32_t npools; /* pools that fit; of a segment: that there are */
	uint32_t carved; /* of these, handed out at least once */
	uint32_t nfree;	 /* nfreepools as the arena says; free slices */
	uint32_t pool0;	 /* index of its first pool in pools[] */
	int64_t interp;	 /* number of the interpreter whose allocator it is */
	uint64_t thread; /* that owns the segment, 0: none does any more */
};

/* Pools side by side, to be read together. */
struct pm_run_of_pools {
	pm_addr addr;
	uint32_t bytes;
	uint32_t pool0, npools;
};

/* What more is known of a page of mimalloc. */
struct pm_page {
	pm_addr addr;	  /* of its struct */
	pm_addr start;	  /* of its slices */
	pm_addr first;	  /* of its blocks */
	pm_addr heap;	  /* that it belongs to, 0: abandoned */
	pm_addr lists[3]; /* free blocks: links, decoded */
	uint64_t keys[2]; /* of the links in blocks, when they are encoded */
	uint64_t bit0;	  /* of its blocks, a multiple of 64 */
	uint32_t bytes;	  /* of its slices */
	uint16_t capacity, reserved; /* blocks: usable so far, and at most */
	uint8_t use;		     /* enum pm_pool_use */
};

/* A page of mimalloc that is one large block. */
struct pm_large {
	pm_addr addr;
	uint64_t bytes;
	pm_addr heap;
	uint8_t use; /* enum pm_pool_use */
	bool in_use;
};

struct pm_range {
	pm_addr start, end;
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
	PM_VEC(struct pm_run_of_pools) runs;
	PM_VEC(struct pm_large) large; /* sorted by address */
	PM_VEC(pm_addr)
	delayed; /* freed by other threads, on no page's list
		    yet; sorted */
	struct pm_pool *pools;
	struct pm_page *pages; /* mimalloc only: one per pool */
	size_t npools;
	size_t nwords; /* of 64 bits, one for each block that there can be */
	unsigned pool_shift, align_shift;
	unsigned nclasses;
	uint32_t class_size[PM_MAX_CLASSES];
	/* Of each class: 2^32 / size, rounded up; offset * inverse >> 32 is
	   offset / size for every offset in a pool.  0: divide. */
	uint32_t inverse[PM_MAX_CLASSES];
	uint32_t pool_size, arena_size, alignment, header; /* bytes */
	uint32_t largest; /* bytes of the largest block that a pool has */
	uint32_t hook_pre, hook_post; /* debug allocator: bytes around data */
	uint32_t outside_hooks; /* the same of what no pool has room for */
	uint32_t padding;	/* behind those, of mimalloc's own */
	PM_VEC(struct pm_arena_table) tables;
	uint64_t bad_arenas, bad_pools;
	uint64_t maxarenas;
	/* Counters of the allocator itself; has_counters false: unknown. */
	bool has_counters;
	uint64_t narenas, ntimes, highwater, raw_blocks;
	bool has_raw_blocks;
	struct pm_pool_region *regions; /* PM_POOL_REGIONS, hashed */
	/* Arenas of interpreters that do not count, sorted. */
	PM_VEC(struct pm_range) foreign;
	/* One bit per MiB from inside_low on: all of it belongs to arenas. */
	pm_addr inside_low;
	uint64_t inside_cells;
	uint64_t *inside;
};

/* Reads every interpreter's allocator. An empty result (PYTHONMALLOC=malloc) is
   PM_OK with no arenas. */
PM_CHECKED enum pm_status pm_pools_create(const struct pm_layout *l,
	struct pm_memory *m, struct pm_pools **ret, struct pm_error *err);
void pm_pools_destroy(struct pm_pools *p);
static inline void pm_cleanup_pools(struct pm_pools **p)
{
	pm_pools_destroy(*p);
}

/* The arena or segment that addr is in; NULL: none. */
const struct pm_arena *pm_pools_arena(const struct pm_pools *p, pm_addr addr);

/* Is addr in an arena of an interpreter that does not count? */
bool pm_pools_foreign(const struct pm_pools *p, pm_addr addr);

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
	return p->class_size[szidx];
}

/* First address of pool i, and of its blocks. */
pm_addr pm_pools_address(const struct pm_pools *p, size_t i);
pm_addr pm_pools_first(const struct pm_pools *p, size_t i);

/* Bytes from the first address on that are all of pool i. */
static inline uint32_t pm_pools_bytes(const struct pm_pools *p, size_t i)
{
	return p->pages ? p->pages[i].bytes : p->pool_size;
}

/* How many blocks a used pool has room for. */
static inline uint32_t pm_pools_room(const struct pm_pools *p, size_t i)
{
	if (p->pages)
		return p->pages[i].reserved;
	return (p->pool_size - p->header) /
	       pm_pools_class_size(p, p->pools[i].szidx);
}

static inline enum pm_pool_use pm_pools_use(const struct pm_pools *p, size_t i)
{
	return p->pages ? (enum pm_pool_use)p->pages[i].use : PM_USE_ANY;
}

/* Which block of a pool of this class lies off bytes behind the first. */
static inline uint32_t pm_pools_block_index(
	const struct pm_pools *p, unsigned szidx, uint32_t off)
{
	uint32_t inverse = p->inverse[szidx];
	return inverse ? (uint32_t)((uint64_t)off * inverse >> 32)
		       : off / p->class_size[szidx];
}

/* Number, in pool i, of the block that starts at block. */
static inline uint32_t pm_pools_index(
	const struct pm_pools *p, size_t i, pm_addr block)
{
	uint32_t off =
		p->pages ? (uint32_t)(block - p->pages[i].first)
			 : (uint32_t)(block & (p->pool_size - 1)) - p->header;
	return pm_pools_block_index(p, p->pools[i].szidx, off);
}

/* Start of the block of pool i that holds addr; 0: not in a block. */
static inline pm_addr pm_pools_block(
	const struct pm_pools *p, size_t i, pm_addr addr)
{
	const struct pm_pool *pool = &p->pools[i];
	uint32_t size = pm_pools_class_size(p, pool->szidx);
	if (pool->state != PM_POOL_USED)
		return 0;
	if (p->pages) {
		const struct pm_page *page = &p->pages[i];
		if (addr < page->first)
			return 0;
		uint32_t n = pm_pools_block_index(
			p, pool->szidx, (uint32_t)(addr - page->first));
		return n < page->capacity ? page->first + n * (uint64_t)size
					  : 0;
	}
	uint32_t off = (uint32_t)(addr & (p->pool_size - 1));
	if (off < p->header)
		return 0;
	uint32_t k = pm_pools_block_index(p, pool->szidx, off - p->header);
	if (p->header + (k + 1) * size > p->pool_size)
		return 0;
	return addr - off + p->header + k * size;
}

/* Bits for the blocks of all pools, p->nwords words: those of pool i. */
static inline size_t pm_pools_words(
	const struct pm_pools *p, size_t i, size_t *ret_first)
{
	if (p->pages) {
		*ret_first = (size_t)(p->pages[i].bit0 / 64);
		return (p->pages[i].capacity + 63u) / 64;
	}
	size_t n = p->pool_size / p->alignment / 64;
	*ret_first = i * n;
	return n;
}

/* The bit of the block of pool i that starts at block, and back. */
static inline uint64_t pm_pools_bit(
	const struct pm_pools *p, size_t i, pm_addr block)
{
	if (p->pages)
		return p->pages[i].bit0 + pm_pools_index(p, i, block);
	return (i * (uint64_t)p->pool_size + (block & (p->pool_size - 1))) >>
	       p->align_shift;
}

/* From the pool's address on. */
static inline uint64_t pm_pools_bit_offset(
	const struct pm_pools *p, size_t i, uint64_t bit)
{
	if (p->pages)
		return p->pages[i].first - p->pages[i].start +
		       (bit - p->pages[i].bit0) *
			       pm_pools_class_size(p, p->pools[i].szidx);
	return (bit << p->align_shift) - i * (uint64_t)p->pool_size;
}

static inline pm_addr pm_pools_bit_block(
	const struct pm_pools *p, size_t i, uint64_t bit)
{
	return pm_pools_address(p, i) + pm_pools_bit_offset(p, i, bit);
}

/* May a type object be at addr?  pymalloc's blocks are too small for one. */
bool pm_pools_may_hold_type(
	const struct pm_pools *p, const struct pm_layout *l, pm_addr addr);

/* Number, in p->large, of the first that does not begin below addr. */
size_t pm_pools_large_from(const struct pm_pools *p, pm_addr addr);
/* The large block of mimalloc that addr lies in, or NULL. */
const struct pm_large *pm_pools_large(const struct pm_pools *p, pm_addr addr);

/* Marks the free blocks of a used pool whose bytes are at bytes: bit k of
   free_bits for block k.  Returns the number of blocks carved so far, 0 when
   the header does not fit; *ret_torn: the free list does not agree with the
   count in the header. free_bits holds PM_POOL_BLOCK_WORDS words. */
#define PM_POOL_BLOCK_WORDS 128
unsigned pm_pools_free_blocks(const struct pm_layout *l,
	const struct pm_pools *p, size_t i, const unsigned char *bytes,
	uint64_t free_bits[static PM_POOL_BLOCK_WORDS], bool *ret_torn);

/* The same for one block: has it been carved yet, and is it free?  False: the
   pool cannot be read. */
bool pm_pools_ask_block(const struct pm_layout *l, struct pm_memory *m,
	const struct pm_pools *p, size_t i, pm_addr block, bool *ret_carved,
	bool *ret_free);

#endif
