/* SPDX-License-Identifier: GPL-3.0-or-later */
/* str objects of the target. */
#ifndef PM_OBJECT_TEXT_H
#define PM_OBJECT_TEXT_H

#include "base/strbuf.h"
#include "layout/layout.h"

/* Where the characters of a str are; from PyASCIIObject and what follows
   (Objects/unicodeobject.c). */
struct pm_text {
	uint64_t length; /* code points */
	unsigned kind;	 /* bytes per code point: 1, 2, 4 */
	bool ascii, compact;
	unsigned interned;
	pm_addr data; /* 0: none */
	pm_addr utf8; /* separate UTF-8 copy, 0: none */
	uint64_t utf8_length;
	pm_addr wstr; /* separate wchar_t copy, 0: none */
	uint64_t wstr_length;
};

/* Decodes the head of the str at addr whose first bytes, up to avail, are at
   body.  PM_CORRUPT when it makes no sense. */
PM_CHECKED enum pm_status pm_text_parse(const struct pm_layout *l, pm_addr addr,
	const void *body, size_t avail, struct pm_text *ret,
	struct pm_error *err);
PM_CHECKED enum pm_status pm_text_load(const struct pm_layout *l,
	struct pm_memory *m, pm_addr addr, struct pm_text *ret,
	struct pm_error *err);

/* Appends at most limit code points of the str at addr, escaped; "..." when
   cut. quote: 0, or the quote character to escape. */
PM_CHECKED enum pm_status pm_text_append(const struct pm_layout *l,
	struct pm_memory *m, pm_addr addr, size_t limit, char quote,
	struct pm_strbuf *out, struct pm_error *err);

/* Is the str at addr exactly this ASCII text? */
bool pm_text_equals(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, const char *ascii);

#endif
