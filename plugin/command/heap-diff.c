/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-heap-diff: what changed between snapshots, or since one. */
#include "command/diffing.h"

#include <string.h>

struct heap_diff {
	struct pm_snapshot *files[PM_DIFF_MAX];
	struct pm_diffing diffing;
};

static bool with_now(const struct pm_run *r)
{
	return r->words.len == 1 || pm_run_flag(r, "now");
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct heap_diff *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	const struct pm_snapshot *all[PM_DIFF_MAX] = {NULL};
	size_t n = r->words.len;
	if (n + with_now(r) > PM_DIFF_MAX)
		return pm_fail(err, PM_USAGE, 0,
			"compares two or three: at most three files, or two "
			"and -now");
	for (size_t i = 0; i < n; i++) {
		PM_TRY(pm_snapshot_open(r->words.data[i], &st->files[i], err));
		all[i] = st->files[i];
	}
	return pm_diffing_start(&st->diffing, r, all, n, with_now(r), err);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct heap_diff *st = r->state;
	return pm_diffing_step(&st->diffing, ret_done, err);
}

static void finish(struct pm_run *r)
{
	struct heap_diff *st = r->state;
	pm_diffing_finish(&st->diffing);
	for (size_t i = 0; i < PM_DIFF_MAX; i++)
		pm_snapshot_close(st->files[i]);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	PM_DIFFING_OPTIONS,
	{.name = "now",
		.help = "Compare with now as well, as the last of them; with "
			"one FILE that is so anyway."},
	{0},
};

const struct pm_command pm_command_heap_diff = {
	.name = "py-heap-diff",
	.group = PM_GROUP_TIME,
	.summary = "Compare snapshots of the heap, or one with the heap of "
		   "now.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_FILES,
	.operand_help = "FILEs are one, two or three that py-heap-save wrote, "
			"in the order of time.  Two or three need neither a "
			"process nor a core.",
	.needs_target = with_now,
	.doc = PM_DIFFING_DOC
	"\n"
	"With three, NEW is what the second and the third have and the first "
	"has not: what came meanwhile and stayed, without what comes and goes "
	"all the time.\n"
	"Snapshots of different processes are compared by rows only, and this "
	"is said.",
	.examples = "py-heap-diff before.pmheap  # what grew since\n"
		    "py-heap-diff a.pmheap b.pmheap -by module  # two files\n"
		    "py-heap-diff a b c -sort new  # what came and stayed\n"
		    "py-heap-diff a -instances -type 'app.*'  # one by one",
	.start = start,
	.step = step,
	.finish = finish,
};
