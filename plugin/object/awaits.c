/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/awaits.h"
#include "layout/wording.h"

#include <string.h>

/* Lib/opcode.py, the same in 3.3 to 3.10. */
#define YIELD_FROM 72
/* Of RESUME's argument: behind "yield from", and behind "await"; higher bits
   are flags (Include/internal/pycore_opcode_utils.h). */
#define RESUME_PLACE 3
#define RESUME_BEHIND_YIELD_FROM 2

enum pm_awaiter pm_awaiter_kind(const struct pm_type *t)
{
	static const struct {
		const char *name;
		enum pm_awaiter kind;
	} known[] = {
		{"coroutine", PM_AWAITER_COROUTINE},
		{"generator", PM_AWAITER_GENERATOR},
		{"async_generator", PM_AWAITER_ASYNC_GENERATOR},
		/* Each begins with a reference to what it stands for. */
		{"coroutine_wrapper", PM_AWAITER_GO_BETWEEN},
		{"async_generator_asend", PM_AWAITER_GO_BETWEEN},
		{"async_generator_athrow", PM_AWAITER_GO_BETWEEN},
		{"anext_awaitable", PM_AWAITER_GO_BETWEEN},
		{"_asyncio.FutureIter", PM_AWAITER_GO_BETWEEN},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!t->has_taken_name &&
			!strcmp(pm_type_bare(t), known[i].name))
			return known[i].kind;
	return PM_AWAITER_NONE;
}

bool pm_awaiter_frame(const struct pm_objects *o, const struct pm_object *x,
	struct pm_stack_frame *ret)
{
	const struct pm_fields *f = &o->l->f;
	struct pm_stack_frame v = {.generator = true};
	struct pm_code_place p;
	if (x->type->kind != PM_KIND_GEN || !pm_code_place(o, x, &p) ||
		!pm_gen_owns_frame(p.state))
		return false;
	if (pm_has(f->gen.iframe))
		v.iframe = x->addr + f->gen.iframe.off;
	else
		v.object = pm_get(o->l, pm_object_body(x), f->gen.frame);
	v.code = p.code;
	if (!v.iframe && !v.object)
		return false;
	*ret = v;
	return true;
}

/* Until 3.10: what comes behind the last instruction, in co_code. */
static bool yields_from_next(
	const struct pm_objects *o, const struct pm_stack_frame *f)
{
	const struct pm_layout *l = o->l;
	uint64_t lasti = 0, code = 0, opcode = 0, n = 0;
	if (pm_layout_read(l, o->m, f->object, l->f.frame.lasti, &lasti,
		    NULL) != PM_OK ||
		pm_layout_read(l, o->m, f->code, l->f.code.code, &code, NULL) !=
			PM_OK ||
		pm_layout_read(l, o->m, code, l->f.var_object.size, &n, NULL) !=
			PM_OK)
		return false;
	int64_t at = (int32_t)lasti;
	if (at < 0)
		return false;
	if (pm_wording_is(l, PM_WORDING_LINES_BY_RANGE))
		at *= 2; /* it counts instructions */
	at += 2;
	return (uint64_t)at < n &&
	       pm_memory_read_uint(o->m,
		       code + l->f.bytes.data.off + (uint64_t)at, 1, &opcode,
		       NULL) == PM_OK &&
	       opcode == YIELD_FROM;
}

/* A generator that has begun stands before RESUME: its argument says where. */
static bool resumes_behind_yield_from(
	const struct pm_objects *o, const struct pm_stack_frame *f)
{
	const struct pm_layout *l = o->l;
	uint64_t instr = 0, arg = 0;
	/* prev_instr: the last one; two bytes each, the argument second. */
	return pm_layout_read(l, o->m, f->iframe, l->f.iframe.instr, &instr,
		       NULL) == PM_OK &&
	       pm_memory_read_uint(o->m, instr + 3, 1, &arg, NULL) == PM_OK &&
	       (arg & RESUME_PLACE) >= RESUME_BEHIND_YIELD_FROM;
}

/* FRAME_SUSPENDED_YIELD_FROM, and since 3.15 the same with a lock. */
static bool state_says_so(const struct pm_objects *o, const struct pm_object *x)
{
	int64_t v =
		pm_get_signed(o->l, pm_object_body(x), o->l->f.gen.frame_state);
	switch (o->l->t.gen_states) {
	case PM_GEN_STATES_311:
		return v == -1;
	case PM_GEN_STATES_315:
		return v == 2 || v == 3;
	case PM_GEN_STATES_BY_FRAME:
		/* What the numbers mean is not known, but a coroutine is
		   suspended nowhere else. */
		return pm_awaiter_kind(x->type) == PM_AWAITER_COROUTINE;
	case PM_GEN_STATES_OBJECT:
		break;
	}
	return false;
}

static bool delegates(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_stack_frame *f)
{
	switch (o->l->t.yield_from) {
	case PM_YIELD_FROM_OPCODE:
		return yields_from_next(o, f);
	case PM_YIELD_FROM_RESUME:
		return resumes_behind_yield_from(o, f);
	case PM_YIELD_FROM_STATE:
	case PM_YIELD_FROM_BENEATH:
		return state_says_so(o, x);
	}
	return false;
}

static pm_addr delegate(const struct pm_objects *o, const struct pm_object *x)
{
	const struct pm_layout *l = o->l;
	struct pm_stack_frame f;
	struct pm_frame_slots s;
	struct pm_code_place p;
	uint64_t depth = l->t.yield_from == PM_YIELD_FROM_BENEATH ? 2 : 1;
	uint64_t v = 0;
	if (!pm_code_place(o, x, &p) || p.state == PM_RUN_CREATED ||
		!pm_awaiter_frame(o, x, &f) || !delegates(o, x, &f) ||
		pm_frame_slots_load(o, f.iframe, f.object, &s) != PM_OK ||
		!s.depth_known || s.depth < depth ||
		pm_memory_read_uint(o->m,
			s.at + (s.nlocals + s.depth - depth) * l->t.word_size,
			l->t.word_size, &v, NULL) != PM_OK)
		return 0;
	if (l->t.frame_refs == PM_REF_TAGGED)
		v = (v & 3) == 3 ? 0 : v & ~UINT64_C(3);
	return v;
}

pm_addr pm_awaits(const struct pm_objects *o, const struct pm_object *x)
{
	uint64_t v = 0;
	switch (pm_awaiter_kind(x->type)) {
	case PM_AWAITER_COROUTINE:
	case PM_AWAITER_GENERATOR:
	case PM_AWAITER_ASYNC_GENERATOR:
		return delegate(o, x);
	case PM_AWAITER_GO_BETWEEN:
		if (pm_memory_read_uint(o->m,
			    x->addr + o->l->f.object.sizeof_.off,
			    o->l->t.word_size, &v, NULL) != PM_OK)
			return 0;
		return v;
	case PM_AWAITER_NONE:
		break;
	}
	return 0;
}
