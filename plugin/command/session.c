/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/session.h"
#include "command/fingerprint.h"
#include "report/emit.h"
#include "target/native.h"

#include <string.h>

#define DEFAULT_REPR_LIMIT 80

void pm_session_init(struct pm_session *s)
{
	*s = (struct pm_session){
		.fast_reads = true,
		.use_debug_info = true,
		.repr_limit = DEFAULT_REPR_LIMIT,
		.interpreter = -1,
	};
}

void pm_session_drop_heap(struct pm_session *s)
{
	if (s->graph && s->graph_destroy)
		s->graph_destroy(s->graph);
	s->graph = NULL;
	if (s->heap && s->heap_destroy)
		s->heap_destroy(s->heap);
	s->heap = NULL;
	free(s->alone);
	s->alone = NULL;
}

void pm_session_reset(struct pm_session *s)
{
	pm_session_drop_heap(s);
	if (s->malloc && s->malloc_destroy)
		s->malloc_destroy(s->malloc);
	s->malloc = NULL;
	pm_layout_destroy(s->layout);
	s->layout = NULL;
	pm_modules_deinit(&s->modules);
	s->modules = (struct pm_modules){0};
	pm_memory_destroy(s->memory);
	s->memory = NULL;
	pm_target_destroy(s->target);
	s->target = NULL;
	s->reader = NULL;
	s->distrust[0] = '\0';
	memset(s->witnesses, 0, sizeof s->witnesses);
	free(s->fingerprint);
	s->fingerprint = NULL;
}

void pm_session_deinit(struct pm_session *s)
{
	pm_session_reset(s);
	if (s->mark && s->mark_destroy)
		s->mark_destroy(s->mark);
	s->mark = NULL;
}

enum pm_status pm_session_sync(struct pm_session *s,
	const struct pm_host_facts *facts, struct pm_error *err)
{
	pm_auto_free char *now = NULL;
	PM_TRY(pm_fingerprint(facts, &now, err));
	bool moved = facts->kind == PM_TARGET_REMOTE && !facts->same_stop;
	/* NULL: nothing tells this stop from the next one. */
	if (moved || !now || !s->fingerprint || strcmp(now, s->fingerprint)) {
		pm_session_reset(s);
		s->fingerprint = pm_take(now);
	}
	s->facts = *facts;
	return PM_OK;
}

/* ---- the reader ---- */

static void distrust(struct pm_session *s, const char *why)
{
	snprintf(s->distrust, sizeof s->distrust, "%s", why);
}

/* The stack, the code, and writable memory spread over the mappings: what a
   wrong process or a wrong file would not have by chance. */
static void pick_witnesses(struct pm_session *s)
{
	struct pm_witness *w = s->witnesses;
	size_t n = 0, writable = 0, seen = 0;
	memset(w, 0, sizeof s->witnesses);
	/* Of a stack that is not in the core GDB says that it is zero. */
	const struct pm_mapping *stack =
		pm_target_find_map(s->target, s->facts.sp);
	if (s->facts.sp && !(stack && (stack->flags & PM_MAP_ABSENT)))
		w[n++].addr = s->facts.sp & ~(pm_addr)7;
	if (s->facts.pc)
		w[n++].addr = s->facts.pc & ~(pm_addr)7;
	const unsigned want = PM_MAP_READ | PM_MAP_WRITE;
	/* Others may write to shared memory meanwhile. */
	const unsigned unwanted =
		PM_MAP_ABSENT | PM_MAP_SPECIAL | PM_MAP_SHARED;
	pm_vec_each (m, &s->target->maps)
		writable += (m->flags & (want | unwanted)) == want;
	size_t step = writable / (PM_WITNESSES - n) + 1;
	pm_vec_each (m, &s->target->maps) {
		if ((m->flags & (want | unwanted)) != want)
			continue;
		if (seen++ % step == 0 && n < PM_WITNESSES)
			w[n++].addr = (m->start + (m->end - m->start) / 2) &
				      ~(pm_addr)7;
	}
}

enum pm_status pm_session_open(struct pm_session *s, struct pm_error *err)
{
	if (s->target)
		return PM_OK;
	if (!s->fast_reads) {
		distrust(s, "fast reads are off (py-set fast-reads on)");
		return PM_OK;
	}
	const struct pm_host_facts *f = &s->facts;
	struct pm_error why = {0};
	enum pm_status st;
	switch (f->kind) {
	case PM_TARGET_LIVE:
		st = pm_native_open_process(f->pid, &s->target, &why);
		break;
	case PM_TARGET_CORE:
		st = pm_native_open_core_with(
			f->core_path, f->sysroot, f->files, &s->target, &why);
		break;
	case PM_TARGET_REMOTE:
	case PM_TARGET_IMAGE:
	default:
		distrust(s, "only the debugger can read this target");
		return PM_OK;
	}
	if (st == PM_NOMEM)
		return pm_fail(err, st, 0, "%s", why.msg);
	if (st != PM_OK) {
		s->target = NULL;
		s->reader = NULL;
		distrust(s, why.msg);
		return PM_OK;
	}
	s->reader = s->target->reader;
	pick_witnesses(s);
	return PM_OK;
}

/* A core without any of it (coredump_filter): what GDB shows there is what the
   files had at first. */
static bool has_written(const struct pm_target *t)
{
	pm_vec_each (m, &t->maps)
		if ((m->flags & PM_MAP_WRITE) && !(m->flags & PM_MAP_ABSENT))
			return true;
	return t->kind != PM_TARGET_CORE;
}

void pm_session_judge(struct pm_session *s)
{
	/* One in use was judged before, or is the debugger's own. */
	if (!s->target || s->memory)
		return;
	size_t answered = 0;
	for (size_t i = 0; i < PM_WITNESSES; i++) {
		const struct pm_witness *w = &s->witnesses[i];
		if (!w->answered)
			continue;
		answered++;
		unsigned char bytes[8];
		size_t got = pm_target_read_some(
			s->target, w->addr, bytes, sizeof bytes);
		if (got == sizeof bytes &&
			pm_load(bytes, sizeof bytes, s->target->big_endian) ==
				w->value)
			continue;
		snprintf(s->distrust, sizeof s->distrust,
			"%s and the debugger disagree at 0x%llx", s->reader,
			(unsigned long long)w->addr);
		break;
	}
	if (!answered && has_written(s->target))
		distrust(s, "the debugger can read none of the words that the "
			    "fast reader was to be compared at");
	if (!s->distrust[0])
		return;
	pm_target_destroy(s->target);
	s->target = NULL;
	s->reader = NULL;
}

static enum pm_status open_host(struct pm_session *s, struct pm_error *err)
{
	if (!s->host_target)
		return pm_fail(err, PM_ABSENT, 0,
			"no reader for the target%s%s",
			*s->distrust ? ": " : "", s->distrust);
	struct pm_target *t = s->host_target(s->host, err);
	if (!t)
		return err ? err->status : PM_SYSTEM;
	s->target = t;
	s->reader = "GDB";
	return PM_OK;
}

static enum pm_status ensure(struct pm_session *s, struct pm_error *err)
{
	if (!s->target && !s->host_target)
		PM_TRY(pm_session_open(s, err));
	if (!s->target)
		PM_TRY(open_host(s, err));
	if (!s->memory)
		PM_TRY(pm_memory_create(s->target, 0, &s->memory, err));
	if (s->layout)
		return PM_OK;
	/* Again from the start when an earlier attempt failed. */
	pm_modules_deinit(&s->modules);
	s->modules = (struct pm_modules){0};
	PM_TRY(pm_modules_load(s->memory, &s->modules, err));
	struct pm_debug_info none = {0};
	return pm_layout_create_until(s->memory, &s->modules,
		s->use_debug_info ? &s->debug_info : &none, s->newest_row,
		&s->layout, err);
}

enum pm_status pm_session_ensure(struct pm_session *s, struct pm_error *err)
{
	enum pm_status st = ensure(s, err);
	if (st != PM_OK && s->target && s->target->truncated)
		pm_error_context(err, "the core file is truncated");
	else if (st != PM_OK && s->target && !has_written(s->target))
		pm_error_context(err,
			"nothing that the program wrote is in the core "
			"(coredump_filter in core(5))");
	return st;
}

/* ---- what is shown of it ---- */

void pm_session_version(const struct pm_session *s, struct pm_strbuf *b)
{
	const struct pm_layout *l = s->layout;
	unsigned v = l->hexversion;
	pm_strbuf_printf(b, "%u.%u", v >> 24, v >> 16 & 0xff);
	if (!l->version_exact) {
		pm_strbuf_puts(b, ".x");
		return;
	}
	pm_strbuf_printf(b, ".%u", v >> 8 & 0xff);
	static const char *const levels[] = {"a", "b", "rc"};
	unsigned level = v >> 4 & 0xf;
	if (level >= 0xa && level <= 0xc)
		pm_strbuf_printf(b, "%s%u", levels[level - 0xa], v & 0xf);
}

void pm_session_layout_source(const struct pm_session *s, struct pm_strbuf *b)
{
	static const enum pm_source best_first[] = {
		PM_SOURCE_DEBUG_INFO,
		PM_SOURCE_DEBUG_OFFSETS,
		PM_SOURCE_CALIBRATED,
		PM_SOURCE_TABLE,
		PM_SOURCE_NEIGHBOURS,
		PM_SOURCE_KIN,
	};
	size_t start = b->len;
	for (size_t k = 0; k < sizeof best_first / sizeof *best_first; k++) {
		bool used = false;
		for (size_t i = 0; i < PM_FIELD_COUNT && !used; i++)
			used = s->layout->sources[i] == best_first[k];
		if (used)
			pm_strbuf_printf(b, "%s%s", b->len > start ? " + " : "",
				pm_source_text(best_first[k]));
	}
}

static void announcement(
	const struct pm_session *s, char ret[sizeof s->announced])
{
	snprintf(ret, sizeof s->announced, "%llu %s",
		(unsigned long long)s->facts.inferior, s->target->name);
}

void pm_session_announced(struct pm_session *s)
{
	announcement(s, s->announced);
}

void pm_session_announce(const struct pm_session *s, struct pm_strbuf *b)
{
	char total[16], now[sizeof s->announced];
	const struct pm_target *t = s->target;
	announcement(s, now);
	if (!strcmp(now, s->announced)) {
		/* Whatever is not in there can be missing from any answer. */
		if (t->truncated)
			pm_strbuf_puts(b, "TRUNCATED core");
		return;
	}
	if (s->announced[0])
		pm_strbuf_printf(b, "inferior %llu: ",
			(unsigned long long)s->facts.inferior);
	pm_strbuf_escaped(b, t->name, strlen(t->name));
	pm_strbuf_puts(b, ": CPython ");
	pm_session_version(s, b);
	if (s->layout->debug)
		pm_strbuf_puts(b, " debug");
	if (s->layout->free_threaded)
		pm_strbuf_puts(b, " free-threaded");
	pm_strbuf_puts(b, ", layout from ");
	pm_session_layout_source(s, b);
	if (t->bytes_total) {
		double share = 100.0 * (double)t->bytes_readable /
			       (double)t->bytes_total;
		pm_strbuf_printf(b, ", %.4g%% of %s readable by %s",
			t->bytes_readable == t->bytes_total ? 100.0
			: share > 99.99			    ? 99.99
							    : share,
			pm_human_size(t->bytes_total, total), s->reader);
	} else {
		pm_strbuf_printf(b, ", read by %s", s->reader);
	}
	if (t->truncated)
		pm_strbuf_puts(b, ", TRUNCATED core");
}
