/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/pins-internal.h"
#include "layout/wording.h"

#include <string.h>

/* Kinds of lots that are looked at; more differ in the units that few have. */
#define SIGNATURES_MAX 512

/* Lots that the same units have blocks of. */
struct signature {
	uint64_t units, bytes, lots;
};

struct signatures {
	struct pm_map by_units; /* to the signature, plus 1 */
	PM_VEC(struct signature) list;
};

static void deinit_signatures(struct signatures *s)
{
	pm_map_deinit(&s->by_units);
	pm_vec_deinit(&s->list);
}

static int by_bytes(const void *a, const void *b)
{
	const struct signature *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->units < y->units ? -1 : x->units > y->units;
}

static enum pm_status collect(
	const struct pm_pins *p, struct signatures *s, struct pm_error *err)
{
	pm_vec_each (lot, &p->lots) {
		if (!lot->sparse || lot->stuck || !lot->units)
			continue;
		bool added;
		struct pm_map_slot *slot =
			pm_map_put(&s->by_units, lot->units, &added);
		const struct signature new = {.units = lot->units};
		if (!slot || (added && !pm_vec_push(&s->list, new)))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (added)
			slot->value = s->list.len;
		s->list.data[slot->value - 1].bytes += lot->bytes;
		s->list.data[slot->value - 1].lots++;
	}
	if (s->list.len)
		qsort(s->list.data, s->list.len, sizeof *s->list.data,
			by_bytes);
	if (s->list.len > SIGNATURES_MAX)
		s->list.len = SIGNATURES_MAX;
	return PM_OK;
}

static uint64_t cost_of(const struct pm_pins *p, uint64_t units)
{
	uint64_t n = 0;
	for (; units; units &= units - 1)
		n += p->units[__builtin_ctzll(units)].objects;
	return n;
}

static uint64_t gain_of(
	const struct signatures *s, uint64_t units, uint64_t before)
{
	uint64_t bytes = 0;
	pm_vec_each (x, &s->list)
		if (!(x->units & ~units) && x->units & ~before)
			bytes += x->bytes;
	return bytes;
}

enum pm_status pm_pins_choose(struct pm_pins_job *j, struct pm_error *err)
{
	struct pm_pins *p = &j->r;
	PM_CLEANUP(deinit_signatures) struct signatures s = {0};
	uint64_t chosen = 0;
	PM_TRY(collect(p, &s, err));
	while (p->nplans < PM_PIN_PLANS) {
		uint64_t best = 0;
		double most = 0;
		pm_vec_each (x, &s.list) {
			uint64_t more = x->units & ~chosen;
			if (!more)
				continue;
			double worth =
				(double)gain_of(&s, chosen | more, chosen) /
				(double)(cost_of(p, more) + 1);
			if (worth > most) {
				most = worth;
				best = more;
			}
		}
		if (!best)
			break;
		chosen |= best;
		p->plans[p->nplans++] =
			(struct pm_pin_plan){.units = chosen, .added = best};
	}
	return PM_OK;
}

/* ---- what it brings ---- */

void pm_pins_drop(struct pm_pins_job *j, struct pm_pin_plan *plan)
{
	const struct pm_graph *g = j->g;
	memset(j->gone, 0, ((size_t)g->n / 64 + 1) * sizeof *j->gone);
	plan->objects = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		uint32_t at = pm_population_pattern(j->population, i);
		if (at == PM_NO_PATTERN || j->r.unit_of[at] != at ||
			pm_graph_is_immortal(g, i))
			continue;
		unsigned unit = j->numbers[at]; /* plus 1 */
		if (unit && plan->units >> (unit - 1) & 1) {
			j->gone[i / 64] |= UINT64_C(1) << i % 64;
			plan->objects++;
		}
	}
}

/* Does it go with what is dropped? */
static bool goes(const struct pm_pins_job *j, const struct pm_pin *x,
	const uint64_t *after)
{
	if (x->kind == PM_TENANT_KEPT)
		return true;
	return x->node != PM_NO_NODE && pm_pins_bit(j->before, x->node) &&
	       !pm_pins_bit(after, x->node);
}

/* Pools of a lot with something left, 2: or more. */
static unsigned left_in(const struct pm_pins_job *j, const struct pm_lot *lot,
	const uint64_t *after)
{
	const struct pm_pin *first = NULL;
	for (size_t i = lot->begin; i < lot->end; i++) {
		const struct pm_pin *x = &j->r.list.data[i];
		if (goes(j, x, after))
			continue;
		if (first && first->pool != x->pool)
			return 2;
		first = x;
	}
	return first != NULL;
}

/* Arenas that stay with one pool in use. */
struct nearly {
	bool now;  /* it has all other pools free already */
	bool then; /* it will */
};

/* insert_to_freepool (Objects/obmalloc.c): those with free pools are a list,
   sorted by how many these are, and who gets one more goes before those that
   have as many.  An arena that becomes empty goes back unless it is the last:
   so one stays, if none is empty already and none that is nearly empty stays
   behind it.  Of one that will only be so the order decides. */
static void judge_reserve(const struct pm_pins_job *j, struct pm_pin_plan *plan,
	const struct nearly *nearly)
{
	const struct pm_pools *p = j->g->h->pools;
	bool any = nearly->now;
	if (p->pages || !plan->lots ||
		!pm_wording_is(j->g->h->l, PM_WORDING_ARENA_KEPT))
		return;
	pm_vec_each (a, &p->arenas)
		any = any || a->nfree == a->npools;
	plan->keeps_one = !any && !nearly->then;
	plan->may_keep_one = !any && nearly->then;
	if (plan->keeps_one)
		plan->bytes -= p->arena_size < plan->bytes ? p->arena_size
							   : plan->bytes;
}

void pm_pins_judge(
	struct pm_pins_job *j, struct pm_pin_plan *plan, const uint64_t *after)
{
	const struct pm_graph *g = j->g;
	const struct pm_pools *p = g->h->pools;
	struct nearly nearly = {0};
	plan->lots = plan->bytes = plan->freed = plan->freed_size = 0;
	for (uint32_t w = 0; w <= g->n / 64; w++)
		for (uint64_t left = j->before[w] & ~after[w]; left;
			left &= left - 1) {
			uint32_t node =
				w * 64 + (uint32_t)__builtin_ctzll(left);
			plan->freed++;
			plan->freed_size += pm_graph_size(g, node);
		}
	pm_vec_each (lot, &j->r.lots) {
		unsigned left = left_in(j, lot, after);
		const struct pm_arena *a = &p->arenas.data[lot->arena];
		uint32_t most = p->arena_size / p->pool_size;
		if (left == 1 && a->nfree + 1 >= most)
			nearly.now = true;
		else if (left == 1)
			nearly.then = true;
		if (left)
			continue;
		plan->lots++;
		plan->bytes += lot->bytes;
	}
	judge_reserve(j, plan, &nearly);
}
