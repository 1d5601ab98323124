/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Callables of operator (Modules/_operator.c), contexts of decimal
   (Modules/_decimal/_decimal.c). */
#include "object/repr-internal.h"
#include "object/text.h"

#include <inttypes.h>

/* nitems, item */
void pm_repr_itemgetter(struct pm_repr *r, const struct pm_object *x)
{
	bool one = pm_repr_word(r, x, 0) == 1;
	if (!pm_repr_enter(r, x, "operator.itemgetter(...)"))
		return;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_puts(r->out, one ? "(" : "");
	pm_repr_put(r, pm_repr_word(r, x, 1));
	pm_strbuf_puts(r->out, one ? ")" : "");
	pm_repr_leave(r);
}

/* "a.b" is kept as a tuple of its parts. */
static void put_path(struct pm_repr *r, pm_addr attr)
{
	uint64_t n;
	pm_addr at;
	if (!pm_repr_items(r, attr, &n, &at)) {
		pm_repr_put(r, attr);
		return;
	}
	pm_strbuf_putc(r->out, '\'');
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		pm_strbuf_puts(r->out, i ? "." : "");
		if (pm_text_append(r->o->l, r->o->m, pm_repr_item(r, at, i),
			    r->limit, '\'', r->out, NULL) != PM_OK)
			pm_strbuf_puts(r->out, "<unreadable>");
	}
	pm_strbuf_putc(r->out, '\'');
}

/* nattrs, attr */
void pm_repr_attrgetter(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t n = 0;
	pm_addr at = 0;
	if (!pm_repr_enter(r, x, "operator.attrgetter(...)"))
		return;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	if (!pm_repr_items(r, pm_repr_word(r, x, 1), &n, &at))
		pm_strbuf_puts(r->out, "<unreadable>");
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		pm_strbuf_puts(r->out, i ? ", " : "");
		put_path(r, pm_repr_item(r, at, i));
	}
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
}

/* name, args, kwds; 3.13 kept the name among the args, too */
void pm_repr_methodcaller(struct pm_repr *r, const struct pm_object *x)
{
	bool with_name = pm_wording_is(r->o->l, PM_WORDING_CALLER_NAMED) &&
			 !pm_wording_is(r->o->l, PM_WORDING_CALLER_BARE);
	struct pm_dict_iter it;
	pm_addr key, value, at;
	uint64_t n;
	if (!pm_repr_enter(r, x, "operator.methodcaller(...)"))
		return;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	pm_repr_put(r, pm_repr_word(r, x, 0));
	if (pm_repr_items(r, pm_repr_word(r, x, 1), &n, &at))
		for (uint64_t i = with_name; i < n && !pm_repr_full(r); i++) {
			pm_strbuf_puts(r->out, ", ");
			pm_repr_put(r, pm_repr_item(r, at, i));
		}
	if (pm_repr_dict(r, pm_repr_word(r, x, 2), &it))
		while (!pm_repr_full(r) &&
			pm_dict_iter_next(&it, &key, &value)) {
			pm_strbuf_puts(r->out, ", ");
			if (!pm_repr_text(r, key))
				pm_repr_put(r, key);
			pm_strbuf_putc(r->out, '=');
			pm_repr_put(r, value);
		}
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
}

/* ---- decimal ---- */

/* Bits of mpd_context_t's status and traps, from the lowest on (mpdecimal.h):
   several are the same signal. */
static const char *const signals[] = {
	"Clamped",
	"InvalidOperation",
	"DivisionByZero",
	"InvalidOperation",
	"InvalidOperation",
	"InvalidOperation",
	"Inexact",
	"InvalidOperation",
	"InvalidOperation",
	"InvalidOperation",
	"FloatOperation",
	"Overflow",
	"Rounded",
	"Subnormal",
	"Underflow",
};
#define NSIGNALS (sizeof signals / sizeof *signals)
#define INVALID_OPERATION UINT64_C(0x3ba)

static void put_signals(struct pm_repr *r, uint64_t bits)
{
	const char *before = "";
	bool invalid = false;
	pm_strbuf_putc(r->out, '[');
	for (unsigned i = 0; i < NSIGNALS; i++) {
		uint64_t bit = bits & UINT64_C(1) << i;
		if (!bit || (bit & INVALID_OPERATION && invalid))
			continue;
		invalid |= (bit & INVALID_OPERATION) != 0;
		pm_strbuf_printf(r->out, "%s%s", before, signals[i]);
		before = ", ";
	}
	pm_strbuf_putc(r->out, ']');
}

/* mpd_context_t: prec, emax, emin; ints: traps, status, newtrap, round, clamp,
   allcr; then the objects traps and flags; int capitals. */
void pm_repr_decimal_context(struct pm_repr *r, const struct pm_object *x)
{
	static const char *const rounding[] = {"ROUND_UP", "ROUND_DOWN",
		"ROUND_CEILING", "ROUND_FLOOR", "ROUND_HALF_UP",
		"ROUND_HALF_DOWN", "ROUND_HALF_EVEN", "ROUND_05UP",
		"ROUND_TRUNC"};
	unsigned ws = r->o->l->t.word_size;
	uint64_t at = r->o->l->f.object.sizeof_.off + 3 * ws;
	uint64_t round = pm_repr_bytes(r, x, at + 12, 4);
	pm_strbuf_printf(r->out,
		"Context(prec=%" PRId64 ", rounding=%s, Emin=%" PRId64
		", Emax=%" PRId64 ", capitals=%d, clamp=%d, flags=",
		pm_repr_signed_word(r, x, 0),
		round < sizeof rounding / sizeof *rounding ? rounding[round]
							   : "?",
		pm_repr_signed_word(r, x, 2), pm_repr_signed_word(r, x, 1),
		(int)pm_repr_bytes(r, x, at + 24 + 2 * ws, 4),
		(int)pm_repr_bytes(r, x, at + 16, 4));
	put_signals(r, pm_repr_bytes(r, x, at + 4, 4));
	pm_strbuf_puts(r->out, ", traps=");
	put_signals(r, pm_repr_bytes(r, x, at, 4));
	pm_strbuf_putc(r->out, ')');
}

/* Where its context has the bits. */
void pm_repr_signal_dict(struct pm_repr *r, const struct pm_object *x)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} order[] = {
		{"InvalidOperation", INVALID_OPERATION},
		{"FloatOperation", 0x400},
		{"DivisionByZero", 4},
		{"Overflow", 0x800},
		{"Underflow", 0x4000},
		{"Subnormal", 0x2000},
		{"Inexact", 0x40},
		{"Rounded", 0x1000},
		{"Clamped", 1},
	};
	unsigned char b[4];
	if (!pm_repr_read(r, pm_repr_word(r, x, 0), b, sizeof b)) {
		pm_repr_default(r, x);
		return;
	}
	uint64_t bits = pm_load(b, sizeof b, r->o->l->t.big_endian);
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		pm_strbuf_printf(r->out, "%s<class 'decimal.%s'>:%s",
			i ? ", " : "{", order[i].name,
			bits & order[i].bits ? "True" : "False");
	pm_strbuf_putc(r->out, '}');
}
