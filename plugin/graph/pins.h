/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keeps the allocator's arenas mapped: who has their blocks, by which path
   of references, and what would go back to the system if what is in some
   collections were dropped.  With mimalloc it is pages that go back, not
   segments; both are called lots here.

   What would go back is not computed from counts: the objects are taken out of
   the graph, and a lot goes back when nothing that still is reached, nor a
   block of nobody, is in it.  A resumable job: 12 bytes per used block and 8
   per object, for as long as the result lives. */
#ifndef PM_GRAPH_PINS_H
#define PM_GRAPH_PINS_H

#include "graph/population.h"
#include "heap/tenants.h"

/* What can be done about a used block. */
enum pm_pin_fate {
	PM_PIN_ITEM,	/* goes with something in a collection */
	PM_PIN_PROGRAM, /* modules, classes, functions and what they hold */
	PM_PIN_FOREVER, /* immortal */
	PM_PIN_KEPT,	/* in free lists: a full collection empties them */
	PM_PIN_LOST,	/* no root leads there */
	PM_PIN_UNKNOWN, /* nobody's: C code's, or not readable */
};
#define PM_PIN_FATES (PM_PIN_UNKNOWN + 1)

/* A used block, or all of a pool that can't be read. */
struct pm_pin {
	uint32_t node;	/* of the object, or of the owner; PM_NO_NODE */
	uint32_t bytes; /* at most UINT32_MAX */
	uint16_t pool;	/* of the lot; a torn pool counts as its own */
	uint8_t kind;	/* enum pm_tenant_kind */
};

struct pm_lot {
	uint32_t arena;
	size_t pool; /* of mimalloc; SIZE_MAX: an arena, a large block */
	pm_addr addr;
	uint64_t bytes, bytes_used;
	size_t begin, end; /* of pins */
	uint64_t blocks[PM_PIN_FATES];
	uint64_t units; /* bits, of those that have blocks of it */
	bool sparse;	/* as empty as was asked for */
	bool stuck;	/* has blocks that no unit's end would free */
};

/* Things in a collection, all of one path and type. */
struct pm_pin_unit {
	uint32_t pattern;
	uint64_t objects, size; /* sys.getsizeof, of these alone */
	uint64_t lots;		/* sparse ones that it has blocks in */
};

#define PM_PIN_UNITS 64
#define PM_PIN_PLANS 8

/* To drop all that is in some units. */
struct pm_pin_plan {
	uint64_t units; /* bits, with those of the plans before */
	uint64_t added; /* of these, by this plan */
	uint64_t objects;
	uint64_t freed; /* objects that go, with all they alone hold */
	uint64_t freed_size;
	uint64_t lots;	/* that no used block is left in */
	uint64_t bytes; /* that go back */
	/* pymalloc keeps one empty arena for later (from 3.9 on). */
	bool keeps_one;
	bool may_keep_one; /* it depends on an order that nothing tells */
};

struct pm_pins {
	const struct pm_graph *g;
	struct pm_population *paths;
	PM_VEC(struct pm_pin) list;
	PM_VEC(struct pm_lot) lots;
	struct pm_pin_unit units[PM_PIN_UNITS];
	unsigned nunits;
	uint32_t *unit_of; /* by pattern: its unit's pattern */
	struct pm_pin_plan plans[PM_PIN_PLANS];
	unsigned nplans;
	uint64_t unreadable, inconsistent;
};

struct pm_pins_job; /* opaque */

/* The graph has its roots.  below: percent; lots that have less in use are the
   sparse ones. */
PM_CHECKED enum pm_status pm_pins_create(const struct pm_graph *g,
	unsigned below, struct pm_pins_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_pins_step(struct pm_pins_job *j, double seconds,
	bool *ret_done, struct pm_error *err);
/* A line on what it does. */
const char *pm_pins_progress(const struct pm_pins_job *j);
void pm_pins_destroy(struct pm_pins_job *j);
/* Once done, owned by the job. */
struct pm_pins *pm_pins_result(struct pm_pins_job *j);

/* The path of a pin's object; PM_NO_PATTERN: none. */
uint32_t pm_pins_pattern(const struct pm_pins_job *j, const struct pm_pin *x);
enum pm_pin_fate pm_pins_fate(
	const struct pm_pins_job *j, const struct pm_pin *x);

#endif
