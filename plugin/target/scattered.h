/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many small structs of one size at addresses in any order, read in bulk: what
   lies close together is one read, and many reads are one call.  For chains of
   millions of entries that malloc gave out one by one.
   The memory cache is not asked: what a chain passes once is not worth a page
   of it. */
#ifndef PM_TARGET_SCATTERED_H
#define PM_TARGET_SCATTERED_H

#include "target/target.h"

struct pm_scattered {
	struct pm_target *t;
	size_t size; /* bytes of each */
	/* Of the last read, in the order that was asked for. */
	unsigned char *bytes;
	bool *readable; /* false: its bytes are undefined */
	size_t cap;
	/* Private. */
	struct pm_scattered_place *places;
	struct pm_piece *pieces;
	unsigned char *window;
};

/* size: 1 to 4096. */
void pm_scattered_init(
	struct pm_scattered *s, struct pm_target *t, size_t size);
void pm_scattered_deinit(struct pm_scattered *s);

/* Reads the struct at each of n addresses into s->bytes and s->readable. */
PM_CHECKED enum pm_status pm_scattered_read(struct pm_scattered *s,
	const pm_addr *addrs, size_t n, struct pm_error *err);

static inline const unsigned char *pm_scattered_at(
	const struct pm_scattered *s, size_t i)
{
	return s->bytes + i * s->size;
}

#endif
