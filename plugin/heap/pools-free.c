/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which blocks of a pool are free: what its list holds, and what was never
   carved. */
#include "heap/pools-internal.h"

#include <string.h>

unsigned pm_pools_free_blocks(const struct pm_layout *l,
	const struct pm_pools *p, size_t i, const unsigned char *bytes,
	uint64_t free_bits[static PM_POOL_BLOCK_WORDS], bool *ret_torn)
{
	if (p->pages)
		return pm_mimalloc_free_blocks(
			l, p, i, bytes, free_bits, ret_torn);
	uint32_t size = pm_pools_class_size(p, p->pools[i].szidx);
	uint64_t base = 0;
	uint64_t next = pm_get(l, bytes, l->f.pool.freeblock);
	uint64_t limit = pm_get(l, bytes, l->f.pool.nextoffset);
	unsigned capacity = (p->pool_size - p->header) / size;
	*ret_torn = false;
	memset(free_bits, 0, PM_POOL_BLOCK_WORDS * sizeof *free_bits);
	if (limit < p->header || limit > p->pool_size ||
		(limit - p->header) % size ||
		capacity > PM_POOL_BLOCK_WORDS * 64) {
		*ret_torn = true;
		return 0;
	}
	unsigned carved = (unsigned)((limit - p->header) / size);
	unsigned nfree = 0;
	while (next && nfree <= carved) {
		if (!base)
			base = next & ~(uint64_t)(p->pool_size - 1);
		uint64_t off = next - base;
		uint64_t k = (off - p->header) / size;
		if (off < p->header || (off - p->header) % size ||
			k >= carved || (free_bits[k / 64] >> k % 64 & 1)) {
			*ret_torn = true;
			break;
		}
		free_bits[k / 64] |= UINT64_C(1) << k % 64;
		nfree++;
		next = pm_load(bytes + off, l->t.word_size, l->t.big_endian);
	}
	if (carved - nfree != p->pools[i].used)
		*ret_torn = true;
	return carved;
}

bool pm_pools_ask_block(const struct pm_layout *l, struct pm_memory *m,
	const struct pm_pools *p, size_t i, pm_addr block, bool *ret_carved,
	bool *ret_free)
{
	uint64_t free_bits[PM_POOL_BLOCK_WORDS];
	bool torn;
	pm_auto_free unsigned char *bytes = malloc(pm_pools_bytes(p, i));
	if (!bytes || pm_memory_read(m, pm_pools_address(p, i), bytes,
			      pm_pools_bytes(p, i), NULL) != PM_OK)
		return false;
	unsigned n = pm_pools_free_blocks(l, p, i, bytes, free_bits, &torn);
	uint32_t k = pm_pools_index(p, i, block);
	*ret_carved = k < n;
	*ret_free = k < n && (free_bits[k / 64] >> k % 64 & 1);
	return true;
}
