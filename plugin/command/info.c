/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-info: what we look at, and where our knowledge of it comes from. */
#include "command/commands.h"
#include "command/runtime-state.h"

#include <string.h>

static const struct pm_option options[] = {
	{.name = "layout",
		.help = "Show every fact of the layout with its source."},
	{0},
};

static const char *allocator_text(const struct pm_runtime_state *st)
{
	switch (st->allocator) {
	case PM_ALLOCATOR_PYMALLOC:
		return "pymalloc";
	case PM_ALLOCATOR_MALLOC:
		return "malloc";
	case PM_ALLOCATOR_MIMALLOC:
		return "mimalloc";
	}
	return "unknown";
}

static void show_target(struct pm_run *r, const struct pm_runtime_state *st)
{
	const struct pm_session *s = r->session;
	const struct pm_target *t = s->target;
	const struct pm_layout *l = s->layout;
	struct pm_emit *e = r->emit;
	pm_auto_strbuf version = {0}, source = {0}, name = {0}, module = {0};
	char readable[16], total[16];
	pm_session_version(s, &version);
	pm_session_layout_source(s, &source);
	pm_strbuf_escaped(&name, t->name, strlen(t->name));
	pm_emit_line(e, "target          %s, read by %s", pm_strbuf_text(&name),
		s->reader);
	if (t->bytes_total)
		pm_emit_line(e, "memory          %s mapped, %s readable",
			pm_human_size(t->bytes_total, total),
			pm_human_size(t->bytes_readable, readable));
	if (l->python && l->python->path) {
		pm_strbuf_escaped(
			&module, l->python->path, strlen(l->python->path));
		pm_emit_line(e, "python          %s", pm_strbuf_text(&module));
	}
	pm_emit_line(e, "version         %s (from %s), %s build%s%s",
		pm_strbuf_text(&version), pm_source_text(l->version_source),
		l->debug ? "debug" : "release",
		l->free_threaded ? ", free-threaded" : "",
		l->trace_refs ? ", with Py_TRACE_REFS" : "");
	pm_emit_line(e, "layout          %s", pm_strbuf_text(&source));
	pm_emit_line(e, "allocator       %s%s", allocator_text(st),
		st->debug_hooks ? " with debug hooks" : "");

	pm_emit_text(e, "version", pm_strbuf_text(&version));
	pm_emit_uint(e, "hexversion", l->hexversion);
	pm_emit_bool(e, "version_exact", l->version_exact);
	pm_emit_bool(e, "debug", l->debug);
	pm_emit_bool(e, "free_threaded", l->free_threaded);
	pm_emit_bool(e, "trace_refs", l->trace_refs);
	pm_emit_text(e, "allocator", allocator_text(st));
	pm_emit_bool(e, "debug_hooks", st->debug_hooks);
	pm_emit_text(e, "target", pm_strbuf_text(&name));
	pm_emit_text(e, "reader", s->reader);
	pm_emit_uint(e, "bytes_mapped", t->bytes_total);
	pm_emit_uint(e, "bytes_readable", t->bytes_readable);
	pm_emit_text(e, "python",
		l->python && l->python->path ? pm_strbuf_text(&module) : NULL);
	pm_emit_text(e, "layout_source", pm_strbuf_text(&source));
	pm_emit_text(e, "table_row", l->row->name);
	pm_emit_bool(e, "release_known", !l->kin);
}

static void show_interpreter(
	struct pm_run *r, const struct pm_interpreter_state *i)
{
	struct pm_emit *e = r->emit;
	pm_emit_line(e, "interpreter %-3lld 0x%llx, %llu thread%s",
		(long long)i->id, (unsigned long long)i->addr,
		(unsigned long long)i->threads, i->threads == 1 ? "" : "s");
	pm_emit_open_object(e, NULL);
	pm_emit_int(e, "id", i->id);
	pm_emit_addr(e, "addr", i->addr);
	pm_emit_uint(e, "threads", i->threads);
	if (i->has_gc) {
		pm_auto_strbuf counts = {0};
		pm_emit_open_object(e, "gc");
		if (i->knows_enabled)
			pm_emit_bool(e, "enabled", i->gc_enabled);
		else
			pm_emit_null(e, "enabled");
		pm_emit_bool(e, "collecting", i->gc_collecting);
		pm_emit_open_array(e, "generations");
		for (size_t g = 0; g < i->generations; g++) {
			pm_strbuf_printf(&counts, "%s%lld/%lld", g ? ", " : "",
				(long long)i->gc_count[g],
				(long long)i->gc_threshold[g]);
			pm_emit_open_object(e, NULL);
			pm_emit_int(e, "count", i->gc_count[g]);
			pm_emit_int(e, "threshold", i->gc_threshold[g]);
			pm_emit_close(e);
		}
		pm_emit_close(e);
		pm_emit_close(e);
		pm_emit_line(e, "  collector     %s%s, counts/thresholds %s",
			!i->knows_enabled ? "enabled or not: not known"
			: i->gc_enabled	  ? "enabled"
					  : "disabled",
			i->gc_collecting ? ", collecting" : "",
			pm_strbuf_text(&counts));
	}
	pm_emit_close(e);
}

static void show_warnings(struct pm_run *r, const struct pm_runtime_state *st)
{
	struct pm_emit *e = r->emit;
	pm_emit_open_array(e, "warnings");
	pm_vec_each (w, &st->warnings) {
		pm_emit_line(e, "warning: %s", *w);
		pm_emit_text(e, NULL, *w);
	}
	pm_emit_close(e);
}

static void show_layout(struct pm_run *r)
{
	static const struct pm_column columns[] = {
		{"struct", "STRUCT", PM_CELL_TEXT},
		{"field", "FIELD", PM_CELL_TEXT},
		{"offset", "OFFSET", PM_CELL_INT},
		{"size", "SIZE", PM_CELL_INT},
		{"bits", "BITS", PM_CELL_TEXT},
		{"source", "SOURCE", PM_CELL_TEXT},
	};
	const struct pm_layout *l = r->session->layout;
	pm_emit_table(r->emit, "layout", columns, 6, 0);
	const char *of, *name;
	const struct pm_field *f;
	enum pm_source source;
	for (size_t i = 0; pm_layout_field(l, i, &of, &name, &f, &source);
		i++) {
		if (!pm_has(*f))
			continue;
		bool whole = !strcmp(name, "sizeof_");
		char bits[16];
		snprintf(bits, sizeof bits, "%u+%u", f->bit, f->bits);
		const struct pm_cell cells[] = {
			{.text = of},
			{.text = whole ? "(size)" : name},
			{.i = f->off, .absent = whole},
			{.i = (int64_t)(whole ? f->off : f->size)},
			{.text = f->bits ? bits : NULL},
			{.text = pm_source_text(source)},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
}

static void show_places(struct pm_run *r)
{
	static const struct pm_column columns[] = {
		{"place", "PLACE", PM_CELL_TEXT},
		{"addr", "ADDRESS", PM_CELL_ADDR},
		{"source", "SOURCE", PM_CELL_TEXT},
	};
	static const struct {
		const char *text;
		size_t offset;
	} places[] = {
#define X(id, text) {text, offsetof(struct pm_places, id)},
		PM_PLACES(X)
#undef X
	};
	pm_emit_table(r->emit, "places", columns, 3, 0);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct pm_place p;
		memcpy(&p,
			(const char *)&r->session->layout->at +
				places[i].offset,
			sizeof p);
		if (!p.addr)
			continue;
		const struct pm_cell cells[] = {
			{.text = places[i].text},
			{.u = p.addr},
			{.text = pm_source_text(p.source)},
		};
		pm_emit_row(r->emit, cells, 0);
	}
	pm_emit_table_end(r->emit);
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	PM_CLEANUP(pm_runtime_state_deinit) struct pm_runtime_state st = {0};
	PM_TRY(pm_runtime_state_load(r->session, &st, err));
	show_target(r, &st);
	pm_emit_open_array(r->emit, "interpreters");
	pm_vec_each (i, &st.interpreters)
		show_interpreter(r, i);
	pm_emit_close(r->emit);
	if (pm_run_flag(r, "layout")) {
		pm_emit_line(r->emit, "%s", "");
		show_places(r);
		pm_emit_line(r->emit, "%s", "");
		show_layout(r);
	}
	show_warnings(r, &st);
	pm_emit_skipped(r->emit, st.unreadable, 0);
	*ret_done = true;
	return PM_OK;
}

const struct pm_command pm_command_info = {
	.name = "py-info",
	.group = PM_GROUP_OVERVIEW,
	.summary = "Show which Python this is and how its layout is known.",
	.options = options,
	.operand = PM_OPERAND_NONE,
	.doc = "Version and build of CPython, its allocator, the target and "
	       "how "
	       "it is read,\nwhere the layout of its structures is known from, "
	       "interpreters, threads and\nthe state of the collector; and "
	       "what should make one doubt the other commands.",
	.examples = "py-info          # which Python, which reader, any "
		    "warnings\n"
		    "py-info -layout  # every offset in use, and who said so\n",
	.step = step,
};
