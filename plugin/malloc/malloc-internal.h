/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to plugin/malloc. */
#ifndef PM_MALLOC_MALLOC_INTERNAL_H
#define PM_MALLOC_MALLOC_INTERNAL_H

#include "base/clock.h"
#include "base/load.h"
#include "malloc/shapes.h"

/* Flags in the size word of a chunk. */
#define PREV_INUSE 1u
#define IS_MMAPPED 2u
#define FLAGS 7u

#define PAGE UINT64_C(4096) /* the smallest; others are multiples */
#define MAX_ARENAS 65536
#define MAX_HEAPS 1048576 /* of one arena */

/* Bit maps of a region, one bit for two words of memory: starts of chunks, and
   of each start its state (those up to TORN) in three planes. */
enum { PLANE_START, PLANE_STATE, PLANE_CLAIMED = 4 };
#define STATE_PLANES 3

static inline bool bit_get(const uint64_t *map, uint64_t i)
{
	return map[i / 64] >> i % 64 & 1;
}
static inline void bit_set(uint64_t *map, uint64_t i)
{
	map[i / 64] |= UINT64_C(1) << i % 64;
}

static inline uint64_t region_bits(
	const struct pm_malloc *m, const struct pm_malloc_region *r)
{
	return r->limit > r->first ? (r->limit - r->first) / (2 * m->word) : 0;
}
static inline uint64_t region_bit(const struct pm_malloc *m,
	const struct pm_malloc_region *r, pm_addr chunk)
{
	return (chunk - r->first) / (2 * m->word);
}
static inline bool region_holds(const struct pm_malloc *m,
	const struct pm_malloc_region *r, pm_addr chunk)
{
	return r->arena != PM_MALLOC_NO_ARENA && chunk >= r->first &&
	       chunk < r->limit && !((chunk - r->first) % (2 * m->word));
}
static inline enum pm_chunk_state state_get(
	const struct pm_malloc_region *r, uint64_t bit)
{
	unsigned s = 0;
	for (unsigned i = 0; i < STATE_PLANES; i++)
		s |= (unsigned)bit_get(r->bits[PLANE_STATE + i], bit) << i;
	return (enum pm_chunk_state)s;
}
static inline void state_set(
	struct pm_malloc_region *r, uint64_t bit, enum pm_chunk_state state)
{
	for (unsigned i = 0; i < STATE_PLANES; i++) {
		uint64_t one = UINT64_C(1) << bit % 64;
		uint64_t *word = &r->bits[PLANE_STATE + i][bit / 64];
		*word = state >> i & 1 ? *word | one : *word & ~one;
	}
}
/* The first bit set from bit on, below end; end: none. */
uint64_t bits_next(const uint64_t *map, uint64_t bit, uint64_t end);
/* The last one set at or before bit; UINT64_MAX: none. */
uint64_t bits_before(const uint64_t *map, uint64_t bit);

/* The region that addr is in; NULL: none. */
struct pm_malloc_region *region_at(const struct pm_malloc *m, pm_addr addr);
/* For regions whose extent is known: their bit maps. */
PM_CHECKED enum pm_status regions_map(
	struct pm_malloc *m, struct pm_error *err);
/* The regions of all arenas, by address. */
PM_CHECKED enum pm_status regions_find(
	struct pm_malloc *m, struct pm_error *err);
/* Where sbrk() could not go on, the main heap goes on in other memory. */
struct piece_search {
	size_t map;
	pm_addr at;
};
PM_CHECKED enum pm_status pieces_step(struct pm_malloc *m,
	struct piece_search *s, double end, bool *ret_done,
	struct pm_error *err);

/* The first chunk of memory that begins at at, of so many bytes at most; 0:
   there is none. */
pm_addr region_first(const struct pm_malloc *m, pm_addr at, uint64_t most);
/* More of them, which overlap none. */
PM_CHECKED enum pm_status regions_merge(struct pm_malloc *m,
	const struct pm_malloc_region *more, size_t n, struct pm_error *err);

static inline bool read_word(
	const struct pm_malloc *m, pm_addr at, uint64_t *ret)
{
	return pm_memory_read_uint(m->memory, at, m->word, ret, NULL) == PM_OK;
}

/* A link of a list of free chunks that stands at at: as it is, or hidden with
   its place from 2.32 on ("safe linking"); good says what may be one. */
bool link_follow(const struct pm_malloc *m, pm_addr at, pm_addr *ret,
	bool (*good)(const struct pm_malloc *m, pm_addr to));

/* Free chunks as their headers say, by address. */
struct free_chunk {
	pm_addr chunk;
	uint64_t size; /* bit 0: in a list */
	pm_addr next;  /* in it */
};
struct free_chunks {
	struct free_chunk *data;
	size_t len, cap;
};
PM_CHECKED bool listed_push(
	struct free_chunks *f, pm_addr chunk, uint64_t size, pm_addr next);

/* The lists of an arena; true: all are read. */
struct list_reader {
	size_t arena;
	unsigned bin;
	pm_addr chunk; /* of the list, 0: at its start */
	uint64_t steps;
};
bool lists_step(struct pm_malloc *m, struct free_chunks *f,
	struct list_reader *l, double end);
/* Where headers make no sense: marks what lists lead to, so that it is known
   where the next chunk is. */
bool hints_step(struct pm_malloc *m, struct list_reader *l, double end);
/* Fast bins: when all chunks are known.  true: done. */
bool lists_step_fast(struct pm_malloc *m, struct list_reader *l, double end);

/* Threads' caches: of places that may be one, and what they hold. */
struct caches {
	PM_VEC(pm_addr) places; /* of chunks */
	size_t next;
	uint64_t sizes[8]; /* of chunks of which one may be a cache */
	unsigned nsizes;
};
void caches_init(const struct pm_malloc *m, struct caches *c);
static inline bool caches_wants(const struct caches *c, uint64_t bytes)
{
	for (unsigned i = 0; i < c->nsizes; i++)
		if (c->sizes[i] == bytes)
			return true;
	return false;
}
/* Could these bytes of a chunk, from its header on, be one that holds
   something?  A quick look; len may be less than the chunk's. */
bool caches_may_be(const struct pm_malloc *m, const struct caches *c,
	const unsigned char *chunk, uint64_t bytes, size_t len);
PM_CHECKED enum pm_status caches_step(struct pm_malloc *m, struct caches *c,
	double end, bool *ret_done, struct pm_error *err);

/* Chunks that are mappings of their own. */
struct mapped_search {
	PM_VEC(struct pm_malloc_region) skip; /* sorted */
	size_t map;
	pm_addr at;
	size_t batch;
	bool anchored; /* the next page is where a chunk is to be expected */
	PM_VEC(struct pm_malloc_region) found;
	PM_VEC(bool) is_anchored;
};
/* Are so many bytes what malloc counts? */
bool mapped_agrees(const struct pm_malloc *m, uint64_t bytes);
/* Anonymous memory that malloc may have mapped. */
bool mapped_may_be(const struct pm_mapping *map);
PM_CHECKED enum pm_status mapped_step(struct pm_malloc *m,
	struct mapped_search *s, double end, bool *ret_done,
	struct pm_error *err);
PM_CHECKED enum pm_status mapped_finish(
	struct pm_malloc *m, struct mapped_search *s, struct pm_error *err);

#endif
