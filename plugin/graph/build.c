/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/build.h"
#include "heap/interned.h"
#include "heap/scan.h"
#include "heap/team.h"
#include "object/refs.h"

#include <string.h>

#define CHUNK_EDGES (UINT32_C(1) << 18)
#define CACHE_BITS 12
#define NODES_AT_ONCE (UINT32_C(1) << 16)
#define PLACED_AT_ONCE 16

/* The pass over the heap; edges to where they belong; then backward. */
enum phase { PHASE_SCAN, PHASE_PLACE, PHASE_COUNT, PHASE_REVERSE, PHASE_DONE };

/* Nodes side by side whose edges are, too. */
struct span {
	uint32_t node;
	uint64_t at; /* of its first edge in the collector's chunks */
};

struct cached_node {
	pm_addr addr;
	uint32_t node;
};

/* One thread's edges, in the order of its nodes. */
struct collector {
	struct pm_graph *g;
	PM_VEC(uint32_t *) chunks;
	PM_VEC(struct span) spans;
	PM_VEC(struct pm_large_node) large;
	uint64_t edges;
	uint32_t next; /* the node that would continue the span */
	uint32_t degree;
	uint64_t unreadable, inconsistent;
	bool no_memory;
	/* Few objects outside of the pools are what many refer to. */
	struct cached_node cache[1 << CACHE_BITS];
};

struct pm_graph_build {
	struct pm_graph *g;
	struct pm_scan *scan;
	struct collector *collectors[PM_TEAM_MAX];
	enum phase phase;
	unsigned who; /* whose edges are placed */
	size_t span;
	uint32_t node;
};

void pm_graph_build_destroy(struct pm_graph_build *b)
{
	if (!b)
		return;
	pm_scan_destroy(b->scan);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		struct collector *c = b->collectors[i];
		if (!c)
			continue;
		pm_vec_each (chunk, &c->chunks)
			free(*chunk);
		pm_vec_deinit(&c->chunks);
		pm_vec_deinit(&c->spans);
		pm_vec_deinit(&c->large);
		free(c);
	}
	pm_graph_destroy(b->g);
	free(b);
}

/* ---- the pass ---- */

static uint32_t node_at(struct collector *c, pm_addr addr)
{
	if (pm_pools_inside(c->g->h->pools, addr))
		return pm_graph_node(c->g, addr);
	struct cached_node *k = &c->cache[(addr >> 3) * 0x9E3779B97F4A7C15u >>
					  (64 - CACHE_BITS)];
	if (k->addr != addr)
		*k = (struct cached_node){addr, pm_graph_node(c->g, addr)};
	return k->node;
}

static bool add_edge(void *arg, const struct pm_ref *ref)
{
	struct collector *c = arg;
	uint32_t node = node_at(c, ref->target);
	if (node == PM_NO_NODE)
		return true;
	if (ref->via == PM_VIA_NATIVE)
		node |= PM_EDGE_NATIVE;
	if (c->edges % CHUNK_EDGES == 0) {
		uint32_t *chunk = malloc(CHUNK_EDGES * sizeof *chunk);
		if (!chunk || !pm_vec_push(&c->chunks, chunk)) {
			free(chunk);
			c->no_memory = true;
			return false;
		}
	}
	c->chunks.data[c->edges / CHUNK_EDGES][c->edges % CHUNK_EDGES] = node;
	c->edges++;
	c->degree++;
	return true;
}

/* false: its lengths make no sense, and are not followed. */
static bool take_size(struct collector *c, const struct pm_objects *o,
	uint32_t node, const struct pm_object *x)
{
	struct pm_measure m;
	enum pm_status s = pm_object_measure(o, x, &m);
	if (s == PM_CORRUPT) {
		c->inconsistent++;
		return false;
	}
	c->unreadable += s != PM_OK;
	c->g->bytes[node] = m.size < UINT32_MAX ? (uint32_t)m.size : UINT32_MAX;
	if (m.size >= UINT32_MAX &&
		!pm_vec_push(&c->large, (struct pm_large_node){node, m.size}))
		c->no_memory = true;
	return true;
}

static bool is_weak(const struct pm_graph_build *b, const struct pm_scanned *x)
{
	if (x->type->kind == PM_KIND_DICT)
		pm_vec_each (w, &b->g->weak)
			if (*w == x->addr)
				return true;
	return false;
}

static bool see(void *arg, unsigned who, const struct pm_scanned *x)
{
	struct pm_graph_build *b = arg;
	struct collector *c = b->collectors[who];
	const struct pm_objects *o = pm_scan_objects(b->scan, who);
	uint32_t node = pm_graph_node(c->g, x->addr);
	struct pm_object obj;
	if (node == PM_NO_NODE) {
		c->inconsistent++;
		return true;
	}
	pm_scan_load(b->scan, x, &obj);
	c->g->type[node] = x->type->id;
	bool sound = take_size(c, o, node, &obj);
	/* Nodes of two threads may share a word. */
	if (obj.immortal && node < c->g->inside)
		__atomic_fetch_or(&c->g->immortal[node / 64],
			UINT64_C(1) << node % 64, __ATOMIC_RELAXED);
	if (node != c->next &&
		!pm_vec_push(&c->spans, (struct span){node, c->edges}))
		return false;
	c->next = node + 1;
	c->degree = 0;
	if (sound && !is_weak(b, x) &&
		pm_refs_each(o, &obj, add_edge, c) != PM_OK)
		c->unreadable++;
	c->g->out_begin[node + 1] = c->degree;
	return !c->no_memory;
}

/* The interned strings' own references are not counted by the strings; a
   string that nobody else holds goes. */
static enum pm_status find_weak(struct pm_graph_build *b, struct pm_error *err)
{
	pm_auto_interned t = {0};
	enum pm_status s = pm_interned_open(b->g->h, &t, err);
	if (s == PM_ABSENT)
		return PM_OK;
	PM_TRY(s);
	pm_vec_each (d, &t.dicts)
		if (!pm_vec_push(&b->g->weak, *d))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static void cleanup_build(struct pm_graph_build **b)
{
	pm_graph_build_destroy(*b);
}

enum pm_status pm_graph_build_create(
	struct pm_heap *h, struct pm_graph_build **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_build)
	struct pm_graph_build *b = calloc(1, sizeof *b);
	if (!b)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_graph_create(h, &b->g, err));
	PM_TRY(find_weak(b, err));
	PM_TRY(pm_scan_create(h, NULL, 0, see, b, &b->scan, err));
	for (unsigned i = 0; i < pm_scan_threads(b->scan); i++) {
		b->collectors[i] = calloc(1, sizeof *b->collectors[i]);
		if (!b->collectors[i])
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		b->collectors[i]->g = b->g;
		b->collectors[i]->next = PM_NO_NODE;
	}
	*ret = pm_take(b);
	return PM_OK;
}

/* ---- to where they belong ---- */

static int by_node(const void *a, const void *b)
{
	const struct pm_large_node *x = a, *y = b;
	return x->node < y->node ? -1 : x->node > y->node;
}

static enum pm_status begin_place(
	struct pm_graph_build *b, struct pm_error *err)
{
	struct pm_graph *g = b->g;
	g->unreadable = pm_scan_unreadable(b->scan);
	pm_scan_destroy(pm_take(b->scan));
	for (unsigned i = 0; i < PM_TEAM_MAX && b->collectors[i]; i++) {
		struct collector *c = b->collectors[i];
		g->edges += c->edges;
		g->unreadable += c->unreadable;
		g->inconsistent += c->inconsistent;
		pm_vec_each (l, &c->large)
			if (!pm_vec_push(&g->large, *l))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
	}
	if (g->edges >= UINT32_MAX)
		return pm_fail(err, PM_LIMIT, 0,
			"%llu references are more than a graph can have",
			(unsigned long long)g->edges);
	if (g->large.len)
		qsort(g->large.data, g->large.len, sizeof *g->large.data,
			by_node);
	for (uint32_t i = 0; i < g->n; i++)
		g->out_begin[i + 1] += g->out_begin[i];
	g->out = malloc((g->edges + 1) * sizeof *g->out);
	if (!g->out)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	b->phase = PHASE_PLACE;
	return PM_OK;
}

static void place_span(struct pm_graph *g, struct collector *c, size_t i)
{
	const struct span *s = &c->spans.data[i];
	uint64_t end = i + 1 < c->spans.len ? s[1].at : c->edges;
	uint32_t *to = g->out + g->out_begin[s->node];
	for (uint64_t at = s->at; at < end;) {
		uint64_t in_chunk = at % CHUNK_EDGES;
		uint64_t n = CHUNK_EDGES - in_chunk;
		if (n > end - at)
			n = end - at;
		uint32_t **chunk = &c->chunks.data[at / CHUNK_EDGES];
		memcpy(to, *chunk + in_chunk, n * sizeof *to);
		if (in_chunk + n == CHUNK_EDGES) { /* was the last of it */
			free(*chunk);
			*chunk = NULL;
		}
		to += n;
		at += n;
	}
}

static enum pm_status place(struct pm_graph_build *b, struct pm_error *err)
{
	struct pm_graph *g = b->g;
	struct collector *c = b->collectors[b->who];
	for (int i = 0; i < PLACED_AT_ONCE && b->span < c->spans.len; i++)
		place_span(g, c, b->span++);
	if (b->span < c->spans.len)
		return PM_OK;
	pm_vec_each (chunk, &c->chunks) {
		free(*chunk);
		*chunk = NULL;
	}
	b->span = 0;
	if (++b->who < PM_TEAM_MAX && b->collectors[b->who])
		return PM_OK;
	g->in_begin = calloc((size_t)g->n + 2, sizeof *g->in_begin);
	g->in = malloc((g->edges + 1) * sizeof *g->in);
	if (!g->in_begin || !g->in)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	b->phase = PHASE_COUNT;
	return PM_OK;
}

/* ---- backward ---- */

/* A counting sort by target: in_begin[t + 2] counts; then in_begin[t + 1] says
   where the next edge to t goes, and at the end where t's end. */
static void count(struct pm_graph_build *b)
{
	struct pm_graph *g = b->g;
	uint32_t end =
		g->n - b->node < NODES_AT_ONCE ? g->n : b->node + NODES_AT_ONCE;
	for (uint64_t i = g->out_begin[b->node]; i < g->out_begin[end]; i++)
		g->in_begin[pm_edge_node(g->out[i]) + 2]++;
	b->node = end;
	if (end < g->n)
		return;
	for (uint32_t i = 0; i < g->n; i++)
		g->in_begin[i + 1] += g->in_begin[i];
	b->node = 0;
	b->phase = PHASE_REVERSE;
}

static void reverse(struct pm_graph_build *b)
{
	struct pm_graph *g = b->g;
	uint32_t end =
		g->n - b->node < NODES_AT_ONCE ? g->n : b->node + NODES_AT_ONCE;
	for (uint32_t v = b->node; v < end; v++)
		for (uint32_t i = g->out_begin[v]; i < g->out_begin[v + 1];
			i++) {
			uint32_t e = g->out[i];
			g->in[g->in_begin[pm_edge_node(e) + 1]++] =
				v | (e & PM_EDGE_NATIVE);
		}
	b->node = end;
	if (end == g->n)
		b->phase = PHASE_DONE;
}

enum pm_status pm_graph_build_step(struct pm_graph_build *b, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	while (b->phase != PHASE_DONE && pm_now() < deadline) {
		bool done = false;
		switch (b->phase) {
		case PHASE_SCAN:
			PM_TRY(pm_scan_step(
				b->scan, deadline - pm_now(), &done, err));
			if (done)
				PM_TRY(begin_place(b, err));
			break;
		case PHASE_PLACE:
			PM_TRY(place(b, err));
			break;
		case PHASE_COUNT:
			count(b);
			break;
		case PHASE_REVERSE:
			reverse(b);
			break;
		case PHASE_DONE:
			break;
		}
	}
	*ret_done = b->phase == PHASE_DONE;
	return PM_OK;
}

/* In thousandths: the pass over the heap takes most of the time. */
void pm_graph_build_progress(
	const struct pm_graph_build *b, uint64_t *ret_done, uint64_t *ret_total)
{
	static const unsigned begin[] = {[PHASE_SCAN] = 0,
		[PHASE_PLACE] = 700,
		[PHASE_COUNT] = 750,
		[PHASE_REVERSE] = 800,
		[PHASE_DONE] = 1000};
	uint64_t done = b->node, total = b->g ? b->g->n : 0;
	if (b->phase == PHASE_SCAN)
		pm_scan_progress(b->scan, &done, &total);
	if (b->phase == PHASE_DONE || !total)
		done = total = 1;
	*ret_total = 1000;
	*ret_done = begin[b->phase];
	if (b->phase != PHASE_DONE)
		*ret_done += (begin[b->phase + 1] - begin[b->phase]) *
			     (done < total ? done : total) / total;
}

struct pm_graph *pm_graph_build_take(struct pm_graph_build *b)
{
	return b->phase == PHASE_DONE ? pm_take(b->g) : NULL;
}
