/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keeps objects alive from outside, on images of every row that has
   pymalloc. */
#include "graph/roots.h"
#include "layout/held.h"
#include "lib/mini-frames.h"
#include "unit/unit.h"

#include <stdio.h>
#include <string.h>

struct world {
	struct mini_heap h;
	struct mini_frames s;
	struct pm_memory *memory;
	struct pm_heap *heap;
	pm_addr list; /* what is looked for */
	PM_VEC(struct pm_root) found;
	uint64_t unreadable, inconsistent;
	bool stop_at_first;
};

static void begin(struct world *w, const struct pm_row *row)
{
	memset(w, 0, sizeof *w);
	mini_heap_init(&w->h, row);
	mini_frames_init(&w->s, &w->h);
	w->list = mini_new_list(&w->h, NULL, 0);
}

static void end(struct world *w)
{
	pm_vec_deinit(&w->found);
	pm_heap_destroy(w->heap);
	pm_memory_destroy(w->memory);
	mini_heap_deinit(&w->h);
}

static bool see(void *arg, const struct pm_root *root)
{
	struct world *w = arg;
	if (root->target != w->list)
		return true;
	ck_assert(pm_vec_push(&w->found, *root));
	return !w->stop_at_first;
}

static void find(struct world *w)
{
	struct pm_error err = {0};
	struct pm_walk *job = NULL;
	struct pm_roots_job *roots = NULL;
	bool done = false;
	pm_heap_destroy(pm_take(w->heap));
	pm_memory_destroy(pm_take(w->memory));
	w->found.len = 0;
	ck_assert_int_eq(
		pm_memory_create(w->h.m.t, 64, &w->memory, &err), PM_OK);
	ck_assert_int_eq(pm_heap_create(w->h.m.l, w->h.m.t, w->memory,
				 &w->h.m.ms, &w->heap, &err),
		PM_OK);
	ck_assert_int_eq(
		pm_roots_create(w->heap, see, w, &roots, &err), PM_ABSENT);
	ck_assert_int_eq(pm_walk_create(w->heap, 1, &job, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_walk_step(job, 0.5, &done, &err), PM_OK);
	pm_walk_destroy(job);
	ck_assert(pm_heap_is_object(w->heap, w->list));
	ck_assert(!pm_heap_is_object(w->heap, w->list + 1));
	ck_assert_int_eq(pm_roots_create(w->heap, see, w, &roots, &err), PM_OK);
	for (done = false; !done;)
		ck_assert_int_eq(pm_roots_step(roots, 0.5, &done, &err), PM_OK);
	w->unreadable = pm_roots_unreadable(roots);
	w->inconsistent = pm_roots_inconsistent(roots);
	pm_roots_destroy(roots);
}

static const char *name_of(struct world *w, size_t i)
{
	static char text[300];
	pm_auto_strbuf b = {0};
	pm_root_name(w->heap, &w->found.data[i], false, &b);
	snprintf(text, sizeof text, "%s", pm_strbuf_text(&b));
	return text;
}

static void put_word(struct world *w, pm_addr at, pm_addr value)
{
	mini_store(&w->h.m, at, w->h.m.l->t.word_size, value);
}

static pm_addr last_word(pm_addr at, const struct pm_held *held)
{
	return at + held->off + (held->count - 1u) * (uint64_t)held->stride;
}

/* The last word of every run of a struct holds the list... */
static void fill_struct(struct world *w, enum pm_holder_struct s, pm_addr at)
{
	const struct pm_layout *l = w->h.m.l;
	struct pm_held held;
	bool sure;
	for (size_t i = 0; pm_layout_held(l, s, i, &held, &sure); i++) {
		ck_assert_msg(sure, "%s: %s", l->row->name, held.name);
		ck_assert_uint_le(last_word(0, &held) + l->t.word_size,
			pm_layout_holder_size(l, s));
		put_word(w, last_word(at, &held), w->list);
	}
}

/* ... and is told once for each; returns how many there are. */
static size_t check_struct(struct world *w, enum pm_holder_struct s, pm_addr at,
	enum pm_root_kind kind)
{
	const struct pm_layout *l = w->h.m.l;
	struct pm_held held;
	bool sure;
	size_t i;
	for (i = 0; pm_layout_held(l, s, i, &held, &sure); i++) {
		const struct pm_root *root = NULL;
		pm_vec_each (r, &w->found) {
			if (r->at != last_word(at, &held))
				continue;
			ck_assert_msg(
				!root, "%s: %s twice", l->row->name, held.name);
			root = r;
		}
		ck_assert_msg(
			root != NULL, "%s: no %s", l->row->name, held.name);
		ck_assert_int_eq(root->kind, kind);
		ck_assert(pm_root_kind_is_precise(root->kind));
		ck_assert_int_eq(
			root->counted, !pm_layout_held_is_borrowed(&held));
		ck_assert_uint_eq(root->holder, at);
		ck_assert_str_eq(root->name, held.name);
	}
	return i;
}

START_TEST(fields_of_the_runtime)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		struct mini *m = &w.h.m;
		ck_assert(row->interp_held && row->thread_held);
		fill_struct(&w, PM_HOLDER_INTERP, m->interp);
		fill_struct(&w, PM_HOLDER_THREAD, m->thread);
		fill_struct(&w, PM_HOLDER_RUNTIME, m->runtime);
		find(&w);
		size_t n = check_struct(
			&w, PM_HOLDER_INTERP, m->interp, PM_ROOT_INTERPRETER);
		n += check_struct(
			&w, PM_HOLDER_THREAD, m->thread, PM_ROOT_THREAD);
		n += check_struct(
			&w, PM_HOLDER_RUNTIME, m->runtime, PM_ROOT_RUNTIME);
		ck_assert_uint_eq(w.found.len, n);
		ck_assert_uint_eq(w.inconsistent, 0);
		end(&w);
	}
}
END_TEST

START_TEST(names)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		const struct pm_fields *f = &w.h.m.l->f;
		mini_put(&w.h.m, w.h.m.interp, f->interp.modules, w.list);
		find(&w);
		ck_assert_uint_eq(w.found.len, 1);
		ck_assert_str_eq(name_of(&w, 0), "sys.modules");
		mini_put(&w.h.m, w.h.m.interp, f->interp.modules, 0);
		mini_put(&w.h.m, w.h.m.interp, f->interp.codec_search_path,
			w.list);
		find(&w);
		ck_assert_uint_eq(w.found.len, 1);
		ck_assert_ptr_nonnull(strstr(name_of(&w, 0), "search_path"));
		end(&w);
	}
}
END_TEST

/* A build whose fields are elsewhere: those around a word tell where it went,
   or it is not told; then what is there is a guess. */
START_TEST(moved_fields)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		struct pm_layout *l = w.h.m.l;
		unsigned ws = l->t.word_size;
		pm_addr word = w.h.m.interp + l->f.interp.sysdict.off;
		l->f.interp.sysdict.off += ws;
		put_word(&w, word, w.list);
		ck_assert(!pm_layout_held_is_whole(l, PM_HOLDER_INTERP));
		find(&w);
		ck_assert_uint_eq(w.found.len, 1);
		ck_assert_int_eq(w.found.data[0].kind, PM_ROOT_STATE_WORD);
		ck_assert(!pm_root_kind_is_precise(w.found.data[0].kind));
		ck_assert(!w.found.data[0].counted);
		/* Of another release: nothing is told by name. */
		l->f.interp.sysdict.off -= ws;
		l->kin = true;
		find(&w);
		ck_assert_uint_eq(w.found.len, 1);
		ck_assert_int_eq(w.found.data[0].kind, PM_ROOT_STATE_WORD);
		end(&w);
	}
}
END_TEST

/* A word that is no object's address is left out, and counted. */
START_TEST(words_that_are_none)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		put_word(&w, w.h.m.interp + w.h.m.l->f.interp.modules.off,
			w.list + 8);
		find(&w);
		ck_assert_uint_eq(w.found.len, 0);
		ck_assert_uint_eq(w.inconsistent, 1);
		end(&w);
	}
}
END_TEST

static const char *const locals[] = {"buf", "n"};

START_TEST(locals_and_stacks)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		const struct pm_layout *l = w.h.m.l;
		pm_addr code =
			mini_code(&w.s, "worker", "app.py", 17, locals, 2, 3);
		pm_addr thread = mini_thread(&w.h.m, 0x1000, 42);
		const pm_addr values[] = {w.list, 0, 0, w.list, 0};
		bool objects = l->t.frame_entry == PM_FRAME_OBJECTS;
		/* Of two values on the stack the second is the list. */
		pm_addr frame = mini_push_frame(&w.s, thread, code, values, 2);
		find(&w);
		if (!objects) { /* else they are the frame object's */
			ck_assert_uint_eq(w.found.len, 2);
			ck_assert_int_eq(w.found.data[0].kind, PM_ROOT_FRAME);
			ck_assert_int_eq(w.found.data[0].via, PM_VIA_LOCAL);
			ck_assert(w.found.data[0].counted);
			ck_assert_uint_eq(w.found.data[0].holder, frame);
			ck_assert_str_eq(
				name_of(&w, 0), "thread 2 worker() local buf");
			ck_assert_int_eq(w.found.data[1].via, PM_VIA_STACK);
			ck_assert_str_eq(name_of(&w, 1),
				"thread 2 worker() value stack [1]");
		}
		/* One that runs: its stack may hold what is there. */
		frame = mini_push_frame(&w.s, thread, code, values, -1);
		find(&w);
		ck_assert_uint_eq(w.found.len, objects ? 1 : 4);
		const struct pm_root *guess = &w.found.data[objects ? 0 : 1];
		ck_assert_int_eq(guess->kind, PM_ROOT_STACK_WORD);
		ck_assert_uint_eq(guess->depth, 0);
		ck_assert(!guess->counted);
		if (l->t.frame_refs == PM_REF_TAGGED) {
			put_word(&w, frame + l->f.iframe.localsplus.off,
				w.list | 1);
			find(&w);
			ck_assert_uint_eq(w.found.len, 4);
			ck_assert(!w.found.data[0].counted);
		}
		end(&w);
	}
}
END_TEST

/* Of 1 to 9 frames the outermost leads back to the n-th: no more than thrice as
   many are shown, and it is said that something is wrong. */
START_TEST(ring_of_frames)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		pm_addr frames[9];
		begin(&w, row);
		const struct pm_layout *l = w.h.m.l;
		pm_addr code =
			mini_code(&w.s, "worker", "app.py", 17, locals, 0, 0);
		pm_addr thread = mini_thread(&w.h.m, 0x1000, 42);
		struct pm_field outer = l->t.frame_entry == PM_FRAME_OBJECTS
						? l->f.frame.back
						: l->f.iframe.previous;
		for (unsigned n = 0; n < 9; n++) {
			frames[n] =
				mini_push_frame(&w.s, thread, code, NULL, 0);
			for (unsigned to = 0; to <= n; to++) {
				struct pm_stack_frame f;
				unsigned shown = 0;
				put_word(&w, frames[0] + outer.off, frames[to]);
				find(&w);
				ck_assert_uint_gt(w.inconsistent, 0);
				struct pm_stack s = pm_stack_of(
					&w.heap->objects, 0, thread);
				while (pm_stack_next(&s, &f))
					ck_assert_uint_le(++shown, 3 * (n + 1));
				ck_assert_uint_ge(shown, n + 1);
				ck_assert_int_eq(s.status, PM_CORRUPT);
			}
			put_word(&w, frames[0] + outer.off, 0);
			find(&w);
			ck_assert_uint_eq(w.inconsistent, 0);
		}
		end(&w);
	}
}
END_TEST

START_TEST(frame_objects)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		if (w.h.m.l->t.frame_entry == PM_FRAME_OBJECTS) {
			pm_addr code = mini_code(
				&w.s, "worker", "app.py", 17, locals, 0, 0);
			pm_addr thread = mini_thread(&w.h.m, 0x1000, 42);
			w.list = mini_push_frame(&w.s, thread, code, NULL, 0);
			find(&w);
			ck_assert_uint_eq(w.found.len, 1);
			ck_assert_int_eq(w.found.data[0].kind, PM_ROOT_FRAME);
			ck_assert(w.found.data[0].counted);
			ck_assert_str_eq(
				name_of(&w, 0), "thread 2 worker() frame");
		}
		end(&w);
	}
}
END_TEST

/* Lists that lead back into themselves, and to nowhere. */
START_TEST(torn_lists)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		struct mini *m = &w.h.m;
		const struct pm_fields *f = &m->l->f;
		pm_addr a = mini_thread(m, 1, 1), b = mini_thread(m, 2, 2);
		mini_put(m, a, f->thread.next, b);
		mini_put(m, a, f->thread.dict, w.list);
		find(&w);
		ck_assert_uint_ge(w.found.len, 1);
		ck_assert_uint_eq(w.unreadable, 1);
		mini_put(m, a, f->thread.next, 0x10);
		find(&w);
		ck_assert_uint_ge(w.unreadable, 1);
		mini_put(m, a, f->thread.next, 0);
		w.stop_at_first = true;
		find(&w);
		ck_assert_uint_eq(w.found.len, 1);
		mini_put(m, m->interp, f->interp.next, m->interp);
		struct pm_threads t;
		struct pm_error err = {0};
		struct pm_memory *memory;
		ck_assert_int_eq(pm_memory_create(m->t, 64, &memory, &err), 0);
		ck_assert_int_eq(pm_threads_load(m->l, memory, &t, &err), 0);
		ck_assert_uint_eq(t.unreadable, 1);
		ck_assert_uint_eq(t.list.len, 2);
		pm_threads_deinit(&t);
		pm_memory_destroy(memory);
		end(&w);
	}
}
END_TEST

START_TEST(static_types)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		w.list = w.h.m.l->at.dict_type.addr;
		find(&w);
		ck_assert_uint_eq(w.found.len, 1);
		ck_assert_int_eq(w.found.data[0].kind, PM_ROOT_STATIC);
		ck_assert_uint_eq(w.found.data[0].at, 0);
		ck_assert_ptr_nonnull(strstr(name_of(&w, 0), "dict"));
		end(&w);
	}
}
END_TEST

UNIT_MAIN("roots", fields_of_the_runtime, names, moved_fields,
	words_that_are_none, locals_and_stacks, ring_of_frames, frame_objects,
	torn_lists, static_types)
