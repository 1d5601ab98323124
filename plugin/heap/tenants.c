/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/tenants.h"
#include "heap/team.h"

#include <string.h>

struct pm_tenants {
	struct pm_heap *h;
	uint32_t *arenas;
	size_t n, at;
	uint32_t pool;	      /* of arenas[at], that is next */
	unsigned char *bytes; /* of a pool */
	size_t room;
	pm_tenant_fn *fn;
	void *arg;
	pm_addr last_addr; /* the type that was asked for last */
	const struct pm_type *last;
	uint64_t unreadable, inconsistent;
};

void pm_tenants_destroy(struct pm_tenants *t)
{
	if (!t)
		return;
	free(t->arenas);
	free(t->bytes);
	free(t);
}

static void cleanup_tenants(struct pm_tenants **t)
{
	pm_tenants_destroy(*t);
}

enum pm_status pm_tenants_create(struct pm_heap *h, const uint32_t *arenas,
	size_t n, pm_tenant_fn *fn, void *arg, struct pm_tenants **ret,
	struct pm_error *err)
{
	const struct pm_pools *p = h->pools;
	PM_CLEANUP(cleanup_tenants)
	struct pm_tenants *t = calloc(1, sizeof *t);
	if (!t)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < p->npools; i++)
		if (pm_pools_bytes(p, i) > t->room)
			t->room = pm_pools_bytes(p, i);
	t->h = h;
	t->n = n;
	t->fn = fn;
	t->arg = arg;
	t->arenas = calloc(n + 1, sizeof *t->arenas);
	t->bytes = malloc(t->room + 1);
	if (!t->arenas || !t->bytes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (n)
		memcpy(t->arenas, arenas, n * sizeof *arenas);
	*ret = pm_take(t);
	return PM_OK;
}

const struct pm_type *pm_tenants_type(
	struct pm_tenants *t, const struct pm_tenant *x)
{
	const struct pm_heap *h = t->h;
	uint64_t type;
	if (!x->object || pm_layout_read(h->l, h->memory, x->object,
				  h->l->f.object.type, &type, NULL) != PM_OK) {
		t->unreadable += x->object != 0;
		return NULL;
	}
	if (type != t->last_addr) {
		const struct pm_type *found = pm_types_get(h->types, type);
		t->last_addr = type;
		t->last = found && found->is_type ? found : NULL;
	}
	t->unreadable += !t->last;
	return t->last;
}

static bool is_kept(const struct pm_heap *h, pm_addr block, uint64_t bytes)
{
	const struct pm_freelists *f = &h->freelists;
	size_t i = pm_freelists_from(f, block);
	return i < f->held.len && f->held.data[i] - block < bytes;
}

static bool see_block(
	struct pm_tenants *t, uint32_t arena, size_t pool, uint32_t k)
{
	struct pm_heap *h = t->h;
	const struct pm_pools *p = h->pools;
	uint32_t size = pm_pools_class_size(p, p->pools[pool].szidx);
	pm_addr block = pm_pools_first(p, pool) + (uint64_t)k * size;
	uint64_t bit = pm_heap_bit(h, pool, block);
	uint64_t mask = UINT64_C(1) << bit % 64;
	struct pm_tenant x = {
		PM_TENANT_UNKNOWN, arena, pool, block, 1, size, 0};
	if (is_kept(h, block, size)) {
		x.kind = PM_TENANT_KEPT;
	} else if (h->is_object[bit / 64] & mask) {
		x.kind = PM_TENANT_OBJECT;
		x.object = block + p->hook_pre + pm_heap_pre(h, pool, bit);
	} else if (h->is_buffer[bit / 64] & mask) {
		x.kind = PM_TENANT_BUFFER;
		x.object = pm_heap_owner(h, pool, block);
	}
	return t->fn(t->arg, &x);
}

/* All that is said of a pool's blocks is how many there are. */
static bool see_whole(struct pm_tenants *t, uint32_t arena, size_t pool)
{
	const struct pm_pools *p = t->h->pools;
	const struct pm_pool *x = &p->pools[pool];
	uint64_t size = x->state == PM_POOL_USED
				? pm_pools_class_size(p, x->szidx)
				: pm_pools_bytes(p, pool);
	uint64_t n = x->state == PM_POOL_USED ? x->used : 1;
	const struct pm_tenant all = {
		PM_TENANT_UNKNOWN, arena, pool, 0, n, n * size, 0};
	return t->fn(t->arg, &all);
}

static bool see_pool(struct pm_tenants *t, uint32_t arena, size_t pool)
{
	struct pm_heap *h = t->h;
	const struct pm_pools *p = h->pools;
	uint64_t unused[PM_POOL_BLOCK_WORDS];
	bool torn = false;
	uint32_t n = pm_pools_bytes(p, pool);
	if (p->pools[pool].state == PM_POOL_BAD)
		return see_whole(t, arena, pool);
	if (p->pools[pool].state != PM_POOL_USED)
		return true;
	if (n > t->room || pm_memory_read(h->memory, pm_pools_address(p, pool),
				   t->bytes, n, NULL) != PM_OK) {
		t->unreadable++;
		return see_whole(t, arena, pool);
	}
	uint32_t carved =
		pm_pools_free_blocks(h->l, p, pool, t->bytes, unused, &torn);
	if (torn) {
		t->inconsistent++;
		return see_whole(t, arena, pool);
	}
	for (uint32_t k = 0; k < carved; k++)
		if (!(unused[k / 64] >> k % 64 & 1) &&
			!see_block(t, arena, pool, k))
			return false;
	return true;
}

static bool see_large(
	struct pm_tenants *t, uint32_t arena, const struct pm_large *large)
{
	const struct pm_heap *h = t->h;
	struct pm_tenant x = {PM_TENANT_UNKNOWN, arena, SIZE_MAX, large->addr,
		1, large->bytes, 0};
	const struct pm_outside *o =
		h->outside.data +
		pm_outside_from(h->outside.data, h->outside.len, large->addr);
	const struct pm_outside *b =
		h->buffers.data +
		pm_outside_from(h->buffers.data, h->buffers.len, large->addr);
	if (o < h->outside.data + h->outside.len &&
		o->addr - large->addr < large->bytes) {
		x.kind = PM_TENANT_OBJECT;
		x.object = o->addr;
	} else if (b < h->buffers.data + h->buffers.len &&
		   b->addr - large->addr < large->bytes) {
		x.kind = PM_TENANT_BUFFER;
		x.object = b->owner;
	}
	return t->fn(t->arg, &x);
}

static bool see_large_of(struct pm_tenants *t, uint32_t arena)
{
	const struct pm_pools *p = t->h->pools;
	const struct pm_arena *a = &p->arenas.data[arena];
	for (size_t i = pm_pools_large_from(p, a->address); i < p->large.len;
		i++) {
		if (p->large.data[i].addr - a->address >= a->bytes)
			break;
		if (p->large.data[i].in_use &&
			!see_large(t, arena, &p->large.data[i]))
			return false;
	}
	return true;
}

enum pm_status pm_tenants_step(struct pm_tenants *t, double seconds,
	bool *ret_done, struct pm_error *err)
{
	const struct pm_pools *p = t->h->pools;
	double end = pm_now() + seconds;
	while (t->at < t->n && pm_now() < end) {
		uint32_t arena = t->arenas[t->at];
		const struct pm_arena *a = &p->arenas.data[arena];
		bool more = t->pool < a->carved;
		if (more ? !see_pool(t, arena, a->pool0 + t->pool)
			 : !see_large_of(t, arena))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		t->pool = more ? t->pool + 1 : 0;
		t->at += !more;
	}
	*ret_done = t->at == t->n;
	return PM_OK;
}

void pm_tenants_progress(
	const struct pm_tenants *t, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = t->at;
	*ret_total = t->n;
}

uint64_t pm_tenants_unreadable(const struct pm_tenants *t)
{
	return t->unreadable;
}

uint64_t pm_tenants_inconsistent(const struct pm_tenants *t)
{
	return t->inconsistent;
}
