/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a class brings: its bases, its flags in words, the slots of its
   instances with who brought them, the classes derived from it. */
#ifndef PM_OBJECT_CLASS_H
#define PM_OBJECT_CLASS_H

#include "base/strbuf.h"
#include "object/object.h"

/* The words of tp_flags, one by one: NULL at the end. */
const char *pm_class_flag(
	const struct pm_layout *l, uint64_t flags, unsigned *pos);

/* The i-th class of __mro__, 0 at the end or when it can't be read. */
pm_addr pm_class_mro(
	const struct pm_objects *o, const struct pm_type *t, uint64_t i);

/* __module__ of a class, as far as its qualified name begins with it: names of
   inner classes have dots, too. */
void pm_class_module(const struct pm_objects *o, const struct pm_type *t,
	struct pm_strbuf *out);

/* The class of the tp_base chain that brought the word at this offset of an
   instance. */
const struct pm_type *pm_class_of_offset(
	const struct pm_objects *o, const struct pm_type *t, int64_t off);

/* The first class of the chain for which this holds of its bases no more. */
enum pm_class_gift { PM_GIFT_DICT, PM_GIFT_WEAKREF, PM_GIFT_GC };
const struct pm_type *pm_class_giver(const struct pm_objects *o,
	const struct pm_type *t, enum pm_class_gift gift);

typedef void pm_subclass_fn(void *arg, pm_addr subclass);
/* type.__subclasses__ (); PM_FAULT, PM_CORRUPT: not all. */
PM_CHECKED enum pm_status pm_class_subclasses(const struct pm_objects *o,
	const struct pm_type *t, pm_subclass_fn *fn, void *arg);

#endif
