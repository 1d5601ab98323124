/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-refs: what an object refers to, and how, as deep as asked. */
#include "command/picture.h"
#include "command/ref-tree.h"
#include "command/walking.h"

struct refs_state {
	struct pm_walking walking;
	bool walked;
	struct pm_ref_tree tree;
	bool shown;
	struct pm_drawing drawing;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct pm_object x;
	PM_TRY(pm_drawing_check(r, err));
	PM_TRY(pm_walking_object(r, &x, err));
	struct refs_state *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	pm_ref_tree_init(&st->tree, r, false);
	pm_drawing_init(&st->drawing, &st->tree.h, st->tree.deepest);
	return pm_walking_start(&st->walking, r, err);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct refs_state *st = r->state;
	if (!st->walked)
		return pm_walking_step(&st->walking, r, &st->walked, err);
	if (st->shown)
		return pm_drawing_step(&st->drawing, ret_done, err);
	PM_TRY(pm_ref_tree_step(&st->tree, &st->shown, err));
	*ret_done = st->shown && !pm_drawing_wanted(r);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct refs_state *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_ref_tree_deinit(&st->tree);
	pm_drawing_deinit(&st->drawing);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	PM_REF_TREE_OPTIONS(
		"And what these refer to, N levels deep (default: 1)."),
	PM_PICTURE_OPTIONS,
	{0},
};

const struct pm_command pm_command_refs = {
	.name = "py-refs",
	.group = PM_GROUP_GRAPH,
	.summary = "Show which objects an object refers to, and through what.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_ROWS_ARE_OBJECTS |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_ADDR,
	.operand_help = "ADDR is the address of an object: any GDB expression, "
			"such as $py1.",
	.doc = "Every strong reference is shown, with VIA as in py-backrefs: "
	       "attributes wherever they live, slots, items, dict keys and "
	       "values, fields of C structs, locals of suspended frames, the "
	       "class.  An object that was opened before is shown again, but "
	       "not opened.  -top limits what is shown of each object; the "
	       "rest "
	       "is counted.  Weak references are not followed.\n"
	       "-dot and -svg draw the same, up to 100 objects, level by "
	       "level: paler with the distance, modules and classes in shapes "
	       "of their own; what roots hold directly has a double line, "
	       "guesses are dashed.  What is left out is counted there.  "
	       "-filter is about the table only.",
	.examples = "py-refs $py1            # what is in it\n"
		    "py-refs -depth 3 -exclude builtins.type $py1\n"
		    "py-refs -depth 4 -filter 'app.*' $py1\n"
		    "py-refs -depth 3 -svg object.svg $py1",
	.start = start,
	.step = step,
	.finish = finish,
};
