/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes on their way to a terminal: none of them arrives raw. */
#include "base/strbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pm_auto_strbuf b = {0};
	pm_strbuf_escaped(&b, data, size);
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.data[i] < 0x20 || b.data[i] == 0x7f)
			__builtin_trap();
	return 0;
}
