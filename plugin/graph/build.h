/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads all edges of a graph in one pass over the heap.  A resumable job: at
   its peak 24 bytes per object and 12 per edge. */
#ifndef PM_GRAPH_BUILD_H
#define PM_GRAPH_BUILD_H

#include "graph/graph.h"

struct pm_graph_build; /* opaque job */

PM_CHECKED enum pm_status pm_graph_build_create(
	struct pm_heap *h, struct pm_graph_build **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_graph_build_step(struct pm_graph_build *b,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_graph_build_progress(const struct pm_graph_build *b, uint64_t *ret_done,
	uint64_t *ret_total);
void pm_graph_build_destroy(struct pm_graph_build *b);

/* Once done, and once only: the graph, which is the caller's now. */
struct pm_graph *pm_graph_build_take(struct pm_graph_build *b);

#endif
