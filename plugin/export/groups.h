/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roots by where they are: of an interpreter, of a thread, static objects, ...:
   the nodes that a viewer shows them under. */
#ifndef PM_EXPORT_GROUPS_H
#define PM_EXPORT_GROUPS_H

#include "graph/graph.h"

struct pm_root_group {
	enum pm_root_kind kind; /* the first of those that it takes together */
	int64_t number;		/* of the thread or the interpreter */
	uint32_t roots;
};

struct pm_root_groups {
	PM_VEC(struct pm_root_group) list;
	/* The graph's roots by group; n of them, to be freed. */
	uint32_t *order;
	/* Those that say why something is kept (not pm_root_is_incidental): the
	   places in g->roots of each such object's best. */
	PM_VEC(uint32_t) telling;
};

/* NULL for all that is 0 at the beginning. */
PM_CHECKED enum pm_status pm_root_groups_make(const struct pm_graph *g,
	struct pm_root_groups *ret, struct pm_error *err);
void pm_root_groups_deinit(struct pm_root_groups *r);

/* "(thread 2)" */
void pm_root_group_name(const struct pm_root_group *r, struct pm_strbuf *out);
/* Do its roots have names, each its own? */
bool pm_root_group_has_names(const struct pm_root_group *r);

#endif
