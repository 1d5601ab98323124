/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target/module-file.h"

#include "target/elf-read.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD ((size_t)65536)
#define COMPARED ((size_t)4096)

/* The first bytes of a regular file; 0 when there is none. */
static size_t read_head(const char *path, uint8_t *buf, size_t len)
{
	struct stat st;
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return 0;
	pm_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 0;
	size_t done = 0;
	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, (off_t)done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

enum verdict { NO_FILE, OTHER_FILE, SAME_FILE };

/* By build id where memory has one, else by the start of the file. */
static enum verdict compare(struct pm_target *t, const struct pm_mapping *map,
	const char *path, const char *build_id, uint8_t *head,
	char ret_id[PM_BUILD_ID_TEXT])
{
	size_t n = read_head(path, head, HEAD);
	if (!n)
		return NO_FILE;
	pm_elf_image_build_id(head, n, false, ret_id);
	if (build_id[0])
		return strcmp(build_id, ret_id) ? OTHER_FILE : SAME_FILE;
	uint8_t there[COMPARED];
	size_t want = n < COMPARED ? n : COMPARED;
	if (want > map->end - map->start)
		want = (size_t)(map->end - map->start);
	size_t got = pm_target_read_some(t, map->start, there, want);
	return memcmp(there, head, got) ? OTHER_FILE : SAME_FILE;
}

struct search {
	struct pm_target *t;
	const struct pm_mapping *map;
	struct pm_module *mod;
	uint8_t *head; /* HEAD bytes to work with */
	char **ret_file;
	bool other; /* there was a file, and it is not the module's */
	enum pm_status status;
};

static char *join(const char *a, const char *b)
{
	size_t n = strlen(a) + strlen(b) + 1;
	char *s = malloc(n);
	if (s)
		snprintf(s, n, "%s%s", a, b);
	return s;
}

/* Compares one file with the module; takes path when it is the one. */
static bool try_file(struct search *s, const char *path, bool only_by_id,
	struct pm_error *err)
{
	char id[PM_BUILD_ID_TEXT];
	struct pm_module *mod = s->mod;
	if (only_by_id && !mod->build_id[0])
		return false;
	enum verdict v =
		compare(s->t, s->map, path, mod->build_id, s->head, id);
	s->other |= v == OTHER_FILE && !only_by_id;
	if (v != SAME_FILE)
		return false;
	*s->ret_file = strdup(path);
	if (!*s->ret_file) {
		s->status = pm_fail(err, PM_NOMEM, 0, "out of memory");
		return true;
	}
	mod->file_matches = true;
	if (!mod->build_id[0])
		snprintf(mod->build_id, sizeof mod->build_id, "%s", id);
	return true;
}

/* Where the target's file may be on this machine: below its root directory,
   as it is, while the process lives the very file behind the mapping, and
   what the debugger found. */
static void search(struct search *s, struct pm_error *err)
{
	struct pm_target *t = s->t;
	const char *path = s->map->path;
	char other[8192];
	int n = snprintf(other, sizeof other, "%s%s",
		t->sysroot ? t->sysroot : "", path);
	if (n > 0 && (size_t)n < sizeof other && try_file(s, other, false, err))
		return;
	if (t->kind == PM_TARGET_LIVE) {
		snprintf(other, sizeof other,
			"/proc/%d/map_files/%" PRIx64 "-%" PRIx64, t->pid,
			s->map->start, s->map->end);
		if (try_file(s, other, false, err))
			return;
	} else if (t->sysroot && *t->sysroot && try_file(s, path, false, err)) {
		return;
	}
	const char *pos = NULL;
	while (pm_target_next_file(t, path, &pos, other, sizeof other))
		if (try_file(s, other, true, err))
			return;
}

static char *find_debug_file(const struct pm_target *t, const char *build_id)
{
	struct stat st;
	size_t n = strlen(build_id);
	/* A longer id was cut to this. */
	if (n < 4 || n >= PM_BUILD_ID_TEXT)
		return NULL;
	char path[128];
	snprintf(path, sizeof path, "/usr/lib/debug/.build-id/%.2s/%s.debug",
		build_id, build_id + 2);
	for (int bare = t->sysroot && *t->sysroot ? 0 : 1; bare < 2; bare++) {
		pm_auto_free char *full = join(bare ? "" : t->sysroot, path);
		if (full && !stat(full, &st) && S_ISREG(st.st_mode))
			return pm_take(full);
	}
	return NULL;
}

enum pm_status module_file_find(struct pm_target *t,
	const struct pm_mapping *map, struct pm_module *mod, char **ret_file,
	char **ret_debug, struct pm_error *err)
{
	pm_auto_free uint8_t *head = malloc(HEAD);
	if (!head)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	/* Another machine's files are not here. */
	if (t->kind == PM_TARGET_REMOTE && !(t->sysroot && *t->sysroot))
		return PM_OK;
	struct search s = {t, map, mod, head, ret_file, false, PM_OK};
	search(&s, err);
	PM_TRY(s.status);
	mod->file_mismatch = s.other && !mod->file_matches;
	if (mod->build_id[0])
		*ret_debug = find_debug_file(t, mod->build_id);
	return PM_OK;
}
