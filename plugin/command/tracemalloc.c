/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-tracemalloc: what tracemalloc of the target knows: bytes and blocks by
   where they were allocated, also compared with what was saved before; and
   where one block was. */
#include "command/trace-rows.h"
#include "command/walking.h"
#include "object/repr.h"
#include "trace/collect.h"
#include "trace/file.h"

#include <inttypes.h>
#include <string.h>

/* A block that holds the address that was asked for. */
struct match {
	struct pm_trace trace;
	size_t stack;
};

enum phase { PHASE_OLD, PHASE_NEW, PHASE_TARGET, PHASE_SAVE, PHASE_SHOW };

struct tracemalloc {
	enum phase phase;
	const char *save, *compare, *with; /* files, NULL: not asked for */
	struct pm_trace_file file;
	struct pm_trace_collect collect;
	struct pm_trace_profile profile;
	struct pm_trace_groups groups;
	pm_addr addr;
	PM_VEC(struct match) matches;
};

/* ---- one address ---- */

static bool holds(const struct pm_trace *t, pm_addr addr)
{
	return addr - t->block < (t->size ? t->size : 1);
}

static bool see(void *arg, const struct pm_trace *t, size_t stack)
{
	struct tracemalloc *st = arg;
	return !holds(t, st->addr) ||
	       pm_vec_push(&st->matches, (struct match){*t, stack});
}

/* What of it there is to say in a word: "builtins.list", or nothing. */
static void describe_object(
	struct pm_run *r, const struct pm_trace *t, struct pm_strbuf *out)
{
	struct pm_heap *h;
	struct pm_object x;
	if (pm_walking_heap(r->session, &h, NULL) != PM_OK ||
		pm_object_load(&h->objects, r->addr, &x, NULL) != PM_OK ||
		x.addr - x.type->pre != t->block)
		return;
	pm_strbuf_printf(out, ", a %s", x.type->name);
	pm_emit_text(r->emit, "type", x.type->name);
}

static void show_match(struct pm_run *r, const struct match *m)
{
	struct tracemalloc *st = r->state;
	struct pm_emit *e = r->emit;
	pm_auto_strbuf line = {0};
	pm_emit_open_object(e, NULL);
	pm_emit_addr(e, "block", m->trace.block);
	pm_emit_uint(e, "size", m->trace.size);
	pm_emit_uint(e, "domain", m->trace.domain);
	pm_strbuf_printf(&line, "0x%" PRIx64, r->addr);
	describe_object(r, &m->trace, &line);
	pm_strbuf_puts(&line, ", is in a block of ");
	pm_trace_put_size(r, m->trace.size, &line);
	pm_strbuf_printf(&line, " at 0x%" PRIx64, m->trace.block);
	if (m->trace.domain)
		pm_strbuf_printf(
			&line, " (domain %" PRIu32 ")", m->trace.domain);
	if (m->stack == SIZE_MAX) {
		pm_emit_line(e, "%s, whose traceback cannot be read.",
			pm_strbuf_text(&line));
		pm_emit_null(e, "frames");
	} else {
		const struct pm_trace_stack *s =
			&st->profile.stacks.data[m->stack];
		pm_emit_line(e, "%s, allocated (most recent call last):",
			pm_strbuf_text(&line));
		pm_trace_show_stack(e, &st->profile, s);
		pm_trace_emit_place(e, &st->profile, s, PM_TRACE_TRACEBACK);
	}
	pm_emit_close(e);
}

static void show_matches(struct pm_run *r)
{
	struct tracemalloc *st = r->state;
	pm_emit_addr(r->emit, "addr", r->addr);
	pm_emit_open_array(r->emit, "rows");
	pm_vec_each (m, &st->matches)
		show_match(r, m);
	pm_emit_close(r->emit);
	if (!st->matches.len)
		pm_emit_line(r->emit,
			"No traced block holds 0x%" PRIx64
			": it was allocated before tracemalloc started, is "
			"static, or was not allocated by Python.",
			r->addr);
}

/* ---- sums ---- */

static void put_sum(const struct pm_run *r, const struct pm_trace_moment *m,
	struct pm_strbuf *out)
{
	char n[28];
	pm_trace_put_size(r, m->size, out);
	pm_strbuf_printf(out, " in %s block%s", pm_grouped(m->count, n),
		m->count == 1 ? "" : "s");
}

static void show_header(struct pm_run *r)
{
	struct tracemalloc *st = r->state;
	const struct pm_trace_moment *m = &st->profile.moments[PM_TRACE_NEW];
	pm_auto_strbuf line = {0};
	char n[28];
	pm_strbuf_puts(&line, "tracemalloc holds ");
	put_sum(r, m, &line);
	if (m->has_peak) {
		pm_strbuf_puts(&line, ", at its peak ");
		pm_trace_put_size(r, m->peak, &line);
	}
	if (m->max_nframe)
		pm_strbuf_printf(&line, "; it keeps %s frame%s of each",
			pm_grouped(m->max_nframe, n),
			m->max_nframe == 1 ? "" : "s");
	pm_emit_line(r->emit, "%s.", pm_strbuf_text(&line));
	if (!m->count)
		pm_emit_line(r->emit, "%s",
			"It traces, but nothing that it saw allocated is "
			"left.");
}

static void put_file(const char *path, struct pm_strbuf *out)
{
	pm_strbuf_escaped(out, path, strlen(path));
}

static void show_compared(struct pm_run *r)
{
	struct tracemalloc *st = r->state;
	const struct pm_trace_moment *m = st->profile.moments;
	pm_auto_strbuf line = {0};
	put_file(st->compare, &line);
	pm_strbuf_puts(&line, ": ");
	put_sum(r, &m[PM_TRACE_OLD], &line);
	pm_strbuf_puts(&line, "; ");
	if (st->with)
		put_file(st->with, &line);
	else
		pm_strbuf_puts(&line, "now");
	pm_strbuf_puts(&line, ": ");
	put_sum(r, &m[PM_TRACE_NEW], &line);
	pm_emit_line(r->emit, "%s.", pm_strbuf_text(&line));
	if (m[PM_TRACE_OLD].max_nframe != m[PM_TRACE_NEW].max_nframe &&
		pm_trace_by(r) == PM_TRACE_TRACEBACK)
		pm_emit_line(r->emit, "%s",
			"They do not keep the same number of frames of each: "
			"none of their tracebacks may be the same.");
	pm_emit_open_object(r->emit, "old");
	pm_emit_uint(r->emit, "size", m[PM_TRACE_OLD].size);
	pm_emit_uint(r->emit, "count", m[PM_TRACE_OLD].count);
	pm_emit_close(r->emit);
}

static void show_saved(struct pm_run *r)
{
	struct tracemalloc *st = r->state;
	pm_auto_strbuf line = {0};
	char size[16], n[28];
	put_file(st->save, &line);
	pm_emit_text(r->emit, "path", pm_strbuf_text(&line));
	pm_emit_uint(r->emit, "bytes", st->file.bytes);
	pm_emit_uint(r->emit, "tracebacks", st->file.nstacks);
	pm_emit_line(r->emit, "%s tracebacks written to %s (%s).",
		pm_grouped(st->file.nstacks, n), pm_strbuf_text(&line),
		pm_human_size(st->file.bytes, size));
}

static void show_total(struct pm_run *r)
{
	struct tracemalloc *st = r->state;
	const struct pm_trace_collect *c = &st->collect;
	const struct pm_trace_moment *m = &st->profile.moments[PM_TRACE_NEW];
	struct pm_emit *e = r->emit;
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "size", m->size);
	pm_emit_uint(e, "count", m->count);
	pm_emit_close(e);
	if (!st->with)
		pm_emit_uint(e, "entries", c->tables.entries);
	if (c->tables.has_traced)
		pm_emit_uint(e, "traced_memory", c->tables.traced);
	else
		pm_emit_null(e, "traced_memory");
	if (m->has_peak)
		pm_emit_uint(e, "peak", m->peak);
	else
		pm_emit_null(e, "peak");
	if (m->max_nframe)
		pm_emit_uint(e, "max_frames", m->max_nframe);
	else
		pm_emit_null(e, "max_frames");
	pm_emit_variable(e, "py_count", m->count);
	pm_emit_variable(e, "py_size", m->size);
	pm_emit_skipped(e, m->unreadable, m->inconsistent);
}

static enum pm_status show_groups(struct pm_run *r, struct pm_error *err)
{
	struct tracemalloc *st = r->state;
	bool compared = st->compare != NULL;
	PM_TRY(pm_trace_groups_make(
		&st->profile, pm_trace_by(r), &st->groups, err));
	pm_trace_groups_sort(&st->groups, &st->profile, compared);
	if (compared)
		show_compared(r);
	else
		show_header(r);
	pm_trace_show_rows(r, &st->profile, &st->groups, compared);
	return PM_OK;
}

static enum pm_status show(struct pm_run *r, struct pm_error *err)
{
	struct tracemalloc *st = r->state;
	if (r->has_addr) {
		show_matches(r);
	} else if (st->save) {
		show_header(r);
		show_saved(r);
	} else {
		PM_TRY(show_groups(r, err));
	}
	if (!st->with)
		pm_trace_show_doubts(r, &st->collect);
	show_total(r);
	return PM_OK;
}

/* ---- the command ---- */

static bool needs_target(const struct pm_run *r)
{
	return !pm_run_given(r, "with");
}

static enum pm_status check(const struct pm_run *r, struct pm_error *err)
{
	const struct tracemalloc *st = r->state;
	if (r->has_addr &&
		(pm_run_given(r, "by") || st->save || st->compare || st->with))
		return pm_fail(err, PM_USAGE, 0,
			"-by, -save, -compare and -with are for all blocks, "
			"not for that of an address");
	if (st->with && !st->compare)
		return pm_fail(err, PM_USAGE, 0,
			"-with FILE says what -compare FILE compares with");
	if (st->save && (st->compare || pm_run_given(r, "by")))
		return pm_fail(err, PM_USAGE, 0,
			"-save FILE writes all there is: -by and -compare "
			"are for what is shown");
	return PM_OK;
}

static enum pm_status open_target(struct pm_run *r, struct pm_error *err)
{
	struct pm_session *s = r->session;
	struct tracemalloc *st = r->state;
	st->phase = PHASE_TARGET;
	PM_TRY(pm_trace_collect_open(&st->collect, s->layout, s->memory,
		&st->profile, PM_TRACE_NEW, err));
	if (!r->has_addr)
		return PM_OK;
	st->addr = r->addr;
	st->collect.see = see;
	st->collect.arg = st;
	return PM_OK;
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct tracemalloc *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	st->save = pm_run_text(r, "save", NULL);
	st->compare = pm_run_text(r, "compare", NULL);
	st->with = pm_run_text(r, "with", NULL);
	PM_TRY(check(r, err));
	if (!st->compare)
		return open_target(r, err);
	st->phase = PHASE_OLD;
	return pm_trace_file_read(
		&st->file, &st->profile, PM_TRACE_OLD, st->compare, err);
}

/* What comes after the phase that is done. */
static enum pm_status go_on(struct pm_run *r, struct pm_error *err)
{
	struct tracemalloc *st = r->state;
	switch (st->phase) {
	case PHASE_OLD:
		pm_trace_file_finish(&st->file);
		if (!st->with)
			return open_target(r, err);
		st->phase = PHASE_NEW;
		return pm_trace_file_read(
			&st->file, &st->profile, PM_TRACE_NEW, st->with, err);
	case PHASE_TARGET:
		st->phase = st->save ? PHASE_SAVE : PHASE_SHOW;
		return st->save ? pm_trace_file_write(&st->file, &st->profile,
					  PM_TRACE_NEW, st->save, err)
				: PM_OK;
	case PHASE_NEW:
	case PHASE_SAVE:
	case PHASE_SHOW:
		st->phase = PHASE_SHOW;
		return PM_OK;
	}
	return PM_OK;
}

static enum pm_status step_target(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct tracemalloc *st = r->state;
	snprintf(r->progress, sizeof r->progress,
		"reading traces %" PRIu64 "/%" PRIu64, st->collect.traces.count,
		st->collect.tables.entries);
	return pm_trace_collect_step(
		&st->collect, PM_STEP_SECONDS, ret_done, err);
}

static enum pm_status step_file(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct tracemalloc *st = r->state;
	snprintf(r->progress, sizeof r->progress, "tracebacks %zu/%" PRIu64,
		st->file.at, st->file.nstacks);
	return pm_trace_file_step(&st->file, PM_STEP_SECONDS, ret_done, err);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct tracemalloc *st = r->state;
	bool done;
	if (st->phase == PHASE_SHOW) {
		*ret_done = true;
		return show(r, err);
	}
	PM_TRY((st->phase == PHASE_TARGET ? step_target : step_file)(
		r, &done, err));
	return done ? go_on(r, err) : PM_OK;
}

static void finish(struct pm_run *r)
{
	struct tracemalloc *st = r->state;
	if (!st)
		return;
	pm_trace_file_finish(&st->file);
	pm_trace_collect_close(&st->collect);
	pm_trace_profile_deinit(&st->profile);
	pm_trace_groups_deinit(&st->groups);
	pm_vec_deinit(&st->matches);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "by",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = PM_TRACE_BY_CHOICES,
		.help = "What the rows are: the line that allocated (the "
			"default), its file, or the whole traceback."},
	{.name = "save",
		.type = PM_ARG_FILE,
		.value = "FILE",
		.help = "Write all of it to a file, to be compared later."},
	{.name = "compare",
		.type = PM_ARG_FILE,
		.value = "FILE",
		.help = "Show what changed since -save wrote this file, what "
			"changed most first."},
	{.name = "with",
		.type = PM_ARG_FILE,
		.value = "FILE",
		.help = "Compare with this file, instead of with now: needs no "
			"process."},
	{0},
};

const struct pm_command pm_command_tracemalloc = {
	.name = "py-tracemalloc",
	.group = PM_GROUP_TIME,
	.summary = "Show where memory was allocated, if tracemalloc traced "
		   "it.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES,
	.operand = PM_OPERAND_OPTIONAL_ADDR,
	.operand_help = "ADDR is an address in a block, such as that of an "
			"object: any GDB expression, such as $py1.",
	.needs_target = needs_target,
	.doc = "Without ADDR: bytes and blocks that are allocated now, by the "
	       "line that allocated them, the largest first.  The words of "
	       "-by and the figures are those of tracemalloc's own "
	       "statistics(); tracebacks are shown with the most recent call "
	       "last.  With ADDR: the traceback of the block that holds it.\n"
	       "The target must trace: start it with PYTHONTRACEMALLOC=N in "
	       "its environment, or with python -X tracemalloc=N, or let it "
	       "call tracemalloc.start(N).  N is how many frames are kept of "
	       "each traceback, 1 by default.  What was allocated before is "
	       "not known.\n"
	       "Sizes are what was asked for, without what the allocator "
	       "adds.  Blocks of other domains than 0, which C extensions "
	       "report, are rows of their own.\n"
	       "The sum is compared with what tracemalloc counts itself, and "
	       "the traces with what its tables say they have: where these "
	       "differ, it is said.  They do when the target was stopped "
	       "while it changed a table.",
	.examples =
		"py-tracemalloc               # which lines hold most memory\n"
		"py-tracemalloc -by traceback -top 3  # and how they were "
		"called\n"
		"py-tracemalloc $py1          # where this object was "
		"allocated\n"
		"py-tracemalloc -save before.pmt  # continue, stop again, and\n"
		"py-tracemalloc -compare before.pmt  # which lines grew\n"
		"py-tracemalloc -all -json    # every line, for a script",
	.start = start,
	.step = step,
	.finish = finish,
};
