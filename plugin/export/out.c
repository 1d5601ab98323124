/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export/out.h"

#include <string.h>

/* Bytes that are written at once. */
#define PIECE (UINT32_C(1) << 18)

enum pm_status pm_out_open(
	struct pm_out *o, const char *path, struct pm_error *err)
{
	o->path = strdup(path);
	if (!o->path)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return pm_new_file_create(path, &o->file, err);
}

enum pm_status pm_out_open_scratch(
	struct pm_out *o, const struct pm_out *beside, struct pm_error *err)
{
	return pm_new_file_create_scratch(beside->file, &o->file, err);
}

enum pm_status pm_out_flush(struct pm_out *o, bool all, struct pm_error *err)
{
	if (o->text.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!o->text.len || (!all && o->text.len < PIECE))
		return PM_OK;
	PM_TRY(pm_new_file_write(o->file, o->text.data, o->text.len, err));
	o->written += o->text.len;
	pm_strbuf_truncate(&o->text, 0);
	return PM_OK;
}

enum pm_status pm_out_move(struct pm_out *from, struct pm_out *to,
	bool *ret_done, struct pm_error *err)
{
	pm_auto_free char *piece = malloc(PIECE);
	size_t n = 0;
	if (!piece)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_out_flush(from, true, err));
	PM_TRY(pm_new_file_read(from->file, piece, PIECE, &n, err));
	pm_strbuf_append(&to->text, piece, n);
	PM_TRY(pm_out_flush(to, false, err));
	*ret_done = n == 0;
	return PM_OK;
}

enum pm_status pm_out_commit(struct pm_out *o, struct pm_error *err)
{
	PM_TRY(pm_out_flush(o, true, err));
	return pm_new_file_commit(o->file, err);
}

void pm_out_deinit(struct pm_out *o)
{
	pm_new_file_destroy(o->file);
	free(o->path);
	pm_strbuf_deinit(&o->text);
	*o = (struct pm_out){0};
}

void pm_out_number(struct pm_strbuf *b, uint64_t n)
{
	char digits[20], *p = digits + sizeof digits;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	pm_strbuf_append(b, p, (size_t)(digits + sizeof digits - p));
}
