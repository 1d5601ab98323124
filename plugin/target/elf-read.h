/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF headers, program headers and notes decoded from bytes at hand: of a
   core, of a file, or of the target's memory.  32 and 64 bits, both byte
   orders.
   The bytes are hostile: everything is bounded by the length given, and no
   count is believed. */
#ifndef PM_TARGET_ELF_READ_H
#define PM_TARGET_ELF_READ_H

#include "base/error.h"
#include "base/load.h"

#define PM_ELF_HEADER_MAX 64  /* bytes of the longest ELF header */
#define PM_ELF_SEGMENT_MAX 56 /* bytes of the longest program header */
#define PM_BUILD_ID_TEXT 41   /* hex digits kept of a build id, and NUL */

struct pm_elf {
	bool wide; /* 64 bits */
	bool big_endian;
	uint16_t type, machine;
	uint64_t phoff, shoff;
	uint32_t phnum, phentsize; /* phnum as it is there, PN_XNUM too */
};

struct pm_elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz, align;
};

struct pm_elf_note {
	uint32_t type;
	const char *name; /* not terminated */
	size_t name_len;  /* without the NUL */
	const uint8_t *desc;
	size_t desc_len;
};

/* False when it is no ELF header of a kind we read. */
PM_CHECKED bool pm_elf_decode(
	const uint8_t *bytes, size_t len, struct pm_elf *ret);

/* One program header; there are phentsize bytes at p. */
void pm_elf_decode_segment(
	const struct pm_elf *elf, const uint8_t *p, struct pm_elf_segment *ret);

/* The i-th program header of an ELF image that starts at bytes; false when it
   is not within len. */
PM_CHECKED bool pm_elf_segment_at(const struct pm_elf *elf,
	const uint8_t *bytes, size_t len, uint32_t i,
	struct pm_elf_segment *ret);

/* Notes one after the other, *pos from 0; false at the end or at one that
   does not fit in len. align: that of the segment. */
PM_CHECKED bool pm_elf_next_note(bool big_endian, const uint8_t *bytes,
	size_t len, uint64_t align, size_t *pos, struct pm_elf_note *ret);
PM_CHECKED bool pm_elf_note_is(
	const struct pm_elf_note *n, const char *name, uint32_t type);

/* The build id among these notes as hex, cut to fit; false when none. */
PM_CHECKED bool pm_elf_build_id(bool big_endian, const uint8_t *bytes,
	size_t len, uint64_t align, char ret[PM_BUILD_ID_TEXT]);

/* ... of an ELF image: its notes are at p_offset of a file, or, with
   loaded, at p_vaddr behind the first PT_LOAD's of a mapping.  "" when there
   is none or it is not within len. */
void pm_elf_image_build_id(const uint8_t *bytes, size_t len, bool loaded,
	char ret[PM_BUILD_ID_TEXT]);

#endif
