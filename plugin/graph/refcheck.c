/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/refcheck.h"
#include "graph/root-nodes.h"
#include "heap/scan.h"
#include "heap/team.h"

/* One thread's part. */
struct checker {
	struct pm_refcheck r;
};

struct pm_refcheck_job {
	struct pm_graph *g;
	struct pm_scan *scan;
	struct checker *checkers[PM_TEAM_MAX];
	struct pm_refcheck r;
	size_t limit;
};

static void deinit(struct pm_refcheck *r)
{
	free(r->types);
	pm_vec_deinit(&r->odd);
}

void pm_refcheck_destroy(struct pm_refcheck_job *j)
{
	if (!j)
		return;
	pm_scan_destroy(j->scan);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		if (j->checkers[i]) {
			deinit(&j->checkers[i]->r);
			free(j->checkers[i]);
		}
	deinit(&j->r);
	free(j);
}

static void cleanup_job(struct pm_refcheck_job **j)
{
	pm_refcheck_destroy(*j);
}

/* References of roots that ob_refcnt counts, and words in variables. */
static int64_t counted_roots(
	const struct pm_graph *g, uint32_t node, uint32_t *ret_variables)
{
	const struct pm_graph_root *r = pm_graph_roots_of(g, node);
	const struct pm_graph_root *end = g->roots.data + g->roots.len;
	int64_t n = 0;
	*ret_variables = 0;
	for (; r && r < end && r->node == node; r++) {
		n += r->root.counted;
		*ret_variables += r->root.kind == PM_ROOT_GLOBAL;
	}
	return n;
}

/* As many guesses as explain the rest are believed. */
static int64_t believe(int64_t surplus, uint32_t guesses)
{
	if (surplus <= 0)
		return surplus;
	return surplus < guesses ? 0 : surplus - guesses;
}

/* A tuple that property_descr_get in Objects/descrobject.c (3.5 to 3.7) keeps
   in a variable for its next call: its item is the last call's, and borrowed.
   No other tuple that the collector does not track has an item that it does. */
static bool is_cached_arguments(const struct pm_graph *g,
	const struct pm_objects *o, uint32_t node, const struct pm_object *item)
{
	struct pm_object x;
	uint32_t variables;
	return pm_object_load(o, g->addr[node], &x, NULL) == PM_OK &&
	       x.type->kind == PM_KIND_TUPLE &&
	       pm_get(o->l, pm_object_body(&x), o->l->f.var_object.size) == 1 &&
	       !pm_object_is_tracked(o, &x) && pm_object_is_tracked(o, item) &&
	       g->in_begin[node] == g->in_begin[node + 1] &&
	       !counted_roots(g, node, &variables) && variables;
}

static int64_t borrowed(const struct pm_graph *g, const struct pm_objects *o,
	uint32_t node, const struct pm_object *x)
{
	int64_t n = 0;
	for (uint32_t i = g->in_begin[node]; i < g->in_begin[node + 1]; i++)
		n += is_cached_arguments(g, o, pm_edge_node(g->in[i]), x);
	return n;
}

static void add(struct pm_refcheck_sums *s, int64_t surplus, bool by_variables)
{
	s->objects++;
	s->exact += !surplus;
	s->by_variables += by_variables;
	s->surplus += surplus > 0;
	s->deficit += surplus < 0;
	s->surplus_counts += surplus > 0 ? (uint64_t)surplus : 0;
	s->deficit_counts += surplus < 0 ? (uint64_t)-surplus : 0;
}

static bool see(void *arg, unsigned who, const struct pm_scanned *x)
{
	struct pm_refcheck_job *j = arg;
	const struct pm_graph *g = j->g;
	struct checker *c = j->checkers[who];
	struct pm_object obj;
	uint32_t node = pm_graph_node(g, x->addr);
	if (node == PM_NO_NODE || x->is_static)
		return true;
	pm_scan_load(j->scan, x, &obj);
	if (obj.immortal) {
		c->r.immortal++;
		return true;
	}
	if (pm_object_is_deferred(pm_scan_objects(j->scan, who), &obj)) {
		c->r.deferred++;
		return true;
	}
	uint32_t native = 0, variables;
	int64_t found = counted_roots(g, node, &variables);
	for (uint32_t i = g->in_begin[node]; i < g->in_begin[node + 1]; i++) {
		bool guess = g->in[i] & PM_EDGE_NATIVE;
		native += guess;
		found += !guess;
	}
	if (obj.refcnt < found)
		found -= borrowed(g, pm_scan_objects(j->scan, who), node, &obj);
	int64_t left = believe(obj.refcnt - found, native);
	int64_t surplus = believe(left, variables);
	bool by_variables = left && !surplus;
	add(&c->r.all, surplus, by_variables);
	if (x->type->id < c->r.ntypes)
		add(&c->r.types[x->type->id], surplus, by_variables);
	native += variables;
	if (surplus && c->r.odd.len < j->limit &&
		!pm_vec_push(&c->r.odd, (struct pm_refcheck_object){node,
						obj.refcnt, found, native}))
		return false;
	return true;
}

static enum pm_status init(
	struct pm_refcheck *r, uint32_t ntypes, struct pm_error *err)
{
	r->ntypes = ntypes;
	r->types = calloc(ntypes + 1, sizeof *r->types);
	return r->types ? PM_OK : pm_fail(err, PM_NOMEM, 0, "out of memory");
}

enum pm_status pm_refcheck_create(struct pm_graph *g, size_t limit,
	struct pm_refcheck_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_refcheck_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	uint32_t ntypes = pm_types_count(g->h->types);
	j->g = g;
	j->limit = limit;
	PM_TRY(init(&j->r, ntypes, err));
	PM_TRY(pm_scan_create(g->h, NULL, 0, see, j, &j->scan, err));
	for (unsigned i = 0; i < pm_scan_threads(j->scan); i++) {
		j->checkers[i] = calloc(1, sizeof *j->checkers[i]);
		if (!j->checkers[i])
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		PM_TRY(init(&j->checkers[i]->r, ntypes, err));
	}
	*ret = pm_take(j);
	return PM_OK;
}

static void merge(struct pm_refcheck_sums *to, const struct pm_refcheck_sums *s)
{
	to->objects += s->objects;
	to->exact += s->exact;
	to->by_variables += s->by_variables;
	to->surplus += s->surplus;
	to->deficit += s->deficit;
	to->surplus_counts += s->surplus_counts;
	to->deficit_counts += s->deficit_counts;
}

static int by_node(const void *a, const void *b)
{
	const struct pm_refcheck_object *x = a, *y = b;
	return x->node < y->node ? -1 : x->node > y->node;
}

static enum pm_status gather(struct pm_refcheck_job *j, struct pm_error *err)
{
	struct pm_refcheck *r = &j->r;
	r->unreadable = pm_scan_unreadable(j->scan);
	for (unsigned i = 0; i < PM_TEAM_MAX && j->checkers[i]; i++) {
		struct pm_refcheck *part = &j->checkers[i]->r;
		merge(&r->all, &part->all);
		for (uint32_t t = 0; t < r->ntypes; t++)
			merge(&r->types[t], &part->types[t]);
		r->immortal += part->immortal;
		r->deferred += part->deferred;
		pm_vec_each (o, &part->odd)
			if (!pm_vec_push(&r->odd, *o))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
	}
	if (r->odd.len)
		qsort(r->odd.data, r->odd.len, sizeof *r->odd.data, by_node);
	return PM_OK;
}

enum pm_status pm_refcheck_step(struct pm_refcheck_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	bool done = false;
	PM_TRY(pm_scan_step(j->scan, seconds, &done, err));
	if (done)
		PM_TRY(gather(j, err));
	*ret_done = done;
	return PM_OK;
}

void pm_refcheck_progress(const struct pm_refcheck_job *j, uint64_t *ret_done,
	uint64_t *ret_total)
{
	pm_scan_progress(j->scan, ret_done, ret_total);
}

const struct pm_refcheck *pm_refcheck_result(const struct pm_refcheck_job *j)
{
	return &j->r;
}
