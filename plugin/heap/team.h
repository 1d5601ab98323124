/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A few threads that share out numbered units of work until a deadline.  GDB's
   own thread takes part; the others block all signals, so that GDB's handlers
   run where they belong, and are joined before the call returns. */
#ifndef PM_HEAP_TEAM_H
#define PM_HEAP_TEAM_H

#include "base/clock.h"
#include "base/error.h"

#include <stdatomic.h>

#define PM_TEAM_MAX 2

struct pm_team {
	unsigned size; /* threads, 1 to PM_TEAM_MAX */
	atomic_size_t next;
	size_t total;
	unsigned batch; /* units between looks at the clock */
	double deadline;
	/* Does unit i as thread number who; false: stop this thread. */
	bool (*unit)(void *arg, unsigned who, size_t i);
	void *arg;
};

/* How many threads pay off; parallel: may the target be read by several? */
unsigned pm_team_size(bool parallel);

/* Works until all units are done or the deadline has passed; true: done. */
bool pm_team_run(struct pm_team *t);

/* For a progress line: units of all. */
void pm_team_progress(
	const struct pm_team *t, uint64_t *ret_done, uint64_t *ret_total);

#endif
