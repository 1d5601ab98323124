/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the target's debug info and its own _Py_DebugOffsets tell.  Both may
   be of another build, or bytes of an attacker: nothing is taken that does
   not fit the struct it is in. */
#include "layout/build.h"

#include "base/strbuf.h"

#define NOT_TOLD UINT64_MAX
/* No struct of Python comes near. */
#define MAX_SIZEOF ((uint64_t)16 << 20)
/* Differences named in one warning. */
#define MAX_NAMED 6

struct question {
	const char *expression;
	size_t field; /* PM_FIELD_COUNT: a place */
};

static const struct question questions[] = {
#define PM_QUESTION_SIZE(s, c_type)                                            \
	{"sizeof (" c_type ")", PM_INDEX(s.sizeof_)},
#define PM_QUESTION_PLACE(place, name)                                         \
	{"(unsigned long long) &" name, PM_FIELD_COUNT},
#define PM_QUESTION_FIELD(s, f, c_type, member)                                \
	{"(unsigned long long) &((" c_type " *) 0)->" member, PM_INDEX(s.f)},
#include "layout/questions.h"
#undef PM_QUESTION_SIZE
#undef PM_QUESTION_PLACE
#undef PM_QUESTION_FIELD
};

#define QUESTIONS (sizeof questions / sizeof *questions)

const char *pm_layout_question(size_t i)
{
	return i < QUESTIONS ? questions[i].expression : NULL;
}

static struct pm_field *field_at(struct pm_fields *f, size_t i)
{
	return (struct pm_field *)f + i;
}

/* The index of the sizeof_ of the struct that field i is in. */
static size_t struct_of(const struct pm_layout *l, size_t i)
{
	const char *of, *name, *first;
	const struct pm_field *f;
	enum pm_source source;
	if (!pm_layout_field(l, i, &first, &name, &f, &source))
		return i;
	while (i > 0 && pm_layout_field(l, i - 1, &of, &name, &f, &source) &&
		of == first)
		i--;
	return i;
}

static void forget_all(struct pm_told *t)
{
	for (size_t i = 0; i < PM_FIELD_COUNT; i++)
		t->off[i] = NOT_TOLD;
}

/* Sizes first: the offsets must fit them. */
static void drop_hostile(
	struct pm_build *b, struct pm_told *t, const char *source)
{
	struct pm_fields fields = b->l->f;
	size_t dropped = 0;
	for (size_t i = 0; i < PM_FIELD_COUNT; i++) {
		struct pm_field *f = field_at(&fields, i);
		bool is_size = struct_of(b->l, i) == i;
		if (t->off[i] == NOT_TOLD)
			continue;
		if (!pm_has(*f)) { /* none of ours: no width is known */
			t->off[i] = NOT_TOLD;
		} else if (is_size ? t->off[i] < b->l->t.word_size ||
					     t->off[i] > MAX_SIZEOF
				   : !pm_prove_fits(
					     &fields, &b->l->t, i, t->off[i])) {
			t->off[i] = NOT_TOLD;
			dropped++;
		} else if (is_size) {
			f->off = (uint32_t)t->off[i];
		}
	}
	if (dropped)
		pm_build_warn(b,
			"%zu offsets of %s are impossible and were ignored",
			dropped, source);
}

void pm_tell_debug_info(struct pm_build *b, struct pm_told *t)
{
	forget_all(t);
	if (!b->trust_debug_info)
		return;
	for (size_t i = 0; i < QUESTIONS; i++) {
		const struct question *q = &questions[i];
		uint64_t v;
		if (q->field == PM_FIELD_COUNT ||
			t->off[q->field] != NOT_TOLD ||
			!b->debug_info->lookup(
				b->debug_info->arg, q->expression, &v))
			continue;
		t->off[q->field] = v;
	}
	drop_hostile(b, t, "the debug info");
}

void pm_tell_debug_offsets(struct pm_build *b, struct pm_told *t)
{
	forget_all(t);
	if (!b->trust_debug_offsets || !b->l->row->slots)
		return;
	if (b->kin) {
		pm_kin_tell_offsets(b, t);
		drop_hostile(b, t, "_Py_DebugOffsets");
		return;
	}
	for (const struct pm_slot *s = b->l->row->slots; s->at; s++) {
		uint64_t v;
		if (pm_memory_read_uint(
			    b->m, b->runtime + s->at, 8, &v, NULL) == PM_OK)
			t->off[s->field] = v;
	}
	drop_hostile(b, t, "_Py_DebugOffsets");
}

/* ---- merging ---- */

struct differences {
	struct pm_strbuf text;
	size_t n;
};

static void differ(struct pm_build *b, struct differences *d, size_t field,
	uint64_t one, uint64_t other)
{
	const char *of, *name;
	const struct pm_field *f;
	enum pm_source source;
	if (one == NOT_TOLD || other == NOT_TOLD || one == other ||
		!pm_layout_field(b->l, field, &of, &name, &f, &source))
		return;
	if (d->n++ < MAX_NAMED)
		pm_strbuf_printf(&d->text, "%s%s.%s %llu and %llu",
			d->n > 1 ? ", " : "", of, name, (unsigned long long)one,
			(unsigned long long)other);
}

static void complain(struct pm_build *b, const struct differences *d,
	const char *one, const char *other)
{
	if (d->n)
		pm_build_warn(b, "%s and %s differ in %zu field%s: %s%s", one,
			other, d->n, d->n == 1 ? "" : "s",
			pm_strbuf_text(&d->text),
			d->n > MAX_NAMED ? ", ..." : "");
}

void pm_tell_merge(struct pm_build *b, const struct pm_told *info,
	const struct pm_told *offsets)
{
	struct differences told = {0}, info_table = {0}, offsets_table = {0};
	char row[64];
	for (size_t i = 0; i < PM_FIELD_COUNT; i++) {
		struct pm_field *f = field_at(&b->l->f, i);
		if (!pm_has(*f))
			continue;
		differ(b, &told, i, info->off[i], offsets->off[i]);
		differ(b, &info_table, i, info->off[i], f->off);
		differ(b, &offsets_table, i, offsets->off[i], f->off);
		if (info->off[i] != NOT_TOLD) {
			f->off = (uint32_t)info->off[i];
			b->l->sources[i] = PM_SOURCE_DEBUG_INFO;
		} else if (offsets->off[i] != NOT_TOLD) {
			f->off = (uint32_t)offsets->off[i];
			b->l->sources[i] = PM_SOURCE_DEBUG_OFFSETS;
		}
	}
	snprintf(row, sizeof row, "the table's row %s", b->l->row->name);
	complain(b, &told, "debug info", "_Py_DebugOffsets");
	if (!b->kin) {
		complain(b, &info_table, "debug info", row);
		complain(b, &offsets_table, "_Py_DebugOffsets", row);
	}
	pm_strbuf_deinit(&told.text);
	pm_strbuf_deinit(&info_table.text);
	pm_strbuf_deinit(&offsets_table.text);
}

void pm_tell_calibrated(struct pm_build *b, size_t field, uint64_t off)
{
	struct pm_field *f = field_at(&b->l->f, field);
	const char *of, *name;
	const struct pm_field *same;
	enum pm_source source;
	if (!pm_has(*f) || off > UINT32_MAX ||
		!pm_layout_field(b->l, field, &of, &name, &same, &source))
		return;
	/* Py_TRACE_REFS moves what follows objects within other structs. */
	bool moved = b->trace_refs && source == PM_SOURCE_TABLE;
	if (off != f->off && !moved && (source >= PM_SOURCE_TABLE || !b->kin))
		pm_build_warn(b,
			"%s.%s: %s%s says %u, its structure is at %llu", of,
			name,
			source == PM_SOURCE_TABLE ? "the table's row " : "",
			source == PM_SOURCE_TABLE ? b->l->row->name
						  : pm_source_text(source),
			f->off, (unsigned long long)off);
	if (source <= PM_SOURCE_TABLE) {
		f->off = (uint32_t)off;
		b->l->sources[field] = PM_SOURCE_CALIBRATED;
	}
}
