/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strbuf.h"
#include "lib/alloc.h"
#include "unit/unit.h"

#include <string.h>

START_TEST(empty_is_a_string)
{
	pm_auto_strbuf b = {0};
	ck_assert_str_eq(pm_strbuf_text(&b), "");
	pm_strbuf_truncate(&b, 0);
	pm_strbuf_reset(&b);
	pm_strbuf_append(&b, NULL, 0);
	ck_assert_str_eq(pm_strbuf_text(&b), "");
}
END_TEST

START_TEST(appends_in_every_way)
{
	pm_auto_strbuf b = {0};
	pm_strbuf_puts(&b, "ab");
	pm_strbuf_putc(&b, 'c');
	pm_strbuf_append(&b, "de\0f", 4);
	pm_strbuf_printf(&b, "%d-%s", 12, "x");
	ck_assert_uint_eq(b.len, 11);
	ck_assert_mem_eq(b.data, "abcde\0f12-x", 12);
	pm_strbuf_truncate(&b, 2);
	ck_assert_str_eq(pm_strbuf_text(&b), "ab");
	pm_strbuf_truncate(&b, 100);
	ck_assert_uint_eq(b.len, 2);
	pm_strbuf_reset(&b);
	pm_strbuf_puts(&b, "z");
	ck_assert_str_eq(pm_strbuf_text(&b), "z");
}
END_TEST

START_TEST(formats_of_any_length)
{
	char text[600];
	memset(text, 'q', sizeof text);
	for (int n = 250; n < 262; n++) {
		pm_auto_strbuf b = {0};
		pm_strbuf_printf(&b, "<%.*s>", n, text);
		ck_assert_uint_eq(b.len, (size_t)n + 2);
		ck_assert_uint_eq(strlen(b.data), b.len);
		ck_assert_int_eq(b.data[b.len - 1], '>');
	}
}
END_TEST

START_TEST(refuses_what_overflows)
{
	pm_auto_strbuf b = {0};
	pm_strbuf_puts(&b, "kept");
	pm_strbuf_append(&b, "", SIZE_MAX - 1);
	ck_assert(b.failed);
	ck_assert_str_eq(pm_strbuf_text(&b), "kept");
}
END_TEST

static void check_escaped(const char *bytes, size_t len, const char *expect)
{
	pm_auto_strbuf b = {0};
	pm_strbuf_escaped(&b, bytes, len);
	ck_assert_str_eq(pm_strbuf_text(&b), expect);
}
#define ESCAPED(literal, expect)                                               \
	check_escaped(literal, sizeof literal - 1, expect)

START_TEST(terminal_never_sees_raw_bytes)
{
	ESCAPED("plain 'text' \\ \"x\"", "plain 'text' \\ \"x\"");
	ESCAPED("\x1b[31m", "\\x1b[31m");
	ESCAPED("a\nb\tc\rd\0e", "a\\nb\\tc\\rd\\x00e");
	ESCAPED("\x7f", "\\x7f");
	ESCAPED("\xc2\x9b", "\\x9b");		    /* C1 CSI */
	ESCAPED("\xe2\x80\xae", "\\u202e");	    /* right-to-left */
	ESCAPED("\xe2\x81\xa6", "\\u2066");	    /* isolate */
	ESCAPED("\xef\xbb\xbf", "\\ufeff");	    /* byte order mark */
	ESCAPED("\xf3\xa0\x81\x81", "\\U000e0041"); /* tag letter */
	ESCAPED("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8d",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8d");
}
END_TEST

START_TEST(bad_utf8_is_shown_as_bytes)
{
	ESCAPED("\xff\xfe", "\\xff\\xfe");
	ESCAPED("\x80", "\\x80");
	ESCAPED("\xc3", "\\xc3"); /* cut short */
	ESCAPED("\xc3(", "\\xc3(");
	ESCAPED("\xe2\x82", "\\xe2\\x82");
	ESCAPED("\xf0\x9f\x90", "\\xf0\\x9f\\x90");
	ESCAPED("\xc0\xaf", "\\xc0\\xaf"); /* overlong */
	ESCAPED("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	ESCAPED("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
	ESCAPED("\xed\xa0\x80", "\\ud800"); /* a lone surrogate */
	ESCAPED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* > 10ffff */
	ESCAPED("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
}
END_TEST

START_TEST(every_byte_pair_ends_printable)
{
	for (unsigned i = 0; i < 0x10000; i++) {
		char pair[2] = {(char)(i >> 8), (char)i};
		pm_auto_strbuf b = {0};
		pm_strbuf_escaped(&b, pair, sizeof pair);
		ck_assert(!b.failed);
		ck_assert_uint_gt(b.len, 0);
		for (size_t k = 0; k < b.len; k++)
			ck_assert_uint_ge((unsigned char)b.data[k], 0x20);
	}
}
END_TEST

static void check_code_point(uint32_t cp, char quote, const char *expect)
{
	pm_auto_strbuf b = {0};
	pm_strbuf_code_point(&b, cp, quote);
	ck_assert_str_eq(pm_strbuf_text(&b), expect);
}

START_TEST(quotes_as_repr_does)
{
	check_code_point('\'', '\'', "\\'");
	check_code_point('\'', '"', "'");
	check_code_point('\\', '\'', "\\\\");
	check_code_point('\\', 0, "\\");
	check_code_point('\'', 0, "'");
	check_code_point(0xd83d, '\'', "\\ud83d");
	check_code_point(0xa0, '\'', "\\xa0");
	check_code_point(0xe9, '\'', "\xc3\xa9");
	check_code_point(0xffff, '\'', "\\uffff");
	check_code_point(0x10ffff, '\'', "\\U0010ffff");
	check_code_point(0xffffffff, '\'', "\\Uffffffff");
}
END_TEST

START_TEST(remembers_no_memory)
{
	char text[400];
	memset(text, 'q', sizeof text);
	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		struct pm_strbuf b = {0};
		alloc_fail_start();
		pm_strbuf_puts(&b, "one ");
		pm_strbuf_printf(&b, "%.*s", (int)sizeof text, text);
		for (int i = 0; i < 100; i++)
			pm_strbuf_printf(&b, " %d", i);
		alloc_fail_stop();
		ck_assert(b.failed == alloc_failed());
		ck_assert_uint_eq(strlen(pm_strbuf_text(&b)), b.len);
		if (!b.failed)
			ck_assert_str_eq(b.data + b.len - 6, " 98 99");
		pm_strbuf_reset(&b);
		ck_assert(!b.failed);
		pm_strbuf_deinit(&b);
	}
	ck_assert_uint_gt(alloc_fail_runs(), 3);
}
END_TEST

UNIT_MAIN("strbuf", empty_is_a_string, appends_in_every_way,
	formats_of_any_length, refuses_what_overflows,
	terminal_never_sees_raw_bytes, bad_utf8_is_shown_as_bytes,
	every_byte_pair_ends_printable, quotes_as_repr_does,
	remembers_no_memory)
