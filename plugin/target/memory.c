/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/memory.h"

#include "base/load.h"

#include <inttypes.h>
#include <string.h>

#define PAGE ((size_t)4096)
#define DEFAULT_PAGES ((size_t)1024)
#define MAX_PAGES ((size_t)1 << 20)
/* Longer reads go to the target directly: they would only push out pages. */
#define LONG_READ (2 * PAGE)
#define NONE UINT32_MAX

struct page {
	pm_addr addr;
	uint32_t next;	/* in its bucket */
	uint16_t valid; /* readable prefix, in bytes */
	bool used;	/* in a bucket */
	bool recent;	/* touched since the clock hand passed */
};

struct pm_memory {
	struct pm_target *target;
	struct page *pages;
	uint8_t *bytes; /* count pages of them */
	uint32_t *buckets;
	uint32_t count, hand, last;
	unsigned bucket_bits;
};

static uint32_t *bucket_of(const struct pm_memory *m, pm_addr page)
{
	uint64_t h = (page / PAGE) * 0x9E3779B97F4A7C15u;
	return &m->buckets[h >> (64 - m->bucket_bits)];
}

enum pm_status pm_memory_create(struct pm_target *t, size_t pages,
	struct pm_memory **ret, struct pm_error *err)
{
	if (!pages)
		pages = DEFAULT_PAGES;
	if (pages > MAX_PAGES)
		return pm_fail(
			err, PM_LIMIT, 0, "page cache of %zu pages", pages);
	PM_CLEANUP(pm_cleanup_memory)
	struct pm_memory *m = calloc(1, sizeof *m);
	if (!m)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	m->target = t;
	m->count = (uint32_t)pages;
	m->bucket_bits = 1;
	while ((size_t)1 << m->bucket_bits < pages * 2)
		m->bucket_bits++;
	m->pages = calloc(pages, sizeof *m->pages);
	m->bytes = malloc(pages * PAGE);
	m->buckets = malloc(sizeof *m->buckets << m->bucket_bits);
	if (!m->pages || !m->bytes || !m->buckets)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	memset(m->buckets, 0xff, sizeof *m->buckets << m->bucket_bits);
	*ret = pm_take(m);
	return PM_OK;
}

void pm_memory_destroy(struct pm_memory *m)
{
	if (!m)
		return;
	free(m->pages);
	free(m->bytes);
	free(m->buckets);
	free(m);
}

struct pm_target *pm_memory_target(const struct pm_memory *m)
{
	return m->target;
}

static void unlink_page(struct pm_memory *m, uint32_t i)
{
	uint32_t *link = bucket_of(m, m->pages[i].addr);
	while (*link != i)
		link = &m->pages[*link].next;
	*link = m->pages[i].next;
	m->pages[i].used = false;
}

/* A page to fill: the first that was not touched since the hand last passed
   it. */
static uint32_t take_victim(struct pm_memory *m)
{
	for (;;) {
		uint32_t i = m->hand;
		m->hand = i + 1 < m->count ? i + 1 : 0;
		if (m->pages[i].used && m->pages[i].recent) {
			m->pages[i].recent = false;
			continue;
		}
		if (m->pages[i].used)
			unlink_page(m, i);
		return i;
	}
}

static struct page *get_page(struct pm_memory *m, pm_addr addr)
{
	struct page *last = &m->pages[m->last];
	if (last->used && last->addr == addr)
		return last;
	uint32_t *bucket = bucket_of(m, addr);
	for (uint32_t i = *bucket; i != NONE; i = m->pages[i].next) {
		if (m->pages[i].addr != addr)
			continue;
		m->pages[i].recent = true;
		m->last = i;
		return &m->pages[i];
	}
	/* The read may throw: until it is back the page is in no bucket. */
	uint32_t i = take_victim(m);
	size_t got =
		pm_target_read_some(m->target, addr, m->bytes + i * PAGE, PAGE);
	m->pages[i] = (struct page){
		.addr = addr,
		.next = *bucket,
		.valid = (uint16_t)got,
		.used = true,
		.recent = true,
	};
	*bucket = i;
	m->last = i;
	return &m->pages[i];
}

/* The bytes from addr to the end of its page or of len, whichever is less;
   NULL where the page's readable prefix does not hold them. */
static const uint8_t *cached(
	struct pm_memory *m, pm_addr addr, size_t len, size_t *ret_len)
{
	size_t skip = (size_t)(addr & (PAGE - 1));
	size_t n = PAGE - skip;
	if (n > len)
		n = len;
	struct page *p = get_page(m, addr - skip);
	if (skip + n > p->valid) {
		if (skip >= p->valid)
			return NULL;
		n = p->valid - skip;
	}
	*ret_len = n;
	return m->bytes + (size_t)(p - m->pages) * PAGE + skip;
}

enum pm_status pm_memory_read(struct pm_memory *m, pm_addr addr, void *buf,
	size_t len, struct pm_error *err)
{
	if (!len)
		return PM_OK;
	const void *view = pm_target_view(m->target, addr, len);
	if (view) {
		memcpy(buf, view, len);
		return PM_OK;
	}
	if (len > LONG_READ || len > UINT64_MAX - addr)
		return pm_target_read(m->target, addr, buf, len, err);
	size_t done = 0;
	while (done < len) {
		size_t n = 0;
		const uint8_t *p = cached(m, addr + done, len - done, &n);
		/* The page has a hole in front of these bytes, or at them:
		   the target knows. */
		if (!p)
			return pm_target_read(m->target, addr + done,
				(char *)buf + done, len - done, err);
		memcpy((char *)buf + done, p, n);
		done += n;
	}
	return PM_OK;
}

enum pm_status pm_memory_read_uint(struct pm_memory *m, pm_addr addr,
	unsigned size, uint64_t *ret, struct pm_error *err)
{
	uint8_t b[8];
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return pm_fail(err, PM_USAGE, addr, "word of %u bytes", size);
	PM_TRY(pm_memory_read(m, addr, b, size, err));
	*ret = pm_load(b, size, m->target->big_endian);
	return PM_OK;
}

enum pm_status pm_memory_read_cstring(struct pm_memory *m, pm_addr addr,
	char *buf, size_t cap, struct pm_error *err)
{
	if (!cap)
		return pm_fail(err, PM_USAGE, addr, "no room for a string");
	size_t done = 0;
	buf[0] = '\0';
	while (done < cap - 1) {
		pm_addr at = addr + done;
		size_t n = PAGE - (size_t)(at & (PAGE - 1));
		if (n > cap - 1 - done)
			n = cap - 1 - done;
		size_t got = 0;
		const uint8_t *p = cached(m, at, n, &got);
		if (p) {
			memcpy(buf + done, p, got);
		} else {
			got = pm_target_read_some(m->target, at, buf + done, n);
			buf[done + got] = '\0';
			if (!got)
				PM_TRY(pm_target_read(
					m->target, at, &(char){0}, 1, err));
		}
		buf[done + got] = '\0';
		if (memchr(buf + done, '\0', got))
			return PM_OK;
		done += got;
	}
	/* The string may end just where the room does. */
	uint64_t c = 1;
	if (pm_memory_read_uint(m, addr + done, 1, &c, NULL) == PM_OK && !c)
		return PM_OK;
	return pm_fail(err, PM_LIMIT, addr,
		"string at 0x%" PRIx64 " is longer than %zu bytes", addr,
		cap - 1);
}
