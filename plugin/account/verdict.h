/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the memory went, in a sentence: the first rule that fires on the
   figures of the ledger, with those figures. */
#ifndef PM_ACCOUNT_VERDICT_H
#define PM_ACCOUNT_VERDICT_H

#include "account/ledger.h"

/* X(NAME, "rule in JSON") */
#define PM_VERDICTS(X)                                                         \
	X(NOTHING, "nothing stands out")                                       \
	X(LIVE, "live objects")                                                \
	X(FRAGMENTATION, "fragmentation")                                      \
	X(NATIVE, "native memory")                                             \
	X(CACHING, "allocator caching")                                        \
	X(CYCLES, "uncollected cycles")                                        \
	X(COPY_ON_WRITE, "copy-on-write loss")

enum pm_verdict_rule {
#define X(name, text) PM_VERDICT_##name,
	PM_VERDICTS(X)
#undef X
};
const char *pm_verdict_text(enum pm_verdict_rule rule);

/* Bytes of private memory by what could be done about it: resident where that
   is known, else mapped. */
struct pm_verdict {
	enum pm_verdict_rule rule;
	uint64_t all;		/* private memory: all below, and the rest */
	uint64_t live;		/* live objects, their slack */
	uint64_t fragmentation; /* free, but in pools and arenas in use */
	uint64_t native;	/* in use by no Python object */
	uint64_t caching;	/* free in malloc, and arenas without a block */
	uint64_t cycles;	/* of live: what no root reaches */
	uint64_t unshared;	/* copies of pages that the parent has, too */
	bool knows_cycles, knows_unshared;
	uint64_t blocks; /* in use, in all pools */
};

/* Fills all but cycles and unshared, which the caller may know. */
void pm_verdict_figures(const struct pm_ledger *g, const struct pm_pools *p,
	struct pm_verdict *ret);
/* Chooses the rule. */
void pm_verdict_choose(struct pm_verdict *v);

#endif
