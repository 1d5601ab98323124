/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the walk share: stream.c (arenas), outside.c (rounds),
   walk.c (the job). */
#ifndef PM_HEAP_WALK_INTERNAL_H
#define PM_HEAP_WALK_INTERNAL_H

#include "heap/walk.h"

#define PM_TYPE_CACHE 1024
#define PM_KEYS_CACHE 1024
#define PM_RECENT 4096

struct pm_type_cache_entry {
	pm_addr addr;
	const struct pm_type *type; /* NULL: not one */
};

struct pm_keys_cache_entry {
	pm_addr addr;
	struct pm_keys_brief brief;
};

/* Where a reference outside the arenas was seen. */
enum pm_candidate_from {
	PM_FROM_OBJECT,	 /* a reference of an object, or a buffer's */
	PM_FROM_GC_LINK, /* a neighbour in a collector's list */
	PM_FROM_GUESS,	 /* a word of a block of unknown use, or of a struct */
};

struct pm_candidate {
	pm_addr addr;
	enum pm_candidate_from from;
};

/* A buffer outside the arenas, to be scanned and credited. */
struct pm_outside_buffer {
	struct pm_buffer b;
	pm_addr owner;
	uint32_t type_id;
};

/* One thread's part: shares nothing that it writes, but its own pools' words
   of heap->is_object and is_dead. */
struct pm_worker {
	struct pm_heap *h;
	struct pm_objects o;
	struct pm_memory *memory;
	struct pm_resolver resolver;
	uint32_t odd;	   /* bits that no address of an object has */
	bool plain_words;  /* of 8 bytes, in the byte order of this machine */
	bool types_inside; /* some pools have blocks that large */
	unsigned char *chunk; /* a run's bytes */
	struct pm_type_cache_entry type_cache[PM_TYPE_CACHE];
	struct pm_keys_cache_entry keys_cache[PM_KEYS_CACHE];
	pm_addr recent[PM_RECENT];
	struct pm_map seen;
	PM_VEC(struct pm_candidate) candidates;
	PM_VEC(struct pm_outside_buffer) buffers;
	PM_VEC(struct pm_outside) found; /* objects outside */
	PM_VEC(struct pm_outside) owned; /* buffers outside */
	PM_VEC(struct pm_type_stats) stats;
	struct pm_type_stats lost; /* out of memory: the walk will fail */
	uint64_t *is_buffer;
	uint64_t keys_of_class[PM_MAX_CLASSES]; /* bytes, 0: read them */
	uint64_t pool_types;			/* of the pool under way */
	uint64_t blocks_used, blocks_objects, blocks_dead, bytes_used;
	uint64_t bytes_dead, unreadable, inconsistent;
	enum pm_status status; /* fatal ones only */
};

PM_CHECKED enum pm_status pm_worker_init(
	struct pm_worker *k, struct pm_heap *h, struct pm_error *err);
void pm_worker_deinit(struct pm_worker *k);

/* Streams one run of pools; and, once, what is in no pool. */
void pm_stream_run(struct pm_worker *k, size_t run);
void pm_stream_large(struct pm_worker *k);

/* A word that may lead out of the arenas. */
void pm_worker_candidate(
	struct pm_worker *k, pm_addr addr, enum pm_candidate_from from);

/* Marks a buffer of an object; credits its block to the type. */
void pm_worker_buffer(struct pm_worker *k, const struct pm_buffer *b,
	pm_addr owner, const struct pm_type *t);

struct pm_type_stats *pm_worker_stats(
	struct pm_worker *k, const struct pm_type *t);

/* One candidate or outside buffer of a round. */
void pm_outside_object(struct pm_worker *k, const struct pm_candidate *c);
void pm_outside_scan(struct pm_worker *k, const struct pm_outside_buffer *b);
/* The first candidates: interpreter and thread states, Python stacks. */
void pm_outside_roots(struct pm_worker *k);

#define PM_LOWEST_POINTER 0x10000

/* Can these bytes be the collector's head of an object? */
static inline bool pm_heap_gc_head_plausible(
	const struct pm_layout *l, const unsigned char *head)
{
	uint64_t next = pm_get(l, head, l->f.gc_head.next);
	uint64_t prev = pm_get(l, head, l->f.gc_head.prev);
	/* Three-word heads (3.7) have a counter: _PyGC_REFS_UNTRACKED (links
	   may then be left over, or never have been set), _REACHABLE or
	   _TENTATIVELY_UNREACHABLE, or a count while they are collected. */
	if (pm_has(l->f.gc_head.refs)) {
		int64_t refs = pm_get_signed(l, head, l->f.gc_head.refs) >>
			       l->t.gc_refs_shift;
		if (refs < -4 || refs == -1 || refs > INT32_MAX)
			return false;
		if (refs == -2)
			return true;
	} else if (!(next & l->t.gc_next_mask)) {
		return !next && !(prev & ~PM_GC_PREV_FLAGS);
	}
	next &= l->t.gc_next_mask;
	/* The head of a list may stand at a multiple of 4: Debian's 3.13. */
	return next >= PM_LOWEST_POINTER && !(next & 3) && !(next >> 48) &&
	       (prev >= PM_LOWEST_POINTER || prev & PM_GC_PREV_COLLECTING) &&
	       !(prev >> 48);
}

#endif
