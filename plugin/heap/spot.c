/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/spot.h"
#include "object/interior.h"

#include <inttypes.h>
#include <string.h>

#define INDEX(path) (offsetof(struct pm_fields, path) / sizeof(struct pm_field))

/* ---- in an arena ---- */

/* The type word of what a block held, whatever became of its first word. */
static const struct pm_type *guess_type(
	struct pm_heap *h, pm_addr block, uint64_t bytes)
{
	const struct pm_layout *l = h->l;
	int64_t pool = pm_pools_find(h->pools, block);
	if (pool < 0)
		return NULL;
	const struct pm_pres *pres = pm_heap_pres(h, (size_t)pool);
	for (unsigned i = 0; i < pres->n; i++) {
		uint64_t type = 0;
		if (pres->at[i] + l->f.object.sizeof_.off > bytes ||
			pm_layout_read(l, h->memory,
				block + h->pools->hook_pre + pres->at[i],
				l->f.object.type, &type, NULL) != PM_OK ||
			!pm_pools_may_hold_type(h->pools, l, type))
			continue;
		const struct pm_type *t = pm_types_get(h->types, type);
		if (t && t->is_type && t->pre == pres->at[i])
			return t;
	}
	return NULL;
}

static bool is_free(struct pm_heap *h, size_t pool, pm_addr block, bool *carved)
{
	bool unused;
	*carved = true;
	return pm_pools_ask_block(h->l, h->memory, h->pools, pool, block,
		       carved, &unused) &&
	       unused;
}

static bool is_held(struct pm_heap *h, pm_addr block, uint64_t bytes)
{
	const struct pm_freelists *f = &h->freelists;
	size_t i = pm_freelists_from(f, block);
	return i < f->held.len && f->held.data[i] - block < bytes;
}

static void take_owner(struct pm_heap *h, pm_addr owner, struct pm_spot *s)
{
	if (!owner || pm_object_load(&h->objects, owner, &s->x, NULL) != PM_OK)
		return;
	s->kind = PM_SPOT_BUFFER;
	s->has_buffer =
		pm_interior_buffer(&h->objects, &s->x, s->addr, s->start,
			s->start + s->bytes, &s->buffer) == PM_OK;
}

/* A block in use. */
static void take_block(struct pm_heap *h, size_t pool, struct pm_spot *s)
{
	bool object = true, buffer = false;
	s->kind = PM_SPOT_BLOCK;
	s->sure = h->done;
	if (h->done) {
		uint64_t bit = pm_heap_bit(h, pool, s->start);
		object = h->is_object[bit / 64] >> bit % 64 & 1;
		buffer = h->is_buffer[bit / 64] >> bit % 64 & 1;
	}
	if (object && pm_heap_load_block(h, s->start, &s->x)) {
		s->kind = PM_SPOT_OBJECT;
		s->sure = h->done || pm_heap_is_linked(h, &s->x);
		return;
	}
	if (buffer)
		take_owner(h, pm_heap_owner(h, pool, s->start), s);
	if (s->kind == PM_SPOT_BUFFER)
		return;
	const struct pm_type *t = guess_type(h, s->start, s->bytes);
	uint64_t count = 1;
	if (t &&
		pm_layout_read(h->l, h->memory,
			s->start + h->pools->hook_pre + t->pre,
			h->l->f.object.refcnt, &count, NULL) == PM_OK &&
		!count) {
		s->kind = PM_SPOT_DEAD_BLOCK;
		s->guess = t;
	}
}

static void in_used_pool(struct pm_heap *h, size_t pool, struct pm_spot *s)
{
	const struct pm_pools *p = h->pools;
	pm_addr block = pm_pools_block(p, pool, s->addr);
	bool carved;
	if (!block) {
		s->kind = PM_SPOT_POOL_REST;
		return;
	}
	bool unused = is_free(h, pool, block, &carved);
	if (!carved) {
		s->kind = PM_SPOT_POOL_REST;
		return;
	}
	s->start = block;
	s->bytes = pm_pools_class_size(p, p->pools[pool].szidx);
	if (unused || is_held(h, block, s->bytes)) {
		s->kind = unused ? PM_SPOT_FREE_BLOCK : PM_SPOT_HELD_BLOCK;
		s->guess = guess_type(h, block, s->bytes);
		return;
	}
	take_block(h, pool, s);
}

static bool in_arena(struct pm_heap *h, struct pm_spot *s)
{
	const struct pm_pools *p = h->pools;
	const struct pm_arena *a = pm_pools_arena(p, s->addr);
	if (!a)
		return false;
	s->arena = a - p->arenas.data;
	s->kind = PM_SPOT_ARENA;
	s->start = a->address;
	s->bytes = a->bytes;
	s->pool = pm_pools_find(p, s->addr);
	if (s->pool < 0)
		return true;
	s->start = pm_pools_address(p, (size_t)s->pool);
	s->bytes = pm_pools_bytes(p, (size_t)s->pool);
	switch ((enum pm_pool_state)p->pools[s->pool].state) {
	case PM_POOL_UNCARVED:
		s->kind = PM_SPOT_FRESH_POOL;
		break;
	case PM_POOL_FREE:
		s->kind = PM_SPOT_FREE_POOL;
		break;
	case PM_POOL_BAD:
		s->kind = PM_SPOT_BAD_POOL;
		break;
	case PM_POOL_USED:
		if (s->addr < pm_pools_first(p, (size_t)s->pool)) {
			s->kind = PM_SPOT_POOL_HEADER;
			s->bytes =
				pm_pools_first(p, (size_t)s->pool) - s->start;
		} else {
			in_used_pool(h, (size_t)s->pool, s);
		}
		break;
	}
	return true;
}

/* ---- outside of the arenas ---- */

/* The last of v that begins at or before addr, and begin those before. */
static size_t last_at(
	const struct pm_outside *v, size_t n, pm_addr addr, uint32_t slack)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (v[mid].addr <= addr + slack)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool in_outside_object(struct pm_heap *h, struct pm_spot *s)
{
	/* Words before an object belong to it. */
	size_t i = last_at(
		h->outside.data, h->outside.len, s->addr, PM_OBJECT_MAX_PRE);
	for (int tries = 0; i && tries < 8; i--, tries++) {
		const struct pm_outside *o = &h->outside.data[i - 1];
		const struct pm_type *t = pm_types_by_id(h->types, o->type_id);
		uint32_t pre = o->is_static || !t ? 0 : t->pre;
		if (s->addr < o->addr - pre || s->addr >= o->addr + o->bytes)
			continue;
		if (pm_object_load(&h->objects, o->addr, &s->x, NULL) != PM_OK)
			continue;
		s->kind = PM_SPOT_OBJECT;
		s->start = o->addr - pre;
		s->bytes = o->bytes + pre;
		return true;
	}
	return false;
}

static bool in_outside_buffer(struct pm_heap *h, struct pm_spot *s)
{
	size_t i = last_at(h->buffers.data, h->buffers.len, s->addr, 0);
	/* Several owners of one table stand side by side. */
	for (int tries = 0; i && tries < 8; i--, tries++) {
		const struct pm_outside *b = &h->buffers.data[i - 1];
		if (s->addr - b->addr >= b->bytes)
			continue;
		s->start = b->addr;
		s->bytes = b->bytes;
		take_owner(h, b->owner, s);
		if (s->kind == PM_SPOT_BUFFER)
			return true;
	}
	return false;
}

static bool in_arena_table(struct pm_heap *h, struct pm_spot *s)
{
	uint32_t size = h->l->f.arena.sizeof_.off;
	pm_vec_each (t, &h->pools->tables) {
		if (!size || s->addr - t->addr >= t->entries * size)
			continue;
		s->kind = PM_SPOT_ARENA_TABLE;
		s->number = (s->addr - t->addr) / size;
		s->start = t->addr + s->number * size;
		s->bytes = size;
		return true;
	}
	return false;
}

/* ---- the interpreter ---- */

static bool in_struct(struct pm_spot *s, pm_addr at, uint64_t bytes,
	enum pm_spot_kind kind, uint64_t number)
{
	if (!at || s->addr < at || s->addr - at >= bytes)
		return false;
	s->kind = kind;
	s->start = at;
	s->bytes = bytes;
	s->number = number;
	return true;
}

static bool in_interpreter(struct pm_heap *h, struct pm_spot *s)
{
	const struct pm_layout *l = h->l;
	uint64_t id = 0;
	pm_each_interpreter (i, l, h->memory) {
		pm_each_thread (t, l, h->memory, i.at) {
			if (pm_layout_read(l, h->memory, t.at,
				    l->f.thread.native_thread_id, &id,
				    NULL) != PM_OK)
				id = 0;
			if (in_struct(s, t.at, l->f.thread.sizeof_.off,
				    PM_SPOT_THREAD, id))
				return true;
		}
		if (pm_layout_read(l, h->memory, i.at, l->f.interp.id, &id,
			    NULL) != PM_OK)
			id = i.n;
		if (in_struct(s, i.at, l->f.interp.sizeof_.off,
			    PM_SPOT_INTERPRETER, id))
			return true;
	}
	return in_struct(s, l->at.runtime.addr, l->f.runtime.sizeof_.off,
		PM_SPOT_RUNTIME, 0);
}

struct frame_search {
	struct pm_heap *h;
	struct pm_spot *s;
};

static bool try_frame(void *arg, const struct pm_stack_frame *f)
{
	struct frame_search *x = arg;
	const struct pm_layout *l = x->h->l;
	uint64_t slots = 0;
	if (x->s->addr < f->iframe ||
		!pm_code_slots(l, &x->h->objects.resolver.r, f->code, &slots) ||
		!in_struct(x->s, f->iframe,
			l->f.iframe.localsplus.off + slots * l->t.word_size,
			PM_SPOT_FRAME, f->native_thread))
		return true;
	x->s->frame = *f;
	return false;
}

static bool in_frame(struct pm_heap *h, struct pm_spot *s)
{
	struct frame_search x = {h, s};
	/* Frames that can't be read hold nothing that is known. */
	if (pm_frames_each(&h->objects, try_frame, &x) != PM_OK)
		return s->kind == PM_SPOT_FRAME;
	return s->kind == PM_SPOT_FRAME;
}

/* ---- mappings ---- */

/* Whose stack a mapping is: pthread_self() of a thread is in it. */
static bool is_thread_stack(struct pm_heap *h, struct pm_spot *s)
{
	const struct pm_layout *l = h->l;
	uint64_t self = 0;
	pm_each_interpreter (i, l, h->memory)
		pm_each_thread (t, l, h->memory, i.at)
			if (pm_layout_read(l, h->memory, t.at,
				    l->f.thread.thread_id, &self,
				    NULL) == PM_OK &&
				self > s->addr && self >= s->mapping->start &&
				self < s->mapping->end) {
				s->number = self;
				return true;
			}
	return false;
}

static void in_mapping(struct pm_heap *h, struct pm_spot *s)
{
	const struct pm_mapping *m = s->mapping;
	s->kind = PM_SPOT_MAPPING;
	s->start = m->start;
	s->bytes = m->end - m->start;
	if (m->flags & PM_MAP_STACK)
		s->kind = PM_SPOT_STACK;
	else if (m->path && !(m->flags & (PM_MAP_HEAP | PM_MAP_SPECIAL)))
		s->kind = PM_SPOT_FILE;
	else if (!m->path && is_thread_stack(h, s))
		s->kind = PM_SPOT_STACK;
}

void pm_spot_find(struct pm_heap *h, pm_addr addr, struct pm_spot *ret)
{
	struct pm_spot *s = ret;
	*s = (struct pm_spot){
		.addr = addr, .sure = true, .pool = -1, .arena = -1};
	s->mapping = pm_target_find_map(h->target, addr);
	if (h->modules && pm_modules_at(h->modules, addr))
		(void)pm_modules_find_address(h->modules, addr, &s->module,
			&s->symbol, &s->symbol_offset);
	bool inside = in_arena(h, s);
	/* Large blocks of mimalloc are in its segments and in no pool. */
	if (inside && (s->pool >= 0 || !h->pools->pages))
		return;
	s->sure = h->done;
	if (in_outside_object(h, s) || in_outside_buffer(h, s) || inside)
		return;
	if (in_arena_table(h, s) || in_interpreter(h, s) || in_frame(h, s)) {
		s->sure = true;
		return;
	}
	if (s->symbol) {
		s->kind = PM_SPOT_SYMBOL;
		s->start = addr - s->symbol_offset;
	} else if (s->mapping) {
		in_mapping(h, s);
	}
}

/* Not when words in a block look like objects at two places, and nothing yet
   tells which it is. */
static bool excludes(struct pm_heap *h, const struct pm_spot *s)
{
	struct pm_object x;
	switch (s->kind) {
	case PM_SPOT_OBJECT:
		if (s->x.addr == s->addr)
			return false;
		break;
	case PM_SPOT_BLOCK:
		break;
	case PM_SPOT_BUFFER:
	case PM_SPOT_FREE_BLOCK:
	case PM_SPOT_HELD_BLOCK:
	case PM_SPOT_POOL_HEADER:
	case PM_SPOT_POOL_REST:
	case PM_SPOT_FREE_POOL:
	case PM_SPOT_FRESH_POOL:
		return true;
	default:
		return false;
	}
	return s->sure || s->pool < 0 ||
	       pm_object_load(&h->objects, s->addr, &x, NULL) != PM_OK ||
	       s->addr != s->start + h->pools->hook_pre + x.type->pre;
}

enum pm_status pm_spot_object(struct pm_heap *h, pm_addr addr,
	struct pm_object *ret, struct pm_error *err)
{
	struct pm_spot s;
	pm_auto_strbuf what = {0};
	PM_TRY(pm_heap_pools(h, err));
	PM_TRY(pm_heap_freelists(h, err));
	pm_spot_find(h, addr, &s);
	if (!excludes(h, &s))
		return pm_object_load(&h->objects, addr, ret, err);
	pm_spot_describe(h, &s, &what);
	if (s.kind == PM_SPOT_OBJECT || s.kind == PM_SPOT_BUFFER)
		return pm_fail(err, PM_CORRUPT, addr,
			"no object at 0x%" PRIx64
			": %s of the %s at 0x%" PRIx64,
			addr, pm_strbuf_text(&what), s.x.type->name, s.x.addr);
	return pm_fail(err, PM_CORRUPT, addr, "no object at 0x%" PRIx64 ": %s",
		addr, pm_strbuf_text(&what));
}

void pm_spot_claim(struct pm_heap *h, const struct pm_object *owner,
	const struct pm_buffer *b, struct pm_spot *s)
{
	if (s->pool < 0) {
		s->start = b->addr;
		s->bytes = b->bytes;
	}
	take_owner(h, owner->addr, s);
	s->sure = s->kind == PM_SPOT_BUFFER;
}

void pm_spot_take_chunk(const struct pm_malloc *m, struct pm_spot *s)
{
	if (s->arena >= 0 || s->symbol ||
		!pm_malloc_find(m, s->addr, &s->chunk))
		return;
	s->has_chunk = true;
	if (s->kind != PM_SPOT_MAPPING && s->kind != PM_SPOT_STACK)
		return;
	s->kind = PM_SPOT_CHUNK;
	s->sure = true;
	s->start = s->chunk.addr;
	s->bytes = s->chunk.bytes;
}
