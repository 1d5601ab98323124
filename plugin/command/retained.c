/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-retained: what would go with an object. */
#include "command/graphing.h"
#include "command/retained-groups.h"
#include "command/row-paths.h"
#include "command/suspects.h"
#include "graph/biggest.h"
#include "graph/expression.h"
#include "object/repr.h"

#include <inttypes.h>
#include <string.h>

/* Of the whole: what deeper levels of a tree show. */
#define WORTH_SHOWING 200
#define DEEPEST 64

enum {
	COLUMN_RETAINED,
	COLUMN_PERCENT,
	COLUMN_OBJECTS,
	COLUMN_SIZE,
	COLUMN_ADDR,
	COLUMN_DEPTH,
	COLUMN_TYPE,
	COLUMN_PATH,
	COLUMN_EXACT,
	COLUMN_VALUE,
	COLUMNS
};

struct retained {
	struct pm_graphing graphing;
	uint32_t *nodes; /* the rows, of objects */
	size_t n;
	struct pm_row_paths paths;	   /* of the first of them */
	struct pm_retained_groups *groups; /* in place of the rows */
	bool ready;
	struct pm_suspicion *suspects; /* then, of the whole heap */
};

static enum pm_status out_of_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

static const char *way(const struct pm_run *r)
{
	return pm_run_text(r, "by", "object");
}

/* Of an object, and of some rows, nobody asked who else there is. */
static bool wants_suspects(const struct pm_run *r)
{
	return !r->has_addr && !pm_run_given(r, "type");
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct retained *st;
	if (pm_run_given(r, "suspects") && !wants_suspects(r))
		return pm_fail(err, PM_USAGE, 0,
			"py-retained: suspects are looked for in the whole "
			"heap, not with ADDR or -type");
	if (r->has_addr && strcmp(way(r), "object"))
		return pm_fail(err, PM_USAGE, 0,
			"py-retained: -by %s is about all objects, not about "
			"one",
			way(r));
	if (pm_run_given(r, "type") &&
		(r->has_addr || pm_run_given(r, "depth")))
		return pm_fail(err, PM_USAGE, 0,
			"py-retained: -type chooses rows; what is below an "
			"object (ADDR, -depth) is of every type");
	struct pm_object x;
	if (r->has_addr)
		PM_TRY(pm_walking_object(r, &x, err));
	st = calloc(1, sizeof *st);
	if (!st)
		return out_of_memory(err);
	r->state = st;
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_DOMINATORS, err);
}

static bool wants(void *arg, uint32_t node)
{
	const struct pm_run *r = arg;
	const struct pm_type *t = pm_graph_type(r->session->graph, node);
	return t && pm_type_matches(t->name, pm_run_text(r, "type", "*"));
}

/* ---- objects ---- */

static enum pm_status begin_objects(struct pm_run *r, struct pm_error *err)
{
	struct retained *st = r->state;
	const struct pm_graph *g = r->session->graph;
	if (r->has_addr || pm_run_given(r, "depth")) {
		st->ready = true;
		return PM_OK;
	}
	return pm_biggest(g, pm_run_given(r, "type") ? wants : NULL, r, r->top,
		&st->nodes, &st->n, err);
}

/* The path of the next row, as far as a step takes it. */
static enum pm_status find_path(struct pm_run *r, struct pm_error *err)
{
	struct retained *st = r->state;
	const struct pm_graph *g = r->session->graph;
	bool done;
	size_t i = st->paths.list.len;
	st->ready = i == st->n || i == PM_ROW_PATHS_MAX;
	return st->ready ? PM_OK
			 : pm_row_paths_step(
				   &st->paths, g, st->nodes[i], &done, err);
}

/* ---- what is shown ---- */

static void begin_table(struct pm_run *r, bool paths, size_t limit)
{
	struct pm_column columns[COLUMNS] = {
		{"retained", "RETAINED", PM_CELL_SIZE},
		{NULL, "%", PM_CELL_PERCENT},
		{"objects", "OBJECTS", PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_SIZE},
		{"addr", "ADDR", PM_CELL_ADDR},
		{"depth", NULL, PM_CELL_COUNT},
		{"type", "TYPE", PM_CELL_TEXT},
		{"path", "PATH", PM_CELL_TEXT},
		{"exact", NULL, PM_CELL_BOOL},
		{NULL, "VALUE", PM_CELL_TEXT},
	};
	if (!paths)
		columns[COLUMN_PATH].key = columns[COLUMN_PATH].title = NULL;
	pm_emit_table(r->emit, "rows", columns, COLUMNS, limit);
}

static double share(const struct pm_graph *g, uint64_t bytes)
{
	uint64_t all = g->dominators->bytes;
	return all ? 100.0 * (double)bytes / (double)all : 0;
}

static void show_object(
	struct pm_run *r, uint32_t node, unsigned depth, const char *path)
{
	const struct pm_graph *g = r->session->graph;
	const struct pm_dominators *d = g->dominators;
	const char *name = pm_graph_type_name(g, node);
	pm_auto_strbuf repr = {0}, type = {0};
	bool guess = pm_is_guessed(d, node);
	pm_strbuf_printf(&type, "%*s%s%s", (int)depth * 2, "", name,
		guess ? " (a guess)" : "");
	pm_repr(&g->h->objects, g->addr[node], 40, &repr);
	const struct pm_cell cells[COLUMNS] = {
		{.u = d->retained[node]},
		{.d = share(g, d->retained[node])},
		{.u = d->objects[node]},
		{.u = pm_graph_size(g, node)},
		{.u = g->addr[node]},
		{.u = depth},
		{.text = pm_run_flag(r, "json") ? name : pm_strbuf_text(&type)},
		{.text = path},
		{.b = !guess},
		{.text = pm_strbuf_text(&repr)},
	};
	pm_emit_row(r->emit, cells, g->addr[node]);
}

static void show_objects(struct pm_run *r)
{
	const struct retained *st = r->state;
	begin_table(r, true, 0);
	for (size_t i = 0; i < st->n; i++)
		show_object(r, st->nodes[i], 0,
			i < st->paths.list.len ? st->paths.list.data[i].text
					       : "");
	pm_emit_table_end(r->emit);
}

/* A line for those that are left out of a level. */
static void show_rest(struct pm_run *r, const uint32_t *nodes, size_t n,
	size_t first, unsigned depth)
{
	const struct pm_graph *g = r->session->graph;
	const struct pm_dominators *d = g->dominators;
	uint64_t bytes = 0, objects = 0;
	pm_auto_strbuf text = {0};
	char count[28];
	for (size_t i = first; i < n; i++) {
		bytes += d->retained[nodes[i]];
		objects += d->objects[nodes[i]];
	}
	pm_strbuf_printf(&text, "%*s(%s more)", (int)depth * 2, "",
		pm_grouped(n - first, count));
	const struct pm_cell cells[COLUMNS] = {
		{.u = bytes},
		{.d = share(g, bytes)},
		{.u = objects},
		{.absent = true},
		{.absent = true},
		{.u = depth},
		{.text = pm_strbuf_text(&text)},
		{.text = ""},
		{.absent = true},
		{.text = ""},
	};
	pm_emit_row(r->emit, cells, 0);
}

static enum pm_status show_below(struct pm_run *r, uint32_t node,
	unsigned depth, unsigned deepest, struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	const struct pm_dominators *d = g->dominators;
	pm_auto_free uint32_t *nodes = NULL;
	size_t n = 0, i = 0;
	PM_TRY(pm_biggest_below(g, node, r->top, &nodes, &n, err));
	for (; i < n && (!r->top || i < r->top); i++) {
		if (depth > 1 && i &&
			d->retained[nodes[i]] < d->bytes / WORTH_SHOWING)
			break;
		show_object(r, nodes[i], depth, NULL);
		if (depth < deepest)
			PM_TRY(show_below(
				r, nodes[i], depth + 1, deepest, err));
	}
	if (i < n)
		show_rest(r, nodes, n, i, depth);
	return PM_OK;
}

static enum pm_status show_tree(struct pm_run *r, struct pm_error *err)
{
	const struct pm_graph *g = r->session->graph;
	uint64_t deepest = pm_run_number(r, "depth", 1);
	uint32_t node = g->n;
	if (deepest > DEEPEST) {
		pm_emit_line(
			r->emit, "No more than %d levels are shown.", DEEPEST);
		deepest = DEEPEST;
	}
	if (r->has_addr)
		PM_TRY(pm_graphing_node(r, &node, err));
	bool reached = node == g->n || g->dominators->of[node] != PM_UNREACHED;
	if (!reached)
		pm_emit_line(r->emit,
			"No root leads to 0x%" PRIx64
			": what goes with it cannot be told (see "
			"py-unreachable, py-path).",
			r->addr);
	pm_emit_bool(r->emit, "reached", reached);
	begin_table(r, false, 0);
	if (r->has_addr && reached)
		show_object(r, node, 0, NULL);
	enum pm_status s = PM_OK;
	if (deepest && reached)
		s = show_below(r, node, 1, (unsigned)deepest, err);
	pm_emit_table_end(r->emit);
	return s;
}

static void show_summary(struct pm_run *r)
{
	const struct pm_graph *g = r->session->graph;
	const struct pm_dominators *d = g->dominators;
	struct pm_emit *e = r->emit;
	char a[28], b[28], size[16];
	pm_emit_line(e,
		"%s of %s objects (%s) are reached from roots; the others are "
		"for the collector, or held by C code (py-unreachable).",
		pm_grouped(d->reached, a), pm_grouped(g->n, b),
		pm_human_size(d->bytes, size));
	if (d->guessed_objects)
		pm_emit_line(e,
			"%s of them (%s) only words lead to that may be "
			"anything, of C code mostly: a guess, as far as "
			"reference counts leave room for it.",
			pm_grouped(d->guessed_objects, a),
			pm_human_size(d->guessed_bytes, size));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "objects", g->n);
	pm_emit_uint(e, "edges", g->edges);
	pm_emit_uint(e, "reached", d->reached);
	pm_emit_uint(e, "retained", d->bytes);
	pm_emit_uint(e, "guessed", d->guessed_objects);
	pm_emit_uint(e, "guessed_size", d->guessed_bytes);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", d->reached);
	pm_emit_variable(e, "py_size", d->bytes);
	pm_graphing_skipped(r);
}

static enum pm_status show(struct pm_run *r, struct pm_error *err)
{
	struct retained *st = r->state;
	if (st->groups)
		PM_TRY(pm_retained_groups_show(st->groups, r, err));
	else if (st->nodes)
		show_objects(r);
	else
		PM_TRY(show_tree(r, err));
	show_summary(r);
	if (st->suspects)
		pm_suspicion_show(st->suspects, r);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct retained *st = r->state;
	bool ready = false;
	if (!st->ready && !st->groups && !st->nodes) {
		PM_TRY(pm_graphing_step(&st->graphing, r, &ready, err));
		if (!ready)
			return PM_OK;
		return strcmp(way(r), "object")
			       ? pm_retained_groups_create(
					 r, way(r), &st->groups, err)
			       : begin_objects(r, err);
	}
	if (!st->ready && st->groups)
		return pm_retained_groups_step(st->groups, &st->ready, err);
	if (!st->ready)
		return find_path(r, err);
	if (wants_suspects(r)) {
		if (!st->suspects)
			return pm_suspicion_create(r, &st->suspects, err);
		PM_TRY(pm_suspicion_step(st->suspects, r, &ready, err));
		if (!ready)
			return PM_OK;
	}
	*ret_done = true;
	return show(r, err);
}

static void finish(struct pm_run *r)
{
	struct retained *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_retained_groups_destroy(st->groups);
	pm_suspicion_destroy(st->suspects);
	pm_row_paths_deinit(&st->paths);
	free(st->nodes);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "by",
		.type = PM_ARG_CHOICE,
		.value = "WAY",
		.choices = "object|type|module|class",
		.help = "What a row is (default: object)."},
	{.name = "depth",
		.type = PM_ARG_COUNT,
		.value = "N",
		.help = "Open what each retains, N levels deep."},
	{.name = "suspects",
		.type = PM_ARG_SIZE,
		.value = "SIZE",
		.help = "Leak suspects from that many bytes on (default: a "
			"tenth of all, 1 MiB at least)."},
	{.name = "type",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Only objects whose type's name matches."},
	{0},
};

const struct pm_command pm_command_retained = {
	.name = "py-retained",
	.group = PM_GROUP_GRAPH,
	.summary = "Show what would be freed with an object, and who keeps "
		   "most.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_OPTIONAL_ADDR,
	.operand_help = "ADDR is the address of an object: what it retains is "
			"opened.",
	.doc = "An object retains what can be reached only through it: all "
	       "that "
	       "would be freed if nothing referred to it any more (its part of "
	       "the dominator tree).  RETAINED is the sum of their SIZEs, its "
	       "own included; OBJECTS is their number.  Weak references hold "
	       "nothing.  What several objects hold together belongs to none "
	       "of "
	       "them, but to what holds them all.  \"A guess\" is said of what "
	       "only words lead to that look like a reference: in variables "
	       "of C code, on C stacks, in registers, as far as the reference "
	       "count leaves room for them.\n"
	       "-depth shows the tree: below each object what it dominates "
	       "immediately, largest first; with no ADDR from the objects that "
	       "roots hold.  Deeper levels leave out what is less than half a "
	       "percent of the heap.\n"
	       "Under the rows stand leak suspects: where a tenth of all that "
	       "roots reach, and 1 MiB, piles up.  From the roots down, that "
	       "is an object that retains so much without its parts that "
	       "retain as much (these are suspects themselves); where one "
	       "part has 70% of it, it is that part, so that a list is named "
	       "and not what it is an attribute of.  Objects that link to "
	       "others of their class, as the nodes of a list or a tree do, "
	       "are one suspect: the first.  Modules, their globals and "
	       "sys.modules are looked through; what is in them, or held by "
	       "several, and small, is added up by type, and objects of a "
	       "type that retain so much and are held in the same ways are a "
	       "suspect as well, with the way most of them are held.  "
	       "-suspects says how much is too much.\n"
	       "-by type counts what goes with an object once, at the instance "
	       "nearest to the roots, so a type is charged for at least that "
	       "much; BIGGEST is the one that retains most, A GUESS what of it "
	       "only guesses lead to.  -by module does "
	       "so for the classes of a module, -by class for a class together "
	       "with all that are derived from it (but for object): an object "
	       "is then in the rows of all its bases, and CLASSES is how many "
	       "classes the objects of a row have.",
	.examples = "py-retained              # who keeps the memory\n"
		    "py-retained -depth 3     # the same as a tree\n"
		    "py-retained -depth 2 $py1  # what is in the first row\n"
		    "py-retained -by type -top 10\n"
		    "py-retained -by class -type 'app.*'  # bases, too",
	.start = start,
	.step = step,
	.finish = finish,
};
