/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/instances.h"
#include "heap/team.h"

#include <string.h>

#define OUTSIDE_BATCH 64
#define TYPE_CACHE 1024
#define TAIL 128

/* One thread's part. */
struct reader {
	struct pm_memory *memory;
	struct pm_objects objects;
	unsigned char *chunk;
	struct pm_object x;
	struct {
		pm_addr addr;
		const struct pm_type *type; /* NULL: none */
	} types[TYPE_CACHE];
	uint64_t unreadable;
};

struct pm_instances {
	struct pm_heap *h;
	pm_instance_fn *found;
	void *arg;
	bool *wanted; /* by type id */
	uint32_t ntypes;
	struct pm_team team;
	struct reader *readers[PM_TEAM_MAX];
	bool stopped;
};

void pm_instances_destroy(struct pm_instances *j)
{
	if (!j)
		return;
	for (unsigned i = 0; i < PM_TEAM_MAX && j->readers[i]; i++) {
		pm_memory_destroy(j->readers[i]->memory);
		free(j->readers[i]->chunk);
		free(j->readers[i]);
	}
	free(j->wanted);
	free(j);
}

static void cleanup_instances(struct pm_instances **j)
{
	pm_instances_destroy(*j);
}

static const struct pm_type *type_at(
	struct pm_instances *j, struct reader *r, pm_addr addr)
{
	size_t i = (addr >> 3) * 0x9E3779B97F4A7C15u >> 54;
	if (r->types[i].addr != addr) {
		const struct pm_type *t = NULL;
		if (pm_pools_may_hold_type(j->h->pools, j->h->l, addr))
			t = pm_types_get(j->h->types, addr);
		r->types[i].addr = addr;
		r->types[i].type = t && t->is_type ? t : NULL;
	}
	return r->types[i].type;
}

static bool is_wanted(const struct pm_instances *j, const struct pm_type *t)
{
	return t->id < j->ntypes && j->wanted[t->id];
}

/* The object whose pre-header begins at data: room bytes are there. */
static bool give(struct pm_instances *j, unsigned who, const struct pm_type *t,
	pm_addr addr, const unsigned char *data, uint32_t room)
{
	const struct pm_layout *l = j->h->l;
	struct pm_object *x = &j->readers[who]->x;
	if (room > t->pre + PM_MEASURE_HEAD)
		room = t->pre + PM_MEASURE_HEAD;
	x->addr = addr + t->pre;
	x->type = t;
	x->avail = room - t->pre;
	unsigned char *to = x->bytes + PM_OBJECT_MAX_PRE - t->pre;
	memcpy(to, data, room);
	/* What a struct would have behind the end of its block reads as 0. */
	size_t rest = sizeof x->bytes - (size_t)(to + room - x->bytes);
	memset(to + room, 0, rest < TAIL ? rest : TAIL);
	uint64_t word = pm_refcnt_word(l, pm_object_body(x), &x->immortal);
	x->refcnt = l->t.refcnt_form == PM_REFCNT_LOW32
			    ? (int64_t)(uint32_t)word
			    : (int64_t)word;
	return j->found(j->arg, who, x);
}

/* A block that holds an object: where in it depends on its type. */
static bool one_block(struct pm_instances *j, unsigned who, size_t pool,
	pm_addr block, const unsigned char *data, uint32_t size)
{
	const struct pm_pools *p = j->h->pools;
	const struct pm_layout *l = j->h->l;
	uint32_t pres[PM_PRES], hooks = p->hook_pre + p->hook_post;
	unsigned n = pm_heap_pres(j->h, pool, pres);
	for (unsigned i = 0; i < n; i++) {
		uint32_t at = p->hook_pre + pres[i];
		if (size < hooks + pres[i] + l->f.object.sizeof_.off)
			continue;
		const struct pm_type *t = type_at(j, j->readers[who],
			pm_load(data + at + l->f.object.type.off,
				l->t.word_size, l->t.big_endian));
		if (!t || t->pre != pres[i])
			continue;
		return !is_wanted(j, t) ||
		       give(j, who, t, block + p->hook_pre, data + p->hook_pre,
			       size - hooks);
	}
	return true;
}

static bool one_pool(struct pm_instances *j, unsigned who, size_t pool,
	pm_addr addr, const unsigned char *bytes)
{
	const struct pm_pools *p = j->h->pools;
	uint32_t size = pm_pools_class_size(p, p->pools[pool].szidx);
	size_t first, n = pm_pools_words(p, pool, &first);
	for (size_t w = first; w < first + n; w++) {
		uint64_t word = j->h->is_object[w];
		while (word) {
			unsigned bit = (unsigned)__builtin_ctzll(word);
			word &= word - 1;
			pm_addr block =
				pm_pools_bit_block(p, pool, w * 64 + bit);
			if (!one_block(j, who, pool, block,
				    bytes + (block - addr), size))
				return false;
		}
	}
	return true;
}

/* Pools side by side, read at once. */
static bool one_run(struct pm_instances *j, unsigned who, size_t index)
{
	const struct pm_pools *p = j->h->pools;
	const struct pm_run_of_pools *run = &p->runs.data[index];
	struct reader *r = j->readers[who];
	const unsigned char *bytes =
		pm_target_view(j->h->target, run->addr, run->bytes);
	size_t got = run->bytes;
	if (!bytes) {
		got = pm_target_read_some(
			j->h->target, run->addr, r->chunk, run->bytes);
		bytes = r->chunk;
	}
	for (size_t i = run->pool0; i < (size_t)run->pool0 + run->npools; i++) {
		if (p->pools[i].state != PM_POOL_USED)
			continue;
		pm_addr addr = pm_pools_address(p, i);
		size_t off = (size_t)(addr - run->addr);
		size_t size = pm_pools_bytes(p, i);
		if (off + size > got &&
			(bytes != r->chunk ||
				pm_target_read_some(j->h->target, addr,
					r->chunk + off, size) < size)) {
			r->unreadable++;
			continue;
		}
		if (!one_pool(j, who, i, addr, bytes + off))
			return false;
	}
	return true;
}

static bool some_outside(struct pm_instances *j, unsigned who, size_t first)
{
	struct reader *r = j->readers[who];
	for (size_t i = first;
		i < first + OUTSIDE_BATCH && i < j->h->outside.len; i++) {
		const struct pm_outside *o = &j->h->outside.data[i];
		if (o->type_id >= j->ntypes || !j->wanted[o->type_id])
			continue;
		if (pm_object_load(&r->objects, o->addr, &r->x, NULL) != PM_OK)
			r->unreadable++;
		else if (!j->found(j->arg, who, &r->x))
			return false;
	}
	return true;
}

static bool one_unit(void *arg, unsigned who, size_t i)
{
	struct pm_instances *j = arg;
	size_t runs = j->h->pools->runs.len;
	bool ok = i < runs ? one_run(j, who, i)
			   : some_outside(j, who, (i - runs) * OUTSIDE_BATCH);
	if (!ok)
		__atomic_store_n(&j->stopped, true, __ATOMIC_RELAXED);
	return ok;
}

static enum pm_status create_readers(
	struct pm_instances *j, struct pm_error *err)
{
	size_t chunk = 1;
	pm_vec_each (run, &j->h->pools->runs)
		if (run->bytes > chunk)
			chunk = run->bytes;
	for (unsigned i = 0; i < j->team.size; i++) {
		struct reader *r = calloc(1, sizeof *r);
		if (!r)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		j->readers[i] = r;
		PM_TRY(pm_memory_create(j->h->target, 0, &r->memory, err));
		pm_objects_init(&r->objects, j->h->l, r->memory, j->h->types);
		r->chunk = malloc(chunk);
		if (!r->chunk)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

enum pm_status pm_instances_create(struct pm_heap *h, bool serial,
	pm_wants_fn *wants, pm_instance_fn *found, void *arg,
	struct pm_instances **ret, struct pm_error *err)
{
	if (!h->done)
		return pm_fail(err, PM_ABSENT, 0, "the heap was not walked");
	PM_CLEANUP(cleanup_instances)
	struct pm_instances *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->found = found;
	j->arg = arg;
	j->ntypes = pm_types_count(h->types);
	j->wanted = calloc(j->ntypes + 1, sizeof *j->wanted);
	if (!j->wanted)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < j->ntypes; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		j->wanted[i] = t && wants(arg, t);
	}
	j->team.size = serial ? 1 : pm_team_size(h->target->parallel);
	j->team.batch = 1;
	j->team.unit = one_unit;
	j->team.arg = j;
	j->team.total = h->pools->runs.len +
			(h->outside.len + OUTSIDE_BATCH - 1) / OUTSIDE_BATCH;
	PM_TRY(create_readers(j, err));
	*ret = pm_take(j);
	return PM_OK;
}

enum pm_status pm_instances_step(struct pm_instances *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	j->team.deadline = pm_now() + seconds;
	bool done = pm_team_run(&j->team);
	if (j->stopped)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret_done = done;
	return PM_OK;
}

void pm_instances_progress(
	const struct pm_instances *j, uint64_t *ret_done, uint64_t *ret_total)
{
	size_t done = atomic_load(&j->team.next);
	*ret_total = j->team.total;
	*ret_done = done < j->team.total ? done : j->team.total;
}

unsigned pm_instances_threads(const struct pm_instances *j)
{
	return j->team.size;
}

const struct pm_objects *pm_instances_objects(
	const struct pm_instances *j, unsigned who)
{
	return &j->readers[who]->objects;
}

uint64_t pm_instances_unreadable(const struct pm_instances *j)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < j->team.size; i++)
		n += j->readers[i]->unreadable;
	return n;
}
