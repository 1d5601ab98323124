/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks that are mappings of their own.  The kernel joins mappings that touch,
   so one may begin with any page of anonymous memory; what malloc counts tells
   whether those found are all, and no others. */
#include "malloc/malloc-internal.h"

#define PAGES 256

bool mapped_may_be(const struct pm_mapping *map)
{
	return !map->path &&
	       (map->flags & PM_MAP_WRITE ||
		       !(map->flags & (PM_MAP_READ | PM_MAP_EXEC))) &&
	       !(map->flags & (PM_MAP_SHARED | PM_MAP_STACK | PM_MAP_HEAP |
				      PM_MAP_SPECIAL));
}

/* The end of what is known to be something else at at; 0: nothing is. */
static pm_addr known_until(
	const struct pm_malloc *m, const struct mapped_search *s, pm_addr at)
{
	const struct pm_malloc_region *r = region_at(m, at);
	size_t lo = 0, hi = s->skip.len;
	if (r)
		return r->end;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->skip.data[mid].start <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && at < s->skip.data[lo - 1].end ? s->skip.data[lo - 1].end
						   : 0;
}

/* The bytes of the mapping whose first words these are; 0: it is none.  The
   header stands where what the program gets is aligned to 16: with a word of 4,
   8 bytes on.  From 2.43 on the size leaves out two words. */
static uint64_t mapped_bytes(
	const struct pm_malloc *m, const unsigned char *page, uint64_t room)
{
	unsigned w = m->word;
	for (unsigned i = 0; i < (w == 4 ? 2u : 1u); i++) {
		const unsigned char *chunk = page + 2 * i * w;
		uint64_t before = pm_load(chunk, w, m->big_endian);
		uint64_t head = pm_load(chunk + w, w, m->big_endian);
		uint64_t bytes = (head & ~(uint64_t)FLAGS) + 2 * i * w;
		if ((before & ~UINT64_C(1)) != 2 * i * w ||
			(head & FLAGS) != IS_MMAPPED || bytes > room)
			continue;
		if (bytes % PAGE)
			bytes += 2 * w;
		if (bytes && bytes % PAGE == 0 && bytes <= room)
			return bytes;
	}
	return 0;
}

static bool add_found(struct mapped_search *s, pm_addr at, uint64_t bytes)
{
	struct pm_malloc_region r = {.start = at,
		.end = at + bytes,
		.first = at,
		.limit = at + bytes,
		.arena = PM_MALLOC_NO_ARENA};
	return pm_vec_push(&s->is_anchored, s->anchored) &&
	       pm_vec_push(&s->found, r);
}

/* A program may have said something of a part of what it got (numpy asks for
   huge pages), which makes several mappings of it. */
static pm_addr end_of_run(const struct pm_malloc *m, size_t i)
{
	const struct pm_target *t = m->target;
	pm_addr end = t->maps.data[i].end;
	while (++i < t->maps.len && t->maps.data[i].start == end &&
		mapped_may_be(&t->maps.data[i]))
		end = t->maps.data[i].end;
	return end;
}

/* Some pages of a mapping, from s->at on. */
static enum pm_status look_at_pages(
	struct pm_malloc *m, struct mapped_search *s, struct pm_error *err)
{
	pm_addr end = m->target->maps.data[s->map].end;
	pm_addr run = end_of_run(m, s->map);
	struct pm_piece pieces[PAGES];
	unsigned char bytes[PAGES][4 * sizeof(uint64_t)];
	size_t n = 0, want = s->batch ? s->batch : 1;
	for (; n < want && s->at + n * PAGE < end; n++) {
		/* The next region begins with another batch. */
		if (n && known_until(m, s, s->at + n * PAGE))
			break;
		pieces[n] = (struct pm_piece){.addr = s->at + n * PAGE,
			.buf = bytes[n],
			.len = 4 * m->word};
	}
	pm_target_gather(m->target, pieces, n);
	pm_addr from = s->at;
	s->batch = want * 2 < PAGES ? want * 2 : PAGES;
	for (size_t i = 0; i < n; i++) {
		pm_addr at = from + i * PAGE;
		if (at < s->at)
			continue; /* inside of one */
		s->at = at + PAGE;
		uint64_t size = pieces[i].got < 4 * m->word
					? 0
					: mapped_bytes(m, bytes[i], run - at);
		if (!size) {
			s->anchored = false;
			continue;
		}
		if (!add_found(s, at, size))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		s->at = at + size;
		s->anchored = true;
		s->batch = 1;
	}
	return PM_OK;
}

enum pm_status mapped_step(struct pm_malloc *m, struct mapped_search *s,
	double end, bool *ret_done, struct pm_error *err)
{
	*ret_done = false;
	if (m->settings.addr && !m->settings.mapped_chunks) {
		*ret_done = true;
		return PM_OK;
	}
	while (s->map < m->target->maps.len) {
		const struct pm_mapping *map = &m->target->maps.data[s->map];
		if (s->at < map->start) {
			s->at = map->start;
			s->anchored = true;
			s->batch = 1;
		}
		pm_addr known = s->at < map->end ? known_until(m, s, s->at) : 0;
		if (s->at >= map->end || !mapped_may_be(map)) {
			s->map++;
		} else if (known) {
			s->at = known;
			s->anchored = true;
			s->batch = 1;
		} else {
			PM_TRY(look_at_pages(m, s, err));
		}
		if (pm_now() > end)
			return PM_OK;
	}
	*ret_done = true;
	return PM_OK;
}

/* Where pages of others look like chunks, those that begin where one must are
   taken, if that is what malloc counted. */
enum pm_status mapped_finish(
	struct pm_malloc *m, struct mapped_search *s, struct pm_error *err)
{
	uint64_t sure = 0, sure_bytes = 0;
	size_t n = 0;
	for (size_t i = 0; i < s->found.len; i++)
		if (s->is_anchored.data[i]) {
			sure++;
			sure_bytes +=
				s->found.data[i].end - s->found.data[i].start;
		}
	bool only_sure = m->settings.addr && sure < s->found.len &&
			 sure == m->settings.mapped_chunks &&
			 mapped_agrees(m, sure_bytes);
	for (size_t i = 0; i < s->found.len; i++)
		if (!only_sure || s->is_anchored.data[i])
			s->found.data[n++] = s->found.data[i];
	return regions_merge(m, s->found.data, n, err);
}
