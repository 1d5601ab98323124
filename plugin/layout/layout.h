/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where everything is in one build of CPython.  Places are fields, meanings
   are traits; nothing outside plugin/layout/ compares versions.
   A row is the built-in table's view of one build flavour.  A pm_layout is a
   row merged with what debug info, _Py_DebugOffsets and calibration say about
   this very target; every fact remembers its source. */
#ifndef PM_LAYOUT_LAYOUT_H
#define PM_LAYOUT_LAYOUT_H

#include "base/load.h"
#include "layout/fields.h"
#include "target/memory.h"
#include "target/module.h"

/* Byte offset and width of a field.  size 0: this build has no such field.
   Bit-fields: bits > 0, starting at bit of the size-byte word at off.
   The member "sizeof_" of a struct holds sizeof in off, with size 1. */
struct pm_field {
	uint32_t off;
	uint16_t size;
	uint8_t bit, bits;
};

struct pm_fields {
#define F(f, expr) struct pm_field f;
#define S(s, names)                                                            \
	struct {                                                               \
		struct pm_field sizeof_;                                       \
		PM_FIELDS_##s(F)                                               \
	} s;
	PM_STRUCTS(S)
#undef S
#undef F
};
#define PM_FIELD_COUNT (sizeof(struct pm_fields) / sizeof(struct pm_field))

/* ---- traits: what changed in meaning ---- */
enum pm_int_form {
	PM_INT_SIGNED_SIZE, /* ob_size is sign * ndigits (<= 3.11) */
	PM_INT_TAG, /* lv_tag: ndigits << 3 | sign bits (3.12, gh-101291) */
	PM_INT_TWO_TYPES, /* 2.7 */
};
enum pm_keys_form {
	PM_KEYS_SIZED, /* dk_size, 24-byte entries, index width by size
			  (<= 3.10) */
	PM_KEYS_LOG2,  /* dk_log2_size, dk_kind (3.11) */
	PM_KEYS_TABLE, /* 2.7: no keys object */
};
enum pm_text_form {
	PM_TEXT_WIDE,	  /* 2.7: Py_UNICODE[], and str is bytes */
	PM_TEXT_FLEXIBLE, /* PEP 393 (3.3) */
};
enum pm_values_form {
	PM_VALUES_ARRAY,    /* ma_values -> PyObject *[usable] (<= 3.10) */
	PM_VALUES_PREFIXED, /* bytes before the array: [-1] prefix size,
			       [-2] used (3.11, 3.12) */
	PM_VALUES_HEADED, /* struct with capacity, size, embedded, valid; may be
			     inside the instance (3.13) */
};
enum pm_managed_dict {
	PM_MANAGED_NONE,   /* tp_dictoffset only (<= 3.10) */
	PM_MANAGED_PAIR,   /* values at -4 words, dict at -3 words (3.11) */
	PM_MANAGED_TAGGED, /* -3 words: dict, or values with bit 0 set (3.12) */
	PM_MANAGED_POINTER, /* -3 words: dict; inline values by flag (3.13) */
	PM_MANAGED_FT,	    /* free-threaded: dict at -1 word, weakrefs at -2 */
};
enum pm_immortal_rule {
	PM_IMMORTAL_NONE,
	PM_IMMORTAL_LARGE, /* 32 bits: (2 ** 30) - 1 and more (3.12 ...) */
	PM_IMMORTAL_LOW32_NEGATIVE, /* 3.12 ... */
	PM_IMMORTAL_LOCAL_MAX,	    /* free-threaded */
};
enum pm_refcnt_form {
	PM_REFCNT_WORD,	  /* signed word */
	PM_REFCNT_LOW32,  /* low 32 bits count (3.12+ 64-bit) */
	PM_REFCNT_BIASED, /* free-threaded */
};
enum pm_gc_home {
	PM_GC_IN_RUNTIME, /* 3.7, 3.8 */
	PM_GC_IN_INTERP,  /* 3.9+ */
	PM_GC_STATIC,	  /* <= 3.6: static generations[] */
	PM_GC_BITS,	  /* free-threaded: no lists */
};
enum pm_obmalloc_home {
	PM_OBMALLOC_STATICS,  /* arenas, maxarenas, ... (<= 3.11) */
	PM_OBMALLOC_EMBEDDED, /* in PyInterpreterState (3.12) */
	PM_OBMALLOC_POINTER,  /* interp->obmalloc (3.13+) */
	PM_OBMALLOC_MIMALLOC, /* free-threaded */
};
enum pm_interned_home {
	PM_INTERNED_STATIC, /* static dict (<= 3.11) */
	PM_INTERNED_INTERP, /* interp->cached_objects (3.12+) */
};
enum pm_frame_entry {
	PM_FRAME_OBJECTS, /* tstate->frame, PyFrameObject chain (<= 3.10) */
	PM_FRAME_CFRAME,  /* tstate->cframe->current_frame (3.11, 3.12) */
	PM_FRAME_CURRENT, /* tstate->current_frame (3.13+) */
};
enum pm_ref_form {
	PM_REF_PLAIN,  /* PyObject * in frames */
	PM_REF_TAGGED, /* _PyStackRef: mask low 2 bits (3.14+) */
};
enum pm_static_types {
	PM_STATIC_TYPES_OWN,	    /* tp_dict, tp_subclasses in the type */
	PM_STATIC_TYPES_PER_INTERP, /* 3.12+: interp->types */
};
enum pm_gen_states {
	PM_GEN_STATES_OBJECT, /* gi_frame object (<= 3.10) */
	PM_GEN_STATES_311,    /* -3/-2 created ... >= 1 done */
	PM_GEN_STATES_315,
	PM_GEN_STATES_BY_FRAME, /* not known: as their frames look */
};
/* How a generator that is suspended tells that it waits for another, which is
   then the topmost word of its stack. */
enum pm_yield_from {
	PM_YIELD_FROM_OPCODE,  /* YIELD_FROM comes next (<= 3.10) */
	PM_YIELD_FROM_RESUME,  /* RESUME comes next, with 2 or more */
	PM_YIELD_FROM_STATE,   /* gi_frame_state (3.13) */
	PM_YIELD_FROM_BENEATH, /* the same, one word below the topmost */
};
enum pm_freelist_link {
	PM_FREELIST_DEAD_REFCNT, /* held objects have refcount 0 (<= 3.13) */
	PM_FREELIST_FIRST_WORD,	 /* the first word links (3.14+) */
};

struct pm_traits {
	enum pm_int_form int_form;
	enum pm_text_form text_form;
	enum pm_keys_form keys_form;
	enum pm_values_form values_form;
	enum pm_managed_dict managed_dict;
	enum pm_immortal_rule immortal_rule;
	enum pm_refcnt_form refcnt_form;
	enum pm_gc_home gc_home;
	enum pm_obmalloc_home obmalloc_home;
	enum pm_interned_home interned_home;
	enum pm_frame_entry frame_entry;
	enum pm_ref_form frame_refs;
	enum pm_static_types static_types;
	enum pm_gen_states gen_states;
	enum pm_yield_from yield_from;
	enum pm_freelist_link freelist_link;
	bool int_zero_digit;	  /* int.__sizeof__ counts at least one digit */
	bool static_type_presize; /* sys.getsizeof adds a GC head to static
				     types, which have none (3.11, 3.12) */
	bool counts_raw_blocks;	  /* there is a raw_allocated_blocks (3.9+) */
	uint32_t arena_size;	  /* bytes; 262144 or 1048576; huge: twice */
	uint32_t pool_size;	  /* bytes; 4096 or 16384 */
	uint32_t alignment;	  /* size class step: 8 or 16 */
	uint32_t small_max;	  /* largest pymalloc request, 512 */
	uint32_t gc_head_size;	 /* bytes before a GC object, 0 free-threaded */
	uint32_t gc_stride;	 /* between generation heads */
	uint64_t gc_next_mask;	 /* bits of _gc_next that are the pointer */
	uint32_t gc_refs_shift;	 /* of the counter in a three-word GC head */
	uint32_t hook_words;	 /* what the debug hooks add to a block: two in
				    front, the others behind */
	uint32_t wide_size;	 /* bytes of a Py_UNICODE (PM_TEXT_WIDE) */
	uint32_t deque_items;	 /* of a block of a deque, */
	bool deque_links_behind; /* with its links behind them, right one first
				    (2.7), or around them */
	uint32_t word_size;	 /* 4 or 8 */
	bool big_endian;
};

/* One offset that the target tells itself (_Py_DebugOffsets, 3.13+). */
struct pm_slot {
	uint16_t at;	/* byte in that table; 0 ends the list */
	uint16_t field; /* index in struct pm_fields */
};

/* References that a struct of the runtime holds: count words, stride bytes
   apart.  A NULL name ends the list. */
struct pm_held {
	uint32_t off;
	uint16_t count, stride;
	const char
		*name; /* member, as C writes it; of a run: what they are in */
};

struct pm_row {
	const char *name;	       /* "3.12", "3.12d", "3.13t" */
	unsigned version;	       /* major << 8 | minor, e.g. 0x30c */
	unsigned micro_min, micro_max; /* patch releases it was read from */
	bool debug;		       /* Py_DEBUG */
	bool free_threaded;
	uint16_t machine;	     /* of ELF: EM_X86_64 ... */
	uint64_t runtime_size;	     /* st_size of _PyRuntime, 0 not known */
	const struct pm_slot *slots; /* NULL: no _Py_DebugOffsets */
	/* NULL: none.  Of the thread state with all that is behind it. */
	const struct pm_held *interp_held, *thread_held, *runtime_held;
	struct pm_fields fields;
	struct pm_traits traits;
};

#define PM_ROWS_MAX 200
extern const struct pm_row *const pm_rows[]; /* NULL at the end */

enum pm_source { /* the better the later */
	PM_SOURCE_NONE,
	PM_SOURCE_KIN,	      /* as another release's row has it */
	PM_SOURCE_NEIGHBOURS, /* the same, but moved as its neighbours */
	PM_SOURCE_TABLE,
	PM_SOURCE_CALIBRATED,
	PM_SOURCE_SYMBOL,
	PM_SOURCE_DEBUG_OFFSETS,
	PM_SOURCE_DEBUG_INFO,
};
const char *pm_source_text(enum pm_source s);

/* Addresses that calibration, symbols or debug info found; 0: not found.
   Types and singletons: the object; static variables: the variable. */
#define PM_PLACES(X)                                                           \
	X(runtime, "_PyRuntime; until 3.6 the variable interp_head")           \
	X(interp_head, "first PyInterpreterState")                             \
	X(type_type, "PyType_Type")                                            \
	X(object_type, "PyBaseObject_Type")                                    \
	X(dict_type, "PyDict_Type")                                            \
	X(unicode_type, "PyUnicode_Type")                                      \
	X(bytes_type, "PyString_Type of 2.7")                                  \
	X(none, "_Py_NoneStruct")                                              \
	X(set_dummy, "*_PySet_Dummy")                                          \
	X(dict_dummy, "what deleted keys of dicts are, in 2.7")                \
	X(generations, "static generations[] of the collector")                \
	X(gc_enabled, "static enabled of the collector")                       \
	X(gc_collecting, "static collecting of the collector")                 \
	X(arenas, "static arenas pointer variable")                            \
	X(maxarenas, "static maxarenas variable")                              \
	X(interned, "static interned dict variable")                           \
	X(raw_allocated_blocks, "static raw_allocated_blocks")                 \
	X(narenas_currently_allocated, "static narenas_currently_allocated")   \
	X(ntimes_arena_allocated, "static ntimes_arena_allocated")             \
	X(narenas_highwater, "static narenas_highwater")                       \
	X(trace_config, "static config of tracemalloc")                        \
	X(traces, "static tracemalloc_traces variable")                        \
	X(trace_domains, "static tracemalloc_domains variable")                \
	X(traced_memory, "static tracemalloc_traced_memory")

struct pm_place {
	pm_addr addr;
	enum pm_source source;
};

struct pm_places {
#define X(name, text) struct pm_place name;
	PM_PLACES(X)
#undef X
};

struct pm_layout {
	struct pm_fields f;
	uint8_t sources[PM_FIELD_COUNT]; /* enum pm_source, by index in f */
	struct pm_traits t;
	const struct pm_row *row; /* nearest row of the table */
	bool kin;		  /* it is of another release */
	bool freelists_doubtful;  /* ... so which list is which is likely, */
	bool freelists_lost;	  /* or not known at all */
	unsigned hexversion;	  /* PY_VERSION_HEX; micro 0xff when unknown */
	enum pm_source version_source;
	bool version_exact; /* micro and release level are known */
	bool debug, free_threaded;
	bool trace_refs; /* two words more in every object (<= 3.12) */
	struct pm_places at;
	/* at.interp_head is the only interpreter that counts; the list of all
	   begins here (0: it counts as a whole). */
	pm_addr all_interpreters;
	const struct pm_module *python; /* module that holds the runtime */
	PM_VEC(char *) warnings; /* owned texts: disagreements and doubts */
	/* Static types whose names are nowhere: sorted addresses. */
	PM_VEC(pm_addr) nameless;
};

/* What GDB's debug info says; asked by the bridge, given in here.  The
   questions are derived from fields.h. */
struct pm_debug_info {
	bool asked; /* false: there is nobody to ask, or it was withheld */
	bool (*lookup)(void *arg, const char *expression, uint64_t *ret);
	void *arg;
};

/* Finds Python in the target: its version, flavour, places and fields, in the
   order debug info, _Py_DebugOffsets, calibration, table; validates the whole.
   Fails with a text that says what was tried.  ms must outlive *ret. */
PM_CHECKED enum pm_status pm_layout_create(struct pm_memory *m,
	const struct pm_modules *ms, const struct pm_debug_info *debug_info,
	struct pm_layout **ret, struct pm_error *err);
/* The same without the rows of releases later than this one (major << 8 |
   minor; 0: with all of them). */
PM_CHECKED enum pm_status pm_layout_create_until(struct pm_memory *m,
	const struct pm_modules *ms, const struct pm_debug_info *debug_info,
	unsigned newest, struct pm_layout **ret, struct pm_error *err);
void pm_layout_destroy(struct pm_layout *l);
static inline void pm_cleanup_layout(struct pm_layout **l)
{
	pm_layout_destroy(*l);
}
#define pm_auto_layout PM_CLEANUP(pm_cleanup_layout) struct pm_layout *

/* The questions worth asking debug info, as C expressions ("sizeof (X)",
   "(unsigned long long) &((X *) 0)->f", "&_PyRuntime"): the i-th, NULL at the
   end.  The first is a probe: when it has no answer, skip the rest. */
const char *pm_layout_question(size_t i);

/* The interpreter after the one at *interp; 0: there is none, or the others do
   not count (all_interpreters). */
PM_CHECKED enum pm_status pm_layout_next_interpreter(const struct pm_layout *l,
	struct pm_memory *m, pm_addr *interp, struct pm_error *err);

/* A layout straight from a row, for tests and images; places all 0. */
PM_CHECKED enum pm_status pm_layout_from_row(
	const struct pm_row *row, struct pm_layout **ret, struct pm_error *err);

/* Is this a type whose name was in a file that is gone? */
bool pm_layout_is_nameless(const struct pm_layout *l, pm_addr type);

/* i-th field of f with its names, false at the end; struct_name and
   field_name are identifiers of fields.h. */
bool pm_layout_field(const struct pm_layout *l, size_t i,
	const char **ret_struct, const char **ret_field,
	const struct pm_field **ret, enum pm_source *ret_source);

/* What C calls the i-th field, or types when it is a sizeof_: "ma_used", newest
   first with | between them. */
const char *pm_layout_c_name(size_t i);

static inline bool pm_has(struct pm_field f)
{
	return f.size != 0;
}

/* Field f of a struct whose bytes start at base: zero-extended value. The
   caller made sure that the bytes are there. */
static inline uint64_t pm_get(
	const struct pm_layout *l, const void *base, struct pm_field f)
{
	uint64_t v = pm_load(
		(const unsigned char *)base + f.off, f.size, l->t.big_endian);
	if (f.bits)
		v = v >> f.bit & ((UINT64_C(1) << f.bits) - 1);
	return v;
}

/* The same, sign-extended. */
static inline int64_t pm_get_signed(
	const struct pm_layout *l, const void *base, struct pm_field f)
{
	uint64_t v = pm_get(l, base, f);
	unsigned shift = 64 - 8u * f.size;
	return f.size ? (int64_t)(v << shift) >> shift : 0;
}

/* The type of names: str, also where that is made of bytes. */
static inline pm_addr pm_layout_name_type(const struct pm_layout *l)
{
	return l->t.text_form == PM_TEXT_WIDE ? l->at.bytes_type.addr
					      : l->at.unicode_type.addr;
}

/* The collector's state that serves this interpreter; 0: none is known. */
static inline pm_addr pm_layout_gc_state(
	const struct pm_layout *l, pm_addr interp)
{
	switch (l->t.gc_home) {
	case PM_GC_IN_RUNTIME:
		return pm_has(l->f.runtime.gc) && l->at.runtime.addr
			       ? l->at.runtime.addr + l->f.runtime.gc.off
			       : 0;
	case PM_GC_IN_INTERP:
		return pm_has(l->f.interp.gc) ? interp + l->f.interp.gc.off : 0;
	case PM_GC_STATIC:
		return l->at.generations.addr;
	case PM_GC_BITS:
		return 0;
	}
	return 0;
}

/* The same, where there are no lists of objects in it, too (free-threaded
   builds): whether the collector runs, and how often. */
static inline pm_addr pm_layout_gc_settings(
	const struct pm_layout *l, pm_addr interp)
{
	if (l->t.gc_home == PM_GC_BITS)
		return pm_has(l->f.interp.gc) ? interp + l->f.interp.gc.off : 0;
	return pm_layout_gc_state(l, interp);
}

/* The heads of the lists of a collector's state: three generations, then the
   permanent one; 0: there is none. */
#define PM_GC_LISTS 4
#define PM_GC_PERMANENT 3
static inline void pm_layout_gc_lists(
	const struct pm_layout *l, pm_addr gc, pm_addr ret[static PM_GC_LISTS])
{
	for (unsigned i = 0; i < PM_GC_PERMANENT; i++)
		ret[i] = gc && pm_has(l->f.gc_state.generations)
				 ? gc + l->f.gc_state.generations.off +
					   i * l->t.gc_stride
				 : 0;
	ret[PM_GC_PERMANENT] = gc && pm_has(l->f.gc_state.permanent)
				       ? gc + l->f.gc_state.permanent.off
				       : 0;
}

/* Reads field f of the struct at addr. PM_ABSENT when the build has none. */
PM_CHECKED enum pm_status pm_layout_read(const struct pm_layout *l,
	struct pm_memory *m, pm_addr addr, struct pm_field f, uint64_t *ret,
	struct pm_error *err);

#endif
