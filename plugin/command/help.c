/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/options.h"

#include <string.h>

static const char *operand_name(enum pm_operand o)
{
	switch (o) {
	case PM_OPERAND_NONE:
		return "";
	case PM_OPERAND_ADDR:
		return " ADDR";
	case PM_OPERAND_OPTIONAL_ADDR:
		return " [ADDR]";
	case PM_OPERAND_TYPE:
		return " TYPE";
	case PM_OPERAND_OPTIONAL_TYPE:
		return " [TYPE]";
	case PM_OPERAND_TYPE_OR_ADDR:
		return " TYPE|ADDR";
	case PM_OPERAND_WORDS:
		return " [WORD]...";
	case PM_OPERAND_FILE:
		return " FILE";
	case PM_OPERAND_FILES:
		return " FILE...";
	}
	return "";
}

void pm_command_usage(const struct pm_command *c, struct pm_strbuf *b)
{
	pm_strbuf_printf(
		b, "%s [OPTION]...%s", c->name, operand_name(c->operand));
}

static void put_text(struct pm_strbuf *b, const char *text)
{
	pm_strbuf_puts(b, text);
	size_t len = strlen(text);
	if (len && text[len - 1] != '\n')
		pm_strbuf_putc(b, '\n');
}

/* Help in a column of its own, next to a short name or below a long one. */
static void put_entry(struct pm_strbuf *b, const char *name, const char *help)
{
	enum { INDENT = 20 };
	size_t len = 2 + strlen(name);
	pm_strbuf_printf(b, "  %s", name);
	if (len + 2 > INDENT) {
		pm_strbuf_putc(b, '\n');
		len = 0;
	}
	for (; len < INDENT; len++)
		pm_strbuf_putc(b, ' ');
	put_text(b, help);
}

void pm_command_help(const struct pm_command *c, struct pm_strbuf *b)
{
	put_text(b, c->summary);
	pm_strbuf_puts(b, "Usage: ");
	pm_command_usage(c, b);
	pm_strbuf_puts(b, "\n");
	if (c->doc && *c->doc) {
		pm_strbuf_puts(b, "\n");
		put_text(b, c->doc);
	}
	if (c->operand_help) {
		pm_strbuf_puts(b, "\n");
		put_text(b, c->operand_help);
	}
	pm_strbuf_puts(b, "\nOptions:\n");
	const struct pm_option *o;
	for (size_t i = 0; (o = pm_command_option(c, i)); i++) {
		pm_auto_strbuf name = {0};
		const char *value = o->choices ? o->choices : o->value;
		bool has_value = o->type != PM_ARG_FLAG && value;
		pm_strbuf_printf(&name, "-%s%s%s", o->name,
			has_value ? " " : "", has_value ? value : "");
		put_entry(b, pm_strbuf_text(&name), o->help);
	}
	if (c->examples && *c->examples) {
		pm_strbuf_puts(b, "\nExamples:\n");
		for (const char *p = c->examples; *p;) {
			size_t n = strcspn(p, "\n");
			pm_strbuf_puts(b, "  ");
			pm_strbuf_append(b, p, n);
			pm_strbuf_putc(b, '\n');
			p += n + (p[n] == '\n');
		}
	}
}
