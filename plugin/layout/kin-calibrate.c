/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What else of a release that is not in the table can be seen in memory. */
#include "layout/build.h"

#include "base/strbuf.h"

#include <string.h>

#define MAX_SEEN 200000 /* objects, for the states of generators */

static bool is_named(struct pm_build *b, pm_addr type, const char *name)
{
	return pm_build_is_exact(b, type, b->l->at.type_type.addr) &&
	       pm_build_text_is(
		       b, pm_build_number(b, type, b->l->f.type.name), name);
}

static bool is_type(struct pm_build *b, pm_addr type)
{
	pm_addr meta = pm_build_number(b, type, b->l->f.object.type);
	return pm_build_is_exact(b, type, meta) &&
	       pm_build_is_exact(
		       b, meta, pm_build_number(b, meta, b->l->f.object.type));
}

/* ---- sizes, by tp_basicsize of static types ---- */

static const struct sized {
	const char *name;
	size_t field;
} sized[] = {
	{"type", PM_INDEX(heap_type.sizeof_)},
	{"str", PM_INDEX(unicode.sizeof_)},
	{"dict", PM_INDEX(dict.sizeof_)},
	{"list", PM_INDEX(list.sizeof_)},
	{"set", PM_INDEX(set.sizeof_)},
	{"float", PM_INDEX(float_.sizeof_)},
	{"complex", PM_INDEX(complex_.sizeof_)},
	{"bytearray", PM_INDEX(bytearray.sizeof_)},
	{"slice", PM_INDEX(slice.sizeof_)},
	{"cell", PM_INDEX(cell.sizeof_)},
	{"method", PM_INDEX(method.sizeof_)},
	{"builtin_function_or_method", PM_INDEX(cfunction.sizeof_)},
	{"function", PM_INDEX(function.sizeof_)},
	{"module", PM_INDEX(module.sizeof_)},
	{"property", PM_INDEX(property.sizeof_)},
	{"traceback", PM_INDEX(traceback.sizeof_)},
	{"range", PM_INDEX(range.sizeof_)},
	{"super", PM_INDEX(super.sizeof_)},
	{"mappingproxy", PM_INDEX(mappingproxy.sizeof_)},
	{"staticmethod", PM_INDEX(staticmethod.sizeof_)},
	{"classmethod", PM_INDEX(classmethod.sizeof_)},
	{"enumerate", PM_INDEX(enumerate.sizeof_)},
	{"map", PM_INDEX(map.sizeof_)},
	{"zip", PM_INDEX(zip.sizeof_)},
	{"filter", PM_INDEX(filter.sizeof_)},
};
#define SIZED (sizeof sized / sizeof *sized)
_Static_assert(SIZED <= PM_KIN_SIZES, "room for all sizes");

static bool tells_fields(const struct pm_build *b, size_t size_field)
{
	size_t first, end;
	pm_prove_struct(size_field, &first, &end);
	for (size_t i = first + 1; i < end; i++)
		if (b->l->sources[i] > PM_SOURCE_TABLE)
			return true;
	return false;
}

static void take_size(struct pm_build *b, const struct sized *s, pm_addr type,
	struct pm_strbuf *changed)
{
	struct pm_field *f = (struct pm_field *)&b->l->f + s->field;
	uint64_t size = pm_build_number(b, type, b->l->f.type.basicsize);
	if (!pm_has(*f) || b->l->sources[s->field] > PM_SOURCE_TABLE ||
		size < b->l->f.object.sizeof_.off || size > 65536)
		return;
	if (size != f->off && s->field != PM_INDEX(heap_type.sizeof_) &&
		!tells_fields(b, s->field) && b->ndoubtful < SIZED) {
		pm_strbuf_printf(
			changed, "%s%s", changed->len ? ", " : "", s->name);
		b->doubtful[b->ndoubtful++] = s->field;
	}
	f->off = (uint32_t)size;
	b->l->sources[s->field] = PM_SOURCE_CALIBRATED;
}

static void calibrate_sizes(struct pm_build *b, struct pm_strbuf *changed)
{
	const struct pm_fields *f = &b->l->f;
	if (pm_build_data(b, NULL) != PM_OK || !b->l->at.type_type.addr)
		return;
	for (size_t off = 0; off + f->type.sizeof_.off <= b->data.len;
		off += b->l->t.word_size) {
		if (pm_span_pointer(b, &b->data, off + f->object.type.off) !=
			b->l->at.type_type.addr)
			continue;
		pm_addr name =
			pm_span_pointer(b, &b->data, off + f->type.name.off);
		for (size_t i = 0; i < SIZED; i++)
			if (pm_build_text_is(b, name, sized[i].name))
				take_size(b, &sized[i], b->data.start + off,
					changed);
	}
}

/* ---- pointers that must lead to objects of a type ---- */

static void drop(struct pm_build *b, size_t field)
{
	((struct pm_field *)&b->l->f)[field] = (struct pm_field){0};
	b->l->sources[field] = PM_SOURCE_NONE;
}

static void check_pointers(struct pm_build *b)
{
	enum base { GC, INTERP, THREAD };
	static const struct {
		size_t field;
		enum base base;
		const char *type; /* NULL: any, or none at all */
	} pointers[] = {
		{PM_INDEX(gc_state.garbage), GC, "list"},
		{PM_INDEX(gc_state.callbacks), GC, "list"},
		{PM_INDEX(interp.codec_search_path), INTERP, "list"},
		{PM_INDEX(interp.codec_search_cache), INTERP, "dict"},
		{PM_INDEX(interp.builtins_copy), INTERP, "dict"},
		{PM_INDEX(interp.importlib), INTERP, "module"},
		{PM_INDEX(interp.memory_errors), INTERP, "MemoryError"},
		{PM_INDEX(thread.current_exception), THREAD, NULL},
		{PM_INDEX(thread.dict), THREAD, NULL},
		{PM_INDEX(thread.context), THREAD, NULL},
		{PM_INDEX(thread.async_exc), THREAD, NULL},
	};
	const pm_addr bases[] = {pm_layout_gc_state(b->l, b->interp.start),
		b->interp.start,
		pm_build_number(
			b, b->interp.start, b->l->f.interp.threads_head)};
	for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++) {
		size_t field = pointers[i].field;
		struct pm_field f = ((const struct pm_field *)&b->l->f)[field];
		pm_addr at = pm_build_number(b, bases[pointers[i].base], f);
		pm_addr type = pm_build_number(b, at, b->l->f.object.type);
		const char *want = pointers[i].type;
		if (b->l->sources[field] > PM_SOURCE_TABLE || !pm_has(f))
			continue;
		if (want ? !is_named(b, type, want) : at && !is_type(b, type))
			drop(b, field);
	}
	/* One behind the other. */
	if (!pm_has(b->l->f.gc_state.garbage))
		drop(b, PM_INDEX(gc_state.callbacks));
}

/* Of what became larger or smaller, only what is seen to be there. */
static void distrust(struct pm_build *b, size_t size_field)
{
	size_t first, end;
	const struct pm_fields *f = &b->l->f;
	pm_addr modules =
		pm_build_number(b, b->interp.start, f->interp.modules);
	pm_addr module = pm_build_dict_get(b, modules, "builtins");
	bool has_dict =
		pm_build_is_exact(b, pm_build_number(b, module, f->module.dict),
			b->l->at.dict_type.addr);
	pm_prove_struct(size_field, &first, &end);
	for (size_t i = first + 1; i < end; i++)
		if (i != PM_INDEX(module.dict) || !has_dict)
			drop(b, i);
}

/* A thread that handles no exception points to what it would note it in. */
static void calibrate_exceptions(struct pm_build *b)
{
	const struct pm_fields *f = &b->l->f;
	pm_addr thread =
		pm_build_number(b, b->interp.start, f->interp.threads_head);
	pm_addr at = pm_build_number(b, thread, f->thread.exc_info);
	if (at > thread && at - thread < f->thread.sizeof_.off)
		pm_tell_calibrated(b, PM_INDEX(thread.exc_state), at - thread);
}

/* ---- the table of interned strings that are static ---- */

static bool is_interned_table(struct pm_build *b, pm_addr table)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t n = pm_build_number(b, table, f->hashtable.nentries);
	uint64_t size = pm_build_number(b, table, f->hashtable.nbuckets);
	pm_addr buckets = pm_build_number(b, table, f->hashtable.buckets);
	if (size < 16 || size > 1 << 20 || size & (size - 1) || !n ||
		n > size || !pm_build_is_address(b, buckets))
		return false;
	for (uint64_t i = 0; i < size; i++) {
		pm_addr entry =
			pm_build_pointer(b, buckets + i * b->l->t.word_size);
		if (!entry)
			continue;
		pm_addr key = pm_build_number(b, entry, f->hashtable_entry.key);
		return pm_build_is_exact(b, key, pm_build_name_type(b)) &&
		       pm_build_number(b, key, f->ascii.interned) != 0;
	}
	return false;
}

static void calibrate_interned_table(struct pm_build *b)
{
	PM_CLEANUP(pm_span_deinit) struct pm_span runtime = {0};
	size_t word = b->l->t.word_size;
	if (!pm_has(b->l->f.runtime.interned_strings) ||
		pm_span_read(b->m, b->runtime, b->l->f.runtime.sizeof_.off,
			&runtime, NULL) != PM_OK)
		return;
	for (size_t off = 0; off + word <= runtime.len; off += word) {
		pm_addr p = pm_span_pointer(b, &runtime, off);
		if (!pm_build_is_address(b, p) || !is_interned_table(b, p))
			continue;
		pm_tell_calibrated(b, PM_INDEX(runtime.interned_strings), off);
		return;
	}
	drop(b, PM_INDEX(runtime.interned_strings));
}

/* ---- states of generators ---- */

/* Suspended ones are below 0 until 3.14, and above since.  Without lists of the
   collector, and generators on them, what the numbers mean is not known. */
static void calibrate_generators(struct pm_build *b)
{
	const struct pm_fields *f = &b->l->f;
	pm_addr gc = pm_layout_gc_state(b->l, b->interp.start);
	unsigned seen = 0, below = 0;
	pm_addr generator = 0, heads[PM_GC_LISTS];
	if (b->l->t.gen_states == PM_GEN_STATES_OBJECT)
		return;
	b->l->t.gen_states = PM_GEN_STATES_BY_FRAME;
	if (!gc)
		return;
	pm_layout_gc_lists(b->l, gc, heads);
	for (unsigned i = 0, n = 0; i < PM_GC_PERMANENT; i++) {
		pm_addr at = heads[i];
		while (n++ < MAX_SEEN) {
			at = pm_build_number(b, at, f->gc_head.next) &
			     b->l->t.gc_next_mask;
			if (!at || at == heads[i])
				break;
			pm_addr object = at + b->l->t.gc_head_size;
			pm_addr type =
				pm_build_number(b, object, f->object.type);
			if (!generator && is_named(b, type, "generator"))
				generator = type;
			if (!generator || type != generator)
				continue;
			seen++;
			below += pm_build_number(
					 b, object, f->gen.frame_state) > 127;
		}
	}
	if (seen)
		b->l->t.gen_states =
			below ? PM_GEN_STATES_311 : PM_GEN_STATES_315;
}

void pm_kin_calibrate(struct pm_build *b)
{
	pm_strbuf_reset(&b->changed);
	b->ndoubtful = 0;
	calibrate_sizes(b, &b->changed);
	calibrate_interned_table(b);
	pm_kin_carry(b);
	for (size_t i = 0; i < b->ndoubtful; i++)
		distrust(b, b->doubtful[i]);
	calibrate_exceptions(b);
	check_pointers(b);
	calibrate_generators(b);
}

/* ---- with what confidence ---- */

void pm_kin_report(struct pm_build *b)
{
	size_t told = 0, calibrated = 0, moved = 0, same = 0, gone = 0;
	const struct pm_field *row =
		(const struct pm_field *)&b->l->row->fields;
	unsigned version = b->id.hexversion >> 16;
	for (size_t i = 0; i < PM_FIELD_COUNT; i++) {
		enum pm_source s = (enum pm_source)b->l->sources[i];
		told += s == PM_SOURCE_DEBUG_OFFSETS ||
			s == PM_SOURCE_DEBUG_INFO;
		calibrated += s == PM_SOURCE_CALIBRATED;
		moved += s == PM_SOURCE_NEIGHBOURS;
		same += s == PM_SOURCE_KIN;
		gone += s == PM_SOURCE_NONE && pm_has(row[i]);
	}
	pm_build_warn(b,
		"the table has no Python %u.%u; of its row %s's places %zu are "
		"as the target tells, %zu as its structures show, %zu moved as "
		"their neighbours did, %zu are assumed to be the same, %zu "
		"were not found (py-info -layout)",
		version >> 8, version & 0xff, b->l->row->name, told, calibrated,
		moved, same, gone);
	if (b->changed.len)
		pm_build_warn(b,
			"these types are of another size than in row %s; not "
			"all that their objects hold is known: %s",
			b->l->row->name, pm_strbuf_text(&b->changed));
}
