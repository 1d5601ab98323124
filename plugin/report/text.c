/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aligned columns.  The widths are known only when all rows are, so the cells
   are kept as text until the end of the table. */
#include "report/emit-private.h"

#include <string.h>

const char *pm_human_size(uint64_t bytes, char buf[static 16])
{
	static const char units[] = "KMGTPE";
	if (bytes < 1024) {
		snprintf(buf, 16, "%u B", (unsigned)bytes);
		return buf;
	}
	unsigned u = 0;
	double v = (double)bytes / 1024;
	/* 1023.5 would be printed as 1024. */
	while (v >= 1023.5 && units[u + 1]) {
		v /= 1024;
		u++;
	}
	snprintf(buf, 16, v < 99.95 ? "%.1f %ciB" : "%.0f %ciB", v, units[u]);
	return buf;
}

/* Code points that take two columns, and those that take none. */
static unsigned code_point_width(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
		unsigned width;
	} ranges[] = {
		{0x300, 0x36f, 0},
		{0x200b, 0x200f, 0},
		{0xfe00, 0xfe0f, 0},
		{0x1100, 0x115f, 2},
		{0x2e80, 0xa4cf, 2},
		{0xac00, 0xd7a3, 2},
		{0xf900, 0xfaff, 2},
		{0xfe30, 0xfe6f, 2},
		{0xff00, 0xff60, 2},
		{0xffe0, 0xffe6, 2},
		{0x1f300, 0x1f64f, 2},
		{0x1f900, 0x1f9ff, 2},
		{0x20000, 0x3fffd, 2},
	};
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (cp >= ranges[i].first && cp <= ranges[i].last)
			return ranges[i].width;
	return 1;
}

/* One code point of valid UTF-8 (ours is: it was escaped). */
static uint32_t next_code_point(
	const unsigned char **p, const unsigned char *end)
{
	uint32_t c = *(*p)++;
	if (c < 0xc0)
		return c;
	unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
	c &= 0x3fu >> more;
	while (more-- && *p < end)
		c = c << 6 | (*(*p)++ & 0x3f);
	return c;
}

size_t text_width(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	const unsigned char *end = p + len;
	size_t width = 0;
	while (p < end)
		width += code_point_width(next_code_point(&p, end));
	return width;
}

/* The longest prefix, in bytes, of at most width columns. */
static size_t text_fit(const char *text, size_t len, size_t width)
{
	const unsigned char *start = (const unsigned char *)text, *p = start;
	const unsigned char *end = p + len;
	while (p < end) {
		const unsigned char *before = p;
		size_t w = code_point_width(next_code_point(&p, end));
		if (w > width)
			return (size_t)(before - start);
		width -= w;
	}
	return len;
}

void text_cell(struct pm_emit *e, const struct pm_column *c,
	const struct pm_cell *cell, struct pm_strbuf *b)
{
	char buf[32];
	if (cell->absent) {
		pm_strbuf_putc(b, '-');
		return;
	}
	switch (c->type) {
	case PM_CELL_TEXT:
		if (!cell->text)
			break;
		if (e->o.stable_ids)
			emit_stable_text(e, cell->text, strlen(cell->text), b);
		else
			pm_strbuf_puts(b, cell->text);
		break;
	case PM_CELL_COUNT:
		pm_strbuf_puts(b, pm_grouped(cell->u, buf));
		break;
	case PM_CELL_SIZE:
		if (e->o.bytes)
			pm_strbuf_puts(b, pm_grouped(cell->u, buf));
		else
			pm_strbuf_puts(b, pm_human_size(cell->u, buf));
		break;
	case PM_CELL_PERCENT:
		pm_strbuf_printf(b, "%.1f%%", cell->d);
		break;
	case PM_CELL_ADDR:
		pm_strbuf_puts(b, emit_address(e, cell->u, buf));
		break;
	case PM_CELL_BOOL:
		pm_strbuf_puts(b, cell->b ? "yes" : "no");
		break;
	case PM_CELL_INT:
		pm_strbuf_printf(b, "%lld", (long long)cell->i);
		break;
	case PM_CELL_DELTA:
	case PM_CELL_DELTA_SIZE: {
		uint64_t u =
			cell->i < 0 ? 0 - (uint64_t)cell->i : (uint64_t)cell->i;
		bool exact = c->type == PM_CELL_DELTA || e->o.bytes;
		pm_strbuf_putc(b, cell->i < 0 ? '-' : '+');
		pm_strbuf_puts(
			b, exact ? pm_grouped(u, buf) : pm_human_size(u, buf));
		break;
	}
	}
}

void text_table_cells(struct pm_emit *e, const struct pm_cell *cells)
{
	struct text_table *t = &e->table;
	for (size_t i = 0; i < t->columns.len; i++) {
		size_t off = t->text.len;
		if (t->columns.data[i].title)
			text_cell(e, &t->columns.data[i], &cells[i], &t->text);
		if (!pm_vec_push(&t->cells,
			    (struct text_cell){off, t->text.len - off}))
			t->failed = true;
	}
}

static void pad(struct pm_strbuf *b, size_t n)
{
	while (n--)
		pm_strbuf_putc(b, ' ');
}

bool text_is_left(enum pm_cell_type t)
{
	return t == PM_CELL_TEXT || t == PM_CELL_ADDR || t == PM_CELL_BOOL;
}

static void render_row(struct pm_emit *e, const struct text_cell *cells,
	const size_t *widths, size_t last)
{
	struct text_table *t = &e->table;
	struct pm_strbuf *b = &e->text;
	size_t line = b->len, used = 0;
	for (size_t i = 0; i < t->columns.len; i++) {
		if (!t->columns.data[i].title)
			continue;
		bool left = text_is_left(t->columns.data[i].type);
		const char *text =
			cells ? pm_strbuf_text(&t->text) + cells[i].off
			      : t->columns.data[i].title;
		size_t len = cells ? cells[i].len : strlen(text);
		size_t width = text_width(text, len);
		if (used) {
			pad(b, 2);
			used += 2;
		}
		if (!left)
			pad(b, widths[i] - width);
		/* Only the last column may be cut, and only text. */
		if (i == last && left && e->o.width > used + 8 &&
			width > e->o.width - used) {
			len = text_fit(text, len, e->o.width - used - 1);
			pm_strbuf_append(b, text, len);
			pm_strbuf_puts(b, "\u2026");
		} else {
			pm_strbuf_append(b, text, len);
			if (left)
				pad(b, widths[i] - width);
		}
		used += widths[i];
	}
	while (b->len > line && b->data[b->len - 1] == ' ')
		pm_strbuf_truncate(b, b->len - 1);
	pm_strbuf_putc(b, '\n');
}

void text_table_render(struct pm_emit *e)
{
	struct text_table *t = &e->table;
	if (!t->columns.len || !t->cells.len || t->failed)
		return;
	pm_auto_free size_t *widths = calloc(t->columns.len, sizeof *widths);
	if (!widths) {
		t->failed = true;
		return;
	}
	size_t last = 0, rows = t->cells.len / t->columns.len;
	const char *text = pm_strbuf_text(&t->text);
	for (size_t i = 0; i < t->columns.len; i++) {
		if (!t->columns.data[i].title)
			continue;
		last = i;
		widths[i] = text_width(t->columns.data[i].title,
			strlen(t->columns.data[i].title));
		for (size_t r = 0; r < rows; r++) {
			struct text_cell *c =
				&t->cells.data[r * t->columns.len + i];
			size_t w = text_width(text + c->off, c->len);
			if (w > widths[i])
				widths[i] = w;
		}
	}
	render_row(e, NULL, widths, last);
	for (size_t r = 0; r < rows && !e->text.failed; r++)
		render_row(e, &t->cells.data[r * t->columns.len], widths, last);
}

void text_table_deinit(struct text_table *t)
{
	pm_strbuf_deinit(&t->text);
	pm_vec_deinit(&t->columns);
	pm_vec_deinit(&t->cells);
}
