/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A mini heap as a command has it: begin, put objects there, open, end. */
#ifndef TESTS_LIB_OPENED_HEAP_H
#define TESTS_LIB_OPENED_HEAP_H

#include "heap/walk.h"
#include "lib/mini-heap.h"
#include "unit/unit.h"

#include <string.h>

struct opened_heap {
	struct mini_heap h;
	struct pm_memory *memory;
	struct pm_heap *heap;
};

static inline void opened_heap_begin(
	struct opened_heap *o, const struct pm_row *row)
{
	memset(o, 0, sizeof *o);
	mini_heap_init(&o->h, row);
}

static inline void opened_heap_open(struct opened_heap *o)
{
	struct pm_error err = {0};
	struct mini *m = &o->h.m;
	ck_assert_int_eq(pm_memory_create(m->t, 64, &o->memory, &err), PM_OK);
	ck_assert_int_eq(
		pm_heap_create(m->l, m->t, o->memory, &m->ms, &o->heap, &err),
		PM_OK);
}

static inline void opened_heap_end(struct opened_heap *o)
{
	pm_heap_destroy(o->heap);
	pm_memory_destroy(o->memory);
	mini_heap_deinit(&o->h);
}

#endif
