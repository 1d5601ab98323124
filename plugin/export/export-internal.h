/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a format is, and what the job that drives it lends it.  Each of a
   format's functions appends to the text of a file; the job writes that out. */
#ifndef PM_EXPORT_EXPORT_INTERNAL_H
#define PM_EXPORT_EXPORT_INTERNAL_H

#include "export/export.h"
#include "export/out.h"
#include "object/refs.h"

#define PM_EXPORT_OUTS 2

struct pm_export_node {
	uint32_t node;
	const struct pm_object *object; /* NULL: can't be read */
	const struct pm_type *type;	/* NULL: can't be read */
};

struct pm_export_edge {
	const struct pm_export_node *from;
	uint32_t to;
	const struct pm_ref *ref; /* NULL: not found again */
	bool guess;
};

/* In this order; roots and edges may be NULL. */
struct pm_export_format {
	enum pm_status (*begin)(struct pm_export *x, struct pm_error *err);
	void (*node)(struct pm_export *x, const struct pm_export_node *n);
	enum pm_status (*roots)(struct pm_export *x, struct pm_error *err);
	void (*root)(struct pm_export *x, const struct pm_graph_root *r);
	enum pm_status (*edges)(struct pm_export *x, struct pm_error *err);
	void (*edge)(struct pm_export *x, const struct pm_export_edge *e);
	/* Once or more often, until it says that it is done. */
	enum pm_status (*end)(
		struct pm_export *x, bool *ret_done, struct pm_error *err);
	/* Frees x->own. */
	void (*finish)(struct pm_export *x);
};

extern const struct pm_export_format pm_export_heapsnapshot, pm_export_csv,
	pm_export_json, pm_export_dot;

enum pm_export_phase {
	PM_EXPORT_BEGIN,
	PM_EXPORT_NODES,
	PM_EXPORT_ROOTS,
	PM_EXPORT_EDGES,
	PM_EXPORT_END,
	PM_EXPORT_DONE,
};

struct pm_export {
	const struct pm_graph *g;
	struct pm_export_request q; /* .path is owned */
	char *path;
	const struct pm_export_format *format;
	struct pm_out out[PM_EXPORT_OUTS];
	struct pm_export_result result;
	uint64_t *only; /* bits, by node; NULL: all */
	/* The order that roots are told in, and how many; NULL: the graph's. */
	uint32_t *order;
	void *own; /* the format's */
	enum pm_export_phase phase;
	uint32_t at;   /* the next node or root */
	uint64_t refs; /* of that node: references that were looked at, */
	uint32_t edge; /* ... and those that are edges */
};

/* Is it written? */
static inline bool pm_export_wants(const struct pm_export *x, uint32_t node)
{
	return !x->only || x->only[node / 64] >> node % 64 & 1;
}

#endif
