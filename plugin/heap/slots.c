/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/slots.h"

#include "heap/footprint.h"
#include "object/attributes.h"
#include "object/text.h"

#include <string.h>

#define MAX_SHARED 256

/* The names in the table that a class has for its instances. */
struct shared_table {
	pm_addr addr;
	uint64_t names, usable;
	struct pm_map index; /* name -> place in the table, plus 1 */
};

struct pm_slots_job {
	struct pm_heap *h;
	struct pm_scan *scan;
	struct pm_slots result;
	struct pm_map seen;	   /* keys and dicts of several instances */
	struct shared_table table; /* of the class seen last */
	bool done;
};

const char *pm_sharing_lost_text(enum pm_sharing_lost why)
{
	switch (why) {
	case PM_LOST_NO_STR:
		return "keys that are no str";
	case PM_LOST_DELETED:
		return "attributes were deleted";
	case PM_LOST_NO_TABLE:
		return "the class has no shared table any more";
	case PM_LOST_TOO_MANY:
		return "more attributes than the shared table takes";
	case PM_LOST_MISSING:
		return "attributes that the shared table lacks";
	case PM_LOST_ORDER:
		return "attributes set in another order";
	case PM_LOST_OTHER:
	case PM_LOST_REASONS:
		return "__dict__ was replaced, or filled as a whole";
	}
	return "";
}

static void free_class(struct pm_slots_class *c)
{
	if (!c)
		return;
	pm_vec_each (a, &c->attributes)
		free(a->name);
	pm_vec_deinit(&c->attributes);
	pm_map_deinit(&c->names);
	free(c);
}

void pm_slots_destroy(struct pm_slots_job *j)
{
	if (!j)
		return;
	pm_scan_destroy(j->scan);
	for (size_t i = 0; j->result.classes && i < j->result.n; i++)
		free_class(j->result.classes[i]);
	free(j->result.classes);
	pm_map_deinit(&j->seen);
	pm_map_deinit(&j->table.index);
	free(j);
}

/* ---- why sharing was lost ---- */

static bool load_table(struct pm_slots_job *j, pm_addr keys)
{
	struct shared_table *t = &j->table;
	struct pm_heap *h = j->h;
	const struct pm_layout *l = h->l;
	struct pm_keys k;
	if (t->addr == keys)
		return true;
	pm_map_deinit(&t->index);
	*t = (struct shared_table){.addr = keys};
	if (!keys || pm_keys_load(l, h->memory, keys, &k, NULL) != PM_OK ||
		k.nentries > MAX_SHARED)
		return true;
	t->usable = k.usable;
	for (uint64_t i = 0; i < k.nentries; i++) {
		uint64_t name = 0;
		if (pm_memory_read_uint(h->memory,
			    k.entries + i * k.entry_size + k.key_off,
			    l->t.word_size, &name, NULL) != PM_OK)
			return true;
		if (!name)
			continue;
		struct pm_map_slot *slot = pm_map_put(&t->index, name, NULL);
		if (!slot)
			return false;
		slot->value = i + 1;
		t->names++;
	}
	return true;
}

struct own_names {
	uint64_t n, last;
	bool no_str, missing, disorder;
};

static void note_name(
	const struct shared_table *t, pm_addr name, struct own_names *own)
{
	const struct pm_map_slot *slot = pm_map_find(&t->index, name);
	own->n++;
	own->missing |= !slot;
	own->disorder |= slot && slot->value < own->last;
	if (slot)
		own->last = slot->value;
}

static enum pm_sharing_lost why_lost(struct pm_slots_job *j,
	const struct pm_type *t, const struct pm_attr_home *home,
	const struct own_names *own)
{
	struct pm_keys k;
	bool deleted = pm_keys_load(j->h->l, j->h->memory, home->keys, &k,
			       NULL) == PM_OK &&
		       k.nentries > own->n;
	if (own->no_str)
		return PM_LOST_NO_STR;
	if (deleted)
		return PM_LOST_DELETED;
	if (!t->cached_keys || !j->table.usable)
		return PM_LOST_NO_TABLE;
	if (own->missing)
		return own->n > j->table.usable ||
				       j->table.names >= j->table.usable
			       ? PM_LOST_TOO_MANY
			       : PM_LOST_MISSING;
	return own->disorder ? PM_LOST_ORDER : PM_LOST_OTHER;
}

/* ---- one instance ---- */

static bool is_first(struct pm_slots_job *j, pm_addr addr, bool *ret_nomem)
{
	bool added = false;
	if (!pm_map_put(&j->seen, addr, &added))
		*ret_nomem = true;
	return added;
}

/* A dict object with what it alone owns; one that several instances share is
   counted with the first of them. */
static void count_dict(struct pm_slots_job *j, struct pm_slots_class *c,
	const struct pm_attr_home *home, bool *ret_nomem)
{
	struct pm_heap *h = j->h;
	struct pm_object d;
	struct pm_measure m;
	if (pm_object_load(&h->objects, home->dict, &d, NULL) != PM_OK ||
		pm_object_measure(&h->objects, &d, &m) != PM_OK) {
		j->result.inconsistent++;
		return;
	}
	c->dict_objects++;
	if (d.refcnt != 1 && !is_first(j, home->dict, ret_nomem))
		return;
	c->dicts += pm_block_size(
		h, h->memory, d.addr - d.type->pre, m.extent + d.type->pre);
	for (unsigned i = 0; i < m.nbuffers; i++) {
		const struct pm_buffer *b = &m.buffers[i];
		uint64_t bytes = pm_buffer_alloc(h, h->memory, b);
		if (b->kind == PM_BUFFER_VALUES)
			c->values += bytes;
		else if (b->kind == PM_BUFFER_KEYS && !b->shared &&
			 b->addr != c->type->cached_keys)
			c->own_keys += bytes;
		else if (b->kind != PM_BUFFER_KEYS)
			c->dicts += bytes; /* nodes of an OrderedDict */
	}
}

/* The table of the class, or one that instances share since it was. */
static void count_shared(struct pm_slots_job *j, struct pm_slots_class *c,
	pm_addr keys, bool *ret_nomem)
{
	struct pm_heap *h = j->h;
	struct pm_keys k;
	if (keys && pm_keys_load(h->l, h->memory, keys, &k, NULL) == PM_OK &&
		(keys == c->type->cached_keys || k.refcnt != 1) &&
		is_first(j, keys, ret_nomem))
		c->shared_keys += pm_block_size(h, h->memory, keys, k.bytes);
}

static bool has_weakrefs(struct pm_slots_job *j, const struct pm_object *x)
{
	const struct pm_layout *l = j->h->l;
	const struct pm_type *t = x->type;
	unsigned ws = l->t.word_size;
	int64_t off = t->weaklistoffset;
	uint64_t list = 0;
	return off && off + ws <= (int64_t)x->avail &&
	       off >= -(int64_t)PM_OBJECT_MAX_PRE &&
	       (off > 0 || t->managed_weakref) &&
	       pm_memory_read_uint(j->h->memory,
		       off > 0 ? x->addr + (uint64_t)off
			       : x->addr - (uint64_t)-off,
		       ws, &list, NULL) == PM_OK &&
	       list;
}

static bool count_names(struct pm_slots_job *j, struct pm_slots_class *c,
	const struct pm_object *x, struct own_names *own)
{
	const struct pm_objects *o = &j->h->objects;
	struct pm_attrs a;
	struct pm_attr v;
	pm_attrs_start(o, x, &a);
	while (pm_attrs_next(&a, &v)) {
		if (v.place == PM_ATTR_SLOT)
			continue;
		uint64_t type = 0;
		if (pm_layout_read(o->l, o->m, v.name, o->l->f.object.type,
			    &type, NULL) != PM_OK ||
			type != pm_layout_name_type(o->l)) {
			c->no_names++;
			own->no_str = true;
			continue;
		}
		struct pm_map_slot *slot = pm_map_put(&c->names, v.name, NULL);
		if (!slot)
			return false;
		slot->value++;
		note_name(&j->table, v.name, own);
	}
	if (a.status != PM_OK)
		j->result.unreadable++;
	return true;
}

static bool see_instance(void *arg, unsigned who, const struct pm_scanned *s)
{
	struct pm_slots_job *j = arg;
	struct pm_heap *h = j->h;
	struct pm_slots_class *c = j->result.classes[s->type->id];
	struct pm_object x;
	struct pm_attr_home home;
	struct own_names own = {0};
	bool nomem = false;
	(void)who;
	pm_scan_load(j->scan, s, &x);
	if (pm_attr_home(&h->objects, &x, &home) != PM_OK) {
		j->result.unreadable++;
		return true;
	}
	if (!load_table(j, s->type->cached_keys))
		return false;
	c->instances++;
	struct pm_measure m;
	if (s->block)
		c->objects += s->block;
	else if (pm_object_measure(&h->objects, &x, &m) == PM_OK)
		c->objects += s->is_static ? 0
					   : pm_block_size(h, h->memory,
						     x.addr - x.type->pre,
						     m.extent + x.type->pre);
	else
		j->result.inconsistent++;
	c->weakrefs += has_weakrefs(j, &x);
	if (home.dict)
		count_dict(j, c, &home, &nomem);
	else if (home.values && !home.embedded)
		c->values += pm_values_size(h, h->memory, home.values, 0);
	if (home.keys && (!home.own_dict || home.values))
		count_shared(j, c, home.keys, &nomem);
	if (nomem || !count_names(j, c, &x, &own))
		return false;
	/* There is no table to share in 2.7. */
	if (home.dict && home.own_dict && !home.values && own.n + own.no_str &&
		h->l->t.keys_form != PM_KEYS_TABLE) {
		c->lost++;
		c->lost_by[why_lost(j, s->type, &home, &own)]++;
	}
	return true;
}

/* ---- the job ---- */

static void cleanup_job(struct pm_slots_job **j)
{
	pm_slots_destroy(*j);
}

static bool wants(void *arg, const struct pm_type *t)
{
	const struct pm_slots_job *j = arg;
	return t->id < j->result.n && j->result.classes[t->id];
}

enum pm_status pm_slots_create(
	struct pm_heap *h, struct pm_slots_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_slots_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	size_t n = pm_types_count(h->types);
	j->result.n = n;
	j->result.classes = calloc(n + 1, sizeof *j->result.classes);
	if (!j->result.classes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < n; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		if (!t || !t->heap || t->kind == PM_KIND_TYPE ||
			t->kind == PM_KIND_MODULE ||
			(!t->dictoffset && !t->managed_dict))
			continue;
		struct pm_slots_class *c = calloc(1, sizeof *c);
		if (!c)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		c->type = t;
		j->result.classes[i] = c;
	}
	PM_TRY(pm_scan_create(h, wants, 1, see_instance, j, &j->scan, err));
	*ret = pm_take(j);
	return PM_OK;
}

enum pm_status pm_slots_step(struct pm_slots_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	if (!j->done) {
		PM_TRY(pm_scan_step(j->scan, seconds, &j->done, err));
		if (!j->done) {
			*ret_done = false;
			return PM_OK;
		}
		j->result.unreadable += pm_scan_unreadable(j->scan);
		/* The table of a class without instances that use it. */
		bool nomem = false;
		for (size_t i = 0; i < j->result.n; i++) {
			struct pm_slots_class *c = j->result.classes[i];
			if (c && c->instances)
				count_shared(
					j, c, c->type->cached_keys, &nomem);
		}
		if (nomem)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		PM_TRY(pm_slots_predict(j->h, &j->result, err));
	}
	*ret_done = true;
	return PM_OK;
}

void pm_slots_progress(
	const struct pm_slots_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_scan_progress(j->scan, ret_done, ret_total);
}

const struct pm_slots *pm_slots_result(const struct pm_slots_job *j)
{
	return &j->result;
}
