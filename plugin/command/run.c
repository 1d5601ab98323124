/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/run.h"
#include "command/options.h"
#include "command/output.h"

#include <inttypes.h>
#include <string.h>

enum pm_status pm_run_create(struct pm_session *s, const char *line,
	struct pm_run **ret, struct pm_error *err)
{
	line += strspn(line, " \t");
	size_t len = strcspn(line, " \t");
	const struct pm_command *c = pm_command_find(line, len);
	if (!c)
		return pm_fail(err, PM_USAGE, 0, "no command \"%.*s\"",
			(int)(len > 40 ? 40 : len), line);
	PM_CLEANUP(pm_cleanup_run) struct pm_run *r = calloc(1, sizeof *r);
	if (!r)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->command = c;
	r->session = s;
	PM_TRY(pm_options_parse(r, line + len, err));
	*ret = pm_take(r);
	return PM_OK;
}

void pm_run_destroy(struct pm_run *r)
{
	if (!r)
		return;
	if (r->command->finish && r->state)
		r->command->finish(r);
	pm_emit_destroy(r->emit);
	pm_options_deinit(r);
	pm_strbuf_deinit(&r->note);
	free(r);
}

bool pm_run_wants_addr(const struct pm_run *r)
{
	/* "*.Node" is no expression. */
	if (r->command->operand == PM_OPERAND_TYPE_OR_ADDR)
		return *r->operand && strchr("0123456789$(*&", *r->operand) &&
		       strncmp(r->operand, "*.", 2);
	return (r->command->operand == PM_OPERAND_ADDR ||
		       r->command->operand == PM_OPERAND_OPTIONAL_ADDR) &&
	       *r->operand;
}

bool pm_run_needs_target(const struct pm_run *r)
{
	const struct pm_command *c = r->command;
	return c->needs_target ? c->needs_target(r)
			       : !(c->flags & PM_COMMAND_NO_TARGET);
}

static enum pm_status name_command(
	const struct pm_run *r, enum pm_status s, struct pm_error *err)
{
	size_t len = strlen(r->command->name);
	if (s != PM_OK && err &&
		strncmp(pm_error_last_line(err), r->command->name, len))
		pm_error_context(err, "%s", r->command->name);
	return s;
}

enum pm_status pm_run_start(struct pm_run *r, struct pm_error *err)
{
	struct pm_session *s = r->session;
	struct pm_emit_options o = {
		.format = r->in_page		    ? PM_EMIT_HTML
			  : pm_run_flag(r, "json")  ? PM_EMIT_JSON
			  : pm_run_flag(r, "short") ? PM_EMIT_SHORT
						    : PM_EMIT_TEXT,
		.bytes = pm_run_flag(r, "bytes"),
		.stable_ids = s->stable_ids,
	};
	r->emit = pm_emit_create(r->command->name, &o);
	if (!r->emit)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	bool has_target = pm_run_needs_target(r);
	if (has_target && s->target->truncated)
		pm_emit_bool(r->emit, "core_truncated", true);
	if (has_target && o.format == PM_EMIT_TEXT) {
		pm_auto_strbuf line = {0};
		pm_session_announce(s, &line);
		if (line.len)
			pm_emit_line(r->emit, "%s", pm_strbuf_text(&line));
	}
	s->interpreter = -1;
	if ((r->command->flags & PM_COMMAND_ONE_INTERPRETER) &&
		pm_run_given(r, "interp")) {
		uint64_t id = pm_run_number(r, "interp", 0);
		s->interpreter = id < INT64_MAX ? (int64_t)id : INT64_MAX;
		if (o.format == PM_EMIT_TEXT)
			pm_emit_line(r->emit,
				"Of interpreter %" PRIu64 " only:", id);
		pm_emit_uint(r->emit, "interp", id);
	}
	if (!r->command->start)
		return PM_OK;
	return name_command(r, r->command->start(r, err), err);
}

enum pm_status pm_run_step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	return name_command(r, r->command->step(r, ret_done, err), err);
}

enum pm_status pm_run_result(
	struct pm_run *r, struct pm_result *ret, struct pm_error *err)
{
	struct pm_result res;
	PM_TRY(name_command(r,
		pm_emit_finish(r->emit, &res.text, &res.len, &res.vars,
			&res.nvars, err),
		err));
	const char *file = pm_run_text(r, "output", NULL);
	if (file) {
		PM_TRY(name_command(
			r, pm_output_write(file, res.text, res.len, err), err));
		char size[16];
		pm_strbuf_reset(&r->note);
		if (!pm_run_flag(r, "json")) {
			pm_strbuf_puts(&r->note, "written to ");
			pm_strbuf_escaped(&r->note, file, strlen(file));
			pm_strbuf_printf(&r->note, " (%s)\n",
				pm_human_size(res.len, size));
		}
		res.text = pm_strbuf_text(&r->note);
		res.len = r->note.len;
	}
	if (pm_run_needs_target(r) && !pm_run_flag(r, "json") &&
		!pm_run_flag(r, "short"))
		pm_session_announced(r->session);
	*ret = res;
	return PM_OK;
}
