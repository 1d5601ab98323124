/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/repr-internal.h"
#include "layout/printable.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

/* How far a long text is searched for quotes, when only its beginning is
   shown. */
#define QUOTE_SEARCH (1u << 20)

struct units { /* code points of a str, or bytes, in pieces */
	struct pm_repr *r;
	pm_addr at;
	uint64_t n, i;
	unsigned width;
	unsigned char chunk[1024];
	uint64_t from, have;
	bool failed;
};

static bool next_unit(struct units *u, uint32_t *ret)
{
	if (u->i >= u->n)
		return false;
	if (u->i >= u->from + u->have) {
		uint64_t k = sizeof u->chunk / u->width;
		if (k > u->n - u->i)
			k = u->n - u->i;
		if (!pm_repr_read(u->r, u->at + u->i * u->width, u->chunk,
			    k * u->width)) {
			u->failed = true;
			return false;
		}
		u->from = u->i;
		u->have = k;
	}
	*ret = (uint32_t)pm_load(u->chunk + (u->i - u->from) * u->width,
		u->width, u->r->o->l->t.big_endian);
	u->i++;
	return true;
}

/* Single quotes, unless that takes escapes that double ones do not. */
static char quote_for(const struct units *of)
{
	struct units u = *of;
	uint32_t c;
	bool single = false;
	if (u.n > QUOTE_SEARCH)
		u.n = QUOTE_SEARCH;
	while (next_unit(&u, &c)) {
		if (c == '"')
			return '\'';
		single |= c == '\'';
	}
	return single ? '"' : '\'';
}

static void put_units(struct units *u, char quote)
{
	struct pm_strbuf *out = u->r->out;
	uint32_t c;
	pm_strbuf_putc(out, quote);
	bool raw = pm_wording_is(u->r->o->l, PM_WORDING_TEXT_AS_IT_IS);
	while (!pm_repr_full(u->r) && next_unit(u, &c))
		if (raw || c < 0x80)
			pm_strbuf_character(
				out, c, quote, pm_printable(u->r->o->l, c));
		else
			pm_strbuf_printf(out,
				c < 0x100     ? "\\x%02" PRIx32
				: c < 0x10000 ? "\\u%04" PRIx32
					      : "\\U%08" PRIx32,
				c);
	if (u->failed)
		pm_strbuf_printf(out, "<unreadable 0x%" PRIx64 ">",
			u->at + u->i * u->width);
	pm_strbuf_putc(out, quote);
}

void pm_repr_code_points(
	struct pm_repr *r, pm_addr at, uint64_t n, unsigned width)
{
	struct units u = {.r = r, .at = at, .n = n, .width = width};
	put_units(&u, quote_for(&u));
}

void pm_repr_str(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_text t;
	bool wide = r->o->l->t.text_form == PM_TEXT_WIDE;
	if (wide && x->type->kind == PM_KIND_BYTES) {
		pm_repr_bytes_object(r, x);
		return;
	}
	if (pm_text_load(r->o->l, r->o->m, x->addr, &t, NULL) != PM_OK) {
		pm_strbuf_printf(
			r->out, "<unreadable str 0x%" PRIx64 ">", x->addr);
		return;
	}
	if (wide)
		pm_strbuf_putc(r->out, 'u');
	if (t.kind && t.data)
		pm_repr_code_points(r, t.data, t.length, t.kind);
	else if (t.wstr) /* wchar_t only, not made ready */
		pm_repr_code_points(r, t.wstr, t.wstr_length, 4);
	else
		pm_strbuf_printf(
			r->out, "<str without data 0x%" PRIx64 ">", x->addr);
}

void pm_repr_byte_string(
	struct pm_repr *r, pm_addr at, uint64_t n, bool escape_single)
{
	struct units u = {.r = r, .at = at, .n = n, .width = 1};
	char quote = quote_for(&u);
	uint32_t c;
	/* Without b where that is what str is: 2.7. */
	pm_strbuf_printf(r->out, "%s%c",
		r->o->l->t.text_form == PM_TEXT_WIDE ? "" : "b", quote);
	while (!pm_repr_full(r) && next_unit(&u, &c)) {
		if (c == '\\' ||
			(escape_single ? c == '\'' : c == (unsigned char)quote))
			pm_strbuf_printf(r->out, "\\%c", (char)c);
		else if (c == '\n' || c == '\t' || c == '\r')
			pm_strbuf_puts(r->out, c == '\n'   ? "\\n"
					       : c == '\t' ? "\\t"
							   : "\\r");
		else if (c < 32 || c > 126)
			pm_strbuf_printf(r->out, "\\x%02x", c);
		else
			pm_strbuf_putc(r->out, (char)c);
	}
	if (u.failed)
		pm_strbuf_printf(
			r->out, "<unreadable 0x%" PRIx64 ">", at + u.i);
	pm_strbuf_putc(r->out, quote);
}

/* ob_size, or 0 when it makes no sense. */
static uint64_t var_size(struct pm_repr *r, const struct pm_object *x)
{
	int64_t n = pm_get_signed(
		r->o->l, pm_object_body(x), r->o->l->f.var_object.size);
	return n < 0 ? 0 : (uint64_t)n;
}

void pm_repr_bytes_object(struct pm_repr *r, const struct pm_object *x)
{
	pm_repr_byte_string(
		r, x->addr + r->o->l->f.bytes.data.off, var_size(r, x), false);
}

void pm_repr_bytearray(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	/* Of a release without a row it may not be known. */
	if (!pm_has(f->bytearray.alloc)) {
		pm_repr_default(r, x);
		return;
	}
	pm_repr_own_name(r, x, "bytearray");
	struct pm_field start = pm_has(f->bytearray.start) ? f->bytearray.start
							   : f->bytearray.bytes;
	pm_strbuf_puts(
		r->out, r->o->l->t.text_form == PM_TEXT_WIDE ? "(b" : "(");
	pm_repr_byte_string(r, pm_repr_field(r, x, start), var_size(r, x),
		!pm_wording_is(r->o->l, PM_WORDING_BYTEARRAY_AS_BYTES));
	pm_strbuf_putc(r->out, ')');
}
