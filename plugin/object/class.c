/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/class.h"
#include "object/dict.h"
#include "object/static-types.h"
#include "object/text.h"

#include <string.h>

#define MAX_MRO 1000
#define MAX_SUBCLASSES 1000000

const char *pm_class_flag(
	const struct pm_layout *l, uint64_t flags, unsigned *pos)
{
	static const struct {
		unsigned bit;
		bool managed; /* only where attributes are managed */
		const char *text;
	} words[] = {
		{1, true, "static builtin"},
		{2, true, "inline values"},
		{3, true, "managed weak references"},
		{4, true, "managed dict"},
		{5, true, "sequence"},
		{6, true, "mapping"},
		{7, true, "no instances from Python"},
		{8, true, "immutable"},
		{9, false, "heap type"},
		{10, false, "may be a base"},
		{11, false, "vectorcall"},
		{12, false, "ready"},
		{14, false, "garbage collected"},
		{17, false, "method descriptor"},
		{20, false, "abstract"},
		{23, true, "items at the end"},
		{24, false, "int subclass"},
		{25, false, "list subclass"},
		{26, false, "tuple subclass"},
		{27, false, "bytes subclass"},
		{28, false, "str subclass"},
		{29, false, "dict subclass"},
		{30, false, "exception"},
		{31, false, "type subclass"},
	};
	bool managed = l->t.managed_dict != PM_MANAGED_NONE;
	while (*pos < sizeof words / sizeof *words) {
		unsigned i = (*pos)++;
		if (flags >> words[i].bit & 1 && (managed || !words[i].managed))
			return words[i].text;
	}
	return NULL;
}

pm_addr pm_class_mro(
	const struct pm_objects *o, const struct pm_type *t, uint64_t i)
{
	const struct pm_layout *l = o->l;
	uint64_t mro = 0, n = 0, v = 0;
	if (i >= MAX_MRO ||
		pm_layout_read(l, o->m, t->addr, l->f.type.mro, &mro, NULL) !=
			PM_OK ||
		pm_layout_read(l, o->m, mro, l->f.var_object.size, &n, NULL) !=
			PM_OK ||
		i >= n ||
		pm_memory_read_uint(o->m,
			mro + l->f.tuple.item.off + i * l->t.word_size,
			l->t.word_size, &v, NULL) != PM_OK)
		return 0;
	return v;
}

static const struct pm_type *base_of(
	const struct pm_objects *o, const struct pm_type *t)
{
	const struct pm_type *b = t->base && t->base != t->addr
					  ? pm_types_get(o->types, t->base)
					  : NULL;
	return b && b->is_type ? b : NULL;
}

void pm_class_module(const struct pm_objects *o, const struct pm_type *t,
	struct pm_strbuf *out)
{
	size_t start = out->len;
	pm_addr module = t->heap && t->dict
				 ? pm_dict_find(o->l, o->m, t->dict,
					   "__module__")
				 : 0;
	if (module &&
		pm_text_append(o->l, o->m, module, 500, 0, out, NULL) ==
			PM_OK) {
		const char *name = pm_strbuf_text(out) + start;
		size_t n = out->len - start;
		if (!strncmp(t->name, name, n) && t->name[n] == '.')
			return;
	}
	const char *dot = strrchr(t->name, '.');
	pm_strbuf_truncate(out, start);
	pm_strbuf_append(out, t->name, dot ? (size_t)(dot - t->name) : 0);
}

const struct pm_type *pm_class_of_offset(
	const struct pm_objects *o, const struct pm_type *t, int64_t off)
{
	for (int i = 0; i < MAX_MRO; i++) {
		const struct pm_type *b = base_of(o, t);
		if (!b || off >= b->basicsize)
			break;
		t = b;
	}
	return t;
}

static bool gives(const struct pm_type *t, enum pm_class_gift gift)
{
	switch (gift) {
	case PM_GIFT_DICT:
		return t->managed_dict || t->dictoffset;
	case PM_GIFT_WEAKREF:
		return t->managed_weakref || t->weaklistoffset;
	case PM_GIFT_GC:
		break;
	}
	return t->gc;
}

const struct pm_type *pm_class_giver(const struct pm_objects *o,
	const struct pm_type *t, enum pm_class_gift gift)
{
	if (!gives(t, gift))
		return NULL;
	for (int i = 0; i < MAX_MRO; i++) {
		const struct pm_type *b = base_of(o, t);
		if (!b || !gives(b, gift))
			break;
		t = b;
	}
	return t;
}

/* What tp_subclasses points to: a dict of weak references, 0: none. */
static enum pm_status subclasses_dict(
	const struct pm_objects *o, const struct pm_type *t, pm_addr *ret)
{
	const struct pm_layout *l = o->l;
	uint64_t word = 0, state = 0;
	PM_TRY(pm_layout_read(
		l, o->m, t->addr, l->f.type.subclasses, &word, NULL));
	if (pm_static_type_is_managed(l, t->flags)) {
		PM_TRY(pm_static_type_state(l, o->m, l->at.interp_head.addr,
			t->addr, word, &state, NULL));
		PM_TRY(pm_layout_read(l, o->m, state,
			l->f.static_type_state.subclasses, &word, NULL));
	}
	*ret = word;
	return PM_OK;
}

static enum pm_status one_subclass(
	const struct pm_objects *o, pm_addr ref, pm_subclass_fn *fn, void *arg)
{
	const struct pm_layout *l = o->l;
	uint64_t sub = 0;
	PM_TRY(pm_layout_read(l, o->m, ref, l->f.weakref.object, &sub, NULL));
	if (sub && sub != l->at.none.addr)
		fn(arg, sub);
	return PM_OK;
}

/* A list of weak references (2.7). */
static enum pm_status subclasses_of_list(
	const struct pm_objects *o, pm_addr list, pm_subclass_fn *fn, void *arg)
{
	const struct pm_layout *l = o->l;
	unsigned ws = l->t.word_size;
	uint64_t n = 0, items = 0, ref = 0;
	PM_TRY(pm_layout_read(l, o->m, list, l->f.var_object.size, &n, NULL));
	PM_TRY(pm_layout_read(l, o->m, list, l->f.list.item, &items, NULL));
	for (uint64_t i = 0; i < n && i < MAX_SUBCLASSES; i++) {
		PM_TRY(pm_memory_read_uint(
			o->m, items + i * ws, ws, &ref, NULL));
		PM_TRY(one_subclass(o, ref, fn, arg));
	}
	return PM_OK;
}

enum pm_status pm_class_subclasses(const struct pm_objects *o,
	const struct pm_type *t, pm_subclass_fn *fn, void *arg)
{
	const struct pm_layout *l = o->l;
	pm_addr dict = 0, key, ref;
	uint64_t keys = 0, values = 0;
	struct pm_dict_iter it;
	PM_TRY(subclasses_dict(o, t, &dict));
	if (!dict)
		return PM_OK;
	if (l->t.keys_form == PM_KEYS_TABLE)
		return subclasses_of_list(o, dict, fn, arg);
	PM_TRY(pm_layout_read(l, o->m, dict, l->f.dict.keys, &keys, NULL));
	PM_TRY(pm_layout_read(l, o->m, dict, l->f.dict.values, &values, NULL));
	PM_TRY(pm_dict_iter_init(l, o->m, keys, values, &it, NULL));
	for (int i = 0;
		i < MAX_SUBCLASSES && pm_dict_iter_next(&it, &key, &ref); i++)
		PM_TRY(one_subclass(o, ref, fn, arg));
	return it.status;
}
