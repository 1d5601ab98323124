/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/holder-refs.h"

/* Fewer are looked through as fast. */
#define MANY 4096
/* 400 MB of them: of more, each is looked for. */
#define REFS_AT_MOST (1 << 23)
/* Asked so often, it is likely to be asked on. */
#define OFTEN 4

void pm_holder_refs_deinit(struct pm_holder_refs *h)
{
	for (size_t i = 0; i < PM_HOLDERS_SORTED; i++)
		pm_vec_deinit(&h->holders[i].refs);
}

struct filter {
	pm_addr target;
	pm_ref_fn *fn;
	void *arg;
};

static bool pass_on(void *arg, const struct pm_ref *ref)
{
	const struct filter *f = arg;
	return ref->target != f->target || f->fn(f->arg, ref);
}

static bool keep(void *arg, const struct pm_ref *ref)
{
	struct pm_sorted_holder *s = arg;
	s->cut = s->refs.len == REFS_AT_MOST || !pm_vec_push(&s->refs, *ref);
	return !s->cut;
}

/* Those of one target in the order they are found in. */
static int by_target(const void *a, const void *b)
{
	const struct pm_ref *x = a, *y = b;
	if (x->target != y->target)
		return x->target < y->target ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* Room for another: what was asked least goes. */
static struct pm_sorted_holder *slot_of(
	struct pm_holder_refs *h, pm_addr holder)
{
	struct pm_sorted_holder *least = h->holders;
	for (size_t i = 0; i < PM_HOLDERS_SORTED; i++) {
		struct pm_sorted_holder *s = &h->holders[i];
		if (s->addr == holder)
			return s;
		if (s->asked < least->asked)
			least = s;
	}
	pm_vec_deinit(&least->refs);
	*least = (struct pm_sorted_holder){.addr = holder};
	return least;
}

static void sort(struct pm_sorted_holder *s, const struct pm_objects *o,
	const struct pm_object *holder)
{
	s->status = pm_refs_each(o, holder, keep, s);
	if (s->cut || !s->refs.len) {
		pm_vec_deinit(&s->refs);
		return;
	}
	qsort(s->refs.data, s->refs.len, sizeof *s->refs.data, by_target);
	s->sorted = true;
}

static size_t first_of(const struct pm_sorted_holder *s, pm_addr target)
{
	size_t low = 0, high = s->refs.len;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->refs.data[middle].target < target)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum pm_status pm_holder_refs_each(struct pm_holder_refs *h,
	const struct pm_objects *o, const struct pm_object *holder, size_t n,
	pm_addr target, pm_ref_fn *fn, void *arg)
{
	struct filter f = {target, fn, arg};
	if (n < MANY || n > REFS_AT_MOST)
		return pm_refs_each(o, holder, pass_on, &f);
	struct pm_sorted_holder *s = slot_of(h, holder->addr);
	if (++s->asked == OFTEN)
		sort(s, o, holder);
	if (!s->sorted)
		return pm_refs_each(o, holder, pass_on, &f);
	for (size_t i = first_of(s, target);
		i < s->refs.len && s->refs.data[i].target == target; i++)
		if (!fn(arg, &s->refs.data[i]))
			break;
	return s->status;
}
