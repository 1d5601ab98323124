/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/new-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct pm_new_file {
	int fd;
	char *given; /* as the user knows it */
	char *path;  /* what is replaced; NULL: written to as it is */
	char *temp;  /* the name it has meanwhile; NULL: none */
	mode_t mode;
	off_t read; /* bytes of one without a name */
};

static enum pm_status fail_errno(
	struct pm_error *err, const char *path, const char *what)
{
	return pm_fail(err, PM_SYSTEM, 0, "cannot %s %.300s: %s", what, path,
		strerror(errno));
}

static enum pm_status no_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

char *pm_expand_home(const char *path)
{
	const char *home = getenv("HOME");
	char *ret = NULL;
	if (path[0] != '~' || path[1] != '/' || !home)
		return strdup(path);
	if (asprintf(&ret, "%s%s", home, path + 1) < 0)
		return NULL;
	return ret;
}

void pm_new_file_destroy(struct pm_new_file *f)
{
	if (!f)
		return;
	if (f->temp)
		unlink(f->temp);
	if (f->fd >= 0)
		close(f->fd);
	free(f->given);
	free(f->path);
	free(f->temp);
	free(f);
}

int pm_new_file_take(struct pm_new_file *f)
{
	int fd = f->fd;
	f->fd = -1;
	return fd;
}

/* A pipe or a terminal cannot be replaced, only written to. */
static enum pm_status open_special(struct pm_new_file *f, struct pm_error *err)
{
	f->fd = open(f->path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0)
		return fail_errno(err, f->path, "open");
	int flags = fcntl(f->fd, F_GETFL);
	if (flags < 0 || fcntl(f->fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return fail_errno(err, f->path, "open");
	free(f->path);
	f->path = NULL;
	return PM_OK;
}

/* One without a name vanishes by itself, even with the debugger. */
static enum pm_status open_beside(struct pm_new_file *f, struct pm_error *err)
{
	const char *slash = strrchr(f->path, '/');
	pm_auto_free char *folder =
		slash ? strndup(f->path, (size_t)(slash - f->path) + 1)
		      : strdup(".");
	if (!folder)
		return no_memory(err);
	f->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (f->fd >= 0)
		return PM_OK;
	pm_auto_free char *temp = NULL;
	if (asprintf(&temp, "%s.XXXXXX", f->path) < 0) {
		temp = NULL;
		return no_memory(err);
	}
	f->fd = mkostemp(temp, O_CLOEXEC);
	if (f->fd < 0)
		return fail_errno(err, f->given, "write");
	f->temp = pm_take(temp);
	return PM_OK;
}

static enum pm_status open_file(struct pm_new_file *f, struct pm_error *err)
{
	struct stat st;
	bool exists = stat(f->path, &st) == 0;
	if (exists && S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return fail_errno(err, f->given, "write");
	}
	if (exists && !S_ISREG(st.st_mode))
		return open_special(f, err);
	char *real = exists ? realpath(f->path, NULL) : NULL;
	if (real) {
		free(f->path);
		f->path = real;
	}
	mode_t mask = umask(0);
	umask(mask);
	f->mode = exists ? st.st_mode & 07777 : 0666 & ~mask;
	return open_beside(f, err);
}

enum pm_status pm_new_file_create(
	const char *path, struct pm_new_file **ret, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_new_file)
	struct pm_new_file *f = calloc(1, sizeof *f);
	if (!f)
		return no_memory(err);
	f->fd = -1;
	f->given = strdup(path);
	f->path = pm_expand_home(path);
	if (!f->given || !f->path)
		return no_memory(err);
	PM_TRY(open_file(f, err));
	*ret = pm_take(f);
	return PM_OK;
}

enum pm_status pm_new_file_create_memory(
	struct pm_new_file **ret, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_new_file)
	struct pm_new_file *f = calloc(1, sizeof *f);
	if (!f)
		return no_memory(err);
	f->given = strdup("memory");
	f->fd = memfd_create("pymortem", MFD_CLOEXEC);
	if (!f->given)
		return no_memory(err);
	if (f->fd < 0)
		return fail_errno(err, f->given, "create a file in");
	*ret = pm_take(f);
	return PM_OK;
}

enum pm_status pm_new_file_create_scratch(const struct pm_new_file *beside,
	struct pm_new_file **ret, struct pm_error *err)
{
	if (!beside->path)
		return pm_new_file_create_memory(ret, err);
	PM_CLEANUP(pm_cleanup_new_file)
	struct pm_new_file *f = calloc(1, sizeof *f);
	if (!f)
		return no_memory(err);
	f->fd = -1;
	f->given = strdup(beside->given);
	f->path = strdup(beside->path);
	if (!f->given || !f->path)
		return no_memory(err);
	PM_TRY(open_beside(f, err));
	free(f->path);
	f->path = NULL;
	if (f->temp && unlink(f->temp))
		return fail_errno(err, f->given, "write beside");
	free(pm_take(f->temp));
	*ret = pm_take(f);
	return PM_OK;
}

enum pm_status pm_new_file_read(struct pm_new_file *f, void *buf, size_t n,
	size_t *ret_n, struct pm_error *err)
{
	ssize_t done;
	do
		done = pread(f->fd, buf, n, f->read);
	while (done < 0 && errno == EINTR);
	if (done < 0)
		return fail_errno(
			err, f->given, "read back what is written to");
	f->read += done;
	*ret_n = (size_t)done;
	return PM_OK;
}

enum pm_status pm_new_file_write(struct pm_new_file *f, const void *bytes,
	size_t n, struct pm_error *err)
{
	for (const char *p = bytes; n;) {
		ssize_t done = write(f->fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return fail_errno(err, f->given, "write");
		p += done;
		n -= (size_t)done;
	}
	return PM_OK;
}

/* A name is given only where there is none: first another one. */
static enum pm_status name_it(struct pm_new_file *f, struct pm_error *err)
{
	char self[40];
	snprintf(self, sizeof self, "/proc/self/fd/%d", f->fd);
	for (unsigned i = 0; i < 1000 && !f->temp; i++) {
		pm_auto_free char *temp = NULL;
		if (asprintf(&temp, "%s.%ld-%u", f->path, (long)getpid(), i) <
			0) {
			temp = NULL;
			return no_memory(err);
		}
		if (linkat(AT_FDCWD, self, AT_FDCWD, temp, AT_SYMLINK_FOLLOW) ==
			0)
			f->temp = pm_take(temp);
		else if (errno != EEXIST)
			break;
	}
	return f->temp ? PM_OK : fail_errno(err, f->given, "write");
}

enum pm_status pm_new_file_commit(struct pm_new_file *f, struct pm_error *err)
{
	if (!f->path)
		return PM_OK;
	if (fchmod(f->fd, f->mode) || fsync(f->fd))
		return fail_errno(err, f->given, "write");
	PM_TRY(name_it(f, err));
	if (rename(f->temp, f->path))
		return fail_errno(err, f->given, "write");
	free(f->temp);
	f->temp = NULL;
	return PM_OK;
}
