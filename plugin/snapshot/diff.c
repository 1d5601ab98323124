/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot/diff.h"
#include "base/clock.h"
#include "base/map.h"

#include <string.h>

#define AT_ONCE 8192 /* objects between two looks at the clock */
#define NONE UINT32_MAX

/* One snapshot, and what its numbers are in the comparison. */
struct side {
	const struct pm_snapshot *s;
	struct pm_snapshot_cursor at;
	uint32_t *type;	 /* by shape: a number that all sides share */
	uint32_t *row;	 /* by shape; NONE: not looked at */
	uint64_t *count; /* by shape: objects seen */
};

struct pm_diff_job {
	struct side sides[PM_DIFF_MAX];
	struct pm_diff result;
	struct pm_diff_options o;
	struct pm_map rows, types; /* by hash: number, plus 1 */
	PM_VEC(const struct pm_snapshot_type *) all_types;
	uint64_t seen, total;
	bool done;
};

static void cleanup_job(struct pm_diff_job **j)
{
	pm_diff_destroy(*j);
}

void pm_diff_destroy(struct pm_diff_job *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < PM_DIFF_MAX; i++) {
		pm_snapshot_cursor_deinit(&j->sides[i].at);
		free(j->sides[i].type);
		free(j->sides[i].row);
		free(j->sides[i].count);
	}
	pm_map_deinit(&j->rows);
	pm_map_deinit(&j->types);
	pm_vec_deinit(&j->all_types);
	pm_vec_deinit(&j->result.rows);
	pm_vec_deinit(&j->result.born);
	free(j);
}

static enum pm_status no_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

/* ---- numbers that all sides share ---- */

/* A type is the same if it has the same name at the same address. */
static enum pm_status type_number(struct pm_diff_job *j,
	const struct pm_snapshot_type *t, uint32_t *ret, struct pm_error *err)
{
	for (uint64_t h = pm_hash_text(t->addr, t->name) | 1;; h += 2) {
		struct pm_map_slot *slot = pm_map_put(&j->types, h, NULL);
		if (!slot)
			return no_memory(err);
		if (!slot->value) {
			if (!pm_vec_push(&j->all_types, t))
				return no_memory(err);
			slot->value = j->all_types.len;
		}
		const struct pm_snapshot_type *u =
			j->all_types.data[slot->value - 1];
		if (u->addr != t->addr || strcmp(u->name, t->name))
			continue; /* another one of this hash */
		*ret = (uint32_t)slot->value - 1;
		return PM_OK;
	}
}

static enum pm_status row_number(struct pm_diff_job *j, const char *name,
	uint32_t *ret, struct pm_error *err)
{
	for (uint64_t h = pm_hash_text(PM_HASH_BEGIN, name) | 1;; h += 2) {
		struct pm_map_slot *slot = pm_map_put(&j->rows, h, NULL);
		if (!slot)
			return no_memory(err);
		if (!slot->value) {
			if (!pm_vec_push(&j->result.rows,
				    (struct pm_diff_row){.name = name}))
				return no_memory(err);
			slot->value = j->result.rows.len;
		}
		if (strcmp(j->result.rows.data[slot->value - 1].name, name))
			continue; /* another one of this hash */
		*ret = (uint32_t)slot->value - 1;
		return PM_OK;
	}
}

static const char *name_of(const struct pm_diff_job *j,
	const struct pm_snapshot *s, const struct pm_snapshot_shape *shape)
{
	const struct pm_snapshot_type *t = &s->types.data[shape->type];
	if (j->o.by == PM_DIFF_MODULE)
		return t->module;
	if (j->o.by == PM_DIFF_OWNER && shape->owner)
		return s->owners.data[shape->owner - 1];
	return t->name;
}

static enum pm_status number_shapes(
	struct pm_diff_job *j, struct side *side, struct pm_error *err)
{
	const struct pm_snapshot *s = side->s;
	size_t n = s->shapes.len;
	side->type = malloc((n + 1) * sizeof *side->type);
	side->row = malloc((n + 1) * sizeof *side->row);
	side->count = calloc(n + 1, sizeof *side->count);
	if (!side->type || !side->row || !side->count)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		const struct pm_snapshot_shape *shape = &s->shapes.data[i];
		const struct pm_snapshot_type *t = &s->types.data[shape->type];
		side->row[i] = NONE;
		PM_TRY(type_number(j, t, &side->type[i], err));
		if (!j->o.wants || j->o.wants(j->o.arg, t->name))
			PM_TRY(row_number(
				j, name_of(j, s, shape), &side->row[i], err));
	}
	return PM_OK;
}

static enum pm_status begin_side(
	struct pm_diff_job *j, size_t i, struct pm_error *err)
{
	struct side *side = &j->sides[i];
	const struct pm_snapshot *s = side->s;
	if (j->o.by == PM_DIFF_OWNER && !s->facts.has_owners)
		return pm_fail(err, PM_ABSENT, 0,
			"%.300s has no owners in it: save it with -owners",
			pm_container_name(s->c));
	if (i && pm_snapshot_same_process(j->sides[0].s, s) != PM_SAME_YES)
		j->result.identity = false;
	j->total += s->facts.inside + s->facts.outside;
	PM_TRY(number_shapes(j, side, err));
	return pm_snapshot_cursor_init(&side->at, s, err);
}

enum pm_status pm_diff_create(const struct pm_snapshot *const *all, size_t n,
	const struct pm_diff_options *o, struct pm_diff_job **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_diff_job *j = calloc(1, sizeof *j);
	if (!j)
		return no_memory(err);
	j->o = *o;
	j->result.n = n;
	j->result.identity = true;
	for (size_t i = 0; i < n; i++) {
		j->sides[i].s = all[i];
		PM_TRY(begin_side(j, i, err));
	}
	*ret = pm_take(j);
	return PM_OK;
}

/* ---- object by object ---- */

static void add(struct pm_diff_sum *sum, const struct pm_snapshot_shape *shape,
	uint64_t count)
{
	sum->count += count;
	sum->size += count * shape->size;
	sum->alloc += count * shape->alloc;
}

static inline const struct pm_snapshot_shape *shape_at(const struct side *x)
{
	return &x->s->shapes.data[x->at.shape];
}

/* Both are at the address at hand: is it one object? */
static inline bool same(const struct side *a, const struct side *b)
{
	return a->type[a->at.shape] == b->type[b->at.shape] &&
	       a->at.print == b->at.print;
}

/* By what one grew: in bytes, also in those that it had set aside before and
   filled since. */
#define BYTES_OF_ITEM 8
static uint64_t growth(const struct pm_diff_object *o)
{
	uint64_t by = o->size > o->size_before ? o->size - o->size_before : 0;
	if (o->length_before && o->length > o->length_before)
		by += (o->length - o->length_before) * BYTES_OF_ITEM;
	return by;
}

static const char *path_of(const struct side *x)
{
	return x->at.path ? x->s->paths.data[x->at.path - 1] : NULL;
}

/* Those that grew most, in order. */
static void note_growth(
	struct pm_diff *d, const struct side *first, const struct side *last)
{
	const struct pm_snapshot_shape *a = shape_at(first),
				       *b = shape_at(last);
	if (b->size <= a->size && b->length <= a->length)
		return; /* nearly all */
	const struct pm_diff_object one = {
		.addr = last->at.addr,
		.index = last->at.index,
		.type = last->s->types.data[b->type].name,
		.path = path_of(last),
		.size = b->size,
		.alloc = b->alloc,
		.length = b->length,
		.size_before = a->size,
		.alloc_before = a->alloc,
		.length_before = a->length,
	};
	uint64_t by = growth(&one);
	if (!by || last->row[last->at.shape] == NONE)
		return;
	unsigned i = d->ngrown;
	d->grew++;
	if (i < PM_DIFF_GROWN_MAX)
		d->ngrown++;
	else if (by <= growth(&d->grown[--i]))
		return;
	for (; i && growth(&d->grown[i - 1]) < by; i--)
		d->grown[i] = d->grown[i - 1];
	d->grown[i] = one;
}

static enum pm_status note_birth(
	struct pm_diff_job *j, const struct side *x, struct pm_error *err)
{
	const struct pm_snapshot_shape *shape = shape_at(x);
	uint32_t row = x->row[x->at.shape];
	if (row == NONE)
		return PM_OK;
	struct pm_diff_row *r = &j->result.rows.data[row];
	add(&r->born, shape, 1);
	if (!r->example)
		r->example = x->at.addr;
	if (j->result.born.len < j->o.born &&
		!pm_vec_push(&j->result.born,
			(struct pm_diff_object){.addr = x->at.addr,
				.index = x->at.index,
				.path = path_of(x),
				.type = x->s->types.data[shape->type].name,
				.size = shape->size,
				.alloc = shape->alloc}))
		return no_memory(err);
	return PM_OK;
}

/* here: who is at the address at hand; the fates of what is there. */
static enum pm_status compare(struct pm_diff_job *j,
	const bool here[PM_DIFF_MAX], struct pm_error *err)
{
	size_t n = j->result.n;
	const struct side *first = &j->sides[0], *last = &j->sides[n - 1];
	bool survived = here[0] && here[n - 1] && same(first, last);
	if (survived) {
		j->result.survived += last->row[last->at.shape] != NONE;
		note_growth(&j->result, first, last);
		return PM_OK;
	}
	if (here[0] && first->row[first->at.shape] != NONE)
		add(&j->result.rows.data[first->row[first->at.shape]].gone,
			shape_at(first), 1);
	if (!here[n - 1] || (n == 3 && !(here[1] && same(&j->sides[1], last))))
		return PM_OK;
	return note_birth(j, last, err);
}

static inline bool is_before(
	const struct pm_snapshot_cursor *a, const struct pm_snapshot_cursor *b)
{
	return a->is_outside != b->is_outside ? b->is_outside
					      : a->addr < b->addr;
}

/* The next address that any side has an object at; false: there is none. */
static inline bool find_next(
	const struct pm_diff_job *j, bool here[PM_DIFF_MAX])
{
	const struct pm_snapshot_cursor *least = NULL;
	for (size_t i = 0; i < j->result.n; i++) {
		const struct pm_snapshot_cursor *c = &j->sides[i].at;
		if (!c->at_end && (!least || is_before(c, least)))
			least = c;
	}
	for (size_t i = 0; i < j->result.n && least; i++) {
		const struct pm_snapshot_cursor *c = &j->sides[i].at;
		here[i] = !c->at_end && c->addr == least->addr &&
			  c->is_outside == least->is_outside;
	}
	return least != NULL;
}

static enum pm_status work(
	struct pm_diff_job *j, bool *ret_end, struct pm_error *err)
{
	bool here[PM_DIFF_MAX] = {false};
	for (unsigned k = 0; k < AT_ONCE; k++) {
		if (!find_next(j, here)) {
			*ret_end = true;
			return PM_OK;
		}
		if (j->result.identity)
			PM_TRY(compare(j, here, err));
		for (size_t i = 0; i < j->result.n; i++) {
			struct side *x = &j->sides[i];
			if (!here[i])
				continue;
			x->count[x->at.shape]++;
			j->seen++;
			PM_TRY(pm_snapshot_cursor_next(&x->at, err));
		}
	}
	return PM_OK;
}

/* ---- the end ---- */

static void add_sum(struct pm_diff_sum *to, const struct pm_diff_sum *x)
{
	to->count += x->count;
	to->size += x->size;
	to->alloc += x->alloc;
}

static void finish(struct pm_diff_job *j)
{
	struct pm_diff *d = &j->result;
	for (size_t i = 0; i < d->n; i++) {
		const struct side *x = &j->sides[i];
		for (size_t k = 0; k < x->s->shapes.len; k++)
			if (x->row[k] != NONE)
				add(&d->rows.data[x->row[k]].at[i],
					&x->s->shapes.data[k], x->count[k]);
	}
	pm_vec_each (r, &d->rows) {
		for (size_t i = 0; i < d->n; i++)
			add_sum(&d->total.at[i], &r->at[i]);
		add_sum(&d->total.born, &r->born);
		add_sum(&d->total.gone, &r->gone);
	}
	j->done = true;
}

enum pm_status pm_diff_step(struct pm_diff_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double stop = pm_now() + seconds;
	bool end = j->done;
	while (!end && pm_now() < stop)
		PM_TRY(work(j, &end, err));
	if (end && !j->done)
		finish(j);
	*ret_done = j->done;
	return PM_OK;
}

void pm_diff_progress(
	const struct pm_diff_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = j->seen;
	*ret_total = j->total;
}

struct pm_diff *pm_diff_result(struct pm_diff_job *j)
{
	return &j->result;
}
