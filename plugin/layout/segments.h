/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments of mimalloc (Include/internal/mimalloc/mimalloc/types.h, 3.13 and
   later): pieces of memory aligned to their size, a head at the start with one
   entry per slice, pages of blocks behind it.  Which of the two layouts that
   releases have had is this target's shows the head of the segment that sys's
   dict lies in. */
#ifndef PM_LAYOUT_SEGMENTS_H
#define PM_LAYOUT_SEGMENTS_H

#include "layout/layout.h"

struct pm_segment {
	pm_addr addr;
	uint64_t cookie; /* the same for all segments of one mimalloc */
	uint64_t thread; /* its owner; 0: abandoned, or free */
	uint64_t used;	 /* pages in use; 0: free, what it holds is stale */
	uint64_t slices; /* all of it, its head included */
	uint32_t entries, info; /* slices with an entry; of these, the head's */
	bool huge;		/* one page, of more than usual size */
};

/* 0: this build has no mimalloc. */
uint32_t pm_segment_slices(const struct pm_fields *f);
/* Bytes of a slice, of a segment, and of a segment's head. */
uint32_t pm_slice_size(const struct pm_layout *l);
uint64_t pm_segment_size(const struct pm_layout *l, const struct pm_fields *f);
uint32_t pm_segment_head_size(const struct pm_fields *f);

/* What pm_segment_head_size bytes from addr on say; false: no head of one. */
bool pm_segment_parse(const struct pm_layout *l, const struct pm_fields *f,
	pm_addr addr, const unsigned char *head, struct pm_segment *ret);

/* Entry i of a head's slices. */
static inline const unsigned char *pm_segment_entry(
	const struct pm_fields *f, const unsigned char *head, uint32_t i)
{
	return head + f->mi_segment.slices.off +
	       (size_t)i * f->mi_page.sizeof_.off;
}

/* The entry of the span behind that at i, which its length leads to; 0: the
   entry makes no sense.  s->entries is the end. */
uint32_t pm_segment_next(const struct pm_layout *l, const struct pm_fields *f,
	const struct pm_segment *s, const unsigned char *head, uint32_t i);

/* The segment of the interpreter's own dicts: the cookie of the others.  False
   when they are not in one: another allocator is in use. */
bool pm_segment_anchor(const struct pm_layout *l, const struct pm_fields *f,
	struct pm_memory *m, struct pm_segment *ret);

#endif
