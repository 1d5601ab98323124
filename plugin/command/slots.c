/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-slots: what instances cost, and would cost with __slots__. */
#include "command/walking.h"
#include "heap/slots.h"

#include <inttypes.h>
#include <string.h>

#define FEW 10 /* "used by few": fewer than one in so many */

struct slots {
	struct pm_walking walking;
	struct pm_slots_job *job;
	PM_VEC(const struct pm_slots_class *) rows;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct slots *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	return pm_walking_start(&st->walking, r, err);
}

static uint64_t with_slots(const struct pm_slots_class *c)
{
	return c->impossible ? pm_slots_now(c) : c->instances * c->block;
}

static int64_t saving(const struct pm_slots_class *c)
{
	return (int64_t)(pm_slots_now(c) - with_slots(c));
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct pm_slots_class *x =
		*(const struct pm_slots_class *const *)a;
	const struct pm_slots_class *y =
		*(const struct pm_slots_class *const *)b;
	const char *sort = arg;
	int64_t u = saving(x), v = saving(y);
	if (!strcmp(sort, "instances")) {
		u = (int64_t)x->instances;
		v = (int64_t)y->instances;
	} else if (!strcmp(sort, "bytes")) {
		u = (int64_t)pm_slots_now(x);
		v = (int64_t)pm_slots_now(y);
	}
	if (u != v && strcmp(sort, "name"))
		return u < v ? 1 : -1;
	int c = strcmp(x->type->name, y->type->name);
	return c ? c : x->type->addr < y->type->addr ? -1 : 1;
}

/* "n of m: reason, n: reason"; "" when no instance lost it. */
static void describe_lost(const struct pm_slots_class *c, struct pm_strbuf *out)
{
	for (int i = 0; i < PM_LOST_REASONS; i++)
		if (c->lost_by[i])
			pm_strbuf_printf(out, "%s%" PRIu64 ": %s",
				out->len ? ", " : "", c->lost_by[i],
				pm_sharing_lost_text((enum pm_sharing_lost)i));
}

static void describe_few(const struct pm_slots_class *c, struct pm_strbuf *out)
{
	pm_vec_each (a, &c->attributes)
		if (a->count * FEW < c->instances && out->len < 200)
			pm_strbuf_printf(
				out, "%s%s", out->len ? ", " : "", a->name);
}

static const char *text_of(const struct pm_strbuf *b)
{
	return b->len ? b->data : NULL;
}

static void signed_size(
	const struct pm_run *r, int64_t bytes, char *buf, size_t cap)
{
	char digits[28], human[16];
	uint64_t n = (uint64_t)(bytes < 0 ? -bytes : bytes);
	snprintf(buf, cap, "%s%s", bytes < 0 ? "-" : "",
		pm_run_flag(r, "bytes") ? pm_grouped(n, digits)
					: pm_human_size(n, human));
}

static void show_row(struct pm_run *r, const struct pm_slots_class *c)
{
	pm_auto_strbuf lost = {0}, few = {0}, note = {0};
	char save[32];
	describe_lost(c, &lost);
	describe_few(c, &few);
	signed_size(r, saving(c), save, sizeof save);
	if (c->impossible)
		pm_strbuf_printf(&note, " (no __slots__: %s)", c->impossible);
	if (c->dict_from)
		pm_strbuf_printf(&note, " (__slots__, but a __dict__ from %s)",
			c->dict_from == c->type ? "its own"
						: c->dict_from->name);
	if (c->lost)
		pm_strbuf_printf(&note,
			" (%" PRIu64 " share no names with others)", c->lost);
	pm_auto_strbuf type = {0};
	pm_strbuf_printf(
		&type, "%s%s", c->type->name, note.len ? note.data : "");
	const struct pm_cell cells[] = {
		{.u = c->instances},
		{.u = pm_slots_now(c)},
		{.u = with_slots(c), .absent = c->impossible != NULL},
		{.i = saving(c), .absent = c->impossible != NULL},
		{.text = c->impossible ? "-" : save},
		{.u = c->objects},
		{.u = c->values},
		{.u = c->dicts},
		{.u = c->own_keys},
		{.u = c->shared_keys},
		{.u = c->dict_objects},
		{.u = c->attributes.len},
		{.u = c->new_slots},
		{.u = c->weakrefs},
		{.u = c->lost},
		{.text = text_of(&lost)},
		{.text = text_of(&few)},
		{.text = c->dict_from ? c->dict_from->name : NULL},
		{.text = c->impossible},
		{.u = c->type->addr},
		{.text = c->type->name},
		{.text = type.data},
	};
	pm_emit_row(r->emit, cells, c->type->addr);
}

static void show_table(struct pm_run *r, struct slots *st)
{
	static const struct pm_column columns[] = {
		{"instances", "INSTANCES", PM_CELL_COUNT},
		{"bytes_now", "NOW", PM_CELL_SIZE},
		{"bytes_slots", "SLOTS", PM_CELL_SIZE},
		{"saving", NULL, PM_CELL_INT},
		{NULL, "SAVING", PM_CELL_TEXT},
		{"objects", NULL, PM_CELL_SIZE},
		{"values", NULL, PM_CELL_SIZE},
		{"dicts", NULL, PM_CELL_SIZE},
		{"own_keys", NULL, PM_CELL_SIZE},
		{"shared_keys", NULL, PM_CELL_SIZE},
		{"dict_objects", NULL, PM_CELL_COUNT},
		{"attributes", NULL, PM_CELL_COUNT},
		{"slots", NULL, PM_CELL_COUNT},
		{"weakly_referenced", NULL, PM_CELL_COUNT},
		{"sharing_lost", NULL, PM_CELL_COUNT},
		{"sharing_lost_why", NULL, PM_CELL_TEXT},
		{"used_by_few", NULL, PM_CELL_TEXT},
		{"dict_from", NULL, PM_CELL_TEXT},
		{"impossible", NULL, PM_CELL_TEXT},
		{"type_addr", NULL, PM_CELL_ADDR},
		{"type", NULL, PM_CELL_TEXT},
		{NULL, "TYPE", PM_CELL_TEXT},
	};
	const size_t n = sizeof columns / sizeof *columns;
	struct pm_cell total[sizeof columns / sizeof *columns];
	uint64_t instances = 0, now = 0, after = 0;
	char save[32];
	pm_emit_table(r->emit, "rows", columns, n, r->top);
	pm_vec_each (c, &st->rows) {
		show_row(r, *c);
		instances += (*c)->instances;
		now += pm_slots_now(*c);
		after += with_slots(*c);
	}
	signed_size(r, (int64_t)(now - after), save, sizeof save);
	for (size_t i = 0; i < n; i++)
		total[i] = (struct pm_cell){.absent = true};
	total[0] = (struct pm_cell){.u = instances};
	total[1] = (struct pm_cell){.u = now};
	total[2] = (struct pm_cell){.u = after};
	total[4] = (struct pm_cell){.text = save};
	total[n - 1] = (struct pm_cell){.text = "total"};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "instances", instances);
	pm_emit_uint(r->emit, "bytes_now", now);
	pm_emit_uint(r->emit, "bytes_slots", after);
	pm_emit_int(r->emit, "saving", (int64_t)(now - after));
	pm_emit_close(r->emit);
	pm_emit_variable(r->emit, "py_count", instances);
	pm_emit_variable(r->emit, "py_size", now);
}

/* The arithmetic of one class, line by line. */
static void explain(struct pm_run *r, const struct pm_slots_class *c)
{
	struct pm_emit *e = r->emit;
	unsigned ws = r->session->layout->t.word_size;
	char n[28];
	const struct {
		const char *what;
		uint64_t bytes;
	} parts[] = {
		{"blocks of the instances", c->objects},
		{"blocks of attribute values", c->values},
		{"dict objects", c->dicts},
		{"tables of names of one instance", c->own_keys},
		{"tables of names that are shared", c->shared_keys},
	};
	pm_emit_line(e, "%s", "");
	pm_emit_line(e, "%s: %s instances", c->type->name,
		pm_grouped(c->instances, n));
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		pm_emit_line(e, "  %-36s %16s", parts[i].what,
			pm_grouped(parts[i].bytes, n));
	pm_emit_line(e, "  %-36s %16s", "now", pm_grouped(pm_slots_now(c), n));
	if (c->impossible) {
		pm_emit_line(e, "  __slots__ cannot be: %s", c->impossible);
	} else {
		pm_emit_line(e,
			"  with __slots__: %" PRIu32 " before it + %" PRIu32
			" of its base + %" PRIu32 " attributes * %u%s",
			c->pre, c->base_size, c->new_slots, ws,
			c->weak_word ? " + a word for __weakref__" : "");
		pm_emit_line(e,
			"    = %" PRIu64 ", in blocks of %" PRIu64 " * %s",
			c->pre + c->base_size +
				(uint64_t)(c->new_slots + c->weak_word) * ws,
			c->block, pm_grouped(c->instances, n));
		pm_emit_line(e, "  %-36s %16s", "with __slots__",
			pm_grouped(with_slots(c), n));
	}
	pm_auto_strbuf lost = {0};
	describe_lost(c, &lost);
	if (lost.len)
		pm_emit_line(e, "  names not shared: %s", lost.data);
}

/* What each attribute costs as a slot, and how many would leave it empty. */
static void show_attributes(struct pm_run *r, struct slots *st)
{
	static const struct pm_column columns[] = {
		{"type", "TYPE", PM_CELL_TEXT},
		{"attribute", "ATTRIBUTE", PM_CELL_TEXT},
		{"count", "SET IN", PM_CELL_COUNT},
		{NULL, "%", PM_CELL_PERCENT},
		{"slot_bytes", "SLOT BYTES", PM_CELL_SIZE},
		{"empty_bytes", "OF THEM EMPTY", PM_CELL_SIZE},
	};
	unsigned ws = r->session->layout->t.word_size;
	pm_emit_line(r->emit, "%s", "");
	pm_emit_table(r->emit, "attributes", columns, 6, 0);
	size_t shown = 0;
	pm_vec_each (c, &st->rows) {
		if (r->top && shown++ >= r->top)
			break;
		pm_vec_each (a, &(*c)->attributes) {
			uint64_t all = (*c)->instances;
			const struct pm_cell cells[] = {
				{.text = (*c)->type->name},
				{.text = a->name},
				{.u = a->count},
				{.d = 100.0 * (double)a->count / (double)all},
				{.u = all * ws},
				{.u = a->count < all ? (all - a->count) * ws
						     : 0},
			};
			pm_emit_row(r->emit, cells, 0);
		}
	}
	pm_emit_table_end(r->emit);
}

static enum pm_status show(struct pm_run *r, struct pm_error *err)
{
	struct slots *st = r->state;
	const struct pm_slots *s = pm_slots_result(st->job);
	const char *glob = *r->operand ? r->operand : NULL;
	for (size_t i = 0; i < s->n; i++) {
		const struct pm_slots_class *c = s->classes[i];
		if (!c || !c->instances ||
			(glob && !pm_type_matches(c->type->name, glob)))
			continue;
		if (!pm_vec_push(&st->rows, c))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	char sort[16];
	snprintf(sort, sizeof sort, "%s", pm_run_text(r, "sort", "saving"));
	if (st->rows.len)
		qsort_r(st->rows.data, st->rows.len, sizeof *st->rows.data,
			compare, sort);
	show_table(r, st);
	if (!st->rows.len)
		pm_emit_line(r->emit, "%s",
			glob ? "No class of this name has instances with a "
			       "__dict__."
			     : "No class made by Python code has instances "
			       "with a __dict__.");
	if (pm_run_flag(r, "explain")) {
		size_t shown = 0;
		pm_vec_each (c, &st->rows)
			if (!r->top || shown++ < r->top)
				explain(r, *c);
		show_attributes(r, st);
	}
	pm_emit_text(r->emit, "confidence", "exact");
	const struct pm_heap *h = r->session->heap;
	pm_emit_skipped(r->emit, h->unreadable + s->unreadable,
		h->inconsistent + s->inconsistent);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct slots *st = r->state;
	uint64_t done, total;
	PM_TRY(pm_walking_step(&st->walking, r, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	if (!st->job)
		PM_TRY(pm_slots_create(r->session->heap, &st->job, err));
	PM_TRY(pm_slots_step(st->job, PM_STEP_SECONDS, ret_done, err));
	pm_slots_progress(st->job, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"reading instances %" PRIu64 "/%" PRIu64, done, total);
	return *ret_done ? show(r, err) : PM_OK;
}

static void finish(struct pm_run *r)
{
	struct slots *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_slots_destroy(st->job);
	pm_vec_deinit(&st->rows);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "saving|bytes|instances|name",
		.help = "Order of the rows (default: saving)."},
	{.name = "explain",
		.help = "Also show the arithmetic, and every attribute."},
	{0},
};

const struct pm_command pm_command_slots = {
	.name = "py-slots",
	.group = PM_GROUP_WASTE,
	.summary = "Show what __slots__ would save, class by class.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ROWS_ARE_OBJECTS | PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_OPTIONAL_TYPE,
	.operand_help = "Only classes whose qualified or bare name matches.",
	.doc = "For each class made by Python code whose instances have a "
	       "__dict__: NOW is what the allocator set aside for the "
	       "instances and their attributes (blocks with what stands "
	       "before the object, values inside the instance or beside it, "
	       "dict objects, tables of names, those that instances share "
	       "once), not for the values.  SLOTS is the same if each "
	       "attribute that some instance has were in __slots__, of this "
	       "class or of its bases, and __weakref__ if any is referred to "
	       "weakly.\n"
	       "Instances that share no names with the others of their class "
	       "have a table of their own; -explain says why.  A class with "
	       "__slots__ has a __dict__ all the same when one of its bases "
	       "brings it: that base is named.",
	.examples = "py-slots -top 10  # where __slots__ would pay off\n"
		    "py-slots -explain Order  # the arithmetic of one class",
	.start = start,
	.step = step,
	.finish = finish,
};
