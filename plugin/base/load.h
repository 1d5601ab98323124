/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers out of bytes of another program, which may be of a machine with the
   other byte order. */
#ifndef PM_BASE_LOAD_H
#define PM_BASE_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#define PM_HOST_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* An unsigned little- or big-endian number of 1, 2, 4 or 8 bytes. */
static inline uint64_t pm_load(const void *p, unsigned size, bool big_endian)
{
	bool swap = big_endian != PM_HOST_BIG_ENDIAN;
	switch (size) {
	case 1:
		return *(const uint8_t *)p;
	case 2: {
		uint16_t x;
		__builtin_memcpy(&x, p, 2);
		return swap ? __builtin_bswap16(x) : x;
	}
	case 4: {
		uint32_t x;
		__builtin_memcpy(&x, p, 4);
		return swap ? __builtin_bswap32(x) : x;
	}
	case 8: {
		uint64_t x;
		__builtin_memcpy(&x, p, 8);
		return swap ? __builtin_bswap64(x) : x;
	}
	default:
		return 0;
	}
}

#endif
