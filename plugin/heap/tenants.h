/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has the used blocks of some arenas: objects, buffers with the objects
   that own them, what free lists keep, and blocks that are nobody's as far as
   the walk found out.  A resumable job after a walk.

   A block counts as used as the allocator has it now; what can't be read, or
   whose free list is torn, is counted and told as blocks of nobody: an arena
   with such a block is never taken for one that could be emptied. */
#ifndef PM_HEAP_TENANTS_H
#define PM_HEAP_TENANTS_H

#include "heap/walk.h"

enum pm_tenant_kind {
	PM_TENANT_OBJECT,
	PM_TENANT_BUFFER,
	PM_TENANT_KEPT, /* by a free list */
	PM_TENANT_UNKNOWN,
};

struct pm_tenant {
	enum pm_tenant_kind kind;
	uint32_t arena;		/* its number in pm_pools.arenas */
	size_t pool;		/* SIZE_MAX: a large block of mimalloc */
	pm_addr block;		/* 0: all of a pool that can't be read */
	uint64_t blocks, bytes; /* one block; or all */
	pm_addr object;		/* itself, or the owner; 0: none */
};

/* false: out of memory. */
typedef bool pm_tenant_fn(void *arg, const struct pm_tenant *t);

struct pm_tenants; /* opaque job */

/* arenas: their numbers, n of them; copied.  In their order, and within an
   arena in that of addresses. */
PM_CHECKED enum pm_status pm_tenants_create(struct pm_heap *h,
	const uint32_t *arenas, size_t n, pm_tenant_fn *fn, void *arg,
	struct pm_tenants **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_tenants_step(struct pm_tenants *t, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_tenants_progress(
	const struct pm_tenants *t, uint64_t *ret_done, uint64_t *ret_total);
void pm_tenants_destroy(struct pm_tenants *t);
/* The type of a tenant's object; NULL: not known.  For those who are told. */
const struct pm_type *pm_tenants_type(
	struct pm_tenants *t, const struct pm_tenant *x);
/* Pools and objects that could not be read; pools whose free list is torn. */
uint64_t pm_tenants_unreadable(const struct pm_tenants *t);
uint64_t pm_tenants_inconsistent(const struct pm_tenants *t);

#endif
