/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/holders.h"
#include "heap/team.h"

#include "base/map.h"

#include <string.h>

#define OUTSIDE_BATCH 64
#define CHUNK_MAX (1u << 20)
#define SIEVE_BITS 16
/* Places to look at for each reference that is wanted: some are stale. */
#define PLACES 64

/* First all places that hold the address, each with the object that it belongs
   to; then each of these objects is decoded. */
enum phase { PHASE_PLACES, PHASE_DECODE, PHASE_DONE };

/* One thread's finds. */
struct finder {
	struct pm_memory *memory;
	unsigned char *chunk;
	PM_VEC(pm_addr) candidates; /* blocks or objects */
	uint64_t unowned, unreadable;
	bool no_memory;
};

struct pm_holders_job {
	struct pm_heap *h;
	pm_addr object;	       /* 0: several */
	struct pm_map targets; /* of several: -> number, plus 1 */
	atomic_uint *places;   /* found of each, by number */
	size_t ntargets;
	uint64_t *sieve; /* bits, by hash of a target */
	size_t limit;
	enum phase phase;
	struct pm_team team;
	struct finder finders[PM_TEAM_MAX];
	size_t chunk_size;
	PM_VEC(pm_addr) candidates; /* sorted; objects or their blocks */
	size_t decoded;
	pm_addr last; /* object decoded last: its block may be listed, too */
	struct pm_holders result;
};

void pm_holders_destroy(struct pm_holders_job *j)
{
	if (!j)
		return;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		pm_memory_destroy(j->finders[i].memory);
		free(j->finders[i].chunk);
		pm_vec_deinit(&j->finders[i].candidates);
	}
	pm_vec_deinit(&j->candidates);
	pm_vec_deinit(&j->result.list);
	pm_map_deinit(&j->targets);
	free(j->places);
	free(j->sieve);
	free(j);
}

static void candidate(struct finder *f, pm_addr at)
{
	/* Several hits in one block stand next to each other. */
	size_t n = f->candidates.len;
	if (n && f->candidates.data[n - 1] == at)
		return;
	if (!pm_vec_push(&f->candidates, at))
		f->no_memory = true;
}

/* A hit at address at, inside an arena. */
static void arena_hit(struct pm_holders_job *j, struct finder *f, pm_addr at)
{
	const struct pm_heap *h = j->h;
	int64_t pool = pm_pools_find(h->pools, at);
	pm_addr block =
		pool < 0 ? 0 : pm_pools_block(h->pools, (size_t)pool, at);
	if (!block)
		return;
	uint64_t bit = pm_heap_bit(h, (size_t)pool, block);
	pm_addr owner = 0;
	if (h->is_object[bit / 64] >> bit % 64 & 1)
		owner = block;
	else if (h->is_buffer[bit / 64] >> bit % 64 & 1)
		owner = pm_heap_owner(h, (size_t)pool, block);
	if (owner)
		candidate(f, owner);
	else
		f->unowned++; /* or free: what it held last */
}

typedef void hit_fn(
	struct pm_holders_job *j, struct finder *f, pm_addr at, pm_addr owner);

static void on_arena(
	struct pm_holders_job *j, struct finder *f, pm_addr at, pm_addr owner)
{
	(void)owner;
	arena_hit(j, f, at);
}

static void on_outside(
	struct pm_holders_job *j, struct finder *f, pm_addr at, pm_addr owner)
{
	(void)j;
	(void)at;
	candidate(f, owner);
}

static inline size_t sieve_bit(uint64_t word)
{
	return (size_t)(pm_map_hash(word) >> (64 - SIEVE_BITS));
}

/* A word that may be one of several targets. */
static __attribute__((noinline)) bool is_target(
	struct pm_holders_job *j, uint64_t word)
{
	const struct pm_map_slot *s =
		word ? pm_map_find(&j->targets, word) : NULL;
	return s && atomic_fetch_add(&j->places[s->value - 1], 1) <
			    j->limit * PLACES;
}

static void scan_for_several(struct pm_holders_job *j, struct finder *f,
	const unsigned char *p, size_t len, pm_addr at, pm_addr owner,
	hit_fn *hit)
{
	const struct pm_layout *l = j->h->l;
	unsigned ws = l->t.word_size;
	uint64_t mask =
		l->t.frame_refs == PM_REF_TAGGED ? ~UINT64_C(3) : ~UINT64_C(0);
	for (size_t i = 0; i + ws <= len; i += ws) {
		uint64_t w = pm_load(p + i, ws, l->t.big_endian) & mask;
		size_t bit = sieve_bit(w);
		if (__builtin_expect(j->sieve[bit / 64] >> bit % 64 & 1, 0) &&
			is_target(j, w))
			hit(j, f, at + i, owner);
	}
}

static inline __attribute__((always_inline)) void scan_bytes(
	struct pm_holders_job *j, struct finder *f, const unsigned char *p,
	size_t len, pm_addr at, pm_addr owner, hit_fn *hit)
{
	const struct pm_layout *l = j->h->l;
	unsigned ws = l->t.word_size;
	if (!j->object) {
		scan_for_several(j, f, p, len, at, owner, hit);
		return;
	}
	/* References of frames have tags in their low bits (3.14). */
	uint64_t mask =
		l->t.frame_refs == PM_REF_TAGGED ? ~UINT64_C(3) : ~UINT64_C(0);
	if (ws == 8 && l->t.big_endian == PM_HOST_BIG_ENDIAN) {
		/* Eight words at a time: nearly none of them match. */
		uint64_t want = j->object;
		size_t i = 0;
		for (; i + 64 <= len; i += 64) {
			uint64_t w[8];
			memcpy(w, p + i, 64);
			bool any = false;
			for (int k = 0; k < 8; k++)
				any |= (w[k] & mask) == want;
			if (!any)
				continue;
			for (unsigned k = 0; k < 8; k++)
				if ((w[k] & mask) == want)
					hit(j, f, at + i + k * 8, owner);
		}
		p += i;
		at += i;
		len -= i;
	}
	for (size_t i = 0; i + ws <= len; i += ws)
		if ((pm_load(p + i, ws, l->t.big_endian) & mask) == j->object)
			hit(j, f, at + i, owner);
}

static void scan_range(struct pm_holders_job *j, struct finder *f, pm_addr at,
	uint64_t len, pm_addr owner, hit_fn *hit)
{
	struct pm_target *t = j->h->target;
	while (len) {
		size_t n = len < j->chunk_size ? (size_t)len : j->chunk_size;
		const unsigned char *p = pm_target_view(t, at, n);
		size_t got = n;
		if (!p) {
			got = pm_target_read_some(t, at, f->chunk, n);
			p = f->chunk;
		}
		if (hit == on_arena)
			scan_bytes(j, f, p, got, at, owner, on_arena);
		else
			scan_bytes(j, f, p, got, at, owner, on_outside);
		if (got < n) {
			f->unreadable++;
			/* Go on behind the hole. */
			n = (got / 4096 + 1) * 4096;
			if (n > len)
				return;
		}
		at += n;
		len -= n;
	}
}

/* Types that refer to nothing but their type are most of what is outside. */
static bool can_refer(const struct pm_type *t)
{
	return t->nslots || t->heap ||
	       (t->kind != PM_KIND_STR && t->kind != PM_KIND_BYTES &&
		       t->kind != PM_KIND_INT);
}

static void scan_object(
	struct pm_holders_job *j, struct finder *f, const struct pm_outside *o)
{
	const struct pm_type *t = pm_types_by_id(j->h->types, o->type_id);
	if (!t || !can_refer(t))
		return;
	uint32_t pre = o->is_static ? 0 : t->pre;
	uint64_t len = o->bytes + pre;
	/* These refer through structs of C, static types through those of the
	   interpreter, instances through values that malloc gave out with no
	   size known (3.11, 3.12): let them be decoded. */
	if (t->kind == PM_KIND_MODULE || t->kind == PM_KIND_CODE ||
		t->kind == PM_KIND_FRAME ||
		(t->managed_dict && !t->inline_values) ||
		(t->kind == PM_KIND_TYPE && o->is_static)) {
		candidate(f, o->addr);
		return;
	}
	unsigned char small[4096];
	if (len <= sizeof small && pm_memory_read(f->memory, o->addr - pre,
					   small, len, NULL) == PM_OK) {
		scan_bytes(
			j, f, small, len, o->addr - pre, o->addr, on_outside);
		return;
	}
	scan_range(j, f, o->addr - pre, len, o->addr, on_outside);
}

/* Units: arenas, then buffers outside, then batches of objects outside. */
static bool scan_unit(void *arg, unsigned who, size_t i)
{
	struct pm_holders_job *j = arg;
	struct pm_heap *h = j->h;
	struct finder *f = &j->finders[who];
	if (i < h->pools->runs.len) {
		const struct pm_run_of_pools *r = &h->pools->runs.data[i];
		scan_range(j, f, r->addr, r->bytes, 0, on_arena);
		return !f->no_memory;
	}
	i -= h->pools->runs.len;
	if (i < h->buffers.len) {
		const struct pm_outside *b = &h->buffers.data[i];
		if (b->kind != PM_BUFFER_RAW)
			scan_range(
				j, f, b->addr, b->bytes, b->owner, on_outside);
		return !f->no_memory;
	}
	i = (i - h->buffers.len) * OUTSIDE_BATCH;
	for (size_t k = 0; k < OUTSIDE_BATCH && i + k < h->outside.len; k++)
		scan_object(j, f, &h->outside.data[i + k]);
	return !f->no_memory;
}

static void begin_scan(struct pm_holders_job *j)
{
	struct pm_heap *h = j->h;
	atomic_store(&j->team.next, 0);
	j->team.total = h->pools->runs.len + h->buffers.len +
			(h->outside.len + OUTSIDE_BATCH - 1) / OUTSIDE_BATCH;
}

static enum pm_status create(struct pm_heap *h, pm_addr object, size_t limit,
	struct pm_holders_job **ret, struct pm_error *err)
{
	if (!h->done)
		return pm_fail(err, PM_ABSENT, 0, "the heap was not walked");
	struct pm_holders_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->object = object;
	j->limit = limit;
	j->chunk_size = CHUNK_MAX;
	j->team.size = pm_team_size(h->target->parallel);
	j->team.batch = 1;
	j->team.unit = scan_unit;
	j->team.arg = j;
	enum pm_status s = PM_OK;
	for (unsigned i = 0; i < j->team.size && s == PM_OK; i++) {
		struct finder *f = &j->finders[i];
		s = pm_memory_create(h->target, 0, &f->memory, err);
		f->chunk = malloc(j->chunk_size);
		if (!f->chunk)
			s = PM_NOMEM;
	}
	if (s != PM_OK) {
		pm_holders_destroy(j);
		return pm_fail(err, s, 0, "out of memory");
	}
	begin_scan(j);
	*ret = j;
	return PM_OK;
}

enum pm_status pm_holders_create(struct pm_heap *h, pm_addr object,
	size_t limit, struct pm_holders_job **ret, struct pm_error *err)
{
	return create(h, object, limit, ret, err);
}

static void cleanup_job(struct pm_holders_job **j)
{
	pm_holders_destroy(*j);
}

enum pm_status pm_holders_create_some(struct pm_heap *h, const pm_addr *objects,
	size_t n, size_t limit, struct pm_holders_job **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_holders_job *j = NULL;
	PM_TRY(create(h, 0, limit, &j, err));
	j->ntargets = n;
	j->places = calloc(n + 1, sizeof *j->places);
	j->sieve = calloc((size_t)1 << (SIEVE_BITS - 6), 8);
	if (!j->places || !j->sieve)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++) {
		if (!objects[i])
			continue;
		struct pm_map_slot *s =
			pm_map_put(&j->targets, objects[i], NULL);
		if (!s)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		s->value = i + 1;
		size_t bit = sieve_bit(objects[i]);
		j->sieve[bit / 64] |= UINT64_C(1) << bit % 64;
	}
	*ret = pm_take(j);
	return PM_OK;
}

static int by_value(const void *a, const void *b)
{
	pm_addr x = *(const pm_addr *)a, y = *(const pm_addr *)b;
	return x < y ? -1 : x > y;
}

static enum pm_status gather_candidates(
	struct pm_holders_job *j, struct pm_error *err)
{
	for (unsigned i = 0; i < j->team.size; i++) {
		struct finder *f = &j->finders[i];
		j->result.unowned += f->unowned;
		j->result.unreadable += f->unreadable;
		if (f->no_memory)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		pm_vec_each (c, &f->candidates)
			if (!pm_vec_push(&j->candidates, *c))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		pm_vec_deinit(&f->candidates);
	}
	if (j->candidates.len)
		qsort(j->candidates.data, j->candidates.len,
			sizeof *j->candidates.data, by_value);
	/* From now on: references of each that were found. */
	for (size_t i = 0; i < j->ntargets; i++)
		atomic_store(&j->places[i], 0);
	j->phase = PHASE_DECODE;
	return PM_OK;
}

struct match {
	struct pm_holders_job *j;
	const struct pm_object *x;
	uint64_t edges;
	bool no_memory;
};

/* Of several targets: one, and not enough of it was found yet. */
static bool wants_another(struct pm_holders_job *j, pm_addr target)
{
	const struct pm_map_slot *s =
		target ? pm_map_find(&j->targets, target) : NULL;
	return s && atomic_fetch_add(&j->places[s->value - 1], 1) < j->limit;
}

static bool match_ref(void *arg, const struct pm_ref *ref)
{
	struct match *m = arg;
	struct pm_holders_job *j = m->j;
	if (j->object ? ref->target != j->object
		      : !wants_another(j, ref->target))
		return true;
	m->edges++;
	if ((!j->object || !j->limit || j->result.list.len < j->limit) &&
		!pm_vec_push(&j->result.list,
			(struct pm_holder){m->x->addr, m->x->type, *ref}))
		m->no_memory = true;
	return !m->no_memory;
}

/* A candidate is an object, or the block of an arena that holds one. */
static bool load_candidate(
	struct pm_holders_job *j, pm_addr at, struct pm_object *x)
{
	struct pm_heap *h = j->h;
	const struct pm_pools *p = h->pools;
	int64_t pool = pm_pools_find(p, at);
	if (pool < 0 || pm_pools_block(p, (size_t)pool, at) != at)
		return pm_object_load(&h->objects, at, x, NULL) == PM_OK;
	return pm_heap_load_block(h, at, x);
}

static enum pm_status decode(struct pm_holders_job *j, struct pm_error *err)
{
	while (j->decoded < j->candidates.len) {
		if (j->decoded % 16 == 0 && pm_now() > j->team.deadline)
			return PM_OK;
		size_t i = j->decoded++;
		struct pm_object x;
		if ((i && j->candidates.data[i] == j->candidates.data[i - 1]) ||
			!load_candidate(j, j->candidates.data[i], &x) ||
			x.addr == j->last)
			continue;
		j->last = x.addr;
		struct match m = {j, &x, 0, false};
		if (pm_refs_each(&j->h->objects, &x, match_ref, &m) != PM_OK)
			j->result.unreadable++;
		if (m.no_memory)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		j->result.edges += m.edges;
		j->result.objects += m.edges != 0;
	}
	j->phase = PHASE_DONE;
	return PM_OK;
}

enum pm_status pm_holders_step(struct pm_holders_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	j->team.deadline = pm_now() + seconds;
	while (j->phase != PHASE_DONE && pm_now() < j->team.deadline) {
		if (j->phase == PHASE_DECODE) {
			PM_TRY(decode(j, err));
			continue;
		}
		if (!pm_team_run(&j->team))
			continue;
		PM_TRY(gather_candidates(j, err));
	}
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

void pm_holders_progress(
	const struct pm_holders_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	if (j->phase == PHASE_PLACES) {
		pm_team_progress(&j->team, ret_done, ret_total);
		return;
	}
	*ret_total = j->candidates.len;
	*ret_done = j->decoded;
}

const struct pm_holders *pm_holders_result(const struct pm_holders_job *j)
{
	return &j->result;
}
