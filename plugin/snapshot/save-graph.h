/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of a snapshot that says who holds what: values of all objects, their
   references with names, and roots (sections.h).  A resumable job behind that
   of save.h, on the writer of it. */
#ifndef PM_SNAPSHOT_SAVE_GRAPH_H
#define PM_SNAPSHOT_SAVE_GRAPH_H

#include "graph/graph.h"
#include "snapshot/container.h"

struct pm_save_graph; /* opaque */

/* The graph has its roots; both live longer. */
PM_CHECKED enum pm_status pm_save_graph_create(const struct pm_graph *g,
	struct pm_container_writer *w, struct pm_save_graph **ret,
	struct pm_error *err);
/* Of each object, in the order of the file, before the first step; false: out
   of memory. */
bool pm_save_graph_add(struct pm_save_graph *s, pm_addr addr);
PM_CHECKED enum pm_status pm_save_graph_step(struct pm_save_graph *s,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_save_graph_progress(
	const struct pm_save_graph *s, uint64_t *ret_done, uint64_t *ret_total);
void pm_save_graph_destroy(struct pm_save_graph *s);
/* Objects of which not all could be followed. */
uint64_t pm_save_graph_unreadable(const struct pm_save_graph *s);

#endif
