/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where Python code stands: line tables, frames, generators. */
#ifndef PM_OBJECT_LINES_H
#define PM_OBJECT_LINES_H

#include "object/object.h"

enum pm_run_state {
	PM_RUN_UNKNOWN,
	PM_RUN_CREATED,
	PM_RUN_SUSPENDED,
	PM_RUN_CREATED_OR_SUSPENDED, /* a release without a row */
	PM_RUN_RUNNING,
	PM_RUN_CLOSED,
};
const char *pm_run_state_text(enum pm_run_state s);

struct pm_code_place {
	pm_addr code;		 /* code object, 0: not known */
	int64_t line;		 /* as PyFrame_GetLineNumber; 0: not known */
	enum pm_run_state state; /* of generators and the like */
};

/* The line of the instruction at this byte of a code object's bytecode; below
   0: before the first.  0: not known; -1: it has none. */
int64_t pm_code_line(const struct pm_objects *o, pm_addr code, int64_t at);

/* Of a frame object, a generator, a coroutine or an async generator; false: x
   is none of these, or can't be read. */
bool pm_code_place(const struct pm_objects *o, const struct pm_object *x,
	struct pm_code_place *ret);

/* Of a generator and the like that has its frame in it (3.11). */
enum pm_run_state pm_gen_state(
	const struct pm_objects *o, const struct pm_object *x);
/* One that neither runs nor is closed owns what its frame refers to. */
static inline bool pm_gen_owns_frame(enum pm_run_state s)
{
	return s == PM_RUN_CREATED || s == PM_RUN_SUSPENDED ||
	       s == PM_RUN_CREATED_OR_SUSPENDED;
}

/* The same of an interpreter frame (3.11), which is no object: code and line.
 */
bool pm_iframe_place(
	const struct pm_objects *o, pm_addr iframe, struct pm_code_place *ret);

#endif
