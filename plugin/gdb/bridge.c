/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entered by GDB whenever it is told to load this module as a JIT reader.  It
   works inside gdb_init_reader and then has the load refused (by a wrong
   version), so that it never becomes the reader: selected frame, JIT symbols
   and the user's own reader stay as they are.
   A command is a sequence of such calls, driven by the script (script.c): each
   takes GDB's answers, works for at most a slice of time, and says what GDB is
   to show, to answer, and whether to call again.  Ctrl-C is GDB's, between two
   calls. */
#include "command/run.h"
#include "gdb/channel.h"
#include "gdb/debug-info.h"
#include "gdb/facts.h"
#include "gdb/host.h"
#include "gdb/operand.h"
#include "gdb/progress.h"
#include "gdb/script.h"

#include <dlfcn.h>
#include <langinfo.h>
#include <string.h>
#include <time.h>

/* Hidden visibility would hide the licence symbol, too. */
#pragma GCC visibility push(default)
#include <gdb/jit-reader.h>
GDB_DECLARE_GPL_COMPATIBLE_READER
#pragma GCC visibility pop

/* A call returns after at most this and one step of the command. */
#define SLICE_NS 50000000

enum stage {
	PARSE, /* the line, then what GDB knows of the target */
	FACTS,
	OPEN, /* the fast reader, and words to compare */
	JUDGE,
	CAPTURE, /* GDB's own reader */
	DEBUG_INFO,
	START,
	STEP,
};

struct bridge {
	struct pm_session session;
	struct pm_run *run; /* NULL: no command is being worked on */
	enum stage stage;
	struct pm_host_facts facts;
	struct pm_request request;
	struct pm_response response;
	struct debug_cache debug;
	struct progress progress;
	gdb_target_read *read; /* NULL until captured */
	bool capturing;	       /* the next load is to succeed */
	bool idle;	       /* no thread: every load is to succeed */
	bool reference;	       /* the operand is a C++ reference */
	bool inside;	       /* an exception passed us if set on entry */
	size_t variables;      /* $py1 ... $pyN are set */
	pm_addr marked;	       /* what GDB was made to cache, 0: nothing */
	struct pm_strbuf mappings;
};

/* The one session of this GDB. */
static struct bridge *the_bridge;

/* ---- what a reader must have ---- */

static enum gdb_status read_symbols(struct gdb_reader_funcs *self,
	struct gdb_symbol_callbacks *cb, void *memory, long size)
{
	(void)self, (void)cb, (void)memory, (void)size;
	return GDB_FAIL;
}

static enum gdb_status unwind(
	struct gdb_reader_funcs *self, struct gdb_unwind_callbacks *cb)
{
	(void)self;
	the_bridge->read = cb->target_read;
	return GDB_FAIL;
}

static struct gdb_frame_id frame_id(
	struct gdb_reader_funcs *self, struct gdb_unwind_callbacks *cb)
{
	(void)self, (void)cb;
	return (struct gdb_frame_id){0, 0};
}

static void destroy(struct gdb_reader_funcs *self)
{
	(void)self;
}

static struct gdb_reader_funcs accepted = {GDB_READER_INTERFACE_VERSION, NULL,
	read_symbols, unwind, frame_id, destroy};
static struct gdb_reader_funcs refused = {GDB_READER_INTERFACE_VERSION - 1,
	NULL, read_symbols, unwind, frame_id, destroy};

/* ---- the host that a session sees ---- */

static int read_by_gdb(uint64_t addr, void *buf, int len)
{
	return the_bridge->read(addr, buf, len) != GDB_SUCCESS;
}

static struct pm_target *host_target(void *host, struct pm_error *err)
{
	struct bridge *b = host;
	struct pm_target *t = NULL;
	if (!b->read) {
		pm_fail(err, PM_ABSENT, 0, "GDB gave no reader%s%s",
			*b->session.distrust ? "; no fast reads either: " : "",
			b->session.distrust);
		return NULL;
	}
	if (pm_host_open(read_by_gdb, &b->facts, pm_strbuf_text(&b->mappings),
		    b->mappings.len, &t, err))
		return NULL;
	return t;
}

/* ---- the stages of a command ---- */

/* What a stage wants of GDB before the next one. */
enum next {
	GO_ON,
	CALL_AGAIN,	   /* the script knows these three by value */
	CALL_CAPTURED,	   /* after handing us GDB's reader */
	CALL_WITH_OPERAND, /* after evaluating it */
	DONE,
};

static void drop_run(struct bridge *b)
{
	pm_run_destroy(b->run);
	b->run = NULL;
}

static enum pm_status stage_parse(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	size_t len = 0;
	uint64_t v = 0;
	const char *text = pm_request_block(&b->request, PM_Q_COMMAND, &len);
	/* GDB writes strings with the NUL, or without, by version. */
	pm_auto_free char *line = strndup(text, len);
	if (!line)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	b->idle = pm_request_value(&b->request, PM_Q_IDLE, &v);
	b->reference = false;
	PM_TRY(pm_run_create(&b->session, line, &b->run, err));
	*ret = GO_ON;
	b->stage = START;
	if (!pm_run_needs_target(b->run))
		return PM_OK;
	if (b->idle)
		return pm_fail(err, PM_ABSENT, 0,
			"%s: there is no process and no core file; attach PID "
			"or core-file FILE first",
			b->run->command->name);
	struct pm_response *r = &b->response;
	if (!pm_request_value(&b->request, PM_Q_THREAD, &r->thread))
		return pm_fail(err, PM_ABSENT, 0, "%s: no thread is selected",
			b->run->command->name);
	pm_response_ask(r, PM_Q_INFERIOR, "$_inferior");
	pm_response_ask(r, PM_Q_SP, "$sp");
	pm_response_ask(r, PM_Q_PC, "$pc");
	pm_response_ask_output(r, PM_Q_INFERIORS, "info inferiors", "cat");
	pm_response_ask_setting(r, PM_Q_SYSROOT, "sysroot");
	pm_response_ask(r, PM_Q_STYLE, "$_gdb_setting(\"style enabled\")");
	if (b->marked)
		pm_response_ask_output(r, PM_Q_CACHE, "info dcache", "cat");
	b->stage = FACTS;
	*ret = CALL_AGAIN;
	if (pm_run_wants_addr(b->run)) {
		pm_response_ask_operand(r, b->run->operand);
		*ret = CALL_WITH_OPERAND;
	}
	return PM_OK;
}

static enum pm_status stage_facts(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	struct pm_host_facts *f = &b->facts;
	size_t len = 0;
	const char *text = pm_request_block(&b->request, PM_Q_FILES, &len);
	*ret = GO_ON;
	b->stage = OPEN;
	if (text) /* the second time */
		return pm_facts_from_files(f, text, len, err);
	memset(f, 0, sizeof *f);
	f->thread = b->response.thread;
	f->terminal = b->progress.terminal;
	f->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	uint64_t style = 0;
	f->colour = pm_request_value(&b->request, PM_Q_STYLE, &style) &&
		    style && b->progress.styled;
	(void)pm_request_value(&b->request, PM_Q_INFERIOR, &f->inferior);
	(void)pm_request_value(&b->request, PM_Q_PC, &f->pc);
	text = pm_request_block(&b->request, PM_Q_INFERIORS, &len);
	PM_TRY(pm_facts_from_inferiors(f, text ? text : "", len, err));
	/* A core may have lost its notes, and its memory is there. */
	if (!pm_request_value(&b->request, PM_Q_SP, &f->sp) &&
		f->kind != PM_TARGET_CORE)
		return pm_fail(err, PM_ABSENT, 0,
			"%s: the selected thread has no registers; is it "
			"running? (interrupt)",
			b->run->command->name);
	text = pm_request_block(&b->request, PM_Q_CACHE, &len);
	f->same_stop = text && pm_facts_from_cache(b->marked, text, len);
	b->marked = 0;
	text = pm_request_block(&b->request, PM_Q_SYSROOT, &len);
	pm_facts_from_sysroot(f, text ? text : "target:", text ? len : 7);
	if (pm_run_wants_addr(b->run))
		PM_TRY(pm_operand_take(
			b->run, &b->request, &b->reference, err));
	if (f->kind != PM_TARGET_CORE)
		return PM_OK;
	pm_response_ask_output(&b->response, PM_Q_FILES, "info files",
		"sed -n '/core dump file:/{n;p;};s/^.* is \\.text in //p'");
	b->stage = FACTS;
	*ret = CALL_AGAIN;
	return PM_OK;
}

static enum pm_status stage_open(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	struct pm_session *s = &b->session;
	PM_TRY(pm_session_sync(s, &b->facts, err));
	*ret = GO_ON;
	b->stage = START;
	if (s->target && s->layout)
		return PM_OK;
	b->stage = JUDGE;
	PM_TRY(pm_session_open(s, err));
	for (uint32_t i = 0; s->target && i < PM_WITNESSES; i++)
		if (s->witnesses[i].addr)
			pm_response_ask(&b->response, PM_Q_WITNESS + i,
				"*(unsigned long long *) %#llx",
				(unsigned long long)s->witnesses[i].addr);
	if (!s->target)
		pm_response_ask_output(&b->response, PM_Q_MAPPINGS,
			"info proc mappings", "cat");
	*ret = CALL_AGAIN;
	return PM_OK;
}

static enum pm_status keep_mappings(struct bridge *b, struct pm_error *err)
{
	size_t len = 0;
	const char *text = pm_request_block(&b->request, PM_Q_MAPPINGS, &len);
	pm_strbuf_reset(&b->mappings);
	if (text)
		pm_strbuf_append(&b->mappings, text, len);
	return b->mappings.failed ? pm_fail(err, PM_NOMEM, 0, "out of memory")
				  : PM_OK;
}

static enum pm_status stage_judge(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	struct pm_session *s = &b->session;
	*ret = GO_ON;
	b->stage = CAPTURE;
	if (!s->target)
		return keep_mappings(b, err);
	for (uint32_t i = 0; i < PM_WITNESSES; i++) {
		struct pm_witness *w = &s->witnesses[i];
		w->answered = pm_request_value(
			&b->request, PM_Q_WITNESS + i, &w->value);
	}
	pm_session_judge(s);
	if (s->target)
		return PM_OK;
	pm_response_ask_output(
		&b->response, PM_Q_MAPPINGS, "info proc mappings", "cat");
	b->stage = JUDGE;
	*ret = CALL_AGAIN;
	return PM_OK;
}

/* Where the kernel put its own pages, which exec moves: "[vdso]" and its like;
   the whole lines where only GDB knows. */
static uint64_t image_mark(const struct bridge *b)
{
	uint64_t mark = 0;
	if (b->session.target) {
		pm_vec_each (m, &b->session.target->maps)
			if (m->flags & PM_MAP_SPECIAL)
				mark = mark * 31 + m->start;
		return mark;
	}
	const char *text = pm_strbuf_text(&b->mappings);
	const char *name = b->mappings.len ? strstr(text, "[vdso]") : NULL;
	while (name && name > text && name[-1] != '\n')
		mark = mark * 31 + (unsigned char)*--name;
	return mark;
}

static enum pm_status stage_capture(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	*ret = GO_ON;
	b->stage = DEBUG_INFO;
	if (b->session.use_debug_info)
		PM_TRY(debug_cache_begin(
			&b->debug, &b->facts, image_mark(b), err));
	if (!b->session.target && !b->read) {
		b->capturing = true;
		*ret = CALL_CAPTURED;
	}
	return PM_OK;
}

static enum pm_status stage_debug_info(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	*ret = GO_ON;
	b->stage = START;
	b->session.debug_info = (struct pm_debug_info){0};
	if (!b->session.use_debug_info)
		return PM_OK;
	PM_TRY(debug_cache_answer(&b->debug, &b->request, err));
	snprintf(b->run->progress, sizeof b->run->progress,
		"asking GDB's debug info");
	if (debug_cache_ask(&b->debug, &b->response)) {
		b->stage = DEBUG_INFO;
		*ret = CALL_AGAIN;
		return PM_OK;
	}
	b->run->progress[0] = '\0';
	b->session.debug_info = debug_cache_info(&b->debug);
	return PM_OK;
}

/* What a reference refers to holds the address that is meant. */
static enum pm_status follow_reference(struct bridge *b, struct pm_error *err)
{
	return pm_memory_read_uint(b->session.memory, b->run->addr,
		b->session.layout->t.word_size, &b->run->addr, err);
}

static enum pm_status stage_start(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	bool target = pm_run_needs_target(b->run);
	enum pm_status s = target ? pm_session_ensure(&b->session, err) : PM_OK;
	if (!s && b->reference)
		s = follow_reference(b, err);
	if (s) {
		pm_error_context(err, "%s", b->run->command->name);
		return s;
	}
	b->stage = STEP;
	*ret = GO_ON;
	return pm_run_start(b->run, err);
}

static int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static enum pm_status stage_step(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	int64_t end = now_ns() + SLICE_NS;
	bool done = false;
	do
		PM_TRY(pm_run_step(b->run, &done, err));
	while (!done && now_ns() < end);
	*ret = done ? DONE : CALL_AGAIN;
	return PM_OK;
}

static enum pm_status advance(
	struct bridge *b, enum next *ret, struct pm_error *err)
{
	*ret = GO_ON;
	while (*ret == GO_ON) {
		switch (b->stage) {
		case PARSE:
			PM_TRY(stage_parse(b, ret, err));
			break;
		case FACTS:
			PM_TRY(stage_facts(b, ret, err));
			break;
		case OPEN:
			PM_TRY(stage_open(b, ret, err));
			break;
		case JUDGE:
			PM_TRY(stage_judge(b, ret, err));
			break;
		case CAPTURE:
			PM_TRY(stage_capture(b, ret, err));
			break;
		case DEBUG_INFO:
			PM_TRY(stage_debug_info(b, ret, err));
			break;
		case START:
			PM_TRY(stage_start(b, ret, err));
			break;
		case STEP:
			PM_TRY(stage_step(b, ret, err));
			break;
		}
	}
	return PM_OK;
}

/* ---- one call ---- */

/* GDB drops what it has cached of a remote target when that runs.  So it is to
   read, as code, the start of Python's file, which nothing else reads so: as
   long as that is in its cache, this is the same stop. */
static void mark_stop(struct bridge *b)
{
	const struct pm_session *s = &b->session;
	if (!s->target || s->target->kind != PM_TARGET_REMOTE || !s->layout ||
		!s->layout->python)
		return;
	b->marked = s->layout->python->start;
	pm_response_do(&b->response, "disassemble %#llx,+1",
		(unsigned long long)b->marked);
}

static enum pm_status show_result(struct bridge *b, struct pm_error *err)
{
	struct pm_result res;
	struct pm_response *r = &b->response;
	PM_TRY(pm_run_result(b->run, &res, err));
	size_t rows = 0;
	for (size_t i = 0; i < res.nvars; i++) {
		const struct pm_emit_variable *v = &res.vars[i];
		/* Without a target GDB may take pointers for shorter ones. */
		pm_response_set(r, v->name, v->value, v->pointer && !b->idle);
		rows += v->pointer;
	}
	/* $py7 of an earlier command must not pass for one of this. */
	if (rows)
		for (size_t i = rows; i < b->variables; i++) {
			char name[24];
			snprintf(name, sizeof name, "py%zu", i + 1);
			pm_response_unset(r, name);
		}
	if (rows)
		b->variables = rows;
	r->coloured = b->run->coloured;
	pm_response_show(r, res.text, res.len);
	r->coloured = false;
	return PM_OK;
}

/* The answer to a failed command; it may itself fail for want of memory, then
   the script says that there was no answer. */
static void show_error(struct bridge *b, const struct pm_error *e)
{
	pm_strbuf_reset(&b->response.shown);
	pm_strbuf_reset(&b->response.flags);
	/* The error is the last line; those before it show where. */
	const char *last = pm_error_last_line(e);
	pm_response_show(&b->response, e->msg, (size_t)(last - e->msg));
	pm_response_set_text(&b->response, "__pm_text", last);
	pm_response_set(&b->response, "__pm_fail", 1, false);
}

static void work(struct bridge *b)
{
	struct pm_error e = {0};
	enum next next = DONE;
	enum pm_status s =
		pm_channel_take(PM_CHANNEL_REQUEST, &b->request.bytes, &e);
	size_t len;
	pm_strbuf_reset(&b->response.flags);
	pm_strbuf_reset(&b->response.shown);
	if (!s)
		s = pm_request_parse(&b->request, &e);
	if (!s && pm_request_block(&b->request, PM_Q_COMMAND, &len)) {
		drop_run(b);
		b->stage = PARSE;
		progress_begin(&b->progress);
	} else if (!s && !b->run) {
		return; /* not of our script: no answer */
	}
	if (!s)
		s = advance(b, &next, &e);
	if (!s && next == DONE)
		s = show_result(b, &e);
	if (s)
		show_error(b, &e);
	else if (next != DONE)
		pm_response_set(&b->response, "__pm_more", next, false);
	if (s || next == DONE) {
		mark_stop(b);
		progress_end(&b->progress);
		drop_run(b);
	} else {
		progress_show(
			&b->progress, b->run->command->name, b->run->progress);
	}
	if (pm_response_send(&b->response, &e))
		drop_run(b);
}

/* ---- the first call ---- */

/* The script loads ".../pymortem.so" where GDB's error can be swallowed and
   ".../" "./pymortem.so" where there is no thread yet and the load must
   succeed: the name is the only thing that we see of it. */
static bool must_succeed(char *path)
{
	char *dot = strstr(path, "/./");
	if (dot)
		memmove(dot, dot + 2, strlen(dot + 2) + 1);
	return dot != NULL;
}

static void complain(const char *what)
{
	fprintf(stderr, "pymortem: %s\n", what);
}

static struct gdb_reader_funcs *boot(void)
{
	struct pm_error e = {0};
	Dl_info self;
	if (!dladdr((void *)&the_bridge, &self) || !self.dli_fname) {
		complain("the file of the module is not known");
		return &refused;
	}
	pm_auto_free char *path = strdup(self.dli_fname);
	pm_auto_free struct bridge *b = calloc(1, sizeof *b);
	if (!path || !b) {
		complain("out of memory");
		return &refused;
	}
	bool succeed = must_succeed(path);
	if (pm_channel_open(&e)) {
		complain(e.msg);
		return &refused;
	}
	pm_auto_strbuf script = {0};
	pm_script_definitions(path, &script);
	if (script.failed || pm_channel_put(PM_CHANNEL_RESPONSE,
				     pm_strbuf_text(&script), script.len, &e)) {
		complain(script.failed ? "out of memory" : e.msg);
		return &refused;
	}
	pm_session_init(&b->session);
	b->session.host_target = host_target;
	b->session.host = b;
	progress_init(&b->progress);
	the_bridge = pm_take(b);
	return succeed ? &accepted : &refused;
}

#pragma GCC visibility push(default)
struct gdb_reader_funcs *gdb_init_reader(void)
{
	struct bridge *b = the_bridge;
	if (!b)
		return boot();
	if (b->capturing) {
		b->capturing = false;
		/* Not a new command, after a Ctrl-C before that. */
		if (pm_channel_is_empty(PM_CHANNEL_REQUEST))
			return &accepted;
	}
	if (b->inside) { /* a Ctrl-C or an error of GDB went through us */
		drop_run(b);
		pm_session_reset(&b->session);
	}
	b->inside = true;
	work(b);
	b->inside = false;
	return b->idle ? &accepted : &refused;
}
#pragma GCC visibility pop
