/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The C library's malloc, glibc's, walked from outside: its arenas and their
   heaps chunk by chunk, what waits in thread caches and fast bins, and the
   chunks that are mappings of their own.

   No symbols are needed: an arena is known by its lists, which lead back to
   themselves, and every fact about a release (shapes.h) is proved by the memory
   it was taken for.  Stopped outside of malloc, the totals are what mallinfo2()
   and malloc_info() would say, to the byte; stopped within, or where memory is
   damaged, what does not fit is counted and said.

   Addresses of chunks are those of their headers, as in glibc: what a program
   got from malloc begins two words behind.  A walk is a resumable job.  */
#ifndef PM_MALLOC_MALLOC_H
#define PM_MALLOC_MALLOC_H

#include "target/module.h"

/* X(name, text) */
#define PM_CHUNKS(X)                                                           \
	X(USED, "in use")                                                      \
	X(FREE, "free")                                                        \
	X(FASTBIN, "free, in a fast bin")                                      \
	X(TCACHE, "free, in a thread's cache")                                 \
	X(CACHE, "table of a thread's cache")                                  \
	X(FENCE, "end of a heap")                                              \
	X(FOREIGN, "taken by another caller of sbrk")                          \
	X(TORN, "makes no sense")                                              \
	X(TOP, "free, at the top of the arena")                                \
	X(HEADER, "malloc's own")                                              \
	X(RESERVED, "address space kept for the heap")

enum pm_chunk_state {
#define X(name, text) PM_CHUNK_##name,
	PM_CHUNKS(X)
#undef X
};

struct pm_malloc_chunk {
	pm_addr addr;
	uint64_t bytes; /* with its header */
	enum pm_chunk_state state;
	bool mapped;   /* a mapping of its own, in no arena */
	bool claimed;  /* see pm_malloc_claim */
	size_t region; /* index */
};

/* Memory that malloc got from the system, [start, end): the main heap, a heap
   of another arena, or a chunk that is a mapping of its own. */
struct pm_malloc_region {
	pm_addr start, end;
	pm_addr first;	   /* its first chunk; before it, malloc's own */
	pm_addr limit;	   /* [limit, end) is reserved only */
	size_t arena;	   /* index; of mapped ones: PM_MALLOC_NO_ARENA */
	uint64_t *bits[5]; /* private: pm_malloc_plane */
	bool cached;	   /* of mapped ones: it is in a thread's cache */
	bool claimed;
};
#define PM_MALLOC_NO_ARENA SIZE_MAX

/* As in malloc_info(): the free chunks of one list. */
struct pm_malloc_bin {
	uint64_t from, to, total, count;
};
#define PM_MALLOC_BINS 127
#define PM_MALLOC_FASTBINS 11

struct pm_malloc_arena {
	pm_addr addr;
	pm_addr top;
	uint64_t top_bytes;
	uint64_t system, max_system; /* from the system, now and at most */
	uint64_t threads;	     /* attached; 0 where it is not kept */
	uint64_t heaps, heap_bytes, writable_bytes; /* of other arenas */
	bool contiguous;			    /* only sbrk() memory */
	bool locked; /* somebody is within malloc */
	struct pm_malloc_bin fast[PM_MALLOC_FASTBINS];
	struct pm_malloc_bin bins[PM_MALLOC_BINS]; /* 0: unsorted */
};

/* What mallinfo2() returns. */
struct pm_malloc_info {
	uint64_t arena, ordblks, smblks, hblks, hblkhd, fsmblks, uordblks,
		fordblks, keepcost;
};

/* malloc's parameters, as they are now. */
struct pm_malloc_settings {
	pm_addr addr; /* of mp_; 0: not found, and nothing of it known */
	uint64_t trim_threshold, top_pad, mmap_threshold, arena_max;
	uint64_t mapped_chunks, mapped_bytes, max_mapped_bytes;
	pm_addr sbrk_base;
	bool is_static; /* thresholds were set, they do not follow the use */
};

struct pm_malloc {
	struct pm_target *target;
	struct pm_memory *memory;
	const struct pm_module *module; /* whose malloc it is */
	const struct malloc_shape *shape;
	struct malloc_places *places; /* owned; private */
	unsigned word;
	bool big_endian;

	PM_VEC(struct pm_malloc_arena) arenas;	 /* the main one first */
	PM_VEC(struct pm_malloc_region) regions; /* sorted by address */
	struct pm_malloc_settings settings;

	/* Complete once done. */
	bool done;
	uint64_t count[PM_CHUNK_RESERVED + 1];
	uint64_t bytes[PM_CHUNK_RESERVED + 1]; /* without mapped ones */
	uint64_t mapped_count, mapped_bytes;   /* found */
	uint64_t caches;		       /* threads' caches found */
	/* Chunks that no list has and no neighbour calls used, links that lead
	   nowhere, chunks that cannot be. */
	uint64_t unlisted, broken_links, torn;
};

struct pm_malloc_walk; /* opaque job */

/* Finds the arenas; PM_ABSENT when there is no glibc malloc that was used. ms
   has to live as long as the result. */
PM_CHECKED enum pm_status pm_malloc_create(struct pm_memory *m,
	const struct pm_modules *ms, struct pm_malloc **ret,
	struct pm_error *err);
void pm_malloc_destroy(struct pm_malloc *m);
static inline void pm_cleanup_malloc(struct pm_malloc **m)
{
	pm_malloc_destroy(*m);
}
#define pm_auto_malloc PM_CLEANUP(pm_cleanup_malloc) struct pm_malloc *

PM_CHECKED enum pm_status pm_malloc_walk_create(
	struct pm_malloc *m, struct pm_malloc_walk **ret, struct pm_error *err);
/* Memory in which no chunk is, so that it need not be looked through (arenas of
   Python).  Before the first step, by address. */
PM_CHECKED enum pm_status pm_malloc_walk_skip(struct pm_malloc_walk *w,
	pm_addr start, pm_addr end, struct pm_error *err);
PM_CHECKED enum pm_status pm_malloc_walk_step(struct pm_malloc_walk *w,
	double seconds, bool *ret_done, struct pm_error *err);
/* For a progress line: bytes of total. */
void pm_malloc_walk_progress(const struct pm_malloc_walk *w, uint64_t *ret_done,
	uint64_t *ret_total);
void pm_malloc_walk_destroy(struct pm_malloc_walk *w);

/* Once done: chunk by chunk, by address; every byte of a region is in one.  at
   is {0} at first; false at the end. */
struct pm_malloc_cursor {
	size_t region;
	pm_addr addr;
};
bool pm_malloc_next(const struct pm_malloc *m, struct pm_malloc_cursor *at,
	struct pm_malloc_chunk *ret);

/* The chunk whose memory addr is in: a used one's reaches a word into the next.
   false: in none. */
bool pm_malloc_find(
	const struct pm_malloc *m, pm_addr addr, struct pm_malloc_chunk *ret);

/* Somebody knows what the chunk at or around addr is used for.  *ret_chunk (may
   be NULL) is what it was before; false: in none that is used. */
bool pm_malloc_claim(
	struct pm_malloc *m, pm_addr addr, struct pm_malloc_chunk *ret_chunk);

void pm_malloc_info(const struct pm_malloc *m, struct pm_malloc_info *ret);

/* Did all agree: lists, headers, malloc's own counts? */
bool pm_malloc_is_sound(const struct pm_malloc *m);

const char *pm_malloc_state_text(enum pm_chunk_state state);

/* "jemalloc": the malloc of the program when it is not glibc's, or the name of
   the file that defines it; NULL: glibc's, or not known.  In buf. */
const char *pm_malloc_other(const struct pm_modules *ms, char *buf, size_t cap);

#endif
