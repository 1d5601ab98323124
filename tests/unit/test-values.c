/* SPDX-License-Identifier: GPL-3.0-or-later */
/* repr(), fields and details of objects that cannot be: each is said, within
   bounds, and what is beside it stays right. */
#include "lib/mini-heap.h"
#include "object/details.h"
#include "object/repr.h"
#include "object/shape.h"
#include "unit/unit.h"

#include <string.h>

struct fixture {
	struct mini_heap h;
	struct pm_memory *memory;
	struct pm_types *types;
	struct pm_objects o;
};

static void look(struct fixture *t)
{
	struct mini *m = &t->h.m;
	ck_assert_int_eq(pm_memory_create(m->t, 64, &t->memory, NULL), PM_OK);
	ck_assert_int_eq(pm_types_create(m->t, m->l, &t->types, NULL), PM_OK);
	pm_objects_init(&t->o, m->l, t->memory, t->types);
}

static void begin(struct fixture *t, const struct pm_row *row)
{
	memset(t, 0, sizeof *t);
	mini_heap_init(&t->h, row);
	look(t);
}

/* The image has changed since it was read. */
static void forget(struct fixture *t)
{
	pm_types_destroy(t->types);
	pm_memory_destroy(t->memory);
	look(t);
}

static void end(struct fixture *t)
{
	pm_types_destroy(t->types);
	pm_memory_destroy(t->memory);
	mini_heap_deinit(&t->h);
}

static void ignore(void *arg, const char *key, const char *text)
{
	(void)arg;
	ck_assert_uint_gt(strlen(key), 0);
	ck_assert_ptr_nonnull(text);
}

/* Everything that is shown of the object; its value is returned, owned by the
   caller. */
static char *shown(struct fixture *t, pm_addr addr, size_t limit)
{
	struct pm_strbuf b = {0};
	struct pm_object x;
	struct pm_measure m = {0};
	struct pm_error err;
	pm_repr(&t->o, addr, limit, &b);
	ck_assert(!b.failed);
	ck_assert_uint_le(b.len, 4 * limit + 100);
	if (pm_object_load(&t->o, addr, &x, NULL) == PM_OK &&
		pm_object_measure(&t->o, &x, &m) != PM_CORRUPT) {
		pm_auto_shape s = {{0}};
		ck_assert_int_eq(
			pm_shape_of(&t->o, &x, &m, true, &s, &err), PM_OK);
		ck_assert_uint_gt(s.words.len, 1);
		ck_assert_uint_le(s.words.len, 4200);
		pm_details_each(&t->o, &x, &m, ignore, NULL);
	}
	return b.data;
}

static void expect(
	struct fixture *t, pm_addr addr, size_t limit, const char *want)
{
	char *said = shown(t, addr, limit);
	ck_assert_msg(said && !strcmp(said, want), "%s: %s, not %s",
		t->h.m.row->name, said, want);
	free(said);
}

static void begins(
	struct fixture *t, pm_addr addr, size_t limit, const char *want)
{
	char *said = shown(t, addr, limit);
	ck_assert_msg(said && !strncmp(said, want, strlen(want)),
		"%s: %s does not begin with %s", t->h.m.row->name, said, want);
	free(said);
}

static uint64_t word(struct fixture *t, pm_addr at)
{
	uint64_t v = 0;
	ck_assert_int_eq(pm_memory_read_uint(t->memory, at,
				 t->h.m.l->t.word_size, &v, NULL),
		PM_OK);
	return v;
}

START_TEST(lists_of_more_than_there_can_be)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		pm_addr ints[3];
		for (uint32_t i = 0; i < 3; i++)
			ints[i] = mini_new_int(&t.h, 10 + i);
		pm_addr list = mini_new_list(&t.h, ints, 3);
		pm_addr good = mini_new_list(&t.h, ints, 2);
		uint64_t huge = m->l->t.word_size == 8 ? UINT64_C(1) << 60
						       : UINT64_C(1) << 30;
		mini_put(m, list, f->var_object.size, huge);
		begins(&t, list, 60, "<inconsistent list 0x");
		mini_put(m, list, f->var_object.size, 3);
		forget(&t);
		expect(&t, list, 60, "[10, 11, 12]");
		mini_put(m, list, f->list.item, 0x1000);
		forget(&t);
		begins(&t, list, 60, "[<unreadable 0x1000>");
		mini_put(m, list, f->var_object.size, UINT64_MAX);
		forget(&t);
		begins(&t, list, 60, "<inconsistent list 0x");
		expect(&t, good, 60, "[10, 11]");
		expect(&t, good, 6, "[10, 1...");
		expect(&t, good, 8, "[10, 11]");
		expect(&t, good, 0, "...");
		end(&t);
	}
}
END_TEST

START_TEST(what_holds_itself_ends)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		unsigned ws = m->l->t.word_size;
		pm_addr one = mini_new_int(&t.h, 1);
		pm_addr list = mini_new_list(&t.h, &one, 1);
		pm_addr items = word(&t, list + m->l->f.list.item.off);
		mini_store(m, items, ws, list);
		forget(&t);
		expect(&t, list, 60, "[[...]]");
		/* Far deeper than anybody nests, and not through itself. */
		pm_addr deep = mini_new_list(&t.h, &one, 1);
		for (int i = 0; i < 1000; i++)
			deep = mini_new_list(&t.h, &deep, 1);
		forget(&t);
		begins(&t, deep, 5000, "[[[[[[[[[[[[[[[[[[[[");
		end(&t);
	}
}
END_TEST

START_TEST(strings_of_the_wrong_kind)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		pm_addr good = mini_str(m, "it's");
		pm_addr bad = mini_str(m, "bad");
		pm_addr long_ = mini_str(m, "long");
		mini_put(m, bad, f->ascii.kind, 3);
		mini_put(m, long_,
			m->l->t.text_form == PM_TEXT_WIDE ? f->var_object.size
							  : f->ascii.length,
			m->l->t.word_size == 8 ? UINT64_C(1) << 50
					       : UINT64_C(1) << 31);
		if (m->l->t.text_form == PM_TEXT_WIDE) /* 2.7 has no kinds */
			mini_put(m, bad, f->var_object.size, UINT64_MAX);
		begins(&t, bad, 60, "<inconsistent str 0x");
		begins(&t, long_, 20, "<inconsistent str 0x");
		expect(&t, good, 60, "\"it's\"");
		expect(&t, good, 3, "\"it...");
		end(&t);
	}
}
END_TEST

START_TEST(classes_that_went_or_lead_in_circles)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		uint32_t size = f->object.sizeof_.off + 16;
		pm_addr a = mini_type(&t.h, "mod.A", size, 0, 0, false);
		pm_addr b = mini_type(&t.h, "mod.B", size, 0, 0, false);
		pm_addr x = mini_new(&t.h, a, size, false);
		char want[80];
		snprintf(want, sizeof want, "<mod.A object at 0x%llx>",
			(unsigned long long)x);
		expect(&t, x, 60, want);
		mini_put(m, a, f->type.base, b); /* each other's base */
		mini_put(m, b, f->type.base, a);
		forget(&t);
		begins(&t, x, 60, "<");
		mini_put(m, a, f->object.type, x); /* an instance of its own */
		forget(&t);
		begins(&t, x, 60, "<unreadable 0x");
		mini_put(m, a, f->object.type, 0);
		mini_put(m, a, f->type.flags, 0);
		mini_put(m, a, f->type.name, 0);
		forget(&t);
		begins(&t, x, 60, "<unreadable 0x");
		pm_addr good = mini_new_int(&t.h, 7);
		expect(&t, good, 60, "7");
		end(&t);
	}
}
END_TEST

START_TEST(dicts_torn_in_a_resize)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		pm_addr pairs[] = {mini_str(m, "k"), mini_new_int(&t.h, 5)};
		pm_addr dict = mini_dict(m, pairs, 1);
		expect(&t, dict, 60, "{'k': 5}");
		if (row->traits.keys_form == PM_KEYS_TABLE) { /* 2.7 */
			mini_put(m, dict, f->dict.mask, 6);
			forget(&t);
			begins(&t, dict, 60, "<inconsistent dict 0x");
			end(&t);
			continue;
		}
		pm_addr keys = word(&t, dict + f->dict.keys.off);
		mini_put(m, keys, f->dict_keys.nentries, 1000000);
		forget(&t);
		begins(&t, dict, 60, "{<unreadable>");
		mini_put(m, keys, f->dict_keys.nentries, 1);
		mini_put(m, keys, f->dict_keys.size, 7);
		mini_put(m, keys, f->dict_keys.log2_size, 63);
		forget(&t);
		begins(&t, dict, 60, "{<unreadable>");
		mini_put(m, dict, f->dict.keys, 0x1001);
		forget(&t);
		begins(&t, dict, 60, "{<unreadable>");
		end(&t);
	}
}
END_TEST

START_TEST(ints_of_any_size)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		pm_addr x = mini_new_int(&t.h, 123456789);
		expect(&t, x, 60, "123456789");
		expect(&t, x, 4, "1234...");
		if (row->traits.int_form == PM_INT_TAG)
			mini_put(m, x, f->long_.tag,
				m->l->t.word_size == 8 ? UINT64_C(1) << 40
						       : UINT64_C(1) << 31);
		else if (row->traits.int_form == PM_INT_SIGNED_SIZE)
			mini_put(m, x, f->var_object.size, UINT64_C(1) << 28);
		forget(&t);
		if (row->traits.int_form != PM_INT_TWO_TYPES)
			begins(&t, x, 60, "<inconsistent int 0x");
		end(&t);
	}
}
END_TEST

static struct pm_measure measured(
	struct fixture *t, pm_addr addr, enum pm_status want)
{
	struct pm_object x;
	struct pm_measure m = {0};
	forget(t);
	ck_assert_int_eq(pm_object_load(&t->o, addr, &x, NULL), PM_OK);
	ck_assert_msg(pm_object_measure(&t->o, &x, &m) == want, "%s",
		t->h.m.row->name);
	return m;
}

/* As of numpy 1 or 2: where the dtype has the size of an item differs. */
static void put_dtype(struct fixture *t, pm_addr descr, bool two, char kind,
	unsigned itemsize)
{
	struct mini *m = &t->h.m;
	unsigned ws = m->l->t.word_size;
	pm_addr at = descr + m->l->f.object.sizeof_.off;
	mini_store(m, at, ws, t->h.user_type);
	mini_store(m, at + ws, 1, (unsigned char)kind);
	mini_store(m, at + ws + 2, 1, '=');
	mini_store(m, at + ws + 3, 1, kind == 'O' && !two);
	if (two) {
		mini_store(m, at + ws + 8, 8, kind == 'O');
		mini_store(m, at + ws + 16, ws, itemsize);
	} else {
		mini_store(m, at + ws + 8, 4, itemsize);
		mini_store(m, at + ws + 12, 4, 1); /* alignment */
	}
}

START_TEST(arrays_of_numpy)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		unsigned ws = m->l->t.word_size;
		pm_addr header = m->l->f.object.sizeof_.off;
		uint32_t basic = (uint32_t)header + 10 * ws;
		pm_addr type =
			mini_type(&t.h, "numpy.ndarray", basic, 0, 0, false);
		pm_addr a = mini_new(&t.h, type, basic, false);
		pm_addr descr = mini_new(&t.h, t.h.user_type, 96, false);
		pm_addr dims = mini_heap(m, 128 * ws);
		pm_addr data = mini_heap(m, 64);
		mini_store(m, a + header, ws, data);
		mini_store(m, a + header + ws, 4, 2);
		mini_store(m, a + header + 2 * ws, ws, dims);
		mini_store(m, a + header + 5 * ws, ws, descr);
		mini_store(m, a + header + 6 * ws, 4, 4); /* its own */
		mini_store(m, dims, ws, 3);
		mini_store(m, dims + ws, ws, 2);
		for (int two = 0; two < 2; two++) {
			put_dtype(&t, descr, two, 'u', 2);
			struct pm_measure said = measured(&t, a, PM_OK);
			ck_assert_uint_eq(said.size, basic + 4 * ws + 12);
			ck_assert_uint_eq(said.nbuffers, 2);
			ck_assert_uint_eq(said.buffers[0].addr, dims);
			ck_assert_uint_eq(said.buffers[0].bytes, 4 * ws);
			ck_assert_uint_eq(said.buffers[1].bytes, 12);
			ck_assert_int_eq(said.buffers[1].kind, PM_BUFFER_RAW);
			begins(&t, a, 60, "<numpy.ndarray shape=(3, 2) dtype=");
			put_dtype(&t, descr, two, 'O', ws);
			said = measured(&t, a, PM_OK);
			ck_assert_uint_eq(said.buffers[1].count, 6);
			ck_assert_int_eq(said.buffers[1].kind, PM_BUFFER_ITEMS);
		}
		mini_store(m, dims, ws, 0); /* a byte is there all the same */
		ck_assert_uint_eq(measured(&t, a, PM_OK).buffers[1].bytes, 1);
		ck_assert_uint_eq(measured(&t, a, PM_OK).size, basic + 4 * ws);
		mini_store(m, a + header + 6 * ws, 4, 0); /* a view */
		ck_assert_uint_eq(measured(&t, a, PM_OK).nbuffers, 1);
		mini_store(m, dims, ws, UINT64_MAX);
		measured(&t, a, PM_CORRUPT);
		mini_store(m, dims, ws, 1);
		mini_store(m, a + header + ws, 4, 65);
		measured(&t, a, PM_CORRUPT);
		begins(&t, a, 60, "<inconsistent numpy.ndarray 0x");
		mini_store(m, a + header + ws, 4, 1);
		mini_store(m, a + header + 5 * ws, ws, 0x1000);
		measured(&t, a, PM_FAULT);
		end(&t);
	}
}
END_TEST

UNIT_MAIN("values", lists_of_more_than_there_can_be, what_holds_itself_ends,
	strings_of_the_wrong_kind, classes_that_went_or_lead_in_circles,
	dicts_torn_in_a_resize, ints_of_any_size, arrays_of_numpy)
