/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths of many objects, merged: app.CACHE[*].owner stands for all that are the
   owner of something in app.CACHE.  A pattern is another pattern and one step
   more, so that an object's is found from that of its holder.  Items of
   containers are one step, [*]; steps that repeat are one pattern,
   HEAD(.next)*. */
#ifndef PM_GRAPH_PATTERNS_H
#define PM_GRAPH_PATTERNS_H

#include "base/map.h"
#include "graph/graph.h"

#define PM_NO_PATTERN UINT32_MAX

struct pm_pattern {
	uint32_t above; /* PM_NO_PATTERN: a root */
	uint32_t type;	/* id of the objects' type, as in the graph */
	uint32_t text;	/* of the step, in texts */
	uint32_t loop;	/* its last steps repeat from there; PM_NO_PATTERN */
	/* The first edge it was made for; holder PM_NO_NODE: a root's word. */
	uint32_t holder, child;
	const struct pm_root *root;
	bool any;	/* the step stands for any item */
	bool many;	/* there was a second edge */
	bool is_space;	/* a namespace: what it holds are attributes */
	bool names_all; /* its keys say much: sys.modules, __globals__ */
	bool cut;	/* what is behind is not told apart any more */
	uint64_t objects, bytes; /* those that are asked for */
	uint32_t example;	 /* of these, the first */
};

struct pm_patterns {
	const struct pm_graph *g;
	PM_VEC(struct pm_pattern) list;
	struct pm_map by_step;	/* hash to pattern, plus 1 */
	struct pm_map by_text;	/* hash to text, plus 1 */
	struct pm_strbuf texts; /* with a NUL behind each */
	uint32_t recent;	/* the last that was found */
	bool no_memory;
};

void pm_patterns_init(struct pm_patterns *p, const struct pm_graph *g);
void pm_patterns_deinit(struct pm_patterns *p);

/* The pattern of a root's object. */
uint32_t pm_patterns_root(
	struct pm_patterns *p, const struct pm_root *root, uint32_t node);

/* Of a child, one step behind the pattern above.  Out of memory is remembered;
   above is the answer then.  x, the holder, is NULL for a plain container: then
   via alone says what the step is. */
uint32_t pm_patterns_step(struct pm_patterns *p, uint32_t above,
	const struct pm_object *x, const struct pm_ref *ref, uint32_t holder,
	uint32_t child);

/* As what a Python programmer would write; steps that only one edge stands for
   with their key or index. */
void pm_patterns_show(
	struct pm_patterns *p, uint32_t pattern, struct pm_strbuf *out);

/* The root it begins with. */
const struct pm_root *pm_patterns_begin(
	const struct pm_patterns *p, uint32_t pattern);

#endif
