/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The paths to one object, as expressions and step by step.  A path may have
   millions of steps: those in the middle are left out, unless all are asked
   for, and what is shown is made a little at a time. */
#ifndef PM_COMMAND_PATH_SHOW_H
#define PM_COMMAND_PATH_SHOW_H

#include "command/command.h"
#include "graph/expression.h"

struct pm_path_show {
	struct pm_run *r;
	struct pm_path_job *job;
	const struct pm_paths *paths; /* the job's */
	size_t limit;		      /* steps of each path; 0: all */
	size_t path;		      /* which is shown; those before are */
	bool written;		      /* its expression is */
	bool begun;		      /* the expression, or the steps */
	bool done;		      /* the paths that there is room for */
	size_t step;		      /* of its steps: the next */
	uint64_t left_out;	      /* steps of all paths */
	struct pm_expression expression;
	struct pm_vias vias;
};

/* The search has ended, and lives longer. */
void pm_path_show_init(
	struct pm_path_show *s, struct pm_run *r, struct pm_path_job *job);
PM_CHECKED enum pm_status pm_path_show_step(
	struct pm_path_show *s, bool *ret_done, struct pm_error *err);
void pm_path_show_deinit(struct pm_path_show *s);

#define PM_PATH_SHOW_OPTIONS                                                   \
	{                                                                      \
		.name = "steps", .type = PM_ARG_COUNT, .value = "N",           \
		.help = "Show at most N steps of a path, half of them at "     \
			"either end (60)."                                     \
	}

#endif
