/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/operand.h"

#include <string.h>

static const char type_is[] = "type = ";

/* The last "type = TYPE" of the block; the bytes before it may be anything. */
static const char *find_type(const char *raw, size_t len)
{
	const char *found = NULL, *end = raw + len;
	for (const char *p = raw; p;) {
		p = memmem(p, (size_t)(end - p), type_is, strlen(type_is));
		if (p)
			found = p++;
	}
	return found;
}

enum pm_status pm_operand_take(struct pm_run *run, const struct pm_request *r,
	bool *ret_reference, struct pm_error *err)
{
	size_t len = 0;
	const char *raw = pm_request_block(r, PM_Q_ADDR, &len);
	const char *type = raw ? find_type(raw, len) : NULL;
	pm_auto_strbuf shown = {0};
	pm_strbuf_escaped(&shown, run->operand, strnlen(run->operand, 200));
	if (!type)
		return pm_fail(err, PM_USAGE, 0,
			"%s: GDB gave no value for \"%s\"", run->command->name,
			pm_strbuf_text(&shown));
	size_t size = (size_t)(type - raw);
	type += strlen(type_is);
	size_t n = strcspn(type, "\n");
	char last = n ? type[n - 1] : '\0';
	if (last == ']' || (size != 4 && size != 8))
		return pm_fail(err, PM_USAGE, 0,
			"%s: \"%s\" is not an address: it is of type %.*s (%zu "
			"bytes)",
			run->command->name, pm_strbuf_text(&shown),
			n > 100 ? 100 : (int)n, type, size);
	run->addr = pm_load(raw, (unsigned)size, r->big_endian);
	run->has_addr = true;
	*ret_reference = last == '&';
	return PM_OK;
}
