/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stacks of a profile by what they have in common, as tracemalloc's
   statistics() and compare_to() have them: the line that allocated, its file,
   or the whole traceback.  Other domains than 0 are groups of their own. */
#ifndef PM_TRACE_GROUPS_H
#define PM_TRACE_GROUPS_H

#include "trace/profile.h"

enum pm_trace_by { PM_TRACE_LINENO, PM_TRACE_FILENAME, PM_TRACE_TRACEBACK };

struct pm_trace_group {
	size_t stack; /* one of them, in the profile */
	uint64_t size[PM_TRACE_MOMENTS], count[PM_TRACE_MOMENTS];
	size_t next; /* another of the same hash; private */
};

struct pm_trace_groups {
	PM_VEC(struct pm_trace_group) list;
	size_t *of_stack; /* group of each stack of the profile */
	struct pm_map by_hash;
};

/* All stacks of p, and nothing in it. */
PM_CHECKED enum pm_status pm_trace_groups_make(const struct pm_trace_profile *p,
	enum pm_trace_by by, struct pm_trace_groups *ret, struct pm_error *err);
void pm_trace_groups_deinit(struct pm_trace_groups *g);
#define pm_auto_trace_groups                                                   \
	PM_CLEANUP(pm_trace_groups_deinit) struct pm_trace_groups

/* The largest first; compared: what changed most first.  Indices of groups
   change. */
void pm_trace_groups_sort(struct pm_trace_groups *g,
	const struct pm_trace_profile *p, bool compared);

#endif
