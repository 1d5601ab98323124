/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dominators against their definition: what is no longer reached without an
   object is what goes with it. */
#include "graph/dominators.h"
#include "unit/unit.h"

#include <string.h>

struct edge {
	uint32_t from, to;
};

struct edges {
	PM_VEC(struct edge) list;
};

static void edge(struct edges *e, uint32_t from, uint32_t to)
{
	ck_assert(pm_vec_push(&e->list, (struct edge){from, to}));
}

static void *filled(size_t n, size_t size)
{
	void *p = calloc(n, size);
	ck_assert_ptr_nonnull(p);
	return p;
}

/* A graph without a heap: sizes are 16, 32, 48, ... */
static struct pm_graph *graph(uint32_t n, const struct edges *e)
{
	struct pm_graph *g = filled(1, sizeof *g);
	g->n = n;
	g->edges = e->list.len;
	g->bytes = filled(n, 4);
	g->out_begin = filled(n + 2, 4);
	g->in_begin = filled(n + 2, 4);
	g->out = filled(e->list.len + 1, 4);
	g->in = filled(e->list.len + 1, 4);
	for (uint32_t v = 0; v < n; v++)
		g->bytes[v] = 16 * (v % 1000 + 1);
	pm_vec_each (x, &e->list) {
		g->out_begin[x->from + 1]++;
		g->in_begin[x->to + 1]++;
	}
	for (uint32_t v = 0; v < n; v++) {
		g->out_begin[v + 1] += g->out_begin[v];
		g->in_begin[v + 1] += g->in_begin[v];
	}
	uint32_t *o = filled(n + 1, 4), *i = filled(n + 1, 4);
	pm_vec_each (x, &e->list) {
		g->out[g->out_begin[x->from] + o[x->from]++] = x->to;
		g->in[g->in_begin[x->to] + i[x->to]++] = x->from;
	}
	free(o);
	free(i);
	return g;
}

static struct pm_dominators *dominate(
	const struct pm_graph *g, const uint32_t *roots, size_t n, size_t nsure)
{
	struct pm_dominators_job *j = NULL;
	struct pm_error err;
	bool done = false;
	ck_assert_int_eq(
		pm_dominators_create(g, roots, n, nsure, &j, &err), PM_OK);
	while (!done) {
		ck_assert_ptr_null(pm_dominators_take(j));
		ck_assert_int_eq(
			pm_dominators_step(j, 0.01, &done, &err), PM_OK);
		uint64_t now, all;
		pm_dominators_progress(j, &now, &all);
		ck_assert_uint_le(now, all);
	}
	struct pm_dominators *d = pm_dominators_take(j);
	ck_assert_ptr_nonnull(d);
	ck_assert_ptr_null(pm_dominators_take(j));
	pm_dominators_job_destroy(j);
	return d;
}

/* Marks what the roots lead to when the node without is not there. */
static uint64_t reach(const struct pm_graph *g, const uint32_t *roots, size_t n,
	uint32_t without, bool *seen)
{
	uint32_t *todo = filled(g->n + 1, 4);
	size_t len = 0;
	uint64_t bytes = 0;
	memset(seen, 0, g->n);
	for (size_t i = 0; i < n; i++)
		if (roots[i] != without && !seen[roots[i]]) {
			seen[roots[i]] = true;
			todo[len++] = roots[i];
		}
	while (len) {
		uint32_t v = todo[--len];
		bytes += g->bytes[v];
		for (uint32_t i = g->out_begin[v]; i < g->out_begin[v + 1];
			i++) {
			uint32_t to = g->out[i];
			if (to == without || seen[to])
				continue;
			seen[to] = true;
			todo[len++] = to;
		}
	}
	free(todo);
	return bytes;
}

static void compare(const struct pm_graph *g, const uint32_t *roots, size_t n)
{
	size_t nsure = n - n / 3;
	struct pm_dominators *d = dominate(g, roots, n, nsure);
	bool *all = filled(g->n + 1, 1), *left = filled(g->n + 1, 1);
	uint64_t sure = reach(g, roots, nsure, PM_NO_NODE, left);
	uint64_t total = reach(g, roots, n, PM_NO_NODE, all);
	uint32_t guessed = 0;
	ck_assert_uint_eq(d->bytes, total);
	ck_assert_uint_eq(d->guessed_bytes, total - sure);
	for (uint32_t v = 0; v < g->n; v++) {
		ck_assert_int_eq(pm_is_guessed(d, v), all[v] && !left[v]);
		guessed += all[v] && !left[v];
	}
	ck_assert_uint_eq(d->guessed_objects, guessed);
	uint32_t reached = 0, listed = 0;
	for (uint32_t v = 0; v < g->n; v++) {
		reached += all[v];
		if (!all[v]) {
			ck_assert_uint_eq(d->of[v], PM_UNREACHED);
			ck_assert_uint_eq(d->retained[v], 0);
			continue;
		}
		ck_assert_uint_eq(
			d->retained[v], total - reach(g, roots, n, v, left));
		uint32_t lost = 0;
		for (uint32_t u = 0; u < g->n; u++)
			lost += all[u] && !left[u];
		ck_assert_uint_eq(d->objects[v], lost);
		for (uint32_t i = d->begin[v]; i < d->begin[v + 1]; i++)
			ck_assert_uint_eq(d->of[d->below[i]], v);
		listed += d->begin[v + 1] - d->begin[v];
		/* Exactly those below v in the tree are lost. */
		for (uint32_t u = 0; u < g->n; u++) {
			if (!all[u])
				continue;
			uint32_t at = u;
			while (at != v && at != PM_BY_ROOTS)
				at = d->of[at];
			ck_assert_int_eq(at == v, !left[u]);
		}
	}
	ck_assert_uint_eq(d->reached, reached);
	for (uint32_t i = d->begin[g->n]; i < d->begin[g->n + 1]; i++)
		ck_assert_uint_eq(d->of[d->below[i]], PM_BY_ROOTS);
	listed += d->begin[g->n + 1] - d->begin[g->n];
	ck_assert_uint_eq(listed, reached);
	free(all);
	free(left);
	pm_dominators_destroy(d);
}

static uint32_t below(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % n);
}

START_TEST(random_graphs)
{
	uint64_t state = 1;
	for (int i = 0; i < 400; i++) {
		uint32_t n = 1 + below(&state, 40), roots[5];
		size_t nroots = below(&state, 5);
		struct edges e = {{0}};
		for (uint32_t k = below(&state, 3 * n); k; k--)
			edge(&e, below(&state, n), below(&state, n));
		for (size_t k = 0; k < nroots; k++)
			roots[k] = below(&state, n);
		struct pm_graph *g = graph(n, &e);
		compare(g, roots, nroots);
		pm_graph_destroy(g);
		pm_vec_deinit(&e.list);
	}
}
END_TEST

START_TEST(what_comes_late_in_the_search)
{
	/* 0 -> 1 -> 2 -> 1 and 3 -> 2, both 0 and 3 roots: nobody alone keeps
	   1 or 2. */
	struct edges e = {{0}};
	edge(&e, 0, 1);
	edge(&e, 1, 2);
	edge(&e, 2, 1);
	edge(&e, 3, 2);
	struct pm_graph *g = graph(4, &e);
	uint32_t roots[] = {0, 3};
	struct pm_dominators *d = dominate(g, roots, 2, 1);
	for (uint32_t v = 0; v < 4; v++)
		ck_assert_uint_eq(d->of[v], PM_BY_ROOTS);
	pm_dominators_destroy(d);
	compare(g, roots, 2);
	pm_graph_destroy(g);
	pm_vec_deinit(&e.list);
}
END_TEST

START_TEST(long_chains_and_wide_hubs)
{
	/* A linked list that its container holds item by item, too; each item
	   with a value of its own; and one object that all refer to. */
	enum { N = 300000 };
	struct edges e = {{0}};
	uint32_t hub = 2 * N + 1, root = 0;
	for (uint32_t i = 0; i < N; i++) {
		uint32_t item = 1 + 2 * i;
		edge(&e, root, item);
		edge(&e, item, item + 1);
		edge(&e, item, hub);
		if (i + 1 < N)
			edge(&e, item, item + 2);
	}
	struct pm_graph *g = graph(hub + 1, &e);
	struct pm_dominators *d = dominate(g, &root, 1, 1);
	ck_assert_uint_eq(d->of[root], PM_BY_ROOTS);
	ck_assert_uint_eq(d->of[hub], root);
	ck_assert_uint_eq(d->retained[root], d->bytes);
	for (uint32_t i = 0; i < N; i++) {
		uint32_t item = 1 + 2 * i;
		ck_assert_uint_eq(d->of[item], root);
		ck_assert_uint_eq(d->of[item + 1], item);
		ck_assert_uint_eq(
			d->retained[item], g->bytes[item] + g->bytes[item + 1]);
	}
	pm_dominators_destroy(d);
	/* Without the container each item keeps all that come behind it. */
	uint32_t first = 1;
	d = dominate(g, &first, 1, 0);
	ck_assert_uint_eq(d->of[root], PM_UNREACHED);
	ck_assert_uint_eq(d->of[1 + 2 * (N - 1)], 1 + 2 * (N - 2));
	ck_assert_uint_eq(d->retained[first], d->bytes);
	ck_assert_uint_eq(d->guessed_bytes, d->bytes);
	pm_dominators_destroy(d);
	pm_graph_destroy(g);
	pm_vec_deinit(&e.list);
}
END_TEST

UNIT_MAIN("dominators", random_graphs, what_comes_late_in_the_search,
	long_chains_and_wide_hubs)
