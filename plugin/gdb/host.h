/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The target as GDB reads it: always right, for every kind of target, but slow
   and only from GDB's own thread.  Its Ctrl-C and its errors are C++
   exceptions that unwind through the reader's callers. */
#ifndef PM_GDB_HOST_H
#define PM_GDB_HOST_H

#include "command/session.h"

/* 0: all len bytes were read. */
typedef int pm_host_read(uint64_t addr, void *buf, int len);

/* The mappings are those of the process or core file itself where it is on this
   machine, else from mappings, the output of "info proc mappings". */
PM_CHECKED enum pm_status pm_host_open(pm_host_read *read,
	const struct pm_host_facts *facts, const char *mappings, size_t len,
	struct pm_target **ret, struct pm_error *err);

#endif
