/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/new-file.h"
#include "snapshot/container-internal.h"

#include <zstd.h>

/* What zstd makes of a heap hardly gets smaller with more effort. */
#define LEVEL 1

struct section {
	unsigned char *data; /* PM_CHUNK of room; NULL: not begun */
	uint32_t len;
};

struct pm_container_writer {
	struct pm_new_file *file;
	struct section sections[PM_SECTIONS];
	ZSTD_CCtx *zstd;
	unsigned char *stored; /* a chunk's head, and its bytes */
	size_t room;	       /* for the latter */
	uint64_t check, written;
};

void pm_container_writer_destroy(struct pm_container_writer *w)
{
	if (!w)
		return;
	pm_new_file_destroy(w->file);
	for (unsigned i = 0; i < PM_SECTIONS; i++)
		free(w->sections[i].data);
	ZSTD_freeCCtx(w->zstd);
	free(w->stored);
	free(w);
}

static enum pm_status put_bytes(struct pm_container_writer *w,
	const void *bytes, size_t n, struct pm_error *err)
{
	PM_TRY(pm_new_file_write(w->file, bytes, n, err));
	w->written += n;
	return PM_OK;
}

enum pm_status pm_container_create(const char *path, enum pm_content content,
	struct pm_container_writer **ret, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_container_writer)
	struct pm_container_writer *w = calloc(1, sizeof *w);
	if (!w)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	w->room = ZSTD_compressBound(PM_CHUNK);
	w->zstd = ZSTD_createCCtx();
	w->stored = malloc(PM_CHUNK_HEAD + w->room);
	if (!w->zstd || !w->stored)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(path ? pm_new_file_create(path, &w->file, err)
		    : pm_new_file_create_memory(&w->file, err));
	unsigned char head[PM_CONTAINER_HEAD];
	memcpy(head, PM_CONTAINER_MAGIC, 8);
	pm_store_u32(head + 8, PM_CONTAINER_FORMAT);
	pm_store_u32(head + 12, content);
	w->check = pm_checksum(0, head, sizeof head);
	PM_TRY(put_bytes(w, head, sizeof head, err));
	*ret = pm_take(w);
	return PM_OK;
}

static enum pm_status put_chunk(struct pm_container_writer *w, unsigned section,
	const void *raw, uint32_t n, struct pm_error *err)
{
	unsigned char *head = w->stored, *body = head + PM_CHUNK_HEAD;
	size_t stored = 0;
	if (n)
		stored = ZSTD_compressCCtx(
			w->zstd, body, w->room, raw, n, LEVEL);
	if (ZSTD_isError(stored))
		return pm_fail(err, PM_NOMEM, 0, "compression: %s",
			ZSTD_getErrorName(stored));
	pm_store_u32(head, section);
	pm_store_u32(head + 4, n);
	pm_store_u32(head + 8, (uint32_t)stored);
	w->check = pm_checksum(w->check, head, 12);
	w->check = pm_checksum(w->check, body, stored);
	pm_store_u64(head + 12, w->check);
	return put_bytes(w, w->stored, PM_CHUNK_HEAD + stored, err);
}

enum pm_status pm_container_put(struct pm_container_writer *w, unsigned section,
	const void *bytes, size_t n, struct pm_error *err)
{
	struct section *s = &w->sections[section];
	const unsigned char *p = bytes;
	if (!s->data)
		s->data = malloc(PM_CHUNK);
	if (!s->data)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	while (n) {
		size_t part = PM_CHUNK - s->len < n ? PM_CHUNK - s->len : n;
		memcpy(s->data + s->len, p, part);
		s->len += (uint32_t)part;
		p += part;
		n -= part;
		if (s->len < PM_CHUNK)
			break;
		PM_TRY(put_chunk(w, section, s->data, s->len, err));
		s->len = 0;
	}
	return PM_OK;
}

enum pm_status pm_container_put_uint(struct pm_container_writer *w,
	unsigned section, uint64_t value, struct pm_error *err)
{
	struct section *s = &w->sections[section];
	if (value < 0x80 && s->data && s->len < PM_CHUNK - 1) {
		s->data[s->len++] = (unsigned char)value;
		return PM_OK;
	}
	unsigned char bytes[10];
	size_t n = 0;
	for (; value >= 0x80; value >>= 7)
		bytes[n++] = (unsigned char)(value | 0x80);
	bytes[n++] = (unsigned char)value;
	return pm_container_put(w, section, bytes, n, err);
}

enum pm_status pm_container_put_text(struct pm_container_writer *w,
	unsigned section, const char *text, struct pm_error *err)
{
	size_t n = strnlen(text, PM_SECTION_TEXT_MAX);
	PM_TRY(pm_container_put_uint(w, section, n, err));
	return pm_container_put(w, section, text, n, err);
}

enum pm_status pm_container_commit(
	struct pm_container_writer *w, struct pm_error *err)
{
	for (unsigned i = 0; i < PM_SECTIONS; i++) {
		struct section *s = &w->sections[i];
		if (s->len)
			PM_TRY(put_chunk(w, i, s->data, s->len, err));
		s->len = 0;
	}
	PM_TRY(put_chunk(w, 0, NULL, 0, err));
	return pm_new_file_commit(w->file, err);
}

uint64_t pm_container_written(const struct pm_container_writer *w)
{
	return w->written;
}

int pm_container_take(struct pm_container_writer *w)
{
	return pm_new_file_take(w->file);
}
