/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/alloc.h"

#include <stddef.h>

static unsigned fail_at, seen, runs;
static bool armed, failed, last;

void alloc_fail_first(void)
{
	fail_at = 1;
	runs = 0;
	armed = failed = last = false;
}

bool alloc_fail_running(void)
{
	return !last;
}

void alloc_fail_next(void)
{
	last = !failed;
	fail_at++;
}

void alloc_fail_start(void)
{
	seen = 0;
	runs++;
	failed = false;
	armed = true;
}

void alloc_fail_stop(void)
{
	armed = false;
}

bool alloc_failed(void)
{
	return failed;
}

unsigned alloc_fail_runs(void)
{
	return runs;
}

static bool fails(void)
{
	if (!armed || ++seen != fail_at)
		return false;
	failed = true;
	return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}
