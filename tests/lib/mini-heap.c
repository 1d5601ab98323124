/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/mini-heap.h"
#include "object/types.h"

#include <check.h>
#include <string.h>

static uint64_t get(struct mini_heap *h, pm_addr at, struct pm_field f)
{
	return mini_load(&h->m, at + f.off, f.size);
}

static void flags(struct mini_heap *h, pm_addr type, uint64_t more)
{
	mini_put(&h->m, type, h->m.l->f.type.flags, PM_TPFLAG_READY | more);
}

pm_addr mini_type(struct mini_heap *h, const char *name, uint32_t basic,
	uint32_t item, uint64_t more, bool heap)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	size_t size = f->heap_type.sizeof_.off + 64;
	pm_addr at = heap ? mini_heap(m, size) + 32 : mini_data(m, size);
	pm_addr text = mini_data(m, strlen(name) + 1);
	memcpy(pm_image_at(m->t, text, strlen(name)), name, strlen(name));
	mini_put(m, at, f->object.refcnt, 3);
	mini_put(m, at, f->object.ref_local, 3);
	mini_put(m, at, f->object.type, m->l->at.type_type.addr);
	mini_put(m, at, f->type.name, text);
	mini_put(m, at, f->type.basicsize, basic);
	mini_put(m, at, f->type.itemsize, item);
	mini_put(m, at, f->type.base, m->l->at.object_type.addr);
	flags(h, at, more);
	return at;
}

void mini_heap_init(struct mini_heap *h, const struct pm_row *row)
{
	memset(h, 0, sizeof *h);
	mini_init(&h->m, row, "/usr/bin/python-mini");
	struct mini *m = &h->m;
	const struct pm_layout *l = m->l;
	const struct pm_fields *f = &l->f;
	pm_addr table_at = l->at.arenas.addr;
	bool arenas = row->traits.obmalloc_home != PM_OBMALLOC_MIMALLOC;
	if (arenas && row->traits.obmalloc_home != PM_OBMALLOC_STATICS) {
		pm_addr state = m->interp + f->interp.obmalloc.off;
		if (row->traits.obmalloc_home == PM_OBMALLOC_POINTER)
			state = get(h, m->interp, f->interp.obmalloc);
		table_at = state + f->obmalloc.arenas.off;
	}
	if (arenas) {
		h->table = mini_load(m, table_at, row->traits.word_size);
		h->arena = get(h, h->table, f->arena.address);
		mini_put(m, h->table, f->arena.pool_address, h->arena);
		mini_put(m, h->table, f->arena.nfreepools,
			l->t.arena_size / l->t.pool_size);
	}
	flags(h, l->at.type_type.addr, PM_TPFLAG_TYPE | PM_TPFLAG_HAVE_GC);
	flags(h, l->at.object_type.addr, 0);
	flags(h, l->at.dict_type.addr, PM_TPFLAG_DICT | PM_TPFLAG_HAVE_GC);
	flags(h, l->at.unicode_type.addr, PM_TPFLAG_UNICODE);
	if (l->at.bytes_type.addr)
		flags(h, l->at.bytes_type.addr, PM_TPFLAG_BYTES);
	flags(h, get(h, l->at.none.addr, f->object.type), 0);
	flags(h, get(h, l->at.set_dummy.addr, f->object.type), 0);
	bool two = row->traits.int_form == PM_INT_TWO_TYPES;
	h->int_type = mini_type(h, "int",
		two ? f->int_.sizeof_.off : f->long_.digit.off,
		two ? 0 : f->long_.digit.size, two ? 0 : PM_TPFLAG_LONG, false);
	h->long_type = two ? mini_type(h, "long", f->long_.digit.off,
				     f->long_.digit.size, PM_TPFLAG_LONG, false)
			   : h->int_type;
	h->list_type = mini_type(h, "list", f->list.sizeof_.off, 0,
		PM_TPFLAG_LIST | PM_TPFLAG_HAVE_GC, false);
	h->tuple_type =
		mini_type(h, "tuple", f->tuple.item.off, row->traits.word_size,
			PM_TPFLAG_TUPLE | PM_TPFLAG_HAVE_GC, false);
	h->user_type = mini_type(h, "app.Plain",
		f->object.sizeof_.off + 2 * row->traits.word_size, 0, 0, false);
	h->gc_list = mini_heap(m, 64);
	mini_put(m, h->gc_list, f->gc_head.next, h->gc_list);
	mini_put(m, h->gc_list, f->gc_head.prev, h->gc_list);
}

void mini_heap_deinit(struct mini_heap *h)
{
	mini_deinit(&h->m);
}

static pm_addr new_pool(struct mini_heap *h, uint32_t szidx)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	uint32_t n = m->l->t.arena_size / m->l->t.pool_size;
	ck_assert_uint_lt(h->carved, n);
	pm_addr pool = h->arena + h->carved++ * (uint64_t)m->l->t.pool_size;
	mini_put(m, pool, f->pool.szidx, szidx);
	mini_put(m, pool, f->pool.nextoffset, f->pool.sizeof_.off);
	mini_put(m, h->table, f->arena.pool_address, pool + m->l->t.pool_size);
	mini_put(m, h->table, f->arena.nfreepools, n - h->carved);
	return pool;
}

pm_addr mini_block(struct mini_heap *h, uint32_t size)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	uint32_t step = m->l->t.alignment, szidx = (size - 1) / step;
	uint32_t block = (szidx + 1) * step;
	pm_addr pool = 0;
	for (uint32_t i = 0; i < h->carved && !pool; i++) {
		pm_addr p = h->arena + i * (uint64_t)m->l->t.pool_size;
		if (get(h, p, f->pool.szidx) == szidx &&
			get(h, p, f->pool.nextoffset) + block <=
				m->l->t.pool_size)
			pool = p;
	}
	if (!pool)
		pool = new_pool(h, szidx);
	uint64_t off = get(h, pool, f->pool.nextoffset);
	mini_put(m, pool, f->pool.nextoffset, off + block);
	mini_put(m, pool, f->pool.ref_count,
		get(h, pool, f->pool.ref_count) + 1);
	return pool + off;
}

void mini_free(struct mini_heap *h, pm_addr block)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	pm_addr pool = block & ~(uint64_t)(m->l->t.pool_size - 1);
	mini_store(
		m, block, m->l->t.word_size, get(h, pool, f->pool.freeblock));
	mini_put(m, pool, f->pool.freeblock, block);
	mini_put(m, pool, f->pool.ref_count,
		get(h, pool, f->pool.ref_count) - 1);
}

pm_addr mini_new(struct mini_heap *h, pm_addr type, uint32_t size, bool gc)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	uint32_t pre = gc ? m->l->t.gc_head_size : 0;
	pm_addr head = mini_block(h, size + pre);
	if (gc) { /* at the end of the list */
		pm_addr last = get(h, h->gc_list, f->gc_head.prev);
		mini_put(m, last, f->gc_head.next, head);
		mini_put(m, head, f->gc_head.prev, last);
		mini_put(m, head, f->gc_head.next, h->gc_list);
		mini_put(m, h->gc_list, f->gc_head.prev, head);
	}
	mini_put(m, head + pre, f->object.refcnt, 1);
	mini_put(m, head + pre, f->object.type, type);
	return head + pre;
}

pm_addr mini_new_int(struct mini_heap *h, uint32_t v)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	if (m->row->traits.int_form == PM_INT_TWO_TYPES) {
		pm_addr word =
			mini_new(h, h->int_type, f->int_.sizeof_.off, false);
		mini_put(m, word, f->int_.value, v);
		return word;
	}
	pm_addr at = mini_new(h, h->int_type, f->long_.digit.off + 8, false);
	mini_put_digits(m, at, v);
	return at;
}

pm_addr mini_new_list(struct mini_heap *h, const pm_addr *items, uint32_t n)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr at = mini_new(h, h->list_type, f->list.sizeof_.off, true);
	pm_addr buffer = n ? mini_block(h, n * ws) : 0;
	for (uint32_t i = 0; i < n; i++)
		mini_store(m, buffer + i * ws, ws, items[i]);
	mini_put(m, at, f->var_object.size, n);
	mini_put(m, at, f->list.allocated, n);
	mini_put(m, at, f->list.item, buffer);
	return at;
}

pm_addr mini_new_tuple(struct mini_heap *h, const pm_addr *items, uint32_t n)
{
	struct mini *m = &h->m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr at =
		mini_new(h, h->tuple_type, f->tuple.item.off + n * ws, true);
	mini_put(m, at, f->var_object.size, n);
	for (uint32_t i = 0; i < n; i++)
		mini_store(m, at + f->tuple.item.off + i * ws, ws, items[i]);
	return at;
}
