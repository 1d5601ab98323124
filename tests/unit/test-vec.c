/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/vec.h"
#include "lib/alloc.h"
#include "unit/unit.h"

START_TEST(keeps_what_was_pushed)
{
	PM_VEC(int) v = {0};
	for (int i = 0; i < 1000; i++)
		ck_assert(pm_vec_push(&v, i * 3));
	ck_assert_uint_eq(v.len, 1000);
	ck_assert_uint_ge(v.cap, v.len);
	int expect = 0;
	pm_vec_each (p, &v) {
		ck_assert_int_eq(*p, expect);
		expect += 3;
	}
	ck_assert_int_eq(expect, 3000);
	pm_vec_deinit(&v);
	ck_assert_ptr_null(v.data);
	ck_assert_uint_eq(v.len + v.cap, 0);
}
END_TEST

START_TEST(takes_structs)
{
	struct pair {
		int a, b;
	};
	PM_VEC(struct pair) v = {0};
	ck_assert(pm_vec_push(&v, (struct pair){1, 2}));
	ck_assert_int_eq(v.data[0].b, 2);
	pm_vec_deinit(&v);
}
END_TEST

START_TEST(each_over_nothing)
{
	PM_VEC(int) v = {0};
	unsigned n = 0;
	pm_vec_each (p, &v)
		n++;
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(grows_in_few_steps)
{
	PM_VEC(char) v = {0};
	unsigned moves = 0;
	for (size_t i = 0; i < 1000000; i++) {
		size_t cap = v.cap;
		ck_assert(pm_vec_push(&v, 'x'));
		moves += v.cap != cap;
	}
	ck_assert_uint_lt(moves, 40);
	pm_vec_deinit(&v);
}
END_TEST

START_TEST(refuses_what_overflows)
{
	PM_VEC(uint64_t) v = {0};
	ck_assert(pm_vec_push(&v, 7));
	size_t cap = v.cap;
	ck_assert(!pm_vec_reserve(&v, SIZE_MAX / 4));
	ck_assert(!pm_vec_reserve(&v, SIZE_MAX));
	ck_assert_uint_eq(v.cap, cap);
	ck_assert_uint_eq(v.data[0], 7);
	pm_vec_deinit(&v);
}
END_TEST

START_TEST(unchanged_without_memory)
{
	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		PM_VEC(size_t) v = {0};
		size_t pushed = 0;
		alloc_fail_start();
		while (pushed < 100 && pm_vec_push(&v, pushed))
			pushed++;
		alloc_fail_stop();
		ck_assert(alloc_failed() == (pushed < 100));
		ck_assert_uint_eq(v.len, pushed);
		for (size_t i = 0; i < pushed; i++)
			ck_assert_uint_eq(v.data[i], i);
		pm_vec_deinit(&v);
	}
	ck_assert_uint_gt(alloc_fail_runs(), 3);
}
END_TEST

UNIT_MAIN("vec", keeps_what_was_pushed, takes_structs, each_over_nothing,
	grows_in_few_steps, refuses_what_overflows, unchanged_without_memory)
