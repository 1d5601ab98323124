/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The language of -where in words: a paragraph of a command's document. */
#ifndef PM_COMMAND_CONDITION_H
#define PM_COMMAND_CONDITION_H

#define PM_CONDITION_DOC                                                       \
	"EXPR is a condition in quotes, asked of each object:\n"               \
	"  .name            an attribute: slot, instance attribute, "          \
	"or what its class says\n"                                             \
	"  .a.b  .list[0]  .table[\"k\"]   further from there; self is "       \
	"the object\n"                                                         \
	"  len size alloc refcount type addr tracked   of the object, "        \
	"or of another\n"                                                      \
	"                   value: len(.items)\n"                              \
	"  12  0x1f  1.5  \"text\"  b\"bytes\"  None  True  False\n"           \
	"  == != < <= > >=  as Python compares numbers, text and "             \
	"bytes\n"                                                              \
	"  ~ \"REGEX\"  !~    text that matches a POSIX extended "             \
	"expression\n"                                                         \
	"  in (1, 2)  in .list  \"part\" in .name  not in\n"                   \
	"  is  is not       the same object, or None, True, False, an "        \
	"address\n"                                                            \
	"  and or not ( )   a value alone: is it true?\n"                      \
	"Methods and properties are not run: they are not there.  A "          \
	"comparison with what is not there, or what Python would not "         \
	"compare, is false.  type is the qualified name; a name "              \
	"without "                                                             \
	"a dot is compared with the bare one.\n"

#endif
