/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-heap-growth: mark, continue, stop, compare: all in one session. */
#include "command/diffing.h"

#include <inttypes.h>

struct heap_growth {
	bool marks;
	struct pm_saving saving; /* of -mark */
	struct pm_diffing diffing;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct heap_growth *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	st->marks = pm_run_flag(r, "mark");
	if (st->marks)
		return pm_saving_start(
			&st->saving, r, NULL, pm_diffing_wants_owners(r), err);
	const struct pm_snapshot *mark = r->session->mark;
	if (!mark)
		return pm_fail(err, PM_ABSENT, 0,
			"nothing to compare with: py-heap-growth -mark first, "
			"then continue, stop, and ask again");
	if (pm_diffing_wants_owners(r) && !mark->facts.has_owners)
		return pm_fail(err, PM_ABSENT, 0,
			"the mark has no owners in it: py-heap-growth -mark "
			"-by owner");
	return pm_diffing_start(&st->diffing, r, &mark, 1, true, err);
}

static enum pm_status keep_mark(
	struct pm_run *r, struct heap_growth *st, struct pm_error *err)
{
	struct pm_session *s = r->session;
	struct pm_snapshot *mark = NULL;
	PM_TRY(pm_snapshot_open_fd(
		pm_save_take(st->saving.save), "mark", &mark, err));
	pm_snapshot_close(s->mark);
	s->mark = mark;
	s->mark_destroy = pm_snapshot_close;
	const struct pm_save_totals *t = pm_save_totals(st->saving.save);
	char count[28], size[16], bytes[16];
	pm_emit_line(r->emit, "Marked: %s objects (%s), kept in %s of memory.",
		pm_grouped(t->count, count), pm_human_size(t->size, size),
		pm_human_size(t->bytes, bytes));
	pm_emit_open_object(r->emit, "mark");
	pm_emit_uint(r->emit, "count", t->count);
	pm_emit_uint(r->emit, "size", t->size);
	pm_emit_uint(r->emit, "alloc", t->alloc);
	pm_emit_close(r->emit);
	pm_emit_skipped(r->emit, t->unreadable, t->inconsistent);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct heap_growth *st = r->state;
	if (!st->marks)
		return pm_diffing_step(&st->diffing, ret_done, err);
	PM_TRY(pm_saving_step(&st->saving, r, ret_done, err));
	return *ret_done ? keep_mark(r, st, err) : PM_OK;
}

static void finish(struct pm_run *r)
{
	struct heap_growth *st = r->state;
	pm_saving_finish(&st->saving);
	pm_diffing_finish(&st->diffing);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "mark",
		.help = "Remember the heap of now, to compare with it later; "
			"the last mark counts."},
	PM_DIFFING_OPTIONS,
	{0},
};

const struct pm_command pm_command_heap_growth = {
	.name = "py-heap-growth",
	.group = PM_GROUP_TIME,
	.summary = "Mark the heap, let the program run, and see what grew.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = PM_DIFFING_DOC
	"\n"
	"The mark is kept in this GDB until there is another one, also when "
	"the program runs on or is started again; that it is of another "
	"process is then said.  py-heap-save keeps more than one.",
	.examples = "py-heap-growth -mark  # then: continue, interrupt\n"
		    "py-heap-growth  # what grew meanwhile\n"
		    "py-heap-growth -by module  # where from",
	.start = start,
	.step = step,
	.finish = finish,
};
