/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the layout of a small Python made through each row of the table:
   with a debugger, without, with lies, with holes, and when it is none. */
#include "layout/build.h"
#include "lib/alloc.h"
#include "lib/mini-python.h"
#include "unit/unit.h"

#include <pthread.h>
#include <elf.h>
#include <string.h>

#define APP "/opt/shop/server"

/* ---- a debugger that knows a row ---- */

struct debugger {
	const struct mini *m;
	const struct pm_fields *fields;
	const char *silent_about; /* no answer to questions with this */
	unsigned asked;
};

struct answer {
	const char *question;
	size_t field;
};

static const struct answer answers[] = {
#define PM_QUESTION_SIZE(s, c_type)                                            \
	{"sizeof (" c_type ")", PM_INDEX(s.sizeof_)},
#define PM_QUESTION_PLACE(place, name)
#define PM_QUESTION_FIELD(s, f, c_type, member)                                \
	{"(unsigned long long) &((" c_type " *) 0)->" member, PM_INDEX(s.f)},
#include "layout/questions.h"
#undef PM_QUESTION_SIZE
#undef PM_QUESTION_PLACE
#undef PM_QUESTION_FIELD
};

static bool lookup_place(
	const struct debugger *d, const char *expression, uint64_t *ret)
{
	const struct pm_places *at = &d->m->l->at;
	bool variable = d->m->row->traits.gc_home == PM_GC_STATIC;
	const struct {
		const char *question;
		pm_addr addr;
	} places[] = {
		{"(unsigned long long) &_PyRuntime",
			variable ? 0 : at->runtime.addr},
		{"(unsigned long long) &interp_head",
			variable ? at->runtime.addr : 0},
		{"(unsigned long long) &PyType_Type", at->type_type.addr},
		{"(unsigned long long) &PyDict_Type", at->dict_type.addr},
		{"(unsigned long long) &arenas", at->arenas.addr},
		{"(unsigned long long) &maxarenas", at->maxarenas.addr},
		{"(unsigned long long) &interned", at->interned.addr},
	};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (places[i].addr &&
			strcmp(places[i].question, expression) == 0) {
			*ret = places[i].addr;
			return true;
		}
	return false;
}

static bool lookup(void *arg, const char *expression, uint64_t *ret)
{
	struct debugger *d = arg;
	d->asked++;
	if (d->silent_about && strstr(expression, d->silent_about))
		return false;
	if (lookup_place(d, expression, ret))
		return true;
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		const struct pm_field *f =
			(const struct pm_field *)d->fields + answers[i].field;
		if (pm_has(*f) &&
			strcmp(answers[i].question, expression) == 0) {
			*ret = f->off;
			return true;
		}
	}
	return false;
}

/* ---- helpers ---- */

static enum pm_status create(struct mini *m, const struct pm_debug_info *info,
	struct pm_layout **ret, struct pm_error *err)
{
	pm_auto_memory memory = NULL;
	ck_assert_int_eq(pm_memory_create(m->t, 0, &memory, err), PM_OK);
	enum pm_status s = pm_layout_create(memory, &m->ms, info, ret, err);
	if (s == PM_OK)
		ck_assert_ptr_nonnull((*ret)->python);
	return s;
}

static const struct pm_debug_info nobody = {false, NULL, NULL};

/* Everything that l says is as in the small Python. */
static void check_same(const struct mini *m, const struct pm_layout *l)
{
	const struct pm_field *is = (const struct pm_field *)&l->f;
	const struct pm_field *made = (const struct pm_field *)&m->l->f;
	const struct pm_place *found = (const struct pm_place *)&l->at;
	const struct pm_place *put = (const struct pm_place *)&m->l->at;
	const char *of, *name;
	const struct pm_field *f;
	enum pm_source source;
	for (size_t i = 0; pm_layout_field(l, i, &of, &name, &f, &source); i++)
		ck_assert_msg(
			is[i].off == made[i].off && is[i].size == made[i].size,
			"%s: %s.%s is %u (%s), not %u", m->row->name, of, name,
			is[i].off, pm_source_text(source), made[i].off);
	for (size_t i = 0; i < sizeof l->at / sizeof *found; i++)
		ck_assert_msg(found[i].addr == put[i].addr,
			"%s: place %zu is 0x%llx, not 0x%llx", m->row->name, i,
			(unsigned long long)found[i].addr,
			(unsigned long long)put[i].addr);
	ck_assert_uint_eq(l->hexversion >> 16, m->row->version);
	ck_assert_int_eq(l->free_threaded, m->row->free_threaded);
	ck_assert_int_eq(l->trace_refs, m->l->trace_refs);
}

static void check_refused(
	struct mini *m, enum pm_status status, const char *text)
{
	struct pm_layout *l = NULL;
	struct pm_error err = {0};
	enum pm_status s = create(m, &nobody, &l, &err);
	ck_assert_msg(s == status && strstr(err.msg, text),
		"%s: %s \"%s\", not %s \"...%s...\"", m->row->name,
		pm_status_text(s), err.msg, pm_status_text(status), text);
	ck_assert_int_eq(err.status, s);
	ck_assert_ptr_null(l);
}

#define EACH_ROW(m)                                                            \
	for (size_t row_ = 0; pm_rows[row_]; row_++)                           \
		for (struct mini m,                                            \
			*once_ = (mini_init(&m, pm_rows[row_], APP), &m);      \
			once_; once_ = NULL, mini_deinit(&m))

/* ---- found ---- */

START_TEST(by_memory_alone)
{
	EACH_ROW(m)
	{
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		ck_assert_msg(create(&m, &nobody, &l, &err) == PM_OK, "%s: %s",
			m.row->name, err.msg);
		check_same(&m, l);
		ck_assert_int_eq(l->debug, m.row->debug);
		ck_assert(l->version_exact);
		ck_assert_uint_eq(l->hexversion >> 8 & 0xff, m.row->micro_min);
		ck_assert_msg(l->warnings.len == 0, "%s: %s", m.row->name,
			l->warnings.data[0]);
		pm_layout_destroy(l);
	}
}
END_TEST

START_TEST(with_two_words_more)
{
	unsigned n = 0;
	for (size_t i = 0; pm_rows[i]; i++) {
		struct mini m;
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		if (!pm_trace_refs_may_be(pm_rows[i]))
			continue;
		n++;
		mini_init_traced(&m, pm_rows[i], APP);
		unsigned header = m.l->f.object.sizeof_.off;
		ck_assert_uint_eq(header, 4 * m.l->t.word_size);
		ck_assert_uint_eq(m.l->f.tuple.item.off,
			pm_rows[i]->fields.tuple.item.off + header / 2);
		ck_assert_uint_eq(m.l->f.interp.next.off,
			pm_rows[i]->fields.interp.next.off);
		ck_assert_msg(create(&m, &nobody, &l, &err) == PM_OK, "%s: %s",
			m.row->name, err.msg);
		check_same(&m, l);
		pm_layout_destroy(l);
		struct debugger d = {.m = &m, .fields = &m.l->f};
		struct pm_debug_info info = {true, lookup, &d};
		ck_assert_int_eq(create(&m, &info, &l, &err), PM_OK);
		check_same(&m, l);
		ck_assert_msg(l->warnings.len == 0, "%s: %s", m.row->name,
			l->warnings.data[0]);
		pm_layout_destroy(l);
		mini_deinit(&m);
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST

START_TEST(by_debug_info)
{
	EACH_ROW(m)
	{
		struct debugger d = {.m = &m, .fields = &m.row->fields};
		struct pm_debug_info info = {true, lookup, &d};
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		ck_assert_msg(create(&m, &info, &l, &err) == PM_OK, "%s: %s",
			m.row->name, err.msg);
		check_same(&m, l);
		ck_assert_int_eq(l->sources[PM_INDEX(interp.threads_head)],
			PM_SOURCE_DEBUG_INFO);
		ck_assert_int_eq(l->at.runtime.source, PM_SOURCE_DEBUG_INFO);
		ck_assert_uint_lt(d.asked, 1000);
		pm_layout_destroy(l);
	}
}
END_TEST

/* Another build's debug info: it leads nowhere, and is dropped with a
   warning. */
START_TEST(debug_info_of_another_build)
{
	EACH_ROW(m)
	{
		struct pm_fields wrong = m.row->fields;
		wrong.interp.threads_head.off += 8;
		wrong.thread.interp.off += 8;
		wrong.heap_type.sizeof_.off += 8;
		struct debugger d = {.m = &m, .fields = &wrong};
		struct pm_debug_info info = {true, lookup, &d};
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		ck_assert_msg(create(&m, &info, &l, &err) == PM_OK, "%s: %s",
			m.row->name, err.msg);
		check_same(&m, l);
		ck_assert_uint_gt(l->warnings.len, 0);
		pm_layout_destroy(l);
	}
}
END_TEST

START_TEST(two_interpreters)
{
	EACH_ROW(m)
	{
		const struct pm_fields *f = &m.row->fields;
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		struct debugger d = {.m = &m, .fields = f};
		struct pm_debug_info info = {true, lookup, &d};
		pm_addr second = mini_heap(&m, f->interp.sizeof_.off);
		pm_addr thread = mini_heap(&m, f->thread.sizeof_.off);
		memcpy(pm_image_at(m.t, second, f->interp.sizeof_.off),
			pm_image_at(m.t, m.interp, f->interp.sizeof_.off),
			f->interp.sizeof_.off);
		mini_put(&m, second, f->interp.threads_head, thread);
		mini_put(&m, thread, f->thread.interp, second);
		mini_put(&m, second, f->interp.next, m.interp);
		mini_put(&m, m.runtime, f->runtime.interpreters_head, second);
		d.silent_about = "interpreters";
		/* its lists are not its own: only what is looked at counts */
		if (m.row->traits.gc_home == PM_GC_IN_INTERP) {
			pm_addr head = second + f->interp.gc.off +
				       f->gc_state.generations.off;
			for (unsigned i = 0; i < 3;
				i++, head += m.row->traits.gc_stride) {
				mini_put(&m, head, f->gc_head.next, head);
				mini_put(&m, head, f->gc_head.prev, head);
			}
		}
		ck_assert_msg(create(&m, &info, &l, &err) == PM_OK, "%s: %s",
			m.row->name, err.msg);
		ck_assert_uint_eq(l->at.interp_head.addr, second);
		pm_layout_destroy(l);
	}
}
END_TEST

/* A distribution may pack the collector's state differently. */
START_TEST(lists_found_where_they_are)
{
	EACH_ROW(m)
	{
		const struct pm_fields *f = &m.row->fields;
		if (m.row->traits.gc_home != PM_GC_IN_INTERP)
			continue;
		pm_addr head = m.gc + f->gc_state.generations.off;
		for (unsigned i = 0; i < 3; i++)
			mini_store(&m, head + i * m.row->traits.gc_stride,
				m.row->traits.word_size, 1);
		for (unsigned i = 0; i < 3; i++) {
			pm_addr at = head - 4 + i * m.row->traits.gc_stride;
			mini_put(&m, at, f->gc_head.next, at);
			mini_put(&m, at, f->gc_head.prev, at);
		}
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		ck_assert_msg(create(&m, &nobody, &l, &err) == PM_OK, "%s: %s",
			m.row->name, err.msg);
		ck_assert_uint_eq(l->f.gc_state.generations.off,
			f->gc_state.generations.off - 4);
		ck_assert_int_eq(l->sources[PM_INDEX(gc_state.generations)],
			PM_SOURCE_CALIBRATED);
		ck_assert_uint_gt(l->warnings.len, 0);
		pm_layout_destroy(l);
	}
}
END_TEST

/* ---- refused ---- */

/* Arenas of huge pages: larger, and the numbers behind an array with a place
   for each of their pools are farther. */
START_TEST(arenas_of_huge_pages)
{
	EACH_ROW(m)
	{
		const struct pm_fields *f = &m.row->fields;
		const struct pm_traits *t = &m.row->traits;
		if (t->obmalloc_home != PM_OBMALLOC_POINTER)
			continue;
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		uint32_t n = t->arena_size / t->pool_size;
		struct pm_fields moved = *f;
		struct pm_field *const numbers[] = {
			&moved.obmalloc.narenas_currently_allocated,
			&moved.obmalloc.ntimes_arena_allocated,
			&moved.obmalloc.narenas_highwater,
			&moved.obmalloc.raw_allocated_blocks,
		};
		pm_addr state = mini_load(
			&m, m.interp + f->interp.obmalloc.off, t->word_size);
		pm_addr table = mini_load(
			&m, state + f->obmalloc.arenas.off, t->word_size);
		mini_put(&m, table, f->arena.ntotalpools, 2 * n);
		mini_put(&m, table, f->arena.nfreepools, 2 * n - 1);
		mini_put(&m, state, *numbers[0], 0);
		for (unsigned i = 0; i < 4; i++) {
			if (!pm_has(*numbers[i]))
				continue;
			numbers[i]->off += n * t->word_size;
			mini_put(&m, state, *numbers[i], i + 1);
		}
		struct debugger d = {.m = &m, .fields = &moved};
		struct pm_debug_info info = {true, lookup, &d};
		for (unsigned told = 0; told < 2; told++) {
			ck_assert_msg(create(&m, told ? &info : &nobody, &l,
					      &err) == PM_OK,
				"%s: %s", m.row->name, err.msg);
			ck_assert_uint_eq(l->t.arena_size, 2 * t->arena_size);
			ck_assert_mem_eq(&l->f.obmalloc, &moved.obmalloc,
				sizeof moved.obmalloc);
			pm_layout_destroy(l);
		}
	}
}
END_TEST

START_TEST(no_python)
{
	struct mini m;
	const struct pm_row *row = NULL;
	for (size_t i = 0; pm_rows[i] && !row; i++)
		if (pm_rows[i]->runtime_size)
			row = pm_rows[i];
	ck_assert_ptr_nonnull(row);
	mini_init(&m, row, APP);
	struct pm_modules none = {0};
	struct pm_modules ms = m.ms;
	memset(pm_image_at(m.t, m.module.data_start, 4096), 0, 4096);
	memset(pm_image_at(m.t, m.runtime, m.row->runtime_size), 0,
		(size_t)m.row->runtime_size);
	check_refused(&m, PM_ABSENT, "no Python found");
	m.ms = none;
	check_refused(&m, PM_ABSENT, "modules are not known");
	m.ms = ms;
	mini_deinit(&m);
}
END_TEST

START_TEST(not_initialized)
{
	EACH_ROW(m)
	{
		const struct pm_fields *f = &m.row->fields;
		struct debugger d = {.m = &m, .fields = f};
		struct pm_debug_info info = {true, lookup, &d};
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		mini_put(&m, m.runtime, f->runtime.interpreters_head, 0);
		mini_put(&m, m.runtime, f->runtime.interpreters_main, 0);
		ck_assert_msg(create(&m, &info, &l, &err) == PM_ABSENT,
			"%s: %s", m.row->name, err.msg);
		ck_assert_msg(strstr(err.msg, "not initialized"), "%s: %s",
			m.row->name, err.msg);
	}
}
END_TEST

/* A machine without rows is taken for its nearest kin, and that is said; one
   with other words is not. */
START_TEST(unknown_machine)
{
	EACH_ROW(m)
	{
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		m.module.machine = EM_RISCV;
		ck_assert_msg(create(&m, &nobody, &l, &err) == PM_OK, "%s: %s",
			m.row->name, err.msg);
		bool said = false;
		pm_vec_each (w, &l->warnings)
			said |= strstr(*w, "no row of this machine") != NULL;
		ck_assert_msg(said, "%s", m.row->name);
		ck_assert_uint_eq(l->t.word_size, m.row->traits.word_size);
		ck_assert_int_eq(l->t.big_endian, m.row->traits.big_endian);
		pm_layout_destroy(l);
		l = NULL;
		m.module.word_size = m.row->traits.word_size == 8 ? 4 : 8;
		m.module.big_endian = true;
		if (create(&m, &nobody, &l, &err) == PM_OK)
			ck_assert_uint_eq(l->t.word_size, m.module.word_size);
		pm_layout_destroy(l);
	}
}
END_TEST

static bool says(const struct pm_layout *l, const char *text)
{
	for (size_t i = 0; i < l->warnings.len; i++)
		if (strstr(l->warnings.data[i], text))
			return true;
	return false;
}

/* What was found of a release without a row is where it was put. */
static void check_kin(const struct mini *m, const struct pm_layout *l)
{
	const char *of, *name;
	const struct pm_field *f;
	enum pm_source source;
	unsigned told = 0, slots = 0;
	for (size_t i = 0; pm_layout_field(l, i, &of, &name, &f, &source);
		i++) {
		const struct pm_field *made =
			(const struct pm_field *)&m->row->fields + i;
		told += source == PM_SOURCE_DEBUG_OFFSETS;
		ck_assert_msg(!pm_has(*f) || f->off == made->off,
			"%s: %s.%s is %u (%s), not %u", m->row->name, of, name,
			f->off, pm_source_text(source), made->off);
	}
	for (const struct pm_slot *s = m->row->slots; s->at; s++)
		slots++;
	ck_assert_uint_ge(told, slots - 2); /* one is told three times */
}

/* A table of its release, with one more word where threads begin. */
static void insert_a_word(struct mini *m)
{
	const size_t at = 216;
	size_t last = 0;
	for (const struct pm_slot *s = m->row->slots; s->at; s++)
		if (s->at > last)
			last = s->at;
	for (; last >= at; last -= 8)
		mini_store(m, m->runtime + last + 8, 8,
			mini_load(m, m->runtime + last, 8));
	mini_store(m, m->runtime + at, 8, 80);
}

START_TEST(unknown_version)
{
	unsigned newest = 0;
	for (size_t i = 0; pm_rows[i]; i++)
		if (pm_rows[i]->version > newest)
			newest = pm_rows[i]->version;
	EACH_ROW(m)
	{
		if (!m.row->slots)
			continue;
		mini_store(&m, m.runtime + 8, 8, 0x03280000 | 0xf0);
		if (m.row->version == newest && !m.row->free_threaded)
			insert_a_word(&m);
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		enum pm_status s = create(&m, &nobody, &l, &err);
		if (m.row->version == newest && !m.row->free_threaded &&
			!m.row->debug) {
			ck_assert_msg(
				s == PM_OK, "%s: %s", m.row->name, err.msg);
			check_kin(&m, l);
		}
		if (s == PM_OK) {
			ck_assert(l->kin);
			ck_assert(says(l, "the table has no Python 3.40"));
			/* Nothing is in its free lists: they are not known,
			   nor what states of generators mean. */
			ck_assert(l->freelists_doubtful && l->freelists_lost);
			ck_assert_int_eq(
				l->t.gen_states, PM_GEN_STATES_BY_FRAME);
		}
		pm_layout_destroy(l);
		l = NULL;
		/* no such version at all: as if there were no cookie */
		mini_store(&m, m.runtime + 8, 8, UINT64_MAX);
		if (create(&m, &nobody, &l, &err) == PM_OK)
			check_same(&m, l);
		pm_layout_destroy(l);
	}
}
END_TEST

START_TEST(corrupt)
{
	EACH_ROW(m)
	{
		const struct pm_fields *f = &m.row->fields;
		const struct {
			pm_addr at;
			struct pm_field field;
			uint64_t value;
		} breaks[] = {
			{m.thread, f->thread.next, m.thread},
			{m.l->at.type_type.addr, f->type.basicsize, 1},
			{m.l->at.dict_type.addr, f->type.name, m.runtime},
			{m.interp, f->interp.sysdict, m.l->at.none.addr},
			{m.interp, f->interp.next, m.runtime},
		};
		/* each is slow to refuse: one per row is enough */
		size_t n = sizeof breaks / sizeof *breaks;
		for (size_t i = row_ % n; i < n; i += n) {
			struct debugger d = {.m = &m, .fields = f};
			struct pm_debug_info info = {true, lookup, &d};
			struct pm_layout *l = NULL;
			struct pm_error err = {0};
			pm_addr at = breaks[i].at + breaks[i].field.off;
			unsigned ws = m.row->traits.word_size;
			uint64_t was = mini_load(&m, at, ws);
			mini_store(&m, at, ws, breaks[i].value);
			enum pm_status s = create(&m, &info, &l, &err);
			ck_assert_msg(s == PM_CORRUPT || s == PM_FAULT,
				"%s, break %zu: %s %s", m.row->name, i,
				pm_status_text(s), err.msg);
			ck_assert_ptr_null(l);
			mini_store(&m, at, ws, was);
		}
	}
}
END_TEST

/* ---- hostile ---- */

static uint32_t random_state = 12345;

static uint32_t random32(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8 | random_state << 24;
}

/* Whatever a target's own offsets say: the layout is right, or refused. */
START_TEST(random_debug_offsets)
{
	EACH_ROW(m)
	{
		if (!m.row->slots)
			continue;
		for (unsigned round = 0; round < 12; round++) {
			struct pm_layout *l = NULL;
			struct pm_error err = {0};
			for (const struct pm_slot *s = m.row->slots; s->at;
				s++) {
				uint64_t v = random32();
				switch (random32() % 4) {
				case 0:
					v %= 400;
					break;
				case 1:
					v = v % 60 * 8;
					break;
				case 2:
					v = v << 32 | random32();
					break;
				}
				if (random32() % 8 < round % 8 + 1)
					mini_store(&m, m.runtime + s->at, 8, v);
			}
			enum pm_status s = create(&m, &nobody, &l, &err);
			if (s == PM_OK) {
				ck_assert(pm_prove_static(l, &err));
				ck_assert_uint_eq(
					l->at.interp_head.addr, m.interp);
			} else {
				ck_assert_ptr_null(l);
				ck_assert_uint_gt(strlen(err.msg), 0);
			}
			pm_layout_destroy(l);
		}
	}
}
END_TEST

/* Random bytes over the runtime, the interpreter and the types. */
START_TEST(random_memory)
{
	for (unsigned round = 0; round < 60; round++) {
		struct mini m;
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		unsigned n = 0;
		while (pm_rows[n])
			n++;
		mini_init(&m, pm_rows[round % n], APP);
		struct debugger d = {.m = &m, .fields = &m.row->fields};
		struct pm_debug_info info = {round % 2 == 0, lookup, &d};
		const pm_addr around[] = {m.runtime, m.interp, m.thread,
			m.l->at.type_type.addr, m.sysdict, m.interned_dict};
		for (unsigned i = 0; i < 200; i++) {
			pm_addr at = around[random32() % 6] +
				     random32() % 512 / 8 * 8;
			mini_store(&m, at, m.row->traits.word_size,
				random32() % 2 ? random32()
					       : m.interp + random32() % 4096);
		}
		if (create(&m, &info, &l, &err) == PM_OK)
			pm_layout_destroy(l);
		else
			ck_assert_uint_gt(strlen(err.msg), 0);
		mini_deinit(&m);
	}
}
END_TEST

/* ---- failing ---- */

/* As through a debugger: every byte that is looked at is a read. */
static void hide_views(struct mini *m)
{
	static struct pm_target_ops ops;
	ops = *m->t->ops;
	ops.view = NULL;
	m->t->ops = &ops;
}

START_TEST(each_read_failing)
{
	static const char *const some[] = {"3.8", "3.11", "3.12", "3.13"};
	EACH_ROW(m)
	{
		bool wanted = false;
		for (size_t i = 0; i < sizeof some / sizeof *some; i++)
			wanted = wanted || strcmp(some[i], m.row->name) == 0;
		if (!wanted)
			continue;
		struct debugger d = {.m = &m, .fields = &m.row->fields};
		struct pm_debug_info info = {true, lookup, &d};
		hide_views(&m);
		for (long n = 0;; n++) {
			struct pm_layout *l = NULL;
			struct pm_error err = {0};
			long before = pm_image_reads(m.t);
			pm_image_fail_at(m.t, n, NULL);
			enum pm_status s = create(&m, &info, &l, &err);
			bool failed = pm_image_reads(m.t) > before + n;
			pm_image_fail_at(m.t, -1, NULL);
			if (s != PM_OK)
				ck_assert_uint_gt(strlen(err.msg), 0);
			pm_layout_destroy(l);
			if (!failed) {
				ck_assert_int_eq(s, PM_OK);
				ck_assert_int_gt(n, 5);
				break;
			}
		}
	}
}
END_TEST

/* GDB's Ctrl-C is an exception that passes through our frames; the end of a
   thread unwinds in the same way.  A leak checker sees what was not freed. */
static void unwind(void)
{
	pthread_exit(NULL);
}

struct thread_work {
	struct pm_memory *memory;
	struct mini *m;
	struct pm_layout *l;
	bool ended;
};

static void *create_in_thread(void *arg)
{
	struct thread_work *w = arg;
	struct pm_error err;
	if (pm_layout_create(w->memory, &w->m->ms, &nobody, &w->l, &err) !=
		PM_OK)
		w->l = NULL;
	w->ended = true;
	return NULL;
}

START_TEST(each_read_unwinding)
{
	struct mini m;
	unsigned unwound = 0;
	mini_init(&m, pm_rows[0], APP);
	hide_views(&m);
	for (long n = 0;; n++) {
		struct thread_work w = {.m = &m};
		struct pm_error err;
		pthread_t thread;
		ck_assert_int_eq(
			pm_memory_create(m.t, 0, &w.memory, &err), PM_OK);
		pm_image_fail_at(m.t, n, unwind);
		ck_assert_int_eq(
			pthread_create(&thread, NULL, create_in_thread, &w), 0);
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		pm_image_fail_at(m.t, -1, NULL);
		pm_memory_destroy(w.memory);
		if (w.ended) {
			ck_assert_ptr_nonnull(w.l);
			pm_layout_destroy(w.l);
			break;
		}
		ck_assert_ptr_null(w.l);
		unwound++;
	}
	ck_assert_uint_gt(unwound, 5);
	mini_deinit(&m);
}
END_TEST

START_TEST(each_allocation_failing)
{
	struct mini m;
	mini_init(&m, pm_rows[0], APP);
	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		struct pm_memory *memory = NULL;
		struct pm_layout *l = NULL;
		struct pm_error err = {0};
		ck_assert_int_eq(
			pm_memory_create(m.t, 0, &memory, &err), PM_OK);
		alloc_fail_start();
		enum pm_status s =
			pm_layout_create(memory, &m.ms, &nobody, &l, &err);
		alloc_fail_stop();
		if (!alloc_failed())
			ck_assert_int_eq(s, PM_OK);
		else if (s != PM_OK)
			ck_assert_uint_gt(strlen(err.msg), 0);
		pm_layout_destroy(l);
		pm_memory_destroy(memory);
	}
	ck_assert_uint_gt(alloc_fail_runs(), 3);
	mini_deinit(&m);
}
END_TEST

UNIT_MAIN("layout-create", by_memory_alone, with_two_words_more, by_debug_info,
	debug_info_of_another_build, two_interpreters,
	lists_found_where_they_are, arenas_of_huge_pages, no_python,
	not_initialized, unknown_machine, unknown_version, corrupt,
	random_debug_offsets, random_memory, each_read_failing,
	each_read_unwinding, each_allocation_failing)
