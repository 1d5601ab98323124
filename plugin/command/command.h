/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command is one row and one file.  The row is the only place with text:
   option parser, help, GDB's document, the manual and the man page come from
   it.  A run is a resumable job: start, then step until it says it is done,
   each step no longer than about 100 ms, so that Ctrl-C is GDB's own.
   To add one: plugin/command/NAME.c with its row, a line in commands.c (kept
   sorted) and in local.mk, an image test, a live test. */
#ifndef PM_COMMAND_COMMAND_H
#define PM_COMMAND_COMMAND_H

#include "command/session.h"
#include "report/emit.h"

enum pm_group {
	PM_GROUP_OVERVIEW,
	PM_GROUP_OBJECT,
	PM_GROUP_GRAPH,
	PM_GROUP_WASTE,
	PM_GROUP_ALLOCATOR,
	PM_GROUP_TIME,
	PM_GROUP_HEALTH,
	PM_GROUP_SETTINGS,
};

enum pm_arg_type {
	PM_ARG_FLAG,
	PM_ARG_COUNT,  /* unsigned number, k/m/g suffix */
	PM_ARG_SIZE,   /* bytes, KiB/MiB/GiB suffix */
	PM_ARG_CHOICE, /* one of .choices, "a|b|c", unambiguous prefix */
	PM_ARG_TEXT,   /* a glob, a word */
	PM_ARG_FILE,
};

struct pm_option {
	const char *name; /* without dashes */
	enum pm_arg_type type;
	const char *value;   /* name of its value in help, "N" */
	const char *choices; /* "count|size|alloc" */
	const char *help;    /* one line */
};

/* What follows the options. */
enum pm_operand {
	PM_OPERAND_NONE,
	PM_OPERAND_ADDR, /* GDB expression to the end of the line */
	PM_OPERAND_OPTIONAL_ADDR,
	PM_OPERAND_TYPE,
	PM_OPERAND_OPTIONAL_TYPE,
	PM_OPERAND_TYPE_OR_ADDR, /* ADDR begins with a digit, $, (, * or & */
	PM_OPERAND_WORDS,	 /* py-set NAME VALUE */
	PM_OPERAND_FILE,
	PM_OPERAND_FILES, /* one or more */
};

struct pm_run;

struct pm_command {
	const char *name; /* "py-heap-types" */
	enum pm_group group;
	const char *summary;		 /* one sentence with a full stop */
	const struct pm_option *options; /* own ones; NULL name ends. Common
		ones (-json, -bytes, -top, -all, -output, -short) are added
		according to flags */
	unsigned flags;			 /* enum pm_command_flags */
	enum pm_operand operand;
	const char *operand_help;
	const char *doc;      /* paragraphs */
	const char *examples; /* lines "command  # what it answers" */
	/* Does this run of it need a target?  NULL: PM_COMMAND_NO_TARGET
	   says. */
	bool (*needs_target)(const struct pm_run *r);
	/* Prepares run->state; cheap.  The session is ready unless
	   PM_COMMAND_NO_TARGET. */
	enum pm_status (*start)(struct pm_run *r, struct pm_error *err);
	/* Works for at most about 100 ms; *ret_done when r->emit is complete.
	 */
	enum pm_status (*step)(
		struct pm_run *r, bool *ret_done, struct pm_error *err);
	/* Frees run->state; called whenever it is set, after an interrupted
	   step, too. */
	void (*finish)(struct pm_run *r);
};

enum pm_command_flags {
	PM_COMMAND_TABLE = 1,		 /* -top, -all */
	PM_COMMAND_SIZES = 2,		 /* -bytes */
	PM_COMMAND_NO_TARGET = 4,	 /* runs without a Python target */
	PM_COMMAND_ROWS_ARE_OBJECTS = 8, /* -short */
	PM_COMMAND_ONE_INTERPRETER = 16, /* -interp */
};

extern const struct pm_command *const pm_commands[]; /* sorted, NULL ends */

/* The parsed line: one slot per option of the row, common ones included. */
struct pm_run {
	const struct pm_command *command;
	struct pm_session *session;
	struct pm_emit *emit;
	void *state;	      /* the command's own */
	char *operand;	      /* owned: text after the options, "" if none */
	PM_VEC(char *) words; /* of WORDS, FILE and FILES, unquoted */
	bool has_addr;
	pm_addr addr;	       /* the operand evaluated by the host */
	size_t top;	       /* rows to show; 0 all */
	bool coloured;	       /* its text chooses colours of a terminal */
	bool in_page;	       /* it is shown as a part of a page of HTML */
	char progress[80];     /* "reading arenas 120/700", "" none */
	void *values;	       /* private to options.c */
	struct pm_strbuf note; /* private to run.c */
};

/* Values of options by name; the option must be in the row. */
bool pm_run_flag(const struct pm_run *r, const char *option);
bool pm_run_given(const struct pm_run *r, const char *option);
uint64_t pm_run_number(
	const struct pm_run *r, const char *option, uint64_t otherwise);
const char *pm_run_text(
	const struct pm_run *r, const char *option, const char *otherwise);

#endif
