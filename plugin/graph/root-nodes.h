/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The roots of a graph: which nodes they lead to.  A resumable job that fills
   g->roots; what is immortal is a root as well. */
#ifndef PM_GRAPH_ROOT_NODES_H
#define PM_GRAPH_ROOT_NODES_H

#include "graph/graph.h"

struct pm_root_nodes; /* opaque job */

PM_CHECKED enum pm_status pm_root_nodes_create(
	struct pm_graph *g, struct pm_root_nodes **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_root_nodes_step(struct pm_root_nodes *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_root_nodes_destroy(struct pm_root_nodes *j);

/* The roots of a node, which stand side by side in g->roots; NULL: none. */
const struct pm_graph_root *pm_graph_roots_of(
	const struct pm_graph *g, uint32_t node);
/* The best of them. */
const struct pm_root *pm_graph_root(const struct pm_graph *g, uint32_t node);

/* Does it say little?  The globals of a running function, what is static,
   immortal, ...: roots, but nobody's reason to keep something. */
bool pm_root_is_incidental(const struct pm_root *root);

/* Their nodes, each once, to be freed; first those, nsure of them, that a root
   leads to that is no guess. */
PM_CHECKED enum pm_status pm_graph_root_list(const struct pm_graph *g,
	uint32_t **ret, size_t *ret_n, size_t *ret_nsure, struct pm_error *err);

#endif
