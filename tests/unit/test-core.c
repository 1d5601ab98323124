/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Core files: whole, cut off at every byte, lying, and of which the mapped
   files changed since. */
#include "lib/alloc.h"
#include "lib/fake-core.h"
#include "target/native.h"
#include "unit/unit.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define PAGE ((size_t)0x1000)

/* The files of one test, in a folder of its own. */
struct folder {
	char path[64];
	char core[80], lib[80];
};

static void folder_init(struct folder *f)
{
	strcpy(f->path, "/tmp/pymortem-core-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->path));
	snprintf(f->core, sizeof f->core, "%s/core", f->path);
	snprintf(f->lib, sizeof f->lib, "%s/lib x.so", f->path);
}

static void folder_deinit(struct folder *f)
{
	unlink(f->core);
	unlink(f->lib);
	ck_assert_int_eq(rmdir(f->path), 0);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	pm_auto_file FILE *f = fopen(path, "wb");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
}

static enum pm_status open_bytes(const struct folder *f, const void *bytes,
	size_t len, struct pm_target **ret, struct pm_error *err)
{
	write_file(f->core, bytes, len);
	err->msg[0] = '\0';
	return pm_native_open_core(f->core, NULL, ret, err);
}

static struct pm_target *open_fake(const struct folder *f, struct fake_core *c)
{
	pm_auto_strbuf b = {0};
	struct pm_error err;
	struct pm_target *t = NULL;
	fake_core_write(c, &b);
	ck_assert(!b.failed && !c->notes.failed);
	ck_assert_msg(
		open_bytes(f, b.data, b.len, &t, &err) == PM_OK, "%s", err.msg);
	return t;
}

static const uint8_t *pattern(void)
{
	static uint8_t p[4 * PAGE];
	for (size_t i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)(i * 11 / 3);
	return p;
}

#define BASE 0x7f0000000000u
#define RW (PF_R | PF_W)

/* Two neighbours, a hole, one that was dumped in part, one not at all. */
static void make_core(struct fake_core *c, bool narrow)
{
	const uint8_t *p = pattern();
	pm_addr at = narrow ? 0x8000000u : BASE;
	*c = (struct fake_core){.narrow = narrow};
	fake_core_process(c, 77, at + 7 * PAGE);
	fake_core_segment(c, at + PAGE, PAGE, p + PAGE, PAGE, RW);
	fake_core_segment(c, at, PAGE, p, PAGE, RW);
	fake_core_segment(c, at + 4 * PAGE, 2 * PAGE, p + 8, PAGE, RW);
	fake_core_segment(c, at + 7 * PAGE, PAGE, p + 99, PAGE, RW);
	fake_core_segment(c, at + 9 * PAGE, PAGE, NULL, 0, PF_R);
	fake_core_segment(c, at + 10 * PAGE, PAGE, NULL, 0, 0);
}

static void check_reads(struct pm_target *t, pm_addr at)
{
	const uint8_t *p = pattern();
	uint8_t buf[4 * PAGE];
	/* Two segments that are neighbours in memory, not in the file. */
	ck_assert_uint_eq(
		pm_target_read_some(t, at + 5, buf, 3 * PAGE), 2 * PAGE - 5);
	ck_assert_mem_eq(buf, p + 5, 2 * PAGE - 5);
	ck_assert_ptr_null(pm_target_view(t, at + PAGE - 1, 2));
	const void *v = pm_target_view(t, at + PAGE, PAGE);
	ck_assert_ptr_nonnull(v);
	ck_assert_mem_eq(v, p + PAGE, PAGE);
	ck_assert_uint_eq(
		pm_target_read_some(t, at + 4 * PAGE, buf, 2 * PAGE), PAGE);
	ck_assert_mem_eq(buf, p + 8, PAGE);
	ck_assert_ptr_null(pm_target_view(t, at + 5 * PAGE - 1, 2));
	ck_assert_uint_eq(pm_target_read_some(t, at + 5 * PAGE, buf, 1), 0);
	ck_assert_uint_eq(pm_target_read_some(t, at + 9 * PAGE, buf, 1), 0);
	struct pm_error err;
	ck_assert_int_eq(
		pm_target_read(t, at + 9 * PAGE, buf, 1, &err), PM_FAULT);
	ck_assert_ptr_nonnull(strstr(err.msg, "not in the core"));
	ck_assert_int_eq(pm_target_read(t, at - 1, buf, 1, &err), PM_FAULT);
	ck_assert_ptr_nonnull(strstr(err.msg, "nothing is mapped"));
	ck_assert_uint_eq(pm_target_read_some(t, at - 1, buf, 1), 0);
	struct pm_piece pieces[] = {
		{at + 2 * PAGE - 3, buf, 9, 0},
		{at + 9 * PAGE, buf + 16, 9, 0},
		{at + PAGE - 3, buf + 32, 9, 0},
	};
	pm_target_gather(t, pieces, 3);
	ck_assert_uint_eq(pieces[0].got, 3);
	ck_assert_uint_eq(pieces[1].got, 0);
	ck_assert_uint_eq(pieces[2].got, 9);
	ck_assert_mem_eq(buf + 32, p + PAGE - 3, 9);
}

START_TEST(reads_a_core)
{
	struct folder f;
	folder_init(&f);
	for (int narrow = 0; narrow < 2; narrow++) {
		fake_auto_core c;
		make_core(&c, narrow);
		pm_auto_target t = open_fake(&f, &c);
		pm_addr at = narrow ? 0x8000000u : BASE;
		check_reads(t, at);
		ck_assert_int_eq(t->kind, PM_TARGET_CORE);
		ck_assert_int_eq(t->pid, 77);
		ck_assert(!t->truncated);
		ck_assert(t->parallel);
		ck_assert_uint_eq(t->maps.len, 6);
		ck_assert_uint_eq(t->bytes_total, 6 * PAGE);
		ck_assert_uint_eq(t->bytes_readable, 4 * PAGE);
		const struct pm_mapping *m =
			pm_target_find_map(t, at + 5 * PAGE);
		ck_assert_uint_eq(
			m->flags, PM_MAP_READ | PM_MAP_WRITE | PM_MAP_ABSENT);
		m = pm_target_find_map(t, at + 7 * PAGE);
		ck_assert_uint_eq(
			m->flags, PM_MAP_READ | PM_MAP_WRITE | PM_MAP_STACK);
		ck_assert_ptr_null(pm_target_find_map(t, at + 10 * PAGE));
	}
	folder_deinit(&f);
}
END_TEST

/* The core says how much it lost, and the rest of it reads as before. */
START_TEST(survives_any_cut)
{
	struct folder f;
	folder_init(&f);
	for (int shape = 0; shape < 3; shape++) {
		fake_auto_core c;
		make_core(&c, shape == 1);
		c.many = shape == 2;
		fake_core_file(&c, BASE, BASE + PAGE, 0, "/nowhere/lib");
		pm_auto_strbuf b = {0};
		fake_core_write(&c, &b);
		uint8_t buf[PAGE];
		uint64_t last = UINT64_MAX, most = 0;
		size_t opened = 0;
		write_file(f.core, b.data, b.len);
		/* Some of the data, then every byte of the headers. */
		for (size_t cut = b.len; cut-- > 0;
			cut -= cut < 3000 ? 0 : 97) {
			struct pm_target *t = NULL;
			struct pm_error err = {0};
			ck_assert_int_eq(truncate(f.core, (off_t)cut), 0);
			enum pm_status status =
				pm_native_open_core(f.core, NULL, &t, &err);
			pm_auto_target guard = t;
			if (status != PM_OK) {
				ck_assert_ptr_null(t);
				ck_assert_uint_gt(strlen(err.msg), 10);
				last = 0;
				continue;
			}
			opened++;
			ck_assert(t->truncated);
			ck_assert_uint_le(t->bytes_readable, t->bytes_total);
			ck_assert_uint_le(t->bytes_readable, last);
			last = t->bytes_readable;
			most = last > most ? last : most;
			uint64_t sum = 0;
			pm_vec_each (m, &t->maps) {
				size_t n = pm_target_read_some(
					t, m->start, buf, sizeof buf);
				bool absent = m->flags & PM_MAP_ABSENT;
				ck_assert(absent ? !n : n == m->end - m->start);
				if (absent && pm_target_read(t, m->start, buf,
						      1, &err) != PM_OK)
					ck_assert_ptr_nonnull(
						strstr(err.msg, "cut off"));
				sum += n;
			}
			ck_assert_uint_eq(sum, last);
		}
		ck_assert_uint_gt(opened, 100);
		ck_assert_uint_gt(most, 3 * PAGE);
	}
	folder_deinit(&f);
}
END_TEST

START_TEST(counts_more_segments_than_fit)
{
	struct folder f;
	folder_init(&f);
	fake_auto_core c = {.many = true};
	enum { N = 70000 };
	for (uint64_t i = 0; i < N; i++)
		fake_core_segment(&c, BASE + 2 * (N - i) * PAGE, PAGE,
			pattern() + i % 64 * 8, 8, RW);
	pm_auto_target t = open_fake(&f, &c);
	ck_assert_uint_eq(t->maps.len, 2 * N);
	ck_assert(!t->truncated);
	for (uint64_t i = 0; i < N; i++) {
		const void *v = pm_target_view(t, BASE + 2 * (N - i) * PAGE, 8);
		ck_assert_ptr_nonnull(v);
		ck_assert_mem_eq(v, pattern() + i % 64 * 8, 8);
	}
	folder_deinit(&f);
}
END_TEST

static void check_refused(
	const struct folder *f, const void *bytes, size_t len, const char *text)
{
	struct pm_target *t = NULL;
	struct pm_error err;
	ck_assert_int_ne(open_bytes(f, bytes, len, &t, &err), PM_OK);
	ck_assert_msg(strstr(err.msg, text) != NULL, "'%s' not in '%s'", text,
		err.msg);
	ck_assert_ptr_null(t);
}

START_TEST(says_what_it_is_instead)
{
	struct folder f;
	folder_init(&f);
	check_refused(&f, "", 0, "is empty");
	check_refused(&f, "hello, world", 12, "not ELF");
	check_refused(&f, "\x28\xb5\x2f\xfd____", 8, "zstd -d");
	check_refused(&f, "\x28\xb5\x2f\xfd____", 8, "coredumpctl");
	check_refused(&f, "\x1f\x8b______", 8, "gzip -d");
	check_refused(&f,
		"\xfd"
		"7zXZ\0__",
		8, "xz -d");
	check_refused(&f, "\x04\x22\x4d\x18____", 8, "lz4 -d");
	fake_auto_core c;
	make_core(&c, false);
	pm_auto_strbuf b = {0};
	fake_core_write(&c, &b);
	b.data[EI_DATA] = ELFDATA2MSB;
	check_refused(&f, b.data, b.len, "makes no sense");
	b.data[EI_DATA] = ELFDATA2LSB;
	b.data[16] = ET_DYN;
	check_refused(&f, b.data, b.len, "program, library");
	b.data[16] = ET_CORE;
	b.data[EI_CLASS] = 9;
	check_refused(&f, b.data, b.len, "makes no sense");
	b.data[EI_CLASS] = ELFCLASS64;
	check_refused(&f, b.data, 40, "cut off");
	check_refused(&f, b.data, 70, "no memory in it");
	struct pm_target *t = NULL;
	struct pm_error err;
	ck_assert_int_eq(
		pm_native_open_core("/dev/zero", NULL, &t, &err), PM_USAGE);
	ck_assert_int_eq(pm_native_open_core(f.path, NULL, &t, &err), PM_USAGE);
	unlink(f.core);
	ck_assert_int_eq(
		pm_native_open_core(f.core, NULL, &t, &err), PM_SYSTEM);
	folder_deinit(&f);
}
END_TEST

static const uint8_t id_a[20] = {1, 2, 3}, id_b[20] = {1, 2, 4};

/* A core of a program with the library mapped: header page and data dumped or
   not, text never. */
static void make_mapped(struct fake_core *c, const struct folder *f,
	const struct pm_strbuf *lib, bool header, bool data, bool anonymous)
{
	*c = (struct fake_core){0};
	fake_core_segment(c, BASE, PAGE, lib->data, header ? PAGE : 0, PF_R);
	fake_core_segment(c, BASE + PAGE, PAGE, NULL, 0, PF_R | PF_X);
	fake_core_segment(c, BASE + FAKE_ELF_DATA_VADDR, PAGE, pattern(),
		data ? PAGE : 0, RW);
	fake_core_segment(c, BASE + FAKE_ELF_DATA_VADDR + PAGE, PAGE, pattern(),
		anonymous ? PAGE : 0, RW);
	fake_core_file(c, BASE, BASE + PAGE, 0, f->lib);
	fake_core_file(c, BASE + PAGE, BASE + 2 * PAGE, PAGE, f->lib);
	fake_core_file(c, BASE + FAKE_ELF_DATA_VADDR,
		BASE + FAKE_ELF_DATA_VADDR + PAGE, FAKE_ELF_DATA, f->lib);
}

START_TEST(takes_text_from_the_mapped_file)
{
	struct folder f;
	folder_init(&f);
	pm_auto_strbuf lib = {0}, other = {0}, plain = {0};
	fake_elf_write(&lib, id_a, sizeof id_a, false);
	fake_elf_write(&other, id_b, sizeof id_b, false);
	fake_elf_write(&plain, NULL, 0, false);
	const struct {
		const struct pm_strbuf *mapped, *there;
		bool header;
		unsigned flags;
	} cases[] = {
		{&lib, &lib, true, PM_MAP_FROM_FILE},
		{&lib, &lib, false, PM_MAP_FROM_FILE | PM_MAP_UNVERIFIED},
		{&lib, &other, true, PM_MAP_ABSENT},
		{&lib, &plain, true, PM_MAP_ABSENT},
		{&lib, NULL, true, PM_MAP_ABSENT},
		{&plain, &plain, true, PM_MAP_FROM_FILE | PM_MAP_UNVERIFIED},
		{&plain, &other, true, PM_MAP_ABSENT},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fake_auto_core c;
		unlink(f.lib);
		if (cases[i].there)
			write_file(f.lib, cases[i].there->data,
				cases[i].there->len);
		make_mapped(&c, &f, cases[i].mapped, cases[i].header,
			cases[i].header, true);
		pm_auto_target t = open_fake(&f, &c);
		const struct pm_mapping *m = pm_target_find_map(t, BASE + PAGE);
		ck_assert_uint_eq(m->flags & ~7u, cases[i].flags);
		ck_assert_str_eq(m->path, f.lib);
		ck_assert_uint_eq(m->offset, PAGE);
		uint8_t buf[3 * PAGE];
		bool whole = cases[i].flags & PM_MAP_FROM_FILE;
		size_t n = pm_target_read_some(t, BASE, buf, sizeof buf);
		ck_assert_uint_eq(n, whole	       ? 2 * PAGE
				     : cases[i].header ? PAGE
						       : 0);
		ck_assert_mem_eq(buf, cases[i].mapped->data, n);
		const void *v = pm_target_view(t, BASE + PAGE, PAGE);
		ck_assert(whole == (v != NULL));
	}
	folder_deinit(&f);
}
END_TEST

/* No header in the core: the dynamic section tells. */
START_TEST(compares_by_the_dynamic_section)
{
	struct folder f;
	folder_init(&f);
	pm_auto_strbuf lib = {0};
	fake_elf_write(&lib, id_a, sizeof id_a, false);
	/* In memory, some have the load address added. */
	uint64_t data[PAGE / 8];
	memcpy(data, lib.data + FAKE_ELF_DATA, PAGE);
	for (size_t i = 1; i < 16; i += 4)
		data[i] += BASE;
	for (int other = 0; other < 3; other++) {
		fake_auto_core c;
		make_mapped(&c, &f, &lib, false, true, true);
		c.segments.data[2].bytes = data;
		/* A tag, or a value, that differs. */
		if (other)
			lib.data[FAKE_ELF_DATA + (other == 1 ? 96 : 104)] ^= 1;
		write_file(f.lib, lib.data, lib.len);
		if (other)
			lib.data[FAKE_ELF_DATA + (other == 1 ? 96 : 104)] ^= 1;
		pm_auto_target t = open_fake(&f, &c);
		const struct pm_mapping *m = pm_target_find_map(t, BASE + PAGE);
		ck_assert_uint_eq(m->flags & ~7u,
			other ? PM_MAP_ABSENT : PM_MAP_FROM_FILE);
	}
	folder_deinit(&f);
}
END_TEST

/* The file knows what data was at the start of the program, not what it is. */
START_TEST(takes_no_data_it_cannot_know)
{
	struct folder f;
	folder_init(&f);
	pm_auto_strbuf lib = {0};
	fake_elf_write(&lib, id_a, sizeof id_a, false);
	write_file(f.lib, lib.data, lib.len);
	for (int dumped = 0; dumped < 2; dumped++) {
		fake_auto_core c;
		make_mapped(&c, &f, &lib, true, false, dumped);
		pm_auto_target t = open_fake(&f, &c);
		const struct pm_mapping *m =
			pm_target_find_map(t, BASE + FAKE_ELF_DATA_VADDR);
		/* A kernel that dumps private memory leaves out of it what
		   was not written to. */
		ck_assert_uint_eq(m->flags & ~7u,
			dumped ? PM_MAP_FROM_FILE : PM_MAP_ABSENT);
		m = pm_target_find_map(t, BASE + PAGE);
		ck_assert_uint_eq(m->flags & ~7u, PM_MAP_FROM_FILE);
	}
	/* Cut off: the data was written to, the file has the old one. */
	fake_auto_core c;
	make_mapped(&c, &f, &lib, true, true, true);
	pm_auto_strbuf b = {0};
	fake_core_write(&c, &b);
	struct pm_target *t = NULL;
	struct pm_error err;
	ck_assert_int_eq(
		open_bytes(&f, b.data, b.len - PAGE - 100, &t, &err), PM_OK);
	pm_auto_target guard = t;
	uint8_t buf[PAGE];
	pm_addr data = BASE + FAKE_ELF_DATA_VADDR;
	ck_assert_uint_eq(pm_target_read_some(t, data, buf, PAGE), PAGE - 100);
	ck_assert_mem_eq(buf, pattern(), PAGE - 100);
	ck_assert_uint_eq(pm_target_read_some(t, BASE, buf, PAGE), PAGE);
	folder_deinit(&f);
}
END_TEST

START_TEST(finds_files_below_sysroot)
{
	struct folder f;
	folder_init(&f);
	pm_auto_strbuf lib = {0}, b = {0};
	fake_elf_write(&lib, id_a, sizeof id_a, false);
	write_file(f.lib, lib.data, lib.len);
	fake_auto_core c;
	struct folder inside = f;
	snprintf(inside.lib, sizeof inside.lib, "/lib x.so");
	make_mapped(&c, &inside, &lib, true, true, true);
	fake_core_write(&c, &b);
	write_file(f.core, b.data, b.len);
	struct pm_target *t = NULL;
	struct pm_error err;
	ck_assert_int_eq(pm_native_open_core(f.core, f.path, &t, &err), PM_OK);
	ck_assert_uint_eq(
		pm_target_find_map(t, BASE + PAGE)->flags & PM_MAP_FROM_FILE,
		PM_MAP_FROM_FILE);
	ck_assert_str_eq(t->sysroot, f.path);
	pm_target_destroy(t);
	/* What the debugger has for the program, when that is proved. */
	for (int right = 0; right < 2; right++) {
		pm_auto_strbuf there = {0};
		fake_elf_write(&there, right ? id_a : id_b, sizeof id_a, false);
		write_file(f.lib, there.data, there.len);
		ck_assert_int_eq(
			pm_native_open_core_with(f.core, NULL, f.lib, &t, &err),
			PM_OK);
		ck_assert_uint_eq(
			pm_target_find_map(t, BASE + PAGE)->flags & ~7u,
			right ? PM_MAP_FROM_FILE : PM_MAP_ABSENT);
		pm_target_destroy(t);
	}
	folder_deinit(&f);
}
END_TEST

/* No NT_FILE: a program and a library, found by their headers, named by the
   dynamic linker. */
START_TEST(guesses_the_mapped_files)
{
	struct folder f;
	folder_init(&f);
	pm_auto_strbuf program = {0}, lib = {0}, b = {0};
	fake_elf_write(&program, id_b, sizeof id_b, true);
	fake_elf_write(&lib, id_a, sizeof id_a, false);
	write_file(f.lib, lib.data, lib.len);
	const pm_addr at[] = {BASE, BASE + 0x100000};
	const pm_addr links = at[0] + FAKE_ELF_DATA_VADDR + 0x100;
	union {
		uint64_t w[PAGE / 8];
		char text[PAGE];
	} data = {.w = {DT_DEBUG, links, DT_NULL, 0}};
	/* struct r_debug, then two of struct link_map, then a name. */
	uint64_t *r = data.w + 0x100 / 8;
	r[1] = links + 16;
	memcpy(r + 2,
		((uint64_t[]){at[0], links + 15 * 8,
			at[0] + FAKE_ELF_DATA_VADDR, links + 7 * 8, 0, at[1],
			links + 16 * 8, at[1] + FAKE_ELF_DATA_VADDR, 0, 0}),
		80);
	strcpy((char *)(r + 16), f.lib);
	fake_auto_core c = {0};
	for (int i = 0; i < 2; i++) {
		const struct pm_strbuf *from = i ? &lib : &program;
		fake_core_segment(&c, at[i], PAGE, from->data, PAGE, PF_R);
		fake_core_segment(&c, at[i] + PAGE, PAGE, NULL, 0, PF_R | PF_X);
		fake_core_segment(&c, at[i] + FAKE_ELF_DATA_VADDR, PAGE,
			i ? (const void *)lib.data : data.w, PAGE, RW);
	}
	fake_core_write(&c, &b);
	write_file(f.core, b.data, b.len);
	struct pm_target *t = NULL;
	struct pm_error err;
	char files[128];
	snprintf(files, sizeof files, "%s\n", f.core);
	ck_assert_int_eq(
		pm_native_open_core_with(f.core, NULL, files, &t, &err), PM_OK);
	const struct pm_mapping *m = pm_target_find_map(t, at[1] + PAGE);
	ck_assert_uint_eq(m->flags & ~7u, PM_MAP_FROM_FILE);
	ck_assert_str_eq(m->path, f.lib);
	ck_assert_uint_eq(m->offset, PAGE);
	m = pm_target_find_map(t, at[1] + FAKE_ELF_DATA_VADDR);
	ck_assert_str_eq(m->path, f.lib);
	ck_assert_uint_eq(m->offset, FAKE_ELF_DATA);
	ck_assert_uint_eq(m->flags & ~7u, 0);
	/* The program's name is what the debugger says, but that file is
	   another one. */
	m = pm_target_find_map(t, at[0] + PAGE);
	ck_assert_str_eq(m->path, f.core);
	ck_assert_uint_eq(m->flags & ~7u, PM_MAP_ABSENT);
	pm_target_destroy(t);
	/* A list that runs in a circle, and one that leads nowhere. */
	for (int i = 0; i < 2; i++) {
		r[5] = i ? links + 16 : UINT64_MAX - 4;
		b.len = 0;
		fake_core_write(&c, &b);
		write_file(f.core, b.data, b.len);
		ck_assert_int_eq(
			pm_native_open_core(f.core, NULL, &t, &err), PM_OK);
		ck_assert_ptr_null(pm_target_find_map(t, at[1] + PAGE)->path);
		pm_target_destroy(t);
	}
	folder_deinit(&f);
}
END_TEST

START_TEST(survives_a_shrinking_file)
{
	struct folder f;
	folder_init(&f);
	fake_auto_core c;
	make_core(&c, false);
	pm_auto_target t = open_fake(&f, &c);
	uint8_t buf[PAGE];
	ck_assert_uint_eq(pm_target_read_some(t, BASE, buf, PAGE), PAGE);
	ck_assert_int_eq(truncate(f.core, 100), 0);
	ck_assert_uint_eq(pm_target_read_some(t, BASE, buf, PAGE), 0);
	/* The next look at the size comes within so many views, and a long
	   view looks at once. */
	ck_assert_ptr_null(pm_target_view(t, 1, 1));
	folder_deinit(&f);
}
END_TEST

START_TEST(survives_lies)
{
	struct folder f;
	folder_init(&f);
	fake_auto_core c;
	make_core(&c, false);
	fake_core_file(&c, BASE, BASE + PAGE, 0, "/nowhere/lib");
	fake_core_file(&c, BASE + PAGE, BASE + 9 * PAGE, PAGE, "/nowhere/lib");
	pm_auto_strbuf b = {0};
	fake_core_write(&c, &b);
	size_t head = b.len - 4 * PAGE;
	write_file(f.core, b.data, b.len);
	pm_auto_fd int fd = open(f.core, O_WRONLY | O_CLOEXEC);
	pm_auto_free char *bytes = malloc(b.len);
	unsigned seed = 7, opened = 0;
	static const uint64_t evil[] = {0, 1, 7, 0x7fffffff, 0xffffffff,
		0x7fffffffffffffff, UINT64_MAX, UINT64_MAX - 0xfff, BASE};
	for (int i = 0; i < 10000; i++) {
		memcpy(bytes, b.data, head);
		for (unsigned k = 0; k <= (unsigned)i % 8; k++) {
			seed = seed * 1103515245 + 12345;
			size_t at = 4 + seed / 16 % (head - 12);
			seed = seed * 1103515245 + 12345;
			if (seed & 0x10000)
				memcpy(bytes + at, &evil[seed / 0x20000 % 9],
					8);
			else
				bytes[at] = (char)(uint8_t)(seed >> 20);
		}
		struct pm_target *t = NULL;
		struct pm_error err;
		ck_assert_int_eq(pwrite(fd, bytes, head, 0), (ssize_t)head);
		if (pm_native_open_core(f.core, NULL, &t, &err) != PM_OK)
			continue;
		opened++;
		pm_auto_target guard = t;
		uint8_t buf[64];
		pm_addr end = 0;
		pm_vec_each (m, &t->maps) {
			ck_assert(m->start >= end && m->end > m->start);
			end = m->end;
			pm_target_read_some(t, m->end - 32, buf, 64);
			const uint8_t *v = pm_target_view(t, m->start, 16);
			if (v)
				memcpy(buf, v, 16);
		}
	}
	ck_assert_uint_gt(opened, 1000);
	folder_deinit(&f);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
	struct folder f;
	folder_init(&f);
	fake_auto_core c;
	pm_auto_strbuf lib = {0}, b = {0};
	fake_elf_write(&lib, id_a, sizeof id_a, false);
	write_file(f.lib, lib.data, lib.len);
	make_mapped(&c, &f, &lib, true, true, true);
	fake_core_write(&c, &b);
	write_file(f.core, b.data, b.len);
	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		struct pm_target *t = NULL;
		struct pm_error err;
		alloc_fail_start();
		enum pm_status s =
			pm_native_open_core(f.core, "/none", &t, &err);
		alloc_fail_stop();
		ck_assert_int_eq(s, alloc_failed() ? PM_NOMEM : PM_OK);
		ck_assert((s == PM_OK) == (t != NULL));
		pm_target_destroy(t);
	}
	ck_assert_uint_gt(alloc_fail_runs(), 10);
	folder_deinit(&f);
}
END_TEST

UNIT_MAIN("core", reads_a_core, survives_any_cut, counts_more_segments_than_fit,
	says_what_it_is_instead, takes_text_from_the_mapped_file,
	compares_by_the_dynamic_section, takes_no_data_it_cannot_know,
	finds_files_below_sysroot, guesses_the_mapped_files,
	survives_a_shrinking_file, survives_lies,
	survives_each_failing_allocation)
