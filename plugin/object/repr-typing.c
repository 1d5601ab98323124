/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What typing has in C since 3.12 (Objects/typevarobject.c), and small structs
   of other modules.  Words are counted behind the header. */
#include "object/repr-internal.h"

#include <inttypes.h>
#include <string.h>

/* name first; covariant, contravariant and infer_variance share the last word
   of the struct. */
void pm_repr_type_variable(struct pm_repr *r, const struct pm_object *x)
{
	unsigned ws = r->o->l->t.word_size;
	uint64_t bits = (uint64_t)x->type->basicsize - ws;
	if (!pm_repr_bytes(r, x, bits + 2, 1))
		pm_strbuf_putc(r->out, pm_repr_bytes(r, x, bits, 1) ? '+'
				       : pm_repr_bytes(r, x, bits + 1, 1)
					       ? '-'
					       : '~');
	if (!pm_repr_text(r, pm_repr_word(r, x, 0)))
		pm_strbuf_putc(r->out, '?');
}

void pm_repr_type_tuple(struct pm_repr *r, const struct pm_object *x)
{
	if (pm_wording_is(r->o->l, PM_WORDING_TYPE_TUPLE_VARIANCE))
		pm_repr_type_variable(r, x);
	else if (!pm_repr_text(r, pm_repr_word(r, x, 0)))
		pm_strbuf_putc(r->out, '?');
}

/* name, module, repr */
void pm_repr_sentinel(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr own = pm_repr_word(r, x, 2);
	if (!pm_repr_text(r, own ? own : pm_repr_word(r, x, 0)))
		pm_strbuf_putc(r->out, '?');
}

/* P.args: origin. */
void pm_repr_type_parameter_part(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr origin = pm_repr_word(r, x, 0), name = origin;
	struct pm_object of;
	bool is_parameter = origin &&
			    pm_object_load(r->o, origin, &of, NULL) == PM_OK &&
			    !strcmp(of.type->name, "typing.ParamSpec");
	if (is_parameter)
		name = pm_repr_word(r, &of, 0);
	if (!is_parameter || !pm_repr_text(r, name))
		pm_repr_put(r, origin);
	pm_strbuf_puts(
		r->out, strstr(x->type->name, "Kwargs") ? ".kwargs" : ".args");
}

/* year, week and day of a tuple. */
void pm_repr_iso_date(struct pm_repr *r, const struct pm_object *x)
{
	static const char *const names[] = {"(year=", ", week=", ", weekday="};
	uint64_t n;
	pm_addr at;
	pm_repr_tp_name(r, x->type);
	if (pm_repr_items(r, x->addr, &n, &at))
		for (uint64_t i = 0; i < n && i < 3; i++) {
			pm_strbuf_puts(r->out, names[i]);
			pm_repr_put(r, pm_repr_item(r, at, i));
		}
	pm_strbuf_putc(r->out, ')');
}

/* key, file_repr */
void pm_repr_zone_info(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr key = pm_repr_word(r, x, 0);
	bool named = key && key != r->o->l->at.none.addr;
	pm_repr_tp_name(r, x->type);
	pm_strbuf_puts(r->out, named ? "(key=" : ".from_file(");
	pm_repr_put(r, named ? key : pm_repr_word(r, x, 1));
	pm_strbuf_putc(r->out, ')');
}

/* index, doc */
void pm_repr_tuple_getter(struct pm_repr *r, const struct pm_object *x)
{
	pm_repr_bare_name(r, x->type);
	pm_strbuf_printf(
		r->out, "(%" PRId64 ", ", pm_repr_signed_word(r, x, 0));
	pm_repr_put(r, pm_repr_word(r, x, 1));
	pm_strbuf_putc(r->out, ')');
}
