/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two kinds of pools share: pools.c (pymalloc), mimalloc.c. */
#ifndef PM_HEAP_POOLS_INTERNAL_H
#define PM_HEAP_POOLS_INTERNAL_H

#include "heap/pools.h"

/* From now on the unit of pool_shift bits at addr is pool index's; false: out
   of memory. */
bool pm_pools_map(struct pm_pools *p, pm_addr addr, size_t index);

/* Do objects lie in pools of pymalloc, for all that is seen of them? */
bool pm_pools_are_in_use(const struct pm_layout *l, struct pm_memory *m);

/* Fills in the pages of mimalloc, when that is what the interpreter uses. */
PM_CHECKED enum pm_status pm_mimalloc_read(const struct pm_layout *l,
	struct pm_memory *m, struct pm_pools *p, struct pm_error *err);

/* pm_pools_free_blocks of a page. */
unsigned pm_mimalloc_free_blocks(const struct pm_layout *l,
	const struct pm_pools *p, size_t i, const unsigned char *bytes,
	uint64_t free_bits[static PM_POOL_BLOCK_WORDS], bool *ret_torn);

/* Fills hook_pre, hook_post and outside_hooks: what blocks in use look like. */
PM_CHECKED enum pm_status pm_pools_detect_hooks(const struct pm_layout *l,
	struct pm_memory *m, struct pm_pools *p, struct pm_error *err);

#endif
