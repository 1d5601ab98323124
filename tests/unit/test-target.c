/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A local process, byte images and the page cache. */
#include "target/image.h"
#include "target/memory.h"
#include "target/native.h"
#include "unit/unit.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>

#define ck_ok(call, err)                                                       \
	do {                                                                   \
		(err).msg[0] = '\0';                                           \
		enum pm_status status_ = (call);                               \
		ck_assert_msg(status_ == PM_OK, "%s: %s", #call, (err).msg);   \
	} while (0)

#define PAGE ((size_t)4096)
#define PAGES ((size_t)8)

/* A child that holds still: its copy of this program's memory is what the
   tests read.  area is PAGES pages, of which the one numbered hole is gone. */
struct child {
	pid_t pid;
	int tell; /* closing it ends the child */
	char *area;
	size_t hole;
};

static void child_start(struct child *c, size_t hole)
{
	int ready[2], stop[2];
	char byte;
	c->area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(c->area != MAP_FAILED);
	for (size_t i = 0; i < PAGES * PAGE; i++)
		c->area[i] = (char)(i * 31 / 7);
	c->hole = hole;
	ck_assert(!pipe(ready) && !pipe(stop));
	c->pid = fork();
	ck_assert(c->pid >= 0);
	if (!c->pid) {
		close(stop[1]);
		if (munmap(c->area + hole * PAGE, PAGE) ||
			write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(read(stop[0], &byte, 1) != 0);
	}
	close(ready[1]);
	close(stop[0]);
	ck_assert(read(ready[0], &byte, 1) == 1);
	close(ready[0]);
	c->tell = stop[1];
}

static void child_stop(struct child *c)
{
	int status;
	close(c->tell);
	ck_assert(waitpid(c->pid, &status, 0) == c->pid && !status);
	munmap(c->area, PAGES * PAGE);
}

static pm_addr addr_of(const void *p)
{
	return (pm_addr)(uintptr_t)p;
}

static struct pm_target *open_process(pid_t pid)
{
	struct pm_error err;
	struct pm_target *t = NULL;
	ck_ok(pm_native_open_process((int)pid, &t, &err), err);
	return t;
}

START_TEST(reads_the_longest_prefix)
{
	struct child c;
	child_start(&c, 5);
	pm_auto_target t = open_process(c.pid);
	char *buf = malloc(PAGES * PAGE);
	for (size_t skip = 0; skip < PAGE; skip += 577) {
		memset(buf, 0, PAGES * PAGE);
		size_t n = pm_target_read_some(
			t, addr_of(c.area) + skip, buf, PAGES * PAGE - skip);
		ck_assert_uint_eq(n, 5 * PAGE - skip);
		ck_assert_mem_eq(buf, c.area + skip, n);
	}
	struct pm_error err = {0};
	pm_addr bad = addr_of(c.area) + 5 * PAGE;
	ck_assert_int_eq(pm_target_read(t, bad - 1, buf, 2, &err), PM_FAULT);
	ck_assert_uint_eq(err.addr, bad);
	ck_assert_uint_eq(pm_target_read_some(t, bad, buf, 10), 0);
	ck_assert_uint_eq(pm_target_read_some(t, UINT64_MAX - 3, buf, 10), 0);
	ck_assert_uint_eq(pm_target_read_some(t, 0, buf, 10), 0);
	ck_assert_uint_eq(pm_target_read_some(t, addr_of(c.area), buf, 0), 0);
	free(buf);
	child_stop(&c);
}
END_TEST

/* A mapping that the list knows, but whose bytes are gone by the time they
   are read: a failing element in the middle of a transfer. */
START_TEST(gathers_around_failing_pieces)
{
	struct child c;
	child_start(&c, 5);
	pm_auto_target t = open_process(c.pid);
	struct pm_mapping lie = {
		.start = addr_of(c.area) + 5 * PAGE,
		.end = addr_of(c.area) + 6 * PAGE,
		.flags = PM_MAP_READ,
	};
	struct pm_error err;
	ck_ok(pm_target_add_map(t, &lie, &err), err);
	enum { N = 3000 };
	struct pm_piece *p = calloc(N, sizeof *p);
	char *buf = calloc(N, 64);
	for (size_t i = 0; i < N; i++) {
		size_t at = i * 131 % (PAGES * PAGE - 64);
		p[i].addr = addr_of(c.area) + at;
		p[i].buf = buf + i * 64;
		p[i].len = 1 + i % 64;
		p[i].got = 12345;
		if (i % 97 == 0)
			p[i].addr = 8;
		if (i % 101 == 0)
			p[i].len = 0;
	}
	pm_target_gather(t, p, N);
	size_t cut = 0, none = 0;
	for (size_t i = 0; i < N; i++) {
		size_t at = (size_t)(p[i].addr - addr_of(c.area));
		size_t want = p[i].len;
		if (p[i].addr == 8)
			want = 0;
		else if (at < 5 * PAGE && at + want > 5 * PAGE)
			want = 5 * PAGE - at;
		else if (at >= 5 * PAGE && at < 6 * PAGE)
			want = 0;
		cut += want && want < p[i].len;
		none += !want;
		ck_assert_uint_eq(p[i].got, want);
		if (want)
			ck_assert_mem_eq(p[i].buf, c.area + at, want);
	}
	ck_assert_uint_ge(cut, 2);
	ck_assert_uint_gt(none, 300);
	free(p);
	free(buf);
	child_stop(&c);
}
END_TEST

START_TEST(describes_a_process)
{
	struct child c;
	if (unit_is_emulated())
		return;
	child_start(&c, 2);
	pm_auto_target t = open_process(c.pid);
	ck_assert_int_eq(t->pid, c.pid);
	ck_assert_int_eq(t->kind, PM_TARGET_LIVE);
	ck_assert(t->parallel);
	ck_assert_ptr_null(t->sysroot);
	const struct pm_mapping *m =
		pm_target_find_map(t, addr_of(&child_start));
	ck_assert(m && m->path && (m->flags & PM_MAP_EXEC));
	char exe[4096] = "";
	ck_assert(readlink("/proc/self/exe", exe, sizeof exe - 1) > 0);
	ck_assert_str_eq(m->path, exe);
	m = pm_target_find_map(t, addr_of(&c));
	ck_assert(m && (m->flags & PM_MAP_STACK));
	ck_assert_ptr_null(pm_target_find_map(t, addr_of(c.area) + 2 * PAGE));
	ck_assert(pm_target_find_map(t, addr_of(c.area) + 2 * PAGE - 1));
	ck_assert(t->bytes_total >= (PAGES - 1) * PAGE);
	bool vvar = false;
	pm_vec_each (map, &t->maps) {
		char byte;
		if (!map->path || strncmp(map->path, "[vvar", 5))
			continue;
		vvar = true;
		ck_assert(map->flags & PM_MAP_SPECIAL);
		ck_assert_uint_eq(
			pm_target_read_some(t, map->start, &byte, 1), 0);
	}
	ck_assert(vvar);
	child_stop(&c);
}
END_TEST

START_TEST(refuses_what_is_no_process)
{
	struct pm_error err = {0};
	struct pm_target *t = NULL;
	ck_assert_int_eq(pm_native_open_process(0, &t, &err), PM_USAGE);
	pid_t pid = fork();
	if (!pid)
		_exit(0);
	siginfo_t info;
	ck_assert(!waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
	/* A zombie, then nothing at all. */
	ck_assert_int_eq(pm_native_open_process(pid, &t, &err), PM_SYSTEM);
	ck_assert(waitpid(pid, NULL, 0) == pid);
	ck_assert_int_eq(pm_native_open_process(pid, &t, &err), PM_SYSTEM);
	ck_assert(strstr(err.msg, "/proc/"));
	ck_assert_ptr_null(t);
}
END_TEST

static long shared_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, "Shared_Dirty:", 13))
			kib = strtol(line + 13, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

/* A look at a forked worker must not cost a copy of its heap. */
START_TEST(pages_stay_shared)
{
	const size_t bytes = 8 << 20;
	char *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(area != MAP_FAILED);
	memset(area, 'x', bytes);
	struct child c;
	child_start(&c, 5);
	long before = shared_kib(c.pid);
	if (before < (long)(bytes >> 10) * 9 / 10) {
		child_stop(&c); /* a kernel that does not say */
		return;
	}
	pm_auto_target t = open_process(c.pid);
	char *buf = malloc(bytes);
	ck_assert_uint_eq(
		pm_target_read_some(t, addr_of(area), buf, bytes), bytes);
	struct pm_piece p[64];
	for (size_t i = 0; i < 64; i++)
		p[i] = (struct pm_piece){
			addr_of(area) + i * 65536, buf + i * 8, 8, 0};
	pm_target_gather(t, p, 64);
	ck_assert_uint_eq(p[63].got, 8);
	ck_assert_mem_eq(buf, "xxxxxxxx", 8);
	ck_assert_int_ge(shared_kib(c.pid), before - 512);
	free(buf);
	child_stop(&c);
	munmap(area, bytes);
}
END_TEST

/* What a container's seccomp filter does. */
static bool forbid_process_vm_readv(unsigned how)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | how),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code};
	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void check_fallback(unsigned how)
{
	struct child c;
	child_start(&c, 5);
	if (!forbid_process_vm_readv(how)) {
		child_stop(&c);
		return;
	}
	pm_auto_target t = open_process(c.pid);
	char buf[PAGES * PAGE];
	size_t n = pm_target_read_some(
		t, addr_of(c.area) + 9, buf, PAGES * PAGE - 9);
	ck_assert_uint_eq(n, 5 * PAGE - 9);
	ck_assert_mem_eq(buf, c.area + 9, n);
	struct pm_piece p[] = {
		{addr_of(c.area) + 5 * PAGE - 8, buf, 16, 0},
		{addr_of(c.area) + 5 * PAGE, buf + 16, 16, 0},
		{addr_of(c.area) + 6 * PAGE, buf + 32, 16, 0},
	};
	pm_target_gather(t, p, 3);
	ck_assert_uint_eq(p[0].got, 8);
	ck_assert_uint_eq(p[1].got, 0);
	ck_assert_uint_eq(p[2].got, 16);
	ck_assert_mem_eq(buf + 32, c.area + 6 * PAGE, 16);
	child_stop(&c);
}

/* A filter stays for good; libcheck runs each test in its own process. */
START_TEST(reads_by_proc_mem_when_refused)
{
	check_fallback(EPERM);
}
END_TEST

START_TEST(reads_by_proc_mem_when_unknown)
{
	check_fallback(ENOSYS);
}
END_TEST

/* Its files are not at their paths here. */
START_TEST(knows_another_mount_namespace)
{
	int ready[2], stop[2];
	char byte = 0, want[64];
	ck_assert(!pipe(ready) && !pipe(stop));
	pid_t pid = fork();
	ck_assert(pid >= 0);
	if (!pid) {
		bool moved = !unshare(CLONE_NEWUSER | CLONE_NEWNS);
		close(stop[1]);
		if (write(ready[1], moved ? "y" : "n", 1) != 1)
			_exit(1);
		_exit(read(stop[0], &byte, 1) != 0);
	}
	ck_assert(read(ready[0], &byte, 1) == 1);
	struct pm_error err;
	struct pm_target *t = NULL;
	ck_ok(pm_native_open_process(pid, &t, &err), err);
	snprintf(want, sizeof want, "/proc/%d/root", pid);
	/* Not everybody may make one. */
	if (byte == 'y')
		ck_assert_str_eq(t->sysroot, want);
	else
		ck_assert_ptr_null(t->sysroot);
	pm_target_destroy(t);
	close(stop[1]);
	close(stop[0]);
	ck_assert(waitpid(pid, NULL, 0) == pid);
}
END_TEST

START_TEST(parses_mappings)
{
	static const char text[] =
		"00400000-00401000 r-xp 00002000 08:01 42      /opt/a b/py\n"
		"00401000-00402000 rw-p 00000000 00:00 0 \n"
		"00402000-00403000 rw-p 00000000 00:00 0       [heap]\n"
		"00404000-00405000 rw-s 00000000 00:01 7       "
		"/dev/zero (deleted)\n"
		"00405000-00406000 r--s 00000000 00:05 7       /dev/gpu0\n"
		"00406000-00407000 r--s 00000000 00:05 7       /dev/shm/x\n"
		"00407000-00408000 r--p 00000000 08:01 9       "
		"/tmp/lib\\012x (deleted)\n"
		"00408000-00409000 rw-p 00000000 00:00 0       "
		"[anon:glibc: malloc]\n"
		"7fff00000000-7fff00021000 rw-p 00000000 00:00 0 [stack]\n"
		"7fff00021000-7fff00025000 r--p 00000000 00:00 0 [vvar]\n"
		"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 "
		"[vsyscall]";
	static const struct {
		unsigned flags;
		const char *path;
	} want[] = {
		{PM_MAP_READ | PM_MAP_EXEC, "/opt/a b/py"},
		{PM_MAP_READ | PM_MAP_WRITE, NULL},
		{PM_MAP_READ | PM_MAP_WRITE | PM_MAP_HEAP, NULL},
		{PM_MAP_READ | PM_MAP_WRITE | PM_MAP_SHARED | PM_MAP_DELETED,
			NULL},
		{PM_MAP_READ | PM_MAP_SHARED | PM_MAP_SPECIAL, "/dev/gpu0"},
		{PM_MAP_READ | PM_MAP_SHARED, "/dev/shm/x"},
		{PM_MAP_READ | PM_MAP_DELETED, "/tmp/lib\nx"},
		{PM_MAP_READ | PM_MAP_WRITE, NULL},
		{PM_MAP_READ | PM_MAP_WRITE | PM_MAP_STACK, NULL},
		{PM_MAP_READ | PM_MAP_SPECIAL, "[vvar]"},
		{PM_MAP_EXEC | PM_MAP_SPECIAL, "[vsyscall]"},
	};
	struct pm_target t = {0};
	struct pm_error err;
	ck_ok(pm_native_parse_maps(&t, text, &err), err);
	ck_assert_uint_eq(t.maps.len, sizeof want / sizeof *want);
	for (size_t i = 0; i < t.maps.len; i++) {
		ck_assert_uint_eq(t.maps.data[i].flags, want[i].flags);
		if (want[i].path)
			ck_assert_str_eq(t.maps.data[i].path, want[i].path);
		else
			ck_assert_ptr_null(t.maps.data[i].path);
	}
	ck_assert_uint_eq(t.maps.data[0].offset, 0x2000);
	ck_assert_uint_eq(t.bytes_total, 7 * 0x1000 + 0x21000);
	/* What does not parse leaves the list as it was. */
	static const char *const bad[] = {"x", "1000-", "1000-2000",
		"1000-2000 r", "2000-1000 r--p 0 0:0 0",
		"1000-2000 r--p z 0:0 0", "10000000000000000-2 r--p 0 0:0 0",
		"1000-3000 r--p 0 0:0 0\n2000-4000 r--p 0 0:0 0\n"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_int_eq(
			pm_native_parse_maps(&t, bad[i], &err), PM_CORRUPT);
		ck_assert_uint_eq(t.maps.len, sizeof want / sizeof *want);
	}
	pm_target_clear_maps(&t);
}
END_TEST

static struct pm_target *make_image(void)
{
	struct pm_error err;
	struct pm_target *t = NULL;
	uint8_t bytes[300];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	ck_ok(pm_image_create(&t, &err), err);
	ck_ok(pm_image_add(t, 0x2000, bytes, 300, PM_MAP_READ, "/x", &err),
		err);
	ck_ok(pm_image_add(t, 0x1000, NULL, 0x1000, PM_MAP_READ, NULL, &err),
		err);
	ck_ok(pm_image_add(t, 0x2200, bytes, 300, PM_MAP_READ, NULL, &err),
		err);
	ck_ok(pm_image_add(t, 0x3000, NULL, 0x1000, PM_MAP_READ | PM_MAP_ABSENT,
		      NULL, &err),
		err);
	return t;
}

START_TEST(offers_the_debuggers_files)
{
	static char files[] = "/opt/py\n\n/l/liba.so\n/m/libb.so\n/n/liba.so";
	struct pm_target t = {.files = files};
	char buf[16];
	const char *pos = NULL;
	/* The program for anything, the others by their name. */
	ck_assert(pm_target_next_file(&t, "/x/liba.so", &pos, buf, 16));
	ck_assert_str_eq(buf, "/opt/py");
	ck_assert(pm_target_next_file(&t, "/x/liba.so", &pos, buf, 16));
	ck_assert_str_eq(buf, "/l/liba.so");
	ck_assert(pm_target_next_file(&t, "/x/liba.so", &pos, buf, 16));
	ck_assert_str_eq(buf, "/n/liba.so");
	ck_assert(!pm_target_next_file(&t, "/x/liba.so", &pos, buf, 16));
	/* What does not fit is left out. */
	pos = NULL;
	ck_assert(pm_target_next_file(&t, "liba.so", &pos, buf, 10));
	ck_assert(!pm_target_next_file(&t, "liba.so", &pos, buf, 10));
	t.files = NULL;
	pos = NULL;
	ck_assert(!pm_target_next_file(&t, "/x/liba.so", &pos, buf, 16));
}
END_TEST

START_TEST(image_reads_across_ranges)
{
	pm_auto_target t = make_image();
	uint8_t buf[4096];
	ck_assert_uint_eq(
		pm_target_read_some(t, 0x1ff0, buf, 4096), 0x10 + 300);
	ck_assert_uint_eq(buf[0x10 + 7], 7);
	ck_assert_uint_eq(pm_target_read_some(t, 0x3000, buf, 8), 0);
	ck_assert_ptr_null(pm_target_view(t, 0x1ff0, 0x11));
	ck_assert_ptr_nonnull(pm_target_view(t, 0x1ff0, 0x10));
	ck_assert_ptr_null(pm_target_view(t, 0x3000, 1));
	*(uint8_t *)pm_image_at(t, 0x2003, 1) = 99;
	ck_assert_uint_eq(*(const uint8_t *)pm_target_view(t, 0x2003, 1), 99);
	struct pm_error err;
	ck_assert_int_eq(
		pm_image_add(t, 0x2100, NULL, 1, 0, NULL, &err), PM_CORRUPT);
	ck_assert_uint_eq(t->maps.len, 4);
	ck_assert_str_eq(pm_target_find_map(t, 0x2000)->path, "/x");
}
END_TEST

START_TEST(image_fails_when_told)
{
	pm_auto_target t = make_image();
	uint8_t b;
	long before = pm_image_reads(t);
	pm_image_fail_at(t, 2, NULL);
	ck_assert(!t->parallel);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1000, &b, 1), 1);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1000, &b, 1), 1);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1000, &b, 1), 0);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1000, &b, 1), 0);
	ck_assert_int_eq(pm_image_reads(t) - before, 4);
	pm_image_fail_at(t, -1, NULL);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1000, &b, 1), 1);
}
END_TEST

START_TEST(supplies_what_is_not_there)
{
	pm_auto_target t = make_image();
	struct pm_error err;
	char buf[64];
	ck_ok(pm_target_supply(t, 0x3010, "hello", 6, &err), err);
	ck_ok(pm_target_supply(t, 0x3020, "world", 6, &err), err);
	ck_ok(pm_target_supply(t, 0x2000, "never", 6, &err), err);
	ck_assert_uint_eq(pm_target_read_some(t, 0x3010, buf, 64), 6);
	ck_assert_str_eq(buf, "hello");
	ck_assert_uint_eq(pm_target_read_some(t, 0x3012, buf, 2), 2);
	ck_assert_mem_eq(buf, "ll", 2);
	ck_assert_uint_eq(pm_target_read_some(t, 0x300f, buf, 8), 0);
	ck_assert_uint_eq(pm_target_read_some(t, 0x3016, buf, 8), 0);
	/* Memory that is there is what it is. */
	ck_assert_uint_eq(pm_target_read_some(t, 0x2000, buf, 2), 2);
	ck_assert_int_eq(buf[1], 1);
	/* Behind what is there, and in front of it. */
	ck_ok(pm_target_supply(t, 0x2000 + 300, "xyz", 3, &err), err);
	ck_assert_uint_eq(pm_target_read_some(t, 0x2000 + 299, buf, 9), 4);
	ck_assert_mem_eq(buf + 1, "xyz", 3);
	ck_ok(pm_target_supply(t, 0x21fe, "!?", 2, &err), err);
	ck_assert_uint_eq(pm_target_read_some(t, 0x21fe, buf, 4), 4);
	ck_assert_mem_eq(buf, "!?\0\1", 4);
	/* Overlapping, each is whole from its start on. */
	ck_ok(pm_target_supply(t, 0x3012, "LLO, all the world!", 20, &err),
		err);
	pm_auto_memory m = NULL;
	ck_ok(pm_memory_create(t, 4, &m, &err), err);
	ck_ok(pm_memory_read_cstring(m, 0x3010, buf, 64, &err), err);
	ck_assert_str_eq(buf, "hello");
	ck_ok(pm_memory_read_cstring(m, 0x3012, buf, 64, &err), err);
	ck_assert_str_eq(buf, "LLO, all the world!");
	ck_ok(pm_memory_read_cstring(m, 0x3020, buf, 64, &err), err);
	ck_assert_str_eq(buf, "world");
	ck_assert(pm_target_is_supplied(t, 0x3012));
	ck_assert(!pm_target_is_supplied(t, 0x3013));
	/* One at the same place replaces. */
	ck_ok(pm_target_supply(t, 0x3012, "new", 4, &err), err);
	ck_ok(pm_memory_read_cstring(m, 0x3012, buf, 64, &err), err);
	ck_assert_str_eq(buf, "new");
	pm_target_clear_supplies(t);
	ck_assert_uint_eq(pm_target_read_some(t, 0x3012, buf, 64), 0);
}
END_TEST

/* An armed image gives no views, so that its reads go through the cache. */
static struct pm_memory *cached_image(struct pm_target *t, size_t pages)
{
	struct pm_error err;
	struct pm_memory *m = NULL;
	pm_image_fail_at(t, 1000000, NULL);
	ck_ok(pm_memory_create(t, pages, &m, &err), err);
	ck_assert_ptr_eq(pm_memory_target(m), t);
	return m;
}

START_TEST(memory_reads_around_holes)
{
	pm_auto_target t = make_image();
	pm_auto_memory m = cached_image(t, 4);
	struct pm_error err;
	uint64_t v = 0;
	ck_ok(pm_memory_read_uint(m, 0x1ffe, 4, &v, &err), err);
	ck_assert_uint_eq(v, 0x01000000);
	ck_ok(pm_memory_read_uint(m, 0x2010, 8, &v, &err), err);
	ck_assert_uint_eq(v, 0x1716151413121110);
	/* Behind a hole of the same page. */
	ck_ok(pm_memory_read_uint(m, 0x2210, 2, &v, &err), err);
	ck_assert_uint_eq(v, 0x1110);
	v = 77;
	ck_assert_int_eq(
		pm_memory_read_uint(m, 0x2000 + 298, 4, &v, &err), PM_FAULT);
	ck_assert_uint_eq(err.addr, 0x2000 + 300);
	ck_assert_uint_eq(v, 77);
	ck_assert_int_eq(pm_memory_read_uint(m, 0x2000, 3, &v, &err), PM_USAGE);
	ck_assert_int_eq(
		pm_memory_read(m, UINT64_MAX - 3, &v, 8, &err), PM_FAULT);
	uint8_t big[0x1000 + 300];
	ck_ok(pm_memory_read(m, 0x1000, big, sizeof big, &err), err);
	ck_assert_uint_eq(big[0x1000 + 44], 44);
}
END_TEST

START_TEST(memory_caches_and_replaces)
{
	struct pm_error err;
	struct pm_target *t = NULL;
	ck_ok(pm_image_create(&t, &err), err);
	pm_auto_target guard = t;
	const size_t pages = 64;
	ck_ok(pm_image_add(t, 0, NULL, pages * PAGE, PM_MAP_READ, NULL, &err),
		err);
	uint8_t *bytes = pm_image_at(t, 0, pages * PAGE);
	for (size_t i = 0; i < pages * PAGE; i++)
		bytes[i] = (uint8_t)(i / PAGE * 3 + i);
	pm_auto_memory m = cached_image(t, 8);
	uint64_t v;
	long before = pm_image_reads(t);
	for (size_t i = 0; i < 5 * 8; i++)
		ck_ok(pm_memory_read_uint(m, i % 8 * PAGE, 1, &v, &err), err);
	ck_assert_int_eq(pm_image_reads(t) - before, 8);
	/* One page touched between all others stays. */
	before = pm_image_reads(t);
	for (size_t i = 1; i < pages; i++) {
		ck_ok(pm_memory_read_uint(m, i * PAGE, 1, &v, &err), err);
		ck_ok(pm_memory_read_uint(m, 8, 1, &v, &err), err);
	}
	ck_assert_int_le(pm_image_reads(t) - before, (long)pages + 2);
	unsigned seed = 1;
	for (size_t i = 0; i < 20000; i++) {
		seed = seed * 1103515245 + 12345;
		size_t at = seed / 64 % (pages * PAGE - 8);
		uint64_t want;
		memcpy(&want, bytes + at, 8);
		ck_ok(pm_memory_read_uint(m, at, 8, &v, &err), err);
		ck_assert_uint_eq(v, want);
	}
}
END_TEST

START_TEST(memory_reads_strings)
{
	pm_auto_target t = make_image();
	memset(pm_image_at(t, 0x1000, 0x1000), 'a', 0x1000);
	strcpy(pm_image_at(t, 0x2000, 8), "bcd");
	pm_auto_memory m = cached_image(t, 4);
	struct pm_error err;
	char buf[32];
	ck_ok(pm_memory_read_cstring(m, 0x1ffe, buf, sizeof buf, &err), err);
	ck_assert_str_eq(buf, "aabcd");
	ck_ok(pm_memory_read_cstring(m, 0x1ffe, buf, 6, &err), err);
	ck_assert_int_eq(
		pm_memory_read_cstring(m, 0x1ffe, buf, 5, &err), PM_LIMIT);
	ck_assert_str_eq(buf, "aabc");
	ck_assert_int_eq(pm_memory_read_cstring(m, 0x2000 + 297, buf, 32, &err),
		PM_FAULT);
	ck_assert_uint_eq(err.addr, 0x2000 + 300);
	ck_assert_str_eq(buf, "\x29\x2a\x2b");
	ck_ok(pm_memory_read_cstring(m, 0x2200, buf, sizeof buf, &err), err);
	ck_assert_str_eq(buf, "");
	ck_assert_int_eq(
		pm_memory_read_cstring(m, 0x9000, buf, 32, &err), PM_FAULT);
}
END_TEST

UNIT_MAIN("target", reads_the_longest_prefix, gathers_around_failing_pieces,
	describes_a_process, refuses_what_is_no_process,
	reads_by_proc_mem_when_refused, reads_by_proc_mem_when_unknown,
	pages_stay_shared, knows_another_mount_namespace, parses_mappings,
	offers_the_debuggers_files, image_reads_across_ranges,
	image_fails_when_told, supplies_what_is_not_there,
	memory_reads_around_holes, memory_caches_and_replaces,
	memory_reads_strings)
