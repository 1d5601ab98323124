/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/response.h"
#include "gdb/channel.h"
#include "gdb/request.h"

#include <string.h>

/* Everything but the user's own expression is evaluated in C, whatever the
   language of the selected frame is.  The warning about that is swallowed
   with all other output of the flags. */
#define IN_C "with language c -- "

void pm_response_deinit(struct pm_response *r)
{
	pm_strbuf_deinit(&r->flags);
	pm_strbuf_deinit(&r->shown);
}

/* Length of what chooses a colour, as our own pictures have it; 0: text, where
   no such byte may reach a terminal. */
static size_t colour(const char *text, const char *end)
{
	const char *p = text;
	if (end - p < 3 || p[0] != '\033' || p[1] != '[')
		return 0;
	for (p += 2; p < end && ((*p >= '0' && *p <= '9') || *p == ';'); p++)
		;
	return p < end && *p == 'm' ? (size_t)(p - text) + 1 : 0;
}

/* One printf per line: GDB writes it in one piece ("echo" writes bytes), and
   MI makes one record of it. */
void pm_response_show(struct pm_response *r, const char *text, size_t len)
{
	struct pm_strbuf *b = &r->shown;
	const char *end = text + len;
	while (text < end) {
		pm_strbuf_puts(b, "printf \"");
		for (; text < end; text++) {
			unsigned char c = (unsigned char)*text;
			if (c == '\n')
				break;
			size_t n = r->coloured ? colour(text, end) : 0;
			if (n) {
				pm_strbuf_puts(b, "\\e");
				pm_strbuf_append(b, text + 1, n - 1);
				text += n - 1;
			} else if (c == '%')
				pm_strbuf_puts(b, "%%");
			else if (c == '"' || c == '\\')
				pm_strbuf_printf(b, "\\%c", c);
			else if (c < 0x20 || c == 0x7f)
				pm_strbuf_putc(b, '?');
			else
				pm_strbuf_putc(b, (char)c);
		}
		if (text < end) {
			pm_strbuf_puts(b, "\\n");
			text++;
		}
		pm_strbuf_puts(b, "\"\n");
	}
}

void pm_response_set(
	struct pm_response *r, const char *name, uint64_t value, bool pointer)
{
	pm_strbuf_printf(&r->flags, IN_C "set $%s = %s%#llx\n", name,
		pointer ? "(void *) " : "", (unsigned long long)value);
}

void pm_response_unset(struct pm_response *r, const char *name)
{
	pm_strbuf_printf(&r->flags, IN_C "set $%s = (void) 0\n", name);
}

void pm_response_set_text(
	struct pm_response *r, const char *name, const char *text)
{
	struct pm_strbuf *b = &r->flags;
	/* The raw rest of a line, without any quoting. */
	pm_strbuf_puts(b, "maint set test-settings string-noescape ");
	for (; *text; text++)
		pm_strbuf_putc(b, (unsigned char)*text < 0x20 ? ' ' : *text);
	pm_strbuf_printf(b,
		"\n" IN_C "set $%s = $_gdb_maint_setting_str(\"test-settings "
		"string-noescape\")\n",
		name);
}

static void put_try(struct pm_response *r)
{
	pm_strbuf_printf(&r->flags, "thread apply %llu -q -s -- ",
		(unsigned long long)r->thread);
}

static void put_append(struct pm_response *r)
{
	pm_strbuf_printf(&r->flags, "append value /proc/self/fd/%d ",
		PM_CHANNEL_REQUEST);
}

static void put_mark(struct pm_response *r, uint64_t tag, uint32_t id)
{
	pm_strbuf_puts(&r->flags, IN_C);
	put_append(r);
	pm_strbuf_printf(
		&r->flags, "{%#llxull,0ull}\n", (unsigned long long)(tag | id));
}

void pm_response_ask(
	struct pm_response *r, uint32_t id, const char *expression, ...)
{
	put_try(r);
	pm_strbuf_puts(&r->flags, IN_C);
	put_append(r);
	pm_strbuf_printf(&r->flags, "{%#llxull,(unsigned long long)(",
		(unsigned long long)(PM_TAG_RECORD | id));
	pm_auto_free char *text = NULL;
	va_list ap;
	va_start(ap, expression);
	int n = vasprintf(&text, expression, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		r->flags.failed = true;
		return;
	}
	pm_strbuf_puts(&r->flags, text);
	pm_strbuf_puts(&r->flags, ")}\n");
}

void pm_response_ask_operand(struct pm_response *r, const char *expression)
{
	pm_response_set_text(r, "__pm_text", expression);
	/* No end: all that follows in the request. */
	put_mark(r, PM_TAG_BLOCK, PM_Q_ADDR);
}

void pm_response_ask_output(struct pm_response *r, uint32_t id,
	const char *command, const char *filter)
{
	put_mark(r, PM_TAG_BLOCK, id);
	put_try(r);
	pm_strbuf_printf(&r->flags,
		"pipe -d @@@@ %s @@@@ %s >>/proc/$PPID/fd/%d\n", command,
		filter, PM_CHANNEL_REQUEST);
	put_mark(r, PM_TAG_END, id);
}

void pm_response_do(struct pm_response *r, const char *command, ...)
{
	pm_auto_free char *text = NULL;
	va_list ap;
	va_start(ap, command);
	int n = vasprintf(&text, command, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		r->flags.failed = true;
		return;
	}
	put_try(r);
	pm_strbuf_printf(&r->flags, IN_C "%s\n", text);
}

void pm_response_ask_setting(
	struct pm_response *r, uint32_t id, const char *setting)
{
	put_mark(r, PM_TAG_BLOCK, id);
	put_try(r);
	pm_strbuf_puts(&r->flags, IN_C);
	put_append(r);
	pm_strbuf_printf(&r->flags, "$_gdb_setting_str(\"%s\")\n", setting);
	put_mark(r, PM_TAG_END, id);
}

enum pm_status pm_response_send(struct pm_response *r, struct pm_error *err)
{
	pm_strbuf_puts(&r->flags, IN_C "set $__pm_answer = 1\n");
	if (r->flags.failed || r->shown.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_channel_put(PM_CHANNEL_RESPONSE, pm_strbuf_text(&r->shown),
		r->shown.len, err));
	return pm_channel_put(
		PM_CHANNEL_FLAGS, pm_strbuf_text(&r->flags), r->flags.len, err);
}
