/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/dominators.h"
#include "heap/team.h"

#include <string.h>

#define STEPS_AT_ONCE 4096

enum phase {
	PHASE_VISIT,
	PHASE_DOMINATE,
	PHASE_SETTLE,
	PHASE_SUM,
	PHASE_LIST,
	PHASE_DONE
};

/* Below, a vertex is a node's number in the depth-first order.  What stands
   above all roots has the first, nothing has 0. */
#define TOP 1
struct pm_dominators_job {
	const struct pm_graph *g;
	uint32_t *roots;
	size_t nroots, nsure, root;
	uint32_t sure;	   /* the last vertex that no guess was needed for */
	uint64_t *is_root; /* bits, by node */
	enum phase phase;
	uint32_t last, v; /* vertices; the one that is next */

	/* By node. */
	uint32_t *vertex; /* 0: not reached (yet) */
	/* By vertex. */
	uint32_t *node;
	uint32_t *parent;   /* in the tree of the search */
	uint32_t *semi;	    /* semidominator */
	uint32_t *label;    /* the least semi between here and the ancestor */
	uint32_t *ancestor; /* in the forest of those done; 0: none */
	uint32_t *bucket, *next; /* lists of those with this semidominator */
	uint32_t *dom;
	uint32_t top;	/* of the search: the vertex whose edges are next */
	uint32_t *path; /* of a compression; grows */
	size_t path_cap;
	struct pm_dominators *d;
};

void pm_dominators_destroy(struct pm_dominators *d)
{
	if (!d)
		return;
	free(d->of);
	free(d->retained);
	free(d->objects);
	free(d->begin);
	free(d->below);
	free(d->guessed);
	free(d);
}

static void free_work(struct pm_dominators_job *j)
{
	uint32_t **const all[] = {&j->vertex, &j->node, &j->parent, &j->semi,
		&j->label, &j->ancestor, &j->bucket, &j->next, &j->dom,
		&j->path, &j->roots};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(pm_take(*all[i]));
	free(pm_take(j->is_root));
}

void pm_dominators_job_destroy(struct pm_dominators_job *j)
{
	if (!j)
		return;
	free_work(j);
	pm_dominators_destroy(j->d);
	free(j);
}

static void cleanup_job(struct pm_dominators_job **j)
{
	pm_dominators_job_destroy(*j);
}

enum pm_status pm_dominators_create(const struct pm_graph *g,
	const uint32_t *roots, size_t nroots, size_t nsure,
	struct pm_dominators_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_dominators_job *j = calloc(1, sizeof *j);
	size_t n = (size_t)g->n + TOP + 1;
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->roots = malloc((nroots + 1) * sizeof *j->roots);
	j->is_root = calloc(n / 64 + 1, 8);
	j->vertex = calloc(n, sizeof *j->vertex);
	j->node = malloc(n * sizeof *j->node);
	j->parent = malloc(n * sizeof *j->parent);
	/* Until the search has ended: where each vertex stands in its edges. */
	j->semi = malloc(n * sizeof *j->semi);
	j->d = calloc(1, sizeof *j->d);
	if (!j->roots || !j->is_root || !j->vertex || !j->node || !j->parent ||
		!j->semi || !j->d)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < nroots; i++) {
		if (roots[i] >= g->n)
			continue;
		j->is_root[roots[i] / 64] |= UINT64_C(1) << roots[i] % 64;
		j->roots[j->nroots++] = roots[i];
		j->nsure += i < nsure;
	}
	j->last = j->top = TOP;
	j->parent[TOP] = 0;
	j->d->n = g->n;
	*ret = pm_take(j);
	return PM_OK;
}

static inline bool is_root(const struct pm_dominators_job *j, uint32_t node)
{
	return j->is_root[node / 64] >> node % 64 & 1;
}

/* ---- the depth-first search ---- */

static inline void enter(struct pm_dominators_job *j, uint32_t node)
{
	uint32_t v = ++j->last;
	j->vertex[node] = v;
	j->node[v] = node;
	j->parent[v] = j->top;
	j->semi[v] = j->g->out_begin[node];
	j->top = v;
}

static bool visit(struct pm_dominators_job *j)
{
	const struct pm_graph *g = j->g;
	for (unsigned n = 0; n < STEPS_AT_ONCE; n++) {
		if (j->top == TOP) {
			/* All of the roots that are sure were followed. */
			if (j->root == j->nsure)
				j->sure = j->last;
			if (j->root == j->nroots)
				return true;
			uint32_t node = j->roots[j->root++];
			if (!j->vertex[node])
				enter(j, node);
			continue;
		}
		uint32_t end = g->out_begin[j->node[j->top] + 1];
		uint32_t at = j->semi[j->top];
		while (at < end && j->vertex[pm_edge_node(g->out[at])])
			at++;
		if (at == end) {
			j->top = j->parent[j->top];
			continue;
		}
		j->semi[j->top] = at + 1;
		enter(j, pm_edge_node(g->out[at]));
	}
	return false;
}

/* ---- semidominators, then dominators ---- */

static enum pm_status begin_dominate(
	struct pm_dominators_job *j, struct pm_error *err)
{
	size_t n = (size_t)j->last + 1;
	j->label = malloc(n * sizeof *j->label);
	j->ancestor = calloc(n, sizeof *j->ancestor);
	j->bucket = calloc(n, sizeof *j->bucket);
	j->next = malloc(n * sizeof *j->next);
	j->dom = calloc(n, sizeof *j->dom);
	if (!j->label || !j->ancestor || !j->bucket || !j->next || !j->dom)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t v = 0; v <= j->last; v++)
		j->semi[v] = j->label[v] = v;
	j->v = j->last;
	j->phase = PHASE_DOMINATE;
	return PM_OK;
}

/* Of the vertices between v and the top of its tree in the forest, that with
   the least semidominator.  0: out of memory. */
static uint32_t evaluate(struct pm_dominators_job *j, uint32_t v)
{
	if (!j->ancestor[v])
		return v;
	size_t depth = 0;
	uint32_t u = v;
	/* From v up to the last whose ancestor has one as well. */
	while (j->ancestor[j->ancestor[u]]) {
		if (depth == j->path_cap) {
			size_t cap = j->path_cap ? 2 * j->path_cap : 1024;
			uint32_t *p = realloc(j->path, cap * sizeof *p);
			if (!p)
				return 0;
			j->path = p;
			j->path_cap = cap;
		}
		j->path[depth++] = u;
		u = j->ancestor[u];
	}
	while (depth) {
		uint32_t below = j->path[--depth];
		uint32_t above = j->ancestor[below];
		if (j->semi[j->label[above]] < j->semi[j->label[below]])
			j->label[below] = j->label[above];
		j->ancestor[below] = j->ancestor[above];
	}
	return j->label[v];
}

static bool find_semi(struct pm_dominators_job *j, uint32_t w)
{
	const struct pm_graph *g = j->g;
	uint32_t node = j->node[w], least = j->parent[w];
	if (is_root(j, node)) {
		j->semi[w] = TOP;
		return true;
	}
	for (uint32_t i = g->in_begin[node]; i < g->in_begin[node + 1]; i++) {
		uint32_t p = j->vertex[pm_edge_node(g->in[i])];
		if (!p)
			continue;
		uint32_t u = evaluate(j, p);
		if (!u)
			return false;
		if (j->semi[u] < least)
			least = j->semi[u];
	}
	j->semi[w] = least;
	return true;
}

/* Those whose semidominator is the parent p of w: it dominates them, or what
   dominates another does. */
static bool empty_bucket(struct pm_dominators_job *j, uint32_t p)
{
	for (uint32_t v = j->bucket[p]; v; v = j->next[v]) {
		uint32_t u = evaluate(j, v);
		if (!u)
			return false;
		j->dom[v] = j->semi[u] < j->semi[v] ? u : p;
	}
	j->bucket[p] = 0;
	return true;
}

static bool dominate(struct pm_dominators_job *j)
{
	for (unsigned n = 0; n < STEPS_AT_ONCE / 4 && j->v > TOP; n++) {
		uint32_t w = j->v--, p = j->parent[w];
		if (!find_semi(j, w))
			return false;
		if (j->semi[w] == TOP) {
			j->dom[w] = TOP;
		} else {
			j->next[w] = j->bucket[j->semi[w]];
			j->bucket[j->semi[w]] = w;
		}
		j->ancestor[w] = p;
		if (!empty_bucket(j, p))
			return false;
	}
	return true;
}

/* ---- the tree, and sums ---- */

static enum pm_status begin_sum(
	struct pm_dominators_job *j, struct pm_error *err)
{
	struct pm_dominators *d = j->d;
	uint32_t **const done[] = {&j->label, &j->ancestor, &j->bucket,
		&j->next, &j->path, &j->semi, &j->parent};
	for (size_t i = 0; i < sizeof done / sizeof *done; i++)
		free(pm_take(*done[i]));
	d->of = malloc(((size_t)d->n + 1) * sizeof *d->of);
	d->retained = calloc((size_t)d->n + 1, sizeof *d->retained);
	d->objects = calloc((size_t)d->n + 1, sizeof *d->objects);
	/* While it counts, one place further; see list (). */
	d->begin = calloc((size_t)d->n + 3, sizeof *d->begin);
	d->below = malloc(((size_t)j->last + 1) * sizeof *d->below);
	d->guessed = calloc((size_t)d->n / 64 + 1, sizeof *d->guessed);
	if (!d->of || !d->retained || !d->objects || !d->begin || !d->below ||
		!d->guessed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < d->n; i++)
		d->of[i] = PM_UNREACHED;
	d->reached = j->last - TOP;
	j->v = j->last;
	j->phase = PHASE_SUM;
	return PM_OK;
}

/* In the order of the search: a dominator comes before those below. */
static void settle(struct pm_dominators_job *j)
{
	for (unsigned n = 0; n < STEPS_AT_ONCE && j->v <= j->last; n++, j->v++)
		if (j->dom[j->v] != j->semi[j->v])
			j->dom[j->v] = j->dom[j->dom[j->v]];
}

static void sum(struct pm_dominators_job *j)
{
	struct pm_dominators *d = j->d;
	for (unsigned n = 0; n < STEPS_AT_ONCE && j->v > TOP; n++, j->v--) {
		uint32_t node = j->node[j->v], dom = j->dom[j->v];
		uint64_t size = pm_graph_size(j->g, node);
		d->bytes += size;
		d->retained[node] += size;
		d->of[node] = dom == TOP ? PM_BY_ROOTS : j->node[dom];
		d->objects[node]++;
		if (j->v > j->sure) {
			d->guessed[node / 64] |= UINT64_C(1) << node % 64;
			d->guessed_objects++;
			d->guessed_bytes += size;
		}
		d->begin[(dom == TOP ? d->n : j->node[dom]) + 2]++;
		if (dom == TOP)
			continue;
		d->retained[j->node[dom]] += d->retained[node];
		d->objects[j->node[dom]] += d->objects[node];
	}
}

/* begin[p + 1] is where the next below p goes, and at the end where they end.
 */
static void list(struct pm_dominators_job *j)
{
	struct pm_dominators *d = j->d;
	for (unsigned n = 0; n < STEPS_AT_ONCE && j->v <= j->last;
		n++, j->v++) {
		uint32_t node = j->node[j->v];
		uint32_t by = d->of[node] == PM_BY_ROOTS ? d->n : d->of[node];
		d->below[d->begin[by + 1]++] = node;
	}
}

static enum pm_status advance(struct pm_dominators_job *j, struct pm_error *err)
{
	switch (j->phase) {
	case PHASE_VISIT:
		return visit(j) ? begin_dominate(j, err) : PM_OK;
	case PHASE_DOMINATE:
		if (!dominate(j))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (j->v > TOP)
			return PM_OK;
		j->v = TOP + 1;
		j->phase = PHASE_SETTLE;
		return PM_OK;
	case PHASE_SETTLE:
		settle(j);
		return j->v > j->last ? begin_sum(j, err) : PM_OK;
	case PHASE_SUM:
		sum(j);
		if (j->v > TOP)
			return PM_OK;
		for (uint32_t i = 0; i <= j->d->n; i++)
			j->d->begin[i + 1] += j->d->begin[i];
		j->v = TOP + 1;
		j->phase = PHASE_LIST;
		return PM_OK;
	case PHASE_LIST:
		list(j);
		if (j->v > j->last)
			j->phase = PHASE_DONE;
		return PM_OK;
	case PHASE_DONE:
		break;
	}
	return PM_OK;
}

enum pm_status pm_dominators_step(struct pm_dominators_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	while (j->phase != PHASE_DONE && pm_now() < deadline)
		PM_TRY(advance(j, err));
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

void pm_dominators_progress(const struct pm_dominators_job *j,
	uint64_t *ret_done, uint64_t *ret_total)
{
	uint64_t n = j->g->n, here = 0;
	if (j->phase == PHASE_VISIT)
		here = j->last - TOP;
	else if (j->phase == PHASE_DOMINATE || j->phase == PHASE_SUM)
		here = j->last - j->v;
	else if (j->phase == PHASE_SETTLE || j->phase == PHASE_LIST)
		here = j->v - TOP;
	*ret_total = PHASE_DONE * n;
	*ret_done = j->phase * n + (here < n ? here : n);
}

struct pm_dominators *pm_dominators_take(struct pm_dominators_job *j)
{
	return j->phase == PHASE_DONE ? pm_take(j->d) : NULL;
}
