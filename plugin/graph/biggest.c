/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/biggest.h"

#include <string.h>

static int by_retained(const void *a, const void *b, void *arg)
{
	const struct pm_dominators *d = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	if (d->retained[x] != d->retained[y])
		return d->retained[x] < d->retained[y] ? 1 : -1;
	return x < y ? -1 : x > y;
}

static void sort(const struct pm_graph *g, uint32_t *nodes, size_t n)
{
	if (n)
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
	sort(g, nodes, k);
	*ret = nodes;
	*ret_n = n && n < k ? n : k;
	return PM_OK;
}

enum pm_status pm_biggest_below(const struct pm_graph *g, uint32_t node,
	uint32_t **ret, size_t *ret_n, struct pm_error *err)
{
	const struct pm_dominators *d = g->dominators;
	size_t n = d->begin[node + 1] - d->begin[node];
	uint32_t *nodes = malloc((n + 1) * sizeof *nodes);
	if (!nodes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	memcpy(nodes, d->below + d->begin[node], n * sizeof *nodes);
	sort(g, nodes, n);
	*ret = nodes;
	*ret_n = n;
	return PM_OK;
}
