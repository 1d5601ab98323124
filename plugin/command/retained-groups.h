/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-retained -by type, module, class: a row for each group of objects.  A
   resumable job. */
#ifndef PM_COMMAND_RETAINED_GROUPS_H
#define PM_COMMAND_RETAINED_GROUPS_H

#include "command/command.h"

struct pm_retained_groups; /* opaque */

/* way: "type", "module" or "class".  The session's graph has its dominators. */
PM_CHECKED enum pm_status pm_retained_groups_create(struct pm_run *r,
	const char *way, struct pm_retained_groups **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_retained_groups_step(
	struct pm_retained_groups *s, bool *ret_done, struct pm_error *err);
void pm_retained_groups_destroy(struct pm_retained_groups *s);

/* Once done. */
PM_CHECKED enum pm_status pm_retained_groups_show(
	const struct pm_retained_groups *s, struct pm_run *r,
	struct pm_error *err);

#endif
