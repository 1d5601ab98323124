/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of CPython's own C types: which words hold references, and
   how the rest is laid out.  To add one: a row in decoders.c, and if its
   variable part is new a kind in types.h with its case in measure.c and
   refs.c. */
#ifndef PM_OBJECT_DECODERS_H
#define PM_OBJECT_DECODERS_H

#include "object/types.h"

#define PM_NO_FIELD UINT16_MAX

struct pm_decoder_field {
	uint16_t index;	  /* of struct pm_fields, or PM_NO_FIELD: use words */
	uint16_t words;	  /* pointer-size words after the object header ... */
	uint16_t words32; /* ... with words of 4 bytes */
	const char *name; /* for "via"; NULL ends the list */
};

struct pm_decoder {
	const char *name; /* qualified name of the type */
	enum pm_kind kind;
	uint16_t size_index; /* sizeof_ in struct pm_fields, or PM_NO_FIELD */
	bool inexact_size;   /* __sizeof__ counts what we do not know */
	struct pm_decoder_field fields[16]; /* besides those of its base */
	bool scan; /* its other words may hold references too */
	enum pm_era {
		PM_ERA_ANY,
		PM_ERA_TWO_TYPES = 1, /* int and long: 2.7 */
		PM_ERA_STATICS = 2,   /* one int, no _PyRuntime: 3.6 */
		PM_ERA_RUNTIME = 4,   /* 3.7 and later */
		PM_ERA_ONE_TYPE = PM_ERA_STATICS | PM_ERA_RUNTIME,
	} era;
};

/* The decoder for a C type of this qualified name, or NULL. */
const struct pm_decoder *pm_decoder_find(
	const struct pm_layout *l, const char *qualified_name);

#endif
