/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/search.h"
#include "heap/team.h"
#include "layout/layout.h"

#include <string.h>

#define PIECE (256u * 1024)
#define PAGE 4096u /* a hole ends at a multiple of it */

struct piece {
	pm_addr addr;
	uint32_t len;
	uint32_t more; /* readable bytes that follow and may end a match */
};

struct searcher {
	unsigned char *buffer;
	PM_VEC(struct pm_search_hit) hits;
	uint64_t count, bytes, unreadable;
	bool no_memory;
};

struct pm_search {
	struct pm_target *target;
	struct pm_search_for what;
	size_t limit, longest;
	PM_VEC(struct piece) pieces;
	struct pm_team team;
	struct searcher searchers[PM_TEAM_MAX];
	struct pm_search_result result;
	bool done;
};

void pm_search_destroy(struct pm_search *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		free(s->searchers[i].buffer);
		pm_vec_deinit(&s->searchers[i].hits);
	}
	pm_vec_deinit(&s->pieces);
	pm_vec_deinit(&s->result.hits);
	free(s);
}

static void cleanup_search(struct pm_search **s)
{
	pm_search_destroy(*s);
}

/* ---- matching ---- */

static void hit(
	struct pm_search *s, struct searcher *k, pm_addr at, unsigned form)
{
	k->count++;
	/* Each thread takes its pieces in the order of addresses, so that its
	   first ones are the lowest. */
	if (k->hits.len < s->limit &&
		!pm_vec_push(
			&k->hits, (struct pm_search_hit){at, (uint8_t)form}))
		k->no_memory = true;
}

/* Nearly no block of 64 bytes has a match in it: look at all of its words at
   once, and again only then. */
#define NUMBERS(bits)                                                          \
	static void numbers_##bits(struct pm_search *s, struct searcher *k,    \
		const unsigned char *p, size_t len, pm_addr at)                \
	{                                                                      \
		const uint##bits##_t want = (uint##bits##_t)s->what.value;     \
		const uint##bits##_t mask = (uint##bits##_t)s->what.mask;      \
		enum { WIDTH = bits / 8, EACH = 64 / WIDTH };                  \
		size_t i = 0;                                                  \
		for (; i + 64 <= len; i += 64) {                               \
			uint##bits##_t w[EACH];                                \
			memcpy(w, p + i, 64);                                  \
			unsigned any = 0;                                      \
			for (int n = 0; n < EACH; n++)                         \
				any |= (w[n] & mask) == want;                  \
			for (unsigned n = 0; any && n < EACH; n++)             \
				if ((w[n] & mask) == want)                     \
					hit(s, k, at + i + n * WIDTH, 0);      \
		}                                                              \
		for (; i + WIDTH <= len; i += WIDTH) {                         \
			uint##bits##_t w;                                      \
			memcpy(&w, p + i, WIDTH);                              \
			if ((w & mask) == want)                                \
				hit(s, k, at + i, 0);                          \
		}                                                              \
	}
NUMBERS(8)
NUMBERS(16)
NUMBERS(32)
NUMBERS(64)

/* Pointers into some ranges. */
#define RANGES(bits)                                                           \
	static void ranges_##bits(struct pm_search *s, struct searcher *k,     \
		const unsigned char *p, size_t len, pm_addr at)                \
	{                                                                      \
		enum { WIDTH = bits / 8, EACH = 64 / WIDTH };                  \
		uint##bits##_t first[PM_SEARCH_RANGES],                        \
			span[PM_SEARCH_RANGES];                                \
		unsigned nranges = s->what.nranges;                            \
		for (unsigned r = 0; r < nranges; r++) {                       \
			first[r] = (uint##bits##_t)s->what.ranges[r].first;    \
			span[r] = (uint##bits##_t)s->what.ranges[r].span;      \
		}                                                              \
		for (size_t i = 0; i + WIDTH <= len; i += 64) {                \
			uint##bits##_t w[EACH] = {0};                          \
			memcpy(w, p + i, len - i < 64 ? len - i : 64);         \
			unsigned any = 0;                                      \
			for (unsigned r = 0; r < nranges; r++)                 \
				for (int n = 0; n < EACH; n++)                 \
					any |= (uint##bits##_t)(               \
						       w[n] - first[r]) <=     \
					       span[r];                        \
			for (unsigned n = 0; any && n < EACH; n++)             \
				for (unsigned r = 0; r < nranges; r++)         \
					if ((uint##bits##_t)(                  \
						    w[n] - first[r]) <=        \
						span[r])                       \
						hit(s, k, at + i + n * WIDTH,  \
							0);                    \
		}                                                              \
	}
RANGES(32)
RANGES(64)

/* len: bytes in which a match may begin; more bytes follow. */
static void strings(struct pm_search *s, struct searcher *k,
	const unsigned char *p, size_t len, size_t more, pm_addr at)
{
	const unsigned char *next[PM_SEARCH_FORMS];
	const struct pm_search_for *w = &s->what;
	const unsigned char *end = p + len + more;
	for (unsigned f = 0; f < w->nforms; f++)
		next[f] = memmem(
			p, len + more, w->forms[f].bytes, w->forms[f].len);
	for (;;) {
		/* The first match of all forms; where several begin, the
		   longest says most. */
		const unsigned char *first = NULL;
		unsigned form = 0;
		for (unsigned f = 0; f < w->nforms; f++)
			if (next[f] && next[f] < p + len &&
				(!first || next[f] < first ||
					(next[f] == first &&
						w->forms[f].len >
							w->forms[form].len))) {
				first = next[f];
				form = f;
			}
		if (!first)
			return;
		hit(s, k, at + (pm_addr)(first - p), form);
		for (unsigned f = 0; f < w->nforms; f++)
			if (next[f] == first)
				next[f] = memmem(first + 1,
					(size_t)(end - first - 1),
					w->forms[f].bytes, w->forms[f].len);
	}
}

/* len bytes at p, of which matches may begin in the first own. */
static void match(struct pm_search *s, struct searcher *k,
	const unsigned char *p, size_t own, size_t len, pm_addr at)
{
	if (own > len)
		own = len;
	k->bytes += own;
	if (s->what.nranges) {
		if (s->what.width == 8)
			ranges_64(s, k, p, own, at);
		else
			ranges_32(s, k, p, own, at);
		return;
	}
	switch (s->what.width) {
	case 1:
		numbers_8(s, k, p, own, at);
		return;
	case 2:
		numbers_16(s, k, p, own, at);
		return;
	case 4:
		numbers_32(s, k, p, own, at);
		return;
	case 8:
		numbers_64(s, k, p, own, at);
		return;
	default:
		strings(s, k, p, own, len - own, at);
		return;
	}
}

static bool one_piece(void *arg, unsigned who, size_t i)
{
	struct pm_search *s = arg;
	struct searcher *k = &s->searchers[who];
	struct piece c = s->pieces.data[i];
	while (c.len) {
		size_t all = (size_t)c.len + c.more, got = all;
		const unsigned char *p = pm_target_view(s->target, c.addr, all);
		if (!p) {
			got = pm_target_read_some(
				s->target, c.addr, k->buffer, all);
			p = k->buffer;
		}
		match(s, k, p, c.len, got, c.addr);
		if (got >= c.len)
			break;
		/* Go on behind the hole. */
		k->unreadable++;
		pm_addr next = (c.addr + got) / PAGE * PAGE + PAGE;
		if (next - c.addr >= c.len)
			break;
		c.len -= (uint32_t)(next - c.addr);
		c.addr = next;
	}
	return !k->no_memory;
}

/* ---- the job ---- */

static bool is_wanted(const struct pm_search_for *w, const struct pm_mapping *m,
	bool permissions_known)
{
	if (m->flags & (PM_MAP_SPECIAL | PM_MAP_ABSENT))
		return false;
	if (!permissions_known)
		return true;
	return m->flags & PM_MAP_READ &&
	       (w->read_only || m->flags & PM_MAP_WRITE);
}

/* Of [from, to), with as much of what follows, until end, as a match that
   begins there may need. */
static enum pm_status add_pieces(struct pm_search *s, pm_addr from, pm_addr to,
	pm_addr end, size_t overlap, struct pm_error *err)
{
	for (pm_addr at = from; at < to; at += PIECE) {
		uint64_t len = to - at < PIECE ? to - at : PIECE;
		uint64_t more = end - at - len;
		struct piece one = {at, (uint32_t)len,
			(uint32_t)(more < overlap ? more : overlap)};
		if (!pm_vec_push(&s->pieces, one))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

static enum pm_status plan(struct pm_search *s, struct pm_error *err)
{
	const struct pm_target *t = s->target;
	for (size_t i = 0; s->what.within && i < s->what.nwithin; i++) {
		const struct pm_search_range *w = &s->what.within[i];
		pm_addr to = w->first + w->span;
		PM_TRY(add_pieces(s, w->first, to, to, 0, err));
	}
	if (s->what.within)
		return PM_OK;
	size_t overlap = s->longest ? s->longest - 1 : 0;
	bool known = pm_target_knows_permissions(t);
	for (size_t i = 0; i < t->maps.len; i++) {
		const struct pm_mapping *m = &t->maps.data[i];
		if (!is_wanted(&s->what, m, known))
			continue;
		/* A match may reach into the next mapping. */
		pm_addr end = m->end;
		if (i + 1 < t->maps.len && t->maps.data[i + 1].start == end)
			end = t->maps.data[i + 1].end;
		PM_TRY(add_pieces(s, m->start, m->end, end, overlap, err));
	}
	if (!s->pieces.len)
		return pm_fail(err, PM_ABSENT, 0,
			"the memory of this target has no mappings that could "
			"be searched");
	return PM_OK;
}

/* A number as it stands in the target's memory, read in our order. */
static uint64_t as_stored(uint64_t v, unsigned width, bool big_endian)
{
	return pm_load(&v, 8, big_endian) >> (big_endian ? 64 - 8 * width : 0);
}

static enum pm_status check(const struct pm_search_for *w, size_t *ret_longest,
	struct pm_error *err)
{
	size_t longest = 0;
	bool numbers = w->width == 1 || w->width == 2 || w->width == 4 ||
		       w->width == 8;
	for (unsigned f = 0; f < w->nforms; f++) {
		if (!w->forms[f].len)
			return pm_fail(err, PM_USAGE, 0, "nothing to look for");
		if (w->forms[f].len > longest)
			longest = w->forms[f].len;
	}
	if (numbers == (w->nforms > 0) || w->nforms > PM_SEARCH_FORMS ||
		longest > PIECE || w->nranges > PM_SEARCH_RANGES ||
		(w->nranges && w->width != 4 && w->width != 8))
		return pm_fail(err, PM_USAGE, 0,
			"look for a number of 1, 2, 4 or 8 bytes, or for at "
			"most %u bytes",
			PIECE);
	*ret_longest = longest;
	return PM_OK;
}

enum pm_status pm_search_create(struct pm_target *t,
	const struct pm_search_for *what, size_t limit, struct pm_search **ret,
	struct pm_error *err)
{
	size_t longest = 0;
	PM_TRY(check(what, &longest, err));
	PM_CLEANUP(cleanup_search) struct pm_search *s = calloc(1, sizeof *s);
	if (!s)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	s->target = t;
	s->what = *what;
	s->limit = limit;
	s->longest = longest;
	if (what->width) {
		s->what.value =
			as_stored(what->value, what->width, what->big_endian);
		s->what.mask =
			as_stored(what->mask, what->width, what->big_endian);
	}
	PM_TRY(plan(s, err));
	s->team.size = pm_team_size(t->parallel);
	s->team.batch = 4;
	s->team.unit = one_piece;
	s->team.arg = s;
	s->team.total = s->pieces.len;
	for (unsigned i = 0; i < s->team.size; i++) {
		s->searchers[i].buffer = malloc(PIECE + longest);
		if (!s->searchers[i].buffer)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	*ret = pm_take(s);
	return PM_OK;
}

static int by_address(const void *a, const void *b)
{
	const struct pm_search_hit *x = a, *y = b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static enum pm_status gather(struct pm_search *s, struct pm_error *err)
{
	struct pm_search_result *r = &s->result;
	for (unsigned i = 0; i < s->team.size; i++) {
		struct searcher *k = &s->searchers[i];
		r->count += k->count;
		r->bytes += k->bytes;
		r->unreadable += k->unreadable;
		pm_vec_each (h, &k->hits)
			if (!pm_vec_push(&r->hits, *h))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		pm_vec_deinit(&k->hits);
	}
	if (r->hits.len)
		qsort(r->hits.data, r->hits.len, sizeof *r->hits.data,
			by_address);
	if (r->hits.len > s->limit)
		r->hits.len = s->limit;
	s->done = true;
	return PM_OK;
}

enum pm_status pm_search_step(struct pm_search *s, double seconds,
	bool *ret_done, struct pm_error *err)
{
	s->team.deadline = pm_now() + seconds;
	bool finished = s->done || pm_team_run(&s->team);
	for (unsigned i = 0; i < s->team.size; i++)
		if (s->searchers[i].no_memory)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (finished && !s->done)
		PM_TRY(gather(s, err));
	*ret_done = s->done;
	return PM_OK;
}

void pm_search_progress(
	const struct pm_search *s, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_team_progress(&s->team, ret_done, ret_total);
}

const struct pm_search_result *pm_search_result(const struct pm_search *s)
{
	return &s->result;
}
