/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time for those who share out work in slices. */
#ifndef PM_BASE_CLOCK_H
#define PM_BASE_CLOCK_H

#include <time.h>

/* Monotonic clock in seconds. */
static inline double pm_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#endif
