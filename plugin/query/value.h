/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A value of the target, or a literal, as far as comparing it takes.  Numbers
   are compared as Python compares them, whatever their types and sizes; text
   by code points. */
#ifndef PM_QUERY_VALUE_H
#define PM_QUERY_VALUE_H

#include "object/object.h"
#include "object/text.h"

enum pm_value_kind {
	PM_VALUE_MISSING, /* no such attribute, or it can't be read */
	PM_VALUE_NONE,
	PM_VALUE_INT,  /* within 120 bits */
	PM_VALUE_HUGE, /* a larger int */
	PM_VALUE_FLOAT,
	PM_VALUE_STR,	/* a str of the target */
	PM_VALUE_BYTES, /* bytes or bytearray of the target */
	PM_VALUE_TEXT,	/* a text of ours, UTF-8 */
	PM_VALUE_DATA,	/* bytes of ours */
	PM_VALUE_OBJECT,
};

struct pm_value {
	enum pm_value_kind kind;
	bool is_bool;
	bool negative;		    /* HUGE */
	pm_addr addr;		    /* the object; 0: a literal, a property */
	const struct pm_type *type; /* of the object, or NULL */
	__int128 i;
	double d;
	uint64_t n;	   /* STR, TEXT: code points; BYTES, DATA: bytes; HUGE:
			      digits */
	pm_addr data;	   /* STR, BYTES, HUGE: where they are */
	unsigned width;	   /* STR: bytes per code point; HUGE: of a digit */
	const char *bytes; /* TEXT, DATA */
	uint64_t nbytes;
};

/* Types by address without a lock: one of these per thread. */
#define PM_VALUE_TYPES 256
struct pm_value_reader {
	const struct pm_objects *o;
	uint64_t unreadable;
	struct {
		pm_addr addr;
		const struct pm_type *type;
	} types[PM_VALUE_TYPES];
};

void pm_value_reader_init(
	struct pm_value_reader *r, const struct pm_objects *o);

/* The object at addr; 0: MISSING. */
void pm_value_load(
	struct pm_value_reader *r, pm_addr addr, struct pm_value *ret);
/* The same of one that is loaded. */
void pm_value_of(struct pm_value_reader *r, const struct pm_object *x,
	struct pm_value *ret);
/* Text and bytes of ours, valid UTF-8. */
struct pm_value pm_value_text(const char *text, size_t len);
struct pm_value pm_value_data(const char *bytes, size_t len);
struct pm_value pm_value_int(__int128 i);

bool pm_value_is_text(const struct pm_value *v);
bool pm_value_is_number(const struct pm_value *v);

/* Is a == b in Python?  Objects of other kinds: the same object. */
bool pm_value_equal(struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b);
/* -1, 0, 1 in *ret; false: Python would not order them. */
bool pm_value_order(struct pm_value_reader *r, const struct pm_value *a,
	const struct pm_value *b, int *ret);
/* Is part within whole (text in text, bytes in bytes)? */
bool pm_value_contains(struct pm_value_reader *r, const struct pm_value *whole,
	const struct pm_value *part);

/* Code points of a text one by one, from any of its places. */
struct pm_value_chars {
	struct pm_value_reader *r;
	const struct pm_value *v;
	uint64_t pos;	      /* next code point, or byte of TEXT */
	uint64_t from, until; /* what buffer holds */
	unsigned char buffer[256];
	bool failed;
};
void pm_value_chars_init(struct pm_value_chars *c, struct pm_value_reader *r,
	const struct pm_value *v);
/* UINT32_MAX at the end, or when it can't be read (failed). */
uint32_t pm_value_chars_next(struct pm_value_chars *c);

#endif
