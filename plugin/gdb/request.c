/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/request.h"

#include "base/load.h"

#include <string.h>

#define TAG_MASK UINT64_C(0xffffffff00000000)

void pm_request_deinit(struct pm_request *r)
{
	pm_strbuf_deinit(&r->bytes);
	pm_vec_deinit(&r->records);
	pm_vec_deinit(&r->blocks);
}

/* GDB writes values in the target's byte order; the tag shows which. */
static bool read_words(
	const char *p, uint64_t ret[static 2], bool *ret_big_endian)
{
	for (int big = 0; big < 2; big++) {
		uint64_t tag = pm_load(p, 8, big) & TAG_MASK;
		if (tag != PM_TAG_RECORD && tag != PM_TAG_BLOCK &&
			tag != PM_TAG_END)
			continue;
		ret[0] = pm_load(p, 8, big);
		ret[1] = pm_load(p + 8, 8, big);
		*ret_big_endian = big;
		return true;
	}
	return false;
}

/* Where the block's end record is, or the end of the bytes. */
static size_t find_end(const struct pm_request *r, size_t pos, uint32_t id)
{
	const char *p = pm_strbuf_text(&r->bytes);
	uint64_t w[2];
	bool big;
	for (size_t i = pos; i + 16 <= r->bytes.len; i++)
		if (read_words(p + i, w, &big) && w[0] == (PM_TAG_END | id))
			return i;
	return r->bytes.len;
}

enum pm_status pm_request_parse(struct pm_request *r, struct pm_error *err)
{
	const char *p = pm_strbuf_text(&r->bytes);
	size_t pos = 0;
	bool ok = true;
	r->records.len = r->blocks.len = 0;
	while (ok && pos + 16 <= r->bytes.len) {
		uint64_t w[2];
		if (!read_words(p + pos, w, &r->big_endian)) {
			pos++;
			continue;
		}
		uint32_t id = (uint32_t)w[0];
		pos += 16;
		if ((w[0] & TAG_MASK) == PM_TAG_RECORD) {
			ok = pm_vec_push(&r->records,
				(struct pm_record){.id = id, .value = w[1]});
		} else if ((w[0] & TAG_MASK) == PM_TAG_BLOCK) {
			size_t end = find_end(r, pos, id);
			ok = pm_vec_push(&r->blocks, (struct pm_block){.id = id,
							     .off = pos,
							     .len = end - pos});
			pos = end;
		}
	}
	if (!ok)
		return pm_fail(
			err, PM_NOMEM, 0, "out of memory for GDB's answers");
	return PM_OK;
}

bool pm_request_value(const struct pm_request *r, uint32_t id, uint64_t *ret)
{
	pm_vec_each (rec, &r->records)
		if (rec->id == id) {
			*ret = rec->value;
			return true;
		}
	return false;
}

const char *pm_request_block(
	const struct pm_request *r, uint32_t id, size_t *ret_len)
{
	pm_vec_each (b, &r->blocks)
		if (b->id == id) {
			*ret_len = b->len;
			return pm_strbuf_text(&r->bytes) + b->off;
		}
	return NULL;
}
