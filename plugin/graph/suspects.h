/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who keeps so much that it may be a leak: found in the dominator tree alone.

   A part is large when it retains a tenth of what roots reach.  From the roots
   down: what keeps that much beside its large parts is a suspect, the
   place where things pile up, and its large parts are looked at by themselves.
   Where one part has most of it the suspect is that part, so that a wrapper is
   not taken for what it wraps.  Objects that link to their own kind (nodes of a
   list, of a tree) are one suspect: the first of them.

   The machinery of the language (sys.modules, modules, their globals) is looked
   through.  What is small there, and has no other owner, is added up by type: a
   type with that much is a suspect, too.  A resumable job; 48 bytes per type
   and little else. */
#ifndef PM_GRAPH_SUSPECTS_H
#define PM_GRAPH_SUSPECTS_H

#include "graph/dominators.h"

/* Of all bytes that roots reach.  Eclipse MAT's: so there are ten at most that
   have nothing to do with each other, few enough to look at each. */
#define PM_SUSPECT_PERCENT 10
/* And so many bytes: less is in any interpreter that just began, where a tenth
   is the table of a module. */
#define PM_SUSPECT_FLOOR (UINT64_C(1) << 20)
/* A part that has so much of the whole stands for it; MAT's, too. */
#define PM_SUSPECT_KEEPS_PERCENT 70

/* What an object is to a Python programmer. */
enum pm_role {
	PM_ROLE_PLAIN,
	PM_ROLE_INSTANCE,  /* of a class: one behind another is a structure */
	PM_ROLE_PROGRAM,   /* functions, classes: code, which does not leak */
	PM_ROLE_MACHINERY, /* not a suspect, what is in it may be */
};

/* Who knows that.  is_space: are these the attributes of the object that
   dominates it? */
struct pm_roles {
	enum pm_role (*role)(void *arg, uint32_t node);
	bool (*is_space)(void *arg, uint32_t node);
	void *arg;
};

enum pm_suspect_kind {
	PM_SUSPECT_OBJECT,    /* most is its own bytes */
	PM_SUSPECT_CONTAINER, /* most is in what it holds */
	PM_SUSPECT_STRUCTURE, /* it and others of its type link to each other */
	PM_SUSPECT_GROUP      /* objects of a type with no owner in common */
};

struct pm_suspect {
	enum pm_suspect_kind kind;
	uint32_t node;	   /* where it piles up; of a group the largest */
	uint64_t retained; /* bytes */
	uint64_t objects;
	size_t within; /* the suspect it is a part of; PM_NOT_WITHIN */
	/* Of a group: what dominates all of them, or PM_BY_ROOTS. */
	uint32_t above;
	/* The type that most of it is due to: objects that the suspect
	   immediately dominates, of a structure all of its own type. */
	uint32_t type;
	uint64_t count, type_retained;
	uint32_t start; /* private: where the way down to it began */
};
#define PM_NOT_WITHIN SIZE_MAX

struct pm_suspects_job; /* opaque */

/* What is large, unless somebody says otherwise. */
uint64_t pm_suspects_usual(const struct pm_dominators *d);

/* ntypes: ids of types are below.  least: what is large; a thousandth of all at
   least.  The graph has its dominators. */
PM_CHECKED enum pm_status pm_suspects_create(const struct pm_graph *g,
	const struct pm_roles *roles, uint32_t ntypes, uint64_t least,
	struct pm_suspects_job **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_suspects_step(struct pm_suspects_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_suspects_destroy(struct pm_suspects_job *j);

/* Once done: that which retains most is first.  Owned by the job. */
const struct pm_suspect *pm_suspects_result(
	const struct pm_suspects_job *j, size_t *ret_n);
/* What is large. */
uint64_t pm_suspects_least(const struct pm_suspects_job *j);
/* The objects of a group, as bits by node; to be freed. */
PM_CHECKED enum pm_status pm_suspects_members(const struct pm_suspects_job *j,
	const struct pm_suspect *s, uint64_t **ret, struct pm_error *err);

#endif
