/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-refcheck: reference counts against the references there are. */
#include "command/graphing.h"
#include "command/mallocing.h"
#include "graph/native-memory.h"
#include "graph/refcheck.h"
#include "graph/root-nodes.h"
#include "object/repr.h"

#include <inttypes.h>

#define OBJECTS_AT_MOST 100000

struct refcheck {
	struct pm_graphing graphing;
	struct pm_refcheck_job *job;
	bool counted;
	struct pm_native_memory *memory; /* once it is */
	struct pm_mallocing malloc;
	bool knows_malloc;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct refcheck *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_ROOTS, err);
}

/* ---- by type ---- */

struct row {
	const struct pm_type *type;
	const struct pm_refcheck_sums *s;
};

static int by_surplus(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	uint64_t u = x->s->surplus_counts + x->s->deficit_counts;
	uint64_t v = y->s->surplus_counts + y->s->deficit_counts;
	if (u != v)
		return u < v ? 1 : -1;
	return x->type->id < y->type->id ? -1 : 1;
}

static enum pm_status show_types(
	struct pm_run *r, const struct pm_refcheck *res, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{"objects", "OBJECTS", PM_CELL_COUNT},
		{"exact", "EXACT", PM_CELL_COUNT},
		{"surplus", "SURPLUS", PM_CELL_COUNT},
		{"surplus_counts", "COUNTS", PM_CELL_COUNT},
		{"deficit", "DEFICIT", PM_CELL_COUNT},
		{"deficit_counts", "COUNTS", PM_CELL_COUNT},
		{"type_addr", NULL, PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
	};
	pm_auto_free struct row *rows =
		malloc((res->ntypes + 1) * sizeof *rows);
	size_t n = 0;
	if (!rows)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < res->ntypes; i++) {
		const struct pm_type *t =
			pm_types_by_id(r->session->heap->types, i);
		const struct pm_refcheck_sums *s = &res->types[i];
		if (t && s->exact < s->objects &&
			pm_type_matches(t->name, pm_run_text(r, "type", "*")))
			rows[n++] = (struct row){t, s};
	}
	qsort(rows, n, sizeof *rows, by_surplus);
	pm_emit_table(r->emit, "types", columns, 8, r->top);
	for (size_t i = 0; i < n; i++) {
		const struct pm_refcheck_sums *s = rows[i].s;
		const struct pm_cell cells[] = {
			{.u = s->objects},
			{.u = s->exact},
			{.u = s->surplus},
			{.u = s->surplus_counts},
			{.u = s->deficit},
			{.u = s->deficit_counts},
			{.u = rows[i].type->addr},
			{.text = rows[i].type->name},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
	return PM_OK;
}

/* ---- by object ---- */

/* A word of C code that may be what holds it; NULL: none is known. */
static const struct pm_root *holder_of(const struct pm_graph *g, uint32_t node)
{
	const struct pm_graph_root *r = pm_graph_roots_of(g, node);
	const struct pm_graph_root *end = g->roots.data + g->roots.len;
	for (; r && r < end && r->node == node; r++)
		if (pm_root_kind_is_native(r->root.kind))
			return &r->root;
	return NULL;
}

static void put_holder(struct pm_run *r, uint32_t node, struct pm_strbuf *out)
{
	const struct refcheck *st = r->state;
	const struct pm_graph *g = r->session->graph;
	const struct pm_root *root = holder_of(g, node);
	if (root)
		pm_root_name(g->h, root, false, out);
	else
		(void)pm_native_memory_describe(st->memory, g->addr[node], out);
}

/* One object of each type, the first ones, is looked for in memory of C code:
   what leaks is mostly the same. */
static enum pm_status begin_memory(struct pm_run *r, struct pm_error *err)
{
	struct refcheck *st = r->state;
	const struct pm_graph *g = r->session->graph;
	pm_addr targets[PM_NATIVE_TARGETS];
	uint32_t types[PM_NATIVE_TARGETS];
	size_t n = 0;
	pm_vec_each (o, &pm_refcheck_result(st->job)->odd) {
		const struct pm_type *t = pm_graph_type(g, o->node);
		bool wanted =
			o->count > o->found && t && n < PM_NATIVE_TARGETS &&
			!holder_of(g, o->node) &&
			pm_type_matches(t->name, pm_run_text(r, "type", "*"));
		for (size_t i = 0; wanted && i < n; i++)
			wanted = types[i] != t->id;
		if (wanted) {
			types[n] = t->id;
			targets[n++] = g->addr[o->node];
		}
	}
	st->counted = true;
	return pm_native_memory_create(g->h, targets, n, &st->memory, err);
}

static void show_objects(struct pm_run *r, const struct pm_refcheck *res)
{
	static const struct pm_column columns[] = {
		{"refcount", "REFCOUNT", PM_CELL_INT},
		{"found", "FOUND", PM_CELL_INT},
		{"native", "GUESSED", PM_CELL_COUNT},
		{"addr", "ADDR", PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"held_by", "HELD BY (A GUESS)", PM_CELL_TEXT},
		{NULL, "VALUE", PM_CELL_TEXT},
	};
	const struct pm_graph *g = r->session->graph;
	pm_emit_line(r->emit, "%s", "");
	pm_emit_table(r->emit, "rows", columns, 7, r->top);
	size_t shown = 0;
	pm_vec_each (o, &res->odd) {
		const struct pm_type *t = pm_graph_type(g, o->node);
		pm_auto_strbuf repr = {0}, holder = {0};
		if (!t ||
			!pm_type_matches(t->name, pm_run_text(r, "type", "*")))
			continue;
		if (!r->top || shown++ < r->top) {
			pm_repr(&g->h->objects, g->addr[o->node], 40, &repr);
			put_holder(r, o->node, &holder);
		}
		const struct pm_cell cells[] = {
			{.i = o->count},
			{.i = o->found},
			{.u = o->native},
			{.u = g->addr[o->node]},
			{.text = t->name},
			{.text = holder.len ? pm_strbuf_text(&holder) : NULL},
			{.text = pm_strbuf_text(&repr)},
		};
		pm_emit_row(r->emit, cells, g->addr[o->node]);
	}
	pm_emit_table_end(r->emit);
}

/* Rounded down: 100 are all. */
static double percent_of(const struct pm_refcheck_sums *s)
{
	if (!s->objects)
		return 100;
	return (double)(s->exact * 100000 / s->objects) / 1000;
}

static void show_total(struct pm_run *r, const struct pm_refcheck *res)
{
	const struct pm_refcheck_sums *s = &res->all;
	struct pm_emit *e = r->emit;
	char a[28], b[28], c[28];
	pm_emit_line(e,
		"The counts of %s of %s objects (%.3f %%) are all references "
		"that were found.",
		pm_grouped(s->exact, a), pm_grouped(s->objects, b),
		percent_of(s));
	if (s->by_variables)
		pm_emit_line(e,
			"Of these, %s because words in variables of C code are "
			"taken for references.",
			pm_grouped(s->by_variables, a));
	if (s->surplus)
		pm_emit_line(e,
			"%s have more: C code holds them, or a reference was "
			"leaked.",
			pm_grouped(s->surplus, a));
	if (s->deficit)
		pm_emit_line(e,
			"%s have fewer: corruption, or a reference that was "
			"taken for one.",
			pm_grouped(s->deficit, a));
	if (res->immortal || res->deferred)
		pm_emit_line(e,
			"Not compared: %s immortal objects, %s whose counts "
			"are deferred.",
			pm_grouped(res->immortal, b),
			pm_grouped(res->deferred, c));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "objects", s->objects);
	pm_emit_uint(e, "exact", s->exact);
	pm_emit_uint(e, "by_variables", s->by_variables);
	pm_emit_uint(e, "surplus", s->surplus);
	pm_emit_uint(e, "surplus_counts", s->surplus_counts);
	pm_emit_uint(e, "deficit", s->deficit);
	pm_emit_uint(e, "deficit_counts", s->deficit_counts);
	pm_emit_uint(e, "immortal", res->immortal);
	pm_emit_uint(e, "deferred", res->deferred);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", s->surplus);
	pm_graphing_skipped(r);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct refcheck *st = r->state;
	bool done = false;
	uint64_t now, total;
	if (!st->job) {
		PM_TRY(pm_graphing_step(&st->graphing, r, &done, err));
		return done ? pm_refcheck_create(r->session->graph,
				      OBJECTS_AT_MOST, &st->job, err)
			    : PM_OK;
	}
	if (!st->counted) {
		PM_TRY(pm_refcheck_step(st->job, PM_STEP_SECONDS, &done, err));
		pm_refcheck_progress(st->job, &now, &total);
		snprintf(r->progress, sizeof r->progress,
			"counting %" PRIu64 "/%" PRIu64, now, total);
		return done ? begin_memory(r, err) : PM_OK;
	}
	if (!st->knows_malloc && pm_native_memory_looks(st->memory)) {
		PM_TRY(pm_mallocing_step(&st->malloc, r, &done, err));
		st->knows_malloc = done;
		if (done)
			pm_native_memory_know(st->memory, r->session->malloc);
		return PM_OK;
	}
	PM_TRY(pm_native_memory_step(st->memory, PM_STEP_SECONDS, &done, err));
	snprintf(r->progress, sizeof r->progress, "looking through memory");
	if (!done)
		return PM_OK;
	const struct pm_refcheck *res = pm_refcheck_result(st->job);
	PM_TRY(show_types(r, res, err));
	show_objects(r, res);
	show_total(r, res);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct refcheck *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_refcheck_destroy(st->job);
	pm_native_memory_destroy(st->memory);
	pm_mallocing_finish(&st->malloc);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "type",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Show only types whose name matches."},
	{0},
};

const struct pm_command pm_command_refcheck = {
	.name = "py-refcheck",
	.group = PM_GROUP_GRAPH,
	.summary = "Compare reference counts with the references that there "
		   "are.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = "SURPLUS objects have more counts than references were found: C "
	       "code holds them in variables or memory of its own, or took a "
	       "reference and never gave it back.  A type whose surplus grows "
	       "from stop to stop leaks.  DEFICIT objects have fewer: memory "
	       "is corrupt, or what was taken for a reference is none.  The "
	       "second table lists such objects: FOUND are references of "
	       "objects, frames and interpreter state; GUESSED are words in "
	       "objects of C extensions and in variables of C code that are "
	       "its address, believed as far as they explain the count.  HELD "
	       "BY is a word that may be one of the other references: in a "
	       "variable, on the C stack of a thread, in its registers or "
	       "(looked for once for each type) in memory that C code got "
	       "from malloc and did not free, where it may as well be left "
	       "over.  Immortal "
	       "objects and, in free-threaded builds, objects with deferred "
	       "counts are set apart.",
	.examples = "py-refcheck              # are references leaked\n"
		    "py-refcheck -type 'app.*' -top 5",
	.start = start,
	.step = step,
	.finish = finish,
};
