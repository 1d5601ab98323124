/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed between two snapshots, or over three: by rows (types, modules,
   owners), and object by object where all are of one process: objects of
   CPython never move.  An object is the same if it has the same address, type
   and print (print.h).  A resumable job that reads the files side by side. */
#ifndef PM_SNAPSHOT_DIFF_H
#define PM_SNAPSHOT_DIFF_H

#include "snapshot/snapshot.h"

#define PM_DIFF_MAX 3
#define PM_DIFF_GROWN_MAX 10

enum pm_diff_by { PM_DIFF_TYPE, PM_DIFF_MODULE, PM_DIFF_OWNER };

struct pm_diff_sum {
	uint64_t count, size, alloc;
};

struct pm_diff_row {
	const char *name;		    /* owned by a snapshot */
	struct pm_diff_sum at[PM_DIFF_MAX]; /* in each snapshot */
	/* Of two: what only the second has.  Of three: what the last two have
	   and the first has not. */
	struct pm_diff_sum born;
	struct pm_diff_sum gone; /* what the first has and the last has not */
	pm_addr example;	 /* of those born, 0: none */
};

/* One object of the last snapshot. */
struct pm_diff_object {
	pm_addr addr;
	uint64_t index; /* in the file */
	const char *type;
	const char *path; /* NULL: the file has none */
	uint64_t size, alloc;
	/* Of one that grew: in the first, and lengths plus 1 (0: none). */
	uint64_t size_before, alloc_before, length, length_before;
};

struct pm_diff {
	size_t n;      /* snapshots */
	bool identity; /* all of one process: born, gone, grown are known */
	struct pm_diff_row total;
	PM_VEC(struct pm_diff_row) rows;
	uint64_t survived; /* from the first to the last */
	/* Those that survived and grew most, the most first: in size, or in
	   length where there was room. */
	struct pm_diff_object grown[PM_DIFF_GROWN_MAX];
	unsigned ngrown;
	uint64_t grew; /* all that did */
	/* Those born, as far as was asked. */
	PM_VEC(struct pm_diff_object) born;
};

struct pm_diff_options {
	enum pm_diff_by by;
	/* Types that are looked at, NULL: all. */
	bool (*wants)(const void *arg, const char *type);
	const void *arg;
	size_t born; /* objects to list at most */
};

struct pm_diff_job; /* opaque */

/* n: 2 or 3, in the order of time; they live longer.  PM_ABSENT: a snapshot
   without owners, and these are asked for. */
PM_CHECKED enum pm_status pm_diff_create(const struct pm_snapshot *const *all,
	size_t n, const struct pm_diff_options *o, struct pm_diff_job **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_diff_step(struct pm_diff_job *j, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_diff_progress(
	const struct pm_diff_job *j, uint64_t *ret_done, uint64_t *ret_total);
void pm_diff_destroy(struct pm_diff_job *j);
/* Once done: owned by the job; rows may be sorted. */
struct pm_diff *pm_diff_result(struct pm_diff_job *j);

#endif
