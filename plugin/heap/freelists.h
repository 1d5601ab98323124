/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that the interpreter keeps for its next object of a kind: blocks that
   the allocator counts as used and that look alive (pycore_freelist.h).  Where
   held objects have a refcount of 0 (3.13 and before) nobody needs these
   lists; since 3.14 the link takes the refcount's place. */
#ifndef PM_HEAP_FREELISTS_H
#define PM_HEAP_FREELISTS_H

#include "layout/layout.h"

struct pm_freelists {
	PM_VEC(pm_addr) held; /* what the lists hold, by address */
	uint64_t lists;	      /* that hold something */
	uint64_t
		broken; /* their links don't agree with their length: ignored */
};

/* Reads the lists of every interpreter and thread; empty where there are none
   of this form. */
PM_CHECKED enum pm_status pm_freelists_read(const struct pm_layout *l,
	struct pm_memory *m, struct pm_freelists *ret, struct pm_error *err);
void pm_freelists_deinit(struct pm_freelists *f);

/* Index of the first held address that is not below addr. */
size_t pm_freelists_from(const struct pm_freelists *f, pm_addr addr);
bool pm_freelists_hold(const struct pm_freelists *f, pm_addr addr);

#endif
