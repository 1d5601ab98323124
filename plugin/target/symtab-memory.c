/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Symbols of a module from its dynamic section in the target's memory: all
   there is for a stripped file, and for one that is gone.  Counts and offsets
   come from the target, so each is bounded before it is used. */
#include "target/elf-read.h"
#include "target/symtab.h"

#include <elf.h>
#include <string.h>

#define MAX_DYNAMIC ((uint64_t)65536)	 /* bytes of it */
#define MAX_COUNT ((uint64_t)1 << 20)	 /* symbols */
#define MAX_STRINGS ((uint64_t)64 << 20) /* bytes of names */
#define MAX_CHAIN 4096			 /* symbols of one hash bucket */

/* ld.so writes addresses over what the file has, musl and the vdso do not. */
static pm_addr place(uint64_t v, pm_addr bias, pm_addr start, pm_addr end)
{
	if (!v || (v >= start && v < end))
		return v;
	return v + bias;
}

enum pm_status dynamic_read(struct pm_memory *m, unsigned word_size, pm_addr at,
	uint64_t size, pm_addr bias, pm_addr start, pm_addr end,
	struct dynamic *ret, struct pm_error *err)
{
	unsigned w = word_size;
	struct dynamic d = {
		.word_size = word_size,
		.big_endian = pm_memory_target(m)->big_endian,
	};
	uint64_t soname = 0;
	bool has_soname = false;
	if (size > MAX_DYNAMIC)
		size = MAX_DYNAMIC;
	for (uint64_t i = 0; i + 2 * w <= size; i += 2 * w) {
		uint64_t tag, v;
		PM_TRY(pm_memory_read_uint(m, at + i, w, &tag, err));
		PM_TRY(pm_memory_read_uint(m, at + i + w, w, &v, err));
		if (tag == DT_NULL)
			break;
		if (tag == DT_SYMTAB)
			d.symbols = place(v, bias, start, end);
		else if (tag == DT_STRTAB)
			d.strings = place(v, bias, start, end);
		else if (tag == DT_GNU_HASH)
			d.gnu_hash = place(v, bias, start, end);
		else if (tag == DT_HASH)
			d.sysv_hash = place(v, bias, start, end);
		else if (tag == DT_STRSZ)
			d.strings_size = v;
		else if (tag == DT_SONAME) {
			soname = v;
			has_soname = true;
		}
	}
	if (!d.symbols || !d.strings || !d.strings_size)
		return pm_fail(err, PM_ABSENT, at, "no dynamic symbols");
	if (has_soname && soname < d.strings_size)
		d.soname = d.strings + soname;
	*ret = d;
	return PM_OK;
}

struct raw_symbol {
	uint64_t value, size;
	uint32_t name;
	unsigned info, section;
};

static size_t symbol_size(const struct dynamic *d)
{
	return d->word_size == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

static struct raw_symbol decode_symbol(
	const struct dynamic *d, const uint8_t *p)
{
	bool be = d->big_endian;
	if (d->word_size == 8)
		return (struct raw_symbol){
			.name = (uint32_t)pm_load(p, 4, be),
			.info = p[4],
			.section = (unsigned)pm_load(p + 6, 2, be),
			.value = pm_load(p + 8, 8, be),
			.size = pm_load(p + 16, 8, be),
		};
	return (struct raw_symbol){
		.name = (uint32_t)pm_load(p, 4, be),
		.value = pm_load(p + 4, 4, be),
		.size = pm_load(p + 8, 4, be),
		.info = p[12],
		.section = (unsigned)pm_load(p + 14, 2, be),
	};
}

/* Is the i-th symbol defined here, and of this name? */
static enum pm_status compare(struct pm_memory *m, const struct dynamic *d,
	uint64_t i, const char *name, struct raw_symbol *ret, bool *ret_same,
	struct pm_error *err)
{
	uint8_t b[sizeof(Elf64_Sym)];
	char text[256];
	size_t len = strlen(name) + 1;
	*ret_same = false;
	PM_TRY(pm_memory_read(
		m, d->symbols + i * symbol_size(d), b, symbol_size(d), err));
	*ret = decode_symbol(d, b);
	if (!symtab_wants(ret->info, ret->section) ||
		ret->name >= d->strings_size || len > sizeof text ||
		len > d->strings_size - ret->name)
		return PM_OK;
	PM_TRY(pm_memory_read(m, d->strings + ret->name, text, len, err));
	*ret_same = !memcmp(text, name, len);
	return PM_OK;
}

/* The header of DT_GNU_HASH and where its parts are. */
struct gnu_hash {
	uint32_t buckets, first, bloom_size, bloom_shift;
	pm_addr bloom, bucket, chain; /* chain: of symbol 0 */
};

static enum pm_status read_gnu_hash(struct pm_memory *m,
	const struct dynamic *d, struct gnu_hash *ret, struct pm_error *err)
{
	uint8_t b[16];
	bool be = d->big_endian;
	PM_TRY(pm_memory_read(m, d->gnu_hash, b, sizeof b, err));
	struct gnu_hash h = {
		.buckets = (uint32_t)pm_load(b, 4, be),
		.first = (uint32_t)pm_load(b + 4, 4, be),
		.bloom_size = (uint32_t)pm_load(b + 8, 4, be),
		.bloom_shift = (uint32_t)pm_load(b + 12, 4, be),
		.bloom = d->gnu_hash + 16,
	};
	if (!h.buckets || !h.bloom_size || h.buckets > MAX_COUNT ||
		h.bloom_size > MAX_COUNT || h.first > MAX_COUNT)
		return pm_fail(err, PM_CORRUPT, d->gnu_hash,
			"symbol hash table makes no sense");
	h.bucket = h.bloom + (uint64_t)h.bloom_size * d->word_size;
	h.chain = h.bucket + 4 * (uint64_t)h.buckets - 4 * (uint64_t)h.first;
	*ret = h;
	return PM_OK;
}

static enum pm_status found(
	const struct raw_symbol *raw, pm_addr bias, struct symtab_entry *ret)
{
	*ret = (struct symtab_entry){
		.addr = raw->value + bias, .size = raw->size};
	return PM_OK;
}

static enum pm_status find_gnu(struct pm_memory *m, const struct dynamic *d,
	const char *name, pm_addr bias, struct symtab_entry *ret,
	struct pm_error *err)
{
	struct gnu_hash h;
	uint64_t v;
	uint32_t hash = symtab_hash(name);
	unsigned w = d->word_size, bits = w * 8;
	PM_TRY(read_gnu_hash(m, d, &h, err));
	PM_TRY(pm_memory_read_uint(m,
		h.bloom + (uint64_t)(hash / bits % h.bloom_size) * w, w, &v,
		err));
	bool maybe = (v >> hash % bits & 1) &&
		     (h.bloom_shift > 31 ||
			     (v >> (hash >> h.bloom_shift) % bits & 1));
	if (maybe)
		PM_TRY(pm_memory_read_uint(
			m, h.bucket + 4 * (hash % h.buckets), 4, &v, err));
	if (!maybe || v < h.first)
		return pm_fail(err, PM_ABSENT, 0, "no symbol %s", name);
	for (uint64_t i = v; i < v + MAX_CHAIN; i++) {
		uint64_t link;
		PM_TRY(pm_memory_read_uint(m, h.chain + 4 * i, 4, &link, err));
		if ((link | 1) == (hash | 1)) {
			struct raw_symbol raw;
			bool same;
			PM_TRY(compare(m, d, i, name, &raw, &same, err));
			if (same)
				return found(&raw, bias, ret);
		}
		if (link & 1)
			break;
	}
	return pm_fail(err, PM_ABSENT, 0, "no symbol %s", name);
}

static uint32_t sysv_hash(const char *name)
{
	uint32_t h = 0;
	for (; *name; name++) {
		h = (h << 4) + (unsigned char)*name;
		h ^= h >> 24 & 0xf0;
		h &= 0x0fffffff;
	}
	return h;
}

/* nbucket, nchain, buckets, chains. */
static enum pm_status find_sysv(struct pm_memory *m, const struct dynamic *d,
	const char *name, pm_addr bias, struct symtab_entry *ret,
	struct pm_error *err)
{
	uint64_t buckets, count, i;
	PM_TRY(pm_memory_read_uint(m, d->sysv_hash, 4, &buckets, err));
	PM_TRY(pm_memory_read_uint(m, d->sysv_hash + 4, 4, &count, err));
	if (!buckets || buckets > MAX_COUNT || count > MAX_COUNT)
		return pm_fail(err, PM_CORRUPT, d->sysv_hash,
			"symbol hash table makes no sense");
	pm_addr at = d->sysv_hash + 8 + 4 * (sysv_hash(name) % buckets);
	for (int steps = 0; steps < MAX_CHAIN; steps++) {
		struct raw_symbol raw;
		bool same;
		PM_TRY(pm_memory_read_uint(m, at, 4, &i, err));
		if (!i || i >= count)
			break;
		PM_TRY(compare(m, d, i, name, &raw, &same, err));
		if (same)
			return found(&raw, bias, ret);
		at = d->sysv_hash + 8 + 4 * buckets + 4 * i;
	}
	return pm_fail(err, PM_ABSENT, 0, "no symbol %s", name);
}

enum pm_status dynamic_find(struct pm_memory *m, const struct dynamic *d,
	const char *name, pm_addr bias, struct symtab_entry *ret,
	struct pm_error *err)
{
	if (d->gnu_hash)
		return find_gnu(m, d, name, bias, ret, err);
	if (d->sysv_hash)
		return find_sysv(m, d, name, bias, ret, err);
	return pm_fail(err, PM_ABSENT, d->symbols, "no symbol hash table");
}

/* One behind the highest symbol that a bucket's chain reaches. */
static enum pm_status count_gnu(struct pm_memory *m, const struct dynamic *d,
	uint64_t *ret, struct pm_error *err)
{
	struct gnu_hash h;
	uint64_t last = 0, link = 0;
	PM_TRY(read_gnu_hash(m, d, &h, err));
	for (uint64_t i = 0; i < h.buckets; i++) {
		uint64_t v;
		PM_TRY(pm_memory_read_uint(m, h.bucket + 4 * i, 4, &v, err));
		if (v > last)
			last = v;
	}
	if (last < h.first) {
		*ret = h.first;
		return PM_OK;
	}
	for (int steps = 0; !(link & 1); steps++, last++) {
		if (steps == MAX_CHAIN || last > MAX_COUNT)
			return pm_fail(err, PM_CORRUPT, d->gnu_hash,
				"symbol hash chain does not end");
		PM_TRY(pm_memory_read_uint(
			m, h.chain + 4 * last, 4, &link, err));
	}
	*ret = last;
	return PM_OK;
}

static enum pm_status count_symbols(struct pm_memory *m,
	const struct dynamic *d, uint64_t *ret, struct pm_error *err)
{
	if (d->sysv_hash) {
		PM_TRY(pm_memory_read_uint(m, d->sysv_hash + 4, 4, ret, err));
	} else if (d->gnu_hash) {
		PM_TRY(count_gnu(m, d, ret, err));
	} else if (d->strings > d->symbols) {
		/* Linkers put the names right behind the symbols. */
		*ret = (d->strings - d->symbols) / symbol_size(d);
	} else {
		*ret = 0;
	}
	if (*ret > MAX_COUNT)
		return pm_fail(err, PM_CORRUPT, d->symbols,
			"too many dynamic symbols");
	return PM_OK;
}

enum pm_status symtab_read_memory(struct symtab *s, struct pm_memory *m,
	const struct dynamic *d, pm_addr bias, struct pm_error *err)
{
	uint64_t n = 0;
	size_t each = symbol_size(d);
	PM_TRY(count_symbols(m, d, &n, err));
	if (!n)
		return PM_OK;
	uint64_t room =
		d->strings_size < MAX_STRINGS ? d->strings_size : MAX_STRINGS;
	pm_auto_free uint8_t *raw = malloc((size_t)n * each);
	pm_auto_free char *strings = malloc((size_t)room);
	if (!raw || !strings)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_memory_read(m, d->symbols, raw, (size_t)n * each, err));
	PM_TRY(pm_memory_read(m, d->strings, strings, (size_t)room, err));
	for (uint64_t i = 1; i < n; i++) {
		struct raw_symbol r = decode_symbol(d, raw + i * each);
		if (r.name >= room)
			continue;
		const char *name = strings + r.name;
		const char *nul = memchr(name, '\0', (size_t)room - r.name);
		if (nul)
			PM_TRY(symtab_add(s, name, (size_t)(nul - name),
				r.value + bias, r.size, r.info, r.section,
				err));
	}
	return PM_OK;
}
