/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/collections.h"

#include "heap/footprint.h"
#include "heap/roles.h"
#include "heap/team.h"

#include <string.h>

#define MAX_ITEMS (UINT64_C(1) << 40)

struct collection {
	uint64_t used, capacity, waste;
};

/* One thread's rows. */
struct part {
	struct pm_map by_key; /* -> row, plus 1 */
	PM_VEC(struct pm_collections_row) rows;
	uint64_t unreadable, inconsistent;
};

struct pm_collections_job {
	struct pm_heap *h;
	enum pm_collections_by by;
	struct pm_keys_shape shapes[PM_MAX_CLASSES]; /* bytes 0: look */
	struct pm_roles *roles;
	bool has_roles;
	struct pm_scan *scan;
	struct part parts[PM_TEAM_MAX];
	struct pm_collections result;
	bool done;
};

const char *pm_fill_text(enum pm_fill fill)
{
	switch (fill) {
	case PM_FILL_EMPTY:
		return "empty";
	case PM_FILL_ONE:
		return "one element";
	case PM_FILL_QUARTER:
		return "up to 25 %";
	case PM_FILL_HALF:
		return "up to 50 %";
	case PM_FILL_THREE_QUARTERS:
		return "up to 75 %";
	case PM_FILL_MORE:
	case PM_FILLS:
		return "more";
	}
	return "";
}

void pm_collections_destroy(struct pm_collections_job *j)
{
	if (!j)
		return;
	pm_scan_destroy(j->scan);
	pm_roles_destroy(j->roles);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		pm_map_deinit(&j->parts[i].by_key);
		pm_vec_deinit(&j->parts[i].rows);
	}
	pm_vec_deinit(&j->result.rows);
	free(j);
}

/* ---- how full one is ---- */

static enum pm_status list_fill(const struct pm_layout *l,
	const unsigned char *body, struct collection *c)
{
	int64_t n = pm_get_signed(l, body, l->f.var_object.size);
	int64_t cap = pm_get_signed(l, body, l->f.list.allocated);
	if (cap == -1 && !n) /* while it is being sorted */
		cap = 0;
	if (n < 0 || cap < n || (uint64_t)cap > MAX_ITEMS)
		return PM_CORRUPT;
	*c = (struct collection){(uint64_t)n, (uint64_t)cap,
		(uint64_t)(cap - n) * l->t.word_size};
	return PM_OK;
}

static bool keys_shape(struct pm_collections_job *j, const struct pm_objects *o,
	pm_addr keys, struct pm_keys_shape *ret)
{
	const struct pm_pools *p = j->h->pools;
	int64_t pool = pm_pools_find(p, keys);
	struct pm_keys k;
	if (pool >= 0 && p->pools[pool].state == PM_POOL_USED) {
		*ret = j->shapes[p->pools[pool].szidx];
		if (ret->bytes)
			return true;
	}
	if (pm_keys_load(o->l, o->m, keys, &k, NULL) != PM_OK)
		return false;
	*ret = (struct pm_keys_shape){k.bytes, k.usable, k.entry_size};
	return true;
}

static enum pm_status dict_fill(struct pm_collections_job *j,
	const struct pm_objects *o, const unsigned char *body,
	struct collection *c)
{
	const struct pm_layout *l = o->l;
	uint64_t used = pm_get(l, body, l->f.dict.used);
	pm_addr keys = pm_get(l, body, l->f.dict.keys);
	pm_addr values = pm_get(l, body, l->f.dict.values);
	struct pm_keys_shape shape;
	struct pm_keys k;
	if (!keys || used > MAX_ITEMS)
		return PM_CORRUPT;
	if (values) { /* names in a table of the class: only values are its */
		if (pm_keys_load(l, o->m, keys, &k, NULL) != PM_OK)
			return PM_FAULT;
		shape = (struct pm_keys_shape){
			0, k.values_usable, l->t.word_size};
	} else if (!keys_shape(j, o, keys, &shape)) {
		return PM_FAULT;
	}
	if (used > shape.usable && used)
		return PM_CORRUPT;
	/* The table of an empty dict may be the one that all of them share. */
	bool shared = !used && j->h->modules &&
		      pm_pools_find(j->h->pools, keys) < 0 &&
		      pm_modules_at(j->h->modules, keys);
	if (shared)
		shape.usable = 0;
	*c = (struct collection){
		used, shape.usable, (shape.usable - used) * shape.entry_size};
	return PM_OK;
}

/* A table of slots; the first few are in the object itself, at small. */
static enum pm_status slots_fill(uint64_t used, uint64_t slots, pm_addr table,
	pm_addr small, uint32_t entry_size, struct collection *c)
{
	if (!table || slots & (slots - 1) || slots > MAX_ITEMS || used > slots)
		return PM_CORRUPT;
	*c = (struct collection){
		used, slots, table == small ? 0 : (slots - used) * entry_size};
	return PM_OK;
}

static enum pm_status set_fill(const struct pm_layout *l, pm_addr addr,
	const unsigned char *body, struct collection *c)
{
	return slots_fill(pm_get(l, body, l->f.set.used),
		pm_get(l, body, l->f.set.mask) + 1,
		pm_get(l, body, l->f.set.table), addr + l->f.set.smalltable.off,
		l->f.set_entry.sizeof_.off, c);
}

/* Dicts of 2.7 are made like sets. */
static enum pm_status old_dict_fill(const struct pm_layout *l, pm_addr addr,
	const unsigned char *body, struct collection *c)
{
	return slots_fill(pm_get(l, body, l->f.dict.used),
		pm_get(l, body, l->f.dict.mask) + 1,
		pm_get(l, body, l->f.dict.table),
		addr + l->f.dict.smalltable.off, l->f.dict_entry.sizeof_.off,
		c);
}

static enum pm_status other_fill(const struct pm_objects *o,
	const struct pm_scanned *x, struct collection *c)
{
	const struct pm_layout *l = o->l;
	struct pm_measure m;
	uint64_t n = x->type->kind == PM_KIND_DEQUE
			     ? (uint64_t)pm_deque_length(l, x->body)
			     : pm_get(l, x->body, l->f.var_object.size);
	enum pm_status s = pm_measure(
		l, x->type, x->addr, x->body, x->avail, &o->resolver.r, &m);
	if (s != PM_OK)
		return s;
	if (x->type->kind == PM_KIND_BYTEARRAY) {
		uint64_t cap = pm_get(l, x->body, l->f.bytearray.alloc);
		/* A zero stands behind the last byte; that of a bytes object
		   is not counted (3.15). */
		uint64_t taken =
			n && !pm_has(l->f.bytearray.bytes_object) ? n + 1 : n;
		if (cap > MAX_ITEMS || n > cap)
			return PM_CORRUPT;
		*c = (struct collection){n, cap, cap > taken ? cap - taken : 0};
		return PM_OK;
	}
	uint64_t cap = m.nbuffers ? m.buffers[0].count * l->t.deque_items : 0;
	if (n > cap)
		return PM_CORRUPT;
	*c = (struct collection){n, cap, (cap - n) * l->t.word_size};
	return PM_OK;
}

static enum pm_status fill_of(struct pm_collections_job *j,
	const struct pm_objects *o, const struct pm_scanned *x,
	struct collection *c)
{
	switch (x->type->kind) {
	case PM_KIND_LIST:
		return list_fill(o->l, x->body, c);
	case PM_KIND_DICT:
	case PM_KIND_ODICT:
		return o->l->t.keys_form == PM_KEYS_TABLE
			       ? old_dict_fill(o->l, x->addr, x->body, c)
			       : dict_fill(j, o, x->body, c);
	case PM_KIND_SET:
		return set_fill(o->l, x->addr, x->body, c);
	default:
		return other_fill(o, x, c);
	}
}

static enum pm_fill fill_class(const struct collection *c)
{
	if (!c->used)
		return PM_FILL_EMPTY;
	if (c->used == 1)
		return PM_FILL_ONE;
	if (c->used * 4 <= c->capacity)
		return PM_FILL_QUARTER;
	if (c->used * 2 <= c->capacity)
		return PM_FILL_HALF;
	return c->used * 4 <= c->capacity * 3 ? PM_FILL_THREE_QUARTERS
					      : PM_FILL_MORE;
}

/* ---- rows ---- */

static struct pm_collections_row *row_for(
	struct part *p, const struct pm_collections_row *like)
{
	uint64_t key = ((uint64_t)like->owner << 32 |
			       (uint64_t)like->type->id << 3 | like->fill) +
		       1;
	bool added;
	struct pm_map_slot *s = pm_map_put(&p->by_key, key, &added);
	if (!s)
		return NULL;
	if (added) {
		if (!pm_vec_push(&p->rows,
			    (struct pm_collections_row){.type = like->type,
				    .owner = like->owner,
				    .fill = like->fill}))
			return NULL;
		s->value = p->rows.len;
	}
	return &p->rows.data[s->value - 1];
}

static void add(
	struct pm_collections_row *to, const struct pm_collections_row *from)
{
	to->count += from->count;
	to->used += from->used;
	to->capacity += from->capacity;
	to->waste += from->waste;
	to->empty_bytes += from->empty_bytes;
	for (int i = 0; i < PM_FILLS; i++)
		to->fills[i] += from->fills[i];
	if (!to->sample || from->sample_waste > to->sample_waste ||
		(from->sample_waste == to->sample_waste &&
			from->sample < to->sample)) {
		to->sample = from->sample;
		to->sample_waste = from->sample_waste;
	}
}

/* What the allocator set aside for one, its buffers included. */
static uint64_t bytes_of(struct pm_collections_job *j,
	const struct pm_objects *o, const struct pm_scanned *x)
{
	struct pm_measure m;
	uint64_t bytes = x->block;
	if (pm_measure(o->l, x->type, x->addr, x->body, x->avail,
		    &o->resolver.r, &m) != PM_OK)
		return bytes;
	if (!bytes && !x->is_static)
		bytes = pm_block_size(j->h, o->m, x->addr - x->type->pre,
			m.extent + x->type->pre);
	for (unsigned i = 0; i < m.nbuffers; i++)
		if (!m.buffers[i].shared)
			bytes += pm_block_size(j->h, o->m, m.buffers[i].addr,
				m.buffers[i].bytes);
	return bytes;
}

static bool see(void *arg, unsigned who, const struct pm_scanned *x)
{
	struct pm_collections_job *j = arg;
	struct part *p = &j->parts[who];
	const struct pm_objects *o = pm_scan_objects(j->scan, who);
	struct collection c;
	enum pm_status s = fill_of(j, o, x, &c);
	if (s != PM_OK) {
		p->unreadable += s == PM_FAULT;
		p->inconsistent += s != PM_FAULT;
		return true;
	}
	enum pm_fill fill = fill_class(&c);
	struct pm_collections_row one = {
		.type = x->type,
		.owner = j->roles ? pm_roles_of(j->roles, x->addr) : 0,
		.fill = j->by == PM_BY_FILL ? fill : PM_FILL_EMPTY,
		.count = 1,
		.used = c.used,
		.capacity = c.capacity,
		.waste = c.waste,
		.sample = x->addr,
		.sample_waste = c.waste,
	};
	one.fills[fill] = 1;
	if (fill == PM_FILL_EMPTY)
		one.empty_bytes = bytes_of(j, o, x);
	struct pm_collections_row *to = row_for(p, &one);
	if (to)
		add(to, &one);
	return to;
}

/* ---- the job ---- */

static void cleanup_job(struct pm_collections_job **j)
{
	pm_collections_destroy(*j);
}

static bool wants(void *arg, const struct pm_type *t)
{
	(void)arg;
	return t->kind == PM_KIND_LIST || t->kind == PM_KIND_DICT ||
	       t->kind == PM_KIND_ODICT || t->kind == PM_KIND_SET ||
	       t->kind == PM_KIND_DEQUE || t->kind == PM_KIND_BYTEARRAY;
}

enum pm_status pm_collections_create(struct pm_heap *h,
	enum pm_collections_by by, struct pm_collections_job **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_collections_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	const struct pm_pools *p = h->pools;
	j->h = h;
	j->by = by;
	for (unsigned i = 0; !p->pages && i < p->nclasses; i++)
		if (!pm_keys_shape_of_class(h->l, pm_pools_class_size(p, i),
			    p->alignment, p->hook_pre + p->hook_post,
			    &j->shapes[i]))
			j->shapes[i].bytes = 0;
	if (by == PM_BY_OWNER)
		PM_TRY(pm_roles_create(h, &j->roles, err));
	PM_TRY(pm_scan_create(h, wants, 0, see, j, &j->scan, err));
	*ret = pm_take(j);
	return PM_OK;
}

static enum pm_status gather(struct pm_collections_job *j, struct pm_error *err)
{
	struct part *all = &j->parts[0];
	for (unsigned i = 1; i < PM_TEAM_MAX; i++) {
		pm_vec_each (row, &j->parts[i].rows) {
			struct pm_collections_row *to = row_for(all, row);
			if (!to)
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
			add(to, row);
		}
		all->unreadable += j->parts[i].unreadable;
		all->inconsistent += j->parts[i].inconsistent;
	}
	j->result.unreadable = all->unreadable + pm_scan_unreadable(j->scan);
	if (j->roles)
		j->result.unreadable += pm_roles_unreadable(j->roles);
	j->result.inconsistent = all->inconsistent;
	pm_vec_each (row, &all->rows)
		if (!pm_vec_push(&j->result.rows, *row))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

enum pm_status pm_collections_step(struct pm_collections_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	*ret_done = j->done;
	if (j->done)
		return PM_OK;
	if (j->roles && !j->has_roles)
		return pm_roles_step(j->roles, seconds, &j->has_roles, err);
	bool finished;
	PM_TRY(pm_scan_step(j->scan, seconds, &finished, err));
	if (!finished)
		return PM_OK;
	PM_TRY(gather(j, err));
	*ret_done = j->done = true;
	return PM_OK;
}

void pm_collections_progress(const struct pm_collections_job *j,
	uint64_t *ret_done, uint64_t *ret_total)
{
	if (j->roles && !j->has_roles)
		pm_roles_progress(j->roles, ret_done, ret_total);
	else
		pm_scan_progress(j->scan, ret_done, ret_total);
}

struct pm_collections *pm_collections_result(struct pm_collections_job *j)
{
	return &j->result;
}

void pm_collections_owner(struct pm_collections_job *j,
	const struct pm_collections_row *row, struct pm_strbuf *out)
{
	const char *text =
		j->roles ? pm_roles_text(j->roles, row->owner) : NULL;
	if (text)
		pm_strbuf_puts(out, text);
}
