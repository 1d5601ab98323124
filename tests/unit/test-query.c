/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The language of -where: what is wrong with a text and where, and what holds
   for objects in images of every row that has pymalloc. */
#include "lib/mini-heap.h"
#include "query/query.h"
#include "unit/unit.h"

#include <string.h>

/* ---- errors ---- */

/* Line two of the message has carets from column at on, len of them. */
static void check_error(
	const char *text, size_t at, size_t len, const char *part)
{
	struct pm_query *q = NULL;
	struct pm_error err = {0};
	enum pm_status s = pm_query_parse(text, &q, &err);
	ck_assert_msg(s == PM_USAGE, "%s: no error", text);
	ck_assert_ptr_null(q);
	const char *line = strchr(err.msg, '\n');
	ck_assert_msg(line && strchr(line + 1, '\n'), "%s: %s", text, err.msg);
	ck_assert_msg(!strncmp(err.msg, text, strlen(text)), "%s", err.msg);
	ck_assert_msg(strspn(line + 1, " ") == at, "%s", err.msg);
	ck_assert_msg(strspn(line + 1 + at, "^") == len, "%s", err.msg);
	ck_assert_msg(
		strstr(pm_error_last_line(&err), part) != NULL, "%s", err.msg);
}

START_TEST(errors_point_at_the_token)
{
	static const struct {
		const char *text;
		size_t at, len;
		const char *part;
	} cases[] = {
		{"", 0, 1, "a value is missing"},
		{"  ", 2, 1, "a value is missing"},
		{".a == = 3", 6, 1, "write \"==\""},
		{".a ==", 5, 1, "a value is missing"},
		{".a == ) ", 6, 1, "a value is missing before \")\""},
		{".a && .b", 3, 2, "write \"and\""},
		{".a || .b", 3, 2, "write \"or\""},
		{"!.a", 0, 1, "write \"not\""},
		{".a = 1", 3, 1, "write \"==\""},
		{"name == 1", 0, 4,
			"unknown word; attributes begin with a "
			"dot: .name"},
		{".a == 3 foo", 8, 3, "\"and\", \"or\" or the end"},
		{"(.a == 3", 8, 1, "\")\" is missing"},
		{".a == 3)", 7, 1, "\"and\", \"or\" or the end"},
		{"1 < 2 < 3", 6, 1, "not chained"},
		{".a ~ 3", 5, 1, "a regular expression in quotes"},
		{".a ~ \"a(\"", 5, 4, "no regular expression: "},
		{".a !~ \"[\"", 6, 3, "no regular expression: "},
		{".a == \"abc", 6, 4, "the closing \" is missing"},
		{".a == 'abc", 6, 4, "the closing ' is missing"},
		{".a == \"\\q\"", 7, 2, "there is no such escape"},
		{".a == \"\\u12\"", 7, 2, "there is no such escape"},
		{".a == b\"\\u0041\"", 8, 2, "there is no such escape"},
		{".a == 12ab", 6, 4, "this is not a number"},
		{".a == 0x", 6, 2, "this is not a number"},
		{".a == 1.5.5", 9, 2, "\"and\", \"or\" or the end"},
		{".a == 9999999999999999999999999999999999999", 6, 37,
			"more than 120 bits"},
		{".a in (1, .b)", 10, 2, "or \")\" is missing"},
		{".a in (1 2)", 9, 1, "\",\" is missing"},
		{".a in (1,", 9, 1, "is missing"},
		{".a in", 5, 1, "a value is missing"},
		{".a not 3", 7, 1, "\"in\" is missing behind \"not\""},
		{".a[.b]", 3, 2, "an index is a whole number"},
		{".a[1.5]", 3, 3, "an index is a whole number"},
		{".a[1", 4, 1, "\"]\" is missing"},
		{"len(.a", 6, 1, "\")\" is missing"},
		{"len()", 4, 1, "a value is missing"},
		{".a == 1 $", 8, 1, "no such sign"},
		{".", 0, 1, "no such sign"},
		{"not", 3, 1, "a value is missing"},
		{"and", 0, 3, "a value is missing before \"and\""},
		{".a is", 5, 1, "a value is missing"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		check_error(cases[i].text, cases[i].at, cases[i].len,
			cases[i].part);
}
END_TEST

START_TEST(odd_texts)
{
	struct pm_query *q = NULL;
	struct pm_error err = {0};
	/* Invalid UTF-8 is shown escaped, and long texts around the token. */
	ck_assert_int_eq(pm_query_parse(".a == \"\xff\"", &q, &err), PM_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "\\xff"));
	ck_assert_ptr_nonnull(strstr(err.msg, "not valid UTF-8"));
	ck_assert_int_eq(pm_query_parse(".\xc3\xa4 == \xe2\x82\xac", &q, &err),
		PM_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "\n      ^\n"));
	char text[3000];
	memset(text, ' ', sizeof text);
	memcpy(text, ".a == 1", 7);
	memcpy(text + 1500, "$", 1);
	text[sizeof text - 1] = '\0';
	ck_assert_int_eq(pm_query_parse(text, &q, &err), PM_USAGE);
	ck_assert_int_eq(strncmp(err.msg, "...", 3), 0);
	ck_assert_ptr_nonnull(strstr(err.msg, "no such sign"));
	/* Depth and length are bounded. */
	memset(text, '(', sizeof text - 1);
	ck_assert_int_eq(pm_query_parse(text, &q, &err), PM_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "too deeply nested"));
	for (size_t i = 0; i + 4 < sizeof text; i += 4)
		memcpy(text + i, "not ", 4);
	ck_assert_int_eq(pm_query_parse(text, &q, &err), PM_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "too deeply nested"));
	char *longer = malloc(10000);
	memset(longer, ' ', 10000);
	longer[9999] = '\0';
	ck_assert_int_eq(pm_query_parse(longer, &q, &err), PM_USAGE);
	free(longer);
	ck_assert_int_eq(pm_query_parse_value(".a == 1", &q, &err), PM_USAGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "one value is enough"));
	ck_assert_ptr_null(q);
}
END_TEST

START_TEST(long_chains_are_fine)
{
	struct pm_query *q = NULL;
	struct pm_error err = {0};
	char text[4000] = "1";
	for (size_t n = 1; n + 8 < sizeof text; n += 6)
		memcpy(text + n, " and 1", 7);
	ck_assert_int_eq(pm_query_parse(text, &q, &err), PM_OK);
	pm_query_destroy(q);
}
END_TEST

/* ---- evaluation ---- */

struct world {
	struct mini_heap h;
	struct pm_memory *memory;
	struct pm_heap *heap;
	pm_addr thing, list, name, table;
};

/* An int of n digits of 30 bits, all v. */
static pm_addr huge(struct world *w, unsigned n, uint32_t v, bool negative)
{
	const struct pm_fields *f = &w->h.m.l->f;
	pm_addr at = mini_new(
		&w->h, w->h.long_type, f->long_.digit.off + 4 * n, false);
	unsigned size = f->long_.digit.size;
	if (size == 2) { /* of 15 bits, twice as many */
		n *= 2;
		v &= 0x7fff;
	}
	for (unsigned i = 0; i < n; i++)
		mini_store(
			&w->h.m, at + f->long_.digit.off + size * i, size, v);
	if (w->h.m.row->traits.int_form == PM_INT_TAG)
		mini_put(
			&w->h.m, at, f->long_.tag, n << 3 | (negative ? 2 : 0));
	else
		mini_put(&w->h.m, at, f->var_object.size,
			(uint64_t)(negative ? -(int64_t)n : (int64_t)n));
	return at;
}

static void begin(struct world *w, const struct pm_row *row)
{
	struct pm_error err = {0};
	memset(w, 0, sizeof *w);
	mini_heap_init(&w->h, row);
	struct mini *m = &w->h.m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size, at = f->object.sizeof_.off;
	pm_addr ints[4];
	for (uint32_t i = 0; i < 4; i++)
		ints[i] = mini_new_int(&w->h, 10 * i);
	w->list = mini_new_list(&w->h, ints, 4);
	w->name = mini_str(m, "alpha-7");
	pm_addr inner[] = {mini_str(m, "key"), ints[2]};
	w->table = mini_dict(m, inner, 1);
	pm_addr attributes[] = {mini_str(m, "count"), ints[3],
		mini_str(m, "name"), w->name, mini_str(m, "items"), w->list,
		mini_str(m, "table"), w->table, mini_str(m, "nothing"),
		m->l->at.none.addr, mini_str(m, "big"),
		huge(w, 6, 0x3fffffff, false), mini_str(m, "low"),
		huge(w, 6, 0x3fffffff, true)};
	pm_addr dict = mini_dict(m, attributes, 7);
	pm_addr type = mini_type(&w->h, "app.Thing", at + ws, 0, 0, false);
	mini_put(m, type, f->type.dictoffset, at);
	w->thing = mini_new(&w->h, type, at + ws, false);
	mini_store(m, w->thing + at, ws, dict);
	ck_assert_int_eq(pm_memory_create(m->t, 64, &w->memory, &err), PM_OK);
	ck_assert_int_eq(
		pm_heap_create(m->l, m->t, w->memory, &m->ms, &w->heap, &err),
		PM_OK);
	ck_assert_int_eq(pm_heap_pools(w->heap, &err), PM_OK);
}

static void end(struct world *w)
{
	pm_heap_destroy(w->heap);
	pm_memory_destroy(w->memory);
	mini_heap_deinit(&w->h);
}

static bool holds(struct world *w, pm_addr object, const char *text,
	uint64_t *ret_unreadable)
{
	struct pm_query *q = NULL;
	struct pm_evaluator *e = NULL;
	struct pm_object x;
	struct pm_error err = {0};
	ck_assert_msg(pm_query_parse(text, &q, &err) == PM_OK, "%s", err.msg);
	ck_assert_int_eq(
		pm_evaluator_create(q, w->heap, &w->heap->objects, &e, &err),
		PM_OK);
	ck_assert_msg(
		pm_object_load(&w->heap->objects, object, &x, &err) == PM_OK,
		"%s", err.msg);
	bool is = pm_evaluator_matches(e, &x);
	*ret_unreadable = pm_evaluator_unreadable(e);
	pm_evaluator_destroy(e);
	pm_query_destroy(q);
	return is;
}

/* What holds, and what does not. */
static const char *const true_of_thing[] = {
	".count == 30",
	".count != 31",
	".count > 29",
	".count >= 30",
	".count < 31",
	".count <= 30",
	".count == 30.0",
	".count < 30.5",
	"30 == .count",
	".count > -1",
	".count == 0x1e",
	".count == 3e1",
	".name == \"alpha-7\"",
	".name == 'alpha-7'",
	".name != \"alpha\"",
	".name > \"alpha\"",
	".name < \"alphb\"",
	".name >= \"alpha-7\"",
	".name ~ \"^al\"",
	".name ~ \"a-[0-9]$\"",
	".name !~ \"beta\"",
	"\"pha\" in .name",
	"\"\" in .name",
	"\"beta\" not in .name",
	".name == \"alpha\\x2d7\"",
	".name == \"\\u0061lpha-7\"",
	"len(.name) == 7",
	"len(.items) == 4",
	"len(.table) == 1",
	".items[0] == 0",
	".items[3] == 30",
	".items[-1] == 30",
	".items[-4] == 0",
	"20 in .items",
	"21 not in .items",
	".table[\"key\"] == 20",
	"\"key\" in .table",
	".count in (1, 2, 30)",
	".count in (30,)",
	".count not in ()",
	".name in (\"x\", \"alpha-7\")",
	".nothing is None",
	".nothing == None",
	".count is not None",
	".items is .items",
	".count is .items[3]",
	".items",
	"not .items[0]",
	"not .nothing",
	"not .absent",
	".count and .name",
	".absent or .count",
	"not (.count == 1 or .name == \"x\")",
	"not .count == 1 and not .name == 1",
	".count == 1 or .count == 30 and .name == \"alpha-7\"",
	"self.count == 30",
	"self is self",
	"self != 3",
	"refcount == 1",
	"type == \"app.Thing\"",
	"type == \"Thing\"",
	"type ~ \"^app[.]\"",
	"type(.count) == \"int\"",
	"type(.name) == \"builtins.str\"",
	"type in (\"Thing\", \"x\")",
	"addr > 0",
	"addr(.items) is not None",
	"size > 0",
	"not tracked",
	"tracked == False",
	".__class__ is .__class__",
	"True",
	"1 == True",
	"0 == False",
	"1.5 > 1",
	"-1 < 0",
	"-1.5 == -1.5",
	"1e300 > 999999999999999999999",
	"1_000 == 1000",
	".5 == 0.5",
	"b\"ab\" < b\"b\"",
	"b\"\\xff\" == "
	"b'\\xff'",
	"\"\\u20ac\" > \"z\"",
	"len(\"\\u20ac\") == 1",
	"\"\\U0001f600\" > \"\\u20ac\"",
	".big > 10",
	".big > 1e30",
	".big < 1e200",
	".low < -1e30",
	".low < 0",
	".low < .big",
	".big == .big",
	".big != .low",
	"not .big == 1e54",
	".big > .low",
	".big < 1532495540865888858358347027150309183618739122183602177.0",
	"-1e400 < .low",
};

static const char *const false_of_thing[] = {
	".count == \"30\"",
	".count < \"30\"",
	".count > \"30\"",
	".count == None",
	".count is 30.5",
	".name == 7",
	".name ~ \"^7\"",
	".count ~ \"3\"",
	".absent == None",
	".absent != 3",
	".absent < 3",
	".absent is None",
	".absent in (1, None)",
	".absent.more == 1",
	".count.more == 1",
	".items[4] == 0",
	".items[-5] == 0",
	".items[\"x\"] == 0",
	".table[\"no\"] == 20",
	".table[0] == 20",
	".count[0] == 1",
	"len(.count) == 0",
	"len(.absent) == 0",
	".nothing",
	".nothing < 1",
	".items == .table",
	".items < .table",
	"3 in .name",
	"3 in .count",
	"type == \"app\"",
	"type == \"hing\"",
	"False",
	"None",
	"0",
	"\"\"",
	"0.0",
	"not .count",
	"1 == True and 2 == True",
	".big == .low",
	".low > 0",
	".big < 1e40",
	"None is False",
	"1 is True",
	".count is True",
};

/* Text is no bytes, but in 2.7. */
static const char *const of_text_and_bytes[] = {
	".name == b\"alpha-7\"",
	".name < b\"beta\"",
	"b\"a\" in .name",
};

START_TEST(conditions)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		uint64_t unreadable;
		begin(&w, row);
		for (size_t i = 0;
			i < sizeof true_of_thing / sizeof *true_of_thing; i++) {
			ck_assert_msg(holds(&w, w.thing, true_of_thing[i],
					      &unreadable),
				"%s: %s", row->name, true_of_thing[i]);
			ck_assert_uint_eq(unreadable, 0);
		}
		for (size_t i = 0;
			i < sizeof false_of_thing / sizeof *false_of_thing;
			i++) {
			ck_assert_msg(!holds(&w, w.thing, false_of_thing[i],
					      &unreadable),
				"%s: %s", row->name, false_of_thing[i]);
			ck_assert_uint_eq(unreadable, 0);
		}
		for (size_t i = 0; i < sizeof of_text_and_bytes /
					       sizeof *of_text_and_bytes;
			i++)
			ck_assert_msg(
				holds(&w, w.thing, of_text_and_bytes[i],
					&unreadable) ==
					(row->traits.text_form == PM_TEXT_WIDE),
				"%s: %s", row->name, of_text_and_bytes[i]);
		ck_assert(holds(
			&w, w.list, "len == 4 and self[2] == 20", &unreadable));
		ck_assert(holds(&w, w.list, "10 in self", &unreadable));
		ck_assert(holds(&w, w.name, "self == \"alpha-7\" and len == 7",
			&unreadable));
		end(&w);
	}
}
END_TEST

/* Broken objects: false, counted, and nothing worse. */
START_TEST(hostile_values)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		uint64_t unreadable;
		begin(&w, row);
		const struct pm_fields *f = &w.h.m.l->f;
		bool wide = w.h.m.l->t.word_size == 8;
		pm_addr item = 0;
		ck_assert_int_eq(pm_layout_read(w.h.m.l, w.memory, w.list,
					 f->list.item, &item, NULL),
			PM_OK);
		mini_put(&w.h.m, w.list, f->var_object.size, UINT64_MAX - 4);
		ck_assert(!holds(&w, w.thing, "77 in .items", &unreadable));
		ck_assert_uint_gt(unreadable, 0);
		mini_put(&w.h.m, w.list, f->var_object.size,
			wide ? INT64_MAX : INT32_MAX);
		ck_assert(!holds(&w, w.thing, "77 in .items", &unreadable));
		ck_assert_uint_gt(unreadable, 0);
		mini_put(&w.h.m, w.list, f->list.item, 8);
		ck_assert(!holds(&w, w.thing, ".items[9] == 0", &unreadable));
		ck_assert_uint_gt(unreadable, 0);
		bool old = row->traits.text_form == PM_TEXT_WIDE;
		mini_put(&w.h.m, w.name,
			old ? f->var_object.size : f->ascii.length,
			UINT64_C(1) << (wide ? 39 : 30));
		ck_assert(!holds(&w, w.thing, ".name ~ \"a\"", &unreadable));
		ck_assert_uint_gt(unreadable, 0);
		ck_assert(!holds(
			&w, w.thing, ".name == \"alpha-7\"", &unreadable));
		if (old)
			mini_put(
				&w.h.m, w.name, f->var_object.size, UINT64_MAX);
		else
			mini_put(&w.h.m, w.name, f->ascii.kind, 3);
		ck_assert(!holds(&w, w.thing, ".name == \"x\"", &unreadable));
		ck_assert_uint_gt(unreadable, 0);
		mini_put(&w.h.m, w.name, f->object.type, 0x1234);
		ck_assert(!holds(&w, w.thing, ".name", &unreadable));
		ck_assert_uint_gt(unreadable, 0);
		mini_put(&w.h.m, w.table,
			pm_has(f->dict.keys) ? f->dict.keys : f->dict.table,
			16);
		ck_assert(!holds(&w, w.thing, "1 in .table", &unreadable));
		ck_assert_uint_gt(unreadable, 0);
		end(&w);
	}
}
END_TEST

UNIT_MAIN("query", errors_point_at_the_token, odd_texts, long_chains_are_fine,
	conditions, hostile_values)
