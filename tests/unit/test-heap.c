/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walks and referrers on images of every row that has pymalloc. */
#include "heap/footprint.h"
#include "heap/holders.h"
#include "heap/interpreter.h"
#include "heap/scan.h"
#include "heap/team.h"
#include "lib/mini-heap.h"
#include "object/repr.h"
#include "object/static-types.h"
#include "unit/unit.h"

#include <string.h>

struct walked {
	struct pm_memory *memory;
	struct pm_heap *heap;
};

static void end_walk(struct walked *w)
{
	pm_heap_destroy(w->heap);
	pm_memory_destroy(w->memory);
}

static enum pm_status walk(
	struct mini_heap *h, struct walked *w, struct pm_error *err)
{
	*w = (struct walked){0};
	PM_TRY(pm_memory_create(h->m.t, 64, &w->memory, err));
	PM_TRY(pm_heap_create(
		h->m.l, h->m.t, w->memory, &h->m.ms, &w->heap, err));
	struct pm_walk *job = NULL;
	PM_TRY(pm_walk_create(w->heap, 1, &job, err));
	bool done = false;
	enum pm_status s = PM_OK;
	while (s == PM_OK && !done)
		s = pm_walk_step(job, 0.5, &done, err);
	pm_walk_destroy(job);
	return s;
}

static struct pm_type_stats stats_of(struct walked *w, pm_addr type)
{
	const struct pm_type *t = pm_types_get(w->heap->types, type);
	ck_assert_ptr_nonnull(t);
	if (!t->is_type || t->id >= w->heap->nstats)
		return (struct pm_type_stats){0};
	return w->heap->stats[t->id];
}

START_TEST(counts_and_sizes)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		pm_addr ints[40];
		for (uint32_t i = 0; i < 40; i++)
			ints[i] = mini_new_int(&h, 1000 + i);
		for (uint32_t i = 0; i < 7; i++)
			mini_new_list(&h, ints, i);
		mini_new_tuple(&h, ints, 3);
		ck_assert_msg(walk(&h, &w, &err) == PM_OK, "%s: %s", row->name,
			err.msg);
		const struct pm_fields *f = &h.m.l->f;
		struct pm_type_stats s = stats_of(&w, h.int_type);
		ck_assert_uint_ge(s.count, 40);
		s = stats_of(&w, h.list_type);
		ck_assert_uint_eq(s.count, 7);
		ck_assert_uint_eq(s.tracked, 7);
		ck_assert_uint_eq(s.size,
			7 * (f->list.sizeof_.off + h.m.l->t.gc_head_size) +
				h.m.l->t.word_size *
					(0 + 1 + 2 + 3 + 4 + 5 + 6));
		s = stats_of(&w, h.tuple_type);
		ck_assert_uint_eq(s.count, 1);
		ck_assert_uint_eq(s.size, f->tuple.item.off +
						  3 * h.m.l->t.word_size +
						  h.m.l->t.gc_head_size);
		ck_assert_uint_eq(w.heap->blocks_buffers, 6);
		ck_assert_uint_eq(w.heap->blocks_unowned, 0);
		ck_assert_uint_eq(w.heap->conflicts, 0);
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}
END_TEST

START_TEST(free_blocks_are_not_objects)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		pm_addr a[30];
		for (uint32_t i = 0; i < 30; i++)
			a[i] = mini_new_list(&h, NULL, 0);
		for (uint32_t i = 0; i < 30; i += 3)
			mini_free(&h, a[i] - h.m.l->t.gc_head_size);
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		ck_assert_uint_eq(stats_of(&w, h.list_type).count, 20);
		ck_assert_uint_eq(w.heap->blocks_used, 20);
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}
END_TEST

/* Python configured to use huge pages has arenas of twice the size. */
static void arena_of_huge_pages(unsigned missing)
{
	EACH_PYMALLOC_ROW(row)
	{
		if (row->traits.obmalloc_home == PM_OBMALLOC_STATICS)
			continue;
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		uint32_t size = row->traits.arena_size;
		uint32_t n = 2 * size / row->traits.pool_size - missing;
		ck_assert_int_eq(
			pm_image_add(h.m.t, h.arena + size, NULL, size,
				PM_MAP_READ | PM_MAP_WRITE, NULL, &err),
			PM_OK);
		for (uint32_t i = 0; i < 9; i++)
			mini_new_list(&h, NULL, 0);
		mini_put(&h.m, h.table, h.m.l->f.arena.ntotalpools, n);
		h.m.l->t.arena_size = 2 * size; /* as calibration says */
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		ck_assert_uint_eq(w.heap->pools->bad_arenas, 0);
		ck_assert_uint_eq(w.heap->pools->arena_size, 2 * size);
		ck_assert_uint_eq(w.heap->pools->npools, n);
		ck_assert_uint_eq(stats_of(&w, h.list_type).count, 9);
		ck_assert_int_eq(
			pm_pools_find(w.heap->pools,
				h.arena + n * row->traits.pool_size - 1),
			(int64_t)n - 1);
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}

START_TEST(arenas_of_huge_pages)
{
	arena_of_huge_pages(0);
	arena_of_huge_pages(1);
}
END_TEST

static void put_freelist(
	struct mini_heap *h, unsigned i, pm_addr head, uint64_t size)
{
	unsigned ws = h->m.l->t.word_size;
	pm_addr at = h->m.interp + h->m.l->f.interp.freelists.off + 2 * ws * i;
	mini_store(&h->m, at, ws, head);
	mini_store(&h->m, at + ws, ws, size);
}

/* The link takes the place of the refcount, so that what a free list holds
   looks alive. */
START_TEST(free_lists_hold_no_objects)
{
	unsigned rows = 0;
	EACH_PYMALLOC_ROW(row)
	{
		if (row->traits.freelist_link != PM_FREELIST_FIRST_WORD)
			continue;
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		unsigned ws = h.m.l->t.word_size;
		pm_addr a[9];
		for (uint32_t i = 0; i < 9; i++)
			a[i] = mini_new_list(&h, NULL, 0);
		for (uint32_t i = 1; i < 4; i++)
			mini_store(&h.m, a[i], ws, i < 3 ? a[i + 1] : 0);
		unsigned last = h.m.l->f.interp.freelists.size / (2 * ws) - 1;
		put_freelist(&h, last, a[1], 3);
		/* A length that its links don't have, and a link to nowhere:
		   not believed. */
		mini_store(&h.m, a[5], ws, a[6]);
		mini_store(&h.m, a[6], ws, 0);
		put_freelist(&h, 1, a[5], 4);
		mini_store(&h.m, a[7], ws, 16);
		put_freelist(&h, 2, a[7], 2);
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		ck_assert_uint_eq(w.heap->blocks_used, 9);
		ck_assert_uint_eq(w.heap->blocks_dead, 3 + 1);
		/* The broken list's: one dead, one with a link that is seen to
		   be no refcount. */
		ck_assert_uint_eq(stats_of(&w, h.list_type).count, 9 - 3 - 2);
		ck_assert_uint_eq(w.heap->inconsistent, 2);
		for (uint32_t i = 0; i < 9; i++)
			ck_assert_int_eq(
				pm_freelists_hold(&w.heap->freelists, a[i]),
				i >= 1 && i < 4);
		end_walk(&w);
		mini_heap_deinit(&h);
		rows++;
	}
	ck_assert_uint_gt(rows, 0);
}
END_TEST

static void put_state(
	struct mini_heap *h, pm_addr at, pm_addr type, pm_addr dict)
{
	mini_put(&h->m, at, h->m.l->f.static_type_state.type, type);
	mini_put(&h->m, at, h->m.l->f.static_type_state.dict, dict);
}

/* The same index in the array of the core's types and in that of extension
   modules: whose it is tells which. */
START_TEST(static_types_keep_dicts_in_the_interpreter)
{
	unsigned rows = 0;
	EACH_PYMALLOC_ROW(row)
	{
		if (row->traits.static_types != PM_STATIC_TYPES_PER_INTERP)
			continue;
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		const struct pm_layout *l = h.m.l;
		const struct pm_fields *f = &l->f;
		pm_addr builtins = h.m.interp + f->interp.types.off +
				   f->types_state.builtins.off;
		pm_addr others = builtins + f->types_state.builtins.size +
				 2 * l->t.word_size;
		uint32_t size = f->static_type_state.sizeof_.off;
		pm_addr a = mini_data(&h.m, 512), b = mini_data(&h.m, 512);
		pm_addr a_dict = mini_dict(&h.m, NULL, 0);
		pm_addr b_dict = mini_dict(&h.m, NULL, 0);
		bool both =
			others + 3 * size <= h.m.interp + f->interp.types.off +
						     f->types_state.sizeof_.off;
		put_state(&h, builtins + 2 * size, a, a_dict);
		if (both)
			put_state(&h, others + 2 * size, b, b_dict);
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		ck_assert_uint_eq(
			pm_static_type_dict(l, w.memory, a, 3), a_dict);
		ck_assert_uint_eq(pm_static_type_dict(l, w.memory, b, 3),
			both ? b_dict : 0);
		ck_assert_uint_eq(pm_static_type_dict(l, w.memory, a, 2), 0);
		ck_assert_uint_eq(pm_static_type_dict(l, w.memory, a, 0), 0);
		ck_assert_uint_eq(
			pm_static_type_dict(l, w.memory, a, UINT64_MAX), 0);
		end_walk(&w);
		mini_heap_deinit(&h);
		rows += both;
	}
	ck_assert_uint_gt(rows, 0);
}
END_TEST

/* [x, T] as items looks like an object of class T whose refcount is x: where
   that is the address of an object, and where it just is a number. */
START_TEST(items_that_look_like_an_object)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		pm_addr x = mini_new_int(&h, 5);
		unsigned ws = row->traits.word_size;
		const struct pm_fields *f = &row->fields;
		uint32_t n = f->object.sizeof_.off / ws + 2;
		pm_addr items[8] = {x, x, x, x, x, x, x, x}, plain[8];
		ck_assert_uint_le(n, 8);
		items[f->object.type.off / ws] = h.user_type;
		memcpy(plain, items, sizeof plain);
		plain[f->object.refcnt.off / ws] = 2;
		mini_new_list(&h, items, n);
		mini_new_list(&h, plain, n);
		pm_addr real = mini_new(
			&h, h.user_type, h.m.l->f.object.sizeof_.off + 16, 0);
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		ck_assert_uint_eq(stats_of(&w, h.user_type).count, 1);
		ck_assert_uint_eq(w.heap->conflicts, 1);
		struct pm_object o;
		ck_assert_int_eq(
			pm_object_load(&w.heap->objects, real, &o, &err),
			PM_OK);
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}
END_TEST

static bool count_seen(void *arg, unsigned who, const struct pm_scanned *x)
{
	uint64_t *seen = arg;
	(void)who;
	seen[x->type->id]++;
	return true;
}

/* Words of an object that look like a collector's object of another type, where
   that one would begin: each reading takes it for the same. */
START_TEST(an_object_that_looks_like_two)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		const struct pm_field type = h.m.l->f.object.type;
		uint32_t head = row->traits.gc_head_size;
		pm_addr x = mini_new(&h, h.int_type,
			head + 4 * h.m.l->f.object.sizeof_.off, false);
		mini_new_list(&h, &x, 1);
		mini_put(&h.m, x + head, h.m.l->f.object.refcnt, 1);
		mini_put(&h.m, x + head, type, h.list_type);
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		uint32_t n = pm_types_count(w.heap->types);
		uint64_t *seen = calloc(n, sizeof *seen);
		struct pm_scan *scan;
		bool done = false;
		ck_assert_int_eq(pm_scan_create(w.heap, NULL, 1, count_seen,
					 seen, &scan, &err),
			PM_OK);
		while (!done)
			ck_assert_int_eq(
				pm_scan_step(scan, 0.5, &done, &err), PM_OK);
		ck_assert_uint_eq(pm_scan_unreadable(scan), 0);
		for (uint32_t i = 0; i < n && i < w.heap->nstats; i++)
			ck_assert_msg(seen[i] == w.heap->stats[i].count,
				"%s: %s", row->name,
				pm_types_by_id(w.heap->types, i)->name);
		pm_scan_destroy(scan);
		free(seen);
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}
END_TEST

static const struct pm_holders *holders_of(
	struct walked *w, pm_addr object, struct pm_holders_job **ret)
{
	struct pm_error err = {0};
	bool done = false;
	ck_assert_int_eq(
		pm_holders_create(w->heap, object, 0, ret, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(
			pm_holders_step(*ret, 0.5, &done, &err), PM_OK);
	return pm_holders_result(*ret);
}

START_TEST(referrers_with_via)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		pm_addr x = mini_new_int(&h, 7), y = mini_new_int(&h, 8);
		pm_addr two[] = {y, x, x}, one[] = {y, x};
		pm_addr list = mini_new_list(&h, two, 3);
		pm_addr tuple = mini_new_tuple(&h, one, 2);
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		struct pm_holders_job *job;
		const struct pm_holders *r = holders_of(&w, x, &job);
		ck_assert_uint_eq(r->edges, 3);
		ck_assert_uint_eq(r->objects, 2);
		for (size_t i = 0; i < r->list.len; i++) {
			const struct pm_holder *p = &r->list.data[i];
			ck_assert(p->object == list || p->object == tuple);
			ck_assert_int_eq(p->ref.via, PM_VIA_INDEX);
			ck_assert_uint_ge(p->ref.index, 1);
		}
		pm_holders_destroy(job);
		/* A type is referred to by what a list holds, not by header
		   words of objects of a static type. */
		r = holders_of(&w, list, &job);
		ck_assert_uint_eq(r->objects, 0);
		pm_holders_destroy(job);
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}
END_TEST

START_TEST(values_as_python_shows_them)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		pm_addr items[] = {
			mini_new_int(&h, 7), mini_str(&h.m, "a'b\n"), 0};
		pm_addr t = mini_new_tuple(&h, items, 2);
		items[2] = mini_new_list(&h, &t, 1);
		pm_addr list = mini_new_list(&h, items, 3);
		ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
		pm_auto_strbuf b = {0};
		pm_repr(&w.heap->objects, list, 200, &b);
		ck_assert_str_eq(pm_strbuf_text(&b),
			"[7, \"a'b\\n\", [(7, \"a'b\\n\")]]");
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}
END_TEST

/* Every read fails once, and everything after it: no crash, no hang, and what
   is not read is counted or said. */
START_TEST(nth_read_fails)
{
	const struct pm_row *row = pm_rows[0];
	struct mini_heap h;
	struct walked w;
	struct pm_error err = {0};
	mini_heap_init(&h, row);
	pm_addr ints[8];
	for (uint32_t i = 0; i < 8; i++)
		ints[i] = mini_new_int(&h, i);
	mini_new_list(&h, ints, 8);
	mini_new_tuple(&h, ints, 8);
	long before = pm_image_reads(h.m.t);
	ck_assert_int_eq(walk(&h, &w, &err), PM_OK);
	uint64_t blocks = w.heap->blocks_used;
	end_walk(&w);
	long reads = pm_image_reads(h.m.t) - before;
	ck_assert_int_gt(reads, 4);
	for (long n = 0; n < reads; n++) {
		pm_image_fail_at(h.m.t, n, NULL);
		enum pm_status s = walk(&h, &w, &err);
		pm_image_fail_at(h.m.t, -1, NULL);
		if (s == PM_OK)
			ck_assert(w.heap->blocks_used == blocks ||
				  w.heap->unreadable || w.heap->inconsistent);
		else
			ck_assert_str_ne(err.msg, "");
		end_walk(&w);
	}
	mini_heap_deinit(&h);
}
END_TEST

/* Random damage in the arena: bounded, no crash; blocks never exceed what the
   pools have room for. */
START_TEST(random_damage)
{
	uint64_t seed = 88172645463325252u;
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		pm_addr ints[20];
		for (uint32_t i = 0; i < 20; i++)
			ints[i] = mini_new_int(&h, i);
		for (uint32_t i = 0; i < 20; i++)
			mini_new_list(&h, ints, i);
		uint32_t pool = h.m.l->t.pool_size;
		unsigned char *bytes =
			pm_image_at(h.m.t, h.arena, h.carved * pool);
		for (int round = 0; round < 200; round++) {
			for (int k = 0; k < 8; k++) {
				seed ^= seed << 13;
				seed ^= seed >> 7;
				seed ^= seed << 17;
				uint32_t at =
					(uint32_t)(seed >> 8) %
					(k < 4 ? 48u + 64 : h.carved * pool);
				at += k < 4 ? (uint32_t)(seed >> 40) %
						      h.carved * pool
					    : 0;
				if (at < h.carved * pool)
					bytes[at] ^= (unsigned char)seed;
			}
			if (walk(&h, &w, &err) == PM_OK)
				ck_assert_uint_le(w.heap->blocks_used,
					h.carved * (uint64_t)pool / 8);
			end_walk(&w);
		}
		mini_heap_deinit(&h);
	}
}
END_TEST

/* An interpreter before the one that there is, with its id. */
static pm_addr second_interpreter(struct mini_heap *h, uint64_t id)
{
	const struct pm_fields *f = &h->m.l->f;
	struct mini *m = &h->m;
	pm_addr second = mini_heap(m, f->interp.sizeof_.off);
	mini_put(m, second, f->interp.id, id);
	mini_put(m, second, f->interp.next, m->interp);
	m->l->at.interp_head.addr = second;
	return second;
}

static enum pm_status pools_alone(struct mini_heap *h, struct pm_memory *m,
	int64_t id, struct pm_pools **ret)
{
	struct pm_error err = {0};
	pm_auto_free struct pm_layout *alone = NULL;
	PM_TRY(pm_interpreter_alone(h->m.l, m, id, &alone, &err));
	return pm_pools_create(alone, m, ret, &err);
}

START_TEST(an_interpreter_alone)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		const struct pm_fields *f = &h.m.l->f;
		enum pm_obmalloc_home home = row->traits.obmalloc_home;
		pm_auto_memory m = NULL;
		ck_assert(!pm_memory_create(h.m.t, 64, &m, &err));
		PM_CLEANUP(pm_cleanup_pools) struct pm_pools *p = NULL;
		/* The only one may share: there is nobody. */
		ck_assert_int_eq(pools_alone(&h, m, 0, &p), PM_OK);
		ck_assert_uint_eq(p->arenas.len, 1);
		ck_assert(!pm_pools_foreign(p, h.arena));
		pm_pools_destroy(pm_take(p));
		ck_assert_int_eq(pools_alone(&h, m, 5, &p), PM_USAGE);

		/* Without numbers they are counted. */
		int64_t other = pm_has(f->interp.id) ? 5 : 1;
		pm_addr second = second_interpreter(&h, 5);
		pm_addr state = second + f->interp.obmalloc.off;
		if (home == PM_OBMALLOC_POINTER) {
			state = mini_heap(&h.m, f->obmalloc.sizeof_.off);
			mini_put(&h.m, second, f->interp.obmalloc, state);
		}
		/* Without an arena of its own it uses those of the first. */
		pm_memory_destroy(pm_take(m));
		ck_assert(!pm_memory_create(h.m.t, 64, &m, &err));
		ck_assert_int_eq(pools_alone(&h, m, other, &p), PM_ABSENT);
		ck_assert_int_eq(pools_alone(&h, m, 0, &p), PM_ABSENT);
		if (home == PM_OBMALLOC_STATICS) {
			mini_heap_deinit(&h);
			continue;
		}
		mini_put(&h.m, state, f->obmalloc.arenas,
			mini_heap(&h.m, f->arena.sizeof_.off));
		mini_put(&h.m, state, f->obmalloc.maxarenas, 1);
		pm_memory_destroy(pm_take(m));
		ck_assert(!pm_memory_create(h.m.t, 64, &m, &err));
		ck_assert_int_eq(pools_alone(&h, m, 0, &p), PM_OK);
		ck_assert_uint_eq(p->arenas.len, 1);
		ck_assert(!pm_pools_foreign(p, h.arena));
		pm_pools_destroy(pm_take(p));
		ck_assert_int_eq(pools_alone(&h, m, other, &p), PM_OK);
		ck_assert_uint_eq(p->arenas.len, 0);
		ck_assert(pm_pools_foreign(p, h.arena));
		ck_assert(!pm_pools_foreign(p, h.arena - 1));
		mini_heap_deinit(&h);
	}
}
END_TEST

/* What a layer of hooks puts before data of size bytes. */
static void put_hook(
	struct mini_heap *h, pm_addr data, char letter, uint64_t size)
{
	unsigned ws = h->m.l->t.word_size;
	for (unsigned i = 0; i < ws; i++) {
		mini_store(&h->m, data - 2 * ws + i, 1,
			size >> (8 * (ws - 1 - i)) & 0xff);
		mini_store(&h->m, data - ws + i, 1,
			i ? 0xfd : (unsigned char)letter);
	}
}

START_TEST(large_blocks_with_debug_hooks)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct mini_heap h;
		struct walked w;
		struct pm_error err = {0};
		mini_heap_init(&h, row);
		unsigned ws = h.m.l->t.word_size;
		unsigned words = h.m.l->t.hook_words;
		pm_addr chunk = mini_heap(&h.m, 2048) + ws;
		ck_assert_msg(walk(&h, &w, &err) == PM_OK, "%s: %s", row->name,
			err.msg);
		/* None, one, two of them around 900 bytes; glibc rounds up. */
		for (unsigned layers = 0; layers < 3; layers++) {
			uint64_t all = 900 + layers * words * ws;
			uint64_t size =
				(all + ws + 2 * ws - 1) / (2 * ws) * (2 * ws);
			mini_store(&h.m, chunk, ws, size | 1);
			for (unsigned i = 0; i < layers; i++)
				put_hook(&h, chunk + ws + (i + 1) * 2 * ws,
					i + 1 == layers ? 'o' : 'r',
					900 + (layers - 1 - i) * words * ws);
			pm_auto_memory m = NULL;
			ck_assert_int_eq(
				pm_memory_create(h.m.t, 64, &m, NULL), PM_OK);
			pm_addr data = chunk + ws + layers * 2 * ws;
			ck_assert_uint_eq(
				pm_block_size(w.heap, m, data, 900), size);
			/* The hook knows the size better. */
			if (layers)
				ck_assert_uint_eq(
					pm_block_size(w.heap, m, data, 800),
					size);
		}
		end_walk(&w);
		mini_heap_deinit(&h);
	}
}
END_TEST

UNIT_MAIN("heap", large_blocks_with_debug_hooks, counts_and_sizes,
	an_interpreter_alone, free_blocks_are_not_objects, arenas_of_huge_pages,
	free_lists_hold_no_objects, static_types_keep_dicts_in_the_interpreter,
	items_that_look_like_an_object, an_object_that_looks_like_two,
	referrers_with_via, values_as_python_shows_them, nth_read_fails,
	random_damage)
