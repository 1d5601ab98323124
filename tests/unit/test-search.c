/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Searching memory: widths, byte orders, borders of pieces and mappings, holes,
   several forms of one text. */
#include "heap/search.h"
#include "target/image.h"
#include "unit/unit.h"

#include <string.h>

#define PIECE (256u * 1024)
#define BASE UINT64_C(0x10000000)
#define RW (PM_MAP_READ | PM_MAP_WRITE)

struct found {
	struct pm_target *t;
	struct pm_search *s;
	const struct pm_search_result *r;
};

static void image(struct found *f)
{
	struct pm_error err = {0};
	*f = (struct found){0};
	ck_assert_int_eq(pm_image_create(&f->t, &err), PM_OK);
}

static void add(struct found *f, pm_addr start, size_t len, unsigned flags)
{
	struct pm_error err = {0};
	ck_assert_int_eq(
		pm_image_add(f->t, start, NULL, len, flags, NULL, &err), PM_OK);
}

static void put(struct found *f, pm_addr at, const void *bytes, size_t len)
{
	void *p = pm_image_at(f->t, at, len);
	ck_assert_ptr_nonnull(p);
	memcpy(p, bytes, len);
}

static void look(
	struct found *f, const struct pm_search_for *what, size_t limit)
{
	struct pm_error err = {0};
	bool done = false;
	pm_search_destroy(f->s);
	f->s = NULL;
	ck_assert_msg(pm_search_create(f->t, what, limit, &f->s, &err) == PM_OK,
		"%s", err.msg);
	while (!done)
		ck_assert_int_eq(
			pm_search_step(f->s, 0.01, &done, &err), PM_OK);
	f->r = pm_search_result(f->s);
	for (size_t i = 1; i < f->r->hits.len; i++)
		ck_assert_uint_lt(
			f->r->hits.data[i - 1].addr, f->r->hits.data[i].addr);
}

static void end(struct found *f)
{
	pm_search_destroy(f->s);
	pm_target_destroy(f->t);
}

static struct pm_search_for number(uint64_t v, unsigned width)
{
	return (struct pm_search_for){.width = width,
		.value = v,
		.mask = UINT64_MAX >> (64 - 8 * width)};
}

static struct pm_search_for text(const char *s)
{
	struct pm_search_for w = {.nforms = 1};
	w.forms[0].bytes = (const unsigned char *)s;
	w.forms[0].len = strlen(s);
	return w;
}

START_TEST(numbers_of_each_width)
{
	static const unsigned widths[] = {1, 2, 4, 8};
	static const unsigned char bytes[] = {
		0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8};
	/* First and last of a piece, in the eight words of a block and in the
	   rest behind the last whole one, and not at a multiple. */
	static const uint64_t places[] = {
		0, 8, 56, 64, 120, PIECE - 8, PIECE, 2 * PIECE + 40};
	for (unsigned w = 0; w < 4; w++) {
		for (unsigned big = 0; big < 2; big++) {
			struct found f;
			uint64_t v = 0;
			image(&f);
			add(&f, BASE, 2 * PIECE + 48, RW);
			for (size_t i = 0; i < 8; i++)
				put(&f, BASE + places[i], bytes, widths[w]);
			if (widths[w] > 1)
				put(&f, BASE + 201, bytes, widths[w]);
			for (unsigned i = 0; i < widths[w]; i++)
				v |= (uint64_t)bytes[i]
				     << 8 * (big ? widths[w] - 1 - i : i);
			struct pm_search_for what = number(v, widths[w]);
			what.big_endian = big;
			look(&f, &what, 100);
			ck_assert_uint_eq(f.r->count, 8);
			ck_assert_uint_eq(f.r->bytes, 2 * PIECE + 48);
			for (size_t i = 0; i < 8; i++)
				ck_assert_uint_eq(f.r->hits.data[i].addr,
					BASE + places[i]);
			end(&f);
		}
	}
}
END_TEST

START_TEST(numbers_with_tags)
{
	struct found f;
	image(&f);
	add(&f, BASE, 4096, RW);
	for (uint64_t tag = 0; tag < 8; tag++) {
		uint64_t v = 0x7f0012345670 + tag;
		put(&f, BASE + 8 * tag, &v, 8);
	}
	struct pm_search_for what = number(0x7f0012345670, 8);
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 1);
	what.mask &= ~UINT64_C(3);
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 4);
	end(&f);
}
END_TEST

START_TEST(numbers_in_ranges)
{
	/* First, last and just beside two ranges; the highest address. */
	static const uint64_t in[] = {0x7000, 0x7fff, 0x9000, UINT64_MAX};
	static const uint64_t beside[] = {0x6fff, 0x8000, 0x8fff, 0x9001, 0};
	struct found f;
	image(&f);
	add(&f, BASE, 4096 + 24, RW);
	for (size_t i = 0; i < 4; i++)
		put(&f, BASE + 64 * i + 8 * i, &in[i], 8);
	for (size_t i = 0; i < 5; i++)
		put(&f, BASE + 1024 + 8 * i, &beside[i], 8);
	put(&f, BASE + 4096 + 16, &in[0], 8); /* behind the last block */
	put(&f, BASE + 2048 + 3, &in[0], 8);  /* not at a multiple */
	struct pm_search_for what = {.width = 8,
		.nranges = 3,
		.ranges = {{0x7000, 0xfff}, {0x9000, 0}, {UINT64_MAX, 0}}};
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 5);
	for (size_t i = 0; i < 4; i++)
		ck_assert_uint_eq(f.r->hits.data[i].addr, BASE + 72 * i);
	ck_assert_uint_eq(f.r->hits.data[4].addr, BASE + 4096 + 16);
	end(&f);
}
END_TEST

START_TEST(strings_over_every_border)
{
	static const char needle[] = "needle";
	struct found f;
	image(&f);
	add(&f, BASE, PIECE + 100, RW);
	add(&f, BASE + PIECE + 100, 300, RW); /* the next mapping, adjacent */
	add(&f, BASE + 4 * PIECE, 300, RW);
	pm_addr places[] = {BASE, BASE + PIECE - 3, BASE + PIECE + 97,
		BASE + PIECE + 394, BASE + 4 * PIECE + 294};
	for (size_t i = 0; i < 5; i++)
		for (size_t k = 0; k < 6; k++)
			put(&f, places[i] + k, needle + k, 1);
	/* Cut off at the end of what is mapped. */
	put(&f, BASE + 4 * PIECE + 100, needle, 5);
	struct pm_search_for what = text(needle);
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(f.r->hits.data[i].addr, places[i]);
	end(&f);
}
END_TEST

START_TEST(overlapping_matches)
{
	struct found f;
	image(&f);
	add(&f, BASE, PIECE + 64, RW);
	char *all = pm_image_at(f.t, BASE, PIECE + 64);
	memset(all, 'a', PIECE + 64);
	struct pm_search_for what = text("aaa");
	look(&f, &what, 10);
	ck_assert_uint_eq(f.r->count, PIECE + 62);
	ck_assert_uint_eq(f.r->hits.len, 10);
	for (size_t i = 0; i < 10; i++)
		ck_assert_uint_eq(f.r->hits.data[i].addr, BASE + i);
	end(&f);
}
END_TEST

/* One byte is a form of its own and the begin of wider ones. */
START_TEST(the_longest_form_wins)
{
	struct found f;
	image(&f);
	add(&f, BASE, 4096, RW);
	memset(pm_image_at(f.t, BASE, 4096), 'x', 4096);
	put(&f, BASE + 100, "a", 1);
	put(&f, BASE + 200, "a\0", 2);
	put(&f, BASE + 300, "a\0\0\0", 4);
	struct pm_search_for what = {.nforms = 3};
	static const unsigned char a[] = {'a', 0, 0, 0};
	for (unsigned i = 0; i < 3; i++) {
		what.forms[i].bytes = a;
		what.forms[i].len = 1u << i;
	}
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 3);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(f.r->hits.data[i].addr, BASE + 100 * (i + 1));
		ck_assert_uint_eq(f.r->hits.data[i].form, i);
	}
	end(&f);
}
END_TEST

START_TEST(only_memory_that_is_asked_for)
{
	struct found f;
	image(&f);
	add(&f, BASE, 4096, RW);
	add(&f, BASE + 0x10000, 4096, PM_MAP_READ);
	add(&f, BASE + 0x20000, 4096, 0); /* PROT_NONE */
	add(&f, BASE + 0x30000, 4096, RW | PM_MAP_SPECIAL);
	add(&f, BASE + 0x40000, 4096, RW | PM_MAP_ABSENT);
	for (uint64_t at = BASE; at <= BASE + 0x30000; at += 0x10000)
		put(&f, at + 16, "needle", 6);
	struct pm_search_for what = text("needle");
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 1);
	ck_assert_uint_eq(f.r->hits.data[0].addr, BASE + 16);
	ck_assert_uint_eq(f.r->bytes, 4096);
	ck_assert_uint_eq(f.r->unreadable, 0);
	what.read_only = true;
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 2);
	end(&f);
}
END_TEST

START_TEST(permissions_that_nobody_knows)
{
	struct found f;
	image(&f);
	add(&f, BASE, 4096, 0);
	add(&f, BASE + 0x10000, 4096, PM_MAP_SHARED);
	put(&f, BASE + 16, "needle", 6);
	put(&f, BASE + 0x10010, "needle", 6);
	struct pm_search_for what = text("needle");
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 2);
	end(&f);
}
END_TEST

START_TEST(holes_are_counted_and_passed)
{
	struct found f;
	struct pm_error err = {0};
	image(&f);
	add(&f, BASE, 0x2000, RW);
	add(&f, BASE + 0x5000, 0x1000, RW);
	put(&f, BASE + 0x1ffc, "need", 4);
	put(&f, BASE + 0x5000, "needle", 6);
	/* The list says that all of it is mapped. */
	pm_target_clear_maps(f.t);
	struct pm_mapping lie = {BASE, BASE + 0x6000, 0, RW, NULL};
	ck_assert_int_eq(pm_target_add_map(f.t, &lie, &err), PM_OK);
	struct pm_search_for what = text("needle");
	look(&f, &what, 100);
	ck_assert_uint_eq(f.r->count, 1);
	ck_assert_uint_eq(f.r->hits.data[0].addr, BASE + 0x5000);
	ck_assert_uint_gt(f.r->unreadable, 0);
	ck_assert_uint_eq(f.r->bytes, 0x3000);
	end(&f);
}
END_TEST

START_TEST(what_cannot_be_looked_for)
{
	struct found f;
	struct pm_error err = {0};
	image(&f);
	struct pm_search_for what = number(1, 8);
	ck_assert_int_eq(
		pm_search_create(f.t, &what, 1, &f.s, &err), PM_ABSENT);
	add(&f, BASE, 4096, RW);
	what.width = 3;
	ck_assert_int_eq(pm_search_create(f.t, &what, 1, &f.s, &err), PM_USAGE);
	what = text("");
	ck_assert_int_eq(pm_search_create(f.t, &what, 1, &f.s, &err), PM_USAGE);
	what = text("x");
	what.forms[0].len = PIECE + 1;
	ck_assert_int_eq(pm_search_create(f.t, &what, 1, &f.s, &err), PM_USAGE);
	ck_assert_ptr_null(f.s);
	end(&f);
}
END_TEST

UNIT_MAIN("search", numbers_of_each_width, numbers_with_tags, numbers_in_ranges,
	strings_over_every_border, overlapping_matches, the_longest_form_wins,
	only_memory_that_is_asked_for, permissions_that_nobody_knows,
	holes_are_counted_and_passed, what_cannot_be_looked_for)
