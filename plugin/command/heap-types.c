/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-heap-types: what fills the heap, by type. */
#include "command/walking.h"

#include <inttypes.h>
#include <string.h>

struct row {
	const struct pm_type *type;
	struct pm_type_stats s;
};

struct heap_types {
	struct pm_walking walking;
	const char *sort;
	PM_VEC(struct row) rows;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct heap_types *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_walking_start(&st->walking, r, err);
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
	}
	if (u != v && strcmp(sort, "name"))
		return u < v ? 1 : -1;
	int c = strcmp(x->type->name, y->type->name);
	return c ? c : x->type->addr < y->type->addr ? -1 : 1;
}

static enum pm_status collect(
	struct pm_run *r, struct row *ret_total, struct pm_error *err)
{
	struct heap_types *st = r->state;
	struct pm_heap *h = r->session->heap;
	const char *glob = pm_run_text(r, "type", NULL);
	for (uint32_t i = 0; i < h->nstats; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, i);
		if (!t || !h->stats[i].count ||
			(glob && !pm_type_matches(t->name, glob)))
			continue;
		if (!pm_vec_push(&st->rows, (struct row){t, h->stats[i]}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		ret_total->s.count += h->stats[i].count;
		ret_total->s.size += h->stats[i].size;
		ret_total->s.alloc += h->stats[i].alloc;
		ret_total->s.tracked += h->stats[i].tracked;
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

static void show_table(struct pm_run *r, const struct row *total)
{
	static const struct pm_column columns[] = {
		{NULL, "#", PM_CELL_COUNT},
		{"count", "COUNT", PM_CELL_COUNT},
		{NULL, "%", PM_CELL_PERCENT},
		{"size", "SIZE", PM_CELL_SIZE},
		{NULL, "%", PM_CELL_PERCENT},
		{NULL, "CUM %", PM_CELL_PERCENT},
		{"alloc", "ALLOC", PM_CELL_SIZE},
		{"tracked", NULL, PM_CELL_COUNT},
		{"outside", NULL, PM_CELL_COUNT},
		{"static", NULL, PM_CELL_COUNT},
		{"exact", NULL, PM_CELL_BOOL},
		{"type_addr", NULL, PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
	};
	const size_t n = sizeof columns / sizeof *columns;
	struct heap_types *st = r->state;
	uint64_t cumulative = 0;
	size_t rank = 0;
	pm_emit_table(r->emit, "rows", columns, n, r->top);
	pm_vec_each (p, &st->rows) {
		cumulative += p->s.size;
		const struct pm_cell cells[] = {
			{.u = ++rank},
			{.u = p->s.count},
			{.d = percent(p->s.count, total->s.count)},
			{.u = p->s.size},
			{.d = percent(p->s.size, total->s.size)},
			{.d = percent(cumulative, total->s.size)},
			{.u = p->s.alloc},
			{.u = p->s.tracked},
			{.u = p->s.outside},
			{.u = p->s.fixed},
			{.b = p->type->exact_size},
			{.u = p->type->addr},
			{.text = p->type->name},
		};
		pm_emit_row(r->emit, cells, p->type->addr);
	}
	const struct pm_cell cells[] = {
		{.absent = true},
		{.u = total->s.count},
		{.absent = true},
		{.u = total->s.size},
		{.absent = true},
		{.absent = true},
		{.u = total->s.alloc},
		{.absent = true},
		{.absent = true},
		{.absent = true},
		{.absent = true},
		{.absent = true},
		{.text = "total"},
	};
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

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct heap_types *st = r->state;
	PM_TRY(pm_walking_step(&st->walking, r, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	struct row total = {0};
	PM_TRY(collect(r, &total, err));
	show_table(r, &total);
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "count", total.s.count);
	pm_emit_uint(r->emit, "size", total.s.size);
	pm_emit_uint(r->emit, "alloc", total.s.alloc);
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
	if (!pm_run_given(r, "type"))
		show_rest(r);
	pm_emit_variable(r->emit, "py_count", total.s.count);
	pm_emit_variable(r->emit, "py_size", total.s.size);
	pm_emit_variable(r->emit, "py_alloc", total.s.alloc);
	pm_emit_skipped(r->emit, r->session->heap->unreadable,
		r->session->heap->inconsistent);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct heap_types *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_vec_deinit(&st->rows);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "count|size|alloc|name",
		.help = "Order of the rows (default: size)."},
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
	       "first row's type.",
	.examples = "py-heap-types -top 10  # what fills the heap\n"
		    "py-heap-types -sort count  # what there is most of\n"
		    "py-heap-types -type 'myapp.*' -json  # one package, for a "
		    "script",
	.start = start,
	.step = step,
	.finish = finish,
};
