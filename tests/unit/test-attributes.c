/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes of instances, wherever a row keeps them. */
#include "lib/mini-heap.h"
#include "object/attributes.h"
#include "unit/unit.h"

#include <string.h>

struct fixture {
	struct mini_heap h;
	struct pm_memory *memory;
	struct pm_types *types;
	struct pm_objects o;
	pm_addr a, b; /* two values */
};

static void look(struct fixture *t)
{
	struct mini *m = &t->h.m;
	ck_assert_int_eq(pm_memory_create(m->t, 64, &t->memory, NULL), PM_OK);
	ck_assert_int_eq(pm_types_create(m->t, m->l, &t->types, NULL), PM_OK);
	pm_objects_init(&t->o, m->l, t->memory, t->types);
}

/* The image has changed since it was read. */
static void forget(struct fixture *t)
{
	pm_types_destroy(t->types);
	pm_memory_destroy(t->memory);
	look(t);
}

static void begin(struct fixture *t, const struct pm_row *row)
{
	memset(t, 0, sizeof *t);
	mini_heap_init(&t->h, row);
	look(t);
	t->a = mini_new_int(&t->h, 1);
	t->b = mini_new_int(&t->h, 2);
}

static void end(struct fixture *t)
{
	pm_types_destroy(t->types);
	pm_memory_destroy(t->memory);
	mini_heap_deinit(&t->h);
}

static void word(struct mini *m, pm_addr at, uint64_t v)
{
	mini_store(m, at, m->l->t.word_size, v);
}

/* PyMemberDef: name, type, offset, flags, doc; Py_T_OBJECT_EX is 16. */
static void put_member(
	struct mini *m, pm_addr at, const char *name, uint64_t off)
{
	unsigned ws = m->l->t.word_size;
	pm_addr text = mini_data(m, strlen(name) + 1);
	memcpy(pm_image_at(m->t, text, strlen(name)), name, strlen(name));
	word(m, at, text);
	mini_store(m, at + ws, 4, 16);
	word(m, at + 2 * ws, off);
}

/* "name=value@place" of every attribute of the object at addr. */
static char *listed(struct fixture *t, pm_addr addr)
{
	struct pm_object x;
	struct pm_attrs a;
	struct pm_attr v;
	struct pm_error err;
	struct pm_strbuf out = {0};
	pm_strbuf_puts(&out, "");
	ck_assert_msg(
		pm_object_load(&t->o, addr, &x, &err) == PM_OK, "%s", err.msg);
	pm_attrs_start(&t->o, &x, &a);
	while (pm_attrs_next(&a, &v)) {
		uint64_t held = 0;
		pm_attr_name(&t->o, &v, &out);
		pm_strbuf_printf(&out, "=%s@%s",
			v.value == t->a	  ? "a"
			: v.value == t->b ? "b"
			: v.value	  ? "?"
					  : "-",
			pm_attr_place_text(v.place));
		if (v.off) {
			ck_assert_uint_eq(addr + v.off, v.at);
			pm_strbuf_printf(&out, "+%d",
				(int)(v.off - t->o.l->f.object.sizeof_.off));
		}
		pm_strbuf_putc(&out, ' ');
		ck_assert_int_eq(pm_memory_read_uint(t->memory, v.at,
					 t->o.l->t.word_size, &held, &err),
			PM_OK);
		ck_assert_uint_eq(held, v.value);
	}
	ck_assert_int_eq(a.status, PM_OK);
	return out.data;
}

static void expect(struct fixture *t, pm_addr addr, const char *want)
{
	char *said = listed(t, addr);
	ck_assert_msg(said && !strcmp(said, want), "%s: %s, not %s",
		t->h.m.row->name, said, want);
	free(said);
}

static pm_addr found(struct fixture *t, pm_addr addr, const char *name)
{
	struct pm_object x;
	struct pm_attr v;
	enum pm_status s;
	pm_auto_attr_query q = {.name = name};
	ck_assert_int_eq(pm_object_load(&t->o, addr, &x, NULL), PM_OK);
	for (int again = 0; again < 2; again++)
		if (!pm_attr_find(&t->o, &x, &q, &v, &s)) {
			ck_assert_int_eq(s, PM_OK);
			v.value = 0;
		}
	return v.value;
}

START_TEST(slots_are_found_by_name_and_offset)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		unsigned ws = m->l->t.word_size;
		uint32_t base = f->object.sizeof_.off;
		pm_addr type = mini_type(&t.h, "Slotted", base + 3 * ws, 0,
			PM_TPFLAG_HEAPTYPE, true);
		mini_put(m, m->l->at.type_type.addr, f->type.basicsize,
			f->heap_type.sizeof_.off);
		mini_put(m, type, f->var_object.size, 1);
		put_member(
			m, type + f->heap_type.sizeof_.off, "left", base + ws);
		pm_addr x = mini_new(&t.h, type, base + 3 * ws, false);
		word(m, x + base + ws, t.a);
		char want[40];
		snprintf(want, sizeof want, "left=a@slot+%u ", ws);
		expect(&t, x, want);
		ck_assert_uint_eq(found(&t, x, "left"), t.a);
		ck_assert_uint_eq(found(&t, x, "lef"), 0);
		pm_addr empty = mini_new(&t.h, type, base + 3 * ws, false);
		snprintf(want, sizeof want, "left=-@slot+%u ", ws);
		expect(&t, empty, want);
		ck_assert_uint_eq(found(&t, empty, "left"), 0);
		end(&t);
	}
}
END_TEST

/* {"x": a, "y": b} */
static pm_addr two(struct fixture *t)
{
	struct mini *m = &t->h.m;
	const pm_addr pairs[] = {
		mini_str(m, "x"), t->a, mini_str(m, "y"), t->b};
	return mini_dict(m, pairs, 2);
}

START_TEST(dicts_are_found_before_and_behind_items)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		unsigned ws = m->l->t.word_size;
		uint32_t base = f->object.sizeof_.off;
		pm_addr type = mini_type(&t.h, "mod.C", base + ws, 0, 0, false);
		mini_put(m, type, f->type.dictoffset, base);
		pm_addr x = mini_new(&t.h, type, base + ws, false);
		expect(&t, x, "");
		word(m, x + base, two(&t));
		forget(&t);
		expect(&t, x, "x=a@dict y=b@dict ");
		ck_assert_uint_eq(found(&t, x, "y"), t.b);
		ck_assert_uint_eq(found(&t, x, "z"), 0);

		uint32_t item = f->tuple.item.off;
		pm_addr tuples = mini_type(
			&t.h, "mod.T", item + ws, ws, PM_TPFLAG_TUPLE, false);
		mini_put(m, tuples, f->type.base, t.h.tuple_type);
		mini_put(m, tuples, f->type.dictoffset, UINT64_MAX - ws + 1);
		pm_addr y = mini_new(&t.h, tuples, item + 4 * ws, false);
		mini_put(m, y, f->var_object.size, 3);
		word(m, y + item + 3 * ws, two(&t));
		forget(&t);
		expect(&t, y, "x=a@dict y=b@dict ");
		/* Its length cannot be: then there is no word to look at. */
		mini_put(m, y, f->var_object.size,
			ws == 8 ? UINT64_MAX >> 1 : UINT32_MAX >> 1);
		forget(&t);
		struct pm_object o;
		ck_assert_int_eq(pm_object_load(&t.o, y, &o, NULL), PM_OK);
		ck_assert_uint_eq(pm_attr_dict_at(&t.o, &o), 0);
		end(&t);
	}
}
END_TEST

/* Values with room for four of which two are there, y set before x. */
static pm_addr make_values(struct fixture *t, pm_addr at)
{
	struct mini *m = &t->h.m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr array = at;
	switch (m->l->t.values_form) {
	case PM_VALUES_ARRAY:
		break;
	case PM_VALUES_PREFIXED:
		mini_store(m, at - 1, 1, 8);
		mini_store(m, at - 2, 1, 2);
		mini_store(m, at - 3, 1, 1);
		mini_store(m, at - 4, 1, 0);
		break;
	case PM_VALUES_HEADED:
		array = at + f->dict_values.values.off;
		mini_put(m, at, f->dict_values.capacity, 4);
		mini_put(m, at, f->dict_values.size, 2);
		mini_put(m, at, f->dict_values.valid, 1);
		mini_store(m, array + 4 * ws, 1, 1);
		mini_store(m, array + 4 * ws + 1, 1, 0);
		break;
	}
	word(m, array, t->a);
	word(m, array + ws, t->b);
	return at;
}

START_TEST(split_dicts_keep_their_own_order)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		if (row->traits.keys_form == PM_KEYS_TABLE)
			continue;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		unsigned ws = m->l->t.word_size;
		uint32_t base = f->object.sizeof_.off;
		bool ordered = row->traits.values_form != PM_VALUES_ARRAY;
		pm_addr type = mini_type(&t.h, "mod.C", base + ws, 0, 0, false);
		mini_put(m, type, f->type.dictoffset, base);
		pm_addr x = mini_new(&t.h, type, base + ws, false);
		pm_addr dict = two(&t);
		mini_put(m, dict, f->dict.values,
			make_values(&t, mini_heap(m, 16 * ws) + 4 * ws));
		word(m, x + base, dict);
		expect(&t, x,
			ordered ? "y=b@split dict x=a@split dict "
				: "x=a@split dict y=b@split dict ");
		end(&t);
	}
}
END_TEST

START_TEST(managed_values_are_found_without_a_dict)
{
	unsigned rows = 0;
	EACH_PYMALLOC_ROW(row)
	{
		if (row->traits.managed_dict == PM_MANAGED_NONE)
			continue;
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		unsigned ws = m->l->t.word_size;
		uint32_t base = f->object.sizeof_.off;
		bool inlined = row->traits.managed_dict == PM_MANAGED_POINTER;
		pm_addr type = mini_type(&t.h, "C", base, 0,
			PM_TPFLAG_HEAPTYPE | PM_TPFLAG_HAVE_GC |
				PM_TPFLAG_MANAGED_DICT |
				(inlined ? PM_TPFLAG_INLINE_VALUES : 0),
			true);
		mini_put(m, m->l->at.type_type.addr, f->type.basicsize,
			f->heap_type.sizeof_.off);
		uint64_t keys = 0;
		struct pm_error err;
		pm_addr names = two(&t);
		ck_assert_int_eq(
			pm_memory_read_uint(t.memory, names + f->dict.keys.off,
				ws, &keys, &err),
			PM_OK);
		mini_put(m, type, f->heap_type.cached_keys, keys);
		pm_addr x = mini_block(&t.h, 20 * ws) + 4 * ws;
		mini_put(m, x, f->object.refcnt, 1);
		mini_put(m, x, f->object.type, type);
		expect(&t, x, "");
		pm_addr values =
			inlined ? x + base : mini_heap(m, 16 * ws) + 4 * ws;
		make_values(&t, values);
		if (row->traits.managed_dict == PM_MANAGED_PAIR)
			word(m, x - 4 * ws, values);
		else if (!inlined)
			word(m, x - 3 * ws, values - 1);
		char want[80];
		unsigned first = f->dict_values.values.off;
		snprintf(want, sizeof want, "y=b@inline+%u x=a@inline+%u ",
			first + ws, first);
		forget(&t);
		expect(&t, x, inlined ? want : "y=b@values x=a@values ");
		ck_assert_uint_eq(found(&t, x, "x"), t.a);
		/* A dict was asked for; of inline values it shows the same. */
		word(m, x - 3 * ws, names);
		if (row->traits.managed_dict == PM_MANAGED_PAIR)
			word(m, x - 4 * ws, 0);
		mini_put(m, names, f->dict.values, values);
		forget(&t);
		expect(&t, x,
			inlined ? want : "y=b@split dict x=a@split dict ");
		end(&t);
		rows++;
	}
	ck_assert_uint_gt(rows, 3);
}
END_TEST

UNIT_MAIN("attributes", slots_are_found_by_name_and_offset,
	dicts_are_found_before_and_behind_items,
	split_dicts_keep_their_own_order,
	managed_values_are_found_without_a_dict)
