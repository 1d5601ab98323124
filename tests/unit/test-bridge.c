/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What passes between GDB and the module: its tables as several versions
   print them, answers in both byte orders, broken ones. */
#include "gdb/facts.h"
#include "gdb/host.h"
#include "gdb/operand.h"
#include "gdb/response.h"
#include "unit/unit.h"

#include <string.h>

START_TEST(info_inferiors)
{
	static const struct {
		const char *text;
		enum pm_target_kind kind;
		int pid; /* < 0: refused */
		const char *exe;
	} cases[] = {
		{"  Num  Description       Connection           Executable     "
		 "   \n* 1    process 18449     1 (native)           "
		 "/usr/bin/python3.11 \n",
			PM_TARGET_LIVE, 18449, "/usr/bin/python3.11"},
		{"  Num  Description       Connection           Executable     "
		 "   \n* 1    process 18449     1 (core)                       "
		 "        \n",
			PM_TARGET_CORE, 18449, ""},
		{"* 1    process 5 1 (core) /usr/bin/python3 \n"
		 "        core file /tmp/core\n",
			PM_TARGET_CORE, 5, "/usr/bin/python3"},
		{"  1    process 7 1 (native) /bin/a \n"
		 "* 2    process 8 2 (remote localhost:99) /bin/b c \n",
			PM_TARGET_REMOTE, 8, "/bin/b c"},
		{"* 1    Remote target 1 (extended-remote :1) \n",
			PM_TARGET_REMOTE, 0, ""},
		{"* 1    <null>                           /bin/a \n", 0, -1,
			NULL},
		{"", 0, -1, NULL},
		{"no table at all\n", 0, -1, NULL},
	};
	static struct pm_host_facts f;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pm_error err = {0};
		memset(&f, 0, sizeof f);
		enum pm_status s = pm_facts_from_inferiors(
			&f, cases[i].text, strlen(cases[i].text), &err);
		ck_assert_msg(
			(s == PM_OK) == (cases[i].pid >= 0), "case %zu", i);
		if (s != PM_OK)
			continue;
		ck_assert_int_eq(f.kind, cases[i].kind);
		ck_assert_int_eq(f.pid, cases[i].pid);
		ck_assert_str_eq(f.exe_path, cases[i].exe);
	}
}
END_TEST

START_TEST(sysroots)
{
	static const struct {
		enum pm_target_kind kind;
		const char *text, *sysroot;
	} cases[] = {
		{PM_TARGET_LIVE, "target:", ""},
		{PM_TARGET_CORE, "target:", ""},
		{PM_TARGET_CORE, "", ""},
		{PM_TARGET_CORE, "/srv/root/", "/srv/root"},
		{PM_TARGET_REMOTE, "target:", ""},
		{PM_TARGET_REMOTE, "target:/srv", ""},
		{PM_TARGET_REMOTE, "", "/"},
		{PM_TARGET_REMOTE, "/", "/"},
		{PM_TARGET_REMOTE, "/srv", "/srv"},
	};
	static struct pm_host_facts f;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		/* With the NUL and without, as versions of GDB do. */
		size_t n = strlen(cases[i].text);
		f.kind = cases[i].kind;
		pm_facts_from_sysroot(&f, cases[i].text, n);
		ck_assert_str_eq(f.sysroot, cases[i].sysroot);
		pm_facts_from_sysroot(&f, cases[i].text, n + 1);
		ck_assert_str_eq(f.sysroot, cases[i].sysroot);
	}
	static char longer[2 * sizeof f.sysroot];
	memset(longer, '/', sizeof longer);
	pm_facts_from_sysroot(&f, longer, sizeof longer);
	ck_assert_str_eq(f.sysroot, "");
}
END_TEST

START_TEST(cached_lines)
{
	static const char text[] = "Dcache 4096 lines of 64 bytes each.\n"
				   "Contains data for Thread 7.7\n"
				   "Line 0: address 0x400000 [1 hits]\n"
				   "Line 1: address 0x7ffe00 [12 hits]\n";
	size_t n = strlen(text);
	ck_assert(pm_facts_from_cache(0x400000, text, n));
	ck_assert(pm_facts_from_cache(0x7ffe00, text, n));
	ck_assert(!pm_facts_from_cache(0x40000, text, n));
	ck_assert(!pm_facts_from_cache(0x4000000, text, n));
	ck_assert(!pm_facts_from_cache(0x400000, text, 60));
	ck_assert(!pm_facts_from_cache(0x400000, "", 0));
}
END_TEST

START_TEST(info_files)
{
	static struct pm_host_facts f;
	struct pm_error err = {0};
	static const char text[] =
		"\t`/tmp/it's a core', file type elf64-x86-64.\n/lib/libc.so\n";
	ck_assert_int_eq(
		pm_facts_from_files(&f, text, strlen(text), &err), PM_OK);
	ck_assert_str_eq(f.core_path, "/tmp/it's a core");
	ck_assert_int_eq(pm_facts_from_files(&f, "", 0, &err), PM_ABSENT);
}
END_TEST

static void put_words(struct pm_strbuf *b, uint64_t tag, uint64_t v, bool swap)
{
	uint64_t w[2] = {swap ? __builtin_bswap64(tag) : tag,
		swap ? __builtin_bswap64(v) : v};
	pm_strbuf_append(b, w, sizeof w);
}

START_TEST(records_in_both_byte_orders)
{
	for (int swap = 0; swap < 2; swap++) {
		PM_CLEANUP(pm_request_deinit) struct pm_request r = {0};
		struct pm_error err = {0};
		uint64_t v = 0;
		size_t len = 0;
		put_words(&r.bytes, PM_TAG_RECORD | PM_Q_SP, 0x1234, swap);
		put_words(&r.bytes, PM_TAG_BLOCK | PM_Q_COMMAND, 0, swap);
		pm_strbuf_puts(&r.bytes, "py-info -json");
		put_words(&r.bytes, PM_TAG_END | PM_Q_COMMAND, 0, swap);
		pm_strbuf_puts(&r.bytes, "rubbish");
		put_words(&r.bytes, PM_TAG_RECORD | PM_Q_PC, 7, swap);
		put_words(&r.bytes, PM_TAG_BLOCK | PM_Q_FILES, 0, swap);
		pm_strbuf_puts(&r.bytes, "to the end");
		ck_assert_int_eq(pm_request_parse(&r, &err), PM_OK);
		ck_assert(pm_request_value(&r, PM_Q_SP, &v) && v == 0x1234);
		ck_assert(pm_request_value(&r, PM_Q_PC, &v) && v == 7);
		ck_assert(!pm_request_value(&r, PM_Q_INFERIOR, &v));
		const char *p = pm_request_block(&r, PM_Q_COMMAND, &len);
		ck_assert_uint_eq(len, 13);
		ck_assert_mem_eq(p, "py-info -json", 13);
		p = pm_request_block(&r, PM_Q_FILES, &len);
		ck_assert_uint_eq(len, 10);
		ck_assert_mem_eq(p, "to the end", 10);
		ck_assert_ptr_null(pm_request_block(&r, PM_Q_MAPPINGS, &len));
	}
}
END_TEST

START_TEST(requests_cut_anywhere)
{
	pm_auto_strbuf whole = {0};
	put_words(&whole, PM_TAG_RECORD | PM_Q_SP, 1, false);
	put_words(&whole, PM_TAG_BLOCK | PM_Q_COMMAND, 0, false);
	pm_strbuf_puts(&whole, "py-info");
	put_words(&whole, PM_TAG_END | PM_Q_COMMAND, 0, false);
	for (size_t n = 0; n <= whole.len; n++) {
		PM_CLEANUP(pm_request_deinit) struct pm_request r = {0};
		uint64_t v;
		size_t len;
		pm_strbuf_append(&r.bytes, whole.data, n);
		ck_assert_int_eq(pm_request_parse(&r, NULL), PM_OK);
		ck_assert(pm_request_value(&r, PM_Q_SP, &v) == (n >= 16));
		ck_assert((pm_request_block(&r, PM_Q_COMMAND, &len) != NULL) ==
			  (n >= 32));
	}
}
END_TEST

START_TEST(operands)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *type;
		pm_addr addr; /* 0: refused */
		bool reference;
	} cases[] = {
		{"\x10\x20\x30\x40\x50\x7f\0\0", 8, "PyObject *",
			0x7f5040302010, false},
		{"\x10\x20\x30\x40\x50\x7f\0\0", 8, "PyObject *&",
			0x7f5040302010, true},
		{"\x10\x20\x30\x40", 4, "int", 0x40302010, false},
		{"type = x", 8, "char *", 0x78203d2065707974, false},
		{"\x10\x20", 2, "short", 0, false},
		{"12345678", 8, "char [8]", 0, false},
		{"1234567812345678", 16, "struct box", 0, false},
		{"", 0, "void", 0, false},
		{"12345678", 8, NULL, 0, false},
	};
	static const struct pm_command c = {.name = "py-x"};
	char operand[] = "a + b";
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		PM_CLEANUP(pm_request_deinit) struct pm_request r = {0};
		struct pm_run run = {.command = &c, .operand = operand};
		struct pm_error err = {0};
		bool reference = false;
		put_words(&r.bytes, PM_TAG_BLOCK | PM_Q_ADDR, 0, false);
		pm_strbuf_append(&r.bytes, cases[i].bytes, cases[i].len);
		if (cases[i].type)
			pm_strbuf_printf(
				&r.bytes, "type = %s\n", cases[i].type);
		ck_assert_int_eq(pm_request_parse(&r, &err), PM_OK);
		enum pm_status s = pm_operand_take(&run, &r, &reference, &err);
		ck_assert_msg((s == PM_OK) == (cases[i].addr != 0),
			"case %zu: %s", i, err.msg);
		if (s == PM_OK) {
			ck_assert(run.has_addr);
			ck_assert_uint_eq(run.addr, cases[i].addr);
			ck_assert(reference == cases[i].reference);
		} else {
			ck_assert_ptr_nonnull(strstr(err.msg, "\"a + b\""));
		}
	}
}
END_TEST

/* Bytes of two pages at 0x1000, the second ends early. */
static int read_some(uint64_t addr, void *buf, int len)
{
	if (addr < 0x1000 || addr + (uint64_t)len > 0x2800)
		return 1;
	for (int i = 0; i < len; i++)
		((unsigned char *)buf)[i] = (unsigned char)(addr + (unsigned)i);
	return 0;
}

START_TEST(the_host_reads_prefixes)
{
	static struct pm_host_facts f = {.kind = PM_TARGET_REMOTE, .pid = 7};
	PM_CLEANUP(pm_cleanup_target) struct pm_target *t = NULL;
	struct pm_error err = {0};
	unsigned char buf[0x3000];
	ck_assert_int_eq(pm_host_open(read_some, &f, NULL, 0, &t, &err), PM_OK);
	ck_assert(!t->parallel);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1000, buf, 0x1800), 0x1800);
	ck_assert_uint_eq(buf[0x1234], 0x34);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1ff0, buf, 0x20), 0x20);
	ck_assert_uint_eq(pm_target_read_some(t, 0x1008, buf, 0x3000), 0x17f8);
	ck_assert_uint_eq(pm_target_read_some(t, 0x27ff, buf, 9), 1);
	ck_assert_uint_eq(pm_target_read_some(t, 0x2800, buf, 1), 0);
	ck_assert_uint_eq(pm_target_read_some(t, 0xfff, buf, 2), 0);
	ck_assert_uint_eq(pm_target_read_some(t, UINT64_MAX - 4, buf, 16), 0);
}
END_TEST

START_TEST(mappings_of_several_versions)
{
	static const char text[] =
		"process 7\nMapped address spaces:\n\n"
		"          Start Addr           End Addr       Size     Offset "
		" "
		"Perms  objfile\n"
		"      0x560295438000     0x560295439000     0x1000        0x0 "
		" "
		"r--p   /opt/a b/python3\n"
		"      0x560295439000     0x56029543a000     0x1000     0x1000 "
		" "
		"rw-p   [heap]\n"
		"0x00007f0000000000 0x00007f0000001000 0x1000             "
		"0x2000             /lib/libc.so.6 \n"
		"      0x7f0000000800     0x7f0000002000     0x1800        0x0 "
		" "
		"rw-p   \n"
		"      0x7fff00000000     0x7fff00001000     0x1000        0x0 "
		" "
		"rw-s\n"
		"      0x7fff00001000     0x7fff00000000 backwards\n";
	static struct pm_host_facts f = {.kind = PM_TARGET_REMOTE, .pid = 7};
	PM_CLEANUP(pm_cleanup_target) struct pm_target *t = NULL;
	struct pm_error err = {0};
	ck_assert_int_eq(
		pm_host_open(read_some, &f, text, strlen(text), &t, &err),
		PM_OK);
	ck_assert_str_eq(t->name, "remote process 7");
	ck_assert_uint_eq(t->maps.len, 4); /* one overlaps, one is none */
	const struct pm_mapping *m = t->maps.data;
	ck_assert_str_eq(m[0].path, "/opt/a b/python3");
	ck_assert_uint_eq(m[0].flags, PM_MAP_READ);
	ck_assert_uint_eq(m[1].flags, PM_MAP_READ | PM_MAP_WRITE | PM_MAP_HEAP);
	ck_assert_uint_eq(m[1].offset, 0x1000);
	ck_assert_str_eq(m[2].path, "/lib/libc.so.6");
	ck_assert_uint_eq(m[2].flags, 0);
	ck_assert_uint_eq(m[2].offset, 0x2000);
	ck_assert_uint_eq(m[3].start, 0x7fff00000000);
	ck_assert_uint_eq(
		m[3].flags, PM_MAP_READ | PM_MAP_WRITE | PM_MAP_SHARED);
	for (size_t n = 0; n < strlen(text); n++) {
		PM_CLEANUP(pm_cleanup_target) struct pm_target *cut = NULL;
		ck_assert_int_eq(
			pm_host_open(read_some, &f, text, n, &cut, &err),
			PM_OK);
	}
}
END_TEST

START_TEST(shown_text_is_quoted)
{
	PM_CLEANUP(pm_response_deinit) struct pm_response r = {0};
	static const char text[] = "100% \"q\" \\n \xc3\xa9\n\nend\x1b[31m";
	pm_response_show(&r, text, strlen(text));
	ck_assert_str_eq(pm_strbuf_text(&r.shown),
		"printf \"100%% \\\"q\\\" \\\\n \xc3\xa9\\n\"\n"
		"printf \"\\n\"\n"
		"printf \"end?[31m\"\n");
	/* Colours where they are asked for, nothing else. */
	pm_strbuf_reset(&r.shown);
	r.coloured = true;
	static const char more[] =
		"\x1b[0;31mred\x1b[0m \x1b[2J \x1b]0;x\a\x1b[";
	pm_response_show(&r, more, strlen(more));
	ck_assert_str_eq(pm_strbuf_text(&r.shown),
		"printf \"\\e[0;31mred\\e[0m ?[2J ?]0;x??[\"\n");
	pm_response_set_text(&r, "x", "two\nlines %s");
	ck_assert_ptr_nonnull(strstr(
		pm_strbuf_text(&r.flags), "string-noescape two lines %s\n"));
}
END_TEST

UNIT_MAIN("bridge", info_inferiors, sysroots, cached_lines, info_files,
	records_in_both_byte_orders, requests_cut_anywhere, operands,
	the_host_reads_prefixes, mappings_of_several_versions,
	shown_text_is_quoted)
