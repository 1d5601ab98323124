/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The objects that retain most, without sorting all. */
#ifndef PM_GRAPH_BIGGEST_H
#define PM_GRAPH_BIGGEST_H

#include "graph/dominators.h"

typedef bool pm_biggest_fn(void *arg, uint32_t node);

/* The n reached nodes that retain most (0: all), of those that wants takes
   (NULL: all), largest first; of equal ones the lower address.  To be freed. */
PM_CHECKED enum pm_status pm_biggest(const struct pm_graph *g,
	pm_biggest_fn *wants, void *arg, size_t n, uint32_t **ret,
	size_t *ret_n, struct pm_error *err);

/* What a node (g->n: all roots together) dominates immediately, the first so
   many (0: all) in that order, then the others.  To be freed. */
PM_CHECKED enum pm_status pm_biggest_below(const struct pm_graph *g,
	uint32_t node, size_t first, uint32_t **ret, size_t *ret_n,
	struct pm_error *err);

#endif
