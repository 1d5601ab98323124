/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who refers to an object: a scan at memory speed for its address, then each
   place found is decoded exactly.  Needs a finished walk, which knows which
   blocks are objects, which are buffers, and what lies outside.

   A resumable job, like the walk. */
#ifndef PM_HEAP_HOLDERS_H
#define PM_HEAP_HOLDERS_H

#include "heap/walk.h"
#include "object/refs.h"

struct pm_holder {
	pm_addr object;
	const struct pm_type *type;
	struct pm_ref ref;
};

struct pm_holders {
	PM_VEC(struct pm_holder) list; /* by object address, the first limit */
	uint64_t edges, objects;       /* all of them */
	uint64_t unowned; /* places in blocks that belong to no object */
	uint64_t unreadable;
};

struct pm_holders_job; /* opaque */

/* limit 0: keep all. */
PM_CHECKED enum pm_status pm_holders_create(struct pm_heap *h, pm_addr object,
	size_t limit, struct pm_holders_job **ret, struct pm_error *err);
/* Some references to each of several objects: about limit of each, by the
   object that holds them; ref.target says to which.  The counts are of these
   only. */
PM_CHECKED enum pm_status pm_holders_create_some(struct pm_heap *h,
	const pm_addr *objects, size_t n, size_t limit,
	struct pm_holders_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_holders_step(struct pm_holders_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_holders_progress(const struct pm_holders_job *j, uint64_t *ret_done,
	uint64_t *ret_total);
/* Owned by the job. */
const struct pm_holders *pm_holders_result(const struct pm_holders_job *j);
void pm_holders_destroy(struct pm_holders_job *j);

#endif
