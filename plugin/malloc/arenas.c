/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main_arena and mp_, found in the variables of the C library (or of a program
   that has it within) by what they must look like. */
#include "malloc/malloc-internal.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DATA (UINT64_C(64) << 20)
#define MIN_EMPTY 16 /* lists of an arena that are, at least */

struct data { /* variables of a module */
	struct pm_malloc *m;
	pm_addr start;
	size_t len;
	unsigned char *bytes;
};

static uint64_t word_at(const struct data *d, size_t off)
{
	return pm_load(d->bytes + off, d->m->word, d->m->big_endian);
}
static uint64_t int_at(const struct data *d, size_t off)
{
	return pm_load(d->bytes + off, 4, d->m->big_endian);
}

/* An empty list leads to the header of the chunk that it would be in. */
static bool is_empty_list(const struct data *d, size_t off)
{
	unsigned w = d->m->word;
	pm_addr self = d->start + off - 2 * w;
	return word_at(d, off) == self && word_at(d, off + w) == self;
}

static bool are_lists(const struct data *d, size_t bins)
{
	unsigned w = d->m->word, empty = 0;
	for (unsigned i = 0; i < PM_MALLOC_BINS; i++) {
		size_t off = bins + 2 * i * w;
		if (!word_at(d, off) || !word_at(d, off + w))
			return false;
		empty += is_empty_list(d, off);
	}
	return empty >= MIN_EMPTY;
}

static bool closes(
	const struct pm_malloc *m, pm_addr base, const struct malloc_places *p)
{
	pm_addr at = base;
	for (unsigned n = 0; n < MAX_ARENAS; n++) {
		if (!read_word(m, at + p->next, &at) || !at)
			return false;
		if (at == base)
			return true;
	}
	return false;
}

static bool is_main_arena(
	const struct data *d, size_t bins, const struct malloc_places *p)
{
	if (bins < p->bins || bins - p->bins + p->size > d->len)
		return false;
	size_t base = bins - p->bins;
	uint64_t top = word_at(d, base + p->top), head = 0;
	uint64_t system = word_at(d, base + p->system);
	uint64_t most = word_at(d, base + p->system + d->m->word);
	if (system > most || !top || top % (2 * d->m->word) ||
		!closes(d->m, d->start + base, p))
		return false;
	return read_word(d->m, top + d->m->word, &head) && system &&
	       (head & ~(uint64_t)FLAGS) <= system && head & PREV_INUSE;
}

/* Some list of an arena is at off: which one, and of what shape? */
static bool find_shape(struct data *d, size_t off, pm_addr *ret,
	struct malloc_places *ret_places)
{
	unsigned w = d->m->word;
	for (size_t i = 0; i < PM_MALLOC_BINS && 2 * i * w <= off; i++) {
		size_t bins = off - 2 * i * w;
		if (bins + (2 * PM_MALLOC_BINS + 1) * w > d->len ||
			!are_lists(d, bins))
			continue;
		for (const struct malloc_shape *s = malloc_shapes; s->releases;
			s++) {
			struct malloc_places p;
			for (unsigned v = 0; malloc_places(s, w, v, &p); v++) {
				if (!is_main_arena(d, bins, &p))
					continue;
				d->m->shape = s;
				*ret_places = p;
				*ret = d->start + bins - p.bins;
				return true;
			}
		}
	}
	return false;
}

static bool find_main(
	struct data *d, pm_addr *ret, struct malloc_places *ret_places)
{
	unsigned w = d->m->word;
	for (size_t off = 2 * w; off + 2 * w <= d->len; off += w)
		if (is_empty_list(d, off) &&
			find_shape(d, off, ret, ret_places))
			return true;
	return false;
}

/* ---- the parameters ---- */

static bool is_power(uint64_t x)
{
	return !(x & (x - 1)); /* or 0 */
}

/* sbrk_base is at off: is the rest what it must be? */
static bool are_params(const struct data *d, size_t off,
	const struct malloc_params *p, bool strict)
{
	unsigned w = d->m->word;
	if (off < p->sbrk_base || off + w > d->len)
		return false;
	size_t base = off - p->sbrk_base, ints = base + p->n_mmaps;
	uint64_t n = int_at(d, ints), most = int_at(d, ints + 8);
	uint64_t bytes = word_at(d, base + p->mmapped);
	uint64_t max_bytes = word_at(d, base + p->mmapped + w);
	uint64_t unit = d->m->shape->mapped_drifts ? 2 * w : PAGE;
	if (n > most || most > INT32_MAX || int_at(d, ints + 4) > INT32_MAX ||
		int_at(d, ints + 12) > 1 || bytes > max_bytes || bytes % unit ||
		max_bytes % unit || (n && !bytes) ||
		(!n && bytes / PAGE && unit == PAGE) || !most != !max_bytes)
		return false;
	if (p->thp && (!is_power(word_at(d, base + p->thp)) ||
			      !is_power(word_at(d, base + p->hp))))
		return false;
	if (p->thp_mode && int_at(d, base + p->thp_mode) > 16)
		return false;
	uint64_t test = word_at(d, base + 3 * w);
	return !strict || test == (w == 8 ? 8 : 2); /* arena_test */
}

static void take_params(
	const struct data *d, size_t off, const struct malloc_params *p)
{
	unsigned w = d->m->word;
	size_t base = off - p->sbrk_base;
	d->m->settings = (struct pm_malloc_settings){
		.addr = d->start + base,
		.trim_threshold = word_at(d, base),
		.top_pad = word_at(d, base + w),
		.mmap_threshold = word_at(d, base + 2 * w),
		.arena_max = word_at(d, base + 4 * w),
		.mapped_chunks = int_at(d, base + p->n_mmaps),
		.mapped_bytes = word_at(d, base + p->mmapped),
		.max_mapped_bytes = word_at(d, base + p->mmapped + w),
		.sbrk_base = word_at(d, off),
		.is_static = int_at(d, base + p->n_mmaps + 12),
	};
}

static bool find_params_like(struct data *d, bool strict)
{
	const struct pm_malloc_arena *a = &d->m->arenas.data[0];
	struct malloc_params p;
	unsigned w = d->m->word;
	malloc_params(d->m->shape, w, &p);
	const struct pm_mapping *heap =
		pm_target_find_map(d->m->target, a->top);
	for (size_t off = p.sbrk_base; heap && off + w <= d->len; off += w) {
		pm_addr at = word_at(d, off);
		if (!at || at == a->top ||
			(a->contiguous && (at < heap->start || at > a->top)) ||
			!pm_target_find_map(d->m->target, at) ||
			!are_params(d, off, &p, strict) ||
			!region_first(d->m, at, a->system))
			continue;
		take_params(d, off, &p);
		return true;
	}
	return false;
}

/* Of rows whose arenas are alike, the parameters say which it is. */
static void find_params(struct data *d)
{
	const struct malloc_shape *like = d->m->shape, *s;
	for (unsigned pass = 0; pass < 2; pass++)
		for (s = malloc_shapes; s->releases; s++) {
			if (s->fastbins != like->fastbins ||
				s->fast_flag != like->fast_flag ||
				s->attached != like->attached)
				continue;
			d->m->shape = s;
			if (find_params_like(d, !pass))
				return;
		}
	d->m->shape = like;
}

/* ---- arenas ---- */

static bool load_arena(struct pm_malloc *m, pm_addr at,
	const struct malloc_places *p, struct pm_malloc_arena *ret)
{
	unsigned char bytes[4096];
	uint64_t head;
	unsigned w = m->word;
	if (p->size > sizeof bytes ||
		pm_memory_read(m->memory, at, bytes, p->size, NULL) != PM_OK)
		return false;
	*ret = (struct pm_malloc_arena){
		.addr = at,
		.top = pm_load(bytes + p->top, w, m->big_endian),
		.system = pm_load(bytes + p->system, w, m->big_endian),
		.max_system = pm_load(bytes + p->system + w, w, m->big_endian),
		.locked = pm_load(bytes, 4, m->big_endian) != 0,
		.contiguous = !(pm_load(bytes + 4, 4, m->big_endian) & 2),
	};
	if (p->attached)
		ret->threads = pm_load(bytes + p->attached, w, m->big_endian);
	if (read_word(m, ret->top + w, &head))
		ret->top_bytes = head & ~(uint64_t)FLAGS;
	return true;
}

static enum pm_status load_arenas(struct pm_malloc *m, pm_addr first,
	const struct malloc_places *p, struct pm_error *err)
{
	pm_addr at = first;
	do {
		struct pm_malloc_arena a;
		if (m->arenas.len >= MAX_ARENAS || !load_arena(m, at, p, &a))
			break; /* the ring was closed before: it was torn */
		if (!pm_vec_push(&m->arenas, a))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	} while (read_word(m, at + p->next, &at) && at && at != first);
	return PM_OK;
}

static enum pm_status find_in(struct pm_malloc *m, const struct pm_module *mod,
	bool *ret_found, struct pm_error *err)
{
	uint64_t len = mod->data_end - mod->data_start;
	*ret_found = false;
	if (mod->data_end <= mod->data_start || len > MAX_DATA ||
		(mod->word_size != 4 && mod->word_size != 8))
		return PM_OK;
	pm_auto_free unsigned char *bytes = malloc(len);
	if (!bytes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	m->word = mod->word_size;
	m->big_endian = mod->big_endian;
	struct data d = {m, mod->data_start, 0, bytes};
	/* A hole in it (of a page that cannot be read) ends what is read. */
	d.len = pm_target_read_some(m->target, d.start, bytes, len);
	pm_addr first;
	if (!find_main(&d, &first, m->places))
		return PM_OK;
	PM_TRY(load_arenas(m, first, m->places, err));
	if (!m->arenas.len)
		return PM_OK;
	find_params(&d);
	m->module = mod;
	*ret_found = true;
	return PM_OK;
}

static bool is_libc(const struct pm_module *mod)
{
	const char *name = basename(mod->path);
	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-", 5);
}

enum pm_status pm_malloc_create(struct pm_memory *mem,
	const struct pm_modules *ms, struct pm_malloc **ret,
	struct pm_error *err)
{
	pm_auto_malloc m = calloc(1, sizeof *m);
	bool found = false;
	if (!m)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	m->places = calloc(1, sizeof *m->places);
	if (!m->places)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	m->memory = mem;
	m->target = pm_memory_target(mem);
	for (unsigned pass = 0; pass < 2 && !found; pass++)
		pm_vec_each (mod, &ms->list)
			if (!found && is_libc(mod) == !pass)
				PM_TRY(find_in(m, mod, &found, err));
	if (!found)
		return pm_fail(
			err, PM_ABSENT, 0, "no malloc of glibc that was used");
	PM_TRY(regions_find(m, err));
	PM_TRY(regions_map(m, err));
	*ret = pm_take(m);
	return PM_OK;
}

void pm_malloc_destroy(struct pm_malloc *m)
{
	if (!m)
		return;
	pm_vec_each (r, &m->regions)
		for (size_t i = 0; i < sizeof r->bits / sizeof *r->bits; i++)
			free(r->bits[i]);
	pm_vec_deinit(&m->regions);
	pm_vec_deinit(&m->arenas);
	free(m->places);
	free(m);
}
