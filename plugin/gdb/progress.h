/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line that says how far a long command is, on a terminal only. */
#ifndef PM_GDB_PROGRESS_H
#define PM_GDB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool terminal; /* may be shown at all */
	bool styled;   /* GDB writes to a terminal that knows colours */
	bool shown;
	int64_t begin, last; /* ns */
};

void progress_init(struct progress *p);
void progress_begin(struct progress *p);
/* At most five times a second, after the first second. */
void progress_show(struct progress *p, const char *command, const char *what);
void progress_end(struct progress *p);

#endif
