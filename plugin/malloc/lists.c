/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lists of free chunks of an arena. */
#include "malloc/malloc-internal.h"

#define STEPS_AT_ONCE 256

/* Counted as malloc_info() does. */
static void count_in(struct pm_malloc_bin *b, uint64_t size)
{
	if (!b->count || size < b->from)
		b->from = size;
	if (size > b->to)
		b->to = size;
	b->total += size;
	b->count++;
}

static pm_addr list_head(const struct pm_malloc *m, const struct list_reader *l)
{
	return m->arenas.data[l->arena].addr + m->places->bins +
	       2 * l->bin * m->word - 2 * m->word;
}

/* The header of the list itself, where l->chunk is 0. */
static bool begin_list(struct pm_malloc *m, struct list_reader *l)
{
	pm_addr head = list_head(m, l);
	if (!read_word(m, head + 2 * m->word, &l->chunk))
		m->broken_links++;
	if (l->chunk == head)
		l->chunk = 0;
	return l->chunk != 0;
}

static void next_list(struct list_reader *l)
{
	l->chunk = 0;
	if (++l->bin >= PM_MALLOC_BINS) {
		l->bin = 0;
		l->arena++;
	}
}

/* ---- chunks whose headers were read ---- */

bool listed_push(
	struct free_chunks *f, pm_addr chunk, uint64_t size, pm_addr next)
{
	return pm_vec_push(f, (struct free_chunk){chunk, size, next});
}

static struct free_chunk *find_listed(struct free_chunks *f, pm_addr chunk)
{
	size_t lo = 0, hi = f->len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (f->data[mid].chunk <= chunk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && f->data[lo - 1].chunk == chunk ? &f->data[lo - 1] : NULL;
}

/* One step along a list; false: it ended. */
static bool step_list(
	struct pm_malloc *m, struct free_chunks *f, struct list_reader *l)
{
	if (!l->chunk)
		return begin_list(m, l);
	struct free_chunk *c = find_listed(f, l->chunk);
	const struct pm_malloc_region *r = region_at(m, l->chunk);
	if (!c || c->size & 1 || !r || r->arena != l->arena) {
		m->broken_links++;
		return false;
	}
	count_in(&m->arenas.data[l->arena].bins[l->bin], c->size);
	c->size |= 1; /* seen: no list is endless */
	l->chunk = c->next;
	return c->next != list_head(m, l);
}

bool lists_step(struct pm_malloc *m, struct free_chunks *f,
	struct list_reader *l, double end)
{
	while (l->arena < m->arenas.len) {
		if (!step_list(m, f, l))
			next_list(l);
		if (++l->steps % STEPS_AT_ONCE == 0 && pm_now() > end)
			return false;
	}
	pm_vec_each (c, f)
		m->unlisted += !(c->size & 1);
	return true;
}

/* ---- without the headers ---- */

/* Marks what a list leads to; false: it cannot be a free chunk. */
static bool mark_hint(struct pm_malloc *m, struct list_reader *l, pm_addr *ret)
{
	struct pm_malloc_region *r = region_at(m, l->chunk);
	unsigned w = m->word;
	uint64_t size, next;
	if (!r || !region_holds(m, r, l->chunk) || r->arena != l->arena ||
		!read_word(m, l->chunk + w, &size) ||
		!read_word(m, l->chunk + 2 * w, &next))
		return false;
	size &= ~(uint64_t)FLAGS;
	uint64_t bit = region_bit(m, r, l->chunk);
	if (size % (2 * w) || size < 4 * w || size > r->limit - l->chunk ||
		state_get(r, bit) != PM_CHUNK_USED)
		return false;
	state_set(r, bit, PM_CHUNK_FREE);
	*ret = next;
	return true;
}

bool hints_step(struct pm_malloc *m, struct list_reader *l, double end)
{
	while (l->arena < m->arenas.len) {
		if (l->chunk ? !mark_hint(m, l, &l->chunk) ||
					l->chunk == list_head(m, l)
			     : !begin_list(m, l))
			next_list(l);
		if (++l->steps % STEPS_AT_ONCE == 0 && pm_now() > end)
			return false;
	}
	return true;
}

/* ---- fast bins ---- */

bool link_follow(const struct pm_malloc *m, pm_addr at, pm_addr *ret,
	bool (*good)(const struct pm_malloc *m, pm_addr to))
{
	uint64_t link;
	if (!read_word(m, at, &link))
		return false;
	uint64_t plain = link ^ at >> 12;
	if (m->word == 4)
		plain &= UINT32_MAX;
	if (plain && !good(m, plain)) {
		if (link && !good(m, link))
			return false;
		plain = link;
	}
	*ret = plain;
	return true;
}

static bool is_used_chunk(const struct pm_malloc *m, pm_addr chunk)
{
	const struct pm_malloc_region *r = region_at(m, chunk);
	if (!r || !region_holds(m, r, chunk))
		return false;
	uint64_t bit = region_bit(m, r, chunk);
	return bit_get(r->bits[PLANE_START], bit) &&
	       state_get(r, bit) == PM_CHUNK_USED;
}

/* One step along a fast bin; false: it ended. */
static bool step_fast(struct pm_malloc *m, struct list_reader *l)
{
	struct pm_malloc_arena *a = &m->arenas.data[l->arena];
	unsigned w = m->word;
	uint64_t head;
	if (!l->chunk) {
		pm_addr at = a->addr + m->places->fastbins + l->bin * w;
		if (!read_word(m, at, &l->chunk))
			m->broken_links++;
		return l->chunk != 0;
	}
	struct pm_malloc_region *r = region_at(m, l->chunk);
	/* Each is marked, so no list is endless. */
	if (!is_used_chunk(m, l->chunk) || r->arena != l->arena ||
		!read_word(m, l->chunk + w, &head)) {
		m->broken_links++;
		return false;
	}
	count_in(&a->fast[l->bin], head & ~(uint64_t)FLAGS);
	state_set(r, region_bit(m, r, l->chunk), PM_CHUNK_FASTBIN);
	if (!link_follow(m, l->chunk + 2 * w, &l->chunk, is_used_chunk)) {
		m->broken_links++;
		return false;
	}
	return l->chunk != 0;
}

bool lists_step_fast(struct pm_malloc *m, struct list_reader *l, double end)
{
	while (l->arena < m->arenas.len) {
		if (l->bin >= m->places->nfast) {
			l->bin = 0;
			l->arena++;
		} else if (!step_fast(m, l)) {
			l->chunk = 0;
			l->bin++;
		}
		if (++l->steps % STEPS_AT_ONCE == 0 && pm_now() > end)
			return false;
	}
	return true;
}
