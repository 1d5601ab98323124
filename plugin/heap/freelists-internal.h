/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of reading free lists share: freelists.c (lists whose place
   is known), freelists-static.c (static variables). */
#ifndef PM_HEAP_FREELISTS_INTERNAL_H
#define PM_HEAP_FREELISTS_INTERNAL_H

#include "heap/walk.h"

#define PM_NO_FREELIST_FIELD UINT16_MAX

/* How a list is kept before 3.14. */
enum pm_freelist_form {
	PM_FREELIST_CHAIN, /* a head, linked through a word of each */
	PM_FREELIST_STACK, /* an array of pointers */
	PM_FREELIST_ONE,   /* a single pointer */
	PM_FREELIST_NONE,  /* there is none before 3.14 */
};

struct pm_freelist_kind {
	const char *name;
	uint16_t items, count; /* fields: the list, and its length */
	enum pm_freelist_form form;
	uint16_t link;	  /* field that holds the next one of a chain */
	uint16_t size;	  /* field: sizeof what is held */
	bool gc;	  /* with a collector's head before it */
	const char *type; /* of what a static list holds */
};

extern const struct pm_freelist_kind pm_freelist_kinds[]; /* name NULL ends */

static inline struct pm_field pm_freelist_field(
	const struct pm_layout *l, uint16_t index)
{
	const struct pm_field *all = (const struct pm_field *)&l->f;
	return index == PM_NO_FREELIST_FIELD ? (struct pm_field){0}
					     : all[index];
}

/* Is the first word of what a list holds a refcount of 0? */
bool pm_freelist_is_dead(const struct pm_heap *h, pm_addr addr);
/* The same of keys of a dict: those of one that grew keep their 1. */
bool pm_freelist_are_dead_keys(const struct pm_heap *h, pm_addr addr);

/* Appends an array of n pointers to held; false: broken, nothing was
   appended, or *ret_nomem. */
bool pm_freelist_stack(struct pm_heap *h, const struct pm_freelist_kind *k,
	pm_addr items, uint64_t n, size_t cap, struct pm_freelists *f,
	bool *ret_nomem);

/* Follows a chain of count (UINT64_MAX: to its end) dead ones and appends it
   to held; false: broken, nothing was appended, or *ret_nomem. */
bool pm_freelist_chain(struct pm_heap *h, const struct pm_freelist_kind *k,
	pm_addr head, uint64_t count, struct pm_freelists *f, bool *ret_nomem);

/* Credits held[from...] to the list of kind k. */
PM_CHECKED enum pm_status pm_freelist_credit(struct pm_heap *h,
	const struct pm_freelist_kind *k, uint32_t length, size_t from,
	struct pm_freelists *f, struct pm_error *err);

PM_CHECKED enum pm_status pm_freelists_read_static(
	struct pm_heap *h, struct pm_freelists *f, struct pm_error *err);

#endif
