/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lives between commands: the target of this stop and what was learned
   about it.  A new stop or another inferior (fingerprint) drops all of it. */
#ifndef PM_COMMAND_SESSION_H
#define PM_COMMAND_SESSION_H

#include "layout/layout.h"
#include "target/module.h"

struct pm_heap; /* heap/heap.h */

/* What the debugger tells at the start of a command. */
struct pm_host_facts {
	enum pm_target_kind kind;
	int pid;               /* 0: none */
	char core_path[4096];  /* "" when not a core */
	char exe_path[4096];   /* GDB's idea of the executable, "" */
	char sysroot[4096];
	pm_addr sp, pc;        /* 0: the selected thread has none */
	uint64_t inferior, thread;
	bool running;          /* the inferior runs: reads are torn */
	bool terminal;         /* progress may be shown */
};

struct pm_session {
	struct pm_host_facts facts;
	struct pm_target *target;
	struct pm_memory *memory;
	struct pm_modules modules;
	struct pm_layout *layout;
	struct pm_heap *heap;  /* NULL until a command walked */
	bool fast_reads;       /* setting */
	bool use_debug_info;   /* setting */
	const char *reader;    /* "process_vm_readv", "mapped core", "GDB" */
	bool announced;        /* the first command's line was printed */
	/* The host's own reader (GDB's target_read); creates a pm_target that
	   is not parallel.  NULL when there is none. */
	struct pm_target *(*host_target)(void *host, struct pm_error *err);
	struct pm_debug_info debug_info;
	void *host;
};

void pm_session_init(struct pm_session *s);
void pm_session_deinit(struct pm_session *s);
/* Drops everything of the last stop. */
void pm_session_reset(struct pm_session *s);

/* Opens target, modules and layout if this stop has none yet; compares fast
   reads with the host's before trusting them. */
PM_CHECKED enum pm_status pm_session_ensure(
	struct pm_session *s, struct pm_error *err);

#endif
