/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a session keeps when a command fails, and the next one comes. */
#include "command/session.h"
#include "lib/fake-core.h"
#include "target/image.h"
#include "unit/unit.h"

#include <elf.h>
#include <string.h>

static unsigned hosts_made;

static struct pm_target *make_host(void *host, struct pm_error *err)
{
	struct pm_target *t = NULL;
	(void)host;
	hosts_made++;
	if (pm_image_create(&t, err) != PM_OK)
		return NULL;
	ck_assert_int_eq(pm_image_add(t, 0x10000, NULL, 0x1000,
				 PM_MAP_READ | PM_MAP_WRITE, NULL, err),
		PM_OK);
	return t;
}

/* A core in which there is no Python; the debugger cannot say what it has at
   any of the places where it is compared. */
START_TEST(fails_twice_in_the_same_way)
{
	char path[] = "/tmp/pymortem-session-XXXXXX";
	pm_auto_fd int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	static const char zeros[4096];
	fake_auto_core c = {0};
	pm_auto_strbuf b = {0};
	fake_core_process(&c, 7, 0x10000);
	fake_core_segment(&c, 0x10000, 4096, zeros, 4096, PF_R | PF_W);
	fake_core_write(&c, &b);
	ck_assert_int_eq(write(fd, b.data, b.len), (ssize_t)b.len);

	static struct pm_session s;
	static struct pm_host_facts facts = {.kind = PM_TARGET_CORE};
	pm_session_init(&s);
	s.host_target = make_host;
	snprintf(facts.core_path, sizeof facts.core_path, "%s", path);
	facts.sp = 0x10000;
	char first[sizeof((struct pm_error *)0)->msg] = "";
	for (int i = 0; i < 3; i++) {
		struct pm_error err = {0};
		ck_assert_int_eq(pm_session_sync(&s, &facts, &err), PM_OK);
		ck_assert_int_eq(pm_session_open(&s, &err), PM_OK);
		pm_session_judge(&s);
		ck_assert_int_ne(pm_session_ensure(&s, &err), PM_OK);
		ck_assert_str_eq(s.reader, "GDB");
		ck_assert_uint_gt(strlen(err.msg), 0);
		if (!i)
			strcpy(first, err.msg);
		ck_assert_str_eq(err.msg, first);
	}
	ck_assert_uint_eq(hosts_made, 1);
	pm_session_deinit(&s);
	unlink(path);
}
END_TEST

UNIT_MAIN("session", fails_twice_in_the_same_way)
