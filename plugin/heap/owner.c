/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/owner.h"

#include "layout/wording.h"
#include "object/text.h"

#include <string.h>

#define HOLDERS_OF_EACH 4
#define NAME_LIMIT 60
#define FIRST_NAMES 12

struct pm_owners_job {
	struct pm_heap *h;
	PM_VEC(pm_addr) objects;
	struct pm_holders_job *first, *second;
	bool first_done, done;
};

void pm_owners_destroy(struct pm_owners_job *j)
{
	if (!j)
		return;
	pm_holders_destroy(j->first);
	pm_holders_destroy(j->second);
	pm_vec_deinit(&j->objects);
	free(j);
}

static void cleanup_job(struct pm_owners_job **j)
{
	pm_owners_destroy(*j);
}

enum pm_status pm_owners_create(struct pm_heap *h, const pm_addr *objects,
	size_t n, struct pm_owners_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_owners_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	for (size_t i = 0; i < n; i++)
		if (objects[i] && !pm_vec_push(&j->objects, objects[i]))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_holders_create_some(h, j->objects.data, j->objects.len,
		HOLDERS_OF_EACH, &j->first, err));
	*ret = pm_take(j);
	return PM_OK;
}

struct addresses {
	PM_VEC(pm_addr) v;
};

static void deinit_addresses(struct addresses *a)
{
	pm_vec_deinit(&a->v);
}

static enum pm_status begin_second(
	struct pm_owners_job *j, struct pm_error *err)
{
	PM_CLEANUP(deinit_addresses) struct addresses containers = {0};
	pm_vec_each (p, &pm_holders_result(j->first)->list)
		if (pm_type_is_container(p->type) &&
			!pm_vec_push(&containers.v, p->object))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return pm_holders_create_some(j->h, containers.v.data, containers.v.len,
		HOLDERS_OF_EACH, &j->second, err);
}

enum pm_status pm_owners_step(struct pm_owners_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	*ret_done = j->done;
	if (j->done)
		return PM_OK;
	if (!j->first_done) {
		PM_TRY(pm_holders_step(j->first, seconds, &j->first_done, err));
		return j->first_done ? begin_second(j, err) : PM_OK;
	}
	PM_TRY(pm_holders_step(j->second, seconds, &j->done, err));
	*ret_done = j->done;
	return PM_OK;
}

void pm_owners_progress(
	const struct pm_owners_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_holders_progress(
		j->second ? j->second : j->first, ret_done, ret_total);
	*ret_done += j->second ? *ret_total : 0;
	*ret_total *= 2;
}

/* ---- in words ---- */

static void append_str(
	struct pm_heap *h, pm_addr str, char quote, struct pm_strbuf *out)
{
	if (quote)
		pm_strbuf_putc(out, quote);
	if (pm_text_append(h->l, h->memory, str, NAME_LIMIT, quote, out,
		    NULL) != PM_OK)
		pm_strbuf_puts(out, "?");
	if (quote)
		pm_strbuf_putc(out, quote);
}

static void append_module(
	struct pm_heap *h, pm_addr module, struct pm_strbuf *out)
{
	const struct pm_layout *l = h->l;
	uint64_t dict = 0;
	pm_addr name = 0;
	if (pm_layout_read(l, h->memory, module, l->f.module.dict, &dict,
		    NULL) == PM_OK &&
		dict)
		name = pm_dict_find(l, h->memory, dict, "__name__");
	if (name)
		append_str(h, name, 0, out);
	else
		pm_strbuf_puts(out, "?");
}

static bool is_text(struct pm_heap *h, pm_addr key)
{
	uint64_t type = 0;
	return key &&
	       pm_layout_read(h->l, h->memory, key, h->l->f.object.type, &type,
		       NULL) == PM_OK &&
	       type == pm_layout_name_type(h->l);
}

/* Where names stand in no order, and there are no specs: what PyModule_New
   puts into each of them (2.7). */
static pm_addr old_module_name(struct pm_heap *h, pm_addr dict)
{
	const struct pm_layout *l = h->l;
	pm_addr name = pm_dict_find(l, h->memory, dict, "__name__");
	return is_text(h, name) &&
			       pm_dict_find(l, h->memory, dict, "__doc__") &&
			       pm_dict_find(l, h->memory, dict, "__package__")
		       ? name
		       : 0;
}

/* The module whose namespace a dict is, by what stands first in it; 0: it does
   not look like one. */
static pm_addr module_name(struct pm_heap *h, pm_addr dict)
{
	const struct pm_layout *l = h->l;
	struct pm_dict_iter it;
	struct pm_object d;
	pm_addr key, value, name = 0;
	bool spec = false;
	if (!pm_wording_is(l, PM_WORDING_MODULE_SPECS))
		return old_module_name(h, dict);
	if (pm_object_load(&h->objects, dict, &d, NULL) != PM_OK ||
		pm_dict_iter_of(l, h->memory, dict, pm_object_body(&d), &it,
			NULL) != PM_OK)
		return 0;
	for (int i = 0; i < FIRST_NAMES && pm_dict_iter_next(&it, &key, &value);
		i++) {
		if (!is_text(h, key))
			return 0;
		if (pm_text_equals(l, h->memory, key, "__name__"))
			name = value;
		spec |= pm_text_equals(l, h->memory, key, "__spec__");
	}
	return spec && is_text(h, name) ? name : 0;
}

/* A reference that an object with a name for it holds. */
static void describe_named(
	struct pm_heap *h, const struct pm_holder *p, struct pm_strbuf *out)
{
	struct pm_object x;
	bool loaded = pm_object_load(&h->objects, p->object, &x, NULL) == PM_OK;
	if (p->ref.via == PM_VIA_SLOT)
		pm_strbuf_printf(out, "attribute .%s", p->ref.name);
	else
		pm_ref_describe(&h->objects, loaded ? &x : NULL, &p->ref, out);
	const struct pm_type *t = p->type->kind == PM_KIND_TYPE
					  ? pm_types_get(h->types, p->object)
					  : NULL;
	if (t && t->is_type)
		pm_strbuf_printf(out, " of class %s", t->name);
	else
		pm_strbuf_printf(out, " of %s", p->type->name);
}

static const struct pm_holder *find(
	const struct pm_holders_job *job, pm_addr target)
{
	const struct pm_holder *container = NULL;
	if (!job)
		return NULL;
	/* One that says what for is better than a list. */
	pm_vec_each (p, &pm_holders_result(job)->list) {
		if (p->ref.target != target || p->ref.via == PM_VIA_STACK ||
			p->ref.via == PM_VIA_NATIVE)
			continue;
		if (!pm_type_is_container(p->type))
			return p;
		if (!container)
			container = p;
	}
	return container;
}

/* p: in a dict that is some object's __dict__; false: it is not. */
static bool describe_in_namespace(struct pm_heap *h, const struct pm_holder *p,
	const struct pm_holder *up, struct pm_strbuf *out)
{
	if (p->ref.via != PM_VIA_VALUE || !is_text(h, p->ref.key))
		return false;
	bool known = up && up->ref.via == PM_VIA_FIELD &&
		     !strcmp(up->ref.name, "__dict__");
	pm_addr name = known ? 0 : module_name(h, p->object);
	if (name) {
		pm_strbuf_puts(out, "module dict ");
		append_str(h, name, 0, out);
		pm_strbuf_putc(out, ' ');
		append_str(h, p->ref.key, '\'', out);
	}
	if (!known)
		return name;
	if (up->type->kind == PM_KIND_MODULE) {
		pm_strbuf_puts(out, "module dict ");
		append_module(h, up->object, out);
		pm_strbuf_putc(out, ' ');
		append_str(h, p->ref.key, '\'', out);
		return true;
	}
	pm_strbuf_puts(out, "attribute .");
	append_str(h, p->ref.key, 0, out);
	const struct pm_type *t = up->type->kind == PM_KIND_TYPE
					  ? pm_types_get(h->types, up->object)
					  : NULL;
	if (t && t->is_type)
		pm_strbuf_printf(out, " of class %s", t->name);
	else
		pm_strbuf_printf(out, " of %s", up->type->name);
	return true;
}

static void describe_in_container(
	struct pm_heap *h, const struct pm_holder *p, struct pm_strbuf *out)
{
	const char *what = "item";
	if (p->ref.via == PM_VIA_VALUE)
		what = "value";
	else if (p->ref.via == PM_VIA_KEY)
		what = "key";
	else if (p->ref.via == PM_VIA_MEMBER)
		what = "member";
	const char *dot = strrchr(p->type->name, '.');
	(void)h;
	pm_strbuf_printf(
		out, "%s of a %s", what, dot ? dot + 1 : p->type->name);
}

void pm_owners_describe(
	struct pm_owners_job *j, pm_addr object, struct pm_strbuf *out)
{
	struct pm_heap *h = j->h;
	const struct pm_holder *p = find(j->first, object);
	if (!p)
		return;
	if (!pm_type_is_container(p->type)) {
		describe_named(h, p, out);
		return;
	}
	const struct pm_holder *up = find(j->second, p->object);
	if (describe_in_namespace(h, p, up, out))
		return;
	describe_in_container(h, p, out);
	if (!up)
		return;
	pm_strbuf_puts(out, ", ");
	if (describe_in_namespace(h, up, NULL, out))
		return;
	if (pm_type_is_container(up->type))
		describe_in_container(h, up, out);
	else
		describe_named(h, up, out);
}
