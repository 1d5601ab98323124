/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python stacks in the image of a mini Python: code, frames, threads. */
#ifndef TESTS_LIB_MINI_FRAMES_H
#define TESTS_LIB_MINI_FRAMES_H

#include "lib/mini-heap.h"

struct mini_frames {
	struct mini_heap *h;
	pm_addr code_type, frame_type, bytes_type;
};

void mini_frames_init(struct mini_frames *s, struct mini_heap *h);

/* A code object of these locals, with room for nstack values; all of it is on
   one line. */
pm_addr mini_code(struct mini_frames *s, const char *name, const char *file,
	uint32_t line, const char *const *locals, uint32_t n, uint32_t nstack);

/* Becomes the innermost frame of thread; values of its locals, then of its
   stack, 0 for what is empty.  nstack below 0: it runs, and how deep its stack
   is is not told; all of its room is filled from values then.  Returns the
   frame: until 3.10 an object. */
pm_addr mini_push_frame(struct mini_frames *s, pm_addr thread, pm_addr code,
	const pm_addr *values, int nstack);

/* One more thread, the newest. */
pm_addr mini_thread(struct mini *m, uint64_t ident, uint64_t native);

#endif
