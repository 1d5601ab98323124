/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/locals.h"
#include "object/dict.h"

#include <string.h>

/* Include/cpython/code.h, pycore_code.h */
#define CO_OPTIMIZED 1
#define FAST_HIDDEN 0x10
#define FAST_CELL 0x40
#define FAST_FREE 0x80

struct names {
	const struct pm_layout *l;
	struct pm_memory *m;
	pm_addr code;
	uint64_t nlocals, ncells; /* until 3.10: three tuples, one by one */
};

static uint64_t length(const struct names *n, pm_addr at)
{
	uint64_t v = 0;
	return at && pm_layout_read(n->l, n->m, at, n->l->f.var_object.size, &v,
			     NULL) == PM_OK
		       ? v
		       : 0;
}

static enum pm_status item(
	const struct names *n, struct pm_field tuple, uint64_t i, pm_addr *ret)
{
	const struct pm_layout *l = n->l;
	uint64_t at = 0;
	PM_TRY(pm_layout_read(l, n->m, n->code, tuple, &at, NULL));
	if (i >= length(n, at))
		return PM_CORRUPT;
	return pm_memory_read_uint(n->m,
		at + l->f.tuple.item.off + i * l->t.word_size, l->t.word_size,
		ret, NULL);
}

/* What the i-th slot is called, and how its value is to be taken. */
static enum pm_status name_of(
	const struct names *n, uint64_t i, pm_addr *ret, uint64_t *ret_kind)
{
	const struct pm_fields *f = &n->l->f;
	uint64_t kinds = 0;
	if (pm_has(f->code.localsplusnames)) {
		PM_TRY(item(n, f->code.localsplusnames, i, ret));
		PM_TRY(pm_layout_read(n->l, n->m, n->code,
			f->code.localspluskinds, &kinds, NULL));
		if (i >= length(n, kinds))
			return PM_CORRUPT;
		return pm_memory_read_uint(
			n->m, kinds + f->bytes.data.off + i, 1, ret_kind, NULL);
	}
	*ret_kind = i < n->nlocals ? 0 : FAST_FREE;
	if (i < n->nlocals)
		return item(n, f->code.varnames, i, ret);
	i -= n->nlocals;
	if (i < n->ncells)
		return item(n, f->code.cellvars, i, ret);
	return item(n, f->code.freevars, i - n->ncells, ret);
}

static bool is_cell(const struct pm_objects *o, pm_addr addr)
{
	struct pm_object x;
	return pm_object_load(o, addr, &x, NULL) == PM_OK &&
	       x.type->basicsize == (int64_t)o->l->f.cell.sizeof_.off &&
	       !strcmp(x.type->name, "builtins.cell");
}

static enum pm_status variables(const struct pm_objects *o,
	const struct pm_stack_frame *f, pm_local_fn *fn, void *arg)
{
	const struct pm_layout *l = o->l;
	struct names n = {.l = l, .m = o->m, .code = f->code};
	struct pm_frame_slots s;
	enum pm_status worst = PM_OK;
	uint64_t cells = 0;
	PM_TRY(pm_frame_slots_load(o, f->iframe, f->object, &s));
	if (!pm_has(l->f.code.localsplusnames)) {
		PM_TRY(pm_layout_read(
			l, o->m, f->code, l->f.code.nlocals, &n.nlocals, NULL));
		PM_TRY(pm_layout_read(
			l, o->m, f->code, l->f.code.cellvars, &cells, NULL));
		n.ncells = length(&n, cells);
	}
	for (uint64_t i = 0; i < s.nlocals; i++) {
		uint64_t value = 0, kind = 0;
		pm_addr name = 0;
		enum pm_status st =
			pm_memory_read_uint(o->m, s.at + i * l->t.word_size,
				l->t.word_size, &value, NULL);
		/* Low bits 3: a tagged integer, no object (3.14). */
		if (st == PM_OK && l->t.frame_refs == PM_REF_TAGGED)
			value = (value & 3) == 3 ? 0 : value & ~UINT64_C(3);
		if (st == PM_OK)
			st = name_of(&n, i, &name, &kind);
		if (st == PM_OK && value && kind & (FAST_CELL | FAST_FREE) &&
			(kind & FAST_FREE || is_cell(o, value)))
			st = pm_layout_read(
				l, o->m, value, l->f.cell.ref, &value, NULL);
		if (st != PM_OK)
			worst = st;
		else if (value && !(kind & FAST_HIDDEN) &&
			 !fn(arg, name, value))
			return worst;
	}
	return worst;
}

static enum pm_status each_of_namespace(const struct pm_objects *o,
	const struct pm_stack_frame *f, pm_local_fn *fn, void *arg)
{
	const struct pm_layout *l = o->l;
	uint64_t dict = 0;
	struct pm_object x;
	struct pm_dict_iter it;
	pm_addr key, value;
	PM_TRY(f->iframe ? pm_layout_read(l, o->m, f->iframe,
				   l->f.iframe.locals, &dict, NULL)
			 : pm_layout_read(l, o->m, f->object, l->f.frame.locals,
				   &dict, NULL));
	if (!dict)
		return PM_OK;
	PM_TRY(pm_object_load(o, dict, &x, NULL));
	/* A class may be made in a mapping of its metaclass's own. */
	if (x.type->kind != PM_KIND_DICT && x.type->kind != PM_KIND_ODICT)
		return PM_ABSENT;
	PM_TRY(pm_dict_iter_of(l, o->m, dict, pm_object_body(&x), &it, NULL));
	while (pm_dict_iter_next(&it, &key, &value))
		if (!fn(arg, key, value))
			return PM_OK;
	return it.status;
}

bool pm_locals_are_namespace(
	const struct pm_objects *o, const struct pm_stack_frame *f)
{
	uint64_t flags = CO_OPTIMIZED;
	return pm_layout_read(o->l, o->m, f->code, o->l->f.code.flags, &flags,
		       NULL) == PM_OK &&
	       !(flags & CO_OPTIMIZED);
}

enum pm_status pm_locals_each(const struct pm_objects *o,
	const struct pm_stack_frame *f, pm_local_fn *fn, void *arg)
{
	return pm_locals_are_namespace(o, f) ? each_of_namespace(o, f, fn, arg)
					     : variables(o, f, fn, arg);
}
