/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A mini Python that traces its allocations, as the row's release does: tables,
   tracebacks and settings. */
#ifndef TESTS_LIB_MINI_TRACES_H
#define TESTS_LIB_MINI_TRACES_H

#include "lib/mini-python.h"

#define MINI_DOMAINS 4

struct mini_traces {
	struct mini *m;
	bool keyed; /* until 3.8, with another domain than 0 */
	pm_addr config, traces, domains, traced; /* where they are stored */
	pm_addr tables[MINI_DOMAINS];
	uint32_t numbers[MINI_DOMAINS];
	unsigned ntables;
	uint64_t bytes, count;
};

/* Has this release tracemalloc? */
bool mini_traces_may_be(const struct pm_row *row);

/* It traces, with so many frames; domains: others than 0 will come.  The
   layout's places are set. */
void mini_traces_init(
	struct mini_traces *t, struct mini *m, uint32_t frames, bool domains);

/* A traceback of n frames, the most recent first: files are str, or bytes of C
   (3.15). */
pm_addr mini_stack(struct mini_traces *t, const char *const *files,
	const uint32_t *lines, uint32_t n, bool of_c);

/* A trace; returns its entry in the table. */
pm_addr mini_trace(struct mini_traces *t, uint32_t domain, pm_addr block,
	uint64_t size, pm_addr stack);

#endif
