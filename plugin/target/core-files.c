/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that stand in for memory a core leaves out.  A wrong file would give
   wrong answers without a sign of it, so one is taken only when it is the
   mapped one as far as can be told. */
#include "target/native-core.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void map_file(const char *path, struct core_file *ret)
{
	struct stat st;
	/* Not even opened unless regular: opening a device can do things. */
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return;
	pm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0)
		return;
	size_t size = (size_t)st.st_size;
	void *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return;
	ret->bytes = p;
	ret->size = size;
}

void core_file_close(struct core_file *f)
{
	if (f->bytes)
		munmap((void *)(uintptr_t)f->bytes, (size_t)f->size);
	*f = (struct core_file){0};
}

enum likeness { OTHER, MAYBE, SAME };

/* The dynamic section, which the program's memory has with addresses added
   where the file has offsets: sizes and places of all tables and of the code,
   which no two builds share. */
static enum likeness compare_dynamic(
	const struct core_file *f, const struct core_probe *probe)
{
	struct pm_elf elf;
	struct pm_elf_segment s, dynamic = {0};
	uint64_t bias = 0;
	size_t size = (size_t)f->size, compared = 0;
	if (!pm_elf_decode(f->bytes, size, &elf))
		return MAYBE;
	for (uint32_t i = 0; pm_elf_segment_at(&elf, f->bytes, size, i, &s);
		i++) {
		if (s.type == PT_LOAD && !s.offset)
			bias = probe->start - s.vaddr;
		else if (s.type == PT_DYNAMIC)
			dynamic = s;
	}
	bool be = elf.big_endian;
	unsigned w = elf.wide ? 8 : 4;
	if (dynamic.offset >= size || dynamic.filesz > size - dynamic.offset)
		return MAYBE;
	for (uint64_t at = 0; at + 2 * w <= dynamic.filesz; at += 2 * w) {
		uint8_t there[16];
		const uint8_t *here = f->bytes + dynamic.offset + at;
		uint64_t tag = pm_load(here, w, be);
		if (core_read_dumped(probe->core, dynamic.vaddr + bias + at,
			    there, 2 * w) != 2 * w)
			return MAYBE;
		uint64_t moved = pm_load(here + w, w, be) + bias;
		if (!elf.wide)
			moved = (uint32_t)moved;
		if (pm_load(there, w, be) != tag)
			return OTHER;
		if (tag == DT_NULL)
			break;
		if (tag != DT_DEBUG && memcmp(here + w, there + w, w) &&
			pm_load(there + w, w, be) != moved)
			return OTHER;
		compared++;
	}
	return compared >= 8 ? SAME : MAYBE;
}

/* By build id; without one, by the start of the file; without that, by the
   dynamic section. */
static enum likeness compare(
	const struct core_file *f, const struct core_probe *probe)
{
	char there[PM_BUILD_ID_TEXT], here[PM_BUILD_ID_TEXT];
	if (!probe->header_len)
		return probe->start ? compare_dynamic(f, probe) : MAYBE;
	pm_elf_image_build_id(probe->header, probe->header_len, true, there);
	if (there[0]) {
		pm_elf_image_build_id(f->bytes, (size_t)f->size, false, here);
		return strcmp(there, here) ? OTHER : SAME;
	}
	size_t n = probe->header_len < f->size ? probe->header_len
					       : (size_t)f->size;
	return memcmp(f->bytes, probe->header, n < 4096 ? n : 4096) ? OTHER
								    : MAYBE;
}

static bool try_file(const char *path, bool only_verified,
	const struct core_probe *probe, struct core_file *ret)
{
	struct core_file f = {0};
	map_file(path, &f);
	if (!f.bytes)
		return false;
	enum likeness like = compare(&f, probe);
	if (like == SAME || (like == MAYBE && !only_verified)) {
		f.verified = like == SAME;
		*ret = f;
		return true;
	}
	core_file_close(&f);
	return false;
}

void core_file_open(
	const struct core_probe *probe, const char *path, struct core_file *ret)
{
	const struct pm_target *t = &probe->core->t;
	char other[8192];
	if (t->sysroot && *t->sysroot && path[0] == '/') {
		int n = snprintf(other, sizeof other, "%s%s", t->sysroot, path);
		if (n > 0 && (size_t)n < sizeof other &&
			try_file(other, false, probe, ret))
			return;
	}
	if (try_file(path, false, probe, ret))
		return;
	const char *pos = NULL;
	while (pm_target_next_file(t, path, &pos, other, sizeof other))
		if (try_file(other, true, probe, ret))
			return;
}

/* The segment that a mapping of the file at offset is of.  Segments are mapped
   in whole pages, so two may share one: the later one starts a mapping there.
 */
static unsigned segment_flags_at(
	const struct core_file *f, uint64_t offset, uint64_t page)
{
	struct pm_elf elf;
	struct pm_elf_segment s;
	unsigned flags = 0;
	size_t size = (size_t)f->size;
	if (!f->bytes || !pm_elf_decode(f->bytes, size, &elf))
		return 0;
	for (uint32_t i = 0; pm_elf_segment_at(&elf, f->bytes, size, i, &s);
		i++)
		if (s.type == PT_LOAD && offset >= (s.offset & ~(page - 1)) &&
			(offset < s.offset || offset - s.offset < s.filesz))
			flags = s.flags;
	return flags;
}

bool core_file_writable_at(
	const struct core_file *f, uint64_t offset, uint64_t page)
{
	return segment_flags_at(f, offset, page) & PF_W;
}

unsigned core_file_perms_at(
	const struct core_file *f, uint64_t offset, uint64_t page)
{
	unsigned p = segment_flags_at(f, offset, page), flags = 0;
	flags |= p & PF_R ? (unsigned)PM_MAP_READ : 0;
	flags |= p & PF_X ? (unsigned)PM_MAP_EXEC : 0;
	return flags;
}
