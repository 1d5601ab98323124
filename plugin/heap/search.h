/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A search of the target's memory for a number or for bytes, at the speed of
   reading it: mapping by mapping, in pieces that stay in the cache, by as many
   threads as the target allows.

   A resumable job, like the walk. */
#ifndef PM_HEAP_SEARCH_H
#define PM_HEAP_SEARCH_H

#include "base/vec.h"
#include "target/target.h"

#define PM_SEARCH_FORMS 4
#define PM_SEARCH_RANGES 8

/* What to look for: a number (width not 0), one in some ranges (too), or any of
   some byte strings. */
struct pm_search_for {
	unsigned width;	      /* 1, 2, 4, 8: numbers at multiples of it */
	bool big_endian;      /* the target's order */
	uint64_t value, mask; /* (number & mask) == value */
	/* Instead of value, not 0: numbers from first to first + span, of this
	   machine's byte order and 4 or 8 bytes. */
	unsigned nranges;
	struct pm_search_range {
		uint64_t first, span;
	} ranges[PM_SEARCH_RANGES];
	unsigned nforms;
	struct {
		const unsigned char *bytes; /* the caller's, while the job is */
		size_t len;		    /* not 0 */
	} forms[PM_SEARCH_FORMS];
	bool read_only; /* in memory that cannot be written, too */
	/* If not NULL: only there, the caller's while the job is created. */
	const struct pm_search_range *within;
	size_t nwithin;
};

struct pm_search_hit {
	pm_addr addr;
	uint8_t form; /* index in forms; of those that match the longest */
};

struct pm_search_result {
	PM_VEC(struct pm_search_hit) hits; /* by address, the first limit */
	uint64_t count;			   /* of all */
	uint64_t bytes;			   /* searched */
	uint64_t unreadable;		   /* pieces with holes in them */
};

struct pm_search; /* opaque */

/* limit: hits to keep, not 0. */
PM_CHECKED enum pm_status pm_search_create(struct pm_target *t,
	const struct pm_search_for *what, size_t limit, struct pm_search **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_search_step(struct pm_search *s, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_search_progress(
	const struct pm_search *s, uint64_t *ret_done, uint64_t *ret_total);
/* Owned by the job; complete once done. */
const struct pm_search_result *pm_search_result(const struct pm_search *s);
void pm_search_destroy(struct pm_search *s);

#endif
