/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a snapshot: as a file, and as what is in the sections of a file
   whose checksums are right.  What opens is compared with itself. */
#include "snapshot/diff.h"
#include "snapshot/keepers.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct pm_snapshot *s, enum pm_diff_by by)
{
	struct pm_error err;
	struct pm_diff_job *j = NULL;
	const struct pm_snapshot *all[] = {s, s, s};
	const struct pm_diff_options o = {.by = by, .born = 10};
	if (pm_diff_create(all, 2 + (by == PM_DIFF_MODULE), &o, &j, &err))
		return;
	bool done = false;
	while (!done && pm_diff_step(j, 1, &done, &err) == PM_OK)
		;
	/* Nothing is new in what is the same. */
	if (done && pm_diff_result(j)->identity &&
		(pm_diff_result(j)->total.born.count ||
			pm_diff_result(j)->total.gone.count))
		__builtin_trap();
	pm_diff_destroy(j);
}

/* Of all objects that there may be. */
static void find_keepers(const struct pm_snapshot *s)
{
	struct pm_keepers *j = NULL;
	uint64_t index[512];
	for (unsigned i = 0; i < 512; i++)
		index[i] = i;
	if (pm_keepers_create(s, index, 512, &j, NULL))
		return;
	for (bool done = false; !done;)
		if (pm_keepers_step(j, 1, &done, NULL))
			break;
	pm_keepers_destroy(j);
}

static void open_and_compare(int fd)
{
	struct pm_error err;
	PM_CLEANUP(pm_cleanup_snapshot) struct pm_snapshot *s = NULL;
	if (pm_snapshot_open_fd(fd, "x", &s, &err))
		return;
	compare(s, PM_DIFF_TYPE);
	compare(s, PM_DIFF_MODULE);
	compare(s, PM_DIFF_OWNER);
	if (s->facts.has_graph)
		find_keepers(s);
}

static enum pm_status put_fact(
	struct pm_container_writer *w, const char *name, const char *value)
{
	const unsigned at = PM_SECTION_FACTS;
	PM_TRY(pm_container_put_text(w, at, name, NULL));
	return pm_container_put_text(w, at, value, NULL);
}

/* How many objects there are, inside and outside, then pieces: a section, a
   length, so many bytes. */
static int file_of(const uint8_t *data, size_t size)
{
	PM_CLEANUP(pm_cleanup_container_writer)
	struct pm_container_writer *w = NULL;
	char inside[4], outside[4];
	if (size < 2 || pm_container_create(NULL, PM_CONTENT_HEAP, &w, NULL))
		return -1;
	snprintf(inside, sizeof inside, "%u", data[0]);
	snprintf(outside, sizeof outside, "%u", data[1]);
	if (put_fact(w, "inside", inside) || put_fact(w, "outside", outside) ||
		put_fact(w, "process", "one") || put_fact(w, "owners", "1") ||
		put_fact(w, "paths", data[0] & 1 ? "1" : "0") ||
		put_fact(w, "graph", data[1] & 1 ? "1" : "0"))
		return -1;
	for (data += 2, size -= 2; size > 2;) {
		unsigned section = 1 + data[0] % (PM_SECTIONS_USED - 1);
		size_t n = data[1] < size - 2 ? data[1] : size - 2;
		if (pm_container_put(w, section, data + 2, n, NULL))
			return -1;
		data += 2 + n;
		size -= 2 + n;
	}
	return pm_container_commit(w, NULL) ? -1 : pm_container_take(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = -1;
	if (size && data[0] != 0x93)
		fd = file_of(data, size);
	else
		fd = memfd_create("x", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (size && data[0] == 0x93 && write(fd, data, size) != (ssize_t)size)
		close(fd);
	else
		open_and_compare(fd);
	return 0;
}
