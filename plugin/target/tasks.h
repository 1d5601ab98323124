/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads of the program as the system has them, with their registers: of
   a core from its notes, of a local process as its tracer gets them; of other
   targets none are known. */
#ifndef PM_TARGET_TASKS_H
#define PM_TARGET_TASKS_H

#include "target/target.h"

/* The general registers of a machine as Linux writes them (NT_PRSTATUS). */
struct pm_register_set {
	uint16_t machine; /* EM_X86_64 ... */
	unsigned word_size, count;
	unsigned sp; /* which one is the stack pointer */
	const char *const *names;
};

/* NULL: not a machine that we know. */
const struct pm_register_set *pm_register_set(uint16_t machine);

/* Takes over what Linux wrote of them; false, and *ret untouched, when it is
   too short. */
bool pm_task_take_registers(const struct pm_register_set *set, bool big_endian,
	const void *bytes, size_t len, struct pm_task *ret);

/* Fills t->tasks on first use.  They may be none, and not all. */
PM_CHECKED enum pm_status pm_target_find_tasks(
	struct pm_target *t, struct pm_error *err);

/* Private to native-process.c: those of a process of this machine. */
PM_CHECKED enum pm_status native_find_tasks(
	struct pm_target *t, struct pm_error *err);

#endif
