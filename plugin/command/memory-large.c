/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/memory-large.h"

static void show_group(struct pm_run *r, const struct pm_large_blocks *b,
	const struct pm_large_group *x)
{
	bool json = pm_run_flag(r, "json"), known = x->example != PM_NO_NODE;
	const char *name = known ? pm_graph_type_name(b->g, x->example) : "?";
	pm_auto_strbuf path = {0}, type = {0};
	if (x->pattern == PM_NO_PATTERN)
		pm_strbuf_puts(&path, "(held by C code, or by nothing)");
	else
		pm_patterns_show(&b->paths->patterns, x->pattern, &path);
	pm_strbuf_printf(
		&type, "%s%s", x->buffer && !json ? "memory of " : "", name);
	const struct pm_cell cells[] = {
		{.u = x->blocks},
		{.u = x->bytes},
		{.d = 100.0 * (double)x->bytes / (double)b->bytes,
			.absent = !b->bytes},
		{.u = known ? b->g->addr[x->example] : 0, .absent = !known},
		{.b = x->buffer},
		{.text = pm_strbuf_text(&type)},
		{.text = pm_strbuf_text(&path)},
	};
	pm_emit_row(r->emit, cells, known ? b->g->addr[x->example] : 0);
}

void pm_memory_show_large(struct pm_run *r, const struct pm_large_blocks *b)
{
	static const struct pm_column columns[] = {
		{"blocks", "BLOCKS", PM_CELL_COUNT},
		{"bytes", "BYTES", PM_CELL_SIZE},
		{NULL, "%", PM_CELL_PERCENT},
		{"example", "EXAMPLE", PM_CELL_ADDR},
		{"buffer", NULL, PM_CELL_BOOL},
		{"type", "TYPE", PM_CELL_TEXT},
		{"path", "PATH", PM_CELL_TEXT},
	};
	const struct pm_cell total[] = {{.u = b->blocks}, {.u = b->bytes},
		{.absent = true}, {.absent = true}, {.absent = true},
		{.absent = true}, {.text = "total"}};
	pm_emit_line(r->emit, "%s",
		"\nPython's large blocks, with the allocator's headers and "
		"rounding:");
	pm_emit_table(r->emit, "large", columns, 7, r->top);
	pm_vec_each (x, &b->list)
		show_group(r, b, x);
	pm_emit_total(r->emit, total);
	pm_emit_table_end(r->emit);
}
