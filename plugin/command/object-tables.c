/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/object-tables.h"
#include "heap/footprint.h"
#include "object/attributes.h"
#include "object/repr.h"
#include "object/shape.h"

#include <inttypes.h>
#include <string.h>

/* Values in a cell are short: the line is for a word. */
#define CELL_LIMIT 60

static bool is_mapped(struct pm_run *r, uint64_t v)
{
	return v > 0xffff && pm_target_find_map(r->session->target, v);
}

/* A word in words: a number, an address, the object that it refers to. */
static void put_meaning(
	struct pm_run *r, const struct pm_word *w, struct pm_strbuf *out)
{
	const struct pm_objects *o = &r->session->heap->objects;
	struct pm_object x;
	bool whole = w->width == o->l->t.word_size && !w->bits;
	double d;
	if (!w->readable) {
		pm_strbuf_puts(out, "unreadable");
		return;
	}
	switch (w->kind) {
	case PM_WORD_BYTES:
		break;
	case PM_WORD_REAL:
		memcpy(&d, &w->value, sizeof d);
		pm_strbuf_printf(out, "%.17g", d);
		break;
	case PM_WORD_OBJECT:
		if (!w->value)
			pm_strbuf_puts(out, "NULL");
		else if (w->value & 1)
			pm_strbuf_printf(
				out, "values at 0x%" PRIx64, w->value + 1);
		else
			pm_repr(o, w->value, CELL_LIMIT, out);
		break;
	case PM_WORD_GAP:
		if (!whole || !w->value)
			break;
		if (pm_object_load(o, w->value, &x, NULL) == PM_OK) {
			pm_strbuf_puts(out, "maybe ");
			pm_repr(o, w->value, CELL_LIMIT, out);
			break;
		}
		__attribute__((fallthrough));
	case PM_WORD_NUMBER:
		if (whole && is_mapped(r, w->value)) {
			const struct pm_type *t =
				pm_types_get(o->types, w->value);
			if (t && t->is_type)
				pm_strbuf_puts(out, t->name);
			break;
		}
		pm_strbuf_printf(out, "%" PRId64,
			whole && o->l->t.word_size == 4 ? (int32_t)w->value
							: (int64_t)w->value);
		break;
	}
}

static void put_raw(const struct pm_word *w, struct pm_strbuf *out)
{
	if (w->readable && w->width <= 8 && !(w->width & (w->width - 1)))
		pm_strbuf_printf(out, "0x%0*" PRIx64,
			w->bits ? 1 : (int)w->width * 2, w->value);
}

static void show_word(struct pm_run *r, const struct pm_word *w)
{
	pm_auto_strbuf raw = {0}, meaning = {0}, offset = {0};
	put_raw(w, &raw);
	put_meaning(r, w, &meaning);
	pm_strbuf_printf(&offset, "%+" PRId64, w->off);
	if (w->bits)
		pm_strbuf_printf(&offset, ":%u", w->bit);
	const char *name = w->kind == PM_WORD_GAP ? "(not known)" : w->name;
	const struct pm_cell cells[] = {
		{.text = pm_strbuf_text(&offset)},
		{.i = w->off},
		{.u = w->width},
		{.text = name},
		{.text = raw.len ? pm_strbuf_text(&raw) : NULL,
			.absent = !raw.len},
		{.text = pm_strbuf_text(&meaning)},
	};
	pm_emit_row(r->emit, cells, 0);
}

/* What the block has behind the object. */
static void show_rest(struct pm_run *r, const struct pm_object *x,
	const struct pm_measure *m, uint64_t block)
{
	uint64_t used = m->extent + x->type->pre;
	char lost[28];
	pm_emit_uint(r->emit, "lost", block > used ? block - used : 0);
	if (block > used)
		pm_emit_line(r->emit,
			"%s byte%s of its block of %" PRIu64
			" not used: the allocator's size class",
			pm_grouped(block - used, lost),
			block - used == 1 ? "" : "s", block);
	pm_emit_line(r->emit, "%s", "");
}

enum pm_status pm_show_fields(struct pm_run *r, const struct pm_object *x,
	const struct pm_measure *m, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{NULL, "OFFSET", PM_CELL_TEXT},
		{"offset", NULL, PM_CELL_INT},
		{"width", "WIDTH", PM_CELL_COUNT},
		{"name", "FIELD", PM_CELL_TEXT},
		{"raw", "WORD", PM_CELL_TEXT},
		{"meaning", "MEANING", PM_CELL_TEXT},
	};
	struct pm_heap *h = r->session->heap;
	struct pm_footprint f;
	pm_auto_shape s = {{0}};
	pm_footprint(h, x, m, &f);
	PM_TRY(pm_shape_of(
		&h->objects, x, m, f.place != PM_PLACE_STATIC, &s, err));
	/* A class or a long tuple has many; the limit is for rows of tables
	   that go on and on. */
	pm_emit_table(r->emit, "fields", columns, 6, 0);
	for (size_t i = 0; i < s.words.len; i++)
		show_word(r, &s.words.data[i]);
	pm_emit_table_end(r->emit);
	show_rest(r, x, m, f.place == PM_PLACE_STATIC ? 0 : f.block);
	return PM_OK;
}

/* "+24" inside the object; elsewhere the address. */
static void put_where(const struct pm_attr *v, struct pm_strbuf *out)
{
	pm_strbuf_puts(out, pm_attr_place_text(v->place));
	if (v->off)
		pm_strbuf_printf(out, " +%" PRIu64, v->off);
}

enum pm_status pm_show_attributes(struct pm_run *r, const struct pm_object *x)
{
	static const struct pm_column columns[] = {
		{"name", "ATTRIBUTE", PM_CELL_TEXT},
		{"where", NULL, PM_CELL_TEXT},
		{"offset", NULL, PM_CELL_COUNT},
		{NULL, "WHERE", PM_CELL_TEXT},
		{"at", NULL, PM_CELL_ADDR},
		{"addr", "ADDR", PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"repr", "VALUE", PM_CELL_TEXT},
	};
	const struct pm_objects *o = &r->session->heap->objects;
	struct pm_attrs a;
	struct pm_attr v;
	uint64_t n = 0;
	pm_attrs_start(o, x, &a);
	pm_emit_table(r->emit, "attributes", columns, 8, r->top);
	for (; pm_attrs_next(&a, &v); n++) {
		if (r->top && n >= r->top)
			continue;
		pm_auto_strbuf name = {0}, where = {0}, repr = {0};
		struct pm_object t;
		pm_attr_name(o, &v, &name);
		put_where(&v, &where);
		if (v.value)
			pm_repr(o, v.value, r->session->repr_limit, &repr);
		bool typed = v.value &&
			     pm_object_load(o, v.value, &t, NULL) == PM_OK;
		const struct pm_cell cells[] = {
			{.text = pm_strbuf_text(&name)},
			{.text = pm_attr_place_text(v.place)},
			{.u = v.off, .absent = !v.off},
			{.text = pm_strbuf_text(&where)},
			{.u = v.at},
			{.u = v.value, .absent = !v.value},
			{.text = typed ? t.type->name : NULL,
				.absent = !v.value},
			{.text = pm_strbuf_text(&repr), .absent = !v.value},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
	if (r->top && n > r->top)
		pm_emit_line(r->emit,
			"%" PRIu64 " more attributes (-all shows them)",
			n - r->top);
	if (n)
		pm_emit_line(r->emit, "%s", "");
	return a.status;
}

static const char *buffer_text(enum pm_buffer_kind k)
{
	switch (k) {
	case PM_BUFFER_RAW:
		return "data";
	case PM_BUFFER_ITEMS:
		return "items";
	case PM_BUFFER_KEYS:
		return "dict keys";
	case PM_BUFFER_VALUES:
		return "attribute values";
	case PM_BUFFER_SET:
		return "set table";
	case PM_BUFFER_DEQUE:
		return "deque blocks";
	case PM_BUFFER_NODES:
		break;
	}
	return "OrderedDict nodes";
}

void pm_show_buffers(struct pm_run *r, const struct pm_measure *m)
{
	static const struct pm_column columns[] = {
		{"addr", "BUFFER", PM_CELL_ADDR},
		{"what", "WHAT", PM_CELL_TEXT},
		{"blocks", "BLOCKS", PM_CELL_COUNT},
		{"bytes", "BYTES", PM_CELL_SIZE},
		{"alloc", "ALLOC", PM_CELL_SIZE},
		{"shared", "SHARED", PM_CELL_BOOL},
	};
	struct pm_heap *h = r->session->heap;
	pm_emit_table(r->emit, "buffers", columns, 6, 0);
	for (unsigned i = 0; i < m->nbuffers; i++) {
		const struct pm_buffer *b = &m->buffers[i];
		bool chain = b->kind == PM_BUFFER_DEQUE ||
			     b->kind == PM_BUFFER_NODES;
		uint64_t blocks = chain ? b->count : 1;
		const struct pm_cell cells[] = {
			{.u = b->addr},
			{.text = buffer_text(b->kind)},
			{.u = blocks},
			{.u = b->bytes * blocks, .absent = !b->bytes},
			{.u = pm_buffer_alloc(h, h->memory, b)},
			{.b = b->shared},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
	if (m->nbuffers)
		pm_emit_line(r->emit, "%s", "");
}
