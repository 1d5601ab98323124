/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/arena-tables.h"
#include "heap/occupancy.h"

void pm_arena_table(struct pm_run *r, const struct pm_pools *p)
{
	static const struct pm_column columns[] = {
		{"addr", "ARENA", PM_CELL_ADDR},
		{"pools_used", "POOLS USED", PM_CELL_COUNT},
		{"pools_free", "POOLS FREE", PM_CELL_COUNT},
		{"bytes_used", "BYTES USED", PM_CELL_SIZE},
		{NULL, "USED %", PM_CELL_PERCENT},
		{"interpreter", NULL, PM_CELL_COUNT},
		{"bytes", NULL, PM_CELL_SIZE},
		{"thread", NULL, PM_CELL_ADDR},
	};
	bool json = pm_run_flag(r, "json");
	if (!json && !pm_run_flag(r, "arenas"))
		return;
	pm_emit_table(r->emit, "arenas", columns, 8, json ? 0 : r->top);
	for (size_t i = 0; i < p->arenas.len; i++) {
		const struct pm_arena *a = &p->arenas.data[i];
		struct pm_occupancy o;
		pm_occupancy_of(p, i, &o);
		const struct pm_cell cells[] = {
			{.u = a->address},
			{.u = o.pools_used},
			{.u = o.pools_free},
			{.u = o.bytes_used},
			{.d = 100.0 * (double)o.bytes_used / (double)a->bytes},
			{.u = (uint64_t)a->interp, .absent = a->interp < 0},
			{.u = a->bytes},
			{.u = a->thread, .absent = !a->thread},
		};
		pm_emit_row(r->emit, cells, a->address);
	}
	pm_emit_table_end(r->emit);
}

/* ---- by occupancy ---- */

#define STEPS 10 /* of ten percent; before them those that are empty */

struct fill {
	uint64_t arenas, mapped, used;
};

void pm_arena_histogram(struct pm_run *r, const struct pm_pools *p)
{
	static const struct pm_column columns[] = {
		{NULL, "OCCUPANCY", PM_CELL_TEXT},
		{"above", NULL, PM_CELL_COUNT},
		{"to", NULL, PM_CELL_COUNT},
		{"arenas", "ARENAS", PM_CELL_COUNT},
		{"bytes_mapped", "BYTES MAPPED", PM_CELL_SIZE},
		{"bytes_used", "BYTES USED", PM_CELL_SIZE},
	};
	struct fill fills[STEPS + 1] = {{0}};
	for (size_t i = 0; i < p->arenas.len; i++) {
		const struct pm_arena *a = &p->arenas.data[i];
		struct pm_occupancy o;
		pm_occupancy_of(p, i, &o);
		uint64_t step =
			(o.bytes_used * STEPS + a->bytes - 1) / a->bytes;
		struct fill *f = &fills[step < STEPS ? step : STEPS];
		f->arenas++;
		f->mapped += a->bytes;
		f->used += o.bytes_used;
	}
	pm_emit_table(r->emit, "occupancy", columns, 6, 0);
	for (unsigned i = 0; i <= STEPS; i++) {
		const struct fill *f = &fills[i];
		unsigned above = i ? (i - 1) * 100 / STEPS : 0;
		char text[24] = "empty";
		if (i)
			snprintf(text, sizeof text, "%2u to %3u %%", above,
				i * 100 / STEPS);
		const struct pm_cell cells[] = {
			{.text = text},
			{.u = above},
			{.u = i * 100 / STEPS},
			{.u = f->arenas},
			{.u = f->mapped},
			{.u = f->used},
		};
		if (f->arenas)
			pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
}

/* ---- of whom ---- */

struct holding {
	uint64_t arenas, pools, blocks, used, mapped;
};

static void add_arena(struct holding *h, const struct pm_pools *p, size_t i)
{
	struct pm_occupancy o;
	pm_occupancy_of(p, i, &o);
	h->arenas++;
	h->pools += o.pools_used;
	h->blocks += o.blocks;
	h->used += o.bytes_used;
	h->mapped += p->arenas.data[i].bytes;
}

/* The next number of an interpreter above last; false: there is none. */
static bool next_interpreter(
	const struct pm_pools *p, bool first, int64_t last, int64_t *ret)
{
	bool found = false;
	pm_vec_each (a, &p->arenas)
		if ((first || a->interp > last) &&
			(!found || a->interp < *ret)) {
			*ret = a->interp;
			found = true;
		}
	return found;
}

void pm_arena_interpreters(struct pm_run *r, const struct pm_pools *p)
{
	bool json = pm_run_flag(r, "json");
	struct pm_column columns[] = {
		{"interpreter", NULL, PM_CELL_COUNT},
		{NULL, "INTERPRETER", PM_CELL_TEXT},
		{"arenas", p->pages ? "SEGMENTS" : "ARENAS", PM_CELL_COUNT},
		{"pools_used", p->pages ? "PAGES USED" : "POOLS USED",
			PM_CELL_COUNT},
		{"blocks_used", "BLOCKS USED", PM_CELL_COUNT},
		{"bytes_used", "BYTES USED", PM_CELL_SIZE},
		{"bytes_mapped", "BYTES MAPPED", PM_CELL_SIZE},
	};
	int64_t at = 0, second = 0;
	bool any = next_interpreter(p, true, 0, &at);
	if (!json && (!any || !next_interpreter(p, false, at, &second)))
		return;
	pm_emit_table(r->emit, "interpreters", columns, 7, 0);
	for (; any; any = next_interpreter(p, false, at, &at)) {
		struct holding h = {0};
		char name[24];
		for (size_t i = 0; i < p->arenas.len; i++)
			if (p->arenas.data[i].interp == at)
				add_arena(&h, p, i);
		snprintf(name, sizeof name, "%lld", (long long)at);
		if (at < 0)
			snprintf(name, sizeof name, "%s",
				at == PM_OWNER_RAW ? "raw memory"
						   : "not known");
		const struct pm_cell cells[] = {
			{.u = (uint64_t)at, .absent = at < 0},
			{.text = name},
			{.u = h.arenas},
			{.u = h.pools},
			{.u = h.blocks},
			{.u = h.used},
			{.u = h.mapped},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
}

static int by_thread(const void *a, const void *b, void *arg)
{
	const struct pm_pools *p = arg;
	const struct pm_arena *x = &p->arenas.data[*(const size_t *)a];
	const struct pm_arena *y = &p->arenas.data[*(const size_t *)b];
	return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* Segments belong to threads; those of threads that have ended, to none. */
enum pm_status pm_arena_threads(
	struct pm_run *r, const struct pm_pools *p, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{"thread", "THREAD", PM_CELL_ADDR},
		{"arenas", "SEGMENTS", PM_CELL_COUNT},
		{"pages", "PAGES", PM_CELL_COUNT},
		{"blocks_used", "USED", PM_CELL_COUNT},
		{"bytes_used", "BYTES USED", PM_CELL_SIZE},
		{"bytes", "BYTES", PM_CELL_SIZE},
	};
	size_t n = p->arenas.len;
	pm_auto_free size_t *sorted = calloc(n + 1, sizeof *sorted);
	if (!sorted)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++)
		sorted[i] = i;
	qsort_r(sorted, n, sizeof *sorted, by_thread, (void *)(uintptr_t)p);
	pm_emit_table(r->emit, "threads", columns, 6, 0);
	for (size_t i = 0; i < n;) {
		uint64_t thread = p->arenas.data[sorted[i]].thread;
		struct holding h = {0};
		for (; i < n && p->arenas.data[sorted[i]].thread == thread; i++)
			add_arena(&h, p, sorted[i]);
		const struct pm_cell cells[] = {
			{.u = thread, .absent = !thread},
			{.u = h.arenas},
			{.u = h.pools},
			{.u = h.blocks},
			{.u = h.used},
			{.u = h.mapped},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
	return PM_OK;
}
