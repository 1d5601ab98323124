/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builds core files in memory, as a kernel lays them out: ELF header, program
   headers, notes, then the segments' bytes.  Small enough to cut off at every
   byte. */
#ifndef TESTS_LIB_FAKE_CORE_H
#define TESTS_LIB_FAKE_CORE_H

#include "base/strbuf.h"
#include "base/vec.h"

struct fake_segment {
	pm_addr vaddr;
	uint64_t memsz;
	const void *bytes; /* filesz of them; not copied */
	uint64_t filesz;
	unsigned flags; /* PF_* */
};

struct fake_core {
	bool narrow; /* 32 bits */
	bool many;   /* number of segments in section 0 (PN_XNUM) */
	PM_VEC(struct fake_segment) segments;
	struct pm_strbuf notes;
	struct pm_strbuf files, names; /* of NT_FILE */
	uint64_t file_count;
};

void fake_core_deinit(struct fake_core *c);
#define fake_auto_core PM_CLEANUP(fake_core_deinit) struct fake_core

void fake_core_segment(struct fake_core *c, pm_addr vaddr, uint64_t memsz,
	const void *bytes, uint64_t filesz, unsigned flags);
void fake_core_note(struct fake_core *c, const char *name, uint32_t type,
	const void *desc, size_t len);
/* A line of NT_FILE; pages of 4096. */
void fake_core_file(struct fake_core *c, pm_addr start, pm_addr end,
	uint64_t offset, const char *path);
/* Adds prstatus, prpsinfo and auxv as of this process. */
void fake_core_process(struct fake_core *c, int pid, pm_addr stack);

/* The finished file. */
void fake_core_write(struct fake_core *c, struct pm_strbuf *ret);

/* A small ELF shared library image: header page, text, RELRO and data, with a
   build id (id NULL: none).  As a file; its segments are mapped at the same
   offsets but for data, one page higher; its dynamic section is at the start
   of data.  program: it has an interpreter. */
void fake_elf_write(
	struct pm_strbuf *ret, const void *id, size_t id_len, bool program);
#define FAKE_ELF_TEXT 0x1000u
#define FAKE_ELF_DATA 0x2000u	    /* in the file */
#define FAKE_ELF_DATA_VADDR 0x3000u /* in memory */
#define FAKE_ELF_SIZE 0x3000u

#endif
