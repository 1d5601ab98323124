/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A unit test program is one suite of libcheck; make check counts each case
   (CK_TAP_LOG_FILE_NAME is set).  By hand: ./test-x; CK_FORK=no under gdb or
   valgrind. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

static inline int unit_run(
	const char *name, const TTest *const *tests, size_t n)
{
	Suite *suite = suite_create(name);
	for (size_t i = 0; i < n; i++) {
		TCase *tcase = tcase_create(tests[i]->name);
		tcase_set_timeout(tcase, 300); /* of a hang */
		tcase_add_test(tcase, tests[i]);
		suite_add_tcase(suite, tcase);
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Built for another machine and run by an emulator: what /proc tells is of the
   emulator, too. */
static inline bool unit_is_emulated(void)
{
	const char *emulator = getenv("EMULATOR");
	return emulator && *emulator;
}

/* UNIT_MAIN("vec", test_a, test_b): main over START_TEST names. */
#define UNIT_MAIN(name, ...)                                                   \
	int main(void)                                                         \
	{                                                                      \
		const TTest *const tests[] = {__VA_ARGS__};                    \
		return unit_run(name, tests, sizeof tests / sizeof *tests);    \
	}

#endif
