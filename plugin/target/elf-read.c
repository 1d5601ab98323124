/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/elf-read.h"

#include <elf.h>
#include <string.h>

bool pm_elf_decode(const uint8_t *b, size_t len, struct pm_elf *ret)
{
	if (len < sizeof(Elf32_Ehdr) || memcmp(b, ELFMAG, SELFMAG) ||
		(b[EI_DATA] != ELFDATA2LSB && b[EI_DATA] != ELFDATA2MSB))
		return false;
	bool be = b[EI_DATA] == ELFDATA2MSB;
	bool wide = b[EI_CLASS] == ELFCLASS64;
	if (!wide && b[EI_CLASS] != ELFCLASS32)
		return false;
	if (wide && len < sizeof(Elf64_Ehdr))
		return false;
	/* e_ident, e_type, e_machine, e_version, e_entry: then the offsets. */
	unsigned word = wide ? 8 : 4, at = 24 + word;
	struct pm_elf e = {
		.wide = wide,
		.big_endian = be,
		.type = (uint16_t)pm_load(b + 16, 2, be),
		.machine = (uint16_t)pm_load(b + 18, 2, be),
		.phoff = pm_load(b + at, word, be),
		.shoff = pm_load(b + at + word, word, be),
		/* e_flags, e_ehsize */
		.phentsize = (uint32_t)pm_load(b + at + 2 * word + 6, 2, be),
		.phnum = (uint32_t)pm_load(b + at + 2 * word + 8, 2, be),
	};
	size_t least = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (e.phnum && e.phentsize < least)
		return false;
	*ret = e;
	return true;
}

void pm_elf_decode_segment(
	const struct pm_elf *elf, const uint8_t *p, struct pm_elf_segment *ret)
{
	bool be = elf->big_endian;
	unsigned w = elf->wide ? 8 : 4;
	/* p_flags is second with 64 bits, last but one with 32. */
	const uint8_t *q = p + (elf->wide ? 8 : 4);
	*ret = (struct pm_elf_segment){
		.type = (uint32_t)pm_load(p, 4, be),
		.flags = (uint32_t)pm_load(p + (elf->wide ? 4 : 24), 4, be),
		.offset = pm_load(q, w, be),
		.vaddr = pm_load(q + w, w, be),
		.filesz = pm_load(q + 3 * w, w, be),
		.memsz = pm_load(q + 4 * w, w, be),
		.align = pm_load(q + (elf->wide ? 5 * w : 6 * w), w, be),
	};
}

bool pm_elf_segment_at(const struct pm_elf *elf, const uint8_t *bytes,
	size_t len, uint32_t i, struct pm_elf_segment *ret)
{
	if (i >= elf->phnum || elf->phoff >= len ||
		(uint64_t)(i + 1) * elf->phentsize > len - elf->phoff)
		return false;
	pm_elf_decode_segment(
		elf, bytes + elf->phoff + (uint64_t)i * elf->phentsize, ret);
	return true;
}

/* Rounds up, saturating. */
static uint64_t align_up(uint64_t v, uint64_t align)
{
	return v > UINT64_MAX - align ? UINT64_MAX
				      : (v + align - 1) & ~(align - 1);
}

bool pm_elf_next_note(bool big_endian, const uint8_t *bytes, size_t len,
	uint64_t align, size_t *pos, struct pm_elf_note *ret)
{
	bool be = big_endian;
	align = align == 8 ? 8 : 4;
	if (*pos > len || len - *pos < sizeof(Elf64_Nhdr))
		return false;
	const uint8_t *p = bytes + *pos;
	uint64_t left = len - *pos;
	uint64_t namesz = pm_load(p, 4, be), descsz = pm_load(p + 4, 4, be);
	uint64_t desc_at = align_up(sizeof(Elf64_Nhdr) + namesz, align);
	if (desc_at > left || descsz > left - desc_at)
		return false;
	const char *name = (const char *)p + sizeof(Elf64_Nhdr);
	*ret = (struct pm_elf_note){
		.type = (uint32_t)pm_load(p + 8, 4, be),
		.name = name,
		.name_len = strnlen(name, (size_t)namesz),
		.desc = p + desc_at,
		.desc_len = (size_t)descsz,
	};
	uint64_t whole = align_up(desc_at + descsz, align);
	*pos += (size_t)(whole < left ? whole : left);
	return true;
}

bool pm_elf_note_is(
	const struct pm_elf_note *n, const char *name, uint32_t type)
{
	return n->type == type && n->name_len == strlen(name) &&
	       !memcmp(n->name, name, n->name_len);
}

bool pm_elf_build_id(bool big_endian, const uint8_t *bytes, size_t len,
	uint64_t align, char ret[PM_BUILD_ID_TEXT])
{
	struct pm_elf_note n;
	size_t pos = 0;
	while (pm_elf_next_note(big_endian, bytes, len, align, &pos, &n)) {
		if (!pm_elf_note_is(&n, "GNU", NT_GNU_BUILD_ID) || !n.desc_len)
			continue;
		size_t most = (PM_BUILD_ID_TEXT - 1) / 2;
		size_t used = n.desc_len < most ? n.desc_len : most;
		for (size_t i = 0; i < used; i++)
			snprintf(ret + 2 * i, 3, "%02x", n.desc[i]);
		return true;
	}
	return false;
}

void pm_elf_image_build_id(const uint8_t *bytes, size_t len, bool loaded,
	char ret[PM_BUILD_ID_TEXT])
{
	struct pm_elf elf;
	struct pm_elf_segment s;
	ret[0] = '\0';
	if (!pm_elf_decode(bytes, len, &elf))
		return;
	uint64_t base = UINT64_MAX;
	for (uint32_t i = 0; pm_elf_segment_at(&elf, bytes, len, i, &s); i++)
		if (s.type == PT_LOAD && s.vaddr - s.offset < base)
			base = s.vaddr - s.offset;
	for (uint32_t i = 0; pm_elf_segment_at(&elf, bytes, len, i, &s); i++) {
		if (s.type != PT_NOTE)
			continue;
		uint64_t at = loaded ? s.vaddr - base : s.offset;
		if (at >= len)
			continue;
		uint64_t n = s.filesz < len - at ? s.filesz : len - at;
		if (pm_elf_build_id(elf.big_endian, bytes + at, (size_t)n,
			    s.align, ret))
			return;
	}
}
