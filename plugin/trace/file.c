/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/file.h"

#include "base/clock.h"

#include <string.h>

enum { SECTION_HEAD = 1, SECTION_FILES, SECTION_STACKS, SECTION_FRAMES };

#define MOST_KEPT 65535 /* frames of one stack */
#define BETWEEN_CLOCKS 256

/* ---- writing ---- */

static enum pm_status put(struct pm_trace_file *f, unsigned section,
	const uint64_t *numbers, size_t n, struct pm_error *err)
{
	for (size_t i = 0; i < n; i++)
		PM_TRY(pm_container_put_uint(
			f->writer, section, numbers[i], err));
	return PM_OK;
}

enum pm_status pm_trace_file_write(struct pm_trace_file *f,
	struct pm_trace_profile *p, enum pm_trace_when when, const char *path,
	struct pm_error *err)
{
	const struct pm_trace_moment *m = &p->moments[when];
	*f = (struct pm_trace_file){.p = p, .when = when};
	PM_TRY(pm_container_create(path, PM_CONTENT_TRACES, &f->writer, err));
	pm_vec_each (s, &p->stacks)
		f->nstacks += s->when == when;
	const uint64_t head[] = {m->size, m->count, m->max_nframe,
		m->has_peak ? m->peak + 1 : 0, m->unreadable, m->inconsistent,
		p->files.len, f->nstacks};
	PM_TRY(put(f, SECTION_HEAD, head, sizeof head / sizeof *head, err));
	pm_vec_each (name, &p->files)
		PM_TRY(pm_container_put_text(
			f->writer, SECTION_FILES, *name, err));
	return PM_OK;
}

static enum pm_status write_stack(struct pm_trace_file *f,
	const struct pm_trace_stack *s, struct pm_error *err)
{
	const uint64_t numbers[] = {
		s->domain, s->n, s->total, s->size, s->count};
	if (s->when != f->when)
		return PM_OK;
	PM_TRY(put(f, SECTION_STACKS, numbers, sizeof numbers / sizeof *numbers,
		err));
	for (uint32_t i = 0; i < s->n; i++) {
		const struct pm_trace_frame *frame =
			&f->p->frames.data[s->frames + i];
		const uint64_t place[] = {frame->file, frame->line};
		PM_TRY(put(f, SECTION_FRAMES, place, 2, err));
	}
	return PM_OK;
}

/* ---- reading ---- */

static enum pm_status fail_file(
	const struct pm_trace_file *f, const char *what, struct pm_error *err)
{
	return pm_fail(err, PM_CORRUPT, 0, "%s: %s",
		pm_container_name(f->container), what);
}

static enum pm_status read_head(struct pm_trace_file *f, struct pm_error *err)
{
	struct pm_trace_moment *m = &f->moment;
	PM_CLEANUP(pm_section_close) struct pm_section s = {0};
	uint64_t peak;
	PM_TRY(pm_section_open(f->container, SECTION_HEAD, &s, err));
	uint64_t *const numbers[] = {&m->size, &m->count, &m->max_nframe, &peak,
		&m->unreadable, &m->inconsistent, &f->nfiles, &f->nstacks};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		PM_TRY(pm_section_uint(&s, numbers[i], err));
	m->known = true;
	m->has_peak = peak != 0;
	m->peak = peak ? peak - 1 : 0;
	return PM_OK;
}

static enum pm_status read_names(struct pm_trace_file *f, struct pm_error *err)
{
	PM_CLEANUP(pm_section_close) struct pm_section s = {0};
	PM_TRY(pm_section_open(f->container, SECTION_FILES, &s, err));
	if (f->nfiles > pm_section_left(&s))
		return fail_file(f, "more names of files than there are", err);
	f->files = calloc(f->nfiles + 1, sizeof *f->files);
	if (!f->files)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint64_t i = 0; i < f->nfiles; i++) {
		pm_auto_free char *name = NULL;
		PM_TRY(pm_section_text(&s, &name, err));
		PM_TRY(pm_trace_profile_file(f->p, name, &f->files[i], err));
	}
	return PM_OK;
}

enum pm_status pm_trace_file_read(struct pm_trace_file *f,
	struct pm_trace_profile *p, enum pm_trace_when when, const char *path,
	struct pm_error *err)
{
	*f = (struct pm_trace_file){.p = p, .when = when};
	PM_TRY(pm_container_open(path, PM_CONTENT_TRACES, &f->container, err));
	PM_TRY(read_head(f, err));
	PM_TRY(read_names(f, err));
	PM_TRY(pm_section_open(f->container, SECTION_STACKS, &f->stacks, err));
	f->has_stacks = true;
	PM_TRY(pm_section_open(f->container, SECTION_FRAMES, &f->frames, err));
	f->has_frames = true;
	f->bytes = pm_container_bytes(f->container);
	return PM_OK;
}

static enum pm_status read_frame(struct pm_trace_file *f, struct pm_error *err)
{
	uint64_t file, line;
	PM_TRY(pm_section_uint(&f->frames, &file, err));
	PM_TRY(pm_section_uint(&f->frames, &line, err));
	if (file >= f->nfiles || line > UINT32_MAX)
		return fail_file(f, "a frame that is none", err);
	if (!pm_vec_push(&f->p->frames,
		    (struct pm_trace_frame){f->files[file], (uint32_t)line}))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status read_stack(struct pm_trace_file *f, struct pm_error *err)
{
	struct pm_trace_stack s = {.frames = f->p->frames.len, .when = f->when};
	uint64_t domain, n, total;
	uint64_t *const numbers[] = {&domain, &n, &total, &s.size, &s.count};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		PM_TRY(pm_section_uint(&f->stacks, numbers[i], err));
	if (domain > UINT32_MAX || !n || n > MOST_KEPT || total > MOST_KEPT ||
		s.size > INT64_MAX || s.count > INT64_MAX)
		return fail_file(f, "a stack that is none", err);
	s.domain = (uint32_t)domain;
	s.n = (uint32_t)n;
	s.total = (uint32_t)total;
	for (uint64_t i = 0; i < n; i++)
		PM_TRY(read_frame(f, err));
	return pm_trace_profile_stack(f->p, &s, err);
}

/* What could not be told of its traceback is in the sum only. */
static enum pm_status end_reading(struct pm_trace_file *f, struct pm_error *err)
{
	uint64_t size = 0, count = 0;
	pm_vec_each (s, &f->p->stacks)
		if (s->when == f->when) {
			if (s->size > f->moment.size - size ||
				s->count > f->moment.count - count)
				return fail_file(
					f, "its sums do not close", err);
			size += s->size;
			count += s->count;
		}
	f->p->moments[f->when] = f->moment;
	return PM_OK;
}

/* ---- both ---- */

enum pm_status pm_trace_file_step(struct pm_trace_file *f, double seconds,
	bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	bool writing = f->writer != NULL;
	size_t n = writing ? f->p->stacks.len : (size_t)f->nstacks;
	*ret_done = false;
	while (f->at < n) {
		if (writing)
			PM_TRY(write_stack(f, &f->p->stacks.data[f->at], err));
		else
			PM_TRY(read_stack(f, err));
		if (++f->at % BETWEEN_CLOCKS == 0 && pm_now() >= end)
			return PM_OK;
	}
	if (writing) {
		PM_TRY(pm_container_commit(f->writer, err));
		f->bytes = pm_container_written(f->writer);
	} else {
		PM_TRY(end_reading(f, err));
	}
	*ret_done = true;
	return PM_OK;
}

void pm_trace_file_finish(struct pm_trace_file *f)
{
	pm_container_writer_destroy(pm_take(f->writer));
	if (f->has_stacks)
		pm_section_close(&f->stacks);
	if (f->has_frames)
		pm_section_close(&f->frames);
	pm_container_close(pm_take(f->container));
	free(pm_take(f->files));
	f->has_stacks = f->has_frames = false;
}
