/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every mapped byte of the target in exactly one class: what Python's objects
   take, what its allocator holds besides, what C code has of malloc, stacks,
   libraries, files.  One sweep over the mappings in order of address, so that
   the sums close by construction; how much of each class is in memory comes
   with it, page by page.  A resumable job on a walked heap. */
#ifndef PM_ACCOUNT_LEDGER_H
#define PM_ACCOUNT_LEDGER_H

#include "heap/walk.h"
#include "malloc/malloc.h"
#include "target/residency.h"

/* X(NAME, "kind in JSON", "what a row says") */
#define PM_LEDGER_CLASSES(X)                                                   \
	X(OBJECTS, "objects", "live objects in Python's arenas")               \
	X(LARGE, "large_blocks", "live objects' large blocks")                 \
	X(SLACK, "slack", "room in lists, dicts, sets that is not in use")     \
	X(FREE_LISTS, "free_lists", "Python's free lists")                     \
	X(OTHER_BLOCKS, "other_blocks", "C code's blocks in Python's arenas")  \
	X(FRAMES, "frames", "stacks of Python frames")                         \
	X(FREE_BLOCKS, "free_blocks", "free blocks in used pools")             \
	X(FREE_POOLS, "free_pools", "free pools of arenas")                    \
	X(OVERHEAD, "overhead", "allocators' headers and rounding")            \
	X(MALLOC_USED, "malloc_used", "malloc: in use, not by Python objects") \
	X(MALLOC_FREE, "malloc_free", "malloc: free")                          \
	X(ANONYMOUS, "anonymous", "other private memory")                      \
	X(STACKS, "stacks", "stacks of threads")                               \
	X(LIBRARIES_DATA, "libraries_data", "libraries and program: data")     \
	X(LIBRARIES_CODE, "libraries_code", "libraries and program: code")     \
	X(FILES, "files", "other mapped files")                                \
	X(SHARED, "shared", "shared memory")                                   \
	X(KERNEL, "kernel", "mapped by the kernel, devices")                   \
	X(GUARD, "unreadable", "reserved, never touched, unreadable")

enum pm_ledger_class {
#define X(name, kind, text) PM_LEDGER_##name,
	PM_LEDGER_CLASSES(X)
#undef X
		PM_LEDGER_CLASS_COUNT,
};
const char *pm_ledger_kind(enum pm_ledger_class c);
const char *pm_ledger_text(enum pm_ledger_class c);

/* Chunks of malloc in use that no Python object has. */
struct pm_chunk_size {
	uint64_t size, count;
};

struct pm_ledger {
	/* resident: of a core, what was dumped. */
	struct pm_resident rows[PM_LEDGER_CLASS_COUNT], sum;
	/* Is resident known, by class and in all? */
	bool has_resident;
	const struct pm_residency *residency; /* NULL: not live */
	PM_VEC(struct pm_chunk_size) sizes;   /* most bytes first */
	uint64_t unreadable, inconsistent;
};

struct pm_ledger_job; /* opaque */
/* m: complete, or NULL where it can't be walked: what it holds then counts
   as other private memory, but for the blocks that objects own. */
PM_CHECKED enum pm_status pm_ledger_create(struct pm_heap *h,
	struct pm_malloc *m, struct pm_ledger_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_ledger_step(struct pm_ledger_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_ledger_progress(
	const struct pm_ledger_job *j, uint64_t *ret_done, uint64_t *ret_total);
/* Owned by the job. */
const struct pm_ledger *pm_ledger_result(const struct pm_ledger_job *j);
void pm_ledger_destroy(struct pm_ledger_job *j);

#endif
