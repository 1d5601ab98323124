/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/ledger-internal.h"

#include "target/tasks.h"

#include <string.h>

const char *pm_ledger_kind(enum pm_ledger_class c)
{
	static const char *const kinds[] = {
#define X(name, kind, text) kind,
		PM_LEDGER_CLASSES(X)
#undef X
	};
	return kinds[c];
}

const char *pm_ledger_text(enum pm_ledger_class c)
{
	static const char *const texts[] = {
#define X(name, kind, text) text,
		PM_LEDGER_CLASSES(X)
#undef X
	};
	return texts[c];
}

void pm_ledger_destroy(struct pm_ledger_job *j)
{
	if (!j)
		return;
	pm_scan_destroy(j->scan);
	pm_residency_destroy(j->residency);
	pm_vec_deinit(&j->zones);
	pm_vec_deinit(&j->result.sizes);
	pm_map_deinit(&j->sizes);
	pm_vec_deinit(&j->stacks);
	free(j->bytes);
	free(j);
}

static void cleanup_job(struct pm_ledger_job **j)
{
	pm_ledger_destroy(*j);
}

static void add(struct pm_resident *to, const struct pm_resident *from)
{
	to->mapped += from->mapped;
	to->resident += from->resident;
	to->swapped += from->swapped;
	to->exclusive += from->exclusive;
}

static void count(const struct pm_ledger_job *j, pm_addr start, pm_addr end,
	struct pm_resident *to)
{
	pm_residency_add(j->residency, start, end, to);
	if (j->dumped)
		to->resident += end - start;
}

void ledger_put(
	struct pm_ledger_job *j, enum pm_ledger_class class, pm_addr end)
{
	if (end > j->limit)
		end = j->limit;
	if (end <= j->cursor)
		return;
	count(j, j->cursor, end, &j->result.rows[class]);
	j->cursor = end;
}

/* ---- room that is not in use ---- */

static bool wants(void *arg, const struct pm_type *t)
{
	(void)arg;
	return pm_has_fullness(t);
}

/* The tail of a container's buffer: for a table of hashes what is not in use
   is spread over it, which only matters to which of its pages are in memory. */
static bool see(void *arg, unsigned who, const struct pm_scanned *x)
{
	struct pm_ledger_job *j = arg;
	struct slack *s = &j->slack[who];
	const struct pm_objects *o = pm_scan_objects(j->scan, who);
	struct pm_fullness f;
	struct pm_measure m;
	enum pm_status st = pm_fullness(&j->fullness, o, x, &f);
	if (st == PM_OK && f.waste)
		st = pm_measure(o->l, x->type, x->addr, x->body, x->avail,
			&o->resolver.r, &m);
	if (st != PM_OK) {
		s->unreadable += st == PM_FAULT;
		s->inconsistent += st != PM_FAULT;
		return true;
	}
	if (!f.waste)
		return true;
	/* Small tables and values may be in the object itself. */
	pm_addr end = x->addr + m.extent, start = x->addr;
	if (m.nbuffers) {
		const struct pm_buffer *b = &m.buffers[0];
		start = b->addr;
		end = b->addr + b->bytes;
	}
	if (m.nbuffers && m.buffers[0].kind == PM_BUFFER_DEQUE)
		end = start + f.waste; /* in the first and the last link */
	if (f.waste > end - start ||
		(j->h->modules && pm_modules_at(j->h->modules, start)))
		return true;
	bool inside = pm_pools_find(j->h->pools, start) >= 0;
	count(j, end - f.waste, end, inside ? &s->in_arenas : &s->outside);
	return true;
}

/* Takes of row what is in part; no more than it has. */
static void move(struct pm_resident *row, struct pm_resident *to,
	const struct pm_resident *part)
{
#define MOVE(field)                                                            \
	do {                                                                   \
		uint64_t n =                                                   \
			part->field < row->field ? part->field : row->field;   \
		row->field -= n;                                               \
		to->field += n;                                                \
	} while (0)
	MOVE(mapped);
	MOVE(resident);
	MOVE(swapped);
	MOVE(exclusive);
#undef MOVE
}

static void settle_slack(struct pm_ledger_job *j)
{
	struct pm_resident *rows = j->result.rows;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		const struct slack *s = &j->slack[i];
		move(&rows[PM_LEDGER_OBJECTS], &rows[PM_LEDGER_SLACK],
			&s->in_arenas);
		move(&rows[PM_LEDGER_LARGE], &rows[PM_LEDGER_SLACK],
			&s->outside);
		j->result.unreadable += s->unreadable;
		j->result.inconsistent += s->inconsistent;
	}
}

/* ---- mappings ---- */

static bool holds_stack(
	const struct pm_ledger_job *j, const struct pm_mapping *m)
{
	if (m->flags & PM_MAP_STACK)
		return true;
	size_t lo = 0, hi = j->stacks.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (j->stacks.data[mid] < m->start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < j->stacks.len && j->stacks.data[lo] < m->end;
}

/* Names that the kernel gives to memory that has no file in any file system:
   shm_open and mmap, memfd_create, System V. */
static bool is_shared_memory(const struct pm_mapping *m)
{
	static const char *const names[] = {
		"/dev/shm/", "/memfd:", "/SYSV", "/dev/zero"};
	if (!m->path)
		return m->flags & PM_MAP_SHARED;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strncmp(m->path, names[i], strlen(names[i])))
			return true;
	return false;
}

/* Where a module's image that m begins in ends; 0: it begins in none.  Behind
   the data of a module (.bss, a mapping without a file) the kernel may have put
   something else, and both are one mapping then. */
static pm_addr image_end(
	const struct pm_ledger_job *j, const struct pm_mapping *m)
{
	const struct pm_modules *ms = j->h->modules;
	const struct pm_module *in = ms ? pm_modules_at(ms, m->start) : NULL;
	const uint64_t page = 4096;
	if (in && m->path)
		return m->end;
	if (ms && !in && !m->path) {
		in = pm_modules_at(ms, m->start - 1);
		if (in && m->start >= in->data_end)
			in = NULL;
	}
	if (!in)
		return 0;
	pm_addr end = in->end > in->data_end ? in->end : in->data_end;
	end = (end + page - 1) / page * page;
	return end < m->end ? end : m->end;
}

static enum pm_ledger_class class_of_image(const struct pm_mapping *m)
{
	return m->flags & PM_MAP_WRITE ? PM_LEDGER_LIBRARIES_DATA
				       : PM_LEDGER_LIBRARIES_CODE;
}

/* What a mapping is where nobody divides it up. */
static enum pm_ledger_class class_of(
	const struct pm_ledger_job *j, const struct pm_mapping *m)
{
	if (m->flags & PM_MAP_SPECIAL)
		return PM_LEDGER_KERNEL;
	if (pm_target_knows_permissions(j->h->target) &&
		!(m->flags & (PM_MAP_READ | PM_MAP_WRITE | PM_MAP_EXEC |
				     PM_MAP_ABSENT)))
		return PM_LEDGER_GUARD;
	if (is_shared_memory(m))
		return PM_LEDGER_SHARED;
	if (image_end(j, m) == m->end)
		return class_of_image(m);
	if (m->path)
		return PM_LEDGER_FILES;
	if (holds_stack(j, m))
		return PM_LEDGER_STACKS;
	return PM_LEDGER_ANONYMOUS;
}

/* May Python's objects, or malloc's chunks, be in it? */
static bool is_divided(enum pm_ledger_class class)
{
	return class == PM_LEDGER_ANONYMOUS || class == PM_LEDGER_STACKS ||
	       class == PM_LEDGER_SHARED;
}

/* false: there is more of it. */
static bool put_zone(struct pm_ledger_job *j, const struct zone *z)
{
	switch (z->kind) {
	case ZONE_ARENA:
		ledger_put_arena(j, &j->h->pools->arenas.data[z->index]);
		break;
	case ZONE_MALLOC:
		return ledger_put_chunks(j, z->end);
	case ZONE_WHOLE:
		ledger_put(j, z->class, z->end);
		break;
	}
	return true;
}

static void begin_map(struct pm_ledger_job *j, const struct pm_mapping *m)
{
	const struct pm_target *t = j->h->target;
	j->class = class_of(j, m);
	j->cursor = m->start;
	j->limit = m->end;
	j->dumped = t->kind != PM_TARGET_LIVE &&
		    !(m->flags & (PM_MAP_ABSENT | PM_MAP_FROM_FILE));
	/* A zone may reach into the next mapping. */
	if (j->zone)
		j->zone--;
	while (j->zone < j->zones.len && j->zones.data[j->zone].end <= m->start)
		j->zone++;
	if (is_divided(j->class))
		ledger_put(j, class_of_image(m), image_end(j, m));
}

/* Allocators reserve much that they may need later.  Of a live process such
   pages are in no memory; a core has them as zeros. */
#define UNTOUCHED ((uint64_t)64 << 10)

static bool is_untouched(
	const struct pm_ledger_job *j, pm_addr at, size_t bytes)
{
	struct pm_resident sum = {0};
	unsigned char page[4096];
	if (j->residency) {
		pm_residency_add(j->residency, at, at + bytes, &sum);
		return j->residency->pages && !sum.resident && !sum.swapped;
	}
	return pm_target_read_some(j->h->target, at, page, bytes) == bytes &&
	       !page[0] && !memcmp(page, page + 1, bytes - 1);
}

static void put_unclaimed(struct pm_ledger_job *j, pm_addr end)
{
	const uint64_t page = 4096;
	pm_addr from = j->cursor; /* of the pages that nobody touched */
	for (pm_addr at = from; j->class == PM_LEDGER_ANONYMOUS && at < end;) {
		pm_addr next = (at / page + 1) * page;
		next = next < end ? next : end;
		bool untouched = is_untouched(j, at, (size_t)(next - at));
		if (untouched && next < end) {
			at = next;
			continue;
		}
		pm_addr stop = untouched ? next : at;
		if (stop - from >= UNTOUCHED) {
			ledger_put(j, j->class, from);
			ledger_put(j, PM_LEDGER_GUARD, stop);
		}
		from = at = next;
	}
	ledger_put(j, j->class, end);
}

/* One zone of the mapping, or the rest of it. */
static void go_on(struct pm_ledger_job *j)
{
	const struct zone *z =
		j->zone < j->zones.len ? &j->zones.data[j->zone] : NULL;
	if (!z || z->start >= j->limit || !is_divided(j->class)) {
		put_unclaimed(j, j->limit);
		return;
	}
	put_unclaimed(j, z->start < j->limit ? z->start : j->limit);
	if (!put_zone(j, z))
		return;
	ledger_put(j, j->class, z->end);
	j->zone++;
}

static bool sweep(struct pm_ledger_job *j, double deadline)
{
	const struct pm_target *t = j->h->target;
	for (unsigned n = 1;; n++) {
		if (!ledger_full(j))
			go_on(j);
		else if (j->map < t->maps.len)
			begin_map(j, &t->maps.data[j->map++]);
		else
			return true;
		if (n % 16 == 0 && pm_now() > deadline)
			return false;
	}
}

/* ---- the job ---- */

static int by_value(const void *a, const void *b)
{
	const pm_addr *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static enum pm_status find_stacks(struct pm_ledger_job *j, struct pm_error *err)
{
	struct pm_target *t = j->h->target;
	PM_TRY(pm_target_find_tasks(t, err));
	pm_vec_each (task, &t->tasks)
		if (task->sp && !pm_vec_push(&j->stacks, task->sp))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (j->stacks.len)
		qsort(j->stacks.data, j->stacks.len, sizeof *j->stacks.data,
			by_value);
	return PM_OK;
}

enum pm_status pm_ledger_create(struct pm_heap *h, struct pm_malloc *m,
	struct pm_ledger_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_ledger_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->malloc = m;
	if (h->target->kind == PM_TARGET_LIVE &&
		pm_residency_create(h->target, &j->residency, NULL) == PM_NOMEM)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->result.residency = j->residency;
	j->result.has_resident = h->target->kind == PM_TARGET_CORE ||
				 h->target->kind == PM_TARGET_IMAGE ||
				 (j->residency && j->residency->pages);
	uint64_t most = h->pools->pool_size;
	for (size_t i = 0; i < h->pools->npools; i++)
		if (pm_pools_bytes(h->pools, i) > most)
			most = pm_pools_bytes(h->pools, i);
	j->bytes = malloc((size_t)most + 1);
	if (!j->bytes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(find_stacks(j, err));
	PM_TRY(ledger_find_zones(j, err));
	pm_fullness_reader_init(h, &j->fullness);
	PM_TRY(pm_scan_create(h, wants, 0, see, j, &j->scan, err));
	j->dumped = h->target->kind != PM_TARGET_LIVE;
	*ret = pm_take(j);
	return PM_OK;
}

enum pm_status pm_ledger_step(struct pm_ledger_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	*ret_done = j->done;
	if (j->done)
		return PM_OK;
	if (!j->scanned) {
		PM_TRY(pm_scan_step(j->scan, seconds, &j->scanned, err));
		return PM_OK;
	}
	if (!sweep(j, deadline))
		return PM_OK;
	PM_TRY(ledger_sort_sizes(j, err));
	settle_slack(j);
	j->result.unreadable += pm_scan_unreadable(j->scan);
	for (int i = 0; i < PM_LEDGER_CLASS_COUNT; i++)
		add(&j->result.sum, &j->result.rows[i]);
	*ret_done = j->done = true;
	return PM_OK;
}

void pm_ledger_progress(
	const struct pm_ledger_job *j, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_scan_progress(j->scan, ret_done, ret_total);
}

const struct pm_ledger *pm_ledger_result(const struct pm_ledger_job *j)
{
	return &j->result;
}
