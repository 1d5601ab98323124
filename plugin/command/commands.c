/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/commands.h"

const struct pm_command *const pm_commands[] = {
#define X(id) &pm_command_##id,
	PM_COMMANDS(X)
#undef X
		NULL,
};
