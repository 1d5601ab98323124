/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot/save-graph.h"
#include "base/clock.h"
#include "object/refs.h"
#include "object/repr.h"
#include "snapshot/sections.h"

#define NONE UINT32_MAX
/* Characters of a value. */
#define VALUE_MAX 60
/* References between two looks at the clock. */
#define CLOCK_EVERY 64

struct pm_save_graph {
	const struct pm_graph *g;
	struct pm_container_writer *w;
	uint32_t *number;	/* in the file, by node; NONE: not there */
	PM_VEC(uint32_t) nodes; /* by number; NONE: the graph has it not */
	size_t at;		/* the object that is written */
	uint64_t refs;		/* of it: references that are written */
	bool has_value;
	size_t root;
	uint32_t root_before;
	struct pm_strbuf text;
	uint64_t unreadable;
};

void pm_save_graph_destroy(struct pm_save_graph *s)
{
	if (!s)
		return;
	free(s->number);
	pm_vec_deinit(&s->nodes);
	pm_strbuf_deinit(&s->text);
	free(s);
}

static void cleanup_save(struct pm_save_graph **s)
{
	pm_save_graph_destroy(*s);
}

enum pm_status pm_save_graph_create(const struct pm_graph *g,
	struct pm_container_writer *w, struct pm_save_graph **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_save)
	struct pm_save_graph *s = calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	s->g = g;
	s->w = w;
	s->number = malloc(((size_t)g->n + 1) * sizeof *s->number);
	if (!s->number)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < g->n; i++)
		s->number[i] = NONE;
	*ret = pm_take(s);
	return PM_OK;
}

bool pm_save_graph_add(struct pm_save_graph *s, pm_addr addr)
{
	uint32_t node = pm_graph_node(s->g, addr);
	if (node != PM_NO_NODE)
		s->number[node] = (uint32_t)s->nodes.len;
	return s->nodes.len < NONE && pm_vec_push(&s->nodes, node);
}

static enum pm_status put_text(
	struct pm_save_graph *s, unsigned section, struct pm_error *err)
{
	if (s->text.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return pm_container_put_text(
		s->w, section, pm_strbuf_text(&s->text), err);
}

/* ---- references ---- */

/* Those of one object, from where the last step ended. */
struct putting {
	struct pm_save_graph *s;
	const struct pm_object *x;
	uint64_t seen;
	double deadline;
	bool late;
	enum pm_status status;
	struct pm_error *err;
};

static enum pm_status put_ref(struct putting *p, const struct pm_ref *ref)
{
	struct pm_save_graph *s = p->s;
	uint32_t node = pm_graph_node(s->g, ref->target);
	uint32_t to = node == PM_NO_NODE ? NONE : s->number[node];
	if (to == NONE)
		return PM_OK;
	PM_TRY(pm_container_put_uint(s->w, PM_SECTION_REFERENCES,
		pm_fold((int64_t)to - (int64_t)s->at) + 1, p->err));
	pm_strbuf_truncate(&s->text, 0);
	pm_ref_describe(&s->g->h->objects, p->x, ref, &s->text);
	return put_text(s, PM_SECTION_VIAS, p->err);
}

static bool see(void *arg, const struct pm_ref *ref)
{
	struct putting *p = arg;
	if (p->seen++ < p->s->refs)
		return true;
	p->s->refs++;
	p->status = put_ref(p, ref);
	/* One that has millions takes several steps. */
	p->late = p->seen % CLOCK_EVERY == 0 && pm_now() > p->deadline;
	return p->status == PM_OK && !p->late;
}

static enum pm_status put_object(struct pm_save_graph *s, double deadline,
	bool *ret_late, struct pm_error *err)
{
	const struct pm_objects *o = &s->g->h->objects;
	uint32_t node = s->nodes.data[s->at];
	pm_addr addr = node == PM_NO_NODE ? 0 : s->g->addr[node];
	struct pm_object x;
	bool sound = addr && pm_object_load(o, addr, &x, NULL) == PM_OK;
	*ret_late = false;
	if (!s->has_value) {
		pm_strbuf_truncate(&s->text, 0);
		if (sound)
			pm_repr(o, addr, VALUE_MAX, &s->text);
		PM_TRY(put_text(s, PM_SECTION_VALUES, err));
		s->has_value = true;
	}
	if (sound) {
		struct putting p = {s, &x, 0, deadline, false, PM_OK, err};
		enum pm_status st = pm_refs_each(o, &x, see, &p);
		PM_TRY(p.status);
		*ret_late = p.late;
		if (p.late)
			return PM_OK;
		s->unreadable += st != PM_OK;
	} else {
		s->unreadable++;
	}
	s->has_value = false;
	s->refs = 0;
	s->at++;
	return pm_container_put_uint(s->w, PM_SECTION_REFERENCES, 0, err);
}

/* ---- roots ---- */

static enum pm_status put_root(struct pm_save_graph *s, struct pm_error *err)
{
	const struct pm_graph_root *r = &s->g->roots.data[s->root++];
	uint32_t to = s->number[r->node];
	if (to == NONE)
		return PM_OK;
	const unsigned at = PM_SECTION_ROOTS;
	PM_TRY(pm_container_put_uint(
		s->w, at, pm_fold((int64_t)to - (int64_t)s->root_before), err));
	PM_TRY(pm_container_put_uint(
		s->w, at, pm_root_kind_is_precise(r->root.kind), err));
	s->root_before = to;
	pm_strbuf_truncate(&s->text, 0);
	pm_root_name(s->g->h, &r->root, true, &s->text);
	return put_text(s, at, err);
}

enum pm_status pm_save_graph_step(struct pm_save_graph *s, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	bool late = false;
	for (unsigned n = 1; s->at < s->nodes.len && !late; n++) {
		PM_TRY(put_object(s, deadline, &late, err));
		late = late || (n % 16 == 0 && pm_now() > deadline);
	}
	for (unsigned n = 1; s->root < s->g->roots.len && !late; n++) {
		PM_TRY(put_root(s, err));
		late = n % 16 == 0 && pm_now() > deadline;
	}
	*ret_done = s->at == s->nodes.len && s->root == s->g->roots.len;
	return PM_OK;
}

void pm_save_graph_progress(
	const struct pm_save_graph *s, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = s->at + s->root;
	*ret_total = s->nodes.len + s->g->roots.len;
}

uint64_t pm_save_graph_unreadable(const struct pm_save_graph *s)
{
	return s->unreadable;
}
