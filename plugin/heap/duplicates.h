/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Equal objects that are separate: str or bytes of the same content, tuples of
   the same items, frozensets of the same members.  Interpreters with allocators
   of their own share none, and are taken one by one.  Content is compared by a
   64-bit hash of our own together with its size.  The heap is read once for
   hashes, 8 bytes each; once they are compared, what may have a copy is read
   again.  A resumable job after a walk. */
#ifndef PM_HEAP_DUPLICATES_H
#define PM_HEAP_DUPLICATES_H

#include "heap/scan.h"

enum pm_duplicate_kind {
	PM_DUPLICATE_STR,
	PM_DUPLICATE_BYTES,
	PM_DUPLICATE_TUPLE,
	PM_DUPLICATE_FROZENSET,
};

#define PM_DUPLICATE_SAMPLES 4

struct pm_duplicate {
	uint64_t copies;
	uint64_t size;	/* of all copies, as sys.getsizeof */
	uint64_t alloc; /* bytes set aside for all of them */
	uint64_t kept;	/* of these, for the one that would stay */
	bool interned;	/* one of them is: that one would stay */
	pm_addr stays;
	pm_addr samples[PM_DUPLICATE_SAMPLES]; /* others, 0: no more */
	uint64_t each;			       /* size of one */
};

struct pm_duplicates {
	PM_VEC(struct pm_duplicate) list;     /* two copies and more */
	uint64_t objects;		      /* of the kind, copies or not */
	uint64_t copies, size, alloc, saving; /* of the list */
	/* Of several interpreters, and whose is not known: not compared. */
	uint64_t left_out;
	/* Several interpreters with strings of their own get memory from one
	   malloc: how many.  Theirs are compared with each other's. */
	unsigned mingled;
	uint64_t unreadable, inconsistent;
};

static inline uint64_t pm_duplicate_saving(const struct pm_duplicate *d)
{
	return d->alloc - d->kept;
}

struct pm_duplicates_job; /* opaque */

PM_CHECKED enum pm_status pm_duplicates_create(struct pm_heap *h,
	enum pm_duplicate_kind kind, struct pm_duplicates_job **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_duplicates_step(struct pm_duplicates_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_duplicates_progress(const struct pm_duplicates_job *j,
	uint64_t *ret_done, uint64_t *ret_total);
/* Owned by the job; the list may be sorted. */
struct pm_duplicates *pm_duplicates_result(struct pm_duplicates_job *j);
void pm_duplicates_destroy(struct pm_duplicates_job *j);

#endif
