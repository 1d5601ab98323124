/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tells one stop of a target from the next. */
#ifndef PM_COMMAND_FINGERPRINT_H
#define PM_COMMAND_FINGERPRINT_H

#include "command/session.h"

/* Text that is equal iff nothing ran in between: for a process of this machine
   the CPU clocks and counters of all its threads, for a core the file's
   identity and time.  *ret is NULL when there is no such thing (remote). */
PM_CHECKED enum pm_status pm_fingerprint(
	const struct pm_host_facts *f, char **ret, struct pm_error *err);

#endif
