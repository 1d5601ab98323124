/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-whatis: what lives at an address. */
#include "command/mallocing.h"
#include "command/spots.h"
#include "command/walking.h"

#include <inttypes.h>
#include <string.h>

struct whatis {
	struct pm_walking walking;
	bool walked;
	struct pm_spot spot;
	struct pm_mallocing malloc;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct whatis *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_walking_start(&st->walking, r, err);
}

static bool is_mapping(const struct pm_spot *s)
{
	return s->mapping && s->start == s->mapping->start && s->arena < 0;
}

static void show_block(struct pm_run *r, const struct pm_spot *s)
{
	struct pm_emit *e = r->emit;
	if (!s->bytes || is_mapping(s)) {
		pm_emit_null(e, "within");
		return;
	}
	pm_emit_line(e,
		"within   0x%" PRIx64 ", %" PRIu64
		" bytes; this is +0x%" PRIx64,
		s->start, s->bytes, s->addr - s->start);
	pm_emit_open_object(e, "within");
	pm_emit_addr(e, "addr", s->start);
	pm_emit_uint(e, "bytes", s->bytes);
	pm_emit_close(e);
}

static void show_pool(struct pm_run *r, const struct pm_spot *s)
{
	struct pm_emit *e = r->emit;
	const struct pm_pools *p = r->session->heap->pools;
	if (s->pool < 0) {
		pm_emit_null(e, "pool");
		return;
	}
	const struct pm_pool *pool = &p->pools[s->pool];
	bool used = pool->state == PM_POOL_USED;
	pm_addr at = pm_pools_address(p, (size_t)s->pool);
	uint32_t size = pm_pools_class_size(p, pool->szidx);
	uint32_t room = used ? pm_pools_room(p, (size_t)s->pool) : 0;
	if (used)
		pm_emit_line(e,
			"pool     0x%" PRIx64
			", blocks of %u bytes, %u of %u in use",
			at, size, pool->used, room);
	else
		pm_emit_line(e, "pool     0x%" PRIx64, at);
	pm_emit_open_object(e, "pool");
	pm_emit_addr(e, "addr", at);
	if (used) {
		pm_emit_uint(e, "block_size", size);
		pm_emit_uint(e, "blocks_used", pool->used);
		pm_emit_uint(e, "blocks", room);
	}
	pm_emit_close(e);
}

static void show_arena(struct pm_run *r, const struct pm_spot *s)
{
	struct pm_emit *e = r->emit;
	if (s->arena < 0) {
		pm_emit_null(e, "arena");
		return;
	}
	const struct pm_arena *a =
		&r->session->heap->pools->arenas.data[s->arena];
	pm_emit_line(e, "arena    0x%" PRIx64 ", %u pools, %u of them free",
		a->address, a->npools, a->nfree);
	pm_emit_addr(e, "arena", a->address);
}

static void show_chunk(struct pm_run *r, const struct pm_spot *s)
{
	struct pm_emit *e = r->emit;
	const struct pm_malloc *m = r->session->malloc;
	if (!s->has_chunk) {
		pm_emit_null(e, "malloc");
		return;
	}
	size_t arena = m->regions.data[s->chunk.region].arena;
	bool mapped = s->chunk.mapped;
	pm_emit_line(e,
		"malloc   0x%" PRIx64 ", chunk of %" PRIu64 " bytes, %s%s",
		s->chunk.addr, s->chunk.bytes,
		pm_malloc_state_text(s->chunk.state),
		mapped	 ? ", a mapping of its own"
		: !arena ? ", main arena"
			 : ", arena of threads");
	pm_emit_open_object(e, "malloc");
	pm_emit_addr(e, "addr", s->chunk.addr);
	pm_emit_uint(e, "bytes", s->chunk.bytes);
	pm_emit_text(e, "state", pm_malloc_state_text(s->chunk.state));
	pm_emit_bool(e, "mapped", mapped);
	if (mapped)
		pm_emit_null(e, "arena");
	else
		pm_emit_addr(e, "arena", m->arenas.data[arena].addr);
	pm_emit_close(e);
}

static void show_mapping(struct pm_run *r, const struct pm_mapping *m)
{
	struct pm_emit *e = r->emit;
	pm_auto_strbuf path = {0};
	if (!m) {
		pm_emit_null(e, "mapping");
		return;
	}
	char perms[4] = {m->flags & PM_MAP_READ ? 'r' : '-',
		m->flags & PM_MAP_WRITE ? 'w' : '-',
		m->flags & PM_MAP_EXEC ? 'x' : '-', '\0'};
	const char *name = m->path		     ? m->path
			   : m->flags & PM_MAP_HEAP  ? "[heap]"
			   : m->flags & PM_MAP_STACK ? "[stack]"
						     : NULL;
	if (name)
		pm_strbuf_escaped(&path, name, strlen(name));
	pm_emit_line(e, "mapping  0x%" PRIx64 "-0x%" PRIx64 " %s %s%s",
		m->start, m->end, perms,
		name ? pm_strbuf_text(&path) : "anonymous",
		m->flags & PM_MAP_ABSENT ? ", not in the core" : "");
	pm_emit_open_object(e, "mapping");
	pm_emit_addr(e, "start", m->start);
	pm_emit_addr(e, "end", m->end);
	pm_emit_text(e, "access", perms);
	pm_emit_text(e, "path", name ? pm_strbuf_text(&path) : NULL);
	pm_emit_close(e);
}

static void show_symbol(struct pm_run *r, const struct pm_spot *s)
{
	struct pm_emit *e = r->emit;
	pm_auto_strbuf name = {0};
	if (!s->symbol) {
		pm_emit_null(e, "symbol");
		return;
	}
	pm_strbuf_escaped(&name, s->symbol, strlen(s->symbol));
	pm_emit_line(e, "symbol   %s +0x%" PRIx64, pm_strbuf_text(&name),
		s->symbol_offset);
	pm_emit_text(e, "symbol", pm_strbuf_text(&name));
	pm_emit_uint(e, "symbol_offset", s->symbol_offset);
}

/* What is in Python's arenas or a file's is none of malloc's. */
static bool may_be_chunk(const struct pm_spot *s)
{
	return s->mapping && s->arena < 0 && !s->symbol &&
	       s->kind != PM_SPOT_FILE;
}

static enum pm_status find_spot(struct whatis *st, struct pm_run *r,
	bool *ret_done, struct pm_error *err)
{
	*ret_done = false;
	if (!st->walked) {
		PM_TRY(pm_walking_step(&st->walking, r, &st->walked, err));
		if (st->walked)
			pm_spot_find(r->session->heap, r->addr, &st->spot);
		return PM_OK;
	}
	if (may_be_chunk(&st->spot))
		return pm_mallocing_step(&st->malloc, r, ret_done, err);
	*ret_done = true;
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct whatis *st = r->state;
	struct pm_spot *s = &st->spot;
	PM_TRY(find_spot(st, r, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	if (r->session->malloc && may_be_chunk(s))
		pm_spot_take_chunk(r->session->malloc, s);
	pm_spots_table(r, 0, false);
	pm_spots_row(r, s, NULL);
	pm_emit_table_end(r->emit);
	show_block(r, s);
	show_pool(r, s);
	show_arena(r, s);
	show_chunk(r, s);
	show_mapping(r, s->mapping);
	show_symbol(r, s);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct whatis *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_mallocing_finish(&st->malloc);
	free(st);
	r->state = NULL;
}

const struct pm_command pm_command_whatis = {
	.name = "py-whatis",
	.group = PM_GROUP_OBJECT,
	.summary = "Tell what lives at an address, interior pointers included.",
	.flags = PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_ADDR,
	.operand_help = "ADDR is any address: a GDB expression such as $rdi, "
			"$sp or $py1+8.",
	.doc = "WHERE names the place: a field, slot, item, key or character "
	       "of "
	       "the object that the memory belongs to, also when it lies in "
	       "a buffer or table that the object owns.  Memory of no object "
	       "is "
	       "called what it is: a free block and what type it last held (a "
	       "guess, from what is left of it), a block that C code uses, "
	       "parts of pymalloc, of the interpreter's and a thread's state, "
	       "a place in a Python frame, a symbol of a file, a stack, a "
	       "mapping.  Block, pool, arena, chunk of malloc, mapping and "
	       "symbol follow.\n"
	       "Of the C library's malloc (glibc's) each chunk is known, in "
	       "use or free in a list, a fast bin or a thread's cache, "
	       "without symbols or code run in the program.\n"
	       "$py1 is the object.  -json calls the block or structure around "
	       "the address \"within\".",
	.examples = "py-whatis $rdi  # what a register points to, or into\n"
		    "py-whatis 0x7ffff6a01c48  # an address of a crash "
		    "report",
	.start = start,
	.step = step,
	.finish = finish,
};
