/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files between GDB and us: memory files at descriptors that a GDB script
   can name.  GDB appends to the request by "append value", and sources the
   flags and the response. */
#ifndef PM_GDB_CHANNEL_H
#define PM_GDB_CHANNEL_H

#include "base/strbuf.h"

/* High enough that no program hands them down to GDB; refused when taken. */
enum pm_channel {
	PM_CHANNEL_REQUEST = 987,
	PM_CHANNEL_RESPONSE = 988,
	PM_CHANNEL_FLAGS = 989,
	/* The folder /proc/self/fd: "/proc/self/fd/990/988" names our response
	   or nothing, never a file of somebody else at 988. */
	PM_CHANNEL_FOLDER = 990,
};

/* Opens all of them or none. */
PM_CHECKED enum pm_status pm_channel_open(struct pm_error *err);

/* What GDB wrote since; the file is empty after it. */
PM_CHECKED enum pm_status pm_channel_take(
	enum pm_channel c, struct pm_strbuf *ret, struct pm_error *err);
/* Whether GDB wrote nothing. */
bool pm_channel_is_empty(enum pm_channel c);
/* Replaces the content. */
PM_CHECKED enum pm_status pm_channel_put(
	enum pm_channel c, const char *text, size_t len, struct pm_error *err);

#endif
