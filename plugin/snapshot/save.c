/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot/save.h"
#include "base/clock.h"
#include "heap/footprint.h"
#include "heap/team.h"
#include "object/class.h"
#include "snapshot/print.h"
#include "snapshot/save-graph.h"

#include <inttypes.h>
#include <string.h>

/* Less than a step: what is found in one is held in memory. */
#define SLICE_SECONDS 0.02
#define NONE UINT32_MAX

/* An object as a thread saw it. */
struct seen {
	uint64_t place;
	pm_addr addr;
	uint64_t size, alloc;
	uint64_t length; /* as in PM_SECTION_SHAPES */
	uint32_t type_id;
	uint16_t print;
};

struct seer {
	PM_VEC(struct seen) list; /* by place: units come in order */
	size_t next;
	uint64_t unreadable, inconsistent;
};

struct shape {
	uint64_t size, alloc, length;
	uint32_t type, owner; /* type: of the heap, not of the file */
};

struct pm_save {
	struct pm_heap *h;
	const struct pm_roles *roles;
	struct pm_scan *scan;
	struct seer seers[PM_TEAM_MAX];
	struct pm_container_writer *w;
	bool done;
	uint32_t *type_of; /* in the file, by type id; NONE: not yet */
	bool *printed;	   /* by type id */
	uint32_t *last;	   /* shape of the last object, by type id */
	size_t ntypes;	   /* of the file */
	PM_VEC(struct shape) shapes;
	struct pm_map by_hash;	/* of a shape: its number, plus 1 */
	struct pm_map owner_of; /* of a type and a role: owner */
	uint64_t nowners;
	struct pm_population_job *population;
	struct pm_save_graph *graph; /* NULL: without */
	bool scanned;
	uint32_t *path_of; /* by pattern; 0: not yet */
	uint32_t npaths;
	pm_addr before;
	uint64_t inside, outside;
	struct pm_save_totals totals;
	char *target, *python; /* owned */
	int64_t interpreter;
};

static void cleanup_save(struct pm_save **s)
{
	pm_save_destroy(*s);
}

void pm_save_destroy(struct pm_save *s)
{
	if (!s)
		return;
	pm_scan_destroy(s->scan);
	pm_save_graph_destroy(s->graph);
	pm_container_writer_destroy(s->w);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		pm_vec_deinit(&s->seers[i].list);
	free(s->path_of);
	free(s->type_of);
	free(s->printed);
	free(s->last);
	pm_vec_deinit(&s->shapes);
	pm_map_deinit(&s->by_hash);
	pm_map_deinit(&s->owner_of);
	free(s->target);
	free(s->python);
	free(s);
}

static enum pm_status no_memory(struct pm_error *err)
{
	return pm_fail(err, PM_NOMEM, 0, "out of memory");
}

/* ---- the threads' part ---- */

/* A buffer outside of the arenas counts for the one that the walk gave it to:
   some have several owners. */
static bool is_credited(
	const struct pm_heap *h, const struct pm_buffer *b, pm_addr owner)
{
	if (b->shared)
		return false;
	if (pm_pools_find(h->pools, b->addr) >= 0)
		return true;
	size_t i = pm_outside_from(h->buffers.data, h->buffers.len, b->addr);
	return i == h->buffers.len || h->buffers.data[i].addr != b->addr ||
	       h->buffers.data[i].owner == owner;
}

static uint64_t alloc_of(const struct pm_heap *h, struct pm_memory *m,
	const struct pm_scanned *x, const struct pm_measure *measure)
{
	uint64_t alloc = x->block;
	if (!x->block && !x->is_static)
		alloc = x->type->in_blocks
				? measure->extent
				: pm_block_size(h, m, x->addr - x->type->pre,
					  measure->extent + x->type->pre);
	for (unsigned i = 0; i < measure->nbuffers; i++)
		if (is_credited(h, &measure->buffers[i], x->addr))
			alloc += pm_buffer_alloc(h, m, &measure->buffers[i]);
	return alloc;
}

bool pm_save_has_length(const struct pm_type *t)
{
	return t->kind == PM_KIND_ARRAY ||
	       (t->kind != PM_KIND_TUPLE && pm_type_is_container(t));
}

static uint64_t length_of(const struct pm_layout *l, const struct pm_scanned *x)
{
	int64_t n;
	return pm_save_has_length(x->type) &&
			       pm_object_length(l, x->type, x->body, &n) &&
			       n >= 0
		       ? (uint64_t)n + 1
		       : 0;
}

static bool see(void *arg, unsigned who, const struct pm_scanned *x)
{
	struct pm_save *s = arg;
	struct seer *k = &s->seers[who];
	const struct pm_objects *o = pm_scan_objects(s->scan, who);
	struct pm_measure m = {0};
	enum pm_status st = pm_measure(s->h->l, x->type, x->addr, x->body,
		x->avail, &o->resolver.r, &m);
	struct seen one = {
		.place = x->place,
		.addr = x->addr,
		.type_id = x->type->id,
	};
	k->inconsistent += st == PM_CORRUPT;
	k->unreadable += st != PM_OK && st != PM_CORRUPT;
	if (st != PM_CORRUPT) {
		one.size = m.size;
		one.alloc = alloc_of(s->h, o->m, x, &m);
		one.length = length_of(s->h->l, x);
		if (s->printed[x->type->id])
			one.print = pm_print_of(s->h->l, x, &m);
	}
	return pm_vec_push(&k->list, one);
}

/* ---- tables ---- */

static enum pm_status put_type(
	struct pm_save *s, uint32_t id, struct pm_error *err)
{
	const struct pm_type *t = pm_types_by_id(s->h->types, id);
	pm_auto_strbuf module = {0};
	pm_class_module(&s->h->objects, t, &module);
	if (module.failed)
		return no_memory(err);
	const unsigned at = PM_SECTION_TYPES;
	PM_TRY(pm_container_put_text(s->w, at, t->name, err));
	PM_TRY(pm_container_put_text(s->w, at, pm_strbuf_text(&module), err));
	PM_TRY(pm_container_put_uint(s->w, at, t->addr, err));
	PM_TRY(pm_container_put_uint(s->w, at, s->printed[id], err));
	s->type_of[id] = (uint32_t)s->ntypes++;
	return PM_OK;
}

/* The number of the owner of objects of this type with this role. */
static enum pm_status owner_number(struct pm_save *s, const struct seen *x,
	uint32_t *ret, struct pm_error *err)
{
	uint32_t role = s->roles ? pm_roles_of(s->roles, x->addr) : 0;
	*ret = 0;
	if (!role)
		return PM_OK;
	bool added = false;
	struct pm_map_slot *slot = pm_map_put(
		&s->owner_of, ((uint64_t)x->type_id << 32 | role) + 1, &added);
	if (!slot)
		return no_memory(err);
	if (added) {
		pm_auto_strbuf text = {0};
		slot->value = s->nowners + 1;
		pm_roles_owner(s->roles,
			pm_types_by_id(s->h->types, x->type_id), role, &text);
		if (text.failed)
			return no_memory(err);
		PM_TRY(pm_container_put_text(
			s->w, PM_SECTION_OWNERS, pm_strbuf_text(&text), err));
		s->nowners++;
	}
	*ret = (uint32_t)slot->value;
	return PM_OK;
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
	return a->size == b->size && a->alloc == b->alloc &&
	       a->length == b->length && a->type == b->type &&
	       a->owner == b->owner;
}

static enum pm_status add_shape(
	struct pm_save *s, const struct shape *x, struct pm_error *err)
{
	const unsigned at = PM_SECTION_SHAPES;
	if (s->type_of[x->type] == NONE)
		PM_TRY(put_type(s, x->type, err));
	if (s->shapes.len == NONE - 1)
		return pm_fail(err, PM_LIMIT, 0, "too many kinds of objects");
	PM_TRY(pm_container_put_uint(s->w, at, s->type_of[x->type], err));
	PM_TRY(pm_container_put_uint(s->w, at, x->owner, err));
	PM_TRY(pm_container_put_uint(s->w, at, x->size, err));
	PM_TRY(pm_container_put_uint(s->w, at, x->alloc, err));
	PM_TRY(pm_container_put_uint(s->w, at, x->length, err));
	return pm_vec_push(&s->shapes, *x) ? PM_OK : no_memory(err);
}

static enum pm_status shape_number(struct pm_save *s, const struct shape *x,
	uint32_t *ret, struct pm_error *err)
{
	uint32_t last = s->last[x->type];
	if (last != NONE && same_shape(&s->shapes.data[last], x)) {
		*ret = last;
		return PM_OK;
	}
	uint64_t h = x->size * 0x9FB21C651E98DF25u ^ x->alloc;
	h = (h ^ h >> 29 ^ x->type ^ x->length << 32) * 0x9E3779B97F4A7C15u;
	h = (h ^ h >> 32 ^ x->owner) * 0xD6E8FEB86659FD93u;
	for (h |= 1;; h += 2) {
		struct pm_map_slot *slot = pm_map_put(&s->by_hash, h, NULL);
		if (!slot)
			return no_memory(err);
		if (!slot->value) {
			PM_TRY(add_shape(s, x, err));
			slot->value = s->shapes.len;
		} else if (!same_shape(&s->shapes.data[slot->value - 1], x)) {
			continue; /* another one of this hash */
		}
		*ret = s->last[x->type] = (uint32_t)(slot->value - 1);
		return PM_OK;
	}
}

/* The number of the path of an object, 0: none is known. */
static enum pm_status path_number(
	struct pm_save *s, pm_addr addr, uint32_t *ret, struct pm_error *err)
{
	struct pm_patterns *p = &pm_population_result(s->population)->patterns;
	uint32_t node = pm_graph_node(p->g, addr);
	uint32_t at = node == PM_NO_NODE
			      ? PM_NO_PATTERN
			      : pm_population_pattern(s->population, node);
	*ret = 0;
	if (at == PM_NO_PATTERN)
		return PM_OK;
	if (!s->path_of[at]) {
		pm_auto_strbuf text = {0};
		pm_patterns_show(p, at, &text);
		if (text.failed)
			return no_memory(err);
		PM_TRY(pm_container_put_text(
			s->w, PM_SECTION_PATHS, pm_strbuf_text(&text), err));
		s->path_of[at] = ++s->npaths;
	}
	*ret = s->path_of[at];
	return PM_OK;
}

static enum pm_status put_path(
	struct pm_save *s, const struct seen *x, struct pm_error *err)
{
	uint32_t path = 0;
	PM_TRY(path_number(s, x->addr, &path, err));
	return pm_container_put_uint(s->w, PM_SECTION_PATH_OF, path, err);
}

/* ---- objects ---- */

static enum pm_status put_object(
	struct pm_save *s, const struct seen *x, struct pm_error *err)
{
	bool outside = x->place >= s->h->pools->nwords * 64;
	if (outside && !s->outside)
		s->before = 0;
	struct shape shape = {.size = x->size,
		.alloc = x->alloc,
		.length = x->length,
		.type = x->type_id};
	uint32_t number = 0;
	PM_TRY(owner_number(s, x, &shape.owner, err));
	PM_TRY(shape_number(s, &shape, &number, err));
	PM_TRY(pm_container_put_uint(s->w, PM_SECTION_ADDRESSES,
		pm_pack_step(x->addr - s->before), err));
	PM_TRY(pm_container_put_uint(s->w, PM_SECTION_SHAPE_OF, number, err));
	if (s->printed[x->type_id]) {
		const unsigned char print[2] = {(unsigned char)x->print,
			(unsigned char)(x->print >> 8)};
		PM_TRY(pm_container_put(
			s->w, PM_SECTION_PRINTS, print, sizeof print, err));
	}
	if (s->population && (x->length || s->graph))
		PM_TRY(put_path(s, x, err));
	if (s->graph && !pm_save_graph_add(s->graph, x->addr))
		return no_memory(err);
	s->before = x->addr;
	*(outside ? &s->outside : &s->inside) += 1;
	s->totals.count++;
	s->totals.size += x->size;
	s->totals.alloc += x->alloc;
	return PM_OK;
}

/* Once a slice of the pass is over, all of its units are done: what is found
   later has higher places. */
static enum pm_status put_slice(struct pm_save *s, struct pm_error *err)
{
	for (;;) {
		struct seer *first = NULL;
		for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
			struct seer *k = &s->seers[i];
			if (k->next < k->list.len &&
				(!first || k->list.data[k->next].place <
						   first->list.data[first->next]
							   .place))
				first = k;
		}
		if (!first)
			break;
		PM_TRY(put_object(s, &first->list.data[first->next++], err));
	}
	for (unsigned i = 0; i < PM_TEAM_MAX; i++)
		s->seers[i].list.len = s->seers[i].next = 0;
	return PM_OK;
}

/* ---- the end ---- */

/* What tells this process from all others, in hexadecimal; "": not known. */
static void process_mark(struct pm_target *t, char ret[33])
{
	unsigned char random[16];
	ret[0] = '\0';
	if (!t->random || pm_target_read_some(t, t->random, random,
				  sizeof random) < sizeof random)
		return;
	for (unsigned i = 0; i < sizeof random; i++)
		snprintf(ret + 2 * i, 3, "%02x", random[i]);
}

static void gather_facts(const struct pm_save *s, struct pm_snapshot_facts *f)
{
	struct pm_target *t = s->h->target;
	*f = (struct pm_snapshot_facts){
		.pid = t->pid > 0 ? (uint64_t)t->pid : 0,
		.time = pm_file_time(),
		.interpreter = (uint64_t)(s->interpreter + 1),
		.inside = s->inside,
		.outside = s->outside,
		.has_paths = s->population != NULL,
		.has_graph = s->graph != NULL,
		.has_owners = s->roles != NULL,
		.unreadable = s->totals.unreadable,
		.inconsistent = s->totals.inconsistent,
	};
	snprintf(f->target, sizeof f->target, "%s", s->target);
	snprintf(f->python, sizeof f->python, "%s", s->python);
	process_mark(t, f->process);
	const struct pm_places *at = &s->h->l->at;
	if (at->runtime.addr && at->interp_head.addr)
		snprintf(f->place, sizeof f->place, "%" PRIx64 " %" PRIx64,
			at->runtime.addr, at->interp_head.addr);
}

static enum pm_status put_facts(struct pm_save *s, struct pm_error *err)
{
	struct pm_snapshot_facts f;
	char text[sizeof f.target];
	gather_facts(s, &f);
#define PUT_TEXT(value) snprintf(text, sizeof text, "%s", value)
#define PUT_NUMBER(value) snprintf(text, sizeof text, "%" PRIu64, value)
#define X(member, name, type)                                                  \
	PUT_##type(f.member);                                                  \
	PM_TRY(pm_container_put_text(s->w, PM_SECTION_FACTS, name, err));      \
	PM_TRY(pm_container_put_text(s->w, PM_SECTION_FACTS, text, err));
	PM_SNAPSHOT_FACTS(X)
#undef X
#undef PUT_TEXT
#undef PUT_NUMBER
	return PM_OK;
}

static enum pm_status finish(struct pm_save *s, struct pm_error *err)
{
	s->totals.unreadable += pm_scan_unreadable(s->scan);
	for (unsigned i = 0; i < PM_TEAM_MAX; i++) {
		s->totals.unreadable += s->seers[i].unreadable;
		s->totals.inconsistent += s->seers[i].inconsistent;
	}
	s->totals.unreadable += s->h->unreadable;
	s->totals.inconsistent += s->h->inconsistent;
	if (s->roles)
		s->totals.unreadable += pm_roles_unreadable(s->roles);
	if (s->graph)
		s->totals.unreadable += pm_save_graph_unreadable(s->graph);
	PM_TRY(put_facts(s, err));
	PM_TRY(pm_container_commit(s->w, err));
	s->totals.bytes = pm_container_written(s->w);
	s->done = true;
	return PM_OK;
}

/* ---- the job ---- */

static enum pm_status make_tables(struct pm_save *s, struct pm_error *err)
{
	size_t n = pm_types_count(s->h->types) + (size_t)1;
	s->type_of = malloc(n * sizeof *s->type_of);
	s->last = malloc(n * sizeof *s->last);
	s->printed = calloc(n, sizeof *s->printed);
	if (!s->type_of || !s->last || !s->printed)
		return no_memory(err);
	size_t paths = 1;
	if (s->population)
		paths += pm_population_result(s->population)->patterns.list.len;
	s->path_of = calloc(paths, sizeof *s->path_of);
	if (!s->path_of)
		return no_memory(err);
	for (uint32_t i = 0; i + 1 < n; i++) {
		const struct pm_type *t = pm_types_by_id(s->h->types, i);
		s->type_of[i] = s->last[i] = NONE;
		s->printed[i] = t && t->is_type && pm_print_has(t);
	}
	return PM_OK;
}

static bool wants(void *arg, const struct pm_type *t)
{
	(void)arg, (void)t;
	return true; /* of the types that the tables have room for */
}

enum pm_status pm_save_create(struct pm_heap *h,
	const struct pm_save_options *o, struct pm_save **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_save) struct pm_save *s = calloc(1, sizeof *s);
	if (!s)
		return no_memory(err);
	s->h = h;
	s->interpreter = o->interpreter;
	s->roles = o->roles;
	s->population = o->population;
	s->target = strdup(o->target);
	s->python = strdup(o->python);
	if (!s->target || !s->python)
		return no_memory(err);
	PM_TRY(pm_container_create(o->path, PM_CONTENT_HEAP, &s->w, err));
	if (o->graph)
		PM_TRY(pm_save_graph_create(o->graph, s->w, &s->graph, err));
	PM_TRY(pm_scan_create(h, wants, 0, see, s, &s->scan, err));
	PM_TRY(make_tables(s, err));
	*ret = pm_take(s);
	return PM_OK;
}

enum pm_status pm_save_step(
	struct pm_save *s, double seconds, bool *ret_done, struct pm_error *err)
{
	double end = pm_now() + seconds;
	bool written = !s->graph;
	while (!s->scanned && pm_now() < end) {
		PM_TRY(pm_scan_step(s->scan, SLICE_SECONDS, &s->scanned, err));
		PM_TRY(put_slice(s, err));
	}
	if (s->scanned && s->graph && !s->done)
		PM_TRY(pm_save_graph_step(
			s->graph, end - pm_now(), &written, err));
	if (s->scanned && written && !s->done)
		PM_TRY(finish(s, err));
	*ret_done = s->done;
	return PM_OK;
}

void pm_save_progress(
	const struct pm_save *s, uint64_t *ret_done, uint64_t *ret_total)
{
	pm_scan_progress(s->scan, ret_done, ret_total);
	if (s->scanned && s->graph)
		pm_save_graph_progress(s->graph, ret_done, ret_total);
}

const struct pm_save_totals *pm_save_totals(const struct pm_save *s)
{
	return &s->totals;
}

int pm_save_take(struct pm_save *s)
{
	return pm_container_take(s->w);
}
