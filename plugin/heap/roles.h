/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What collections (containers, bytearrays) are to the one that refers to them
   by a name: "attribute .tags of app.Foo", "dict of app.Foo", "module dict app
   'CACHE'", "local rows of load (app.py)", "co_consts of code"; and those that
   are found only in other collections, however deep: "nested in attribute
   .rows of app.Table".  Of several names the first that is seen counts, a
   field of a C struct least.  A resumable job after a walk. */
#ifndef PM_HEAP_ROLES_H
#define PM_HEAP_ROLES_H

#include "base/strbuf.h"
#include "heap/scan.h"

struct pm_roles; /* opaque */

PM_CHECKED enum pm_status pm_roles_create(
	struct pm_heap *h, struct pm_roles **ret, struct pm_error *err);
PM_CHECKED enum pm_status pm_roles_step(struct pm_roles *r, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_roles_progress(
	const struct pm_roles *r, uint64_t *ret_done, uint64_t *ret_total);
void pm_roles_destroy(struct pm_roles *r);

/* Once done: the role of a collection, 0: nothing with a name leads to it. */
uint32_t pm_roles_of(const struct pm_roles *r, pm_addr object);
/* Roles of one text are one: from 1 to pm_roles_count (). */
uint32_t pm_roles_count(const struct pm_roles *r);
const char *pm_roles_text(const struct pm_roles *r, uint32_t role);
/* Is it an instance's, a class's or a module's __dict__? */
bool pm_roles_is_dict(const struct pm_roles *r, uint32_t role);
/* Is what has it in another collection only? */
bool pm_roles_is_nested(const struct pm_roles *r, uint32_t role);
/* Whose objects of this type with this role are, as a group is called: "list in
   attribute .tags of app.Foo", "dict of app.Foo", "app.Foo" of no role. */
void pm_roles_owner(const struct pm_roles *r, const struct pm_type *t,
	uint32_t role, struct pm_strbuf *out);
uint64_t pm_roles_unreadable(const struct pm_roles *r);

#endif
