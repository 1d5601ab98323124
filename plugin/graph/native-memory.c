/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/native-memory.h"
#include "heap/team.h"
#include "layout/held.h"
#include "object/threads.h"
#include "target/module.h"
#include "target/tasks.h"

#include <inttypes.h>

#define MAX_HITS 65536
#define HITS_AT_ONCE 64

struct target {
	pm_addr object, at; /* 0: not found yet */
};

struct pm_native_memory {
	struct pm_heap *h;
	struct target targets[PM_NATIVE_TARGETS];
	size_t n;
	PM_VEC(struct pm_memory_range) known;
	const struct pm_malloc *malloc; /* may be NULL */
	struct pm_search *search;	/* NULL: nothing to look for */
	bool searched;
	size_t hit;
};

void pm_native_memory_destroy(struct pm_native_memory *j)
{
	if (!j)
		return;
	pm_vec_deinit(&j->known);
	pm_search_destroy(j->search);
	free(j);
}

static void cleanup_job(struct pm_native_memory **j)
{
	pm_native_memory_destroy(*j);
}

static bool add_known(struct pm_native_memory *j, pm_addr at, uint64_t bytes)
{
	return !at ||
	       pm_vec_push(&j->known, (struct pm_memory_range){at, at + bytes});
}

/* Structs of the runtime, and stacks. */
static enum pm_status find_known(
	struct pm_native_memory *j, struct pm_error *err)
{
	const struct pm_layout *l = j->h->l;
	struct pm_target *t = j->h->target;
	pm_auto_threads threads = {0};
	PM_TRY(pm_threads_load(l, j->h->memory, &threads, err));
	PM_TRY(pm_target_find_tasks(t, err));
	bool ok = add_known(j, l->at.runtime.addr,
		pm_layout_holder_size(l, PM_HOLDER_RUNTIME));
	pm_each_interpreter (i, l, j->h->memory)
		ok = ok && add_known(j, i.at,
				   pm_layout_holder_size(l, PM_HOLDER_INTERP));
	pm_vec_each (x, &threads.list)
		ok = ok && add_known(j, x->addr,
				   pm_layout_holder_size(l, PM_HOLDER_THREAD));
	pm_vec_each (x, &t->tasks) {
		const struct pm_mapping *m = pm_target_find_map(t, x->sp);
		ok = ok && (!m || add_known(j, m->start, m->end - m->start));
	}
	pm_vec_each (x, &j->h->stacks)
		ok = ok && add_known(j, x->start, x->end - x->start);
	return ok ? PM_OK : pm_fail(err, PM_NOMEM, 0, "out of memory");
}

enum pm_status pm_native_memory_create(struct pm_heap *h,
	const pm_addr *objects, size_t n, struct pm_native_memory **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_native_memory *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	struct pm_search_for what = {
		.width = h->l->t.word_size, .big_endian = h->l->t.big_endian};
	j->h = h;
	for (size_t i = 0; i < n && i < PM_NATIVE_TARGETS; i++) {
		j->targets[j->n++].object = objects[i];
		what.ranges[what.nranges++].first = objects[i];
	}
	/* Ranges are of this machine's byte order. */
	if (j->n && h->l->t.big_endian == PM_HOST_BIG_ENDIAN) {
		PM_TRY(find_known(j, err));
		PM_TRY(pm_search_create(
			h->target, &what, MAX_HITS, &j->search, err));
	}
	*ret = pm_take(j);
	return PM_OK;
}

/* Is addr in one of these, which are sorted? */
static bool is_within(const struct pm_outside *list, size_t n, pm_addr addr)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (list[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && addr - list[lo - 1].addr < list[lo - 1].bytes;
}

/* A block that is used, and no object's. */
static bool is_block_of_c(const struct pm_heap *h, size_t pool, pm_addr at)
{
	bool carved, unused;
	pm_addr block = pm_pools_block(h->pools, pool, at);
	if (!block || h->pools->pools[pool].state != PM_POOL_USED)
		return false;
	uint64_t bit = pm_heap_bit(h, pool, block);
	return !((h->is_object[bit / 64] | h->is_buffer[bit / 64]) >> bit % 64 &
		       1) &&
	       pm_pools_ask_block(h->l, h->memory, h->pools, pool, block,
		       &carved, &unused) &&
	       carved && !unused;
}

static bool is_free(const struct pm_native_memory *j, pm_addr at)
{
	struct pm_malloc_chunk c;
	return j->malloc && pm_malloc_find(j->malloc, at, &c) &&
	       c.state != PM_CHUNK_USED && c.state != PM_CHUNK_TORN;
}

static bool is_native(const struct pm_native_memory *j, pm_addr at)
{
	const struct pm_heap *h = j->h;
	int64_t pool = pm_pools_find(h->pools, at);
	if (pool >= 0)
		return is_block_of_c(h, (size_t)pool, at);
	pm_vec_each (r, &j->known)
		if (at >= r->start && at < r->end)
			return false;
	return !(h->modules && pm_modules_at(h->modules, at)) &&
	       !is_free(j, at) &&
	       !is_within(h->outside.data, h->outside.len, at) &&
	       !is_within(h->buffers.data, h->buffers.len, at);
}

static void see_hit(struct pm_native_memory *j, pm_addr at)
{
	const struct pm_layout *l = j->h->l;
	uint64_t word;
	if (pm_memory_read_uint(
		    j->h->memory, at, l->t.word_size, &word, NULL) != PM_OK)
		return;
	for (size_t i = 0; i < j->n; i++)
		if (j->targets[i].object == word && !j->targets[i].at &&
			is_native(j, at))
			j->targets[i].at = at;
}

bool pm_native_memory_looks(const struct pm_native_memory *j)
{
	return j->search != NULL;
}

void pm_native_memory_know(
	struct pm_native_memory *j, const struct pm_malloc *m)
{
	j->malloc = m;
}

enum pm_status pm_native_memory_step(struct pm_native_memory *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	*ret_done = !j->search;
	if (!j->search)
		return PM_OK;
	if (!j->searched)
		return pm_search_step(j->search, seconds, &j->searched, err);
	const struct pm_search_result *r = pm_search_result(j->search);
	while (j->hit < r->hits.len) {
		see_hit(j, r->hits.data[j->hit++].addr);
		if (j->hit % HITS_AT_ONCE == 0 && pm_now() > end)
			return PM_OK;
	}
	*ret_done = true;
	return PM_OK;
}

bool pm_native_memory_describe(
	const struct pm_native_memory *j, pm_addr object, struct pm_strbuf *out)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->targets[i].object == object && j->targets[i].at) {
			pm_strbuf_printf(out, "native memory at 0x%" PRIx64,
				j->targets[i].at);
			return true;
		}
	return false;
}
