/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What GDB is to do next, as two scripts: the flags, sourced where their
   output and errors vanish, and the text that the user sees. */
#ifndef PM_GDB_RESPONSE_H
#define PM_GDB_RESPONSE_H

#include "base/strbuf.h"

struct pm_response {
	struct pm_strbuf flags;
	struct pm_strbuf shown;
	uint64_t thread; /* for questions that may fail */
	bool coloured;	 /* the text shown chooses colours of a terminal */
};

void pm_response_deinit(struct pm_response *r);

/* Text for the user, through GDB's own stream. */
void pm_response_show(struct pm_response *r, const char *text, size_t len);

/* "set $name = value", as a number or a pointer. */
void pm_response_set(
	struct pm_response *r, const char *name, uint64_t value, bool pointer);
void pm_response_unset(struct pm_response *r, const char *name);
/* $name = text, one line. */
void pm_response_set_text(
	struct pm_response *r, const char *name, const char *text);

/* A command whose output and errors nobody sees. */
PM_PRINTF(2, 3)
void pm_response_do(struct pm_response *r, const char *command, ...);

/* Questions; the answers are in the next request.  An expression in C... */
PM_PRINTF(3, 4)
void pm_response_ask(
	struct pm_response *r, uint32_t id, const char *expression, ...);
/* ... what a command prints, through a shell filter ... */
void pm_response_ask_output(struct pm_response *r, uint32_t id,
	const char *command, const char *filter);

/* ... a setting that is text ... */
void pm_response_ask_setting(
	struct pm_response *r, uint32_t id, const char *setting);

/* The last question: the operand, in the user's own language and frame. The
   script asks it where nothing is swallowed, so that an error is GDB's own. */
void pm_response_ask_operand(struct pm_response *r, const char *expression);

/* Writes both; the flag that says "complete" is the last line. */
PM_CHECKED enum pm_status pm_response_send(
	struct pm_response *r, struct pm_error *err);

#endif
