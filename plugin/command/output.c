/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static enum pm_status fail_errno(
	struct pm_error *err, const char *path, const char *what)
{
	return pm_fail(err, PM_SYSTEM, 0, "cannot %s %.300s: %s", what, path,
		strerror(errno));
}

static char *expand_home(const char *path)
{
	const char *home = getenv("HOME");
	char *ret = NULL;
	if (path[0] == '~' && path[1] == '/' && home) {
		if (asprintf(&ret, "%s%s", home, path + 1) < 0)
			ret = NULL;
	} else {
		ret = strdup(path);
	}
	return ret;
}

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		len -= (size_t)n;
	}
	return true;
}

/* A pipe or a terminal cannot be replaced, only written to. */
static enum pm_status write_special(
	const char *path, const char *text, size_t len, struct pm_error *err)
{
	pm_auto_fd int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail_errno(err, path, "open");
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return fail_errno(err, path, "open");
	if (!write_all(fd, text, len))
		return fail_errno(err, path, "write");
	return PM_OK;
}

enum pm_status pm_output_write(
	const char *given, const char *text, size_t len, struct pm_error *err)
{
	pm_auto_free char *path = expand_home(given);
	if (!path)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	struct stat st;
	bool exists = stat(path, &st) == 0;
	if (exists && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return fail_errno(err, path, "write");
	}
	if (exists && !S_ISREG(st.st_mode))
		return write_special(path, text, len, err);
	/* Through a link: replace what it points to, not the link. */
	pm_auto_free char *real = exists ? realpath(path, NULL) : NULL;
	const char *target = real ? real : path;
	pm_auto_free char *temp = NULL;
	if (asprintf(&temp, "%s.XXXXXX", target) < 0) {
		temp = NULL;
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	pm_auto_fd int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, path, "write");
	mode_t mode = exists ? st.st_mode & 07777 : 0;
	if (!exists) {
		mode_t mask = umask(0);
		umask(mask);
		mode = 0666 & ~mask;
	}
	if (!write_all(fd, text, len) || fchmod(fd, mode) ||
		rename(temp, target)) {
		enum pm_status s = fail_errno(err, path, "write");
		unlink(temp);
		return s;
	}
	return PM_OK;
}
