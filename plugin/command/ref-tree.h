/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References from an object on, or back from it, as a table of levels: what
   py-refs and py-backrefs -depth show. */
#ifndef PM_COMMAND_REF_TREE_H
#define PM_COMMAND_REF_TREE_H

#include "base/map.h"
#include "command/neighbours.h"

/* -depth, -filter, -exclude, -dot, -svg; as rows of a command's options. */
#define PM_REF_TREE_OPTIONS(levels)                                            \
	{.name = "depth", .type = PM_ARG_COUNT, .value = "N", .help = levels}, \
		{.name = "filter",                                             \
			.type = PM_ARG_TEXT,                                   \
			.value = "GLOB",                                       \
			.help = "Show only objects whose type's name "         \
				"matches."},                                   \
	{                                                                      \
		.name = "exclude", .type = PM_ARG_TEXT, .value = "GLOB",       \
		.help = "Leave out objects of these types, and what is "       \
			"behind."                                              \
	}

struct pm_open_object; /* one whose references are shown */

struct pm_ref_tree {
	struct pm_neighbourhood h;
	struct pm_holder_refs holders;
	PM_VEC(struct pm_open_object *) stack;
	struct pm_map seen; /* objects that were opened */
	const char *filter;
	uint64_t deepest;
	uint64_t references, rows, unreadable;
	bool begun, cut;
};

void pm_ref_tree_init(struct pm_ref_tree *t, struct pm_run *r, bool backward);
void pm_ref_tree_deinit(struct pm_ref_tree *t);
/* The heap was walked; backward: the graph has its roots.  *ret_done: all is
   shown. */
PM_CHECKED enum pm_status pm_ref_tree_step(
	struct pm_ref_tree *t, bool *ret_done, struct pm_error *err);

#endif
