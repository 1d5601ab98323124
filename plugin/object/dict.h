/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of dicts and of instance attributes (Objects/dictobject.c). */
#ifndef PM_OBJECT_DICT_H
#define PM_OBJECT_DICT_H

#include "layout/layout.h"

/* A keys object, checked. */
struct pm_keys {
	pm_addr addr;
	int64_t refcnt;
	uint64_t bytes;	   /* what _PyDict_KeysSize says */
	uint64_t usable;   /* entries it has room for */
	uint64_t nentries; /* entries in use, deleted ones included */
	uint64_t
		values_usable; /* entries of the values array of a split dict */
	pm_addr entries;
	unsigned entry_size, key_off, value_off;
};

/* Where the table of a dict is, whose bytes are at body: its keys object, or
   where there are none (2.7) the dict itself.  For pm_keys_load. */
static inline pm_addr pm_dict_keys(
	const struct pm_layout *l, pm_addr dict, const void *body)
{
	return l->t.keys_form == PM_KEYS_TABLE
		       ? dict
		       : pm_get(l, body, l->f.dict.keys);
}

PM_CHECKED enum pm_status pm_keys_load(const struct pm_layout *l,
	struct pm_memory *m, pm_addr addr, struct pm_keys *ret,
	struct pm_error *err);

/* The size of a combined table from the size class of its block, when just
   one table size falls into that class; 0: read it.  block and step are the
   class size and the alignment, extra what debug hooks add. */
struct pm_keys_shape {
	uint64_t bytes, usable;
	unsigned entry_size;
};
bool pm_keys_shape_of_class(const struct pm_layout *l, uint64_t block,
	uint64_t step, uint64_t extra, struct pm_keys_shape *ret);
uint64_t pm_keys_size_of_class(const struct pm_layout *l, uint64_t block,
	uint64_t step, uint64_t extra);

/* Entry by entry of a dict: *pos from 0; false at the end, or when an entry
   can't be read (*ret_status).  Skips empty entries. values 0: combined. */
bool pm_keys_next(const struct pm_layout *l, struct pm_memory *m,
	const struct pm_keys *k, pm_addr values, uint64_t *pos,
	pm_addr *ret_key, pm_addr *ret_value, enum pm_status *ret_status);

/* The pairs of a dict, or the attributes of an instance, in the order of
   Python's own: what a split table holds has an order of its own (3.11). */
struct pm_dict_iter {
	const struct pm_layout *l;
	struct pm_memory *m;
	struct pm_keys k;
	pm_addr values; /* the array, 0: combined */
	bool ordered;	/* order[] says where the i-th value is */
	unsigned char order[256];
	uint64_t n, pos;
	pm_addr at; /* of the last pair: the word that holds its value */
	enum pm_status status;
};

/* values: as a dict's ma_values or an instance points to them, 0: none. */
PM_CHECKED enum pm_status pm_dict_iter_init(const struct pm_layout *l,
	struct pm_memory *m, pm_addr keys, pm_addr values,
	struct pm_dict_iter *ret, struct pm_error *err);
/* Over the dict at addr whose bytes are at body. */
PM_CHECKED enum pm_status pm_dict_iter_of(const struct pm_layout *l,
	struct pm_memory *m, pm_addr addr, const void *body,
	struct pm_dict_iter *ret, struct pm_error *err);
/* false at the end, or when something can't be read (it->status). */
bool pm_dict_iter_next(
	struct pm_dict_iter *it, pm_addr *ret_key, pm_addr *ret_value);

/* The value under an ASCII str key of the dict object at addr; 0 when there
   is none or it can't be read. Linear. */
pm_addr pm_dict_find(const struct pm_layout *l, struct pm_memory *m,
	pm_addr dict, const char *key);

/* The array of values behind a values pointer, and the address where its
   block begins with its byte size (0: not known). */
pm_addr pm_values_array(const struct pm_layout *l, pm_addr values);

#endif
