/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/path-type.h"
#include "command/graphing.h"
#include "graph/population.h"

#include <inttypes.h>
#include <string.h>

struct pm_path_type {
	struct pm_population_job *job;
	uint64_t types; /* that match */
};

void pm_path_type_destroy(struct pm_path_type *j)
{
	if (!j)
		return;
	pm_population_destroy(j->job);
	free(j);
}

static void cleanup_job(struct pm_path_type **j)
{
	pm_path_type_destroy(*j);
}

enum pm_status pm_path_type_create(struct pm_run *r, const char *exclude,
	struct pm_path_type **ret, struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	const struct pm_heap *h = g->h;
	PM_CLEANUP(cleanup_job) struct pm_path_type *j = calloc(1, sizeof *j);
	uint32_t n = pm_types_count(h->types);
	pm_auto_free uint8_t *what = calloc(n + 1, 1);
	if (!j || !what)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < n; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		bool any = i < h->nstats && h->stats[i].count;
		if (t && any && pm_type_matches(t->name, r->operand)) {
			what[i] |= PM_TYPE_WANTED;
			j->types++;
		}
		if (t && exclude && pm_type_matches(t->name, exclude))
			what[i] |= PM_TYPE_EXCLUDED;
	}
	if (!j->types)
		return pm_fail(err, PM_USAGE, 0,
			"no object's type matches \"%s\" (py-heap-types lists "
			"them; an address begins with a digit or $)",
			r->operand);
	PM_TRY(pm_population_create(g, what, n, NULL, &j->job, err));
	*ret = pm_take(j);
	return PM_OK;
}

/* ---- what is shown ---- */

static int by_bytes(const void *a, const void *b)
{
	const struct pm_pattern *const *x = a, *const *y = b;
	if ((*x)->bytes != (*y)->bytes)
		return (*x)->bytes < (*y)->bytes ? 1 : -1;
	return (*x)->example < (*y)->example ? -1 : 1;
}

static void show_row(
	struct pm_run *r, struct pm_population *all, const struct pm_pattern *x)
{
	const struct pm_graph *g = r->session->graph;
	uint32_t at = (uint32_t)(x - all->patterns.list.data);
	const struct pm_type *t = pm_graph_type(g, x->example);
	const struct pm_root *root = pm_patterns_begin(&all->patterns, at);
	bool exact = pm_root_kind_is_precise(root->kind);
	pm_auto_strbuf path = {0};
	pm_patterns_show(&all->patterns, at, &path);
	if (!exact && !pm_run_flag(r, "json"))
		pm_strbuf_puts(&path, " (a guess)");
	const struct pm_cell cells[] = {
		{.u = x->objects},
		{.u = x->bytes},
		{.d = all->bytes ? 100.0 * (double)x->bytes / (double)all->bytes
				 : 0},
		{.u = g->addr[x->example]},
		{.text = t ? t->name : "?"},
		{.text = pm_root_kind_text(root->kind)},
		{.b = exact},
		{.text = pm_strbuf_text(&path)},
	};
	pm_emit_row(r->emit, cells, g->addr[x->example]);
}

static enum pm_status show_rows(
	struct pm_run *r, struct pm_population *all, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{"objects", "OBJECTS", PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_SIZE},
		{NULL, "%", PM_CELL_PERCENT},
		{"example", "EXAMPLE", PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"root", NULL, PM_CELL_TEXT},
		{"exact", NULL, PM_CELL_BOOL},
		{"path", "PATH", PM_CELL_TEXT},
	};
	struct pm_patterns *p = &all->patterns;
	pm_auto_free const struct pm_pattern **rows =
		malloc((p->list.len + 1) * sizeof *rows);
	size_t n = 0, limit = r->top;
	if (!rows)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_vec_each (x, &p->list)
		if (x->objects)
			rows[n++] = x;
	qsort(rows, n, sizeof *rows, by_bytes);
	if (!limit || limit > n)
		limit = n;
	pm_emit_table(r->emit, "rows", columns, 8, 0);
	for (size_t i = 0; i < limit; i++)
		show_row(r, all, rows[i]);
	if (limit < n)
		pm_emit_table_hide(r->emit, n - limit);
	pm_emit_table_end(r->emit);
	pm_emit_uint(r->emit, "paths", n);
	return PM_OK;
}

static void show_total(struct pm_run *r, const struct pm_population *all)
{
	struct pm_emit *e = r->emit;
	char n[28], size[16];
	bool cut = false;
	pm_vec_each (x, &all->patterns.list)
		cut = cut || x->cut;
	if (cut)
		pm_emit_line(e, "%s",
			"There are too many different paths: those that end in "
			"... have what is further on added.");
	uint64_t lost = all->objects - all->reached;
	if (lost && pm_run_given(r, "exclude"))
		pm_emit_line(e, "No other way leads to %s (%s).",
			pm_grouped(lost, n),
			pm_human_size(all->bytes - all->reached_bytes, size));
	else if (lost)
		pm_emit_line(e,
			"No root leads to %s (%s): they wait for the collector "
			"or are held by C code (see py-unreachable).",
			pm_grouped(lost, n),
			pm_human_size(all->bytes - all->reached_bytes, size));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "objects", all->objects);
	pm_emit_uint(e, "size", all->bytes);
	pm_emit_uint(e, "reached", all->reached);
	pm_emit_uint(e, "reached_size", all->reached_bytes);
	pm_emit_bool(e, "cut", cut);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", all->objects);
	pm_emit_variable(e, "py_size", all->bytes);
	pm_graphing_skipped(r);
}

enum pm_status pm_path_type_step(struct pm_path_type *j, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	uint64_t done, total;
	char n[28], size[16];
	PM_TRY(pm_population_step(j->job, PM_STEP_SECONDS, ret_done, err));
	pm_population_progress(j->job, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"following references %" PRIu64 "%%",
		total ? done * 100 / total : 0);
	if (!*ret_done)
		return PM_OK;
	struct pm_population *all = pm_population_result(j->job);
	pm_emit_text(r->emit, "pattern", r->operand);
	pm_emit_line(r->emit, "To %s objects of %" PRIu64 " type%s (%s):",
		pm_grouped(all->objects, n), j->types, j->types == 1 ? "" : "s",
		pm_human_size(all->bytes, size));
	PM_TRY(show_rows(r, all, err));
	show_total(r, all);
	return PM_OK;
}
