/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/attributes.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

const char *pm_attr_place_text(enum pm_attr_place p)
{
	switch (p) {
	case PM_ATTR_SLOT:
		return "slot";
	case PM_ATTR_INLINE:
		return "inline";
	case PM_ATTR_VALUES:
		return "values";
	case PM_ATTR_SPLIT:
		return "split dict";
	case PM_ATTR_DICT:
		break;
	}
	return "dict";
}

/* _PyObject_ComputedDictPointer, Objects/object.c. */
pm_addr pm_attr_dict_at(const struct pm_objects *o, const struct pm_object *x)
{
	const struct pm_layout *l = o->l;
	const struct pm_type *t = x->type;
	const void *body = pm_object_body(x);
	int64_t ws = l->t.word_size;
	if (t->dictoffset >= 0)
		return t->dictoffset ? x->addr + (uint64_t)t->dictoffset : 0;
	/* Instances of subclasses of int, tuple, ...: behind their items. */
	int64_t n = pm_get_signed(l, body, l->f.var_object.size);
	if (t->kind == PM_KIND_INT && l->t.int_form == PM_INT_TAG)
		n = (int64_t)(pm_get(l, body, l->f.long_.tag) >> 3);
	if (n < 0)
		n = -n;
	if (t->itemsize <= 0 || n < 0 || n > INT64_C(1) << (ws == 8 ? 40 : 28))
		return 0;
	int64_t size = (int64_t)pm_type_var_size(l, t, (uint64_t)n);
	if (size + t->dictoffset < l->f.object.sizeof_.off)
		return 0;
	return x->addr + (uint64_t)(size + t->dictoffset);
}

/* The values of an instance that keeps them without a dict. */
static enum pm_status managed_home(const struct pm_objects *o,
	const struct pm_object *x, struct pm_attr_home *h)
{
	const struct pm_layout *l = o->l;
	const struct pm_type *t = x->type;
	unsigned ws = l->t.word_size;
	bool be = l->t.big_endian;
	unsigned back = l->t.managed_dict == PM_MANAGED_FT ? ws : 3 * ws;
	const unsigned char *obj = pm_object_body(x);
	uint64_t valid = 0, word = pm_load(obj - back, ws, be);
	h->dict_at = x->addr - back;
	switch (l->t.managed_dict) {
	case PM_MANAGED_NONE:
		break;
	case PM_MANAGED_PAIR:
		h->dict = word;
		h->values = pm_load(obj - 4 * ws, ws, be);
		break;
	case PM_MANAGED_TAGGED:
		if (word & 1)
			h->values = word + 1;
		else
			h->dict = word;
		break;
	case PM_MANAGED_POINTER:
	case PM_MANAGED_FT:
		h->dict = word;
		if (!t->inline_values)
			break;
		pm_addr at = x->addr + (uint64_t)t->basicsize;
		PM_TRY(pm_memory_read_uint(o->m,
			at + l->f.dict_values.valid.off, 1, &valid, NULL));
		if (valid) {
			h->values = at;
			h->embedded = true;
		}
		break;
	}
	if (h->dict || !t->cached_keys)
		h->values = 0;
	else if (h->values)
		h->keys = t->cached_keys;
	return PM_OK;
}

static enum pm_status dict_home(const struct pm_objects *o,
	const struct pm_object *x, struct pm_attr_home *h)
{
	const struct pm_layout *l = o->l;
	struct pm_object d;
	PM_TRY(pm_object_load(o, h->dict, &d, NULL));
	if (d.type->kind != PM_KIND_DICT && d.type->kind != PM_KIND_ODICT)
		return PM_CORRUPT;
	const void *body = pm_object_body(&d);
	h->keys = pm_dict_keys(l, d.addr, body);
	h->values = pm_get(l, body, l->f.dict.values);
	h->embedded = x->type->inline_values &&
		      h->values == x->addr + (uint64_t)x->type->basicsize;
	h->own_dict = h->keys != x->type->cached_keys;
	return PM_OK;
}

enum pm_status pm_attr_home(const struct pm_objects *o,
	const struct pm_object *x, struct pm_attr_home *ret)
{
	struct pm_attr_home h = {0};
	if (x->type->kind == PM_KIND_TYPE) {
		/* Of a class of the core every interpreter has its own. */
		const struct pm_type *t = pm_types_get(o->types, x->addr);
		if (!t || !t->is_type)
			return PM_CORRUPT;
		h.dict_at = x->addr + o->l->f.type.dict.off;
		h.dict = t->dict;
	} else if (x->type->managed_dict) {
		PM_TRY(managed_home(o, x, &h));
	} else {
		h.dict_at = pm_attr_dict_at(o, x);
		if (h.dict_at)
			PM_TRY(pm_memory_read_uint(o->m, h.dict_at,
				o->l->t.word_size, &h.dict, NULL));
	}
	if (h.dict)
		PM_TRY(dict_home(o, x, &h));
	*ret = h;
	return PM_OK;
}

void pm_attrs_start(const struct pm_objects *o, const struct pm_object *x,
	struct pm_attrs *ret)
{
	memset(ret, 0, sizeof *ret);
	ret->o = o;
	ret->x = x;
	ret->status = pm_attr_home(o, x, &ret->home);
	if (ret->status != PM_OK || !ret->home.keys)
		return;
	ret->status = pm_dict_iter_init(
		o->l, o->m, ret->home.keys, ret->home.values, &ret->dict, NULL);
	ret->in_dict = ret->status == PM_OK;
	ret->place = ret->home.embedded ? PM_ATTR_INLINE
		     : !ret->home.dict	? PM_ATTR_VALUES
		     : ret->home.values ? PM_ATTR_SPLIT
					: PM_ATTR_DICT;
}

/* Takes the i-th slot of the type; false: it is none that has a name of its
   own, or it can't be read. */
static bool take_slot(const struct pm_objects *o, const struct pm_object *x,
	uint32_t i, struct pm_attr *ret, enum pm_status *status)
{
	const struct pm_type_slot *s = &x->type->slots[i];
	unsigned ws = o->l->t.word_size;
	uint64_t v = 0, off = pm_object_slot_off(o->l, x, s);
	if (s->kind != PM_SLOT_MEMBER)
		return false;
	if (off + ws <= x->avail)
		v = pm_load(pm_object_body(x) + off, ws, o->l->t.big_endian);
	else if (pm_memory_read_uint(o->m, x->addr + off, ws, &v, NULL) !=
		 PM_OK) {
		*status = PM_FAULT;
		return false;
	}
	*ret = (struct pm_attr){
		.place = PM_ATTR_SLOT,
		.slot = s->name,
		.value = v,
		.at = x->addr + off,
		.off = off,
	};
	return true;
}

bool pm_attrs_next(struct pm_attrs *a, struct pm_attr *ret)
{
	pm_addr key, value;
	while (a->slot < a->x->type->nslots)
		if (take_slot(a->o, a->x, a->slot++, ret, &a->status))
			return true;
	if (!a->in_dict)
		return false;
	if (!pm_dict_iter_next(&a->dict, &key, &value)) {
		if (a->dict.status != PM_OK)
			a->status = a->dict.status;
		a->in_dict = false;
		return false;
	}
	*ret = (struct pm_attr){
		.place = a->place,
		.name = key,
		.value = value,
		.at = a->dict.at,
		.off = a->place == PM_ATTR_INLINE ? a->dict.at - a->x->addr : 0,
	};
	return true;
}

void pm_attr_name(const struct pm_objects *o, const struct pm_attr *a,
	struct pm_strbuf *out)
{
	struct pm_object k;
	if (a->slot) {
		pm_strbuf_puts(out, a->slot);
		return;
	}
	if (pm_object_load(o, a->name, &k, NULL) != PM_OK)
		pm_strbuf_printf(out, "<unreadable 0x%" PRIx64 ">", a->name);
	else if (!pm_type_is_name(o->l, k.type) ||
		 pm_text_append(o->l, o->m, a->name, 200, 0, out, NULL) !=
			 PM_OK)
		pm_strbuf_printf(
			out, "<%s at 0x%" PRIx64 ">", k.type->name, a->name);
}

/* Is the str at addr the name?  Each str is read once. */
static bool names(
	const struct pm_objects *o, struct pm_attr_query *q, pm_addr addr)
{
	struct pm_map_slot *known =
		addr ? pm_map_put(&q->known, addr, NULL) : NULL;
	if (known && known->value) /* 0: a read threw last time */
		return known->value == 2;
	pm_auto_strbuf text = {0};
	bool is = addr &&
		  pm_text_append(o->l, o->m, addr, strlen(q->name) + 1, 0,
			  &text, NULL) == PM_OK &&
		  !strcmp(pm_strbuf_text(&text), q->name);
	if (known)
		known->value = is ? 2 : 1;
	return is;
}

bool pm_attr_find(const struct pm_objects *o, const struct pm_object *x,
	struct pm_attr_query *q, struct pm_attr *ret,
	enum pm_status *ret_status)
{
	enum pm_status status = PM_OK;
	struct pm_attrs a;
	struct pm_attr v;
	/* A class that repeats a slot of its base has it further behind. */
	for (uint32_t i = x->type->nslots; i-- > 0;) {
		if (x->type->slots[i].kind != PM_SLOT_MEMBER ||
			strcmp(x->type->slots[i].name, q->name) != 0)
			continue;
		bool found = take_slot(o, x, i, &v, &status) && v.value;
		if (ret_status)
			*ret_status = status;
		if (found)
			*ret = v;
		return found;
	}
	pm_attrs_start(o, x, &a);
	a.slot = x->type->nslots;
	while (pm_attrs_next(&a, &v))
		if (names(o, q, v.name)) {
			if (ret_status)
				*ret_status = PM_OK;
			*ret = v;
			return true;
		}
	if (ret_status)
		*ret_status = a.status;
	return false;
}
