/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a forked worker's copies of its parent's pages take: arenas that both
   have at the same address, pages that are no longer shared, but still hold
   nearly the same (reference counts and collector links are what is written
   to).  The parent may run: it is only read.  A resumable job. */
#ifndef PM_ACCOUNT_UNSHARED_H
#define PM_ACCOUNT_UNSHARED_H

#include "heap/pools.h"
#include "target/residency.h"

struct pm_unshared_job; /* opaque */

/* *ret NULL: the process has no parent that is the same program, or it may not
   be read. */
PM_CHECKED enum pm_status pm_unshared_create(struct pm_target *t,
	const struct pm_pools *p, const struct pm_residency *r,
	struct pm_unshared_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_unshared_step(struct pm_unshared_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
/* Bytes of such copies, and of pages still shared. */
uint64_t pm_unshared_bytes(const struct pm_unshared_job *j);
uint64_t pm_unshared_shared(const struct pm_unshared_job *j);
int pm_unshared_parent(const struct pm_unshared_job *j);
void pm_unshared_destroy(struct pm_unshared_job *j);

#endif
