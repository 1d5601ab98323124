/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A comparison as text and JSON. */
#ifndef PM_COMMAND_DIFF_SHOW_H
#define PM_COMMAND_DIFF_SHOW_H

#include "command/diffing.h"

/* Everything of it is ready. */
void pm_diff_show(struct pm_diffing *d);

#endif
