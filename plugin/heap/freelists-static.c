/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Free lists that are static variables of the interpreter (3.9 and before),
   without their names: words of its data that point to dead objects.  An
   array's entries behind its end are stale, but what they lead to is alive,
   freed, or further in front in the same array: so an array holds every dead
   object that it leads to, once. */
#include "heap/freelists-internal.h"

#include <string.h>

#define CHUNK (64 * 1024)
#define MAX_DATA ((uint64_t)64 << 20)
#define MAX_STACK 80   /* PyDict_MAXFREELIST and the others */
#define MAX_CHAIN 4000 /* tuples of one length: 2000 */
#define NEAR 128       /* bytes from a list to its length */

/* A word of the data that may be a list or an entry of one. */
struct lead {
	const struct pm_freelist_kind *kind;
	uint32_t length; /* of a tuple */
	pm_addr from, to;
};

struct search {
	struct pm_heap *h;
	const struct pm_freelist_kind *floats;
	PM_VEC(struct lead) leads;
};

static void deinit_search(struct search *s)
{
	pm_vec_deinit(&s->leads);
}

/* In a block that the allocator counts as used, or beyond its arenas. */
static bool is_in_use(struct pm_heap *h, pm_addr at)
{
	const struct pm_pools *p = h->pools;
	int64_t pool = pm_pools_find(p, at);
	if (pool < 0)
		return !h->modules || !pm_modules_at(h->modules, at);
	pm_addr block = pm_pools_block(p, (size_t)pool, at);
	bool carved, unused;
	return block &&
	       pm_pools_ask_block(h->l, h->memory, p, (size_t)pool, block,
		       &carved, &unused) &&
	       carved && !unused;
}

/* A held float's type word leads to the next one, or is 0. */
static bool may_be_float(struct search *s, pm_addr at, uint64_t type)
{
	struct pm_heap *h = s->h;
	const struct pm_pools *p = h->pools;
	int64_t a = pm_pools_find(p, at), b = pm_pools_find(p, type);
	uint32_t want = h->l->f.float_.sizeof_.off;
	if (a < 0 || p->pools[a].state != PM_POOL_USED)
		return false;
	uint32_t size = pm_pools_class_size(p, p->pools[a].szidx) -
			p->hook_pre - p->hook_post;
	return size >= want && size < want + p->alignment &&
	       (!type || (b >= 0 && p->pools[b].szidx == p->pools[a].szidx &&
				 pm_freelist_is_dead(h, type)));
}

static enum pm_status look(
	struct search *s, pm_addr from, pm_addr at, struct pm_error *err)
{
	struct pm_heap *h = s->h;
	const struct pm_layout *l = h->l;
	struct lead lead = {.from = from, .to = at};
	uint64_t type = 0;
	if (!at || at % l->t.word_size || !pm_freelist_is_dead(h, at) ||
		pm_layout_read(l, h->memory, at, l->f.object.type, &type,
			NULL) != PM_OK)
		return PM_OK;
	const struct pm_type *t = NULL;
	if (may_be_float(s, at, type)) {
		lead.kind = s->floats;
	} else {
		t = pm_types_get(h->types, type);
		if (!t)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	const struct pm_freelist_kind *k = pm_freelist_kinds;
	for (; t && t->is_type && !lead.kind && k->name; k++)
		if (k->type && k != s->floats && !strcmp(k->type, t->name))
			lead.kind = k;
	if (!lead.kind || !is_in_use(h, at))
		return PM_OK;
	if (t && t->kind == PM_KIND_TUPLE) {
		uint64_t n = 0;
		if (pm_layout_read(l, h->memory, at, l->f.var_object.size, &n,
			    NULL) != PM_OK ||
			!n || n > 64)
			return PM_OK;
		lead.length = (uint32_t)n;
	}
	if (!pm_vec_push(&s->leads, lead))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status scan(struct search *s, struct pm_error *err)
{
	const struct pm_layout *l = s->h->l;
	unsigned ws = l->t.word_size;
	const struct pm_module *python = l->python;
	pm_auto_free unsigned char *bytes = malloc(CHUNK);
	if (!bytes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!python || python->data_end <= python->data_start ||
		python->data_end - python->data_start > MAX_DATA)
		return PM_OK;
	for (pm_addr at = python->data_start; at < python->data_end;
		at += CHUNK) {
		uint64_t left = python->data_end - at;
		size_t got = pm_target_read_some(s->h->target, at, bytes,
			left < CHUNK ? (size_t)left : CHUNK);
		for (size_t i = 0; i + ws <= got; i += ws) {
			pm_addr to = pm_load(bytes + i, ws, l->t.big_endian);
			/* What is free lies in memory of an allocator. */
			if (to >= 0x10000 &&
				!(to >= python->start && to < python->end))
				PM_TRY(look(s, at + i, to, err));
		}
	}
	return PM_OK;
}

/* Is there an int of this value close to a list's variable? */
static bool has_length_near(struct pm_heap *h, pm_addr at, uint64_t n)
{
	for (int by = -NEAR; by <= NEAR; by += 4) {
		uint64_t v = 0;
		if (pm_memory_read_uint(h->memory, at + (pm_addr)by, 4, &v,
			    NULL) == PM_OK &&
			v == n)
			return true;
	}
	return false;
}

static enum pm_status take_stack(struct search *s,
	const struct pm_freelist_kind *k, struct pm_freelists *f,
	struct pm_error *err)
{
	size_t from = f->held.len;
	pm_vec_each (lead, &s->leads) {
		bool seen = lead->kind != k;
		for (size_t i = from; i < f->held.len && !seen; i++)
			seen = f->held.data[i] == lead->to;
		if (!seen && f->held.len - from < MAX_STACK &&
			!pm_vec_push(&f->held, lead->to))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return pm_freelist_credit(s->h, k, 0, from, f, err);
}

/* Of all words that lead to the links of one chain, its head leads to most;
   words that lead elsewhere have no length beside them. */
static enum pm_status take_chain(struct search *s,
	const struct pm_freelist_kind *k, uint32_t length,
	struct pm_freelists *f, struct pm_error *err)
{
	PM_CLEANUP(pm_freelists_deinit) struct pm_freelists best = {0};
	bool best_sure = false;
	pm_vec_each (lead, &s->leads) {
		PM_CLEANUP(pm_freelists_deinit) struct pm_freelists one = {0};
		bool nomem = false;
		if (lead->kind != k || lead->length != length ||
			!pm_freelist_chain(
				s->h, k, lead->to, UINT64_MAX, &one, &nomem)) {
			if (nomem)
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
			continue;
		}
		bool sure = has_length_near(s->h, lead->from, one.held.len);
		if (one.held.len > MAX_CHAIN || (best_sure && !sure) ||
			(best_sure == sure && one.held.len <= best.held.len) ||
			(!sure && one.held.len < 2 && k == s->floats))
			continue;
		struct pm_freelists was = best;
		best = one;
		one = was;
		best_sure = sure;
	}
	size_t from = f->held.len;
	pm_vec_each (at, &best.held)
		if (!pm_vec_push(&f->held, *at))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return pm_freelist_credit(s->h, k, length, from, f, err);
}

static pm_addr symbol(struct pm_heap *h, const char *name)
{
	struct pm_symbol found;
	const struct pm_module *in;
	size_t pos = 0;
	while (h->modules &&
		pm_modules_next_symbol(h->modules, name, &pos, &found, &in))
		if (in == h->l->python)
			return found.addr;
	return 0;
}

/* Stale entries look like those that are held: only symbols tell how many
   there are. */
static enum pm_status take_keys(struct pm_heap *h,
	const struct pm_freelist_kind *k, struct pm_freelists *f,
	struct pm_error *err)
{
	pm_addr items = symbol(h, "keys_free_list");
	pm_addr count = symbol(h, "numfreekeys");
	size_t from = f->held.len;
	uint64_t n = 0;
	bool nomem = false;
	bool known =
		items && count &&
		pm_memory_read_uint(h->memory, count, 4, &n, NULL) == PM_OK;
	if (known && !pm_freelist_stack(h, k, items, n, MAX_STACK, f, &nomem))
		f->broken++;
	if (nomem)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_freelist_credit(h, k, 0, from, f, err));
	f->lists.data[f->lists.len - 1].unknown = !known;
	return PM_OK;
}

enum pm_status pm_freelists_read_static(
	struct pm_heap *h, struct pm_freelists *f, struct pm_error *err)
{
	PM_CLEANUP(deinit_search) struct search s = {.h = h};
	const struct pm_freelist_kind *k = pm_freelist_kinds;
	while (strcmp(k->name, "floats"))
		k++;
	s.floats = k;
	PM_TRY(scan(&s, err));
	for (k = pm_freelist_kinds; k->name; k++) {
		if (!strcmp(k->name, "dict keys"))
			PM_TRY(take_keys(h, k, f, err));
		if (!k->type)
			continue;
		bool tuples = !strcmp(k->type, "builtins.tuple");
		if (k->form == PM_FREELIST_CHAIN)
			for (uint32_t n = tuples; n < (tuples ? 20 : 1); n++)
				PM_TRY(take_chain(&s, k, n, f, err));
		else
			PM_TRY(take_stack(&s, k, f, err));
		/* What malloc got back still looks dead: the end of an array
		   is not seen. */
		if (k->form != PM_FREELIST_CHAIN && !h->pools->arenas.len)
			f->lists.data[f->lists.len - 1].unknown = true;
	}
	return PM_OK;
}
