/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-unreachable: what no root leads to. */
#include "command/graphing.h"
#include "command/mallocing.h"
#include "base/map.h"
#include "graph/islands.h"
#include "graph/native-memory.h"
#include "heap/team.h"

#include <string.h>

#define TYPES_NAMED 4

/* Islands that are alike: of the same objects by type. */
struct kind {
	char *types;
	const struct pm_root *by; /* that of its example */
	uint64_t islands, objects, size;
	bool held, finalizers, cycle;
	pm_addr example, held_one; /* 0: it is not held */
};

struct type_count {
	uint32_t type, count;
};

struct unreachable {
	struct pm_graphing graphing;
	struct pm_islands_job *job;
	bool sorted;			 /* into islands */
	size_t island;			 /* the next to find its kind */
	struct pm_native_memory *memory; /* once all have theirs */
	struct pm_mallocing malloc;
	bool knows_malloc;
	PM_VEC(struct kind) kinds;
	struct pm_map by_hash; /* of a kind -> its number, plus 1 */
	uint32_t *count_of;    /* by type id; 0 between islands */
	PM_VEC(struct type_count) counts;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct unreachable *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_graphing_start(&st->graphing, r, PM_GRAPHING_DOMINATORS, err);
}

/* ---- islands that are alike ---- */

static int by_count(const void *a, const void *b)
{
	const struct type_count *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->type < y->type ? -1 : x->type > y->type;
}

/* How many of each type: an island may have millions of objects.  false: out of
   memory. */
static bool count_types(struct pm_run *r, const struct pm_island *x)
{
	struct unreachable *st = r->state;
	const struct pm_graph *g = r->session->graph;
	const uint32_t *nodes = pm_islands_result(st->job)->nodes + x->first;
	uint32_t ntypes = pm_types_count(g->h->types);
	if (!st->count_of)
		st->count_of = calloc((size_t)ntypes + 1, 4);
	if (!st->count_of)
		return false;
	st->counts.len = 0;
	bool ok = true;
	for (uint32_t i = 0; ok && i < x->n; i++) {
		uint32_t t =
			g->type[nodes[i]] < ntypes ? g->type[nodes[i]] : ntypes;
		if (!st->count_of[t]++)
			ok = pm_vec_push(
				&st->counts, (struct type_count){t, 0});
	}
	pm_vec_each (c, &st->counts) {
		c->count = st->count_of[c->type];
		st->count_of[c->type] = 0;
	}
	return ok;
}

/* "2 app.Node, 2 builtins.dict, ..." */
static bool name_types(
	struct pm_run *r, const struct pm_island *x, struct pm_strbuf *out)
{
	struct unreachable *st = r->state;
	size_t n = 0;
	if (!count_types(r, x))
		return false;
	if (st->counts.len)
		qsort(st->counts.data, st->counts.len, sizeof *st->counts.data,
			by_count);
	pm_vec_each (c, &st->counts) {
		const struct pm_type *t =
			pm_types_by_id(r->session->heap->types, c->type);
		if (n++ < TYPES_NAMED)
			pm_strbuf_printf(out, "%s%u %s", n > 1 ? ", " : "",
				c->count, t ? t->name : "?");
	}
	if (n > TYPES_NAMED)
		pm_strbuf_printf(out, ", %zu more types", n - TYPES_NAMED);
	return !out->failed;
}

/* Words of C code of the same kind are told as one.  FNV-1a; two kinds of one
 * hash would share a row: 64 bits are enough. */
static uint64_t hash_of(const struct pm_island *x, const char *types)
{
	uint64_t h = PM_HASH_BEGIN ^ (uint64_t)x->held ^
		     (uint64_t)x->finalizers << 1 ^ (uint64_t)x->cycle << 2 ^
		     (uint64_t)(x->by ? x->by->kind + 1 : 0) << 3;
	h = pm_hash_text(h, types);
	return h ? h : 1;
}

static enum pm_status add_island(
	struct pm_run *r, const struct pm_island *x, struct pm_error *err)
{
	struct unreachable *st = r->state;
	const struct pm_graph *g = r->session->graph;
	pm_auto_strbuf types = {0};
	if (!name_types(r, x, &types))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	struct pm_map_slot *slot = pm_map_put(
		&st->by_hash, hash_of(x, pm_strbuf_text(&types)), NULL);
	if (!slot)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!slot->value) {
		struct kind one = {.by = x->by,
			.held_one = x->held ? g->addr[x->held_node] : 0,
			.held = x->held,
			.finalizers = x->finalizers,
			.cycle = x->cycle,
			.example = g->addr[pm_islands_result(st->job)
						   ->nodes[x->first]],
			.types = strdup(pm_strbuf_text(&types))};
		if (!one.types || !pm_vec_push(&st->kinds, one)) {
			free(one.types);
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		}
		slot->value = st->kinds.len;
	}
	struct kind *k = &st->kinds.data[slot->value - 1];
	k->islands++;
	k->objects += x->n;
	k->size += x->size;
	return PM_OK;
}

/* As many as a step takes. */
static enum pm_status add_islands(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct unreachable *st = r->state;
	const struct pm_islands *all = pm_islands_result(st->job);
	double end = pm_now() + PM_STEP_SECONDS;
	while (st->island < all->list.len) {
		PM_TRY(add_island(r, &all->list.data[st->island], err));
		if (++st->island % 64 == 0 && pm_now() > end)
			return PM_OK;
	}
	*ret_done = true;
	return PM_OK;
}

/* ---- what is shown ---- */

static int by_size(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;
	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return strcmp(x->types, y->types);
}

/* "C variable cache (libfoo.so), and others" */
static void put_holder(
	struct pm_run *r, const struct kind *k, struct pm_strbuf *out)
{
	const struct unreachable *st = r->state;
	if (!k->held && !k->by)
		return;
	if (k->by) {
		pm_root_name(r->session->heap, k->by, false, out);
	} else if (!pm_native_memory_describe(st->memory, k->held_one, out)) {
		pm_strbuf_puts(out, "not known");
		return;
	}
	if (k->islands > 1)
		pm_strbuf_puts(out, ", and others");
	pm_strbuf_puts(out, " (conservative)");
}

static const char *state(const struct kind *k)
{
	return k->held ? "held" : k->cycle ? "cycle" : "garbage";
}

/* Of the first kinds that nobody is known to hold, what memory of C code does.
 */
static enum pm_status begin_memory(struct pm_run *r, struct pm_error *err)
{
	struct unreachable *st = r->state;
	pm_addr targets[PM_NATIVE_TARGETS];
	size_t n = 0;
	if (st->kinds.len)
		qsort(st->kinds.data, st->kinds.len, sizeof *st->kinds.data,
			by_size);
	pm_vec_each (k, &st->kinds)
		if (k->held && !k->by && n < PM_NATIVE_TARGETS)
			targets[n++] = k->held_one;
	return pm_native_memory_create(
		r->session->heap, targets, n, &st->memory, err);
}

static void show_rows(struct pm_run *r)
{
	static const struct pm_column columns[] = {
		{"size", "SIZE", PM_CELL_SIZE},
		{"islands", "ISLANDS", PM_CELL_COUNT},
		{"objects", "OBJECTS", PM_CELL_COUNT},
		{"state", "STATE", PM_CELL_TEXT},
		{"finalizers", "__DEL__", PM_CELL_BOOL},
		{"addr", "ADDR", PM_CELL_ADDR},
		{"held_by", "HELD BY", PM_CELL_TEXT},
		{"types", "OBJECTS OF EACH", PM_CELL_TEXT},
	};
	struct unreachable *st = r->state;
	pm_emit_table(r->emit, "rows", columns, 8, r->top);
	size_t shown = 0;
	pm_vec_each (k, &st->kinds) {
		pm_auto_strbuf by = {0};
		if (!r->top || shown++ < r->top)
			put_holder(r, k, &by);
		const struct pm_cell cells[] = {
			{.u = k->size},
			{.u = k->islands},
			{.u = k->objects},
			{.text = state(k)},
			{.b = k->finalizers},
			{.u = k->example},
			{.text = by.len ? pm_strbuf_text(&by) : NULL},
			{.text = k->types},
		};
		pm_emit_row(r->emit, cells, k->example);
	}
	pm_emit_table_end(r->emit);
}

static void show_total(struct pm_run *r)
{
	const struct unreachable *st = r->state;
	struct pm_emit *e = r->emit;
	uint64_t islands = 0, objects = 0, size = 0, held = 0, held_size = 0;
	uint64_t known = 0;
	char a[28], b[28], s[16];
	pm_vec_each (k, &st->kinds) {
		islands += k->islands;
		objects += k->objects;
		size += k->size;
		held += k->held ? k->objects : 0;
		held_size += k->held ? k->size : 0;
		known += k->by ? k->objects : 0;
	}
	if (!objects)
		pm_emit_line(e, "%s",
			"Roots lead to every object: nothing is garbage.");
	else
		pm_emit_line(e, "%s objects (%s) in %s islands.",
			pm_grouped(objects, a), pm_human_size(size, s),
			pm_grouped(islands, b));
	if (held)
		pm_emit_line(e,
			"Of these, %s objects (%s) are in islands with more "
			"reference counts than references: C code holds them, "
			"or leaked them (py-find ADDR).",
			pm_grouped(held, a), pm_human_size(held_size, s));
	if (known)
		pm_emit_line(e,
			"Words of C code lead to islands of %s objects: these "
			"are no garbage, unless the words are left over.",
			pm_grouped(known, a));
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "objects", objects);
	pm_emit_uint(e, "size", size);
	pm_emit_uint(e, "islands", islands);
	pm_emit_uint(e, "held_objects", held);
	pm_emit_uint(e, "held_size", held_size);
	pm_emit_uint(e, "conservative_objects", known);
	pm_emit_close(e);
	pm_emit_variable(e, "py_count", objects);
	pm_emit_variable(e, "py_size", size);
	pm_graphing_skipped(r);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct unreachable *st = r->state;
	bool done = false;
	if (!st->job) {
		PM_TRY(pm_graphing_step(&st->graphing, r, &done, err));
		return done ? pm_islands_create(
				      r->session->graph, &st->job, err)
			    : PM_OK;
	}
	snprintf(r->progress, sizeof r->progress, "sorting islands");
	if (!st->sorted)
		return pm_islands_step(
			st->job, PM_STEP_SECONDS, &st->sorted, err);
	if (!st->memory) {
		PM_TRY(add_islands(r, &done, err));
		return done ? begin_memory(r, err) : PM_OK;
	}
	snprintf(r->progress, sizeof r->progress, "looking through memory");
	if (!st->knows_malloc && pm_native_memory_looks(st->memory)) {
		PM_TRY(pm_mallocing_step(&st->malloc, r, &done, err));
		st->knows_malloc = done;
		if (done)
			pm_native_memory_know(st->memory, r->session->malloc);
		return PM_OK;
	}
	PM_TRY(pm_native_memory_step(st->memory, PM_STEP_SECONDS, &done, err));
	if (!done)
		return PM_OK;
	show_rows(r);
	show_total(r);
	*ret_done = true;
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct unreachable *st = r->state;
	if (!st)
		return;
	pm_graphing_finish(&st->graphing);
	pm_islands_destroy(st->job);
	pm_native_memory_destroy(st->memory);
	pm_mallocing_finish(&st->malloc);
	pm_vec_each (k, &st->kinds)
		free(k->types);
	pm_vec_deinit(&st->kinds);
	pm_map_deinit(&st->by_hash);
	pm_vec_deinit(&st->counts);
	free(st->count_of);
	free(st);
	r->state = NULL;
}

const struct pm_command pm_command_unreachable = {
	.name = "py-unreachable",
	.group = PM_GROUP_GRAPH,
	.summary = "Show objects that no root leads to: garbage, and what C "
		   "code holds.",
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_NONE,
	.doc = "An island is a set of objects that references join.  cycle: "
	       "its "
	       "reference counts are all explained by its own references, the "
	       "collector frees it when it runs next.  held: it has more "
	       "of them, from C code, or a reference was leaked; HELD BY says "
	       "from where, when a variable of C code, the C stack of a "
	       "thread or its registers have a word that is the address of "
	       "one of its objects (conservative: it may be left over); for "
	       "the largest without one, memory that C code got from malloc, "
	       "and did not free, is searched, too.  "
	       "garbage: "
	       "neither: being freed right now or, in a free-threaded build, "
	       "when the collector runs next.  Islands of the same objects by "
	       "type are one row, whose ADDR is an object of one of them.\n"
	       "__DEL__ tells whether a class of theirs has a finalizer, which "
	       "may bring them back.",
	.examples = "py-unreachable         # what a collection would free\n"
		    "py-object $py1         # one of the largest kind",
	.start = start,
	.step = step,
	.finish = finish,
};
