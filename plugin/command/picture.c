/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/picture.h"
#include "command/graphviz.h"
#include "command/output.h"
#include "command/walking.h"
#include "graph/expression.h"
#include "graph/root-nodes.h"
#include "heap/team.h"
#include "object/repr.h"

#include <inttypes.h>
#include <string.h>

/* More is not readable. */
#define OBJECTS_DRAWN 100
/* Of one object, so many neighbours. */
#define NEIGHBOURS_DRAWN 12
/* Of a long path, so many steps at each end. */
#define STEPS_DRAWN 30
#define REPR_DRAWN 40

bool pm_drawing_wanted(const struct pm_run *r)
{
	return pm_run_given(r, "dot") || pm_run_given(r, "svg");
}

enum pm_status pm_drawing_check(const struct pm_run *r, struct pm_error *err)
{
	return pm_run_given(r, "svg") ? pm_graphviz_check(err) : PM_OK;
}

void pm_drawing_init(struct pm_drawing *d, const struct pm_neighbourhood *h,
	uint64_t deepest)
{
	*d = (struct pm_drawing){.h = *h, .deepest = deepest};
	if (!pm_run_given(h->r, "top"))
		d->h.limit = NEIGHBOURS_DRAWN;
}

void pm_drawing_deinit(struct pm_drawing *d)
{
	pm_picture_deinit(&d->picture);
	pm_vec_deinit(&d->objects);
	pm_map_deinit(&d->by_addr);
	pm_neighbours_deinit(&d->level);
	pm_strbuf_deinit(&d->dot);
	pm_graphviz_destroy(pm_take(d->job));
}

/* ---- nodes ---- */

static uint32_t add_node(struct pm_drawing *d, enum pm_figure figure,
	unsigned depth, bool held, pm_addr addr, const char *text)
{
	uint32_t node = pm_picture_add(&d->picture, figure, depth, held, text);
	if (!pm_vec_push(&d->objects, addr))
		d->picture.failed = true;
	return node;
}

static enum pm_figure figure_of(const struct pm_object *x)
{
	if (x->type->kind == PM_KIND_MODULE)
		return PM_FIGURE_MODULE;
	return x->type->kind == PM_KIND_TYPE ? PM_FIGURE_CLASS
					     : PM_FIGURE_OBJECT;
}

/* Does a root hold it directly, as far as it is known by now? */
static bool is_held(const struct pm_run *r, pm_addr addr)
{
	const struct pm_graph *g = r->session->graph;
	if (!g || !g->has_roots)
		return false;
	uint32_t node = pm_graph_node(g, addr);
	const struct pm_root *root =
		node == PM_NO_NODE ? NULL : pm_graph_root(g, node);
	return root && pm_root_kind_is_precise(root->kind) &&
	       !pm_root_is_incidental(root);
}

/* The node of an object, made if there is room; false: there is none. */
static bool put_object(
	struct pm_drawing *d, pm_addr addr, unsigned depth, uint32_t *ret)
{
	struct pm_run *r = d->h.r;
	const struct pm_objects *o = &r->session->heap->objects;
	pm_auto_strbuf text = {0};
	struct pm_object x;
	const struct pm_map_slot *known = pm_map_find(&d->by_addr, addr);
	if (known) {
		*ret = (uint32_t)(known->value - 1);
		return true;
	}
	if (d->drawn == OBJECTS_DRAWN)
		return false;
	enum pm_figure figure = PM_FIGURE_OBJECT;
	if (pm_object_load(o, addr, &x, NULL) == PM_OK) {
		pm_strbuf_printf(&text, "%s\n", x.type->name);
		figure = figure_of(&x);
	}
	pm_repr(o, addr, REPR_DRAWN, &text);
	if (!r->session->stable_ids)
		pm_strbuf_printf(&text, "\n0x%" PRIx64, addr);
	*ret = add_node(d, figure, depth, is_held(r, addr), addr,
		pm_strbuf_text(&text));
	struct pm_map_slot *s = pm_map_put(&d->by_addr, addr, NULL);
	if (s)
		s->value = *ret + 1;
	d->picture.failed = d->picture.failed || !s || text.failed;
	d->drawn++;
	return true;
}

/* "37 more", beside a node. */
static void put_more(struct pm_drawing *d, uint32_t node, uint64_t more,
	const char *what, bool backward)
{
	char n[28], text[64];
	unsigned depth = d->picture.nodes.data[node].depth + 1;
	snprintf(text, sizeof text, "%s more%s", pm_grouped(more, n), what);
	uint32_t other = add_node(d, PM_FIGURE_MORE, depth, false, 0, text);
	if (!d->picture.failed)
		pm_picture_join(&d->picture, backward ? other : node,
			backward ? node : other, "", true);
}

/* ---- the surroundings of an object ---- */

static void put_neighbours(struct pm_drawing *d)
{
	const struct pm_neighbours *n = &d->level;
	uint64_t put = 0;
	unsigned depth = d->picture.nodes.data[d->at].depth + 1;
	pm_vec_each (x, &n->list) {
		pm_auto_strbuf label = {0};
		uint32_t node;
		if (d->picture.failed)
			return;
		pm_neighbour_describe(&d->h, n, x, &label);
		if (x->root)
			node = add_node(d, PM_FIGURE_ROOT, depth, false, 0,
				pm_strbuf_text(&label));
		else if (!put_object(d, x->addr, depth, &node))
			continue;
		put++;
		pm_picture_join(&d->picture, d->h.backward ? node : d->at,
			d->h.backward ? d->at : node,
			x->root ? "" : pm_strbuf_text(&label),
			pm_neighbour_is_exact(x));
	}
	if (n->count > put && !d->picture.failed)
		put_more(d, d->at, n->count - put, "", d->h.backward);
}

static enum pm_status open_node(
	struct pm_drawing *d, double seconds, struct pm_error *err)
{
	pm_addr addr = d->objects.data[d->at];
	bool found = false;
	if (!addr || d->picture.nodes.data[d->at].depth >= d->deepest) {
		d->at++;
		return PM_OK;
	}
	if (d->drawn == OBJECTS_DRAWN) {
		d->closed++;
		d->at++;
		return PM_OK;
	}
	d->level.of = addr;
	PM_TRY(pm_neighbours_find(&d->h, &d->level, seconds, &found, err));
	if (!found)
		return PM_OK;
	put_neighbours(d);
	pm_neighbours_deinit(&d->level);
	d->level = (struct pm_neighbours){0};
	d->at++;
	return PM_OK;
}

static enum pm_status search(struct pm_drawing *d, struct pm_error *err)
{
	double end = pm_now() + PM_STEP_SECONDS;
	uint32_t node;
	if (!d->drawn)
		(void)put_object(d, d->h.r->addr, 0, &node);
	while (!d->picture.failed && d->at < d->objects.len && pm_now() < end)
		PM_TRY(open_node(d, end - pm_now(), err));
	if (d->picture.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	d->searched = d->at == d->objects.len;
	return PM_OK;
}

/* ---- paths ---- */

static void join_step(struct pm_drawing *d, const struct pm_graph *g,
	const struct pm_path *p, size_t i, struct pm_vias *vias, uint32_t from,
	uint32_t to)
{
	struct pm_object holder;
	struct pm_ref ref = {.via = PM_VIA_NATIVE};
	pm_auto_strbuf label = {0};
	if (pm_path_via(g, p, i - 1, vias, &holder, &ref))
		pm_ref_describe(&g->h->objects, &holder, &ref, &label);
	pm_picture_join(&d->picture, from, to, pm_strbuf_text(&label),
		ref.via != PM_VIA_NATIVE);
}

/* From the target back to the root; of a long one the middle is left out. */
static void put_path(struct pm_drawing *d, const struct pm_graph *g,
	const struct pm_path *p, struct pm_vias *vias)
{
	uint32_t below = 0, node;
	pm_auto_strbuf name = {0};
	for (size_t i = p->n; i--; below = node) {
		unsigned depth =
			d->picture.nodes.len && i + 1 < p->n
				? d->picture.nodes.data[below].depth + 1
				: 0;
		bool hole = i + 1 + STEPS_DRAWN == p->n &&
			    p->n > 2 * STEPS_DRAWN + 1;
		if (!put_object(d, g->addr[p->nodes[i]], depth, &node)) {
			d->closed++;
			return;
		}
		if (d->picture.failed)
			return;
		if (i + 1 < p->n)
			join_step(d, g, p, i + 1, vias, node, below);
		if (hole) {
			size_t left = p->n - 2 * STEPS_DRAWN - 1;
			put_more(d, node, left, " steps", true);
			node = (uint32_t)d->objects.len - 1;
			i = STEPS_DRAWN;
		}
	}
	pm_root_name(g->h, p->root, true, &name);
	if (d->picture.failed)
		return;
	node = add_node(d, PM_FIGURE_ROOT,
		d->picture.nodes.data[below].depth + 1, false, 0,
		pm_strbuf_text(&name));
	pm_picture_join(&d->picture, node, below, "",
		pm_root_kind_is_precise(p->root->kind));
}

enum pm_status pm_drawing_paths(struct pm_drawing *d, struct pm_run *r,
	struct pm_path_job *job, struct pm_vias *vias, struct pm_error *err)
{
	const struct pm_paths *paths = pm_path_result(job);
	bool many = paths->list.len > 1;
	uint32_t node;
	*d = (struct pm_drawing){.h = {.r = r}, .searched = true};
	(void)put_object(d, r->addr, 0, &node);
	for (size_t i = 0; i < paths->list.len; i++) {
		if (d->drawn == OBJECTS_DRAWN) {
			d->closed += paths->list.len - i;
			break;
		}
		PM_TRY(pm_path_open(job, i, err));
		put_path(d, r->session->graph, &paths->list.data[i], vias);
		if (many)
			pm_path_close(job, i);
	}
	return PM_OK;
}

/* ---- the files ---- */

static void title(struct pm_drawing *d)
{
	pm_auto_strbuf text = {0};
	char n[28];
	const char *name = d->h.r->command->name;
	pm_strbuf_printf(&text, "%s 0x%" PRIx64 ": %" PRIu64 " objects", name,
		d->h.r->addr, d->drawn);
	if (d->closed)
		pm_strbuf_printf(&text,
			"; cut there: what is around %s of them is not drawn",
			pm_grouped(d->closed, n));
	pm_picture_title(&d->picture, pm_strbuf_text(&text));
}

static enum pm_status write_dot(struct pm_drawing *d, struct pm_error *err)
{
	const struct pm_run *r = d->h.r;
	title(d);
	pm_picture_dot(&d->picture, &d->dot);
	if (d->picture.failed || d->dot.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (pm_run_given(r, "dot"))
		PM_TRY(pm_output_write(pm_run_text(r, "dot", ""), d->dot.data,
			d->dot.len, err));
	if (pm_run_given(r, "svg"))
		return pm_graphviz_create(
			d->dot.data, d->dot.len, &d->job, err);
	return PM_OK;
}

static void say(struct pm_drawing *d)
{
	const struct pm_run *r = d->h.r;
	struct pm_emit *e = r->emit;
	pm_emit_open_object(e, "picture");
	for (unsigned i = 0; i < 2; i++) {
		const char *way = i ? "svg" : "dot";
		if (!pm_run_given(r, way))
			continue;
		pm_auto_strbuf file = {0};
		const char *name = pm_run_text(r, way, "");
		pm_strbuf_escaped(&file, name, strlen(name));
		pm_emit_text(e, way, pm_strbuf_text(&file));
		pm_emit_line(e, "A picture of %" PRIu64 " objects is in %s.",
			d->drawn, pm_strbuf_text(&file));
	}
	pm_emit_uint(e, "objects", d->drawn);
	pm_emit_uint(e, "references", d->picture.edges.len);
	pm_emit_uint(e, "closed", d->closed);
	pm_emit_close(e);
}

enum pm_status pm_drawing_step(
	struct pm_drawing *d, bool *ret_done, struct pm_error *err)
{
	struct pm_run *r = d->h.r;
	*ret_done = false;
	if (!d->searched)
		return search(d, err);
	if (!d->dot.len)
		PM_TRY(write_dot(d, err));
	if (d->job) {
		pm_auto_strbuf svg = {0};
		bool drawn = false;
		snprintf(r->progress, sizeof r->progress, "drawing");
		PM_TRY(pm_graphviz_step(
			d->job, PM_STEP_SECONDS, &drawn, &svg, err));
		if (!drawn)
			return PM_OK;
		pm_graphviz_destroy(pm_take(d->job));
		PM_TRY(pm_output_write(
			pm_run_text(r, "svg", ""), svg.data, svg.len, err));
	}
	say(d);
	*ret_done = true;
	return PM_OK;
}
