/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the chunks of the arenas are. */
#include "malloc/malloc-internal.h"

#include <string.h>

#define MAX_TRACE 50000000 /* chunks of one heap, to find its end */

uint64_t bits_next(const uint64_t *map, uint64_t bit, uint64_t end)
{
	if (bit >= end)
		return end;
	uint64_t i = bit / 64, word = map[i] >> bit % 64 << bit % 64;
	while (!word) {
		if (++i * 64 >= end)
			return end;
		word = map[i];
	}
	bit = i * 64 + (unsigned)__builtin_ctzll(word);
	return bit < end ? bit : end;
}

uint64_t bits_before(const uint64_t *map, uint64_t bit)
{
	uint64_t i = bit / 64, word = map[i] << (63 - bit % 64);
	if (word)
		return bit - (unsigned)__builtin_clzll(word);
	while (i--)
		if (map[i])
			return i * 64 + 63 - (unsigned)__builtin_clzll(map[i]);
	return UINT64_MAX;
}

struct pm_malloc_region *region_at(const struct pm_malloc *m, pm_addr addr)
{
	size_t lo = 0, hi = m->regions.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (m->regions.data[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	struct pm_malloc_region *r = lo ? &m->regions.data[lo - 1] : NULL;
	return r && addr < r->end ? r : NULL;
}

/* In its place; one that overlaps another is left out: a torn list of heaps. */
static enum pm_status insert(struct pm_malloc *m,
	const struct pm_malloc_region *r, bool *ret_added, struct pm_error *err)
{
	size_t i = m->regions.len;
	while (i && m->regions.data[i - 1].start > r->start)
		i--;
	*ret_added =
		!(i && m->regions.data[i - 1].end > r->start) &&
		!(i < m->regions.len && m->regions.data[i].start < r->end) &&
		r->end > r->start;
	if (!*ret_added) {
		m->torn++;
		return PM_OK;
	}
	if (!pm_vec_push(&m->regions, *r))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	memmove(m->regions.data + i + 1, m->regions.data + i,
		(m->regions.len - 1 - i) * sizeof *r);
	m->regions.data[i] = *r;
	return PM_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct pm_malloc_region *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

enum pm_status regions_merge(struct pm_malloc *m,
	const struct pm_malloc_region *more, size_t n, struct pm_error *err)
{
	if (!pm_vec_reserve(&m->regions, m->regions.len + n))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++)
		(void)!pm_vec_push(&m->regions, more[i]);
	if (n)
		qsort(m->regions.data, m->regions.len, sizeof *more, by_start);
	return PM_OK;
}

pm_addr region_first(const struct pm_malloc *m, pm_addr at, uint64_t most)
{
	unsigned w = m->word;
	uint64_t head = 0;
	/* Chunks are aligned to two words; with a word of 4, maybe to four, and
	   that is what a program gets and not its header. */
	for (unsigned i = 0; i < (w == 4 ? 2u : 1u); i++) {
		pm_addr first =
			(at + 2 * w - 1) / (2 * w) * (2 * w) + 2 * i * w;
		uint64_t size;
		if (!read_word(m, first + w, &head) || !(head & PREV_INUSE) ||
			head & IS_MMAPPED)
			continue;
		size = head & ~(uint64_t)FLAGS;
		if (size >= 2 * w && size % (2 * w) == 0 && size <= most)
			return first;
	}
	return 0;
}

/* How far mapped memory goes on from at, to limit at most. */
static pm_addr mapped_until(
	const struct pm_malloc *m, pm_addr at, pm_addr limit)
{
	const struct pm_mapping *map;
	while (at < limit && (map = pm_target_find_map(m->target, at)))
		at = map->end;
	return at < limit ? at : limit;
}

/* ---- heaps of other arenas ---- */

/* Where the heap that top is in begins: at a multiple of the size that all of
   them have, which huge pages may change. */
static pm_addr heap_of_top(const struct pm_malloc *m,
	const struct pm_malloc_arena *a, uint64_t *ret_max)
{
	unsigned usual = m->word == 8 ? 26 : 20;
	for (unsigned i = 0; i <= 16; i++) {
		unsigned bits = i ? 19 + i : usual;
		pm_addr heap = a->top >> bits << bits;
		uint64_t owner;
		if (read_word(m, heap, &owner) && owner == a->addr) {
			*ret_max = UINT64_C(1) << bits;
			return heap;
		}
	}
	return 0;
}

static enum pm_status add_heaps(
	struct pm_malloc *m, size_t index, struct pm_error *err)
{
	struct pm_malloc_arena *a = &m->arenas.data[index];
	unsigned w = m->word;
	uint64_t max = 0;
	pm_addr own = a->addr / PAGE * PAGE;
	pm_addr heap = heap_of_top(m, a, &max);
	if (!heap)
		m->torn++;
	for (unsigned n = 0; heap && n < MAX_HEAPS; n++) {
		uint64_t owner, prev, size, writable;
		if (!read_word(m, heap, &owner) || owner != a->addr ||
			!read_word(m, heap + w, &prev) ||
			!read_word(m, heap + 2 * w, &size) ||
			!read_word(m, heap + 3 * w, &writable) || !size ||
			size > max) {
			m->torn++;
			break;
		}
		struct pm_malloc_region r = {.start = heap, .arena = index};
		r.limit = mapped_until(m, heap, heap + size);
		r.end = mapped_until(m, heap, heap + max);
		r.first = region_first(m,
			heap == own ? a->addr + m->places->size
				    : heap + (a->addr - own),
			size);
		if (!r.first || r.first > r.limit) {
			m->torn++;
			r.first = r.limit;
		}
		a->heaps++;
		a->heap_bytes += size;
		a->writable_bytes += writable;
		bool added;
		PM_TRY(insert(m, &r, &added, err));
		if (!added)
			break;
		heap = prev;
	}
	return PM_OK;
}

/* ---- the main heap ---- */

static bool size_at(const struct pm_malloc *m, pm_addr chunk, uint64_t *ret)
{
	uint64_t head;
	if (!read_word(m, chunk + m->word, &head) || head & IS_MMAPPED)
		return false;
	*ret = head & ~(uint64_t)FLAGS;
	return *ret >= 2 * m->word && *ret % (2 * m->word) == 0;
}

/* From chunk to chunk until the top, or the two that end a piece of memory
   which could not be extended; 0: they lead to neither. */
static pm_addr trace(const struct pm_malloc *m, pm_addr chunk, pm_addr limit)
{
	const struct pm_malloc_arena *a = &m->arenas.data[0];
	bool fence = false;
	for (unsigned n = 0; n < MAX_TRACE && chunk < limit; n++) {
		uint64_t size;
		if (chunk == a->top)
			return a->top + a->top_bytes;
		if (!size_at(m, chunk, &size) || size > limit - chunk)
			return 0;
		chunk += size;
		if (fence && size == 2 * m->word)
			return chunk;
		fence = size == 2 * m->word;
	}
	return 0;
}

/* A piece of the main heap that is not sbrk()'s and begins with the page at:
   its chunks lead to the top, or to the two that end it. */
static bool load_piece(const struct pm_malloc *m, pm_addr at, pm_addr limit,
	struct pm_malloc_region *ret)
{
	pm_addr first = region_first(m, at, limit - at);
	pm_addr end = first ? trace(m, first, limit) : 0;
	end = (end + PAGE - 1) / PAGE * PAGE;
	if (!end || end > limit)
		return false;
	*ret = (struct pm_malloc_region){
		.start = at, .end = end, .first = first, .limit = end};
	return true;
}

static uint64_t main_bytes(const struct pm_malloc *m)
{
	uint64_t bytes = 0;
	pm_vec_each (r, &m->regions)
		if (!r->arena)
			bytes += r->limit - r->start;
	return bytes;
}

enum pm_status pieces_step(struct pm_malloc *m, struct piece_search *s,
	double end, bool *ret_done, struct pm_error *err)
{
	const struct pm_malloc_arena *a = &m->arenas.data[0];
	struct pm_malloc_region r;
	bool added;
	*ret_done = false;
	while (!a->contiguous && s->map < m->target->maps.len &&
		main_bytes(m) < a->system) {
		const struct pm_mapping *map = &m->target->maps.data[s->map];
		if (s->at < map->start)
			s->at = map->start;
		const struct pm_malloc_region *known = region_at(m, s->at);
		if (s->at >= map->end || !mapped_may_be(map)) {
			s->map++;
		} else if (known) {
			s->at = known->end;
		} else if (load_piece(m, s->at, map->end, &r)) {
			PM_TRY(insert(m, &r, &added, err));
			s->at = r.end;
		} else {
			s->at += PAGE;
		}
		if (pm_now() > end)
			return PM_OK;
	}
	*ret_done = true;
	return regions_map(m, err);
}

static enum pm_status add_main(struct pm_malloc *m, struct pm_error *err)
{
	const struct pm_malloc_arena *a = &m->arenas.data[0];
	pm_addr base = m->settings.sbrk_base;
	const struct pm_mapping *map = pm_target_find_map(
		m->target, base && !a->contiguous ? base : a->top);
	struct pm_malloc_region r = {0};
	bool added;
	if (!map || (!a->contiguous && !base)) {
		m->torn++;
		return PM_OK;
	}
	/* Where other memory came into it, its end turns up when it is read. */
	pm_addr end = a->contiguous || (a->top >= base && a->top < map->end)
			      ? a->top + a->top_bytes
			      : map->end;
	if (!base)
		base = map->start;
	if (end <= base) {
		m->torn++;
		return PM_OK;
	}
	r.start = base;
	r.limit = r.end = mapped_until(m, base, end);
	r.first = region_first(m, base, r.limit - base);
	if (!r.first || r.first > r.limit) {
		m->torn++;
		r.first = r.limit;
	}
	return insert(m, &r, &added, err);
}

enum pm_status regions_find(struct pm_malloc *m, struct pm_error *err)
{
	PM_TRY(add_main(m, err));
	for (size_t i = 1; i < m->arenas.len; i++)
		PM_TRY(add_heaps(m, i, err));
	return PM_OK;
}

enum pm_status regions_map(struct pm_malloc *m, struct pm_error *err)
{
	pm_vec_each (r, &m->regions) {
		size_t words = region_bits(m, r) / 64 + 1;
		for (unsigned i = 0; i < PLANE_STATE + STATE_PLANES; i++) {
			if (!r->bits[i])
				r->bits[i] = calloc(words, sizeof(uint64_t));
			if (!r->bits[i])
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		}
	}
	return PM_OK;
}
