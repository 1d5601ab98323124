/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/path-show.h"
#include "command/graphing.h"
#include "heap/team.h"
#include "object/repr.h"

#include <inttypes.h>

#define REPR_SHOWN 40

void pm_path_show_init(
	struct pm_path_show *s, struct pm_run *r, struct pm_path_job *job)
{
	*s = (struct pm_path_show){
		.r = r, .job = job, .paths = pm_path_result(job)};
	s->limit = pm_run_flag(r, "all") ? 0 : PM_PATH_STEPS;
	s->limit = (size_t)pm_run_number(r, "steps", s->limit);
}

void pm_path_show_deinit(struct pm_path_show *s)
{
	pm_expression_deinit(&s->expression);
	pm_vias_deinit(&s->vias);
}

static const struct pm_path *current(const struct pm_path_show *s)
{
	return &s->paths->list.data[s->path];
}

/* ---- the object, and what is said of it when nothing leads there ---- */

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

/* ---- a path ---- */

/* Its expression is there. */
static void begin_path(struct pm_path_show *s)
{
	const struct pm_path *p = current(s);
	struct pm_emit *e = s->r->emit;
	const char *text = pm_strbuf_text(&s->expression.text);
	const struct pm_path_gap *gap = &s->expression.gap;
	pm_auto_strbuf name = {0};
	pm_root_name(s->r->session->heap, p->root, true, &name);
	pm_emit_line(e, "%s", text);
	if (!pm_root_kind_is_precise(p->root->kind))
		pm_emit_line(e,
			"(a guess: the %s is a word that has the address)",
			pm_root_kind_text(p->root->kind));
	pm_emit_open_object(e, NULL);
	pm_emit_text(e, "expression", text);
	pm_emit_uint(e, "length", p->n);
	pm_emit_uint(e, "left_out", gap->end - gap->begin);
	pm_emit_open_object(e, "root");
	pm_emit_text(e, "kind", pm_root_kind_text(p->root->kind));
	pm_emit_text(e, "name", pm_strbuf_text(&name));
	pm_emit_bool(e, "exact", pm_root_kind_is_precise(p->root->kind));
	pm_emit_close(e);
	s->left_out += gap->end - gap->begin;
}

/* The i-th object of a path: how it is reached. */
static void describe_step(
	struct pm_path_show *s, size_t i, struct pm_strbuf *via)
{
	const struct pm_graph *g = s->r->session->graph;
	const struct pm_path *p = current(s);
	struct pm_object holder;
	struct pm_ref ref;
	if (!i)
		pm_root_name(g->h, p->root, true, via);
	else if (pm_path_via(g, p, i - 1, &s->vias, &holder, &ref))
		pm_ref_describe(&g->h->objects, &holder, &ref, via);
	else
		pm_strbuf_putc(via, '?');
}

/* Of several paths, the steps are for scripts only. */
static bool is_table(const struct pm_path_show *s)
{
	return s->paths->list.len == 1;
}

static void begin_steps(struct pm_path_show *s)
{
	static const struct pm_column columns[] = {
		{"index", NULL, PM_CELL_COUNT},
		{"addr", "ADDR", PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"via", "VIA", PM_CELL_TEXT},
		{NULL, "VALUE", PM_CELL_TEXT},
	};
	if (is_table(s))
		pm_emit_table(s->r->emit, "steps", columns, 5, 0);
	else
		pm_emit_open_array(s->r->emit, "steps");
}

static void end_path(struct pm_path_show *s)
{
	if (is_table(s))
		pm_emit_table_end(s->r->emit);
	else
		pm_emit_close(s->r->emit);
	pm_emit_close(s->r->emit);
}

static void show_gap(struct pm_path_show *s, size_t n)
{
	pm_auto_strbuf text = {0};
	char count[28];
	pm_strbuf_printf(&text, "(%s more steps)", pm_grouped(n, count));
	const struct pm_cell cells[] = {
		{.absent = true},
		{.absent = true},
		{.text = ""},
		{.text = pm_strbuf_text(&text)},
		{.text = ""},
	};
	if (is_table(s) && !pm_run_flag(s->r, "json"))
		pm_emit_row(s->r->emit, cells, 0);
}

static void show_row(struct pm_path_show *s, size_t i)
{
	const struct pm_graph *g = s->r->session->graph;
	struct pm_emit *e = s->r->emit;
	uint32_t node = current(s)->nodes[i];
	bool json = pm_run_flag(s->r, "json");
	pm_auto_strbuf via = {0}, repr = {0};
	if (!is_table(s) && !json)
		return;
	describe_step(s, i, &via);
	if (!json)
		pm_repr(&g->h->objects, g->addr[node], REPR_SHOWN, &repr);
	const struct pm_cell cells[] = {
		{.u = i},
		{.u = g->addr[node]},
		{.text = pm_graph_type_name(g, node)},
		{.text = pm_strbuf_text(&via)},
		{.text = pm_strbuf_text(&repr)},
	};
	if (is_table(s)) {
		pm_emit_row(e, cells, g->addr[node]);
		return;
	}
	pm_emit_open_object(e, NULL);
	pm_emit_uint(e, "index", i);
	pm_emit_addr(e, "addr", g->addr[node]);
	pm_emit_text(e, "type", cells[2].text);
	pm_emit_text(e, "via", cells[3].text);
	pm_emit_close(e);
}

/* ---- little by little ---- */

/* Writes a bit of the expression. */
static enum pm_status write_on(struct pm_path_show *s, struct pm_error *err)
{
	if (!s->begun) {
		PM_TRY(pm_path_open(s->job, s->path, err));
		pm_expression_begin(&s->expression, s->r->session->graph,
			current(s), s->limit, &s->vias);
		s->begun = true;
		return PM_OK;
	}
	if (pm_expression_step(&s->expression))
		return PM_OK;
	if (s->expression.text.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	begin_path(s);
	begin_steps(s);
	s->step = 0;
	s->written = true;
	return PM_OK;
}

static void show_step(struct pm_path_show *s)
{
	const struct pm_path_gap gap = s->expression.gap;
	if (s->step == current(s)->n) {
		end_path(s);
		pm_expression_deinit(&s->expression);
		s->expression = (struct pm_expression){0};
		s->begun = s->written = false;
		if (s->paths->list.len > 1)
			pm_path_close(s->job, s->path);
		s->path++;
		return;
	}
	if (gap.end && s->step == gap.begin) {
		show_gap(s, gap.end - gap.begin);
		s->step = gap.end;
	}
	show_row(s, s->step++);
}

static void show_total(struct pm_path_show *s)
{
	struct pm_run *r = s->r;
	const struct pm_paths *res = s->paths;
	char n[28];
	pm_emit_close(r->emit);
	if (!s->path)
		show_none(r, res);
	else if (s->path < res->list.len ||
		 (!res->complete && pm_run_flag(r, "all-roots")))
		pm_emit_line(r->emit,
			"More roots lead there: %s are shown (-all shows all).",
			pm_grouped(s->path, n));
	if (s->left_out)
		pm_emit_line(r->emit,
			"%s steps in the middle are left out (-steps N shows "
			"more, -all shows all).",
			pm_grouped(s->left_out, n));
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "paths", s->path);
	pm_emit_uint(r->emit, "objects", res->visited);
	pm_emit_bool(r->emit, "complete", res->complete);
	pm_emit_uint(r->emit, "left_out", s->left_out);
	pm_emit_close(r->emit);
	pm_emit_variable(r->emit, "py_count", s->path);
	pm_graphing_skipped(r);
}

enum pm_status pm_path_show_step(
	struct pm_path_show *s, bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + PM_STEP_SECONDS;
	const struct pm_run *r = s->r;
	size_t most = s->paths->list.len;
	if (r->top && pm_run_flag(r, "all-roots") && r->top < most)
		most = r->top;
	if (!s->path && !s->begun) {
		show_object(s->r);
		pm_emit_open_array(r->emit, "paths");
	}
	for (unsigned n = 1; s->path < most; n++) {
		if (n % 16 == 0 && pm_now() > end)
			return PM_OK;
		if (s->written)
			show_step(s);
		else
			PM_TRY(write_on(s, err));
	}
	show_total(s);
	*ret_done = true;
	return PM_OK;
}
