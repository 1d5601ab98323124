/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a core file: it opens or is refused, and what opened can be
   read, with its modules and their symbols. */
#include "target/module.h"
#include "target/native.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct pm_target *t)
{
	char bytes[64];
	struct pm_error err;
	pm_vec_each (m, &t->maps) {
		pm_target_read_some(t, m->start, bytes, sizeof bytes);
		pm_target_read_some(t, m->end - 8, bytes, sizeof bytes);
		pm_target_view(t, m->start, 16);
		if (!pm_target_find_map(t, m->start))
			__builtin_trap();
	}
	pm_auto_memory memory = NULL;
	struct pm_modules modules = {0};
	if (pm_memory_create(t, 64, &memory, &err) != PM_OK ||
		pm_modules_load(memory, &modules, &err) != PM_OK)
		return;
	size_t pos = 0;
	struct pm_symbol symbol;
	const struct pm_module *module;
	while (pm_modules_next_symbol(
		&modules, "_PyRuntime", &pos, &symbol, &module))
		pm_target_read_some(t, symbol.addr, bytes, sizeof bytes);
	pm_modules_deinit(&modules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	pm_auto_fd int fd = memfd_create("core", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	pm_auto_target t = NULL;
	struct pm_error err;
	if (pm_native_open_core(path, NULL, &t, &err) == PM_OK)
		use(t);
	return 0;
}
