/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members of enums and flags, whose __repr__ is Python code of the library. */
#include "object/repr-internal.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

struct flag {
	int64_t value;
	pm_addr name; /* of a str, 0: none */
};

struct flags {
	PM_VEC(struct flag) v;
};

static void flags_deinit(struct flags *f)
{
	pm_vec_deinit(&f->v);
}

static int by_value(const void *a, const void *b)
{
	const struct flag *x = a, *y = b;
	return x->value < y->value ? 1 : x->value > y->value ? -1 : 0;
}

/* The members that a value is made of, and "|" between them: enum._decompose,
   until 3.10. */
static bool put_parts(
	struct pm_repr *r, const struct pm_object *x, pm_addr value)
{
	PM_CLEANUP(flags_deinit) struct flags parts = {{0}};
	struct pm_dict_iter it;
	pm_addr key, member;
	int64_t whole;
	if (!pm_repr_small_int(r, value, &whole) ||
		!pm_repr_dict(r,
			pm_repr_class_attr(
				r, x->type, "_value2member_map_", NULL),
			&it))
		return false;
	while (!pm_repr_full(r) && pm_dict_iter_next(&it, &key, &member)) {
		struct pm_object m;
		struct flag one = {0};
		if (!pm_repr_small_int(r, key, &one.value) ||
			pm_object_load(r->o, member, &m, NULL) != PM_OK)
			return false;
		one.name = pm_repr_attr(r, &m, "_name_");
		if (one.name == r->o->l->at.none.addr)
			one.name = 0;
		bool power = one.value > 0 && !(one.value & (one.value - 1));
		if (!one.value || (one.value & whole) != one.value ||
			(!one.name && (whole < 0 || !power)))
			continue;
		if (!pm_vec_push(&parts.v, one))
			return false;
	}
	if (it.status != PM_OK)
		return false;
	if (!parts.v.len)
		pm_strbuf_printf(r->out, "%" PRId64, whole);
	else
		qsort(parts.v.data, parts.v.len, sizeof *parts.v.data,
			by_value);
	bool itself = parts.v.len > 1 && parts.v.data[0].value == whole;
	for (size_t i = itself; i < parts.v.len; i++) {
		pm_strbuf_puts(r->out, i > itself ? "|" : "");
		if (!parts.v.data[i].name)
			pm_strbuf_printf(
				r->out, "%" PRId64, parts.v.data[i].value);
		else if (!pm_repr_text(r, parts.v.data[i].name))
			return false;
	}
	return true;
}

bool pm_repr_enum(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_addr name = pm_repr_attr(r, x, "_name_");
	pm_addr value = pm_repr_attr(r, x, "_value_");
	(void)f;
	if (!name || !value)
		return false;
	bool named = true, nameless = name == r->o->l->at.none.addr;
	pm_strbuf_printf(r->out, "<%s", pm_repr_last_name(x->type));
	if (!nameless) {
		pm_strbuf_putc(r->out, '.');
		named = pm_repr_text(r, name);
	} else if (!pm_wording_is(r->o->l, PM_WORDING_NAMELESS_FLAGS)) {
		pm_strbuf_putc(r->out, '.');
		named = put_parts(r, x, value);
	}
	pm_strbuf_puts(r->out, ": ");
	pm_repr_put(r, value);
	pm_strbuf_putc(r->out, '>');
	return named;
}

/* re.RegexFlag, 3.7 to 3.10: members in their order, then what is left. */
static bool put_regex_flags(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t n = 0, shown = 0;
	pm_addr at, member;
	int64_t left, one;
	struct pm_object m;
	struct pm_dict_iter it;
	if (!pm_repr_small_int(r, pm_repr_attr(r, x, "_value_"), &left) ||
		!pm_repr_items(r,
			pm_repr_class_attr(r, x->type, "_member_names_", NULL),
			&n, &at))
		return false;
	bool negative = left < 0;
	size_t start = r->out->len;
	if (negative)
		left = ~left;
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		pm_addr key, name = pm_repr_item(r, at, i);
		if (!pm_repr_dict(r,
			    pm_repr_class_attr(
				    r, x->type, "_member_map_", NULL),
			    &it))
			return false;
		while (pm_dict_iter_next(&it, &key, &member) && key != name)
			if (pm_repr_full(r))
				return true;
		if (key != name ||
			pm_object_load(r->o, member, &m, NULL) != PM_OK ||
			!pm_repr_small_int(
				r, pm_repr_attr(r, &m, "_value_"), &one))
			return false;
		if (!(left & one))
			continue;
		left &= ~one;
		pm_strbuf_puts(r->out, shown++ ? "|re." : "re.");
		if (!pm_repr_text(r, name))
			return false;
	}
	if (left)
		pm_strbuf_printf(
			r->out, "%s0x%" PRIx64, shown++ ? "|" : "", left);
	if (!negative || r->out->failed)
		return !r->out->failed;
	pm_auto_free char *text = strdup(r->out->data + start);
	pm_strbuf_truncate(r->out, start);
	pm_strbuf_printf(
		r->out, shown > 1 ? "~(%s)" : "~%s", text ? text : "?");
	return true;
}

/* enum.global_enum: module.NAME; the module's last part. */
bool pm_repr_global_enum(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	pm_auto_strbuf module = {0}, names = {0};
	pm_addr of = pm_repr_class_attr(r, x->type, "__module__", NULL);
	pm_addr name = pm_repr_attr(r, x, "_name_");
	if (name == r->o->l->at.none.addr &&
		!strcmp(f->name, "RegexFlag.__repr__"))
		return put_regex_flags(r, x);
	if (!name || !of ||
		pm_text_append(r->o->l, r->o->m, of, 200, 0, &module, NULL) !=
			PM_OK ||
		(name != r->o->l->at.none.addr &&
			pm_text_append(r->o->l, r->o->m, name, 1000, 0, &names,
				NULL) != PM_OK))
		return false;
	const char *dot = strrchr(pm_strbuf_text(&module), '.');
	const char *last = dot ? dot + 1 : pm_strbuf_text(&module);
	if (name == r->o->l->at.none.addr) { /* enum.global_flag_repr */
		pm_strbuf_printf(
			r->out, "%s.%s(", last, pm_repr_last_name(x->type));
		pm_repr_put(r, pm_repr_attr(r, x, "_value_"));
		pm_strbuf_putc(r->out, ')');
		return true;
	}
	const char *p = pm_strbuf_text(&names);
	for (;;) {
		size_t n = strcspn(p, "|");
		if (*p >= '0' && *p <= '9') /* bits that have no name */
			pm_strbuf_append(r->out, p, n);
		else
			pm_strbuf_printf(r->out, "%s.%.*s", last, (int)n, p);
		p += n;
		if (!*p)
			return true;
		pm_strbuf_putc(r->out, *p++);
	}
}

/* <enum 'Colour'>, since 3.11 <flag 'Access'>: _boundary_ is of flags. */
bool pm_repr_enum_class(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f)
{
	const struct pm_type *t = pm_types_get(r->o->types, x->addr);
	if (!t || !t->is_type)
		return false;
	bool flag = !strcmp(f->name, "EnumType.__repr__") &&
		    pm_repr_class_attr(r, t, "_boundary_", NULL) &&
		    pm_repr_class_attr(r, t, "_flag_mask_", NULL);
	pm_strbuf_printf(r->out, "<%s '%s'>", flag ? "flag" : "enum",
		pm_repr_last_name(t));
	return true;
}
