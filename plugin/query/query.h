/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A condition on objects, as a user writes it after -where:

	.state == "open" and (len(.items) > 3 or not .owner)

   value      .name  .name.more  .list[0]  .dict["k"]  self
	      len size alloc refcount type addr tracked, of the object or of
	      another value: len(.items)
	      12  0x1f  -1.5  "text"  b"bytes"  None  True  False
   condition  == != < <= > >=   ~ "REGEX"  !~ "REGEX"   is  is not
	      in (1, 2)  in .list  "part" in .name  not in
	      a value alone (is it true?), not, and, or, parentheses

   A comparison with something that is not there, or that Python would not
   compare, is false.  A query is parsed once and shared by threads; each
   thread has an evaluator, which needs no memory per object. */
#ifndef PM_QUERY_QUERY_H
#define PM_QUERY_QUERY_H

#include "heap/walk.h"
#include "query/value.h"

struct pm_query; /* opaque, does not change */

/* PM_USAGE: several lines, the text with a caret under the token that is
   wrong, then what is wrong with it. */
PM_CHECKED enum pm_status pm_query_parse(
	const char *text, struct pm_query **ret, struct pm_error *err);
/* The same for a value alone: ".state", "len", "type". */
PM_CHECKED enum pm_status pm_query_parse_value(
	const char *text, struct pm_query **ret, struct pm_error *err);
void pm_query_destroy(struct pm_query *q);
static inline void pm_cleanup_query(struct pm_query **q)
{
	pm_query_destroy(*q);
}

/* Does it ask for what only one thread can find out? */
bool pm_query_is_serial(const struct pm_query *q);

struct pm_evaluator; /* opaque */

/* o is the thread's own; h is asked for alloc only. */
PM_CHECKED enum pm_status pm_evaluator_create(const struct pm_query *q,
	struct pm_heap *h, const struct pm_objects *o,
	struct pm_evaluator **ret, struct pm_error *err);
void pm_evaluator_destroy(struct pm_evaluator *e);

/* Does the query hold for x? */
bool pm_evaluator_matches(struct pm_evaluator *e, const struct pm_object *x);
/* The value of a query that is one; what literals and types hold in it lives
   as long as the query and the types. */
void pm_evaluator_value(struct pm_evaluator *e, const struct pm_object *x,
	struct pm_value *ret);
/* How often something could not be read. */
uint64_t pm_evaluator_unreadable(const struct pm_evaluator *e);

#endif
