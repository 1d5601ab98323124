/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every command on images of every row, with the n-th read failing, or
   throwing as GDB's Ctrl-C does, for n from the first to the last: no crash,
   nothing left behind, and the next run is right again. */
#include "command/run.h"
#include "lib/mini-frames.h"
#include "lib/mini-traces.h"
#include "lib/throw.h"
#include "object/types.h"
#include "snapshot/snapshot.h"
#include "unit/unit.h"

#include <elf.h>
#include <limits.h>
#include <string.h>

#ifdef __has_feature /* clang's way of saying what gcc says by a macro */
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__
/* Blocks that are allocated, by whomever in this program. */
static long blocks_in_use;

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

__attribute__((visibility("default"))) void *malloc(size_t n)
{
	void *p = __libc_malloc(n);
	blocks_in_use += p != NULL;
	return p;
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
	void *p = __libc_calloc(n, size);
	blocks_in_use += p != NULL;
	return p;
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t n)
{
	void *p = __libc_realloc(old, n);
	blocks_in_use += !old && p;
	return p;
}

__attribute__((visibility("default"))) void free(void *p)
{
	blocks_in_use -= p != NULL;
	__libc_free(p);
}
#else
static const long blocks_in_use; /* LeakSanitizer says it, at the end */
#endif

struct torture {
	struct mini_heap h;
	struct pm_session session;
	pm_addr object;
	const char *line;
	struct pm_run *run;
	enum pm_status status;
	struct pm_error err;
	char *text;
};

static void fill(struct torture *t)
{
	struct mini_heap *h = &t->h;
	pm_addr ints[20], inner[3];
	for (uint32_t i = 0; i < 20; i++)
		ints[i] = mini_new_int(h, 1000 + i);
	for (uint32_t i = 0; i < 3; i++)
		inner[i] = mini_new_list(h, ints, 5 + i);
	t->object = inner[1];
	mini_new_tuple(h, inner, 3);
	mini_free(h, mini_block(h, 64));
}

/* A frame, for what shows stacks: to all others it is only more to read. */
static void push_frame(struct torture *t)
{
	struct mini_heap *h = &t->h;
	static const char *const locals[] = {"buf"};
	const pm_addr values[] = {t->object, t->object};
	struct mini_frames s;
	mini_frames_init(&s, h);
	mini_push_frame(&s, h->m.thread,
		mini_code(&s, "f", "app.py", 3, locals, 1, 1), values, -1);
}

/* A task, for what shows these, whose coroutine is no such thing. */
static void add_task(struct torture *t)
{
	struct mini_heap *h = &t->h;
	const struct pm_fields *f = &h->m.l->f;
	uint32_t size = f->task.sizeof_.off;
	pm_addr type = mini_type(
		h, "_asyncio.Task", size, 0, PM_TPFLAG_HAVE_GC, false);
	pm_addr one = mini_new(h, type, size, true);
	pm_addr two = mini_new(h, type, size, true);
	mini_put(&h->m, one, f->task.waiter, two);
	mini_put(&h->m, one, f->task.coro, t->object);
	mini_put(&h->m, two, f->future.exception, t->object);
	mini_put(&h->m, two, f->future.state, 2);
	t->object = one;
}

/* What traces has a table, and the object is in it. */
static void trace(struct torture *t)
{
	static const char *const files[] = {"app.py", "lib.py"};
	static const uint32_t lines[] = {3, 7};
	struct mini *m = &t->h.m;
	struct mini_traces traces;
	mini_traces_init(&traces, m, 2, true);
	pm_addr stack = mini_stack(&traces, files, lines, 2, false);
	mini_trace(&traces, 0, t->object - 16, 64, stack);
	mini_trace(&traces, 7, 0x1000, 10, stack);
}

/* As the bridge does it: nothing here is guarded, the next command destroys
   what an exception left. */
static void run(void *arg)
{
	struct torture *t = arg;
	struct pm_error *err = &t->err;
	bool done = false;
	struct pm_result res = {0};
	t->status = pm_run_create(&t->session, t->line, &t->run, err);
	if (t->status)
		return;
	if (pm_run_wants_addr(t->run)) {
		t->run->addr = t->object;
		t->run->has_addr = true;
	}
	t->status = pm_session_ensure(&t->session, err);
	if (!t->status)
		t->status = pm_run_start(t->run, err);
	while (!t->status && !done)
		t->status = pm_run_step(t->run, &done, err);
	if (!t->status)
		t->status = pm_run_result(t->run, &res, err);
	if (!t->status)
		t->text = strndup(res.text, res.len);
}

/* A snapshot without any object, in a file or in memory. */
static void write_snapshot(const char *path, struct pm_snapshot **ret_mark)
{
	struct pm_error err = {0};
	struct pm_container_writer *w = NULL;
	ck_assert_int_eq(
		pm_container_create(path, PM_CONTENT_HEAP, &w, &err), PM_OK);
	ck_assert_int_eq(pm_container_commit(w, &err), PM_OK);
	if (ret_mark)
		ck_assert_int_eq(pm_snapshot_open_fd(pm_container_take(w),
					 "mark", ret_mark, &err),
			PM_OK);
	pm_container_writer_destroy(w);
}

static void begin(struct torture *t, const char *line)
{
	struct pm_session *s = &t->session;
	pm_session_init(s);
	s->target = t->h.m.t;
	s->target->parallel = false;
	s->layout = t->h.m.l;
	s->modules = t->h.m.ms;
	s->reader = "image";
	s->stable_ids = true;
	if (!strncmp(line, "py-heap-growth", 14)) {
		write_snapshot(NULL, &s->mark);
		s->mark_destroy = pm_snapshot_close;
	}
	t->line = line;
	t->run = NULL;
	t->text = NULL;
	t->err = (struct pm_error){0};
}

static void end(struct torture *t)
{
	struct pm_session *s = &t->session;
	pm_run_destroy(t->run);
	/* These are the image's. */
	s->target = NULL;
	s->layout = NULL;
	s->modules = (struct pm_modules){0};
	pm_session_deinit(s);
	free(t->text);
	t->text = NULL;
}

/* The result of an undisturbed run, owned by the caller; *ret_reads: how many
   reads it took. */
static char *run_whole(struct torture *t, const char *line, long *ret_reads)
{
	pm_image_fail_at(t->h.m.t, LONG_MAX / 2, NULL); /* no views */
	long before = pm_image_reads(t->h.m.t);
	begin(t, line);
	run(t);
	*ret_reads = pm_image_reads(t->h.m.t) - before;
	ck_assert_msg(t->status == PM_OK, "%s: %s: %s", t->h.m.row->name, line,
		t->err.msg);
	char *text = pm_take(t->text);
	end(t);
	return text;
}

static void run_disturbed(
	struct torture *t, const char *line, long n, void (*hook)(void))
{
	begin(t, line);
	pm_image_fail_at(t->h.m.t, n, hook);
	int threw = throw_caught(run, t);
	pm_image_fail_at(t->h.m.t, -1, NULL);
	if (hook)
		ck_assert_msg(threw, "%s: %s: read %ld did not throw",
			t->h.m.row->name, line, n);
	else if (t->status != PM_OK)
		ck_assert_uint_gt(strlen(t->err.msg), 0);
	end(t);
}

static bool needs_traces(const char *line)
{
	return strstr(line, "py-tracemalloc") || strstr(line, "-sites");
}

static void sweep(
	const struct pm_row *row, const char *line, void (*hook)(void))
{
	struct torture t = {0};
	long reads, again;
	bool tasks = strstr(line, "py-tasks");
	if (tasks && !pm_has(row->fields.task.coro))
		return;
	mini_heap_init(&t.h, row);
	fill(&t);
	if (strstr(line, "py-threads"))
		push_frame(&t);
	if (tasks)
		add_task(&t);
	if (needs_traces(line))
		trace(&t);
	char *text = run_whole(&t, line, &reads);
	ck_assert_int_gt(reads, 0);
	run_disturbed(&t, line, 0, hook);
	long in_use = blocks_in_use;
	for (long n = 0; n < reads; n++)
		run_disturbed(&t, line, n, hook);
	ck_assert_int_eq(blocks_in_use, in_use);
	char *now = run_whole(&t, line, &again);
	ck_assert_str_eq(now, text);
	ck_assert_int_eq(again, reads);
	free(now);
	free(text);
	mini_heap_deinit(&t.h);
}

/* One line per command that reads a target, and more of those that do quite
   different things by their options. */
static const char *const more_lines[] = {
	"py-instances -json -where 'len > 5 and self[0] == 1000' list",
	"py-instances -json -group-by self[-1] list",
	"py-instances -json -sites list",
	"py-find -json -int 1003",
	"py-find -json -str int",
	"py-threads -json -locals",
	"py-heap-types -json -by owner",
	"py-heap-types -json -by size-class -type int",
	"py-heap-types -json -by module",
	"py-heap-types -json -retained",
	"py-retained -json -by class",
	"py-retained -json -depth 3",
	"py-retained -json -top 3 -suspects 1",
	"py-interned -json -only-table",
	"py-refs -json -depth 3 0x1",
	"py-path -json 0x1",
	"py-backrefs -json -depth 2 -dot /dev/null 0x1",
	"py-heap-export -json -format json /dev/null",
	"py-heap-export -json -format dot -top 9 /dev/null",
	"py-memory -json -cycles",
	"py-tasks -json -chains",
	"py-heap-report -json -without "
	"memory,types,retained,strings,slots,tasks /dev/null",
	"py-arena-map -color always -svg /dev/null",
	"py-arena-map -json -sort occupancy",
	"py-heap-save -json -owners /dev/null",
	"py-heap-save -json -graph /dev/null",
	"py-heap-growth -json -mark",
};

/* For those that compare. */
static char snapshot_file[] = "/tmp/test-torture-XXXXXX";

static bool line_for(const struct pm_command *c, char line[static 80])
{
	if (c->flags & PM_COMMAND_NO_TARGET)
		return false;
	bool addr = c->operand == PM_OPERAND_ADDR ||
		    c->operand == PM_OPERAND_OPTIONAL_ADDR;
	bool type = c->operand == PM_OPERAND_TYPE ||
		    c->operand == PM_OPERAND_TYPE_OR_ADDR;
	const char *operand = "";
	if (addr)
		operand = "0x1";
	else if (type)
		operand = "list";
	else if (c->operand == PM_OPERAND_FILE)
		operand = "/dev/null";
	else if (c->operand == PM_OPERAND_FILES)
		operand = snapshot_file;
	snprintf(line, 80, "%s -json %s", c->name, operand);
	return true;
}

/* Rows of other machines run the same code: one of each is enough. */
static bool is_swept(size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (pm_rows[i]->machine == pm_rows[row]->machine)
			return pm_rows[row]->machine == EM_X86_64;
	return true;
}

/* Commands on the graph and snapshots read much, and the same to begin with: in
   each row one of four. */
static bool is_due(const struct pm_command *c, size_t number, size_t row)
{
	bool much = c->group == PM_GROUP_GRAPH || c->group == PM_GROUP_TIME ||
		    !strcmp(c->name, "py-arena-pins");
	/* It runs most of the others. */
	if (!strcmp(c->name, "py-heap-report"))
		return false;
	return !much || number % 4 == row % 4;
}

static bool is_possible(const char *line, size_t row)
{
	return !needs_traces(line) || mini_traces_may_be(pm_rows[row]);
}

static void sweep_all(void (*hook)(void))
{
	unsigned swept = 0;
	int fd = mkstemp(snapshot_file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	write_snapshot(snapshot_file, NULL);
	ck_assert_int_eq(setenv("SOURCE_DATE_EPOCH", "0", 1), 0);
	size_t more = sizeof more_lines / sizeof *more_lines;
	for (size_t r = 0; pm_rows[r]; r++) {
		if (!is_swept(r) || pm_rows[r]->traits.obmalloc_home ==
					    PM_OBMALLOC_MIMALLOC)
			continue;
		for (size_t c = 0; pm_commands[c]; c++) {
			char line[80];
			if (!line_for(pm_commands[c], line) ||
				!is_possible(line, r) ||
				!is_due(pm_commands[c], c, r))
				continue;
			sweep(pm_rows[r], line, hook);
			swept++;
		}
		for (size_t i = r % 4; i < more; i += 4)
			if (is_possible(more_lines[i], r))
				sweep(pm_rows[r], more_lines[i], hook);
	}
	ck_assert_uint_gt(swept, 10);
	unlink(snapshot_file);
}

START_TEST(every_read_throws_once)
{
	sweep_all(throw_now);
}
END_TEST

START_TEST(every_read_fails_once)
{
	sweep_all(NULL);
}
END_TEST

struct layout_job {
	struct mini *mini;
	struct pm_layout *l;
	struct pm_memory *m;
	enum pm_status status;
	struct pm_error err;
};

static void create_layout(void *arg)
{
	struct layout_job *j = arg;
	j->status = pm_memory_create(j->mini->t, 64, &j->m, &j->err);
	if (j->status)
		return;
	struct pm_debug_info none = {0};
	j->status = pm_layout_create(j->m, &j->mini->ms, &none, &j->l, &j->err);
}

/* Calibration reads most: each of its reads in turn, in all rows. */
static void sweep_layout(const struct pm_row *row, void (*hook)(void))
{
	struct mini m = {0};
	mini_init(&m, row, "/usr/bin/python3");
	m.t->parallel = false;
	long in_use = 0;
	long end = 1;
	for (long n = -1; n < end; n++) {
		struct layout_job j = {.mini = &m};
		long before = pm_image_reads(m.t);
		pm_image_fail_at(m.t, n < 0 ? LONG_MAX / 2 : n, hook);
		int threw = throw_caught(create_layout, &j);
		pm_image_fail_at(m.t, -1, NULL);
		if (n < 0)
			end = pm_image_reads(m.t) - before;
		ck_assert_int_eq(threw, n >= 0 && hook);
		ck_assert_msg(n >= 0 || j.status == PM_OK, "%s: %s", row->name,
			j.err.msg);
		pm_layout_destroy(j.l);
		pm_memory_destroy(j.m);
		if (n == 0)
			in_use = blocks_in_use;
	}
	ck_assert_int_gt(end, 1);
	ck_assert_int_eq(blocks_in_use, in_use);
	mini_deinit(&m);
}

START_TEST(every_read_for_the_layout_throws_once)
{
	for (size_t r = 0; pm_rows[r]; r++)
		if (is_swept(r))
			sweep_layout(pm_rows[r], throw_now);
}
END_TEST

START_TEST(every_read_for_the_layout_fails_once)
{
	for (size_t r = 0; pm_rows[r]; r++)
		if (is_swept(r))
			sweep_layout(pm_rows[r], NULL);
}
END_TEST

UNIT_MAIN("torture", every_read_throws_once, every_read_fails_once,
	every_read_for_the_layout_throws_once,
	every_read_for_the_layout_fails_once)
