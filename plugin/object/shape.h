/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An object drawn as memory: every word of it by offset, width and name, from
   what stands before it to the end of its block's use.  Names come from the
   layout, from what is known of C modules (structs.h), from the class
   (__slots__, inline values); what nobody names is a gap. */
#ifndef PM_OBJECT_SHAPE_H
#define PM_OBJECT_SHAPE_H

#include "base/vec.h"
#include "object/object.h"

enum pm_word_kind {
	PM_WORD_NUMBER,
	PM_WORD_REAL,	/* a double */
	PM_WORD_OBJECT, /* a reference, or NULL */
	PM_WORD_BYTES,	/* more than a number: data of this width */
	PM_WORD_GAP,	/* padding, or not known */
};

struct pm_word {
	int64_t off; /* from the object's start; pre-header: below 0 */
	uint64_t width;
	uint8_t bit, bits; /* of a bit-field */
	enum pm_word_kind kind;
	bool readable;
	uint64_t value; /* up to 8 bytes of it */
	char name[80];
};

struct pm_shape {
	PM_VEC(struct pm_word) words; /* by offset */
};
void pm_shape_deinit(struct pm_shape *s);
#define pm_auto_shape PM_CLEANUP(pm_shape_deinit) struct pm_shape

/* pre: there is a pre-header (static objects have none).  What can't be read
   is marked. */
PM_CHECKED enum pm_status pm_shape_of(const struct pm_objects *o,
	const struct pm_object *x, const struct pm_measure *m, bool pre,
	struct pm_shape *ret, struct pm_error *err);

#endif
