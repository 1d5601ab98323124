/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/emit.h"
#include "unit/unit.h"

#include <jansson.h>
#include <string.h>

static const struct pm_column columns[] = {
	{"rank", "#", PM_CELL_INT},
	{"count", "COUNT", PM_CELL_COUNT},
	{NULL, "%", PM_CELL_PERCENT},
	{"size", "SIZE", PM_CELL_SIZE},
	{"at", "ADDRESS", PM_CELL_ADDR},
	{"hidden", NULL, PM_CELL_BOOL},
	{"type", "TYPE", PM_CELL_TEXT},
};
#define N (sizeof columns / sizeof *columns)

static void emit_rows(struct pm_emit *e, size_t rows, size_t limit)
{
	pm_emit_table(e, "rows", columns, N, limit);
	for (size_t i = 0; i < rows; i++) {
		const struct pm_cell cells[N] = {
			{.i = (int64_t)i + 1},
			{.u = 1234567 / (i + 1)},
			{.d = 50.0 / (double)(i + 1)},
			{.u = UINT64_C(3) << (40 - 10 * (i % 4))},
			{.u = 0x7f0000001000 + i * 16},
			{.b = i == 0},
			{.text = i % 2 ? "b\xc3\xa9ta" : "dict"},
		};
		pm_emit_row(e, cells, cells[4].u);
	}
	const struct pm_cell total[N] = {{.absent = true}, {.u = 99},
		{.d = 100}, {.u = 4096}, {.absent = true}, {.absent = true},
		{.text = "total"}};
	pm_emit_total(e, total);
	pm_emit_table_end(e);
}

static const char *finish(struct pm_emit *e, size_t *ret_nvars,
	const struct pm_emit_variable **ret_vars)
{
	const char *text = NULL;
	const struct pm_emit_variable *vars = NULL;
	size_t len = 0, nvars = 0;
	struct pm_error err = {0};
	ck_assert_msg(
		pm_emit_finish(e, &text, &len, &vars, &nvars, &err) == PM_OK,
		"%s", err.msg);
	ck_assert_uint_eq(strlen(text), len);
	if (ret_vars)
		*ret_vars = vars;
	if (ret_nvars)
		*ret_nvars = nvars;
	return text;
}

static json_t *parse(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	ck_assert_msg(j != NULL, "%s: %s", e.text, text);
	return j;
}

START_TEST(aligns_columns)
{
	struct pm_emit_options o = {0};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	emit_rows(e, 3, 0);
	ck_assert_str_eq(finish(e, NULL, NULL),
		"#      COUNT       %     SIZE  ADDRESS         TYPE\n"
		"1  1,234,567   50.0%  3.0 TiB  0x7f0000001000  dict\n"
		"2    617,283   25.0%  3.0 GiB  0x7f0000001010  "
		"b\xc3\xa9ta\n"
		"3    411,522   16.7%  3.0 MiB  0x7f0000001020  dict\n"
		"-         99  100.0%  4.0 KiB  -               total\n");
}
END_TEST

START_TEST(says_how_many_rows_are_left_out)
{
	struct pm_emit_options o = {.bytes = true};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	size_t nvars = 0;
	const struct pm_emit_variable *vars = NULL;
	emit_rows(e, 5, 2);
	const char *text = finish(e, &nvars, &vars);
	ck_assert_ptr_nonnull(strstr(text, "3,298,534,883,328"));
	ck_assert_ptr_nonnull(
		strstr(text, "total\n3 more rows (-all shows them)\n"));
	ck_assert_ptr_null(strstr(text, "0x7f0000001020"));
	ck_assert_uint_eq(nvars, 2);
	ck_assert_str_eq(vars[1].name, "py2");
	ck_assert_uint_eq(vars[1].value, 0x7f0000001010);
	ck_assert(vars[1].pointer);
}
END_TEST

START_TEST(one_row_left_out)
{
	struct pm_emit_options o = {0};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	emit_rows(e, 3, 2);
	ck_assert_ptr_nonnull(strstr(
		finish(e, NULL, NULL), "\n1 more row (-all shows it)\n"));
}
END_TEST

START_TEST(json_is_one_document)
{
	struct pm_emit_options o = {.format = PM_EMIT_JSON};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	pm_emit_line(e, "not in JSON");
	emit_rows(e, 3, 2);
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "count", UINT64_MAX);
	pm_emit_int(e, "least", INT64_MIN);
	pm_emit_addr(e, "addr", 0x10);
	pm_emit_bool(e, "yes", true);
	pm_emit_null(e, "nothing");
	pm_emit_real(e, "share", 0.5);
	pm_emit_real(e, "infinite", __builtin_inf());
	pm_emit_text(e, "text", "a \"quoted\"\n\\ \x01 \xc3\xa9");
	pm_emit_text(e, "broken", "\xff\xfe");
	pm_emit_close(e);
	pm_emit_open_array(e, "list");
	pm_emit_uint(e, NULL, 1);
	pm_emit_uint(e, NULL, 2);
	pm_emit_close(e);
	const char *text = finish(e, NULL, NULL);
	/* jansson has no unsigned 64 bits. */
	ck_assert_ptr_nonnull(strstr(text, "18446744073709551615"));
	char *copy = strdup(text), *max = strstr(copy, "18446744073709551615");
	*max = '9';
	memset(max + 1, ' ', 19);
	json_t *j = parse(copy);
	const char *addr, *command, *t, *broken;
	json_int_t count, one;
	ck_assert_int_eq(json_unpack(j,
				 "{s:s, s:[{s:s},{}], s:{s:I,s:s,s:s},"
				 "s:[I,i]}",
				 "command", &command, "rows", "at", &addr,
				 "total", "count", &count, "text", &t, "broken",
				 &broken, "list", &one, &(int){0}),
		0);
	ck_assert_str_eq(command, "py-x");
	ck_assert_str_eq(addr, "0x7f0000001000");
	ck_assert_int_eq(count, 9);
	ck_assert_str_eq(t, "a \"quoted\"\n\\ \x01 \xc3\xa9");
	ck_assert_str_eq(broken, "\\xff\\xfe");
	ck_assert_uint_eq(json_array_size(json_object_get(j, "rows")), 2);
	json_t *row = json_array_get(json_object_get(j, "rows"), 0);
	ck_assert_uint_eq(json_object_size(row), 6); /* no percentage */
	ck_assert(json_is_true(json_object_get(row, "hidden")));
	json_t *skipped = json_object_get(j, "skipped");
	ck_assert_int_eq(
		json_integer_value(json_object_get(skipped, "unreadable")), 0);
	json_t *total = json_object_get(j, "total");
	ck_assert(json_is_null(json_object_get(total, "infinite")));
	json_decref(j);
	free(copy);
}
END_TEST

/* As many as a command has, and the caller's own end before the rows come. */
START_TEST(columns_without_limit)
{
	enum { MANY = 70 };
	static const enum pm_emit_format formats[] = {
		PM_EMIT_JSON, PM_EMIT_TEXT};
	for (unsigned f = 0; f < 2; f++) {
		struct pm_emit_options o = {.format = formats[f]};
		PM_CLEANUP(pm_cleanup_emit)
		struct pm_emit *e = pm_emit_create("py-x", &o);
		char names[MANY][8];
		struct pm_column many[MANY];
		struct pm_cell cells[MANY];
		for (unsigned i = 0; i < MANY; i++) {
			snprintf(names[i], sizeof names[i], "c%u", i);
			many[i] = (struct pm_column){
				names[i], names[i], PM_CELL_COUNT};
			cells[i] = (struct pm_cell){.u = 1000 + i};
		}
		pm_emit_table(e, "rows", many, MANY, 0);
		memset(many, 0, sizeof many);
		pm_emit_row(e, cells, 0);
		pm_emit_table_end(e);
		const char *text = finish(e, NULL, NULL);
		ck_assert_ptr_nonnull(strstr(text, "c69"));
		ck_assert_ptr_nonnull(
			strstr(text, f ? "1,069" : "\"c69\": 1069"));
	}
}
END_TEST

START_TEST(json_without_anything)
{
	struct pm_emit_options o = {.format = PM_EMIT_JSON};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	pm_emit_table(e, "rows", columns, N, 0);
	json_t *j = parse(finish(e, NULL, NULL));
	ck_assert_uint_eq(json_array_size(json_object_get(j, "rows")), 0);
	ck_assert_uint_eq(json_object_size(j), 3);
	json_decref(j);
}
END_TEST

START_TEST(json_left_open_fails)
{
	struct pm_emit_options o = {.format = PM_EMIT_JSON};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	const char *text;
	size_t len, nvars;
	const struct pm_emit_variable *vars;
	struct pm_error err;
	pm_emit_open_object(e, "total");
	ck_assert(pm_emit_finish(e, &text, &len, &vars, &nvars, &err) != PM_OK);
}
END_TEST

START_TEST(skipped_is_said)
{
	for (int json = 0; json < 2; json++) {
		struct pm_emit_options o = {
			.format = json ? PM_EMIT_JSON : PM_EMIT_TEXT};
		PM_CLEANUP(pm_cleanup_emit)
		struct pm_emit *e = pm_emit_create("py-x", &o);
		pm_emit_skipped(e, 1234, 1);
		const char *text = finish(e, NULL, NULL);
		ck_assert_ptr_nonnull(strstr(text,
			json ? "{\"unreadable\": 1234, \"inconsistent\": 1}"
			     : "skipped: 1,234 unreadable, 1 inconsistent\n"));
	}
}
END_TEST

START_TEST(short_is_addresses_only)
{
	struct pm_emit_options o = {.format = PM_EMIT_SHORT};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	pm_emit_line(e, "not here");
	emit_rows(e, 3, 2);
	ck_assert_str_eq(
		finish(e, NULL, NULL), "0x7f0000001000\n0x7f0000001010\n");
}
END_TEST

START_TEST(stable_ids_in_order_of_appearance)
{
	struct pm_emit_options o = {.stable_ids = true};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	pm_emit_line(e, "at 0x7f0000001010, offset 0x28");
	emit_rows(e, 2, 0);
	pm_emit_line(e, "0x7f0000001010 0x7f0000001000 0x0");
	const char *text = finish(e, NULL, NULL);
	ck_assert_int_eq(strncmp(text, "at #1, offset 0x28\n", 19), 0);
	ck_assert_ptr_nonnull(strstr(text, "\n#1 #2 0x0\n"));
	ck_assert_ptr_null(strstr(text, "0x7f"));
}
END_TEST

START_TEST(a_narrow_terminal_cuts_the_last_text)
{
	struct pm_emit_options o = {.width = 54};
	static const struct pm_column two[] = {
		{"n", "N", PM_CELL_COUNT},
		{"text", "TEXT", PM_CELL_TEXT},
	};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	char text[101];
	memset(text, 'x', 100);
	text[100] = '\0';
	pm_emit_table(e, "rows", two, 2, 0);
	pm_emit_row(e, (struct pm_cell[]){{.u = 1}, {.text = text}}, 0);
	const char *out = finish(e, NULL, NULL);
	const char *line = strchr(out, '\n') + 1;
	/* The ellipsis is three bytes wide and one column. */
	ck_assert_uint_eq(strcspn(line, "\n"), 54 + 2);
	ck_assert_ptr_nonnull(strstr(line, "x\xe2\x80\xa6\n"));
}
END_TEST

START_TEST(wide_text_keeps_columns)
{
	struct pm_emit_options o = {0};
	static const struct pm_column two[] = {
		{"text", "TEXT", PM_CELL_TEXT},
		{"n", "N", PM_CELL_COUNT},
	};
	PM_CLEANUP(pm_cleanup_emit)
	struct pm_emit *e = pm_emit_create("py-x", &o);
	pm_emit_table(e, "rows", two, 2, 0);
	/* Two columns each; a combining accent has none. */
	pm_emit_row(e,
		(struct pm_cell[]){
			{.text = "\xe6\x97\xa5\xe6\x9c\xac"}, {.u = 1}},
		0);
	pm_emit_row(e,
		(struct pm_cell[]){{.text = "e\xcc\x81"
					    "abc"},
			{.u = 2}},
		0);
	ck_assert_str_eq(finish(e, NULL, NULL),
		"TEXT  N\n\xe6\x97\xa5\xe6\x9c\xac  1\ne\xcc\x81"
		"abc  2\n");
}
END_TEST

START_TEST(html_escapes_all_of_it)
{
	const struct pm_emit_options o = {.format = PM_EMIT_HTML};
	static const struct pm_column shown[] = {
		{"type", "<TYPE>", PM_CELL_TEXT},
		{"size", "SIZE", PM_CELL_SIZE},
		{"hidden", NULL, PM_CELL_COUNT},
		{NULL, "N", PM_CELL_INT},
	};
	struct pm_emit *e = pm_emit_create("py-x", &o);
	pm_emit_line(e, "%s", "");
	pm_emit_line(e, "%s", "<script>\"&'");
	pm_emit_line(e, "%s", "more");
	pm_emit_table(e, "rows\"", shown, 4, 1);
	pm_emit_row(e,
		(struct pm_cell[]){
			{.text = "</td>"}, {.u = 2048}, {.u = 7}, {.i = -3}},
		0);
	pm_emit_row(e,
		(struct pm_cell[]){{.text = ""}, {.u = 0}, {.u = 0}, {.i = 0}},
		0);
	pm_emit_total(e, (struct pm_cell[]){{.text = NULL}, {.u = 1}, {.u = 0},
				 {.absent = true}});
	pm_emit_table_end(e);
	ck_assert(pm_emit_shows_pictures(e));
	pm_emit_picture(e, "<?xml version=\"1.0\"?>\n<svg><g/></svg>\n");
	ck_assert_str_eq(finish(e, NULL, NULL),
		"<pre>&lt;script&gt;&quot;&amp;&#39;\nmore\n</pre>\n"
		"<div class=\"wide\"><table data-key=\"rows&quot;\">\n"
		"<thead><tr><th data-key=\"type\">&lt;TYPE&gt;</th>"
		"<th class=\"num\" data-key=\"size\">SIZE</th>"
		"<th class=\"num\">N</th></tr></thead>\n<tbody>\n"
		"<tr><td>&lt;/td&gt;</td>"
		"<td class=\"num\" title=\"2,048 bytes\" "
		"data-value=\"2048\">2.0 KiB</td>"
		"<td class=\"num\" data-value=\"-3\">-3</td></tr>\n"
		"<tr class=\"total\"><td></td>"
		"<td class=\"num\" title=\"1 bytes\" data-value=\"1\">"
		"1 B</td><td class=\"num\">-</td></tr>\n"
		"</tbody></table></div>\n"
		"<pre>1 more row (-all shows it)\n</pre>\n"
		"<div class=\"wide\">\n<svg><g/></svg>\n</div>\n");
}
END_TEST

START_TEST(pictures_are_for_pages)
{
	const struct pm_emit_options o = {.format = PM_EMIT_TEXT};
	struct pm_emit *e = pm_emit_create("py-x", &o);
	ck_assert(!pm_emit_shows_pictures(e));
	pm_emit_picture(e, "<svg/>");
	ck_assert_str_eq(finish(e, NULL, NULL), "");
}
END_TEST

START_TEST(human_sizes)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1, "1 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{102348, "99.9 KiB"},
		{102399, "100 KiB"},
		{1047961, "1023 KiB"},
		{1048575, "1.0 MiB"},
		{UINT64_C(1) << 30, "1.0 GiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char buf[16];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_str_eq(
			pm_human_size(cases[i].bytes, buf), cases[i].text);
}
END_TEST

START_TEST(grouped_digits)
{
	char buf[28];
	ck_assert_str_eq(pm_grouped(0, buf), "0");
	ck_assert_str_eq(pm_grouped(999, buf), "999");
	ck_assert_str_eq(pm_grouped(1000, buf), "1,000");
	ck_assert_str_eq(
		pm_grouped(UINT64_MAX, buf), "18,446,744,073,709,551,615");
}
END_TEST

UNIT_MAIN("emit", aligns_columns, says_how_many_rows_are_left_out,
	one_row_left_out, json_is_one_document, columns_without_limit,
	json_without_anything, json_left_open_fails, skipped_is_said,
	short_is_addresses_only, stable_ids_in_order_of_appearance,
	a_narrow_terminal_cuts_the_last_text, wide_text_keeps_columns,
	html_escapes_all_of_it, pictures_are_for_pages, human_sizes,
	grouped_digits)
