/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/fingerprint.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The whole of a small file of /proc at dir, without its line break. */
static bool append_file(int dir, const char *name, struct pm_strbuf *b)
{
	pm_auto_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	char text[1024];
	ssize_t n = read(fd, text, sizeof text);
	if (n <= 0)
		return false;
	pm_strbuf_append(b, text, (size_t)n);
	return true;
}

/* "/proc/PID/stat" from the start time on does not change, except what the
   kernel does to a stopped process (swapping); its 22nd field is what tells
   two processes of the same id apart. */
static void append_start_time(int proc, struct pm_strbuf *b)
{
	pm_auto_strbuf stat = {0};
	if (!append_file(proc, "stat", &stat))
		return;
	/* The name, field 2, may hold anything: count from its last ')'. */
	const char *p = strrchr(pm_strbuf_text(&stat), ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		pm_strbuf_append(b, p, strcspn(p + 1, " ") + 1);
}

/* Run time in ns, waiting time, times scheduled; where the kernel does not
   keep those, the counters of its status file. */
static bool append_thread(int task, const char *tid, struct pm_strbuf *b)
{
	char name[64];
	pm_strbuf_printf(b, "\n%s ", tid);
	snprintf(name, sizeof name, "%.20s/schedstat", tid);
	if (append_file(task, name, b))
		return true;
	pm_auto_strbuf status = {0};
	snprintf(name, sizeof name, "%.20s/stat", tid);
	if (!append_file(task, name, &status))
		return false;
	const char *p = strrchr(pm_strbuf_text(&status), ')');
	pm_strbuf_puts(b, p ? p : "");
	return true;
}

static enum pm_status of_process(
	int pid, struct pm_strbuf *b, struct pm_error *err)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d", pid);
	pm_auto_fd int proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return pm_fail(err, PM_ABSENT, 0,
			"process %d is not on this machine", pid);
	append_start_time(proc, b);
	int task = openat(proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	PM_CLEANUP(cleanup_dir) DIR *dir = task < 0 ? NULL : fdopendir(task);
	if (!dir) {
		if (task >= 0)
			close(task);
		return pm_fail(err, PM_ABSENT, 0, "process %d has ended", pid);
	}
	struct dirent *d;
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.')
			append_thread(dirfd(dir), d->d_name, b);
	return PM_OK;
}

enum pm_status pm_fingerprint(
	const struct pm_host_facts *f, char **ret, struct pm_error *err)
{
	pm_auto_strbuf b = {0};
	pm_strbuf_printf(&b, "%d %llu %s\n%s\n", (int)f->kind,
		(unsigned long long)f->inferior, f->exe_path, f->sysroot);
	struct stat st;
	switch (f->kind) {
	case PM_TARGET_LIVE:
		pm_strbuf_printf(&b, "%d", f->pid);
		PM_TRY(of_process(f->pid, &b, err));
		break;
	case PM_TARGET_CORE:
		pm_strbuf_printf(&b, "%s\n%s", f->core_path, f->files);
		if (stat(f->core_path, &st))
			break;
		pm_strbuf_printf(&b, "\n%llu %llu %lld %lld.%09ld",
			(unsigned long long)st.st_dev,
			(unsigned long long)st.st_ino, (long long)st.st_size,
			(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
		break;
	case PM_TARGET_REMOTE: /* whether it ran, the facts tell */
		pm_strbuf_printf(&b, "%d", f->pid);
		break;
	case PM_TARGET_IMAGE:
	default:
		*ret = NULL;
		return PM_OK;
	}
	if (b.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = pm_take(b.data);
	return PM_OK;
}
