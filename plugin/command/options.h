/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a typed line to values, and from a row to its help: both read the
   command's row and nothing else.
   GDB's habit: "-top 20", and "--top 20", "-top=20", "--top=20"; a prefix that
   fits one option only is enough; "--" ends the options.  Values may be quoted
   as in a shell.  An ADDR operand is the raw rest of the line. */
#ifndef PM_COMMAND_OPTIONS_H
#define PM_COMMAND_OPTIONS_H

#include "command/command.h"

/* The row's own options, then the common ones its flags ask for: the i-th,
   NULL at the end. */
const struct pm_option *pm_command_option(const struct pm_command *c, size_t i);

/* The command of that exact name, NULL: none. */
const struct pm_command *pm_command_find(const char *name, size_t len);

/* Parses what follows the command's name into r, whose .command is set: fills
   .values, .operand and .top.  PM_USAGE with a text that names the command,
   the option and what is allowed.  pm_options_deinit in any case. */
PM_CHECKED enum pm_status pm_options_parse(
	struct pm_run *r, const char *line, struct pm_error *err);
void pm_options_deinit(struct pm_run *r);

/* "py-heap-types [OPTION]... [TYPE]" */
void pm_command_usage(const struct pm_command *c, struct pm_strbuf *b);
/* The help text of the row; first line the summary. */
void pm_command_help(const struct pm_command *c, struct pm_strbuf *b);

#endif
