/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The traces of tracemalloc's tables, in bulk: block, size, and where the
   traceback is.  What a chain leads to and is none is counted; so is what the
   tables say they have and have not. */
#ifndef PM_TRACE_TRACES_H
#define PM_TRACE_TRACES_H

#include "trace/tables.h"

struct pm_trace {
	pm_addr block; /* as the allocator gave it out */
	uint64_t size; /* bytes that were asked for */
	pm_addr stack; /* the traceback */
	uint32_t domain;
};

struct pm_traces {
	const struct pm_trace_tables *tables;
	/* Of the last read. */
	struct pm_trace *traces;
	size_t n;
	/* Of all so far. */
	uint64_t count, bytes;
	uint64_t unreadable, inconsistent;
	/* Private. */
	size_t at; /* table */
	bool reading;
	struct pm_hashtable_reader reader;
	struct pm_scattered values;
	pm_addr *addrs;
	size_t cap;
};

void pm_traces_init(struct pm_traces *t, const struct pm_trace_tables *tables);
void pm_traces_deinit(struct pm_traces *t);
#define pm_auto_traces PM_CLEANUP(pm_traces_deinit) struct pm_traces

/* The next ones, a few ten thousand at most, perhaps none; *ret_done: there are
   no more behind these. */
PM_CHECKED enum pm_status pm_traces_read(
	struct pm_traces *t, bool *ret_done, struct pm_error *err);

#endif
