/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of mimalloc (Objects/mimalloc).  Its segments are found in the
   mappings by their cookie, so that those of threads that are gone are there,
   too, and nothing need be known of thread states. */
#include "heap/pools-internal.h"

#include "heap/segment-owners.h"

#include <string.h>

#define MAX_CANDIDATES (1u << 22)
#define MAX_SEGMENTS (1u << 18)
#define MAX_POOLS (UINT32_MAX - 1)
#define GATHER 512
#define RUN_BYTES (1u << 20)
#define POOL_SLICES 8  /* of a page of medium blocks */
#define LARGE_SLICES 2 /* a block of more has a page of its own */
#define HUGE_BLOCK (UINT64_C(1) << 31) /* more is not kept in 32 bits */

struct reader {
	const struct pm_layout *l;
	struct pm_memory *m;
	struct pm_pools *p;
	uint32_t slice;
	uint64_t segment, cookie;
	unsigned char *head;	/* owned: of the segment at hand */
	PM_VEC(pm_addr) places; /* where segments may be */
	PM_VEC(pm_addr) heaps;	/* that pages belong to */
	struct pm_segment_owners owners;
	PM_VEC(struct pm_pool) pools;
	PM_VEC(struct pm_page) pages;
};

static void deinit_reader(struct reader *r)
{
	free(r->head);
	pm_vec_deinit(&r->places);
	pm_vec_deinit(&r->heaps);
	pm_segment_owners_deinit(&r->owners);
	pm_vec_deinit(&r->pools);
	pm_vec_deinit(&r->pages);
}

/* ---- links ---- */

static uint64_t rotate_right(uint64_t x, uint64_t by, unsigned bits)
{
	by %= bits;
	if (bits == 32)
		x &= UINT32_MAX;
	return by ? x >> by | x << (bits - by) : x;
}

/* mi_ptr_decode: links within blocks are encoded in builds for debugging; what
   stands for NULL is the address of what owns the list. */
static pm_addr decode(const struct pm_layout *l, uint64_t x,
	const uint64_t keys[2], pm_addr null)
{
	unsigned bits = l->t.word_size * 8;
	if (!pm_has(l->f.mi_page.keys))
		return x;
	uint64_t v = rotate_right(x - keys[0], keys[0], bits) ^ keys[1];
	if (bits == 32)
		v &= UINT32_MAX;
	return v == null ? 0 : v;
}

/* Marks what the list from head on holds; false: it leads elsewhere, or to the
   same block twice. */
static bool mark_list(const struct pm_layout *l, const struct pm_page *page,
	uint32_t size, pm_addr head, const unsigned char *bytes,
	uint64_t *free_bits, unsigned *ret_n)
{
	unsigned n = 0;
	bool sound = true;
	while (head && sound) {
		uint64_t off = head - page->first;
		uint64_t k = off / size;
		if (k >= page->capacity || off % size ||
			(free_bits[k / 64] >> k % 64 & 1)) {
			sound = false;
			break;
		}
		free_bits[k / 64] |= UINT64_C(1) << k % 64;
		n++;
		head = decode(l,
			pm_load(bytes + (page->first - page->start) + off,
				l->t.word_size, l->t.big_endian),
			page->keys, page->addr);
	}
	*ret_n = n;
	return sound;
}

/* Blocks that another thread gave back, on no page's list yet. */
static void mark_delayed(const struct pm_pools *p, const struct pm_page *page,
	uint32_t size, uint64_t *free_bits)
{
	size_t lo = 0, hi = p->delayed.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (p->delayed.data[mid] < page->first)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < p->delayed.len; lo++) {
		uint64_t k = (p->delayed.data[lo] - page->first) / size;
		if (k >= page->capacity)
			return;
		free_bits[k / 64] |= UINT64_C(1) << k % 64;
	}
}

unsigned pm_mimalloc_free_blocks(const struct pm_layout *l,
	const struct pm_pools *p, size_t i, const unsigned char *bytes,
	uint64_t free_bits[static PM_POOL_BLOCK_WORDS], bool *ret_torn)
{
	const struct pm_page *page = &p->pages[i];
	uint32_t size = pm_pools_class_size(p, p->pools[i].szidx);
	unsigned n[3] = {0};
	bool sound = true;
	memset(free_bits, 0, PM_POOL_BLOCK_WORDS * sizeof *free_bits);
	for (int k = 0; k < 3; k++)
		sound &= mark_list(
			l, page, size, page->lists[k], bytes, free_bits, &n[k]);
	/* Those that other threads freed still count as used. */
	*ret_torn = !sound ||
		    page->capacity - n[0] - n[1] != p->pools[i].used ||
		    n[2] > p->pools[i].used;
	mark_delayed(p, page, size, free_bits);
	return page->capacity;
}

/* ---- pages ---- */

static int class_of(struct pm_pools *p, uint32_t size)
{
	for (unsigned i = 0; i < p->nclasses; i++)
		if (p->class_size[i] == size)
			return (int)i;
	if (p->nclasses == PM_MAX_CLASSES)
		return -1;
	p->class_size[p->nclasses] = size;
	return (int)p->nclasses++;
}

/* One entry of a segment's slices. */
struct entry {
	pm_addr start, first;
	uint64_t block, bytes;
	uint64_t capacity, reserved, used;
	struct pm_page page;
};

/* _mi_segment_page_start_from_slice of 2.1; later ones write it down. */
static uint64_t start_offset(const struct pm_layout *l, uint64_t block)
{
	if (block < l->t.word_size || block > 512)
		return 0;
	return block <= 64 ? 3 * block : block;
}

static bool read_entry(const struct reader *r, const struct pm_segment *s,
	int64_t owner, uint32_t i, uint64_t slices, struct entry *ret)
{
	const struct pm_layout *l = r->l;
	const struct pm_fields *f = &l->f;
	const unsigned char *e = pm_segment_entry(f, r->head, i);
	struct entry x = {
		.start = s->addr + (uint64_t)i * r->slice,
		.block = pm_get(l, e, f->mi_page.block_size),
		.bytes = slices * r->slice,
		.capacity = pm_get(l, e, f->mi_page.capacity),
		.reserved = pm_get(l, e, f->mi_page.reserved),
		.used = pm_get(l, e, f->mi_page.used),
	};
	if (x.block >= HUGE_BLOCK && f->mi_page.block_size.size == 4)
		x.block = x.bytes;
	x.first = x.start + start_offset(l, x.block);
	if (pm_has(f->mi_page.start))
		x.first = pm_get(l, e, f->mi_page.start);
	x.page = (struct pm_page){
		.addr = s->addr + (uint64_t)(e - r->head),
		.start = x.start,
		.first = x.first,
		.heap = pm_get(l, e, f->mi_page.heap),
		.bytes = (uint32_t)x.bytes,
		.capacity = (uint16_t)x.capacity,
		.reserved = (uint16_t)x.reserved,
		.use = PM_USE_ANY,
		.lists = {pm_get(l, e, f->mi_page.free),
			pm_get(l, e, f->mi_page.local_free),
			/* Two bits say how to free from elsewhere. */
			pm_get(l, e, f->mi_page.thread_free) & ~UINT64_C(3)},
	};
	unsigned ws = l->t.word_size;
	for (unsigned k = 0; k < 2 && pm_has(f->mi_page.keys); k++)
		x.page.keys[k] = pm_load(
			e + f->mi_page.keys.off + k * ws, ws, l->t.big_endian);
	uint64_t tag = pm_get(l, e, f->mi_page.tag);
	if (l->t.obmalloc_home == PM_OBMALLOC_MIMALLOC)
		x.page.use = tag < PM_USE_ANY ? (uint8_t)tag : PM_USE_ANY;
	if (owner == PM_OWNER_RAW && x.page.use == PM_USE_MEMORY)
		x.page.use = PM_USE_RAW;
	*ret = x;
	return x.block >= ws && x.block <= x.bytes && x.first >= x.start &&
	       x.first - x.start <= x.bytes && x.used <= x.capacity &&
	       x.capacity <= x.reserved &&
	       x.reserved <= (x.bytes - (x.first - x.start)) / x.block;
}

static enum pm_status add_pool(
	struct reader *r, const struct entry *x, struct pm_error *err)
{
	struct pm_pools *p = r->p;
	struct pm_pool pool = {
		.state = x->used ? PM_POOL_USED : PM_POOL_FREE,
		.used = (uint16_t)x->used,
	};
	struct pm_page page = x->page;
	int class_ = class_of(p, (uint32_t)x->block);
	if (class_ < 0 || x->bytes > POOL_SLICES * r->slice ||
		x->capacity > PM_POOL_BLOCK_WORDS * 64) {
		p->bad_pools++;
		return PM_OK;
	}
	pool.szidx = (uint8_t)class_;
	page.bit0 = (uint64_t)p->nwords * 64;
	p->nwords += (x->capacity + 63) / 64;
	if (r->pools.len >= MAX_POOLS || !pm_vec_push(&r->pools, pool) ||
		!pm_vec_push(&r->pages, page))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint64_t at = 0; at < x->bytes; at += r->slice)
		if (!pm_pools_map(p, x->start + at, r->pools.len - 1))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	struct pm_run_of_pools *last =
		p->runs.len ? &p->runs.data[p->runs.len - 1] : NULL;
	if (last && last->addr + last->bytes == x->start &&
		last->bytes + x->bytes <= RUN_BYTES) {
		last->bytes += (uint32_t)x->bytes;
		last->npools++;
		return PM_OK;
	}
	struct pm_run_of_pools run = {
		x->start, (uint32_t)x->bytes, (uint32_t)(r->pools.len - 1), 1};
	if (!pm_vec_push(&p->runs, run))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status add_large(
	struct reader *r, const struct entry *x, struct pm_error *err)
{
	struct pm_large large = {x->first, x->block, x->page.heap, x->page.use,
		x->used == 1 && !x->page.lists[0] && !x->page.lists[1] &&
			!x->page.lists[2]};
	if (x->reserved != 1) {
		r->p->bad_pools++;
		return PM_OK;
	}
	if (!pm_vec_push(&r->p->large, large))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status note_heap(
	struct reader *r, pm_addr heap, struct pm_error *err)
{
	if (!heap || (r->heaps.len && r->heaps.data[r->heaps.len - 1] == heap))
		return PM_OK;
	if (!pm_vec_push(&r->heaps, heap))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status read_pages(struct reader *r, const struct pm_segment *s,
	struct pm_arena *a, struct pm_error *err)
{
	const struct pm_fields *f = &r->l->f;
	for (uint32_t i = s->info; i < s->entries;) {
		uint32_t next = pm_segment_next(r->l, f, s, r->head, i);
		const unsigned char *e = pm_segment_entry(f, r->head, i);
		struct entry x;
		if (!next) {
			r->p->bad_arenas++;
			return PM_OK;
		}
		uint64_t slices = pm_get(r->l, e, f->mi_page.slice_count);
		if (!pm_get(r->l, e, f->mi_page.block_size))
			a->nfree += (uint32_t)slices;
		else if (!read_entry(r, s, a->interp, i, slices, &x))
			r->p->bad_pools++;
		else {
			PM_TRY(note_heap(r, x.page.heap, err));
			PM_TRY(x.block > LARGE_SLICES * (uint64_t)r->slice
					? add_large(r, &x, err)
					: add_pool(r, &x, err));
		}
		i = next;
	}
	return PM_OK;
}

/* ---- segments ---- */

static enum pm_status read_segment(
	struct reader *r, pm_addr at, pm_addr *end, struct pm_error *err)
{
	const struct pm_fields *f = &r->l->f;
	struct pm_pools *p = r->p;
	struct pm_segment s;
	if (pm_memory_read(r->m, at, r->head, pm_segment_head_size(f), NULL) !=
			PM_OK ||
		!pm_segment_parse(r->l, f, at, r->head, &s)) {
		p->bad_arenas++;
		return PM_OK;
	}
	if (!s.used || s.cookie != r->cookie)
		return PM_OK;
	*end = at + s.slices * r->slice;
	int64_t owner = r->owners.known ? pm_segment_owner(
						  &r->owners, r->l, &s, r->head)
					: 0;
	if (r->l->all_interpreters && owner != PM_OWNER_RAW &&
		owner != r->owners.wanted) {
		p->bad_arenas += owner == PM_OWNER_LOST;
		return PM_OK;
	}
	struct pm_arena a = {
		.address = at,
		.first = at + (uint64_t)s.info * r->slice,
		.bytes = s.slices * r->slice,
		.pool0 = (uint32_t)r->pools.len,
		.interp = owner,
		.thread = s.thread,
	};
	PM_TRY(read_pages(r, &s, &a, err));
	a.npools = a.carved = (uint32_t)r->pools.len - a.pool0;
	if (!pm_vec_push(&p->arenas, a))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

/* Every place in writable memory where a segment may start and that has the
   cookie: many small reads at once. */
static enum pm_status check_places(
	struct reader *r, const pm_addr *at, size_t n, struct pm_error *err)
{
	const struct pm_layout *l = r->l;
	struct pm_piece pieces[GATHER];
	unsigned char words[GATHER][8];
	unsigned ws = l->t.word_size;
	for (size_t i = 0; i < n; i++)
		pieces[i] = (struct pm_piece){
			at[i] + l->f.mi_segment.cookie.off, words[i], ws, 0};
	pm_target_gather(pm_memory_target(r->m), pieces, n);
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].got != ws ||
			(pm_load(words[i], ws, l->t.big_endian) ^ at[i]) !=
				r->cookie)
			continue;
		if (r->places.len >= MAX_SEGMENTS ||
			!pm_vec_push(&r->places, at[i]))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

static enum pm_status find_places(struct reader *r, struct pm_error *err)
{
	struct pm_target *t = pm_memory_target(r->m);
	pm_addr batch[GATHER];
	size_t n = 0, seen = 0;
	bool known = pm_target_knows_permissions(t);
	for (size_t k = 0; k < t->maps.len; k++) {
		struct pm_mapping map = t->maps.data[k];
		if (map.flags & (PM_MAP_SPECIAL | PM_MAP_ABSENT) ||
			(known && !(map.flags & PM_MAP_WRITE)))
			continue;
		pm_addr at = (map.start + r->segment - 1) & ~(r->segment - 1);
		for (; at >= map.start && at < map.end && seen < MAX_CANDIDATES;
			at += r->segment, seen++) {
			if (n == GATHER) {
				PM_TRY(check_places(r, batch, n, err));
				n = 0;
			}
			batch[n++] = at;
		}
	}
	return n ? check_places(r, batch, n, err) : PM_OK;
}

/* ---- blocks on their way back ---- */

static int by_value(const void *a, const void *b)
{
	const pm_addr *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* Blocks that another thread freed and that are on no page's list yet hang on
   the heap they came from (thread_delayed_free). */
static enum pm_status read_delayed(
	struct reader *r, pm_addr heap, uint64_t most, struct pm_error *err)
{
	const struct pm_layout *l = r->l;
	const struct pm_fields *f = &l->f;
	unsigned ws = l->t.word_size;
	uint64_t at, keys[2] = {0};
	if (pm_layout_read(l, r->m, heap, f->mi_heap.delayed_free, &at, NULL) !=
		PM_OK) {
		r->p->bad_pools++;
		return PM_OK;
	}
	for (unsigned k = 0; k < 2 && pm_has(f->mi_page.keys); k++)
		if (pm_memory_read_uint(r->m,
			    heap + f->mi_heap.keys.off + k * ws, ws, &keys[k],
			    NULL) != PM_OK)
			return PM_OK;
	while (at) {
		int64_t pool = pm_pools_find(r->p, at);
		bool block =
			pool < 0 ? pm_pools_large(r->p, at) != NULL
				 : pm_pools_block(r->p, (size_t)pool, at) == at;
		if (!block || r->p->delayed.len >= most) {
			r->p->bad_pools++;
			return PM_OK;
		}
		if (!pm_vec_push(&r->p->delayed, at))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (pm_memory_read_uint(r->m, at, ws, &at, NULL) != PM_OK) {
			r->p->bad_pools++;
			return PM_OK;
		}
		at = decode(l, at, keys, heap);
	}
	return PM_OK;
}

static enum pm_status read_all_delayed(struct reader *r, struct pm_error *err)
{
	struct pm_pools *p = r->p;
	uint64_t most = p->large.len;
	for (size_t i = 0; i < p->npools; i++)
		most += p->pools[i].used;
	if (r->heaps.len)
		qsort(r->heaps.data, r->heaps.len, sizeof *r->heaps.data,
			by_value);
	for (size_t i = 0; i < r->heaps.len; i++)
		if (!i || r->heaps.data[i] != r->heaps.data[i - 1])
			PM_TRY(read_delayed(r, r->heaps.data[i], most, err));
	if (p->delayed.len)
		qsort(p->delayed.data, p->delayed.len, sizeof *p->delayed.data,
			by_value);
	return PM_OK;
}

/* ---- the whole ---- */

enum pm_status pm_mimalloc_read(const struct pm_layout *l, struct pm_memory *m,
	struct pm_pools *p, struct pm_error *err)
{
	struct pm_segment anchor;
	if (!pm_segment_anchor(l, &l->f, m, &anchor))
		return PM_OK;
	PM_CLEANUP(deinit_reader)
	struct reader r = {
		.l = l,
		.m = m,
		.p = p,
		.slice = pm_slice_size(l),
		.segment = pm_segment_size(l, &l->f),
		.cookie = anchor.cookie,
		.head = malloc(pm_segment_head_size(&l->f)),
	};
	if (!r.head)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	p->pool_size = r.slice;
	p->arena_size = (uint32_t)r.segment;
	p->alignment = l->t.word_size;
	p->header = 0;
	/* mi_padding_t, in builds that encode links, too. */
	p->padding = pm_has(l->f.mi_page.keys) ? 8 : 0;
	p->pool_shift = (unsigned)__builtin_ctz(r.slice);
	p->nclasses = 0;
	PM_TRY(find_places(&r, err));
	PM_TRY(pm_segment_owners_read(
		l, m, r.places.data, r.places.len, &r.owners, err));
	pm_addr end = 0;
	for (size_t i = 0; i < r.places.len; i++)
		if (r.places.data[i] >= end)
			PM_TRY(read_segment(&r, r.places.data[i], &end, err));
	p->npools = r.pools.len;
	p->pools = pm_take(r.pools.data);
	p->pages = pm_take(r.pages.data);
	return read_all_delayed(&r, err);
}
