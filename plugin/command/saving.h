/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands that take a snapshot share: the walk, owners if they are asked
   for, and the pass that writes it. */
#ifndef PM_COMMAND_SAVING_H
#define PM_COMMAND_SAVING_H

#include "command/graphing.h"
#include "graph/population.h"
#include "snapshot/save.h"

struct pm_saving {
	struct pm_walking walking;
	const char *path; /* NULL: in memory */
	bool owners, paths;
	bool edges; /* the graph, with paths */
	bool walked;
	struct pm_roles *roles;
	bool has_roles; /* they are complete */
	struct pm_graphing graphing;
	bool has_graph;
	struct pm_population_job *population;
	bool has_population;
	struct pm_save *save;
};

/* path is the caller's.  To save paths, too: set .paths behind it. */
PM_CHECKED enum pm_status pm_saving_start(struct pm_saving *s, struct pm_run *r,
	const char *path, bool owners, struct pm_error *err);
/* *ret_done: see pm_save_step. */
PM_CHECKED enum pm_status pm_saving_step(struct pm_saving *s, struct pm_run *r,
	bool *ret_done, struct pm_error *err);
void pm_saving_finish(struct pm_saving *s);

#endif
