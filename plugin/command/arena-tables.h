/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of py-arena-stats that are about arenas, not about size classes. */
#ifndef PM_COMMAND_ARENA_TABLES_H
#define PM_COMMAND_ARENA_TABLES_H

#include "command/command.h"
#include "heap/pools.h"

/* Each arena: with -arenas, and in JSON. */
void pm_arena_table(struct pm_run *r, const struct pm_pools *p);
/* How many there are of each occupancy. */
void pm_arena_histogram(struct pm_run *r, const struct pm_pools *p);
/* What each interpreter's allocator has; in text where there are several. */
void pm_arena_interpreters(struct pm_run *r, const struct pm_pools *p);
/* Of mimalloc: what segments each thread has. */
PM_CHECKED enum pm_status pm_arena_threads(
	struct pm_run *r, const struct pm_pools *p, struct pm_error *err);

#endif
