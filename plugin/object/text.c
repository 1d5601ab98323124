/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/text.h"
#include "layout/printable.h"

#include <string.h>

/* No real string is longer; a length beyond is a torn or foreign word. */
#define MAX_LENGTH (UINT64_C(1) << 40)

/* 2.7: a unicode, or a str, which its type tells. */
static enum pm_status parse_wide(const struct pm_layout *l, pm_addr addr,
	const void *body, size_t avail, struct pm_text *ret,
	struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	struct pm_text t = {0};
	if (avail < f->bytes.data.off)
		return pm_fail(err, PM_CORRUPT, addr, "str cut short");
	if (pm_get(l, body, f->object.type) == l->at.bytes_type.addr) {
		t.length = pm_get(l, body, f->var_object.size);
		t.kind = 1;
		t.data = addr + f->bytes.data.off;
		t.compact = true;
		t.interned = (unsigned)pm_get(l, body, f->bytes.state);
	} else {
		t.length = pm_get(l, body, f->unicode.length);
		t.kind = l->t.wide_size;
		t.data = pm_get(l, body, f->unicode.data);
	}
	if (t.length > MAX_LENGTH)
		return pm_fail(err, PM_CORRUPT, addr, "str of length %llu",
			(unsigned long long)t.length);
	*ret = t;
	return PM_OK;
}

enum pm_status pm_text_parse(const struct pm_layout *l, pm_addr addr,
	const void *body, size_t avail, struct pm_text *ret,
	struct pm_error *err)
{
	const struct pm_fields *f = &l->f;
	if (l->t.text_form == PM_TEXT_WIDE)
		return parse_wide(l, addr, body, avail, ret, err);
	if (avail < f->ascii.sizeof_.off)
		return pm_fail(err, PM_CORRUPT, addr, "str cut short");
	struct pm_text t = {
		.length = pm_get(l, body, f->ascii.length),
		.kind = (unsigned)pm_get(l, body, f->ascii.kind),
		.ascii = pm_get(l, body, f->ascii.is_ascii),
		.compact = pm_get(l, body, f->ascii.compact),
		.interned = (unsigned)pm_get(l, body, f->ascii.interned),
	};
	bool wchar_only = t.kind == 0 && pm_has(f->ascii.wstr);
	if ((t.kind != 1 && t.kind != 2 && t.kind != 4 && !wchar_only) ||
		t.length > MAX_LENGTH || (t.ascii && t.kind != 1))
		return pm_fail(err, PM_CORRUPT, addr,
			"str with kind %u and length %llu", t.kind,
			(unsigned long long)t.length);
	if (t.compact && t.ascii) {
		t.data = addr + f->ascii.sizeof_.off;
	} else {
		size_t head = t.compact ? f->compact.sizeof_.off
					: f->unicode.sizeof_.off;
		if (avail < head)
			return pm_fail(err, PM_CORRUPT, addr, "str cut short");
		t.data = t.compact ? addr + head
				   : pm_get(l, body, f->unicode.data);
		t.utf8 = pm_get(l, body, f->compact.utf8);
		t.utf8_length = pm_get(l, body, f->compact.utf8_length);
		/* Legacy ASCII strings share their data as UTF-8. */
		if (t.utf8 == t.data || t.utf8_length > MAX_LENGTH * 4)
			t.utf8 = 0;
	}
	if (pm_has(f->ascii.wstr)) {
		t.wstr = pm_get(l, body, f->ascii.wstr);
		/* PyUnicode_WSTR_LENGTH: compact ASCII has no field for it. */
		t.wstr_length =
			t.ascii && t.compact
				? t.length
				: pm_get(l, body, f->compact.wstr_length);
		if (t.wstr == t.data || t.wstr_length > MAX_LENGTH)
			t.wstr = 0;
	}
	*ret = t;
	return PM_OK;
}

enum pm_status pm_text_load(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, struct pm_text *ret, struct pm_error *err)
{
	unsigned char body[128] = {0};
	size_t n = l->f.unicode.sizeof_.off;
	if (n > sizeof body)
		return pm_fail(err, PM_LIMIT, addr, "str header too large");
	enum pm_status s = pm_memory_read(m, addr, body, n, err);
	if (s != PM_OK) { /* a short ASCII string at the end of a mapping */
		n = l->t.text_form == PM_TEXT_WIDE ? l->f.bytes.data.off
						   : l->f.ascii.sizeof_.off;
		PM_TRY(pm_memory_read(m, addr, body, n, err));
	}
	return pm_text_parse(l, addr, body, n, ret, err);
}

enum pm_status pm_text_append(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, size_t limit, char quote, struct pm_strbuf *out,
	struct pm_error *err)
{
	struct pm_text t;
	PM_TRY(pm_text_load(l, m, addr, &t, err));
	if (!t.kind || !t.data)
		return pm_fail(err, PM_ABSENT, addr, "str without data");
	uint64_t n = t.length < limit ? t.length : limit;
	unsigned char chunk[1024];
	size_t start = out->len;
	for (uint64_t i = 0; i < n;) {
		uint64_t k = sizeof chunk / t.kind;
		if (k > n - i)
			k = n - i;
		enum pm_status s = pm_memory_read(
			m, t.data + i * t.kind, chunk, k * t.kind, err);
		if (s != PM_OK) {
			pm_strbuf_truncate(out, start);
			return s;
		}
		for (uint64_t j = 0; j < k; j++) {
			uint32_t c = (uint32_t)pm_load(
				chunk + j * t.kind, t.kind, l->t.big_endian);
			pm_strbuf_character(out, c, quote, pm_printable(l, c));
		}
		i += k;
	}
	if (n < t.length)
		pm_strbuf_puts(out, "...");
	return PM_OK;
}

bool pm_text_equals(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, const char *ascii)
{
	struct pm_text t;
	size_t n = strlen(ascii);
	char buf[64];
	return n < sizeof buf && pm_text_load(l, m, addr, &t, NULL) == PM_OK &&
	       t.length == n && t.kind == 1 && t.data &&
	       pm_memory_read(m, t.data, buf, n, NULL) == PM_OK &&
	       memcmp(buf, ascii, n) == 0;
}
