/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time: for those who share out work in slices, and for what is written. */
#ifndef PM_BASE_CLOCK_H
#define PM_BASE_CLOCK_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* Monotonic clock in seconds. */
static inline double pm_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Seconds since 1970, for what is written into a file.  SOURCE_DATE_EPOCH is
   how one asks for files that are the same each time. */
static inline uint64_t pm_file_time(void)
{
	const char *fixed = getenv("SOURCE_DATE_EPOCH");
	return fixed ? strtoull(fixed, NULL, 10) : (uint64_t)time(NULL);
}

#endif
