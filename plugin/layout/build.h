/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside plugin/layout only: a layout while it is being found.
   create.c   which runtime, which row, in what order; refuses or hands out
   locate.c   where runtimes may be
   identify.c version and flavour of one runtime
   tell.c     what debug info and _Py_DebugOffsets tell, distrusted
   find.c     places: from symbols, debug info, or seen in the module's data
   names.c    names of types that are in neither the core nor a file
   calibrate.c  fields found by their structure in the target's memory
   calibrate-freelists.c  the free lists, likewise
   trace-refs.c  builds whose objects have two words more
   kin.c      a release that has no row: that of another, adapted
   kin-calibrate.c  what of such a release can be seen in memory
   segments.c which layout of mimalloc it is
   prove.c    the merged layout against memory */
#ifndef PM_LAYOUT_BUILD_H
#define PM_LAYOUT_BUILD_H

#include "base/strbuf.h"
#include "layout/layout.h"

/* Index of a field in struct pm_fields. */
#define PM_INDEX(field)                                                        \
	(offsetof(struct pm_fields, field) / sizeof(struct pm_field))

/* A copy of target memory; what could not be read is zero. */
struct pm_span {
	unsigned char *bytes;
	size_t len;
	pm_addr start;
};

struct pm_told { /* an offset that somebody told, ~0: not told */
	uint64_t off[PM_FIELD_COUNT];
};

/* What is known of a runtime before its layout is. */
struct pm_identity {
	unsigned hexversion; /* 0: not known; micro 0xff: only the minor is */
	enum pm_source source;
	int debug, free_threaded, trace_refs; /* -1: not known */
	uint64_t runtime_size;	  /* st_size, 0: not known */
	uint32_t heads_at;	  /* where the interpreters were seen, 0: not */
	bool by_front;		  /* ... without a row */
	bool variable;		  /* it is interp_head: before 3.7 */
	uint64_t head_size;	  /* sizeof (PyGC_Head), 0: not known */
	bool kin;		  /* no row is of this release */
};

/* Types whose size a release without a row is asked for. */
#define PM_KIN_SIZES 32

struct pm_build {
	struct pm_memory *m;
	const struct pm_modules *ms;
	const struct pm_debug_info *debug_info;
	const struct pm_row *const *rows;
	bool trust_debug_info, trust_debug_offsets;
	bool trace_refs; /* the rows are meant for Py_TRACE_REFS */
	bool kin; /* the release has no row: that of its nearest kin serves */

	pm_addr runtime;
	enum pm_source runtime_source;
	const struct pm_module *python;
	struct pm_identity id;

	struct pm_layout *l;	  /* owned until handed out */
	PM_VEC(char *) warnings;  /* owned texts, the layout's in the end */
	struct pm_strbuf changed; /* kin: types of another size, */
	size_t doubtful[PM_KIN_SIZES], ndoubtful; /* their sizeof_ */
	struct pm_span data;	  /* the module's writable memory, once read */
	struct pm_span interp;
};

/* pm_layout_create with another table, for tests. */
PM_CHECKED enum pm_status pm_layout_create_by(struct pm_memory *m,
	const struct pm_modules *ms, const struct pm_debug_info *debug_info,
	const struct pm_row *const *rows, struct pm_layout **ret,
	struct pm_error *err);

void pm_build_deinit(struct pm_build *b);
/* Keeps a text for the user; what there is no memory for is lost. */
PM_PRINTF(2, 3)
void pm_build_warn(struct pm_build *b, const char *fmt, ...);

/* Of the word size and byte order that the module has? */
bool pm_row_is_of(const struct pm_row *row, const struct pm_module *mod);

/* ---- reading ---- */
PM_CHECKED enum pm_status pm_span_read(struct pm_memory *m, pm_addr start,
	size_t len, struct pm_span *ret, struct pm_error *err);
void pm_span_deinit(struct pm_span *s);
/* The module's writable memory and the main interpreter's struct (others may
   share what is looked for), read when first asked for. */
PM_CHECKED enum pm_status pm_build_data(
	struct pm_build *b, struct pm_error *err);
PM_CHECKED enum pm_status pm_build_interp(
	struct pm_build *b, struct pm_error *err);

/* A pointer in the target, 0 when it cannot be read. */
pm_addr pm_build_pointer(struct pm_build *b, pm_addr at);
/* The pointer at byte off of s; off + word must be inside. */
static inline pm_addr pm_span_pointer(
	const struct pm_build *b, const struct pm_span *s, size_t off)
{
	return pm_load(s->bytes + off, b->l->t.word_size, b->l->t.big_endian);
}
/* Aligned, and in some mapping of the target. */
bool pm_build_is_address(struct pm_build *b, pm_addr p);
/* Whether the NUL-terminated text at addr is exactly this. */
bool pm_build_text_is(struct pm_build *b, pm_addr addr, const char *text);
/* Whether obj is an instance of exactly type. */
bool pm_build_is_exact(struct pm_build *b, pm_addr obj, pm_addr type);
/* The numeric field of a struct; 0 when absent or unreadable. */
uint64_t pm_build_number(struct pm_build *b, pm_addr at, struct pm_field f);

/* The type of names: str. */
static inline pm_addr pm_build_name_type(const struct pm_build *b)
{
	return pm_layout_name_type(b->l);
}

/* ---- steps ---- */
struct pm_candidate { /* a _PyRuntime, perhaps, or an interp_head */
	pm_addr addr;
	uint64_t size;	   /* st_size, 0: not known */
	uint32_t heads_at; /* runtime.interpreters_head, if so found */
	bool by_front;	   /* ... without a row */
	bool variable;	   /* interp_head */
	enum pm_source source;
	const struct pm_module *module;
};
struct pm_candidates {
	PM_VEC(struct pm_candidate) list;
};
void pm_candidates_deinit(struct pm_candidates *c);
PM_CHECKED enum pm_status pm_locate(
	struct pm_build *b, struct pm_candidates *ret, struct pm_error *err);

void pm_identify(struct pm_build *b);

/* May a build like this row's have Py_TRACE_REFS, with links in its objects? */
bool pm_trace_refs_may_be(const struct pm_row *row);
/* A row's layout, not told anything yet, becomes that of such a build. */
void pm_trace_refs_apply(struct pm_layout *l);

/* Reads sys.hexversion and friends through the finished layout. */
bool pm_identify_by_sys(struct pm_build *b, struct pm_identity *ret);

/* Fills t with what each source tells and the table does not forbid. */
void pm_tell_debug_info(struct pm_build *b, struct pm_told *t);
void pm_tell_debug_offsets(struct pm_build *b, struct pm_told *t);
/* The table, overridden by what was told; complains about differences. */
void pm_tell_merge(struct pm_build *b, const struct pm_told *info,
	const struct pm_told *offsets);
/* Takes a calibrated offset, or complains when a better source differs. */
void pm_tell_calibrated(struct pm_build *b, size_t field, uint64_t off);

/* Supplies missing names: of type, object, dict and str, before places are
   looked for; and of all others, once the layout is known. */
void pm_names_of_basic_types(struct pm_build *b);
void pm_names_of_types(struct pm_build *b);

void pm_find_places(struct pm_build *b);
/* The static variables and the interned strings of this release. */
void pm_find_statics(struct pm_build *b);
/* An arena table: how many slots are well-formed and how many in use. */
bool pm_find_arena_table(struct pm_build *b, pm_addr at, uint64_t max,
	uint64_t *ret_slots, uint64_t *ret_used);
bool pm_find_is_interned(struct pm_build *b, pm_addr dict);

/* Finds the interpreters; says why when there are none. */
PM_CHECKED enum pm_status pm_calibrate_interpreters(
	struct pm_build *b, struct pm_error *err);
void pm_calibrate_interp_fields(struct pm_build *b);
void pm_calibrate_segments(struct pm_build *b);
void pm_calibrate_freelists(struct pm_build *b);
/* Whether the chain of interpreters closes and the main one has a thread. */
bool pm_calibrate_are_interpreters(
	struct pm_build *b, pm_addr head, pm_addr main);
/* The last one of the chain, which is the main one; 0: it is no chain.  *ret
   counts them. */
pm_addr pm_calibrate_main_interpreter(
	struct pm_build *b, pm_addr head, unsigned *ret);

/* A release without a row; pm_kin_begin follows pm_layout_from_row. */
bool pm_kin_is_needed(const struct pm_build *b);
void pm_kin_begin(struct pm_build *b);
void pm_kin_tell_offsets(struct pm_build *b, struct pm_told *ret);
/* Moves what nobody told as its neighbours were. */
void pm_kin_carry(struct pm_build *b);
void pm_kin_calibrate(struct pm_build *b);
/* Warns how well all this is known. */
void pm_kin_report(struct pm_build *b);

PM_CHECKED enum pm_status pm_prove(struct pm_build *b, struct pm_error *err);

/* The fields of the struct that field i is in: the first is its sizeof_. */
void pm_prove_struct(size_t i, size_t *ret_first, size_t *ret_end);

/* An offset for the field that fits its struct, by the rest of f. */
bool pm_prove_fits(const struct pm_fields *f, const struct pm_traits *t,
	size_t field, uint64_t off);
/* Complete: every field fits, none overlaps where the row has none. */
bool pm_prove_static(const struct pm_layout *l, struct pm_error *err);

/* Steps through the exact dict at addr, calling see for each pair until it
   returns false; false when the dict is not well-formed. */
bool pm_build_dict_each(struct pm_build *b, pm_addr dict, uint64_t limit,
	bool (*see)(void *arg, pm_addr key, pm_addr value), void *arg);
/* Value of a key of ASCII text; 0: not there. */
pm_addr pm_build_dict_get(struct pm_build *b, pm_addr dict, const char *key);
/* Copies an ASCII str; false when it is none or too long. */
bool pm_build_ascii(struct pm_build *b, pm_addr str, char *buf, size_t cap);

#endif
