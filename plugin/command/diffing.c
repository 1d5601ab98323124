/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/diffing.h"
#include "command/diff-show.h"

#include <inttypes.h>
#include <string.h>

bool pm_diffing_wants_owners(const struct pm_run *r)
{
	return !strcmp(pm_run_text(r, "by", "type"), "owner");
}

enum pm_status pm_diffing_start(struct pm_diffing *d, struct pm_run *r,
	const struct pm_snapshot *const *all, size_t n, bool with_now,
	struct pm_error *err)
{
	*d = (struct pm_diffing){.r = r, .n = n, .with_now = with_now};
	memcpy(d->all, all, n * sizeof *all);
	return with_now ? pm_saving_start(&d->saving, r, NULL,
				  pm_diffing_wants_owners(r), err)
			: PM_OK;
}

static enum pm_status take_now(struct pm_diffing *d, struct pm_error *err)
{
	bool done = false;
	PM_TRY(pm_saving_step(&d->saving, d->r, &done, err));
	if (!done)
		return PM_OK;
	PM_TRY(pm_snapshot_open_fd(
		pm_save_take(d->saving.save), "now", &d->now, err));
	pm_saving_finish(&d->saving);
	d->all[d->n++] = d->now;
	return PM_OK;
}

static bool wants(const void *arg, const char *type)
{
	return pm_type_matches(type, arg);
}

static enum pm_status create(struct pm_diffing *d, struct pm_error *err)
{
	struct pm_run *r = d->r;
	const char *by = pm_run_text(r, "by", "type");
	struct pm_diff_options o = {
		.by = !strcmp(by, "module")  ? PM_DIFF_MODULE
		      : !strcmp(by, "owner") ? PM_DIFF_OWNER
					     : PM_DIFF_TYPE,
	};
	if (pm_run_given(r, "type")) {
		o.wants = wants;
		o.arg = pm_run_text(r, "type", "*");
	}
	if (pm_run_flag(r, "instances"))
		o.born = r->top ? r->top : SIZE_MAX;
	return pm_diff_create(d->all, d->n, &o, &d->job, err);
}

/* Values are held in memory until they are shown. */
#define KEEPERS_MAX 65536

/* Who holds what is new, if the last file says so. */
static enum pm_status find_keepers(struct pm_diffing *d, struct pm_error *err)
{
	const struct pm_diff *x = pm_diff_result(d->job);
	const struct pm_snapshot *last = d->all[d->n - 1];
	if (d->keepers)
		return pm_keepers_step(
			d->keepers, PM_STEP_SECONDS, &d->has_keepers, err);
	d->nkeepers = x->born.len < KEEPERS_MAX ? x->born.len : KEEPERS_MAX;
	if (!last->facts.has_graph || !d->nkeepers) {
		d->nkeepers = 0;
		d->has_keepers = true;
		return PM_OK;
	}
	pm_auto_free uint64_t *index = malloc(d->nkeepers * sizeof *index);
	if (!index)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < d->nkeepers; i++)
		index[i] = x->born.data[i].index;
	return pm_keepers_create(last, index, d->nkeepers, &d->keepers, err);
}

static enum pm_status compare(struct pm_diffing *d, struct pm_error *err)
{
	uint64_t done, total;
	PM_TRY(pm_diff_step(d->job, PM_STEP_SECONDS, &d->compared, err));
	pm_diff_progress(d->job, &done, &total);
	snprintf(d->r->progress, sizeof d->r->progress,
		"comparing %" PRIu64 "/%" PRIu64, done, total);
	if (!d->compared || !d->now || !pm_diff_result(d->job)->ngrown)
		return PM_OK;
	return pm_graphing_start(&d->graphing, d->r, PM_GRAPHING_ROOTS, err);
}

/* To the next of those that grew. */
static enum pm_status find_path(struct pm_diffing *d, struct pm_error *err)
{
	const struct pm_graph *g = d->r->session->graph;
	const struct pm_diff *diff = pm_diff_result(d->job);
	pm_addr addr = diff->grown[d->paths.list.len].addr;
	bool done;
	return pm_row_paths_step(
		&d->paths, g, pm_graph_node(g, addr), &done, err);
}

enum pm_status pm_diffing_step(
	struct pm_diffing *d, bool *ret_done, struct pm_error *err)
{
	*ret_done = false;
	if (d->with_now && !d->now)
		return take_now(d, err);
	if (!d->job)
		return create(d, err);
	if (!d->compared)
		return compare(d, err);
	if (!d->has_keepers)
		return find_keepers(d, err);
	unsigned wanted = d->now ? pm_diff_result(d->job)->ngrown : 0;
	if (wanted && !d->graph_ready)
		return pm_graphing_step(
			&d->graphing, d->r, &d->graph_ready, err);
	if (d->paths.list.len < wanted)
		return find_path(d, err);
	pm_diff_show(d);
	*ret_done = true;
	return PM_OK;
}

void pm_diffing_finish(struct pm_diffing *d)
{
	pm_saving_finish(&d->saving);
	pm_graphing_finish(&d->graphing);
	pm_row_paths_deinit(&d->paths);
	pm_keepers_destroy(pm_take(d->keepers));
	pm_diff_destroy(pm_take(d->job));
	pm_snapshot_close(pm_take(d->now));
}
