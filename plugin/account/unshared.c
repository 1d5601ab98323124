/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/unshared.h"

#include "base/strbuf.h"
#include "heap/team.h"
#include "target/native.h"

#include <inttypes.h>
#include <string.h>

/* Read at once. */
#define PAGES 64

struct pm_unshared_job {
	struct pm_target *t, *parent;
	const struct pm_pools *pools;
	const struct pm_residency *r;
	struct pm_residency *theirs;
	unsigned char *mine, *other; /* PAGES each */
	size_t arena;
	pm_addr at; /* in it; 0: at its start */
	/* What was read last, of both; 0: nothing. */
	pm_addr from;
	size_t n;
	uint64_t bytes, shared;
};

void pm_unshared_destroy(struct pm_unshared_job *j)
{
	if (!j)
		return;
	pm_target_destroy(j->parent);
	pm_residency_destroy(j->theirs);
	free(j->mine);
	free(j->other);
	free(j);
}

static void cleanup_job(struct pm_unshared_job **j)
{
	pm_unshared_destroy(*j);
}

/* 0: not known. */
static int parent_of(int pid)
{
	char path[64];
	pm_auto_strbuf text = {0};
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	if (pm_native_read_text(path, &text, NULL) != PM_OK)
		return 0;
	const char *line = strstr(pm_strbuf_text(&text), "\nPPid:");
	return line ? (int)strtol(line + 6, NULL, 10) : 0;
}

static bool same_program(int a, int b)
{
	char path[64], one[4096], two[4096];
	snprintf(path, sizeof path, "/proc/%d/exe", a);
	ssize_t n = readlink(path, one, sizeof one);
	snprintf(path, sizeof path, "/proc/%d/exe", b);
	ssize_t m = readlink(path, two, sizeof two);
	return n > 0 && n == m && !memcmp(one, two, (size_t)n);
}

enum pm_status pm_unshared_create(struct pm_target *t, const struct pm_pools *p,
	const struct pm_residency *r, struct pm_unshared_job **ret,
	struct pm_error *err)
{
	*ret = NULL;
	int parent = r && r->pages ? parent_of(t->pid) : 0;
	if (parent <= 1 || !same_program(t->pid, parent))
		return PM_OK;
	PM_CLEANUP(cleanup_job)
	struct pm_unshared_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->t = t;
	j->pools = p;
	j->r = r;
	j->mine = malloc(PAGES * (size_t)r->page);
	j->other = malloc(PAGES * (size_t)r->page);
	if (!j->mine || !j->other)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (pm_native_open_process(parent, &j->parent, NULL) != PM_OK ||
		pm_residency_create(j->parent, &j->theirs, NULL) != PM_OK ||
		!j->theirs->pages)
		return PM_OK; /* not ours to look into */
	*ret = pm_take(j);
	return PM_OK;
}

/* Is at least half of a page the same, in pieces of a cache line? */
static bool is_copy(const unsigned char *a, const unsigned char *b, size_t n)
{
	size_t same = 0;
	for (size_t i = 0; i + 64 <= n; i += 64)
		same += !memcmp(a + i, b + i, 64);
	if (same * 128 >= n)
		return true;
	/* Objects are smaller than that: word by word. */
	for (size_t i = same = 0; i + 8 <= n; i += 8)
		same += !memcmp(a + i, b + i, 8);
	return same * 16 >= n;
}

/* Both processes' page at at, and some of those behind it; false: one of them
   can't be read. */
static bool read_both(struct pm_unshared_job *j, pm_addr at, pm_addr end)
{
	size_t page = (size_t)j->r->page, n = PAGES * page;
	if (at >= j->from && at + page <= j->from + j->n)
		return true;
	if (end - at < n)
		n = (size_t)(end - at);
	j->from = at;
	j->n = pm_target_read_some(j->t, at, j->mine, n);
	if (j->n)
		j->n = pm_target_read_some(j->parent, at, j->other, j->n);
	return j->n >= page;
}

static void one_page(struct pm_unshared_job *j, pm_addr at, pm_addr end)
{
	size_t page = (size_t)j->r->page;
	struct pm_resident mine = {0}, theirs = {0};
	pm_residency_add(j->r, at, at + page, &mine);
	pm_residency_add(j->theirs, at, at + page, &theirs);
	if (!mine.resident || !theirs.resident)
		return;
	/* The kernel's word for a page of its own is an estimate where pages
	   come in large pieces. */
	uint64_t a = pm_residency_frame(j->r, at);
	uint64_t b = pm_residency_frame(j->theirs, at);
	if (a && b ? a == b : !mine.exclusive) {
		j->shared += page;
		return;
	}
	if (!read_both(j, at, end))
		return;
	size_t off = (size_t)(at - j->from);
	if (is_copy(j->mine + off, j->other + off, page))
		j->bytes += page;
}

enum pm_status pm_unshared_step(struct pm_unshared_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	uint64_t page = j->r->page;
	(void)err;
	*ret_done = false;
	for (; j->arena < j->pools->arenas.len; j->arena++, j->at = 0) {
		const struct pm_arena *a = &j->pools->arenas.data[j->arena];
		pm_addr end = a->address + a->bytes;
		if (!j->at)
			j->at = (a->address + page - 1) / page * page;
		for (unsigned n = 1; j->at + page <= end; n++) {
			one_page(j, j->at, end);
			j->at += page;
			if (n % 64 == 0 && pm_now() > deadline)
				return PM_OK;
		}
	}
	*ret_done = true;
	return PM_OK;
}

uint64_t pm_unshared_bytes(const struct pm_unshared_job *j)
{
	return j->bytes;
}

uint64_t pm_unshared_shared(const struct pm_unshared_job *j)
{
	return j->shared;
}

int pm_unshared_parent(const struct pm_unshared_job *j)
{
	return j->parent->pid;
}
