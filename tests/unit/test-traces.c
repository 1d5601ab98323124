/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracemalloc's tables on images of every row: whole, and damaged. */
#include "lib/mini-traces.h"
#include "target/memory.h"
#include "trace/collect.h"
#include "trace/file.h"
#include "trace/groups.h"
#include "unit/unit.h"

#include <string.h>

static const char *const files[] = {"app.py", "lib.py", "app.py"};
static const uint32_t lines[] = {10, 20, 30};

struct world {
	struct mini m;
	struct mini_traces t;
	struct pm_memory *memory;
	struct pm_trace_profile p;
	struct pm_trace_collect c;
	enum pm_status status;
	struct pm_error err;
	pm_addr stacks[3]; /* of 1, 2 and 3 frames, all from app.py:10 */
	pm_addr entries[30];
	unsigned seen;
};

static void begin(struct world *w, const struct pm_row *row, bool domains)
{
	memset(w, 0, sizeof *w);
	mini_init(&w->m, row, "/usr/bin/python3");
	mini_traces_init(&w->t, &w->m, 5, domains);
	for (uint32_t n = 1; n <= 3; n++)
		w->stacks[n - 1] = mini_stack(&w->t, files, lines, n, n == 2);
	for (uint32_t i = 0; i < 30; i++)
		w->entries[i] = mini_trace(&w->t, domains && i >= 20 ? 7 : 0,
			0x100000 + 0x100 * i, 10 + i, w->stacks[i % 3]);
}

static bool see(void *arg, const struct pm_trace *t, size_t stack)
{
	struct world *w = arg;
	w->seen += t->block >= 0x100000 && t->block < 0x102000 &&
		   stack < w->p.stacks.len;
	return true;
}

static void collect(struct world *w)
{
	bool done = false;
	ck_assert_int_eq(
		pm_memory_create(w->m.t, 64, &w->memory, &w->err), PM_OK);
	w->status = pm_trace_collect_open(
		&w->c, w->m.l, w->memory, &w->p, PM_TRACE_NEW, &w->err);
	w->c.see = see;
	w->c.arg = w;
	while (w->status == PM_OK && !done)
		w->status = pm_trace_collect_step(&w->c, 0, &done, &w->err);
}

static void end(struct world *w)
{
	pm_trace_collect_close(&w->c);
	pm_trace_profile_deinit(&w->p);
	pm_memory_destroy(w->memory);
	mini_deinit(&w->m);
}

#define EACH_TRACING_ROW(row)                                                  \
	for (size_t row##_ = 0; pm_rows[row##_]; row##_++)                     \
		for (const struct pm_row *row = pm_rows[row##_];               \
			row && mini_traces_may_be(row); row = NULL)

static const struct pm_trace_moment *now(const struct world *w)
{
	return &w->p.moments[PM_TRACE_NEW];
}

START_TEST(sums)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		begin(&w, row, false);
		collect(&w);
		ck_assert_msg(
			w.status == PM_OK, "%s: %s", row->name, w.err.msg);
		ck_assert_uint_eq(w.c.traces.count, 30);
		ck_assert_uint_eq(w.c.traces.bytes, w.t.bytes);
		ck_assert_uint_eq(w.c.tables.entries, 30);
		ck_assert(w.c.tables.has_traced);
		ck_assert_uint_eq(w.c.tables.traced, w.t.bytes);
		ck_assert_uint_eq(w.c.tables.max_nframe, 5);
		ck_assert(!w.c.tables.locked);
		ck_assert_uint_eq(w.seen, 30);
		ck_assert_uint_eq(w.p.stacks.len, 3);
		ck_assert_uint_eq(w.p.files.len, 2);
		ck_assert_uint_eq(now(&w)->unreadable, 0);
		ck_assert_uint_eq(now(&w)->inconsistent, 0);
		end(&w);
	}
}
END_TEST

static void check_groups(
	struct world *w, enum pm_trace_by by, size_t n, uint64_t first)
{
	pm_auto_trace_groups g = {0};
	struct pm_error err;
	ck_assert_int_eq(pm_trace_groups_make(&w->p, by, &g, &err), PM_OK);
	ck_assert_uint_eq(g.list.len, n);
	for (size_t i = 0; i < w->p.stacks.len; i++)
		ck_assert_uint_lt(g.of_stack[i], n);
	pm_trace_groups_sort(&g, &w->p, false);
	uint64_t size = 0, count = 0;
	for (size_t i = 0; i < n; i++) {
		const struct pm_trace_group *x = &g.list.data[i];
		size += x->size[PM_TRACE_NEW];
		count += x->count[PM_TRACE_NEW];
		ck_assert(!i ||
			  x->size[PM_TRACE_NEW] <= x[-1].size[PM_TRACE_NEW]);
	}
	ck_assert_uint_eq(size, w->t.bytes);
	ck_assert_uint_eq(count, w->t.count);
	ck_assert_uint_eq(g.list.data[0].size[PM_TRACE_NEW], first);
}

START_TEST(groups)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		begin(&w, row, false);
		collect(&w);
		check_groups(&w, PM_TRACE_LINENO, 1, w.t.bytes);
		check_groups(&w, PM_TRACE_FILENAME, 1, w.t.bytes);
		/* 12 + 15 + ... + 39 */
		check_groups(&w, PM_TRACE_TRACEBACK, 3, 255);
		end(&w);
	}
}
END_TEST

START_TEST(other_domains)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		begin(&w, row, true);
		collect(&w);
		ck_assert_msg(
			w.status == PM_OK, "%s: %s", row->name, w.err.msg);
		ck_assert_uint_eq(w.c.traces.bytes, w.t.bytes);
		ck_assert_uint_eq(w.c.tables.entries, 30);
		/* 10 + ... + 29 in domain 0 */
		check_groups(&w, PM_TRACE_LINENO, 2, 390);
		check_groups(&w, PM_TRACE_TRACEBACK, 6, 140);
		end(&w);
	}
}
END_TEST

/* Without symbols, or where the runtime has its state elsewhere. */
START_TEST(found_by_structure)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		struct pm_field *state;
		begin(&w, row, true);
		struct pm_places *at = &w.m.l->at;
		at->trace_config.addr = at->traces.addr = 0;
		at->trace_domains.addr = at->traced_memory.addr = 0;
		w.m.l->python = &w.m.module;
		state = &w.m.l->f.runtime.tracemalloc;
		if (pm_has(*state))
			state->off += 16;
		collect(&w);
		ck_assert_msg(
			w.status == PM_OK, "%s: %s", row->name, w.err.msg);
		ck_assert_int_eq(w.c.tables.source, PM_SOURCE_CALIBRATED);
		ck_assert_uint_eq(w.c.traces.count, 30);
		ck_assert(w.c.tables.has_traced);
		ck_assert_uint_eq(w.c.tables.traced, w.t.bytes);
		end(&w);
	}
}
END_TEST

START_TEST(does_not_trace)
{
	for (size_t i = 0; pm_rows[i]; i++) {
		struct world w;
		memset(&w, 0, sizeof w);
		mini_init(&w.m, pm_rows[i], "/usr/bin/python3");
		bool has = mini_traces_may_be(pm_rows[i]);
		if (has) {
			mini_traces_init(&w.t, &w.m, 1, false);
			mini_put(&w.m, w.t.config,
				w.m.l->f.trace_config.tracing, 0);
		}
		collect(&w);
		ck_assert_int_eq(w.status, PM_ABSENT);
		ck_assert_ptr_nonnull(strstr(w.err.msg,
			has ? "PYTHONTRACEMALLOC" : "has no tracemalloc"));
		end(&w);
	}
}
END_TEST

/* ---- damage ---- */

/* Every one is said, and none is a trace. */
START_TEST(torn_chains)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		begin(&w, row, false);
		const struct pm_fields *f = &w.m.l->f;
		/* A chain that closes, one that leads to another bucket, and
		   two that lead nowhere. */
		mini_put(&w.m, w.entries[0], f->hashtable_entry.next,
			w.entries[0]);
		mini_put(&w.m, w.entries[1], f->hashtable_entry.next,
			w.entries[2]);
		mini_put(&w.m, w.entries[3], f->hashtable_entry.next, 0x10);
		mini_put(&w.m, w.entries[4], f->hashtable_entry.next,
			UINT64_MAX);
		collect(&w);
		ck_assert_int_eq(w.status, PM_OK);
		ck_assert_uint_ge(now(&w)->inconsistent, 1);
		ck_assert_uint_ge(now(&w)->unreadable, 2);
		ck_assert_uint_le(w.c.traces.count, 31);
		end(&w);
	}
}
END_TEST

START_TEST(torn_tracebacks)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		begin(&w, row, false);
		const struct pm_fields *f = &w.m.l->f;
		mini_put(&w.m, w.stacks[0], f->trace_stack.nframe, 0);
		mini_put(&w.m, w.stacks[1], f->trace_stack.nframe, 6);
		pm_addr frame = w.stacks[2] + f->trace_stack.frames.off;
		mini_put(&w.m, frame, f->trace_frame.filename, 0x10);
		collect(&w);
		ck_assert_int_eq(w.status, PM_OK);
		ck_assert_uint_eq(w.c.traces.count, 30);
		ck_assert_uint_eq(now(&w)->inconsistent, 2);
		ck_assert_uint_eq(now(&w)->unreadable, 1);
		ck_assert_uint_eq(w.p.stacks.len, 1);
		ck_assert_str_eq(w.p.files.data[0], "<unreadable 0x10>");
		end(&w);
	}
}
END_TEST

START_TEST(tables_that_are_none)
{
	EACH_TRACING_ROW(row)
	for (unsigned kind = 0; kind < 3; kind++) {
		struct world w;
		begin(&w, row, false);
		const struct pm_fields *f = &w.m.l->f;
		const struct pm_field fields[] = {f->hashtable.nbuckets,
			f->hashtable.nbuckets, f->hashtable.buckets,
			f->hashtable.nentries};
		static const uint32_t values[] = {63, 0x40000000, 65};
		mini_put(&w.m, w.t.tables[0], fields[kind], values[kind]);
		collect(&w);
		/* One in the runtime is asked for its contents. */
		ck_assert_msg(w.status == PM_CORRUPT || w.status == PM_ABSENT,
			"%s: %u", row->name, kind);
		end(&w);
	}
}
END_TEST

/* A table that was being changed. */
START_TEST(counts_that_differ)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		begin(&w, row, false);
		const struct pm_fields *f = &w.m.l->f;
		mini_put(&w.m, w.t.tables[0], f->hashtable.nentries, 31);
		mini_store(&w.m, w.t.traced, w.m.l->t.word_size, 1);
		if (f->tracemalloc.lock.size == 1)
			mini_put(&w.m, w.m.runtime + f->runtime.tracemalloc.off,
				f->tracemalloc.lock, 1);
		collect(&w);
		ck_assert_int_eq(w.status, PM_OK);
		ck_assert_uint_eq(w.c.tables.entries, 31);
		ck_assert_uint_eq(w.c.traces.count, 30);
		ck_assert_uint_eq(w.c.tables.traced, 1);
		ck_assert_int_eq(
			w.c.tables.locked, f->tracemalloc.lock.size == 1);
		end(&w);
	}
}
END_TEST

/* Any byte may be anything: what is read is bounded, and the sum closes. */
START_TEST(random_damage)
{
	uint64_t seed = 1;
	EACH_TRACING_ROW(row)
	for (unsigned round = 0; round < 40; round++) {
		struct world w;
		begin(&w, row, round & 1);
		const pm_addr from[] = {w.entries[round % 30],
			w.stacks[round % 3], w.t.tables[0], w.t.config};
		for (unsigned k = 0; k < 3; k++) {
			seed = seed * 6364136223846793005u + 1;
			pm_addr at = from[seed >> 60 & 3] + (seed >> 40) % 40;
			unsigned char *b = pm_image_at(w.m.t, at, 1);
			ck_assert_ptr_nonnull(b);
			*b = (unsigned char)(seed >> 32);
		}
		collect(&w);
		if (w.status == PM_OK)
			ck_assert_uint_le(w.c.traces.count, 200);
		else
			ck_assert_uint_gt(strlen(w.err.msg), 0);
		end(&w);
	}
}
END_TEST

/* ---- files ---- */

static enum pm_status run_file(struct pm_trace_file *f, struct pm_error *err)
{
	bool done = false;
	enum pm_status s = PM_OK;
	while (s == PM_OK && !done)
		s = pm_trace_file_step(f, 0, &done, err);
	return s;
}

static enum pm_status read_file(struct pm_trace_profile *p,
	enum pm_trace_when when, const char *path, struct pm_error *err)
{
	struct pm_trace_file f = {0};
	enum pm_status s = pm_trace_file_read(&f, p, when, path, err);
	if (s == PM_OK)
		s = run_file(&f, err);
	pm_trace_file_finish(&f);
	return s;
}

static void temporary(char path[static 32])
{
	strcpy(path, "test-traces-XXXXXX");
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

/* What was written is read again, beside what there is: nothing changed. */
START_TEST(saved)
{
	EACH_TRACING_ROW(row)
	{
		struct world w;
		struct pm_trace_file f = {0};
		pm_auto_trace_groups g = {0};
		char path[32];
		temporary(path);
		begin(&w, row, true);
		collect(&w);
		ck_assert_int_eq(pm_trace_file_write(
					 &f, &w.p, PM_TRACE_NEW, path, &w.err),
			PM_OK);
		ck_assert_int_eq(run_file(&f, &w.err), PM_OK);
		ck_assert_uint_gt(f.bytes, 0);
		pm_trace_file_finish(&f);
		ck_assert_int_eq(
			read_file(&w.p, PM_TRACE_OLD, path, &w.err), PM_OK);
		const struct pm_trace_moment *old = &w.p.moments[PM_TRACE_OLD];
		ck_assert_mem_eq(old, now(&w), sizeof *old);
		ck_assert_int_eq(pm_trace_groups_make(
					 &w.p, PM_TRACE_TRACEBACK, &g, &w.err),
			PM_OK);
		ck_assert_uint_eq(g.list.len, 6);
		pm_trace_groups_sort(&g, &w.p, true);
		pm_vec_each (x, &g.list) {
			ck_assert_uint_eq(x->size[0], x->size[1]);
			ck_assert_uint_eq(x->count[0], x->count[1]);
		}
		end(&w);
		unlink(path);
	}
}
END_TEST

/* Files whose checksums are right, and whose numbers are not. */
START_TEST(files_that_make_no_sense)
{
	/* size, count, frames, peak + 1, unreadable, inconsistent, files,
	   stacks; domain, n, total, size, count; file, line */
	static const struct {
		unsigned head, stack, frame; /* which number is wrong */
		uint64_t value;
	} cases[] = {
		{8, 5, 2, 0}, /* none */
		{0, 5, 2, 9}, /* less than its stack has */
		{1, 5, 2, 0},
		{6, 5, 2, UINT64_MAX},
		{7, 5, 2, 2},
		{8, 0, 2, UINT64_C(1) << 32},
		{8, 1, 2, 0},
		{8, 1, 2, 70000},
		{8, 2, 2, 70000},
		{8, 3, 2, UINT64_MAX},
		{8, 4, 2, UINT64_MAX},
		{8, 5, 0, 1},
		{8, 5, 1, UINT64_C(1) << 32},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t head[] = {10, 1, 1, 0, 0, 0, 1, 1, 0};
		uint64_t stack[] = {0, 1, 1, 10, 1, 0}, frame[] = {0, 7, 0};
		struct pm_trace_profile p = {0};
		struct pm_container_writer *c;
		struct pm_error err;
		char path[32];
		temporary(path);
		head[cases[i].head] = cases[i].value;
		stack[cases[i].stack] = cases[i].value;
		frame[cases[i].frame] = cases[i].value;
		ck_assert_int_eq(
			pm_container_create(path, PM_CONTENT_TRACES, &c, &err),
			PM_OK);
		for (size_t k = 0; k < 8; k++)
			ck_assert_int_eq(
				pm_container_put_uint(c, 1, head[k], &err),
				PM_OK);
		ck_assert_int_eq(
			pm_container_put_text(c, 2, "app.py", &err), PM_OK);
		for (size_t k = 0; k < 5; k++)
			ck_assert_int_eq(
				pm_container_put_uint(c, 3, stack[k], &err),
				PM_OK);
		for (size_t k = 0; k < 2; k++)
			ck_assert_int_eq(
				pm_container_put_uint(c, 4, frame[k], &err),
				PM_OK);
		ck_assert_int_eq(pm_container_commit(c, &err), PM_OK);
		pm_container_writer_destroy(c);
		enum pm_status s = read_file(&p, PM_TRACE_OLD, path, &err);
		ck_assert_msg(s == (i ? PM_CORRUPT : PM_OK), "case %zu: %d", i,
			(int)s);
		pm_trace_profile_deinit(&p);
		unlink(path);
	}
}
END_TEST

UNIT_MAIN("traces", sums, groups, other_domains, found_by_structure,
	does_not_trace, torn_chains, torn_tracebacks, tables_that_are_none,
	counts_that_differ, random_damage, saved, files_that_make_no_sense)
