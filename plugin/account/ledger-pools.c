/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arenas and segments.  A pool that is in memory as a whole, or not at all, is
   counted from the bit maps of the walk; only where its pages differ are its
   blocks looked at one by one. */
#include "account/ledger-internal.h"

#include <string.h>

/* Do all pages of [start, end) have the same flags?  Without pages: yes. */
static bool is_even(const struct pm_ledger_job *j, pm_addr start, pm_addr end)
{
	struct pm_resident sum = {0};
	if (!j->residency || !j->residency->pages)
		return true;
	pm_residency_add(j->residency, start, end, &sum);
	uint64_t n = end - start;
	return (!sum.resident || sum.resident == n) &&
	       (!sum.swapped || sum.swapped == n) &&
	       (!sum.exclusive || sum.exclusive == n);
}

struct census {
	uint64_t objects, free_lists, others, free;
};

static void take_census(
	const struct pm_ledger_job *j, size_t i, struct census *ret)
{
	const struct pm_heap *h = j->h;
	const struct pm_pools *p = h->pools;
	uint64_t left = p->pools[i].used;
	size_t first, n = pm_pools_words(p, i, &first);
	*ret = (struct census){.free = pm_pools_room(p, i) - left};
	for (size_t k = first; k < first + n; k++)
		ret->objects += (uint64_t)__builtin_popcountll(
			h->is_object[k] | h->is_buffer[k]);
	if (ret->objects > left) /* torn */
		ret->objects = left;
	left -= ret->objects;
	pm_addr start = pm_pools_address(p, i);
	pm_addr end = start + pm_pools_bytes(p, i);
	ret->free_lists = pm_freelists_from(&h->freelists, end) -
			  pm_freelists_from(&h->freelists, start);
	if (ret->free_lists > left)
		ret->free_lists = left;
	ret->others = left - ret->free_lists;
}

/* By sums: the pieces are as large as the blocks of each class together. */
static void put_even_pool(struct pm_ledger_job *j, size_t i, pm_addr end)
{
	const struct pm_pools *p = j->h->pools;
	uint64_t size = pm_pools_class_size(p, p->pools[i].szidx);
	struct census c;
	take_census(j, i, &c);
	ledger_put(j, PM_LEDGER_OVERHEAD, pm_pools_first(p, i));
	ledger_put(j, PM_LEDGER_OBJECTS, j->cursor + c.objects * size);
	ledger_put(j, PM_LEDGER_FREE_LISTS, j->cursor + c.free_lists * size);
	ledger_put(j, PM_LEDGER_OTHER_BLOCKS, j->cursor + c.others * size);
	ledger_put(j, PM_LEDGER_FREE_BLOCKS, j->cursor + c.free * size);
	ledger_put(j, PM_LEDGER_OVERHEAD, end);
}

static enum pm_ledger_class class_of_block(
	const struct pm_ledger_job *j, size_t i, pm_addr block)
{
	const struct pm_heap *h = j->h;
	uint64_t bit = pm_heap_bit(h, i, block);
	uint32_t size = pm_pools_class_size(h->pools, h->pools->pools[i].szidx);
	if ((h->is_object[bit / 64] | h->is_buffer[bit / 64]) >> bit % 64 & 1)
		return PM_LEDGER_OBJECTS;
	return pm_freelists_from(&h->freelists, block) <
			       pm_freelists_from(&h->freelists, block + size)
		       ? PM_LEDGER_FREE_LISTS
		       : PM_LEDGER_OTHER_BLOCKS;
}

static void put_uneven_pool(struct pm_ledger_job *j, size_t i, pm_addr end)
{
	const struct pm_pools *p = j->h->pools;
	pm_addr start = pm_pools_address(p, i), first = pm_pools_first(p, i);
	uint32_t size = pm_pools_class_size(p, p->pools[i].szidx);
	uint64_t free_bits[PM_POOL_BLOCK_WORDS];
	bool torn;
	if (pm_target_read_some(j->h->target, start, j->bytes,
		    pm_pools_bytes(p, i)) < pm_pools_bytes(p, i)) {
		j->result.unreadable++;
		put_even_pool(j, i, end);
		return;
	}
	unsigned carved =
		pm_pools_free_blocks(j->h->l, p, i, j->bytes, free_bits, &torn);
	j->result.inconsistent += torn;
	if (!carved) {
		put_even_pool(j, i, end);
		return;
	}
	ledger_put(j, PM_LEDGER_OVERHEAD, first);
	for (unsigned k = 0; k < carved; k++) {
		pm_addr block = first + (uint64_t)k * size;
		ledger_put(j,
			free_bits[k / 64] >> k % 64 & 1
				? PM_LEDGER_FREE_BLOCKS
				: class_of_block(j, i, block),
			block + size);
	}
	ledger_put(j, PM_LEDGER_FREE_BLOCKS,
		first + (uint64_t)pm_pools_room(p, i) * size);
	ledger_put(j, PM_LEDGER_OVERHEAD, end);
}

static void put_pool(struct pm_ledger_job *j, size_t i)
{
	const struct pm_pools *p = j->h->pools;
	pm_addr start = pm_pools_address(p, i);
	pm_addr end = start + pm_pools_bytes(p, i);
	if (end <= j->cursor)
		return; /* of a mapping before this one */
	switch (p->pools[i].state) {
	case PM_POOL_USED:
		/* A mapping that begins or ends within a pool is as rare as
		   one whose pages differ. */
		if (start < j->cursor || end > j->limit ||
			!is_even(j, start, end))
			put_uneven_pool(j, i, end);
		else
			put_even_pool(j, i, end);
		break;
	case PM_POOL_FREE:
	case PM_POOL_UNCARVED:
		ledger_put(j, PM_LEDGER_FREE_POOLS, end);
		break;
	default:
		ledger_put(j, PM_LEDGER_GUARD, end);
	}
}

/* Does one of them lie in [start, end)? */
static bool has_any(
	const struct pm_outside *all, size_t n, pm_addr start, pm_addr end)
{
	size_t i = pm_outside_from(all, n, start);
	return i < n && all[i].addr < end;
}

static void put_large(struct pm_ledger_job *j, const struct pm_large *x)
{
	const struct pm_heap *h = j->h;
	pm_addr end = x->addr + x->bytes;
	enum pm_ledger_class class = PM_LEDGER_OTHER_BLOCKS;
	if (!x->in_use)
		class = PM_LEDGER_FREE_POOLS;
	else if (has_any(h->outside.data, h->outside.len, x->addr, end) ||
		 has_any(h->buffers.data, h->buffers.len, x->addr, end))
		class = PM_LEDGER_LARGE;
	ledger_put(j, class, end);
}

/* Pages and large blocks of a segment, both in order of address. */
static void put_segment(struct pm_ledger_job *j, const struct pm_arena *a)
{
	const struct pm_pools *p = j->h->pools;
	pm_addr end = a->address + a->bytes;
	size_t pool = a->pool0, pools = pool + a->npools;
	size_t large = pm_pools_large_from(p, a->address);
	enum pm_ledger_class between = PM_LEDGER_OVERHEAD;
	while (!ledger_full(j)) {
		pm_addr at = pool < pools ? pm_pools_address(p, pool) : end;
		const struct pm_large *x =
			large < p->large.len ? &p->large.data[large] : NULL;
		bool is_large = x && x->addr < at;
		if (is_large)
			at = x->addr;
		ledger_put(j, between, at < end ? at : end);
		between = PM_LEDGER_FREE_POOLS;
		if (at >= end)
			break;
		if (is_large) {
			put_large(j, x);
			large++;
		} else {
			put_pool(j, pool++);
		}
	}
}

void ledger_put_arena(struct pm_ledger_job *j, const struct pm_arena *a)
{
	const struct pm_pools *p = j->h->pools;
	if (p->pages) {
		put_segment(j, a);
		return;
	}
	ledger_put(j, PM_LEDGER_OVERHEAD, a->first);
	for (uint32_t k = 0; k < a->carved && !ledger_full(j); k++)
		put_pool(j, a->pool0 + k);
	ledger_put(j, PM_LEDGER_FREE_POOLS,
		a->first + (uint64_t)a->npools * p->pool_size);
	ledger_put(j, PM_LEDGER_OVERHEAD, a->address + a->bytes);
}
