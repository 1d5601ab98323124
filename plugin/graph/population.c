/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/population.h"
#include "graph/expression.h"
#include "graph/root-nodes.h"
#include "heap/team.h"

#include <string.h>

#define STEPS_AT_ONCE 4096
/* How many steps later roots begin that say little. */
#define PATIENCE 3

/* In place of a holder; then, with the bit, a pattern. */
#define NOT_SEEN UINT32_MAX
#define BY_ROOT (PM_NODES_MAX - 1)
#define LABELLED PM_NODES_MAX

/* What is asked for; from the roots on; back from what is asked for; then from
   the roots on again, along what leads there. */
enum phase { PHASE_COUNT, PHASE_REACH, PHASE_MARK, PHASE_LABEL, PHASE_DONE };

/* The roots that begin together. */
enum rank { RANK_GOOD, RANK_INCIDENTAL, RANK_GUESS, RANKS };

/* What the edges of objects of a type are, without a look at them. */
enum shape { NOT_ASKED, SHAPE_ITEMS, SHAPE_MEMBERS, SHAPE_DICT, SHAPE_OTHER };

struct pm_population_job {
	const struct pm_graph *g;
	uint8_t *what, *shapes; /* by type id */
	uint32_t ntypes;
	const uint64_t *only; /* bits, by node; NULL: all */
	enum phase phase;
	uint32_t *holder; /* by node */
	uint32_t *queue;  /* those reached, in that order */
	uint64_t *inner;  /* bits, by node: something behind is asked for */
	uint32_t len, at, level_end, level;
	uint32_t edge; /* of queue[at], that is next */
	enum rank rank;
	uint64_t missing; /* that are asked for, and not reached yet */
	struct pm_population r;
};

void pm_population_destroy(struct pm_population_job *j)
{
	if (!j)
		return;
	free(j->what);
	free(j->shapes);
	free(j->holder);
	free(j->queue);
	free(j->inner);
	pm_patterns_deinit(&j->r.patterns);
	free(j);
}

static void cleanup_job(struct pm_population_job **j)
{
	pm_population_destroy(*j);
}

enum pm_status pm_population_create(const struct pm_graph *g,
	const uint8_t *what, uint32_t ntypes, const uint64_t *only,
	struct pm_population_job **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_population_job *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	j->ntypes = ntypes;
	j->only = only;
	j->what = malloc(ntypes + 1);
	j->shapes = calloc(ntypes + 1, 1);
	j->holder = malloc(((size_t)g->n + 1) * sizeof *j->holder);
	j->queue = malloc(((size_t)g->n + 1) * sizeof *j->queue);
	j->inner = calloc((size_t)g->n / 64 + 1, sizeof *j->inner);
	if (!j->what || !j->shapes || !j->holder || !j->queue || !j->inner)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	memcpy(j->what, what, ntypes);
	pm_patterns_init(&j->r.patterns, g);
	*ret = pm_take(j);
	return PM_OK;
}

static bool is(const struct pm_population_job *j, uint32_t node, unsigned what)
{
	uint32_t type = j->g->type[node];
	return type < j->ntypes && j->what[type] & what &&
	       (what != PM_TYPE_WANTED || !j->only ||
		       j->only[node / 64] >> node % 64 & 1);
}

static bool is_inner(const struct pm_population_job *j, uint32_t node)
{
	return j->inner[node / 64] >> node % 64 & 1;
}

static void count(struct pm_population_job *j)
{
	uint32_t end = j->g->n - j->at > STEPS_AT_ONCE ? j->at + STEPS_AT_ONCE
						       : j->g->n;
	for (; j->at < end; j->at++) {
		j->holder[j->at] = NOT_SEEN;
		if (!is(j, j->at, PM_TYPE_WANTED))
			continue;
		j->r.objects++;
		j->r.bytes += pm_graph_size(j->g, j->at);
	}
	if (j->at < j->g->n)
		return;
	j->missing = j->r.objects;
	j->at = 0;
	j->phase = PHASE_REACH;
}

/* ---- from the roots on ---- */

static void reach(struct pm_population_job *j, uint32_t node, uint32_t holder)
{
	if (j->holder[node] != NOT_SEEN)
		return;
	j->holder[node] = holder;
	j->queue[j->len++] = node;
	j->missing -= is(j, node, PM_TYPE_WANTED);
}

static enum rank rank_of(const struct pm_root *root)
{
	if (!pm_root_kind_is_precise(root->kind))
		return RANK_GUESS;
	return pm_root_is_incidental(root) ? RANK_INCIDENTAL : RANK_GOOD;
}

/* Lets the roots of the next rank begin. */
static void begin_rank(struct pm_population_job *j)
{
	const struct pm_graph *g = j->g;
	for (size_t i = 0; i < g->roots.len; i++) {
		const struct pm_graph_root *r = &g->roots.data[i];
		if (i && r[-1].node == r->node)
			continue; /* the best is the first */
		if (rank_of(&r->root) == j->rank)
			reach(j, r->node, BY_ROOT);
	}
	j->rank++;
}

/* The next level begins; false: there is none. */
static bool next_level(struct pm_population_job *j)
{
	bool late = j->rank == RANK_INCIDENTAL && j->level >= PATIENCE;
	if (!j->rank || late)
		begin_rank(j);
	while (j->at == j->len && j->rank < RANKS)
		begin_rank(j);
	j->level++;
	j->level_end = j->len;
	return j->at < j->len;
}

/* At most so many edges of queue[at]; how many there were. */
static uint32_t follow(struct pm_population_job *j, uint32_t most)
{
	const struct pm_graph *g = j->g;
	uint32_t node = j->queue[j->at], n = 0;
	uint32_t i = g->out_begin[node] + j->edge, end = g->out_begin[node + 1];
	if (is(j, node, PM_TYPE_EXCLUDED))
		i = end;
	for (; i < end && n < most; i++, n++)
		reach(j, pm_edge_node(g->out[i]), node);
	j->edge = i - g->out_begin[node];
	if (i == end) {
		j->edge = 0;
		j->at++;
	}
	return n;
}

static void search(struct pm_population_job *j)
{
	for (uint32_t n = 0; n < STEPS_AT_ONCE; n++) {
		if (!j->missing || (j->at == j->level_end && !next_level(j))) {
			j->at = j->len;
			j->phase = PHASE_MARK;
			return;
		}
		n += follow(j, STEPS_AT_ONCE);
	}
}

/* ---- which of them lead to what is asked for ---- */

static void mark(struct pm_population_job *j)
{
	for (unsigned n = 0; n < STEPS_AT_ONCE && j->at; n++) {
		uint32_t node = j->queue[--j->at], from = j->holder[node];
		if (from != BY_ROOT &&
			(is(j, node, PM_TYPE_WANTED) || is_inner(j, node)))
			j->inner[from / 64] |= UINT64_C(1) << from % 64;
	}
	if (!j->at)
		j->phase = PHASE_LABEL;
}

/* ---- what they are called ---- */

struct labeller {
	struct pm_population_job *j;
	const struct pm_object *x;
	uint32_t node, pattern;
	bool native; /* words that are guesses, too */
	bool skipped;
};

static bool is_due(
	const struct pm_population_job *j, uint32_t node, uint32_t holder)
{
	return j->holder[node] == holder &&
	       (is_inner(j, node) || is(j, node, PM_TYPE_WANTED));
}

static void label(
	const struct labeller *l, uint32_t child, const struct pm_ref *ref)
{
	uint32_t at = pm_patterns_step(
		&l->j->r.patterns, l->pattern, l->x, ref, l->node, child);
	l->j->holder[child] = LABELLED | at;
}

static bool see_ref(void *arg, const struct pm_ref *ref)
{
	struct labeller *l = arg;
	uint32_t child = pm_graph_node(l->j->g, ref->target);
	if (child == PM_NO_NODE || !is_due(l->j, child, l->node))
		return true;
	if (ref->via == PM_VIA_NATIVE && !l->native)
		l->skipped = true;
	else
		label(l, child, ref);
	return true;
}

static enum shape shape_of(const struct pm_type *t)
{
	static const struct {
		const char *name;
		enum shape shape;
	} plain[] = {{"builtins.list", SHAPE_ITEMS},
		{"builtins.tuple", SHAPE_ITEMS},
		{"builtins.set", SHAPE_MEMBERS},
		{"builtins.frozenset", SHAPE_MEMBERS},
		{"builtins.dict", SHAPE_DICT}};
	for (size_t i = 0; !t->heap && i < sizeof plain / sizeof *plain; i++)
		if (!strcmp(t->name, plain[i].name))
			return plain[i].shape;
	return SHAPE_OTHER;
}

static enum shape shape_at(struct pm_population_job *j, uint32_t node)
{
	uint32_t type = j->g->type[node];
	const struct pm_type *t = pm_graph_type(j->g, node);
	if (!t || type >= j->ntypes)
		return SHAPE_OTHER;
	if (j->shapes[type] == NOT_ASKED)
		j->shapes[type] = (uint8_t)shape_of(t);
	return j->shapes[type];
}

/* Has every entry of a dict two edges, first its key's?  So it is where the
   keys are its own and nothing of it is unknown. */
static bool has_pairs(const struct pm_graph *g, uint32_t node)
{
	const struct pm_objects *o = &g->h->objects;
	uint64_t used, edges = g->out_begin[node + 1] - g->out_begin[node];
	return pm_layout_read(o->l, o->m, g->addr[node], o->l->f.dict.used,
		       &used, NULL) == PM_OK &&
	       edges && used == edges / 2 && edges % 2 == 0;
}

static void label_items(struct labeller *l, enum shape shape)
{
	const struct pm_graph *g = l->j->g;
	uint32_t begin = g->out_begin[l->node], end = g->out_begin[l->node + 1];
	struct pm_ref ref = {.via = PM_VIA_INDEX};
	if (shape == SHAPE_MEMBERS)
		ref.via = PM_VIA_MEMBER;
	for (uint32_t i = begin; i < end; i++) {
		uint32_t child = pm_edge_node(g->out[i]);
		if (!is_due(l->j, child, l->node))
			continue;
		if (shape == SHAPE_DICT)
			ref.via = (i - begin) % 2 ? PM_VIA_VALUE : PM_VIA_KEY;
		label(l, child, &ref);
	}
}

/* What was not found again, in words. */
static void label_rest(struct labeller *l)
{
	const struct pm_graph *g = l->j->g;
	const struct pm_ref ref = {.via = PM_VIA_NATIVE};
	l->x = NULL;
	for (uint32_t i = g->out_begin[l->node]; i < g->out_begin[l->node + 1];
		i++) {
		uint32_t child = pm_edge_node(g->out[i]);
		if (is_due(l->j, child, l->node))
			label(l, child, &ref);
	}
}

static void label_children(
	struct pm_population_job *j, uint32_t node, uint32_t pattern)
{
	const struct pm_objects *o = &j->g->h->objects;
	const struct pm_pattern *p = &j->r.patterns.list.data[pattern];
	struct labeller l = {.j = j, .node = node, .pattern = pattern};
	enum shape shape = shape_at(j, node);
	struct pm_object x;
	if (!p->is_space && !p->names_all && shape != SHAPE_OTHER &&
		(shape != SHAPE_DICT || has_pairs(j->g, node))) {
		label_items(&l, shape);
		return;
	}
	if (pm_object_load(o, j->g->addr[node], &x, NULL) == PM_OK) {
		l.x = &x;
		/* What can't be read any more is told as such below. */
		enum pm_status s = pm_refs_each(o, &x, see_ref, &l);
		l.native = true;
		if (l.skipped)
			s = pm_refs_each(o, &x, see_ref, &l);
		(void)s;
	}
	label_rest(&l);
}

static void label_node(struct pm_population_job *j, uint32_t node)
{
	struct pm_patterns *p = &j->r.patterns;
	uint32_t pattern;
	bool wanted = is(j, node, PM_TYPE_WANTED);
	if (!wanted && !is_inner(j, node))
		return;
	if (j->holder[node] == BY_ROOT) {
		pattern = pm_patterns_root(p, pm_graph_root(j->g, node), node);
		if (p->no_memory)
			return;
		j->holder[node] = LABELLED | pattern;
	}
	if (!(j->holder[node] & LABELLED))
		return; /* out of memory */
	pattern = j->holder[node] & ~LABELLED;
	if (wanted) {
		struct pm_pattern *x = &p->list.data[pattern];
		uint64_t bytes = pm_graph_size(j->g, node);
		if (!x->objects++)
			x->example = node;
		x->bytes += bytes;
		j->r.reached++;
		j->r.reached_bytes += bytes;
	}
	if (is_inner(j, node))
		label_children(j, node, pattern);
}

static void label_some(struct pm_population_job *j)
{
	const struct pm_graph *g = j->g;
	for (uint32_t n = 0; n < STEPS_AT_ONCE && j->at < j->len; n++) {
		uint32_t node = j->queue[j->at++];
		label_node(j, node);
		n += g->out_begin[node + 1] - g->out_begin[node];
	}
	if (j->at == j->len)
		j->phase = PHASE_DONE;
}

enum pm_status pm_population_step(struct pm_population_job *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double deadline = pm_now() + seconds;
	while (j->phase != PHASE_DONE && pm_now() < deadline)
		switch (j->phase) {
		case PHASE_COUNT:
			count(j);
			break;
		case PHASE_REACH:
			search(j);
			break;
		case PHASE_MARK:
			mark(j);
			break;
		case PHASE_LABEL:
			label_some(j);
			if (j->r.patterns.no_memory)
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
			break;
		case PHASE_DONE:
			break;
		}
	*ret_done = j->phase == PHASE_DONE;
	return PM_OK;
}

void pm_population_progress(const struct pm_population_job *j,
	uint64_t *ret_done, uint64_t *ret_total)
{
	uint64_t n = j->g->n, here = j->at;
	if (j->phase == PHASE_MARK)
		here = j->len - j->at;
	*ret_total = PHASE_DONE * n;
	*ret_done = j->phase * n + (here < n ? here : n);
}

struct pm_population *pm_population_result(struct pm_population_job *j)
{
	return &j->r;
}

uint32_t pm_population_pattern(
	const struct pm_population_job *j, uint32_t node)
{
	uint32_t at = j->holder[node];
	return at != NOT_SEEN && at & LABELLED ? at & ~LABELLED
					       : PM_NO_PATTERN;
}
