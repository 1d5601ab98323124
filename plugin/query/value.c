/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "query/value.h"
#include "object/decoders.h"

#include <math.h>
#include <string.h>

#define INT_BITS 120 /* of an int that is kept as a number */
#define HEAD 96	     /* bytes of an object that tell its value, mostly */
#define FLOAT                                                                  \
	(offsetof(struct pm_fields, float_.sizeof_) / sizeof(struct pm_field))

void pm_value_reader_init(struct pm_value_reader *r, const struct pm_objects *o)
{
	memset(r, 0, sizeof *r);
	r->o = o;
}

static const struct pm_type *type_at(struct pm_value_reader *r, pm_addr addr)
{
	size_t i = (addr >> 3) * 0x9E3779B97F4A7C15u >> 56;
	if (r->types[i].addr != addr) {
		const struct pm_type *t = pm_types_get(r->o->types, addr);
		if (!t || !t->is_type)
			return NULL;
		r->types[i].addr = addr;
		r->types[i].type = t;
	}
	return r->types[i].type;
}

struct pm_value pm_value_text(const char *text, size_t len)
{
	struct pm_value v = {
		.kind = PM_VALUE_TEXT, .bytes = text, .nbytes = len};
	for (size_t i = 0; i < len; i++)
		v.n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return v;
}

struct pm_value pm_value_data(const char *bytes, size_t len)
{
	return (struct pm_value){
		.kind = PM_VALUE_DATA, .bytes = bytes, .nbytes = len, .n = len};
}

struct pm_value pm_value_int(__int128 i)
{
	return (struct pm_value){.kind = PM_VALUE_INT, .i = i};
}

bool pm_value_is_text(const struct pm_value *v)
{
	return v->kind == PM_VALUE_STR || v->kind == PM_VALUE_TEXT;
}

bool pm_value_is_number(const struct pm_value *v)
{
	return v->kind == PM_VALUE_INT || v->kind == PM_VALUE_HUGE ||
	       v->kind == PM_VALUE_FLOAT;
}

static bool is_data(const struct pm_value *v)
{
	return v->kind == PM_VALUE_BYTES || v->kind == PM_VALUE_DATA;
}

/* Text with text and bytes with bytes; in 2.7 they are the same. */
static bool are_alike(const struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b)
{
	bool text = pm_value_is_text(a), other = pm_value_is_text(b);
	return (text || is_data(a)) && (other || is_data(b)) &&
	       (text == other || r->o->l->t.text_form == PM_TEXT_WIDE);
}

/* ---- from the target ---- */

static bool missing(struct pm_value_reader *r, struct pm_value *v)
{
	r->unreadable++;
	v->kind = PM_VALUE_MISSING;
	return false;
}

/* Digits of 30 bits in 4 bytes, or of 15 bits in 2 (longintrepr.h). */
static uint64_t digit(
	const struct pm_value_reader *r, const unsigned char *p, unsigned width)
{
	return pm_load(p, width, r->o->l->t.big_endian);
}

static unsigned digit_bits(unsigned width)
{
	return width == 4 ? 30 : 15;
}

static void load_int(struct pm_value_reader *r, const unsigned char *body,
	size_t avail, struct pm_value *v)
{
	const struct pm_layout *l = r->o->l;
	uint64_t n, at = l->f.long_.digit.off;
	v->width = pm_digit_size(v->type);
	if (l->t.int_form == PM_INT_TAG) {
		uint64_t tag = pm_get(l, body, l->f.long_.tag);
		v->negative = (tag & 3) == 2;
		n = tag >> 3;
	} else {
		int64_t s = pm_get_signed(l, body, l->f.var_object.size);
		v->negative = s < 0;
		n = s < 0 ? 0 - (uint64_t)s : (uint64_t)s;
	}
	v->is_bool = l->at.none.addr && !strcmp(v->type->name, "builtins.bool");
	v->kind = PM_VALUE_INT;
	v->n = n;
	v->data = v->addr + at;
	if (n > INT_BITS / digit_bits(v->width)) {
		v->kind = n > UINT64_C(1) << 40 ? PM_VALUE_MISSING
						: PM_VALUE_HUGE;
		return;
	}
	unsigned char digits[64];
	const unsigned char *p = body + at;
	if (at + n * v->width > avail) {
		if (pm_memory_read(r->o->m, v->data, digits, n * v->width,
			    NULL) != PM_OK) {
			missing(r, v);
			return;
		}
		p = digits;
	}
	v->i = 0;
	for (uint64_t i = n; i-- > 0;)
		v->i = v->i << digit_bits(v->width) |
		       (__int128)digit(r, p + i * v->width, v->width);
	if (v->negative)
		v->i = -v->i;
}

/* int and bool of 2.7 */
static void load_word(struct pm_value_reader *r, const unsigned char *body,
	struct pm_value *v)
{
	const struct pm_layout *l = r->o->l;
	v->kind = PM_VALUE_INT;
	v->is_bool = !strcmp(v->type->name, "builtins.bool");
	v->i = pm_get_signed(l, body, l->f.int_.value);
	v->negative = v->i < 0;
}

static void load_float(struct pm_value_reader *r, const unsigned char *body,
	struct pm_value *v)
{
	const struct pm_layout *l = r->o->l;
	uint64_t bits = pm_get(l, body, l->f.float_.value);
	_Static_assert(sizeof bits == sizeof v->d, "a double is 8 bytes");
	memcpy(&v->d, &bits, sizeof v->d);
	v->kind = PM_VALUE_FLOAT;
}

static void load_str(struct pm_value_reader *r, const unsigned char *body,
	size_t avail, struct pm_value *v)
{
	struct pm_text t;
	if (pm_text_parse(r->o->l, v->addr, body, avail, &t, NULL) != PM_OK ||
		(t.length && (!t.kind || !t.data))) {
		missing(r, v);
		return;
	}
	v->kind = PM_VALUE_STR;
	v->n = t.length;
	v->width = t.kind ? t.kind : 1;
	v->data = t.data;
}

static void load_bytes(struct pm_value_reader *r, const unsigned char *body,
	struct pm_value *v)
{
	const struct pm_layout *l = r->o->l;
	v->kind = PM_VALUE_BYTES;
	v->width = 1;
	if (pm_type_is_name(l, v->type)) /* str of 2.7 */
		v->kind = PM_VALUE_STR;
	v->n = pm_get(l, body, l->f.var_object.size);
	v->data = v->addr + l->f.bytes.data.off;
	if (v->type->kind == PM_KIND_BYTEARRAY)
		v->data = pm_get(l, body,
			pm_has(l->f.bytearray.start) ? l->f.bytearray.start
						     : l->f.bytearray.bytes);
	if (v->n > UINT64_C(1) << 40)
		missing(r, v);
}

static void decode(struct pm_value_reader *r, const unsigned char *body,
	size_t avail, struct pm_value *v)
{
	const struct pm_layout *l = r->o->l;
	v->kind = PM_VALUE_OBJECT;
	switch (v->type->kind) {
	case PM_KIND_INT:
		load_int(r, body, avail, v);
		return;
	case PM_KIND_WORD:
		load_word(r, body, v);
		return;
	case PM_KIND_STR:
		load_str(r, body, avail, v);
		return;
	case PM_KIND_BYTES:
	case PM_KIND_BYTEARRAY:
		load_bytes(r, body, v);
		return;
	default:
		break;
	}
	if (v->addr == l->at.none.addr)
		v->kind = PM_VALUE_NONE;
	else if (v->type->decoder && v->type->decoder->size_index == FLOAT)
		load_float(r, body, v);
}

void pm_value_of(struct pm_value_reader *r, const struct pm_object *x,
	struct pm_value *ret)
{
	*ret = (struct pm_value){.addr = x->addr, .type = x->type};
	decode(r, pm_object_body(x), x->avail, ret);
}

void pm_value_load(
	struct pm_value_reader *r, pm_addr addr, struct pm_value *ret)
{
	const struct pm_layout *l = r->o->l;
	unsigned char head[HEAD] = {0};
	size_t n = HEAD;
	*ret = (struct pm_value){.addr = addr};
	if (!addr)
		return;
	if (addr == l->at.none.addr) {
		ret->kind = PM_VALUE_NONE;
		return;
	}
	if (pm_memory_read(r->o->m, addr, head, n, NULL) != PM_OK)
		n = pm_target_read_some(
			pm_memory_target(r->o->m), addr, head, HEAD);
	if (n >= l->f.object.sizeof_.off)
		ret->type = type_at(r, pm_get(l, head, l->f.object.type));
	if (!ret->type) {
		missing(r, ret);
		return;
	}
	decode(r, head, n, ret);
}

/* ---- characters ---- */

void pm_value_chars_init(struct pm_value_chars *c, struct pm_value_reader *r,
	const struct pm_value *v)
{
	c->r = r;
	c->v = v;
	c->pos = c->from = c->until = 0;
	c->failed = false;
}

static uint32_t next_utf8(struct pm_value_chars *c)
{
	const unsigned char *p = (const unsigned char *)c->v->bytes + c->pos;
	uint64_t left = c->v->nbytes - c->pos;
	if (!left)
		return UINT32_MAX;
	uint32_t cp = *p;
	unsigned n = cp < 0x80 ? 1 : cp < 0xe0 ? 2 : cp < 0xf0 ? 3 : 4;
	if (n > left)
		n = 1;
	if (n > 1)
		cp &= 0x7fu >> n;
	for (unsigned i = 1; i < n; i++)
		cp = cp << 6 | (p[i] & 0x3f);
	c->pos += n;
	return cp;
}

uint32_t pm_value_chars_next(struct pm_value_chars *c)
{
	const struct pm_value *v = c->v;
	if (v->kind == PM_VALUE_TEXT)
		return next_utf8(c);
	if (c->pos >= v->n || c->failed)
		return UINT32_MAX;
	if (c->pos >= c->until) {
		uint64_t n = sizeof c->buffer / v->width;
		if (n > v->n - c->pos)
			n = v->n - c->pos;
		if (pm_memory_read(c->r->o->m, v->data + c->pos * v->width,
			    c->buffer, n * v->width, NULL) != PM_OK) {
			c->r->unreadable++;
			c->failed = true;
			return UINT32_MAX;
		}
		c->from = c->pos;
		c->until = c->pos + n;
	}
	uint64_t i = (c->pos++ - c->from) * v->width;
	return (uint32_t)pm_load(
		c->buffer + i, v->width, c->r->o->l->t.big_endian);
}

/* Bytes take the same way: one per character. */
static void chars_of(struct pm_value_chars *c, struct pm_value_reader *r,
	const struct pm_value *v, struct pm_value *copy)
{
	*copy = *v;
	if (v->kind == PM_VALUE_BYTES)
		copy->width = 1;
	pm_value_chars_init(c, r, copy);
}

static uint32_t next_of(struct pm_value_chars *c)
{
	if (c->v->kind != PM_VALUE_DATA)
		return pm_value_chars_next(c);
	return c->pos < c->v->nbytes ? (unsigned char)c->v->bytes[c->pos++]
				     : UINT32_MAX;
}

static int order_chars(struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b, bool *ret_failed)
{
	struct pm_value_chars x, y;
	struct pm_value va, vb;
	chars_of(&x, r, a, &va);
	chars_of(&y, r, b, &vb);
	*ret_failed = false;
	for (;;) {
		uint32_t p = next_of(&x), q = next_of(&y);
		if (x.failed || y.failed) {
			*ret_failed = true;
			return 0;
		}
		if (p == q && p == UINT32_MAX)
			return 0;
		if (p == q)
			continue;
		/* The end comes before any character. */
		if (p == UINT32_MAX || q == UINT32_MAX)
			return p == UINT32_MAX ? -1 : 1;
		return p < q ? -1 : 1;
	}
}

bool pm_value_contains(struct pm_value_reader *r, const struct pm_value *whole,
	const struct pm_value *part)
{
	if (!are_alike(r, whole, part))
		return false;
	struct pm_value_chars start, at, want;
	struct pm_value vw, vp;
	chars_of(&start, r, whole, &vw);
	for (uint64_t i = 0; i + part->n <= whole->n; i++) {
		at = start;
		chars_of(&want, r, part, &vp);
		uint32_t p, q;
		do {
			q = next_of(&want);
			p = q == UINT32_MAX ? q : next_of(&at);
		} while (p == q && q != UINT32_MAX);
		if (at.failed || want.failed)
			return false;
		if (q == UINT32_MAX)
			return true;
		next_of(&start);
	}
	return false;
}

/* ---- numbers ---- */

static int sign(const struct pm_value *v)
{
	if (v->kind == PM_VALUE_HUGE)
		return v->negative ? -1 : 1;
	if (v->kind == PM_VALUE_FLOAT)
		return v->d < 0 ? -1 : v->d > 0;
	return v->i < 0 ? -1 : v->i > 0;
}

static uint64_t huge_digit(
	struct pm_value_reader *r, const struct pm_value *v, uint64_t i)
{
	uint64_t d = 0;
	if (pm_memory_read_uint(r->o->m, v->data + i * v->width, v->width, &d,
		    NULL) != PM_OK)
		r->unreadable++;
	return d;
}

/* Digit i of a whole positive number m * 2^e, e >= 0. */
static uint64_t float_digit(uint64_t m, int e, unsigned bits, uint64_t i)
{
	int64_t low = (int64_t)(i * bits) - e; /* its lowest bit in m */
	uint64_t mask = (UINT64_C(1) << bits) - 1;
	if (low >= 64 || low <= -64)
		return 0;
	return (low >= 0 ? m >> low : m << -low) & mask;
}

/* Both are positive. */
static int order_huge_float(
	struct pm_value_reader *r, const struct pm_value *a, double d)
{
	unsigned bits = digit_bits(a->width);
	int e;
	if (isinf(d))
		return -1;
	double part = frexp(d, &e); /* d = part * 2^e */
	if (e <= INT_BITS)
		return 1;
	uint64_t m = (uint64_t)ldexp(part, 53);
	uint64_t digits = ((uint64_t)e + bits - 1) / bits;
	if (a->n != digits)
		return a->n < digits ? -1 : 1;
	for (uint64_t i = digits; i-- > 0;) {
		uint64_t p = huge_digit(r, a, i);
		uint64_t q = float_digit(m, e - 53, bits, i);
		if (p != q)
			return p < q ? -1 : 1;
	}
	return 0;
}

static int order_int_float(__int128 i, double d)
{
	static const double most = 0x1p120;
	if (d >= most || d <= -most)
		return d > 0 ? -1 : 1;
	__int128 whole = (__int128)d;
	if (i != whole)
		return i < whole ? -1 : 1;
	double rest = d - (double)whole;
	return rest > 0 ? -1 : rest < 0;
}

static int order_huge(struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b)
{
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	for (uint64_t i = a->n; i-- > 0;) {
		uint64_t p = huge_digit(r, a, i), q = huge_digit(r, b, i);
		if (p != q)
			return p < q ? -1 : 1;
	}
	return 0;
}

static bool order_numbers(struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b, int *ret)
{
	bool fa = a->kind == PM_VALUE_FLOAT, fb = b->kind == PM_VALUE_FLOAT;
	if ((fa && isnan(a->d)) || (fb && isnan(b->d)))
		return false;
	if (fa && fb) {
		*ret = a->d < b->d ? -1 : a->d > b->d;
		return true;
	}
	if (fa) {
		bool ok = order_numbers(r, b, a, ret);
		*ret = -*ret;
		return ok;
	}
	int sa = sign(a), sb = sign(b);
	bool ha = a->kind == PM_VALUE_HUGE, hb = b->kind == PM_VALUE_HUGE;
	if (sa != sb)
		*ret = sa < sb ? -1 : 1;
	else if (ha && hb)
		*ret = sa * order_huge(r, a, b);
	else if (ha && fb)
		*ret = sa * order_huge_float(r, a, fabs(b->d));
	else if (ha || hb)
		*ret = ha ? sa : -sa;
	else if (fb)
		*ret = order_int_float(a->i, b->d);
	else
		*ret = a->i < b->i ? -1 : a->i > b->i;
	return true;
}

/* ---- comparing ---- */

bool pm_value_order(struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b, int *ret)
{
	bool failed = false;
	if (pm_value_is_number(a) && pm_value_is_number(b))
		return order_numbers(r, a, b, ret);
	if (!are_alike(r, a, b))
		return false;
	*ret = order_chars(r, a, b, &failed);
	return !failed;
}

bool pm_value_equal(struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b)
{
	int order;
	if (a->kind == PM_VALUE_MISSING || b->kind == PM_VALUE_MISSING)
		return false;
	if (a->kind == PM_VALUE_NONE || b->kind == PM_VALUE_NONE)
		return a->kind == b->kind;
	if (pm_value_is_number(a) && pm_value_is_number(b))
		return order_numbers(r, a, b, &order) && !order;
	if (are_alike(r, a, b))
		return a->n == b->n && pm_value_order(r, a, b, &order) &&
		       !order;
	return a->kind == PM_VALUE_OBJECT && b->kind == PM_VALUE_OBJECT &&
	       a->addr && a->addr == b->addr;
}
