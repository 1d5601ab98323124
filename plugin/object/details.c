/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/details.h"
#include "object/decoders.h"
#include "object/lines.h"
#include "object/numpy.h"
#include "object/text.h"
#include "object/threads.h"

#include <inttypes.h>
#include <string.h>

#define MAX_TRACEBACK 50
/* Steps along a list of the collector. */
#define MAX_STEPS 200000

struct telling {
	const struct pm_objects *o;
	const struct pm_object *x;
	pm_detail_fn *fn;
	void *arg;
};

PM_PRINTF(3, 4)
static void tell(const struct telling *t, const char *key, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	t->fn(t->arg, key, text);
}

static uint64_t field(const struct telling *t, struct pm_field f)
{
	return f.off + f.size <= t->x->avail
		       ? pm_get(t->o->l, pm_object_body(t->x), f)
		       : 0;
}

static uint64_t read_field(
	const struct pm_objects *o, pm_addr at, struct pm_field f)
{
	uint64_t v = 0;
	return pm_layout_read(o->l, o->m, at, f, &v, NULL) == PM_OK ? v : 0;
}

/* "name (file:line)" of a code object. */
static void put_place(const struct pm_objects *o, pm_addr code, int64_t line,
	struct pm_strbuf *out)
{
	const struct pm_fields *f = &o->l->f;
	struct pm_field name =
		pm_has(f->code.qualname) ? f->code.qualname : f->code.name;
	pm_addr text = read_field(o, code, name);
	if (!text ||
		pm_text_append(o->l, o->m, text, 100, 0, out, NULL) != PM_OK)
		pm_strbuf_putc(out, '?');
	pm_strbuf_puts(out, " (");
	text = read_field(o, code, f->code.filename);
	if (!text ||
		pm_text_append(o->l, o->m, text, 300, 0, out, NULL) != PM_OK)
		pm_strbuf_putc(out, '?');
	if (line > 0)
		pm_strbuf_printf(out, ":%" PRId64, line);
	pm_strbuf_putc(out, ')');
}

static void tell_code(const struct telling *t, pm_addr code)
{
	pm_auto_strbuf b = {0};
	if (!code)
		return;
	put_place(t->o, code,
		(int32_t)read_field(t->o, code, t->o->l->f.code.firstlineno),
		&b);
	t->fn(t->arg, "defined", pm_strbuf_text(&b));
}

static void tell_running(const struct telling *t)
{
	struct pm_code_place p;
	if (!pm_code_place(t->o, t->x, &p))
		return;
	if (t->x->type->kind == PM_KIND_GEN)
		tell(t, "state", "%s", pm_run_state_text(p.state));
	if (p.code && p.line) {
		pm_auto_strbuf b = {0};
		put_place(t->o, p.code, p.line, &b);
		t->fn(t->arg, "stands_at", pm_strbuf_text(&b));
	}
	tell_code(t, p.code);
}

/* tb_lineno, -1 until somebody asks (3.12). */
static int64_t traceback_line(
	const struct pm_objects *o, pm_addr tb, pm_addr code)
{
	const struct pm_fields *f = &o->l->f;
	int64_t line = (int32_t)read_field(o, tb, f->traceback.lineno);
	if (line != -1)
		return line;
	return pm_code_line(
		o, code, (int32_t)read_field(o, tb, f->traceback.lasti));
}

static void tell_traceback(const struct telling *t, pm_addr tb)
{
	const struct pm_fields *f = &t->o->l->f;
	for (int i = 0; tb && tb != t->o->l->at.none.addr; i++) {
		pm_addr frame = read_field(t->o, tb, f->traceback.frame);
		struct pm_object x;
		struct pm_code_place p;
		pm_auto_strbuf b = {0};
		if (i == MAX_TRACEBACK) {
			tell(t, "traceback", "... and more");
			return;
		}
		if (!frame || pm_object_load(t->o, frame, &x, NULL) != PM_OK ||
			!pm_code_place(t->o, &x, &p)) {
			tell(t, "traceback", "(unreadable)");
			return;
		}
		put_place(t->o, p.code, traceback_line(t->o, tb, p.code), &b);
		t->fn(t->arg, "traceback", pm_strbuf_text(&b));
		tb = read_field(t->o, tb, f->traceback.next);
	}
}

static void tell_str(const struct telling *t)
{
	static const char *const states[] = {
		"no", "mortal", "immortal", "static"};
	struct pm_text s;
	if (pm_text_load(t->o->l, t->o->m, t->x->addr, &s, NULL) != PM_OK)
		return;
	tell(t, "length", "%" PRIu64 " characters of %u byte%s%s", s.length,
		s.kind, s.kind == 1 ? "" : "s", s.ascii ? ", ASCII" : "");
	tell(t, "interned", "%s",
		s.interned < 4 ? states[s.interned] : "not known");
}

/* Py_buffer: buf, obj, len, itemsize, readonly and ndim (ints), format, shape.
 */
static void tell_memoryview(const struct telling *t)
{
	const struct pm_objects *o = t->o;
	unsigned ws = o->l->t.word_size;
	pm_addr view = t->x->addr + o->l->f.memoryview.view.off;
	uint64_t obj = 0, len = 0, item = 0, readonly = 0, nd = 0, format = 0,
		 shape = 0, dim = 0;
	char text[32] = "B";
	if (pm_memory_read_uint(o->m, view + ws, ws, &obj, NULL) != PM_OK ||
		pm_memory_read_uint(o->m, view + 2 * ws, ws, &len, NULL) !=
			PM_OK ||
		pm_memory_read_uint(o->m, view + 3 * ws, ws, &item, NULL) !=
			PM_OK ||
		pm_memory_read_uint(o->m, view + 4 * ws, 4, &readonly, NULL) !=
			PM_OK ||
		pm_memory_read_uint(o->m, view + 4 * ws + 4, 4, &nd, NULL) !=
			PM_OK ||
		pm_memory_read_uint(
			o->m, view + 4 * ws + 8, ws, &format, NULL) != PM_OK ||
		pm_memory_read_uint(
			o->m, view + 5 * ws + 8, ws, &shape, NULL) != PM_OK)
		return;
	if (format && pm_memory_read_cstring(
			      o->m, format, text, sizeof text, NULL) != PM_OK)
		snprintf(text, sizeof text, "?");
	pm_auto_strbuf b = {0};
	for (uint64_t i = 0; i < nd && i < 64; i++) {
		if (pm_memory_read_uint(o->m, shape + i * ws, ws, &dim, NULL) !=
			PM_OK)
			break;
		pm_strbuf_printf(&b, "%s%" PRIu64, i ? ", " : "", dim);
	}
	pm_auto_strbuf code = {0};
	pm_strbuf_escaped(&code, text, strlen(text));
	tell(t, "view",
		"%" PRIu64 " bytes, items of %" PRIu64
		" ('%s'), shape (%s%s)%s",
		len, item, pm_strbuf_text(&code), pm_strbuf_text(&b),
		nd == 1 ? "," : "", readonly ? ", read-only" : "");
	if (obj)
		tell(t, "exporter", "0x%" PRIx64, obj);
}

static void tell_ndarray(const struct telling *t)
{
	struct pm_ndarray a;
	if (!pm_ndarray_load(t->o, t->x, &a))
		return;
	const struct pm_type *scalar = pm_types_get(t->o->types, a.scalar);
	pm_auto_strbuf b = {0};
	for (int i = 0; i < a.nd; i++)
		pm_strbuf_printf(&b, "%s%" PRId64, i ? ", " : "", a.shape[i]);
	tell(t, "shape", "(%s%s)", pm_strbuf_text(&b), a.nd == 1 ? "," : "");
	tell(t, "dtype", "%s, %" PRIu64 " bytes, byte order '%c'",
		scalar && scalar->is_type ? scalar->name : "not known",
		a.itemsize, a.byteorder);
	tell(t, "data", "%" PRIu64 " bytes at 0x%" PRIx64 "%s%s", a.bytes,
		a.data, a.owns ? ", its own" : ", not its own",
		a.writeable ? "" : ", read-only");
	if (a.base)
		tell(t, "base", "0x%" PRIx64, a.base);
}

static void tell_fill(const struct telling *t, const struct pm_measure *m)
{
	const struct pm_fields *f = &t->o->l->f;
	struct pm_keys k;
	(void)m;
	switch (t->x->type->kind) {
	case PM_KIND_LIST:
		tell(t, "fill", "%" PRIu64 " items, room for %" PRIu64,
			field(t, f->var_object.size),
			field(t, f->list.allocated));
		break;
	case PM_KIND_DICT:
	case PM_KIND_ODICT:
		if (pm_keys_load(t->o->l, t->o->m,
			    pm_dict_keys(
				    t->o->l, t->x->addr, pm_object_body(t->x)),
			    &k, NULL) == PM_OK)
			tell(t, "fill",
				"%" PRIu64 " entries, room for %" PRIu64 "%s",
				field(t, f->dict.used), k.usable,
				field(t, f->dict.values)
					? "; keys shared with its class"
					: "");
		break;
	case PM_KIND_SET:
		tell(t, "fill", "%" PRIu64 " members in %" PRIu64 " slots",
			field(t, f->set.used), field(t, f->set.mask) + 1);
		break;
	case PM_KIND_BYTEARRAY:
		tell(t, "fill", "%" PRIu64 " bytes, room for %" PRIu64,
			field(t, f->var_object.size),
			field(t, f->bytearray.alloc));
		break;
	default:
		break;
	}
}

static void tell_plain(const struct telling *t)
{
	const struct pm_fields *f = &t->o->l->f;
	const char *name = t->x->type->decoder ? t->x->type->decoder->name
					       : t->x->type->name;
	if (!strcmp(name, "function"))
		tell_code(t, field(t, f->function.code));
	else if (!strcmp(name, "BaseException"))
		tell_traceback(t, field(t, f->exception.traceback));
	else if (!strcmp(name, "traceback"))
		tell_traceback(t, t->x->addr);
	else if (!strcmp(name, "memoryview"))
		tell_memoryview(t);
}

void pm_details_each(const struct pm_objects *o, const struct pm_object *x,
	const struct pm_measure *m, pm_detail_fn *fn, void *arg)
{
	const struct telling t = {o, x, fn, arg};
	switch (x->type->kind) {
	case PM_KIND_STR:
		tell_str(&t);
		break;
	case PM_KIND_CODE:
		tell_code(&t, x->addr);
		break;
	case PM_KIND_GEN:
	case PM_KIND_FRAME:
		tell_running(&t);
		break;
	case PM_KIND_PLAIN:
		tell_plain(&t);
		break;
	case PM_KIND_NDARRAY:
		tell_ndarray(&t);
		break;
	default:
		tell_fill(&t, m);
		break;
	}
}

/* ---- the collector's lists ---- */

void pm_gc_heads_find(const struct pm_objects *o, struct pm_gc_heads *ret)
{
	const struct pm_layout *l = o->l;
	pm_addr done = 0;
	ret->n = 0;
	pm_each_interpreter (i, l, o->m) {
		pm_addr lists[PM_GC_LISTS];
		pm_addr gc = pm_layout_gc_state(l, i.at);
		if (i.n == PM_GC_HEADS_INTERPRETERS)
			return;
		pm_layout_gc_lists(l, gc == done ? 0 : gc, lists);
		done = gc;
		for (int k = 0; k < PM_GC_LISTS; k++) {
			if (!lists[k])
				continue;
			ret->at[ret->n] = lists[k];
			ret->generation[ret->n++] = k;
		}
	}
}

int pm_object_generation(const struct pm_objects *o, const struct pm_object *x)
{
	const struct pm_layout *l = o->l;
	struct pm_gc_heads h;
	if (!pm_object_is_tracked(o, x) || !l->t.gc_head_size)
		return -1;
	pm_gc_heads_find(o, &h);
	pm_addr at = x->addr - l->t.gc_head_size;
	for (unsigned i = 0; h.n && at && i < MAX_STEPS; i++) {
		for (unsigned k = 0; k < h.n; k++)
			if (h.at[k] == at)
				return h.generation[k];
		at = read_field(o, at, l->f.gc_head.next) & l->t.gc_next_mask;
	}
	return -1;
}
