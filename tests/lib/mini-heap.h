/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small pymalloc heap in the image of a mini Python: pools, blocks, objects
   that pm_walk and what stands on it can be held to. */
#ifndef TESTS_LIB_MINI_HEAP_H
#define TESTS_LIB_MINI_HEAP_H

#include "lib/mini-python.h"

struct mini_heap {
	struct mini m;
	pm_addr arena, table;
	uint32_t carved;
	pm_addr int_type, long_type, list_type, tuple_type, user_type;
	pm_addr gc_list; /* a collector's list head */
};

void mini_heap_init(struct mini_heap *h, const struct pm_row *row);
void mini_heap_deinit(struct mini_heap *h);

/* A ready type with this tp_name, more flags besides. */
pm_addr mini_type(struct mini_heap *h, const char *name, uint32_t basicsize,
	uint32_t itemsize, uint64_t more, bool heap);

/* A used block of at least size bytes; zeros. */
pm_addr mini_block(struct mini_heap *h, uint32_t size);
/* Gives it back: it heads its pool's free list then. */
void mini_free(struct mini_heap *h, pm_addr block);

/* An object in a block of its own; gc: with a collector's head, linked. */
pm_addr mini_new(struct mini_heap *h, pm_addr type, uint32_t size, bool gc);
pm_addr mini_new_int(struct mini_heap *h, uint32_t v);
/* A list of n items that are already there. */
pm_addr mini_new_list(struct mini_heap *h, const pm_addr *items, uint32_t n);
pm_addr mini_new_tuple(struct mini_heap *h, const pm_addr *items, uint32_t n);

#endif
