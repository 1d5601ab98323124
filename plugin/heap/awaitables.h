/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything in a walked heap that waits or is waited for: tasks and futures of
   asyncio, coroutines, async generators; tasks of trio and greenlets, as far as
   they are objects.  A resumable job. */
#ifndef PM_HEAP_AWAITABLES_H
#define PM_HEAP_AWAITABLES_H

#include "heap/walk.h"
#include "object/awaits.h"
#include "object/futures.h"

/* X(name, "as users read it") */
#define PM_AWAITABLE_KINDS(X)                                                  \
	X(TASK, "task")                                                        \
	X(TRIO_TASK, "trio task")                                              \
	X(FUTURE, "future")                                                    \
	X(COROUTINE, "coroutine")                                              \
	X(ASYNC_GENERATOR, "async generator")                                  \
	X(GREENLET, "greenlet")

/* Of tasks and futures, then of what has a frame of its own.  A future that has
   finished with an exception has failed. */
#define PM_AWAITABLE_STATES(X)                                                 \
	X(RUNNING, "running")                                                  \
	X(PENDING, "pending")                                                  \
	X(FAILED, "failed")                                                    \
	X(CANCELLED, "cancelled")                                              \
	X(FINISHED, "finished")                                                \
	X(CREATED, "created")                                                  \
	X(SUSPENDED, "suspended")                                              \
	X(CLOSED, "closed")                                                    \
	X(UNKNOWN, "not decoded")

enum pm_awaitable_kind {
#define X(name, text) PM_AWAITABLE_##name,
	PM_AWAITABLE_KINDS(X)
#undef X
		PM_AWAITABLE_NKINDS
};

enum pm_awaitable_state {
#define X(name, text) PM_AWAITABLE_IS_##name,
	PM_AWAITABLE_STATES(X)
#undef X
		PM_AWAITABLE_NSTATES
};

const char *pm_awaitable_kind_text(enum pm_awaitable_kind k);
const char *pm_awaitable_state_text(enum pm_awaitable_state s);
static inline bool pm_awaitable_is_done(enum pm_awaitable_state s)
{
	return s == PM_AWAITABLE_IS_FAILED || s == PM_AWAITABLE_IS_CANCELLED ||
	       s == PM_AWAITABLE_IS_FINISHED;
}

struct pm_awaitable {
	pm_addr addr;
	const struct pm_type *type;
	enum pm_awaitable_kind kind;
	enum pm_awaitable_state state;
	struct pm_future future; /* of tasks and futures that are decoded */
	pm_addr coro; /* where its chain begins, 0: it has none (any more) */
	bool part;    /* of another one's chain, or what its end waits for */
};

struct pm_awaitables {
	PM_VEC(struct pm_awaitable) list; /* by address */
	uint64_t unreadable, inconsistent;
};

struct pm_awaitables_job; /* opaque */

PM_CHECKED enum pm_status pm_awaitables_create(struct pm_heap *h,
	struct pm_awaitables_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_awaitables_step(struct pm_awaitables_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_awaitables_progress(const struct pm_awaitables_job *j,
	uint64_t *ret_done, uint64_t *ret_total);
void pm_awaitables_destroy(struct pm_awaitables_job *j);

/* Owned by the job, once done. */
const struct pm_awaitables *pm_awaitables_result(
	const struct pm_awaitables_job *j);
/* The one at addr; NULL: none of these is there. */
const struct pm_awaitable *pm_awaitables_find(
	const struct pm_awaitables_job *j, pm_addr addr);
/* Return false to stop. */
typedef bool pm_awaiter_fn(void *arg, pm_addr task);
/* The tasks that wait for the future at x: those that it has noted (3.14), or
   else those whose own future it is, or one that gathers it. */
void pm_awaitables_awaiters(struct pm_awaitables_job *j,
	const struct pm_awaitable *x, pm_awaiter_fn *fn, void *arg);
/* For whoever decodes more of them. */
struct pm_future_names *pm_awaitables_names(struct pm_awaitables_job *j);

/* The children of what asyncio.gather() waits with: a list; 0: it is none. */
pm_addr pm_gathered(const struct pm_objects *o, const struct pm_object *x);

#endif
