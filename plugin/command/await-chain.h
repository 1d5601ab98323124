/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chain of awaits of one task, coroutine, ...: from its own coroutine in to
   what all of it waits for, each step with its place in the code. */
#ifndef PM_COMMAND_AWAIT_CHAIN_H
#define PM_COMMAND_AWAIT_CHAIN_H

#include "command/command.h"
#include "heap/awaitables.h"

struct pm_await_chain {
	PM_VEC(pm_addr) steps; /* coroutines, generators: the outermost first */
	bool cut;	       /* it goes on, or leads back into itself */
	/* What the innermost waits for: a future, or another object that can
	   be awaited; 0: nothing, or its step does not say. */
	pm_addr end;
};

/* A row's place in the code, in words; all of it "" where it is not known. */
struct pm_await_place {
	struct pm_strbuf function, file;
	int64_t line; /* 0: not known */
	enum pm_run_state state;
};
void pm_await_place_deinit(struct pm_await_place *p);
#define pm_auto_await_place                                                    \
	PM_CLEANUP(pm_await_place_deinit) struct pm_await_place
/* Of a coroutine, generator, ...; of a closed one, where it is defined. */
void pm_await_place_load(const struct pm_objects *o, const struct pm_object *x,
	struct pm_await_place *ret);

PM_CHECKED enum pm_status pm_await_chain_load(const struct pm_objects *o,
	const struct pm_awaitable *x, struct pm_await_chain *ret,
	struct pm_error *err);
void pm_await_chain_deinit(struct pm_await_chain *c);
#define pm_auto_await_chain                                                    \
	PM_CLEANUP(pm_await_chain_deinit) struct pm_await_chain

/* "Task-7", "" when it has none. */
void pm_awaitable_name(const struct pm_objects *o, const struct pm_awaitable *x,
	struct pm_strbuf *out);

/* The thread that runs an event loop, by number; 0: it does not run, or the
   loop is not one of asyncio's own. */
uint64_t pm_loop_thread(const struct pm_objects *o, pm_addr loop);

/* "task 'Task-7'", "gather of 3, 1 done", "future in sleep(3600)"; nothing for
   what waits for nothing. */
void pm_await_describe(struct pm_awaitables_job *j, const struct pm_objects *o,
	const struct pm_awaitable *x, const struct pm_await_chain *c,
	struct pm_strbuf *out);

/* One element of the array "chains", and if in_text the same in lines. */
void pm_await_chain_show(struct pm_run *r, struct pm_awaitables_job *j,
	const struct pm_awaitable *x, const struct pm_await_chain *c,
	bool in_text);

#endif
