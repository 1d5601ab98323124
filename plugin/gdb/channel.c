/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* A request is a command line and some answers. */
#define REQUEST_MAX (64 << 20)

static enum pm_status place(
	int from, enum pm_channel want, struct pm_error *err)
{
	int fd = fcntl(from, F_DUPFD_CLOEXEC, (int)want);
	if (fd < 0)
		return pm_fail(err, PM_SYSTEM, 0,
			"file descriptor %d cannot be used: %s", (int)want,
			strerror(errno));
	if (fd == (int)want)
		return PM_OK;
	close(fd);
	return pm_fail(err, PM_SYSTEM, 0,
		"file descriptor %d of this GDB is already in use (is the "
		"module loaded twice?)",
		(int)want);
}

static enum pm_status raise_limit(struct pm_error *err)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l))
		return PM_OK;
	if (l.rlim_cur > PM_CHANNEL_FOLDER)
		return PM_OK;
	if (l.rlim_max <= PM_CHANNEL_FOLDER)
		return pm_fail(err, PM_SYSTEM, 0,
			"the limit of open files is %llu, %d are needed "
			"(ulimit -Hn)",
			(unsigned long long)l.rlim_max, PM_CHANNEL_FOLDER + 1);
	l.rlim_cur = l.rlim_max < 1024 ? l.rlim_max : 1024;
	if (setrlimit(RLIMIT_NOFILE, &l))
		return pm_fail(err, PM_SYSTEM, 0,
			"the limit of open files cannot be raised: %s",
			strerror(errno));
	return PM_OK;
}

static enum pm_status open_one(enum pm_channel c, struct pm_error *err)
{
	pm_auto_fd int fd = c == PM_CHANNEL_FOLDER
				    ? open("/proc/self/fd",
					      O_PATH | O_DIRECTORY | O_CLOEXEC)
				    : memfd_create("pymortem", MFD_CLOEXEC);
	if (fd < 0)
		return pm_fail(err, PM_SYSTEM, 0,
			"cannot make a memory file for GDB: %s",
			strerror(errno));
	return place(fd, c, err);
}

enum pm_status pm_channel_open(struct pm_error *err)
{
	PM_TRY(raise_limit(err));
	for (int c = PM_CHANNEL_REQUEST; c <= PM_CHANNEL_FOLDER; c++) {
		enum pm_status s = open_one((enum pm_channel)c, err);
		if (s == PM_OK)
			continue;
		while (c-- > PM_CHANNEL_REQUEST)
			close(c);
		return s;
	}
	return PM_OK;
}

enum pm_status pm_channel_take(
	enum pm_channel c, struct pm_strbuf *ret, struct pm_error *err)
{
	pm_strbuf_reset(ret);
	for (;;) {
		char part[4096];
		ssize_t n = pread((int)c, part, sizeof part, (off_t)ret->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return pm_fail(err, PM_SYSTEM, 0,
				"cannot read what GDB wrote: %s",
				strerror(errno));
		if (!n)
			break;
		pm_strbuf_append(ret, part, (size_t)n);
		if (ret->failed || ret->len > REQUEST_MAX)
			return pm_fail(err, PM_NOMEM, 0,
				"out of memory for the answers of GDB");
	}
	return pm_channel_put(c, "", 0, err);
}

bool pm_channel_is_empty(enum pm_channel c)
{
	struct stat st;
	return fstat((int)c, &st) == 0 && st.st_size == 0;
}

enum pm_status pm_channel_put(
	enum pm_channel c, const char *text, size_t len, struct pm_error *err)
{
	off_t at = 0;
	bool failed = ftruncate((int)c, 0) != 0;
	while (!failed && len) {
		ssize_t n = pwrite((int)c, text, len, at);
		if (n < 0 && errno == EINTR)
			continue;
		failed = n <= 0;
		if (failed)
			break;
		text += n;
		len -= (size_t)n;
		at += n;
	}
	if (failed)
		return pm_fail(err, PM_SYSTEM, 0, "cannot answer GDB: %s",
			strerror(errno));
	return PM_OK;
}
