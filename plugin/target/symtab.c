/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/symtab.h"

#include <elf.h>
#include <string.h>

#define MAX_SYMBOLS ((size_t)1 << 23)

uint32_t symtab_hash(const char *name)
{
	uint32_t h = 5381;
	for (; *name; name++)
		h = h * 33 + (unsigned char)*name;
	return h;
}

void symtab_deinit(struct symtab *s)
{
	pm_vec_deinit(&s->entries);
	pm_vec_deinit(&s->by_hash);
	pm_strbuf_deinit(&s->names);
}

bool symtab_wants(unsigned info, unsigned section)
{
	unsigned type = info & 0xf;
	/* A thread-local one has an offset, not an address; an absolute one
	   is a number; a NOTYPE one is a label within something. */
	return section != SHN_UNDEF && section != SHN_ABS &&
	       (type == STT_OBJECT || type == STT_FUNC || type == STT_COMMON);
}

enum pm_status symtab_add(struct symtab *s, const char *name, size_t name_len,
	pm_addr addr, uint64_t size, unsigned info, unsigned section,
	struct pm_error *err)
{
	if (!symtab_wants(info, section) || !name_len)
		return PM_OK;
	if (s->entries.len >= MAX_SYMBOLS ||
		name_len >= UINT32_MAX - s->names.len)
		return pm_fail(err, PM_LIMIT, 0, "too many symbols");
	struct symtab_entry e = {addr, size, (uint32_t)s->names.len, 0};
	pm_strbuf_append(&s->names, name, name_len);
	pm_strbuf_append(&s->names, "", 1);
	if (s->names.failed || !pm_vec_push(&s->entries, e))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static int by_addr(const void *a, const void *b)
{
	const struct symtab_entry *x = a, *y = b;
	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	/* Of aliases the one with a size is last, and so the one found. */
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name);
}

static int by_hash(const void *a, const void *b, void *arg)
{
	const struct symtab_entry *e = arg;
	uint32_t i = *(const uint32_t *)a, k = *(const uint32_t *)b;
	if (e[i].hash != e[k].hash)
		return e[i].hash < e[k].hash ? -1 : 1;
	return (i > k) - (i < k);
}

enum pm_status symtab_finish(struct symtab *s, struct pm_error *err)
{
	size_t n = s->entries.len;
	if (!n)
		return PM_OK;
	if (!pm_vec_reserve(&s->by_hash, n))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	qsort(s->entries.data, n, sizeof *s->entries.data, by_addr);
	for (size_t i = 0; i < n; i++) {
		struct symtab_entry *e = &s->entries.data[i];
		e->hash = symtab_hash(symtab_name(s, e));
		s->by_hash.data[i] = (uint32_t)i;
	}
	s->by_hash.len = n;
	qsort_r(s->by_hash.data, n, sizeof *s->by_hash.data, by_hash,
		s->entries.data);
	return PM_OK;
}

const struct symtab_entry *symtab_find(
	const struct symtab *s, const char *name, size_t n)
{
	uint32_t hash = symtab_hash(name);
	size_t lo = 0, hi = s->by_hash.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->entries.data[s->by_hash.data[mid]].hash < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < s->by_hash.len; lo++) {
		const struct symtab_entry *e =
			&s->entries.data[s->by_hash.data[lo]];
		if (e->hash != hash)
			break;
		if (!strcmp(symtab_name(s, e), name) && !n--)
			return e;
	}
	return NULL;
}

const struct symtab_entry *symtab_below(const struct symtab *s, pm_addr addr)
{
	size_t lo = 0, hi = s->entries.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->entries.data[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &s->entries.data[lo - 1] : NULL;
}
