/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A snapshot of a heap as it is read: its tables, and a cursor over its
   objects.  A file may hold anything: every number is checked before it is
   used, PM_CORRUPT says which was wrong. */
#ifndef PM_SNAPSHOT_SNAPSHOT_H
#define PM_SNAPSHOT_SNAPSHOT_H

#include "base/vec.h"
#include "snapshot/sections.h"

struct pm_snapshot_type {
	char *name, *module;
	pm_addr addr;
	bool printed; /* its objects have prints */
};

struct pm_snapshot_shape {
	uint32_t type, owner; /* owner 0: none */
	uint64_t size, alloc;
	uint64_t length; /* plus 1; 0: no container */
};

struct pm_snapshot {
	struct pm_container *c;
	struct pm_snapshot_facts facts;
	PM_VEC(struct pm_snapshot_type) types;
	PM_VEC(char *) owners; /* of number 1 and up */
	PM_VEC(char *) paths;  /* of number 1 and up */
	PM_VEC(struct pm_snapshot_shape) shapes;
};

PM_CHECKED enum pm_status pm_snapshot_open(
	const char *path, struct pm_snapshot **ret, struct pm_error *err);
/* As pm_container_open_fd. */
PM_CHECKED enum pm_status pm_snapshot_open_fd(int fd, const char *name,
	struct pm_snapshot **ret, struct pm_error *err);
void pm_snapshot_close(struct pm_snapshot *s);
static inline void pm_cleanup_snapshot(struct pm_snapshot **s)
{
	pm_snapshot_close(*s);
}

/* PM_CORRUPT: "FILE is damaged: what". */
PM_CHECKED enum pm_status pm_snapshot_wrong(
	const struct pm_snapshot *s, const char *what, struct pm_error *err);

/* Are both of one process?  Addresses mean nothing elsewhere. */
enum pm_same { PM_SAME_NO, PM_SAME_YES, PM_SAME_UNKNOWN };
enum pm_same pm_snapshot_same_process(
	const struct pm_snapshot *a, const struct pm_snapshot *b);

/* The objects one by one, by address: those in arenas, then the others. */
struct pm_snapshot_cursor {
	const struct pm_snapshot *s;
	struct pm_section addresses, shape_of, prints, path_of;
	uint64_t inside, outside; /* still to come */
	uint64_t before;	  /* those that came */
	/* The object at hand. */
	bool at_end, is_outside;
	pm_addr addr;
	uint64_t index; /* the first is 0 */
	uint32_t shape;
	uint16_t print; /* 0 where its type has none */
	uint32_t path;	/* 0: none */
};

/* Begins with the first object.  The cursor must not move in memory. */
PM_CHECKED enum pm_status pm_snapshot_cursor_init(struct pm_snapshot_cursor *c,
	const struct pm_snapshot *s, struct pm_error *err);
void pm_snapshot_cursor_deinit(struct pm_snapshot_cursor *c);
PM_CHECKED enum pm_status pm_snapshot_cursor_next(
	struct pm_snapshot_cursor *c, struct pm_error *err);

#endif
