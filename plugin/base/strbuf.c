/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/strbuf.h"
#include "base/vec.h"

#include <string.h>

void pm_strbuf_deinit(struct pm_strbuf *b)
{
	free(b->data);
	*b = (struct pm_strbuf){0};
}

void pm_strbuf_reset(struct pm_strbuf *b)
{
	pm_strbuf_truncate(b, 0);
	b->failed = false;
}

const char *pm_strbuf_text(const struct pm_strbuf *b)
{
	return b->data ? b->data : "";
}

char *pm_strbuf_take(struct pm_strbuf *b)
{
	char *text = b->failed ? NULL : b->data;
	if (!text)
		return NULL;
	b->data = NULL;
	b->len = b->cap = 0;
	return text;
}

void pm_strbuf_truncate(struct pm_strbuf *b, size_t len)
{
	if (len > b->len || !b->data)
		return;
	b->len = len;
	b->data[len] = '\0';
}

void pm_strbuf_append(struct pm_strbuf *b, const void *bytes, size_t len)
{
	if (b->failed)
		return;
	if (len >= SIZE_MAX - b->len ||
		(b->cap < b->len + len + 1 &&
			!pm_vec_reserve_raw((void **)&b->data, &b->cap,
				b->len + len + 1, 1))) {
		b->failed = true;
		return;
	}
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void pm_strbuf_puts(struct pm_strbuf *b, const char *text)
{
	pm_strbuf_append(b, text, strlen(text));
}

void pm_strbuf_putc(struct pm_strbuf *b, char c)
{
	pm_strbuf_append(b, &c, 1);
}

void pm_strbuf_printf(struct pm_strbuf *b, const char *fmt, ...)
{
	char small[256];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(small, sizeof small, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n < sizeof small) {
		pm_strbuf_append(b, small, (size_t)n);
		return;
	}
	pm_auto_free char *big = malloc((size_t)n + 1);
	if (!big) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(big, (size_t)n + 1, fmt, ap);
	va_end(ap);
	pm_strbuf_append(b, big, (size_t)n);
}

/* Format, bidi and separator characters that would change what a terminal
   shows around them; Python's str.isprintable says no to all of these. */
static bool is_unprintable(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0xa0) || cp == 0xad ||
	       (cp >= 0x600 && cp <= 0x605) || cp == 0x61c || cp == 0x1680 ||
	       cp == 0x180e || (cp >= 0x2000 && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202f) ||
	       (cp >= 0x205f && cp <= 0x206f) || cp == 0x3000 ||
	       (cp >= 0xd800 && cp <= 0xf8ff) || cp == 0xfeff ||
	       (cp >= 0xfff0 && cp <= 0xfffb) || (cp & 0xfffe) == 0xfffe ||
	       (cp >= 0xe0000 && cp <= 0x10ffff);
}

static void put_utf8(struct pm_strbuf *b, uint32_t cp)
{
	char u[4];
	if (cp < 0x80) {
		pm_strbuf_putc(b, (char)cp);
	} else if (cp < 0x800) {
		u[0] = (char)(0xc0 | cp >> 6);
		u[1] = (char)(0x80 | (cp & 63));
		pm_strbuf_append(b, u, 2);
	} else if (cp < 0x10000) {
		u[0] = (char)(0xe0 | cp >> 12);
		u[1] = (char)(0x80 | (cp >> 6 & 63));
		u[2] = (char)(0x80 | (cp & 63));
		pm_strbuf_append(b, u, 3);
	} else {
		u[0] = (char)(0xf0 | cp >> 18);
		u[1] = (char)(0x80 | (cp >> 12 & 63));
		u[2] = (char)(0x80 | (cp >> 6 & 63));
		u[3] = (char)(0x80 | (cp & 63));
		pm_strbuf_append(b, u, 4);
	}
}

void pm_strbuf_code_point(struct pm_strbuf *b, uint32_t cp, char quote)
{
	pm_strbuf_character(b, cp, quote, !is_unprintable(cp));
}

void pm_strbuf_character(
	struct pm_strbuf *b, uint32_t cp, char quote, bool printable)
{
	if (quote && (cp == (unsigned char)quote || cp == '\\'))
		pm_strbuf_printf(b, "\\%c", (char)cp);
	else if (cp == '\n')
		pm_strbuf_puts(b, "\\n");
	else if (cp == '\t')
		pm_strbuf_puts(b, "\\t");
	else if (cp == '\r')
		pm_strbuf_puts(b, "\\r");
	else if (printable)
		put_utf8(b, cp);
	else if (cp < 0x100)
		pm_strbuf_printf(b, "\\x%02x", cp);
	else if (cp < 0x10000)
		pm_strbuf_printf(b, "\\u%04x", cp);
	else
		pm_strbuf_printf(b, "\\U%08x", cp);
}

/* Decodes one sequence of at most len bytes; 0 when it is not valid. */
static size_t get_utf8(const unsigned char *p, size_t len, uint32_t *ret_cp)
{
	static const uint32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
	if (p[0] < 0x80) {
		*ret_cp = p[0];
		return 1;
	}
	size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || n > len)
		return 0;
	uint32_t cp = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 63u);
	}
	if (cp < lowest[n] || cp > 0x10ffff)
		return 0;
	*ret_cp = cp;
	return n;
}

void pm_strbuf_escaped(struct pm_strbuf *b, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;
	while (len) {
		uint32_t cp = 0;
		size_t n = get_utf8(p, len, &cp);
		if (n)
			pm_strbuf_code_point(b, cp, 0);
		else
			pm_strbuf_printf(b, "\\x%02x", p[0]);
		n = n ? n : 1;
		p += n;
		len -= n;
	}
}

const char *pm_grouped(uint64_t n, char buf[static 28])
{
	char digits[24];
	int len =
		snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
	char *out = buf;
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*out++ = ',';
		*out++ = digits[i];
	}
	*out = '\0';
	return buf;
}
