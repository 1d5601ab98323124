/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of an enumeration of references share: refs.c, and
   refs-frames.c for what frames hold. */
#ifndef PM_OBJECT_REFS_INTERNAL_H
#define PM_OBJECT_REFS_INTERNAL_H

#include "object/refs.h"

#define PM_MAX_CHAIN (UINT64_C(1) << 32)

/* One enumeration under way. */
struct pm_ref_walk {
	const struct pm_objects *o;
	const struct pm_object *x;
	pm_ref_fn *fn;
	void *arg;
	bool stop;
	enum pm_status worst;
};

static inline void note(struct pm_ref_walk *w, enum pm_status s)
{
	if (s != PM_OK && w->worst == PM_OK)
		w->worst = s;
}

static inline void emit(struct pm_ref_walk *w, struct pm_ref ref)
{
	if (ref.target && !w->stop && !w->fn(w->arg, &ref))
		w->stop = true;
}

static inline bool word(struct pm_ref_walk *w, pm_addr addr, uint64_t *ret)
{
	enum pm_status s = pm_memory_read_uint(
		w->o->m, addr, w->o->l->t.word_size, ret, NULL);
	note(w, s);
	return s == PM_OK;
}

static inline void emit_field(struct pm_ref_walk *w, pm_addr base,
	struct pm_field f, const char *name)
{
	uint64_t v;
	if (pm_has(f) && word(w, base + f.off, &v))
		emit(w, (struct pm_ref){
				v, PM_VIA_FIELD, name, 0, f.off, base + f.off});
}

/* The frame inside a generator, coroutine or async generator that owns it. */
void pm_walk_gen(struct pm_ref_walk *w);
/* What a frame object holds. */
void pm_walk_frame(struct pm_ref_walk *w);

#endif
