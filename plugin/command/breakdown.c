/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/breakdown.h"
#include "command/walking.h"
#include "heap/footprint.h"
#include "heap/roles.h"
#include "heap/scan.h"
#include "heap/team.h"
#include "object/details.h"
#include "object/class.h"

#include <inttypes.h>
#include <string.h>

#define MAX_LIST (UINT64_C(1) << 32)

/* Of owners: first the roles, then the count. */
enum phase { PHASE_OWNERS, PHASE_COUNT, PHASE_DONE };

struct pm_breakdown {
	struct pm_heap *h;
	enum pm_breakdown_by by;
	const char *glob;
	enum phase phase;
	struct pm_scan *job;
	struct pm_object x; /* under way */
	PM_VEC(struct pm_breakdown_row) rows;
	struct pm_strbuf names;
	struct pm_map by_name; /* hash of a name: row, plus 1 */
	struct pm_map buffers; /* that were counted, outside the pools */
	struct pm_strbuf text; /* a name under way */
	/* Owners. */
	struct pm_roles *roles;
	struct pm_map row_of; /* of a type and a role: row, plus 1 */
	/* Generations. */
	struct pm_gc_heads heads;
	unsigned head;
	pm_addr at;
	uint64_t seen;
	uint64_t unreadable;
	bool no_memory;
};

void pm_breakdown_destroy(struct pm_breakdown *b)
{
	if (!b)
		return;
	pm_scan_destroy(b->job);
	pm_roles_destroy(b->roles);
	pm_vec_deinit(&b->rows);
	pm_strbuf_deinit(&b->names);
	pm_map_deinit(&b->by_name);
	pm_map_deinit(&b->buffers);
	pm_strbuf_deinit(&b->text);
	pm_map_deinit(&b->row_of);
	free(b);
}

/* ---- rows ---- */

static size_t keep_name(struct pm_breakdown *b, const char *name)
{
	size_t at = b->names.len;
	pm_strbuf_append(&b->names, name, strlen(name) + 1);
	b->no_memory |= b->names.failed;
	return at;
}

/* The row of that name: its index, plus 1; 0: out of memory. */
static size_t row_named(
	struct pm_breakdown *b, const char *name, uint64_t order)
{
	for (uint64_t h = pm_hash_text(PM_HASH_BEGIN, name) | 1;; h += 2) {
		struct pm_map_slot *s = pm_map_put(&b->by_name, h, NULL);
		if (!s) {
			b->no_memory = true;
			return 0;
		}
		if (s->value && strcmp(pm_strbuf_text(&b->names) +
						b->rows.data[s->value - 1].name,
					name) != 0)
			continue; /* another name of this hash */
		if (s->value)
			return s->value;
		size_t at = keep_name(b, name);
		if (b->no_memory ||
			!pm_vec_push(
				&b->rows, (struct pm_breakdown_row){.name = at,
						  .order = order})) {
			b->no_memory = true;
			return 0;
		}
		s->value = b->rows.len;
		return s->value;
	}
}

static void add_stats(
	struct pm_breakdown *b, size_t row, const struct pm_type_stats *s)
{
	if (!row)
		return;
	struct pm_type_stats *t = &b->rows.data[row - 1].s;
	t->count += s->count;
	t->size += s->size;
	t->alloc += s->alloc;
}

static void add_object(
	struct pm_breakdown *b, size_t row, const struct pm_object *x)
{
	struct pm_measure m = {0};
	struct pm_footprint f = {0};
	enum pm_status s = pm_object_measure(&b->h->objects, x, &m);
	if (s != PM_OK)
		b->unreadable++;
	/* One table, several owners: the walk credits the first, too. */
	for (unsigned i = 0; i < m.nbuffers; i++) {
		bool added = false;
		if (m.buffers[i].shared ||
			pm_pools_find(b->h->pools, m.buffers[i].addr) >= 0)
			continue;
		if (!pm_map_put(&b->buffers, m.buffers[i].addr, &added))
			b->no_memory = true;
		m.buffers[i].shared = !added;
	}
	if (s != PM_CORRUPT)
		pm_footprint(b->h, x, &m, &f);
	struct pm_type_stats one = {
		.count = 1, .size = m.size, .alloc = f.alloc};
	add_stats(b, row, &one);
}

/* ---- by module ---- */

static void by_module(struct pm_breakdown *b)
{
	struct pm_heap *h = b->h;
	for (uint32_t i = 0; i < h->nstats; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		if (!t || !h->stats[i].count ||
			(b->glob && !pm_type_matches(t->name, b->glob)))
			continue;
		pm_strbuf_reset(&b->text);
		pm_class_module(&h->objects, t, &b->text);
		add_stats(b, row_named(b, pm_strbuf_text(&b->text), 0),
			&h->stats[i]);
	}
}

/* ---- by size class ---- */

static size_t class_row(struct pm_breakdown *b, const struct pm_object *x)
{
	const struct pm_pools *p = b->h->pools;
	int64_t pool = pm_pools_find(p, x->addr);
	char name[40];
	if (pool < 0)
		return b->h->modules && pm_modules_at(b->h->modules, x->addr)
			       ? row_named(b, "static", UINT64_MAX)
			       : row_named(b, "larger", UINT64_MAX - 1);
	uint32_t size = pm_pools_class_size(p, p->pools[pool].szidx);
	snprintf(name, sizeof name, "%" PRIu32, size);
	return row_named(b, name, size);
}

/* ---- by owner ---- */

static size_t owner_row(struct pm_breakdown *b, const struct pm_object *x)
{
	uint32_t role = pm_roles_of(b->roles, x->addr);
	struct pm_map_slot *s = pm_map_put(
		&b->row_of, ((uint64_t)x->type->id << 32 | role) + 1, NULL);
	if (!s) {
		b->no_memory = true;
		return 0;
	}
	if (s->value)
		return s->value;
	pm_strbuf_reset(&b->text);
	pm_roles_owner(b->roles, x->type, role, &b->text);
	s->value = row_named(b, pm_strbuf_text(&b->text), 0);
	return s->value;
}

/* ---- passes over all objects ---- */

static bool wants(void *arg, const struct pm_type *t)
{
	const struct pm_breakdown *b = arg;
	return !b->glob || pm_type_matches(t->name, b->glob);
}

static bool found(void *arg, unsigned who, const struct pm_scanned *s)
{
	struct pm_breakdown *b = arg;
	struct pm_object *x = &b->x;
	(void)who; /* there is one only */
	pm_scan_load(b->job, s, x);
	add_object(
		b, b->by == PM_BY_OWNER ? owner_row(b, x) : class_row(b, x), x);
	return !b->no_memory;
}

static enum pm_status begin_pass(struct pm_breakdown *b, struct pm_error *err)
{
	pm_scan_destroy(pm_take(b->job));
	return pm_scan_create(b->h, wants, 1, found, b, &b->job, err);
}

/* ---- by generation ---- */

static size_t generation_row(struct pm_breakdown *b, int generation)
{
	static const char *const names[] = {"0", "1", "2", "permanent"};
	return row_named(b, names[generation & 3], (uint64_t)generation);
}

/* What no list has: the rest of the types' totals. */
static void rest_row(struct pm_breakdown *b)
{
	struct pm_type_stats all = {0}, listed = {0}, rest;
	for (uint32_t i = 0; i < b->h->nstats; i++) {
		const struct pm_type *t = pm_types_by_id(b->h->types, i);
		if (!t || (b->glob && !pm_type_matches(t->name, b->glob)))
			continue;
		all.count += b->h->stats[i].count;
		all.size += b->h->stats[i].size;
		all.alloc += b->h->stats[i].alloc;
	}
	pm_vec_each (r, &b->rows) {
		listed.count += r->s.count;
		listed.size += r->s.size;
		listed.alloc += r->s.alloc;
	}
	if (all.count <= listed.count)
		return;
	rest = (struct pm_type_stats){.count = all.count - listed.count,
		.size = all.size > listed.size ? all.size - listed.size : 0,
		.alloc = all.alloc > listed.alloc ? all.alloc - listed.alloc
						  : 0};
	add_stats(b, row_named(b, "not tracked", 4), &rest);
}

static void next_list(struct pm_breakdown *b)
{
	const struct pm_layout *l = b->h->l;
	if (b->head == b->heads.n) {
		rest_row(b);
		b->phase = PHASE_DONE;
		return;
	}
	generation_row(b, b->heads.generation[b->head]);
	if (pm_layout_read(l, b->h->memory, b->heads.at[b->head],
		    l->f.gc_head.next, &b->at, NULL) != PM_OK)
		b->at = 0;
}

static void walk_lists(struct pm_breakdown *b, double end)
{
	const struct pm_layout *l = b->h->l;
	struct pm_object x;
	for (unsigned n = 1; b->phase != PHASE_DONE && !b->no_memory; n++) {
		if (n % 32 == 0 && pm_now() > end)
			return;
		pm_addr head = b->at & l->t.gc_next_mask;
		if (!head || head == b->heads.at[b->head] ||
			b->seen++ > MAX_LIST) {
			b->unreadable += !head;
			b->head++;
			next_list(b);
			continue;
		}
		if (pm_object_load(&b->h->objects, head + l->t.gc_head_size, &x,
			    NULL) != PM_OK)
			b->unreadable++;
		else if (!b->glob || pm_type_matches(x.type->name, b->glob))
			add_object(b,
				generation_row(b, b->heads.generation[b->head]),
				&x);
		if (pm_layout_read(l, b->h->memory, head, l->f.gc_head.next,
			    &b->at, NULL) != PM_OK)
			b->at = 0;
	}
}

/* ---- the job ---- */

static void cleanup_breakdown(struct pm_breakdown **b)
{
	pm_breakdown_destroy(*b);
}

static enum pm_status begin(struct pm_breakdown *b, struct pm_error *err)
{
	switch (b->by) {
	case PM_BY_MODULE:
		by_module(b);
		b->phase = PHASE_DONE;
		return PM_OK;
	case PM_BY_GENERATION:
		pm_gc_heads_find(&b->h->objects, &b->heads);
		if (!b->heads.n)
			return pm_fail(err, PM_ABSENT, 0,
				"the collector of this build has no "
				"generations");
		b->phase = PHASE_COUNT;
		next_list(b);
		return PM_OK;
	case PM_BY_SIZE_CLASS:
		b->phase = PHASE_COUNT;
		return begin_pass(b, err);
	case PM_BY_OWNER:
		b->phase = PHASE_OWNERS;
		return pm_roles_create(b->h, &b->roles, err);
	}
	return PM_OK;
}

enum pm_status pm_breakdown_create(struct pm_heap *h, enum pm_breakdown_by by,
	const char *glob, struct pm_breakdown **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_breakdown)
	struct pm_breakdown *b = calloc(1, sizeof *b);
	if (!b)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	b->h = h;
	b->by = by;
	b->glob = glob;
	PM_TRY(begin(b, err));
	*ret = pm_take(b);
	/* The pass calls back with the struct's own address. */
	return PM_OK;
}

enum pm_status pm_breakdown_step(struct pm_breakdown *b, double seconds,
	bool *ret_done, struct pm_error *err)
{
	bool done = false;
	if (b->phase != PHASE_DONE && b->by == PM_BY_GENERATION) {
		walk_lists(b, pm_now() + seconds);
	} else if (b->phase == PHASE_OWNERS) {
		PM_TRY(pm_roles_step(b->roles, seconds, &done, err));
		if (done) {
			b->unreadable += pm_roles_unreadable(b->roles);
			b->phase = PHASE_COUNT;
			PM_TRY(begin_pass(b, err));
		}
	} else if (b->phase != PHASE_DONE) {
		PM_TRY(pm_scan_step(b->job, seconds, &done, err));
		if (done) {
			b->unreadable += pm_scan_unreadable(b->job);
			b->phase = PHASE_DONE;
		}
	}
	if (b->no_memory)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret_done = b->phase == PHASE_DONE;
	return PM_OK;
}

void pm_breakdown_progress(
	const struct pm_breakdown *b, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = b->seen;
	*ret_total = 0;
	if (b->phase == PHASE_OWNERS)
		pm_roles_progress(b->roles, ret_done, ret_total);
	else if (b->job)
		pm_scan_progress(b->job, ret_done, ret_total);
}

struct pm_breakdown_row *pm_breakdown_rows(
	struct pm_breakdown *b, size_t *ret_n)
{
	*ret_n = b->rows.len;
	return b->rows.data;
}

const char *pm_breakdown_name(
	const struct pm_breakdown *b, const struct pm_breakdown_row *row)
{
	return pm_strbuf_text(&b->names) + row->name;
}

uint64_t pm_breakdown_unreadable(const struct pm_breakdown *b)
{
	return b->unreadable;
}
