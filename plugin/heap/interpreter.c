/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/interpreter.h"
#include "object/threads.h"

#include <inttypes.h>

struct seen {
	pm_addr interp, state; /* of the one that is wanted */
	uint64_t others;
	int64_t sharing; /* id of one with the same allocator, -1 none */
	bool none;	 /* one of the others has no allocator of its own */
};

enum pm_status pm_interpreter_obmalloc(const struct pm_layout *l,
	struct pm_memory *m, pm_addr interp, pm_addr *ret, struct pm_error *err)
{
	uint64_t state = 0;
	switch (l->t.obmalloc_home) {
	case PM_OBMALLOC_EMBEDDED:
		state = interp + l->f.interp.obmalloc.off;
		break;
	case PM_OBMALLOC_POINTER:
		PM_TRY(pm_layout_read(
			l, m, interp, l->f.interp.obmalloc, &state, err));
		break;
	case PM_OBMALLOC_STATICS:
	case PM_OBMALLOC_MIMALLOC:
		break;
	}
	*ret = state;
	return PM_OK;
}

/* The allocator that an interpreter uses and nobody else could; one that was
   told to use main's has an empty one (3.12). */
static enum pm_status own_state(const struct pm_layout *l, struct pm_memory *m,
	pm_addr interp, pm_addr *ret, struct pm_error *err)
{
	uint64_t arenas = 0;
	PM_TRY(pm_interpreter_obmalloc(l, m, interp, ret, err));
	if (*ret)
		PM_TRY(pm_layout_read(
			l, m, *ret, l->f.obmalloc.arenas, &arenas, err));
	if (!arenas)
		*ret = 0;
	return PM_OK;
}

enum pm_status pm_interpreter_id(const struct pm_layout *l, struct pm_memory *m,
	pm_addr interp, int64_t *ret, struct pm_error *err)
{
	uint64_t id = 0;
	if (pm_has(l->f.interp.id)) {
		PM_TRY(pm_layout_read(l, m, interp, l->f.interp.id, &id, err));
		*ret = (int64_t)id;
		return PM_OK;
	}
	/* Before 3.7 they have none; the main one, the last, is 0. */
	struct pm_chain i = pm_interpreters(l, m);
	for (i.at = interp; i.at; pm_chain_next(&i))
		id++;
	PM_TRY(pm_chain_check(&i, err));
	*ret = (int64_t)id - 1;
	return PM_OK;
}

static enum pm_status find(const struct pm_layout *l, struct pm_memory *m,
	int64_t id, struct seen *s, struct pm_error *err)
{
	struct pm_chain i = pm_interpreters(l, m);
	for (; i.at; pm_chain_next(&i)) {
		int64_t this_id;
		PM_TRY(pm_interpreter_id(l, m, i.at, &this_id, err));
		if (this_id == id)
			s->interp = i.at;
		else
			s->others++;
	}
	PM_TRY(pm_chain_check(&i, err));
	if (!s->interp)
		return pm_fail(err, PM_USAGE, 0,
			"there is no interpreter %" PRId64
			" (py-info lists them)",
			id);
	return PM_OK;
}

static enum pm_status compare(const struct pm_layout *l, struct pm_memory *m,
	struct seen *s, struct pm_error *err)
{
	pm_addr state;
	/* Each thread has heaps of its own. */
	if (l->t.obmalloc_home == PM_OBMALLOC_MIMALLOC &&
		pm_has(l->f.thread_impl.mimalloc_heaps)) {
		s->state = s->interp;
		return PM_OK;
	}
	PM_TRY(own_state(l, m, s->interp, &s->state, err));
	struct pm_chain i = pm_interpreters(l, m);
	for (; i.at; pm_chain_next(&i)) {
		if (i.at == s->interp)
			continue;
		PM_TRY(own_state(l, m, i.at, &state, err));
		if (!state)
			s->none = true;
		else if (state == s->state)
			PM_TRY(pm_interpreter_id(l, m, i.at, &s->sharing, err));
	}
	return pm_chain_check(&i, err);
}

enum pm_status pm_interpreter_alone(const struct pm_layout *l,
	struct pm_memory *m, int64_t id, struct pm_layout **ret,
	struct pm_error *err)
{
	struct seen s = {.sharing = -1};
	PM_TRY(find(l, m, id, &s, err));
	PM_TRY(compare(l, m, &s, err));
	/* Those that have none use main's. */
	if (s.others && (!s.state || s.sharing >= 0 || (s.none && !id)))
		return pm_fail(err, PM_ABSENT, s.interp,
			"interpreter %" PRId64
			" shares its allocator with others: its objects "
			"cannot be told from theirs",
			id);
	struct pm_layout *alone = malloc(sizeof *alone);
	if (!alone)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*alone = *l;
	alone->all_interpreters = l->at.interp_head.addr;
	alone->at.interp_head.addr = s.interp;
	*ret = alone;
	return PM_OK;
}
