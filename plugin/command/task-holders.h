/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the tasks that are done are held: their paths, those that look the same
   merged, as py-path TYPE does it. */
#ifndef PM_COMMAND_TASK_HOLDERS_H
#define PM_COMMAND_TASK_HOLDERS_H

#include "command/command.h"
#include "heap/awaitables.h"

struct pm_task_holders; /* opaque job */

/* The session's graph has its roots.  *ret NULL: less than two are done. */
PM_CHECKED enum pm_status pm_task_holders_create(struct pm_run *r,
	const struct pm_awaitables *all, struct pm_task_holders **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_task_holders_step(struct pm_task_holders *h,
	struct pm_run *r, bool *ret_done, struct pm_error *err);
/* Once done: the table "holders"; h NULL: an empty one, which only JSON has. */
PM_CHECKED enum pm_status pm_task_holders_show(
	struct pm_task_holders *h, struct pm_run *r, struct pm_error *err);
void pm_task_holders_destroy(struct pm_task_holders *h);

#endif
