/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How full lists, dicts, sets, deques and bytearrays are: one pass over a
   walked heap, or, by owner, one more before it that notes whose each of them
   is.  A resumable job. */
#ifndef PM_HEAP_COLLECTIONS_H
#define PM_HEAP_COLLECTIONS_H

#include "base/strbuf.h"
#include "heap/scan.h"

struct pm_collections_job; /* opaque */

enum pm_fill {
	PM_FILL_EMPTY,
	PM_FILL_ONE, /* element */
	PM_FILL_QUARTER,
	PM_FILL_HALF,
	PM_FILL_THREE_QUARTERS,
	PM_FILL_MORE,
	PM_FILLS,
};
const char *pm_fill_text(enum pm_fill fill);

struct pm_collections_row {
	const struct pm_type *type;
	uint32_t owner; /* of pm_collections_owner; 0: not known, not asked */
	enum pm_fill fill; /* when asked by fill */
	uint64_t count, used, capacity;
	uint64_t waste; /* bytes set aside for entries that are not in use */
	uint64_t fills[PM_FILLS];
	uint64_t empty_bytes; /* that the allocator set aside for empty ones */
	pm_addr sample;	      /* the one with the most waste */
	uint64_t sample_waste;
};

enum pm_collections_by { PM_BY_TYPE, PM_BY_FILL, PM_BY_OWNER };

struct pm_collections {
	PM_VEC(struct pm_collections_row) rows;
	uint64_t unreadable, inconsistent;
};

PM_CHECKED enum pm_status pm_collections_create(struct pm_heap *h,
	enum pm_collections_by by, struct pm_collections_job **ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_collections_step(struct pm_collections_job *j,
	double seconds, bool *ret_done, struct pm_error *err);
void pm_collections_progress(const struct pm_collections_job *j,
	uint64_t *ret_done, uint64_t *ret_total);
/* Owned by the job; the rows may be sorted. */
struct pm_collections *pm_collections_result(struct pm_collections_job *j);
/* Appends the owner of a row: "attribute .tags of app.Foo". */
void pm_collections_owner(struct pm_collections_job *j,
	const struct pm_collections_row *row, struct pm_strbuf *out);
void pm_collections_destroy(struct pm_collections_job *j);

#endif
