/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/verdict.h"

/* A cause is named when it is at least a quarter of the private memory: below
   that, mending it would not change what people see. */
#define SHARE 4

const char *pm_verdict_text(enum pm_verdict_rule rule)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PM_VERDICTS(X)
#undef X
	};
	return texts[rule];
}

static uint64_t bytes_of(const struct pm_ledger *g, enum pm_ledger_class c)
{
	return g->has_resident ? g->rows[c].resident : g->rows[c].mapped;
}

void pm_verdict_figures(const struct pm_ledger *g, const struct pm_pools *p,
	struct pm_verdict *ret)
{
	static const enum pm_ledger_class others[] = {PM_LEDGER_FREE_LISTS,
		PM_LEDGER_FRAMES, PM_LEDGER_OVERHEAD, PM_LEDGER_STACKS,
		PM_LEDGER_LIBRARIES_DATA};
	*ret = (struct pm_verdict){0};
	for (size_t i = 0; i < p->npools; i++)
		ret->blocks += p->pools[i].state == PM_POOL_USED
				       ? p->pools[i].used
				       : 0;
	ret->live = bytes_of(g, PM_LEDGER_OBJECTS) +
		    bytes_of(g, PM_LEDGER_LARGE) + bytes_of(g, PM_LEDGER_SLACK);
	ret->fragmentation = bytes_of(g, PM_LEDGER_FREE_BLOCKS) +
			     bytes_of(g, PM_LEDGER_FREE_POOLS);
	ret->native = bytes_of(g, PM_LEDGER_MALLOC_USED) +
		      bytes_of(g, PM_LEDGER_OTHER_BLOCKS) +
		      bytes_of(g, PM_LEDGER_ANONYMOUS);
	ret->caching = bytes_of(g, PM_LEDGER_MALLOC_FREE);
	ret->all = ret->live + ret->fragmentation + ret->native + ret->caching;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ret->all += bytes_of(g, others[i]);
}

void pm_verdict_choose(struct pm_verdict *v)
{
	/* Of live memory, these two say more than that it lives. */
	const struct {
		uint64_t bytes;
		enum pm_verdict_rule rule;
	} causes[] = {
		{v->knows_unshared ? v->unshared : 0, PM_VERDICT_COPY_ON_WRITE},
		{v->knows_cycles ? v->cycles : 0, PM_VERDICT_CYCLES},
		{v->fragmentation, PM_VERDICT_FRAGMENTATION},
		{v->native, PM_VERDICT_NATIVE},
		{v->caching, PM_VERDICT_CACHING},
		{v->live, PM_VERDICT_LIVE},
	};
	uint64_t most = 0;
	v->rule = PM_VERDICT_NOTHING;
	for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
		bool special = causes[i].rule == PM_VERDICT_COPY_ON_WRITE ||
			       causes[i].rule == PM_VERDICT_CYCLES;
		if (causes[i].bytes * SHARE < v->all)
			continue;
		if (causes[i].bytes > most) {
			most = causes[i].bytes;
			v->rule = causes[i].rule;
		}
		/* Half of what lives being garbage is the cause of the rest. */
		if (special && causes[i].bytes * 2 >= v->live)
			break;
	}
}
