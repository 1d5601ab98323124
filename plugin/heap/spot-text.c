/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words for what lives at an address. */
#include "heap/spot.h"
#include "object/interior.h"

#include <inttypes.h>
#include <string.h>

#define INDEX(path) (offsetof(struct pm_fields, path) / sizeof(struct pm_field))

const char *pm_spot_kind_text(enum pm_spot_kind kind)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PM_SPOTS(X)
#undef X
	};
	return texts[kind];
}

static void put_guess(const struct pm_spot *s, struct pm_strbuf *out)
{
	if (s->guess)
		pm_strbuf_printf(
			out, "; it last held a %s (a guess)", s->guess->name);
}

/* ", name" or ", +0x18". */
static void put_field(struct pm_heap *h, const struct pm_spot *s, size_t index,
	struct pm_strbuf *out)
{
	uint64_t off = s->addr - s->start;
	pm_strbuf_puts(out, ", ");
	if (!pm_interior_field(h->l, index, off, out))
		pm_strbuf_printf(out, "+0x%" PRIx64, off);
}

struct local_at {
	pm_addr word;
	const struct pm_objects *o;
	struct pm_strbuf *out;
	bool found;
};

static bool try_local(void *arg, const struct pm_ref *ref)
{
	struct local_at *x = arg;
	if (ref->at != x->word)
		return true;
	x->found = true;
	pm_ref_describe(x->o, NULL, ref, x->out);
	return false;
}

static void put_frame(
	struct pm_heap *h, const struct pm_spot *s, struct pm_strbuf *out)
{
	struct local_at x = {
		s->addr - s->addr % h->l->t.word_size, &h->objects, out, false};
	if (pm_refs_of_frame(&h->objects, s->start, try_local, &x) != PM_OK ||
		!x.found) {
		size_t before = out->len;
		uint64_t off = s->addr - s->start;
		uint64_t at = h->l->f.iframe.localsplus.off;
		if (off >= at)
			pm_strbuf_printf(out, "unused place %" PRIu64,
				(off - at) / h->l->t.word_size);
		else if (!pm_interior_field(
				 h->l, INDEX(iframe.sizeof_), off, out))
			pm_strbuf_truncate(out, before);
		if (out->len == before)
			pm_strbuf_printf(out, "+0x%" PRIx64, off);
	}
	pm_strbuf_puts(out, " of the frame of ");
	pm_frame_describe(&h->objects, &s->frame, out);
	if (s->number)
		pm_strbuf_printf(out, ", thread %" PRIu64, s->number);
}

static void put_path(const char *path, struct pm_strbuf *out)
{
	const char *base = basename(path);
	pm_strbuf_escaped(out, base, strlen(base));
}

static void put_mapping(const struct pm_spot *s, struct pm_strbuf *out)
{
	const struct pm_mapping *m = s->mapping;
	const char *of = m->flags & PM_MAP_HEAP ? "malloc's heap"
			 : m->path		? NULL
						: "anonymous memory";
	if (of)
		pm_strbuf_puts(out, of);
	else
		put_path(m->path, out);
	if (!(m->flags & PM_MAP_SPECIAL) && of)
		pm_strbuf_puts(out, s->sure ? ", not of an object" : "");
}

static void put_inside(
	struct pm_heap *h, const struct pm_spot *s, struct pm_strbuf *out)
{
	struct pm_measure m = {0};
	uint64_t off = s->addr - s->x.addr;
	if (s->addr >= s->x.addr && off >= (uint64_t)s->x.type->basicsize &&
		pm_object_measure(&h->objects, &s->x, &m) == PM_OK &&
		off >= m.extent)
		pm_strbuf_puts(out, "room behind it");
	else
		pm_interior_describe(&h->objects, &s->x, NULL, s->addr, out);
}

static void put_block(struct pm_heap *h, const struct pm_spot *s,
	const char *what, struct pm_strbuf *out)
{
	(void)h;
	pm_strbuf_printf(out, "%s of %" PRIu64 " bytes", what, s->bytes);
	put_guess(s, out);
}

static void put_pool(
	struct pm_heap *h, const struct pm_spot *s, struct pm_strbuf *out)
{
	const struct pm_pools *p = h->pools;
	switch (s->kind) {
	case PM_SPOT_POOL_HEADER:
		pm_strbuf_printf(out, "header of a pool of blocks of %u bytes",
			pm_pools_class_size(p, p->pools[s->pool].szidx));
		put_field(h, s, INDEX(pool.sizeof_), out);
		return;
	case PM_SPOT_POOL_REST:
		pm_strbuf_printf(out,
			"room in a pool of blocks of %u bytes, not handed out "
			"yet",
			pm_pools_class_size(p, p->pools[s->pool].szidx));
		return;
	case PM_SPOT_FREE_POOL:
		pm_strbuf_puts(out, "free pool");
		return;
	case PM_SPOT_FRESH_POOL:
		pm_strbuf_puts(out, "pool that was never used");
		return;
	case PM_SPOT_BAD_POOL:
		pm_strbuf_puts(out, "pool whose header makes no sense");
		return;
	default:
		pm_strbuf_puts(out, "edge of an arena, outside of its pools");
		return;
	}
}

void pm_spot_describe(
	struct pm_heap *h, const struct pm_spot *s, struct pm_strbuf *out)
{
	switch (s->kind) {
	case PM_SPOT_NOTHING:
		pm_strbuf_puts(out, "not mapped");
		return;
	case PM_SPOT_OBJECT:
		put_inside(h, s, out);
		return;
	case PM_SPOT_BUFFER:
		if (s->has_buffer)
			pm_interior_describe(
				&h->objects, &s->x, &s->buffer, s->addr, out);
		else
			pm_strbuf_puts(out, "data");
		return;
	case PM_SPOT_FREE_BLOCK:
		put_block(h, s, "free block", out);
		return;
	case PM_SPOT_HELD_BLOCK:
		put_block(h, s, "block on a free list,", out);
		return;
	case PM_SPOT_DEAD_BLOCK:
		put_block(h, s, "dead object's block", out);
		return;
	case PM_SPOT_BLOCK:
		put_block(h, s, s->sure ? "block of C code" : "block in use,",
			out);
		return;
	case PM_SPOT_POOL_HEADER:
	case PM_SPOT_POOL_REST:
	case PM_SPOT_FREE_POOL:
	case PM_SPOT_FRESH_POOL:
	case PM_SPOT_BAD_POOL:
	case PM_SPOT_ARENA:
		put_pool(h, s, out);
		return;
	case PM_SPOT_ARENA_TABLE:
		pm_strbuf_printf(
			out, "entry %" PRIu64 " of the arena table", s->number);
		put_field(h, s, INDEX(arena.sizeof_), out);
		return;
	case PM_SPOT_RUNTIME:
		pm_strbuf_puts(out, "_PyRuntime");
		put_field(h, s, INDEX(runtime.sizeof_), out);
		return;
	case PM_SPOT_INTERPRETER:
		pm_strbuf_printf(
			out, "state of interpreter %" PRIu64, s->number);
		put_field(h, s, INDEX(interp.sizeof_), out);
		return;
	case PM_SPOT_THREAD:
		pm_strbuf_printf(out, "state of thread %" PRIu64, s->number);
		put_field(h, s, INDEX(thread.sizeof_), out);
		return;
	case PM_SPOT_FRAME:
		put_frame(h, s, out);
		return;
	case PM_SPOT_SYMBOL:
		pm_strbuf_escaped(out, s->symbol, strlen(s->symbol));
		if (s->symbol_offset)
			pm_strbuf_printf(out, " +0x%" PRIx64, s->symbol_offset);
		pm_strbuf_puts(out, " in ");
		put_path(s->module->path, out);
		return;
	case PM_SPOT_STACK:
		pm_strbuf_puts(out, "stack of a thread");
		return;
	case PM_SPOT_CHUNK:
		pm_strbuf_printf(out, "malloc chunk of %" PRIu64 " bytes, %s",
			s->bytes, pm_malloc_state_text(s->chunk.state));
		return;
	case PM_SPOT_FILE:
	case PM_SPOT_MAPPING:
		put_mapping(s, out);
		return;
	}
}
