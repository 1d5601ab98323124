/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot/snapshot.h"

#include <inttypes.h>
#include <string.h>

static enum pm_status no_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

enum pm_status pm_snapshot_wrong(
	const struct pm_snapshot *s, const char *what, struct pm_error *err)
{
	return pm_fail(err, PM_CORRUPT, 0, "%.300s is damaged: %s",
		pm_container_name(s->c), what);
}

void pm_snapshot_close(struct pm_snapshot *s)
{
	if (!s)
		return;
	pm_vec_each (t, &s->types) {
		free(t->name);
		free(t->module);
	}
	pm_vec_deinit(&s->types);
	pm_vec_each (owner, &s->owners)
		free(*owner);
	pm_vec_deinit(&s->owners);
	pm_vec_each (path, &s->paths)
		free(*path);
	pm_vec_deinit(&s->paths);
	pm_vec_deinit(&s->shapes);
	pm_container_close(s->c);
	free(s);
}

/* ---- tables ---- */

static bool take_text(const char *text, char ret[512])
{
	return snprintf(ret, 512, "%s", text) < 512;
}

static bool take_number(const char *text, uint64_t *ret)
{
	char *end;
	*ret = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end;
}

static enum pm_status take_fact(struct pm_snapshot *s, const char *name,
	const char *value, struct pm_error *err)
{
	bool ok = true;
#define TAKE_TEXT(member) take_text(value, s->facts.member)
#define TAKE_NUMBER(member) take_number(value, &s->facts.member)
#define X(member, known, type)                                                 \
	if (!strcmp(name, known))                                              \
		ok = TAKE_##type(member);
	PM_SNAPSHOT_FACTS(X)
#undef X
#undef TAKE_TEXT
#undef TAKE_NUMBER
	return ok ? PM_OK
		  : pm_snapshot_wrong(s, "a fact that makes no sense", err);
}

static enum pm_status read_facts(struct pm_snapshot *s, struct pm_error *err)
{
	PM_CLEANUP(pm_section_close) struct pm_section in = {0};
	PM_TRY(pm_section_open(s->c, PM_SECTION_FACTS, &in, err));
	while (pm_section_left(&in)) {
		pm_auto_free char *name = NULL, *value = NULL;
		PM_TRY(pm_section_text(&in, &name, err));
		PM_TRY(pm_section_text(&in, &value, err));
		PM_TRY(take_fact(s, name, value, err));
	}
	return PM_OK;
}

static enum pm_status read_type(
	struct pm_snapshot *s, struct pm_section *in, struct pm_error *err)
{
	pm_auto_free char *name = NULL, *module = NULL;
	uint64_t addr, printed;
	PM_TRY(pm_section_text(in, &name, err));
	PM_TRY(pm_section_text(in, &module, err));
	PM_TRY(pm_section_uint(in, &addr, err));
	PM_TRY(pm_section_uint(in, &printed, err));
	if (!pm_vec_push(&s->types, (struct pm_snapshot_type){
					    name, module, addr, printed != 0}))
		return no_memory(err);
	name = module = NULL; /* given away */
	return PM_OK;
}

static enum pm_status read_owner(
	struct pm_snapshot *s, struct pm_section *in, struct pm_error *err)
{
	pm_auto_free char *text = NULL;
	PM_TRY(pm_section_text(in, &text, err));
	if (!pm_vec_push(&s->owners, text))
		return no_memory(err);
	text = NULL; /* given away */
	return PM_OK;
}

static enum pm_status read_path(
	struct pm_snapshot *s, struct pm_section *in, struct pm_error *err)
{
	pm_auto_free char *text = NULL;
	PM_TRY(pm_section_text(in, &text, err));
	if (!pm_vec_push(&s->paths, text))
		return no_memory(err);
	text = NULL; /* given away */
	return PM_OK;
}

static enum pm_status read_shape(
	struct pm_snapshot *s, struct pm_section *in, struct pm_error *err)
{
	uint64_t type, owner, size, alloc, length;
	PM_TRY(pm_section_uint(in, &type, err));
	PM_TRY(pm_section_uint(in, &owner, err));
	PM_TRY(pm_section_uint(in, &size, err));
	PM_TRY(pm_section_uint(in, &alloc, err));
	PM_TRY(pm_section_uint(in, &length, err));
	if (type >= s->types.len || owner > s->owners.len)
		return pm_snapshot_wrong(
			s, "a kind of objects without a type", err);
	if (!pm_vec_push(
		    &s->shapes, (struct pm_snapshot_shape){(uint32_t)type,
					(uint32_t)owner, size, alloc, length}))
		return no_memory(err);
	return PM_OK;
}

static enum pm_status read_table(struct pm_snapshot *s, unsigned section,
	enum pm_status (*one)(
		struct pm_snapshot *, struct pm_section *, struct pm_error *),
	struct pm_error *err)
{
	PM_CLEANUP(pm_section_close) struct pm_section in = {0};
	PM_TRY(pm_section_open(s->c, section, &in, err));
	for (uint64_t n = 0; pm_section_left(&in); n++) {
		if (n == UINT32_MAX)
			return pm_snapshot_wrong(
				s, "a table that is too long", err);
		PM_TRY(one(s, &in, err));
	}
	return PM_OK;
}

static enum pm_status read_tables(struct pm_snapshot *s, struct pm_error *err)
{
	PM_TRY(read_facts(s, err));
	PM_TRY(read_table(s, PM_SECTION_TYPES, read_type, err));
	PM_TRY(read_table(s, PM_SECTION_OWNERS, read_owner, err));
	PM_TRY(read_table(s, PM_SECTION_PATHS, read_path, err));
	return read_table(s, PM_SECTION_SHAPES, read_shape, err);
}

static enum pm_status take_container(
	struct pm_container *c, struct pm_snapshot **ret, struct pm_error *err)
{
	PM_CLEANUP(pm_cleanup_snapshot)
	struct pm_snapshot *s = calloc(1, sizeof *s);
	if (!s) {
		pm_container_close(c);
		return no_memory(err);
	}
	s->c = c;
	PM_TRY(read_tables(s, err));
	*ret = pm_take(s);
	return PM_OK;
}

enum pm_status pm_snapshot_open(
	const char *path, struct pm_snapshot **ret, struct pm_error *err)
{
	struct pm_container *c = NULL;
	PM_TRY(pm_container_open(path, PM_CONTENT_HEAP, &c, err));
	return take_container(c, ret, err);
}

enum pm_status pm_snapshot_open_fd(int fd, const char *name,
	struct pm_snapshot **ret, struct pm_error *err)
{
	struct pm_container *c = NULL;
	PM_TRY(pm_container_open_fd(fd, name, PM_CONTENT_HEAP, &c, err));
	return take_container(c, ret, err);
}

enum pm_same pm_snapshot_same_process(
	const struct pm_snapshot *a, const struct pm_snapshot *b)
{
	const struct pm_snapshot_facts *x = &a->facts, *y = &b->facts;
	/* A fork has the random bytes of its parent. */
	if (x->pid && y->pid && x->pid != y->pid)
		return PM_SAME_NO;
	if (strcmp(x->python, y->python))
		return PM_SAME_NO;
	if (*x->process && *y->process)
		return strcmp(x->process, y->process) ? PM_SAME_NO
						      : PM_SAME_YES;
	/* Who got the same id has these elsewhere, as the system places memory
	   at random. */
	if (!x->pid || !y->pid || !*x->place || !*y->place)
		return PM_SAME_UNKNOWN;
	return strcmp(x->place, y->place) ? PM_SAME_NO : PM_SAME_YES;
}

/* ---- objects ---- */

void pm_snapshot_cursor_deinit(struct pm_snapshot_cursor *c)
{
	pm_section_close(&c->addresses);
	pm_section_close(&c->shape_of);
	pm_section_close(&c->prints);
	pm_section_close(&c->path_of);
}

enum pm_status pm_snapshot_cursor_init(struct pm_snapshot_cursor *c,
	const struct pm_snapshot *s, struct pm_error *err)
{
	*c = (struct pm_snapshot_cursor){
		.s = s,
		.inside = s->facts.inside,
		.outside = s->facts.outside,
	};
	PM_TRY(pm_section_open(s->c, PM_SECTION_ADDRESSES, &c->addresses, err));
	PM_TRY(pm_section_open(s->c, PM_SECTION_SHAPE_OF, &c->shape_of, err));
	PM_TRY(pm_section_open(s->c, PM_SECTION_PRINTS, &c->prints, err));
	PM_TRY(pm_section_open(s->c, PM_SECTION_PATH_OF, &c->path_of, err));
	return pm_snapshot_cursor_next(c, err);
}

static enum pm_status end_of(struct pm_snapshot_cursor *c, struct pm_error *err)
{
	if (pm_section_left(&c->addresses) || pm_section_left(&c->shape_of) ||
		pm_section_left(&c->prints) || pm_section_left(&c->path_of))
		return pm_snapshot_wrong(
			c->s, "more objects than it says", err);
	c->at_end = true;
	return PM_OK;
}

static enum pm_status read_print(
	struct pm_snapshot_cursor *c, struct pm_error *err)
{
	unsigned char print[2];
	PM_TRY(pm_section_read(&c->prints, print, sizeof print, err));
	c->print = (uint16_t)(print[0] | print[1] << 8);
	return PM_OK;
}

static enum pm_status read_path_of(
	struct pm_snapshot_cursor *c, struct pm_error *err)
{
	uint64_t path;
	PM_TRY(pm_section_uint(&c->path_of, &path, err));
	if (path > c->s->paths.len)
		return pm_snapshot_wrong(
			c->s, "an object with a path that is missing", err);
	c->path = (uint32_t)path;
	return PM_OK;
}

enum pm_status pm_snapshot_cursor_next(
	struct pm_snapshot_cursor *c, struct pm_error *err)
{
	const struct pm_snapshot *s = c->s;
	uint64_t step, shape;
	if (c->inside) {
		c->inside--;
	} else if (c->outside) {
		c->outside--;
		if (!c->is_outside)
			c->addr = 0;
		c->is_outside = true;
	} else {
		return end_of(c, err);
	}
	PM_TRY(pm_section_uint(&c->addresses, &step, err));
	PM_TRY(pm_section_uint(&c->shape_of, &shape, err));
	step = pm_unpack_step(step);
	if (!step || step > UINT64_MAX - c->addr)
		return pm_snapshot_wrong(s, "addresses out of order", err);
	if (shape >= s->shapes.len)
		return pm_snapshot_wrong(s, "an object of no known kind", err);
	c->addr += step;
	c->shape = (uint32_t)shape;
	c->print = 0;
	c->path = 0;
	c->index = c->before++;
	if (s->facts.has_paths &&
		(s->facts.has_graph || s->shapes.data[shape].length))
		PM_TRY(read_path_of(c, err));
	return s->types.data[s->shapes.data[shape].type].printed
		       ? read_print(c, err)
		       : PM_OK;
}
