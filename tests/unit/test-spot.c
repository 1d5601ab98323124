/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lives at an address, on images of every row that has pymalloc. */
#include "heap/claims.h"
#include "lib/mini-heap.h"
#include "object/interior.h"
#include "unit/unit.h"

#include <string.h>

struct place {
	struct mini_heap h;
	struct pm_memory *memory;
	struct pm_heap *heap;
	pm_addr ints[5], list, tuple, items;
	struct pm_spot s;
	struct pm_strbuf text;
};

static void finish_walk(struct place *p)
{
	struct pm_error err = {0};
	struct pm_walk *job = NULL;
	bool done = false;
	ck_assert_int_eq(pm_walk_create(p->heap, 1, &job, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_walk_step(job, 0.5, &done, &err), PM_OK);
	pm_walk_destroy(job);
}

static void begin(struct place *p, const struct pm_row *row, bool walk)
{
	struct pm_error err = {0};
	memset(p, 0, sizeof *p);
	mini_heap_init(&p->h, row);
	for (uint32_t i = 0; i < 5; i++)
		p->ints[i] = mini_new_int(&p->h, 1000 + i);
	p->list = mini_new_list(&p->h, p->ints, 5);
	p->tuple = mini_new_tuple(&p->h, p->ints, 3);
	ck_assert_int_eq(
		pm_memory_create(p->h.m.t, 64, &p->memory, &err), PM_OK);
	ck_assert_int_eq(pm_heap_create(p->h.m.l, p->h.m.t, p->memory,
				 &p->h.m.ms, &p->heap, &err),
		PM_OK);
	const struct pm_layout *l = p->h.m.l;
	ck_assert_int_eq(pm_layout_read(l, p->memory, p->list, l->f.list.item,
				 &p->items, &err),
		PM_OK);
	if (walk)
		finish_walk(p);
}

static void end(struct place *p)
{
	pm_strbuf_deinit(&p->text);
	pm_heap_destroy(p->heap);
	pm_memory_destroy(p->memory);
	mini_heap_deinit(&p->h);
}

static const char *at(struct place *p, pm_addr addr)
{
	pm_strbuf_reset(&p->text);
	pm_spot_find(p->heap, addr, &p->s);
	pm_spot_describe(p->heap, &p->s, &p->text);
	return pm_strbuf_text(&p->text);
}

#define EACH_ROW(row)                                                          \
	for (size_t row##_ = 0; pm_rows[row##_]; row##_++)                     \
		for (const struct pm_row *row = pm_rows[row##_];               \
			row &&                                                 \
			row->traits.obmalloc_home != PM_OBMALLOC_MIMALLOC;     \
			row = NULL)

START_TEST(places_of_objects)
{
	EACH_ROW(row)
	{
		struct place p;
		begin(&p, row, true);
		const struct pm_layout *l = p.h.m.l;
		unsigned ws = l->t.word_size;
		ck_assert_str_eq(
			at(&p, p.list + l->f.object.refcnt.off), "ob_refcnt");
		ck_assert_int_eq(p.s.kind, PM_SPOT_OBJECT);
		ck_assert_uint_eq(p.s.x.addr, p.list);
		ck_assert_str_eq(
			at(&p, p.list + l->f.object.type.off), "ob_type");
		ck_assert_str_eq(at(&p, p.list + l->f.list.allocated.off + 1),
			"allocated");
		ck_assert_str_eq(at(&p, p.list - l->t.gc_head_size +
						 l->f.gc_head.next.off),
			"collector's head, next");
		ck_assert_uint_eq(p.s.x.addr, p.list);
		ck_assert_uint_eq(p.s.start, p.list - l->t.gc_head_size);
		ck_assert_str_eq(
			at(&p, p.tuple + l->f.tuple.item.off + 2 * ws), "[2]");
		ck_assert_uint_eq(p.s.x.addr, p.tuple);
		bool two = l->t.int_form == PM_INT_TWO_TYPES;
		ck_assert_str_eq(
			at(&p, p.ints[3] + (two ? l->f.int_.value.off
						: l->f.long_.digit.off)),
			two ? "value" : "digit 0");
		ck_assert_uint_eq(p.s.x.addr, p.ints[3]);
		for (unsigned i = 0; i < 5 * ws; i++) {
			char want[16];
			snprintf(want, sizeof want, "[%u]", i / ws);
			ck_assert_str_eq(at(&p, p.items + i), want);
			ck_assert_int_eq(p.s.kind, PM_SPOT_BUFFER);
			ck_assert_uint_eq(p.s.x.addr, p.list);
			ck_assert_uint_eq(p.s.start, p.items);
		}
		end(&p);
	}
}
END_TEST

static void no_object(struct place *p, pm_addr addr, const char *why)
{
	struct pm_error err = {0};
	struct pm_object x;
	ck_assert_int_eq(pm_spot_object(p->heap, addr, &x, &err), PM_CORRUPT);
	if (!strstr(err.msg, why))
		ck_abort_msg("%s: %s", err.msg, why);
}

/* Items that look like the head of an object are none, walked or not. */
START_TEST(objects_begin_where_they_begin)
{
	EACH_ROW(row)
	{
		for (int walked = 0; walked < 2; walked++) {
			struct place p;
			struct pm_error err = {0};
			struct pm_object x;
			begin(&p, row, false);
			struct mini *m = &p.h.m;
			const struct pm_fields *f = &m->l->f;
			unsigned ws = m->l->t.word_size;
			pm_addr inside = p.tuple + f->tuple.item.off + ws;
			mini_put(m, inside, f->object.refcnt, 1);
			mini_put(m, inside, f->object.type, p.h.int_type);
			mini_block(&p.h, 10 * ws); /* keeps the pool */
			pm_addr freed = mini_block(&p.h, 10 * ws);
			pm_addr gone = freed + f->object.sizeof_.off;
			mini_put(m, gone, f->object.refcnt, 1);
			mini_put(m, gone, f->object.type, p.h.int_type);
			mini_free(&p.h, freed);
			if (walked)
				finish_walk(&p);
			no_object(&p, inside, "[1] of the builtins.tuple at");
			no_object(&p, gone, "free block of");
			if (walked)
				no_object(&p, p.items,
					"[0] of the builtins.list at");
			const pm_addr good[] = {p.list, p.tuple, p.ints[0]};
			for (unsigned i = 0; i < 3; i++) {
				ck_assert_int_eq(pm_spot_object(p.heap, good[i],
							 &x, &err),
					PM_OK);
				ck_assert_uint_eq(x.addr, good[i]);
			}
			end(&p);
		}
	}
}
END_TEST

/* Without a walk a second search leads from an item to its list. */
START_TEST(owners_without_a_walk)
{
	unsigned rows = 0;
	EACH_ROW(row)
	{
		struct place p;
		struct pm_error err = {0};
		struct pm_claims *claims;
		bool done = false;
		begin(&p, row, false);
		ck_assert_int_eq(pm_heap_pools(p.heap, &err), PM_OK);
		at(&p, p.items + 2 * row->traits.word_size);
		ck_assert(!p.s.sure);
		ck_assert_int_eq(
			pm_claims_create(p.heap, &p.s, 1, &claims, &err),
			PM_OK);
		/* Those of the other byte order leave it to a walk. */
		ck_assert(!claims == row->traits.big_endian);
		while (claims && !done)
			ck_assert_int_eq(
				pm_claims_step(claims, 0.5, &done, &err),
				PM_OK);
		if (claims) {
			rows++;
			ck_assert(pm_claims_complete(claims));
			pm_claims_apply(claims, &p.s);
			ck_assert_int_eq(p.s.kind, PM_SPOT_BUFFER);
			ck_assert_uint_eq(p.s.x.addr, p.list);
			pm_strbuf_reset(&p.text);
			pm_spot_describe(p.heap, &p.s, &p.text);
			ck_assert_str_eq(pm_strbuf_text(&p.text), "[2]");
		}
		pm_claims_destroy(claims);
		end(&p);
	}
	ck_assert_uint_gt(rows, 0);
}
END_TEST

START_TEST(places_of_the_allocator)
{
	EACH_ROW(row)
	{
		struct place p;
		begin(&p, row, false);
		const struct pm_layout *l = p.h.m.l;
		pm_addr gone = mini_new_list(&p.h, NULL, 0);
		/* The pools were read before: one that is there holds it. */
		pm_addr code = mini_block(
			&p.h, l->f.list.sizeof_.off + l->t.gc_head_size);
		mini_free(&p.h, gone - l->t.gc_head_size);
		finish_walk(&p);
		uint64_t size = l->t.pool_size;
		at(&p, gone + 3);
		ck_assert_int_eq(p.s.kind, PM_SPOT_FREE_BLOCK);
		ck_assert_uint_eq(p.s.start, gone - l->t.gc_head_size);
		ck_assert_ptr_nonnull(p.s.guess);
		ck_assert_str_eq(p.s.guess->name, "builtins.list");
		ck_assert_ptr_nonnull(strstr(pm_strbuf_text(&p.text),
			"last held a builtins.list (a guess)"));
		at(&p, code);
		ck_assert_int_eq(p.s.kind, PM_SPOT_BLOCK);
		ck_assert_uint_eq(p.s.start, code);
		pm_addr pool = code & ~(size - 1);
		ck_assert_ptr_nonnull(
			strstr(at(&p, pool + l->f.pool.szidx.off), "szidx"));
		ck_assert_int_eq(p.s.kind, PM_SPOT_POOL_HEADER);
		at(&p, pool + size - 1);
		ck_assert_int_eq(p.s.kind, PM_SPOT_POOL_REST);
		at(&p, p.h.arena + l->t.arena_size - 1);
		ck_assert_int_eq(p.s.kind, PM_SPOT_FRESH_POOL);
		at(&p, p.h.arena + l->t.arena_size);
		ck_assert_int_ne(p.s.kind, PM_SPOT_FRESH_POOL);
		ck_assert_ptr_nonnull(
			strstr(at(&p, p.h.table), "entry 0 of the arena"));
		ck_assert_int_eq(p.s.kind, PM_SPOT_ARENA_TABLE);
		end(&p);
	}
}
END_TEST

START_TEST(places_of_the_interpreter)
{
	EACH_ROW(row)
	{
		struct place p;
		begin(&p, row, true);
		const struct pm_layout *l = p.h.m.l;
		ck_assert_ptr_nonnull(
			strstr(at(&p, p.h.m.interp + l->f.interp.sysdict.off),
				"sysdict"));
		ck_assert_int_eq(p.s.kind, PM_SPOT_INTERPRETER);
		ck_assert_ptr_nonnull(strstr(
			at(&p, p.h.m.thread + l->f.thread.next.off), "next"));
		ck_assert_int_eq(p.s.kind, PM_SPOT_THREAD);
		end(&p);
	}
}
END_TEST

START_TEST(nothing_is_mapped_there)
{
	EACH_ROW(row)
	{
		struct place p;
		begin(&p, row, true);
		static const pm_addr nowhere[] = {
			0, 1, 16, UINT64_MAX, UINT64_MAX - 7, 1ull << 47};
		for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
			ck_assert_str_eq(at(&p, nowhere[i]), "not mapped");
			ck_assert_int_eq(p.s.kind, PM_SPOT_NOTHING);
		}
		end(&p);
	}
}
END_TEST

/* Every address of the arena has a name, and whose it is agrees with the
   walk, with or without one. */
START_TEST(every_address_has_a_name)
{
	EACH_ROW(row)
	{
		struct place p, q;
		begin(&p, row, true);
		begin(&q, row, false);
		ck_assert_int_eq(pm_heap_pools(q.heap, NULL), PM_OK);
		const struct pm_layout *l = p.h.m.l;
		uint64_t end_at = p.h.carved * (uint64_t)l->t.pool_size + 64;
		unsigned objects = 0;
		for (uint64_t i = 0; i < end_at; i += 4) {
			ck_assert_str_ne(at(&p, p.h.arena + i), "");
			ck_assert_uint_ge(p.s.addr, p.s.start);
			ck_assert_uint_lt(p.s.addr, p.s.start + p.s.bytes);
			at(&q, q.h.arena + i);
			if (p.s.kind != PM_SPOT_OBJECT || !q.s.sure)
				continue;
			ck_assert_int_eq(q.s.kind, PM_SPOT_OBJECT);
			ck_assert_uint_eq(q.s.x.addr, p.s.x.addr);
			objects++;
		}
		ck_assert_uint_gt(objects, 0);
		end(&p);
		end(&q);
	}
}
END_TEST

/* Lengths, tables and types that make no sense: said, or left out. */
START_TEST(hostile_objects)
{
	EACH_ROW(row)
	{
		struct place p;
		begin(&p, row, false);
		const struct pm_fields *f = &p.h.m.l->f;
		mini_put(&p.h.m, p.tuple, f->var_object.size, UINT64_MAX / 2);
		mini_put(&p.h.m, p.ints[2], f->var_object.size, 1u << 30);
		finish_walk(&p);
		mini_put(&p.h.m, p.list, f->list.allocated, 1);
		mini_put(&p.h.m, p.list, f->var_object.size, UINT64_MAX);
		mini_put(&p.h.m, p.list, f->list.item, 24);
		for (unsigned i = 0; i < 64; i++) {
			ck_assert_str_ne(at(&p, p.items + i), "");
			ck_assert_str_ne(at(&p, p.tuple + i), "");
			ck_assert_str_ne(at(&p, p.list + i), "");
			ck_assert_str_ne(at(&p, p.ints[2] + i), "");
		}
		/* The owner is dead now. */
		mini_put(&p.h.m, p.list, f->object.refcnt, 0);
		at(&p, p.items);
		ck_assert_int_eq(p.s.kind, PM_SPOT_BLOCK);
		end(&p);
	}
}
END_TEST

UNIT_MAIN("spot", places_of_objects, objects_begin_where_they_begin,
	owners_without_a_walk, places_of_the_allocator,
	places_of_the_interpreter, nothing_is_mapped_there,
	every_address_has_a_name, hostile_objects)
