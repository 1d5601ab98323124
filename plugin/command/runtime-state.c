/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/runtime-state.h"

#include "layout/segments.h"
#include "object/threads.h"

#include <string.h>

void pm_runtime_state_deinit(struct pm_runtime_state *st)
{
	pm_vec_each (w, &st->warnings)
		free(*w);
	pm_vec_deinit(&st->warnings);
	pm_vec_deinit(&st->interpreters);
}

PM_PRINTF(3, 4)
static enum pm_status warn(
	struct pm_runtime_state *st, struct pm_error *err, const char *fmt, ...)
{
	pm_auto_free char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	if (n < 0 || !pm_vec_push(&st->warnings, text))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	text = NULL;
	return PM_OK;
}

/* A field that may be missing or unreadable: then false, and counted. */
static bool get(struct pm_session *s, struct pm_runtime_state *st, pm_addr base,
	struct pm_field f, uint64_t *ret)
{
	if (!pm_has(f))
		return false;
	if (pm_layout_read(s->layout, s->memory, base, f, ret, NULL) == PM_OK)
		return true;
	st->unreadable++;
	return false;
}

static int64_t sign_extend(uint64_t v, struct pm_field f)
{
	unsigned shift = 64 - 8u * f.size;
	return (int64_t)(v << shift) >> shift;
}

/* In the collector's state, or a variable of its own (3.6 and before). */
static bool get_gc_flag(struct pm_session *s, struct pm_runtime_state *st,
	pm_addr gc, struct pm_field f, const struct pm_place *variable,
	bool *ret)
{
	const struct pm_field number = {.size = 4};
	uint64_t v;
	if (pm_has(f) ? !get(s, st, gc, f, &v)
		      : !variable->addr ||
				!get(s, st, variable->addr, number, &v))
		return false;
	*ret = v;
	return true;
}

static void load_gc(struct pm_session *s, struct pm_runtime_state *st,
	struct pm_interpreter_state *i)
{
	const struct pm_fields *f = &s->layout->f;
	pm_addr gc = pm_layout_gc_settings(s->layout, i->addr);
	if (!gc)
		return;
	i->has_gc = true;
	i->knows_enabled = get_gc_flag(s, st, gc, f->gc_state.enabled,
		&s->layout->at.gc_enabled, &i->gc_enabled);
	get_gc_flag(s, st, gc, f->gc_state.collecting,
		&s->layout->at.gc_collecting, &i->gc_collecting);
	pm_addr lists[PM_GC_LISTS];
	pm_layout_gc_lists(s->layout, gc, lists);
	for (; i->generations < PM_GENERATIONS; i->generations++) {
		uint64_t count, threshold;
		pm_addr g = lists[i->generations];
		if (!g || !get(s, st, g, f->gc_generation.count, &count) ||
			!get(s, st, g, f->gc_generation.threshold, &threshold))
			break;
		i->gc_count[i->generations] =
			sign_extend(count, f->gc_generation.count);
		i->gc_threshold[i->generations] =
			sign_extend(threshold, f->gc_generation.threshold);
	}
}

static enum pm_status load_interpreters(
	struct pm_session *s, struct pm_runtime_state *st, struct pm_error *err)
{
	const struct pm_fields *f = &s->layout->f;
	struct pm_chain c = pm_interpreters(s->layout, s->memory);
	for (; c.at; pm_chain_next(&c)) {
		struct pm_interpreter_state i = {.addr = c.at};
		uint64_t v;
		if (get(s, st, c.at, f->interp.id, &v))
			i.id = sign_extend(v, f->interp.id);
		struct pm_chain t = pm_threads_of(s->layout, s->memory, c.at);
		for (; t.at; pm_chain_next(&t))
			i.threads++;
		st->unreadable += t.status == PM_FAULT;
		if (t.status == PM_CORRUPT)
			PM_TRY(warn(st, err,
				"the list of threads of the interpreter at "
				"0x%llx does not end",
				(unsigned long long)c.at));
		load_gc(s, st, &i);
		if (i.gc_collecting)
			PM_TRY(warn(st, err,
				"stopped inside the garbage collector: objects "
				"may be on no generation's list"));
		if (!pm_vec_push(&st->interpreters, i))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	st->unreadable += c.status == PM_FAULT;
	if (c.status == PM_CORRUPT)
		PM_TRY(warn(st, err, "the list of interpreters does not end"));
	return PM_OK;
}

static bool has_arenas(struct pm_session *s, struct pm_runtime_state *st)
{
	const struct pm_layout *l = s->layout;
	const struct pm_field pointer = {.size = (uint16_t)l->t.word_size};
	pm_addr obmalloc = l->at.interp_head.addr + l->f.interp.obmalloc.off;
	uint64_t arenas = 0;
	switch (l->t.obmalloc_home) {
	case PM_OBMALLOC_STATICS:
		return l->at.arenas.addr &&
		       get(s, st, l->at.arenas.addr, pointer, &arenas) &&
		       arenas;
	case PM_OBMALLOC_POINTER:
		if (!get(s, st, obmalloc, pointer, &obmalloc) || !obmalloc)
			return false;
		__attribute__((fallthrough));
	case PM_OBMALLOC_EMBEDDED:
		return pm_has(l->f.interp.obmalloc) &&
		       get(s, st, obmalloc, l->f.obmalloc.arenas, &arenas) &&
		       arenas;
	case PM_OBMALLOC_MIMALLOC:
		return false;
	}
	return false;
}

/* The hooks put the size, big-endian, the domain's letter and 0xfd (0xfb until
   3.7.3) for the rest of a word before each block (Objects/obmalloc.c,
   _PyMem_DebugRawAlloc). The first collected objects tell. */
static bool has_debug_hooks(struct pm_session *s)
{
	const struct pm_layout *l = s->layout;
	if (!l->at.interp_head.addr)
		return false;
	pm_addr gc = pm_layout_gc_state(l, l->at.interp_head.addr);
	if (!gc || !pm_has(l->f.gc_head.next))
		return false;
	pm_addr lists[PM_GC_LISTS];
	pm_layout_gc_lists(l, gc, lists);
	unsigned ws = l->t.word_size, seen = 0, marked = 0;
	for (unsigned g = 0; g < PM_GENERATIONS; g++) {
		uint64_t p = lists[g];
		for (unsigned k = 0; p && k < 8; k++) {
			unsigned char before[8];
			if (pm_layout_read(l, s->memory, p, l->f.gc_head.next,
				    &p, NULL))
				break;
			p &= l->t.gc_next_mask;
			if (p == lists[g] || !p)
				break;
			if (pm_memory_read(s->memory, p - ws, before, ws, NULL))
				continue;
			seen++;
			marked += before[0] == 'o' &&
				  (before[1] == 0xfd || before[1] == 0xfb) &&
				  !memcmp(before + 1, before + 2, ws - 2);
		}
	}
	return seen && marked > seen / 2;
}

/* Functions in which the heap's own lists are half way. */
static const char *const allocator_functions[] = {
	"malloc",
	"calloc",
	"realloc",
	"free",
	"_int_malloc",
	"_int_free",
	"_int_realloc",
	"malloc_consolidate",
	"PyObject_Malloc",
	"PyObject_Calloc",
	"PyObject_Realloc",
	"PyObject_Free",
	"_PyObject_Malloc",
	"_PyObject_Calloc",
	"_PyObject_Realloc",
	"_PyObject_Free",
	"_PyMem_MiMalloc",
	"_PyMem_MiCalloc",
	"_PyMem_MiRealloc",
	"_PyMem_MiFree",
	"_PyObject_MiMalloc",
	"_PyObject_MiCalloc",
	"_PyObject_MiRealloc",
	"_PyObject_MiFree",
	"mi_free",
	"mi_heap_malloc",
	"_mi_malloc_generic",
	"_mi_free_block_mt",
	"pymalloc_alloc",
	"pymalloc_free",
	"pymalloc_realloc",
	"new_arena",
	"allocate_from_new_pool",
	"insert_to_freepool",
	"insert_to_usedpool",
	"PyMem_Malloc",
	"PyMem_Realloc",
	"PyMem_Free",
};

static enum pm_status find_doubts(
	struct pm_session *s, struct pm_runtime_state *st, struct pm_error *err)
{
	const struct pm_layout *l = s->layout;
	const struct pm_target *t = s->target;
	const struct pm_module *python = l->python, *in;
	const char *name;
	uint64_t off;
	pm_vec_each (w, &l->warnings)
		PM_TRY(warn(st, err, "%s", *w));
	if (s->distrust[0] && s->fast_reads && t->kind != PM_TARGET_REMOTE)
		PM_TRY(warn(st, err, "no fast reads: %s", s->distrust));
	if (t->truncated)
		PM_TRY(warn(st, err, "the core file is truncated"));
	if (python && python->file_mismatch)
		PM_TRY(warn(st, err,
			"%s is another file than the one in memory",
			python->path));
	else if (python && python->file_unverified)
		PM_TRY(warn(st, err,
			"the core has nothing to compare %s with: it is taken "
			"for the file that was mapped",
			python->path));
	else if (python && !python->file_matches && t->kind != PM_TARGET_REMOTE)
		PM_TRY(warn(st, err,
			"%s is missing: its symbols come from memory",
			python->path));
	if (s->facts.running)
		PM_TRY(warn(st, err, "the program runs: figures are torn"));
	if (!s->facts.pc || !pm_modules_find_address(
				    &s->modules, s->facts.pc, &in, &name, &off))
		return PM_OK;
	for (size_t i = 0;
		i < sizeof allocator_functions / sizeof *allocator_functions;
		i++)
		if (!strcmp(name, allocator_functions[i]))
			return warn(st, err,
				"stopped inside the allocator (%s): its lists "
				"may be half way",
				name);
	return PM_OK;
}

enum pm_status pm_runtime_state_load(struct pm_session *s,
	struct pm_runtime_state *ret, struct pm_error *err)
{
	PM_CLEANUP(pm_runtime_state_deinit) struct pm_runtime_state st = {0};
	PM_TRY(load_interpreters(s, &st, err));
	struct pm_segment segment;
	st.allocator = has_arenas(s, &st) ? PM_ALLOCATOR_PYMALLOC
		       : pm_segment_anchor(
				 s->layout, &s->layout->f, s->memory, &segment)
			       ? PM_ALLOCATOR_MIMALLOC
			       : PM_ALLOCATOR_MALLOC;
	st.debug_hooks = has_debug_hooks(s);
	PM_TRY(find_doubts(s, &st, err));
	*ret = st;
	st = (struct pm_runtime_state){0};
	return PM_OK;
}
