/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-type: what one class is, and what an instance of it costs. */
#include "command/walking.h"
#include "object/attributes.h"
#include "object/class.h"

#include <inttypes.h>
#include <string.h>

struct type_state {
	struct pm_walking walking;
};

static const struct pm_type_stats *stats_of(
	const struct pm_heap *h, const struct pm_type *t)
{
	static const struct pm_type_stats none = {0};
	return t->id < h->nstats ? &h->stats[t->id] : &none;
}

/* ---- several classes: a list ---- */

static void show_list(struct pm_run *r, size_t n)
{
	static const struct pm_column columns[] = {
		{"type", "TYPE", PM_CELL_TEXT},
		{"addr", "ADDR", PM_CELL_ADDR},
		{"basicsize", "BASICSIZE", PM_CELL_COUNT},
		{"instances", "INSTANCES", PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_SIZE},
		{"alloc", "ALLOC", PM_CELL_SIZE},
	};
	struct pm_heap *h = r->session->heap;
	uint32_t all = pm_types_count(h->types);
	pm_emit_table(r->emit, "rows", columns, 6, r->top);
	for (uint32_t i = 0; i < all; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		if (!t || !pm_type_matches(t->name, r->operand))
			continue;
		const struct pm_type_stats *s = stats_of(h, t);
		const struct pm_cell cells[] = {
			{.text = t->name},
			{.u = t->addr},
			{.u = (uint64_t)t->basicsize},
			{.u = s->count},
			{.u = s->size},
			{.u = s->alloc},
		};
		pm_emit_row(r->emit, cells, t->addr);
	}
	pm_emit_table_end(r->emit);
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "types", n);
	pm_emit_close(r->emit);
}

/* ---- one class ---- */

static const char *name_at(struct pm_run *r, pm_addr addr)
{
	const struct pm_type *t = pm_types_get(r->session->heap->types, addr);
	return t && t->is_type ? t->name : "?";
}

static void show_mro(struct pm_run *r, const struct pm_type *t)
{
	const struct pm_objects *o = &r->session->heap->objects;
	pm_auto_strbuf line = {0};
	pm_addr base;
	pm_emit_open_array(r->emit, "mro");
	for (uint64_t i = 0; (base = pm_class_mro(o, t, i)); i++) {
		pm_strbuf_printf(
			&line, "%s%s", i ? ", " : "", name_at(r, base));
		pm_emit_open_object(r->emit, NULL);
		pm_emit_text(r->emit, "type", name_at(r, base));
		pm_emit_addr(r->emit, "addr", base);
		pm_emit_close(r->emit);
	}
	pm_emit_close(r->emit);
	pm_emit_line(r->emit, "mro        %s", pm_strbuf_text(&line));
}

static void show_flags(struct pm_run *r, const struct pm_type *t)
{
	pm_auto_strbuf line = {0};
	const char *word;
	unsigned pos = 0;
	pm_emit_uint(r->emit, "flags", t->flags);
	pm_emit_open_array(r->emit, "flag_words");
	while ((word = pm_class_flag(r->session->layout, t->flags, &pos))) {
		pm_strbuf_printf(&line, "%s%s", line.len ? ", " : "", word);
		pm_emit_text(r->emit, NULL, word);
	}
	pm_emit_close(r->emit);
	pm_emit_line(r->emit, "flags      0x%" PRIx64 ": %s", t->flags,
		pm_strbuf_text(&line));
}

static void show_sizes(struct pm_run *r, const struct pm_type *t)
{
	struct pm_emit *e = r->emit;
	const struct pm_type_stats *s = stats_of(r->session->heap, t);
	char n[28], size[28], alloc[28];
	pm_emit_line(e,
		"sizes      basicsize %" PRId64 ", itemsize %" PRId64
		", dictoffset %" PRId64 ", weaklistoffset %" PRId64,
		t->basicsize, t->itemsize, t->dictoffset, t->weaklistoffset);
	pm_emit_int(e, "basicsize", t->basicsize);
	pm_emit_int(e, "itemsize", t->itemsize);
	pm_emit_int(e, "dictoffset", t->dictoffset);
	pm_emit_int(e, "weaklistoffset", t->weaklistoffset);
	pm_emit_line(e,
		"instances  %s, %s bytes as sys.getsizeof%s, %s bytes set "
		"aside",
		pm_grouped(s->count, n), pm_grouped(s->size, size),
		t->exact_size ? "" : " (its own __sizeof__ may add to that)",
		pm_grouped(s->alloc, alloc));
	pm_emit_uint(e, "instances", s->count);
	pm_emit_uint(e, "size", s->size);
	pm_emit_bool(e, "size_exact", t->exact_size);
	pm_emit_uint(e, "alloc", s->alloc);
}

struct subclasses {
	struct pm_run *r;
	struct pm_strbuf line;
	uint64_t n;
};

static void subclasses_deinit(struct subclasses *s)
{
	pm_strbuf_deinit(&s->line);
}

static void show_subclass(void *arg, pm_addr addr)
{
	struct subclasses *s = arg;
	struct pm_run *r = s->r;
	s->n++;
	if (r->top && s->n > r->top)
		return;
	pm_strbuf_printf(
		&s->line, "%s%s", s->n > 1 ? ", " : "", name_at(r, addr));
	pm_emit_open_object(r->emit, NULL);
	pm_emit_text(r->emit, "type", name_at(r, addr));
	pm_emit_addr(r->emit, "addr", addr);
	pm_emit_close(r->emit);
}

static enum pm_status show_subclasses(struct pm_run *r, const struct pm_type *t)
{
	PM_CLEANUP(subclasses_deinit) struct subclasses s = {.r = r};
	pm_emit_open_array(r->emit, "subclasses");
	enum pm_status status = pm_class_subclasses(
		&r->session->heap->objects, t, show_subclass, &s);
	pm_emit_close(r->emit);
	pm_emit_uint(r->emit, "subclass_count", s.n);
	pm_emit_line(r->emit, "subclasses %" PRIu64 "%s%s%s", s.n,
		s.n ? ": " : "", pm_strbuf_text(&s.line),
		r->top && s.n > r->top ? ", ... (-all shows all)" : "");
	return status;
}

/* ---- where the bytes of an instance come from ---- */

static void cost(struct pm_run *r, int64_t off, uint64_t width,
	const char *what, const struct pm_type *from)
{
	char offset[24];
	snprintf(offset, sizeof offset, "%+" PRId64, off);
	const struct pm_cell cells[] = {
		{.text = offset},
		{.i = off},
		{.u = width},
		{.text = what},
		{.text = from ? from->name : NULL, .absent = !from},
	};
	pm_emit_row(r->emit, cells, 0);
}

static void show_pre(struct pm_run *r, const struct pm_type *t)
{
	const struct pm_objects *o = &r->session->heap->objects;
	const struct pm_layout *l = o->l;
	int64_t ws = l->t.word_size, head = t->gc ? l->t.gc_head_size : 0;
	if ((int64_t)t->pre > head) {
		const struct pm_type *dict =
			t->managed_dict ? pm_class_giver(o, t, PM_GIFT_DICT)
					: NULL;
		const struct pm_type *weak =
			t->managed_weakref
				? pm_class_giver(o, t, PM_GIFT_WEAKREF)
				: NULL;
		bool pair = l->t.managed_dict == PM_MANAGED_PAIR;
		cost(r, -(int64_t)t->pre, (uint64_t)ws,
			pair   ? "attribute values"
			: weak ? "weak references"
			       : "(for weak references, not used)",
			pair ? dict : weak);
		cost(r, -(int64_t)t->pre + ws, (uint64_t)ws,
			dict ? "__dict__" : "(for a dict, not used)", dict);
	}
	if (head)
		cost(r, -head, (uint64_t)head, "links of the collector",
			pm_class_giver(o, t, PM_GIFT_GC));
}

static void show_slots(struct pm_run *r, const struct pm_type *t)
{
	const struct pm_objects *o = &r->session->heap->objects;
	int64_t ws = o->l->t.word_size, at = o->l->f.object.sizeof_.off;
	cost(r, 0, (uint64_t)at, "header: refcount, type",
		pm_class_of_offset(o, t, 0));
	for (uint32_t i = 0; i <= t->nslots && at < t->basicsize; i++) {
		const struct pm_type_slot *s =
			i < t->nslots ? &t->slots[i] : NULL;
		int64_t off = s ? s->off : t->basicsize;
		if (s && (s->kind == PM_SLOT_NATIVE || off < at))
			continue;
		if (t->weaklistoffset >= at && t->weaklistoffset < off) {
			if (t->weaklistoffset > at)
				cost(r, at, (uint64_t)(t->weaklistoffset - at),
					"fields in C",
					pm_class_of_offset(o, t, at));
			cost(r, t->weaklistoffset, (uint64_t)ws,
				"weak references",
				pm_class_of_offset(o, t, t->weaklistoffset));
			at = t->weaklistoffset + ws;
		}
		if (off > at)
			cost(r, at, (uint64_t)(off - at), "fields in C",
				pm_class_of_offset(o, t, at));
		if (!s)
			break;
		char name[120];
		snprintf(name, sizeof name, "%s%s",
			s->kind == PM_SLOT_MEMBER ? "slot ." : "", s->name);
		cost(r, off, (uint64_t)ws, name, pm_class_of_offset(o, t, off));
		at = off + ws;
	}
}

/* Room for values of attributes, named by the table that instances share. */
static void show_values(struct pm_run *r, const struct pm_type *t)
{
	const struct pm_objects *o = &r->session->heap->objects;
	const struct pm_layout *l = o->l;
	struct pm_keys k;
	uint64_t ws = l->t.word_size;
	char what[120];
	if (!t->cached_keys ||
		pm_keys_load(l, o->m, t->cached_keys, &k, NULL) != PM_OK)
		return;
	uint64_t room = k.values_usable;
	bool inside = t->inline_values;
	snprintf(what, sizeof what,
		"values of %" PRIu64 " attribute%s, room for %" PRIu64 "%s",
		k.nentries, k.nentries == 1 ? "" : "s", room,
		inside ? "" : ", in a block of their own");
	uint64_t width = room * ws;
	if (l->t.values_form == PM_VALUES_HEADED)
		width +=
			l->f.dict_values.values.off + (room + ws - 1) / ws * ws;
	else if (l->t.values_form == PM_VALUES_PREFIXED)
		width += (room + 2 + ws - 1) / ws * ws;
	cost(r, inside ? t->basicsize : 0, width, what,
		pm_class_giver(o, t, PM_GIFT_DICT));
	snprintf(what, sizeof what, "their names, once: %" PRIu64 " bytes",
		k.bytes);
	cost(r, 0, 0, what, t);
}

/* The names in the order of the table. */
static void show_names(struct pm_run *r, const struct pm_type *t)
{
	const struct pm_objects *o = &r->session->heap->objects;
	const struct pm_layout *l = o->l;
	pm_auto_strbuf line = {0};
	struct pm_keys k;
	pm_emit_open_array(r->emit, "shared_names");
	bool some = t->cached_keys &&
		    pm_keys_load(l, o->m, t->cached_keys, &k, NULL) == PM_OK;
	for (uint64_t i = 0; some && i < k.nentries && i < k.usable; i++) {
		pm_auto_strbuf name = {0};
		uint64_t key = 0;
		if (pm_memory_read_uint(o->m,
			    k.entries + i * k.entry_size + k.key_off,
			    l->t.word_size, &key, NULL) != PM_OK)
			break;
		pm_attr_name(o, &(struct pm_attr){.name = key}, &name);
		pm_emit_text(r->emit, NULL, pm_strbuf_text(&name));
		pm_strbuf_printf(
			&line, "%s%s", i ? ", " : "", pm_strbuf_text(&name));
	}
	pm_emit_close(r->emit);
	if (line.len)
		pm_emit_line(r->emit, "names      %s", pm_strbuf_text(&line));
}

static void show_costs(struct pm_run *r, const struct pm_type *t)
{
	static const struct pm_column columns[] = {
		{NULL, "OFFSET", PM_CELL_TEXT},
		{"offset", NULL, PM_CELL_INT},
		{"width", "BYTES", PM_CELL_COUNT},
		{"what", "OF EACH INSTANCE", PM_CELL_TEXT},
		{"from", "BROUGHT BY", PM_CELL_TEXT},
	};
	pm_emit_line(r->emit, "%s", "");
	pm_emit_table(r->emit, "rows", columns, 5, 0);
	if (t->kind != PM_KIND_TYPE) {
		show_pre(r, t);
		show_slots(r, t);
		show_values(r, t);
	}
	pm_emit_table_end(r->emit);
}

static enum pm_status show_one(struct pm_run *r, const struct pm_type *t)
{
	struct pm_emit *e = r->emit;
	pm_emit_line(e, "%s at 0x%" PRIx64, t->name, t->addr);
	pm_auto_strbuf module = {0};
	pm_class_module(&r->session->heap->objects, t, &module);
	if (r->has_addr && r->addr != t->addr) {
		pm_emit_line(
			e, "0x%" PRIx64 " is one of its instances", r->addr);
		pm_emit_addr(e, "instance", r->addr);
	}
	pm_emit_line(e, "module     %s", pm_strbuf_text(&module));
	pm_emit_text(e, "module", pm_strbuf_text(&module));
	pm_emit_line(e, "metatype   %s", name_at(r, t->metatype));
	pm_emit_text(e, "type", t->name);
	pm_emit_addr(e, "addr", t->addr);
	pm_emit_text(e, "metatype", name_at(r, t->metatype));
	pm_emit_addr(e, "metatype_addr", t->metatype);
	show_mro(r, t);
	show_flags(r, t);
	show_sizes(r, t);
	enum pm_status s = show_subclasses(r, t);
	show_names(r, t);
	show_costs(r, t);
	return s;
}

/* ---- which one ---- */

static enum pm_status choose(struct pm_run *r, const struct pm_type **ret,
	size_t *ret_n, struct pm_error *err)
{
	struct pm_heap *h = r->session->heap;
	const struct pm_type *t;
	*ret_n = 1;
	if (r->has_addr) {
		t = pm_types_get(h->types, r->addr);
		if (!t || !t->is_type) {
			struct pm_object x;
			PM_TRY(pm_walking_object(r, &x, err));
			t = x.type;
		}
		*ret = t;
		return PM_OK;
	}
	*ret_n = 0;
	for (uint32_t i = 0; (t = pm_types_by_id(h->types, i)); i++)
		if (pm_type_matches(t->name, r->operand)) {
			*ret = t;
			++*ret_n;
		}
	if (!*ret_n)
		return pm_fail(err, PM_USAGE, 0,
			"no class in this process is called %.100s",
			r->operand);
	return PM_OK;
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct type_state *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_walking_start(&st->walking, r, err);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct type_state *st = r->state;
	const struct pm_type *t = NULL;
	enum pm_status s = PM_OK;
	bool walked = false;
	size_t n;
	PM_TRY(pm_walking_step(&st->walking, r, &walked, err));
	if (!walked)
		return PM_OK;
	PM_TRY(choose(r, &t, &n, err));
	if (n > 1)
		show_list(r, n);
	else
		s = show_one(r, t);
	struct pm_heap *h = r->session->heap;
	pm_emit_skipped(r->emit, h->unreadable + (s == PM_FAULT),
		h->inconsistent + (s == PM_CORRUPT));
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct type_state *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	free(st);
	r->state = NULL;
}

const struct pm_command pm_command_type = {
	.name = "py-type",
	.group = PM_GROUP_OBJECT,
	.summary = "Show one class: bases, flags, sizes, and what an instance "
		   "costs.",
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER | PM_COMMAND_ROWS_ARE_OBJECTS,
	.operand = PM_OPERAND_TYPE_OR_ADDR,
	.operand_help = "TYPE is a pattern for the qualified name, such as "
			"app.*; one with no dot fits bare class names, too.  "
			"ADDR, which begins with a digit, $, ( or *, is the "
			"address of a class or of an instance: any GDB "
			"expression.",
	.doc = "The table lists where the bytes of an instance come from: the "
	       "words before it, its header, fields of C structs, slots, the "
	       "room for attribute values, and for each the class that brought "
	       "it.  Names of attributes are kept once for all instances that "
	       "share them.  When the pattern fits several classes they are "
	       "listed.",
	.examples = "py-type app.Order  # why is an Order that large?\n"
		    "py-type $py1       # the class of the first row",
	.start = start,
	.step = step,
	.finish = finish,
};
