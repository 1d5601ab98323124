/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What commands that need the whole heap share: the heap of the session, and
   the walk as the first steps of their job. */
#ifndef PM_COMMAND_WALKING_H
#define PM_COMMAND_WALKING_H

#include "command/command.h"
#include "heap/walk.h"

/* How long a step works: a little less than Ctrl-C may take. */
#define PM_STEP_SECONDS 0.08

/* The session's heap, made on first use; owned by the session. */
PM_CHECKED enum pm_status pm_walking_heap(
	struct pm_session *s, struct pm_heap **ret, struct pm_error *err);

/* The operand r->addr: the object that begins there, or why none does (see
   pm_spot_object). */
PM_CHECKED enum pm_status pm_walking_object(
	struct pm_run *r, struct pm_object *ret, struct pm_error *err);

struct pm_walking {
	struct pm_walk *walk; /* NULL: done, or done before */
};

/* Starts a walk unless this stop has had one. */
PM_CHECKED enum pm_status pm_walking_start(
	struct pm_walking *w, struct pm_run *r, struct pm_error *err);
/* Goes on; *ret_done at once when there is nothing to do. */
PM_CHECKED enum pm_status pm_walking_step(struct pm_walking *w,
	struct pm_run *r, bool *ret_done, struct pm_error *err);
void pm_walking_finish(struct pm_walking *w);

/* Does a type's qualified name match the glob?  A pattern with no dot also
   matches the bare class name. */
bool pm_type_matches(const char *qualified_name, const char *glob);

#endif
