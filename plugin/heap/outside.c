/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is not in pymalloc arenas: objects over 512 bytes, static ones, and
   buffers over 512 bytes. */
#include "heap/footprint.h"
#include "heap/walk-internal.h"
#include "object/refs.h"
#include "object/threads.h"

#include <string.h>

#define SCAN_CHUNK (256 * 1024)
#define MAX_LINKS (UINT64_C(1) << 28)
#define MAX_STATE_BYTES (4u << 20)
#define MAX_CHUNKS 100000
#define MAX_NEIGHBOURS 100000

static bool is_static_address(const struct pm_worker *k, pm_addr addr)
{
	return k->h->modules && pm_modules_at(k->h->modules, addr) != NULL;
}

static bool add_ref(void *arg, const struct pm_ref *ref)
{
	pm_worker_candidate(arg, ref->target, PM_FROM_OBJECT);
	return true;
}

/* Is an object that the collector tracks on the list of an interpreter that
   does not count?  Of its neighbours in the list the next one in an arena, or
   the head of the list, tells. */
static bool is_foreign(struct pm_worker *k, const struct pm_object *x)
{
	const struct pm_heap *h = k->h;
	const struct pm_layout *l = h->l;
	if (!l->all_interpreters || l->t.gc_home != PM_GC_IN_INTERP ||
		!pm_object_is_tracked(&k->o, x))
		return false;
	pm_addr head = x->addr - l->t.gc_head_size;
	for (unsigned i = 0; i < MAX_NEIGHBOURS; i++) {
		uint64_t next;
		if (pm_layout_read(l, k->memory, head, l->f.gc_head.next, &next,
			    NULL) != PM_OK)
			return false;
		head = next & l->t.gc_next_mask;
		if (pm_pools_find(h->pools, head) >= 0 ||
			head - l->at.interp_head.addr < l->f.interp.sizeof_.off)
			return false;
		if (pm_pools_foreign(h->pools, head))
			return true;
	}
	return false;
}

static bool is_in_stack(const struct pm_heap *h, pm_addr addr)
{
	pm_vec_each (s, &h->stacks)
		if (addr >= s->start && addr < s->end)
			return true;
	return false;
}

static void follow_memory(struct pm_worker *k, const struct pm_object *x);

/* Where malloc gave out everything, words of C code lead to freed objects, too.
   One that the collector's list proves is alive; instances of classes all are
   on it. */
static bool may_be_freed(struct pm_worker *k, const struct pm_object *x)
{
	const struct pm_layout *l = k->h->l;
	uint32_t size = l->t.gc_head_size;
	if (k->h->pools->arenas.len || k->h->pools->pages || !x->type->gc ||
		!size || x->type->kind == PM_KIND_TYPE)
		return false;
	if (!pm_object_is_tracked(&k->o, x))
		return x->type->heap;
	return !pm_gc_head_proved(
		l, k->memory, x->addr - size, pm_object_body(x) - size);
}

void pm_outside_object(struct pm_worker *k, const struct pm_candidate *c)
{
	const struct pm_layout *l = k->h->l;
	const struct pm_pools *p = k->h->pools;
	struct pm_object x;
	if (pm_freelists_hold(&k->h->freelists, c->addr) ||
		is_in_stack(k->h, c->addr) ||
		pm_object_load(&k->o, c->addr, &x, NULL) != PM_OK)
		return;
	bool fixed = is_static_address(k, c->addr);
	if (!fixed && is_foreign(k, &x))
		return;
	/* All that is allocated is in mimalloc's segments: memory of C code
	   that looks like an object. */
	if (!fixed && c->from == PM_FROM_GUESS && p->pages &&
		l->t.obmalloc_home == PM_OBMALLOC_MIMALLOC &&
		!pm_pools_large(p, c->addr))
		return;
	if (!fixed && c->from == PM_FROM_GUESS && may_be_freed(k, &x))
		return;
	/* Found by a guess, and the collector's head before it is none: chance,
	   or freed memory. */
	if (!fixed && x.type->gc && l->t.gc_head_size &&
		x.type->kind != PM_KIND_TYPE) {
		const unsigned char *head =
			pm_object_body(&x) - l->t.gc_head_size;
		uint64_t next =
			pm_get(l, head, l->f.gc_head.next) & l->t.gc_next_mask;
		if (next && next < 0x10000)
			return;
	}
	struct pm_measure m;
	enum pm_status s = pm_object_measure(&k->o, &x, &m);
	if (s == PM_CORRUPT) {
		if (c->from != PM_FROM_GUESS)
			k->inconsistent++;
		return;
	}
	if (s != PM_OK)
		k->unreadable++;
	struct pm_type_stats *st = pm_worker_stats(k, x.type);
	st->count++;
	st->outside++;
	st->fixed += fixed;
	st->size += m.size;
	if (!fixed && x.type->in_blocks)
		st->alloc += m.extent;
	else if (!fixed)
		st->alloc += pm_block_size(k->h, k->memory,
			c->addr - x.type->pre, m.extent + x.type->pre);
	if (pm_object_is_tracked(&k->o, &x))
		st->tracked++;
	if (x.type->gc && l->t.gc_head_size && !fixed) {
		uint64_t next =
			pm_get(l, pm_object_body(&x) - l->t.gc_head_size,
				l->f.gc_head.next) &
			l->t.gc_next_mask;
		if (next)
			pm_worker_candidate(
				k, next + l->t.gc_head_size, PM_FROM_GC_LINK);
	}
	for (unsigned i = 0; i < m.nbuffers; i++)
		pm_worker_buffer(k, &m.buffers[i], c->addr, x.type);
	if (pm_refs_each(&k->o, &x, add_ref, k) != PM_OK)
		k->unreadable++;
	pm_worker_candidate(k, x.type->addr, PM_FROM_OBJECT);
	if (!k->h->pools->arenas.len)
		follow_memory(k, &x);
	if (!pm_vec_push(&k->found, (struct pm_outside){c->addr, m.extent, 0,
					    x.type->id, 0, fixed, false}))
		k->status = PM_NOMEM;
}

/* Every word of [addr, addr + bytes) that may lead out. */
static void scan_words(struct pm_worker *k, pm_addr addr, uint64_t bytes,
	enum pm_candidate_from from)
{
	const struct pm_layout *l = k->h->l;
	unsigned ws = l->t.word_size;
	while (bytes >= ws) {
		size_t n = bytes < SCAN_CHUNK ? (size_t)bytes : SCAN_CHUNK;
		size_t got =
			pm_target_read_some(k->h->target, addr, k->chunk, n);
		for (size_t i = 0; i + ws <= got; i += ws)
			pm_worker_candidate(k,
				pm_load(k->chunk + i, ws, l->t.big_endian),
				from);
		if (got < n) {
			k->unreadable++;
			return;
		}
		addr += n;
		bytes -= n;
	}
}

/* How much of an allocation of unknown size is looked at: what glibc says
   before it, when that makes sense. */
static uint64_t malloc_room(struct pm_worker *k, pm_addr addr)
{
	unsigned ws = k->h->l->t.word_size;
	uint64_t size = 0;
	bool mapped;
	if (!pm_malloc_chunk(k->memory, ws, addr, &size, &mapped))
		return 0;
	return size > ws && size < MAX_STATE_BYTES / 16 ? size - ws : 8 * ws;
}

/* Where there are no pools to look through: what only memory of C code leads
   to, the state of a module, and what a code object keeps for who asks. */
static void follow_memory(struct pm_worker *k, const struct pm_object *x)
{
	const struct pm_fields *f = &k->h->l->f;
	const unsigned char *body = pm_object_body(x);
	bool module = x->type->kind == PM_KIND_MODULE;
	if (!module && x->type->kind != PM_KIND_CODE)
		return;
	if (module && pm_has(f->module.def))
		pm_worker_candidate(
			k, pm_get(k->h->l, body, f->module.def), PM_FROM_GUESS);
	pm_addr at = pm_get(
		k->h->l, body, module ? f->module.state : f->code.cached);
	if (at && !is_static_address(k, at))
		scan_words(k, at, malloc_room(k, at), PM_FROM_GUESS);
}

static void credit(struct pm_worker *k, const struct pm_outside_buffer *b,
	const struct pm_type *t, pm_addr addr, uint64_t bytes)
{
	struct pm_heap *h = k->h;
	bool values = b->b.kind == PM_BUFFER_VALUES;
	if ((!bytes && !values) || is_static_address(k, addr))
		return;
	if (values && !b->b.shared)
		pm_worker_stats(k, t)->alloc +=
			pm_values_size(h, k->memory, addr, bytes);
	if (!bytes)
		return;
	if (!pm_vec_push(&k->owned,
		    (struct pm_outside){addr, bytes, b->owner, b->type_id,
			    (uint8_t)b->b.kind, false, b->b.shared}))
		k->status = PM_NOMEM;
	if (b->b.shared || values)
		return;
	pm_worker_stats(k, t)->alloc +=
		pm_block_size(h, k->memory, addr, bytes);
}

/* Blocks of a deque, nodes of an OrderedDict: each link is looked at. */
static void scan_chain(struct pm_worker *k, const struct pm_outside_buffer *b,
	const struct pm_type *t)
{
	const struct pm_layout *l = k->h->l;
	const struct pm_pools *p = k->h->pools;
	unsigned ws = l->t.word_size;
	bool deque = b->b.kind == PM_BUFFER_DEQUE;
	uint64_t next_at =
		deque ? pm_deque_next_at(l) : l->f.odict_node.next.off;
	uint64_t back_at = l->t.deque_links_behind ? next_at + ws : 0;
	uint64_t links = b->b.count;
	pm_addr at = b->b.addr;
	unsigned char link[66 * 8];
	if (b->b.bytes > sizeof link)
		return;
	for (uint64_t i = 0; at && i < links && i < MAX_LINKS; i++) {
		if (pm_memory_read(k->memory, at, link, b->b.bytes, NULL) !=
			PM_OK) {
			k->unreadable++;
			return;
		}
		struct pm_buffer one = {
			at, b->b.bytes, 0, PM_BUFFER_RAW, false};
		if (pm_pools_find(p, at) < 0)
			credit(k, b, t, at, b->b.bytes);
		else if (i)
			pm_worker_buffer(k, &one, b->owner, t);
		for (uint64_t j = 0; j + ws <= b->b.bytes; j += ws)
			if (j != next_at && (!deque || j != back_at))
				pm_worker_candidate(k,
					pm_load(link + j, ws, l->t.big_endian),
					deque ? PM_FROM_GUESS : PM_FROM_OBJECT);
		at = pm_load(link + next_at, ws, l->t.big_endian);
	}
}

void pm_outside_scan(struct pm_worker *k, const struct pm_outside_buffer *b)
{
	const struct pm_type *t = pm_types_by_id(k->h->types, b->type_id);
	if (!t)
		return;
	switch ((enum pm_buffer_kind)b->b.kind) {
	case PM_BUFFER_DEQUE:
	case PM_BUFFER_NODES:
		scan_chain(k, b, t);
		return;
	case PM_BUFFER_RAW:
		credit(k, b, t, b->b.addr, b->b.bytes);
		return;
	case PM_BUFFER_ITEMS:
		credit(k, b, t, b->b.addr, b->b.bytes);
		scan_words(k, b->b.addr, b->b.count * k->h->l->t.word_size,
			PM_FROM_OBJECT);
		return;
	case PM_BUFFER_KEYS:
	case PM_BUFFER_VALUES:
	case PM_BUFFER_SET:
		credit(k, b, t, b->b.addr, b->b.bytes);
		scan_words(k, b->b.addr, b->b.bytes, PM_FROM_OBJECT);
		return;
	}
}

/* Python stacks (3.11 and later keep frames outside of objects). */
static void scan_datastack(struct pm_worker *k, pm_addr thread)
{
	const struct pm_layout *l = k->h->l;
	uint64_t chunk = 0, top = 0, size = 0;
	if (pm_layout_read(l, k->memory, thread, l->f.thread.datastack_chunk,
		    &chunk, NULL) != PM_OK)
		return;
	for (int i = 0; chunk && i < MAX_CHUNKS; i++) {
		if (pm_layout_read(l, k->memory, chunk, l->f.stack_chunk.size,
			    &size, NULL) != PM_OK ||
			size > 1u << 30)
			return;
		if (!pm_vec_push(&k->h->stacks,
			    (struct pm_memory_range){chunk, chunk + size}))
			k->status = PM_NOMEM;
		scan_words(k, chunk + l->f.stack_chunk.data.off,
			size > l->f.stack_chunk.data.off
				? size - l->f.stack_chunk.data.off
				: 0,
			PM_FROM_GUESS);
		if (pm_layout_read(l, k->memory, chunk,
			    l->f.stack_chunk.previous, &top, NULL) != PM_OK)
			return;
		chunk = top;
	}
}

/* The collector's lists: from their heads every tracked object is reached,
   also those that nothing but C code refers to. */
static void follow_gc_lists(struct pm_worker *k, pm_addr gc)
{
	const struct pm_layout *l = k->h->l;
	pm_addr heads[PM_GC_LISTS];
	pm_layout_gc_lists(l, gc, heads);
	for (unsigned i = 0; i < PM_GC_LISTS; i++) {
		uint64_t next;
		if (!heads[i] ||
			pm_layout_read(l, k->memory, heads[i],
				l->f.gc_head.next, &next, NULL) != PM_OK)
			continue;
		next &= l->t.gc_next_mask;
		if (next != heads[i])
			pm_worker_candidate(
				k, next + l->t.gc_head_size, PM_FROM_GC_LINK);
	}
}

static uint64_t bounded(uint32_t bytes)
{
	return bytes < MAX_STATE_BYTES ? bytes : MAX_STATE_BYTES;
}

/* Ints and floats of 2.7 lie in allocations of their own, and some of them are
   known to variables only; so is anything where there are no pools to look
   through. */
static void scan_variables(struct pm_worker *k, const struct pm_module *in)
{
	bool all = !k->h->pools->arenas.len;
	const struct pm_layout *l = k->h->l;
	unsigned ws = l->t.word_size;
	for (pm_addr at = in->data_start; at < in->data_end; at += SCAN_CHUNK) {
		size_t n = in->data_end - at < SCAN_CHUNK
				   ? (size_t)(in->data_end - at)
				   : SCAN_CHUNK;
		size_t got = pm_target_read_some(k->h->target, at, k->chunk, n);
		for (size_t i = 0; i + ws <= got; i += ws) {
			uint64_t type = 0;
			pm_addr p = pm_load(k->chunk + i, ws, l->t.big_endian);
			if (p % ws || p < SCAN_CHUNK ||
				pm_layout_read(l, k->memory, p,
					l->f.object.type, &type, NULL) != PM_OK)
				continue;
			const struct pm_type *t =
				pm_types_get(k->h->types, type);
			if (t && t->is_type && t->in_blocks)
				pm_worker_candidate(k, p, PM_FROM_OBJECT);
			else if (all && t && t->is_type &&
				 !is_static_address(k, p))
				pm_worker_candidate(k, p, PM_FROM_GUESS);
		}
	}
}

void pm_outside_roots(struct pm_worker *k)
{
	const struct pm_layout *l = k->h->l;
	/* The types that every interpreter has are objects that C holds. */
	pm_worker_candidate(k, l->at.type_type.addr, PM_FROM_OBJECT);
	pm_worker_candidate(k, l->at.object_type.addr, PM_FROM_OBJECT);
	pm_worker_candidate(k, l->at.none.addr, PM_FROM_OBJECT);
	if ((l->t.int_form == PM_INT_TWO_TYPES || !k->h->pools->arenas.len) &&
		k->h->modules)
		pm_vec_each (module, &k->h->modules->list)
			scan_variables(k, module);
	pm_addr gc, followed = 0;
	struct pm_chain i = pm_interpreters(l, k->memory);
	for (; i.at; pm_chain_next(&i)) {
		gc = pm_layout_gc_state(l, i.at);
		if (gc && gc != followed)
			follow_gc_lists(k, gc);
		followed = gc;
		scan_words(k, i.at, bounded(l->f.interp.sizeof_.off),
			PM_FROM_GUESS);
		struct pm_chain t = pm_threads_of(l, k->memory, i.at);
		for (; t.at; pm_chain_next(&t)) {
			scan_words(k, t.at, bounded(l->f.thread.sizeof_.off),
				PM_FROM_GUESS);
			scan_datastack(k, t.at);
		}
		k->unreadable += t.status != PM_OK;
	}
	k->unreadable += i.status != PM_OK;
}
