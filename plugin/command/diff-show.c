/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/diff-show.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static int64_t delta(uint64_t now, uint64_t before)
{
	return (int64_t)(now - before);
}

/* ---- what is compared ---- */

static void show_snapshot(struct pm_diffing *d, size_t i)
{
	struct pm_emit *e = d->r->emit;
	const struct pm_snapshot *s = d->all[i];
	const struct pm_snapshot_facts *f = &s->facts;
	char when[40] = "", count[28];
	time_t t = (time_t)f->time;
	struct tm tm;
	uint64_t n = f->inside + f->outside;
	if (localtime_r(&t, &tm))
		strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
	const char *name = pm_container_name(s->c);
	pm_emit_line(e, "%s: %s, CPython %s, %s, %s objects", name, f->target,
		f->python, when, pm_grouped(n, count));
	pm_emit_open_object(e, NULL);
	pm_emit_text(e, "name", name);
	pm_emit_text(e, "target", f->target);
	pm_emit_text(e, "python", f->python);
	if (f->pid)
		pm_emit_uint(e, "pid", f->pid);
	else
		pm_emit_null(e, "pid");
	if (f->interpreter)
		pm_emit_uint(e, "interp", f->interpreter - 1);
	pm_emit_uint(e, "time", f->time);
	pm_emit_uint(e, "objects", n);
	pm_emit_close(e);
}

static void show_whether_same(struct pm_diffing *d, bool identity)
{
	struct pm_emit *e = d->r->emit;
	pm_emit_bool(e, "same_process", identity);
	if (identity)
		return;
	bool unknown = false;
	for (size_t i = 1; i < d->n; i++)
		unknown |= pm_snapshot_same_process(d->all[0], d->all[i]) ==
			   PM_SAME_UNKNOWN;
	pm_emit_line(e,
		"%s: objects cannot be compared one by one, only what "
		"there is of each kind.",
		unknown ? "Whether these are of one process is not known"
			: "These are of different processes");
}

static void show_snapshots(struct pm_diffing *d, bool identity)
{
	struct pm_emit *e = d->r->emit;
	pm_emit_open_array(e, "snapshots");
	for (size_t i = 0; i < d->n; i++)
		show_snapshot(d, i);
	pm_emit_close(e);
	show_whether_same(d, identity);
	for (size_t i = 1; i < d->n; i++)
		if (d->all[i]->facts.interpreter !=
			d->all[0]->facts.interpreter) {
			pm_emit_line(e, "%s",
				"Not all are of the same interpreters "
				"(-interp).");
			break;
		}
}

/* ---- rows ---- */

enum {
	COLUMN_NEW = 9,
	COLUMN_EXAMPLE = 13,
	COLUMN_BETWEEN,
	COLUMN_NAME = 16,
	COLUMNS,
};

static const char *title_of(const char *by, char ret[16])
{
	snprintf(ret, 16, "%s", by);
	for (char *p = ret; *p; p++)
		*p = (char)(*p - ('a' <= *p && *p <= 'z' ? 'a' - 'A' : 0));
	return ret;
}

static void fill_columns(const struct pm_diff *x, const char *by,
	const char *title, struct pm_column columns[static COLUMNS])
{
	static const struct pm_column all[COLUMNS] = {
		{"count", "COUNT", PM_CELL_COUNT},
		{"count_delta", "+/-", PM_CELL_DELTA},
		{"count_before", NULL, PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_SIZE},
		{"size_delta", "+/-", PM_CELL_DELTA_SIZE},
		{"size_before", NULL, PM_CELL_SIZE},
		{"alloc", NULL, PM_CELL_SIZE},
		{"alloc_delta", NULL, PM_CELL_DELTA_SIZE},
		{"alloc_before", NULL, PM_CELL_SIZE},
		{"new", "NEW", PM_CELL_COUNT},
		{"new_size", NULL, PM_CELL_SIZE},
		{"gone", "GONE", PM_CELL_COUNT},
		{"gone_size", NULL, PM_CELL_SIZE},
		{"example", "EXAMPLE", PM_CELL_ADDR},
		{"count_between", NULL, PM_CELL_COUNT},
		{"size_between", NULL, PM_CELL_SIZE},
		{NULL, NULL, PM_CELL_TEXT},
	};
	memcpy(columns, all, sizeof all);
	columns[COLUMN_NAME].key = by;
	columns[COLUMN_NAME].title = title;
	if (!x->identity)
		columns[COLUMN_NEW].title = columns[COLUMN_NEW + 2].title =
			columns[COLUMN_EXAMPLE].title = NULL;
	if (x->n < PM_DIFF_MAX)
		columns[COLUMN_BETWEEN].key = columns[COLUMN_BETWEEN + 1].key =
			NULL;
	else
		columns[COLUMN_NEW].title = "NEW, STAYED";
}

static void fill_cells(const struct pm_diff *x, const struct pm_diff_row *r,
	struct pm_cell cells[static COLUMNS])
{
	const struct pm_diff_sum *a = &r->at[0], *b = &r->at[x->n - 1];
	const struct pm_cell all[COLUMNS] = {
		{.u = b->count},
		{.i = delta(b->count, a->count)},
		{.u = a->count},
		{.u = b->size},
		{.i = delta(b->size, a->size)},
		{.u = a->size},
		{.u = b->alloc},
		{.i = delta(b->alloc, a->alloc)},
		{.u = a->alloc},
		{.u = r->born.count, .absent = !x->identity},
		{.u = r->born.size, .absent = !x->identity},
		{.u = r->gone.count, .absent = !x->identity},
		{.u = r->gone.size, .absent = !x->identity},
		{.u = r->example, .absent = !r->example},
		{.u = r->at[1].count},
		{.u = r->at[1].size},
		{.text = r->name && *r->name ? r->name : "?"},
	};
	memcpy(cells, all, sizeof all);
}

static bool is_changed(const struct pm_diff *x, const struct pm_diff_row *r)
{
	const struct pm_diff_sum *a = &r->at[0], *b = &r->at[x->n - 1];
	/* Of three, what came and stayed is what is asked for. */
	return a->count != b->count || a->size != b->size ||
	       (x->n == PM_DIFF_MAX && r->born.count);
}

struct order {
	const char *sort;
	size_t last;
};

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct pm_diff_row *x = a, *y = b;
	const struct order *o = arg;
	int64_t u = delta(x->at[o->last].size, x->at[0].size);
	int64_t v = delta(y->at[o->last].size, y->at[0].size);
	if (!strcmp(o->sort, "count")) {
		u = delta(x->at[o->last].count, x->at[0].count);
		v = delta(y->at[o->last].count, y->at[0].count);
	} else if (!strcmp(o->sort, "new")) {
		u = (int64_t)x->born.count;
		v = (int64_t)y->born.count;
	}
	if (u != v && strcmp(o->sort, "name"))
		return u < v ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void show_rows(struct pm_diffing *d, struct pm_diff *x)
{
	struct pm_run *r = d->r;
	const char *by = pm_run_text(r, "by", "type");
	char title[16];
	struct pm_column columns[COLUMNS];
	struct pm_cell cells[COLUMNS];
	struct order o = {pm_run_text(r, "sort", "size"), x->n - 1};
	if (x->rows.len)
		qsort_r(x->rows.data, x->rows.len, sizeof *x->rows.data,
			compare_rows, &o);
	fill_columns(x, by, title_of(by, title), columns);
	pm_emit_table(r->emit, "rows", columns, COLUMNS, r->top);
	size_t shown = 0;
	pm_vec_each (row, &x->rows) {
		if (!is_changed(x, row))
			continue;
		shown++;
		fill_cells(x, row, cells);
		pm_emit_row(r->emit, cells, row->example);
	}
	x->total.name = "total";
	fill_cells(x, &x->total, cells);
	cells[COLUMN_EXAMPLE].absent = true;
	pm_emit_total(r->emit, cells);
	pm_emit_table_end(r->emit);
	if (!shown)
		pm_emit_line(r->emit, "%s",
			pm_run_given(r, "type")
				? "Nothing of these types has changed."
				: "Nothing has changed.");
}

/* "[3] of builtins.list at 0x7f..., local x in f, and 2 more" */
static void put_keepers(const struct pm_kept *h, struct pm_strbuf *out)
{
	for (size_t i = 0; i < PM_KEEPERS_NAMED && i < h->n; i++) {
		const struct pm_keeper *by = &h->by[i];
		pm_strbuf_printf(out, "%s%s", i ? ", " : "", by->via);
		if (by->type)
			pm_strbuf_printf(out, " of %s at 0x%" PRIx64, by->type,
				by->addr);
	}
	if (h->n > PM_KEEPERS_NAMED)
		pm_strbuf_printf(
			out, ", and %" PRIu64 " more", h->n - PM_KEEPERS_NAMED);
}

static void show_one_born(
	struct pm_diffing *d, const struct pm_diff_object *o, size_t i)
{
	pm_auto_strbuf keepers = {0};
	const struct pm_kept *h =
		i < d->nkeepers ? &pm_keepers_result(d->keepers)[i] : NULL;
	if (h)
		put_keepers(h, &keepers);
	const struct pm_cell cells[] = {
		{.u = o->addr},
		{.u = o->size},
		{.u = o->alloc},
		{.text = o->type},
		{.text = h ? h->value : NULL, .absent = !h},
		{.text = o->path, .absent = !o->path},
		{.u = h ? h->n : 0, .absent = !h},
		{.text = pm_strbuf_text(&keepers), .absent = !h || !h->n},
	};
	pm_emit_row(d->r->emit, cells, o->addr);
}

/* -instances: in the place of rows. */
static void show_born(struct pm_diffing *d, const struct pm_diff *x)
{
	bool graph = d->all[d->n - 1]->facts.has_graph;
	const struct pm_column columns[] = {
		{"addr", "ADDR", PM_CELL_ADDR},
		{"size", "SIZE", PM_CELL_SIZE},
		{"alloc", "ALLOC", PM_CELL_SIZE},
		{"type", "TYPE", PM_CELL_TEXT},
		{"value", graph ? "VALUE" : NULL, PM_CELL_TEXT},
		{"path", graph ? "PATH" : NULL, PM_CELL_TEXT},
		{"references", NULL, PM_CELL_COUNT},
		{"held_by", graph ? "HELD BY" : NULL, PM_CELL_TEXT},
	};
	struct pm_emit *e = d->r->emit;
	pm_emit_table(e, "rows", columns, sizeof columns / sizeof *columns, 0);
	for (size_t i = 0; i < x->born.len; i++)
		show_one_born(d, &x->born.data[i], i);
	if (x->born.len < x->total.born.count)
		pm_emit_table_hide(e, x->total.born.count - x->born.len);
	pm_emit_table_end(e);
	if (graph && x->born.len > d->nkeepers)
		pm_emit_line(e, "Who holds them is said of the first %zu.",
			d->nkeepers);
}

/* ---- what grew ---- */

static void show_grown(struct pm_diffing *d, const struct pm_diff *x)
{
	static const struct pm_column columns[] = {
		{"addr", "ADDR", PM_CELL_ADDR},
		{"size", "SIZE", PM_CELL_SIZE},
		{"size_delta", "+/-", PM_CELL_DELTA_SIZE},
		{"alloc_delta", NULL, PM_CELL_DELTA_SIZE},
		{"length", "LEN", PM_CELL_COUNT},
		{"length_delta", "+/-", PM_CELL_DELTA},
		{"type", "TYPE", PM_CELL_TEXT},
		{"path", "PATH", PM_CELL_TEXT},
	};
	struct pm_emit *e = d->r->emit;
	if (x->ngrown)
		pm_emit_line(e, "\nThese survived and grew:");
	pm_emit_table(e, "grown", columns, 8, 0);
	for (unsigned i = 0; i < x->ngrown; i++) {
		const struct pm_diff_object *o = &x->grown[i];
		const char *path = o->path;
		if (i < d->paths.list.len && *d->paths.list.data[i].text)
			path = d->paths.list.data[i].text;
		const struct pm_cell cells[] = {
			{.u = o->addr},
			{.u = o->size},
			{.i = delta(o->size, o->size_before)},
			{.i = delta(o->alloc, o->alloc_before)},
			{.u = o->length - 1, .absent = !o->length},
			{.i = delta(o->length, o->length_before),
				.absent = !o->length},
			{.text = o->type},
			{.text = path, .absent = !path},
		};
		pm_emit_row(e, cells, 0);
	}
	pm_emit_table_hide(e, x->grew - x->ngrown);
	pm_emit_table_end(e);
	if (x->ngrown && !d->now && !d->all[d->n - 1]->facts.has_paths)
		pm_emit_line(e, "%s",
			"Paths are not in the last of these files: save it "
			"with -paths, or compare with now.");
}

static void show_sum(
	struct pm_emit *e, const char *key, const struct pm_diff_sum *s)
{
	pm_emit_open_object(e, key);
	pm_emit_uint(e, "count", s->count);
	pm_emit_uint(e, "size", s->size);
	pm_emit_uint(e, "alloc", s->alloc);
	pm_emit_close(e);
}

static void show_totals(struct pm_diffing *d, const struct pm_diff *x)
{
	struct pm_emit *e = d->r->emit;
	static const char *const keys[] = {"before", "between"};
	char count[3][28];
	pm_emit_open_object(e, "total");
	for (size_t i = 0; i + 1 < x->n; i++)
		show_sum(e, keys[i], &x->total.at[i]);
	show_sum(e, "now", &x->total.at[x->n - 1]);
	if (x->identity) {
		show_sum(e, "new", &x->total.born);
		show_sum(e, "gone", &x->total.gone);
		pm_emit_uint(e, "survived", x->survived);
		pm_emit_uint(e, "grew", x->grew);
	}
	pm_emit_close(e);
	if (x->identity)
		pm_emit_line(e, "%s new%s, %s gone, %s survived.",
			pm_grouped(x->total.born.count, count[0]),
			x->n == PM_DIFF_MAX ? " that stayed" : "",
			pm_grouped(x->total.gone.count, count[1]),
			pm_grouped(x->survived, count[2]));
	pm_emit_variable(e, "py_count", x->total.at[x->n - 1].count);
	pm_emit_variable(e, "py_size", x->total.at[x->n - 1].size);
	pm_emit_variable(e, "py_alloc", x->total.at[x->n - 1].alloc);
}

void pm_diff_show(struct pm_diffing *d)
{
	struct pm_diff *x = pm_diff_result(d->job);
	uint64_t unreadable = 0, inconsistent = 0;
	show_snapshots(d, x->identity);
	if (pm_run_flag(d->r, "instances"))
		show_born(d, x);
	else
		show_rows(d, x);
	show_totals(d, x);
	if (x->identity)
		show_grown(d, x);
	for (size_t i = 0; i < d->n; i++) {
		unreadable += d->all[i]->facts.unreadable;
		inconsistent += d->all[i]->facts.inconsistent;
	}
	pm_emit_skipped(d->r->emit, unreadable, inconsistent);
}
