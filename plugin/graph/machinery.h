/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which objects are the program and the language rather than its data: modules
   and their globals, sys.modules; functions and classes.  For suspects.h. */
#ifndef PM_GRAPH_MACHINERY_H
#define PM_GRAPH_MACHINERY_H

#include "graph/suspects.h"

struct pm_machinery; /* opaque */

/* The graph has its roots.  One look at each object's type, and at modules. */
PM_CHECKED enum pm_status pm_machinery_create(const struct pm_graph *g,
	struct pm_machinery **ret, struct pm_error *err);
void pm_machinery_destroy(struct pm_machinery *m);

/* Valid as long as m is. */
struct pm_roles pm_machinery_roles(struct pm_machinery *m);

#endif
