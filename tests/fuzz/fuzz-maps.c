/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as /proc/PID/maps: what is accepted is sorted and does not
   overlap. */
#include "target/image.h"
#include "target/native.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pm_auto_free char *text = strndup((const char *)data, size);
	pm_auto_target t = NULL;
	struct pm_error err;
	if (!text || pm_image_create(&t, &err) != PM_OK ||
		pm_native_parse_maps(t, text, &err) != PM_OK)
		return 0;
	pm_addr last = 0;
	pm_vec_each (m, &t->maps) {
		if (m->start < last || m->end <= m->start)
			__builtin_trap();
		last = m->end;
	}
	return 0;
}
