/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/neighbours.h"
#include "command/walking.h"
#include "graph/root-nodes.h"
#include "heap/team.h"

void pm_neighbours_deinit(struct pm_neighbours *n)
{
	pm_vec_deinit(&n->list);
}

static bool is_left_out(const struct pm_neighbourhood *h, const char *type)
{
	return h->exclude && pm_type_matches(type, h->exclude);
}

/* One reference of an object, forward; or of a holder, if it leads here. */
struct collector {
	const struct pm_neighbourhood *h;
	struct pm_neighbours *n;
	pm_addr holder; /* backward */
	uint64_t found;
	bool no_memory;
};

static void take(struct collector *c, const struct pm_neighbour *x)
{
	struct pm_neighbours *n = c->n;
	c->found++;
	if (c->h->limit && n->list.len >= c->h->limit)
		return;
	c->no_memory = !pm_vec_push(&n->list, *x);
}

/* ---- forward ---- */

static bool is_object(const struct collector *c, const struct pm_ref *ref)
{
	const struct pm_heap *h = c->h->r->session->heap;
	struct pm_object x;
	/* A word that only may be a reference: is there an object? */
	if (ref->via == PM_VIA_NATIVE && !pm_heap_is_object(h, ref->target))
		return false;
	return !c->h->exclude ||
	       pm_object_load(&h->objects, ref->target, &x, NULL) != PM_OK ||
	       !is_left_out(c->h, x.type->name);
}

static bool see_ref(void *arg, const struct pm_ref *ref)
{
	struct collector *c = arg;
	if (is_object(c, ref))
		take(c, &(struct pm_neighbour){ref->target, *ref, NULL});
	return !c->no_memory;
}

static enum pm_status find_forward(const struct pm_neighbourhood *h,
	struct pm_neighbours *n, struct pm_error *err)
{
	const struct pm_objects *o = &h->r->session->heap->objects;
	struct collector c = {h, n, 0, 0, false};
	struct pm_object x;
	if (pm_object_load(o, n->of, &x, NULL) != PM_OK) {
		n->unreadable++;
		return PM_OK;
	}
	enum pm_status s = pm_refs_each(o, &x, see_ref, &c);
	n->unreadable += s != PM_OK;
	n->count = c.found;
	return c.no_memory ? pm_fail(err, PM_NOMEM, 0, "out of memory") : PM_OK;
}

/* ---- backward ---- */

static bool see_back(void *arg, const struct pm_ref *ref)
{
	struct collector *c = arg;
	take(c, &(struct pm_neighbour){c->holder, *ref, NULL});
	return !c->no_memory;
}

/* All references of one holder. */
static bool see_holder(const struct pm_neighbourhood *h,
	struct pm_neighbours *n, uint32_t node)
{
	const struct pm_graph *g = h->r->session->graph;
	const struct pm_objects *o = &g->h->objects;
	struct collector c = {h, n, g->addr[node], 0, false};
	struct pm_object x;
	enum pm_status s = pm_object_load(o, c.holder, &x, NULL);
	if (s == PM_OK)
		s = pm_holder_refs_each(h->holders, o, &x,
			g->out_begin[node + 1] - g->out_begin[node], n->of,
			see_back, &c);
	n->unreadable += s != PM_OK;
	return !c.no_memory;
}

/* What is static or interned is so by itself: nothing refers to it. */
static bool is_holder(const struct pm_root *root)
{
	return root->kind != PM_ROOT_STATIC && root->kind != PM_ROOT_INTERNED &&
	       root->kind != PM_ROOT_IMMORTAL;
}

static bool find_roots(const struct pm_neighbourhood *h,
	struct pm_neighbours *n, uint32_t node)
{
	const struct pm_graph *g = h->r->session->graph;
	const struct pm_graph_root *end = g->roots.data + g->roots.len;
	const struct pm_graph_root *r = pm_graph_roots_of(g, node);
	struct collector c = {h, n, 0, 0, false};
	for (; r && r < end && r->node == node && !c.no_memory; r++)
		if (is_holder(&r->root))
			take(&c, &(struct pm_neighbour){.root = &r->root});
	n->count += c.found;
	return !c.no_memory;
}

static enum pm_status find_backward(const struct pm_neighbourhood *h,
	struct pm_neighbours *n, double deadline, bool *ret_done,
	struct pm_error *err)
{
	const struct pm_graph *g = h->r->session->graph;
	uint32_t node = pm_graph_node(g, n->of);
	bool good = true;
	*ret_done = true;
	if (node == PM_NO_NODE)
		return PM_OK;
	if (!n->begun)
		n->at = g->in_begin[node];
	n->begun = true;
	for (unsigned i = 1; good && n->at < g->in_begin[node + 1]; i++) {
		uint32_t from = pm_edge_node(g->in[n->at]);
		uint64_t first = n->at;
		if (i % 64 == 0 && pm_now() > deadline) {
			*ret_done = false;
			return PM_OK;
		}
		/* Several references of one object stand side by side. */
		while (n->at < g->in_begin[node + 1] &&
			pm_edge_node(g->in[n->at]) == from)
			n->at++;
		if (is_left_out(h, pm_graph_type_name(g, from)))
			continue;
		n->count += n->at - first;
		if (!h->limit || n->list.len < h->limit)
			good = see_holder(h, n, from);
	}
	if (!good || !find_roots(h, n, node))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

enum pm_status pm_neighbours_find(const struct pm_neighbourhood *h,
	struct pm_neighbours *n, double seconds, bool *ret_done,
	struct pm_error *err)
{
	if (h->backward)
		return find_backward(h, n, pm_now() + seconds, ret_done, err);
	*ret_done = true;
	return find_forward(h, n, err);
}

/* ---- in words ---- */

void pm_neighbour_describe(const struct pm_neighbourhood *h,
	const struct pm_neighbours *n, const struct pm_neighbour *x,
	struct pm_strbuf *out)
{
	struct pm_heap *heap = h->r->session->heap;
	pm_addr holder = h->backward ? x->addr : n->of;
	struct pm_object holding;
	if (x->root)
		pm_root_name(heap, x->root, true, out);
	else if (pm_object_load(&heap->objects, holder, &holding, NULL) ==
		 PM_OK)
		pm_ref_describe(&heap->objects, &holding, &x->ref, out);
	else
		pm_strbuf_putc(out, '?');
}

bool pm_neighbour_is_exact(const struct pm_neighbour *x)
{
	return x->root ? pm_root_kind_is_precise(x->root->kind)
		       : x->ref.via != PM_VIA_NATIVE;
}
