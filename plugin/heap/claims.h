/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In whose buffers some places lie, without a walk: a second search of memory,
   for pointers to where their blocks begin, leads to objects that own them.

   Only what is proven is told: an owner is an object of a pool that the
   collector's list holds.  A resumable job. */
#ifndef PM_HEAP_CLAIMS_H
#define PM_HEAP_CLAIMS_H

#include "heap/spot.h"

#define PM_CLAIMS_MAX 64 /* places */

struct pm_claims; /* opaque */

/* Takes places that pm_spot_find could not tell for sure.  *ret is NULL where a
   walk is the better way: too many, or of another byte order. */
PM_CHECKED enum pm_status pm_claims_create(struct pm_heap *h,
	const struct pm_spot *places, size_t n, struct pm_claims **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_claims_step(struct pm_claims *c, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_claims_progress(
	const struct pm_claims *c, uint64_t *ret_done, uint64_t *ret_total);
void pm_claims_destroy(struct pm_claims *c);

/* Once done: was an owner found for each of the places? */
bool pm_claims_complete(const struct pm_claims *c);
/* Says in *s whose its address is, if the job found out. */
void pm_claims_apply(const struct pm_claims *c, struct pm_spot *s);

#endif
