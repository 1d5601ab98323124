/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of the table.  To add one: maint/gen-layout makes its file, this
   list and local.mk name it. */
#ifndef PM_LAYOUT_ROWS_H
#define PM_LAYOUT_ROWS_H

#include "layout/layout.h"

#include <elf.h>

/* clang-format off */
#define PM_ROWS(X) \
	X(2_7) X(2_7d) X(2_7_15) X(2_7_15d) X(2_7_17) X(2_7_17d) \
	X(3_6) X(3_6d) X(3_6_15a) \
	X(3_7_0) X(3_7_0d) X(3_7) X(3_7d) \
	X(3_8) X(3_8d) \
	X(3_9) X(3_9d) \
	X(3_10) X(3_10d) \
	X(3_11) X(3_11d) \
	X(3_12_0) X(3_12_0d) X(3_12) X(3_12d) \
	X(3_12_4) X(3_12_4d) X(3_12_7) X(3_12_7d) \
	X(3_13) X(3_13d) X(3_13t) X(3_13_1) X(3_13_1d) X(3_13_1t) \
	X(3_13_12) X(3_13_12d) X(3_13_12t) \
	X(3_13_13) X(3_13_13d) X(3_13_13t) \
	X(3_14_0) X(3_14_0t) X(3_14_1) X(3_14_1t) \
	X(3_14_3) X(3_14_3t) X(3_14_4) \
	X(3_14) X(3_14d) X(3_14t) X(3_14td) X(3_14_10t) \
	X(3_15) X(3_15d) X(3_15t) X(3_15_2t)
/* Those of other machines. */
#define PM_TWINS(X) \
	X(3_9_i386) X(3_9_aarch64) X(3_10_i386) X(3_11_i386) X(3_11_aarch64) \
	X(3_11_s390x) X(3_12_i386) X(3_12_7_i386) X(3_12_7_aarch64) \
	X(3_13_13_i386) X(3_13_13_aarch64) X(3_13_13_s390x) X(3_14_i386) \
	X(3_14_aarch64)
/* clang-format on */

/* Where _Py_DebugOffsets has the offset of a field. */
#define PM_SLOT(at, field)                                                     \
	{                                                                      \
		(at), offsetof(struct pm_fields, field) /                      \
			      sizeof(struct pm_field)                          \
	}

/* What the rows are spelled with: byte offset and width; bits start at bit. */
#define PM_AT(off, size)                                                       \
	{                                                                      \
		(off), (size), 0, 0                                            \
	}
#define PM_BITS(off, size, bit, bits)                                          \
	{                                                                      \
		(off), (size), (bit), (bits)                                   \
	}

#define X(name) extern const struct pm_row pm_row_##name;
PM_ROWS(X)
PM_TWINS(X)
#undef X

#endif
