/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to ledger*.c: the sweep. */
#ifndef PM_ACCOUNT_LEDGER_INTERNAL_H
#define PM_ACCOUNT_LEDGER_INTERNAL_H

#include "account/ledger.h"
#include "base/map.h"
#include "heap/fullness.h"
#include "heap/team.h"

/* A stretch of memory that somebody divides up. */
enum zone_kind {
	ZONE_ARENA,  /* index in pools->arenas */
	ZONE_MALLOC, /* a region of malloc's, or what is left of it */
	ZONE_WHOLE,  /* all of one class */
};

struct zone {
	pm_addr start, end;
	enum zone_kind kind;
	enum pm_ledger_class class;
	size_t index;
};

/* Room that is not in use, found by one thread; by the class that the sweep
   counts it as. */
struct slack {
	struct pm_resident in_arenas, outside;
	uint64_t unreadable, inconsistent;
};

struct pm_ledger_job {
	struct pm_heap *h;
	struct pm_malloc *malloc; /* may be NULL */
	struct pm_ledger result;
	struct pm_residency *residency; /* NULL: not a live process */
	struct pm_fullness_reader fullness;
	struct pm_scan *scan;
	bool scanned, done;
	struct slack slack[PM_TEAM_MAX];
	PM_VEC(struct zone) zones; /* sorted, not overlapping */
	PM_VEC(pm_addr) stacks;	   /* stack pointers, sorted */
	unsigned char *bytes;	   /* of one pool */
	/* The sweep: all below cursor is counted. */
	size_t map, zone;
	pm_addr cursor, limit;	    /* of the mapping */
	enum pm_ledger_class class; /* of what nobody divides up in it */
	struct pm_malloc_cursor chunks;
	struct pm_map sizes; /* of result.sizes */
	bool no_memory;
	struct pm_malloc_chunk chunk; /* the last one; bytes 0: none yet */
	bool dumped; /* of a core: the mapping's bytes are in it */
};

/* [cursor, end) is of this class, as far as the mapping goes. */
void ledger_put(
	struct pm_ledger_job *j, enum pm_ledger_class class, pm_addr end);
static inline bool ledger_full(const struct pm_ledger_job *j)
{
	return j->cursor >= j->limit;
}

/* Counts an arena or segment, from the cursor on. */
void ledger_put_arena(struct pm_ledger_job *j, const struct pm_arena *a);

/* Counts chunks of [cursor, end), a step's worth; true: all of them. */
bool ledger_put_chunks(struct pm_ledger_job *j, pm_addr end);

/* Fills result.sizes. */
PM_CHECKED enum pm_status ledger_sort_sizes(
	struct pm_ledger_job *j, struct pm_error *err);

/* Fills j->zones. */
PM_CHECKED enum pm_status ledger_find_zones(
	struct pm_ledger_job *j, struct pm_error *err);

#endif
