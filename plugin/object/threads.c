/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/threads.h"

static void advance(struct pm_chain *c, pm_addr from)
{
	const struct pm_layout *l = c->l;
	uint64_t next = from;
	if (c->threads)
		c->status = pm_layout_read(
			l, c->m, from, l->f.thread.next, &next, NULL);
	else
		c->status = pm_layout_next_interpreter(l, c->m, &next, NULL);
	c->at = c->status == PM_OK ? next : 0;
}

void pm_chain_next(struct pm_chain *c)
{
	/* Brent's: the anchor moves to where the count is a power of 2, so
	   whoever walks in a ring meets it. */
	if (!(c->n & (c->n + 1)))
		c->anchor = c->at;
	advance(c, c->at);
	c->n++;
	if (c->at && c->at == c->anchor) {
		c->at = 0;
		c->status = PM_CORRUPT;
	}
}

enum pm_status pm_chain_check(const struct pm_chain *c, struct pm_error *err)
{
	if (c->status == PM_OK)
		return PM_OK;
	return pm_fail(err, c->status, 0, "the list of %s %s",
		c->threads ? "an interpreter's threads" : "interpreters",
		c->status == PM_CORRUPT ? "leads back into itself"
					: "is not readable to its end");
}

struct pm_chain pm_interpreters(const struct pm_layout *l, struct pm_memory *m)
{
	return (struct pm_chain){
		.l = l, .m = m, .at = l->at.interp_head.addr, .status = PM_OK};
}

struct pm_chain pm_threads_of(
	const struct pm_layout *l, struct pm_memory *m, pm_addr interp)
{
	struct pm_chain c = {.l = l, .m = m, .threads = true};
	uint64_t head = 0;
	c.status = pm_layout_read(
		l, m, interp, l->f.interp.threads_head, &head, NULL);
	c.at = c.status == PM_OK ? head : 0;
	return c;
}

void pm_threads_deinit(struct pm_threads *t)
{
	pm_vec_deinit(&t->list);
}

static uint64_t number_at(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, struct pm_field f)
{
	uint64_t v = 0;
	return pm_layout_read(l, m, addr, f, &v, NULL) == PM_OK ? v : 0;
}

static int by_age(const void *a, const void *b)
{
	const struct pm_thread *x = a, *y = b;
	if (x->interp_id != y->interp_id)
		return x->interp_id < y->interp_id ? -1 : 1;
	/* Counted from the newest on. */
	return x->number > y->number ? -1 : x->number < y->number;
}

enum pm_status pm_threads_load(const struct pm_layout *l, struct pm_memory *m,
	struct pm_threads *ret, struct pm_error *err)
{
	pm_auto_threads all = {.unreadable = 0};
	struct pm_chain i = pm_interpreters(l, m);
	for (; i.at; pm_chain_next(&i)) {
		struct pm_chain t = pm_threads_of(l, m, i.at);
		for (; t.at; pm_chain_next(&t)) {
			struct pm_thread x = {
				.addr = t.at, .interp = i.at, .number = t.n};
			x.interp_id =
				(int64_t)number_at(l, m, i.at, l->f.interp.id);
			/* Without numbers (3.6), main is the oldest. */
			if (!pm_has(l->f.interp.id))
				x.interp_id = -(int64_t)i.n;
			x.ident = number_at(l, m, t.at, l->f.thread.thread_id);
			x.native = number_at(
				l, m, t.at, l->f.thread.native_thread_id);
			if (!pm_vec_push(&all.list, x))
				return pm_fail(
					err, PM_NOMEM, 0, "out of memory");
		}
		all.unreadable += t.status != PM_OK;
	}
	all.unreadable += i.status != PM_OK;
	if (all.list.len)
		qsort(all.list.data, all.list.len, sizeof *all.list.data,
			by_age);
	for (size_t k = 0; k < all.list.len; k++)
		all.list.data[k].number = k + 1;
	if (!pm_has(l->f.interp.id) && all.list.len) {
		int64_t main_id = all.list.data[0].interp_id;
		pm_vec_each (x, &all.list)
			x->interp_id -= main_id;
	}
	*ret = all;
	all = (struct pm_threads){.unreadable = 0};
	return PM_OK;
}
