/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/graphviz.h"
#include "heap/team.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SECONDS_AT_MOST 30
/* When it has ended its output, and not itself yet. */
#define LINGER_MS 5
#define PICTURE_MAX (64 << 20)

struct pm_graphviz {
	pid_t pid;  /* 0: none, or waited for */
	int out;    /* a file in memory that it writes */
	int errors; /* a pipe that ends when it does */
	bool ended;
	double deadline;
	struct pm_strbuf said; /* its errors */
};

void pm_graphviz_destroy(struct pm_graphviz *g)
{
	if (!g)
		return;
	if (g->pid > 0 && kill(g->pid, SIGKILL) == 0)
		while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (g->out >= 0)
		close(g->out);
	if (g->errors >= 0)
		close(g->errors);
	pm_strbuf_deinit(&g->said);
	free(g);
}

static void cleanup_graphviz(struct pm_graphviz **g)
{
	pm_graphviz_destroy(*g);
}

enum pm_status pm_graphviz_check(struct pm_error *err)
{
	const char *path = getenv("PATH");
	for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
		size_t n = strcspn(p, ":");
		pm_auto_free char *name = NULL;
		if (asprintf(&name, "%.*s/dot", (int)n, p) < 0) {
			name = NULL;
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		}
		if (access(name, X_OK) == 0)
			return PM_OK;
		p += n + (p[n] == ':');
	}
	return pm_fail(err, PM_ABSENT, 0,
		"-svg needs the program dot of graphviz, which is not on PATH: "
		"install the package graphviz, or take -dot FILE and draw it "
		"elsewhere, dot -Tsvg FILE");
}

static enum pm_status fail_errno(
	struct pm_error *err, int number, const char *what)
{
	return pm_fail(
		err, PM_SYSTEM, 0, "cannot %s: %s", what, strerror(number));
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
	return lseek(fd, 0, SEEK_SET) == 0;
}

/* With no signal blocked or ignored, whatever the debugger does. */
static int start(struct pm_graphviz *g, int in, int errors)
{
	char name[] = "dot", format[] = "-Tsvg";
	char *const arguments[] = {name, format, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	int n = posix_spawn_file_actions_init(&files);
	if (n)
		return n;
	n = posix_spawnattr_init(&how);
	if (n) {
		posix_spawn_file_actions_destroy(&files);
		return n;
	}
	posix_spawnattr_setflags(
		&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setsigdefault(&how, &all);
	n = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	if (!n)
		n = posix_spawn_file_actions_adddup2(
			&files, g->out, STDOUT_FILENO);
	if (!n)
		n = posix_spawn_file_actions_adddup2(
			&files, errors, STDERR_FILENO);
	if (!n)
		n = posix_spawnp(
			&g->pid, name, &files, &how, arguments, environ);
	if (n)
		g->pid = 0;
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return n;
}

enum pm_status pm_graphviz_create(const char *dot, size_t len,
	struct pm_graphviz **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_graphviz)
	struct pm_graphviz *g = calloc(1, sizeof *g);
	if (!g)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	g->out = g->errors = -1;
	pm_auto_fd int in = memfd_create("pymortem-dot", MFD_CLOEXEC);
	g->out = memfd_create("pymortem-svg", MFD_CLOEXEC);
	if (in < 0 || g->out < 0 || !write_all(in, dot, len))
		return fail_errno(err, errno, "make a file in memory");
	int ends[2];
	if (pipe2(ends, O_CLOEXEC))
		return fail_errno(err, errno, "make a pipe");
	g->errors = ends[0];
	pm_auto_fd int errors = ends[1];
	int n = start(g, in, errors);
	if (n)
		return fail_errno(err, n, "run dot");
	g->deadline = pm_now() + SECONDS_AT_MOST;
	*ret = pm_take(g);
	return PM_OK;
}

/* What it says; until it closes its end. */
static void listen_to(struct pm_graphviz *g, double seconds)
{
	struct pollfd p = {.fd = g->errors, .events = POLLIN};
	char text[512];
	if (poll(&p, 1, seconds > 0 ? (int)(seconds * 1000) : 0) <= 0)
		return;
	ssize_t n = read(g->errors, text, sizeof text);
	if (n > 0 && g->said.len < sizeof text)
		pm_strbuf_escaped(&g->said, text, (size_t)n);
	g->ended = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static enum pm_status take_picture(const struct pm_graphviz *g,
	struct pm_strbuf *out, struct pm_error *err)
{
	char buffer[1 << 16];
	ssize_t n;
	off_t at = 0;
	while ((n = pread(g->out, buffer, sizeof buffer, at)) > 0 &&
		at < PICTURE_MAX) {
		pm_strbuf_append(out, buffer, (size_t)n);
		at += n;
	}
	const char *last = "</svg>\n";
	size_t len = strlen(last);
	if (out->failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (out->len < len || strcmp(out->data + out->len - len, last))
		return pm_fail(err, PM_SYSTEM, 0, "dot made no picture%s%.300s",
			g->said.len ? ": " : "", pm_strbuf_text(&g->said));
	return PM_OK;
}

enum pm_status pm_graphviz_step(struct pm_graphviz *g, double seconds,
	bool *ret_done, struct pm_strbuf *ret_svg, struct pm_error *err)
{
	int status = 0;
	*ret_done = false;
	if (!g->ended)
		listen_to(g, seconds);
	else
		(void)poll(NULL, 0, LINGER_MS);
	if (pm_now() > g->deadline)
		return pm_fail(err, PM_LIMIT, 0,
			"dot was ended after %d seconds without a picture "
			"(-dot FILE writes what it draws)",
			SECONDS_AT_MOST);
	if (!g->ended)
		return PM_OK;
	pid_t n = waitpid(g->pid, &status, WNOHANG);
	if (n == 0 || (n < 0 && errno == EINTR))
		return PM_OK;
	/* Whoever waited for it, the picture tells whether it is whole. */
	g->pid = 0;
	PM_TRY(take_picture(g, ret_svg, err));
	*ret_done = true;
	return PM_OK;
}
