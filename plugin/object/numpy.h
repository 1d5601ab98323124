/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numpy.ndarray without numpy's debug info: the head of its struct and of that
   of a dtype are part of the module's ABI
   (numpy/core/include/numpy/ndarraytypes.h). */
#ifndef PM_OBJECT_NUMPY_H
#define PM_OBJECT_NUMPY_H

#include "object/object.h"

#define PM_NUMPY_MAX_DIMS 64

struct pm_ndarray {
	pm_addr data, base, descr;
	pm_addr dims; /* a block of its own: shape and strides; 0: none */
	int32_t nd;
	int64_t shape[PM_NUMPY_MAX_DIMS];
	uint64_t itemsize, bytes; /* of all items, wherever they are */
	pm_addr scalar;		  /* the dtype's type: numpy.float64, ... */
	char kind;		  /* 'f', 'O', 'V', ... */
	char byteorder;		  /* '=', '<', '>', '|'; '?': no such thing */
	bool owns, writeable;
	bool refers; /* there are references among the items */
};

/* From the bytes of an object that pm_type_is_ndarray.  PM_FAULT: something
   elsewhere could not be read; PM_CORRUPT: its fields make no sense. */
PM_CHECKED enum pm_status pm_ndarray_parse(const struct pm_layout *l,
	const struct pm_resolver *r, pm_addr addr, const unsigned char *obj,
	size_t avail, struct pm_ndarray *ret);

/* false: x is no array, or not to be read. */
bool pm_ndarray_load(const struct pm_objects *o, const struct pm_object *x,
	struct pm_ndarray *ret);

#endif
