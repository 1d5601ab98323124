/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One level of the references around an object: what it refers to, or, by the
   graph, what refers to it.  What py-refs, py-backrefs -depth and pictures are
   made of. */
#ifndef PM_COMMAND_NEIGHBOURS_H
#define PM_COMMAND_NEIGHBOURS_H

#include "command/command.h"
#include "command/holder-refs.h"
#include "graph/roots.h"

struct pm_neighbour {
	pm_addr addr; /* the other object; 0: a root */
	struct pm_ref ref;
	const struct pm_root *root; /* the graph's */
};

struct pm_neighbours {
	pm_addr of;
	PM_VEC(struct pm_neighbour) list;
	uint64_t count; /* all of them, also those beyond the limit */
	uint64_t unreadable;
	uint64_t at; /* private: the next edge of the graph */
	bool begun;
};

struct pm_neighbourhood {
	struct pm_run *r;
	bool backward;	     /* needs the graph with its roots */
	const char *exclude; /* types that are left out; NULL: none */
	size_t limit;	     /* of a list; 0: all */
	struct pm_holder_refs *holders; /* backward */
};

void pm_neighbours_deinit(struct pm_neighbours *n);

/* Goes on until seconds have passed or *ret_done. */
PM_CHECKED enum pm_status pm_neighbours_find(const struct pm_neighbourhood *h,
	struct pm_neighbours *n, double seconds, bool *ret_done,
	struct pm_error *err);

/* "attribute .name", "[3]"; of a root, its name. */
void pm_neighbour_describe(const struct pm_neighbourhood *h,
	const struct pm_neighbours *n, const struct pm_neighbour *x,
	struct pm_strbuf *out);

/* Is it a reference for sure? */
bool pm_neighbour_is_exact(const struct pm_neighbour *x);

#endif
