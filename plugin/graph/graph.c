/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/dominators.h"

void pm_graph_destroy(struct pm_graph *g)
{
	if (!g)
		return;
	free(g->rank);
	free(g->addr);
	free(g->type);
	free(g->bytes);
	free(g->out_begin);
	free(g->in_begin);
	free(g->out);
	free(g->in);
	free(g->immortal);
	pm_vec_deinit(&g->roots);
	pm_vec_deinit(&g->weak);
	pm_dominators_destroy(g->dominators);
	pm_vec_deinit(&g->large);
	free(g);
}

static void number_pool(struct pm_graph *g, size_t pool, uint32_t *n)
{
	const struct pm_heap *h = g->h;
	size_t first, words = pm_pools_words(h->pools, pool, &first);
	for (size_t i = first; i < first + words; i++) {
		uint64_t bits = h->is_object[i];
		while (bits) {
			uint64_t bit = i * 64 + (unsigned)__builtin_ctzll(bits);
			bits &= bits - 1;
			g->addr[(*n)++] =
				pm_pools_bit_block(h->pools, pool, bit) +
				h->pools->hook_pre + pm_heap_pre(h, pool, bit);
		}
	}
}

/* Bits of pools that are not in use are clear, so nodes are in order. */
static void number_all(struct pm_graph *g)
{
	const struct pm_heap *h = g->h;
	uint32_t n = 0;
	for (size_t i = 0; i < h->pools->npools; i++)
		if (h->pools->pools[i].state == PM_POOL_USED)
			number_pool(g, i, &n);
	g->inside = n;
	pm_vec_each (o, &h->outside)
		g->addr[n++] = o->addr;
	g->n = n;
}

/* Of the blocks that pools in use have, as number_all sees them. */
static uint64_t rank_all(struct pm_graph *g)
{
	const struct pm_heap *h = g->h;
	uint64_t n = 0;
	for (size_t i = 0; i < h->pools->nwords; i++) {
		g->rank[i] = (uint32_t)n;
		n += (unsigned)__builtin_popcountll(h->is_object[i]);
	}
	g->rank[h->pools->nwords] = (uint32_t)n;
	return n;
}

enum pm_status pm_graph_create(
	struct pm_heap *h, struct pm_graph **ret, struct pm_error *err)
{
	if (!h->done)
		return pm_fail(err, PM_ABSENT, 0, "the heap was not walked");
	PM_CLEANUP(pm_cleanup_graph) struct pm_graph *g = calloc(1, sizeof *g);
	if (!g)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	g->h = h;
	g->rank = calloc(h->pools->nwords + 1, sizeof *g->rank);
	if (!g->rank)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	uint64_t n = rank_all(g) + h->outside.len;
	if (n >= PM_NODES_MAX)
		return pm_fail(err, PM_LIMIT, 0,
			"%llu objects are more than a graph can have",
			(unsigned long long)n);
	g->addr = calloc(n + 1, sizeof *g->addr);
	g->type = malloc((n + 1) * sizeof *g->type);
	g->bytes = calloc(n + 1, sizeof *g->bytes);
	g->immortal = calloc(n / 64 + 1, sizeof *g->immortal);
	g->out_begin = calloc(n + 2, sizeof *g->out_begin);
	if (!g->addr || !g->type || !g->bytes || !g->immortal || !g->out_begin)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	number_all(g);
	if (g->n != n)
		return pm_fail(err, PM_CORRUPT, 0,
			"the maps of the heap do not agree: %u objects of %llu",
			g->n, (unsigned long long)n);
	for (uint32_t i = 0; i < g->n; i++)
		g->type[i] = PM_NO_NODE;
	*ret = pm_take(g);
	return PM_OK;
}

uint32_t pm_graph_node(const struct pm_graph *g, pm_addr addr)
{
	size_t at;
	switch (pm_heap_object_at(g->h, addr, &at)) {
	case PM_HEAP_INSIDE: {
		uint64_t below = g->h->is_object[at / 64] &
				 ((UINT64_C(1) << at % 64) - 1);
		return g->rank[at / 64] + (uint32_t)__builtin_popcountll(below);
	}
	case PM_HEAP_OUTSIDE:
		return g->inside + (uint32_t)at;
	case PM_HEAP_NOWHERE:
		break;
	}
	return PM_NO_NODE;
}

static int by_node(const void *a, const void *b)
{
	const struct pm_large_node *x = a, *y = b;
	return x->node < y->node ? -1 : x->node > y->node;
}

uint64_t pm_graph_size(const struct pm_graph *g, uint32_t node)
{
	if (g->bytes[node] != UINT32_MAX)
		return g->bytes[node];
	const struct pm_large_node key = {.node = node};
	const struct pm_large_node *found =
		g->large.len ? bsearch(&key, g->large.data, g->large.len,
				       sizeof key, by_node)
			     : NULL;
	return found ? found->size : UINT32_MAX;
}

const struct pm_type *pm_graph_type(const struct pm_graph *g, uint32_t node)
{
	return g->type[node] == PM_NO_NODE
		       ? NULL
		       : pm_types_by_id(g->h->types, g->type[node]);
}

const char *pm_graph_type_name(const struct pm_graph *g, uint32_t node)
{
	const struct pm_type *t = pm_graph_type(g, node);
	return t ? t->name : "?";
}
