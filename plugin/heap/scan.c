/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/scan.h"
#include "heap/footprint.h"

#include "heap/team.h"

#include <string.h>

#define TYPE_CACHE_BITS 10
#define OUTSIDE_BATCH 64
#define OUTSIDE_BYTES 4096
#define TAIL 128

struct cached_type {
	pm_addr addr;
	const struct pm_type *type; /* NULL: not one, or none that we can see */
};

/* One thread's part. */
struct scanner {
	struct pm_memory *memory;
	struct pm_objects objects;
	unsigned char *chunk;
	struct cached_type types[1 << TYPE_CACHE_BITS];
	uint64_t unreadable;
	enum pm_status status;
};

struct pool_view {
	size_t pool;
	uint32_t size; /* of its blocks */
};

struct pm_scan {
	struct pm_heap *h;
	bool *wanted; /* by type id; NULL: all */
	uint32_t ntypes;
	uint64_t types;	      /* as in pm_heap.pool_types */
	const uint64_t *only; /* places, NULL: all */
	pm_scan_fn *fn;
	void *arg;
	struct pm_team team;
	struct scanner *scanners[PM_TEAM_MAX];
};

void pm_scan_only(struct pm_scan *s, const uint64_t *places)
{
	s->only = places;
}

void pm_scan_destroy(struct pm_scan *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		if (!s->scanners[i])
			continue;
		pm_memory_destroy(s->scanners[i]->memory);
		free(s->scanners[i]->chunk);
		free(s->scanners[i]);
	}
	free(s->wanted);
	free(s);
}

void pm_scan_load(const struct pm_scan *s, const struct pm_scanned *x,
	struct pm_object *ret)
{
	size_t n = x->avail < PM_MEASURE_HEAD ? x->avail : PM_MEASURE_HEAD;
	size_t rest = PM_MEASURE_HEAD - n;
	uint32_t pre = x->type->pre;
	unsigned char *body = ret->bytes + PM_OBJECT_MAX_PRE;
	ret->addr = x->addr;
	ret->type = x->type;
	ret->avail = n;
	if (x->is_static) /* has no pre-header */
		memset(body - pre, 0, pre);
	else
		memcpy(body - pre, x->body - pre, pre);
	memcpy(body, x->body, n);
	/* What a struct would have behind the end of its block reads as 0. */
	memset(body + n, 0, rest < TAIL ? rest : TAIL);
	(void)pm_object_take_refcnt(s->h->l, ret);
}

static const struct pm_type *ask_type(
	struct pm_scan *s, struct cached_type *c, pm_addr addr)
{
	const struct pm_type *t = NULL;
	if (pm_pools_may_hold_type(s->h->pools, s->h->l, addr))
		t = pm_types_get(s->h->types, addr);
	c->addr = addr;
	c->type = t && t->is_type && t->pre <= PM_OBJECT_MAX_PRE ? t : NULL;
	return c->type;
}

static inline const struct pm_type *type_at(
	struct pm_scan *s, struct scanner *k, pm_addr addr)
{
	const struct pm_layout *l = s->h->l;
	if (addr % l->t.word_size || addr < 0x10000)
		return NULL;
	struct cached_type *c = &k->types[(addr >> 3) * 0x9E3779B97F4A7C15u >>
					  (64 - TYPE_CACHE_BITS)];
	return c->addr == addr ? c->type : ask_type(s, c, addr);
}

static inline bool is_wanted(const struct pm_scan *s, const struct pm_type *t)
{
	return !s->wanted || (t->id < s->ntypes && s->wanted[t->id]);
}

/* The block is known to be an object's; its bytes. */
static inline void see_block(struct pm_scan *s, unsigned who,
	const struct pool_view *v, uint64_t bit, pm_addr block,
	const unsigned char *bytes)
{
	struct scanner *k = s->scanners[who];
	const struct pm_layout *l = s->h->l;
	const struct pm_pools *p = s->h->pools;
	uint32_t pre = pm_heap_pre(s->h, v->pool, bit);
	uint32_t room = v->size - p->hook_pre - p->hook_post;
	const unsigned char *body = bytes + p->hook_pre + pre;
	const struct pm_type *t = NULL;
	if (pre + l->f.object.sizeof_.off <= room)
		t = type_at(s, k, pm_get(l, body, l->f.object.type));
	if (!t || t->pre != pre) {
		k->unreadable++;
		return;
	}
	if (!is_wanted(s, t))
		return;
	const struct pm_scanned x = {
		.addr = block + p->hook_pre + pre,
		.type = t,
		.body = body,
		.avail = room - pre,
		.block = v->size,
		.pool = v->pool,
		.start = block,
		.place = bit,
	};
	if (!s->fn(s->arg, who, &x))
		k->status = PM_NOMEM;
}

/* Of the places of this word. */
static inline uint64_t asked(const struct pm_scan *s, size_t word)
{
	return s->only ? s->only[word] : UINT64_MAX;
}

static void see_pool(struct pm_scan *s, unsigned who, size_t pool,
	const unsigned char *bytes)
{
	const struct pm_heap *h = s->h;
	const struct pm_pools *p = h->pools;
	pm_addr at = pm_pools_address(p, pool);
	const struct pool_view v = {
		.pool = pool,
		.size = pm_pools_class_size(p, p->pools[pool].szidx),
	};
	size_t first, n = pm_pools_words(p, pool, &first);
	if (v.size <= p->hook_pre + p->hook_post)
		return;
	for (size_t i = first; i < first + n; i++) {
		uint64_t bits = h->is_object[i] & asked(s, i);
		while (bits) {
			uint64_t bit = i * 64 + (unsigned)__builtin_ctzll(bits);
			bits &= bits - 1;
			uint64_t off = pm_pools_bit_offset(p, pool, bit);
			if (off + v.size <= pm_pools_bytes(p, pool))
				see_block(
					s, who, &v, bit, at + off, bytes + off);
		}
	}
}

static inline bool has_wanted(const struct pm_scan *s, size_t pool)
{
	size_t first, n = pm_pools_words(s->h->pools, pool, &first);
	uint64_t any = 0;
	if (s->h->pools->pools[pool].state != PM_POOL_USED ||
		!(s->h->pool_types[pool] & s->types))
		return false;
	for (size_t i = first; i < first + n && !any; i++)
		any = asked(s, i);
	return any;
}

/* Pools side by side that are all worth a look. */
static void see_span(struct pm_scan *s, unsigned who, size_t first, size_t end)
{
	struct scanner *k = s->scanners[who];
	const struct pm_pools *p = s->h->pools;
	pm_addr from = pm_pools_address(p, first);
	size_t all = (size_t)(pm_pools_address(p, end - 1) - from) +
		     pm_pools_bytes(p, end - 1);
	const unsigned char *bytes = pm_target_view(s->h->target, from, all);
	size_t got = all;
	if (!bytes) {
		got = pm_target_read_some(s->h->target, from, k->chunk, all);
		bytes = k->chunk;
	}
	for (size_t i = first; i < end && k->status == PM_OK; i++) {
		pm_addr at = pm_pools_address(p, i);
		size_t off = (size_t)(at - from);
		size_t size = pm_pools_bytes(p, i);
		/* Behind a hole: the pool by itself. */
		if (off + size > got && pm_target_read_some(s->h->target, at,
						k->chunk + off, size) < size) {
			k->unreadable++;
			continue;
		}
		see_pool(s, who, i, bytes + off);
	}
}

static void see_run(struct pm_scan *s, unsigned who, size_t index)
{
	const struct pm_run_of_pools *r = &s->h->pools->runs.data[index];
	size_t end = (size_t)r->pool0 + r->npools;
	for (size_t i = r->pool0; i < end;) {
		size_t first = i++;
		if (!has_wanted(s, first))
			continue;
		while (i < end && has_wanted(s, i))
			i++;
		see_span(s, who, first, i);
	}
}

static void see_outside(struct pm_scan *s, unsigned who, size_t index)
{
	struct scanner *k = s->scanners[who];
	const struct pm_outside *o = &s->h->outside.data[index];
	uint64_t place = s->h->pools->nwords * 64 + index;
	const struct pm_type *t = pm_types_by_id(s->h->types, o->type_id);
	unsigned char bytes[PM_OBJECT_MAX_PRE + OUTSIDE_BYTES];
	if (!t || !is_wanted(s, t) || t->pre > PM_OBJECT_MAX_PRE ||
		!(asked(s, place / 64) >> place % 64 & 1))
		return;
	uint32_t pre = o->is_static ? 0 : t->pre;
	size_t n = o->bytes < OUTSIDE_BYTES ? (size_t)o->bytes : OUTSIDE_BYTES;
	if (n < s->h->l->f.object.sizeof_.off)
		n = s->h->l->f.object.sizeof_.off;
	memset(bytes, 0, PM_OBJECT_MAX_PRE);
	if (pm_memory_read(k->memory, o->addr - pre,
		    bytes + PM_OBJECT_MAX_PRE - pre, n + pre, NULL) != PM_OK) {
		k->unreadable++;
		return;
	}
	const struct pm_scanned x = {
		.addr = o->addr,
		.type = t,
		.body = bytes + PM_OBJECT_MAX_PRE,
		.avail = n,
		.place = place,
		.is_static = o->is_static,
	};
	if (!s->fn(s->arg, who, &x))
		k->status = PM_NOMEM;
}

/* Units: runs of pools, then batches of what is outside. */
static bool one_unit(void *arg, unsigned who, size_t i)
{
	struct pm_scan *s = arg;
	const struct pm_heap *h = s->h;
	struct scanner *k = s->scanners[who];
	if (i < h->pools->runs.len) {
		see_run(s, who, i);
		return k->status == PM_OK;
	}
	i = (i - h->pools->runs.len) * OUTSIDE_BATCH;
	for (size_t n = 0; n < OUTSIDE_BATCH && i + n < h->outside.len &&
			   k->status == PM_OK;
		n++)
		see_outside(s, who, i + n);
	return k->status == PM_OK;
}

static enum pm_status ask_wanted(
	struct pm_scan *s, pm_scan_wants_fn *wants, struct pm_error *err)
{
	s->ntypes = pm_types_count(s->h->types);
	s->wanted = calloc(s->ntypes + 1, sizeof *s->wanted);
	if (!s->wanted)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < s->ntypes; i++) {
		const struct pm_type *t = pm_types_by_id(s->h->types, i);
		s->wanted[i] = t && wants(s->arg, t);
		if (s->wanted[i])
			s->types |= pm_heap_type_bit(t);
	}
	return PM_OK;
}

enum pm_status pm_scan_create(struct pm_heap *h, pm_scan_wants_fn *wants,
	unsigned threads, pm_scan_fn *fn, void *arg, struct pm_scan **ret,
	struct pm_error *err)
{
	if (!h->done)
		return pm_fail(err, PM_ABSENT, 0, "the heap was not walked");
	PM_CLEANUP(pm_cleanup_scan) struct pm_scan *s = calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	s->h = h;
	s->fn = fn;
	s->arg = arg;
	s->types = wants ? 0 : UINT64_MAX;
	if (wants)
		PM_TRY(ask_wanted(s, wants, err));
	if (!threads || threads > PM_TEAM_MAX || !h->target->parallel)
		threads = pm_team_size(h->target->parallel);
	size_t chunk = 1;
	pm_vec_each (r, &h->pools->runs)
		if (r->bytes > chunk)
			chunk = r->bytes;
	for (unsigned i = 0; i < threads; i++) {
		struct scanner *k = calloc(1, sizeof *k);
		s->scanners[i] = k;
		if (!k)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		PM_TRY(pm_memory_create(h->target, 0, &k->memory, err));
		pm_heap_objects_init(h, k->memory, &k->objects);
		k->chunk = malloc(chunk);
		if (!k->chunk)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	s->team.size = threads;
	s->team.batch = 1;
	s->team.unit = one_unit;
	s->team.arg = s;
	s->team.total = h->pools->runs.len +
			(h->outside.len + OUTSIDE_BATCH - 1) / OUTSIDE_BATCH;
	*ret = pm_take(s);
	return PM_OK;
}

enum pm_status pm_scan_step(
	struct pm_scan *s, double seconds, bool *ret_done, struct pm_error *err)
{
	s->team.deadline = pm_now() + seconds;
	bool done = pm_team_run(&s->team);
	for (unsigned i = 0; i < s->team.size; i++)
		if (s->scanners[i]->status != PM_OK)
			return pm_fail(err, PM_NOMEM, 0,
				"out of memory while reading the heap");
	*ret_done = done;
	return PM_OK;
}

void pm_scan_progress(
	const struct pm_scan *s, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_team_progress(&s->team, ret_done, ret_total);
}

unsigned pm_scan_threads(const struct pm_scan *s)
{
	return s->team.size;
}

const struct pm_objects *pm_scan_objects(const struct pm_scan *s, unsigned who)
{
	return &s->scanners[who]->objects;
}

uint64_t pm_scan_unreadable(const struct pm_scan *s)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < s->team.size; i++)
		n += s->scanners[i]->unreadable;
	return n;
}
