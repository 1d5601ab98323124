/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-instances: the objects of a type, those of them that a condition holds
   for, or how many there are of each value. */
#include "command/graphing.h"
#include "command/condition.h"
#include "command/groups.h"
#include "command/instance-sites.h"
#include "graph/dominators.h"
#include "heap/footprint.h"
#include "heap/scan.h"
#include "heap/team.h"
#include "object/repr.h"

#include <inttypes.h>
#include <string.h>

#define VALUE_WIDTH 100
#define SPARE                                                                  \
	4096 /* rows kept above those that are shown, between prunings         \
	      */

enum phase { PHASE_WALK, PHASE_LOOK, PHASE_SITES, PHASE_ROWS };
enum sort { SORT_SIZE, SORT_ADDR, SORT_REFCOUNT, SORT_RETAINED };

struct candidate {
	uint64_t rank; /* the lowest come first */
	pm_addr addr;
};

/* One thread's finds. */
struct finder {
	struct pm_object x; /* under way */
	struct pm_evaluator *where, *group;
	struct pm_value_reader reader;
	PM_VEC(struct candidate) list;
	struct pm_groups groups;
	uint64_t worst; /* rank that is too high by now */
	uint64_t count, size, unreadable, inconsistent;
};

struct instances {
	struct pm_run *r;
	struct pm_walking walking;
	struct pm_graphing graphing; /* instead, of -sort retained */
	struct pm_scan *job;
	struct pm_query *where, *group;
	struct pm_sites sites;
	struct finder finders[PM_TEAM_MAX];
	enum phase phase;
	enum sort sort;
	const char *glob, *exclude;
	bool subclasses, random;
	uint64_t seed, min_size, max_size;
	size_t keep; /* 0: all */
	uint32_t ntypes;
	size_t at;
};

/* ---- options ---- */

static enum pm_status parse_queries(struct instances *st, struct pm_error *err)
{
	const char *where = pm_run_text(st->r, "where", NULL);
	const char *group = pm_run_text(st->r, "group-by", NULL);
	enum pm_status s = PM_OK;
	if (where)
		s = pm_query_parse(where, &st->where, err);
	if (s == PM_USAGE)
		pm_error_context(err, "-where");
	if (s || !group)
		return s;
	s = pm_query_parse_value(group, &st->group, err);
	if (s == PM_USAGE)
		pm_error_context(err, "-group-by");
	return s;
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct instances *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	st->r = r;
	st->glob = r->operand;
	st->exclude = pm_run_text(r, "exclude", NULL);
	st->subclasses = pm_run_flag(r, "subclasses");
	st->random = pm_run_given(r, "random");
	st->seed = pm_run_number(r, "seed", 1);
	st->min_size = pm_run_number(r, "min-size", 0);
	st->max_size = pm_run_number(r, "max-size", UINT64_MAX);
	st->keep = st->random ? (size_t)pm_run_number(r, "random", 0) : r->top;
	const char *sort = pm_run_text(r, "sort", "size");
	st->sort = !strcmp(sort, "addr")       ? SORT_ADDR
		   : !strcmp(sort, "refcount") ? SORT_REFCOUNT
		   : !strcmp(sort, "retained") ? SORT_RETAINED
					       : SORT_SIZE;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		st->finders[i].worst = UINT64_MAX;
	PM_TRY(parse_queries(st, err));
	PM_TRY(pm_sites_start(&st->sites, r, err));
	if (st->sort == SORT_RETAINED)
		return pm_graphing_start(
			&st->graphing, r, PM_GRAPHING_DOMINATORS, err);
	return pm_walking_start(&st->walking, r, err);
}

/* ---- finding ---- */

static bool wants(void *arg, const struct pm_type *t)
{
	struct instances *st = arg;
	struct pm_types *types = st->r->session->heap->types;
	bool is = pm_type_matches(t->name, st->glob);
	const struct pm_type *b = t;
	for (int i = 0; !is && st->subclasses && b && b->is_type && i < 64;
		i++) {
		is = pm_type_matches(b->name, st->glob);
		b = b->base && b->base != b->addr ? pm_types_get(types, b->base)
						  : NULL;
	}
	if (is && st->exclude && pm_type_matches(t->name, st->exclude))
		is = false;
	st->ntypes += is;
	return is;
}

static int by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void prune(struct finder *f, size_t keep)
{
	if (f->list.len)
		qsort(f->list.data, f->list.len, sizeof *f->list.data, by_rank);
	if (keep && f->list.len > keep) {
		f->list.len = keep;
		f->worst = f->list.data[keep - 1].rank;
	}
}

/* The same sample for the same seed, whichever thread comes first. */
static uint64_t shuffled(uint64_t addr, uint64_t seed)
{
	uint64_t h = addr + seed * 0x9E3779B97F4A7C15u;
	h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9u;
	h = (h ^ h >> 27) * 0x94D049BB133111EBu;
	return h ^ h >> 31;
}

/* 0: no root leads there, or the graph lacks it. */
static uint64_t retained_by(const struct instances *st, pm_addr addr)
{
	const struct pm_graph *g = st->r->session->graph;
	uint32_t node = pm_graph_node(g, addr);
	return node == PM_NO_NODE ? 0 : g->dominators->retained[node];
}

static uint64_t rank_of(
	const struct instances *st, const struct pm_object *x, uint64_t size)
{
	switch (st->sort) {
	case SORT_ADDR:
		return x->addr;
	case SORT_REFCOUNT:
		return ~(uint64_t)x->refcnt;
	case SORT_RETAINED:
		return ~retained_by(st, x->addr);
	case SORT_SIZE:
		break;
	}
	return ~size;
}

static bool keep_row(struct instances *st, struct finder *f,
	const struct pm_object *x, uint64_t size)
{
	uint64_t rank =
		st->random ? shuffled(x->addr, st->seed) : rank_of(st, x, size);
	if (rank > f->worst || (st->random && !st->keep))
		return true;
	if (st->keep && f->list.len >= 2 * st->keep + SPARE)
		prune(f, st->keep);
	return pm_vec_push(&f->list, (struct candidate){rank, x->addr});
}

static bool found(void *arg, unsigned who, const struct pm_scanned *s)
{
	struct instances *st = arg;
	struct finder *f = &st->finders[who];
	const struct pm_object *x = &f->x;
	const struct pm_objects *o = pm_scan_objects(st->job, who);
	struct pm_measure m = {0};
	pm_scan_load(st->job, s, &f->x);
	if (f->where && !pm_evaluator_matches(f->where, x))
		return true;
	enum pm_status ok = pm_object_measure(o, x, &m);
	if (ok == PM_CORRUPT)
		f->inconsistent++;
	else if (ok != PM_OK)
		f->unreadable++;
	if (m.size < st->min_size || m.size > st->max_size)
		return true;
	f->count++;
	f->size += m.size;
	if (st->sites.wanted)
		return pm_sites_add(&st->sites, who, x, m.size);
	if (!f->group)
		return keep_row(st, f, x, m.size);
	struct pm_value v;
	pm_evaluator_value(f->group, x, &v);
	return pm_groups_add(&f->groups, &f->reader, &v, x->addr, m.size);
}

static enum pm_status begin_look(struct instances *st, struct pm_error *err)
{
	struct pm_heap *h = st->r->session->heap;
	bool serial = (st->where && pm_query_is_serial(st->where)) ||
		      (st->group && pm_query_is_serial(st->group));
	PM_TRY(pm_scan_create(
		h, wants, serial ? 1 : 0, found, st, &st->job, err));
	if (!st->ntypes) {
		pm_auto_strbuf shown = {0};
		pm_strbuf_escaped(&shown, st->glob, strnlen(st->glob, 100));
		return pm_fail(err, PM_ABSENT, 0,
			"py-instances: no type is called \"%s\"",
			pm_strbuf_text(&shown));
	}
	for (unsigned i = 0; i < pm_scan_threads(st->job); i++) {
		struct finder *f = &st->finders[i];
		const struct pm_objects *o = pm_scan_objects(st->job, i);
		pm_value_reader_init(&f->reader, o);
		if (st->where)
			PM_TRY(pm_evaluator_create(
				st->where, h, o, &f->where, err));
		if (st->group)
			PM_TRY(pm_evaluator_create(
				st->group, h, o, &f->group, err));
	}
	st->phase = PHASE_LOOK;
	return PM_OK;
}

static uint64_t unreadable(const struct finder *f)
{
	uint64_t n = f->unreadable + f->reader.unreadable;
	if (f->where)
		n += pm_evaluator_unreadable(f->where);
	if (f->group)
		n += pm_evaluator_unreadable(f->group);
	return n;
}

/* All finds to the first finder, in the order of the rows. */
static enum pm_status gather(struct instances *st, struct pm_error *err)
{
	struct finder *all = &st->finders[0];
	all->unreadable = unreadable(all);
	for (unsigned i = 1; i < PM_TEAM_MAX; i++) {
		struct finder *f = &st->finders[i];
		all->count += f->count;
		all->size += f->size;
		all->unreadable += unreadable(f);
		all->inconsistent += f->inconsistent;
		pm_vec_each (c, &f->list)
			if (!pm_vec_push(&all->list, *c))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		if (!pm_groups_merge(&all->groups, &f->groups))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	prune(all, st->keep);
	pm_groups_sort(&all->groups);
	if (!st->random)
		return PM_OK;
	struct pm_heap *h = st->r->session->heap;
	pm_vec_each (c, &all->list) {
		struct pm_object x;
		struct pm_measure m = {0};
		if (pm_object_load(&h->objects, c->addr, &x, NULL) != PM_OK ||
			pm_object_measure(&h->objects, &x, &m) == PM_CORRUPT)
			m.size = 0;
		c->rank = rank_of(st, &x, m.size);
	}
	prune(all, 0);
	return PM_OK;
}

/* ---- rows ---- */

#define COLUMN_RETAINED 4

static const struct pm_column columns[] = {
	{"addr", "ADDR", PM_CELL_ADDR},
	{"refcount", "REFCOUNT", PM_CELL_INT},
	{"size", "SIZE", PM_CELL_SIZE},
	{"alloc", "ALLOC", PM_CELL_SIZE},
	{"retained", "RETAINED", PM_CELL_SIZE}, /* of -sort retained */
	{"type", "TYPE", PM_CELL_TEXT},
	{"type_addr", NULL, PM_CELL_ADDR},
	{"repr", "VALUE", PM_CELL_TEXT},
};

static const struct pm_column group_columns[] = {
	{"count", "COUNT", PM_CELL_COUNT},
	{NULL, "%", PM_CELL_PERCENT},
	{"size", "SIZE", PM_CELL_SIZE},
	{"example", "EXAMPLE", PM_CELL_ADDR},
	{"missing", NULL, PM_CELL_BOOL},
	{"value_addr", NULL, PM_CELL_ADDR},
	{"value", "VALUE", PM_CELL_TEXT},
};

static void show_object(struct pm_run *r, const struct candidate *c)
{
	const struct instances *st = r->state;
	struct pm_heap *h = r->session->heap;
	bool by_retained = st->sort == SORT_RETAINED;
	struct pm_object x;
	struct pm_measure m = {0};
	struct pm_footprint f = {0};
	pm_auto_strbuf repr = {0};
	size_t limit = r->session->repr_limit;
	if (pm_object_load(&h->objects, c->addr, &x, NULL) != PM_OK)
		return;
	if (!pm_run_flag(r, "short")) {
		if (pm_object_measure(&h->objects, &x, &m) != PM_CORRUPT)
			pm_footprint(h, &x, &m, &f);
		pm_repr(&h->objects, x.addr,
			limit < VALUE_WIDTH ? limit : VALUE_WIDTH, &repr);
	}
	const struct pm_cell cells[] = {
		{.u = x.addr},
		{.i = x.refcnt, .absent = x.immortal},
		{.u = m.size},
		{.u = f.alloc},
		{.u = by_retained ? retained_by(st, x.addr) : 0,
			.absent = !by_retained},
		{.text = x.type->name},
		{.u = x.type->addr},
		{.text = pm_strbuf_text(&repr)},
	};
	pm_emit_row(r->emit, cells, x.addr);
}

static void show_group(
	struct pm_run *r, struct finder *f, const struct pm_value_group *g)
{
	const struct pm_objects *o = f->reader.o;
	struct pm_object x;
	struct pm_value v = {0};
	pm_auto_strbuf text = {0};
	if (pm_object_load(o, g->example, &x, NULL) == PM_OK) {
		pm_evaluator_value(f->group, &x, &v);
		pm_groups_show(&f->reader, &v, r->session->repr_limit, &text);
	}
	const struct pm_cell cells[] = {
		{.u = g->count},
		{.d = f->count ? 100.0 * (double)g->count / (double)f->count
			       : 0},
		{.u = g->size},
		{.u = g->example},
		{.b = v.kind == PM_VALUE_MISSING},
		{.u = v.addr, .absent = !v.addr},
		{.text = pm_strbuf_text(&text)},
	};
	pm_emit_row(r->emit, cells, g->example);
}

static void show_none(struct pm_run *r)
{
	pm_emit_line(r->emit, "%s",
		pm_run_given(r, "where")
			? "The condition holds for none of its objects."
			: "It has no objects, or none of these sizes.");
}

static void show_total(struct pm_run *r)
{
	struct instances *st = r->state;
	const struct finder *f = &st->finders[0];
	struct pm_emit *e = r->emit;
	char n[28], size[28], human[16];
	if (!f->count)
		show_none(r);
	if (f->groups.left_out)
		pm_emit_line(e,
			"Too many different values: %s objects are in no row.",
			pm_grouped(f->groups.left_out, n));
	if (f->count)
		pm_emit_line(e, "%s object%s, %s%s", pm_grouped(f->count, n),
			f->count == 1 ? "" : "s",
			pm_run_flag(r, "bytes") ? pm_grouped(f->size, size)
						: pm_human_size(f->size, human),
			pm_run_flag(r, "bytes") ? " bytes" : "");
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "count", f->count);
	pm_emit_uint(e, "size", f->size);
	if (st->group)
		pm_emit_uint(e, "left_out", f->groups.left_out);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", f->count);
	pm_emit_variable(e, "py_size", f->size);
	pm_emit_skipped(e, f->unreadable + pm_scan_unreadable(st->job),
		f->inconsistent);
}

static void begin_rows(struct pm_run *r)
{
	const struct instances *st = r->state;
	struct pm_column shown[sizeof columns / sizeof *columns];
	memcpy(shown, columns, sizeof columns);
	if (st->sort != SORT_RETAINED)
		shown[COLUMN_RETAINED].title = NULL;
	pm_emit_table(
		r->emit, "rows", shown, sizeof columns / sizeof *columns, 0);
}

static void show(struct pm_run *r, bool *ret_done)
{
	struct instances *st = r->state;
	struct finder *f = &st->finders[0];
	size_t n = st->group ? f->groups.list.len : f->list.len;
	if (st->group && r->top && n > r->top)
		n = r->top;
	double end = pm_now() + PM_STEP_SECONDS;
	if (!st->at && st->group)
		pm_emit_table(r->emit, "rows", group_columns,
			sizeof group_columns / sizeof *group_columns, 0);
	else if (!st->at)
		begin_rows(r);
	while (st->at < n) {
		size_t i = st->at++;
		if (!st->group)
			show_object(r, &f->list.data[i]);
		else
			show_group(r, f, &f->groups.list.data[i]);
		if (st->at % 8 || pm_now() < end)
			continue;
		snprintf(r->progress, sizeof r->progress, "rows %zu/%zu",
			st->at, n);
		return;
	}
	if (!st->random)
		pm_emit_table_hide(r->emit,
			(st->group ? f->groups.list.len : f->count) - st->at);
	pm_emit_table_end(r->emit);
	show_total(r);
	*ret_done = true;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct instances *st = r->state;
	uint64_t have, total;
	bool done = false;
	switch (st->phase) {
	case PHASE_WALK:
		PM_TRY(st->sort == SORT_RETAINED
				? pm_graphing_step(&st->graphing, r, &done, err)
				: pm_walking_step(&st->walking, r, &done, err));
		return done ? begin_look(st, err) : PM_OK;
	case PHASE_LOOK:
		PM_TRY(pm_scan_step(st->job, PM_STEP_SECONDS, &done, err));
		pm_scan_progress(st->job, &have, &total);
		snprintf(r->progress, sizeof r->progress,
			"looking at objects %" PRIu64 "/%" PRIu64, have, total);
		if (!done)
			return PM_OK;
		PM_TRY(gather(st, err));
		st->phase = st->sites.wanted ? PHASE_SITES : PHASE_ROWS;
		return PM_OK;
	case PHASE_SITES:
		PM_TRY(pm_sites_step(&st->sites, r, &done, err));
		if (done)
			st->phase = PHASE_ROWS;
		return PM_OK;
	case PHASE_ROWS:
		if (!st->sites.wanted) {
			show(r, ret_done);
			return PM_OK;
		}
		PM_TRY(pm_sites_show(&st->sites, r, err));
		show_total(r);
		*ret_done = true;
		return PM_OK;
	}
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct instances *st = r->state;
	if (!st)
		return;
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		struct finder *f = &st->finders[i];
		pm_evaluator_destroy(f->where);
		pm_evaluator_destroy(f->group);
		pm_vec_deinit(&f->list);
		pm_groups_deinit(&f->groups);
	}
	pm_sites_finish(&st->sites);
	pm_scan_destroy(st->job);
	pm_walking_finish(&st->walking);
	pm_graphing_finish(&st->graphing);
	pm_query_destroy(st->where);
	pm_query_destroy(st->group);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "where",
		.type = PM_ARG_TEXT,
		.value = "'EXPR'",
		.help = "Only objects for which the condition holds."},
	{.name = "group-by",
		.type = PM_ARG_TEXT,
		.value = "VALUE",
		.help = "Count by a value, such as .state, instead of "
			"listing."},
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "size|addr|refcount|retained",
		.help = "Order of the rows (default: size); retained is what "
			"would go with each, as py-retained has it."},
	{.name = "random",
		.type = PM_ARG_COUNT,
		.value = "N",
		.help = "N objects at random instead of the first."},
	{.name = "seed",
		.type = PM_ARG_COUNT,
		.value = "N",
		.help = "Which random ones: the same number, the same objects "
			"(1)."},
	{.name = "subclasses",
		.help = "Objects of classes derived from it, too."},
	{.name = "exclude",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Not those whose type matches."},
	{.name = "min-size",
		.type = PM_ARG_SIZE,
		.value = "SIZE",
		.help = "Only objects of at least this size."},
	{.name = "max-size",
		.type = PM_ARG_SIZE,
		.value = "SIZE",
		.help = "Only objects of at most this size."},
	PM_SITES_OPTIONS,
	{0},
};

const struct pm_command pm_command_instances = {
	.name = "py-instances",
	.group = PM_GROUP_OBJECT,
	.summary = "List the objects of a type, or those a condition holds "
		   "for.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER | PM_COMMAND_ROWS_ARE_OBJECTS,
	.operand = PM_OPERAND_TYPE,
	.operand_help = "TYPE is a glob on the qualified name; without a dot "
			"it matches the bare class name, too: Order, shop.*, "
			"'*'.",
	.doc = PM_CONDITION_DOC
	       "-group-by counts the objects by a value, as "
	       "collections.Counter would; values that are neither numbers, "
	       "text, bytes nor tuples of such are told apart by identity.  "
	       "EXAMPLE is one of the objects, and $pyN of the "
	       "row.\n" PM_SITES_DOC,
	.examples =
		"py-instances Order -top 10  # the largest orders\n"
		"py-instances Order -where '.state == \"open\" and "
		"len(.lines) > 3'  # some of them\n"
		"py-instances Order -group-by .state  # how many of each\n"
		"py-instances Order -sites    # which lines made them\n"
		"py-instances str -where 'self ~ \"^https?:\"' -random 20  # "
		"a sample\n"
		"py-instances dict -where 'len > 1000' -short  # addresses, "
		"for a script",
	.start = start,
	.step = step,
	.finish = finish,
};
