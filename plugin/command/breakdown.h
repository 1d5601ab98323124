/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the objects of a walked heap are counted by, other than their type:
   each object is in one row, so that the rows add up to the types' totals.
   A resumable job. */
#ifndef PM_COMMAND_BREAKDOWN_H
#define PM_COMMAND_BREAKDOWN_H

#include "command/command.h"
#include "heap/walk.h"

enum pm_breakdown_by {
	PM_BY_MODULE,
	PM_BY_SIZE_CLASS,
	PM_BY_GENERATION,
	PM_BY_OWNER,
};

struct pm_breakdown_row {
	size_t name;	/* in names */
	uint64_t order; /* of rows that have an order of their own */
	struct pm_type_stats s;
};

struct pm_breakdown; /* opaque */

/* glob: of the types that are counted, NULL: all; the caller's. */
PM_CHECKED enum pm_status pm_breakdown_create(struct pm_heap *h,
	enum pm_breakdown_by by, const char *glob, struct pm_breakdown **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_breakdown_step(struct pm_breakdown *b,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_breakdown_progress(
	const struct pm_breakdown *b, uint64_t *ret_done, uint64_t *ret_total);
void pm_breakdown_destroy(struct pm_breakdown *b);

/* Once done: the rows, which the caller may sort, and their names. */
struct pm_breakdown_row *pm_breakdown_rows(
	struct pm_breakdown *b, size_t *ret_n);
const char *pm_breakdown_name(
	const struct pm_breakdown *b, const struct pm_breakdown_row *row);
/* What could not be read. */
uint64_t pm_breakdown_unreadable(const struct pm_breakdown *b);

#endif
