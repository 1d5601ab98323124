/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which characters the target's repr() shows as they are: str.isprintable, by
   the Unicode of its release.  Others are escaped. */
#ifndef PM_LAYOUT_PRINTABLE_H
#define PM_LAYOUT_PRINTABLE_H

#include "layout/layout.h"

bool pm_printable(const struct pm_layout *l, uint32_t character);

/* Runs of characters, each to the next one's begin: the minor release that
   prints them first, 255: none does; then the first of 24 bits. */
extern const uint32_t pm_printable_runs[];
extern const size_t pm_printable_count;

#endif
