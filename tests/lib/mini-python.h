/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The memory of a very small Python, made through a row of the layout table:
   what pm_layout_create looks at, and nothing else.  No symbols: the only
   module is bare. */
#ifndef TESTS_LIB_MINI_PYTHON_H
#define TESTS_LIB_MINI_PYTHON_H

#include "layout/layout.h"
#include "target/image.h"

/* For each row whose objects are in pymalloc's pools. */
#define EACH_PYMALLOC_ROW(row)                                                 \
	for (size_t row##_ = 0; pm_rows[row##_]; row##_++)                     \
		for (const struct pm_row *row = pm_rows[row##_];               \
			row &&                                                 \
			row->traits.obmalloc_home != PM_OBMALLOC_MIMALLOC;     \
			row = NULL)

struct mini {
	const struct pm_row *row;
	struct pm_layout *l; /* of the row, with the places as they are */
	struct pm_target *t;
	struct pm_module module;
	struct pm_modules ms;
	pm_addr data_next, heap_next; /* next free byte */
	pm_addr names_next;
	pm_addr runtime, interp, thread, gc, sysdict, interned_dict;
};

/* Aborts when that fails: there is no error to return. */
void mini_init(struct mini *m, const struct pm_row *row, const char *path);
/* The same, built with Py_TRACE_REFS: pm_trace_refs_may_be. */
void mini_init_traced(
	struct mini *m, const struct pm_row *row, const char *path);
void mini_deinit(struct mini *m);

/* As in a core without the program's constants: the names of the types that
   mini_init made are in mapped memory that was not dumped. */
void mini_hide_names(struct mini *m);
/* The same for one more static type, in the module's data, made ready. */
pm_addr mini_hidden_type(struct mini *m);

/* size zero bytes in the module's data or on the heap. */
pm_addr mini_data(struct mini *m, size_t size);
pm_addr mini_heap(struct mini *m, size_t size);
/* Stores a number of size bytes, or a field of the struct at addr; absent
   fields are not stored. */
void mini_store(struct mini *m, pm_addr addr, unsigned size, uint64_t v);
void mini_put(struct mini *m, pm_addr addr, struct pm_field f, uint64_t v);
/* The digits of the int at addr, and their number; returns that. */
unsigned mini_put_digits(struct mini *m, pm_addr addr, uint32_t v);
/* The number of size bytes at addr. */
uint64_t mini_load(struct mini *m, pm_addr addr, unsigned size);

pm_addr mini_object(struct mini *m, pm_addr type, size_t size);
pm_addr mini_str(struct mini *m, const char *text);
pm_addr mini_int(struct mini *m, uint32_t v);
/* A combined dict of n pairs {key, value}. */
pm_addr mini_dict(struct mini *m, const pm_addr *pairs, size_t n);

#endif
