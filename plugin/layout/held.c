/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout/held.h"

#include <string.h>

#define FIELDS(s) (sizeof((struct pm_fields *)0)->s / sizeof(struct pm_field))
#define FIRST(s) (offsetof(struct pm_fields, s) / sizeof(struct pm_field))

/* The fields that a struct is known by, sizeof_ first: [from, to). */
struct known {
	size_t from, to;
};

static unsigned known_of(enum pm_holder_struct s, struct known ret[static 2])
{
	switch (s) {
	case PM_HOLDER_INTERP:
		ret[0] = (struct known){
			FIRST(interp) + 1, FIRST(interp) + FIELDS(interp)};
		return 1;
	case PM_HOLDER_THREAD:
		ret[0] = (struct known){
			FIRST(thread) + 1, FIRST(thread) + FIELDS(thread)};
		ret[1] = (struct known){FIRST(thread_impl) + 1,
			FIRST(thread_impl) + FIELDS(thread_impl)};
		return 2;
	case PM_HOLDER_RUNTIME:
		ret[0] = (struct known){
			FIRST(runtime) + 1, FIRST(runtime) + FIELDS(runtime)};
		return 1;
	}
	return 0;
}

/* How far the nearest known fields before and behind off have moved from where
   the row has them; false: not by the same. */
static bool moved(const struct pm_layout *l, enum pm_holder_struct s,
	uint32_t off, int64_t *ret)
{
	const struct pm_field *row = (const struct pm_field *)&l->row->fields;
	const struct pm_field *here = (const struct pm_field *)&l->f;
	struct known k[2];
	uint32_t before = 0, after = UINT32_MAX;
	int64_t by_before = 0, by_after = 0;
	bool has_before = false, has_after = false;
	for (unsigned n = known_of(s, k); n--;)
		for (size_t i = k[n].from; i < k[n].to; i++) {
			if (!pm_has(row[i]) || !pm_has(here[i]))
				continue;
			uint32_t at = row[i].off;
			int64_t by = (int64_t)here[i].off - at;
			if (at <= off && (!has_before || at >= before)) {
				before = at;
				by_before = by;
				has_before = true;
			} else if (at > off && (!has_after || at <= after)) {
				after = at;
				by_after = by;
				has_after = true;
			}
		}
	*ret = has_before ? by_before : by_after;
	return !has_before || !has_after || by_before == by_after;
}

static const struct pm_held *list_of(
	const struct pm_layout *l, enum pm_holder_struct s)
{
	if (l->kin)
		return NULL;
	switch (s) {
	case PM_HOLDER_INTERP:
		return l->row->interp_held;
	case PM_HOLDER_THREAD:
		return l->row->thread_held;
	case PM_HOLDER_RUNTIME:
		return l->row->runtime_held;
	}
	return NULL;
}

bool pm_layout_held(const struct pm_layout *l, enum pm_holder_struct s,
	size_t i, struct pm_held *ret, bool *ret_sure)
{
	const struct pm_held *list = list_of(l, s);
	int64_t by;
	if (!list || !list[i].name)
		return false;
	*ret = list[i];
	*ret_sure = moved(l, s, ret->off, &by) && (int64_t)ret->off + by >= 0 &&
		    (int64_t)ret->off + by < INT32_MAX;
	if (*ret_sure)
		ret->off = (uint32_t)((int64_t)ret->off + by);
	return true;
}

/* What the dicts of object and of builtins hold for as long as the interpreter
   lives: object___reduce_ex__ in Objects/typeobject.c (3.14:
   _PyObject_InitState in Objects/object.c), init_interp_main's part in
   Python/pylifecycle.c; the module atexit, _Py_PyAtExit there (3.7 to 3.9). */
bool pm_layout_held_is_borrowed(const struct pm_held *held)
{
	return !strcmp(held->name, "cached_objects.objreduce") ||
	       !strcmp(held->name, "common_consts") ||
	       !strcmp(held->name, "pyexitmodule");
}

bool pm_layout_held_is_whole(const struct pm_layout *l, enum pm_holder_struct s)
{
	struct pm_held held;
	bool sure;
	if (!list_of(l, s))
		return s == PM_HOLDER_RUNTIME && !l->kin;
	for (size_t i = 0; pm_layout_held(l, s, i, &held, &sure); i++)
		if (!sure)
			return false;
	return true;
}

uint64_t pm_layout_holder_size(
	const struct pm_layout *l, enum pm_holder_struct s)
{
	switch (s) {
	case PM_HOLDER_INTERP:
		return l->f.interp.sizeof_.off;
	case PM_HOLDER_THREAD:
		return pm_has(l->f.thread_impl.sizeof_)
			       ? l->f.thread_impl.sizeof_.off
			       : l->f.thread.sizeof_.off;
	case PM_HOLDER_RUNTIME:
		return l->f.runtime.sizeof_.off;
	}
	return 0;
}
