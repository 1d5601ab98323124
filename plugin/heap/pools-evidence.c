/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether pymalloc is in use, where its table of arenas was not found: what
   the collector tracks then lies in pools all the same. */
#include "heap/pools-internal.h"

#define LOOKED_AT 400
/* One in so many lies in a pool by chance, at most. */
#define CHANCE 20

/* Does a block of a pool begin where the head of this object is? */
static bool is_in_pool(
	const struct pm_layout *l, struct pm_memory *m, pm_addr head)
{
	const struct pm_fields *f = &l->f;
	pm_addr pool = head & ~((pm_addr)l->t.pool_size - 1);
	uint64_t used = 0, class = 0, next = 0;
	if (pm_layout_read(l, m, pool, f->pool.ref_count, &used, NULL) !=
			PM_OK ||
		pm_layout_read(l, m, pool, f->pool.szidx, &class, NULL) !=
			PM_OK ||
		pm_layout_read(l, m, pool, f->pool.nextoffset, &next, NULL) !=
			PM_OK)
		return false;
	if (class >= l->t.small_max / l->t.alignment)
		return false;
	uint64_t size = (class + 1) * l->t.alignment;
	uint64_t first = f->pool.sizeof_.off;
	first += (l->t.alignment - first % l->t.alignment) % l->t.alignment;
	uint64_t off = head - pool;
	return used && used <= l->t.pool_size / size && next >= first &&
	       next <= l->t.pool_size && (next - first) % size == 0 &&
	       off >= first && off < next;
}

bool pm_pools_are_in_use(const struct pm_layout *l, struct pm_memory *m)
{
	pm_addr gc = pm_layout_gc_state(l, l->at.interp_head.addr);
	pm_addr lists[PM_GC_LISTS];
	unsigned seen = 0, inside = 0;
	if (!gc)
		return true; /* nothing says no */
	pm_layout_gc_lists(l, gc, lists);
	for (unsigned i = 0; i < PM_GC_PERMANENT; i++) {
		uint64_t head = lists[i];
		for (unsigned n = 0; n < LOOKED_AT; n++) {
			if (pm_layout_read(l, m, head, l->f.gc_head.next, &head,
				    NULL) != PM_OK)
				break;
			head &= l->t.gc_next_mask;
			if (!head || head == lists[i])
				break;
			seen++;
			inside += is_in_pool(l, m, head);
		}
	}
	return !seen || inside > seen / CHANCE;
}
