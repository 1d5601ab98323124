/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Modules and their symbols: of this very program as a process, of copies of
   its memory that no file is there for, and of hand-made ones. */
#include "target/image.h"
#include "target/module.h"
#include "target/native.h"
#include "unit/unit.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <search.h>
#include <string.h>
#include <sys/wait.h>

/* This program passes for one that embeds a Python and hides it. */
static char _PyRuntime[100000];
static long hidden_data = 5;
static __thread long hidden_thread_data = 6;

static __attribute__((__noinline__)) int hidden_function(int n)
{
	hidden_thread_data += n;
	return n + _PyRuntime[n] + (int)hidden_data;
}

static pm_addr addr_of(const void *p)
{
	return (pm_addr)(uintptr_t)p;
}

static pm_addr text_addr(void (*f)(void))
{
	return (pm_addr)(uintptr_t)f;
}

/* A child that stays until it is told. */
struct child {
	pid_t pid;
	int tell;
};

static void child_start(struct child *c)
{
	int stop[2];
	char byte;
	ck_assert(!pipe(stop));
	c->pid = fork();
	ck_assert(c->pid >= 0);
	if (!c->pid) {
		close(stop[1]);
		_exit(read(stop[0], &byte, 1) != 0);
	}
	close(stop[0]);
	c->tell = stop[1];
}

static void child_stop(struct child *c)
{
	int status;
	close(c->tell);
	ck_assert(waitpid(c->pid, &status, 0) == c->pid && !status);
}

struct opened {
	struct pm_target *t;
	struct pm_memory *m;
	struct pm_modules ms;
};

static void opened_load(struct opened *o)
{
	struct pm_error err = {0};
	ck_assert_int_eq(pm_memory_create(o->t, 16, &o->m, &err), PM_OK);
	ck_assert_msg(
		pm_modules_load(o->m, &o->ms, &err) == PM_OK, "%s", err.msg);
}

static void opened_close(struct opened *o)
{
	pm_modules_deinit(&o->ms);
	pm_memory_destroy(o->m);
	pm_target_destroy(o->t);
}

/* Definitions of name; the last one in *ret. */
static size_t find_all(
	const struct opened *o, const char *name, struct pm_symbol *ret)
{
	size_t pos = 0, n = 0;
	const struct pm_module *mod;
	while (pm_modules_next_symbol(&o->ms, name, &pos, ret, &mod)) {
		ck_assert_ptr_nonnull(mod);
		ck_assert_uint_le(++n, 10);
	}
	ck_assert(!pm_modules_next_symbol(&o->ms, name, &pos, ret, &mod));
	return n;
}

static const struct pm_module *module_of(
	const struct opened *o, const void *addr)
{
	const struct pm_module *mod = pm_modules_at(&o->ms, addr_of(addr));
	ck_assert_ptr_nonnull(mod);
	return mod;
}

/* A symbol of libc that is plain code: no ifunc, and nothing a sanitizer
   replaces. */
static const char libc_name[] = "lfind";

static void check_libc(const struct opened *o)
{
	struct pm_symbol s;
	const char *name;
	uint64_t offset;
	pm_addr want = addr_of(dlsym(RTLD_DEFAULT, libc_name));
	ck_assert_uint_eq(find_all(o, libc_name, &s), 1);
	ck_assert_uint_eq(s.addr, want);
	ck_assert_uint_gt(s.size, 16);
	ck_assert(pm_modules_find_address(
		&o->ms, want + 7, NULL, &name, &offset));
	ck_assert_uint_eq(offset, 7);
	ck_assert_str_eq(name, libc_name);
	ck_assert_uint_eq(find_all(o, "no_such_name_at_all", &s), 0);
}

START_TEST(knows_a_process)
{
	struct child c;
	struct pm_error err;
	if (unit_is_emulated())
		return;
	child_start(&c);
	struct opened o = {0};
	ck_assert_int_eq(pm_native_open_process((int)c.pid, &o.t, &err), PM_OK);
	opened_load(&o);
	pm_addr end = 0;
	pm_vec_each (mod, &o.ms.list) {
		ck_assert(mod->start >= end && mod->end > mod->start);
		end = mod->end;
		ck_assert(mod->file_matches && !mod->file_mismatch);
	}
	const struct pm_module *self = module_of(&o, &hidden_data);
	char exe[4096] = "";
	ck_assert(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
	ck_assert_str_eq(self->path, exe);
	/* .bss, most of which is behind what the file has. */
	ck_assert_uint_le(self->data_start, addr_of(_PyRuntime));
	ck_assert_uint_ge(
		self->data_end, addr_of(_PyRuntime) + sizeof _PyRuntime);
	struct link_map *map = NULL;
	ck_assert(!dlinfo(dlopen(NULL, RTLD_NOW), RTLD_DI_LINKMAP, &map));
	ck_assert_uint_eq(self->bias, map->l_addr);
	check_libc(&o);
	struct pm_symbol s;
	ck_assert_uint_eq(find_all(&o, "_PyRuntime", &s), 1);
	ck_assert_uint_eq(s.addr, addr_of(_PyRuntime));
	ck_assert_uint_ge(s.size, sizeof _PyRuntime);
	ck_assert_uint_eq(find_all(&o, "hidden_data", &s), 1);
	ck_assert_uint_eq(s.addr, addr_of(&hidden_data));
	ck_assert_uint_eq(find_all(&o, "hidden_function", &s), 1);
	ck_assert_uint_eq(s.addr, addr_of((void *)(uintptr_t)&hidden_function));
	/* Its value is an offset in a thread's block. */
	ck_assert_uint_eq(find_all(&o, "hidden_thread_data", &s), 0);
	ck_assert_int_gt(hidden_function(1), 0);
	opened_close(&o);
	child_stop(&c);
}
END_TEST

/* Copies libc as this process has it into an image, named as told. */
static struct pm_target *copy_libc(const char *path, bool same_path)
{
	struct pm_target *self = NULL, *t = NULL;
	struct pm_error err;
	ck_assert_int_eq(pm_native_open_process(getpid(), &self, &err), PM_OK);
	ck_assert_int_eq(pm_image_create(&t, &err), PM_OK);
	const struct pm_mapping *in = pm_target_find_map(
		self, addr_of(dlsym(RTLD_DEFAULT, libc_name)));
	ck_assert(in && in->path);
	pm_vec_each (m, &self->maps) {
		if (!m->path || strcmp(m->path, in->path) ||
			!(m->flags & PM_MAP_READ))
			continue;
		ck_assert_int_eq(pm_image_add(t, m->start,
					 (const void *)(uintptr_t)m->start,
					 (size_t)(m->end - m->start), m->flags,
					 same_path ? m->path : path, &err),
			PM_OK);
		struct pm_mapping *new = &t->maps.data[t->maps.len - 1];
		new->offset = m->offset;
	}
	pm_target_destroy(self);
	return t;
}

START_TEST(reads_symbols_from_memory)
{
	for (int named = 0; named < 2; named++) {
		struct opened o = {
			.t = copy_libc(named ? "/nowhere/libc" : NULL, false)};
		opened_load(&o);
		ck_assert_uint_eq(o.ms.list.len, 1);
		ck_assert(!o.ms.list.data[0].file_matches);
		ck_assert(!o.ms.list.data[0].file_mismatch);
		ck_assert_str_eq(o.ms.list.data[0].path,
			named ? "/nowhere/libc" : "libc.so.6");
		check_libc(&o);
		opened_close(&o);
	}
}
END_TEST

START_TEST(prefers_memory_to_another_file)
{
	struct opened o = {.t = copy_libc(NULL, true)};
	opened_load(&o);
	struct pm_module *mod = &o.ms.list.data[0];
	ck_assert(mod->file_matches);
	uint8_t id[2] = {0};
	ck_assert_int_eq(
		sscanf(mod->build_id, "%2hhx%2hhx", &id[0], &id[1]), 2);
	/* Changes the build id in memory. */
	uint8_t *head = pm_image_at(o.t, mod->start, 4096);
	bool changed = false;
	for (size_t i = 0; i < 4096 - 4 && !changed; i++) {
		changed = !memcmp(head + i, "GNU", 4) && head[i + 4] == id[0] &&
			  head[i + 5] == id[1];
		head[i + 4] ^= changed ? 0xff : 0;
	}
	ck_assert(changed);
	pm_modules_deinit(&o.ms);
	pm_memory_destroy(o.m);
	opened_load(&o);
	ck_assert(!o.ms.list.data[0].file_matches);
	ck_assert(o.ms.list.data[0].file_mismatch);
	check_libc(&o);
	opened_close(&o);
}
END_TEST

/* A module written by hand: DT_HASH, addresses that nobody relocated, 32 or 64
   bits. */
struct image {
	uint8_t bytes[0x3000];
	bool wide;
};

static void put(struct image *im, size_t at, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		im->bytes[at + i] = (uint8_t)(v >> 8 * i);
}

static void put_segment(struct image *im, size_t i, unsigned type,
	unsigned flags, uint64_t vaddr, uint64_t size, uint64_t memsz)
{
	size_t w = im->wide ? 8 : 4;
	size_t at = 64 + i * (im->wide ? 56 : 32);
	put(im, at, type, 4);
	put(im, at + (im->wide ? 4 : 24), flags, 4);
	size_t q = at + (im->wide ? 8 : 4);
	put(im, q, vaddr, w); /* p_offset: no gaps */
	put(im, q + w, vaddr + 0x10000, w);
	put(im, q + 3 * w, size, w);
	put(im, q + 4 * w, memsz, w);
}

static void put_symbol(struct image *im, size_t i, unsigned name,
	uint64_t value, unsigned info, unsigned section)
{
	size_t at = 0x400 + i * (im->wide ? 24 : 16);
	put(im, at, name, 4);
	if (im->wide) {
		im->bytes[at + 4] = (uint8_t)info;
		put(im, at + 6, section, 2);
		put(im, at + 8, value, 8);
		put(im, at + 16, 24, 8);
	} else {
		put(im, at + 4, value, 4);
		put(im, at + 8, 24, 4);
		im->bytes[at + 12] = (uint8_t)info;
		put(im, at + 14, section, 2);
	}
}

static void make_image(struct image *im, bool wide)
{
	static const char strings[] = "\0_PyRuntime\0alpha\0undefined\0tls\0so";
	size_t w = wide ? 8 : 4;
	memset(im, 0, sizeof *im);
	im->wide = wide;
	memcpy(im->bytes, ELFMAG, SELFMAG);
	im->bytes[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	im->bytes[EI_DATA] = ELFDATA2LSB;
	put(im, 16, ET_DYN, 2);
	put(im, 24 + w, 64, w);
	put(im, 24 + 3 * w + 6, wide ? 56 : 32, 2);
	put(im, 24 + 3 * w + 8, 3, 2);
	put_segment(im, 0, PT_LOAD, PF_R, 0, 0x1000, 0x1000);
	put_segment(im, 1, PT_LOAD, PF_R | PF_W, 0x2000, 0x800, 0x1000);
	put_segment(im, 2, PT_DYNAMIC, PF_R, 0x2000, 14 * w, 14 * w);
	const uint64_t dynamic[] = {DT_SYMTAB, 0x10400, DT_STRTAB, 0x10600,
		DT_STRSZ, sizeof strings, DT_HASH, 0x10300, DT_SONAME, 32,
		DT_NULL, 0};
	for (size_t i = 0; i < sizeof dynamic / sizeof *dynamic; i++)
		put(im, 0x2000 + i * w, dynamic[i], w);
	memcpy(im->bytes + 0x600, strings, sizeof strings);
	put_symbol(im, 1, 1, 0x12100, STT_OBJECT, 2);
	put_symbol(im, 2, 12, 0x12200, STT_FUNC, 2);
	put_symbol(im, 3, 18, 0, STT_FUNC, SHN_UNDEF);
	put_symbol(im, 4, 28, 0x10, STT_TLS, 2);
	/* One bucket: 4, 3, 2, 1. */
	const uint32_t hash[] = {1, 5, 4, 0, 0, 1, 2, 3};
	for (size_t i = 0; i < sizeof hash / sizeof *hash; i++)
		put(im, 0x300 + 4 * i, hash[i], 4);
}

static void open_image(struct opened *o, const struct image *im, bool named)
{
	struct pm_error err;
	const pm_addr base = 0x7f000000;
	*o = (struct opened){0};
	ck_assert_int_eq(pm_image_create(&o->t, &err), PM_OK);
	ck_assert_int_eq(pm_image_add(o->t, base, im->bytes, 0x1000,
				 PM_MAP_READ, named ? "/x/y" : NULL, &err),
		PM_OK);
	ck_assert_int_eq(
		pm_image_add(o->t, base + 0x2000, im->bytes + 0x2000, 0x1000,
			PM_MAP_READ | PM_MAP_WRITE, NULL, &err),
		PM_OK);
	struct pm_error load;
	ck_assert_int_eq(pm_memory_create(o->t, 16, &o->m, &err), PM_OK);
	ck_assert_int_eq(pm_modules_load(o->m, &o->ms, &load), PM_OK);
}

START_TEST(reads_a_handmade_module)
{
	for (int i = 0; i < 4; i++) {
		struct image im;
		struct opened o;
		struct pm_symbol s;
		make_image(&im, i & 1);
		open_image(&o, &im, i & 2);
		ck_assert_uint_eq(o.ms.list.len, 1);
		const struct pm_module *mod = &o.ms.list.data[0];
		ck_assert_str_eq(mod->path, i & 2 ? "/x/y" : "so");
		ck_assert_uint_eq(mod->start, 0x7f000000);
		ck_assert_uint_eq(mod->end, 0x7f003000);
		ck_assert_uint_eq(mod->bias, 0x7eff0000);
		ck_assert_uint_eq(mod->data_start, 0x7f002000);
		ck_assert_uint_eq(mod->data_end, 0x7f003000);
		ck_assert_uint_eq(find_all(&o, "_PyRuntime", &s), 1);
		ck_assert_uint_eq(s.addr, 0x7f002100);
		ck_assert_uint_eq(s.size, 24);
		ck_assert_uint_eq(find_all(&o, "alpha", &s), 1);
		ck_assert_uint_eq(find_all(&o, "undefined", &s), 0);
		ck_assert_uint_eq(find_all(&o, "tls", &s), 0);
		const char *name;
		uint64_t offset;
		ck_assert(pm_modules_find_address(
			&o.ms, 0x7f002217, NULL, &name, &offset));
		ck_assert_str_eq(name, "alpha");
		ck_assert_uint_eq(offset, 0x17);
		ck_assert(!pm_modules_find_address(
			&o.ms, 0x7f0020ff, NULL, &name, &offset));
		ck_assert_ptr_null(pm_modules_at(&o.ms, 0x7f003000));
		ck_assert_ptr_null(pm_modules_at(&o.ms, 0x7effffff));
		opened_close(&o);
	}
}
END_TEST

/* A core without ELF headers, and no files: only names and permissions. */
START_TEST(knows_headless_modules)
{
	static const struct {
		pm_addr start, end;
		unsigned flags;
		const char *path;
	} maps[] = {
		{0x400000, 0x500000, PM_MAP_READ | PM_MAP_EXEC, "/bin/py"},
		{0x500000, 0x501000, PM_MAP_READ, "/bin/py"},
		{0x502000, 0x504000, PM_MAP_READ | PM_MAP_WRITE, "/bin/py"},
		{0x504000, 0x508000, PM_MAP_READ | PM_MAP_WRITE, NULL},
		{0x600000, 0x608000, PM_MAP_READ | PM_MAP_WRITE, NULL},
		{0x7f0000000000, 0x7f0000001000, PM_MAP_READ, "/l/data"},
		{0x7f0000001000, 0x7f0000002000, PM_MAP_READ | PM_MAP_WRITE,
			NULL},
		{0x7f0000010000, 0x7f0000012000, PM_MAP_READ, "/l/a.so"},
		{0x7f0000012000, 0x7f0000013000, PM_MAP_EXEC, "/l/a.so"},
		{0x7f0000014000, 0x7f0000015000, PM_MAP_WRITE, "/l/a.so"},
		{0x7f0000015000, 0x7f0000016000, PM_MAP_READ, NULL},
	};
	struct opened o = {0};
	struct pm_error err;
	ck_assert_int_eq(pm_image_create(&o.t, &err), PM_OK);
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
		ck_assert_int_eq(pm_image_add(o.t, maps[i].start, NULL,
					 (size_t)(maps[i].end - maps[i].start),
					 maps[i].flags | PM_MAP_ABSENT,
					 maps[i].path, &err),
			PM_OK);
	opened_load(&o);
	ck_assert_uint_eq(o.ms.list.len, 2);
	const struct pm_module *mod = pm_modules_at(&o.ms, 0x507fff);
	ck_assert(mod && !strcmp(mod->path, "/bin/py") && !mod->bias);
	ck_assert_uint_eq(mod->start, 0x400000);
	ck_assert_uint_eq(mod->end, 0x508000);
	ck_assert_uint_eq(mod->data_start, 0x502000);
	ck_assert_uint_eq(mod->data_end, 0x508000);
	mod = pm_modules_at(&o.ms, 0x7f0000010000);
	ck_assert(mod && !strcmp(mod->path, "/l/a.so"));
	ck_assert_uint_eq(mod->bias, 0x7f0000010000);
	ck_assert_uint_eq(mod->end, 0x7f0000015000);
	ck_assert_uint_eq(mod->data_start, 0x7f0000014000);
	struct pm_symbol s;
	const char *name;
	uint64_t offset;
	ck_assert_uint_eq(find_all(&o, "_PyRuntime", &s), 0);
	ck_assert(!pm_modules_find_address(
		&o.ms, 0x400100, NULL, &name, &offset));
	opened_close(&o);
}
END_TEST

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

START_TEST(survives_lies)
{
	static const uint64_t evil[] = {0, 1, 3, 0x7fffffff, 0xffffffff,
		0xfffffffffffffff0, 0x10000, 0x7f002000, 0x8000000000000000};
	unsigned seed = 3;
	size_t modules = 0, found = 0;
	for (int i = 0; i < 10000; i++) {
		struct image im;
		struct opened o;
		struct pm_symbol s;
		make_image(&im, i & 1);
		for (int k = 0; k <= i % 5; k++) {
			/* Headers, hash, symbols and strings, or dynamic. */
			static const size_t at[] = {4, 0x300, 0x400, 0x2000};
			size_t where = at[next_random(&seed) % 4] +
				       next_random(&seed) % 0xa0;
			if (next_random(&seed) & 1)
				put(&im, where, evil[next_random(&seed) % 9],
					8);
			else
				im.bytes[where] = (uint8_t)next_random(&seed);
		}
		open_image(&o, &im, i & 2);
		modules += o.ms.list.len;
		size_t pos = 0;
		while (pm_modules_next_symbol(
			&o.ms, "_PyRuntime", &pos, &s, NULL))
			found++;
		pos = 0;
		pm_modules_next_symbol(&o.ms, "nope", &pos, &s, NULL);
		const char *name;
		uint64_t offset;
		if (pm_modules_find_address(
			    &o.ms, 0x7f002217, NULL, &name, &offset))
			ck_assert_uint_gt(strlen(name), 0);
		opened_close(&o);
	}
	ck_assert_uint_gt(modules, 2000);
	ck_assert_uint_gt(found, 1000);
}
END_TEST

/* From the n-th on every read fails, for all n there are. */
START_TEST(survives_failing_reads)
{
	pm_auto_target t = copy_libc("/nowhere/libc", false);
	for (long n = 0, reads = 1; n < reads; n++) {
		struct opened o = {.t = t};
		struct pm_symbol s;
		struct pm_error err;
		size_t pos = 0;
		const char *name;
		uint64_t offset;
		long before = pm_image_reads(o.t);
		pm_image_fail_at(o.t, n, NULL);
		ck_assert_int_eq(pm_memory_create(o.t, 64, &o.m, &err), PM_OK);
		ck_assert_int_eq(pm_modules_load(o.m, &o.ms, &err), PM_OK);
		bool found = pm_modules_next_symbol(
			&o.ms, libc_name, &pos, &s, NULL);
		found &= pm_modules_find_address(&o.ms,
			text_addr((void (*)(void)) & lfind), NULL, &name,
			&offset);
		long made = pm_image_reads(o.t) - before;
		reads = made > reads ? made : reads;
		if (made <= n) {
			ck_assert(found);
			reads = n;
		}
		o.t = NULL;
		opened_close(&o);
	}
}
END_TEST

UNIT_MAIN("module", knows_a_process, reads_symbols_from_memory,
	prefers_memory_to_another_file, reads_a_handmade_module,
	knows_headless_modules, survives_lies, survives_failing_reads)
