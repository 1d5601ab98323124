/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The headers of all chunks, in the order of memory, read in large pieces. */
#include "malloc/malloc-internal.h"

#include <string.h>

#define PIECE ((size_t)1 << 20)
#define SMALL_PIECE ((size_t)4096)
#define HEADERS_AT_ONCE 512
#define MANY 64 /* chunks in a row that are no accident */
#define MAX_FOREIGN ((uint64_t)1 << 21)

enum phase { PIECES, HINTS, HEADERS, LISTS, FAST, CACHES, MAPPED, COUNT, DONE };

struct pm_malloc_walk {
	struct pm_malloc *m;
	enum phase phase;
	struct piece_search pieces;
	struct list_reader hints, lists, fast;
	struct free_chunks free;
	bool hinted; /* there was a header that made no sense */
	struct pm_malloc_cursor counted;
	struct caches caches;
	struct mapped_search mapped;
	/* HEADERS */
	size_t region;
	pm_addr at;	 /* 0: the region's start */
	uint64_t before; /* bit of the chunk before; UINT64_MAX: none */
	uint64_t before_size;
	pm_addr before_next; /* in a list, if it is free */
	uint64_t bytes, total;
	unsigned char *buffer;
	const unsigned char *piece; /* of memory from piece_at on */
	pm_addr piece_at;
	size_t piece_len, want;
	uint64_t in_piece; /* chunks seen in it */
};

static uint64_t region_total(const struct pm_malloc *m)
{
	uint64_t total = 0;
	pm_vec_each (r, &m->regions)
		total += r->limit - r->first;
	return total;
}

enum pm_status pm_malloc_walk_create(
	struct pm_malloc *m, struct pm_malloc_walk **ret, struct pm_error *err)
{
	pm_auto_free struct pm_malloc_walk *w = calloc(1, sizeof *w);
	pm_auto_free unsigned char *buffer = malloc(PIECE);
	if (!w || !buffer)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	w->m = m;
	w->buffer = pm_take(buffer);
	w->want = PIECE;
	caches_init(m, &w->caches);
	w->total = region_total(m);
	*ret = pm_take(w);
	return PM_OK;
}

void pm_malloc_walk_destroy(struct pm_malloc_walk *w)
{
	if (!w)
		return;
	pm_vec_deinit(&w->free);
	pm_vec_deinit(&w->caches.places);
	pm_vec_deinit(&w->mapped.skip);
	pm_vec_deinit(&w->mapped.found);
	pm_vec_deinit(&w->mapped.is_anchored);
	free(w->buffer);
	free(w);
}

void pm_malloc_walk_progress(
	const struct pm_malloc_walk *w, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = w->phase > HEADERS ? w->total : w->bytes;
	*ret_total = w->total;
}

enum pm_status pm_malloc_walk_skip(struct pm_malloc_walk *w, pm_addr start,
	pm_addr end, struct pm_error *err)
{
	struct pm_malloc_region r = {.start = start, .end = end};
	if (end > start && !pm_vec_push(&w->mapped.skip, r))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

/* The header at w->at; false: it cannot be read. */
static bool load_header(struct pm_malloc_walk *w, uint64_t *ret)
{
	const struct pm_malloc *m = w->m;
	const struct pm_malloc_region *r = &m->regions.data[w->region];
	unsigned need = 2 * m->word;
	if (w->at < w->piece_at || w->at - w->piece_at + need > w->piece_len) {
		/* Large chunks are passed over, not read. */
		if (w->in_piece < 16 && w->want > SMALL_PIECE)
			w->want /= 2;
		else if (w->in_piece > 64 && w->want < PIECE)
			w->want *= 2;
		size_t len = w->want;
		if (r->limit - w->at < len)
			len = (size_t)(r->limit - w->at);
		w->in_piece = 0;
		w->piece_at = w->at;
		w->piece = pm_target_view(m->target, w->at, len);
		w->piece_len = len;
		if (!w->piece) {
			w->piece_len = pm_target_read_some(
				m->target, w->at, w->buffer, len);
			w->piece = w->buffer;
		}
		if (w->piece_len < need)
			return false;
	}
	w->in_piece++;
	*ret = pm_load(w->piece + (w->at - w->piece_at) + m->word, m->word,
		m->big_endian);
	return true;
}

/* The chunk before is free, or it is not, says this one. */
static enum pm_status judge_before(
	struct pm_malloc_walk *w, bool used, struct pm_error *err)
{
	struct pm_malloc *m = w->m;
	struct pm_malloc_region *r = &m->regions.data[w->region];
	if (w->before == UINT64_MAX)
		return PM_OK;
	enum pm_chunk_state s = state_get(r, w->before);
	if (s == PM_CHUNK_FREE && used)
		m->unlisted++;
	if (used || (s != PM_CHUNK_USED && s != PM_CHUNK_FREE))
		return PM_OK;
	state_set(r, w->before, PM_CHUNK_FREE);
	return listed_push(&w->free, r->first + w->before * 2 * m->word,
		       w->before_size, w->before_next)
		       ? PM_OK
		       : pm_fail(err, PM_NOMEM, 0, "out of memory");
}

/* What this chunk would be in a list is kept: it may be free. */
static void keep_before(struct pm_malloc_walk *w, uint64_t bit, uint64_t size)
{
	unsigned word = w->m->word;
	size_t off = (size_t)(w->at - w->piece_at);
	w->before = bit;
	w->before_size = size;
	w->before_next = 0;
	if (w->piece_len - off >= 3 * word)
		w->before_next = pm_load(
			w->piece + off + 2 * word, word, w->m->big_endian);
	else if (!read_word(w->m, w->at + 2 * word, &w->before_next))
		w->before_next = 0;
}

/* A header that makes no sense: all over again, with what lists say. */
static void start_again(struct pm_malloc_walk *w)
{
	struct pm_malloc *m = w->m;
	pm_vec_each (r, &m->regions)
		for (unsigned i = 0; i < PLANE_STATE + STATE_PLANES; i++)
			memset(r->bits[i], 0,
				(region_bits(m, r) / 64 + 1) *
					sizeof(uint64_t));
	m->unlisted = 0;
	w->hinted = true;
	w->free.len = w->caches.places.len = 0;
	w->region = 0;
	w->at = w->bytes = 0;
	w->piece_len = 0;
	w->phase = HINTS;
}

/* From what makes no sense to the next chunk that a list knows, or the top. */
static void resync(struct pm_malloc_walk *w)
{
	struct pm_malloc *m = w->m;
	struct pm_malloc_region *r = &m->regions.data[w->region];
	pm_addr top = m->arenas.data[r->arena].top;
	uint64_t bit = region_bit(m, r, w->at), end = region_bits(m, r);
	bit_set(r->bits[PLANE_START], bit);
	state_set(r, bit, PM_CHUNK_TORN);
	m->torn++;
	uint64_t next = bits_next(r->bits[PLANE_STATE], bit + 1, end);
	if (region_holds(m, r, top) && top > w->at &&
		region_bit(m, r, top) < next)
		next = region_bit(m, r, top);
	w->bytes += (next - bit) * 2 * m->word;
	w->at = next < end ? r->first + next * 2 * m->word : r->limit;
	w->before = UINT64_MAX;
}

/* Do chunks begin at chunk: to the top, to an end, or many? */
static bool go_on(
	const struct pm_malloc *m, pm_addr chunk, pm_addr limit, pm_addr top)
{
	uint64_t head, unit = 2 * m->word;
	bool fence = false;
	for (unsigned n = 0; n < MANY && chunk < limit; n++) {
		if (chunk == top)
			return true;
		if (!read_word(m, chunk + m->word, &head) ||
			head & (IS_MMAPPED | 4) || (!n && !(head & PREV_INUSE)))
			return false;
		uint64_t size = head & ~(uint64_t)FLAGS;
		if (size < unit || size > limit - chunk || size % unit)
			return false;
		if (size == unit && fence)
			return n > 1;
		fence = size == unit;
		chunk += size;
	}
	return chunk < limit;
}

/* Behind the two small ones that end a piece of the main heap: what another
   caller of sbrk() took, then more chunks, maybe; if not, it ends here. */
static void pass_foreign(struct pm_malloc_walk *w)
{
	struct pm_malloc *m = w->m;
	struct pm_malloc_region *r = &m->regions.data[w->region];
	pm_addr next = w->at, top = m->arenas.data[r->arena].top;
	uint64_t n = 0, unit = 2 * m->word, bit = region_bit(m, r, w->at);
	while (next < r->limit && n++ < MAX_FOREIGN &&
		!bit_get(r->bits[PLANE_STATE], region_bit(m, r, next)) &&
		!go_on(m, next, r->limit, top))
		next += unit;
	if (next >= r->limit || n >= MAX_FOREIGN) {
		pm_addr end = (w->at + PAGE - 1) / PAGE * PAGE;
		w->total -= r->limit - w->at;
		w->at = r->limit = r->end = end < r->limit ? end : r->limit;
		return;
	}
	if (next == w->at)
		return;
	bit_set(r->bits[PLANE_START], bit);
	state_set(r, bit, PM_CHUNK_FOREIGN);
	w->bytes += next - w->at;
	w->at = next;
	w->before = UINT64_MAX;
}

static enum pm_status note_cache(
	struct pm_malloc_walk *w, uint64_t size, struct pm_error *err)
{
	size_t off = (size_t)(w->at - w->piece_at);
	size_t len = w->piece_len - off;
	if (caches_may_be(w->m, &w->caches, w->piece + off, size,
		    len < size ? len : (size_t)size) &&
		!pm_vec_push(&w->caches.places, w->at))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static void end_region(struct pm_malloc_walk *w)
{
	w->region++;
	w->at = 0;
	w->piece_len = 0;
}

static enum pm_status step_header(
	struct pm_malloc_walk *w, struct pm_error *err)
{
	struct pm_malloc *m = w->m;
	struct pm_malloc_region *r = &m->regions.data[w->region];
	uint64_t head, size, unit = 2 * m->word;
	if (!w->at) {
		w->at = r->first;
		w->before = UINT64_MAX;
	}
	if (w->at >= r->limit) {
		end_region(w);
		return PM_OK;
	}
	uint64_t bit = region_bit(m, r, w->at);
	if (!load_header(w, &head))
		head = IS_MMAPPED;
	size = head & ~(uint64_t)FLAGS;
	bool end = size <= unit; /* the last ones of a heap */
	if (size % unit || size > r->limit - w->at || head & IS_MMAPPED) {
		if (w->hinted)
			resync(w);
		else
			start_again(w);
		return PM_OK;
	}
	PM_TRY(judge_before(w, head & PREV_INUSE, err));
	bit_set(r->bits[PLANE_START], bit);
	keep_before(w, bit, size);
	if (!size)
		size = r->limit - w->at;
	if (end) {
		bool second = bit && bit_get(r->bits[PLANE_START], bit - 1) &&
			      state_get(r, bit - 1) == PM_CHUNK_FENCE;
		state_set(r, bit, PM_CHUNK_FENCE);
		w->bytes += size;
		w->at += size;
		if (second && !r->arena && w->at < r->limit)
			pass_foreign(w);
		return PM_OK;
	}
	if (w->at == m->arenas.data[r->arena].top) {
		state_set(r, bit, PM_CHUNK_USED);
		w->bytes += size;
		w->at += size;
		if (w->at < r->limit)
			m->torn++;
		w->at = r->limit;
		return PM_OK;
	}
	if (caches_wants(&w->caches, size))
		PM_TRY(note_cache(w, size, err));
	w->bytes += size;
	w->at += size;
	return PM_OK;
}

static enum pm_status step_headers(struct pm_malloc_walk *w, double end,
	bool *ret_done, struct pm_error *err)
{
	*ret_done = false;
	for (uint64_t n = 1;; n++) {
		if (w->region >= w->m->regions.len) {
			*ret_done = true;
			return PM_OK;
		}
		PM_TRY(step_header(w, err));
		if (w->phase != HEADERS)
			return PM_OK;
		if (n % HEADERS_AT_ONCE == 0 && pm_now() > end)
			return PM_OK;
	}
}

static bool count_some(
	struct pm_malloc *m, struct pm_malloc_cursor *at, double end)
{
	struct pm_malloc_chunk c;
	for (uint64_t n = 1; pm_malloc_next(m, at, &c); n++) {
		if (c.mapped) {
			m->mapped_count++;
			m->mapped_bytes += c.bytes;
		} else {
			m->count[c.state]++;
			m->bytes[c.state] += c.bytes;
		}
		if (n % HEADERS_AT_ONCE == 0 && pm_now() > end)
			return false;
	}
	return true;
}

enum pm_status pm_malloc_walk_step(struct pm_malloc_walk *w, double seconds,
	bool *ret_done, struct pm_error *err)
{
	struct pm_malloc *m = w->m;
	double end = pm_now() + seconds;
	bool done = true;
	*ret_done = false;
	while (w->phase != DONE && pm_now() < end) {
		switch (w->phase) {
		case PIECES:
			PM_TRY(pieces_step(m, &w->pieces, end, &done, err));
			if (done)
				w->total = region_total(m);
			break;
		case HINTS:
			done = !w->hinted || hints_step(m, &w->hints, end);
			break;
		case LISTS:
			done = lists_step(m, &w->free, &w->lists, end);
			break;
		case HEADERS:
			PM_TRY(step_headers(w, end, &done, err));
			break;
		case FAST:
			done = lists_step_fast(m, &w->fast, end);
			break;
		case CACHES:
			PM_TRY(caches_step(m, &w->caches, end, &done, err));
			break;
		case MAPPED:
			PM_TRY(mapped_step(m, &w->mapped, end, &done, err));
			if (done)
				PM_TRY(mapped_finish(m, &w->mapped, err));
			break;
		case COUNT:
			done = count_some(m, &w->counted, end);
			m->done = done;
			break;
		case DONE:
			break;
		}
		if (!done)
			return PM_OK;
		w->phase++;
	}
	*ret_done = w->phase == DONE;
	return PM_OK;
}
