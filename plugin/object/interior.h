/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names a place inside an object: a field of its struct, a word before it, an
   item, a character, an entry of a table it owns.  Words that hold references
   are called what refs.h calls them.  Never fails: what can't be told more
   exactly is given as an offset. */
#ifndef PM_OBJECT_INTERIOR_H
#define PM_OBJECT_INTERIOR_H

#include "object/refs.h"

/* Which of the buffers of x holds at, given that it is in memory of x that
   spans [start, end) and is not its own block; PM_ABSENT: none of those that
   are known. */
PM_CHECKED enum pm_status pm_interior_buffer(const struct pm_objects *o,
	const struct pm_object *x, pm_addr at, pm_addr start, pm_addr end,
	struct pm_buffer *ret);

/* Appends the name of the place at: in the block of x itself (b NULL), or in
   that buffer of it.  "ob_refcnt", "slot .name", "[3]", "value for 'k'",
   "character 5", "+0x28". */
void pm_interior_describe(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_buffer *b, pm_addr at, struct pm_strbuf *out);

/* Appends the name of the place at offset off of a struct of fields.h, given
   the index of its sizeof_; false when no field is there. */
bool pm_interior_field(const struct pm_layout *l, size_t size_index,
	uint64_t off, struct pm_strbuf *out);

#endif
