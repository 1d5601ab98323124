/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/footprint.h"

#include <string.h>

bool pm_malloc_chunk(struct pm_memory *m, unsigned word_size, pm_addr addr,
	uint64_t *ret_size, bool *ret_mapped)
{
	uint64_t word;
	if (pm_memory_read_uint(m, addr - word_size, word_size, &word, NULL) !=
		PM_OK)
		return false;
	*ret_size = word & ~UINT64_C(7);
	*ret_mapped = word & 2;
	return true;
}

/* The least chunk of glibc for so many bytes (malloc/malloc.c,
   request2size). */
static uint64_t least_chunk(uint64_t bytes, unsigned ws)
{
	uint64_t least = (bytes + ws + 2 * ws - 1) / (2 * ws) * (2 * ws);
	return least < 4 * ws ? 4 * ws : least;
}

/* The debug allocators put a word of size, big-endian, and a word of a letter
   and fences before what they give out (_PyMem_DebugRawAlloc in
   Objects/obmalloc.c).  What is too large for a pool has two layers of that:
   pymalloc asks the raw allocator for it, which has its own. */
#define MOST_LAYERS 3

static bool is_hooked(struct pm_memory *m, const struct pm_layout *l,
	pm_addr addr, uint64_t *bytes)
{
	unsigned ws = l->t.word_size;
	unsigned char before[2 * 8];
	if (pm_memory_read(m, addr - 2 * ws, before, 2 * ws, NULL) != PM_OK)
		return false;
	unsigned char letter = before[ws], fence = before[ws + 1];
	uint64_t size = pm_load(before, ws, true);
	if ((letter != 'o' && letter != 'm' && letter != 'r') ||
		(fence != 0xfd && fence != 0xfb) ||
		memcmp(before + ws + 1, before + ws + 2, ws - 2) != 0 ||
		size < *bytes)
		return false;
	*bytes = size;
	return true;
}

/* What glibc set aside for an allocation of bytes at addr. */
static uint64_t malloc_chunk(struct pm_memory *m, const struct pm_layout *l,
	pm_addr addr, uint64_t bytes)
{
	unsigned ws = l->t.word_size;
	for (int i = 0; i < MOST_LAYERS && is_hooked(m, l, addr, &bytes); i++) {
		addr -= 2 * ws;
		bytes += l->t.hook_words * ws;
	}
	uint64_t least = least_chunk(bytes, ws), size;
	bool mapped;
	if (!pm_malloc_chunk(m, ws, addr, &size, &mapped) || size < least ||
		(mapped ? size > least + 8192 : size > least * 2 + 64))
		return least;
	return size;
}

uint64_t pm_block_size(const struct pm_heap *h, struct pm_memory *m,
	pm_addr addr, uint64_t bytes)
{
	const struct pm_pools *p = h->pools;
	int64_t pool = pm_pools_find(p, addr);
	if (pool >= 0)
		return p->pools[pool].state == PM_POOL_USED
			       ? pm_pools_class_size(p, p->pools[pool].szidx)
			       : 0;
	if (!bytes || (h->modules && pm_modules_at(h->modules, addr)))
		return 0;
	const struct pm_large *large = pm_pools_large(p, addr);
	if (large)
		return large->bytes;
	return malloc_chunk(m, h->l, addr, bytes);
}

uint64_t pm_values_size(const struct pm_heap *h, struct pm_memory *m,
	pm_addr values, uint64_t bytes)
{
	unsigned ws = h->l->t.word_size;
	uint64_t prefix;
	if (h->l->t.values_form != PM_VALUES_PREFIXED ||
		pm_pools_find(h->pools, values) >= 0)
		return pm_block_size(h, m, values, bytes ? bytes : 1);
	/* A byte for each value, and two, rounded up, stand before them. */
	if (pm_memory_read_uint(m, values - 1, 1, &prefix, NULL) != PM_OK ||
		prefix % ws || !prefix)
		return 0;
	uint64_t least = prefix > ws + 2 ? prefix - ws - 1 : 1;
	return pm_block_size(h, m, values - prefix, prefix + least * ws);
}

bool pm_heap_room(const void *heap, pm_addr addr, uint64_t bytes)
{
	const struct pm_heap *h = heap;
	const struct pm_pools *p = h->pools;
	int64_t pool = p && addr ? pm_pools_find(p, addr) : -1;
	const struct pm_large *large =
		p && addr ? pm_pools_large(p, addr) : NULL;
	if (pool >= 0) {
		pm_addr block = pm_pools_block(p, (size_t)pool, addr);
		return block &&
		       addr - block + bytes <=
			       pm_pools_class_size(p, p->pools[pool].szidx);
	}
	if (large)
		return addr - large->addr + bytes <= large->bytes;
	return pm_target_has_room(h->target, addr, bytes);
}

void pm_heap_objects_init(
	const struct pm_heap *h, struct pm_memory *m, struct pm_objects *ret)
{
	pm_objects_init(ret, h->l, m, h->types);
	ret->resolver.r.room = pm_heap_room;
	ret->resolver.r.room_arg = h;
}

/* Eight classes of even numbers of words, then four for each power of two
   (mi_bin, Objects/mimalloc/page-queue.c). */
static uint64_t mimalloc_block(uint64_t bytes, unsigned ws)
{
	uint64_t words = (bytes + ws - 1) / ws;
	if (words <= 8)
		return (words <= 1 ? 1 : (words + 1) & ~UINT64_C(1)) * ws;
	words--;
	unsigned b = 61 - (unsigned)__builtin_clzll(words);
	return (((words >> b) + 1) << b) * ws;
}

uint64_t pm_block_for(const struct pm_heap *h, uint64_t bytes)
{
	const struct pm_pools *p = h->pools;
	const struct pm_layout *l = h->l;
	uint64_t want = bytes + p->hook_pre + p->hook_post + p->padding;
	unsigned ws = l->t.word_size;
	if (p->pages)
		return mimalloc_block(want, ws);
	if (p->arenas.len && want <= l->t.small_max)
		return (want + p->alignment - 1) / p->alignment * p->alignment;
	return least_chunk(bytes + p->outside_hooks, ws);
}

uint64_t pm_buffer_alloc(
	const struct pm_heap *h, struct pm_memory *m, const struct pm_buffer *b)
{
	if (b->kind == PM_BUFFER_VALUES)
		return pm_values_size(h, m, b->addr, b->bytes);
	uint64_t one = pm_block_size(h, m, b->addr, b->bytes);
	if (b->kind == PM_BUFFER_NODES)
		return one * b->count;
	if (b->kind != PM_BUFFER_DEQUE)
		return one;
	uint64_t total = 0;
	pm_addr at = b->addr;
	unsigned ws = h->l->t.word_size;
	for (uint64_t i = 0; at && i < b->count; i++) {
		total += pm_block_size(h, m, at, b->bytes);
		if (pm_memory_read_uint(m, at + pm_deque_next_at(h->l), ws, &at,
			    NULL) != PM_OK)
			break;
	}
	return total;
}

void pm_footprint(struct pm_heap *h, const struct pm_object *x,
	const struct pm_measure *m, struct pm_footprint *ret)
{
	*ret = (struct pm_footprint){.place = PM_PLACE_MALLOC};
	if (pm_pools_find(h->pools, x->addr) >= 0 ||
		pm_pools_large(h->pools, x->addr))
		ret->place = PM_PLACE_ARENA;
	else if (h->modules && pm_modules_at(h->modules, x->addr))
		ret->place = PM_PLACE_STATIC;
	if (ret->place != PM_PLACE_STATIC && x->type->in_blocks)
		ret->block = m->extent;
	else if (ret->place != PM_PLACE_STATIC)
		ret->block = pm_block_size(h, h->memory, x->addr - x->type->pre,
			m->extent + x->type->pre);
	ret->alloc = ret->block;
	for (unsigned i = 0; i < m->nbuffers; i++)
		if (!m->buffers[i].shared)
			ret->alloc +=
				pm_buffer_alloc(h, h->memory, &m->buffers[i]);
}
