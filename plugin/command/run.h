/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of one command, from the typed line to the rendered result; the
   debugger, tests and benchmarks all drive it like this:
     create, [evaluate the operand], start, step until done, result, destroy.
   Between two steps the host may stop for good: destroy is then enough. */
#ifndef PM_COMMAND_RUN_H
#define PM_COMMAND_RUN_H

#include "command/command.h"

/* line: "py-heap-types -top 5". PM_USAGE names what is wrong with it. */
PM_CHECKED enum pm_status pm_run_create(struct pm_session *s, const char *line,
	struct pm_run **ret, struct pm_error *err);
void pm_run_destroy(struct pm_run *r);
static inline void pm_cleanup_run(struct pm_run **r)
{
	pm_run_destroy(*r);
}

/* Whether the operand is an expression for the host; it answers by setting
   .addr and .has_addr before start. */
bool pm_run_wants_addr(const struct pm_run *r);

/* Does it need a session that is ready? */
bool pm_run_needs_target(const struct pm_run *r);

PM_CHECKED enum pm_status pm_run_start(struct pm_run *r, struct pm_error *err);
PM_CHECKED enum pm_status pm_run_step(
	struct pm_run *r, bool *ret_done, struct pm_error *err);

/* What the host prints and the variables it sets; owned by r.  With -output
   the result is in the file now and the text says so. */
struct pm_result {
	const char *text;
	size_t len;
	const struct pm_emit_variable *vars;
	size_t nvars;
};
PM_CHECKED enum pm_status pm_run_result(
	struct pm_run *r, struct pm_result *ret, struct pm_error *err);

#endif
