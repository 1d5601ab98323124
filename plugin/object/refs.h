/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The strong references of an object, each with a readable via. */
#ifndef PM_OBJECT_REFS_H
#define PM_OBJECT_REFS_H

#include "base/strbuf.h"
#include "object/object.h"

enum pm_via {
	PM_VIA_FIELD,	  /* name: a field of a C struct */
	PM_VIA_SLOT,	  /* name: a member of __slots__ or tp_members */
	PM_VIA_ATTRIBUTE, /* key: attribute kept without a dict object */
	PM_VIA_INDEX,	  /* index */
	PM_VIA_KEY,	  /* dict key */
	PM_VIA_VALUE,	  /* value for key */
	PM_VIA_MEMBER,	  /* of a set */
	PM_VIA_LOCAL,	  /* key: variable name, or 0; index */
	PM_VIA_STACK,	  /* index: value stack of a frame */
	PM_VIA_TYPE,
	PM_VIA_NATIVE, /* index: byte offset; a conservative find */
};

struct pm_ref {
	pm_addr target;
	enum pm_via via;
	const char *name;
	pm_addr key; /* object that names it, 0 none */
	uint64_t index;
	pm_addr at; /* of the word that holds it; 0: not known */
};

/* Return false to stop. Native finds are not checked to be objects. */
typedef bool pm_ref_fn(void *arg, const struct pm_ref *ref);

/* PM_FAULT or PM_CORRUPT: something of the object could not be followed; what
   could was reported. */
PM_CHECKED enum pm_status pm_refs_each(const struct pm_objects *o,
	const struct pm_object *x, pm_ref_fn *fn, void *arg);

/* The references of an interpreter frame (3.11 and later) that is on a thread's
   stack, not in an object. */
PM_CHECKED enum pm_status pm_refs_of_frame(
	const struct pm_objects *o, pm_addr iframe, pm_ref_fn *fn, void *arg);

/* "attribute .name", "[3]", "value for 'k'", ...; holder NULL: a frame. */
void pm_ref_describe(const struct pm_objects *o, const struct pm_object *holder,
	const struct pm_ref *ref, struct pm_strbuf *out);
/* The same without the word that introduces a name or a key: "name", "'k'". */
void pm_ref_label(const struct pm_objects *o, const struct pm_object *holder,
	const struct pm_ref *ref, struct pm_strbuf *out);

#endif
