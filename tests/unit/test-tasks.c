/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-tasks on images of every row: what each state of a task looks like, who
   waits for whom, and tasks that cannot be. */
#include "command/run.h"
#include "layout/wording.h"
#include "lib/mini-heap.h"
#include "object/types.h"
#include "unit/unit.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

enum { PENDING, CANCELLED, FINISHED };

struct world {
	struct mini_heap h;
	struct pm_session session;
	pm_addr future_type, task_type, iter_type;
	json_t *doc;
};

/* The row of 3.10 has a word that its first releases lack. */
static unsigned missing(const struct world *w)
{
	const struct pm_layout *l = w->h.m.l;
	bool has = l->f.future.result.off >
		   l->f.future.exception.off + l->t.word_size;
	return has && !pm_wording_is(l, PM_WORDING_FUTURE_EXCEPTION_TB)
		       ? l->t.word_size
		       : 0;
}

static pm_addr type(struct world *w, const char *name, struct pm_field size)
{
	return mini_type(&w->h, name, size.off - missing(w), 0,
		PM_TPFLAG_HAVE_GC, false);
}

static bool begin(struct world *w, const struct pm_row *row)
{
	memset(w, 0, sizeof *w);
	if (!pm_has(row->fields.future.state))
		return false;
	mini_heap_init(&w->h, row);
	const struct pm_fields *f = &w->h.m.l->f;
	w->future_type = type(w, "_asyncio.Future", f->future.sizeof_);
	w->task_type = type(w, "_asyncio.Task", f->task.sizeof_);
	w->iter_type = mini_type(&w->h, "_asyncio.FutureIter",
		f->object.sizeof_.off + w->h.m.l->t.word_size, 0,
		PM_TPFLAG_HAVE_GC, false);
	return true;
}

static void end(struct world *w)
{
	json_decref(w->doc);
	mini_heap_deinit(&w->h);
}

static void put(struct world *w, pm_addr at, struct pm_field f, uint64_t v)
{
	const struct pm_layout *l = w->h.m.l;
	if (!pm_has(f))
		return;
	if (f.off > l->f.future.exception.off)
		f.off -= missing(w);
	mini_put(&w->h.m, at, f, v);
}

static pm_addr new_task(struct world *w, unsigned state, const char *name)
{
	const struct pm_fields *f = &w->h.m.l->f;
	pm_addr at = mini_new(&w->h, w->task_type, f->task.sizeof_.off, true);
	put(w, at, f->future.state, state);
	put(w, at, f->future.loop, w->h.m.l->at.none.addr);
	put(w, at, f->task.name, mini_str(&w->h.m, name));
	return at;
}

static json_t *ask(struct world *w, const char *line)
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
	return w->doc;
}

static json_t *of(json_t *list, pm_addr addr)
{
	char text[24];
	size_t i;
	json_t *x;
	snprintf(text, sizeof text, "0x%" PRIx64, addr);
	json_array_foreach(list, i,
		x) if (!strcmp(json_string_value(json_object_get(x, "addr")),
			       text)) return x;
	ck_abort_msg("%s is not there", text);
}

static json_t *row_of(struct world *w, pm_addr addr)
{
	return of(json_object_get(w->doc, "rows"), addr);
}

static const char *text_of(json_t *x, const char *key)
{
	const char *s = json_string_value(json_object_get(x, key));
	return s ? s : "";
}

static long long total_of(struct world *w, const char *object, const char *key)
{
	return json_integer_value(
		json_object_get(json_object_get(w->doc, object), key));
}

START_TEST(states)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		if (!begin(&w, row))
			continue;
		const struct pm_fields *f = &w.h.m.l->f;
		static const char *const texts[] = {
			"pending", "cancelled", "finished", "failed"};
		pm_addr tasks[4];
		for (unsigned i = 0; i < 4; i++)
			tasks[i] = new_task(&w, i < 3 ? i : FINISHED, texts[i]);
		put(&w, tasks[3], f->future.exception, tasks[0]);
		ask(&w, "py-tasks -json");
		for (unsigned i = 0; i < 4; i++) {
			json_t *x = row_of(&w, tasks[i]);
			ck_assert_str_eq(text_of(x, "state"), texts[i]);
			ck_assert_str_eq(text_of(x, "kind"), "task");
			if (pm_has(f->task.name))
				ck_assert_str_eq(text_of(x, "name"), texts[i]);
			/* No root leads to any. */
			ck_assert_int_eq(
				json_is_true(json_object_get(x, "lost")), !i);
		}
		ck_assert_int_eq(total_of(&w, "total", "tasks"), 4);
		ck_assert_int_eq(total_of(&w, "total", "lost"), 1);
		ck_assert_int_eq(total_of(&w, "skipped", "inconsistent"), 0);
		ask(&w, "py-tasks -json -state failed");
		ck_assert_int_eq(total_of(&w, "total", "rows"), 1);
		end(&w);
	}
}
END_TEST

START_TEST(awaiters)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		if (!begin(&w, row))
			continue;
		const struct pm_fields *f = &w.h.m.l->f;
		pm_addr one = new_task(&w, PENDING, "one");
		pm_addr two = new_task(&w, PENDING, "two");
		put(&w, two, f->task.waiter, one);
		put(&w, one, f->future.awaited_by, two);
		ask(&w, "py-tasks -json");
		json_t *x = row_of(&w, two);
		if (pm_has(f->task.name))
			ck_assert_str_eq(text_of(x, "waits_for"), "task 'one'");
		ck_assert_str_eq(text_of(x, "waits_for_type"), "_asyncio.Task");
		x = of(json_object_get(w.doc, "chains"), one);
		x = json_object_get(x, "awaited_by");
		ck_assert_uint_eq(json_array_size(x), 1);
		(void)of(x, two);
		end(&w);
	}
}
END_TEST

/* States that are none, a class of another size, chains that lead back into
   themselves or nowhere. */
START_TEST(torn)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		if (!begin(&w, row))
			continue;
		const struct pm_layout *l = w.h.m.l;
		pm_addr bad = new_task(&w, 77, "bad");
		pm_addr away = new_task(&w, PENDING, "away");
		pm_addr ring = new_task(&w, PENDING, "ring");
		pm_addr self = new_task(&w, PENDING, "self");
		pm_addr iter = mini_new(&w.h, w.iter_type,
			l->f.object.sizeof_.off + l->t.word_size, true);
		mini_store(&w.h.m, iter + l->f.object.sizeof_.off,
			l->t.word_size, iter);
		put(&w, away, l->f.task.waiter, 0x1008);
		put(&w, away, l->f.task.coro, 0x2008);
		put(&w, ring, l->f.task.coro, iter);
		put(&w, self, l->f.task.waiter, self);
		put(&w, self, l->f.future.awaited_by, self);
		ask(&w, "py-tasks -json");
		ck_assert_str_eq(
			text_of(row_of(&w, bad), "state"), "not decoded");
		ck_assert_int_eq(total_of(&w, "skipped", "inconsistent"), 1);
		ck_assert_str_eq(text_of(row_of(&w, away), "waits_for"),
			"<unreadable 0x1008>");
		json_t *chain = of(json_object_get(w.doc, "chains"), ring);
		ck_assert(json_is_true(json_object_get(chain, "cut")));
		if (pm_has(l->f.task.name))
			ck_assert_str_eq(text_of(row_of(&w, self), "waits_for"),
				"task 'self'");
		mini_put(&w.h.m, w.task_type, l->f.type.basicsize, 4096);
		ask(&w, "py-tasks -json");
		ck_assert_int_eq(
			json_integer_value(json_object_get(
				json_object_get(json_object_get(w.doc, "total"),
					"states"),
				"pending")),
			0);
		end(&w);
	}
}
END_TEST

UNIT_MAIN("tasks", states, awaiters, torn)
