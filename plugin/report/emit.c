/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/emit-private.h"

#include <ctype.h>
#include <string.h>

/* Setting a convenience variable costs GDB a command: rows beyond this have
   none. */
#define ROW_VARIABLES 1000

struct pm_emit *pm_emit_create(
	const char *command, const struct pm_emit_options *o)
{
	struct pm_emit *e = calloc(1, sizeof *e);
	if (!e)
		return NULL;
	e->o = *o;
	snprintf(e->command, sizeof e->command, "%s", command);
	if (e->o.format == PM_EMIT_JSON) {
		json_write_open(&e->json, NULL, false, false);
		json_write_text(&e->json, "command", command);
	}
	return e;
}

void pm_emit_destroy(struct pm_emit *e)
{
	if (!e)
		return;
	pm_strbuf_deinit(&e->text);
	json_writer_deinit(&e->json);
	text_table_deinit(&e->table);
	pm_vec_deinit(&e->vars);
	pm_map_deinit(&e->ids);
	free(e);
}

static bool is_json(const struct pm_emit *e)
{
	return e->o.format == PM_EMIT_JSON;
}

const char *emit_address(struct pm_emit *e, pm_addr a, char buf[static 24])
{
	if (!e->o.stable_ids || !a) {
		snprintf(buf, 24, "0x%llx", (unsigned long long)a);
		return buf;
	}
	bool is_new;
	struct pm_map_slot *s = pm_map_put(&e->ids, a, &is_new);
	if (!s) {
		e->failed = true;
		return "#0";
	}
	if (is_new)
		s->value = e->ids.len;
	snprintf(buf, 24, "#%llu", (unsigned long long)s->value);
	return buf;
}

void emit_stable_text(
	struct pm_emit *e, const char *text, size_t len, struct pm_strbuf *out)
{
	const char *p = text, *end = text + len;
	while (p < end) {
		const char *q = p + 2;
		/* Shorter ones are small numbers, not addresses. */
		if (end - p > 6 && p[0] == '0' && p[1] == 'x') {
			while (q < end && isxdigit((unsigned char)*q))
				q++;
			if (q - p > 6) {
				char buf[24];
				pm_addr a = strtoull(p, NULL, 16);
				pm_strbuf_puts(out, emit_address(e, a, buf));
				p = q;
				continue;
			}
		}
		pm_strbuf_putc(out, *p++);
	}
}

void pm_emit_line(struct pm_emit *e, const char *fmt, ...)
{
	if (e->o.format != PM_EMIT_TEXT && e->o.format != PM_EMIT_HTML)
		return;
	va_list ap;
	va_start(ap, fmt);
	pm_auto_free char *line = NULL;
	int n = vasprintf(&line, fmt, ap);
	va_end(ap);
	if (n < 0) {
		line = NULL;
		e->failed = true;
		return;
	}
	pm_auto_strbuf stable = {0};
	const char *text = line;
	if (e->o.stable_ids) {
		emit_stable_text(e, line, (size_t)n, &stable);
		e->failed |= stable.failed;
		text = pm_strbuf_text(&stable);
	}
	if (e->o.format == PM_EMIT_HTML) {
		html_line(e, text, strlen(text));
		return;
	}
	pm_strbuf_puts(&e->text, text);
	pm_strbuf_putc(&e->text, '\n');
}

bool pm_emit_shows_pictures(const struct pm_emit *e)
{
	return e->o.format == PM_EMIT_HTML;
}

void pm_emit_picture(struct pm_emit *e, const char *svg)
{
	if (pm_emit_shows_pictures(e))
		html_picture(e, svg);
}

void pm_emit_text(struct pm_emit *e, const char *key, const char *value)
{
	if (!is_json(e))
		return;
	if (!value || !e->o.stable_ids) {
		json_write_text(&e->json, key, value);
		return;
	}
	pm_auto_strbuf stable = {0};
	emit_stable_text(e, value, strlen(value), &stable);
	e->failed |= stable.failed;
	json_write_text(&e->json, key, pm_strbuf_text(&stable));
}

void pm_emit_uint(struct pm_emit *e, const char *key, uint64_t value)
{
	if (is_json(e))
		json_write_uint(&e->json, key, value);
}

void pm_emit_int(struct pm_emit *e, const char *key, int64_t value)
{
	if (is_json(e))
		json_write_int(&e->json, key, value);
}

void pm_emit_addr(struct pm_emit *e, const char *key, pm_addr value)
{
	char buf[24];
	if (is_json(e))
		json_write_text(&e->json, key, emit_address(e, value, buf));
}

void pm_emit_bool(struct pm_emit *e, const char *key, bool value)
{
	if (is_json(e))
		json_write_bool(&e->json, key, value);
}

void pm_emit_real(struct pm_emit *e, const char *key, double value)
{
	if (is_json(e))
		json_write_real(&e->json, key, value);
}

void pm_emit_null(struct pm_emit *e, const char *key)
{
	if (is_json(e))
		json_write_null(&e->json, key);
}

void pm_emit_open_object(struct pm_emit *e, const char *key)
{
	if (is_json(e))
		json_write_open(&e->json, key, false, false);
}

void pm_emit_open_array(struct pm_emit *e, const char *key)
{
	if (is_json(e))
		json_write_open(&e->json, key, true, false);
}

void pm_emit_close(struct pm_emit *e)
{
	if (is_json(e))
		json_write_close(&e->json);
}

void pm_emit_table(struct pm_emit *e, const char *key,
	const struct pm_column *columns, size_t n, size_t limit)
{
	struct text_table *t = &e->table;
	pm_strbuf_reset(&t->text);
	t->cells.len = 0;
	t->columns.len = 0;
	if (pm_vec_reserve(&t->columns, n)) {
		memcpy(t->columns.data, columns, n * sizeof *columns);
		t->columns.len = n;
	} else {
		e->failed = true;
	}
	t->limit = limit;
	t->key = key;
	t->rows = t->hidden = 0;
	if (is_json(e))
		json_write_open(&e->json, key, true, true);
}

static void json_cell(struct pm_emit *e, const struct pm_column *c,
	const struct pm_cell *cell)
{
	if (!c->key || c->type == PM_CELL_PERCENT)
		return;
	if (cell->absent) {
		json_write_null(&e->json, c->key);
		return;
	}
	switch (c->type) {
	case PM_CELL_TEXT:
		pm_emit_text(e, c->key, cell->text);
		break;
	case PM_CELL_COUNT:
	case PM_CELL_SIZE:
		json_write_uint(&e->json, c->key, cell->u);
		break;
	case PM_CELL_ADDR:
		pm_emit_addr(e, c->key, cell->u);
		break;
	case PM_CELL_BOOL:
		json_write_bool(&e->json, c->key, cell->b);
		break;
	case PM_CELL_INT:
	case PM_CELL_DELTA:
	case PM_CELL_DELTA_SIZE:
		json_write_int(&e->json, c->key, cell->i);
		break;
	case PM_CELL_PERCENT:
		break;
	}
}

static void add_variable(
	struct pm_emit *e, const char *name, uint64_t value, bool pointer)
{
	struct pm_emit_variable v = {.value = value, .pointer = pointer};
	snprintf(v.name, sizeof v.name, "%s", name);
	if (!pm_vec_push(&e->vars, v))
		e->failed = true;
}

void pm_emit_row(struct pm_emit *e, const struct pm_cell *cells, pm_addr object)
{
	struct text_table *t = &e->table;
	if (!t->columns.len)
		return;
	if (t->limit && t->rows == t->limit) {
		t->hidden++;
		return;
	}
	t->rows++;
	if (object && t->rows <= ROW_VARIABLES) {
		char name[16];
		snprintf(name, sizeof name, "py%zu", t->rows);
		add_variable(e, name, object, true);
	}
	switch (e->o.format) {
	case PM_EMIT_TEXT:
		text_table_cells(e, cells);
		break;
	case PM_EMIT_HTML:
		html_table_row(e, cells, false);
		break;
	case PM_EMIT_SHORT:
		if (object) {
			char buf[24];
			pm_strbuf_puts(&e->text, emit_address(e, object, buf));
			pm_strbuf_putc(&e->text, '\n');
		}
		break;
	case PM_EMIT_JSON:
		json_write_open(&e->json, NULL, false, false);
		for (size_t i = 0; i < t->columns.len; i++)
			json_cell(e, &t->columns.data[i], &cells[i]);
		json_write_close(&e->json);
		break;
	}
}

void pm_emit_total(struct pm_emit *e, const struct pm_cell *cells)
{
	if (e->table.columns.len && e->o.format == PM_EMIT_TEXT)
		text_table_cells(e, cells);
	if (e->table.columns.len && e->o.format == PM_EMIT_HTML)
		html_table_row(e, cells, true);
}

void pm_emit_table_hide(struct pm_emit *e, uint64_t rows)
{
	e->table.hidden += rows;
}

void pm_emit_table_end(struct pm_emit *e)
{
	struct text_table *t = &e->table;
	if (!t->columns.len)
		return;
	if (is_json(e))
		json_write_close(&e->json);
	if (e->o.format == PM_EMIT_TEXT)
		text_table_render(e);
	if (e->o.format == PM_EMIT_HTML)
		html_table_end(e);
	char n[28];
	if (t->hidden)
		pm_emit_line(e, "%s more row%s (-all shows %s)",
			pm_grouped(t->hidden, n), t->hidden == 1 ? "" : "s",
			t->hidden == 1 ? "it" : "them");
	t->columns.len = 0;
}

void pm_emit_skipped(
	struct pm_emit *e, uint64_t unreadable, uint64_t inconsistent)
{
	e->skipped = true;
	pm_emit_open_object(e, "skipped");
	pm_emit_uint(e, "unreadable", unreadable);
	pm_emit_uint(e, "inconsistent", inconsistent);
	pm_emit_close(e);
	char u[28], i[28];
	if (unreadable || inconsistent)
		pm_emit_line(e, "skipped: %s unreadable, %s inconsistent",
			pm_grouped(unreadable, u), pm_grouped(inconsistent, i));
}

void pm_emit_variable(struct pm_emit *e, const char *name, uint64_t value)
{
	add_variable(e, name, value, false);
}

enum pm_status pm_emit_finish(struct pm_emit *e, const char **ret_text,
	size_t *ret_len, const struct pm_emit_variable **ret_vars,
	size_t *ret_nvars, struct pm_error *err)
{
	if (!e->finished) {
		pm_emit_table_end(e);
		if (e->o.format == PM_EMIT_HTML)
			html_finish(e);
		if (is_json(e)) {
			if (e->json.depth != 1)
				e->json.failed = true;
			if (!e->skipped)
				pm_emit_skipped(e, 0, 0);
			json_write_close(&e->json);
			pm_strbuf_putc(&e->json.out, '\n');
		}
		e->finished = true;
	}
	const struct pm_strbuf *b = is_json(e) ? &e->json.out : &e->text;
	if (e->failed || b->failed || e->json.failed || e->table.failed ||
		e->table.text.failed)
		return pm_fail(err, PM_NOMEM, 0,
			"out of memory while writing the result");
	*ret_text = pm_strbuf_text(b);
	*ret_len = b->len;
	*ret_vars = e->vars.data;
	*ret_nvars = e->vars.len;
	return PM_OK;
}
