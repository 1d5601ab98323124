/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/clock.h"
#include "export/export-internal.h"
#include "graph/biggest.h"

#include <string.h>

#define AT_ONCE 32
/* Edges between looks at the clock. */
#define CLOCK_EVERY 16

static const struct pm_export_format *const formats[] = {
	[PM_EXPORT_HEAPSNAPSHOT] = &pm_export_heapsnapshot,
	[PM_EXPORT_CSV] = &pm_export_csv,
	[PM_EXPORT_JSON] = &pm_export_json,
	[PM_EXPORT_DOT] = &pm_export_dot,
};

void pm_export_destroy(struct pm_export *x)
{
	if (!x)
		return;
	if (x->own)
		x->format->finish(x);
	for (size_t i = 0; i < PM_EXPORT_OUTS; i++)
		pm_out_deinit(&x->out[i]);
	pm_vec_each (f, &x->result.files)
		free(f->path);
	pm_vec_deinit(&x->result.files);
	free(x->path);
	free(x->only);
	free(x->order);
	free(x);
}

static void cleanup_export(struct pm_export **x)
{
	pm_export_destroy(*x);
}

/* Only those that retain most. */
static enum pm_status choose(struct pm_export *x, struct pm_error *err)
{
	pm_auto_free uint32_t *nodes = NULL;
	size_t n = 0;
	PM_TRY(pm_biggest(x->g, NULL, NULL, x->q.top, &nodes, &n, err));
	x->only = calloc((size_t)x->g->n / 64 + 1, sizeof *x->only);
	if (!x->only)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (n > x->q.top)
		n = x->q.top;
	for (size_t i = 0; i < n; i++)
		x->only[nodes[i] / 64] |= UINT64_C(1) << nodes[i] % 64;
	x->result.left_out = x->g->n - n;
	return PM_OK;
}

enum pm_status pm_export_create(const struct pm_graph *g,
	const struct pm_export_request *q, struct pm_export **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_export) struct pm_export *x = calloc(1, sizeof *x);
	if (!x)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	x->g = g;
	x->q = *q;
	x->format = formats[q->kind];
	x->path = strdup(q->path);
	if (!x->path)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	x->q.path = x->path;
	if (q->top)
		PM_TRY(choose(x, err));
	*ret = pm_take(x);
	return PM_OK;
}

static enum pm_status flush(struct pm_export *x, struct pm_error *err)
{
	for (size_t i = 0; i < PM_EXPORT_OUTS; i++)
		PM_TRY(pm_out_flush(&x->out[i], false, err));
	return PM_OK;
}

/* The next phase begins. */
static enum pm_status enter(
	struct pm_export *x, enum pm_export_phase phase, struct pm_error *err)
{
	x->at = 0;
	x->phase = phase;
	if (phase == PM_EXPORT_ROOTS && x->format->roots)
		return x->format->roots(x, err);
	if (phase == PM_EXPORT_EDGES && x->format->edges)
		return x->format->edges(x, err);
	return PM_OK;
}

static struct pm_export_node load(
	const struct pm_export *x, uint32_t node, struct pm_object *object)
{
	const struct pm_graph *g = x->g;
	bool sound = pm_object_load(&g->h->objects, g->addr[node], object,
			     NULL) == PM_OK;
	return (struct pm_export_node){.node = node,
		.object = sound ? object : NULL,
		.type = pm_graph_type(g, node)};
}

static void one_node(struct pm_export *x)
{
	struct pm_object object;
	if (!pm_export_wants(x, x->at))
		return;
	const struct pm_export_node n = load(x, x->at, &object);
	x->format->node(x, &n);
	x->result.objects++;
	x->result.nodes++;
	x->result.size += pm_graph_size(x->g, x->at);
}

static void one_root(struct pm_export *x)
{
	const struct pm_graph_root *r =
		&x->g->roots.data[x->order ? x->order[x->at] : x->at];
	if (!pm_export_wants(x, r->node))
		return;
	x->format->root(x, r);
	x->result.roots++;
	x->result.edges++;
}

/* ---- edges ---- */

/* The references of one object, from where the last step ended. */
struct telling {
	struct pm_export *x;
	const struct pm_export_node *from;
	uint64_t seen;
	uint32_t degree;
	double deadline;
	bool late;
};

static void tell(struct telling *t, const struct pm_ref *ref)
{
	struct pm_export *x = t->x;
	uint32_t e = x->g->out[x->g->out_begin[t->from->node] + x->edge++];
	if (!pm_export_wants(x, pm_edge_node(e)))
		return;
	const struct pm_export_edge edge = {.from = t->from,
		.to = pm_edge_node(e),
		.ref = ref,
		.guess = e & PM_EDGE_NATIVE};
	x->format->edge(x, &edge);
	x->result.nameless += !ref;
	x->result.references++;
	x->result.edges++;
}

/* The graph has them in this order, those to no object left out.  Where one
   does not fit (the target runs), its edge stays, without a name. */
static bool see(void *arg, const struct pm_ref *ref)
{
	struct telling *t = arg;
	struct pm_export *x = t->x;
	if (t->seen++ < x->refs)
		return true;
	x->refs++;
	uint32_t node = pm_graph_node(x->g, ref->target);
	if (node == PM_NO_NODE)
		return true;
	uint32_t e = x->g->out[x->g->out_begin[t->from->node] + x->edge];
	tell(t, node == pm_edge_node(e) ? ref : NULL);
	/* One that has millions takes several steps. */
	if (x->edge % CLOCK_EVERY == 0 && pm_now() > t->deadline &&
		x->edge < t->degree)
		t->late = true;
	return !t->late && x->edge < t->degree;
}

static enum pm_status edges_of(struct pm_export *x, double deadline,
	bool *ret_late, struct pm_error *err)
{
	const struct pm_graph *g = x->g;
	struct pm_object object;
	uint32_t degree = g->out_begin[x->at + 1] - g->out_begin[x->at];
	*ret_late = false;
	if (degree && pm_export_wants(x, x->at)) {
		const struct pm_export_node n = load(x, x->at, &object);
		struct telling t = {x, &n, 0, degree, deadline, false};
		if (n.object) {
			/* What can't be read now has no name. */
			enum pm_status s =
				pm_refs_each(&g->h->objects, n.object, see, &t);
			(void)s;
		}
		*ret_late = t.late;
		while (!t.late && x->edge < degree) {
			tell(&t, NULL);
			if (x->edge % 1024 == 0)
				PM_TRY(flush(x, err));
		}
		if (t.late)
			return flush(x, err);
	}
	x->refs = 0;
	x->edge = 0;
	return PM_OK;
}

/* ---- steps ---- */

static enum pm_status nodes(struct pm_export *x, struct pm_error *err)
{
	for (int i = 0; i < AT_ONCE && x->at < x->g->n; i++, x->at++)
		one_node(x);
	return x->at < x->g->n ? PM_OK : enter(x, PM_EXPORT_ROOTS, err);
}

static enum pm_status roots(struct pm_export *x, struct pm_error *err)
{
	size_t n = x->g->roots.len;
	for (int i = 0; i < AT_ONCE && x->at < n; i++, x->at++)
		one_root(x);
	return x->at < n ? PM_OK : enter(x, PM_EXPORT_EDGES, err);
}

static enum pm_status edges(
	struct pm_export *x, double deadline, struct pm_error *err)
{
	bool late = false;
	for (int i = 0; i < AT_ONCE && x->at < x->g->n; i++) {
		PM_TRY(edges_of(x, deadline, &late, err));
		if (late)
			return PM_OK;
		x->at++;
	}
	return x->at < x->g->n ? PM_OK : enter(x, PM_EXPORT_END, err);
}

static enum pm_status end(struct pm_export *x, struct pm_error *err)
{
	bool done = false;
	PM_TRY(x->format->end(x, &done, err));
	if (!done)
		return PM_OK;
	for (size_t i = 0; i < PM_EXPORT_OUTS; i++) {
		struct pm_out *o = &x->out[i];
		if (!o->path)
			continue;
		PM_TRY(pm_out_flush(o, true, err));
		if (!pm_vec_push(&x->result.files,
			    (struct pm_export_file){o->path, o->written}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		o->path = NULL;
	}
	for (size_t i = 0; i < PM_EXPORT_OUTS; i++)
		if (x->out[i].file)
			PM_TRY(pm_out_commit(&x->out[i], err));
	x->phase = PM_EXPORT_DONE;
	return PM_OK;
}

enum pm_status pm_export_step(struct pm_export *x, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	do {
		switch (x->phase) {
		case PM_EXPORT_BEGIN:
			PM_TRY(x->format->begin(x, err));
			PM_TRY(enter(x, PM_EXPORT_NODES, err));
			break;
		case PM_EXPORT_NODES:
			PM_TRY(nodes(x, err));
			break;
		case PM_EXPORT_ROOTS:
			PM_TRY(roots(x, err));
			break;
		case PM_EXPORT_EDGES:
			PM_TRY(edges(x, deadline, err));
			break;
		case PM_EXPORT_END:
			PM_TRY(end(x, err));
			break;
		case PM_EXPORT_DONE:
			break;
		}
		PM_TRY(flush(x, err));
	} while (x->phase != PM_EXPORT_DONE && pm_now() < deadline);
	*ret_done = x->phase == PM_EXPORT_DONE;
	return PM_OK;
}

void pm_export_progress(
	const struct pm_export *x, uint64_t *ret_done, uint64_t *ret_total)
{
	const struct pm_graph *g = x->g;
	*ret_total = (uint64_t)g->n + g->edges + 1;
	*ret_done = 0;
	if (x->phase == PM_EXPORT_NODES)
		*ret_done = x->at;
	else if (x->phase == PM_EXPORT_ROOTS)
		*ret_done = g->n;
	else if (x->phase == PM_EXPORT_EDGES)
		*ret_done = (uint64_t)g->n + g->out_begin[x->at] + x->edge;
	else if (x->phase >= PM_EXPORT_END)
		*ret_done = *ret_total;
}

const struct pm_export_result *pm_export_result(const struct pm_export *x)
{
	return &x->result;
}
