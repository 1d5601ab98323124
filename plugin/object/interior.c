/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/interior.h"
#include "object/decoders.h"
#include "object/repr.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

#define INDEX(path) (offsetof(struct pm_fields, path) / sizeof(struct pm_field))

enum pm_status pm_interior_buffer(const struct pm_objects *o,
	const struct pm_object *x, pm_addr at, pm_addr start, pm_addr end,
	struct pm_buffer *ret)
{
	struct pm_measure m = {0};
	const struct pm_buffer *found = NULL;
	if (pm_object_measure(o, x, &m) == PM_CORRUPT)
		return PM_ABSENT;
	for (unsigned i = 0; i < m.nbuffers && !found; i++) {
		const struct pm_buffer *b = &m.buffers[i];
		if (at - b->addr < b->bytes ||
			(b->addr >= start && b->addr < end))
			found = b;
	}
	for (unsigned i = 0; i < m.nbuffers && !found; i++)
		if (m.buffers[i].kind == PM_BUFFER_DEQUE ||
			m.buffers[i].kind == PM_BUFFER_NODES)
			found = &m.buffers[i]; /* a later link */
	if (!found)
		return PM_ABSENT;
	*ret = *found;
	return PM_OK;
}

bool pm_interior_field(const struct pm_layout *l, size_t size_index,
	uint64_t off, struct pm_strbuf *out)
{
	const char *of, *name, *first;
	const struct pm_field *f;
	enum pm_source source;
	if (!pm_layout_field(l, size_index, &first, &name, &f, &source))
		return false;
	for (size_t i = size_index + 1;
		pm_layout_field(l, i, &of, &name, &f, &source) && of == first;
		i++)
		if (pm_has(*f) && off - f->off < f->size) {
			pm_strbuf_puts(out, name);
			return true;
		}
	return false;
}

/* ---- references, by the place of their word ---- */

struct ref_at {
	pm_addr word;
	bool found;
	struct pm_ref ref;
};

static bool is_it(void *arg, const struct pm_ref *ref)
{
	struct ref_at *r = arg;
	if (ref->at != r->word)
		return true;
	r->ref = *ref;
	r->found = true;
	return false;
}

static bool put_ref(const struct pm_objects *o, const struct pm_object *x,
	pm_addr at, struct pm_strbuf *out)
{
	struct ref_at r = {.word = at - at % o->l->t.word_size};
	enum pm_status s = pm_refs_each(o, x, is_it, &r);
	if (s != PM_OK && !r.found)
		return false;
	if (r.found)
		pm_ref_describe(o, x, &r.ref, out);
	return r.found;
}

/* ---- before the object ---- */

static void put_before(const struct pm_objects *o, const struct pm_object *x,
	pm_addr at, struct pm_strbuf *out)
{
	const struct pm_layout *l = o->l;
	const struct pm_type *t = x->type;
	unsigned ws = l->t.word_size;
	uint64_t back = x->addr - at;
	if (t->gc && back <= l->t.gc_head_size) {
		pm_strbuf_puts(out, "collector's head, ");
		if (!pm_interior_field(l, INDEX(gc_head.sizeof_),
			    l->t.gc_head_size - back, out))
			pm_strbuf_puts(out, "padding");
		return;
	}
	uint64_t words = (back + ws - 1) / ws;
	bool ft = l->t.managed_dict == PM_MANAGED_FT;
	uint64_t dict = ft ? 1 : 3;
	if (back > t->pre)
		pm_strbuf_puts(out, "padding before the object");
	else if (t->managed_dict && words == dict)
		pm_strbuf_puts(out, "__dict__, or its values");
	else if (l->t.managed_dict == PM_MANAGED_PAIR && words == 4)
		pm_strbuf_puts(out, "attribute values");
	else if (t->managed_weakref && words == (ft ? 2 : 4))
		pm_strbuf_puts(out, "weak references to it");
	else
		pm_strbuf_printf(out, "word %" PRIu64 " before it", words);
}

/* ---- in its own block ---- */

static bool put_slot(const struct pm_layout *l, const struct pm_object *x,
	uint64_t off, struct pm_strbuf *out)
{
	for (uint32_t i = 0; i < x->type->nslots; i++) {
		const struct pm_type_slot *s = &x->type->slots[i];
		if (off - pm_object_slot_off(l, x, s) >= l->t.word_size ||
			!s->name)
			continue;
		if (s->kind == PM_SLOT_MEMBER)
			pm_strbuf_puts(out, "slot .");
		pm_strbuf_puts(out, s->name);
		return true;
	}
	return false;
}

static void put_data(const char *what, uint64_t off, unsigned size, uint64_t n,
	struct pm_strbuf *out)
{
	if (off / size >= n) {
		pm_strbuf_printf(out, "behind the last %s", what);
		return;
	}
	pm_strbuf_printf(out, "%s %" PRIu64, what, off / size);
	if (off % size)
		pm_strbuf_printf(out, " +%" PRIu64, off % size);
}

static bool put_text(const struct pm_objects *o, const struct pm_object *x,
	pm_addr at, struct pm_strbuf *out)
{
	struct pm_text t;
	if (pm_text_parse(o->l, x->addr, pm_object_body(x), x->avail, &t,
		    NULL) != PM_OK)
		return false;
	if (t.data && t.kind && at - t.data < (t.length + 1) * t.kind) {
		put_data("character", at - t.data, t.kind, t.length, out);
		return true;
	}
	if (t.utf8 && at - t.utf8 <= t.utf8_length) {
		put_data("byte", at - t.utf8, 1, t.utf8_length, out);
		pm_strbuf_puts(out, " of its UTF-8 form");
		return true;
	}
	if (t.wstr && at - t.wstr < (t.wstr_length + 1) * 4) {
		put_data("wchar_t", at - t.wstr, 4, t.wstr_length, out);
		return true;
	}
	return false;
}

/* An entry of a set's table, wherever that is. */
static void put_set_entry(const struct pm_objects *o, pm_addr table, pm_addr at,
	struct pm_strbuf *out)
{
	const struct pm_fields *f = &o->l->f;
	unsigned size = f->set_entry.sizeof_.off;
	if (!size)
		return;
	pm_strbuf_printf(out, "entry %" PRIu64 ", ", (at - table) / size);
	if (!pm_interior_field(
		    o->l, INDEX(set_entry.sizeof_), (at - table) % size, out))
		pm_strbuf_puts(out, "padding");
}

static void put_item(const struct pm_layout *l, const char *spare, pm_addr at,
	uint64_t count, struct pm_strbuf *out)
{
	uint64_t i = at / l->t.word_size;
	pm_strbuf_printf(out, "%s[%" PRIu64 "]", i < count ? "" : spare, i);
}

/* The variable part, by kind. */
static bool put_variable(const struct pm_objects *o, const struct pm_object *x,
	uint64_t off, struct pm_strbuf *out)
{
	const struct pm_layout *l = o->l;
	const struct pm_fields *f = &l->f;
	const void *body = pm_object_body(x);
	uint64_t n = pm_get(l, body, f->var_object.size);
	switch (x->type->kind) {
	case PM_KIND_TUPLE:
		if (off < f->tuple.item.off ||
			off - f->tuple.item.off >=
				(n + x->type->hidden) * l->t.word_size)
			return false;
		put_item(l, "field ", off - f->tuple.item.off, n, out);
		return true;
	case PM_KIND_STR:
		return put_text(o, x, x->addr + off, out);
	case PM_KIND_BYTES:
		if (off < f->bytes.data.off || off - f->bytes.data.off > n)
			return false;
		put_data("byte", off - f->bytes.data.off, 1, n, out);
		return true;
	case PM_KIND_INT:
		if (off < f->long_.digit.off)
			return false;
		pm_strbuf_printf(out, "digit %" PRIu64,
			(off - f->long_.digit.off) / pm_digit_size(x->type));
		return true;
	case PM_KIND_SET:
		if (off < f->set.smalltable.off ||
			off - f->set.smalltable.off >= f->set.smalltable.size)
			return false;
		put_set_entry(
			o, x->addr + f->set.smalltable.off, x->addr + off, out);
		return true;
	default:
		return false;
	}
}

/* The struct that fields.h has for a kind; 0: none (that is the index of the
   object header). */
static size_t struct_of(const struct pm_type *t)
{
	switch (t->kind) {
	case PM_KIND_STR:
		return INDEX(ascii.sizeof_);
	case PM_KIND_BYTES:
		return INDEX(bytes.sizeof_);
	case PM_KIND_INT:
		return INDEX(long_.sizeof_);
	case PM_KIND_TUPLE:
		return INDEX(tuple.sizeof_);
	case PM_KIND_CODE:
		return INDEX(code.sizeof_);
	case PM_KIND_FRAME:
		return INDEX(frame.sizeof_);
	case PM_KIND_GEN:
		return INDEX(gen.sizeof_);
	case PM_KIND_TYPE:
		return INDEX(type.sizeof_);
	default:
		break;
	}
	if (t->decoder && t->decoder->size_index != PM_NO_FIELD)
		return t->decoder->size_index;
	return t->kind == PM_KIND_DICT ? INDEX(dict.sizeof_) : 0;
}

static bool put_struct_field(const struct pm_layout *l,
	const struct pm_object *x, uint64_t off, struct pm_strbuf *out)
{
	size_t index = struct_of(x->type);
	const struct pm_fields *f = &l->f;
	if (index && pm_interior_field(l, index, off, out))
		return true;
	switch (x->type->kind) {
	case PM_KIND_STR:
		return pm_interior_field(l, INDEX(compact.sizeof_), off, out) ||
		       pm_interior_field(l, INDEX(unicode.sizeof_), off, out);
	case PM_KIND_TYPE:
		return off >= f->type.sizeof_.off &&
		       pm_interior_field(l, INDEX(heap_type.sizeof_), off, out);
	case PM_KIND_GEN:
		if (!pm_has(f->gen.iframe) || off < f->gen.iframe.off)
			return false;
		pm_strbuf_puts(out, "frame, ");
		if (!pm_interior_field(l, INDEX(iframe.sizeof_),
			    off - f->gen.iframe.off, out))
			pm_strbuf_printf(
				out, "+0x%" PRIx64, off - f->gen.iframe.off);
		return true;
	default:
		return false;
	}
}

/* Looking through all references of a container for a word of its fixed part
   would be a waste. */
static bool has_many_elsewhere(const struct pm_type *t)
{
	return t->kind == PM_KIND_LIST || t->kind == PM_KIND_DICT ||
	       t->kind == PM_KIND_ODICT || t->kind == PM_KIND_SET ||
	       t->kind == PM_KIND_DEQUE;
}

static void put_body(const struct pm_objects *o, const struct pm_object *x,
	uint64_t off, struct pm_strbuf *out)
{
	const struct pm_layout *l = o->l;
	bool inside =
		x->type->inline_values && off >= (uint64_t)x->type->basicsize;
	if (off - l->f.object.type.off < l->t.word_size) {
		pm_strbuf_puts(out, "ob_type");
	} else if (off < l->f.object.sizeof_.off) {
		if (pm_has(l->f.object.ref_local)) {
			pm_strbuf_puts(out, "header");
			return;
		}
		pm_strbuf_puts(out, "ob_refcnt");
	} else if (put_slot(l, x, off, out) || put_variable(o, x, off, out)) {
		return;
	} else if ((inside || !has_many_elsewhere(x->type)) &&
		   put_ref(o, x, x->addr + off, out)) {
		return;
	} else if (inside) {
		pm_strbuf_puts(out, "attribute values");
	} else if (x->type->itemsize &&
		   off - l->f.var_object.size.off < l->t.word_size) {
		pm_strbuf_puts(out, "ob_size");
	} else if (!put_struct_field(l, x, off, out)) {
		pm_strbuf_printf(out, "+0x%" PRIx64, off);
	}
}

/* ---- in a buffer ---- */

/* "value for 'k'", "attribute .k". */
static void put_named(const struct pm_objects *o, const struct pm_object *x,
	enum pm_via via, pm_addr key, struct pm_strbuf *out)
{
	struct pm_ref r = {.via = via, .key = key};
	pm_ref_describe(o, x, &r, out);
}

static void put_keys(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_buffer *b, pm_addr at, struct pm_strbuf *out)
{
	const struct pm_layout *l = o->l;
	struct pm_keys k;
	if (b->shared)
		pm_strbuf_puts(out, "shared ");
	pm_addr keys = l->t.keys_form == PM_KEYS_TABLE ? x->addr : b->addr;
	if (pm_keys_load(l, o->m, keys, &k, NULL) != PM_OK ||
		at < b->addr + l->f.dict_keys.indices.off) {
		pm_strbuf_puts(out, "keys, ");
		if (!pm_interior_field(
			    l, INDEX(dict_keys.sizeof_), at - b->addr, out))
			pm_strbuf_printf(out, "+0x%" PRIx64, at - b->addr);
		return;
	}
	if (at < k.entries) {
		pm_strbuf_puts(out, "keys, index table");
		return;
	}
	uint64_t i = (at - k.entries) / k.entry_size, key = 0;
	unsigned off = (unsigned)((at - k.entries) % k.entry_size);
	if (i >= k.nentries) {
		pm_strbuf_printf(out, "keys, room for entry %" PRIu64, i);
		return;
	}
	if (pm_memory_read_uint(o->m, k.entries + i * k.entry_size + k.key_off,
		    l->t.word_size, &key, NULL) != PM_OK ||
		!key) {
		pm_strbuf_printf(out, "keys, deleted entry %" PRIu64, i);
		return;
	}
	bool is_value = off - k.value_off < l->t.word_size;
	if (is_value && x->type->kind != PM_KIND_TYPE) {
		put_named(o, x, PM_VIA_VALUE, key, out);
		return;
	}
	pm_strbuf_puts(out, off - k.key_off < l->t.word_size ? "key "
			    : is_value ? "unused value of "
				       : "hash of ");
	pm_repr(o, key, 60, out);
}

/* Values of a split dict, or of an instance, by the keys of its class. */
static void put_values(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_buffer *b, pm_addr at, struct pm_strbuf *out)
{
	const struct pm_layout *l = o->l;
	bool dict =
		x->type->kind == PM_KIND_DICT || x->type->kind == PM_KIND_ODICT;
	pm_addr array = pm_values_array(l, b->addr), key = 0;
	pm_addr keys = dict && !x->type->managed_dict
			       ? pm_dict_keys(l, x->addr, pm_object_body(x))
			       : x->type->cached_keys;
	struct pm_keys k;
	uint64_t i = (at - array) / l->t.word_size;
	if (at >= array && keys &&
		pm_keys_load(l, o->m, keys, &k, NULL) == PM_OK &&
		i < k.nentries &&
		pm_memory_read_uint(o->m,
			k.entries + i * k.entry_size + k.key_off,
			l->t.word_size, &key, NULL) == PM_OK &&
		key)
		put_named(
			o, x, dict ? PM_VIA_VALUE : PM_VIA_ATTRIBUTE, key, out);
	else if (at < array)
		pm_strbuf_puts(out, "attribute values, head");
	else
		pm_strbuf_printf(out, "attribute values, room for %" PRIu64, i);
}

static void put_raw(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_buffer *b, pm_addr at, struct pm_strbuf *out)
{
	if (x->type->kind == PM_KIND_STR && put_text(o, x, at, out))
		return;
	if (at < b->addr || at - b->addr >= b->bytes)
		pm_strbuf_puts(out, "data");
	else
		put_data("byte", at - b->addr, 1, b->bytes, out);
}

static void put_buffer(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_buffer *b, pm_addr at, struct pm_strbuf *out)
{
	switch (b->kind) {
	case PM_BUFFER_RAW:
		put_raw(o, x, b, at, out);
		return;
	case PM_BUFFER_ITEMS:
		if (x->type->kind == PM_KIND_LIST && at >= b->addr)
			put_item(
				o->l, "room for ", at - b->addr, b->count, out);
		else if (!put_ref(o, x, at, out))
			pm_strbuf_printf(
				out, "data, +0x%" PRIx64, at - b->addr);
		return;
	case PM_BUFFER_KEYS:
		put_keys(o, x, b, at, out);
		return;
	case PM_BUFFER_VALUES:
		put_values(o, x, b, at, out);
		return;
	case PM_BUFFER_SET:
		put_set_entry(o, b->addr, at, out);
		return;
	case PM_BUFFER_DEQUE:
		if (!put_ref(o, x, at, out))
			pm_strbuf_puts(out, "block of items, not in use");
		return;
	case PM_BUFFER_NODES:
		if (!put_ref(o, x, at, out))
			pm_strbuf_puts(out, "node of its order");
		return;
	}
}

void pm_interior_describe(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_buffer *b, pm_addr at, struct pm_strbuf *out)
{
	if (b)
		put_buffer(o, x, b, at, out);
	else if (at < x->addr)
		put_before(o, x, at, out);
	else
		put_body(o, x, at - x->addr, out);
}
