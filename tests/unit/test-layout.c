/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table and what is read through it. */
#include "layout/build.h"
#include "layout/layout.h"
#include "target/image.h"
#include "unit/unit.h"

#include <string.h>

static struct pm_layout *from_row(const struct pm_row *row)
{
	struct pm_layout *l = NULL;
	struct pm_error err;
	ck_assert_int_eq(pm_layout_from_row(row, &l, &err), PM_OK);
	return l;
}

START_TEST(rows_are_consistent)
{
	for (size_t i = 0; pm_rows[i]; i++) {
		struct pm_layout *l = from_row(pm_rows[i]);
		struct pm_error err = {0};
		ck_assert_msg(pm_prove_static(l, &err), "row %s: %s",
			pm_rows[i]->name, err.msg);
		pm_layout_destroy(l);
	}
}
END_TEST

START_TEST(rows_have_what_everything_needs)
{
	for (size_t i = 0; pm_rows[i]; i++) {
		const struct pm_fields *f = &pm_rows[i]->fields;
		const struct pm_traits *t = &pm_rows[i]->traits;
		const char *name = pm_rows[i]->name;
		ck_assert_msg(pm_has(f->object.type), "%s", name);
		ck_assert_msg(pm_has(f->runtime.interpreters_head), "%s", name);
		ck_assert_msg(pm_has(f->interp.threads_head), "%s", name);
		ck_assert_msg(pm_has(f->type.basicsize), "%s", name);
		bool wide = t->text_form == PM_TEXT_WIDE;
		ck_assert_msg(pm_has(f->ascii.kind) != wide, "%s", name);
		ck_assert_msg(pm_has(f->unicode.length) == wide, "%s", name);
		bool table = t->keys_form == PM_KEYS_TABLE;
		ck_assert_msg(
			pm_has(f->dict_keys.nentries) != table, "%s", name);
		ck_assert_msg(pm_has(f->dict.table) == table, "%s", name);
		/* Of a variable nobody needs the size. */
		ck_assert_uint_eq(
			t->gc_home == PM_GC_STATIC ? 0 : f->runtime.sizeof_.off,
			pm_rows[i]->runtime_size);
		ck_assert_uint_le(pm_rows[i]->micro_min, pm_rows[i]->micro_max);
		ck_assert_uint_eq(t->arena_size % t->pool_size, 0);
		if (t->gc_head_size)
			ck_assert_uint_eq(
				t->gc_head_size, f->gc_head.sizeof_.off);
		for (size_t k = 0; k < i; k++)
			ck_assert_str_ne(pm_rows[k]->name, name);
	}
}
END_TEST

START_TEST(rows_know_which_trait_needs_which_field)
{
	for (size_t i = 0; pm_rows[i]; i++) {
		const struct pm_fields *f = &pm_rows[i]->fields;
		const struct pm_traits *t = &pm_rows[i]->traits;
		const char *name = pm_rows[i]->name;
		ck_assert_msg(pm_has(f->dict_keys.size) ==
				      (t->keys_form == PM_KEYS_SIZED),
			"%s", name);
		ck_assert_msg(pm_has(f->dict_keys.log2_size) ==
				      (t->keys_form == PM_KEYS_LOG2),
			"%s", name);
		ck_assert_msg(
			pm_has(f->long_.tag) == (t->int_form == PM_INT_TAG),
			"%s", name);
		ck_assert_msg(pm_has(f->dict_values.capacity) ==
				      (t->values_form == PM_VALUES_HEADED),
			"%s", name);
		ck_assert_msg(pm_has(f->runtime.gc) ==
				      (t->gc_home == PM_GC_IN_RUNTIME),
			"%s", name);
		ck_assert_msg(pm_has(f->object.ref_shared) ==
				      (t->refcnt_form == PM_REFCNT_BIASED),
			"%s", name);
		ck_assert_msg(pm_has(f->interp.interned_strings) ==
				      (t->interned_home == PM_INTERNED_INTERP),
			"%s", name);
		ck_assert_msg(pm_has(f->thread.current_frame) ==
				      (t->frame_entry == PM_FRAME_CURRENT),
			"%s", name);
		ck_assert_msg(pm_has(f->iframe.stackpointer) ==
				      (t->frame_refs == PM_REF_TAGGED),
			"%s", name);
	}
}
END_TEST

START_TEST(fields_are_listed_once)
{
	struct pm_layout *l = from_row(pm_rows[0]);
	const char *of, *name, *last_of = "";
	const struct pm_field *f;
	enum pm_source source;
	size_t n = 0, structs = 0;
	for (; pm_layout_field(l, n, &of, &name, &f, &source); n++) {
		if (strcmp(of, last_of) != 0) {
			ck_assert_str_eq(name, "sizeof_");
			structs++;
		}
		last_of = of;
		ck_assert_int_eq(
			source, pm_has(*f) ? PM_SOURCE_TABLE : PM_SOURCE_NONE);
	}
	ck_assert_uint_eq(n, PM_FIELD_COUNT);
	ck_assert_uint_gt(structs, 50);
	ck_assert(pm_layout_field(
		l, PM_INDEX(thread.interp), &of, &name, &f, &source));
	ck_assert_str_eq(of, "thread");
	ck_assert_str_eq(name, "interp");
	ck_assert_ptr_eq(f, &l->f.thread.interp);
	pm_layout_destroy(l);
}
END_TEST

START_TEST(questions_are_few_and_different)
{
	size_t n = 0;
	ck_assert_str_eq(pm_layout_question(0), "sizeof (PyObject)");
	for (; pm_layout_question(n); n++)
		for (size_t k = 0; k < n; k++)
			ck_assert_str_ne(
				pm_layout_question(k), pm_layout_question(n));
	ck_assert_uint_gt(n, 20);
	ck_assert_uint_lt(n, 150);
	ck_assert_ptr_null(pm_layout_question(n + 1));
}
END_TEST

START_TEST(numbers_of_every_shape)
{
	static const unsigned char bytes[] = {
		0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8};
	struct pm_layout *l = from_row(pm_rows[0]);
	struct pm_field f = {0, 4, 0, 0};
	ck_assert_uint_eq(pm_get(l, bytes, f), 0xb4a39281);
	ck_assert_int_eq(pm_get_signed(l, bytes, f), (int32_t)0xb4a39281);
	f = (struct pm_field){0, 1, 2, 3};
	ck_assert_uint_eq(pm_get(l, bytes, f), 0x81 >> 2 & 7);
	f = (struct pm_field){2, 2, 0, 0};
	ck_assert_int_eq(pm_get_signed(l, bytes, f), (int16_t)0xb4a3);
	l->t.big_endian = true;
	ck_assert_uint_eq(pm_get(l, bytes, f), 0xa3b4);
	f = (struct pm_field){0, 8, 0, 0};
	ck_assert_uint_eq(pm_get(l, bytes, f), 0x8192a3b4c5d6e7f8);
	pm_layout_destroy(l);
}
END_TEST

START_TEST(reading_through_a_layout)
{
	static const unsigned char bytes[16] = {1, 2, 3, 4, 5, 6, 7, 8, 0xff};
	struct pm_layout *l = from_row(pm_rows[0]);
	struct pm_target *t = NULL;
	struct pm_memory *m = NULL;
	struct pm_error err;
	uint64_t v = 7;
	ck_assert_int_eq(pm_image_create(&t, &err), PM_OK);
	ck_assert_int_eq(pm_image_add(t, 0x1000, bytes, sizeof bytes,
				 PM_MAP_READ, NULL, &err),
		PM_OK);
	ck_assert_int_eq(pm_memory_create(t, 0, &m, &err), PM_OK);
	struct pm_field f = {0};
	ck_assert_int_eq(pm_layout_read(l, m, 0x1000, f, &v, &err), PM_ABSENT);
	f = (struct pm_field){0, 240, 0, 0};
	ck_assert_int_eq(pm_layout_read(l, m, 0x1000, f, &v, &err), PM_USAGE);
	f = (struct pm_field){12, 8, 0, 0};
	ck_assert_int_eq(pm_layout_read(l, m, 0x1000, f, &v, &err), PM_FAULT);
	ck_assert_uint_eq(v, 7);
	f = (struct pm_field){8, 1, 4, 3};
	ck_assert_int_eq(pm_layout_read(l, m, 0x1000, f, &v, &err), PM_OK);
	ck_assert_uint_eq(v, 7);
	f = (struct pm_field){0, 4, 0, 0};
	ck_assert_int_eq(pm_layout_read(l, m, 0x1000, f, &v, &err), PM_OK);
	ck_assert_uint_eq(v, 0x04030201);
	pm_memory_destroy(m);
	pm_target_destroy(t);
	pm_layout_destroy(l);
}
END_TEST

START_TEST(sources_have_names)
{
	for (int i = PM_SOURCE_NONE; i <= PM_SOURCE_DEBUG_INFO; i++)
		for (int k = PM_SOURCE_NONE; k < i; k++)
			ck_assert_str_ne(pm_source_text((enum pm_source)i),
				pm_source_text((enum pm_source)k));
	ck_assert_ptr_nonnull(pm_source_text((enum pm_source)99));
}
END_TEST

UNIT_MAIN("layout", rows_are_consistent, rows_have_what_everything_needs,
	rows_know_which_trait_needs_which_field, fields_are_listed_once,
	questions_are_few_and_different, numbers_of_every_shape,
	reading_through_a_layout, sources_have_names)
