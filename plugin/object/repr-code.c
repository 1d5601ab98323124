/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions, classes, modules, frames, exceptions, weak references. */
#include "object/lines.h"
#include "object/repr-internal.h"

#include <inttypes.h>
#include <string.h>

void pm_repr_class(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_type *t = pm_types_get(r->o->types, x->addr);
	bool class = pm_wording_is(r->o->l, PM_WORDING_TYPES_ARE_CLASSES) ||
		     (t && t->is_type && t->heap);
	pm_strbuf_printf(r->out, "<%s '%s'>", class ? "class" : "type",
		t && t->is_type ? pm_repr_qualified(t) : "?");
}

void pm_repr_function(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	struct pm_field name =
		pm_wording_is(r->o->l, PM_WORDING_QUALIFIED_FUNCTIONS)
			? f->function.qualname
			: f->function.name;
	pm_strbuf_puts(r->out, "<function ");
	if (!pm_repr_text(r, pm_repr_field(r, x, name)))
		pm_strbuf_puts(r->out, "???");
	pm_strbuf_printf(r->out, " at 0x%" PRIx64 ">", x->addr);
}

/* By the name of its code, before it had one of its own. */
void pm_repr_generator(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	uint64_t name = pm_repr_field(r, x, f->gen.qualname);
	if (!pm_wording_is(r->o->l, PM_WORDING_QUALIFIED_FUNCTIONS) &&
		pm_layout_read(r->o->l, r->o->m,
			pm_repr_field(r, x, f->gen.code), f->code.name, &name,
			NULL) != PM_OK)
		name = 0;
	pm_strbuf_puts(r->out, "<generator object ");
	if (!pm_repr_text(r, name))
		pm_strbuf_puts(r->out, "???");
	pm_strbuf_printf(r->out, " at 0x%" PRIx64 ">", x->addr);
}

void pm_repr_ml_name(struct pm_repr *r, pm_addr ml)
{
	char name[200];
	pm_addr at = pm_repr_item(r, ml, 0);
	if (pm_memory_read_cstring(r->o->m, at, name, sizeof name, NULL) !=
		PM_OK)
		snprintf(name, sizeof name, "?");
	pm_strbuf_escaped(r->out, name, strlen(name));
}

void pm_repr_builtin(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_addr self = pm_repr_field(r, x, f->cfunction.self);
	pm_addr ml = pm_repr_field(r, x, f->cfunction.ml);
	struct pm_object s;
	bool method = self && pm_object_load(r->o, self, &s, NULL) == PM_OK &&
		      s.type->kind != PM_KIND_MODULE;
	pm_strbuf_puts(
		r->out, method ? "<built-in method " : "<built-in function ");
	pm_repr_ml_name(r, ml);
	if (method) {
		pm_strbuf_puts(r->out, " of ");
		pm_repr_tp_name(r, s.type);
		pm_strbuf_printf(r->out, " object at 0x%" PRIx64, self);
	}
	pm_strbuf_putc(r->out, '>');
}

/* func.__qualname__, else func.__name__ */
static void put_function_name(struct pm_repr *r, pm_addr func)
{
	const struct pm_fields *f = &r->o->l->f;
	struct pm_object x;
	if (pm_object_load(r->o, func, &x, NULL) == PM_OK) {
		if (!strcmp(x.type->name, "builtins.function") &&
			pm_repr_text(
				r, pm_repr_field(r, &x, f->function.qualname)))
			return;
		if (!strcmp(x.type->name,
			    "builtins.builtin_function_or_method")) {
			/* "list.append" of a method, of a module the name. */
			pm_addr self = pm_repr_field(r, &x, f->cfunction.self);
			struct pm_object s;
			if (self &&
				pm_object_load(r->o, self, &s, NULL) == PM_OK &&
				s.type->kind != PM_KIND_MODULE)
				pm_strbuf_printf(r->out, "%s.",
					pm_repr_qualified(s.type));
			pm_repr_ml_name(
				r, pm_repr_field(r, &x, f->cfunction.ml));
			return;
		}
	}
	pm_strbuf_putc(r->out, '?');
}

void pm_repr_method(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_strbuf_puts(r->out, "<bound method ");
	put_function_name(r, pm_repr_field(r, x, f->method.func));
	pm_strbuf_puts(r->out, " of ");
	pm_repr_put(r, pm_repr_field(r, x, f->method.self));
	pm_strbuf_putc(r->out, '>');
}

/* descr->d_base->name: struct wrapperbase begins with its name. */
void pm_repr_method_wrapper(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_addr descr = pm_repr_field(r, x, f->method_wrapper.descr);
	pm_addr self = pm_repr_field(r, x, f->method_wrapper.self);
	uint64_t base = 0;
	struct pm_object s;
	if (pm_layout_read(r->o->l, r->o->m, descr, f->wrapper_descr.base,
		    &base, NULL) != PM_OK ||
		pm_object_load(r->o, self, &s, NULL) != PM_OK) {
		pm_repr_default(r, x);
		return;
	}
	pm_strbuf_puts(r->out, "<method-wrapper '");
	pm_repr_ml_name(r, base);
	pm_strbuf_puts(r->out, "' of ");
	pm_repr_tp_name(r, s.type);
	pm_strbuf_printf(r->out, " object at 0x%" PRIx64 ">", self);
}

void pm_repr_cell(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr ref = pm_repr_field(r, x, r->o->l->f.cell.ref);
	struct pm_object held;
	pm_strbuf_printf(r->out, "<cell at 0x%" PRIx64 ": ", x->addr);
	if (!ref) {
		pm_strbuf_puts(r->out, "empty>");
		return;
	}
	if (pm_object_load(r->o, ref, &held, NULL) == PM_OK)
		pm_repr_tp_name(r, held.type);
	else
		pm_strbuf_puts(r->out, "?");
	pm_strbuf_printf(r->out, " object at 0x%" PRIx64 ">", ref);
}

static void put_class_name(struct pm_repr *r, pm_addr type)
{
	const struct pm_type *t = pm_types_get(r->o->types, type);
	if (t && t->is_type)
		pm_repr_tp_name(r, t);
	else
		pm_strbuf_puts(r->out, "NULL");
}

void pm_repr_super(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_addr of = pm_repr_field(r, x, f->super.obj_type);
	pm_strbuf_puts(r->out, "<super: <class '");
	put_class_name(r, pm_repr_field(r, x, f->super.type));
	pm_strbuf_puts(r->out, "'>, ");
	if (of) {
		pm_strbuf_putc(r->out, '<');
		put_class_name(r, of);
		pm_strbuf_puts(r->out, " object>");
	} else {
		pm_strbuf_puts(r->out, "NULL");
	}
	pm_strbuf_putc(r->out, '>');
}

void pm_repr_frame(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	struct pm_code_place p;
	uint64_t file = 0, name = 0;
	if (!pm_code_place(r->o, x, &p) ||
		pm_layout_read(r->o->l, r->o->m, p.code, f->code.filename,
			&file, NULL) != PM_OK ||
		pm_layout_read(r->o->l, r->o->m, p.code, f->code.name, &name,
			NULL) != PM_OK) {
		pm_repr_default(r, x);
		return;
	}
	pm_strbuf_printf(r->out, "<frame at 0x%" PRIx64 ", file ", x->addr);
	pm_repr_put(r, file);
	pm_strbuf_printf(r->out, ", line %" PRId64 ", code ", p.line);
	if (!pm_repr_text(r, name))
		pm_strbuf_putc(r->out, '?');
	pm_strbuf_putc(r->out, '>');
}

void pm_repr_exception(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr args = pm_repr_field(r, x, r->o->l->f.exception.args), at;
	uint64_t n = 0;
	pm_repr_bare_name(r, x->type);
	if (pm_wording_is(r->o->l, PM_WORDING_ONE_ARGUMENT) &&
		pm_repr_items(r, args, &n, &at) && n == 1) {
		pm_strbuf_putc(r->out, '(');
		pm_repr_put(r, pm_repr_item(r, at, 0));
		pm_strbuf_putc(r->out, ')');
	} else {
		pm_repr_put(r, args);
	}
}

/* msg, excs, excs_str (3.15: until then as any exception). */
void pm_repr_exception_group(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	uint64_t at = f->exception.sizeof_.off;
	unsigned ws = r->o->l->t.word_size;
	pm_addr excs = pm_repr_bytes(r, x, at + ws, ws), items, args;
	pm_addr text = pm_repr_bytes(r, x, at + 2 * ws, ws);
	uint64_t n = 0, given = 0;
	struct pm_object second;
	bool list = pm_repr_items(r, pm_repr_field(r, x, f->exception.args),
			    &given, &args) &&
		    given == 2 &&
		    pm_object_load(r->o, pm_repr_item(r, args, 1), &second,
			    NULL) == PM_OK &&
		    second.type->kind == PM_KIND_LIST;
	pm_repr_bare_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	pm_repr_put(r, pm_repr_bytes(r, x, at, ws));
	pm_strbuf_puts(r->out, ", ");
	if (text) {
		pm_repr_text(r, text);
	} else if (list && pm_repr_items(r, excs, &n, &items)) {
		pm_strbuf_putc(r->out, '[');
		for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
			pm_strbuf_puts(r->out, i ? ", " : "");
			pm_repr_put(r, pm_repr_item(r, items, i));
		}
		pm_strbuf_putc(r->out, ']');
	} else {
		pm_repr_put(r, excs);
	}
	pm_strbuf_putc(r->out, ')');
}

/* With name= and path= (3.15). */
void pm_repr_import_error(struct pm_repr *r, const struct pm_object *x)
{
	static const char *const names[] = {"name", "path"};
	uint64_t n = 0;
	pm_addr at;
	bool some =
		pm_repr_items(r, pm_repr_field(r, x, r->o->l->f.exception.args),
			&n, &at) &&
		n;
	pm_repr_exception(r, x);
	for (unsigned i = 0; i < 2 && r->out->len > r->start; i++) {
		pm_addr v = pm_repr_attr(r, x, names[i]);
		if (!v)
			continue;
		pm_strbuf_truncate(r->out, r->out->len - 1);
		pm_strbuf_printf(r->out, "%s%s=", some ? ", " : "", names[i]);
		pm_repr_put(r, v);
		pm_strbuf_putc(r->out, ')');
		some = true;
	}
}

/* ---- modules: importlib._bootstrap._module_repr ---- */

/* None, or nothing? */
static bool is_none(struct pm_repr *r, pm_addr addr)
{
	return !addr || addr == r->o->l->at.none.addr;
}

/* Loaders that said it themselves (until 3.11): " (built-in)". */
static bool put_by_loader(struct pm_repr *r, pm_addr loader, pm_addr name)
{
	static const struct {
		const char *loader, *text;
	} known[] = {
		{"_frozen_importlib.BuiltinImporter", "built-in"},
		{"_frozen_importlib.FrozenImporter", "frozen"},
	};
	const struct pm_type *t =
		loader ? pm_types_get(r->o->types, loader) : NULL;
	if (!t || !t->is_type || !t->dict ||
		!pm_dict_find(r->o->l, r->o->m, t->dict, "module_repr"))
		return false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(t->name, known[i].loader) != 0)
			continue;
		pm_strbuf_puts(r->out, "<module ");
		pm_repr_put(r, name);
		pm_strbuf_printf(r->out, " (%s)>", known[i].text);
		return true;
	}
	return false;
}

static bool put_from_spec(struct pm_repr *r, pm_addr spec_at, pm_addr name)
{
	struct pm_object spec;
	if (is_none(r, spec_at) ||
		pm_object_load(r->o, spec_at, &spec, NULL) != PM_OK)
		return false;
	pm_addr named = pm_repr_attr(r, &spec, "name");
	pm_addr origin = pm_repr_attr(r, &spec, "origin");
	pm_addr loader = pm_repr_attr(r, &spec, "loader");
	bool located = pm_repr_true(r, pm_repr_attr(r, &spec, "_set_fileattr"));
	pm_strbuf_puts(r->out, "<module ");
	pm_repr_put(r, is_none(r, named) ? name : named);
	if (!is_none(r, origin) && located) {
		pm_strbuf_puts(r->out, " from ");
		pm_repr_put(r, origin);
	} else if (!is_none(r, origin)) {
		pm_strbuf_puts(r->out, " (");
		if (!pm_repr_text(r, origin))
			pm_repr_put(r, origin);
		pm_strbuf_putc(r->out, ')');
	} else if (!is_none(r, loader)) {
		pm_strbuf_puts(r->out, " (");
		pm_repr_put(r, loader);
		pm_strbuf_putc(r->out, ')');
	}
	pm_strbuf_putc(r->out, '>');
	return true;
}

void pm_repr_module(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr name = pm_repr_attr(r, x, "__name__");
	pm_addr file = pm_repr_attr(r, x, "__file__");
	pm_addr loader = pm_repr_attr(r, x, "__loader__");
	if (!pm_repr_enter(r, x, "..."))
		return;
	if (!put_by_loader(r, loader, name) &&
		!put_from_spec(r, pm_repr_attr(r, x, "__spec__"), name)) {
		pm_strbuf_puts(r->out, "<module ");
		if (name)
			pm_repr_put(r, name);
		else
			pm_strbuf_puts(r->out, "'?'");
		if (file) {
			pm_strbuf_puts(r->out, " from ");
			pm_repr_put(r, file);
		} else if (!is_none(r, loader)) {
			pm_strbuf_puts(r->out, " (");
			pm_repr_put(r, loader);
			pm_strbuf_putc(r->out, ')');
		} else if (!pm_wording_is(r->o->l, PM_WORDING_MODULE_SPECS)) {
			pm_strbuf_puts(r->out, " (built-in)");
		}
		pm_strbuf_putc(r->out, '>');
	}
	pm_repr_leave(r);
}

/* ---- weak references ---- */

/* " (name)" of what has a __name__. */
static void put_referent_name(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	const struct pm_type *t;
	size_t start = r->out->len;
	bool put = false;
	pm_addr name;
	pm_strbuf_puts(r->out, " (");
	if (x->type->kind == PM_KIND_TYPE) {
		t = pm_types_get(r->o->types, x->addr);
		put = t && t->is_type;
		if (put)
			pm_repr_bare_name(r, t);
	} else if (!strcmp(x->type->name, "builtins.function")) {
		put = pm_repr_text(r, pm_repr_field(r, x, f->function.name));
	} else if (x->type->kind == PM_KIND_GEN) {
		put = pm_repr_text(r, pm_repr_field(r, x, f->gen.name));
	} else if (!strcmp(x->type->name,
			   "builtins.builtin_function_or_method")) {
		pm_repr_ml_name(r, pm_repr_field(r, x, f->cfunction.ml));
		put = true;
	} else {
		name = pm_repr_attr(r, x, "__name__");
		put = pm_repr_text(r, name ? name
					   : pm_repr_class_attr(r, x->type,
						     "__name__", NULL));
	}
	if (put)
		pm_strbuf_putc(r->out, ')');
	else
		pm_strbuf_truncate(r->out, start);
}

/* A dead one points to None, and to nothing while it is cleared. */
static bool referent(
	struct pm_repr *r, const struct pm_object *x, struct pm_object *ret)
{
	pm_addr at = pm_repr_field(r, x, r->o->l->f.weakref.object);
	return !is_none(r, at) && pm_object_load(r->o, at, ret, NULL) == PM_OK;
}

static void put_referent(struct pm_repr *r, const struct pm_object *o)
{
	if (pm_wording_is(r->o->l, PM_WORDING_WEAKREF_QUALIFIED))
		pm_strbuf_puts(r->out, pm_repr_qualified(o->type));
	else
		pm_repr_tp_name(r, o->type);
}

void pm_repr_weakref(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_object o;
	pm_strbuf_printf(r->out, "<weakref at 0x%" PRIx64 "; ", x->addr);
	if (!referent(r, x, &o)) {
		pm_strbuf_puts(r->out, "dead>");
		return;
	}
	pm_strbuf_puts(r->out, "to '");
	put_referent(r, &o);
	pm_strbuf_printf(r->out, "' at 0x%" PRIx64, o.addr);
	put_referent_name(r, &o);
	pm_strbuf_putc(r->out, '>');
}

void pm_repr_proxy(struct pm_repr *r, const struct pm_object *x)
{
	bool quoted = pm_wording_is(r->o->l, PM_WORDING_WEAKREF_QUALIFIED);
	struct pm_object o;
	if (!referent(r, x, &o) &&
		(quoted || pm_object_load(r->o, r->o->l->at.none.addr, &o,
				   NULL) != PM_OK)) {
		pm_strbuf_printf(
			r->out, "<weakproxy at 0x%" PRIx64 "; dead>", x->addr);
		return;
	}
	pm_strbuf_printf(r->out, "<weakproxy at 0x%" PRIx64 "%s", x->addr,
		quoted ? "; to '" : " to ");
	put_referent(r, &o);
	pm_strbuf_printf(
		r->out, "%s at 0x%" PRIx64 ">", quoted ? "'" : "", o.addr);
}

/* ---- generic aliases and unions ---- */

static void put_alias_item(struct pm_repr *r, pm_addr addr)
{
	struct pm_object x;
	if (pm_object_load(r->o, addr, &x, NULL) != PM_OK) {
		pm_repr_put(r, addr);
		return;
	}
	if (!strcmp(x.type->name, "builtins.ellipsis")) {
		pm_strbuf_puts(r->out, "...");
		return;
	}
	const struct pm_type *t = x.type->kind == PM_KIND_TYPE
					  ? pm_types_get(r->o->types, addr)
					  : NULL;
	if (!t || !t->is_type)
		pm_repr_put(r, addr);
	else
		pm_strbuf_puts(r->out, pm_repr_qualified(t));
}

static bool put_alias_items(
	struct pm_repr *r, pm_addr args, const char *separator, bool none)
{
	uint64_t n = 0;
	pm_addr at;
	if (!pm_repr_items(r, args, &n, &at))
		return false;
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		pm_addr v = pm_repr_item(r, at, i);
		const struct pm_type *t =
			none ? pm_types_get(r->o->types, v) : NULL;
		pm_strbuf_puts(r->out, i ? separator : "");
		if (t && t->is_type && !strcmp(t->name, "builtins.NoneType"))
			pm_strbuf_puts(r->out, "None");
		else
			put_alias_item(r, v);
	}
	return n;
}

void pm_repr_alias(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	/* starred follows the weak references (3.11): *tuple[int]. */
	uint64_t starred = f->generic_alias.weakrefs.off + r->o->l->t.word_size;
	if (starred < f->generic_alias.sizeof_.off &&
		pm_repr_bytes(r, x, starred, 1))
		pm_strbuf_putc(r->out, '*');
	put_alias_item(r, pm_repr_field(r, x, f->generic_alias.origin));
	pm_strbuf_putc(r->out, '[');
	if (!put_alias_items(r, pm_repr_field(r, x, f->generic_alias.args),
		    ", ", pm_wording_is(r->o->l, PM_WORDING_ALIAS_OF_NONE)))
		pm_strbuf_puts(r->out, "()");
	pm_strbuf_putc(r->out, ']');
}

void pm_repr_union(struct pm_repr *r, const struct pm_object *x)
{
	put_alias_items(
		r, pm_repr_field(r, x, r->o->l->f.union_.args), " | ", true);
}

/* flags stands two words before the view: flags, exports. */
void pm_repr_memoryview(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t off = r->o->l->f.memoryview.view.off;
	unsigned ws = r->o->l->t.word_size;
	bool released = pm_repr_bytes(r, x, off - 2 * ws, 4) & 1;
	pm_strbuf_printf(r->out, "<%smemory at 0x%" PRIx64 ">",
		released ? "released " : "", x->addr);
}
