/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-path TYPE: the paths of all objects of some types, merged. */
#ifndef PM_COMMAND_PATH_TYPE_H
#define PM_COMMAND_PATH_TYPE_H

#include "command/command.h"

struct pm_path_type; /* opaque job */

/* The session's graph has its roots; r->operand is the pattern.  exclude: not
   through objects of these types; NULL: none. */
PM_CHECKED enum pm_status pm_path_type_create(struct pm_run *r,
	const char *exclude, struct pm_path_type **ret, struct pm_error *err);
/* *ret_done: it is shown. */
PM_CHECKED enum pm_status pm_path_type_step(struct pm_path_type *j,
	struct pm_run *r, bool *ret_done, struct pm_error *err);
void pm_path_type_destroy(struct pm_path_type *j);

#endif
