/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/new-file.h"
#include "base/vec.h"
#include "snapshot/container-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <zstd.h>

struct chunk {
	uint32_t section, raw, stored;
	uint64_t at; /* of its bytes, in the file */
	uint64_t before, check;
};

struct pm_container {
	int fd;
	char *name;
	uint64_t bytes;
	uint64_t raw[PM_SECTIONS]; /* bytes of each section */
	PM_VEC(struct chunk) chunks;
};

static size_t stored_max(void)
{
	return ZSTD_compressBound(PM_CHUNK);
}

void pm_container_close(struct pm_container *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c->name);
	pm_vec_deinit(&c->chunks);
	free(c);
}

const char *pm_container_name(const struct pm_container *c)
{
	return c->name;
}

uint64_t pm_container_bytes(const struct pm_container *c)
{
	return c->bytes;
}

static enum pm_status no_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

/* All n bytes, or why not. */
static enum pm_status read_at(struct pm_container *c, uint64_t at, void *ret,
	size_t n, struct pm_error *err)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(c->fd, (char *)ret + done, n - done,
			(off_t)(at + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pm_fail(err, PM_SYSTEM, 0,
				"cannot read %.300s: %s", c->name,
				strerror(errno));
		if (!got)
			return pm_fail(err, PM_CORRUPT, 0,
				"%.300s is truncated: it ends within what "
				"begins at byte %" PRIu64,
				c->name, at);
		done += (size_t)got;
	}
	return PM_OK;
}

static enum pm_status damaged(
	const struct pm_container *c, uint64_t at, struct pm_error *err)
{
	return pm_fail(err, PM_CORRUPT, 0,
		"%.300s is damaged: the checksum of what begins at byte "
		"%" PRIu64 " is wrong",
		c->name, at);
}

/* ---- opening: everything is read once ---- */

static enum pm_status check_head(struct pm_container *c,
	enum pm_content content, uint64_t *ret_check, struct pm_error *err)
{
	static const char *const names[] = {
		[PM_CONTENT_HEAP] = "a snapshot of a heap",
		[PM_CONTENT_TRACES] = "traces of tracemalloc",
	};
	unsigned char head[PM_CONTAINER_HEAD];
	size_t n = c->bytes < 8 ? (size_t)c->bytes : 8;
	PM_TRY(read_at(c, 0, head, n, err));
	if (!n || memcmp(head, PM_CONTAINER_MAGIC, n))
		return pm_fail(err, PM_ABSENT, 0,
			"%.300s was not written by pymortem (py-heap-save)",
			c->name);
	PM_TRY(read_at(c, 0, head, sizeof head, err));
	uint64_t format = pm_load(head + 8, 4, false);
	uint64_t kind = pm_load(head + 12, 4, false);
	if (format != PM_CONTAINER_FORMAT)
		return pm_fail(err, PM_ABSENT, 0,
			"%.300s is of version %" PRIu64
			" of the format; this pymortem reads version %d",
			c->name, format, PM_CONTAINER_FORMAT);
	if (kind != content)
		return pm_fail(err, PM_ABSENT, 0, "%.300s is %s, not %s",
			c->name,
			kind && kind < sizeof names / sizeof *names
				? names[kind]
				: "of an unknown kind",
			names[content]);
	*ret_check = pm_checksum(0, head, sizeof head);
	return PM_OK;
}

/* The chunk at *at; *ret_end: it was the last. */
static enum pm_status check_chunk(struct pm_container *c, uint64_t *at,
	uint64_t *check, unsigned char *room, bool *ret_end,
	struct pm_error *err)
{
	unsigned char head[PM_CHUNK_HEAD];
	PM_TRY(read_at(c, *at, head, sizeof head, err));
	const struct chunk k = {
		.section = (uint32_t)pm_load(head, 4, false),
		.raw = (uint32_t)pm_load(head + 4, 4, false),
		.stored = (uint32_t)pm_load(head + 8, 4, false),
		.at = *at + sizeof head,
		.before = *check,
		.check = pm_load(head + 12, 8, false),
	};
	if (k.stored > stored_max())
		return damaged(c, *at, err);
	PM_TRY(read_at(c, k.at, room, k.stored, err));
	*check = pm_checksum(*check, head, 12);
	*check = pm_checksum(*check, room, k.stored);
	if (*check != k.check)
		return damaged(c, *at, err);
	*ret_end = !k.section;
	if (k.section >= PM_SECTIONS || k.raw > PM_CHUNK ||
		(!k.raw && k.section) ||
		(*ret_end && k.at + k.stored != c->bytes))
		return pm_fail(err, PM_CORRUPT, 0,
			"%.300s is damaged: a chunk at byte %" PRIu64
			" that cannot be",
			c->name, *at);
	*at = k.at + k.stored;
	c->raw[k.section] += k.raw;
	return *ret_end || pm_vec_push(&c->chunks, k) ? PM_OK : no_memory(err);
}

static enum pm_status check_all(
	struct pm_container *c, enum pm_content content, struct pm_error *err)
{
	struct stat st;
	if (fstat(c->fd, &st))
		return pm_fail(err, PM_SYSTEM, 0, "cannot read %.300s: %s",
			c->name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return pm_fail(err, PM_ABSENT, 0, "%.300s is no regular file",
			c->name);
	c->bytes = (uint64_t)st.st_size;
	uint64_t check = 0, at = PM_CONTAINER_HEAD;
	PM_TRY(check_head(c, content, &check, err));
	pm_auto_free unsigned char *room = malloc(stored_max());
	if (!room)
		return no_memory(err);
	for (bool end = false; !end;)
		PM_TRY(check_chunk(c, &at, &check, room, &end, err));
	return PM_OK;
}

enum pm_status pm_container_open_fd(int fd, const char *name,
	enum pm_content content, struct pm_container **ret,
	struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_container)
	struct pm_container *c = calloc(1, sizeof *c);
	if (!c) {
		close(fd);
		return no_memory(err);
	}
	c->fd = fd;
	pm_auto_strbuf shown = {0};
	pm_strbuf_escaped(&shown, name, strlen(name));
	c->name = pm_strbuf_take(&shown);
	if (!c->name)
		return no_memory(err);
	PM_TRY(check_all(c, content, err));
	*ret = pm_take(c);
	return PM_OK;
}

enum pm_status pm_container_open(const char *path, enum pm_content content,
	struct pm_container **ret, struct pm_error *err)
{
	pm_auto_free char *real = pm_expand_home(path);
	if (!real)
		return no_memory(err);
	int fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return pm_fail(err, PM_SYSTEM, 0, "cannot open %.300s: %s",
			path, strerror(errno));
	return pm_container_open_fd(fd, path, content, ret, err);
}

/* ---- one section ---- */

void pm_section_close(struct pm_section *s)
{
	free(s->raw);
	free(s->stored);
	ZSTD_freeDCtx(s->zstd);
	*s = (struct pm_section){0};
}

enum pm_status pm_section_open(struct pm_container *c, unsigned section,
	struct pm_section *ret, struct pm_error *err)
{
	struct pm_section s = {
		.c = c, .section = section, .left = c->raw[section]};
	s.raw = malloc(PM_CHUNK);
	s.stored = malloc(stored_max());
	s.zstd = ZSTD_createDCtx();
	if (!s.raw || !s.stored || !s.zstd) {
		pm_section_close(&s);
		return no_memory(err);
	}
	s.at = s.end = s.raw;
	*ret = s;
	return PM_OK;
}

/* The next chunk of it; there is one. */
static enum pm_status next_chunk(struct pm_section *s, struct pm_error *err)
{
	struct pm_container *c = s->c;
	const struct chunk *k;
	do
		k = &c->chunks.data[s->next++];
	while (k->section != s->section);
	unsigned char head[12];
	pm_store_u32(head, k->section);
	pm_store_u32(head + 4, k->raw);
	pm_store_u32(head + 8, k->stored);
	PM_TRY(read_at(c, k->at, s->stored, k->stored, err));
	/* Somebody may have written to the file meanwhile. */
	uint64_t check = pm_checksum(k->before, head, sizeof head);
	if (pm_checksum(check, s->stored, k->stored) != k->check)
		return damaged(c, k->at - PM_CHUNK_HEAD, err);
	size_t n = ZSTD_decompressDCtx(
		s->zstd, s->raw, PM_CHUNK, s->stored, k->stored);
	if (ZSTD_isError(n) || n != k->raw)
		return pm_fail(err, PM_CORRUPT, 0,
			"%.300s is damaged: what begins at byte %" PRIu64
			" cannot be decompressed",
			c->name, k->at);
	s->at = s->raw;
	s->end = s->raw + n;
	s->left -= n;
	return PM_OK;
}

static enum pm_status ends_early(struct pm_section *s, struct pm_error *err)
{
	return pm_fail(err, PM_CORRUPT, 0,
		"%.300s is damaged: section %u ends too early", s->c->name,
		s->section);
}

enum pm_status pm_section_read(
	struct pm_section *s, void *ret, size_t n, struct pm_error *err)
{
	unsigned char *to = ret;
	if (n > pm_section_left(s))
		return ends_early(s, err);
	while (n) {
		if (s->at == s->end)
			PM_TRY(next_chunk(s, err));
		size_t part = (size_t)(s->end - s->at);
		part = part < n ? part : n;
		memcpy(to, s->at, part);
		s->at += part;
		to += part;
		n -= part;
	}
	return PM_OK;
}

enum pm_status pm_section_uint_slow(
	struct pm_section *s, uint64_t *ret, struct pm_error *err)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (s->at == s->end) {
			if (!s->left)
				return ends_early(s, err);
			PM_TRY(next_chunk(s, err));
		}
		unsigned char byte = *s->at++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return PM_OK;
		}
	}
	return pm_fail(err, PM_CORRUPT, 0,
		"%.300s is damaged: a number in section %u has no end",
		s->c->name, s->section);
}

enum pm_status pm_section_text(
	struct pm_section *s, char **ret, struct pm_error *err)
{
	uint64_t n;
	PM_TRY(pm_section_uint(s, &n, err));
	if (n > PM_SECTION_TEXT_MAX || n > pm_section_left(s))
		return ends_early(s, err);
	pm_auto_free char *text = malloc(n + 1);
	if (!text)
		return no_memory(err);
	PM_TRY(pm_section_read(s, text, n, err));
	text[n] = '\0';
	if (strlen(text) != n)
		return pm_fail(err, PM_CORRUPT, 0,
			"%.300s is damaged: a text in section %u", s->c->name,
			s->section);
	*ret = pm_take(text);
	return PM_OK;
}
