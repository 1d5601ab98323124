/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/numpy.h"

#include <string.h>

/* Flags of an array, and of a dtype: its items hold references. */
enum { OWNDATA = 4, WRITEABLE = 0x400, ITEM_REFCOUNT = 1 };

/* typeobj, kind, type, byteorder, flags (a byte each), type_num; then the ints
   elsize and alignment, or since numpy 2.0 64 bits of flags, of which the high
   half is 0, and a word elsize.  An alignment is never 0. */
static bool read_descr(const struct pm_layout *l, const struct pm_resolver *r,
	struct pm_ndarray *a)
{
	unsigned ws = l->t.word_size;
	bool be = l->t.big_endian;
	pm_addr at = a->descr + l->f.object.sizeof_.off;
	uint64_t type, kind, order, flags, first, second;
	if (!r->word(r->arg, at, ws, &type) ||
		!r->word(r->arg, at + ws, 1, &kind) ||
		!r->word(r->arg, at + ws + 2, 1, &order) ||
		!r->word(r->arg, at + ws + 3, 1, &flags) ||
		!r->word(r->arg, at + ws + 8, 4, &first) ||
		!r->word(r->arg, at + ws + 12, 4, &second))
		return false;
	if (!(be ? first : second)) {
		flags = be ? second : first;
		if (!r->word(r->arg, at + ws + 16, ws, &first))
			return false;
	}
	a->scalar = type;
	a->kind = (char)kind;
	a->byteorder = order && strchr("=<>|", (int)order) ? (char)order : '?';
	a->itemsize = first;
	a->refers = flags & ITEM_REFCOUNT;
	return true;
}

static enum pm_status read_shape(const struct pm_layout *l,
	const struct pm_resolver *r, pm_addr dims, struct pm_ndarray *a)
{
	unsigned ws = l->t.word_size;
	uint64_t v, most = UINT64_C(1) << (ws == 8 ? 48 : 31);
	a->bytes = a->itemsize;
	for (unsigned i = 0; i < (unsigned)a->nd; i++) {
		if (!r->word(r->arg, dims + i * ws, ws, &v))
			return PM_FAULT;
		if (v >= most ||
			__builtin_mul_overflow(a->bytes, v, &a->bytes))
			return PM_CORRUPT;
		a->shape[i] = (int64_t)v;
	}
	return a->bytes >= most ? PM_CORRUPT : PM_OK;
}

enum pm_status pm_ndarray_parse(const struct pm_layout *l,
	const struct pm_resolver *r, pm_addr addr, const unsigned char *obj,
	size_t avail, struct pm_ndarray *ret)
{
	unsigned ws = l->t.word_size;
	bool be = l->t.big_endian;
	uint64_t off = l->f.object.sizeof_.off;
	struct pm_ndarray a = {0};
	if (avail < off + 7 * ws)
		return PM_CORRUPT;
	a.data = pm_load(obj + off, ws, be);
	a.nd = (int32_t)pm_load(obj + off + ws, 4, be);
	pm_addr dims = pm_load(obj + off + 2 * ws, ws, be);
	a.base = pm_load(obj + off + 4 * ws, ws, be);
	a.descr = pm_load(obj + off + 5 * ws, ws, be);
	uint64_t flags = pm_load(obj + off + 6 * ws, 4, be);
	if (a.nd < 0 || a.nd > PM_NUMPY_MAX_DIMS || (a.nd && !dims))
		return PM_CORRUPT;
	a.owns = flags & OWNDATA;
	a.writeable = flags & WRITEABLE;
	if (a.nd && dims - addr >= avail)
		a.dims = dims;
	if (!read_descr(l, r, &a))
		return PM_FAULT;
	enum pm_status s = read_shape(l, r, dims, &a);
	if (s == PM_OK)
		*ret = a;
	return s;
}

bool pm_ndarray_load(const struct pm_objects *o, const struct pm_object *x,
	struct pm_ndarray *ret)
{
	return x->type->kind == PM_KIND_NDARRAY &&
	       pm_ndarray_parse(o->l, &o->resolver.r, x->addr,
		       pm_object_body(x), x->avail, ret) == PM_OK;
}
