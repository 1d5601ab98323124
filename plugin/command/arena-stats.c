/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-arena-stats: what sys._debugmallocstats() knows, from outside. */
#include "command/walking.h"

#include <inttypes.h>

struct class_sums {
	uint64_t pools, used, free;
};

struct sums {
	struct class_sums classes[PM_MAX_CLASSES];
	uint64_t pools_used, pools_free, pools_bad;
	uint64_t blocks_used, blocks_free, bytes_used, bytes_free_blocks;
	uint64_t bytes_free_pools, bytes_headers, bytes_quantization;
	uint64_t bytes_alignment, bytes_mapped, arenas_empty;
};

static void sum_pools(const struct pm_pools *p, struct sums *s)
{
	for (size_t i = 0; i < p->npools; i++) {
		const struct pm_pool *pool = &p->pools[i];
		if (pool->state == PM_POOL_BAD)
			s->pools_bad++;
		if (pool->state != PM_POOL_USED)
			continue;
		uint32_t size = pm_pools_class_size(p, pool->szidx);
		uint32_t room = p->pool_size - p->header;
		struct class_sums *c = &s->classes[pool->szidx];
		c->pools++;
		c->used += pool->used;
		c->free += room / size - pool->used;
		s->pools_used++;
		s->blocks_used += pool->used;
		s->blocks_free += room / size - pool->used;
		s->bytes_used += (uint64_t)pool->used * size;
		s->bytes_free_blocks +=
			(uint64_t)(room / size - pool->used) * size;
		s->bytes_headers += p->header;
		s->bytes_quantization += room % size;
	}
	pm_vec_each (a, &p->arenas) {
		s->pools_free += a->nfree;
		s->bytes_mapped += p->arena_size;
		s->arenas_empty += a->nfree == a->npools;
		/* _PyObject_DebugMallocStats counts a whole pool for an arena
		   that does not begin at a pool's boundary. */
		if (a->address & (p->pool_size - 1))
			s->bytes_alignment += p->pool_size;
	}
	s->bytes_free_pools = s->pools_free * p->pool_size;
}

static void show_classes(
	struct pm_run *r, const struct pm_pools *p, const struct sums *s)
{
	static const struct pm_column columns[] = {
		{"class", "CLASS", PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_INT},
		{"pools", "POOLS", PM_CELL_COUNT},
		{"blocks_used", "USED", PM_CELL_COUNT},
		{"blocks_free", "FREE", PM_CELL_COUNT},
		{NULL, "USED %", PM_CELL_PERCENT},
		{"bytes_used", "BYTES USED", PM_CELL_SIZE},
		{"bytes_free", "BYTES FREE", PM_CELL_SIZE},
	};
	pm_emit_table(r->emit, "classes", columns, 8, 0);
	for (unsigned i = 0; i < PM_MAX_CLASSES; i++) {
		const struct class_sums *c = &s->classes[i];
		uint64_t size = pm_pools_class_size(p, i);
		uint64_t blocks = c->used + c->free;
		if (!c->pools)
			continue;
		const struct pm_cell cells[] = {
			{.u = i},
			{.i = (int64_t)size},
			{.u = c->pools},
			{.u = c->used},
			{.u = c->free},
			{.d = 100.0 * (double)c->used / (double)blocks},
			{.u = c->used * size},
			{.u = c->free * size},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	const struct pm_cell total[] = {
		{.absent = true},
		{.absent = true},
		{.u = s->pools_used},
		{.u = s->blocks_used},
		{.u = s->blocks_free},
		{.absent = true},
		{.u = s->bytes_used},
		{.u = s->bytes_free_blocks},
	};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
}

static void show_arenas(struct pm_run *r, const struct pm_pools *p)
{
	static const struct pm_column columns[] = {
		{"addr", "ARENA", PM_CELL_ADDR},
		{"pools_used", "POOLS USED", PM_CELL_COUNT},
		{"pools_free", "POOLS FREE", PM_CELL_COUNT},
		{"bytes_used", "BYTES USED", PM_CELL_SIZE},
		{NULL, "USED %", PM_CELL_PERCENT},
		{"interpreter", NULL, PM_CELL_COUNT},
	};
	bool json = pm_run_flag(r, "json");
	if (!json && !pm_run_flag(r, "arenas"))
		return;
	pm_emit_table(r->emit, "arenas", columns, 6, json ? 0 : r->top);
	pm_vec_each (a, &p->arenas) {
		uint64_t used = 0;
		for (uint32_t i = 0; i < a->carved; i++) {
			const struct pm_pool *pool = &p->pools[a->pool0 + i];
			if (pool->state == PM_POOL_USED)
				used += (uint64_t)pool->used *
					pm_pools_class_size(p, pool->szidx);
		}
		const struct pm_cell cells[] = {
			{.u = a->address},
			{.u = a->npools - a->nfree},
			{.u = a->nfree},
			{.u = used},
			{.d = 100.0 * (double)used / (double)p->arena_size},
			{.u = a->interp},
		};
		pm_emit_row(r->emit, cells, a->address);
	}
	pm_emit_table_end(r->emit);
}

static void line(
	struct pm_run *r, const char *key, const char *text, uint64_t bytes)
{
	char exact[28], human[16];
	pm_emit_uint(r->emit, key, bytes);
	if (pm_run_flag(r, "bytes"))
		pm_emit_line(
			r->emit, "%-44s %16s", text, pm_grouped(bytes, exact));
	else
		pm_emit_line(r->emit, "%-44s %16s", text,
			pm_human_size(bytes, human));
}

static void counter(struct pm_run *r, const char *key, const char *text,
	bool known, uint64_t n)
{
	char buf[28];
	if (known)
		pm_emit_uint(r->emit, key, n);
	else
		pm_emit_null(r->emit, key);
	pm_emit_line(r->emit, "%-44s %16s", text,
		known ? pm_grouped(n, buf) : "not known");
}

static void show_total(
	struct pm_run *r, const struct pm_pools *p, const struct sums *s)
{
	struct pm_emit *e = r->emit;
	pm_emit_open_object(e, "total");
	counter(r, "arenas", "arenas", true, p->arenas.len);
	counter(r, "arenas_allocated", "arenas ever allocated", p->has_counters,
		p->ntimes);
	counter(r, "arenas_reclaimed", "arenas given back", p->has_counters,
		p->ntimes - p->narenas);
	counter(r, "arenas_highwater", "most arenas at a time", p->has_counters,
		p->highwater);
	counter(r, "arenas_empty", "arenas without a used block", true,
		s->arenas_empty);
	counter(r, "pools_used", "pools in use", true, s->pools_used);
	counter(r, "pools_free", "pools free", true, s->pools_free);
	counter(r, "blocks_used", "blocks in use", true, s->blocks_used);
	counter(r, "blocks_free", "blocks free in used pools", true,
		s->blocks_free);
	counter(r, "raw_blocks", "blocks beyond pymalloc (over 512 bytes)",
		p->has_raw_blocks, p->raw_blocks);
	line(r, "bytes_mapped", "bytes mapped by arenas", s->bytes_mapped);
	line(r, "bytes_used", "bytes in used blocks", s->bytes_used);
	line(r, "bytes_free_blocks", "bytes in free blocks of used pools",
		s->bytes_free_blocks);
	line(r, "bytes_free_pools", "bytes in free pools", s->bytes_free_pools);
	line(r, "bytes_pool_headers", "bytes lost to pool headers",
		s->bytes_headers);
	line(r, "bytes_quantization", "bytes lost to quantization",
		s->bytes_quantization);
	line(r, "bytes_arena_alignment", "bytes lost to arena alignment",
		s->bytes_alignment);
	if (p->hook_pre)
		line(r, "bytes_debug_hooks", "of used blocks: debug hooks",
			s->blocks_used * (p->hook_pre + p->hook_post));
	pm_emit_close(e);
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_heap *h;
	PM_TRY(pm_walking_heap(r->session, &h, err));
	return pm_heap_pools(h, err);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	(void)err;
	const struct pm_pools *p = r->session->heap->pools;
	struct sums s = {0};
	sum_pools(p, &s);
	pm_emit_uint(r->emit, "arena_size", p->arena_size);
	pm_emit_uint(r->emit, "pool_size", p->pool_size);
	pm_emit_bool(r->emit, "debug_hooks", p->hook_pre != 0);
	if (!p->arenas.len)
		pm_emit_line(r->emit, "%s",
			"There are no arenas: this interpreter does not use "
			"pymalloc (PYTHONMALLOC, or a free-threaded build).  "
			"What its allocator holds is not known here.");
	else
		show_classes(r, p, &s);
	show_arenas(r, p);
	if (p->arenas.len)
		show_total(r, p, &s);
	else
		pm_emit_null(r->emit, "total");
	pm_emit_variable(r->emit, "py_arenas", p->arenas.len);
	pm_emit_variable(r->emit, "py_blocks", s.blocks_used);
	pm_emit_skipped(r->emit, p->bad_arenas, p->bad_pools);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	(void)r;
}

static const struct pm_option options[] = {
	{.name = "arenas", .help = "Also list the arenas, by address."},
	{0},
};

const struct pm_command pm_command_arena_stats = {
	.name = "py-arena-stats",
	.group = PM_GROUP_ALLOCATOR,
	.summary =
		"Show how full pymalloc's arenas, pools and size classes are.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES,
	.operand = PM_OPERAND_NONE,
	.doc = "The figures of sys._debugmallocstats(), read from outside: per "
	       "size class the pools and the blocks used and free; how many "
	       "bytes are in use, free inside used pools, free as whole pools, "
	       "and lost to headers and rounding.  An arena goes back to the "
	       "system only when its last block is freed.",
	.examples = "py-arena-stats  # is it live objects or fragmentation\n"
		    "py-arena-stats -arenas -all  # every arena with its fill",
	.start = start,
	.step = step,
	.finish = finish,
};
