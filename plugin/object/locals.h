/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local variables of a frame by name, as its f_locals has them: variables of a
   function with what is in their cells, the namespace of a class or module. */
#ifndef PM_OBJECT_LOCALS_H
#define PM_OBJECT_LOCALS_H

#include "object/frames.h"

/* name is a str (of 2.7 bytes); return false to stop. */
typedef bool pm_local_fn(void *arg, pm_addr name, pm_addr value);

/* Variables without a value are left out.  PM_FAULT, PM_CORRUPT: some can't be
   read; the others were told. */
PM_CHECKED enum pm_status pm_locals_each(const struct pm_objects *o,
	const struct pm_stack_frame *f, pm_local_fn *fn, void *arg);

/* Are they the namespace of a class or module? */
bool pm_locals_are_namespace(
	const struct pm_objects *o, const struct pm_stack_frame *f);

#endif
