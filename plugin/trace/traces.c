/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace/traces.h"

#include "target/memory.h"

#include <string.h>

void pm_traces_init(struct pm_traces *t, const struct pm_trace_tables *tables)
{
	*t = (struct pm_traces){.tables = tables};
	pm_scattered_init(&t->values, pm_memory_target(tables->m),
		tables->l->f.trace.sizeof_.off);
}

void pm_traces_deinit(struct pm_traces *t)
{
	if (t->reading)
		pm_hashtable_reader_deinit(&t->reader);
	t->reading = false;
	pm_scattered_deinit(&t->values);
	free(t->traces);
	free(t->addrs);
	t->traces = NULL;
	t->addrs = NULL;
	t->cap = t->n = 0;
}

static bool make_room(struct pm_traces *t, size_t n)
{
	if (n <= t->cap)
		return true;
	struct pm_trace *traces = reallocarray(t->traces, n, sizeof *traces);
	if (traces)
		t->traces = traces;
	pm_addr *addrs = reallocarray(t->addrs, n, sizeof *addrs);
	if (addrs)
		t->addrs = addrs;
	if (!traces || !addrs)
		return false;
	t->cap = n;
	return true;
}

static uint64_t word_at(const struct pm_traces *t, const unsigned char *p)
{
	const struct pm_layout *l = t->tables->l;
	return pm_load(p, l->t.word_size, l->t.big_endian);
}

/* A trace from its bytes; false: it is none. */
static bool take(struct pm_traces *t, const unsigned char *key,
	const unsigned char *value)
{
	const struct pm_layout *l = t->tables->l;
	const struct pm_fields *f = &l->f;
	struct pm_trace one = {
		.block = word_at(t, key),
		.size = pm_get(l, value, f->trace.size),
		.stack = pm_get(l, value, f->trace.traceback),
		.domain = t->tables->list.data[t->at].domain,
	};
	if (t->reader.table.key_size > l->t.word_size &&
		pm_has(f->trace_key.domain)) {
		one.block = pm_get(l, key, f->trace_key.ptr);
		one.domain = (uint32_t)pm_get(l, key, f->trace_key.domain);
	}
	/* More than there is room for, in all: no size. */
	if (!one.block || !one.stack || one.size > UINT64_MAX - t->bytes ||
		one.size >> (8 * l->t.word_size - 1))
		return false;
	t->traces[t->n++] = one;
	t->count++;
	t->bytes += one.size;
	return true;
}

/* Until 3.8 the trace is in the entry. */
static void take_inner(struct pm_traces *t)
{
	for (size_t i = 0; i < t->reader.n; i++)
		if (!take(t, pm_hashtable_key(&t->reader, i),
			    pm_hashtable_value(&t->reader, i)))
			t->inconsistent++;
}

static enum pm_status take_outer(struct pm_traces *t, struct pm_error *err)
{
	size_t n = t->reader.n;
	for (size_t i = 0; i < n; i++)
		t->addrs[i] = word_at(t, pm_hashtable_value(&t->reader, i));
	PM_TRY(pm_scattered_read(&t->values, t->addrs, n, err));
	for (size_t i = 0; i < n; i++) {
		if (!t->values.readable[i])
			t->unreadable++;
		else if (!take(t, pm_hashtable_key(&t->reader, i),
				 pm_scattered_at(&t->values, i)))
			t->inconsistent++;
	}
	return PM_OK;
}

static void end_table(struct pm_traces *t)
{
	t->unreadable += t->reader.unreadable;
	t->inconsistent += t->reader.inconsistent;
	pm_hashtable_reader_deinit(&t->reader);
	t->reading = false;
	t->at++;
}

enum pm_status pm_traces_read(
	struct pm_traces *t, bool *ret_done, struct pm_error *err)
{
	const struct pm_trace_tables *tables = t->tables;
	bool table_done;
	t->n = 0;
	*ret_done = t->at >= tables->list.len;
	if (*ret_done)
		return PM_OK;
	if (!t->reading) {
		pm_hashtable_reader_init(&t->reader, tables->l,
			pm_memory_target(tables->m),
			&tables->list.data[t->at].table);
		t->reading = true;
	}
	PM_TRY(pm_hashtable_read(&t->reader, &table_done, err));
	if (!make_room(t, t->reader.n))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (t->reader.table.key_size)
		take_inner(t);
	else
		PM_TRY(take_outer(t, err));
	if (table_done)
		end_table(t);
	*ret_done = t->at >= tables->list.len;
	return PM_OK;
}
