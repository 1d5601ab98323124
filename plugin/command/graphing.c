/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/graphing.h"
#include "graph/build.h"
#include "graph/dominators.h"
#include "graph/root-nodes.h"

#include <inttypes.h>

enum pm_status pm_graphing_start(struct pm_graphing *g, struct pm_run *r,
	enum pm_graphing_until until, struct pm_error *err)
{
	*g = (struct pm_graphing){.until = until};
	return pm_walking_start(&g->walking, r, err);
}

static void tell(
	struct pm_run *r, const char *what, uint64_t done, uint64_t total)
{
	snprintf(r->progress, sizeof r->progress, "%s %" PRIu64 "%%", what,
		total ? done * 100 / total : 0);
}

static enum pm_status build(
	struct pm_graphing *g, struct pm_run *r, struct pm_error *err)
{
	struct pm_session *s = r->session;
	bool done = false;
	if (!g->build)
		return pm_graph_build_create(s->heap, &g->build, err);
	PM_TRY(pm_graph_build_step(g->build, PM_STEP_SECONDS, &done, err));
	uint64_t now, total;
	pm_graph_build_progress(g->build, &now, &total);
	tell(r, "reading references", now, total);
	if (!done)
		return PM_OK;
	s->graph = pm_graph_build_take(g->build);
	s->graph_destroy = pm_graph_destroy;
	pm_graph_build_destroy(pm_take(g->build));
	return PM_OK;
}

static enum pm_status find_roots(
	struct pm_graphing *g, struct pm_run *r, struct pm_error *err)
{
	bool done = false;
	if (!g->roots)
		return pm_root_nodes_create(r->session->graph, &g->roots, err);
	PM_TRY(pm_root_nodes_step(g->roots, PM_STEP_SECONDS, &done, err));
	tell(r, "looking for roots", 0, 0);
	if (done)
		pm_root_nodes_destroy(pm_take(g->roots));
	return PM_OK;
}

static enum pm_status dominate(
	struct pm_graphing *g, struct pm_run *r, struct pm_error *err)
{
	struct pm_graph *graph = r->session->graph;
	bool done = false;
	if (!g->dominators) {
		uint32_t *roots = NULL;
		size_t n = 0, nsure = 0;
		PM_TRY(pm_graph_root_list(graph, &roots, &n, &nsure, err));
		enum pm_status s = pm_dominators_create(
			graph, roots, n, nsure, &g->dominators, err);
		free(roots);
		return s;
	}
	PM_TRY(pm_dominators_step(g->dominators, PM_STEP_SECONDS, &done, err));
	uint64_t now, total;
	pm_dominators_progress(g->dominators, &now, &total);
	tell(r, "finding who retains what", now, total);
	if (!done)
		return PM_OK;
	graph->dominators = pm_dominators_take(g->dominators);
	pm_dominators_job_destroy(pm_take(g->dominators));
	return PM_OK;
}

enum pm_status pm_graphing_step(struct pm_graphing *g, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	struct pm_session *s = r->session;
	*ret_done = false;
	if (!g->walked) {
		PM_TRY(pm_walking_step(&g->walking, r, &g->walked, err));
		return PM_OK;
	}
	if (!s->graph)
		return build(g, r, err);
	if (g->until >= PM_GRAPHING_ROOTS && !s->graph->has_roots)
		return find_roots(g, r, err);
	if (g->until >= PM_GRAPHING_DOMINATORS && !s->graph->dominators)
		return dominate(g, r, err);
	*ret_done = true;
	return PM_OK;
}

void pm_graphing_finish(struct pm_graphing *g)
{
	pm_walking_finish(&g->walking);
	pm_graph_build_destroy(pm_take(g->build));
	pm_root_nodes_destroy(pm_take(g->roots));
	pm_dominators_job_destroy(pm_take(g->dominators));
}

enum pm_status pm_graphing_node(
	struct pm_run *r, uint32_t *ret, struct pm_error *err)
{
	uint32_t node = pm_graph_node(r->session->graph, r->addr);
	if (node == PM_NO_NODE)
		return pm_fail(err, PM_ABSENT, r->addr,
			"0x%" PRIx64
			" is no object of the heap that was read (it may be "
			"one that was freed: see py-whatis)",
			r->addr);
	*ret = node;
	return PM_OK;
}

/* Of a target that only the debugger reads no threads are known. */
static bool knows_stacks(const struct pm_target *t)
{
	pm_vec_each (task, &t->tasks)
		if (task->sp)
			return true;
	return false;
}

void pm_graphing_skipped(struct pm_run *r)
{
	const struct pm_session *s = r->session;
	const struct pm_graph *g = s->graph;
	bool stacks = knows_stacks(s->target);
	pm_emit_bool(r->emit, "c_stacks", stacks);
	if (!stacks)
		pm_emit_line(r->emit, "%s",
			"C stacks and registers are not known of this target: "
			"what only these hold is taken for unreachable.");
	pm_emit_skipped(r->emit, s->heap->unreadable + g->unreadable,
		s->heap->inconsistent + g->inconsistent);
}
