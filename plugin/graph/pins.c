/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/pins-internal.h"
#include "heap/occupancy.h"
#include "heap/team.h"

enum phase {
	PHASE_TENANTS,
	PHASE_PATHS,
	PHASE_COUNT,
	PHASE_UNITS,
	PHASE_SIGN,
	PHASE_NOW,
	PHASE_PLANS,
	PHASE_DONE,
};

void pm_pins_destroy(struct pm_pins_job *j)
{
	if (!j)
		return;
	pm_tenants_destroy(j->tenants);
	pm_population_destroy(j->population);
	pm_without_destroy(j->search);
	free(j->before);
	free(j->gone);
	free(j->lots);
	free(j->seen);
	free(j->numbers);
	pm_vec_deinit(&j->r.list);
	pm_vec_deinit(&j->r.lots);
	free(j->r.unit_of);
	free(j);
}

static void cleanup_job(struct pm_pins_job **j)
{
	pm_pins_destroy(*j);
}

/* ---- who has which blocks ---- */

static bool begin_lot(struct pm_pins_job *j, const struct pm_tenant *t)
{
	const struct pm_pools *p = j->g->h->pools;
	const struct pm_arena *a = &p->arenas.data[t->arena];
	struct pm_lot lot = {.arena = t->arena,
		.pool = SIZE_MAX,
		.addr = a->address,
		.bytes = a->bytes,
		.begin = j->r.list.len};
	if (p->pages && t->pool != SIZE_MAX) {
		lot.pool = t->pool;
		lot.addr = pm_pools_address(p, t->pool);
		lot.bytes = pm_pools_bytes(p, t->pool);
	} else if (p->pages) {
		lot.addr = t->block;
		lot.bytes = t->bytes;
	}
	return pm_vec_push(&j->r.lots, lot);
}

static bool is_other_lot(const struct pm_pins_job *j, const struct pm_tenant *t)
{
	const struct pm_pools *p = j->g->h->pools;
	if (!j->r.lots.len)
		return true;
	const struct pm_lot *last = &j->r.lots.data[j->r.lots.len - 1];
	if (last->arena != t->arena)
		return true;
	return p->pages && (t->pool == SIZE_MAX || last->pool != t->pool);
}

static bool see(void *arg, const struct pm_tenant *t)
{
	struct pm_pins_job *j = arg;
	const struct pm_pools *p = j->g->h->pools;
	if (is_other_lot(j, t) && !begin_lot(j, t))
		return false;
	struct pm_lot *lot = &j->r.lots.data[j->r.lots.len - 1];
	struct pm_pin pin = {.node = PM_NO_NODE,
		.bytes =
			t->bytes < UINT32_MAX ? (uint32_t)t->bytes : UINT32_MAX,
		.kind = (uint8_t)t->kind};
	if (t->pool != SIZE_MAX)
		pin.pool = (uint16_t)(t->pool - p->arenas.data[t->arena].pool0);
	if (t->object)
		pin.node = pm_graph_node(j->g, t->object);
	/* Of an object that the graph does not have nothing is known. */
	if (pin.node == PM_NO_NODE && t->kind != PM_TENANT_KEPT)
		pin.kind = PM_TENANT_UNKNOWN;
	lot->bytes_used += t->bytes;
	lot->end = j->r.list.len + 1;
	return pm_vec_push(&j->r.list, pin);
}

enum pm_status pm_pins_create(const struct pm_graph *g, unsigned below,
	struct pm_pins_job **ret, struct pm_error *err)
{
	struct pm_heap *h = g->h;
	size_t n = h->pools->arenas.len, bits = (size_t)g->n / 64 + 1;
	PM_CLEANUP(cleanup_job) struct pm_pins_job *j = calloc(1, sizeof *j);
	pm_auto_free uint32_t *arenas = calloc(n + 1, sizeof *arenas);
	uint32_t ntypes = pm_types_count(h->types);
	pm_auto_free uint8_t *what = malloc(ntypes + 1);
	if (!j || !arenas || !what)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = j->r.g = g;
	j->below = below;
	j->gone = calloc(bits, sizeof *j->gone);
	if (!j->gone)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < n; i++)
		arenas[i] = i;
	for (uint32_t i = 0; i < ntypes; i++)
		what[i] = PM_TYPE_WANTED;
	PM_TRY(pm_tenants_create(h, arenas, n, see, j, &j->tenants, err));
	PM_TRY(pm_population_create(
		g, what, ntypes, NULL, &j->population, err));
	*ret = pm_take(j);
	return PM_OK;
}

/* ---- by which paths ---- */

uint32_t pm_pins_pattern(const struct pm_pins_job *j, const struct pm_pin *x)
{
	return x->node == PM_NO_NODE
		       ? PM_NO_PATTERN
		       : pm_population_pattern(j->population, x->node);
}

enum pm_pin_fate pm_pins_fate(
	const struct pm_pins_job *j, const struct pm_pin *x)
{
	if (x->kind == PM_TENANT_KEPT)
		return PM_PIN_KEPT;
	if (x->node == PM_NO_NODE)
		return PM_PIN_UNKNOWN;
	if (pm_graph_is_immortal(j->g, x->node))
		return PM_PIN_FOREVER;
	uint32_t pattern = pm_pins_pattern(j, x);
	if (pattern == PM_NO_PATTERN)
		return PM_PIN_LOST;
	return j->r.unit_of[pattern] == PM_NO_PATTERN ? PM_PIN_PROGRAM
						      : PM_PIN_ITEM;
}

static bool is_item(const struct pm_pattern *x)
{
	return x->any && x->many;
}

static enum pm_status begin_count(struct pm_pins_job *j, struct pm_error *err)
{
	j->r.paths = pm_population_result(j->population);
	size_t n = j->r.paths->patterns.list.len + 1;
	j->lots = calloc(n, sizeof *j->lots);
	j->seen = calloc(n, sizeof *j->seen);
	j->numbers = calloc(n, sizeof *j->numbers);
	j->r.unit_of = malloc(n * sizeof *j->r.unit_of);
	if (!j->lots || !j->seen || !j->numbers || !j->r.unit_of)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

/* In how many sparse lots are blocks of what is behind each pattern? */
static void count_lot(struct pm_pins_job *j, struct pm_lot *lot)
{
	const struct pm_patterns *p = &j->r.paths->patterns;
	lot->sparse = lot->bytes_used * 100 < lot->bytes * j->below;
	for (size_t k = lot->begin; lot->sparse && k < lot->end; k++) {
		uint32_t at = pm_pins_pattern(j, &j->r.list.data[k]);
		for (; at != PM_NO_PATTERN && j->seen[at] != j->lot + 1;
			at = p->list.data[at].above) {
			j->seen[at] = j->lot + 1;
			j->lots[at]++;
		}
	}
}

/* What to drop of the collections that lead to a pattern: items of the first,
   unless they are few that each have much of the heap. */
static void find_units(struct pm_pins_job *j)
{
	const struct pm_patterns *p = &j->r.paths->patterns;
	for (uint32_t i = 0; i < p->list.len; i++) {
		const struct pm_pattern *x = &p->list.data[i];
		uint32_t up = x->above == PM_NO_PATTERN
				      ? PM_NO_PATTERN
				      : j->r.unit_of[x->above];
		const struct pm_pattern *unit =
			up == PM_NO_PATTERN ? NULL : &p->list.data[up];
		bool few = unit && unit->objects < j->lots[up];
		j->r.unit_of[i] = is_item(x) && (!unit || few) ? i : up;
	}
}

static int by_lots(const void *a, const void *b)
{
	const struct pm_pin_unit *x = a, *y = b;
	if (x->lots != y->lots)
		return x->lots < y->lots ? 1 : -1;
	return x->pattern < y->pattern ? -1 : x->pattern > y->pattern;
}

static enum pm_status take_units(struct pm_pins_job *j, struct pm_error *err)
{
	const struct pm_patterns *p = &j->r.paths->patterns;
	PM_VEC(struct pm_pin_unit) all = {0};
	bool failed = false;
	for (uint32_t i = 0; i < p->list.len && !failed; i++) {
		const struct pm_pattern *x = &p->list.data[i];
		const struct pm_pin_unit unit = {
			i, x->objects, x->bytes, j->lots[i]};
		if (j->r.unit_of[i] == i && j->lots[i])
			failed = !pm_vec_push(&all, unit);
	}
	if (all.len)
		qsort(all.data, all.len, sizeof *all.data, by_lots);
	for (size_t i = 0; i < all.len && i < PM_PIN_UNITS; i++)
		j->r.units[j->r.nunits++] = all.data[i];
	pm_vec_deinit(&all);
	return failed ? pm_fail(err, PM_NOMEM, 0, "out of memory") : PM_OK;
}

/* Which units the lot has blocks of, and what else. */
static void sign_lot(struct pm_pins_job *j, struct pm_lot *lot)
{
	for (size_t k = lot->begin; k < lot->end; k++) {
		const struct pm_pin *x = &j->r.list.data[k];
		enum pm_pin_fate fate = pm_pins_fate(j, x);
		uint8_t unit = 0;
		lot->blocks[fate]++;
		if (fate == PM_PIN_ITEM)
			unit = j->numbers[j->r.unit_of[pm_pins_pattern(j, x)]];
		if (unit)
			lot->units |= UINT64_C(1) << (unit - 1);
		else if (fate != PM_PIN_KEPT)
			lot->stuck = true;
	}
}

static enum pm_status find_all_units(
	struct pm_pins_job *j, struct pm_error *err)
{
	find_units(j);
	PM_TRY(take_units(j, err));
	for (unsigned i = 0; i < j->r.nunits; i++)
		j->numbers[j->r.units[i].pattern] = (uint8_t)(i + 1);
	return PM_OK;
}

static void each_lot(struct pm_pins_job *j, double seconds,
	void (*look_at)(struct pm_pins_job *j, struct pm_lot *lot))
{
	double end = pm_now() + seconds;
	for (; j->lot < j->r.lots.len && pm_now() < end; j->lot++)
		look_at(j, &j->r.lots.data[j->lot]);
	if (j->lot == j->r.lots.len) {
		j->lot = 0;
		j->phase++;
	}
}

/* ---- what would go back ---- */

/* One search: as things are, or without what a plan drops. */
static enum pm_status look(struct pm_pins_job *j, double seconds,
	uint64_t **ret_reached, struct pm_error *err)
{
	bool done = false;
	*ret_reached = NULL;
	if (!j->search)
		return pm_without_create(
			j->g, j->before ? j->gone : NULL, &j->search, err);
	PM_TRY(pm_without_step(j->search, seconds, &done, err));
	if (!done)
		return PM_OK;
	*ret_reached = pm_without_take(j->search);
	pm_without_destroy(pm_take(j->search));
	return PM_OK;
}

static enum pm_status try_plans(
	struct pm_pins_job *j, double seconds, struct pm_error *err)
{
	if (j->plan == j->r.nplans) {
		j->phase = PHASE_DONE;
		return PM_OK;
	}
	struct pm_pin_plan *plan = &j->r.plans[j->plan];
	if (!j->search)
		pm_pins_drop(j, plan);
	uint64_t *after;
	PM_TRY(look(j, seconds, &after, err));
	if (!after)
		return PM_OK;
	pm_pins_judge(j, plan, after);
	free(after);
	j->plan++;
	return PM_OK;
}

static enum pm_status go_on(
	struct pm_pins_job *j, double seconds, struct pm_error *err)
{
	bool done = false;
	switch ((enum phase)j->phase) {
	case PHASE_TENANTS:
		PM_TRY(pm_tenants_step(j->tenants, seconds, &done, err));
		j->phase += done;
		break;
	case PHASE_PATHS:
		PM_TRY(pm_population_step(j->population, seconds, &done, err));
		j->phase += done;
		break;
	case PHASE_COUNT:
		if (!j->lots)
			return begin_count(j, err);
		each_lot(j, seconds, count_lot);
		break;
	case PHASE_UNITS:
		PM_TRY(find_all_units(j, err));
		j->phase++;
		break;
	case PHASE_SIGN:
		each_lot(j, seconds, sign_lot);
		break;
	case PHASE_NOW:
		if (!j->search)
			PM_TRY(pm_pins_choose(j, err));
		PM_TRY(look(j, seconds, &j->before, err));
		j->phase += j->before != NULL;
		break;
	case PHASE_PLANS:
		return try_plans(j, seconds, err);
	case PHASE_DONE:
		break;
	}
	return PM_OK;
}

enum pm_status pm_pins_step(struct pm_pins_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	for (double left = seconds; j->phase != PHASE_DONE && left > 0;
		left = end - pm_now())
		PM_TRY(go_on(j, left, err));
	j->r.unreadable = pm_tenants_unreadable(j->tenants);
	j->r.inconsistent = pm_tenants_inconsistent(j->tenants);
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

const char *pm_pins_progress(const struct pm_pins_job *j)
{
	static const char *const texts[] = {
		[PHASE_TENANTS] = "reading pools",
		[PHASE_PATHS] = "following references",
		[PHASE_COUNT] = "looking for what pins arenas",
		[PHASE_UNITS] = "looking for what pins arenas",
		[PHASE_SIGN] = "looking for what pins arenas",
		[PHASE_NOW] = "looking for what pins arenas",
		[PHASE_PLANS] = "trying what would go back",
		[PHASE_DONE] = "",
	};
	return texts[j->phase];
}

struct pm_pins *pm_pins_result(struct pm_pins_job *j)
{
	return &j->r;
}
