/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints the commands of the table for the documents, so that no text is
   written twice:
	dump-commands texi   a section and node per command, with a menu
	dump-commands man    the body of the manual page
	dump-commands list   names, one per line
	dump-commands check  what a row lacks; status 1 if anything */
#include "command/options.h"

#include <ctype.h>
#include <string.h>

static bool is_empty(const char *text)
{
	return !text || !*text;
}

/* --- Texinfo ------------------------------------------------------------- */

static void texi_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '@' || text[i] == '{' || text[i] == '}')
			putchar('@');
		putchar(text[i]);
	}
}

static void texi(const char *text)
{
	texi_text(text, strlen(text));
}

static void option_title(const struct pm_option *o, struct pm_strbuf *b)
{
	const char *value = o->choices ? o->choices : o->value;
	pm_strbuf_printf(b, "-%s", o->name);
	if (o->type != PM_ARG_FLAG && value)
		pm_strbuf_printf(b, " %s", value);
}

static void texi_command(const struct pm_command *c)
{
	pm_auto_strbuf usage = {0};
	pm_command_usage(c, &usage);
	printf("@node %s\n@section %s: ", c->name, c->name);
	/* A title has no full stop. */
	size_t len = strlen(c->summary);
	texi_text(c->summary, len - (len && c->summary[len - 1] == '.'));
	printf("\n@findex %s\n\n@example\n", c->name);
	texi(pm_strbuf_text(&usage));
	puts("\n@end example\n");
	texi(c->doc);
	puts("\n");
	if (!is_empty(c->operand_help)) {
		texi(c->operand_help);
		puts("\n");
	}
	puts("@table @code");
	const struct pm_option *o;
	for (size_t i = 0; (o = pm_command_option(c, i)); i++) {
		pm_auto_strbuf title = {0};
		option_title(o, &title);
		printf("@item ");
		texi(pm_strbuf_text(&title));
		putchar('\n');
		texi(o->help);
		putchar('\n');
	}
	puts("@end table\n");
	if (!is_empty(c->examples)) {
		puts("@example");
		texi(c->examples);
		puts("\n@end example\n");
	}
}

static void texi_all(void)
{
	puts("@c Made by dump-commands from the rows of "
	     "plugin/command.\n@menu");
	for (const struct pm_command *const *c = pm_commands; *c; c++) {
		printf("* %s:: ", (*c)->name);
		texi((*c)->summary);
		putchar('\n');
	}
	puts("@end menu\n");
	for (const struct pm_command *const *c = pm_commands; *c; c++)
		texi_command(*c);
}

/* --- roff ---------------------------------------------------------------- */

/* Each line of text, safe from being taken as a request. */
static void man(const char *text)
{
	bool start = true;
	for (const char *p = text; *p; p++) {
		if (start && (*p == '.' || *p == '\''))
			printf("\\&");
		start = *p == '\n';
		if (*p == '\\')
			printf("\\e");
		else if (*p == '-')
			printf("\\-");
		else if (*p == '\n' && p[1] == '\n') {
			printf("\n.PP");
			while (p[1] == '\n')
				p++;
			putchar('\n');
		} else
			putchar(*p);
	}
	if (!start)
		putchar('\n');
}

static void man_command(const struct pm_command *c)
{
	pm_auto_strbuf usage = {0};
	pm_command_usage(c, &usage);
	printf(".SS ");
	man(pm_strbuf_text(&usage));
	man(c->summary);
	puts(".PP");
	man(c->doc);
	if (!is_empty(c->operand_help)) {
		puts(".PP");
		man(c->operand_help);
	}
	const struct pm_option *o;
	for (size_t i = 0; (o = pm_command_option(c, i)); i++) {
		pm_auto_strbuf title = {0};
		option_title(o, &title);
		printf(".TP\n.B ");
		man(pm_strbuf_text(&title));
		man(o->help);
	}
	if (!is_empty(c->examples)) {
		puts(".PP\n.nf");
		man(c->examples);
		puts(".fi");
	}
}

static void man_all(void)
{
	for (const struct pm_command *const *c = pm_commands; *c; c++)
		man_command(*c);
}

/* --- what a row must have ------------------------------------------------ */

static bool is_sentence(const char *text)
{
	size_t len = text ? strlen(text) : 0;
	return len > 1 && text[len - 1] == '.' && !strchr(text, '\n');
}

static unsigned lacks(const struct pm_command *c, const char *what)
{
	printf("%s: %s\n", c->name, what);
	return 1;
}

static unsigned check_command(const struct pm_command *c)
{
	unsigned bad = 0;
	if (strncmp(c->name, "py-", 3) != 0)
		bad += lacks(c, "the name does not start with py-");
	if (!is_sentence(c->summary))
		bad += lacks(c, "the summary is not one sentence on one line");
	if (is_empty(c->doc))
		bad += lacks(c, "no doc");
	if (is_empty(c->examples) || !strstr(c->examples, c->name))
		bad += lacks(c, "no example of the command");
	if (c->operand != PM_OPERAND_NONE && is_empty(c->operand_help))
		bad += lacks(c, "takes an operand and does not say what it is");
	const struct pm_option *o;
	for (size_t i = 0; (o = pm_command_option(c, i)); i++) {
		if (is_empty(o->help))
			bad += lacks(c, "an option without help");
		if (o->type == PM_ARG_CHOICE && is_empty(o->choices))
			bad += lacks(c, "a choice of nothing");
		for (const char *p = o->name; *p; p++)
			if (!islower((unsigned char)*p) && *p != '-')
				bad += lacks(c, "an option that is not a-z-");
	}
	return bad;
}

static int check_all(void)
{
	unsigned bad = 0;
	for (const struct pm_command *const *c = pm_commands; *c; c++) {
		bad += check_command(*c);
		if (c[1] && strcmp(c[0]->name, c[1]->name) >= 0)
			bad += lacks(*c, "not sorted by name");
	}
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	int status = EXIT_SUCCESS;
	if (!strcmp(what, "texi")) {
		texi_all();
	} else if (!strcmp(what, "man")) {
		man_all();
	} else if (!strcmp(what, "list")) {
		for (const struct pm_command *const *c = pm_commands; *c; c++)
			puts((*c)->name);
	} else if (!strcmp(what, "check")) {
		status = check_all();
	} else {
		fprintf(stderr, "usage: dump-commands texi|man|list|check\n");
		return EXIT_FAILURE;
	}
	/* A full disk must not pass as a document. */
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILURE;
	return status;
}
