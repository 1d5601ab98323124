/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What GDB answered: a sequence of records and blocks, each naming itself, so
   that a question whose expression failed is simply not there.
     record: two 8-byte words {tag | id, value}
     block:  {tag | id, 0} any bytes {end tag | id, 0} */
#ifndef PM_GDB_REQUEST_H
#define PM_GDB_REQUEST_H

#include "base/strbuf.h"
#include "base/vec.h"

#define PM_TAG_RECORD UINT64_C(0x504d520100000000)
#define PM_TAG_BLOCK UINT64_C(0x504d520200000000)
#define PM_TAG_END UINT64_C(0x504d520300000000)

enum pm_question {
	PM_Q_COMMAND = 1, /* block: the typed line */
	PM_Q_IDLE,	  /* there is no thread, so nothing can be asked */
	PM_Q_THREAD,
	PM_Q_INFERIOR,
	PM_Q_SP,
	PM_Q_PC,
	PM_Q_ADDR,	/* block: the operand's bytes, then "type = TYPE" */
	PM_Q_INFERIORS, /* block: "info inferiors" */
	PM_Q_FILES,	/* block: "info files" */
	PM_Q_MAPPINGS,	/* block: "info proc mappings" */
	PM_Q_CACHE,	/* block: "info dcache" */
	PM_Q_SYSROOT,	/* block: GDB's setting, with or without a NUL */
	PM_Q_STYLE,	/* GDB's setting, 0: no colours */
	PM_Q_WITNESS = 0x100,
	PM_Q_DEBUG_INFO = 0x10000, /* + index of the question */
};

struct pm_record {
	uint32_t id;
	uint64_t value;
};

struct pm_block {
	uint32_t id;
	size_t off, len;
};

struct pm_request {
	struct pm_strbuf bytes;
	PM_VEC(struct pm_record) records;
	PM_VEC(struct pm_block) blocks;
	bool big_endian; /* as GDB writes the target's values */
};

/* Splits ->bytes. Bytes that fit nothing are ignored. */
PM_CHECKED enum pm_status pm_request_parse(
	struct pm_request *r, struct pm_error *err);
void pm_request_deinit(struct pm_request *r);

bool pm_request_value(const struct pm_request *r, uint32_t id, uint64_t *ret);
/* The block as text, not terminated; NULL when there is none. */
const char *pm_request_block(
	const struct pm_request *r, uint32_t id, size_t *ret_len);

#endif
