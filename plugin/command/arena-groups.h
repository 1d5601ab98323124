/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of nearly empty arenas, counted by whose they are: type, owner of a
   collection, path. */
#ifndef PM_COMMAND_ARENA_GROUPS_H
#define PM_COMMAND_ARENA_GROUPS_H

#include "command/command.h"
#include "graph/pins.h"
#include "heap/roles.h"

struct pm_arena_group {
	uint32_t pattern, type, role;
	uint8_t kind; /* enum pm_tenant_kind */
	uint8_t fate; /* enum pm_pin_fate */
	uint64_t blocks, bytes, lots;
	const struct pm_lot *last;
};

/* So many of a group in one arena. */
struct pm_arena_share {
	uint32_t group;
	uint64_t blocks, bytes;
};

struct pm_arena_groups {
	struct pm_pins_job *job;
	const struct pm_roles *roles;
	PM_VEC(struct pm_arena_group) list;
	struct pm_map by_key; /* to the group, plus 1 */
	PM_VEC(struct pm_arena_share) here;
};

void pm_arena_groups_init(struct pm_arena_groups *g, struct pm_pins_job *job,
	const struct pm_roles *roles);
void pm_arena_groups_deinit(struct pm_arena_groups *g);
/* Adds the blocks of an arena; false: out of memory. */
bool pm_arena_groups_add(struct pm_arena_groups *g, const struct pm_lot *lot);
/* ->here is what one arena has, the most blocks first; false: out of memory. */
bool pm_arena_groups_of(struct pm_arena_groups *g, const struct pm_lot *lot);
/* The first few of ->here in words. */
void pm_arena_groups_put_here(struct pm_arena_groups *g, struct pm_strbuf *out);
void pm_arena_group_json(struct pm_arena_groups *g, struct pm_run *r,
	const struct pm_arena_share *x);
/* The table of all. */
PM_CHECKED enum pm_status pm_arena_groups_show(
	struct pm_arena_groups *g, struct pm_run *r, struct pm_error *err);

#endif
