/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operand of a command as GDB evaluated it. */
#ifndef PM_GDB_OPERAND_H
#define PM_GDB_OPERAND_H

#include "command/run.h"
#include "gdb/request.h"

/* Sets run->addr. *ret_reference: it is the address of a C++ reference's
   target, which holds the address that is meant. */
PM_CHECKED enum pm_status pm_operand_take(struct pm_run *run,
	const struct pm_request *r, bool *ret_reference, struct pm_error *err);

#endif
