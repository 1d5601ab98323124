/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments of mimalloc in the image of a mini Python, for rows that have its
   structs: pages of blocks, their lists of free ones, encoded where the row's
   build encodes them. */
#ifndef TESTS_LIB_MINI_SEGMENTS_H
#define TESTS_LIB_MINI_SEGMENTS_H

#include "lib/mini-heap.h"

struct mini_segment {
	struct mini *m;
	pm_addr addr;
	uint32_t next; /* slice that is free */
};

struct mini_page {
	struct mini_segment *s;
	pm_addr entry, start, first;
	uint32_t block;
	uint64_t keys[2];
};

enum mini_list { MINI_FREE, MINI_LOCAL_FREE, MINI_THREAD_FREE };

bool mini_has_segments(const struct pm_row *row);

/* The number-th segment.  The first one brings the interpreter's dict. */
void mini_segment_init(struct mini_segment *s, struct mini *m, unsigned number,
	uint64_t thread);
/* A page of blocks of this size; of a heap that use numbers. */
struct mini_page mini_page(
	struct mini_segment *s, uint32_t block, unsigned use);
void mini_page_put(struct mini_page *p, struct pm_field f, uint64_t v);
uint64_t mini_page_get(struct mini_page *p, struct pm_field f);
/* Its next block, in use. */
pm_addr mini_page_block(struct mini_page *p);
/* Puts a block on one of the lists. */
void mini_page_free(struct mini_page *p, pm_addr block, enum mini_list list);
/* Puts it on the list of the page's heap instead. */
void mini_page_delay(struct mini_page *p, pm_addr block);
/* An object at the start of a block, or behind pre bytes of it. */
pm_addr mini_page_object(struct mini_page *p, pm_addr type, uint32_t pre);

#endif
