/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-heap-report: a page of HTML about a stop.  Each section is another command
   that runs as ever, and is shown as a part of the page. */
#include "base/clock.h"
#include "base/new-file.h"
#include "command/options.h"
#include "command/run.h"
#include "report/page.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

struct section {
	const char *id, *heading;
	const char *line; /* without the options that all have */
	const char
		*option; /* of this command, that the section needs; or NULL */
	const char *given; /* what it adds to line */
};

static const struct section sections[] = {
	{.id = "memory", .heading = "Where the memory is", .line = "py-memory"},
	{.id = "info", .heading = "What this is", .line = "py-info"},
	{.id = "types", .heading = "Types", .line = "py-heap-types"},
	{.id = "retained",
		.heading = "Who keeps memory",
		.line = "py-retained"},
	{.id = "strings", .heading = "Equal strings", .line = "py-strings"},
	{.id = "slots",
		.heading = "What __slots__ would save",
		.line = "py-slots"},
	{.id = "arenas",
		.heading = "Arenas",
		.line = "py-arena-map -color never"},
	{.id = "threads",
		.heading = "Threads",
		.line = "py-threads",
		.option = "locals",
		.given = " -locals"},
	{.id = "tasks",
		.heading = "Tasks",
		.line = "py-tasks",
		.option = "chains",
		.given = " -chains"},
};
#define NSECTIONS (sizeof sections / sizeof *sections)

struct outcome {
	uint64_t bytes;
	char problem[sizeof((struct pm_error *)0)->msg]; /* "": none */
	char line[128];
};

struct report {
	struct pm_new_file *file;
	size_t at; /* the section under way */
	struct pm_run *part;
	bool left_out[NSECTIONS];
	struct outcome outcomes[NSECTIONS];
	uint64_t bytes;
};

/* ---- sections that are left out ---- */

/* A list of ids with commas between them. */
static enum pm_status leave_out(
	struct report *st, const char *list, struct pm_error *err)
{
	while (*list) {
		size_t n = strcspn(list, ","), i = 0;
		while (i < NSECTIONS &&
			(strlen(sections[i].id) != n ||
				strncmp(sections[i].id, list, n)))
			i++;
		if (i == NSECTIONS) {
			pm_auto_strbuf ids = {0};
			for (i = 0; i < NSECTIONS; i++)
				pm_strbuf_printf(&ids, "%s%s", i ? ", " : "",
					sections[i].id);
			return pm_fail(err, PM_USAGE, 0,
				"-without: no section \"%.*s\": there are %s",
				(int)(n > 40 ? 40 : n), list,
				pm_strbuf_text(&ids));
		}
		st->left_out[i] = true;
		list += n + (list[n] == ',');
	}
	return PM_OK;
}

/* ---- the page ---- */

static enum pm_status put(
	struct report *st, const struct pm_strbuf *b, struct pm_error *err)
{
	if (b->failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	st->bytes += b->len;
	return pm_new_file_write(st->file, pm_strbuf_text(b), b->len, err);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* "Heap of CPython 3.12.1, process 123" */
static void put_title(const struct pm_session *s, struct pm_strbuf *b)
{
	const char *core = base_name(s->facts.core_path);
	pm_strbuf_puts(b, "Heap of CPython ");
	pm_session_version(s, b);
	if (*core) {
		pm_strbuf_puts(b, ", core ");
		pm_strbuf_escaped(b, core, strlen(core));
	} else if (s->facts.pid) {
		pm_strbuf_printf(b, ", process %d", s->facts.pid);
	}
}

static void put_about(const struct pm_session *s, struct pm_strbuf *b)
{
	const char *exe = s->facts.exe_path;
	struct tm tm;
	char day[40];
	time_t now = (time_t)pm_file_time();
	if (*exe) {
		pm_strbuf_escaped(b, exe, strlen(exe));
		pm_strbuf_puts(b, ". ");
	}
	pm_strbuf_puts(b, "Layout from ");
	pm_session_layout_source(s, b);
	pm_strbuf_puts(b, ".");
	if (s->target->truncated)
		pm_strbuf_puts(b, " The core file is truncated: figures are "
				  "of what it has.");
	if (s->facts.running)
		pm_strbuf_puts(b, " The process ran while it was read: figures "
				  "may not agree.");
	if (gmtime_r(&now, &tm) &&
		strftime(day, sizeof day, " Made %Y-%m-%d %H:%M UTC.", &tm))
		pm_strbuf_puts(b, day);
}

static enum pm_status put_head(struct pm_run *r, struct pm_error *err)
{
	struct report *st = r->state;
	pm_auto_strbuf b = {0}, title = {0}, about = {0};
	put_title(r->session, &title);
	put_about(r->session, &about);
	pm_page_begin(&b, pm_strbuf_text(&title), pm_strbuf_text(&about));
	pm_page_contents_begin(&b);
	for (size_t i = 0; i < NSECTIONS; i++)
		if (!st->left_out[i])
			pm_page_contents_item(
				&b, sections[i].id, sections[i].heading);
	pm_page_contents_end(&b);
	return put(st, &b, err);
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct report *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	PM_TRY(leave_out(st, pm_run_text(r, "without", ""), err));
	PM_TRY(pm_new_file_create(r->operand, &st->file, err));
	return put_head(r, err);
}

/* ---- a section ---- */

/* One that lacks what it is about says so in its place; what goes wrong with
   all of them ends the report. */
static bool is_of_section(enum pm_status s)
{
	return s != PM_NOMEM && s != PM_INTERRUPTED && s != PM_SYSTEM;
}

/* What is asked of all sections is asked of the commands that have it. */
static void line_of(
	const struct pm_run *r, const struct section *x, struct pm_strbuf *b)
{
	const struct pm_command *c =
		pm_command_find(x->line, strcspn(x->line, " "));
	pm_strbuf_puts(b, x->line);
	if (x->option && pm_run_flag(r, x->option))
		pm_strbuf_puts(b, x->given);
	if (c && (c->flags & PM_COMMAND_TABLE)) {
		if (r->top)
			pm_strbuf_printf(b, " -top %zu", r->top);
		else
			pm_strbuf_puts(b, " -all");
	}
	if (c && (c->flags & PM_COMMAND_SIZES) && pm_run_flag(r, "bytes"))
		pm_strbuf_puts(b, " -bytes");
	if (pm_run_given(r, "interp") && c &&
		(c->flags & PM_COMMAND_ONE_INTERPRETER))
		pm_strbuf_printf(
			b, " -interp %" PRIu64, pm_run_number(r, "interp", 0));
}

static enum pm_status begin_section(struct pm_run *r, struct pm_error *err)
{
	struct report *st = r->state;
	const struct section *x = &sections[st->at];
	struct outcome *out = &st->outcomes[st->at];
	pm_auto_strbuf line = {0};
	line_of(r, x, &line);
	snprintf(out->line, sizeof out->line, "%s", pm_strbuf_text(&line));
	PM_TRY(pm_run_create(r->session, out->line, &st->part, err));
	st->part->in_page = true;
	return pm_run_start(st->part, err);
}

static enum pm_status end_section(
	struct report *st, const char *text, size_t len, struct pm_error *err)
{
	const struct section *x = &sections[st->at];
	struct outcome *out = &st->outcomes[st->at];
	pm_auto_strbuf b = {0};
	pm_page_section_begin(&b, x->id, x->heading, out->line);
	pm_strbuf_append(&b, text, len);
	if (*out->problem)
		pm_page_problem(&b, out->problem);
	pm_page_section_end(&b);
	out->bytes = b.len;
	PM_TRY(put(st, &b, err));
	pm_run_destroy(pm_take(st->part));
	st->at++;
	return PM_OK;
}

/* Goes on with the section; *ret_done: its text is there. */
static enum pm_status work(struct pm_run *r, bool *ret_done,
	struct pm_result *ret, struct pm_error *err)
{
	struct report *st = r->state;
	bool done = false;
	if (!st->part) {
		PM_TRY(begin_section(r, err));
		return PM_OK;
	}
	PM_TRY(pm_run_step(st->part, &done, err));
	snprintf(r->progress, sizeof r->progress, "%s", st->part->progress);
	if (done)
		PM_TRY(pm_run_result(st->part, ret, err));
	*ret_done = done;
	return PM_OK;
}

static enum pm_status show(struct pm_run *r, struct pm_error *err)
{
	static const struct pm_column columns[] = {
		{"section", "SECTION", PM_CELL_TEXT},
		{"bytes", "SIZE", PM_CELL_SIZE},
		{"command", "COMMAND", PM_CELL_TEXT},
		{"problem", "PROBLEM", PM_CELL_TEXT},
	};
	struct report *st = r->state;
	pm_auto_strbuf b = {0}, name = {0};
	char size[16];
	pm_page_end(&b);
	PM_TRY(put(st, &b, err));
	PM_TRY(pm_new_file_commit(st->file, err));
	pm_emit_table(r->emit, "rows", columns, 4, 0);
	for (size_t i = 0; i < NSECTIONS; i++) {
		const struct outcome *out = &st->outcomes[i];
		const struct pm_cell cells[] = {
			{.text = sections[i].id},
			{.u = out->bytes},
			{.text = out->line},
			{.text = *out->problem ? out->problem : NULL},
		};
		if (!st->left_out[i])
			pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
	pm_strbuf_escaped(&name, r->operand, strlen(r->operand));
	pm_emit_line(r->emit, "The page is in %s (%s).", pm_strbuf_text(&name),
		pm_human_size(st->bytes, size));
	pm_emit_text(r->emit, "file", pm_strbuf_text(&name));
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "bytes", st->bytes);
	pm_emit_close(r->emit);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct report *st = r->state;
	struct pm_result res = {.text = ""};
	bool done = false;
	while (st->at < NSECTIONS && st->left_out[st->at])
		st->at++;
	if (st->at == NSECTIONS) {
		*ret_done = true;
		return show(r, err);
	}
	struct pm_error problem = {0};
	enum pm_status s = work(r, &done, &res, &problem);
	if (s != PM_OK && !is_of_section(s)) {
		*err = problem;
		return s;
	}
	if (s != PM_OK) {
		snprintf(st->outcomes[st->at].problem,
			sizeof st->outcomes[st->at].problem, "%s", problem.msg);
		res = (struct pm_result){.text = ""};
	}
	return s != PM_OK || done ? end_section(st, res.text, res.len, err)
				  : PM_OK;
}

static void finish(struct pm_run *r)
{
	struct report *st = r->state;
	if (!st)
		return;
	pm_run_destroy(st->part);
	pm_new_file_destroy(st->file);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "chains",
		.type = PM_ARG_FLAG,
		.help = "With the chain of awaits of each task."},
	{.name = "locals",
		.type = PM_ARG_FLAG,
		.help = "With the local variables of each frame."},
	{.name = "without",
		.type = PM_ARG_TEXT,
		.value = "LIST",
		.help = "Leave out sections: of memory, info, types, retained, "
			"strings, slots, arenas, threads, tasks, with commas."},
	{0},
};

const struct pm_command pm_command_heap_report = {
	.name = "py-heap-report",
	.group = PM_GROUP_OVERVIEW,
	.summary = "Write a page of HTML about this stop, for a ticket or a "
		   "colleague.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_FILE,
	.operand_help = "FILE is the page; it is there once it is complete.",
	.doc = "One page that stands alone: what the process is, where its "
	       "memory is with the verdict, its types, who keeps memory and by "
	       "which paths, equal strings, what __slots__ would save, the "
	       "arenas as a picture, threads and tasks.  Each section is what "
	       "the command under its heading shows, for the same stop; -top N "
	       "is the number of rows of each (25), -all shows all.  A section "
	       "that cannot be made says why.\n"
	       "The page fetches nothing, runs nothing, and can be read on a "
	       "telephone, in the dark, and on paper.  Numbers have their "
	       "exact "
	       "values in data-value, columns the keys of -json in data-key.\n"
	       "What it shows of the process may be confidential: paths of "
	       "files, values of strings and of keys, names of tasks.  "
	       "-without "
	       "strings,retained leaves out most values; those of variables "
	       "are shown with -locals only.",
	.examples = "py-heap-report stop.html\n"
		    "py-heap-report -top 10 -without strings,slots stop.html",
	.start = start,
	.step = step,
	.finish = finish,
};
