/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Growing text.  Out of memory makes the buffer "failed": further appends do
   nothing and pm_strbuf_failed says so, so that callers check once, at the
   end.  Every byte that came from the target goes through
   pm_strbuf_escaped. */
#ifndef PM_BASE_STRBUF_H
#define PM_BASE_STRBUF_H

#include "base/error.h"

struct pm_strbuf {
	char *data; /* NUL-terminated once anything was appended */
	size_t len, cap;
	bool failed;
};

void pm_strbuf_deinit(struct pm_strbuf *b);
#define pm_auto_strbuf PM_CLEANUP(pm_strbuf_deinit) struct pm_strbuf

/* Forgets the text, keeps the memory. */
void pm_strbuf_reset(struct pm_strbuf *b);
/* The text, "" when empty; owned by b, valid until the next append. */
const char *pm_strbuf_text(const struct pm_strbuf *b);
/* The text for the caller to free, NULL when empty or failed. */
char *pm_strbuf_take(struct pm_strbuf *b);
/* Cuts back to len bytes. */
void pm_strbuf_truncate(struct pm_strbuf *b, size_t len);

void pm_strbuf_append(struct pm_strbuf *b, const void *bytes, size_t len);
void pm_strbuf_puts(struct pm_strbuf *b, const char *text);
void pm_strbuf_putc(struct pm_strbuf *b, char c);
PM_PRINTF(2, 3)
void pm_strbuf_printf(struct pm_strbuf *b, const char *fmt, ...);

/* 1234567 -> "1,234,567"; buf of 28. */
const char *pm_grouped(uint64_t n, char buf[static 28]);

/* Appends one code point as Python's repr() would inside quotes: printable
   ones as UTF-8, others as \n, \xNN, \uNNNN, \UNNNNNNNN; the quote character
   and backslash with a backslash (quote 0: neither is escaped).  Control
   characters, bidi controls and surrogates never reach a terminal raw. */
void pm_strbuf_code_point(struct pm_strbuf *b, uint32_t cp, char quote);

/* The same, where the caller knows whether it is printable. */
void pm_strbuf_character(
	struct pm_strbuf *b, uint32_t cp, char quote, bool printable);

/* Appends bytes that should be UTF-8 text (names, paths): valid sequences as
   by pm_strbuf_code_point with quote 0, invalid bytes as \xNN. */
void pm_strbuf_escaped(struct pm_strbuf *b, const void *bytes, size_t len);

#endif
