/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roots in C code: words in variables, on stacks and in registers, on images of
   every row that has pymalloc. */
#include "graph/build.h"
#include "graph/native-memory.h"
#include "graph/refcheck.h"
#include "graph/root-nodes.h"
#include "graph/roots-native.h"
#include "lib/mini-heap.h"
#include "target/tasks.h"
#include "unit/unit.h"

#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The word of the stack that its pointer leads to. */
#define SP 40

struct world {
	struct mini_heap h;
	struct pm_memory *memory;
	struct pm_heap *heap;
	struct pm_graph *graph;
	pm_addr list;
	pm_addr variable, stack; /* words of C code, 64 of each */
};

static void begin(struct world *w, const struct pm_row *row)
{
	memset(w, 0, sizeof *w);
	mini_heap_init(&w->h, row);
	w->list = mini_new_list(&w->h, NULL, 0);
	unsigned ws = row->traits.word_size;
	w->variable = mini_data(&w->h.m, 64 * ws);
	w->stack = mini_heap(&w->h.m, 64 * ws);
}

static void end(struct world *w)
{
	pm_graph_destroy(w->graph);
	pm_heap_destroy(w->heap);
	pm_memory_destroy(w->memory);
	mini_heap_deinit(&w->h);
}

static void put_word(struct world *w, pm_addr at, unsigned i, pm_addr value)
{
	unsigned ws = w->h.m.l->t.word_size;
	mini_store(&w->h.m, at + (uint64_t)i * ws, ws, value);
}

static void set_count(struct world *w, pm_addr object, uint64_t n)
{
	const struct pm_fields *f = &w->h.m.l->f;
	mini_put(&w->h.m, object, f->object.refcnt, n);
	mini_put(&w->h.m, object, f->object.ref_local, n);
}

static void add_task(struct world *w, uint16_t machine, uint64_t id)
{
	struct pm_task task = {.id = id, .set = pm_register_set(machine)};
	ck_assert_ptr_nonnull(task.set);
	task.registers[task.set->sp] = task.sp =
		w->stack + SP * w->h.m.l->t.word_size;
	ck_assert(pm_vec_push(&w->h.m.t->tasks, task));
	w->h.m.t->has_tasks = true;
}

static void make_graph(struct world *w)
{
	struct pm_error err = {0};
	struct pm_walk *walk = NULL;
	struct pm_graph_build *build = NULL;
	struct pm_root_nodes *roots = NULL;
	bool done = false;
	pm_graph_destroy(pm_take(w->graph));
	pm_heap_destroy(pm_take(w->heap));
	pm_memory_destroy(pm_take(w->memory));
	ck_assert_int_eq(
		pm_memory_create(w->h.m.t, 64, &w->memory, &err), PM_OK);
	ck_assert_int_eq(pm_heap_create(w->h.m.l, w->h.m.t, w->memory,
				 &w->h.m.ms, &w->heap, &err),
		PM_OK);
	ck_assert_int_eq(pm_walk_create(w->heap, 1, &walk, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(pm_walk_step(walk, 0.5, &done, &err), PM_OK);
	pm_walk_destroy(walk);
	ck_assert_int_eq(pm_graph_build_create(w->heap, &build, &err), PM_OK);
	for (done = false; !done;)
		ck_assert_int_eq(
			pm_graph_build_step(build, 0.5, &done, &err), PM_OK);
	w->graph = pm_graph_build_take(build);
	pm_graph_build_destroy(build);
	ck_assert_int_eq(pm_root_nodes_create(w->graph, &roots, &err), PM_OK);
	for (done = false; !done;)
		ck_assert_int_eq(
			pm_root_nodes_step(roots, 0.5, &done, &err), PM_OK);
	pm_root_nodes_destroy(roots);
	ck_assert(w->graph->has_roots);
}

/* The roots of the list that are words of C code, with their names. */
static size_t native_roots(struct world *w, const struct pm_root **ret)
{
	uint32_t node = pm_graph_node(w->graph, w->list);
	const struct pm_graph_root *r = pm_graph_roots_of(w->graph, node);
	const struct pm_graph_root *end =
		w->graph->roots.data + w->graph->roots.len;
	size_t n = 0;
	ck_assert_uint_ne(node, PM_NO_NODE);
	*ret = NULL;
	for (; r && r < end && r->node == node; r++) {
		if (!pm_root_kind_is_native(r->root.kind))
			continue;
		ck_assert(!pm_root_kind_is_precise(r->root.kind));
		ck_assert(!r->root.counted);
		if (!n++)
			*ret = &r->root;
	}
	return n;
}

static const char *name_of(struct world *w, const struct pm_root *root)
{
	static char text[300];
	pm_auto_strbuf b = {0};
	pm_root_name(w->heap, root, false, &b);
	snprintf(text, sizeof text, "%s", pm_strbuf_text(&b));
	return text;
}

static struct pm_refcheck_sums check_counts(struct world *w)
{
	struct pm_error err = {0};
	struct pm_refcheck_job *job = NULL;
	bool done = false;
	const struct pm_type *t;
	ck_assert_int_eq(pm_refcheck_create(w->graph, 10, &job, &err), PM_OK);
	while (!done)
		ck_assert_int_eq(
			pm_refcheck_step(job, 0.5, &done, &err), PM_OK);
	t = pm_graph_type(w->graph, pm_graph_node(w->graph, w->list));
	struct pm_refcheck_sums s = pm_refcheck_result(job)->types[t->id];
	pm_refcheck_destroy(job);
	return s;
}

START_TEST(variables)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		const struct pm_root *root;
		begin(&w, row);
		unsigned ws = row->traits.word_size;
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 0);
		ck_assert_uint_eq(check_counts(&w).surplus, 1);
		/* Of four words the count leaves room for two. */
		set_count(&w, w.list, 2);
		for (unsigned i = 0; i < 4; i++)
			put_word(&w, w.variable, 3 * i, w.list);
		put_word(&w, w.variable, 1, w.list + ws);
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 2);
		ck_assert_int_eq(root->kind, PM_ROOT_GLOBAL);
		ck_assert_uint_eq(root->at, w.variable);
		ck_assert_uint_eq(root->target, w.list);
		ck_assert_int_eq(
			strncmp(name_of(&w, root), "C variable ", 11), 0);
		struct pm_refcheck_sums s = check_counts(&w);
		ck_assert_uint_eq(s.surplus, 0);
		ck_assert_uint_eq(s.by_variables, 1);
		ck_assert_uint_eq(s.exact, s.objects);
		/* One more count than words: one is not explained. */
		set_count(&w, w.list, 5);
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 4);
		s = check_counts(&w);
		ck_assert_uint_eq(s.surplus_counts, 1);
		ck_assert_uint_eq(s.by_variables, 0);
		end(&w);
	}
}
END_TEST

/* What other references explain is borrowed. */
START_TEST(borrowed)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		const struct pm_root *root;
		begin(&w, row);
		(void)mini_new_list(&w.h, &w.list, 1);
		put_word(&w, w.variable, 0, w.list);
		put_word(&w, w.stack, SP + 1, w.list);
		add_task(&w, EM_X86_64, 7);
		w.h.m.t->tasks.data[0].registers[0] = w.list;
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 0);
		ck_assert_uint_eq(check_counts(&w).by_variables, 0);
		/* The interpreter's own words are told as its members. */
		set_count(&w, w.list, 2);
		put_word(&w, w.variable, 0, 0);
		put_word(&w, w.stack, SP + 1, 0);
		w.h.m.t->tasks.len = 0;
		mini_put(&w.h.m, w.h.m.interp, w.h.m.l->f.interp.modules,
			w.list);
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 0);
		ck_assert_int_eq(
			pm_graph_root(w.graph, pm_graph_node(w.graph, w.list))
				->kind,
			PM_ROOT_INTERPRETER);
		end(&w);
	}
}
END_TEST

START_TEST(stacks_and_registers)
{
	static const uint16_t machines[] = {
		EM_X86_64, EM_386, EM_AARCH64, EM_ARM, EM_S390};
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		const struct pm_root *root;
		char should[80];
		begin(&w, row);
		uint16_t machine = machines[row_ % 5];
		const struct pm_register_set *set = pm_register_set(machine);
		unsigned ws = row->traits.word_size;
		add_task(&w, machine, 4711);
		/* Below the stack pointer nothing is alive. */
		put_word(&w, w.stack, SP - 128 / ws - 1, w.list);
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 0);
		put_word(&w, w.stack, SP + 3, w.list);
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 1);
		ck_assert_int_eq(root->kind, PM_ROOT_C_STACK);
		ck_assert_uint_eq(root->native_thread, 4711);
		snprintf(should, sizeof should,
			"C stack of system thread 4711 at sp+%u", 3 * ws);
		ck_assert_str_eq(name_of(&w, root), should);
		/* It is a maybe. */
		ck_assert_uint_eq(check_counts(&w).surplus, 1);
		put_word(&w, w.stack, SP + 3, 0);
		w.h.m.t->tasks.data[0].registers[0] = w.list;
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 1);
		ck_assert_int_eq(root->kind, PM_ROOT_REGISTER);
		snprintf(should, sizeof should,
			"register %s of system thread 4711", set->names[0]);
		ck_assert_str_eq(name_of(&w, root), should);
		/* A variable comes first. */
		put_word(&w, w.variable, 0, w.list);
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 2);
		ck_assert_int_eq(root->kind, PM_ROOT_GLOBAL);
		end(&w);
	}
}
END_TEST

/* A stack pointer that leads nowhere, and one into pymalloc's arena. */
START_TEST(no_stacks)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		const struct pm_root *root;
		begin(&w, row);
		add_task(&w, EM_X86_64, 1);
		make_graph(&w);
		uint64_t before = w.graph->unreadable;
		w.h.m.t->tasks.data[0].sp = 0x10;
		make_graph(&w);
		ck_assert_uint_eq(w.graph->unreadable, before + 1);
		(void)mini_new_list(&w.h, &w.list, 1);
		set_count(&w, w.list, 2);
		w.h.m.t->tasks.data[0].sp = w.h.arena;
		make_graph(&w);
		ck_assert_uint_eq(native_roots(&w, &root), 0);
		end(&w);
	}
}
END_TEST

static void look(struct world *w, pm_addr should)
{
	struct pm_error err = {0};
	struct pm_native_memory *job = NULL;
	pm_auto_strbuf b = {0};
	char text[60];
	bool done = false;
	ck_assert_int_eq(
		pm_native_memory_create(w->heap, &w->list, 1, &job, &err),
		PM_OK);
	while (!done)
		ck_assert_int_eq(
			pm_native_memory_step(job, 0.5, &done, &err), PM_OK);
	bool found = pm_native_memory_describe(job, w->list, &b);
	/* Ranges are searched in this machine's byte order. */
	if (w->h.m.l->t.big_endian != PM_HOST_BIG_ENDIAN)
		should = 0;
	ck_assert_int_eq(found, should != 0);
	snprintf(text, sizeof text, "native memory at 0x%" PRIx64, should);
	if (found)
		ck_assert_str_eq(pm_strbuf_text(&b), text);
	ck_assert(!pm_native_memory_describe(job, w->list + 8, &b));
	pm_native_memory_destroy(job);
}

/* What objects, buffers, variables and stacks hold is none. */
START_TEST(memory_of_malloc)
{
	EACH_PYMALLOC_ROW(row)
	{
		struct world w;
		begin(&w, row);
		unsigned ws = row->traits.word_size;
		pm_addr other = mini_heap(&w.h.m, 4 * ws);
		pm_addr block = mini_block(&w.h, 64);
		(void)mini_new_list(&w.h, &w.list, 1);
		put_word(&w, w.variable, 0, w.list);
		mini_put(&w.h.m, w.h.m.interp, w.h.m.l->f.interp.modules,
			w.list);
		make_graph(&w);
		look(&w, 0);
		put_word(&w, other, 1, w.list);
		put_word(&w, other, 3, w.list);
		make_graph(&w);
		look(&w, other + ws);
		/* A block that is used, and nobody's; then one that is free. */
		put_word(&w, other, 1, 0);
		put_word(&w, other, 3, 0);
		put_word(&w, block, 3, w.list);
		make_graph(&w);
		look(&w, block + 3 * ws);
		mini_free(&w.h, block);
		put_word(&w, block, 3, w.list);
		make_graph(&w);
		look(&w, 0);
		end(&w);
	}
}
END_TEST

START_TEST(registers_of_notes)
{
	unsigned char bytes[34 * 8] = {0};
	struct pm_task task = {0};
	const struct pm_register_set *set = pm_register_set(EM_S390);
	bytes[17 * 8 + 7] = 0x42;
	ck_assert(!pm_task_take_registers(set, true, bytes, 18 * 8 - 1, &task));
	ck_assert_ptr_null(task.set);
	ck_assert(pm_task_take_registers(set, true, bytes, 18 * 8, &task));
	ck_assert_uint_eq(task.sp, 0x42);
	ck_assert_ptr_null(pm_register_set(EM_NONE));
}
END_TEST

UNIT_MAIN("native", variables, borrowed, stacks_and_registers, no_stacks,
	memory_of_malloc, registers_of_notes)
