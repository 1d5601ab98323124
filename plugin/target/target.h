/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stopped program or core whose memory we read.  One interface for a
   local process (process_vm_readv), a core (mapped file), anything GDB can
   read (target_read; may throw C++ exceptions through our frames) and bytes
   made by a test.  Nothing here writes to the target. */
#ifndef PM_TARGET_TARGET_H
#define PM_TARGET_TARGET_H

#include "base/error.h"
#include "base/vec.h"

enum pm_target_kind {
	PM_TARGET_LIVE, /* a process of this machine */
	PM_TARGET_CORE,
	PM_TARGET_REMOTE, /* another machine's, or any that only GDB reads */
	PM_TARGET_IMAGE,  /* a test's bytes */
};

enum pm_map_flags {
	PM_MAP_READ = 1,
	PM_MAP_WRITE = 2,
	PM_MAP_EXEC = 4,
	PM_MAP_SHARED = 8,
	PM_MAP_STACK = 16,
	PM_MAP_HEAP = 32,   /* [heap] of a live process */
	PM_MAP_ABSENT = 64, /* known to be mapped, but its bytes are not in the
			       core and not in a file we have */
	PM_MAP_SPECIAL = 128, /* [vdso], [vvar], devices: no program data */
	PM_MAP_DELETED = 256, /* the file was unlinked; path is its old name */
	PM_MAP_FROM_FILE = 512, /* of a core: (some) bytes come from the file */
	PM_MAP_UNVERIFIED = 1024, /* ... and it could not be checked that the
				     file is still the one that was mapped */
};

/* One mapping, addresses [start, end).  path is owned by the target, NULL for
   anonymous memory. */
struct pm_mapping {
	pm_addr start, end;
	uint64_t offset; /* in the file */
	unsigned flags;	 /* enum pm_map_flags; see
			    pm_target_knows_permissions */
	const char *path;
};

struct pm_target;

struct pm_piece { /* one element of a gathered read */
	pm_addr addr;
	void *buf;
	size_t len;
	size_t got; /* result: readable prefix, in bytes */
};

/* Bytes that the target does not have, but that are known all the same. */
struct pm_supply {
	pm_addr addr;
	size_t len;
	char *bytes; /* owned */
};

/* A thread of the program, tasks.h. */
#define PM_REGISTERS_MAX 34
struct pm_task {
	uint64_t id;			   /* the system's */
	pm_addr sp;			   /* 0: not known */
	const struct pm_register_set *set; /* NULL: nor are registers */
	uint64_t registers[PM_REGISTERS_MAX];
};

struct pm_target_ops {
	/* Copies the longest readable prefix of [addr, addr + len), returns its
	   length.  Safe in several threads iff target->parallel. */
	size_t (*read)(
		struct pm_target *t, pm_addr addr, void *buf, size_t len);
	/* Optional: many small reads at once; fills got of each piece. */
	void (*gather)(struct pm_target *t, struct pm_piece *p, size_t n);
	/* Optional: the bytes in place, valid as long as the target; NULL when
	   they are not in one piece of memory of ours.  They may lie at any
	   alignment. */
	const void *(*view)(struct pm_target *t, pm_addr addr, size_t len);
	/* Optional: fills t->tasks, see pm_target_find_tasks. */
	enum pm_status (*find_tasks)(struct pm_target *t, struct pm_error *err);
	/* Frees what the implementation added and t itself; maps, tasks,
	   name and sysroot are already freed. */
	void (*destroy)(struct pm_target *t);
};

struct pm_target {
	const struct pm_target_ops *ops;
	enum pm_target_kind kind;
	bool parallel; /* ops may be called from worker threads */
	int pid;       /* 0 when not known */
	/* Of the 16 random bytes that the kernel gives a program when it starts
	   (AT_RANDOM): they tell two processes apart, on cores, too.  0: not
	   known. */
	pm_addr random;
	/* Of the program: cores say it, for others pm_modules_load reads it in
	   the program's ELF header. */
	unsigned word_size; /* 4 or 8; 0: not known yet */
	bool big_endian;
	char *name; /* owned: "process 12", "core /path", for messages */
	const char *reader; /* static: how its bytes are read, NULL: by GDB */
	/* Sorted by address, not overlapping. */
	PM_VEC(struct pm_mapping) maps;
	uint64_t bytes_total;	 /* mapped bytes that should be readable */
	uint64_t bytes_readable; /* of these, what can be read */
	bool truncated;		 /* a core shorter than its headers say */
	/* Prefix under which the target's files are found ("/proc/12/root"),
	   owned, NULL or "" when they are where their path says. */
	char *sysroot;
	/* Files of this machine that the debugger found for the program and
	   its libraries, one per line, the program first: to be tried where
	   the target's own paths lead nowhere.  Owned, NULL: none. */
	char *files;
	PM_VEC(struct pm_supply) supplies; /* sorted by address */
	/* By pm_target_find_tasks; cores have them from the start. */
	PM_VEC(struct pm_task) tasks;
	bool has_tasks;
};

/* From now on, [addr, addr+len) reads as bytes where the target has none.  One
   that starts at the same place goes; where two overlap, a read gets the one
   that starts nearest below it.  Not while other threads read. */
PM_CHECKED enum pm_status pm_target_supply(struct pm_target *t, pm_addr addr,
	const void *bytes, size_t len, struct pm_error *err);
/* Whether one starts there. */
bool pm_target_is_supplied(const struct pm_target *t, pm_addr addr);
void pm_target_clear_supplies(struct pm_target *t);

/* All of [addr, addr+len) or PM_FAULT with err->addr the first bad byte. */
PM_CHECKED enum pm_status pm_target_read(struct pm_target *t, pm_addr addr,
	void *buf, size_t len, struct pm_error *err);

/* The longest readable prefix; 0 when nothing is. */
size_t pm_target_read_some(
	struct pm_target *t, pm_addr addr, void *buf, size_t len);

/* Fills got of each piece; one system call per many pieces where it can. */
void pm_target_gather(struct pm_target *t, struct pm_piece *p, size_t n);

/* The bytes in place or NULL. */
const void *pm_target_view(struct pm_target *t, pm_addr addr, size_t len);

/* The mapping that holds addr, or NULL. */
const struct pm_mapping *pm_target_find_map(
	const struct pm_target *t, pm_addr addr);

/* Is what may be done with mappings known at all?  Then one without any
   permission (PROT_NONE) has none; otherwise it may be anything. */
bool pm_target_knows_permissions(const struct pm_target *t);

/* Can so many bytes lie from addr on?  In mappings side by side; where nothing
   is mapped, or addr is 0, no more than there is in all.  Yes where mappings
   are not known. */
bool pm_target_has_room(
	const struct pm_target *t, pm_addr addr, uint64_t bytes);

/* Adds a mapping in its place by address; path (may be NULL) is copied.
   PM_CORRUPT when it is empty or overlaps another.  For implementations. */
PM_CHECKED enum pm_status pm_target_add_map(
	struct pm_target *t, const struct pm_mapping *m, struct pm_error *err);

/* Frees t->maps and their paths.  For implementations. */
void pm_target_clear_maps(struct pm_target *t);

/* The next of t->files that may be what the target calls path: of the same
   name, or the program.  *pos from NULL; false at the end. */
bool pm_target_next_file(const struct pm_target *t, const char *path,
	const char **pos, char *ret, size_t cap);

/* NULL is fine. */
void pm_target_destroy(struct pm_target *t);
static inline void pm_cleanup_target(struct pm_target **t)
{
	pm_target_destroy(*t);
}
#define pm_auto_target PM_CLEANUP(pm_cleanup_target) struct pm_target *

#endif
