/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/suspects.h"
#include "graph/groups.h"
#include "heap/team.h"

#include <string.h>

#define STEPS_AT_ONCE 4096
/* So far up an object's own kind is looked for: nodes with a dict between them,
   in lists, ... */
#define PERIOD_MAX 8
/* A class that holds an instance of itself is a structure; lists and dicts are
   in each other for other reasons, but not three times. */
#define REPEATS_OF_CLASS 1
#define REPEATS_OF_OTHERS 2
/* That have nothing to do with each other: more nobody reads. */
#define SUSPECTS_MAX 1000

enum phase { PHASE_SEARCH, PHASE_PARTS, PHASE_DONE };

struct start {
	uint32_t node; /* g->n: all roots */
	size_t within;
};

/* What is known of a type: of parts, or of a group. */
struct sum {
	uint64_t retained;
	uint32_t count, best, above;
};

struct pm_suspects_job {
	const struct pm_graph *g;
	struct pm_roles roles;
	uint64_t least;
	enum phase phase;
	PM_VEC(struct start) todo;
	PM_VEC(struct pm_suspect) list;
	PM_VEC(uint32_t) machinery; /* all that was looked through */
	uint32_t ntypes;
	struct sum *groups, *parts; /* by type */
	size_t at_suspect;
	struct pm_group_sums *structure;

	/* The object whose parts are being looked at. */
	bool busy, is_machinery;
	struct start now;
	uint32_t begin; /* where the way to it began */
	uint32_t at;	/* its next part */
	size_t nlarge;	/* the last ones in todo */
	uint32_t best;
	uint64_t rest;	/* bytes that no large part has */
	uint64_t whole; /* of what it is the largest part of; 0: nothing */
};

void pm_suspects_destroy(struct pm_suspects_job *j)
{
	if (!j)
		return;
	pm_vec_deinit(&j->todo);
	pm_vec_deinit(&j->list);
	pm_vec_deinit(&j->machinery);
	free(j->groups);
	free(j->parts);
	pm_group_sums_destroy(j->structure);
	free(j);
}

static void cleanup_job(struct pm_suspects_job **j)
{
	pm_suspects_destroy(*j);
}

uint64_t pm_suspects_usual(const struct pm_dominators *d)
{
	uint64_t least = d->bytes / 100 * PM_SUSPECT_PERCENT;
	return least > PM_SUSPECT_FLOOR ? least : PM_SUSPECT_FLOOR;
}

static enum pm_status out_of_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

enum pm_status pm_suspects_create(const struct pm_graph *g,
	const struct pm_roles *roles, uint32_t ntypes, uint64_t least,
	struct pm_suspects_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_suspects_job *j = calloc(1, sizeof *j);
	if (!j)
		return out_of_memory(err);
	j->g = g;
	j->roles = *roles;
	j->ntypes = ntypes;
	uint64_t bound = g->dominators->bytes / SUSPECTS_MAX;
	j->least = least > bound ? least : bound + 1;
	j->groups = calloc((size_t)ntypes + 1, sizeof *j->groups);
	j->parts = calloc((size_t)ntypes + 1, sizeof *j->parts);
	if (!j->groups || !j->parts ||
		!pm_vec_push(&j->todo, (struct start){g->n, PM_NOT_WITHIN}))
		return out_of_memory(err);
	*ret = pm_take(j);
	return PM_OK;
}

static enum pm_role role_of(const struct pm_suspects_job *j, uint32_t node)
{
	return node == j->g->n ? PM_ROLE_MACHINERY
			       : j->roles.role(j->roles.arg, node);
}

static void add_to(struct pm_suspects_job *j, struct sum *sums, uint32_t node,
	uint32_t above)
{
	const struct pm_dominators *d = j->g->dominators;
	uint32_t type = j->g->type[node];
	struct sum *s = &sums[type < j->ntypes ? type : j->ntypes];
	if (!s->count++) {
		s->best = node;
		s->above = above;
	}
	s->retained += d->retained[node];
	if (d->retained[node] > d->retained[s->best])
		s->best = node;
	if (s->above != above)
		s->above = PM_BY_ROOTS;
}

/* ---- objects of one kind that link to each other ---- */

static uint32_t above(const struct pm_suspects_job *j, uint32_t node)
{
	uint32_t by = j->g->dominators->of[node];
	return by < j->g->n && role_of(j, by) != PM_ROLE_MACHINERY ? by
								   : PM_NO_NODE;
}

static bool is_space(const struct pm_suspects_job *j, uint32_t node)
{
	return above(j, node) != PM_NO_NODE &&
	       j->roles.is_space(j->roles.arg, node);
}

/* The first of those above that the node is another of. */
static uint32_t find_first(const struct pm_suspects_job *j, uint32_t node)
{
	const uint32_t *type = j->g->type;
	unsigned least = role_of(j, node) == PM_ROLE_INSTANCE
				 ? REPEATS_OF_CLASS
				 : REPEATS_OF_OTHERS;
	unsigned steps = 0, repeats = 0;
	uint32_t first = node, a = node;
	while (steps++ < PERIOD_MAX && (a = above(j, a)) != PM_NO_NODE) {
		if (type[a] != type[node] || type[a] == PM_NO_NODE ||
			is_space(j, a))
			continue;
		if (!repeats && is_space(j, node))
			break;
		first = a;
		repeats++;
		steps = 0;
	}
	return repeats >= least ? first : PM_NO_NODE;
}

/* ---- from the roots down ---- */

static enum pm_status add_suspect(struct pm_suspects_job *j,
	enum pm_suspect_kind kind, uint32_t node, size_t *ret,
	struct pm_error *err)
{
	const struct pm_dominators *d = j->g->dominators;
	for (size_t i = 0; i < j->list.len; i++)
		if (j->list.data[i].node == node) {
			if (kind == PM_SUSPECT_STRUCTURE)
				j->list.data[i].kind = kind;
			*ret = i;
			return PM_OK;
		}
	if (kind == PM_SUSPECT_CONTAINER &&
		pm_graph_size(j->g, node) > d->retained[node] / 2)
		kind = PM_SUSPECT_OBJECT;
	const struct pm_suspect s = {.kind = kind,
		.node = node,
		.retained = d->retained[node],
		.objects = d->objects[node],
		.within = j->now.within,
		.above = PM_BY_ROOTS,
		.type = j->g->type[node],
		.count = 1,
		.type_retained = d->retained[node],
		.start = kind == PM_SUSPECT_STRUCTURE ? node : j->begin};
	if (!pm_vec_push(&j->list, s))
		return out_of_memory(err);
	*ret = j->list.len - 1;
	return PM_OK;
}

/* What of a structure was a suspect already is not what it is within. */
static void leave_parts(
	struct pm_suspects_job *j, uint32_t node, uint32_t first)
{
	const struct pm_suspect *list = j->list.data;
	for (; node != first; node = j->g->dominators->of[node])
		if (j->now.within != PM_NOT_WITHIN &&
			list[j->now.within].node == node)
			j->now.within = list[j->now.within].within;
}

static enum pm_status begin_object(
	struct pm_suspects_job *j, struct pm_error *err)
{
	const struct pm_dominators *d = j->g->dominators;
	uint32_t node = j->now.node, first = PM_NO_NODE;
	size_t at;
	j->is_machinery = role_of(j, node) == PM_ROLE_MACHINERY;
	if (j->is_machinery) {
		if (!pm_vec_push(&j->machinery, node))
			return out_of_memory(err);
	} else {
		first = find_first(j, node);
	}
	if (first != PM_NO_NODE) {
		leave_parts(j, node, first);
		return add_suspect(j, PM_SUSPECT_STRUCTURE, first, &at, err);
	}
	j->busy = true;
	j->nlarge = 0;
	j->best = PM_NO_NODE;
	j->rest = node < j->g->n ? d->retained[node] : 0;
	j->at = d->begin[node];
	return PM_OK;
}

static bool see_part(struct pm_suspects_job *j, uint32_t part)
{
	const struct pm_dominators *d = j->g->dominators;
	uint64_t bytes = d->retained[part];
	bool large = bytes >= j->least;
	enum pm_role role = PM_ROLE_PLAIN;
	if (j->best == PM_NO_NODE || bytes > d->retained[j->best])
		j->best = part;
	if (j->is_machinery) {
		role = role_of(j, part);
		if (role != PM_ROLE_MACHINERY && role != PM_ROLE_PROGRAM &&
			!large)
			add_to(j, j->groups, part, j->now.node);
	}
	if (large)
		j->rest -= bytes < j->rest ? bytes : j->rest;
	if (!large && role != PM_ROLE_MACHINERY)
		return true;
	j->nlarge++;
	return pm_vec_push(&j->todo, (struct start){part, j->now.within});
}

/* Has the largest part most of the whole that led here? */
static bool goes_on(const struct pm_suspects_job *j, uint64_t whole)
{
	return j->best != PM_NO_NODE &&
	       role_of(j, j->best) != PM_ROLE_MACHINERY &&
	       j->g->dominators->retained[j->best] >=
		       whole / 100 * PM_SUSPECT_KEEPS_PERCENT;
}

/* All parts were seen. */
static enum pm_status end_object(
	struct pm_suspects_job *j, struct pm_error *err)
{
	uint32_t node = j->now.node;
	size_t at;
	j->busy = false;
	if (j->is_machinery || (!j->whole && j->rest < j->least))
		return PM_OK;
	uint64_t whole = j->whole ? j->whole : j->g->dominators->retained[node];
	if (!j->nlarge && goes_on(j, whole)) {
		j->whole = whole;
		j->now.node = j->best;
		return begin_object(j, err);
	}
	/* Of attributes, whose they are. */
	if (is_space(j, node))
		node = above(j, node);
	PM_TRY(add_suspect(j, PM_SUSPECT_CONTAINER, node, &at, err));
	for (size_t i = 0; i < j->nlarge; i++)
		j->todo.data[j->todo.len - 1 - i].within = at;
	return PM_OK;
}

static enum pm_status search(struct pm_suspects_job *j, struct pm_error *err)
{
	const struct pm_dominators *d = j->g->dominators;
	if (!j->busy) {
		j->now = j->todo.data[--j->todo.len];
		j->begin = j->now.node;
		j->whole = 0;
		return begin_object(j, err);
	}
	uint32_t end = d->begin[j->now.node + 1];
	for (unsigned n = 0; n < STEPS_AT_ONCE && j->at < end; n++)
		if (!see_part(j, d->below[j->at++]))
			return out_of_memory(err);
	return j->at == end ? end_object(j, err) : PM_OK;
}

/* ---- what they consist of ---- */

/* A structure is known as one only after parts of it were looked at. */
static void find_enclosing(struct pm_suspects_job *j, size_t at)
{
	struct pm_suspect *s = &j->list.data[at];
	uint32_t a = s->start;
	for (unsigned i = 0; i <= PERIOD_MAX && a < j->g->n; i++) {
		a = j->g->dominators->of[a];
		for (size_t k = 0; k < j->list.len; k++)
			if (j->list.data[k].node == a && k != at &&
				s->within == PM_NOT_WITHIN)
				s->within = k;
	}
}

static enum pm_status end_search(
	struct pm_suspects_job *j, struct pm_error *err)
{
	for (size_t i = 0; i < j->list.len; i++)
		find_enclosing(j, i);
	for (uint32_t t = 0; t < j->ntypes; t++) {
		const struct sum *s = &j->groups[t];
		if (s->retained < j->least || !s->count)
			continue;
		const struct pm_suspect group = {.kind = PM_SUSPECT_GROUP,
			.node = s->best,
			.retained = s->retained,
			.objects = s->count,
			.within = PM_NOT_WITHIN,
			.above = s->above,
			.type = t,
			.count = s->count,
			.type_retained = s->retained};
		if (!pm_vec_push(&j->list, group))
			return out_of_memory(err);
	}
	j->phase = PHASE_PARTS;
	return PM_OK;
}

static void end_parts(struct pm_suspects_job *j, struct pm_suspect *s)
{
	const struct sum *most = NULL;
	for (uint32_t t = 0; t < j->ntypes; t++)
		if (j->parts[t].count &&
			(!most || j->parts[t].retained > most->retained))
			most = &j->parts[t];
	if (most) {
		s->type = (uint32_t)(most - j->parts);
		s->count = most->count;
		s->type_retained = most->retained;
	}
}

static void count_parts(struct pm_suspects_job *j, struct pm_suspect *s)
{
	const struct pm_dominators *d = j->g->dominators;
	uint32_t end = d->begin[s->node + 1];
	if (!j->busy) {
		j->busy = true;
		j->at = d->begin[s->node];
		memset(j->parts, 0, (j->ntypes + 1) * sizeof *j->parts);
	}
	for (unsigned n = 0; n < STEPS_AT_ONCE && j->at < end; n++)
		add_to(j, j->parts, d->below[j->at++], s->node);
	if (j->at < end)
		return;
	end_parts(j, s);
	j->busy = false;
	j->at_suspect++;
}

/* All of its type that are below. */
static enum pm_status count_structure(
	struct pm_suspects_job *j, struct pm_suspect *s, struct pm_error *err)
{
	bool done = false;
	if (!j->structure) {
		pm_auto_free uint32_t *group_of =
			malloc(((size_t)j->ntypes + 1) * sizeof *group_of);
		if (!group_of)
			return out_of_memory(err);
		for (uint32_t t = 0; t < j->ntypes; t++)
			group_of[t] = t == s->type ? 0 : PM_NO_NODE;
		const struct pm_group_map map = {NULL, group_of, j->ntypes, 1};
		return pm_group_sums_create(
			j->g, s->node, &map, &j->structure, err);
	}
	PM_TRY(pm_group_sums_step(j->structure, 0.01, &done, err));
	if (!done)
		return PM_OK;
	const struct pm_group_sum *sum = pm_group_sums_result(j->structure);
	s->count = sum->objects + 1;
	s->type_retained = s->retained;
	pm_group_sums_destroy(pm_take(j->structure));
	j->at_suspect++;
	return PM_OK;
}

static int by_retained(const void *a, const void *b)
{
	const struct pm_suspect *x = a, *y = b;
	if (x->retained != y->retained)
		return x->retained < y->retained ? 1 : -1;
	return x->node < y->node ? -1 : x->node > y->node;
}

/* Numbers of suspects are still those of the order in which they were found. */
static enum pm_status sort(struct pm_suspects_job *j, struct pm_error *err)
{
	size_t n = j->list.len;
	pm_auto_free uint32_t *whole = malloc((n + 1) * sizeof *whole);
	if (!whole)
		return out_of_memory(err);
	for (size_t i = 0; i < n; i++) {
		const struct pm_suspect *s = &j->list.data[i];
		/* One that it is within has a node of its own. */
		j->list.data[i].start = s->within < n
						? j->list.data[s->within].node
						: PM_NO_NODE;
	}
	if (n)
		qsort(j->list.data, n, sizeof *j->list.data, by_retained);
	for (size_t i = 0; i < n; i++) {
		struct pm_suspect *s = &j->list.data[i];
		s->within = PM_NOT_WITHIN;
		for (size_t k = 0; k < n && s->start != PM_NO_NODE; k++)
			if (j->list.data[k].kind != PM_SUSPECT_GROUP &&
				j->list.data[k].node == s->start)
				s->within = k;
	}
	j->phase = PHASE_DONE;
	return PM_OK;
}

static enum pm_status advance(struct pm_suspects_job *j, struct pm_error *err)
{
	if (j->phase == PHASE_SEARCH)
		return j->busy || j->todo.len ? search(j, err)
					      : end_search(j, err);
	if (j->at_suspect == j->list.len)
		return sort(j, err);
	struct pm_suspect *s = &j->list.data[j->at_suspect];
	if (s->kind == PM_SUSPECT_STRUCTURE)
		return count_structure(j, s, err);
	if (s->kind == PM_SUSPECT_CONTAINER)
		count_parts(j, s);
	else
		j->at_suspect++;
	return PM_OK;
}

enum pm_status pm_suspects_step(struct pm_suspects_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	do
		PM_TRY(j->phase == PHASE_DONE ? PM_OK : advance(j, err));
	while (j->phase != PHASE_DONE && pm_now() < deadline);
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

const struct pm_suspect *pm_suspects_result(
	const struct pm_suspects_job *j, size_t *ret_n)
{
	*ret_n = j->list.len;
	return j->list.data;
}

uint64_t pm_suspects_least(const struct pm_suspects_job *j)
{
	return j->least;
}

enum pm_status pm_suspects_members(const struct pm_suspects_job *j,
	const struct pm_suspect *s, uint64_t **ret, struct pm_error *err)
{
	const struct pm_dominators *d = j->g->dominators;
	uint64_t *bits = calloc((size_t)j->g->n / 64 + 1, sizeof *bits);
	if (!bits)
		return out_of_memory(err);
	pm_vec_each (m, &j->machinery)
		for (uint32_t i = d->begin[*m]; i < d->begin[*m + 1]; i++) {
			uint32_t node = d->below[i];
			if (j->g->type[node] == s->type &&
				d->retained[node] < j->least &&
				role_of(j, node) != PM_ROLE_MACHINERY)
				bits[node / 64] |= UINT64_C(1) << node % 64;
		}
	*ret = bits;
	return PM_OK;
}
