/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <string.h>

START_TEST(every_status_has_a_text)
{
#define X(name, text) ck_assert_str_eq(pm_status_text(PM_##name), text);
	PM_STATUSES(X)
#undef X
	ck_assert_str_eq(
		pm_status_text((enum pm_status)1000), "unknown status");
}
END_TEST

START_TEST(says_what_and_where)
{
	struct pm_error err;
	ck_assert_int_eq(
		pm_fail(&err, PM_FAULT, 0x1234, "no %s at %d", "page", 7),
		PM_FAULT);
	ck_assert_int_eq(err.status, PM_FAULT);
	ck_assert_uint_eq(err.addr, 0x1234);
	ck_assert_str_eq(err.msg, "no page at 7");
}
END_TEST

START_TEST(nobody_has_to_listen)
{
	ck_assert_int_eq(pm_fail(NULL, PM_LIMIT, 0, "x"), PM_LIMIT);
	pm_error_context(NULL, "reading %d", 1);
}
END_TEST

START_TEST(context_goes_before)
{
	struct pm_error err;
	pm_fail(&err, PM_CORRUPT, 9, "size %d", -1);
	pm_error_context(&err, "dict keys of %#x", 0xab);
	pm_error_context(&err, "py-object");
	ck_assert_str_eq(err.msg, "py-object: dict keys of 0xab: size -1");
	ck_assert_int_eq(err.status, PM_CORRUPT);
	ck_assert_uint_eq(err.addr, 9);
}
END_TEST

START_TEST(the_last_line_is_the_error)
{
	struct pm_error err;
	pm_fail(&err, PM_USAGE, 0, ".a = 1\n   ^\nwrite \"==\"");
	pm_error_context(&err, "-where");
	pm_error_context(&err, "py-instances");
	ck_assert_str_eq(
		err.msg, ".a = 1\n   ^\npy-instances: -where: write \"==\"");
	ck_assert_str_eq(
		pm_error_last_line(&err), "py-instances: -where: write \"==\"");
}
END_TEST

START_TEST(long_texts_are_cut)
{
	struct pm_error err;
	char text[2 * sizeof err.msg];
	memset(text, 'a', sizeof text);
	/* Every length of message and context around the edge of the store. */
	for (int n = (int)sizeof err.msg - 20; n < (int)sizeof err.msg + 5;
		n++) {
		pm_fail(&err, PM_USAGE, 0, "%.*s", n, text);
		size_t want = (size_t)n < sizeof err.msg ? (size_t)n
							 : sizeof err.msg - 1;
		ck_assert_uint_eq(strlen(err.msg), want);
		pm_error_context(&err, "bb");
		ck_assert_int_eq(strncmp(err.msg, "bb: aaa", 7), 0);
		ck_assert_uint_lt(strlen(err.msg), sizeof err.msg);
		pm_error_context(&err, "%.*s", n, text);
		ck_assert_uint_lt(strlen(err.msg), sizeof err.msg);
	}
}
END_TEST

START_TEST(only_objects_are_forgiven)
{
	ck_assert(!pm_status_is_fatal(PM_OK));
	ck_assert(!pm_status_is_fatal(PM_FAULT));
	ck_assert(!pm_status_is_fatal(PM_CORRUPT));
	ck_assert(!pm_status_is_fatal(PM_ABSENT));
	ck_assert(pm_status_is_fatal(PM_NOMEM));
	ck_assert(pm_status_is_fatal(PM_LIMIT));
	ck_assert(pm_status_is_fatal(PM_INTERRUPTED));
	ck_assert(pm_status_is_fatal(PM_SYSTEM));
	ck_assert(pm_status_is_fatal(PM_USAGE));
}
END_TEST

static enum pm_status twice(enum pm_status s, int *calls)
{
	(*calls)++;
	PM_TRY(s);
	(*calls)++;
	return PM_OK;
}

START_TEST(try_returns_early)
{
	int calls = 0;
	ck_assert_int_eq(twice(PM_OK, &calls), PM_OK);
	ck_assert_int_eq(calls, 2);
	ck_assert_int_eq(twice(PM_ABSENT, &calls), PM_ABSENT);
	ck_assert_int_eq(calls, 3);
}
END_TEST

static char *made(bool give)
{
	pm_auto_free char *p = strdup("x");
	return give ? pm_take(p) : NULL;
}

START_TEST(guards_close_and_give)
{
	int kept;
	{
		pm_auto_fd int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		kept = fd;
		pm_auto_fd int none = -1;
		pm_auto_file FILE *f = NULL;
	}
	ck_assert_int_eq(fcntl(kept, F_GETFD), -1);
	pm_auto_free char *p = made(true);
	ck_assert_str_eq(p, "x");
	ck_assert_ptr_null(made(false));
}
END_TEST

UNIT_MAIN("error", every_status_has_a_text, says_what_and_where,
	nobody_has_to_listen, context_goes_before, the_last_line_is_the_error,
	long_texts_are_cut, only_objects_are_forgiven, try_returns_early,
	guards_close_and_give)
