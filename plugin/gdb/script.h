/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The GDB script that defines the commands: made from the table of commands
   when the module is loaded, so that nothing is typed twice. */
#ifndef PM_GDB_SCRIPT_H
#define PM_GDB_SCRIPT_H

#include "base/strbuf.h"

/* module: the file that GDB loaded. */
void pm_script_definitions(const char *module, struct pm_strbuf *b);

#endif
