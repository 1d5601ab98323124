/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/mallocing.h"

#include <inttypes.h>

static enum pm_status start(
	struct pm_mallocing *g, struct pm_session *s, struct pm_error *err)
{
	PM_TRY(pm_malloc_create(s->memory, &s->modules, &g->malloc, err));
	PM_TRY(pm_malloc_walk_create(g->malloc, &g->walk, err));
	if (s->heap && s->heap->pools)
		pm_vec_each (a, &s->heap->pools->arenas)
			PM_TRY(pm_malloc_walk_skip(g->walk, a->address,
				a->address + a->bytes, err));
	return PM_OK;
}

enum pm_status pm_mallocing_step(struct pm_mallocing *g, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	struct pm_session *s = r->session;
	*ret_done = s->malloc != NULL;
	if (s->malloc)
		return PM_OK;
	if (!g->walk) {
		enum pm_status status = start(g, s, err);
		*ret_done = status == PM_ABSENT;
		return *ret_done ? PM_OK : status;
	}
	bool done = false;
	uint64_t now, total;
	PM_TRY(pm_malloc_walk_step(g->walk, PM_STEP_SECONDS, &done, err));
	pm_malloc_walk_progress(g->walk, &now, &total);
	snprintf(r->progress, sizeof r->progress,
		"reading malloc's heaps %" PRIu64 "%%",
		total ? now * 100 / total : 0);
	if (done) {
		s->malloc = pm_take(g->malloc);
		s->malloc_destroy = pm_malloc_destroy;
		pm_mallocing_finish(g);
	}
	return PM_OK;
}

void pm_mallocing_finish(struct pm_mallocing *g)
{
	pm_malloc_walk_destroy(pm_take(g->walk));
	pm_malloc_destroy(pm_take(g->malloc));
}
