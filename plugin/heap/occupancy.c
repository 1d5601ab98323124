/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/occupancy.h"
#include "base/map.h"

void pm_occupancy_of(
	const struct pm_pools *p, size_t i, struct pm_occupancy *ret)
{
	const struct pm_arena *a = &p->arenas.data[i];
	struct pm_occupancy o = {.pools_free = a->nfree};
	for (uint32_t k = 0; k < a->carved; k++) {
		const struct pm_pool *pool = &p->pools[a->pool0 + k];
		if (pool->state != PM_POOL_USED)
			continue;
		o.pools_used++;
		o.blocks += pool->used;
		o.bytes_used += (uint64_t)pool->used *
				pm_pools_class_size(p, pool->szidx);
	}
	for (size_t k = pm_pools_large_from(p, a->address); k < p->large.len;
		k++) {
		const struct pm_large *x = &p->large.data[k];
		if (x->addr - a->address >= a->bytes)
			break;
		if (!x->in_use)
			continue;
		o.pools_used++;
		o.blocks++;
		o.bytes_used += x->bytes;
	}
	/* Also pools that cannot be read are not free. */
	if (!p->pages)
		o.pools_used = a->npools - a->nfree;
	*ret = o;
}

/* ---- moved together ---- */

/* The blocks that may share a pool. */
struct group {
	int64_t interp;
	size_t pool; /* one of them: its room and size are all the others' */
	uint64_t blocks;
};

struct groups {
	struct pm_map by_key; /* to the group, plus 1 */
	PM_VEC(struct group) list;
};

static void deinit_groups(struct groups *g)
{
	pm_map_deinit(&g->by_key);
	pm_vec_deinit(&g->list);
}

static bool add_blocks(struct groups *g, const struct pm_pools *p,
	const struct pm_arena *a, size_t i)
{
	uint64_t key = (uint64_t)a->interp + 1;
	if (p->pages) /* a heap's pages are in segments of one thread */
		key = p->pages[i].heap ? p->pages[i].heap : a->address;
	key = key * PM_MAX_CLASSES * 8 + p->pools[i].szidx + 1;
	struct pm_map_slot *s = pm_map_find(&g->by_key, key);
	if (!s) {
		const struct group new = {a->interp, i, 0};
		s = pm_map_put(&g->by_key, key, NULL);
		if (!s || !pm_vec_push(&g->list, new))
			return false;
		s->value = g->list.len;
	}
	g->list.data[s->value - 1].blocks += p->pools[i].used;
	return true;
}

static int by_allocator(const void *a, const void *b)
{
	const struct pm_arena *x = a, *y = b;
	if (x->interp != y->interp)
		return x->interp < y->interp ? -1 : 1;
	return x->npools < y->npools ? 1 : x->npools > y->npools ? -1 : 0;
}

/* As few arenas as hold so many pools, for each allocator of pymalloc. */
static enum pm_status need_arenas(const struct pm_pools *p,
	const struct groups *g, struct pm_compacted *ret, struct pm_error *err)
{
	size_t n = p->arenas.len;
	pm_auto_free struct pm_arena *sorted = calloc(n + 1, sizeof *sorted);
	if (!sorted)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++)
		sorted[i] = p->arenas.data[i];
	qsort(sorted, n, sizeof *sorted, by_allocator);
	for (size_t i = 0; i < n;) {
		int64_t interp = sorted[i].interp;
		uint64_t pools = 0;
		pm_vec_each (x, &g->list) {
			uint32_t room = pm_pools_room(p, x->pool);
			if (x->interp == interp)
				pools += (x->blocks + room - 1) / room;
		}
		for (; i < n && sorted[i].interp == interp; i++) {
			if (!pools)
				continue;
			ret->arenas++;
			ret->bytes += sorted[i].bytes;
			pools -= pools < sorted[i].npools ? pools
							  : sorted[i].npools;
		}
	}
	return PM_OK;
}

static void need_pages(const struct pm_pools *p, const struct groups *g,
	struct pm_compacted *ret)
{
	uint64_t given = pm_occupancy_returnable(p);
	ret->arenas = p->arenas.len;
	pm_vec_each (a, &p->arenas)
		ret->bytes += a->bytes;
	ret->bytes -= given < ret->bytes ? given : ret->bytes;
	for (size_t i = 0; i < p->npools; i++)
		if (p->pools[i].state == PM_POOL_USED)
			ret->bytes -= pm_pools_bytes(p, i);
	pm_vec_each (x, &g->list) {
		uint32_t room = pm_pools_room(p, x->pool);
		ret->bytes += (x->blocks + room - 1) / room *
			      pm_pools_bytes(p, x->pool);
	}
}

enum pm_status pm_occupancy_compacted(const struct pm_pools *p,
	struct pm_compacted *ret, struct pm_error *err)
{
	PM_CLEANUP(deinit_groups) struct groups g = {0};
	struct pm_compacted all = {0};
	pm_vec_each (a, &p->arenas)
		for (size_t i = a->pool0; i < a->pool0 + a->carved; i++)
			if (p->pools[i].state == PM_POOL_USED &&
				pm_pools_room(p, i) && !add_blocks(&g, p, a, i))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
	if (p->pages)
		need_pages(p, &g, &all);
	else
		PM_TRY(need_arenas(p, &g, &all, err));
	*ret = all;
	return PM_OK;
}

uint64_t pm_occupancy_returnable(const struct pm_pools *p)
{
	uint64_t bytes = 0;
	for (size_t i = 0; p->pages && i < p->npools; i++)
		if (p->pools[i].state == PM_POOL_FREE)
			bytes += pm_pools_bytes(p, i);
	pm_vec_each (a, &p->arenas) {
		if (p->pages)
			bytes += (uint64_t)a->nfree << p->pool_shift;
		else if (a->nfree == a->npools)
			bytes += a->bytes;
	}
	return bytes;
}
