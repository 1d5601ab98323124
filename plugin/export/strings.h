/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The strings of a heapsnapshot, which come last in the file and are known by
   their number before: they go to a scratch file meanwhile.  Equal ones are
   one, as far as a table of fixed size remembers them, so memory does not grow
   with their number. */
#ifndef PM_EXPORT_STRINGS_H
#define PM_EXPORT_STRINGS_H

#include "export/out.h"

struct pm_strings; /* opaque */

/* They are appended to the text of out, which lives longer. */
PM_CHECKED enum pm_status pm_strings_create(
	struct pm_out *out, struct pm_strings **ret, struct pm_error *err);
void pm_strings_destroy(struct pm_strings *s);

/* The number of a text. */
uint32_t pm_strings_add(struct pm_strings *s, const char *text, size_t len);
/* That of what is known by a word, such as the address of a str, not 0; false:
   it is not known any more, or never was. */
bool pm_strings_recall(
	const struct pm_strings *s, uint64_t word, uint32_t *ret);
void pm_strings_remember(struct pm_strings *s, uint64_t word, uint32_t number);
uint32_t pm_strings_count(const struct pm_strings *s);

#endif
