/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/measure-internal.h"
#include "object/text.h"

static enum pm_status measure_int(struct pm_measuring *x)
{
	const struct pm_layout *l = x->l;
	uint64_t n, digit = pm_digit_size(x->t);
	if (l->t.int_form == PM_INT_TAG) {
		n = pm_get(l, x->obj, l->f.long_.tag) >> 3;
	} else {
		int64_t s = var_size(x);
		n = (uint64_t)(s < 0 ? -s : s);
	}
	if (n > PM_MAX_ITEMS)
		return PM_CORRUPT;
	uint64_t stored = n ? n : 1;
	uint64_t counted = l->t.int_zero_digit ? stored : n;
	x->out->size = l->t.int_form != PM_INT_SIGNED_SIZE
			       ? (uint64_t)x->t->basicsize +
					 counted * (uint64_t)x->t->itemsize
			       : l->f.long_.digit.off + counted * digit;
	x->out->extent = l->f.long_.digit.off + counted * digit;
	/* A subclass may have its __dict__ behind the digits. */
	if (x->t->heap)
		x->out->extent = pm_type_var_size(l, x->t, counted);
	return PM_OK;
}

static enum pm_status measure_str(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	struct pm_text t;
	if (pm_text_parse(x->l, x->addr, x->obj, x->avail, &t, NULL) != PM_OK)
		return PM_CORRUPT;
	uint64_t data = t.kind ? (t.length + 1) * t.kind : 0;
	uint64_t size;
	if (t.ascii && t.compact) {
		size = f->ascii.sizeof_.off + data;
	} else if (t.compact) {
		size = f->compact.sizeof_.off + data;
	} else {
		size = f->unicode.sizeof_.off + (t.data ? data : 0);
		x->out->extent = (uint64_t)x->t->basicsize;
		own(x, PM_BUFFER_RAW, t.data, data, 0);
	}
	if (t.compact)
		x->out->extent = size;
	if (t.wstr) {
		size += (t.wstr_length + 1) * 4;
		own(x, PM_BUFFER_RAW, t.wstr, (t.wstr_length + 1) * 4, 0);
	}
	if (t.utf8) {
		size += t.utf8_length + 1;
		own(x, PM_BUFFER_RAW, t.utf8, t.utf8_length + 1, 0);
	}
	x->out->size = size;
	return PM_OK;
}

/* The fixed part, and itemsize times ob_size: object.__sizeof__. */
static enum pm_status measure_fixed(struct pm_measuring *x)
{
	uint64_t size = (uint64_t)x->t->basicsize;
	if (x->t->itemsize > 0 && x->t->kind != PM_KIND_GEN) {
		int64_t n = var_size(x);
		if (n < 0 || (uint64_t)n > PM_MAX_ITEMS)
			return PM_CORRUPT;
		size += (uint64_t)n * (uint64_t)x->t->itemsize;
	}
	x->out->size = x->out->extent = size;
	return PM_OK;
}

static enum pm_status measure_list(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	int64_t n = var_size(x);
	int64_t allocated = pm_get_signed(x->l, x->obj, f->list.allocated);
	pm_addr items = pm_get(x->l, x->obj, f->list.item);
	/* list.sort empties the list meanwhile and sets allocated to -1. */
	if (allocated == -1 && n == 0)
		allocated = 0;
	if (n < 0 || allocated < n || (uint64_t)allocated > PM_MAX_ITEMS ||
		(n && !items))
		return PM_CORRUPT;
	uint64_t bytes = (uint64_t)allocated * x->l->t.word_size;
	x->out->size = (uint64_t)x->t->basicsize + bytes;
	own(x, PM_BUFFER_ITEMS, items, bytes, (uint64_t)n);
	return PM_OK;
}

/* Values inside the instance belong to it, not to its dict (3.13). */
static bool is_embedded(struct pm_measuring *x, pm_addr values)
{
	uint64_t v = 0;
	return x->l->t.values_form == PM_VALUES_HEADED &&
	       far_word(x, values + x->l->f.dict_values.embedded.off, 1, &v) &&
	       v;
}

/* 2.7: a table of the dict's own, a small one inside. */
static enum pm_status measure_table(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	pm_addr table = pm_get(x->l, x->obj, f->dict.table);
	uint64_t mask = pm_get(x->l, x->obj, f->dict.mask);
	uint64_t used = pm_get(x->l, x->obj, f->dict.used);
	if (!table || mask & (mask + 1) || mask > PM_MAX_ITEMS ||
		used > mask + 1)
		return PM_CORRUPT;
	x->out->size = (uint64_t)x->t->basicsize;
	if (table != x->addr + f->dict.smalltable.off) {
		uint64_t bytes = (mask + 1) * f->dict_entry.sizeof_.off;
		x->out->size += bytes;
		own(x, PM_BUFFER_KEYS, table, bytes, 0);
	}
	return PM_OK;
}

static enum pm_status measure_dict(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	if (x->l->t.keys_form == PM_KEYS_TABLE)
		return measure_table(x);
	pm_addr keys = pm_get(x->l, x->obj, f->dict.keys);
	pm_addr values = pm_get(x->l, x->obj, f->dict.values);
	uint64_t used = pm_get(x->l, x->obj, f->dict.used);
	if (!keys || used > PM_MAX_ITEMS)
		return PM_CORRUPT;
	x->out->size = (uint64_t)x->t->basicsize;
	struct pm_keys_brief k;
	if (!x->r->keys(x->r->arg, keys, values != 0, &k))
		return PM_FAULT;
	if (values) {
		uint64_t bytes = k.values_usable * x->l->t.word_size;
		x->out->size += bytes;
		if (!is_embedded(x, values))
			own(x, PM_BUFFER_VALUES, values, bytes, 0);
	}
	if (k.refcnt == 1)
		x->out->size += k.bytes;
	own(x, PM_BUFFER_KEYS, keys, k.bytes, 0);
	if (x->out->nbuffers)
		x->out->buffers[x->out->nbuffers - 1].shared = k.refcnt != 1;
	return PM_OK;
}

static enum pm_status measure_odict(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	enum pm_status s = measure_dict(x);
	uint64_t fast = pm_get(x->l, x->obj, f->odict.fast_nodes_size);
	uint64_t used = pm_get(x->l, x->obj, f->dict.used);
	pm_addr first = pm_get(x->l, x->obj, f->odict.first);
	if (fast > PM_MAX_ITEMS)
		return PM_CORRUPT;
	x->out->size += fast * x->l->t.word_size;
	own(x, PM_BUFFER_RAW, pm_get(x->l, x->obj, f->odict.fast_nodes),
		fast * x->l->t.word_size, 0);
	if (first) {
		x->out->size += used * f->odict_node.sizeof_.off;
		own(x, PM_BUFFER_NODES, first, f->odict_node.sizeof_.off, used);
	}
	return s;
}

static enum pm_status measure_set(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	pm_addr table = pm_get(x->l, x->obj, f->set.table);
	uint64_t mask = pm_get(x->l, x->obj, f->set.mask);
	uint64_t used = pm_get(x->l, x->obj, f->set.used);
	if (!table || mask & (mask + 1) || mask > PM_MAX_ITEMS ||
		used > mask + 1)
		return PM_CORRUPT;
	if (table != x->addr + f->set.smalltable.off) {
		uint64_t bytes = (mask + 1) * f->set_entry.sizeof_.off;
		x->out->size += bytes;
		own(x, PM_BUFFER_SET, table, bytes, mask + 1);
	}
	return PM_OK;
}

static enum pm_status measure_bytearray(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	/* Of a release without a row it may not be known. */
	if (!pm_has(f->bytearray.alloc))
		return PM_OK;
	uint64_t n = pm_get(x->l, x->obj, f->bytearray.alloc);
	if (n > PM_MAX_ITEMS || (uint64_t)var_size(x) > n)
		return PM_CORRUPT;
	if (pm_has(f->bytearray.bytes_object)) {
		/* The memory is a bytes object, counted here too (3.15). */
		if (n)
			x->out->size += n + (uint64_t)(f->bytes.data.off + 1);
		return PM_OK;
	}
	x->out->size += n;
	own(x, PM_BUFFER_RAW, pm_get(x->l, x->obj, f->bytearray.bytes), n, 0);
	return PM_OK;
}

static enum pm_status measure_type(struct pm_measuring *x)
{
	const struct pm_layout *l = x->l;
	uint64_t flags = pm_get(l, x->obj, l->f.type.flags);
	/* type.__sizeof__ came with the cached keys (3.3). */
	if (!pm_has(l->f.heap_type.cached_keys)) {
		enum pm_status s = measure_fixed(x);
		if (s == PM_OK && !(flags & PM_TPFLAG_HEAPTYPE))
			x->out->extent = l->f.type.sizeof_.off;
		return s;
	}
	if (!(flags & PM_TPFLAG_HEAPTYPE)) {
		x->out->size = x->out->extent = l->f.type.sizeof_.off;
		return PM_OK;
	}
	int64_t n = var_size(x);
	if (n < 0 || (uint64_t)n > PM_MAX_ITEMS)
		return PM_CORRUPT;
	x->out->size = l->f.heap_type.sizeof_.off;
	x->out->extent =
		(uint64_t)x->t->basicsize + (uint64_t)n * 5 * l->t.word_size;
	pm_addr keys = pm_get(l, x->obj, l->f.heap_type.cached_keys);
	struct pm_keys_brief k;
	if (keys) {
		if (!x->r->keys(x->r->arg, keys, true, &k))
			return PM_FAULT;
		x->out->size += k.bytes;
		own(x, PM_BUFFER_KEYS, keys, k.bytes, 0);
	}
	own(x, PM_BUFFER_RAW, pm_get(l, x->obj, l->f.heap_type.tpname), 0, 0);
	own(x, PM_BUFFER_RAW, pm_get(l, x->obj, l->f.type.doc), 0, 0);
	return PM_OK;
}

static enum pm_status measure_code(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	unsigned ws = x->l->t.word_size;
	uint64_t v = 0;
	enum pm_status s = measure_fixed(x);
	if (s != PM_OK)
		return s;
	x->out->size = (x->out->size + ws - 1) / ws * ws;
	/* _PyCoCached: co_code and three tuples of names, made when asked for;
	   not in __sizeof__. */
	own(x, PM_BUFFER_ITEMS, pm_get(x->l, x->obj, f->code.cached), 4 * ws,
		4);
	pm_addr extra = pm_get(x->l, x->obj, f->code.extra);
	if (extra) { /* _PyCodeObjectExtra: ce_size, ce_extras[1] */
		if (!far_word(x, extra, ws, &v) || v > PM_MAX_ITEMS)
			return PM_FAULT;
		x->out->size += ws + v * ws;
		own(x, PM_BUFFER_RAW, extra, ws + v * ws, 0);
	}
	pm_addr c2a = pm_get(x->l, x->obj, f->code.cell2arg);
	pm_addr cells = pm_get(x->l, x->obj, f->code.cellvars);
	if (c2a && cells) {
		if (!far_word(x, cells + f->var_object.size.off, ws, &v) ||
			v > PM_MAX_ITEMS)
			return PM_FAULT;
		x->out->size += v * ws;
		own(x, PM_BUFFER_RAW, c2a, v * ws, 0);
	}
	pm_addr opcache = pm_get(x->l, x->obj, f->code.opcache);
	pm_addr code = pm_get(x->l, x->obj, f->code.code);
	if (opcache && code) {
		/* A byte per instruction, and co_opcache_size (the byte behind
		   co_opcache and an int) times struct _PyOpcache. */
		if (!far_word(x, code + f->var_object.size.off, ws, &v) ||
			v > PM_MAX_ITEMS)
			return PM_FAULT;
		uint64_t n = x->obj[f->code.opcache.off + ws + 4];
		uint64_t each = 2 * ws + 16; /* a pointer, two versions, a byte
					      */
		x->out->size += v / 2 + n * each;
		own(x, PM_BUFFER_RAW, pm_get(x->l, x->obj, f->code.opcache_map),
			v / 2, 0);
		own(x, PM_BUFFER_RAW, opcache, n * each, 0);
	}
	return PM_OK;
}

bool pm_module_state_size(const struct pm_layout *l,
	const struct pm_resolver *r, const unsigned char *obj,
	uint64_t *ret_bytes)
{
	unsigned ws = l->t.word_size;
	pm_addr def = pm_get(l, obj, l->f.module.def);
	uint64_t size = pm_get(l, obj, l->f.module.state_size);
	if (def && !r->word(r->arg, def + l->f.object.sizeof_.off + 5 * ws, ws,
			   &size))
		return false;
	if (size > 1 << 20)
		return false;
	*ret_bytes = size;
	return true;
}

bool pm_code_slots(const struct pm_layout *l, const struct pm_resolver *r,
	pm_addr code, uint64_t *ret_slots)
{
	const struct pm_fields *f = &l->f;
	unsigned ws = l->t.word_size;
	uint64_t stack = 0, n = 0;
	if (!r->word(r->arg, code + f->code.stacksize.off, 4, &stack))
		return false;
	if (pm_has(f->code.nlocalsplus)) {
		if (!r->word(r->arg, code + f->code.nlocalsplus.off, 4, &n))
			return false;
	} else {
		uint64_t cells = 0, frees = 0, a = 0, b = 0;
		if (!r->word(r->arg, code + f->code.nlocals.off, 4, &n) ||
			!r->word(r->arg, code + f->code.cellvars.off, ws, &a) ||
			!r->word(r->arg, code + f->code.freevars.off, ws, &b) ||
			!r->word(r->arg, a + f->var_object.size.off, ws,
				&cells) ||
			!r->word(
				r->arg, b + f->var_object.size.off, ws, &frees))
			return false;
		n += cells + frees;
	}
	if (n > 1 << 20 || stack > 1 << 24)
		return false;
	*ret_slots = n + stack;
	return true;
}

static enum pm_status measure_frame(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	unsigned ws = x->l->t.word_size;
	uint64_t slots, code = 0;
	if (!pm_has(f->frame.iframe)) { /* the frame is all in the object */
		enum pm_status s = measure_fixed(x);
		code = pm_get(x->l, x->obj, f->frame.code);
		if (s != PM_OK)
			return s;
		if (!pm_code_slots(x->l, x->r, code, &slots))
			return PM_FAULT;
		/* sizeof (PyFrameObject) holds the first slot already. */
		x->out->size = f->frame.sizeof_.off + slots * ws - ws;
		return PM_OK;
	}
	pm_addr iframe = pm_get(x->l, x->obj, f->frame.iframe);
	x->out->size = f->frame.frame_data.off + f->iframe.localsplus.off;
	x->out->extent = x->out->size;
	if (!iframe || !far_word(x, iframe + f->iframe.code.off, ws, &code) ||
		!pm_code_slots(x->l, x->r, code & ~UINT64_C(3), &slots))
		return PM_FAULT;
	/* There is room for the frame also while it is elsewhere. */
	x->out->size += slots * ws;
	x->out->extent = x->out->size;
	return PM_OK;
}

static enum pm_status measure_gen(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	unsigned ws = x->l->t.word_size;
	x->out->size = x->out->extent = (uint64_t)x->t->basicsize;
	if (!pm_has(f->gen.iframe))
		return PM_OK;
	/* gi_code went with 3.12: the frame's code stays when it is cleared. */
	uint64_t code =
		pm_has(f->gen.code) ? pm_get(x->l, x->obj, f->gen.code) : 0;
	struct pm_field in_frame = f->iframe.code;
	in_frame.off += f->gen.iframe.off;
	if (!code && in_frame.off + ws <= x->avail)
		code = pm_get(x->l, x->obj, in_frame) & ~UINT64_C(3);
	uint64_t slots;
	if (!pm_code_slots(x->l, x->r, code, &slots))
		return PM_FAULT;
	x->out->size =
		f->gen.iframe.off + f->iframe.localsplus.off + slots * ws;
	x->out->extent = x->out->size;
	return PM_OK;
}

/* Attributes that are not in a dict object. */
static enum pm_status measure_attributes(struct pm_measuring *x)
{
	const struct pm_layout *l = x->l;
	unsigned ws = l->t.word_size;
	bool be = l->t.big_endian;
	switch (l->t.managed_dict) {
	case PM_MANAGED_NONE:
		break;
	case PM_MANAGED_PAIR: {
		uint64_t values = pm_load(x->obj - 4 * ws, ws, be);
		own(x, PM_BUFFER_VALUES, values, 0, 0);
		break;
	}
	case PM_MANAGED_TAGGED: {
		uint64_t word = pm_load(x->obj - 3 * ws, ws, be);
		if (word & 1)
			own(x, PM_BUFFER_VALUES, word + 1, 0, 0);
		break;
	}
	case PM_MANAGED_POINTER:
	case PM_MANAGED_FT:
		if (x->t->inline_values) {
			uint64_t at = (uint64_t)x->t->basicsize +
				      l->f.dict_values.capacity.off;
			uint64_t cap = 0;
			if (at < x->avail)
				cap = x->obj[at];
			else if (!far_word(x, x->addr + at, 1, &cap))
				return PM_FAULT;
			x->out->extent += l->f.dict_values.values.off +
					  cap * ws + (cap + ws - 1) / ws * ws;
		}
		break;
	}
	return PM_OK;
}

/* The state of a C module is its own, though __sizeof__ does not count it. */
static enum pm_status measure_module(struct pm_measuring *x)
{
	const struct pm_fields *f = &x->l->f;
	pm_addr state = pm_get(x->l, x->obj, f->module.state);
	uint64_t size = 0;
	enum pm_status s = measure_fixed(x);
	if (s != PM_OK || !state)
		return s;
	if (!pm_module_state_size(x->l, x->r, x->obj, &size))
		return PM_FAULT;
	own(x, PM_BUFFER_ITEMS, state, size, size / x->l->t.word_size);
	return PM_OK;
}

static enum pm_status measure_kind(struct pm_measuring *x)
{
	enum pm_status s;
	switch (x->t->kind) {
	case PM_KIND_INT:
		return measure_int(x);
	case PM_KIND_STR:
		return measure_str(x);
	case PM_KIND_TYPE:
		return measure_type(x);
	case PM_KIND_CODE:
		return measure_code(x);
	case PM_KIND_FRAME:
		return measure_frame(x);
	case PM_KIND_GEN:
		return measure_gen(x);
	case PM_KIND_TUPLE:
		s = measure_fixed(x);
		x->out->extent += x->t->hidden * x->l->t.word_size;
		return s;
	case PM_KIND_DATETIME:
		s = measure_fixed(x);
		/* Without a tzinfo it is allocated without that last word, but
		   not by a subclass (datetime_alloc,
		   Modules/_datetimemodule.c); hastzinfo follows the hash. */
		if (!x->t->heap &&
			!x->obj[x->l->f.object.sizeof_.off + x->l->t.word_size])
			x->out->extent -= x->l->t.word_size;
		return s;
	case PM_KIND_HAMT:
		s = measure_fixed(x);
		return s;
	case PM_KIND_MODULE:
		return measure_module(x);
	case PM_KIND_BYTES:
		s = measure_fixed(x);
		/* str.__sizeof__ does not know what a subclass adds (2.7). */
		if (s == PM_OK && x->l->t.text_form == PM_TEXT_WIDE)
			x->out->size = x->l->f.bytes.data.off + 1 +
				       (uint64_t)var_size(x);
		return s;
	case PM_KIND_PLAIN:
	case PM_KIND_WORD:
		return measure_fixed(x);
	default:
		break;
	}
	s = PM_OK;
	x->out->size = x->out->extent = (uint64_t)x->t->basicsize;
	switch (x->t->kind) {
	case PM_KIND_LIST:
		return measure_list(x);
	case PM_KIND_DICT:
		return measure_dict(x);
	case PM_KIND_ODICT:
		return measure_odict(x);
	case PM_KIND_SET:
		return measure_set(x);
	case PM_KIND_BYTEARRAY:
		return measure_bytearray(x);
	case PM_KIND_DEQUE:
		return pm_measure_deque(x);
	default:
		return pm_measure_module_type(x);
	}
}

/* A torn length may be anything: what it counts must find room. */
static bool fits(const struct pm_measuring *x)
{
	const struct pm_measure *m = x->out;
	const struct pm_resolver *r = x->r;
	if (m->extent > PM_MEASURE_BELIEVED &&
		!r->room(r->room_arg, x->addr, m->extent))
		return false;
	if (m->size > PM_MEASURE_BELIEVED && !r->room(r->room_arg, 0, m->size))
		return false;
	for (unsigned i = 0; i < m->nbuffers; i++) {
		const struct pm_buffer *b = &m->buffers[i];
		if (b->bytes > PM_MEASURE_BELIEVED &&
			!r->room(r->room_arg, b->addr, b->bytes))
			return false;
	}
	return true;
}

/* A dict behind the items of an instance of a subclass of int, bytes, ...:
   sys.getsizeof does not always count it (_PyObject_VAR_SIZE). */
static void add_dict_behind(struct pm_measuring *x)
{
	int64_t n = var_size(x);
	uint64_t items = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	if (x->t->itemsize <= 0 || items > PM_MAX_ITEMS)
		return;
	uint64_t end = pm_type_var_size(x->l, x->t, items);
	if (end > x->out->extent)
		x->out->extent = end;
}

enum pm_status pm_measure(const struct pm_layout *l, const struct pm_type *t,
	pm_addr addr, const unsigned char *obj, size_t avail,
	const struct pm_resolver *r, struct pm_measure *ret)
{
	struct pm_measuring x = {l, t, addr, obj, avail, r, ret};
	ret->nbuffers = 0;
	/* The fixed part must be there, but for kinds that allocate less. */
	size_t need = (size_t)t->basicsize;
	if (t->kind == PM_KIND_DATETIME || t->kind == PM_KIND_FRAME ||
		t->kind == PM_KIND_GEN || t->kind == PM_KIND_INT ||
		t->kind == PM_KIND_STR || t->kind == PM_KIND_BYTES ||
		t->kind == PM_KIND_TYPE)
		need = l->f.object.sizeof_.off + l->t.word_size;
	if (need > avail && avail < PM_MEASURE_HEAD)
		return PM_CORRUPT;
	enum pm_status s = measure_kind(&x);
	if (s == PM_CORRUPT)
		return s;
	if (t->managed_dict) {
		enum pm_status a = measure_attributes(&x);
		if (a != PM_OK)
			return a;
	} else if (t->dictoffset < 0) {
		add_dict_behind(&x);
	}
	if (!fits(&x))
		return PM_CORRUPT;
	if (t->kind != PM_KIND_TYPE || l->t.static_type_presize ||
		pm_get(l, obj, l->f.type.flags) & PM_TPFLAG_HEAPTYPE)
		ret->size += t->presize;
	return s;
}

static bool plain_keys(
	void *arg, pm_addr addr, bool split, struct pm_keys_brief *ret)
{
	struct pm_plain_resolver *p = arg;
	(void)split;
	struct pm_keys k;
	if (pm_keys_load(p->l, p->m, addr, &k, NULL) != PM_OK)
		return false;
	*ret = (struct pm_keys_brief){k.bytes, k.values_usable, k.refcnt};
	return true;
}

static bool plain_word(void *arg, pm_addr addr, unsigned size, uint64_t *ret)
{
	struct pm_plain_resolver *p = arg;
	return pm_memory_read_uint(p->m, addr, size, ret, NULL) == PM_OK;
}

static bool plain_room(const void *arg, pm_addr addr, uint64_t bytes)
{
	return pm_target_has_room(arg, addr, bytes);
}

void pm_plain_resolver_init(struct pm_plain_resolver *p,
	const struct pm_layout *l, struct pm_memory *m)
{
	*p = (struct pm_plain_resolver){
		{plain_keys, plain_word, p, plain_room, pm_memory_target(m)},
		l,
		m,
	};
}
