/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-instances -sites: objects by where they were allocated, as tracemalloc of
   the target kept it. */
#ifndef PM_COMMAND_INSTANCE_SITES_H
#define PM_COMMAND_INSTANCE_SITES_H

#include "command/trace-rows.h"
#include "heap/team.h"
#include "object/object.h"
#include "trace/collect.h"

#define PM_SITES_OPTIONS                                                       \
	{.name = "sites",                                                      \
		.help = "Count by where they were allocated, if tracemalloc "  \
			"traced it."},                                         \
	{                                                                      \
		.name = "by", .type = PM_ARG_CHOICE, .value = "KEY",           \
		.choices = PM_TRACE_BY_CHOICES,                                \
		.help = "With -sites: what a row is, as in py-tracemalloc."    \
	}

#define PM_SITES_DOC                                                           \
	"-sites counts the objects by the line that allocated each, where "    \
	"the "                                                                 \
	"target traced its allocations (py-tracemalloc); SIZE is that of the " \
	"objects.  What was allocated before it traced is a row of its own."

/* Of an object that was found. */
struct pm_sited {
	pm_addr addr, block;
	uint64_t size;
	size_t stack; /* in the profile, SIZE_MAX: none */
};

struct pm_sites {
	bool wanted;
	PM_VEC(struct pm_sited) found[PM_TEAM_MAX]; /* by thread; then [0] */
	struct pm_map by_block;			    /* index plus 1 */
	struct pm_trace_collect collect;
	struct pm_trace_profile profile;
	bool gathered;
};

/* Does nothing without -sites.  PM_ABSENT: nothing was traced. */
PM_CHECKED enum pm_status pm_sites_start(
	struct pm_sites *s, struct pm_run *r, struct pm_error *err);
/* One object that who found; false: out of memory. */
PM_CHECKED bool pm_sites_add(struct pm_sites *s, unsigned who,
	const struct pm_object *x, uint64_t size);
/* When all are found: looks for them among the traces. */
PM_CHECKED enum pm_status pm_sites_step(struct pm_sites *s, struct pm_run *r,
	bool *ret_done, struct pm_error *err);
/* The table "rows". */
PM_CHECKED enum pm_status pm_sites_show(
	struct pm_sites *s, struct pm_run *r, struct pm_error *err);
void pm_sites_finish(struct pm_sites *s);

#endif
