/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/groups.h"

#include <string.h>

#define NO_GROUP SIZE_MAX

void pm_trace_groups_deinit(struct pm_trace_groups *g)
{
	pm_vec_deinit(&g->list);
	pm_map_deinit(&g->by_hash);
	free(g->of_stack);
	*g = (struct pm_trace_groups){0};
}

struct grouping {
	const struct pm_trace_profile *p;
	enum pm_trace_by by;
	struct pm_trace_groups *g;
};

static uint64_t hash_of(
	const struct grouping *x, const struct pm_trace_stack *s)
{
	const struct pm_trace_frame *f = x->p->frames.data + s->frames;
	uint64_t h = pm_hash_word(0x243F6A8885A308D3u, s->domain);
	uint32_t n = x->by == PM_TRACE_TRACEBACK ? s->n : 1;
	for (uint32_t i = 0; i < n; i++)
		h = pm_hash_word(h,
			(uint64_t)f[i].file << 32 |
				(x->by == PM_TRACE_FILENAME ? 0 : f[i].line));
	return h ? h : 1;
}

static bool same(const struct grouping *x, const struct pm_trace_stack *a,
	const struct pm_trace_stack *b)
{
	const struct pm_trace_frame *f = x->p->frames.data + a->frames;
	const struct pm_trace_frame *k = x->p->frames.data + b->frames;
	if (a->domain != b->domain)
		return false;
	switch (x->by) {
	case PM_TRACE_LINENO:
		return f->file == k->file && f->line == k->line;
	case PM_TRACE_FILENAME:
		return f->file == k->file;
	case PM_TRACE_TRACEBACK:
		return a->n == b->n && !memcmp(f, k, a->n * sizeof *f);
	}
	return false;
}

static enum pm_status find(
	struct grouping *x, size_t stack, size_t *ret, struct pm_error *err)
{
	struct pm_trace_groups *g = x->g;
	const struct pm_trace_stack *s = &x->p->stacks.data[stack];
	bool added;
	struct pm_map_slot *slot =
		pm_map_put(&g->by_hash, hash_of(x, s), &added);
	if (!slot)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	size_t first = added ? NO_GROUP : (size_t)slot->value;
	for (size_t i = first; i != NO_GROUP; i = g->list.data[i].next)
		if (same(x, &x->p->stacks.data[g->list.data[i].stack], s)) {
			*ret = i;
			return PM_OK;
		}
	if (!pm_vec_push(&g->list,
		    (struct pm_trace_group){.stack = stack, .next = first}))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = slot->value = g->list.len - 1;
	return PM_OK;
}

enum pm_status pm_trace_groups_make(const struct pm_trace_profile *p,
	enum pm_trace_by by, struct pm_trace_groups *ret, struct pm_error *err)
{
	pm_auto_trace_groups g = {0};
	struct grouping x = {p, by, &g};
	g.of_stack = calloc(p->stacks.len + 1, sizeof *g.of_stack);
	if (!g.of_stack)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < p->stacks.len; i++) {
		const struct pm_trace_stack *s = &p->stacks.data[i];
		size_t at = 0;
		PM_TRY(find(&x, i, &at, err));
		g.of_stack[i] = at;
		g.list.data[at].size[s->when] += s->size;
		g.list.data[at].count[s->when] += s->count;
	}
	*ret = g;
	g = (struct pm_trace_groups){0};
	return PM_OK;
}

static int compare_frames(const struct pm_trace_profile *p,
	const struct pm_trace_stack *a, const struct pm_trace_stack *b)
{
	uint32_t n = a->n < b->n ? a->n : b->n;
	for (uint32_t i = 1; i <= n; i++) {
		const struct pm_trace_frame *f =
			&p->frames.data[a->frames + a->n - i];
		const struct pm_trace_frame *k =
			&p->frames.data[b->frames + b->n - i];
		int c = f->file == k->file ? 0
					   : strcmp(p->files.data[f->file],
						     p->files.data[k->file]);
		if (c)
			return c;
		if (f->line != k->line)
			return f->line < k->line ? -1 : 1;
	}
	return a->n < b->n ? -1 : a->n > b->n;
}

static uint64_t change(const uint64_t of[static PM_TRACE_MOMENTS])
{
	return of[PM_TRACE_NEW] > of[PM_TRACE_OLD]
		       ? of[PM_TRACE_NEW] - of[PM_TRACE_OLD]
		       : of[PM_TRACE_OLD] - of[PM_TRACE_NEW];
}

static int order(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

struct sorting {
	const struct pm_trace_profile *p;
	bool compared;
};

/* As the keys by which tracemalloc sorts (Lib/tracemalloc.py), the other way
   round; where all of them agree, its order is by place. */
static int compare(const void *x, const void *y, void *arg)
{
	const struct pm_trace_group *a = x, *b = y;
	const struct sorting *s = arg;
	int c = 0;
	if (s->compared)
		c = order(change(a->size), change(b->size));
	if (!c)
		c = order(a->size[PM_TRACE_NEW], b->size[PM_TRACE_NEW]);
	if (!c && s->compared)
		c = order(change(a->count), change(b->count));
	if (!c)
		c = order(a->count[PM_TRACE_NEW], b->count[PM_TRACE_NEW]);
	if (!c)
		c = compare_frames(s->p, &s->p->stacks.data[b->stack],
			&s->p->stacks.data[a->stack]);
	return c ? c : (a->stack > b->stack) - (a->stack < b->stack);
}

void pm_trace_groups_sort(struct pm_trace_groups *g,
	const struct pm_trace_profile *p, bool compared)
{
	struct sorting s = {p, compared};
	free(pm_take(g->of_stack)); /* true no longer */
	pm_map_deinit(&g->by_hash);
	if (g->list.len)
		qsort_r(g->list.data, g->list.len, sizeof *g->list.data,
			compare, &s);
}
