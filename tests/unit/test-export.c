/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files for other viewers: their structure, on images of every row that has
   pymalloc; what is in them is tests/live/export.tap's. */
#include "export/export.h"
#include "export/ids.h"
#include "export/strings.h"
#include "graph/build.h"
#include "graph/root-nodes.h"
#include "lib/opened-heap.h"

#include <dirent.h>
#include <jansson.h>

#define ITEMS 60

struct world {
	struct opened_heap o;
	struct pm_graph *g;
	char folder[40];
};

static struct pm_error e;

static void walk(struct world *w)
{
	struct pm_walk *job = NULL;
	bool done = false;
	ck_assert_int_eq(pm_walk_create(w->o.heap, 1, &job, &e), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_walk_step(job, 1, &done, &e), PM_OK);
	pm_walk_destroy(job);
}

static void build(struct world *w)
{
	struct pm_graph_build *job = NULL;
	struct pm_root_nodes *roots = NULL;
	bool done = false;
	ck_assert_int_eq(pm_graph_build_create(w->o.heap, &job, &e), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_graph_build_step(job, 1, &done, &e), PM_OK);
	w->g = pm_graph_build_take(job);
	pm_graph_build_destroy(job);
	ck_assert_int_eq(pm_root_nodes_create(w->g, &roots, &e), PM_OK);
	for (done = false; !done;)
		ck_assert_int_eq(
			pm_root_nodes_step(roots, 1, &done, &e), PM_OK);
	pm_root_nodes_destroy(roots);
}

static void dominate(struct world *w)
{
	struct pm_dominators_job *job = NULL;
	pm_auto_free uint32_t *roots = NULL;
	size_t n, sure;
	bool done = false;
	ck_assert_int_eq(
		pm_graph_root_list(w->g, &roots, &n, &sure, &e), PM_OK);
	ck_assert_int_eq(
		pm_dominators_create(w->g, roots, n, sure, &job, &e), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_dominators_step(job, 1, &done, &e), PM_OK);
	w->g->dominators = pm_dominators_take(job);
	pm_dominators_job_destroy(job);
}

/* A list of ints in a tuple that is in a list, and nothing holds them. */
static void begin(struct world *w, const struct pm_row *row)
{
	pm_addr items[ITEMS], list;
	opened_heap_begin(&w->o, row);
	for (uint32_t i = 0; i < ITEMS; i++)
		items[i] = mini_new_int(&w->o.h, 1000 + i % 7);
	list = mini_new_list(&w->o.h, items, ITEMS);
	list = mini_new_tuple(&w->o.h, (const pm_addr[]){list, items[0]}, 2);
	mini_new_list(&w->o.h, &list, 1);
	opened_heap_open(&w->o);
	walk(w);
	build(w);
	dominate(w);
	strcpy(w->folder, "export-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->folder));
}

static const char *path_of(const struct world *w, const char *name)
{
	static char path[100];
	snprintf(path, sizeof path, "%s/%s", w->folder, name);
	return path;
}

static unsigned count_files(const struct world *w)
{
	unsigned n = 0;
	DIR *dir = opendir(w->folder);
	ck_assert_ptr_nonnull(dir);
	for (struct dirent *d; (d = readdir(dir));)
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void end(struct world *w)
{
	ck_assert_uint_eq(count_files(w), 0);
	ck_assert_int_eq(rmdir(w->folder), 0);
	pm_graph_destroy(w->g);
	opened_heap_end(&w->o);
}

static struct pm_export *create(
	struct world *w, enum pm_export_kind kind, const char *name, size_t top)
{
	const struct pm_export_request q = {.kind = kind,
		.path = path_of(w, name),
		.top = top,
		.text_limit = 80};
	struct pm_export *x = NULL;
	ck_assert_int_eq(pm_export_create(w->g, &q, &x, &e), PM_OK);
	return x;
}

/* Steps of that many seconds; how many there were. */
static unsigned run(struct pm_export *x, double seconds)
{
	bool done = false;
	uint64_t before = 0, now, all;
	unsigned steps = 0;
	for (; !done; steps++) {
		ck_assert_msg(pm_export_step(x, seconds, &done, &e) == PM_OK,
			"%s", e.msg);
		pm_export_progress(x, &now, &all);
		ck_assert_uint_le(before, now);
		ck_assert_uint_le(now, all);
		before = now;
	}
	ck_assert_uint_eq(now, all);
	return steps;
}

/* Reads a file whole, and removes it. */
static char *swallow(const struct world *w, const char *name, size_t *ret_n)
{
	FILE *f = fopen(path_of(w, name), "r");
	char *text = NULL;
	ck_assert_msg(f != NULL, "%s", name);
	*ret_n = 0;
	ck_assert_int_ge(getdelim(&text, ret_n, '\0', f), 0);
	*ret_n = strlen(text);
	fclose(f);
	ck_assert_int_eq(unlink(path_of(w, name)), 0);
	return text;
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *d = json_loads(text, 0, &error);
	ck_assert_msg(d != NULL, "%s", error.text);
	return d;
}

/* ---- heapsnapshot ---- */

static uint64_t number(const json_t *array, size_t i)
{
	const json_t *v = json_array_get(array, i);
	ck_assert(json_is_integer(v));
	return (uint64_t)json_integer_value(v);
}

static const char *text_of(const json_t *d, uint64_t i)
{
	const json_t *strings = json_object_get(d, "strings");
	ck_assert_uint_lt(i, json_array_size(strings));
	return json_string_value(json_array_get(strings, i));
}

/* What every reader of the format relies on. */
static void check_structure(const struct world *w, const json_t *d)
{
	const json_t *head = json_object_get(d, "snapshot");
	const json_t *meta = json_object_get(head, "meta");
	const json_t *nodes = json_object_get(d, "nodes");
	const json_t *edges = json_object_get(d, "edges");
	size_t width = json_array_size(json_object_get(meta, "node_fields"));
	size_t n = json_array_size(nodes) / width, sum = 0, bytes = 0;
	const json_t *types = json_object_get(meta, "node_types");
	ck_assert_uint_eq(json_array_size(types), width);
	size_t ntypes = json_array_size(json_array_get(types, 0));
	ck_assert_uint_eq(json_array_size(nodes), n * width);
	ck_assert_int_eq(
		json_integer_value(json_object_get(head, "node_count")),
		(json_int_t)n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_lt(number(nodes, i * width), ntypes);
		ck_assert_ptr_nonnull(text_of(d, number(nodes, i * width + 1)));
		bytes += number(nodes, i * width + 3);
		sum += number(nodes, i * width + 4);
	}
	ck_assert_uint_eq(json_array_size(edges), 3 * sum);
	ck_assert_int_eq(
		json_integer_value(json_object_get(head, "edge_count")),
		(json_int_t)sum);
	uint64_t all = 0;
	for (uint32_t i = 0; i < w->g->n; i++)
		all += pm_graph_size(w->g, i);
	ck_assert_uint_eq(bytes, all);
	for (size_t i = 0; i < sum; i++) {
		ck_assert_uint_lt(number(edges, 3 * i), 7);
		ck_assert_uint_eq(number(edges, 3 * i + 2) % width, 0);
		ck_assert_uint_lt(number(edges, 3 * i + 2), n * width);
		if (number(edges, 3 * i) != 1)
			text_of(d, number(edges, 3 * i + 1));
	}
}

/* The node behind the i-th edge of another; *ret_edge: that edge. */
static uint64_t follow(
	const json_t *d, uint64_t node, size_t i, size_t *ret_edge)
{
	const json_t *nodes = json_object_get(d, "nodes");
	const json_t *edges = json_object_get(d, "edges");
	size_t before = i;
	for (uint64_t v = 0; v < node; v++)
		before += number(nodes, v * 6 + 4);
	ck_assert_uint_lt(i, number(nodes, node * 6 + 4));
	*ret_edge = 3 * before;
	return number(edges, 3 * before + 2) / 6;
}

/* Names and edges of what was put there. */
static void check_list(const struct world *w, const json_t *d)
{
	const json_t *nodes = json_object_get(d, "nodes");
	const json_t *edges = json_object_get(d, "edges");
	size_t n = json_array_size(nodes) / 6, found = 0, edge;
	for (uint64_t v = 0; v < n; v++) {
		if (strcmp(text_of(d, number(nodes, v * 6 + 1)), "list") != 0 ||
			number(nodes, v * 6 + 4) != ITEMS)
			continue;
		found++;
		ck_assert_uint_eq(number(nodes, v * 6), 3); /* object */
		for (size_t i = 0; i < ITEMS; i++) {
			char value[8];
			uint64_t to = follow(d, v, i, &edge);
			ck_assert_uint_eq(number(edges, edge), 1); /* element */
			ck_assert_uint_eq(number(edges, edge + 1), i);
			ck_assert_uint_eq(number(nodes, to * 6), 7);
			snprintf(value, sizeof value, "%zu", 1000 + i % 7);
			ck_assert_str_eq(
				text_of(d, number(nodes, to * 6 + 1)), value);
		}
	}
	ck_assert_uint_eq(found, 1);
	ck_assert_str_eq(text_of(d, number(nodes, 1)), "");
	ck_assert_str_eq(text_of(d, number(nodes, 6 + 1)), "(GC roots)");
	ck_assert_str_eq(text_of(d, number(nodes, 12 + 1)), "(unreachable)");
	ck_assert_uint_eq(
		number(nodes, 12 + 4), w->g->n - w->g->dominators->reached);
}

static void check_heapsnapshot(struct world *w)
{
	size_t n, again;
	struct pm_export *x = create(w, PM_EXPORT_HEAPSNAPSHOT, "a", 0);
	run(x, 10);
	const struct pm_export_result *r = pm_export_result(x);
	ck_assert_uint_eq(r->objects, w->g->n);
	ck_assert_uint_eq(r->references, w->g->edges);
	ck_assert_uint_eq(r->roots, w->g->roots.len);
	ck_assert_uint_eq(r->left_out + r->nameless, 0);
	ck_assert_uint_eq(r->files.len, 1);
	uint64_t bytes = r->files.data[0].bytes;
	pm_export_destroy(x);
	pm_auto_free char *text = swallow(w, "a", &n);
	ck_assert_uint_eq(bytes, n);
	json_t *d = parse(text);
	check_structure(w, d);
	check_list(w, d);
	json_decref(d);
	/* As short steps as there are: the same. */
	x = create(w, PM_EXPORT_HEAPSNAPSHOT, "b", 0);
	ck_assert_uint_gt(run(x, 0), 10);
	pm_export_destroy(x);
	pm_auto_free char *slow = swallow(w, "b", &again);
	ck_assert_uint_eq(again, n);
	ck_assert_int_eq(memcmp(text, slow, n), 0);
}

/* ---- the others ---- */

static size_t lines(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void check_tables(struct world *w)
{
	size_t n;
	struct pm_export *x = create(w, PM_EXPORT_CSV, "a.csv", 0);
	run(x, 0);
	const struct pm_export_result *r = pm_export_result(x);
	ck_assert_uint_eq(r->files.len, 2);
	ck_assert_uint_eq(r->edges, w->g->edges + w->g->roots.len);
	uint64_t edges = r->edges;
	pm_export_destroy(x);
	pm_auto_free char *nodes = swallow(w, "a-nodes.csv", &n);
	ck_assert_uint_eq(lines(nodes), w->g->n + 1);
	pm_auto_free char *refs = swallow(w, "a-edges.csv", &n);
	ck_assert_uint_eq(lines(refs), edges + 1);
}

static void check_json(struct world *w, size_t top)
{
	size_t n;
	struct pm_export *x = create(w, PM_EXPORT_JSON, "a", top);
	run(x, 0);
	struct pm_export_result r = *pm_export_result(x);
	ck_assert_uint_eq(r.objects + r.left_out, w->g->n);
	pm_export_destroy(x);
	pm_auto_free char *text = swallow(w, "a", &n);
	json_t *d = parse(text);
	ck_assert_uint_eq(
		json_array_size(json_object_get(d, "nodes")), r.objects);
	ck_assert_uint_eq(
		json_array_size(json_object_get(d, "edges")), r.references);
	ck_assert_uint_eq(json_array_size(json_object_get(
				  json_object_get(d, "graph"), "roots")),
		r.roots);
	json_decref(d);
}

static void check_dot(struct world *w)
{
	size_t n;
	struct pm_export *x = create(w, PM_EXPORT_DOT, "a", 3);
	run(x, 0);
	struct pm_export_result r = *pm_export_result(x);
	ck_assert_uint_le(r.objects, 3);
	ck_assert_uint_eq(r.objects + r.left_out, w->g->n);
	pm_export_destroy(x);
	pm_auto_free char *text = swallow(w, "a", &n);
	ck_assert_int_eq(strncmp(text, "digraph ", 8), 0);
	ck_assert_str_eq(text + n - 2, "}\n");
}

static void remove_all(const struct world *w)
{
	const char *const names[] = {"a.csv", "a-nodes.csv", "a-edges.csv"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlink(path_of(w, names[i]));
}

/* Left after so many steps, nothing stays. */
static bool leave_after(
	struct world *w, enum pm_export_kind kind, unsigned steps)
{
	struct pm_export *x = create(w, kind, "a.csv", 0);
	bool done = false;
	for (unsigned i = 0; i < steps && !done; i++)
		ck_assert_int_eq(pm_export_step(x, 0, &done, &e), PM_OK);
	pm_export_destroy(x);
	if (!done)
		ck_assert_uint_eq(count_files(w), 0);
	remove_all(w);
	return done;
}

static void check_interrupted(struct world *w)
{
	for (enum pm_export_kind k = 0; k < PM_EXPORT_KINDS; k++)
		for (unsigned steps = 0; !leave_after(w, k, steps); steps += 3)
			;
}

START_TEST(files_have_their_structure)
{
	unsigned n = 0;
	EACH_PYMALLOC_ROW(row)
	{
		struct world w = {0};
		begin(&w, row);
		check_heapsnapshot(&w);
		check_tables(&w);
		check_json(&w, 0);
		check_json(&w, 3);
		check_dot(&w);
		if (n++ % 8 == 0)
			check_interrupted(&w);
		end(&w);
	}
	ck_assert_uint_gt(n, 5);
}
END_TEST

START_TEST(nothing_is_written_where_nothing_can_be)
{
	struct world w = {0};
	bool done = false;
	begin(&w, pm_rows[0]);
	struct pm_export *x =
		create(&w, PM_EXPORT_HEAPSNAPSHOT, "no/such/folder", 0);
	ck_assert_int_eq(pm_export_step(x, 1, &done, &e), PM_SYSTEM);
	ck_assert(!done);
	pm_export_destroy(x);
	end(&w);
}
END_TEST

/* ---- parts ---- */

START_TEST(strings_are_numbered)
{
	struct pm_out out = {0};
	struct pm_strings *s = NULL;
	uint32_t at = 0;
	static const char odd[] = "\"\\\n\x01\xff\xc3\xa9";
	ck_assert_int_eq(pm_strings_create(&out, &s, &e), PM_OK);
	ck_assert_uint_eq(pm_strings_add(s, "", 0), 0);
	ck_assert_uint_eq(pm_strings_add(s, odd, strlen(odd)), 1);
	ck_assert_uint_eq(pm_strings_add(s, "name", 4), 2);
	ck_assert_uint_eq(pm_strings_add(s, "", 0), 0);
	ck_assert_uint_eq(pm_strings_add(s, odd, strlen(odd)), 1);
	ck_assert(!pm_strings_recall(s, 0x1000, &at));
	pm_strings_remember(s, 0x1000, 2);
	ck_assert(pm_strings_recall(s, 0x1000, &at));
	ck_assert_uint_eq(at, 2);
	/* More than are remembered: each has its number all the same. */
	for (unsigned i = 0; i < 2000000; i++) {
		char text[24];
		int n = snprintf(text, sizeof text, "number %u", i);
		ck_assert_uint_eq(pm_strings_add(s, text, (size_t)n), 3 + i);
	}
	ck_assert_uint_eq(pm_strings_count(s), 2000003);
	pm_auto_strbuf document = {0};
	pm_strbuf_printf(&document, "[%s]", pm_strbuf_text(&out.text));
	json_t *d = parse(pm_strbuf_text(&document));
	ck_assert_uint_eq(json_array_size(d), 2000003);
	ck_assert_str_eq(json_string_value(json_array_get(d, 1)),
		"\"\\\\n\\x01\\xff\xc3\xa9");
	ck_assert_str_eq(json_string_value(json_array_get(d, 1999999 + 3)),
		"number 1999999");
	json_decref(d);
	pm_strings_destroy(s);
	pm_out_deinit(&out);
}
END_TEST

START_TEST(ids_tell_objects_apart)
{
	struct pm_layout l = {.t.word_size = 8,
		.at.type_type.addr = UINT64_C(0x555555a00000)};
	const pm_addr near = UINT64_C(0x555555a00000),
		      far = UINT64_C(0x7ffff5000000);
	const pm_addr all[] = {near - 8, near, near + 512, near + (1u << 31),
		far, far + 8, far - (UINT64_C(1) << 32)};
	size_t n = sizeof all / sizeof *all;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++)
			ck_assert_uint_ne(
				pm_id_of(&l, all[i]), pm_id_of(&l, all[k]));
		for (unsigned k = 0; k < 100; k++)
			ck_assert_uint_ne(
				pm_id_of(&l, all[i]), pm_id_synthetic(&l, k));
	}
	ck_assert_uint_eq(pm_id_doubtful(&l, all, n), 0);
	const pm_addr wide[] = {far, far + 64, far + (UINT64_C(1) << 34)};
	ck_assert_uint_eq(pm_id_doubtful(&l, wide, 3), 1);
	for (unsigned k = 1; k < 100; k++)
		ck_assert_uint_ne(
			pm_id_synthetic(&l, k), pm_id_synthetic(&l, k - 1));
	l.t.word_size = 4;
	ck_assert_uint_eq(pm_id_of(&l, 0xf7001230), 0xf7001230);
	ck_assert_uint_eq(pm_id_synthetic(&l, 3) % 2, 1);
}
END_TEST

UNIT_MAIN("export", files_have_their_structure,
	nothing_is_written_where_nothing_can_be, strings_are_numbered,
	ids_tell_objects_apart)
