/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instances as they would be with __slots__ (type_new, Objects/typeobject.c):
   a word each behind what the base has; __weakref__ is a word, too, or since
   3.12 two words before the object; the collector's head is always there. */
#include "heap/slots.h"

#include "heap/footprint.h"
#include "layout/wording.h"
#include "object/text.h"

#include <string.h>

#define MAX_CHAIN 64
#define MAX_MRO 256
/* Nobody writes so many into __slots__: these objects are dicts. */
#define MAX_NAMES 2000

/* ---- names ---- */

static int by_count(const void *a, const void *b)
{
	const struct pm_slots_attribute *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* str objects that say the same are one attribute. */
static enum pm_status name_attributes(
	struct pm_heap *h, struct pm_slots_class *c, struct pm_error *err)
{
	if (c->names.len > MAX_NAMES) {
		c->impossible = "thousands of different attributes";
		return PM_OK;
	}
	size_t slots = c->names.slots ? (size_t)1 << c->names.bits : 0;
	for (size_t i = 0; i < slots; i++) {
		const struct pm_map_slot *s = &c->names.slots[i];
		pm_auto_strbuf text = {0};
		if (!s->key)
			continue;
		if (pm_text_append(h->l, h->memory, s->key, SIZE_MAX, 0, &text,
			    NULL) != PM_OK) {
			c->no_names += s->value;
			continue;
		}
		struct pm_slots_attribute *known = NULL;
		pm_vec_each (a, &c->attributes)
			if (text.data && !strcmp(a->name, text.data))
				known = a;
		if (known) {
			known->count += s->value;
			continue;
		}
		pm_auto_free char *name = strdup(text.data ? text.data : "");
		if (!name ||
			!pm_vec_push(&c->attributes,
				(struct pm_slots_attribute){name, s->value}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		name = NULL;
	}
	if (c->attributes.len)
		qsort(c->attributes.data, c->attributes.len,
			sizeof *c->attributes.data, by_count);
	return PM_OK;
}

/* ---- what a class adds to its base ---- */

struct part {
	uint64_t members; /* of its own __slots__ */
	bool python;	  /* made by type_new: its dict and weakrefs can go */
};

static bool weak_is_word(const struct pm_layout *l)
{
	return l->t.managed_dict == PM_MANAGED_NONE ||
	       l->t.managed_dict == PM_MANAGED_PAIR;
}

/* Does its size say that all it adds are slots, a dict and weakrefs? */
static struct part part_of(
	struct pm_heap *h, const struct pm_type *t, const struct pm_type *base)
{
	const struct pm_layout *l = h->l;
	struct part p = {0};
	uint64_t members = 0;
	if (!t->heap ||
		pm_layout_read(l, h->memory, t->addr, l->f.var_object.size,
			&members, NULL) != PM_OK ||
		members > 4096)
		return p;
	bool dict = t->dictoffset && !base->dictoffset;
	bool weak = t->weaklistoffset && !base->weaklistoffset;
	uint64_t words = members;
	if (dict && (l->t.managed_dict == PM_MANAGED_NONE || t->itemsize))
		words++;
	if (weak && weak_is_word(l))
		words++;
	p.members = members;
	p.python = t->basicsize ==
		   base->basicsize + (int64_t)(words * l->t.word_size);
	return p;
}

static const struct pm_type *base_of(struct pm_heap *h, const struct pm_type *t)
{
	const struct pm_type *b = t->base && t->base != t->addr
					  ? pm_types_get(h->types, t->base)
					  : NULL;
	return b && b->is_type ? b : NULL;
}

/* ---- the prediction ---- */

struct names {
	PM_VEC(const char *) v;
};

static void deinit_names(struct names *n)
{
	pm_vec_deinit(&n->v);
}

static bool add_name(struct names *n, const char *name)
{
	pm_vec_each (p, &n->v)
		if (!strcmp(*p, name))
			return true;
	return pm_vec_push(&n->v, name);
}

static enum pm_status predict(struct pm_heap *h, const struct pm_slots *s,
	struct pm_slots_class *c, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	unsigned ws = l->t.word_size;
	const struct pm_type *chain[MAX_CHAIN], *t = c->type;
	struct part parts[MAX_CHAIN];
	unsigned n = 0;
	for (; n < MAX_CHAIN; n++) {
		const struct pm_type *base = base_of(h, t);
		if (!base || !(parts[n] = part_of(h, t, base)).python)
			break;
		chain[n] = t;
		t = base;
	}
	/* t stays as it is: a type of C. */
	PM_CLEANUP(deinit_names) struct names names = {0};
	uint64_t members = 0;
	bool weak = false, fixed_weak = t->weaklistoffset;
	while (n--) {
		const struct pm_slots_class *k =
			chain[n]->id < s->n ? s->classes[chain[n]->id] : NULL;
		members += parts[n].members;
		weak |= k && k->weakrefs;
		if (!k)
			continue;
		pm_vec_each (a, &k->attributes)
			if (!add_name(&names, a->name))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
	}
	weak &= !fixed_weak;
	c->new_slots = (uint32_t)names.v.len;
	c->base_size = (uint32_t)((uint64_t)t->basicsize + members * ws);
	c->weak_word = weak && weak_is_word(l);
	uint32_t fixed_pre = t->pre - (t->gc ? l->t.gc_head_size : 0);
	bool before = fixed_pre || (weak && !weak_is_word(l));
	bool collected = t->gc || c->new_slots || members || c->weak_word ||
			 pm_wording_is(l, PM_WORDING_EMPTY_SLOTS_COLLECTED);
	c->pre = (collected ? l->t.gc_head_size : 0) + (before ? 2 * ws : 0);
	if (c->impossible)
		return PM_OK;
	if (c->no_names)
		c->impossible = "keys that are no str";
	else if (t->itemsize && names.v.len)
		c->impossible = "the base's instances vary in length";
	else if (t == c->type)
		c->impossible = "a type of C";
	uint64_t size =
		c->base_size + c->new_slots * ws + (c->weak_word ? ws : 0);
	c->block = pm_block_for(h, c->pre + size);
	return PM_OK;
}

/* ---- __slots__ in vain ---- */

static bool has_slots(struct pm_heap *h, const struct pm_type *t)
{
	uint64_t slots = 0;
	return t->heap &&
	       pm_layout_read(h->l, h->memory, t->addr, h->l->f.heap_type.slots,
		       &slots, NULL) == PM_OK &&
	       slots;
}

static const struct pm_type *dict_from(
	struct pm_heap *h, const struct pm_type *t)
{
	const struct pm_layout *l = h->l;
	unsigned ws = l->t.word_size;
	uint64_t mro = 0, n = 0;
	if (!has_slots(h, t) ||
		pm_layout_read(l, h->memory, t->addr, l->f.type.mro, &mro,
			NULL) != PM_OK ||
		!mro ||
		pm_layout_read(l, h->memory, mro, l->f.var_object.size, &n,
			NULL) != PM_OK)
		return NULL;
	for (uint64_t i = 1; i < n && i < MAX_MRO; i++) {
		uint64_t at = 0;
		if (pm_memory_read_uint(h->memory,
			    mro + l->f.tuple.item.off + i * ws, ws, &at,
			    NULL) != PM_OK)
			return NULL;
		const struct pm_type *b = pm_types_get(h->types, at);
		const struct pm_type *up =
			b && b->is_type ? base_of(h, b) : NULL;
		/* The one that adds it, not those that hand it on. */
		if (up && b->dictoffset && !up->dictoffset && !has_slots(h, b))
			return b;
	}
	return t; /* "__dict__" is among its own */
}

enum pm_status pm_slots_predict(
	struct pm_heap *h, struct pm_slots *s, struct pm_error *err)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->classes[i])
			PM_TRY(name_attributes(h, s->classes[i], err));
	for (size_t i = 0; i < s->n; i++) {
		struct pm_slots_class *c = s->classes[i];
		if (!c || !c->instances)
			continue;
		PM_TRY(predict(h, s, c, err));
		c->dict_from = dict_from(h, c->type);
	}
	return PM_OK;
}
