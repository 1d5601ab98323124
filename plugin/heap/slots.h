/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What instances with attributes outside of slots cost, class by class, and
   what they would if the attributes in use were members of __slots__, in this
   class and in all its bases that Python code made: type_new and
   PyType_GenericAlloc of Objects/typeobject.c, with the blocks of this very
   allocator.  A resumable job after a walk. */
#ifndef PM_HEAP_SLOTS_H
#define PM_HEAP_SLOTS_H

#include "heap/scan.h"

/* Why an instance has names of its own, and not its class's. */
enum pm_sharing_lost {
	PM_LOST_NO_STR,	  /* a key is no str */
	PM_LOST_DELETED,  /* attributes were deleted */
	PM_LOST_NO_TABLE, /* the class has none any more */
	PM_LOST_TOO_MANY, /* more than the table has room for */
	PM_LOST_MISSING,  /* one that the table lacks */
	PM_LOST_ORDER,	  /* set in another order */
	PM_LOST_OTHER,	  /* __dict__ was replaced, or filled as a whole */
	PM_LOST_REASONS,
};
const char *pm_sharing_lost_text(enum pm_sharing_lost why);

struct pm_slots_attribute {
	char *name;	/* escaped */
	uint64_t count; /* instances that have it */
};

struct pm_slots_class {
	const struct pm_type *type;
	uint64_t instances;
	/* Bytes that the allocator set aside, now. */
	uint64_t objects;      /* blocks of the instances */
	uint64_t values;       /* blocks of values beside them */
	uint64_t dicts;	       /* dict objects */
	uint64_t own_keys;     /* tables of a single instance */
	uint64_t shared_keys;  /* tables of several, once each */
	uint64_t dict_objects; /* instances that have one */
	uint64_t weakrefs;     /* instances that are referred to weakly */
	uint64_t no_names;     /* keys that are no str */
	uint64_t lost, lost_by[PM_LOST_REASONS];
	PM_VEC(struct pm_slots_attribute) attributes; /* by count, name */
	/* With __slots__. */
	const char *impossible; /* why not, NULL: it is possible */
	uint32_t new_slots;	/* words for attributes, bases' included */
	uint32_t base_size;	/* tp_basicsize of what stays below them */
	uint32_t pre;		/* bytes before the object */
	bool weak_word;		/* a word for __weakref__ */
	uint64_t block;		/* of one instance */
	/* A class with __slots__ that has a __dict__ all the same: the base
	   that brings it; NULL: not so. */
	const struct pm_type *dict_from;
	struct pm_map names; /* name object -> count, while counting */
};

static inline uint64_t pm_slots_now(const struct pm_slots_class *c)
{
	return c->objects + c->values + c->dicts + c->own_keys + c->shared_keys;
}

struct pm_slots {
	struct pm_slots_class **classes; /* by type id, NULL: none */
	size_t n;
	uint64_t unreadable, inconsistent;
};

struct pm_slots_job; /* opaque */

PM_CHECKED enum pm_status pm_slots_create(
	struct pm_heap *h, struct pm_slots_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_slots_step(struct pm_slots_job *j, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_slots_progress(
	const struct pm_slots_job *j, uint64_t *ret_done, uint64_t *ret_total);
/* Owned by the job. */
const struct pm_slots *pm_slots_result(const struct pm_slots_job *j);
void pm_slots_destroy(struct pm_slots_job *j);

/* What the classes would need, once they are counted (slots-model.c). */
PM_CHECKED enum pm_status pm_slots_predict(
	struct pm_heap *h, struct pm_slots *s, struct pm_error *err);

#endif
