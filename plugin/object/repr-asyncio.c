/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Futures and tasks of asyncio's C code.  As asyncio prints them, but that
   callbacks are left out, and results are not shortened by reprlib. */
#include "object/futures.h"
#include "object/lines.h"
#include "object/repr-internal.h"

#include <inttypes.h>

/* " exception=..." or " result=..." of what has finished. */
static void put_outcome(struct pm_repr *r, const struct pm_future *f)
{
	if (f->state != PM_FUTURE_FINISHED)
		return;
	pm_strbuf_puts(r->out, f->exception ? " exception=" : " result=");
	pm_repr_put(r, f->exception ? f->exception : f->result);
}

/* " created at file:line", which asyncio notes in debug mode: the last of a
   list of traceback.FrameSummary. */
static void put_origin(struct pm_repr *r, const struct pm_future *f)
{
	struct pm_object frame;
	uint64_t n = 0;
	pm_addr at;
	if (!f->source_tb || !pm_repr_items(r, f->source_tb, &n, &at) || !n ||
		pm_object_load(r->o, pm_repr_item(r, at, n - 1), &frame,
			NULL) != PM_OK)
		return;
	pm_strbuf_puts(r->out, " created at ");
	if (!pm_repr_text(r, pm_repr_attr(r, &frame, "filename")))
		pm_strbuf_putc(r->out, '?');
	pm_strbuf_putc(r->out, ':');
	pm_addr line = pm_repr_attr(r, &frame, "lineno");
	if (line)
		pm_repr_put(r, line);
}

static void put_state(
	struct pm_repr *r, const struct pm_object *x, const struct pm_future *f)
{
	static const char *const names[] = {"pending", "cancelled", "finished"};
	pm_strbuf_putc(r->out, '<');
	pm_repr_bare_name(r, x->type);
	pm_strbuf_printf(r->out, " %s", names[f->state]);
}

/* " coro=<name() running at file:line>" */
static void put_coroutine(struct pm_repr *r, const struct pm_object *coro)
{
	const struct pm_fields *f = &r->o->l->f;
	struct pm_code_place p;
	uint64_t file = 0, first = 0;
	pm_strbuf_puts(r->out, " coro=<");
	if (!pm_repr_text(r, pm_repr_field(r, coro, f->gen.qualname)))
		pm_strbuf_putc(r->out, '?');
	pm_strbuf_puts(r->out, "()");
	if (pm_code_place(r->o, coro, &p) &&
		pm_layout_read(r->o->l, r->o->m, p.code, f->code.filename,
			&file, NULL) == PM_OK &&
		pm_layout_read(r->o->l, r->o->m, p.code, f->code.firstlineno,
			&first, NULL) == PM_OK) {
		bool done = p.state == PM_RUN_CLOSED;
		pm_strbuf_puts(
			r->out, done ? " done, defined at " : " running at ");
		if (!pm_repr_text(r, file))
			pm_strbuf_putc(r->out, '?');
		pm_strbuf_printf(
			r->out, ":%" PRId64, done ? (int64_t)first : p.line);
	}
	pm_strbuf_putc(r->out, '>');
}

/* A number until somebody asks for it (3.12). */
static void put_name(struct pm_repr *r, pm_addr name)
{
	int64_t n;
	pm_strbuf_puts(r->out, " name=");
	if (pm_repr_small_int(r, name, &n))
		pm_strbuf_printf(r->out, "'Task-%" PRId64 "'", n);
	else
		pm_repr_put(r, name);
}

void pm_repr_task(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_future f;
	struct pm_object coro;
	if (!pm_repr_enter(r, x, "..."))
		return;
	if (!pm_future_load(r->o, NULL, x, PM_TASK_NATIVE, &f) || !f.coro ||
		pm_object_load(r->o, f.coro, &coro, NULL) != PM_OK) {
		pm_repr_default(r, x);
		pm_repr_leave(r);
		return;
	}
	put_state(r, x, &f);
	if (pm_has(r->o->l->f.task.name))
		put_name(r, f.name);
	put_coroutine(r, &coro);
	if (f.waiter) {
		pm_strbuf_puts(r->out, " wait_for=");
		pm_repr_put(r, f.waiter);
	}
	put_outcome(r, &f);
	put_origin(r, &f);
	pm_strbuf_putc(r->out, '>');
	pm_repr_leave(r);
}

void pm_repr_future(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_future f;
	/* Tasks have their __repr__ from futures (until 3.10). */
	if (pm_future_kind(r->o, x->type) == PM_TASK_NATIVE) {
		pm_repr_task(r, x);
		return;
	}
	if (!pm_repr_enter(r, x, "..."))
		return;
	if (pm_future_load(r->o, NULL, x, PM_FUTURE_NATIVE, &f)) {
		put_state(r, x, &f);
		put_outcome(r, &f);
		put_origin(r, &f);
		pm_strbuf_putc(r->out, '>');
	} else {
		pm_repr_default(r, x);
	}
	pm_repr_leave(r);
}
