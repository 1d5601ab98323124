/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/claims.h"

#include "heap/search.h"
#include "heap/team.h"

#define MAX_CANDIDATES 4096
#define RANGE (UINT64_C(16) << 20) /* bytes of one range at most */
#define BATCH (UINT64_C(64) << 20) /* and of all that are searched at once */

struct claim {
	pm_addr place, low; /* its buffer begins at low or behind it */
	pm_addr owner;	    /* 0: not found yet */
	struct pm_buffer buffer;
};

struct pm_claims {
	struct pm_heap *h;
	struct claim claims[PM_CLAIMS_MAX];
	size_t n;
	struct pm_search_for what;
	/* Pools that may hold owners, the highest first. */
	PM_VEC(struct pm_search_range) within;
	size_t next;		  /* of these, for the next search */
	struct pm_search *search; /* of a batch of them, may be NULL */
	bool searched;
	size_t at; /* the candidate that comes next */
};

void pm_claims_destroy(struct pm_claims *c)
{
	if (!c)
		return;
	pm_search_destroy(c->search);
	pm_vec_deinit(&c->within);
	free(c);
}

static void cleanup_claims(struct pm_claims **c)
{
	pm_claims_destroy(*c);
}

/* Where a buffer with this place in it begins at the earliest: its block, or
   what comes behind the arena before it. */
static pm_addr low_of(const struct pm_heap *h, const struct pm_spot *s)
{
	const struct pm_large *large = pm_pools_large(h->pools, s->addr);
	if (s->pool >= 0)
		return s->start;
	if (large)
		return large->addr;
	pm_addr low = s->mapping ? s->mapping->start : s->addr;
	pm_vec_each (a, &h->pools->arenas)
		if (a->address + a->bytes <= s->addr &&
			a->address + a->bytes > low)
			low = a->address + a->bytes;
	return low;
}

static int by_low(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	return x->low != y->low
		       ? (x->low < y->low ? -1 : 1)
		       : (x->place < y->place ? -1 : x->place > y->place);
}

/* The ranges that pointers to the buffers are in; false: too many. */
static bool plan(const struct pm_claims *c, struct pm_search_for *ret)
{
	unsigned n = 0;
	for (size_t i = 0; i < c->n; i++) {
		const struct claim *k = &c->claims[i];
		struct pm_search_range *r = n ? &ret->ranges[n - 1] : NULL;
		if (r && k->low - r->first <= r->span) {
			if (k->place - r->first > r->span)
				r->span = k->place - r->first;
			continue;
		}
		if (n == PM_SEARCH_RANGES)
			return false;
		ret->ranges[n++] =
			(struct pm_search_range){k->low, k->place - k->low};
	}
	ret->nranges = n;
	return n;
}

/* Where owners may be: objects with a collector's head and a pointer.  Memory
   is mapped from above: what owns much is old, and stands high. */
static bool add_pools(struct pm_claims *c)
{
	const struct pm_layout *l = c->h->l;
	const struct pm_pools *p = c->h->pools;
	uint32_t least = l->t.gc_head_size + l->f.object.sizeof_.off +
			 l->t.word_size + p->hook_pre + p->hook_post;
	for (size_t i = p->npools; i-- > 0;) {
		if (p->pools[i].state != PM_POOL_USED ||
			pm_pools_class_size(p, p->pools[i].szidx) < least)
			continue;
		pm_addr at = pm_pools_address(p, i);
		uint64_t bytes = pm_pools_bytes(p, i);
		struct pm_search_range *last =
			c->within.len ? &c->within.data[c->within.len - 1]
				      : NULL;
		if (last && at + bytes == last->first && last->span < RANGE) {
			last->first = at;
			last->span += bytes;
		} else if (!pm_vec_push(&c->within,
				   (struct pm_search_range){at, bytes})) {
			return false;
		}
	}
	return true;
}

static enum pm_status begin_batch(struct pm_claims *c, struct pm_error *err)
{
	uint64_t bytes = 0;
	c->what.within = c->within.data + c->next;
	c->what.nwithin = 0;
	while (c->next < c->within.len && bytes < BATCH) {
		bytes += c->within.data[c->next++].span;
		c->what.nwithin++;
	}
	c->searched = false;
	c->at = 0;
	pm_search_destroy(pm_take(c->search));
	return pm_search_create(
		c->h->target, &c->what, MAX_CANDIDATES, &c->search, err);
}

enum pm_status pm_claims_create(struct pm_heap *h, const struct pm_spot *places,
	size_t n, struct pm_claims **ret, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	*ret = NULL;
	if (n > PM_CLAIMS_MAX || l->t.big_endian != PM_HOST_BIG_ENDIAN)
		return PM_OK;
	PM_CLEANUP(cleanup_claims) struct pm_claims *c = calloc(1, sizeof *c);
	if (!c)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	c->h = h;
	c->n = n;
	c->what.width = l->t.word_size;
	for (size_t i = 0; i < n; i++)
		c->claims[i] = (struct claim){
			.place = places[i].addr, .low = low_of(h, &places[i])};
	qsort(c->claims, n, sizeof *c->claims, by_low);
	if (!plan(c, &c->what))
		return PM_OK;
	if (!add_pools(c))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!c->within.len)
		return PM_OK; /* nothing could be proven */
	PM_TRY(begin_batch(c, err));
	*ret = pm_take(c);
	return PM_OK;
}

/* A pointer into one of the ranges stands at addr: in an object? */
static void take_candidate(struct pm_claims *c, pm_addr addr)
{
	struct pm_heap *h = c->h;
	const struct pm_pools *p = h->pools;
	int64_t pool = pm_pools_find(p, addr);
	struct pm_object x;
	struct pm_measure m;
	bool carved, unused;
	if (pool < 0 || p->pools[pool].state != PM_POOL_USED)
		return;
	pm_addr block = pm_pools_block(p, (size_t)pool, addr);
	if (!block ||
		!pm_pools_ask_block(h->l, h->memory, p, (size_t)pool, block,
			&carved, &unused) ||
		!carved || unused || !pm_heap_load_block(h, block, &x) ||
		!pm_heap_is_linked(h, &x) ||
		pm_object_measure(&h->objects, &x, &m) != PM_OK)
		return;
	for (unsigned i = 0; i < m.nbuffers; i++)
		for (size_t k = 0; k < c->n; k++)
			if (!c->claims[k].owner &&
				c->claims[k].place - m.buffers[i].addr <
					m.buffers[i].bytes) {
				c->claims[k].owner = x.addr;
				c->claims[k].buffer = m.buffers[i];
			}
}

enum pm_status pm_claims_step(struct pm_claims *c, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds, left;
	*ret_done = false;
	while ((left = end - pm_now()) > 0) {
		if (!c->searched) {
			PM_TRY(pm_search_step(
				c->search, left, &c->searched, err));
			continue;
		}
		const struct pm_search_result *r = pm_search_result(c->search);
		while (c->at < r->hits.len) {
			take_candidate(c, r->hits.data[c->at++].addr);
			if (c->at % 16 == 0 && pm_now() > end)
				return PM_OK;
		}
		/* Each has one owner: the rest need not be read. */
		if (pm_claims_complete(c) || c->next == c->within.len) {
			*ret_done = true;
			return PM_OK;
		}
		PM_TRY(begin_batch(c, err));
	}
	return PM_OK;
}

void pm_claims_progress(
	const struct pm_claims *c, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = c->next - c->what.nwithin;
	*ret_total = c->within.len;
}

bool pm_claims_complete(const struct pm_claims *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (!c->claims[i].owner)
			return false;
	return true;
}

void pm_claims_apply(const struct pm_claims *c, struct pm_spot *s)
{
	struct pm_object owner;
	for (size_t i = 0; i < c->n; i++)
		if (c->claims[i].place == s->addr && c->claims[i].owner &&
			pm_object_load(&c->h->objects, c->claims[i].owner,
				&owner, NULL) == PM_OK)
			pm_spot_claim(c->h, &owner, &c->claims[i].buffer, s);
}
