/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/attributes.h"
#include "object/numpy.h"
#include "object/refs-internal.h"
#include "object/static-types.h"
#include "object/threads.h"

/* count words of references, read in pieces. */
static void emit_array(struct pm_ref_walk *w, pm_addr at, uint64_t count,
	unsigned stride, enum pm_via via, uint64_t mask)
{
	const struct pm_layout *l = w->o->l;
	unsigned char chunk[4096];
	uint64_t per = sizeof chunk / stride;
	for (uint64_t i = 0; i < count && !w->stop; i += per) {
		uint64_t n = count - i < per ? count - i : per;
		enum pm_status s = pm_memory_read(
			w->o->m, at + i * stride, chunk, n * stride, NULL);
		note(w, s);
		if (s != PM_OK)
			return;
		for (uint64_t j = 0; j < n && !w->stop; j++) {
			uint64_t v = pm_load(chunk + j * stride, l->t.word_size,
				l->t.big_endian);
			uint64_t index =
				via == PM_VIA_NATIVE ? (i + j) * stride : i + j;
			emit(w, (struct pm_ref){v & mask, via, NULL, 0, index,
					at + (i + j) * stride});
		}
	}
}

static void walk_slots(struct pm_ref_walk *w)
{
	static const enum pm_via vias[] = {[PM_SLOT_FIELD] = PM_VIA_FIELD,
		[PM_SLOT_MEMBER] = PM_VIA_SLOT,
		[PM_SLOT_DICT] = PM_VIA_FIELD,
		[PM_SLOT_NATIVE] = PM_VIA_NATIVE};
	const struct pm_type *t = w->x->type;
	const struct pm_layout *l = w->o->l;
	unsigned ws = l->t.word_size;
	for (uint32_t i = 0; i < t->nslots && !w->stop; i++) {
		const struct pm_type_slot *s = &t->slots[i];
		uint64_t v = 0, off = pm_object_slot_off(l, w->x, s);
		if (off + ws <= w->x->avail)
			v = pm_load(pm_object_body(w->x) + off, ws,
				l->t.big_endian);
		else if (!word(w, w->x->addr + off, &v))
			continue;
		/* datetime objects without tzinfo end before that word. */
		if (t->kind == PM_KIND_DATETIME && s->kind == PM_SLOT_FIELD &&
			!pm_object_body(w->x)[l->f.object.sizeof_.off + ws])
			continue;
		emit(w, (struct pm_ref){v, vias[s->kind], s->name, 0, off,
				w->x->addr + off});
	}
}

static void walk_keys(struct pm_ref_walk *w, pm_addr keys, pm_addr values,
	enum pm_via value_via, bool with_keys, bool with_values)
{
	const struct pm_layout *l = w->o->l;
	unsigned ws = l->t.word_size;
	struct pm_keys k;
	enum pm_status s = pm_keys_load(l, w->o->m, keys, &k, NULL);
	note(w, s);
	if (s != PM_OK)
		return;
	for (uint64_t i = 0; i < k.nentries && i < k.usable && !w->stop; i++) {
		pm_addr e = k.entries + i * k.entry_size;
		uint64_t key = 0, value = 0;
		if (!word(w, e + k.key_off, &key))
			return;
		pm_addr at = values ? values + i * ws : e + k.value_off;
		if (with_values && !word(w, at, &value))
			return;
		/* Of a deleted key the mark is left (2.7). */
		if (!value && l->t.keys_form == PM_KEYS_TABLE)
			continue;
		if (with_keys)
			emit(w, (struct pm_ref){key, PM_VIA_KEY, NULL, 0, i,
					e + k.key_off});
		emit(w, (struct pm_ref){value, value_via, NULL, key, i, at});
	}
}

/* Does the dict show values that are inside an instance?  They are counted
   once, as attributes of that, until it goes and the dict gets them
   (Objects/dictobject.c, gh-130327, 3.13). */
static bool is_of_instance(const struct pm_ref_walk *w, pm_addr values)
{
	const struct pm_layout *l = w->o->l;
	uint64_t v = 0;
	return values && l->t.values_form == PM_VALUES_HEADED &&
	       pm_has(l->f.dict_values.embedded) &&
	       pm_memory_read_uint(w->o->m,
		       values + l->f.dict_values.embedded.off, 1, &v,
		       NULL) == PM_OK &&
	       v;
}

static void walk_dict(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	const void *body = pm_object_body(w->x);
	pm_addr keys = pm_dict_keys(l, w->x->addr, body);
	pm_addr shown = pm_get(l, body, l->f.dict.values);
	pm_addr values = pm_values_array(l, shown);
	if (is_of_instance(w, shown))
		return;
	/* Keys of a split table belong to its class. */
	walk_keys(w, keys, values, PM_VIA_VALUE, !values, true);
}

/* Links of a chain, which may be a ring by corruption: where it was at the last
   power of two is compared (R. P. Brent, BIT 20, 1980). */
struct chain {
	pm_addr seen;
	uint64_t links, due;
};

static bool is_ring(struct pm_ref_walk *w, struct chain *c, pm_addr next)
{
	if (next && next == c->seen) {
		note(w, PM_CORRUPT);
		return true;
	}
	if (c->links++ == c->due) {
		c->seen = next;
		c->due = 2 * c->due + 1;
	}
	return false;
}

static void walk_nodes(struct pm_ref_walk *w)
{
	struct chain chain = {0};
	const struct pm_layout *l = w->o->l;
	pm_addr node = pm_get(l, pm_object_body(w->x), l->f.odict.first);
	uint64_t used = pm_get(l, pm_object_body(w->x), l->f.dict.used);
	for (uint64_t i = 0; node && i < used && i < PM_MAX_CHAIN && !w->stop;
		i++) {
		uint64_t key, next;
		if (!word(w, node + l->f.odict_node.key.off, &key) ||
			!word(w, node + l->f.odict_node.next.off, &next))
			return;
		emit(w, (struct pm_ref){key, PM_VIA_KEY, NULL, 0, i,
				node + l->f.odict_node.key.off});
		if (is_ring(w, &chain, next))
			return;
		node = next;
	}
}

static void walk_set(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	const void *body = pm_object_body(w->x);
	pm_addr table = pm_get(l, body, l->f.set.table);
	uint64_t slots = pm_get(l, body, l->f.set.mask) + 1;
	uint64_t dummy = l->at.set_dummy.addr;
	for (uint64_t i = 0; i < slots && !w->stop; i++) {
		pm_addr at = table + i * l->f.set_entry.sizeof_.off +
			     l->f.set_entry.key.off;
		uint64_t key;
		if (!word(w, at, &key))
			return;
		if (key != dummy && key != l->at.dict_dummy.addr)
			emit(w, (struct pm_ref){
					key, PM_VIA_MEMBER, NULL, 0, i, at});
	}
}

/* Blocks of items with links around or behind them, see pm_measure_deque. */
static void walk_deque(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	unsigned ws = l->t.word_size;
	pm_addr at = w->x->addr + l->f.object.sizeof_.off;
	uint64_t block, left, done = 0;
	bool old = l->t.deque_links_behind;
	uint64_t items = l->t.deque_items, length;
	struct chain chain = {0};
	if (!old)
		at += ws;
	if (!word(w, at, &block) || !word(w, at + 2 * ws, &left) ||
		!word(w, old ? at + 4 * ws : at - ws, &length))
		return;
	int64_t n = (int64_t)length;
	if (n <= 0)
		return;
	while (block && done < (uint64_t)n && left < items && !w->stop) {
		uint64_t here = items - left;
		if (here > (uint64_t)n - done)
			here = (uint64_t)n - done;
		for (uint64_t i = 0; i < here && !w->stop; i++) {
			uint64_t v;
			pm_addr item =
				block + pm_deque_items_at(l) + (left + i) * ws;
			if (!word(w, item, &v))
				return;
			emit(w, (struct pm_ref){v, PM_VIA_INDEX, NULL, 0,
					done + i, item});
		}
		done += here;
		left = 0;
		if (!word(w, block + pm_deque_next_at(l), &block) ||
			is_ring(w, &chain, block))
			return;
	}
}

/* What every interpreter keeps of a static type, where its index stands in
   tp_subclasses. */
static void walk_static_type(struct pm_ref_walk *w, uint64_t subclasses)
{
	const struct pm_layout *l = w->o->l;
	const struct pm_fields *f = &l->f;
	pm_addr state;
	pm_each_interpreter (i, l, w->o->m) {
		if (w->stop)
			return;
		enum pm_status s = pm_static_type_state(
			l, w->o->m, i.at, w->x->addr, subclasses, &state, NULL);
		if (s == PM_OK) {
			emit_field(w, state, f->static_type_state.dict,
				"__dict__");
			emit_field(w, state, f->static_type_state.subclasses,
				"tp_subclasses");
		} else if (s != PM_ABSENT) {
			note(w, s);
		}
	}
}

static void walk_type(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	const struct pm_fields *f = &l->f;
	const void *body = pm_object_body(w->x);
	pm_addr a = w->x->addr;
	uint64_t flags = pm_get(l, body, f->type.flags);
	bool heap = flags & PM_TPFLAG_HEAPTYPE;
	emit_field(w, a, f->type.dict, "__dict__");
	emit_field(w, a, f->type.base, "__base__");
	emit_field(w, a, f->type.bases, "__bases__");
	emit_field(w, a, f->type.mro, "__mro__");
	emit_field(w, a, f->type.cache, "tp_cache");
	if (pm_static_type_is_managed(l, flags))
		walk_static_type(w, pm_get(l, body, f->type.subclasses));
	else
		emit_field(w, a, f->type.subclasses, "tp_subclasses");
	if (!heap)
		return;
	emit_field(w, a, f->heap_type.name, "__name__");
	emit_field(w, a, f->heap_type.slots, "__slots__");
	emit_field(w, a, f->heap_type.qualname, "__qualname__");
	emit_field(w, a, f->heap_type.module, "module");
	pm_addr keys = pm_get(l, body, f->heap_type.cached_keys);
	if (keys)
		walk_keys(w, keys, 0, PM_VIA_VALUE, true, false);
	/* What a metaclass of C adds: ctypes' description of a type (3.13). */
	for (uint64_t off = f->heap_type.sizeof_.off, v = 0;
		off + l->t.word_size <= (uint64_t)w->x->type->basicsize &&
		!w->stop;
		off += l->t.word_size)
		if (word(w, a + off, &v))
			emit(w, (struct pm_ref){v, PM_VIA_NATIVE, NULL, 0, off,
					a + off});
}

/* What a C module keeps: no types known, so every word that may be one. */
static void walk_module(struct pm_ref_walk *w)
{
	struct pm_measure m;
	note(w, pm_object_measure(w->o, w->x, &m));
	for (unsigned i = 0; i < m.nbuffers; i++)
		emit_array(w, m.buffers[i].addr, m.buffers[i].count,
			w->o->l->t.word_size, PM_VIA_NATIVE, ~UINT64_C(0));
}

/* text and tail carry a flag in bit 0; children are in a struct of their own
   (Modules/_elementtree.c). */
static void walk_element(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	unsigned ws = l->t.word_size;
	pm_addr at = w->x->addr + l->f.object.sizeof_.off;
	uint64_t text, tail, extra, attrib, n, children;
	if (!word(w, at + ws, &text) || !word(w, at + 2 * ws, &tail) ||
		!word(w, at + 3 * ws, &extra))
		return;
	emit(w, (struct pm_ref){text & ~UINT64_C(1), PM_VIA_FIELD, "text", 0, 0,
			at + ws});
	emit(w, (struct pm_ref){tail & ~UINT64_C(1), PM_VIA_FIELD, "tail", 0, 0,
			at + 2 * ws});
	if (!extra || !word(w, extra, &attrib) || !word(w, extra + ws, &n) ||
		!word(w, extra + 3 * ws, &children))
		return;
	emit(w, (struct pm_ref){attrib, PM_VIA_FIELD, "attrib", 0, 0, extra});
	if (n < PM_MAX_CHAIN)
		emit_array(w, children, n, ws, PM_VIA_INDEX, ~UINT64_C(0));
}

/* What a pickler has seen, see pm_measure's. */
static void walk_memo(struct pm_ref_walk *w)
{
	unsigned ws = w->o->l->t.word_size;
	uint64_t memo, allocated, table;
	if (word(w, w->x->addr + w->o->l->f.object.sizeof_.off, &memo) &&
		memo && word(w, memo + 2 * ws, &allocated) &&
		allocated < PM_MAX_CHAIN && word(w, memo + 3 * ws, &table))
		emit_array(
			w, table, allocated, 2 * ws, PM_VIA_KEY, ~UINT64_C(0));
}

/* Items of dtype object; in records, every word that may be one. */
static void walk_ndarray(struct pm_ref_walk *w)
{
	unsigned ws = w->o->l->t.word_size;
	struct pm_ndarray a;
	if (!pm_ndarray_load(w->o, w->x, &a)) {
		note(w, PM_FAULT);
		return;
	}
	if (a.owns && a.refers && a.data)
		emit_array(w, a.data, a.bytes / ws, ws,
			a.kind == 'O' ? PM_VIA_INDEX : PM_VIA_NATIVE,
			~UINT64_C(0));
}

/* The ring through all entries begins and ends in the cache itself, and owns
   one reference to each of them, next to that of the cache's dict
   (lru_cache_append_link in Modules/_functoolsmodule.c): the one that leads
   there from the entry before it. */
static void walk_ring(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	unsigned ws = l->t.word_size;
	pm_addr at = w->x->addr + l->f.object.sizeof_.off + ws;
	uint64_t next, type;
	bool is_link = w->x->type->kind == PM_KIND_LRU_LINK;
	if (word(w, at, &next) && next && next != w->x->addr &&
		word(w, next + l->f.object.type.off, &type) &&
		(type == w->x->type->addr) == is_link)
		emit(w, (struct pm_ref){
				next, PM_VIA_FIELD, "next entry", 0, 0, at});
}

static void walk_code(struct pm_ref_walk *w)
{
	static const char *const names[] = {"cached co_code",
		"cached co_varnames", "cached co_cellvars",
		"cached co_freevars"};
	const struct pm_layout *l = w->o->l;
	pm_addr cached = pm_get(l, pm_object_body(w->x), l->f.code.cached);
	for (unsigned i = 0; cached && i < 4; i++) {
		uint64_t v;
		if (word(w, cached + i * l->t.word_size, &v))
			emit(w, (struct pm_ref){v, PM_VIA_FIELD, names[i], 0, 0,
					cached + i * l->t.word_size});
	}
}

static void walk_attributes(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	const struct pm_type *t = w->x->type;
	unsigned ws = l->t.word_size;
	bool be = l->t.big_endian;
	const unsigned char *obj = pm_object_body(w->x);
	pm_addr values = 0, dict = 0, dict_at = w->x->addr - 3 * ws;
	uint64_t valid = 0;
	switch (l->t.managed_dict) {
	case PM_MANAGED_NONE:
		return;
	case PM_MANAGED_PAIR:
		values = pm_load(obj - 4 * ws, ws, be);
		dict = pm_load(obj - 3 * ws, ws, be);
		break;
	case PM_MANAGED_TAGGED:
		dict = pm_load(obj - 3 * ws, ws, be);
		if (dict & 1) {
			values = dict + 1;
			dict = 0;
		}
		break;
	case PM_MANAGED_POINTER:
	case PM_MANAGED_FT:
		if (l->t.managed_dict == PM_MANAGED_FT)
			dict_at = w->x->addr - ws;
		dict = pm_load(obj - (w->x->addr - dict_at), ws, be);
		if (t->inline_values &&
			pm_memory_read_uint(w->o->m,
				w->x->addr + (uint64_t)t->basicsize +
					l->f.dict_values.valid.off,
				1, &valid, NULL) == PM_OK &&
			valid)
			values = w->x->addr + (uint64_t)t->basicsize +
				 l->f.dict_values.values.off;
		break;
	}
	emit(w, (struct pm_ref){dict, PM_VIA_FIELD, "__dict__", 0, 0, dict_at});
	if (values && t->cached_keys)
		walk_keys(w, t->cached_keys, values, PM_VIA_ATTRIBUTE, false,
			true);
}

/* Instances of subclasses of int, tuple, ...: the word is behind the items. */
static void walk_computed_dict(struct pm_ref_walk *w)
{
	pm_addr at = pm_attr_dict_at(w->o, w->x);
	uint64_t v;
	if (at && word(w, at, &v))
		emit(w, (struct pm_ref){v, PM_VIA_FIELD, "__dict__", 0, 0, at});
}

static void walk_items(struct pm_ref_walk *w)
{
	const struct pm_layout *l = w->o->l;
	const void *body = pm_object_body(w->x);
	unsigned ws = l->t.word_size;
	int64_t n = pm_get_signed(l, body, l->f.var_object.size);
	if (n < 0)
		return;
	switch (w->x->type->kind) {
	case PM_KIND_TUPLE:
		emit_array(w, w->x->addr + l->f.tuple.item.off,
			(uint64_t)n + w->x->type->hidden, ws, PM_VIA_INDEX,
			~UINT64_C(0));
		break;
	case PM_KIND_LIST:
		emit_array(w, pm_get(l, body, l->f.list.item), (uint64_t)n, ws,
			PM_VIA_INDEX, ~UINT64_C(0));
		break;
	case PM_KIND_HAMT:
		emit_array(w, w->x->addr + (uint64_t)w->x->type->basicsize,
			(uint64_t)n, ws, PM_VIA_INDEX, ~UINT64_C(0));
		break;
	default:
		break;
	}
}

enum pm_status pm_refs_each(const struct pm_objects *o,
	const struct pm_object *x, pm_ref_fn *fn, void *arg)
{
	struct pm_ref_walk w = {o, x, fn, arg, false, PM_OK};
	walk_slots(&w);
	switch (x->type->kind) {
	case PM_KIND_TUPLE:
	case PM_KIND_LIST:
	case PM_KIND_HAMT:
		walk_items(&w);
		break;
	case PM_KIND_DICT:
		walk_dict(&w);
		break;
	case PM_KIND_ODICT:
		walk_dict(&w);
		walk_nodes(&w);
		break;
	case PM_KIND_SET:
		walk_set(&w);
		break;
	case PM_KIND_DEQUE:
		walk_deque(&w);
		break;
	case PM_KIND_TYPE:
		walk_type(&w);
		break;
	case PM_KIND_GEN:
		pm_walk_gen(&w);
		break;
	case PM_KIND_FRAME:
		pm_walk_frame(&w);
		break;
	case PM_KIND_MODULE:
		walk_module(&w);
		break;
	case PM_KIND_ELEMENT:
		walk_element(&w);
		break;
	case PM_KIND_PICKLER:
		walk_memo(&w);
		break;
	case PM_KIND_NDARRAY:
		walk_ndarray(&w);
		break;
	case PM_KIND_LRU_CACHE:
	case PM_KIND_LRU_LINK:
		walk_ring(&w);
		break;
	case PM_KIND_CODE:
		walk_code(&w);
		break;
	default:
		break;
	}
	if (x->type->managed_dict)
		walk_attributes(&w);
	else if (x->type->dictoffset < 0)
		walk_computed_dict(&w);
	if (x->type->heap)
		emit(&w, (struct pm_ref){x->type->addr, PM_VIA_TYPE, NULL, 0, 0,
				 x->addr + o->l->f.object.type.off});
	return w.worst;
}
