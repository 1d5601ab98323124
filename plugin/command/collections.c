/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-collections: over-allocation and emptiness. */
#include "command/walking.h"
#include "heap/collections.h"

#include <inttypes.h>
#include <string.h>

struct collections {
	struct pm_walking walking;
	struct pm_collections_job *job;
	enum pm_collections_by by;
	PM_VEC(struct pm_collections_row) rows; /* that match */
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct collections *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	const char *by = pm_run_text(r, "by", "type");
	st->by = !strcmp(by, "owner")  ? PM_BY_OWNER
		 : !strcmp(by, "fill") ? PM_BY_FILL
				       : PM_BY_TYPE;
	return pm_walking_start(&st->walking, r, err);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct pm_collections_row *x = a, *y = b;
	const char *sort = arg;
	uint64_t u = x->waste, v = y->waste;
	if (!strcmp(sort, "count")) {
		u = x->count;
		v = y->count;
	} else if (!strcmp(sort, "capacity")) {
		u = x->capacity;
		v = y->capacity;
	} else if (!strcmp(sort, "empty")) {
		u = x->fills[PM_FILL_EMPTY];
		v = y->fills[PM_FILL_EMPTY];
	}
	if (u != v)
		return u < v ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->sample < y->sample ? -1 : x->sample > y->sample;
}

static void show_row(struct pm_run *r, const struct pm_collections_row *p)
{
	struct collections *st = r->state;
	pm_auto_strbuf owner = {0}, fills = {0};
	pm_collections_owner(st->job, p, &owner);
	for (int i = 0; i < PM_FILLS; i++)
		pm_strbuf_printf(
			&fills, "%s%" PRIu64, i ? " " : "", p->fills[i]);
	const char *what = NULL;
	if (st->by == PM_BY_FILL)
		what = pm_fill_text(p->fill);
	else if (st->by == PM_BY_OWNER)
		what = owner.len ? owner.data : "(no name leads to it)";
	const struct pm_cell cells[] = {
		{.u = p->count},
		{.u = p->used},
		{.u = p->capacity},
		{.d = p->capacity
				? 100.0 * (double)p->used / (double)p->capacity
				: 100.0,
			.absent = !p->capacity},
		{.u = p->waste},
		{.u = p->fills[PM_FILL_EMPTY]},
		{.u = p->empty_bytes},
		{.u = p->fills[PM_FILL_ONE]},
		{.text = fills.data},
		{.u = p->sample},
		{.u = p->type->addr},
		{.text = p->type->name},
		{.text = st->by == PM_BY_OWNER && !owner.len ? NULL : what},
		{.text = what},
	};
	pm_emit_row(r->emit, cells, p->sample);
}

static void show(struct pm_run *r)
{
	struct collections *st = r->state;
	struct pm_column columns[] = {
		{"count", "COUNT", PM_CELL_COUNT},
		{"used", "USED", PM_CELL_COUNT},
		{"capacity", "CAPACITY", PM_CELL_COUNT},
		{NULL, "FILL %", PM_CELL_PERCENT},
		{"waste", "WASTE", PM_CELL_SIZE},
		{"empty", "EMPTY", PM_CELL_COUNT},
		{"empty_bytes", "OF EMPTY", PM_CELL_SIZE},
		{"one", "ONE", PM_CELL_COUNT},
		{"by_fill", NULL, PM_CELL_TEXT},
		{"sample", NULL, PM_CELL_ADDR},
		{"type_addr", NULL, PM_CELL_ADDR},
		{"type", "TYPE", PM_CELL_TEXT},
		{"group", NULL, PM_CELL_TEXT},
		{NULL, st->by == PM_BY_FILL ? "FILL" : "OWNER", PM_CELL_TEXT},
	};
	size_t n = sizeof columns / sizeof *columns;
	if (st->by == PM_BY_TYPE)
		n--; /* nothing to say in the last one */
	struct pm_collections_row sum = {0};
	pm_emit_table(r->emit, "rows", columns, n, r->top);
	pm_vec_each (p, &st->rows) {
		show_row(r, p);
		sum.count += p->count;
		sum.used += p->used;
		sum.capacity += p->capacity;
		sum.waste += p->waste;
		sum.fills[PM_FILL_EMPTY] += p->fills[PM_FILL_EMPTY];
		sum.empty_bytes += p->empty_bytes;
		sum.fills[PM_FILL_ONE] += p->fills[PM_FILL_ONE];
	}
	struct pm_cell total[sizeof columns / sizeof *columns];
	for (size_t i = 0; i < n; i++)
		total[i] = (struct pm_cell){.absent = true};
	total[0] = (struct pm_cell){.u = sum.count};
	total[1] = (struct pm_cell){.u = sum.used};
	total[2] = (struct pm_cell){.u = sum.capacity};
	total[4] = (struct pm_cell){.u = sum.waste};
	total[5] = (struct pm_cell){.u = sum.fills[PM_FILL_EMPTY]};
	total[6] = (struct pm_cell){.u = sum.empty_bytes};
	total[7] = (struct pm_cell){.u = sum.fills[PM_FILL_ONE]};
	total[11] = (struct pm_cell){.text = "total"};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "count", sum.count);
	pm_emit_uint(r->emit, "used", sum.used);
	pm_emit_uint(r->emit, "capacity", sum.capacity);
	pm_emit_uint(r->emit, "waste", sum.waste);
	pm_emit_uint(r->emit, "empty", sum.fills[PM_FILL_EMPTY]);
	pm_emit_uint(r->emit, "empty_bytes", sum.empty_bytes);
	pm_emit_uint(r->emit, "one", sum.fills[PM_FILL_ONE]);
	pm_emit_close(r->emit);
	pm_emit_variable(r->emit, "py_count", sum.count);
	pm_emit_variable(r->emit, "py_size", sum.waste);
}

static enum pm_status finish_rows(struct pm_run *r, struct pm_error *err)
{
	struct collections *st = r->state;
	const struct pm_collections *c = pm_collections_result(st->job);
	const char *glob = pm_run_text(r, "type", NULL);
	pm_vec_each (p, &c->rows) {
		if (glob && !pm_type_matches(p->type->name, glob))
			continue;
		if (!pm_vec_push(&st->rows, *p))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	char sort[16];
	snprintf(sort, sizeof sort, "%s", pm_run_text(r, "sort", "waste"));
	if (st->rows.len)
		qsort_r(st->rows.data, st->rows.len, sizeof *st->rows.data,
			compare, sort);
	show(r);
	if (!st->rows.len)
		pm_emit_line(r->emit, "%s",
			glob ? "No collection's type matches the pattern."
			     : "There are no collections.");
	pm_emit_text(r->emit, "confidence", "exact");
	const struct pm_heap *h = r->session->heap;
	pm_emit_skipped(r->emit, h->unreadable + c->unreadable,
		h->inconsistent + c->inconsistent);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct collections *st = r->state;
	uint64_t done, total;
	PM_TRY(pm_walking_step(&st->walking, r, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	if (!st->job)
		PM_TRY(pm_collections_create(
			r->session->heap, st->by, &st->job, err));
	PM_TRY(pm_collections_step(st->job, PM_STEP_SECONDS, ret_done, err));
	pm_collections_progress(st->job, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"reading collections %" PRIu64 "/%" PRIu64, done, total);
	return *ret_done ? finish_rows(r, err) : PM_OK;
}

static void finish(struct pm_run *r)
{
	struct collections *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_collections_destroy(st->job);
	pm_vec_deinit(&st->rows);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "by",
		.type = PM_ARG_CHOICE,
		.value = "GROUP",
		.choices = "type|fill|owner",
		.help = "What makes a row besides the type (default: type)."},
	{.name = "type",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Only types whose qualified or bare name matches."},
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "waste|count|capacity|empty",
		.help = "Order of the rows (default: waste)."},
	{0},
};

const struct pm_command pm_command_collections = {
	.name = "py-collections",
	.group = PM_GROUP_WASTE,
	.summary = "Show how full lists, dicts, sets and deques are.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER | PM_COMMAND_ROWS_ARE_OBJECTS,
	.operand = PM_OPERAND_NONE,
	.doc = "USED are the elements of all of them, CAPACITY how many their "
	       "memory has room for, WASTE the bytes for those that are not "
	       "there: items of lists, entries of dicts and of sets, places in "
	       "the blocks of deques, bytes of bytearrays.  The few entries "
	       "that a set has inside itself, or a dict of 2.7, are no waste, "
	       "and a dict with the names of its class has values only.  EMPTY "
	       "ones and what the "
	       "allocator set aside for them, and those of ONE element, are "
	       "counted, too.\n"
	       "With -by owner a row is what an attribute, a variable of a "
	       "module "
	       "or of a running function refers to; \"nested in\" one of these "
	       "is what is in its items, however deep.  -by fill makes a row "
	       "for each share that "
	       "is used.  $py1 is the collection of the first row that wastes "
	       "most.",
	.examples = "py-collections  # how much of all that is air\n"
		    "py-collections -by owner -top 10  # whose\n"
		    "py-collections -by fill -type dict  # mostly empty dicts",
	.start = start,
	.step = step,
	.finish = finish,
};
