/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was allocated where: bytes and blocks of each traceback, of a target or
   from a file, or of both, so that they can be compared.  Frames are those that
   tracemalloc kept, the most recent first. */
#ifndef PM_TRACE_PROFILE_H
#define PM_TRACE_PROFILE_H

#include "base/map.h"
#include "trace/traces.h"

struct pm_trace_frame {
	uint32_t file; /* index of its name */
	uint32_t line; /* 0: not known */
};

/* Two moments that a profile may have. */
enum pm_trace_when { PM_TRACE_OLD, PM_TRACE_NEW, PM_TRACE_MOMENTS };

struct pm_trace_stack {
	size_t frames;	/* index of the first */
	uint32_t n;	/* frames kept */
	uint32_t total; /* that there were, or 0: not known (3.8 and before) */
	uint32_t domain;
	enum pm_trace_when when;
	uint64_t size, count;
};

struct pm_trace_moment {
	bool known;	      /* it has been read */
	uint64_t size, count; /* of all */
	uint64_t max_nframe;  /* 0: not known */
	bool has_peak;
	uint64_t peak;
	/* What makes it less than the whole. */
	uint64_t unreadable, inconsistent;
};

struct pm_trace_profile {
	PM_VEC(char *) files; /* escaped, UTF-8 */
	PM_VEC(struct pm_trace_frame) frames;
	PM_VEC(struct pm_trace_stack) stacks;
	struct pm_trace_moment moments[PM_TRACE_MOMENTS];
	struct pm_map file_ids; /* by hash of the name, see profile.c */
};

void pm_trace_profile_deinit(struct pm_trace_profile *p);

/* The file of this name, escaped already. */
PM_CHECKED enum pm_status pm_trace_profile_file(struct pm_trace_profile *p,
	const char *name, uint32_t *ret, struct pm_error *err);
/* A stack of n frames, the last ones of p->frames. */
PM_CHECKED enum pm_status pm_trace_profile_stack(struct pm_trace_profile *p,
	const struct pm_trace_stack *s, struct pm_error *err);

/* Reads the target's tracebacks as its traces are read. */
struct pm_trace_stacks {
	const struct pm_trace_tables *tables;
	struct pm_trace_profile *p;
	enum pm_trace_when when;
	struct pm_map names; /* address of a file's name to its number */
	PM_VEC(struct pm_trace_domain) domains;
	uint64_t unreadable, inconsistent; /* tracebacks */
};
struct pm_trace_domain {
	uint32_t domain;
	struct pm_map stacks; /* address to index, ~0: there is none */
};

void pm_trace_stacks_init(struct pm_trace_stacks *s,
	const struct pm_trace_tables *tables, struct pm_trace_profile *p,
	enum pm_trace_when when);
void pm_trace_stacks_deinit(struct pm_trace_stacks *s);

/* *ret: the stack in p->stacks, or SIZE_MAX where it cannot be read. */
PM_CHECKED enum pm_status pm_trace_stacks_get(struct pm_trace_stacks *s,
	pm_addr stack, uint32_t domain, size_t *ret, struct pm_error *err);

#endif
