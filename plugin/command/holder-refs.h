/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an object refers to another, asked again and again of one that refers to
   very many: a list of millions, each of whose items is asked who holds it.
   Looked through for each it would take quadratic time; so, once it was asked a
   few times, its references are sorted. */
#ifndef PM_COMMAND_HOLDER_REFS_H
#define PM_COMMAND_HOLDER_REFS_H

#include "base/vec.h"
#include "object/refs.h"

/* Of these: more large holders at a time are looked through. */
#define PM_HOLDERS_SORTED 4

struct pm_sorted_holder {
	pm_addr addr; /* 0: none */
	unsigned asked;
	bool sorted, cut;      /* cut: they are too many */
	enum pm_status status; /* of the pass that sorted them */
	PM_VEC(struct pm_ref) refs;
};

struct pm_holder_refs {
	struct pm_sorted_holder holders[PM_HOLDERS_SORTED];
};

/* As pm_refs_each, for the references to target only.  n: how many the holder
   has, about. */
PM_CHECKED enum pm_status pm_holder_refs_each(struct pm_holder_refs *h,
	const struct pm_objects *o, const struct pm_object *holder, size_t n,
	pm_addr target, pm_ref_fn *fn, void *arg);
void pm_holder_refs_deinit(struct pm_holder_refs *h);

#endif
