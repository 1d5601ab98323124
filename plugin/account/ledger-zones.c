/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who divides up which memory: arenas, stacks of Python frames, and blocks of
   objects outside of both. */
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

/* The block of malloc around an object or buffer at addr. */
static bool add_block(struct pm_ledger_job *j, pm_addr addr, uint64_t bytes)
{
	const struct pm_pools *p = j->h->pools;
	unsigned ws = j->h->l->t.word_size;
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

static void drop_overlaps(struct pm_ledger_job *j)
{
	size_t n = 0;
	pm_vec_each (z, &j->zones) {
		struct zone *last = n ? &j->zones.data[n - 1] : NULL;
		if (last && z->start < last->end) {
			/* An arena is known to be one; a block's size may be
			   a guess. */
			j->result.inconsistent +=
				z->kind != last->kind || z->kind == ZONE_ARENA;
			if (z->kind == ZONE_ARENA && last->kind == ZONE_WHOLE)
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
	if (!ok)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (j->zones.len)
		qsort(j->zones.data, j->zones.len, sizeof *j->zones.data,
			by_start);
	drop_overlaps(j);
	return PM_OK;
}
