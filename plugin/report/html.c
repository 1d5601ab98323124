/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command shows as a part of a page: its lines as preformatted text, its
   tables as tables.  Columns carry the keys that they have in JSON, numbers
   their exact value, so that a program finds in the page what it would find
   there. */
#include "report/emit-private.h"
#include "report/page.h"

#include <string.h>

static void end_lines(struct pm_emit *e)
{
	if (e->html.lines)
		pm_strbuf_puts(&e->text, "</pre>\n");
	e->html.lines = false;
}

void html_line(struct pm_emit *e, const char *text, size_t len)
{
	/* Empty ones are for terminals. */
	if (!len && !e->html.lines)
		return;
	if (!e->html.lines)
		pm_strbuf_puts(&e->text, "<pre>");
	e->html.lines = true;
	pm_html_escaped(&e->text, text, len);
	pm_strbuf_putc(&e->text, '\n');
}

static void put_attribute(
	struct pm_strbuf *b, const char *name, const char *value)
{
	if (!value)
		return;
	pm_strbuf_printf(b, " %s=\"", name);
	pm_html_escaped(b, value, strlen(value));
	pm_strbuf_putc(b, '"');
}

static void begin_table(struct pm_emit *e)
{
	const struct text_table *t = &e->table;
	struct pm_strbuf *b = &e->text;
	end_lines(e);
	pm_strbuf_puts(b, "<div class=\"wide\"><table");
	put_attribute(b, "data-key", t->key);
	pm_strbuf_puts(b, ">\n<thead><tr>");
	pm_vec_each (c, &t->columns) {
		if (!c->title)
			continue;
		pm_strbuf_puts(
			b, text_is_left(c->type) ? "<th" : "<th class=\"num\"");
		put_attribute(b, "data-key", c->key);
		pm_strbuf_putc(b, '>');
		pm_html_escaped(b, c->title, strlen(c->title));
		pm_strbuf_puts(b, "</th>");
	}
	pm_strbuf_puts(b, "</tr></thead>\n<tbody>\n");
	e->html.table = true;
}

static void put_exact(struct pm_strbuf *b, const struct pm_column *c,
	const struct pm_cell *cell)
{
	char n[28];
	if (cell->absent)
		return;
	switch (c->type) {
	case PM_CELL_SIZE:
		pm_strbuf_printf(
			b, " title=\"%s bytes\"", pm_grouped(cell->u, n));
		__attribute__((fallthrough));
	case PM_CELL_COUNT:
		pm_strbuf_printf(
			b, " data-value=\"%llu\"", (unsigned long long)cell->u);
		break;
	case PM_CELL_INT:
	case PM_CELL_DELTA:
	case PM_CELL_DELTA_SIZE:
		pm_strbuf_printf(b, " data-value=\"%lld\"", (long long)cell->i);
		break;
	case PM_CELL_TEXT:
	case PM_CELL_PERCENT:
	case PM_CELL_ADDR:
	case PM_CELL_BOOL:
		break;
	}
}

static void put_row(
	struct pm_emit *e, const struct pm_cell *cells, const char *row)
{
	const struct text_table *t = &e->table;
	struct pm_strbuf *b = &e->text;
	pm_strbuf_puts(b, row);
	for (size_t i = 0; i < t->columns.len; i++) {
		const struct pm_column *c = &t->columns.data[i];
		pm_auto_strbuf text = {0};
		if (!c->title)
			continue;
		text_cell(e, c, &cells[i], &text);
		e->failed |= text.failed;
		pm_strbuf_puts(
			b, text_is_left(c->type) ? "<td" : "<td class=\"num\"");
		put_exact(b, c, &cells[i]);
		pm_strbuf_putc(b, '>');
		pm_html_escaped(b, pm_strbuf_text(&text), text.len);
		pm_strbuf_puts(b, "</td>");
	}
	pm_strbuf_puts(b, "</tr>\n");
}

void html_table_row(struct pm_emit *e, const struct pm_cell *cells, bool total)
{
	if (!e->html.table)
		begin_table(e);
	put_row(e, cells, total ? "<tr class=\"total\">" : "<tr>");
}

void html_table_end(struct pm_emit *e)
{
	if (e->html.table)
		pm_strbuf_puts(&e->text, "</tbody></table></div>\n");
	e->html.table = false;
}

void html_picture(struct pm_emit *e, const char *svg)
{
	/* Without the prolog of a file. */
	const char *begin = strstr(svg, "<svg");
	if (!begin)
		return;
	end_lines(e);
	pm_strbuf_puts(&e->text, "<div class=\"wide\">\n");
	pm_strbuf_puts(&e->text, begin);
	pm_strbuf_puts(&e->text, "</div>\n");
}

void html_finish(struct pm_emit *e)
{
	end_lines(e);
}
