/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/collections.h"

#include "heap/footprint.h"
#include "heap/fullness.h"
#include "heap/roles.h"
#include "heap/team.h"

#include <string.h>

/* One thread's rows. */
struct part {
	struct pm_map by_key; /* -> row, plus 1 */
	PM_VEC(struct pm_collections_row) rows;
	uint64_t unreadable, inconsistent;
};

struct pm_collections_job {
	struct pm_heap *h;
	enum pm_collections_by by;
	struct pm_fullness_reader reader;
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

static enum pm_fill fill_class(const struct pm_fullness *c)
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
	struct pm_fullness c;
	enum pm_status s = pm_fullness(&j->reader, o, x, &c);
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
	return pm_has_fullness(t);
}

enum pm_status pm_collections_create(struct pm_heap *h,
	enum pm_collections_by by, struct pm_collections_job **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_collections_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->by = by;
	pm_fullness_reader_init(h, &j->reader);
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
