/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a walked heap to a snapshot: one pass over all objects, by as many
   threads as the target allows, of which a slice is held in memory at a time.
   A resumable job. */
#ifndef PM_SNAPSHOT_SAVE_H
#define PM_SNAPSHOT_SAVE_H

#include "graph/population.h"
#include "heap/roles.h"
#include "snapshot/sections.h"

struct pm_save; /* opaque */

struct pm_save_options {
	const char *path;	      /* NULL: in memory */
	const struct pm_roles *roles; /* for owners, done; NULL: without */
	/* For paths, done, of all types that pm_save_has_length, or with the
	   graph of all; NULL: without. */
	struct pm_population_job *population;
	const struct pm_graph *graph; /* with its roots; NULL: without */
	const char *target, *python;  /* of PM_SNAPSHOT_FACTS, all three */
	int64_t interpreter;	      /* -1: all */
};

PM_CHECKED enum pm_status pm_save_create(struct pm_heap *h,
	const struct pm_save_options *o, struct pm_save **ret,
	struct pm_error *err);
/* *ret_done: the file is there, under its name. */
PM_CHECKED enum pm_status pm_save_step(struct pm_save *s, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_save_progress(
	const struct pm_save *s, uint64_t *ret_done, uint64_t *ret_total);
void pm_save_destroy(struct pm_save *s);

/* Once done. */
struct pm_save_totals {
	uint64_t count, size, alloc, bytes; /* of objects; of the file */
	uint64_t unreadable, inconsistent;
};
const struct pm_save_totals *pm_save_totals(const struct pm_save *s);
/* Of one in memory: as pm_container_take. */
int pm_save_take(struct pm_save *s);

/* Have objects of this type a length in the file? */
bool pm_save_has_length(const struct pm_type *t);

#endif
