/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/repr-internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Digits of an int that are turned to decimal at most, the time grows with
   their square: 30,000 decimal digits. */
#define MAX_DIGITS 3500
/* Words of a Decimal that are shown. */
#define MAX_WORDS 20000
#define BILLION 1000000000u

struct big {
	uint32_t *parts; /* base 10^9, lowest first; owned */
	size_t len, cap;
};

static void big_deinit(struct big *b)
{
	free(b->parts);
}

/* b = b * factor + carry; false: no room. */
static bool big_step(struct big *b, uint64_t factor, uint64_t carry)
{
	for (size_t k = 0; k < b->len; k++) {
		uint64_t v = b->parts[k] * factor + carry;
		b->parts[k] = (uint32_t)(v % BILLION);
		carry = v / BILLION;
	}
	for (; carry; carry /= BILLION) {
		if (b->len == b->cap)
			return false;
		b->parts[b->len++] = (uint32_t)(carry % BILLION);
	}
	return true;
}

static void big_print(const struct big *b, struct pm_strbuf *out)
{
	pm_strbuf_printf(out, "%" PRIu32, b->len ? b->parts[b->len - 1] : 0);
	for (size_t k = b->len; k-- > 1;)
		pm_strbuf_printf(out, "%09" PRIu32, b->parts[k - 1]);
}

/* Sign and number of digits of an int; false: they make no sense. */
static bool int_shape(struct pm_repr *r, const struct pm_object *x,
	bool *ret_negative, uint64_t *ret_n)
{
	const struct pm_layout *l = r->o->l;
	const unsigned char *b = pm_object_body(x);
	if (l->t.int_form == PM_INT_TAG) {
		uint64_t tag = pm_get(l, b, l->f.long_.tag);
		*ret_negative = (tag & 3) == 2;
		/* Zero has a digit, and a sign of its own. */
		*ret_n = (tag & 3) == 1 ? 0 : tag >> 3;
	} else {
		int64_t s = pm_get_signed(l, b, l->f.var_object.size);
		*ret_negative = s < 0;
		*ret_n = s < 0 ? -(uint64_t)s : (uint64_t)s;
	}
	return *ret_n < UINT64_C(1) << 40;
}

/* Digits are of 30 bits in 4 bytes, or of 15 in 2. */
static unsigned digit_bits(const struct pm_object *x)
{
	return pm_digit_size(x->type) * 15 / 2;
}

void pm_repr_int(struct pm_repr *r, const struct pm_object *x)
{
	if (x->type->kind == PM_KIND_WORD) { /* 2.7 */
		pm_strbuf_printf(r->out, "%" PRId64,
			pm_get_signed(r->o->l, pm_object_body(x),
				r->o->l->f.int_.value));
		return;
	}
	const struct pm_layout *l = r->o->l;
	unsigned size = pm_digit_size(x->type), bits = digit_bits(x);
	bool negative;
	uint64_t n;
	if (!int_shape(r, x, &negative, &n)) {
		pm_strbuf_puts(r->out, "<int of a size that cannot be>");
		return;
	}
	pm_addr at = x->addr + l->f.long_.digit.off;
	pm_auto_free unsigned char *digits = NULL;
	uint64_t top = 0;
	if (n && pm_memory_read_uint(r->o->m, at + (n - 1) * size, size, &top,
			 NULL) != PM_OK) {
		pm_strbuf_printf(
			r->out, "<unreadable int 0x%" PRIx64 ">", x->addr);
		return;
	}
	uint64_t width = n ? (n - 1) * bits : 0;
	for (; top; top >>= 1)
		width++;
	uint64_t work = n * n / 64;
	if (n > MAX_DIGITS || work > r->budget) {
		pm_strbuf_printf(r->out, "<%sint of %" PRIu64 " bits>",
			negative ? "negative " : "", width);
		return;
	}
	r->budget -= work;
	PM_CLEANUP(big_deinit) struct big b = {.cap = n + n / 9 + 2};
	digits = malloc(n * size + 1);
	b.parts = calloc(b.cap, sizeof *b.parts);
	if (!digits || !b.parts) {
		r->out->failed = true;
		return;
	}
	if (!pm_repr_read(r, at, digits, n * size)) {
		pm_strbuf_printf(
			r->out, "<unreadable int 0x%" PRIx64 ">", x->addr);
		return;
	}
	for (uint64_t i = n; i-- > 0;)
		if (!big_step(&b, UINT64_C(1) << bits,
			    pm_load(digits + i * size, size, l->t.big_endian)))
			return;
	pm_strbuf_puts(r->out, negative ? "-" : "");
	big_print(&b, r->out);
	if (l->t.int_form == PM_INT_TWO_TYPES)
		pm_strbuf_putc(r->out, 'L');
}

void pm_repr_bool(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_layout *l = r->o->l;
	bool negative;
	uint64_t n;
	if (x->type->kind == PM_KIND_WORD) { /* 2.7 */
		pm_strbuf_puts(
			r->out, pm_get(l, pm_object_body(x), l->f.int_.value)
					? "True"
					: "False");
		return;
	}
	bool v = int_shape(r, x, &negative, &n) && n &&
		 pm_load(pm_object_body(x) + l->f.long_.digit.off,
			 pm_digit_size(x->type), l->t.big_endian);
	pm_strbuf_puts(r->out, v ? "True" : "False");
}

bool pm_repr_small_int(struct pm_repr *r, pm_addr addr, int64_t *ret)
{
	const struct pm_layout *l = r->o->l;
	struct pm_object x;
	bool negative;
	uint64_t n, v = 0;
	if (!addr || pm_object_load(r->o, addr, &x, NULL) != PM_OK)
		return false;
	if (l->t.int_form == PM_INT_TWO_TYPES && x.type->kind == PM_KIND_WORD &&
		!strcmp(x.type->name, "builtins.int")) {
		*ret = pm_repr_signed_word(r, &x, 0);
		return true;
	}
	if (x.type->kind != PM_KIND_INT || !int_shape(r, &x, &negative, &n) ||
		n * digit_bits(&x) > 62)
		return false;
	for (uint64_t i = n; i-- > 0;)
		v = v << digit_bits(&x) |
		    pm_load(pm_object_body(&x) + l->f.long_.digit.off +
				    i * pm_digit_size(x.type),
			    pm_digit_size(x.type), l->t.big_endian);
	*ret = negative ? -(int64_t)v : (int64_t)v;
	return true;
}

bool pm_repr_true(struct pm_repr *r, pm_addr addr)
{
	int64_t v;
	return pm_repr_small_int(r, addr, &v) && v;
}

/* ---- floating point ---- */

/* Up to 17 digits without a point, and the power of ten of the first. */
struct decimal {
	char digits[24];
	int exponent;
};

static void scan_decimal(const char *text, struct decimal *ret)
{
	size_t n = 0;
	const char *p = text;
	for (; *p && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9' && n < sizeof ret->digits - 1)
			ret->digits[n++] = *p;
	ret->digits[n] = '\0';
	ret->exponent = *p ? (int)strtol(p + 1, NULL, 10) : 0;
}

/* Adds one to the last digit of "1.25e+10", in place; false: it would carry
   out. */
static bool step_up(char *text)
{
	char *p = strchr(text, 'e');
	while (p && p-- > text) {
		if (*p < '0' || *p > '9')
			continue;
		if (*p != '9') {
			++*p;
			return true;
		}
		*p = '0';
	}
	return false;
}

/* The shortest decimal that reads back as v > 0 (David Gay's mode 0).  Below
   a power of two floats are twice as dense, so there the nearest decimal of a
   length may miss v when the next one above does not. */
static void shortest(double v, struct decimal *ret)
{
	char text[40], above[40];
	int e;
	bool power = frexp(v, &e) == 0.5;
	for (int p = 0; p < 17; p++) {
		snprintf(text, sizeof text, "%.*e", p, v);
		if (strtod(text, NULL) == v)
			break;
		memcpy(above, text, sizeof above);
		if (power && step_up(above) && strtod(above, NULL) == v) {
			memcpy(text, above, sizeof text);
			break;
		}
	}
	scan_decimal(text, ret);
}

void pm_repr_double(struct pm_strbuf *out, double v, bool with_point)
{
	struct decimal d = {"0", 0};
	if (isnan(v)) {
		pm_strbuf_puts(out, "nan");
		return;
	}
	if (signbit(v))
		pm_strbuf_putc(out, '-');
	if (isinf(v)) {
		pm_strbuf_puts(out, "inf");
		return;
	}
	if (v != 0)
		shortest(fabs(v), &d);
	int n = (int)strlen(d.digits);
	/* Zeros at the end come from %.0e only when there is one digit. */
	while (n > 1 && d.digits[n - 1] == '0')
		d.digits[--n] = '\0';
	if (d.exponent < -4 || d.exponent >= 16) {
		pm_strbuf_printf(out, "%c%s%se%c%02d", d.digits[0],
			n > 1 ? "." : "", d.digits + 1,
			d.exponent < 0 ? '-' : '+', abs(d.exponent));
		return;
	}
	if (d.exponent < 0) {
		pm_strbuf_printf(
			out, "0.%.*s%s", -d.exponent - 1, "0000", d.digits);
		return;
	}
	for (int i = 0; i <= d.exponent || i < n; i++) {
		if (i == d.exponent + 1)
			pm_strbuf_putc(out, '.');
		pm_strbuf_putc(out, i < n ? d.digits[i] : '0');
	}
	if (with_point && n <= d.exponent + 1)
		pm_strbuf_puts(out, ".0");
}

static double double_at(
	struct pm_repr *r, const struct pm_object *x, uint64_t off)
{
	uint64_t bits = pm_repr_bytes(r, x, off, 8);
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

void pm_repr_float(struct pm_repr *r, const struct pm_object *x)
{
	pm_repr_double(
		r->out, double_at(r, x, r->o->l->f.float_.value.off), true);
}

void pm_repr_complex(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t off = r->o->l->f.complex_.value.off;
	double re = double_at(r, x, off), im = double_at(r, x, off + 8);
	bool alone = re == 0 && !signbit(re);
	if (!alone) {
		pm_strbuf_putc(r->out, '(');
		pm_repr_double(r->out, re, false);
		if (isnan(im) || !signbit(im))
			pm_strbuf_putc(r->out, '+');
	}
	pm_repr_double(r->out, im, false);
	pm_strbuf_puts(r->out, alone ? "j" : "j)");
}

/* ---- decimal.Decimal ---- */

enum { MPD_NEG = 1, MPD_INF = 2, MPD_NAN = 4, MPD_SNAN = 8 };

/* mpd_to_sci (Modules/_decimal/libmpdec/io.c) of the digits in text. */
static void put_scientific(struct pm_strbuf *out, const char *text, int64_t exp)
{
	int64_t n = (int64_t)strlen(text), point = n + exp;
	if (exp > 0 || point < -5) { /* d.ddd, then an exponent */
		pm_strbuf_putc(out, text[0]);
		if (n > 1)
			pm_strbuf_printf(out, ".%s", text + 1);
		pm_strbuf_printf(out, "E%+" PRId64, point - 1);
		return;
	}
	if (exp == 0) {
		pm_strbuf_puts(out, text);
	} else if (point > 0) {
		pm_strbuf_append(out, text, (size_t)point);
		pm_strbuf_printf(out, ".%s", text + point);
	} else {
		pm_strbuf_puts(out, "0.");
		for (; point < 0; point++)
			pm_strbuf_putc(out, '0');
		pm_strbuf_puts(out, text);
	}
}

/* Words of 19 decimal digits, of 9 where words are of 32 bits; lowest first.
   Zeros before the first digit are not printed. */
static bool put_coefficient(
	struct pm_repr *r, pm_addr data, uint64_t len, struct pm_strbuf *out)
{
	unsigned ws = r->o->l->t.word_size;
	int width = ws == 8 ? 19 : 9;
	for (uint64_t i = len; i-- > 0;) {
		uint64_t v = 0;
		if (pm_memory_read_uint(r->o->m, data + i * ws, ws, &v, NULL) !=
			PM_OK)
			return false;
		pm_strbuf_printf(out, "%0*" PRIu64, out->len ? width : 1, v);
	}
	return true;
}

/* PyDecObject: hash, then mpd_t: flags, exp, digits, len, alloc, data. */
void pm_repr_decimal(struct pm_repr *r, const struct pm_object *x)
{
	unsigned ws = r->o->l->t.word_size;
	unsigned flags = (unsigned)pm_repr_bytes(
		r, x, r->o->l->f.object.sizeof_.off + ws, 1);
	int64_t exp = (int64_t)pm_repr_word(r, x, 2);
	uint64_t len = pm_repr_word(r, x, 4);
	pm_auto_strbuf digits = {0};
	if (ws == 4)
		exp = (int32_t)exp;
	/* Of subclasses, too: dec_repr has it so. */
	pm_strbuf_printf(r->out, "Decimal('%s", flags & MPD_NEG ? "-" : "");
	if (flags & MPD_INF) {
		pm_strbuf_puts(r->out, "Infinity')");
		return;
	}
	if (len > MAX_WORDS || exp > INT64_C(1) << 62 ||
		exp < -(INT64_C(1) << 62) ||
		!put_coefficient(r, pm_repr_word(r, x, 6), len, &digits)) {
		pm_strbuf_printf(r->out, "...')");
		return;
	}
	const char *text = pm_strbuf_text(&digits);
	if (flags & (MPD_NAN | MPD_SNAN)) {
		pm_strbuf_printf(r->out, "%sNaN%s", flags & MPD_SNAN ? "s" : "",
			len ? text : "");
	} else {
		put_scientific(r->out, *text ? text : "0", exp);
	}
	pm_strbuf_puts(r->out, "')");
}
