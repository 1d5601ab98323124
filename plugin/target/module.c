/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/module.h"

#include "target/elf-read.h"
#include "target/module-file.h"
#include "target/symtab.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#define PAGE ((uint64_t)4096)
#define MAX_HEADERS 64
#define MAX_SPAN ((uint64_t)1 << 36)
/* Programs linked at a fixed address are below, all others are above. */
#define FIXED_BELOW ((pm_addr)1 << 32)
/* A Python linked in statically needs this much writable data at least. */
#define PYTHON_DATA ((uint64_t)64 << 10)

enum python_like { PYTHON_UNKNOWN, PYTHON_NO, PYTHON_YES };

struct private
{
	struct pm_memory *memory;
	char *file;	  /* the mapped file as we can open it, NULL: none */
	char *debug_file; /* has .symtab */
	bool has_dynamic, tried;
	pm_addr dynamic_at;
	uint64_t dynamic_size;
	struct dynamic dynamic; /* once tried */
	enum python_like python;
	bool loaded;
	struct symtab table;
};

static void private_destroy(struct private *p)
{
	if (!p)
		return;
	free(p->file);
	free(p->debug_file);
	symtab_deinit(&p->table);
	free(p);
}

static void module_deinit(struct pm_module *mod)
{
	free(mod->path);
	private_destroy(mod->symbols);
	*mod = (struct pm_module){0};
}

void pm_modules_deinit(struct pm_modules *ms)
{
	pm_vec_each (mod, &ms->list)
		module_deinit(mod);
	pm_vec_deinit(&ms->list);
}

/* ---- finding them ---- */

struct image {
	struct pm_elf elf;
	struct pm_elf_segment segments[MAX_HEADERS];
	uint32_t count;
};

/* The ELF header and program headers at addr; false when there are none. */
static bool read_image(struct pm_memory *m, pm_addr addr, struct image *ret)
{
	uint8_t head[PM_ELF_HEADER_MAX], b[PM_ELF_SEGMENT_MAX];
	struct image im = {0};
	if (pm_memory_read(m, addr, head, sizeof head, NULL) != PM_OK ||
		!pm_elf_decode(head, sizeof head, &im.elf) ||
		(im.elf.type != ET_EXEC && im.elf.type != ET_DYN) ||
		im.elf.phoff > PAGE)
		return false;
	for (uint32_t i = 0; i < im.elf.phnum && i < MAX_HEADERS; i++) {
		pm_addr at =
			addr + im.elf.phoff + (uint64_t)i * im.elf.phentsize;
		size_t n =
			im.elf.wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
		if (pm_memory_read(m, at, b, n, NULL) != PM_OK)
			return false;
		pm_elf_decode_segment(&im.elf, b, &im.segments[im.count++]);
	}
	*ret = im;
	return im.count > 0;
}

/* Extents and bias from the PT_LOADs; false when they make no sense. */
static bool place_image(
	const struct image *im, pm_addr header, struct pm_module *mod)
{
	uint64_t low = UINT64_MAX, high = 0, origin = 0;
	bool have_origin = false;
	for (uint32_t i = 0; i < im->count; i++) {
		const struct pm_elf_segment *s = &im->segments[i];
		if (s->type != PT_LOAD || !s->memsz)
			continue;
		if (s->memsz > MAX_SPAN || s->vaddr > UINT64_MAX - s->memsz)
			return false;
		/* Where the byte at file offset 0 would be. */
		if (!have_origin && s->offset < PAGE) {
			origin = s->vaddr - s->offset;
			have_origin = true;
		}
		if (s->vaddr < low)
			low = s->vaddr;
		if (s->vaddr + s->memsz > high)
			high = s->vaddr + s->memsz;
	}
	low &= ~(PAGE - 1);
	if (!have_origin || high <= low || high - low > MAX_SPAN)
		return false;
	mod->bias = header - origin;
	mod->start = low + mod->bias;
	mod->end = mod->start + ((high - low + PAGE - 1) & ~(PAGE - 1));
	if (mod->end <= mod->start || header < mod->start || header >= mod->end)
		return false;
	pm_addr data = UINT64_MAX, data_end = 0;
	for (uint32_t i = 0; i < im->count; i++) {
		const struct pm_elf_segment *s = &im->segments[i];
		if (s->type != PT_LOAD || !(s->flags & PF_W) || !s->memsz)
			continue;
		if (s->vaddr + mod->bias < data)
			data = s->vaddr + mod->bias;
		if (s->vaddr + mod->bias + s->memsz > data_end)
			data_end = s->vaddr + mod->bias + s->memsz;
	}
	if (data < data_end) {
		mod->data_start = data;
		mod->data_end = data_end;
	}
	return true;
}

static void read_notes(
	struct pm_memory *m, const struct image *im, struct pm_module *mod)
{
	uint8_t b[PAGE];
	for (uint32_t i = 0; i < im->count; i++) {
		const struct pm_elf_segment *s = &im->segments[i];
		if (s->type != PT_NOTE)
			continue;
		size_t n = s->filesz < sizeof b ? (size_t)s->filesz : sizeof b;
		if (pm_memory_read(m, s->vaddr + mod->bias, b, n, NULL) ==
				PM_OK &&
			pm_elf_build_id(im->elf.big_endian, b, n, s->align,
				mod->build_id))
			return;
	}
}

/* Reads the dynamic section, once. */
static void read_dynamic(const struct pm_module *mod)
{
	struct private *p = mod->symbols;
	if (p->tried)
		return;
	p->tried = true;
	p->has_dynamic = p->has_dynamic &&
			 dynamic_read(p->memory, mod->word_size, p->dynamic_at,
				 p->dynamic_size, mod->bias, mod->start,
				 mod->end, &p->dynamic, NULL) == PM_OK;
}

/* What a module without a file name calls itself, or "". */
static char *read_soname(const struct pm_module *mod)
{
	struct private *p = mod->symbols;
	char name[256] = "";
	read_dynamic(mod);
	if (p->has_dynamic && p->dynamic.soname &&
		pm_memory_read_cstring(p->memory, p->dynamic.soname, name,
			sizeof name, NULL) != PM_OK)
		name[0] = '\0';
	return strdup(name);
}

static enum pm_status add_module(struct pm_memory *m,
	const struct pm_mapping *map, const struct image *im,
	struct pm_modules *ms, struct pm_error *err)
{
	PM_CLEANUP(module_deinit) struct pm_module mod = {0};
	if (!place_image(im, map->start, &mod))
		return PM_OK;
	if (ms->list.len && ms->list.data[ms->list.len - 1].end > mod.start)
		return PM_OK;
	struct private *p = calloc(1, sizeof *p);
	mod.symbols = p;
	if (!p || !pm_vec_reserve(&ms->list, ms->list.len + 1))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	p->memory = m;
	mod.word_size = im->elf.wide ? 8 : 4;
	mod.big_endian = im->elf.big_endian;
	mod.machine = im->elf.machine;
	struct pm_target *t = pm_memory_target(m);
	if (!t->word_size) {
		t->word_size = mod.word_size;
		t->big_endian = mod.big_endian;
	}
	for (uint32_t i = 0; i < im->count; i++) {
		const struct pm_elf_segment *s = &im->segments[i];
		if (s->type == PT_DYNAMIC) {
			p->has_dynamic = true;
			p->dynamic_at = s->vaddr + mod.bias;
			p->dynamic_size = s->memsz;
		}
	}
	read_notes(m, im, &mod);
	mod.path = map->path ? strdup(map->path) : read_soname(&mod);
	if (!mod.path)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (map->path)
		PM_TRY(module_file_find(
			t, map, &mod, &p->file, &p->debug_file, err));
	mod.file_unverified =
		mod.file_matches && (map->flags & PM_MAP_UNVERIFIED);
	ms->list.data[ms->list.len++] = mod;
	mod = (struct pm_module){0};
	return PM_OK;
}

/* A mapping of the start of a file; where names are missing (a core without
   its notes), any that is not plain data. */
static bool may_start_module(const struct pm_mapping *map)
{
	if (map->flags & (PM_MAP_ABSENT | PM_MAP_HEAP | PM_MAP_STACK))
		return false;
	if (map->path)
		return !map->offset && !(map->flags & PM_MAP_SPECIAL);
	return !(map->flags & PM_MAP_WRITE);
}

/* A file mapped as code of which nothing but the mappings is known: the core
   left out its ELF header, and the file is not here.  maps[*pos] is its first
   one; *pos moves behind its last.  Its .bss is the memory without a name
   right behind its data. */
static enum pm_status add_headless(const struct pm_target *t, size_t *pos,
	const struct pm_modules *ms, struct pm_modules *found,
	struct pm_error *err)
{
	const struct pm_mapping *first = &t->maps.data[*pos], *last = first;
	const struct pm_mapping *end = t->maps.data + t->maps.len;
	PM_CLEANUP(module_deinit)
	struct pm_module mod = {
		.start = first->start,
		.bias = first->start < FIXED_BELOW
				? 0
				: first->start - first->offset,
		.word_size = t->word_size,
		.big_endian = t->big_endian,
	};
	bool code = false;
	const struct pm_mapping *m = first;
	for (; m < end; m++) {
		bool same = m->path && !strcmp(m->path, first->path);
		bool bss = !m->path && (m->flags & PM_MAP_WRITE) &&
			   (last->flags & PM_MAP_WRITE) &&
			   m->start == last->end && mod.data_end == last->end;
		if ((m->path ? !same : !bss) || pm_modules_at(ms, m->start))
			break;
		last = m;
		code |= m->flags & PM_MAP_EXEC;
		if (!(m->flags & PM_MAP_WRITE))
			continue;
		if (!mod.data_start)
			mod.data_start = m->start;
		mod.data_end = m->end;
	}
	*pos = (size_t)(m - t->maps.data);
	mod.end = last->end;
	if (!code)
		return PM_OK;
	mod.path = strdup(first->path);
	if (!mod.path || !pm_vec_push(&found->list, mod))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	mod = (struct pm_module){0};
	return PM_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct pm_module *x = a, *y = b;
	return (x->start > y->start) - (x->start < y->start);
}

/* The modules that have no header in memory, between those that have. */
static enum pm_status add_headless_all(
	const struct pm_target *t, struct pm_modules *ms, struct pm_error *err)
{
	PM_CLEANUP(pm_modules_deinit) struct pm_modules found = {0};
	for (size_t i = 0; i < t->maps.len;) {
		const struct pm_mapping *m = &t->maps.data[i];
		if (!m->path || (m->flags & PM_MAP_SPECIAL) ||
			pm_modules_at(ms, m->start))
			i++;
		else
			PM_TRY(add_headless(t, &i, ms, &found, err));
	}
	if (!pm_vec_reserve(&ms->list, ms->list.len + found.list.len))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_vec_each (mod, &found.list)
		ms->list.data[ms->list.len++] = *mod;
	if (found.list.len)
		qsort(ms->list.data, ms->list.len, sizeof *ms->list.data,
			by_start);
	found.list.len = 0;
	return PM_OK;
}

enum pm_status pm_modules_load(
	struct pm_memory *m, struct pm_modules *ret, struct pm_error *err)
{
	PM_CLEANUP(pm_modules_deinit) struct pm_modules ms = {0};
	struct pm_target *t = pm_memory_target(m);
	struct image im;
	for (size_t i = 0; i < t->maps.len; i++) {
		const struct pm_mapping *map = &t->maps.data[i];
		if (may_start_module(map) && read_image(m, map->start, &im))
			PM_TRY(add_module(m, map, &im, &ms, err));
	}
	PM_TRY(add_headless_all(t, &ms, err));
	*ret = ms;
	ms = (struct pm_modules){0};
	return PM_OK;
}

const struct pm_module *pm_modules_at(const struct pm_modules *ms, pm_addr addr)
{
	size_t lo = 0, hi = ms->list.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (ms->list.data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == ms->list.len || ms->list.data[lo].start > addr)
		return NULL;
	return &ms->list.data[lo];
}

/* ---- their symbols ---- */

static bool find_dynamic(
	const struct pm_module *mod, const char *name, struct symtab_entry *ret)
{
	struct private *p = mod->symbols;
	read_dynamic(mod);
	return p->has_dynamic && dynamic_find(p->memory, &p->dynamic, name,
					 mod->bias, ret, NULL) == PM_OK;
}

/* Whether a Python is in this module: it exports one, or its own symbol table
   names one. */
static bool is_python(const struct pm_module *mod)
{
	static const char *const names[] = {
		"_PyRuntime", "PyType_Type", "Py_GetVersion", NULL};
	struct private *p = mod->symbols;
	struct symtab_entry e;
	if (p->python != PYTHON_UNKNOWN)
		return p->python == PYTHON_YES;
	bool yes = false;
	for (const char *const *n = names; *n && !yes; n++)
		yes = find_dynamic(mod, *n, &e);
	/* Hidden in a program that embeds it. */
	if (!yes && mod->data_end - mod->data_start >= PYTHON_DATA)
		yes = (p->file && symtab_file_defines(p->file, names)) ||
		      (p->debug_file &&
			      symtab_file_defines(p->debug_file, names));
	p->python = yes ? PYTHON_YES : PYTHON_NO;
	return yes;
}

/* Reads all symbols of a module, once; without memory for them there are
   none. */
static struct symtab *load_symbols(const struct pm_module *mod)
{
	struct private *p = mod->symbols;
	if (p->loaded)
		return &p->table;
	PM_CLEANUP(symtab_deinit) struct symtab s = {0};
	bool found = false;
	enum pm_status st = PM_OK;
	if (p->file)
		st = symtab_read_file(
			&s, p->file, mod->bias, p->debug_file, &found, NULL);
	if (st == PM_OK && !found && p->debug_file)
		st = symtab_read_file(
			&s, p->debug_file, mod->bias, true, &found, NULL);
	if (st == PM_OK && !found && p->file)
		st = symtab_read_file(
			&s, p->file, mod->bias, false, &found, NULL);
	read_dynamic(mod);
	if ((st != PM_OK || !found) && p->has_dynamic) {
		symtab_deinit(&s);
		st = symtab_read_memory(
			&s, p->memory, &p->dynamic, mod->bias, NULL);
	}
	p->loaded = true;
	if (st == PM_OK && symtab_finish(&s, NULL) == PM_OK) {
		p->table = s;
		s = (struct symtab){0};
	}
	return &p->table;
}

/* The n-th definition in one module. */
static bool symbol_in(const struct pm_module *mod, bool python,
	const char *name, size_t n, struct symtab_entry *ret)
{
	if (python) {
		const struct symtab_entry *e =
			symtab_find(load_symbols(mod), name, n);
		if (e)
			*ret = *e;
		/* The table may be of a debug file that left some out. */
		return e || (!n && find_dynamic(mod, name, ret));
	}
	return !n && find_dynamic(mod, name, ret);
}

/* *pos counts: two passes over the modules in the high half, definitions in
   one module in the low half. */
bool pm_modules_next_symbol(const struct pm_modules *ms, const char *name,
	size_t *pos, struct pm_symbol *ret, const struct pm_module **ret_module)
{
	size_t count = ms->list.len;
	size_t step = *pos >> 32, n = *pos & UINT32_MAX;
	for (; step < 2 * count; step++, n = 0) {
		const struct pm_module *mod =
			&ms->list.data[step < count ? step : step - count];
		struct symtab_entry e;
		bool first_pass = step < count;
		if (!mod->symbols || is_python(mod) != first_pass)
			continue;
		if (!symbol_in(mod, first_pass, name, n, &e))
			continue;
		*pos = step << 32 | (n + 1);
		*ret = (struct pm_symbol){e.addr, e.size};
		if (ret_module)
			*ret_module = mod;
		return true;
	}
	*pos = step << 32;
	return false;
}

static const struct symtab_entry *entry_below(const struct pm_modules *ms,
	pm_addr addr, const struct pm_module **ret_module,
	const char **ret_name)
{
	const struct pm_module *mod = pm_modules_at(ms, addr);
	if (!mod || !mod->symbols)
		return NULL;
	const struct symtab *s = load_symbols(mod);
	const struct symtab_entry *e = symtab_below(s, addr);
	if (!e || e->addr < mod->start)
		return NULL;
	if (ret_module)
		*ret_module = mod;
	if (ret_name)
		*ret_name = symtab_name(s, e);
	return e;
}

bool pm_modules_find_address(const struct pm_modules *ms, pm_addr addr,
	const struct pm_module **ret_module, const char **ret_name,
	uint64_t *ret_offset)
{
	const struct symtab_entry *e =
		entry_below(ms, addr, ret_module, ret_name);
	if (e && ret_offset)
		*ret_offset = addr - e->addr;
	return e;
}

bool pm_modules_symbol_at(const struct pm_modules *ms, pm_addr addr,
	const struct pm_module **ret_module, const char **ret_name,
	uint64_t *ret_offset)
{
	const struct symtab_entry *e = entry_below(ms, addr, NULL, NULL);
	return e && addr - e->addr < (e->size ? e->size : 1) &&
	       pm_modules_find_address(
		       ms, addr, ret_module, ret_name, ret_offset);
}
