/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The state of the runtime at this stop, for py-info: interpreters, threads,
   collector, allocator, and what makes the heap doubtful. */
#ifndef PM_COMMAND_RUNTIME_STATE_H
#define PM_COMMAND_RUNTIME_STATE_H

#include "command/session.h"

enum pm_allocator {
	PM_ALLOCATOR_PYMALLOC,
	PM_ALLOCATOR_MALLOC, /* no arenas: PYTHONMALLOC=malloc */
	PM_ALLOCATOR_MIMALLOC,
};

#define PM_GENERATIONS 3

struct pm_interpreter_state {
	pm_addr addr;
	int64_t id;
	uint64_t threads;
	bool has_gc, knows_enabled, gc_enabled, gc_collecting;
	size_t generations;
	int64_t gc_count[PM_GENERATIONS], gc_threshold[PM_GENERATIONS];
};

struct pm_runtime_state {
	enum pm_allocator allocator;
	bool debug_hooks; /* PYTHONMALLOC=debug, or a debug build's default */
	uint64_t unreadable;
	PM_VEC(struct pm_interpreter_state) interpreters;
	PM_VEC(char *) warnings; /* owned */
};

/* The session is ready. Parts that cannot be read are counted. */
PM_CHECKED enum pm_status pm_runtime_state_load(struct pm_session *s,
	struct pm_runtime_state *ret, struct pm_error *err);
void pm_runtime_state_deinit(struct pm_runtime_state *st);

#endif
