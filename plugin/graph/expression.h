/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A path as what a Python programmer would write to get there:
   sys.modules['app'].CACHE._data['k'][3].owner */
#ifndef PM_GRAPH_EXPRESSION_H
#define PM_GRAPH_EXPRESSION_H

#include "graph/path.h"

/* How the object holder refers to target: its first reference that is decoded
   exactly, or else the first.  false: it does not, any more. */
bool pm_graph_via(const struct pm_graph *g, const struct pm_object *holder,
	pm_addr target, struct pm_ref *ret);

/* Is it the namespace of what holds it, so that its keys are attributes? */
bool pm_ref_is_namespace(const struct pm_ref *ref);

/* One step: ".name", "[3]", "['k']"; in_namespace: the holder is a namespace.
 */
void pm_path_step_text(const struct pm_objects *o,
	const struct pm_object *holder, const struct pm_ref *ref,
	bool in_namespace, struct pm_strbuf *out);

/* Of all steps of a path, its root first.  What cannot be written in Python is
   in words: "thread 1 main() local x", "[key 'k']", "[member]". */
void pm_path_expression(const struct pm_graph *g, const struct pm_path *p,
	struct pm_strbuf *out);

#endif
