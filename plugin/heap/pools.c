/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/interpreter.h"
#include "heap/pools-internal.h"
#include "object/threads.h"

#include <string.h>

#define MAX_ARENAS (1u << 24)
#define GATHER 512
#define HOOK_SAMPLES 64	     /* pools */
#define MAX_CELLS (1u << 18) /* 256 GiB of address space */

/* One allocator: where its arena table is. */
struct source {
	pm_addr arenas;
	uint64_t maxarenas;
	int64_t interp; /* its number */
	pm_addr state;	/* struct _obmalloc_state, 0: statics */
};

struct builder {
	const struct pm_layout *l;
	struct pm_memory *m;
	struct pm_pools *p;
	PM_VEC(struct source) sources;
};

static void deinit_builder(struct builder *b)
{
	pm_vec_deinit(&b->sources);
}

void pm_pools_destroy(struct pm_pools *p)
{
	if (!p)
		return;
	pm_vec_deinit(&p->arenas);
	pm_vec_deinit(&p->foreign);
	pm_vec_deinit(&p->tables);
	pm_vec_deinit(&p->runs);
	pm_vec_deinit(&p->large);
	pm_vec_deinit(&p->delayed);
	free(p->pools);
	free(p->pages);
	for (size_t i = 0; p->regions && i < PM_POOL_REGIONS; i++)
		free(p->regions[i].pools);
	free(p->regions);
	free(p->inside);
	free(p);
}

/* The arena of pool i. */
static const struct pm_arena *arena_of(const struct pm_pools *p, size_t i)
{
	size_t lo = 0, hi = p->arenas.len;
	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;
		if (p->arenas.data[mid].pool0 <= i)
			lo = mid;
		else
			hi = mid;
	}
	return &p->arenas.data[lo];
}

pm_addr pm_pools_address(const struct pm_pools *p, size_t i)
{
	if (p->pages)
		return p->pages[i].start;
	const struct pm_arena *a = arena_of(p, i);
	return a->first + (i - a->pool0) * (uint64_t)p->pool_size;
}

pm_addr pm_pools_first(const struct pm_pools *p, size_t i)
{
	return p->pages ? p->pages[i].first
			: pm_pools_address(p, i) + p->header;
}

bool pm_pools_may_hold_type(
	const struct pm_pools *p, const struct pm_layout *l, pm_addr addr)
{
	/* No block of pymalloc has room for one. */
	if (p->largest < l->f.type.sizeof_.off)
		return pm_pools_find(p, addr) < 0;
	int64_t i = pm_pools_find(p, addr);
	return i < 0 || (p->pools[i].state == PM_POOL_USED &&
				pm_pools_class_size(p, p->pools[i].szidx) >=
					l->f.type.sizeof_.off);
}

size_t pm_pools_large_from(const struct pm_pools *p, pm_addr addr)
{
	size_t lo = 0, hi = p->large.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (p->large.data[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct pm_large *pm_pools_large(const struct pm_pools *p, pm_addr addr)
{
	size_t lo = 0, hi = p->large.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct pm_large *x = &p->large.data[mid];
		if (addr >= x->addr && addr - x->addr < x->bytes)
			return x;
		if (addr < x->addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* ---- finding the allocators ---- */

static enum pm_status add_state(
	struct builder *b, pm_addr state, int64_t interp, struct pm_error *err)
{
	const struct pm_layout *l = b->l;
	struct source s = {.interp = interp, .state = state};
	for (size_t i = 0; i < b->sources.len; i++)
		if (b->sources.data[i].state == state) {
			/* The last in their list is the main one. */
			b->sources.data[i].interp = interp;
			return PM_OK;
		}
	uint64_t n = 0;
	PM_TRY(pm_layout_read(
		l, b->m, state, l->f.obmalloc.arenas, &s.arenas, err));
	PM_TRY(pm_layout_read(
		l, b->m, state, l->f.obmalloc.maxarenas, &n, err));
	s.maxarenas = n;
	if (!pm_vec_push(&b->sources, s))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status from_interpreters(struct builder *b, struct pm_error *err)
{
	const struct pm_layout *l = b->l;
	struct pm_chain i = pm_interpreters(l, b->m);
	for (; i.at; pm_chain_next(&i)) {
		pm_addr state;
		int64_t id;
		PM_TRY(pm_interpreter_obmalloc(l, b->m, i.at, &state, err));
		PM_TRY(pm_interpreter_id(l, b->m, i.at, &id, err));
		if (state)
			PM_TRY(add_state(b, state, id, err));
	}
	return pm_chain_check(&i, err);
}

static enum pm_status find_sources(struct builder *b, struct pm_error *err)
{
	const struct pm_layout *l = b->l;
	switch (l->t.obmalloc_home) {
	case PM_OBMALLOC_EMBEDDED:
	case PM_OBMALLOC_POINTER:
		return from_interpreters(b, err);
	case PM_OBMALLOC_MIMALLOC:
		return PM_OK;
	case PM_OBMALLOC_STATICS:
		break;
	}
	struct source s = {0};
	if (!l->at.arenas.addr && !pm_pools_are_in_use(l, b->m))
		return PM_OK;
	if (!l->at.arenas.addr)
		return pm_fail(err, PM_ABSENT, 0,
			"the table of pymalloc arenas was not found");
	PM_TRY(pm_memory_read_uint(
		b->m, l->at.arenas.addr, l->t.word_size, &s.arenas, err));
	s.maxarenas = UINT64_MAX; /* until the table stops making sense */
	if (l->at.maxarenas.addr)
		PM_TRY(pm_memory_read_uint(
			b->m, l->at.maxarenas.addr, 4, &s.maxarenas, err));
	if (!pm_vec_push(&b->sources, s))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

/* ---- the arena table ---- */

static bool arena_plausible(const struct pm_pools *p, const struct pm_arena *a,
	pm_addr pool_address)
{
	return a->address % 8 == 0 && a->npools &&
	       a->npools <= p->arena_size / p->pool_size &&
	       a->nfree <= a->npools && pool_address >= a->first &&
	       pool_address <= a->first + (uint64_t)a->npools * p->pool_size &&
	       (pool_address - a->first) % p->pool_size == 0;
}

static enum pm_status read_arenas(
	struct builder *b, const struct source *s, struct pm_error *err)
{
	const struct pm_layout *l = b->l;
	struct pm_pools *p = b->p;
	uint32_t stride = l->f.arena.sizeof_.off;
	unsigned char e[64];
	if (!stride || stride > sizeof e)
		return pm_fail(err, PM_ABSENT, 0, "no layout of arena_object");
	struct pm_arena_table table = {s->arenas, 0};
	bool bounded = s->maxarenas != UINT64_MAX;
	if (bounded && s->maxarenas > MAX_ARENAS)
		return pm_fail(err, PM_CORRUPT, s->arenas,
			"arena table of %llu entries",
			(unsigned long long)s->maxarenas);
	for (uint64_t i = 0; s->arenas && i < s->maxarenas && i < MAX_ARENAS;
		i++) {
		enum pm_status st = pm_memory_read(
			b->m, s->arenas + i * stride, e, stride, err);
		if (st != PM_OK && bounded)
			return st;
		if (st != PM_OK)
			break;
		struct pm_arena a = {
			.address = pm_get(l, e, l->f.arena.address),
			.npools =
				(uint32_t)pm_get(l, e, l->f.arena.ntotalpools),
			.nfree = (uint32_t)pm_get(l, e, l->f.arena.nfreepools),
			.interp = s->interp,
		};
		pm_addr pool_address = pm_get(l, e, l->f.arena.pool_address);
		table.entries = i + 1;
		if (!a.address)
			continue;
		uint64_t mask = p->pool_size - 1;
		a.first = (a.address + mask) & ~mask;
		a.bytes = p->arena_size;
		if (!arena_plausible(p, &a, pool_address)) {
			if (!bounded) {
				table.entries = i;
				break;
			}
			p->bad_arenas++;
			continue;
		}
		a.carved = (uint32_t)((pool_address - a.first) / p->pool_size);
		if (!pm_vec_push(&p->arenas, a))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	if (!pm_vec_push(&p->tables, table))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	p->maxarenas += bounded ? s->maxarenas : p->arenas.len;
	return PM_OK;
}

static uint64_t counter(struct builder *b, pm_addr at, unsigned size, bool *ok)
{
	uint64_t v = 0;
	if (!at || pm_memory_read_uint(b->m, at, size, &v, NULL) != PM_OK)
		*ok = false;
	return v;
}

static void read_counters(struct builder *b)
{
	const struct pm_layout *l = b->l;
	struct pm_pools *p = b->p;
	unsigned ws = l->t.word_size;
	p->has_counters = p->has_raw_blocks = b->sources.len && !p->pages;
	for (size_t i = 0; i < b->sources.len; i++) {
		pm_addr s = b->sources.data[i].state;
#define AT(field)                                                              \
	(s ? pm_has(l->f.obmalloc.field) ? s + l->f.obmalloc.field.off : 0     \
	   : l->at.field.addr)
		p->narenas += counter(b, AT(narenas_currently_allocated), ws,
			&p->has_counters);
		p->ntimes += counter(
			b, AT(ntimes_arena_allocated), ws, &p->has_counters);
		p->highwater +=
			counter(b, AT(narenas_highwater), ws, &p->has_counters);
		p->raw_blocks += counter(
			b, AT(raw_allocated_blocks), ws, &p->has_raw_blocks);
#undef AT
	}
}

/* ---- pools ---- */

static int by_first(const void *a, const void *b)
{
	const struct pm_arena *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

bool pm_pools_map(struct pm_pools *p, pm_addr addr, size_t index)
{
	uint64_t key = (addr >> 30) + 1;
	size_t i = (key * 0x9E3779B97F4A7C15u) >> 54;
	size_t probes = 0;
	while (p->regions[i].key && p->regions[i].key != key) {
		i = (i + 1) & (PM_POOL_REGIONS - 1);
		if (++probes >= PM_POOL_REGIONS - 8)
			return false;
	}
	struct pm_pool_region *r = &p->regions[i];
	if (!r->pools) {
		r->pools = calloc(
			(size_t)1 << (30 - p->pool_shift), sizeof *r->pools);
		if (!r->pools)
			return false;
		r->key = key;
	}
	r->pools[(addr & 0x3fffffff) >> p->pool_shift] = (uint32_t)index + 1;
	return true;
}

static void take_header(struct pm_pools *p, const struct pm_layout *l,
	struct pm_pool *pool, const unsigned char *h)
{
	uint64_t used = pm_get(l, h, l->f.pool.ref_count);
	uint64_t szidx = pm_get(l, h, l->f.pool.szidx);
	if (!used) {
		pool->state = PM_POOL_FREE;
		return;
	}
	uint64_t size = (szidx + 1) * p->alignment;
	if (szidx >= p->nclasses || used > (p->pool_size - p->header) / size) {
		pool->state = PM_POOL_BAD;
		p->bad_pools++;
		return;
	}
	pool->state = PM_POOL_USED;
	pool->szidx = (uint8_t)szidx;
	pool->used = (uint16_t)used;
}

/* Headers of all carved pools, many per system call. */
static enum pm_status read_pools(struct builder *b, struct pm_error *err)
{
	struct pm_pools *p = b->p;
	struct pm_target *t = pm_memory_target(b->m);
	pm_auto_free struct pm_piece *pieces = calloc(GATHER, sizeof *pieces);
	pm_auto_free unsigned char *heads = calloc(GATHER, p->header);
	pm_auto_free size_t *index = calloc(GATHER, sizeof *index);
	if (!pieces || !heads || !index)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	size_t n = 0;
	for (size_t a = 0; a <= p->arenas.len; a++) {
		const struct pm_arena *arena =
			a < p->arenas.len ? &p->arenas.data[a] : NULL;
		uint32_t carved = arena ? arena->carved : 1;
		for (uint32_t k = 0; k < carved; k++) {
			if (n == GATHER || (!arena && n)) {
				pm_target_gather(t, pieces, n);
				for (size_t i = 0; i < n; i++) {
					struct pm_pool *pool =
						&p->pools[index[i]];
					if (pieces[i].got == p->header) {
						take_header(p, b->l, pool,
							pieces[i].buf);
						continue;
					}
					pool->state = PM_POOL_BAD;
					p->bad_pools++;
				}
				n = 0;
			}
			if (!arena)
				break;
			index[n] = arena->pool0 + k;
			pieces[n] = (struct pm_piece){
				arena->first + k * (uint64_t)p->pool_size,
				heads + n * p->header, p->header, 0};
			n++;
		}
	}
	return PM_OK;
}

static void fill_cells(
	struct pm_pools *p, uint32_t *filled, pm_addr at, pm_addr end)
{
	while (at < end) {
		uint64_t cell = (at - p->inside_low) >> 20;
		pm_addr next = p->inside_low + ((cell + 1) << 20);
		if (cell >= p->inside_cells)
			return;
		filled[cell] += (uint32_t)((next < end ? next : end) - at);
		at = next;
	}
}

/* Arenas that lie side by side, as mmap puts them, fill whole MiBs, and so do
   the pages of a segment. */
static enum pm_status mark_inside(struct pm_pools *p, struct pm_error *err)
{
	if (!p->arenas.len)
		return PM_OK;
	const struct pm_arena *last = &p->arenas.data[p->arenas.len - 1];
	p->inside_low = p->arenas.data[0].address & ~UINT64_C(0xfffff);
	uint64_t cells =
		((last->address - p->inside_low + p->arena_size) >> 20) + 1;
	p->inside_cells = cells < MAX_CELLS ? cells : MAX_CELLS;
	p->inside = calloc(p->inside_cells / 64 + 1, sizeof *p->inside);
	pm_auto_free uint32_t *filled =
		calloc(p->inside_cells + 1, sizeof *filled);
	if (!p->inside || !filled)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (p->pages)
		pm_vec_each (r, &p->runs)
			fill_cells(p, filled, r->addr, r->addr + r->bytes);
	else
		pm_vec_each (a, &p->arenas)
			fill_cells(p, filled, a->address,
				a->address + p->arena_size);
	for (uint64_t i = 0; i < p->inside_cells; i++)
		if (filled[i] == 1u << 20)
			p->inside[i / 64] |= UINT64_C(1) << i % 64;
	return PM_OK;
}

static enum pm_status index_pools(struct builder *b, struct pm_error *err)
{
	struct pm_pools *p = b->p;
	if (p->arenas.len)
		qsort(p->arenas.data, p->arenas.len, sizeof *p->arenas.data,
			by_first);
	for (size_t i = 0; i < p->arenas.len; i++) {
		struct pm_arena *a = &p->arenas.data[i];
		a->pool0 = (uint32_t)p->npools;
		p->npools += a->npools;
		if (i && a->first < a[-1].first + (uint64_t)a[-1].npools *
							  p->pool_size)
			return pm_fail(err, PM_CORRUPT, a->first,
				"arenas overlap at 0x%llx",
				(unsigned long long)a->first);
	}
	p->pools = calloc(p->npools + 1, sizeof *p->pools);
	if (!p->pools)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < p->arenas.len; i++) {
		const struct pm_arena *a = &p->arenas.data[i];
		for (uint32_t k = 0; k < a->npools; k++)
			if (!pm_pools_map(p,
				    a->first + k * (uint64_t)p->pool_size,
				    a->pool0 + k))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
	}
	pm_vec_each (a, &p->arenas) {
		struct pm_run_of_pools run = {a->first,
			a->carved * p->pool_size, a->pool0, a->carved};
		if (a->carved && !pm_vec_push(&p->runs, run))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	p->nwords = p->npools * (p->pool_size / p->alignment / 64);
	return read_pools(b, err);
}

/* Of each class the inverse, where the quick division is exact for every
   offset in a pool: offset * size below 2^32. */
static void finish_classes(struct pm_pools *p)
{
	for (unsigned i = 0; i < p->nclasses; i++) {
		uint32_t size = p->class_size[i];
		uint32_t most = p->pages ? 8 * p->pool_size : p->pool_size;
		if (size > p->largest)
			p->largest = size;
		if ((uint64_t)size * most < UINT64_C(1) << 32)
			p->inverse[i] = UINT32_MAX / size + 1;
	}
}

static enum pm_status create(const struct pm_layout *l, struct pm_memory *m,
	struct pm_pools **ret, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_pools) struct pm_pools *p = calloc(1, sizeof *p);
	if (!p || !(p->regions = calloc(PM_POOL_REGIONS, sizeof *p->regions)))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	p->pool_size = l->t.pool_size;
	p->arena_size = l->t.arena_size;
	p->alignment = l->t.alignment;
	p->header = l->f.pool.sizeof_.off;
	p->nclasses = l->t.small_max / l->t.alignment;
	if (p->nclasses > PM_MAX_CLASSES)
		p->nclasses = PM_MAX_CLASSES;
	for (unsigned i = 0; i < p->nclasses; i++)
		p->class_size[i] = (i + 1) * l->t.alignment;
	p->pool_shift = (unsigned)__builtin_ctz(l->t.pool_size | 1u << 30);
	PM_CLEANUP(deinit_builder) struct builder b = {l, m, p, {0}};
	PM_TRY(find_sources(&b, err));
	for (size_t i = 0; i < b.sources.len; i++)
		PM_TRY(read_arenas(&b, &b.sources.data[i], err));
	if (p->arenas.len)
		PM_TRY(index_pools(&b, err));
	else
		PM_TRY(pm_mimalloc_read(l, m, p, err));
	p->align_shift = (unsigned)__builtin_ctz(p->alignment | 1u << 16);
	finish_classes(p);
	PM_TRY(mark_inside(p, err));
	read_counters(&b);
	PM_TRY(pm_pools_detect_hooks(l, m, p, err));
	*ret = pm_take(p);
	return PM_OK;
}

/* The arenas of the interpreters that do not count. */
static enum pm_status find_foreign(const struct pm_layout *l,
	struct pm_memory *m, struct pm_pools *p, struct pm_error *err)
{
	struct pm_layout whole = *l;
	whole.all_interpreters = 0;
	whole.at.interp_head.addr = l->all_interpreters;
	PM_CLEANUP(pm_cleanup_pools) struct pm_pools *all = NULL;
	PM_TRY(create(&whole, m, &all, err));
	size_t own = 0;
	pm_vec_each (a, &all->arenas) {
		while (own < p->arenas.len &&
			p->arenas.data[own].address < a->address)
			own++;
		if (own < p->arenas.len &&
			p->arenas.data[own].address == a->address)
			continue;
		const struct pm_range r = {a->address, a->address + a->bytes};
		if (!pm_vec_push(&p->foreign, r))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

const struct pm_arena *pm_pools_arena(const struct pm_pools *p, pm_addr addr)
{
	for (size_t lo = 0, hi = p->arenas.len; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		const struct pm_arena *a = &p->arenas.data[mid];
		if (addr < a->address)
			hi = mid;
		else if (addr - a->address >= a->bytes)
			lo = mid + 1;
		else
			return a;
	}
	return NULL;
}

bool pm_pools_foreign(const struct pm_pools *p, pm_addr addr)
{
	size_t lo = 0, hi = p->foreign.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (p->foreign.data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < p->foreign.len && p->foreign.data[lo].start <= addr;
}

enum pm_status pm_pools_create(const struct pm_layout *l, struct pm_memory *m,
	struct pm_pools **ret, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_pools) struct pm_pools *p = NULL;
	PM_TRY(create(l, m, &p, err));
	if (l->all_interpreters)
		PM_TRY(find_foreign(l, m, p, err));
	*ret = pm_take(p);
	return PM_OK;
}
