/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keeps objects alive from outside of objects, word by word, as far as the
   runtime says it itself: these roots are precise, unless their kind says
   otherwise.  What C variables, C stacks and registers may hold is in
   roots-native.h.

   Every word is told, also where several lead to one object.  Targets of frames
   are told as they stand in the word (without the tags of 3.14), and need not
   be objects of the heap that was walked.  Needs a finished walk.  A resumable
   job. */
#ifndef PM_GRAPH_ROOTS_H
#define PM_GRAPH_ROOTS_H

#include "base/strbuf.h"
#include "heap/walk.h"
#include "object/frames.h"
#include "object/refs.h"

/* X(name, "kind in JSON", precise).  The first are those that a path had better
   begin with. */
#define PM_ROOTS(X)                                                            \
	X(INTERPRETER, "interpreter", true)                                    \
	X(THREAD, "thread", true)                                              \
	X(FRAME, "frame", true)                                                \
	X(RUNTIME, "runtime", true)                                            \
	X(STATIC, "static", true)                                              \
	X(INTERNED, "interned", true)                                          \
	/* In the heap, and never freed: root-nodes.h. */                      \
	X(IMMORTAL, "immortal", true)                                          \
	/* Words of the runtime's own structs whose meaning is not known, and  \
	   of value stacks whose depth is not known: they are the address of   \
	   an object. */                                                       \
	X(STATE_WORD, "state word", false)                                     \
	X(STACK_WORD, "stack word", false)                                     \
	/* Words of C code, that the reference count leaves room for:          \
	   roots-native.h */                                                   \
	X(GLOBAL, "global", false)                                             \
	X(C_STACK, "C stack", false)                                           \
	X(REGISTER, "register", false)

enum pm_root_kind {
#define X(name, text, precise) PM_ROOT_##name,
	PM_ROOTS(X)
#undef X
		PM_ROOT_KINDS
};

const char *pm_root_kind_text(enum pm_root_kind kind);
bool pm_root_kind_is_precise(enum pm_root_kind kind);
/* A word of C code? */
static inline bool pm_root_kind_is_native(enum pm_root_kind kind)
{
	return kind >= PM_ROOT_GLOBAL;
}

struct pm_root {
	enum pm_root_kind kind;
	/* Does ob_refcnt count it?  Not: static and interned objects that are
	   roots by being what they are (at is 0), borrowed and deferred
	   references of frames (3.14, free-threaded), guesses. */
	bool counted;
	pm_addr target;
	pm_addr at; /* of the word that holds it; 0: none does */
	/* The struct that the word is in: PyInterpreterState, PyThreadState,
	   the frame (a struct, until 3.10 an object). */
	pm_addr holder;
	const char *name; /* member of it, static; NULL: see below */
	uint64_t index;	  /* in a member that has many; else the byte */
	bool many;
	/* Of interpreters, threads and frames. */
	int64_t interp_id;
	size_t thread;		/* pm_thread.number, from 1; 0: none */
	uint64_t native_thread; /* the system's, of C stacks and registers */
	/* Of frames: which one, 0 is the innermost, and what of it. */
	unsigned depth;
	pm_addr code, key;
	enum pm_via via; /* FIELD (name), LOCAL (key, index), STACK (index) */
};

/* Return false to stop; the job is then done. */
typedef bool pm_root_fn(void *arg, const struct pm_root *root);

struct pm_roots_job; /* opaque */

PM_CHECKED enum pm_status pm_roots_create(struct pm_heap *h, pm_root_fn *fn,
	void *arg, struct pm_roots_job **ret, struct pm_error *err);
/* Works until seconds have passed or all is done. */
PM_CHECKED enum pm_status pm_roots_step(struct pm_roots_job *j, double seconds,
	bool *ret_done, struct pm_error *err);
/* Structs, stacks and tables that could not be read to their end. */
uint64_t pm_roots_unreadable(const struct pm_roots_job *j);
/* Words that were taken for references and are none: the runtime is of another
   build than its row, or torn.  They are left out. */
uint64_t pm_roots_inconsistent(const struct pm_roots_job *j);
void pm_roots_destroy(struct pm_roots_job *j);

/* What a user calls it: "sys.modules", "interpreter codecs.search_path",
   "thread 2 worker() local buf", "static type builtins.dict", "C variable
   cache+0x8 (libfoo.so)", "C stack of thread 2 at sp+64 (get_item)".  With
   place: "thread 2 worker() (app.py:17) local buf". */
void pm_root_name(struct pm_heap *h, const struct pm_root *root, bool place,
	struct pm_strbuf *out);

#endif
