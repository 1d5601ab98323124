/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who divides up which memory: arenas, malloc, stacks of Python frames, and
   blocks of objects outside of all these. */
#include "account/ledger-internal.h"

#include "heap/footprint.h"

static int by_start(const void *a, const void *b)
{
	const struct zone *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->end < y->end) - (x->end > y->end);
}

static bool add_zone(struct pm_ledger_job *j, struct zone z)
{
	return z.end <= z.start || pm_vec_push(&j->zones, z);
}

/* The block of malloc around an object or buffer at addr: a chunk that is
   known, or by what can be told of it alone. */
static bool add_block(struct pm_ledger_job *j, pm_addr addr, uint64_t bytes)
{
	const struct pm_pools *p = j->h->pools;
	unsigned ws = j->h->l->t.word_size;
	if (j->malloc && pm_malloc_claim(j->malloc, addr, NULL))
		return true;
	uint64_t size = pm_block_size(j->h, j->h->memory, addr, bytes);
	if (!size || pm_pools_arena(p, addr))
		return true;
	pm_addr start = addr - 2 * ws - p->outside_hooks / 2;
	return add_zone(j, (struct zone){start, start + size, ZONE_WHOLE,
				   PM_LEDGER_LARGE, 0});
}

static bool add_outside(struct pm_ledger_job *j)
{
	pm_vec_each (x, &j->h->outside) {
		const struct pm_type *t =
			pm_types_by_id(j->h->types, x->type_id);
		if (!x->is_static && t &&
			!add_block(j, x->addr - t->pre, x->bytes + t->pre))
			return false;
	}
	pm_vec_each (b, &j->h->buffers)
		if (!b->is_static && !add_block(j, b->addr, b->bytes))
			return false;
	return true;
}

/* All of a region but the arenas in it. */
static bool add_region(struct pm_ledger_job *j,
	const struct pm_malloc_region *r, size_t *arena)
{
	const struct pm_pools *p = j->h->pools;
	pm_addr at = r->start;
	struct zone z = {.kind = ZONE_MALLOC};
	while (*arena < p->arenas.len &&
		p->arenas.data[*arena].address + p->arenas.data[*arena].bytes <=
			at)
		++*arena;
	for (size_t i = *arena; i < p->arenas.len; i++) {
		const struct pm_arena *a = &p->arenas.data[i];
		if (a->address >= r->end)
			break;
		z.start = at;
		z.end = a->address;
		if (!add_zone(j, z))
			return false;
		at = a->address + a->bytes;
	}
	z.start = at;
	z.end = r->end;
	return add_zone(j, z);
}

static void drop_overlaps(struct pm_ledger_job *j)
{
	size_t n = 0;
	pm_vec_each (z, &j->zones) {
		struct zone *last = n ? &j->zones.data[n - 1] : NULL;
		if (last && z->start < last->end) {
			/* Arenas and malloc's heaps are known; a block's size
			   may be a guess. */
			j->result.inconsistent +=
				z->kind != last->kind || z->kind != ZONE_WHOLE;
			if (z->kind != ZONE_WHOLE && last->kind == ZONE_WHOLE)
				last->end = z->start;
			else if (z->end <= last->end || z->kind == ZONE_ARENA)
				continue;
			else
				z->start = last->end;
		}
		j->zones.data[n++] = *z;
	}
	j->zones.len = n;
}

enum pm_status ledger_find_zones(struct pm_ledger_job *j, struct pm_error *err)
{
	const struct pm_pools *p = j->h->pools;
	bool ok = add_outside(j);
	for (size_t i = 0; ok && i < p->arenas.len; i++) {
		const struct pm_arena *a = &p->arenas.data[i];
		ok = add_zone(
			j, (struct zone){a->address, a->address + a->bytes,
				   ZONE_ARENA, 0, i});
	}
	for (size_t i = 0; ok && i < j->h->stacks.len; i++) {
		const struct pm_memory_range *s = &j->h->stacks.data[i];
		ok = add_zone(j, (struct zone){s->start, s->end, ZONE_WHOLE,
					 PM_LEDGER_FRAMES, 0});
	}
	size_t arena = 0;
	if (j->malloc)
		pm_vec_each (r, &j->malloc->regions)
			ok = ok && add_region(j, r, &arena);
	if (!ok)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (j->zones.len)
		qsort(j->zones.data, j->zones.len, sizeof *j->zones.data,
			by_start);
	drop_overlaps(j);
	return PM_OK;
}

/* ---- malloc ---- */

static enum pm_ledger_class class_of_chunk(const struct pm_malloc_chunk *c)
{
	switch (c->state) {
	case PM_CHUNK_USED:
		return c->claimed ? PM_LEDGER_LARGE : PM_LEDGER_MALLOC_USED;
	case PM_CHUNK_FREE:
	case PM_CHUNK_FASTBIN:
	case PM_CHUNK_TCACHE:
	case PM_CHUNK_TOP:
		return PM_LEDGER_MALLOC_FREE;
	case PM_CHUNK_CACHE:
	case PM_CHUNK_FENCE:
	case PM_CHUNK_HEADER:
		return PM_LEDGER_OVERHEAD;
	case PM_CHUNK_FOREIGN:
		return PM_LEDGER_ANONYMOUS;
	case PM_CHUNK_TORN:
	case PM_CHUNK_RESERVED:
		break;
	}
	return PM_LEDGER_GUARD;
}

/* What a program gets of a used chunk begins two words behind its header, the
   first of which is the last word of the one before. */
static void put_chunk(struct pm_ledger_job *j, pm_addr end)
{
	const struct pm_malloc_chunk *c = &j->chunk;
	pm_addr stop = c->addr + c->bytes;
	if (c->state == PM_CHUNK_USED)
		ledger_put(j, PM_LEDGER_OVERHEAD, c->addr + j->malloc->word);
	ledger_put(j, class_of_chunk(c), stop < end ? stop : end);
}

static void count_size(struct pm_ledger_job *j, const struct pm_malloc_chunk *c)
{
	if (c->state != PM_CHUNK_USED || c->claimed)
		return;
	struct pm_map_slot *s = pm_map_put(&j->sizes, c->bytes, NULL);
	j->no_memory = j->no_memory || !s;
	if (s)
		s->value++;
}

static int by_bytes(const void *a, const void *b)
{
	const struct pm_chunk_size *x = a, *y = b;
	uint64_t u = x->size * x->count, v = y->size * y->count;
	if (u != v)
		return u < v ? 1 : -1;
	return (x->size < y->size) - (x->size > y->size);
}

enum pm_status ledger_sort_sizes(struct pm_ledger_job *j, struct pm_error *err)
{
	struct pm_ledger *g = &j->result;
	for (size_t i = 0; j->sizes.slots && i < (size_t)1 << j->sizes.bits;
		i++) {
		const struct pm_map_slot *s = &j->sizes.slots[i];
		if (s->key && !pm_vec_push(&g->sizes,
				      (struct pm_chunk_size){s->key, s->value}))
			j->no_memory = true;
	}
	if (j->no_memory)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (g->sizes.len)
		qsort(g->sizes.data, g->sizes.len, sizeof *g->sizes.data,
			by_bytes);
	return PM_OK;
}

#define CHUNKS_OF_A_STEP 4096

bool ledger_put_chunks(struct pm_ledger_job *j, pm_addr end)
{
	for (int i = 0; i < CHUNKS_OF_A_STEP; i++) {
		if (j->cursor >= end || ledger_full(j))
			return true;
		if (j->chunk.addr + j->chunk.bytes <= j->cursor) {
			if (!pm_malloc_next(j->malloc, &j->chunks, &j->chunk))
				return true;
			count_size(j, &j->chunk);
		}
		if (j->chunk.addr >= end)
			return true;
		if (j->chunk.addr + j->chunk.bytes > j->cursor)
			put_chunk(j, end);
	}
	return false;
}
