/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/thread-names.h"

#include "object/attributes.h"
#include "object/repr.h"

#include <string.h>

/* No program has more threads. */
#define MAX_THREADS 1000000

void pm_thread_objects_deinit(struct pm_thread_objects *t)
{
	pm_vec_deinit(&t->list);
}

const struct pm_thread_object *pm_thread_object_of(
	const struct pm_thread_objects *t, pm_addr interp, uint64_t ident)
{
	pm_vec_each (x, &t->list)
		if (x->interp == interp && x->ident == ident)
			return x;
	return NULL;
}

/* The ints of all releases, by what Python would print. */
static uint64_t number_of(const struct pm_objects *o, pm_addr addr)
{
	pm_auto_strbuf b = {0};
	pm_repr(o, addr, 40, &b);
	return strtoull(pm_strbuf_text(&b), NULL, 10);
}

/* Its attributes are private in 2.7: _Thread__name. */
static void read_thread(const struct pm_objects *o, struct pm_thread_object *t)
{
	struct pm_object x;
	struct pm_attrs a;
	struct pm_attr v;
	if (pm_object_load(o, t->object, &x, NULL) != PM_OK)
		return;
	pm_attrs_start(o, &x, &a);
	while (pm_attrs_next(&a, &v)) {
		pm_auto_strbuf name = {0}, value = {0};
		pm_attr_name(o, &v, &name);
		const char *s = pm_strbuf_text(&name);
		if (!strcmp(s, "_name") || !strcmp(s, "_Thread__name"))
			t->name = v.value;
		if (strcmp(s, "_daemonic") && strcmp(s, "_Thread__daemonic"))
			continue;
		pm_repr(o, v.value, 8, &value);
		t->daemon = !strcmp(pm_strbuf_text(&value), "True");
	}
}

static pm_addr active_threads(const struct pm_objects *o, pm_addr interp)
{
	const struct pm_layout *l = o->l;
	uint64_t modules = 0, dict = 0;
	struct pm_object x;
	if (pm_layout_read(l, o->m, interp, l->f.interp.modules, &modules,
		    NULL) != PM_OK ||
		!modules)
		return 0;
	pm_addr module = pm_dict_find(l, o->m, modules, "threading");
	if (!module || pm_object_load(o, module, &x, NULL) != PM_OK ||
		x.type->kind != PM_KIND_MODULE ||
		pm_layout_read(l, o->m, module, l->f.module.dict, &dict,
			NULL) != PM_OK ||
		!dict)
		return 0;
	return pm_dict_find(l, o->m, dict, "_active");
}

enum pm_status pm_thread_objects_load(const struct pm_objects *o,
	struct pm_thread_objects *ret, struct pm_error *err)
{
	pm_auto_thread_objects all = {.unreadable = 0};
	pm_each_interpreter (i, o->l, o->m) {
		pm_addr active = active_threads(o, i.at), key, value;
		struct pm_object x;
		struct pm_dict_iter it;
		if (!active)
			continue;
		if (pm_object_load(o, active, &x, NULL) != PM_OK ||
			x.type->kind != PM_KIND_DICT ||
			pm_dict_iter_of(o->l, o->m, active, pm_object_body(&x),
				&it, NULL) != PM_OK) {
			all.unreadable++;
			continue;
		}
		while (all.list.len < MAX_THREADS &&
			pm_dict_iter_next(&it, &key, &value)) {
			struct pm_thread_object t = {.interp = i.at,
				.ident = number_of(o, key),
				.object = value};
			read_thread(o, &t);
			if (!pm_vec_push(&all.list, t))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		}
		all.unreadable += it.status != PM_OK;
	}
	*ret = all;
	all = (struct pm_thread_objects){.unreadable = 0};
	return PM_OK;
}
