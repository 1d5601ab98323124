/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What instances cost with __slots__: the sums, on images of every row that has
   pymalloc, but of 2.7, whose names are bytes. */
#include "heap/slots.h"
#include "lib/mini-heap.h"
#include "unit/unit.h"

#include <string.h>

struct fixture {
	struct mini_heap h;
	struct pm_memory *memory;
	struct pm_heap *heap;
	struct pm_slots_job *job;
	pm_addr x, y, z; /* names */
	uint32_t base;	 /* bytes of an object() */
	unsigned ws;
	bool managed;
};

static bool is_tried(const struct pm_row *row)
{
	return row->traits.obmalloc_home != PM_OBMALLOC_MIMALLOC &&
	       row->traits.text_form != PM_TEXT_WIDE;
}

#define EACH_ROW(row)                                                          \
	for (size_t row##_ = 0; pm_rows[row##_]; row##_++)                     \
		for (const struct pm_row *row = pm_rows[row##_];               \
			row && is_tried(row); row = NULL)

static void begin(struct fixture *t, const struct pm_row *row)
{
	memset(t, 0, sizeof *t);
	mini_heap_init(&t->h, row);
	struct mini *m = &t->h.m;
	const struct pm_fields *f = &m->l->f;
	t->base = f->object.sizeof_.off;
	t->ws = m->l->t.word_size;
	t->managed = row->traits.managed_dict != PM_MANAGED_NONE;
	mini_put(m, m->l->at.type_type.addr, f->type.basicsize,
		f->heap_type.sizeof_.off);
	mini_put(m, m->l->at.object_type.addr, f->type.basicsize, t->base);
	t->x = mini_str(m, "x");
	t->y = mini_str(m, "y");
	t->z = mini_str(m, "z");
}

static void end(struct fixture *t)
{
	pm_slots_destroy(t->job);
	pm_heap_destroy(t->heap);
	pm_memory_destroy(t->memory);
	mini_heap_deinit(&t->h);
}

/* A class of Python code over one of size bytes, members in its __slots__; new:
   its instances get a dict, which their base had not. */
static pm_addr class(struct fixture *t, const char *name, pm_addr base,
	uint32_t size, unsigned members, bool dict, bool new)
{
	struct mini *m = &t->h.m;
	const struct pm_fields *f = &m->l->f;
	uint64_t flags = PM_TPFLAG_HEAPTYPE | PM_TPFLAG_HAVE_GC |
			 (dict && t->managed ? PM_TPFLAG_MANAGED_DICT : 0);
	uint32_t word = new && !t->managed ? t->ws : 0;
	pm_addr type = mini_type(
		&t->h, name, size + members * t->ws + word, 0, flags, true);
	mini_put(m, type, f->type.base, base);
	mini_put(m, type, f->var_object.size, members);
	if (members) /* whatever tuple */
		mini_put(m, type, f->heap_type.slots,
			mini_new_tuple(&t->h, &t->x, 1));
	if (dict)
		mini_put(m, type, f->type.dictoffset,
			t->managed ? UINT64_MAX
				   : size + (new ? members * t->ws : 0) +
					     (new ? 0 : -(uint64_t)t->ws));
	return type;
}

/* An instance of SIZE bytes, its dict at OFF where dicts are in it. */
static void instance(struct fixture *t, pm_addr type, uint32_t size,
	uint32_t off, const pm_addr *names, unsigned n)
{
	struct mini *m = &t->h.m;
	uint32_t pre = t->managed ? 2 * t->ws : 0;
	uint32_t head = m->l->t.gc_head_size;
	pm_addr pairs[6];
	pm_addr at = t->managed
			     ? mini_block(&t->h, pre + head + size) + pre + head
			     : mini_new(&t->h, type, size, true);
	for (unsigned i = 0; i < n; i++) {
		pairs[2 * i] = names[i];
		pairs[2 * i + 1] = mini_new_int(&t->h, 1000 + i);
	}
	pm_addr dict = mini_dict(m, pairs, n);
	mini_put(m, at, m->l->f.object.refcnt, 1);
	mini_put(m, at, m->l->f.object.type, type);
	mini_store(m, t->managed ? at - head - t->ws : at + off, t->ws, dict);
}

static const struct pm_slots_class *count(struct fixture *t, pm_addr type)
{
	struct pm_error err = {0};
	struct pm_walk *walk = NULL;
	struct mini *m = &t->h.m;
	bool done = false;
	ck_assert_int_eq(pm_memory_create(m->t, 64, &t->memory, &err), PM_OK);
	ck_assert_int_eq(
		pm_heap_create(m->l, m->t, t->memory, &m->ms, &t->heap, &err),
		PM_OK);
	ck_assert_int_eq(pm_walk_create(t->heap, 1, &walk, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_walk_step(walk, 0.5, &done, &err), PM_OK);
	pm_walk_destroy(walk);
	ck_assert_int_eq(pm_slots_create(t->heap, &t->job, &err), PM_OK);
	for (done = false; !done;)
		ck_assert_int_eq(
			pm_slots_step(t->job, 0.5, &done, &err), PM_OK);
	const struct pm_slots *s = pm_slots_result(t->job);
	const struct pm_type *known = pm_types_get(t->heap->types, type);
	ck_assert_ptr_nonnull(known);
	ck_assert_uint_lt(known->id, s->n);
	ck_assert_ptr_nonnull(s->classes[known->id]);
	return s->classes[known->id];
}

/* What pymalloc sets aside. */
static uint32_t block(const struct fixture *t, uint32_t bytes)
{
	uint32_t step = t->h.m.l->t.alignment;
	return (bytes + step - 1) / step * step;
}

START_TEST(attributes_become_words)
{
	EACH_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		uint32_t head = t.h.m.l->t.gc_head_size;
		uint32_t pre = head + (t.managed ? 2 * t.ws : 0);
		uint32_t size = t.base + (t.managed ? 0 : t.ws);
		pm_addr object = t.h.m.l->at.object_type.addr;
		pm_addr c = class(&t, "C", object, t.base, 0, true, true);
		const pm_addr both[] = {t.x, t.y};
		instance(&t, c, size, t.base, both, 2);
		instance(&t, c, size, t.base, both, 1);
		instance(&t, c, size, t.base, both, 2);
		const struct pm_slots_class *s = count(&t, c);
		ck_assert_uint_eq(s->instances, 3);
		ck_assert_uint_eq(s->objects, 3 * block(&t, pre + size));
		ck_assert_uint_eq(s->dict_objects, 3);
		ck_assert_uint_eq(s->values + s->shared_keys, 0);
		ck_assert_uint_eq(
			pm_slots_now(s), s->objects + s->dicts + s->own_keys);
		ck_assert_uint_eq(s->attributes.len, 2);
		ck_assert_str_eq(s->attributes.data[0].name, "x");
		ck_assert_uint_eq(s->attributes.data[0].count, 3);
		ck_assert_str_eq(s->attributes.data[1].name, "y");
		ck_assert_uint_eq(s->attributes.data[1].count, 2);
		ck_assert_msg(
			!s->impossible, "%s: %s", row->name, s->impossible);
		ck_assert_uint_eq(s->new_slots, 2);
		ck_assert_uint_eq(s->base_size, t.base);
		ck_assert_uint_eq(s->pre, head);
		ck_assert_uint_eq(
			s->block, block(&t, head + t.base + 2 * t.ws));
		ck_assert_uint_eq(s->lost, 3);
		ck_assert_uint_eq(s->lost_by[PM_LOST_NO_TABLE], 3);
		ck_assert_ptr_null(s->dict_from);
		end(&t);
	}
}
END_TEST

/* Slots of a base stay; those of names that both classes use count once; and
   who brings the dict is said. */
START_TEST(bases_bring_slots_and_dicts)
{
	EACH_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		uint32_t head = m->l->t.gc_head_size;
		uint32_t word = t.managed ? 0 : t.ws;
		pm_addr object = m->l->at.object_type.addr;
		/* S: one slot; C adds a dict, E in vain two slots. */
		pm_addr s = class(&t, "S", object, t.base, 1, false, false);
		uint32_t size = t.base + t.ws;
		pm_addr c = class(&t, "C", s, size, 0, true, true);
		pm_addr e = class(&t, "E", c, size + word, 2, true, false);
		const pm_addr mro[] = {e, c, s, object};
		mini_put(m, e, f->type.mro, mini_new_tuple(&t.h, mro, 4));
		const pm_addr names[] = {t.x, t.y, t.z};
		instance(&t, c, size + word, size, names, 2);
		instance(&t, e, size + word + 2 * t.ws, size, names + 1, 2);
		const struct pm_slots_class *k = count(&t, e);
		ck_assert_msg(
			!k->impossible, "%s: %s", row->name, k->impossible);
		ck_assert_uint_eq(k->base_size, t.base + 3 * t.ws);
		ck_assert_uint_eq(k->new_slots, 3);
		ck_assert_uint_eq(
			k->block, block(&t, head + t.base + 6 * t.ws));
		ck_assert_ptr_nonnull(k->dict_from);
		ck_assert_uint_eq(k->dict_from->addr, c);
		end(&t);
	}
}
END_TEST

START_TEST(what_cannot_have_slots)
{
	EACH_ROW(row)
	{
		struct fixture t;
		begin(&t, row);
		struct mini *m = &t.h.m;
		const struct pm_fields *f = &m->l->f;
		pm_addr object = m->l->at.object_type.addr;
		/* More than its slots and dict: words of C code. */
		pm_addr c = class(&t, "C", object, t.base, 0, true, true);
		mini_put(m, c, f->type.basicsize, t.base + 5 * t.ws);
		instance(&t, c, t.base + 5 * t.ws, t.base, &t.x, 1);
		const struct pm_slots_class *k = count(&t, c);
		ck_assert_ptr_nonnull(k->impossible);
		ck_assert_str_eq(k->impossible, "a type of C");
		end(&t);
	}
}
END_TEST

UNIT_MAIN("slots", attributes_become_words, bases_bring_slots_and_dicts,
	what_cannot_have_slots)
