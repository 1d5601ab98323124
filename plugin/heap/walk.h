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
};

/* An object or buffer outside the arenas. */
struct pm_outside {
	pm_addr addr;
	uint64_t bytes; /* of a buffer; of an object its extent */
	pm_addr owner;	/* of a buffer: the object; of an object: 0 */
	uint32_t type_id;
	uint8_t kind;	/* enum pm_buffer_kind of a buffer */
	bool is_static; /* in a module's image */
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

	/* Results, complete once done. */
	bool done;
	struct pm_type_stats *stats; /* by type id */
	size_t nstats;
	/* One bit per alignment unit of every pool: block starts. */
	uint64_t *is_object, *is_buffer;
	/* Of each pool with buffers in it: the owner of every block, 0 where
	   it is none.  NULL for the others. */
	pm_addr **owners;
	size_t words_per_pool;
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

/* Where in a block an object may begin, by what precedes it, likeliest first.
   Words left over where a three-word head will be linked (3.7) may look like
   another object's header: such heads come first, they can be told. */
static inline void pm_heap_presizes(
	const struct pm_layout *l, uint32_t ret[static 3])
{
	bool refs = pm_has(l->f.gc_head.refs);
	ret[0] = refs ? l->t.gc_head_size : 0;
	ret[1] = refs ? 0 : l->t.gc_head_size;
	ret[2] = l->t.gc_head_size + 2 * l->t.word_size;
}

/* The live object whose block begins at block; false: there is none. */
bool pm_heap_load_block(
	struct pm_heap *h, pm_addr block, struct pm_object *ret);

/* The object that owns the buffer in this block of pool; 0: none known. */
static inline pm_addr pm_heap_owner(
	const struct pm_heap *h, size_t pool, pm_addr block)
{
	const struct pm_pools *p = h->pools;
	const pm_addr *owners = h->owners ? h->owners[pool] : NULL;
	uint32_t off = (uint32_t)(block & (p->pool_size - 1));
	return owners ? owners[pm_pools_block_index(
				p, p->pools[pool].szidx, off - p->header)]
		      : 0;
}

/* Index of the first bit of pool i's block at addr in the bit maps. */
static inline uint64_t pm_heap_bit(
	const struct pm_heap *h, size_t pool, pm_addr block)
{
	uint64_t off = block & (h->pools->pool_size - 1);
	return pool * h->words_per_pool * 64 + (off >> h->pools->align_shift);
}

#endif
