/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/types.h"
#include "base/strbuf.h"
#include "object/decoders.h"
#include "object/dict.h"
#include "object/static-types.h"
#include "object/structs.h"
#include "object/text.h"
#include "object/type-slots.h"

#include <pthread.h>
#include <string.h>

/* Caps on what is believed of a type. */
#define MAX_BASICSIZE (1 << 20)
#define MAX_ITEMSIZE (1 << 16)
#define MAX_BASES 64
#define NAME_LIMIT 200
#define MAX_NOTHINGS (1u << 20)

struct pm_types {
	const struct pm_layout *l;
	struct pm_memory *m;
	pthread_mutex_t lock;
	struct pm_map by_addr; /* address -> struct pm_type *, 0: not one */
	struct pm_type none;   /* what all addresses share that are not types */
	size_t nothings;       /* how many of these are remembered */
	PM_VEC(struct pm_type *) by_id; /* types only */
	unsigned depth;
};

static void unlock(pthread_mutex_t **lock)
{
	pthread_mutex_unlock(*lock);
}

#define HOLD(ts)                                                               \
	PM_CLEANUP(unlock) pthread_mutex_t *held_ = &(ts)->lock;               \
	pthread_mutex_lock(held_)

enum pm_status pm_types_create(struct pm_target *t, const struct pm_layout *l,
	struct pm_types **ret, struct pm_error *err)
{
	struct pm_types *ts = calloc(1, sizeof *ts);
	if (!ts)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pthread_mutex_init(&ts->lock, NULL);
	ts->l = l;
	enum pm_status s = pm_memory_create(t, 0, &ts->m, err);
	if (s != PM_OK) {
		pm_types_destroy(ts);
		return s;
	}
	*ret = ts;
	return PM_OK;
}

static void free_type(struct pm_type *t)
{
	pm_type_slots_free(t->slots, t->nslots);
	free(t->name);
	free(t);
}

void pm_types_destroy(struct pm_types *ts)
{
	if (!ts)
		return;
	pm_vec_each (t, &ts->by_id)
		free_type(*t);
	pm_map_deinit(&ts->by_addr);
	pm_vec_deinit(&ts->by_id);
	pm_memory_destroy(ts->m);
	pthread_mutex_destroy(&ts->lock);
	free(ts);
}

static const struct pm_type *get_locked(struct pm_types *ts, pm_addr addr);

/* The chain of ob_type ends at PyType_Type, through classes whose instances
   are types. */
static bool is_metatype(struct pm_types *ts, pm_addr meta)
{
	const struct pm_layout *l = ts->l;
	for (int i = 0; i < 8; i++) {
		if (meta == l->at.type_type.addr)
			return true;
		uint64_t flags = 0, up = 0;
		if (pm_layout_read(l, ts->m, meta, l->f.type.flags, &flags,
			    NULL) != PM_OK ||
			!(flags & PM_TPFLAG_TYPE) ||
			pm_layout_read(l, ts->m, meta, l->f.object.type, &up,
				NULL) != PM_OK)
			return false;
		meta = up;
	}
	return false;
}

/* A static type that nobody passed to PyType_Ready has instances all the same
   (3.8: array iterators); its header may lack a type.  Then the rest must fit:
   a name, a small size, and a deallocator that is code. */
static bool is_unready_type(struct pm_types *ts, const unsigned char *b)
{
	const struct pm_layout *l = ts->l;
	const struct pm_fields *f = &l->f;
	pm_addr meta = pm_get(l, b, f->object.type);
	uint64_t flags = pm_get(l, b, f->type.flags);
	uint64_t basicsize = pm_get(l, b, f->type.basicsize);
	const struct pm_mapping *code = pm_target_find_map(
		pm_memory_target(ts->m), pm_get(l, b, f->type.dealloc));
	char name[100];
	if ((meta && meta != l->at.type_type.addr) ||
		pm_get(l, b, f->object.refcnt) - 1 > 1 << 20 ||
		flags & (PM_TPFLAG_HEAPTYPE | PM_TPFLAG_READY) ||
		basicsize < f->object.sizeof_.off || basicsize > 4096 ||
		pm_get(l, b, f->type.itemsize) > 64 || !code ||
		!(code->flags & (PM_MAP_EXEC | PM_MAP_ABSENT)) ||
		pm_memory_read_cstring(ts->m, pm_get(l, b, f->type.name), name,
			sizeof name, NULL) != PM_OK ||
		strlen(name) < 3)
		return false;
	for (const char *p = name; *p; p++)
		if (*p != '_' && *p != '.' && *p != '-' &&
			(*p < '0' || *p > '9') && (*p < 'A' || *p > 'Z') &&
			(*p < 'a' || *p > 'z'))
			return false;
	return true;
}

/* The bytes of the type at addr; false: it is none. */
static bool read_type(
	struct pm_types *ts, pm_addr addr, unsigned char *b, size_t n)
{
	const struct pm_layout *l = ts->l;
	uint64_t meta;
	/* Most words that are asked for are not types: look at one word before
	   reading all of them. */
	if (addr % l->t.word_size ||
		pm_layout_read(l, ts->m, addr, l->f.object.type, &meta, NULL) !=
			PM_OK ||
		meta % l->t.word_size || (meta && !is_metatype(ts, meta)) ||
		pm_memory_read(ts->m, addr, b, n, NULL) != PM_OK)
		return false;
	return (meta && pm_get(l, b, l->f.type.flags) & PM_TPFLAG_READY) ||
	       pm_layout_is_nameless(l, addr) || is_unready_type(ts, b);
}

static bool read_fixed(
	struct pm_types *ts, struct pm_type *t, pm_addr *ret_name)
{
	const struct pm_layout *l = ts->l;
	const struct pm_fields *f = &l->f;
	unsigned char b[640];
	size_t n = f->type.sizeof_.off;
	if (n > sizeof b || !read_type(ts, t->addr, b, n))
		return false;
	t->metatype = pm_get(l, b, f->object.type);
	if (!t->metatype)
		t->metatype = l->at.type_type.addr;
	t->flags = pm_get(l, b, f->type.flags);
	t->basicsize = pm_get_signed(l, b, f->type.basicsize);
	t->itemsize = pm_get_signed(l, b, f->type.itemsize);
	t->dictoffset = pm_get_signed(l, b, f->type.dictoffset);
	t->weaklistoffset = pm_get_signed(l, b, f->type.weaklistoffset);
	t->base = pm_get(l, b, f->type.base);
	t->repr = pm_get(l, b, f->type.repr);
	t->dict = pm_static_type_is_managed(l, t->flags)
			  ? pm_static_type_dict(l, ts->m, t->addr,
				    pm_get(l, b, f->type.subclasses))
			  : pm_get(l, b, f->type.dict);
	*ret_name = pm_get(l, b, f->type.name);
	return t->basicsize >= 0 && t->basicsize <= MAX_BASICSIZE &&
	       t->itemsize >= 0 && t->itemsize <= MAX_ITEMSIZE &&
	       (t->basicsize == 0 || t->basicsize >= f->object.sizeof_.off);
}

/* type.__module__ + "." + type.__qualname__ as type_module and type_qualname
   of Objects/typeobject.c find them. */
static char *qualified_name(
	struct pm_types *ts, const struct pm_type *t, pm_addr name_addr)
{
	const struct pm_layout *l = ts->l;
	char c_name[256];
	pm_auto_strbuf b = {0};
	if (pm_layout_is_nameless(l, t->addr)) {
		pm_strbuf_printf(
			&b, "?.type_at_0x%llx", (unsigned long long)t->addr);
		return pm_strbuf_take(&b);
	}
	enum pm_status s = pm_memory_read_cstring(
		ts->m, name_addr, c_name, sizeof c_name, NULL);
	/* A heap type's are in objects as well. */
	if (s != PM_OK && s != PM_LIMIT && t->heap)
		c_name[0] = '\0';
	else if ((s != PM_OK && s != PM_LIMIT) || !c_name[0])
		return NULL;
	const char *dot = strrchr(c_name, '.');
	if (t->heap) {
		pm_addr module = pm_dict_find(l, ts->m, t->dict, "__module__");
		/* What later is called "builtins" is so everywhere (2.7). */
		if (module && pm_text_equals(l, ts->m, module, "__builtin__"))
			module = 0;
		uint64_t qual = 0;
		if (module && pm_text_append(l, ts->m, module, NAME_LIMIT, 0,
				      &b, NULL) == PM_OK)
			pm_strbuf_putc(&b, '.');
		else if (!dot)
			pm_strbuf_puts(&b, "builtins.");
		if (pm_layout_read(l, ts->m, t->addr, l->f.heap_type.qualname,
			    &qual, NULL) == PM_OK &&
			qual &&
			pm_text_append(l, ts->m, qual, NAME_LIMIT, 0, &b,
				NULL) == PM_OK)
			return pm_strbuf_take(&b);
		pm_strbuf_escaped(&b, dot ? dot + 1 : c_name,
			strlen(dot ? dot + 1 : c_name));
		return pm_strbuf_take(&b);
	}
	if (!dot)
		pm_strbuf_puts(&b, "builtins.");
	pm_strbuf_escaped(&b, c_name, strlen(c_name));
	return pm_strbuf_take(&b);
}

/* Does a Python class have the name of a C type (_pydecimal)?  Python classes
   have no module in their tp_name. */
static bool has_taken_name(struct pm_types *ts, const struct pm_type *t)
{
	char own[256];
	uint64_t own_at;
	return t->heap && strchr(t->name, '.') &&
	       (pm_struct_find(t->name) || pm_decoder_find(ts->l, t->name)) &&
	       pm_layout_read(ts->l, ts->m, t->addr, ts->l->f.type.name,
		       &own_at, NULL) == PM_OK &&
	       pm_memory_read_cstring(ts->m, own_at, own, sizeof own, NULL) ==
		       PM_OK &&
	       !strchr(own, '.');
}

/* Is this one of the interpreter's C types?  Python classes have no fields of
   their own beyond slots, so the struct must fit. */
static const struct pm_decoder *decoder_of(
	struct pm_types *ts, const struct pm_type *t)
{
	const struct pm_layout *l = ts->l;
	const char *name = t->name;
	if (strncmp(name, "builtins.", 9) == 0)
		name += 9;
	/* No C type is a heap type in 2.7, and modules that are of C later on
	   are of Python there. */
	if (t->heap && l->t.int_form == PM_INT_TWO_TYPES)
		return NULL;
	const struct pm_decoder *d = pm_decoder_find(l, name);
	const struct pm_field *all = (const struct pm_field *)&l->f;
	if (!d || t->has_taken_name ||
		(d->size_index != PM_NO_FIELD && t->heap &&
			all[d->size_index].off > t->basicsize))
		return NULL;
	return d;
}

/* Is this struct of another size than the row has it?  Of a release without a
   row; then it is not known which of its words hold what. */
static bool has_changed(const struct pm_layout *l, const struct pm_type *t,
	const struct pm_decoder *d)
{
	const struct pm_field *row = (const struct pm_field *)&l->row->fields;
	return l->kin && !t->heap && d->size_index != PM_NO_FIELD &&
	       pm_has(row[d->size_index]) &&
	       row[d->size_index].off != t->basicsize;
}

static void read_slots(struct pm_types *ts, struct pm_type *t,
	const struct pm_type *base, struct pm_slots *s)
{
	const struct pm_layout *l = ts->l;
	unsigned ws = l->t.word_size;
	if (base)
		pm_slots_inherit(s, base);
	t->has_taken_name = has_taken_name(ts, t);
	const struct pm_decoder *own = decoder_of(ts, t);
	if (own) {
		t->decoder = own;
		t->kind = own->kind;
		/* Of a release without a row, its length may be anywhere. */
		t->exact_size = !own->inexact_size &&
				(own->kind != PM_KIND_BYTEARRAY ||
					pm_has(l->f.bytearray.alloc));
		pm_slots_add_decoder(s, l, t, own);
	} else if (t->dict && pm_dict_find(l, ts->m, t->dict, "__sizeof__")) {
		t->exact_size = false; /* only its own code knows */
	}
	if (t->heap && t->kind != PM_KIND_TYPE) {
		uint64_t nmembers = 0;
		const struct pm_type *meta = get_locked(ts, t->metatype);
		if (meta && meta->is_type &&
			pm_layout_read(l, ts->m, t->addr, l->f.var_object.size,
				&nmembers, NULL) == PM_OK)
			pm_slots_add_members(s, l, ts->m,
				t->addr + (uint64_t)meta->basicsize, nmembers,
				t->basicsize);
	} else if (!t->heap && !own) {
		uint64_t members = 0;
		if (pm_layout_read(l, ts->m, t->addr, l->f.type.members,
			    &members, NULL) == PM_OK &&
			members)
			pm_slots_add_members(s, l, ts->m, members, PM_SLOTS_MAX,
				t->basicsize);
	}
	if (t->dictoffset > 0 && t->dictoffset % ws == 0 &&
		t->dictoffset + ws <= t->basicsize && t->kind != PM_KIND_TYPE)
		pm_slots_add(s, (struct pm_type_slot){(uint32_t)t->dictoffset,
					PM_SLOT_DICT, "__dict__", false});
	/* Behind the fixed part of a base with items come these; what else a
	   class adds, its __dict__, follows the last of them. */
	bool items = base && base->itemsize > 0 && t->dictoffset < 0;
	if ((!own || own->scan || has_changed(l, t, own)) &&
		t->kind != PM_KIND_TYPE && !items)
		pm_slots_add_native(s, l, t,
			base ? base->basicsize : l->f.object.sizeof_.off);
}

static void derive(const struct pm_layout *l, struct pm_type *t)
{
	t->heap = t->flags & PM_TPFLAG_HEAPTYPE;
	t->gc = t->flags & PM_TPFLAG_HAVE_GC;
	unsigned two = 2 * l->t.word_size;
	uint64_t managed = 0;
	switch (l->t.managed_dict) {
	case PM_MANAGED_NONE:
		break;
	case PM_MANAGED_PAIR:
		managed = t->flags & PM_TPFLAG_MANAGED_DICT;
		break;
	case PM_MANAGED_POINTER:
	case PM_MANAGED_FT:
		t->inline_values = t->flags & PM_TPFLAG_INLINE_VALUES;
		__attribute__((fallthrough));
	case PM_MANAGED_TAGGED:
		managed = t->flags &
			  (PM_TPFLAG_MANAGED_DICT | PM_TPFLAG_MANAGED_WEAKREF);
		t->managed_weakref = t->flags & PM_TPFLAG_MANAGED_WEAKREF;
		break;
	}
	t->managed_dict = managed & PM_TPFLAG_MANAGED_DICT;
	t->pre = (t->gc ? l->t.gc_head_size : 0) + (managed ? two : 0);
	t->presize = t->pre;
}

/* A structseq (os.stat_result) is a tuple with more items than its length
   says: n_fields of its class (Objects/structseq.c). */
static uint32_t hidden_items(struct pm_types *ts, const struct pm_type *t)
{
	const struct pm_layout *l = ts->l;
	pm_addr fields = pm_dict_find(l, ts->m, t->dict, "n_fields");
	pm_addr visible = pm_dict_find(l, ts->m, t->dict, "n_sequence_fields");
	struct pm_field value = l->t.int_form == PM_INT_TWO_TYPES
					? l->f.int_.value
					: l->f.long_.digit;
	uint64_t n = 0, seen = 0;
	if (!fields || !visible ||
		pm_layout_read(l, ts->m, fields, value, &n, NULL) != PM_OK ||
		pm_layout_read(l, ts->m, visible, value, &seen, NULL) !=
			PM_OK ||
		n < seen || n > 1000)
		return 0;
	return (uint32_t)(n - seen);
}

/* Fills t from the target; false: not a type. */
static bool load(struct pm_types *ts, struct pm_type *t)
{
	const struct pm_layout *l = ts->l;
	pm_addr name_addr;
	if (ts->depth >= MAX_BASES || !read_fixed(ts, t, &name_addr))
		return false;
	derive(l, t);
	t->name = qualified_name(ts, t, name_addr);
	if (!t->name)
		return false;
	t->exact_size = true;
	t->in_blocks = l->t.int_form == PM_INT_TWO_TYPES && !t->heap &&
		       (!strcmp(t->name, "builtins.int") ||
			       !strcmp(t->name, "builtins.float"));
	const struct pm_type *base = NULL;
	if (t->base && t->base != t->addr) {
		base = get_locked(ts, t->base);
		if (!base || !base->is_type)
			return false;
		t->kind = base->kind;
		t->decoder = base->decoder;
		t->exact_size = base->exact_size;
	}
	PM_CLEANUP(pm_slots_deinit) struct pm_slots s = {{0}};
	read_slots(ts, t, base, &s);
	pm_slots_finish(&s, l, t);
	t->hidden = base ? base->hidden : 0;
	if (t->kind == PM_KIND_TUPLE && t->dict && !t->hidden)
		t->hidden = hidden_items(ts, t);
	uint64_t keys = 0;
	if (t->heap &&
		pm_layout_read(l, ts->m, t->addr, l->f.heap_type.cached_keys,
			&keys, NULL) == PM_OK)
		t->cached_keys = keys;
	return true;
}

static void release_type(struct pm_type **t)
{
	if (*t)
		free_type(*t);
}

static void pop_depth(struct pm_types **ts)
{
	(*ts)->depth--;
}

static const struct pm_type *known(
	const struct pm_types *ts, const struct pm_map_slot *slot)
{
	return slot->value ? (const struct pm_type *)(uintptr_t)slot->value
			   : &ts->none;
}

/* Remembers that there is no type at addr, as long as that stays cheap: a
   heap has more words that are no types than it has objects. */
static const struct pm_type *remember_none(struct pm_types *ts, pm_addr addr)
{
	if (ts->nothings < MAX_NOTHINGS) {
		if (!pm_map_put(&ts->by_addr, addr, NULL))
			return NULL;
		ts->nothings++;
	}
	return &ts->none;
}

static const struct pm_type *get_locked(struct pm_types *ts, pm_addr addr)
{
	if (!addr)
		return &ts->none;
	struct pm_map_slot *slot = pm_map_find(&ts->by_addr, addr);
	if (slot)
		return known(ts, slot);
	PM_CLEANUP(release_type)
	struct pm_type *t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->addr = addr;
	{
		ts->depth++;
		PM_CLEANUP(pop_depth) struct pm_types *guard = ts;
		t->is_type = load(guard, t);
	}
	if (!t->is_type)
		return remember_none(ts, addr);
	bool added;
	slot = pm_map_put(&ts->by_addr, addr, &added);
	if (!slot)
		return NULL;
	if (!added) /* its own base or metatype asked for it meanwhile */
		return known(ts, slot);
	t->id = (uint32_t)ts->by_id.len;
	if (!pm_vec_push(&ts->by_id, t))
		return &ts->none;
	slot->value = (uintptr_t)t;
	return pm_take(t);
}

const struct pm_type *pm_types_get(struct pm_types *ts, pm_addr addr)
{
	HOLD(ts);
	return get_locked(ts, addr);
}

const struct pm_type *pm_types_by_id(struct pm_types *ts, uint32_t id)
{
	HOLD(ts);
	return id < ts->by_id.len ? ts->by_id.data[id] : NULL;
}

uint32_t pm_types_count(struct pm_types *ts)
{
	HOLD(ts);
	return (uint32_t)ts->by_id.len;
}
