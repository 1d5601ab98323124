/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracemalloc's tables where nobody tells their place: a table is known by its
   entries, each of which leads to a size and to a traceback with a number of
   frames that have the name of a file. */
#include "trace/tables.h"

#include "target/memory.h"

#define SAMPLES 16
#define MOST_DATA (UINT64_C(64) << 20)
#define MOST_RUNTIME (1u << 22)
#define MOST_FRAMES 65535
#define LEAST_ADDRESS 0x10000

static bool read_word(const struct pm_layout *l, struct pm_memory *m,
	pm_addr at, uint64_t *ret)
{
	return pm_memory_read_uint(m, at, l->t.word_size, ret, NULL) == PM_OK;
}

static bool is_address(
	const struct pm_layout *l, struct pm_memory *m, pm_addr at)
{
	const struct pm_target *t = pm_memory_target(m);
	return at >= LEAST_ADDRESS && at % l->t.word_size == 0 &&
	       (!t->maps.len || pm_target_find_map(t, at));
}

static bool is_stack(const struct pm_layout *l, struct pm_memory *m, pm_addr at)
{
	const struct pm_fields *f = &l->f;
	pm_addr frame = at + f->trace_stack.frames.off;
	uint64_t n = 0, line = 0, file = 0;
	return is_address(l, m, at) &&
	       pm_layout_read(l, m, at, f->trace_stack.nframe, &n, NULL) ==
		       PM_OK &&
	       n >= 1 && n <= MOST_FRAMES &&
	       pm_layout_read(l, m, frame, f->trace_frame.lineno, &line,
		       NULL) == PM_OK &&
	       line <= INT32_MAX &&
	       pm_layout_read(l, m, frame, f->trace_frame.filename, &file,
		       NULL) == PM_OK &&
	       file >= LEAST_ADDRESS;
}

/* The trace at this address, or in the entry itself. */
static bool is_trace(const struct pm_layout *l, struct pm_memory *m, pm_addr at)
{
	uint64_t stack = 0;
	return pm_layout_read(l, m, at, l->f.trace.traceback, &stack, NULL) ==
		       PM_OK &&
	       is_stack(l, m, stack);
}

/* Where the value of the entry is. */
static bool value_of(const struct pm_layout *l, struct pm_memory *m,
	const struct pm_hashtable *t, pm_addr entry, pm_addr *ret)
{
	const struct pm_fields *f = &l->f;
	if (!is_address(l, m, entry))
		return false;
	if (t->key_size) {
		*ret = entry + f->hashtable_entry.sizeof_.off + t->key_size;
		return t->data_size == f->trace.sizeof_.off;
	}
	return pm_layout_read(l, m, entry, f->hashtable_entry.value, ret,
		       NULL) == PM_OK &&
	       is_address(l, m, *ret);
}

/* Do the first few entries, there is one at least, have such values? */
static bool has_values(const struct pm_layout *l, struct pm_memory *m,
	pm_addr at,
	bool (*is)(const struct pm_layout *, struct pm_memory *, pm_addr))
{
	struct pm_hashtable t;
	unsigned seen = 0;
	unsigned most = SAMPLES;
	if (!is_address(l, m, at) ||
		pm_hashtable_load(l, m, at, &t, NULL) != PM_OK || !t.nentries)
		return false;
	if (most > t.nentries / 2 + 1)
		most = (unsigned)(t.nentries / 2 + 1);
	for (uint64_t i = 0; i < t.nbuckets && seen < most; i++) {
		uint64_t entry = 0, value = 0;
		if (!read_word(l, m, t.buckets + i * l->t.word_size, &entry))
			return false;
		if (!entry)
			continue;
		if (!value_of(l, m, &t, entry, &value) || !is(l, m, value))
			return false;
		seen++;
	}
	return seen > 0;
}

bool pm_trace_is_table(
	const struct pm_layout *l, struct pm_memory *m, pm_addr at)
{
	return has_values(l, m, at, is_trace);
}

void pm_trace_find_statics(const struct pm_layout *l, struct pm_memory *m,
	struct pm_trace_places *ret)
{
	const struct pm_module *python = l->python;
	unsigned word = l->t.word_size;
	struct pm_hashtable t;
	uint64_t most = 0;
	*ret = (struct pm_trace_places){0};
	if (!python || python->data_end <= python->data_start ||
		python->data_end - python->data_start > MOST_DATA)
		return;
	for (pm_addr at = python->data_start; at + word <= python->data_end;
		at += word) {
		uint64_t p = 0;
		if (!read_word(l, m, at, &p) || !is_address(l, m, p))
			continue;
		if (pm_trace_is_table(l, m, p) &&
			pm_hashtable_load(l, m, p, &t, NULL) == PM_OK &&
			t.nentries > most) {
			most = t.nentries;
			ret->traces = at;
		} else if (!ret->domains &&
			   has_values(l, m, p, pm_trace_is_table)) {
			ret->domains = at;
		}
	}
}

bool pm_trace_is_config(const struct pm_layout *l, struct pm_memory *m,
	pm_addr at, bool *ret_tracing)
{
	const struct pm_fields *f = &l->f;
	uint64_t initialized, tracing, max;
	if (pm_layout_read(l, m, at, f->trace_config.initialized, &initialized,
		    NULL) != PM_OK ||
		pm_layout_read(l, m, at, f->trace_config.tracing, &tracing,
			NULL) != PM_OK ||
		pm_layout_read(l, m, at, f->trace_config.max_nframe, &max,
			NULL) != PM_OK ||
		initialized > 2 || tracing > 1 || !max || max > MOST_FRAMES)
		return false;
	*ret_tracing = tracing;
	return true;
}

/* Only one that traces has enough about it to be known by. */
pm_addr pm_trace_find_state(const struct pm_layout *l, struct pm_memory *m)
{
	const struct pm_fields *f = &l->f;
	uint32_t len = f->runtime.sizeof_.off;
	for (uint32_t off = 0; off < len && off < MOST_RUNTIME;
		off += l->t.word_size) {
		pm_addr at = l->at.runtime.addr + off;
		uint64_t traces = 0;
		bool tracing = false;
		if (read_word(l, m, at + f->tracemalloc.traces.off, &traces) &&
			pm_trace_is_table(l, m, traces) &&
			pm_trace_is_config(l, m, at + f->tracemalloc.config.off,
				&tracing) &&
			tracing)
			return at;
	}
	return 0;
}
