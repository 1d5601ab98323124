/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/static-types.h"
#include "object/threads.h"

/* _Py_TPFLAGS_STATIC_BUILTIN (3.12), set on those of extension modules of the
   core too (3.13). */
#define STATIC_BUILTIN (UINT64_C(1) << 1)
#define MAX_TYPES 100000

bool pm_static_type_is_managed(const struct pm_layout *l, uint64_t flags)
{
	return l->t.static_types == PM_STATIC_TYPES_PER_INTERP &&
	       flags & STATIC_BUILTIN;
}

/* struct types_state: builtins.initialized[], then for extension modules two
   counters and another array (Objects/typeobject.c, gh-117398).
   tp_subclasses is the index plus 1: in the first array, in both as if they
   were one, or in the second alone (3.13.0).  Each entry names its type. */
enum pm_status pm_static_type_state(const struct pm_layout *l,
	struct pm_memory *m, pm_addr interp, pm_addr type, uint64_t subclasses,
	pm_addr *ret, struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	uint32_t size = f->static_type_state.sizeof_.off;
	if (!pm_has(f->interp.types) || !pm_has(f->types_state.builtins) ||
		!size || !subclasses || subclasses > MAX_TYPES)
		return pm_fail(err, PM_ABSENT, type, "no state of this type");
	pm_addr first = interp + f->interp.types.off +
			f->types_state.builtins.off + (subclasses - 1) * size;
	pm_addr second =
		first + f->types_state.builtins.size + 2 * l->t.word_size;
	const pm_addr places[] = {first, first + 2 * l->t.word_size, second};
	for (unsigned i = 0; i < 3; i++) {
		uint64_t owner = 0;
		PM_TRY(pm_layout_read(l, m, places[i],
			f->static_type_state.type, &owner, err));
		if (owner != type)
			continue;
		*ret = places[i];
		return PM_OK;
	}
	return pm_fail(err, PM_ABSENT, type, "no state of this type");
}

pm_addr pm_static_type_dict(const struct pm_layout *l, struct pm_memory *m,
	pm_addr type, uint64_t subclasses)
{
	pm_each_interpreter (i, l, m) {
		pm_addr state;
		uint64_t dict = 0;
		if (pm_static_type_state(l, m, i.at, type, subclasses, &state,
			    NULL) == PM_OK &&
			pm_layout_read(l, m, state, l->f.static_type_state.dict,
				&dict, NULL) == PM_OK &&
			dict)
			return dict;
	}
	return 0;
}
