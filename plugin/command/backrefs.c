/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-backrefs: who refers to an object, and how. */
#include "command/graphing.h"
#include "command/picture.h"
#include "command/ref-tree.h"
#include "heap/holders.h"
#include "object/frames.h"
#include "object/repr.h"

#include <inttypes.h>

struct backrefs {
	struct pm_walking walking;
	struct pm_holders_job *job;
	/* By the graph. */
	bool by_graph, ready, shown;
	struct pm_graphing graphing;
	struct pm_ref_tree tree;
	struct pm_drawing drawing;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_object x;
	PM_TRY(pm_drawing_check(r, err));
	PM_TRY(pm_walking_object(r, &x, err));
	struct backrefs *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	st->by_graph = pm_run_given(r, "depth") || pm_run_given(r, "filter") ||
		       pm_run_given(r, "exclude") || pm_drawing_wanted(r);
	if (!st->by_graph)
		return pm_walking_start(&st->walking, r, err);
	pm_ref_tree_init(&st->tree, r, true);
	pm_drawing_init(&st->drawing, &st->tree.h, st->tree.deepest);
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_ROOTS, err);
}

static void show_object(struct pm_run *r, const struct pm_object *x)
{
	struct pm_emit *e = r->emit;
	pm_auto_strbuf repr = {0};
	pm_repr(&r->session->heap->objects, x->addr, r->session->repr_limit,
		&repr);
	pm_emit_addr(e, "addr", x->addr);
	pm_emit_text(e, "type", x->type->name);
	pm_emit_text(e, "repr", pm_strbuf_text(&repr));
	if (x->immortal)
		pm_emit_line(e,
			"Referrers of the %s at 0x%" PRIx64 " (immortal): %s",
			x->type->name, x->addr, pm_strbuf_text(&repr));
	else
		pm_emit_line(e,
			"Referrers of the %s at 0x%" PRIx64
			" (refcount %" PRId64 "): %s",
			x->type->name, x->addr, x->refcnt,
			pm_strbuf_text(&repr));
	if (x->immortal)
		pm_emit_null(e, "refcount");
	else
		pm_emit_int(e, "refcount", x->refcnt);
}

struct frame_rows {
	struct pm_run *r;
	const struct pm_stack_frame *frame;
	uint64_t count;
};

static void show_frame_row(struct frame_rows *f, const struct pm_ref *ref)
{
	const struct pm_objects *o = &f->r->session->heap->objects;
	pm_auto_strbuf via = {0};
	pm_ref_describe(o, NULL, ref, &via);
	pm_strbuf_puts(&via, " in ");
	pm_frame_describe(o, f->frame, &via);
	if (f->frame->native_thread)
		pm_strbuf_printf(
			&via, ", thread %" PRIu64, f->frame->native_thread);
	const struct pm_cell cells[] = {
		{.u = f->frame->iframe},
		{.text = "(Python frame)"},
		{.text = pm_strbuf_text(&via)},
		{.b = true},
		{.text = ""},
	};
	pm_emit_row(f->r->emit, cells, 0);
}

static bool frame_ref(void *arg, const struct pm_ref *ref)
{
	struct frame_rows *f = arg;
	if (ref->target == f->r->addr) {
		f->count++;
		show_frame_row(f, ref);
	}
	return true;
}

static bool one_frame(void *arg, const struct pm_stack_frame *frame)
{
	struct frame_rows *f = arg;
	f->frame = frame;
	/* What of a frame can't be read is not a referrer that we know. */
	enum pm_status s = pm_refs_of_frame(
		&f->r->session->heap->objects, frame->iframe, frame_ref, f);
	return !pm_status_is_fatal(s);
}

/* Frames that are objects (3.10 and before): whose they are. */
static void describe_frame(const struct pm_objects *o,
	const struct pm_object *holder, struct pm_strbuf *via)
{
	struct pm_stack_frame f = {.code = pm_get(o->l, pm_object_body(holder),
					   o->l->f.frame.code)};
	if (holder->type->kind != PM_KIND_FRAME || !f.code)
		return;
	pm_strbuf_puts(via, " in ");
	pm_frame_describe(o, &f, via);
}

static uint64_t show_rows(
	struct pm_run *r, const struct pm_holders *res, bool *ret_complete)
{
	static const struct pm_column columns[] = {
		{"addr", "ADDR", PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"via", "VIA", PM_CELL_TEXT},
		{"exact", NULL, PM_CELL_BOOL},
		{NULL, "VALUE", PM_CELL_TEXT},
	};
	const struct pm_objects *o = &r->session->heap->objects;
	bool values = !pm_run_flag(r, "json");
	pm_emit_table(r->emit, "rows", columns, 5, r->top);
	pm_vec_each (p, &res->list) {
		pm_auto_strbuf via = {0}, repr = {0};
		struct pm_object holder;
		if (pm_object_load(o, p->object, &holder, NULL) != PM_OK)
			continue;
		pm_ref_describe(o, &holder, &p->ref, &via);
		describe_frame(o, &holder, &via);
		if (values)
			pm_repr(o, p->object, 40, &repr);
		const struct pm_cell cells[] = {
			{.u = p->object},
			{.text = p->type->name},
			{.text = pm_strbuf_text(&via)},
			{.b = p->ref.via != PM_VIA_NATIVE},
			{.text = pm_strbuf_text(&repr)},
		};
		pm_emit_row(r->emit, cells, p->object);
	}
	struct frame_rows frames = {r, NULL, 0};
	*ret_complete = pm_frames_each(o, one_frame, &frames) == PM_OK;
	if (!*ret_complete)
		pm_emit_line(r->emit, "%s",
			"Some frames of the threads can't be read.");
	pm_emit_table_end(r->emit);
	return frames.count;
}

static void show_summary(struct pm_run *r, const struct pm_holders *res,
	uint64_t frames, bool complete)
{
	struct pm_emit *e = r->emit;
	char a[28], b[28];
	if (!res->edges && !frames)
		pm_emit_line(e, "%s",
			"No object and no Python frame refers to it: C code or "
			"the interpreter holds it, or nothing does.");
	else
		pm_emit_line(e, "%s references from %s objects%s.",
			pm_grouped(res->edges, a), pm_grouped(res->objects, b),
			frames ? ", and from Python frames" : "");
	if (res->list.len < res->edges)
		pm_emit_line(e,
			"%s more references are not shown (-all shows them).",
			pm_grouped(res->edges - res->list.len, a));
	if (res->unowned)
		pm_emit_line(e,
			"Its address also stands in %s places of blocks that "
			"belong to no object (C code, or freed memory).",
			pm_grouped(res->unowned, a));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "references", res->edges);
	pm_emit_uint(e, "objects", res->objects);
	pm_emit_uint(e, "frames", frames);
	pm_emit_bool(e, "frames_complete", complete);
	pm_emit_uint(e, "unowned_places", res->unowned);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", res->objects);
	pm_emit_skipped(e, res->unreadable, 0);
}

static enum pm_status step_graph(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct backrefs *st = r->state;
	uint32_t node;
	if (!st->ready) {
		PM_TRY(pm_graphing_step(&st->graphing, r, &st->ready, err));
		return st->ready ? pm_graphing_node(r, &node, err) : PM_OK;
	}
	if (st->shown)
		return pm_drawing_step(&st->drawing, ret_done, err);
	PM_TRY(pm_ref_tree_step(&st->tree, &st->shown, err));
	*ret_done = st->shown && !pm_drawing_wanted(r);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct backrefs *st = r->state;
	struct pm_heap *h = r->session->heap;
	if (st->by_graph)
		return step_graph(r, ret_done, err);
	if (!st->job) {
		PM_TRY(pm_walking_step(&st->walking, r, ret_done, err));
		if (!*ret_done)
			return PM_OK;
		*ret_done = false;
		return pm_holders_create(h, r->addr, r->top, &st->job, err);
	}
	uint64_t done, total;
	PM_TRY(pm_holders_step(st->job, PM_STEP_SECONDS, ret_done, err));
	pm_holders_progress(st->job, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"looking for referrers %" PRIu64 "/%" PRIu64, done, total);
	if (!*ret_done)
		return PM_OK;
	struct pm_object x;
	PM_TRY(pm_object_load(&h->objects, r->addr, &x, err));
	show_object(r, &x);
	bool complete;
	uint64_t frames = show_rows(r, pm_holders_result(st->job), &complete);
	show_summary(r, pm_holders_result(st->job), frames, complete);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct backrefs *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_graphing_finish(&st->graphing);
	pm_ref_tree_deinit(&st->tree);
	pm_drawing_deinit(&st->drawing);
	pm_holders_destroy(st->job);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	PM_REF_TREE_OPTIONS(
		"And what refers to these, N levels back, by the graph."),
	PM_PICTURE_OPTIONS,
	{0},
};

const struct pm_command pm_command_backrefs = {
	.name = "py-backrefs",
	.group = PM_GROUP_GRAPH,
	.summary = "Show which objects refer to an object, and through what.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_ADDR,
	.operand_help = "ADDR is the address of an object: any GDB expression, "
			"such as $py1.",
	.doc = "Every strong reference is shown, also those of objects that "
	       "the "
	       "collector does not track and of C structures that "
	       "gc.get_referrers() cannot see.  VIA tells how: an attribute, a "
	       "slot, an index, a dict value and its key.  \"(native, +0x28)\" "
	       "marks a word of a C extension's object that holds the address: "
	       "likely a reference.\n"
	       "Frames that are on a thread's stack are no objects; they come "
	       "last, as \"local x in f (file.py)\".  What C variables and the "
	       "interpreter itself hold is not shown here.\n"
	       "With -depth, -filter, -exclude or a picture the graph of all "
	       "references "
	       "is asked (the first command that needs it builds it): what "
	       "refers to the referrers, too, as in py-refs, and the roots, "
	       "the interpreter's state, variables of running functions, C "
	       "code, as rows \"(root)\".  An object that was opened before "
	       "is not opened again; -top limits what is shown of each.  "
	       "Pictures are as in py-refs; roots are houses.",
	.examples =
		"py-backrefs $py1  # who holds the first row of the last "
		"table\n"
		"py-backrefs -depth 3 $py1  # and who holds those\n"
		"py-backrefs -depth 3 -svg holders.svg $py1\n"
		"py-backrefs -all -json 0x7ffff6a01c40  # all of them, for a "
		"script",
	.start = start,
	.step = step,
	.finish = finish,
};
