/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/groups.h"
#include "object/repr.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define MAX_GROUPS (1u << 22)
#define MAX_KEY (64u * 1024)
#define MAX_TUPLE 1000 /* characters of a tuple that is compared as text */

void pm_groups_deinit(struct pm_groups *g)
{
	pm_vec_deinit(&g->list);
	pm_strbuf_deinit(&g->keys);
	pm_map_deinit(&g->by_hash);
	pm_strbuf_deinit(&g->key);
}

/* ---- keys: equal for equal values only ---- */

static void put(struct pm_strbuf *b, char tag, const void *p, size_t n)
{
	pm_strbuf_putc(b, tag);
	pm_strbuf_append(b, p, n);
}

static void put_identity(struct pm_strbuf *b, const struct pm_value *v)
{
	pm_strbuf_reset(b);
	put(b, 'o', &v->addr, sizeof v->addr);
}

static void put_float(struct pm_strbuf *b, const struct pm_value *v)
{
	__int128 whole = 0;
	if (isnan(v->d)) { /* equal to nothing, not even to itself */
		put_identity(b, v);
		return;
	}
	if (fabs(v->d) < 0x1p120)
		whole = (__int128)v->d;
	if ((double)whole == v->d)
		put(b, 'i', &whole, sizeof whole);
	else
		put(b, 'f', &v->d, sizeof v->d);
}

static void put_memory(struct pm_strbuf *b, struct pm_value_reader *r,
	const struct pm_value *v, char tag, uint64_t bytes)
{
	unsigned char chunk[256];
	pm_strbuf_putc(b, tag);
	if (bytes > MAX_KEY) {
		put_identity(b, v);
		return;
	}
	for (uint64_t at = 0; at < bytes; at += sizeof chunk) {
		size_t n = bytes - at < sizeof chunk ? (size_t)(bytes - at)
						     : sizeof chunk;
		if (pm_memory_read(r->o->m, v->data + at, chunk, n, NULL) !=
			PM_OK) {
			r->unreadable++;
			put_identity(b, v);
			return;
		}
		pm_strbuf_append(b, chunk, n);
	}
}

static void put_text(struct pm_strbuf *b, struct pm_value_reader *r,
	const struct pm_value *v)
{
	struct pm_value_chars c;
	uint32_t cp;
	pm_strbuf_putc(b, 's');
	if (v->n > MAX_KEY) {
		put_identity(b, v);
		return;
	}
	pm_value_chars_init(&c, r, v);
	while ((cp = pm_value_chars_next(&c)) != UINT32_MAX) {
		/* Most are short: one byte, or a mark and three. */
		if (cp >= 0xff) {
			const unsigned char wide[] = {0xff,
				(unsigned char)(cp >> 16),
				(unsigned char)(cp >> 8), (unsigned char)cp};
			pm_strbuf_append(b, wide, sizeof wide);
		} else {
			pm_strbuf_putc(b, (char)cp);
		}
	}
	if (c.failed)
		put_identity(b, v);
}

static void put_object(struct pm_strbuf *b, struct pm_value_reader *r,
	const struct pm_value *v)
{
	if (v->type->kind == PM_KIND_TUPLE) {
		pm_strbuf_putc(b, 't');
		pm_repr(r->o, v->addr, MAX_TUPLE, b);
		if (b->len < MAX_TUPLE)
			return;
	}
	put_identity(b, v);
}

static void make_key(struct pm_strbuf *b, struct pm_value_reader *r,
	const struct pm_value *v)
{
	pm_strbuf_reset(b);
	switch (v->kind) {
	case PM_VALUE_MISSING:
		pm_strbuf_putc(b, 'm');
		return;
	case PM_VALUE_NONE:
		pm_strbuf_putc(b, 'n');
		return;
	case PM_VALUE_INT:
		put(b, 'i', &v->i, sizeof v->i);
		return;
	case PM_VALUE_HUGE:
		put_memory(b, r, v, v->negative ? '-' : '+', v->n * v->width);
		return;
	case PM_VALUE_FLOAT:
		put_float(b, v);
		return;
	case PM_VALUE_STR:
	case PM_VALUE_TEXT:
		put_text(b, r, v);
		return;
	case PM_VALUE_BYTES:
		put_memory(b, r, v, 'b', v->n);
		return;
	case PM_VALUE_DATA:
		put(b, 'b', v->bytes, v->nbytes);
		return;
	case PM_VALUE_OBJECT:
		put_object(b, r, v);
		return;
	}
}

/* ---- the table ---- */

static uint64_t hash(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3u;
	h ^= h >> 29;
	return h ? h : 1;
}

/* The group of a key, made if there is none; NULL: out of memory, or too many
   (left_out). */
static struct pm_value_group *find(
	struct pm_groups *g, const char *key, size_t len, bool *ret_full)
{
	struct pm_map_slot *s = pm_map_put(&g->by_hash, hash(key, len), NULL);
	*ret_full = false;
	if (!s)
		return NULL;
	for (uint64_t i = s->value; i; i = g->list.data[i - 1].next) {
		struct pm_value_group *x = &g->list.data[i - 1];
		if (x->key_len == len &&
			!memcmp(g->keys.data + x->key, key, len))
			return x;
	}
	if (g->list.len >= MAX_GROUPS) {
		*ret_full = true;
		return NULL;
	}
	size_t at = g->keys.len;
	pm_strbuf_append(&g->keys, key, len);
	if (g->keys.failed ||
		!pm_vec_push(&g->list,
			(struct pm_value_group){
				.key = at, .key_len = len, .next = s->value}))
		return NULL;
	s->value = g->list.len;
	return &g->list.data[g->list.len - 1];
}

static bool count(struct pm_groups *g, const char *key, size_t len,
	const struct pm_value_group *more)
{
	bool full;
	struct pm_value_group *x = find(g, key, len, &full);
	if (full)
		g->left_out += more->count;
	if (!x)
		return full;
	x->count += more->count;
	x->size += more->size;
	if (!x->example || more->example < x->example)
		x->example = more->example;
	return true;
}

bool pm_groups_add(struct pm_groups *g, struct pm_value_reader *r,
	const struct pm_value *v, pm_addr object, uint64_t size)
{
	const struct pm_value_group one = {
		.count = 1, .size = size, .example = object};
	make_key(&g->key, r, v);
	return !g->key.failed &&
	       count(g, pm_strbuf_text(&g->key), g->key.len, &one);
}

bool pm_groups_merge(struct pm_groups *g, const struct pm_groups *other)
{
	pm_vec_each (x, &other->list)
		if (!count(g, other->keys.data + x->key, x->key_len, x))
			return false;
	g->left_out += other->left_out;
	return true;
}

static int by_count(const void *a, const void *b)
{
	const struct pm_value_group *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->example < y->example ? -1 : x->example > y->example;
}

void pm_groups_sort(struct pm_groups *g)
{
	if (g->list.len)
		qsort(g->list.data, g->list.len, sizeof *g->list.data,
			by_count);
}

void pm_groups_show(struct pm_value_reader *r, const struct pm_value *v,
	size_t limit, struct pm_strbuf *out)
{
	if (v->addr)
		pm_repr(r->o, v->addr, limit, out);
	else if (v->kind == PM_VALUE_MISSING)
		pm_strbuf_puts(out, "(none)");
	else if (v->kind == PM_VALUE_TEXT)
		pm_strbuf_append(out, v->bytes, v->nbytes);
	else if (v->is_bool)
		pm_strbuf_puts(out, v->i ? "True" : "False");
	else if (v->kind == PM_VALUE_INT)
		pm_strbuf_printf(out, "%" PRId64, (int64_t)v->i);
	else
		pm_strbuf_puts(out, "(a literal)");
}
