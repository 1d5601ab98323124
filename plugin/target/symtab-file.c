/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Symbol tables of files, by libelf. */
#include "target/symtab.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <string.h>
#include <sys/stat.h>

struct elf_file {
	int fd;
	Elf *elf;
};

static void elf_file_close(struct elf_file *f)
{
	if (f->elf)
		elf_end(f->elf);
	pm_cleanup_fd(&f->fd);
}

static bool elf_file_open(struct elf_file *f, const char *path)
{
	struct stat st;
	if (stat(path, &st) || !S_ISREG(st.st_mode) ||
		elf_version(EV_CURRENT) == EV_NONE)
		return false;
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->fd < 0)
		return false;
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	return f->elf && elf_kind(f->elf) == ELF_K_ELF;
}

struct table {
	Elf *elf;
	Elf_Data *data;
	size_t strings; /* section */
	size_t count;
};

static bool find_table(Elf *elf, uint32_t type, struct table *ret)
{
	for (Elf_Scn *s = elf_nextscn(elf, NULL); s; s = elf_nextscn(elf, s)) {
		GElf_Shdr h;
		if (!gelf_getshdr(s, &h) || h.sh_type != type)
			continue;
		Elf_Data *d = elf_getdata(s, NULL);
		size_t each = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT);
		if (!d || !d->d_buf || !each)
			continue;
		*ret = (struct table){elf, d, h.sh_link, d->d_size / each};
		return true;
	}
	return false;
}

static const char *symbol_at(const struct table *t, size_t i, GElf_Sym *ret)
{
	if (i > INT32_MAX || !gelf_getsym(t->data, (int)i, ret))
		return NULL;
	return elf_strptr(t->elf, t->strings, ret->st_name);
}

enum pm_status symtab_read_file(struct symtab *s, const char *path,
	pm_addr bias, bool only_full, bool *ret_found, struct pm_error *err)
{
	PM_CLEANUP(elf_file_close) struct elf_file f = {.fd = -1};
	struct table t;
	*ret_found = false;
	if (!elf_file_open(&f, path))
		return PM_OK;
	if (!find_table(f.elf, SHT_SYMTAB, &t) &&
		(only_full || !find_table(f.elf, SHT_DYNSYM, &t)))
		return PM_OK;
	for (size_t i = 1; i < t.count; i++) {
		GElf_Sym sym;
		const char *name = symbol_at(&t, i, &sym);
		if (name)
			PM_TRY(symtab_add(s, name, strlen(name),
				sym.st_value + bias, sym.st_size, sym.st_info,
				sym.st_shndx, err));
	}
	*ret_found = true;
	return PM_OK;
}

bool symtab_file_defines(const char *path, const char *const *names)
{
	PM_CLEANUP(elf_file_close) struct elf_file f = {.fd = -1};
	struct table t;
	if (!elf_file_open(&f, path) || !find_table(f.elf, SHT_SYMTAB, &t))
		return false;
	for (size_t i = 1; i < t.count; i++) {
		GElf_Sym sym;
		const char *name = symbol_at(&t, i, &sym);
		if (!name || !symtab_wants(sym.st_info, sym.st_shndx))
			continue;
		for (const char *const *n = names; *n; n++)
			if (!strcmp(name, *n))
				return true;
	}
	return false;
}
