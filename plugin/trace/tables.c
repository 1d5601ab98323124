/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/tables.h"

#include "target/memory.h"

#include <inttypes.h>
#include <string.h>

#define MOST_DOMAINS 1024
#define MOST_FRAMES 65535 /* that one traceback may have, since 3.9 */
#define NEAR 4096	  /* bytes between variables of one file */

#define HOW_TO                                                                 \
	"start it with PYTHONTRACEMALLOC=N in its environment, or "            \
	"with python -X tracemalloc=N, or let it call tracemalloc.start(N) "   \
	"(N: frames kept of each traceback)"

void pm_trace_tables_deinit(struct pm_trace_tables *t)
{
	pm_vec_deinit(&t->list);
}

static enum pm_status fail_not_tracing(pm_addr addr, struct pm_error *err)
{
	return pm_fail(err, PM_ABSENT, addr,
		"tracemalloc does not trace in this process: " HOW_TO);
}

static enum pm_status read_word(struct pm_trace_tables *t, pm_addr at,
	uint64_t *ret, struct pm_error *err)
{
	return pm_memory_read_uint(t->m, at, t->l->t.word_size, ret, err);
}

static enum pm_status add(struct pm_trace_tables *t, uint32_t domain,
	pm_addr addr, struct pm_error *err)
{
	struct pm_trace_table one = {.domain = domain};
	PM_TRY(pm_hashtable_load(t->l, t->m, addr, &one.table, err));
	if (one.table.key_size &&
		(one.table.data_size != t->l->f.trace.sizeof_.off ||
			one.table.key_size < t->l->t.word_size))
		return pm_fail(err, PM_CORRUPT, addr,
			"the hash table at 0x%" PRIx64 " holds no traces",
			addr);
	if (!pm_vec_push(&t->list, one))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	t->entries += one.table.nentries;
	return PM_OK;
}

/* Since 3.9: a table of tables. */
static enum pm_status add_domains(
	struct pm_trace_tables *t, pm_addr addr, struct pm_error *err)
{
	const struct pm_layout *l = t->l;
	unsigned word = l->t.word_size;
	struct pm_hashtable domains;
	bool done;
	enum pm_status s = pm_hashtable_load(l, t->m, addr, &domains, err);
	if (s != PM_OK) {
		t->inconsistent++;
		return pm_status_is_fatal(s) ? s : PM_OK;
	}
	pm_auto_hashtable_reader r;
	pm_hashtable_reader_init(&r, l, pm_memory_target(t->m), &domains);
	do {
		PM_TRY(pm_hashtable_read(&r, &done, err));
		for (size_t i = 0; i < r.n; i++) {
			uint64_t domain = pm_load(
				pm_hashtable_key(&r, i), word, l->t.big_endian);
			pm_addr table = pm_load(pm_hashtable_value(&r, i), word,
				l->t.big_endian);
			s = domain && domain <= UINT32_MAX &&
					    t->list.len < MOST_DOMAINS
				    ? add(t, (uint32_t)domain, table, err)
				    : PM_CORRUPT;
			if (pm_status_is_fatal(s))
				return s;
			t->unreadable += s == PM_FAULT;
			t->inconsistent += s != PM_OK && s != PM_FAULT;
		}
	} while (!done);
	t->unreadable += r.unreadable;
	t->inconsistent += r.inconsistent;
	return PM_OK;
}

/* Its struct of settings; *ret_tracing: does it trace? */
static enum pm_status read_config(struct pm_trace_tables *t, pm_addr at,
	bool *ret_tracing, struct pm_error *err)
{
	const struct pm_fields *f = &t->l->f;
	uint64_t tracing, max;
	PM_TRY(pm_layout_read(
		t->l, t->m, at, f->trace_config.tracing, &tracing, err));
	PM_TRY(pm_layout_read(
		t->l, t->m, at, f->trace_config.max_nframe, &max, err));
	*ret_tracing = tracing != 0;
	t->max_nframe = max <= INT32_MAX ? max : 0;
	return PM_OK;
}

static bool read_lock(const struct pm_trace_tables *t, pm_addr state)
{
	struct pm_field lock = t->l->f.tracemalloc.lock;
	uint64_t v = 0;
	/* A PyMutex (3.14): its first bit says that it is taken. */
	return lock.size == 1 &&
	       pm_layout_read(t->l, t->m, state, lock, &v, NULL) == PM_OK &&
	       (v & 1);
}

/* Its state in the runtime, of a target that traces; 0: it does not.  Patches
   and options move it: what is where the layout has it may be something else
   that looks like settings. */
static pm_addr find_state(struct pm_trace_tables *t)
{
	const struct pm_layout *l = t->l;
	const struct pm_fields *f = &l->f;
	pm_addr state = l->at.runtime.addr + f->runtime.tracemalloc.off;
	bool tracing;
	if (pm_trace_is_config(
		    l, t->m, state + f->tracemalloc.config.off, &tracing) &&
		tracing) {
		t->source = (enum pm_source)
				    l->sources[offsetof(struct pm_fields,
						       runtime.tracemalloc) /
					       sizeof(struct pm_field)];
		return state;
	}
	t->source = PM_SOURCE_CALIBRATED;
	return pm_trace_find_state(l, t->m);
}

static enum pm_status open_runtime(
	struct pm_trace_tables *t, struct pm_error *err)
{
	const struct pm_layout *l = t->l;
	const struct pm_fields *f = &l->f;
	uint64_t traces, domains;
	pm_addr state = find_state(t);
	bool tracing;
	if (!state)
		return fail_not_tracing(l->at.runtime.addr, err);
	PM_TRY(read_config(
		t, state + f->tracemalloc.config.off, &tracing, err));
	PM_TRY(pm_layout_read(
		l, t->m, state, f->tracemalloc.traced_memory, &t->traced, err));
	PM_TRY(pm_layout_read(
		l, t->m, state, f->tracemalloc.peak, &t->peak, err));
	t->has_traced = t->has_peak = true;
	t->locked = read_lock(t, state);
	t->place = state + f->tracemalloc.traces.off;
	PM_TRY(read_word(t, t->place, &traces, err));
	PM_TRY(pm_layout_read(
		l, t->m, state, f->tracemalloc.domains, &domains, err));
	PM_TRY(add(t, 0, traces, err));
	return add_domains(t, domains, err);
}

static enum pm_status open_statics(
	struct pm_trace_tables *t, struct pm_error *err)
{
	const struct pm_layout *l = t->l;
	const struct pm_places *at = &l->at;
	struct pm_trace_places places = {
		at->traces.addr, at->trace_domains.addr};
	uint64_t traces = 0, domains = 0;
	bool tracing = true;
	if (at->trace_config.addr)
		PM_TRY(read_config(t, at->trace_config.addr, &tracing, err));
	if (!tracing)
		return fail_not_tracing(at->trace_config.addr, err);
	t->source = at->traces.source;
	if (!places.traces) {
		pm_trace_find_statics(l, t->m, &places);
		t->source = PM_SOURCE_CALIBRATED;
	}
	t->place = places.traces;
	if (places.traces)
		PM_TRY(read_word(t, places.traces, &traces, err));
	if (places.domains)
		PM_TRY(read_word(t, places.domains, &domains, err));
	if (!traces && !at->trace_config.addr)
		return pm_fail(err, PM_ABSENT, 0,
			"no table of traces is found in %s: tracemalloc does "
			"not trace in this process; " HOW_TO,
			l->python ? l->python->path : "the target");
	if (!traces)
		return pm_fail(err, PM_CORRUPT, at->trace_config.addr,
			"tracemalloc traces in this process, but its table is "
			"not found: its symbols are missing, and no table in "
			"the data of %s looks like it",
			l->python ? l->python->path : "the target");
	if (at->traced_memory.addr)
		t->has_traced = read_word(t, at->traced_memory.addr, &t->traced,
					NULL) == PM_OK;
	PM_TRY(add(t, 0, traces, err));
	return domains ? add_domains(t, domains, err) : PM_OK;
}

enum pm_status pm_trace_tables_open(const struct pm_layout *l,
	struct pm_memory *m, struct pm_trace_tables *ret, struct pm_error *err)
{
	pm_auto_trace_tables t = {.l = l, .m = m};
	if (!pm_has(l->f.trace.size) || !pm_has(l->f.trace_config.tracing))
		return pm_fail(err, PM_ABSENT, 0,
			"this release of Python has no tracemalloc (it came "
			"with 3.4)");
	PM_TRY(pm_has(l->f.runtime.tracemalloc) && l->at.runtime.addr
			? open_runtime(&t, err)
			: open_statics(&t, err));
	if (t.max_nframe > MOST_FRAMES)
		t.max_nframe = MOST_FRAMES;
	*ret = t;
	t = (struct pm_trace_tables){0};
	return PM_OK;
}

void pm_trace_tables_confirm(struct pm_trace_tables *t, uint64_t bytes)
{
	unsigned word = t->l->t.word_size;
	uint64_t v;
	if (t->has_traced || !t->place || !bytes)
		return;
	for (uint64_t off = word; off <= NEAR && !t->has_traced; off += word)
		for (int side = 0; side < 2 && !t->has_traced; side++) {
			pm_addr at = side ? t->place + off : t->place - off;
			t->has_traced = read_word(t, at, &v, NULL) == PM_OK &&
					v == bytes;
		}
	t->traced = t->has_traced ? bytes : 0;
}
