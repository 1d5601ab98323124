/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/tasks.h"
#include "base/load.h"

#include <elf.h>

/* In the order of struct user_regs_struct of the kernel (asm/user.h,
   asm/ptrace.h), which elf_gregset_t is. */
static const char *const x86_64[] = {"r15", "r14", "r13", "r12", "rbp", "rbx",
	"r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax",
	"rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es",
	"fs", "gs"};
static const char *const i386[] = {"ebx", "ecx", "edx", "esi", "edi", "ebp",
	"eax", "ds", "es", "fs", "gs", "orig_eax", "eip", "cs", "eflags", "esp",
	"ss"};
static const char *const aarch64[] = {"x0", "x1", "x2", "x3", "x4", "x5", "x6",
	"x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
	"x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
	"x27", "x28", "x29", "x30", "sp", "pc", "cpsr"};
static const char *const arm[] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6",
	"r7", "r8", "r9", "r10", "r11", "r12", "sp", "lr", "pc", "cpsr"};
static const char *const s390x[] = {"pswm", "pswa", "r0", "r1", "r2", "r3",
	"r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
	"r15"};

#define COUNT(names) (sizeof(names) / sizeof *(names))

static const struct pm_register_set sets[] = {
	{EM_X86_64, 8, COUNT(x86_64), 19, x86_64},
	{EM_386, 4, COUNT(i386), 15, i386},
	{EM_AARCH64, 8, COUNT(aarch64), 31, aarch64},
	{EM_ARM, 4, COUNT(arm), 13, arm},
	{EM_S390, 8, COUNT(s390x), 17, s390x},
};

_Static_assert(COUNT(aarch64) <= PM_REGISTERS_MAX, "the longest list");

const struct pm_register_set *pm_register_set(uint16_t machine)
{
	for (size_t i = 0; i < COUNT(sets); i++)
		if (sets[i].machine == machine)
			return &sets[i];
	return NULL;
}

bool pm_task_take_registers(const struct pm_register_set *set, bool big_endian,
	const void *bytes, size_t len, struct pm_task *ret)
{
	const unsigned char *p = bytes;
	if (len < (size_t)set->count * set->word_size)
		return false;
	ret->set = set;
	for (unsigned i = 0; i < set->count; i++)
		ret->registers[i] = pm_load(
			p + i * set->word_size, set->word_size, big_endian);
	ret->sp = ret->registers[set->sp];
	return true;
}

enum pm_status pm_target_find_tasks(struct pm_target *t, struct pm_error *err)
{
	if (t->has_tasks || !t->ops->find_tasks)
		return PM_OK;
	PM_TRY(t->ops->find_tasks(t, err));
	t->has_tasks = true;
	return PM_OK;
}
