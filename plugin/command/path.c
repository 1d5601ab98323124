/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-path: why is an object still alive. */
#include "command/graphing.h"
#include "command/path-type.h"
#include "command/picture.h"
#include "graph/expression.h"
#include "object/repr.h"

#include <inttypes.h>

#define ROOTS_AT_MOST 10000

struct path_state {
	struct pm_graphing graphing;
	struct pm_path_job *job;
	struct pm_path_type *type; /* when the operand is one */
	const char *exclude;
	bool shown;
	struct pm_drawing drawing;
};

/* Are the paths of a whole type asked for? */
static bool is_type(const struct pm_run *r)
{
	return !r->has_addr;
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_object x;
	if (is_type(r) && (pm_run_flag(r, "all-roots") || pm_drawing_wanted(r)))
		return pm_fail(err, PM_USAGE, 0,
			"%s is about one object (ADDR), not about a type",
			pm_run_flag(r, "all-roots") ? "-all-roots"
						    : "a picture");
	PM_TRY(pm_drawing_check(r, err));
	if (!is_type(r))
		PM_TRY(pm_walking_object(r, &x, err));
	struct path_state *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	st->exclude = pm_run_text(r, "exclude", NULL);
	r->state = st;
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_ROOTS, err);
}

static bool passes(void *arg, const struct pm_type *t)
{
	const struct path_state *st = arg;
	return !pm_type_matches(t->name, st->exclude);
}

static enum pm_status begin(struct pm_run *r, struct pm_error *err)
{
	struct path_state *st = r->state;
	const struct pm_graph *g = r->session->graph;
	uint32_t node;
	PM_TRY(pm_graphing_node(r, &node, err));
	size_t limit = 1;
	if (pm_run_flag(r, "all-roots"))
		limit = r->top && r->top < ROOTS_AT_MOST ? r->top + 1
							 : ROOTS_AT_MOST;
	return pm_path_create(
		g, node, limit, st->exclude ? passes : NULL, st, &st->job, err);
}

/* ---- what is shown ---- */

static void show_object(struct pm_run *r)
{
	struct pm_emit *e = r->emit;
	const struct pm_objects *o = &r->session->heap->objects;
	struct pm_object x;
	pm_auto_strbuf repr = {0};
	if (pm_object_load(o, r->addr, &x, NULL) != PM_OK)
		return;
	pm_repr(o, x.addr, r->session->repr_limit, &repr);
	pm_emit_addr(e, "addr", x.addr);
	pm_emit_text(e, "type", x.type->name);
	pm_emit_text(e, "repr", pm_strbuf_text(&repr));
	pm_emit_line(e, "To the %s at 0x%" PRIx64 ": %s", x.type->name, x.addr,
		pm_strbuf_text(&repr));
}

/* The i-th object of a path: how it is reached. */
static void describe_step(const struct pm_graph *g, const struct pm_path *p,
	size_t i, struct pm_strbuf *via)
{
	struct pm_object holder;
	struct pm_ref ref;
	if (!i)
		pm_root_name(g->h, p->root, true, via);
	else if (pm_object_load(&g->h->objects, g->addr[p->nodes[i - 1]],
			 &holder, NULL) == PM_OK &&
		 pm_graph_via(g, &holder, g->addr[p->nodes[i]], &ref))
		pm_ref_describe(&g->h->objects, &holder, &ref, via);
	else
		pm_strbuf_putc(via, '?');
}

static void show_steps(struct pm_run *r, const struct pm_path *p)
{
	static const struct pm_column columns[] = {
		{"addr", "ADDR", PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"via", "VIA", PM_CELL_TEXT},
		{NULL, "VALUE", PM_CELL_TEXT},
	};
	const struct pm_graph *g = r->session->graph;
	pm_emit_table(r->emit, "steps", columns, 4, 0);
	for (size_t i = 0; i < p->n; i++) {
		pm_auto_strbuf via = {0}, repr = {0};
		pm_addr at = g->addr[p->nodes[i]];
		describe_step(g, p, i, &via);
		pm_repr(&g->h->objects, at, 40, &repr);
		const struct pm_cell cells[] = {
			{.u = at},
			{.text = pm_graph_type_name(g, p->nodes[i])},
			{.text = pm_strbuf_text(&via)},
			{.text = pm_strbuf_text(&repr)},
		};
		pm_emit_row(r->emit, cells, at);
	}
	pm_emit_table_end(r->emit);
}

/* The same without a table: only for scripts. */
static void list_steps(struct pm_run *r, const struct pm_path *p)
{
	const struct pm_graph *g = r->session->graph;
	struct pm_emit *e = r->emit;
	pm_emit_open_array(e, "steps");
	for (size_t i = 0; i < p->n; i++) {
		pm_auto_strbuf via = {0};
		describe_step(g, p, i, &via);
		pm_emit_open_object(e, NULL);
		pm_emit_addr(e, "addr", g->addr[p->nodes[i]]);
		pm_emit_text(e, "type", pm_graph_type_name(g, p->nodes[i]));
		pm_emit_text(e, "via", pm_strbuf_text(&via));
		pm_emit_close(e);
	}
	pm_emit_close(e);
}

static void show_path(struct pm_run *r, const struct pm_path *p, bool table)
{
	const struct pm_graph *g = r->session->graph;
	struct pm_emit *e = r->emit;
	pm_auto_strbuf name = {0}, expression = {0};
	pm_root_name(g->h, p->root, true, &name);
	pm_path_expression(g, p, &expression);
	pm_emit_line(e, "%s", pm_strbuf_text(&expression));
	if (!pm_root_kind_is_precise(p->root->kind))
		pm_emit_line(e,
			"(a guess: the %s is a word that has the address)",
			pm_root_kind_text(p->root->kind));
	pm_emit_open_object(e, NULL);
	pm_emit_text(e, "expression", pm_strbuf_text(&expression));
	pm_emit_open_object(e, "root");
	pm_emit_text(e, "kind", pm_root_kind_text(p->root->kind));
	pm_emit_text(e, "name", pm_strbuf_text(&name));
	pm_emit_bool(e, "exact", pm_root_kind_is_precise(p->root->kind));
	pm_emit_close(e);
	if (table)
		show_steps(r, p);
	else
		list_steps(r, p);
	pm_emit_close(e);
}

static void show_none(struct pm_run *r, const struct pm_paths *res)
{
	char n[28];
	if (res->visited > 1)
		pm_emit_line(r->emit,
			"No root leads there: %s objects do, which only hold "
			"each other (see py-unreachable), or are held by C "
			"code.",
			pm_grouped(res->visited - 1, n));
	else
		pm_emit_line(r->emit, "%s",
			"No object and no root refers to it: C code holds it, "
			"or nothing does.");
}

static void show(struct pm_run *r)
{
	struct path_state *st = r->state;
	const struct pm_paths *res = pm_path_result(st->job);
	size_t n = 0;
	char more[28];
	show_object(r);
	pm_emit_open_array(r->emit, "paths");
	pm_vec_each (p, &res->list)
		if (!r->top || !pm_run_flag(r, "all-roots") || n < r->top) {
			show_path(r, p, res->list.len == 1);
			n++;
		}
	pm_emit_close(r->emit);
	if (!n)
		show_none(r, res);
	else if (n < res->list.len || !res->complete)
		if (pm_run_flag(r, "all-roots"))
			pm_emit_line(r->emit,
				"More roots lead there: %s are shown (-all "
				"shows all).",
				pm_grouped(n, more));
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "paths", n);
	pm_emit_uint(r->emit, "objects", res->visited);
	pm_emit_bool(r->emit, "complete", res->complete);
	pm_emit_close(r->emit);
	pm_emit_variable(r->emit, "py_count", n);
	pm_graphing_skipped(r);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct path_state *st = r->state;
	uint64_t done, total;
	if (st->shown)
		return pm_drawing_step(&st->drawing, ret_done, err);
	if (st->type)
		return pm_path_type_step(st->type, r, ret_done, err);
	if (!st->job) {
		bool ready = false;
		PM_TRY(pm_graphing_step(&st->graphing, r, &ready, err));
		if (!ready)
			return PM_OK;
		return is_type(r) ? pm_path_type_create(
					    r, st->exclude, &st->type, err)
				  : begin(r, err);
	}
	PM_TRY(pm_path_step(st->job, PM_STEP_SECONDS, ret_done, err));
	pm_path_progress(st->job, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"going back %" PRIu64 "/%" PRIu64, done, total);
	if (!*ret_done)
		return PM_OK;
	show(r);
	if (!pm_drawing_wanted(r))
		return PM_OK;
	pm_drawing_paths(
		&st->drawing, r, r->session->graph, pm_path_result(st->job));
	st->shown = true;
	*ret_done = false;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct path_state *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_path_destroy(st->job);
	pm_path_type_destroy(st->type);
	pm_drawing_deinit(&st->drawing);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "all-roots",
		.type = PM_ARG_FLAG,
		.help = "A path from each root that leads there, not the "
			"shortest alone."},
	{.name = "exclude",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Not through objects of these types."},
	PM_PICTURE_OPTIONS,
	{0},
};

const struct pm_command pm_command_path = {
	.name = "py-path",
	.group = PM_GROUP_GRAPH,
	.summary = "Show why an object is alive: a chain of references from a "
		   "root.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_TYPE_OR_ADDR,
	.operand_help = "ADDR is the address of an object: a GDB expression "
			"that begins with a digit, $, (, * or &.  TYPE is a "
			"pattern for the qualified name of types, such as "
			"app.Order or 'app.*': how all their objects are held.",
	.doc = "The shortest chain is written as a Python programmer would "
	       "write it, sys.modules['app'].CACHE._data['k'][3].owner, and "
	       "listed step by step.  Where it begins is a root: something in "
	       "the interpreter's or a thread's state, a variable of a Python "
	       "function that is running, a static or immortal object.  Words "
	       "of C code that merely look like a reference are told as a "
	       "guess, and only when nothing else leads to the object, or "
	       "with -all-roots: words in variables of C code, on C stacks and "
	       "in registers, as far as the reference count leaves room for "
	       "them.\n"
	       "Of a TYPE, each object's shortest path is found, and those "
	       "that look the same are one row: how many objects, and their "
	       "own bytes.  [*] is any item of a container; a container with "
	       "one such item shows its key.  (.next)* are steps that repeat.  "
	       "EXAMPLE is one of the objects.\n"
	       "Weak references hold nothing, nor does the table of interned "
	       "strings.  The first command that needs the graph of all "
	       "references builds it; it is kept until the process runs.",
	.examples = "py-path $py1                     # why is it alive\n"
		    "py-path -all-roots $py1          # who else holds it\n"
		    "py-path -exclude builtins.frame $py1  # not by a frame\n"
		    "py-path -all-roots -svg why.svg $py1\n"
		    "py-path -top 5 app.Order         # what holds all of them",
	.start = start,
	.step = step,
	.finish = finish,
};
