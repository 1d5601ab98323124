/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which C types print how.  To add one: a row in repr-rows.c, with a format
   or a printer of repr-internal.h. */
#ifndef PM_OBJECT_REPR_ROWS_H
#define PM_OBJECT_REPR_ROWS_H

#include "object/decoders.h"
#include "object/repr-internal.h"

struct pm_repr_row {
	const char *type;  /* whose __repr__ it is, without "builtins." */
	pm_repr_fn *print; /* or a format: */
	/* %T tp_name, %N its last part, %p the address; and of the next place:
	   %R repr, %S text of a str, %d int, %O tp_name of its type, %C tp_name
	   of the type that it is, %D " of 'tp_name' objects". */
	const char *format;
	struct pm_decoder_field places[4];
};

/* NULL: none. */
const struct pm_repr_row *pm_repr_row_find(const char *type);

#endif
