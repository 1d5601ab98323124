/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A profile in a file (snapshot/container.h, PM_CONTENT_TRACES).  Sections:
     1  numbers: the moment's size, count, max_nframe, peak + 1 or 0,
   unreadable, inconsistent; then how many files and stacks follow 2  names of
   files, texts 3  of each stack: domain, frames kept, frames there were, size,
   count 4  of each frame, stack by stack, the most recent first: file, line */
#ifndef PM_TRACE_FILE_H
#define PM_TRACE_FILE_H

#include "snapshot/container.h"
#include "trace/profile.h"

/* Either is a job in steps: start, step until *ret_done, finish in any case. */
struct pm_trace_file {
	struct pm_trace_profile *p;
	enum pm_trace_when when;
	size_t at; /* stacks that are done */
	uint64_t nstacks;
	uint64_t bytes; /* of the file, when it is complete */
	/* Private. */
	struct pm_container_writer *writer;
	struct pm_container *container;
	struct pm_section stacks, frames;
	bool has_stacks, has_frames;
	uint32_t *files; /* numbers of the file's names in p */
	uint64_t nfiles;
	struct pm_trace_moment moment;
};

/* Writes the stacks of one moment of p, which is complete. */
PM_CHECKED enum pm_status pm_trace_file_write(struct pm_trace_file *f,
	struct pm_trace_profile *p, enum pm_trace_when when, const char *path,
	struct pm_error *err);
/* Adds what is in the file to p, as of that moment. */
PM_CHECKED enum pm_status pm_trace_file_read(struct pm_trace_file *f,
	struct pm_trace_profile *p, enum pm_trace_when when, const char *path,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_trace_file_step(struct pm_trace_file *f,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_trace_file_finish(struct pm_trace_file *f);

#endif
