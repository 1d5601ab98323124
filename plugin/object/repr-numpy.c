/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/numpy.h"
#include "object/repr-internal.h"

#include <inttypes.h>
#include <string.h>

enum { OWNDATA = 4, WRITEABLE = 0x400 };

static bool is_array(const struct pm_objects *o, const struct pm_type *t)
{
	for (int i = 0; t && t->is_type && i < 64; i++) {
		if (!strcmp(t->name, "numpy.ndarray"))
			return true;
		t = pm_types_get(o->types, t->base);
	}
	return false;
}

/* typeobj, kind, type, byteorder, flags (a byte each), type_num; then elsize,
   an int, or since numpy 2.0 a word behind 64 bits of flags. */
static void load_descr(const struct pm_objects *o, struct pm_ndarray *a)
{
	unsigned ws = o->l->t.word_size;
	uint64_t type = 0, order = 0, small = 0, large = 0;
	pm_addr at = a->descr + o->l->f.object.sizeof_.off;
	if (pm_memory_read_uint(o->m, at, ws, &type, NULL) != PM_OK ||
		pm_memory_read_uint(o->m, at + ws + 2, 1, &order, NULL) !=
			PM_OK ||
		pm_memory_read_uint(o->m, at + ws + 8, 4, &small, NULL) !=
			PM_OK ||
		pm_memory_read_uint(o->m, at + ws + 16, ws, &large, NULL) !=
			PM_OK)
		return;
	const struct pm_type *t = pm_types_get(o->types, type);
	if (!t || !t->is_type)
		return;
	a->scalar = t;
	a->byteorder = order && strchr("=<>|", (int)order) ? (char)order : '?';
	/* An element is what its scalar has besides the header: that tells the
	   two apart; text and records say it themselves. */
	uint64_t fits = (uint64_t)t->basicsize - o->l->f.object.sizeof_.off;
	a->itemsize =
		small && (small <= fits || large > 1 << 20) ? small : large;
}

bool pm_ndarray_load(const struct pm_objects *o, const struct pm_object *x,
	struct pm_ndarray *ret)
{
	unsigned ws = o->l->t.word_size;
	uint64_t off = o->l->f.object.sizeof_.off, dims, v = 0;
	const unsigned char *b = pm_object_body(x);
	bool be = o->l->t.big_endian;
	struct pm_ndarray a = {0};
	if (!is_array(o, x->type) || x->avail < off + 7 * ws + 4)
		return false;
	a.data = pm_load(b + off, ws, be);
	a.nd = (int32_t)pm_load(b + off + ws, 4, be);
	dims = pm_load(b + off + 2 * ws, ws, be);
	a.base = pm_load(b + off + 4 * ws, ws, be);
	a.descr = pm_load(b + off + 5 * ws, ws, be);
	uint64_t flags = pm_load(b + off + 6 * ws, 4, be);
	if (a.nd < 0 || a.nd > PM_NUMPY_MAX_DIMS)
		return false;
	a.owns = flags & OWNDATA;
	a.writeable = flags & WRITEABLE;
	load_descr(o, &a);
	a.bytes = a.itemsize;
	for (int i = 0; i < a.nd; i++) {
		if (pm_memory_read_uint(o->m, dims + (unsigned)i * ws, ws, &v,
			    NULL) != PM_OK ||
			v > UINT64_C(1) << 48)
			return false;
		a.shape[i] = (int64_t)v;
		if (__builtin_mul_overflow(a.bytes, v, &a.bytes))
			return false;
	}
	*ret = a;
	return true;
}

static const char *last_part(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot ? dot + 1 : name;
}

static void put_array(struct pm_repr *r, const struct pm_object *x,
	const struct pm_ndarray *a)
{
	pm_strbuf_printf(r->out, "<%s shape=(", pm_repr_qualified(x->type));
	for (int i = 0; i < a->nd; i++)
		pm_strbuf_printf(
			r->out, "%s%" PRId64, i ? ", " : "", a->shape[i]);
	pm_strbuf_printf(r->out, "%s) dtype=%s at 0x%" PRIx64 ">",
		a->nd == 1 ? "," : "",
		a->scalar ? last_part(a->scalar->name) : "?", x->addr);
}

/* Scalars: the value follows the header. */
static bool put_scalar(struct pm_repr *r, const struct pm_object *x)
{
	static const struct {
		const char *name;
		char kind;
		unsigned size;
	} scalars[] = {
		{"float64", 'f', 8},
		{"float32", 'f', 4},
		{"int8", 'i', 1},
		{"int16", 'i', 2},
		{"int32", 'i', 4},
		{"int64", 'i', 8},
		{"longlong", 'i', 8},
		{"uint8", 'u', 1},
		{"uint16", 'u', 2},
		{"uint32", 'u', 4},
		{"uint64", 'u', 8},
		{"ulonglong", 'u', 8},
		{"bool_", '?', 1},
		{"bool", '?', 1},
	};
	const char *name = last_part(x->type->name);
	uint64_t off = r->o->l->f.object.sizeof_.off, v;
	for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++) {
		unsigned size = scalars[i].size;
		float low;
		double d;
		uint32_t narrow;
		if (strcmp(scalars[i].name, name) != 0)
			continue;
		v = pm_repr_bytes(r, x, off, size);
		pm_strbuf_printf(r->out, "%s(", pm_repr_qualified(x->type));
		if (scalars[i].kind == '?') {
			pm_strbuf_puts(r->out, v ? "True" : "False");
		} else if (scalars[i].kind == 'u') {
			pm_strbuf_printf(r->out, "%" PRIu64, v);
		} else if (scalars[i].kind == 'i') {
			unsigned shift = 64 - 8 * size;
			pm_strbuf_printf(r->out, "%" PRId64,
				(int64_t)(v << shift) >> shift);
		} else if (size == 8) {
			memcpy(&d, &v, sizeof d);
			pm_repr_double(r->out, d, true);
		} else {
			narrow = (uint32_t)v;
			memcpy(&low, &narrow, sizeof low);
			pm_strbuf_printf(r->out, "%.9g", (double)low);
		}
		pm_strbuf_putc(r->out, ')');
		return true;
	}
	return false;
}

bool pm_repr_numpy(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_ndarray a;
	if (pm_ndarray_load(r->o, x, &a)) {
		put_array(r, x, &a);
		return true;
	}
	return put_scalar(r, x);
}
