/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands that take a snapshot share: the walk, owners if they are asked
   for, and the pass that writes it. */
#ifndef PM_COMMAND_SAVING_H
#define PM_COMMAND_SAVING_H

#include "command/walking.h"
#include "snapshot/save.h"

struct pm_saving {
	struct pm_walking walking;
	const char *path; /* NULL: in memory */
	bool owners;
	bool walked;
	struct pm_roles *roles;
	bool has_roles; /* they are complete */
	struct pm_save *save;
};

/* path is the caller's. */
PM_CHECKED enum pm_status pm_saving_start(struct pm_saving *s, struct pm_run *r,
	const char *path, bool owners, struct pm_error *err);
/* *ret_done: see pm_save_step. */
PM_CHECKED enum pm_status pm_saving_step(struct pm_saving *s, struct pm_run *r,
	bool *ret_done, struct pm_error *err);
void pm_saving_finish(struct pm_saving *s);

#endif
