/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Python's threading module knows of threads: threading._active of each
   interpreter. */
#ifndef PM_OBJECT_THREAD_NAMES_H
#define PM_OBJECT_THREAD_NAMES_H

#include "base/strbuf.h"
#include "object/object.h"
#include "object/threads.h"

struct pm_thread_object {
	pm_addr interp;
	uint64_t ident;
	pm_addr object; /* threading.Thread or of a subclass */
	pm_addr name;	/* its _name, 0: not found */
	bool daemon;
};

struct pm_thread_objects {
	PM_VEC(struct pm_thread_object) list;
	uint64_t unreadable;
};

/* An interpreter that has not imported threading has none. */
PM_CHECKED enum pm_status pm_thread_objects_load(const struct pm_objects *o,
	struct pm_thread_objects *ret, struct pm_error *err);
void pm_thread_objects_deinit(struct pm_thread_objects *t);
#define pm_auto_thread_objects                                                 \
	PM_CLEANUP(pm_thread_objects_deinit) struct pm_thread_objects

/* NULL: threading does not know it. */
const struct pm_thread_object *pm_thread_object_of(
	const struct pm_thread_objects *t, pm_addr interp, uint64_t ident);

#endif
