/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How full a list, dict, set, deque or bytearray is. */
#ifndef PM_HEAP_FULLNESS_H
#define PM_HEAP_FULLNESS_H

#include "heap/scan.h"

struct pm_fullness {
	uint64_t used, capacity;
	uint64_t waste; /* bytes set aside for entries that are not in use */
};

struct pm_fullness_reader {
	const struct pm_heap *h;
	/* What a table of keys is that fills a block of a class; bytes 0: look
	   at it. */
	struct pm_keys_shape shapes[PM_MAX_CLASSES];
};
/* The pools are read. */
void pm_fullness_reader_init(
	const struct pm_heap *h, struct pm_fullness_reader *ret);

/* Is it one of these? */
bool pm_has_fullness(const struct pm_type *t);

/* x: of such a type; o: for reads elsewhere.  PM_FAULT: its table can't be
   read.  PM_CORRUPT: it makes no sense. */
PM_CHECKED enum pm_status pm_fullness(const struct pm_fullness_reader *f,
	const struct pm_objects *o, const struct pm_scanned *x,
	struct pm_fullness *c);

#endif
