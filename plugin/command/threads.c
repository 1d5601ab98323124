/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-threads: Python stacks of all threads. */
#include "command/commands.h"
#include "command/walking.h"
#include "heap/team.h"
#include "object/locals.h"
#include "object/repr.h"
#include "object/text.h"
#include "object/thread-names.h"

#include <inttypes.h>
#include <string.h>

#define NAME_LIMIT 200
/* PyThreadState.state (pycore_pystate.h, 3.13). */
#define STATE_ATTACHED 1
#define STATE_SUSPENDED 2

struct threads {
	struct pm_heap *h;
	struct pm_threads list;
	struct pm_thread_objects objects;
	size_t at, shown;
	bool begun, in_stack;
	struct pm_stack stack;
	uint64_t frames, hidden; /* of the thread under way */
	uint64_t unreadable;
};

static const struct pm_option options[] = {
	{.name = "locals",
		.help = "Show the local variables of each frame, too."},
	{.name = "namespaces",
		.help = "With -locals, also those of modules and classes."},
	{"repr-limit", PM_ARG_COUNT, "N", NULL,
		"show at most N characters of a value (py-set repr-limit)"},
	{"thread", PM_ARG_COUNT, "N", NULL, "show only thread N"},
	{0},
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct threads *st = r->state = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_walking_heap(r->session, &st->h, err));
	PM_TRY(pm_threads_load(st->h->l, st->h->memory, &st->list, err));
	PM_TRY(pm_thread_objects_load(&st->h->objects, &st->objects, err));
	st->unreadable = st->list.unreadable + st->objects.unreadable;
	uint64_t only = pm_run_number(r, "thread", 0);
	if (pm_run_given(r, "thread") && (!only || only > st->list.list.len))
		return pm_fail(err, PM_USAGE, 0,
			"there is no thread %" PRIu64
			": they are numbered from 1 to %zu",
			only, st->list.list.len);
	return PM_OK;
}

/* ---- who runs ---- */

enum run_state { STATE_UNKNOWN, STATE_RUNNING, STATE_WAITING, STATE_STOPPED };

static const char *const state_keys[] = {
	NULL, "running", "waiting", "suspended"};

/* Until 3.6 a variable of C says who holds the lock. */
static bool current_by_symbol(struct pm_run *r, pm_addr *ret)
{
	const struct pm_module *module;
	struct pm_symbol symbol;
	size_t pos = 0;
	const struct pm_session *s = r->session;
	return pm_modules_next_symbol(&s->modules, "_PyThreadState_Current",
		       &pos, &symbol, &module) &&
	       pm_memory_read_uint(s->memory, symbol.addr,
		       s->layout->t.word_size, ret, NULL) == PM_OK;
}

/* The thread of this interpreter that holds its lock, 0: none; false: not
   known.  From 3.12 on interpreters may have locks of their own. */
static bool lock_holder(struct pm_run *r, pm_addr interp, pm_addr *ret)
{
	const struct pm_layout *l = r->session->layout;
	struct pm_memory *m = r->session->memory;
	uint64_t gil = 0, locked = 0;
	if (pm_has(l->f.interp.ceval_gil) && pm_has(l->f.gil.locked)) {
		if (pm_layout_read(l, m, interp, l->f.interp.ceval_gil, &gil,
			    NULL) != PM_OK ||
			!gil ||
			pm_layout_read(l, m, gil, l->f.gil.locked, &locked,
				NULL) != PM_OK)
			return false;
		*ret = 0;
		return locked != 1 ||
		       pm_layout_read(l, m, gil, l->f.gil.last_holder, ret,
			       NULL) == PM_OK;
	}
	if (pm_has(l->f.runtime.gilstate_tstate_current) && l->at.runtime.addr)
		return pm_layout_read(l, m, l->at.runtime.addr,
			       l->f.runtime.gilstate_tstate_current, ret,
			       NULL) == PM_OK;
	return current_by_symbol(r, ret);
}

static enum run_state state_of(struct pm_run *r, const struct pm_thread *t)
{
	const struct pm_layout *l = r->session->layout;
	uint64_t state = 0;
	pm_addr holder = 0;
	if (pm_has(l->f.thread.state)) {
		if (pm_layout_read(l, r->session->memory, t->addr,
			    l->f.thread.state, &state, NULL) != PM_OK)
			return STATE_UNKNOWN;
		return state == STATE_ATTACHED	  ? STATE_RUNNING
		       : state == STATE_SUSPENDED ? STATE_STOPPED
						  : STATE_WAITING;
	}
	if (!lock_holder(r, t->interp, &holder))
		return STATE_UNKNOWN;
	return holder == t->addr ? STATE_RUNNING : STATE_WAITING;
}

static const char *state_text(const struct pm_layout *l, enum run_state s)
{
	switch (s) {
	case STATE_RUNNING:
		return l->free_threaded ? "runs" : "holds the GIL";
	case STATE_WAITING:
		return "waits or runs C code";
	case STATE_STOPPED:
		return "stopped for the collector";
	case STATE_UNKNOWN:
		break;
	}
	return "runs or waits: not known";
}

/* ---- one thread ---- */

static void begin_thread(struct pm_run *r, const struct pm_thread *t)
{
	struct threads *st = r->state;
	struct pm_emit *e = r->emit;
	const struct pm_layout *l = r->session->layout;
	const struct pm_thread_object *x =
		pm_thread_object_of(&st->objects, t->interp, t->ident);
	enum run_state state = state_of(r, t);
	pm_auto_strbuf name = {0}, ids = {0};
	if (x && x->name &&
		pm_text_append(l, r->session->memory, x->name, NAME_LIMIT, 0,
			&name, NULL) != PM_OK)
		pm_strbuf_reset(&name);
	if (t->native)
		pm_strbuf_printf(&ids, ", system id %" PRIu64, t->native);
	else if (t->ident)
		pm_strbuf_printf(&ids, ", pthread 0x%" PRIx64, t->ident);
	if (t->interp_id)
		pm_strbuf_printf(&ids, ", interpreter %" PRId64, t->interp_id);
	if (st->shown++)
		pm_emit_line(e, "%s", "");
	pm_emit_line(e, "Thread %zu %s%s%s: %s", t->number,
		name.len ? pm_strbuf_text(&name) : "(no name)",
		x && x->daemon ? ", daemon" : "", pm_strbuf_text(&ids),
		state_text(l, state));
	pm_emit_open_object(e, NULL);
	pm_emit_uint(e, "id", t->number);
	pm_emit_addr(e, "addr", t->addr);
	pm_emit_int(e, "interpreter", t->interp_id);
	pm_emit_uint(e, "ident", t->ident);
	if (t->native)
		pm_emit_uint(e, "native_id", t->native);
	else
		pm_emit_null(e, "native_id");
	pm_emit_text(e, "name", name.len ? pm_strbuf_text(&name) : NULL);
	if (x) {
		pm_emit_addr(e, "object", x->object);
		pm_emit_bool(e, "daemon", x->daemon);
	} else {
		pm_emit_null(e, "object");
		pm_emit_null(e, "daemon");
	}
	pm_emit_text(e, "state", state_keys[state]);
	if (l->free_threaded || state == STATE_UNKNOWN)
		pm_emit_null(e, "gil");
	else
		pm_emit_bool(e, "gil", state == STATE_RUNNING);
	pm_emit_open_array(e, "frames");
	st->frames = st->hidden = 0;
	st->stack = pm_stack_of(&st->h->objects, t->interp, t->addr);
	st->in_stack = true;
}

static void end_thread(struct pm_run *r)
{
	struct threads *st = r->state;
	struct pm_emit *e = r->emit;
	pm_emit_close(e);
	pm_emit_uint(e, "frames_hidden", st->hidden);
	if (st->hidden)
		pm_emit_line(e,
			"  ... %" PRIu64
			" more frames outside of these (-all shows them)",
			st->hidden);
	if (st->stack.status != PM_OK) {
		st->unreadable++;
		pm_emit_line(e, "%s", "  (its stack can't be read further)");
	} else if (!st->frames) {
		pm_emit_line(e, "%s", "  (no Python frames)");
	}
	pm_emit_close(e);
	st->in_stack = false;
	st->at++;
}

struct showing {
	struct pm_run *r;
	size_t limit;
};

static bool show_local(void *arg, pm_addr name, pm_addr value)
{
	const struct showing *s = arg;
	const struct threads *st = s->r->state;
	struct pm_emit *e = s->r->emit;
	pm_auto_strbuf key = {0}, text = {0};
	struct pm_object x;
	if (pm_text_append(st->h->l, st->h->memory, name, NAME_LIMIT, 0, &key,
		    NULL) != PM_OK) {
		pm_strbuf_reset(&key);
		pm_repr(&st->h->objects, name, 40, &key);
	}
	pm_repr(&st->h->objects, value, s->limit, &text);
	bool known = pm_object_load(&st->h->objects, value, &x, NULL) == PM_OK;
	pm_emit_line(e, "        %s = %s  (0x%" PRIx64 ")",
		pm_strbuf_text(&key), pm_strbuf_text(&text), value);
	pm_emit_open_object(e, NULL);
	pm_emit_text(e, "name", pm_strbuf_text(&key));
	pm_emit_addr(e, "addr", value);
	pm_emit_text(e, "type", known ? x.type->name : NULL);
	pm_emit_text(e, "repr", pm_strbuf_text(&text));
	pm_emit_close(e);
	return true;
}

static void show_frame(struct pm_run *r, const struct pm_stack_frame *f)
{
	struct threads *st = r->state;
	struct pm_emit *e = r->emit;
	const struct pm_objects *o = &st->h->objects;
	struct pm_code_place p = pm_frame_place(o, f);
	pm_auto_strbuf name = {0}, qualname = {0}, file = {0}, line = {0};
	bool has_name = pm_code_name(o, f->code, false, &name);
	bool has_file = pm_code_file(o, f->code, &file);
	if (!pm_code_name(o, f->code, true, &qualname))
		pm_strbuf_puts(&qualname, "?");
	if (p.line > 0)
		pm_strbuf_printf(&line, ":%" PRId64, p.line);
	pm_emit_line(e, "  #%-3u %s (%s%s)", f->depth,
		pm_strbuf_text(&qualname),
		has_file ? pm_strbuf_text(&file) : "?", pm_strbuf_text(&line));
	pm_emit_open_object(e, NULL);
	pm_emit_text(e, "function", has_name ? pm_strbuf_text(&name) : NULL);
	pm_emit_text(e, "qualname", pm_strbuf_text(&qualname));
	pm_emit_text(e, "file", has_file ? pm_strbuf_text(&file) : NULL);
	if (p.line > 0)
		pm_emit_int(e, "line", p.line);
	else
		pm_emit_null(e, "line");
	pm_emit_bool(e, "generator", f->generator);
	pm_emit_addr(e, "code", f->code);
	if (f->object)
		pm_emit_addr(e, "frame", f->object);
	else
		pm_emit_null(e, "frame");
	if (pm_run_flag(r, "locals")) {
		struct showing s = {r,
			pm_run_number(r, "repr-limit", r->session->repr_limit)};
		bool whole = pm_locals_are_namespace(o, f);
		pm_emit_open_array(e, "locals");
		if (whole && !pm_run_flag(r, "namespaces"))
			pm_emit_line(e, "%s",
				"        (the namespace of a module or class: "
				"-namespaces shows it)");
		else if (pm_locals_each(o, f, show_local, &s) != PM_OK)
			st->unreadable++;
		pm_emit_close(e);
	}
	pm_emit_close(e);
}

static void show_total(struct pm_run *r)
{
	struct threads *st = r->state;
	struct pm_emit *e = r->emit;
	pm_emit_close(e);
	const struct pm_layout *l = r->session->layout;
	if (l->free_threaded)
		pm_emit_line(e, "\n%s",
			"This Python is free-threaded: there is no GIL.");
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "threads", st->list.list.len);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", st->list.list.len);
	pm_emit_skipped(e, st->unreadable, 0);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct threads *st = r->state;
	double deadline = pm_now() + PM_STEP_SECONDS;
	uint64_t only = pm_run_number(r, "thread", 0);
	struct pm_stack_frame f;
	(void)err;
	if (!st->begun)
		pm_emit_open_array(r->emit, "threads");
	st->begun = true;
	*ret_done = false;
	for (unsigned n = 1; st->at < st->list.list.len; n++) {
		const struct pm_thread *t = &st->list.list.data[st->at];
		if (n % 16 == 0 && pm_now() > deadline) {
			snprintf(r->progress, sizeof r->progress,
				"reading stacks %zu/%zu", st->at,
				st->list.list.len);
			return PM_OK;
		}
		if (only && t->number != only) {
			st->at++;
		} else if (!st->in_stack) {
			begin_thread(r, t);
		} else if (!pm_stack_next(&st->stack, &f)) {
			end_thread(r);
		} else if (r->top && st->frames >= r->top) {
			st->hidden++;
		} else {
			st->frames++;
			show_frame(r, &f);
		}
	}
	show_total(r);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct threads *st = r->state;
	if (!st)
		return;
	pm_threads_deinit(&st->list);
	pm_thread_objects_deinit(&st->objects);
	free(st);
	r->state = NULL;
}

const struct pm_command pm_command_threads = {
	.name = "py-threads",
	.group = PM_GROUP_OVERVIEW,
	.summary = "Show the Python stack of every thread.",
	.options = options,
	.flags = PM_COMMAND_TABLE,
	.operand = PM_OPERAND_NONE,
	.doc = "Of every thread of every interpreter that has a Python thread "
	       "state, the oldest first: its name in the threading module, its "
	       "system id, whether it is a daemon and whether it holds the "
	       "GIL; "
	       "then its Python frames, the innermost first, with function, "
	       "file "
	       "and line as traceback.extract_stack() gives them.  A thread "
	       "that "
	       "does not hold the GIL waits for it or for something else, or "
	       "runs C code that has released it.  Free-threaded builds have "
	       "no "
	       "GIL: there, all threads may run at once.\n"
	       "-locals shows what each function's variables hold, those in "
	       "cells included, each with its address for other commands.  "
	       "-top N limits the frames of each thread.",
	.examples = "py-threads                       # where each thread is\n"
		    "py-threads -locals -thread 2     # what one has in hand\n"
		    "py-threads -all -json            # all frames, for a "
		    "script",
	.start = start,
	.step = step,
	.finish = finish,
};
