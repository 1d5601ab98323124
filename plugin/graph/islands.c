/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/islands.h"
#include "graph/dominators.h"
#include "heap/team.h"
#include "object/class.h"
#include "object/dict.h"

#define STEPS_AT_ONCE 256
#define MAX_BASES 1000

/* Does the type have a __del__? */
enum { NOT_ASKED, HAS_NONE, HAS_ONE };

struct pm_islands_job {
	struct pm_graph *g;
	uint64_t *seen;	 /* bits, by node */
	uint32_t *place; /* for telling cycles: edges left into the node */
	uint8_t *asked;	 /* by type id */
	uint32_t ntypes;
	uint32_t at;   /* nodes from here on may begin an island */
	uint32_t look; /* of nodes: this one's neighbours are next */
	struct pm_islands r;
	bool done;
};

void pm_islands_destroy(struct pm_islands_job *j)
{
	if (!j)
		return;
	free(j->seen);
	free(j->place);
	free(j->asked);
	free(j->r.nodes);
	pm_vec_deinit(&j->r.list);
	free(j);
}

static void cleanup_job(struct pm_islands_job **j)
{
	pm_islands_destroy(*j);
}

static bool is_lost(const struct pm_islands_job *j, uint32_t node)
{
	return j->g->dominators->of[node] == PM_UNREACHED;
}

enum pm_status pm_islands_create(
	struct pm_graph *g, struct pm_islands_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_islands_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->ntypes = pm_types_count(g->h->types);
	size_t lost = g->n - g->dominators->reached;
	j->seen = calloc((size_t)g->n / 64 + 1, 8);
	j->asked = calloc(j->ntypes + 1, 1);
	j->r.nodes = malloc((lost + 1) * sizeof *j->r.nodes);
	j->place = malloc(((size_t)g->n + 1) * sizeof *j->place);
	if (!j->seen || !j->asked || !j->r.nodes || !j->place)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = pm_take(j);
	return PM_OK;
}

static void add(struct pm_islands_job *j, uint32_t node)
{
	uint64_t bit = UINT64_C(1) << node % 64;
	if (!is_lost(j, node) || j->seen[node / 64] & bit)
		return;
	j->seen[node / 64] |= bit;
	j->r.nodes[j->r.n++] = node;
}

static void add_neighbours(struct pm_islands_job *j, uint32_t node)
{
	const struct pm_graph *g = j->g;
	for (uint32_t i = g->out_begin[node]; i < g->out_begin[node + 1]; i++)
		add(j, pm_edge_node(g->out[i]));
	for (uint32_t i = g->in_begin[node]; i < g->in_begin[node + 1]; i++)
		add(j, pm_edge_node(g->in[i]));
}

/* ---- what an island is ---- */

static bool asks_del(struct pm_islands_job *j, const struct pm_type *t)
{
	const struct pm_objects *o = &j->g->h->objects;
	for (uint64_t i = 0; i < MAX_BASES; i++) {
		pm_addr base = pm_class_mro(o, t, i);
		const struct pm_type *b =
			base ? pm_types_get(o->types, base) : NULL;
		if (!b || !b->is_type)
			return false;
		if (b->heap && b->dict &&
			pm_dict_find(o->l, o->m, b->dict, "__del__"))
			return true;
	}
	return false;
}

static bool has_del(struct pm_islands_job *j, const struct pm_type *t)
{
	if (!t->heap || t->id >= j->ntypes)
		return false;
	if (j->asked[t->id] == NOT_ASKED)
		j->asked[t->id] = asks_del(j, t) ? HAS_ONE : HAS_NONE;
	return j->asked[t->id] == HAS_ONE;
}

/* More counts than references?  Guesses are no references. */
static bool is_held(struct pm_islands_job *j, uint32_t node)
{
	const struct pm_graph *g = j->g;
	struct pm_object x;
	if (pm_object_load(&g->h->objects, g->addr[node], &x, NULL) != PM_OK) {
		j->r.unreadable++;
		return false;
	}
	int64_t found = 0;
	for (uint32_t i = g->in_begin[node]; i < g->in_begin[node + 1]; i++)
		found += !(g->in[i] & PM_EDGE_NATIVE);
	int64_t count = x.refcnt;
	if (pm_object_is_deferred(&g->h->objects, &x))
		count -= (int64_t)pm_refcnt_deferred(g->h->l);
	return !x.immortal && count > found;
}

/* Takes away what nothing of the island refers to any more, as long as there
   is such: what is left is a cycle, or hangs on one. */
static bool has_cycle(struct pm_islands_job *j, const struct pm_island *x)
{
	const struct pm_graph *g = j->g;
	uint32_t *nodes = j->r.nodes + x->first;
	uint32_t taken = 0, todo = 0;
	for (uint32_t i = 0; i < x->n; i++)
		j->place[nodes[i]] =
			g->in_begin[nodes[i] + 1] - g->in_begin[nodes[i]];
	/* Those to take stand first: order in an island means nothing. */
	for (uint32_t i = 0; i < x->n; i++)
		if (!j->place[nodes[i]]) {
			uint32_t v = nodes[i];
			nodes[i] = nodes[todo];
			nodes[todo++] = v;
		}
	pm_auto_free uint32_t *queue = malloc((x->n + 1) * sizeof *queue);
	if (!queue)
		return true;
	for (uint32_t i = 0; i < todo; i++)
		queue[i] = nodes[i];
	while (taken < todo) {
		uint32_t v = queue[taken++];
		for (uint32_t i = g->out_begin[v]; i < g->out_begin[v + 1];
			i++) {
			uint32_t to = pm_edge_node(g->out[i]);
			if (is_lost(j, to) && !--j->place[to])
				queue[todo++] = to;
		}
	}
	return taken < x->n;
}

static enum pm_status end_island(
	struct pm_islands_job *j, uint32_t first, struct pm_error *err)
{
	struct pm_island x = {.first = first, .n = j->r.n - first};
	for (uint32_t i = first; i < j->r.n; i++) {
		uint32_t node = j->r.nodes[i];
		const struct pm_type *t = pm_graph_type(j->g, node);
		x.size += pm_graph_size(j->g, node);
		x.held = x.held || is_held(j, node);
		x.finalizers = x.finalizers || (t && has_del(j, t));
	}
	x.cycle = has_cycle(j, &x);
	if (!pm_vec_push(&j->r.list, x))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

enum pm_status pm_islands_step(struct pm_islands_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	uint32_t open = j->r.list.len
				? j->r.list.data[j->r.list.len - 1].first +
					  j->r.list.data[j->r.list.len - 1].n
				: 0;
	for (uint32_t n = 1; !j->done; n++) {
		if (n % STEPS_AT_ONCE == 0 && pm_now() > deadline)
			break;
		if (j->look < j->r.n) {
			add_neighbours(j, j->r.nodes[j->look++]);
			continue;
		}
		if (open < j->r.n) {
			PM_TRY(end_island(j, open, err));
			open = j->r.n;
		}
		while (j->at < j->g->n && j->look == j->r.n)
			add(j, j->at++);
		j->done =
			j->at == j->g->n && j->look == j->r.n && open == j->r.n;
	}
	*ret_done = j->done;
	return PM_OK;
}

const struct pm_islands *pm_islands_result(const struct pm_islands_job *j)
{
	return &j->r;
}
