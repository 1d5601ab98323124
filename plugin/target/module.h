/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ELF files mapped into the target, and their symbols, without GDB:
   from the file where it is there and its build id is the mapped one's, else
   from the dynamic section in the target's memory. */
#ifndef PM_TARGET_MODULE_H
#define PM_TARGET_MODULE_H

#include "target/memory.h"

struct pm_symbol {
	pm_addr addr;
	uint64_t size;
};

struct pm_module {
	char *path;	    /* owned; as the target names it */
	pm_addr start, end; /* of all its mappings */
	pm_addr bias;	    /* load address minus linked address; a guess where
			       the module's ELF header cannot be read */
	pm_addr data_start,
		data_end; /* writable segment incl. .bss, 0,0: none */
	/* By its ELF header; of one without any, the target's, machine 0. */
	unsigned word_size;
	bool big_endian;
	uint16_t machine;     /* EM_X86_64 ... */
	char build_id[41];    /* hex, "" when unknown; of memory if readable */
	bool file_matches;    /* the file on disk is the mapped one */
	bool file_mismatch;   /* there is a file, and it is another one */
	bool file_unverified; /* file_matches is a guess: a core without the
				 start of the file has nothing to compare */
	void *symbols;	      /* private to module.c; NULL: has none */
};

struct pm_modules {
	PM_VEC(struct pm_module) list; /* sorted by start */
};

/* Finds the modules; symbols are read when they are asked for, through m,
   which has to live as long as the result. */
PM_CHECKED enum pm_status pm_modules_load(
	struct pm_memory *m, struct pm_modules *ret, struct pm_error *err);
void pm_modules_deinit(struct pm_modules *ms);

/* Where symbol name is defined, module by module, those with a Python in them
   first: *pos starts at 0; false at the end.  Data and function symbols: of
   modules with a Python in them .symtab (the separate debug file's, too) and
   .dynsym, of others .dynsym. */
bool pm_modules_next_symbol(const struct pm_modules *ms, const char *name,
	size_t *pos, struct pm_symbol *ret,
	const struct pm_module **ret_module);

/* The nearest symbol at or below addr in its module; name is owned by ms. */
bool pm_modules_find_address(const struct pm_modules *ms, pm_addr addr,
	const struct pm_module **ret_module, const char **ret_name,
	uint64_t *ret_offset);

/* The same, when addr is inside of what the symbol names. */
bool pm_modules_symbol_at(const struct pm_modules *ms, pm_addr addr,
	const struct pm_module **ret_module, const char **ret_name,
	uint64_t *ret_offset);

const struct pm_module *pm_modules_at(
	const struct pm_modules *ms, pm_addr addr);

#endif
