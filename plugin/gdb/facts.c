/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/facts.h"

#include <string.h>

/* The text between two marks, NULL when it is not there. */
static const char *between(const char *p, const char *end, const char *before,
	const char *after, size_t *ret_len)
{
	const char *start =
		memmem(p, (size_t)(end - p), before, strlen(before));
	if (!start)
		return NULL;
	start += strlen(before);
	const char *stop =
		memmem(start, (size_t)(end - start), after, strlen(after));
	if (!stop)
		return NULL;
	*ret_len = (size_t)(stop - start);
	return start;
}

/* "* 1    process 18449     1 (native)           /usr/bin/python3.11 " */
enum pm_status pm_facts_from_inferiors(struct pm_host_facts *f,
	const char *text, size_t len, struct pm_error *err)
{
	const char *end = text + len, *p = text;
	while (p < end && *p != '*') {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		p = nl ? nl + 1 : end;
	}
	const char *nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	if (nl)
		end = nl;
	size_t n = 0;
	const char *pid =
		p < end ? memmem(p, (size_t)(end - p), "process ", 8) : NULL;
	f->pid = pid ? (int)strtol(pid + 8, NULL, 10) : 0;
	/* Only "(native)" is a process of this machine. */
	const char *connection =
		p < end ? between(p, end, " (", ")", &n) : NULL;
	if (!connection)
		return pm_fail(err, PM_ABSENT, 0,
			"GDB has no process or core file (info inferiors)");
	if (n == 6 && !memcmp(connection, "native", 6) && f->pid > 0)
		f->kind = PM_TARGET_LIVE;
	else if (n == 4 && !memcmp(connection, "core", 4))
		f->kind = PM_TARGET_CORE;
	else
		f->kind = PM_TARGET_REMOTE;
	const char *exe = connection + n + 1;
	while (exe < end && *exe == ' ')
		exe++;
	while (end > exe && end[-1] == ' ')
		end--;
	snprintf(
		f->exe_path, sizeof f->exe_path, "%.*s", (int)(end - exe), exe);
	return PM_OK;
}

/* The executable, then the libraries.  Whole lines only; what does not fit is
   left out. */
static void take_files(struct pm_host_facts *f, const char *p, const char *end)
{
	size_t used = (size_t)snprintf(
		f->files, sizeof f->files, "%s\n", f->exe_path);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		if (*p == '/' && n + 2 <= sizeof f->files - used) {
			memcpy(f->files + used, p, n);
			used += n;
			f->files[used++] = '\n';
		}
		p += n + 1;
	}
	f->files[used] = '\0';
}

/* "\t`/tmp/core', file type elf64-x86-64.\n/lib/libc.so.6\n" */
enum pm_status pm_facts_from_files(struct pm_host_facts *f, const char *text,
	size_t len, struct pm_error *err)
{
	size_t n;
	const char *path = between(text, text + len, "`", "', file type", &n);
	if (!path || n >= sizeof f->core_path)
		return pm_fail(err, PM_ABSENT, 0,
			"GDB does not say where the core file is (info "
			"files)");
	memcpy(f->core_path, path, n);
	f->core_path[n] = '\0';
	take_files(f, path + n, text + len);
	return PM_OK;
}

/* "target:" is wherever the target is: of a process of this machine that is
   found in /proc, and of another machine there are no files here.  An empty
   one was set by the user: the files are where their names say. */
void pm_facts_from_sysroot(
	struct pm_host_facts *f, const char *text, size_t len)
{
	static const char target[] = "target:";
	len = strnlen(text, len);
	f->sysroot[0] = '\0';
	if (len >= sizeof f->sysroot ||
		(len >= sizeof target - 1 &&
			!memcmp(text, target, sizeof target - 1)))
		return;
	if (!len && f->kind == PM_TARGET_REMOTE) {
		f->sysroot[0] = '/';
		f->sysroot[1] = '\0';
		return;
	}
	while (len > 1 && text[len - 1] == '/')
		len--;
	memcpy(f->sysroot, text, len);
	f->sysroot[len] = '\0';
}

/* "Line 0: address 0x400000 [1 hits]" */
bool pm_facts_from_cache(pm_addr addr, const char *text, size_t len)
{
	char line[64];
	int n = snprintf(line, sizeof line, ": address 0x%llx [",
		(unsigned long long)addr);
	return n > 0 && memmem(text, len, line, (size_t)n) != NULL;
}
