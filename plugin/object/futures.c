/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/futures.h"
#include "layout/wording.h"
#include "object/text.h"

#include <string.h>

#define MAX_MRO 200

/* ---- classes ---- */

static enum pm_future_kind by_name(const struct pm_type *t)
{
	static const struct {
		const char *name;
		enum pm_future_kind kind;
	} known[] = {
		{"_asyncio.Task", PM_TASK_NATIVE},
		{"_asyncio.Future", PM_FUTURE_NATIVE},
		{"asyncio.tasks.Task", PM_TASK_PYTHON},
		{"asyncio.futures.Future", PM_FUTURE_PYTHON},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!t->has_taken_name && !strcmp(t->name, known[i].name))
			return known[i].kind;
	return PM_FUTURE_NONE;
}

enum pm_future_kind pm_future_kind(
	const struct pm_objects *o, const struct pm_type *t)
{
	const struct pm_layout *l = o->l;
	uint64_t mro = 0, n = 0;
	if (pm_layout_read(l, o->m, t->addr, l->f.type.mro, &mro, NULL) !=
			PM_OK ||
		!mro ||
		pm_layout_read(l, o->m, mro, l->f.var_object.size, &n, NULL) !=
			PM_OK)
		return by_name(t);
	enum pm_future_kind kind = PM_FUTURE_NONE;
	for (uint64_t i = 0; i < n && i < MAX_MRO; i++) {
		pm_addr at = 0;
		if (pm_memory_read_uint(o->m,
			    mro + l->f.tuple.item.off + i * l->t.word_size,
			    l->t.word_size, &at, NULL) != PM_OK)
			break;
		const struct pm_type *base = pm_types_get(o->types, at);
		enum pm_future_kind here =
			base && base->is_type ? by_name(base) : PM_FUTURE_NONE;
		if (kind == PM_TASK_PYTHON && here == PM_FUTURE_NATIVE)
			return PM_TASK_MIXED;
		if (!kind)
			kind = here;
	}
	return kind;
}

/* ---- of C code ---- */

/* The words behind fut_exception of 3.10.0 to 3.10.5, which their row does not
   know apart: fut_exception_tb is not there. */
static struct pm_field settled(const struct pm_layout *l, struct pm_field f)
{
	bool with_traceback = l->f.future.result.off >
			      l->f.future.exception.off + l->t.word_size;
	if (pm_has(f) && with_traceback && f.off > l->f.future.exception.off &&
		!pm_wording_is(l, PM_WORDING_FUTURE_EXCEPTION_TB))
		f.off -= l->t.word_size;
	return f;
}

/* Is the C class that it has, or is derived from, as large as ours? */
static bool fits(const struct pm_objects *o, const struct pm_type *t, bool task)
{
	const struct pm_layout *l = o->l;
	struct pm_field end =
		settled(l, task ? l->f.task.sizeof_ : l->f.future.sizeof_);
	for (int i = 0; t && t->is_type && i < MAX_MRO; i++) {
		if (by_name(t) == (task ? PM_TASK_NATIVE : PM_FUTURE_NATIVE))
			return t->basicsize == (int64_t)end.off;
		t = pm_types_get(o->types, t->base);
	}
	return false;
}

static bool get(const struct pm_objects *o, const struct pm_object *x,
	struct pm_field f, uint64_t *ret)
{
	*ret = 0;
	return !pm_has(f) || pm_layout_read(o->l, o->m, x->addr,
				     settled(o->l, f), ret, NULL) == PM_OK;
}

static pm_addr not_none(const struct pm_objects *o, pm_addr at)
{
	return at == o->l->at.none.addr ? 0 : at;
}

static bool load_native_future(const struct pm_objects *o,
	const struct pm_object *x, bool task, struct pm_future *v)
{
	const struct pm_fields *f = &o->l->f;
	uint64_t state = 0, is_set = 0;
	if (!pm_has(f->future.state) || !fits(o, x->type, task) ||
		!get(o, x, f->future.state, &state) ||
		state > PM_FUTURE_FINISHED ||
		!get(o, x, f->future.loop, &v->loop) ||
		!get(o, x, f->future.exception, &v->exception) ||
		!get(o, x, f->future.result, &v->result) ||
		!get(o, x, f->future.source_tb, &v->source_tb) ||
		!get(o, x, f->future.awaited_by, &v->awaited_by) ||
		!get(o, x, f->future.awaited_by_is_set, &is_set))
		return false;
	v->state = (enum pm_future_state)state;
	v->awaited_by_is_set = is_set;
	return true;
}

static bool load_native_task(const struct pm_objects *o,
	const struct pm_object *x, struct pm_future *v)
{
	const struct pm_fields *f = &o->l->f;
	return get(o, x, f->task.waiter, &v->waiter) &&
	       get(o, x, f->task.coro, &v->coro) &&
	       get(o, x, f->task.name, &v->name);
}

/* ---- of Python code ---- */

void pm_future_names_init(struct pm_future_names *n)
{
	*n = (struct pm_future_names){
		.state = {.name = "_state"},
		.loop = {.name = "_loop"},
		.exception = {.name = "_exception"},
		.result = {.name = "_result"},
		.source_tb = {.name = "_source_traceback"},
		.waiter = {.name = "_fut_waiter"},
		.coro = {.name = "_coro"},
		.name = {.name = "_name"},
		/* Name-mangled in class Future. */
		.awaited_by = {.name = "_Future__asyncio_awaited_by"},
	};
}

void pm_future_names_deinit(struct pm_future_names *n)
{
	pm_attr_query_deinit(&n->state);
	pm_attr_query_deinit(&n->loop);
	pm_attr_query_deinit(&n->exception);
	pm_attr_query_deinit(&n->result);
	pm_attr_query_deinit(&n->source_tb);
	pm_attr_query_deinit(&n->waiter);
	pm_attr_query_deinit(&n->coro);
	pm_attr_query_deinit(&n->name);
	pm_attr_query_deinit(&n->awaited_by);
}

static pm_addr attribute(const struct pm_objects *o, const struct pm_object *x,
	struct pm_attr_query *q)
{
	struct pm_attr a;
	return pm_attr_find(o, x, q, &a, NULL) ? a.value : 0;
}

/* A future that is pending says so in its class only: _state = _PENDING. */
static bool state_of(
	const struct pm_objects *o, pm_addr state, enum pm_future_state *ret)
{
	static const char *const names[] = {"PENDING", "CANCELLED", "FINISHED"};
	*ret = PM_FUTURE_PENDING;
	if (!state)
		return true;
	for (unsigned i = 0; i < 3; i++) {
		*ret = (enum pm_future_state)i;
		if (pm_text_equals(o->l, o->m, state, names[i]))
			return true;
	}
	return false;
}

static bool load_python_future(const struct pm_objects *o,
	struct pm_future_names *n, const struct pm_object *x,
	struct pm_future *v)
{
	v->loop = attribute(o, x, &n->loop);
	if (!v->loop || !state_of(o, attribute(o, x, &n->state), &v->state))
		return false;
	v->exception = attribute(o, x, &n->exception);
	v->result = attribute(o, x, &n->result);
	v->source_tb = attribute(o, x, &n->source_tb);
	v->awaited_by = attribute(o, x, &n->awaited_by);
	v->awaited_by_is_set = true;
	return true;
}

static void load_python_task(const struct pm_objects *o,
	struct pm_future_names *n, const struct pm_object *x,
	struct pm_future *v)
{
	v->waiter = attribute(o, x, &n->waiter);
	v->coro = attribute(o, x, &n->coro);
	v->name = attribute(o, x, &n->name);
}

static bool load_parts(const struct pm_objects *o, struct pm_future_names *n,
	const struct pm_object *x, enum pm_future_kind kind,
	struct pm_future *v)
{
	switch (kind) {
	case PM_FUTURE_NATIVE:
		return load_native_future(o, x, false, v);
	case PM_FUTURE_PYTHON:
		return load_python_future(o, n, x, v);
	case PM_TASK_NATIVE:
		return load_native_future(o, x, true, v) &&
		       load_native_task(o, x, v);
	case PM_TASK_PYTHON:
		load_python_task(o, n, x, v);
		return load_python_future(o, n, x, v);
	case PM_TASK_MIXED:
		load_python_task(o, n, x, v);
		return load_native_future(o, x, false, v);
	case PM_FUTURE_NONE:
		break;
	}
	return false;
}

bool pm_future_load(const struct pm_objects *o, struct pm_future_names *n,
	const struct pm_object *x, enum pm_future_kind kind,
	struct pm_future *ret)
{
	struct pm_future v = {.state = PM_FUTURE_PENDING};
	if (!load_parts(o, n, x, kind, &v))
		return false;
	v.loop = not_none(o, v.loop);
	v.exception = not_none(o, v.exception);
	v.source_tb = not_none(o, v.source_tb);
	v.waiter = not_none(o, v.waiter);
	v.coro = not_none(o, v.coro);
	v.name = not_none(o, v.name);
	v.awaited_by = not_none(o, v.awaited_by);
	*ret = v;
	return true;
}
