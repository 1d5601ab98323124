/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where in memory that C code got from malloc the addresses of some objects
   stand: in writable memory, but in no object, buffer, struct of the runtime,
   variable or stack that is known.  Such memory may be freed, where malloc is
   not known: a guess.  One pass over all memory, a resumable job. */
#ifndef PM_GRAPH_NATIVE_MEMORY_H
#define PM_GRAPH_NATIVE_MEMORY_H

#include "base/strbuf.h"
#include "heap/search.h"
#include "heap/walk.h"
#include "malloc/malloc.h"

#define PM_NATIVE_TARGETS PM_SEARCH_RANGES

struct pm_native_memory; /* opaque job */

/* n: PM_NATIVE_TARGETS at most. */
PM_CHECKED enum pm_status pm_native_memory_create(struct pm_heap *h,
	const pm_addr *objects, size_t n, struct pm_native_memory **ret,
	struct pm_error *err);
/* Is there anything to look for? */
bool pm_native_memory_looks(const struct pm_native_memory *j);
/* Chunks of malloc that are free hold nothing: their words are left over.  Once
   that walk is done; it has to live as long as the job. */
void pm_native_memory_know(
	struct pm_native_memory *j, const struct pm_malloc *m);
PM_CHECKED enum pm_status pm_native_memory_step(struct pm_native_memory *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_native_memory_destroy(struct pm_native_memory *j);

/* Once done: the first place of that object, in words; false: there is none, or
   it was not looked for. */
bool pm_native_memory_describe(const struct pm_native_memory *j, pm_addr object,
	struct pm_strbuf *out);

#endif
