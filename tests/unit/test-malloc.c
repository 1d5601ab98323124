/* SPDX-License-Identifier: GPL-3.0-or-later */
/* glibc's malloc in memory made here: every row of its shapes, both widths of
   words and both byte orders, then all that can be broken in it. */
#include "malloc/malloc.h"
#include "malloc/shapes.h"
#include "lib/alloc.h"
#include "target/image.h"
#include "unit/unit.h"

#include <string.h>

#define LIBC UINT64_C(0x20000000)
#define LIBC_BYTES 0x4000u
#define ARENA_AT 0x800u /* in the library */
#define PARAMS_AT 0x2000u
#define HEAP UINT64_C(0x10000000)
#define HEAP_BYTES 0x20000u
#define OTHER UINT64_C(0x40000000) /* a heap of another arena */
#define OTHER_BYTES 0x21000u
#define MAPPED UINT64_C(0x50000000)
#define MAPPED_BYTES 0x9000u
#define RW (PM_MAP_READ | PM_MAP_WRITE)
#define MAX_CHUNKS 64
#define CACHE_BIN 20u

struct world {
	const struct malloc_shape *shape;
	const struct malloc_cache_shape *cache; /* NULL: no thread has one */
	struct malloc_places p;
	struct malloc_params par;
	unsigned w;
	bool big;
	struct pm_target *t;
	struct pm_memory *mem;
	struct pm_modules ms;
	struct pm_malloc *m;
	/* Chunks of the main heap, what they are, and the table of a cache. */
	size_t n;
	pm_addr at[MAX_CHUNKS], top;
	uint64_t size[MAX_CHUNKS];
	enum pm_chunk_state state[MAX_CHUNKS];
	uint64_t system;
};

static void put_sized(struct world *x, pm_addr at, uint64_t v, unsigned size)
{
	unsigned char *p = pm_image_at(x->t, at, size);
	ck_assert_ptr_nonnull(p);
	for (unsigned i = 0; i < size; i++)
		p[x->big ? size - 1 - i : i] = (unsigned char)(v >> 8 * i);
}
static void put(struct world *x, pm_addr at, uint64_t v)
{
	put_sized(x, at, v, x->w);
}

/* ---- chunks ---- */

static void add_chunk(
	struct world *x, pm_addr at, uint64_t size, enum pm_chunk_state state)
{
	ck_assert_uint_lt(x->n, MAX_CHUNKS);
	x->at[x->n] = at;
	x->size[x->n] = size;
	x->state[x->n++] = state;
}

/* What memory is aligned to: with words of 4 bytes to 16 when there is one more
   fast bin. */
static unsigned alignment(const struct world *x)
{
	return x->w == 8 || x->p.nfast == 11 || !x->p.nfast ? 16 : 8;
}

static pm_addr first_chunk(const struct world *x, pm_addr from)
{
	unsigned align = alignment(x);
	pm_addr mem = from + 2 * x->w;
	return (mem + align - 1) / align * align - 2 * x->w;
}

static uint64_t cache_bytes(const struct world *x)
{
	unsigned lists = (unsigned)x->cache->small + x->cache->large;
	uint64_t n = (lists * x->cache->width + x->w - 1) / x->w * x->w;
	n += lists * x->w + x->w;
	unsigned align = alignment(x);
	return (n + align - 1) / align * align;
}

static uint64_t cached_size(const struct world *x)
{
	unsigned align = alignment(x);
	return (4 * x->w + align - 1) / align * align + CACHE_BIN * align;
}

static pm_addr add_next(
	struct world *x, pm_addr at, uint64_t size, enum pm_chunk_state state)
{
	add_chunk(x, at, size, state);
	return at + size;
}

static void make_chunks(struct world *x)
{
	pm_addr at = first_chunk(x, HEAP);
	if (x->cache)
		at = add_next(x, at, cache_bytes(x), PM_CHUNK_CACHE);
	for (unsigned i = 0; i < 6; i++) {
		at = add_next(x, at, 0x50 + i * 0x10, PM_CHUNK_USED);
		at = add_next(x, at, 0x70 + i * 0x40, PM_CHUNK_FREE);
		if (x->cache)
			at = add_next(x, at, cached_size(x), PM_CHUNK_TCACHE);
		if (x->p.nfast)
			at = add_next(x, at, 0x40, PM_CHUNK_FASTBIN);
		at = add_next(x, at, 0x3000, PM_CHUNK_USED);
	}
	x->top = at;
}

static void put_headers(struct world *x)
{
	bool used = true;
	for (size_t i = 0; i < x->n; i++) {
		put(x, x->at[i] + x->w, x->size[i] | used);
		used = x->state[i] != PM_CHUNK_FREE;
		if (!used)
			put(x, x->at[i] + x->size[i], x->size[i]);
	}
	put(x, x->top + x->w, (HEAP + HEAP_BYTES - x->top) | used);
}

/* A list of the chunks in that state; links are hidden from the row on that
   has huge pages, which is late enough to try both. */
static void put_links(struct world *x, pm_addr head, enum pm_chunk_state state,
	unsigned offset, bool hide_links)
{
	pm_addr link = head;
	for (size_t i = 0; i < x->n; i++) {
		if (x->state[i] != state)
			continue;
		uint64_t to = x->at[i] + offset;
		put(x, link, link != head && hide_links ? to ^ link >> 12 : to);
		link = x->at[i] + 2 * x->w;
	}
	put(x, link, hide_links && link != head ? link >> 12 : 0);
}

static void put_bin(struct world *x, pm_addr arena, unsigned bin)
{
	pm_addr head = arena + x->p.bins + 2 * bin * x->w - 2 * x->w;
	pm_addr last = head;
	for (size_t i = 0; i < x->n; i++) {
		if (x->state[i] != PM_CHUNK_FREE)
			continue;
		put(x, last + 2 * x->w, x->at[i]);
		put(x, x->at[i] + 3 * x->w, last);
		last = x->at[i];
	}
	put(x, last + 2 * x->w, head);
	put(x, head + 3 * x->w, last);
}

static void put_cache(struct world *x)
{
	const struct malloc_cache_shape *c = x->cache;
	unsigned lists = (unsigned)c->small + c->large;
	pm_addr table = x->at[0] + 2 * x->w;
	for (unsigned i = 0; i < lists; i++)
		put_sized(x, table + i * c->width,
			c->counts ? (i == CACHE_BIN ? 6 : 0)
				  : (i == CACHE_BIN ? 1 : 7),
			c->width);
	pm_addr at = table + (lists * c->width + x->w - 1) / x->w * x->w;
	put_links(x, at + CACHE_BIN * x->w, PM_CHUNK_TCACHE, 2 * x->w,
		x->shape->huge_pages);
}

/* ---- arenas ---- */

static void put_arena(
	struct world *x, pm_addr at, pm_addr next, pm_addr top, uint64_t system)
{
	for (unsigned i = 0; i < PM_MALLOC_BINS; i++) {
		pm_addr bin = at + x->p.bins + 2 * i * x->w;
		put(x, bin, bin - 2 * x->w);
		put(x, bin + x->w, bin - 2 * x->w);
	}
	put(x, at + x->p.top, top);
	put(x, at + x->p.next, next);
	if (x->p.attached)
		put(x, at + x->p.attached, 1);
	put(x, at + x->p.system, system);
	put(x, at + x->p.system + x->w, system + 0x1000);
}

static void put_params(struct world *x)
{
	pm_addr at = LIBC + PARAMS_AT;
	put(x, at, 0x20000);
	put(x, at + x->w, 0x20000);
	put(x, at + 2 * x->w, 0x20000);
	put(x, at + 3 * x->w, x->w == 8 ? 8 : 2);
	put_sized(x, at + x->par.n_mmaps, 1, 4);
	put_sized(x, at + x->par.n_mmaps + 4, 65536, 4);
	put_sized(x, at + x->par.n_mmaps + 8, 2, 4);
	put(x, at + x->par.mmapped, MAPPED_BYTES);
	put(x, at + x->par.mmapped + x->w, 3 * MAPPED_BYTES);
	put(x, at + x->par.sbrk_base, HEAP);
}

static pm_addr put_other(struct world *x)
{
	unsigned info = x->w == 8 ? 0x30 : 0x18;
	pm_addr arena = OTHER + info;
	pm_addr top = first_chunk(x, arena + x->p.size);
	put(x, OTHER, arena);
	put(x, OTHER + 2 * x->w, OTHER_BYTES);
	put(x, OTHER + 3 * x->w, OTHER_BYTES);
	put_arena(x, arena, LIBC + ARENA_AT, top, OTHER_BYTES);
	put(x, top + x->w, (OTHER + OTHER_BYTES - top) | 1);
	return arena;
}

static void add(struct world *x, pm_addr start, size_t len, unsigned flags)
{
	struct pm_error err = {0};
	ck_assert_int_eq(
		pm_image_add(x->t, start, NULL, len, flags, NULL, &err), PM_OK);
}

/* All of it; variant as in malloc_places. */
static bool make(struct world *x, const struct malloc_shape *s, unsigned w,
	bool big, unsigned variant, const struct malloc_cache_shape *cache)
{
	struct pm_error err = {0};
	*x = (struct world){.shape = s, .w = w, .big = big};
	x->cache = cache && cache->releases ? cache : NULL;
	if (!malloc_places(s, w, variant, &x->p))
		return false;
	malloc_params(s, w, &x->par);
	ck_assert_int_eq(pm_image_create(&x->t, &err), PM_OK);
	x->t->big_endian = big;
	x->t->word_size = w;
	add(x, HEAP, HEAP_BYTES, RW | PM_MAP_HEAP);
	add(x, LIBC, LIBC_BYTES, RW);
	add(x, OTHER, OTHER_BYTES, RW);
	add(x, MAPPED - 0x3000, 0x3000 + MAPPED_BYTES + 0x2000, RW);
	make_chunks(x);
	put_headers(x);
	pm_addr other = put_other(x);
	put_arena(x, LIBC + ARENA_AT, other, x->top, HEAP_BYTES);
	put_bin(x, LIBC + ARENA_AT, 3);
	if (x->p.nfast)
		put_links(x, LIBC + ARENA_AT + x->p.fastbins + 2 * w,
			PM_CHUNK_FASTBIN, 0, s->huge_pages);
	if (x->cache)
		put_cache(x);
	put_params(x);
	put(x, MAPPED + w, (MAPPED_BYTES - (s->mapped_drifts ? 2 * w : 0)) | 2);
	ck_assert_int_eq(pm_memory_create(x->t, 64, &x->mem, &err), PM_OK);
	struct pm_module mod = {.path = strdup("/lib/libc.so.6"),
		.start = LIBC,
		.end = LIBC + LIBC_BYTES,
		.data_start = LIBC,
		.data_end = LIBC + LIBC_BYTES,
		.word_size = w,
		.big_endian = big};
	ck_assert(pm_vec_push(&x->ms.list, mod));
	return true;
}

static void end(struct world *x)
{
	pm_malloc_destroy(x->m);
	x->m = NULL;
	pm_modules_deinit(&x->ms);
	pm_memory_destroy(x->mem);
	pm_target_destroy(x->t);
}

static enum pm_status walk(struct world *x, struct pm_error *err)
{
	struct pm_malloc_walk *w;
	bool done = false;
	pm_malloc_destroy(x->m);
	x->m = NULL;
	/* Memory has changed since. */
	pm_memory_destroy(x->mem);
	x->mem = NULL;
	PM_TRY(pm_memory_create(x->t, 64, &x->mem, err));
	PM_TRY(pm_malloc_create(x->mem, &x->ms, &x->m, err));
	PM_TRY(pm_malloc_walk_create(x->m, &w, err));
	enum pm_status s = PM_OK;
	while (s == PM_OK && !done)
		s = pm_malloc_walk_step(w, 0.01, &done, err);
	pm_malloc_walk_destroy(w);
	return s;
}

/* Every byte of each region is in one chunk, and each is found by its place. */
static void check_tiling(const struct world *x)
{
	struct pm_malloc_cursor at = {0};
	struct pm_malloc_chunk c, found;
	pm_addr last = 0;
	size_t region = SIZE_MAX;
	while (pm_malloc_next(x->m, &at, &c)) {
		const struct pm_malloc_region *r =
			&x->m->regions.data[c.region];
		if (c.region != region) {
			ck_assert_uint_eq(c.addr, r->start);
			if (region != SIZE_MAX)
				ck_assert_uint_eq(
					last, x->m->regions.data[region].end);
		} else {
			ck_assert_uint_eq(c.addr, last);
		}
		ck_assert_uint_gt(c.bytes, 0);
		region = c.region;
		last = c.addr + c.bytes;
		ck_assert_uint_le(last, r->end);
		ck_assert(pm_malloc_find(x->m, c.addr + x->w, &found));
		ck_assert_uint_eq(found.addr, c.addr);
		ck_assert_uint_eq(found.bytes, c.bytes);
		ck_assert_int_eq(found.state, c.state);
	}
	if (region != SIZE_MAX)
		ck_assert_uint_eq(last, x->m->regions.data[region].end);
}

static void check_chunks(struct world *x)
{
	struct pm_malloc_chunk c;
	for (size_t i = 0; i < x->n; i++) {
		/* From its memory to one word into the next. */
		uint64_t last = x->size[i] + x->w - 1;
		ck_assert(pm_malloc_find(x->m, x->at[i] + 2 * x->w, &c));
		ck_assert_uint_eq(c.addr, x->at[i]);
		ck_assert_uint_eq(c.bytes, x->size[i]);
		ck_assert_msg(c.state == x->state[i], "%s: chunk %zu is %s",
			x->shape->releases, i, pm_malloc_state_text(c.state));
		ck_assert(pm_malloc_find(x->m, x->at[i] + last, &c));
		ck_assert_uint_eq(c.addr, x->at[i]);
		bool used = x->state[i] == PM_CHUNK_USED;
		ck_assert_int_eq(
			pm_malloc_claim(x->m, x->at[i] + last, &c), used);
		ck_assert(pm_malloc_find(x->m, x->at[i] + 2 * x->w, &c));
		ck_assert_int_eq(c.claimed, used);
	}
	ck_assert(pm_malloc_find(x->m, x->top + 64, &c));
	ck_assert_int_eq(c.state, PM_CHUNK_TOP);
	ck_assert(pm_malloc_find(x->m, MAPPED + 5000, &c));
	ck_assert_uint_eq(c.addr, MAPPED);
	ck_assert_uint_eq(c.bytes, MAPPED_BYTES);
	ck_assert(c.mapped);
	ck_assert(!pm_malloc_find(x->m, MAPPED - 1, &c));
	ck_assert(!pm_malloc_find(x->m, LIBC, &c));
}

static void check_info(struct world *x)
{
	struct pm_malloc_info i;
	uint64_t free = 0, nfree = 0, fast = 0, nfast = 0;
	for (size_t n = 0; n < x->n; n++) {
		free += x->state[n] == PM_CHUNK_FREE ? x->size[n] : 0;
		nfree += x->state[n] == PM_CHUNK_FREE;
		fast += x->state[n] == PM_CHUNK_FASTBIN ? x->size[n] : 0;
		nfast += x->state[n] == PM_CHUNK_FASTBIN;
	}
	uint64_t top = HEAP + HEAP_BYTES - x->top;
	uint64_t other = x->m->arenas.data[1].top_bytes;
	pm_malloc_info(x->m, &i);
	ck_assert_uint_eq(i.arena, HEAP_BYTES + OTHER_BYTES);
	ck_assert_uint_eq(i.ordblks, nfree + 2);
	ck_assert_uint_eq(i.smblks, nfast);
	ck_assert_uint_eq(i.fsmblks, fast);
	ck_assert_uint_eq(i.fordblks, free + fast + top + other);
	ck_assert_uint_eq(i.uordblks, i.arena - i.fordblks);
	ck_assert_uint_eq(i.hblks, 1);
	ck_assert_uint_eq(i.hblkhd, MAPPED_BYTES);
	ck_assert_uint_eq(i.keepcost, top);
}

static void each_world(void (*check)(struct world *x))
{
	struct world x;
	for (const struct malloc_shape *s = malloc_shapes; s->releases; s++)
		for (unsigned i = 0; i < 16; i++) {
			const struct malloc_cache_shape *c =
				&malloc_cache_shapes[i >> 2];
			if (!make(&x, s, i & 1 ? 4 : 8, i & 2, 0, c))
				continue;
			check(&x);
			end(&x);
			/* Words of 4, chunks aligned to 8. */
			if (i & 1 && make(&x, s, 4, i & 2, 1, c)) {
				check(&x);
				end(&x);
			}
		}
}

static void check_whole(struct world *x)
{
	struct pm_error err = {0};
	ck_assert_msg(
		walk(x, &err) == PM_OK, "%s: %s", x->shape->releases, err.msg);
	ck_assert_str_eq(x->m->shape->releases, x->shape->releases);
	ck_assert_uint_eq(x->m->settings.addr, LIBC + PARAMS_AT);
	ck_assert_uint_eq(x->m->arenas.len, 2);
	check_tiling(x);
	check_chunks(x);
	check_info(x);
	ck_assert_uint_eq(x->m->caches, x->cache != NULL);
	ck_assert_uint_eq(x->m->mapped_bytes, MAPPED_BYTES);
	ck_assert(pm_malloc_is_sound(x->m));
}

START_TEST(each_shape_is_known_by_its_memory)
{
	each_world(check_whole);
}
END_TEST

/* ---- damage ---- */

static size_t nth(const struct world *x, enum pm_chunk_state state, size_t n)
{
	for (size_t i = 0; i < x->n; i++)
		if (x->state[i] == state && !n--)
			return i;
	ck_abort();
}

static void make_usual(struct world *x)
{
	ck_assert(make(
		x, &malloc_shapes[1], 8, false, 0, &malloc_cache_shapes[1]));
}

START_TEST(a_size_that_cannot_be_is_passed_over)
{
	static const uint64_t sizes[] = {8, 0x38, 1 << 30, UINT64_MAX, 0x53};
	struct world x;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct pm_error err = {0};
		struct pm_malloc_chunk c;
		make_usual(&x);
		size_t bad = nth(&x, PM_CHUNK_USED, 4);
		put(&x, x.at[bad] + 8, sizes[i]);
		ck_assert_int_eq(walk(&x, &err), PM_OK);
		check_tiling(&x);
		ck_assert_uint_ge(x.m->torn, 1);
		ck_assert(!pm_malloc_is_sound(x.m));
		ck_assert(pm_malloc_find(x.m, x.at[bad] + 16, &c));
		ck_assert_int_eq(c.state, PM_CHUNK_TORN);
		/* What is behind the next one that a list knows is right. */
		size_t good = nth(&x, PM_CHUNK_USED, 6);
		ck_assert(pm_malloc_find(x.m, x.at[good] + 16, &c));
		ck_assert_uint_eq(c.bytes, x.size[good]);
		ck_assert_int_eq(c.state, PM_CHUNK_USED);
		end(&x);
	}
}
END_TEST

START_TEST(lists_may_lead_anywhere)
{
	struct world x;
	for (unsigned i = 0; i < 5; i++) {
		struct pm_error err = {0};
		make_usual(&x);
		pm_addr at = x.at[nth(&x, PM_CHUNK_FREE, 2)];
		const uint64_t to[] = {at, 0, 0x1234, HEAP + 8,
			x.at[nth(&x, PM_CHUNK_FREE, 0)]};
		put(&x, at + 16, to[i]);
		ck_assert_int_eq(walk(&x, &err), PM_OK);
		check_tiling(&x);
		ck_assert_uint_ge(x.m->broken_links, 1);
		/* Their neighbours still say that they are free. */
		ck_assert_uint_eq(x.m->count[PM_CHUNK_FREE], 6);
		ck_assert(!pm_malloc_is_sound(x.m));
		end(&x);
	}
}
END_TEST

START_TEST(a_cache_of_rings_is_none)
{
	struct pm_error err = {0};
	struct world x;
	make_usual(&x);
	pm_addr at = x.at[nth(&x, PM_CHUNK_TCACHE, 3)] + 16;
	put(&x, at, x.at[nth(&x, PM_CHUNK_TCACHE, 0)] + 16);
	ck_assert_int_eq(walk(&x, &err), PM_OK);
	ck_assert_uint_eq(x.m->caches, 0);
	ck_assert_uint_eq(x.m->count[PM_CHUNK_TCACHE], 0);
	end(&x);
}
END_TEST

START_TEST(arenas_that_lead_nowhere_are_none)
{
	struct pm_error err = {0};
	struct world x;
	make_usual(&x);
	put(&x, LIBC + ARENA_AT + x.p.next, 0x1234);
	ck_assert_int_eq(walk(&x, &err), PM_ABSENT);
	end(&x);
	make_usual(&x);
	/* A heap of another arena that says it is somebody else's. */
	put(&x, OTHER, 0x1234);
	ck_assert_int_eq(walk(&x, &err), PM_OK);
	check_tiling(&x);
	ck_assert_uint_ge(x.m->torn, 1);
	ck_assert(!pm_malloc_is_sound(x.m));
	end(&x);
}
END_TEST

START_TEST(pages_of_others_that_look_like_chunks)
{
	struct pm_error err = {0};
	struct world x;
	struct pm_malloc_chunk c;
	make_usual(&x);
	add(&x, MAPPED + 0x100000, 0x5000, RW);
	put(&x, MAPPED + 0x102008, 0x2002);
	ck_assert_int_eq(walk(&x, &err), PM_OK);
	/* Neither begins where one must, so both stay, and it is said. */
	ck_assert_uint_eq(x.m->mapped_count, 2);
	ck_assert(!pm_malloc_is_sound(x.m));
	put(&x, MAPPED - 0x3000 + 8, 0x3002);

	put_sized(&x, LIBC + PARAMS_AT + x.par.n_mmaps, 2, 4);
	put(&x, LIBC + PARAMS_AT + x.par.mmapped, MAPPED_BYTES + 0x3000);
	ck_assert_int_eq(walk(&x, &err), PM_OK);
	ck_assert_uint_eq(x.m->mapped_count, 2);
	ck_assert(pm_malloc_is_sound(x.m));
	ck_assert(!pm_malloc_find(x.m, MAPPED + 0x102100, &c));
	end(&x);
}
END_TEST

START_TEST(random_words)
{
	uint64_t seed = 12345;
	struct world x;
	for (unsigned round = 0; round < 3000; round++) {
		struct pm_error err = {0};
		make_usual(&x);
		for (unsigned i = 0; i < 1 + round % 8; i++) {
			seed = seed * 6364136223846793005u +
			       1442695040888963407u;
			size_t n = (size_t)(seed >> 33) % x.n;
			pm_addr to = x.at[(size_t)(seed >> 20) % x.n];
			const uint64_t values[] = {seed, to, to + 16,
				to ^ x.at[n] >> 12, seed >> 50, 0,
				x.size[n] ^ (seed >> 60)};
			put(&x, x.at[n] + 8 * (seed >> 7 & 3),
				values[(seed >> 11) % 7]);
			if (!(seed >> 40 & 3))
				put(&x,
					LIBC + ARENA_AT +
						8 * ((seed >> 3) % 280),
					values[(seed >> 14) % 7]);
		}
		enum pm_status s = walk(&x, &err);
		ck_assert(s == PM_OK || s == PM_ABSENT);
		if (s == PM_OK)
			check_tiling(&x);
		end(&x);
	}
}
END_TEST

START_TEST(unreadable_memory)
{
	struct world x;
	make_usual(&x);
	for (long n = 0;; n++) {
		struct pm_error err = {0};
		long before = pm_image_reads(x.t);
		pm_image_fail_at(x.t, n, NULL);
		enum pm_status s = walk(&x, &err);
		ck_assert(s == PM_OK || s == PM_ABSENT);
		if (s == PM_OK)
			check_tiling(&x);
		if (pm_image_reads(x.t) - before <= n)
			break;
	}
	ck_assert(pm_malloc_is_sound(x.m));
	end(&x);
}
END_TEST

START_TEST(out_of_memory)
{
	struct world x;
	make_usual(&x);
	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		struct pm_error err = {0};
		alloc_fail_start();
		enum pm_status s = walk(&x, &err);
		alloc_fail_stop();
		ck_assert_int_eq(s, alloc_failed() ? PM_NOMEM : PM_OK);
	}
	ck_assert_uint_gt(alloc_fail_runs(), 10);
	ck_assert(pm_malloc_is_sound(x.m));
	end(&x);
}
END_TEST

UNIT_MAIN("malloc", each_shape_is_known_by_its_memory,
	a_size_that_cannot_be_is_passed_over, lists_may_lead_anywhere,
	a_cache_of_rings_is_none, arenas_that_lead_nowhere_are_none,
	pages_of_others_that_look_like_chunks, random_words, unreadable_memory,
	out_of_memory)
