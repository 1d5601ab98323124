/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/walking.h"
#include "heap/interpreter.h"
#include "heap/spot.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

enum pm_status pm_walking_heap(
	struct pm_session *s, struct pm_heap **ret, struct pm_error *err)
{
	if (!s->heap || s->heap_interpreter != s->interpreter)
		pm_session_drop_heap(s); /* what is left of a failure, too */
	if (!s->heap && s->interpreter >= 0)
		PM_TRY(pm_interpreter_alone(
			s->layout, s->memory, s->interpreter, &s->alone, err));
	if (!s->heap) {
		PM_TRY(pm_heap_create(s->alone ? s->alone : s->layout,
			s->target, s->memory, &s->modules, &s->heap, err));
		s->heap_destroy = pm_heap_destroy;
		s->heap_interpreter = s->interpreter;
	}
	*ret = s->heap;
	return PM_OK;
}

enum pm_status pm_walking_object(
	struct pm_run *r, struct pm_object *ret, struct pm_error *err)
{
	struct pm_heap *h;
	PM_TRY(pm_walking_heap(r->session, &h, err));
	return pm_spot_object(h, r->addr, ret, err);
}

enum pm_status pm_walking_start(
	struct pm_walking *w, struct pm_run *r, struct pm_error *err)
{
	struct pm_heap *h;
	PM_TRY(pm_walking_heap(r->session, &h, err));
	w->walk = NULL;
	if (h->done)
		return PM_OK;
	return pm_walk_create(h, 0, &w->walk, err);
}

enum pm_status pm_walking_step(struct pm_walking *w, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	*ret_done = true;
	if (!w->walk)
		return PM_OK;
	uint64_t done, total;
	PM_TRY(pm_walk_step(w->walk, PM_STEP_SECONDS, ret_done, err));
	pm_walk_progress(w->walk, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"reading the heap %" PRIu64 "/%" PRIu64, done, total);
	if (*ret_done)
		pm_walking_finish(w);
	return PM_OK;
}

void pm_walking_finish(struct pm_walking *w)
{
	pm_walk_destroy(pm_take(w->walk));
}

bool pm_type_matches(const char *qualified_name, const char *glob)
{
	if (fnmatch(glob, qualified_name, 0) == 0)
		return true;
	if (strchr(glob, '.'))
		return false;
	const char *dot = strrchr(qualified_name, '.');
	return dot && fnmatch(glob, dot + 1, 0) == 0;
}
