/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-set: the settings of this GDB session. */
#include "command/commands.h"

#include <string.h>

enum setting_type { ON_OFF, NUMBER, RELEASE };

static const struct setting {
	const char *name;
	enum setting_type type;
	size_t offset; /* in struct pm_session: bool or unsigned */
	unsigned max;  /* of a NUMBER */
	bool resets;   /* what was read so far is read again */
	const char *help;
} settings[] = {
	{"debug-info", ON_OFF, offsetof(struct pm_session, use_debug_info), 0,
		true, "ask GDB's debug info for the layout of CPython"},
	{"fast-reads", ON_OFF, offsetof(struct pm_session, fast_reads), 0, true,
		"read local processes and cores without GDB"},
	{"repr-limit", NUMBER, offsetof(struct pm_session, repr_limit), 1000000,
		false, "characters of a value that are shown"},
	{"stable-ids", ON_OFF, offsetof(struct pm_session, stable_ids), 0,
		false, "show addresses as #1, #2, ..."},
	{"table", RELEASE, offsetof(struct pm_session, newest_row), 0, true,
		"use the table of layouts up to this release only"},
};
#define SETTINGS (sizeof settings / sizeof *settings)

static bool *on_off(struct pm_session *s, const struct setting *t)
{
	return (bool *)((char *)s + t->offset);
}

static unsigned *number(struct pm_session *s, const struct setting *t)
{
	return (unsigned *)(void *)((char *)s + t->offset);
}

static void release_text(unsigned release, char ret[16])
{
	if (release)
		snprintf(ret, 16, "%u.%u", release >> 8, release & 0xff);
	else
		snprintf(ret, 16, "all");
}

static void show_all(struct pm_run *r)
{
	static const struct pm_column columns[] = {
		{"name", "SETTING", PM_CELL_TEXT},
		{"value", "VALUE", PM_CELL_TEXT},
		{"help", "MEANING", PM_CELL_TEXT},
	};
	pm_emit_table(r->emit, "rows", columns, 3, 0);
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *t = &settings[i];
		char value[16];
		if (t->type == ON_OFF)
			snprintf(value, sizeof value, "%s",
				*on_off(r->session, t) ? "on" : "off");
		else if (t->type == NUMBER)
			snprintf(value, sizeof value, "%u",
				*number(r->session, t));
		else
			release_text(*number(r->session, t), value);
		const struct pm_cell cells[] = {
			{.text = t->name},
			{.text = value},
			{.text = t->help},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
}

static enum pm_status find_setting(const char *name, size_t len,
	const struct setting **ret, struct pm_error *err)
{
	const struct setting *found = NULL;
	unsigned matches = 0;
	for (size_t i = 0; i < SETTINGS; i++) {
		if (strncmp(settings[i].name, name, len))
			continue;
		found = &settings[i];
		matches++;
	}
	if (matches == 1 && len) {
		*ret = found;
		return PM_OK;
	}
	pm_auto_strbuf names = {0};
	for (size_t i = 0; i < SETTINGS; i++)
		pm_strbuf_printf(
			&names, "%s%s", i ? ", " : "", settings[i].name);
	pm_strbuf_puts(&names, "");
	pm_auto_strbuf shown = {0};
	pm_strbuf_escaped(&shown, name, len > 40 ? 40 : len);
	return pm_fail(err, PM_USAGE, 0, "no setting \"%s\"; there are: %s",
		pm_strbuf_text(&shown), pm_strbuf_text(&names));
}

static enum pm_status set_release(struct pm_session *s, const struct setting *t,
	const char *value, struct pm_error *err)
{
	unsigned release = 0;
	if (strcmp(value, "all")) {
		unsigned major = 0, minor = 0;
		int len = 0;
		if (sscanf(value, "%2u.%2u%n", &major, &minor, &len) != 2 ||
			value[len] || !strchr("123456789", *value))
			return pm_fail(err, PM_USAGE, 0,
				"%s is a release such as 3.14, or all, not "
				"\"%.60s\"",
				t->name, value);
		release = major << 8 | minor;
	}
	if (release != *number(s, t))
		pm_session_reset(s);
	*number(s, t) = release;
	return PM_OK;
}

static enum pm_status set_one(
	struct pm_run *r, const char *words, struct pm_error *err)
{
	struct pm_session *s = r->session;
	const struct setting *t = NULL;
	size_t len = strcspn(words, " ");
	PM_TRY(find_setting(words, len, &t, err));
	const char *value = words + len + (words[len] == ' ');
	if (t->type == ON_OFF) {
		bool on = !strcmp(value, "on");
		if (!on && strcmp(value, "off"))
			return pm_fail(err, PM_USAGE, 0,
				"%s is on or off, not \"%.60s\"", t->name,
				value);
		if (t->resets && on != *on_off(s, t))
			pm_session_reset(s);
		*on_off(s, t) = on;
		return PM_OK;
	}
	if (t->type == RELEASE)
		return set_release(s, t, value, err);
	char *end;
	unsigned long n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || n > t->max)
		return pm_fail(err, PM_USAGE, 0,
			"%s is a number from 0 to %u, not \"%.60s\"", t->name,
			t->max, value);
	*number(s, t) = (unsigned)n;
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	if (*r->operand)
		PM_TRY(set_one(r, r->operand, err));
	if (!*r->operand || pm_run_flag(r, "json"))
		show_all(r);
	*ret_done = true;
	return PM_OK;
}

const struct pm_command pm_command_set = {
	.name = "py-set",
	.group = PM_GROUP_SETTINGS,
	.summary = "Show or change the settings of the py- commands.",
	.flags = PM_COMMAND_NO_TARGET,
	.operand = PM_OPERAND_WORDS,
	.operand_help = "WORDS are the name of a setting and its new value; "
			"without them all are shown.",
	.doc = "Settings hold for this GDB session:\n"
	       "  fast-reads on|off    read a process of this machine or a "
	       "core "
	       "file directly\n"
	       "                       instead of through GDB, after both were "
	       "seen to agree\n"
	       "  debug-info on|off    use GDB's debug info for CPython's "
	       "layout, if there is any\n"
	       "  repr-limit N         show at most N characters of a value\n"
	       "  stable-ids on|off    show addresses as #1, #2, ..., the same "
	       "from run to run\n"
	       "  table all|RELEASE    use the table of layouts up to this "
	       "release only: what\n"
	       "                       is newer is found from its nearest kin, "
	       "as a release\n"
	       "                       is that pymortem does not know yet",
	.examples = "py-set                 # show all settings\n"
		    "py-set fast-reads off  # read through GDB only\n",
	.step = step,
};
