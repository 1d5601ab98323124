/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pass over the whole heap: which blocks are objects, which are buffers
   and whose, what lies outside pymalloc, counted by type.

   The arenas are streamed in large reads by as many threads as the target
   allows; a used block whose header is a live object's is taken as one, and
   whatever memory it owns elsewhere is marked as a buffer.  A block that is
   both is settled by proof (collector links), not by luck.  References that
   leave the arenas (types, large objects, static objects) are followed in
   rounds until nothing new turns up.

   A walk is a resumable job: pm_walk_step works for about the time given. */
#ifndef PM_HEAP_WALK_H
#define PM_HEAP_WALK_H

#include "heap/freelists.h"
#include "heap/pools.h"
#include "object/object.h"

struct pm_type_stats {
	uint64_t count, size, alloc, tracked;
	uint64_t outside; /* of count: not in pymalloc arenas */
	uint64_t fixed;	  /* of outside: static, in a module's image */
};

/* An object or buffer outside the arenas. */
struct pm_outside {
	pm_addr addr;
	uint64_t bytes; /* of a buffer; of an object its extent */
	pm_addr owner;	/* of a buffer: the object; of an object: 0 */
	uint32_t type_id;
	uint8_t kind;	/* enum pm_buffer_kind of a buffer */
	bool is_static; /* in a module's image */
	bool shared;	/* a buffer that its owner shares with others */
};

struct pm_memory_range {
	pm_addr start, end;
};

/* How far behind the start of a block (and the debug hook) an object may
   begin; two bits tell which of these it is. */
struct pm_pres {
	uint32_t n, at[4];
};

struct pm_heap {
	const struct pm_layout *l;
	struct pm_target *target;
	struct pm_memory *memory;
	const struct pm_modules *modules;
	struct pm_types *types;
	struct pm_pools *pools;
	struct pm_objects objects;     /* for the main thread */
	struct pm_freelists freelists; /* read by pm_heap_freelists */
	bool freelists_read;
	struct pm_pres pres[PM_USES];

	/* Results, complete once done. */
	bool done;
	struct pm_type_stats *stats; /* by type id */
	size_t nstats;
	/* Bit maps of the blocks of all pools: see pm_heap_bit. */
	uint64_t *is_object, *is_buffer;
	/* With which of pm_heap_pres an object's block begins: a bit each of
	   its index. */
	uint64_t *pre_low, *pre_high;
	/* Of which types each pool has objects: of type id n bit n % 64. */
	uint64_t *pool_types;
	/* What looks dead and is held by no free list. */
	uint64_t *is_dead;
	/* Of each pool with buffers in it: the owner of every block, 0 where
	   it is none.  NULL for the others. */
	pm_addr **owners;
	/* Chunks of the stacks of Python frames (3.11), in which no object is,
	   but what is left of ended frames looks like one. */
	PM_VEC(struct pm_memory_range) stacks;
	PM_VEC(struct pm_outside) outside; /* objects, sorted by address */
	PM_VEC(struct pm_outside) buffers; /* with owners, sorted by address */
	uint64_t blocks_used, blocks_objects, blocks_buffers, blocks_dead;
	uint64_t bytes_used, bytes_dead, bytes_unowned;
	uint64_t blocks_unowned;
	uint64_t conflicts; /* blocks that looked like both, settled */
	uint64_t unreadable, inconsistent; /* skipped */
};

struct pm_walk; /* opaque job */

PM_CHECKED enum pm_status pm_heap_create(const struct pm_layout *l,
	struct pm_target *t, struct pm_memory *m, const struct pm_modules *ms,
	struct pm_heap **ret, struct pm_error *err);
void pm_heap_destroy(struct pm_heap *h);
static inline void pm_cleanup_heap(struct pm_heap **h)
{
	pm_heap_destroy(*h);
}

/* Reads the allocator's tables if that was not done yet; cheap. */
PM_CHECKED enum pm_status pm_heap_pools(
	struct pm_heap *h, struct pm_error *err);

/* The same for what free lists hold. */
PM_CHECKED enum pm_status pm_heap_freelists(
	struct pm_heap *h, struct pm_error *err);

static inline uint64_t pm_heap_type_bit(const struct pm_type *t)
{
	return UINT64_C(1) << t->id % 64;
}

/* threads 0: as many as pay off. */
PM_CHECKED enum pm_status pm_walk_create(struct pm_heap *h, unsigned threads,
	struct pm_walk **ret, struct pm_error *err);
/* Works until seconds have passed or all is done. */
PM_CHECKED enum pm_status pm_walk_step(struct pm_walk *w, double seconds,
	bool *ret_done, struct pm_error *err);
/* For a progress line: parts of total done. */
void pm_walk_progress(
	const struct pm_walk *w, uint64_t *ret_done, uint64_t *ret_total);
void pm_walk_destroy(struct pm_walk *w);

/* The live object whose block begins at block; false: there is none. */
bool pm_heap_load_block(
	struct pm_heap *h, pm_addr block, struct pm_object *ret);

/* Is it an object beyond doubt?  The collector's list leads back to it, which
   no buffer has by chance; false: not proven. */
bool pm_heap_is_linked(struct pm_heap *h, const struct pm_object *x);

/* Index of the first that is not below addr, of h->outside or h->buffers. */
size_t pm_outside_from(const struct pm_outside *all, size_t n, pm_addr addr);

enum pm_heap_place { PM_HEAP_NOWHERE, PM_HEAP_INSIDE, PM_HEAP_OUTSIDE };

/* Of a walk that is done: the object that begins at addr.  *ret is its block's
   bit when inside of a pool, its index in h->outside when not; undefined when
   there is none. */
enum pm_heap_place pm_heap_object_at(
	const struct pm_heap *h, pm_addr addr, size_t *ret);

static inline bool pm_heap_is_object(const struct pm_heap *h, pm_addr addr)
{
	size_t at;
	return pm_heap_object_at(h, addr, &at) != PM_HEAP_NOWHERE;
}

/* The object that owns the buffer in this block of pool; 0: none known. */
static inline pm_addr pm_heap_owner(
	const struct pm_heap *h, size_t pool, pm_addr block)
{
	const pm_addr *owners = h->owners ? h->owners[pool] : NULL;
	return owners ? owners[pm_pools_index(h->pools, pool, block)] : 0;
}

/* The bit of pool's block in the bit maps.  All of a pool's are in the words
   that pm_pools_words says; pm_pools_bit_block leads back. */
static inline uint64_t pm_heap_bit(
	const struct pm_heap *h, size_t pool, pm_addr block)
{
	return pm_pools_bit(h->pools, pool, block);
}

static inline const struct pm_pres *pm_heap_pres(
	const struct pm_heap *h, size_t pool)
{
	return &h->pres[pm_pools_use(h->pools, pool)];
}

/* Which of them it is where the walk found an object: a block's words may well
   look like objects at two of these places. */
static inline unsigned pm_heap_pre_index(const struct pm_heap *h, uint64_t bit)
{
	return (unsigned)(h->pre_low[bit / 64] >> bit % 64 & 1) |
	       (unsigned)(h->pre_high[bit / 64] >> bit % 64 & 1) << 1;
}

/* How far behind the start of its block (and the debug hook) the object that
   the walk found at this bit of pool begins. */
static inline uint32_t pm_heap_pre(
	const struct pm_heap *h, size_t pool, uint64_t bit)
{
	return pm_heap_pres(h, pool)->at[pm_heap_pre_index(h, bit)];
}

#endif
