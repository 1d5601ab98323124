/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/pages.h"

#include "heap/footprint.h"
#include "heap/team.h"

#include <string.h>

struct part {
	PM_VEC(struct pm_pages_row) rows; /* by type id */
};

struct pm_pages_job {
	struct pm_heap *h;
	const struct pm_residency *r;
	struct pm_scan *scan;
	struct part parts[PM_TEAM_MAX];
	bool done;
};

void pm_pages_destroy(struct pm_pages_job *j)
{
	if (!j)
		return;
	pm_scan_destroy(j->scan);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		pm_vec_deinit(&j->parts[i].rows);
	free(j);
}

static void cleanup_job(struct pm_pages_job **j)
{
	pm_pages_destroy(*j);
}

static struct pm_pages_row *row(struct part *p, uint32_t id)
{
	if (id < p->rows.len)
		return &p->rows.data[id];
	if (!pm_vec_reserve(&p->rows, id + 64))
		return NULL;
	memset(p->rows.data + p->rows.len, 0,
		(p->rows.cap - p->rows.len) * sizeof *p->rows.data);
	p->rows.len = p->rows.cap;
	return &p->rows.data[id];
}

/* One link after the other; of an OrderedDict's nodes only the first is known
   here, and stands for all. */
static void add_chain(const struct pm_pages_job *j, const struct pm_objects *o,
	const struct pm_buffer *b, struct pm_resident *to)
{
	pm_addr at = b->addr;
	for (uint64_t i = 0; at && i < b->count; i++) {
		pm_residency_add(j->r, at, at + b->bytes, to);
		if (b->kind == PM_BUFFER_DEQUE &&
			pm_memory_read_uint(o->m, at + pm_deque_next_at(o->l),
				o->l->t.word_size, &at, NULL) != PM_OK)
			return;
	}
}

static bool see(void *arg, unsigned who, const struct pm_scanned *x)
{
	struct pm_pages_job *j = arg;
	const struct pm_objects *o = pm_scan_objects(j->scan, who);
	struct pm_pages_row *to = row(&j->parts[who], x->type->id);
	struct pm_measure m;
	if (!to)
		return false;
	to->count++;
	if (pm_measure(o->l, x->type, x->addr, x->body, x->avail,
		    &o->resolver.r, &m) != PM_OK)
		return true;
	pm_addr start = x->addr - x->type->pre;
	uint64_t bytes = x->block ? x->block : m.extent + x->type->pre;
	if (x->block)
		start = x->start;
	pm_residency_add(j->r, start, start + bytes, &to->bytes);
	for (unsigned i = 0; i < m.nbuffers; i++) {
		const struct pm_buffer *b = &m.buffers[i];
		if (b->kind == PM_BUFFER_DEQUE || b->kind == PM_BUFFER_NODES)
			add_chain(j, o, b, &to->bytes);
		else if (!b->shared)
			pm_residency_add(
				j->r, b->addr, b->addr + b->bytes, &to->bytes);
	}
	return true;
}

enum pm_status pm_pages_create(struct pm_heap *h, const struct pm_residency *r,
	struct pm_pages_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_pages_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->r = r;
	PM_TRY(pm_scan_create(h, NULL, 0, see, j, &j->scan, err));
	*ret = pm_take(j);
	return PM_OK;
}

static bool gather(struct pm_pages_job *j)
{
	for (unsigned i = 1; i < PM_TEAM_MAX; i++) {
		const struct part *p = &j->parts[i];
		for (size_t id = 0; id < p->rows.len; id++) {
			const struct pm_pages_row *from = &p->rows.data[id];
			struct pm_pages_row *to =
				row(&j->parts[0], (uint32_t)id);
			if (!to)
				return false;
			to->count += from->count;
			to->bytes.mapped += from->bytes.mapped;
			to->bytes.resident += from->bytes.resident;
			to->bytes.swapped += from->bytes.swapped;
			to->bytes.exclusive += from->bytes.exclusive;
		}
	}
	return true;
}

enum pm_status pm_pages_step(struct pm_pages_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	*ret_done = j->done;
	if (j->done)
		return PM_OK;
	PM_TRY(pm_scan_step(j->scan, seconds, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	j->done = true;
	return gather(j) ? PM_OK : pm_fail(err, PM_NOMEM, 0, "out of memory");
}

void pm_pages_progress(
	const struct pm_pages_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_scan_progress(j->scan, ret_done, ret_total);
}

const struct pm_pages_row *pm_pages_rows(
	const struct pm_pages_job *j, size_t *ret_n)
{
	*ret_n = j->parts[0].rows.len;
	return j->parts[0].rows.data;
}
