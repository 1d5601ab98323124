/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The graph of a stop as a file for the viewers of others.  It is written as it
   is read, so beside the graph it takes a few MiB whatever the heap's size.
   A resumable job: the files get their names in its last step; before that
   nothing is left of them.

   To add a format: its functions in a file of its own (export-internal.h), a
   line in PM_EXPORT_FORMATS. */
#ifndef PM_EXPORT_EXPORT_H
#define PM_EXPORT_EXPORT_H

#include "graph/dominators.h"

/* X(name, "as users type it") */
#define PM_EXPORT_FORMATS(X)                                                   \
	X(HEAPSNAPSHOT, "heapsnapshot")                                        \
	X(CSV, "csv")                                                          \
	X(JSON, "json")                                                        \
	X(DOT, "dot")

enum pm_export_kind {
#define X(name, text) PM_EXPORT_##name,
	PM_EXPORT_FORMATS(X)
#undef X
		PM_EXPORT_KINDS
};

struct pm_export_request {
	enum pm_export_kind kind;
	const char *path;  /* until pm_export_create returns */
	size_t top;	   /* only what retains most; 0: all */
	size_t text_limit; /* characters of a repr */
};

struct pm_export_file {
	char *path; /* owned */
	uint64_t bytes;
};

struct pm_export_result {
	PM_VEC(struct pm_export_file) files;
	/* Of the graph: what was written. */
	uint64_t objects, size, references, roots;
	/* Nodes and edges as the file counts them. */
	uint64_t nodes, edges;
	uint64_t left_out; /* objects */
	/* References that were not found again to say what they are: the target
	   runs. */
	uint64_t nameless;
	/* Of a heapsnapshot, whose readers have 32 bits for a number: objects
	   that are larger, objects whose id may be another's, too. */
	uint64_t oversize, doubtful_ids;
};

struct pm_export; /* opaque job */

/* The graph has its dominators. */
PM_CHECKED enum pm_status pm_export_create(const struct pm_graph *g,
	const struct pm_export_request *q, struct pm_export **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_export_step(struct pm_export *x, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_export_progress(
	const struct pm_export *x, uint64_t *ret_done, uint64_t *ret_total);
/* Owned by the job. */
const struct pm_export_result *pm_export_result(const struct pm_export *x);
void pm_export_destroy(struct pm_export *x);

#endif
