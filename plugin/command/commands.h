/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one list of the commands, sorted by name: PM_COMMANDS(X) with
   X(identifier) for the row pm_command_identifier. */
#ifndef PM_COMMAND_COMMANDS_H
#define PM_COMMAND_COMMANDS_H

#include "command/command.h"

#define PM_COMMANDS(X)                                                         \
	X(arena_map)                                                           \
	X(arena_pins)                                                          \
	X(arena_stats)                                                         \
	X(backrefs)                                                            \
	X(collections)                                                         \
	X(find_value)                                                          \
	X(freelists)                                                           \
	X(heap_diff)                                                           \
	X(heap_export)                                                         \
	X(heap_growth)                                                         \
	X(heap_report)                                                         \
	X(heap_save)                                                           \
	X(heap_types)                                                          \
	X(info)                                                                \
	X(instances)                                                           \
	X(interned)                                                            \
	X(memory)                                                              \
	X(object)                                                              \
	X(path)                                                                \
	X(refcheck)                                                            \
	X(refs)                                                                \
	X(retained)                                                            \
	X(set)                                                                 \
	X(slots)                                                               \
	X(strings)                                                             \
	X(tasks)                                                               \
	X(threads)                                                             \
	X(tracemalloc)                                                         \
	X(type)                                                                \
	X(unreachable)                                                         \
	X(whatis)

#define X(id) extern const struct pm_command pm_command_##id;
PM_COMMANDS(X)
#undef X

#endif
