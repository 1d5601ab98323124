/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/groups.h"
#include "heap/team.h"

#define STEPS_AT_ONCE 4096

/* A node whose children in the tree are looked at. */
struct level {
	uint32_t node, at;
};

struct pm_group_sums {
	const struct pm_graph *g;
	struct pm_group_map map; /* of the next two */
	uint32_t *begin, *list;
	uint32_t top;
	struct pm_group_sum *sums;
	uint32_t *open; /* by group: how many of it are above */
	PM_VEC(struct level) stack;
	bool begun;
};

void pm_group_sums_destroy(struct pm_group_sums *j)
{
	if (!j)
		return;
	free(j->begin);
	free(j->list);
	free(j->sums);
	free(j->open);
	pm_vec_deinit(&j->stack);
	free(j);
}

static void cleanup_sums(struct pm_group_sums **j)
{
	pm_group_sums_destroy(*j);
}

static uint32_t *copy_of(const uint32_t *from, size_t n)
{
	uint32_t *copy = malloc((n + 1) * sizeof *copy);
	for (size_t i = 0; copy && i < n; i++)
		copy[i] = from[i];
	return copy;
}

enum pm_status pm_group_sums_create(const struct pm_graph *g, uint32_t top,
	const struct pm_group_map *map, struct pm_group_sums **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_sums) struct pm_group_sums *j = calloc(1, sizeof *j);
	uint32_t n = map->ngroups;
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->top = top;
	if (map->begin)
		j->begin = copy_of(map->begin, (size_t)map->ntypes + 1);
	j->list = copy_of(
		map->list, map->begin ? map->begin[map->ntypes] : map->ntypes);
	j->sums = calloc((size_t)n + 1, sizeof *j->sums);
	j->open = calloc((size_t)n + 1, sizeof *j->open);
	if ((map->begin && !j->begin) || !j->list || !j->sums || !j->open)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->map = (struct pm_group_map){j->begin, j->list, map->ntypes, n};
	for (uint32_t i = 0; i < n; i++)
		j->sums[i].example = PM_NO_NODE;
	*ret = pm_take(j);
	return PM_OK;
}

/* How many groups the node is in; *ret is the first of them. */
static uint32_t groups_of(
	const struct pm_group_sums *j, uint32_t node, const uint32_t **ret)
{
	uint32_t type = node < j->g->n ? j->g->type[node] : PM_NO_NODE;
	if (type >= j->map.ntypes)
		return 0;
	*ret = &j->list[j->begin ? j->begin[type] : type];
	return j->begin ? j->begin[type + 1] - j->begin[type]
			: **ret < j->map.ngroups;
}

static void count(struct pm_group_sums *j, uint32_t group, uint32_t node)
{
	const struct pm_dominators *d = j->g->dominators;
	struct pm_group_sum *s = &j->sums[group];
	s->objects++;
	s->size += pm_graph_size(j->g, node);
	if (j->open[group]++)
		return;
	s->retained += d->retained[node];
	s->guessed += pm_is_guessed(d, node) ? d->retained[node] : 0;
	if (d->retained[node] > s->example_retained) {
		s->example_retained = d->retained[node];
		s->example = node;
	}
}

static bool enter(struct pm_group_sums *j, uint32_t node)
{
	const uint32_t *groups = NULL;
	uint32_t n = groups_of(j, node, &groups);
	for (uint32_t i = 0; i < n; i++)
		count(j, groups[i], node);
	return pm_vec_push(
		&j->stack, (struct level){node, j->g->dominators->begin[node]});
}

/* true: there is more to do; false in *ret_ok: out of memory. */
static bool advance(struct pm_group_sums *j, bool *ret_ok)
{
	const struct pm_dominators *d = j->g->dominators;
	if (!j->stack.len)
		return false;
	struct level *top = &j->stack.data[j->stack.len - 1];
	if (top->at < d->begin[top->node + 1]) {
		uint32_t below = d->below[top->at++];
		*ret_ok = enter(j, below); /* moves the stack */
		return *ret_ok;
	}
	const uint32_t *groups = NULL;
	uint32_t n = top->node == j->top ? 0 : groups_of(j, top->node, &groups);
	for (uint32_t i = 0; i < n; i++)
		j->open[groups[i]]--;
	j->stack.len--;
	return true;
}

enum pm_status pm_group_sums_step(struct pm_group_sums *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	bool ok = true, more = true;
	if (!j->begun) {
		j->begun = true;
		ok = pm_vec_push(
			&j->stack, (struct level){j->top,
					   j->g->dominators->begin[j->top]});
	}
	while (ok && more && pm_now() < deadline)
		for (int i = 0; ok && more && i < STEPS_AT_ONCE; i++)
			more = advance(j, &ok);
	if (!ok)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret_done = !more;
	return PM_OK;
}

const struct pm_group_sum *pm_group_sums_result(const struct pm_group_sums *j)
{
	return j->sums;
}
