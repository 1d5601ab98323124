/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of tracemalloc's groups, and tracebacks as Python prints them. */
#ifndef PM_COMMAND_TRACE_ROWS_H
#define PM_COMMAND_TRACE_ROWS_H

#include "command/command.h"
#include "trace/collect.h"
#include "trace/groups.h"

/* The choices of -by, and what they mean. */
#define PM_TRACE_BY_CHOICES "lineno|filename|traceback"
enum pm_trace_by pm_trace_by(const struct pm_run *r);

/* "1.5 KiB", or "1,536 bytes" with -bytes. */
void pm_trace_put_size(
	const struct pm_run *r, uint64_t size, struct pm_strbuf *out);

/* In one line: "app.py", "app.py:12", or with who called it: "app.py:12 <
   main.py:3". */
void pm_trace_describe(const struct pm_trace_profile *p,
	const struct pm_trace_stack *s, enum pm_trace_by by,
	struct pm_strbuf *out);

/* The keys file, line (not by filename) and frames (by traceback) of the open
   JSON object. */
void pm_trace_emit_place(struct pm_emit *e, const struct pm_trace_profile *p,
	const struct pm_trace_stack *s, enum pm_trace_by by);

/* Lines of text, the most recent call last. */
void pm_trace_show_stack(struct pm_emit *e, const struct pm_trace_profile *p,
	const struct pm_trace_stack *s);

/* The table "rows" of g, which is sorted; compared: with what changed. */
void pm_trace_show_rows(struct pm_run *r, const struct pm_trace_profile *p,
	const struct pm_trace_groups *g, bool compared);

/* What tells that the traces of the target are not all there are, if they are
   not; the keys complete, locked, source. */
void pm_trace_show_doubts(struct pm_run *r, const struct pm_trace_collect *c);

#endif
