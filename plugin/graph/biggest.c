/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/biggest.h"

#include <string.h>

static bool is_before(const struct pm_dominators *d, uint32_t x, uint32_t y)
{
	if (d->retained[x] != d->retained[y])
		return d->retained[x] > d->retained[y];
	return x < y;
}

static int by_retained(const void *a, const void *b, void *arg)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x == y ? 0 : is_before(arg, x, y) ? -1 : 1;
}

/* The first n of a heap, whose top is the last in order: node i goes down. */
static void sink(
	const struct pm_dominators *d, uint32_t *nodes, size_t n, size_t i)
{
	uint32_t moving = nodes[i];
	for (size_t below; (below = 2 * i + 1) < n; i = below) {
		if (below + 1 < n &&
			is_before(d, nodes[below], nodes[below + 1]))
			below++;
		if (!is_before(d, moving, nodes[below]))
			break;
		nodes[i] = nodes[below];
	}
	nodes[i] = moving;
}

/* The first n in order (0: all) come first, the others after them: of millions
   a few are shown. */
static void sort(
	const struct pm_graph *g, uint32_t *nodes, size_t all, size_t n)
{
	const struct pm_dominators *d = g->dominators;
	if (!n || n > all)
		n = all;
	if (!n)
		return;
	if (n < all) {
		for (size_t i = n / 2; i--;)
			sink(d, nodes, n, i);
		for (size_t i = n; i < all; i++) {
			uint32_t x = nodes[i];
			if (!is_before(d, x, nodes[0]))
				continue;
			nodes[i] = nodes[0];
			nodes[0] = x;
			sink(d, nodes, n, 0);
		}
	}
	qsort_r(nodes, n, sizeof *nodes, by_retained, g->dominators);
}

static unsigned magnitude(uint64_t bytes)
{
	return bytes ? 64 - (unsigned)__builtin_clzll(bytes) : 0;
}

/* Nodes by their retained bytes' number of bits: from how many bits on there
   are enough of them? */
static unsigned threshold(const struct pm_graph *g, pm_biggest_fn *wants,
	void *arg, size_t n, size_t *ret_n)
{
	const struct pm_dominators *d = g->dominators;
	size_t counts[65] = {0}, sum = 0;
	for (uint32_t i = 0; i < g->n; i++)
		if (d->of[i] != PM_UNREACHED && (!wants || wants(arg, i)))
			counts[magnitude(d->retained[i])]++;
	unsigned least = 65;
	while (least && (!n || sum < n))
		sum += counts[--least];
	*ret_n = sum;
	return least;
}

enum pm_status pm_biggest(const struct pm_graph *g, pm_biggest_fn *wants,
	void *arg, size_t n, uint32_t **ret, size_t *ret_n,
	struct pm_error *err)
{
	const struct pm_dominators *d = g->dominators;
	size_t found, k = 0;
	unsigned least = threshold(g, wants, arg, n, &found);
	uint32_t *nodes = malloc((found + 1) * sizeof *nodes);
	if (!nodes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < g->n && k < found; i++)
		if (d->of[i] != PM_UNREACHED &&
			magnitude(d->retained[i]) >= least &&
			(!wants || wants(arg, i)))
			nodes[k++] = i;
	sort(g, nodes, k, n);
	*ret = nodes;
	*ret_n = n && n < k ? n : k;
	return PM_OK;
}

enum pm_status pm_biggest_below(const struct pm_graph *g, uint32_t node,
	size_t first, uint32_t **ret, size_t *ret_n, struct pm_error *err)
{
	const struct pm_dominators *d = g->dominators;
	size_t n = d->begin[node + 1] - d->begin[node];
	uint32_t *nodes = malloc((n + 1) * sizeof *nodes);
	if (!nodes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	memcpy(nodes, d->below + d->begin[node], n * sizeof *nodes);
	sort(g, nodes, n, first);
	*ret = nodes;
	*ret_n = n;
	return PM_OK;
}
