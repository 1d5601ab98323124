/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Byte arrays as a target, for unit tests, fuzzers and benchmarks. */
#ifndef PM_TARGET_IMAGE_H
#define PM_TARGET_IMAGE_H

#include "target/target.h"

/* An empty image; add ranges, then use it as a target. */
PM_CHECKED enum pm_status pm_image_create(
	struct pm_target **ret, struct pm_error *err);

/* Adds [start, start+len) with a copy of bytes (zeros when NULL). flags:
   enum pm_map_flags; path may be NULL, is copied. */
PM_CHECKED enum pm_status pm_image_add(struct pm_target *t, pm_addr start,
	const void *bytes, size_t len, unsigned flags, const char *path,
	struct pm_error *err);

/* The image's own bytes at addr, to be filled by a test; NULL if not there. */
void *pm_image_at(struct pm_target *t, pm_addr addr, size_t len);

/* Makes every read from the n-th on (0 = the next one) fail, n < 0: never;
   hook, when set, runs instead of failing (it may throw). */
void pm_image_fail_at(struct pm_target *t, long n, void (*hook)(void));
/* Reads so far. */
long pm_image_reads(const struct pm_target *t);

#endif
