/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/task-holders.h"
#include "command/walking.h"
#include "graph/population.h"

struct pm_task_holders {
	uint64_t *only; /* bits, by node */
	struct pm_population_job *job;
};

void pm_task_holders_destroy(struct pm_task_holders *h)
{
	if (!h)
		return;
	pm_population_destroy(h->job);
	free(h->only);
	free(h);
}

static void cleanup_holders(struct pm_task_holders **h)
{
	pm_task_holders_destroy(*h);
}

enum pm_status pm_task_holders_create(struct pm_run *r,
	const struct pm_awaitables *all, struct pm_task_holders **ret,
	struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	uint32_t ntypes = pm_types_count(g->h->types);
	uint64_t n = 0;
	pm_auto_free uint8_t *what = calloc((size_t)ntypes + 1, 1);
	PM_CLEANUP(cleanup_holders)
	struct pm_task_holders *h = calloc(1, sizeof *h);
	if (h)
		h->only = calloc((size_t)g->n / 64 + 1, sizeof *h->only);
	if (!what || !h || !h->only)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_vec_each (x, &all->list) {
		uint32_t node = pm_graph_node(g, x->addr);
		if (x->kind != PM_AWAITABLE_TASK || node == PM_NO_NODE ||
			!pm_awaitable_is_done(x->state) ||
			g->type[node] >= ntypes)
			continue;
		what[g->type[node]] = PM_TYPE_WANTED;
		h->only[node / 64] |= UINT64_C(1) << node % 64;
		n++;
	}
	if (n < 2) {
		*ret = NULL;
		return PM_OK;
	}
	PM_TRY(pm_population_create(g, what, ntypes, h->only, &h->job, err));
	*ret = pm_take(h);
	return PM_OK;
}

enum pm_status pm_task_holders_step(struct pm_task_holders *h, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	uint64_t done, total;
	PM_TRY(pm_population_step(h->job, PM_STEP_SECONDS, ret_done, err));
	pm_population_progress(h->job, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"following references to tasks %llu%%",
		total ? (unsigned long long)(done * 100 / total) : 0);
	return PM_OK;
}

static int by_objects(const void *a, const void *b)
{
	const struct pm_pattern *const *x = a, *const *y = b;
	if ((*x)->objects != (*y)->objects)
		return (*x)->objects < (*y)->objects ? 1 : -1;
	return (*x)->example < (*y)->example ? -1 : 1;
}

static void show_row(
	struct pm_run *r, struct pm_patterns *p, const struct pm_pattern *x)
{
	const struct pm_graph *g = r->session->graph;
	uint32_t at = (uint32_t)(x - p->list.data);
	bool exact = pm_root_kind_is_precise(pm_patterns_begin(p, at)->kind);
	pm_auto_strbuf path = {0}, shown = {0};
	pm_patterns_show(p, at, &path);
	pm_strbuf_printf(&shown, "%s%s", pm_strbuf_text(&path),
		exact ? "" : " (a guess)");
	const struct pm_cell cells[] = {
		{.u = x->objects},
		{.u = g->addr[x->example]},
		{.text = pm_strbuf_text(&path)},
		{.b = exact},
		{.text = pm_strbuf_text(&shown)},
	};
	pm_emit_row(r->emit, cells, 0);
}

enum pm_status pm_task_holders_show(
	struct pm_task_holders *h, struct pm_run *r, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{"tasks", "TASKS", PM_CELL_COUNT},
		{"example", "EXAMPLE", PM_CELL_ADDR},
		{"path", NULL, PM_CELL_TEXT},
		{"exact", NULL, PM_CELL_BOOL},
		{NULL, "DONE, AND HELD BY", PM_CELL_TEXT},
	};
	struct pm_patterns *p =
		h ? &pm_population_result(h->job)->patterns : NULL;
	pm_auto_free const struct pm_pattern **rows =
		malloc(((p ? p->list.len : 0) + 1) * sizeof *rows);
	size_t n = 0;
	if (!rows)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (p)
		pm_vec_each (x, &p->list)
			if (x->objects)
				rows[n++] = x;
	qsort(rows, n, sizeof *rows, by_objects);
	if (n)
		pm_emit_line(r->emit, "%s", "");
	pm_emit_table(r->emit, "holders", columns, 5, r->top);
	for (size_t i = 0; i < n; i++)
		show_row(r, p, rows[i]);
	pm_emit_table_end(r->emit);
	return PM_OK;
}
