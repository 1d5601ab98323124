/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/trace-rows.h"

#include <inttypes.h>
#include <string.h>

enum pm_trace_by pm_trace_by(const struct pm_run *r)
{
	const char *by = pm_run_text(r, "by", "lineno");
	return !strcmp(by, "filename")	  ? PM_TRACE_FILENAME
	       : !strcmp(by, "traceback") ? PM_TRACE_TRACEBACK
					  : PM_TRACE_LINENO;
}

/* ---- numbers ---- */

void pm_trace_put_size(
	const struct pm_run *r, uint64_t size, struct pm_strbuf *out)
{
	char text[28];
	bool exact = pm_run_flag(r, "bytes");
	pm_strbuf_puts(out,
		exact ? pm_grouped(size, text) : pm_human_size(size, text));
	if (exact)
		pm_strbuf_puts(out, size == 1 ? " byte" : " bytes");
}

static void put_difference(
	const struct pm_run *r, int64_t v, bool size, struct pm_strbuf *out)
{
	uint64_t abs = v < 0 ? -(uint64_t)v : (uint64_t)v;
	char text[28];
	pm_strbuf_putc(out, v < 0 ? '-' : '+');
	if (size)
		pm_trace_put_size(r, abs, out);
	else
		pm_strbuf_puts(out, pm_grouped(abs, text));
}

/* ---- places ---- */

static const struct pm_trace_frame *frame(const struct pm_trace_profile *p,
	const struct pm_trace_stack *s, uint32_t i)
{
	return &p->frames.data[s->frames + i];
}

static const char *file_of(
	const struct pm_trace_profile *p, const struct pm_trace_frame *f)
{
	return p->files.data[f->file];
}

static void describe_frame(const struct pm_trace_profile *p,
	const struct pm_trace_frame *f, enum pm_trace_by by,
	struct pm_strbuf *out)
{
	pm_strbuf_puts(out, file_of(p, f));
	if (by != PM_TRACE_FILENAME)
		pm_strbuf_printf(out, ":%" PRIu32, f->line);
}

void pm_trace_describe(const struct pm_trace_profile *p,
	const struct pm_trace_stack *s, enum pm_trace_by by,
	struct pm_strbuf *out)
{
	uint32_t n = by == PM_TRACE_TRACEBACK ? s->n : 1;
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			pm_strbuf_puts(out, " < ");
		describe_frame(p, frame(p, s, i), by, out);
	}
}

/* Frames outside of those that were kept. */
static uint32_t left_out(const struct pm_trace_stack *s)
{
	return s->total > s->n ? s->total - s->n : 0;
}

void pm_trace_emit_place(struct pm_emit *e, const struct pm_trace_profile *p,
	const struct pm_trace_stack *s, enum pm_trace_by by)
{
	const struct pm_trace_frame *f = frame(p, s, 0);
	pm_emit_text(e, "file", file_of(p, f));
	if (by != PM_TRACE_FILENAME)
		pm_emit_uint(e, "line", f->line);
	if (by != PM_TRACE_TRACEBACK)
		return;
	if (s->total)
		pm_emit_uint(e, "total_frames", s->total);
	pm_emit_open_array(e, "frames");
	for (uint32_t i = s->n; i--;) {
		f = frame(p, s, i);
		pm_emit_open_object(e, NULL);
		pm_emit_text(e, "file", file_of(p, f));
		pm_emit_uint(e, "line", f->line);
		pm_emit_close(e);
	}
	pm_emit_close(e);
}

void pm_trace_show_stack(struct pm_emit *e, const struct pm_trace_profile *p,
	const struct pm_trace_stack *s)
{
	if (left_out(s))
		pm_emit_line(e, "  (%" PRIu32 " outer frame%s not kept)",
			left_out(s), left_out(s) == 1 ? "" : "s");
	for (uint32_t i = s->n; i--;)
		pm_emit_line(e, "  File \"%s\", line %" PRIu32,
			file_of(p, frame(p, s, i)), frame(p, s, i)->line);
}

/* ---- rows ---- */

struct rows {
	struct pm_run *r;
	const struct pm_trace_profile *p;
	enum pm_trace_by by;
	bool compared, has_domains;
};

enum {
	COLUMN_DOMAIN,
	COLUMN_SIZE,
	COLUMN_SIZE_DIFF,
	COLUMN_SHARE,
	COLUMN_COUNT,
	COLUMN_COUNT_DIFF,
	COLUMN_AVERAGE,
	COLUMN_FILE,
	COLUMN_LINE,
	COLUMN_WHERE,
	COLUMNS
};

static int64_t difference(const uint64_t of[static PM_TRACE_MOMENTS])
{
	return (int64_t)(of[PM_TRACE_NEW] - of[PM_TRACE_OLD]);
}

static double share(const struct rows *x, const struct pm_trace_group *g)
{
	uint64_t all = x->p->moments[PM_TRACE_NEW].size;
	return all ? 100.0 * (double)g->size[PM_TRACE_NEW] / (double)all : 0;
}

static void begin_table(const struct rows *x)
{
	struct pm_column columns[COLUMNS] = {
		[COLUMN_DOMAIN] = {"domain", "DOMAIN", PM_CELL_COUNT},
		[COLUMN_SIZE] = {"size", "SIZE", PM_CELL_SIZE},
		[COLUMN_SIZE_DIFF] = {"size_diff", "SIZE DIFF",
			PM_CELL_DELTA_SIZE},
		[COLUMN_SHARE] = {NULL, "%", PM_CELL_PERCENT},
		[COLUMN_COUNT] = {"count", "COUNT", PM_CELL_COUNT},
		[COLUMN_COUNT_DIFF] = {"count_diff", "COUNT DIFF",
			PM_CELL_DELTA},
		[COLUMN_AVERAGE] = {NULL, "AVERAGE", PM_CELL_SIZE},
		[COLUMN_FILE] = {"file", NULL, PM_CELL_TEXT},
		[COLUMN_LINE] = {"line", NULL, PM_CELL_COUNT},
		[COLUMN_WHERE] = {NULL, "WHERE", PM_CELL_TEXT},
	};
	if (!x->has_domains)
		columns[COLUMN_DOMAIN].title = NULL;
	if (x->by == PM_TRACE_FILENAME)
		columns[COLUMN_LINE].key = NULL;
	if (x->compared)
		columns[COLUMN_SHARE].title = columns[COLUMN_AVERAGE].title =
			NULL;
	else
		columns[COLUMN_SIZE_DIFF] = columns[COLUMN_COUNT_DIFF] =
			(struct pm_column){.type = PM_CELL_INT};
	pm_emit_table(x->r->emit, "rows", columns, COLUMNS, 0);
}

static void show_row(const struct rows *x, const struct pm_trace_group *g)
{
	const struct pm_trace_stack *s = &x->p->stacks.data[g->stack];
	const struct pm_trace_frame *f = frame(x->p, s, 0);
	uint64_t size = g->size[PM_TRACE_NEW], n = g->count[PM_TRACE_NEW];
	pm_auto_strbuf where = {0};
	describe_frame(x->p, f, x->by, &where);
	const struct pm_cell cells[COLUMNS] = {
		[COLUMN_DOMAIN] = {.u = s->domain},
		[COLUMN_SIZE] = {.u = size},
		[COLUMN_SIZE_DIFF] = {.i = difference(g->size)},
		[COLUMN_SHARE] = {.d = share(x, g)},
		[COLUMN_COUNT] = {.u = n},
		[COLUMN_COUNT_DIFF] = {.i = difference(g->count)},
		[COLUMN_AVERAGE] = {.u = n ? size / n : 0},
		[COLUMN_FILE] = {.text = file_of(x->p, f)},
		[COLUMN_LINE] = {.u = f->line},
		[COLUMN_WHERE] = {.text = pm_strbuf_text(&where)},
	};
	pm_emit_row(x->r->emit, cells, 0);
}

/* A traceback has lines of its own. */
static void show_block(const struct rows *x, const struct pm_trace_group *g)
{
	struct pm_emit *e = x->r->emit;
	const struct pm_trace_stack *s = &x->p->stacks.data[g->stack];
	uint64_t n = g->count[PM_TRACE_NEW];
	pm_auto_strbuf line = {0};
	pm_emit_open_object(e, NULL);
	pm_emit_uint(e, "domain", s->domain);
	pm_emit_uint(e, "size", g->size[PM_TRACE_NEW]);
	pm_emit_uint(e, "count", n);
	pm_trace_put_size(x->r, g->size[PM_TRACE_NEW], &line);
	if (x->compared) {
		pm_emit_int(e, "size_diff", difference(g->size));
		pm_emit_int(e, "count_diff", difference(g->count));
		pm_strbuf_puts(&line, " (");
		put_difference(x->r, difference(g->size), true, &line);
		pm_strbuf_puts(&line, ")");
	} else {
		pm_strbuf_printf(&line, " (%.1f%%)", share(x, g));
	}
	char text[28];
	pm_strbuf_printf(&line, " in %s", pm_grouped(n, text));
	if (x->compared) {
		pm_strbuf_puts(&line, " (");
		put_difference(x->r, difference(g->count), false, &line);
		pm_strbuf_puts(&line, ")");
	}
	pm_strbuf_puts(&line, n == 1 ? " block" : " blocks");
	if (s->domain)
		pm_strbuf_printf(&line, " of domain %" PRIu32, s->domain);
	pm_emit_line(e, "%s, allocated at:", pm_strbuf_text(&line));
	pm_trace_show_stack(e, x->p, s);
	pm_trace_emit_place(e, x->p, s, x->by);
	pm_emit_close(e);
}

static bool changed(const struct pm_trace_group *g)
{
	return difference(g->size) || difference(g->count);
}

static size_t count_rows(const struct rows *x, const struct pm_trace_groups *g)
{
	size_t n = 0;
	pm_vec_each (group, &g->list)
		n += !x->compared || changed(group);
	return n;
}

static bool has_domains(const struct pm_trace_profile *p)
{
	pm_vec_each (s, &p->stacks)
		if (s->domain)
			return true;
	return false;
}

void pm_trace_show_rows(struct pm_run *r, const struct pm_trace_profile *p,
	const struct pm_trace_groups *g, bool compared)
{
	struct rows x = {r, p, pm_trace_by(r), compared, has_domains(p)};
	bool blocks = x.by == PM_TRACE_TRACEBACK;
	size_t n = count_rows(&x, g), shown = 0;
	char text[28];
	if (blocks)
		pm_emit_open_array(r->emit, "rows");
	else
		begin_table(&x);
	pm_vec_each (group, &g->list) {
		if (compared && !changed(group))
			continue;
		if (r->top && shown == r->top)
			break;
		shown++;
		(blocks ? show_block : show_row)(&x, group);
	}
	if (!blocks) {
		pm_emit_table_hide(r->emit, n - shown);
		pm_emit_table_end(r->emit);
		return;
	}
	pm_emit_close(r->emit);
	if (n > shown)
		pm_emit_line(r->emit, "%s more (-all shows them)",
			pm_grouped(n - shown, text));
}

/* ---- doubts ---- */

void pm_trace_show_doubts(struct pm_run *r, const struct pm_trace_collect *c)
{
	struct pm_emit *e = r->emit;
	uint64_t count = c->traces.count, bytes = c->traces.bytes;
	bool other_count = count != c->tables.entries;
	bool other_bytes = c->tables.has_traced && bytes != c->tables.traced;
	char a[28], b[28];
	pm_emit_bool(e, "complete", !other_count && !other_bytes);
	pm_emit_bool(e, "locked", c->tables.locked);
	pm_emit_text(e, "source", pm_source_text(c->tables.source));
	if (other_count)
		pm_emit_line(e,
			"Its tables say that they have %s traces, %s were "
			"read.",
			pm_grouped(c->tables.entries, a), pm_grouped(count, b));
	if (other_bytes)
		pm_emit_line(e,
			"It counts %s bytes itself, the traces have %s.",
			pm_grouped(c->tables.traced, a), pm_grouped(bytes, b));
	if (!c->tables.has_traced)
		pm_emit_line(e, "%s",
			"Where it counts its bytes itself is not found: "
			"nothing to compare the sum with.");
	if (c->tables.locked)
		pm_emit_line(e, "%s",
			"Its lock is taken: the target was stopped while it "
			"changed its tables.");
	else if (other_count || other_bytes)
		pm_emit_line(e, "%s",
			"The target was stopped while it changed its tables, "
			"or they are damaged.");
	if (c->tables.source == PM_SOURCE_CALIBRATED)
		pm_emit_line(e, "%s",
			"(No symbol tells where the table is: found by what "
			"is in it.)");
}
