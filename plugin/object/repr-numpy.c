/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/numpy.h"
#include "object/repr-internal.h"

#include <inttypes.h>
#include <string.h>

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
	const struct pm_type *scalar = pm_types_get(r->o->types, a->scalar);
	pm_strbuf_printf(r->out, "%s) dtype=%s at 0x%" PRIx64 ">",
		a->nd == 1 ? "," : "",
		scalar && scalar->is_type ? last_part(scalar->name) : "?",
		x->addr);
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
