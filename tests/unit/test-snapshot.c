/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots of heaps of every row, and comparisons of what is made up. */
#include "lib/opened-heap.h"
#include "snapshot/diff.h"
#include "snapshot/keepers.h"
#include "snapshot/save.h"
#include "unit/unit.h"

#include <inttypes.h>

static struct pm_error e;

/* ---- what the walk says, the file says ---- */

static struct pm_snapshot *save(struct pm_heap *h)
{
	struct pm_save *s = NULL;
	struct pm_snapshot *ret = NULL;
	const struct pm_save_options o = {
		.target = "image", .python = "3.x", .interpreter = -1};
	ck_assert_int_eq(pm_save_create(h, &o, &s, &e), PM_OK);
	for (bool done = false; !done;)
		ck_assert_int_eq(pm_save_step(s, 1, &done, &e), PM_OK);
	ck_assert_msg(
		pm_snapshot_open_fd(pm_save_take(s), "x", &ret, &e) == PM_OK,
		"%s", e.msg);
	pm_save_destroy(s);
	return ret;
}

static void walk(struct pm_heap *h)
{
	struct pm_walk *w = NULL;
	ck_assert_int_eq(pm_walk_create(h, 1, &w, &e), PM_OK);
	for (bool done = false; !done;)
		ck_assert_int_eq(pm_walk_step(w, 1, &done, &e), PM_OK);
	pm_walk_destroy(w);
}

static uint64_t compare_with_walk(
	const struct pm_snapshot *s, const struct pm_heap *h)
{
	struct pm_snapshot_cursor c;
	uint64_t n = 0;
	pm_auto_free struct pm_type_stats *sums =
		calloc(s->types.len + 1, sizeof *sums);
	ck_assert_ptr_nonnull(sums);
	ck_assert_int_eq(pm_snapshot_cursor_init(&c, s, &e), PM_OK);
	for (; !c.at_end; n++) {
		const struct pm_snapshot_shape *x = &s->shapes.data[c.shape];
		ck_assert(pm_heap_is_object(h, c.addr));
		sums[x->type].count++;
		sums[x->type].size += x->size;
		ck_assert_msg(
			pm_snapshot_cursor_next(&c, &e) == PM_OK, "%s", e.msg);
	}
	pm_snapshot_cursor_deinit(&c);
	for (size_t i = 0; i < s->types.len; i++) {
		const struct pm_type *t =
			pm_types_get(h->types, s->types.data[i].addr);
		ck_assert_str_eq(t->name, s->types.data[i].name);
		ck_assert_uint_eq(sums[i].count, h->stats[t->id].count);
		ck_assert_uint_eq(sums[i].size, h->stats[t->id].size);
	}
	return n;
}

START_TEST(has_every_object_of_the_walk)
{
	unsigned rows = 0;
	EACH_PYMALLOC_ROW(row)
	{
		struct opened_heap o;
		opened_heap_begin(&o, row);
		opened_heap_open(&o);
		walk(o.heap);
		struct pm_snapshot *s = save(o.heap);
		uint64_t all = 0;
		for (size_t i = 0; i < o.heap->nstats; i++)
			all += o.heap->stats[i].count;
		ck_assert_uint_gt(all, 3);
		ck_assert_uint_eq(compare_with_walk(s, o.heap), all);
		ck_assert_uint_eq(s->facts.inside + s->facts.outside, all);
		/* Nothing has changed since. */
		const struct pm_snapshot *both[] = {s, s};
		struct pm_diff_options none = {0};
		struct pm_diff_job *j = NULL;
		ck_assert_int_eq(pm_diff_create(both, 2, &none, &j, &e), PM_OK);
		for (bool done = false; !done;)
			ck_assert_int_eq(pm_diff_step(j, 1, &done, &e), PM_OK);
		ck_assert_uint_eq(pm_diff_result(j)->total.at[0].count, all);
		ck_assert_uint_eq(pm_diff_result(j)->total.at[1].count, all);
		/* An image tells nothing of its process. */
		ck_assert(!pm_diff_result(j)->identity);
		pm_diff_destroy(j);
		pm_snapshot_close(s);
		opened_heap_end(&o);
		rows++;
	}
	ck_assert_uint_gt(rows, 10);
}
END_TEST

/* ---- comparisons ---- */

struct thing {
	pm_addr addr; /* 0: the end; with bit 0: outside of the arenas */
	unsigned type, print;
	uint64_t size, length;
};

static void put_fact(
	struct pm_container_writer *w, const char *name, const char *value)
{
	const unsigned at = PM_SECTION_FACTS;
	ck_assert_int_eq(pm_container_put_text(w, at, name, &e), PM_OK);
	ck_assert_int_eq(pm_container_put_text(w, at, value, &e), PM_OK);
}

static void put(struct pm_container_writer *w, unsigned at, uint64_t value)
{
	ck_assert_int_eq(pm_container_put_uint(w, at, value, &e), PM_OK);
}

#define ROOT UINT32_MAX
struct link {
	unsigned from, to; /* from ROOT: a root */
	const char *via;   /* NULL: the end */
};

static void put_text(
	struct pm_container_writer *w, unsigned at, const char *text)
{
	ck_assert_int_eq(pm_container_put_text(w, at, text, &e), PM_OK);
}

static void put_links(struct pm_container_writer *w, const struct link *links,
	unsigned objects)
{
	int64_t before = 0;
	for (unsigned i = 0; i < objects; i++) {
		char value[20];
		snprintf(value, sizeof value, "value %u", i);
		put_text(w, PM_SECTION_VALUES, value);
		for (const struct link *l = links; l->via; l++) {
			if (l->from != i)
				continue;
			put(w, PM_SECTION_REFERENCES,
				pm_fold((int64_t)l->to - i) + 1);
			put_text(w, PM_SECTION_VIAS, l->via);
		}
		put(w, PM_SECTION_REFERENCES, 0);
	}
	for (const struct link *l = links; l->via; l++) {
		if (l->from != ROOT)
			continue;
		put(w, PM_SECTION_ROOTS, pm_fold((int64_t)l->to - before));
		put(w, PM_SECTION_ROOTS, 1);
		put_text(w, PM_SECTION_ROOTS, l->via);
		before = l->to;
	}
	put_fact(w, "graph", "1");
}

/* Types are app.T0 (with prints), app.T1, ..., lib.T3.  links may be NULL. */
static struct pm_snapshot *made_up_of(
	const char *pid, const struct thing *all, const struct link *links)
{
	struct pm_container_writer *w = NULL;
	struct pm_snapshot *ret = NULL;
	uint64_t n[2] = {0, 0};
	pm_addr before = 0;
	ck_assert_int_eq(
		pm_container_create(NULL, PM_CONTENT_HEAP, &w, &e), PM_OK);
	for (unsigned i = 0; i < 4; i++) {
		char name[12];
		const unsigned at = PM_SECTION_TYPES;
		snprintf(name, sizeof name, "%s.T%u", i < 3 ? "app" : "lib", i);
		ck_assert_int_eq(pm_container_put_text(w, at, name, &e), PM_OK);
		name[3] = '\0';
		ck_assert_int_eq(pm_container_put_text(w, at, name, &e), PM_OK);
		put(w, at, 0x1000 + i * 0x100);
		put(w, at, i == 0);
	}
	for (const struct thing *t = all; t->addr; t++) {
		bool outside = t->addr & 1;
		pm_addr addr = t->addr & ~(pm_addr)1;
		if (outside && !n[1])
			before = 0;
		put(w, PM_SECTION_SHAPES, t->type);
		put(w, PM_SECTION_SHAPES, 0);
		put(w, PM_SECTION_SHAPES, t->size);
		put(w, PM_SECTION_SHAPES, t->size * 2);
		put(w, PM_SECTION_SHAPES, t->length);
		put(w, PM_SECTION_ADDRESSES, pm_pack_step(addr - before));
		put(w, PM_SECTION_SHAPE_OF, (uint64_t)(t - all));
		const unsigned char print[2] = {(unsigned char)t->print, 7};
		if (t->type == 0)
			ck_assert_int_eq(pm_container_put(w, PM_SECTION_PRINTS,
						 print, 2, &e),
				PM_OK);
		before = addr;
		n[outside]++;
	}
	char text[2][24];
	for (unsigned i = 0; i < 2; i++)
		snprintf(text[i], sizeof text[i], "%" PRIu64, n[i]);
	put_fact(w, "inside", text[0]);
	put_fact(w, "outside", text[1]);
	put_fact(w, "pid", pid);
	put_fact(w, "process", "abcd");
	put_fact(w, "a name of a later time", "and its value");
	if (links)
		put_links(w, links, (unsigned)(n[0] + n[1]));
	ck_assert_int_eq(pm_container_commit(w, &e), PM_OK);
	ck_assert_msg(pm_snapshot_open_fd(
			      pm_container_take(w), "x", &ret, &e) == PM_OK,
		"%s", e.msg);
	pm_container_writer_destroy(w);
	return ret;
}

static struct pm_snapshot *made_up(const char *pid, const struct thing *all)
{
	return made_up_of(pid, all, NULL);
}

static const struct thing first[] = {
	{0x10000, 1, 0, 64, 0},	  /* stays */
	{0x10040, 0, 5, 50, 0},	  /* another one of its type is there later */
	{0x10080, 1, 0, 100, 0},  /* grows */
	{0x100c0, 2, 0, 10, 0},	  /* goes */
	{0x10100, 1, 0, 30, 0},	  /* is of another type later */
	{0x20001, 3, 0, 1000, 6}, /* outside; gets one more */
	{0},
};
static const struct thing second[] = {
	{0x10000, 1, 0, 64, 0},
	{0x10040, 0, 6, 50, 0},
	{0x10080, 1, 0, 180, 0},
	{0x10100, 2, 0, 30, 0},
	{0x10140, 2, 0, 11, 0}, /* comes, and stays */
	{0x10180, 2, 0, 12, 0}, /* comes, and goes */
	{0x20001, 3, 0, 1000, 7},
	{0},
};
static const struct thing third[] = {
	{0x10000, 1, 0, 64, 0},
	{0x10040, 0, 6, 50, 0},
	{0x10080, 1, 0, 260, 0},
	{0x10100, 2, 0, 30, 0},
	{0x10140, 2, 0, 11, 0},
	{0x101c0, 2, 0, 13, 0}, /* comes late */
	{0x20001, 3, 0, 1000, 7},
	{0},
};

static struct pm_diff_job *compared(const struct pm_snapshot *const *all,
	size_t n, const struct pm_diff_options *o)
{
	struct pm_diff_job *j = NULL;
	ck_assert_msg(pm_diff_create(all, n, o, &j, &e) == PM_OK, "%s", e.msg);
	for (bool done = false; !done;)
		ck_assert_int_eq(pm_diff_step(j, 1, &done, &e), PM_OK);
	return j;
}

static const struct pm_diff_row *row_of(struct pm_diff_job *j, const char *name)
{
	pm_vec_each (r, &pm_diff_result(j)->rows)
		if (!strcmp(r->name, name))
			return r;
	ck_abort_msg("no row of %s", name);
	return NULL;
}

START_TEST(two_are_compared_one_by_one)
{
	const struct pm_snapshot *all[] = {
		made_up("7", first), made_up("7", second)};
	struct pm_diff_options o = {.born = 100};
	struct pm_diff_job *j = compared(all, 2, &o);
	const struct pm_diff *d = pm_diff_result(j);
	ck_assert(d->identity);
	ck_assert_uint_eq(d->survived, 3);
	ck_assert_uint_eq(d->total.born.count, 4);
	ck_assert_uint_eq(d->total.gone.count, 3);
	ck_assert_uint_eq(d->grew, 2);
	ck_assert_uint_eq(d->grown[0].addr, 0x10080);
	ck_assert_uint_eq(d->grown[0].size_before, 100);
	ck_assert_uint_eq(d->grown[0].size, 180);
	ck_assert_uint_eq(d->grown[1].addr, 0x20000);
	ck_assert_uint_eq(d->grown[1].length, 7);
	ck_assert_uint_eq(d->born.len, 4);
	ck_assert_uint_eq(d->born.data[0].addr, 0x10040);
	const struct pm_diff_row *r = row_of(j, "app.T2");
	ck_assert_uint_eq(r->at[0].count, 1);
	ck_assert_uint_eq(r->at[1].count, 3);
	ck_assert_uint_eq(r->at[1].size, 53);
	ck_assert_uint_eq(r->at[1].alloc, 106);
	ck_assert_uint_eq(r->born.count, 3);
	ck_assert_uint_eq(r->gone.count, 1);
	ck_assert_uint_eq(r->example, 0x10100);
	pm_diff_destroy(j);
	o.by = PM_DIFF_MODULE;
	j = compared(all, 2, &o);
	ck_assert_uint_eq(row_of(j, "app")->at[1].count, 6);
	ck_assert_uint_eq(row_of(j, "lib")->at[1].size, 1000);
	pm_diff_destroy(j);
	o.by = PM_DIFF_OWNER;
	ck_assert_int_eq(pm_diff_create(all, 2, &o, &j, &e), PM_ABSENT);
	for (unsigned i = 0; i < 2; i++)
		pm_snapshot_close((struct pm_snapshot *)(uintptr_t)all[i]);
}
END_TEST

START_TEST(of_three_what_came_and_stayed)
{
	const struct pm_snapshot *all[] = {
		made_up("7", first), made_up("7", second), made_up("7", third)};
	struct pm_diff_options o = {.born = 2};
	struct pm_diff_job *j = compared(all, 3, &o);
	const struct pm_diff *d = pm_diff_result(j);
	ck_assert_uint_eq(d->total.born.count, 3);
	ck_assert_uint_eq(d->total.gone.count, 3);
	ck_assert_uint_eq(d->born.len, 2); /* no more were asked for */
	const struct pm_diff_row *r = row_of(j, "app.T2");
	ck_assert_uint_eq(r->born.count, 2);
	ck_assert_uint_eq(r->born.size, 41);
	ck_assert_uint_eq(r->at[1].count, 3);
	ck_assert_uint_eq(r->at[2].count, 3);
	ck_assert_uint_eq(d->grown[0].size, 260);
	pm_diff_destroy(j);
	for (unsigned i = 0; i < 3; i++)
		pm_snapshot_close((struct pm_snapshot *)(uintptr_t)all[i]);
}
END_TEST

START_TEST(others_are_compared_by_rows)
{
	const struct pm_snapshot *all[] = {
		made_up("7", first), made_up("8", second)};
	struct pm_diff_options o = {.born = 100};
	struct pm_diff_job *j = compared(all, 2, &o);
	const struct pm_diff *d = pm_diff_result(j);
	ck_assert(!d->identity);
	ck_assert_uint_eq(d->total.at[0].count, 6);
	ck_assert_uint_eq(d->total.at[1].count, 7);
	ck_assert_uint_eq(d->total.born.count, 0);
	ck_assert_uint_eq(d->born.len, 0);
	ck_assert_uint_eq(d->ngrown, 0);
	pm_diff_destroy(j);
	for (unsigned i = 0; i < 2; i++)
		pm_snapshot_close((struct pm_snapshot *)(uintptr_t)all[i]);
}
END_TEST

static enum pm_status find(const struct pm_snapshot *s, const uint64_t *index,
	size_t n, struct pm_keepers **ret)
{
	enum pm_status st = PM_OK;
	ck_assert_int_eq(pm_keepers_create(s, index, n, ret, &e), PM_OK);
	for (bool done = false; !done && st == PM_OK;)
		st = pm_keepers_step(*ret, 1, &done, &e);
	return st;
}

START_TEST(who_holds_what_is_in_the_file)
{
	static const struct link links[] = {
		{3, 0, "[7]"},
		{ROOT, 0, "a root"},
		{5, 0, "key"},
		{0, 0, "self"},
		{0, 3, ".x"},
		{ROOT, 5, "another"},
		{0},
	};
	struct pm_snapshot *s = made_up_of("7", first, links);
	const uint64_t index[] = {5, 0, 1};
	struct pm_keepers *j = NULL;
	ck_assert_msg(find(s, index, 3, &j) == PM_OK, "%s", e.msg);
	const struct pm_kept *x = pm_keepers_result(j);
	ck_assert_str_eq(x[0].value, "value 5");
	ck_assert_uint_eq(x[0].n, 1);
	ck_assert_str_eq(x[0].by[0].via, "another");
	ck_assert_ptr_null(x[0].by[0].type);
	/* The first in the file, and a root. */
	ck_assert_uint_eq(x[1].n, 4);
	ck_assert_str_eq(x[1].by[0].via, "self");
	ck_assert_uint_eq(x[1].by[0].addr, 0x10000);
	ck_assert_str_eq(x[1].by[0].type, "app.T1");
	ck_assert_str_eq(x[1].by[1].via, "a root");
	ck_assert_uint_eq(x[2].n, 0);
	pm_keepers_destroy(j);
	pm_snapshot_close(s);
}
END_TEST

START_TEST(references_to_nothing_are_refused)
{
	static const struct link links[][2] = {
		{{2, 6, ".x"}, {0}},
		{{2, 4000000000, ".x"}, {0}},
		{{ROOT, 6, "a root"}, {0}},
	};
	for (size_t i = 0; i < 3; i++) {
		struct pm_snapshot *s = made_up_of("7", first, links[i]);
		const uint64_t index = 0;
		struct pm_keepers *j = NULL;
		ck_assert_int_eq(find(s, &index, 1, &j), PM_CORRUPT);
		ck_assert_ptr_nonnull(strstr(e.msg, "damaged"));
		pm_keepers_destroy(j);
		pm_snapshot_close(s);
	}
}
END_TEST

UNIT_MAIN("snapshot", who_holds_what_is_in_the_file,
	references_to_nothing_are_refused, has_every_object_of_the_walk,
	two_are_compared_one_by_one, of_three_what_came_and_stayed,
	others_are_compared_by_rows)
