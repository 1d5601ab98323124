/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to native-core.c and core-*.c: what a core file says, before it is
   a target. */
#ifndef PM_TARGET_NATIVE_CORE_H
#define PM_TARGET_NATIVE_CORE_H

#include "target/elf-read.h"
#include "target/native.h"

/* A PT_LOAD: memory [start, end), of which the core promises `promised` bytes
   at `offset`, and the file is long enough for `have` of these. */
struct core_segment {
	pm_addr start, end;
	uint64_t offset, promised, have;
	unsigned flags; /* PM_MAP_READ and so on; 0: PROT_NONE */
};

/* A line of NT_FILE. */
struct core_file_range {
	pm_addr start, end;
	uint64_t offset;
	char *path; /* owned */
};

/* A mapped file that stands in for memory that was not dumped. */
struct core_file {
	const uint8_t *bytes; /* NULL: not there, or not the one mapped */
	uint64_t size;
	bool verified; /* its build id is the one in memory */
};

struct core_notes {
	PM_VEC(struct core_file_range) ranges; /* sorted, not overlapping */
	int pid;
	uint64_t page; /* bytes of the machine's pages */
	/* Of the auxiliary vector, 0: not known. */
	pm_addr vdso, stack, execfn;
};

/* Where the bytes of the mapping of the same index are. */
struct core_part {
	uint32_t file; /* index in files, or one of these two */
	uint64_t offset;
};
#define PART_CORE (UINT32_MAX - 1)
#define PART_ABSENT UINT32_MAX

struct core {
	struct pm_target t;
	uint16_t machine; /* EM_X86_64 ... */
	int fd;
	uint64_t size;	      /* of the file, when opened */
	const uint8_t *bytes; /* the file, mapped; NULL: read by pread only */
	bool gone;	      /* atomic: the file got shorter since */
	uint32_t views;	      /* atomic: views since it was last looked at */
	PM_VEC(struct core_segment) segments; /* sorted, not overlapping */
	PM_VEC(struct core_part) parts;	      /* one for each of t.maps */
	PM_VEC(struct core_file) files;
	struct core_notes notes;
};

/* From segments and notes: t.maps, parts, files and the sums of bytes. */
PM_CHECKED enum pm_status core_build_maps(struct core *c, struct pm_error *err);

/* Copies the dumped bytes at addr, as many as follow each other there. */
size_t core_read_dumped(
	const struct core *c, pm_addr addr, void *buf, size_t len);

void core_notes_deinit(struct core_notes *n);

/* Adds what one PT_NOTE segment says. */
PM_CHECKED enum pm_status core_notes_add(struct core *c, const uint8_t *bytes,
	size_t len, uint64_t align, struct pm_error *err);

/* Sorts, and drops ranges that overlap. */
void core_notes_finish(struct core_notes *n);

/* Finds the ranges of mapped files from what was dumped, for a core whose
   notes do not tell. */
PM_CHECKED enum pm_status core_guess_files(
	struct core *c, struct pm_error *err);

/* What the core has of a mapped file, to compare it with. */
struct core_probe {
	const struct core *core;
	pm_addr start;	       /* where its start was mapped, 0: not known */
	const uint8_t *header; /* header_len bytes that were dumped of it */
	size_t header_len;
};

/* Maps path (below the target's sysroot first, or one of its files that is
   proved to be it), unless it is not the file that was mapped: ret->bytes
   stays NULL then. */
void core_file_open(const struct core_probe *probe, const char *path,
	struct core_file *ret);
void core_file_close(struct core_file *f);

/* Whether the program may have changed its private copy of what is mapped from
   offset of this file on: it belongs to a writable (or RELRO) segment. */
bool core_file_writable_at(
	const struct core_file *f, uint64_t offset, uint64_t page);

/* PM_MAP_READ and PM_MAP_EXEC as the file wants to be mapped there, 0 when it
   does not say. */
unsigned core_file_perms_at(
	const struct core_file *f, uint64_t offset, uint64_t page);

#endif
