/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/saving.h"

#include <inttypes.h>
#include <string.h>

enum pm_status pm_saving_start(struct pm_saving *s, struct pm_run *r,
	const char *path, bool owners, struct pm_error *err)
{
	*s = (struct pm_saving){.path = path, .owners = owners};
	return pm_walking_start(&s->walking, r, err);
}

static enum pm_status find_owners(
	struct pm_saving *s, struct pm_run *r, struct pm_error *err)
{
	uint64_t done, total;
	if (!s->roles)
		return pm_roles_create(r->session->heap, &s->roles, err);
	PM_TRY(pm_roles_step(s->roles, PM_STEP_SECONDS, &s->has_roles, err));
	pm_roles_progress(s->roles, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"finding owners %" PRIu64 "/%" PRIu64, done, total);
	return PM_OK;
}

/* How each container is reached. */
static enum pm_status find_paths(
	struct pm_saving *s, struct pm_run *r, struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	uint32_t n = pm_types_count(r->session->heap->types);
	if (s->population)
		return pm_population_step(s->population, PM_STEP_SECONDS,
			&s->has_population, err);
	pm_auto_free uint8_t *what = calloc((size_t)n + 1, 1);
	if (!what)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < n; i++) {
		const struct pm_type *t =
			pm_types_by_id(r->session->heap->types, i);
		if (t && t->is_type && (s->edges || pm_save_has_length(t)))
			what[i] = PM_TYPE_WANTED;
	}
	return pm_population_create(g, what, n, NULL, &s->population, err);
}

static enum pm_status build_graph(
	struct pm_saving *s, struct pm_run *r, struct pm_error *err)
{
	if (!s->graphing.until)
		PM_TRY(pm_graphing_start(
			&s->graphing, r, PM_GRAPHING_ROOTS, err));
	return pm_graphing_step(&s->graphing, r, &s->has_graph, err);
}

static enum pm_status create(
	struct pm_saving *s, struct pm_run *r, struct pm_error *err)
{
	const struct pm_session *session = r->session;
	pm_auto_strbuf target = {0}, python = {0};
	const char *name = session->target->name;
	pm_strbuf_escaped(&target, name, strlen(name));
	pm_session_version(session, &python);
	const struct pm_save_options o = {
		.path = s->path,
		.roles = s->roles,
		.population = s->population,
		.graph = s->edges ? session->graph : NULL,
		.target = pm_strbuf_text(&target),
		.python = pm_strbuf_text(&python),
		.interpreter = session->interpreter,
	};
	return pm_save_create(session->heap, &o, &s->save, err);
}

enum pm_status pm_saving_step(struct pm_saving *s, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	uint64_t done, total;
	*ret_done = false;
	if (!s->walked)
		return pm_walking_step(&s->walking, r, &s->walked, err);
	if (s->owners && !s->has_roles)
		return find_owners(s, r, err);
	if (s->paths && !s->has_graph)
		return build_graph(s, r, err);
	if (s->paths && !s->has_population)
		return find_paths(s, r, err);
	if (!s->save)
		return create(s, r, err);
	PM_TRY(pm_save_step(s->save, PM_STEP_SECONDS, ret_done, err));
	pm_save_progress(s->save, &done, &total);
	snprintf(r->progress, sizeof r->progress, "saving %" PRIu64 "/%" PRIu64,
		done, total);
	return PM_OK;
}

void pm_saving_finish(struct pm_saving *s)
{
	pm_walking_finish(&s->walking);
	pm_save_destroy(pm_take(s->save));
	pm_roles_destroy(pm_take(s->roles));
	pm_graphing_finish(&s->graphing);
	pm_population_destroy(pm_take(s->population));
}
