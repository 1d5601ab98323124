/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pages are in memory: the text of smaps, pages that do not agree with
   it, and this process itself. */
#include "target/native.h"
#include "target/residency.h"
#include "unit/unit.h"

#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

static const char smaps[] =
	"00400000-00404000 r-xp 00000000 08:01 17   /usr/bin/a b\n"
	"Size:                 16 kB\n"
	"KernelPageSize:        4 kB\n"
	"Rss:                   8 kB\n"
	"Pss:                   2 kB\n"
	"Shared_Clean:          8 kB\n"
	"Private_Dirty:         0 kB\n"
	"Swap:                  0 kB\n"
	"SwapPss:               0 kB\n"
	"VmFlags: rd ex mr mw me \n"
	"01000000-01008000 rw-p 00000000 00:00 0    [heap]\n"
	"Rss:                  16 kB\n"
	"Pss:                  16 kB\n"
	"Private_Dirty:        16 kB\n"
	"Swap:                  8 kB\n"
	"7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0   [vdso]\n"
	"Rss:                   4 kB\n";

static void fill(struct pm_residency *r)
{
	struct pm_error err = {0};
	*r = (struct pm_residency){.page = PAGE, .pagemap = -1};
	ck_assert_msg(
		pm_residency_parse(r, smaps, &err) == PM_OK, "%s", err.msg);
	pm_vec_each (m, &r->maps) {
		m->page0 = r->npages;
		r->npages += (size_t)((m->end - m->start) / PAGE);
	}
	r->pages = calloc(r->npages, 1);
	ck_assert_ptr_nonnull(r->pages);
}

static void drop(struct pm_residency *r)
{
	pm_vec_deinit(&r->maps);
	free(r->pages);
}

START_TEST(parses_what_the_kernel_writes)
{
	struct pm_residency r;
	fill(&r);
	ck_assert_uint_eq(r.maps.len, 3);
	const struct pm_resident_map *m = r.maps.data;
	ck_assert_uint_eq(m[0].start, 0x400000);
	ck_assert_uint_eq(m[0].end, 0x404000);
	ck_assert_uint_eq(m[0].rss, 8192);
	ck_assert_uint_eq(m[0].shared_clean, 8192);
	ck_assert(!m[0].anonymous && !m[0].special);
	ck_assert(m[1].anonymous && !m[1].special);
	ck_assert_uint_eq(m[1].private_dirty, 16384);
	ck_assert_uint_eq(m[1].swap, 8192);
	ck_assert(m[2].special);
	ck_assert_uint_eq(r.sum.rss, 28 << 10);
	ck_assert_uint_eq(r.sum.pss, 18 << 10);
	ck_assert_uint_eq(r.sum.swap, 8 << 10);
	drop(&r);
}
END_TEST

START_TEST(refuses_what_cannot_be)
{
	struct pm_residency r = {.page = PAGE, .pagemap = -1};
	struct pm_error err = {0};
	ck_assert_int_eq(pm_residency_parse(&r,
				 "2000-4000 rw-p 0 0:0 0\n"
				 "3000-5000 rw-p 0 0:0 0\n",
				 &err),
		PM_CORRUPT);
	drop(&r);
	ck_assert_int_eq(
		pm_residency_parse(&r, "Rss: 4 kB\nnonsense\n", &err), PM_OK);
	ck_assert_uint_eq(r.sum.rss, 0);
}
END_TEST

static struct pm_resident sum_of(
	const struct pm_residency *r, pm_addr start, pm_addr end)
{
	struct pm_resident sum = {0};
	pm_residency_add(r, start, end, &sum);
	return sum;
}

START_TEST(sums_parts_of_pages)
{
	struct pm_residency r;
	fill(&r);
	unsigned char *heap = r.pages + r.maps.data[1].page0;
	heap[0] = PM_PAGE_PRESENT | PM_PAGE_EXCLUSIVE;
	heap[1] = PM_PAGE_SWAPPED;
	heap[2] = PM_PAGE_PRESENT;
	struct pm_resident s = sum_of(&r, 0x1000ff0, 0x1002010);
	ck_assert_uint_eq(s.mapped, 0x1020);
	ck_assert_uint_eq(s.resident, 0x20);
	ck_assert_uint_eq(s.exclusive, 0x10);
	ck_assert_uint_eq(s.swapped, 0x1000);
	/* Over the end of a mapping, and where none is. */
	s = sum_of(&r, 0x1007fff, 0x1009000);
	ck_assert_uint_eq(s.mapped, 0x1001);
	ck_assert_uint_eq(s.resident, 0);
	s = sum_of(&r, 0, UINT64_MAX);
	ck_assert_uint_eq(s.resident, 2 * PAGE);
	drop(&r);
}
END_TEST

/* The page of zeros is present and no part of the RSS; pages of shared memory
   in swap do not show. */
START_TEST(pages_agree_with_the_figures)
{
	struct pm_residency r;
	fill(&r);
	struct pm_resident_map *m = &r.maps.data[1]; /* 4 resident, 2 swapped */
	unsigned char *p = r.pages + m->page0;
	for (int i = 0; i < 6; i++)
		p[i] = PM_PAGE_PRESENT;
	uint64_t zero = 1 << 1 | 1 << 3;
	pm_residency_agree(&r, m, &zero);
	struct pm_resident s = sum_of(&r, m->start, m->end);
	ck_assert_uint_eq(s.resident, m->rss);
	ck_assert_uint_eq(s.swapped, m->swap);
	ck_assert(!(p[1] & PM_PAGE_PRESENT) && !(p[3] & PM_PAGE_PRESENT));
	ck_assert(p[5] & PM_PAGE_PRESENT);
	/* Too few: any of them. */
	memset(p, 0, 8);
	pm_residency_agree(&r, m, NULL);
	s = sum_of(&r, m->start, m->end);
	ck_assert_uint_eq(s.resident, m->rss);
	ck_assert_uint_eq(s.swapped, m->swap);
	/* Too many, and nothing known of zeros. */
	memset(p, PM_PAGE_PRESENT, 8);
	pm_residency_agree(&r, m, NULL);
	ck_assert_uint_eq(sum_of(&r, m->start, m->end).resident, m->rss);
	drop(&r);
}
END_TEST

START_TEST(this_process_itself)
{
	struct pm_error err = {0};
	const size_t n = 64;
	char *area = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert(area != MAP_FAILED);
	for (size_t i = 0; i < n; i += 2)
		area[i * PAGE] = 1;
	for (size_t i = 1; i < n; i += 2) /* maps the page of zeros */
		ck_assert_int_eq(((volatile char *)area)[i * PAGE], 0);
	pm_auto_target t = NULL;
	ck_assert_msg(pm_native_open_process(getpid(), &t, &err) == PM_OK, "%s",
		err.msg);
	PM_CLEANUP(pm_cleanup_residency) struct pm_residency *r = NULL;
	ck_assert_msg(pm_residency_create(t, &r, &err) == PM_OK, "%s", err.msg);
	if (r->pages && r->page == PAGE) {
		struct pm_resident s = sum_of(r, (pm_addr)(uintptr_t)area,
			(pm_addr)(uintptr_t)area + n * PAGE);
		/* With huge pages it may be all of it. */
		ck_assert(s.resident == n * PAGE / 2 || s.resident == n * PAGE);
		s = sum_of(r, 0, UINT64_MAX);
		ck_assert_uint_eq(s.resident, r->sum.rss);
		ck_assert_uint_eq(s.swapped, r->sum.swap);
	}
	munmap(area, n * PAGE);
}
END_TEST

UNIT_MAIN("residency", parses_what_the_kernel_writes, refuses_what_cannot_be,
	sums_parts_of_pages, pages_agree_with_the_figures, this_process_itself)
