/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What py-heap-diff and py-heap-growth share: now, if it is compared with, as
   a snapshot in memory; the comparison; paths to what grew; and how it is
   shown. */
#ifndef PM_COMMAND_DIFFING_H
#define PM_COMMAND_DIFFING_H

#include "command/graphing.h"
#include "command/row-paths.h"
#include "command/saving.h"
#include "snapshot/diff.h"
#include "snapshot/keepers.h"

struct pm_diffing {
	struct pm_run *r;
	const struct pm_snapshot *all[PM_DIFF_MAX];
	size_t n;
	bool with_now; /* the last of them is taken by the job */
	struct pm_saving saving;
	struct pm_snapshot *now;
	struct pm_diff_job *job;
	bool compared;
	struct pm_keepers *keepers; /* of what is new; NULL: not known */
	size_t nkeepers;
	bool has_keepers; /* or they are not to be looked for */
	struct pm_graphing graphing;
	bool graph_ready;
	struct pm_row_paths paths; /* of what grew until now */
};

/* Of PM_DIFFING_OPTIONS. */
bool pm_diffing_wants_owners(const struct pm_run *r);

/* n snapshots, owned by the caller, and now if with_now. */
PM_CHECKED enum pm_status pm_diffing_start(struct pm_diffing *d,
	struct pm_run *r, const struct pm_snapshot *const *all, size_t n,
	bool with_now, struct pm_error *err);
/* *ret_done: r->emit has it all. */
PM_CHECKED enum pm_status pm_diffing_step(
	struct pm_diffing *d, bool *ret_done, struct pm_error *err);
void pm_diffing_finish(struct pm_diffing *d);

#define PM_DIFFING_OPTIONS                                                     \
	{.name = "by",                                                         \
		.type = PM_ARG_CHOICE,                                         \
		.value = "WAY",                                                \
		.choices = "type|module|owner",                                \
		.help = "What a row is (default: type); owner as in "          \
			"py-heap-types."},                                     \
		{.name = "sort",                                               \
			.type = PM_ARG_CHOICE,                                 \
			.value = "KEY",                                        \
			.choices = "size|count|new|name",                      \
			.help = "Order of the rows: what grew most in size "   \
				"(default), in number, what has most that is " \
				"new."},                                       \
		{.name = "type",                                               \
			.type = PM_ARG_TEXT,                                   \
			.value = "GLOB",                                       \
			.help = "Only types whose qualified or bare name "     \
				"matches."},                                   \
	{                                                                      \
		.name = "instances",                                           \
		.help = "Instead of rows, the new objects one by "             \
			"one."                                                 \
	}

/* The same text in both commands. */
#define PM_DIFFING_DOC                                                         \
	"Rows are what there is of each type now, and how much more (+) or "   \
	"less (-) than at first; rows without a change are left out.  "        \
	"Objects "                                                             \
	"of CPython never move, so those of one process are compared one by "  \
	"one: NEW ones were not there before, GONE ones are no more, the "     \
	"others survived.  An object is the same if its address and its type " \
	"are, and, of str, bytes, tuples and numbers, what is in it: a list "  \
	"that took the place of another list passes for it.  EXAMPLE is a "    \
	"new object of the row, and $py1, $py2, ... are those of the rows.\n"  \
	"Below are the objects that survived and grew most, containers "       \
	"usually, with the path that leads to each; of files that were saved " \
	"with -paths, paths of containers only, where [*] is any of many.\n"   \
	"-instances has the new objects in the place of rows; of files that "  \
	"were saved with -graph with their values, paths, and by whom each "   \
	"was held."

#endif
