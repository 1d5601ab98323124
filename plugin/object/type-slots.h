/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of a type's objects that hold references, while they are put
   together: inherited, declared by members, known of its struct, or guessed.
   The first that claims a word keeps it. */
#ifndef PM_OBJECT_TYPE_SLOTS_H
#define PM_OBJECT_TYPE_SLOTS_H

#include "base/vec.h"
#include "object/types.h"

#define PM_SLOTS_MAX 4096

struct pm_slots {
	PM_VEC(struct pm_type_slot) v;
};

void pm_slots_deinit(struct pm_slots *s);

/* Takes over slot.name where slot.kind is PM_SLOT_MEMBER; else it is static. */
void pm_slots_add(struct pm_slots *s, struct pm_type_slot slot);
void pm_slots_inherit(struct pm_slots *s, const struct pm_type *base);
/* count PyMemberDefs at at, or as many as there are before one without a name;
   basicsize: of the objects. */
void pm_slots_add_members(struct pm_slots *s, const struct pm_layout *l,
	struct pm_memory *m, pm_addr at, uint64_t count, int64_t basicsize);
void pm_slots_add_decoder(struct pm_slots *s, const struct pm_layout *l,
	const struct pm_type *t, const struct pm_decoder *d);
/* What C types without a decoder keep in their own part of the struct, which
   starts at from: every word is looked at, whoever reads it checks that an
   object is there. */
void pm_slots_add_native(struct pm_slots *s, const struct pm_layout *l,
	const struct pm_type *t, int64_t from);

/* Gives them to the type, sorted; s is empty then. */
void pm_slots_finish(
	struct pm_slots *s, const struct pm_layout *l, struct pm_type *t);
void pm_type_slots_free(struct pm_type_slot *slots, size_t n);

#endif
