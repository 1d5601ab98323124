/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers of objects for viewers that have 32 bits for them: the same in every
   snapshot of a process, live or core, since they follow from the address.

   A process has its memory in two places that are terabytes apart (the program
   and its heap, libraries and mappings): one bit says whether it is that of the
   interpreter's own static objects; the rest is the distance from these, in
   words.  So they are unique as long as neither place is wider than 16 GiB. */
#ifndef PM_EXPORT_IDS_H
#define PM_EXPORT_IDS_H

#include "layout/layout.h"

uint32_t pm_id_of(const struct pm_layout *l, pm_addr addr);

/* How many of these addresses have a number that another may have,
   because their place is wider than that. */
uint64_t pm_id_doubtful(
	const struct pm_layout *l, const pm_addr *addresses, size_t n);

/* Of what is no object, n from 0 on: one that no object has. */
uint64_t pm_id_synthetic(const struct pm_layout *l, unsigned n);

#endif
