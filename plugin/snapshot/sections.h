/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sections of a snapshot of a heap (container.h), what is in them, and the
   rules that its writer and its reader share. */
#ifndef PM_SNAPSHOT_SECTIONS_H
#define PM_SNAPSHOT_SECTIONS_H

#include "snapshot/container.h"

enum pm_snapshot_section {
	/* Pairs of texts, a name and a value: PM_SNAPSHOT_FACTS. */
	PM_SECTION_FACTS = 1,
	/* For each type: its qualified name, its module, its address, 1 if its
	   objects have a print. */
	PM_SECTION_TYPES,
	/* Texts: owners, see heap/roles.h.  Number 0 is none, and not here. */
	PM_SECTION_OWNERS,
	/* What many objects have in common: type, owner, size (as
	   sys.getsizeof), bytes set aside, and of containers that can grow
	   their length, plus 1 (0: none).  In the order of their first use. */
	PM_SECTION_SHAPES,
	/* A number each for every object, in the order of addresses; first
	   those in the allocator's arenas, then the others.  Addresses as the
	   difference to the one before (0 at both starts), its lowest two bits
	   put on top. */
	PM_SECTION_ADDRESSES,
	PM_SECTION_SHAPE_OF,
	/* Two bytes for each object whose type has prints: a hash of what
	   cannot change while it lives. */
	PM_SECTION_PRINTS,
	/* Texts: paths, those that look the same are one (graph/patterns.h).
	   Number 0 is none, and not here. */
	PM_SECTION_PATHS,
	/* The number of its path for each object with a length, where there are
	   paths in the file; for each object, where there is the graph. */
	PM_SECTION_PATH_OF,
	/* Of a file with the graph.  A text for each object: its repr, cut. */
	PM_SECTION_VALUES,
	/* For each object its references: plus 1, the folded difference of the
	   number of the object that is referred to and its own; then 0. */
	PM_SECTION_REFERENCES,
	/* A text for each reference: what py-refs says of it. */
	PM_SECTION_VIAS,
	/* For each root: the number of its object, as the folded difference to
	   that of the root before; 0 if it is a guess, else 1; its name. */
	PM_SECTION_ROOTS,
	PM_SECTIONS_USED,
};

/* X(member, "name in the file", TEXT or NUMBER); a number is a text there,
   too. */
#define PM_SNAPSHOT_FACTS(X)                                                   \
	X(target, "target", TEXT)   /* "process 12" */                         \
	X(python, "python", TEXT)   /* version */                              \
	X(process, "process", TEXT) /* random bytes of its start, "" */        \
	X(place, "place", TEXT) /* where its runtime and interpreter are */    \
	X(pid, "pid", NUMBER)	/* 0: not known */                             \
	X(time, "time", NUMBER) /* of the save, seconds since 1970 */          \
	X(interpreter, "interpreter", NUMBER) /* plus 1, 0: all */             \
	X(inside, "inside", NUMBER)	      /* objects in arenas */          \
	X(outside, "outside", NUMBER)                                          \
	X(has_paths, "paths", NUMBER)                                          \
	X(has_graph, "graph", NUMBER)                                          \
	X(has_owners, "owners", NUMBER)                                        \
	X(unreadable, "unreadable", NUMBER)                                    \
	X(inconsistent, "inconsistent", NUMBER)

struct pm_snapshot_facts {
#define PM_MEMBER_TEXT(member) char member[512];
#define PM_MEMBER_NUMBER(member) uint64_t member;
#define X(member, name, type) PM_MEMBER_##type(member)
	PM_SNAPSHOT_FACTS(X)
#undef X
#undef PM_MEMBER_TEXT
#undef PM_MEMBER_NUMBER
};

static inline uint64_t pm_pack_step(uint64_t step)
{
	return step >> 2 | step << 62;
}
static inline uint64_t pm_unpack_step(uint64_t packed)
{
	return packed << 2 | packed >> 62;
}

#endif
