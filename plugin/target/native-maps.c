/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /proc/PID/maps, whose line is
   "start-end perms offset major:minor inode      path". */
#include "target/native.h"

#include <string.h>

static const char *skip_blanks(const char *s, const char *end)
{
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	return s;
}

static bool get_hex(const char **s, const char *end, uint64_t *ret)
{
	uint64_t v = 0;
	const char *p = *s;
	for (; p < end; p++) {
		unsigned d;
		if (*p >= '0' && *p <= '9')
			d = (unsigned)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			d = (unsigned)(*p - 'a' + 10);
		else
			break;
		if (v >> 60)
			return false;
		v = v << 4 | d;
	}
	if (p == *s)
		return false;
	*s = p;
	*ret = v;
	return true;
}

static bool get_char(const char **s, const char *end, char c)
{
	if (*s >= end || **s != c)
		return false;
	(*s)++;
	return true;
}

static const char *skip_word(const char *s, const char *end)
{
	s = skip_blanks(s, end);
	while (s < end && *s != ' ' && *s != '\t')
		s++;
	return s;
}

static bool get_perms(const char **s, const char *end, unsigned *ret)
{
	const char *p = *s;
	if (end - p < 4)
		return false;
	unsigned flags = 0;
	flags |= p[0] == 'r' ? (unsigned)PM_MAP_READ : 0;
	flags |= p[1] == 'w' ? (unsigned)PM_MAP_WRITE : 0;
	flags |= p[2] == 'x' ? (unsigned)PM_MAP_EXEC : 0;
	flags |= p[3] == 's' ? (unsigned)PM_MAP_SHARED : 0;
	*ret = flags;
	*s = p + 4;
	return true;
}

static bool starts_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* Reading a device's registers can have effects; files kept in memory are
   the exception under /dev. */
static bool is_device(const char *path)
{
	return starts_with(path, "anon_inode:") ||
	       (starts_with(path, "/dev/") && !starts_with(path, "/dev/shm/") &&
		       !starts_with(path, "/dev/zero") &&
		       !starts_with(path, "/dev/hugepages/"));
}

/* The kernel writes a newline in a name as \012. */
static void unescape(char *s)
{
	char *out = s;
	while (*s) {
		if (!strncmp(s, "\\012", 4)) {
			*out++ = '\n';
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

void pm_native_name_mapping(struct pm_mapping *m, char *path)
{
	static const char deleted[] = " (deleted)";
	if (path[0] == '[') {
		if (!strcmp(path, "[heap]"))
			m->flags |= PM_MAP_HEAP;
		else if (starts_with(path, "[stack"))
			m->flags |= PM_MAP_STACK;
		else if (!starts_with(path, "[anon"))
			m->flags |= PM_MAP_SPECIAL;
		/* A name given by prctl, or none: memory like any other. */
		if (!(m->flags & PM_MAP_SPECIAL))
			return;
		m->path = path;
		return;
	}
	size_t n = strlen(path);
	size_t tail = sizeof deleted - 1;
	if (n > tail && !strcmp(path + n - tail, deleted)) {
		path[n - tail] = '\0';
		m->flags |= PM_MAP_DELETED;
	}
	/* Shared anonymous memory shows as a file that never had a name. */
	if (!strcmp(path, "/dev/zero") && (m->flags & PM_MAP_DELETED))
		return;
	unescape(path);
	if (is_device(path))
		m->flags |= PM_MAP_SPECIAL;
	m->path = path;
}

/* *ret_path is what m->path points to, to be freed by the caller. */
static enum pm_status parse_line(const char *s, const char *end,
	struct pm_mapping *m, char **ret_path, struct pm_error *err)
{
	*m = (struct pm_mapping){0};
	const char *line = s;
	bool ok = get_hex(&s, end, &m->start) && get_char(&s, end, '-') &&
		  get_hex(&s, end, &m->end) && get_char(&s, end, ' ') &&
		  get_perms(&s, end, &m->flags) && get_char(&s, end, ' ') &&
		  get_hex(&s, end, &m->offset);
	if (!ok)
		return pm_fail(err, PM_CORRUPT, 0,
			"list of mappings: cannot parse '%.*s'",
			(int)(end - line < 80 ? end - line : 80), line);
	s = skip_word(s, end); /* device */
	s = skip_word(s, end); /* inode */
	s = skip_blanks(s, end);
	if (s == end)
		return PM_OK;
	*ret_path = strndup(s, (size_t)(end - s));
	if (!*ret_path)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_native_name_mapping(m, *ret_path);
	return PM_OK;
}

enum pm_status pm_native_parse_maps(
	struct pm_target *t, const char *text, struct pm_error *err)
{
	PM_CLEANUP(pm_target_clear_maps) struct pm_target fresh = {0};
	uint64_t total = 0;
	while (*text) {
		const char *end = strchrnul(text, '\n');
		if (end != text) {
			struct pm_mapping m;
			pm_auto_free char *path = NULL;
			PM_TRY(parse_line(text, end, &m, &path, err));
			PM_TRY(pm_target_add_map(&fresh, &m, err));
			if ((m.flags & (PM_MAP_READ | PM_MAP_SPECIAL)) ==
				PM_MAP_READ)
				total += m.end - m.start;
		}
		text = *end ? end + 1 : end;
	}
	pm_target_clear_maps(t);
	t->maps.data = pm_take(fresh.maps.data);
	t->maps.len = fresh.maps.len;
	t->maps.cap = fresh.maps.cap;
	t->bytes_total = t->bytes_readable = total;
	return PM_OK;
}
