/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/large-blocks.h"
#include "heap/footprint.h"
#include "heap/team.h"

#define BLOCKS_AT_ONCE 4096

/* Whose paths are looked for; the paths; what each of them has. */
enum phase { PHASE_MARK, PHASE_PATHS, PHASE_COUNT, PHASE_DONE };

struct pm_large_blocks_job {
	const struct pm_graph *g;
	struct pm_population_job *population;
	uint64_t *only; /* bits, by node */
	uint8_t *what;	/* by type id */
	uint32_t ntypes;
	enum phase phase;
	size_t at;	   /* of the objects outside, then of the buffers */
	struct pm_map map; /* to the group, plus 1 */
	struct pm_large_blocks r;
};

void pm_large_blocks_destroy(struct pm_large_blocks_job *j)
{
	if (!j)
		return;
	pm_population_destroy(j->population);
	pm_vec_deinit(&j->r.list);
	pm_map_deinit(&j->map);
	free(j->only);
	free(j->what);
	free(j);
}

static void cleanup_job(struct pm_large_blocks_job **j)
{
	pm_large_blocks_destroy(*j);
}

enum pm_status pm_large_blocks_create(const struct pm_graph *g,
	struct pm_large_blocks_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_large_blocks_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = j->r.g = g;
	j->ntypes = pm_types_count(g->h->types);
	j->what = calloc(j->ntypes + 1, 1);
	j->only = calloc((size_t)g->n / 64 + 1, sizeof *j->only);
	if (!j->what || !j->only)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = pm_take(j);
	return PM_OK;
}

struct block {
	uint32_t node; /* of the object; PM_NO_NODE */
	bool buffer;
	uint64_t bytes;
};

/* What stands at j->at; false: it is in no block of an allocator. */
static bool block_at(const struct pm_large_blocks_job *j, struct block *ret)
{
	const struct pm_heap *h = j->g->h;
	bool buffer = j->at >= h->outside.len;
	const struct pm_outside *x =
		buffer ? &h->buffers.data[j->at - h->outside.len]
		       : &h->outside.data[j->at];
	uint32_t pre = 0;
	if (x->is_static)
		return false;
	if (!buffer) {
		const struct pm_type *t = pm_types_by_id(h->types, x->type_id);
		pre = t ? t->pre : 0;
	}
	*ret = (struct block){pm_graph_node(j->g, buffer ? x->owner : x->addr),
		buffer,
		pm_block_size(h, h->memory, x->addr - pre, x->bytes + pre)};
	return ret->bytes != 0;
}

static void mark(struct pm_large_blocks_job *j, const struct block *b)
{
	if (b->node == PM_NO_NODE)
		return;
	uint32_t type = j->g->type[b->node];
	j->only[b->node / 64] |= UINT64_C(1) << b->node % 64;
	if (type < j->ntypes)
		j->what[type] = PM_TYPE_WANTED;
}

/* Patterns and types are few enough for these bits; false: out of memory. */
static bool count(struct pm_large_blocks_job *j, const struct block *b)
{
	struct pm_large_group new = {
		PM_NO_PATTERN, PM_NO_NODE, b->buffer, 0, 0, b->node};
	if (b->node != PM_NO_NODE) {
		new.pattern = pm_population_pattern(j->population, b->node);
		new.type = j->g->type[b->node];
	}
	uint64_t key = (uint64_t)(uint32_t)(new.pattern + 1) << 40 |
		       (uint64_t)(uint32_t)(new.type + 1) << 4 |
		       (uint64_t)b->buffer << 3 | 1;
	bool added;
	struct pm_map_slot *s = pm_map_put(&j->map, key, &added);
	if (!s || (added && !pm_vec_push(&j->r.list, new)))
		return false;
	if (added)
		s->value = j->r.list.len;
	struct pm_large_group *x = &j->r.list.data[s->value - 1];
	x->blocks++;
	x->bytes += b->bytes;
	j->r.blocks++;
	j->r.bytes += b->bytes;
	return true;
}

static int by_bytes(const void *a, const void *b)
{
	const struct pm_large_group *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->example < y->example ? -1 : x->example > y->example;
}

/* The phase's next blocks. */
static enum pm_status go_on(struct pm_large_blocks_job *j, struct pm_error *err)
{
	size_t n = j->g->h->outside.len + j->g->h->buffers.len;
	for (unsigned i = 0; i < BLOCKS_AT_ONCE && j->at < n; i++, j->at++) {
		struct block b;
		if (!block_at(j, &b))
			continue;
		if (j->phase == PHASE_MARK)
			mark(j, &b);
		else if (!count(j, &b))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	if (j->at < n)
		return PM_OK;
	j->at = 0;
	if (j->phase++ == PHASE_MARK)
		return pm_population_create(
			j->g, j->what, j->ntypes, j->only, &j->population, err);
	if (j->r.list.len)
		qsort(j->r.list.data, j->r.list.len, sizeof *j->r.list.data,
			by_bytes);
	return PM_OK;
}

enum pm_status pm_large_blocks_step(struct pm_large_blocks_job *j,
	double seconds, bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	bool done;
	while (j->phase != PHASE_DONE && pm_now() < end) {
		if (j->phase != PHASE_PATHS) {
			PM_TRY(go_on(j, err));
			continue;
		}
		PM_TRY(pm_population_step(
			j->population, end - pm_now(), &done, err));
		j->phase += done;
		j->r.paths = pm_population_result(j->population);
	}
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

const struct pm_large_blocks *pm_large_blocks_result(
	const struct pm_large_blocks_job *j)
{
	return &j->r;
}
