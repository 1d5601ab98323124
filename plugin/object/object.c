/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/object.h"

#include <string.h>

/* _Py_IMMORTAL_REFCNT of 3.12 and 3.13; since then the least is one more. */
#define LARGE (UINT64_C(0xffffffff) >> 2)

void pm_objects_init(struct pm_objects *o, const struct pm_layout *l,
	struct pm_memory *m, struct pm_types *types)
{
	o->l = l;
	o->m = m;
	o->types = types;
	pm_plain_resolver_init(&o->resolver, l, m);
}

uint64_t pm_refcnt_word(const struct pm_layout *l, const unsigned char *body,
	bool *ret_immortal)
{
	const struct pm_fields *f = &l->f;
	uint64_t word = pm_get(l, body, f->object.refcnt);
	if (l->t.refcnt_form == PM_REFCNT_BIASED) {
		uint64_t local = pm_get(l, body, f->object.ref_local);
		int64_t shared = pm_get_signed(l, body, f->object.ref_shared);
		*ret_immortal = local == UINT32_MAX;
		return local + (uint64_t)(shared >> 2);
	}
	/* The counter with what is beside it: one word in either order. */
	if (l->t.refcnt_form == PM_REFCNT_LOW32)
		word = pm_load(body + (f->object.refcnt.off & ~7u), 8,
			l->t.big_endian);
	switch (l->t.immortal_rule) {
	case PM_IMMORTAL_LOW32_NEGATIVE:
		*ret_immortal = (int32_t)(uint32_t)word < 0;
		break;
	case PM_IMMORTAL_LARGE:
		*ret_immortal = word >= LARGE;
		break;
	case PM_IMMORTAL_NONE:
	case PM_IMMORTAL_LOCAL_MAX:
		*ret_immortal = false;
		break;
	}
	return word;
}

/* Static objects have no pre-header, and may be the first or the last thing of
   a mapping. */
static void read_bytes(const struct pm_objects *o, struct pm_object *x)
{
	unsigned char *obj = x->bytes + PM_OBJECT_MAX_PRE;
	uint32_t pre = x->type->pre;
	x->avail = PM_MEASURE_HEAD;
	if (pm_memory_read(o->m, x->addr - pre, obj - pre,
		    pre + PM_MEASURE_HEAD, NULL) == PM_OK)
		return;
	struct pm_target *target = pm_memory_target(o->m);
	if (pre && pm_target_read_some(target, x->addr - pre, obj - pre, pre) <
			   pre)
		memset(obj - pre, 0, pre);
	x->avail = pm_target_read_some(target, x->addr, obj, PM_MEASURE_HEAD);
}

uint64_t pm_object_take_refcnt(const struct pm_layout *l, struct pm_object *x)
{
	uint64_t word = pm_refcnt_word(l, pm_object_body(x), &x->immortal);
	x->refcnt = l->t.refcnt_form == PM_REFCNT_LOW32
			    ? (int64_t)(uint32_t)word
			    : (int64_t)word;
	return word;
}

enum pm_status pm_object_load(const struct pm_objects *o, pm_addr addr,
	struct pm_object *ret, struct pm_error *err)
{
	const struct pm_layout *l = o->l;
	unsigned ws = l->t.word_size;
	uint64_t type_addr = 0, word = 0;
	if (!addr || addr % ws)
		return pm_fail(err, PM_CORRUPT, addr,
			"no object at 0x%llx: not a multiple of %u",
			(unsigned long long)addr, ws);
	if (pm_layout_read(l, o->m, addr, l->f.object.type, &type_addr, NULL) !=
		PM_OK)
		return pm_fail(err, PM_FAULT, addr,
			"memory at 0x%llx is not readable",
			(unsigned long long)addr);
	const struct pm_type *t = pm_types_get(o->types, type_addr);
	if (!t || !t->is_type)
		return pm_fail(err, PM_CORRUPT, addr,
			"no object at 0x%llx: the type word 0x%llx is not a "
			"type",
			(unsigned long long)addr,
			(unsigned long long)type_addr);
	ret->addr = addr;
	ret->type = t;
	memset(ret->bytes, 0, sizeof ret->bytes);
	if (t->pre > PM_OBJECT_MAX_PRE)
		return pm_fail(err, PM_CORRUPT, addr, "pre-header too large");
	read_bytes(o, ret);
	if (ret->avail < l->f.object.sizeof_.off)
		return pm_fail(err, PM_FAULT, addr + ret->avail,
			"object at 0x%llx is cut short",
			(unsigned long long)addr);
	word = pm_object_take_refcnt(l, ret);
	if (!pm_header_plausible(l, pm_object_body(ret)))
		word = UINT64_MAX;
	if (!pm_refcnt_plausible(l, word))
		return pm_fail(err, PM_CORRUPT, addr,
			(uint32_t)word == 0 ? "the %s at 0x%llx is dead: its "
					      "refcount is 0"
					    : "no %s at 0x%llx: its refcount "
					      "makes no sense",
			t->name, (unsigned long long)addr);
	return PM_OK;
}

enum pm_status pm_object_measure(const struct pm_objects *o,
	const struct pm_object *x, struct pm_measure *ret)
{
	return pm_measure(o->l, x->type, x->addr, pm_object_body(x), x->avail,
		&o->resolver.r, ret);
}

bool pm_object_is_deferred(
	const struct pm_objects *o, const struct pm_object *x)
{
	return o->l->t.refcnt_form == PM_REFCNT_BIASED && !x->immortal &&
	       pm_get(o->l, pm_object_body(x), o->l->f.object.gc_bits) & 64;
}

bool pm_gc_head_proved(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, const unsigned char *head)
{
	uint64_t next = pm_get(l, head, l->f.gc_head.next) & l->t.gc_next_mask;
	uint64_t back;
	return next &&
	       pm_layout_read(l, m, next, l->f.gc_head.prev, &back, NULL) ==
		       PM_OK &&
	       (back & ~PM_GC_PREV_FLAGS) == addr;
}

bool pm_object_is_tracked(const struct pm_objects *o, const struct pm_object *x)
{
	const struct pm_layout *l = o->l;
	if (!x->type->gc)
		return false;
	if (l->t.gc_home == PM_GC_BITS)
		return pm_gc_bits_listed(l, pm_object_body(x));
	/* Static types have no head although their type has the flag. */
	if (x->type->kind == PM_KIND_TYPE &&
		!(pm_get(l, pm_object_body(x), l->f.type.flags) &
			PM_TPFLAG_HEAPTYPE))
		return false;
	return pm_gc_head_linked(l, pm_object_body(x) - l->t.gc_head_size);
}

bool pm_object_length(const struct pm_layout *l, const struct pm_type *t,
	const void *body, int64_t *ret)
{
	switch (t->kind) {
	case PM_KIND_DEQUE:
		*ret = pm_deque_length(l, body);
		return true;
	case PM_KIND_LIST:
	case PM_KIND_TUPLE:
	case PM_KIND_ARRAY:
		*ret = pm_get_signed(l, body, l->f.var_object.size);
		return true;
	case PM_KIND_DICT:
	case PM_KIND_ODICT:
		*ret = pm_get_signed(l, body, l->f.dict.used);
		return true;
	case PM_KIND_SET:
		*ret = pm_get_signed(l, body, l->f.set.used);
		return true;
	default:
		return false;
	}
}
