/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keeps the objects of some types alive: for each the shortest path from a
   root, and those that look the same merged (patterns.h).  One search forward
   from all roots; a root that says little, as in path.h, gets a start that is
   a few steps later, and guesses come when nothing precise leads anywhere new.

   A resumable job: 8 bytes per object while it runs. */
#ifndef PM_GRAPH_POPULATION_H
#define PM_GRAPH_POPULATION_H

#include "graph/patterns.h"

/* What is to be done with objects of a type. */
enum {
	PM_TYPE_WANTED = 1,
	PM_TYPE_EXCLUDED = 2, /* no path goes through them */
};

struct pm_population {
	struct pm_patterns patterns; /* those with objects are the result */
	uint64_t objects, bytes;     /* all that are asked for */
	uint64_t reached, reached_bytes;
};

struct pm_population_job; /* opaque */

/* what: by type id, ntypes of them; the job takes a copy.  only, bits by node,
   that live as long as the job: of those types, these objects; NULL: all.  The
   graph has its roots. */
PM_CHECKED enum pm_status pm_population_create(const struct pm_graph *g,
	const uint8_t *what, uint32_t ntypes, const uint64_t *only,
	struct pm_population_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_population_step(struct pm_population_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_population_progress(const struct pm_population_job *j,
	uint64_t *ret_done, uint64_t *ret_total);
void pm_population_destroy(struct pm_population_job *j);
/* Owned by the job, as long as it lives. */
struct pm_population *pm_population_result(struct pm_population_job *j);

/* Once done: the pattern of a node that was asked for, or leads to one that
   was; PM_NO_PATTERN: no root leads there. */
uint32_t pm_population_pattern(
	const struct pm_population_job *j, uint32_t node);

#endif
