/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which pages of a live process are in memory, and whose they are besides:
   /proc/PID/smaps by mapping, /proc/PID/pagemap page by page, made to agree
   with the former to the byte.  Nothing is read of the pages themselves but
   where the two do not agree. */
#ifndef PM_TARGET_RESIDENCY_H
#define PM_TARGET_RESIDENCY_H

#include "target/target.h"

/* Bytes of a stretch of memory.  resident: in RAM and counted in the RSS;
   swapped: in swap space; the rest was never touched, or is in a file. */
struct pm_resident {
	uint64_t mapped, resident, swapped;
	/* Of resident: no other process has the page. */
	uint64_t exclusive;
};

/* One mapping as smaps has it, in bytes. */
struct pm_resident_map {
	pm_addr start, end;
	uint64_t rss, pss, swap;
	uint64_t shared_clean, shared_dirty, private_clean, private_dirty;
	bool special, anonymous;
	size_t page0; /* its first page in pages */
};

struct pm_residency {
	PM_VEC(struct pm_resident_map) maps; /* sorted by address */
	struct pm_resident_map sum;	     /* of all */
	uint64_t page;			     /* bytes */
	/* A byte of enum pm_page_flags each, of all mappings; NULL: pagemap
	   may not be read, figures are of whole mappings only. */
	unsigned char *pages;
	size_t npages;
	int pagemap; /* -1: may not be read */
};

enum pm_page_flags {
	PM_PAGE_PRESENT = 1,
	PM_PAGE_SWAPPED = 2,
	PM_PAGE_EXCLUSIVE = 4,
};

/* As the process is now; it should be stopped.  PM_SYSTEM when there is none
   on this machine, or /proc does not tell. */
PM_CHECKED enum pm_status pm_residency_create(
	struct pm_target *t, struct pm_residency **ret, struct pm_error *err);
void pm_residency_destroy(struct pm_residency *r);
static inline void pm_cleanup_residency(struct pm_residency **r)
{
	pm_residency_destroy(*r);
}

/* Adds [start, end) to *sum; what is not mapped counts as mapped only. */
void pm_residency_add(const struct pm_residency *r, pm_addr start, pm_addr end,
	struct pm_resident *sum);

/* Which page of the machine's memory is at addr: a number to be compared with
   another process's.  0: none, or it is not for us to know (CAP_SYS_ADMIN). */
uint64_t pm_residency_frame(const struct pm_residency *r, pm_addr addr);

/* Parses the text of smaps into r->maps and r->sum. */
PM_CHECKED enum pm_status pm_residency_parse(
	struct pm_residency *r, const char *text, struct pm_error *err);

/* Makes the pages of one mapping agree with its figures: zero (bits by page)
   says which of those present hold only zeros; they may be the one page that
   all untouched memory is read from, and which does not count. */
void pm_residency_agree(struct pm_residency *r, struct pm_resident_map *m,
	const uint64_t *zero);

#endif
