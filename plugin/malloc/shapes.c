/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "malloc/shapes.h"

const struct malloc_shape malloc_shapes[] = {
	{
		.releases = "2.43",
		.attached = true,
		.huge_pages = true,
		.thp_mode = true,
		.mapped_drifts = true,
	},
	{
		.releases = "2.35 to 2.42",
		.fastbins = true,
		.fast_flag = true,
		.attached = true,
		.huge_pages = true,
	},
	{
		.releases = "2.27 to 2.34",
		.fastbins = true,
		.fast_flag = true,
		.attached = true,
	},
	{
		.releases = "2.24 to 2.26",
		.fastbins = true,
		.attached = true,
	},
	{
		.releases = "2.23",
		.fastbins = true,
		.attached = true,
		.max_total = true,
	},
	{
		.releases = "2.10 to 2.22",
		.fastbins = true,
		.max_total = true,
	},
	{.releases = NULL},
};

const struct malloc_cache_shape malloc_cache_shapes[] = {
	{
		.releases = "2.42",
		.width = 2,
		.small = 64,
		.large = 12,
	},
	{
		.releases = "2.30 to 2.41",
		.width = 2,
		.small = 64,
		.counts = true,
	},
	{
		.releases = "2.26 to 2.29",
		.width = 1,
		.small = 64,
		.counts = true,
	},
	{.releases = NULL},
};

static uint32_t align(uint32_t off, uint32_t to)
{
	return (off + to - 1) / to * to;
}

bool malloc_places(const struct malloc_shape *s, unsigned word,
	unsigned variant, struct malloc_places *ret)
{
	/* Of 80 bytes for a word of 4, 160 of 8: one more where chunks are
	   aligned to 16 and words have 4.  That was so in one release before
	   there was the flag, too, which is not told from the next. */
	static const uint32_t fast32[] = {11, 10, 0};
	uint32_t nfast = variant ? 0 : 10;
	if (word == 4 && s->fast_flag && variant < 2)
		nfast = fast32[variant];
	if (s->fastbins ? !nfast : variant)
		return false;
	struct malloc_places p = {.nfast = s->fastbins ? nfast : 0};
	p.fastbins = align(s->fast_flag ? 12 : 8, word); /* mutex, flags */
	p.top = p.fastbins + p.nfast * word;
	p.bins = p.top + 2 * word;			  /* last_remainder */
	p.next = p.bins + 2 * PM_MALLOC_BINS * word + 16; /* binmap */
	p.attached = s->attached ? p.next + 2 * word : 0; /* next_free */
	p.system = p.next + (s->attached ? 3 : 2) * word;
	p.size = p.system + 2 * word;
	*ret = p;
	return true;
}

void malloc_params(
	const struct malloc_shape *s, unsigned word, struct malloc_params *ret)
{
	struct malloc_params p = {0};
	uint32_t at = 5 * word; /* three thresholds, arena_test, arena_max */
	if (s->thp_mode) {
		p.thp_mode = at;
		at += word;
	}
	if (s->huge_pages) {
		p.thp = at;
		p.hp = at + word;
		at += 2 * word + 4; /* hp_flags */
	}
	p.n_mmaps = at;
	p.mmapped = align(at + 16, word);
	p.sbrk_base = p.mmapped + (s->max_total ? 3 : 2) * word;
	p.size = p.sbrk_base + word;
	*ret = p;
}
