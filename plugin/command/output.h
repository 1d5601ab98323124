/* SPDX-License-Identifier: GPL-3.0-or-later */
/* -output FILE. */
#ifndef PM_COMMAND_OUTPUT_H
#define PM_COMMAND_OUTPUT_H

#include "base/error.h"

/* Writes all of text to path ("~/" is the home directory): to a new file
   beside it first, so that path never holds half a result. */
PM_CHECKED enum pm_status pm_output_write(
	const char *path, const char *text, size_t len, struct pm_error *err);

#endif
