/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does the debug allocator stand between the pools and their users? */
#include "heap/pools-internal.h"

#define SAMPLES 64 /* pools */

/* The debug allocator puts a word of size, an API letter and a word less that
   byte of FD before the data; behind it a word of FD, and a serial number until
   3.7. */
static bool has_hook(
	const struct pm_layout *l, struct pm_memory *m, pm_addr block)
{
	unsigned ws = l->t.word_size;
	unsigned char h[16];
	if (pm_memory_read(m, block, h, 2 * ws, NULL) != PM_OK)
		return false;
	bool fence = true;
	for (unsigned k = ws + 1; k < 2 * ws; k++)
		fence = fence && h[k] == h[ws + 1];
	/* 0xfb until 3.7.3 */
	fence = fence && (h[ws + 1] == 0xfd || h[ws + 1] == 0xfb);
	return fence && (h[ws] == 'o' || h[ws] == 'm' || h[ws] == 'r');
}

/* Where C's malloc is used for all: the dict of sys tells. */
static void detect_outside(
	const struct pm_layout *l, struct pm_memory *m, struct pm_pools *p)
{
	unsigned ws = l->t.word_size;
	uint64_t dict;
	if (pm_layout_read(l, m, l->at.interp_head.addr, l->f.interp.sysdict,
		    &dict, NULL) == PM_OK &&
		dict && has_hook(l, m, dict - l->t.gc_head_size - 2 * ws))
		p->outside_hooks = l->t.hook_words * ws;
}

/* The first block in use of pool i; 0: cannot be read.  One that is free tells
   nothing: the debug allocator overwrites all of it (_PyMem_DebugRawFree). */
static pm_addr used_block(const struct pm_layout *l, struct pm_memory *m,
	const struct pm_pools *p, size_t i, unsigned char *bytes)
{
	uint64_t unused[PM_POOL_BLOCK_WORDS];
	bool torn;
	if (pm_memory_read(m, pm_pools_address(p, i), bytes,
		    pm_pools_bytes(p, i), NULL) != PM_OK)
		return 0;
	unsigned n = pm_pools_free_blocks(l, p, i, bytes, unused, &torn);
	for (unsigned k = 0; k < n && !torn; k++)
		if (!(unused[k / 64] >> k % 64 & 1))
			return pm_pools_first(p, i) +
			       k * (uint64_t)pm_pools_class_size(
					   p, p->pools[i].szidx);
	return 0;
}

enum pm_status pm_pools_detect_hooks(const struct pm_layout *l,
	struct pm_memory *m, struct pm_pools *p, struct pm_error *err)
{
	unsigned seen = 0, hooked = 0;
	unsigned ws = l->t.word_size;
	size_t step = p->npools / SAMPLES + 1;
	/* Pages of medium blocks are large, and few. */
	pm_auto_free unsigned char *bytes = malloc(p->pool_size);
	if (!bytes)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < p->npools; i += step) {
		if (p->pools[i].state != PM_POOL_USED ||
			pm_pools_bytes(p, i) > p->pool_size)
			continue;
		pm_addr block = used_block(l, m, p, i, bytes);
		seen += block != 0;
		hooked += block && has_hook(l, m, block);
	}
	if (seen && hooked * 10 > seen * 7) {
		p->hook_pre = 2 * ws;
		p->hook_post = (l->t.hook_words - 2) * ws;
		/* The raw allocator, which gives that out, has its own. */
		p->outside_hooks = 2 * l->t.hook_words * ws;
	}
	if (!p->npools)
		detect_outside(l, m, p);
	return PM_OK;
}
