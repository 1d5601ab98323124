/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/instance-sites.h"

#include "command/walking.h"

#include <inttypes.h>
#include <string.h>

enum pm_status pm_sites_start(
	struct pm_sites *s, struct pm_run *r, struct pm_error *err)
{
	s->wanted = pm_run_flag(r, "sites");
	if (!s->wanted)
		return pm_run_given(r, "by")
			       ? pm_fail(err, PM_USAGE, 0, "-by is for -sites")
			       : PM_OK;
	static const char *const others[] = {"group-by", "sort", "random"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (pm_run_given(r, others[i]))
			return pm_fail(err, PM_USAGE, 0,
				"-sites and -%s are two things", others[i]);
	return pm_trace_collect_open(&s->collect, r->session->layout,
		r->session->memory, &s->profile, PM_TRACE_NEW, err);
}

bool pm_sites_add(struct pm_sites *s, unsigned who, const struct pm_object *x,
	uint64_t size)
{
	return pm_vec_push(
		&s->found[who], (struct pm_sited){.addr = x->addr,
					.block = x->addr - x->type->pre,
					.size = size,
					.stack = SIZE_MAX});
}

static bool see(void *arg, const struct pm_trace *t, size_t stack)
{
	struct pm_sites *s = arg;
	if (t->domain)
		return true;
	const struct pm_map_slot *slot = pm_map_find(&s->by_block, t->block);
	if (slot)
		s->found[0].data[slot->value - 1].stack = stack;
	return true;
}

static enum pm_status gather(struct pm_sites *s, struct pm_error *err)
{
	for (unsigned i = 1; i < PM_TEAM_MAX; i++)
		pm_vec_each (one, &s->found[i])
			if (!pm_vec_push(&s->found[0], *one))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < s->found[0].len; i++) {
		struct pm_map_slot *slot = pm_map_put(
			&s->by_block, s->found[0].data[i].block, NULL);
		if (!slot)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		slot->value = i + 1;
	}
	s->collect.see = see;
	s->collect.arg = s;
	s->gathered = true;
	return PM_OK;
}

enum pm_status pm_sites_step(struct pm_sites *s, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	if (!s->gathered)
		PM_TRY(gather(s, err));
	snprintf(r->progress, sizeof r->progress,
		"reading traces %" PRIu64 "/%" PRIu64, s->collect.traces.count,
		s->collect.tables.entries);
	return pm_trace_collect_step(
		&s->collect, PM_STEP_SECONDS, ret_done, err);
}

/* ---- rows ---- */

struct row {
	size_t group;
	uint64_t count, size;
	pm_addr example; /* the lowest */
};

enum { COLUMNS = 8 };

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->example < y->example ? -1 : x->example > y->example;
}

/* The row behind those of the groups is of what has no trace. */
static void count(const struct pm_sites *s, const struct pm_trace_groups *g,
	struct row *rows)
{
	for (size_t i = 0; i <= g->list.len; i++)
		rows[i].group = i;
	pm_vec_each (x, &s->found[0]) {
		size_t at = x->stack == SIZE_MAX ? g->list.len
						 : g->of_stack[x->stack];
		if (!rows[at].count++ || x->addr < rows[at].example)
			rows[at].example = x->addr;
		rows[at].size += x->size;
	}
}

static void show_row(struct pm_run *r, const struct pm_sites *s,
	const struct pm_trace_groups *g, const struct row *row)
{
	bool traced = row->group < g->list.len;
	enum pm_trace_by by = pm_trace_by(r);
	const struct pm_trace_stack *stack =
		traced ? &s->profile.stacks.data[g->list.data[row->group].stack]
		       : NULL;
	pm_auto_strbuf where = {0};
	if (traced)
		pm_trace_describe(&s->profile, stack, by, &where);
	const struct pm_trace_frame *f =
		traced ? &s->profile.frames.data[stack->frames] : NULL;
	const struct pm_cell cells[COLUMNS] = {
		{.u = row->count},
		{.d = 100.0 * (double)row->count / (double)s->found[0].len},
		{.u = row->size},
		{.u = row->example},
		{.text = f ? s->profile.files.data[f->file] : NULL,
			.absent = !f},
		{.u = f ? f->line : 0, .absent = !f},
		{.b = traced},
		{.text = traced ? pm_strbuf_text(&where)
				: "(allocated before it traced)"},
	};
	pm_emit_row(r->emit, cells, row->example);
}

enum pm_status pm_sites_show(
	struct pm_sites *s, struct pm_run *r, struct pm_error *err)
{
	static const struct pm_column columns[COLUMNS] = {
		{"count", "COUNT", PM_CELL_COUNT},
		{NULL, "%", PM_CELL_PERCENT},
		{"size", "SIZE", PM_CELL_SIZE},
		{"example", "EXAMPLE", PM_CELL_ADDR},
		{"file", NULL, PM_CELL_TEXT},
		{"line", NULL, PM_CELL_COUNT},
		{"traced", NULL, PM_CELL_BOOL},
		{"where", "WHERE", PM_CELL_TEXT},
	};
	pm_auto_trace_groups g = {0};
	PM_TRY(pm_trace_groups_make(&s->profile, pm_trace_by(r), &g, err));
	pm_auto_free struct row *rows = calloc(g.list.len + 1, sizeof *rows);
	if (!rows)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	count(s, &g, rows);
	qsort(rows, g.list.len + 1, sizeof *rows, compare);
	pm_emit_table(r->emit, "rows", columns, COLUMNS, r->top);
	for (size_t i = 0; i <= g.list.len && rows[i].count; i++)
		show_row(r, s, &g, &rows[i]);
	pm_emit_table_end(r->emit);
	pm_trace_show_doubts(r, &s->collect);
	return PM_OK;
}

void pm_sites_finish(struct pm_sites *s)
{
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		pm_vec_deinit(&s->found[i]);
	pm_map_deinit(&s->by_block);
	pm_trace_collect_close(&s->collect);
	pm_trace_profile_deinit(&s->profile);
}
