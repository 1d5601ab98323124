/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What there is to say of one object in words: where code is and where it
   stands, who raised, what a buffer is a view of, how full a container is. */
#ifndef PM_OBJECT_DETAILS_H
#define PM_OBJECT_DETAILS_H

#include "object/object.h"

/* key: a word in lower case, the same key may come several times; text is
   escaped, valid during the call. */
typedef void pm_detail_fn(void *arg, const char *key, const char *text);

void pm_details_each(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_measure *m, pm_detail_fn *fn, void *arg);

/* Which of the collector's lists it is in, as gc.get_objects (generation=i)
   counts them; 3: the permanent one.  -1: in none, or not found within a
   bounded search. */
int pm_object_generation(const struct pm_objects *o, const struct pm_object *x);

/* The heads of those lists, of every interpreter; none where the collector
   keeps bits instead (free-threaded builds). */
/* Lists of more interpreters are left out. */
#define PM_GC_HEADS_INTERPRETERS 64
#define PM_GC_HEADS_MAX (PM_GC_HEADS_INTERPRETERS * PM_GC_LISTS)
struct pm_gc_heads {
	pm_addr at[PM_GC_HEADS_MAX];
	int generation[PM_GC_HEADS_MAX]; /* or PM_GC_PERMANENT */
	unsigned n;
};
void pm_gc_heads_find(const struct pm_objects *o, struct pm_gc_heads *ret);

#endif
