/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/arena-picture.h"

#include <string.h>

/* From empty to full, then those without a percentage. */
enum level { EMPTY, QUARTER, HALF, MOST, FULL, BAD, HEAD, LEVELS };

static const struct {
	const char *utf8, *ascii;
	const char *sgr;    /* of a terminal */
	const char *colour; /* of SVG */
	const char *text;
} levels[LEVELS] = {
	[EMPTY] = {"\u00b7", ".", "2", "#eeeeee", "nothing in use"},
	[QUARTER] = {"\u2591", "-", "31", "#f4a582", "up to 25 %"},
	[HALF] = {"\u2592", "+", "33", "#fddb8c", "up to 50 %"},
	[MOST] = {"\u2593", "*", "36", "#92c5de", "up to 75 %"},
	[FULL] = {"\u2588", "#", "32", "#2b7bba", "more"},
	[BAD] = {"?", "?", "35", "#c51b7d", "makes no sense"},
	[HEAD] = {"=", "=", "2", "#bbbbbb", "the segment's own"},
};

static enum level level_of(uint8_t fill)
{
	if (fill == PM_FILL_HEAD)
		return HEAD;
	if (fill > 100)
		return BAD;
	return (enum level)((fill + 24u) / 25);
}

uint8_t pm_fill_of(uint64_t part, uint64_t whole)
{
	if (!part || !whole)
		return 0;
	double percent = 100.0 * (double)part / (double)whole;
	return percent < 1 ? 1 : percent > 100 ? 100 : (uint8_t)percent;
}

uint8_t pm_fill_mean(const uint8_t *cells, size_t n)
{
	uint64_t sum = 0, counted = 0;
	for (size_t i = 0; i < n; i++) {
		if (cells[i] > 100)
			continue;
		sum += cells[i];
		counted++;
	}
	return counted ? pm_fill_of(sum, 100 * counted) : n ? cells[0] : 0;
}

/* ---- of an arena ---- */

static uint8_t pool_fill(const struct pm_pools *p, size_t i)
{
	switch ((enum pm_pool_state)p->pools[i].state) {
	case PM_POOL_USED:
		return pm_fill_of(p->pools[i].used, pm_pools_room(p, i));
	case PM_POOL_BAD:
		return PM_FILL_BAD;
	case PM_POOL_FREE:
	case PM_POOL_UNCARVED:
		break;
	}
	return 0;
}

static void fill_slices(const struct pm_pools *p, const struct pm_arena *a,
	uint8_t *cells, size_t n, pm_addr from, uint64_t bytes, uint8_t fill)
{
	uint64_t end =
		(from - a->address + bytes + p->pool_size - 1) >> p->pool_shift;
	for (uint64_t i = (from - a->address) >> p->pool_shift;
		i < end && i < n; i++)
		cells[i] = fill;
}

bool pm_arena_fills(
	const struct pm_pools *p, const struct pm_arena *a, pm_fills *out)
{
	size_t begin = out->len;
	size_t n = p->pages ? (size_t)(a->bytes >> p->pool_shift) : a->npools;
	for (size_t i = 0; i < n; i++)
		if (!pm_vec_push(out, 0))
			return false;
	uint8_t *cells = out->data + begin;
	if (!n)
		return true;
	if (!p->pages) {
		for (size_t i = 0; i < a->carved && i < n; i++)
			cells[i] = pool_fill(p, a->pool0 + i);
		return true;
	}
	fill_slices(p, a, cells, n, a->address, a->first - a->address,
		PM_FILL_HEAD);
	for (size_t i = a->pool0; i < a->pool0 + a->carved; i++)
		fill_slices(p, a, cells, n, p->pages[i].start,
			p->pages[i].bytes, pool_fill(p, i));
	for (size_t i = pm_pools_large_from(p, a->address); i < p->large.len;
		i++) {
		const struct pm_large *x = &p->large.data[i];
		if (x->addr - a->address >= a->bytes)
			break;
		if (x->in_use)
			fill_slices(p, a, cells, n, x->addr, x->bytes, 100);
	}
	return true;
}

/* ---- text ---- */

static const char *sign_of(const struct pm_shades *s, enum level level)
{
	return s->utf8 ? levels[level].utf8 : levels[level].ascii;
}

void pm_shades_put(const struct pm_shades *s, const uint8_t *cells, size_t n,
	size_t each, struct pm_strbuf *out)
{
	enum level now = LEVELS;
	for (size_t i = 0; i < n; i += each) {
		size_t k = n - i < each ? n - i : each;
		enum level level = level_of(pm_fill_mean(cells + i, k));
		if (s->colour && level != now)
			pm_strbuf_printf(out, "\033[0;%sm", levels[level].sgr);
		now = level;
		pm_strbuf_puts(out, sign_of(s, level));
	}
	if (s->colour && n)
		pm_strbuf_puts(out, "\033[0m");
}

void pm_shades_legend(const struct pm_shades *s, struct pm_strbuf *out)
{
	for (enum level i = EMPTY; i <= FULL; i++) {
		pm_strbuf_puts(out, i ? ", " : "");
		if (s->colour)
			pm_strbuf_printf(out, "\033[0;%sm", levels[i].sgr);
		pm_strbuf_puts(out, sign_of(s, i));
		if (s->colour)
			pm_strbuf_puts(out, "\033[0m");
		pm_strbuf_printf(out, " %s", levels[i].text);
	}
}

/* ---- SVG ---- */

#define CELL 9
#define LABEL 190
#define TOP 64

/* As text of an element, whatever it holds. */
static void put_xml(struct pm_strbuf *b, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '&')
			pm_strbuf_puts(b, "&amp;");
		else if (c == '<')
			pm_strbuf_puts(b, "&lt;");
		else if (c == '>')
			pm_strbuf_puts(b, "&gt;");
		else if (c == '"')
			pm_strbuf_puts(b, "&quot;");
		else
			pm_strbuf_putc(b, c < 0x20 ? ' ' : (char)c);
	}
}

static void put_text(struct pm_strbuf *b, unsigned x, unsigned y,
	const char *class, const char *text)
{
	pm_strbuf_printf(
		b, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	put_xml(b, text);
	pm_strbuf_puts(b, "</text>\n");
}

void pm_svg_begin(struct pm_svg *s, const char *title, const char *words,
	unsigned columns, unsigned rows)
{
	struct pm_strbuf *b = &s->text;
	unsigned width = LABEL + (columns > 64 ? columns : 64) * CELL + 10;
	unsigned height = TOP + rows * (CELL + 2) + 10, x = 10;
	*s = (struct pm_svg){.columns = columns, .rows = rows};
	pm_strbuf_printf(b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" "
		"height=\"%u\" viewBox=\"0 0 %u %u\">\n<title>",
		width, height, width, height);
	put_xml(b, title);
	pm_strbuf_puts(b, "</title>\n<style>text{font:11px monospace;fill:#222}"
			  ".t{font:bold 13px sans-serif}");
	for (unsigned i = 0; i < LEVELS; i++)
		pm_strbuf_printf(b, ".l%u{fill:%s}", i, levels[i].colour);
	pm_strbuf_printf(b,
		"</style>\n<rect width=\"%u\" height=\"%u\" fill=\"#fff\"/>\n",
		width, height);
	put_text(b, x, 18, "t", title);
	put_text(b, x, 34, "w", words);
	for (unsigned i = 0; i < LEVELS; i++) {
		pm_strbuf_printf(b,
			"<rect x=\"%u\" y=\"42\" width=\"%d\" height=\"%d\" "
			"class=\"l%u\"/>\n",
			x, CELL, CELL, i);
		put_text(b, x + CELL + 3, 50, "w", levels[i].text);
		x += 25 + 7 * (unsigned)strlen(levels[i].text);
	}
}

void pm_svg_row(struct pm_svg *s, const char *label, const char *hint,
	const uint8_t *cells, size_t n)
{
	struct pm_strbuf *b = &s->text;
	unsigned y = TOP + s->at++ * (CELL + 2);
	pm_strbuf_puts(b, "<g><title>");
	put_xml(b, hint);
	pm_strbuf_puts(b, "</title>\n");
	put_text(b, 10, y + CELL - 1, "w", label);
	for (size_t i = 0, end; i < n && i < s->columns; i = end) {
		enum level level = level_of(cells[i]);
		for (end = i + 1; end < n && end < s->columns; end++)
			if (level_of(cells[end]) != level)
				break;
		pm_strbuf_printf(b,
			"<rect x=\"%zu\" y=\"%u\" width=\"%zu\" height=\"%d\" "
			"class=\"l%u\"/>\n",
			LABEL + i * CELL, y, (end - i) * CELL, CELL,
			(unsigned)level);
	}
	pm_strbuf_puts(b, "</g>\n");
}

void pm_svg_end(struct pm_svg *s)
{
	pm_strbuf_puts(&s->text, "</svg>\n");
}

void pm_svg_deinit(struct pm_svg *s)
{
	pm_strbuf_deinit(&s->text);
}
