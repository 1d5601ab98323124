/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-strings: equal objects that are separate. */
#include "command/walking.h"
#include "heap/duplicates.h"
#include "heap/owner.h"
#include "object/repr.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

struct strings {
	struct pm_walking walking;
	struct pm_duplicates_job *job;
	struct pm_owners_job *owners;
	enum pm_duplicate_kind kind;
	bool sorted;
};

static const char *const kind_names[] = {
	[PM_DUPLICATE_STR] = "str",
	[PM_DUPLICATE_BYTES] = "bytes",
	[PM_DUPLICATE_TUPLE] = "tuple",
	[PM_DUPLICATE_FROZENSET] = "frozenset",
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	struct strings *st = calloc(1, sizeof *st);
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	unsigned given = 0;
	static const struct {
		const char *option;
		enum pm_duplicate_kind kind;
	} kinds[] = {
		{"bytes-objects", PM_DUPLICATE_BYTES},
		{"tuples", PM_DUPLICATE_TUPLE},
		{"frozensets", PM_DUPLICATE_FROZENSET},
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (pm_run_flag(r, kinds[i].option)) {
			st->kind = kinds[i].kind;
			given++;
		}
	if (given > 1)
		return pm_fail(err, PM_USAGE, 0,
			"py-strings: one of -bytes-objects, -tuples and "
			"-frozensets at a time");
	return pm_walking_start(&st->walking, r, err);
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct pm_duplicate *x = a, *y = b;
	const char *sort = arg;
	uint64_t u = pm_duplicate_saving(x), v = pm_duplicate_saving(y);
	if (!strcmp(sort, "copies")) {
		u = x->copies;
		v = y->copies;
	} else if (!strcmp(sort, "size")) {
		u = x->size;
		v = y->size;
	}
	if (u != v)
		return u < v ? 1 : -1;
	if (x->copies != y->copies)
		return x->copies < y->copies ? 1 : -1;
	return x->stays < y->stays ? -1 : x->stays > y->stays;
}

/* The copies of the rows that are shown: whose are they? */
static enum pm_status begin_owners(struct pm_run *r, struct pm_error *err)
{
	struct strings *st = r->state;
	struct pm_duplicates *d = pm_duplicates_result(st->job);
	char sort[16];
	snprintf(sort, sizeof sort, "%s", pm_run_text(r, "sort", "saving"));
	if (d->list.len)
		qsort_r(d->list.data, d->list.len, sizeof *d->list.data,
			compare, sort);
	size_t n = r->top && r->top < d->list.len ? r->top : d->list.len;
	if (n > 1000)
		n = 1000;
	if (!pm_run_flag(r, "holders"))
		n = 0;
	pm_auto_free pm_addr *samples =
		calloc(n * PM_DUPLICATE_SAMPLES + 1, sizeof *samples);
	if (!samples)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++)
		memcpy(samples + i * PM_DUPLICATE_SAMPLES,
			d->list.data[i].samples,
			sizeof d->list.data[i].samples);
	return pm_owners_create(r->session->heap, samples,
		n * PM_DUPLICATE_SAMPLES, &st->owners, err);
}

struct owners {
	struct pm_strbuf names[PM_DUPLICATE_SAMPLES];
};

static void deinit_owners(struct owners *o)
{
	for (unsigned i = 0; i < PM_DUPLICATE_SAMPLES; i++)
		pm_strbuf_deinit(&o->names[i]);
}

/* The owner that most of the samples have. */
static void describe_owner(
	struct strings *st, const struct pm_duplicate *d, struct pm_strbuf *out)
{
	PM_CLEANUP(deinit_owners) struct owners o = {0};
	struct pm_strbuf *names = o.names;
	unsigned best = 0, most = 0;
	for (unsigned i = 0; i < PM_DUPLICATE_SAMPLES && d->samples[i]; i++)
		pm_owners_describe(st->owners, d->samples[i], &names[i]);
	for (unsigned i = 0; i < PM_DUPLICATE_SAMPLES; i++) {
		unsigned n = 0;
		for (unsigned k = 0; k < PM_DUPLICATE_SAMPLES; k++)
			n += names[i].len && names[k].len &&
			     !strcmp(names[i].data, names[k].data);
		if (n > most) {
			most = n;
			best = i;
		}
	}
	if (most)
		pm_strbuf_puts(out, names[best].data);
}

static void show_row(struct pm_run *r, const struct pm_duplicate *d, bool shown)
{
	struct strings *st = r->state;
	struct pm_heap *h = r->session->heap;
	pm_auto_strbuf value = {0}, owner = {0};
	uint64_t at = 0;
	const struct pm_type *type =
		pm_layout_read(h->l, h->memory, d->stays, h->l->f.object.type,
			&at, NULL) == PM_OK
			? pm_types_get(h->types, at)
			: NULL;
	if (shown) {
		if (st->kind == PM_DUPLICATE_STR) {
			if (pm_text_append(h->l, h->memory, d->stays,
				    r->session->repr_limit, '\'', &value,
				    NULL) != PM_OK)
				pm_strbuf_puts(&value, "?");
		} else {
			pm_repr(&h->objects, d->stays, r->session->repr_limit,
				&value);
		}
		describe_owner(st, d, &owner);
	}
	const struct pm_cell cells[] = {
		{.u = d->copies},
		{.u = d->size},
		{.u = d->alloc},
		{.u = pm_duplicate_saving(d)},
		{.b = d->interned},
		{.u = d->samples[0] ? d->samples[0] : d->stays},
		{.text = type && type->is_type ? type->name : NULL},
		{.text = value.data ? value.data : ""},
		{.text = owner.len ? owner.data : NULL},
	};
	pm_emit_row(r->emit, cells, d->samples[0] ? d->samples[0] : d->stays);
}

static void show(struct pm_run *r)
{
	struct pm_column columns[] = {
		{"copies", "COPIES", PM_CELL_COUNT},
		{"size", "SIZE", PM_CELL_SIZE},
		{"alloc", NULL, PM_CELL_SIZE},
		{"saving", "SAVING", PM_CELL_SIZE},
		{"interned", NULL, PM_CELL_BOOL},
		{"addr", "ADDRESS", PM_CELL_ADDR},
		{"type", NULL, PM_CELL_TEXT},
		{"value", "VALUE", PM_CELL_TEXT},
		{"held_by", "HELD BY", PM_CELL_TEXT},
	};
	struct strings *st = r->state;
	const struct pm_duplicates *d = pm_duplicates_result(st->job);
	struct pm_emit *e = r->emit;
	if (!pm_run_flag(r, "holders"))
		columns[8].title = NULL;
	/* 2.7 has two kinds of text. */
	if (st->kind == PM_DUPLICATE_STR &&
		r->session->layout->t.text_form == PM_TEXT_WIDE)
		columns[6].title = "TYPE";
	char n[28], more[28], size[16];
	size_t i = 0;
	pm_emit_table(e, "rows", columns, 9, r->top);
	pm_vec_each (p, &d->list) {
		show_row(r, p, !r->top || i < r->top);
		i++;
	}
	const struct pm_cell total[] = {
		{.u = d->copies},
		{.u = d->size},
		{.u = d->alloc},
		{.u = d->saving},
		{.absent = true},
		{.absent = true},
		{.absent = true},
		{.text = "total"},
		{.absent = true},
	};
	pm_emit_total(e, total);
	pm_emit_table_end(e);
	pm_emit_text(e, "kind", kind_names[st->kind]);
	pm_emit_open_object(e, "total");
	pm_emit_uint(e, "objects", d->objects);
	pm_emit_uint(e, "values", d->list.len);
	pm_emit_uint(e, "copies", d->copies);
	pm_emit_uint(e, "size", d->size);
	pm_emit_uint(e, "alloc", d->alloc);
	pm_emit_uint(e, "left_out", d->left_out);
	pm_emit_uint(e, "saving", d->saving);
	pm_emit_close(e);
	pm_emit_line(e,
		"%s of %s %s objects are copies of %s values: one of each "
		"would save %s.",
		pm_grouped(d->copies, n), pm_grouped(d->objects, more),
		kind_names[st->kind], pm_grouped(d->list.len, (char[28]){0}),
		pm_human_size(d->saving, size));
	if (d->left_out)
		pm_emit_line(e,
			"%s more are left out: whose of several interpreters "
			"they are is not known (-interp N).",
			pm_grouped(d->left_out, n));
	if (d->mingled)
		pm_emit_line(e,
			"%u interpreters get their memory from malloc, which "
			"does not tell them apart: equal objects of two of "
			"them, which they cannot share, are counted as copies.",
			d->mingled);
	pm_emit_uint(e, "mingled", d->mingled);
	pm_emit_text(e, "confidence",
		d->mingled    ? "upper bound"
		: d->left_out ? "lower bound"
			      : "exact");
	pm_emit_variable(e, "py_count", d->copies);
	pm_emit_variable(e, "py_size", d->saving);
	const struct pm_heap *h = r->session->heap;
	pm_emit_skipped(e, h->unreadable + d->unreadable,
		h->inconsistent + d->inconsistent);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct strings *st = r->state;
	uint64_t done, total;
	PM_TRY(pm_walking_step(&st->walking, r, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	if (!st->job)
		PM_TRY(pm_duplicates_create(
			r->session->heap, st->kind, &st->job, err));
	if (!st->owners) {
		PM_TRY(pm_duplicates_step(
			st->job, PM_STEP_SECONDS, ret_done, err));
		pm_duplicates_progress(st->job, &done, &total);
		snprintf(r->progress, sizeof r->progress,
			"comparing %" PRIu64 "/%" PRIu64, done, total);
		if (!*ret_done)
			return PM_OK;
		PM_TRY(begin_owners(r, err));
		*ret_done = !pm_run_flag(r, "holders");
		if (*ret_done)
			show(r);
		return PM_OK;
	}
	PM_TRY(pm_owners_step(st->owners, PM_STEP_SECONDS, ret_done, err));
	pm_owners_progress(st->owners, &done, &total);
	snprintf(r->progress, sizeof r->progress,
		"looking for holders %" PRIu64 "/%" PRIu64, done, total);
	if (*ret_done)
		show(r);
	return PM_OK;
}

static void finish(struct pm_run *r)
{
	struct strings *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_duplicates_destroy(st->job);
	pm_owners_destroy(st->owners);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "bytes-objects", .help = "Compare bytes instead of str."},
	{.name = "tuples",
		.help = "Compare tuples: those that hold the same objects."},
	{.name = "frozensets",
		.help = "Compare frozensets: those of the same objects."},
	{.name = "holders",
		.help = "Also say what refers to copies, by a sample."},
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "saving|copies|size",
		.help = "Order of the rows (default: saving)."},
	{0},
};

const struct pm_command pm_command_strings = {
	.name = "py-strings",
	.group = PM_GROUP_WASTE,
	.summary = "Show equal strings that are separate objects.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER | PM_COMMAND_ROWS_ARE_OBJECTS,
	.operand = PM_OPERAND_NONE,
	.doc = "Each row is a value that several objects have.  SIZE is what "
	       "sys.getsizeof would return for all of them, SAVING what the "
	       "allocator would get back if there were one: what "
	       "sys.intern saves.  An interned copy, or else the largest, is "
	       "the one that stays.  With -holders HELD BY says what refers to "
	       "copies, by a sample: the places to call sys.intern at.  Of "
	       "Python 2.7 str and unicode are compared; only str can be "
	       "interned there.\n"
	       "Interpreters with an allocator of their own share no objects: "
	       "each is compared with its own only.  Which of them a large "
	       "block belongs to is not known without -interp: such objects "
	       "are left out then, and counted below the table.  Where all of "
	       "them use C's malloc nothing tells them apart, and the figures "
	       "are upper bounds.\n"
	       "Content is compared by a hash of 64 bits and by its size.",
	.examples = "py-strings -top 10  # which texts are there many times\n"
		    "py-strings -holders  # and who holds them\n"
		    "py-strings -bytes-objects -sort copies  # the same for "
		    "bytes\n"
		    "py-backrefs $py1  # who holds a copy of the first row",
	.start = start,
	.step = step,
	.finish = finish,
};
