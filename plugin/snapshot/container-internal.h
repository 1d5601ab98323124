/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What writer and reader of the container agree on. */
#ifndef PM_SNAPSHOT_CONTAINER_INTERNAL_H
#define PM_SNAPSHOT_CONTAINER_INTERNAL_H

#include "base/load.h"
#include "snapshot/container.h"

#include <string.h>

#define PM_CONTAINER_MAGIC "\x93pymem\r\n"
#define PM_CONTAINER_HEAD 16
#define PM_CHUNK_HEAD 20

static inline void pm_store_u32(unsigned char *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static inline void pm_store_u64(unsigned char *p, uint64_t v)
{
	pm_store_u32(p, (uint32_t)v);
	pm_store_u32(p + 4, (uint32_t)(v >> 32));
}

/* A checksum that goes on from before.  Every step is one to one, so whatever
   happens to one word of the bytes, or to before, is noticed for certain. */
static inline uint64_t pm_checksum(uint64_t before, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t h = before ^ (uint64_t)n;
	for (; n >= 8; p += 8, n -= 8) {
		h = (h ^ pm_load(p, 8, false)) * 0x9E3779B97F4A7C15u;
		h ^= h >> 29;
	}
	for (; n; p++, n--) {
		h = (h ^ *p) * 0x9E3779B97F4A7C15u;
		h ^= h >> 29;
	}
	return h;
}

#endif
