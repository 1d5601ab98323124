/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A core without the list of mapped files (NT_FILE): where files were mapped
   is in the ELF headers that were dumped, what they are called in the dynamic
   linker's list of them. */
#include "target/native-core.h"

#include <elf.h>
#include <string.h>

#define PAGE ((uint64_t)4096)
#define MAX_IMAGES 4096
#define MAX_LINKS 4096
#define MAX_DYNAMIC 256

struct found {
	pm_addr header, bias, dynamic;
	bool program;
	char *path; /* owned, NULL: not known */
};

struct guess {
	struct core *c;
	PM_VEC(struct found) images;
};

static void guess_deinit(struct guess *g)
{
	pm_vec_each (im, &g->images)
		free(im->path);
	pm_vec_deinit(&g->images);
}

static bool read_word(const struct core *c, pm_addr at, uint64_t *ret)
{
	uint8_t b[8];
	unsigned w = c->t.word_size;
	if (core_read_dumped(c, at, b, w) != w)
		return false;
	*ret = pm_load(b, w, c->t.big_endian);
	return true;
}

/* The ELF image that starts at addr; len bytes of it are in head. */
static bool read_header(const struct core *c, pm_addr addr, uint8_t *head,
	size_t *ret_len, struct pm_elf *ret)
{
	*ret_len = core_read_dumped(c, addr, head, (size_t)PAGE);
	return pm_elf_decode(head, *ret_len, ret) &&
	       (ret->type == ET_EXEC || ret->type == ET_DYN);
}

static enum pm_status add_image(
	struct guess *g, pm_addr addr, struct pm_error *err)
{
	uint8_t head[PAGE];
	size_t len;
	struct pm_elf elf;
	struct pm_elf_segment s;
	if (!read_header(g->c, addr, head, &len, &elf))
		return PM_OK;
	struct found im = {.header = addr};
	bool placed = false;
	for (uint32_t i = 0; pm_elf_segment_at(&elf, head, len, i, &s); i++) {
		if (s.type != PT_LOAD || s.offset >= PAGE)
			continue;
		im.bias = addr - (s.vaddr - s.offset);
		placed = true;
		break;
	}
	for (uint32_t i = 0; pm_elf_segment_at(&elf, head, len, i, &s); i++) {
		if (s.type == PT_DYNAMIC)
			im.dynamic = s.vaddr + im.bias;
		im.program |= s.type == PT_INTERP;
	}
	if (placed && !pm_vec_push(&g->images, im))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static char *read_path(const struct core *c, pm_addr at)
{
	char text[4096];
	size_t n = core_read_dumped(c, at, text, sizeof text);
	if (!n || text[0] != '/' || !memchr(text, '\0', n))
		return NULL;
	return strdup(text);
}

/* DT_DEBUG of the program leads to struct r_debug, and that to a list of
   struct link_map (l_addr, l_name, l_ld, l_next). */
static void name_by_links(struct guess *g, const struct found *program)
{
	const struct core *c = g->c;
	uint64_t w = c->t.word_size, tag = 0, debug = 0, map = 0;
	for (uint64_t i = 0; i < MAX_DYNAMIC; i++) {
		pm_addr at = program->dynamic + 2 * i * w;
		if (!read_word(c, at, &tag) || tag == DT_NULL)
			break;
		if (tag == DT_DEBUG && read_word(c, at + w, &debug))
			break;
	}
	if (!debug || !read_word(c, debug + w, &map))
		return;
	for (int i = 0; i < MAX_LINKS && map; i++) {
		uint64_t name, dynamic;
		if (!read_word(c, map + w, &name) ||
			!read_word(c, map + 2 * w, &dynamic) ||
			!read_word(c, map + 3 * w, &map))
			break;
		pm_vec_each (im, &g->images)
			if (im->dynamic == dynamic && dynamic && !im->path)
				im->path = read_path(c, name);
	}
}

/* The program has no name in that list: the kernel told it where it was. */
static char *program_path(const struct core *c)
{
	char *path = c->notes.execfn ? read_path(c, c->notes.execfn) : NULL;
	if (path || !c->t.files || c->t.files[0] != '/')
		return path;
	return strndup(c->t.files, strcspn(c->t.files, "\n"));
}

static enum pm_status add_ranges(
	struct guess *g, const struct found *im, struct pm_error *err)
{
	struct core *c = g->c;
	uint8_t head[PAGE];
	size_t len;
	struct pm_elf elf;
	struct pm_elf_segment s;
	if (!im->path || !read_header(c, im->header, head, &len, &elf))
		return PM_OK;
	for (uint32_t i = 0; pm_elf_segment_at(&elf, head, len, i, &s); i++) {
		if (s.type != PT_LOAD || !s.filesz ||
			s.filesz > UINT64_MAX - s.vaddr - im->bias - PAGE)
			continue;
		struct core_file_range r = {
			.start = (s.vaddr + im->bias) & ~(PAGE - 1),
			.end = (s.vaddr + im->bias + s.filesz + PAGE - 1) &
			       ~(PAGE - 1),
			.offset = s.offset & ~(PAGE - 1),
		};
		if (r.start >= r.end)
			continue;
		pm_auto_free char *path = strdup(im->path);
		if (!path || !pm_vec_reserve(
				     &c->notes.ranges, c->notes.ranges.len + 1))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		r.path = pm_take(path);
		c->notes.ranges.data[c->notes.ranges.len++] = r;
	}
	return PM_OK;
}

enum pm_status core_guess_files(struct core *c, struct pm_error *err)
{
	PM_CLEANUP(guess_deinit) struct guess g = {.c = c};
	for (size_t i = 0; i < c->segments.len; i++) {
		const struct core_segment *s = &c->segments.data[i];
		if (g.images.len < MAX_IMAGES && s->have &&
			!(s->flags & PM_MAP_WRITE))
			PM_TRY(add_image(&g, s->start, err));
	}
	for (size_t i = 0; i < g.images.len; i++) {
		struct found *im = &g.images.data[i];
		if (!im->program || !im->dynamic)
			continue;
		im->path = program_path(c);
		name_by_links(&g, im);
		break;
	}
	for (size_t i = 0; i < g.images.len; i++)
		PM_TRY(add_ranges(&g, &g.images.data[i], err));
	core_notes_finish(&c->notes);
	return PM_OK;
}
