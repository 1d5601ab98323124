/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where tracemalloc of the target keeps its traces, if it traces
   (Python/tracemalloc.c, until 3.11 Modules/_tracemalloc.c): a hash table from
   the address of a block to its size and traceback, one for each domain; until
   3.8 one for all, whose keys have the domain in them as soon as there is
   another one than 0.
   They are fields of the runtime since 3.12.  Before, they are static variables
   that only symbols know; without, the table is the one in Python's data whose
   entries are traces. */
#ifndef PM_TRACE_TABLES_H
#define PM_TRACE_TABLES_H

#include "object/hashtable.h"

struct pm_trace_table {
	uint32_t domain; /* unless its keys tell */
	struct pm_hashtable table;
};

struct pm_trace_tables {
	const struct pm_layout *l;
	struct pm_memory *m;
	PM_VEC(struct pm_trace_table) list; /* of domain 0 first */
	uint64_t entries;		    /* as the tables say */
	uint64_t unreadable, inconsistent;  /* tables of domains */
	uint64_t max_nframe;		    /* 0: not known */
	/* As CPython counts itself. */
	bool has_traced;
	uint64_t traced;
	bool has_peak;
	uint64_t peak;
	/* The lock is taken: somebody was stopped in the midst of a change.
	   False where that is not known. */
	bool locked;
	enum pm_source source; /* of the place */
	pm_addr place;	       /* of the pointer to the first table */
};

/* PM_ABSENT: the target does not trace, or has no tracemalloc, with a text for
   the user. */
PM_CHECKED enum pm_status pm_trace_tables_open(const struct pm_layout *l,
	struct pm_memory *m, struct pm_trace_tables *ret, struct pm_error *err);
void pm_trace_tables_deinit(struct pm_trace_tables *t);
#define pm_auto_trace_tables                                                   \
	PM_CLEANUP(pm_trace_tables_deinit) struct pm_trace_tables

/* The traces turned out to have so many bytes: where nobody told the variable
   that counts them, it is the word near the table's that says so. */
void pm_trace_tables_confirm(struct pm_trace_tables *t, uint64_t bytes);

/* Private, tables-find.c: the variables tracemalloc_traces and
   tracemalloc_domains in Python's data; and the state in the runtime, where it
   is not where the layout has it.  0: not found. */
struct pm_trace_places {
	pm_addr traces, domains;
};
void pm_trace_find_statics(const struct pm_layout *l, struct pm_memory *m,
	struct pm_trace_places *ret);
pm_addr pm_trace_find_state(const struct pm_layout *l, struct pm_memory *m);
/* May these be tracemalloc's settings? */
bool pm_trace_is_config(const struct pm_layout *l, struct pm_memory *m,
	pm_addr at, bool *ret_tracing);
/* Is this a table of traces, by its first few entries?  One that has none may
   be any. */
bool pm_trace_is_table(
	const struct pm_layout *l, struct pm_memory *m, pm_addr at);

#endif
