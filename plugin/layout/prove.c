/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A layout is handed out only when it explains the memory that is there. */
#include "layout/build.h"

#include <string.h>

#define MAX_INTERPRETERS 4096
#define MAX_THREADS 65536

/* ---- the offsets among themselves ---- */

static const struct pm_field *fields_of(const struct pm_fields *f)
{
	return (const struct pm_field *)f;
}

/* First and last+1 field of the struct that field i is in; sizeof_ is the
   first.  Names come from any layout: they are the same in all. */
void pm_prove_struct(size_t i, size_t *ret_first, size_t *ret_end)
{
	static const struct pm_layout any;
	const char *of, *other, *name;
	const struct pm_field *f;
	enum pm_source source;
	size_t first = i, end = i + 1;
	pm_layout_field(&any, i, &of, &name, &f, &source);
	while (first > 0 &&
		pm_layout_field(&any, first - 1, &other, &name, &f, &source) &&
		other == of)
		first--;
	while (pm_layout_field(&any, end, &other, &name, &f, &source) &&
		other == of)
		end++;
	*ret_first = first;
	*ret_end = end;
}

/* Wide fields (structs, arrays) are aligned as their parts, which we do not
   know; that they are as large as a word says that it is aligned by 4. */
static uint64_t alignment_of(const struct pm_traits *t, struct pm_field f)
{
	if (f.size == 1 || f.size == 2 || f.size == 4)
		return f.size;
	return f.size == t->word_size ? t->word_size : f.size % 4 == 0 ? 4 : 1;
}

bool pm_prove_fits(const struct pm_fields *fields, const struct pm_traits *t,
	size_t i, uint64_t off)
{
	size_t first, end;
	pm_prove_struct(i, &first, &end);
	struct pm_field f = fields_of(fields)[i];
	uint64_t size = fields_of(fields)[first].off;
	/* Arrays at the end start where the struct ends. */
	uint64_t width = f.size == 1 && !f.bits ? 0 : f.size;
	return off <= size && size - off >= width &&
	       off % alignment_of(t, f) == 0;
}

static bool overlap(struct pm_field a, struct pm_field b)
{
	return a.off < b.off + b.size && b.off < a.off + a.size;
}

bool pm_prove_static(const struct pm_layout *l, struct pm_error *err)
{
	const struct pm_field *now = fields_of(&l->f);
	const struct pm_field *row = fields_of(&l->row->fields);
	for (size_t first = 0, end; first < PM_FIELD_COUNT; first = end) {
		size_t unused;
		pm_prove_struct(first, &unused, &end);
		for (size_t i = first + 1; i < end; i++) {
			const char *of, *name, *other;
			const struct pm_field *f;
			enum pm_source source;
			if (!pm_has(now[i]))
				continue;
			pm_layout_field(l, i, &of, &name, &f, &source);
			if (!pm_prove_fits(&l->f, &l->t, i, now[i].off)) {
				pm_fail(err, PM_CORRUPT, 0,
					"%s.%s at %u (%s) does not fit its "
					"struct of %u bytes",
					of, name, now[i].off,
					pm_source_text(source), now[first].off);
				return false;
			}
			for (size_t k = i + 1; k < end; k++) {
				if (!pm_has(now[k]) ||
					!overlap(now[i], now[k]) ||
					overlap(row[i], row[k]))
					continue;
				pm_layout_field(l, k, &of, &other, &f, &source);
				pm_fail(err, PM_CORRUPT, 0,
					"%s.%s at %u and %s.%s at %u overlap",
					of, name, now[i].off, of, other,
					now[k].off);
				return false;
			}
		}
	}
	return true;
}

/* ---- against memory ----
   Of the main interpreter where one is enough: another may be in the making. */

struct expected_type {
	const char *name;
	size_t place;
	uint64_t basicsize;
};

static enum pm_status prove_type(
	struct pm_build *b, const struct expected_type *e, struct pm_error *err)
{
	const struct pm_fields *f = &b->l->f;
	const struct pm_place *p = (const struct pm_place *)(const void
			*)((const char *)&b->l->at + e->place);
	if (!p->addr)
		return pm_fail(err, PM_ABSENT, 0,
			"the type \"%s\" was not found: not in the symbols of "
			"%s, not in its data",
			e->name, b->python ? b->python->path : "the target");
	uint64_t type, name, basicsize;
	PM_TRY(pm_layout_read(b->l, b->m, p->addr, f->object.type, &type, err));
	PM_TRY(pm_layout_read(b->l, b->m, p->addr, f->type.name, &name, err));
	PM_TRY(pm_layout_read(
		b->l, b->m, p->addr, f->type.basicsize, &basicsize, err));
	if (type != b->l->at.type_type.addr)
		return pm_fail(err, PM_CORRUPT, p->addr,
			"the type \"%s\" at 0x%llx (%s) is not of type "
			"\"type\" as in Python %s",
			e->name, (unsigned long long)p->addr,
			pm_source_text(p->source), b->l->row->name);
	if (!pm_build_text_is(b, name, e->name))
		return pm_fail(err, PM_CORRUPT, p->addr,
			"the type at 0x%llx (%s) is not called \"%s\"",
			(unsigned long long)p->addr, pm_source_text(p->source),
			e->name);
	if (basicsize != e->basicsize)
		return pm_fail(err, PM_CORRUPT, p->addr,
			"the type \"%s\" has tp_basicsize %llu, Python %s has "
			"%llu",
			e->name, (unsigned long long)basicsize, b->l->row->name,
			(unsigned long long)e->basicsize);
	return PM_OK;
}

static enum pm_status prove_types(struct pm_build *b, struct pm_error *err)
{
	const struct pm_fields *f = &b->l->f;
	const struct expected_type types[] = {
		{"type", offsetof(struct pm_places, type_type),
			f->heap_type.sizeof_.off},
		{"object", offsetof(struct pm_places, object_type),
			f->object.sizeof_.off},
		{"dict", offsetof(struct pm_places, dict_type),
			f->dict.sizeof_.off},
		{b->l->t.text_form == PM_TEXT_WIDE ? "unicode" : "str",
			offsetof(struct pm_places, unicode_type),
			f->unicode.sizeof_.off},
	};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		PM_TRY(prove_type(b, &types[i], err));
	return PM_OK;
}

static enum pm_status prove_threads(
	struct pm_build *b, pm_addr interp, struct pm_error *err)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t thread, owner;
	PM_TRY(pm_layout_read(
		b->l, b->m, interp, f->interp.threads_head, &thread, err));
	for (unsigned i = 0; thread && i < MAX_THREADS; i++) {
		PM_TRY(pm_layout_read(
			b->l, b->m, thread, f->thread.interp, &owner, err));
		if (owner != interp)
			return pm_fail(err, PM_CORRUPT, thread,
				"the thread at 0x%llx of the interpreter at "
				"0x%llx belongs to 0x%llx",
				(unsigned long long)thread,
				(unsigned long long)interp,
				(unsigned long long)owner);
		PM_TRY(pm_layout_read(
			b->l, b->m, thread, f->thread.next, &thread, err));
	}
	if (thread)
		return pm_fail(err, PM_CORRUPT, interp,
			"the list of threads of the interpreter at 0x%llx does "
			"not end",
			(unsigned long long)interp);
	return PM_OK;
}

static enum pm_status prove_interpreters(
	struct pm_build *b, struct pm_error *err)
{
	pm_addr interp = b->l->at.interp_head.addr;
	for (unsigned i = 0; interp && i < MAX_INTERPRETERS; i++) {
		uint64_t next;
		PM_TRY(prove_threads(b, interp, err));
		PM_TRY(pm_layout_read(
			b->l, b->m, interp, b->l->f.interp.next, &next, err));
		interp = next;
	}
	if (interp)
		return pm_fail(err, PM_CORRUPT, interp,
			"the list of interpreters does not end");
	return PM_OK;
}

static enum pm_status prove_lists(struct pm_build *b, struct pm_error *err)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t mask = b->l->t.gc_next_mask;
	pm_addr gc, heads[PM_GC_LISTS];
	if (b->l->t.gc_home == PM_GC_BITS)
		return PM_OK;
	gc = pm_layout_gc_state(b->l, b->interp.start);
	if (!gc)
		return pm_fail(err, PM_ABSENT, 0,
			"the garbage collector's lists were not found");
	pm_layout_gc_lists(b->l, gc, heads);
	for (unsigned i = 0; i < PM_GC_PERMANENT; i++) {
		pm_addr head = heads[i];
		uint64_t next, back;
		PM_TRY(pm_layout_read(
			b->l, b->m, head, f->gc_head.next, &next, err));
		PM_TRY(pm_layout_read(
			b->l, b->m, next & mask, f->gc_head.prev, &back, err));
		if ((back & mask) != head)
			return pm_fail(err, PM_CORRUPT, head,
				"the garbage collector's list %u at 0x%llx "
				"does not link back",
				i, (unsigned long long)head);
	}
	return PM_OK;
}

/* sys.modules and friends are dicts: the places of roots are right.  The end
   of an interpreter clears them. */
static enum pm_status prove_roots(struct pm_build *b, struct pm_error *err)
{
	const struct pm_fields *f = &b->l->f;
	const struct {
		const char *name;
		struct pm_field field;
	} roots[] = {
		{"sysdict", f->interp.sysdict},
		{"builtins", f->interp.builtins},
		{"modules", f->interp.modules},
	};
	pm_addr interp = b->interp.start;
	bool ends = pm_build_number(b, b->runtime, f->runtime.finalizing) != 0;
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++) {
		uint64_t dict;
		PM_TRY(pm_layout_read(
			b->l, b->m, interp, roots[i].field, &dict, err));
		if (!dict && ends)
			continue;
		if (!pm_build_is_exact(b, dict, b->l->at.dict_type.addr))
			return pm_fail(err, PM_CORRUPT, interp,
				"%s of the interpreter at 0x%llx is no dict",
				roots[i].name, (unsigned long long)interp);
	}
	return PM_OK;
}

enum pm_status pm_prove(struct pm_build *b, struct pm_error *err)
{
	if (!pm_prove_static(b->l, err))
		return PM_CORRUPT;
	PM_TRY(prove_types(b, err));
	PM_TRY(prove_interpreters(b, err));
	PM_TRY(prove_lists(b, err));
	return prove_roots(b, err);
}
