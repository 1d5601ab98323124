/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that the interpreter keeps for its next object of a kind: blocks that
   the allocator counts as used.  Until 3.13 what is held has a refcount of 0,
   since 3.14 (pycore_freelist.h) the link takes the refcount's place, and it
   looks alive.  Where the lists are static variables (3.9 and before) they are
   found by what they hold. */
#ifndef PM_HEAP_FREELISTS_H
#define PM_HEAP_FREELISTS_H

#include "layout/layout.h"

struct pm_heap;

struct pm_freelist {
	const char *name; /* "floats" */
	uint32_t length;  /* of the tuples that it holds */
	uint64_t count;
	uint64_t bytes; /* that the allocator set aside for them */
	bool unknown;	/* there is one, but nothing tells how long it is */
};

struct pm_freelists {
	PM_VEC(pm_addr) held; /* what the lists hold, by address */
	/* Every list that there is, also empty ones, the same of several
	   interpreters and threads as one. */
	PM_VEC(struct pm_freelist) lists;
	bool by_structure; /* static variables, found by what they hold */
	uint64_t
		broken; /* their links don't agree with their length: ignored */
};

/* Reads the lists of every interpreter and thread; h has its pools. */
PM_CHECKED enum pm_status pm_freelists_read(
	struct pm_heap *h, struct pm_freelists *ret, struct pm_error *err);
void pm_freelists_deinit(struct pm_freelists *f);

/* Index of the first held address that is not below addr. */
size_t pm_freelists_from(const struct pm_freelists *f, pm_addr addr);
bool pm_freelists_hold(const struct pm_freelists *f, pm_addr addr);

#endif
