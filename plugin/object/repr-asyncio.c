/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Futures and tasks of asyncio's C code.  As asyncio prints them, but that
   callbacks are left out, and results are not shortened by reprlib. */
#include "object/lines.h"
#include "object/repr-internal.h"

#include <inttypes.h>
#include <string.h>

enum { PENDING, CANCELLED, FINISHED };

/* loop, (callback0, context0), callbacks, exception, (exception_tb), result,
   source_tb, (cancel_msg), (cancelled_exc), (awaited_by), state */

static unsigned has(struct pm_repr *r, enum pm_wording w)
{
	return pm_wording_is(r->o->l, w);
}

static unsigned exception_word(struct pm_repr *r)
{
	return has(r, PM_WORDING_FUTURE_CONTEXTS) ? 4 : 2;
}

static unsigned state_word(struct pm_repr *r)
{
	return exception_word(r) + 3 + has(r, PM_WORDING_FUTURE_CANCEL_MSG) +
	       has(r, PM_WORDING_FUTURE_EXCEPTION_TB) +
	       has(r, PM_WORDING_FUTURE_CANCELLED_EXC) +
	       has(r, PM_WORDING_FUTURE_AWAITED_BY);
}

static int state_of(struct pm_repr *r, const struct pm_object *x)
{
	unsigned ws = r->o->l->t.word_size;
	return (int)(uint32_t)pm_repr_bytes(
		r, x, r->o->l->f.object.sizeof_.off + state_word(r) * ws, 4);
}

/* " exception=..." or " result=..." of what has finished. */
static void put_outcome(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr exception = pm_repr_word(r, x, exception_word(r));
	if (state_of(r, x) != FINISHED)
		return;
	if (exception && exception != r->o->l->at.none.addr) {
		pm_strbuf_puts(r->out, " exception=");
		pm_repr_put(r, exception);
		return;
	}
	pm_strbuf_puts(r->out, " result=");
	pm_repr_put(r, pm_repr_word(r, x,
			       exception_word(r) + 1 +
				       has(r, PM_WORDING_FUTURE_EXCEPTION_TB)));
}

/* " created at file:line", which asyncio notes in debug mode: the last of a
   list of traceback.FrameSummary. */
static void put_origin(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr stack = pm_repr_word(r, x,
		exception_word(r) + 2 + has(r, PM_WORDING_FUTURE_EXCEPTION_TB));
	struct pm_object frame;
	uint64_t n = 0;
	pm_addr at;
	if (!stack || stack == r->o->l->at.none.addr ||
		!pm_repr_items(r, stack, &n, &at) || !n ||
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

static bool put_state(struct pm_repr *r, const struct pm_object *x)
{
	static const char *const names[] = {"pending", "cancelled", "finished"};
	int state = state_of(r, x);
	if (state < PENDING || state > FINISHED)
		return false;
	pm_strbuf_putc(r->out, '<');
	pm_repr_bare_name(r, x->type);
	pm_strbuf_printf(r->out, " %s", names[state]);
	return true;
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

/* Behind the future: fut_waiter, coro, name, context; which words these are
   has changed, the coroutine tells.  0: none. */
static unsigned coroutine_word(
	struct pm_repr *r, const struct pm_object *x, struct pm_object *ret)
{
	unsigned ws = r->o->l->t.word_size;
	uint64_t words =
		((uint64_t)x->type->basicsize - r->o->l->f.object.sizeof_.off) /
		ws;
	for (unsigned i = state_word(r) + 1; i + 1 < words && i < 32; i++) {
		pm_addr at = pm_repr_word(r, x, i);
		if (at && pm_object_load(r->o, at, ret, NULL) == PM_OK &&
			ret->type->kind == PM_KIND_GEN)
			return i;
	}
	return 0;
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
	struct pm_object coro;
	unsigned word = coroutine_word(r, x, &coro);
	if (!pm_repr_enter(r, x, "..."))
		return;
	if (!word || !put_state(r, x)) {
		pm_repr_default(r, x);
		pm_repr_leave(r);
		return;
	}
	if (pm_wording_is(r->o->l, PM_WORDING_TASK_NAME))
		put_name(r, pm_repr_word(r, x, word + 1));
	put_coroutine(r, &coro);
	pm_addr waiter = pm_repr_word(r, x, word - 1);
	if (waiter && waiter != r->o->l->at.none.addr) {
		pm_strbuf_puts(r->out, " wait_for=");
		pm_repr_put(r, waiter);
	}
	put_outcome(r, x);
	put_origin(r, x);
	pm_strbuf_putc(r->out, '>');
	pm_repr_leave(r);
}

/* Tasks have their __repr__ from futures (until 3.10). */
static bool is_task(struct pm_repr *r, const struct pm_type *t)
{
	for (int i = 0; t && t->is_type && i < 64; i++) {
		if (!strcmp(t->name, "_asyncio.Task"))
			return true;
		t = pm_types_get(r->o->types, t->base);
	}
	return false;
}

void pm_repr_future(struct pm_repr *r, const struct pm_object *x)
{
	if (is_task(r, x->type)) {
		pm_repr_task(r, x);
		return;
	}
	if (!pm_repr_enter(r, x, "..."))
		return;
	if (put_state(r, x)) {
		put_outcome(r, x);
		put_origin(r, x);
		pm_strbuf_putc(r->out, '>');
	} else {
		pm_repr_default(r, x);
	}
	pm_repr_leave(r);
}
