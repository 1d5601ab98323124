/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/type-slots.h"
#include "base/strbuf.h"
#include "object/decoders.h"

#include <string.h>

static void free_name(const char *name)
{
	char *mine;
	memcpy(&mine, &name, sizeof mine);
	free(mine);
}

void pm_type_slots_free(struct pm_type_slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slots[i].kind == PM_SLOT_MEMBER)
			free_name(slots[i].name);
	free(slots);
}

void pm_slots_deinit(struct pm_slots *s)
{
	pm_type_slots_free(s->v.data, s->v.len);
	s->v.data = NULL;
	s->v.len = s->v.cap = 0;
}

static struct pm_type_slot *slot_at(struct pm_slots *s, uint32_t off)
{
	pm_vec_each (p, &s->v)
		if (p->off == off)
			return p;
	return NULL;
}

void pm_slots_add(struct pm_slots *s, struct pm_type_slot slot)
{
	if (s->v.len < PM_SLOTS_MAX && !slot_at(s, slot.off) &&
		pm_vec_push(&s->v, slot))
		return;
	if (slot.kind == PM_SLOT_MEMBER)
		free_name(slot.name);
}

void pm_slots_inherit(struct pm_slots *s, const struct pm_type *base)
{
	for (uint32_t i = 0; i < base->nslots; i++) {
		struct pm_type_slot p = base->slots[i];
		if (p.kind == PM_SLOT_MEMBER)
			p.name = strdup(p.name);
		if (p.name || p.kind == PM_SLOT_NATIVE)
			pm_slots_add(s, p);
	}
}

#define MEMBER_OBJECT 6	      /* _Py_T_OBJECT */
#define MEMBER_OBJECT_EX 16   /* Py_T_OBJECT_EX */
#define MEMBER_AFTER_ITEMS 16 /* _Py_AFTER_ITEMS, a flag of 3.15 */

/* PyMemberDef (Include/descrobject.h): name, int type, offset, flags, doc. */
void pm_slots_add_members(struct pm_slots *s, const struct pm_layout *l,
	struct pm_memory *m, pm_addr at, uint64_t count, int64_t basicsize)
{
	unsigned ws = l->t.word_size;
	for (uint64_t i = 0; i < count && i < PM_SLOTS_MAX; i++) {
		unsigned char def[40];
		char name[128];
		if (pm_memory_read(m, at + i * 5 * ws, def, 5 * ws, NULL) !=
			PM_OK)
			return;
		bool be = l->t.big_endian;
		pm_addr name_at = pm_load(def, ws, be);
		uint64_t type = pm_load(def + ws, 4, be);
		uint64_t off = pm_load(def + 2 * ws, ws, be);
		uint64_t flags = pm_load(def + 3 * ws, 4, be);
		if (!name_at)
			return;
		if ((type != MEMBER_OBJECT && type != MEMBER_OBJECT_EX) ||
			off % ws || off + ws > (uint64_t)basicsize ||
			off < l->f.object.sizeof_.off)
			continue;
		enum pm_status st = pm_memory_read_cstring(
			m, name_at, name, sizeof name, NULL);
		if (st != PM_OK && st != PM_LIMIT)
			continue;
		pm_auto_strbuf b = {0};
		pm_strbuf_escaped(&b, name, strlen(name));
		char *text = pm_strbuf_take(&b);
		if (text)
			pm_slots_add(s, (struct pm_type_slot){(uint32_t)off,
						PM_SLOT_MEMBER, text,
						flags & MEMBER_AFTER_ITEMS});
	}
}

void pm_slots_add_decoder(struct pm_slots *s, const struct pm_layout *l,
	const struct pm_type *t, const struct pm_decoder *d)
{
	const struct pm_field *all = (const struct pm_field *)&l->f;
	for (const struct pm_decoder_field *p = d->fields; p->name; p++) {
		uint32_t words = l->t.word_size == 8 ? p->words : p->words32;
		uint32_t off = l->f.object.sizeof_.off + words * l->t.word_size;
		if (p->index == PM_NO_FIELD) {
			if (off != t->weaklistoffset && off != t->dictoffset &&
				off + l->t.word_size <= t->basicsize)
				pm_slots_add(s,
					(struct pm_type_slot){off,
						PM_SLOT_FIELD, p->name, false});
		} else if (pm_has(all[p->index]) &&
			   all[p->index].size >= l->t.word_size)
			pm_slots_add(s, (struct pm_type_slot){all[p->index].off,
						PM_SLOT_FIELD, p->name, false});
	}
}

void pm_slots_add_native(struct pm_slots *s, const struct pm_layout *l,
	const struct pm_type *t, int64_t from)
{
	unsigned ws = l->t.word_size;
	int64_t first = (from + ws - 1) / ws * ws;
	for (int64_t off = first; off + ws <= t->basicsize; off += ws) {
		if (off == t->weaklistoffset || off == t->dictoffset ||
			off < l->f.object.sizeof_.off ||
			slot_at(s, (uint32_t)off))
			continue;
		pm_slots_add(s, (struct pm_type_slot){(uint32_t)off,
					PM_SLOT_NATIVE, NULL, false});
	}
}

static int by_offset(const void *a, const void *b)
{
	const struct pm_type_slot *x = a, *y = b;
	return x->off < y->off ? -1 : x->off > y->off;
}

void pm_slots_finish(
	struct pm_slots *s, const struct pm_layout *l, struct pm_type *t)
{
	if (s->v.len)
		qsort(s->v.data, s->v.len, sizeof *s->v.data, by_offset);
	t->slots = pm_take(s->v.data);
	t->nslots = (uint32_t)s->v.len;
	s->v.len = s->v.cap = 0;
	for (uint32_t i = 0; i < t->nslots; i++) {
		uint32_t word = t->slots[i].off / l->t.word_size;
		if (word < 64)
			t->slot_mask |= UINT64_C(1) << word;
		else
			t->slots_beyond = true;
	}
}
