/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/suspects.h"
#include "command/graphing.h"
#include "graph/expression.h"
#include "graph/machinery.h"
#include "graph/population.h"

#include <inttypes.h>
#include <string.h>

/* Objects of a group are held in few ways, each way many of them: one here, one
   there is what any program has. */
#define OBJECTS_PER_WAY 10

/* What is said of one, beside its figures. */
struct told {
	const struct pm_suspect *of; /* the job's */
	uint32_t whole; /* the object whose part it is; PM_NO_NODE: none */
	char *path;
	bool exact;	/* not by guesses alone */
	uint64_t paths; /* of a group: there are so many different ones */
	uint64_t by;	/* and so many of its objects have this one */
};

struct pm_suspicion {
	struct pm_machinery *machinery;
	struct pm_suspects_job *job;
	bool found;
	const struct pm_suspect *list; /* the job's */
	size_t n, at;
	PM_VEC(struct told) told;
	/* Of the suspect at. */
	struct pm_path_job *path;
	struct pm_population_job *population;
	uint64_t *members;
};

void pm_suspicion_destroy(struct pm_suspicion *s)
{
	if (!s)
		return;
	pm_path_destroy(s->path);
	pm_population_destroy(s->population);
	free(s->members);
	pm_vec_each (t, &s->told)
		free(t->path);
	pm_vec_deinit(&s->told);
	pm_suspects_destroy(s->job);
	pm_machinery_destroy(s->machinery);
	free(s);
}

static void cleanup_suspicion(struct pm_suspicion **s)
{
	pm_suspicion_destroy(*s);
}

enum pm_status pm_suspicion_create(
	struct pm_run *r, struct pm_suspicion **ret, struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	PM_CLEANUP(cleanup_suspicion)
	struct pm_suspicion *s = calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_machinery_create(g, &s->machinery, err));
	const struct pm_roles roles = pm_machinery_roles(s->machinery);
	uint64_t least =
		pm_run_number(r, "suspects", pm_suspects_usual(g->dominators));
	PM_TRY(pm_suspects_create(
		g, &roles, pm_types_count(g->h->types), least, &s->job, err));
	*ret = pm_take(s);
	return PM_OK;
}

/* ---- how they are held ---- */

static enum pm_status tell(struct pm_suspicion *s, const struct told *told,
	const struct pm_strbuf *path, struct pm_error *err)
{
	struct told t = *told;
	t.of = &s->list[s->at];
	t.whole = t.of->within < s->n ? s->list[t.of->within].node : PM_NO_NODE;
	t.path = strdup(pm_strbuf_text(path));
	if (!t.path || path->failed || !pm_vec_push(&s->told, t)) {
		free(t.path);
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	s->at++;
	return PM_OK;
}

static enum pm_status find_path(struct pm_suspicion *s,
	const struct pm_graph *g, uint32_t node, struct pm_error *err)
{
	bool done = false;
	pm_auto_strbuf text = {0};
	struct told told = {.exact = true};
	if (!s->path)
		return pm_path_create(g, node, 1, NULL, NULL, &s->path, err);
	PM_TRY(pm_path_step(s->path, PM_STEP_SECONDS, &done, err));
	if (!done)
		return PM_OK;
	const struct pm_paths *res = pm_path_result(s->path);
	if (res->list.len) {
		const struct pm_root *root = res->list.data->root;
		told.exact = pm_root_kind_is_precise(root->kind);
		pm_path_expression(g, res->list.data, &text);
	}
	pm_path_destroy(pm_take(s->path));
	return tell(s, &told, &text, err);
}

static enum pm_status begin_group(struct pm_suspicion *s,
	const struct pm_graph *g, const struct pm_suspect *x,
	struct pm_error *err)
{
	uint32_t n = pm_types_count(g->h->types);
	pm_auto_free uint8_t *what = calloc((size_t)n + 1, 1);
	if (!what)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	what[x->type] = PM_TYPE_WANTED;
	if (!s->members)
		PM_TRY(pm_suspects_members(s->job, x, &s->members, err));
	return pm_population_create(
		g, what, n, s->members, &s->population, err);
}

/* The path that most of a group have. */
static enum pm_status find_group(struct pm_suspicion *s,
	const struct pm_graph *g, const struct pm_suspect *x,
	struct pm_error *err)
{
	bool done = false;
	pm_auto_strbuf text = {0};
	struct told told = {.exact = true};
	size_t best = 0;
	if (!s->population)
		return begin_group(s, g, x, err);
	PM_TRY(pm_population_step(s->population, PM_STEP_SECONDS, &done, err));
	if (!done)
		return PM_OK;
	struct pm_patterns *p = &pm_population_result(s->population)->patterns;
	for (size_t i = 0; i < p->list.len; i++) {
		told.paths += p->list.data[i].objects != 0;
		if (p->list.data[i].objects > p->list.data[best].objects)
			best = i;
	}
	if (p->list.len) {
		uint32_t at = (uint32_t)best;
		const struct pm_root *root = pm_patterns_begin(p, at);
		told.by = p->list.data[best].objects;
		told.exact = pm_root_kind_is_precise(root->kind);
		pm_patterns_show(p, at, &text);
	}
	pm_population_destroy(pm_take(s->population));
	free(pm_take(s->members));
	if (told.paths > x->count / OBJECTS_PER_WAY) {
		s->at++;
		return PM_OK;
	}
	return tell(s, &told, &text, err);
}

enum pm_status pm_suspicion_step(struct pm_suspicion *s, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	*ret_done = false;
	snprintf(r->progress, sizeof r->progress, "looking for suspects");
	if (!s->found) {
		PM_TRY(pm_suspects_step(
			s->job, PM_STEP_SECONDS, &s->found, err));
		return PM_OK;
	}
	s->list = pm_suspects_result(s->job, &s->n);
	/* Of those that were not asked for there are a few. */
	bool enough =
		pm_run_given(r, "suspects") && r->top && s->told.len == r->top;
	if (s->at == s->n || enough) {
		*ret_done = true;
		return PM_OK;
	}
	const struct pm_suspect *x = &s->list[s->at];
	return x->kind == PM_SUSPECT_GROUP ? find_group(s, g, x, err)
					   : find_path(s, g, x->node, err);
}

/* ---- what is shown ---- */

static double share(const struct pm_graph *g, uint64_t bytes)
{
	uint64_t all = g->dominators->bytes;
	return all ? 100.0 * (double)bytes / (double)all : 0;
}

static const char *type_name(const struct pm_graph *g, uint32_t id)
{
	const struct pm_type *t =
		id == PM_NO_NODE ? NULL : pm_types_by_id(g->h->types, id);
	return t ? t->name : "?";
}

/* What it is due to, behind a colon. */
static void put_parts(const struct pm_graph *g, const struct pm_suspect *x,
	struct pm_strbuf *out)
{
	char n[28], size[16];
	switch (x->kind) {
	case PM_SUSPECT_OBJECT:
		pm_strbuf_puts(out, "most of that is its own");
		return;
	case PM_SUSPECT_CONTAINER:
		pm_strbuf_printf(out, "%s of that in %s %s",
			pm_human_size(x->type_retained, size),
			pm_grouped(x->count, n), type_name(g, x->type));
		return;
	case PM_SUSPECT_STRUCTURE:
		pm_strbuf_printf(out,
			"it is the first of %s %s that link to each other",
			pm_grouped(x->count, n), type_name(g, x->type));
		return;
	case PM_SUSPECT_GROUP:
		return;
	}
}

static void put_path(const struct told *t, struct pm_strbuf *out)
{
	pm_strbuf_puts(out, *t->path ? t->path : "?");
	if (!t->exact)
		pm_strbuf_puts(out, " (a guess)");
}

static void put_group(
	const struct pm_graph *g, const struct told *t, struct pm_strbuf *out)
{
	const struct pm_suspect *x = t->of;
	char n[28], size[16];
	pm_strbuf_printf(out,
		"%s %s retain %s, %.1f%% of all, and no object "
		"alone holds them: ",
		pm_grouped(x->count, n), type_name(g, x->type),
		pm_human_size(x->retained, size), share(g, x->retained));
	if (t->paths > 1)
		pm_strbuf_printf(out, "%s of them ", pm_grouped(t->by, n));
	pm_strbuf_puts(out, "through ");
	put_path(t, out);
	if (t->paths > 1)
		pm_strbuf_printf(out, ", others in %s ways (py-path %s)",
			pm_grouped(t->paths - 1, n), type_name(g, x->type));
	pm_strbuf_printf(
		out, ". One is 0x%" PRIx64 " (py-backrefs).", g->addr[x->node]);
}

static void put_object(
	const struct pm_graph *g, const struct told *t, struct pm_strbuf *out)
{
	const struct pm_suspect *x = t->of;
	char size[16], n[28];
	put_path(t, out);
	pm_strbuf_printf(out, ", the %s at 0x%" PRIx64 ", retains %s",
		pm_graph_type_name(g, x->node), g->addr[x->node],
		pm_human_size(x->retained, size));
	if (x->objects > 1)
		pm_strbuf_printf(
			out, " in %s objects", pm_grouped(x->objects, n));
	pm_strbuf_printf(out, ", %.1f%% of all", share(g, x->retained));
	if (t->whole != PM_NO_NODE)
		pm_strbuf_printf(out, " (a part of the one at 0x%" PRIx64 ")",
			g->addr[t->whole]);
	pm_strbuf_puts(out, ": ");
	put_parts(g, x, out);
	pm_strbuf_putc(out, '.');
}

static void list_point(
	const struct pm_graph *g, const struct told *t, struct pm_emit *e)
{
	const struct pm_suspect *x = t->of;
	bool group = x->kind == PM_SUSPECT_GROUP;
	uint32_t node = group ? x->above : x->node;
	pm_emit_open_object(e, "point");
	if (node < g->n) {
		pm_emit_addr(e, "addr", g->addr[node]);
		pm_emit_text(e, "type", pm_graph_type_name(g, node));
	} else {
		pm_emit_null(e, "addr");
		pm_emit_null(e, "type");
	}
	pm_emit_text(e, "path", t->path);
	pm_emit_bool(e, "exact", t->exact);
	pm_emit_close(e);
}

static void list(
	const struct pm_graph *g, const struct told *t, struct pm_emit *e)
{
	static const char *const kinds[] = {
		"object", "container", "structure", "group"};
	const struct pm_suspect *x = t->of;
	pm_emit_open_object(e, NULL);
	pm_emit_text(e, "kind", kinds[x->kind]);
	pm_emit_text(e, "type", type_name(g, x->type));
	pm_emit_uint(e, "count", x->count);
	pm_emit_uint(e, "type_retained", x->type_retained);
	pm_emit_uint(e, "retained", x->retained);
	pm_emit_real(e, "share", share(g, x->retained) / 100);
	pm_emit_uint(e, "objects", x->objects);
	pm_emit_addr(e, "example", g->addr[x->node]);
	list_point(g, t, e);
	if (t->whole == PM_NO_NODE)
		pm_emit_null(e, "within");
	else
		pm_emit_addr(e, "within", g->addr[t->whole]);
	if (x->kind == PM_SUSPECT_GROUP) {
		pm_emit_uint(e, "paths", t->paths);
		pm_emit_uint(e, "through", t->by);
	}
	pm_emit_close(e);
}

void pm_suspicion_show(const struct pm_suspicion *s, struct pm_run *r)
{
	const struct pm_graph *g = r->session->graph;
	char size[16];
	uint64_t least = pm_suspects_least(s->job);
	size_t number = 0;
	bool usual = !pm_run_given(r, "suspects");
	pm_human_size(least, size);
	pm_emit_line(r->emit,
		s->told.len
			? "Leak suspects, where %s or more pile up%s:"
			: "No leak suspects: nowhere do %s or more pile up%s.",
		size, usual ? " (a tenth of all, 1 MiB at least)" : "");
	pm_emit_open_array(r->emit, "suspects");
	pm_vec_each (t, &s->told) {
		pm_auto_strbuf text = {0};
		if (t->of->kind == PM_SUSPECT_GROUP)
			put_group(g, t, &text);
		else
			put_object(g, t, &text);
		pm_emit_line(
			r->emit, "%zu. %s", ++number, pm_strbuf_text(&text));
		list(g, t, r->emit);
	}
	pm_emit_close(r->emit);
	if (s->at < s->n)
		pm_emit_line(
			r->emit, "There may be %zu more (-all).", s->n - s->at);
	pm_emit_uint(r->emit, "suspects_least", least);
}
