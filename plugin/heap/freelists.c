/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/freelists-internal.h"

#include "heap/footprint.h"
#include "object/threads.h"

#include <stdlib.h>
#include <string.h>

/* The longest real one holds 2000 (tuples of one length). */
#define MAX_HELD (1 << 20)

/* struct _Py_freelist { void *freelist; Py_ssize_t size; } */
#define LIST_WORDS 2

#define I(path)                                                                \
	(uint16_t)(offsetof(struct pm_fields, path) / sizeof(struct pm_field))
#define L(name) I(freelists.name), I(freelists.name##_n)
#define NO PM_NO_FREELIST_FIELD

const struct pm_freelist_kind pm_freelist_kinds[] = {
	{"floats", L(floats), PM_FREELIST_CHAIN, I(object.type),
		I(float_.sizeof_), false, "builtins.float"},
	{"complexes", I(freelists.complexes), NO, PM_FREELIST_NONE, NO,
		I(complex_.sizeof_), false, NULL},
	{"ints", I(freelists.ints), NO, PM_FREELIST_NONE, NO, I(long_.sizeof_),
		false, NULL},
	{"tuples", L(tuples), PM_FREELIST_CHAIN, I(tuple.item), NO, true,
		"builtins.tuple"},
	{"lists", L(lists), PM_FREELIST_STACK, NO, I(list.sizeof_), true,
		"builtins.list"},
	{"list iterators", I(freelists.list_iters), NO, PM_FREELIST_NONE, NO,
		I(list_iter.sizeof_), true, NULL},
	{"tuple iterators", I(freelists.tuple_iters), NO, PM_FREELIST_NONE, NO,
		I(tuple_iter.sizeof_), true, NULL},
	{"dicts", L(dicts), PM_FREELIST_STACK, NO, I(dict.sizeof_), true,
		"builtins.dict"},
	{"dict keys", L(dict_keys), PM_FREELIST_STACK, NO, NO, false, NULL},
	{"frames", L(frames), PM_FREELIST_CHAIN, I(frame.back),
		I(frame.sizeof_), true, "builtins.frame"},
	{"slices", I(freelists.slices), NO, PM_FREELIST_ONE, NO,
		I(slice.sizeof_), true, "builtins.slice"},
	{"ranges", I(freelists.ranges), NO, PM_FREELIST_NONE, NO,
		I(range.sizeof_), false, NULL},
	{"range iterators", I(freelists.range_iters), NO, PM_FREELIST_NONE, NO,
		NO, false, NULL},
	{"contexts", L(contexts), PM_FREELIST_CHAIN, I(context.weakrefs),
		I(context.sizeof_), true, "builtins.Context"},
	{"values of async generators", L(async_gens), PM_FREELIST_STACK, NO, NO,
		true, "builtins.async_generator_wrapped_value"},
	{"asend of async generators", L(asends), PM_FREELIST_STACK, NO, NO,
		true, "builtins.async_generator_asend"},
	{"future iterators", I(freelists.future_iters), NO, PM_FREELIST_NONE,
		NO, NO, true, NULL},
	/* Of free-threaded builds; linked by their first word. */
	{"object stacks", L(object_stacks), PM_FREELIST_CHAIN, I(object.refcnt),
		NO, false, NULL},
	{"str writers", I(freelists.unicode_writers), NO, PM_FREELIST_NONE, NO,
		NO, false, NULL},
	{"bytes writers", I(freelists.bytes_writers), NO, PM_FREELIST_NONE, NO,
		NO, false, NULL},
	{"functions of C", I(freelists.cfunctions), NO, PM_FREELIST_CHAIN,
		I(cfunction.self), I(cfunction.sizeof_), true,
		"builtins.builtin_function_or_method"},
	{"methods of C", I(freelists.cmethods), NO, PM_FREELIST_NONE, NO,
		I(cmethod.sizeof_), true, NULL},
	{"methods", I(freelists.methods), NO, PM_FREELIST_CHAIN, I(method.self),
		I(method.sizeof_), true, "builtins.method"},
	{"memory errors", NO, NO, PM_FREELIST_CHAIN, I(exception.dict),
		I(exception.sizeof_), true, "builtins.MemoryError"},
	{0},
};

/* ---- what is held ---- */

bool pm_freelist_is_dead(const struct pm_heap *h, pm_addr addr)
{
	const struct pm_layout *l = h->l;
	uint64_t word = 1;
	/* Counted in several parts there, which are not all 0. */
	if (l->t.refcnt_form == PM_REFCNT_BIASED)
		return true;
	return pm_layout_read(l, h->memory, addr, l->f.object.refcnt, &word,
		       NULL) == PM_OK &&
	       word == 0;
}

bool pm_freelist_are_dead_keys(const struct pm_heap *h, pm_addr addr)
{
	uint64_t refcnt = 2;
	return pm_layout_read(h->l, h->memory, addr, h->l->f.dict_keys.refcnt,
		       &refcnt, NULL) == PM_OK &&
	       refcnt <= 1;
}

bool pm_freelist_chain(struct pm_heap *h, const struct pm_freelist_kind *k,
	pm_addr head, uint64_t count, struct pm_freelists *f, bool *ret_nomem)
{
	const struct pm_layout *l = h->l;
	unsigned ws = l->t.word_size;
	bool first_word = l->t.freelist_link == PM_FREELIST_FIRST_WORD;
	unsigned link = first_word ? 0 : pm_freelist_field(l, k->link).off;
	size_t before = f->held.len;
	uint64_t n = 0, at = head;
	while (at && at % ws == 0 && n < count && n < MAX_HELD) {
		if (!first_word && link && !pm_freelist_is_dead(h, at))
			break;
		if (!pm_vec_push(&f->held, at)) {
			*ret_nomem = true;
			break;
		}
		n++;
		if (pm_memory_read_uint(h->memory, at + link, ws, &at, NULL) !=
			PM_OK)
			break;
	}
	if (!at && (n == count || count == UINT64_MAX))
		return true;
	f->held.len = before;
	return false;
}

bool pm_freelist_stack(struct pm_heap *h, const struct pm_freelist_kind *k,
	pm_addr items, uint64_t n, size_t cap, struct pm_freelists *f,
	bool *ret_nomem)
{
	unsigned ws = h->l->t.word_size;
	size_t before = f->held.len;
	bool good = n <= cap;
	for (uint64_t i = 0; good && i < n; i++) {
		uint64_t at = 0;
		good = pm_memory_read_uint(h->memory, items + i * ws, ws, &at,
			       NULL) == PM_OK &&
		       at && at % ws == 0 &&
		       (k->items == I(freelists.dict_keys)
				       ? pm_freelist_are_dead_keys(h, at)
				       : pm_freelist_is_dead(h, at));
		if (good && !pm_vec_push(&f->held, at))
			*ret_nomem = true;
	}
	if (!good)
		f->held.len = before;
	return good;
}

static uint64_t held_bytes(struct pm_heap *h, const struct pm_freelist_kind *k,
	uint32_t length, pm_addr at)
{
	const struct pm_layout *l = h->l;
	unsigned ws = l->t.word_size;
	uint64_t size = pm_freelist_field(l, k->size).off, more = 0;
	uint32_t pre = k->gc ? l->t.gc_head_size : 0;
	if (length)
		size = l->f.tuple.item.off + (uint64_t)length * ws;
	/* Frames have as many more words as their ob_size says. */
	if (k->link == I(frame.back) &&
		pm_layout_read(l, h->memory, at, l->f.var_object.size, &more,
			NULL) == PM_OK &&
		more < MAX_HELD)
		size += more * ws;
	return pm_block_size(
		h, h->memory, at - pre, size ? size + pre : 2 * ws);
}

enum pm_status pm_freelist_credit(struct pm_heap *h,
	const struct pm_freelist_kind *k, uint32_t length, size_t from,
	struct pm_freelists *f, struct pm_error *err)
{
	struct pm_freelist *to = NULL;
	const char *name = k ? k->name : "others";
	pm_vec_each (p, &f->lists)
		if (!strcmp(p->name, name) && p->length == length)
			to = p;
	if (!to) {
		if (!pm_vec_push(&f->lists,
			    (struct pm_freelist){name, length, 0, 0, false}))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		to = &f->lists.data[f->lists.len - 1];
	}
	for (size_t i = from; k && i < f->held.len; i++)
		to->bytes += held_bytes(h, k, length, f->held.data[i]);
	to->count += f->held.len - from;
	return PM_OK;
}

/* ---- lists whose place is known ---- */

static uint64_t number(struct pm_heap *h, pm_addr at, struct pm_field f)
{
	uint64_t v = 0;
	if (f.size < 1 || f.size > 8 ||
		pm_memory_read_uint(h->memory, at + f.off, f.size, &v, NULL) !=
			PM_OK)
		return 0;
	/* -1: a list that is no longer in use. */
	return f.size == 4 && (uint32_t)v == UINT32_MAX ? 0 : v;
}

/* List number i of a kind; before 3.14. */
static enum pm_status read_one(struct pm_heap *h,
	const struct pm_freelist_kind *k, pm_addr base, struct pm_field items,
	struct pm_field count, unsigned i, struct pm_freelists *f,
	struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	unsigned ws = l->t.word_size;
	bool tuples = k->link == I(tuple.item);
	bool nomem = false, good = true;
	size_t from = f->held.len;
	/* Where the empty tuple is no static object it is the first, and not
	   free. */
	uint32_t length = tuples ? i + pm_has(l->f.runtime.static_objects) : 0;
	if (tuples) {
		items.off += i * ws;
		count.off += i * 4;
		count.size = 4;
	}
	if (tuples && !length)
		return PM_OK;
	uint64_t n = number(h, base, count), head = 0;
	switch (k->form) {
	case PM_FREELIST_STACK:
		good = pm_freelist_stack(
			h, k, base + items.off, n, items.size / ws, f, &nomem);
		break;
	case PM_FREELIST_ONE:
	case PM_FREELIST_CHAIN:
		if (pm_memory_read_uint(h->memory, base + items.off, ws, &head,
			    NULL) != PM_OK)
			good = false;
		else if (k->form == PM_FREELIST_CHAIN)
			good = pm_freelist_chain(h, k, head, n, f, &nomem);
		else if (head && pm_freelist_is_dead(h, head))
			nomem = !pm_vec_push(&f->held, head);
		break;
	case PM_FREELIST_NONE:
		return PM_OK;
	}
	if (nomem)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	f->broken += !good;
	return pm_freelist_credit(h, k, length, from, f, err);
}

static enum pm_status read_fields(struct pm_heap *h, pm_addr base,
	struct pm_freelists *f, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	for (const struct pm_freelist_kind *k = pm_freelist_kinds; k->name;
		k++) {
		struct pm_field items = pm_freelist_field(l, k->items);
		struct pm_field count = pm_freelist_field(l, k->count);
		if (!pm_has(items))
			continue;
		unsigned n = k->link == I(tuple.item)
				     ? items.size / l->t.word_size
				     : 1;
		for (unsigned i = 0; i < n; i++)
			PM_TRY(read_one(h, k, base, items, count, i, f, err));
	}
	return PM_OK;
}

/* Since 3.14 every list has the same form; those that we do not know by name
   are read as well. */
static const struct pm_freelist_kind *kind_at(
	const struct pm_layout *l, unsigned off, uint32_t *ret_length)
{
	unsigned step = LIST_WORDS * l->t.word_size;
	*ret_length = 0;
	for (const struct pm_freelist_kind *k = pm_freelist_kinds; k->name;
		k++) {
		struct pm_field items = pm_freelist_field(l, k->items);
		if (!pm_has(items) || off < items.off ||
			off >= items.off + items.size)
			continue;
		if (items.size > step)
			*ret_length = (off - items.off) / step + 1;
		return k;
	}
	return NULL;
}

static enum pm_status read_array(struct pm_heap *h, pm_addr base, unsigned len,
	struct pm_freelists *f, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	unsigned ws = l->t.word_size;
	for (unsigned i = 0; i + LIST_WORDS * ws <= len; i += LIST_WORDS * ws) {
		static const struct pm_freelist_kind other = {.name = "others",
			.items = NO,
			.count = NO,
			.link = NO,
			.size = NO};
		uint32_t length;
		const struct pm_freelist_kind *k = kind_at(l, i, &length);
		uint64_t head = 0, n = 0;
		size_t from = f->held.len;
		bool nomem = false;
		bool good = pm_memory_read_uint(h->memory, base + i, ws, &head,
				    NULL) == PM_OK &&
			    pm_memory_read_uint(h->memory, base + i + ws, ws,
				    &n, NULL) == PM_OK;
		/* -1: no longer in use. */
		if (good && (head || (n && (n >> (ws * 8 - 1)) == 0)))
			good = n <= MAX_HELD &&
			       pm_freelist_chain(
				       h, k ? k : &other, head, n, f, &nomem);
		if (nomem)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		f->broken += !good;
		PM_TRY(pm_freelist_credit(
			h, k ? k : &other, length, from, f, err));
	}
	return PM_OK;
}

static enum pm_status read_state(struct pm_heap *h, pm_addr base,
	struct pm_field lists, struct pm_freelists *f, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	if (l->t.freelist_link == PM_FREELIST_FIRST_WORD)
		return read_array(h, base,
			pm_has(l->f.freelists.sizeof_)
				? l->f.freelists.sizeof_.off
				: lists.size,
			f, err);
	return read_fields(h, base, f, err);
}

static enum pm_status read_memory_errors(struct pm_heap *h, pm_addr interp,
	struct pm_freelists *f, struct pm_error *err)
{
	const struct pm_fields *fields = &h->l->f;
	const struct pm_freelist_kind *k = pm_freelist_kinds;
	if (!pm_has(fields->interp.memory_errors))
		return PM_OK;
	while (k->link != I(exception.dict))
		k++;
	/* Always linked by their dict. */
	size_t from = f->held.len;
	uint64_t n = number(h, interp, fields->interp.memory_errors_n);
	uint64_t at = 0;
	PM_TRY(pm_layout_read(h->l, h->memory, interp,
		fields->interp.memory_errors, &at, err));
	for (uint64_t i = 0; i < n && i < MAX_HELD; i++) {
		if (!at || !pm_freelist_is_dead(h, at))
			break;
		if (!pm_vec_push(&f->held, at))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (pm_layout_read(h->l, h->memory, at, fields->exception.dict,
			    &at, NULL) != PM_OK)
			break;
	}
	if (f->held.len - from != n || at) {
		f->held.len = from;
		f->broken++;
	}
	return pm_freelist_credit(h, k, 0, from, f, err);
}

static enum pm_status read_threads(struct pm_heap *h, pm_addr interp,
	struct pm_freelists *f, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	struct pm_field lists = l->f.thread_impl.freelists;
	if (!pm_has(lists))
		return PM_OK;
	struct pm_chain t = pm_threads_of(l, h->memory, interp);
	for (; t.at; pm_chain_next(&t))
		PM_TRY(read_state(h, t.at + lists.off, lists, f, err));
	f->broken += t.status != PM_OK;
	return PM_OK;
}

static enum pm_status read_interpreters(
	struct pm_heap *h, struct pm_freelists *f, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	struct pm_chain i = pm_interpreters(l, h->memory);
	for (; i.at; pm_chain_next(&i)) {
		pm_addr interp = i.at;
		struct pm_field lists = l->f.interp.freelists;
		/* From 3.10 to 3.12 they stand in the state one by one. */
		if (pm_has(lists) || !pm_has(l->f.thread_impl.freelists))
			PM_TRY(read_state(
				h, interp + lists.off, lists, f, err));
		PM_TRY(read_threads(h, interp, f, err));
		PM_TRY(read_memory_errors(h, interp, f, err));
	}
	f->broken += i.status != PM_OK;
	return PM_OK;
}

static int by_address(const void *a, const void *b)
{
	const pm_addr *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* A release without a row, and nothing told where they are. */
static enum pm_status lose(
	const struct pm_layout *l, struct pm_freelists *f, struct pm_error *err)
{
	for (const struct pm_freelist_kind *k = pm_freelist_kinds; k->name;
		k++) {
		struct pm_freelist lost = {.name = k->name, .unknown = true};
		if (pm_has(pm_freelist_field(l, k->items)) &&
			!pm_vec_push(&f->lists, lost))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

enum pm_status pm_freelists_read(
	struct pm_heap *h, struct pm_freelists *ret, struct pm_error *err)
{
	const struct pm_layout *l = h->l;
	PM_CLEANUP(pm_freelists_deinit) struct pm_freelists f = {0};
	f.by_structure = l->t.freelist_link == PM_FREELIST_DEAD_REFCNT &&
			 !pm_has(l->f.freelists.floats);
	if (l->freelists_lost)
		PM_TRY(lose(l, &f, err));
	else if (f.by_structure)
		PM_TRY(pm_freelists_read_static(h, &f, err));
	else
		PM_TRY(read_interpreters(h, &f, err));
	if (f.held.len)
		qsort(f.held.data, f.held.len, sizeof *f.held.data, by_address);
	*ret = f;
	f = (struct pm_freelists){0};
	return PM_OK;
}

void pm_freelists_deinit(struct pm_freelists *f)
{
	pm_vec_deinit(&f->held);
	pm_vec_deinit(&f->lists);
}

size_t pm_freelists_from(const struct pm_freelists *f, pm_addr addr)
{
	size_t lo = 0, hi = f->held.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (f->held.data[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool pm_freelists_hold(const struct pm_freelists *f, pm_addr addr)
{
	size_t i = pm_freelists_from(f, addr);
	return i < f->held.len && f->held.data[i] == addr;
}
