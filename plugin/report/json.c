/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes a JSON document as it is said, without holding a tree of it: a table
   may have a million rows.  Jansson does strings and reals. */
#include "report/emit-private.h"
#include "report/json-string.h"

#include <jansson.h>
#include <string.h>

void json_writer_deinit(struct json_writer *w)
{
	pm_strbuf_deinit(&w->out);
}

static int append_to_strbuf(const char *bytes, size_t len, void *out)
{
	pm_strbuf_append(out, bytes, len);
	return 0;
}

static void cleanup_json(json_t **j)
{
	json_decref(*j);
}

/* A scalar made by jansson; takes j.  false: out of memory. */
static bool append_scalar(struct pm_strbuf *out, json_t *j)
{
	PM_CLEANUP(cleanup_json) json_t *guard = j;
	return guard && !json_dump_callback(guard, append_to_strbuf, out,
				JSON_ENCODE_ANY | JSON_REAL_PRECISION(12));
}

/* The same in JSON, between quotes? */
static bool is_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 ||
			(unsigned char)text[i] > 0x7e || text[i] == '"' ||
			text[i] == '\\')
			return false;
	return true;
}

void pm_json_string(struct pm_strbuf *out, const char *text, size_t len)
{
	if (is_plain(text, len)) {
		pm_strbuf_putc(out, '"');
		pm_strbuf_append(out, text, len);
		pm_strbuf_putc(out, '"');
		return;
	}
	json_t *j = json_stringn(text, len);
	if (!j) { /* not UTF-8, or out of memory; then this fails, too */
		pm_auto_strbuf escaped = {0};
		pm_strbuf_escaped(&escaped, text, len);
		out->failed |= escaped.failed;
		j = json_stringn(pm_strbuf_text(&escaped), escaped.len);
	}
	if (!append_scalar(out, j))
		out->failed = true;
}

static void append_string(struct json_writer *w, const char *text)
{
	pm_json_string(&w->out, text, strlen(text));
}

/* What comes before a value: comma, line break, key. */
static void begin_value(struct json_writer *w, const char *key)
{
	if (w->depth) {
		struct json_level *l = &w->level[w->depth - 1];
		if (l->any)
			pm_strbuf_putc(&w->out, ',');
		if (w->depth == 1 || l->rows)
			pm_strbuf_puts(&w->out, w->depth > 1 ? "\n  "
						: l->any     ? "\n "
							     : "");
		else if (l->any)
			pm_strbuf_putc(&w->out, ' ');
		l->any = true;
		if (!l->array) {
			append_string(w, key ? key : "");
			pm_strbuf_puts(&w->out, ": ");
		}
	}
}

void json_write_open(
	struct json_writer *w, const char *key, bool array, bool rows)
{
	begin_value(w, key);
	pm_strbuf_putc(&w->out, array ? '[' : '{');
	if (w->depth == PM_JSON_DEPTH) {
		w->failed = true;
		return;
	}
	w->level[w->depth++] =
		(struct json_level){.array = array, .rows = rows};
}

void json_write_close(struct json_writer *w)
{
	if (!w->depth) {
		w->failed = true;
		return;
	}
	struct json_level *l = &w->level[--w->depth];
	if (l->rows && l->any)
		pm_strbuf_puts(&w->out, "\n ");
	pm_strbuf_putc(&w->out, l->array ? ']' : '}');
}

void json_write_text(struct json_writer *w, const char *key, const char *value)
{
	if (!value) {
		json_write_null(w, key);
		return;
	}
	begin_value(w, key);
	append_string(w, value);
}

void json_write_uint(struct json_writer *w, const char *key, uint64_t value)
{
	begin_value(w, key);
	pm_strbuf_printf(&w->out, "%llu", (unsigned long long)value);
}

void json_write_int(struct json_writer *w, const char *key, int64_t value)
{
	begin_value(w, key);
	pm_strbuf_printf(&w->out, "%lld", (long long)value);
}

void json_write_real(struct json_writer *w, const char *key, double value)
{
	if (!__builtin_isfinite(value)) {
		json_write_null(w, key);
		return;
	}
	begin_value(w, key);
	w->failed |= !append_scalar(&w->out, json_real(value));
}

void json_write_bool(struct json_writer *w, const char *key, bool value)
{
	begin_value(w, key);
	pm_strbuf_puts(&w->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *w, const char *key)
{
	begin_value(w, key);
	pm_strbuf_puts(&w->out, "null");
}
