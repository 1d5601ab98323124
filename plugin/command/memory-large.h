/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-memory -large: the table of who has Python's large blocks. */
#ifndef PM_COMMAND_MEMORY_LARGE_H
#define PM_COMMAND_MEMORY_LARGE_H

#include "command/command.h"
#include "graph/large-blocks.h"

void pm_memory_show_large(struct pm_run *r, const struct pm_large_blocks *b);

#endif
