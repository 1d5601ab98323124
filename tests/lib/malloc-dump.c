/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints what a walk of the C library's malloc finds in a process or core, as
   JSON, and the chunk at each address given.

     malloc-dump PID|CORE [ADDR ...] */
#include "base/clock.h"
#include "malloc/malloc.h"
#include "malloc/shapes.h"
#include "target/native.h"

#include <inttypes.h>

#define SLICE 0.08

static void put_bins(
	const char *name, const struct pm_malloc_bin *bins, unsigned n)
{
	const char *comma = "";
	printf(", \"%s\": [", name);
	for (unsigned i = 0; i < n; i++)
		if (bins[i].count) {
			printf("%s[%u, %" PRIu64 ", %" PRIu64 ", %" PRIu64
			       ", %" PRIu64 "]",
				comma, i, bins[i].from, bins[i].to,
				bins[i].total, bins[i].count);
			comma = ", ";
		}
	printf("]");
}

static void put_arenas(const struct pm_malloc *m)
{
	const char *comma = "";
	printf("\"arenas\": [");
	pm_vec_each (a, &m->arenas) {
		printf("%s{\"addr\": %" PRIu64 ", \"top\": %" PRIu64
		       ", \"top_bytes\": %" PRIu64 ", \"system\": %" PRIu64
		       ", \"max\": %" PRIu64 ", \"threads\": %" PRIu64
		       ", \"heaps\": %" PRIu64 ", \"heap_bytes\": %" PRIu64
		       ", \"writable\": %" PRIu64
		       ", \"contiguous\": %d, \"locked\": %d",
			comma, a->addr, a->top, a->top_bytes, a->system,
			a->max_system, a->threads, a->heaps, a->heap_bytes,
			a->writable_bytes, a->contiguous, a->locked);
		put_bins("fast", a->fast, PM_MALLOC_FASTBINS);
		put_bins("bins", a->bins, PM_MALLOC_BINS);
		printf("}");
		comma = ", ";
	}
	printf("]");
}

static void put_totals(const struct pm_malloc *m)
{
	struct pm_malloc_info i;
	pm_malloc_info(m, &i);
	printf(", \"mallinfo\": [%" PRIu64 ", %" PRIu64 ", %" PRIu64
	       ", %" PRIu64 ", %" PRIu64 ", 0, %" PRIu64 ", %" PRIu64
	       ", %" PRIu64 ", %" PRIu64 "]",
		i.arena, i.ordblks, i.smblks, i.hblks, i.hblkhd, i.fsmblks,
		i.uordblks, i.fordblks, i.keepcost);
	printf(", \"states\": {");
	for (unsigned s = 0; s <= PM_CHUNK_RESERVED; s++)
		printf("%s\"%s\": [%" PRIu64 ", %" PRIu64 "]", s ? ", " : "",
			pm_malloc_state_text((enum pm_chunk_state)s),
			m->count[s], m->bytes[s]);
	printf("}, \"mapped\": [%" PRIu64 ", %" PRIu64 "]", m->mapped_count,
		m->mapped_bytes);
	printf(", \"caches\": %" PRIu64 ", \"unlisted\": %" PRIu64
	       ", \"broken\": %" PRIu64 ", \"torn\": %" PRIu64
	       ", \"sound\": %d",
		m->caches, m->unlisted, m->broken_links, m->torn,
		pm_malloc_is_sound(m));
	printf(", \"settings\": {\"found\": %d, \"trim_threshold\": %" PRIu64
	       ", \"mmap_threshold\": %" PRIu64 ", \"arena_max\": %" PRIu64
	       ", \"sbrk_base\": %" PRIu64 "}",
		m->settings.addr != 0, m->settings.trim_threshold,
		m->settings.mmap_threshold, m->settings.arena_max,
		m->settings.sbrk_base);
}

static void put_chunks(const struct pm_malloc *m, char **words, int n)
{
	printf(", \"chunks\": [");
	for (int i = 0; i < n; i++) {
		struct pm_malloc_chunk c;
		printf("%s", i ? ", " : "");
		if (pm_malloc_find(m, strtoull(words[i], NULL, 0), &c))
			printf("[%" PRIu64 ", %" PRIu64 ", \"%s\", %d]", c.addr,
				c.bytes, pm_malloc_state_text(c.state),
				c.mapped);
		else
			printf("null");
	}
	printf("]");
}

static enum pm_status dump(char **words, int n, struct pm_error *err)
{
	pm_auto_target t = NULL;
	pm_auto_memory mem = NULL;
	pm_auto_malloc m = NULL;
	struct pm_modules ms = {0};
	struct pm_malloc_walk *w;
	char *end, other[256];
	bool done = false;
	long pid = strtol(words[0], &end, 10);
	if (*end)
		PM_TRY(pm_native_open_core(words[0], NULL, &t, err));
	else
		PM_TRY(pm_native_open_process((int)pid, &t, err));
	PM_TRY(pm_memory_create(t, 0, &mem, err));
	PM_TRY(pm_modules_load(mem, &ms, err));
	const char *name = pm_malloc_other(&ms, other, sizeof other);
	double from = pm_now(), longest = 0;
	printf("{\"other\": ");
	printf(name ? "\"%s\", " : "null, ", name);
	enum pm_status status = pm_malloc_create(mem, &ms, &m, err);
	if (status != PM_OK) {
		printf("\"error\": \"%s\"}\n", err->msg);
		pm_modules_deinit(&ms);
		return PM_OK;
	}
	PM_TRY(pm_malloc_walk_create(m, &w, err));
	while (!done) {
		double begin = pm_now();
		PM_TRY(pm_malloc_walk_step(w, SLICE, &done, err));
		if (pm_now() - begin > longest)
			longest = pm_now() - begin;
	}
	pm_malloc_walk_destroy(w);
	printf("\"seconds\": %.6f, \"longest\": %.6f, \"like\": \"%s\", ",
		pm_now() - from, longest, m->shape->releases);
	put_arenas(m);
	put_totals(m);
	put_chunks(m, words + 1, n - 1);
	printf("}\n");
	pm_modules_deinit(&ms);
	return PM_OK;
}

int main(int argc, char **argv)
{
	struct pm_error err;
	if (argc < 2) {
		fputs("usage: malloc-dump PID|CORE [ADDR ...]\n", stderr);
		return 2;
	}
	enum pm_status status = dump(argv + 1, argc - 1, &err);
	if (status != PM_OK)
		fprintf(stderr, "malloc-dump: %s: %s\n", pm_status_text(status),
			err.msg);
	return status != PM_OK;
}
