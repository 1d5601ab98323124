/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Types of C modules.  Their structs have kept their places since 3.8, but
   where a comment says which did not (the sources in Modules/). */
#include "object/repr-internal.h"
#include "layout/printable.h"
#include "object/text.h"

#include <inttypes.h>
#include <string.h>

/* ---- functools, itertools ---- */

void pm_repr_partial(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr args = pm_repr_word(r, x, 1), at;
	struct pm_dict_iter it;
	pm_addr key, value;
	uint64_t n = 0;
	if (!pm_repr_enter(r, x, "..."))
		return;
	if (pm_wording_is(r->o->l, PM_WORDING_PARTIAL_QUALIFIED))
		pm_strbuf_puts(r->out, pm_repr_qualified(x->type));
	else
		pm_repr_tp_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	pm_repr_put(r, pm_repr_word(r, x, 0));
	if (pm_repr_items(r, args, &n, &at))
		for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
			pm_strbuf_puts(r->out, ", ");
			pm_repr_put(r, pm_repr_item(r, at, i));
		}
	if (pm_repr_dict(r, pm_repr_word(r, x, 2), &it))
		while (!pm_repr_full(r) &&
			pm_dict_iter_next(&it, &key, &value)) {
			pm_strbuf_puts(r->out, ", ");
			if (!pm_repr_text(r, key))
				pm_repr_put(r, key);
			pm_strbuf_putc(r->out, '=');
			pm_repr_put(r, value);
		}
	pm_strbuf_putc(r->out, ')');
	pm_repr_leave(r);
}

/* cnt, long_cnt, long_step */
void pm_repr_count(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr big = pm_repr_word(r, x, 1), step = pm_repr_word(r, x, 2);
	int64_t by;
	pm_repr_own_name(r, x, "count");
	pm_strbuf_putc(r->out, '(');
	int64_t n = pm_repr_signed_word(r, x, 0);
	if (!big || n != INT64_MAX >> (64 - 8 * r->o->l->t.word_size)) {
		pm_strbuf_printf(r->out, "%" PRId64 ")", n);
		return;
	}
	pm_repr_put(r, big);
	if (step && (!pm_repr_small_int(r, step, &by) || by != 1)) {
		pm_strbuf_puts(r->out, ", ");
		pm_repr_put(r, step);
	}
	pm_strbuf_putc(r->out, ')');
}

void pm_repr_repeat(struct pm_repr *r, const struct pm_object *x)
{
	int64_t n = pm_repr_signed_word(r, x, 1);
	pm_repr_own_name(r, x, "repeat");
	pm_strbuf_putc(r->out, '(');
	pm_repr_put(r, pm_repr_word(r, x, 0));
	if (n != -1)
		pm_strbuf_printf(r->out, ", %" PRId64, n);
	pm_strbuf_putc(r->out, ')');
}

/* ---- array.array: ob_size, ob_item, allocated, ob_descr ---- */

static int64_t sign(uint64_t v, unsigned size)
{
	unsigned shift = 64 - 8 * size;
	return (int64_t)(v << shift) >> shift;
}

static void put_number(struct pm_repr *r, uint64_t v, char code, unsigned size)
{
	float single;
	uint32_t low;
	double d;
	switch (code) {
	case 'f':
		low = (uint32_t)v;
		memcpy(&single, &low, sizeof single);
		pm_repr_double(r->out, single, true);
		break;
	case 'd':
		memcpy(&d, &v, sizeof d);
		pm_repr_double(r->out, d, true);
		break;
	case 'B':
	case 'H':
	case 'I':
	case 'L':
	case 'Q':
		pm_strbuf_printf(r->out, "%" PRIu64, v);
		break;
	default:
		pm_strbuf_printf(r->out, "%" PRId64, sign(v, size));
		break;
	}
}

static bool put_element(struct pm_repr *r, pm_addr at, char code, unsigned size)
{
	uint64_t v = 0;
	if (size > 8 ||
		pm_memory_read_uint(r->o->m, at, size, &v, NULL) != PM_OK) {
		pm_strbuf_puts(r->out, "<unreadable>");
		return false;
	}
	put_number(r, v, code, size);
	return true;
}

static void put_characters(
	struct pm_repr *r, pm_addr at, uint64_t n, unsigned size)
{
	pm_strbuf_putc(r->out, '\'');
	for (uint64_t i = 0; i < n && !pm_repr_full(r); i++) {
		uint64_t c = 0;
		if (pm_memory_read_uint(
			    r->o->m, at + i * size, size, &c, NULL) != PM_OK)
			break;
		bool raw = pm_wording_is(r->o->l, PM_WORDING_TEXT_AS_IT_IS);
		pm_strbuf_character(r->out, (uint32_t)c, '\'',
			raw ? pm_printable(r->o->l, (uint32_t)c)
			    : c >= 0x20 && c < 0x7f);
	}
	pm_strbuf_putc(r->out, '\'');
}

void pm_repr_array(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr at = pm_repr_word(r, x, 1), descr = pm_repr_word(r, x, 3);
	int64_t n = pm_repr_signed_word(r, x, 0);
	uint64_t code = 0, size = 0;
	if (pm_memory_read_uint(r->o->m, descr, 1, &code, NULL) != PM_OK ||
		pm_memory_read_uint(r->o->m, descr + 4, 4, &size, NULL) !=
			PM_OK ||
		!strchr("bBcuwhHiIlLqQfd", (int)code) || !code || size > 8) {
		pm_repr_default(r, x);
		return;
	}
	pm_repr_own_name(r, x, "array");
	pm_strbuf_printf(r->out, "('%c'", (int)code);
	if (n > 0 && (code == 'u' || code == 'w')) {
		bool old = r->o->l->t.int_form == PM_INT_TWO_TYPES;
		pm_strbuf_puts(r->out, old ? ", u" : ", ");
		put_characters(r, at, (uint64_t)n, (unsigned)size);
	} else if (n > 0 && code == 'c') { /* 2.7 */
		pm_strbuf_puts(r->out, ", ");
		pm_repr_byte_string(r, at, (uint64_t)n, false);
	} else if (n > 0) {
		pm_strbuf_puts(r->out, ", [");
		for (int64_t i = 0; i < n && !pm_repr_full(r); i++) {
			pm_strbuf_puts(r->out, i ? ", " : "");
			if (!put_element(r, at + (uint64_t)i * size, (char)code,
				    (unsigned)size))
				break;
			if (r->o->l->t.int_form == PM_INT_TWO_TYPES &&
				(code == 'I' || code == 'L'))
				pm_strbuf_putc(r->out, 'L');
		}
		pm_strbuf_putc(r->out, ']');
	}
	pm_strbuf_putc(r->out, ')');
}

/* ---- mmap.mmap: data, size, pos, offset ...; access is the last field ---- */

void pm_repr_mmap(struct pm_repr *r, const struct pm_object *x)
{
	static const char *const names[] = {
		"ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY"};
	unsigned ws = r->o->l->t.word_size;
	uint64_t off = r->o->l->f.object.sizeof_.off + 3 * ws;
	/* On i386 nothing is padded: off_t follows at once. */
	uint64_t offset = pm_repr_bytes(r, x, off, 8);
	uint64_t access =
		pm_repr_bytes(r, x, (uint64_t)x->type->basicsize - ws, 4);
	pm_strbuf_putc(r->out, '<');
	pm_repr_tp_name(r, x->type);
	if (!pm_repr_word(r, x, 0)) {
		pm_strbuf_puts(r->out, " closed=True>");
		return;
	}
	pm_strbuf_printf(r->out,
		" closed=False, access=%s, length=%" PRIu64 ", pos=%" PRIu64
		", offset=%" PRId64 ">",
		access < 4 ? names[access] : "?", pm_repr_word(r, x, 1),
		pm_repr_word(r, x, 2), (int64_t)offset);
}

/* ---- re ---- */

/* "%.200R": what was put since start is cut without a word. */
static void shorten(struct pm_repr *r, size_t start, size_t characters)
{
	size_t n = 0, at = start;
	if (r->out->failed)
		return;
	for (; at < r->out->len; at++)
		if (((unsigned char)r->out->data[at] & 0xc0) != 0x80 &&
			n++ == characters)
			break;
	pm_strbuf_truncate(r->out, at);
	r->seen = r->start; /* counted anew */
	r->chars = 0;
}

/* ob_size, groups, groupindex, indexgroup, pattern, flags */
void pm_repr_pattern(struct pm_repr *r, const struct pm_object *x)
{
	static const struct {
		const char *name;
		unsigned flag;
	} flags[] = {
		{"re.TEMPLATE", 1},
		{"re.IGNORECASE", 2},
		{"re.LOCALE", 4},
		{"re.MULTILINE", 8},
		{"re.DOTALL", 16},
		{"re.UNICODE", 32},
		{"re.VERBOSE", 64},
		{"re.DEBUG", 128},
		{"re.ASCII", 256},
	};
	pm_addr pattern = pm_repr_word(r, x, 4);
	unsigned f = (unsigned)(uint32_t)pm_repr_bytes(r, x,
		r->o->l->f.object.sizeof_.off + 5 * r->o->l->t.word_size, 4);
	struct pm_object p;
	bool is_str = pm_object_load(r->o, pattern, &p, NULL) == PM_OK &&
		      p.type->kind == PM_KIND_STR;
	const char *between = ", ";
	if (is_str && (f & (4 | 32 | 256)) == 32)
		f &= ~32u;
	pm_strbuf_puts(r->out, "re.compile(");
	size_t start = r->out->len;
	pm_repr_put(r, pattern);
	shorten(r, start, 200);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (!(f & flags[i].flag))
			continue;
		pm_strbuf_printf(r->out, "%s%s", between, flags[i].name);
		between = "|";
		f &= ~flags[i].flag;
	}
	if (f)
		pm_strbuf_printf(r->out, "%s0x%x", between, f);
	pm_strbuf_putc(r->out, ')');
}

/* A piece of a str as if it were one, by the same rules. */
static void put_slice(struct pm_repr *r, const struct pm_object *s,
	uint64_t from, uint64_t to, size_t characters)
{
	struct pm_text t;
	size_t start = r->out->len;
	if (s->type->kind == PM_KIND_BYTES) {
		pm_repr_byte_string(r,
			s->addr + r->o->l->f.bytes.data.off + from, to - from,
			false);
	} else if (pm_text_load(r->o->l, r->o->m, s->addr, &t, NULL) == PM_OK &&
		   t.kind && t.data && to <= t.length) {
		pm_repr_code_points(
			r, t.data + from * t.kind, to - from, t.kind);
	} else {
		pm_strbuf_puts(r->out, "<unreadable>");
	}
	shorten(r, start, characters);
}

/* ob_size, string, regs, pattern, pos, endpos, lastindex, groups, mark[] */
void pm_repr_match(struct pm_repr *r, const struct pm_object *x)
{
	int64_t from = pm_repr_signed_word(r, x, 8),
		to = pm_repr_signed_word(r, x, 9);
	struct pm_object s;
	pm_strbuf_putc(r->out, '<');
	pm_repr_tp_name(r, x->type);
	pm_strbuf_printf(r->out,
		" object; span=(%" PRId64 ", %" PRId64 "), match=", from, to);
	if (from < 0 || to < from ||
		pm_object_load(r->o, pm_repr_word(r, x, 1), &s, NULL) != PM_OK)
		pm_strbuf_puts(r->out, "?");
	else
		put_slice(r, &s, (uint64_t)from, (uint64_t)to, 50);
	pm_strbuf_putc(r->out, '>');
}

/* s_size, s_len, s_codes, s_format: bytes, or a str */
void pm_repr_struct(struct pm_repr *r, const struct pm_object *x)
{
	struct pm_object f;
	pm_repr_bare_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	if (pm_object_load(r->o, pm_repr_word(r, x, 3), &f, NULL) != PM_OK)
		pm_strbuf_putc(r->out, '?');
	else if (f.type->kind == PM_KIND_STR)
		pm_repr_put(r, f.addr);
	else if (f.type->kind == PM_KIND_BYTES)
		pm_repr_code_points(r, f.addr + r->o->l->f.bytes.data.off,
			pm_get(r->o->l, pm_object_body(&f),
				r->o->l->f.var_object.size),
			1);
	pm_strbuf_putc(r->out, ')');
}

/* ---- _io ---- */

/* The name that a file was opened by: FileIO has it in its dict. */
static pm_addr file_name(struct pm_repr *r, pm_addr file, int depth)
{
	struct pm_object x;
	if (!file || depth > 4 || pm_object_load(r->o, file, &x, NULL) != PM_OK)
		return 0;
	pm_addr name = pm_repr_attr(r, &x, "name");
	if (name)
		return name;
	if (x.type->kind == PM_KIND_BUFFERED)
		return file_name(r, pm_repr_word(r, &x, 0), depth + 1);
	return 0;
}

/* fd, then bits: created, readable, writable, appending, 2 for seekable,
   closefd. */
void pm_repr_file(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t at = r->o->l->f.object.sizeof_.off;
	int32_t fd = (int32_t)pm_repr_bytes(r, x, at, 4);
	unsigned bits = (unsigned)pm_repr_bytes(r, x, at + 4, 1);
	unsigned last = 0x40;
	if (pm_wording_is(r->o->l, PM_WORDING_FILEIO_TRUNCATE))
		last <<= 1;
	bool old = !pm_wording_is(r->o->l, PM_WORDING_FILEIO_CREATED);
	if (r->o->l->t.big_endian) { /* the first bit is the highest */
		unsigned b = bits;
		bits = 0;
		for (unsigned i = 0; i < 8; i++)
			bits |= (b >> (7 - i) & 1) << i;
	}
	bits <<= old;
	bool created = bits & 1, readable = bits & 2, writable = bits & 4,
	     appending = bits & 8, closefd = bits & last;
	pm_strbuf_putc(r->out, '<');
	pm_repr_tp_name(r, x->type);
	if (fd < 0) {
		pm_strbuf_puts(r->out, " [closed]>");
		return;
	}
	pm_addr name = file_name(r, x->addr, 0);
	if (name) {
		pm_strbuf_puts(r->out, " name=");
		pm_repr_put(r, name);
	} else {
		pm_strbuf_printf(r->out, " fd=%" PRId32, fd);
	}
	pm_strbuf_printf(r->out, " mode='%s'%s>",
		created	    ? readable ? "xb+" : "xb"
		: appending ? readable ? "ab+" : "ab"
		: readable  ? writable ? "rb+" : "rb"
			    : "wb",
		old	  ? ""
		: closefd ? " closefd=True"
			  : " closefd=False");
}

void pm_repr_buffered(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr name = file_name(r, x->addr, 0);
	pm_strbuf_putc(r->out, '<');
	pm_repr_tp_name(r, x->type);
	if (name) {
		pm_strbuf_puts(r->out, " name=");
		pm_repr_put(r, name);
	}
	pm_strbuf_putc(r->out, '>');
}

/* int ok, int detached; chunk_size, buffer, encoding */
void pm_repr_text_file(struct pm_repr *r, const struct pm_object *x)
{
	unsigned ws = r->o->l->t.word_size;
	uint64_t at = r->o->l->f.object.sizeof_.off + 8 + ws;
	pm_addr name = file_name(r, pm_repr_bytes(r, x, at, ws), 0);
	pm_addr mode = pm_repr_attr(r, x, "mode");
	pm_strbuf_putc(r->out, '<');
	pm_repr_tp_name(r, x->type);
	if (name) {
		pm_strbuf_puts(r->out, " name=");
		pm_repr_put(r, name);
	}
	if (mode && pm_wording_is(r->o->l, PM_WORDING_TEXT_AS_IT_IS)) {
		pm_strbuf_puts(r->out, " mode=");
		pm_repr_put(r, mode);
	}
	pm_strbuf_puts(r->out, " encoding=");
	pm_repr_put(r, pm_repr_bytes(r, x, at + ws, ws));
	pm_strbuf_putc(r->out, '>');
}

/* ---- _thread ---- */

/* A lock of the system, weak references and a byte; since 3.13.1 a byte. */
void pm_repr_lock(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t base = r->o->l->f.object.sizeof_.off;
	unsigned ws = r->o->l->t.word_size;
	bool mutex = (uint64_t)x->type->basicsize < base + 3 * ws;
	uint64_t locked = pm_repr_bytes(r, x, mutex ? base : base + 2 * ws, 1);
	pm_strbuf_puts(r->out,
		(mutex ? locked & 1 : locked) ? "<locked " : "<unlocked ");
	pm_repr_tp_name(r, x->type);
	pm_strbuf_printf(r->out, " object at 0x%" PRIx64 ">", x->addr);
}

/* ThreadHandle: two links, two more, ident (Modules/_threadmodule.c) */
void pm_repr_thread_handle(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t ident = 0;
	pm_strbuf_putc(r->out, '<');
	pm_repr_tp_name(r, x->type);
	if (pm_repr_read_word(r,
		    pm_repr_word(r, x, 0) + 4 * r->o->l->t.word_size, &ident))
		pm_strbuf_printf(r->out, " object: ident=%" PRIu64 ">", ident);
	else
		pm_strbuf_puts(r->out, " object: ident=?>");
}

/* A lock, owner, count, weak references; since 3.14 a byte, owner, how many
   times more than once. */
void pm_repr_rlock(struct pm_repr *r, const struct pm_object *x)
{
	uint64_t base = r->o->l->f.object.sizeof_.off;
	unsigned ws = r->o->l->t.word_size;
	bool mutex = (uint64_t)x->type->basicsize < base + 4 * ws;
	int64_t owner = pm_repr_signed_word(r, x, 1);
	uint64_t count = pm_repr_word(r, x, 2);
	if (mutex)
		count = pm_repr_bytes(r, x, base, 1) & 1 ? count + 1 : 0;
	pm_strbuf_puts(r->out, count ? "<locked " : "<unlocked ");
	pm_repr_tp_name(r, x->type);
	pm_strbuf_printf(r->out,
		" object owner=%" PRId64 " count=%" PRIu64 " at 0x%" PRIx64 ">",
		owner, count, x->addr);
}

/* ---- contextvars ---- */

void pm_repr_context_var(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	pm_addr otherwise = pm_repr_field(r, x, f->context_var.default_);
	if (!pm_repr_enter(r, x, "..."))
		return;
	pm_strbuf_puts(r->out, "<ContextVar name=");
	pm_repr_put(r, pm_repr_field(r, x, f->context_var.name));
	if (otherwise) {
		pm_strbuf_puts(r->out, " default=");
		pm_repr_put(r, otherwise);
	}
	pm_strbuf_printf(r->out, " at 0x%" PRIx64 ">", x->addr);
	pm_repr_leave(r);
}

void pm_repr_token(struct pm_repr *r, const struct pm_object *x)
{
	const struct pm_fields *f = &r->o->l->f;
	/* tok_used follows the last reference. */
	uint64_t used = f->context_token.oldval.off + r->o->l->t.word_size;
	pm_strbuf_puts(r->out, "<Token");
	if (pm_repr_bytes(r, x, used, 4))
		pm_strbuf_puts(r->out, " used");
	pm_strbuf_puts(r->out, " var=");
	pm_repr_put(r, pm_repr_field(r, x, f->context_token.var));
	pm_strbuf_printf(r->out, " at 0x%" PRIx64 ">", x->addr);
}

/* ---- ctypes ---- */

/* c_int.__ctype_be__ and the like: on machines of the other order each is a
   class of its own, which says so of itself. */
static bool is_swapped(struct pm_repr *r, const struct pm_type *t)
{
	const char *name =
		r->o->l->t.big_endian ? "__ctype_le__" : "__ctype_be__";
	return t->dict &&
	       pm_dict_find(r->o->l, r->o->m, t->dict, name) == t->addr;
}

static void put_simple(
	struct pm_repr *r, pm_addr at, char code, unsigned size, bool swapped)
{
	uint64_t v = 0;
	if (!size || size > 8 || size & (size - 1) ||
		pm_memory_read_uint(r->o->m, at, size, &v, NULL) != PM_OK) {
		pm_strbuf_putc(r->out, '?');
		return;
	}
	switch (code) {
	case 'c':
		pm_repr_byte_string(r, at, 1, false);
		break;
	case 'u':
		if (!pm_wording_is(r->o->l, PM_WORDING_TEXT_AS_IT_IS))
			pm_strbuf_putc(r->out, 'u');
		pm_repr_code_points(r, at, 1, size);
		break;
	case '?':
		pm_strbuf_puts(r->out, v ? "True" : "False");
		break;
	case 'P':
		if (!v)
			pm_strbuf_puts(r->out, "None");
		else
			put_element(r, at, 'Q', size);
		/* A long: it does not fit an int (2.7). */
		if (r->o->l->t.int_form == PM_INT_TWO_TYPES &&
			v >> (8 * size - 1))
			pm_strbuf_putc(r->out, 'L');
		break;
	case 'Z':
		pm_strbuf_puts(r->out, v ? "?" : "None");
		break;
	default: /* as array.array has them */
		if (!strchr("bBhHiIlLqQfd", code)) {
			pm_strbuf_putc(r->out, '?');
			break;
		}
		if (swapped)
			v = __builtin_bswap64(v) >> (64 - 8 * size);
		put_number(r, v, code, size);
		if (r->o->l->t.int_form == PM_INT_TWO_TYPES &&
			strchr("ILqQ", code))
			pm_strbuf_putc(r->out, 'L');
		break;
	}
}

/* b_ptr, b_needsfree, b_base, b_size: the value at b_ptr, its code in the
   class's _type_. */
void pm_repr_simple_cdata(struct pm_repr *r, const struct pm_object *x)
{
	pm_addr type = pm_repr_class_attr(r, x->type, "_type_", NULL);
	struct pm_text t;
	uint64_t code = 0;
	const struct pm_type *base = pm_types_get(r->o->types, x->type->base);
	if (!base || !base->is_type ||
		strcmp(base->name, "_ctypes._SimpleCData") != 0 || !type ||
		pm_text_load(r->o->l, r->o->m, type, &t, NULL) != PM_OK ||
		t.length != 1 || t.kind != 1 ||
		pm_memory_read_uint(r->o->m, t.data, 1, &code, NULL) != PM_OK) {
		pm_strbuf_putc(r->out, '<');
		pm_repr_tp_name(r, x->type);
		pm_strbuf_printf(r->out, " object at 0x%" PRIx64 ">", x->addr);
		return;
	}
	pm_repr_bare_name(r, x->type);
	pm_strbuf_putc(r->out, '(');
	put_simple(r, pm_repr_word(r, x, 0), (char)code,
		(unsigned)pm_repr_word(r, x, 3), is_swapped(r, x->type));
	pm_strbuf_putc(r->out, ')');
}
