/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export/ids.h"

/* Farther away is the other place. */
#define NEAR (INT64_C(1) << 40)
#define FAR_BIT (UINT64_C(1) << 31)
#define WORD 3 /* log2 of the bytes that objects of 64 bits begin at */

/* Within the static type whose address distances are from: no object begins
   there. */
#define WITHIN 32

static pm_addr anchor(const struct pm_layout *l)
{
	return l->at.type_type.addr;
}

static bool is_far(const struct pm_layout *l, pm_addr addr)
{
	int64_t distance = (int64_t)(addr - anchor(l));
	return distance < -NEAR || distance > NEAR;
}

uint32_t pm_id_of(const struct pm_layout *l, pm_addr addr)
{
	if (l->t.word_size == 4)
		return (uint32_t)addr;
	bool far = is_far(l, addr);
	uint64_t words = (addr - anchor(l)) >> WORD;
	return (uint32_t)(words % FAR_BIT | (far ? FAR_BIT : 0));
}

uint64_t pm_id_doubtful(
	const struct pm_layout *l, const pm_addr *addresses, size_t n)
{
	/* The lowest of each place. */
	pm_addr low[2] = {UINT64_MAX, UINT64_MAX};
	uint64_t doubtful = 0;
	if (l->t.word_size == 4)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (addresses[i] < low[is_far(l, addresses[i])])
			low[is_far(l, addresses[i])] = addresses[i];
	for (size_t i = 0; i < n; i++)
		doubtful += (addresses[i] - low[is_far(l, addresses[i])]) >>
			    WORD >= FAR_BIT;
	return doubtful;
}

uint64_t pm_id_synthetic(const struct pm_layout *l, unsigned n)
{
	if (l->t.word_size == 4)
		return 2 * n + 1; /* no object is at an odd address */
	return n < WITHIN ? n + 1 : (UINT64_C(1) << 32) + n;
}
