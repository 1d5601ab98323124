/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What frames hold: in frame objects, in generators, on a thread's stack. */
#include "object/frames.h"
#include "object/lines.h"
#include "object/refs-internal.h"

/* Names of the local variables of a code object; 0 when there are none. */
static pm_addr local_name(struct pm_ref_walk *w, pm_addr code, uint64_t i)
{
	const struct pm_layout *l = w->o->l;
	struct pm_field names = pm_has(l->f.code.localsplusnames)
					? l->f.code.localsplusnames
					: l->f.code.varnames;
	uint64_t tuple = 0, n = 0, name = 0;
	if (!code ||
		pm_layout_read(l, w->o->m, code, names, &tuple, NULL) !=
			PM_OK ||
		pm_layout_read(l, w->o->m, tuple, l->f.var_object.size, &n,
			NULL) != PM_OK ||
		i >= n ||
		pm_memory_read_uint(w->o->m,
			tuple + l->f.tuple.item.off + i * l->t.word_size,
			l->t.word_size, &name, NULL) != PM_OK)
		return 0;
	return name;
}

static void emit_locals(struct pm_ref_walk *w, pm_addr code, pm_addr at,
	uint64_t nlocals, uint64_t nstack)
{
	const struct pm_layout *l = w->o->l;
	unsigned ws = l->t.word_size;
	uint64_t mask =
		l->t.frame_refs == PM_REF_TAGGED ? ~UINT64_C(3) : ~UINT64_C(0);
	for (uint64_t i = 0; i < nlocals + nstack && !w->stop; i++) {
		uint64_t v;
		if (!word(w, at + i * ws, &v))
			return;
		/* Low bits 3: a tagged integer, no object (3.14). */
		if (mask != ~UINT64_C(0) && (v & 3) == 3)
			continue;
		struct pm_ref r = {
			v & mask, PM_VIA_LOCAL, NULL, 0, i, at + i * ws};
		if (i >= nlocals) {
			r.via = PM_VIA_STACK;
			r.index = i - nlocals;
		} else {
			r.key = local_name(w, code, i);
		}
		emit(w, r);
	}
}

/* An interpreter frame that its holder owns (3.11 and later). */
static void walk_iframe(struct pm_ref_walk *w, pm_addr iframe)
{
	const struct pm_layout *l = w->o->l;
	const struct pm_fields *f = &l->f;
	uint64_t mask =
		l->t.frame_refs == PM_REF_TAGGED ? ~UINT64_C(3) : ~UINT64_C(0);
	uint64_t code = 0, v = 0;
	if (!word(w, iframe + f->iframe.code.off, &code))
		return;
	code &= mask;
	emit(w, (struct pm_ref){code, PM_VIA_FIELD, "code", 0, 0,
			iframe + f->iframe.code.off});
	if (word(w, iframe + f->iframe.func.off, &v))
		emit(w, (struct pm_ref){v & mask, PM_VIA_FIELD, "function", 0,
				0, iframe + f->iframe.func.off});
	emit_field(w, iframe, f->iframe.locals, "f_locals");
	emit_field(w, iframe, f->iframe.frame_obj, "frame");
	struct pm_frame_slots slots;
	enum pm_status s = pm_frame_slots_load(w->o, iframe, 0, &slots);
	note(w, s);
	if (s == PM_OK)
		emit_locals(w, code, slots.at, slots.nlocals, slots.depth);
}

void pm_walk_gen(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	if (!pm_has(l->f.gen.iframe))
		return;
	/* Suspended ones own their frame; running ones are the thread's, and
	   cleared ones have none. */
	if (pm_gen_owns_frame(pm_gen_state(w->o, w->x)))
		walk_iframe(w, w->x->addr + l->f.gen.iframe.off);
}

/* 3.10 and before: fast locals, cells, free variables, value stack. */
static void walk_frame_object(struct pm_ref_walk *w)
{
	pm_addr code =
		pm_get(w->o->l, pm_object_body(w->x), w->o->l->f.frame.code);
	struct pm_frame_slots slots;
	enum pm_status s = pm_frame_slots_load(w->o, 0, w->x->addr, &slots);
	note(w, s);
	if (s == PM_OK)
		emit_locals(w, code, slots.at, slots.nlocals, slots.depth);
}

void pm_walk_frame(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	if (!pm_has(l->f.frame.iframe)) {
		walk_frame_object(w);
		return;
	}
	pm_addr iframe = pm_get(l, pm_object_body(w->x), l->f.frame.iframe);
	if (iframe == w->x->addr + l->f.frame.frame_data.off)
		walk_iframe(w, iframe);
}

enum pm_status pm_refs_of_frame(
	const struct pm_objects *o, pm_addr iframe, pm_ref_fn *fn, void *arg)
{
	struct pm_ref_walk w = {o, NULL, fn, arg, false, PM_OK};
	walk_iframe(&w, iframe);
	return w.worst;
}
