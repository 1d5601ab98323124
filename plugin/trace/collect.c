/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/collect.h"

#include "base/clock.h"

#include <string.h>

enum pm_status pm_trace_collect_open(struct pm_trace_collect *c,
	const struct pm_layout *l, struct pm_memory *m,
	struct pm_trace_profile *p, enum pm_trace_when when,
	struct pm_error *err)
{
	PM_TRY(pm_trace_tables_open(l, m, &c->tables, err));
	pm_traces_init(&c->traces, &c->tables);
	pm_trace_stacks_init(&c->stacks, &c->tables, p, when);
	c->p = p;
	c->when = when;
	c->opened = true;
	return PM_OK;
}

void pm_trace_collect_close(struct pm_trace_collect *c)
{
	if (!c->opened)
		return;
	pm_traces_deinit(&c->traces);
	pm_trace_stacks_deinit(&c->stacks);
	pm_trace_tables_deinit(&c->tables);
	c->opened = false;
}

static enum pm_status take(struct pm_trace_collect *c, struct pm_error *err)
{
	for (size_t i = 0; i < c->traces.n; i++) {
		const struct pm_trace *t = &c->traces.traces[i];
		size_t stack;
		PM_TRY(pm_trace_stacks_get(
			&c->stacks, t->stack, t->domain, &stack, err));
		if (stack != SIZE_MAX) {
			c->p->stacks.data[stack].size += t->size;
			c->p->stacks.data[stack].count++;
		}
		if (c->see && !c->see(c->arg, t, stack))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

static void complete(struct pm_trace_collect *c)
{
	c->p->moments[c->when] = (struct pm_trace_moment){
		.known = true,
		.size = c->traces.bytes,
		.count = c->traces.count,
		.max_nframe = c->tables.max_nframe,
		.has_peak = c->tables.has_peak,
		.peak = c->tables.peak,
		.unreadable = c->tables.unreadable + c->traces.unreadable +
			      c->stacks.unreadable,
		.inconsistent = c->tables.inconsistent +
				c->traces.inconsistent + c->stacks.inconsistent,
	};
	pm_trace_tables_confirm(&c->tables, c->traces.bytes);
	c->done = true;
}

enum pm_status pm_trace_collect_step(struct pm_trace_collect *c, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	while (!c->done) {
		bool done;
		PM_TRY(pm_traces_read(&c->traces, &done, err));
		PM_TRY(take(c, err));
		if (done)
			complete(c);
		else if (pm_now() >= end)
			break;
	}
	*ret_done = c->done;
	return PM_OK;
}
