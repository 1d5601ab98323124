/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-threads on images of every row: stacks, lines, variables, who runs. */
#include "command/run.h"
#include "lib/mini-frames.h"
#include "object/locals.h"
#include "unit/unit.h"

#include <jansson.h>
#include <string.h>

struct world {
	struct mini_heap h;
	struct mini_frames s;
	struct pm_session session;
	pm_addr thread, inner, code;
	pm_addr one; /* a str */
	json_t *doc;
};

static const char *const locals[] = {"buf", "n"};

static void begin(struct world *w, const struct pm_row *row)
{
	memset(w, 0, sizeof *w);
	mini_heap_init(&w->h, row);
	mini_frames_init(&w->s, &w->h);
	struct mini *m = &w->h.m;
	w->one = mini_str(m, "one");
	w->thread = mini_thread(m, 0x1000, 42);
	pm_addr outer = mini_code(&w->s, "outer", "app.py", 3, locals, 1, 2);
	w->code = mini_code(&w->s, "inner", "lib.py", 17, locals, 2, 2);
	const pm_addr values[] = {w->one, 0, w->one, 0};
	mini_push_frame(&w->s, w->thread, outer, values, 0);
	w->inner = mini_push_frame(&w->s, w->thread, w->code, values, -1);
}

static void end(struct world *w)
{
	json_decref(w->doc);
	mini_heap_deinit(&w->h);
}

static void ask(struct world *w, const char *line)
{
	struct pm_session *s = &w->session;
	struct pm_error err = {0};
	struct pm_run *run = NULL;
	struct pm_result res;
	bool done = false;
	pm_session_init(s);
	s->target = w->h.m.t;
	s->layout = w->h.m.l;
	s->modules = w->h.m.ms;
	s->reader = "image";
	json_decref(w->doc);
	w->doc = NULL;
	ck_assert_int_eq(pm_run_create(s, line, &run, &err), PM_OK);
	ck_assert_int_eq(pm_session_ensure(s, &err), PM_OK);
	ck_assert_int_eq(pm_run_start(run, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_run_step(run, &done, &err), PM_OK);
	ck_assert_int_eq(pm_run_result(run, &res, &err), PM_OK);
	w->doc = json_loadb(res.text, res.len, 0, NULL);
	ck_assert_ptr_nonnull(w->doc);
	pm_run_destroy(run);
	s->target = NULL;
	s->layout = NULL;
	s->modules = (struct pm_modules){0};
	pm_session_deinit(s);
}

static json_t *thread_of(struct world *w, size_t i)
{
	return json_array_get(json_object_get(w->doc, "threads"), i);
}

static json_t *frame_of(struct world *w, size_t thread, size_t i)
{
	return json_array_get(
		json_object_get(thread_of(w, thread), "frames"), i);
}

static const char *text_of(json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));
	return s ? s : "";
}

static long long number_of(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static long long unreadable(struct world *w)
{
	return number_of(json_object_get(w->doc, "skipped"), "unreadable");
}

#define EACH_ROW(row)                                                          \
	for (size_t row##_ = 0; pm_rows[row##_]; row##_++)                     \
		for (const struct pm_row *row = pm_rows[row##_]; row;          \
			row = NULL)

START_TEST(stacks)
{
	EACH_ROW(row)
	{
		struct world w;
		begin(&w, row);
		ask(&w, "py-threads -json -locals");
		ck_assert_uint_eq(
			json_array_size(json_object_get(w.doc, "threads")), 2);
		ck_assert_ptr_null(frame_of(&w, 0, 0));
		ck_assert_int_eq(number_of(thread_of(&w, 1), "id"), 2);
		ck_assert_int_eq(number_of(thread_of(&w, 1), "ident"), 0x1000);
		if (pm_has(row->fields.thread.native_thread_id))
			ck_assert_int_eq(
				number_of(thread_of(&w, 1), "native_id"), 42);
		json_t *f = frame_of(&w, 1, 0);
		ck_assert_str_eq(text_of(f, "function"), "inner");
		ck_assert_str_eq(text_of(f, "file"), "lib.py");
		ck_assert_msg(number_of(f, "line") == 17, "%s: line %lld",
			row->name, number_of(f, "line"));
		json_t *v = json_object_get(f, "locals");
		ck_assert_uint_eq(json_array_size(v), 1);
		v = json_array_get(v, 0);
		ck_assert_str_eq(text_of(v, "name"), "buf");
		ck_assert_str_eq(text_of(v, "repr"), "'one'");
		f = frame_of(&w, 1, 1);
		ck_assert_str_eq(text_of(f, "function"), "outer");
		ck_assert_int_eq(number_of(f, "line"), 3);
		ck_assert_ptr_null(frame_of(&w, 1, 2));
		ck_assert_int_eq(unreadable(&w), 0);
		ask(&w, "py-threads -json -top 1 -thread 2");
		ck_assert_ptr_null(thread_of(&w, 1));
		ck_assert_ptr_null(frame_of(&w, 0, 1));
		ck_assert_int_eq(
			number_of(thread_of(&w, 0), "frames_hidden"), 1);
		ck_assert_ptr_null(
			json_object_get(frame_of(&w, 0, 0), "locals"));
		end(&w);
	}
}
END_TEST

/* What is in cells; references with tags; variables that are hidden. */
START_TEST(variables)
{
	EACH_ROW(row)
	{
		struct world w;
		begin(&w, row);
		struct mini *m = &w.h.m;
		const struct pm_fields *f = &m->l->f;
		unsigned ws = m->l->t.word_size;
		bool objects = m->l->t.frame_entry == PM_FRAME_OBJECTS;
		pm_addr cell_type = mini_type(
			&w.h, "cell", f->cell.sizeof_.off, 0, 0, false);
		pm_addr cell = mini_object(m, cell_type, f->cell.sizeof_.off);
		mini_put(m, cell, f->cell.ref, w.one);
		pm_addr slots = w.inner + (objects ? f->frame.localsplus.off
						   : f->iframe.localsplus.off);
		mini_store(m, slots, ws,
			cell | (m->l->t.frame_refs == PM_REF_TAGGED));
		if (objects) {
			mini_put(m, w.code, f->code.freevars,
				mini_load(
					m, w.code + f->code.varnames.off, ws));
			mini_put(m, w.code, f->code.nlocals, 0);
		} else {
			pm_addr kinds = mini_load(
				m, w.code + f->code.localspluskinds.off, ws);
			mini_store(m, kinds + f->bytes.data.off, 1, 0x80);
			/* The other one is hidden. */
			mini_store(m, kinds + f->bytes.data.off + 1, 1, 0x30);
			mini_store(m, slots + ws, ws, w.one);
		}
		ask(&w, "py-threads -json -locals");
		json_t *v = json_object_get(frame_of(&w, 1, 0), "locals");
		ck_assert_msg(json_array_size(v) == 1, "%s", row->name);
		v = json_array_get(v, 0);
		ck_assert_str_eq(text_of(v, "name"), "buf");
		ck_assert_str_eq(text_of(v, "repr"), "'one'");
		/* A namespace is shown when it is asked for. */
		mini_put(m, w.code, f->code.flags, 0);
		const pm_addr pairs[] = {w.one, w.one};
		pm_addr dict = mini_dict(m, pairs, 1);
		mini_put(m, w.inner,
			objects ? f->frame.locals : f->iframe.locals, dict);
		ask(&w, "py-threads -json -locals");
		v = json_object_get(frame_of(&w, 1, 0), "locals");
		ck_assert_uint_eq(json_array_size(v), 0);
		ask(&w, "py-threads -json -locals -namespaces");
		v = json_object_get(frame_of(&w, 1, 0), "locals");
		ck_assert_msg(json_array_size(v) == 1, "%s", row->name);
		ck_assert_str_eq(text_of(json_array_get(v, 0), "name"), "one");
		end(&w);
	}
}
END_TEST

START_TEST(who_runs)
{
	EACH_ROW(row)
	{
		struct world w;
		begin(&w, row);
		struct mini *m = &w.h.m;
		const struct pm_fields *f = &m->l->f;
		bool told = true;
		if (pm_has(f->thread.state)) {
			mini_put(m, w.thread, f->thread.state, 1);
		} else if (pm_has(f->interp.ceval_gil)) {
			pm_addr gil = mini_heap(m, f->gil.sizeof_.off);
			mini_put(m, gil, f->gil.last_holder, w.thread);
			mini_put(m, gil, f->gil.locked, 1);
			mini_put(m, m->interp, f->interp.ceval_gil, gil);
		} else if (pm_has(f->runtime.gilstate_tstate_current)) {
			mini_put(m, m->runtime,
				f->runtime.gilstate_tstate_current, w.thread);
		} else {
			told = false; /* by a symbol, which an image lacks */
		}
		ask(&w, "py-threads -json");
		ck_assert_str_eq(text_of(thread_of(&w, 0), "state"),
			told ? "waiting" : "");
		ck_assert_str_eq(text_of(thread_of(&w, 1), "state"),
			told ? "running" : "");
		json_t *gil = json_object_get(thread_of(&w, 1), "gil");
		ck_assert_int_eq(
			json_is_null(gil), row->free_threaded || !told);
		ck_assert_int_eq(
			json_is_true(gil), !row->free_threaded && told);
		end(&w);
	}
}
END_TEST

/* Frames without code, as where a core left out their memory; frames that
   lead nowhere, or back. */
START_TEST(torn_stacks)
{
	EACH_ROW(row)
	{
		struct world w;
		begin(&w, row);
		struct mini *m = &w.h.m;
		const struct pm_fields *f = &m->l->f;
		bool objects = m->l->t.frame_entry == PM_FRAME_OBJECTS;
		struct pm_field code = objects ? f->frame.code : f->iframe.code;
		struct pm_field outer =
			objects ? f->frame.back : f->iframe.previous;
		mini_put(m, w.inner, outer, 0x10);
		ask(&w, "py-threads -json");
		ck_assert_ptr_null(frame_of(&w, 1, 1));
		ck_assert_int_eq(unreadable(&w), 1);
		mini_put(m, w.inner, outer, w.inner);
		ask(&w, "py-threads -json -top 3");
		ck_assert_int_eq(unreadable(&w), 1);
		mini_put(m, w.inner, code, 0);
		ask(&w, "py-threads -json");
		ck_assert_ptr_null(frame_of(&w, 1, 0));
		ck_assert_int_eq(unreadable(&w), 1);
		end(&w);
	}
}
END_TEST

UNIT_MAIN("threads", stacks, variables, who_runs, torn_stacks)
