/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Python types of the target, read and checked once each.  A type is what the
   chain of ob_type leads to PyType_Type from; addresses that are not types are
   remembered as such, so asking again is cheap.  pm_types_get may be called
   from several threads when the target is parallel; a struct pm_type never
   moves and never changes once it was returned. */
#ifndef PM_OBJECT_TYPES_H
#define PM_OBJECT_TYPES_H

#include "base/map.h"
#include "layout/layout.h"

#include <string.h>

/* How the variable part of an object is laid out. */
enum pm_kind {
	PM_KIND_PLAIN, /* fixed fields, slots, attributes */
	PM_KIND_TUPLE,
	PM_KIND_LIST,
	PM_KIND_DICT,
	PM_KIND_ODICT,
	PM_KIND_SET,
	PM_KIND_STR,
	PM_KIND_BYTES,
	PM_KIND_INT,
	PM_KIND_WORD, /* int and bool of 2.7 */
	PM_KIND_BYTEARRAY,
	PM_KIND_TYPE,
	PM_KIND_CODE,
	PM_KIND_FRAME,
	PM_KIND_GEN,
	PM_KIND_DEQUE,
	PM_KIND_ARRAY,
	PM_KIND_BUFFERED,
	PM_KIND_BYTESIO,
	PM_KIND_STRINGIO,
	PM_KIND_PRODUCT,
	PM_KIND_PERMUTATIONS,
	PM_KIND_COMBINATIONS,
	PM_KIND_STRUCT, /* _struct.Struct */
	PM_KIND_DECIMAL,
	PM_KIND_MODULE,
	PM_KIND_CDATA,
	PM_KIND_DATETIME,  /* less than tp_basicsize when there is no tzinfo */
	PM_KIND_ELEMENT,   /* xml.etree.ElementTree.Element */
	PM_KIND_HAMT,	   /* bitmap and collision nodes */
	PM_KIND_PICKLER,   /* _pickle.Pickler */
	PM_KIND_LRU_CACHE, /* what functools.lru_cache makes */
	PM_KIND_LRU_LINK,  /* entry in its ring */
	PM_KIND_NDARRAY,   /* numpy.ndarray */
};

enum pm_slot_kind {
	PM_SLOT_FIELD,	/* a field of a known struct: via its name */
	PM_SLOT_MEMBER, /* __slots__ or tp_members: via "slot .name" */
	PM_SLOT_DICT,	/* instance dict at a positive tp_dictoffset */
	PM_SLOT_NATIVE, /* a word of an unknown C struct: conservative */
};

/* One word of an object that holds a strong reference. */
struct pm_type_slot {
	uint32_t off;
	enum pm_slot_kind kind;
	const char *name;  /* owned by the registry, or static; NULL: native */
	bool behind_items; /* off is as if there were no items (3.15) */
};

struct pm_decoder;

struct pm_type {
	pm_addr addr;
	uint32_t id;  /* dense, from 0, in order of discovery */
	bool is_type; /* false: remembered as not a type */
	bool gc;      /* Py_TPFLAGS_HAVE_GC */
	bool heap;    /* Py_TPFLAGS_HEAPTYPE */
	bool managed_dict, managed_weakref, inline_values;
	bool in_blocks;	     /* many in one allocation: int and float of 2.7 */
	bool has_taken_name; /* a Python class, named as a C type is */
	bool exact_size;     /* false: a __sizeof__ that cannot be known */
	uint64_t flags;
	int64_t basicsize, itemsize, dictoffset, weaklistoffset;
	pm_addr base, dict, metatype, cached_keys;
	pm_addr repr; /* tp_repr: who has the same is printed alike */
	enum pm_kind kind;
	uint32_t pre;	  /* bytes from block start to object, without hooks */
	uint32_t presize; /* what sys.getsizeof adds to __sizeof__ */
	uint32_t hidden;  /* items of a structseq beyond its ob_size, at most */
	const struct pm_decoder
		*decoder;	    /* of the nearest known base, or NULL */
	struct pm_type_slot *slots; /* owned, sorted by offset */
	uint32_t nslots;
	uint64_t slot_mask; /* bit i: word i holds a reference, i < 64 */
	bool slots_beyond;  /* some slot is past word 63 */
	char *name;	    /* qualified, escaped; owned */
};

/* Bytes of a digit of an int: 4 hold 30 bits, 2 hold 15, as the build has it;
   its type tells. */
static inline unsigned pm_digit_size(const struct pm_type *t)
{
	return t->itemsize == 2 ? 2 : 4;
}

struct pm_types; /* opaque */

PM_CHECKED enum pm_status pm_types_create(struct pm_target *t,
	const struct pm_layout *l, struct pm_types **ret, struct pm_error *err);
void pm_types_destroy(struct pm_types *ts);
static inline void pm_cleanup_types(struct pm_types **ts)
{
	pm_types_destroy(*ts);
}

/* The entry of addr; ->is_type says whether it is one.  NULL only when out of
   memory. */
const struct pm_type *pm_types_get(struct pm_types *ts, pm_addr addr);

/* The type with this id, NULL past the end. */
const struct pm_type *pm_types_by_id(struct pm_types *ts, uint32_t id);
uint32_t pm_types_count(struct pm_types *ts);

/* Are instances what names are made of: str, also where that is bytes? */
static inline bool pm_type_is_name(
	const struct pm_layout *l, const struct pm_type *t)
{
	return t->kind == PM_KIND_STR ||
	       (t->kind == PM_KIND_BYTES && l->t.text_form == PM_TEXT_WIDE);
}

/* Flags of PyTypeObject.tp_flags that every version agrees on
   (Include/object.h). */
#define PM_TPFLAG_HEAPTYPE (UINT64_C(1) << 9)
#define PM_TPFLAG_READY (UINT64_C(1) << 12)
#define PM_TPFLAG_HAVE_GC (UINT64_C(1) << 14)
#define PM_TPFLAG_LONG (UINT64_C(1) << 24)
#define PM_TPFLAG_LIST (UINT64_C(1) << 25)
#define PM_TPFLAG_TUPLE (UINT64_C(1) << 26)
#define PM_TPFLAG_BYTES (UINT64_C(1) << 27)
#define PM_TPFLAG_UNICODE (UINT64_C(1) << 28)
#define PM_TPFLAG_DICT (UINT64_C(1) << 29)
#define PM_TPFLAG_EXCEPTION (UINT64_C(1) << 30)
#define PM_TPFLAG_TYPE (UINT64_C(1) << 31)
/* Of those with managed attributes only (traits.managed_dict). */
#define PM_TPFLAG_INLINE_VALUES (UINT64_C(1) << 2)
#define PM_TPFLAG_MANAGED_WEAKREF (UINT64_C(1) << 3)
#define PM_TPFLAG_MANAGED_DICT (UINT64_C(1) << 4)

/* Its qualified name, without the module of built-in types. */
static inline const char *pm_type_bare(const struct pm_type *t)
{
	return t->name + (strncmp(t->name, "builtins.", 9) ? 0 : 9);
}

/* Does it hold objects without a name for each? */
static inline bool pm_type_is_container(const struct pm_type *t)
{
	return t->kind == PM_KIND_DICT || t->kind == PM_KIND_ODICT ||
	       t->kind == PM_KIND_LIST || t->kind == PM_KIND_TUPLE ||
	       t->kind == PM_KIND_SET || t->kind == PM_KIND_DEQUE;
}

/* Bytes of an instance with so many items, in whole words
   (_PyObject_VAR_SIZE); of items that were checked: at most 2^40. */
static inline uint64_t pm_type_var_size(
	const struct pm_layout *l, const struct pm_type *t, uint64_t items)
{
	uint64_t ws = l->t.word_size;
	uint64_t n = (uint64_t)t->basicsize + items * (uint64_t)t->itemsize;
	return (n + ws - 1) / ws * ws;
}

#endif
