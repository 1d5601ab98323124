/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structs of C modules by type, as text: what stands after the object header.
   "V" first: after ob_size.  Then a letter and a name each: O object,
   P pointer, n Py_ssize_t, q 64 bits, i int, h short, c byte, d double,
   z bytes until aligned.  Aligned as C does. */
#ifndef PM_OBJECT_STRUCTS_H
#define PM_OBJECT_STRUCTS_H

#include "layout/layout.h"

struct pm_struct_field {
	char kind;
	uint64_t off, width;
	char name[40];
};

/* The description for a type of this qualified name, NULL: none. */
const char *pm_struct_find(const char *qualified_name);
/* *pos: the text at first; *off: where to go on, 0 at first.  false: no more.
 */
bool pm_struct_next(const struct pm_layout *l, const char **pos, uint64_t *off,
	struct pm_struct_field *ret);

#endif
