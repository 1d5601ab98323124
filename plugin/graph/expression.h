/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A path as what a Python programmer would write to get there:
   sys.modules['app'].CACHE._data['k'][3].owner */
#ifndef PM_GRAPH_EXPRESSION_H
#define PM_GRAPH_EXPRESSION_H

#include "base/map.h"
#include "graph/path.h"

/* How the object holder refers to target: its first reference that is decoded
   exactly, or else the first.  false: it does not, any more. */
bool pm_graph_via(const struct pm_graph *g, const struct pm_object *holder,
	pm_addr target, struct pm_ref *ret);

/* References found before, of objects that have many: paths to one object share
   their ends, and looking through a dict of millions takes a while. */
struct pm_vias {
	struct pm_map by_edge; /* to the place, plus 1 */
	PM_VEC(struct pm_ref) found;
};

void pm_vias_deinit(struct pm_vias *v);

/* pm_graph_via of the i-th object of a path and the next; *ret_holder is the
   former. */
bool pm_path_via(const struct pm_graph *g, const struct pm_path *p, size_t i,
	struct pm_vias *vias, struct pm_object *ret_holder, struct pm_ref *ret);

/* Is it the namespace of what holds it, so that its keys are attributes? */
bool pm_ref_is_namespace(const struct pm_ref *ref);

/* One step: ".name", "[3]", "['k']"; in_namespace: the holder is a namespace.
 */
void pm_path_step_text(const struct pm_objects *o,
	const struct pm_object *holder, const struct pm_ref *ref,
	bool in_namespace, struct pm_strbuf *out);

/* Of a long path the steps in the middle are left out: the nodes from begin up
   to, not with, end.  Both 0: none are. */
struct pm_path_gap {
	size_t begin, end;
};

/* limit: nodes that are shown, half of them at each end; 0: all. */
struct pm_path_gap pm_path_gap(const struct pm_path *p, size_t limit);

/* How many, where nobody said. */
#define PM_PATH_STEPS 60

/* A path as it is written, some steps at a time: there may be millions. */
struct pm_expression {
	const struct pm_graph *g;
	const struct pm_path *path;
	struct pm_path_gap gap;
	struct pm_vias *vias; /* NULL: none */
	size_t at;	      /* the node that is led to next */
	bool in_namespace;
	struct pm_strbuf text;
};

/* Its root is written.  What cannot be written in Python is in words: "thread 1
   main() local x", "[key 'k']", "[member]". */
void pm_expression_begin(struct pm_expression *x, const struct pm_graph *g,
	const struct pm_path *p, size_t limit, struct pm_vias *vias);
/* Once there are no more: false. */
bool pm_expression_step(struct pm_expression *x);
void pm_expression_deinit(struct pm_expression *x);

/* A whole one, of PM_PATH_STEPS. */
void pm_path_expression(const struct pm_graph *g, const struct pm_path *p,
	struct pm_strbuf *out);

#endif
