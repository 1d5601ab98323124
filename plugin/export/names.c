/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export/names.h"
#include "object/frames.h"
#include "object/repr.h"
#include "object/text.h"

enum pm_look pm_look_of(const struct pm_layout *l, const struct pm_type *t)
{
	static const struct {
		const char *name;
		enum pm_look look;
	} builtins[] = {
		{"builtins.int", PM_LOOK_NUMBER},
		{"builtins.long", PM_LOOK_NUMBER},
		{"builtins.bool", PM_LOOK_NUMBER},
		{"builtins.float", PM_LOOK_NUMBER},
		{"builtins.complex", PM_LOOK_NUMBER},
		{"builtins.function", PM_LOOK_FUNCTION},
	};
	switch (t->kind) {
	case PM_KIND_TYPE:
		return PM_LOOK_CLASS;
	case PM_KIND_MODULE:
		return PM_LOOK_MODULE;
	case PM_KIND_CODE:
		return PM_LOOK_CODE;
	default:
		break;
	}
	if (t->heap)
		return PM_LOOK_INSTANCE;
	if (pm_type_is_name(l, t))
		return PM_LOOK_TEXT;
	for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
		if (!strcmp(t->name, builtins[i].name))
			return builtins[i].look;
	return PM_LOOK_INSTANCE;
}

static bool put_text(const struct pm_objects *o, pm_addr addr, size_t limit,
	struct pm_strbuf *out)
{
	struct pm_object x;
	return addr && pm_object_load(o, addr, &x, NULL) == PM_OK &&
	       pm_type_is_name(o->l, x.type) &&
	       pm_text_append(o->l, o->m, addr, limit, 0, out, NULL) == PM_OK;
}

static pm_addr field(const struct pm_objects *o, const struct pm_object *x,
	struct pm_field f)
{
	return pm_has(f) && f.off + f.size <= x->avail
		       ? pm_get(o->l, pm_object_body(x), f)
		       : 0;
}

static bool put_function(const struct pm_objects *o, const struct pm_object *x,
	size_t limit, struct pm_strbuf *out)
{
	const struct pm_fields *f = &o->l->f;
	pm_addr name = field(o, x, f->function.qualname);
	if (put_text(o, field(o, x, f->function.module), limit, out))
		pm_strbuf_putc(out, '.');
	return put_text(
		o, name ? name : field(o, x, f->function.name), limit, out);
}

static bool put_code(const struct pm_objects *o, const struct pm_object *x,
	struct pm_strbuf *out)
{
	if (!pm_code_name(o, x->addr, true, out))
		return false;
	pm_strbuf_puts(out, " (");
	if (!pm_code_file(o, x->addr, out))
		pm_strbuf_putc(out, '?');
	pm_strbuf_putc(out, ')');
	return true;
}

static bool put_class(const struct pm_objects *o, const struct pm_object *x,
	struct pm_strbuf *out)
{
	const struct pm_type *t = pm_types_get(o->types, x->addr);
	if (!t || !t->is_type)
		return false;
	pm_strbuf_printf(out, "class %s", pm_type_bare(t));
	return true;
}

static bool put_module(const struct pm_objects *o, const struct pm_object *x,
	size_t limit, struct pm_strbuf *out)
{
	pm_addr dict = field(o, x, o->l->f.module.dict);
	pm_strbuf_puts(out, "module ");
	return dict && put_text(o, pm_dict_find(o->l, o->m, dict, "__name__"),
			       limit, out);
}

void pm_look_name(const struct pm_objects *o, const struct pm_object *x,
	enum pm_look look, size_t limit, struct pm_strbuf *out)
{
	size_t start = out->len;
	bool named = false;
	switch (look) {
	case PM_LOOK_TEXT:
		named = pm_text_append(o->l, o->m, x->addr, limit, 0, out,
				NULL) == PM_OK;
		break;
	case PM_LOOK_NUMBER:
		pm_repr(o, x->addr, limit, out);
		named = true;
		break;
	case PM_LOOK_FUNCTION:
		named = put_function(o, x, limit, out);
		break;
	case PM_LOOK_CODE:
		named = put_code(o, x, out);
		break;
	case PM_LOOK_CLASS:
		named = put_class(o, x, out);
		break;
	case PM_LOOK_MODULE:
		named = put_module(o, x, limit, out);
		break;
	case PM_LOOK_INSTANCE:
		break;
	}
	if (named)
		return;
	pm_strbuf_truncate(out, start);
	pm_strbuf_puts(out, pm_type_bare(x->type));
}
