/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a value to what hangs on it: attributes, items. */
#include "query/query-internal.h"

#include <string.h>

#define MAX_ITEMS (1u << 20) /* of one container that are looked at */
#define MAX_BASES 4096

const struct pm_object *query_object(
	struct pm_evaluator *e, const struct pm_value *v)
{
	if (!v->addr)
		return NULL;
	if (v->addr == e->self->addr)
		return e->self;
	if (pm_object_load(e->reader.o, v->addr, &e->other, NULL) == PM_OK)
		return &e->other;
	e->reader.unreadable++;
	return NULL;
}

/* ---- attributes ---- */

/* Has this type, or a base of it, a __get__?  Then a value of it in a class is
   a method, a property, a slot: computed, not kept. */
static bool is_descriptor(struct pm_evaluator *e, const struct pm_type *t)
{
	const struct pm_objects *o = e->reader.o;
	for (int i = 0; t && t->is_type && i < MAX_BASES; i++) {
		if (t->dict && pm_dict_find(o->l, o->m, t->dict, "__get__"))
			return true;
		if (!t->base || t->base == t->addr)
			return false;
		t = pm_types_get(o->types, t->base);
	}
	return true;
}

static pm_addr find_in_classes(
	struct pm_evaluator *e, const struct pm_type *t, const char *name)
{
	const struct pm_objects *o = e->reader.o;
	const struct pm_layout *l = o->l;
	uint64_t mro = 0, n = 0, class = 0;
	if (pm_layout_read(l, o->m, t->addr, l->f.type.mro, &mro, NULL) !=
			PM_OK ||
		!mro ||
		pm_layout_read(l, o->m, mro, l->f.var_object.size, &n, NULL) !=
			PM_OK)
		return 0;
	for (uint64_t i = 0; i < n && i < MAX_BASES; i++) {
		if (pm_memory_read_uint(o->m,
			    mro + l->f.tuple.item.off + i * l->t.word_size,
			    l->t.word_size, &class, NULL) != PM_OK)
			return 0;
		const struct pm_type *b = pm_types_get(o->types, class);
		pm_addr found = b && b->is_type && b->dict
					? pm_dict_find(l, o->m, b->dict, name)
					: 0;
		if (!found)
			continue;
		struct pm_value v;
		pm_value_load(&e->reader, found, &v);
		return v.kind == PM_VALUE_NONE		     ? found
		       : !v.type || is_descriptor(e, v.type) ? 0
							     : found;
	}
	return 0;
}

/* What the class says when the object has no such attribute. */
static pm_addr class_attribute(struct pm_evaluator *e,
	struct query_cache *cache, const struct pm_type *t)
{
	struct pm_map_slot *s = pm_map_find(&cache->of_class, t->addr);
	if (s)
		return s->value;
	pm_addr found = find_in_classes(e, t, cache->attribute.name);
	s = pm_map_put(&cache->of_class, t->addr, NULL);
	if (s)
		s->value = found;
	return found;
}

/* Fields of C structs that decoders know by name. */
static bool field(struct pm_evaluator *e, const struct pm_object *x,
	const char *name, struct pm_value *ret)
{
	const struct pm_layout *l = e->reader.o->l;
	for (uint32_t i = 0; i < x->type->nslots; i++) {
		const struct pm_type_slot *s = &x->type->slots[i];
		uint64_t v = 0;
		if (s->kind != PM_SLOT_FIELD || strcmp(s->name, name) != 0)
			continue;
		if (pm_memory_read_uint(e->reader.o->m, x->addr + s->off,
			    l->t.word_size, &v, NULL) != PM_OK)
			e->reader.unreadable++;
		pm_value_load(&e->reader, v, ret);
		return true;
	}
	return false;
}

static void attribute(struct pm_evaluator *e, struct query_cache *cache,
	const struct pm_value *v, struct pm_value *ret)
{
	const struct pm_object *x = query_object(e, v);
	const char *name = cache->attribute.name;
	enum pm_status status = PM_OK;
	struct pm_attr a;
	*ret = (struct pm_value){0};
	if (!x)
		return;
	if (!strcmp(name, "__class__")) {
		pm_value_load(&e->reader, x->type->addr, ret);
		return;
	}
	if (pm_attr_find(e->reader.o, x, &cache->attribute, &a, &status)) {
		pm_value_load(&e->reader, a.value, ret);
		return;
	}
	if (status != PM_OK)
		e->reader.unreadable++;
	if (x->type->kind != PM_KIND_TYPE && !field(e, x, name, ret))
		pm_value_load(
			&e->reader, class_attribute(e, cache, x->type), ret);
}

/* ---- items ---- */

static void each_word(struct pm_evaluator *e, pm_addr at, uint64_t n,
	unsigned stride, pm_addr but,
	bool (*fn)(void *, const struct pm_value *), void *arg)
{
	const struct pm_layout *l = e->reader.o->l;
	if (n > MAX_ITEMS) {
		e->reader.unreadable++;
		n = MAX_ITEMS;
	}
	for (uint64_t i = 0; i < n; i++) {
		uint64_t word = 0;
		struct pm_value v;
		if (pm_memory_read_uint(e->reader.o->m, at + i * stride,
			    l->t.word_size, &word, NULL) != PM_OK) {
			e->reader.unreadable++;
			return;
		}
		if (!word || word == but)
			continue;
		pm_value_load(&e->reader, word, &v);
		if (!fn(arg, &v))
			return;
	}
}

/* Starts with the pairs of the dict x. */
static bool start_dict(struct pm_evaluator *e, const struct pm_object *x,
	struct pm_dict_iter *ret)
{
	if (pm_dict_iter_of(e->reader.o->l, e->reader.o->m, x->addr,
		    pm_object_body(x), ret, NULL) == PM_OK)
		return true;
	e->reader.unreadable++;
	return false;
}

static void each_key(struct pm_evaluator *e, const struct pm_object *x,
	bool (*fn)(void *, const struct pm_value *), void *arg)
{
	struct pm_dict_iter it;
	pm_addr key, value;
	if (!start_dict(e, x, &it))
		return;
	for (unsigned i = 0; pm_dict_iter_next(&it, &key, &value); i++) {
		struct pm_value v;
		if (i == MAX_ITEMS) {
			e->reader.unreadable++;
			return;
		}
		pm_value_load(&e->reader, key, &v);
		if (!fn(arg, &v))
			return;
	}
	if (it.status != PM_OK)
		e->reader.unreadable++;
}

/* The items of a list or tuple; false: it is none. */
static bool sequence(struct pm_evaluator *e, const struct pm_object *x,
	pm_addr *ret_at, uint64_t *ret_n)
{
	const struct pm_layout *l = e->reader.o->l;
	const void *body = pm_object_body(x);
	int64_t n = pm_get_signed(l, body, l->f.var_object.size);
	if (x->type->kind != PM_KIND_LIST && x->type->kind != PM_KIND_TUPLE)
		return false;
	if (n < 0) {
		e->reader.unreadable++;
		return false;
	}
	*ret_n = (uint64_t)n;
	*ret_at = x->type->kind == PM_KIND_LIST
			  ? pm_get(l, body, l->f.list.item)
			  : x->addr + l->f.tuple.item.off;
	return true;
}

void query_each_item(struct pm_evaluator *e, const struct pm_value *v,
	bool (*fn)(void *arg, const struct pm_value *item), void *arg)
{
	const struct pm_layout *l = e->reader.o->l;
	const struct pm_object *x = query_object(e, v);
	pm_addr at;
	uint64_t n;
	if (!x)
		return;
	const void *body = pm_object_body(x);
	if (sequence(e, x, &at, &n)) {
		each_word(e, at, n, l->t.word_size, 0, fn, arg);
	} else if (x->type->kind == PM_KIND_DICT ||
		   x->type->kind == PM_KIND_ODICT) {
		each_key(e, x, fn, arg);
	} else if (x->type->kind == PM_KIND_SET) {
		each_word(e,
			pm_get(l, body, l->f.set.table) +
				l->f.set_entry.key.off,
			pm_get(l, body, l->f.set.mask) + 1,
			l->f.set_entry.sizeof_.off, l->at.set_dummy.addr, fn,
			arg);
	}
}

static void item(struct pm_evaluator *e, const struct pm_value *index,
	const struct pm_value *v, struct pm_value *ret)
{
	const struct pm_object *x = query_object(e, v);
	const struct pm_layout *l = e->reader.o->l;
	struct pm_dict_iter it;
	pm_addr at, key, value;
	uint64_t n, word = 0;
	*ret = (struct pm_value){0};
	if (!x)
		return;
	if (sequence(e, x, &at, &n)) {
		__int128 i = index->kind == PM_VALUE_INT ? index->i : n;
		if (i < 0)
			i += n;
		if (i < 0 || i >= n)
			return;
		if (pm_memory_read_uint(e->reader.o->m,
			    at + (uint64_t)i * l->t.word_size, l->t.word_size,
			    &word, NULL) != PM_OK)
			e->reader.unreadable++;
		pm_value_load(&e->reader, word, ret);
		return;
	}
	if ((x->type->kind != PM_KIND_DICT && x->type->kind != PM_KIND_ODICT) ||
		!start_dict(e, x, &it))
		return;
	for (unsigned i = 0; pm_dict_iter_next(&it, &key, &value); i++) {
		struct pm_value k;
		if (i == MAX_ITEMS) {
			e->reader.unreadable++;
			return;
		}
		pm_value_load(&e->reader, key, &k);
		if (!pm_value_equal(&e->reader, &k, index))
			continue;
		pm_value_load(&e->reader, value, ret);
		return;
	}
	if (it.status != PM_OK)
		e->reader.unreadable++;
}

void query_step(struct pm_evaluator *e, size_t step, const struct pm_value *v,
	struct pm_value *ret)
{
	const struct query_step *s = &e->q->steps.data[step];
	struct pm_value from = *v;
	if (s->name)
		attribute(e, &e->caches[step], &from, ret);
	else
		item(e, &s->index, &from, ret);
}
