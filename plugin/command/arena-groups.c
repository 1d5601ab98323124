/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/arena-groups.h"

/* Of an arena, so many groups are named. */
#define NAMED 2

void pm_arena_groups_init(struct pm_arena_groups *g, struct pm_pins_job *job,
	const struct pm_roles *roles)
{
	*g = (struct pm_arena_groups){.job = job, .roles = roles};
}

void pm_arena_groups_deinit(struct pm_arena_groups *g)
{
	pm_vec_deinit(&g->list);
	pm_vec_deinit(&g->here);
	pm_map_deinit(&g->by_key);
}

static bool is_same(
	const struct pm_arena_group *x, const struct pm_arena_group *y)
{
	return x->pattern == y->pattern && x->type == y->type &&
	       x->role == y->role && x->kind == y->kind && x->fate == y->fate;
}

/* The group of a block, made if need be; false: out of memory. */
static bool group_of(
	struct pm_arena_groups *g, const struct pm_pin *x, uint32_t *ret)
{
	const struct pm_graph *graph = pm_pins_result(g->job)->g;
	bool known = x->node != PM_NO_NODE;
	struct pm_arena_group new = {
		.pattern = pm_pins_pattern(g->job, x),
		.type = known ? graph->type[x->node] : PM_NO_NODE,
		.role = known ? pm_roles_of(g->roles, graph->addr[x->node]) : 0,
		.kind = x->kind,
		.fate = (uint8_t)pm_pins_fate(g->job, x),
	};
	uint64_t key = pm_hash_word(
		pm_hash_word(pm_hash_word(1, new.pattern), new.type), new.role);
	key = pm_hash_word(key, new.kind * 16u + new.fate) | 1;
	for (;; key += 2) {
		bool added;
		struct pm_map_slot *s = pm_map_put(&g->by_key, key, &added);
		if (!s || (added && !pm_vec_push(&g->list, new)))
			return false;
		if (added)
			s->value = g->list.len;
		*ret = (uint32_t)(s->value - 1);
		if (is_same(&g->list.data[*ret], &new))
			return true;
	}
}

bool pm_arena_groups_add(struct pm_arena_groups *g, const struct pm_lot *lot)
{
	const struct pm_pins *p = pm_pins_result(g->job);
	for (size_t i = lot->begin; i < lot->end; i++) {
		uint32_t at;
		if (!group_of(g, &p->list.data[i], &at))
			return false;
		struct pm_arena_group *x = &g->list.data[at];
		x->blocks++;
		x->bytes += p->list.data[i].bytes;
		x->lots += x->last != lot;
		x->last = lot;
	}
	return true;
}

static int by_blocks(const void *a, const void *b)
{
	const struct pm_arena_share *x = a, *y = b;
	if (x->blocks != y->blocks)
		return x->blocks < y->blocks ? 1 : -1;
	return x->group < y->group ? -1 : x->group > y->group;
}

static int by_group(const void *a, const void *b)
{
	const struct pm_arena_share *x = a, *y = b;
	return x->group < y->group ? -1 : x->group > y->group;
}

bool pm_arena_groups_of(struct pm_arena_groups *g, const struct pm_lot *lot)
{
	const struct pm_pins *p = pm_pins_result(g->job);
	size_t n = 0;
	g->here.len = 0;
	for (size_t i = lot->begin; i < lot->end; i++) {
		struct pm_arena_share one = {0, 1, p->list.data[i].bytes};
		if (!group_of(g, &p->list.data[i], &one.group) ||
			!pm_vec_push(&g->here, one))
			return false;
	}
	if (!g->here.len)
		return true;
	qsort(g->here.data, g->here.len, sizeof *g->here.data, by_group);
	for (size_t i = 1; i < g->here.len; i++) {
		if (g->here.data[i].group != g->here.data[n].group) {
			g->here.data[++n] = g->here.data[i];
			continue;
		}
		g->here.data[n].blocks += g->here.data[i].blocks;
		g->here.data[n].bytes += g->here.data[i].bytes;
	}
	g->here.len = n + 1;
	qsort(g->here.data, g->here.len, sizeof *g->here.data, by_blocks);
	return true;
}

static const char *type_name(
	const struct pm_arena_groups *g, const struct pm_arena_group *x)
{
	const struct pm_graph *graph = pm_pins_result(g->job)->g;
	const struct pm_type *t =
		x->type == PM_NO_NODE
			? NULL
			: pm_types_by_id(graph->h->types, x->type);
	return t ? t->name : NULL;
}

static void put_path(struct pm_arena_groups *g, const struct pm_arena_group *x,
	struct pm_strbuf *out)
{
	static const char *const fates[PM_PIN_FATES] = {
		[PM_PIN_ITEM] = "",
		[PM_PIN_PROGRAM] = "",
		[PM_PIN_FOREVER] = "(immortal)",
		[PM_PIN_KEPT] = "(free lists)",
		[PM_PIN_LOST] = "(no root leads there)",
		[PM_PIN_UNKNOWN] = "(C code, or not known)",
	};
	if (x->pattern == PM_NO_PATTERN || x->fate == PM_PIN_FOREVER)
		pm_strbuf_puts(out, fates[x->fate]);
	else
		pm_patterns_show(&pm_pins_result(g->job)->paths->patterns,
			x->pattern, out);
}

static const char *fate_text(uint8_t fate)
{
	static const char *const texts[PM_PIN_FATES] = {
		[PM_PIN_ITEM] = "item",
		[PM_PIN_PROGRAM] = "program",
		[PM_PIN_FOREVER] = "immortal",
		[PM_PIN_KEPT] = "free list",
		[PM_PIN_LOST] = "unreached",
		[PM_PIN_UNKNOWN] = "unknown",
	};
	return texts[fate];
}

static const char *owner_of(
	const struct pm_arena_groups *g, const struct pm_arena_group *x)
{
	return x->role ? pm_roles_text(g->roles, x->role) : NULL;
}

void pm_arena_groups_put_here(struct pm_arena_groups *g, struct pm_strbuf *out)
{
	char n[28];
	for (size_t i = 0; i < g->here.len && i < NAMED; i++) {
		const struct pm_arena_group *x =
			&g->list.data[g->here.data[i].group];
		const char *type = type_name(g, x);
		pm_strbuf_printf(out, "%s%s %s%s%s", i ? ", " : "",
			pm_grouped(g->here.data[i].blocks, n),
			x->kind == PM_TENANT_BUFFER ? "memory of " : "",
			type ? type : "", type ? " " : "");
		put_path(g, x, out);
	}
	if (g->here.len > NAMED)
		pm_strbuf_puts(out, ", ...");
}

static void put_json(struct pm_arena_groups *g, struct pm_run *r,
	const struct pm_arena_group *x, uint64_t blocks, uint64_t bytes)
{
	struct pm_emit *e = r->emit;
	pm_auto_strbuf path = {0};
	put_path(g, x, &path);
	pm_emit_text(e, "type", type_name(g, x));
	pm_emit_bool(e, "buffer", x->kind == PM_TENANT_BUFFER);
	pm_emit_text(e, "owner", owner_of(g, x));
	pm_emit_text(e, "path", pm_strbuf_text(&path));
	pm_emit_text(e, "fate", fate_text(x->fate));
	pm_emit_uint(e, "blocks", blocks);
	pm_emit_uint(e, "bytes", bytes);
}

void pm_arena_group_json(struct pm_arena_groups *g, struct pm_run *r,
	const struct pm_arena_share *x)
{
	pm_emit_open_object(r->emit, NULL);
	put_json(g, r, &g->list.data[x->group], x->blocks, x->bytes);
	pm_emit_close(r->emit);
}

static int by_lots(const void *a, const void *b)
{
	const struct pm_arena_group *const *x = a, *const *y = b;
	if ((*x)->lots != (*y)->lots)
		return (*x)->lots < (*y)->lots ? 1 : -1;
	if ((*x)->blocks != (*y)->blocks)
		return (*x)->blocks < (*y)->blocks ? 1 : -1;
	return *x < *y ? -1 : *x > *y;
}

static void show_group(struct pm_arena_groups *g, struct pm_run *r,
	const struct pm_arena_group *x)
{
	pm_auto_strbuf path = {0}, type = {0};
	const char *name = type_name(g, x), *owner = owner_of(g, x);
	put_path(g, x, &path);
	pm_strbuf_printf(&type, "%s%s",
		x->kind == PM_TENANT_BUFFER ? "memory of " : "",
		name ? name : "-");
	const struct pm_cell cells[] = {
		{.u = x->lots},
		{.u = x->blocks},
		{.u = x->bytes},
		{.text = pm_strbuf_text(&type)},
		{.text = owner, .absent = !owner},
		{.text = pm_strbuf_text(&path)},
	};
	pm_emit_row(r->emit, cells, 0);
}

enum pm_status pm_arena_groups_show(
	struct pm_arena_groups *g, struct pm_run *r, struct pm_error *err)
{
	bool pages = pm_pins_result(g->job)->g->h->pools->pages != NULL;
	const struct pm_column columns[] = {
		{NULL, pages ? "PAGES" : "ARENAS", PM_CELL_COUNT},
		{NULL, "BLOCKS", PM_CELL_COUNT},
		{NULL, "BYTES", PM_CELL_SIZE},
		{NULL, "TYPE", PM_CELL_TEXT},
		{NULL, "OWNER", PM_CELL_TEXT},
		{NULL, "PATH", PM_CELL_TEXT},
	};
	size_t n = g->list.len, shown = r->top && r->top < n ? r->top : n;
	bool json = pm_run_flag(r, "json");
	pm_auto_free const struct pm_arena_group **sorted =
		calloc(n + 1, sizeof *sorted);
	if (!sorted)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < n; i++)
		sorted[i] = &g->list.data[i];
	qsort(sorted, n, sizeof *sorted, by_lots);
	if (json && !pm_run_given(r, "top"))
		shown = n;
	if (json)
		pm_emit_open_array(r->emit, "groups");
	else
		pm_emit_table(r->emit, NULL, columns, 6, 0);
	for (size_t i = 0; i < shown; i++) {
		if (!json) {
			show_group(g, r, sorted[i]);
			continue;
		}
		pm_emit_open_object(r->emit, NULL);
		put_json(g, r, sorted[i], sorted[i]->blocks, sorted[i]->bytes);
		pm_emit_uint(r->emit, "arenas", sorted[i]->lots);
		pm_emit_close(r->emit);
	}
	if (json) {
		pm_emit_close(r->emit);
		return PM_OK;
	}
	if (shown < n)
		pm_emit_table_hide(r->emit, n - shown);
	pm_emit_table_end(r->emit);
	return PM_OK;
}
