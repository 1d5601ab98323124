/* SPDX-License-Identifier: GPL-3.0-or-later */
/* graphviz's dot as a child process: its text in, a picture out.  A resumable
   job, so that Ctrl-C is GDB's own; a dot that takes too long is ended. */
#ifndef PM_COMMAND_GRAPHVIZ_H
#define PM_COMMAND_GRAPHVIZ_H

#include "base/strbuf.h"

struct pm_graphviz; /* opaque job */

/* Is it there?  The error says how to get it. */
PM_CHECKED enum pm_status pm_graphviz_check(struct pm_error *err);

PM_CHECKED enum pm_status pm_graphviz_create(const char *dot, size_t len,
	struct pm_graphviz **ret, struct pm_error *err);
/* Waits for it, at most so long; ret_svg is its answer once *ret_done. */
PM_CHECKED enum pm_status pm_graphviz_step(struct pm_graphviz *g,
	double seconds, bool *ret_done, struct pm_strbuf *ret_svg,
	struct pm_error *err);
/* Ends it, too. */
void pm_graphviz_destroy(struct pm_graphviz *g);

#endif
