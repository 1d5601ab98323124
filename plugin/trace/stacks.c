/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tracebacks and names of files from the target's memory. */
#include "trace/profile.h"

#include "base/strbuf.h"
#include "object/text.h"

#include <string.h>

#define LONGEST_NAME 4096
#define MOST_KEPT 65535 /* frames of one traceback */
#define MOST_DOMAINS 1024
#define FRAME_BYTES 64
#define CHUNK 64 /* frames read at once */

void pm_trace_stacks_init(struct pm_trace_stacks *s,
	const struct pm_trace_tables *tables, struct pm_trace_profile *p,
	enum pm_trace_when when)
{
	*s = (struct pm_trace_stacks){.tables = tables, .p = p, .when = when};
}

void pm_trace_stacks_deinit(struct pm_trace_stacks *s)
{
	pm_map_deinit(&s->names);
	pm_vec_each (d, &s->domains)
		pm_map_deinit(&d->stacks);
	pm_vec_deinit(&s->domains);
}

/* A str, or since 3.15.0 bytes of C in UTF-8: what is there says which, as no
   text has the address of a type in it. */
static enum pm_status read_name(const struct pm_trace_stacks *s, pm_addr at,
	struct pm_strbuf *out, struct pm_error *err)
{
	const struct pm_layout *l = s->tables->l;
	struct pm_memory *m = s->tables->m;
	char text[LONGEST_NAME];
	uint64_t type = 0;
	if (pm_layout_read(l, m, at, l->f.object.type, &type, NULL) == PM_OK &&
		type == l->at.unicode_type.addr)
		return pm_text_append(l, m, at, LONGEST_NAME, 0, out, err);
	PM_TRY(pm_memory_read_cstring(m, at, text, sizeof text, err));
	pm_strbuf_escaped(out, text, strnlen(text, sizeof text));
	return PM_OK;
}

static enum pm_status file_of(struct pm_trace_stacks *s, pm_addr name,
	uint32_t *ret, struct pm_error *err)
{
	struct pm_map_slot *slot = name ? pm_map_find(&s->names, name) : NULL;
	if (slot) {
		*ret = (uint32_t)slot->value;
		return PM_OK;
	}
	pm_auto_strbuf text = {0};
	struct pm_error why;
	enum pm_status status =
		name ? read_name(s, name, &text, &why) : PM_CORRUPT;
	if (status != PM_OK) {
		if (status == PM_NOMEM)
			return pm_fail(err, status, 0, "out of memory");
		pm_strbuf_reset(&text);
		pm_strbuf_printf(
			&text, "<unreadable 0x%llx>", (unsigned long long)name);
		s->unreadable++;
	}
	if (text.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	uint32_t id;
	PM_TRY(pm_trace_profile_file(s->p, pm_strbuf_text(&text), &id, err));
	if (name) {
		slot = pm_map_put(&s->names, name, NULL);
		if (!slot)
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		slot->value = id;
	}
	*ret = id;
	return PM_OK;
}

/* Appends frames; what of them cannot be read is left out by the caller. */
static enum pm_status read_frames(
	struct pm_trace_stacks *s, pm_addr at, uint64_t n, struct pm_error *err)
{
	const struct pm_layout *l = s->tables->l;
	const struct pm_fields *f = &l->f;
	uint32_t size = f->trace_frame.sizeof_.off;
	unsigned char bytes[CHUNK * FRAME_BYTES];
	if (!size || size > FRAME_BYTES)
		return pm_fail(err, PM_CORRUPT, at, "no frames of this size");
	for (uint64_t i = 0; i < n; i++) {
		uint64_t left = n - i < CHUNK ? n - i : CHUNK;
		if (i % CHUNK == 0)
			PM_TRY(pm_memory_read(s->tables->m, at + i * size,
				bytes, (size_t)left * size, err));
		const unsigned char *b = bytes + i % CHUNK * size;
		struct pm_trace_frame one = {
			.line = (uint32_t)pm_get(l, b, f->trace_frame.lineno)};
		PM_TRY(file_of(s, pm_get(l, b, f->trace_frame.filename),
			&one.file, err));
		if (!pm_vec_push(&s->p->frames, one))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	return PM_OK;
}

static enum pm_status read_stack(struct pm_trace_stacks *s, pm_addr at,
	struct pm_trace_stack *ret, struct pm_error *err)
{
	const struct pm_layout *l = s->tables->l;
	const struct pm_fields *f = &l->f;
	struct pm_memory *m = s->tables->m;
	uint64_t n, total = 0, most = MOST_KEPT;
	if (s->tables->max_nframe)
		most = s->tables->max_nframe;
	PM_TRY(pm_layout_read(l, m, at, f->trace_stack.nframe, &n, err));
	if (pm_has(f->trace_stack.total_nframe))
		PM_TRY(pm_layout_read(
			l, m, at, f->trace_stack.total_nframe, &total, err));
	if (!n || n > most)
		return pm_fail(err, PM_CORRUPT, at,
			"a traceback of %llu frames", (unsigned long long)n);
	PM_TRY(read_frames(s, at + f->trace_stack.frames.off, n, err));
	ret->n = (uint32_t)n;
	ret->total = (uint32_t)total;
	return PM_OK;
}

static struct pm_trace_domain *domain_of(
	struct pm_trace_stacks *s, uint32_t domain)
{
	pm_vec_each (d, &s->domains)
		if (d->domain == domain)
			return d;
	if (s->domains.len >= MOST_DOMAINS ||
		!pm_vec_push(&s->domains,
			(struct pm_trace_domain){.domain = domain}))
		return NULL;
	return &s->domains.data[s->domains.len - 1];
}

enum pm_status pm_trace_stacks_get(struct pm_trace_stacks *s, pm_addr stack,
	uint32_t domain, size_t *ret, struct pm_error *err)
{
	struct pm_trace_profile *p = s->p;
	struct pm_trace_domain *d = domain_of(s, domain);
	if (!d) {
		s->inconsistent++;
		*ret = SIZE_MAX;
		return PM_OK;
	}
	struct pm_map_slot *slot = pm_map_find(&d->stacks, stack);
	if (slot) {
		*ret = (size_t)slot->value;
		return PM_OK;
	}
	struct pm_trace_stack one = {
		.frames = p->frames.len, .domain = domain, .when = s->when};
	size_t index = p->stacks.len;
	enum pm_status status = read_stack(s, stack, &one, err);
	if (pm_status_is_fatal(status))
		return status;
	if (status != PM_OK) {
		p->frames.len = one.frames;
		s->unreadable += status == PM_FAULT;
		s->inconsistent += status != PM_FAULT;
		index = SIZE_MAX;
	} else {
		PM_TRY(pm_trace_profile_stack(p, &one, err));
	}
	slot = pm_map_put(&d->stacks, stack, NULL);
	if (!slot)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	slot->value = index;
	*ret = index;
	return PM_OK;
}
