/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growing array: struct { T *data; size_t len, cap; } and these macros.
   Pushing may move data, so hold no pointer into it across a push. */
#ifndef PM_BASE_VEC_H
#define PM_BASE_VEC_H

#include "base/error.h"

#define PM_VEC(T)                                                              \
	struct {                                                               \
		T *data;                                                       \
		size_t len, cap;                                               \
	}

/* Makes room for n elements; false when out of memory (unchanged then). */
PM_CHECKED bool pm_vec_reserve_raw(
	void **data, size_t *cap, size_t n, size_t elem_size);

#define pm_vec_reserve(v, n)                                                   \
	((v)->cap >= (n) || pm_vec_reserve_raw((void **)&(v)->data, &(v)->cap, \
				    (n), sizeof *(v)->data))

/* Appends; false when out of memory. */
#define pm_vec_push(v, ...)                                                    \
	(pm_vec_reserve((v), (v)->len + 1)                                     \
			? ((v)->data[(v)->len++] = (__VA_ARGS__), true)        \
			: false)

#define pm_vec_deinit(v)                                                       \
	do {                                                                   \
		free((v)->data);                                               \
		(v)->data = NULL;                                              \
		(v)->len = (v)->cap = 0;                                       \
	} while (0)

#define pm_vec_each(p, v)                                                      \
	for (__typeof__(&*(v)->data) p = (v)->data;                            \
		p && p < (v)->data + (v)->len; p++)

#endif
