/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A print: a short hash of what cannot change in an object while it lives.  Two
   objects that were at one address one after the other, and of one type, are
   told apart by it; never by chance taken for two, one time in 65536 for one.
 */
#ifndef PM_SNAPSHOT_PRINT_H
#define PM_SNAPSHOT_PRINT_H

#include "heap/scan.h"

/* Have objects of this type one?  str, bytes, tuples and numbers. */
bool pm_print_has(const struct pm_type *t);
/* m: its measure. */
uint16_t pm_print_of(const struct pm_layout *l, const struct pm_scanned *x,
	const struct pm_measure *m);

#endif
