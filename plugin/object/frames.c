/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/frames.h"
#include "object/text.h"

#define MAX_THREADS 100000
#define MAX_FRAMES 1000000

/* _PyInterpreterFrame.owner (pycore_frame.h): FRAME_OWNED_BY_THREAD. */
#define OWNED_BY_THREAD 0

struct walk {
	const struct pm_objects *o;
	pm_frame_fn *fn;
	void *arg;
	bool stop;
};

static enum pm_status innermost(
	const struct pm_objects *o, pm_addr thread, pm_addr *ret)
{
	const struct pm_layout *l = o->l;
	uint64_t at = 0;
	if (l->t.frame_entry == PM_FRAME_CURRENT)
		return pm_layout_read(
			l, o->m, thread, l->f.thread.current_frame, ret, NULL);
	PM_TRY(pm_layout_read(l, o->m, thread, l->f.thread.cframe, &at, NULL));
	return pm_layout_read(
		l, o->m, at, l->f.cframe.current_frame, ret, NULL);
}

static enum pm_status walk_thread(
	struct walk *w, pm_addr interp, pm_addr thread)
{
	const struct pm_layout *l = w->o->l;
	struct pm_memory *m = w->o->m;
	struct pm_stack_frame f = {.interp = interp, .thread = thread};
	uint64_t mask =
		l->t.frame_refs == PM_REF_TAGGED ? ~UINT64_C(3) : ~UINT64_C(0);
	pm_addr at = 0;
	if (pm_layout_read(l, m, thread, l->f.thread.native_thread_id,
		    &f.native_thread, NULL) != PM_OK)
		f.native_thread = 0;
	PM_TRY(innermost(w->o, thread, &at));
	for (unsigned i = 0; at && i < MAX_FRAMES && !w->stop; i++) {
		uint64_t owner = 0;
		PM_TRY(pm_layout_read(
			l, m, at, l->f.iframe.owner, &owner, NULL));
		PM_TRY(pm_layout_read(
			l, m, at, l->f.iframe.code, &f.code, NULL));
		f.code &= mask;
		f.iframe = at;
		if (owner == OWNED_BY_THREAD) {
			w->stop = !w->fn(w->arg, &f);
			f.depth++;
		}
		PM_TRY(pm_layout_read(
			l, m, at, l->f.iframe.previous, &at, NULL));
	}
	return PM_OK;
}

enum pm_status pm_frames_each(
	const struct pm_objects *o, pm_frame_fn *fn, void *arg)
{
	const struct pm_layout *l = o->l;
	struct walk w = {o, fn, arg, false};
	pm_addr interp = l->at.interp_head.addr;
	if (l->t.frame_entry == PM_FRAME_OBJECTS)
		return PM_OK;
	for (int i = 0; interp && i < MAX_THREADS && !w.stop; i++) {
		pm_addr thread = 0;
		PM_TRY(pm_layout_read(l, o->m, interp, l->f.interp.threads_head,
			&thread, NULL));
		for (int k = 0; thread && k < MAX_THREADS && !w.stop; k++) {
			PM_TRY(walk_thread(&w, interp, thread));
			PM_TRY(pm_layout_read(l, o->m, thread, l->f.thread.next,
				&thread, NULL));
		}
		PM_TRY(pm_layout_next_interpreter(l, o->m, &interp, NULL));
	}
	return PM_OK;
}

void pm_frame_describe(const struct pm_objects *o,
	const struct pm_stack_frame *f, struct pm_strbuf *out)
{
	const struct pm_layout *l = o->l;
	uint64_t name = 0, file = 0;
	struct pm_field qualname = pm_has(l->f.code.qualname)
					   ? l->f.code.qualname
					   : l->f.code.name;
	if (pm_layout_read(l, o->m, f->code, qualname, &name, NULL) != PM_OK ||
		pm_text_append(l, o->m, name, 100, 0, out, NULL) != PM_OK)
		pm_strbuf_puts(out, "?");
	size_t before = out->len;
	pm_strbuf_puts(out, " (");
	if (pm_layout_read(l, o->m, f->code, l->f.code.filename, &file, NULL) !=
			PM_OK ||
		pm_text_append(l, o->m, file, 200, 0, out, NULL) != PM_OK) {
		pm_strbuf_truncate(out, before);
		return;
	}
	pm_strbuf_putc(out, ')');
}
