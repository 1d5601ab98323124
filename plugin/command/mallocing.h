/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands on the C library's malloc share: the session's walk of it, made
   on first use and kept until the target runs. */
#ifndef PM_COMMAND_MALLOCING_H
#define PM_COMMAND_MALLOCING_H

#include "command/walking.h"
#include "malloc/malloc.h"

struct pm_mallocing {
	struct pm_malloc *malloc; /* not complete yet */
	struct pm_malloc_walk *walk;
};

/* One step.  *ret_done: r->session->malloc is complete, or NULL where there is
   no malloc that can be walked.  The arenas of Python, if they are known, are
   passed over. */
PM_CHECKED enum pm_status pm_mallocing_step(struct pm_mallocing *g,
	struct pm_run *r, bool *ret_done, struct pm_error *err);
void pm_mallocing_finish(struct pm_mallocing *g);

#endif
