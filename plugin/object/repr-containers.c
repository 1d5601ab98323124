/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/repr-internal.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

static const char *separator(uint64_t i)
{
	return i ? ", " : "";
}

/* Items at words from at on. */
static void put_array(struct pm_repr *r, pm_addr at, uint64_t n)
{
	unsigned ws = r->o->l->t.word_size;
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		uint64_t v = 0;
		pm_strbuf_puts(r->out, separator(i));
		if (pm_memory_read_uint(r->o->m, at + i * ws, ws, &v, NULL) !=
			PM_OK) {
			pm_strbuf_printf(r->out, "<unreadable 0x%" PRIx64 ">",
				at + i * ws);
			return;
		}
		pm_repr_put(r, v);
	}
}

void pm_repr_list(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t n;
	pm_addr at;
	if (!pm_repr_enter(r, x, "[...]"))
		return;
	pm_strbuf_putc(r->out, '[');
	if (pm_repr_items(r, x->addr, &n, &at))
		put_array(r, at, n);
	else
		pm_strbuf_puts(r->out, "<unreadable>");
	pm_strbuf_putc(r->out, ']');
	pm_repr_leave(r);
}

void pm_repr_tuple(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t n = 0;
	pm_addr at;
	if (!pm_repr_enter(r, x, "(...)"))
		return;
	pm_strbuf_putc(r->out, '(');
	if (pm_repr_items(r, x->addr, &n, &at))
		put_array(r, at, n);
	pm_strbuf_puts(r->out, n == 1 ? ",)" : ")");
	pm_repr_leave(r);
}

static void put_members(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_layout *l = r->o->l;
	pm_addr table = pm_repr_field(r, x, l->f.set.table);
	uint64_t slots = pm_repr_field(r, x, l->f.set.mask) + 1;
	for (uint64_t i = 0, shown = 0; i < slots && !pm_repr_full(r); i++) {
		uint64_t key = 0;
		pm_addr at = table + i * l->f.set_entry.sizeof_.off +
			     l->f.set_entry.key.off;
		if (pm_memory_read_uint(
			    r->o->m, at, l->t.word_size, &key, NULL) != PM_OK) {
			pm_strbuf_printf(r->out, "%s<unreadable 0x%" PRIx64 ">",
				separator(shown), at);
			return;
		}
		if (!key || key == l->at.set_dummy.addr)
			continue;
		pm_strbuf_puts(r->out, separator(shown++));
		pm_repr_put(r, key);
	}
}

void pm_repr_set(struct pm_repr *r, const struct pm_object *x)
{
	bool plain = !strcmp(x->type->name, "builtins.set");
	bool empty = !pm_repr_field(r, x, r->o->l->f.set.used);
	size_t start = r->out->len;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_puts(r->out, "(...)");
	pm_auto_free char *again =
		r->out->failed ? NULL : strdup(r->out->data + start);
	pm_strbuf_truncate(r->out, start);
	if (!pm_repr_enter(r, x, again ? again : ""))
		return;
	bool braces = pm_wording_is(r->o->l, PM_WORDING_SETS_IN_BRACES);
	if (!plain || empty || !braces) {
		pm_repr_tp_name(r, x->type);
		pm_strbuf_puts(r->out, empty && braces ? "()" : "(");
	}
	if (!braces) {
		pm_strbuf_putc(r->out, '[');
		put_members(r, x);
		pm_strbuf_puts(r->out, "])");
	} else if (!empty) {
		pm_strbuf_putc(r->out, '{');
		put_members(r, x);
		pm_strbuf_puts(r->out, plain ? "}" : "})");
	}
	pm_repr_leave(r);
}

/* ---- dicts ---- */

enum what { KEYS, VALUES, PAIRS, TUPLES, NAMED };

static void put_pair(struct pm_repr *r, enum what what, pm_addr key, pm_addr v)
{
	switch (what) {
	case KEYS:
		pm_repr_put(r, key);
		break;
	case VALUES:
		pm_repr_put(r, v);
		break;
	case PAIRS:
		pm_repr_put(r, key);
		pm_strbuf_puts(r->out, ": ");
		pm_repr_put(r, v);
		break;
	case TUPLES:
		pm_strbuf_putc(r->out, '(');
		pm_repr_put(r, key);
		pm_strbuf_puts(r->out, ", ");
		pm_repr_put(r, v);
		pm_strbuf_putc(r->out, ')');
		break;
	case NAMED:
		if (!pm_repr_text(r, key))
			pm_repr_put(r, key);
		pm_strbuf_putc(r->out, '=');
		pm_repr_put(r, v);
		break;
	}
}

static void put_dict_items(
	struct pm_repr *r, const struct pm_object *x, enum what what)
{
	struct pm_dict_iter it;
	pm_addr key, value;
	uint64_t n = 0;
	if (!pm_repr_dict(r, x->addr, &it)) {
		pm_strbuf_puts(r->out, "<unreadable>");
		return;
	}
	while (!pm_repr_full(r) && pm_dict_iter_next(&it, &key, &value)) {
		pm_strbuf_puts(r->out, separator(n++));
		put_pair(r, what, key, value);
	}
	if (it.status != PM_OK)
		pm_strbuf_printf(r->out, "%s<unreadable>", separator(n));
}

/* The value of a key, where the last one was found or behind it; else from
   the start. */
static pm_addr value_of(
	struct pm_repr *r, struct pm_dict_iter *it, pm_addr wanted)
{
	pm_addr key, value;
	for (int turn = 0; turn < 2; turn++) {
		while (!pm_repr_full(r) && pm_dict_iter_next(it, &key, &value))
			if (key == wanted)
				return value;
		it->pos = 0;
	}
	return 0;
}

/* In the order of its nodes. */
static void put_odict_items(
	struct pm_repr *r, const struct pm_object *x, enum what what)
{
	const struct pm_fields *f = &r->o->l->f;
	unsigned ws = r->o->l->t.word_size;
	pm_addr node = pm_repr_field(r, x, f->odict.first);
	uint64_t used = pm_repr_field(r, x, f->dict.used);
	struct pm_dict_iter it;
	if (!pm_repr_dict(r, x->addr, &it)) {
		pm_strbuf_puts(r->out, "<unreadable>");
		return;
	}
	for (uint64_t i = 0; node && i < used && !pm_repr_full(r); i++) {
		uint64_t key = 0, next = 0;
		if (pm_memory_read_uint(r->o->m, node + f->odict_node.key.off,
			    ws, &key, NULL) != PM_OK ||
			pm_memory_read_uint(r->o->m,
				node + f->odict_node.next.off, ws, &next,
				NULL) != PM_OK) {
			pm_strbuf_puts(r->out, "<unreadable>");
			return;
		}
		pm_strbuf_puts(r->out, separator(i));
		put_pair(r, what, key, value_of(r, &it, key));
		node = next;
	}
}

static void put_items_of(
	struct pm_repr *r, const struct pm_object *x, enum what what)
{
	if (x->type->kind == PM_KIND_ODICT)
		put_odict_items(r, x, what);
	else
		put_dict_items(r, x, what);
}

void pm_repr_plain_dict(struct pm_repr *r, const struct pm_object *x)
{
	if (!pm_repr_enter(r, x, "{...}"))
		return;
	pm_strbuf_putc(r->out, '{');
	put_dict_items(r, x, PAIRS);
	pm_strbuf_putc(r->out, '}');
	pm_repr_leave(r);
}

void pm_repr_frozendict(struct pm_repr *r, const struct pm_object *x)
{
	pm_repr_tp_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	if (pm_repr_field(r, x, r->o->l->f.dict.used))
		pm_repr_plain_dict(r, x);
	pm_strbuf_putc(r->out, ')');
}

void pm_repr_odict(struct pm_repr *r, const struct pm_object *x)
{
	bool empty = !pm_repr_field(r, x, r->o->l->f.dict.used);
	bool dict = pm_wording_is(r->o->l, PM_WORDING_ODICT_AS_DICT);
	if (!empty && !pm_repr_enter(r, x, "..."))
		return;
	pm_repr_bare_name(r, x->type);
	if (empty) {
		pm_strbuf_puts(r->out, "()");
		return;
	}
	pm_strbuf_puts(r->out, dict ? "({" : "([");
	put_odict_items(r, x, dict ? PAIRS : TUPLES);
	pm_strbuf_puts(r->out, dict ? "})" : "])");
	pm_repr_leave(r);
}

void pm_repr_defaultdict(struct pm_repr *r, const struct pm_object *x)
{
	unsigned ws = r->o->l->t.word_size;
	pm_addr factory = pm_repr_bytes(r, x, r->o->l->f.dict.sizeof_.off, ws);
	struct pm_object f;
	pm_repr_own_name(r, x, "defaultdict");
	pm_strbuf_putc(r->out, '(');
	/* Python remembers the factory, and the dict only within it. */
	if (!factory) {
		pm_strbuf_puts(r->out, "None");
	} else if (pm_object_load(r->o, factory, &f, NULL) != PM_OK) {
		pm_repr_put(r, factory);
	} else if (pm_repr_enter(r, &f, "...")) {
		pm_repr_put(r, factory);
		pm_repr_leave(r);
	}
	pm_strbuf_puts(r->out, ", ");
	pm_repr_plain_dict(r, x);
	pm_strbuf_putc(r->out, ')');
}

struct named {
	char *name; /* owned */
	pm_addr value;
};

struct names {
	PM_VEC(struct named) v;
};

static void names_deinit(struct names *n)
{
	pm_vec_each (p, &n->v)
		free(p->name);
	pm_vec_deinit(&n->v);
}

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	return strcmp(x->name, y->name); /* UTF-8 sorts as its code points */
}

static void put_sorted(struct pm_repr *r, const struct pm_object *dict)
{
	PM_CLEANUP(names_deinit) struct names n = {{0}};
	struct pm_dict_iter it;
	pm_addr key, value;
	if (!pm_repr_dict(r, dict->addr, &it)) {
		pm_strbuf_puts(r->out, "<unreadable>");
		return;
	}
	while (!pm_repr_full(r) && pm_dict_iter_next(&it, &key, &value)) {
		pm_auto_strbuf text = {0};
		if (pm_text_append(r->o->l, r->o->m, key, r->limit + 1, 0,
			    &text, NULL) != PM_OK) {
			pm_strbuf_puts(r->out, "<unreadable>");
			return;
		}
		if (!pm_vec_push(&n.v, (struct named){NULL, value}))
			return;
		n.v.data[n.v.len - 1].name = pm_take(text.data);
		if (!n.v.data[n.v.len - 1].name) {
			n.v.len--;
			return;
		}
	}
	if (n.v.len)
		qsort(n.v.data, n.v.len, sizeof *n.v.data, by_name);
	for (size_t i = 0; i < n.v.len && !pm_repr_full(r); i++) {
		pm_strbuf_printf(
			r->out, "%s%s=", separator(i), n.v.data[i].name);
		pm_repr_put(r, n.v.data[i].value);
	}
}

void pm_repr_namespace(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_object d;
	if (!strcmp(x->type->name, "types.SimpleNamespace"))
		pm_strbuf_puts(r->out, "namespace");
	else
		pm_repr_tp_name(r, x->type);
	if (!pm_repr_enter(r, x, "(...)"))
		return;
	pm_strbuf_putc(r->out, '(');
	if (pm_object_load(r->o, pm_repr_word(r, x, 0), &d, NULL) == PM_OK) {
		if (pm_wording_is(r->o->l, PM_WORDING_NAMESPACE_IN_ORDER))
			put_dict_items(r, &d, NAMED);
		else
			put_sorted(r, &d);
	} else {
		pm_strbuf_puts(r->out, "<unreadable>");
	}
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
}

void pm_repr_view(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_object d;
	const char *kind = strrchr(x->type->name, '_');
	if (!pm_repr_enter(r, x, "..."))
		return;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_puts(r->out, "([");
	if (pm_object_load(r->o, pm_repr_field(r, x, r->o->l->f.dict_view.dict),
		    &d, NULL) != PM_OK)
		pm_strbuf_puts(r->out, "<unreadable>");
	else
		put_items_of(r, &d,
			!kind || !strcmp(kind, "_keys") ? KEYS
			: !strcmp(kind, "_values")	? VALUES
							: TUPLES);
	pm_strbuf_puts(r->out, "])");
	pm_repr_leave(r);
}

/* ---- others ---- */

/* ob_size, leftblock, rightblock, leftindex, rightindex, state, maxlen; 2.7:
   leftblock, rightblock, leftindex, rightindex, len, maxlen
   (Modules/_collectionsmodule.c). */
static void put_deque_items(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_layout *l = r->o->l;
	unsigned ws = l->t.word_size, first = l->t.deque_links_behind ? 0 : 1;
	uint64_t n = pm_repr_word(r, x, first ? 0 : 4);
	pm_addr block = pm_repr_word(r, x, first);
	uint64_t index = pm_repr_word(r, x, first + 2);
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		uint64_t item = 0, next = 0;
		pm_addr at = block + pm_deque_items_at(l) + index * ws;
		bool last = index + 1 == l->t.deque_items;
		pm_strbuf_puts(r->out, separator(i));
		if (!block || index >= l->t.deque_items ||
			!pm_repr_read_word(r, at, &item) ||
			(last && !pm_repr_read_word(r,
					 block + pm_deque_next_at(l), &next))) {
			pm_strbuf_printf(
				r->out, "<unreadable 0x%" PRIx64 ">", at);
			return;
		}
		pm_repr_put(r, item);
		block = last ? next : block;
		index = last ? 0 : index + 1;
	}
}

void pm_repr_deque(struct pm_repr *r, const struct pm_object *x)
{
	unsigned ws = r->o->l->t.word_size;
	uint64_t maxlen = pm_repr_word(r, x, 6);
	if (!pm_repr_enter(r, x, "[...]"))
		return;
	pm_repr_own_name(r, x, "deque");
	pm_strbuf_puts(r->out, "([");
	put_deque_items(r, x);
	pm_strbuf_putc(r->out, ']');
	if (!(maxlen >> (8 * ws - 1))) /* -1: none */
		pm_strbuf_printf(r->out, ", maxlen=%" PRIu64, maxlen);
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
}

void pm_repr_range(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_addr step = pm_repr_field(r, x, f->range.step);
	int64_t by;
	pm_strbuf_puts(r->out, "range(");
	pm_repr_put(r, pm_repr_field(r, x, f->range.start));
	pm_strbuf_puts(r->out, ", ");
	pm_repr_put(r, pm_repr_field(r, x, f->range.stop));
	if (!pm_repr_small_int(r, step, &by) || by != 1) {
		pm_strbuf_puts(r->out, ", ");
		pm_repr_put(r, step);
	}
	pm_strbuf_putc(r->out, ')');
}

/* os.stat_result(st_mode=33188, ...): names from tp_members, of which a
   PyMemberDef has five words (Objects/structseq.c). */
void pm_repr_structseq(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_layout *l = r->o->l;
	uint64_t members = 0, n = 0;
	pm_addr at;
	if (pm_layout_read(l, r->o->m, x->type->addr, l->f.type.members,
		    &members, NULL) != PM_OK)
		members = 0;
	if (x->type->kind == PM_KIND_PLAIN) { /* like a tuple, but none (2.7) */
		n = pm_repr_field(r, x, l->f.var_object.size);
		at = x->addr + l->f.tuple.item.off;
	} else if (!pm_repr_items(r, x->addr, &n, &at)) {
		return;
	}
	pm_repr_tp_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		char name[100];
		pm_addr name_at = pm_repr_item(r, members, 5 * i);
		pm_strbuf_puts(r->out, separator(i));
		if (pm_memory_read_cstring(
			    r->o->m, name_at, name, sizeof name, NULL) != PM_OK)
			snprintf(name, sizeof name, "?");
		pm_strbuf_escaped(r->out, name, strlen(name));
		pm_strbuf_putc(r->out, '=');
		pm_repr_put(r, pm_repr_item(r, at, i));
	}
	pm_strbuf_putc(r->out, ')');
}
