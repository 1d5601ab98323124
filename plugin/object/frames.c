/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/frames.h"
#include "object/text.h"

/* Python's own limit of recursion may be lifted. */
#define MAX_FRAMES 10000000

/* _PyInterpreterFrame.owner (pycore_interpframe_structs.h). */
#define OWNED_BY_GENERATOR 1
#define OWNED_BY_C 3 /* and above: no Python code */

static enum pm_status innermost(
	const struct pm_objects *o, pm_addr thread, pm_addr *ret)
{
	const struct pm_layout *l = o->l;
	uint64_t at = 0;
	switch (l->t.frame_entry) {
	case PM_FRAME_OBJECTS:
		return pm_layout_read(
			l, o->m, thread, l->f.thread.frame, ret, NULL);
	case PM_FRAME_CURRENT:
		return pm_layout_read(
			l, o->m, thread, l->f.thread.current_frame, ret, NULL);
	case PM_FRAME_CFRAME:
		break;
	}
	PM_TRY(pm_layout_read(l, o->m, thread, l->f.thread.cframe, &at, NULL));
	/* A thread that runs no Python code has no cframe (3.12). */
	*ret = 0;
	if (!at)
		return PM_OK;
	return pm_layout_read(
		l, o->m, at, l->f.cframe.current_frame, ret, NULL);
}

struct pm_stack pm_stack_of(
	const struct pm_objects *o, pm_addr interp, pm_addr thread)
{
	const struct pm_layout *l = o->l;
	struct pm_stack s = {.o = o};
	s.frame.interp = interp;
	s.frame.thread = thread;
	if (pm_layout_read(l, o->m, thread, l->f.thread.native_thread_id,
		    &s.frame.native_thread, NULL) != PM_OK)
		s.frame.native_thread = 0;
	s.status = innermost(o, thread, &s.at);
	if (s.status != PM_OK)
		s.at = 0;
	return s;
}

/* Reads the frame at s->at, and which one is outside of it. */
static enum pm_status read_frame(struct pm_stack *s, struct pm_stack_frame *f,
	pm_addr *ret_outer, bool *ret_python)
{
	const struct pm_layout *l = s->o->l;
	struct pm_memory *m = s->o->m;
	uint64_t owner = 0, code = 0, object = 0;
	if (l->t.frame_entry == PM_FRAME_OBJECTS) {
		PM_TRY(pm_layout_read(
			l, m, s->at, l->f.frame.code, &code, NULL));
		PM_TRY(pm_layout_read(
			l, m, s->at, l->f.frame.back, ret_outer, NULL));
		f->object = s->at;
		f->code = code;
		*ret_python = true;
		return PM_OK;
	}
	PM_TRY(pm_layout_read(l, m, s->at, l->f.iframe.owner, &owner, NULL));
	PM_TRY(pm_layout_read(l, m, s->at, l->f.iframe.code, &code, NULL));
	PM_TRY(pm_layout_read(
		l, m, s->at, l->f.iframe.frame_obj, &object, NULL));
	PM_TRY(pm_layout_read(
		l, m, s->at, l->f.iframe.previous, ret_outer, NULL));
	if (l->t.frame_refs == PM_REF_TAGGED)
		code &= ~UINT64_C(3);
	f->iframe = s->at;
	f->object = object;
	f->code = code;
	f->generator = owner == OWNED_BY_GENERATOR;
	*ret_python = owner < OWNED_BY_C;
	return PM_OK;
}

/* Memory that a core left out reads as zeros: a frame without code. */
static bool has_code(const struct pm_objects *o, pm_addr code)
{
	struct pm_object x;
	return pm_object_load(o, code, &x, NULL) == PM_OK &&
	       x.type->kind == PM_KIND_CODE;
}

bool pm_stack_next(struct pm_stack *s, struct pm_stack_frame *ret)
{
	while (s->at) {
		struct pm_stack_frame f = s->frame;
		pm_addr outer;
		bool python = false;
		/* A torn chain may lead back into itself (R. Brent's way to
		   see that: compare with one passed, each time twice as far
		   back). */
		if (s->passed++ >= MAX_FRAMES || s->at == s->mark)
			s->status = PM_CORRUPT;
		else
			s->status = read_frame(s, &f, &outer, &python);
		if (s->status == PM_OK && python && !has_code(s->o, f.code))
			s->status = PM_CORRUPT;
		if (!(s->passed & (s->passed - 1)))
			s->mark = s->at;
		s->at = s->status == PM_OK ? outer : 0;
		if (s->status != PM_OK)
			return false;
		if (!python)
			continue;
		s->frame.depth++;
		*ret = f;
		return true;
	}
	return false;
}

struct pm_code_place pm_frame_place(
	const struct pm_objects *o, const struct pm_stack_frame *f)
{
	struct pm_code_place p = {.code = f->code};
	struct pm_object x;
	/* The object knows better: while it is traced. */
	if (f->object && pm_object_load(o, f->object, &x, NULL) == PM_OK &&
		pm_code_place(o, &x, &p))
		return p;
	if (f->iframe)
		(void)pm_iframe_place(o, f->iframe, &p);
	return p;
}

/* stacktop counts locals, too, and is -1 while the frame runs (until 3.13);
   stackpointer is an address, 0 while a debug build runs it. */
static enum pm_status iframe_depth(
	const struct pm_objects *o, pm_addr iframe, struct pm_frame_slots *s)
{
	const struct pm_layout *l = o->l;
	uint64_t top = 0;
	if (pm_has(l->f.iframe.stacktop)) {
		PM_TRY(pm_layout_read(
			l, o->m, iframe, l->f.iframe.stacktop, &top, NULL));
	} else {
		PM_TRY(pm_layout_read(
			l, o->m, iframe, l->f.iframe.stackpointer, &top, NULL));
		top = top >= s->at ? (top - s->at) / l->t.word_size
				   : UINT64_MAX;
	}
	if (top >= s->nlocals && top - s->nlocals <= s->room) {
		s->depth = top - s->nlocals;
		s->depth_known = true;
	}
	return PM_OK;
}

/* f_stacktop is an address, 0 while the frame runs; since 3.10 there is a
   number, -1 then. */
static enum pm_status object_depth(
	const struct pm_objects *o, pm_addr object, struct pm_frame_slots *s)
{
	const struct pm_layout *l = o->l;
	uint64_t top = 0, first = s->at + s->nlocals * l->t.word_size;
	if (pm_has(l->f.frame.stackdepth)) {
		PM_TRY(pm_layout_read(
			l, o->m, object, l->f.frame.stackdepth, &top, NULL));
	} else {
		PM_TRY(pm_layout_read(
			l, o->m, object, l->f.frame.stacktop, &top, NULL));
		top = top >= first ? (top - first) / l->t.word_size
				   : UINT64_MAX;
	}
	if (top <= s->room) {
		s->depth = top;
		s->depth_known = true;
	}
	return PM_OK;
}

enum pm_status pm_frame_slots_load(const struct pm_objects *o, pm_addr iframe,
	pm_addr object, struct pm_frame_slots *ret)
{
	const struct pm_layout *l = o->l;
	struct pm_frame_slots s = {.depth_known = false};
	uint64_t code = 0, slots = 0;
	PM_TRY(iframe ? pm_layout_read(
				l, o->m, iframe, l->f.iframe.code, &code, NULL)
		      : pm_layout_read(
				l, o->m, object, l->f.frame.code, &code, NULL));
	if (l->t.frame_refs == PM_REF_TAGGED)
		code &= ~UINT64_C(3);
	if (!pm_code_slots(l, &o->resolver.r, code, &slots))
		return PM_FAULT;
	PM_TRY(pm_layout_read(
		l, o->m, code, l->f.code.stacksize, &s.room, NULL));
	if (s.room > slots)
		return PM_CORRUPT;
	s.nlocals = slots - s.room;
	s.at = iframe ? iframe + l->f.iframe.localsplus.off
		      : object + l->f.frame.localsplus.off;
	PM_TRY(iframe ? iframe_depth(o, iframe, &s)
		      : object_depth(o, object, &s));
	*ret = s;
	return PM_OK;
}

enum pm_status pm_frames_each(
	const struct pm_objects *o, pm_frame_fn *fn, void *arg)
{
	const struct pm_layout *l = o->l;
	struct pm_stack_frame f;
	if (l->t.frame_entry == PM_FRAME_OBJECTS)
		return PM_OK;
	struct pm_chain i = pm_interpreters(l, o->m);
	for (; i.at; pm_chain_next(&i)) {
		struct pm_chain t = pm_threads_of(l, o->m, i.at);
		for (; t.at; pm_chain_next(&t)) {
			struct pm_stack s = pm_stack_of(o, i.at, t.at);
			while (pm_stack_next(&s, &f))
				if (!fn(arg, &f))
					return PM_OK;
			PM_TRY(s.status);
		}
		PM_TRY(t.status);
	}
	return i.status;
}

static bool put_text(const struct pm_objects *o, pm_addr code,
	struct pm_field f, size_t limit, struct pm_strbuf *out)
{
	uint64_t text = 0;
	size_t before = out->len;
	if (pm_layout_read(o->l, o->m, code, f, &text, NULL) == PM_OK &&
		pm_text_append(o->l, o->m, text, limit, 0, out, NULL) == PM_OK)
		return true;
	pm_strbuf_truncate(out, before);
	return false;
}

bool pm_code_name(const struct pm_objects *o, pm_addr code, bool qualified,
	struct pm_strbuf *out)
{
	const struct pm_fields *f = &o->l->f;
	return put_text(o, code,
		qualified && pm_has(f->code.qualname) ? f->code.qualname
						      : f->code.name,
		100, out);
}

bool pm_code_file(
	const struct pm_objects *o, pm_addr code, struct pm_strbuf *out)
{
	return put_text(o, code, o->l->f.code.filename, 4096, out);
}

void pm_frame_describe(const struct pm_objects *o,
	const struct pm_stack_frame *f, struct pm_strbuf *out)
{
	if (!pm_code_name(o, f->code, true, out))
		pm_strbuf_puts(out, "?");
	size_t before = out->len;
	pm_strbuf_puts(out, " (");
	if (pm_code_file(o, f->code, out))
		pm_strbuf_putc(out, ')');
	else
		pm_strbuf_truncate(out, before);
}
