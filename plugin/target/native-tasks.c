/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads of a process of this machine.  Where we run inside its tracer,
   and on the thread that traces it, the kernel gives us registers; otherwise
   it may still say where a stack ends. */
#include "target/tasks.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_TASKS 100000

/* What a set of registers of so many bytes belongs to, on this machine. */
static const struct pm_register_set *set_of(size_t len)
{
	static const uint16_t machines[] = {
#if defined __x86_64__ || defined __i386__
		EM_386,
		EM_X86_64
#elif defined __aarch64__ || defined __arm__
		EM_ARM,
		EM_AARCH64
#elif defined __s390x__
		EM_S390
#endif
	};
	const struct pm_register_set *found = NULL;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
		const struct pm_register_set *s = pm_register_set(machines[i]);
		if (s && len >= (size_t)s->count * s->word_size)
			found = s;
	}
	return found;
}

static bool read_registers(
	const struct pm_target *t, pid_t tid, struct pm_task *ret)
{
	unsigned char bytes[1024];
	struct iovec iov = {bytes, sizeof bytes};
	if (ptrace(PTRACE_GETREGSET, tid, (void *)(uintptr_t)NT_PRSTATUS,
		    &iov) < 0)
		return false;
	const struct pm_register_set *set = set_of(iov.iov_len);
	return set && pm_task_take_registers(
			      set, t->big_endian, bytes, iov.iov_len, ret);
}

/* "running", or numbers of which the last two are sp and pc (proc(5)). */
static void read_stack_pointer(
	const struct pm_target *t, pid_t tid, struct pm_task *ret)
{
	char path[80], text[256];
	snprintf(path, sizeof path, "/proc/%d/task/%d/syscall", t->pid, tid);
	pm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	char *pc = strrchr(text, ' ');
	if (!pc)
		return;
	*pc = '\0';
	char *sp = strrchr(text, ' ');
	if (sp)
		ret->sp = strtoull(sp + 1, NULL, 16);
}

static void close_folder(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int by_id(const void *a, const void *b)
{
	const struct pm_task *x = a, *y = b;
	return x->id < y->id ? -1 : x->id > y->id;
}

enum pm_status native_find_tasks(struct pm_target *t, struct pm_error *err)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task", t->pid);
	PM_CLEANUP(close_folder) DIR *d = opendir(path);
	t->tasks.len = 0;
	while (d && t->tasks.len < MAX_TASKS) {
		const struct dirent *e = readdir(d);
		if (!e)
			break;
		long tid = strtol(e->d_name, NULL, 10);
		if (tid <= 0 || tid > INT32_MAX)
			continue;
		struct pm_task task = {.id = (uint64_t)tid};
		if (!read_registers(t, (pid_t)tid, &task))
			read_stack_pointer(t, (pid_t)tid, &task);
		if (!pm_vec_push(&t->tasks, task))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	if (t->tasks.len)
		qsort(t->tasks.data, t->tasks.len, sizeof *t->tasks.data,
			by_id);
	return PM_OK;
}
