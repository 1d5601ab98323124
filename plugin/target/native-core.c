/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A core file.  Its headers are read by pread and bounded by the file's size;
   memory is copied by pread too, so that a core overwritten under us makes
   reads fail instead of killing GDB with SIGBUS.  Only views look at the
   mapping, and they check the size now and then. */
#include "target/native-core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAX_SEGMENTS ((uint64_t)1 << 22)
#define MAX_NOTES ((uint64_t)256 << 20)
#define LONG_VIEW ((size_t)65536)
#define VIEWS_PER_CHECK 256

/* Copies what the file has of [at, at + len). */
static size_t read_file(
	const struct core *c, uint64_t at, void *buf, size_t len)
{
	size_t done = 0;
	if (at >= c->size)
		return 0;
	if (len > c->size - at)
		len = (size_t)(c->size - at);
	while (done < len) {
		ssize_t n = pread(c->fd, (char *)buf + done, len - done,
			(off_t)(at + done));
		if (n > 0)
			done += (size_t)n;
		else if (!n || errno != EINTR)
			break;
	}
	return done;
}

size_t core_read_dumped(
	const struct core *c, pm_addr addr, void *buf, size_t len)
{
	size_t lo = 0, hi = c->segments.len, done = 0;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (c->segments.data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < c->segments.len && done < len; lo++) {
		const struct core_segment *s = &c->segments.data[lo];
		if (s->start > addr + done || addr + done - s->start >= s->have)
			break;
		uint64_t skip = addr + done - s->start;
		uint64_t n = s->have - skip;
		if (n > len - done)
			n = len - done;
		size_t got = read_file(
			c, s->offset + skip, (char *)buf + done, (size_t)n);
		done += got;
		if (got < n)
			break;
	}
	return done;
}

/* Index of the mapping that holds addr, or maps.len. */
static size_t find_part(const struct core *c, pm_addr addr)
{
	const struct pm_mapping *m = pm_target_find_map(&c->t, addr);
	return m ? (size_t)(m - c->t.maps.data) : c->t.maps.len;
}

static size_t core_read(
	struct pm_target *t, pm_addr addr, void *buf, size_t len)
{
	struct core *c = (struct core *)t;
	size_t done = 0;
	for (size_t i = find_part(c, addr); i < t->maps.len && done < len;
		i++) {
		const struct pm_mapping *m = &t->maps.data[i];
		const struct core_part *part = &c->parts.data[i];
		if (m->start > addr + done || part->file == PART_ABSENT)
			break;
		uint64_t skip = addr + done - m->start;
		uint64_t n = m->end - m->start - skip;
		if (n > len - done)
			n = len - done;
		if (part->file != PART_CORE) {
			memcpy((char *)buf + done,
				c->files.data[part->file].bytes + part->offset +
					skip,
				(size_t)n);
			done += (size_t)n;
			continue;
		}
		size_t got = read_file(
			c, part->offset + skip, (char *)buf + done, (size_t)n);
		done += got;
		if (got < n)
			break;
	}
	return done;
}

/* Touching a mapping behind the end of its file is fatal: looks at the size
   before long views and every so many short ones. */
static bool is_there(struct core *c, size_t len)
{
	struct stat st;
	if (!c->bytes || __atomic_load_n(&c->gone, __ATOMIC_RELAXED))
		return false;
	if (len < LONG_VIEW &&
		__atomic_fetch_add(&c->views, 1, __ATOMIC_RELAXED) %
				VIEWS_PER_CHECK !=
			0)
		return true;
	if (!fstat(c->fd, &st) && (uint64_t)st.st_size >= c->size)
		return true;
	__atomic_store_n(&c->gone, true, __ATOMIC_RELAXED);
	return false;
}

static const void *core_view(struct pm_target *t, pm_addr addr, size_t len)
{
	struct core *c = (struct core *)t;
	size_t i = find_part(c, addr);
	if (i == t->maps.len || c->parts.data[i].file == PART_ABSENT)
		return NULL;
	const struct core_part *first = &c->parts.data[i], *p = first;
	uint64_t skip = addr - t->maps.data[i].start;
	/* Mappings side by side are side by side in the file, mostly. */
	while (t->maps.data[i].end - addr < len) {
		i++;
		p++;
		if (i == t->maps.len ||
			t->maps.data[i].start != t->maps.data[i - 1].end ||
			p->file != first->file ||
			p->offset - first->offset !=
				t->maps.data[i].start + skip - addr)
			return NULL;
	}
	if (first->file != PART_CORE)
		return c->files.data[first->file].bytes + first->offset + skip;
	return is_there(c, len) ? c->bytes + first->offset + skip : NULL;
}

static void core_gather(struct pm_target *t, struct pm_piece *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const void *v = pm_target_view(t, p[i].addr, p[i].len);
		p[i].got = p[i].len;
		if (v)
			memcpy(p[i].buf, v, p[i].len);
		else
			p[i].got = pm_target_read_some(
				t, p[i].addr, p[i].buf, p[i].len);
	}
}

static void core_destroy(struct pm_target *t)
{
	struct core *c = (struct core *)t;
	if (c->bytes)
		munmap((void *)(uintptr_t)c->bytes, (size_t)c->size);
	pm_vec_each (f, &c->files)
		core_file_close(f);
	pm_vec_deinit(&c->files);
	pm_vec_deinit(&c->segments);
	pm_vec_deinit(&c->parts);
	core_notes_deinit(&c->notes);
	pm_cleanup_fd(&c->fd);
	free(c);
}

static const struct pm_target_ops core_ops = {
	.read = core_read,
	.gather = core_gather,
	.view = core_view,
	.destroy = core_destroy,
};

/* What the file is instead, and what to do about it. */
static enum pm_status refuse(
	const char *path, const uint8_t *b, size_t len, struct pm_error *err)
{
	static const struct {
		const char *magic;
		size_t len;
		const char *name, *command;
	} packed[] = {
		{"\x28\xb5\x2f\xfd", 4, "zstd", "zstd -d"},
		{"\x1f\x8b", 2, "gzip", "gzip -dc"},
		{"\xfd"
		 "7zXZ",
			5, "xz", "xz -dc"},
		{"\x04\x22\x4d\x18", 4, "lz4", "lz4 -dc"},
		{"BZh", 3, "bzip2", "bzip2 -dc"},
	};
	for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
		if (len >= packed[i].len &&
			!memcmp(b, packed[i].magic, packed[i].len))
			return pm_fail(err, PM_USAGE, 0,
				"%s is compressed with %s: unpack it first, "
				"with '%s < FILE > core', or, when "
				"systemd-coredump keeps it, with "
				"'coredumpctl -o core dump PID'",
				path, packed[i].name, packed[i].command);
	if (!len)
		return pm_fail(err, PM_CORRUPT, 0, "%s is empty", path);
	if (memcmp(b, ELFMAG, len < SELFMAG ? len : SELFMAG))
		return pm_fail(err, PM_USAGE, 0,
			"%s is not a core file: it is not ELF", path);
	if (len < sizeof(Elf64_Ehdr))
		return pm_fail(err, PM_CORRUPT, 0,
			"%s is cut off within its ELF header", path);
	uint64_t type = pm_load(b + 16, 2, b[EI_DATA] == ELFDATA2MSB);
	if (type == ET_EXEC || type == ET_DYN || type == ET_REL)
		return pm_fail(err, PM_USAGE, 0,
			"%s is not a core file: it is an ELF program, library "
			"or object",
			path);
	return pm_fail(err, PM_CORRUPT, 0,
		"%s is not a core file: its ELF header makes no sense", path);
}

/* More than 65534 segments: the number is in section 0, which a kernel writes
   at the very end; without it, the table ends where the first data is. */
static uint64_t count_segments(struct core *c, const struct pm_elf *elf)
{
	uint8_t b[64];
	if (elf->phnum != PN_XNUM)
		return elf->phnum;
	size_t need = elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	if (elf->shoff && read_file(c, elf->shoff, b, need) == need)
		return pm_load(b + (elf->wide ? 44 : 28), 4, elf->big_endian);
	struct pm_elf_segment s;
	c->t.truncated = true;
	if (read_file(c, elf->phoff, b,
		    elf->phentsize < 64 ? elf->phentsize : 64) <
		(elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return 0;
	pm_elf_decode_segment(elf, b, &s);
	return s.offset > elf->phoff ? (s.offset - elf->phoff) / elf->phentsize
				     : 0;
}

static enum pm_status add_segment(
	struct core *c, const struct pm_elf_segment *p, struct pm_error *err)
{
	uint64_t memsz = p->memsz ? p->memsz : p->filesz;
	uint64_t most =
		c->t.word_size == 8 ? UINT64_MAX : (uint64_t)UINT32_MAX + 1;
	if (p->vaddr >= most)
		return PM_OK;
	if (memsz > most - p->vaddr)
		memsz = most - p->vaddr;
	struct core_segment s = {
		.start = p->vaddr,
		.end = p->vaddr + memsz,
		.offset = p->offset,
		.promised = p->filesz < memsz ? p->filesz : memsz,
	};
	if (s.offset < c->size)
		s.have = s.promised < c->size - s.offset ? s.promised
							 : c->size - s.offset;
	c->t.truncated |= s.have < s.promised;
	s.flags |= p->flags & PF_R ? (unsigned)PM_MAP_READ : 0;
	s.flags |= p->flags & PF_W ? (unsigned)PM_MAP_WRITE : 0;
	s.flags |= p->flags & PF_X ? (unsigned)PM_MAP_EXEC : 0;
	if (memsz && !pm_vec_push(&c->segments, s))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status add_notes(
	struct core *c, const struct pm_elf_segment *p, struct pm_error *err)
{
	uint64_t n = p->offset < c->size ? c->size - p->offset : 0;
	c->t.truncated |= n < p->filesz;
	if (n > p->filesz)
		n = p->filesz;
	if (n > MAX_NOTES)
		n = MAX_NOTES;
	if (!n)
		return PM_OK;
	pm_auto_free uint8_t *b = malloc((size_t)n);
	if (!b)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	size_t got = read_file(c, p->offset, b, (size_t)n);
	return core_notes_add(c, b, got, p->align, err);
}

static enum pm_status read_segments(
	struct core *c, const struct pm_elf *elf, struct pm_error *err)
{
	uint64_t n = count_segments(c, elf);
	if (n > MAX_SEGMENTS)
		return pm_fail(err, PM_LIMIT, 0,
			"%s: %" PRIu64 " segments are too many", c->t.name, n);
	size_t want = (size_t)n * elf->phentsize;
	/* A cut table is not longer than the file. */
	if (want > c->size)
		want = (size_t)c->size;
	pm_auto_free uint8_t *table = malloc(want ? want : 1);
	if (!table)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	size_t got = read_file(c, elf->phoff, table, want);
	uint64_t whole = elf->phentsize ? got / elf->phentsize : 0;
	c->t.truncated |= whole < n;
	for (uint64_t i = 0; i < whole && i < n; i++) {
		struct pm_elf_segment s;
		pm_elf_decode_segment(elf, table + i * elf->phentsize, &s);
		if (s.type == PT_LOAD)
			PM_TRY(add_segment(c, &s, err));
		else if (s.type == PT_NOTE)
			PM_TRY(add_notes(c, &s, err));
	}
	return PM_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct core_segment *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Where segments overlap, the first one wins. */
static void sort_segments(struct core *c)
{
	if (!c->segments.len)
		return;
	qsort(c->segments.data, c->segments.len, sizeof *c->segments.data,
		by_start);
	size_t kept = 0;
	pm_vec_each (p, &c->segments) {
		struct core_segment s = *p;
		pm_addr from = kept ? c->segments.data[kept - 1].end : 0;
		if (s.end <= from)
			continue;
		if (s.start < from) {
			uint64_t cut = from - s.start;
			s.start = from;
			s.offset += cut;
			s.promised -= cut < s.promised ? cut : s.promised;
			s.have -= cut < s.have ? cut : s.have;
		}
		c->segments.data[kept++] = s;
	}
	c->segments.len = kept;
}

static enum pm_status open_file(
	struct core *c, const char *path, struct pm_error *err)
{
	struct stat st;
	if (stat(path, &st))
		return pm_fail(err, PM_SYSTEM, 0, "cannot open %s: %s", path,
			strerror(errno));
	if (!S_ISREG(st.st_mode))
		return pm_fail(
			err, PM_USAGE, 0, "%s is not a regular file", path);
	c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (c->fd < 0 || fstat(c->fd, &st))
		return pm_fail(err, PM_SYSTEM, 0, "cannot open %s: %s", path,
			strerror(errno));
	c->size = (uint64_t)st.st_size;
	return PM_OK;
}

static enum pm_status read_core(
	struct core *c, const char *path, struct pm_error *err)
{
	uint8_t head[PM_ELF_HEADER_MAX];
	struct pm_elf elf;
	size_t got = read_file(c, 0, head, sizeof head);
	if (!pm_elf_decode(head, got, &elf) || elf.type != ET_CORE)
		return refuse(path, head, got, err);
	c->t.word_size = elf.wide ? 8 : 4;
	c->t.big_endian = elf.big_endian;
	c->machine = elf.machine;
	c->t.has_tasks = true;
	PM_TRY(read_segments(c, &elf, err));
	sort_segments(c);
	core_notes_finish(&c->notes);
	c->t.pid = c->notes.pid;
	c->t.random = c->notes.stack;
	if (!c->notes.ranges.len)
		PM_TRY(core_guess_files(c, err));
	if (!c->segments.len)
		return pm_fail(err, PM_CORRUPT, 0, "%s has no memory in it%s",
			path, c->t.truncated ? ": it is cut off" : "");
	void *p = mmap(NULL, (size_t)c->size, PROT_READ, MAP_PRIVATE, c->fd, 0);
	c->bytes = p == MAP_FAILED ? NULL : p;
	return core_build_maps(c, err);
}

enum pm_status pm_native_open_core_with(const char *path, const char *sysroot,
	const char *files, struct pm_target **ret, struct pm_error *err)
{
	struct core *c = calloc(1, sizeof *c);
	if (!c)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_auto_target t = &c->t;
	c->fd = -1;
	c->notes.page = 4096;
	t->ops = &core_ops;
	t->kind = PM_TARGET_CORE;
	t->reader = "mapped core";
	t->parallel = true;
	size_t n = strlen(path) + sizeof "core ";
	t->name = malloc(n);
	if (t->name)
		snprintf(t->name, n, "core %s", path);
	t->sysroot = strdup(sysroot ? sysroot : "");
	t->files = strdup(files ? files : "");
	if (!t->name || !t->sysroot || !t->files)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(open_file(c, path, err));
	PM_TRY(read_core(c, path, err));
	*ret = pm_take(t);
	return PM_OK;
}

enum pm_status pm_native_open_core(const char *path, const char *sysroot,
	struct pm_target **ret, struct pm_error *err)
{
	return pm_native_open_core_with(path, sysroot, NULL, ret, err);
}
