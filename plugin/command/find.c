/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-find: every place in memory that holds a pointer, a number, a text or
   bytes, each explained as by py-whatis. */
#include "command/spots.h"
#include "command/walking.h"
#include "heap/claims.h"
#include "heap/search.h"
#include "heap/team.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define MAX_HITS (1u << 22)

/* Places are explained from their blocks alone if that is a proof, or with the
   owners that a second search finds; only else the heap is walked. */
enum phase { PHASE_SEARCH, PHASE_PROOF, PHASE_OWNERS, PHASE_WALK, PHASE_ROWS };

struct find {
	struct pm_search_for what;
	struct pm_strbuf forms[PM_SEARCH_FORMS];
	const char *form_names[PM_SEARCH_FORMS];
	struct pm_search *search;
	PM_VEC(struct pm_spot) doubtful;
	struct pm_claims *claims; /* may be NULL */
	struct pm_walking walking;
	enum phase phase;
	size_t at; /* the row that comes next */
};

/* ---- what to look for ---- */

static enum pm_status add_form(struct find *st, const char *name,
	const struct pm_strbuf *bytes, struct pm_error *err)
{
	unsigned n = st->what.nforms;
	if (bytes->failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	st->form_names[n] = name;
	st->what.forms[n].bytes = (const unsigned char *)bytes->data;
	st->what.forms[n].len = bytes->len;
	st->what.nforms++;
	return PM_OK;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return p ? (int)(p - digits) : -1;
}

/* "deadbeef", "de ad be ef", "0xdeadbeef": in the order of memory. */
static enum pm_status parse_bytes(
	struct find *st, const char *text, struct pm_error *err)
{
	struct pm_strbuf *b = &st->forms[0];
	const char *p = text;
	if (p[0] == '0' && (p[1] | 32) == 'x')
		p += 2;
	while (*p) {
		if (*p == ' ' || *p == ':') {
			p++;
			continue;
		}
		int high = hex_digit(p[0]);
		int low = high < 0 ? -1 : hex_digit(p[1]);
		if (low < 0)
			break;
		pm_strbuf_putc(b, (char)(high << 4 | low));
		p += 2;
	}
	if (*p || !b->len) {
		pm_auto_strbuf shown = {0};
		pm_strbuf_escaped(&shown, text, strnlen(text, 60));
		return pm_fail(err, PM_USAGE, 0,
			"py-find: -bytes: \"%s\" is not pairs of hexadecimal "
			"digits (de ad be ef)",
			pm_strbuf_text(&shown));
	}
	return add_form(st, "bytes", b, err);
}

/* A code point of UTF-8; false when it is none. */
static bool next_code_point(const unsigned char **p, uint32_t *ret)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c = **p;
	unsigned n = c < 0x80	? 1
		     : c < 0xc2 ? 0
		     : c < 0xe0 ? 2
		     : c < 0xf0 ? 3
		     : c < 0xf5 ? 4
				: 0;
	if (!n)
		return false;
	if (n > 1)
		c &= 0x7fu >> n;
	for (unsigned i = 1; i < n; i++) {
		if (((*p)[i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | ((*p)[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	*p += n;
	*ret = c;
	return true;
}

static void put_number(
	struct pm_strbuf *b, uint32_t c, unsigned width, bool big_endian)
{
	for (unsigned i = 0; i < width; i++)
		pm_strbuf_putc(
			b, (char)(c >> 8 * (big_endian ? width - 1 - i : i)));
}

/* As str objects keep it, and as UTF-8: in C, in files, cached by a str. */
static enum pm_status parse_text(struct find *st, const char *text,
	bool big_endian, struct pm_error *err)
{
	static const unsigned widths[] = {1, 2, 4};
	static const char *const names[] = {"Latin-1", "UCS-2", "UCS-4"};
	static const uint32_t most[] = {0xff, 0xffff, UINT32_MAX};
	uint32_t highest = 0, c;
	struct pm_strbuf *b = &st->forms[PM_SEARCH_FORMS - 1];
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		if (!next_code_point(&p, &c))
			return pm_fail(err, PM_USAGE, 0,
				"py-find: -str: the text is not valid UTF-8");
		if (c > highest)
			highest = c;
	}
	for (unsigned i = 0; i < 3; i++) {
		if (highest > most[i])
			continue;
		const unsigned char *p = (const unsigned char *)text;
		while (*p && next_code_point(&p, &c))
			put_number(&st->forms[i], c, widths[i], big_endian);
		PM_TRY(add_form(st,
			i == 0 && highest < 0x80 ? "ASCII" : names[i],
			&st->forms[i], err));
	}
	if (highest < 0x80)
		return PM_OK;
	pm_strbuf_puts(b, text);
	return add_form(st, "UTF-8", b, err);
}

static enum pm_status parse_number(
	struct find *st, const char *text, unsigned width, struct pm_error *err)
{
	pm_auto_strbuf shown = {0};
	pm_strbuf_escaped(&shown, text, strnlen(text, 60));
	const char *p = text + (*text == '-' || *text == '+');
	bool hex = p[0] == '0' && (p[1] | 32) == 'x';
	bool fits = true;
	uint64_t n = 0;
	const char *q = hex ? p + 2 : p;
	const char *digits = q;
	for (int d; (d = hex_digit(*q)) >= 0 && (hex || d < 10); q++)
		fits = fits &&
		       !__builtin_mul_overflow(n, hex ? 16u : 10u, &n) &&
		       !__builtin_add_overflow(n, (unsigned)d, &n);
	if (*q || q == digits)
		return pm_fail(err, PM_USAGE, 0,
			"py-find: -int: \"%s\" is not a whole number",
			pm_strbuf_text(&shown));
	uint64_t most = UINT64_MAX >> (64 - 8 * width);
	fits = fits && n <= (*text == '-' ? most / 2 + 1 : most);
	if (!fits)
		return pm_fail(err, PM_USAGE, 0,
			"py-find: -int: %s does not fit into %u byte%s; -width "
			"says how many",
			pm_strbuf_text(&shown), width, width == 1 ? "" : "s");
	st->what.width = width;
	st->what.mask = most;
	st->what.value = (*text == '-' ? 0 - n : n) & most;
	return PM_OK;
}

static enum pm_status parse_what(
	struct find *st, const struct pm_run *r, struct pm_error *err)
{
	const struct pm_layout *l = r->session->layout;
	const char *bytes = pm_run_text(r, "bytes", NULL);
	const char *text = pm_run_text(r, "str", NULL);
	const char *number = pm_run_text(r, "int", NULL);
	const char *width = pm_run_text(r, "width", NULL);
	st->what.big_endian = l->t.big_endian;
	st->what.read_only = pm_run_flag(r, "read-only");
	if (r->has_addr + !!bytes + !!text + !!number != 1)
		return pm_fail(err, PM_USAGE, 0,
			"py-find: say one thing to look for: ADDR, -int N, "
			"-str TEXT or -bytes HEX");
	if (width && !number)
		return pm_fail(err, PM_USAGE, 0,
			"py-find: -width is the width of -int");
	if (bytes)
		return parse_bytes(st, bytes, err);
	if (text)
		return parse_text(st, text, l->t.big_endian, err);
	if (number)
		return parse_number(st, number,
			width ? (unsigned)(*width - '0') : l->t.word_size, err);
	st->what.width = l->t.word_size;
	st->what.mask = UINT64_MAX >> (64 - 8 * l->t.word_size);
	st->what.value = r->addr & st->what.mask;
	/* References of frames have tags in their low bits (3.14). */
	if (l->t.frame_refs == PM_REF_TAGGED && !(r->addr & 3))
		st->what.mask &= ~UINT64_C(3);
	return PM_OK;
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct find *st = calloc(1, sizeof *st);
	struct pm_heap *h;
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	PM_TRY(parse_what(st, r, err));
	PM_TRY(pm_walking_heap(r->session, &h, err));
	PM_TRY(pm_heap_pools(h, err));
	PM_TRY(pm_heap_freelists(h, err));
	return pm_search_create(r->session->target, &st->what,
		r->top ? r->top : MAX_HITS, &st->search, err);
}

/* ---- the steps ---- */

static enum pm_status search(struct pm_run *r, struct pm_error *err)
{
	struct find *st = r->state;
	bool done;
	uint64_t have, total;
	PM_TRY(pm_search_step(st->search, PM_STEP_SECONDS, &done, err));
	pm_search_progress(st->search, &have, &total);
	snprintf(r->progress, sizeof r->progress,
		"searching memory %" PRIu64 "/%" PRIu64, have, total);
	if (!done)
		return PM_OK;
	bool plain = pm_run_flag(r, "short") || r->session->heap->done;
	st->phase = plain ? PHASE_ROWS : PHASE_PROOF;
	return PM_OK;
}

static enum pm_status begin_walk(struct pm_run *r, struct pm_error *err)
{
	struct find *st = r->state;
	st->phase = PHASE_WALK;
	return pm_walking_start(&st->walking, r, err);
}

/* Is each of the places told by its block alone? */
static enum pm_status prove(struct pm_run *r, struct pm_error *err)
{
	struct find *st = r->state;
	struct pm_heap *h = r->session->heap;
	const struct pm_search_result *res = pm_search_result(st->search);
	double end = pm_now() + PM_STEP_SECONDS;
	while (st->at < res->hits.len && st->doubtful.len <= PM_CLAIMS_MAX) {
		struct pm_spot s;
		pm_spot_find(h, res->hits.data[st->at++].addr, &s);
		if (!s.sure && !pm_vec_push(&st->doubtful, s))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (st->at % 8 == 0 && pm_now() > end)
			return PM_OK;
	}
	st->at = 0;
	st->phase = PHASE_ROWS;
	if (!st->doubtful.len)
		return PM_OK;
	if (st->doubtful.len <= PM_CLAIMS_MAX)
		PM_TRY(pm_claims_create(h, st->doubtful.data, st->doubtful.len,
			&st->claims, err));
	if (!st->claims)
		return begin_walk(r, err);
	st->phase = PHASE_OWNERS;
	return PM_OK;
}

static enum pm_status find_owners(struct pm_run *r, struct pm_error *err)
{
	struct find *st = r->state;
	bool done;
	uint64_t have, total;
	PM_TRY(pm_claims_step(st->claims, PM_STEP_SECONDS, &done, err));
	pm_claims_progress(st->claims, &have, &total);
	snprintf(r->progress, sizeof r->progress,
		"searching for owners %" PRIu64 "/%" PRIu64, have, total);
	if (!done)
		return PM_OK;
	if (!pm_claims_complete(st->claims))
		return begin_walk(r, err);
	st->phase = PHASE_ROWS;
	return PM_OK;
}

static void show_row(struct pm_run *r, const struct pm_search_hit *hit)
{
	struct find *st = r->state;
	struct pm_spot s;
	const char *form =
		st->what.nforms ? st->form_names[hit->form] : "number";
	if (pm_run_flag(r, "short")) {
		pm_spots_bare_row(r, hit->addr);
		return;
	}
	pm_spot_find(r->session->heap, hit->addr, &s);
	if (!s.sure && st->claims)
		pm_claims_apply(st->claims, &s);
	pm_spots_row(r, &s, form);
}

static void show_total(struct pm_run *r)
{
	struct find *st = r->state;
	struct pm_emit *e = r->emit;
	const struct pm_search_result *res = pm_search_result(st->search);
	char a[28], b[16];
	uint64_t hidden = res->count - res->hits.len;
	if (!res->count)
		pm_emit_line(e, "It stands nowhere in %s of %s memory.",
			pm_human_size(res->bytes, b),
			st->what.read_only ? "readable" : "writable");
	else if (hidden && !r->top)
		pm_emit_line(e,
			"%s more rows: too many to list; -short or a longer "
			"text may help",
			pm_grouped(hidden, a));
	if (res->count)
		pm_emit_line(e, "%s place%s in %s of memory.",
			pm_grouped(res->count, a), res->count == 1 ? "" : "s",
			pm_human_size(res->bytes, b));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "places", res->count);
	pm_emit_uint(e, "bytes_searched", res->bytes);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", res->count);
	pm_emit_skipped(e, res->unreadable, 0);
}

static void show(struct pm_run *r, bool *ret_done)
{
	struct find *st = r->state;
	const struct pm_search_result *res = pm_search_result(st->search);
	double end = pm_now() + PM_STEP_SECONDS;
	if (!st->at)
		pm_spots_table(r, 0, true);
	while (st->at < res->hits.len) {
		show_row(r, &res->hits.data[st->at++]);
		if (st->at % 8 || pm_now() < end)
			continue;
		snprintf(r->progress, sizeof r->progress,
			"explaining places %zu/%zu", st->at, res->hits.len);
		return;
	}
	if (r->top)
		pm_emit_table_hide(r->emit, res->count - res->hits.len);
	pm_emit_table_end(r->emit);
	show_total(r);
	*ret_done = true;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct find *st = r->state;
	bool walked = false;
	switch (st->phase) {
	case PHASE_SEARCH:
		return search(r, err);
	case PHASE_PROOF:
		return prove(r, err);
	case PHASE_OWNERS:
		return find_owners(r, err);
	case PHASE_WALK:
		PM_TRY(pm_walking_step(&st->walking, r, &walked, err));
		if (walked)
			st->phase = PHASE_ROWS;
		return PM_OK;
	case PHASE_ROWS:
		show(r, ret_done);
		return PM_OK;
	}
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct find *st = r->state;
	if (!st)
		return;
	pm_search_destroy(st->search);
	pm_claims_destroy(st->claims);
	pm_vec_deinit(&st->doubtful);
	pm_walking_finish(&st->walking);
	for (unsigned i = 0; i < PM_SEARCH_FORMS; i++)
		pm_strbuf_deinit(&st->forms[i]);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "int",
		.type = PM_ARG_TEXT,
		.value = "N",
		.help = "A whole number, decimal or 0x...; may be negative."},
	{.name = "width",
		.type = PM_ARG_CHOICE,
		.value = "BYTES",
		.choices = "1|2|4|8",
		.help = "Width of that number (default: a word)."},
	{.name = "str",
		.type = PM_ARG_TEXT,
		.value = "TEXT",
		.help = "A text, in each form that a str may keep it in."},
	{.name = "bytes",
		.type = PM_ARG_TEXT,
		.value = "HEX",
		.help = "Bytes in the order of memory: \"de ad be ef\"."},
	{.name = "read-only",
		.help = "Search memory that cannot be written, too."},
	{0},
};

const struct pm_command pm_command_find_value = {
	.name = "py-find",
	.group = PM_GROUP_OBJECT,
	.summary = "Find every place in memory that holds a value.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_OPTIONAL_ADDR,
	.operand_help = "ADDR is the pointer to look for: any GDB expression.",
	.doc = "All writable memory of the program is searched: for a pointer "
	       "or "
	       "number at addresses that are multiples of its width, for a "
	       "text "
	       "or bytes anywhere.  Each place is explained as by py-whatis, "
	       "so what Python holds, what C code holds, and what is left in "
	       "freed memory can be told apart.  OBJECT is whose memory it "
	       "is, "
	       "and $pyN of that row.  -short prints the places themselves.",
	.examples = "py-find $py1  # who holds this pointer, C code included\n"
		    "py-find -str secret -all  # copies of a text\n"
		    "py-find -int 86400 -width 4  # a number in C structures\n"
		    "py-find -bytes 'ff d8 ff e0' -short  # JPEG files",
	.start = start,
	.step = step,
	.finish = finish,
};
