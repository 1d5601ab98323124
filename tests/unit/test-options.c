/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/commands.h"
#include "command/options.h"
#include "command/run.h"
#include "lib/mini-heap.h"
#include "unit/unit.h"

#include <string.h>

static const struct pm_option own[] = {
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.choices = "count|size|alloc|name",
		.help = "Order of the rows."},
	{.name = "min-size",
		.type = PM_ARG_SIZE,
		.value = "SIZE",
		.help = "Leave out smaller ones."},
	{.name = "type",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Only these types."},
	{.name = "tree", .help = "As a tree."},
	{0},
};

static const struct pm_command with_addr = {
	.name = "py-test",
	.summary = "Test.",
	.options = own,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS,
	.operand = PM_OPERAND_ADDR,
	.operand_help = "ADDR is an address.",
	.doc = "Text.",
	.examples = "py-test 0x10  # what is there\n",
};
static const struct pm_command with_type = {
	.name = "py-type-test", .options = own, .operand = PM_OPERAND_TYPE};
static const struct pm_command with_none = {.name = "py-none-test"};

static struct pm_run run;

static void parse(const struct pm_command *c, const char *line)
{
	struct pm_error err = {0};
	pm_options_deinit(&run);
	run = (struct pm_run){.command = c};
	ck_assert_msg(pm_options_parse(&run, line, &err) == PM_OK, "%s: %s",
		line, err.msg);
}

static void refuse(
	const struct pm_command *c, const char *line, const char *message)
{
	struct pm_error err = {0};
	pm_options_deinit(&run);
	run = (struct pm_run){.command = c};
	ck_assert_msg(pm_options_parse(&run, line, &err) == PM_USAGE,
		"accepted: %s", line);
	ck_assert_str_eq(err.msg, message);
}

START_TEST(every_spelling_of_an_option)
{
	static const char *const spellings[] = {"-top 7 x", "--top 7 x",
		"-top=7 x", "--top=7 x", "  -top   7   x  ", "-to 7 x",
		"-top '7' x", "-top=\"7\" x", "-top 3 -top 7 x",
		"-bytes -top 7 -- x"};
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		parse(&with_addr, spellings[i]);
		ck_assert_uint_eq(run.top, 7);
		ck_assert_str_eq(run.operand, "x");
	}
	pm_options_deinit(&run);
}
END_TEST

START_TEST(values_and_defaults)
{
	parse(&with_addr, "x");
	ck_assert_uint_eq(run.top, 25);
	ck_assert(!pm_run_flag(&run, "tree"));
	ck_assert(!pm_run_given(&run, "sort"));
	ck_assert_str_eq(pm_run_text(&run, "sort", "size"), "size");
	ck_assert_uint_eq(pm_run_number(&run, "min-size", 42), 42);
	parse(&with_addr, "-all -tree -sort s -min-size 2KiB -type 'a b' x");
	ck_assert_uint_eq(run.top, 0);
	ck_assert(pm_run_flag(&run, "tree"));
	ck_assert_str_eq(pm_run_text(&run, "sort", NULL), "size");
	ck_assert_uint_eq(pm_run_number(&run, "sort", 0), 1);
	ck_assert_uint_eq(pm_run_number(&run, "min-size", 0), 2048);
	ck_assert_str_eq(pm_run_text(&run, "type", NULL), "a b");
	pm_options_deinit(&run);
}
END_TEST

START_TEST(numbers_and_sizes)
{
	static const struct {
		const char *text;
		uint64_t count, size; /* UINT64_MAX: refused */
	} cases[] = {
		{"0", 0, 0},
		{"12", 12, 12},
		{"0x20", 32, 32},
		{"3k", 3000, 3072},
		{"3K", 3000, 3072},
		{"2m", 2000000, 2 << 20},
		{"1g", 1000000000, 1 << 30},
		{"4kb", UINT64_MAX, 4096},
		{"4KiB", UINT64_MAX, 4096},
		{"9b", UINT64_MAX, 9},
		{"-1", UINT64_MAX, UINT64_MAX},
		{"1.5", UINT64_MAX, UINT64_MAX},
		{"k", UINT64_MAX, UINT64_MAX},
		{"5x", UINT64_MAX, UINT64_MAX},
		{"0x", UINT64_MAX, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, UINT64_MAX},
		{"99999999999t", UINT64_MAX, UINT64_MAX},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		for (int size = 0; size < 2; size++) {
			char line[64];
			uint64_t want = size ? cases[i].size : cases[i].count;
			const char *option = size ? "min-size" : "top";
			snprintf(line, sizeof line, "-%s %s x", option,
				cases[i].text);
			pm_options_deinit(&run);
			run = (struct pm_run){.command = &with_addr};
			enum pm_status s = pm_options_parse(&run, line, NULL);
			ck_assert_msg((s == PM_OK) == (want != UINT64_MAX),
				"%s", line);
			if (s == PM_OK)
				ck_assert_uint_eq(
					pm_run_number(&run, option, 1), want);
		}
	}
	pm_options_deinit(&run);
}
END_TEST

START_TEST(an_address_is_the_raw_rest)
{
	static const char *const same[] = {"*(PyObject **)($rsp + 8)",
		"frame->f_locals", "-1", "\"unclosed", "a  b -top 3", "x -- y",
		"$py3", "'file.c'::var"};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		char line[80];
		snprintf(line, sizeof line, "-bytes  %s  ", same[i]);
		parse(&with_addr, line);
		ck_assert_str_eq(run.operand, same[i]);
		ck_assert_uint_eq(run.top, 25);
	}
	parse(&with_addr, "-- -x");
	ck_assert_str_eq(run.operand, "-x");
	pm_options_deinit(&run);
}
END_TEST

START_TEST(a_type_may_stand_before_options)
{
	parse(&with_type, "'my mod.*' -sort name");
	ck_assert_str_eq(run.operand, "my mod.*");
	ck_assert_str_eq(pm_run_text(&run, "sort", NULL), "name");
	pm_options_deinit(&run);
}
END_TEST

START_TEST(errors_name_command_option_and_what_is_allowed)
{
	refuse(&with_addr, "-foo x",
		"py-test: unknown option -foo; allowed: -sort, -min-size, "
		"-type, -tree, -top, -all, -bytes, -short, -json, -output");
	refuse(&with_addr, "-t 3 x",
		"py-test: option -t is ambiguous: -type, -tree, -top");
	refuse(&with_addr, "-top", "py-test: option -top needs a value: N");
	refuse(&with_addr, "-sort",
		"py-test: option -sort needs a value: count|size|alloc|name");
	refuse(&with_addr, "-sort foo x",
		"py-test: -sort: \"foo\" is not one of count|size|alloc|name");
	refuse(&with_addr, "-top abc x",
		"py-test: -top: \"abc\" is not a number (20, 5k, 1m)");
	refuse(&with_addr, "-top= 5 x",
		"py-test: -top: \"\" is not a number (20, 5k, 1m)");
	refuse(&with_addr, "-min-size 1.5 x",
		"py-test: -min-size: \"1.5\" is not a size (512, 64k, 10MiB)");
	refuse(&with_addr, "-all=1 x", "py-test: option -all takes no value");
	refuse(&with_addr, "-type 'x",
		"py-test: option -type: a quote is not closed");
	refuse(&with_addr, "-type '' x",
		"py-test: -type: GLOB must not be empty");
	refuse(&with_addr, "-bytes",
		"py-test: an address is missing; usage: py-test [OPTION]... "
		"ADDR");
	refuse(&with_type, "",
		"py-type-test: a type is missing; usage: py-type-test "
		"[OPTION]... TYPE");
	refuse(&with_none, "what",
		"py-none-test: takes no argument, only options: \"what\"");
	refuse(&with_none, "-\033[31m",
		"py-none-test: takes no argument, only options: "
		"\"-\\x1b[31m\"");
	pm_options_deinit(&run);
}
END_TEST

START_TEST(help_has_every_option)
{
	pm_auto_strbuf b = {0};
	pm_command_help(&with_addr, &b);
	ck_assert_str_eq(pm_strbuf_text(&b),
		"Test.\n"
		"Usage: py-test [OPTION]... ADDR\n"
		"\n"
		"Text.\n"
		"\n"
		"ADDR is an address.\n"
		"\n"
		"Options:\n"
		"  -sort count|size|alloc|name\n"
		"                    Order of the rows.\n"
		"  -min-size SIZE    Leave out smaller ones.\n"
		"  -type GLOB        Only these types.\n"
		"  -tree             As a tree.\n"
		"  -top N            Show at most N rows (25); 0 is all.\n"
		"  -all              Show every row.\n"
		"  -bytes            Print sizes as exact numbers of bytes.\n"
		"  -short            Print addresses only, one per line.\n"
		"  -json             Print one JSON document and nothing "
		"else.\n"
		"  -output FILE      Write the result to FILE instead.\n"
		"\n"
		"Examples:\n"
		"  py-test 0x10  # what is there\n");
}
END_TEST

START_TEST(the_table_is_sorted_and_complete)
{
	ck_assert_ptr_nonnull(pm_commands[0]);
	for (size_t i = 0; pm_commands[i]; i++) {
		const struct pm_command *c = pm_commands[i];
		if (i)
			ck_assert_str_lt(pm_commands[i - 1]->name, c->name);
		ck_assert_int_eq(strncmp(c->name, "py-", 3), 0);
		ck_assert(c->step != NULL);
		ck_assert_msg(
			c->summary && c->summary[strlen(c->summary) - 1] == '.',
			"%s: the summary is a sentence", c->name);
		ck_assert_ptr_eq(pm_command_find(c->name, strlen(c->name)), c);
		ck_assert_ptr_null(
			pm_command_find(c->name, strlen(c->name) - 1));
		pm_auto_strbuf help = {0};
		pm_command_help(c, &help);
		/* It would end GDB's "document". */
		ck_assert_ptr_null(strstr(pm_strbuf_text(&help), "\nend\n"));
	}
}
END_TEST

START_TEST(no_option_hides_another)
{
	for (size_t k = 0; pm_commands[k]; k++) {
		const struct pm_command *c = pm_commands[k];
		const struct pm_option *a, *b;
		for (size_t i = 0; (a = pm_command_option(c, i)); i++) {
			ck_assert_ptr_nonnull(a->help);
			for (size_t j = 0; j < i; j++) {
				b = pm_command_option(c, j);
				ck_assert_str_ne(a->name, b->name);
			}
			if (a->type == PM_ARG_CHOICE)
				ck_assert_ptr_nonnull(a->choices);
			else if (a->type != PM_ARG_FLAG)
				ck_assert_ptr_nonnull(a->value);
		}
	}
}
END_TEST

START_TEST(settings_are_set_and_shown)
{
	static const struct {
		const char *line, *error;
	} cases[] = {
		{"py-set fast-reads off", NULL},
		{"py-set debug off", NULL},
		{"py-set repr-limit 12", NULL},
		{"py-set stable-ids on", NULL},
		{"py-set", NULL},
		{"py-set nonsense",
			"py-set: no setting \"nonsense\"; there are: "
			"debug-info, fast-reads, repr-limit, stable-ids, "
			"table"},
		{"py-set fast-reads maybe",
			"py-set: fast-reads is on or off, not \"maybe\""},
		{"py-set repr-limit -- -5",
			"py-set: repr-limit is a number from 0 to 1000000, not "
			"\"-5\""},
		{"py-set repr-limit 1000001",
			"py-set: repr-limit is a number from 0 to 1000000, not "
			"\"1000001\""},
		{"py-nothing", "no command \"py-nothing\""},
	};
	struct pm_session s;
	pm_session_init(&s);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pm_error err = {0};
		PM_CLEANUP(pm_cleanup_run) struct pm_run *r = NULL;
		bool done = false;
		enum pm_status st = pm_run_create(&s, cases[i].line, &r, &err);
		if (!st)
			st = pm_run_start(r, &err);
		if (!st)
			st = pm_run_step(r, &done, &err);
		ck_assert_msg((st != PM_OK) == (cases[i].error != NULL),
			"%s: %s", cases[i].line, err.msg);
		if (cases[i].error)
			ck_assert_str_eq(err.msg, cases[i].error);
		else
			ck_assert(done);
	}
	ck_assert(!s.fast_reads && !s.use_debug_info && s.stable_ids);
	ck_assert_uint_eq(s.repr_limit, 12);
	pm_session_deinit(&s);
}
END_TEST

static void read_file(const char *path, char *buf, size_t cap)
{
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	buf[fread(buf, 1, cap - 1, f)] = '\0';
	fclose(f);
}

START_TEST(output_replaces_a_file_at_once)
{
	char dir[] = "/tmp/test-options-XXXXXX", path[64], line[128];
	char text[2048];
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/out put", dir);
	snprintf(line, sizeof line, "py-set -output '%s'", path);
	struct pm_session s;
	pm_session_init(&s);
	for (int again = 0; again < 2; again++) {
		struct pm_error err = {0};
		PM_CLEANUP(pm_cleanup_run) struct pm_run *r = NULL;
		struct pm_result res;
		bool done;
		ck_assert_int_eq(pm_run_create(&s, line, &r, &err), PM_OK);
		ck_assert_int_eq(pm_run_start(r, &err), PM_OK);
		ck_assert_int_eq(pm_run_step(r, &done, &err), PM_OK);
		ck_assert_int_eq(pm_run_result(r, &res, &err), PM_OK);
		ck_assert_int_eq(strncmp(res.text, "written to ", 11), 0);
		read_file(path, text, sizeof text);
		ck_assert_int_eq(strncmp(text, "SETTING", 7), 0);
	}
	ck_assert_int_eq(unlink(path), 0);
	/* Nothing else was left in there. */
	ck_assert_int_eq(rmdir(dir), 0);

	struct pm_error err = {0};
	PM_CLEANUP(pm_cleanup_run) struct pm_run *r = NULL;
	struct pm_result res;
	bool done;
	ck_assert_int_eq(pm_run_create(&s, line, &r, &err), PM_OK);
	ck_assert_int_eq(pm_run_start(r, &err), PM_OK);
	ck_assert_int_eq(pm_run_step(r, &done, &err), PM_OK);
	ck_assert_int_eq(pm_run_result(r, &res, &err), PM_SYSTEM);
	ck_assert_ptr_nonnull(strstr(err.msg, "No such file or directory"));
	ck_assert_int_eq(strncmp(err.msg, "py-set: ", 8), 0);
	pm_session_deinit(&s);
}
END_TEST

static void check_says(
	struct pm_session *s, const char *line, const char *text, bool says)
{
	struct pm_error err = {0};
	PM_CLEANUP(pm_cleanup_run) struct pm_run *r = NULL;
	struct pm_result res;
	bool done = false;
	ck_assert_int_eq(pm_run_create(s, line, &r, &err), PM_OK);
	ck_assert_int_eq(pm_session_ensure(s, &err), PM_OK);
	ck_assert_int_eq(pm_run_start(r, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_run_step(r, &done, &err), PM_OK);
	ck_assert_int_eq(pm_run_result(r, &res, &err), PM_OK);
	ck_assert_msg((strstr(res.text, text) != NULL) == says, "%s", res.text);
}

START_TEST(each_answer_says_that_the_core_is_cut_off)
{
	struct mini_heap h;
	struct pm_session s;
	mini_heap_init(&h, pm_rows[0]);
	pm_session_init(&s);
	s.target = h.m.t;
	s.layout = h.m.l;
	s.modules = h.m.ms;
	s.reader = "image";
	for (int cut = 0; cut < 2; cut++) {
		h.m.t->truncated = cut;
		for (int again = 0; again < 2; again++)
			check_says(&s, "py-arena-stats", "TRUNCATED", cut);
		check_says(
			&s, "py-arena-stats -json", "\"core_truncated\"", cut);
		check_says(&s, "py-set", "TRUNCATED", false);
	}
	s.target = NULL;
	s.layout = NULL;
	s.modules = (struct pm_modules){0};
	pm_session_deinit(&s);
	mini_heap_deinit(&h);
}
END_TEST

UNIT_MAIN("options", every_spelling_of_an_option, values_and_defaults,
	numbers_and_sizes, an_address_is_the_raw_rest,
	a_type_may_stand_before_options,
	errors_name_command_option_and_what_is_allowed, help_has_every_option,
	the_table_is_sorted_and_complete, no_option_hides_another,
	settings_are_set_and_shown, output_replaces_a_file_at_once,
	each_answer_says_that_the_core_is_cut_off)
