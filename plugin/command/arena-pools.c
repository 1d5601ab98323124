/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "command/arena-pools.h"
#include "heap/tenants.h"

#include <string.h>

/* Of a pool, so many types are named; JSON has them all. */
#define NAMED 3

/* So many blocks of one kind and type in a pool. */
struct lodger {
	size_t pool;
	enum pm_tenant_kind kind;
	const struct pm_type *type;
	uint64_t blocks, bytes;
};

struct pm_arena_pools {
	struct pm_heap *h;
	uint32_t arena;
	struct pm_tenants *job;
	PM_VEC(struct lodger) list; /* side by side for each pool */
	size_t begin;		    /* of the last pool's */
};

void pm_arena_pools_destroy(struct pm_arena_pools *j)
{
	if (!j)
		return;
	pm_tenants_destroy(j->job);
	pm_vec_deinit(&j->list);
	free(j);
}

static void cleanup_job(struct pm_arena_pools **j)
{
	pm_arena_pools_destroy(*j);
}

static bool see(void *arg, const struct pm_tenant *t)
{
	struct pm_arena_pools *j = arg;
	const struct pm_type *type = pm_tenants_type(j->job, t);
	if (j->begin < j->list.len && j->list.data[j->begin].pool != t->pool)
		j->begin = j->list.len;
	for (size_t i = j->begin; i < j->list.len; i++) {
		struct lodger *x = &j->list.data[i];
		if (x->kind != t->kind || x->type != type)
			continue;
		x->blocks += t->blocks;
		x->bytes += t->bytes;
		return true;
	}
	const struct lodger new = {t->pool, t->kind, type, t->blocks, t->bytes};
	return pm_vec_push(&j->list, new);
}

enum pm_status pm_arena_pools_create(struct pm_heap *h, uint32_t arena,
	struct pm_arena_pools **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job)
	struct pm_arena_pools *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->h = h;
	j->arena = arena;
	PM_TRY(pm_tenants_create(h, &arena, 1, see, j, &j->job, err));
	*ret = pm_take(j);
	return PM_OK;
}

enum pm_status pm_arena_pools_step(struct pm_arena_pools *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	return pm_tenants_step(j->job, seconds, ret_done, err);
}

/* ---- what is shown ---- */

static int by_pool(const void *a, const void *b)
{
	const struct lodger *x = a, *y = b;
	if (x->pool != y->pool)
		return x->pool < y->pool ? -1 : 1;
	if (x->blocks != y->blocks)
		return x->blocks > y->blocks ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	const char *s = x->type ? x->type->name : "";
	const char *t = y->type ? y->type->name : "";
	return strcmp(s, t);
}

static const char *kind_text(enum pm_tenant_kind kind)
{
	switch (kind) {
	case PM_TENANT_OBJECT:
		return "object";
	case PM_TENANT_BUFFER:
		return "buffer";
	case PM_TENANT_KEPT:
		return "free list";
	case PM_TENANT_UNKNOWN:
		break;
	}
	return "unknown";
}

static void put_lodger(const struct lodger *x, struct pm_strbuf *out)
{
	char n[28];
	const char *type = x->type ? x->type->name : "?";
	pm_strbuf_printf(out, "%s ", pm_grouped(x->blocks, n));
	switch (x->kind) {
	case PM_TENANT_OBJECT:
		pm_strbuf_puts(out, type);
		break;
	case PM_TENANT_BUFFER:
		pm_strbuf_printf(out, "memory of %s", type);
		break;
	case PM_TENANT_KEPT:
		pm_strbuf_puts(out, "in free lists");
		break;
	case PM_TENANT_UNKNOWN:
		pm_strbuf_puts(out, "of C code, or unknown");
		break;
	}
}

static void show_json(
	struct pm_run *r, const struct lodger *x, const struct lodger *end)
{
	struct pm_emit *e = r->emit;
	pm_emit_open_array(e, "types");
	for (; x < end; x++) {
		pm_emit_open_object(e, NULL);
		pm_emit_text(e, "kind", kind_text(x->kind));
		pm_emit_text(e, "type", x->type ? x->type->name : NULL);
		pm_emit_uint(e, "blocks", x->blocks);
		pm_emit_uint(e, "bytes", x->bytes);
		pm_emit_close(e);
	}
	pm_emit_close(e);
}

struct figures {
	pm_addr addr;
	uint64_t size, used, unused;
};

/* Of a pool, or of a large block of mimalloc. */
static struct figures figures_of(
	const struct pm_pools *p, const struct lodger *x)
{
	if (x->pool == SIZE_MAX)
		return (struct figures){0, x->bytes, x->blocks, 0};
	struct figures f = {.addr = pm_pools_address(p, x->pool)};
	if (p->pools[x->pool].state != PM_POOL_USED)
		return f;
	f.size = pm_pools_class_size(p, p->pools[x->pool].szidx);
	f.used = p->pools[x->pool].used;
	f.unused = pm_pools_room(p, x->pool) - f.used;
	return f;
}

static void show_pool(struct pm_run *r, const struct pm_pools *p,
	const struct lodger *x, const struct lodger *end)
{
	struct figures f = figures_of(p, x);
	bool large = x->pool == SIZE_MAX;
	if (pm_run_flag(r, "json")) {
		struct pm_emit *e = r->emit;
		pm_emit_open_object(e, NULL);
		if (large)
			pm_emit_null(e, "addr");
		else
			pm_emit_addr(e, "addr", f.addr);
		pm_emit_uint(e, "size", f.size);
		pm_emit_uint(e, "blocks_used", f.used);
		pm_emit_uint(e, "blocks_free", f.unused);
		show_json(r, x, end);
		pm_emit_close(e);
		return;
	}
	pm_auto_strbuf types = {0};
	for (const struct lodger *i = x; i < end && i < x + NAMED; i++) {
		pm_strbuf_puts(&types, i > x ? ", " : "");
		put_lodger(i, &types);
	}
	if (end - x > NAMED)
		pm_strbuf_puts(&types, ", ...");
	uint64_t room = f.used + f.unused;
	const struct pm_cell cells[] = {
		{.u = f.addr, .absent = large},
		{.u = f.size},
		{.u = f.used},
		{.u = f.unused},
		{.d = room ? 100.0 * (double)f.used / (double)room : 0},
		{.text = pm_strbuf_text(&types)},
	};
	pm_emit_row(r->emit, cells, 0);
}

void pm_arena_pools_show(struct pm_arena_pools *j, struct pm_run *r)
{
	const struct pm_pools *p = j->h->pools;
	const struct pm_column columns[] = {
		{NULL, p->pages ? "PAGE" : "POOL", PM_CELL_ADDR},
		{NULL, "BLOCKS OF", PM_CELL_SIZE},
		{NULL, "USED", PM_CELL_COUNT},
		{NULL, "FREE", PM_CELL_COUNT},
		{NULL, "USED %", PM_CELL_PERCENT},
		{NULL, "WHAT LIVES THERE", PM_CELL_TEXT},
	};
	bool json = pm_run_flag(r, "json");
	const struct lodger *end = j->list.data + j->list.len, *next;
	if (j->list.len)
		qsort(j->list.data, j->list.len, sizeof *j->list.data, by_pool);
	if (json)
		pm_emit_open_array(r->emit, "pools");
	else
		pm_emit_table(r->emit, "pools", columns, 6, r->top);
	for (const struct lodger *x = j->list.data; x < end; x = next) {
		/* Large blocks are each a row of their own. */
		for (next = x + 1; next < end && next->pool == x->pool &&
				   x->pool != SIZE_MAX;
			next++)
			;
		show_pool(r, p, x, next);
	}
	if (json)
		pm_emit_close(r->emit);
	else
		pm_emit_table_end(r->emit);
	pm_emit_skipped(r->emit,
		j->h->unreadable + pm_tenants_unreadable(j->job),
		j->h->inconsistent + pm_tenants_inconsistent(j->job));
}
