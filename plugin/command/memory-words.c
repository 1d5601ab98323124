/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What py-memory says under its table. */
#include "command/memory-words.h"

#include <string.h>

/* Sizes of chunks that are listed in text. */
#define SIZES 5
/* Types that are named. */
#define TYPES 3

/* Percent of the private memory. */
static unsigned share(const struct pm_verdict *v, uint64_t bytes)
{
	return v->all ? (unsigned)(100.0 * (double)bytes / (double)v->all + 0.5)
		      : 0;
}

/* "builtins.dict 1.2 GiB, ...": the types whose objects have most. */
static void name_types(const struct pm_heap *h, struct pm_strbuf *out)
{
	uint32_t most[TYPES];
	size_t n = 0;
	char size[16];
	for (uint32_t id = 0; id < h->nstats; id++) {
		size_t at = n;
		while (at && h->stats[most[at - 1]].alloc < h->stats[id].alloc)
			at--;
		if (at == TYPES || !h->stats[id].alloc)
			continue;
		n += n < TYPES;
		memmove(most + at + 1, most + at, (n - at - 1) * sizeof *most);
		most[at] = id;
	}
	for (size_t i = 0; i < n; i++) {
		const struct pm_type *t = pm_types_by_id(h->types, most[i]);
		pm_strbuf_printf(out, "%s%s %s", i ? ", " : "",
			t ? t->name : "?",
			pm_human_size(h->stats[most[i]].alloc, size));
	}
}

/* "N objects, 1.2 GiB (34 %) of 3.5 GiB of private memory, are ..." */
struct cause {
	uint64_t bytes;
	const char *first, *comma; /* around the figures */
};

static void name_cause(struct pm_run *r, const struct pm_verdict *v,
	struct cause c, const char *what)
{
	char all[16], bytes[16];
	pm_emit_line(r->emit,
		"Verdict: %s.  %s%s (%u %%) of %s of private memory%s are %s",
		pm_verdict_text(v->rule), c.first,
		pm_human_size(c.bytes, bytes), share(v, c.bytes),
		pm_human_size(v->all, all), c.comma, what);
}

static void say_cause(struct pm_run *r, const struct pm_memory_facts *f)
{
	const struct pm_verdict *v = &f->v;
	struct cause c = {0, "", ""};
	char what[512], first[48], n[28];
	pm_auto_strbuf types = {0};
	switch (v->rule) {
	case PM_VERDICT_NOTHING:
		pm_emit_line(r->emit,
			"Verdict: nothing stands out; no cause has a quarter "
			"of the %s of private memory.",
			pm_human_size(v->all, n));
		return;
	case PM_VERDICT_LIVE:
		c.bytes = v->live;
		name_types(r->session->heap, &types);
		snprintf(what, sizeof what,
			"objects that live: %.200s.  py-heap-types lists all "
			"types, py-path TYPE says who holds them, py-retained "
			"what would go with what, -large who has large blocks.",
			pm_strbuf_text(&types));
		break;
	case PM_VERDICT_FRAGMENTATION:
		c.bytes = v->fragmentation;
		snprintf(what, sizeof what,
			"free, but in arenas that %s blocks in use keep.  "
			"py-arena-pins says which objects these are.",
			pm_grouped(v->blocks, n));
		break;
	case PM_VERDICT_NATIVE:
		c.bytes = v->native;
		snprintf(what, sizeof what,
			"in use by no Python object: C code has them.");
		break;
	case PM_VERDICT_CACHING:
		c.bytes = v->caching;
		snprintf(what, sizeof what,
			"free in malloc, which keeps them for later: "
			"malloc_trim(0) would return what is not between used "
			"chunks.");
		break;
	case PM_VERDICT_CYCLES:
		snprintf(first, sizeof first, "%s objects, ",
			pm_grouped(f->cycle_objects, n));
		c = (struct cause){v->cycles, first, ","};
		snprintf(what, sizeof what,
			"reached from no root%s: gc.collect() would free them. "
			" py-unreachable lists them.",
			f->collector_off ? ", and the collector is off" : "");
		break;
	case PM_VERDICT_COPY_ON_WRITE:
		c.bytes = v->unshared;
		snprintf(what, sizeof what,
			"copies of pages that the parent, process %d, has, "
			"too: counts of references and the collector's links "
			"are written to.  gc.freeze() before the fork keeps "
			"the collector from it; py-memory -pages says of which "
			"types they are.",
			f->parent);
		break;
	}
	name_cause(r, v, c, what);
}

static void say(struct pm_run *r, const struct pm_memory_facts *f)
{
	const struct pm_verdict *v = &f->v;
	struct pm_emit *e = r->emit;
	char a[16], b[16], n[28];
	pm_emit_line(e, "%s", "");
	say_cause(r, f);
	pm_emit_line(e,
		"A restarted worker with the same objects would save %s: %s "
		"free in arenas, %s free in malloc%s.",
		pm_human_size(v->fragmentation + v->caching +
				      (v->knows_cycles ? v->cycles : 0),
			a),
		pm_human_size(v->fragmentation, b),
		pm_human_size(v->caching, n),
		v->knows_cycles && v->cycles ? ", the rest garbage" : "");
	if (v->rule == PM_VERDICT_LIVE && !f->ledger->residency)
		pm_emit_line(e, "%s",
			"Which pages a forked process shares with another "
			"process, and which it copied, only a live one of this "
			"machine tells.");
	if (!v->knows_cycles)
		pm_emit_line(e, "%s",
			"Garbage that waits for the collector counts as live "
			"here: py-memory -cycles, or py-unreachable.");
}

/* What a leak in C code is made of is mostly of one size. */
static void show_sizes(struct pm_run *r, const struct pm_memory_facts *f)
{
	static const struct pm_column columns[] = {
		{"size", "CHUNK", PM_CELL_INT},
		{"count", "IN USE", PM_CELL_COUNT},
		{"bytes", "BYTES", PM_CELL_SIZE},
	};
	bool json = pm_run_flag(r, "json");
	uint64_t count = 0, bytes = 0;
	if (!json && f->v.rule != PM_VERDICT_NATIVE)
		return;
	pm_emit_line(r->emit, "%s",
		"Of malloc's chunks in use that are no Python object's, by "
		"size:");
	pm_emit_table(r->emit, "used_by_size", columns, 3, json ? 0 : SIZES);
	pm_vec_each (x, &f->ledger->sizes) {
		const struct pm_cell cells[] = {{.i = (int64_t)x->size},
			{.u = x->count}, {.u = x->size * x->count}};
		pm_emit_row(r->emit, cells, 0);
		count += x->count;
		bytes += x->size * x->count;
	}
	const struct pm_cell total[] = {
		{.absent = true}, {.u = count}, {.u = bytes}};
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
}

/* How malloc holds what is free in it, when that explains bytes. */
static void say_malloc(struct pm_run *r, const struct pm_memory_facts *f)
{
	const struct pm_verdict *v = &f->v;
	const struct pm_malloc *m = r->session->malloc;
	struct pm_emit *e = r->emit;
	char a[16], b[16], name[64];
	if (!m) {
		const char *other = pm_malloc_other(
			&r->session->modules, name, sizeof name);
		pm_emit_null(e, "malloc");
		pm_emit_line(e,
			"malloc is %s: what of its memory is in use is not "
			"known, all of it counts as other private memory.",
			other ? other : "not glibc's, or was never used");
		return;
	}
	uint64_t top = m->bytes[PM_CHUNK_TOP], free = top;
	static const enum pm_chunk_state between[] = {
		PM_CHUNK_FREE, PM_CHUNK_FASTBIN, PM_CHUNK_TCACHE};
	for (size_t i = 0; i < sizeof between / sizeof *between; i++)
		free += m->bytes[between[i]];
	pm_emit_open_object(e, "malloc");
	pm_emit_uint(e, "arenas", m->arenas.len);
	pm_emit_uint(e, "free", free);
	pm_emit_uint(e, "free_at_top", top);
	pm_emit_uint(e, "mapped", m->mapped_bytes);
	pm_emit_bool(e, "sound", pm_malloc_is_sound(m));
	pm_emit_uint(e, "unlisted", m->unlisted);
	pm_emit_uint(e, "broken_links", m->broken_links);
	pm_emit_uint(e, "torn", m->torn);
	show_sizes(r, f);
	pm_emit_close(e);
	if (free > v->all / 20)
		pm_emit_line(e,
			"malloc has %s free at the tops of its heaps and %s "
			"between chunks in use, in %zu arena%s%s%s.",
			pm_human_size(top, a), pm_human_size(free - top, b),
			m->arenas.len, m->arenas.len == 1 ? "" : "s",
			m->arenas.len > 8 ? " (MALLOC_ARENA_MAX limits them)"
					  : "",
			m->settings.addr && m->settings.is_static
				? "; its thresholds for giving memory back "
				  "were set by the program or its environment"
				: "");
	if (!pm_malloc_is_sound(m))
		pm_emit_line(e, "%s",
			"malloc's own lists do not agree with each other: the "
			"process was stopped in it, or memory is damaged.");
}

static void optional(
	struct pm_run *r, const char *key, bool known, uint64_t value)
{
	if (known)
		pm_emit_uint(r->emit, key, value);
	else
		pm_emit_null(r->emit, key);
}

void pm_memory_say(struct pm_run *r, const struct pm_memory_facts *f)
{
	const struct pm_verdict *v = &f->v;
	say(r, f);
	say_malloc(r, f);
	pm_emit_open_object(r->emit, "verdict");
	pm_emit_text(r->emit, "rule", pm_verdict_text(v->rule));
	pm_emit_uint(r->emit, "private", v->all);
	pm_emit_uint(r->emit, "live", v->live);
	pm_emit_uint(r->emit, "fragmentation", v->fragmentation);
	pm_emit_uint(r->emit, "native", v->native);
	pm_emit_uint(r->emit, "caching", v->caching);
	optional(r, "cycles", v->knows_cycles, v->cycles);
	optional(r, "cycle_objects", v->knows_cycles, f->cycle_objects);
	optional(r, "unshared", v->knows_unshared, v->unshared);
	optional(r, "shared_with_parent", v->knows_unshared, f->shared);
	pm_emit_close(r->emit);
}
