/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of a snapshot with the graph: what some of its objects are, and who holds
   them.  One pass over the file, whatever its size: a resumable job. */
#ifndef PM_SNAPSHOT_KEEPERS_H
#define PM_SNAPSHOT_KEEPERS_H

#include "snapshot/snapshot.h"

/* Of each object so many are named. */
#define PM_KEEPERS_NAMED 2

struct pm_keeper {
	pm_addr addr;	  /* 0: a root */
	const char *type; /* NULL: a root; the snapshot's */
	char *via;	  /* what py-refs says; a root's name */
};

struct pm_kept {
	char *value;
	struct pm_keeper by[PM_KEEPERS_NAMED]; /* roots are the last */
	uint64_t n;			       /* references and roots */
};

struct pm_keepers; /* opaque */

/* index: of the objects, n of them, each once; copied.  The snapshot has
   .facts.has_graph. */
PM_CHECKED enum pm_status pm_keepers_create(const struct pm_snapshot *s,
	const uint64_t *index, size_t n, struct pm_keepers **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_keepers_step(struct pm_keepers *j, double seconds,
	bool *ret_done, struct pm_error *err);
void pm_keepers_destroy(struct pm_keepers *j);
/* Once done, owned by the job: in the order of index. */
const struct pm_kept *pm_keepers_result(const struct pm_keepers *j);

#endif
