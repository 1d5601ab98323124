/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GDB's debug info about CPython: asked in batches, a probe first, and
   remembered as long as GDB shows the same executable. */
#ifndef PM_GDB_DEBUG_INFO_H
#define PM_GDB_DEBUG_INFO_H

#include "command/session.h"
#include "gdb/request.h"
#include "gdb/response.h"

struct debug_answer {
	uint64_t value;
	bool known;
};

struct debug_cache {
	PM_VEC(struct debug_answer) answers; /* by index of the question */
	size_t asked;			     /* questions below it were asked */
	size_t cursor;
	char *key; /* the target they belong to; NULL: none */
	bool complete;
};

void debug_cache_deinit(struct debug_cache *c);

/* Begins; the probe is asked again in any case.  image tells two programs of
   the same file and process apart (exec). */
PM_CHECKED enum pm_status debug_cache_begin(struct debug_cache *c,
	const struct pm_host_facts *f, uint64_t image, struct pm_error *err);
/* Asks the next batch; false: there is nothing more to ask. */
bool debug_cache_ask(struct debug_cache *c, struct pm_response *r);
PM_CHECKED enum pm_status debug_cache_answer(struct debug_cache *c,
	const struct pm_request *r, struct pm_error *err);
/* For the session. */
struct pm_debug_info debug_cache_info(struct debug_cache *c);

#endif
