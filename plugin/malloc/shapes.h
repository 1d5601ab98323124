/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed in glibc's malloc from release to release (malloc/malloc.c), as
   rows.  No release is ever asked for: a row is taken when the memory of the
   target proves all of it.  To add one: a row in shapes.c, the newest first. */
#ifndef PM_MALLOC_SHAPES_H
#define PM_MALLOC_SHAPES_H

#include "malloc/malloc.h"

struct malloc_shape {
	const char *releases; /* for readers of the table */
	/* malloc_state */
	bool fastbins;
	bool fast_flag; /* have_fastchunks before them */
	bool attached;	/* attached_threads */
	/* malloc_par */
	bool huge_pages; /* thp_pagesize, hp_pagesize, hp_flags */
	bool thp_mode;	 /* before these */
	bool max_total;	 /* max_total_mem before sbrk_base */
	/* mmapped_mem gains two words whenever a mapped chunk is resized
	   (mremap_chunk): it is too much then, by a multiple of that. */
	bool mapped_drifts;
};

/* Ends with one that has no releases. */
extern const struct malloc_shape malloc_shapes[];

/* Offsets in malloc_state. */
struct malloc_places {
	uint32_t fastbins, nfast, top, bins, next, attached, system, size;
};
/* variant: 0, 1 ...: the machines of this word size; false: no more. */
bool malloc_places(const struct malloc_shape *s, unsigned word,
	unsigned variant, struct malloc_places *ret);

/* Offsets in malloc_par; thp, hp: 0 where there are none. */
struct malloc_params {
	uint32_t thp_mode, thp, hp, n_mmaps, mmapped, sbrk_base, size;
};
void malloc_params(
	const struct malloc_shape *s, unsigned word, struct malloc_params *ret);

/* A thread's cache, tcache_perthread_struct: so many counters, then lists. */
struct malloc_cache_shape {
	const char *releases;
	uint8_t width; /* of a counter, in bytes */
	uint8_t small; /* lists of one size of chunk each */
	uint8_t large; /* lists of chunks up to a power of two */
	bool counts;   /* counters are lengths; else what room is left */
};
extern const struct malloc_cache_shape malloc_cache_shapes[];

#endif
