/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One arena in detail: its pools, and what lives in each.  A resumable job
   after a walk. */
#ifndef PM_COMMAND_ARENA_POOLS_H
#define PM_COMMAND_ARENA_POOLS_H

#include "command/command.h"
#include "heap/walk.h"

struct pm_arena_pools; /* opaque */

PM_CHECKED enum pm_status pm_arena_pools_create(struct pm_heap *h,
	uint32_t arena, struct pm_arena_pools **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_arena_pools_step(struct pm_arena_pools *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_arena_pools_destroy(struct pm_arena_pools *j);
/* Once done: the table. */
void pm_arena_pools_show(struct pm_arena_pools *j, struct pm_run *r);

#endif
