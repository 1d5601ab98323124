/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-refs: what an object refers to, and how, as deep as asked. */
#include "command/walking.h"
#include "base/map.h"
#include "heap/team.h"
#include "object/refs.h"
#include "object/repr.h"

#include <inttypes.h>

#define DEEPEST 64
/* Rows without -all: levels multiply. */
#define ROWS_AT_MOST 2000

/* An object that is open: its references, and the next to be shown. */
struct open_object {
	struct pm_object x;
	PM_VEC(struct pm_ref) refs;
	size_t next;
	uint64_t more; /* that are beyond the limit */
};

struct refs_state {
	struct pm_walking walking;
	bool walked;
	PM_VEC(struct open_object *) stack;
	struct pm_map seen; /* objects that were opened */
	const char *filter, *exclude;
	uint64_t deepest;
	uint64_t references, rows, unreadable;
	bool cut;
};

static void close_object(struct open_object *o)
{
	if (!o)
		return;
	pm_vec_deinit(&o->refs);
	free(o);
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_object x;
	PM_TRY(pm_walking_object(r, &x, err));
	struct refs_state *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	st->filter = pm_run_text(r, "filter", NULL);
	st->exclude = pm_run_text(r, "exclude", NULL);
	st->deepest = pm_run_number(r, "depth", 1);
	if (st->deepest < 1)
		st->deepest = 1;
	if (st->deepest > DEEPEST)
		st->deepest = DEEPEST;
	return pm_walking_start(&st->walking, r, err);
}

/* ---- the references of one object ---- */

struct collector {
	struct pm_run *r;
	struct open_object *o;
	bool no_memory;
};

static bool is_left_out(
	const struct refs_state *st, const struct pm_heap *h, pm_addr addr)
{
	struct pm_object x;
	if (!st->exclude)
		return false;
	return pm_object_load(&h->objects, addr, &x, NULL) == PM_OK &&
	       pm_type_matches(x.type->name, st->exclude);
}

static bool take_ref(void *arg, const struct pm_ref *ref)
{
	struct collector *c = arg;
	struct refs_state *st = c->r->state;
	const struct pm_heap *h = c->r->session->heap;
	/* A word that only may be a reference: is there an object? */
	if (ref->via == PM_VIA_NATIVE && !pm_heap_is_object(h, ref->target))
		return true;
	if (is_left_out(st, h, ref->target))
		return true;
	st->references += st->stack.len == 0;
	if (c->r->top && c->o->refs.len >= c->r->top)
		c->o->more++;
	else if (!pm_vec_push(&c->o->refs, *ref))
		c->no_memory = true;
	return !c->no_memory;
}

static enum pm_status open_object(
	struct pm_run *r, pm_addr addr, struct pm_error *err)
{
	struct refs_state *st = r->state;
	struct pm_heap *h = r->session->heap;
	struct open_object *o = calloc(1, sizeof *o);
	if (!o)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (pm_object_load(&h->objects, addr, &o->x, NULL) != PM_OK) {
		free(o);
		st->unreadable++;
		return PM_OK;
	}
	struct collector c = {r, o, false};
	enum pm_status s = pm_refs_each(&h->objects, &o->x, take_ref, &c);
	st->unreadable += s != PM_OK;
	if (c.no_memory || !pm_map_put(&st->seen, addr, NULL) ||
		!pm_vec_push(&st->stack, o)) {
		close_object(o);
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

/* ---- rows ---- */

static void begin_table(struct pm_run *r)
{
	static const struct pm_column columns[] = {
		{"addr", "ADDR", PM_CELL_ADDR},
		{"depth", NULL, PM_CELL_COUNT},
		{"type", "TYPE", PM_CELL_TEXT},
		{"via", "VIA", PM_CELL_TEXT},
		{"exact", NULL, PM_CELL_BOOL},
		{"repeated", NULL, PM_CELL_BOOL},
		{NULL, "VALUE", PM_CELL_TEXT},
	};
	struct pm_emit *e = r->emit;
	struct pm_heap *h = r->session->heap;
	pm_auto_strbuf repr = {0};
	struct pm_object x;
	pm_repr(&h->objects, r->addr, r->session->repr_limit, &repr);
	if (pm_object_load(&h->objects, r->addr, &x, NULL) == PM_OK) {
		pm_emit_line(e, "References of the %s at 0x%" PRIx64 ": %s",
			x.type->name, x.addr, pm_strbuf_text(&repr));
		pm_emit_text(e, "type", x.type->name);
	}
	pm_emit_addr(e, "addr", r->addr);
	pm_emit_text(e, "repr", pm_strbuf_text(&repr));
	pm_emit_table(e, "rows", columns, 7, 0);
}

static void show_ref(struct pm_run *r, const struct open_object *o,
	const struct pm_ref *ref, const struct pm_type *type, bool repeated)
{
	struct refs_state *st = r->state;
	struct pm_heap *h = r->session->heap;
	size_t depth = st->stack.len;
	pm_auto_strbuf via = {0}, repr = {0};
	if (!pm_run_flag(r, "json"))
		pm_strbuf_printf(&via, "%*s", (int)(depth - 1) * 2, "");
	pm_ref_describe(&h->objects, &o->x, ref, &via);
	pm_repr(&h->objects, ref->target, 40, &repr);
	const struct pm_cell cells[] = {
		{.u = ref->target},
		{.u = depth},
		{.text = type ? type->name : "?"},
		{.text = pm_strbuf_text(&via)},
		{.b = ref->via != PM_VIA_NATIVE},
		{.b = repeated},
		{.text = pm_strbuf_text(&repr)},
	};
	st->rows++;
	pm_emit_row(r->emit, cells, ref->target);
}

static void show_more(struct pm_run *r, const struct open_object *o)
{
	struct refs_state *st = r->state;
	char n[28];
	pm_auto_strbuf via = {0};
	if (!pm_run_flag(r, "json"))
		pm_strbuf_printf(&via, "%*s", (int)(st->stack.len - 1) * 2, "");
	pm_strbuf_printf(&via, "(%s more)", pm_grouped(o->more, n));
	const struct pm_cell cells[] = {
		{.absent = true},
		{.u = st->stack.len},
		{.text = ""},
		{.text = pm_strbuf_text(&via)},
		{.absent = true},
		{.absent = true},
		{.text = ""},
	};
	pm_emit_row(r->emit, cells, 0);
}

static enum pm_status show_next(
	struct pm_run *r, struct open_object *o, struct pm_error *err)
{
	struct refs_state *st = r->state;
	struct pm_heap *h = r->session->heap;
	const struct pm_ref ref = o->refs.data[o->next++];
	struct pm_object x;
	bool known = pm_object_load(&h->objects, ref.target, &x, NULL) == PM_OK;
	bool repeated = pm_map_find(&st->seen, ref.target);
	if (!st->filter || (known && pm_type_matches(x.type->name, st->filter)))
		show_ref(r, o, &ref, known ? x.type : NULL, repeated);
	if (known && !repeated && st->stack.len < st->deepest)
		return open_object(r, ref.target, err);
	return PM_OK;
}

static enum pm_status show_some(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct refs_state *st = r->state;
	double end = pm_now() + PM_STEP_SECONDS;
	for (unsigned n = 1; st->stack.len; n++) {
		struct open_object *o = st->stack.data[st->stack.len - 1];
		if (n % 64 == 0 && pm_now() > end)
			return PM_OK;
		st->cut = r->top && st->rows >= ROWS_AT_MOST;
		if (st->cut)
			break;
		if (o->next < o->refs.len) {
			PM_TRY(show_next(r, o, err));
			continue;
		}
		if (o->more)
			show_more(r, o);
		close_object(o);
		st->stack.len--;
	}
	*ret_done = true;
	return PM_OK;
}

static void show_total(struct pm_run *r)
{
	const struct refs_state *st = r->state;
	struct pm_emit *e = r->emit;
	char n[28];
	pm_emit_table_end(e);
	if (!st->references)
		pm_emit_line(e, "%s", "It refers to no object.");
	else
		pm_emit_line(
			e, "%s references.", pm_grouped(st->references, n));
	if (st->cut)
		pm_emit_line(e, "Cut after %s rows (-all shows all).",
			pm_grouped(st->rows, n));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "references", st->references);
	pm_emit_uint(e, "rows", st->rows);
	pm_emit_bool(e, "cut", st->cut);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", st->references);
	pm_emit_skipped(e, st->unreadable, 0);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct refs_state *st = r->state;
	bool done = false;
	if (!st->walked) {
		PM_TRY(pm_walking_step(&st->walking, r, &st->walked, err));
		if (!st->walked)
			return PM_OK;
		begin_table(r);
		return open_object(r, r->addr, err);
	}
	PM_TRY(show_some(r, &done, err));
	if (done)
		show_total(r);
	*ret_done = done;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct refs_state *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_vec_each (o, &st->stack)
		close_object(*o);
	pm_vec_deinit(&st->stack);
	pm_map_deinit(&st->seen);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "depth",
		.type = PM_ARG_COUNT,
		.value = "N",
		.help = "And what these refer to, N levels deep (default: 1)."},
	{.name = "filter",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Show only objects whose type's name matches."},
	{.name = "exclude",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Leave out objects of these types, and what is "
			"behind."},
	{0},
};

const struct pm_command pm_command_refs = {
	.name = "py-refs",
	.group = PM_GROUP_GRAPH,
	.summary = "Show which objects an object refers to, and through what.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_ADDR,
	.operand_help = "ADDR is the address of an object: any GDB expression, "
			"such as $py1.",
	.doc = "Every strong reference is shown, with VIA as in py-backrefs: "
	       "attributes wherever they live, slots, items, dict keys and "
	       "values, fields of C structs, locals of suspended frames, the "
	       "class.  An object that was opened before is shown again, but "
	       "not opened.  -top limits what is shown of each object; the "
	       "rest "
	       "is counted.  Weak references are not followed.",
	.examples = "py-refs $py1            # what is in it\n"
		    "py-refs -depth 3 -exclude builtins.type $py1\n"
		    "py-refs -depth 4 -filter 'app.*' $py1",
	.start = start,
	.step = step,
	.finish = finish,
};
