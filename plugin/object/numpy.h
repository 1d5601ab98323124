/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numpy.ndarray without numpy's debug info: the head of its struct is part of
   the module's ABI (numpy/core/include/numpy/ndarraytypes.h). */
#ifndef PM_OBJECT_NUMPY_H
#define PM_OBJECT_NUMPY_H

#include "object/object.h"

#define PM_NUMPY_MAX_DIMS 64

struct pm_ndarray {
	pm_addr data, base, descr;
	int32_t nd;
	int64_t shape[PM_NUMPY_MAX_DIMS];
	uint64_t itemsize, bytes; /* 0: not known; what shape and dtype make */
	const struct pm_type *scalar; /* numpy.float64, ...; NULL: not known */
	char byteorder;		      /* '=', '<', '>', '|' */
	bool owns, writeable;
};

/* false: x is no array, or its fields make no sense. */
bool pm_ndarray_load(const struct pm_objects *o, const struct pm_object *x,
	struct pm_ndarray *ret);

#endif
