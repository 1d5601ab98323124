/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roots that only looking finds: words in variables of C code, on the stacks of
   threads and in their registers that are the address of an object.  Such a
   word may be left over, or borrowed.  So it is told only where the reference
   count leaves room for it: of an object that has n more counts than references
   were found (by objects, by roots that are counted, and by guesses in objects
   of C extensions), the first n words in variables, and as many on stacks and
   in registers.

   What the runtime's own structs hold, and what static objects refer to, is
   known already and not told again.  A resumable job; the roots of the graph
   that are known so far are sorted. */
#ifndef PM_GRAPH_ROOTS_NATIVE_H
#define PM_GRAPH_ROOTS_NATIVE_H

#include "graph/graph.h"

/* How many references to a node may be where none was found yet: counts that
   neither edges nor roots explain, 0 or less: none.  on_stack: by frames; of
   objects whose counts are deferred these may have any number. */
int64_t pm_graph_room(const struct pm_graph *g, uint32_t node, bool on_stack);

struct pm_native_job; /* opaque */

PM_CHECKED enum pm_status pm_native_create(
	struct pm_graph *g, struct pm_native_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_native_step(struct pm_native_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_native_destroy(struct pm_native_job *j);

/* Once done, by node; owned by the job. */
const struct pm_graph_root *pm_native_roots(
	const struct pm_native_job *j, size_t *ret_n);
/* Threads whose stacks are not known, pieces of memory that could not be read;
   words that were too many to be kept. */
uint64_t pm_native_unreadable(const struct pm_native_job *j);

#endif
