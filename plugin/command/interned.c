/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-interned: the table of interned strings. */
#include "command/graphing.h"
#include "graph/root-nodes.h"
#include "heap/footprint.h"
#include "heap/interned.h"
#include "heap/team.h"
#include "object/text.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

enum state { STATE_MORTAL, STATE_IMMORTAL, STATE_STATIC, STATES };
static const char *const state_names[STATES] = {"mortal", "immortal", "static"};

struct row {
	pm_addr addr;
	uint64_t size;
	int64_t refcnt;
	enum state state;
};

struct sums {
	uint64_t count, size, alloc;
};

struct interned {
	struct pm_graphing graphing; /* of -only-table */
	bool asks_graph, has_graph;
	struct pm_interned table;
	PM_VEC(struct row) rows; /* that match */
	struct sums states[STATES], all, matched;
	uint64_t unreadable, inconsistent, alone;
	const char *sort;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_heap *h;
	PM_TRY(pm_walking_heap(r->session, &h, err));
	PM_TRY(pm_heap_pools(h, err));
	struct interned *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	st->asks_graph = pm_run_flag(r, "only-table");
	if (st->asks_graph)
		PM_TRY(pm_graphing_start(
			&st->graphing, r, PM_GRAPHING_ROOTS, err));
	return pm_interned_open(h, &st->table, err);
}

static enum state state_of(const struct pm_heap *h, pm_addr str,
	bool in_static_table, unsigned word)
{
	/* The number says the same, but 3.12.0 to 3.12.6 have the one of
	   static strings also in others. */
	if (in_static_table || (h->modules && pm_modules_at(h->modules, str)))
		return STATE_STATIC;
	return word == 1 ? STATE_MORTAL : STATE_IMMORTAL;
}

static void add(struct sums *s, uint64_t size, uint64_t alloc)
{
	s->count++;
	s->size += size;
	s->alloc += alloc;
}

static bool matches(struct pm_run *r, pm_addr str, const char *glob)
{
	struct pm_heap *h = r->session->heap;
	pm_auto_strbuf text = {0};
	return pm_text_append(h->l, h->memory, str, SIZE_MAX, 0, &text, NULL) ==
		       PM_OK &&
	       fnmatch(glob, text.data ? text.data : "", 0) == 0;
}

/* Does nothing refer to it, as far as references are known?  That it is
   interned, or immortal, is no reference. */
static bool is_unreferenced(const struct pm_graph *g, pm_addr str)
{
	uint32_t node = pm_graph_node(g, str);
	if (node == PM_NO_NODE || g->in_begin[node] < g->in_begin[node + 1])
		return false;
	const struct pm_root *root = pm_graph_root(g, node);
	return !root || root->kind == PM_ROOT_INTERNED ||
	       root->kind == PM_ROOT_IMMORTAL;
}

static enum pm_status take(struct pm_run *r, pm_addr str, bool in_static_table,
	struct pm_error *err)
{
	struct interned *st = r->state;
	struct pm_heap *h = r->session->heap;
	struct pm_object x;
	struct pm_measure m;
	struct pm_footprint foot;
	struct pm_text text;
	if (pm_object_load(&h->objects, str, &x, NULL) != PM_OK ||
		pm_object_measure(&h->objects, &x, &m) != PM_OK ||
		pm_text_parse(h->l, str, pm_object_body(&x), x.avail, &text,
			NULL) != PM_OK) {
		st->inconsistent++;
		return PM_OK;
	}
	pm_footprint(h, &x, &m, &foot);
	enum state s = state_of(h, str, in_static_table, text.interned);
	add(&st->states[s], m.size, foot.alloc);
	add(&st->all, m.size, foot.alloc);
	/* The references of the table itself are not counted, those to make it
	   immortal are: one. */
	bool alone = s == STATE_IMMORTAL &&
		     h->l->t.immortal_rule == PM_IMMORTAL_NONE && x.refcnt == 1;
	if (st->asks_graph)
		alone = s != STATE_STATIC &&
			is_unreferenced(r->session->graph, str);
	st->alone += alone;
	if (st->asks_graph && !alone)
		return PM_OK;
	const char *glob = pm_run_text(r, "match", NULL);
	if (glob && !matches(r, str, glob))
		return PM_OK;
	add(&st->matched, m.size, foot.alloc);
	if (!pm_vec_push(&st->rows, (struct row){str, m.size, x.refcnt, s}))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct row *x = a, *y = b;
	const char *sort = arg;
	if (!strcmp(sort, "refcount")) {
		if (x->refcnt != y->refcnt)
			return x->refcnt < y->refcnt ? 1 : -1;
	} else if (x->size != y->size) {
		return x->size < y->size ? 1 : -1;
	}
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static void show_rows(struct pm_run *r, struct interned *st)
{
	static const struct pm_column columns[] = {
		{"addr", "ADDRESS", PM_CELL_ADDR},
		{"size", "SIZE", PM_CELL_SIZE},
		{"refcount", "REFCOUNT", PM_CELL_COUNT},
		{"state", "STATE", PM_CELL_TEXT},
		{"value", "VALUE", PM_CELL_TEXT},
	};
	struct pm_heap *h = r->session->heap;
	char sort[16];
	snprintf(sort, sizeof sort, "%s", pm_run_text(r, "sort", "size"));
	if (st->rows.len)
		qsort_r(st->rows.data, st->rows.len, sizeof *st->rows.data,
			compare, sort);
	pm_emit_table(r->emit, "rows", columns, 5, r->top);
	size_t shown = 0;
	pm_vec_each (row, &st->rows) {
		pm_auto_strbuf text = {0};
		bool wanted = !r->top || shown++ < r->top;
		if (wanted && pm_text_append(h->l, h->memory, row->addr,
				      r->session->repr_limit, '\'', &text,
				      NULL) != PM_OK)
			st->unreadable++;
		const struct pm_cell cells[] = {
			{.u = row->addr},
			{.u = row->size},
			/* An immortal one's is a mark, and counts nothing. */
			{.u = (uint64_t)row->refcnt,
				.absent = h->l->t.immortal_rule !=
						  PM_IMMORTAL_NONE &&
					  row->state != STATE_MORTAL},
			{.text = state_names[row->state]},
			{.text = text.data ? text.data : ""},
		};
		pm_emit_row(r->emit, cells, row->addr);
	}
	const struct pm_cell total[] = {
		{.absent = true},
		{.u = st->matched.size},
		{.absent = true},
		{.absent = true},
		{.text = "total"},
	};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
}

static void emit_sums(struct pm_emit *e, const char *key, const struct sums *s)
{
	pm_emit_open_object(e, key);
	pm_emit_uint(e, "count", s->count);
	pm_emit_uint(e, "size", s->size);
	pm_emit_uint(e, "alloc", s->alloc);
	pm_emit_close(e);
}

static void show_table(struct pm_run *r, const struct interned *st)
{
	struct pm_emit *e = r->emit;
	const struct pm_interned *t = &st->table;
	char n[28], size[16], more[28];
	for (int i = 0; i < STATES; i++)
		if (st->states[i].count)
			pm_emit_line(e, "%s %s strings, %s",
				pm_grouped(st->states[i].count, n),
				state_names[i],
				pm_human_size(st->states[i].size, size));
	pm_emit_line(e,
		"The tables: %s entries of %s that there is room for (%.0f "
		"%%), "
		"%s",
		pm_grouped(t->entries, n), pm_grouped(t->capacity, more),
		t->capacity ? 100.0 * (double)t->entries / (double)t->capacity
			    : 0.0,
		pm_human_size(t->bytes, size));
	pm_emit_uint(e, "count", st->all.count);
	pm_emit_uint(e, "size", st->all.size);
	pm_emit_uint(e, "alloc", st->all.alloc);
	pm_emit_uint(e, "table_entries", t->entries);
	pm_emit_uint(e, "table_capacity", t->capacity);
	pm_emit_uint(e, "table_bytes", t->bytes);
	pm_emit_open_object(e, "by_state");
	for (int i = 0; i < STATES; i++)
		emit_sums(e, state_names[i], &st->states[i]);
	pm_emit_close(e);
	emit_sums(e, "total", &st->matched);
	if (st->asks_graph) {
		pm_emit_uint(e, "only_in_table", st->alone);
		pm_emit_line(e,
			"No object, frame or state of the interpreter refers "
			"to %s of the strings; what C code holds by itself is "
			"not known.",
			pm_grouped(st->alone, n));
	} else if (r->session->layout->t.immortal_rule == PM_IMMORTAL_NONE) {
		pm_emit_uint(e, "only_in_table", st->alone);
		if (st->alone)
			pm_emit_line(e,
				"%s immortal strings are held by the table "
				"alone.",
				pm_grouped(st->alone, n));
	} else {
		pm_emit_null(e, "only_in_table");
	}
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct interned *st = r->state;
	double deadline = pm_now() + PM_STEP_SECONDS;
	pm_addr str;
	bool is_static;
	*ret_done = false;
	if (st->asks_graph && !st->has_graph)
		return pm_graphing_step(&st->graphing, r, &st->has_graph, err);
	for (unsigned n = 1; pm_interned_next(&st->table, &str, &is_static);
		n++) {
		PM_TRY(take(r, str, is_static, err));
		if (n % 64 == 0 && pm_now() > deadline) {
			snprintf(r->progress, sizeof r->progress,
				"reading strings %" PRIu64 "/%" PRIu64,
				st->all.count, st->table.entries);
			return PM_OK;
		}
	}
	show_rows(r, st);
	show_table(r, st);
	if (!st->rows.len && pm_run_given(r, "match"))
		pm_emit_line(r->emit, "No interned string matches.");
	pm_emit_variable(r->emit, "py_count", st->all.count);
	pm_emit_variable(r->emit, "py_size", st->all.size);
	pm_emit_skipped(r->emit, st->unreadable + st->table.unreadable,
		st->inconsistent + st->table.inconsistent);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct interned *st = r->state;
	if (!st)
		return;
	pm_interned_deinit(&st->table);
	pm_graphing_finish(&st->graphing);
	pm_vec_deinit(&st->rows);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "match",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "List only strings that match."},
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "size|refcount",
		.help = "Order of the rows (default: size)."},
	{.name = "only-table",
		.type = PM_ARG_FLAG,
		.help = "List only strings that nothing but the table refers "
			"to."},
	{0},
};

const struct pm_command pm_command_interned = {
	.name = "py-interned",
	.group = PM_GROUP_WASTE,
	.summary = "Show the table of interned strings.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = "Strings of which there is just one: names in code, and what "
	       "sys.intern was given.  A mortal one goes with its last "
	       "reference outside the table, an immortal one never, a static "
	       "one is part of the interpreter's data.  SIZE is what "
	       "sys.getsizeof would return.  Where refcounts tell it (before "
	       "3.12), the immortal strings that only the table still holds "
	       "are counted.  -only-table finds them on every version: it "
	       "reads "
	       "all references, as py-path does.",
	.examples = "py-interned -top 10  # the largest ones\n"
		    "py-interned -only-table  # names of code that is gone\n"
		    "py-interned -match 'user-*'  # are these interned\n"
		    "py-interned -sort refcount  # the most used ones",
	.start = start,
	.step = step,
	.finish = finish,
};
