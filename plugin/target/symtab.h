/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The symbols of one module, by name and by address.  Private to module.c and
   the readers that fill it. */
#ifndef PM_TARGET_SYMTAB_H
#define PM_TARGET_SYMTAB_H

#include "base/strbuf.h"
#include "target/memory.h"

struct symtab_entry {
	pm_addr addr;
	uint64_t size;
	uint32_t name; /* offset in names */
	uint32_t hash;
};

struct symtab {
	PM_VEC(struct symtab_entry) entries; /* sorted by address */
	PM_VEC(uint32_t) by_hash;	     /* indices, sorted by hash */
	struct pm_strbuf names;
};

void symtab_deinit(struct symtab *s);

/* Defined, and data or code that has an address: st_info and st_shndx as in
   ELF. */
bool symtab_wants(unsigned info, unsigned section);

/* One symbol as a file has it: kept when it is wanted. */
PM_CHECKED enum pm_status symtab_add(struct symtab *s, const char *name,
	size_t name_len, pm_addr addr, uint64_t size, unsigned info,
	unsigned section, struct pm_error *err);

/* Sorts: to be called once, after the last add. */
PM_CHECKED enum pm_status symtab_finish(struct symtab *s, struct pm_error *err);

/* The n-th symbol of that name, or NULL. */
const struct symtab_entry *symtab_find(
	const struct symtab *s, const char *name, size_t n);
/* The last symbol at or below addr, or NULL. */
const struct symtab_entry *symtab_below(const struct symtab *s, pm_addr addr);
static inline const char *symtab_name(
	const struct symtab *s, const struct symtab_entry *e)
{
	return s->names.data + e->name;
}

/* From a file: .symtab, or else .dynsym unless only_full.  *ret_found: it has
   such a table.  Unreadable or damaged files have none. */
PM_CHECKED enum pm_status symtab_read_file(struct symtab *s, const char *path,
	pm_addr bias, bool only_full, bool *ret_found, struct pm_error *err);

/* Whether a file's .symtab has one of these names (a NULL-terminated list);
   cheaper than reading it. */
bool symtab_file_defines(const char *path, const char *const *names);

/* The dynamic section of a module in the target's memory. */
struct dynamic {
	unsigned word_size;
	bool big_endian;
	pm_addr symbols, strings, gnu_hash, sysv_hash; /* 0: none */
	uint64_t strings_size;
	pm_addr soname; /* 0: none */
};

/* PM_ABSENT when there are no symbols in it.  [start, end): the module. */
PM_CHECKED enum pm_status dynamic_read(struct pm_memory *m, unsigned word_size,
	pm_addr at, uint64_t size, pm_addr bias, pm_addr start, pm_addr end,
	struct dynamic *ret, struct pm_error *err);

/* Looks one name up through the hash table; PM_ABSENT when it is not there. */
PM_CHECKED enum pm_status dynamic_find(struct pm_memory *m,
	const struct dynamic *d, const char *name, pm_addr bias,
	struct symtab_entry *ret, struct pm_error *err);

/* All of them. */
PM_CHECKED enum pm_status symtab_read_memory(struct symtab *s,
	struct pm_memory *m, const struct dynamic *d, pm_addr bias,
	struct pm_error *err);

uint32_t symtab_hash(const char *name); /* of DT_GNU_HASH */

#endif
