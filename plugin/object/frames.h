/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python stacks: the frames of each thread, whether they are objects (until
   3.10) or structs on a stack of the thread's own or inside of generators. */
#ifndef PM_OBJECT_FRAMES_H
#define PM_OBJECT_FRAMES_H

#include "base/strbuf.h"
#include "object/lines.h"
#include "object/threads.h"

struct pm_stack_frame {
	pm_addr interp, thread;
	pm_addr iframe; /* 3.11 and later; 0: the frame is the object */
	pm_addr object; /* the frame object, 0: none was made */
	pm_addr code;
	uint64_t native_thread; /* thread id of the system, 0 not known */
	unsigned depth;		/* 0: innermost */
	bool generator; /* it is inside of a generator, a coroutine, ... */
};

/* One thread's frames, the innermost first; what C code puts between them is
   left out, as traceback.extract_stack() does. */
struct pm_stack {
	const struct pm_objects *o;
	struct pm_stack_frame frame; /* the one that comes next */
	pm_addr at;
	pm_addr mark; /* a frame that was passed, to see a ring */
	unsigned passed;
	enum pm_status status; /* why it ended: PM_OK, it was the outermost */
};

/* A thread whose stack can't be found has none, and a status. */
struct pm_stack pm_stack_of(
	const struct pm_objects *o, pm_addr interp, pm_addr thread);
bool pm_stack_next(struct pm_stack *s, struct pm_stack_frame *ret);

/* Where it stands. */
struct pm_code_place pm_frame_place(
	const struct pm_objects *o, const struct pm_stack_frame *f);

/* The words of a frame: locals (cells and free variables with them), then the
   value stack. */
struct pm_frame_slots {
	pm_addr at;
	uint64_t nlocals;
	uint64_t depth; /* of the value stack */
	uint64_t room;	/* for its values */
	/* While a frame runs, CPython may keep the depth in a register: it is 0
	   then, and up to room words may be references, or left over. */
	bool depth_known;
};

/* iframe 0: of the frame object. */
PM_CHECKED enum pm_status pm_frame_slots_load(const struct pm_objects *o,
	pm_addr iframe, pm_addr object, struct pm_frame_slots *ret);

/* Return false to stop. */
typedef bool pm_frame_fn(void *arg, const struct pm_stack_frame *f);

/* Every frame of every thread of every interpreter that no object holds: of
   builds whose frames are objects there are none. */
PM_CHECKED enum pm_status pm_frames_each(
	const struct pm_objects *o, pm_frame_fn *fn, void *arg);

/* "f (file.py)" */
void pm_frame_describe(const struct pm_objects *o,
	const struct pm_stack_frame *f, struct pm_strbuf *out);

/* What code objects say of themselves: the function's name, with that of its
   class where it is known (3.11), or without; and the file's. */
bool pm_code_name(const struct pm_objects *o, pm_addr code, bool qualified,
	struct pm_strbuf *out);
bool pm_code_file(
	const struct pm_objects *o, pm_addr code, struct pm_strbuf *out);

#endif
