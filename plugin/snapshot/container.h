/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of sections: streams of bytes, written side by side, compressed in
   chunks, and read one by one or side by side.  Every chunk has a checksum that
   goes on from that of the chunk before it, and an end says that there is no
   more: a file that was cut, or of which a byte has changed, does not open.

   Numbers are little-endian.  A file is
     8 bytes  93 "pymem" 0d 0a
     u32      version of the format, PM_CONTAINER_FORMAT
     u32      what is in it, enum pm_content
   and chunks, the last of them of section 0 and empty:
     u32      section
     u32      bytes of the section that it holds, at most PM_CHUNK
     u32      bytes that follow, one zstd frame
     u64      checksum: of these three, of what follows, and of all before
   In sections, numbers are LEB128: seven bits in a byte, the lowest first, bit
   7 says that more follow; signed ones are folded: 0, -1, 1, -2 is 0, 1, 2, 3.
   Texts are their length, then their bytes. */
#ifndef PM_SNAPSHOT_CONTAINER_H
#define PM_SNAPSHOT_CONTAINER_H

#include "base/strbuf.h"

#define PM_CONTAINER_FORMAT 1
#define PM_CHUNK (UINT32_C(1) << 18)
#define PM_SECTIONS 32 /* they are numbers from 1 to 31 */
/* The longest text that a reader takes. */
#define PM_SECTION_TEXT_MAX (UINT32_C(1) << 16)

enum pm_content { PM_CONTENT_HEAP = 1, PM_CONTENT_TRACES = 2 };

/* ---- writing ---- */

struct pm_container_writer; /* opaque */

/* path NULL: in memory.  The file has its name after pm_container_commit, not
   before (base/new-file.h). */
PM_CHECKED enum pm_status pm_container_create(const char *path,
	enum pm_content content, struct pm_container_writer **ret,
	struct pm_error *err);
/* Appends to a section. */
PM_CHECKED enum pm_status pm_container_put(struct pm_container_writer *w,
	unsigned section, const void *bytes, size_t n, struct pm_error *err);
PM_CHECKED enum pm_status pm_container_put_uint(struct pm_container_writer *w,
	unsigned section, uint64_t value, struct pm_error *err);
PM_CHECKED enum pm_status pm_container_put_text(struct pm_container_writer *w,
	unsigned section, const char *text, struct pm_error *err);
/* Writes what is left, and the end. */
PM_CHECKED enum pm_status pm_container_commit(
	struct pm_container_writer *w, struct pm_error *err);
/* Bytes of the file so far. */
uint64_t pm_container_written(const struct pm_container_writer *w);
/* The file descriptor of one in memory, after the commit: for
   pm_container_open_fd, or the caller to close. */
int pm_container_take(struct pm_container_writer *w);
/* Without a commit before, there is no file. */
void pm_container_writer_destroy(struct pm_container_writer *w);
static inline void pm_cleanup_container_writer(struct pm_container_writer **w)
{
	pm_container_writer_destroy(*w);
}

/* ---- reading ---- */

struct pm_container; /* opaque */

/* The whole file is read once and checked: PM_CORRUPT says what is wrong with
   it, PM_ABSENT that it is none, or of another content or version. */
PM_CHECKED enum pm_status pm_container_open(const char *path,
	enum pm_content content, struct pm_container **ret,
	struct pm_error *err);
/* name: for errors.  fd is taken over in any case. */
PM_CHECKED enum pm_status pm_container_open_fd(int fd, const char *name,
	enum pm_content content, struct pm_container **ret,
	struct pm_error *err);
void pm_container_close(struct pm_container *c);
static inline void pm_cleanup_container(struct pm_container **c)
{
	pm_container_close(*c);
}
const char *pm_container_name(const struct pm_container *c);
uint64_t pm_container_bytes(const struct pm_container *c);

/* One section, from its start; several may be read at once, by several threads
   if each has its own.  A section that nothing was put into is empty.  All that
   is read from it may be anything: bound it.  PM_CORRUPT: it ends too early. */
struct pm_section {
	const unsigned char *at, *end; /* of the chunk at hand */
	uint64_t left;		       /* bytes behind it */
	struct pm_container *c;
	unsigned section;
	size_t next; /* chunk of the file to look at */
	unsigned char *raw, *stored;
	void *zstd;
};
PM_CHECKED enum pm_status pm_section_open(struct pm_container *c,
	unsigned section, struct pm_section *ret, struct pm_error *err);
void pm_section_close(struct pm_section *s);

/* Bytes that are still to come: a bound for counts, before memory is taken. */
static inline uint64_t pm_section_left(const struct pm_section *s)
{
	return s->left + (uint64_t)(s->end - s->at);
}
PM_CHECKED enum pm_status pm_section_read(
	struct pm_section *s, void *ret, size_t n, struct pm_error *err);
PM_CHECKED enum pm_status pm_section_uint_slow(
	struct pm_section *s, uint64_t *ret, struct pm_error *err);
PM_CHECKED static inline enum pm_status pm_section_uint(
	struct pm_section *s, uint64_t *ret, struct pm_error *err)
{
	if (s->at == s->end || *s->at & 0x80)
		return pm_section_uint_slow(s, ret, err);
	*ret = *s->at++;
	return PM_OK;
}
/* For the caller to free, of PM_SECTION_TEXT_MAX bytes at most, no NUL in it.
 */
PM_CHECKED enum pm_status pm_section_text(
	struct pm_section *s, char **ret, struct pm_error *err);

static inline uint64_t pm_fold(int64_t v)
{
	return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}
static inline int64_t pm_unfold(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

#endif
