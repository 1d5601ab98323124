/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gdb/script.h"
#include "command/options.h"
#include "gdb/channel.h"
#include "gdb/request.h"

#include <string.h>

/* GDB hands a command its arguments as words. */
#define WORDS_MAX 16

/* One word of the script below is replaced: %M by the module.
   - A call of the module is a load that GDB refuses.  The error of it ends
     the helper, is swallowed by "thread apply -s", and with it go all output
     and warnings; thread, frame and language are as before.
   - Without any thread there is no "thread apply", but nothing to lose either:
     then the load is accepted and undone.
   - No expression is evaluated in the user's language but "$argc > n",
     "$_thread" and plain variables as conditions. */
static const char helpers[] =
	"define __pm_clear\n"
	"set $__pm_answer = 0\n"
	"set $__pm_more = 0\n"
	"set $__pm_fail = 0\n"
	"dump value /proc/self/fd/989 (char) 10\n"
	"dump value /proc/self/fd/988 (char) 10\n"
	"end\n"
	"define __pm_line\n"
	"append value /proc/self/fd/987 "
	"$_gdb_maint_setting_str(\"test-settings string-noescape\")\n"
	"append value /proc/self/fd/987 {0x504d520300000001ull,0ull}\n"
	"end\n"
	"define __pm_begin\n"
	"__pm_clear\n"
	"dump value /proc/self/fd/987 {0x504d520100000003ull,"
	"(unsigned long long) $_thread,0x504d520200000001ull,0ull}\n"
	"__pm_line\n"
	"jit-reader-load %M\n"
	"end\n"
	"define __pm_next\n"
	"__pm_clear\n"
	"jit-reader-load %M\n"
	"end\n"
	/* Accepted; the first look at a frame hands us GDB's reader. */
	"define __pm_capture\n"
	"__pm_clear\n"
	"jit-reader-load %M\n"
	"set $__pm_sp = $sp\n"
	"jit-reader-unload\n"
	"__pm_next\n"
	"end\n"
	"define __pm_flags\n"
	"source /proc/self/fd/989\n"
	"thread .\n" /* an error, to swallow the output */
	"end\n"
	"define __pm_step\n"
	"eval \"thread apply %d -q -s -- with language c -- $arg0\", $_thread\n"
	"eval \"thread apply %d -q -s -- __pm_flags\", $_thread\n"
	"source /proc/self/fd/988\n"
	"end\n"
	/* "thread apply" goes to frame 0, so not in there; it may fail here. */
	"define __pm_operand\n"
	"eval \"with may-call-functions off -- append value "
	"/proc/self/fd/987 %s\", $__pm_text\n"
	"eval \"pipe -d @@@@ whatis %s @@@@ cat >>/proc/$PPID/fd/987\", "
	"$__pm_text\n"
	"end\n"
	"define __pm_idle_begin\n"
	"__pm_clear\n"
	"dump value /proc/self/fd/987 {0x504d520100000002ull,1ull,"
	"0x504d520200000001ull,0ull}\n"
	"__pm_line\n"
	"jit-reader-load %M\n"
	"jit-reader-unload\n"
	"end\n"
	"define __pm_idle_next\n"
	"__pm_clear\n"
	"jit-reader-load %M\n"
	"jit-reader-unload\n"
	"end\n"
	"define __pm_idle_step\n"
	"with language c -- $arg0\n"
	"source /proc/self/fd/989\n"
	"source /proc/self/fd/988\n"
	"end\n"
	"define __pm_call\n"
	"dont-repeat\n"
	"if $_thread\n"
	"__pm_step __pm_begin\n"
	"while $__pm_more\n"
	"if $__pm_more > 1\n"
	"if $__pm_more > 2\n"
	"__pm_operand\n"
	"__pm_step __pm_next\n"
	"else\n"
	"__pm_step __pm_capture\n"
	"end\n"
	"else\n"
	"__pm_step __pm_next\n"
	"end\n"
	"end\n"
	"else\n"
	"__pm_idle_step __pm_idle_begin\n"
	"while $__pm_more\n"
	"__pm_idle_step __pm_idle_next\n"
	"end\n"
	"end\n"
	"if $__pm_answer\n"
	"else\n"
	"thread pymortem: no answer from the module; if another JIT reader is "
	"loaded, jit-reader-unload it\n"
	"end\n"
	"if $__pm_fail\n"
	"eval \"thread %s\", $__pm_text\n"
	"end\n"
	"end\n";

static void put_helpers(const char *module, struct pm_strbuf *b)
{
	for (const char *p = helpers; *p;) {
		const char *m = strstr(p, "%M");
		size_t n = m ? (size_t)(m - p) : strlen(p);
		pm_strbuf_append(b, p, n);
		p += n;
		if (m) {
			pm_strbuf_puts(b, module);
			p += 2;
		}
	}
}

static void put_command(const struct pm_command *c, struct pm_strbuf *b)
{
	static const char set[] = "maint set test-settings string-noescape";
	pm_strbuf_printf(
		b, "define %s\ndont-repeat\n%s %s\n", c->name, set, c->name);
	for (unsigned n = 0; n < WORDS_MAX; n++) {
		pm_strbuf_printf(b, "if $argc > %u\n%s %s", n, set, c->name);
		for (unsigned k = 0; k <= n; k++)
			pm_strbuf_printf(b, " $arg%u", k);
		pm_strbuf_puts(b, "\nend\n");
	}
	pm_strbuf_printf(b,
		"if $argc > %u\n"
		"thread %s: more than %u words; leave the blanks out of the "
		"expression\n"
		"end\n"
		"__pm_call\nend\n",
		WORDS_MAX, c->name, WORDS_MAX);
	pm_strbuf_printf(b, "document %s\n", c->name);
	pm_command_help(c, b);
	pm_strbuf_puts(b, "end\n");
}

void pm_script_definitions(const char *module, struct pm_strbuf *b)
{
	_Static_assert(PM_CHANNEL_REQUEST == 987 &&
			       PM_CHANNEL_RESPONSE == 988 &&
			       PM_CHANNEL_FLAGS == 989,
		"the helpers name the files by number");
	_Static_assert(PM_Q_COMMAND == 1 && PM_Q_IDLE == 2 && PM_Q_THREAD == 3,
		"the helpers name the first questions by number");
	put_helpers(module, b);
	for (const struct pm_command *const *c = pm_commands; *c; c++)
		put_command(*c, b);
	/* Each language assigns in its own way. */
	pm_strbuf_puts(b, "with language c -- set $__pm_loaded = 1\n");
}
