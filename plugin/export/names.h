/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What viewers of other languages call an object: by its class, by its value,
   or by a name that it has itself. */
#ifndef PM_EXPORT_NAMES_H
#define PM_EXPORT_NAMES_H

#include "base/strbuf.h"
#include "object/object.h"

enum pm_look {
	PM_LOOK_INSTANCE, /* the name of its class, as pm_type_bare */
	PM_LOOK_TEXT,	  /* a str: what is in it */
	PM_LOOK_NUMBER,	  /* its repr */
	PM_LOOK_FUNCTION, /* module.qualname */
	PM_LOOK_CODE,	  /* qualname (file) */
	PM_LOOK_CLASS,	  /* "class app.Foo" */
	PM_LOOK_MODULE,	  /* "module app" */
};

/* The same for all objects of a type. */
enum pm_look pm_look_of(const struct pm_layout *l, const struct pm_type *t);

/* Appends its name, of about limit characters at most. */
void pm_look_name(const struct pm_objects *o, const struct pm_object *x,
	enum pm_look look, size_t limit, struct pm_strbuf *out);

#endif
