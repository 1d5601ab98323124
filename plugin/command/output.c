/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/output.h"
#include "base/new-file.h"

enum pm_status pm_output_write(
	const char *path, const char *text, size_t len, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_new_file) struct pm_new_file *f = NULL;
	PM_TRY(pm_new_file_create(path, &f, err));
	PM_TRY(pm_new_file_write(f, text, len, err));
	return pm_new_file_commit(f, err);
}
