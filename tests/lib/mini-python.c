/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/mini-python.h"
#include "layout/build.h"

#include <string.h>

#define DATA UINT64_C(0x10000000)
#define DATA_SIZE ((size_t)1 << 20)
#define HEAP UINT64_C(0x20000000)
#define HEAP_SIZE ((size_t)1 << 20)
#define ARENA UINT64_C(0x30000000)
#define NAMES UINT64_C(0x40000000)
#define NAMES_SIZE ((size_t)4096)
#define READY (UINT64_C(1) << 12)
#define INTERNED 220
#define ARENA_SLOTS 16

/* Not a check of the test: fuzzers use this too. */
static void must(bool ok)
{
	if (!ok) {
		fputs("mini-python: the small Python cannot be made\n", stderr);
		abort();
	}
}

static pm_addr take(pm_addr *next, pm_addr end, size_t size)
{
	pm_addr at = *next;
	*next = (at + size + 31) & ~(pm_addr)15;
	must(*next <= end);
	return at;
}

pm_addr mini_data(struct mini *m, size_t size)
{
	return take(&m->data_next, DATA + DATA_SIZE, size);
}

pm_addr mini_heap(struct mini *m, size_t size)
{
	return take(&m->heap_next, HEAP + HEAP_SIZE, size);
}

void mini_store(struct mini *m, pm_addr addr, unsigned size, uint64_t v)
{
	unsigned char *p = pm_image_at(m->t, addr, size);
	must(p != NULL);
	bool big = m->row->traits.big_endian;
	for (unsigned i = 0; i < size; i++)
		p[big ? size - 1 - i : i] = (unsigned char)(v >> 8 * i);
}

uint64_t mini_load(struct mini *m, pm_addr addr, unsigned size)
{
	const void *p = pm_image_at(m->t, addr, size);
	must(p != NULL);
	return pm_load(p, size, m->row->traits.big_endian);
}

void mini_put(struct mini *m, pm_addr addr, struct pm_field f, uint64_t v)
{
	if (!pm_has(f))
		return;
	if (f.bits) {
		uint64_t mask = ((UINT64_C(1) << f.bits) - 1) << f.bit;
		v = (mini_load(m, addr + f.off, f.size) & ~mask) |
		    (v << f.bit & mask);
	}
	mini_store(m, addr + f.off, f.size, v);
}

pm_addr mini_object(struct mini *m, pm_addr type, size_t size)
{
	pm_addr at = mini_heap(m, size);
	mini_put(m, at, m->l->f.object.refcnt, 1);
	mini_put(m, at, m->l->f.object.ref_local, 1);
	mini_put(m, at, m->l->f.object.type, type);
	return at;
}

pm_addr mini_str(struct mini *m, const char *text)
{
	const struct pm_fields *f = &m->l->f;
	size_t len = strlen(text);
	if (m->row->traits.text_form == PM_TEXT_WIDE) {
		pm_addr old = mini_object(m, m->l->at.bytes_type.addr,
			f->bytes.data.off + len + 1);
		mini_put(m, old, f->var_object.size, len);
		memcpy(pm_image_at(m->t, old + f->bytes.data.off, len), text,
			len);
		return old;
	}
	pm_addr at = mini_object(
		m, m->l->at.unicode_type.addr, f->ascii.sizeof_.off + len + 1);
	mini_put(m, at, f->ascii.length, len);
	mini_put(m, at, f->ascii.kind, 1);
	mini_put(m, at, f->ascii.compact, 1);
	mini_put(m, at, f->ascii.is_ascii, 1);
	mini_put(m, at, f->ascii.ready, 1);
	memcpy(pm_image_at(m->t, at + f->ascii.sizeof_.off, len), text, len);
	return at;
}

unsigned mini_put_digits(struct mini *m, pm_addr at, uint32_t v)
{
	const struct pm_fields *f = &m->l->f;
	struct pm_field digit = f->long_.digit;
	unsigned n = 0, bits = digit.size == 2 ? 15 : 30;
	do {
		mini_put(m, at, digit, v & ((UINT32_C(1) << bits) - 1));
		v >>= bits;
		digit.off += digit.size;
		n++;
	} while (v);
	if (m->row->traits.int_form == PM_INT_TAG)
		mini_put(m, at, f->long_.tag, n << 3);
	else
		mini_put(m, at, f->var_object.size, n);
	return n;
}

pm_addr mini_int(struct mini *m, uint32_t v)
{
	const struct pm_fields *f = &m->l->f;
	pm_addr at = mini_object(m, 0, f->long_.sizeof_.off + 8);
	if (m->row->traits.int_form == PM_INT_TWO_TYPES) {
		mini_put(m, at, f->int_.value, v);
		return at;
	}
	mini_put_digits(m, at, v);
	return at;
}

/* 2.7: a table with a free slot behind every pair. */
static pm_addr make_table(struct mini *m, const pm_addr *pairs, size_t n)
{
	const struct pm_fields *f = &m->l->f;
	size_t slots = 8, stride = f->dict_entry.sizeof_.off;
	while (slots < 2 * n)
		slots *= 2;
	pm_addr at =
		mini_object(m, m->l->at.dict_type.addr, f->dict.sizeof_.off);
	pm_addr table = slots == 8 ? at + f->dict.smalltable.off
				   : mini_heap(m, slots * stride);
	mini_put(m, at, f->dict.used, n);
	mini_put(m, at, f->dict.mask, slots - 1);
	mini_put(m, at, f->dict.table, table);
	for (size_t i = 0; i < n; i++) {
		pm_addr entry = table + 2 * i * stride;
		mini_put(m, entry, f->dict_entry.key, pairs[2 * i]);
		mini_put(m, entry, f->dict_entry.value, pairs[2 * i + 1]);
	}
	return at;
}

pm_addr mini_dict(struct mini *m, const pm_addr *pairs, size_t n)
{
	const struct pm_fields *f = &m->l->f;
	if (m->row->traits.keys_form == PM_KEYS_TABLE)
		return make_table(m, pairs, n);
	bool sized = m->row->traits.keys_form == PM_KEYS_SIZED;
	uint64_t size = 8, log2 = 3;
	while (size * 2 / 3 < n) {
		size *= 2;
		log2++;
	}
	uint64_t index_bytes = size <= 0xff ? size : size * 2;
	uint64_t log2_bytes = size <= 0xff ? log2 : log2 + 1;
	size_t stride = f->dict_entry.sizeof_.off;
	pm_addr keys = mini_heap(
		m, f->dict_keys.indices.off + index_bytes + n * stride);
	pm_addr at =
		mini_object(m, m->l->at.dict_type.addr, f->dict.sizeof_.off);
	mini_put(m, at, f->dict.used, n);
	mini_put(m, at, f->dict.keys, keys);
	mini_put(m, keys, f->dict_keys.nentries, n);
	if (sized) {
		mini_put(m, keys, f->dict_keys.size, size);
	} else {
		mini_put(m, keys, f->dict_keys.log2_size, log2);
		mini_put(m, keys, f->dict_keys.log2_index_bytes, log2_bytes);
	}
	pm_addr entry = keys + f->dict_keys.indices.off + index_bytes;
	for (size_t i = 0; i < n; i++, entry += stride) {
		mini_put(m, entry, f->dict_entry.key, pairs[2 * i]);
		mini_put(m, entry, f->dict_entry.value, pairs[2 * i + 1]);
	}
	return at;
}

/* ---- the parts ---- */

static pm_addr text(struct mini *m, const char *s)
{
	pm_addr at = mini_data(m, strlen(s) + 1);
	memcpy(pm_image_at(m->t, at, strlen(s)), s, strlen(s));
	return at;
}

static struct pm_place make_type(
	struct mini *m, const char *name, uint32_t basicsize)
{
	const struct pm_fields *f = &m->l->f;
	pm_addr at = mini_data(m, f->type.sizeof_.off);
	pm_addr type = m->l->at.type_type.addr;
	mini_put(m, at, f->object.refcnt, 1);
	mini_put(m, at, f->object.type, type ? type : at);
	mini_put(m, at, f->type.name, text(m, name));
	mini_put(m, at, f->type.basicsize, basicsize);
	mini_put(m, at, f->type.base, m->l->at.object_type.addr);
	mini_put(m, at, f->type.flags, READY);
	return (struct pm_place){at, PM_SOURCE_TABLE};
}

static void add_flag(struct mini *m, struct pm_place type, unsigned bit)
{
	mini_put(m, type.addr, m->l->f.type.flags, READY | UINT64_C(1) << bit);
}

static struct pm_place make_singleton(struct mini *m, const char *type)
{
	const struct pm_fields *f = &m->l->f;
	struct pm_place of = make_type(m, type, f->object.sizeof_.off);
	pm_addr at = mini_data(m, f->object.sizeof_.off);
	mini_put(m, at, f->object.refcnt, 1);
	mini_put(m, at, f->object.ref_local, UINT32_MAX);
	mini_put(m, at, f->object.type, of.addr);
	return (struct pm_place){at, PM_SOURCE_TABLE};
}

static pm_addr type_of(struct mini *m, struct pm_place object)
{
	struct pm_field f = m->l->f.object.type;
	return mini_load(m, object.addr + f.off, f.size);
}

/* 2.7: two strings, each in a variable. */
static void make_dummies(struct mini *m)
{
	struct pm_places *at = &m->l->at;
	at->dict_dummy.addr = mini_str(m, "<dummy key>");
	at->set_dummy.addr = mini_str(m, "<dummy key>");
	unsigned ws = m->row->traits.word_size;
	pm_addr variables = mini_data(m, 2 * ws);
	mini_store(m, variables, ws, at->dict_dummy.addr);
	mini_store(m, variables + ws, ws, at->set_dummy.addr);
}

static void make_types(struct mini *m)
{
	const struct pm_fields *f = &m->l->f;
	struct pm_places *at = &m->l->at;
	at->type_type = make_type(m, "type", f->heap_type.sizeof_.off);
	at->object_type = make_type(m, "object", f->object.sizeof_.off);
	at->dict_type = make_type(m, "dict", f->dict.sizeof_.off);
	bool wide = m->row->traits.text_form == PM_TEXT_WIDE;
	at->unicode_type =
		make_type(m, wide ? "unicode" : "str", f->unicode.sizeof_.off);
	if (wide) {
		at->bytes_type = make_type(m, "str", f->bytes.data.off + 1);
		mini_put(m, at->bytes_type.addr, f->type.itemsize, 1);
		add_flag(m, at->bytes_type, 27);
		pm_addr base =
			make_type(m, "basestring", f->object.sizeof_.off).addr;
		mini_put(m, at->bytes_type.addr, f->type.base, base);
		mini_put(m, at->unicode_type.addr, f->type.base, base);
	}
	at->none = make_singleton(m, "NoneType");
	if (wide)
		make_dummies(m);
	else
		at->set_dummy = make_singleton(m, "<dummy key> type");
	mini_put(m, at->type_type.addr, f->type.base, at->object_type.addr);
	add_flag(m, at->type_type, 31);
	add_flag(m, at->dict_type, 29);
	add_flag(m, at->unicode_type, 28);
	if (wide)
		return;
	/* Nobody makes this one ready. */
	pm_addr dummy = type_of(m, at->set_dummy);
	mini_put(m, dummy, f->type.flags, 0);
	mini_put(m, dummy, f->type.base, 0);
	mini_put(m, dummy, f->type.basicsize, 0);
}

/* Of a list of the collector; where nothing else tells the list, an object. */
static pm_addr make_member(struct mini *m)
{
	const struct pm_fields *f = &m->l->f;
	uint32_t head = m->row->traits.gc_head_size;
	pm_addr at = mini_heap(m, head + f->object.sizeof_.off);
	if (m->row->traits.gc_home != PM_GC_STATIC)
		return at;
	mini_put(m, at + head, f->object.refcnt, 1);
	mini_put(m, at + head, f->object.type, m->l->at.object_type.addr);
	return at;
}

static void make_gc(struct mini *m)
{
	const struct pm_fields *f = &m->l->f;
	if (m->row->traits.gc_home == PM_GC_BITS)
		return;
	if (m->row->traits.gc_home == PM_GC_STATIC)
		m->l->at.generations.addr =
			mini_data(m, f->gc_state.sizeof_.off);
	m->gc = pm_layout_gc_state(m->l, m->interp);
	pm_addr head = m->gc + f->gc_state.generations.off;
	for (unsigned i = 0; i < 3; i++, head += m->row->traits.gc_stride) {
		/* the second one has a member, the others are empty */
		pm_addr next = i == 1 ? make_member(m) : head;
		mini_put(m, head, f->gc_head.next, next);
		mini_put(m, head, f->gc_head.prev, next);
		mini_put(m, next, f->gc_head.next, head);
		mini_put(m, next, f->gc_head.prev, head);
	}
}

static pm_addr make_arena_table(struct mini *m)
{
	const struct pm_fields *f = &m->l->f;
	const struct pm_traits *t = &m->row->traits;
	size_t stride = f->arena.sizeof_.off;
	pm_addr table = mini_heap(m, ARENA_SLOTS * stride);
	for (unsigned i = 1; i < ARENA_SLOTS - 1; i++)
		mini_put(m, table + i * stride, f->arena.nextarena,
			table + (i + 1) * stride);
	mini_put(m, table, f->arena.address, ARENA);
	mini_put(m, table, f->arena.pool_address, ARENA + t->pool_size);
	mini_put(m, table, f->arena.nfreepools,
		t->arena_size / t->pool_size - 1);
	mini_put(m, table, f->arena.ntotalpools, t->arena_size / t->pool_size);
	return table;
}

static void make_obmalloc(struct mini *m)
{
	const struct pm_fields *f = &m->l->f;
	if (m->row->traits.obmalloc_home == PM_OBMALLOC_MIMALLOC)
		return;
	pm_addr table = make_arena_table(m);
	if (m->row->traits.obmalloc_home == PM_OBMALLOC_STATICS) {
		/* in the order in which gcc puts them */
		unsigned ws = m->row->traits.word_size;
		pm_addr at = mini_data(m, 74 * ws);
		m->l->at.arenas.addr = at + 72 * ws;
		m->l->at.maxarenas.addr = at + 71 * ws;
		m->l->at.narenas_currently_allocated.addr = at + 3 * ws;
		m->l->at.ntimes_arena_allocated.addr = at + 2 * ws;
		m->l->at.narenas_highwater.addr = at + ws;
		if (m->row->traits.counts_raw_blocks)
			m->l->at.raw_allocated_blocks.addr = at;
		mini_store(m, at + 72 * ws, ws, table);
		mini_store(m, at + 71 * ws, 4, ARENA_SLOTS);
		mini_store(m, at + 70 * ws, ws, table + f->arena.sizeof_.off);
		mini_store(m, at + 3 * ws, ws, 1);
		mini_store(m, at + 2 * ws, ws, 2);
		mini_store(m, at + ws, ws, 1);
		return;
	}
	pm_addr state = m->interp + f->interp.obmalloc.off;
	if (m->row->traits.obmalloc_home == PM_OBMALLOC_POINTER) {
		state = mini_data(m, f->obmalloc.sizeof_.off);
		mini_put(m, m->interp, f->interp.obmalloc, state);
	}
	mini_put(m, state, f->obmalloc.arenas, table);
	mini_put(m, state, f->obmalloc.maxarenas, ARENA_SLOTS);
	mini_put(m, state, f->obmalloc.narenas_currently_allocated, 1);
}

static void make_interned(struct mini *m)
{
	pm_addr pairs[2 * INTERNED];
	for (unsigned i = 0; i < INTERNED; i++) {
		char name[16];
		snprintf(name, sizeof name, "name%u", i);
		pairs[2 * i] = pairs[2 * i + 1] = mini_str(m, name);
		mini_put(m, pairs[2 * i], m->l->f.ascii.interned, 1);
		if (m->row->traits.text_form == PM_TEXT_WIDE)
			mini_put(m, pairs[2 * i], m->l->f.bytes.state, 1);
	}
	m->interned_dict = mini_dict(m, pairs, INTERNED);
	if (m->row->traits.interned_home == PM_INTERNED_STATIC) {
		m->l->at.interned.addr = mini_data(m, 8);
		mini_store(m, m->l->at.interned.addr, m->row->traits.word_size,
			m->interned_dict);
	} else {
		mini_put(m, m->interp, m->l->f.interp.interned_strings,
			m->interned_dict);
	}
}

static void make_roots(struct mini *m)
{
	const struct pm_fields *f = &m->l->f;
	uint32_t hex = m->row->version << 16 | m->row->micro_min << 8 | 0xf0;
	pm_addr pairs[6];
	size_t n = 2;
	pairs[0] = mini_str(m, "hexversion");
	pairs[1] = mini_int(m, hex);
	pairs[2] = mini_str(m, "abiflags");
	pairs[3] = mini_str(m, m->row->free_threaded ? "t" : "");
	pairs[4] = mini_str(m, "gettotalrefcount");
	pairs[5] = mini_object(m, 0, 64);
	n += m->row->debug;
	m->sysdict = mini_dict(m, pairs, n);
	mini_put(m, m->interp, f->interp.sysdict, m->sysdict);
	mini_put(m, m->interp, f->interp.builtins, mini_dict(m, NULL, 0));
	mini_put(m, m->interp, f->interp.modules, mini_dict(m, NULL, 0));
}

static void make_debug_offsets(struct mini *m)
{
	const struct pm_field *f = (const struct pm_field *)&m->row->fields;
	if (!m->row->slots)
		return;
	memcpy(pm_image_at(m->t, m->runtime, 8), "xdebugpy", 8);
	mini_store(m, m->runtime + 8, 8,
		m->row->version << 16 | m->row->micro_min << 8 | 0xf0);
	mini_store(m, m->runtime + 16, 8, m->row->free_threaded);
	for (const struct pm_slot *s = m->row->slots; s->at; s++)
		mini_store(m, m->runtime + s->at, 8, f[s->field].off);
}

static void init(
	struct mini *m, const struct pm_row *row, const char *path, bool traced)
{
	struct pm_error err;
	*m = (struct mini){.row = row, .data_next = DATA, .heap_next = HEAP};
	must(pm_layout_from_row(row, &m->l, &err) == PM_OK);
	if (traced)
		pm_trace_refs_apply(m->l);
	must(pm_image_create(&m->t, &err) == PM_OK);
	const unsigned rw = PM_MAP_READ | PM_MAP_WRITE;
	must(pm_image_add(m->t, DATA, NULL, DATA_SIZE, rw, path, &err) ==
		PM_OK);
	must(pm_image_add(m->t, HEAP, NULL, HEAP_SIZE, rw | PM_MAP_HEAP, NULL,
		     &err) == PM_OK);
	must(pm_image_add(m->t, ARENA, NULL, row->traits.arena_size, rw, NULL,
		     &err) == PM_OK);
	m->module = (struct pm_module){.path = strdup(path),
		.start = DATA,
		.end = DATA + DATA_SIZE,
		.data_start = DATA,
		.data_end = DATA + DATA_SIZE,
		.word_size = row->traits.word_size,
		.big_endian = row->traits.big_endian,
		.machine = row->machine};
	m->t->word_size = row->traits.word_size;
	m->t->big_endian = row->traits.big_endian;
	m->ms.list.data = &m->module;
	m->ms.list.len = m->ms.list.cap = 1;

	const struct pm_fields *f = &m->l->f;
	mini_data(m, 4096); /* so that nothing is at the very front */
	m->runtime = mini_data(m, f->runtime.sizeof_.off);
	m->l->at.runtime.addr = m->runtime;
	m->interp = mini_heap(m, f->interp.sizeof_.off);
	m->thread =
		mini_heap(m, f->thread_impl.sizeof_.off > f->thread.sizeof_.off
				     ? f->thread_impl.sizeof_.off
				     : f->thread.sizeof_.off);
	m->l->at.interp_head.addr = m->interp;
	mini_put(m, m->runtime, f->runtime.interpreters_head, m->interp);
	mini_put(m, m->runtime, f->runtime.interpreters_main, m->interp);
	mini_put(m, m->runtime, f->runtime.initialized, 1);
	mini_put(m, m->interp, f->interp.threads_head, m->thread);
	mini_put(m, m->thread, f->thread.interp, m->interp);
	make_types(m);
	make_gc(m);
	make_obmalloc(m);
	make_interned(m);
	make_roots(m);
	make_debug_offsets(m);
}

void mini_init(struct mini *m, const struct pm_row *row, const char *path)
{
	init(m, row, path, false);
}

void mini_init_traced(
	struct mini *m, const struct pm_row *row, const char *path)
{
	init(m, row, path, true);
}

void mini_deinit(struct mini *m)
{
	pm_layout_destroy(m->l);
	pm_target_destroy(m->t);
	free(m->module.path);
	*m = (struct mini){0};
}

void mini_hide_names(struct mini *m)
{
	struct pm_error err;
	const struct pm_places *at = &m->l->at;
	const pm_addr types[] = {at->type_type.addr, at->object_type.addr,
		at->dict_type.addr, at->unicode_type.addr, type_of(m, at->none),
		type_of(m, at->set_dummy)};
	must(pm_image_add(m->t, NAMES, NULL, NAMES_SIZE,
		     PM_MAP_READ | PM_MAP_ABSENT, NULL, &err) == PM_OK);
	/* Close to each other, as constants are. */
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		mini_put(m, types[i], m->l->f.type.name, NAMES + 8 * i);
	m->names_next = NAMES + 64;
}

pm_addr mini_hidden_type(struct mini *m)
{
	const struct pm_fields *f = &m->l->f;
	pm_addr type = make_type(m, "", f->object.sizeof_.off).addr;
	mini_put(m, type, f->type.name, m->names_next);
	m->names_next += 5;
	return type;
}
