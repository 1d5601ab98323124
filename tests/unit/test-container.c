/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/alloc.h"
#include "snapshot/container.h"
#include "unit/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct pm_error e;

/* Two sections side by side, one larger than a chunk. */
static enum pm_status write_sample(struct pm_container_writer *w)
{
	for (uint64_t i = 0; i < 60000; i++) {
		PM_TRY(pm_container_put_uint(w, 1, i * i * i, &e));
		PM_TRY(pm_container_put_uint(w, 7, i & 63, &e));
	}
	PM_TRY(pm_container_put_text(w, 2, "a text", &e));
	PM_TRY(pm_container_put_text(w, 2, "", &e));
	return PM_OK;
}

static int make_sample(void)
{
	struct pm_container_writer *w = NULL;
	ck_assert_int_eq(
		pm_container_create(NULL, PM_CONTENT_HEAP, &w, &e), PM_OK);
	ck_assert_int_eq(write_sample(w), PM_OK);
	ck_assert_int_eq(pm_container_commit(w, &e), PM_OK);
	int fd = pm_container_take(w);
	pm_container_writer_destroy(w);
	return fd;
}

/* Everything that is in it, as far as it can be read. */
static enum pm_status read_sample(struct pm_container *c)
{
	PM_CLEANUP(pm_section_close) struct pm_section a = {0}, b = {0};
	uint64_t x = 0;
	PM_TRY(pm_section_open(c, 1, &a, &e));
	PM_TRY(pm_section_open(c, 7, &b, &e));
	for (uint64_t i = 0; i < 60000; i++) {
		PM_TRY(pm_section_uint(&a, &x, &e));
		ck_assert_uint_eq(x, i * i * i);
		PM_TRY(pm_section_uint(&b, &x, &e));
		ck_assert_uint_eq(x, i & 63);
	}
	ck_assert_uint_eq(pm_section_left(&a), 0);
	ck_assert_int_eq(pm_section_uint(&a, &x, &e), PM_CORRUPT);
	return PM_OK;
}

static enum pm_status read_texts(struct pm_container *c)
{
	PM_CLEANUP(pm_section_close) struct pm_section s = {0};
	PM_TRY(pm_section_open(c, 2, &s, &e));
	for (unsigned i = 0; i < 2; i++) {
		pm_auto_free char *text = NULL;
		PM_TRY(pm_section_text(&s, &text, &e));
		ck_assert_str_eq(text, i ? "" : "a text");
	}
	ck_assert_uint_eq(pm_section_left(&s), 0);
	return PM_OK;
}

START_TEST(reads_what_was_written)
{
	struct pm_container *c = NULL;
	int fd = make_sample();
	ck_assert_int_eq(
		pm_container_open_fd(fd, "memory", PM_CONTENT_HEAP, &c, &e),
		PM_OK);
	ck_assert_int_eq(read_sample(c), PM_OK);
	ck_assert_int_eq(read_texts(c), PM_OK);
	/* Nothing was put into this one. */
	struct pm_section none = {0};
	ck_assert_int_eq(pm_section_open(c, 3, &none, &e), PM_OK);
	ck_assert_uint_eq(pm_section_left(&none), 0);
	pm_section_close(&none);
	pm_container_close(c);
}
END_TEST

START_TEST(folds_signed_numbers)
{
	const int64_t all[] = {0, -1, 1, -2, INT64_MAX, INT64_MIN};
	for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
		ck_assert_int_eq(pm_unfold(pm_fold(all[i])), all[i]);
	ck_assert_uint_eq(pm_fold(-1), 1);
	ck_assert_uint_eq(pm_fold(1), 2);
}
END_TEST

static int copy_of(const unsigned char *bytes, size_t n)
{
	int fd = memfd_create("copy", MFD_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	return fd;
}

/* It must not open: that is, no figure may come of it. */
static void refused(const unsigned char *bytes, size_t n)
{
	struct pm_container *c = NULL;
	e.msg[0] = '\0';
	enum pm_status s = pm_container_open_fd(
		copy_of(bytes, n), "FILE", PM_CONTENT_HEAP, &c, &e);
	ck_assert_ptr_null(c);
	ck_assert_msg(s == PM_CORRUPT || s == PM_ABSENT, "%s", e.msg);
	ck_assert_ptr_nonnull(strstr(e.msg, "FILE"));
}

static unsigned char *bytes_of(int fd, size_t *ret_n)
{
	struct stat st;
	ck_assert_int_eq(fstat(fd, &st), 0);
	unsigned char *bytes = malloc((size_t)st.st_size);
	ck_assert_ptr_nonnull(bytes);
	ck_assert_int_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	*ret_n = (size_t)st.st_size;
	close(fd);
	return bytes;
}

START_TEST(any_damage_is_refused)
{
	size_t n;
	pm_auto_free unsigned char *bytes = bytes_of(make_sample(), &n);
	for (size_t i = 0; i < n; i += i < 200 || i + 200 > n ? 1 : 1993)
		for (unsigned bit = 0; bit < 8; bit += 3) {
			bytes[i] ^= (unsigned char)(1 << bit);
			refused(bytes, n);
			bytes[i] ^= (unsigned char)(1 << bit);
		}
	for (size_t i = 0; i < n; i += i < 200 || i + 200 > n ? 1 : 9973)
		refused(bytes, i);
	pm_auto_free unsigned char *longer = calloc(1, n + 1);
	ck_assert_ptr_nonnull(longer);
	memcpy(longer, bytes, n);
	refused(longer, n + 1);
}
END_TEST

START_TEST(says_what_a_file_is)
{
	size_t n;
	struct pm_container *c = NULL;
	pm_auto_free unsigned char *bytes = bytes_of(make_sample(), &n);
	ck_assert_int_eq(pm_container_open_fd(copy_of(bytes, n), "FILE",
				 PM_CONTENT_TRACES, &c, &e),
		PM_ABSENT);
	ck_assert_str_eq(e.msg,
		"FILE is a snapshot of a heap, not traces of tracemalloc");
	bytes[8] = 2;
	refused(bytes, n);
	ck_assert_str_eq(e.msg, "FILE is of version 2 of the format; this "
				"pymortem reads version 1");
	refused((const unsigned char *)"#!/bin/sh\n", 10);
	ck_assert_str_eq(
		e.msg, "FILE was not written by pymortem (py-heap-save)");
	refused(NULL, 0);
	ck_assert_int_eq(
		pm_container_open("/", PM_CONTENT_HEAP, &c, &e), PM_ABSENT);
	ck_assert_str_eq(e.msg, "/ is no regular file");
	ck_assert_int_eq(pm_container_open("/no/such", PM_CONTENT_HEAP, &c, &e),
		PM_SYSTEM);
}
END_TEST

/* ---- the file and its name ---- */

static char folder[] = "/tmp/test-container-XXXXXX";

static unsigned files_in_folder(void)
{
	char command[100];
	unsigned n = 99;
	snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
	FILE *f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

START_TEST(has_a_name_when_complete)
{
	struct pm_container_writer *w = NULL;
	struct pm_container *c = NULL;
	char path[60];
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/x", folder);
	ck_assert_int_eq(
		pm_container_create(path, PM_CONTENT_HEAP, &w, &e), PM_OK);
	ck_assert_int_eq(write_sample(w), PM_OK);
	ck_assert_int_eq(access(path, F_OK), -1);
	pm_container_writer_destroy(w);
	ck_assert_uint_eq(files_in_folder(), 0);
	for (unsigned i = 0; i < 2; i++) { /* the second replaces it */
		ck_assert_int_eq(
			pm_container_create(path, PM_CONTENT_HEAP, &w, &e),
			PM_OK);
		ck_assert_int_eq(write_sample(w), PM_OK);
		ck_assert_int_eq(pm_container_commit(w, &e), PM_OK);
		pm_container_writer_destroy(w);
		ck_assert_uint_eq(files_in_folder(), 1);
	}
	ck_assert_int_eq(
		pm_container_open(path, PM_CONTENT_HEAP, &c, &e), PM_OK);
	ck_assert_int_eq(read_sample(c), PM_OK);
	pm_container_close(c);
	unlink(path);
	rmdir(folder);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	struct pm_container_writer *w = NULL;
	enum pm_status s =
		pm_container_create("/dev/full", PM_CONTENT_HEAP, &w, &e);
	if (s == PM_OK)
		s = write_sample(w);
	if (s == PM_OK)
		s = pm_container_commit(w, &e);
	ck_assert_int_eq(s, PM_SYSTEM);
	ck_assert_ptr_nonnull(strstr(e.msg, "No space left"));
	pm_container_writer_destroy(w);
}
END_TEST

START_TEST(survives_want_of_memory)
{
	for (alloc_fail_first(); alloc_fail_running(); alloc_fail_next()) {
		struct pm_container_writer *w = NULL;
		struct pm_container *c = NULL;
		struct pm_section s = {0};
		pm_auto_free char *text = NULL;
		alloc_fail_start();
		enum pm_status st =
			pm_container_create(NULL, PM_CONTENT_HEAP, &w, &e);
		if (!st)
			st = pm_container_put_text(w, 3, "text", &e);
		if (!st)
			st = pm_container_commit(w, &e);
		if (!st)
			st = pm_container_open_fd(pm_container_take(w), "x",
				PM_CONTENT_HEAP, &c, &e);
		if (!st)
			st = pm_section_open(c, 3, &s, &e);
		if (!st)
			st = pm_section_text(&s, &text, &e);
		alloc_fail_stop();
		ck_assert_int_eq(st, alloc_failed() ? PM_NOMEM : PM_OK);
		if (c)
			pm_section_close(&s);
		pm_container_close(c);
		pm_container_writer_destroy(w);
	}
	ck_assert_uint_gt(alloc_fail_runs(), 5);
}
END_TEST

UNIT_MAIN("container", reads_what_was_written, folds_signed_numbers,
	any_damage_is_refused, says_what_a_file_is, has_a_name_when_complete,
	a_full_disk_is_an_error, survives_want_of_memory)
