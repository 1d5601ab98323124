/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/spots.h"
#include "object/repr.h"

#define VALUE_WIDTH 60

static const struct pm_column columns[] = {
	{"addr", "ADDR", PM_CELL_ADDR},
	{"kind", NULL, PM_CELL_TEXT},
	{"where", "WHERE", PM_CELL_TEXT},
	{"type", "OF", PM_CELL_TEXT},
	{"object", "OBJECT", PM_CELL_ADDR},
	{"offset", NULL, PM_CELL_INT},
	{"repr", "VALUE", PM_CELL_TEXT},
	{"form", NULL, PM_CELL_TEXT},
};
#define COLUMNS (sizeof columns / sizeof *columns)

void pm_spots_table(struct pm_run *r, size_t limit, bool forms)
{
	pm_emit_table(r->emit, "rows", columns, COLUMNS - !forms, limit);
}

void pm_spots_bare_row(struct pm_run *r, pm_addr addr)
{
	const struct pm_cell cells[COLUMNS] = {{.u = addr}};
	pm_emit_row(r->emit, cells, addr);
}

void pm_spots_row(struct pm_run *r, const struct pm_spot *s, const char *form)
{
	struct pm_heap *h = r->session->heap;
	size_t limit = r->session->repr_limit;
	bool owned = s->kind == PM_SPOT_OBJECT || s->kind == PM_SPOT_BUFFER;
	pm_auto_strbuf where = {0}, repr = {0};
	pm_spot_describe(h, s, &where);
	if (owned)
		pm_repr(&h->objects, s->x.addr,
			limit < VALUE_WIDTH ? limit : VALUE_WIDTH, &repr);
	pm_addr from = s->kind == PM_SPOT_OBJECT ? s->x.addr
		       : s->has_buffer		 ? s->buffer.addr
						 : s->start;
	const struct pm_cell cells[COLUMNS] = {
		{.u = s->addr},
		{.text = pm_spot_kind_text(s->kind)},
		{.text = pm_strbuf_text(&where)},
		{.text = owned ? s->x.type->name : NULL},
		{.u = owned ? s->x.addr : 0, .absent = !owned},
		{.i = (int64_t)(s->addr - from),
			.absent = s->kind == PM_SPOT_NOTHING},
		{.text = owned ? pm_strbuf_text(&repr) : NULL},
		{.text = form},
	};
	pm_addr object = owned ? s->x.addr : 0;
	pm_emit_row(r->emit, cells, pm_run_flag(r, "short") ? s->addr : object);
}
