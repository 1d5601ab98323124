/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose malloc the program calls: of the files that define one, the C library
   is the last that is asked. */
#include "malloc/malloc.h"

#include <string.h>

static const struct {
	const char *name;
	const char *in_path; /* part of a file's name, or NULL */
	const char *symbol;  /* what only it defines, or NULL */
} mallocs[] = {
	{"jemalloc", "jemalloc", "mallctl"},
	{"jemalloc", NULL, "je_mallctl"},
	{"tcmalloc", "tcmalloc", "tc_malloc"},
	{"tcmalloc", NULL, "MallocExtension_GetNumericProperty"},
	{"mimalloc", "mimalloc", "mi_malloc"},
	{"musl", "ld-musl-", NULL},
	{"musl", "libc.musl-", NULL},
	{"musl", NULL, "__dls3"}, /* its loader: Debian calls it libc.so */
	{"tbbmalloc", "tbbmalloc", "scalable_malloc"},
	{"snmalloc", "snmalloc", NULL},
	{"AddressSanitizer", "libasan", "__asan_init"},
	{"valgrind", "vgpreload", NULL},
};

static bool defines(const struct pm_modules *ms, const struct pm_module *mod,
	const char *symbol)
{
	size_t pos = 0;
	struct pm_symbol s;
	const struct pm_module *at;
	while (pm_modules_next_symbol(ms, symbol, &pos, &s, &at))
		if (at == mod)
			return true;
	return false;
}

static const char *name_of(const struct pm_modules *ms,
	const struct pm_module *mod, const char *file)
{
	for (size_t i = 0; i < sizeof mallocs / sizeof *mallocs; i++)
		if ((mallocs[i].in_path && strstr(file, mallocs[i].in_path)) ||
			(mallocs[i].symbol &&
				defines(ms, mod, mallocs[i].symbol)))
			return mallocs[i].name;
	return file;
}

/* glibc's own, and that of its loader until 2.34. */
static bool is_glibc(const struct pm_modules *ms, const struct pm_module *m,
	const char *file)
{
	return !strncmp(file, "ld-linux", 8) || !strncmp(file, "ld-2.", 5) ||
	       !strncmp(file, "ld64.", 5) || !strncmp(file, "ld.so", 5) ||
	       defines(ms, m, "gnu_get_libc_version");
}

const char *pm_malloc_other(const struct pm_modules *ms, char *buf, size_t cap)
{
	size_t pos = 0;
	struct pm_symbol s;
	const struct pm_module *mod;
	while (pm_modules_next_symbol(ms, "malloc", &pos, &s, &mod)) {
		const char *file = basename(mod->path);
		if (is_glibc(ms, mod, file))
			continue;
		snprintf(buf, cap, "%s", name_of(ms, mod, file));
		return buf;
	}
	return NULL;
}
