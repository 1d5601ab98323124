/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/segment-owners.h"

#include "heap/interpreter.h"
#include "object/threads.h"

#include <string.h>

#define MAX_STATE_BYTES (4u << 20)
#define MAX_TIMES_LISTED 4 /* each segment: by the field, by the search */

struct reader {
	struct pm_layout l; /* of all interpreters */
	struct pm_memory *m;
	const pm_addr *places;
	size_t nplaces;
	uint64_t segment; /* bytes */
	uint64_t info;	  /* bytes of a segment's head, at least */
	struct pm_segment_owners *o;
};

void pm_segment_owners_deinit(struct pm_segment_owners *o)
{
	pm_vec_deinit(&o->heaps);
	pm_vec_deinit(&o->segments);
	pm_vec_deinit(&o->subprocs);
}

static int by_address(const void *a, const void *b)
{
	const struct pm_owned_address *x = a, *y = b;
	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The last of n that is not behind addr, or NULL. */
static const struct pm_owned_address *before(
	const struct pm_owned_address *all, size_t n, pm_addr addr)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (all[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &all[lo - 1] : NULL;
}

static bool is_place(const struct reader *r, pm_addr addr)
{
	size_t lo = 0, hi = r->nplaces;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (r->places[mid] == addr)
			return true;
		if (r->places[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/* ---- threads that live ---- */

static enum pm_status read_threads(
	struct reader *r, pm_addr interp, int64_t id, struct pm_error *err)
{
	const struct pm_layout *l = &r->l;
	pm_each_thread (t, l, r->m, interp) {
		const struct pm_owned_address x = {
			t.at + l->f.thread_impl.mimalloc_heaps.off, id};
		if (!pm_vec_push(&r->o->heaps, x))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

/* ---- threads that have ended ---- */

/* The segment of no thread that word, the head of a list, leads to; 0: none.
   Heads count the changes of the list in their lower bits. */
static pm_addr abandoned_at(const struct reader *r, uint64_t word)
{
	const struct pm_fields *f = &r->l.f;
	pm_addr at = word & ~(r->segment - 1);
	uint64_t thread, used;
	if (!at || !is_place(r, at) ||
		pm_layout_read(&r->l, r->m, at, f->mi_segment.thread_id,
			&thread, NULL) != PM_OK ||
		pm_layout_read(&r->l, r->m, at, f->mi_segment.used, &used,
			NULL) != PM_OK ||
		thread || !used)
		return 0;
	return at;
}

static enum pm_status follow(
	struct reader *r, uint64_t word, int64_t id, struct pm_error *err)
{
	const struct pm_field next = r->l.f.mi_segment.abandoned_next;
	for (size_t n = 0; n < r->nplaces &&
			   r->o->segments.len < MAX_TIMES_LISTED * r->nplaces;
		n++) {
		const struct pm_owned_address x = {abandoned_at(r, word), id};
		if (!x.addr)
			break;
		if (!pm_vec_push(&r->o->segments, x))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (pm_layout_read(&r->l, r->m, x.addr, next, &word, NULL) !=
			PM_OK)
			break;
	}
	return PM_OK;
}

/* The heads of the lists, wherever the interpreter keeps them: no object is
   in the head of a segment, so nothing else leads there. */
static enum pm_status search_lists(
	struct reader *r, pm_addr interp, int64_t id, struct pm_error *err)
{
	const struct pm_layout *l = &r->l;
	unsigned ws = l->t.word_size;
	size_t size = l->f.interp.sizeof_.off;
	if (size > MAX_STATE_BYTES)
		size = MAX_STATE_BYTES;
	pm_auto_free unsigned char *bytes = malloc(size + 1);
	if (!bytes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (pm_memory_read(r->m, interp, bytes, size, NULL) != PM_OK)
		return PM_OK;
	for (size_t at = 0; at + ws <= size; at += ws) {
		uint64_t word = pm_load(bytes + at, ws, l->t.big_endian);
		if ((word & (r->segment - 1)) < r->info)
			PM_TRY(follow(r, word, id, err));
	}
	return PM_OK;
}

static enum pm_status read_abandoned(
	struct reader *r, pm_addr interp, int64_t id, struct pm_error *err)
{
	const struct pm_fields *f = &r->l.f;
	const struct pm_field heads[] = {
		f->interp.abandoned, f->interp.abandoned_visited};
	uint64_t word;
	if (pm_has(f->mi_segment.subproc)) {
		struct pm_owned_address x = {.interp = id};
		if (pm_layout_read(&r->l, r->m, interp, f->interp.subproc,
			    &x.addr, NULL) == PM_OK &&
			!pm_vec_push(&r->o->subprocs, x))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		return PM_OK;
	}
	if (!pm_has(f->mi_segment.abandoned_next))
		return PM_OK;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
		if (pm_layout_read(&r->l, r->m, interp, heads[i], &word,
			    NULL) == PM_OK)
			PM_TRY(follow(r, word, id, err));
	return search_lists(r, interp, id, err);
}

/* ---- all of them ---- */

static enum pm_status read_all(
	struct reader *r, pm_addr wanted, struct pm_error *err)
{
	pm_each_interpreter (i, &r->l, r->m) {
		int64_t id;
		PM_TRY(pm_interpreter_id(&r->l, r->m, i.at, &id, err));
		if (i.at == wanted)
			r->o->wanted = id;
		PM_TRY(read_threads(r, i.at, id, err));
		PM_TRY(read_abandoned(r, i.at, id, err));
	}
	if (r->o->heaps.len)
		qsort(r->o->heaps.data, r->o->heaps.len,
			sizeof *r->o->heaps.data, by_address);
	if (r->o->segments.len)
		qsort(r->o->segments.data, r->o->segments.len,
			sizeof *r->o->segments.data, by_address);
	return PM_OK;
}

enum pm_status pm_segment_owners_read(const struct pm_layout *l,
	struct pm_memory *m, const pm_addr *places, size_t n,
	struct pm_segment_owners *ret, struct pm_error *err)
{
	PM_CLEANUP(pm_segment_owners_deinit)
	struct pm_segment_owners o = {.known = false};
	struct reader r = {
		.l = *l,
		.m = m,
		.places = places,
		.nplaces = n,
		.segment = pm_segment_size(l, &l->f),
		.info = pm_segment_head_size(&l->f),
		.o = &o,
	};
	if (l->all_interpreters) {
		r.l.at.interp_head.addr = l->all_interpreters;
		r.l.all_interpreters = 0;
	}
	o.known = l->t.obmalloc_home == PM_OBMALLOC_MIMALLOC &&
		  pm_has(l->f.thread_impl.mimalloc_heaps);
	if (o.known)
		PM_TRY(read_all(&r, l->at.interp_head.addr, err));
	*ret = o;
	o = (struct pm_segment_owners){.known = false};
	return PM_OK;
}

/* Of a segment without a thread. */
static int64_t abandoned_owner(const struct pm_segment_owners *o,
	const struct pm_layout *l, const struct pm_segment *s,
	const unsigned char *head, bool objects)
{
	const struct pm_owned_address *x =
		before(o->segments.data, o->segments.len, s->addr);
	if (x && x->addr == s->addr)
		return x->interp;
	pm_vec_each (p, &o->subprocs)
		if (p->addr == pm_get(l, head, l->f.mi_segment.subproc))
			return p->interp;
	return objects ? PM_OWNER_LOST : PM_OWNER_RAW;
}

int64_t pm_segment_owner(const struct pm_segment_owners *o,
	const struct pm_layout *l, const struct pm_segment *s,
	const unsigned char *head)
{
	const struct pm_fields *f = &l->f;
	bool objects = false;
	for (uint32_t i = s->info; i && i < s->entries;
		i = pm_segment_next(l, f, s, head, i)) {
		const unsigned char *e = pm_segment_entry(f, head, i);
		if (!pm_get(l, e, f->mi_page.block_size))
			continue;
		objects |= pm_get(l, e, f->mi_page.tag) != 0;
		pm_addr heap = pm_get(l, e, f->mi_page.heap);
		const struct pm_owned_address *x =
			heap ? before(o->heaps.data, o->heaps.len, heap) : NULL;
		if (x && heap - x->addr < f->thread_impl.mimalloc_heaps.size)
			return x->interp;
	}
	if (!s->thread)
		return abandoned_owner(o, l, s, head, objects);
	return objects ? PM_OWNER_LOST : PM_OWNER_RAW;
}
