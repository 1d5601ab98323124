/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose something is, in a few words: "attribute .tags of app.Foo", "module
   dict app 'CACHE'", "item of a list, attribute .rows of app.Table".  Asked
   for some objects at once: two passes over memory, one for those that refer
   to them, one for what refers to these when they are mere containers.  A
   resumable job after a walk. */
#ifndef PM_HEAP_OWNER_H
#define PM_HEAP_OWNER_H

#include "heap/holders.h"

struct pm_owners_job; /* opaque */

/* The objects are copied; 0 stands for none. */
PM_CHECKED enum pm_status pm_owners_create(struct pm_heap *h,
	const pm_addr *objects, size_t n, struct pm_owners_job **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_owners_step(struct pm_owners_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_owners_progress(
	const struct pm_owners_job *j, uint64_t *ret_done, uint64_t *ret_total);
void pm_owners_destroy(struct pm_owners_job *j);

/* Once done: appends the owner of an object, nothing when none is known. */
void pm_owners_describe(
	struct pm_owners_job *j, pm_addr object, struct pm_strbuf *out);

#endif
