/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fast readers that do not go through GDB. */
#ifndef PM_TARGET_NATIVE_H
#define PM_TARGET_NATIVE_H

#include "base/strbuf.h"
#include "target/target.h"

/* A process of this machine: mappings from /proc/PID/maps, bytes by
   process_vm_readv (falling back to /proc/PID/mem where that is refused). */
PM_CHECKED enum pm_status pm_native_open_process(
	int pid, struct pm_target **ret, struct pm_error *err);

/* A core file (ELF, little endian, 32 or 64 bits): PT_LOAD segments from a
   private mapping of the file, memory that is not in it from the files named
   by NT_FILE (sysroot may be NULL) where these still match.  A truncated core
   opens, with .truncated set; a compressed one is refused with the command
   that opens it. */
PM_CHECKED enum pm_status pm_native_open_core(const char *path,
	const char *sysroot, struct pm_target **ret, struct pm_error *err);

/* The same; files (may be NULL) are those the debugger found, as in struct
   pm_target: one is taken where its build id is right. */
PM_CHECKED enum pm_status pm_native_open_core_with(const char *path,
	const char *sysroot, const char *files, struct pm_target **ret,
	struct pm_error *err);

/* Parses the text of /proc/PID/maps into t->maps. */
PM_CHECKED enum pm_status pm_native_parse_maps(
	struct pm_target *t, const char *text, struct pm_error *err);

/* Appends all of a file of /proc/PID that says something of its memory. */
PM_CHECKED enum pm_status pm_native_read_text(
	const char *path, struct pm_strbuf *ret, struct pm_error *err);

/* What a mapping's name as the kernel writes it says: adds flags to m, strips
   " (deleted)" from name in place, and points m->path at it, unless it is a
   name for memory that has no file. */
void pm_native_name_mapping(struct pm_mapping *m, char *name);

#endif
