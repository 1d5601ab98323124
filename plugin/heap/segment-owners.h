/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose segments of mimalloc: each thread of Python has heaps of its own, so
   that every segment belongs to a thread and thereby to an interpreter.  Those
   of threads that have ended are on a list of the interpreter's (until 3.14.9,
   3.15.1) or name its sub-process; other heaps serve PyMem_RawMalloc. */
#ifndef PM_HEAP_SEGMENT_OWNERS_H
#define PM_HEAP_SEGMENT_OWNERS_H

#include "heap/pools.h"
#include "layout/segments.h"

struct pm_owned_address {
	pm_addr addr;
	int64_t interp; /* its number */
};

struct pm_segment_owners {
	bool known;	/* false: this build has one heap for all */
	int64_t wanted; /* the interpreter that alone counts */
	PM_VEC(struct pm_owned_address) heaps;	  /* of threads, sorted */
	PM_VEC(struct pm_owned_address) segments; /* without a thread, sorted */
	PM_VEC(struct pm_owned_address) subprocs;
};

/* Reads who owns what of the places where segments are, sorted.  What cannot be
   read is left out. */
PM_CHECKED enum pm_status pm_segment_owners_read(const struct pm_layout *l,
	struct pm_memory *m, const pm_addr *places, size_t n,
	struct pm_segment_owners *ret, struct pm_error *err);
void pm_segment_owners_deinit(struct pm_segment_owners *o);

/* Number of the interpreter that the segment s with this head belongs to, or
   PM_OWNER_RAW or PM_OWNER_LOST. */
int64_t pm_segment_owner(const struct pm_segment_owners *o,
	const struct pm_layout *l, const struct pm_segment *s,
	const unsigned char *head);

#endif
