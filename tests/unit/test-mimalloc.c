/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Segments of mimalloc, whole and hostile, in every row that has them. */
#include "heap/interpreter.h"
#include "heap/walk.h"
#include "layout/segments.h"
#include "lib/mini-segments.h"
#include "unit/unit.h"

#include <string.h>

/* A heap of one segment with pages of each use. */
struct scene {
	struct mini_heap h;
	struct mini_segment s;
	struct pm_memory *memory;
	struct pm_heap *heap;
};

#define EACH_ROW(row)                                                          \
	for (size_t row##_ = 0; pm_rows[row##_]; row##_++)                     \
		for (const struct pm_row *row = pm_rows[row##_];               \
			row && mini_has_segments(row); row = NULL)

static void begin(struct scene *x, const struct pm_row *row)
{
	*x = (struct scene){0};
	mini_heap_init(&x->h, row);
	/* Of builds with pymalloc too: it has no arenas then. */
	if (row->traits.obmalloc_home != PM_OBMALLOC_MIMALLOC)
		mini_put(&x->h.m, x->h.table, x->h.m.l->f.arena.address, 0);
	mini_segment_init(&x->s, &x->h.m, 0, 77);
}

static void pools(struct scene *x)
{
	struct pm_error err = {0};
	pm_memory_destroy(x->memory);
	pm_heap_destroy(x->heap);
	x->memory = NULL;
	x->heap = NULL;
	struct mini *m = &x->h.m;
	ck_assert_int_eq(pm_memory_create(m->t, 64, &x->memory, &err), PM_OK);
	ck_assert_int_eq(
		pm_heap_create(m->l, m->t, x->memory, &m->ms, &x->heap, &err),
		PM_OK);
	ck_assert_msg(pm_heap_pools(x->heap, &err) == PM_OK, "%s: %s",
		m->row->name, err.msg);
}

static void walk(struct scene *x)
{
	struct pm_error err = {0};
	struct pm_walk *job = NULL;
	pools(x);
	ck_assert_int_eq(pm_walk_create(x->heap, 1, &job, &err), PM_OK);
	bool done = false;
	while (!done)
		ck_assert_msg(pm_walk_step(job, 0.5, &done, &err) == PM_OK,
			"%s: %s", x->h.m.row->name, err.msg);
	pm_walk_destroy(job);
}

static void end(struct scene *x)
{
	pm_heap_destroy(x->heap);
	pm_memory_destroy(x->memory);
	mini_heap_deinit(&x->h);
}

static uint64_t used(const struct scene *x)
{
	const struct pm_pools *p = x->heap->pools;
	uint64_t n = 0;
	for (size_t i = 0; i < p->npools; i++)
		n += p->pools[i].used;
	return n;
}

/* What the walk skipped of the allocator. */
static uint64_t doubts(const struct scene *x)
{
	return x->heap->unreadable + x->heap->inconsistent -
	       x->heap->freelists.broken;
}

static const struct pm_type_stats *stats(struct scene *x, pm_addr type)
{
	const struct pm_type *t = pm_types_get(x->heap->types, type);
	ck_assert_ptr_nonnull(t);
	ck_assert(t->is_type && t->id < x->heap->nstats);
	return &x->heap->stats[t->id];
}

START_TEST(pages_are_pools)
{
	EACH_ROW(row)
	{
		struct scene x;
		begin(&x, row);
		struct mini_page small = mini_page(&x.s, 48, 0);
		struct mini_page medium = mini_page(&x.s, 40960, 0);
		pm_addr a = mini_page_block(&small);
		pm_addr b = mini_page_block(&small);
		pm_addr c = mini_page_block(&medium);
		mini_page_block(&medium);
		pools(&x);
		const struct pm_pools *p = x.heap->pools;
		ck_assert_uint_eq(p->arenas.len, 1);
		ck_assert_uint_eq(p->arenas.data[0].thread, 77);
		ck_assert_uint_eq(p->npools, 3);
		ck_assert_uint_eq(used(&x), 5);
		ck_assert_uint_eq(p->bad_pools + p->bad_arenas, 0);
		int64_t i = pm_pools_find(p, b + 20);
		ck_assert_int_ge(i, 0);
		ck_assert_uint_eq(pm_pools_block(p, (size_t)i, b + 20), b);
		ck_assert_uint_eq(pm_pools_block(p, (size_t)i, a), a);
		ck_assert_uint_eq(pm_pools_block(p, (size_t)i, a - 1), 0);
		ck_assert_uint_eq(pm_pools_block(p, (size_t)i, b + 48), 0);
		ck_assert_uint_eq(
			pm_pools_class_size(p, p->pools[i].szidx), 48);
		uint64_t bit = pm_pools_bit(p, (size_t)i, b);
		ck_assert_uint_eq(pm_pools_bit_block(p, (size_t)i, bit), b);
		i = pm_pools_find(p, c + 40960 + 40959);
		ck_assert_int_ge(i, 0);
		ck_assert_uint_eq(
			pm_pools_block(p, (size_t)i, c + 2 * 40960 - 1),
			c + 40960);
		ck_assert_int_lt(pm_pools_find(p, x.s.addr), 0);
		end(&x);
	}
}
END_TEST

START_TEST(free_blocks_on_each_list)
{
	EACH_ROW(row)
	{
		struct scene x;
		begin(&x, row);
		struct mini_page p = mini_page(&x.s, 64, 0);
		pm_addr b[20];
		for (int i = 0; i < 20; i++)
			b[i] = mini_page_block(&p);
		for (int i = 0; i < 12; i++)
			mini_page_free(&p, b[i],
				i < 4	? MINI_FREE
				: i < 8 ? MINI_LOCAL_FREE
					: MINI_THREAD_FREE);
		mini_page_delay(&p, b[12]);
		mini_page_delay(&p, b[13]);
		walk(&x);
		ck_assert_uint_eq(x.heap->pools->delayed.len, 2);
		ck_assert_msg(
			!doubts(&x), "%s: %d", row->name, (int)doubts(&x));
		/* The interpreter's dict is one more. */
		ck_assert_msg(x.heap->blocks_used == 7, "%s: %d", row->name,
			(int)x.heap->blocks_used);
		for (int i = 0; i < 20; i++) {
			bool carved = false, unused = false;
			size_t pool =
				(size_t)pm_pools_find(x.heap->pools, b[i]);
			ck_assert(pm_pools_ask_block(x.h.m.l, x.memory,
				x.heap->pools, pool, b[i], &carved, &unused));
			ck_assert(carved);
			ck_assert_int_eq(unused, i < 14);
		}
		end(&x);
	}
}
END_TEST

/* Free-threaded builds say by the heap what a block is. */
START_TEST(objects_by_use)
{
	EACH_ROW(row)
	{
		struct scene x;
		begin(&x, row);
		const struct pm_fields *f = &x.h.m.l->f;
		bool tagged = row->traits.obmalloc_home == PM_OBMALLOC_MIMALLOC;
		struct mini_page memory = mini_page(&x.s, 80, 0);
		struct mini_page objects = mini_page(&x.s, 96, 1);
		pm_addr user =
			mini_type(&x.h, "app.Managed", f->object.sizeof_.off, 0,
				PM_TPFLAG_MANAGED_DICT, false);
		for (int i = 0; i < 3; i++)
			mini_page_object(&objects, x.h.user_type, 0);
		mini_page_object(&memory, x.h.user_type, 0);
		struct mini_page managed = mini_page(&x.s, 80, 3);
		mini_page_object(&managed, user, 2 * x.h.m.l->t.word_size);
		walk(&x);
		ck_assert_uint_eq(
			stats(&x, x.h.user_type)->count, tagged ? 3 : 4);
		ck_assert_uint_eq(stats(&x, user)->count, 1);
		ck_assert_uint_eq(stats(&x, user)->alloc, 80);
		end(&x);
	}
}
END_TEST

START_TEST(large_blocks)
{
	EACH_ROW(row)
	{
		struct scene x;
		begin(&x, row);
		uint32_t size = 3 * pm_slice_size(x.h.m.l);
		struct mini_page gone = mini_page(&x.s, size, 1);
		struct mini_page p = mini_page(&x.s, size, 1);
		pm_addr a = mini_page_block(&gone);
		pm_addr b = mini_page_object(&p, x.h.user_type, 0);
		mini_page_free(&gone, a, MINI_FREE);
		walk(&x);
		const struct pm_pools *pools_ = x.heap->pools;
		ck_assert_uint_eq(pools_->large.len, 2);
		ck_assert_uint_eq(pools_->npools, 1);
		ck_assert_int_lt(pm_pools_find(pools_, b), 0);
		const struct pm_large *large =
			pm_pools_large(pools_, b + size - 1);
		ck_assert_ptr_nonnull(large);
		ck_assert(large->in_use && large->bytes == size);
		ck_assert(!pm_pools_large(pools_, a)->in_use);
		ck_assert_ptr_null(pm_pools_large(pools_, b + size));
		if (row->traits.obmalloc_home == PM_OBMALLOC_MIMALLOC) {
			ck_assert_uint_eq(stats(&x, x.h.user_type)->outside, 1);
			ck_assert_uint_eq(
				stats(&x, x.h.user_type)->alloc, size);
		}
		end(&x);
	}
}
END_TEST

/* Segments of threads that ended count, free ones do not, nor do those of
   another mimalloc in the same process. */
START_TEST(which_segments_count)
{
	EACH_ROW(row)
	{
		struct scene x;
		begin(&x, row);
		struct mini *m = &x.h.m;
		struct pm_field cookie = m->l->f.mi_segment.cookie;
		struct mini_segment more[3];
		for (unsigned i = 0; i < 3; i++) {
			mini_segment_init(&more[i], m, i + 1, i ? 5 : 0);
			struct mini_page p = mini_page(&more[i], 64, 0);
			mini_page_block(&p);
		}
		mini_put(m, more[1].addr, m->l->f.mi_segment.used, 0);
		unsigned char *at = pm_image_at(
			m->t, more[2].addr + cookie.off, cookie.size);
		at[1] ^= 1;
		pools(&x);
		ck_assert_uint_eq(x.heap->pools->arenas.len, 2);
		ck_assert_uint_eq(x.heap->pools->arenas.data[1].thread, 0);
		ck_assert_uint_eq(x.heap->pools->bad_arenas, 0);
		ck_assert_uint_eq(used(&x), 2);
		end(&x);
	}
}
END_TEST

/* An interpreter with a thread, whose heaps' address is returned. */
static pm_addr add_thread(struct mini *m, pm_addr interp)
{
	const struct pm_fields *f = &m->l->f;
	pm_addr thread = mini_heap(m, f->thread_impl.sizeof_.off);
	mini_put(m, interp, f->interp.threads_head, thread);
	mini_put(m, thread, f->thread.interp, interp);
	return thread + f->thread_impl.mimalloc_heaps.off;
}

static void one_page(struct mini_segment *s, unsigned use, pm_addr heap)
{
	struct mini_page p = mini_page(s, 64, use);
	mini_page_block(&p);
	mini_page_put(&p, s->m->l->f.mi_page.heap, heap);
}

/* Puts a segment of no thread where its interpreter finds it: on a list whose
   head is at, or under its sub-process. */
static void abandon(struct mini_segment *s, pm_addr interp, pm_addr at,
	pm_addr next, unsigned changes)
{
	struct mini *m = s->m;
	const struct pm_fields *f = &m->l->f;
	mini_put(m, s->addr, f->mi_segment.abandoned_next, next);
	mini_put(m, s->addr, f->mi_segment.subproc, interp + 16);
	mini_put(m, interp, f->interp.subproc, interp + 16);
	if (pm_has(f->mi_segment.abandoned_next))
		mini_store(m, at, m->l->t.word_size, s->addr + changes);
}

/* Segments 0 and 1 are the main interpreter's, 2 and 3 another's, 4 and 5 are
   of raw memory, 6 has objects and nobody that knows it; 1, 3, 5 and 6 are of
   threads that have ended. */
static void two_interpreters(
	struct scene *x, struct mini_segment s[7], pm_addr *ret_other)
{
	struct mini *m = &x->h.m;
	const struct pm_fields *f = &m->l->f;
	pm_addr other = mini_heap(m, f->interp.sizeof_.off);
	pm_addr heaps = add_thread(m, m->interp);
	pm_addr heaps_other = add_thread(m, other);
	pm_addr raw = mini_heap(m, f->mi_heap.sizeof_.off);
	mini_put(m, m->interp, f->interp.next, other);
	mini_put(m, other, f->interp.id, 1);
	s[0] = x->s;
	for (unsigned i = 1; i < 7; i++)
		mini_segment_init(&s[i], m, i, i == 2 || i == 4 ? 70 + i : 0);
	one_page(&s[0], 1, heaps);
	one_page(&s[1], 0, 0);
	one_page(&s[2], 2, heaps_other + 8);
	mini_put(m, other, f->interp.sysdict, s[2].addr + 65536);
	one_page(&s[3], 1, 0);
	one_page(&s[4], 0, raw);
	one_page(&s[5], 0, 0);
	one_page(&s[6], 1, 0);
	abandon(&s[1], m->interp, m->interp + f->interp.abandoned.off, 0, 7);
	/* Not where the row says: it is searched for. */
	abandon(&s[3], other, other + 8 * m->l->t.word_size, s[3].addr, 3);
	*ret_other = other;
}

START_TEST(whose_segments)
{
	static const int64_t owners[] = {
		0, 0, 1, 1, PM_OWNER_RAW, PM_OWNER_RAW, PM_OWNER_LOST};
	EACH_ROW(row)
	{
		struct scene x;
		struct mini_segment s[7];
		struct pm_error err;
		pm_addr other;
		if (row->traits.obmalloc_home != PM_OBMALLOC_MIMALLOC)
			continue;
		begin(&x, row);
		struct mini *m = &x.h.m;
		two_interpreters(&x, s, &other);
		pools(&x);
		const struct pm_pools *p = x.heap->pools;
		ck_assert_uint_eq(p->arenas.len, 7);
		for (size_t i = 0; i < 7; i++)
			ck_assert_msg(p->arenas.data[i].interp == owners[i],
				"%s: segment %zu is of %d", row->name, i,
				(int)p->arenas.data[i].interp);
		ck_assert_int_eq(pm_pools_use(p, p->arenas.data[1].pool0),
			PM_USE_MEMORY);
		ck_assert_int_eq(
			pm_pools_use(p, p->arenas.data[4].pool0), PM_USE_RAW);
		ck_assert_int_eq(
			pm_pools_use(p, p->arenas.data[5].pool0), PM_USE_RAW);
		/* The second one alone, with what is everybody's. */
		struct pm_layout *alone = NULL;
		struct pm_pools *own = NULL;
		ck_assert_msg(pm_interpreter_alone(
				      m->l, x.memory, 1, &alone, &err) == PM_OK,
			"%s: %s", row->name, err.msg);
		ck_assert_int_eq(
			pm_pools_create(alone, x.memory, &own, &err), PM_OK);
		ck_assert_uint_eq(own->arenas.len, 4);
		for (size_t i = 0; i < 4; i++)
			ck_assert_uint_eq(
				own->arenas.data[i].address, s[i + 2].addr);
		ck_assert_uint_eq(own->bad_arenas, 1);
		for (unsigned i = 0; i < 7; i++)
			ck_assert_int_eq(
				pm_pools_foreign(own, s[i].addr + 4096),
				i < 2 || i == 6);
		pm_pools_destroy(own);
		free(alone);
		end(&x);
	}
}
END_TEST

struct damage {
	const char *name;
	struct pm_field (*field)(const struct pm_fields *f);
	uint64_t value;
	bool pool, torn; /* is a page refused, or only its list doubted? */
};

#define FIELD(name)                                                            \
	static struct pm_field f_##name(const struct pm_fields *f)             \
	{                                                                      \
		return f->mi_page.name;                                        \
	}
FIELD(capacity)
FIELD(reserved)
FIELD(used)
FIELD(block_size)
FIELD(free)
FIELD(local_free)
FIELD(thread_free)
FIELD(slice_count)
FIELD(slice_offset)

static const struct damage damages[] = {
	{"capacity beyond what is reserved", f_capacity, 0xffff, true, false},
	{"more reserved than there is room", f_reserved, 0xfff0, true, false},
	{"more used than there are", f_used, 400, true, false},
	{"blocks of a byte", f_block_size, 1, true, false},
	{"blocks of a gigabyte", f_block_size, 1 << 30, true, false},
	{"a list that leads away", f_free, 0x1230, false, true},
	{"into the middle of a block", f_local_free, 1, false, true},
	{"a thread's list that leads away", f_thread_free, 0x4560, false, true},
	{"no slices", f_slice_count, 0, true, false},
	{"slices beyond the end", f_slice_count, 600, true, false},
	{"part of another page", f_slice_offset, 96, true, false},
};

START_TEST(damaged_pages)
{
	EACH_ROW(row)
	{
		for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
			const struct damage *d = &damages[i];
			struct scene x;
			begin(&x, row);
			struct mini_segment s;
			mini_segment_init(&s, &x.h.m, 1, 5);
			struct mini_page p = mini_page(&s, 64, 1);
			for (int k = 0; k < 5; k++)
				mini_page_object(&p, x.h.user_type, 0);
			mini_page_put(&p, d->field(&x.h.m.l->f), d->value);
			walk(&x);
			uint64_t bad = x.heap->pools->bad_pools +
				       x.heap->pools->bad_arenas;
			ck_assert_msg((bad != 0) == d->pool, "%s: %s",
				row->name, d->name);
			ck_assert_msg((doubts(&x) != 0) == (d->pool || d->torn),
				"%s: %s", row->name, d->name);
			end(&x);
		}
	}
}
END_TEST

START_TEST(lists_that_do_not_end)
{
	EACH_ROW(row)
	{
		struct scene x;
		begin(&x, row);
		struct mini_page p = mini_page(&x.s, 64, 0);
		pm_addr a = mini_page_block(&p), b = mini_page_block(&p);
		mini_page_free(&p, a, MINI_FREE);
		mini_page_free(&p, b, MINI_FREE);
		mini_page_free(&p, a, MINI_FREE); /* a -> b -> a */
		struct mini_page q = mini_page(&x.s, 96, 0);
		pm_addr c = mini_page_block(&q), d = mini_page_block(&q);
		mini_page_delay(&q, c);
		mini_page_delay(&q, d);
		mini_page_delay(&q, c);
		walk(&x);
		ck_assert_uint_gt(doubts(&x), 0);
		ck_assert_uint_gt(x.heap->pools->bad_pools, 0);
		end(&x);
	}
}
END_TEST

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Any bytes in a segment's head: it may be refused, nothing worse. */
START_TEST(any_head)
{
	uint32_t state = 20261123;
	EACH_ROW(row)
	{
		for (int turn = 0; turn < 12; turn++) {
			struct scene x;
			begin(&x, row);
			struct mini *m = &x.h.m;
			struct mini_page p = mini_page(&x.s, 64, 2);
			for (int k = 0; k < 9; k++)
				mini_page_object(&p, x.h.user_type, 0);
			size_t len = m->l->f.mi_segment.slices.off +
				     4u * m->l->f.mi_page.sizeof_.off;
			unsigned char *head = pm_image_at(m->t, x.s.addr, len);
			uint32_t keep = m->l->f.mi_segment.cookie.off;
			for (int k = 0; k < 1 + turn * 4; k++) {
				size_t at = random_next(&state) % len;
				if (at / 8 != keep / 8)
					head[at] = (unsigned char)random_next(
						&state);
			}
			walk(&x);
			ck_assert_uint_le(x.heap->pools->npools,
				pm_segment_slices(&m->l->f));
			end(&x);
		}
	}
}
END_TEST

/* Another row's mimalloc, as a patch release brought it. */
START_TEST(which_mimalloc_it_is)
{
	unsigned tried = 0;
	EACH_ROW(row)
	{
		const struct pm_row *other = NULL;
		for (size_t i = 0; pm_rows[i]; i++)
			if (mini_has_segments(pm_rows[i]) &&
				pm_rows[i]->machine == row->machine &&
				pm_rows[i]->free_threaded ==
					row->free_threaded &&
				pm_rows[i]->debug == row->debug &&
				pm_rows[i]->traits.word_size ==
					row->traits.word_size &&
				memcmp(&pm_rows[i]->fields.mi_page,
					&row->fields.mi_page,
					sizeof row->fields.mi_page))
				other = pm_rows[i];
		if (!other)
			continue;
		struct mini_heap h;
		struct mini_segment s;
		mini_heap_init(&h, row);
		struct pm_fields *f = &h.m.l->f;
		f->mi_segment = other->fields.mi_segment;
		f->mi_page = other->fields.mi_page;
		f->mi_heap = other->fields.mi_heap;
		mini_segment_init(&s, &h.m, 0, 1);
		struct pm_memory *memory = NULL;
		struct pm_layout *l = NULL;
		struct pm_debug_info none = {0};
		struct pm_error err = {0};
		ck_assert_int_eq(
			pm_memory_create(h.m.t, 64, &memory, &err), PM_OK);
		ck_assert_msg(pm_layout_create(memory, &h.m.ms, &none, &l,
				      &err) == PM_OK,
			"%s: %s", row->name, err.msg);
		ck_assert_int_eq(memcmp(&l->f.mi_page, &other->fields.mi_page,
					 sizeof l->f.mi_page),
			0);
		tried++;
		pm_layout_destroy(l);
		pm_memory_destroy(memory);
		mini_heap_deinit(&h);
	}
	ck_assert_uint_gt(tried, 4);
}
END_TEST

UNIT_MAIN("mimalloc", pages_are_pools, free_blocks_on_each_list, objects_by_use,
	large_blocks, which_segments_count, whose_segments, damaged_pages,
	lists_that_do_not_end, any_head, which_mimalloc_it_is)
