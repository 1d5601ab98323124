/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One interpreter of several, as if it were alone.  From 3.12 on those that
   have a lock of their own have an allocator of their own, too, and of
   free-threaded builds each thread has heaps of its own; what shares an
   allocator cannot be told apart, and is refused. */
#ifndef PM_HEAP_INTERPRETER_H
#define PM_HEAP_INTERPRETER_H

#include "layout/layout.h"

/* The obmalloc state of the interpreter at interp; 0: it has none. */
PM_CHECKED enum pm_status pm_interpreter_obmalloc(const struct pm_layout *l,
	struct pm_memory *m, pm_addr interp, pm_addr *ret,
	struct pm_error *err);

/* Its number, by which users choose it. */
PM_CHECKED enum pm_status pm_interpreter_id(const struct pm_layout *l,
	struct pm_memory *m, pm_addr interp, int64_t *ret,
	struct pm_error *err);

/* A copy of l for interpreter id alone; free it with free().  What l owns stays
   its own.  PM_USAGE: there is none of this id; PM_ABSENT: others share its
   allocator. */
PM_CHECKED enum pm_status pm_interpreter_alone(const struct pm_layout *l,
	struct pm_memory *m, int64_t id, struct pm_layout **ret,
	struct pm_error *err);

#endif
