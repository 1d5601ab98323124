/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which words of the runtime's structs are references that keep objects alive,
   each with its name: the row's list, moved along with the fields around each
   word that this target has elsewhere.  A word between two fields that moved
   apart is not told. */
#ifndef PM_LAYOUT_HELD_H
#define PM_LAYOUT_HELD_H

#include "layout/layout.h"

enum pm_holder_struct {
	PM_HOLDER_INTERP,
	PM_HOLDER_THREAD, /* with all that is behind PyThreadState */
	PM_HOLDER_RUNTIME,
};

/* The i-th run of them, false at the end.  *ret_sure: false, where it is is not
   known; nothing but the name is worth anything then. */
bool pm_layout_held(const struct pm_layout *l, enum pm_holder_struct s,
	size_t i, struct pm_held *ret, bool *ret_sure);

/* Does the reference count leave these out? */
bool pm_layout_held_is_borrowed(const struct pm_held *held);

/* Is all of that struct told?  No: what else it holds can only be guessed. */
bool pm_layout_held_is_whole(
	const struct pm_layout *l, enum pm_holder_struct s);

/* Bytes of it. */
uint64_t pm_layout_holder_size(
	const struct pm_layout *l, enum pm_holder_struct s);

#endif
