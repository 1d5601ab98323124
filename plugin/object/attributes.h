/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The attributes that an object itself holds, wherever they are: members of
   __slots__ (and object members of C structs), values inside the instance or
   in a block beside it, and its __dict__.  What its class holds is not among
   them; of a class, they are those in its own __dict__.

	struct pm_attrs a;
	struct pm_attr v;
	pm_attrs_start(o, &x, &a);
	while (pm_attrs_next(&a, &v))
		... v.value ...
	if (a.status != PM_OK) some could not be read

   Nothing here owns memory. */
#ifndef PM_OBJECT_ATTRIBUTES_H
#define PM_OBJECT_ATTRIBUTES_H

#include "base/map.h"
#include "base/strbuf.h"
#include "object/object.h"

enum pm_attr_place {
	PM_ATTR_SLOT,	/* a word of the object, known to its class by name */
	PM_ATTR_INLINE, /* values inside the instance, names in its class */
	PM_ATTR_VALUES, /* values in a block of their own, names in its class */
	PM_ATTR_SPLIT,	/* __dict__ with values only, names in its class */
	PM_ATTR_DICT,	/* __dict__ with a table of its own */
};
const char *pm_attr_place_text(enum pm_attr_place p);

struct pm_attr {
	enum pm_attr_place place;
	pm_addr name;	  /* the key: a str, nearly always; of a slot 0 */
	const char *slot; /* name of a slot, escaped; else NULL */
	pm_addr value;	  /* 0: a slot with nothing in it */
	pm_addr at;	  /* the word that holds the value */
	uint64_t off;	  /* of slots and inline values: at - object */
};

/* Where the attributes of an instance are, besides slots.  Of an instance
   without any all is 0. */
struct pm_attr_home {
	pm_addr dict_at; /* the word for its __dict__, 0: it has none */
	pm_addr dict;	 /* its __dict__ object, 0: none was made */
	pm_addr keys;	 /* the table of names, 0: none */
	pm_addr values;	 /* PyDictValues or array as the object or its dict
			    points to it, 0: they are in the table */
	bool embedded;	 /* values are inside the instance */
	bool own_dict;	 /* the names are in a table that is not its class's */
};

/* PM_FAULT or PM_CORRUPT: its words could not be followed. */
PM_CHECKED enum pm_status pm_attr_home(const struct pm_objects *o,
	const struct pm_object *x, struct pm_attr_home *ret);

/* The word for __dict__ of an object whose class does not manage it; 0: it has
   none. */
pm_addr pm_attr_dict_at(const struct pm_objects *o, const struct pm_object *x);

struct pm_attrs {
	const struct pm_objects *o;
	const struct pm_object *x; /* stays the caller's */
	struct pm_attr_home home;
	struct pm_dict_iter dict;
	enum pm_attr_place place; /* of what is not a slot */
	bool in_dict;		  /* there is something besides slots */
	uint32_t slot;
	enum pm_status status;
};

void pm_attrs_start(const struct pm_objects *o, const struct pm_object *x,
	struct pm_attrs *ret);
/* Slots first, by offset; then the others, in the order of vars().  Slots with
   nothing in them are given, too. */
bool pm_attrs_next(struct pm_attrs *a, struct pm_attr *ret);

/* Appends the name, escaped; what is no str as "<int at 0x...>". */
void pm_attr_name(const struct pm_objects *o, const struct pm_attr *a,
	struct pm_strbuf *out);

/* A name to look for in many objects; remembers which str objects are it. */
struct pm_attr_query {
	const char *name; /* as pm_attr_name gives it */
	struct pm_map known;
};
static inline void pm_attr_query_deinit(struct pm_attr_query *q)
{
	pm_map_deinit(&q->known);
}
#define pm_auto_attr_query PM_CLEANUP(pm_attr_query_deinit) struct pm_attr_query

/* What getattr would find in the object itself: the slot of the most derived
   class, else its value in the dict.  false: there is none, or a slot that is
   empty; *ret_status (may be NULL) says when it could not be read. */
bool pm_attr_find(const struct pm_objects *o, const struct pm_object *x,
	struct pm_attr_query *q, struct pm_attr *ret,
	enum pm_status *ret_status);

#endif
