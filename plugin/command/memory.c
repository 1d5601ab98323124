/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-memory: where the process's memory is, to the byte, and why. */
#include "account/ledger.h"
#include "account/pages.h"
#include "account/unshared.h"
#include "command/graphing.h"
#include "command/mallocing.h"
#include "command/memory-large.h"
#include "command/memory-words.h"
#include "command/runtime-state.h"
#include "graph/islands.h"

#include <inttypes.h>

struct page_row {
	const struct pm_type *type;
	const struct pm_pages_row *row;
};

struct memory {
	struct pm_walking walking;
	struct pm_mallocing mallocing;
	bool has_malloc;
	struct pm_ledger_job *ledger;
	bool has_ledger;
	/* The graph of all objects, where it is worth the time: for garbage,
	   and for -large.  has_...: or is not to be looked for. */
	bool decided, has_graph, has_cycles, has_large;
	bool off; /* the collector */
	struct pm_graphing graphing;
	struct pm_islands_job *islands;
	struct pm_large_blocks_job *large;
	/* A forked worker. */
	struct pm_unshared_job *unshared;
	bool asked_parent, has_unshared;
	/* -pages */
	struct pm_pages_job *pages;
	PM_VEC(struct page_row) page_rows;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct memory *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	if (pm_run_flag(r, "pages") &&
		r->session->target->kind != PM_TARGET_LIVE)
		return pm_fail(err, PM_USAGE, 0,
			"-pages: only a live process of this machine has pages "
			"in memory");
	return pm_walking_start(&st->walking, r, err);
}

/* ---- the table ---- */

static void show_total(struct pm_run *r, const struct pm_ledger *g)
{
	bool live = g->residency != NULL, has = g->has_resident;
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "bytes", g->sum.mapped);
	if (has)
		pm_emit_uint(r->emit, "rss", g->sum.resident);
	else if (live)
		pm_emit_uint(r->emit, "rss", g->residency->sum.rss);
	else
		pm_emit_null(r->emit, "rss");
	if (live)
		pm_emit_uint(r->emit, "swapped", g->residency->sum.swap);
	else
		pm_emit_null(r->emit, "swapped");
	pm_emit_close(r->emit);
	if (live && !has)
		pm_emit_line(r->emit, "%s",
			"How much of each is resident is not known: "
			"/proc/PID/pagemap may not be read.");
	if (!has && !live)
		pm_emit_line(r->emit, "%s",
			"How much of it is resident is not known of such a "
			"target.");
}

static void show_rows(struct pm_run *r, const struct pm_ledger *g)
{
	bool live = g->residency != NULL, has = g->has_resident;
	const struct pm_column columns[] = {
		{"bytes", "MAPPED", PM_CELL_SIZE},
		{NULL, "%", PM_CELL_PERCENT},
		{"rss",
			!has   ? NULL
			: live ? "RESIDENT"
			       : "DUMPED",
			PM_CELL_SIZE},
		{NULL, has ? "%" : NULL, PM_CELL_PERCENT},
		{"swapped", live && has ? "SWAPPED" : NULL, PM_CELL_SIZE},
		{"kind", NULL, PM_CELL_TEXT},
		{NULL, "WHAT IT IS", PM_CELL_TEXT},
	};
	const struct pm_resident *sum = &g->sum;
	pm_emit_table(r->emit, "rows", columns, 7, 0);
	for (int i = 0; i < PM_LEDGER_CLASS_COUNT; i++) {
		const struct pm_resident *x = &g->rows[i];
		const struct pm_cell cells[] = {
			{.u = x->mapped},
			{.d = 100.0 * (double)x->mapped / (double)sum->mapped,
				.absent = !sum->mapped},
			{.u = x->resident, .absent = !has},
			{.d = 100.0 * (double)x->resident /
				(double)sum->resident,
				.absent = !has || !sum->resident},
			{.u = x->swapped, .absent = !live || !has},
			{.text = pm_ledger_kind((enum pm_ledger_class)i)},
			{.text = pm_ledger_text((enum pm_ledger_class)i)},
		};
		if (x->mapped || pm_run_flag(r, "json"))
			pm_emit_row(r->emit, cells, 0);
	}
	const struct pm_cell total[] = {
		{.u = sum->mapped},
		{.absent = true},
		{.u = sum->resident, .absent = !has},
		{.absent = true},
		{.u = sum->swapped, .absent = !live || !has},
		{.absent = true},
		{.text = "total"},
	};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
	show_total(r, g);
}

/* ---- -pages ---- */

static int by_resident(const void *a, const void *b)
{
	const struct page_row *x = a, *y = b;
	uint64_t u = x->row->bytes.resident + x->row->bytes.swapped;
	uint64_t v = y->row->bytes.resident + y->row->bytes.swapped;
	if (u != v)
		return u < v ? 1 : -1;
	return x->type->addr < y->type->addr ? -1 : 1;
}

static void show_page_row(struct pm_run *r, const struct page_row *x)
{
	const struct pm_resident *b = &x->row->bytes;
	const struct pm_cell cells[] = {
		{.u = x->row->count},
		{.u = b->mapped},
		{.u = b->exclusive},
		{.u = b->resident - b->exclusive},
		{.u = b->swapped},
		{.u = x->type->addr},
		{.text = x->type->name},
	};
	pm_emit_row(r->emit, cells, 0);
}

static enum pm_status show_pages(struct pm_run *r, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{"count", "COUNT", PM_CELL_COUNT},
		{"bytes", "BYTES", PM_CELL_SIZE},
		{"private", "PRIVATE", PM_CELL_SIZE},
		{"shared", "SHARED", PM_CELL_SIZE},
		{"swapped", "SWAPPED", PM_CELL_SIZE},
		{"type_addr", NULL, PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
	};
	struct memory *st = r->state;
	size_t n;
	const struct pm_pages_row *rows = pm_pages_rows(st->pages, &n);
	struct pm_resident sum = {0};
	uint64_t count = 0;
	for (size_t id = 0; id < n; id++) {
		const struct pm_type *t =
			pm_types_by_id(r->session->heap->types, (uint32_t)id);
		if (t && rows[id].count &&
			!pm_vec_push(&st->page_rows,
				(struct page_row){t, &rows[id]}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	if (st->page_rows.len)
		qsort(st->page_rows.data, st->page_rows.len,
			sizeof *st->page_rows.data, by_resident);
	pm_emit_line(r->emit, "%s", "");
	pm_emit_table(r->emit, "pages", columns, 7, r->top);
	pm_vec_each (x, &st->page_rows) {
		show_page_row(r, x);
		count += x->row->count;
		sum.mapped += x->row->bytes.mapped;
		sum.resident += x->row->bytes.resident;
		sum.swapped += x->row->bytes.swapped;
		sum.exclusive += x->row->bytes.exclusive;
	}
	const struct pm_cell total[] = {{.u = count}, {.u = sum.mapped},
		{.u = sum.exclusive}, {.u = sum.resident - sum.exclusive},
		{.u = sum.swapped}, {.absent = true}, {.text = "total"}};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
	return PM_OK;
}

/* ---- the verdict ---- */

static void sum_cycles(
	const struct pm_islands *all, uint64_t *ret_bytes, uint64_t *ret_n)
{
	*ret_bytes = *ret_n = 0;
	pm_vec_each (x, &all->list)
		if (!x->held && !x->by) {
			*ret_bytes += x->size;
			*ret_n += x->n;
		}
}

static void show_verdict(struct pm_run *r, const struct pm_ledger *g)
{
	struct memory *st = r->state;
	struct pm_memory_facts f = {.ledger = g, .collector_off = st->off};
	pm_verdict_figures(g, r->session->heap->pools, &f.v);
	if (st->islands) {
		sum_cycles(pm_islands_result(st->islands), &f.v.cycles,
			&f.cycle_objects);
		f.v.knows_cycles = true;
	}
	if (st->unshared) {
		f.v.unshared = pm_unshared_bytes(st->unshared);
		f.v.knows_unshared = true;
		f.shared = pm_unshared_shared(st->unshared);
		f.parent = pm_unshared_parent(st->unshared);
	}
	pm_verdict_choose(&f.v);
	pm_memory_say(r, &f);
}

/* ---- the stages ---- */

/* The graph takes as long as all the rest: worth it when the collector does
   not run by itself, or is asked for. */
static enum pm_status decide(struct pm_run *r, struct pm_error *err)
{
	struct memory *st = r->state;
	PM_CLEANUP(pm_runtime_state_deinit) struct pm_runtime_state rt = {0};
	PM_TRY(pm_runtime_state_load(r->session, &rt, err));
	pm_vec_each (i, &rt.interpreters)
		if (i->has_gc &&
			((i->knows_enabled && !i->gc_enabled) ||
				(i->generations && !i->gc_threshold[0])))
			st->off = true;
	st->has_cycles = !st->off && !pm_run_flag(r, "cycles");
	st->has_large = !pm_run_flag(r, "large");
	st->has_graph = st->has_cycles && st->has_large;
	st->decided = true;
	return st->has_graph ? PM_OK
			     : pm_graphing_start(&st->graphing, r,
				       st->has_cycles ? PM_GRAPHING_ROOTS
						      : PM_GRAPHING_DOMINATORS,
				       err);
}

static enum pm_status find_cycles(struct pm_run *r, struct pm_error *err)
{
	struct memory *st = r->state;
	snprintf(r->progress, sizeof r->progress, "sorting islands");
	if (!st->islands)
		return pm_islands_create(r->session->graph, &st->islands, err);
	return pm_islands_step(
		st->islands, PM_STEP_SECONDS, &st->has_cycles, err);
}

static enum pm_status find_large(struct pm_run *r, struct pm_error *err)
{
	struct memory *st = r->state;
	snprintf(r->progress, sizeof r->progress, "looking for paths");
	if (!st->large)
		return pm_large_blocks_create(
			r->session->graph, &st->large, err);
	return pm_large_blocks_step(
		st->large, PM_STEP_SECONDS, &st->has_large, err);
}

static enum pm_status step_ledger(struct pm_run *r, struct pm_error *err)
{
	struct memory *st = r->state;
	uint64_t done, total;
	if (!st->ledger)
		PM_TRY(pm_ledger_create(r->session->heap, r->session->malloc,
			&st->ledger, err));
	PM_TRY(pm_ledger_step(
		st->ledger, PM_STEP_SECONDS, &st->has_ledger, err));
	pm_ledger_progress(st->ledger, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"classing memory %" PRIu64 "/%" PRIu64, done, total);
	return PM_OK;
}

static enum pm_status step_unshared(struct pm_run *r, struct pm_error *err)
{
	struct memory *st = r->state;
	const struct pm_ledger *g = pm_ledger_result(st->ledger);
	if (!st->asked_parent) {
		st->asked_parent = true;
		PM_TRY(pm_unshared_create(r->session->target,
			r->session->heap->pools, g->residency, &st->unshared,
			err));
	}
	st->has_unshared = !st->unshared;
	if (st->unshared)
		PM_TRY(pm_unshared_step(
			st->unshared, PM_STEP_SECONDS, &st->has_unshared, err));
	snprintf(r->progress, sizeof r->progress, "comparing with the parent");
	return PM_OK;
}

static enum pm_status step_pages(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct memory *st = r->state;
	const struct pm_ledger *g = pm_ledger_result(st->ledger);
	if (!g->residency || !g->residency->pages)
		return pm_fail(err, PM_SYSTEM, 0,
			"-pages: /proc/PID/pagemap may not be read");
	if (!st->pages)
		PM_TRY(pm_pages_create(
			r->session->heap, g->residency, &st->pages, err));
	snprintf(r->progress, sizeof r->progress, "looking at pages");
	return pm_pages_step(st->pages, PM_STEP_SECONDS, ret_done, err);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct memory *st = r->state;
	bool done;
	PM_TRY(pm_walking_step(&st->walking, r, &done, err));
	if (!done)
		return PM_OK;
	if (!st->decided)
		return decide(r, err);
	if (!st->has_graph)
		return pm_graphing_step(&st->graphing, r, &st->has_graph, err);
	if (!st->has_cycles)
		return find_cycles(r, err);
	if (!st->has_large)
		return find_large(r, err);
	if (!st->has_malloc)
		return pm_mallocing_step(
			&st->mallocing, r, &st->has_malloc, err);
	if (!st->has_ledger)
		return step_ledger(r, err);
	if (!st->has_unshared)
		return step_unshared(r, err);
	if (pm_run_flag(r, "pages")) {
		PM_TRY(step_pages(r, &done, err));
		if (!done)
			return PM_OK;
	}
	const struct pm_heap *h = r->session->heap;
	const struct pm_ledger *g = pm_ledger_result(st->ledger);
	show_rows(r, g);
	if (st->pages)
		PM_TRY(show_pages(r, err));
	if (st->large)
		pm_memory_show_large(r, pm_large_blocks_result(st->large));
	show_verdict(r, g);
	pm_emit_variable(r->emit, "py_mapped", g->sum.mapped);
	pm_emit_skipped(r->emit, h->unreadable + g->unreadable,
		h->inconsistent + g->inconsistent);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct memory *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_islands_destroy(st->islands);
	pm_large_blocks_destroy(st->large);
	pm_unshared_destroy(st->unshared);
	pm_vec_deinit(&st->page_rows);
	pm_pages_destroy(st->pages);
	pm_ledger_destroy(st->ledger);
	pm_mallocing_finish(&st->mallocing);
	pm_walking_finish(&st->walking);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "pages",
		.help = "Also which types' pages are private, shared with "
			"other processes, swapped out."},
	{.name = "large",
		.help = "Also who has the large blocks: by type of the object "
			"and by its path from a root."},
	{.name = "cycles",
		.help = "Also look for garbage (by itself only where the "
			"collector is off)."},
	{0},
};

const struct pm_command pm_command_memory = {
	.name = "py-memory",
	.group = PM_GROUP_OVERVIEW,
	.summary = "Show where the process's memory is, to the byte, and why.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES,
	.operand = PM_OPERAND_NONE,
	.doc = "Every mapped byte is in exactly one row.  MAPPED is address "
	       "space; RESIDENT is what is in memory now, and its total the "
	       "process's RSS (/proc/PID/smaps_rollup); of a core DUMPED is "
	       "what is in the file.  Objects, with the dicts' tables and "
	       "lists' items that are theirs, count as the allocator's whole "
	       "blocks; room in these that no element is in is a row of its "
	       "own.\n"
	       "The verdict names the one cause that has most of the private "
	       "memory, if it has a quarter of it: live objects, fragmentation "
	       "(free, but in arenas in use), native memory (used by no Python "
	       "object), allocator caching (free in malloc), uncollected "
	       "cycles (looked for where the collector is off, or with "
	       "-cycles), copy-on-write loss (pages of a forked worker that "
	       "its parent, when it is there to be read, has nearly the same, "
	       "too).\n"
	       "With -pages a second table says of which types the objects are "
	       "that lie in pages of this process alone (PRIVATE), in pages "
	       "SHARED with others since a fork, and in swap space; an object "
	       "counts with what it owns.\n"
	       "With -large another table credits the blocks that are too "
	       "large for Python's pools (lists' items, dicts' tables, long "
	       "bytes, numpy's data) to their objects, merged by type and "
	       "path.",
	.examples = "py-memory  # is it objects, fragmentation or C code\n"
		    "py-memory -pages  # whose pages a forked worker copied\n"
		    "py-memory -large  # app.CACHE[*] has 3 GiB of arrays",
	.start = start,
	.step = step,
	.finish = finish,
};
