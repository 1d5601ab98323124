/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/repr.h"
#include "object/refs.h"
#include "object/text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define MAX_DEPTH 6

struct repr {
	const struct pm_objects *o;
	struct pm_strbuf *out;
	size_t end; /* of out, at which to stop */
	unsigned depth;
	pm_addr parents[MAX_DEPTH + 1];
};

static void put(struct repr *r, pm_addr addr);

static bool full(const struct repr *r)
{
	return r->out->len >= r->end;
}

static const char *bare(const char *qualified)
{
	return strncmp(qualified, "builtins.", 9) ? qualified : qualified + 9;
}

static void put_default(struct repr *r, const struct pm_object *x)
{
	pm_strbuf_printf(r->out, "<%s object at 0x%" PRIx64 ">",
		bare(x->type->name), x->addr);
}

static void put_str(struct repr *r, const struct pm_object *x)
{
	const struct pm_layout *l = r->o->l;
	struct pm_text t;
	unsigned char head[256];
	char quote = '\'';
	/* Python takes double quotes when that saves escapes. */
	if (pm_text_load(l, r->o->m, x->addr, &t, NULL) == PM_OK &&
		t.kind == 1 && t.length <= sizeof head &&
		pm_memory_read(r->o->m, t.data, head, t.length, NULL) ==
			PM_OK &&
		memchr(head, '\'', t.length) && !memchr(head, '"', t.length))
		quote = '"';
	size_t start = r->out->len;
	size_t room = r->end > start ? r->end - start : 1;
	pm_strbuf_putc(r->out, quote);
	if (pm_text_append(l, r->o->m, x->addr, room, quote, r->out, NULL) !=
		PM_OK) {
		pm_strbuf_truncate(r->out, start);
		pm_strbuf_printf(
			r->out, "<unreadable str 0x%" PRIx64 ">", x->addr);
		return;
	}
	pm_strbuf_putc(r->out, quote);
}

static void put_byte_string(struct repr *r, pm_addr at, uint64_t n)
{
	unsigned char chunk[256];
	uint64_t shown = n < sizeof chunk ? n : sizeof chunk;
	if (r->end > r->out->len && shown > r->end - r->out->len)
		shown = r->end - r->out->len;
	if (pm_memory_read(r->o->m, at, chunk, shown, NULL) != PM_OK) {
		pm_strbuf_printf(r->out, "<unreadable 0x%" PRIx64 ">", at);
		return;
	}
	bool single = memchr(chunk, '\'', shown) && !memchr(chunk, '"', shown);
	char quote = single ? '"' : '\'';
	pm_strbuf_printf(r->out, "b%c", quote);
	for (uint64_t i = 0; i < shown; i++) {
		unsigned char c = chunk[i];
		if (c == (unsigned char)quote || c == '\\')
			pm_strbuf_printf(r->out, "\\%c", c);
		else if (c == '\n')
			pm_strbuf_puts(r->out, "\\n");
		else if (c == '\t')
			pm_strbuf_puts(r->out, "\\t");
		else if (c == '\r')
			pm_strbuf_puts(r->out, "\\r");
		else if (c < 32 || c > 126)
			pm_strbuf_printf(r->out, "\\x%02x", c);
		else
			pm_strbuf_putc(r->out, (char)c);
	}
	pm_strbuf_printf(r->out, "%s%c", shown < n ? "..." : "", quote);
}

static void put_int(struct repr *r, const struct pm_object *x)
{
	const struct pm_layout *l = r->o->l;
	const unsigned char *b = pm_object_body(x);
	bool negative;
	uint64_t n;
	if (l->t.int_form == PM_INT_TAG) {
		uint64_t tag = pm_get(l, b, l->f.long_.tag);
		negative = (tag & 3) == 2;
		n = tag >> 3;
	} else {
		int64_t s = pm_get_signed(l, b, l->f.var_object.size);
		negative = s < 0;
		n = (uint64_t)(s < 0 ? -s : s);
	}
	if (x->type->addr != l->at.none.addr &&
		!strcmp(x->type->name, "builtins.bool")) {
		bool v = n && pm_get(l, b, l->f.long_.digit);
		pm_strbuf_puts(r->out, v ? "True" : "False");
		return;
	}
	/* Base 10^9 digits by repeated multiplication, most significant digit
	   of the int first; bounded, since the result is. */
	uint32_t parts[64] = {0};
	unsigned len = 1, each = pm_digit_size(x->type), bits = each * 15 / 2;
	if (n * bits > 1800 || l->f.long_.digit.off + n * each > x->avail) {
		pm_strbuf_printf(r->out, "<%sint of about %" PRIu64 " bits>",
			negative ? "negative " : "", n * bits);
		return;
	}
	for (uint64_t i = n; i-- > 0;) {
		uint64_t carry = pm_load(b + l->f.long_.digit.off + i * each,
			each, l->t.big_endian);
		for (unsigned k = 0; k < len; k++) {
			uint64_t v = ((uint64_t)parts[k] << bits) + carry;
			parts[k] = (uint32_t)(v % 1000000000);
			carry = v / 1000000000;
		}
		for (; carry && len < 64; carry /= 1000000000)
			parts[len++] = (uint32_t)(carry % 1000000000);
	}
	pm_strbuf_printf(
		r->out, "%s%" PRIu32, negative ? "-" : "", parts[len - 1]);
	for (unsigned k = len - 1; k-- > 0;)
		pm_strbuf_printf(r->out, "%09" PRIu32, parts[k]);
}

/* The shortest decimal text that reads back as v, as float.__repr__ puts it:
   an exponent below 1e-4 and from 1e16 on. */
static void put_double(struct pm_strbuf *out, double v)
{
	if (isnan(v) || isinf(v)) {
		pm_strbuf_puts(out, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return;
	}
	char e[40];
	for (int p = 0; p < 17; p++) {
		snprintf(e, sizeof e, "%.*e", p, v);
		if (strtod(e, NULL) == v)
			break;
	}
	char *mark = strchr(e, 'e');
	int exponent = (int)strtol(mark + 1, NULL, 10);
	if (exponent < -4 || exponent >= 16) {
		pm_strbuf_append(out, e, (size_t)(mark - e));
		pm_strbuf_printf(out, "e%c%02d", exponent < 0 ? '-' : '+',
			abs(exponent));
		return;
	}
	int digits = (int)strspn(e + (*e == '-') + 2, "0123456789");
	int decimals = digits - exponent;
	pm_strbuf_printf(out, "%.*f", decimals < 1 ? 1 : decimals, v);
}

static void put_float(struct repr *r, const struct pm_object *x)
{
	uint64_t bits =
		pm_get(r->o->l, pm_object_body(x), r->o->l->f.float_.value);
	double v;
	memcpy(&v, &bits, sizeof v);
	put_double(r->out, v);
}

/* ---- containers ---- */

struct items {
	struct repr *r;
	enum pm_via via;
	uint64_t n;
	bool cut, pairs;
};

static bool put_item(void *arg, const struct pm_ref *ref)
{
	struct items *i = arg;
	struct repr *r = i->r;
	if (ref->via != i->via)
		return true;
	if (full(r)) {
		i->cut = true;
		return false;
	}
	if (i->n++)
		pm_strbuf_puts(r->out, ", ");
	if (i->pairs) {
		put(r, ref->key);
		pm_strbuf_puts(r->out, ": ");
	}
	put(r, ref->target);
	return true;
}

static uint64_t put_items(
	struct repr *r, const struct pm_object *x, enum pm_via via, bool pairs)
{
	struct items i = {r, via, 0, false, pairs};
	enum pm_status s = pm_refs_each(r->o, x, put_item, &i);
	if (i.cut)
		pm_strbuf_puts(r->out, ", ...");
	else if (s != PM_OK)
		pm_strbuf_puts(r->out, ", <unreadable>");
	return i.n;
}

static bool nested(struct repr *r, const struct pm_object *x, const char *text)
{
	for (unsigned i = 0; i < r->depth; i++)
		if (r->parents[i] == x->addr) {
			pm_strbuf_puts(r->out, text);
			return false;
		}
	if (r->depth >= MAX_DEPTH) {
		pm_strbuf_puts(r->out, "...");
		return false;
	}
	r->parents[r->depth++] = x->addr;
	return true;
}

static void put_container(struct repr *r, const struct pm_object *x)
{
	const char *name = bare(x->type->name);
	bool plain;
	switch (x->type->kind) {
	case PM_KIND_LIST:
		if (!nested(r, x, "[...]"))
			return;
		pm_strbuf_putc(r->out, '[');
		put_items(r, x, PM_VIA_INDEX, false);
		pm_strbuf_putc(r->out, ']');
		break;
	case PM_KIND_TUPLE:
		if (!nested(r, x, "(...)"))
			return;
		pm_strbuf_putc(r->out, '(');
		if (put_items(r, x, PM_VIA_INDEX, false) == 1)
			pm_strbuf_putc(r->out, ',');
		pm_strbuf_putc(r->out, ')');
		break;
	case PM_KIND_SET:
		if (!nested(r, x, "{...}"))
			return;
		plain = !strcmp(name, "set");
		uint64_t used =
			pm_get(r->o->l, pm_object_body(x), r->o->l->f.set.used);
		pm_strbuf_printf(r->out, "%s%s%s", plain && used ? "" : name,
			plain && used ? "" : "(", used ? "{" : "");
		put_items(r, x, PM_VIA_MEMBER, false);
		pm_strbuf_printf(r->out, "%s%s", used ? "}" : "",
			plain && used ? "" : ")");
		break;
	default: /* dicts */
		if (!nested(r, x, "{...}"))
			return;
		plain = !strcmp(name, "dict");
		pm_strbuf_printf(r->out, "%s{", plain ? "" : name);
		put_items(r, x, PM_VIA_VALUE, true);
		pm_strbuf_putc(r->out, '}');
		break;
	}
	r->depth--;
}

static void put_named(struct repr *r, const struct pm_object *x,
	const char *prefix, struct pm_field name, bool with_addr)
{
	const struct pm_layout *l = r->o->l;
	pm_addr at = pm_get(l, pm_object_body(x), name);
	size_t start = r->out->len;
	pm_strbuf_printf(r->out, "<%s ", prefix);
	if (pm_text_append(l, r->o->m, at, 80, 0, r->out, NULL) != PM_OK) {
		pm_strbuf_truncate(r->out, start);
		put_default(r, x);
		return;
	}
	if (with_addr)
		pm_strbuf_printf(r->out, " at 0x%" PRIx64, x->addr);
	pm_strbuf_putc(r->out, '>');
}

static void put_plain(struct repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	const char *name = bare(x->type->name);
	if (x->addr == r->o->l->at.none.addr)
		pm_strbuf_puts(r->out, "None");
	else if (!strcmp(name, "float"))
		put_float(r, x);
	else if (!strcmp(name, "function"))
		put_named(r, x, "function", f->function.qualname, true);
	else if (!strcmp(name, "ellipsis"))
		pm_strbuf_puts(r->out, "Ellipsis");
	else
		put_default(r, x);
}

static void put(struct repr *r, pm_addr addr)
{
	const struct pm_layout *l = r->o->l;
	struct pm_object x;
	if (!addr) {
		pm_strbuf_puts(r->out, "<NULL>");
		return;
	}
	if (pm_object_load(r->o, addr, &x, NULL) != PM_OK) {
		pm_strbuf_printf(r->out, "<unreadable 0x%" PRIx64 ">", addr);
		return;
	}
	const void *b = pm_object_body(&x);
	switch (x.type->kind) {
	case PM_KIND_STR:
		put_str(r, &x);
		break;
	case PM_KIND_INT:
		put_int(r, &x);
		break;
	case PM_KIND_BYTES:
		put_byte_string(r, addr + l->f.bytes.data.off,
			pm_get(l, b, l->f.var_object.size));
		break;
	case PM_KIND_BYTEARRAY:
		pm_strbuf_puts(r->out, "bytearray(");
		put_byte_string(r, pm_get(l, b, l->f.bytearray.start),
			pm_get(l, b, l->f.var_object.size));
		pm_strbuf_putc(r->out, ')');
		break;
	case PM_KIND_LIST:
	case PM_KIND_TUPLE:
	case PM_KIND_DICT:
	case PM_KIND_ODICT:
	case PM_KIND_SET:
		put_container(r, &x);
		break;
	case PM_KIND_TYPE: {
		const struct pm_type *t = pm_types_get(r->o->types, addr);
		pm_strbuf_printf(r->out, "<class '%s'>",
			t && t->is_type ? bare(t->name) : "?");
		break;
	}
	case PM_KIND_MODULE:
		if (pm_has(l->f.module.name) && pm_get(l, b, l->f.module.name))
			put_named(r, &x, "module", l->f.module.name, false);
		else
			put_default(r, &x);
		break;
	case PM_KIND_CODE:
		put_named(r, &x, "code object", l->f.code.name, true);
		break;
	case PM_KIND_PLAIN:
		put_plain(r, &x);
		break;
	default:
		put_default(r, &x);
		break;
	}
}

void pm_repr(const struct pm_objects *o, pm_addr addr, size_t limit,
	struct pm_strbuf *out)
{
	struct repr r = {.o = o, .out = out, .end = out->len + limit};
	put(&r, addr);
}
