/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that say what lives at an address: shared by py-whatis and py-find. */
#ifndef PM_COMMAND_SPOTS_H
#define PM_COMMAND_SPOTS_H

#include "command/command.h"
#include "heap/spot.h"

/* Opens the table "rows" of places; forms: with what was found there. */
void pm_spots_table(struct pm_run *r, size_t limit, bool forms);
/* One place.  The row's variable is the object that it belongs to; with
   -short the place itself is printed. */
void pm_spots_row(struct pm_run *r, const struct pm_spot *s, const char *form);
/* The same of a place that nobody asked to explain. */
void pm_spots_bare_row(struct pm_run *r, pm_addr addr);

#endif
