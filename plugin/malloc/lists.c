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

/* The header of a free chunk that a list leads to. */
struct listed {
	pm_addr chunk;
	uint64_t size, next, prev;
};

static bool load_listed(struct pm_malloc *m, pm_addr chunk, struct listed *ret)
{
	unsigned w = m->word;
	unsigned char bytes[4 * sizeof(uint64_t)];
	if (chunk % (2 * w) ||
		pm_memory_read(m->memory, chunk, bytes, 4 * w, NULL) != PM_OK)
		return false;
	*ret = (struct listed){.chunk = chunk,
		.size = pm_load(bytes + w, w, m->big_endian) & ~(uint64_t)FLAGS,
		.next = pm_load(bytes + 2 * w, w, m->big_endian),
		.prev = pm_load(bytes + 3 * w, w, m->big_endian)};
	return true;
}

/* Marks it; false: it cannot be one. */
static bool take_listed(
	struct pm_malloc *m, const struct listed *c, size_t arena)
{
	struct pm_malloc_region *r = region_at(m, c->chunk);
	if (!r || !region_holds(m, r, c->chunk) || r->arena != arena ||
		c->size % (2 * m->word) || c->size < 4 * m->word ||
		c->size > r->limit - c->chunk)
		return false;
	uint64_t bit = region_bit(m, r, c->chunk);
	if (state_get(r, bit) != PM_CHUNK_USED)
		return false; /* it was here before */
	state_set(r, bit, PM_CHUNK_FREE);
	return true;
}

/* One step along a list; false: it ended. */
static bool step_list(struct pm_malloc *m, struct list_reader *l)
{
	struct pm_malloc_arena *a = &m->arenas.data[l->arena];
	unsigned w = m->word;
	pm_addr head = a->addr + m->places->bins + 2 * l->bin * w - 2 * w;
	struct listed c;
	uint64_t next;
	if (!l->chunk) {
		if (!read_word(m, head + 2 * w, &next)) {
			m->broken_links++;
			return false;
		}
		l->chunk = next;
		return next != head && next;
	}
	if (!load_listed(m, l->chunk, &c) || !take_listed(m, &c, l->arena)) {
		m->broken_links++;
		return false;
	}
	count_in(&a->bins[l->bin], c.size);
	l->chunk = c.next;
	if (c.next == head)
		return false;
	uint64_t back;
	if (!read_word(m, c.next + 3 * w, &back) || back != c.chunk) {
		m->broken_links++;
		return false;
	}
	return true;
}

enum pm_status lists_step(struct pm_malloc *m, struct list_reader *l,
	double end, bool *ret_done, struct pm_error *err)
{
	(void)err;
	*ret_done = false;
	while (l->arena < m->arenas.len) {
		if (!step_list(m, l)) {
			l->chunk = 0;
			if (++l->bin >= PM_MALLOC_BINS) {
				l->bin = 0;
				l->arena++;
			}
		}
		if (++l->steps % STEPS_AT_ONCE == 0 && pm_now() > end)
			return PM_OK;
	}
	*ret_done = true;
	return PM_OK;
}

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

/* ---- fast bins ---- */

static bool is_used_chunk(const struct pm_malloc *m, pm_addr chunk)
{
	const struct pm_malloc_region *r = region_at(m, chunk);
	if (!r || !region_holds(m, r, chunk))
		return false;
	uint64_t bit = region_bit(m, r, chunk);
	return bit_get(r->bits[PLANE_START], bit) &&
	       state_get(r, bit) == PM_CHUNK_USED;
}

static void read_fast(struct pm_malloc *m, struct pm_malloc_arena *a,
	size_t arena, unsigned i)
{
	unsigned w = m->word;
	uint64_t chunk, head;
	if (!read_word(m, a->addr + m->places->fastbins + i * w, &chunk)) {
		m->broken_links++;
		return;
	}
	while (chunk) {
		struct pm_malloc_region *r = region_at(m, chunk);
		/* Each is marked, so no list is endless. */
		if (!is_used_chunk(m, chunk) || r->arena != arena ||
			!read_word(m, chunk + w, &head)) {
			m->broken_links++;
			return;
		}
		count_in(&a->fast[i], head & ~(uint64_t)FLAGS);
		state_set(r, region_bit(m, r, chunk), PM_CHUNK_FASTBIN);
		if (!link_follow(m, chunk + 2 * w, &chunk, is_used_chunk)) {
			m->broken_links++;
			return;
		}
	}
}

void lists_read_fast(struct pm_malloc *m)
{
	for (size_t arena = 0; arena < m->arenas.len; arena++)
		for (unsigned i = 0; i < m->places->nfast; i++)
			read_fast(m, &m->arenas.data[arena], arena, i);
}
