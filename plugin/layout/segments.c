/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout/segments.h"

#include "layout/build.h"

#define HEAD_MAX (1u << 18)

uint32_t pm_segment_slices(const struct pm_fields *f)
{
	uint32_t page = f->mi_page.sizeof_.off;
	if (!pm_has(f->mi_segment.slices) || !page)
		return 0;
	/* One more than there are slices. */
	uint32_t n = f->mi_segment.slices.size / page;
	return n > 1 && pm_segment_head_size(f) <= HEAD_MAX ? n - 1 : 0;
}

/* MI_SEGMENT_SLICE_SHIFT is 13 + MI_INTPTR_SHIFT. */
uint32_t pm_slice_size(const struct pm_layout *l)
{
	return l->t.word_size << 13;
}

uint64_t pm_segment_size(const struct pm_layout *l, const struct pm_fields *f)
{
	return (uint64_t)pm_segment_slices(f) * pm_slice_size(l);
}

uint32_t pm_segment_head_size(const struct pm_fields *f)
{
	return (uint32_t)f->mi_segment.slices.off + f->mi_segment.slices.size;
}

bool pm_segment_parse(const struct pm_layout *l, const struct pm_fields *f,
	pm_addr addr, const unsigned char *head, struct pm_segment *ret)
{
	uint64_t kind = pm_get(l, head, f->mi_segment.kind);
	uint64_t entries = pm_get(l, head, f->mi_segment.slice_entries);
	uint64_t info = pm_get(l, head, f->mi_segment.info_slices);
	struct pm_segment s = {
		.addr = addr,
		.cookie = pm_get(l, head, f->mi_segment.cookie) ^ addr,
		.thread = pm_get(l, head, f->mi_segment.thread_id),
		.used = pm_get(l, head, f->mi_segment.used),
		.slices = pm_get(l, head, f->mi_segment.segment_slices),
		.entries = (uint32_t)entries,
		.info = (uint32_t)info,
		.huge = kind == 1,
	};
	uint32_t most = pm_segment_slices(f);
	const unsigned char *first = pm_segment_entry(f, head, 0);
	if (!most || kind > 1 || entries > most || !info || info >= entries ||
		(uint64_t)info * pm_slice_size(l) < pm_segment_head_size(f) ||
		s.used > entries || s.slices < entries ||
		s.slices > UINT64_C(1) << 40 || (!s.huge && s.slices != most) ||
		pm_get(l, first, f->mi_page.slice_count) != info)
		return false;
	*ret = s;
	return true;
}

uint32_t pm_segment_next(const struct pm_layout *l, const struct pm_fields *f,
	const struct pm_segment *s, const unsigned char *head, uint32_t i)
{
	const unsigned char *e = pm_segment_entry(f, head, i);
	uint64_t n = pm_get(l, e, f->mi_page.slice_count);
	if (!n || pm_get(l, e, f->mi_page.slice_offset))
		return 0;
	/* The one page of a huge segment has more than there are entries. */
	if (s->huge && n >= s->entries - i && n <= s->slices - i)
		return s->entries;
	return n <= s->entries - i ? i + (uint32_t)n : 0;
}

static bool is_chained(const struct pm_layout *l, const struct pm_fields *f,
	const struct pm_segment *s, const unsigned char *head)
{
	uint32_t i = s->info;
	while (i && i < s->entries)
		i = pm_segment_next(l, f, s, head, i);
	return i != 0;
}

bool pm_segment_anchor(const struct pm_layout *l, const struct pm_fields *f,
	struct pm_memory *m, struct pm_segment *ret)
{
	const struct pm_field roots[] = {
		f->interp.sysdict, f->interp.builtins, f->interp.modules};
	uint64_t size = pm_segment_size(l, f);
	if (!size || size & (size - 1))
		return false;
	pm_auto_free unsigned char *head = malloc(pm_segment_head_size(f));
	for (size_t i = 0; head && i < sizeof roots / sizeof *roots; i++) {
		pm_addr dict;
		if (pm_layout_read(l, m, l->at.interp_head.addr, roots[i],
			    &dict, NULL) != PM_OK)
			continue;
		pm_addr at = dict & ~(size - 1);
		if (at &&
			pm_memory_read(m, at, head, pm_segment_head_size(f),
				NULL) == PM_OK &&
			pm_segment_parse(l, f, at, head, ret) && ret->used &&
			is_chained(l, f, ret, head))
			return true;
	}
	return false;
}

static void take(struct pm_layout *l, const struct pm_fields *from)
{
#define TAKE(s)                                                                \
	l->f.s = from->s;                                                      \
	for (size_t i = PM_INDEX(s);                                           \
		i < PM_INDEX(s) + sizeof l->f.s / sizeof(struct pm_field);     \
		i++)                                                           \
		l->sources[i] = PM_SOURCE_CALIBRATED;
	TAKE(mi_segment)
	TAKE(mi_page)
	TAKE(mi_heap)
#undef TAKE
}

/* The mimalloc that CPython brings was replaced in patch releases: of all rows'
   the one that fits the memory. */
void pm_calibrate_segments(struct pm_build *b)
{
	struct pm_layout *l = b->l;
	struct pm_segment s;
	if (!pm_segment_slices(&l->f) || pm_segment_anchor(l, &l->f, b->m, &s))
		return;
	for (size_t i = 0; b->rows[i]; i++) {
		const struct pm_row *row = b->rows[i];
		struct pm_fields f = l->f;
		f.mi_segment = row->fields.mi_segment;
		f.mi_page = row->fields.mi_page;
		f.mi_heap = row->fields.mi_heap;
		if (row->traits.word_size != l->t.word_size ||
			row->free_threaded != l->free_threaded ||
			row->debug != l->debug ||
			!pm_segment_anchor(l, &f, b->m, &s))
			continue;
		take(l, &f);
		return;
	}
}
