/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/progress.h"
#include "base/cleanup.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* Whether GDB was started with -i=mi, --interpreter mi, ... */
static bool is_machine_interface(void)
{
	pm_auto_fd int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	char args[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, args, sizeof args - 1);
	if (n <= 0)
		return false;
	args[n] = '\0';
	for (char *a = args; a < args + n; a += strlen(a) + 1) {
		char *o = a + strspn(a, "-");
		if (o == a || (*o != 'i' || !strncmp(o, "ix", 2) ||
				      !strncmp(o, "iex", 3)))
			continue;
		char *value = strchr(o, '=');
		value = value ? value + 1 : a + strlen(a) + 1;
		if (value < args + n && !strncmp(value, "mi", 2))
			return true;
	}
	return false;
}

void progress_init(struct progress *p)
{
	bool user = !is_machine_interface();
	const char *kind = getenv("TERM");
	*p = (struct progress){.terminal = user && isatty(STDERR_FILENO),
		.styled = user && isatty(STDOUT_FILENO) && kind &&
			  strcmp(kind, "dumb") != 0};
}

/* With GDB's TUI on, curses owns the screen. */
static bool is_tui(void)
{
	void **screen = (void **)dlsym(RTLD_DEFAULT, "stdscr");
	int (*ended)(void) = NULL;
	void *symbol = dlsym(RTLD_DEFAULT, "isendwin");
	memcpy(&ended, &symbol, sizeof ended);
	return screen && *screen && ended && !ended();
}

void progress_begin(struct progress *p)
{
	p->shown = false;
	p->begin = p->last = now();
}

void progress_show(struct progress *p, const char *command, const char *what)
{
	int64_t t = now();
	if (!p->terminal || t - p->begin < SECOND || t - p->last < SECOND / 5 ||
		is_tui())
		return;
	p->last = t;
	p->shown = true;
	/* After Ctrl-C, GDB's "Quit" follows on this line. */
	fprintf(stderr, "\r\033[K%s: %s  ", command, *what ? what : "working");
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (!p->shown)
		return;
	p->shown = false;
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
