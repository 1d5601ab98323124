/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/map.h"
#include "lib/alloc.h"
#include "unit/unit.h"

START_TEST(empty_finds_nothing)
{
	struct pm_map m = {0};
	ck_assert_ptr_null(pm_map_find(&m, 1));
	pm_map_deinit(&m);
}
END_TEST

/* Addresses of one pool, of one arena, and keys that differ in the low or the
   high bits only: what linear probing could stumble over. */
static uint64_t key_of(unsigned pattern, uint64_t i)
{
	switch (pattern) {
	case 0:
		return 0x7f0000000000 + i * 16;
	case 1:
		return 0x7f0000000000 + i * 4096;
	case 2:
		return i + 1;
	default:
		return (i + 1) << 40;
	}
}

START_TEST(finds_what_was_put)
{
	for (unsigned pattern = 0; pattern < 4; pattern++) {
		struct pm_map m = {0};
		for (uint64_t i = 0; i < 20000; i++) {
			bool new = false;
			struct pm_map_slot *s =
				pm_map_put(&m, key_of(pattern, i), &new);
			ck_assert_ptr_nonnull(s);
			ck_assert(new);
			ck_assert_uint_eq(s->value, 0);
			s->value = i;
		}
		ck_assert_uint_eq(m.len, 20000);
		ck_assert_uint_le(m.len * 2, (size_t)1 << m.bits);
		for (uint64_t i = 0; i < 20000; i++) {
			struct pm_map_slot *s =
				pm_map_find(&m, key_of(pattern, i));
			ck_assert_ptr_nonnull(s);
			ck_assert_uint_eq(s->value, i);
		}
		ck_assert_ptr_null(pm_map_find(&m, key_of(pattern, 20000)));
		pm_map_deinit(&m);
	}
}
END_TEST

START_TEST(puts_once)
{
	struct pm_map m = {0};
	bool new = false;
	pm_map_put(&m, 42, &new)->value = 5;
	ck_assert(new);
	struct pm_map_slot *s = pm_map_put(&m, 42, &new);
	ck_assert(!new);
	ck_assert_uint_eq(s->value, 5);
	ck_assert_uint_eq(m.len, 1);
	ck_assert_ptr_eq(pm_map_put(&m, 42, NULL), s);
	pm_map_deinit(&m);
}
END_TEST

START_TEST(unchanged_without_memory)
{
	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		struct pm_map m = {0};
		uint64_t n = 0;
		alloc_fail_start();
		while (n < 500) {
			struct pm_map_slot *s = pm_map_put(&m, n + 1, NULL);
			if (!s)
				break;
			s->value = n++;
		}
		alloc_fail_stop();
		ck_assert(alloc_failed() == (n < 500));
		ck_assert_uint_eq(m.len, n);
		for (uint64_t i = 0; i < n; i++)
			ck_assert_uint_eq(pm_map_find(&m, i + 1)->value, i);
		ck_assert_ptr_null(pm_map_find(&m, n + 1));
		pm_map_deinit(&m);
	}
	ck_assert_uint_gt(alloc_fail_runs(), 3);
}
END_TEST

UNIT_MAIN("map", empty_finds_nothing, finds_what_was_put, puts_once,
	unchanged_without_memory)
