/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the objects of some rows are held: the shortest path to each, as a
   Python programmer would write it. */
#ifndef PM_COMMAND_ROW_PATHS_H
#define PM_COMMAND_ROW_PATHS_H

#include "command/command.h"
#include "graph/path.h"

/* So many rows are told with their path: each is a search of its own. */
#define PM_ROW_PATHS_MAX 100

struct pm_row_path {
	char *text; /* owned; "": no root leads there */
	bool exact; /* not by guesses alone */
};

struct pm_row_paths {
	struct pm_path_job *job; /* of the next one */
	PM_VEC(struct pm_row_path) list;
};

/* The path of one object more, as far as a step takes it; *ret_done: it is in
   the list.  PM_NO_NODE has none. */
PM_CHECKED enum pm_status pm_row_paths_step(struct pm_row_paths *p,
	const struct pm_graph *g, uint32_t node, bool *ret_done,
	struct pm_error *err);
void pm_row_paths_deinit(struct pm_row_paths *p);

#endif
