/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts objects by a value of theirs; equal values, as Python compares them,
   are one group. */
#ifndef PM_COMMAND_GROUPS_H
#define PM_COMMAND_GROUPS_H

#include "query/query.h"

struct pm_value_group {
	size_t key, key_len; /* in keys */
	uint64_t next;	     /* group of the same hash, plus 1 */
	uint64_t count, size;
	pm_addr example; /* the object of the lowest address */
};

struct pm_groups {
	PM_VEC(struct pm_value_group) list;
	struct pm_strbuf keys;
	struct pm_map by_hash; /* to the first group, plus 1 */
	struct pm_strbuf key;  /* the one under way */
	uint64_t left_out;     /* objects, when there were too many values */
};

void pm_groups_deinit(struct pm_groups *g);

/* One object with that value; false: out of memory. */
PM_CHECKED bool pm_groups_add(struct pm_groups *g, struct pm_value_reader *r,
	const struct pm_value *v, pm_addr object, uint64_t size);
/* Adds all of other. */
PM_CHECKED bool pm_groups_merge(
	struct pm_groups *g, const struct pm_groups *other);
/* Most objects first. */
void pm_groups_sort(struct pm_groups *g);

/* The value in words. */
void pm_groups_show(struct pm_value_reader *r, const struct pm_value *v,
	size_t limit, struct pm_strbuf *out);

#endif
