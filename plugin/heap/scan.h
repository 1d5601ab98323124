/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every object of a walked heap once more, with its bytes at hand: at memory
   speed, by as many threads as the target allows.  A resumable job.

   What is called with an object must not keep its bytes.  Threads share
   nothing but the heap: who says which of pm_scan_threads () is calling. */
#ifndef PM_HEAP_SCAN_H
#define PM_HEAP_SCAN_H

#include "heap/walk.h"

struct pm_scanned {
	pm_addr addr;
	const struct pm_type *type;
	const unsigned char *body; /* pre-header words are before it */
	size_t avail;		   /* bytes of it, from body on */
	uint64_t block; /* bytes of its block in an arena, 0: outside */
	size_t pool;	/* of one in an arena */
	pm_addr start;	/* and where its block begins */
	uint64_t place; /* a number of its own, see pm_scan_places */
	bool is_static;
};

/* Is this type wanted?  Asked once for each, before the first object. */
typedef bool pm_scan_wants_fn(void *arg, const struct pm_type *t);
/* false: out of memory, the scan fails. */
typedef bool pm_scan_fn(void *arg, unsigned who, const struct pm_scanned *x);

struct pm_scan; /* opaque job */

/* wants NULL: all.  threads 0: as many as pay off; 1: that of the caller, who
   may use the heap's own reader.  The heap was walked. */
PM_CHECKED enum pm_status pm_scan_create(struct pm_heap *h,
	pm_scan_wants_fn *wants, unsigned threads, pm_scan_fn *fn, void *arg,
	struct pm_scan **ret, struct pm_error *err);
/* Places of objects are below this: the bit of a block (pm_heap_bit), behind
   them the objects outside. */
static inline uint64_t pm_scan_places(const struct pm_heap *h)
{
	return h->pools->nwords * 64 + h->outside.len;
}
/* Only what is at these places, a bit each: before the first step.  Pools that
   have none are not read. */
void pm_scan_only(struct pm_scan *s, const uint64_t *places);
PM_CHECKED enum pm_status pm_scan_step(struct pm_scan *s, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_scan_progress(
	const struct pm_scan *s, uint64_t *ret_done, uint64_t *ret_total);
void pm_scan_destroy(struct pm_scan *s);
static inline void pm_cleanup_scan(struct pm_scan **s)
{
	pm_scan_destroy(*s);
}

/* PM_TEAM_MAX at most. */
unsigned pm_scan_threads(const struct pm_scan *s);
/* For reads elsewhere by thread who. */
const struct pm_objects *pm_scan_objects(const struct pm_scan *s, unsigned who);
/* Pieces of memory that could not be read, once done. */
uint64_t pm_scan_unreadable(const struct pm_scan *s);

/* A handle on what is being seen, with its first bytes. */
void pm_scan_load(const struct pm_scan *s, const struct pm_scanned *x,
	struct pm_object *ret);

#endif
