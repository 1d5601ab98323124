/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chains of await: which object a coroutine, a generator or what stands between
   two of them waits for.  Bytes are the target's: chains may lead back into
   themselves, and whoever follows them counts the steps. */
#ifndef PM_OBJECT_AWAITS_H
#define PM_OBJECT_AWAITS_H

#include "object/frames.h"

enum pm_awaiter {
	PM_AWAITER_NONE,
	PM_AWAITER_COROUTINE,
	PM_AWAITER_GENERATOR,
	PM_AWAITER_ASYNC_GENERATOR,
	PM_AWAITER_GO_BETWEEN, /* FutureIter, coroutine_wrapper, ... */
};

enum pm_awaiter pm_awaiter_kind(const struct pm_type *t);

/* cr_await, gi_yieldfrom and ag_await of those, or what a go-between stands
   for.  0: nothing, it runs, or it can't be read. */
pm_addr pm_awaits(const struct pm_objects *o, const struct pm_object *x);

/* The frame in which a suspended coroutine, generator, ... is: for its
   variables.  false: it has none. */
bool pm_awaiter_frame(const struct pm_objects *o, const struct pm_object *x,
	struct pm_stack_frame *ret);

#endif
