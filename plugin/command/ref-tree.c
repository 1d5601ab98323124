/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/ref-tree.h"
#include "command/walking.h"
#include "heap/team.h"
#include "object/repr.h"

#include <inttypes.h>

#define DEEPEST 64
/* Rows without -all: levels multiply. */
#define ROWS_AT_MOST 2000

/* Its neighbours, and the next to be shown. */
struct pm_open_object {
	struct pm_neighbours n;
	size_t next;
	bool found; /* all of them */
};

static void close_object(struct pm_open_object *o)
{
	if (!o)
		return;
	pm_neighbours_deinit(&o->n);
	free(o);
}

void pm_ref_tree_init(struct pm_ref_tree *t, struct pm_run *r, bool backward)
{
	*t = (struct pm_ref_tree){
		.h = {.r = r,
			.backward = backward,
			.exclude = pm_run_text(r, "exclude", NULL),
			.limit = r->top},
		.filter = pm_run_text(r, "filter", NULL),
		.deepest = pm_run_number(r, "depth", 1)};
	t->h.holders = &t->holders;
	if (t->deepest < 1)
		t->deepest = 1;
	if (t->deepest > DEEPEST)
		t->deepest = DEEPEST;
}

void pm_ref_tree_deinit(struct pm_ref_tree *t)
{
	pm_vec_each (o, &t->stack)
		close_object(*o);
	pm_vec_deinit(&t->stack);
	pm_map_deinit(&t->seen);
	pm_holder_refs_deinit(&t->holders);
}

static enum pm_status open_object(
	struct pm_ref_tree *t, pm_addr addr, struct pm_error *err)
{
	struct pm_open_object *o = calloc(1, sizeof *o);
	if (!o || !pm_map_put(&t->seen, addr, NULL) ||
		!pm_vec_push(&t->stack, o)) {
		close_object(o);
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	o->n.of = addr;
	return PM_OK;
}

/* ---- rows ---- */

static void begin_table(struct pm_ref_tree *t)
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
	struct pm_run *r = t->h.r;
	struct pm_emit *e = r->emit;
	struct pm_heap *h = r->session->heap;
	pm_auto_strbuf repr = {0};
	struct pm_object x;
	pm_repr(&h->objects, r->addr, r->session->repr_limit, &repr);
	if (pm_object_load(&h->objects, r->addr, &x, NULL) == PM_OK) {
		pm_emit_line(e, "%s of the %s at 0x%" PRIx64 ": %s",
			t->h.backward ? "Referrers" : "References",
			x.type->name, x.addr, pm_strbuf_text(&repr));
		pm_emit_text(e, "type", x.type->name);
	}
	pm_emit_addr(e, "addr", r->addr);
	pm_emit_text(e, "repr", pm_strbuf_text(&repr));
	pm_emit_table(e, "rows", columns, 7, 0);
}

static void indent(const struct pm_ref_tree *t, struct pm_strbuf *via)
{
	if (!pm_run_flag(t->h.r, "json"))
		pm_strbuf_printf(via, "%*s", (int)(t->stack.len - 1) * 2, "");
}

static void show_row(struct pm_ref_tree *t, const struct pm_open_object *o,
	const struct pm_neighbour *x, const char *type, bool repeated)
{
	struct pm_heap *h = t->h.r->session->heap;
	pm_auto_strbuf via = {0}, repr = {0};
	indent(t, &via);
	pm_neighbour_describe(&t->h, &o->n, x, &via);
	if (x->addr)
		pm_repr(&h->objects, x->addr, 40, &repr);
	const struct pm_cell cells[] = {
		{.u = x->addr, .absent = !x->addr},
		{.u = t->stack.len},
		{.text = type},
		{.text = pm_strbuf_text(&via)},
		{.b = pm_neighbour_is_exact(x)},
		{.b = repeated},
		{.text = pm_strbuf_text(&repr)},
	};
	t->rows++;
	pm_emit_row(t->h.r->emit, cells, x->addr);
}

static void show_more(struct pm_ref_tree *t, const struct pm_open_object *o)
{
	char n[28];
	pm_auto_strbuf via = {0};
	indent(t, &via);
	pm_strbuf_printf(
		&via, "(%s more)", pm_grouped(o->n.count - o->n.list.len, n));
	const struct pm_cell cells[] = {
		{.absent = true},
		{.u = t->stack.len},
		{.text = ""},
		{.text = pm_strbuf_text(&via)},
		{.absent = true},
		{.absent = true},
		{.text = ""},
	};
	pm_emit_row(t->h.r->emit, cells, 0);
}

static enum pm_status show_next(
	struct pm_ref_tree *t, struct pm_open_object *o, struct pm_error *err)
{
	const struct pm_heap *h = t->h.r->session->heap;
	const struct pm_neighbour x = o->n.list.data[o->next++];
	struct pm_object other;
	bool known = x.addr &&
		     pm_object_load(&h->objects, x.addr, &other, NULL) == PM_OK;
	bool repeated = x.addr && pm_map_find(&t->seen, x.addr);
	const char *type = x.root ? "(root)" : known ? other.type->name : "?";
	if (!t->filter || (known && pm_type_matches(type, t->filter)))
		show_row(t, o, &x, type, repeated);
	if (known && !repeated && t->stack.len < t->deepest)
		return open_object(t, x.addr, err);
	return PM_OK;
}

static enum pm_status find(struct pm_ref_tree *t, struct pm_open_object *o,
	double seconds, struct pm_error *err)
{
	PM_TRY(pm_neighbours_find(&t->h, &o->n, seconds, &o->found, err));
	if (!o->found)
		return PM_OK;
	t->unreadable += o->n.unreadable;
	if (t->stack.len == 1)
		t->references = o->n.count;
	return PM_OK;
}

static enum pm_status show_some(
	struct pm_ref_tree *t, bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + PM_STEP_SECONDS;
	for (unsigned n = 1; t->stack.len; n++) {
		struct pm_open_object *o = t->stack.data[t->stack.len - 1];
		if (n % 16 == 0 && pm_now() > end)
			return PM_OK;
		t->cut = t->h.r->top && t->rows >= ROWS_AT_MOST;
		if (t->cut)
			break;
		if (!o->found) {
			PM_TRY(find(t, o, end - pm_now(), err));
			if (!o->found)
				return PM_OK;
			continue;
		}
		if (o->next < o->n.list.len) {
			PM_TRY(show_next(t, o, err));
			continue;
		}
		if (o->n.count > o->n.list.len)
			show_more(t, o);
		close_object(o);
		t->stack.len--;
	}
	*ret_done = true;
	return PM_OK;
}

static void show_total(struct pm_ref_tree *t)
{
	struct pm_emit *e = t->h.r->emit;
	char n[28];
	pm_emit_table_end(e);
	if (!t->references)
		pm_emit_line(e, "%s",
			t->h.backward
				? "No object and no root refers to it: C code "
				  "holds it, or nothing does."
				: "It refers to no object.");
	else
		pm_emit_line(e, "%s references%s.",
			pm_grouped(t->references, n),
			t->h.backward ? " to it" : "");
	if (pm_run_number(t->h.r, "depth", 1) > DEEPEST)
		pm_emit_line(e, "No more than %d levels are shown.", DEEPEST);
	if (t->cut)
		pm_emit_line(e, "Cut after %s rows (-all shows all).",
			pm_grouped(t->rows, n));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "references", t->references);
	pm_emit_uint(e, "rows", t->rows);
	pm_emit_bool(e, "cut", t->cut);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", t->references);
	pm_emit_skipped(e, t->unreadable, 0);
}

enum pm_status pm_ref_tree_step(
	struct pm_ref_tree *t, bool *ret_done, struct pm_error *err)
{
	bool done = false;
	if (!t->begun) {
		t->begun = true;
		begin_table(t);
		PM_TRY(open_object(t, t->h.r->addr, err));
	}
	PM_TRY(show_some(t, &done, err));
	if (done)
		show_total(t);
	*ret_done = done;
	return PM_OK;
}
