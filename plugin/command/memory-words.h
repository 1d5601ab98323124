/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-memory's verdict in words and figures. */
#ifndef PM_COMMAND_MEMORY_WORDS_H
#define PM_COMMAND_MEMORY_WORDS_H

#include "account/verdict.h"
#include "command/command.h"

struct pm_memory_facts {
	const struct pm_ledger *ledger;
	struct pm_verdict v; /* chosen */
	uint64_t cycle_objects;
	bool collector_off;
	int parent;	 /* of a forked worker */
	uint64_t shared; /* bytes of pages still shared with it */
};

void pm_memory_say(struct pm_run *r, const struct pm_memory_facts *f);

#endif
