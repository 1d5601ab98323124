/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that is there when it is complete, and not before: it is written
   without a name, or under another one where the file system can't, in the
   folder where it is wanted, then given its name in place of what had that
   before.  Whatever happens in between leaves the old one as it was. */
#ifndef PM_BASE_NEW_FILE_H
#define PM_BASE_NEW_FILE_H

#include "base/error.h"

struct pm_new_file; /* opaque */

/* "~/" is the home directory; a link's target is replaced, not the link.  What
   is no regular file (a pipe, a terminal) is written to as it is. */
PM_CHECKED enum pm_status pm_new_file_create(
	const char *path, struct pm_new_file **ret, struct pm_error *err);
/* One in memory, that never gets a name. */
PM_CHECKED enum pm_status pm_new_file_create_memory(
	struct pm_new_file **ret, struct pm_error *err);
/* One that never gets a name either, for what is read again soon: in the folder
   where the other will be, or in memory where that is no regular file. */
PM_CHECKED enum pm_status pm_new_file_create_scratch(
	const struct pm_new_file *beside, struct pm_new_file **ret,
	struct pm_error *err);
/* The next bytes of such a file, from its beginning on; *ret_n 0: no more. */
PM_CHECKED enum pm_status pm_new_file_read(struct pm_new_file *f, void *buf,
	size_t n, size_t *ret_n, struct pm_error *err);
PM_CHECKED enum pm_status pm_new_file_write(struct pm_new_file *f,
	const void *bytes, size_t n, struct pm_error *err);
/* Gives it its name, once it is on the disk. */
PM_CHECKED enum pm_status pm_new_file_commit(
	struct pm_new_file *f, struct pm_error *err);
/* The file descriptor of one in memory for the caller to close. */
int pm_new_file_take(struct pm_new_file *f);
/* Without a commit before, nothing is left of it. */
void pm_new_file_destroy(struct pm_new_file *f);
static inline void pm_cleanup_new_file(struct pm_new_file **f)
{
	pm_new_file_destroy(*f);
}

/* The path that a user gave, with the home directory for "~/", for the caller
   to free; NULL: out of memory. */
char *pm_expand_home(const char *path);

#endif
