/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/mini-frames.h"

#include "layout/wording.h"
#include "object/types.h"

static uint64_t get(struct mini_heap *h, pm_addr at, struct pm_field f)
{
	return pm_has(f) ? mini_load(&h->m, at + f.off, f.size) : 0;
}

void mini_frames_init(struct mini_frames *s, struct mini_heap *h)
{
	const struct pm_fields *f = &h->m.l->f;
	s->h = h;
	s->code_type = mini_type(h, "code", f->code.sizeof_.off, 0, 0, false);
	s->frame_type = mini_type(
		h, "frame", f->frame.sizeof_.off, 0, PM_TPFLAG_HAVE_GC, false);
	s->bytes_type = h->m.l->at.bytes_type.addr
				? h->m.l->at.bytes_type.addr
				: mini_type(h, "bytes", f->bytes.data.off + 1,
					  1, PM_TPFLAG_BYTES, false);
}

/* An instruction of any length, on the first line. */
static pm_addr line_table(struct mini_frames *s)
{
	struct mini *m = &s->h->m;
	const struct pm_fields *f = &m->l->f;
	unsigned n = 0;
	unsigned char bytes[2] = {0};
	if (pm_wording_is(m->l, PM_WORDING_LINES_BY_POSITION)) {
		bytes[0] = 0x80 | 13 << 3 | 7;
		n = 2;
	} else if (pm_wording_is(m->l, PM_WORDING_LINES_BY_RANGE)) {
		bytes[0] = 16;
		n = 2;
	}
	pm_addr at = mini_heap(m, f->bytes.data.off + 8);
	mini_put(m, at, f->object.refcnt, 1);
	mini_put(m, at, f->object.ref_local, 1);
	mini_put(m, at, f->object.type, s->bytes_type);
	mini_put(m, at, f->var_object.size, n);
	for (unsigned i = 0; i < n; i++)
		mini_store(m, at + f->bytes.data.off + i, 1, bytes[i]);
	return at;
}

static pm_addr fixed(struct mini_frames *s, pm_addr type, size_t size)
{
	struct mini *m = &s->h->m;
	const struct pm_fields *f = &m->l->f;
	uint32_t head = m->l->t.gc_head_size;
	pm_addr at = mini_heap(m, head + size) + head;
	mini_put(m, at, f->object.refcnt, 1);
	mini_put(m, at, f->object.ref_local, 1);
	mini_put(m, at, f->object.type, type);
	return at;
}

pm_addr mini_code(struct mini_frames *s, const char *name, const char *file,
	uint32_t line, const char *const *locals, uint32_t n, uint32_t nstack)
{
	struct mini *m = &s->h->m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr names =
		fixed(s, s->h->tuple_type, f->tuple.item.off + (n + 1) * ws);
	pm_addr none = fixed(s, s->h->tuple_type, f->tuple.item.off + ws);
	mini_put(m, names, f->var_object.size, n);
	for (uint32_t i = 0; i < n; i++)
		mini_store(m, names + f->tuple.item.off + i * ws, ws,
			mini_str(m, locals[i]));
	pm_addr at = mini_heap(m, f->code.sizeof_.off + 64);
	mini_put(m, at, f->object.refcnt, 1);
	mini_put(m, at, f->object.ref_local, 1);
	mini_put(m, at, f->object.type, s->code_type);
	mini_put(m, at, f->code.name, mini_str(m, name));
	mini_put(m, at, f->code.qualname, mini_str(m, name));
	mini_put(m, at, f->code.filename, mini_str(m, file));
	mini_put(m, at, f->code.firstlineno, line);
	mini_put(m, at, f->code.linetable, line_table(s));
	mini_put(m, at, f->code.flags, 3); /* CO_OPTIMIZED, CO_NEWLOCALS */
	mini_put(m, at, f->code.stacksize, nstack);
	mini_put(m, at, f->code.nlocals, n);
	mini_put(m, at, f->code.nlocalsplus, n);
	mini_put(m, at, f->code.localsplusnames, names);
	mini_put(m, at, f->code.varnames, names);
	mini_put(m, at, f->code.cellvars, none);
	mini_put(m, at, f->code.freevars, none);
	pm_addr kinds = line_table(s);
	mini_put(m, kinds, f->var_object.size, n);
	for (uint32_t i = 0; i < n && i < 8; i++)
		mini_store(m, kinds + f->bytes.data.off + i, 1, 0x20);
	mini_put(m, at, f->code.localspluskinds, kinds);
	return at;
}

static pm_addr push_object(struct mini_frames *s, pm_addr thread, pm_addr code,
	const pm_addr *values, uint32_t n, int nstack)
{
	struct mini *m = &s->h->m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	uint32_t room = (uint32_t)get(s->h, code, f->code.stacksize);
	pm_addr at =
		fixed(s, s->frame_type, f->frame.sizeof_.off + (n + room) * ws);
	pm_addr first = at + f->frame.localsplus.off + n * ws;
	mini_put(m, at, f->frame.code, code);
	mini_put(m, at, f->frame.back, get(s->h, thread, f->thread.frame));
	mini_put(m, at, f->frame.valuestack, first);
	mini_put(m, at, f->frame.lasti, 0);
	mini_put(m, at, f->frame.stacktop,
		nstack < 0 ? 0 : first + (unsigned)nstack * ws);
	mini_put(m, at, f->frame.stackdepth, (uint32_t)nstack);
	n += nstack < 0 ? room : (uint32_t)nstack;
	for (uint32_t i = 0; i < n; i++)
		mini_store(m, at + f->frame.localsplus.off + i * ws, ws,
			values[i]);
	mini_put(m, thread, f->thread.frame, at);
	return at;
}

static pm_addr push_struct(struct mini_frames *s, pm_addr thread, pm_addr code,
	const pm_addr *values, uint32_t n, int nstack)
{
	struct mini *m = &s->h->m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	uint32_t room = (uint32_t)get(s->h, code, f->code.stacksize);
	pm_addr at = mini_heap(m, f->iframe.localsplus.off + (n + room) * ws);
	pm_addr first = at + f->iframe.localsplus.off;
	pm_addr holder = thread;
	struct pm_field innermost = f->thread.current_frame;
	if (m->l->t.frame_entry == PM_FRAME_CFRAME) {
		holder = get(s->h, thread, f->thread.cframe);
		if (!holder)
			holder = mini_heap(m, f->cframe.sizeof_.off);
		mini_put(m, thread, f->thread.cframe, holder);
		innermost = f->cframe.current_frame;
	}
	mini_put(m, at, f->iframe.code, code);
	mini_put(m, at, f->iframe.previous, get(s->h, holder, innermost));
	mini_put(m, at, f->iframe.instr, code + f->code.code_adaptive.off);
	mini_put(m, at, f->iframe.stacktop,
		nstack < 0 ? UINT32_MAX : n + (uint32_t)nstack);
	mini_put(m, at, f->iframe.stackpointer,
		nstack < 0 ? 0 : first + (n + (unsigned)nstack) * ws);
	mini_put(m, holder, innermost, at);
	n += nstack < 0 ? room : (uint32_t)nstack;
	for (uint32_t i = 0; i < n; i++)
		mini_store(m, first + i * ws, ws, values[i]);
	return at;
}

pm_addr mini_push_frame(struct mini_frames *s, pm_addr thread, pm_addr code,
	const pm_addr *values, int nstack)
{
	struct mini *m = &s->h->m;
	const struct pm_fields *f = &m->l->f;
	uint32_t n = (uint32_t)get(s->h, code,
		pm_has(f->code.nlocalsplus) ? f->code.nlocalsplus
					    : f->code.nlocals);
	return m->l->t.frame_entry == PM_FRAME_OBJECTS
		       ? push_object(s, thread, code, values, n, nstack)
		       : push_struct(s, thread, code, values, n, nstack);
}

pm_addr mini_thread(struct mini *m, uint64_t ident, uint64_t native)
{
	const struct pm_fields *f = &m->l->f;
	uint32_t size = f->thread_impl.sizeof_.off > f->thread.sizeof_.off
				? f->thread_impl.sizeof_.off
				: f->thread.sizeof_.off;
	pm_addr at = mini_heap(m, size);
	struct pm_field head = f->interp.threads_head;
	mini_put(m, at, f->thread.next,
		mini_load(m, m->interp + head.off, head.size));
	mini_put(m, at, f->thread.interp, m->interp);
	mini_put(m, at, f->thread.thread_id, ident);
	mini_put(m, at, f->thread.native_thread_id, native);
	mini_put(m, m->interp, head, at);
	return at;
}
