/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-freelists: what the interpreter keeps for its next object of a kind. */
#include "command/walking.h"

#include <inttypes.h>
#include <string.h>

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_heap *h;
	PM_TRY(pm_walking_heap(r->session, &h, err));
	return pm_heap_pools(h, err);
}

struct sort {
	const struct pm_freelist *list;
	size_t i; /* as the interpreter has them */
	const char *by;
};

static int compare(const void *a, const void *b)
{
	const struct sort *x = a, *y = b;
	uint64_t u = x->list->bytes, v = y->list->bytes;
	if (!strcmp(x->by, "count")) {
		u = x->list->count;
		v = y->list->count;
	}
	if (u != v && strcmp(x->by, "name"))
		return u < v ? 1 : -1;
	if (!strcmp(x->by, "name")) {
		int c = strcmp(x->list->name, y->list->name);
		if (c)
			return c;
	}
	return x->i < y->i ? -1 : x->i > y->i;
}

static void show(struct pm_run *r, const struct sort *rows, size_t n)
{
	static const struct pm_column columns[] = {
		{"count", "COUNT", PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_SIZE},
		{"name", NULL, PM_CELL_TEXT},
		{"length", NULL, PM_CELL_COUNT},
		{"list", "LIST", PM_CELL_TEXT},
	};
	uint64_t count = 0, bytes = 0;
	pm_emit_table(r->emit, "rows", columns, 5, r->top);
	for (size_t i = 0; i < n; i++) {
		const struct pm_freelist *f = rows[i].list;
		char list[64];
		snprintf(list, sizeof list, f->length ? "%s of %" PRIu32 : "%s",
			f->name, f->length);
		const struct pm_cell cells[] = {
			{.u = f->count, .absent = f->unknown},
			{.u = f->bytes, .absent = f->unknown},
			{.text = f->name},
			{.u = f->length, .absent = !f->length},
			{.text = list},
		};
		count += f->count;
		bytes += f->bytes;
		pm_emit_row(r->emit, cells, 0);
	}
	const struct pm_cell total[] = {
		{.u = count},
		{.u = bytes},
		{.absent = true},
		{.absent = true},
		{.text = "total"},
	};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "count", count);
	pm_emit_uint(r->emit, "size", bytes);
	pm_emit_close(r->emit);
	pm_emit_variable(r->emit, "py_count", count);
	pm_emit_variable(r->emit, "py_size", bytes);
	if (!count && !r->session->layout->freelists_lost)
		pm_emit_line(r->emit, "The free lists are empty.");
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct pm_heap *h = r->session->heap;
	PM_TRY(pm_heap_freelists(h, err));
	const struct pm_freelists *f = &h->freelists;
	bool json = pm_run_flag(r, "json");
	pm_auto_free struct sort *rows = calloc(f->lists.len + 1, sizeof *rows);
	if (!rows)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	size_t n = 0;
	for (size_t i = 0; i < f->lists.len; i++)
		/* Nobody wants to read of 40 lists that hold nothing. */
		if (f->lists.data[i].count || f->lists.data[i].unknown ||
			json || r->top == 0)
			rows[n++] = (struct sort){&f->lists.data[i], i,
				pm_run_text(r, "sort", "size")};
	qsort(rows, n, sizeof *rows, compare);
	show(r, rows, n);
	const struct pm_layout *l = r->session->layout;
	pm_emit_text(r->emit, "confidence",
		l->freelists_lost	? "none"
		: l->freelists_doubtful ? "likely"
		: f->by_structure	? "structure"
					: "exact");
	if (l->freelists_lost)
		pm_emit_line(r->emit,
			"The table has no such release, and nothing told where "
			"its free lists are: what they hold is not known.");
	else if (l->freelists_doubtful)
		pm_emit_line(r->emit,
			"The table has no such release: its free lists were "
			"found by what some of them hold; which one the others "
			"are is likely, not certain.");
	if (f->by_structure)
		pm_emit_line(r->emit,
			"This release keeps its free lists in static "
			"variables: they were found by what they hold.");
	pm_emit_skipped(r->emit, 0, f->broken);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	(void)r;
}

static const struct pm_option options[] = {
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "count|size|name",
		.help = "Order of the rows (default: size)."},
	{0},
};

const struct pm_command pm_command_freelists = {
	.name = "py-freelists",
	.group = PM_GROUP_ALLOCATOR,
	.summary = "Show what the free lists of the interpreter hold.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = "Dead objects of some types are kept for the next one of their "
	       "kind: the allocator counts their blocks as used.  COUNT is how "
	       "many a list holds, as sys._debugmallocstats() prints it, and "
	       "SIZE what the allocator set aside for them, with pre-headers "
	       "and rounding.  Lists that hold nothing are shown with -all, "
	       "and "
	       "in JSON.  Lists of several interpreters, and in free-threaded "
	       "builds those of all threads, are added up.",
	.examples = "py-freelists  # is it these that hold the memory\n"
		    "py-freelists -all -sort name  # every list that there is",
	.start = start,
	.step = step,
	.finish = finish,
};
