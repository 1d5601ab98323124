/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-arena-stats: what sys._debugmallocstats() knows, from outside. */
#include "command/arena-tables.h"
#include "command/walking.h"
#include "heap/occupancy.h"

struct class_sums {
	uint64_t pools, used, free;
};

struct use_sums {
	uint64_t pages, blocks, bytes;
};

struct sums {
	struct class_sums classes[PM_MAX_CLASSES];
	struct use_sums uses[PM_USES];
	uint64_t pools_used, pools_free, pools_bad;
	uint64_t blocks_used, blocks_free, bytes_used, bytes_free_blocks;
	uint64_t bytes_free_pools, bytes_headers, bytes_quantization;
	uint64_t bytes_alignment, bytes_mapped, arenas_empty;
	uint64_t large, bytes_large, abandoned;
};

static void add_use(
	struct sums *s, unsigned use, uint64_t blocks, uint64_t bytes)
{
	s->uses[use].pages++;
	s->uses[use].blocks += blocks;
	s->uses[use].bytes += bytes;
}

static void sum_pool(const struct pm_pools *p, size_t i, struct sums *s)
{
	const struct pm_pool *pool = &p->pools[i];
	if (pool->state == PM_POOL_BAD)
		s->pools_bad++;
	if (pool->state == PM_POOL_FREE && p->pages)
		s->bytes_free_pools += pm_pools_bytes(p, i);
	if (pool->state != PM_POOL_USED)
		return;
	uint32_t size = pm_pools_class_size(p, pool->szidx);
	uint32_t room = pm_pools_room(p, i);
	uint32_t header =
		(uint32_t)(pm_pools_first(p, i) - pm_pools_address(p, i));
	struct class_sums *c = &s->classes[pool->szidx];
	uint64_t bytes = (uint64_t)pool->used * size;
	c->pools++;
	c->used += pool->used;
	c->free += room - pool->used;
	s->pools_used++;
	s->blocks_used += pool->used;
	s->blocks_free += room - pool->used;
	s->bytes_used += bytes;
	s->bytes_free_blocks += (uint64_t)(room - pool->used) * size;
	s->bytes_headers += header;
	s->bytes_quantization += pm_pools_bytes(p, i) - header - room * size;
	add_use(s, pm_pools_use(p, i), pool->used, bytes);
}

static void sum_pools(const struct pm_pools *p, struct sums *s)
{
	for (size_t i = 0; i < p->npools; i++)
		sum_pool(p, i, s);
	pm_vec_each (x, &p->large) {
		if (!x->in_use)
			continue;
		s->large++;
		s->bytes_large += x->bytes;
		s->blocks_used++;
		s->bytes_used += x->bytes;
		add_use(s, x->use, 1, x->bytes);
	}
	pm_vec_each (a, &p->arenas) {
		s->pools_free += a->nfree;
		s->bytes_mapped += a->bytes;
		s->abandoned += !a->thread;
		s->bytes_free_pools += (uint64_t)a->nfree * p->pool_size;
		if (p->pages)
			continue;
		s->arenas_empty += a->nfree == a->npools;
		/* _PyObject_DebugMallocStats counts a whole pool for an arena
		   that does not begin at a pool's boundary. */
		if (a->address & (p->pool_size - 1))
			s->bytes_alignment += p->pool_size;
	}
}

/* The i-th smallest class: those of mimalloc come as they were met. */
static unsigned nth_class(const struct pm_pools *p, unsigned i)
{
	for (unsigned k = 0; k < p->nclasses; k++) {
		unsigned smaller = 0;
		for (unsigned j = 0; j < p->nclasses; j++)
			smaller += p->class_size[j] < p->class_size[k];
		if (smaller == i)
			return k;
	}
	return i;
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
	for (unsigned i = 0; i < p->nclasses; i++) {
		unsigned k = nth_class(p, i);
		const struct class_sums *c = &s->classes[k];
		uint64_t size = pm_pools_class_size(p, k);
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
		{.u = s->blocks_used - s->large},
		{.u = s->blocks_free},
		{.absent = true},
		{.u = s->bytes_used - s->bytes_large},
		{.u = s->bytes_free_blocks},
	};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
}

static void show_uses(struct pm_run *r, const struct sums *s)
{
	static const struct pm_column columns[] = {
		{"use", "BLOCKS FOR", PM_CELL_TEXT},
		{"pages", "PAGES", PM_CELL_COUNT},
		{"blocks_used", "USED", PM_CELL_COUNT},
		{"bytes_used", "BYTES USED", PM_CELL_SIZE},
	};
	static const char *const names[PM_USES] = {
		[PM_USE_MEMORY] = "memory",
		[PM_USE_OBJECTS] = "objects without references",
		[PM_USE_COLLECTED] = "collected objects",
		[PM_USE_PREHEADERS] = "collected objects with pre-header",
		[PM_USE_ANY] = "anything",
		[PM_USE_RAW] = "raw memory",
	};
	pm_emit_table(r->emit, "uses", columns, 4, 0);
	for (unsigned i = 0; i < PM_USES; i++) {
		const struct use_sums *u = &s->uses[i];
		const struct pm_cell cells[] = {
			{.text = names[i]},
			{.u = u->pages},
			{.u = u->blocks},
			{.u = u->bytes},
		};
		if (u->pages)
			pm_emit_row(r->emit, cells, 0);
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

/* What the system could have back. */
static enum pm_status show_returnable(struct pm_run *r,
	const struct pm_pools *p, const struct sums *s, struct pm_error *err)
{
	struct pm_compacted least;
	PM_TRY(pm_occupancy_compacted(p, &least, err));
	line(r, "bytes_returnable",
		p->pages ? "could go back now: free pages and slices"
			 : "could go back now: arenas without a used block",
		pm_occupancy_returnable(p));
	if (!p->pages || pm_run_flag(r, "json"))
		counter(r, "arenas_compacted",
			"arenas needed, were all blocks moved together", true,
			least.arenas);
	line(r, "bytes_returnable_compacted",
		"could go back, were all blocks moved together",
		s->bytes_mapped - least.bytes);
	return PM_OK;
}

static enum pm_status show_total(struct pm_run *r, const struct pm_pools *p,
	const struct sums *s, struct pm_error *err)
{
	struct pm_emit *e = r->emit;
	bool mi = p->pages != NULL;
	pm_emit_open_object(e, "total");
	counter(r, "arenas", mi ? "segments" : "arenas", true, p->arenas.len);
	if (mi)
		counter(r, "arenas_abandoned", "segments of ended threads",
			true, s->abandoned);
	if (!mi || pm_run_flag(r, "json")) {
		counter(r, "arenas_allocated", "arenas ever allocated",
			p->has_counters, p->ntimes);
		counter(r, "arenas_reclaimed", "arenas given back",
			p->has_counters, p->ntimes - p->narenas);
		counter(r, "arenas_highwater", "most arenas at a time",
			p->has_counters, p->highwater);
		counter(r, "arenas_empty", "arenas without a used block", true,
			s->arenas_empty);
	}
	counter(r, "pools_used", mi ? "pages in use" : "pools in use", true,
		s->pools_used);
	counter(r, "pools_free", mi ? "slices free" : "pools free", true,
		s->pools_free);
	counter(r, "blocks_used", "blocks in use", true, s->blocks_used);
	counter(r, "blocks_free",
		mi ? "blocks free in used pages" : "blocks free in used pools",
		true, s->blocks_free);
	if (mi)
		counter(r, "large_blocks", "large blocks in use", true,
			s->large);
	if (!mi || pm_run_flag(r, "json"))
		counter(r, "raw_blocks",
			"blocks beyond pymalloc (over 512 bytes)",
			p->has_raw_blocks, p->raw_blocks);
	line(r, "bytes_mapped",
		mi ? "bytes of segments" : "bytes mapped by arenas",
		s->bytes_mapped);
	line(r, "bytes_used", "bytes in used blocks", s->bytes_used);
	if (mi)
		line(r, "bytes_large", "bytes in large blocks", s->bytes_large);
	line(r, "bytes_free_blocks",
		mi ? "bytes in free blocks of used pages"
		   : "bytes in free blocks of used pools",
		s->bytes_free_blocks);
	line(r, "bytes_free_pools",
		mi ? "bytes in free pages and slices" : "bytes in free pools",
		s->bytes_free_pools);
	line(r, "bytes_pool_headers",
		mi ? "bytes lost before first blocks"
		   : "bytes lost to pool headers",
		s->bytes_headers);
	line(r, "bytes_quantization", "bytes lost to quantization",
		s->bytes_quantization);
	if (!mi || pm_run_flag(r, "json"))
		line(r, "bytes_arena_alignment",
			"bytes lost to arena alignment", s->bytes_alignment);
	if (p->hook_pre)
		line(r, "bytes_debug_hooks", "of used blocks: debug hooks",
			s->blocks_used * (p->hook_pre + p->hook_post));
	PM_TRY(show_returnable(r, p, s, err));
	pm_emit_close(e);
	return PM_OK;
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
	const struct pm_pools *p = r->session->heap->pools;
	struct sums s = {0};
	sum_pools(p, &s);
	if (p->arenas.len)
		pm_emit_text(r->emit, "allocator",
			p->pages ? "mimalloc" : "pymalloc");
	else
		pm_emit_null(r->emit, "allocator");
	pm_emit_uint(r->emit, "arena_size", p->arena_size);
	pm_emit_uint(r->emit, "pool_size", p->pool_size);
	pm_emit_bool(r->emit, "debug_hooks", p->hook_pre != 0);
	if (!p->arenas.len)
		pm_emit_line(r->emit, "%s",
			"There are no arenas: this interpreter uses neither "
			"pymalloc nor mimalloc (PYTHONMALLOC=malloc?).  What "
			"its allocator holds is not known here.");
	else
		show_classes(r, p, &s);
	pm_arena_table(r, p);
	pm_arena_histogram(r, p);
	pm_arena_interpreters(r, p);
	if (p->pages) {
		show_uses(r, &s);
		if (r->session->interpreter >= 0 && s.uses[PM_USE_RAW].pages)
			pm_emit_line(r->emit, "%s",
				"Raw memory is of all interpreters, and "
				"counted here, too.");
		PM_TRY(pm_arena_threads(r, p, err));
	}
	if (p->arenas.len)
		PM_TRY(show_total(r, p, &s, err));
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
	.summary = "Show how full the allocator's arenas, pools and size "
		   "classes are.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = "The figures of sys._debugmallocstats(), read from outside: per "
	       "size class the pools and the blocks used and free; how many "
	       "bytes are in use, free inside used pools, free as whole pools, "
	       "and lost to headers and rounding.  An arena goes back to the "
	       "system only when its last block is freed: the table of "
	       "arenas by occupancy says how full they are, the last lines "
	       "what could go back as things are, and what could at best, if "
	       "the same blocks lay side by side (nothing moves them: see "
	       "py-arena-pins for what holds the emptiest arenas).  pymalloc "
	       "keeps one empty arena for later.\n"
	       "All interpreters are counted; where they have allocators of "
	       "their own, a table says what each has, and -interp shows one "
	       "alone.\n"
	       "Where mimalloc is the allocator (free-threaded builds, "
	       "PYTHONMALLOC=mimalloc), arenas are its segments and pools its "
	       "pages; two more tables say what the blocks are for and which "
	       "thread the segments belong to: - is none, the thread has "
	       "ended.  A block that another thread has freed counts as used "
	       "until the page's own thread takes it back.  Large blocks (over "
	       "128 KiB) are in no size class.",
	.examples = "py-arena-stats  # is it live objects or fragmentation\n"
		    "py-arena-stats -arenas -all  # every arena with its fill",
	.start = start,
	.step = step,
	.finish = finish,
};
