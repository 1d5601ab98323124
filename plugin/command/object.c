/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-object: what one object is, and what it refers to. */
#include "command/object-tables.h"
#include "heap/footprint.h"
#include "heap/spot.h"
#include "object/details.h"
#include "object/refs.h"
#include "object/repr.h"

#include <inttypes.h>

struct shown_refs {
	struct pm_run *r;
	const struct pm_object *x;
	uint64_t count;
};

static unsigned limit_of(const struct pm_run *r)
{
	return (unsigned)pm_run_number(r, "repr-limit", r->session->repr_limit);
}

static bool is_object(const struct pm_objects *o, pm_addr addr)
{
	struct pm_object x;
	return pm_object_load(o, addr, &x, NULL) == PM_OK;
}

static bool show_ref(void *arg, const struct pm_ref *ref)
{
	struct shown_refs *s = arg;
	struct pm_run *r = s->r;
	const struct pm_objects *o = &r->session->heap->objects;
	if (ref->via == PM_VIA_NATIVE && !is_object(o, ref->target))
		return true;
	s->count++;
	/* Rows past the limit are only counted: a list may be huge. */
	if (r->top && s->count > r->top)
		return true;
	pm_auto_strbuf via = {0}, repr = {0};
	struct pm_object t;
	const char *type = NULL;
	if (pm_object_load(o, ref->target, &t, NULL) == PM_OK)
		type = t.type->name;
	pm_ref_describe(o, s->x, ref, &via);
	pm_repr(o, ref->target, r->session->repr_limit, &repr);
	const struct pm_cell cells[] = {
		{.text = pm_strbuf_text(&via)},
		{.u = ref->target},
		{.text = type},
		{.text = pm_strbuf_text(&repr)},
	};
	pm_emit_row(r->emit, cells, ref->target);
	return true;
}

static const char *place_text(const struct pm_pools *p, enum pm_place_kind k)
{
	switch (k) {
	case PM_PLACE_ARENA:
		return p->pages ? "mimalloc" : "pymalloc";
	case PM_PLACE_STATIC:
		return "static";
	case PM_PLACE_MALLOC:
		break;
	}
	return "malloc";
}

/* The count of free-threaded builds has two parts: of the thread that made the
   object, if it lives, and of all others (PEP 703). */
static void show_refcount(struct pm_run *r, const struct pm_object *x)
{
	struct pm_emit *e = r->emit;
	const struct pm_objects *o = &r->session->heap->objects;
	const struct pm_fields *f = &o->l->f;
	const void *body = pm_object_body(x);
	bool biased = o->l->t.refcnt_form == PM_REFCNT_BIASED && !x->immortal;
	bool deferred = pm_object_is_deferred(o, x);
	uint64_t local = biased ? pm_get(o->l, body, f->object.ref_local) : 0;
	pm_addr thread = biased ? pm_get(o->l, body, f->object.tid) : 0;
	if (x->immortal)
		pm_emit_line(e, "refcount  immortal");
	else if (deferred)
		pm_emit_line(e,
			"refcount  deferred: not all references are counted");
	else if (thread)
		pm_emit_line(e,
			"refcount  %" PRId64 ": %" PRIu64
			" by its thread 0x%" PRIx64 ", %" PRId64 " by others",
			x->refcnt, local, thread, x->refcnt - (int64_t)local);
	else
		pm_emit_line(e, "refcount  %" PRId64, x->refcnt);
	pm_emit_int(e, "refcount", x->refcnt);
	pm_emit_bool(e, "immortal", x->immortal);
	pm_emit_bool(e, "deferred", deferred);
	if (biased) {
		pm_emit_uint(e, "refcount_local", local);
		pm_emit_addr(e, "thread", thread);
	} else {
		pm_emit_null(e, "refcount_local");
		pm_emit_null(e, "thread");
	}
}

static void show_head(struct pm_run *r, const struct pm_object *x,
	const struct pm_measure *m, bool complete)
{
	struct pm_emit *e = r->emit;
	struct pm_heap *h = r->session->heap;
	const struct pm_objects *o = &h->objects;
	bool tracked = pm_object_is_tracked(o, x);
	int generation = pm_object_generation(o, x);
	struct pm_footprint f;
	pm_auto_strbuf repr = {0};
	char size[28], alloc[28];
	pm_footprint(h, x, m, &f);
	pm_repr(o, x->addr, limit_of(r), &repr);
	pm_emit_line(e, "%s at 0x%" PRIx64, x->type->name, x->addr);
	pm_emit_line(e, "value     %s", pm_strbuf_text(&repr));
	show_refcount(r, x);
	pm_emit_line(e,
		"size      %s bytes as sys.getsizeof%s; %s bytes set "
		"aside (%s)",
		pm_grouped(m->size, size),
		x->type->exact_size && complete
			? ""
			: " (what its own __sizeof__ adds is not known)",
		pm_grouped(f.alloc, alloc), place_text(h->pools, f.place));
	char collected[32] = "tracked";
	if (generation == 3)
		snprintf(collected, sizeof collected, "tracked, permanent");
	else if (generation >= 0)
		snprintf(collected, sizeof collected, "tracked, generation %d",
			generation);
	pm_emit_line(e, "collector %s",
		tracked	      ? collected
		: x->type->gc ? "not tracked"
			      : "not a container");
	pm_emit_addr(e, "addr", x->addr);
	pm_emit_text(e, "type", x->type->name);
	pm_emit_addr(e, "type_addr", x->type->addr);
	pm_emit_text(e, "repr", pm_strbuf_text(&repr));
	pm_emit_bool(e, "tracked", tracked);
	if (generation < 0)
		pm_emit_null(e, "generation");
	else
		pm_emit_int(e, "generation", generation);
	pm_emit_uint(e, "size", m->size);
	pm_emit_bool(e, "size_exact", x->type->exact_size && complete);
	pm_emit_uint(e, "alloc", f.alloc);
	pm_emit_uint(e, "block", f.block);
	pm_emit_text(e, "place", place_text(h->pools, f.place));
	pm_emit_variable(e, "py_size", m->size);
	pm_emit_variable(e, "py_alloc", f.alloc);
}

static void show_detail(void *arg, const char *key, const char *text)
{
	struct pm_run *r = arg;
	char label[32];
	snprintf(label, sizeof label, "%s", key);
	for (char *p = label; *p; p++)
		if (*p == '_')
			*p = ' ';
	pm_emit_line(r->emit, "%-9s %s", label, text);
	pm_emit_open_object(r->emit, NULL);
	pm_emit_text(r->emit, "key", key);
	pm_emit_text(r->emit, "text", text);
	pm_emit_close(r->emit);
}

static void show_details(
	struct pm_run *r, const struct pm_object *x, const struct pm_measure *m)
{
	pm_emit_open_array(r->emit, "details");
	pm_details_each(&r->session->heap->objects, x, m, show_detail, r);
	pm_emit_close(r->emit);
	pm_emit_line(r->emit, "%s", "");
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{"via", "VIA", PM_CELL_TEXT},
		{"addr", "ADDR", PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"repr", "VALUE", PM_CELL_TEXT},
	};
	struct pm_object x;
	struct pm_measure m = {0};
	PM_TRY(pm_walking_object(r, &x, err));
	struct pm_heap *h = r->session->heap;
	enum pm_status s = pm_object_measure(&h->objects, &x, &m);
	if (s == PM_CORRUPT)
		return pm_fail(err, s, x.addr,
			"the %s at 0x%" PRIx64
			" is inconsistent: its length or its tables make no "
			"sense",
			x.type->name, x.addr);
	show_head(r, &x, &m, s == PM_OK);
	show_details(r, &x, &m);
	PM_TRY(pm_show_fields(r, &x, &m, err));
	enum pm_status attrs = pm_show_attributes(r, &x);
	pm_show_buffers(r, &m);
	struct shown_refs refs = {r, &x, 0};
	pm_emit_table(r->emit, "rows", columns, 4, r->top);
	enum pm_status walked = pm_refs_each(&h->objects, &x, show_ref, &refs);
	pm_emit_table_end(r->emit);
	if (r->top && refs.count > r->top)
		pm_emit_line(r->emit,
			"%" PRIu64 " more references (-all shows them)",
			refs.count - r->top);
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "references", refs.count);
	pm_emit_close(r->emit);
	pm_emit_skipped(r->emit,
		walked == PM_FAULT || s == PM_FAULT || attrs == PM_FAULT,
		walked == PM_CORRUPT || attrs == PM_CORRUPT);
	*ret_done = true;
	return PM_OK;
}

static const struct pm_option options[] = {
	{"repr-limit", PM_ARG_COUNT, "N", NULL,
		"show at most N characters of its value"},
	{0},
};

const struct pm_command pm_command_object = {
	.name = "py-object",
	.group = PM_GROUP_OBJECT,
	.summary = "Show one object: its value, and every word of its memory.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS,
	.operand = PM_OPERAND_ADDR,
	.operand_help = "ADDR is the address of an object: any GDB expression, "
			"such as $py1.",
	.doc = "The value is what Python's repr() prints, or its beginning and "
	       "\"...\"; of a class whose __repr__ is Python code, which is "
	       "not "
	       "run, it is what object.__repr__ prints.  SIZE is what "
	       "sys.getsizeof would return; what the allocator set aside for "
	       "the object, its attribute values and its buffers stands beside "
	       "it.\n\n"
	       "The first table draws the object as memory, from the words "
	       "before it (the collector's, its dict or values, weak "
	       "references) to what its block has left: offset, width, name "
	       "and value of each.  The next lists the attributes that it "
	       "holds itself, and where: slots and inline values by their "
	       "offset in it, values in a block of their own, a dict that "
	       "shares its keys or has its own.  Then come the buffers that "
	       "it owns, and all its references.",
	.examples = "py-object $py1  # the first row of the last table\n"
		    "py-object -repr-limit 5000 $py1  # more of its value\n"
		    "py-object -all self  # an object that a C variable holds",
	.step = step,
};
