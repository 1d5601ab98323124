/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <string.h>

const char *pm_status_text(enum pm_status status)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PM_STATUSES(X)
#undef X
	};
	if ((size_t)status >= sizeof texts / sizeof *texts)
		return "unknown status";
	return texts[status];
}

enum pm_status pm_fail(struct pm_error *err, enum pm_status status,
	pm_addr addr, const char *fmt, ...)
{
	if (!err)
		return status;
	err->status = status;
	err->addr = addr;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof err->msg, fmt, ap);
	va_end(ap);
	return status;
}

const char *pm_error_last_line(const struct pm_error *err)
{
	const char *nl = strrchr(err->msg, '\n');
	return nl ? nl + 1 : err->msg;
}

void pm_error_context(struct pm_error *err, const char *fmt, ...)
{
	if (!err)
		return;
	char old[sizeof err->msg];
	const char *last = pm_error_last_line(err);
	size_t at = (size_t)(last - err->msg), room = sizeof old - at;
	memcpy(old, last, room);
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(err->msg + at, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n + 4 >= room)
		return;
	size_t used = at + (size_t)n;
	snprintf(err->msg + used, sizeof err->msg - used, ": %.*s",
		(int)(sizeof err->msg - used - 3), old);
}
