/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/without.h"
#include "heap/team.h"

#define STEPS_AT_ONCE 4096

struct pm_without {
	const struct pm_graph *g;
	const uint64_t *gone;
	uint64_t *reached;
	uint32_t *queue, len, at;
	uint32_t edge; /* of queue[at], that is next */
};

void pm_without_destroy(struct pm_without *j)
{
	if (!j)
		return;
	free(j->reached);
	free(j->queue);
	free(j);
}

static void cleanup_job(struct pm_without **j)
{
	pm_without_destroy(*j);
}

static void reach(struct pm_without *j, uint32_t node)
{
	uint64_t mask = UINT64_C(1) << node % 64;
	if (j->reached[node / 64] & mask)
		return;
	if (j->gone && j->gone[node / 64] & mask &&
		!pm_graph_is_immortal(j->g, node))
		return;
	j->reached[node / 64] |= mask;
	j->queue[j->len++] = node;
}

enum pm_status pm_without_create(const struct pm_graph *g, const uint64_t *gone,
	struct pm_without **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_without *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->gone = gone;
	j->reached = calloc((size_t)g->n / 64 + 1, sizeof *j->reached);
	j->queue = malloc(((size_t)g->n + 1) * sizeof *j->queue);
	if (!j->reached || !j->queue)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	/* Being interned keeps nothing alive, unless it is immortal as well. */
	pm_vec_each (r, &g->roots)
		if (r->root.kind != PM_ROOT_INTERNED || r->root.counted)
			reach(j, r->node);
	*ret = pm_take(j);
	return PM_OK;
}

static void search(struct pm_without *j)
{
	const struct pm_graph *g = j->g;
	for (uint32_t n = 0; n < STEPS_AT_ONCE && j->at < j->len; n++) {
		uint32_t node = j->queue[j->at];
		uint32_t i = g->out_begin[node] + j->edge;
		uint32_t end = g->out_begin[node + 1];
		for (; i < end && n < STEPS_AT_ONCE; i++, n++)
			reach(j, pm_edge_node(g->out[i]));
		j->edge = i < end ? i - g->out_begin[node] : 0;
		j->at += i == end;
	}
}

enum pm_status pm_without_step(struct pm_without *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	(void)err;
	while (j->at < j->len && pm_now() < end)
		search(j);
	*ret_done = j->at == j->len;
	return PM_OK;
}

uint64_t *pm_without_take(struct pm_without *j)
{
	return pm_take(j->reached);
}
