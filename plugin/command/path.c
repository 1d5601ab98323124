/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-path: why is an object still alive. */
#include "command/graphing.h"
#include "command/path-show.h"
#include "command/path-type.h"
#include "command/picture.h"

#include <inttypes.h>

#define ROOTS_AT_MOST 10000

struct path_state {
	struct pm_graphing graphing;
	struct pm_path_job *job;
	struct pm_path_type *type; /* when the operand is one */
	const char *exclude;
	bool found, shown;
	struct pm_path_show show;
	struct pm_drawing drawing;
};

/* Are the paths of a whole type asked for? */
static bool is_type(const struct pm_run *r)
{
	return !r->has_addr;
}

/* What makes no sense for a type; NULL: nothing such is given. */
static const char *of_one_object(const struct pm_run *r)
{
	return pm_run_flag(r, "all-roots") ? "-all-roots"
	       : pm_run_given(r, "steps")  ? "-steps"
	       : pm_drawing_wanted(r)	   ? "a picture"
					   : NULL;
}

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_object x;
	const char *other = of_one_object(r);
	if (is_type(r) && other)
		return pm_fail(err, PM_USAGE, 0,
			"%s is about one object (ADDR), not about a type",
			other);
	PM_TRY(pm_drawing_check(r, err));
	if (!is_type(r))
		PM_TRY(pm_walking_object(r, &x, err));
	struct path_state *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	st->exclude = pm_run_text(r, "exclude", NULL);
	r->state = st;
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_ROOTS, err);
}

static bool passes(void *arg, const struct pm_type *t)
{
	const struct path_state *st = arg;
	return !pm_type_matches(t->name, st->exclude);
}

static enum pm_status begin(struct pm_run *r, struct pm_error *err)
{
	struct path_state *st = r->state;
	const struct pm_graph *g = r->session->graph;
	uint32_t node;
	PM_TRY(pm_graphing_node(r, &node, err));
	size_t limit = 1;
	if (pm_run_flag(r, "all-roots"))
		limit = r->top && r->top < ROOTS_AT_MOST ? r->top + 1
							 : ROOTS_AT_MOST;
	return pm_path_create(
		g, node, limit, st->exclude ? passes : NULL, st, &st->job, err);
}

static enum pm_status show(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct path_state *st = r->state;
	PM_TRY(pm_path_show_step(&st->show, &st->shown, err));
	snprintf(r->progress, sizeof r->progress, "writing %zu/%zu",
		st->show.path, st->show.paths->list.len);
	*ret_done = st->shown && !pm_drawing_wanted(r);
	if (st->shown && !*ret_done)
		return pm_drawing_paths(
			&st->drawing, r, st->job, &st->show.vias, err);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct path_state *st = r->state;
	uint64_t done, total;
	if (st->shown)
		return pm_drawing_step(&st->drawing, ret_done, err);
	if (st->type)
		return pm_path_type_step(st->type, r, ret_done, err);
	if (!st->job) {
		bool ready = false;
		PM_TRY(pm_graphing_step(&st->graphing, r, &ready, err));
		if (!ready)
			return PM_OK;
		return is_type(r) ? pm_path_type_create(
					    r, st->exclude, &st->type, err)
				  : begin(r, err);
	}
	if (st->found)
		return show(r, ret_done, err);
	PM_TRY(pm_path_step(st->job, PM_STEP_SECONDS, &st->found, err));
	pm_path_progress(st->job, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"going back %" PRIu64 "/%" PRIu64, done, total);
	if (st->found)
		pm_path_show_init(&st->show, r, st->job);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct path_state *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_path_destroy(st->job);
	pm_path_type_destroy(st->type);
	pm_path_show_deinit(&st->show);
	pm_drawing_deinit(&st->drawing);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "all-roots",
		.type = PM_ARG_FLAG,
		.help = "A path from each root that leads there, not the "
			"shortest alone."},
	{.name = "exclude",
		.type = PM_ARG_TEXT,
		.value = "GLOB",
		.help = "Not through objects of these types."},
	PM_PATH_SHOW_OPTIONS,
	PM_PICTURE_OPTIONS,
	{0},
};

const struct pm_command pm_command_path = {
	.name = "py-path",
	.group = PM_GROUP_GRAPH,
	.summary = "Show why an object is alive: a chain of references from a "
		   "root.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_TYPE_OR_ADDR,
	.operand_help = "ADDR is the address of an object: a GDB expression "
			"that begins with a digit, $, (, * or &.  TYPE is a "
			"pattern for the qualified name of types, such as "
			"app.Order or 'app.*': how all their objects are held.",
	.doc = "The shortest chain is written as a Python programmer would "
	       "write it, sys.modules['app'].CACHE._data['k'][3].owner, and "
	       "listed step by step.  Where it begins is a root: something in "
	       "the interpreter's or a thread's state, a variable of a Python "
	       "function that is running, a static or immortal object.  Words "
	       "of C code that merely look like a reference are told as a "
	       "guess, and only when nothing else leads to the object, or "
	       "with -all-roots: words in variables of C code, on C stacks and "
	       "in registers, as far as the reference count leaves room for "
	       "them.  Of a long chain the middle is left out, and how many "
	       "steps that are is said; -all shows all.\n"
	       "Of a TYPE, each object's shortest path is found, and those "
	       "that look the same are one row: how many objects, and their "
	       "own bytes.  [*] is any item of a container; a container with "
	       "one such item shows its key.  (.next)* are steps that repeat.  "
	       "EXAMPLE is one of the objects.\n"
	       "Weak references hold nothing, nor does the table of interned "
	       "strings.  The first command that needs the graph of all "
	       "references builds it; it is kept until the process runs.",
	.examples = "py-path $py1                     # why is it alive\n"
		    "py-path -all-roots $py1          # who else holds it\n"
		    "py-path -exclude builtins.frame $py1  # not by a frame\n"
		    "py-path -all-roots -svg why.svg $py1\n"
		    "py-path -top 5 app.Order         # what holds all of them",
	.start = start,
	.step = step,
	.finish = finish,
};
