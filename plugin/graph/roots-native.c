/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/roots-native.h"
#include "graph/root-nodes.h"
#include "heap/team.h"
#include "layout/held.h"
#include "object/threads.h"
#include "target/module.h"
#include "target/tasks.h"

#define CHUNK ((size_t)64 << 10)
#define PAGE UINT64_C(4096)
/* Of one stack; a stack pointer may be anything. */
#define MAX_STACK (UINT64_C(64) << 20)
/* Words that may be references: 24 bytes each. */
#define MAX_WORDS ((size_t)1 << 19)
#define BATCH 256
/* Functions without calls of their own use so much below the stack pointer
   (x86-64's red zone). */
#define RED_ZONE 128
/* Of the C library's struct at the upper end of a thread's stack. */
#define THREAD_BLOCK (UINT64_C(8) << 10)

enum phase { PHASE_MEMORY, PHASE_REGISTERS, PHASE_WEIGH, PHASE_DONE };

struct region {
	pm_addr start, end;
	enum pm_root_kind kind;
	uint32_t task;
};

/* A word that is the address of an object. */
struct word {
	uint64_t at; /* of a register: its number */
	uint32_t node, task;
	enum pm_root_kind kind;
};

struct pm_native_job {
	struct pm_graph *g;
	enum phase phase;
	PM_VEC(struct region) regions;
	PM_VEC(struct pm_memory_range) told; /* what is in them is known */
	struct pm_threads threads;
	size_t *thread_of; /* by task: pm_thread.number, 0: none */
	pm_addr low, high; /* of all objects */
	size_t region, at; /* where the scan is, where the weighing is */
	pm_addr pos;
	unsigned char *chunk;
	PM_VEC(struct word) words;
	PM_VEC(struct pm_graph_root) roots;
	uint64_t unreadable;
};

void pm_native_destroy(struct pm_native_job *j)
{
	if (!j)
		return;
	pm_vec_deinit(&j->regions);
	pm_vec_deinit(&j->told);
	pm_threads_deinit(&j->threads);
	free(j->thread_of);
	free(j->chunk);
	pm_vec_deinit(&j->words);
	pm_vec_deinit(&j->roots);
	free(j);
}

static void cleanup_job(struct pm_native_job **j)
{
	pm_native_destroy(*j);
}

/* ---- where to look ---- */

static bool add_region(struct pm_native_job *j, pm_addr start, pm_addr end,
	enum pm_root_kind kind, uint32_t task)
{
	unsigned ws = j->g->h->l->t.word_size;
	start = (start + ws - 1) / ws * ws;
	return start >= end || pm_vec_push(&j->regions,
				       (struct region){start, end, kind, task});
}

/* As far as it is mapped: what a file says of itself may be anything. */
static bool add_variables(struct pm_native_job *j, pm_addr start, pm_addr end)
{
	const struct pm_target *t = j->g->h->target;
	bool ok = true;
	if (!t->maps.len)
		return end - start > MAX_STACK ||
		       add_region(j, start, end, PM_ROOT_GLOBAL, 0);
	pm_vec_each (m, &t->maps) {
		if (m->end <= start || m->start >= end ||
			m->flags & PM_MAP_ABSENT)
			continue;
		ok = ok &&
		     add_region(j, m->start > start ? m->start : start,
			     m->end < end ? m->end : end, PM_ROOT_GLOBAL, 0);
	}
	return ok;
}

static bool holds(const struct pm_task *task, uint64_t value)
{
	for (unsigned i = 0; task->set && i < task->set->count; i++)
		if (task->registers[i] == value)
			return true;
	return false;
}

/* The thread of Python's that runs on this one.  Until 3.10 all that is known
   of it is what pthread_self() returns: the address of a block that some
   machine's registers lead to, and that the C library puts above the stack,
   but for the first thread. */
static size_t find_thread(const struct pm_native_job *j,
	const struct pm_task *task, const struct pm_mapping *stack)
{
	const struct pm_thread *above = NULL;
	pm_vec_each (t, &j->threads.list)
		if (t->native ? t->native == task->id
			      : t->ident && holds(task, t->ident))
			return t->number;
	pm_vec_each (t, &j->threads.list)
		if (!t->native && stack && t->ident > task->sp &&
			t->ident < stack->end &&
			(!above || t->ident < above->ident))
			above = t;
	if (above)
		return above->number;
	int pid = j->g->h->target->pid;
	const struct pm_thread *first = j->threads.list.data;
	return pid > 0 && task->id == (uint64_t)pid && j->threads.list.len &&
			       !first->native
		       ? 1
		       : 0;
}

static bool add_stack(struct pm_native_job *j, uint32_t i)
{
	const struct pm_target *t = j->g->h->target;
	const struct pm_task *task = &t->tasks.data[i];
	const struct pm_mapping *m =
		task->sp ? pm_target_find_map(t, task->sp) : NULL;
	j->thread_of[i] = find_thread(j, task, m);
	if (!m) {
		j->unreadable++;
		return true;
	}
	pm_addr end = m->end, ident = 0;
	if (j->thread_of[i])
		ident = j->threads.list.data[j->thread_of[i] - 1].ident;
	if (ident > task->sp && ident < end && end - ident > THREAD_BLOCK)
		end = ident + THREAD_BLOCK;
	pm_addr start =
		task->sp - m->start > RED_ZONE ? task->sp - RED_ZONE : m->start;
	if (end - start > MAX_STACK) {
		end = start + MAX_STACK;
		j->unreadable++;
	}
	return add_region(j, start, end, PM_ROOT_C_STACK, i);
}

static bool add_told(struct pm_native_job *j, pm_addr at, uint64_t bytes)
{
	return !at ||
	       pm_vec_push(&j->told, (struct pm_memory_range){at, at + bytes});
}

/* Structs of the runtime. */
static bool find_told(struct pm_native_job *j)
{
	const struct pm_layout *l = j->g->h->l;
	bool ok = add_told(j, l->at.runtime.addr,
		pm_layout_holder_size(l, PM_HOLDER_RUNTIME));
	pm_each_interpreter(i, l, j->g->h->memory) ok =
		ok &&
		add_told(j, i.at, pm_layout_holder_size(l, PM_HOLDER_INTERP));
	pm_vec_each (t, &j->threads.list)
		ok = ok && add_told(j, t->addr,
				   pm_layout_holder_size(l, PM_HOLDER_THREAD));
	return ok;
}

static void find_bounds(struct pm_native_job *j)
{
	const struct pm_graph *g = j->g;
	if (!g->n)
		return;
	uint32_t last = g->n - 1, inside = g->inside;
	j->low = g->addr[0];
	j->high = g->addr[last];
	if (inside && inside < g->n) {
		j->low = g->addr[inside] < j->low ? g->addr[inside] : j->low;
		if (g->addr[inside - 1] > j->high)
			j->high = g->addr[inside - 1];
	}
}

static enum pm_status find_regions(
	struct pm_native_job *j, struct pm_error *err)
{
	struct pm_heap *h = j->g->h;
	bool ok = find_told(j);
	PM_TRY(pm_target_find_tasks(h->target, err));
	j->thread_of = calloc(h->target->tasks.len + 1, sizeof *j->thread_of);
	ok = ok && j->thread_of;
	for (uint32_t i = 0; ok && i < h->target->tasks.len; i++)
		ok = add_stack(j, i);
	if (h->modules)
		pm_vec_each (m, &h->modules->list)
			ok = ok && add_variables(j, m->data_start, m->data_end);
	return ok ? PM_OK : pm_fail(err, PM_NOMEM, 0, "out of memory");
}

enum pm_status pm_native_create(
	struct pm_graph *g, struct pm_native_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_native_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->chunk = malloc(CHUNK);
	if (!j->chunk)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_threads_load(g->h->l, g->h->memory, &j->threads, err));
	find_bounds(j);
	PM_TRY(find_regions(j, err));
	*ret = pm_take(j);
	return PM_OK;
}

/* ---- looking ---- */

/* In an object outside of pools, static ones mostly. */
static bool is_in_object(const struct pm_heap *h, pm_addr at)
{
	size_t lo = 0, hi = h->outside.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (h->outside.data[mid].addr <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	const struct pm_outside *o = lo ? &h->outside.data[lo - 1] : NULL;
	return o && at - o->addr < o->bytes;
}

/* Is what the word at this place holds known already? */
static bool is_told(const struct pm_native_job *j, pm_addr at)
{
	pm_vec_each (r, &j->told)
		if (at >= r->start && at < r->end)
			return true;
	return is_in_object(j->g->h, at) ||
	       pm_pools_find(j->g->h->pools, at) >= 0;
}

static bool is_static(const struct pm_graph *g, uint32_t node)
{
	return node >= g->inside &&
	       g->h->outside.data[node - g->inside].is_static;
}

static enum pm_status see_word(struct pm_native_job *j, const struct region *r,
	pm_addr at, uint64_t value, struct pm_error *err)
{
	const struct pm_graph *g = j->g;
	if (value < j->low || value > j->high || value % g->h->l->t.word_size)
		return PM_OK;
	uint32_t node = pm_graph_node(g, value);
	if (node == PM_NO_NODE || is_static(g, node) ||
		pm_graph_is_immortal(g, node) ||
		(r->kind != PM_ROOT_REGISTER && is_told(j, at)))
		return PM_OK;
	if (j->words.len >= MAX_WORDS) {
		j->unreadable++;
		return PM_OK;
	}
	return pm_vec_push(&j->words, (struct word){at, node, r->task, r->kind})
		       ? PM_OK
		       : pm_fail(err, PM_NOMEM, 0, "out of memory");
}

static enum pm_status see_chunk(
	struct pm_native_job *j, const struct region *r, struct pm_error *err)
{
	const struct pm_layout *l = j->g->h->l;
	unsigned ws = l->t.word_size;
	uint64_t left = r->end - j->pos;
	size_t n = left < CHUNK ? (size_t)left : CHUNK;
	size_t got = pm_target_read_some(j->g->h->target, j->pos, j->chunk, n);
	for (size_t i = 0; i + ws <= got; i += ws)
		PM_TRY(see_word(j, r, j->pos + i,
			pm_load(j->chunk + i, ws, l->t.big_endian), err));
	if (got < n) {
		j->unreadable++;
		/* Behind the page that could not be read. */
		got = (size_t)((((j->pos + got) / PAGE + 1) * PAGE) - j->pos);
	}
	j->pos = got < left ? j->pos + got : r->end;
	return PM_OK;
}

static enum pm_status see_memory(
	struct pm_native_job *j, double deadline, struct pm_error *err)
{
	while (j->region < j->regions.len) {
		const struct region *r = &j->regions.data[j->region];
		if (j->pos < r->start || j->pos > r->end)
			j->pos = r->start;
		PM_TRY(see_chunk(j, r, err));
		if (j->pos == r->end) {
			j->region++;
			j->pos = 0;
		}
		if (pm_now() > deadline)
			return PM_OK;
	}
	j->phase = PHASE_REGISTERS;
	return PM_OK;
}

static enum pm_status see_registers(
	struct pm_native_job *j, struct pm_error *err)
{
	const struct pm_target *t = j->g->h->target;
	for (uint32_t i = 0; i < t->tasks.len; i++) {
		const struct pm_task *task = &t->tasks.data[i];
		const struct region r = {.kind = PM_ROOT_REGISTER, .task = i};
		for (unsigned k = 0; task->set && k < task->set->count; k++)
			PM_TRY(see_word(j, &r, k, task->registers[k], err));
	}
	j->phase = PHASE_WEIGH;
	return PM_OK;
}

/* ---- which of them the reference counts leave room for ---- */

int64_t pm_graph_room(const struct pm_graph *g, uint32_t node, bool on_stack)
{
	const struct pm_graph_root *end = g->roots.data + g->roots.len;
	struct pm_object x;
	if (pm_object_load(&g->h->objects, g->addr[node], &x, NULL) != PM_OK ||
		x.immortal)
		return 0;
	int64_t n = x.refcnt - (g->in_begin[node + 1] - g->in_begin[node]);
	if (pm_object_is_deferred(&g->h->objects, &x)) {
		if (on_stack)
			return INT64_MAX;
		n -= (int64_t)pm_refcnt_deferred(g->h->l);
	}
	for (const struct pm_graph_root *r = pm_graph_roots_of(g, node);
		r && r < end && r->node == node; r++)
		n -= r->root.counted || !pm_root_kind_is_precise(r->root.kind);
	return n;
}

static int by_node(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static struct pm_graph_root root_of(
	const struct pm_native_job *j, const struct word *w)
{
	struct pm_graph_root r = {
		w->node, {.kind = w->kind,
				 .target = j->g->addr[w->node],
				 .interp_id = -1,
				 .index = w->at}};
	if (w->kind == PM_ROOT_GLOBAL) {
		r.root.at = w->at;
		return r;
	}
	const struct pm_task *task = &j->g->h->target->tasks.data[w->task];
	r.root.native_thread = task->id;
	r.root.thread = j->thread_of[w->task];
	if (w->kind == PM_ROOT_C_STACK) {
		r.root.at = w->at;
		r.root.index = w->at - task->sp;
	} else {
		r.root.name = task->set->names[w->at];
	}
	return r;
}

/* The words that lead to one object, from j->at on. */
static bool weigh_object(struct pm_native_job *j)
{
	uint32_t node = j->words.data[j->at].node;
	int64_t room = pm_graph_room(j->g, node, false);
	int64_t in_variables = 0, elsewhere = 0;
	bool ok = true;
	for (; j->at < j->words.len && j->words.data[j->at].node == node;
		j->at++) {
		const struct word *w = &j->words.data[j->at];
		int64_t *n =
			w->kind == PM_ROOT_GLOBAL ? &in_variables : &elsewhere;
		if (*n < room) {
			++*n;
			ok = ok && pm_vec_push(&j->roots, root_of(j, w));
		}
	}
	return ok;
}

static enum pm_status weigh(
	struct pm_native_job *j, double deadline, struct pm_error *err)
{
	if (!j->at && j->words.len)
		qsort(j->words.data, j->words.len, sizeof *j->words.data,
			by_node);
	for (unsigned n = 1; j->at < j->words.len; n++) {
		if (!weigh_object(j))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (n % BATCH == 0 && pm_now() > deadline)
			return PM_OK;
	}
	j->phase = PHASE_DONE;
	return PM_OK;
}

enum pm_status pm_native_step(struct pm_native_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	do {
		switch (j->phase) {
		case PHASE_MEMORY:
			PM_TRY(see_memory(j, deadline, err));
			break;
		case PHASE_REGISTERS:
			PM_TRY(see_registers(j, err));
			break;
		case PHASE_WEIGH:
			PM_TRY(weigh(j, deadline, err));
			break;
		case PHASE_DONE:
			break;
		}
	} while (j->phase != PHASE_DONE && pm_now() < deadline);
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

const struct pm_graph_root *pm_native_roots(
	const struct pm_native_job *j, size_t *ret_n)
{
	*ret_n = j->roots.len;
	return j->roots.data;
}

uint64_t pm_native_unreadable(const struct pm_native_job *j)
{
	return j->unreadable;
}
