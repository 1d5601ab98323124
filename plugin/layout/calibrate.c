/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields found by what is there: a chain that closes, a list whose links come
   back, a table whose every slot is well-formed. */
#include "layout/build.h"

/* The interpreters' list is at the front of _PyRuntime. */
#define RUNTIME_FRONT 4096
#define MAX_INTERPRETERS 4096
/* Where interp->obmalloc (a pointer) may be, from 3.13 on. */
#define OBMALLOC_FRONT ((size_t)40 << 10)
#define GENERATIONS 3
#define MAX_STATIC_TYPES 1000

/* ---- interpreters ---- */

static bool has_thread(struct pm_build *b, pm_addr interp)
{
	const struct pm_fields *f = &b->l->f;
	pm_addr thread = pm_build_number(b, interp, f->interp.threads_head);
	return pm_build_is_address(b, thread) &&
	       pm_build_number(b, thread, f->thread.interp) == interp &&
	       pm_build_number(b, thread, f->thread.prev) == 0;
}

static bool chain_reaches(struct pm_build *b, pm_addr head, pm_addr main)
{
	for (unsigned i = 0; i < MAX_INTERPRETERS; i++) {
		if (!pm_build_is_address(b, head))
			return false;
		if (head == main)
			return true;
		head = pm_build_number(b, head, b->l->f.interp.next);
	}
	return false;
}

bool pm_calibrate_are_interpreters(
	struct pm_build *b, pm_addr head, pm_addr main)
{
	/* New ones are put before the others: the main one ends the list. */
	return pm_build_is_address(b, main) && pm_build_is_address(b, head) &&
	       pm_build_number(b, main, b->l->f.interp.next) == 0 &&
	       has_thread(b, main) && chain_reaches(b, head, main);
}

pm_addr pm_calibrate_main_interpreter(
	struct pm_build *b, pm_addr head, unsigned *ret)
{
	pm_addr last = 0;
	unsigned n = 0;
	for (; head && n < MAX_INTERPRETERS; n++) {
		if (!pm_build_is_address(b, head) || !has_thread(b, head))
			return 0;
		last = head;
		head = pm_build_number(b, head, b->l->f.interp.next);
	}
	if (head)
		return 0;
	*ret = n;
	return last;
}

/* interpreters.head, .main: the first pair whose chain closes. */
static bool scan_interpreters(struct pm_build *b, size_t *ret)
{
	if (!pm_has(b->l->f.runtime.interpreters_main))
		return false;
	PM_CLEANUP(pm_span_deinit) struct pm_span front = {0};
	size_t word = b->l->t.word_size, len = b->l->f.runtime.sizeof_.off;
	if (len > RUNTIME_FRONT)
		len = RUNTIME_FRONT;
	if (pm_span_read(b->m, b->runtime, len, &front, NULL) != PM_OK)
		return false;
	for (size_t off = 0; off + 2 * word <= front.len; off += word) {
		pm_addr head = pm_span_pointer(b, &front, off);
		pm_addr main = pm_span_pointer(b, &front, off + word);
		if (head && main &&
			pm_calibrate_are_interpreters(b, head, main)) {
			*ret = off;
			return true;
		}
	}
	return false;
}

/* Where the list of threads is, when it is not where the row has it: the first
   pointer in the struct to a thread of this interpreter that begins its list.
 */
static bool seek_threads(struct pm_build *b, const struct pm_span *interp)
{
	const struct pm_fields *f = &b->l->f;
	size_t word = b->l->t.word_size;
	for (size_t off = 0; off + word <= interp->len; off += word) {
		pm_addr thread = pm_span_pointer(b, interp, off);
		if (!pm_build_is_address(b, thread) ||
			pm_build_number(b, thread, f->thread.interp) !=
				interp->start ||
			pm_build_number(b, thread, f->thread.prev) != 0)
			continue;
		pm_tell_calibrated(b, PM_INDEX(interp.threads_head), off);
		return true;
	}
	return false;
}

/* No interpreter is as the row has them: one that is alone, with its threads
   elsewhere? */
static void seek_single_interpreter(struct pm_build *b)
{
	PM_CLEANUP(pm_span_deinit) struct pm_span front = {0};
	size_t word = b->l->t.word_size, len = b->l->f.runtime.sizeof_.off;
	if (len > RUNTIME_FRONT)
		len = RUNTIME_FRONT;
	if (pm_span_read(b->m, b->runtime, len, &front, NULL) != PM_OK)
		return;
	for (size_t off = 0; off + 2 * word <= front.len; off += word) {
		PM_CLEANUP(pm_span_deinit) struct pm_span interp = {0};
		pm_addr head = pm_span_pointer(b, &front, off);
		if (head && head == pm_span_pointer(b, &front, off + word) &&
			pm_build_is_address(b, head) &&
			pm_span_read(b->m, head, b->l->f.interp.sizeof_.off,
				&interp, NULL) == PM_OK &&
			seek_threads(b, &interp))
			return;
	}
}

enum pm_status pm_calibrate_interpreters(
	struct pm_build *b, struct pm_error *err)
{
	struct pm_fields *f = &b->l->f;
	uint64_t head;
	size_t off;
	PM_TRY(pm_layout_read(b->l, b->m, b->runtime,
		f->runtime.interpreters_head, &head, err));
	bool seen = scan_interpreters(b, &off);
	if (!seen && pm_has(f->runtime.interpreters_main)) {
		seek_single_interpreter(b);
		seen = scan_interpreters(b, &off);
	}
	if (seen) {
		pm_tell_calibrated(b, PM_INDEX(runtime.interpreters_head), off);
		pm_tell_calibrated(b, PM_INDEX(runtime.interpreters_main),
			off + b->l->t.word_size);
	} else if (!head) {
		return pm_fail(err, PM_ABSENT, b->runtime,
			"the Python in %s is not initialized: %s at "
			"0x%llx lists no interpreter (before Py_Initialize, or "
			"after Py_Finalize)",
			b->python ? b->python->path : "the target",
			b->id.variable ? "interp_head" : "_PyRuntime",
			(unsigned long long)b->runtime);
	}
	PM_TRY(pm_layout_read(b->l, b->m, b->runtime,
		f->runtime.interpreters_head, &head, err));
	pm_addr main =
		pm_build_number(b, b->runtime, f->runtime.interpreters_main);
	unsigned n;
	if (b->id.variable)
		main = pm_calibrate_main_interpreter(b, head, &n);
	else if (!main)
		main = head;
	if (!main || !pm_calibrate_are_interpreters(b, head, main))
		return pm_fail(err, PM_CORRUPT, b->runtime,
			"%s at 0x%llx lists an interpreter at 0x%llx "
			"that is none as in Python %s",
			b->id.variable ? "interp_head" : "_PyRuntime",
			(unsigned long long)b->runtime,
			(unsigned long long)head, b->l->row->name);
	b->l->at.interp_head = (struct pm_place){head,
		(enum pm_source)
			b->l->sources[PM_INDEX(runtime.interpreters_head)]};
	return PM_OK;
}

/* ---- garbage collector ---- */

/* A list head at byte off of s whose neighbours link back to it. */
static bool is_list_head(
	struct pm_build *b, const struct pm_span *s, size_t off)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t mask = b->l->t.gc_next_mask;
	pm_addr self = s->start + off;
	pm_addr next = pm_span_pointer(b, s, off + f->gc_head.next.off) & mask;
	pm_addr prev = pm_span_pointer(b, s, off + f->gc_head.prev.off) & mask;
	if (!next || !prev || (next == self) != (prev == self))
		return false;
	if (next == self)
		return true;
	return pm_build_is_address(b, next) && pm_build_is_address(b, prev) &&
	       (pm_build_number(b, next, f->gc_head.prev) & mask) == self &&
	       (pm_build_number(b, prev, f->gc_head.next) & mask) == self;
}

static bool are_generations(
	struct pm_build *b, const struct pm_span *s, size_t off)
{
	size_t stride = b->l->t.gc_stride;
	if (off + GENERATIONS * stride > s->len)
		return false;
	for (size_t i = 0; i < GENERATIONS; i++)
		if (!is_list_head(b, s, off + i * stride))
			return false;
	return true;
}

/* The lowest such place; in steps of 4, as distributions pack the struct. */
static bool scan_generations(
	struct pm_build *b, const struct pm_span *s, size_t *ret)
{
	for (size_t off = 0; off < s->len; off += 4)
		if (are_generations(b, s, off)) {
			*ret = off;
			return true;
		}
	return false;
}

/* The collector's state has a pointer to the first of its lists, behind them:
   where that is says where the state begins. */
static bool begin_of_gc(struct pm_build *b, const struct pm_span *home,
	size_t lists, size_t *ret)
{
	const struct pm_fields *f = &b->l->f;
	size_t word = b->l->t.word_size;
	size_t end = lists + f->gc_state.sizeof_.off;
	if (!pm_has(f->gc_state.generation0))
		return false;
	size_t at = lists + GENERATIONS * b->l->t.gc_stride;
	for (at += (word - at % word) % word;
		at + word <= home->len && at < end; at += word) {
		if (pm_span_pointer(b, home, at) != home->start + lists ||
			at < f->gc_state.generation0.off)
			continue;
		*ret = at - f->gc_state.generation0.off;
		return true;
	}
	return false;
}

/* Where the struct is, is better known than where in it the lists are. */
static void calibrate_gc(struct pm_build *b)
{
	struct pm_fields *f = &b->l->f;
	PM_CLEANUP(pm_span_deinit) struct pm_span runtime = {0};
	bool in_runtime = b->l->t.gc_home == PM_GC_IN_RUNTIME;
	const struct pm_span *home = &b->interp;
	size_t off;
	if (!in_runtime && b->l->t.gc_home != PM_GC_IN_INTERP)
		return;
	if (in_runtime) {
		if (pm_span_read(b->m, b->runtime, f->runtime.sizeof_.off,
			    &runtime, NULL) != PM_OK)
			return;
		home = &runtime;
	}
	size_t gc = in_runtime ? f->runtime.gc.off : f->interp.gc.off;
	if (!scan_generations(b, home, &off))
		return;
	size_t field = in_runtime ? PM_INDEX(runtime.gc) : PM_INDEX(interp.gc);
	size_t begin;
	bool told = b->l->sources[field] > PM_SOURCE_CALIBRATED;
	if (!told && begin_of_gc(b, home, off, &begin) && off >= begin) {
		pm_tell_calibrated(b, field, begin);
		pm_tell_calibrated(
			b, PM_INDEX(gc_state.generations), off - begin);
	} else if (off >= gc && off - gc < f->gc_state.sizeof_.off) {
		pm_tell_calibrated(b, PM_INDEX(gc_state.generations), off - gc);
		if (off == gc + f->gc_state.generations.off)
			pm_tell_calibrated(b, field, gc);
	} else if (off >= f->gc_state.generations.off) {
		pm_tell_calibrated(b, field, off - f->gc_state.generations.off);
	}
}

/* Is there an object behind the first head of this list? */
static bool leads_to_object(struct pm_build *b, pm_addr head)
{
	const struct pm_fields *f = &b->l->f;
	pm_addr first = pm_build_number(b, head, f->gc_head.next);
	if (!first || first == head)
		return false;
	pm_addr type = pm_build_number(
		b, first + b->l->t.gc_head_size, f->object.type);
	return pm_build_is_exact(b, type, b->l->at.type_type.addr) &&
	       pm_build_number(b, type, f->type.basicsize) >=
		       f->object.sizeof_.off;
}

/* The static generations[] before 3.7, when nobody says where it is. */
static void calibrate_generations(struct pm_build *b)
{
	struct pm_layout *l = b->l;
	uint32_t stride = l->t.gc_stride;
	if (l->t.gc_home != PM_GC_STATIC || l->at.generations.addr ||
		pm_build_data(b, NULL) != PM_OK)
		return;
	for (size_t off = 0; off < b->data.len; off += l->t.word_size) {
		pm_addr at = b->data.start + off;
		if (!are_generations(b, &b->data, off) ||
			(!leads_to_object(b, at) &&
				!leads_to_object(b, at + stride) &&
				!leads_to_object(b, at + 2 * stride)))
			continue;
		l->at.generations = (struct pm_place){at, PM_SOURCE_CALIBRATED};
		return;
	}
}

/* ---- obmalloc and interned strings of the interpreter ---- */

/* Configured to use huge pages (3.15), Python has arenas twice as large: an
   arena in use says of how many pools it is (ARENA_BITS,
   Include/internal/pycore_obmalloc.h). */
static bool arenas_are_huge(struct pm_build *b, pm_addr table, uint64_t max)
{
	const struct pm_fields *f = &b->l->f;
	uint32_t usual = b->l->t.arena_size / b->l->t.pool_size;
	for (uint64_t i = 0; i < max; i++, table += f->arena.sizeof_.off)
		if (pm_build_number(b, table, f->arena.address))
			return pm_build_number(b, table, f->arena.ntotalpools) >
			       usual;
	return false;
}

/* What is behind nfp2lasta[], which has a place for each pool of an arena, is
   that much farther, unless somebody told where it is. */
static struct pm_field behind_nfp2lasta(
	const struct pm_build *b, const struct pm_field *f, bool huge)
{
	const struct pm_traits *t = &b->l->t;
	size_t i = (size_t)(f - (const struct pm_field *)&b->l->f);
	struct pm_field ret = *f;
	if (huge && pm_has(ret) && b->l->sources[i] <= PM_SOURCE_TABLE)
		ret.off += t->arena_size / t->pool_size * t->word_size;
	return ret;
}

static bool is_obmalloc(struct pm_build *b, pm_addr state, bool *ret_huge)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t slots, used;
	uint64_t max = pm_build_number(b, state, f->obmalloc.maxarenas);
	pm_addr table = pm_build_number(b, state, f->obmalloc.arenas);
	if (max < 16 || max % 16 != 0 ||
		!pm_find_arena_table(b, table, max, &slots, &used))
		return false;
	bool huge = arenas_are_huge(b, table, max);
	if (pm_build_number(b, state,
		    behind_nfp2lasta(b,
			    &f->obmalloc.narenas_currently_allocated, huge)) !=
		used)
		return false;
	*ret_huge = huge;
	return true;
}

static void settle_huge_arenas(struct pm_build *b)
{
	struct pm_fields *f = &b->l->f;
	struct pm_field *const behind[] = {
		&f->obmalloc.narenas_currently_allocated,
		&f->obmalloc.ntimes_arena_allocated,
		&f->obmalloc.narenas_highwater,
		&f->obmalloc.raw_allocated_blocks,
	};
	for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
		struct pm_field moved = behind_nfp2lasta(b, behind[i], true);
		if (moved.off == behind[i]->off)
			continue;
		*behind[i] = moved;
		b->l->sources[behind[i] - (struct pm_field *)f] =
			PM_SOURCE_CALIBRATED;
	}
	b->l->t.arena_size *= 2;
}

static void calibrate_obmalloc(struct pm_build *b)
{
	struct pm_fields *f = &b->l->f;
	bool embedded = b->l->t.obmalloc_home == PM_OBMALLOC_EMBEDDED;
	bool huge;
	size_t word = b->l->t.word_size, len = b->interp.len;
	if (!embedded && b->l->t.obmalloc_home != PM_OBMALLOC_POINTER)
		return;
	if (!embedded && len > OBMALLOC_FRONT)
		len = OBMALLOC_FRONT;
	for (size_t off = 0; off + word <= len; off += word) {
		pm_addr state = embedded ? b->interp.start + off
					 : pm_span_pointer(b, &b->interp, off);
		/* cheap test first: is there a pointer to a table at all? */
		if (embedded) {
			size_t at = off + f->obmalloc.arenas.off;
			if (at + word > b->interp.len ||
				!pm_build_is_address(
					b, pm_span_pointer(b, &b->interp, at)))
				continue;
		}
		if (!pm_build_is_address(b, state) ||
			!is_obmalloc(b, state, &huge))
			continue;
		if (huge)
			settle_huge_arenas(b);
		pm_tell_calibrated(b, PM_INDEX(interp.obmalloc), off);
		return;
	}
	pm_build_warn(b,
		"no table of pymalloc arenas in the interpreter at "
		"0x%llx (PYTHONMALLOC=malloc?)",
		(unsigned long long)b->interp.start);
}

static void calibrate_interned(struct pm_build *b)
{
	size_t word = b->l->t.word_size;
	if (b->l->t.interned_home != PM_INTERNED_INTERP)
		return;
	for (size_t off = 0; off + word <= b->interp.len; off += word) {
		if (!pm_find_is_interned(
			    b, pm_span_pointer(b, &b->interp, off)))
			continue;
		pm_tell_calibrated(b, PM_INDEX(interp.interned_strings), off);
		return;
	}
	pm_build_warn(b,
		"no dict of interned strings in the interpreter at "
		"0x%llx",
		(unsigned long long)b->interp.start);
}

/* ---- static types' state ---- */

/* Each type has its entry where its index says, and the entry names it. */
static void calibrate_types(struct pm_build *b)
{
	const struct pm_fields *f = &b->l->f;
	const struct pm_places *at = &b->l->at;
	const pm_addr types[] = {at->object_type.addr, at->type_type.addr,
		at->dict_type.addr, at->unicode_type.addr};
	size_t offsets[sizeof types / sizeof *types];
	size_t n = sizeof types / sizeof *types, word = b->l->t.word_size;
	uint32_t stride = f->static_type_state.sizeof_.off;
	if (b->l->t.static_types != PM_STATIC_TYPES_PER_INTERP ||
		!pm_has(f->interp.types) || !stride)
		return;
	for (size_t i = 0; i < n; i++) {
		uint64_t index =
			pm_build_number(b, types[i], f->type.subclasses);
		if (!index || index > MAX_STATIC_TYPES)
			return;
		offsets[i] = (size_t)(index - 1) * stride +
			     f->types_state.builtins.off +
			     f->static_type_state.type.off;
	}
	for (size_t off = 0; off + word <= b->interp.len; off += word) {
		size_t i = 0;
		for (; i < n && off + offsets[i] + word <= b->interp.len; i++)
			if (pm_span_pointer(b, &b->interp, off + offsets[i]) !=
				types[i])
				break;
		if (i < n)
			continue;
		pm_tell_calibrated(b, PM_INDEX(interp.types), off);
		return;
	}
}

void pm_calibrate_interp_fields(struct pm_build *b)
{
	if (pm_build_interp(b, NULL) != PM_OK)
		return;
	seek_threads(b, &b->interp);
	calibrate_gc(b);
	calibrate_generations(b);
	calibrate_obmalloc(b);
	calibrate_interned(b);
	calibrate_types(b);
	pm_calibrate_freelists(b);
}
