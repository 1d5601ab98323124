/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The suspects of graph/suspects.h in prose, and in JSON: each with the path
   to where it piles up.  A resumable job. */
#ifndef PM_COMMAND_SUSPECTS_H
#define PM_COMMAND_SUSPECTS_H

#include "command/command.h"

struct pm_suspicion; /* opaque */

/* The session's graph has its dominators. */
PM_CHECKED enum pm_status pm_suspicion_create(
	struct pm_run *r, struct pm_suspicion **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_suspicion_step(struct pm_suspicion *s,
	struct pm_run *r, bool *ret_done, struct pm_error *err);
void pm_suspicion_destroy(struct pm_suspicion *s);

/* Once done. */
void pm_suspicion_show(const struct pm_suspicion *s, struct pm_run *r);

#endif
