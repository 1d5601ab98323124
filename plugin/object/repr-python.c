/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Classes whose __repr__ is Python code of the standard library: found by the
   module and the qualified name of that function, and by what a generated one
   leaves in its class.  Of all others nothing is run: they print as
   object.__repr__ does. */
#include "object/repr-internal.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

typedef bool printer(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f);

/* type.__qualname__: what follows the module, which a class has in its
   dict. */
static void put_qualname(struct pm_repr *r, const struct pm_type *t)
{
	uint64_t at = 0;
	if (pm_layout_read(r->o->l, r->o->m, t->addr,
		    r->o->l->f.heap_type.qualname, &at, NULL) != PM_OK ||
		!pm_repr_text(r, at))
		pm_strbuf_puts(r->out, pm_repr_last_name(t));
}

/* name=value, ... of the instance for each name of a tuple; false: one has no
   value. */
static bool put_named(
	struct pm_repr *r, const struct pm_object *x, pm_addr names)
{
	uint64_t n = 0, values = 0;
	pm_addr at, items;
	if (!pm_repr_items(r, names, &n, &at) ||
		!pm_repr_items(r, x->addr, &values, &items) || values < n)
		return false;
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		pm_strbuf_puts(r->out, i ? ", " : "");
		if (!pm_repr_text(r, pm_repr_item(r, at, i)))
			return false;
		pm_strbuf_putc(r->out, '=');
		pm_repr_put(r, pm_repr_item(r, items, i));
	}
	return true;
}

static bool put_namedtuple(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr fields =
		pm_dict_find(r->o->l, r->o->m, f->owner->dict, "_fields");
	if (!fields || x->type->kind != PM_KIND_TUPLE)
		return false;
	/* 2.7 has the name in the text of the function. */
	pm_strbuf_puts(
		r->out, pm_repr_last_name(*f->name ? x->type : f->owner));
	pm_strbuf_putc(r->out, '(');
	bool whole = put_named(r, x, fields);
	pm_strbuf_putc(r->out, ')');
	return whole;
}

/* ---- dataclasses ---- */

/* The value of a field: of the instance, else the default of its class. */
static pm_addr field_value(
	struct pm_repr *r, const struct pm_object *x, const char *name)
{
	pm_addr v = pm_repr_attr(r, x, name);
	return v ? v : pm_repr_class_attr(r, x->type, name, NULL);
}

/* Is it shown: a field proper (not a ClassVar), with repr true? */
static bool is_shown(struct pm_repr *r, const struct pm_object *field)
{
	pm_addr kind = pm_repr_attr(r, field, "_field_type");
	struct pm_object k;
	if (!pm_repr_true(r, pm_repr_attr(r, field, "repr")) || !kind ||
		pm_object_load(r->o, kind, &k, NULL) != PM_OK)
		return false;
	pm_addr name = pm_repr_attr(r, &k, "name");
	return name && pm_text_equals(r->o->l, r->o->m, name, "_FIELD");
}

static bool put_fields(
	struct pm_repr *r, const struct pm_object *x, pm_addr fields)
{
	struct pm_dict_iter it;
	pm_addr key, value;
	bool some = false;
	if (!pm_repr_dict(r, fields, &it))
		return false;
	while (!pm_repr_full(r) && pm_dict_iter_next(&it, &key, &value)) {
		struct pm_object field;
		pm_auto_strbuf name = {0};
		if (pm_object_load(r->o, value, &field, NULL) != PM_OK ||
			pm_text_append(r->o->l, r->o->m, key, 200, 0, &name,
				NULL) != PM_OK)
			return false;
		if (!is_shown(r, &field))
			continue;
		pm_addr held = field_value(r, x, pm_strbuf_text(&name));
		if (!held)
			return false;
		pm_strbuf_printf(r->out, "%s%s=", some ? ", " : "",
			pm_strbuf_text(&name));
		pm_repr_put(r, held);
		some = true;
	}
	return true;
}

/* dataclasses wraps what it makes by reprlib.recursive_repr. */
static bool is_wrapped(struct pm_repr *r, const struct pm_repr_found *f)
{
	const struct pm_fields *l = &r->o->l->f;
	uint64_t name = 0;
	pm_addr code = pm_repr_field(r, &f->function, l->function.code);
	return pm_layout_read(r->o->l, r->o->m, code, l->code.name, &name,
		       NULL) == PM_OK &&
	       pm_text_equals(r->o->l, r->o->m, name, "wrapper");
}

static bool put_dataclass(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr fields = pm_dict_find(
		r->o->l, r->o->m, f->owner->dict, "__dataclass_fields__");
	if (!fields || !is_wrapped(r, f))
		return false;
	if (!pm_repr_enter(r, x, "..."))
		return true;
	put_qualname(r, x->type);
	pm_strbuf_putc(r->out, '(');
	bool whole = put_fields(r, x, fields);
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
	return whole;
}

/* ---- collections ---- */

struct count {
	pm_addr key, value;
	int64_t n;
	size_t order;
};

static int by_count(const void *a, const void *b)
{
	const struct count *x = a, *y = b;
	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct counts {
	PM_VEC(struct count) v;
};

static void counts_deinit(struct counts *c)
{
	pm_vec_deinit(&c->v);
}

/* Most common first; only what can be compared here: small ints. */
static bool put_counter(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	PM_CLEANUP(counts_deinit) struct counts c = {{0}};
	struct pm_dict_iter it;
	struct count one = {0};
	bool alone = pm_repr_field(r, x, r->o->l->f.dict.used) == 1;
	(void)f;
	if (!pm_repr_dict(r, x->addr, &it))
		return false;
	while (!pm_repr_full(r) &&
		pm_dict_iter_next(&it, &one.key, &one.value)) {
		if (!alone && !pm_repr_small_int(r, one.value, &one.n))
			return false;
		one.order = c.v.len;
		if (!pm_vec_push(&c.v, one))
			return false;
	}
	if (it.status != PM_OK)
		return false;
	pm_strbuf_puts(r->out, pm_repr_last_name(x->type));
	pm_strbuf_puts(r->out, c.v.len ? "({" : "(");
	if (c.v.len)
		qsort(c.v.data, c.v.len, sizeof *c.v.data, by_count);
	for (size_t i = 0; i < c.v.len && !pm_repr_full(r); i++) {
		pm_strbuf_puts(r->out, i ? ", " : "");
		pm_repr_put(r, c.v.data[i].key);
		pm_strbuf_puts(r->out, ": ");
		pm_repr_put(r, c.v.data[i].value);
	}
	pm_strbuf_puts(r->out, c.v.len ? "})" : ")");
	return true;
}

static bool put_chain_map(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	uint64_t n;
	pm_addr at;
	(void)f;
	if (!pm_repr_items(r, pm_repr_attr(r, x, "maps"), &n, &at))
		return false;
	if (!pm_repr_enter(r, x, "..."))
		return true;
	pm_strbuf_printf(r->out, "%s(", pm_repr_last_name(x->type));
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		pm_strbuf_puts(r->out, i ? ", " : "");
		pm_repr_put(r, pm_repr_item(r, at, i));
	}
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
	return true;
}

/* repr (self.data) */
static bool put_data(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr data = pm_repr_attr(r, x, "data");
	(void)f;
	if (data)
		pm_repr_put(r, data);
	return data;
}

/* Until 3.11: ~T. */
static bool put_type_variable(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr co = pm_repr_attr(r, x, "__covariant__");
	pm_addr contra = pm_repr_attr(r, x, "__contravariant__");
	(void)f;
	if (!co || !contra)
		return false;
	pm_strbuf_putc(r->out, pm_repr_true(r, co)	 ? '+'
			       : pm_repr_true(r, contra) ? '-'
							 : '~');
	return pm_repr_text(r, pm_repr_attr(r, x, "__name__"));
}

/* KeysView (mapping) and the like. */
static bool put_mapping_view(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr mapping = pm_repr_attr(r, x, "_mapping");
	(void)f;
	if (!mapping)
		return false;
	pm_strbuf_printf(r->out, "%s(", pm_repr_last_name(x->type));
	pm_repr_put(r, mapping);
	pm_strbuf_putc(r->out, ')');
	return true;
}

/* ---- others ---- */

/* The 128 bits of an int, as 16 bytes. */
static bool read_uuid(struct pm_repr *r, pm_addr number, unsigned char b[16])
{
	const struct pm_layout *l = r->o->l;
	struct pm_object x;
	if (!number || pm_object_load(r->o, number, &x, NULL) != PM_OK ||
		x.type->kind != PM_KIND_INT)
		return false;
	unsigned size = pm_digit_size(x.type), bits = size * 15 / 2;
	uint64_t n = l->t.int_form == PM_INT_TAG
			     ? pm_repr_field(r, &x, l->f.long_.tag) >> 3
			     : pm_repr_field(r, &x, l->f.var_object.size);
	if (n > 128 / bits + 1)
		return false;
	memset(b, 0, 16);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t d = pm_repr_bytes(
			r, &x, l->f.long_.digit.off + i * size, size);
		for (unsigned k = 0; k < bits; k++) {
			uint64_t bit = i * bits + k;
			if (d >> k & 1 && bit < 128)
				b[15 - bit / 8] |=
					(unsigned char)(1u << bit % 8);
		}
	}
	return true;
}

static bool put_uuid(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	unsigned char b[16];
	(void)f;
	if (!read_uuid(r, pm_repr_attr(r, x, "int"), b))
		return false;
	pm_strbuf_printf(r->out, "%s('", pm_repr_last_name(x->type));
	for (unsigned i = 0; i < 16; i++)
		pm_strbuf_printf(r->out, "%s%02x",
			i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	pm_strbuf_puts(r->out, "')");
	return true;
}

static bool put_fraction(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr a = pm_repr_attr(r, x, "_numerator");
	pm_addr b = pm_repr_attr(r, x, "_denominator");
	(void)f;
	if (!a || !b)
		return false;
	pm_strbuf_printf(r->out, "%s(", pm_repr_last_name(x->type));
	pm_repr_put(r, a);
	pm_strbuf_puts(r->out, ", ");
	pm_repr_put(r, b);
	pm_strbuf_putc(r->out, ')');
	return true;
}

static bool put_condition(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr lock = pm_repr_attr(r, x, "_lock");
	pm_addr waiters = pm_repr_attr(r, x, "_waiters");
	struct pm_object w;
	(void)f;
	if (!lock || !waiters ||
		pm_object_load(r->o, waiters, &w, NULL) != PM_OK ||
		w.type->kind != PM_KIND_DEQUE)
		return false;
	pm_strbuf_puts(r->out, "<Condition(");
	pm_repr_put(r, lock);
	pm_strbuf_printf(r->out, ", %" PRIu64 ")>",
		pm_repr_field(r, &w, r->o->l->f.var_object.size));
	return true;
}

static bool put_event(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr flag = pm_repr_attr(r, x, "_flag");
	(void)f;
	if (!flag)
		return false;
	pm_strbuf_printf(r->out, "<%s at 0x%" PRIx64 ": %s>",
		pm_repr_qualified(x->type), x->addr,
		pm_repr_true(r, flag) ? "set" : "unset");
	return true;
}

static bool put_weak_dict(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	(void)f;
	pm_strbuf_printf(r->out, "<%s at 0x%" PRIx64 ">",
		pm_repr_last_name(x->type), x->addr);
	return true;
}

/* c_char_p (pointer), as c_void_p shows it. */
static bool put_c_pointer(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	uint64_t v = pm_repr_item(r, pm_repr_word(r, x, 0), 0);
	(void)f;
	pm_strbuf_printf(r->out, "%s(", pm_repr_last_name(x->type));
	if (v)
		pm_strbuf_printf(r->out, "%" PRIu64 ")", v);
	else
		pm_strbuf_puts(r->out, "None)");
	return true;
}

static bool put_py_object(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr v = pm_repr_item(r, pm_repr_word(r, x, 0), 0);
	if (x->type != f->owner) {
		pm_repr_simple_cdata(r, x); /* C code's words for those */
		return true;
	}
	pm_strbuf_printf(r->out, "%s(", pm_repr_last_name(x->type));
	pm_repr_put(r, v);
	pm_strbuf_putc(r->out, ')');
	return true;
}

static const struct {
	const char *module, *name;
	printer *print;
} rows[] = {
	{"enum", "Enum.__repr__", pm_repr_enum},
	{"enum", "Flag.__repr__", pm_repr_enum},
	{"enum", "global_enum_repr", pm_repr_global_enum},
	{"enum", "global_flag_repr", pm_repr_global_enum},
	{"re", "RegexFlag.__repr__", pm_repr_global_enum},
	{"enum", "EnumMeta.__repr__", pm_repr_enum_class},
	{"enum", "EnumType.__repr__", pm_repr_enum_class},
	{"collections", "Counter.__repr__", put_counter},
	{"collections", "ChainMap.__repr__", put_chain_map},
	{"collections", "UserDict.__repr__", put_data},
	{"collections", "UserList.__repr__", put_data},
	{"collections", "UserString.__repr__", put_data},
	{"typing", "TypeVar.__repr__", put_type_variable},
	{"typing", "_TypeVarLike.__repr__", put_type_variable},
	{"typing", "_BoundVarianceMixin.__repr__", put_type_variable},
	{"collections.abc", "MappingView.__repr__", put_mapping_view},
	{"_abcoll", "MappingView.__repr__", put_mapping_view},
	{"_weakrefset", "WeakSet.__repr__", put_data},
	{"weakref", "WeakKeyDictionary.__repr__", put_weak_dict},
	{"weakref", "WeakValueDictionary.__repr__", put_weak_dict},
	{"uuid", "UUID.__repr__", put_uuid},
	{"fractions", "Fraction.__repr__", put_fraction},
	{"threading", "Condition.__repr__", put_condition},
	{"threading", "Event.__repr__", put_event},
	{"ctypes", "c_char_p.__repr__", put_c_pointer},
	{"ctypes", "c_wchar_p.__repr__", put_c_pointer},
	{"ctypes", "py_object.__repr__", put_py_object},
};

static bool copy_text(struct pm_repr *r, pm_addr str, char *buf, size_t cap)
{
	pm_auto_strbuf b = {0};
	if (!str || pm_text_append(r->o->l, r->o->m, str, cap - 1, 0, &b,
			    NULL) != PM_OK)
		return false;
	snprintf(buf, cap, "%s", pm_strbuf_text(&b));
	return true;
}

static bool find(
	struct pm_repr *r, const struct pm_object *x, struct pm_repr_found *ret)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_addr at = pm_repr_class_attr(r, x->type, "__repr__", &ret->owner);
	if (!at || pm_object_load(r->o, at, &ret->function, NULL) != PM_OK ||
		strcmp(ret->function.type->name, "builtins.function") != 0 ||
		!copy_text(r,
			pm_repr_field(r, &ret->function, f->function.module),
			ret->module, sizeof ret->module))
		return false;
	/* Functions have no qualified name in 2.7: what is known by one is not
	   the same there, but for what namedtuple makes. */
	ret->name[0] = '\0';
	return !pm_has(f->function.qualname) ||
	       copy_text(r,
		       pm_repr_field(r, &ret->function, f->function.qualname),
		       ret->name, sizeof ret->name);
}

bool pm_repr_python(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_repr_found f;
	size_t start = r->out->len;
	bool done = false;
	unsigned depth = r->depth;
	if (!find(r, x, &f))
		return false;
	for (size_t i = 0; i < sizeof rows / sizeof *rows && !done; i++)
		if (!strcmp(rows[i].module, f.module) &&
			!strcmp(rows[i].name, f.name)) {
			done = rows[i].print(r, x, &f);
			break;
		}
	if (!done)
		done = put_dataclass(r, x, &f);
	/* Until 3.6 each is made in a module of its own. */
	if (!done && (!strcmp(f.module, "collections") ||
			     !strncmp(f.module, "namedtuple_", 11)))
		done = put_namedtuple(r, x, &f);
	r->depth = depth;
	if (!done)
		pm_strbuf_truncate(r->out, start);
	return done;
}
