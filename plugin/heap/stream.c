/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The arenas, block by block.  This is the path that runs at memory speed:
   sequential reads, one look at the header, tables that stay in cache. */
#include "heap/walk-internal.h"

#include <string.h>

#define LOWEST_POINTER 0x10000

static inline uint64_t load_word(const struct pm_worker *k, const void *p)
{
	if (__builtin_expect(k->plain_words, 1)) {
		uint64_t v;
		memcpy(&v, p, 8);
		return v;
	}
	return pm_load(p, k->h->l->t.word_size, k->h->l->t.big_endian);
}

static inline size_t hash_addr(pm_addr a, unsigned bits)
{
	return (size_t)((a >> 3) * 0x9E3779B97F4A7C15u >> (64 - bits));
}

static __attribute__((noinline)) const struct pm_type *ask_type(
	struct pm_worker *k, struct pm_type_cache_entry *e, pm_addr addr)
{
	if (!pm_pools_may_hold_type(k->h->pools, k->h->l, addr))
		return NULL;
	const struct pm_type *t = pm_types_get(k->h->types, addr);
	if (!t) {
		k->status = PM_NOMEM;
		return NULL;
	}
	e->addr = addr;
	e->type = t->is_type ? t : NULL;
	return e->type;
}

/* The type at addr, or NULL: nearly always answered from the cache, or by the
   shape of the address. */
static inline const struct pm_type *type_at(struct pm_worker *k, pm_addr addr)
{
	if (addr & k->odd || addr < LOWEST_POINTER || addr >> 48 ||
		(!k->types_inside && pm_pools_inside(k->h->pools, addr)))
		return NULL;
	struct pm_type_cache_entry *e = &k->type_cache[hash_addr(addr, 10)];
	return e->addr == addr ? e->type : ask_type(k, e, addr);
}

static __attribute__((noinline)) struct pm_type_stats *grow_stats(
	struct pm_worker *k, const struct pm_type *t)
{
	if (!pm_vec_reserve(&k->stats, t->id + 64)) {
		k->status = PM_NOMEM;
		return &k->lost;
	}
	memset(k->stats.data + k->stats.len, 0,
		(k->stats.cap - k->stats.len) * sizeof *k->stats.data);
	k->stats.len = k->stats.cap;
	return &k->stats.data[t->id];
}

static inline struct pm_type_stats *stats_at(
	struct pm_worker *k, const struct pm_type *t)
{
	return t->id < k->stats.len ? &k->stats.data[t->id] : grow_stats(k, t);
}

struct pm_type_stats *pm_worker_stats(
	struct pm_worker *k, const struct pm_type *t)
{
	return stats_at(k, t);
}

static __attribute__((noinline)) void add_candidate(
	struct pm_worker *k, pm_addr addr, enum pm_candidate_from from)
{
	pm_addr *recent = &k->recent[hash_addr(addr, 12)];
	if (*recent == addr || pm_pools_find(k->h->pools, addr) >= 0)
		return;
	*recent = addr;
	bool added;
	if (!pm_map_put(&k->seen, addr, &added)) {
		k->status = PM_NOMEM;
		return;
	}
	if (added &&
		!pm_vec_push(&k->candidates, (struct pm_candidate){addr, from}))
		k->status = PM_NOMEM;
}

static inline void follow(
	struct pm_worker *k, pm_addr addr, enum pm_candidate_from from)
{
	if (addr < LOWEST_POINTER || addr & k->odd || addr >> 48 ||
		pm_pools_inside(k->h->pools, addr))
		return;
	add_candidate(k, addr, from);
}

void pm_worker_candidate(
	struct pm_worker *k, pm_addr addr, enum pm_candidate_from from)
{
	follow(k, addr, from);
}

/* Threads may meet at a pool, and at a table that several dicts share: then
   its class is the owner, or any of them where that has another one by now. */
static void set_owner(struct pm_worker *k, size_t pool, pm_addr block,
	pm_addr owner, bool shared)
{
	const struct pm_pools *p = k->h->pools;
	pm_addr **at = &k->h->owners[pool];
	pm_addr *owners = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	if (__builtin_expect(!owners, 0)) {
		owners = calloc(pm_pools_room(p, pool), sizeof *owners);
		pm_addr *before = NULL;
		if (!owners) {
			k->status = PM_NOMEM;
			return;
		}
		if (!__atomic_compare_exchange_n(at, &before, owners, false,
			    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			free(owners);
			owners = before;
		}
	}
	uint32_t i = pm_pools_index(p, pool, block);
	pm_addr none = 0;
	if (!shared)
		__atomic_store_n(&owners[i], owner, __ATOMIC_RELAXED);
	else
		__atomic_compare_exchange_n(&owners[i], &none, owner, false,
			__ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void pm_worker_buffer(struct pm_worker *k, const struct pm_buffer *b,
	pm_addr owner, const struct pm_type *t)
{
	const struct pm_pools *p = k->h->pools;
	/* The pointer may be inside the block; hooks go before it. */
	int64_t pool = pm_pools_find(p, b->addr);
	if (pool < 0) {
		if (!pm_vec_push(&k->buffers,
			    (struct pm_outside_buffer){*b, owner, t->id}))
			k->status = PM_NOMEM;
		return;
	}
	pm_addr block = pm_pools_block(p, (size_t)pool, b->addr);
	if (!block) {
		k->inconsistent++;
		return;
	}
	uint64_t bit = pm_heap_bit(k->h, (size_t)pool, block);
	set_owner(k, (size_t)pool, block, owner, b->shared);
	k->is_buffer[bit / 64] |= UINT64_C(1) << bit % 64;
	if (!b->shared)
		stats_at(k, t)->alloc +=
			pm_pools_class_size(p, p->pools[pool].szidx);
	k->inconsistent +=
		b->bytes > pm_pools_class_size(p, p->pools[pool].szidx);
	/* Chains and nodes: each link is a block of its own. */
	if (b->kind == PM_BUFFER_NODES || b->kind == PM_BUFFER_DEQUE)
		if (!pm_vec_push(&k->buffers,
			    (struct pm_outside_buffer){*b, owner, t->id}))
			k->status = PM_NOMEM;
}

/* One used block under inspection. */
struct block {
	const unsigned char *data; /* behind the debug hook */
	uint32_t room;		   /* data bytes */
	pm_addr addr;		   /* of data */
	uint32_t class_size;
};

/* In a program at a fixed place, addresses of static objects and of the C heap
   are small enough to be refcounts: [0, int] as items would look like an int,
   and a struct of C code that refers to its state and to a type like an object
   of that type.  So many references, at such an address: only the collector's
   list proves it, which exact tuples and dicts may leave. */
#define LEAST_STATIC 0x10000

static bool refcnt_is_pointer(struct pm_worker *k, const struct pm_type *t,
	uint64_t rc, pm_addr addr, const unsigned char *obj)
{
	const struct pm_layout *l = k->h->l;
	uint32_t head = l->t.gc_head_size;
	uint64_t type;
	if (rc % l->t.word_size || rc >= UINT64_C(1) << 31 ||
		pm_layout_read(l, k->memory, rc, l->f.object.type, &type,
			NULL) != PM_OK)
		return false;
	if (type_at(k, type))
		return true;
	return t->gc && head && t->kind != PM_KIND_TUPLE &&
	       t->kind != PM_KIND_DICT &&
	       !pm_gc_head_proved(l, k->memory, addr - head, obj - head);
}

/* What the header at data + pre says: a type that wants just this pre-header,
   and a live refcount. */
static inline const struct pm_type *try_header(struct pm_worker *k,
	const struct block *b, uint32_t pre, bool *ret_dead)
{
	const struct pm_layout *l = k->h->l;
	if (pre + l->f.object.sizeof_.off > b->room)
		return NULL;
	const unsigned char *obj = b->data + pre;
	const struct pm_type *t =
		type_at(k, load_word(k, obj + l->f.object.type.off));
	if (!t || t->pre != pre)
		return NULL;
	if (l->t.refcnt_form == PM_REFCNT_BIASED) {
		/* What lives in a page of mimalloc is known: no more proof. */
		bool immortal;
		uint64_t sum = pm_refcnt_word(l, obj, &immortal);
		*ret_dead = sum == 0;
		return pm_refcnt_plausible(l, sum) ? t : NULL;
	}
	uint64_t rc = load_word(k, obj + l->f.object.refcnt.off);
	if (t->gc && l->t.gc_head_size &&
		!pm_heap_gc_head_plausible(l, obj - l->t.gc_head_size))
		return NULL;
	if (!pm_refcnt_plausible(l, rc)) {
		*ret_dead = rc == 0;
		return NULL;
	}
	if (__builtin_expect(rc >= LEAST_STATIC, 0) &&
		refcnt_is_pointer(k, t, rc, b->addr + pre, obj))
		return NULL;
	return t;
}

static inline void follow_slots(struct pm_worker *k, const struct block *b,
	const struct pm_type *t, uint32_t pre)
{
	const unsigned char *obj = b->data + pre;
	unsigned ws = k->h->l->t.word_size;
	uint32_t words = (b->room - pre) / ws;
	uint64_t mask = t->slot_mask;
	if (words < 64)
		mask &= (UINT64_C(1) << words) - 1;
	while (mask) {
		unsigned i = (unsigned)__builtin_ctzll(mask);
		mask &= mask - 1;
		follow(k, load_word(k, obj + i * ws), PM_FROM_OBJECT);
	}
}

static void follow_words(struct pm_worker *k, const unsigned char *p,
	uint64_t n, enum pm_candidate_from from)
{
	unsigned ws = k->h->l->t.word_size;
	for (uint64_t i = 0; i < n; i++)
		follow(k, load_word(k, p + i * ws), from);
}

/* Attributes kept in the object, generator frames, tuple items, small tables
   of dicts, and slots that the mask has no room for: all words behind the
   header that can lead out. */
static void follow_rest(struct pm_worker *k, const struct block *b,
	const struct pm_type *t, uint32_t pre, uint64_t extent)
{
	const struct pm_layout *l = k->h->l;
	unsigned ws = l->t.word_size;
	uint64_t from = 0;
	if (t->kind == PM_KIND_TUPLE)
		from = l->f.tuple.item.off;
	else if (t->kind == PM_KIND_GEN || t->kind == PM_KIND_FRAME ||
		 t->kind == PM_KIND_SET || t->kind == PM_KIND_HAMT ||
		 t->inline_values || t->slots_beyond)
		from = l->f.object.sizeof_.off;
	else if (t->kind == PM_KIND_DICT && pm_has(l->f.dict.smalltable) &&
		 pm_get(l, b->data + pre, l->f.dict.table) ==
			 b->addr + pre + l->f.dict.smalltable.off)
		from = l->f.dict.smalltable.off; /* the table in use (2.7) */
	else
		return;
	uint64_t end = pre + extent < b->room ? pre + extent : b->room;
	if (pre + from < end)
		follow_words(k, b->data + pre + from, (end - pre - from) / ws,
			PM_FROM_OBJECT);
}

static void follow_gc(struct pm_worker *k, const struct block *b,
	const struct pm_type *t, uint32_t pre, struct pm_type_stats *s)
{
	const struct pm_layout *l = k->h->l;
	if (l->t.gc_home == PM_GC_BITS)
		s->tracked += t->gc && pm_gc_bits_listed(l, b->data + pre);
	if (!t->gc || !l->t.gc_head_size)
		return;
	const unsigned char *head = b->data + pre - l->t.gc_head_size;
	uint64_t next =
		load_word(k, head + l->f.gc_head.next.off) & l->t.gc_next_mask;
	if (!next || !pm_gc_head_linked(l, head))
		return;
	s->tracked++;
	if (pm_pools_find(k->h->pools, next) < 0)
		follow(k, next + l->t.gc_head_size, PM_FROM_GC_LINK);
}

/* Instances with a managed dict: the pointer before the object. */
static void follow_managed(struct pm_worker *k, const unsigned char *obj)
{
	unsigned ws = k->h->l->t.word_size;
	bool last = k->h->l->t.managed_dict == PM_MANAGED_FT;
	uint64_t dict = load_word(k, obj - (last ? 1 : 3) * ws);
	if (!(dict & 1))
		follow(k, dict, PM_FROM_OBJECT);
}

/* Is it in one of the collector's lists, or are its bits of one that is? */
static bool is_listed(struct pm_worker *k, const struct block *b, uint32_t pre)
{
	const struct pm_layout *l = k->h->l;
	uint32_t size = l->t.gc_head_size;
	if (!size)
		return l->t.gc_home == PM_GC_BITS &&
		       pm_gc_bits_listed(l, b->data + pre);
	return pm_gc_head_proved(
		l, k->memory, b->addr + pre - size, b->data + pre - size);
}

static bool take_object(struct pm_worker *k, const struct block *b,
	const struct pm_type *t, uint32_t pre)
{
	const struct pm_layout *l = k->h->l;
	struct pm_measure m;
	const unsigned char *obj = b->data + pre;
	enum pm_status st = pm_measure(
		l, t, b->addr + pre, obj, b->room - pre, &k->resolver, &m);
	if (st == PM_CORRUPT || m.extent > b->room - pre) {
		/* No object; unless the collector has it in a list. */
		k->inconsistent += t->gc && is_listed(k, b, pre);
		return false;
	}
	if (st != PM_OK)
		k->unreadable++;
	struct pm_type_stats *s = stats_at(k, t);
	s->count++;
	s->size += m.size;
	s->alloc += b->class_size;
	k->pool_types |= pm_heap_type_bit(t);
	follow_gc(k, b, t, pre, s);
	for (unsigned i = 0; i < m.nbuffers; i++)
		pm_worker_buffer(k, &m.buffers[i], b->addr + pre, t);
	follow_slots(k, b, t, pre);
	follow_rest(k, b, t, pre, m.extent);
	if (t->managed_dict)
		follow_managed(k, obj);
	return true;
}

static void one_block(
	struct pm_worker *k, const struct block *b, size_t pool, pm_addr start)
{
	const struct pm_layout *l = k->h->l;
	const struct pm_pres *pres = pm_heap_pres(k->h, pool);
	bool dead = false;
	for (unsigned i = 0; i < pres->n; i++) {
		const struct pm_type *t = try_header(k, b, pres->at[i], &dead);
		if (dead) {
			/* Held by a free list, or being deallocated; or what
			   is left of one in a buffer (the bytes before
			   values, 3.11): so its words are looked at. */
			uint64_t at = pm_heap_bit(k->h, pool, start);
			k->h->is_dead[at / 64] |= UINT64_C(1) << at % 64;
			k->blocks_dead++;
			k->bytes_dead += b->class_size;
			break;
		}
		if (!t || !take_object(k, b, t, pres->at[i]))
			continue;
		uint64_t bit = pm_heap_bit(k->h, pool, start);
		k->h->is_object[bit / 64] |= UINT64_C(1) << bit % 64;
		k->h->pre_low[bit / 64] |= (uint64_t)(i & 1) << bit % 64;
		k->h->pre_high[bit / 64] |= (uint64_t)(i >> 1) << bit % 64;
		k->blocks_objects++;
		return;
	}
	/* Like what malloc gives out elsewhere: tables of the interpreter. */
	if (pm_pools_use(k->h->pools, pool) == PM_USE_RAW)
		return;
	/* A buffer, or something of C code: what it refers to may be known by
	   it alone. */
	follow_words(k, b->data, b->room / l->t.word_size, PM_FROM_GUESS);
}

/* Blocks that free lists hold are in use, but not by objects: counts them and
   marks them as free. */
static void set_held_aside(struct pm_worker *k, size_t i, pm_addr first,
	pm_addr end, unsigned n, uint64_t free_bits[static PM_POOL_BLOCK_WORDS])
{
	const struct pm_pools *p = k->h->pools;
	const struct pm_freelists *f = &k->h->freelists;
	uint32_t size = pm_pools_class_size(p, p->pools[i].szidx);
	for (size_t j = pm_freelists_from(f, first);
		j < f->held.len && f->held.data[j] < end; j++) {
		uint64_t b = (f->held.data[j] - first) / size;
		if (b >= n || free_bits[b / 64] >> b % 64 & 1)
			continue;
		free_bits[b / 64] |= UINT64_C(1) << b % 64;
		k->blocks_used++;
		k->bytes_used += size;
		k->blocks_dead++;
		k->bytes_dead += size;
	}
}

static void one_pool(
	struct pm_worker *k, size_t i, pm_addr addr, const unsigned char *bytes)
{
	const struct pm_pools *p = k->h->pools;
	uint64_t free_bits[PM_POOL_BLOCK_WORDS];
	bool torn;
	unsigned n =
		pm_pools_free_blocks(k->h->l, p, i, bytes, free_bits, &torn);
	if (torn)
		k->inconsistent++;
	uint32_t size = pm_pools_class_size(p, p->pools[i].szidx);
	uint32_t hooks = p->hook_pre + p->hook_post;
	if (size <= hooks)
		return;
	uint32_t header = (uint32_t)(pm_pools_first(p, i) - addr);
	if (k->h->freelists.held.len)
		set_held_aside(k, i, addr + header, addr + pm_pools_bytes(p, i),
			n, free_bits);
	k->pool_types = 0;
	for (unsigned b = 0; b < n; b++) {
		if (free_bits[b / 64] >> b % 64 & 1)
			continue;
		uint32_t off = header + b * size;
		struct block x = {bytes + off + p->hook_pre, size - hooks,
			addr + off + p->hook_pre, size};
		__builtin_prefetch(x.data + 4 * size);
		k->blocks_used++;
		k->bytes_used += size;
		one_block(k, &x, i, addr + off);
	}
	k->h->pool_types[i] = k->pool_types;
}

/* What lives in the large blocks of mimalloc is found as all that is outside
   the pools. */
void pm_stream_large(struct pm_worker *k)
{
	const struct pm_pools *p = k->h->pools;
	pm_vec_each (x, &p->large) {
		if (!x->in_use || x->use == PM_USE_MEMORY ||
			x->use == PM_USE_RAW || x->use == PM_USE_ANY)
			continue;
		unsigned pre = x->use == PM_USE_PREHEADERS
				       ? 2 * k->h->l->t.word_size
				       : 0;
		pm_worker_candidate(
			k, x->addr + p->hook_pre + pre, PM_FROM_OBJECT);
	}
}

void pm_stream_run(struct pm_worker *k, size_t index)
{
	const struct pm_pools *p = k->h->pools;
	const struct pm_run_of_pools *r = &p->runs.data[index];
	size_t len = r->bytes;
	const unsigned char *bytes = pm_target_view(k->h->target, r->addr, len);
	size_t got = len;
	if (!bytes) {
		got = pm_target_read_some(k->h->target, r->addr, k->chunk, len);
		bytes = k->chunk;
	}
	for (size_t i = r->pool0; i < (size_t)r->pool0 + r->npools; i++) {
		if (p->pools[i].state != PM_POOL_USED)
			continue;
		pm_addr addr = pm_pools_address(p, i);
		size_t off = (size_t)(addr - r->addr);
		size_t size = pm_pools_bytes(p, i);
		if (off + size > got) {
			/* A hole: try the pool by itself. */
			if (bytes != k->chunk ||
				pm_target_read_some(k->h->target, addr,
					k->chunk + off, size) < size) {
				k->unreadable++;
				continue;
			}
		}
		one_pool(k, i, addr, bytes + off);
	}
}
