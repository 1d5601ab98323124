/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/mini-traces.h"

#include <string.h>

#define BUCKETS 64

bool mini_traces_may_be(const struct pm_row *row)
{
	return pm_has(row->fields.trace.size);
}

static pm_addr get(struct mini *m, pm_addr at, struct pm_field f)
{
	return mini_load(m, at + f.off, f.size);
}

static pm_addr make_table(struct mini_traces *t)
{
	struct mini *m = t->m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr at = mini_heap(m, f->hashtable.sizeof_.off);
	mini_put(m, at, f->hashtable.nbuckets, BUCKETS);
	mini_put(m, at, f->hashtable.buckets, mini_heap(m, BUCKETS * ws));
	mini_put(m, at, f->hashtable.key_size,
		t->keyed ? f->trace_key.sizeof_.off : ws);
	mini_put(m, at, f->hashtable.data_size, f->trace.sizeof_.off);
	return at;
}

/* A new first entry of its bucket. */
static pm_addr make_entry(
	struct mini *m, pm_addr table, uint64_t hash, size_t more)
{
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr at = mini_heap(m, f->hashtable_entry.sizeof_.off + more);
	pm_addr bucket = get(m, table, f->hashtable.buckets) +
			 (hash & (BUCKETS - 1)) * ws;
	mini_put(m, at, f->hashtable_entry.next, mini_load(m, bucket, ws));
	mini_put(m, at, f->hashtable_entry.hash, hash);
	mini_store(m, bucket, ws, at);
	mini_put(m, table, f->hashtable.nentries,
		get(m, table, f->hashtable.nentries) + 1);
	return at;
}

static void place_in_runtime(struct mini_traces *t)
{
	struct mini *m = t->m;
	const struct pm_fields *f = &m->l->f;
	pm_addr state = m->runtime + f->runtime.tracemalloc.off;
	t->config = state + f->tracemalloc.config.off;
	t->traces = state + f->tracemalloc.traces.off;
	t->domains = state + f->tracemalloc.domains.off;
	t->traced = state + f->tracemalloc.traced_memory.off;
}

static void place_in_data(struct mini_traces *t)
{
	struct mini *m = t->m;
	unsigned ws = m->l->t.word_size;
	pm_addr at = mini_data(m, 64 + 3 * ws);
	t->traced = at;
	t->traces = at + ws;
	t->domains = m->l->f.trace_key.sizeof_.off ? 0 : at + 2 * ws;
	t->config = at + 3 * ws;
	m->l->at.trace_config.addr = t->config;
	m->l->at.traces.addr = t->traces;
	m->l->at.trace_domains.addr = t->domains;
	m->l->at.traced_memory.addr = t->traced;
}

void mini_traces_init(
	struct mini_traces *t, struct mini *m, uint32_t frames, bool domains)
{
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	*t = (struct mini_traces){.m = m};
	if (pm_has(f->runtime.tracemalloc))
		place_in_runtime(t);
	else
		place_in_data(t);
	t->keyed = domains && pm_has(f->trace_key.domain);
	mini_put(m, t->config, f->trace_config.initialized, 1);
	mini_put(m, t->config, f->trace_config.tracing, 1);
	mini_put(m, t->config, f->trace_config.max_nframe, frames);
	mini_put(m, t->config, f->trace_config.use_domain, t->keyed);
	t->tables[t->ntables++] = make_table(t);
	mini_store(m, t->traces, ws, t->tables[0]);
	if (t->domains)
		mini_store(m, t->domains, ws, make_table(t));
}

pm_addr mini_stack(struct mini_traces *t, const char *const *files,
	const uint32_t *lines, uint32_t n, bool of_c)
{
	struct mini *m = t->m;
	const struct pm_fields *f = &m->l->f;
	uint32_t size = f->trace_frame.sizeof_.off;
	pm_addr at = mini_heap(m, f->trace_stack.frames.off + (n + 1) * size);
	mini_put(m, at, f->trace_stack.nframe, n);
	mini_put(m, at, f->trace_stack.total_nframe, n + 1);
	for (uint32_t i = 0; i < n; i++) {
		pm_addr frame = at + f->trace_stack.frames.off + i * size;
		size_t len = strlen(files[i]) + 1;
		pm_addr name =
			of_c ? mini_heap(m, len + 32) : mini_str(m, files[i]);
		if (of_c)
			memcpy(pm_image_at(m->t, name, len), files[i], len);
		mini_put(m, frame, f->trace_frame.filename, name);
		mini_put(m, frame, f->trace_frame.lineno, lines[i]);
	}
	return at;
}

static pm_addr table_of(struct mini_traces *t, uint32_t domain)
{
	struct mini *m = t->m;
	unsigned ws = m->l->t.word_size;
	for (unsigned i = 0; i < t->ntables; i++)
		if (t->numbers[i] == domain || t->keyed)
			return t->tables[i];
	pm_addr entry = make_entry(m, mini_load(m, t->domains, ws), domain, 0);
	pm_addr table = make_table(t);
	mini_put(m, entry, m->l->f.hashtable_entry.key, domain);
	mini_put(m, entry, m->l->f.hashtable_entry.value, table);
	t->numbers[t->ntables] = domain;
	t->tables[t->ntables++] = table;
	return table;
}

pm_addr mini_trace(struct mini_traces *t, uint32_t domain, pm_addr block,
	uint64_t size, pm_addr stack)
{
	struct mini *m = t->m;
	const struct pm_fields *f = &m->l->f;
	unsigned ws = m->l->t.word_size;
	pm_addr table = table_of(t, domain);
	bool inner = pm_has(f->hashtable.key_size);
	uint64_t key_size = inner ? get(m, table, f->hashtable.key_size) : 0;
	pm_addr entry = make_entry(m, table, block >> 4,
		inner ? key_size + f->trace.sizeof_.off : 0);
	pm_addr trace;
	if (inner) {
		pm_addr key = entry + f->hashtable_entry.sizeof_.off;
		trace = key + key_size;
		mini_store(m, key, ws, block);
		if (t->keyed)
			mini_put(m, key, f->trace_key.domain, domain);
	} else {
		trace = mini_heap(m, f->trace.sizeof_.off);
		mini_put(m, entry, f->hashtable_entry.key, block);
		mini_put(m, entry, f->hashtable_entry.value, trace);
	}
	mini_put(m, trace, f->trace.size, size);
	mini_put(m, trace, f->trace.traceback, stack);
	t->bytes += size;
	t->count++;
	mini_store(m, t->traced, ws, t->bytes);
	if (pm_has(f->tracemalloc.peak) && pm_has(f->runtime.tracemalloc))
		mini_put(m, m->runtime + f->runtime.tracemalloc.off,
			f->tracemalloc.peak, t->bytes);
	return entry;
}
