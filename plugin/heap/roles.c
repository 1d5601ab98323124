/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/roles.h"

#include "object/attributes.h"
#include "object/text.h"

#include <string.h>

#define NAME_LIMIT 60
/* Names of attributes and modules there are some thousands of; whoever has
   more uses objects as dicts. */
#define MAX_ROLES 200000

enum role_kind {
	ROLE_ATTRIBUTE,
	ROLE_CLASS_ATTRIBUTE,
	ROLE_GLOBAL,
	ROLE_DICT,
	ROLE_CLASS_DICT,
};

struct role {
	enum role_kind kind;
	const struct pm_type *type; /* of the holder; the class itself */
	pm_addr holder;		    /* the module */
	pm_addr name;		    /* a str, or 0: slot says it, or nothing */
	const char *slot;
	char *text;	  /* owned, once done */
	uint32_t same_as; /* first role of the same text */
};

struct pm_roles {
	struct pm_heap *h;
	struct pm_scan *scan;
	uint32_t **marks; /* by pool and block, NULL: none yet */
	struct pm_map outside;
	struct pm_map by_key;	     /* -> role */
	struct pm_map texts_by_hash; /* -> role */
	PM_VEC(struct role) roles;   /* the first is role 1 */
	uint64_t unreadable;
	bool done;
};

void pm_roles_destroy(struct pm_roles *r)
{
	if (!r)
		return;
	pm_scan_destroy(r->scan);
	for (size_t i = 0; r->marks && i < r->h->pools->npools; i++)
		free(r->marks[i]);
	free(r->marks);
	pm_vec_each (role, &r->roles)
		free(role->text);
	pm_vec_deinit(&r->roles);
	pm_map_deinit(&r->outside);
	pm_map_deinit(&r->by_key);
	pm_map_deinit(&r->texts_by_hash);
	free(r);
}

static uint64_t mix(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0x9FB21C651E98DF25u;
	return h ^ h >> 32;
}

/* ---- marking ---- */

/* The number of a role; 0 with *ret_nomem, or when there are too many. */
static uint32_t role_number(
	struct pm_roles *r, const struct role *role, bool *ret_nomem)
{
	uint64_t key =
		mix(mix(mix(role->kind + 1, role->type->addr),
			    role->type->kind == PM_KIND_MODULE ? role->holder
							       : 0),
			role->name ? role->name : (uintptr_t)role->slot) |
		1;
	struct pm_map_slot *slot = pm_map_find(&r->by_key, key);
	if (slot)
		return (uint32_t)slot->value;
	if (r->roles.len >= MAX_ROLES)
		return 0;
	slot = pm_map_put(&r->by_key, key, NULL);
	if (!slot || !pm_vec_push(&r->roles, *role)) {
		*ret_nomem = true;
		return 0;
	}
	slot->value = r->roles.len;
	return (uint32_t)r->roles.len;
}

static bool mark(struct pm_roles *r, pm_addr object, uint32_t role)
{
	const struct pm_pools *p = r->h->pools;
	if (!role || !object)
		return true;
	int64_t pool = pm_pools_find(p, object);
	if (pool < 0) {
		bool added;
		struct pm_map_slot *s = pm_map_put(&r->outside, object, &added);
		if (s && added)
			s->value = role;
		return s;
	}
	pm_addr block = pm_pools_block(p, (size_t)pool, object);
	if (!block)
		return true;
	uint32_t **marks = &r->marks[pool];
	if (!*marks)
		*marks = calloc(
			pm_pools_room(p, (size_t)pool) + 1, sizeof **marks);
	if (!*marks)
		return false;
	uint32_t *at = &(*marks)[pm_pools_index(p, (size_t)pool, block)];
	if (!*at)
		*at = role;
	return true;
}

static bool mark_attributes(struct pm_roles *r, const struct pm_object *x,
	enum role_kind kind, const struct pm_type *type)
{
	struct pm_attrs a;
	struct pm_attr v;
	bool nomem = false;
	pm_attrs_start(&r->h->objects, x, &a);
	struct role own = {.kind = kind == ROLE_CLASS_ATTRIBUTE
					   ? ROLE_CLASS_DICT
					   : ROLE_DICT,
		.type = type,
		.holder = x->addr};
	if (a.home.dict && !mark(r, a.home.dict, role_number(r, &own, &nomem)))
		return false;
	while (!nomem && pm_attrs_next(&a, &v)) {
		struct role role = {.kind = kind,
			.type = type,
			.holder = x->addr,
			.name = v.name,
			.slot = v.slot};
		if (v.value && !mark(r, v.value, role_number(r, &role, &nomem)))
			return false;
	}
	r->unreadable += a.status != PM_OK;
	return !nomem;
}

static bool see(void *arg, unsigned who, const struct pm_scanned *s)
{
	struct pm_roles *r = arg;
	struct pm_object x;
	(void)who;
	pm_scan_load(r->scan, s, &x);
	if (s->type->kind == PM_KIND_MODULE)
		return mark_attributes(r, &x, ROLE_GLOBAL, s->type);
	if (s->type->kind == PM_KIND_TYPE) {
		const struct pm_type *t = pm_types_get(r->h->types, s->addr);
		return !t || !t->is_type ||
		       mark_attributes(r, &x, ROLE_CLASS_ATTRIBUTE, t);
	}
	return mark_attributes(r, &x, ROLE_ATTRIBUTE, s->type);
}

/* ---- texts ---- */

static void append_name(
	struct pm_heap *h, const struct role *role, struct pm_strbuf *out)
{
	if (role->slot)
		pm_strbuf_puts(out, role->slot);
	else if (pm_text_append(h->l, h->memory, role->name, NAME_LIMIT, 0, out,
			 NULL) != PM_OK)
		pm_strbuf_puts(out, "?");
}

static void append_module(
	struct pm_heap *h, pm_addr module, struct pm_strbuf *out)
{
	uint64_t dict = 0;
	pm_addr name = 0;
	if (pm_layout_read(h->l, h->memory, module, h->l->f.module.dict, &dict,
		    NULL) == PM_OK &&
		dict)
		name = pm_dict_find(h->l, h->memory, dict, "__name__");
	if (!name || pm_text_append(h->l, h->memory, name, NAME_LIMIT, 0, out,
			     NULL) != PM_OK)
		pm_strbuf_puts(out, "?");
}

static void describe(
	struct pm_heap *h, const struct role *role, struct pm_strbuf *out)
{
	bool module = role->type->kind == PM_KIND_MODULE;
	switch (role->kind) {
	case ROLE_CLASS_DICT:
		pm_strbuf_printf(out, "dict of class %s", role->type->name);
		return;
	case ROLE_DICT:
		if (module) {
			pm_strbuf_puts(out, "module dict ");
			append_module(h, role->holder, out);
			return;
		}
		pm_strbuf_printf(out, "dict of %s", role->type->name);
		return;
	case ROLE_GLOBAL:
		pm_strbuf_puts(out, "module dict ");
		append_module(h, role->holder, out);
		pm_strbuf_puts(out, " '");
		append_name(h, role, out);
		pm_strbuf_putc(out, '\'');
		return;
	case ROLE_ATTRIBUTE:
	case ROLE_CLASS_ATTRIBUTE:
		pm_strbuf_puts(out, "attribute .");
		append_name(h, role, out);
		pm_strbuf_printf(out, " of %s%s",
			role->kind == ROLE_ATTRIBUTE ? "" : "class ",
			role->type->name);
		return;
	}
}

static enum pm_status name_roles(struct pm_roles *r, struct pm_error *err)
{
	for (uint32_t i = 0; i < r->roles.len; i++) {
		struct role *role = &r->roles.data[i];
		pm_auto_strbuf text = {0};
		uint64_t hash = 0x2545F4914F6CDD1Du;
		describe(r->h, role, &text);
		role->text = strdup(text.data ? text.data : "");
		if (!role->text)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		for (const char *p = role->text; *p; p++)
			hash = mix(hash, (unsigned char)*p);
		bool added;
		struct pm_map_slot *s =
			pm_map_put(&r->texts_by_hash, hash | 1, &added);
		if (!s)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (added)
			s->value = i + 1;
		role->same_as = (uint32_t)s->value;
	}
	return PM_OK;
}

/* ---- the job ---- */

static bool wants(void *arg, const struct pm_type *t)
{
	(void)arg;
	return t->kind == PM_KIND_MODULE || t->kind == PM_KIND_TYPE ||
	       (t->heap && (t->nslots || t->dictoffset || t->managed_dict));
}

static void cleanup_roles(struct pm_roles **r)
{
	pm_roles_destroy(*r);
}

enum pm_status pm_roles_create(
	struct pm_heap *h, struct pm_roles **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_roles) struct pm_roles *r = calloc(1, sizeof *r);
	if (!r)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->h = h;
	r->marks = calloc(h->pools->npools + 1, sizeof *r->marks);
	if (!r->marks)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_scan_create(h, wants, 1, see, r, &r->scan, err));
	*ret = pm_take(r);
	return PM_OK;
}

enum pm_status pm_roles_step(struct pm_roles *r, double seconds, bool *ret_done,
	struct pm_error *err)
{
	if (!r->done) {
		bool finished;
		*ret_done = false;
		PM_TRY(pm_scan_step(r->scan, seconds, &finished, err));
		if (!finished)
			return PM_OK;
		r->unreadable += pm_scan_unreadable(r->scan);
		PM_TRY(name_roles(r, err));
		r->done = true;
	}
	*ret_done = true;
	return PM_OK;
}

void pm_roles_progress(
	const struct pm_roles *r, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_scan_progress(r->scan, ret_done, ret_total);
}

uint32_t pm_roles_of(const struct pm_roles *r, pm_addr object)
{
	const struct pm_pools *p = r->h->pools;
	int64_t pool = pm_pools_find(p, object);
	uint32_t role = 0;
	if (pool < 0) {
		const struct pm_map_slot *s = pm_map_find(&r->outside, object);
		role = s ? (uint32_t)s->value : 0;
	} else {
		pm_addr block = pm_pools_block(p, (size_t)pool, object);
		if (block && r->marks[pool])
			role = r->marks[pool]
				       [pm_pools_index(p, (size_t)pool, block)];
	}
	return role ? r->roles.data[role - 1].same_as : 0;
}

uint32_t pm_roles_count(const struct pm_roles *r)
{
	return (uint32_t)r->roles.len;
}

const char *pm_roles_text(const struct pm_roles *r, uint32_t role)
{
	return role && role <= r->roles.len ? r->roles.data[role - 1].text
					    : NULL;
}

uint64_t pm_roles_unreadable(const struct pm_roles *r)
{
	return r->unreadable;
}
