/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job: all traces of the target into a profile, in steps.  Who wants to know
   where single blocks come from looks at each trace as it passes. */
#ifndef PM_TRACE_COLLECT_H
#define PM_TRACE_COLLECT_H

#include "trace/profile.h"

struct pm_trace_collect {
	struct pm_trace_tables tables;
	struct pm_traces traces;
	struct pm_trace_stacks stacks;
	struct pm_trace_profile *p;
	enum pm_trace_when when;
	/* Optional; stack: index in p->stacks, or SIZE_MAX.  False: out of
	   memory. */
	bool (*see)(void *arg, const struct pm_trace *t, size_t stack);
	void *arg;
	bool opened, done;
};

/* Fails as pm_trace_tables_open. */
PM_CHECKED enum pm_status pm_trace_collect_open(struct pm_trace_collect *c,
	const struct pm_layout *l, struct pm_memory *m,
	struct pm_trace_profile *p, enum pm_trace_when when,
	struct pm_error *err);
void pm_trace_collect_close(struct pm_trace_collect *c);

/* Works for so many seconds; *ret_done: the profile's moment is complete. */
PM_CHECKED enum pm_status pm_trace_collect_step(struct pm_trace_collect *c,
	double seconds, bool *ret_done, struct pm_error *err);

#endif
