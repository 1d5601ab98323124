/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a walk found, asked. */
#include "malloc/malloc-internal.h"

const char *pm_malloc_state_text(enum pm_chunk_state state)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PM_CHUNKS(X)
#undef X
	};
	return texts[state];
}

/* The piece of region i that begins at addr. */
static void load(const struct pm_malloc *m, size_t i, pm_addr addr,
	struct pm_malloc_chunk *ret)
{
	const struct pm_malloc_region *r = &m->regions.data[i];
	struct pm_malloc_chunk c = {.addr = addr, .region = i};
	uint64_t bit, end;
	if (r->arena == PM_MALLOC_NO_ARENA) {
		c.addr = r->start;
		c.bytes = r->end - r->start;
		c.mapped = true;
		c.claimed = r->claimed;
		c.state = r->cached ? PM_CHUNK_TCACHE : PM_CHUNK_USED;
	} else if (addr < r->first) {
		c.addr = r->start;
		c.bytes = r->first - r->start;
		c.state = PM_CHUNK_HEADER;
	} else if (addr >= r->limit) {
		c.addr = r->limit;
		c.bytes = r->end - r->limit;
		c.state = PM_CHUNK_RESERVED;
	} else {
		bit = region_bit(m, r, addr);
		end = bits_next(
			r->bits[PLANE_START], bit + 1, region_bits(m, r));
		c.bytes = end < region_bits(m, r) ? (end - bit) * 2 * m->word
						  : r->limit - addr;
		c.state = bit_get(r->bits[PLANE_START], bit) ? state_get(r, bit)
							     : PM_CHUNK_TORN;
		if (c.state == PM_CHUNK_USED &&
			addr == m->arenas.data[r->arena].top)
			c.state = PM_CHUNK_TOP;
		if (r->bits[PLANE_CLAIMED])
			c.claimed = bit_get(r->bits[PLANE_CLAIMED], bit);
	}
	*ret = c;
}

bool pm_malloc_next(const struct pm_malloc *m, struct pm_malloc_cursor *at,
	struct pm_malloc_chunk *ret)
{
	while (at->region < m->regions.len) {
		const struct pm_malloc_region *r = &m->regions.data[at->region];
		if (at->addr < r->start)
			at->addr = r->start;
		if (at->addr < r->end) {
			load(m, at->region, at->addr, ret);
			at->addr = ret->addr + ret->bytes;
			return true;
		}
		at->region++;
		at->addr = 0;
	}
	return false;
}

bool pm_malloc_find(
	const struct pm_malloc *m, pm_addr addr, struct pm_malloc_chunk *ret)
{
	/* What was given out begins two words behind a header, and ends one
	   word behind the next. */
	const struct pm_malloc_region *r = region_at(m, addr);
	if (!r)
		return false;
	size_t i = (size_t)(r - m->regions.data);
	pm_addr at = addr;
	if (r->arena != PM_MALLOC_NO_ARENA && addr >= r->first &&
		addr < r->limit) {
		if (addr - r->first >= m->word)
			at -= m->word;
		uint64_t bit = bits_before(
			r->bits[PLANE_START], (at - r->first) / (2 * m->word));
		at = bit == UINT64_MAX ? r->first
				       : r->first + bit * 2 * m->word;
	}
	load(m, i, at, ret);
	return true;
}

bool pm_malloc_claim(
	struct pm_malloc *m, pm_addr addr, struct pm_malloc_chunk *ret_chunk)
{
	struct pm_malloc_chunk c;
	if (!pm_malloc_find(m, addr, &c) || (c.state != PM_CHUNK_USED))
		return false;
	struct pm_malloc_region *r = &m->regions.data[c.region];
	if (c.mapped) {
		r->claimed = true;
	} else {
		uint64_t **map = &r->bits[PLANE_CLAIMED];
		if (!*map)
			*map = calloc(
				region_bits(m, r) / 64 + 1, sizeof(uint64_t));
		if (!*map)
			return false;
		bit_set(*map, region_bit(m, r, c.addr));
	}
	if (ret_chunk)
		*ret_chunk = c;
	return true;
}

void pm_malloc_info(const struct pm_malloc *m, struct pm_malloc_info *ret)
{
	struct pm_malloc_info i = {0};
	pm_vec_each (a, &m->arenas) {
		uint64_t fast = 0, free = a->top_bytes;
		i.ordblks++;
		for (unsigned n = 0; n < PM_MALLOC_FASTBINS; n++) {
			i.smblks += a->fast[n].count;
			fast += a->fast[n].total;
		}
		for (unsigned n = 0; n < PM_MALLOC_BINS; n++) {
			i.ordblks += a->bins[n].count;
			free += a->bins[n].total;
		}
		i.arena += a->system;
		i.fsmblks += fast;
		i.fordblks += free + fast;
		i.uordblks += a->system - free - fast;
	}
	i.hblks = m->settings.mapped_chunks;
	i.hblkhd = m->settings.mapped_bytes;
	i.keepcost = m->arenas.len ? m->arenas.data[0].top_bytes : 0;
	*ret = i;
}

/* All memory that the arenas count as taken from the system is in a region. */
static bool adds_up(const struct pm_malloc *m)
{
	uint64_t system = 0, found = 0;
	pm_vec_each (a, &m->arenas)
		system += a->system;
	pm_vec_each (r, &m->regions)
		if (r->arena != PM_MALLOC_NO_ARENA)
			found += r->limit - r->start;
	return system == found;
}

bool mapped_agrees(const struct pm_malloc *m, uint64_t bytes)
{
	uint64_t more = m->settings.mapped_bytes - bytes;
	return !more ||
	       (m->shape->mapped_drifts && m->settings.mapped_bytes >= bytes &&
		       more % (2 * m->word) == 0);
}

bool pm_malloc_is_sound(const struct pm_malloc *m)
{
	uint64_t listed = 0, bytes = 0;
	pm_vec_each (a, &m->arenas)
		for (unsigned n = 0; n < PM_MALLOC_BINS; n++) {
			listed += a->bins[n].count;
			bytes += a->bins[n].total;
		}
	return m->done && !m->torn && !m->unlisted && !m->broken_links &&
	       listed == m->count[PM_CHUNK_FREE] &&
	       bytes == m->bytes[PM_CHUNK_FREE] && m->settings.addr &&
	       m->mapped_count == m->settings.mapped_chunks &&
	       mapped_agrees(m, m->mapped_bytes) && adds_up(m);
}
