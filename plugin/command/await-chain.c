/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/await-chain.h"
#include "object/locals.h"
#include "object/refs.h"
#include "object/repr.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

/* Steps that are shown of a chain, arguments of a call, characters of each. */
#define MAX_STEPS 1000
#define MAX_ARGUMENTS 3
#define ARGUMENT_WIDTH 60
#define NAME_WIDTH 200

/* ---- places ---- */

void pm_await_place_deinit(struct pm_await_place *p)
{
	pm_strbuf_deinit(&p->function);
	pm_strbuf_deinit(&p->file);
}

void pm_await_place_load(const struct pm_objects *o, const struct pm_object *x,
	struct pm_await_place *ret)
{
	const struct pm_layout *l = o->l;
	struct pm_code_place p;
	uint64_t name = 0, first = 0;
	if (x->type->kind != PM_KIND_GEN || !pm_code_place(o, x, &p))
		return;
	if (pm_layout_read(l, o->m, x->addr, l->f.gen.qualname, &name, NULL) !=
			PM_OK ||
		pm_text_append(l, o->m, name, NAME_WIDTH, 0, &ret->function,
			NULL) != PM_OK)
		pm_strbuf_reset(&ret->function);
	if (p.code && !pm_code_file(o, p.code, &ret->file))
		pm_strbuf_reset(&ret->file);
	ret->state = p.state;
	ret->line = p.line > 0 ? p.line : 0;
	if (p.state == PM_RUN_CLOSED && p.code &&
		pm_layout_read(l, o->m, p.code, l->f.code.firstlineno, &first,
			NULL) == PM_OK)
		ret->line = (int32_t)first;
}

static void put_place(const struct pm_await_place *p, struct pm_strbuf *out)
{
	pm_strbuf_printf(out, "%s (%s",
		p->function.len ? pm_strbuf_text(&p->function) : "?",
		p->file.len ? pm_strbuf_text(&p->file) : "?");
	if (p->line)
		pm_strbuf_printf(out, ":%" PRId64, p->line);
	pm_strbuf_putc(out, ')');
}

/* ---- the chain ---- */

void pm_await_chain_deinit(struct pm_await_chain *c)
{
	pm_vec_deinit(&c->steps);
}

enum pm_status pm_await_chain_load(const struct pm_objects *o,
	const struct pm_awaitable *x, struct pm_await_chain *ret,
	struct pm_error *err)
{
	pm_auto_await_chain c = {.cut = false};
	pm_addr at = x->coro;
	for (unsigned n = 0; at; n++) {
		struct pm_object step;
		if (pm_object_load(o, at, &step, NULL) != PM_OK)
			break;
		enum pm_awaiter kind = pm_awaiter_kind(step.type);
		if (kind == PM_AWAITER_NONE) {
			c.end = at;
			break;
		}
		if (n == MAX_STEPS) {
			c.cut = true;
			break;
		}
		if (kind != PM_AWAITER_GO_BETWEEN && !pm_vec_push(&c.steps, at))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		at = pm_awaits(o, &step);
	}
	if (x->future.waiter)
		c.end = x->future.waiter;
	*ret = c;
	c = (struct pm_await_chain){.cut = false};
	return PM_OK;
}

void pm_awaitable_name(const struct pm_objects *o, const struct pm_awaitable *x,
	struct pm_strbuf *out)
{
	struct pm_object name;
	if (!x->future.name ||
		pm_object_load(o, x->future.name, &name, NULL) != PM_OK)
		return;
	size_t before = out->len;
	if (pm_type_is_name(o->l, name.type)) {
		if (pm_text_append(o->l, o->m, name.addr, NAME_WIDTH, 0, out,
			    NULL) != PM_OK)
			pm_strbuf_truncate(out, before);
		return;
	}
	/* A number until somebody asks for it (3.12). */
	if (name.type->kind == PM_KIND_INT)
		pm_strbuf_puts(out, "Task-");
	pm_repr(o, name.addr, NAME_WIDTH, out);
}

uint64_t pm_loop_thread(const struct pm_objects *o, pm_addr loop)
{
	pm_auto_attr_query q = {.name = "_thread_id"};
	pm_auto_threads threads = {.unreadable = 0};
	pm_auto_strbuf text = {0};
	struct pm_object x;
	struct pm_attr v;
	if (!loop || pm_object_load(o, loop, &x, NULL) != PM_OK ||
		!pm_attr_find(o, &x, &q, &v, NULL) ||
		pm_threads_load(o->l, o->m, &threads, NULL) != PM_OK)
		return 0;
	pm_repr(o, v.value, 40, &text);
	uint64_t ident = strtoull(pm_strbuf_text(&text), NULL, 10);
	pm_vec_each (t, &threads.list)
		if (ident && t->ident == ident)
			return t->number;
	return 0;
}

/* ---- in words ---- */

struct call {
	const struct pm_objects *o;
	uint64_t n, arguments;
	pm_addr self; /* the first of them */
	struct pm_strbuf *out;
};

static bool put_argument(void *arg, pm_addr name, pm_addr value)
{
	struct call *c = arg;
	(void)name;
	if (c->n == c->arguments)
		return false;
	if (!c->n)
		c->self = value;
	if (c->n++ == MAX_ARGUMENTS) {
		pm_strbuf_puts(c->out, ", ...");
		return false;
	}
	if (c->n > 1)
		pm_strbuf_puts(c->out, ", ");
	pm_repr(c->o, value, ARGUMENT_WIDTH, c->out);
	return true;
}

/* " in sleep(3600, None)": the function that a step runs, with its arguments as
   they are now.  Futures of asyncio's Python code wait in a generator of their
   own: it is passed over, as it has only the future itself. */
static bool put_call(const struct pm_objects *o, pm_addr at, pm_addr end,
	struct pm_strbuf *out)
{
	const struct pm_layout *l = o->l;
	struct pm_object x;
	struct pm_stack_frame f;
	pm_auto_await_place p = {.line = 0};
	pm_auto_strbuf arguments = {0};
	struct call c = {.o = o, .out = &arguments};
	if (pm_object_load(o, at, &x, NULL) != PM_OK ||
		!pm_awaiter_frame(o, &x, &f) ||
		pm_layout_read(l, o->m, f.code, l->f.code.argcount,
			&c.arguments, NULL) != PM_OK)
		return true;
	if (pm_locals_each(o, &f, put_argument, &c) != PM_OK)
		pm_strbuf_puts(&arguments, "?");
	if (pm_awaiter_kind(x.type) == PM_AWAITER_GENERATOR && c.self == end)
		return false;
	pm_await_place_load(o, &x, &p);
	pm_strbuf_printf(out, " in %s(%s)",
		p.function.len ? pm_strbuf_text(&p.function) : "?",
		pm_strbuf_text(&arguments));
	return true;
}

static void put_innermost(const struct pm_objects *o,
	const struct pm_await_chain *c, struct pm_strbuf *out)
{
	for (size_t i = c->steps.len; i > 0; i--)
		if (put_call(o, c->steps.data[i - 1], c->end, out))
			return;
}

struct counting {
	struct pm_awaitables_job *j;
	uint64_t n, done;
};

static bool count_child(void *arg, const struct pm_ref *ref)
{
	struct counting *c = arg;
	if (ref->via != PM_VIA_INDEX)
		return true;
	const struct pm_awaitable *x = pm_awaitables_find(c->j, ref->target);
	c->n++;
	c->done += x && pm_awaitable_is_done(x->state);
	return true;
}

static bool put_gather(struct pm_awaitables_job *j, const struct pm_objects *o,
	const struct pm_object *x, struct pm_strbuf *out)
{
	struct counting c = {.j = j};
	struct pm_object list;
	pm_addr children = pm_gathered(o, x);
	if (!children || pm_object_load(o, children, &list, NULL) != PM_OK ||
		list.type->kind != PM_KIND_LIST ||
		pm_refs_each(o, &list, count_child, &c) != PM_OK)
		return false;
	pm_strbuf_printf(
		out, "gather of %" PRIu64 ", %" PRIu64 " done", c.n, c.done);
	return true;
}

static void put_end(struct pm_awaitables_job *j, const struct pm_objects *o,
	const struct pm_await_chain *c, struct pm_strbuf *out)
{
	const struct pm_awaitable *end = pm_awaitables_find(j, c->end);
	struct pm_object x;
	if (pm_object_load(o, c->end, &x, NULL) != PM_OK) {
		pm_strbuf_printf(out, "<unreadable 0x%" PRIx64 ">", c->end);
		return;
	}
	if (end && end->kind == PM_AWAITABLE_TASK) {
		pm_auto_strbuf name = {0};
		pm_awaitable_name(o, end, &name);
		if (name.len)
			pm_strbuf_printf(
				out, "task '%s'", pm_strbuf_text(&name));
		else
			pm_strbuf_printf(out, "task 0x%" PRIx64, end->addr);
		if (pm_awaitable_is_done(end->state))
			pm_strbuf_printf(out, ", which is %s",
				pm_awaitable_state_text(end->state));
		return;
	}
	if (put_gather(j, o, &x, out))
		return;
	if (end && end->kind == PM_AWAITABLE_FUTURE &&
		pm_awaitable_is_done(end->state))
		pm_strbuf_printf(out, "future, which is %s",
			pm_awaitable_state_text(end->state));
	else
		pm_strbuf_puts(out, end && end->kind == PM_AWAITABLE_FUTURE
					    ? "future"
					    : x.type->name);
	put_innermost(o, c, out);
}

void pm_await_describe(struct pm_awaitables_job *j, const struct pm_objects *o,
	const struct pm_awaitable *x, const struct pm_await_chain *c,
	struct pm_strbuf *out)
{
	bool waits = x->state == PM_AWAITABLE_IS_PENDING ||
		     x->state == PM_AWAITABLE_IS_SUSPENDED;
	struct pm_object coro;
	struct pm_code_place p;
	if (!waits)
		return;
	if (c->end) {
		put_end(j, o, c, out);
		return;
	}
	if (x->kind != PM_AWAITABLE_TASK || !x->coro ||
		pm_object_load(o, x->coro, &coro, NULL) != PM_OK ||
		!pm_code_place(o, &coro, &p))
		return;
	pm_strbuf_puts(out, p.state == PM_RUN_CREATED
				    ? "its first turn of the loop"
				    : "its next turn of the loop");
	if (p.state != PM_RUN_CREATED && c->steps.len > 1)
		put_innermost(o, c, out);
}

/* ---- one in full ---- */

static void show_step(struct pm_run *r, const struct pm_objects *o, pm_addr at,
	unsigned number, bool in_text)
{
	struct pm_emit *e = r->emit;
	struct pm_object x;
	pm_auto_await_place p = {.line = 0};
	pm_auto_strbuf text = {0};
	if (pm_object_load(o, at, &x, NULL) != PM_OK)
		return;
	pm_await_place_load(o, &x, &p);
	put_place(&p, &text);
	if (in_text)
		pm_emit_line(e, "  #%-3u %s  (0x%" PRIx64 "%s%s)", number,
			pm_strbuf_text(&text), at,
			p.state == PM_RUN_SUSPENDED ? "" : ", ",
			p.state == PM_RUN_SUSPENDED
				? ""
				: pm_run_state_text(p.state));
	pm_emit_open_object(e, NULL);
	pm_emit_addr(e, "addr", at);
	pm_emit_text(e, "type", x.type->name);
	pm_emit_text(e, "function",
		p.function.len ? pm_strbuf_text(&p.function) : NULL);
	pm_emit_text(e, "file", p.file.len ? pm_strbuf_text(&p.file) : NULL);
	if (p.line)
		pm_emit_int(e, "line", p.line);
	else
		pm_emit_null(e, "line");
	pm_emit_text(e, "state", pm_run_state_text(p.state));
	pm_emit_close(e);
}

struct awaiters {
	struct pm_run *r;
	struct pm_awaitables_job *j;
	const struct pm_objects *o;
	bool in_text;
};

static bool show_awaiter(void *arg, pm_addr task)
{
	const struct awaiters *a = arg;
	const struct pm_awaitable *x = pm_awaitables_find(a->j, task);
	pm_auto_strbuf name = {0};
	if (x)
		pm_awaitable_name(a->o, x, &name);
	if (a->in_text)
		pm_emit_line(a->r->emit,
			"  awaited by task %s  (0x%" PRIx64 ")",
			pm_strbuf_text(&name), task);
	pm_emit_open_object(a->r->emit, NULL);
	pm_emit_addr(a->r->emit, "addr", task);
	pm_emit_text(
		a->r->emit, "name", name.len ? pm_strbuf_text(&name) : NULL);
	pm_emit_close(a->r->emit);
	return true;
}

static void show_heading(struct pm_run *r, const struct pm_objects *o,
	const struct pm_awaitable *x)
{
	pm_auto_strbuf name = {0};
	pm_awaitable_name(o, x, &name);
	pm_emit_line(r->emit, "\n%s%s%s 0x%" PRIx64 ", %s",
		pm_awaitable_kind_text(x->kind), name.len ? " " : "",
		pm_strbuf_text(&name), x->addr,
		pm_awaitable_state_text(x->state));
}

static void show_outcome(struct pm_run *r, const struct pm_objects *o,
	const struct pm_awaitable *x, bool in_text)
{
	pm_auto_strbuf text = {0};
	bool failed = x->state == PM_AWAITABLE_IS_FAILED;
	pm_addr at = failed ? x->future.exception : x->future.result;
	if (!failed && x->state != PM_AWAITABLE_IS_FINISHED)
		at = 0;
	if (at)
		pm_repr(o, at, r->session->repr_limit, &text);
	if (in_text && at)
		pm_emit_line(r->emit, "  %s %s  (0x%" PRIx64 ")",
			failed ? "exception" : "result", pm_strbuf_text(&text),
			at);
	if (at)
		pm_emit_addr(r->emit, "outcome_addr", at);
	else
		pm_emit_null(r->emit, "outcome_addr");
	pm_emit_text(r->emit, "outcome", at ? pm_strbuf_text(&text) : NULL);
}

void pm_await_chain_show(struct pm_run *r, struct pm_awaitables_job *j,
	const struct pm_awaitable *x, const struct pm_await_chain *c,
	bool in_text)
{
	const struct pm_objects *o = &r->session->heap->objects;
	struct awaiters awaiters = {r, j, o, in_text};
	struct pm_emit *e = r->emit;
	pm_auto_strbuf waits = {0};
	unsigned number = 0;
	if (in_text)
		show_heading(r, o, x);
	pm_emit_open_object(e, NULL);
	pm_emit_addr(e, "addr", x->addr);
	pm_emit_open_array(e, "steps");
	pm_vec_each (at, &c->steps)
		show_step(r, o, *at, number++, in_text);
	pm_emit_close(e);
	pm_emit_bool(e, "cut", c->cut);
	if (in_text && c->cut)
		pm_emit_line(e, "  ... and on: it may lead back into itself");
	pm_await_describe(j, o, x, c, &waits);
	if (in_text && waits.len)
		pm_emit_line(e, "  waits for %s", pm_strbuf_text(&waits));
	pm_emit_open_array(e, "awaited_by");
	pm_awaitables_awaiters(j, x, show_awaiter, &awaiters);
	pm_emit_close(e);
	show_outcome(r, o, x, in_text);
	pm_emit_close(e);
}
