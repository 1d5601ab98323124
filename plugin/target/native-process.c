/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process of this machine.  Everything but the system calls is read-only
   after open, so any thread may read. */
#include "base/strbuf.h"
#include "target/native.h"
#include "target/tasks.h"
#include "base/load.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#define PAGE ((size_t)4096)
#define BATCH ((size_t)1024) /* IOV_MAX */
/* The kernel moves at most 2 GiB per call. */
#define MAX_CALL ((size_t)1 << 30)
#define MAX_PROC_TEXT ((size_t)256 << 20)

struct process {
	struct pm_target t;
	int mem_fd; /* -1: process_vm_readv works */
};

/* How much of [addr, addr + len) lies in mappings that may be read; holes,
   devices and [vvar] end it. */
static size_t readable_span(const struct pm_target *t, pm_addr addr, size_t len)
{
	const struct pm_mapping *m = pm_target_find_map(t, addr);
	const struct pm_mapping *end = t->maps.data + t->maps.len;
	pm_addr pos = addr;
	for (; m && m < end && m->start <= pos; m++) {
		if (!(m->flags & PM_MAP_READ))
			break;
		if ((m->flags & PM_MAP_SPECIAL) &&
			!(m->path && !strcmp(m->path, "[vdso]")))
			break;
		if (m->end - addr >= len)
			return len;
		pos = m->end;
	}
	return (size_t)(pos - addr);
}

/* One system call; 0 when the first byte cannot be read. */
static size_t read_once(
	const struct process *p, pm_addr addr, void *buf, size_t len)
{
	if (len > MAX_CALL)
		len = MAX_CALL;
	for (;;) {
		ssize_t n;
		if (p->mem_fd >= 0) {
			n = pread(p->mem_fd, buf, len, (off_t)addr);
		} else {
			struct iovec local = {buf, len};
			struct iovec remote = {(void *)(uintptr_t)addr, len};
			n = process_vm_readv(
				p->t.pid, &local, 1, &remote, 1, 0);
		}
		if (n >= 0)
			return (size_t)n;
		if (errno != EINTR)
			return 0;
	}
}

static size_t process_read(
	struct pm_target *t, pm_addr addr, void *buf, size_t len)
{
	struct process *p = (struct process *)t;
	size_t done = 0, step = len = readable_span(t, addr, len);
	while (done < len) {
		if (step > len - done)
			step = len - done;
		size_t n = read_once(p, addr + done, (char *)buf + done, step);
		done += n;
		if (n == step) {
			step *= 2;
			continue;
		}
		/* A kernel may refuse a whole element for its last page: go on
		   page by page, growing again when that works. */
		size_t to_page_end =
			PAGE - (size_t)((addr + done) & (PAGE - 1));
		if (!n && step <= to_page_end)
			break;
		step = to_page_end;
	}
	return done;
}

/* Reads pieces [0, n), 0 < n <= BATCH, none empty, each within readable maps.
   Returns how many are done: at least one. */
static size_t gather_some(struct process *p, struct pm_piece **pieces, size_t n)
{
	struct iovec local[BATCH], remote[BATCH];
	size_t i = 0;
	do {
		local[i] = (struct iovec){pieces[i]->buf, pieces[i]->len};
		remote[i] = (struct iovec){
			(void *)(uintptr_t)pieces[i]->addr, pieces[i]->len};
	} while (++i < n);
	ssize_t got = process_vm_readv(p->t.pid, local, n, remote, n, 0);
	size_t left = got < 0 ? 0 : (size_t)got;
	for (i = 0; i < n && left >= pieces[i]->len; i++) {
		pieces[i]->got = pieces[i]->len;
		left -= pieces[i]->len;
	}
	if (i == n)
		return n;
	/* Piece i stopped the transfer; it gets its own prefix, and the ones
	   behind it another call. */
	pieces[i]->got = process_read(
		&p->t, pieces[i]->addr, pieces[i]->buf, pieces[i]->len);
	return i + 1;
}

static void gather_batch(struct process *p, struct pm_piece **pieces, size_t n)
{
	while (n) {
		size_t done = gather_some(p, pieces, n);
		pieces += done;
		n -= done;
	}
}

static void process_gather(struct pm_target *t, struct pm_piece *p, size_t n)
{
	struct process *proc = (struct process *)t;
	struct pm_piece *batch[BATCH];
	size_t fill = 0, bytes = 0;
	for (size_t i = 0; i < n; i++) {
		p[i].got = 0;
		if (!p[i].len)
			continue;
		/* What maps already show to be unreadable, or in part so, does
		   not break up the batch. */
		if (proc->mem_fd >= 0 || p[i].len >= MAX_CALL / BATCH ||
			readable_span(t, p[i].addr, p[i].len) < p[i].len) {
			p[i].got = pm_target_read_some(
				t, p[i].addr, p[i].buf, p[i].len);
			continue;
		}
		batch[fill++] = &p[i];
		bytes += p[i].len;
		if (fill == BATCH || bytes >= MAX_CALL) {
			gather_batch(proc, batch, fill);
			fill = bytes = 0;
		}
	}
	gather_batch(proc, batch, fill);
}

static void process_destroy(struct pm_target *t)
{
	struct process *p = (struct process *)t;
	pm_cleanup_fd(&p->mem_fd);
	free(p);
}

static const struct pm_target_ops process_ops = {
	.read = process_read,
	.gather = process_gather,
	.find_tasks = native_find_tasks,
	.destroy = process_destroy,
};

enum pm_status pm_native_read_text(
	const char *path, struct pm_strbuf *ret, struct pm_error *err)
{
	pm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return pm_fail(err, PM_SYSTEM, 0, "cannot open %s: %s", path,
			strerror(errno));
	pm_auto_free char *chunk = malloc(65536);
	if (!chunk)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (;;) {
		ssize_t n = read(fd, chunk, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pm_fail(err, PM_SYSTEM, 0, "cannot read %s: %s",
				path, strerror(errno));
		if (!n)
			break;
		pm_strbuf_append(ret, chunk, (size_t)n);
		if (ret->failed || ret->len > MAX_PROC_TEXT)
			return pm_fail(
				err, PM_NOMEM, 0, "%s is too long", path);
	}
	if (!ret->len)
		return pm_fail(err, PM_SYSTEM, 0,
			"%s is empty: the process has no memory (a zombie or a "
			"kernel thread)",
			path);
	return PM_OK;
}

/* Another mount namespace or root directory: its files are found through
   /proc. */
static enum pm_status find_sysroot(struct pm_target *t, struct pm_error *err)
{
	char path[64];
	struct stat theirs, ours;
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", t->pid);
	bool same = !stat(path, &theirs) && !stat("/proc/self/ns/mnt", &ours) &&
		    theirs.st_ino == ours.st_ino &&
		    theirs.st_dev == ours.st_dev;
	snprintf(path, sizeof path, "/proc/%d/root", t->pid);
	if (stat(path, &theirs) || stat("/proc/self/root", &ours))
		return PM_OK; /* not ours to look into */
	if (same && theirs.st_ino == ours.st_ino &&
		theirs.st_dev == ours.st_dev)
		return PM_OK;
	t->sysroot = strdup(path);
	if (!t->sysroot)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

/* process_vm_readv pins the pages that it copies, and Linux (5.19 and later)
   gives a forked process a copy of its own of each shared page that is pinned:
   a worker's heap would be in memory twice after a look at it.  What is read
   of /proc/PID/mem stays shared. */
#define SHARED_WORTH_IT ((uint64_t)1 << 20)

static bool shares_pages(int pid)
{
	char path[64];
	pm_auto_strbuf text = {0};
	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	if (pm_native_read_text(path, &text, NULL) != PM_OK)
		return false;
	const char *line = strstr(pm_strbuf_text(&text), "\nShared_Dirty:");
	return line && strtoull(line + 14, NULL, 10) << 10 > SHARED_WORTH_IT;
}

/* Reads through that file from now on; false: it can't be opened. */
static bool open_mem(struct process *p)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", p->t.pid);
	p->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p->mem_fd >= 0)
		p->t.reader = "/proc/PID/mem";
	return p->mem_fd >= 0;
}

/* Tries one word of the stack or, failing that, of any mapping. */
static enum pm_status choose_reader(struct process *p, struct pm_error *err)
{
	int why = EFAULT;
	char word[8];
	pm_vec_each (m, &p->t.maps) {
		if (!readable_span(&p->t, m->start, sizeof word))
			continue;
		struct iovec local = {word, sizeof word};
		struct iovec remote = {
			(void *)(uintptr_t)m->start, sizeof word};
		why = process_vm_readv(p->t.pid, &local, 1, &remote, 1, 0) > 0
			      ? 0
			      : errno;
		if (!why && shares_pages(p->t.pid))
			open_mem(p); /* if not: copies it is */
		if (!why)
			return PM_OK;
		if (why == EPERM || why == ENOSYS || why == ESRCH)
			break;
	}
	if (why != EPERM && why != ENOSYS)
		return pm_fail(err, PM_SYSTEM, 0,
			"cannot read the memory of process %d: %s", p->t.pid,
			strerror(why));
	if (!open_mem(p))
		return pm_fail(err, PM_SYSTEM, 0,
			"may not read the memory of process %d "
			"(process_vm_readv: %s, /proc/%d/mem: %s)",
			p->t.pid, strerror(why), p->t.pid, strerror(errno));
	return PM_OK;
}

/* Its word size is not known yet: the vector of a 32-bit program, read as 64
   bits, has no such tag but by chance, and is tried second. */
static void find_random(struct pm_target *t)
{
	char name[64];
	unsigned char bytes[1024];
	snprintf(name, sizeof name, "/proc/%d/auxv", t->pid);
	pm_auto_fd int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	for (unsigned ws = 8; ws >= 4 && !t->random; ws -= 4)
		for (ssize_t i = 0; i + 2 * ws <= n; i += 2 * ws) {
			pm_addr at =
				pm_load(bytes + i + ws, ws, PM_HOST_BIG_ENDIAN);
			if (pm_load(bytes + i, ws, PM_HOST_BIG_ENDIAN) ==
					AT_RANDOM &&
				pm_target_find_map(t, at))
				t->random = at;
		}
}

enum pm_status pm_native_open_process(
	int pid, struct pm_target **ret, struct pm_error *err)
{
	if (pid <= 0)
		return pm_fail(err, PM_USAGE, 0, "%d is not a process", pid);
	pm_auto_strbuf text = {0};
	char name[64];
	snprintf(name, sizeof name, "/proc/%d/maps", pid);
	PM_TRY(pm_native_read_text(name, &text, err));
	struct process *p = calloc(1, sizeof *p);
	if (!p)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_CLEANUP(pm_cleanup_target) struct pm_target *t = &p->t;
	p->mem_fd = -1;
	t->ops = &process_ops;
	t->kind = PM_TARGET_LIVE;
	t->reader = "process_vm_readv";
	t->parallel = true;
	t->pid = pid;
	snprintf(name, sizeof name, "process %d", pid);
	t->name = strdup(name);
	if (!t->name)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_native_parse_maps(t, pm_strbuf_text(&text), err));
	PM_TRY(find_sysroot(t, err));
	PM_TRY(choose_reader(p, err));
	find_random(t);
	*ret = pm_take(t);
	return PM_OK;
}
