/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/row-paths.h"
#include "command/walking.h"
#include "graph/expression.h"

#include <string.h>

static enum pm_status add(struct pm_row_paths *p, const struct pm_strbuf *text,
	bool exact, struct pm_error *err)
{
	char *copy = text->failed ? NULL : strdup(pm_strbuf_text(text));
	if (copy && pm_vec_push(&p->list, (struct pm_row_path){copy, exact}))
		return PM_OK;
	free(copy);
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

enum pm_status pm_row_paths_step(struct pm_row_paths *p,
	const struct pm_graph *g, uint32_t node, bool *ret_done,
	struct pm_error *err)
{
	pm_auto_strbuf text = {0};
	bool exact = true, done = node == PM_NO_NODE;
	if (!done && !p->job)
		PM_TRY(pm_path_create(g, node, 1, NULL, NULL, &p->job, err));
	if (!done)
		PM_TRY(pm_path_step(p->job, PM_STEP_SECONDS, &done, err));
	*ret_done = done;
	if (!done)
		return PM_OK;
	if (p->job) {
		const struct pm_paths *res = pm_path_result(p->job);
		if (res->list.len) {
			pm_path_expression(g, res->list.data, &text);
			exact = pm_root_kind_is_precise(
				res->list.data->root->kind);
		}
		pm_path_destroy(pm_take(p->job));
	}
	return add(p, &text, exact, err);
}

void pm_row_paths_deinit(struct pm_row_paths *p)
{
	pm_path_destroy(pm_take(p->job));
	pm_vec_each (x, &p->list)
		free(x->text);
	pm_vec_deinit(&p->list);
}
