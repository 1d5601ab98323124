/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lives between commands: the target of this stop and what was learned
   about it.  A new stop or another inferior (fingerprint) drops all of it. */
#ifndef PM_COMMAND_SESSION_H
#define PM_COMMAND_SESSION_H

#include "base/strbuf.h"
#include "layout/layout.h"
#include "target/module.h"

struct pm_heap;	    /* heap/walk.h */
struct pm_graph;    /* graph/graph.h */
struct pm_malloc;   /* malloc/malloc.h */
struct pm_snapshot; /* snapshot/snapshot.h */

/* What the debugger tells at the start of a command. */
struct pm_host_facts {
	enum pm_target_kind kind;
	int pid;	      /* 0: none */
	char core_path[4096]; /* "" when not a core */
	char exe_path[4096];  /* GDB's idea of the executable, "" */
	char sysroot[4096];
	/* Of a core: GDB's files for it, one per line, the program first. */
	char files[32768];
	pm_addr sp, pc; /* 0: the selected thread has none */
	uint64_t inferior, thread;
	bool running;	/* the inferior runs: reads are torn */
	bool same_stop; /* remote: it has not run since the last command */
	bool terminal;	/* progress may be shown */
	bool utf8;	/* as which the host shows text */
	bool colour;	/* its output goes to a terminal, and has styles */
};

/* Words that the host reads with its own reader, to compare with ours. */
#define PM_WITNESSES 8
struct pm_witness {
	pm_addr addr; /* aligned to 8 */
	uint64_t value;
	bool answered;
};

struct pm_session {
	struct pm_host_facts facts;
	struct pm_target *target;
	struct pm_memory *memory;
	struct pm_modules modules;
	struct pm_layout *layout;
	struct pm_heap *heap; /* NULL until a command walked */
	void (*heap_destroy)(struct pm_heap *h); /* set together with heap */
	/* Of the heap; NULL until a command needed it. */
	struct pm_graph *graph;
	void (*graph_destroy)(struct pm_graph *g);
	/* The C library's, of all interpreters; NULL until a command walked. */
	struct pm_malloc *malloc;
	void (*malloc_destroy)(struct pm_malloc *m);
	/* What py-heap-growth compares with, of an earlier stop; NULL: none.
	   Kept when the target runs. */
	struct pm_snapshot *mark;
	void (*mark_destroy)(struct pm_snapshot *s);
	/* The interpreter that the command is about, -1: all of them; that of
	   .heap, with its own layout (NULL: the session's). */
	int64_t interpreter, heap_interpreter;
	struct pm_layout *alone;
	/* Settings, py-set. */
	bool fast_reads, use_debug_info;
	unsigned newest_row; /* of the table, major << 8 | minor; 0: all */
	unsigned repr_limit; /* characters of a repr */
	bool stable_ids;     /* #1, #2 for addresses: tests, bug reports */
	const char *reader;  /* of the target, or "GDB" */
	char distrust[512];  /* why the fast reader is not used, "" */
	/* Inferior and target whose line was printed before, "" none. */
	char announced[256];
	struct pm_witness witnesses[PM_WITNESSES];
	char *fingerprint; /* of the stop all this belongs to */
	/* The host's own reader (GDB's target_read); creates a pm_target that
	   is not parallel.  NULL when there is none. */
	struct pm_target *(*host_target)(void *host, struct pm_error *err);
	struct pm_debug_info debug_info;
	void *host;
};

void pm_session_init(struct pm_session *s);
void pm_session_deinit(struct pm_session *s);
/* Drops the heap, as when another interpreter is chosen. */
void pm_session_drop_heap(struct pm_session *s);
/* Drops everything of the last stop. */
void pm_session_reset(struct pm_session *s);

/* Takes the facts of this command; drops what belongs to another stop. */
PM_CHECKED enum pm_status pm_session_sync(struct pm_session *s,
	const struct pm_host_facts *facts, struct pm_error *err);

/* The steps of opening a target, for a host that must be asked in between.
   1. pm_session_open: the fast reader; it is not trusted yet.  Fills
      .witnesses with addresses.  When there is none for this target, or it is
      switched off, .target stays NULL and .distrust says why. */
PM_CHECKED enum pm_status pm_session_open(
	struct pm_session *s, struct pm_error *err);
/* 2. pm_session_judge: with the host's answers in .witnesses, closes a fast
      reader that disagrees (or that nothing could be compared with). */
void pm_session_judge(struct pm_session *s);
/* 3. pm_session_ensure: the host's reader if there is no fast one; then
      modules and layout, if this stop has none yet.  Without a host
      (host_target NULL) it does 1, too, and trusts it. */
PM_CHECKED enum pm_status pm_session_ensure(
	struct pm_session *s, struct pm_error *err);

/* The line of the first command on a target: target, version, source of the
   layout, readable share; after another target, the inferior.  When the target
   is the one announced: nothing, or that it is a truncated core. */
void pm_session_announce(const struct pm_session *s, struct pm_strbuf *b);
/* That line was shown. */
void pm_session_announced(struct pm_session *s);
/* "3.11.7", "3.12.x" when the patch level is not known. */
void pm_session_version(const struct pm_session *s, struct pm_strbuf *b);
/* The sources that facts of the layout came from, best first. */
void pm_session_layout_source(const struct pm_session *s, struct pm_strbuf *b);

#endif
