/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of measuring share: measure.c (the interpreter's own types),
   measure-modules.c (types of C modules). */
#ifndef PM_OBJECT_MEASURE_INTERNAL_H
#define PM_OBJECT_MEASURE_INTERNAL_H

#include "object/measure.h"

#define PM_MAX_ITEMS (UINT64_C(1) << 40)

/* One measurement under way. */
struct pm_measuring {
	const struct pm_layout *l;
	const struct pm_type *t;
	pm_addr addr;
	const unsigned char *obj;
	size_t avail;
	const struct pm_resolver *r;
	struct pm_measure *out;
};

/* A word n words behind the object header: structs of C modules. */
static inline uint64_t word_at(const struct pm_measuring *x, unsigned n)
{
	unsigned ws = x->l->t.word_size;
	size_t off = x->l->f.object.sizeof_.off + (size_t)n * ws;
	if (off + ws > x->avail)
		return 0;
	return pm_load(x->obj + off, ws, x->l->t.big_endian);
}

/* The byte that word starts with, and the int. */
static inline uint64_t part_at(
	const struct pm_measuring *x, unsigned n, unsigned size)
{
	unsigned ws = x->l->t.word_size;
	size_t off = x->l->f.object.sizeof_.off + (size_t)n * ws;
	if (off + size > x->avail)
		return 0;
	return pm_load(x->obj + off, size, x->l->t.big_endian);
}

static inline int64_t var_size(const struct pm_measuring *x)
{
	return pm_get_signed(x->l, x->obj, x->l->f.var_object.size);
}

static inline void own(struct pm_measuring *x, enum pm_buffer_kind kind,
	pm_addr addr, uint64_t bytes, uint64_t count)
{
	if (addr && x->out->nbuffers < PM_MAX_BUFFERS)
		x->out->buffers[x->out->nbuffers++] =
			(struct pm_buffer){addr, bytes, count, kind, false};
}

static inline bool far_word(const struct pm_measuring *x, pm_addr addr,
	unsigned size, uint64_t *ret)
{
	return x->r->word(x->r->arg, addr, size, ret);
}

/* collections.deque. */
enum pm_status pm_measure_deque(struct pm_measuring *x);
/* Adds what the types of C modules count or own besides their struct. */
enum pm_status pm_measure_module_type(struct pm_measuring *x);

#endif
