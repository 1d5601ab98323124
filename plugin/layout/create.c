/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a target to the layout of the Python in it: every runtime that may be
   one is tried, with the rows of its version, with what is told and, when
   that does not explain the memory, without it. */
#include "layout/build.h"

#include "base/strbuf.h"

#include <limits.h>
#include <string.h>

void pm_build_deinit(struct pm_build *b)
{
	pm_layout_destroy(b->l);
	pm_vec_each (w, &b->warnings)
		free(*w);
	pm_vec_deinit(&b->warnings);
	pm_span_deinit(&b->data);
	pm_span_deinit(&b->interp);
	pm_strbuf_deinit(&b->changed);
	*b = (struct pm_build){0};
}

void pm_build_warn(struct pm_build *b, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	pm_auto_free char *copy = strdup(text);
	if (copy && pm_vec_push(&b->warnings, copy))
		copy = NULL;
}

static void drop_warnings(struct pm_build *b, size_t keep)
{
	while (b->warnings.len > keep)
		free(b->warnings.data[--b->warnings.len]);
}

/* ---- which row ---- */

#define NO_ROW UINT_MAX

/* A module whose header nobody saw may be of any machine. */
bool pm_row_is_of(const struct pm_row *row, const struct pm_module *mod)
{
	return !mod || !mod->word_size ||
	       (row->traits.word_size == mod->word_size &&
		       row->traits.big_endian == mod->big_endian);
}

static bool is_of_another_machine(
	const struct pm_row *row, const struct pm_module *mod)
{
	return mod && mod->machine && row->machine != mod->machine;
}

/* Of a release without a row: the nearest one before it, and of that the last
   patch; or the first of the nearest one behind it. */
static unsigned distance_of_kin(const struct pm_row *row, unsigned version)
{
	if (!row->slots || row->version >> 8 != version >> 8)
		return NO_ROW;
	if (row->version < version)
		return 20000000 * (version - row->version) +
		       2000 * (255 - row->micro_max);
	return 20000000 * (row->version - version) + 10000000 +
	       2000 * row->micro_min;
}

/* How far a row is from what is known: NO_ROW when it cannot be. */
static unsigned distance(const struct pm_row *row,
	const struct pm_module *python, const struct pm_identity *id)
{
	unsigned d = 0, micro = id->hexversion >> 8 & 0xff;
	bool kin = id->hexversion && id->kin;
	if (kin)
		d = distance_of_kin(row, id->hexversion >> 16);
	else if (id->hexversion && row->version != id->hexversion >> 16)
		return NO_ROW;
	if (d == NO_ROW)
		return NO_ROW;
	if (!pm_row_is_of(row, python))
		return NO_ROW;
	/* A machine without rows is like its nearest kin: what differs is
	   calibrated, or told. */
	if (is_of_another_machine(row, python))
		d += 100;
	if (id->heads_at &&
		row->fields.runtime.interpreters_head.off != id->heads_at) {
		if (!id->by_front)
			return NO_ROW;
		d += 50000;
	}
	if (id->variable != (row->traits.gc_home == PM_GC_STATIC))
		return NO_ROW;
	if (id->free_threaded >= 0 && row->free_threaded != id->free_threaded)
		return NO_ROW;
	if (!kin && id->runtime_size && row->runtime_size != id->runtime_size)
		d += 1000;
	if (id->head_size && row->fields.gc_head.sizeof_.off != id->head_size)
		d += 100;
	if (id->debug >= 0 ? row->debug != id->debug : row->debug)
		d += 1000000;
	/* The size depends on how it was configured, too. */
	if (kin)
		return d;
	if (id->hexversion && micro != 0xff && micro < row->micro_min)
		d += 2000 * (row->micro_min - micro);
	if (id->hexversion && micro != 0xff && micro > row->micro_max)
		d += 2000 * (micro - row->micro_max);
	return d;
}

/* The row after *last in order of distance; NULL at the end. */
static const struct pm_row *next_row(
	const struct pm_build *b, const struct pm_identity *id, uint64_t *last)
{
	const struct pm_row *best = NULL;
	uint64_t best_key = UINT64_MAX;
	for (unsigned i = 0; b->rows[i]; i++) {
		unsigned d = distance(b->rows[i], b->python, id);
		uint64_t key = (uint64_t)d << 16 | (i + 1);
		if (b->trace_refs && !pm_trace_refs_may_be(b->rows[i]))
			continue;
		if (d != NO_ROW && key > *last && key < best_key) {
			best = b->rows[i];
			best_key = key;
		}
	}
	*last = best_key;
	return best;
}

static enum pm_status fail_no_row(struct pm_build *b, struct pm_error *err)
{
	unsigned v = b->id.hexversion >> 16;
	unsigned low = UINT_MAX, high = 0;
	for (unsigned i = 0; b->rows[i]; i++) {
		if (b->rows[i]->version < low)
			low = b->rows[i]->version;
		if (b->rows[i]->version > high)
			high = b->rows[i]->version;
	}
	return pm_fail(err, PM_ABSENT, b->runtime,
		"%s is %sPython %u.%u (by its %s), whose layout is not known: "
		"the table has %u.%u to %u.%u",
		b->python ? b->python->path : "this",
		b->id.free_threaded > 0 ? "free-threaded " : "", v >> 8,
		v & 0xff,
		b->id.source == PM_SOURCE_TABLE ? "name or size"
						: pm_source_text(b->id.source),
		low >> 8, low & 0xff, high >> 8, high & 0xff);
}

/* ---- one attempt ---- */

/* The symbol knows how large _PyRuntime is; too small for the row's fields
   says that it is the wrong row. */
static void take_symbol_size(struct pm_build *b)
{
	uint8_t *source = &b->l->sources[PM_INDEX(runtime.sizeof_)];
	if (*source > PM_SOURCE_TABLE || !b->id.runtime_size ||
		b->id.runtime_size > UINT32_MAX)
		return;
	b->l->f.runtime.sizeof_.off = (uint32_t)b->id.runtime_size;
	*source = PM_SOURCE_SYMBOL;
}

/* Three-word heads of the collector are padded by some builds (3.7.4, and
   distributions of older ones). */
static void take_head_size(struct pm_build *b)
{
	struct pm_layout *l = b->l;
	if (!pm_has(l->f.gc_head.refs))
		return;
	l->t.gc_head_size = l->f.gc_head.sizeof_.off;
	l->t.gc_stride = l->f.gc_generation.sizeof_.off;
	if (l->t.gc_home == PM_GC_STATIC) {
		l->f.gc_state.sizeof_.off = 3 * l->t.gc_stride;
		l->f.gc_state.generations.size = (uint16_t)(3 * l->t.gc_stride);
	}
}

static enum pm_status attempt(struct pm_build *b, const struct pm_row *row,
	bool info, bool offsets, struct pm_error *err)
{
	struct pm_told told_info, told_offsets;
	pm_layout_destroy(b->l);
	b->l = NULL;
	pm_span_deinit(&b->interp);
	PM_TRY(pm_layout_from_row(row, &b->l, err));
	if (b->trace_refs)
		pm_trace_refs_apply(b->l);
	b->trust_debug_info = info;
	b->trust_debug_offsets = offsets;
	b->l->python = b->python;
	if (b->kin)
		pm_kin_begin(b);
	pm_tell_debug_info(b, &told_info);
	pm_tell_debug_offsets(b, &told_offsets);
	pm_tell_merge(b, &told_info, &told_offsets);
	if (b->runtime_source == PM_SOURCE_SYMBOL)
		take_symbol_size(b);
	take_head_size(b);
	if (b->kin)
		pm_kin_carry(b);
	if (!pm_prove_static(b->l, err))
		return PM_CORRUPT;
	/* Wrong rows mostly end here, before anything is searched for. */
	PM_TRY(pm_calibrate_interpreters(b, err));
	pm_find_places(b);
	PM_TRY(pm_build_interp(b, err));
	pm_calibrate_interp_fields(b);
	if (b->kin)
		pm_kin_calibrate(b);
	PM_TRY(pm_prove(b, err));
	pm_find_statics(b);
	pm_calibrate_segments(b);
	return PM_OK;
}

/* All that is told; then less and less of it. */
static enum pm_status try_row(
	struct pm_build *b, const struct pm_row *row, struct pm_error *err)
{
	bool info = b->debug_info && b->debug_info->asked;
	bool offsets =
		row->slots != NULL && b->id.source == PM_SOURCE_DEBUG_OFFSETS;
	struct pm_error first;
	size_t warnings = b->warnings.len;
	enum pm_status s = attempt(b, row, info, offsets, &first);
	const struct {
		bool info, offsets;
		const char *without;
	} less[] = {
		{false, true, "debug info"},
		{true, false, "_Py_DebugOffsets"},
		{false, false, "debug info and _Py_DebugOffsets"},
	};
	for (size_t i = 0; i < sizeof less / sizeof *less &&
			   (s == PM_CORRUPT || s == PM_FAULT);
		i++) {
		if ((less[i].info && !info) || (less[i].offsets && !offsets) ||
			(less[i].info == info && less[i].offsets == offsets) ||
			(b->kin && !less[i].offsets))
			continue;
		drop_warnings(b, warnings);
		s = attempt(b, row, less[i].info, less[i].offsets, NULL);
		if (s == PM_OK)
			pm_build_warn(b, "%s not used, it leads nowhere: %s",
				less[i].without, first.msg);
	}
	if (s == PM_OK)
		return PM_OK;
	drop_warnings(b, warnings);
	if (err)
		*err = first;
	return first.status;
}

static enum pm_status try_rows(struct pm_build *b, struct pm_error *err)
{
	uint64_t last = 0;
	struct pm_error first = {0}, e;
	const struct pm_row *row, *best = NULL;
	while ((row = next_row(b, &b->id, &last))) {
		enum pm_status s = try_row(b, row, &e);
		if (s == PM_OK) {
			/* Builds that differ by a patch have rows that are
			   equally near. */
			if (best && b->id.hexversion &&
				distance(row, b->python, &b->id) >
					distance(best, b->python, &b->id))
				pm_build_warn(b,
					"the table's row %s does not explain "
					"this memory (%s): row %s does",
					best->name, first.msg, row->name);
			if (is_of_another_machine(row, b->python))
				pm_build_warn(b,
					"the table has no row of this machine "
					"for this release: %s is its nearest "
					"kin",
					row->name);
			return PM_OK;
		}
		/* Not initialized says more than how a wrong row fails. */
		if (!best || (!b->id.hexversion && e.status == PM_ABSENT &&
				     first.status != PM_ABSENT)) {
			best = row;
			first = e;
		}
		if (pm_status_is_fatal(s)) {
			first = e;
			break;
		}
	}
	if (!best)
		return fail_no_row(b, err);
	if (!b->id.hexversion)
		pm_error_context(&first,
			"no version was told, and no row of the table fits; "
			"the nearest, %s",
			best->name);
	if (err)
		*err = first;
	return first.status;
}

/* ---- what sys says ---- */

static void settle_version(struct pm_build *b, const struct pm_identity *id)
{
	struct pm_layout *l = b->l;
	if (id->hexversion) {
		l->hexversion = id->hexversion;
		l->version_source = id->source;
	}
	l->version_exact = (l->hexversion >> 8 & 0xff) != 0xff;
	if (l->version_exact && (l->hexversion >> 4 & 0xf) != 0xf)
		pm_build_warn(b,
			"0x%08x is a pre-release: the table has finished "
			"releases only",
			l->hexversion);
}

/* Once sys can be read, it knows better than file names and sizes; another
   row may then be nearer. */
static enum pm_status refine(
	struct pm_build *b, size_t warnings, struct pm_error *err)
{
	struct pm_identity sys, told = b->id;
	if (!pm_identify_by_sys(b, &sys)) {
		pm_build_warn(b, "sys.hexversion was not found");
		settle_version(b, &told);
		return PM_OK;
	}
	if (told.hexversion && (told.hexversion & 0xffff) != 0xffff) {
		if (told.hexversion != sys.hexversion)
			pm_build_warn(b,
				"%s says version 0x%x, sys.hexversion is 0x%x",
				pm_source_text(told.source), told.hexversion,
				sys.hexversion);
		sys.hexversion = told.hexversion;
		sys.source = told.source;
	}
	if (told.free_threaded >= 0)
		sys.free_threaded = told.free_threaded;
	uint64_t last = 0;
	const struct pm_row *nearest = next_row(b, &sys, &last);
	if (nearest && nearest != b->l->row &&
		distance(nearest, b->python, &sys) <
			distance(b->l->row, b->python, &sys)) {
		b->id = sys;
		drop_warnings(b, warnings);
		enum pm_status s = try_rows(b, err);
		if (s != PM_OK)
			return s;
	}
	settle_version(b, &sys);
	return PM_OK;
}

/* ---- the whole ---- */

/* The rows as they are, then as they are for Py_TRACE_REFS. */
static enum pm_status try_flavours(struct pm_build *b, struct pm_error *err)
{
	struct pm_error plain;
	size_t warnings = b->warnings.len;
	b->trace_refs = false;
	enum pm_status s = try_rows(b, &plain);
	if (s != PM_OK && !pm_status_is_fatal(s) && b->id.trace_refs != 0) {
		drop_warnings(b, warnings);
		b->trace_refs = true;
		struct pm_error traced;
		enum pm_status t = try_rows(b, &traced);
		if (t == PM_OK)
			return PM_OK;
		if (pm_status_is_fatal(t)) {
			plain = traced;
			s = t;
		}
	}
	if (s != PM_OK && err)
		*err = plain;
	return s;
}

static enum pm_status try_candidate(
	struct pm_build *b, const struct pm_candidate *c, struct pm_error *err)
{
	pm_span_deinit(&b->data);
	pm_span_deinit(&b->interp);
	b->runtime = c->addr;
	b->runtime_source = c->source;
	b->python = c->module;
	b->id = (struct pm_identity){.runtime_size = c->variable ? 0 : c->size,
		.heads_at = c->heads_at,
		.by_front = c->by_front,
		.variable = c->variable};
	if (!c->size && !c->variable && b->debug_info && b->debug_info->asked)
		b->debug_info->lookup(b->debug_info->arg,
			"sizeof (_PyRuntimeState)", &b->id.runtime_size);
	if (b->debug_info && b->debug_info->asked)
		b->debug_info->lookup(b->debug_info->arg, "sizeof (PyGC_Head)",
			&b->id.head_size);
	pm_identify(b);
	b->kin = b->id.kin = pm_kin_is_needed(b);
	size_t warnings = b->warnings.len;
	PM_TRY(try_flavours(b, err));
	PM_TRY(refine(b, warnings, err));
	if (b->kin)
		pm_kin_report(b);
	return PM_OK;
}

static enum pm_status fail_no_python(struct pm_build *b, struct pm_error *err)
{
	struct pm_symbol symbol;
	const struct pm_module *module;
	size_t pos = 0;
	if (!b->ms->list.len)
		return pm_fail(err, PM_ABSENT, 0,
			"no Python found: the target's modules are not known");
	if (pm_modules_next_symbol(
		    b->ms, "PyType_Type", &pos, &symbol, &module))
		return pm_fail(err, PM_ABSENT, symbol.addr,
			"the Python in %s has no _PyRuntime, and no list of "
			"interpreters was found: it is not initialized, or of "
			"a version whose layout is not known",
			module->path);
	return pm_fail(err, PM_ABSENT, 0,
		"no Python found: none of %zu modules has a symbol _PyRuntime, "
		"nor data that looks like one",
		b->ms->list.len);
}

enum pm_status pm_layout_create(struct pm_memory *m,
	const struct pm_modules *ms, const struct pm_debug_info *debug_info,
	struct pm_layout **ret, struct pm_error *err)
{
	return pm_layout_create_by(m, ms, debug_info, pm_rows, ret, err);
}

enum pm_status pm_layout_create_until(struct pm_memory *m,
	const struct pm_modules *ms, const struct pm_debug_info *debug_info,
	unsigned newest, struct pm_layout **ret, struct pm_error *err)
{
	const struct pm_row *rows[PM_ROWS_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; pm_rows[i] && n < PM_ROWS_MAX; i++)
		if (!newest || pm_rows[i]->version <= newest)
			rows[n++] = pm_rows[i];
	rows[n] = NULL;
	return pm_layout_create_by(m, ms, debug_info, rows, ret, err);
}

enum pm_status pm_layout_create_by(struct pm_memory *m,
	const struct pm_modules *ms, const struct pm_debug_info *debug_info,
	const struct pm_row *const *rows, struct pm_layout **ret,
	struct pm_error *err)
{
	PM_CLEANUP(pm_build_deinit)
	struct pm_build b = {
		.m = m, .ms = ms, .debug_info = debug_info, .rows = rows};
	PM_CLEANUP(pm_candidates_deinit) struct pm_candidates found = {0};
	struct pm_error first = {0}, e;
	PM_TRY(pm_locate(&b, &found, err));
	if (!found.list.len)
		return fail_no_python(&b, err);
	pm_vec_each (c, &found.list) {
		drop_warnings(&b, 0);
		enum pm_status s = try_candidate(&b, c, &e);
		if (s == PM_OK) {
			pm_names_of_types(&b);
			struct pm_layout *l = pm_take(b.l);
			l->warnings.data = pm_take(b.warnings.data);
			l->warnings.len = b.warnings.len;
			l->warnings.cap = b.warnings.cap;
			b.warnings.len = b.warnings.cap = 0;
			*ret = l;
			return PM_OK;
		}
		if (c == found.list.data || pm_status_is_fatal(s))
			first = e;
		if (pm_status_is_fatal(s))
			break;
	}
	if (found.list.len > 1)
		pm_error_context(&first, "%zu Python runtimes tried; the first",
			found.list.len);
	if (err)
		*err = first;
	return first.status;
}
