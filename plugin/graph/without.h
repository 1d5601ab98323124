/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What would still be reached if some objects were not there: one search from
   all roots that goes around them.  Guesses count as references: what is said
   to go, goes.  A resumable job, 4 bytes per object while it runs. */
#ifndef PM_GRAPH_WITHOUT_H
#define PM_GRAPH_WITHOUT_H

#include "graph/graph.h"

struct pm_without; /* opaque job */

/* The graph has its roots.  gone: bits, by node, as long as the job lives;
   NULL: none.  What is immortal stays, also when its bit is set. */
PM_CHECKED enum pm_status pm_without_create(const struct pm_graph *g,
	const uint64_t *gone, struct pm_without **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_without_step(struct pm_without *j, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_without_destroy(struct pm_without *j);
/* Once done, and once only: bits, by node, of what is reached; to be freed. */
uint64_t *pm_without_take(struct pm_without *j);

#endif
