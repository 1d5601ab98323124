/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints what pm_layout_create finds in a process or core, every fact with
   its source, one per line, words first:

     version HEX exact|inexact SOURCE
     row NAME
     flavour [debug] [free-threaded]
     field STRUCT.FIELD OFF SIZE BIT BITS SOURCE
     place NAME ADDR SOURCE
     warning TEXT

   --answers FILE plays the debugger: lines "value<TAB>question".  The others
   withhold a source. */
#include "layout/build.h"
#include "target/native.h"

#include <getopt.h>
#include <string.h>

/* ---- a debugger that was asked before ---- */

struct answer {
	char *question;
	uint64_t value;
};

struct answers {
	PM_VEC(struct answer) list;
};

static void answers_deinit(struct answers *a)
{
	pm_vec_each (one, &a->list)
		free(one->question);
	pm_vec_deinit(&a->list);
}

static bool lookup(void *arg, const char *expression, uint64_t *ret)
{
	struct answers *a = arg;
	pm_vec_each (one, &a->list)
		if (strcmp(one->question, expression) == 0) {
			*ret = one->value;
			return true;
		}
	return false;
}

static bool read_answers(const char *path, struct answers *ret)
{
	pm_auto_file FILE *f = fopen(path, "r");
	char line[1024];
	if (!f)
		return false;
	while (fgets(line, sizeof line, f)) {
		char *tab = strchr(line, '\t');
		if (!tab)
			continue;
		tab[1 + strcspn(tab + 1, "\n")] = '\0';
		struct answer one = {strdup(tab + 1), strtoull(line, NULL, 0)};
		if (!one.question || !pm_vec_push(&ret->list, one))
			return false;
	}
	return true;
}

/* ---- a target without its _Py_DebugOffsets ---- */

struct masked {
	struct pm_target t;
	struct pm_target *below;
};

static size_t masked_read(
	struct pm_target *t, pm_addr addr, void *buf, size_t len)
{
	struct masked *self = (struct masked *)t;
	size_t got = pm_target_read_some(self->below, addr, buf, len);
	char *at = buf, *end = at + got;
	while ((at = memmem(at, (size_t)(end - at), "xdebugpy", 8)))
		memset(at, 0, 8);
	return got;
}

static const struct pm_target_ops masked_ops = {.read = masked_read};

/* ---- output ---- */

static void print_layout(const struct pm_layout *l)
{
	const char *of, *name;
	const struct pm_field *f;
	enum pm_source source;
	printf("version 0x%08x %s %s\n", l->hexversion,
		l->version_exact ? "exact" : "inexact",
		pm_source_text(l->version_source));
	printf("row %s\n", l->row->name);
	printf("flavour%s%s\n", l->debug ? " debug" : "",
		l->free_threaded ? " free-threaded" : "");
	for (size_t i = 0; pm_layout_field(l, i, &of, &name, &f, &source); i++)
		if (pm_has(*f))
			printf("field %s.%s %u %u %u %u %s\n", of, name, f->off,
				f->size, f->bit, f->bits,
				pm_source_text(source));
#define X(name, text)                                                          \
	printf("place " #name " 0x%llx %s\n",                                  \
		(unsigned long long)l->at.name.addr,                           \
		pm_source_text(l->at.name.source));
	PM_PLACES(X)
#undef X
	for (size_t i = 0; i < l->warnings.len; i++)
		printf("warning %s\n", l->warnings.data[i]);
}

static int fail(const struct pm_error *err)
{
	fprintf(stderr, "layout-dump: %s: %s\n", pm_status_text(err->status),
		err->msg);
	return 1;
}

/* Rows whose movable parts are elsewhere: only calibration can be right.  A
   _PyRuntime that begins with _Py_DebugOffsets is found by these; without them
   what leads to it stays. */
static const struct pm_row *scrambled(const struct pm_row *row, bool found)
{
	struct pm_row *r = malloc(sizeof *r);
	if (!r)
		return NULL;
	*r = *row;
	struct pm_fields *f = &r->fields;
	unsigned word = r->traits.word_size;
	bool mimalloc = r->traits.obmalloc_home == PM_OBMALLOC_MIMALLOC;
	struct pm_field *const moved[] = {&f->interp.interned_strings,
		&f->interp.types, &f->interp.freelists,
		&f->thread_impl.freelists,
		mimalloc ? NULL : &f->interp.obmalloc};
	for (size_t i = 0; i < sizeof moved / sizeof *moved; i++)
		if (moved[i] && pm_has(*moved[i]))
			moved[i]->off -= 8 * word;
	struct pm_field *list = &f->freelists.sizeof_ + 1;
	struct pm_field *end = (struct pm_field *)(void *)(&f->freelists + 1);
	for (; list < end && !pm_has(f->interp.freelists) &&
		!pm_has(f->thread_impl.freelists) && !mimalloc;
		list++)
		if (pm_has(*list))
			list->off -= 8 * word;
	if (r->traits.gc_home == PM_GC_IN_INTERP)
		f->interp.gc.off += word;
	else if (r->traits.gc_home == PM_GC_IN_RUNTIME)
		f->runtime.gc.off += word;
	if (found && pm_has(f->runtime.interpreters_main)) {
		f->runtime.interpreters_head.off += 2 * word;
		f->runtime.interpreters_main.off += 2 * word;
		f->interp.threads_head.off += 2 * word;
	}
	return r;
}

struct choices {
	bool symbols, debug_offsets, table;
	const char *answers;
};

static int dump(struct pm_target *t, const struct choices *use)
{
	struct pm_error err;
	struct masked masked = {
		{.ops = &masked_ops, .kind = t->kind, .maps = {0}}, t};
	pm_auto_memory m = NULL;
	pm_auto_layout l = NULL;
	PM_CLEANUP(pm_modules_deinit) struct pm_modules ms = {0};
	PM_CLEANUP(answers_deinit) struct answers answers = {0};
	struct pm_debug_info info = {use->answers != NULL, lookup, &answers};
	const struct pm_row *rows[128] = {NULL};
	memcpy(&masked.t.maps, &t->maps, sizeof t->maps);
	if (use->answers && !read_answers(use->answers, &answers))
		return perror(use->answers), 1;
	for (size_t i = 0; i + 1 < 128 && pm_rows[i]; i++)
		rows[i] = use->table ? pm_rows[i]
				     : scrambled(pm_rows[i],
					       use->symbols ||
						       use->debug_offsets ||
						       !pm_rows[i]->slots);
	if (pm_memory_create(use->debug_offsets ? t : &masked.t, 0, &m, &err) !=
			PM_OK ||
		pm_modules_load(m, &ms, &err) != PM_OK)
		return fail(&err);
	struct pm_modules seen = ms;
	PM_VEC(struct pm_module) bare = {0};
	if (!use->symbols) {
		pm_vec_each (module, &ms.list) {
			struct pm_module one = *module;
			one.symbols = NULL;
			if (!pm_vec_push(&bare, one))
				return 1;
		}
		memcpy(&seen.list, &bare, sizeof bare);
	}
	enum pm_status s = pm_layout_create_by(m, &seen, &info, rows, &l, &err);
	if (s == PM_OK)
		print_layout(l);
	pm_vec_deinit(&bare);
	for (size_t i = 0; rows[i] && !use->table; i++)
		free((void *)(uintptr_t)rows[i]);
	return s == PM_OK ? 0 : fail(&err);
}

static const struct option options[] = {
	{"answers", required_argument, NULL, 'a'},
	{"no-symbols", no_argument, NULL, 's'},
	{"no-debug-offsets", no_argument, NULL, 'o'},
	{"no-table", no_argument, NULL, 't'},
	{"questions", no_argument, NULL, 'q'},
	{0},
};

int main(int argc, char **argv)
{
	struct choices use = {true, true, true, NULL};
	int c;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'a':
			use.answers = optarg;
			break;
		case 's':
			use.symbols = false;
			break;
		case 'o':
			use.debug_offsets = false;
			break;
		case 't':
			use.table = false;
			break;
		case 'q':
			for (size_t i = 0; pm_layout_question(i); i++)
				puts(pm_layout_question(i));
			return 0;
		default:
			return 2;
		}
	if (optind + 1 != argc) {
		fputs("usage: layout-dump [--answers FILE] [--no-symbols] "
		      "[--no-debug-offsets] [--no-table] PID|CORE\n",
			stderr);
		return 2;
	}
	char *end;
	long pid = strtol(argv[optind], &end, 10);
	struct pm_error err;
	pm_auto_target t = NULL;
	enum pm_status s =
		*end ? pm_native_open_core(argv[optind], NULL, &t, &err)
		     : pm_native_open_process((int)pid, &t, &err);
	return s == PM_OK ? dump(t, &use) : fail(&err);
}
