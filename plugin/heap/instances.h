/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every object of some types, in no order, at the speed of reading the heap
   once more: each comes with its bytes, read with those of its neighbours.
   Needs a finished walk.

   A resumable job, like the walk; several threads may call back at once. */
#ifndef PM_HEAP_INSTANCES_H
#define PM_HEAP_INSTANCES_H

#include "heap/walk.h"

/* Is this type wanted?  Asked once for each, before the first object. */
typedef bool pm_wants_fn(void *arg, const struct pm_type *t);
/* One object, as thread number who; x is good until the call returns.  false:
   stop, there is no more memory. */
typedef bool pm_instance_fn(void *arg, unsigned who, const struct pm_object *x);

struct pm_instances; /* opaque */

/* serial: all calls by one thread, which may use the heap's own reader. */
PM_CHECKED enum pm_status pm_instances_create(struct pm_heap *h, bool serial,
	pm_wants_fn *wants, pm_instance_fn *found, void *arg,
	struct pm_instances **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_instances_step(struct pm_instances *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_instances_progress(
	const struct pm_instances *j, uint64_t *ret_done, uint64_t *ret_total);
void pm_instances_destroy(struct pm_instances *j);

/* Threads, and what each may decode with. */
unsigned pm_instances_threads(const struct pm_instances *j);
const struct pm_objects *pm_instances_objects(
	const struct pm_instances *j, unsigned who);
/* Objects that the walk saw and that could not be read again. */
uint64_t pm_instances_unreadable(const struct pm_instances *j);

#endif
