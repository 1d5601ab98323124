/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/duplicates.h"

#include "heap/footprint.h"
#include "heap/team.h"
#include "object/text.h"
#include "object/threads.h"

#include <string.h>

#define PIECE 65536
/* The top bits of a hash say in which of as many parts it is compared: few
   enough to be written side by side, so many that a part's table fits the
   caches. */
#define PART_BITS 8
#define PARTS (1 << PART_BITS)
#define MAX_PLACES (UINT64_C(1) << 36)
#define MAX_ITEMS (UINT64_C(1) << 32)

/* The equal ones of a thread's part, or of all of it. */
struct found {
	struct pm_map by_hash; /* -> place in list, plus 1 */
	PM_VEC(struct pm_duplicate) list;
	uint64_t objects, left_out, unreadable, inconsistent;
	unsigned char *piece;
	/* A hash's top bits, and below them the place, plus 1, of what has
	   it: never 0. */
	PM_VEC(uint64_t) seen[PARTS];
};

struct pm_duplicates_job {
	struct pm_heap *h;
	enum pm_duplicate_kind kind;
	PM_VEC(int64_t) interps; /* that have arenas of their own */
	unsigned place_bits;
	uint64_t *again; /* places of what may be equal to another */
	unsigned part;	 /* the next to be compared */
	PM_VEC(uint64_t) table;
	bool second; /* the second reading */
	struct pm_scan *scan;
	struct found found[PM_TEAM_MAX];
	struct pm_duplicates result;
	bool done;
};

static void deinit_found(struct found *f)
{
	pm_map_deinit(&f->by_hash);
	pm_vec_deinit(&f->list);
	free(f->piece);
	for (unsigned i = 0; i < PARTS; i++)
		pm_vec_deinit(&f->seen[i]);
}

void pm_duplicates_destroy(struct pm_duplicates_job *j)
{
	if (!j)
		return;
	pm_scan_destroy(j->scan);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		deinit_found(&j->found[i]);
	pm_vec_deinit(&j->result.list);
	pm_vec_deinit(&j->interps);
	pm_vec_deinit(&j->table);
	free(j->again);
	free(j);
}

/* ---- the hash ---- */

static inline uint64_t mix(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0x9FB21C651E98DF25u;
	return h ^ h >> 32;
}

/* n: bytes; the tail is mixed in as one word more. */
static inline uint64_t hash_bytes(uint64_t h, const unsigned char *p, size_t n)
{
	uint64_t w;
	for (; n >= 8; n -= 8, p += 8) {
		memcpy(&w, p, 8);
		h = mix(h, w);
	}
	if (n) {
		w = 0;
		memcpy(&w, p, n);
		h = mix(h, w);
	}
	return h;
}

static inline uint64_t finish(uint64_t h)
{
	h = mix(h, h >> 29);
	return h ? h : 1; /* no key of a map is 0 */
}

/* ---- content ---- */

struct content {
	pm_addr at; /* of what is compared */
	uint64_t bytes, seed;
	uint64_t size; /* sys.getsizeof */
	bool interned;
	bool unordered; /* entries of a set */
};

static enum pm_status str_content(const struct pm_layout *l,
	const struct pm_scanned *x, struct content *c)
{
	struct pm_text t;
	if (pm_text_parse(l, x->addr, x->body, x->avail, &t, NULL) != PM_OK)
		return PM_CORRUPT;
	if (!t.kind || !t.data)
		return PM_ABSENT; /* one that was never made ready */
	c->at = t.data;
	c->bytes = t.length * t.kind;
	c->seed = mix(t.kind, t.length);
	c->interned = t.interned != 0;
	return PM_OK;
}

static enum pm_status content_of(struct pm_duplicates_job *j,
	const struct pm_scanned *x, struct content *c)
{
	const struct pm_layout *l = j->h->l;
	unsigned ws = l->t.word_size;
	uint64_t n = pm_get(l, x->body, l->f.var_object.size);
	*c = (struct content){.seed = n};
	switch (j->kind) {
	case PM_DUPLICATE_STR:
		return str_content(l, x, c);
	case PM_DUPLICATE_BYTES:
		c->at = x->addr + l->f.bytes.data.off;
		c->bytes = n;
		break;
	case PM_DUPLICATE_TUPLE:
		c->at = x->addr + l->f.tuple.item.off;
		c->bytes = n * ws;
		break;
	case PM_DUPLICATE_FROZENSET:
		n = pm_get(l, x->body, l->f.set.mask) + 1;
		c->at = pm_get(l, x->body, l->f.set.table);
		c->bytes = n * l->f.set_entry.sizeof_.off;
		c->seed = pm_get(l, x->body, l->f.set.used);
		c->unordered = true;
		break;
	}
	return n > MAX_ITEMS ? PM_CORRUPT : PM_OK;
}

/* The members of a set stand in no order: their hashes are added up. */
static uint64_t hash_entries(const struct pm_layout *l, uint64_t sum,
	const unsigned char *p, size_t n)
{
	unsigned ws = l->t.word_size;
	uint32_t step = l->f.set_entry.sizeof_.off;
	for (size_t i = 0; step && i + step <= n; i += step) {
		pm_addr key = pm_load(
			p + i + l->f.set_entry.key.off, ws, l->t.big_endian);
		if (key && key != l->at.set_dummy.addr)
			sum += mix(key, key >> 17);
	}
	return sum;
}

static bool hash_content(struct pm_duplicates_job *j, struct found *f,
	const struct pm_scanned *x, const struct content *c, uint64_t *ret)
{
	const struct pm_layout *l = j->h->l;
	uint64_t h = mix(c->seed, 0x2545F4914F6CDD1Du), off = c->at - x->addr;
	if (c->at >= x->addr && off <= x->avail && c->bytes <= x->avail - off) {
		h = c->unordered ? hash_entries(l, h, x->body + off, c->bytes)
				 : hash_bytes(h, x->body + off, c->bytes);
		*ret = finish(h);
		return true;
	}
	uint32_t step = c->unordered ? l->f.set_entry.sizeof_.off : 8;
	size_t piece = PIECE / step * step;
	for (uint64_t at = 0; at < c->bytes; at += piece) {
		uint64_t left = c->bytes - at;
		size_t n = left < piece ? (size_t)left : piece;
		if (pm_target_read_some(j->h->target, c->at + at, f->piece, n) <
			n)
			return false;
		h = c->unordered ? hash_entries(l, h, f->piece, n)
				 : hash_bytes(h, f->piece, n);
	}
	*ret = finish(h);
	return true;
}

/* ---- one object ---- */

/* The lowest addresses, whichever thread saw them first. */
static void add_sample(struct pm_duplicate *d, pm_addr addr)
{
	for (unsigned i = 0; i < PM_DUPLICATE_SAMPLES && addr; i++) {
		if (d->samples[i] && d->samples[i] < addr)
			continue;
		pm_addr was = d->samples[i];
		d->samples[i] = addr;
		addr = was;
	}
}

static bool is_better(
	const struct pm_duplicate *a, const struct pm_duplicate *b)
{
	if (a->interned != b->interned)
		return a->interned;
	return a->kept != b->kept ? a->kept > b->kept : a->stays < b->stays;
}

static void combine(struct pm_duplicate *to, const struct pm_duplicate *d)
{
	to->copies += d->copies;
	to->size += d->size;
	to->alloc += d->alloc;
	/* The interned one stays, or else the largest of them. */
	if (is_better(d, to)) {
		add_sample(to, to->stays);
		to->stays = d->stays;
		to->kept = d->kept;
		to->interned = d->interned;
	} else {
		add_sample(to, d->stays);
	}
	for (unsigned i = 0; i < PM_DUPLICATE_SAMPLES; i++)
		add_sample(to, d->samples[i]);
}

static bool merge(struct found *f, uint64_t key, const struct pm_duplicate *d)
{
	bool added;
	struct pm_map_slot *slot = pm_map_put(&f->by_hash, key, &added);
	if (!slot)
		return false;
	if (!added) {
		combine(&f->list.data[slot->value - 1], d);
		return true;
	}
	if (!pm_vec_push(&f->list, *d))
		return false;
	slot->value = f->list.len;
	return true;
}

static bool record(struct pm_duplicates_job *j, unsigned who,
	const struct pm_scanned *x, const struct content *c, uint64_t hash)
{
	struct pm_heap *h = j->h;
	struct found *f = &j->found[who];
	const struct pm_objects *o = pm_scan_objects(j->scan, who);
	struct pm_measure m;
	if (pm_measure(h->l, x->type, x->addr, x->body, x->avail,
		    &o->resolver.r, &m) == PM_CORRUPT) {
		f->inconsistent++;
		return true;
	}
	uint64_t alloc = x->block;
	if (!x->block && !x->is_static)
		alloc = pm_block_size(h, o->m, x->addr - x->type->pre,
			m.extent + x->type->pre);
	for (unsigned i = 0; i < m.nbuffers; i++)
		if (!m.buffers[i].shared)
			alloc += pm_block_size(
				h, o->m, m.buffers[i].addr, m.buffers[i].bytes);
	/* Copies of one content may have a cached UTF-8 each, or not. */
	const struct pm_duplicate d = {
		.copies = 1,
		.size = m.size,
		.alloc = alloc,
		.kept = alloc,
		.interned = c->interned,
		.stays = x->addr,
		.each = c->bytes,
	};
	/* Sizes differ where hashes are equal by chance. */
	return merge(f, mix(hash, d.each) | 1, &d);
}

static bool compare(struct pm_duplicates_job *j, unsigned who,
	const struct pm_scanned *x, const struct content *c)
{
	struct found *f = &j->found[who];
	uint64_t hash;
	if (!hash_content(j, f, x, c, &hash)) {
		f->unreadable += !j->second;
		return true;
	}
	if (j->second)
		return record(j, who, x, c, hash);
	f->objects++;
	return pm_vec_push(&f->seen[hash >> (64 - PART_BITS)],
		hash >> j->place_bits << j->place_bits | (x->place + 1));
}

/* Of several interpreters: among those of its own.  What is static is all of
   theirs. */
static bool compare_within(struct pm_duplicates_job *j, unsigned who,
	const struct pm_scanned *x, const struct content *c)
{
	const struct pm_arena *a = pm_pools_arena(j->h->pools, x->addr);
	uint64_t seed = c->seed;
	bool known = false;
	pm_vec_each (interp, &j->interps) {
		struct content one = *c;
		if (!x->is_static && (!a || a->interp != *interp))
			continue;
		known = true;
		one.seed = mix(seed, (uint64_t)*interp + 1);
		if (!compare(j, who, x, &one))
			return false;
	}
	j->found[who].left_out += !known && !j->second;
	return true;
}

static bool see(void *arg, unsigned who, const struct pm_scanned *x)
{
	struct pm_duplicates_job *j = arg;
	struct found *f = &j->found[who];
	struct content c;
	enum pm_status s = content_of(j, x, &c);
	if (s != PM_OK) {
		f->inconsistent += !j->second && s == PM_CORRUPT;
		return true;
	}
	return j->interps.len > 1 ? compare_within(j, who, x, &c)
				  : compare(j, who, x, &c);
}

/* ---- the job ---- */

static bool wants(void *arg, const struct pm_type *t)
{
	const struct pm_duplicates_job *j = arg;
	const struct pm_layout *l = j->h->l;
	const char *name = NULL;
	switch (j->kind) {
	case PM_DUPLICATE_STR: /* others cannot be interned; 2.7: unicode */
		return t->addr == pm_layout_name_type(l) ||
		       t->addr == l->at.unicode_type.addr;
	case PM_DUPLICATE_BYTES:
		if (l->t.text_form == PM_TEXT_WIDE)
			return t->addr == l->at.bytes_type.addr;
		name = "builtins.bytes";
		break;
	case PM_DUPLICATE_TUPLE:
		name = "builtins.tuple";
		break;
	case PM_DUPLICATE_FROZENSET:
		name = "builtins.frozenset";
		break;
	}
	return !t->heap && !strcmp(t->name, name);
}

static void cleanup_job(struct pm_duplicates_job **j)
{
	pm_duplicates_destroy(*j);
}

/* Allocators of Python's own say whose their memory is; where C's malloc is
   used for all nothing does. */
static unsigned mingled(const struct pm_heap *h)
{
	unsigned n = 0;
	if (h->pools->arenas.len || h->pools->pages ||
		h->l->t.interned_home != PM_INTERNED_INTERP)
		return 0;
	pm_each_interpreter (i, h->l, h->memory)
		n++;
	return n > 1 ? n : 0;
}

static bool find_interpreters(struct pm_duplicates_job *j)
{
	pm_vec_each (a, &j->h->pools->arenas) {
		bool known = a->interp < 0;
		pm_vec_each (i, &j->interps)
			known |= *i == a->interp;
		if (!known && !pm_vec_push(&j->interps, a->interp))
			return false;
	}
	return true;
}

enum pm_status pm_duplicates_create(struct pm_heap *h,
	enum pm_duplicate_kind kind, struct pm_duplicates_job **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_duplicates_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->kind = kind;
	j->result.mingled = mingled(h);
	if (!find_interpreters(j))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	uint64_t places = pm_scan_places(h);
	if (places >= MAX_PLACES)
		return pm_fail(err, PM_LIMIT, 0,
			"%llu places are more than can be compared",
			(unsigned long long)places);
	while (UINT64_C(1) << j->place_bits <= places)
		j->place_bits++;
	j->again = calloc(places / 64 + 1, sizeof *j->again);
	bool pieces = true;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		pieces &= (j->found[i].piece = malloc(PIECE)) != NULL;
	if (!j->again || !pieces)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_scan_create(h, wants, 0, see, j, &j->scan, err));
	*ret = pm_take(j);
	return PM_OK;
}

/* ---- between the readings: which may be equal ---- */

static void mark(struct pm_duplicates_job *j, uint64_t seen)
{
	uint64_t place = (seen & ((UINT64_C(1) << j->place_bits) - 1)) - 1;
	j->again[place / 64] |= UINT64_C(1) << place % 64;
}

/* Into the table, of 1 << bits. */
static void put_seen(struct pm_duplicates_job *j, unsigned bits, uint64_t seen)
{
	uint64_t *slots = j->table.data;
	uint64_t at = seen << PART_BITS >> (64 - bits);
	for (; slots[at]; at = (at + 1) & ((UINT64_C(1) << bits) - 1))
		if (!((slots[at] ^ seen) >> j->place_bits)) {
			mark(j, slots[at]);
			mark(j, seen);
			return;
		}
	slots[at] = seen;
}

static enum pm_status compare_part(
	struct pm_duplicates_job *j, unsigned part, struct pm_error *err)
{
	unsigned bits = 4;
	size_t n = 0;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		n += j->found[i].seen[part].len;
	while ((size_t)1 << bits < 2 * n)
		bits++;
	j->table.len = 0;
	if (!pm_vec_reserve(&j->table, (size_t)1 << bits))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	memset(j->table.data, 0, sizeof *j->table.data << bits);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		pm_vec_each (x, &j->found[i].seen[part])
			put_seen(j, bits, *x);
		pm_vec_deinit(&j->found[i].seen[part]);
	}
	return PM_OK;
}

static enum pm_status compare_parts(struct pm_duplicates_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	while (j->part < PARTS && pm_now() < end)
		PM_TRY(compare_part(j, j->part++, err));
	*ret_done = j->part == PARTS;
	return PM_OK;
}

/* What the threads found becomes one list of what there is more than once. */
static enum pm_status gather(struct pm_duplicates_job *j, struct pm_error *err)
{
	struct pm_duplicates *r = &j->result;
	struct found *all = &j->found[0];
	for (unsigned i = 1; i < PM_TEAM_MAX; i++) {
		struct found *f = &j->found[i];
		size_t slots =
			f->by_hash.slots ? (size_t)1 << f->by_hash.bits : 0;
		for (size_t s = 0; s < slots; s++) {
			const struct pm_map_slot *from = &f->by_hash.slots[s];
			if (!from->key)
				continue;
			if (!merge(all, from->key,
				    &f->list.data[from->value - 1]))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		}
		all->objects += f->objects;
		all->left_out += f->left_out;
		all->unreadable += f->unreadable;
		all->inconsistent += f->inconsistent;
	}
	r->objects = all->objects;
	r->left_out = all->left_out;
	r->unreadable += all->unreadable;
	r->inconsistent = all->inconsistent;
	pm_vec_each (d, &all->list) {
		if (d->copies < 2)
			continue;
		if (!pm_vec_push(&r->list, *d))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		r->copies += d->copies;
		r->size += d->size;
		r->alloc += d->alloc;
		r->saving += pm_duplicate_saving(d);
	}
	return PM_OK;
}

enum pm_status pm_duplicates_step(struct pm_duplicates_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	bool finished = false;
	*ret_done = j->done;
	if (j->done)
		return PM_OK;
	if (j->scan) {
		PM_TRY(pm_scan_step(j->scan, seconds, &finished, err));
		if (finished && j->second) {
			PM_TRY(gather(j, err));
			j->done = *ret_done = true;
		} else if (finished) {
			j->result.unreadable += pm_scan_unreadable(j->scan);
			pm_scan_destroy(pm_take(j->scan));
		}
		return PM_OK;
	}
	PM_TRY(compare_parts(j, seconds, &finished, err));
	if (!finished)
		return PM_OK;
	pm_vec_deinit(&j->table);
	j->second = true;
	PM_TRY(pm_scan_create(j->h, wants, 0, see, j, &j->scan, err));
	pm_scan_only(j->scan, j->again);
	return PM_OK;
}

void pm_duplicates_progress(const struct pm_duplicates_job *j,
	uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = *ret_total = 1; /* between the readings */
	if (j->scan)
		pm_scan_progress(j->scan, ret_done, ret_total);
	*ret_done += j->second ? *ret_total : 0;
	*ret_total *= 2;
}

struct pm_duplicates *pm_duplicates_result(struct pm_duplicates_job *j)
{
	return &j->result;
}
