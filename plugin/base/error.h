/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors by value: the caller owns the storage, there is nothing to free, and
   it survives a C++ exception and an out-of-memory.  A fallible function
   returns a status; when it is not PM_OK it has filled *err (err may be NULL)
   and left its results untouched. */
#ifndef PM_BASE_ERROR_H
#define PM_BASE_ERROR_H

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An address in the target; never a pointer of this process. */
typedef uint64_t pm_addr;

#define PM_STATUSES(X)                                                         \
	X(OK, "success")                                                       \
	X(FAULT, "target memory not readable")                                 \
	X(CORRUPT, "target data inconsistent")                                 \
	X(ABSENT, "not in this layout")                                        \
	X(LIMIT, "limit exceeded")                                             \
	X(NOMEM, "out of memory")                                              \
	X(USAGE, "bad arguments")                                              \
	X(INTERRUPTED, "interrupted")                                          \
	X(SYSTEM, "system call failed")

enum pm_status {
#define X(name, text) PM_##name,
	PM_STATUSES(X)
#undef X
};

struct pm_error {
	enum pm_status status;
	pm_addr addr; /* where in the target, 0 if it does not apply */
	char msg[512];
};

/* The text of a status, static storage. */
const char *pm_status_text(enum pm_status status);

/* Fills *err and returns status: "return pm_fail(err, PM_FAULT, a, ...)". */
PM_PRINTF(4, 5)
enum pm_status pm_fail(struct pm_error *err, enum pm_status status,
	pm_addr addr, const char *fmt, ...);

/* A message may have several lines: the last one is the error, those before it
   show where. */
const char *pm_error_last_line(const struct pm_error *err);

/* Puts "context: " before the last line; long texts are cut. */
PM_PRINTF(2, 3)
void pm_error_context(struct pm_error *err, const char *fmt, ...);

/* FAULT, CORRUPT and ABSENT are of one object: count it and go on.  All else
   ends the command. */
static inline bool pm_status_is_fatal(enum pm_status s)
{
	return s != PM_OK && s != PM_FAULT && s != PM_CORRUPT && s != PM_ABSENT;
}

#define PM_TRY(expr)                                                           \
	do {                                                                   \
		enum pm_status pm_try_ = (expr);                               \
		if (pm_try_ != PM_OK)                                          \
			return pm_try_;                                        \
	} while (0)

#endif
