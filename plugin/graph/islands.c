/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/islands.h"
#include "graph/dominators.h"
#include "graph/root-nodes.h"
#include "heap/team.h"
#include "object/class.h"
#include "object/dict.h"

#define STEPS_AT_ONCE 256
#define NODES_AT_ONCE 4096
#define MAX_BASES 1000

/* Does the type have a __del__? */
enum { NOT_ASKED, HAS_NONE, HAS_ONE };

/* What other roots than words of C code reach.  Then objects of an island; then
   what it is, one by one; then whether taking away what nothing of it refers to
   leaves anything. */
enum phase { PHASE_REACH, PHASE_GATHER, PHASE_SUM, PHASE_PEEL, PHASE_DONE };

struct pm_islands_job {
	struct pm_graph *g;
	uint64_t *reached; /* bits, by node */
	uint64_t *seen;	   /* the same */
	uint32_t *place;   /* by node: references to it that are left */
	uint8_t *asked;	   /* by type id */
	uint32_t ntypes;
	uint32_t at;   /* nodes from here on may begin an island */
	uint32_t look; /* of nodes: this one's neighbours are next */
	struct pm_islands r;
	enum phase phase;
	struct pm_island island; /* the one that is under way */
	uint32_t step;		 /* of its phase */
	uint32_t *queue;	 /* what was taken away */
	uint32_t taken, queued;
};

void pm_islands_destroy(struct pm_islands_job *j)
{
	if (!j)
		return;
	free(j->reached);
	free(j->seen);
	free(j->place);
	free(j->queue);
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
	return !(j->reached[node / 64] >> node % 64 & 1);
}

enum pm_status pm_islands_create(
	struct pm_graph *g, struct pm_islands_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_islands_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->ntypes = pm_types_count(g->h->types);
	j->reached = calloc((size_t)g->n / 64 + 1, 8);
	j->seen = calloc((size_t)g->n / 64 + 1, 8);
	j->asked = calloc(j->ntypes + 1, 1);
	j->place = malloc(((size_t)g->n + 1) * sizeof *j->place);
	if (!j->reached || !j->seen || !j->asked || !j->place)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = pm_take(j);
	return PM_OK;
}

/* ---- what is lost ---- */

/* j->place is a stack here: [taken, queued) are to be looked at. */
static void reach(struct pm_islands_job *j, uint32_t node)
{
	if (!is_lost(j, node))
		return;
	j->reached[node / 64] |= UINT64_C(1) << node % 64;
	j->place[j->queued++] = node;
}

static enum pm_status end_reach(struct pm_islands_job *j, struct pm_error *err)
{
	size_t lost = j->g->n - j->queued;
	j->r.nodes = malloc((lost + 1) * sizeof *j->r.nodes);
	j->queue = malloc((lost + 1) * sizeof *j->queue);
	if (!j->r.nodes || !j->queue)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->taken = j->queued = j->at = 0;
	j->phase = PHASE_GATHER;
	return PM_OK;
}

static enum pm_status reach_more(struct pm_islands_job *j, struct pm_error *err)
{
	const struct pm_graph *g = j->g;
	if (j->taken < j->queued) {
		uint32_t v = j->place[j->taken++];
		for (uint32_t i = g->out_begin[v]; i < g->out_begin[v + 1]; i++)
			reach(j, pm_edge_node(g->out[i]));
		return PM_OK;
	}
	for (unsigned n = 0; n < NODES_AT_ONCE && j->at < g->roots.len; n++) {
		const struct pm_graph_root *r = &g->roots.data[j->at++];
		if (!pm_root_kind_is_native(r->root.kind))
			reach(j, r->node);
	}
	return j->taken == j->queued && j->at == g->roots.len
		       ? end_reach(j, err)
		       : PM_OK;
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

static void sum(struct pm_islands_job *j)
{
	struct pm_island *x = &j->island;
	const struct pm_graph *g = j->g;
	uint32_t node = j->r.nodes[x->first + j->step++];
	const struct pm_type *t = pm_graph_type(g, node);
	x->size += pm_graph_size(g, node);
	if (!x->held && is_held(j, node)) {
		x->held = true;
		x->held_node = node;
	}
	const struct pm_root *by = pm_graph_root(g, node);
	if (by && (!x->by || by->kind < x->by->kind))
		x->by = by;
	x->finalizers = x->finalizers || (t && has_del(j, t));
	/* Only others of the island refer to it: roots would reach it. */
	j->place[node] = g->in_begin[node + 1] - g->in_begin[node];
	if (!j->place[node])
		j->queue[j->queued++] = node;
	if (j->step == x->n)
		j->phase = PHASE_PEEL;
}

/* What is left when all that nothing refers to is gone: a cycle, and what hangs
   on it. */
static void peel(struct pm_islands_job *j)
{
	const struct pm_graph *g = j->g;
	uint32_t v = j->queue[j->taken++];
	for (uint32_t i = g->out_begin[v]; i < g->out_begin[v + 1]; i++) {
		uint32_t to = pm_edge_node(g->out[i]);
		if (is_lost(j, to) && !--j->place[to])
			j->queue[j->queued++] = to;
	}
}

static enum pm_status end_island(struct pm_islands_job *j, struct pm_error *err)
{
	j->island.cycle = j->taken < j->island.n;
	if (!pm_vec_push(&j->r.list, j->island))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->phase = PHASE_GATHER;
	return PM_OK;
}

static void gather(struct pm_islands_job *j)
{
	if (j->look < j->r.n) {
		add_neighbours(j, j->r.nodes[j->look++]);
		return;
	}
	uint32_t first = j->island.first + j->island.n;
	if (first < j->r.n) {
		j->island =
			(struct pm_island){.first = first, .n = j->r.n - first};
		j->step = j->taken = j->queued = 0;
		j->phase = PHASE_SUM;
		return;
	}
	for (unsigned n = 0;
		n < NODES_AT_ONCE && j->at < j->g->n && j->look == j->r.n; n++)
		add(j, j->at++);
	if (j->at == j->g->n && j->look == j->r.n)
		j->phase = PHASE_DONE;
}

enum pm_status pm_islands_step(struct pm_islands_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	for (uint32_t n = 1; j->phase != PHASE_DONE; n++) {
		if (n % STEPS_AT_ONCE == 0 && pm_now() > deadline)
			break;
		if (j->phase == PHASE_REACH)
			PM_TRY(reach_more(j, err));
		else if (j->phase == PHASE_GATHER)
			gather(j);
		else if (j->phase == PHASE_SUM)
			sum(j);
		else if (j->taken < j->queued)
			peel(j);
		else
			PM_TRY(end_island(j, err));
	}
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

const struct pm_islands *pm_islands_result(const struct pm_islands_job *j)
{
	return &j->r;
}
