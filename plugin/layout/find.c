/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Places: the addresses of types, singletons and static variables. */
#include "layout/build.h"

#include <string.h>

struct named_place {
	const char *symbol;
	size_t at; /* in struct pm_places */
};

static struct pm_place *place(struct pm_build *b, size_t at)
{
	return (struct pm_place *)(void *)((char *)&b->l->at + at);
}

static void settle(
	struct pm_build *b, size_t at, pm_addr addr, enum pm_source source)
{
	struct pm_place *p = place(b, at);
	if (!addr || p->addr)
		return;
	p->addr = addr;
	p->source = source;
}

/* ---- symbols and debug info ---- */

static bool in_data(const struct pm_build *b, pm_addr addr)
{
	return b->python && addr >= b->python->data_start &&
	       addr < b->python->data_end;
}

/* Other modules may define the same names: only our module's count. */
static pm_addr symbol_of_python(struct pm_build *b, const char *name)
{
	struct pm_symbol symbol;
	const struct pm_module *module;
	size_t pos = 0;
	while (pm_modules_next_symbol(b->ms, name, &pos, &symbol, &module))
		if (module == b->python)
			return symbol.addr;
	return 0;
}

static pm_addr told_place(struct pm_build *b, const char *name)
{
	char question[128];
	uint64_t addr;
	if (!b->trust_debug_info)
		return 0;
	snprintf(question, sizeof question, "(unsigned long long) &%s", name);
	if (!b->debug_info->lookup(b->debug_info->arg, question, &addr) ||
		!in_data(b, addr))
		return 0;
	return addr;
}

static void by_name(struct pm_build *b, size_t at, const char *name)
{
	settle(b, at, told_place(b, name), PM_SOURCE_DEBUG_INFO);
	settle(b, at, symbol_of_python(b, name), PM_SOURCE_SYMBOL);
}

/* ---- types, by how they look ---- */

#define MAX_TYPE_NAME 32

/* PyType_Type is its own type and is called "type". */
static void scan_type_type(struct pm_build *b)
{
	const struct pm_fields *f = &b->l->f;
	size_t step = b->l->t.word_size;
	for (size_t off = 0; off + f->type.sizeof_.off <= b->data.len;
		off += step) {
		pm_addr addr = b->data.start + off;
		if (pm_span_pointer(b, &b->data, off + f->object.type.off) ==
				addr &&
			pm_build_text_is(b,
				pm_span_pointer(
					b, &b->data, off + f->type.name.off),
				"type")) {
			settle(b, offsetof(struct pm_places, type_type), addr,
				PM_SOURCE_CALIBRATED);
			return;
		}
	}
}

/* What is looked for in one pass over the module's data: static types by
   name, then the one instance that some of them have. */
static const struct wanted_type {
	const char *name;
	const char *wide; /* name where str is bytes; NULL: not there */
	size_t at;	  /* in struct pm_places */
	bool instance;
} wanted_types[] = {
	{"object", "object", offsetof(struct pm_places, object_type), false},
	{"dict", "dict", offsetof(struct pm_places, dict_type), false},
	{"str", "unicode", offsetof(struct pm_places, unicode_type), false},
	{NULL, "str", offsetof(struct pm_places, bytes_type), false},
	{"NoneType", "NoneType", offsetof(struct pm_places, none), true},
	{"<dummy key> type", NULL, offsetof(struct pm_places, set_dummy), true},
};
#define WANTED (sizeof wanted_types / sizeof *wanted_types)

static void scan_static_types(struct pm_build *b, pm_addr found[WANTED])
{
	const struct pm_fields *f = &b->l->f;
	size_t step = b->l->t.word_size;
	for (size_t off = 0; off + f->type.sizeof_.off <= b->data.len;
		off += step) {
		if (pm_span_pointer(b, &b->data, off + f->object.type.off) !=
			b->l->at.type_type.addr)
			continue;
		pm_addr name =
			pm_span_pointer(b, &b->data, off + f->type.name.off);
		for (size_t i = 0; i < WANTED; i++) {
			const struct wanted_type *w = &wanted_types[i];
			const char *as = b->l->t.text_form == PM_TEXT_WIDE
						 ? w->wide
						 : w->name;
			if (!found[i] && as && pm_build_text_is(b, name, as))
				found[i] = b->data.start + off;
		}
	}
}

/* 2.7: dicts and sets have a str each that stands for a deleted key.  Which is
   which makes no difference, as neither is ever a key. */
static void scan_dummies(struct pm_build *b)
{
	struct pm_places *at = &b->l->at;
	size_t step = b->l->t.word_size;
	pm_addr one = 0;
	char text[16];
	for (size_t off = 0; off + step <= b->data.len; off += step) {
		pm_addr p = pm_span_pointer(b, &b->data, off);
		if (p == one || !pm_build_is_exact(b, p, at->bytes_type.addr) ||
			!pm_build_ascii(b, p, text, sizeof text) ||
			strcmp(text, "<dummy key>") != 0)
			continue;
		settle(b,
			one ? offsetof(struct pm_places, set_dummy)
			    : offsetof(struct pm_places, dict_dummy),
			p, PM_SOURCE_CALIBRATED);
		if (one)
			return;
		one = p;
	}
}

/* Tables of types hold the same pointer as an object's header does: but there
   the word before it is one too. */
static bool has_refcount(
	const struct pm_build *b, const unsigned char *object, pm_addr word)
{
	const struct pm_fields *f = &b->l->f;
	if (pm_has(f->object.ref_local)) /* static ones are immortal */
		return pm_get(b->l, object, f->object.ref_local) == UINT32_MAX;
	return pm_get(b->l, object, f->object.refcnt) != 0 &&
	       !pm_target_find_map(pm_memory_target(b->m), word);
}

static void scan_instances(struct pm_build *b, pm_addr found[WANTED])
{
	const struct pm_fields *f = &b->l->f;
	size_t step = b->l->t.word_size;
	pm_addr type[WANTED] = {0};
	for (size_t i = 0; i < WANTED; i++)
		if (wanted_types[i].instance) {
			type[i] = found[i];
			found[i] = 0;
		}
	for (size_t off = 0; off + f->object.sizeof_.off <= b->data.len;
		off += step) {
		pm_addr of =
			pm_span_pointer(b, &b->data, off + f->object.type.off);
		for (size_t i = 0; of && i < WANTED; i++)
			if (of == type[i] && !found[i] &&
				has_refcount(b, b->data.bytes + off,
					pm_span_pointer(b, &b->data, off)))
				found[i] = b->data.start + off;
	}
}

static void scan_types(struct pm_build *b)
{
	pm_addr found[WANTED] = {0};
	if (pm_build_data(b, NULL) != PM_OK)
		return;
	if (!b->l->at.type_type.addr)
		scan_type_type(b);
	if (!b->l->at.type_type.addr)
		return;
	scan_static_types(b, found);
	scan_instances(b, found);
	for (size_t i = 0; i < WANTED; i++)
		settle(b, wanted_types[i].at, found[i], PM_SOURCE_CALIBRATED);
	if (b->l->t.text_form == PM_TEXT_WIDE)
		scan_dummies(b);
}

/* The static generations[], or what _PyGC_generation0 points to. */
static void find_generations(struct pm_build *b)
{
	size_t at = offsetof(struct pm_places, generations);
	if (b->l->t.gc_home != PM_GC_STATIC)
		return;
	settle(b, at, told_place(b, "generations"), PM_SOURCE_DEBUG_INFO);
	settle(b, offsetof(struct pm_places, gc_enabled),
		told_place(b, "'gcmodule.c'::enabled"), PM_SOURCE_DEBUG_INFO);
	settle(b, offsetof(struct pm_places, gc_collecting),
		told_place(b, "'gcmodule.c'::collecting"),
		PM_SOURCE_DEBUG_INFO);
	settle(b, at,
		pm_build_pointer(b, symbol_of_python(b, "_PyGC_generation0")),
		PM_SOURCE_SYMBOL);
}

static void told_dummies(struct pm_build *b)
{
	settle(b, offsetof(struct pm_places, set_dummy),
		pm_build_pointer(b, told_place(b, "'setobject.c'::dummy")),
		PM_SOURCE_DEBUG_INFO);
	settle(b, offsetof(struct pm_places, dict_dummy),
		pm_build_pointer(b, told_place(b, "'dictobject.c'::dummy")),
		PM_SOURCE_DEBUG_INFO);
}

void pm_find_places(struct pm_build *b)
{
	static const struct named_place named[] = {
		{"PyType_Type", offsetof(struct pm_places, type_type)},
		{"PyBaseObject_Type", offsetof(struct pm_places, object_type)},
		{"PyDict_Type", offsetof(struct pm_places, dict_type)},
		{"PyUnicode_Type", offsetof(struct pm_places, unicode_type)},
		{"_Py_NoneStruct", offsetof(struct pm_places, none)},
	};
	struct pm_places *at = &b->l->at;
	at->runtime = (struct pm_place){b->runtime, b->runtime_source};
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		by_name(b, named[i].at, named[i].symbol);
	if (b->l->t.text_form == PM_TEXT_WIDE) {
		by_name(b, offsetof(struct pm_places, bytes_type),
			"PyString_Type");
		told_dummies(b);
	}
	find_generations(b);
	settle(b, offsetof(struct pm_places, set_dummy),
		pm_build_pointer(b, symbol_of_python(b, "_PySet_Dummy")),
		PM_SOURCE_SYMBOL);
	pm_names_of_basic_types(b);
	if (!at->type_type.addr || !at->object_type.addr ||
		!at->dict_type.addr || !at->unicode_type.addr ||
		!at->none.addr || !at->set_dummy.addr ||
		(b->l->t.text_form == PM_TEXT_WIDE &&
			(!at->bytes_type.addr || !at->dict_dummy.addr)))
		scan_types(b);
}

/* ---- interned strings ---- */

struct interned_check {
	struct pm_build *b;
	unsigned seen, good;
};

static bool see_interned(void *arg, pm_addr key, pm_addr value)
{
	struct interned_check *c = arg;
	c->seen++;
	const struct pm_fields *f = &c->b->l->f;
	struct pm_field interned = c->b->l->t.text_form == PM_TEXT_WIDE
					   ? f->bytes.state
					   : f->ascii.interned;
	c->good += key == value &&
		   pm_build_is_exact(c->b, key, pm_build_name_type(c->b)) &&
		   pm_build_number(c->b, key, interned) != 0;
	return true;
}

bool pm_find_is_interned(struct pm_build *b, pm_addr dict)
{
	struct interned_check c = {b, 0, 0};
	if (!pm_build_is_exact(b, dict, b->l->at.dict_type.addr) ||
		pm_build_number(b, dict, b->l->f.dict.values) != 0 ||
		pm_build_number(b, dict, b->l->f.dict.used) < 200 ||
		!pm_build_dict_each(b, dict, 256, see_interned, &c))
		return false;
	return c.seen >= 100 && c.good == c.seen;
}

/* ---- arenas ---- */

#define MAX_ARENAS (UINT64_C(1) << 26)

static bool arena_is_well_formed(
	struct pm_build *b, const unsigned char *slot, bool *ret_used)
{
	const struct pm_fields *f = &b->l->f;
	const struct pm_traits *t = &b->l->t;
	pm_addr address = pm_get(b->l, slot, f->arena.address);
	*ret_used = address != 0;
	if (!address)
		return true;
	pm_addr next = pm_get(b->l, slot, f->arena.pool_address);
	uint64_t free = pm_get(b->l, slot, f->arena.nfreepools);
	uint64_t total = pm_get(b->l, slot, f->arena.ntotalpools);
	uint64_t all = t->arena_size / t->pool_size, size = t->arena_size;
	/* Configured to use huge pages, they are twice as large (3.15). */
	if (t->obmalloc_home == PM_OBMALLOC_POINTER && total > all) {
		all *= 2;
		size *= 2;
	}
	return pm_build_is_address(b, address) && address % 16 == 0 &&
	       (total == all || total == all - 1) && free <= total &&
	       next >= address && next - address <= size;
}

/* Without max: the table grows by doubling, and its unused slots are linked,
   so that only the last of them has no next; zeros behind the end do not. */
bool pm_find_arena_table(struct pm_build *b, pm_addr at, uint64_t max,
	uint64_t *ret_slots, uint64_t *ret_used)
{
	const struct pm_fields *f = &b->l->f;
	size_t stride = f->arena.sizeof_.off;
	uint64_t slots = 0, used = 0, ends = 0, good = 0, good_used = 0;
	unsigned char slot[64];
	if (!pm_build_is_address(b, at) || stride > sizeof slot ||
		max > MAX_ARENAS)
		return false;
	for (; slots < (max ? max : MAX_ARENAS); slots++) {
		bool in_use;
		if (pm_memory_read(b->m, at + slots * stride, slot, stride,
			    NULL) != PM_OK ||
			!arena_is_well_formed(b, slot, &in_use))
			break;
		used += in_use;
		ends += !in_use && !pm_get(b->l, slot, f->arena.nextarena);
		if (ends > 1)
			break;
		uint64_t n = slots + 1;
		if (n >= 16 && (n & (n - 1)) == 0) {
			good = n;
			good_used = used;
		}
	}
	if (max && slots < max)
		return false;
	*ret_slots = max ? max : good;
	*ret_used = max ? used : good_used;
	return *ret_used > 0;
}

/* How compilers lay out the file's variables: forwards, or backwards from
   arenas, by distance to it in words.  Whatever is claimed is checked by
   value. */
struct arena_variables {
	int max, unused, current, times, highwater, raw;
};
static const struct arena_variables arrangements[] = {
	{-1, -2, -69, -70, -71, -72},
	{1, 2, 69, 70, 71, 72},
	/* without nfp2lasta, before 3.8 */
	{-1, -2, -4, -5, -6, -7},
	{1, 2, 4, 5, 6, 7},
};

/* The same in bytes. */
static struct arena_variables in_bytes(
	const struct pm_build *b, const struct arena_variables *v)
{
	int w = (int)b->l->t.word_size;
	return (struct arena_variables){v->max * w, v->unused * w,
		v->current * w, v->times * w, v->highwater * w, v->raw * w};
}

static bool arrangement_fits(struct pm_build *b, pm_addr arenas,
	const struct arena_variables *v, uint64_t slots, uint64_t used)
{
	struct pm_field u32 = {0, 4, 0, 0};
	pm_addr table = pm_build_pointer(b, arenas);
	pm_addr unused = pm_build_pointer(b, arenas + (pm_addr)v->unused);
	uint64_t times = pm_build_pointer(b, arenas + (pm_addr)v->times);
	uint64_t high = pm_build_pointer(b, arenas + (pm_addr)v->highwater);
	return pm_build_number(b, arenas + (pm_addr)v->max, u32) == slots &&
	       pm_build_pointer(b, arenas + (pm_addr)v->current) == used &&
	       high >= used && times >= high &&
	       (!unused || (unused >= table &&
				   unused - table <
					   slots * b->l->f.arena.sizeof_.off));
}

/* The variable "arenas": of all pointers to such tables (usable_arenas and
   links point into the same one), that with the most used slots. */
static pm_addr scan_arenas(
	struct pm_build *b, uint64_t *ret_slots, uint64_t *ret_used)
{
	pm_addr best = 0;
	*ret_slots = *ret_used = 0;
	if (pm_build_data(b, NULL) != PM_OK)
		return 0;
	size_t step = b->l->t.word_size;
	for (size_t off = 0; off + step <= b->data.len; off += step) {
		pm_addr p = pm_span_pointer(b, &b->data, off);
		uint64_t slots, used;
		bool in_use;
		unsigned char first[64];
		if (!pm_build_is_address(b, p) || in_data(b, p) ||
			b->l->f.arena.sizeof_.off > sizeof first ||
			pm_memory_read(b->m, p, first,
				b->l->f.arena.sizeof_.off, NULL) != PM_OK ||
			!arena_is_well_formed(b, first, &in_use) ||
			(!in_use &&
				!pm_get(b->l, first, b->l->f.arena.nextarena)))
			continue;
		if (!pm_find_arena_table(b, p, 0, &slots, &used) ||
			used < *ret_used ||
			(used == *ret_used && slots <= *ret_slots))
			continue;
		best = b->data.start + off;
		*ret_slots = slots;
		*ret_used = used;
	}
	return best;
}

static void settle_arena_variables(
	struct pm_build *b, pm_addr arenas, const struct arena_variables *v)
{
	const struct {
		size_t at;
		int by;
	} places[] = {
		{offsetof(struct pm_places, maxarenas), v->max},
		{offsetof(struct pm_places, narenas_currently_allocated),
			v->current},
		{offsetof(struct pm_places, ntimes_arena_allocated), v->times},
		{offsetof(struct pm_places, narenas_highwater), v->highwater},
		{offsetof(struct pm_places, raw_allocated_blocks),
			b->l->t.counts_raw_blocks ? v->raw : 0},
	};
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (places[i].by)
			settle(b, places[i].at, arenas + (pm_addr)places[i].by,
				PM_SOURCE_CALIBRATED);
}

/* Optimizers that see the whole program shuffle variables, but not far: the
   three counters by each other, and the nearest number that is as large as
   the table.  raw_allocated_blocks has nothing to be known by. */
static struct arena_variables search_arena_variables(
	struct pm_build *b, pm_addr arenas, uint64_t slots, uint64_t used)
{
	struct arena_variables v = {0};
	struct pm_field u32 = {0, 4, 0, 0};
	int w = (int)b->l->t.word_size;
	for (int by = 4; by <= 4096 && !(v.max && v.current); by += 4)
		for (int sign = -1; sign <= 1; sign += 2) {
			pm_addr at = arenas + (pm_addr)(sign * by);
			if (!v.max && pm_build_number(b, at, u32) == slots)
				v.max = sign * by;
			if (v.current || by % w)
				continue;
			uint64_t a = pm_build_pointer(b, at);
			uint64_t times = pm_build_pointer(b, at + (pm_addr)w);
			uint64_t c = pm_build_pointer(b, at + 2 * (pm_addr)w);
			bool forwards = a == used && c >= used && times >= c;
			bool backwards = c == used && a >= used && times >= a;
			if ((!forwards && !backwards) || times > 1000 * used)
				continue;
			v.times = sign * by + w;
			v.current = sign * by + (forwards ? 0 : 2 * w);
			v.highwater = sign * by + (forwards ? 2 * w : 0);
		}
	return v;
}

static void find_arena_statics(struct pm_build *b)
{
	struct pm_places *at = &b->l->at;
	uint64_t slots, used;
	pm_addr found = scan_arenas(b, &slots, &used);
	if (!found) {
		if (!at->arenas.addr)
			pm_build_warn(b,
				"no table of pymalloc arenas in the data of %s "
				"(PYTHONMALLOC=malloc?)",
				b->python->path);
		return;
	}
	if (at->arenas.addr && at->arenas.addr != found)
		pm_build_warn(b,
			"arenas: %s says 0x%llx, but 0x%llx looks like it",
			pm_source_text(at->arenas.source),
			(unsigned long long)at->arenas.addr,
			(unsigned long long)found);
	settle(b, offsetof(struct pm_places, arenas), found,
		PM_SOURCE_CALIBRATED);
	struct arena_variables v =
		search_arena_variables(b, found, slots, used);
	for (size_t i = 0; i < sizeof arrangements / sizeof *arrangements;
		i++) {
		struct arena_variables a = in_bytes(b, &arrangements[i]);
		if (!arrangement_fits(b, found, &a, slots, used))
			continue;
		v = a;
		break;
	}
	settle_arena_variables(b, found, &v);
}

static void find_interned_static(struct pm_build *b)
{
	struct pm_place *interned = &b->l->at.interned;
	if (interned->addr &&
		pm_find_is_interned(b, pm_build_pointer(b, interned->addr)))
		return;
	if (pm_build_data(b, NULL) != PM_OK)
		return;
	size_t step = b->l->t.word_size;
	for (size_t off = 0; off + step <= b->data.len; off += step) {
		if (!pm_find_is_interned(b, pm_span_pointer(b, &b->data, off)))
			continue;
		if (interned->addr)
			pm_build_warn(b,
				"interned: %s says 0x%llx, which is not the "
				"dict of interned strings; 0x%llx is",
				pm_source_text(interned->source),
				(unsigned long long)interned->addr,
				(unsigned long long)(b->data.start + off));
		*interned = (struct pm_place){
			b->data.start + off, PM_SOURCE_CALIBRATED};
		return;
	}
}

/* What nobody tells is looked for when it is asked for: a table is known by its
   traces (trace/tables.c). */
static void find_tracemalloc_statics(struct pm_build *b)
{
	static const struct named_place statics[] = {
		{"_Py_tracemalloc_config",
			offsetof(struct pm_places, trace_config)},
		{"tracemalloc_config",
			offsetof(struct pm_places, trace_config)},
		{"tracemalloc_traces", offsetof(struct pm_places, traces)},
		{"tracemalloc_domains",
			offsetof(struct pm_places, trace_domains)},
		{"tracemalloc_traced_memory",
			offsetof(struct pm_places, traced_memory)},
	};
	for (size_t i = 0; i < sizeof statics / sizeof *statics; i++)
		by_name(b, statics[i].at, statics[i].symbol);
}

void pm_find_statics(struct pm_build *b)
{
	static const struct named_place statics[] = {
		{"arenas", offsetof(struct pm_places, arenas)},
		{"maxarenas", offsetof(struct pm_places, maxarenas)},
		{"raw_allocated_blocks",
			offsetof(struct pm_places, raw_allocated_blocks)},
		{"narenas_currently_allocated",
			offsetof(
				struct pm_places, narenas_currently_allocated)},
		{"ntimes_arena_allocated",
			offsetof(struct pm_places, ntimes_arena_allocated)},
		{"narenas_highwater",
			offsetof(struct pm_places, narenas_highwater)},
	};
	if (b->l->t.obmalloc_home == PM_OBMALLOC_STATICS) {
		for (size_t i = 0; i < sizeof statics / sizeof *statics; i++)
			by_name(b, statics[i].at, statics[i].symbol);
		find_arena_statics(b);
	}
	if (b->l->t.interned_home == PM_INTERNED_STATIC) {
		by_name(b, offsetof(struct pm_places, interned), "interned");
		find_interned_static(b);
	}
	if (pm_has(b->l->f.trace.size) && !pm_has(b->l->f.runtime.tracemalloc))
		find_tracemalloc_statics(b);
}
