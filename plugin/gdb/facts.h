/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What GDB's own tables say about the target. */
#ifndef PM_GDB_FACTS_H
#define PM_GDB_FACTS_H

#include "command/session.h"

/* From "info inferiors": kind, pid and executable of the current one. */
PM_CHECKED enum pm_status pm_facts_from_inferiors(struct pm_host_facts *f,
	const char *text, size_t len, struct pm_error *err);
/* From "info files", of which only some lines are left: the path of the core,
   then those of the libraries. */
PM_CHECKED enum pm_status pm_facts_from_files(struct pm_host_facts *f,
	const char *text, size_t len, struct pm_error *err);

/* From GDB's sysroot: where this machine has the target's files. */
void pm_facts_from_sysroot(
	struct pm_host_facts *f, const char *text, size_t len);

/* From "info dcache": is addr at the start of one of GDB's cached lines? */
bool pm_facts_from_cache(pm_addr addr, const char *text, size_t len);

#endif
