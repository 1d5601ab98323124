/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/fake-core.h"

#include <elf.h>
#include <string.h>

void fake_core_deinit(struct fake_core *c)
{
	pm_vec_deinit(&c->segments);
	pm_strbuf_deinit(&c->notes);
	pm_strbuf_deinit(&c->files);
	pm_strbuf_deinit(&c->names);
}

static void put(struct pm_strbuf *b, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		pm_strbuf_putc(b, (char)(uint8_t)(v >> 8 * i));
}

static void pad(struct pm_strbuf *b, size_t align)
{
	while (b->len % align)
		pm_strbuf_putc(b, 0);
}

static size_t word(const struct fake_core *c)
{
	return c->narrow ? 4 : 8;
}

void fake_core_segment(struct fake_core *c, pm_addr vaddr, uint64_t memsz,
	const void *bytes, uint64_t filesz, unsigned flags)
{
	struct fake_segment s = {vaddr, memsz, bytes, filesz, flags};
	if (!pm_vec_push(&c->segments, s))
		c->notes.failed = true;
}

static void put_note(struct pm_strbuf *b, const char *name, uint32_t type,
	const void *desc, size_t len)
{
	put(b, strlen(name) + 1, 4);
	put(b, len, 4);
	put(b, type, 4);
	pm_strbuf_append(b, name, strlen(name) + 1);
	pad(b, 4);
	pm_strbuf_append(b, desc, len);
	pad(b, 4);
}

void fake_core_note(struct fake_core *c, const char *name, uint32_t type,
	const void *desc, size_t len)
{
	put_note(&c->notes, name, type, desc, len);
}

void fake_core_file(struct fake_core *c, pm_addr start, pm_addr end,
	uint64_t offset, const char *path)
{
	put(&c->files, start, word(c));
	put(&c->files, end, word(c));
	put(&c->files, offset / 4096, word(c));
	pm_strbuf_append(&c->names, path, strlen(path) + 1);
	c->file_count++;
}

void fake_core_process(struct fake_core *c, int pid, pm_addr stack)
{
	pm_auto_strbuf b = {0};
	uint8_t status[336] = {0}, info[136] = {0};
	status[c->narrow ? 24 : 32] = (uint8_t)(pid + 1);
	info[c->narrow ? 12 : 24] = (uint8_t)pid;
	fake_core_note(c, "CORE", NT_PRSTATUS, status, sizeof status);
	fake_core_note(c, "CORE", NT_PRPSINFO, info, sizeof info);
	put(&b, AT_RANDOM, word(c));
	put(&b, stack, word(c));
	put(&b, AT_NULL, word(c));
	put(&b, 0, word(c));
	fake_core_note(c, "CORE", NT_AUXV, b.data, b.len);
}

static void put_header(struct pm_strbuf *b, bool narrow, unsigned type,
	size_t phnum, uint64_t shoff)
{
	size_t w = narrow ? 4 : 8;
	const unsigned char ident[EI_NIDENT] = {0x7f, 'E', 'L', 'F',
		narrow ? ELFCLASS32 : ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
	pm_strbuf_append(b, ident, sizeof ident);
	put(b, type, 2);
	put(b, narrow ? EM_386 : EM_X86_64, 2);
	put(b, EV_CURRENT, 4);
	put(b, 0, w); /* e_entry */
	put(b, narrow ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr), w);
	put(b, shoff, w);
	put(b, 0, 4); /* e_flags */
	put(b, narrow ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr), 2);
	put(b, narrow ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr), 2);
	put(b, phnum, 2);
	put(b, narrow ? sizeof(Elf32_Shdr) : sizeof(Elf64_Shdr), 2);
	put(b, shoff ? 1 : 0, 2);
	put(b, 0, 2);
}

static void put_segment(struct pm_strbuf *b, bool narrow, uint32_t type,
	unsigned flags, uint64_t offset, uint64_t vaddr, uint64_t filesz,
	uint64_t memsz, uint64_t align)
{
	size_t w = narrow ? 4 : 8;
	put(b, type, 4);
	if (!narrow)
		put(b, flags, 4);
	put(b, offset, w);
	put(b, vaddr, w);
	put(b, 0, w);
	put(b, filesz, w);
	put(b, memsz, w);
	if (narrow)
		put(b, flags, 4);
	put(b, align, w);
}

void fake_core_write(struct fake_core *c, struct pm_strbuf *ret)
{
	size_t w = word(c), n = c->segments.len + 1;
	if (c->file_count) {
		pm_auto_strbuf d = {0};
		put(&d, c->file_count, w);
		put(&d, 4096, w);
		pm_strbuf_append(&d, c->files.data, c->files.len);
		pm_strbuf_append(&d, c->names.data, c->names.len);
		fake_core_note(c, "CORE", NT_FILE, d.data, d.len);
		c->file_count = 0;
	}
	uint64_t at = (c->narrow ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr)) +
		      n * (c->narrow ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr));
	uint64_t end = at + c->notes.len;
	pm_vec_each (s, &c->segments)
		end += s->filesz;
	put_header(ret, c->narrow, ET_CORE, c->many ? PN_XNUM : n,
		c->many ? end : 0);
	put_segment(ret, c->narrow, PT_NOTE, 0, at, 0, c->notes.len, 0, 4);
	at += c->notes.len;
	pm_vec_each (s, &c->segments) {
		put_segment(ret, c->narrow, PT_LOAD, s->flags, at, s->vaddr,
			s->filesz, s->memsz, 4096);
		at += s->filesz;
	}
	pm_strbuf_append(ret, c->notes.data, c->notes.len);
	pm_vec_each (s, &c->segments)
		pm_strbuf_append(ret, s->bytes, (size_t)s->filesz);
	if (!c->many)
		return;
	/* Section 0: sh_info is the number. */
	put(ret, 0, 8);
	for (int i = 0; i < 4; i++)
		put(ret, 0, w);
	put(ret, 0, 4);
	put(ret, n, 4);
	put(ret, 0, w);
	put(ret, 0, w);
}

void fake_elf_write(
	struct pm_strbuf *ret, const void *id, size_t id_len, bool program)
{
	pm_auto_strbuf note = {0};
	if (id)
		put_note(&note, "GNU", NT_GNU_BUILD_ID, id, id_len);
	size_t n = 4u + (id ? 1u : 0u) + (program ? 1u : 0u);
	uint64_t at = sizeof(Elf64_Ehdr) + n * sizeof(Elf64_Phdr);
	put_header(ret, false, ET_DYN, n, 0);
	put_segment(ret, false, PT_LOAD, PF_R, 0, 0, 0x1000, 0x1000, 0x1000);
	put_segment(ret, false, PT_LOAD, PF_R | PF_X, FAKE_ELF_TEXT,
		FAKE_ELF_TEXT, 0x1000, 0x1000, 0x1000);
	put_segment(ret, false, PT_LOAD, PF_R | PF_W, FAKE_ELF_DATA,
		FAKE_ELF_DATA_VADDR, 0x1000, 0x2000, 0x1000);
	put_segment(ret, false, PT_DYNAMIC, PF_R | PF_W, FAKE_ELF_DATA,
		FAKE_ELF_DATA_VADDR, 0x100, 0x100, 8);
	if (program)
		put_segment(ret, false, PT_INTERP, PF_R, at, at, 1, 1, 1);
	if (id)
		put_segment(ret, false, PT_NOTE, PF_R, at, at, note.len,
			note.len, 4);
	pm_strbuf_append(ret, note.data, note.len);
	while (ret->len < FAKE_ELF_SIZE)
		pm_strbuf_putc(ret, (char)(uint8_t)(ret->len * 7 / 5));
}
