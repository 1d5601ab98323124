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
	uint32_t *group_of;
	uint32_t ntypes, ngroups;
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
	free(j->group_of);
	free(j->sums);
	free(j->open);
	pm_vec_deinit(&j->stack);
	free(j);
}

static void cleanup_sums(struct pm_group_sums **j)
{
	pm_group_sums_destroy(*j);
}

enum pm_status pm_group_sums_create(const struct pm_graph *g, uint32_t top,
	const uint32_t *group_of, uint32_t ntypes, uint32_t ngroups,
	struct pm_group_sums **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_sums) struct pm_group_sums *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->top = top;
	j->ntypes = ntypes;
	j->ngroups = ngroups;
	j->group_of = malloc((ntypes + 1) * sizeof *j->group_of);
	j->sums = calloc(ngroups + 1, sizeof *j->sums);
	j->open = calloc(ngroups + 1, sizeof *j->open);
	if (!j->group_of || !j->sums || !j->open)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < ntypes; i++)
		j->group_of[i] = group_of[i];
	for (uint32_t i = 0; i < ngroups; i++)
		j->sums[i].example = PM_NO_NODE;
	*ret = pm_take(j);
	return PM_OK;
}

static uint32_t group_at(const struct pm_group_sums *j, uint32_t node)
{
	uint32_t type = node < j->g->n ? j->g->type[node] : PM_NO_NODE;
	return type < j->ntypes ? j->group_of[type] : PM_NO_NODE;
}

static bool enter(struct pm_group_sums *j, uint32_t node)
{
	const struct pm_dominators *d = j->g->dominators;
	uint32_t group = group_at(j, node);
	if (group < j->ngroups) {
		struct pm_group_sum *s = &j->sums[group];
		s->objects++;
		s->size += pm_graph_size(j->g, node);
		if (!j->open[group]++) {
			s->retained += d->retained[node];
			if (d->retained[node] > s->example_retained) {
				s->example_retained = d->retained[node];
				s->example = node;
			}
		}
	}
	return pm_vec_push(&j->stack, (struct level){node, d->begin[node]});
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
	uint32_t group = group_at(j, top->node);
	if (group < j->ngroups && top->node != j->top)
		j->open[group]--;
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
