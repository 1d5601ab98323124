/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command shows, said once, rendered as aligned text or as one JSON
   document.  Sequence: any number of tables and values, then finish.  Numbers
   are given exact; the renderer makes them human (1.5 MiB) or, with
   opts.bytes and in JSON, exact.  Out of memory is remembered and returned by
   pm_emit_finish. */
#ifndef PM_REPORT_EMIT_H
#define PM_REPORT_EMIT_H

#include "base/strbuf.h"

/* HTML: a part of a page (page.h), with what text shows. */
enum pm_emit_format { PM_EMIT_TEXT, PM_EMIT_JSON, PM_EMIT_SHORT, PM_EMIT_HTML };

struct pm_emit_options {
	enum pm_emit_format format;
	bool bytes;	 /* exact sizes in text */
	bool stable_ids; /* addresses as #1, #2, ... in order of appearance */
	unsigned width;	 /* of the terminal; 0: do not cut */
};

enum pm_cell_type {
	PM_CELL_TEXT,  /* already escaped text (target bytes through strbuf) */
	PM_CELL_COUNT, /* uint64_t, digits grouped in text */
	PM_CELL_SIZE,  /* uint64_t bytes */
	PM_CELL_PERCENT, /* double 0..100; text only, never in JSON */
	PM_CELL_ADDR,	 /* pm_addr; JSON "0x..." */
	PM_CELL_BOOL,
	PM_CELL_INT,	    /* int64_t, no grouping */
	PM_CELL_DELTA,	    /* int64_t, digits grouped, always with a sign */
	PM_CELL_DELTA_SIZE, /* the same in bytes */
};

struct pm_column {
	const char *key;   /* JSON key, NULL: only in text */
	const char *title; /* header, NULL: only in JSON */
	enum pm_cell_type type;
};

struct pm_cell {
	union {
		const char *text; /* NULL: empty cell, null in JSON */
		uint64_t u;
		int64_t i;
		double d;
		bool b;
	};
	bool absent; /* "-" in text, null in JSON */
};

struct pm_emit; /* opaque */

struct pm_emit *pm_emit_create(
	const char *command, const struct pm_emit_options *o);
void pm_emit_destroy(struct pm_emit *e);
static inline void pm_cleanup_emit(struct pm_emit **e)
{
	pm_emit_destroy(*e);
}

/* A line of text only, and a line break; no JSON. */
PM_PRINTF(2, 3) void pm_emit_line(struct pm_emit *e, const char *fmt, ...);

/* A picture, a document of SVG: only a page shows it.  Whether it does, for who
   would draw one for nothing. */
bool pm_emit_shows_pictures(const struct pm_emit *e);
void pm_emit_picture(struct pm_emit *e, const char *svg);

/* Values of the current JSON object (the document, or the innermost
   pm_emit_open). Text shows nothing: use pm_emit_line beside it. */
void pm_emit_text(struct pm_emit *e, const char *key, const char *value);
void pm_emit_uint(struct pm_emit *e, const char *key, uint64_t value);
void pm_emit_int(struct pm_emit *e, const char *key, int64_t value);
void pm_emit_addr(struct pm_emit *e, const char *key, pm_addr value);
void pm_emit_bool(struct pm_emit *e, const char *key, bool value);
void pm_emit_real(struct pm_emit *e, const char *key, double value);
void pm_emit_null(struct pm_emit *e, const char *key);
/* Opens an object or array under key (NULL inside an array). */
void pm_emit_open_object(struct pm_emit *e, const char *key);
void pm_emit_open_array(struct pm_emit *e, const char *key);
void pm_emit_close(struct pm_emit *e);

/* A table under key ("rows").  Columns and cells, one per column, are copied,
   keys and titles are not.  limit: rows rendered at
   most (0: all); the rest is counted, and "N more rows (-all shows them)" is
   said. A row given an object address sets $py1, $py2, ... by row. */
void pm_emit_table(struct pm_emit *e, const char *key,
	const struct pm_column *columns, size_t n, size_t limit);
void pm_emit_row(
	struct pm_emit *e, const struct pm_cell *cells, pm_addr object);
/* The total under a text table (cells may be absent); JSON totals are emitted
   by the command as an object "total". */
void pm_emit_total(struct pm_emit *e, const struct pm_cell *cells);
/* Rows that exist and that the command does not emit: the text says so. */
void pm_emit_table_hide(struct pm_emit *e, uint64_t rows);
void pm_emit_table_end(struct pm_emit *e);

/* "skipped": {"unreadable": n, "inconsistent": n} and a line of text when not
   both are 0.  Every document has it. */
void pm_emit_skipped(
	struct pm_emit *e, uint64_t unreadable, uint64_t inconsistent);

/* Convenience variable $name = value, set in GDB after the command. */
void pm_emit_variable(struct pm_emit *e, const char *name, uint64_t value);

/* Renders; text is owned by e.  variables: "name=value" pairs for the host. */
struct pm_emit_variable {
	char name[32];
	uint64_t value;
	bool pointer; /* an address in the target: the host shows it as one */
};
PM_CHECKED enum pm_status pm_emit_finish(struct pm_emit *e,
	const char **ret_text, size_t *ret_len,
	const struct pm_emit_variable **ret_vars, size_t *ret_nvars,
	struct pm_error *err);

/* 1536 -> "1.5 KiB"; buf of 16. */
const char *pm_human_size(uint64_t bytes, char buf[static 16]);

#endif
