/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-heap-export: the graph as a file for the viewers of others. */
#include "command/graphing.h"
#include "export/export.h"

#include <inttypes.h>
#include <string.h>

/* More is no picture. */
#define DOT_TOP 500

static const char *const kinds[] = {
#define X(name, text) text,
	PM_EXPORT_FORMATS(X)
#undef X
};

struct heap_export {
	struct pm_graphing graphing;
	bool ready; /* the graph */
	struct pm_export *job;
};

static enum pm_export_kind kind_of(const struct pm_run *r)
{
	const char *text = pm_run_text(r, "format", kinds[0]);
	size_t i = 0;
	while (strcmp(kinds[i], text) != 0)
		i++;
	return (enum pm_export_kind)i;
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	if (pm_run_given(r, "top") && kind_of(r) == PM_EXPORT_HEAPSNAPSHOT)
		return pm_fail(err, PM_USAGE, 0,
			"py-heap-export: a heapsnapshot is whole: -top is for "
			"csv, json and dot");
	struct heap_export *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_DOMINATORS, err);
}

static enum pm_status create(struct pm_run *r, struct pm_error *err)
{
	struct heap_export *st = r->state;
	enum pm_export_kind kind = kind_of(r);
	const struct pm_export_request q = {.kind = kind,
		.path = r->operand,
		.top = (size_t)pm_run_number(
			r, "top", kind == PM_EXPORT_DOT ? DOT_TOP : 0),
		.text_limit = r->session->repr_limit};
	return pm_export_create(r->session->graph, &q, &st->job, err);
}

/* ---- what is said of it ---- */

static void show_counts(struct pm_run *r, const struct pm_export_result *x)
{
	struct pm_emit *e = r->emit;
	char a[28], b[28], c[28], size[16];
	if (pm_run_flag(r, "bytes"))
		snprintf(size, sizeof size, "%" PRIu64 " bytes", x->size);
	else
		pm_human_size(x->size, size);
	pm_emit_line(e, "%s objects (%s), %s references, %s roots.",
		pm_grouped(x->objects, a), size, pm_grouped(x->references, b),
		pm_grouped(x->roots, c));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "objects", x->objects);
	pm_emit_uint(e, "size", x->size);
	pm_emit_uint(e, "references", x->references);
	pm_emit_uint(e, "roots", x->roots);
	pm_emit_uint(e, "nodes", x->nodes);
	pm_emit_uint(e, "edges", x->edges);
	pm_emit_uint(e, "left_out", x->left_out);
	pm_emit_uint(e, "nameless", x->nameless);
	pm_emit_uint(e, "oversize", x->oversize);
	pm_emit_uint(e, "doubtful_ids", x->doubtful_ids);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", x->objects);
	pm_emit_variable(e, "py_size", x->size);
}

/* What a reader of the file should know. */
static void show_notes(struct pm_run *r, const struct pm_export_result *x)
{
	struct pm_emit *e = r->emit;
	char a[28];
	if (x->left_out)
		pm_emit_line(e,
			"%s objects that retain less are left out, with what "
			"refers to them (-top 0: all).",
			pm_grouped(x->left_out, a));
	if (x->nameless)
		pm_emit_line(e,
			"%s references were not found again to say what they "
			"are: the process runs.",
			pm_grouped(x->nameless, a));
	if (x->oversize)
		pm_emit_line(e,
			"%s objects have 4 GiB or more: DevTools show less of "
			"their sizes.",
			pm_grouped(x->oversize, a));
	if (x->doubtful_ids)
		pm_emit_line(e,
			"%s objects are so far from the others that two may "
			"have one id: comparing snapshots may mix them up.",
			pm_grouped(x->doubtful_ids, a));
}

static void show(struct pm_run *r)
{
	static const struct pm_column columns[] = {
		{"file", "FILE", PM_CELL_TEXT},
		{"bytes", "BYTES", PM_CELL_SIZE},
	};
	const struct heap_export *st = r->state;
	const struct pm_export_result *x = pm_export_result(st->job);
	pm_emit_text(r->emit, "format", kinds[kind_of(r)]);
	pm_emit_table(
		r->emit, "rows", columns, sizeof columns / sizeof *columns, 0);
	pm_vec_each (f, &x->files) {
		pm_auto_strbuf name = {0};
		pm_strbuf_escaped(&name, f->path, strlen(f->path));
		const struct pm_cell cells[] = {
			{.text = pm_strbuf_text(&name)}, {.u = f->bytes}};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
	show_counts(r, x);
	show_notes(r, x);
	pm_graphing_skipped(r);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct heap_export *st = r->state;
	uint64_t done, total;
	if (!st->ready)
		return pm_graphing_step(&st->graphing, r, &st->ready, err);
	if (!st->job)
		return create(r, err);
	PM_TRY(pm_export_step(st->job, PM_STEP_SECONDS, ret_done, err));
	pm_export_progress(st->job, &done, &total);
	snprintf(r->progress, sizeof r->progress, "writing %" PRIu64 "%%",
		done * 100 / total);
	if (*ret_done)
		show(r);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct heap_export *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_export_destroy(st->job);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "format",
		.type = PM_ARG_CHOICE,
		.value = "FORMAT",
		.choices = "heapsnapshot|csv|json|dot",
		.help = "What is written (default: heapsnapshot)."},
	{.name = "top",
		.type = PM_ARG_COUNT,
		.value = "N",
		.help = "Only the N objects that retain most; 0 is all (dot: "
			"500)."},
	{0},
};

const struct pm_command pm_command_heap_export = {
	.name = "py-heap-export",
	.group = PM_GROUP_TIME,
	.summary = "Write all objects and references to a file for other "
		   "viewers.",
	.options = options,
	.flags = PM_COMMAND_SIZES | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_FILE,
	.operand_help = "FILE is the file that is written; it gets its name "
			"when it is complete.",
	.doc = "Objects have the sizes of py-heap-types, buffers that they own "
	       "(items, tables, the data of arrays) included; references are "
	       "those of py-refs, with the same words; roots are those of "
	       "py-path.  The file is written as memory is read: beside the "
	       "graph it takes a few MiB of the debugger's memory.\n"
	       "heapsnapshot is what Chrome's DevTools load (Memory, Load "
	       "profile) and what memlab analyses.  An instance is called by "
	       "its class, a function by module and name, a module \"module "
	       "app\", a class \"class app.Foo\"; a str is a string, numbers "
	       "have their values.  Attributes and fields are properties; "
	       "items of lists and tuples are elements; so are values of "
	       "dicts, called by the repr of their key; locals and closures "
	       "are of a context.  Roots are under \"(GC roots)\", by where "
	       "they are; those that say why something is kept (sys.modules, "
	       "locals) are held by the root itself, too, and distances count "
	       "from these.  What no root leads to is under \"(unreachable)\": "
	       "what it refers to outside is a weak reference then, and so "
	       "retained sizes are those of py-retained.  The id of an object "
	       "follows from its address: two snapshots of one process, live "
	       "or from cores, can be compared.\n"
	       "csv is two tables, for FILE.csv FILE-nodes.csv (id, type, "
	       "size, retained, dominator, reached, repr) and FILE-edges.csv "
	       "(source, target, via).  An id is the address, as a number.  "
	       "What roots hold has edges from source 0, with the root's name "
	       "as via; dominator 0 is none: roots keep it.\n"
	       "json is one document in the node-link form (networkx, d3): "
	       "\"nodes\" with the same facts, \"edges\", and in \"graph\" "
	       "the \"roots\"; each on a line of its own.\n"
	       "dot is for graphviz and Gephi: the 500 objects that retain "
	       "most, their roots, and the references between them.  -top "
	       "says how many; all of a real heap is too much for these.",
	.examples = "py-heap-export app.heapsnapshot    # for Chrome, memlab\n"
		    "py-heap-export app.csv -format csv  # app-nodes.csv, "
		    "app-edges.csv\n"
		    "py-heap-export app.json -format json -top 1000\n"
		    "py-heap-export app.dot -format dot  # dot -Tsvg app.dot",
	.start = start,
	.step = step,
	.finish = finish,
};
