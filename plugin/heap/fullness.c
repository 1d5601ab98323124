/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/fullness.h"

#define MAX_ITEMS (UINT64_C(1) << 40)

bool pm_has_fullness(const struct pm_type *t)
{
	return t->kind == PM_KIND_LIST || t->kind == PM_KIND_DICT ||
	       t->kind == PM_KIND_ODICT || t->kind == PM_KIND_SET ||
	       t->kind == PM_KIND_DEQUE || t->kind == PM_KIND_BYTEARRAY;
}

void pm_fullness_reader_init(
	const struct pm_heap *h, struct pm_fullness_reader *ret)
{
	const struct pm_pools *p = h->pools;
	*ret = (struct pm_fullness_reader){.h = h};
	for (unsigned i = 0; !p->pages && i < p->nclasses; i++)
		if (!pm_keys_shape_of_class(h->l, pm_pools_class_size(p, i),
			    p->alignment, p->hook_pre + p->hook_post,
			    &ret->shapes[i]))
			ret->shapes[i].bytes = 0;
}

static enum pm_status list_fill(const struct pm_layout *l,
	const unsigned char *body, struct pm_fullness *c)
{
	int64_t n = pm_get_signed(l, body, l->f.var_object.size);
	int64_t cap = pm_get_signed(l, body, l->f.list.allocated);
	if (cap == -1 && !n) /* while it is being sorted */
		cap = 0;
	if (n < 0 || cap < n || (uint64_t)cap > MAX_ITEMS)
		return PM_CORRUPT;
	*c = (struct pm_fullness){(uint64_t)n, (uint64_t)cap,
		(uint64_t)(cap - n) * l->t.word_size};
	return PM_OK;
}

static bool keys_shape(const struct pm_fullness_reader *f,
	const struct pm_objects *o, pm_addr keys, struct pm_keys_shape *ret)
{
	const struct pm_pools *p = f->h->pools;
	int64_t pool = pm_pools_find(p, keys);
	struct pm_keys k;
	if (pool >= 0 && p->pools[pool].state == PM_POOL_USED) {
		*ret = f->shapes[p->pools[pool].szidx];
		if (ret->bytes)
			return true;
	}
	if (pm_keys_load(o->l, o->m, keys, &k, NULL) != PM_OK)
		return false;
	*ret = (struct pm_keys_shape){k.bytes, k.usable, k.entry_size};
	return true;
}

static enum pm_status dict_fill(const struct pm_fullness_reader *f,
	const struct pm_objects *o, const unsigned char *body,
	struct pm_fullness *c)
{
	const struct pm_layout *l = o->l;
	uint64_t used = pm_get(l, body, l->f.dict.used);
	pm_addr keys = pm_get(l, body, l->f.dict.keys);
	pm_addr values = pm_get(l, body, l->f.dict.values);
	struct pm_keys_shape shape;
	struct pm_keys k;
	if (!keys || used > MAX_ITEMS)
		return PM_CORRUPT;
	if (values) { /* names in a table of the class: only values are its */
		if (pm_keys_load(l, o->m, keys, &k, NULL) != PM_OK)
			return PM_FAULT;
		shape = (struct pm_keys_shape){
			0, k.values_usable, l->t.word_size};
	} else if (!keys_shape(f, o, keys, &shape)) {
		return PM_FAULT;
	}
	if (used > shape.usable && used)
		return PM_CORRUPT;
	/* The table of an empty dict may be the one that all of them share. */
	bool shared = !used && f->h->modules &&
		      pm_pools_find(f->h->pools, keys) < 0 &&
		      pm_modules_at(f->h->modules, keys);
	if (shared)
		shape.usable = 0;
	*c = (struct pm_fullness){
		used, shape.usable, (shape.usable - used) * shape.entry_size};
	return PM_OK;
}

/* A table of slots; the first few are in the object itself, at small. */
static enum pm_status slots_fill(uint64_t used, uint64_t slots, pm_addr table,
	pm_addr small, uint32_t entry_size, struct pm_fullness *c)
{
	if (!table || slots & (slots - 1) || slots > MAX_ITEMS || used > slots)
		return PM_CORRUPT;
	*c = (struct pm_fullness){
		used, slots, table == small ? 0 : (slots - used) * entry_size};
	return PM_OK;
}

static enum pm_status set_fill(const struct pm_layout *l, pm_addr addr,
	const unsigned char *body, struct pm_fullness *c)
{
	return slots_fill(pm_get(l, body, l->f.set.used),
		pm_get(l, body, l->f.set.mask) + 1,
		pm_get(l, body, l->f.set.table), addr + l->f.set.smalltable.off,
		l->f.set_entry.sizeof_.off, c);
}

/* Dicts of 2.7 are made like sets. */
static enum pm_status old_dict_fill(const struct pm_layout *l, pm_addr addr,
	const unsigned char *body, struct pm_fullness *c)
{
	return slots_fill(pm_get(l, body, l->f.dict.used),
		pm_get(l, body, l->f.dict.mask) + 1,
		pm_get(l, body, l->f.dict.table),
		addr + l->f.dict.smalltable.off, l->f.dict_entry.sizeof_.off,
		c);
}

static enum pm_status other_fill(const struct pm_objects *o,
	const struct pm_scanned *x, struct pm_fullness *c)
{
	const struct pm_layout *l = o->l;
	struct pm_measure m;
	uint64_t n = x->type->kind == PM_KIND_DEQUE
			     ? (uint64_t)pm_deque_length(l, x->body)
			     : pm_get(l, x->body, l->f.var_object.size);
	enum pm_status s = pm_measure(
		l, x->type, x->addr, x->body, x->avail, &o->resolver.r, &m);
	if (s != PM_OK)
		return s;
	if (x->type->kind == PM_KIND_BYTEARRAY) {
		uint64_t cap = pm_get(l, x->body, l->f.bytearray.alloc);
		/* A zero stands behind the last byte; that of a bytes object
		   is not counted (3.15). */
		uint64_t taken =
			n && !pm_has(l->f.bytearray.bytes_object) ? n + 1 : n;
		if (cap > MAX_ITEMS || n > cap)
			return PM_CORRUPT;
		*c = (struct pm_fullness){
			n, cap, cap > taken ? cap - taken : 0};
		return PM_OK;
	}
	uint64_t cap = m.nbuffers ? m.buffers[0].count * l->t.deque_items : 0;
	if (n > cap)
		return PM_CORRUPT;
	*c = (struct pm_fullness){n, cap, (cap - n) * l->t.word_size};
	return PM_OK;
}

enum pm_status pm_fullness(const struct pm_fullness_reader *f,
	const struct pm_objects *o, const struct pm_scanned *x,
	struct pm_fullness *c)
{
	switch (x->type->kind) {
	case PM_KIND_LIST:
		return list_fill(o->l, x->body, c);
	case PM_KIND_DICT:
	case PM_KIND_ODICT:
		return o->l->t.keys_form == PM_KEYS_TABLE
			       ? old_dict_fill(o->l, x->addr, x->body, c)
			       : dict_fill(f, o, x->body, c);
	case PM_KIND_SET:
		return set_fill(o->l, x->addr, x->body, c);
	default:
		return other_fill(o, x, c);
	}
}
