/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/dict.h"
#include "object/text.h"

#define MAX_LOG2 40

static uint64_t usable_fraction(uint64_t size)
{
	return (size << 1) / 3; /* USABLE_FRACTION since 3.7 */
}

/* 3.11 and later: the table says its own shape. */
static enum pm_status load_log2(const struct pm_layout *l,
	const unsigned char *head, struct pm_keys *k, struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	uint64_t log2 = pm_get(l, head, f->dict_keys.log2_size);
	uint64_t log2_index = pm_get(l, head, f->dict_keys.log2_index_bytes);
	uint64_t kind = pm_get(l, head, f->dict_keys.kind);
	if (log2 > MAX_LOG2 || log2_index > log2 + 3 || log2_index < log2 ||
		kind > 2)
		return pm_fail(err, PM_CORRUPT, k->addr,
			"dict keys with log2 size %llu, index %llu, kind %llu",
			(unsigned long long)log2,
			(unsigned long long)log2_index,
			(unsigned long long)kind);
	bool general = kind == 0;
	k->entry_size = general ? f->dict_entry.sizeof_.off
				: f->dict_unicode_entry.sizeof_.off;
	k->key_off =
		general ? f->dict_entry.key.off : f->dict_unicode_entry.key.off;
	k->value_off = general ? f->dict_entry.value.off
			       : f->dict_unicode_entry.value.off;
	k->usable = usable_fraction(UINT64_C(1) << log2);
	k->entries = k->addr + f->dict_keys.sizeof_.off +
		     (UINT64_C(1) << log2_index);
	k->values_usable = k->nentries + (uint64_t)pm_get_signed(
						 l, head, f->dict_keys.usable);
	return PM_OK;
}

/* 3.3 to 3.10: index width by size (DK_IXSIZE). */
static enum pm_status load_sized(const struct pm_layout *l,
	const unsigned char *head, struct pm_keys *k, struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	uint64_t size = pm_get(l, head, f->dict_keys.size);
	if (!size || size & (size - 1) || size > UINT64_C(1) << MAX_LOG2)
		return pm_fail(err, PM_CORRUPT, k->addr,
			"dict keys of size %llu", (unsigned long long)size);
	uint64_t width = size <= 0xff	      ? 1
			 : size <= 0xffff     ? 2
			 : size <= 0xffffffff ? 4
					      : 8;
	k->entry_size = f->dict_entry.sizeof_.off;
	k->key_off = f->dict_entry.key.off;
	k->value_off = f->dict_entry.value.off;
	k->usable = usable_fraction(size);
	k->values_usable = k->usable;
	k->entries = k->addr + f->dict_keys.indices.off + width * size;
	return PM_OK;
}

/* 2.7: every slot of a dict's table is an entry; empty ones have no value. */
static enum pm_status load_table(const struct pm_layout *l, struct pm_memory *m,
	pm_addr dict, struct pm_keys *ret, struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	uint64_t mask = 0, table = 0;
	PM_TRY(pm_layout_read(l, m, dict, f->dict.mask, &mask, err));
	PM_TRY(pm_layout_read(l, m, dict, f->dict.table, &table, err));
	if (!table || mask & (mask + 1) || mask >> MAX_LOG2)
		return pm_fail(err, PM_CORRUPT, dict,
			"dict table of %llu slots",
			(unsigned long long)mask + 1);
	struct pm_keys k = {.addr = table,
		.refcnt = 1,
		.usable = mask + 1,
		.nentries = mask + 1,
		.entries = table,
		.entry_size = f->dict_entry.sizeof_.off,
		.key_off = f->dict_entry.key.off,
		.value_off = f->dict_entry.value.off};
	if (table != dict + f->dict.smalltable.off)
		k.bytes = k.usable * k.entry_size;
	*ret = k;
	return PM_OK;
}

enum pm_status pm_keys_load(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, struct pm_keys *ret, struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	unsigned char head[64] = {0};
	size_t n = f->dict_keys.indices.off;
	if (l->t.keys_form == PM_KEYS_TABLE)
		return load_table(l, m, addr, ret, err);
	if (!n || n > sizeof head)
		return pm_fail(err, PM_ABSENT, addr, "no keys objects here");
	PM_TRY(pm_memory_read(m, addr, head, n, err));
	struct pm_keys k = {
		.addr = addr,
		.refcnt = pm_get_signed(l, head, f->dict_keys.refcnt),
		.nentries = pm_get(l, head, f->dict_keys.nentries),
	};
	PM_TRY(l->t.keys_form == PM_KEYS_LOG2 ? load_log2(l, head, &k, err)
					      : load_sized(l, head, &k, err));
	/* A 3.8 to 3.10 table made for sharing may have more usable entries
	   than the fraction, never more than slots. */
	if (k.nentries > k.usable + 1)
		return pm_fail(err, PM_CORRUPT, addr,
			"dict keys with %llu entries of %llu",
			(unsigned long long)k.nentries,
			(unsigned long long)k.usable);
	k.bytes = k.entries - addr + k.usable * k.entry_size;
	*ret = k;
	return PM_OK;
}

bool pm_keys_shape_of_class(const struct pm_layout *l, uint64_t block,
	uint64_t step, uint64_t extra, struct pm_keys_shape *ret)
{
	const struct pm_fields *f = &l->f;
	struct pm_keys_shape found = {0};
	unsigned kinds = l->t.keys_form == PM_KEYS_LOG2 ? 2 : 1;
	if (l->t.keys_form == PM_KEYS_TABLE)
		return 0;
	for (unsigned log2 = 3; log2 < 10; log2++) {
		for (unsigned kind = 0; kind < kinds; kind++) {
			unsigned entry =
				kind ? f->dict_unicode_entry.sizeof_.off
				     : f->dict_entry.sizeof_.off;
			uint64_t index = UINT64_C(1) << log2;
			uint64_t usable = usable_fraction(index);
			uint64_t bytes = f->dict_keys.indices.off +
					 index * (log2 < 8 ? 1 : 2) +
					 usable * entry;
			uint64_t held =
				(bytes + extra + step - 1) / step * step;
			if (held != block)
				continue;
			if (found.bytes && found.bytes != bytes)
				return false;
			found = (struct pm_keys_shape){bytes, usable, entry};
		}
	}
	*ret = found;
	return found.bytes;
}

uint64_t pm_keys_size_of_class(const struct pm_layout *l, uint64_t block,
	uint64_t step, uint64_t extra)
{
	struct pm_keys_shape shape;
	return pm_keys_shape_of_class(l, block, step, extra, &shape)
		       ? shape.bytes
		       : 0;
}

bool pm_keys_next(const struct pm_layout *l, struct pm_memory *m,
	const struct pm_keys *k, pm_addr values, uint64_t *pos,
	pm_addr *ret_key, pm_addr *ret_value, enum pm_status *ret_status)
{
	unsigned ws = l->t.word_size;
	*ret_status = PM_OK;
	for (; *pos < k->nentries && *pos < k->usable; (*pos)++) {
		uint64_t i = *pos, key = 0, value = 0;
		pm_addr e = k->entries + i * k->entry_size;
		pm_addr v = values ? values + i * ws : e + k->value_off;
		*ret_status =
			pm_memory_read_uint(m, e + k->key_off, ws, &key, NULL);
		if (*ret_status == PM_OK)
			*ret_status =
				pm_memory_read_uint(m, v, ws, &value, NULL);
		if (*ret_status != PM_OK)
			return false;
		if (!value)
			continue;
		*ret_key = key;
		*ret_value = value;
		(*pos)++;
		return true;
	}
	return false;
}

pm_addr pm_values_array(const struct pm_layout *l, pm_addr values)
{
	if (values && l->t.values_form == PM_VALUES_HEADED)
		return values + l->f.dict_values.values.off;
	return values;
}

/* Which value came when: bytes behind the array, or before it, last first
   (struct _dictvalues, Include/internal/pycore_dict.h). */
static enum pm_status load_order(
	struct pm_dict_iter *it, pm_addr values, struct pm_error *err)
{
	const struct pm_fields *f = &it->l->f;
	uint64_t n = 0, cap = 0;
	switch (it->l->t.values_form) {
	case PM_VALUES_ARRAY:
		return PM_OK;
	case PM_VALUES_PREFIXED:
		PM_TRY(pm_memory_read_uint(it->m, values - 2, 1, &n, err));
		PM_TRY(pm_memory_read(
			it->m, values - 2 - n, it->order, n, err));
		for (uint64_t i = 0; i < n / 2; i++) {
			unsigned char x = it->order[i];
			it->order[i] = it->order[n - 1 - i];
			it->order[n - 1 - i] = x;
		}
		break;
	case PM_VALUES_HEADED:
		PM_TRY(pm_layout_read(
			it->l, it->m, values, f->dict_values.size, &n, err));
		PM_TRY(pm_layout_read(it->l, it->m, values,
			f->dict_values.capacity, &cap, err));
		if (n > cap)
			return pm_fail(err, PM_CORRUPT, values,
				"%llu attribute values in room for %llu",
				(unsigned long long)n, (unsigned long long)cap);
		PM_TRY(pm_memory_read(it->m,
			it->values + cap * it->l->t.word_size, it->order, n,
			err));
		break;
	}
	it->ordered = true;
	it->n = n;
	return PM_OK;
}

enum pm_status pm_dict_iter_init(const struct pm_layout *l, struct pm_memory *m,
	pm_addr keys, pm_addr values, struct pm_dict_iter *ret,
	struct pm_error *err)
{
	struct pm_dict_iter it = {.l = l, .m = m};
	PM_TRY(pm_keys_load(l, m, keys, &it.k, err));
	it.values = pm_values_array(l, values);
	it.n = it.k.nentries < it.k.usable ? it.k.nentries : it.k.usable;
	if (values)
		PM_TRY(load_order(&it, values, err));
	*ret = it;
	return PM_OK;
}

enum pm_status pm_dict_iter_of(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, const void *body, struct pm_dict_iter *ret,
	struct pm_error *err)
{
	return pm_dict_iter_init(l, m, pm_dict_keys(l, addr, body),
		pm_get(l, body, l->f.dict.values), ret, err);
}

bool pm_dict_iter_next(
	struct pm_dict_iter *it, pm_addr *ret_key, pm_addr *ret_value)
{
	unsigned ws = it->l->t.word_size;
	while (it->pos < it->n) {
		uint64_t i = it->ordered ? it->order[it->pos] : it->pos;
		uint64_t key = 0, value = 0;
		pm_addr e = it->k.entries + i * it->k.entry_size;
		pm_addr at =
			it->values ? it->values + i * ws : e + it->k.value_off;
		it->pos++;
		if (i >= it->k.usable && i >= it->k.nentries) {
			it->status = PM_CORRUPT;
			return false;
		}
		it->status = pm_memory_read_uint(
			it->m, e + it->k.key_off, ws, &key, NULL);
		if (it->status == PM_OK)
			it->status = pm_memory_read_uint(
				it->m, at, ws, &value, NULL);
		if (it->status != PM_OK)
			return false;
		if (!value)
			continue;
		it->at = at;
		*ret_key = key;
		*ret_value = value;
		return true;
	}
	return false;
}

pm_addr pm_dict_find(const struct pm_layout *l, struct pm_memory *m,
	pm_addr dict, const char *key)
{
	uint64_t keys = dict, values = 0, pos = 0;
	struct pm_keys k;
	if (l->t.keys_form != PM_KEYS_TABLE &&
		(pm_layout_read(l, m, dict, l->f.dict.keys, &keys, NULL) !=
				PM_OK ||
			pm_layout_read(l, m, dict, l->f.dict.values, &values,
				NULL) != PM_OK))
		return 0;
	if (!dict || pm_keys_load(l, m, keys, &k, NULL) != PM_OK)
		return 0;
	values = pm_values_array(l, values);
	pm_addr name, value;
	enum pm_status s;
	while (pm_keys_next(l, m, &k, values, &pos, &name, &value, &s))
		if (name && pm_text_equals(l, m, name, key))
			return value;
	return 0;
}
