/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Futures and tasks of asyncio: those of its C code, by their layout, and those
   of its Python code, by their attributes; classes derived from either, too. */
#ifndef PM_OBJECT_FUTURES_H
#define PM_OBJECT_FUTURES_H

#include "object/attributes.h"

enum pm_future_kind {
	PM_FUTURE_NONE,
	PM_FUTURE_NATIVE,
	PM_FUTURE_PYTHON,
	PM_TASK_NATIVE,
	PM_TASK_PYTHON,
	PM_TASK_MIXED, /* of Python code, from a future of C code (3.6) */
};

static inline bool pm_future_is_task(enum pm_future_kind k)
{
	return k >= PM_TASK_NATIVE;
}

/* As its class says; of a C future whose size is not the layout's (a release
   without a row) too: pm_future_load tells. */
enum pm_future_kind pm_future_kind(
	const struct pm_objects *o, const struct pm_type *t);

enum pm_future_state {
	PM_FUTURE_PENDING,
	PM_FUTURE_CANCELLED,
	PM_FUTURE_FINISHED,
};

/* Addresses are 0 where there is none; None counts as none, but for result. */
struct pm_future {
	enum pm_future_state state;
	pm_addr loop, exception, result;
	pm_addr source_tb; /* of asyncio's debug mode */
	/* Tasks. */
	pm_addr waiter, coro;
	pm_addr name; /* a str, or a number that is not written out yet */
	/* Who waits for it (3.14): a task, or a set of them. */
	pm_addr awaited_by;
	bool awaited_by_is_set;
};

/* Names of attributes that were looked up before. */
struct pm_future_names {
	struct pm_attr_query state, loop, exception, result, source_tb, waiter,
		coro, name, awaited_by;
};
void pm_future_names_init(struct pm_future_names *n);
void pm_future_names_deinit(struct pm_future_names *n);

/* false: it can't be read, makes no sense, or is not as this release has it. */
bool pm_future_load(const struct pm_objects *o, struct pm_future_names *n,
	const struct pm_object *x, enum pm_future_kind kind,
	struct pm_future *ret);

/* Is who awaits a future noted in it? */
static inline bool pm_future_knows_awaiters(const struct pm_layout *l)
{
	return pm_has(l->f.future.awaited_by);
}

#endif
