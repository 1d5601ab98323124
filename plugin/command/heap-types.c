/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-heap-types: what fills the heap, by type or by something else. */
#include "command/breakdown.h"
#include "command/graphing.h"
#include "graph/groups.h"

#include <inttypes.h>
#include <string.h>

struct row {
	const char *name;
	const struct pm_type *type; /* NULL: not by type */
	uint64_t order;
	struct pm_type_stats s;
	uint64_t retained;
};

/* The values of -by, and how rows are called then. */
static const struct {
	const char *option, *key, *title;
	enum pm_breakdown_by by;
} ways[] = {
	{"module", "module", "MODULE", PM_BY_MODULE},
	{"size-class", "size_class", "SIZE CLASS", PM_BY_SIZE_CLASS},
	{"generation", "generation", "GENERATION", PM_BY_GENERATION},
	{"owner", "owner", "OWNER", PM_BY_OWNER},
};

struct heap_types {
	struct pm_walking walking;
	struct pm_breakdown *breakdown; /* NULL: by type, or not begun */
	/* Of -retained and -sort retained, with one group for each type. */
	bool retained;
	struct pm_graphing graphing;
	struct pm_group_sums *sums;
	size_t way; /* in ways; their number: by type */
	PM_VEC(struct row) rows;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct heap_types *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	const char *by = pm_run_text(r, "by", "type");
	while (st->way < sizeof ways / sizeof *ways &&
		strcmp(ways[st->way].option, by) != 0)
		st->way++;
	st->retained = pm_run_flag(r, "retained") ||
		       !strcmp(pm_run_text(r, "sort", "size"), "retained");
	if (!st->retained)
		return pm_walking_start(&st->walking, r, err);
	if (st->way < sizeof ways / sizeof *ways)
		return pm_fail(err, PM_USAGE, 0,
			"py-heap-types: what is retained is told by type (see "
			"py-retained -by module)");
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_DOMINATORS, err);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct row *x = a, *y = b;
	const char *sort = arg;
	uint64_t u = x->s.size, v = y->s.size;
	if (!strcmp(sort, "count")) {
		u = x->s.count;
		v = y->s.count;
	} else if (!strcmp(sort, "alloc")) {
		u = x->s.alloc;
		v = y->s.alloc;
	} else if (!strcmp(sort, "retained")) {
		u = x->retained;
		v = y->retained;
	}
	if (u != v && strcmp(sort, "name"))
		return u < v ? 1 : -1;
	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	int c = strcmp(x->name, y->name);
	if (c || !x->type)
		return c;
	return x->type->addr < y->type->addr ? -1 : 1;
}

static enum pm_status collect_types(struct pm_run *r, struct pm_error *err)
{
	struct heap_types *st = r->state;
	struct pm_heap *h = r->session->heap;
	const char *glob = pm_run_text(r, "type", NULL);
	const struct pm_group_sum *sums =
		st->sums ? pm_group_sums_result(st->sums) : NULL;
	for (uint32_t i = 0; i < h->nstats; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		if (!t || !h->stats[i].count ||
			(glob && !pm_type_matches(t->name, glob)))
			continue;
		if (!pm_vec_push(
			    &st->rows, (struct row){t->name, t, 0, h->stats[i],
					       sums ? sums[i].retained : 0}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

static enum pm_status collect_breakdown(struct pm_run *r, struct pm_error *err)
{
	struct heap_types *st = r->state;
	size_t n;
	const struct pm_breakdown_row *rows =
		pm_breakdown_rows(st->breakdown, &n);
	for (size_t i = 0; i < n; i++)
		if (rows[i].s.count &&
			!pm_vec_push(&st->rows,
				(struct row){pm_breakdown_name(
						     st->breakdown, &rows[i]),
					NULL, rows[i].order, rows[i].s, 0}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status collect(
	struct pm_run *r, struct row *ret_total, struct pm_error *err)
{
	struct heap_types *st = r->state;
	PM_TRY(st->breakdown ? collect_breakdown(r, err)
			     : collect_types(r, err));
	pm_vec_each (p, &st->rows) {
		ret_total->s.count += p->s.count;
		ret_total->s.size += p->s.size;
		ret_total->s.alloc += p->s.alloc;
		ret_total->s.tracked += p->s.tracked;
	}
	char sort[16];
	snprintf(sort, sizeof sort, "%s", pm_run_text(r, "sort", "size"));
	if (st->rows.len)
		qsort_r(st->rows.data, st->rows.len, sizeof *st->rows.data,
			compare, sort);
	return PM_OK;
}

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

enum {
	COLUMN_RETAINED = 7,
	COLUMN_TRACKED,
	COLUMN_NAME = 13,
	COLUMNS,
};

/* Of other rows than types fewer figures are known. */
static size_t fill_columns(
	const struct heap_types *st, struct pm_column columns[static COLUMNS])
{
	static const struct pm_column all[COLUMNS] = {
		{NULL, "#", PM_CELL_COUNT},
		{"count", "COUNT", PM_CELL_COUNT},
		{NULL, "%", PM_CELL_PERCENT},
		{"size", "SIZE", PM_CELL_SIZE},
		{NULL, "%", PM_CELL_PERCENT},
		{NULL, "CUM %", PM_CELL_PERCENT},
		{"alloc", "ALLOC", PM_CELL_SIZE},
		{"retained", "RETAINED", PM_CELL_SIZE},
		{"tracked", NULL, PM_CELL_COUNT},
		{"outside", NULL, PM_CELL_COUNT},
		{"static", NULL, PM_CELL_COUNT},
		{"exact", NULL, PM_CELL_BOOL},
		{"type_addr", NULL, PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
	};
	memcpy(columns, all, sizeof all);
	if (!st->retained)
		columns[COLUMN_RETAINED].key = columns[COLUMN_RETAINED].title =
			NULL;
	if (!st->breakdown)
		return COLUMNS;
	columns[COLUMN_TRACKED] = (struct pm_column){
		ways[st->way].key, ways[st->way].title, PM_CELL_TEXT};
	return COLUMN_TRACKED + 1;
}

static void show_row(struct pm_run *r, const struct row *p, size_t rank,
	double cumulative, const struct row *total)
{
	const struct heap_types *st = r->state;
	struct pm_cell cells[COLUMNS] = {
		{.u = rank},
		{.u = p->s.count},
		{.d = percent(p->s.count, total->s.count)},
		{.u = p->s.size},
		{.d = percent(p->s.size, total->s.size)},
		{.d = cumulative},
		{.u = p->s.alloc},
		{.u = p->retained},
		{.u = p->s.tracked},
		{.u = p->s.outside},
		{.u = p->s.fixed},
		{.b = p->type && p->type->exact_size},
		{.u = p->type ? p->type->addr : 0},
		{.text = p->name},
	};
	if (st->breakdown)
		cells[COLUMN_TRACKED].text = p->name;
	pm_emit_row(r->emit, cells, p->type ? p->type->addr : 0);
}

static void show_table(struct pm_run *r, const struct row *total)
{
	struct heap_types *st = r->state;
	struct pm_column columns[COLUMNS];
	size_t n = fill_columns(st, columns), rank = 0;
	uint64_t cumulative = 0;
	pm_emit_table(r->emit, "rows", columns, n, r->top);
	pm_vec_each (p, &st->rows) {
		cumulative += p->s.size;
		show_row(r, p, ++rank, percent(cumulative, total->s.size),
			total);
	}
	struct pm_cell cells[COLUMNS] = {
		[1] = {.u = total->s.count},
		[3] = {.u = total->s.size},
		[6] = {.u = total->s.alloc},
	};
	for (size_t i = 0; i + 1 < n; i++)
		cells[i].absent = i != 1 && i != 3 && i != 6;
	cells[n - 1].text = "total";
	pm_emit_total(r->emit, cells);
	pm_emit_table_end(r->emit);
}

/* What the types do not account for. */
static void show_rest(struct pm_run *r)
{
	const struct pm_heap *h = r->session->heap;
	struct pm_emit *e = r->emit;
	char n[28], size[16];
	if (h->blocks_dead)
		pm_emit_line(e,
			"%s blocks (%s) hold dead objects that free lists "
			"keep.",
			pm_grouped(h->blocks_dead, n),
			pm_human_size(h->bytes_dead, size));
	if (h->blocks_unowned)
		pm_emit_line(e,
			"%s small blocks (%s) belong to no object: memory "
			"of "
			"C code, or of the interpreter itself.",
			pm_grouped(h->blocks_unowned, n),
			pm_human_size(h->bytes_unowned, size));
	pm_emit_open_object(e, "blocks");
	pm_emit_uint(e, "used", h->blocks_used);
	pm_emit_uint(e, "objects", h->blocks_objects);
	pm_emit_uint(e, "buffers", h->blocks_buffers);
	pm_emit_uint(e, "dead", h->blocks_dead);
	pm_emit_uint(e, "unowned", h->blocks_unowned);
	pm_emit_uint(e, "unowned_bytes", h->bytes_unowned);
	pm_emit_uint(e, "settled", h->conflicts);
	pm_emit_close(e);
}

static enum pm_status work_retained(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct heap_types *st = r->state;
	bool ready = false;
	if (st->sums)
		return pm_group_sums_step(
			st->sums, PM_STEP_SECONDS, ret_done, err);
	PM_TRY(pm_graphing_step(&st->graphing, r, &ready, err));
	if (!ready)
		return PM_OK;
	uint32_t n = pm_types_count(r->session->heap->types);
	pm_auto_free uint32_t *group_of = malloc((n + 1) * sizeof *group_of);
	if (!group_of)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < n; i++)
		group_of[i] = i;
	const struct pm_group_map map = {NULL, group_of, n, n};
	return pm_group_sums_create(
		r->session->graph, r->session->graph->n, &map, &st->sums, err);
}

/* *ret_done: the rows can be collected. */
static enum pm_status work(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct heap_types *st = r->state;
	uint64_t done, total;
	if (st->retained)
		return work_retained(r, ret_done, err);
	if (!st->breakdown) {
		PM_TRY(pm_walking_step(&st->walking, r, ret_done, err));
		if (!*ret_done || st->way == sizeof ways / sizeof *ways)
			return PM_OK;
		*ret_done = false;
		return pm_breakdown_create(r->session->heap, ways[st->way].by,
			pm_run_text(r, "type", NULL), &st->breakdown, err);
	}
	PM_TRY(pm_breakdown_step(
		st->breakdown, PM_STEP_SECONDS, ret_done, err));
	pm_breakdown_progress(st->breakdown, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"counting objects %" PRIu64 "/%" PRIu64, done, total);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct heap_types *st = r->state;
	PM_TRY(work(r, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	struct row total = {0};
	PM_TRY(collect(r, &total, err));
	show_table(r, &total);
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "count", total.s.count);
	pm_emit_uint(r->emit, "size", total.s.size);
	pm_emit_uint(r->emit, "alloc", total.s.alloc);
	if (!st->breakdown)
		pm_emit_uint(r->emit, "tracked", total.s.tracked);
	pm_emit_close(r->emit);
	if (!total.s.count)
		pm_emit_line(r->emit, "%s",
			pm_run_given(r, "type")
				? "No object's type matches the pattern."
				: "No objects were found: no arenas, and "
				  "nothing "
				  "that the interpreter state leads to.");
	bool by_references = !r->session->heap->pools->arenas.len;
	pm_emit_text(
		r->emit, "confidence", by_references ? "references" : "exact");
	if (by_references)
		pm_emit_line(r->emit,
			"This interpreter uses neither pymalloc nor mimalloc: "
			"objects were found by following references, so those "
			"that only C code holds are missing, and words of C "
			"code may have led to objects that are freed.");
	if (!pm_run_given(r, "type") && !st->breakdown)
		show_rest(r);
	pm_emit_variable(r->emit, "py_count", total.s.count);
	pm_emit_variable(r->emit, "py_size", total.s.size);
	pm_emit_variable(r->emit, "py_alloc", total.s.alloc);
	uint64_t more =
		st->breakdown ? pm_breakdown_unreadable(st->breakdown) : 0;
	if (st->retained)
		pm_graphing_skipped(r);
	else
		pm_emit_skipped(r->emit, r->session->heap->unreadable + more,
			r->session->heap->inconsistent);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct heap_types *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_graphing_finish(&st->graphing);
	pm_group_sums_destroy(st->sums);
	pm_breakdown_destroy(st->breakdown);
	pm_vec_deinit(&st->rows);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "count|size|alloc|retained|name",
		.help = "Order of the rows (default: size)."},
	{.name = "retained",
		.type = PM_ARG_FLAG,
		.help = "Also what would go if all objects of a type went: by "
			"the graph of all references."},
	{.name = "by",
		.type = PM_ARG_CHOICE,
		.value = "WAY",
		.choices = "type|module|size-class|generation|owner",
		.help = "What a row is (default: type)."},
	{.name = "type",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Only types whose qualified or bare name matches."},
	{0},
};

const struct pm_command pm_command_heap_types = {
	.name = "py-heap-types",
	.group = PM_GROUP_OVERVIEW,
	.summary = "Count the objects of the heap by type.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = "Every live object is counted: those that the collector tracks "
	       "and all others (str, int, bytes, ...), in the arenas of "
	       "pymalloc "
	       "or the segments of mimalloc, in malloc's memory, and static "
	       "ones that something refers to.\n"
	       "SIZE is what sys.getsizeof would return, summed.  ALLOC is "
	       "what "
	       "the allocator set aside: blocks rounded to their size class, "
	       "with pre-headers, attribute values and owned buffers; static "
	       "objects have none.  Rows name types: $py1 is the address of "
	       "the "
	       "first row's type.\n"
	       "-by counts the same objects otherwise.  owner: dicts, lists, "
	       "tuples, sets, deques and bytearrays go to what refers to them "
	       "by a name: \"dict of Foo\" is a __dict__, \"list in attribute "
	       ".tags of Foo\" what all Foos have there, \"dict nested in "
	       "local "
	       "rows of load\" what is in that list's items, however deep; "
	       "others go by their type.  size-class: blocks of the allocator "
	       "that the objects themselves are in; larger ones are malloc's.  "
	       "generation: lists of the collector, as in "
	       "gc.get_objects(generation=0).\n"
	       "RETAINED, with -retained or -sort retained, is what only "
	       "objects of the type keep alive, one by one, themselves "
	       "included, and counted once where they keep each other; what "
	       "no root leads to is not in it.  See py-retained.",
	.examples = "py-heap-types -top 10  # what fills the heap\n"
		    "py-heap-types -sort count  # what there is most of\n"
		    "py-heap-types -sort retained  # what keeps most\n"
		    "py-heap-types -by owner  # whose lists and dicts they "
		    "are\n"
		    "py-heap-types -type 'myapp.*' -json  # one package, for a "
		    "script",
	.start = start,
	.step = step,
	.finish = finish,
};
