/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame of repr(): what bounds it, and what printers share. */
#include "object/repr-internal.h"
#include "object/repr-rows.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

static size_t count_characters(const char *text, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

bool pm_repr_full(struct pm_repr *r)
{
	if (r->out->failed || !r->budget)
		return true;
	r->budget--;
	if (r->out->len - r->start <= r->limit)
		return false;
	if (r->seen < r->out->len) {
		r->chars += count_characters(
			r->out->data + r->seen, r->out->len - r->seen);
		r->seen = r->out->len;
	}
	return r->chars > r->limit;
}

bool pm_repr_enter(
	struct pm_repr *r, const struct pm_object *x, const char *text)
{
	for (unsigned i = 0; i < r->depth; i++)
		if (r->parents[i] == x->addr) {
			pm_strbuf_puts(r->out, text);
			return false;
		}
	if (r->depth == PM_REPR_DEPTH) {
		r->budget = 0;
		return false;
	}
	r->parents[r->depth++] = x->addr;
	return true;
}

void pm_repr_leave(struct pm_repr *r)
{
	r->depth--;
}

/* ---- names ---- */

const char *pm_repr_qualified(const struct pm_type *t)
{
	return strncmp(t->name, "builtins.", 9) ? t->name : t->name + 9;
}

void pm_repr_tp_name(struct pm_repr *r, const struct pm_type *t)
{
	uint64_t at = 0;
	char name[256];
	enum pm_status s = pm_layout_read(
		r->o->l, r->o->m, t->addr, r->o->l->f.type.name, &at, NULL);
	if (s == PM_OK)
		s = pm_memory_read_cstring(
			r->o->m, at, name, sizeof name, NULL);
	if (s == PM_OK || s == PM_LIMIT)
		pm_strbuf_escaped(r->out, name, strlen(name));
	else
		pm_strbuf_puts(r->out, pm_repr_qualified(t));
}

void pm_repr_bare_name(struct pm_repr *r, const struct pm_type *t)
{
	size_t start = r->out->len;
	pm_repr_tp_name(r, t);
	if (r->out->failed)
		return;
	const char *dot = strrchr(r->out->data + start, '.');
	if (!dot)
		return;
	pm_auto_free char *last = strdup(dot + 1);
	pm_strbuf_truncate(r->out, start);
	pm_strbuf_puts(r->out, last ? last : "?");
}

const char *pm_repr_last_name(const struct pm_type *t)
{
	const char *dot = strrchr(t->name, '.');
	return dot ? dot + 1 : t->name;
}

void pm_repr_own_name(
	struct pm_repr *r, const struct pm_object *x, const char *base)
{
	if (pm_wording_is(r->o->l, PM_WORDING_SUBCLASSES_NAMED))
		pm_repr_bare_name(r, x->type);
	else
		pm_strbuf_puts(r->out, base);
}

void pm_repr_default(struct pm_repr *r, const struct pm_object *x)
{
	pm_strbuf_printf(r->out, "<%s object at 0x%" PRIx64 ">",
		pm_repr_qualified(x->type), x->addr);
}

/* ---- reading ---- */

bool pm_repr_read(struct pm_repr *r, pm_addr at, void *buf, size_t n)
{
	return pm_memory_read(r->o->m, at, buf, n, NULL) == PM_OK;
}

bool pm_repr_read_word(struct pm_repr *r, pm_addr at, uint64_t *ret)
{
	return pm_memory_read_uint(
		       r->o->m, at, r->o->l->t.word_size, ret, NULL) == PM_OK;
}

uint64_t pm_repr_bytes(struct pm_repr *r, const struct pm_object *x,
	uint64_t off, unsigned size)
{
	uint64_t v = 0;
	if (off + size <= x->avail)
		return pm_load(
			pm_object_body(x) + off, size, r->o->l->t.big_endian);
	return pm_memory_read_uint(r->o->m, x->addr + off, size, &v, NULL) ==
			       PM_OK
		       ? v
		       : 0;
}

uint64_t pm_repr_field(
	struct pm_repr *r, const struct pm_object *x, struct pm_field f)
{
	uint64_t v = 0;
	if (!pm_has(f))
		return 0;
	if (f.off + f.size <= x->avail)
		return pm_get(r->o->l, pm_object_body(x), f);
	return pm_layout_read(r->o->l, r->o->m, x->addr, f, &v, NULL) == PM_OK
		       ? v
		       : 0;
}

uint64_t pm_repr_word(struct pm_repr *r, const struct pm_object *x, unsigned n)
{
	unsigned ws = r->o->l->t.word_size;
	return pm_repr_bytes(r, x, r->o->l->f.object.sizeof_.off + n * ws, ws);
}

int64_t pm_repr_signed_word(
	struct pm_repr *r, const struct pm_object *x, unsigned n)
{
	unsigned shift = 64 - 8 * r->o->l->t.word_size;
	return (int64_t)(pm_repr_word(r, x, n) << shift) >> shift;
}

bool pm_repr_text(struct pm_repr *r, pm_addr str)
{
	struct pm_object x;
	size_t room = r->limit + 1;
	return str && pm_object_load(r->o, str, &x, NULL) == PM_OK &&
	       pm_type_is_name(r->o->l, x.type) &&
	       pm_text_append(r->o->l, r->o->m, str, room, 0, r->out, NULL) ==
		       PM_OK;
}

pm_addr pm_repr_attr(
	struct pm_repr *r, const struct pm_object *x, const char *name)
{
	pm_auto_attr_query q = {.name = name};
	struct pm_attr v;
	return pm_attr_find(r->o, x, &q, &v, NULL) ? v.value : 0;
}

bool pm_repr_items(
	struct pm_repr *r, pm_addr addr, uint64_t *ret_n, pm_addr *ret_at)
{
	const struct pm_fields *f = &r->o->l->f;
	struct pm_object x;
	if (!addr || pm_object_load(r->o, addr, &x, NULL) != PM_OK)
		return false;
	int64_t n =
		pm_get_signed(r->o->l, pm_object_body(&x), f->var_object.size);
	if (n < 0)
		return false;
	if (x.type->kind == PM_KIND_TUPLE)
		*ret_at = addr + f->tuple.item.off;
	else if (x.type->kind == PM_KIND_LIST)
		*ret_at = pm_repr_field(r, &x, f->list.item);
	else
		return false;
	*ret_n = (uint64_t)n;
	return true;
}

pm_addr pm_repr_item(struct pm_repr *r, pm_addr at, uint64_t i)
{
	unsigned ws = r->o->l->t.word_size;
	uint64_t v = 0;
	return pm_memory_read_uint(r->o->m, at + i * ws, ws, &v, NULL) == PM_OK
		       ? v
		       : 0;
}

bool pm_repr_dict(struct pm_repr *r, pm_addr addr, struct pm_dict_iter *ret)
{
	struct pm_object x;
	return addr && pm_object_load(r->o, addr, &x, NULL) == PM_OK &&
	       (x.type->kind == PM_KIND_DICT ||
		       x.type->kind == PM_KIND_ODICT) &&
	       pm_dict_iter_of(r->o->l, r->o->m, addr, pm_object_body(&x), ret,
		       NULL) == PM_OK;
}

pm_addr pm_repr_class_attr(struct pm_repr *r, const struct pm_type *t,
	const char *name, const struct pm_type **ret_owner)
{
	uint64_t mro = 0, n;
	pm_addr at;
	if (pm_layout_read(r->o->l, r->o->m, t->addr, r->o->l->f.type.mro, &mro,
		    NULL) != PM_OK ||
		!pm_repr_items(r, mro, &n, &at))
		return 0;
	for (uint64_t i = 0; i < n && i < 200; i++) {
		const struct pm_type *base =
			pm_types_get(r->o->types, pm_repr_item(r, at, i));
		pm_addr found = base && base->is_type && base->dict
					? pm_dict_find(r->o->l, r->o->m,
						  base->dict, name)
					: 0;
		if (!found)
			continue;
		if (ret_owner)
			*ret_owner = base;
		return found;
	}
	return 0;
}

/* ---- dispatch ---- */

/* The class whose __repr__ this one inherits, as far as C code goes. */
static const struct pm_type *owner_of(
	const struct pm_objects *o, const struct pm_type *t)
{
	for (int i = 0; i < 200; i++) {
		const struct pm_type *base =
			t->base ? pm_types_get(o->types, t->base) : NULL;
		if (!base || !base->is_type || base == t ||
			base->repr != t->repr || !t->repr)
			break;
		t = base;
	}
	return t;
}

/* Is its __repr__ a function of Python code? */
static bool is_python(struct pm_repr *r, const struct pm_type *t)
{
	struct pm_object f;
	pm_addr at = pm_repr_class_attr(r, t, "__repr__", NULL);
	return at && pm_object_load(r->o, at, &f, NULL) == PM_OK &&
	       !strcmp(f.type->name, "builtins.function");
}

static void put_row(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_row *row);

static void put_object(struct pm_repr *r, pm_addr addr)
{
	struct pm_object x;
	if (pm_object_load(r->o, addr, &x, NULL) != PM_OK) {
		pm_strbuf_printf(r->out, "<unreadable 0x%" PRIx64 ">", addr);
		return;
	}
	struct pm_measure m;
	if (pm_object_measure(r->o, &x, &m) == PM_CORRUPT) {
		/* A torn length: what it counts is not there. */
		pm_strbuf_printf(r->out, "<inconsistent %s 0x%" PRIx64 ">",
			pm_repr_qualified(x.type), addr);
		return;
	}
	const struct pm_type *owner = owner_of(r->o, x.type);
	const struct pm_repr_row *row =
		pm_repr_row_find(pm_repr_qualified(owner));
	/* A class of Python code may bear any name. */
	if (row && owner->heap && is_python(r, owner))
		row = NULL;
	if (row)
		put_row(r, &x, row);
	else if ((x.type->kind == PM_KIND_TUPLE ||
			 (x.type->kind == PM_KIND_PLAIN && !x.type->heap)) &&
		 owner->dict &&
		 pm_dict_find(
			 r->o->l, r->o->m, owner->dict, "n_sequence_fields"))
		pm_repr_structseq(r, &x);
	else if (!strncmp(owner->name, "numpy.", 6) && pm_repr_numpy(r, &x))
		return;
	else if (!x.type->heap || !pm_repr_python(r, &x))
		pm_repr_default(r, &x);
}

void pm_repr_put(struct pm_repr *r, pm_addr addr)
{
	if (pm_repr_full(r))
		return;
	if (!addr) {
		pm_strbuf_puts(r->out, "<NULL>");
	} else if (r->nesting == PM_REPR_DEPTH) {
		r->budget = 0; /* what follows would not be Python's text */
	} else {
		r->nesting++;
		put_object(r, addr);
		r->nesting--;
	}
}

/* ---- rows that are formats ---- */

static uint64_t place_value(struct pm_repr *r, const struct pm_object *x,
	const struct pm_decoder_field *p)
{
	const struct pm_field *all = (const struct pm_field *)&r->o->l->f;
	return p->index == PM_NO_FIELD ? pm_repr_word(r, x, p->words)
				       : pm_repr_field(r, x, all[p->index]);
}

static void put_type_of(struct pm_repr *r, pm_addr addr)
{
	struct pm_object x;
	if (addr && pm_object_load(r->o, addr, &x, NULL) == PM_OK)
		pm_repr_tp_name(r, x.type);
	else
		pm_strbuf_puts(r->out, "?");
}

static void put_class_name(struct pm_repr *r, pm_addr addr)
{
	const struct pm_type *t = pm_types_get(r->o->types, addr);
	if (t && t->is_type)
		pm_repr_tp_name(r, t);
	else
		pm_strbuf_puts(r->out, "NULL");
}

/* Whose descriptor it is. */
static void put_described(struct pm_repr *r, pm_addr type)
{
	if (type == r->o->l->at.object_type.addr &&
		pm_wording_is(r->o->l, PM_WORDING_OBJECT_HAS_NO_NAME))
		return;
	pm_strbuf_puts(r->out, " of '");
	put_class_name(r, type);
	pm_strbuf_puts(r->out, "' objects");
}

static void put_row(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_row *row)
{
	const struct pm_decoder_field *next = row->places;
	if (row->print) {
		row->print(r, x);
		return;
	}
	for (const char *p = row->format; *p; p++) {
		if (*p != '%') {
			pm_strbuf_putc(r->out, *p);
			continue;
		}
		switch (*++p) {
		case 'T':
			pm_repr_tp_name(r, x->type);
			break;
		case 'N':
			pm_repr_bare_name(r, x->type);
			break;
		case 'p':
			pm_strbuf_printf(r->out, "0x%" PRIx64, x->addr);
			break;
		case 'R':
			pm_repr_put(r, place_value(r, x, next++));
			break;
		case 'S':
			if (!pm_repr_text(r, place_value(r, x, next++)))
				pm_strbuf_puts(r->out, "???");
			break;
		case 'd':
			pm_strbuf_printf(r->out, "%" PRId32,
				(int32_t)place_value(r, x, next++));
			break;
		case 'O':
			put_type_of(r, place_value(r, x, next++));
			break;
		case 'D':
			put_described(r, place_value(r, x, next++));
			break;
		case 'C':
			put_class_name(r, place_value(r, x, next++));
			break;
		default:
			break;
		}
	}
}

/* The first limit characters, and "...". */
static void cut(struct pm_repr *r)
{
	struct pm_strbuf *b = r->out;
	size_t n = 0, at = r->start;
	if (b->failed)
		return;
	for (; at < b->len; at++) {
		if (((unsigned char)b->data[at] & 0xc0) == 0x80)
			continue;
		if (n == r->limit)
			break;
		n++;
	}
	if (at == b->len && r->budget)
		return;
	pm_strbuf_truncate(b, at);
	pm_strbuf_puts(b, "...");
}

void pm_repr(const struct pm_objects *o, pm_addr addr, size_t limit,
	struct pm_strbuf *out)
{
	struct pm_repr r = {
		.o = o,
		.out = out,
		.start = out->len,
		.seen = out->len,
		.limit = limit,
		.budget = PM_REPR_BUDGET,
	};
	pm_repr_put(&r, addr);
	cut(&r);
}
