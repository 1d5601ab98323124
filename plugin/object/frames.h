/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python frames on the threads' stacks, where frames are not objects (3.11 and
   later). */
#ifndef PM_OBJECT_FRAMES_H
#define PM_OBJECT_FRAMES_H

#include "base/strbuf.h"
#include "object/object.h"

struct pm_stack_frame {
	pm_addr interp, thread, iframe, code;
	uint64_t native_thread; /* thread id of the system, 0 not known */
	unsigned depth;		/* 0: innermost */
};

/* Return false to stop. */
typedef bool pm_frame_fn(void *arg, const struct pm_stack_frame *f);

/* Every frame of every thread of every interpreter that its thread owns, the
   innermost first; frames inside generators and shims of C are left out.
   Builds whose frames are objects have none here. */
PM_CHECKED enum pm_status pm_frames_each(
	const struct pm_objects *o, pm_frame_fn *fn, void *arg);

/* "f (file.py)" */
void pm_frame_describe(const struct pm_objects *o,
	const struct pm_stack_frame *f, struct pm_strbuf *out);

#endif
