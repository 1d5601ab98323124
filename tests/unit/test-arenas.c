/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How full arenas are, who is in them and what keeps them, on images of every
   row that has pymalloc. */
#include "command/arena-picture.h"
#include "graph/build.h"
#include "graph/root-nodes.h"
#include "graph/without.h"
#include "heap/occupancy.h"
#include "heap/tenants.h"
#include "lib/opened-heap.h"
#include "unit/unit.h"

#include <string.h>

static void open_heap(struct opened_heap *o)
{
	struct pm_error err = {0};
	opened_heap_open(o);
	ck_assert_msg(pm_heap_pools(o->heap, &err) == PM_OK, "%s: %s",
		o->h.m.row->name, err.msg);
}

static void walk(struct opened_heap *o)
{
	struct pm_error err = {0};
	struct pm_walk *job;
	bool done = false;
	ck_assert_int_eq(pm_walk_create(o->heap, 1, &job, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_walk_step(job, 1, &done, &err), PM_OK);
	pm_walk_destroy(job);
}

START_TEST(counts_and_what_is_needed_at_least)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		struct pm_error err = {0};
		opened_heap_begin(&o, row);
		/* Two pools of one class: all but one block of each free. */
		uint32_t size = 8 * o.h.m.l->t.alignment;
		uint32_t room =
			(o.h.m.l->t.pool_size - o.h.m.l->f.pool.sizeof_.off) /
			size;
		pm_addr block = 0;
		for (uint32_t i = 0; i < 2 * room; i++) {
			block = mini_block(&o.h, size);
			if (i % room)
				mini_free(&o.h, block);
		}
		open_heap(&o);
		const struct pm_pools *p = o.heap->pools;
		uint64_t blocks = 0, bytes = 0, pools = 0;
		for (size_t i = 0; i < p->npools; i++) {
			if (p->pools[i].state != PM_POOL_USED)
				continue;
			pools++;
			blocks += p->pools[i].used;
			bytes += p->pools[i].used *
				 pm_pools_class_size(p, p->pools[i].szidx);
		}
		struct pm_occupancy x;
		ck_assert_uint_eq(p->arenas.len, 1);
		pm_occupancy_of(p, 0, &x);
		ck_assert_uint_eq(x.pools_used, pools);
		ck_assert_uint_eq(
			x.pools_used + x.pools_free, p->arenas.data[0].npools);
		ck_assert_uint_eq(x.blocks, blocks);
		ck_assert_uint_eq(x.bytes_used, bytes);
		struct pm_compacted c;
		ck_assert_int_eq(pm_occupancy_compacted(p, &c, &err), PM_OK);
		ck_assert_uint_eq(c.arenas, 1);
		ck_assert_uint_eq(c.bytes, p->arena_size);
		ck_assert_uint_eq(pm_occupancy_returnable(p), 0);
		pm_fills fills = {0};
		ck_assert(pm_arena_fills(p, &p->arenas.data[0], &fills));
		ck_assert_uint_eq(fills.len, p->arenas.data[0].npools);
		size_t used = 0;
		pm_vec_each (f, &fills)
			used += *f != 0;
		ck_assert_uint_eq(used, pools);
		pm_vec_deinit(&fills);
		opened_heap_end(&o);
	}
}
END_TEST

/* The debug allocator overwrites what it frees: the first blocks of pools may
   all be free, and no hook is in them. */
START_TEST(hooks_are_those_of_blocks_in_use)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		opened_heap_begin(&o, row);
		struct mini *m = &o.h.m;
		unsigned ws = m->l->t.word_size;
		for (unsigned k = 1; k <= 12; k++) {
			uint32_t size = 12 * m->l->t.alignment + k * 32;
			pm_addr first = mini_block(&o.h, size);
			pm_addr second = mini_block(&o.h, size);
			mini_store(m, second + ws, 1, 'o');
			for (unsigned i = ws + 1; i < 2 * ws; i++)
				mini_store(m, second + i, 1, 0xfd);
			mini_free(&o.h, first);
		}
		open_heap(&o);
		const struct pm_pools *p = o.heap->pools;
		unsigned hooked = 0, seen = 0;
		for (size_t i = 0; i < p->npools; i++) {
			bool used = p->pools[i].state == PM_POOL_USED;
			seen += used;
			hooked += used && p->pools[i].used == 1;
		}
		ck_assert_uint_gt(hooked * 10, seen * 7);
		ck_assert_msg(p->hook_pre == 2 * ws, "%s", row->name);
		ck_assert_uint_eq(p->hook_post, (m->l->t.hook_words - 2) * ws);
		opened_heap_end(&o);
	}
}
END_TEST

struct found {
	const struct pm_heap *h;
	uint64_t blocks, bytes, objects, buffers;
	pm_addr list;
	bool list_seen, items_seen;
};

static bool see(void *arg, const struct pm_tenant *t)
{
	struct found *f = arg;
	f->blocks += t->blocks;
	f->bytes += t->bytes;
	f->objects += t->kind == PM_TENANT_OBJECT;
	f->buffers += t->kind == PM_TENANT_BUFFER;
	if (t->object == f->list && t->kind == PM_TENANT_OBJECT)
		f->list_seen = true;
	if (t->object == f->list && t->kind == PM_TENANT_BUFFER)
		f->items_seen = true;
	return true;
}

START_TEST(every_block_has_a_tenant)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		struct pm_error err = {0};
		struct pm_tenants *job;
		uint32_t arena = 0;
		bool done = false;
		opened_heap_begin(&o, row);
		pm_addr items[2] = {
			mini_new_int(&o.h, 1000), mini_new_int(&o.h, 2000)};
		pm_addr list = mini_new_list(&o.h, items, 2);
		mini_free(&o.h, mini_block(&o.h, 64));
		mini_block(&o.h, 64);
		open_heap(&o);
		walk(&o);
		struct found f = {.h = o.heap, .list = list};
		struct pm_occupancy x;
		ck_assert_int_eq(pm_tenants_create(o.heap, &arena, 1, see, &f,
					 &job, &err),
			PM_OK);
		while (!done)
			ck_assert_int_eq(
				pm_tenants_step(job, 1, &done, &err), PM_OK);
		pm_occupancy_of(o.heap->pools, 0, &x);
		ck_assert_uint_eq(f.blocks, x.blocks);
		ck_assert_uint_eq(f.bytes, x.bytes_used);
		ck_assert_uint_eq(f.objects, o.heap->blocks_objects);
		ck_assert_uint_eq(f.buffers, o.heap->blocks_buffers);
		ck_assert_msg(f.list_seen && f.items_seen, "%s", row->name);
		ck_assert_uint_eq(pm_tenants_unreadable(job), 0);
		pm_tenants_destroy(job);
		opened_heap_end(&o);
	}
}
END_TEST

static uint64_t *reached(const struct pm_graph *g, const uint64_t *gone)
{
	struct pm_error err = {0};
	struct pm_without *job;
	bool done = false;
	ck_assert_int_eq(pm_without_create(g, gone, &job, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_without_step(job, 1, &done, &err), PM_OK);
	uint64_t *bits = pm_without_take(job);
	pm_without_destroy(job);
	return bits;
}

static bool has(const uint64_t *bits, uint32_t node)
{
	return bits[node / 64] >> node % 64 & 1;
}

static struct pm_graph *graph_of(struct opened_heap *o)
{
	struct pm_error err = {0};
	struct pm_graph_build *job;
	bool done = false;
	ck_assert_int_eq(pm_graph_build_create(o->heap, &job, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(
			pm_graph_build_step(job, 1, &done, &err), PM_OK);
	struct pm_graph *g = pm_graph_build_take(job);
	pm_graph_build_destroy(job);
	return g;
}

/* What two hold goes with neither of them alone. */
START_TEST(what_goes_with_an_object)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		opened_heap_begin(&o, row);
		pm_addr own = mini_new_int(&o.h, 1000);
		pm_addr shared = mini_new_int(&o.h, 2000);
		pm_addr items[2] = {own, shared};
		pm_addr a = mini_new_list(&o.h, items, 2);
		pm_addr b = mini_new_list(&o.h, &shared, 1);
		pm_addr both[2] = {a, b};
		pm_addr top = mini_new_list(&o.h, both, 2);
		open_heap(&o);
		walk(&o);
		struct pm_graph *g = graph_of(&o);
		uint32_t at = pm_graph_node(g, top);
		ck_assert_uint_ne(at, PM_NO_NODE);
		const struct pm_graph_root root = {
			at, {.kind = PM_ROOT_RUNTIME, .target = top}};
		ck_assert(pm_vec_push(&g->roots, root));
		uint64_t *gone = calloc(g->n / 64 + 1, sizeof *gone);
		ck_assert_ptr_nonnull(gone);
		uint64_t *all = reached(g, gone);
		at = pm_graph_node(g, a);
		gone[at / 64] |= UINT64_C(1) << at % 64;
		uint64_t *rest = reached(g, gone);
		ck_assert(has(all, at) && !has(rest, at));
		at = pm_graph_node(g, own);
		ck_assert(has(all, at) && !has(rest, at));
		at = pm_graph_node(g, shared);
		ck_assert(has(all, at) && has(rest, at));
		at = pm_graph_node(g, b);
		ck_assert(has(all, at) && has(rest, at));
		free(all);
		free(rest);
		free(gone);
		pm_graph_destroy(g);
		opened_heap_end(&o);
	}
}
END_TEST

START_TEST(shades_and_files)
{
	static const uint8_t cells[] = {
		0, 1, 25, 26, 50, 51, 75, 76, 100, PM_FILL_BAD, PM_FILL_HEAD};
	const struct pm_shades plain = {0};
	pm_auto_strbuf text = {0};
	pm_shades_put(&plain, cells, sizeof cells, 1, &text);
	ck_assert_str_eq(pm_strbuf_text(&text), ".--++**##?=");
	pm_strbuf_reset(&text);
	pm_shades_put(&plain, cells, sizeof cells, 4, &text);
	ck_assert_str_eq(pm_strbuf_text(&text), "-*#");
	const struct pm_shades full = {.utf8 = true, .colour = true};
	pm_strbuf_reset(&text);
	pm_shades_put(&full, cells + 7, 2, 1, &text);
	ck_assert_str_eq(
		pm_strbuf_text(&text), "\033[0;32m\u2588\u2588\033[0m");
	struct pm_svg svg;
	pm_svg_begin(&svg, "a & b", "<words>", 64, 1);
	pm_svg_row(&svg, "\"x\"", "y\n", cells, sizeof cells);
	pm_svg_end(&svg);
	const char *out = pm_strbuf_text(&svg.text);
	ck_assert_ptr_nonnull(strstr(out, "<title>a &amp; b</title>"));
	ck_assert_ptr_nonnull(strstr(out, "&lt;words&gt;"));
	ck_assert_ptr_nonnull(strstr(out, "&quot;x&quot;"));
	ck_assert_ptr_null(strstr(out, "y\n"));
	pm_svg_deinit(&svg);
}
END_TEST

UNIT_MAIN("arenas", counts_and_what_is_needed_at_least,
	hooks_are_those_of_blocks_in_use, every_block_has_a_tenant,
	what_goes_with_an_object, shades_and_files)
