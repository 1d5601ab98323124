/* SPDX-License-Identifier: GPL-3.0-or-later */
/* repr() of the types that only 2.7 has. */
#include "object/repr-internal.h"

#include <inttypes.h>
#include <string.h>

/* "module.Name" of a classic class. */
static void put_classic(struct pm_repr *r, pm_addr class)
{
	const struct pm_fields *f = &r->o->l->f;
	struct pm_object c, dict;
	if (pm_object_load(r->o, class, &c, NULL) != PM_OK) {
		pm_strbuf_puts(r->out, "?");
		return;
	}
	if (pm_object_load(r->o, pm_repr_field(r, &c, f->classobj.dict), &dict,
		    NULL) == PM_OK) {
		pm_addr module =
			pm_dict_find(r->o->l, r->o->m, dict.addr, "__module__");
		pm_strbuf_puts(
			r->out, module && pm_repr_text(r, module) ? "." : "?.");
	}
	if (!pm_repr_text(r, pm_repr_field(r, &c, f->classobj.name)))
		pm_strbuf_putc(r->out, '?');
}

/* Classobject.c: class_repr */
void pm_repr_classic_class(struct pm_repr *r, const struct pm_object *x)
{
	pm_strbuf_puts(r->out, "<class ");
	put_classic(r, x->addr);
	pm_strbuf_printf(r->out, " at 0x%" PRIx64 ">", x->addr);
}

/* Where its class has a __repr__ of Python code, that says more. */
void pm_repr_classic_instance(struct pm_repr *r, const struct pm_object *x)
{
	pm_strbuf_putc(r->out, '<');
	put_classic(r, pm_repr_field(r, x, r->o->l->f.instance.class_));
	pm_strbuf_printf(r->out, " instance at 0x%" PRIx64 ">", x->addr);
}

static bool put_name_of(struct pm_repr *r, pm_addr class)
{
	const struct pm_fields *f = &r->o->l->f;
	struct pm_object c;
	if (!class || pm_object_load(r->o, class, &c, NULL) != PM_OK)
		return false;
	if (!strcmp(c.type->name, "builtins.classobj"))
		return pm_repr_text(r, pm_repr_field(r, &c, f->classobj.name));
	const struct pm_type *t = pm_types_get(r->o->types, class);
	if (!t || !t->is_type)
		return false;
	pm_repr_bare_name(r, t);
	return true;
}

/* Classobject.c: instancemethod_repr */
void pm_repr_instance_method(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_addr self = pm_repr_field(r, x, f->method.self);
	pm_addr func = pm_repr_field(r, x, f->method.func);
	struct pm_object of;
	bool loaded = pm_object_load(r->o, func, &of, NULL) == PM_OK;
	pm_strbuf_puts(r->out, self ? "<bound method " : "<unbound method ");
	if (!put_name_of(r, pm_repr_field(r, x, f->method.class_)))
		pm_strbuf_putc(r->out, '?');
	pm_strbuf_putc(r->out, '.');
	if (loaded &&
		!strcmp(of.type->name, "builtins.builtin_function_or_method"))
		pm_repr_ml_name(r, pm_repr_field(r, &of, f->cfunction.ml));
	else if (!loaded || strcmp(of.type->name, "builtins.function") != 0 ||
		 !pm_repr_text(r, pm_repr_field(r, &of, f->function.name)))
		pm_strbuf_putc(r->out, '?');
	if (self) {
		pm_strbuf_puts(r->out, " of ");
		if (pm_repr_enter(r, x, "...")) {
			pm_repr_put(r, self);
			pm_repr_leave(r);
		}
	}
	pm_strbuf_putc(r->out, '>');
}

/* Fileobject.c: file_repr; f_fp comes first. */
void pm_repr_old_file(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_strbuf_puts(r->out,
		pm_repr_word(r, x, 0) ? "<open file " : "<closed file ");
	pm_repr_put(r, pm_repr_field(r, x, f->file.name));
	pm_strbuf_puts(r->out, ", mode '");
	if (!pm_repr_text(r, pm_repr_field(r, x, f->file.mode)))
		pm_strbuf_putc(r->out, '?');
	pm_strbuf_printf(r->out, "' at 0x%" PRIx64 ">", x->addr);
}

/* Rangeobject.c: start, step, len */
void pm_repr_xrange(struct pm_repr *r, const struct pm_object *x)
{
	int64_t start = pm_repr_signed_word(r, x, 0),
		step = pm_repr_signed_word(r, x, 1);
	int64_t stop = (int64_t)((uint64_t)start +
				 (uint64_t)pm_repr_signed_word(r, x, 2) *
					 (uint64_t)step);
	if (!start && step == 1)
		pm_strbuf_printf(r->out, "xrange(%" PRId64 ")", stop);
	else if (step == 1)
		pm_strbuf_printf(r->out, "xrange(%" PRId64 ", %" PRId64 ")",
			start, stop);
	else
		pm_strbuf_printf(r->out,
			"xrange(%" PRId64 ", %" PRId64 ", %" PRId64 ")", start,
			stop, step);
}
