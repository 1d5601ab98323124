/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cached small reads: 4 KiB pages, a bounded number of them, replaced by a
   clock hand.  One pm_memory per thread; a new one for every stop. */
#ifndef PM_TARGET_MEMORY_H
#define PM_TARGET_MEMORY_H

#include "target/target.h"

struct pm_memory; /* opaque */

/* pages 0: a default of 1024 (4 MiB). */
PM_CHECKED enum pm_status pm_memory_create(struct pm_target *t, size_t pages,
	struct pm_memory **ret, struct pm_error *err);
void pm_memory_destroy(struct pm_memory *m);
static inline void pm_cleanup_memory(struct pm_memory **m)
{
	pm_memory_destroy(*m);
}
#define pm_auto_memory PM_CLEANUP(pm_cleanup_memory) struct pm_memory *
struct pm_target *pm_memory_target(const struct pm_memory *m);

/* All len bytes or PM_FAULT.  Long reads bypass the cache. */
PM_CHECKED enum pm_status pm_memory_read(struct pm_memory *m, pm_addr addr,
	void *buf, size_t len, struct pm_error *err);

/* Unsigned word of size 1, 2, 4 or 8 in the target's byte order, zero-extended.
 */
PM_CHECKED enum pm_status pm_memory_read_uint(struct pm_memory *m, pm_addr addr,
	unsigned size, uint64_t *ret, struct pm_error *err);

/* NUL-terminated bytes of at most cap-1 characters; always terminates buf;
   PM_LIMIT when no NUL came within cap. */
PM_CHECKED enum pm_status pm_memory_read_cstring(struct pm_memory *m,
	pm_addr addr, char *buf, size_t cap, struct pm_error *err);

#endif
