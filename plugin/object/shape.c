/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/shape.h"
#include "object/attributes.h"
#include "object/decoders.h"
#include "object/structs.h"

#include <inttypes.h>
#include <string.h>

#define MAX_WORDS 4096

struct shaping {
	const struct pm_objects *o;
	const struct pm_object *x;
	const struct pm_measure *m;
	struct pm_shape *s;
	bool failed; /* out of memory */
};

void pm_shape_deinit(struct pm_shape *s)
{
	pm_vec_deinit(&s->words);
}

static struct pm_word *word_at(struct shaping *w, int64_t off)
{
	pm_vec_each (p, &w->s->words)
		if (p->off == off && !p->bits)
			return p;
	return NULL;
}

/* Who comes first names it, but a later one may know that it is an object. */
static void add(struct shaping *w, int64_t off, uint64_t width,
	enum pm_word_kind kind, const char *name)
{
	struct pm_word *known = word_at(w, off);
	if (known) {
		if (kind == PM_WORD_OBJECT && known->width == width)
			known->kind = kind;
		return;
	}
	struct pm_word v = {.off = off, .width = width, .kind = kind};
	snprintf(v.name, sizeof v.name, "%s", name);
	if (w->s->words.len < MAX_WORDS && !pm_vec_push(&w->s->words, v))
		w->failed = true;
}

static void add_bits(struct shaping *w, struct pm_field f, const char *name)
{
	struct pm_word v = {
		.off = f.off, .width = f.size, .bit = f.bit, .bits = f.bits};
	snprintf(v.name, sizeof v.name, "%s", name);
	if (w->s->words.len < MAX_WORDS && !pm_vec_push(&w->s->words, v))
		w->failed = true;
}

/* ---- before the object ---- */

static void add_pre(struct shaping *w)
{
	const struct pm_layout *l = w->o->l;
	const struct pm_type *t = w->x->type;
	int64_t ws = l->t.word_size, head = l->t.gc_head_size;
	if (t->gc && head) {
		add(w, l->f.gc_head.next.off - head, (uint64_t)ws,
			PM_WORD_NUMBER, "gc next");
		add(w, l->f.gc_head.prev.off - head, (uint64_t)ws,
			PM_WORD_NUMBER, "gc prev");
		if (pm_has(l->f.gc_head.refs))
			add(w, l->f.gc_head.refs.off - head,
				l->f.gc_head.refs.size, PM_WORD_NUMBER,
				"gc refs");
	}
	if (!t->managed_dict && !t->managed_weakref)
		return;
	switch (l->t.managed_dict) {
	case PM_MANAGED_NONE:
		break;
	case PM_MANAGED_PAIR:
		add(w, -4 * ws, (uint64_t)ws, PM_WORD_NUMBER, "values");
		add(w, -3 * ws, (uint64_t)ws, PM_WORD_OBJECT, "__dict__");
		break;
	case PM_MANAGED_TAGGED: /* bit 0: values, not a dict */
		add(w, -3 * ws, (uint64_t)ws, PM_WORD_OBJECT,
			"__dict__ or values");
		add(w, -4 * ws, (uint64_t)ws, PM_WORD_OBJECT,
			"weak references");
		break;
	case PM_MANAGED_POINTER:
		add(w, -3 * ws, (uint64_t)ws, PM_WORD_OBJECT, "__dict__");
		add(w, -4 * ws, (uint64_t)ws, PM_WORD_OBJECT,
			"weak references");
		break;
	case PM_MANAGED_FT:
		add(w, -ws, (uint64_t)ws, PM_WORD_OBJECT, "__dict__");
		add(w, -2 * ws, (uint64_t)ws, PM_WORD_OBJECT,
			"weak references");
		break;
	}
}

/* ---- the object itself ---- */

/* "state.interned|..." -> "state.interned" */
static void c_name(size_t field, char *buf, size_t cap)
{
	const char *all = pm_layout_c_name(field);
	snprintf(buf, cap, "%.*s", (int)strcspn(all, "|"), all);
}

/* Every field of the struct of fields.h that begins at this index. */
static void add_struct(struct shaping *w, size_t first, uint64_t shift)
{
	const struct pm_layout *l = w->o->l;
	const char *of, *name, *same;
	const struct pm_field *f;
	enum pm_source source;
	if (!pm_layout_field(l, first, &of, &name, &f, &source))
		return;
	for (size_t i = first + 1;
		pm_layout_field(l, i, &same, &name, &f, &source) &&
		!strcmp(same, of);
		i++) {
		struct pm_field at = *f;
		char text[80];
		if (!pm_has(at))
			continue;
		at.off += (uint32_t)shift;
		c_name(i, text, sizeof text);
		if (at.bits)
			add_bits(w, at, text);
		else
			add(w, at.off, at.size,
				at.size > 8 ? PM_WORD_BYTES : PM_WORD_NUMBER,
				text);
	}
}

#define STRUCT(s)                                                              \
	(offsetof(struct pm_fields, s.sizeof_) / sizeof(struct pm_field))

/* The structs of those whose decoder has no size of one. */
static const struct {
	const char *decoder;
	size_t index;
} structs[] = {
	{"code", STRUCT(code)},
	{"frame", STRUCT(frame)},
	{"generator", STRUCT(gen)},
	{"coroutine", STRUCT(gen)},
	{"async_generator", STRUCT(gen)},
	{"memoryview", STRUCT(memoryview)},
	{"method_descriptor", STRUCT(descr)},
	{"classmethod_descriptor", STRUCT(descr)},
	{"member_descriptor", STRUCT(descr)},
	{"getset_descriptor", STRUCT(descr)},
	{"wrapper_descriptor", STRUCT(descr)},
	{"collections.defaultdict", STRUCT(dict)},
};

static bool has_size(const struct pm_type *t)
{
	switch (t->kind) {
	case PM_KIND_LIST:
	case PM_KIND_TUPLE:
	case PM_KIND_BYTES:
	case PM_KIND_BYTEARRAY:
	case PM_KIND_TYPE:
	case PM_KIND_DEQUE:
	case PM_KIND_ARRAY:
	case PM_KIND_HAMT:
		return true;
	case PM_KIND_INT:
	case PM_KIND_GEN:
	case PM_KIND_FRAME:
	case PM_KIND_CODE:
	case PM_KIND_STR:
		return false;
	default:
		return t->itemsize > 0;
	}
}

static void add_known(struct shaping *w)
{
	const struct pm_layout *l = w->o->l;
	const struct pm_fields *f = &l->f;
	const struct pm_type *t = w->x->type;
	const struct pm_decoder *d = t->decoder;
	add_struct(w, STRUCT(object), 0);
	if (has_size(t) ||
		(t->kind == PM_KIND_INT && l->t.int_form != PM_INT_TAG))
		add_struct(w, STRUCT(var_object), 0);
	if (t->kind == PM_KIND_STR) {
		add_struct(w, STRUCT(ascii), 0);
		bool compact =
			pm_get(l, pm_object_body(w->x), f->ascii.compact);
		bool ascii = pm_get(l, pm_object_body(w->x), f->ascii.is_ascii);
		if (!compact || !ascii)
			add_struct(w, STRUCT(compact), 0);
		if (!compact)
			add_struct(w, STRUCT(unicode), 0);
		return;
	}
	if (t->kind == PM_KIND_INT) {
		if (pm_has(f->long_.tag))
			add(w, f->long_.tag.off, f->long_.tag.size,
				PM_WORD_NUMBER, "lv_tag");
		return;
	}
	if (t->kind == PM_KIND_TYPE) {
		add_struct(w, STRUCT(type), 0);
		if (pm_get(l, pm_object_body(w->x), f->type.flags) &
			PM_TPFLAG_HEAPTYPE)
			add_struct(w, STRUCT(heap_type), 0);
		return;
	}
	if (!d)
		return;
	if (d->size_index != PM_NO_FIELD)
		add_struct(w, d->size_index, 0);
	if (!strcmp(d->name, "float") && word_at(w, f->float_.value.off))
		word_at(w, f->float_.value.off)->kind = PM_WORD_REAL;
	if (t->kind == PM_KIND_ODICT || !strcmp(d->name, "frozendict"))
		add_struct(w, STRUCT(dict), 0);
	for (size_t i = 0; i < sizeof structs / sizeof *structs; i++)
		if (!strcmp(structs[i].decoder, d->name))
			add_struct(w, structs[i].index, 0);
	struct pm_word *inner = t->kind == PM_KIND_GEN && pm_has(f->gen.iframe)
					? word_at(w, f->gen.iframe.off)
					: NULL;
	if (inner) { /* the frame begins with its code */
		inner->width = l->t.word_size;
		inner->kind = PM_WORD_NUMBER;
		snprintf(inner->name, sizeof inner->name, "f_executable");
	}
	if (t->kind == PM_KIND_GEN && pm_has(f->gen.iframe))
		add_struct(w, STRUCT(iframe), f->gen.iframe.off);
}

/* Structs of C modules: of the class, or of the nearest base. */
static void add_module_struct(struct shaping *w)
{
	const struct pm_type *t = w->x->type;
	const char *text = NULL;
	uint64_t off = 0, end = 0;
	struct pm_struct_field f;
	for (int i = 0; t && t->is_type && !text && i < 64; i++) {
		if (!t->has_taken_name)
			text = pm_struct_find(t->name);
		end = (uint64_t)t->basicsize;
		t = pm_types_get(w->o->types, t->base);
	}
	/* Releases before may have had less behind; what a subclass has there
	   is its own. */
	while (text && pm_struct_next(w->o->l, &text, &off, &f) &&
		f.off + f.width <= w->m->extent && f.off + f.width <= end)
		add(w, (int64_t)f.off, f.width,
			f.kind == 'O'	? PM_WORD_OBJECT
			: f.kind == 'd' ? PM_WORD_REAL
					: PM_WORD_NUMBER,
			f.name);
}

static void add_slots(struct shaping *w)
{
	const struct pm_type *t = w->x->type;
	uint64_t ws = w->o->l->t.word_size;
	char name[80];
	if (t->kind == PM_KIND_TYPE)
		return;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct pm_type_slot *s = &t->slots[i];
		uint64_t off = pm_object_slot_off(w->o->l, w->x, s);
		if (s->kind == PM_SLOT_NATIVE || off + ws > w->m->extent)
			continue;
		snprintf(name, sizeof name, "%s%s",
			s->kind == PM_SLOT_MEMBER ? "." : "", s->name);
		add(w, (int64_t)off, ws, PM_WORD_OBJECT, name);
	}
	if (t->weaklistoffset > 0)
		add(w, t->weaklistoffset, ws, PM_WORD_OBJECT,
			"weak references");
}

/* ---- what comes after the struct ---- */

static void add_items(struct shaping *w)
{
	const struct pm_fields *f = &w->o->l->f;
	const struct pm_type *t = w->x->type;
	uint64_t from = 0;
	const char *name = "";
	switch (t->kind) {
	case PM_KIND_TUPLE:
		from = f->tuple.item.off;
		name = "ob_item[]";
		break;
	case PM_KIND_BYTES:
		from = f->bytes.data.off;
		name = "ob_sval[]";
		break;
	case PM_KIND_INT:
		from = f->long_.digit.off;
		name = "ob_digit[]";
		break;
	case PM_KIND_STR: {
		const void *body = pm_object_body(w->x);
		if (!pm_get(w->o->l, body, f->ascii.compact))
			return;
		from = pm_get(w->o->l, body, f->ascii.is_ascii)
			       ? f->ascii.sizeof_.off
			       : f->compact.sizeof_.off;
		name = "characters";
		break;
	}
	case PM_KIND_CODE:
		from = f->code.code_adaptive.off;
		name = "bytecode";
		break;
	case PM_KIND_GEN:
		if (pm_has(f->gen.iframe))
			from = f->gen.iframe.off + f->iframe.localsplus.off;
		name = "localsplus[]";
		break;
	case PM_KIND_HAMT:
		from = (uint64_t)t->basicsize;
		name = "items[]";
		break;
	default:
		return;
	}
	uint64_t end = w->m->extent, dict = 0;
	if (t->dictoffset < 0 && !t->managed_dict)
		dict = pm_attr_dict_at(w->o, w->x);
	if (dict) {
		end = dict - w->x->addr;
		add(w, (int64_t)end, w->o->l->t.word_size, PM_WORD_OBJECT,
			"__dict__");
	}
	for (uint32_t i = 0; i < t->nslots; i++) {
		uint64_t off = pm_object_slot_off(w->o->l, w->x, &t->slots[i]);
		if (t->slots[i].behind_items && off < end)
			end = off;
	}
	struct pm_word *at = word_at(w, (int64_t)from);
	if (!from || end <= from || (at && at->name[0] == '.'))
		return; /* a structseq names its items */
	if (!at)
		add(w, (int64_t)from, end - from, PM_WORD_BYTES, name);
	else {
		at->width = end - from;
		at->kind = PM_WORD_BYTES;
		snprintf(at->name, sizeof at->name, "%s", name);
	}
}

/* Values inside the instance: their head, a word for each name, and bytes for
   their order. */
static void add_inline(struct shaping *w)
{
	const struct pm_layout *l = w->o->l;
	const struct pm_type *t = w->x->type;
	uint64_t base = (uint64_t)t->basicsize, ws = l->t.word_size;
	struct pm_attrs a;
	struct pm_attr v;
	if (!t->inline_values || !t->managed_dict)
		return;
	add_struct(w, STRUCT(dict_values), base);
	struct pm_word *array =
		word_at(w, (int64_t)(base + l->f.dict_values.values.off));
	if (array)
		array->width = ws;
	pm_attrs_start(w->o, w->x, &a);
	while (pm_attrs_next(&a, &v)) {
		if (v.place != PM_ATTR_INLINE)
			continue;
		pm_auto_strbuf name = {0};
		pm_strbuf_putc(&name, '.');
		pm_attr_name(w->o, &v, &name);
		struct pm_word *known = word_at(w, (int64_t)v.off);
		if (known) {
			known->kind = PM_WORD_OBJECT;
			snprintf(known->name, sizeof known->name, "%s",
				pm_strbuf_text(&name));
		} else {
			add(w, (int64_t)v.off, ws, PM_WORD_OBJECT,
				pm_strbuf_text(&name));
		}
	}
	uint64_t cap = 0;
	pm_addr at = w->x->addr + base + l->f.dict_values.capacity.off;
	if (pm_memory_read_uint(w->o->m, at, 1, &cap, NULL) != PM_OK)
		return;
	for (uint64_t i = 0; i < cap; i++)
		add(w, (int64_t)(base + l->f.dict_values.values.off + i * ws),
			ws, PM_WORD_OBJECT, "(no attribute)");
	add(w, (int64_t)(base + l->f.dict_values.values.off + cap * ws),
		(cap + ws - 1) / ws * ws, PM_WORD_BYTES, "order of values");
}

static int by_offset(const void *a, const void *b)
{
	const struct pm_word *x = a, *y = b;
	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return x->bit < y->bit ? -1 : x->bit > y->bit;
}

/* Words of an unknown struct are shown one by one: some are objects. */
static void add_gap(struct shaping *w, int64_t from, int64_t to)
{
	int64_t ws = w->o->l->t.word_size;
	if (from % ws) {
		int64_t edge = from - from % ws + ws;
		if (edge > to)
			edge = to;
		add(w, from, (uint64_t)(edge - from), PM_WORD_GAP, "");
		from = edge;
	}
	for (; from + ws <= to && from < 64 * ws; from += ws)
		add(w, from, (uint64_t)ws, PM_WORD_GAP, "");
	if (from < to)
		add(w, from, (uint64_t)(to - from), PM_WORD_GAP, "");
}

static void add_gaps(struct shaping *w)
{
	size_t n = w->s->words.len;
	int64_t end = 0, extent = (int64_t)w->m->extent;
	for (size_t i = 0; i < n; i++) {
		const struct pm_word v = w->s->words.data[i];
		if (v.off > end && end >= 0 && v.off <= extent)
			add_gap(w, end, v.off);
		if (v.off + (int64_t)v.width > end)
			end = v.off + (int64_t)v.width;
	}
	if (end < extent)
		add_gap(w, end, extent);
}

static void sort(struct pm_shape *s)
{
	if (s->words.len)
		qsort(s->words.data, s->words.len, sizeof *s->words.data,
			by_offset);
}

static void read_values(struct shaping *w)
{
	bool be = w->o->l->t.big_endian;
	for (size_t i = 0; i < w->s->words.len; i++) {
		struct pm_word v = w->s->words.data[i];
		unsigned n = v.width < 8 ? (unsigned)v.width : 8;
		unsigned char b[8] = {0};
		if (n & (n - 1)) /* no number of that width */
			n = 1;
		v.readable =
			pm_memory_read(w->o->m, w->x->addr + (uint64_t)v.off, b,
				n, NULL) == PM_OK;
		v.value = pm_load(b, n, be);
		if (v.bits)
			v.value = v.value >> v.bit &
				  ((UINT64_C(1) << v.bits) - 1);
		w->s->words.data[i] = v;
	}
}

enum pm_status pm_shape_of(const struct pm_objects *o,
	const struct pm_object *x, const struct pm_measure *m, bool pre,
	struct pm_shape *ret, struct pm_error *err)
{
	pm_auto_shape s = {{0}};
	struct shaping w = {o, x, m, &s, false};
	if (pre)
		add_pre(&w);
	add_known(&w);
	add_module_struct(&w);
	add_slots(&w);
	add_inline(&w);
	add_items(&w);
	sort(&s);
	add_gaps(&w);
	sort(&s);
	read_values(&w);
	if (w.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = s;
	s = (struct pm_shape){{0}};
	return PM_OK;
}
