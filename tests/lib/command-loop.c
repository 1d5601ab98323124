/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands without a debugger: reads lines such as "py-object -json 0x1234"
   and prints the answer to each, or "COMMAND: what went wrong", followed by the
   line MARK.  ADDR is a number here.

     command-loop MARK PID|CORE [EXECUTABLE] */
#include "command/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum pm_status run(
	struct pm_session *s, const char *line, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_run) struct pm_run *r = NULL;
	struct pm_result res = {0};
	bool done = false;
	char *end;
	PM_TRY(pm_run_create(s, line, &r, err));
	if (pm_run_wants_addr(r)) {
		r->addr = strtoull(r->operand, &end, 0);
		r->has_addr = !*end;
		if (*end)
			return pm_fail(err, PM_USAGE, 0, "no address: %.40s",
				r->operand);
	}
	PM_TRY(pm_run_start(r, err));
	while (!done)
		PM_TRY(pm_run_step(r, &done, err));
	PM_TRY(pm_run_result(r, &res, err));
	fwrite(res.text, 1, res.len, stdout);
	return PM_OK;
}

static enum pm_status open_session(
	struct pm_session *s, char **words, int n, struct pm_error *err)
{
	static struct pm_host_facts facts;
	char *end;
	long pid = strtol(words[0], &end, 10);
	facts.kind = *end ? PM_TARGET_CORE : PM_TARGET_LIVE;
	if (*end)
		snprintf(facts.core_path, sizeof facts.core_path, "%s",
			words[0]);
	else
		facts.pid = (int)pid;
	if (n > 1)
		snprintf(facts.exe_path, sizeof facts.exe_path, "%s", words[1]);
	PM_TRY(pm_session_sync(s, &facts, err));
	return pm_session_ensure(s, err);
}

int main(int argc, char **argv)
{
	PM_CLEANUP(pm_session_deinit) struct pm_session s;
	struct pm_error err;
	char line[8192];
	pm_session_init(&s);
	if (argc < 3 || argc > 4) {
		fputs("usage: command-loop MARK PID|CORE [EXECUTABLE]\n",
			stderr);
		return 2;
	}
	enum pm_status status = open_session(&s, argv + 2, argc - 2, &err);
	if (status != PM_OK) {
		fprintf(stderr, "command-loop: %s: %s\n",
			pm_status_text(status), err.msg);
		return 1;
	}
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = '\0';
		status = run(&s, line, &err);
		if (status != PM_OK)
			printf("%s: %s\n", pm_status_text(status), err.msg);
		printf("\n%s\n", argv[1]);
		fflush(stdout);
	}
	return 0;
}
