/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text on its way to a new file. */
#ifndef PM_EXPORT_OUT_H
#define PM_EXPORT_OUT_H

#include "base/new-file.h"
#include "base/strbuf.h"

struct pm_out {
	struct pm_new_file *file; /* NULL: not open */
	char *path;
	struct pm_strbuf text; /* not yet written */
	uint64_t written;
};

PM_CHECKED enum pm_status pm_out_open(
	struct pm_out *o, const char *path, struct pm_error *err);
/* For text that is read again by pm_out_move, and then gone. */
PM_CHECKED enum pm_status pm_out_open_scratch(
	struct pm_out *o, const struct pm_out *beside, struct pm_error *err);
/* Writes what there is, if it is enough to be worth it. */
PM_CHECKED enum pm_status pm_out_flush(
	struct pm_out *o, bool all, struct pm_error *err);
/* The next piece of a scratch file to the end of another. */
PM_CHECKED enum pm_status pm_out_move(struct pm_out *from, struct pm_out *to,
	bool *ret_done, struct pm_error *err);
PM_CHECKED enum pm_status pm_out_commit(struct pm_out *o, struct pm_error *err);
void pm_out_deinit(struct pm_out *o);

/* Appends digits: there are hundreds of millions of numbers. */
void pm_out_number(struct pm_strbuf *b, uint64_t n);

#endif
