/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What threads keep for themselves: chunks that are free though their
   neighbours call them used.  A thread's table of them is a chunk as any other,
   known by its lists, which lead to chunks of their size and nowhere else. */
#include "malloc/malloc-internal.h"

#include <string.h>

#define MAX_TABLE 1024
#define MAX_LENGTH 65536
#define CHUNKS_AT_ONCE 8 /* tables between looks at the clock */

static uint32_t smallest(unsigned word, unsigned align)
{
	return (4 * word + align - 1) / align * align;
}

static uint32_t lists_at(const struct malloc_cache_shape *s, unsigned word)
{
	uint32_t n = (uint32_t)(s->small + s->large) * s->width;
	return (n + word - 1) / word * word;
}

static uint32_t table_bytes(const struct malloc_cache_shape *s, unsigned word)
{
	return lists_at(s, word) + (uint32_t)(s->small + s->large) * word;
}

/* Chunks are aligned to two words, or to 16 bytes. */
static unsigned alignment(unsigned word, unsigned i)
{
	return i ? 16 : 2 * word;
}

static uint64_t chunk_bytes(
	const struct malloc_cache_shape *s, unsigned word, unsigned align)
{
	uint32_t bytes = table_bytes(s, word) + word;
	return (bytes + align - 1) / align * align;
}

void caches_init(const struct pm_malloc *m, struct caches *c)
{
	for (const struct malloc_cache_shape *s = malloc_cache_shapes;
		s->releases; s++)
		for (unsigned i = 0; i < 2; i++) {
			uint64_t n =
				chunk_bytes(s, m->word, alignment(m->word, i));
			if (!caches_wants(c, n))
				c->sizes[c->nsizes++] = n;
		}
}

/* Does list i hold chunks of this size? */
static bool fits(const struct malloc_cache_shape *s, unsigned word,
	unsigned align, unsigned i, uint64_t size)
{
	uint64_t min = smallest(word, align);
	uint64_t most = min + (s->small - 1u) * align;
	if (i < s->small)
		return size == min + (uint64_t)i * align;
	return size > most && size <= UINT32_MAX &&
	       __builtin_clz((uint32_t)most) - __builtin_clz((uint32_t)size) ==
		       (int)(i - s->small);
}

static bool may_be(const struct pm_malloc *m,
	const struct malloc_cache_shape *s, const unsigned char *table)
{
	unsigned w = m->word, full = 0;
	for (unsigned i = 0; i < (unsigned)s->small + s->large; i++) {
		uint64_t at = pm_load(
			table + lists_at(s, w) + i * w, w, m->big_endian);
		uint64_t n =
			pm_load(table + i * s->width, s->width, m->big_endian);
		if (at % (2 * w) || (s->counts && !n != !at) ||
			(at && at < PAGE))
			return false;
		full += at != 0;
	}
	return full != 0;
}

bool caches_may_be(const struct pm_malloc *m, const struct caches *c,
	const unsigned char *chunk, uint64_t bytes, size_t len)
{
	unsigned w = m->word;
	(void)c;
	for (const struct malloc_cache_shape *s = malloc_cache_shapes;
		s->releases; s++)
		for (unsigned i = 0; i < 2; i++) {
			if (chunk_bytes(s, w, alignment(w, i)) != bytes)
				continue;
			if (len < 2 * w + table_bytes(s, w) ||
				may_be(m, s, chunk + 2 * w))
				return true;
		}
	return false;
}

/* The size of the chunk whose memory is at mem; 0: none that is used. */
static uint64_t used_at(const struct pm_malloc *m, pm_addr mem)
{
	pm_addr chunk = mem - 2 * m->word;
	const struct pm_malloc_region *r = region_at(m, chunk);
	uint64_t head;
	if (!r || !region_holds(m, r, chunk))
		return 0;
	uint64_t bit = region_bit(m, r, chunk);
	if (!bit_get(r->bits[PLANE_START], bit) ||
		state_get(r, bit) != PM_CHUNK_USED ||
		!read_word(m, chunk + m->word, &head))
		return 0;
	return head & ~(uint64_t)FLAGS;
}

static bool is_used(const struct pm_malloc *m, pm_addr mem)
{
	return used_at(m, mem) != 0;
}

struct table {
	const struct malloc_cache_shape *s;
	unsigned align;
	unsigned char bytes[MAX_TABLE];
	PM_VEC(pm_addr) chunks;
};

/* Takes along what list i holds, false: it is none. */
static bool take_list(
	struct pm_malloc *m, struct table *t, unsigned i, bool *ret_nomem)
{
	unsigned w = m->word;
	pm_addr at =
		pm_load(t->bytes + lists_at(t->s, w) + i * w, w, m->big_endian);
	uint64_t n = 0, count = pm_load(t->bytes + i * t->s->width, t->s->width,
				m->big_endian);
	for (; at; n++) {
		if (n > MAX_LENGTH ||
			!fits(t->s, w, t->align, i, used_at(m, at)))
			return false;
		if (!pm_vec_push(&t->chunks, at - 2 * w)) {
			*ret_nomem = true;
			return false;
		}
		if (!link_follow(m, at, &at, is_used))
			return false;
	}
	/* Of the thread that is just changing it, one more or less. */
	if (t->s->counts && n != count)
		m->broken_links++;
	return !t->s->counts || n == count || n == count + 1 || n + 1 == count;
}

static void mark(struct pm_malloc *m, pm_addr chunk, enum pm_chunk_state s)
{
	struct pm_malloc_region *r = region_at(m, chunk);
	state_set(r, region_bit(m, r, chunk), s);
}

static enum pm_status try_table(struct pm_malloc *m, struct table *t,
	pm_addr chunk, bool *ret_is, struct pm_error *err)
{
	unsigned lists = (unsigned)t->s->small + t->s->large;
	uint64_t broken = m->broken_links;
	bool nomem = false;
	*ret_is = false;
	t->chunks.len = 0;
	if (!may_be(m, t->s, t->bytes))
		return PM_OK;
	for (unsigned i = 0; i < lists; i++)
		if (!take_list(m, t, i, &nomem)) {
			m->broken_links = broken;
			return nomem ? pm_fail(err, PM_NOMEM, 0,
					       "out of memory")
				     : PM_OK;
		}
	pm_vec_each (c, &t->chunks)
		mark(m, *c, PM_CHUNK_TCACHE);
	mark(m, chunk, PM_CHUNK_CACHE);
	m->caches++;
	*ret_is = true;
	return PM_OK;
}

static void cleanup_table(struct table *t)
{
	pm_vec_deinit(&t->chunks);
}

static enum pm_status try_place(
	struct pm_malloc *m, pm_addr chunk, struct pm_error *err)
{
	PM_CLEANUP(cleanup_table) struct table t = {0};
	unsigned w = m->word;
	uint64_t bytes = used_at(m, chunk + 2 * w);
	bool is = false;
	for (t.s = malloc_cache_shapes; t.s->releases && !is; t.s++)
		for (unsigned i = 0; i < 2 && !is; i++) {
			t.align = alignment(w, i);
			if (chunk_bytes(t.s, w, t.align) != bytes ||
				pm_memory_read(m->memory, chunk + 2 * w,
					t.bytes, table_bytes(t.s, w),
					NULL) != PM_OK)
				continue;
			PM_TRY(try_table(m, &t, chunk, &is, err));
		}
	return PM_OK;
}

enum pm_status caches_step(struct pm_malloc *m, struct caches *c, double end,
	bool *ret_done, struct pm_error *err)
{
	*ret_done = false;
	while (c->next < c->places.len) {
		PM_TRY(try_place(m, c->places.data[c->next++], err));
		if (c->next % CHUNKS_AT_ONCE == 0 && pm_now() > end)
			return PM_OK;
	}
	*ret_done = true;
	return PM_OK;
}
