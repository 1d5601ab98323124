/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hash map from a non-zero 64-bit key (an address, usually) to a 64-bit
   value; open addressing, never more than half full.  Key 0 is not allowed.
   Not safe for several threads. */
#ifndef PM_BASE_MAP_H
#define PM_BASE_MAP_H

#include "base/error.h"

struct pm_map_slot {
	uint64_t key, value;
};

struct pm_map {
	struct pm_map_slot *slots; /* 1 << bits of them, NULL while empty */
	size_t len;
	unsigned bits;
};

void pm_map_deinit(struct pm_map *m);

static inline uint64_t pm_map_hash(uint64_t key)
{
	return (key >> 3) * 0x9E3779B97F4A7C15u;
}

/* For keys that are made up: FNV-1a of a text behind a hash, at first
   PM_HASH_BEGIN, and a word behind one.  May be 0, which is no key. */
#define PM_HASH_BEGIN UINT64_C(0xcbf29ce484222325)
static inline uint64_t pm_hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

static inline uint64_t pm_hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9FB21C651E98DF25);
	return hash ^ hash >> 32;
}

/* Returns the slot of key, or NULL. */
static inline struct pm_map_slot *pm_map_find(
	const struct pm_map *m, uint64_t key)
{
	if (!m->slots)
		return NULL;
	size_t mask = ((size_t)1 << m->bits) - 1;
	for (size_t i = pm_map_hash(key) >> (64 - m->bits);;
		i = (i + 1) & mask) {
		if (m->slots[i].key == key)
			return &m->slots[i];
		if (!m->slots[i].key)
			return NULL;
	}
}

/* Finds or adds key; *ret_new (may be NULL) says whether it was added, with
   value 0.  NULL when out of memory.  Moves slots. */
PM_CHECKED struct pm_map_slot *pm_map_put(
	struct pm_map *m, uint64_t key, bool *ret_new);

#endif
