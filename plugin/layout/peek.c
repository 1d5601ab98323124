/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small reads of a target whose layout is only being found: whatever is not
   there or not well-formed is "no". */
#include "layout/build.h"

#include <string.h>

/* Mapped or not, nothing of Python is larger. */
#define MAX_SPAN ((size_t)256 << 20)
/* sys, modules and interned strings stay far below. */
#define MAX_DICT (UINT64_C(1) << 26)

void pm_span_deinit(struct pm_span *s)
{
	free(s->bytes);
	*s = (struct pm_span){0};
}

enum pm_status pm_span_read(struct pm_memory *m, pm_addr start, size_t len,
	struct pm_span *ret, struct pm_error *err)
{
	if (len > MAX_SPAN)
		return pm_fail(err, PM_LIMIT, start,
			"%zu bytes at 0x%llx are more than Python needs", len,
			(unsigned long long)start);
	pm_auto_free unsigned char *bytes = calloc(1, len ? len : 1);
	if (!bytes)
		return pm_fail(
			err, PM_NOMEM, 0, "no memory for %zu bytes", len);
	struct pm_target *t = pm_memory_target(m);
	size_t at = 0, got = 0;
	while (at < len) {
		size_t n = pm_target_read_some(
			t, start + at, bytes + at, len - at);
		got += n;
		at += n;
		if (at < len) { /* the next page may be there again */
			size_t next = at + (4096 - (size_t)(start + at) % 4096);
			at = next < len ? next : len;
		}
	}
	if (len && !got)
		return pm_fail(err, PM_FAULT, start,
			"none of the %zu bytes at 0x%llx can be read", len,
			(unsigned long long)start);
	ret->start = start;
	ret->len = len;
	ret->bytes = pm_take(bytes);
	return PM_OK;
}

enum pm_status pm_build_data(struct pm_build *b, struct pm_error *err)
{
	if (b->data.bytes)
		return PM_OK;
	if (!b->python || b->python->data_start >= b->python->data_end)
		return pm_fail(err, PM_ABSENT, b->runtime,
			"no module with writable data holds the runtime");
	return pm_span_read(b->m, b->python->data_start,
		(size_t)(b->python->data_end - b->python->data_start), &b->data,
		err);
}

enum pm_status pm_build_interp(struct pm_build *b, struct pm_error *err)
{
	if (b->interp.bytes)
		return PM_OK;
	pm_addr main = pm_build_number(
		b, b->runtime, b->l->f.runtime.interpreters_main);
	unsigned n;
	if (b->id.variable)
		main = pm_calibrate_main_interpreter(
			b, b->l->at.interp_head.addr, &n);
	return pm_span_read(b->m, main ? main : b->l->at.interp_head.addr,
		b->l->f.interp.sizeof_.off, &b->interp, err);
}

pm_addr pm_build_pointer(struct pm_build *b, pm_addr at)
{
	struct pm_field word = {0, (uint16_t)b->l->t.word_size, 0, 0};
	return pm_build_number(b, at, word);
}

uint64_t pm_build_number(struct pm_build *b, pm_addr at, struct pm_field f)
{
	uint64_t v;
	if (!at || pm_layout_read(b->l, b->m, at, f, &v, NULL) != PM_OK)
		return 0;
	return v;
}

bool pm_build_is_address(struct pm_build *b, pm_addr p)
{
	struct pm_target *t = pm_memory_target(b->m);
	unsigned char byte;
	if (p < 4096 || p % b->l->t.word_size)
		return false;
	if (!t->maps.len) /* a target that cannot tell them */
		return pm_memory_read(b->m, p, &byte, 1, NULL) == PM_OK;
	return pm_target_find_map(t, p) != NULL;
}

bool pm_build_text_is(struct pm_build *b, pm_addr addr, const char *text)
{
	char buf[64];
	size_t len = strlen(text) + 1;
	if (!addr || len > sizeof buf ||
		pm_memory_read(b->m, addr, buf, len, NULL) != PM_OK)
		return false;
	return memcmp(buf, text, len) == 0;
}

bool pm_build_is_exact(struct pm_build *b, pm_addr obj, pm_addr type)
{
	return type && pm_build_is_address(b, obj) &&
	       pm_build_number(b, obj, b->l->f.object.type) == type;
}

/* ---- dicts ---- */

struct keys {
	pm_addr entries;
	uint64_t nentries;
	struct pm_field key, value;
	uint32_t stride;
};

static bool read_keys(struct pm_build *b, pm_addr keys, struct keys *ret)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t index_bytes;
	*ret = (struct keys){.key = f->dict_entry.key,
		.value = f->dict_entry.value,
		.stride = f->dict_entry.sizeof_.off};
	switch (b->l->t.keys_form) {
	case PM_KEYS_SIZED: {
		uint64_t size = pm_build_number(b, keys, f->dict_keys.size);
		if (!size || size > MAX_DICT || size & (size - 1))
			return false;
		index_bytes = size * (size <= 0xff	      ? 1
					     : size <= 0xffff ? 2
							      : 4);
		break;
	}
	case PM_KEYS_LOG2: {
		uint64_t log2 =
			pm_build_number(b, keys, f->dict_keys.log2_index_bytes);
		if (log2 > 31)
			return false;
		index_bytes = UINT64_C(1) << log2;
		if (pm_build_number(b, keys, f->dict_keys.kind) != 0) {
			ret->key = f->dict_unicode_entry.key;
			ret->value = f->dict_unicode_entry.value;
			ret->stride = f->dict_unicode_entry.sizeof_.off;
		}
		break;
	}
	case PM_KEYS_TABLE:
	default:
		return false;
	}
	ret->nentries = pm_build_number(b, keys, f->dict_keys.nentries);
	ret->entries = keys + f->dict_keys.indices.off + index_bytes;
	return ret->nentries <= MAX_DICT;
}

/* 2.7: the table is the dict's own. */
static bool read_table(struct pm_build *b, pm_addr dict, struct keys *ret)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t mask = pm_build_number(b, dict, f->dict.mask);
	*ret = (struct keys){.key = f->dict_entry.key,
		.value = f->dict_entry.value,
		.stride = f->dict_entry.sizeof_.off,
		.entries = pm_build_number(b, dict, f->dict.table),
		.nentries = mask + 1};
	return mask < MAX_DICT && !(mask & (mask + 1)) &&
	       pm_build_is_address(b, ret->entries);
}

bool pm_build_dict_each(struct pm_build *b, pm_addr dict, uint64_t limit,
	bool (*see)(void *arg, pm_addr key, pm_addr value), void *arg)
{
	const struct pm_fields *f = &b->l->f;
	struct keys k;
	pm_addr keys = pm_build_number(b, dict, f->dict.keys);
	if (b->l->t.keys_form == PM_KEYS_TABLE) {
		if (!read_table(b, dict, &k))
			return false;
		if (limit < k.nentries) /* of used entries; half are */
			limit = limit < k.nentries / 4 ? 4 * limit : k.nentries;
	} else if (!pm_build_is_address(b, keys) || !read_keys(b, keys, &k)) {
		return false;
	}
	if (pm_build_number(b, dict, f->dict.used) > k.nentries)
		return false;
	for (uint64_t i = 0; i < k.nentries && i < limit; i++) {
		unsigned char entry[64];
		if (k.stride > sizeof entry ||
			pm_memory_read(b->m, k.entries + i * k.stride, entry,
				k.stride, NULL) != PM_OK)
			return false;
		pm_addr key = pm_get(b->l, entry, k.key);
		pm_addr value = pm_get(b->l, entry, k.value);
		if (key && value && !see(arg, key, value))
			break;
	}
	return true;
}

bool pm_build_ascii(struct pm_build *b, pm_addr str, char *buf, size_t cap)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t len = pm_build_number(b, str, f->ascii.length);
	if (b->l->t.text_form == PM_TEXT_WIDE) { /* a str, as names are */
		len = pm_build_number(b, str, f->var_object.size);
		if (len >= cap || pm_memory_read(b->m, str + f->bytes.data.off,
					  buf, (size_t)len, NULL) != PM_OK)
			return false;
		buf[len] = '\0';
		return true;
	}
	if (len >= cap || !pm_build_number(b, str, f->ascii.is_ascii) ||
		!pm_build_number(b, str, f->ascii.compact) ||
		pm_memory_read(b->m, str + f->ascii.sizeof_.off, buf,
			(size_t)len, NULL) != PM_OK)
		return false;
	buf[len] = '\0';
	return true;
}

struct wanted {
	struct pm_build *b;
	const char *key;
	pm_addr value;
};

static bool see_key(void *arg, pm_addr key, pm_addr value)
{
	struct wanted *w = arg;
	char text[64];
	if (!pm_build_is_exact(w->b, key, pm_build_name_type(w->b)) ||
		!pm_build_ascii(w->b, key, text, sizeof text) ||
		strcmp(text, w->key) != 0)
		return true;
	w->value = value;
	return false;
}

pm_addr pm_build_dict_get(struct pm_build *b, pm_addr dict, const char *key)
{
	struct wanted w = {b, key, 0};
	if (!pm_build_is_exact(b, dict, b->l->at.dict_type.addr) ||
		!pm_build_dict_each(b, dict, 4096, see_key, &w))
		return 0;
	return w.value;
}
