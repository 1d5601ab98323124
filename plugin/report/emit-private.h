/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by emit.c (what is said), text.c (aligned columns) and json.c. */
#ifndef PM_REPORT_EMIT_PRIVATE_H
#define PM_REPORT_EMIT_PRIVATE_H

#include "base/map.h"
#include "base/vec.h"
#include "report/emit.h"

/* Objects and arrays inside each other; deeper ones fail the document. */
#define PM_JSON_DEPTH 16

struct json_level {
	bool array, any, rows; /* rows: one element per line */
};

struct json_writer {
	struct pm_strbuf out;
	struct json_level level[PM_JSON_DEPTH];
	unsigned depth;
	bool failed;
};

/* A rendered cell: a slice of table.text. */
struct text_cell {
	size_t off, len;
};

struct text_table {
	PM_VEC(struct pm_column) columns; /* len 0: no table is open */
	size_t limit, rows, hidden;
	const char *key;
	struct pm_strbuf text;
	PM_VEC(struct text_cell) cells; /* columns.len per row */
	bool total;			/* the last row of cells is the total */
	bool failed;
};

struct html_state {
	bool lines, table; /* that are open */
};

struct pm_emit {
	char command[40];
	struct pm_emit_options o;
	struct pm_strbuf text;	 /* all but PM_EMIT_JSON */
	struct json_writer json; /* PM_EMIT_JSON */
	struct text_table table;
	struct html_state html; /* PM_EMIT_HTML */
	PM_VEC(struct pm_emit_variable) vars;
	struct pm_map ids; /* address to id, with stable_ids */
	bool skipped;	   /* pm_emit_skipped was called */
	bool failed, finished;
};

/* "0x7f.." or "#3"; buf of 24. */
const char *emit_address(struct pm_emit *e, pm_addr a, char buf[static 24]);
/* text with each hexadecimal address in it replaced by its stable id, to out
   (may be NULL to only number them). */
void emit_stable_text(
	struct pm_emit *e, const char *text, size_t len, struct pm_strbuf *out);

/* text.c */
/* Appends a cell as it is read; its column has a title. */
void text_cell(struct pm_emit *e, const struct pm_column *c,
	const struct pm_cell *cell, struct pm_strbuf *out);
/* Do cells begin at the left?  Numbers end at the right. */
bool text_is_left(enum pm_cell_type t);
void text_table_cells(struct pm_emit *e, const struct pm_cell *cells);
void text_table_render(struct pm_emit *e);
void text_table_deinit(struct text_table *t);
/* Columns of a terminal that UTF-8 text takes. */
size_t text_width(const char *text, size_t len);

/* html.c */
void html_line(struct pm_emit *e, const char *text, size_t len);
void html_table_row(struct pm_emit *e, const struct pm_cell *cells, bool total);
void html_table_end(struct pm_emit *e);
void html_picture(struct pm_emit *e, const char *svg);
void html_finish(struct pm_emit *e);

/* json.c */
void json_writer_deinit(struct json_writer *w);
void json_write_open(
	struct json_writer *w, const char *key, bool array, bool rows);
void json_write_close(struct json_writer *w);
void json_write_text(struct json_writer *w, const char *key, const char *value);
void json_write_uint(struct json_writer *w, const char *key, uint64_t value);
void json_write_int(struct json_writer *w, const char *key, int64_t value);
void json_write_real(struct json_writer *w, const char *key, double value);
void json_write_bool(struct json_writer *w, const char *key, bool value);
void json_write_null(struct json_writer *w, const char *key);

#endif
