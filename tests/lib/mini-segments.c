/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/mini-segments.h"

#include "layout/segments.h"

#include <check.h>
#include <string.h>

#define FIRST UINT64_C(0x200000000000)
#define COOKIE UINT64_C(0x5ca1ab1e0ddba11)
#define MAPPED_SLICES 48

bool mini_has_segments(const struct pm_row *row)
{
	return pm_segment_slices(&row->fields) != 0;
}

static uint64_t get(struct mini *m, pm_addr at, struct pm_field f)
{
	const unsigned char *p = pm_image_at(m->t, at, f.off + (size_t)f.size);
	ck_assert_ptr_nonnull(p);
	return pm_get(m->l, p, f);
}

/* A field may share its bytes with others. */
static void put(struct mini *m, pm_addr at, struct pm_field f, uint64_t v)
{
	struct pm_field whole = {f.off, f.size, 0, 0};
	if (f.bits) {
		uint64_t mask = ((UINT64_C(1) << f.bits) - 1) << f.bit;
		v = (get(m, at, whole) & ~mask) | (v << f.bit & mask);
	}
	if (pm_has(f))
		mini_store(m, at + f.off, f.size, v);
}

static pm_addr entry(struct mini_segment *s, uint32_t i)
{
	const struct pm_fields *f = &s->m->l->f;
	return s->addr + f->mi_segment.slices.off +
	       (pm_addr)i * f->mi_page.sizeof_.off;
}

/* What is behind the pages is one span that is free. */
static void put_rest(struct mini_segment *s)
{
	const struct pm_fields *f = &s->m->l->f;
	pm_addr e = entry(s, s->next);
	put(s->m, e, f->mi_page.slice_count, pm_segment_slices(f) - s->next);
	put(s->m, e, f->mi_page.slice_offset, 0);
	put(s->m, e, f->mi_page.block_size, 0);
}

void mini_segment_init(struct mini_segment *s, struct mini *m, unsigned number,
	uint64_t thread)
{
	const struct pm_fields *f = &m->l->f;
	struct pm_error err;
	uint32_t n = pm_segment_slices(f), slice = pm_slice_size(m->l);
	pm_addr at = (m->l->t.word_size == 8 ? FIRST : UINT64_C(0x50000000)) +
		     number * pm_segment_size(m->l, f);
	uint64_t mask = ~UINT64_C(0) >> (64 - 8 * m->l->t.word_size);
	*s = (struct mini_segment){m, at, 1};
	ck_assert_int_eq(pm_image_add(m->t, at, NULL, MAPPED_SLICES * slice,
				 PM_MAP_READ | PM_MAP_WRITE, NULL, &err),
		PM_OK);
	ck_assert_uint_le(pm_segment_head_size(f), slice);
	put(m, at, f->mi_segment.cookie, (COOKIE ^ at) & mask);
	put(m, at, f->mi_segment.segment_slices, n);
	put(m, at, f->mi_segment.slice_entries, n);
	put(m, at, f->mi_segment.info_slices, 1);
	put(m, at, f->mi_segment.thread_id, thread);
	put(m, entry(s, 0), f->mi_page.slice_count, 1);
	put_rest(s);
	if (number)
		return;
	struct mini_page p = mini_page(s, 128, 2);
	pm_addr dict = mini_page_block(&p), old = m->sysdict;
	size_t size = f->dict.sizeof_.off;
	memcpy(pm_image_at(m->t, dict, size), pm_image_at(m->t, old, size),
		size);
	mini_put(m, m->interp, f->interp.sysdict, dict);
	m->sysdict = dict;
}

struct mini_page mini_page(struct mini_segment *s, uint32_t block, unsigned use)
{
	struct mini *m = s->m;
	const struct pm_fields *f = &m->l->f;
	uint32_t slice = pm_slice_size(m->l);
	uint32_t n = block <= slice / 4 ? 1 : block <= 2 * slice ? 8 : 0;
	if (!n)
		n = (block + slice - 1) / slice;
	ck_assert_uint_le(s->next + n, MAPPED_SLICES);
	struct mini_page p = {.s = s,
		.entry = entry(s, s->next),
		.start = s->addr + (uint64_t)s->next * slice,
		.block = block,
		.keys = {0x1234567 * (s->next + 1), 0x7654321}};
	p.first = p.start + (block <= 64	   ? 3 * block
				    : block <= 512 ? block
						   : 0);
	uint32_t room = (uint32_t)(p.start + (uint64_t)n * slice - p.first);
	s->next += n;
	put_rest(s);
	mini_page_put(&p, f->mi_page.slice_count, n);
	mini_page_put(&p, f->mi_page.slice_offset, 0);
	mini_page_put(&p, f->mi_page.block_size, block);
	mini_page_put(&p, f->mi_page.start, p.first);
	mini_page_put(&p, f->mi_page.reserved, room / block);
	mini_page_put(&p, f->mi_page.tag, use);
	for (unsigned i = 0; i < 2 && pm_has(f->mi_page.keys); i++)
		mini_store(m,
			p.entry + f->mi_page.keys.off + i * m->l->t.word_size,
			m->l->t.word_size, p.keys[i]);
	put(m, s->addr, f->mi_segment.used,
		get(m, s->addr, f->mi_segment.used) + 1);
	return p;
}

void mini_page_put(struct mini_page *p, struct pm_field f, uint64_t v)
{
	put(p->s->m, p->entry, f, v);
}

uint64_t mini_page_get(struct mini_page *p, struct pm_field f)
{
	return get(p->s->m, p->entry, f);
}

pm_addr mini_page_block(struct mini_page *p)
{
	const struct pm_fields *f = &p->s->m->l->f;
	uint64_t n = mini_page_get(p, f->mi_page.capacity);
	ck_assert_uint_lt(n, mini_page_get(p, f->mi_page.reserved));
	mini_page_put(p, f->mi_page.capacity, n + 1);
	mini_page_put(
		p, f->mi_page.used, mini_page_get(p, f->mi_page.used) + 1);
	return p->first + n * p->block;
}

static void link_to(struct mini_page *p, pm_addr block, pm_addr next,
	pm_addr null, const uint64_t keys[2])
{
	const struct pm_layout *l = p->s->m->l;
	unsigned bits = l->t.word_size * 8;
	uint64_t mask = ~UINT64_C(0) >> (64 - bits);
	uint64_t v = next;
	if (pm_has(l->f.mi_page.keys)) {
		unsigned by = (unsigned)(keys[0] % bits);
		v = ((next ? next : null) ^ keys[1]) & mask;
		v = by ? (v << by | v >> (bits - by)) & mask : v;
		v = (v + keys[0]) & mask;
	}
	mini_store(p->s->m, block, l->t.word_size, v);
}

void mini_page_free(struct mini_page *p, pm_addr block, enum mini_list list)
{
	const struct pm_fields *f = &p->s->m->l->f;
	struct pm_field head = list == MINI_FREE ? f->mi_page.free
			       : list == MINI_LOCAL_FREE
				       ? f->mi_page.local_free
				       : f->mi_page.thread_free;
	uint64_t old = mini_page_get(p, head) & ~UINT64_C(3);
	link_to(p, block, old, p->entry, p->keys);
	mini_page_put(p, head, block | (list == MINI_THREAD_FREE ? 2 : 0));
	if (list != MINI_THREAD_FREE)
		mini_page_put(p, f->mi_page.used,
			mini_page_get(p, f->mi_page.used) - 1);
}

void mini_page_delay(struct mini_page *p, pm_addr block)
{
	struct mini *m = p->s->m;
	const struct pm_fields *f = &m->l->f;
	pm_addr heap = mini_page_get(p, f->mi_page.heap);
	if (!heap) {
		heap = mini_heap(m, f->mi_heap.sizeof_.off);
		mini_page_put(p, f->mi_page.heap, heap);
	}
	uint64_t keys[2] = {0};
	for (unsigned i = 0; i < 2 && pm_has(f->mi_page.keys); i++) {
		keys[i] = 0x1111 + i;
		mini_store(m,
			heap + f->mi_heap.keys.off + i * m->l->t.word_size,
			m->l->t.word_size, keys[i]);
	}
	link_to(p, block, get(m, heap, f->mi_heap.delayed_free), heap, keys);
	put(m, heap, f->mi_heap.delayed_free, block);
}

pm_addr mini_page_object(struct mini_page *p, pm_addr type, uint32_t pre)
{
	struct mini *m = p->s->m;
	const struct pm_fields *f = &m->l->f;
	pm_addr at = mini_page_block(p) + pre;
	mini_put(m, at, f->object.refcnt, 1);
	mini_put(m, at, f->object.ref_local, 1);
	mini_put(m, at, f->object.type, type);
	return at;
}
