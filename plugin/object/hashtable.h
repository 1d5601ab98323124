/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CPython's own hash tables (_Py_hashtable_t in Python/hashtable.c, until 3.8
   Modules/hashtable.c): an array of chains of entries, each of them malloc'd.
   A key and a value are a word each; until 3.8 they were as many bytes as the
   table says, behind the entry's head.

	pm_auto_hashtable_reader r;
	pm_hashtable_reader_init(&r, l, target, &table);
	do {
		PM_TRY(pm_hashtable_read(&r, &done, err));
		for (size_t i = 0; i < r.n; i++)
			... pm_hashtable_key(&r, i), pm_hashtable_value(&r, i)
	} while (!done);

   Chains that close, or lead elsewhere, end there and are counted; no more
   entries are followed than a table of that size may have. */
#ifndef PM_OBJECT_HASHTABLE_H
#define PM_OBJECT_HASHTABLE_H

#include "layout/layout.h"
#include "target/scattered.h"

struct pm_hashtable {
	pm_addr addr, buckets;
	uint64_t nentries, nbuckets;
	uint32_t key_size, data_size; /* bytes behind the head; 0: by fields */
};

/* PM_CORRUPT: it makes no sense as one. */
PM_CHECKED enum pm_status pm_hashtable_load(const struct pm_layout *l,
	struct pm_memory *m, pm_addr addr, struct pm_hashtable *ret,
	struct pm_error *err);

struct pm_hashtable_reader {
	const struct pm_layout *l;
	struct pm_hashtable table;
	size_t n;	 /* entries of the last read */
	size_t *indices; /* of each of them in .entries */
	struct pm_scattered entries;
	uint64_t bucket, seen;		   /* how far */
	uint64_t unreadable, inconsistent; /* ends of chains */
	/* Private: where chains stand. */
	struct pm_hashtable_link *links;
	pm_addr *addrs;
	unsigned char *heads;
	size_t nlinks;
};

void pm_hashtable_reader_init(struct pm_hashtable_reader *r,
	const struct pm_layout *l, struct pm_target *t,
	const struct pm_hashtable *table);
void pm_hashtable_reader_deinit(struct pm_hashtable_reader *r);
#define pm_auto_hashtable_reader                                               \
	PM_CLEANUP(pm_hashtable_reader_deinit) struct pm_hashtable_reader

/* The next entries, a few ten thousand at most, perhaps none; *ret_done: there
   are no more behind these. */
PM_CHECKED enum pm_status pm_hashtable_read(
	struct pm_hashtable_reader *r, bool *ret_done, struct pm_error *err);

/* Of the i-th entry of the last read, which is readable. */
const unsigned char *pm_hashtable_key(
	const struct pm_hashtable_reader *r, size_t i);
const unsigned char *pm_hashtable_value(
	const struct pm_hashtable_reader *r, size_t i);

#endif
