/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each interpreter keeps of the static types of the core: __dict__,
   subclasses and weak references (interp->types, 3.12). */
#ifndef PM_OBJECT_STATIC_TYPES_H
#define PM_OBJECT_STATIC_TYPES_H

#include "layout/layout.h"

/* Does a type with these tp_flags keep its state in the interpreters? */
bool pm_static_type_is_managed(const struct pm_layout *l, uint64_t flags);

/* The state in the interpreter at interp of the managed type at type, whose
   tp_subclasses is an index.  PM_ABSENT: this interpreter has none. */
PM_CHECKED enum pm_status pm_static_type_state(const struct pm_layout *l,
	struct pm_memory *m, pm_addr interp, pm_addr type, uint64_t subclasses,
	pm_addr *ret, struct pm_error *err);

/* Its __dict__ in the first interpreter that has one; 0: none. */
pm_addr pm_static_type_dict(const struct pm_layout *l, struct pm_memory *m,
	pm_addr type, uint64_t subclasses);

#endif
