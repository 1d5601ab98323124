/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of interned strings (Objects/unicodeobject.c): a dict whose every
   key is its own value, one for all interpreters or one each, and since 3.12.1
   a hash table of the strings that are static.

	pm_auto_interned t = {0};
	PM_TRY(pm_interned_open(h, &t, err));
	while (pm_interned_next(&t, &str))
		...
	t.unreadable, t.inconsistent: what was passed over */
#ifndef PM_HEAP_INTERNED_H
#define PM_HEAP_INTERNED_H

#include "heap/walk.h"
#include "object/hashtable.h"

struct pm_interned {
	struct pm_heap *h;
	PM_VEC(pm_addr) dicts;
	struct pm_hashtable hashtable; /* .addr 0: none */
	uint64_t entries;	       /* as the tables count them themselves */
	uint64_t capacity; /* entries that the tables have room for */
	uint64_t bytes;	   /* that the allocator set aside for the tables */
	uint64_t unreadable, inconsistent;
	/* Where the iteration stands. */
	size_t dict; /* of dicts; all of them: in the hash table */
	bool in_dict;
	struct pm_dict_iter it;
	bool reading, read;
	struct pm_hashtable_reader reader;
	size_t at; /* of what was read last */
};

/* h has its pools.  PM_ABSENT: no table was found. */
PM_CHECKED enum pm_status pm_interned_open(
	struct pm_heap *h, struct pm_interned *ret, struct pm_error *err);
void pm_interned_deinit(struct pm_interned *t);
#define pm_auto_interned PM_CLEANUP(pm_interned_deinit) struct pm_interned

/* The next string; *ret_static: it is in the table of static ones. */
bool pm_interned_next(
	struct pm_interned *t, pm_addr *ret_str, bool *ret_static);

#endif
