/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to module.c: the file of a module on this machine. */
#ifndef PM_TARGET_MODULE_FILE_H
#define PM_TARGET_MODULE_FILE_H

#include "target/module.h"

/* Looks for the file that map (the module's first mapping) is of, and compares
   it with memory: sets file_matches or file_mismatch, and build_id when memory
   did not tell it.  *ret_file: how to open it, NULL when there is none that
   matches; *ret_debug: the separate file with its symbols, or NULL; both are
   the caller's to free. */
PM_CHECKED enum pm_status module_file_find(struct pm_target *t,
	const struct pm_mapping *map, struct pm_module *mod, char **ret_file,
	char **ret_debug, struct pm_error *err);

#endif
