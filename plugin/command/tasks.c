/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-tasks: what waits, for what, and what has finished and is still held. */
#include "command/await-chain.h"
#include "command/graphing.h"
#include "command/row-paths.h"
#include "command/task-holders.h"
#include "base/clock.h"
#include "graph/dominators.h"

#include <inttypes.h>
#include <string.h>

enum phase {
	PHASE_GRAPH,
	PHASE_SURVEY,
	PHASE_HOLDERS,
	PHASE_PATHS,
	PHASE_ROWS,
	PHASE_CHAINS
};

struct row {
	const struct pm_awaitable *x; /* the job's */
	uint32_t node;		      /* PM_NO_NODE: the graph lacks it */
	uint64_t retained;
	bool reached; /* a root leads there */
};

struct tasks {
	struct pm_graphing graphing;
	struct pm_awaitables_job *job;
	enum phase phase;
	PM_VEC(struct row) rows;
	size_t shown;			 /* the first of them */
	struct pm_task_holders *holders; /* NULL: not asked for */
	struct pm_row_paths paths;
	size_t at;
	uint64_t of_kind[PM_AWAITABLE_NKINDS]; /* of all there are */
	uint64_t tasks_in[PM_AWAITABLE_NSTATES];
	uint64_t lost, parts;
	/* Of the last row: most have the same. */
	pm_addr loop;
	uint64_t thread;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_object x;
	if (r->has_addr)
		PM_TRY(pm_walking_object(r, &x, err));
	struct tasks *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_DOMINATORS, err);
}

/* ---- which rows ---- */

/* Pending for ever: what would wake it is held by nobody but itself. */
static bool is_lost(const struct row *row)
{
	return !row->reached && row->x->state == PM_AWAITABLE_IS_PENDING &&
	       row->x->kind == PM_AWAITABLE_TASK;
}

static bool is_wanted(const struct pm_run *r, const struct row *row)
{
	const struct pm_awaitable *x = row->x;
	const char *type = pm_run_text(r, "type", NULL);
	const char *state = pm_run_text(r, "state", NULL);
	const char *kind = pm_run_text(r, "kind", NULL);
	if (r->has_addr)
		return x->addr == r->addr;
	if (type && !pm_type_matches(x->type->name, type))
		return false;
	if (kind && strcmp(kind, pm_awaitable_kind_text(x->kind)) != 0)
		return false;
	if (state && !strcmp(state, "lost"))
		return is_lost(row);
	if (state && strcmp(state, pm_awaitable_state_text(x->state)) != 0)
		return false;
	return !x->part || x->kind == PM_AWAITABLE_TASK ||
	       pm_run_flag(r, "parts");
}

static int by_interest(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->x->kind != y->x->kind)
		return x->x->kind < y->x->kind ? -1 : 1;
	if (is_lost(x) != is_lost(y))
		return is_lost(x) ? -1 : 1;
	if (x->x->state != y->x->state)
		return x->x->state < y->x->state ? -1 : 1;
	if (x->retained != y->retained)
		return x->retained > y->retained ? -1 : 1;
	return x->x->addr < y->x->addr ? -1 : x->x->addr > y->x->addr;
}

static struct row row_of(const struct pm_graph *g, const struct pm_awaitable *x)
{
	struct row row = {.x = x, .node = pm_graph_node(g, x->addr)};
	if (row.node != PM_NO_NODE) {
		row.retained = g->dominators->retained[row.node];
		row.reached = g->dominators->of[row.node] != PM_UNREACHED;
	}
	return row;
}

static enum pm_status choose(struct pm_run *r, struct pm_error *err)
{
	struct tasks *st = r->state;
	const struct pm_awaitables *all = pm_awaitables_result(st->job);
	pm_vec_each (x, &all->list) {
		struct row row = row_of(r->session->graph, x);
		st->of_kind[x->kind]++;
		if (x->kind == PM_AWAITABLE_TASK)
			st->tasks_in[x->state]++;
		st->lost += is_lost(&row);
		if (is_wanted(r, &row) && !pm_vec_push(&st->rows, row))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		st->parts += x->part && x->kind != PM_AWAITABLE_TASK;
	}
	if (r->has_addr && !st->rows.len)
		return pm_fail(err, PM_ABSENT, r->addr,
			"0x%" PRIx64 " is no task, future, coroutine, async "
			"generator or greenlet",
			r->addr);
	if (st->rows.len)
		qsort(st->rows.data, st->rows.len, sizeof *st->rows.data,
			by_interest);
	st->shown = r->top && r->top < st->rows.len ? r->top : st->rows.len;
	st->phase = PHASE_HOLDERS;
	return r->has_addr ? PM_OK
			   : pm_task_holders_create(r, all, &st->holders, err);
}

/* ---- who holds it ---- */

static enum pm_status find_holders(struct pm_run *r, struct pm_error *err)
{
	struct tasks *st = r->state;
	bool done = !st->holders;
	if (st->holders)
		PM_TRY(pm_task_holders_step(st->holders, r, &done, err));
	if (done)
		st->phase = PHASE_PATHS;
	return PM_OK;
}

/* What waits is held by what will wake it; asked is why others are. */
static bool asks_path(const struct pm_run *r, const struct row *row)
{
	return row->reached &&
	       (r->has_addr ||
		       (row->x->state != PM_AWAITABLE_IS_PENDING &&
			       row->x->state != PM_AWAITABLE_IS_RUNNING));
}

static enum pm_status find_path(struct pm_run *r, struct pm_error *err)
{
	struct tasks *st = r->state;
	bool done;
	size_t i = st->paths.list.len;
	if (i == st->shown || i == PM_ROW_PATHS_MAX) {
		st->phase = PHASE_ROWS;
		return PM_OK;
	}
	const struct row *row = &st->rows.data[i];
	snprintf(r->progress, sizeof r->progress, "finding paths %zu/%zu", i,
		st->shown);
	return pm_row_paths_step(&st->paths, r->session->graph,
		asks_path(r, row) ? row->node : PM_NO_NODE, &done, err);
}

/* ---- rows ---- */

static const struct pm_column columns[] = {
	{"kind", "KIND", PM_CELL_TEXT},
	{NULL, "STATE", PM_CELL_TEXT},
	{"state", NULL, PM_CELL_TEXT},
	{"lost", NULL, PM_CELL_BOOL},
	{"name", "NAME", PM_CELL_TEXT},
	{"retained", "RETAINED", PM_CELL_SIZE},
	{"addr", "ADDR", PM_CELL_ADDR},
	{NULL, "CODE", PM_CELL_TEXT},
	{"coro", NULL, PM_CELL_TEXT},
	{"coro_addr", NULL, PM_CELL_ADDR},
	{"file", NULL, PM_CELL_TEXT},
	{"line", NULL, PM_CELL_INT},
	{NULL, "WAITS FOR, OR IS HELD BY", PM_CELL_TEXT},
	{"waits_for", NULL, PM_CELL_TEXT},
	{"waits_for_addr", NULL, PM_CELL_ADDR},
	{"waits_for_type", NULL, PM_CELL_TEXT},
	{"reached", NULL, PM_CELL_BOOL},
	{"held_by", NULL, PM_CELL_TEXT},
	{"held_by_exact", NULL, PM_CELL_BOOL},
	{"loop", NULL, PM_CELL_ADDR},
	{"thread", NULL, PM_CELL_COUNT},
	{"type", "TYPE", PM_CELL_TEXT},
};

static uint64_t thread_of_row(
	struct tasks *st, const struct pm_objects *o, const struct row *row)
{
	pm_addr loop = row->x->future.loop;
	if (loop != st->loop)
		st->thread = pm_loop_thread(o, loop);
	st->loop = loop;
	return st->thread;
}

static const char *or_null(const struct pm_strbuf *b)
{
	return b->len ? pm_strbuf_text(b) : NULL;
}

/* "main (app.py:17)" without folders: the table is wide enough. */
static void put_code(const struct pm_await_place *p, struct pm_strbuf *out)
{
	const char *file = pm_strbuf_text(&p->file);
	const char *base = strrchr(file, '/');
	if (!p->function.len)
		return;
	pm_strbuf_printf(out, "%s (%s", pm_strbuf_text(&p->function),
		base ? base + 1 : file);
	if (p->line)
		pm_strbuf_printf(out, ":%" PRId64, p->line);
	pm_strbuf_putc(out, ')');
}

static const char *end_type(const struct pm_objects *o, pm_addr end)
{
	struct pm_object x;
	return end && pm_object_load(o, end, &x, NULL) == PM_OK ? x.type->name
								: NULL;
}

static void put_held(const struct row *row, const struct pm_row_path *path,
	struct pm_strbuf *out)
{
	/* What a greenlet's own stack holds is not seen. */
	if (!row->reached && row->x->kind != PM_AWAITABLE_GREENLET)
		pm_strbuf_puts(out, "no root leads to it");
	else if (path && *path->text)
		pm_strbuf_printf(out, "%s%s", path->text,
			path->exact ? "" : " (a guess)");
}

static enum pm_status show_row(struct pm_run *r, size_t i, struct pm_error *err)
{
	struct tasks *st = r->state;
	const struct row *row = &st->rows.data[i];
	const struct pm_awaitable *x = row->x;
	const struct pm_objects *o = &r->session->heap->objects;
	const struct pm_row_path *path =
		i < st->paths.list.len ? &st->paths.list.data[i] : NULL;
	pm_auto_await_chain chain = {.cut = false};
	pm_auto_await_place place = {.line = 0};
	pm_auto_strbuf name = {0}, code = {0}, waits = {0}, last = {0};
	pm_auto_strbuf state = {0};
	struct pm_object coro;
	PM_TRY(pm_await_chain_load(o, x, &chain, err));
	if (x->coro && pm_object_load(o, x->coro, &coro, NULL) == PM_OK)
		pm_await_place_load(o, &coro, &place);
	pm_awaitable_name(o, x, &name);
	put_code(&place, &code);
	pm_await_describe(st->job, o, x, &chain, &waits);
	pm_strbuf_puts(&last, pm_strbuf_text(&waits));
	if (!waits.len)
		put_held(row, path, &last);
	pm_strbuf_printf(&state, "%s%s", pm_awaitable_state_text(x->state),
		is_lost(row) ? ", lost" : "");
	uint64_t thread = thread_of_row(st, o, row);
	bool held = path && *path->text;
	const struct pm_cell cells[] = {
		{.text = pm_awaitable_kind_text(x->kind)},
		{.text = pm_strbuf_text(&state)},
		{.text = pm_awaitable_state_text(x->state)},
		{.b = is_lost(row)},
		{.text = or_null(&name)},
		{.u = row->retained, .absent = !row->reached},
		{.u = x->addr},
		{.text = or_null(&code)},
		{.text = or_null(&place.function)},
		{.u = x->coro, .absent = !x->coro},
		{.text = or_null(&place.file)},
		{.i = place.line, .absent = !place.line},
		{.text = or_null(&last)},
		{.text = or_null(&waits)},
		{.u = chain.end, .absent = !chain.end},
		{.text = end_type(o, chain.end)},
		{.b = row->reached},
		{.text = held ? path->text : NULL},
		{.b = held && path->exact, .absent = !held},
		{.u = x->future.loop, .absent = !x->future.loop},
		{.u = thread, .absent = !thread},
		{.text = x->type->name},
	};
	pm_emit_row(r->emit, cells, x->addr);
	return PM_OK;
}

static enum pm_status show_rows(struct pm_run *r, struct pm_error *err)
{
	struct tasks *st = r->state;
	double end = pm_now() + PM_STEP_SECONDS;
	if (!st->at)
		pm_emit_table(r->emit, "rows", columns,
			sizeof columns / sizeof *columns, 0);
	while (st->at < st->shown) {
		PM_TRY(show_row(r, st->at++, err));
		if (st->at % 8 || pm_now() < end)
			continue;
		snprintf(r->progress, sizeof r->progress, "rows %zu/%zu",
			st->at, st->shown);
		return PM_OK;
	}
	pm_emit_table_hide(r->emit, st->rows.len - st->shown);
	pm_emit_table_end(r->emit);
	pm_emit_open_array(r->emit, "chains");
	st->at = 0;
	st->phase = PHASE_CHAINS;
	return PM_OK;
}

/* ---- totals ---- */

/* "12 tasks: 2 running, 9 pending (1 lost), 1 finished" */
static void put_tasks(const struct tasks *st, struct pm_strbuf *out)
{
	char n[28];
	const char *join = ": ";
	uint64_t tasks = st->of_kind[PM_AWAITABLE_TASK];
	pm_strbuf_printf(
		out, "%s task%s", pm_grouped(tasks, n), tasks == 1 ? "" : "s");
	for (unsigned i = 0; i < PM_AWAITABLE_NSTATES; i++) {
		if (!st->tasks_in[i])
			continue;
		pm_strbuf_printf(out, "%s%s %s", join,
			pm_grouped(st->tasks_in[i], n),
			pm_awaitable_state_text((enum pm_awaitable_state)i));
		join = ", ";
		if (i == PM_AWAITABLE_IS_PENDING && st->lost)
			pm_strbuf_printf(
				out, " (%s lost)", pm_grouped(st->lost, n));
	}
}

static void show_counts(struct pm_run *r)
{
	const struct tasks *st = r->state;
	struct pm_emit *e = r->emit;
	pm_auto_strbuf text = {0};
	char n[28];
	put_tasks(st, &text);
	for (unsigned i = PM_AWAITABLE_TASK + 1; i < PM_AWAITABLE_NKINDS; i++)
		if (st->of_kind[i])
			pm_strbuf_printf(&text, "; %s %s%s",
				pm_grouped(st->of_kind[i], n),
				pm_awaitable_kind_text(
					(enum pm_awaitable_kind)i),
				st->of_kind[i] == 1 ? "" : "s");
	pm_emit_line(e, "%s.", pm_strbuf_text(&text));
	if (st->parts && !pm_run_flag(r, "parts") && !r->has_addr)
		pm_emit_line(e,
			"%s of these are in the chains of others (-parts lists "
			"them).",
			pm_grouped(st->parts, n));
	if (st->lost)
		pm_emit_line(e, "%s",
			"Lost: no root leads to the task, nor to what it waits "
			"for; nothing will ever wake it.");
	if (st->of_kind[PM_AWAITABLE_GREENLET])
		pm_emit_line(e, "%s",
			"Greenlets have their stacks in memory of C code: "
			"these "
			"are not decoded.");
}

/* Where there can be none, nobody should look for them. */
static void show_why_none(struct pm_run *r)
{
	const struct tasks *st = r->state;
	const struct pm_layout *l = r->session->layout;
	if (st->rows.len)
		return;
	if (!pm_has(l->f.coro.sizeof_))
		pm_emit_line(r->emit, "%s",
			"This Python has no coroutines, and no asyncio.");
	else if (pm_awaitables_result(st->job)->list.len)
		pm_emit_line(
			r->emit, "%s", "None of what there is is asked for.");
}

static void show_total(struct pm_run *r)
{
	const struct tasks *st = r->state;
	const struct pm_awaitables *all = pm_awaitables_result(st->job);
	const struct pm_graph *g = r->session->graph;
	struct pm_emit *e = r->emit;
	pm_emit_line(e, "%s", "");
	show_why_none(r);
	show_counts(r);
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "rows", st->rows.len);
	pm_emit_uint(e, "tasks", st->of_kind[PM_AWAITABLE_TASK]);
	pm_emit_uint(e, "trio_tasks", st->of_kind[PM_AWAITABLE_TRIO_TASK]);
	pm_emit_uint(e, "futures", st->of_kind[PM_AWAITABLE_FUTURE]);
	pm_emit_uint(e, "coroutines", st->of_kind[PM_AWAITABLE_COROUTINE]);
	pm_emit_uint(e, "async_generators",
		st->of_kind[PM_AWAITABLE_ASYNC_GENERATOR]);
	pm_emit_uint(e, "greenlets", st->of_kind[PM_AWAITABLE_GREENLET]);
	pm_emit_uint(e, "lost", st->lost);
	pm_emit_open_object(e, "states");
	for (unsigned i = 0; i < PM_AWAITABLE_NSTATES; i++)
		if (st->tasks_in[i])
			pm_emit_uint(e,
				pm_awaitable_state_text(
					(enum pm_awaitable_state)i),
				st->tasks_in[i]);
	pm_emit_close(e);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", st->rows.len);
	pm_emit_skipped(e,
		r->session->heap->unreadable + g->unreadable + all->unreadable,
		r->session->heap->inconsistent + g->inconsistent +
			all->inconsistent);
}

static enum pm_status show_chains(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct tasks *st = r->state;
	double end = pm_now() + PM_STEP_SECONDS;
	bool in_text = r->has_addr || pm_run_flag(r, "chains");
	while (st->at < st->shown) {
		const struct pm_awaitable *x = st->rows.data[st->at++].x;
		pm_auto_await_chain chain = {.cut = false};
		PM_TRY(pm_await_chain_load(
			&r->session->heap->objects, x, &chain, err));
		pm_await_chain_show(r, st->job, x, &chain, in_text);
		if (st->at % 8 || pm_now() < end)
			continue;
		snprintf(r->progress, sizeof r->progress, "chains %zu/%zu",
			st->at, st->shown);
		return PM_OK;
	}
	pm_emit_close(r->emit);
	PM_TRY(pm_task_holders_show(st->holders, r, err));
	show_total(r);
	*ret_done = true;
	return PM_OK;
}

static enum pm_status survey(struct pm_run *r, struct pm_error *err)
{
	struct tasks *st = r->state;
	uint64_t have, total;
	bool done = false;
	PM_TRY(pm_awaitables_step(st->job, PM_STEP_SECONDS, &done, err));
	pm_awaitables_progress(st->job, &have, &total);
	snprintf(r->progress, sizeof r->progress,
		"looking at tasks %" PRIu64 "/%" PRIu64, have, total);
	return done ? choose(r, err) : PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct tasks *st = r->state;
	bool done = false;
	switch (st->phase) {
	case PHASE_GRAPH:
		PM_TRY(pm_graphing_step(&st->graphing, r, &done, err));
		if (!done)
			return PM_OK;
		st->phase = PHASE_SURVEY;
		return pm_awaitables_create(r->session->heap, &st->job, err);
	case PHASE_SURVEY:
		return survey(r, err);
	case PHASE_HOLDERS:
		return find_holders(r, err);
	case PHASE_PATHS:
		return find_path(r, err);
	case PHASE_ROWS:
		return show_rows(r, err);
	case PHASE_CHAINS:
		return show_chains(r, ret_done, err);
	}
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct tasks *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_awaitables_destroy(st->job);
	pm_task_holders_destroy(st->holders);
	pm_row_paths_deinit(&st->paths);
	pm_vec_deinit(&st->rows);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "chains",
		.type = PM_ARG_FLAG,
		.help = "Show each row's chain of awaits, too."},
	{.name = "kind",
		.type = PM_ARG_CHOICE,
		.value = "KIND",
		.choices = "task|trio task|future|coroutine|async generator|"
			   "greenlet",
		.help = "Only tasks, only futures, ..."},
	{.name = "parts",
		.type = PM_ARG_FLAG,
		.help = "Rows for the coroutines and futures in the chains of "
			"others, too."},
	{.name = "state",
		.type = PM_ARG_CHOICE,
		.value = "STATE",
		.choices = "running|pending|lost|failed|cancelled|finished|"
			   "created|suspended|closed|not decoded",
		.help = "Only what is in this state."},
	{.name = "type",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Only objects whose type's name matches."},
	{0},
};

const struct pm_command pm_command_tasks = {
	.name = "py-tasks",
	.group = PM_GROUP_TIME,
	.summary = "Show asyncio tasks, futures and coroutines: what each "
		   "waits for, who holds it.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_OPTIONAL_ADDR,
	.operand_help = "ADDR is the address of a task, a future, a coroutine "
			"or an async generator: it alone, with its chain.",
	.doc = "A row is a task of asyncio, a future or a coroutine that is in "
	       "no task, an async generator; classes derived from asyncio's, "
	       "and those of its Python code, too.  CODE is the task's own "
	       "coroutine and the line at which it stands.  A pending task "
	       "WAITS FOR another task, by name, for a gather, or for a "
	       "future: "
	       "then with the innermost call of its chain and the call's "
	       "arguments, such as sleep(30, None) or Event.wait(...), which "
	       "say what will end it.  RETAINED is what would be freed with "
	       "it (py-retained).\n"
	       "Tasks and futures that are done are kept by whoever still "
	       "refers to them: for these the path from a root is told, as by "
	       "py-path; of the first 100 rows, and below them of all tasks "
	       "that "
	       "are done, merged where they look the same.  asyncio itself "
	       "holds tasks weakly.  A pending task that no root leads to is "
	       "lost: the "
	       "future it waits for is held by it alone, nobody will ever "
	       "wake it, and the collector destroys it when it runs.\n"
	       "-chains, or ADDR, shows the coroutines from the task's own to "
	       "the innermost, each with function, file and line; tasks that "
	       "wait for it (noted by asyncio itself since 3.14; before, those "
	       "that await it directly or through a gather); result or "
	       "exception.\n"
	       "Tasks of trio are decoded as far as their names and "
	       "coroutines; greenlets, and what gevent derives from them, are "
	       "listed.",
	.examples =
		"py-tasks                  # what is everybody waiting for\n"
		"py-tasks -chains -top 5   # ... from where\n"
		"py-tasks -state finished  # who keeps what is done\n"
		"py-tasks $py1             # one in full",
	.start = start,
	.step = step,
	.finish = finish,
};
