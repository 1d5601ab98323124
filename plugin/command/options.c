/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/options.h"

#include <ctype.h>
#include <string.h>

static const struct {
	unsigned flags; /* of the commands that have it; 0: all */
	struct pm_option option;
} common[] = {
	{PM_COMMAND_TABLE,
		{.name = "top",
			.type = PM_ARG_COUNT,
			.value = "N",
			.help = "Show at most N rows (25); 0 is all."}},
	{PM_COMMAND_TABLE, {.name = "all", .help = "Show every row."}},
	{PM_COMMAND_SIZES,
		{.name = "bytes",
			.help = "Print sizes as exact numbers of bytes."}},
	{PM_COMMAND_ROWS_ARE_OBJECTS,
		{.name = "short",
			.help = "Print addresses only, one per line."}},
	{PM_COMMAND_ONE_INTERPRETER,
		{.name = "interp",
			.type = PM_ARG_COUNT,
			.value = "N",
			.help = "Only interpreter N of py-info (default: "
				"all)."}},
	{0, {.name = "json",
		    .help = "Print one JSON document and nothing else."}},
	{0, {.name = "output",
		    .type = PM_ARG_FILE,
		    .value = "FILE",
		    .help = "Write the result to FILE instead."}},
};

#define DEFAULT_TOP 25

struct value {
	bool given;
	uint64_t number;
	char *text; /* owned */
};

struct values {
	size_t n;
	struct value v[];
};

const struct pm_option *pm_command_option(const struct pm_command *c, size_t i)
{
	for (const struct pm_option *o = c->options; o && o->name; o++)
		if (i-- == 0)
			return o;
	for (size_t k = 0; k < sizeof common / sizeof *common; k++) {
		if (common[k].flags && !(c->flags & common[k].flags))
			continue;
		if (i-- == 0)
			return &common[k].option;
	}
	return NULL;
}

const struct pm_command *pm_command_find(const char *name, size_t len)
{
	for (const struct pm_command *const *c = pm_commands; *c; c++)
		if (!strncmp((*c)->name, name, len) && !(*c)->name[len])
			return *c;
	return NULL;
}

static size_t count_options(const struct pm_command *c)
{
	size_t n = 0;
	while (pm_command_option(c, n))
		n++;
	return n;
}

/* ---- words ---- */

static const char *skip_spaces(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

/* One word to ret, with the quoting rules of a shell ('', "", \); returns what
   follows, NULL for a quote that is not closed. */
static const char *next_word(const char *p, struct pm_strbuf *ret)
{
	char quote = '\0';
	p = skip_spaces(p);
	pm_strbuf_append(ret, "", 0);
	for (; *p && (quote || !isspace((unsigned char)*p)); p++) {
		if (*p == '\\' && quote != '\'' && p[1])
			pm_strbuf_putc(ret, *++p);
		else if (quote && *p == quote)
			quote = '\0';
		else if (!quote && (*p == '\'' || *p == '"'))
			quote = *p;
		else
			pm_strbuf_putc(ret, *p);
	}
	return quote ? NULL : p;
}

/* ---- one option ---- */

static void list_options(const struct pm_command *c, const char *prefix,
	size_t len, struct pm_strbuf *b)
{
	const struct pm_option *o;
	for (size_t i = 0; (o = pm_command_option(c, i)); i++)
		if (!strncmp(o->name, prefix, len))
			pm_strbuf_printf(
				b, "%s-%s", b->len ? ", " : "", o->name);
}

static enum pm_status find_option(const struct pm_command *c, const char *name,
	size_t len, size_t *ret, struct pm_error *err)
{
	const struct pm_option *o;
	size_t found = 0, matches = 0;
	for (size_t i = 0; (o = pm_command_option(c, i)); i++) {
		if (strncmp(o->name, name, len))
			continue;
		if (!o->name[len]) {
			*ret = i;
			return PM_OK;
		}
		found = i;
		matches++;
	}
	if (matches == 1 && len) {
		*ret = found;
		return PM_OK;
	}
	pm_auto_strbuf allowed = {0}, typed = {0};
	pm_strbuf_escaped(&typed, name, len > 40 ? 40 : len);
	if (matches && len) {
		list_options(c, name, len, &allowed);
		return pm_fail(err, PM_USAGE, 0,
			"%s: option -%s is ambiguous: %s", c->name,
			pm_strbuf_text(&typed), pm_strbuf_text(&allowed));
	}
	list_options(c, "", 0, &allowed);
	return pm_fail(err, PM_USAGE, 0, "%s: unknown option -%s; allowed: %s",
		c->name, pm_strbuf_text(&typed), pm_strbuf_text(&allowed));
}

/* "20", "64k", "1.5" is not one.  step: what k multiplies by. */
static bool parse_number(const char *text, uint64_t step, uint64_t *ret)
{
	if (!isdigit((unsigned char)*text))
		return false;
	bool hex = text[0] == '0' && (text[1] | 32) == 'x';
	uint64_t n = 0;
	const char *p = hex ? text + 2 : text;
	if (hex && !isxdigit((unsigned char)*p))
		return false;
	for (; hex ? isxdigit((unsigned char)*p) : isdigit((unsigned char)*p);
		p++) {
		unsigned d = isdigit((unsigned char)*p)
				     ? (unsigned)(*p - '0')
				     : (unsigned)((*p | 32) - 'a' + 10);
		if (__builtin_mul_overflow(n, hex ? 16u : 10u, &n) ||
			__builtin_add_overflow(n, d, &n))
			return false;
	}
	static const char units[] = "kmgt";
	const char *unit = *p ? strchr(units, *p | 32) : NULL;
	if (unit) {
		for (const char *u = units; u <= unit; u++)
			if (__builtin_mul_overflow(n, step, &n))
				return false;
		p++;
		if (step == 1024 && *p == 'i')
			p++;
	}
	if (step == 1024 && (*p | 32) == 'b')
		p++;
	*ret = n;
	return !*p;
}

/* The index of text in "a|b|c": exact, or a prefix of one only. */
static bool parse_choice(
	const char *choices, const char *text, uint64_t *ret, char **ret_text)
{
	size_t len = strlen(text);
	uint64_t i = 0, found = 0;
	unsigned matches = 0;
	const char *match = NULL;
	size_t match_len = 0;
	for (const char *p = choices;; i++) {
		size_t n = strcspn(p, "|");
		if (n >= len && !strncmp(p, text, len) && len) {
			if (!matches || n == len) {
				match = p;
				match_len = n;
				found = i;
			}
			matches++;
			if (n == len) {
				matches = 1;
				break;
			}
		}
		if (!p[n])
			break;
		p += n + 1;
	}
	if (matches != 1)
		return false;
	*ret = found;
	*ret_text = strndup(match, match_len);
	return true;
}

static enum pm_status set_value(const struct pm_command *c,
	const struct pm_option *o, struct value *v, const char *text,
	struct pm_error *err)
{
	char *copy = NULL;
	uint64_t n = 0;
	pm_auto_strbuf shown = {0};
	pm_strbuf_escaped(&shown, text, strnlen(text, 60));
	switch (o->type) {
	case PM_ARG_FLAG:
		break;
	case PM_ARG_COUNT:
		if (!parse_number(text, 1000, &n))
			return pm_fail(err, PM_USAGE, 0,
				"%s: -%s: \"%s\" is not a number (20, 5k, 1m)",
				c->name, o->name, pm_strbuf_text(&shown));
		break;
	case PM_ARG_SIZE:
		if (!parse_number(text, 1024, &n))
			return pm_fail(err, PM_USAGE, 0,
				"%s: -%s: \"%s\" is not a size (512, 64k, "
				"10MiB)",
				c->name, o->name, pm_strbuf_text(&shown));
		break;
	case PM_ARG_CHOICE:
		if (!parse_choice(o->choices, text, &n, &copy))
			return pm_fail(err, PM_USAGE, 0,
				"%s: -%s: \"%s\" is not one of %s", c->name,
				o->name, pm_strbuf_text(&shown), o->choices);
		if (!copy)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		break;
	case PM_ARG_TEXT:
	case PM_ARG_FILE:
		if (!*text)
			return pm_fail(err, PM_USAGE, 0,
				"%s: -%s: %s must not be empty", c->name,
				o->name, o->value ? o->value : "its value");
		copy = strdup(text);
		if (!copy)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		break;
	}
	free(v->text);
	*v = (struct value){.given = true, .number = n, .text = copy};
	return PM_OK;
}

/* An option starts at p ("-x", "--x=3"); *p moves behind it and its value. */
static enum pm_status parse_option(
	struct pm_run *r, const char **p, struct pm_error *err)
{
	const struct pm_command *c = r->command;
	struct values *values = r->values;
	const char *name = *p + 1 + ((*p)[1] == '-');
	size_t len = strcspn(name, "= \t\n"), i = 0;
	PM_TRY(find_option(c, name, len, &i, err));
	const struct pm_option *o = pm_command_option(c, i);
	*p = name + len;
	if (o->type == PM_ARG_FLAG) {
		if (**p == '=')
			return pm_fail(err, PM_USAGE, 0,
				"%s: option -%s takes no value", c->name,
				o->name);
		return set_value(c, o, &values->v[i], "", err);
	}
	bool equals = **p == '=';
	const char *text = equals ? *p + 1 : skip_spaces(*p);
	pm_auto_strbuf word = {0};
	if (!equals && !*text)
		return pm_fail(err, PM_USAGE, 0,
			"%s: option -%s needs a value: %s", c->name, o->name,
			o->choices ? o->choices : o->value);
	/* "-top= 5": the value is empty, not 5. */
	const char *rest = equals && (!*text || isspace((unsigned char)*text))
				   ? text
				   : next_word(text, &word);
	if (!rest)
		return pm_fail(err, PM_USAGE, 0,
			"%s: option -%s: a quote is not closed", c->name,
			o->name);
	if (word.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*p = rest;
	return set_value(c, o, &values->v[i], pm_strbuf_text(&word), err);
}

/* ---- the line ---- */

/* What a command cannot do without. */
static const char *what_is_missing(enum pm_operand operand)
{
	switch (operand) {
	case PM_OPERAND_ADDR:
		return "an address";
	case PM_OPERAND_TYPE:
		return "a type";
	case PM_OPERAND_TYPE_OR_ADDR:
		return "a type or an address";
	case PM_OPERAND_FILE:
	case PM_OPERAND_FILES:
		return "a file";
	case PM_OPERAND_NONE:
	case PM_OPERAND_OPTIONAL_ADDR:
	case PM_OPERAND_OPTIONAL_TYPE:
	case PM_OPERAND_WORDS:
		break;
	}
	return NULL;
}

static enum pm_status check_operand(struct pm_run *r, struct pm_error *err)
{
	const struct pm_command *c = r->command;
	enum pm_operand operand = c->operand;
	if (*r->operand && operand == PM_OPERAND_NONE) {
		pm_auto_strbuf shown = {0};
		pm_strbuf_escaped(&shown, r->operand, strnlen(r->operand, 60));
		return pm_fail(err, PM_USAGE, 0,
			"%s: takes no argument, only options: \"%s\"", c->name,
			pm_strbuf_text(&shown));
	}
	const char *missing = what_is_missing(operand);
	if (!*r->operand && missing) {
		pm_auto_strbuf usage = {0};
		pm_command_usage(c, &usage);
		return pm_fail(err, PM_USAGE, 0, "%s: %s is missing; usage: %s",
			c->name, missing, pm_strbuf_text(&usage));
	}
	if (operand == PM_OPERAND_FILE && r->words.len > 1)
		return pm_fail(err, PM_USAGE, 0,
			"%s: takes one file; put a name with blanks in quotes",
			c->name);
	return PM_OK;
}

static bool add_word(struct pm_run *r, struct pm_strbuf *b, const char *word)
{
	pm_auto_free char *copy = strdup(word);
	if (b->len)
		pm_strbuf_putc(b, ' ');
	pm_strbuf_puts(b, word);
	if (!copy || !pm_vec_push(&r->words, copy))
		return false;
	copy = NULL; /* given away */
	return true;
}

static enum pm_status parse_line(
	struct pm_run *r, const char *p, struct pm_error *err)
{
	enum pm_operand operand = r->command->operand;
	bool raw = operand == PM_OPERAND_ADDR ||
		   operand == PM_OPERAND_OPTIONAL_ADDR ||
		   operand == PM_OPERAND_TYPE_OR_ADDR;
	pm_auto_strbuf rest = {0};
	bool options = true;
	for (p = skip_spaces(p); *p; p = skip_spaces(p)) {
		if (options && p[0] == '-' && p[1] == '-' &&
			(!p[2] || isspace((unsigned char)p[2]))) {
			options = false;
			p += 2;
			continue;
		}
		/* "-1" is an expression, never an option. */
		if (options && p[0] == '-' &&
			(p[1] == '-' || isalpha((unsigned char)p[1]))) {
			PM_TRY(parse_option(r, &p, err));
			continue;
		}
		if (raw) {
			pm_strbuf_puts(&rest, p);
			while (rest.len &&
				isspace((unsigned char)rest.data[rest.len - 1]))
				pm_strbuf_truncate(&rest, rest.len - 1);
			break;
		}
		pm_auto_strbuf word = {0};
		p = next_word(p, &word);
		if (!p)
			return pm_fail(err, PM_USAGE, 0,
				"%s: a quote is not closed", r->command->name);
		if (!add_word(r, &rest, pm_strbuf_text(&word)) || word.failed)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	if (rest.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->operand = strdup(pm_strbuf_text(&rest));
	if (!r->operand)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return check_operand(r, err);
}

enum pm_status pm_options_parse(
	struct pm_run *r, const char *line, struct pm_error *err)
{
	size_t n = count_options(r->command);
	struct values *values =
		calloc(1, sizeof *values + n * sizeof *values->v);
	if (!values)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	values->n = n;
	r->values = values;
	PM_TRY(parse_line(r, line, err));
	if (r->command->flags & PM_COMMAND_TABLE)
		r->top = pm_run_flag(r, "all")
				 ? 0
				 : (size_t)pm_run_number(r, "top", DEFAULT_TOP);
	return PM_OK;
}

void pm_options_deinit(struct pm_run *r)
{
	struct values *values = r->values;
	for (size_t i = 0; values && i < values->n; i++)
		free(values->v[i].text);
	free(values);
	r->values = NULL;
	free(r->operand);
	r->operand = NULL;
	pm_vec_each (word, &r->words)
		free(*word);
	pm_vec_deinit(&r->words);
}

/* ---- values by name ---- */

static const struct value *get_value(const struct pm_run *r, const char *name)
{
	static const struct value none = {0};
	const struct values *values = r->values;
	const struct pm_option *o;
	for (size_t i = 0; (o = pm_command_option(r->command, i)); i++)
		if (!strcmp(o->name, name))
			return &values->v[i];
	return &none;
}

bool pm_run_given(const struct pm_run *r, const char *option)
{
	return get_value(r, option)->given;
}

bool pm_run_flag(const struct pm_run *r, const char *option)
{
	return get_value(r, option)->given;
}

uint64_t pm_run_number(
	const struct pm_run *r, const char *option, uint64_t otherwise)
{
	const struct value *v = get_value(r, option);
	return v->given ? v->number : otherwise;
}

const char *pm_run_text(
	const struct pm_run *r, const char *option, const char *otherwise)
{
	const struct value *v = get_value(r, option);
	return v->given ? v->text : otherwise;
}
