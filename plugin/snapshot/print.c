/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot/print.h"
#include "object/text.h"

#include <string.h>

/* Bytes that are looked at, of what is at hand. */
#define LOOKED_AT 512

bool pm_print_has(const struct pm_type *t)
{
	switch (t->kind) {
	case PM_KIND_STR:
	case PM_KIND_BYTES:
	case PM_KIND_TUPLE:
	case PM_KIND_INT:
	case PM_KIND_WORD:
		return true;
	case PM_KIND_PLAIN:
		return !strcmp(t->name, "builtins.float") ||
		       !strcmp(t->name, "builtins.complex");
	default:
		return false;
	}
}

/* Where what cannot change begins: behind hashes and flags, which are filled in
   when first asked for. */
static uint64_t begin_of(const struct pm_layout *l, const struct pm_scanned *x)
{
	struct pm_text text;
	switch (x->type->kind) {
	case PM_KIND_STR:
		if (pm_text_parse(l, x->addr, x->body, x->avail, &text, NULL) !=
			PM_OK)
			return UINT64_MAX;
		return text.data - x->addr;
	case PM_KIND_BYTES:
		return l->f.bytes.data.off;
	case PM_KIND_TUPLE:
		return l->f.tuple.item.off;
	default:
		return l->f.object.sizeof_.off;
	}
}

uint16_t pm_print_of(const struct pm_layout *l, const struct pm_scanned *x,
	const struct pm_measure *m)
{
	uint64_t end = m->extent < x->avail ? m->extent : x->avail;
	uint64_t at = begin_of(l, x), h = m->size;
	if (at < end && end - at > LOOKED_AT)
		end = at + LOOKED_AT;
	for (; at < end; at += 8) {
		uint64_t w = 0;
		memcpy(&w, x->body + at, end - at < 8 ? end - at : 8);
		h = (h ^ w) * 0x9FB21C651E98DF25u;
		h ^= h >> 32;
	}
	h *= 0x9E3779B97F4A7C15u;
	return (uint16_t)(h >> 48);
}
