/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "query/query-internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define SHOWN 120 /* columns of a long source around the caret */

const char *query_token_text(enum query_token_kind kind)
{
	static const char *const texts[] = {
#define X(name, text) text,
		PM_TOKENS(X)
#undef X
	};
	return texts[kind];
}

/* Columns that an escaped text takes, about. */
static size_t columns(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool is_rest(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

enum pm_status query_fail(struct pm_error *err, const char *source, size_t at,
	size_t len, const char *fmt, ...)
{
	size_t total = strlen(source), from = 0, until = total;
	pm_auto_strbuf before = {0}, marked = {0}, after = {0}, text = {0};
	if (at > SHOWN / 2)
		from = at - SHOWN / 2;
	while (from && is_rest(source[from]))
		from--;
	if (until > from + SHOWN)
		until = from + SHOWN;
	while (until < total && is_rest(source[until]))
		until++;
	if (at + len > until)
		len = until > at ? until - at : 0;
	pm_strbuf_escaped(&before, source + from, at - from);
	pm_strbuf_escaped(&marked, source + at, len);
	pm_strbuf_escaped(&after, source + at + len, until - at - len);
	va_list ap;
	va_start(ap, fmt);
	pm_auto_free char *why = NULL;
	if (vasprintf(&why, fmt, ap) < 0)
		why = NULL;
	va_end(ap);
	pm_strbuf_printf(&text, "%s%s%s%s%s\n", from ? "..." : "",
		pm_strbuf_text(&before), pm_strbuf_text(&marked),
		pm_strbuf_text(&after), until < total ? "..." : "");
	size_t column = columns(pm_strbuf_text(&before)) + (from ? 3 : 0);
	size_t carets = columns(pm_strbuf_text(&marked));
	for (size_t i = 0; i < column; i++)
		pm_strbuf_putc(&text, ' ');
	for (size_t i = 0; i < (carets ? carets : 1); i++)
		pm_strbuf_putc(&text, '^');
	if (!why || text.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return pm_fail(err, PM_USAGE, 0, "%s\n%s", pm_strbuf_text(&text), why);
}

/* ---- numbers ---- */

static bool is_name_start(char c)
{
	return isalpha((unsigned char)c) || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_name(char c)
{
	return is_name_start(c) || isdigit((unsigned char)c);
}

static int digit_of(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	int low = tolower((unsigned char)c);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
}

static enum pm_status read_number(const char *source, size_t *pos,
	struct query_token *t, struct pm_error *err)
{
	const char *p = source + *pos;
	bool hex = p[0] == '0' && (p[1] | 32) == 'x';
	int base = hex ? 16 : 10;
	const char *q = hex ? p + 2 : p, *first = q;
	const __int128 most = (__int128)1 << 120;
	__int128 n = 0;
	bool fits = true;
	for (; digit_of(*q) < base || (*q == '_' && q > first); q++) {
		if (*q == '_')
			continue;
		fits = fits && n < most / base;
		n = fits ? n * base + digit_of(*q) : n;
	}
	bool real = !hex && (*q == '.' || (*q | 32) == 'e');
	if (real) {
		char *end;
		t->value = (struct pm_value){.kind = PM_VALUE_FLOAT};
		t->value.d = strtod(p, &end);
		q = end;
	} else {
		t->value = pm_value_int(n);
	}
	t->kind = TOKEN_NUMBER;
	size_t len = (size_t)(q - p);
	while (is_name(p[len]))
		len++;
	if (q == first || p + len != q)
		return query_fail(
			err, source, *pos, len, "this is not a number");
	if (!real && !fits)
		return query_fail(err, source, *pos, len,
			"numbers of more than 120 bits can't be written");
	*pos += len;
	return PM_OK;
}

/* ---- texts ---- */

static void put_utf8(struct pm_strbuf *b, uint32_t c)
{
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
	unsigned n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (unsigned i = n; i-- > 0;) {
		uint32_t part = c >> 6 * i;
		pm_strbuf_putc(b, (char)(n == 1	       ? c
					  : i == n - 1 ? lead[n] | part
						       : 0x80 | (part & 0x3f)));
	}
}

/* What follows a backslash; returns the bytes read, 0: no such escape. */
static size_t read_escape(const char *p, bool data, struct pm_strbuf *out)
{
	static const char names[] = "ntr0\\\"'", values[] = "\n\t\r\0\\\"'";
	const char *name = *p ? strchr(names, *p) : NULL;
	if (name) {
		pm_strbuf_putc(out, values[name - names]);
		return 1;
	}
	unsigned digits = *p == 'x'	       ? 2
			  : *p == 'u' && !data ? 4
			  : *p == 'U' && !data ? 8
					       : 0;
	uint32_t c = 0;
	for (unsigned i = 1; i <= digits; i++) {
		int d = digit_of(p[i]);
		if (d > 15)
			return 0;
		c = c << 4 | (uint32_t)d;
	}
	if (!digits || c > 0x10ffff)
		return 0;
	if (data)
		pm_strbuf_putc(out, (char)c);
	else
		put_utf8(out, c);
	return digits + 1;
}

static bool is_utf8(const char *text, size_t len)
{
	/* Escaping changes what is none: it makes \xNN of it. */
	pm_auto_strbuf shown = {0};
	for (size_t i = 0; i < len; i++) {
		size_t n = 1;
		unsigned char c = (unsigned char)text[i];
		if (c < 0x80)
			continue;
		while (i + n < len && is_rest(text[i + n]))
			n++;
		pm_strbuf_reset(&shown);
		pm_strbuf_escaped(&shown, text + i, n);
		size_t want = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
		if (n != want || is_rest((char)c) ||
			!strncmp(pm_strbuf_text(&shown), "\\x", 2))
			return false;
		i += n - 1;
	}
	return true;
}

static enum pm_status read_text(const char *source, size_t *pos,
	struct query_token *t, struct pm_error *err)
{
	size_t at = *pos;
	bool data = (source[at] | 32) == 'b';
	char quote = source[at + data];
	const char *p = source + at + data + 1;
	while (*p && *p != quote) {
		if (*p != '\\') {
			pm_strbuf_putc(&t->text, *p++);
			continue;
		}
		size_t n = read_escape(p + 1, data, &t->text);
		if (!n)
			return query_fail(err, source, (size_t)(p - source), 2,
				"there is no such escape; there are \\n \\t "
				"\\r \\0 \\\\ \\\" \\' \\xNN%s",
				data ? "" : " \\uNNNN \\UNNNNNNNN");
		p += n + 1;
	}
	if (!*p)
		return query_fail(err, source, at, strlen(source + at),
			"the closing %c is missing", quote);
	t->kind = data ? TOKEN_DATA : TOKEN_TEXT;
	*pos = (size_t)(p + 1 - source);
	if (!data && !is_utf8(pm_strbuf_text(&t->text), t->text.len))
		return query_fail(err, source, at, *pos - at,
			"the text is not valid UTF-8");
	return PM_OK;
}

/* ---- names and signs ---- */

static void read_name(const char *source, size_t *pos, struct query_token *t)
{
	static const struct {
		const char *word;
		enum query_token_kind kind;
	} words[] = {{"and", TOKEN_AND}, {"or", TOKEN_OR}, {"not", TOKEN_NOT},
		{"in", TOKEN_IN}, {"is", TOKEN_IS}};
	size_t at = *pos;
	t->kind = source[at] == '.' ? TOKEN_ATTRIBUTE : TOKEN_NAME;
	at += source[at] == '.';
	size_t end = at;
	while (is_name(source[end]))
		end++;
	pm_strbuf_append(&t->text, source + at, end - at);
	*pos = end;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (t->kind == TOKEN_NAME &&
			!strcmp(pm_strbuf_text(&t->text), words[i].word))
			t->kind = words[i].kind;
}

static enum pm_status read_sign(const char *source, size_t *pos,
	struct query_token *t, struct pm_error *err)
{
	static const enum query_token_kind signs[] = {TOKEN_EQUAL,
		TOKEN_UNEQUAL, TOKEN_LESS_EQUAL, TOKEN_GREATER_EQUAL,
		TOKEN_UNLIKE, TOKEN_LESS, TOKEN_GREATER, TOKEN_LIKE, TOKEN_OPEN,
		TOKEN_CLOSE, TOKEN_INDEX, TOKEN_INDEX_END, TOKEN_COMMA};
	static const struct {
		const char *sign, *instead;
	} others[] = {{"=", "=="}, {"&&", "and"}, {"||", "or"}, {"!", "not"}};
	const char *p = source + *pos;
	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
		const char *text = query_token_text(signs[i]);
		size_t n = strlen(text);
		if (strncmp(p, text, n) != 0)
			continue;
		t->kind = signs[i];
		*pos += n;
		return PM_OK;
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		size_t n = strlen(others[i].sign);
		if (!strncmp(p, others[i].sign, n))
			return query_fail(err, source, *pos, n, "write \"%s\"",
				others[i].instead);
	}
	size_t n = 1;
	while (is_rest(p[n]))
		n++;
	return query_fail(
		err, source, *pos, n, "there is no such sign in a condition");
}

enum pm_status query_next_token(const char *source, size_t *pos,
	struct query_token *token, struct pm_error *err)
{
	struct query_token *t = token;
	while (isspace((unsigned char)source[*pos]))
		(*pos)++;
	const char *p = source + *pos;
	pm_strbuf_reset(&t->text);
	pm_strbuf_append(&t->text, "", 0);
	t->at = *pos;
	t->kind = TOKEN_END;
	bool data = (*p | 32) == 'b' && (p[1] == '"' || p[1] == '\'');
	if (!*p)
		;
	else if (isdigit((unsigned char)*p) ||
		 (*p == '.' && isdigit((unsigned char)p[1])))
		PM_TRY(read_number(source, pos, t, err));
	else if (*p == '"' || *p == '\'' || data)
		PM_TRY(read_text(source, pos, t, err));
	else if (is_name_start(*p) || (*p == '.' && is_name_start(p[1])))
		read_name(source, pos, t);
	else if (*p == '-' && (isdigit((unsigned char)p[1]) || p[1] == '.')) {
		(*pos)++;
		PM_TRY(read_number(source, pos, t, err));
		t->value.i = -t->value.i;
		t->value.d = -t->value.d;
	} else
		PM_TRY(read_sign(source, pos, t, err));
	t->len = *pos - t->at;
	return t->text.failed ? pm_fail(err, PM_NOMEM, 0, "out of memory")
			      : PM_OK;
}
