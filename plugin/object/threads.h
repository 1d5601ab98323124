/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interpreters of the runtime and the threads of each, the newest first as
   CPython links them.  The lists of a target may be torn: both iterators end
   where memory can't be read, and where a list leads back into itself.

	pm_each_interpreter (i, l, m)
		pm_each_thread (t, l, m, i.at)
			... t.at, the thread state
*/
#ifndef PM_OBJECT_THREADS_H
#define PM_OBJECT_THREADS_H

#include "layout/layout.h"

struct pm_chain {
	const struct pm_layout *l;
	struct pm_memory *m;
	pm_addr at; /* 0: past the end */
	size_t n;   /* of those before it */
	/* Of the end, or of what comes next, whichever is known: PM_OK,
	   PM_FAULT or PM_CORRUPT (a ring). */
	enum pm_status status;
	bool threads;	/* else interpreters */
	pm_addr anchor; /* an earlier one, to notice rings */
};

/* Those that count: see pm_layout.all_interpreters. */
struct pm_chain pm_interpreters(const struct pm_layout *l, struct pm_memory *m);
struct pm_chain pm_threads_of(
	const struct pm_layout *l, struct pm_memory *m, pm_addr interp);
void pm_chain_next(struct pm_chain *c);
/* Of a chain that has ended: did it really? */
PM_CHECKED enum pm_status pm_chain_check(
	const struct pm_chain *c, struct pm_error *err);

#define pm_each_interpreter(c, l, m)                                           \
	for (struct pm_chain c = pm_interpreters(l, m); c.at; pm_chain_next(&c))
#define pm_each_thread(c, l, m, interp)                                        \
	for (struct pm_chain c = pm_threads_of(l, m, interp); c.at;            \
		pm_chain_next(&c))

/* A thread state, and what names it.  Numbers begin with 1 and go by
   interpreter and by age, so the main thread is 1. */
struct pm_thread {
	pm_addr addr, interp;
	int64_t interp_id;
	size_t number;
	uint64_t ident;	 /* pthread_self(), 0: not known, or not begun */
	uint64_t native; /* the system's thread id, 0: not known (<= 3.10) */
};

struct pm_threads {
	PM_VEC(struct pm_thread) list; /* by number */
	uint64_t unreadable;	       /* lists that ended too early */
};

/* All threads of the interpreters that count. */
PM_CHECKED enum pm_status pm_threads_load(const struct pm_layout *l,
	struct pm_memory *m, struct pm_threads *ret, struct pm_error *err);
void pm_threads_deinit(struct pm_threads *t);
#define pm_auto_threads PM_CLEANUP(pm_threads_deinit) struct pm_threads

#endif
