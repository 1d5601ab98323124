/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What pins.c and pins-plan.c share. */
#ifndef PM_GRAPH_PINS_INTERNAL_H
#define PM_GRAPH_PINS_INTERNAL_H

#include "graph/pins.h"
#include "graph/without.h"

struct pm_pins_job {
	const struct pm_graph *g;
	unsigned below, phase;
	struct pm_tenants *tenants;
	struct pm_population_job *population;
	struct pm_without *search;
	uint64_t *before; /* bits, by node: what is reached now */
	uint64_t *gone;	  /* bits, by node: what a plan drops */
	size_t lot;	  /* the next to be looked at */
	uint64_t *lots;	  /* by pattern: sparse ones with blocks behind it */
	size_t *seen;	  /* by pattern: the last of these, plus 1 */
	uint8_t *numbers; /* by pattern: number of a unit, plus 1 */
	unsigned plan;	  /* that is tried */
	struct pm_pins r;
};

/* Chooses what to drop, best first, from the signatures of sparse lots. */
PM_CHECKED enum pm_status pm_pins_choose(
	struct pm_pins_job *j, struct pm_error *err);
/* Marks in j->gone what the plan drops. */
void pm_pins_drop(struct pm_pins_job *j, struct pm_pin_plan *plan);
/* What the plan brings, from what is reached without it. */
void pm_pins_judge(
	struct pm_pins_job *j, struct pm_pin_plan *plan, const uint64_t *after);

static inline bool pm_pins_bit(const uint64_t *bits, uint32_t node)
{
	return bits[node / 64] >> node % 64 & 1;
}

#endif
