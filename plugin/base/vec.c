/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/vec.h"

bool pm_vec_reserve_raw(void **data, size_t *cap, size_t n, size_t elem_size)
{
	if (n <= *cap)
		return true;
	size_t want = *cap ? *cap + *cap / 2 + 1 : 8;
	if (want < n)
		want = n;
	size_t bytes;
	if (__builtin_mul_overflow(want, elem_size, &bytes))
		return false;
	void *p = realloc(*data, bytes);
	if (!p)
		return false;
	*data = p;
	*cap = want;
	return true;
}
