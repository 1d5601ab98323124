/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types of C modules: their structs have kept their places since 3.8, and are
   counted in words behind the object header. */
#include "object/measure-internal.h"
#include "object/numpy.h"

/* struct dequeobject and BLOCK (Modules/_collectionsmodule.c): blocks of
   items and two links.  ob_size, or a length of its own behind the indices. */
enum pm_status pm_measure_deque(struct pm_measuring *x)
{
	unsigned ws = x->l->t.word_size, items = x->l->t.deque_items;
	bool old = x->l->t.deque_links_behind;
	uint64_t left = word_at(x, old ? 2 : 3);
	int64_t n = old ? (int64_t)word_at(x, 4) : var_size(x);
	uint64_t right = word_at(x, old ? 3 : 4);
	if (n < 0 || (uint64_t)n > PM_MAX_ITEMS || left > items ||
		(left + (uint64_t)n + items - 1) % items != right)
		return PM_CORRUPT;
	uint64_t blocks = (left + (uint64_t)n + items - 1) / items;
	uint64_t bytes = (uint64_t)(items + 2) * ws;
	x->out->size = (uint64_t)x->t->basicsize + blocks * bytes;
	/* An empty one keeps a block; the last link is not initialized. */
	own(x, PM_BUFFER_DEQUE, word_at(x, old ? 0 : 1), bytes,
		blocks ? blocks : 1);
	return PM_OK;
}

/* n items of size bytes each at addr, which __sizeof__ counts. */
static enum pm_status counted(
	struct pm_measuring *x, pm_addr addr, uint64_t n, uint64_t size)
{
	if (n > PM_MAX_ITEMS)
		return PM_CORRUPT;
	x->out->size += n * size;
	own(x, PM_BUFFER_RAW, addr, n * size, 0);
	return PM_OK;
}

/* ob_size of the object at addr; 0 when there is none. */
static bool far_size(struct pm_measuring *x, pm_addr addr, uint64_t *ret)
{
	*ret = 0;
	return !addr || far_word(x, addr + x->l->f.var_object.size.off,
				x->l->t.word_size, ret);
}

/* array.array: ob_item, allocated, ob_descr {char typecode; int itemsize} */
static enum pm_status measure_array(struct pm_measuring *x)
{
	uint64_t size = 0;
	if (!far_word(x, word_at(x, 3) + 4, 4, &size))
		return PM_FAULT;
	if (size > 16)
		return PM_CORRUPT;
	return counted(x, word_at(x, 1), word_at(x, 2), size);
}

/* _io.Buffered*: buffer and buffer_size, among ints and Py_off_t */
static enum pm_status measure_buffered(struct pm_measuring *x)
{
	bool wide = x->l->t.word_size == 8;
	pm_addr buffer = word_at(x, wide ? 5 : 9);
	return buffer ? counted(x, buffer, word_at(x, wide ? 13 : 22), 1)
		      : PM_OK;
}

/* The reference count of the object at addr. */
static bool far_count(const struct pm_measuring *x, pm_addr addr, uint64_t *ret)
{
	const struct pm_fields *f = &x->l->f;
	uint64_t local, shared;
	if (x->l->t.refcnt_form != PM_REFCNT_BIASED)
		return far_word(
			x, addr + f->object.refcnt.off, x->l->t.word_size, ret);
	if (!far_word(x, addr + f->object.ref_local.off,
		    f->object.ref_local.size, &local) ||
		!far_word(x, addr + f->object.ref_shared.off,
			f->object.ref_shared.size, &shared))
		return false;
	*ret = local + (shared >> 2);
	return true;
}

/* _io.BytesIO: its bytes object, unless that is shared */
static enum pm_status measure_bytesio(struct pm_measuring *x)
{
	pm_addr b = word_at(x, 0);
	uint64_t count = 0, n = 0;
	if (!b)
		return PM_OK;
	if (x->l->t.text_form == PM_TEXT_WIDE) /* its own bytes, buf_size */
		return counted(x, b, word_at(x, 3), 1);
	if (!far_count(x, b, &count) || !far_size(x, b, &n))
		return PM_FAULT;
	if (count == 1 && n < PM_MAX_ITEMS)
		x->out->size += x->l->f.bytes.data.off + n + 1;
	return PM_OK;
}

/* What has no __sizeof__ in 2.7 owns its memory all the same. */
static enum pm_status uncounted_before(struct pm_measuring *x, enum pm_status s)
{
	if (x->l->t.int_form == PM_INT_TWO_TYPES)
		x->out->size = (uint64_t)x->t->basicsize;
	return s;
}

/* itertools.product: pools, indices; itertools.permutations: pool, indices,
   cycles, result, r */
static enum pm_status measure_pools(struct pm_measuring *x)
{
	unsigned ws = x->l->t.word_size;
	uint64_t n;
	if (!far_size(x, word_at(x, 0), &n))
		return PM_FAULT;
	enum pm_status s = counted(x, word_at(x, 1), n, ws);
	if (s == PM_OK && x->t->kind != PM_KIND_PRODUCT)
		s = counted(x, word_at(x, 2), word_at(x, 4), ws);
	return uncounted_before(x, s);
}

/* _struct.Struct: s_codes, four words each (three in 2.7), one without a
   format ends them */
static enum pm_status measure_struct(struct pm_measuring *x)
{
	unsigned ws = x->l->t.word_size;
	unsigned code = (x->l->t.int_form == PM_INT_TWO_TYPES ? 3 : 4) * ws;
	pm_addr codes = word_at(x, 2);
	uint64_t n = 0, v = 0;
	while (codes && n < 65536 && far_word(x, codes + n * code, ws, &v) && v)
		n++;
	return counted(x, codes, n + 1, code);
}

/* ElementObjectExtra: attrib, length, allocated, children, four of them
   inside (Modules/_elementtree.c) */
static enum pm_status measure_element(struct pm_measuring *x)
{
	unsigned ws = x->l->t.word_size;
	pm_addr extra = word_at(x, 3), children = 0;
	uint64_t allocated = 0;
	if (!extra)
		return PM_OK;
	if (!far_word(x, extra + 2 * ws, ws, &allocated) ||
		!far_word(x, extra + 3 * ws, ws, &children))
		return PM_FAULT;
	if (allocated > PM_MAX_ITEMS)
		return PM_CORRUPT;
	x->out->size += 8 * ws;
	own(x, PM_BUFFER_ITEMS, extra, 8 * ws, 8);
	if (children != extra + 4 * ws) {
		x->out->size += allocated * ws;
		own(x, PM_BUFFER_ITEMS, children, allocated * ws, allocated);
	}
	return PM_OK;
}

/* PyMemoTable: mask, used, allocated, table of {object, number}
   (Modules/_pickle.c) */
static enum pm_status measure_pickler(struct pm_measuring *x)
{
	unsigned ws = x->l->t.word_size;
	pm_addr memo = word_at(x, 0), table = 0;
	uint64_t allocated = 0;
	if (!memo)
		return PM_OK;
	if (!far_word(x, memo + 2 * ws, ws, &allocated) ||
		!far_word(x, memo + 3 * ws, ws, &table))
		return PM_FAULT;
	if (allocated > PM_MAX_ITEMS)
		return PM_CORRUPT;
	own(x, PM_BUFFER_RAW, memo, 4 * ws, 0);
	own(x, PM_BUFFER_ITEMS, table, allocated * 2 * ws, allocated);
	return PM_OK;
}

/* decimal.Decimal: mpd_t {flags, exp, digits, len, alloc, data}; without an
   MPD_*_DATA flag the data is an allocation of its own */
static enum pm_status measure_decimal(struct pm_measuring *x)
{
	if (part_at(x, 1, 1) & 0xe0)
		return PM_OK;
	return counted(x, word_at(x, 6), word_at(x, 5), x->l->t.word_size);
}

/* What a type owns and its __sizeof__ does not count. */
static enum pm_status measure_uncounted(struct pm_measuring *x)
{
	uint64_t n = word_at(x, 3);
	if (n >= PM_MAX_ITEMS)
		return PM_OK;
	if (x->t->kind == PM_KIND_STRINGIO) /* Py_UCS4 *buf, buf_size */
		own(x, PM_BUFFER_RAW, word_at(x, 0), n * 4, 0);
	else if (part_at(x, 1, 4) && /* b_ptr, b_needsfree, b_size */
		 word_at(x, 0) - x->addr >= (uint64_t)x->t->basicsize)
		own(x, PM_BUFFER_RAW, word_at(x, 0), n, 0);
	return PM_OK;
}

/* Shape and strides in one block, which ndarray.__sizeof__ counts; the items
   if they are its own.  There is a byte of them when there are none. */
static enum pm_status measure_ndarray(struct pm_measuring *x)
{
	unsigned ws = x->l->t.word_size;
	struct pm_ndarray a;
	enum pm_status s =
		pm_ndarray_parse(x->l, x->r, x->addr, x->obj, x->avail, &a);
	if (s != PM_OK)
		return s;
	uint64_t dims = 2 * (uint64_t)a.nd * ws;
	x->out->size += dims;
	own(x, PM_BUFFER_RAW, a.dims, dims, 0);
	if (!a.owns)
		return PM_OK;
	x->out->size += a.bytes;
	own(x, a.refers ? PM_BUFFER_ITEMS : PM_BUFFER_RAW, a.data,
		a.bytes ? a.bytes : 1, a.bytes / ws);
	return PM_OK;
}

enum pm_status pm_measure_module_type(struct pm_measuring *x)
{
	switch (x->t->kind) {
	case PM_KIND_ARRAY:
		return measure_array(x);
	case PM_KIND_BUFFERED:
		return measure_buffered(x);
	case PM_KIND_BYTESIO:
		return measure_bytesio(x);
	case PM_KIND_PRODUCT:
	case PM_KIND_PERMUTATIONS:
		return measure_pools(x);
	case PM_KIND_COMBINATIONS: /* pool, indices, result, r */
		return uncounted_before(
			x, counted(x, word_at(x, 1), word_at(x, 3),
				   x->l->t.word_size));
	case PM_KIND_STRUCT:
		return measure_struct(x);
	case PM_KIND_ELEMENT:
		return measure_element(x);
	case PM_KIND_DECIMAL:
		return measure_decimal(x);
	case PM_KIND_PICKLER:
		return measure_pickler(x);
	case PM_KIND_NDARRAY:
		return measure_ndarray(x);
	case PM_KIND_STRINGIO:
	case PM_KIND_CDATA:
		return measure_uncounted(x);
	default:
		return PM_OK;
	}
}
