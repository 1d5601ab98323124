/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lays the core's segments and the list of mapped files over each other:
   every stretch of memory gets one mapping that says where its bytes are. */
#include "base/map.h"
#include "target/native-core.h"

#include <string.h>

#define PAGE ((uint64_t)4096)
#define HEADER_MAX ((size_t)65536)
#define RANGES_PER_FILE ((size_t)256)

struct build {
	struct core *c;
	PM_VEC(pm_addr) cuts;
	/* By range of the notes: the first range of the same file, and of a
	   first one its index in core.files (PART_ABSENT: not asked yet). */
	size_t *first;
	uint32_t *files;
	/* The program's private memory was dumped: what is left out of a
	   private mapping of a file is then as the file has it. */
	bool anonymous_dumped;
};

static void build_deinit(struct build *b)
{
	pm_vec_deinit(&b->cuts);
	free(b->first);
	free(b->files);
}

static int by_value(const void *a, const void *b)
{
	const pm_addr *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static enum pm_status collect_cuts(struct build *b, struct pm_error *err)
{
	struct core *c = b->c;
	if (!pm_vec_reserve(
		    &b->cuts, 3 * c->segments.len + 2 * c->notes.ranges.len))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_vec_each (s, &c->segments) {
		b->cuts.data[b->cuts.len++] = s->start;
		b->cuts.data[b->cuts.len++] = s->start + s->have;
		b->cuts.data[b->cuts.len++] = s->end;
	}
	pm_vec_each (r, &c->notes.ranges) {
		b->cuts.data[b->cuts.len++] = r->start;
		b->cuts.data[b->cuts.len++] = r->end;
	}
	if (b->cuts.len)
		qsort(b->cuts.data, b->cuts.len, sizeof *b->cuts.data,
			by_value);
	return PM_OK;
}

static bool is_named(const struct core_notes *n, pm_addr addr)
{
	size_t lo = 0, hi = n->ranges.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (n->ranges.data[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < n->ranges.len && n->ranges.data[lo].start <= addr;
}

static bool has_anonymous_dumped(const struct core *c)
{
	for (size_t i = 0; i < c->segments.len; i++) {
		const struct core_segment *s = &c->segments.data[i];
		if (s->promised && (s->flags & PM_MAP_WRITE) &&
			!is_named(&c->notes, s->start))
			return true;
	}
	return false;
}

/* Links the ranges of one file to its first one, in b->first. */
static enum pm_status link_ranges(struct build *b, struct pm_error *err)
{
	PM_CLEANUP(pm_map_deinit) struct pm_map by_path = {0};
	const struct core_file_range *r = b->c->notes.ranges.data;
	size_t n = b->c->notes.ranges.len;
	b->first = malloc((n + 1) * sizeof *b->first);
	b->files = malloc((n + 1) * sizeof *b->files);
	if (!b->first || !b->files)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++) {
		bool fresh;
		struct pm_map_slot *s = pm_map_put(&by_path,
			pm_hash_text(PM_HASH_BEGIN, r[i].path) | 1, &fresh);
		if (!s)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		if (fresh)
			s->value = i;
		/* Two paths of one hash: each range is on its own then. */
		b->first[i] = strcmp(r[s->value].path, r[i].path)
				      ? i
				      : (size_t)s->value;
		b->files[i] = PART_ABSENT;
	}
	return PM_OK;
}

/* The file of range i, opened and compared with memory at first use. */
static enum pm_status file_of_range(
	struct build *b, size_t i, uint32_t *ret, struct pm_error *err)
{
	struct core *c = b->c;
	const struct core_file_range *ranges = c->notes.ranges.data;
	size_t first = b->first[i];
	if (b->files[first] != PART_ABSENT) {
		*ret = b->files[first];
		return PM_OK;
	}
	pm_auto_free uint8_t *header = malloc(HEADER_MAX);
	if (!header || !pm_vec_reserve(&c->files, c->files.len + 1))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	struct core_probe probe = {.core = c, .header = header};
	/* The start of a file is mapped below the rest of it. */
	size_t most = first + RANGES_PER_FILE < c->notes.ranges.len
			      ? first + RANGES_PER_FILE
			      : c->notes.ranges.len;
	for (size_t k = first; k < most; k++) {
		const struct core_file_range *r = &ranges[k];
		if (r->offset || strcmp(r->path, ranges[i].path))
			continue;
		uint64_t n = r->end - r->start;
		probe.start = r->start;
		probe.header_len = core_read_dumped(c, r->start, header,
			n < HEADER_MAX ? (size_t)n : HEADER_MAX);
		break;
	}
	struct core_file f = {0};
	struct pm_mapping name = {0};
	pm_auto_free char *path = strdup(ranges[i].path);
	if (!path)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_native_name_mapping(&name, path);
	if (name.path && !(name.flags & PM_MAP_SPECIAL))
		core_file_open(&probe, path, &f);
	/* What has this name now is another file, unless proved. */
	if ((name.flags & PM_MAP_DELETED) && !f.verified)
		core_file_close(&f);
	*ret = b->files[first] = (uint32_t)c->files.len;
	c->files.data[c->files.len++] = f;
	return PM_OK;
}

static enum pm_status emit(struct build *b, struct pm_mapping m,
	struct core_part part, const char *name, struct pm_error *err)
{
	struct core *c = b->c;
	pm_auto_free char *path = name ? strdup(name) : NULL;
	if ((name && !path) || !pm_vec_reserve(&c->parts, c->parts.len + 1))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (path)
		pm_native_name_mapping(&m, path);
	if (c->notes.vdso && c->notes.vdso >= m.start &&
		c->notes.vdso < m.end) {
		m.flags |= PM_MAP_SPECIAL;
		m.path = "[vdso]";
	} else if (c->notes.vdso == m.end && part.file == PART_ABSENT &&
		   !m.path) {
		m.flags |= PM_MAP_SPECIAL; /* [vvar]: never dumped */
		m.path = "[vvar]";
	} else if (m.start == 0xffffffffff600000u) {
		m.flags |= PM_MAP_SPECIAL;
		m.path = "[vsyscall]";
	}
	if (c->notes.stack && c->notes.stack >= m.start &&
		c->notes.stack < m.end)
		m.flags |= PM_MAP_STACK;
	if (part.file == PART_ABSENT)
		m.flags |= PM_MAP_ABSENT;
	else if (part.file != PART_CORE)
		m.flags |= PM_MAP_FROM_FILE |
			   (c->files.data[part.file].verified
					   ? 0
					   : (unsigned)PM_MAP_UNVERIFIED);
	PM_TRY(pm_target_add_map(&c->t, &m, err));
	c->parts.data[c->parts.len++] = part;
	if (!(m.flags & PM_MAP_SPECIAL)) {
		c->t.bytes_total += m.end - m.start;
		if (part.file != PART_ABSENT)
			c->t.bytes_readable += m.end - m.start;
	}
	return PM_OK;
}

/* Memory [m.start, m.end) of range i that the core does not have. */
static enum pm_status emit_from_file(struct build *b, struct pm_mapping m,
	size_t i, bool promised, struct pm_error *err)
{
	struct core *c = b->c;
	const struct core_file_range *r = &c->notes.ranges.data[i];
	struct core_part part = {PART_ABSENT, 0};
	uint32_t index = 0;
	PM_TRY(file_of_range(b, i, &index, err));
	const struct core_file *f = &c->files.data[index];
	/* The tail of the last page reads as zero. */
	uint64_t size = (f->size + PAGE - 1) & ~(PAGE - 1);
	bool changed = (m.flags & PM_MAP_WRITE) ||
		       core_file_writable_at(f, m.offset, c->notes.page);
	if (!m.flags)
		m.flags = core_file_perms_at(f, m.offset, c->notes.page);
	if (!f->bytes || m.offset >= size ||
		(changed && (promised || !b->anonymous_dumped)))
		return emit(b, m, part, r->path, err);
	part = (struct core_part){index, m.offset};
	struct pm_mapping rest = m;
	if (m.end - m.start > size - m.offset)
		m.end = m.start + (size - m.offset);
	PM_TRY(emit(b, m, part, r->path, err));
	if (m.end == rest.end)
		return PM_OK;
	rest.offset += m.end - rest.start;
	rest.start = m.end;
	return emit(b, rest, (struct core_part){PART_ABSENT, 0}, r->path, err);
}

static enum pm_status emit_stretch(struct build *b, pm_addr start, pm_addr end,
	const struct core_segment *s, size_t range, struct pm_error *err)
{
	struct core *c = b->c;
	const struct core_file_range *r = range < c->notes.ranges.len
						  ? &c->notes.ranges.data[range]
						  : NULL;
	struct pm_mapping m = {
		.start = start,
		.end = end,
		.flags = s ? s->flags : 0,
		.offset = r ? r->offset + (start - r->start) : 0,
	};
	bool have = s && start - s->start < s->have;
	bool promised = s && start - s->start < s->promised;
	/* A reserved range, or a guard page: no memory. */
	if (s && !s->flags && !s->promised)
		return PM_OK;
	if (have)
		return emit(b, m,
			(struct core_part){
				PART_CORE, s->offset + (start - s->start)},
			r ? r->path : NULL, err);
	if (r)
		return emit_from_file(b, m, range, promised, err);
	return emit(b, m, (struct core_part){PART_ABSENT, 0}, NULL, err);
}

enum pm_status core_build_maps(struct core *c, struct pm_error *err)
{
	PM_CLEANUP(build_deinit) struct build b = {.c = c};
	size_t n = c->notes.ranges.len;
	PM_TRY(link_ranges(&b, err));
	b.anonymous_dumped = has_anonymous_dumped(c);
	PM_TRY(collect_cuts(&b, err));
	const struct core_segment *s = c->segments.data;
	const struct core_segment *s_end = s + c->segments.len;
	size_t r = 0;
	for (size_t i = 0; i + 1 < b.cuts.len; i++) {
		pm_addr start = b.cuts.data[i], end = b.cuts.data[i + 1];
		if (start == end)
			continue;
		while (s && s < s_end && s->end <= start)
			s++;
		while (r < n && c->notes.ranges.data[r].end <= start)
			r++;
		bool in_s = s && s < s_end && s->start <= start;
		bool in_r = r < n && c->notes.ranges.data[r].start <= start;
		if (in_s || in_r)
			PM_TRY(emit_stretch(&b, start, end, in_s ? s : NULL,
				in_r ? r : n, err));
	}
	return PM_OK;
}
