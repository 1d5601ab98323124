/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-heap-save: the heap of now, to be compared with that of another time. */
#include "command/saving.h"

#include <inttypes.h>
#include <string.h>

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_saving *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	PM_TRY(pm_saving_start(
		st, r, r->words.data[0], pm_run_flag(r, "owners"), err));
	st->edges = pm_run_flag(r, "graph");
	st->paths = st->edges || pm_run_flag(r, "paths");
	return PM_OK;
}

static void show(struct pm_run *r, const struct pm_saving *st)
{
	const struct pm_save_totals *t = pm_save_totals(st->save);
	struct pm_emit *e = r->emit;
	pm_auto_strbuf file = {0};
	char count[28], size[16], bytes[16];
	pm_strbuf_escaped(&file, st->path, strlen(st->path));
	pm_emit_line(e, "%s objects (%s) saved to %s: %s, %.2f bytes each",
		pm_grouped(t->count, count), pm_human_size(t->size, size),
		pm_strbuf_text(&file), pm_human_size(t->bytes, bytes),
		t->count ? (double)t->bytes / (double)t->count : 0);
	pm_emit_text(e, "file", pm_strbuf_text(&file));
	pm_emit_uint(e, "bytes", t->bytes);
	pm_emit_bool(e, "owners", st->owners);
	pm_emit_bool(e, "paths", st->paths);
	pm_emit_bool(e, "graph", st->edges);
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "count", t->count);
	pm_emit_uint(e, "size", t->size);
	pm_emit_uint(e, "alloc", t->alloc);
	pm_emit_close(e);
	pm_emit_skipped(e, t->unreadable, t->inconsistent);
	pm_emit_variable(e, "py_count", t->count);
	pm_emit_variable(e, "py_size", t->size);
	pm_emit_variable(e, "py_alloc", t->alloc);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct pm_saving *st = r->state;
	PM_TRY(pm_saving_step(st, r, ret_done, err));
	if (*ret_done)
		show(r, st);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct pm_saving *st = r->state;
	pm_saving_finish(st);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "owners",
		.help = "Also what each container is to the one that refers to "
			"it, for py-heap-diff -by owner; takes longer."},
	{.name = "paths",
		.help = "Also a path to each container, so that py-heap-diff "
			"knows where what grew is, without a process; takes "
			"longer."},
	{.name = "graph",
		.help = "Also the graph: all references with their names, "
			"roots, a short value and a path of each object."},
	{0},
};

const struct pm_command pm_command_heap_save = {
	.name = "py-heap-save",
	.group = PM_GROUP_TIME,
	.summary = "Save what is in the heap to a file, to compare it later.",
	.options = options,
	.flags = PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_FILE,
	.operand_help = "FILE is written when all is known, in place of what "
			"had that name: it is never half a snapshot.",
	.doc = "Of every live object its address, type, size and the memory "
	       "set aside for it are saved, and a hash of what cannot change "
	       "in "
	       "it (the text of a str, the items of a tuple, a number): that "
	       "tells an object from another one of its type that is later at "
	       "the same address.  Values are saved with -graph only.  "
	       "py-heap-diff compares "
	       "snapshots with each other, without any process, or one with "
	       "now.\n"
	       "With -graph py-heap-diff -instances says of each new object "
	       "its value, who held it and how, and its path.\n"
	       "The file is compressed and takes about two bytes per object, "
	       "with -graph ten times as much; "
	       "every part of it has a checksum.",
	.examples = "py-heap-save before.pmheap  # now; continue, stop, then:\n"
		    "py-heap-diff before.pmheap  # what grew since\n"
		    "py-heap-save -owners -paths a.pmheap  # and whose, and "
		    "where",
	.start = start,
	.step = step,
	.finish = finish,
};
