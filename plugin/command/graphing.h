/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands on the object graph share: the session's graph, its roots and
   its dominators, each made on first use and kept until the target runs.  An
   interrupted run leaves what was complete. */
#ifndef PM_COMMAND_GRAPHING_H
#define PM_COMMAND_GRAPHING_H

#include "command/walking.h"
#include "graph/graph.h"

enum pm_graphing_until {
	PM_GRAPHING_EDGES,
	PM_GRAPHING_ROOTS,
	PM_GRAPHING_DOMINATORS,
};

struct pm_graphing {
	struct pm_walking walking;
	enum pm_graphing_until until;
	bool walked;
	struct pm_graph_build *build;
	struct pm_root_nodes *roots;
	struct pm_dominators_job *dominators;
};

PM_CHECKED enum pm_status pm_graphing_start(struct pm_graphing *g,
	struct pm_run *r, enum pm_graphing_until until, struct pm_error *err);
/* *ret_done: r->session->graph has what was asked for. */
PM_CHECKED enum pm_status pm_graphing_step(struct pm_graphing *g,
	struct pm_run *r, bool *ret_done, struct pm_error *err);
void pm_graphing_finish(struct pm_graphing *g);

/* The operand r->addr in the graph that is ready. */
PM_CHECKED enum pm_status pm_graphing_node(
	struct pm_run *r, uint32_t *ret, struct pm_error *err);

/* Under the table: what of the graph could not be read, and whether C stacks
   were. */
void pm_graphing_skipped(struct pm_run *r);

#endif
