/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of which pages the objects of each type are, with what they own: in memory
   or swapped out, this process's alone or shared with others.  A resumable job
   on a walked heap. */
#ifndef PM_ACCOUNT_PAGES_H
#define PM_ACCOUNT_PAGES_H

#include "heap/scan.h"
#include "target/residency.h"

struct pm_pages_row {
	uint64_t count;
	struct pm_resident bytes;
};

struct pm_pages_job; /* opaque */
/* r has pages. */
PM_CHECKED enum pm_status pm_pages_create(struct pm_heap *h,
	const struct pm_residency *r, struct pm_pages_job **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_pages_step(struct pm_pages_job *j, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_pages_progress(
	const struct pm_pages_job *j, uint64_t *ret_done, uint64_t *ret_total);
/* Rows by type id, *ret_n of them; owned by the job. */
const struct pm_pages_row *pm_pages_rows(
	const struct pm_pages_job *j, size_t *ret_n);
void pm_pages_destroy(struct pm_pages_job *j);

#endif
