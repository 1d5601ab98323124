/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout/printable.h"

#define NEVER 255

bool pm_printable(const struct pm_layout *l, uint32_t character)
{
	size_t low = 0, high = pm_printable_count;
	if (character > 0x10ffff)
		return false;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if ((pm_printable_runs[middle] & 0xffffff) <= character)
			low = middle;
		else
			high = middle;
	}
	unsigned since = pm_printable_runs[low] >> 24;
	/* What a release after those of the table adds is not known. */
	return since != NEVER && (l->hexversion >> 16 & 0xff) >= since;
}
