/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/path.h"
#include "graph/root-nodes.h"
#include "heap/team.h"

#define STEPS_AT_ONCE 1024
/* How many steps longer a path may be whose root says more. */
#define PATIENCE 3

struct found {
	const struct pm_root *root;
	uint32_t node;
	size_t n; /* nodes from there to the target */
};

struct pm_path_job {
	const struct pm_graph *g;
	uint32_t target;
	size_t limit;
	pm_path_passes_fn *passes;
	void *arg;
	uint32_t *next; /* by node: toward the target, plus 1; 0: not seen */
	PM_VEC(uint32_t) queue;
	size_t at, level_end, level;
	/* The best so far; none of its level is better, nor any other root of
	   the next levels, which are waited for. */
	struct found best;
	unsigned patience;
	/* The first guess, for when there is nothing better. */
	struct found guess;
	struct pm_paths result;
	bool done;
};

void pm_path_destroy(struct pm_path_job *j)
{
	if (!j)
		return;
	pm_vec_each (p, &j->result.list)
		free(p->nodes);
	pm_vec_deinit(&j->result.list);
	pm_vec_deinit(&j->queue);
	free(j->next);
	free(j);
}

static void cleanup_job(struct pm_path_job **j)
{
	pm_path_destroy(*j);
}

enum pm_status pm_path_create(const struct pm_graph *g, uint32_t target,
	size_t limit, pm_path_passes_fn *passes, void *arg,
	struct pm_path_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_path_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->target = target;
	j->limit = limit;
	j->passes = passes;
	j->arg = arg;
	j->next = calloc((size_t)g->n + 1, sizeof *j->next);
	if (!j->next || !pm_vec_push(&j->queue, target))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->next[target] = target + 1;
	j->level_end = 1;
	*ret = pm_take(j);
	return PM_OK;
}

enum pm_status pm_path_open(
	struct pm_path_job *j, size_t i, struct pm_error *err)
{
	struct pm_path *p = &j->result.list.data[i];
	if (p->nodes)
		return PM_OK;
	uint32_t *nodes = malloc(p->n * sizeof *nodes);
	if (!nodes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	uint32_t v = p->from;
	for (size_t k = 0; k < p->n; k++, v = j->next[v] - 1)
		nodes[k] = v;
	p->nodes = nodes;
	return PM_OK;
}

void pm_path_close(struct pm_path_job *j, size_t i)
{
	free(pm_take(j->result.list.data[i].nodes));
}

/* Thousands of roots may lead to the end of a chain of millions: unless there
   is one only, the steps are not kept. */
static enum pm_status add_path(
	struct pm_path_job *j, const struct found *f, struct pm_error *err)
{
	if (!pm_vec_push(&j->result.list,
		    (struct pm_path){f->root, NULL, f->n, f->node}))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return j->limit > 1 ? PM_OK : pm_path_open(j, 0, err);
}

static bool is_better(const struct pm_root *a, const struct pm_root *b)
{
	if (pm_root_is_incidental(a) != pm_root_is_incidental(b))
		return pm_root_is_incidental(b);
	return a->kind < b->kind;
}

static enum pm_status consider(
	struct pm_path_job *j, uint32_t node, struct pm_error *err)
{
	const struct pm_root *root = pm_graph_root(j->g, node);
	const struct found here = {root, node, j->level + 1};
	if (!root)
		return PM_OK;
	if (j->limit > 1 && pm_root_kind_is_native(root->kind))
		return add_path(j, &here, err);
	if (!pm_root_kind_is_precise(root->kind)) {
		if (!j->guess.root || root->kind < j->guess.root->kind)
			j->guess = here;
		return PM_OK;
	}
	if (j->limit > 1)
		return add_path(j, &here, err);
	if (j->best.root && !is_better(root, j->best.root))
		return PM_OK;
	j->patience = pm_root_is_incidental(root) ? PATIENCE : 0;
	j->best = here;
	return PM_OK;
}

static bool may_pass(const struct pm_path_job *j, uint32_t node)
{
	const struct pm_type *t = pm_graph_type(j->g, node);
	return !j->passes || !t || j->passes(j->arg, t);
}

static enum pm_status expand(
	struct pm_path_job *j, uint32_t node, struct pm_error *err)
{
	const struct pm_graph *g = j->g;
	for (uint32_t i = g->in_begin[node]; i < g->in_begin[node + 1]; i++) {
		uint32_t from = pm_edge_node(g->in[i]);
		if (j->next[from] || !may_pass(j, from))
			continue;
		j->next[from] = node + 1;
		if (!pm_vec_push(&j->queue, from))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

static enum pm_status finish(struct pm_path_job *j, struct pm_error *err)
{
	j->done = true;
	j->result.visited = j->queue.len;
	j->result.complete = j->at == j->queue.len;
	if (j->best.root)
		return add_path(j, &j->best, err);
	if (!j->result.list.len && j->guess.root)
		return add_path(j, &j->guess, err);
	return PM_OK;
}

enum pm_status pm_path_step(struct pm_path_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	for (unsigned n = 1; !j->done; n++) {
		if (n % STEPS_AT_ONCE == 0 && pm_now() > deadline)
			break;
		/* All of a level were looked at. */
		if (j->at == j->level_end) {
			if ((j->best.root && !j->patience) ||
				j->level_end == j->queue.len) {
				PM_TRY(finish(j, err));
				break;
			}
			j->patience -= j->best.root != NULL;
			j->level++;
			j->level_end = j->queue.len;
		}
		uint32_t node = j->queue.data[j->at++];
		PM_TRY(consider(j, node, err));
		if (j->limit > 1 && j->result.list.len == j->limit) {
			PM_TRY(finish(j, err));
			break;
		}
		if (!j->best.root || j->patience)
			PM_TRY(expand(j, node, err));
	}
	*ret_done = j->done;
	return PM_OK;
}

void pm_path_progress(
	const struct pm_path_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = j->at;
	*ret_total = j->g->n;
}

const struct pm_paths *pm_path_result(const struct pm_path_job *j)
{
	return &j->result;
}
