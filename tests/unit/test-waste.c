/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is wasted, on images of every row that has pymalloc. */
#include "heap/collections.h"
#include "heap/duplicates.h"
#include "heap/interned.h"
#include "heap/walk.h"
#include "lib/opened-heap.h"
#include "unit/unit.h"

#include <string.h>

/* The list of lists of this row with n entries; false: it has none. */
static bool put_lists(struct opened_heap *o, const pm_addr *entries, unsigned n)
{
	struct mini *m = &o->h.m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr base = m->interp;
	pm_addr array;
	if (!pm_has(f->freelists.lists)) { /* a static variable */
		m->l->python = &m->module;
		array = mini_data(m, 80 * ws);
	} else {
		if (pm_has(f->interp.freelists))
			base += f->interp.freelists.off;
		mini_put(m, base, f->freelists.lists_n, n);
		array = base + f->freelists.lists.off;
	}
	if (m->l->t.freelist_link != PM_FREELIST_FIRST_WORD) {
		for (unsigned i = 0; i < n; i++)
			mini_store(m, array + i * ws, ws, entries[i]);
		return true;
	}
	mini_store(m, array, ws, n ? entries[0] : 0);
	mini_store(m, array + ws, ws, n);
	for (unsigned i = 0; i < n; i++)
		mini_store(m, entries[i], ws, i + 1 < n ? entries[i + 1] : 0);
	return true;
}

static const struct pm_freelist *find_list(
	struct opened_heap *o, const char *name)
{
	pm_vec_each (p, &o->heap->freelists.lists)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

START_TEST(free_lists_are_counted)
{
	unsigned rows = 0;
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		struct pm_error err = {0};
		opened_heap_begin(&o, row);
		struct mini *m = &o.h.m;
		pm_addr held[3];
		for (unsigned i = 0; i < 3; i++) {
			held[i] = mini_new_list(&o.h, NULL, 0);
			mini_put(m, held[i], m->l->f.object.refcnt, 0);
		}
		mini_new_list(&o.h, NULL, 0);
		put_lists(&o, held, 3);
		opened_heap_open(&o);
		ck_assert_int_eq(pm_heap_freelists(o.heap, &err), PM_OK);
		const struct pm_freelist *f = find_list(&o, "lists");
		ck_assert_ptr_nonnull(f);
		ck_assert_msg(f->count == 3, "%s: %lu", row->name,
			(unsigned long)f->count);
		unsigned step = m->l->t.alignment;
		unsigned block = (m->l->f.list.sizeof_.off +
					 m->l->t.gc_head_size + step - 1) /
				 step * step;
		ck_assert_uint_eq(f->bytes, 3 * block);
		ck_assert_uint_eq(o.heap->freelists.broken, 0);
		for (unsigned i = 0; i < 3; i++)
			ck_assert(
				pm_freelists_hold(&o.heap->freelists, held[i]));
		opened_heap_end(&o);
		rows++;
	}
	ck_assert_uint_gt(rows, 20);
}
END_TEST

/* More than the array has room for, a live one, a wild pointer, and a circle:
   not believed, and said. */
START_TEST(broken_free_lists_are_said)
{
	EACH_PYMALLOC_ROW(row)
	{
		for (unsigned how = 0; how < 4; how++) {
			struct opened_heap o;
			struct pm_error err = {0};
			opened_heap_begin(&o, row);
			struct mini *m = &o.h.m;
			const struct pm_fields *f = &m->l->f;
			bool chain =
				m->l->t.freelist_link == PM_FREELIST_FIRST_WORD;
			if (!pm_has(f->freelists.lists) ||
				(chain && (how == 0 || how == 1))) {
				opened_heap_end(&o);
				continue;
			}
			pm_addr held[3];
			for (unsigned i = 0; i < 3; i++) {
				held[i] = mini_new_list(&o.h, NULL, 0);
				mini_put(m, held[i], f->object.refcnt, 0);
			}
			put_lists(&o, held, 3);
			pm_addr base = m->interp;
			if (pm_has(f->interp.freelists))
				base += f->interp.freelists.off;
			unsigned ws = m->l->t.word_size;
			if (how == 0)
				mini_put(m, base, f->freelists.lists_n, 81);
			if (how == 1)
				mini_put(m, held[1], f->object.refcnt, 2);
			if (how == 2)
				mini_store(m, base + f->freelists.lists.off, ws,
					0xdead0000);
			if (how == 3 && chain)
				mini_store(m, held[2], ws, held[0]);
			else if (how == 3)
				mini_store(m, base + f->freelists.lists.off, ws,
					3);
			opened_heap_open(&o);
			ck_assert_int_eq(
				pm_heap_freelists(o.heap, &err), PM_OK);
			const struct pm_freelist *l = find_list(&o, "lists");
			ck_assert_uint_eq(l->count, 0);
			ck_assert_uint_eq(o.heap->freelists.broken, 1);
			ck_assert_uint_eq(o.heap->freelists.held.len, 0);
			opened_heap_end(&o);
		}
	}
}
END_TEST

#define STATIC_STRINGS 20

/* A table of static strings in 32 buckets, two of them in one chain; the
   address of its first entry. */
static pm_addr put_hashtable(struct opened_heap *o, uint64_t nentries)
{
	struct mini *m = &o->h.m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr table = mini_heap(m, f->hashtable.sizeof_.off);
	pm_addr buckets = mini_heap(m, 32 * ws);
	pm_addr first = 0, last = 0;
	for (unsigned i = 0; i < STATIC_STRINGS; i++) {
		char text[16];
		snprintf(text, sizeof text, "static %u", i);
		pm_addr str = mini_str(m, text);
		mini_put(m, str, f->ascii.interned, 3);
		pm_addr entry = mini_heap(m, f->hashtable_entry.sizeof_.off);
		mini_put(m, entry, f->hashtable_entry.key, str);
		mini_put(m, entry, f->hashtable_entry.hash,
			i < STATIC_STRINGS - 1 ? i : i - 1);
		if (i == STATIC_STRINGS - 1)
			mini_put(m, last, f->hashtable_entry.next, entry);
		else
			mini_store(m, buckets + i * ws, ws, entry);
		first = first ? first : entry;
		last = entry;
	}
	mini_put(m, table, f->hashtable.nentries, nentries);
	mini_put(m, table, f->hashtable.nbuckets, 32);
	mini_put(m, table, f->hashtable.buckets, buckets);
	mini_put(m, m->runtime, f->runtime.interned_strings, table);
	return first;
}

static bool has_hashtable(const struct pm_row *row)
{
	return row->traits.interned_home == PM_INTERNED_INTERP &&
	       pm_has(row->fields.runtime.interned_strings) &&
	       pm_has(row->fields.hashtable_entry.next);
}

static void count_interned(
	struct opened_heap *o, uint64_t counts[static 2], struct pm_interned *t)
{
	struct pm_error err = {0};
	pm_addr str;
	bool is_static;
	ck_assert_int_eq(pm_interned_open(o->heap, t, &err), PM_OK);
	counts[0] = counts[1] = 0;
	while (pm_interned_next(t, &str, &is_static))
		counts[is_static]++;
}

START_TEST(interned_strings_are_counted)
{
	unsigned tables = 0;
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		uint64_t counts[2], used;
		opened_heap_begin(&o, row);
		struct mini *m = &o.h.m;
		bool table = has_hashtable(row);
		if (table)
			put_hashtable(&o, STATIC_STRINGS);
		tables += table;
		opened_heap_open(&o);
		ck_assert_int_eq(pm_heap_pools(o.heap, NULL), PM_OK);
		ck_assert_int_eq(
			pm_layout_read(m->l, o.memory, m->interned_dict,
				m->l->f.dict.used, &used, NULL),
			PM_OK);
		pm_auto_interned t = {0};
		count_interned(&o, counts, &t);
		ck_assert_uint_gt(used, 100);
		ck_assert_uint_eq(counts[0], used);
		ck_assert_uint_eq(counts[1], table ? STATIC_STRINGS : 0);
		ck_assert_uint_eq(t.entries, counts[0] + counts[1]);
		ck_assert_uint_eq(t.unreadable + t.inconsistent, 0);
		opened_heap_end(&o);
	}
	ck_assert_uint_gt(tables, 0);
}
END_TEST

/* A chain that bites its tail, and more entries than there are: an end, and
   what is missing is counted. */
START_TEST(broken_tables_of_strings_end)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		uint64_t counts[2];
		if (!has_hashtable(row))
			continue;
		opened_heap_begin(&o, row);
		struct mini *m = &o.h.m;
		pm_addr first = put_hashtable(&o, 30);
		opened_heap_open(&o);
		ck_assert_int_eq(pm_heap_pools(o.heap, NULL), PM_OK);
		pm_auto_interned t = {0};
		count_interned(&o, counts, &t);
		ck_assert_uint_eq(counts[1], STATIC_STRINGS);
		ck_assert_uint_eq(t.inconsistent, 30 - STATIC_STRINGS);
		mini_put(m, first, m->l->f.hashtable_entry.next, first);
		pm_memory_destroy(o.memory);
		o.memory = NULL;
		pm_heap_destroy(pm_take(o.heap));
		opened_heap_open(&o);
		ck_assert_int_eq(pm_heap_pools(o.heap, NULL), PM_OK);
		pm_auto_interned again = {0};
		count_interned(&o, counts, &again);
		ck_assert_uint_eq(counts[1], STATIC_STRINGS);
		ck_assert_uint_eq(again.inconsistent, 30 - STATIC_STRINGS);
		opened_heap_end(&o);
	}
}
END_TEST

static void walk(struct opened_heap *o)
{
	struct pm_error err = {0};
	struct pm_walk *job = NULL;
	bool done = false;
	opened_heap_open(o);
	ck_assert_int_eq(pm_walk_create(o->heap, 1, &job, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_walk_step(job, 0.5, &done, &err), PM_OK);
	pm_walk_destroy(job);
}

/* A buffer's first words may be left over from what died there. */
START_TEST(words_behind_what_looks_dead_are_followed)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		opened_heap_begin(&o, row);
		struct mini *m = &o.h.m;
		const struct pm_fields *f = &m->l->f;
		unsigned ws = m->l->t.word_size;
		mini_new_int(&o.h, 5);
		pm_addr outside = mini_object(
			m, o.h.user_type, f->object.sizeof_.off + 2 * ws);
		pm_addr block = mini_block(&o.h, 12 * ws);
		mini_put(m, block, f->object.type, o.h.int_type);
		mini_store(m, block + 8 * ws, ws, outside);
		walk(&o);
		const struct pm_type *t =
			pm_types_get(o.heap->types, o.h.user_type);
		ck_assert_uint_eq(o.heap->stats[t->id].count, 1);
		ck_assert_uint_eq(o.heap->blocks_dead, 1);
		opened_heap_end(&o);
	}
}
END_TEST

START_TEST(copies_of_tuples_are_found)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		struct pm_error err = {0};
		opened_heap_begin(&o, row);
		pm_addr a[3], b[3];
		for (unsigned i = 0; i < 3; i++) {
			a[i] = mini_new_int(&o.h, 1000 + i);
			b[2 - i] = a[i];
		}
		for (unsigned i = 0; i < 4; i++)
			mini_new_tuple(&o.h, a, 3);
		mini_new_tuple(&o.h, b, 3);
		mini_new_tuple(&o.h, a, 2);
		walk(&o);
		struct pm_duplicates_job *job = NULL;
		bool done = false;
		ck_assert_int_eq(pm_duplicates_create(o.heap,
					 PM_DUPLICATE_TUPLE, &job, &err),
			PM_OK);
		while (!done)
			ck_assert_int_eq(
				pm_duplicates_step(job, 0.5, &done, &err),
				PM_OK);
		struct pm_duplicates *d = pm_duplicates_result(job);
		ck_assert_uint_eq(d->list.len, 1);
		ck_assert_uint_eq(d->list.data[0].copies, 4);
		ck_assert_uint_eq(d->saving * 4, d->alloc * 3);
		ck_assert_uint_eq(d->objects, 6);
		pm_duplicates_destroy(job);
		opened_heap_end(&o);
	}
}
END_TEST

START_TEST(room_in_lists_is_counted)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		struct pm_error err = {0};
		opened_heap_begin(&o, row);
		struct mini *m = &o.h.m;
		pm_addr items[5];
		for (unsigned i = 0; i < 5; i++)
			items[i] = mini_new_int(&o.h, 1000 + i);
		pm_addr list = mini_new_list(&o.h, items, 5);
		mini_put(m, list, m->l->f.var_object.size, 1);
		mini_new_list(&o.h, items, 2);
		mini_new_list(&o.h, NULL, 0);
		walk(&o);
		struct pm_collections_job *job = NULL;
		bool done = false;
		ck_assert_int_eq(
			pm_collections_create(o.heap, PM_BY_OWNER, &job, &err),
			PM_OK);
		while (!done)
			ck_assert_int_eq(
				pm_collections_step(job, 0.5, &done, &err),
				PM_OK);
		struct pm_collections *c = pm_collections_result(job);
		const struct pm_collections_row *lists = NULL;
		pm_vec_each (r, &c->rows)
			if (r->type->addr == o.h.list_type)
				lists = r;
		ck_assert_ptr_nonnull(lists);
		ck_assert_uint_eq(lists->count, 3);
		ck_assert_uint_eq(lists->used, 3);
		ck_assert_uint_eq(lists->capacity, 7);
		ck_assert_uint_eq(lists->waste, 4 * m->l->t.word_size);
		ck_assert_uint_eq(lists->fills[PM_FILL_EMPTY], 1);
		ck_assert_uint_eq(lists->fills[PM_FILL_ONE], 1);
		ck_assert_uint_eq(lists->owner, 0);
		pm_collections_destroy(job);
		opened_heap_end(&o);
	}
}
END_TEST

UNIT_MAIN("waste", free_lists_are_counted, broken_free_lists_are_said,
	interned_strings_are_counted, broken_tables_of_strings_end,
	words_behind_what_looks_dead_are_followed, copies_of_tuples_are_found,
	room_in_lists_is_counted)
