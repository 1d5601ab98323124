/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/awaitables.h"
#include "heap/scan.h"
#include "heap/team.h"
#include "object/refs.h"

#include <string.h>

/* A chain that is longer is not followed, nor gathers inside of each other. */
#define MAX_CHAIN 1000000
#define MAX_GATHERS 16

/* by waits for what is at. */
struct waiting {
	pm_addr at, by;
};

enum phase { PHASE_SCAN, PHASE_DECODE, PHASE_LINK };

struct pm_awaitables_job {
	struct pm_heap *h;
	struct pm_scan *scan;
	struct pm_map kinds; /* by type: its kind, plus 1 */
	PM_VEC(struct pm_awaitable) found[PM_TEAM_MAX];
	struct pm_awaitables all;
	struct pm_future_names names;
	struct pm_attr_query trio_name, trio_coro;
	PM_VEC(struct waiting) waiting;
	struct pm_map parts; /* of chains, that were passed */
	enum phase phase;
	size_t at;
	bool failed; /* out of memory in a callback */
};

const char *pm_awaitable_kind_text(enum pm_awaitable_kind k)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PM_AWAITABLE_KINDS(X)
#undef X
	};
	return texts[k];
}

const char *pm_awaitable_state_text(enum pm_awaitable_state s)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PM_AWAITABLE_STATES(X)
#undef X
	};
	return texts[s];
}

/* ---- what there is ---- */

/* Classes of greenlet, and of gevent, are told by the base they have. */
static bool is_greenlet(struct pm_types *types, const struct pm_type *t)
{
	for (int i = 0; t && t->is_type && i < 64; i++) {
		if (!strcmp(t->name, "greenlet.greenlet"))
			return true;
		t = t->base ? pm_types_get(types, t->base) : NULL;
	}
	return false;
}

/* trio tells its classes to be of the module that users have them from. */
static bool is_trio_task(const struct pm_type *t)
{
	static const char *const names[] = {"trio.lowlevel.Task",
		"trio.hazmat.Task", "trio._core._run.Task"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(t->name, names[i]))
			return true;
	return false;
}

static bool kind_of(const struct pm_objects *o, const struct pm_type *t,
	enum pm_awaitable_kind *ret)
{
	enum pm_awaiter awaiter = pm_awaiter_kind(t);
	enum pm_future_kind future = pm_future_kind(o, t);
	if (future)
		*ret = pm_future_is_task(future) ? PM_AWAITABLE_TASK
						 : PM_AWAITABLE_FUTURE;
	else if (awaiter == PM_AWAITER_COROUTINE)
		*ret = PM_AWAITABLE_COROUTINE;
	else if (awaiter == PM_AWAITER_ASYNC_GENERATOR)
		*ret = PM_AWAITABLE_ASYNC_GENERATOR;
	else if (is_trio_task(t))
		*ret = PM_AWAITABLE_TRIO_TASK;
	else if (is_greenlet(o->types, t))
		*ret = PM_AWAITABLE_GREENLET;
	else
		return false;
	return true;
}

static bool wants(void *arg, const struct pm_type *t)
{
	struct pm_awaitables_job *j = arg;
	enum pm_awaitable_kind kind;
	if (!t->is_type || !kind_of(&j->h->objects, t, &kind))
		return false;
	struct pm_map_slot *slot = pm_map_put(&j->kinds, t->addr, NULL);
	if (slot)
		slot->value = (uint64_t)kind + 1;
	else
		j->failed = true;
	return slot;
}

static bool found(void *arg, unsigned who, const struct pm_scanned *s)
{
	struct pm_awaitables_job *j = arg;
	const struct pm_map_slot *slot = pm_map_find(&j->kinds, s->type->addr);
	if (!slot)
		return true;
	const struct pm_awaitable x = {
		.addr = s->addr,
		.type = s->type,
		.kind = (enum pm_awaitable_kind)(slot->value - 1),
		.state = PM_AWAITABLE_IS_UNKNOWN,
	};
	return pm_vec_push(&j->found[who], x);
}

static int by_addr(const void *a, const void *b)
{
	const struct pm_awaitable *x = a, *y = b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static enum pm_status gather(struct pm_awaitables_job *j, struct pm_error *err)
{
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		pm_vec_each (x, &j->found[i])
			if (!pm_vec_push(&j->all.list, *x))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		pm_vec_deinit(&j->found[i]);
	}
	if (j->all.list.len)
		qsort(j->all.list.data, j->all.list.len,
			sizeof *j->all.list.data, by_addr);
	j->all.unreadable = pm_scan_unreadable(j->scan);
	pm_scan_destroy(pm_take(j->scan));
	return PM_OK;
}

/* ---- what each is ---- */

static enum pm_awaitable_state state_of_run(enum pm_run_state s)
{
	switch (s) {
	case PM_RUN_CREATED:
		return PM_AWAITABLE_IS_CREATED;
	case PM_RUN_SUSPENDED:
	case PM_RUN_CREATED_OR_SUSPENDED:
		return PM_AWAITABLE_IS_SUSPENDED;
	case PM_RUN_RUNNING:
		return PM_AWAITABLE_IS_RUNNING;
	case PM_RUN_CLOSED:
		return PM_AWAITABLE_IS_CLOSED;
	case PM_RUN_UNKNOWN:
		break;
	}
	return PM_AWAITABLE_IS_UNKNOWN;
}

static enum pm_awaitable_state state_of_code(
	const struct pm_objects *o, pm_addr at)
{
	struct pm_object x;
	struct pm_code_place p;
	if (!at || pm_object_load(o, at, &x, NULL) != PM_OK ||
		!pm_code_place(o, &x, &p))
		return PM_AWAITABLE_IS_UNKNOWN;
	return state_of_run(p.state);
}

static void decode_future(struct pm_awaitables_job *j,
	const struct pm_object *x, struct pm_awaitable *a)
{
	const struct pm_objects *o = &j->h->objects;
	if (!pm_future_load(
		    o, &j->names, x, pm_future_kind(o, x->type), &a->future)) {
		j->all.inconsistent++;
		return;
	}
	a->coro = a->future.coro;
	switch (a->future.state) {
	case PM_FUTURE_PENDING:
		a->state = state_of_code(o, a->coro) == PM_AWAITABLE_IS_RUNNING
				   ? PM_AWAITABLE_IS_RUNNING
				   : PM_AWAITABLE_IS_PENDING;
		break;
	case PM_FUTURE_CANCELLED:
		a->state = PM_AWAITABLE_IS_CANCELLED;
		break;
	case PM_FUTURE_FINISHED:
		a->state = a->future.exception ? PM_AWAITABLE_IS_FAILED
					       : PM_AWAITABLE_IS_FINISHED;
		break;
	}
}

static void decode_trio(struct pm_awaitables_job *j, const struct pm_object *x,
	struct pm_awaitable *a)
{
	const struct pm_objects *o = &j->h->objects;
	struct pm_attr v;
	if (pm_attr_find(o, x, &j->trio_name, &v, NULL))
		a->future.name = v.value;
	if (pm_attr_find(o, x, &j->trio_coro, &v, NULL))
		a->coro = v.value;
	a->state = state_of_code(o, a->coro);
}

static void decode(struct pm_awaitables_job *j, struct pm_awaitable *a)
{
	struct pm_object x;
	if (pm_object_load(&j->h->objects, a->addr, &x, NULL) != PM_OK) {
		j->all.inconsistent++;
		return;
	}
	switch (a->kind) {
	case PM_AWAITABLE_TASK:
	case PM_AWAITABLE_FUTURE:
		decode_future(j, &x, a);
		return;
	case PM_AWAITABLE_COROUTINE:
	case PM_AWAITABLE_ASYNC_GENERATOR:
		a->coro = a->addr;
		a->state = state_of_code(&j->h->objects, a->addr);
		return;
	case PM_AWAITABLE_TRIO_TASK:
		decode_trio(j, &x, a);
		return;
	case PM_AWAITABLE_GREENLET:
	case PM_AWAITABLE_NKINDS:
		return;
	}
}

/* ---- who waits for whom ---- */

pm_addr pm_gathered(const struct pm_objects *o, const struct pm_object *x)
{
	pm_auto_attr_query q = {.name = "_children"};
	struct pm_attr v;
	if (strcmp(x->type->name, "asyncio.tasks._GatheringFuture") != 0 ||
		!pm_attr_find(o, x, &q, &v, NULL))
		return 0;
	return v.value;
}

static void mark_part(struct pm_awaitables_job *j, pm_addr at)
{
	const struct pm_awaitable *x = pm_awaitables_find(j, at);
	if (x)
		j->all.list.data[x - j->all.list.data].part = true;
}

/* Everything behind its beginning is a part of it; of what was passed before,
   the rest is known. */
static enum pm_status mark_chain(struct pm_awaitables_job *j,
	const struct pm_awaitable *a, struct pm_error *err)
{
	const struct pm_objects *o = &j->h->objects;
	pm_addr at = a->coro;
	for (unsigned n = 0; at && n < MAX_CHAIN; n++) {
		struct pm_object x;
		bool new = false;
		if (pm_object_load(o, at, &x, NULL) != PM_OK)
			break;
		if (at != a->addr)
			mark_part(j, at);
		if (pm_awaiter_kind(x.type) == PM_AWAITER_NONE)
			break;
		if (at != a->addr) {
			if (!pm_map_put(&j->parts, at, &new))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
			if (!new)
				break;
		}
		at = pm_awaits(o, &x);
	}
	return PM_OK;
}

struct adding {
	struct pm_awaitables_job *j;
	pm_addr by;
};

static bool add_child(void *arg, const struct pm_ref *ref)
{
	struct adding *a = arg;
	if (ref->via == PM_VIA_INDEX &&
		!pm_vec_push(
			&a->j->waiting, (struct waiting){ref->target, a->by}))
		a->j->failed = true;
	return !a->j->failed;
}

static enum pm_status link_up(struct pm_awaitables_job *j,
	struct pm_awaitable *a, struct pm_error *err)
{
	const struct pm_objects *o = &j->h->objects;
	struct pm_object x, list;
	struct adding adding = {j, a->addr};
	if (a->coro)
		PM_TRY(mark_chain(j, a, err));
	if (a->future.waiter) {
		mark_part(j, a->future.waiter);
		if (!pm_vec_push(&j->waiting,
			    (struct waiting){a->future.waiter, a->addr}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	if (a->kind != PM_AWAITABLE_FUTURE ||
		pm_object_load(o, a->addr, &x, NULL) != PM_OK)
		return PM_OK;
	pm_addr children = pm_gathered(o, &x);
	if (children && pm_object_load(o, children, &list, NULL) == PM_OK &&
		list.type->kind == PM_KIND_LIST &&
		pm_refs_each(o, &list, add_child, &adding) != PM_OK)
		j->all.unreadable++;
	return j->failed ? pm_fail(err, PM_NOMEM, 0, "out of memory") : PM_OK;
}

static int by_awaited(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

/* ---- the job ---- */

static void cleanup_job(struct pm_awaitables_job **j)
{
	pm_awaitables_destroy(*j);
}

enum pm_status pm_awaitables_create(
	struct pm_heap *h, struct pm_awaitables_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_awaitables_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	pm_future_names_init(&j->names);
	j->trio_name.name = "name";
	j->trio_coro.name = "coro";
	PM_TRY(pm_scan_create(h, wants, 0, found, j, &j->scan, err));
	if (j->failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = pm_take(j);
	return PM_OK;
}

static enum pm_status next_phase(
	struct pm_awaitables_job *j, bool *ret_done, struct pm_error *err)
{
	j->at = 0;
	switch (j->phase) {
	case PHASE_SCAN:
		j->phase = PHASE_DECODE;
		return gather(j, err);
	case PHASE_DECODE:
		j->phase = PHASE_LINK;
		return PM_OK;
	case PHASE_LINK:
		if (j->waiting.len)
			qsort(j->waiting.data, j->waiting.len,
				sizeof *j->waiting.data, by_awaited);
		*ret_done = true;
		return PM_OK;
	}
	return PM_OK;
}

enum pm_status pm_awaitables_step(struct pm_awaitables_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	bool done = false;
	*ret_done = false;
	if (j->phase == PHASE_SCAN) {
		PM_TRY(pm_scan_step(j->scan, seconds, &done, err));
		return done ? next_phase(j, ret_done, err) : PM_OK;
	}
	while (j->at < j->all.list.len) {
		struct pm_awaitable *a = &j->all.list.data[j->at++];
		if (j->phase == PHASE_DECODE)
			decode(j, a);
		else
			PM_TRY(link_up(j, a, err));
		if (j->at % 16 == 0 && pm_now() > deadline)
			return PM_OK;
	}
	return next_phase(j, ret_done, err);
}

void pm_awaitables_progress(const struct pm_awaitables_job *j,
	uint64_t *ret_done, uint64_t *ret_total)
{
	if (j->phase == PHASE_SCAN) {
		pm_scan_progress(j->scan, ret_done, ret_total);
		return;
	}
	*ret_done = j->at;
	*ret_total = j->all.list.len;
}

void pm_awaitables_destroy(struct pm_awaitables_job *j)
{
	if (!j)
		return;
	pm_scan_destroy(j->scan);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		pm_vec_deinit(&j->found[i]);
	pm_vec_deinit(&j->all.list);
	pm_vec_deinit(&j->waiting);
	pm_map_deinit(&j->kinds);
	pm_map_deinit(&j->parts);
	pm_future_names_deinit(&j->names);
	pm_attr_query_deinit(&j->trio_name);
	pm_attr_query_deinit(&j->trio_coro);
	free(j);
}

const struct pm_awaitables *pm_awaitables_result(
	const struct pm_awaitables_job *j)
{
	return &j->all;
}

struct pm_future_names *pm_awaitables_names(struct pm_awaitables_job *j)
{
	return &j->names;
}

const struct pm_awaitable *pm_awaitables_find(
	const struct pm_awaitables_job *j, pm_addr addr)
{
	const struct pm_awaitable key = {.addr = addr};
	return j->all.list.len ? bsearch(&key, j->all.list.data,
					 j->all.list.len, sizeof key, by_addr)
			       : NULL;
}

/* ---- awaiters ---- */

struct telling {
	const struct pm_awaitables_job *j;
	pm_awaiter_fn *fn;
	void *arg;
	bool stop;
};

/* The first of those that wait for at. */
static size_t first_waiting(const struct pm_awaitables_job *j, pm_addr at)
{
	size_t low = 0, high = j->waiting.len;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (j->waiting.data[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void tell_waiting(struct telling *t, pm_addr at, unsigned gathers)
{
	const struct pm_awaitables_job *j = t->j;
	for (size_t i = first_waiting(j, at);
		!t->stop && i < j->waiting.len && j->waiting.data[i].at == at;
		i++) {
		const struct pm_awaitable *by =
			pm_awaitables_find(j, j->waiting.data[i].by);
		if (by && by->kind == PM_AWAITABLE_TASK)
			t->stop = !t->fn(t->arg, by->addr);
		else if (by && gathers < MAX_GATHERS)
			tell_waiting(t, by->addr, gathers + 1);
	}
}

static bool tell_member(void *arg, const struct pm_ref *ref)
{
	struct telling *t = arg;
	if (ref->via == PM_VIA_MEMBER)
		t->stop = !t->fn(t->arg, ref->target);
	return !t->stop;
}

void pm_awaitables_awaiters(struct pm_awaitables_job *j,
	const struct pm_awaitable *x, pm_awaiter_fn *fn, void *arg)
{
	const struct pm_objects *o = &j->h->objects;
	struct telling t = {j, fn, arg, false};
	pm_addr noted = x->future.awaited_by;
	struct pm_object set;
	if (!pm_future_knows_awaiters(o->l)) {
		/* A gather still has the children that are done. */
		if (!pm_awaitable_is_done(x->state))
			tell_waiting(&t, x->addr, 0);
		return;
	}
	if (!noted || pm_object_load(o, noted, &set, NULL) != PM_OK)
		return;
	if (!x->future.awaited_by_is_set)
		fn(arg, noted);
	else if (set.type->kind == PM_KIND_SET &&
		 pm_refs_each(o, &set, tell_member, &t) != PM_OK)
		j->all.unreadable++;
}
