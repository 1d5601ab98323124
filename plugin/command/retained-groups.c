/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/retained-groups.h"
#include "command/graphing.h"
#include "graph/groups.h"
#include "heap/team.h"
#include "object/class.h"

#include <string.h>

enum way { BY_TYPE, BY_MODULE, BY_CLASS };

struct group {
	char *name;
	uint64_t types; /* whose objects are in it */
};

struct pm_retained_groups {
	enum way way;
	PM_VEC(struct group) groups;
	struct pm_map by_name;	/* hash of a name -> group, plus 1 */
	PM_VEC(uint32_t) begin; /* by type id: its first group in list */
	PM_VEC(uint32_t) list;
	struct pm_group_sums *sums;
};

void pm_retained_groups_destroy(struct pm_retained_groups *s)
{
	if (!s)
		return;
	pm_vec_each (g, &s->groups)
		free(g->name);
	pm_vec_deinit(&s->groups);
	pm_map_deinit(&s->by_name);
	pm_vec_deinit(&s->begin);
	pm_vec_deinit(&s->list);
	pm_group_sums_destroy(s->sums);
	free(s);
}

static void cleanup_groups(struct pm_retained_groups **s)
{
	pm_retained_groups_destroy(*s);
}

static enum pm_status out_of_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

/* ---- which type is in which groups ---- */

/* The next keys are tried where two names have one hash. */
static enum pm_status find_group(struct pm_retained_groups *s, const char *name,
	uint32_t *ret, struct pm_error *err)
{
	for (uint64_t key = pm_hash_text(PM_HASH_BEGIN, name) | 1;; key += 2) {
		bool added;
		struct pm_map_slot *slot = pm_map_put(&s->by_name, key, &added);
		if (!slot)
			return out_of_memory(err);
		if (added) {
			struct group g = {.name = strdup(name)};
			if (!g.name || !pm_vec_push(&s->groups, g)) {
				free(g.name);
				return out_of_memory(err);
			}
			slot->value = s->groups.len;
		}
		*ret = (uint32_t)slot->value - 1;
		if (!strcmp(s->groups.data[*ret].name, name))
			return PM_OK;
	}
}

/* Puts the type last in s->begin into a group, unless it is there: a class may
   have a base of its own name. */
static enum pm_status put_into(
	struct pm_retained_groups *s, const char *name, struct pm_error *err)
{
	uint32_t group = 0;
	PM_TRY(find_group(s, name, &group, err));
	for (size_t i = s->begin.data[s->begin.len - 1]; i < s->list.len; i++)
		if (s->list.data[i] == group)
			return PM_OK;
	if (!pm_vec_push(&s->list, group))
		return out_of_memory(err);
	s->groups.data[group].types++;
	return PM_OK;
}

/* All classes are derived from object: that is no group. */
static enum pm_status put_bases(struct pm_retained_groups *s, struct pm_heap *h,
	const struct pm_type *t, struct pm_error *err)
{
	pm_addr base;
	for (uint64_t i = 0; (base = pm_class_mro(&h->objects, t, i)); i++) {
		const struct pm_type *b = pm_types_get(h->types, base);
		if (!b)
			return out_of_memory(err);
		if (b->is_type && (b->heap || b->base))
			PM_TRY(put_into(s, b->name, err));
	}
	return PM_OK;
}

static enum pm_status put_type(struct pm_retained_groups *s, struct pm_run *r,
	const struct pm_type *t, struct pm_error *err)
{
	struct pm_heap *h = r->session->heap;
	pm_auto_strbuf name = {0};
	if (!pm_type_matches(t->name, pm_run_text(r, "type", "*")))
		return PM_OK;
	switch (s->way) {
	case BY_CLASS:
		PM_TRY(put_into(s, t->name, err));
		return put_bases(s, h, t, err);
	case BY_MODULE:
		pm_class_module(&h->objects, t, &name);
		return put_into(s, pm_strbuf_text(&name), err);
	case BY_TYPE:
		break;
	}
	return put_into(s, t->name, err);
}

enum pm_status pm_retained_groups_create(struct pm_run *r, const char *way,
	struct pm_retained_groups **ret, struct pm_error *err)
{
	struct pm_heap *h = r->session->heap;
	const struct pm_graph *g = r->session->graph;
	uint32_t n = pm_types_count(h->types);
	PM_CLEANUP(cleanup_groups)
	struct pm_retained_groups *s = calloc(1, sizeof *s);
	if (!s)
		return out_of_memory(err);
	s->way = !strcmp(way, "module")	 ? BY_MODULE
		 : !strcmp(way, "class") ? BY_CLASS
					 : BY_TYPE;
	for (uint32_t i = 0; i < n; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		if (!pm_vec_push(&s->begin, (uint32_t)s->list.len))
			return out_of_memory(err);
		if (t && i < h->nstats && h->stats[i].count)
			PM_TRY(put_type(s, r, t, err));
	}
	if (!pm_vec_push(&s->begin, (uint32_t)s->list.len))
		return out_of_memory(err);
	const struct pm_group_map map = {
		s->begin.data, s->list.data, n, (uint32_t)s->groups.len};
	PM_TRY(pm_group_sums_create(g, g->n, &map, &s->sums, err));
	*ret = pm_take(s);
	return PM_OK;
}

enum pm_status pm_retained_groups_step(
	struct pm_retained_groups *s, bool *ret_done, struct pm_error *err)
{
	return pm_group_sums_step(s->sums, PM_STEP_SECONDS, ret_done, err);
}

/* ---- what is shown ---- */

struct row {
	const struct group *group;
	const struct pm_group_sum *sum;
};

static int by_retained(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->sum->retained != y->sum->retained)
		return x->sum->retained < y->sum->retained ? 1 : -1;
	return strcmp(x->group->name, y->group->name);
}

static void begin_table(
	const struct pm_retained_groups *s, struct pm_run *r, bool guesses)
{
	const char *const keys[] = {"type", "module", "class"};
	const char *const titles[] = {"TYPE", "MODULE", "CLASS"};
	bool classes = s->way == BY_CLASS;
	const struct pm_column columns[] = {
		{"retained", "RETAINED", PM_CELL_SIZE},
		{NULL, "%", PM_CELL_PERCENT},
		{"guessed", guesses ? "A GUESS" : NULL, PM_CELL_SIZE},
		{"count", "COUNT", PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_SIZE},
		{classes ? "classes" : NULL, classes ? "CLASSES" : NULL,
			PM_CELL_COUNT},
		{"example", "BIGGEST", PM_CELL_ADDR},
		{keys[s->way], titles[s->way], PM_CELL_TEXT},
	};
	pm_emit_table(r->emit, "rows", columns, 8, r->top);
}

enum pm_status pm_retained_groups_show(const struct pm_retained_groups *s,
	struct pm_run *r, struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	const struct pm_group_sum *sums = pm_group_sums_result(s->sums);
	uint64_t all = g->dominators->bytes;
	size_t n = s->groups.len;
	pm_auto_free struct row *rows = malloc((n + 1) * sizeof *rows);
	if (!rows)
		return out_of_memory(err);
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct row){&s->groups.data[i], &sums[i]};
	qsort(rows, n, sizeof *rows, by_retained);
	begin_table(s, r, g->dominators->guessed_objects != 0);
	for (size_t i = 0; i < n; i++) {
		const struct pm_group_sum *x = rows[i].sum;
		bool none = x->example == PM_NO_NODE;
		if (!x->objects)
			continue;
		const struct pm_cell cells[] = {
			{.u = x->retained},
			{.d = all ? 100.0 * (double)x->retained / (double)all
				  : 0},
			{.u = x->guessed},
			{.u = x->objects},
			{.u = x->size},
			{.u = rows[i].group->types},
			{.u = none ? 0 : g->addr[x->example], .absent = none},
			{.text = rows[i].group->name},
		};
		pm_emit_row(r->emit, cells, none ? 0 : g->addr[x->example]);
	}
	pm_emit_table_end(r->emit);
	return PM_OK;
}
