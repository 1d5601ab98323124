/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-arena-pins: what keeps nearly empty arenas mapped. */
#include "command/arena-groups.h"
#include "command/graphing.h"
#include "heap/team.h"

#include <inttypes.h>
#include <string.h>

#define BELOW 25 /* percent */

struct arena_pins {
	struct pm_graphing graphing;
	struct pm_roles *roles;
	struct pm_pins_job *job;
	bool ready, named, found, counted, begun;
	struct pm_arena_groups groups;
	PM_VEC(const struct pm_lot *) rows; /* sparse lots */
	size_t at;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct arena_pins *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	uint64_t below = pm_run_number(r, "below", BELOW);
	if (!below || below > 100)
		return pm_fail(err, PM_USAGE, 0,
			"py-arena-pins: -below: from 1 to 100 percent");
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_ROOTS, err);
}

/* ---- the jobs ---- */

static enum pm_status name_owners(
	struct pm_run *r, struct arena_pins *st, struct pm_error *err)
{
	struct pm_heap *h = r->session->heap;
	if (!st->roles)
		return pm_roles_create(h, &st->roles, err);
	snprintf(r->progress, sizeof r->progress, "looking for owners");
	return pm_roles_step(st->roles, PM_STEP_SECONDS, &st->named, err);
}

static enum pm_status find_pins(
	struct pm_run *r, struct arena_pins *st, struct pm_error *err)
{
	unsigned below = (unsigned)pm_run_number(r, "below", BELOW);
	if (!st->job)
		return pm_pins_create(r->session->graph, below, &st->job, err);
	PM_TRY(pm_pins_step(st->job, PM_STEP_SECONDS, &st->found, err));
	snprintf(r->progress, sizeof r->progress, "%s",
		pm_pins_progress(st->job));
	return PM_OK;
}

static int by_blocks(const void *a, const void *b)
{
	const struct pm_lot *x = *(const struct pm_lot *const *)a;
	const struct pm_lot *y = *(const struct pm_lot *const *)b;
	/* Bytes that a block keeps: the most first. */
	double s = (double)x->bytes / (double)(x->end - x->begin);
	double t = (double)y->bytes / (double)(y->end - y->begin);
	if (s != t)
		return s < t ? 1 : -1;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

static enum pm_status take_rows(struct arena_pins *st, struct pm_error *err)
{
	const struct pm_pins *p = pm_pins_result(st->job);
	pm_vec_each (lot, &p->lots)
		if (lot->sparse && !pm_vec_push(&st->rows, lot))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (st->rows.len)
		qsort(st->rows.data, st->rows.len, sizeof *st->rows.data,
			by_blocks);
	return PM_OK;
}

static enum pm_status count_groups(struct arena_pins *st, struct pm_error *err)
{
	double end = pm_now() + PM_STEP_SECONDS;
	if (!st->groups.job) {
		pm_arena_groups_init(&st->groups, st->job, st->roles);
		PM_TRY(take_rows(st, err));
	}
	for (; st->at < st->rows.len && pm_now() < end; st->at++)
		if (!pm_arena_groups_add(&st->groups, st->rows.data[st->at]))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	st->counted = st->at == st->rows.len;
	return PM_OK;
}

/* ---- what is shown ---- */

static const char *lot_word(const struct pm_run *r, bool many)
{
	if (r->session->heap->pools->pages)
		return many ? "pages" : "page";
	return many ? "arenas" : "arena";
}

static void show_head(struct pm_run *r, const struct arena_pins *st)
{
	const struct pm_pins *p = pm_pins_result(st->job);
	uint64_t mapped = 0, used = 0, blocks = 0;
	char n[28], m[28], k[28], size[16], more[16];
	pm_vec_each (lot, &st->rows) {
		mapped += (*lot)->bytes;
		used += (*lot)->bytes_used;
		blocks += (*lot)->end - (*lot)->begin;
	}
	struct pm_emit *e = r->emit;
	pm_emit_line(e,
		"%s of %s %s (%s) with blocks in use are less than %" PRIu64
		" %% full: %s blocks (%s) keep them mapped.",
		pm_grouped(st->rows.len, n), pm_grouped(p->lots.len, m),
		lot_word(r, true), pm_human_size(mapped, size),
		pm_run_number(r, "below", BELOW), pm_grouped(blocks, k),
		pm_human_size(used, more));
	pm_emit_uint(e, "below", pm_run_number(r, "below", BELOW));
	pm_emit_text(e, "lots", lot_word(r, true));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "arenas", st->rows.len);
	pm_emit_uint(e, "bytes", mapped);
	pm_emit_uint(e, "bytes_used", used);
	pm_emit_uint(e, "blocks", blocks);
	pm_emit_close(e);
}

static void begin_rows(struct pm_run *r)
{
	const struct pm_column columns[] = {
		{NULL, r->session->heap->pools->pages ? "PAGE" : "ARENA",
			PM_CELL_ADDR},
		{NULL, "BYTES USED", PM_CELL_SIZE},
		{NULL, "BLOCKS", PM_CELL_COUNT},
		{NULL, "EACH KEEPS", PM_CELL_SIZE},
		{NULL, "PINNED BY", PM_CELL_TEXT},
	};
	if (pm_run_flag(r, "json"))
		pm_emit_open_array(r->emit, "rows");
	else
		pm_emit_table(r->emit, NULL, columns, 5, 0);
}

static enum pm_status show_row(struct pm_run *r, struct arena_pins *st,
	const struct pm_lot *lot, struct pm_error *err)
{
	struct pm_emit *e = r->emit;
	uint64_t blocks = lot->end - lot->begin;
	struct pm_arena_groups *g = &st->groups;
	if (!pm_arena_groups_of(g, lot))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (pm_run_flag(r, "json")) {
		pm_emit_open_object(e, NULL);
		pm_emit_addr(e, "arena", lot->addr);
		pm_emit_uint(e, "bytes", lot->bytes);
		pm_emit_uint(e, "bytes_used", lot->bytes_used);
		pm_emit_uint(e, "blocks", blocks);
		pm_emit_open_array(e, "pinned_by");
		pm_vec_each (x, &g->here)
			pm_arena_group_json(g, r, x);
		pm_emit_close(e);
		pm_emit_close(e);
		return PM_OK;
	}
	pm_auto_strbuf text = {0};
	pm_arena_groups_put_here(g, &text);
	const struct pm_cell cells[] = {
		{.u = lot->addr},
		{.u = lot->bytes_used},
		{.u = blocks},
		{.u = lot->bytes / blocks},
		{.text = pm_strbuf_text(&text)},
	};
	pm_emit_row(e, cells, lot->addr);
	return PM_OK;
}

/* *ret_done: all that is shown of them is. */
static enum pm_status show_rows(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct arena_pins *st = r->state;
	double end = pm_now() + PM_STEP_SECONDS;
	bool json = pm_run_flag(r, "json");
	size_t last = st->rows.len;
	if (r->top && r->top < last && (!json || pm_run_given(r, "top")))
		last = r->top;
	if (!st->begun) {
		show_head(r, st);
		begin_rows(r);
		st->begun = true;
		st->at = 0;
	}
	for (; st->at < last && pm_now() < end; st->at++)
		PM_TRY(show_row(r, st, st->rows.data[st->at], err));
	*ret_done = st->at == last;
	if (!*ret_done)
		return PM_OK;
	if (json) {
		pm_emit_close(r->emit);
		return PM_OK;
	}
	if (last < st->rows.len)
		pm_emit_table_hide(r->emit, st->rows.len - last);
	pm_emit_table_end(r->emit);
	return PM_OK;
}

/* ---- what to free ---- */

static void put_units(struct pm_pins *p, uint64_t units, struct pm_strbuf *out)
{
	bool first = true;
	char n[28];
	for (; units; units &= units - 1, first = false) {
		const struct pm_pin_unit *x = &p->units[__builtin_ctzll(units)];
		pm_strbuf_printf(out, "%s%s %s in ", first ? "" : " + ",
			pm_grouped(x->objects, n),
			pm_graph_type_name(
				p->g, p->paths->patterns.list.data[x->pattern]
					      .example));
		pm_patterns_show(&p->paths->patterns, x->pattern, out);
	}
}

static void show_plan_json(
	struct pm_run *r, struct pm_pins *p, const struct pm_pin_plan *x)
{
	struct pm_emit *e = r->emit;
	pm_emit_open_object(e, NULL);
	pm_emit_uint(e, "objects", x->objects);
	pm_emit_uint(e, "freed", x->freed);
	pm_emit_uint(e, "freed_size", x->freed_size);
	pm_emit_uint(e, "arenas", x->lots);
	pm_emit_uint(e, "bytes_returned", x->bytes);
	pm_emit_bool(e, "keeps_one", x->keeps_one);
	pm_emit_bool(e, "may_keep_one", x->may_keep_one);
	pm_emit_open_array(e, "items");
	for (uint64_t left = x->units; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		const struct pm_pin_unit *u = &p->units[i];
		pm_auto_strbuf path = {0};
		pm_patterns_show(&p->paths->patterns, u->pattern, &path);
		pm_emit_open_object(e, NULL);
		pm_emit_text(e, "type",
			pm_graph_type_name(
				p->g, p->paths->patterns.list.data[u->pattern]
					      .example));
		pm_emit_text(e, "path", pm_strbuf_text(&path));
		pm_emit_uint(e, "objects", u->objects);
		pm_emit_uint(e, "size", u->size);
		pm_emit_bool(e, "added", x->added >> i & 1);
		pm_emit_close(e);
	}
	pm_emit_close(e);
	pm_emit_close(e);
}

static void show_plan(
	struct pm_run *r, struct pm_pins *p, const struct pm_pin_plan *x)
{
	pm_auto_strbuf what = {0};
	bool also = x->added != x->units;
	pm_strbuf_puts(&what, also ? "and also " : "");
	put_units(p, x->added, &what);
	const struct pm_cell cells[] = {
		{.u = x->objects},
		{.u = x->freed_size},
		{.u = x->lots},
		{.u = x->bytes},
		{.u = x->objects ? x->bytes / x->objects : 0},
		{.text = pm_strbuf_text(&what)},
	};
	pm_emit_row(r->emit, cells, 0);
}

static void show_plans(struct pm_run *r, struct pm_pins *p)
{
	const struct pm_column columns[] = {
		{NULL, "OBJECTS", PM_CELL_COUNT},
		{NULL, "FREES", PM_CELL_SIZE},
		{NULL, r->session->heap->pools->pages ? "PAGES" : "ARENAS",
			PM_CELL_COUNT},
		{NULL, "GO BACK", PM_CELL_SIZE},
		{NULL, "PER OBJECT", PM_CELL_SIZE},
		{NULL, "DROP", PM_CELL_TEXT},
	};
	bool json = pm_run_flag(r, "json"), one = false, may = false;
	if (json)
		pm_emit_open_array(r->emit, "free");
	else if (!p->nplans)
		pm_emit_line(r->emit, "%s",
			"Nothing in collections keeps any of them alone: see "
			"below what does.");
	else
		pm_emit_table(r->emit, NULL, columns, 6, 0);
	for (unsigned i = 0; i < p->nplans; i++) {
		(json ? show_plan_json : show_plan)(r, p, &p->plans[i]);
		one = one || p->plans[i].keeps_one;
		may = may || p->plans[i].may_keep_one;
	}
	if (json) {
		pm_emit_close(r->emit);
		return;
	}
	if (p->nplans)
		pm_emit_table_end(r->emit);
	if (one)
		pm_emit_line(r->emit, "%s",
			"One more becomes empty than goes back: pymalloc keeps "
			"it for later.");
	else if (may)
		pm_emit_line(r->emit, "%s",
			"pymalloc may keep one of those that become empty.");
	if (r->session->heap->pools->pages && p->nplans)
		pm_emit_line(r->emit, "%s",
			"mimalloc takes back the memory of a page some time "
			"after its last block is freed.");
}

/* What is in the way of an arena's return, and nobody can drop. */
static void show_fates(struct pm_run *r, const struct arena_pins *st)
{
	static const struct {
		const char *key, *text;
	} fates[PM_PIN_FATES] = {
		[PM_PIN_ITEM] = {"items", "of what is in collections"},
		[PM_PIN_PROGRAM] = {"program",
			"of modules, classes, functions and what they hold"},
		[PM_PIN_FOREVER] = {"immortal", "of immortal objects: never "
						"freed"},
		[PM_PIN_KEPT] = {"free_lists",
			"in free lists: gc.collect() empties them"},
		[PM_PIN_LOST] = {"unreached",
			"of objects that no root leads to: garbage, or held "
			"by C code (see py-unreachable)"},
		[PM_PIN_UNKNOWN] = {"unknown",
			"of C code, of the interpreter itself, or not "
			"readable: cannot be told"},
	};
	struct pm_emit *e = r->emit;
	char n[28], m[28];
	pm_emit_open_object(e, "blocks");
	for (unsigned f = 0; f < PM_PIN_FATES; f++) {
		uint64_t blocks = 0, lots = 0;
		pm_vec_each (lot, &st->rows) {
			blocks += (*lot)->blocks[f];
			lots += (*lot)->blocks[f] != 0;
		}
		pm_emit_uint(e, fates[f].key, blocks);
		if (blocks)
			pm_emit_line(e, "%s block%s, in %s %s: %s.",
				pm_grouped(blocks, n), blocks == 1 ? "" : "s",
				pm_grouped(lots, m), lot_word(r, lots != 1),
				fates[f].text);
	}
	pm_emit_close(e);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct arena_pins *st = r->state;
	bool shown = false;
	*ret_done = false;
	if (!st->ready)
		return pm_graphing_step(&st->graphing, r, &st->ready, err);
	if (!st->named)
		return name_owners(r, st, err);
	if (!st->found)
		return find_pins(r, st, err);
	if (!st->counted)
		return count_groups(st, err);
	PM_TRY(show_rows(r, &shown, err));
	if (!shown)
		return PM_OK;
	PM_TRY(pm_arena_groups_show(&st->groups, r, err));
	struct pm_pins *p = pm_pins_result(st->job);
	show_plans(r, p);
	show_fates(r, st);
	if (!r->session->heap->pools->arenas.len)
		pm_emit_line(r->emit, "%s",
			"This interpreter uses neither pymalloc nor mimalloc "
			"(PYTHONMALLOC=malloc?).");
	pm_emit_variable(r->emit, "py_arenas", st->rows.len);
	const struct pm_graph *g = r->session->graph;
	pm_emit_skipped(r->emit,
		g->unreadable + p->unreadable + pm_roles_unreadable(st->roles),
		g->inconsistent + p->inconsistent);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct arena_pins *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_arena_groups_deinit(&st->groups);
	pm_pins_destroy(st->job);
	pm_roles_destroy(st->roles);
	pm_vec_deinit(&st->rows);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "below",
		.type = PM_ARG_COUNT,
		.value = "PERCENT",
		.help = "Which arenas: those with less in use (default: 25)."},
	{0},
};

const struct pm_command pm_command_arena_pins = {
	.name = "py-arena-pins",
	.group = PM_GROUP_ALLOCATOR,
	.summary = "Show which objects keep nearly empty arenas mapped.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = "An arena goes back to the system when its last block is freed: "
	       "a few objects that outlive their neighbours keep all of it.  "
	       "Three tables say who they are.\n"
	       "The arenas that the fewest blocks keep, and whose these are.  "
	       "Memory of an object (items of a list, the table of a dict) "
	       "counts for the object.\n"
	       "What has blocks in these arenas, by type, by the owner of a "
	       "collection and by merged path, as py-path TYPE shows them.\n"
	       "What to drop: the items of which collections, the best first, "
	       "each line with those before it.  OBJECTS is how many items "
	       "that are, FREES the size of all that goes with them, GO BACK "
	       "what the system gets; these figures come from the graph "
	       "without those items, not from a guess, and hold when the "
	       "program drops all its references to them and then calls "
	       "gc.collect(), which empties free lists.\n"
	       "Then what else is in these arenas, and cannot be dropped: "
	       "code, immortal objects, blocks of C code.  Where mimalloc is "
	       "the allocator it is pages that go back, and each row is one.",
	.examples =
		"py-arena-pins  # 4 GiB of arenas with 1 % in use: by whom\n"
		"py-arena-pins -below 5 -json  # for a script",
	.start = start,
	.step = step,
	.finish = finish,
};
