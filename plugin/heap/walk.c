/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/walk-internal.h"

#include "heap/footprint.h"
#include "heap/team.h"
#include "object/threads.h"

#define MAX_PERMANENT (UINT64_C(1) << 32)

enum phase { PHASE_ARENAS, PHASE_ROUNDS, PHASE_PERMANENT, PHASE_DONE };

struct pm_walk {
	struct pm_heap *h;
	struct pm_worker *workers[PM_TEAM_MAX];
	unsigned nworkers;
	enum phase phase;
	struct pm_team team;
	/* The round under way. */
	PM_VEC(struct pm_candidate) candidates;
	PM_VEC(struct pm_outside_buffer) buffers;
	struct pm_map seen;	    /* candidates of all rounds */
	struct pm_map seen_buffers; /* buffers of all rounds */
	uint32_t types_known;
	pm_addr permanent, permanent_head; /* where the list walk stands */
	struct pm_chain permanent_of; /* the interpreter whose list it is */
	bool permanent_begun;
	uint64_t permanent_seen;
};

/* ---- heap ---- */

static void init_pres(const struct pm_layout *l, struct pm_pres pres[PM_USES])
{
	uint32_t head = l->t.gc_head_size, two = 2 * l->t.word_size;
	struct pm_pres *any = &pres[PM_USE_ANY];
	pres[PM_USE_OBJECTS] = (struct pm_pres){.n = 1};
	pres[PM_USE_COLLECTED] = (struct pm_pres){.n = 1};
	pres[PM_USE_PREHEADERS] = (struct pm_pres){.n = 1, .at = {two}};
	/* Likeliest first.  Words left over where a three-word head will be
	   linked (3.7) may look like another object's header: such heads come
	   first, they can be told. */
	bool told = pm_has(l->f.gc_head.refs);
	if (told)
		any->at[any->n++] = head;
	any->at[any->n++] = 0;
	if (head && !told)
		any->at[any->n++] = head;
	any->at[any->n++] = head + two;
}

enum pm_status pm_heap_create(const struct pm_layout *l, struct pm_target *t,
	struct pm_memory *m, const struct pm_modules *ms, struct pm_heap **ret,
	struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_heap) struct pm_heap *h = calloc(1, sizeof *h);
	if (!h)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	h->l = l;
	h->target = t;
	h->memory = m;
	h->modules = ms;
	init_pres(l, h->pres);
	PM_TRY(pm_types_create(t, l, &h->types, err));
	pm_heap_objects_init(h, m, &h->objects);
	*ret = pm_take(h);
	return PM_OK;
}

static void free_owners(struct pm_heap *h)
{
	for (size_t i = 0; h->owners && i < h->pools->npools; i++)
		free(h->owners[i]);
	free(pm_take(h->owners));
}

void pm_heap_destroy(struct pm_heap *h)
{
	if (!h)
		return;
	pm_types_destroy(h->types);
	free(h->stats);
	free(h->is_object);
	free(h->pre_low);
	free(h->pre_high);
	free(h->pool_types);
	free(h->is_dead);
	free(h->is_buffer);
	free_owners(h);
	pm_pools_destroy(h->pools);
	pm_freelists_deinit(&h->freelists);
	pm_vec_deinit(&h->stacks);
	pm_vec_deinit(&h->outside);
	pm_vec_deinit(&h->buffers);
	free(h);
}

enum pm_status pm_heap_pools(struct pm_heap *h, struct pm_error *err)
{
	if (h->pools)
		return PM_OK;
	return pm_pools_create(h->l, h->memory, &h->pools, err);
}

enum pm_status pm_heap_freelists(struct pm_heap *h, struct pm_error *err)
{
	if (h->freelists_read)
		return PM_OK;
	PM_TRY(pm_heap_pools(h, err));
	PM_TRY(pm_freelists_read(h, &h->freelists, err));
	h->freelists_read = true;
	return PM_OK;
}

/* ---- the job ---- */

static bool one_unit(void *arg, unsigned who, size_t i)
{
	struct pm_walk *w = arg;
	struct pm_worker *k = w->workers[who];
	if (w->phase == PHASE_ARENAS)
		pm_stream_run(k, i);
	else if (i < w->candidates.len)
		pm_outside_object(k, &w->candidates.data[i]);
	else
		pm_outside_scan(k, &w->buffers.data[i - w->candidates.len]);
	return k->status == PM_OK;
}

static void begin_units(struct pm_walk *w)
{
	atomic_store(&w->team.next, 0);
	w->team.total = w->phase == PHASE_ARENAS
				? w->h->pools->runs.len
				: w->candidates.len + w->buffers.len;
	w->team.batch = w->phase == PHASE_ARENAS ? 1 : 16;
}

static void cleanup_walk(struct pm_walk **w)
{
	pm_walk_destroy(*w);
}

enum pm_status pm_walk_create(struct pm_heap *h, unsigned threads,
	struct pm_walk **ret, struct pm_error *err)
{
	PM_TRY(pm_heap_pools(h, err));
	PM_TRY(pm_heap_freelists(h, err));
	PM_CLEANUP(cleanup_walk) struct pm_walk *w = calloc(1, sizeof *w);
	if (!w)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	w->h = h;
	size_t words = h->pools->nwords + 1;
	uint64_t **const maps[] = {
		&h->is_object, &h->pre_low, &h->pre_high, &h->is_dead};
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
		free(*maps[i]);
		*maps[i] = calloc(words, 8);
		if (!*maps[i])
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	free_owners(h);
	free(h->pool_types);
	h->owners = calloc(h->pools->npools + 1, sizeof *h->owners);
	h->pool_types = calloc(h->pools->npools + 1, sizeof *h->pool_types);
	if (!h->owners || !h->pool_types)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!threads || threads > PM_TEAM_MAX || !h->target->parallel)
		threads = pm_team_size(h->target->parallel);
	for (w->nworkers = 0; w->nworkers < threads;) {
		struct pm_worker *k = calloc(1, sizeof *k);
		if (!k)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		w->workers[w->nworkers++] = k;
		PM_TRY(pm_worker_init(k, h, err));
	}
	w->team.size = w->nworkers;
	w->team.unit = one_unit;
	w->team.arg = w;
	begin_units(w);
	*ret = pm_take(w);
	return PM_OK;
}

void pm_walk_destroy(struct pm_walk *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->nworkers; i++) {
		pm_worker_deinit(w->workers[i]);
		free(w->workers[i]);
	}
	pm_vec_deinit(&w->candidates);
	pm_vec_deinit(&w->buffers);
	pm_map_deinit(&w->seen);
	pm_map_deinit(&w->seen_buffers);
	free(w);
}

/* ---- rounds ---- */

static bool add_candidate(
	struct pm_walk *w, pm_addr addr, enum pm_candidate_from from)
{
	bool added;
	if (pm_pools_foreign(w->h->pools, addr))
		return true;
	if (!pm_map_put(&w->seen, addr, &added))
		return false;
	return !added ||
	       pm_vec_push(&w->candidates, (struct pm_candidate){addr, from});
}

/* Collects what the workers found into the next round; false: out of memory. */
static bool next_round(struct pm_walk *w)
{
	w->candidates.len = w->buffers.len = 0;
	for (unsigned i = 0; i < w->nworkers; i++) {
		struct pm_worker *k = w->workers[i];
		pm_vec_each (c, &k->candidates)
			if (!add_candidate(w, c->addr, c->from))
				return false;
		k->candidates.len = 0;
		pm_vec_each (b, &k->buffers) {
			bool added;
			if (pm_pools_foreign(w->h->pools, b->b.addr))
				continue;
			/* Once for whoever shares it, once for its owner, in
			   whichever order the threads meet them. */
			if (!pm_map_put(&w->seen_buffers,
				    b->b.addr | b->b.shared, &added))
				return false;
			if (added && !pm_vec_push(&w->buffers, *b))
				return false;
		}
		k->buffers.len = 0;
	}
	/* Types are objects, also those that only their instances name. */
	uint32_t n = pm_types_count(w->h->types);
	for (; w->types_known < n; w->types_known++) {
		const struct pm_type *t =
			pm_types_by_id(w->h->types, w->types_known);
		if (t && pm_pools_find(w->h->pools, t->addr) < 0 &&
			!add_candidate(w, t->addr, PM_FROM_OBJECT))
			return false;
	}
	begin_units(w);
	return true;
}

/* ---- the permanent generation: not in gc.get_objects() ---- */

static void uncount_tracked(struct pm_walk *w, pm_addr object)
{
	uint64_t type_addr;
	struct pm_heap *h = w->h;
	if (pm_layout_read(h->l, h->memory, object, h->l->f.object.type,
		    &type_addr, NULL) != PM_OK)
		return;
	const struct pm_type *t = pm_types_get(h->types, type_addr);
	if (t && t->is_type && t->id < h->nstats && h->stats[t->id].tracked)
		h->stats[t->id].tracked--;
}

/* Interpreters may share a collector. */
static void next_permanent_list(struct pm_walk *w)
{
	const struct pm_layout *l = w->h->l;
	pm_addr before = w->permanent_head, lists[PM_GC_LISTS];
	do {
		if (w->permanent_begun)
			pm_chain_next(&w->permanent_of);
		else
			w->permanent_of = pm_interpreters(l, w->h->memory);
		w->permanent_begun = true;
		if (!w->permanent_of.at) {
			w->phase = PHASE_DONE;
			return;
		}
		pm_layout_gc_lists(
			l, pm_layout_gc_state(l, w->permanent_of.at), lists);
		w->permanent_head = lists[PM_GC_PERMANENT];
	} while (!w->permanent_head || w->permanent_head == before);
	if (pm_layout_read(l, w->h->memory, w->permanent_head,
		    l->f.gc_head.next, &w->permanent, NULL) != PM_OK)
		w->permanent = 0;
}

static void walk_permanent(struct pm_walk *w)
{
	const struct pm_layout *l = w->h->l;
	if (!w->permanent_begun)
		next_permanent_list(w);
	for (unsigned n = 0; w->phase == PHASE_PERMANENT; n++) {
		if (n % 64 == 0 && pm_now() > w->team.deadline)
			return;
		pm_addr head = w->permanent & l->t.gc_next_mask;
		if (!head || head == w->permanent_head ||
			w->permanent_seen++ > MAX_PERMANENT) {
			next_permanent_list(w);
			continue;
		}
		uncount_tracked(w, head + l->t.gc_head_size);
		if (pm_layout_read(l, w->h->memory, head, l->f.gc_head.next,
			    &w->permanent, NULL) != PM_OK)
			w->permanent = 0;
	}
}

/* ---- merging ---- */

/* The live object of this block with that pre-header. */
static bool load_at(
	struct pm_heap *h, pm_addr block, uint32_t pre, struct pm_object *ret)
{
	const struct pm_layout *l = h->l;
	pm_addr at = block + h->pools->hook_pre + pre;
	uint64_t type;
	return pm_layout_read(l, h->memory, at, l->f.object.type, &type,
		       NULL) == PM_OK &&
	       pm_pools_may_hold_type(h->pools, l, type) &&
	       pm_object_load(&h->objects, at, ret, NULL) == PM_OK &&
	       ret->type->pre == pre &&
	       (!ret->type->gc || !pm_has(l->f.gc_head.refs) ||
		       pm_heap_gc_head_plausible(
			       l, pm_object_body(ret) - l->t.gc_head_size));
}

bool pm_heap_load_block(struct pm_heap *h, pm_addr block, struct pm_object *ret)
{
	int64_t found = pm_pools_find(h->pools, block);
	if (found < 0)
		return false;
	size_t pool = (size_t)found;
	uint64_t bit = pm_heap_bit(h, pool, block);
	if (h->is_object && h->is_object[bit / 64] >> bit % 64 & 1)
		return load_at(h, block, pm_heap_pre(h, pool, bit), ret);
	const struct pm_pres *pres = pm_heap_pres(h, pool);
	for (unsigned i = 0; i < pres->n; i++)
		if (load_at(h, block, pres->at[i], ret))
			return true;
	return false;
}

bool pm_heap_is_linked(struct pm_heap *h, const struct pm_object *x)
{
	const struct pm_layout *l = h->l;
	if (!pm_object_is_tracked(&h->objects, x))
		return false;
	if (l->t.gc_home == PM_GC_BITS)
		return true;
	uint32_t size = l->t.gc_head_size;
	return pm_gc_head_proved(
		l, h->memory, x->addr - size, pm_object_body(x) - size);
}

size_t pm_outside_from(const struct pm_outside *all, size_t n, pm_addr addr)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (all[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum pm_heap_place pm_heap_object_at(
	const struct pm_heap *h, pm_addr addr, size_t *ret)
{
	int64_t pool = pm_pools_find(h->pools, addr);
	pm_addr block =
		pool < 0 ? 0 : pm_pools_block(h->pools, (size_t)pool, addr);
	uint64_t bit = block ? pm_heap_bit(h, (size_t)pool, block) : 0;
	if (!block || !(h->is_object[bit / 64] >> bit % 64 & 1)) {
		/* Perhaps one inside of a C struct. */
		*ret = pm_outside_from(h->outside.data, h->outside.len, addr);
		return *ret < h->outside.len &&
				       h->outside.data[*ret].addr == addr
			       ? PM_HEAP_OUTSIDE
			       : PM_HEAP_NOWHERE;
	}
	*ret = bit;
	return addr == block + h->pools->hook_pre +
				       pm_heap_pre(h, (size_t)pool, bit)
		       ? PM_HEAP_INSIDE
		       : PM_HEAP_NOWHERE;
}

/* A block that looks like an object and that an object owns as a buffer.  An
   object that the collector's list really holds is one; else the owner, whose
   typed field leads here, is believed. */
static void settle(struct pm_heap *h, size_t pool, uint64_t bit)
{
	struct pm_object x;
	pm_addr block = pm_pools_bit_block(h->pools, pool, bit);
	h->conflicts++;
	if (!pm_heap_load_block(h, block, &x) || pm_heap_is_linked(h, &x)) {
		h->is_buffer[bit / 64] &= ~(UINT64_C(1) << bit % 64);
		return;
	}
	h->is_object[bit / 64] &= ~(UINT64_C(1) << bit % 64);
	h->blocks_objects--;
	struct pm_measure m;
	struct pm_type_stats *s = &h->stats[x.type->id];
	if (!s->count || pm_object_measure(&h->objects, &x, &m) == PM_CORRUPT)
		return;
	s->count--;
	s->size -= m.size;
	s->alloc -= pm_pools_class_size(h->pools, h->pools->pools[pool].szidx);
	if (pm_object_is_tracked(&h->objects, &x) && s->tracked)
		s->tracked--;
}

static void settle_all(struct pm_heap *h)
{
	for (size_t p = 0; p < h->pools->npools; p++) {
		size_t at, n = pm_pools_words(h->pools, p, &at);
		for (size_t end = at + n; at < end; at++) {
			uint64_t both = h->is_object[at] & h->is_buffer[at];
			while (both) {
				unsigned b = (unsigned)__builtin_ctzll(both);
				both &= both - 1;
				settle(h, p, at * 64 + b);
			}
			uint64_t stale = (uint64_t)__builtin_popcountll(
				h->is_dead[at] & h->is_buffer[at]);
			h->blocks_dead -= stale;
			h->bytes_dead -=
				stale * pm_pools_class_size(h->pools,
						h->pools->pools[p].szidx);
			h->blocks_buffers += (uint64_t)__builtin_popcountll(
				h->is_buffer[at]);
			h->bytes_unowned +=
				(uint64_t)__builtin_popcountll(
					h->is_buffer[at] | h->is_object[at]) *
				pm_pools_class_size(
					h->pools, h->pools->pools[p].szidx);
		}
	}
	h->blocks_unowned = h->blocks_used - h->blocks_objects -
			    h->blocks_buffers - h->blocks_dead;
	h->bytes_unowned = h->bytes_used - h->bytes_unowned - h->bytes_dead;
}

static int by_addr(const void *a, const void *b)
{
	const struct pm_outside *x = a, *y = b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int by_addr_and_owner(const void *a, const void *b)
{
	const struct pm_outside *x = a, *y = b;
	int order = by_addr(a, b);
	return order ? order : x->shared - y->shared;
}

/* By address; of one that is shared, the owner counts if there is one. */
static void settle_buffers(struct pm_heap *h)
{
	size_t n = 0;
	if (h->buffers.len)
		qsort(h->buffers.data, h->buffers.len, sizeof *h->buffers.data,
			by_addr_and_owner);
	pm_vec_each (b, &h->buffers)
		if (!n || h->buffers.data[n - 1].addr != b->addr)
			h->buffers.data[n++] = *b;
	h->buffers.len = n;
}

static enum pm_status merge(struct pm_walk *w, struct pm_error *err)
{
	struct pm_heap *h = w->h;
	uint32_t n = pm_types_count(h->types);
	free(h->stats);
	h->stats = calloc(n + 1, sizeof *h->stats);
	if (!h->stats)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	h->nstats = n;
	h->blocks_used = h->blocks_objects = h->blocks_dead = 0;
	h->bytes_used = h->bytes_dead = h->blocks_buffers = 0;
	h->bytes_unowned = h->conflicts = 0;
	h->unreadable = h->pools->bad_arenas;
	h->inconsistent = h->pools->bad_pools + h->freelists.broken;
	h->outside.len = h->buffers.len = 0;
	for (unsigned i = 0; i < w->nworkers; i++) {
		struct pm_worker *k = w->workers[i];
		for (size_t t = 0; t < k->stats.len && t < n; t++) {
			h->stats[t].count += k->stats.data[t].count;
			h->stats[t].size += k->stats.data[t].size;
			h->stats[t].alloc += k->stats.data[t].alloc;
			h->stats[t].tracked += k->stats.data[t].tracked;
			h->stats[t].outside += k->stats.data[t].outside;
			h->stats[t].fixed += k->stats.data[t].fixed;
		}
		h->blocks_used += k->blocks_used;
		h->blocks_objects += k->blocks_objects;
		h->blocks_dead += k->blocks_dead;
		h->bytes_used += k->bytes_used;
		h->bytes_dead += k->bytes_dead;
		h->unreadable += k->unreadable;
		h->inconsistent += k->inconsistent;
		pm_vec_each (o, &k->found)
			if (!pm_vec_push(&h->outside, *o))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		pm_vec_each (o, &k->owned)
			if (!pm_vec_push(&h->buffers, *o))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		if (i) {
			for (size_t b = 0; b < h->pools->nwords; b++)
				w->workers[0]->is_buffer[b] |= k->is_buffer[b];
		}
	}
	free(h->is_buffer);
	h->is_buffer = pm_take(w->workers[0]->is_buffer);
	if (h->outside.len)
		qsort(h->outside.data, h->outside.len, sizeof *h->outside.data,
			by_addr);
	settle_buffers(h);
	settle_all(h);
	return PM_OK;
}

static enum pm_status begin_rounds(struct pm_walk *w, struct pm_error *err)
{
	w->h->stacks.len = 0;
	pm_stream_large(w->workers[0]);
	pm_outside_roots(w->workers[0]);
	w->phase = PHASE_ROUNDS;
	if (!next_round(w))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

void pm_walk_progress(
	const struct pm_walk *w, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_team_progress(&w->team, ret_done, ret_total);
}

enum pm_status pm_walk_step(
	struct pm_walk *w, double seconds, bool *ret_done, struct pm_error *err)
{
	w->team.deadline = pm_now() + seconds;
	while (w->phase != PHASE_DONE && pm_now() < w->team.deadline) {
		if (w->phase == PHASE_PERMANENT) {
			walk_permanent(w);
			continue;
		}
		bool finished = pm_team_run(&w->team);
		for (unsigned i = 0; i < w->nworkers; i++)
			if (w->workers[i]->status != PM_OK)
				return pm_fail(err, w->workers[i]->status, 0,
					"out of memory while walking the heap");
		if (!finished)
			continue;
		if (w->phase == PHASE_ARENAS) {
			PM_TRY(begin_rounds(w, err));
			continue;
		}
		if (!next_round(w))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (w->team.total)
			continue;
		PM_TRY(merge(w, err));
		w->phase = PHASE_PERMANENT;
	}
	if (w->phase == PHASE_DONE)
		w->h->done = true;
	*ret_done = w->phase == PHASE_DONE;
	return PM_OK;
}
