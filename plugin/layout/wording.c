/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout/wording.h"

bool pm_wording_is(const struct pm_layout *l, enum pm_wording w)
{
	static const unsigned since[] = {
#define X(name, since_) [PM_WORDING_##name] = since_,
		PM_WORDINGS(X)
#undef X
	};
	/* What came with a patch release is known by all of its number, and of
	   later ones, too, where only the row is known. */
	if (since[w] > 0xffff)
		return l->hexversion >= since[w] ||
		       (l->row && l->row->version > since[w] >> 16);
	return l->row && l->row->version >= since[w];
}
