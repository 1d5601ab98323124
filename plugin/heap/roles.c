/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/roles.h"

#include "heap/team.h"
#include "object/attributes.h"
#include "object/frames.h"
#include "object/refs.h"
#include "object/text.h"

#include <string.h>

#define NAME_LIMIT 60
/* Names of attributes and modules there are some thousands of; whoever has
   more uses objects as dicts. */
#define MAX_ROLES 200000
#define TYPES 256

enum role_kind {
	ROLE_ATTRIBUTE,
	ROLE_CLASS_ATTRIBUTE,
	ROLE_GLOBAL,
	ROLE_DICT,
	ROLE_CLASS_DICT,
	ROLE_FIELD,
	ROLE_LOCAL,
	ROLE_NESTED,
};

struct role {
	enum role_kind kind;
	const struct pm_type *type; /* of the holder; the class itself */
	pm_addr holder;		    /* the module, or the code of a local */
	pm_addr name;		    /* a str, or 0: slot says it, or nothing */
	const char *slot;
	uint32_t in;	  /* of what is nested: the role of the outermost */
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
	/* Containers with a role, to be opened. */
	PM_VEC(pm_addr) queue;
	size_t opened;
	pm_addr type_addrs[TYPES];
	const struct pm_type *types[TYPES];
	bool no_memory;
	uint64_t unreadable;
	bool scanned, done;
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
	pm_vec_deinit(&r->queue);
	pm_map_deinit(&r->outside);
	pm_map_deinit(&r->by_key);
	pm_map_deinit(&r->texts_by_hash);
	free(r);
}

/* ---- marking ---- */

/* The number of a role; 0: there are too many. */
static uint32_t role_number(struct pm_roles *r, const struct role *role)
{
	const struct pm_type *t = role->type;
	uint64_t key = pm_hash_word(role->kind + 1, role->in);
	key = pm_hash_word(key, t ? t->addr : 0);
	if (!t || t->kind == PM_KIND_MODULE)
		key = pm_hash_word(key, role->holder);
	key = pm_hash_word(
		      key, role->name ? role->name : (uintptr_t)role->slot) |
	      1;
	struct pm_map_slot *slot = pm_map_find(&r->by_key, key);
	if (slot)
		return (uint32_t)slot->value;
	if (r->roles.len >= MAX_ROLES)
		return 0;
	slot = pm_map_put(&r->by_key, key, NULL);
	if (!slot || !pm_vec_push(&r->roles, *role)) {
		r->no_memory = true;
		return 0;
	}
	slot->value = r->roles.len;
	return (uint32_t)r->roles.len;
}

/* The role an object has, or its same_as; 0: none yet. */
static uint32_t role_of(const struct pm_roles *r, pm_addr object)
{
	const struct pm_pools *p = r->h->pools;
	int64_t pool = pm_pools_find(p, object);
	if (pool < 0) {
		const struct pm_map_slot *s = pm_map_find(&r->outside, object);
		return s ? (uint32_t)s->value : 0;
	}
	pm_addr block = pm_pools_block(p, (size_t)pool, object);
	const uint32_t *marks = r->marks[pool];
	return block && marks ? marks[pm_pools_index(p, (size_t)pool, block)]
			      : 0;
}

static bool set_role(struct pm_roles *r, pm_addr object, uint32_t role)
{
	const struct pm_pools *p = r->h->pools;
	int64_t pool = pm_pools_find(p, object);
	if (pool < 0) {
		struct pm_map_slot *s = pm_map_put(&r->outside, object, NULL);
		if (s)
			s->value = role;
		return s;
	}
	pm_addr block = pm_pools_block(p, (size_t)pool, object);
	uint32_t **marks = &r->marks[pool];
	if (!block)
		return true;
	if (!*marks)
		*marks = calloc(
			pm_pools_room(p, (size_t)pool) + 1, sizeof **marks);
	if (!*marks)
		return false;
	(*marks)[pm_pools_index(p, (size_t)pool, block)] = role;
	return true;
}

/* The type of what a reference leads to; NULL: no object is there. */
static const struct pm_type *type_of(struct pm_roles *r, pm_addr object)
{
	const struct pm_layout *l = r->h->l;
	uint64_t type = 0;
	if (pm_layout_read(l, r->h->memory, object, l->f.object.type, &type,
		    NULL) != PM_OK)
		return NULL;
	size_t i = (type >> 3) * 0x9E3779B97F4A7C15u >> 56;
	if (r->type_addrs[i] != type) {
		const struct pm_type *t = pm_types_get(r->h->types, type);
		r->type_addrs[i] = type;
		r->types[i] = t && t->is_type ? t : NULL;
	}
	return r->types[i];
}

static bool is_weak(const struct pm_roles *r, uint32_t role)
{
	enum role_kind kind = r->roles.data[role - 1].kind;
	return kind == ROLE_FIELD || kind == ROLE_NESTED;
}

static bool is_dict(const struct pm_roles *r, uint32_t role)
{
	enum role_kind kind = r->roles.data[role - 1].kind;
	return kind == ROLE_DICT || kind == ROLE_CLASS_DICT;
}

static void mark(struct pm_roles *r, pm_addr object, const struct role *role)
{
	const struct pm_type *t = object ? type_of(r, object) : NULL;
	if (!t || !(pm_type_is_container(t) || t->kind == PM_KIND_BYTEARRAY))
		return;
	uint32_t number = role_number(r, role), had = role_of(r, object);
	if (!number || (had && (!is_weak(r, had) || is_weak(r, number))))
		return;
	if (!had && t->kind != PM_KIND_BYTEARRAY &&
		!pm_vec_push(&r->queue, object))
		r->no_memory = true;
	if (!set_role(r, object, number))
		r->no_memory = true;
}

static void mark_attributes(struct pm_roles *r, const struct pm_object *x,
	enum role_kind kind, const struct pm_type *type)
{
	struct pm_attrs a;
	struct pm_attr v;
	pm_attrs_start(&r->h->objects, x, &a);
	struct role role = {.kind = kind == ROLE_CLASS_ATTRIBUTE
					    ? ROLE_CLASS_DICT
					    : ROLE_DICT,
		.type = type,
		.holder = x->addr};
	mark(r, a.home.dict, &role);
	role.kind = kind;
	while (!r->no_memory && pm_attrs_next(&a, &v)) {
		role.name = v.name;
		role.slot = v.slot;
		mark(r, v.value, &role);
	}
	r->unreadable += a.status != PM_OK;
}

struct marking {
	struct pm_roles *r;
	const struct pm_type *type;
	pm_addr code;
	uint32_t in;
};

static bool mark_ref(void *arg, const struct pm_ref *ref)
{
	const struct marking *m = arg;
	struct role role = {.slot = ref->name};
	if (m->in) {
		role.kind = ROLE_NESTED;
		role.in = m->in;
		role.slot = NULL;
	} else if (ref->via == PM_VIA_LOCAL && m->code && ref->key) {
		role.kind = ROLE_LOCAL;
		role.holder = m->code;
		role.name = ref->key;
	} else if (ref->via == PM_VIA_FIELD && m->type) {
		role.kind = ROLE_FIELD;
		role.type = m->type;
	} else {
		return true;
	}
	if (ref->via != PM_VIA_NATIVE && ref->via != PM_VIA_TYPE)
		mark(m->r, ref->target, &role);
	return !m->r->no_memory;
}

/* Fields of C structs, variables of frames that are objects. */
static void mark_fields(struct pm_roles *r, const struct pm_object *x)
{
	const struct pm_layout *l = r->h->l;
	struct marking m = {.r = r, .type = x->type};
	if (x->type->kind == PM_KIND_FRAME)
		m.code = pm_get(l, pm_object_body(x), l->f.frame.code);
	if (!pm_type_is_container(x->type) &&
		pm_refs_each(&r->h->objects, x, mark_ref, &m) != PM_OK)
		r->unreadable++;
}

static bool see(void *arg, unsigned who, const struct pm_scanned *s)
{
	struct pm_roles *r = arg;
	struct pm_object x;
	(void)who;
	pm_scan_load(r->scan, s, &x);
	if (s->type->kind == PM_KIND_MODULE) {
		mark_attributes(r, &x, ROLE_GLOBAL, s->type);
	} else if (s->type->kind == PM_KIND_TYPE) {
		const struct pm_type *t = pm_types_get(r->h->types, s->addr);
		if (t && t->is_type)
			mark_attributes(r, &x, ROLE_CLASS_ATTRIBUTE, t);
	} else {
		mark_attributes(r, &x, ROLE_ATTRIBUTE, s->type);
	}
	mark_fields(r, &x);
	return !r->no_memory;
}

static bool see_frame(void *arg, const struct pm_stack_frame *f)
{
	struct pm_roles *r = arg;
	struct marking m = {.r = r, .code = f->code};
	enum pm_status s =
		pm_refs_of_frame(&r->h->objects, f->iframe, mark_ref, &m);
	r->unreadable += s != PM_OK;
	return !r->no_memory;
}

/* What is in a container that has a role, and has none itself. */
static void open_container(struct pm_roles *r, pm_addr container)
{
	uint32_t number = role_of(r, container);
	struct marking m = {.r = r, .in = number};
	struct pm_measure size = {0};
	struct pm_object x;
	/* What a __dict__ holds has a name each. */
	if (!number || is_dict(r, number))
		return;
	if (r->roles.data[number - 1].kind == ROLE_NESTED)
		m.in = r->roles.data[number - 1].in;
	/* A length that cannot be is not followed. */
	if (pm_object_load(&r->h->objects, container, &x, NULL) != PM_OK ||
		pm_object_measure(&r->h->objects, &x, &size) != PM_OK ||
		pm_refs_each(&r->h->objects, &x, mark_ref, &m) != PM_OK)
		r->unreadable++;
}

/* As many as until end; false: there are more. */
static bool open_containers(struct pm_roles *r, double end)
{
	while (r->opened < r->queue.len && !r->no_memory) {
		open_container(r, r->queue.data[r->opened]);
		if (++r->opened % 64 == 0 && pm_now() > end)
			return false;
	}
	return true;
}

static void see_frames(struct pm_roles *r)
{
	r->unreadable += pm_scan_unreadable(r->scan);
	if (pm_frames_each(&r->h->objects, see_frame, r) != PM_OK)
		r->unreadable++;
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
	bool module = role->type && role->type->kind == PM_KIND_MODULE;
	const struct pm_stack_frame frame = {.code = role->holder};
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
	case ROLE_FIELD:
		pm_strbuf_printf(
			out, "%s of %s", role->slot, pm_type_bare(role->type));
		return;
	case ROLE_LOCAL:
		pm_strbuf_puts(out, "local ");
		append_name(h, role, out);
		pm_strbuf_puts(out, " of ");
		pm_frame_describe(&h->objects, &frame, out);
		return;
	case ROLE_NESTED:
		return; /* the outermost's text, see name_roles */
	}
}

static enum pm_status name_roles(struct pm_roles *r, struct pm_error *err)
{
	for (uint32_t i = 0; i < r->roles.len; i++) {
		struct role *role = &r->roles.data[i];
		pm_auto_strbuf text = {0};
		uint64_t hash = 0x2545F4914F6CDD1Du;
		if (role->kind == ROLE_NESTED) {
			pm_strbuf_puts(&text, "nested in ");
			role = &r->roles.data[role->in - 1];
		}
		describe(r->h, role, &text);
		role = &r->roles.data[i];
		role->text = strdup(text.data ? text.data : "");
		if (!role->text)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		for (const char *p = role->text; *p; p++)
			hash = pm_hash_word(hash, (unsigned char)*p);
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
	switch (t->kind) {
	case PM_KIND_STR:
	case PM_KIND_BYTES:
	case PM_KIND_INT:
	case PM_KIND_WORD:
	case PM_KIND_BYTEARRAY:
		return t->heap;
	default:
		return t->heap || !pm_type_is_container(t);
	}
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
	bool finished;
	*ret_done = r->done;
	if (r->done)
		return PM_OK;
	if (!r->scanned) {
		PM_TRY(pm_scan_step(r->scan, seconds, &r->scanned, err));
		if (r->scanned)
			see_frames(r);
		return PM_OK;
	}
	finished = open_containers(r, pm_now() + seconds);
	if (r->no_memory)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!finished)
		return PM_OK;
	PM_TRY(name_roles(r, err));
	pm_vec_deinit(&r->queue);
	r->done = *ret_done = true;
	return PM_OK;
}

void pm_roles_progress(
	const struct pm_roles *r, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_scan_progress(r->scan, ret_done, ret_total);
	if (r->scanned)
		*ret_done += r->opened;
	*ret_total += r->queue.len;
}

uint32_t pm_roles_of(const struct pm_roles *r, pm_addr object)
{
	uint32_t role = role_of(r, object);
	return role ? r->roles.data[role - 1].same_as : 0;
}

bool pm_roles_is_dict(const struct pm_roles *r, uint32_t role)
{
	return role && role <= r->roles.len && is_dict(r, role);
}

bool pm_roles_is_nested(const struct pm_roles *r, uint32_t role)
{
	return role && role <= r->roles.len &&
	       r->roles.data[role - 1].kind == ROLE_NESTED;
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

void pm_roles_owner(const struct pm_roles *r, const struct pm_type *t,
	uint32_t role, struct pm_strbuf *out)
{
	const char *type = pm_type_bare(t);
	if (!role)
		pm_strbuf_puts(out, t->name);
	else if (pm_roles_is_dict(r, role) && !strcmp(type, "dict"))
		pm_strbuf_puts(out, pm_roles_text(r, role));
	else
		pm_strbuf_printf(out, "%s %s%s", type,
			pm_roles_is_nested(r, role) ? "" : "in ",
			pm_roles_text(r, role));
}

uint64_t pm_roles_unreadable(const struct pm_roles *r)
{
	return r->unreadable;
}
