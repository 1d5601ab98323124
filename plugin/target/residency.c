/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/residency.h"

#include "base/strbuf.h"
#include "target/native.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* Of a word of pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define WORD_PRESENT (UINT64_C(1) << 63)
#define WORD_SWAPPED (UINT64_C(1) << 62)
#define WORD_EXCLUSIVE (UINT64_C(1) << 56)
#define WORD_FRAME ((UINT64_C(1) << 55) - 1)

void pm_residency_destroy(struct pm_residency *r)
{
	if (!r)
		return;
	pm_cleanup_fd(&r->pagemap);
	pm_vec_deinit(&r->maps);
	free(r->pages);
	free(r);
}

/* ---- smaps ---- */

static const struct {
	const char *name;
	size_t at;
} figures[] = {
#define F(text, field)                                                         \
	{                                                                      \
		text, offsetof(struct pm_resident_map, field)                  \
	}
	F("Rss:", rss),
	F("Pss:", pss),
	F("Swap:", swap),
	F("Shared_Clean:", shared_clean),
	F("Shared_Dirty:", shared_dirty),
	F("Private_Clean:", private_clean),
	F("Private_Dirty:", private_dirty),
#undef F
};

/* "Rss:        12 kB" of the mapping m. */
static void parse_figure(struct pm_residency *r, struct pm_resident_map *m,
	const char *line, size_t len)
{
	for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
		size_t n = strlen(figures[i].name);
		if (len <= n || strncmp(line, figures[i].name, n) != 0)
			continue;
		uint64_t bytes = strtoull(line + n, NULL, 10) << 10;
		*(uint64_t *)((char *)m + figures[i].at) += bytes;
		*(uint64_t *)((char *)&r->sum + figures[i].at) += bytes;
	}
}

enum pm_status pm_residency_parse(
	struct pm_residency *r, const char *text, struct pm_error *err)
{
	while (*text) {
		const char *end = strchrnul(text, '\n');
		pm_addr start, stop;
		int path = 0;
		if (sscanf(text, "%" SCNx64 "-%" SCNx64 " %*s %*s %*s %*s %n",
			    &start, &stop, &path) == 2 &&
			start < stop) {
			const char *name = path ? text + path : end;
			struct pm_resident_map m = {.start = start,
				.end = stop,
				.anonymous = name >= end || *name == '[',
				.special = name < end && *name == '[' &&
					   name[1] == 'v'};
			if (r->maps.len &&
				r->maps.data[r->maps.len - 1].end > start)
				return pm_fail(err, PM_CORRUPT, start,
					"smaps: mappings overlap");
			if (!pm_vec_push(&r->maps, m))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		} else if (r->maps.len) {
			parse_figure(r, &r->maps.data[r->maps.len - 1], text,
				(size_t)(end - text));
		}
		text = *end ? end + 1 : end;
	}
	return PM_OK;
}

/* ---- pages ---- */

static void clear_page(unsigned char *p, uint64_t *left)
{
	*p = 0;
	--*left;
}

static void agree_resident(
	struct pm_residency *r, struct pm_resident_map *m, const uint64_t *zero)
{
	size_t n = (size_t)((m->end - m->start) / r->page);
	unsigned char *p = r->pages + m->page0;
	uint64_t present = 0, want = m->rss / r->page;
	for (size_t i = 0; i < n; i++)
		present += p[i] & PM_PAGE_PRESENT;
	uint64_t over = present > want ? present - want : 0;
	uint64_t under = want > present ? want - present : 0;
	for (size_t i = 0; zero && over && i < n; i++)
		if (p[i] & PM_PAGE_PRESENT && zero[i / 64] >> i % 64 & 1)
			clear_page(&p[i], &over);
	for (size_t i = n; over && i--;)
		if (p[i] & PM_PAGE_PRESENT)
			clear_page(&p[i], &over);
	for (size_t i = 0; under && i < n; i++)
		if (!(p[i] & PM_PAGE_PRESENT)) {
			p[i] = PM_PAGE_PRESENT;
			under--;
		}
}

/* Pages of shared memory in swap do not show in pagemap. */
static void agree_swapped(struct pm_residency *r, struct pm_resident_map *m)
{
	size_t n = (size_t)((m->end - m->start) / r->page);
	unsigned char *p = r->pages + m->page0;
	uint64_t swapped = 0, want = m->swap / r->page;
	for (size_t i = 0; i < n; i++)
		swapped += p[i] == PM_PAGE_SWAPPED;
	for (size_t i = 0; i < n && swapped != want; i++) {
		if (swapped > want && p[i] == PM_PAGE_SWAPPED) {
			p[i] = 0;
			swapped--;
		} else if (swapped < want && !p[i]) {
			p[i] = PM_PAGE_SWAPPED;
			swapped++;
		}
	}
}

void pm_residency_agree(
	struct pm_residency *r, struct pm_resident_map *m, const uint64_t *zero)
{
	agree_resident(r, m, zero);
	agree_swapped(r, m);
}

static bool is_zero(const unsigned char *p, size_t n)
{
	return !*p && !memcmp(p, p + 1, n - 1);
}

/* Which present pages of m are all zeros: the process is read. */
static bool find_zeros(struct pm_target *t, const struct pm_residency *r,
	const struct pm_resident_map *m, uint64_t *zero)
{
	size_t n = (size_t)((m->end - m->start) / r->page);
	const unsigned char *p = r->pages + m->page0;
	pm_auto_free unsigned char *bytes = malloc((size_t)r->page);
	if (!bytes)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] & PM_PAGE_PRESENT &&
			pm_target_read_some(t, m->start + i * r->page, bytes,
				(size_t)r->page) == r->page &&
			is_zero(bytes, (size_t)r->page))
			zero[i / 64] |= UINT64_C(1) << i % 64;
	return true;
}

static enum pm_status agree(struct pm_target *t, struct pm_residency *r,
	struct pm_resident_map *m, struct pm_error *err)
{
	size_t n = (size_t)((m->end - m->start) / r->page);
	uint64_t present = 0;
	for (size_t i = 0; i < n; i++)
		present += r->pages[m->page0 + i] & PM_PAGE_PRESENT;
	pm_auto_free uint64_t *zero = NULL;
	if (present * r->page > m->rss && m->rss && m->anonymous &&
		!m->special) {
		zero = calloc(n / 64 + 1, sizeof *zero);
		if (!zero || !find_zeros(t, r, m, zero))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	pm_residency_agree(r, m, zero);
	return PM_OK;
}

#define WORDS 4096

/* false: pagemap does not tell. */
static bool read_pages(int fd, struct pm_residency *r,
	const struct pm_resident_map *m, uint64_t words[static WORDS])
{
	size_t n = (size_t)((m->end - m->start) / r->page);
	unsigned char *p = r->pages + m->page0;
	for (size_t i = 0; i < n;) {
		size_t some = n - i < WORDS ? n - i : WORDS;
		ssize_t got = pread(fd, words, some * 8,
			(off_t)((m->start / r->page + i) * 8));
		if (got < 8)
			return m->special; /* [vsyscall] has no entries */
		some = (size_t)got / 8;
		for (size_t k = 0; k < some; k++, i++)
			p[i] = (words[k] & WORD_PRESENT ? PM_PAGE_PRESENT : 0) |
			       (words[k] & WORD_SWAPPED ? PM_PAGE_SWAPPED : 0) |
			       (words[k] & WORD_EXCLUSIVE ? PM_PAGE_EXCLUSIVE
							  : 0);
	}
	return true;
}

static enum pm_status load_pages(
	struct pm_target *t, struct pm_residency *r, struct pm_error *err)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/pagemap", t->pid);
	int fd = r->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return PM_OK;
	pm_vec_each (m, &r->maps) {
		m->page0 = r->npages;
		r->npages += (size_t)((m->end - m->start) / r->page);
	}
	pm_auto_free uint64_t *words = malloc(WORDS * sizeof *words);
	r->pages = calloc(r->npages + 1, 1);
	if (!words || !r->pages)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_vec_each (m, &r->maps) {
		if (!read_pages(fd, r, m, words)) {
			free(pm_take(r->pages));
			return PM_OK;
		}
		PM_TRY(agree(t, r, m, err));
	}
	return PM_OK;
}

enum pm_status pm_residency_create(
	struct pm_target *t, struct pm_residency **ret, struct pm_error *err)
{
	if (t->kind != PM_TARGET_LIVE)
		return pm_fail(err, PM_SYSTEM, 0,
			"only a live process of this machine has a resident "
			"size");
	PM_CLEANUP(pm_cleanup_residency)
	struct pm_residency *r = calloc(1, sizeof *r);
	if (!r)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->pagemap = -1;
	r->page = (uint64_t)sysconf(_SC_PAGESIZE);
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/smaps", t->pid);
	pm_auto_strbuf text = {0};
	PM_TRY(pm_native_read_text(path, &text, err));
	PM_TRY(pm_residency_parse(r, pm_strbuf_text(&text), err));
	PM_TRY(load_pages(t, r, err));
	*ret = pm_take(r);
	return PM_OK;
}

uint64_t pm_residency_frame(const struct pm_residency *r, pm_addr addr)
{
	uint64_t word;
	if (r->pagemap < 0 || pread(r->pagemap, &word, sizeof word,
				      (off_t)(addr / r->page * 8)) != 8)
		return 0;
	return word & WORD_PRESENT ? word & WORD_FRAME : 0;
}

/* ---- sums ---- */

static size_t first_behind(const struct pm_residency *r, pm_addr addr)
{
	size_t lo = 0, hi = r->maps.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (r->maps.data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void add_page(
	unsigned char flags, uint64_t bytes, struct pm_resident *sum)
{
	if (flags & PM_PAGE_PRESENT) {
		sum->resident += bytes;
		if (flags & PM_PAGE_EXCLUSIVE)
			sum->exclusive += bytes;
	} else if (flags & PM_PAGE_SWAPPED) {
		sum->swapped += bytes;
	}
}

void pm_residency_add(const struct pm_residency *r, pm_addr start, pm_addr end,
	struct pm_resident *sum)
{
	sum->mapped += end - start;
	if (!r || !r->pages)
		return;
	for (size_t i = first_behind(r, start);
		i < r->maps.len && r->maps.data[i].start < end; i++) {
		const struct pm_resident_map *m = &r->maps.data[i];
		pm_addr at = start > m->start ? start : m->start;
		pm_addr stop = end < m->end ? end : m->end;
		const unsigned char *p =
			r->pages + m->page0 + (at - m->start) / r->page;
		while (at < stop) {
			pm_addr next = (at / r->page + 1) * r->page;
			if (next > stop)
				next = stop;
			add_page(*p++, next - at, sum);
			at = next;
		}
	}
}
