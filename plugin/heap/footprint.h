/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the allocator set aside for one object. */
#ifndef PM_HEAP_FOOTPRINT_H
#define PM_HEAP_FOOTPRINT_H

#include "heap/walk.h"

enum pm_place_kind { PM_PLACE_ARENA, PM_PLACE_MALLOC, PM_PLACE_STATIC };

struct pm_footprint {
	enum pm_place_kind place; /* of the object itself */
	uint64_t block;		  /* bytes of its own block; 0 static */
	uint64_t alloc;		  /* with the buffers that are its alone */
};

/* What the allocator set aside for a buffer, all links of a chain. */
uint64_t pm_buffer_alloc(const struct pm_heap *h, struct pm_memory *m,
	const struct pm_buffer *b);

/* m: of the loaded object x. */
void pm_footprint(struct pm_heap *h, const struct pm_object *x,
	const struct pm_measure *m, struct pm_footprint *ret);

/* Bytes set aside for bytes at addr, wherever it is; 0 in a module's image. */
uint64_t pm_block_size(const struct pm_heap *h, struct pm_memory *m,
	pm_addr addr, uint64_t bytes);

/* The same for values of attributes; 3.11 and 3.12 point into their block.
   bytes: of the values, 0 if not known. */
uint64_t pm_values_size(const struct pm_heap *h, struct pm_memory *m,
	pm_addr values, uint64_t bytes);

/* The word before what glibc gave out is the chunk's size with three flag bits,
   bit 1: mapped by itself (malloc/malloc.c, struct malloc_chunk).  false: it
   can't be read. */
bool pm_malloc_chunk(struct pm_memory *m, unsigned word_size, pm_addr addr,
	uint64_t *ret_size, bool *ret_mapped);

/* pm_objects_init for objects of this heap: what they own must find room in
   its blocks. */
void pm_heap_objects_init(
	const struct pm_heap *h, struct pm_memory *m, struct pm_objects *ret);
/* struct pm_resolver's room; heap is the struct pm_heap. */
bool pm_heap_room(const void *heap, pm_addr addr, uint64_t bytes);

/* Bytes that would be set aside for bytes. */
uint64_t pm_block_for(const struct pm_heap *h, uint64_t bytes);

#endif
