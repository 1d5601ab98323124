/* SPDX-License-Identifier: GPL-3.0-or-later */
/* py-arena-map: arenas as pictures. */
#include "command/arena-picture.h"
#include "command/arena-pools.h"
#include "command/output.h"
#include "command/walking.h"
#include "heap/occupancy.h"
#include "heap/team.h"

#include <inttypes.h>
#include <string.h>

/* Cells of a line. */
#define ACROSS 64
/* Lines of the picture of all arenas, where not each has one. */
#define LINES 16
/* An SVG of more arenas has a cell for each, not for each pool. */
#define SVG_ARENAS 2000

struct row {
	uint32_t arena; /* its number */
	struct pm_occupancy o;
};

struct arena_map {
	struct pm_walking walking; /* of one arena's detail */
	struct pm_arena_pools *pools;
	bool walked;
	PM_VEC(struct row) rows;
	bool begun;
	size_t at; /* the next to be shown */
	pm_fills fills;
	struct pm_shades shades;
	struct pm_svg svg;
};

static enum pm_status start(struct pm_run *r, struct pm_error *err)
{
	const struct pm_host_facts *f = &r->session->facts;
	struct arena_map *st = calloc(1, sizeof *st);
	struct pm_heap *h;
	if (!st)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	r->state = st;
	const char *when = pm_run_text(r, "color", "auto");
	bool file = pm_run_given(r, "output");
	st->shades.utf8 = f->utf8 && !file && !pm_run_flag(r, "ascii");
	st->shades.colour = !strcmp(when, "always") ||
			    (!strcmp(when, "auto") && f->colour && !file);
	r->coloured = st->shades.colour;
	PM_TRY(pm_walking_heap(r->session, &h, err));
	PM_TRY(pm_heap_pools(h, err));
	if (!r->has_addr)
		return PM_OK;
	const struct pm_arena *a = pm_pools_arena(h->pools, r->addr);
	if (!a)
		return pm_fail(err, PM_USAGE, r->addr,
			"0x%" PRIx64 " is in no arena (py-arena-stats -arenas "
			"lists them)",
			r->addr);
	return pm_walking_start(&st->walking, r, err);
}

/* ---- all arenas ---- */

static double share(const struct pm_pools *p, const struct row *x)
{
	return (double)x->o.bytes_used / (double)p->arenas.data[x->arena].bytes;
}

static int by_occupancy(const void *a, const void *b, void *arg)
{
	const struct row *x = a, *y = b;
	double s = share(arg, x), t = share(arg, y);
	if (s != t)
		return s < t ? -1 : 1;
	return x->arena < y->arena ? -1 : x->arena > y->arena;
}

static enum pm_status collect(
	struct pm_run *r, const struct pm_pools *p, struct pm_error *err)
{
	struct arena_map *st = r->state;
	for (uint32_t i = 0; i < p->arenas.len; i++) {
		struct row row = {i, {0}};
		pm_occupancy_of(p, i, &row.o);
		if (!pm_vec_push(&st->rows, row))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	}
	if (!strcmp(pm_run_text(r, "sort", "addr"), "occupancy"))
		qsort_r(st->rows.data, st->rows.len, sizeof *st->rows.data,
			by_occupancy, (void *)(uintptr_t)p);
	return PM_OK;
}

static const char *arena_word(const struct pm_pools *p, bool many)
{
	return p->pages ? many ? "segments" : "segment"
	       : many	? "arenas"
			: "arena";
}

static void put_sums(const struct pm_pools *p, const struct arena_map *st,
	struct pm_strbuf *out)
{
	uint64_t mapped = 0, used = 0;
	char n[28], size[16], more[16];
	pm_vec_each (x, &st->rows) {
		mapped += p->arenas.data[x->arena].bytes;
		used += x->o.bytes_used;
	}
	pm_strbuf_printf(out, "%s %s, %s mapped, %s (%.1f %%) in used blocks",
		pm_grouped(st->rows.len, n), arena_word(p, st->rows.len != 1),
		pm_human_size(mapped, size), pm_human_size(used, more),
		mapped ? 100.0 * (double)used / (double)mapped : 0);
}

static bool fill_arenas(struct arena_map *st, const struct pm_pools *p)
{
	st->fills.len = 0;
	pm_vec_each (x, &st->rows)
		if (!pm_vec_push(&st->fills,
			    pm_fill_of(x->o.bytes_used,
				    p->arenas.data[x->arena].bytes)))
			return false;
	return true;
}

static void show_legend(struct pm_run *r)
{
	struct arena_map *st = r->state;
	pm_auto_strbuf text = {0};
	pm_shades_legend(&st->shades, &text);
	pm_emit_line(r->emit, "%s.", pm_strbuf_text(&text));
}

/* Too many for a line each: all of them at a glance. */
static enum pm_status show_overview(
	struct pm_run *r, const struct pm_pools *p, struct pm_error *err)
{
	struct arena_map *st = r->state;
	size_t n = st->rows.len;
	size_t each = (n + ACROSS * LINES - 1) / (ACROSS * LINES);
	if (!fill_arenas(st, p))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (each > 1)
		pm_emit_line(r->emit, "One sign is %zu %s:", each,
			arena_word(p, true));
	else
		pm_emit_line(
			r->emit, "One sign is one %s:", arena_word(p, false));
	for (size_t i = 0; i < n; i += ACROSS * each) {
		pm_auto_strbuf text = {0};
		size_t k = n - i < ACROSS * each ? n - i : ACROSS * each;
		pm_shades_put(&st->shades, st->fills.data + i, k, each, &text);
		pm_emit_line(r->emit, "  %s", pm_strbuf_text(&text));
	}
	st->fills.len = 0;
	return PM_OK;
}

static size_t per_sign(size_t cells)
{
	return (cells + ACROSS - 1) / ACROSS;
}

static size_t cells_of(const struct pm_pools *p, const struct pm_arena *a)
{
	return p->pages ? (size_t)(a->bytes >> p->pool_shift) : a->npools;
}

static enum pm_status begin(
	struct pm_run *r, const struct pm_pools *p, struct pm_error *err)
{
	const struct pm_column columns[] = {
		{NULL, p->pages ? "SEGMENT" : "ARENA", PM_CELL_ADDR},
		{NULL, "BYTES USED", PM_CELL_SIZE},
		{NULL, "USED %", PM_CELL_PERCENT},
		{NULL, "POOLS", PM_CELL_TEXT},
	};
	struct arena_map *st = r->state;
	pm_auto_strbuf sums = {0};
	char size[16];
	PM_TRY(collect(r, p, err));
	put_sums(p, st, &sums);
	pm_emit_line(r->emit, "%s.", pm_strbuf_text(&sums));
	pm_emit_uint(r->emit, "arena_size", p->arena_size);
	pm_emit_uint(r->emit, "pool_size", p->pool_size);
	if (pm_run_flag(r, "json")) {
		pm_emit_open_array(r->emit, "arenas");
		return PM_OK;
	}
	if (r->top && st->rows.len > r->top)
		PM_TRY(show_overview(r, p, err));
	if (!st->rows.len)
		return PM_OK;
	size_t each =
		per_sign(cells_of(p, &p->arenas.data[st->rows.data[0].arena]));
	if (each > 1)
		pm_emit_line(r->emit, "Below, one sign is %zu pools of %s.",
			each, pm_human_size(p->pool_size, size));
	else
		pm_emit_line(r->emit, "Below, one sign is a pool of %s.",
			pm_human_size(p->pool_size, size));
	pm_emit_table(r->emit, NULL, columns, 4, 0);
	return PM_OK;
}

static void show_json(struct pm_run *r, const struct pm_arena *a,
	const struct pm_occupancy *o, const pm_fills *fills)
{
	struct pm_emit *e = r->emit;
	pm_emit_open_object(e, NULL);
	pm_emit_addr(e, "addr", a->address);
	pm_emit_uint(e, "pools_used", o->pools_used);
	pm_emit_uint(e, "pools_free", o->pools_free);
	pm_emit_uint(e, "bytes_used", o->bytes_used);
	pm_emit_uint(e, "bytes", a->bytes);
	if (a->interp < 0)
		pm_emit_null(e, "interpreter");
	else
		pm_emit_uint(e, "interpreter", (uint64_t)a->interp);
	pm_emit_open_array(e, "pools");
	pm_vec_each (x, fills) {
		if (*x > 100)
			pm_emit_null(e, NULL);
		else
			pm_emit_uint(e, NULL, *x);
	}
	pm_emit_close(e);
	pm_emit_close(e);
}

static enum pm_status show_arena(struct pm_run *r, const struct pm_pools *p,
	const struct row *x, struct pm_error *err)
{
	struct arena_map *st = r->state;
	const struct pm_arena *a = &p->arenas.data[x->arena];
	st->fills.len = 0;
	if (!pm_arena_fills(p, a, &st->fills))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (pm_run_flag(r, "json")) {
		show_json(r, a, &x->o, &st->fills);
		return PM_OK;
	}
	pm_auto_strbuf text = {0};
	pm_shades_put(&st->shades, st->fills.data, st->fills.len,
		per_sign(st->fills.len), &text);
	const struct pm_cell cells[] = {
		{.u = a->address},
		{.u = x->o.bytes_used},
		{.d = 100 * share(p, x)},
		{.text = pm_strbuf_text(&text)},
	};
	pm_emit_row(r->emit, cells, a->address);
	return PM_OK;
}

/* ---- -svg ---- */

static enum pm_status svg_arenas(
	struct arena_map *st, const struct pm_pools *p, struct pm_error *err)
{
	char label[48], hint[80];
	pm_vec_each (x, &st->rows) {
		const struct pm_arena *a = &p->arenas.data[x->arena];
		st->fills.len = 0;
		if (!pm_arena_fills(p, a, &st->fills))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		snprintf(label, sizeof label, "0x%" PRIx64 " %5.1f %%",
			a->address, 100 * share(p, x));
		snprintf(hint, sizeof hint,
			"0x%" PRIx64 ": %" PRIu64 " of %" PRIu64
			" bytes in use",
			a->address, x->o.bytes_used, a->bytes);
		pm_svg_row(
			&st->svg, label, hint, st->fills.data, st->fills.len);
	}
	return PM_OK;
}

static enum pm_status svg_overview(
	struct arena_map *st, const struct pm_pools *p, struct pm_error *err)
{
	char label[48];
	if (!fill_arenas(st, p))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < st->fills.len; i += ACROSS) {
		size_t n = st->fills.len - i;
		snprintf(label, sizeof label, "0x%" PRIx64 " ...",
			p->arenas.data[st->rows.data[i].arena].address);
		pm_svg_row(&st->svg, label, label, st->fills.data + i,
			n < ACROSS ? n : ACROSS);
	}
	return PM_OK;
}

static enum pm_status draw_svg(
	struct arena_map *st, const struct pm_pools *p, struct pm_error *err)
{
	pm_auto_strbuf title = {0};
	bool each = st->rows.len <= SVG_ARENAS;
	size_t most = ACROSS;
	pm_vec_each (x, &st->rows) {
		size_t n = cells_of(p, &p->arenas.data[x->arena]);
		most = each && n > most ? n : most;
	}
	pm_strbuf_puts(&title, "py-arena-map: ");
	put_sums(p, st, &title);
	pm_svg_begin(&st->svg, pm_strbuf_text(&title),
		each ? "A cell is a pool."
		     : "A cell is an arena, in the order of the rows.",
		(unsigned)most,
		(unsigned)(each ? st->rows.len
				: (st->rows.len + ACROSS - 1) / ACROSS));
	PM_TRY(each ? svg_arenas(st, p, err) : svg_overview(st, p, err));
	pm_svg_end(&st->svg);
	if (st->svg.text.failed || title.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return PM_OK;
}

static enum pm_status write_svg(
	struct pm_run *r, const struct pm_pools *p, struct pm_error *err)
{
	struct arena_map *st = r->state;
	const char *file = pm_run_text(r, "svg", "");
	pm_auto_strbuf name = {0};
	PM_TRY(draw_svg(st, p, err));
	PM_TRY(pm_output_write(file, st->svg.text.data, st->svg.text.len, err));
	pm_strbuf_escaped(&name, file, strlen(file));
	pm_emit_text(r->emit, "svg", pm_strbuf_text(&name));
	pm_emit_line(r->emit, "The picture is in %s.", pm_strbuf_text(&name));
	return PM_OK;
}

static enum pm_status end(
	struct pm_run *r, const struct pm_pools *p, struct pm_error *err)
{
	struct arena_map *st = r->state;
	if (pm_run_flag(r, "json")) {
		pm_emit_close(r->emit);
	} else if (st->rows.len) {
		if (st->at < st->rows.len)
			pm_emit_table_hide(r->emit, st->rows.len - st->at);
		pm_emit_table_end(r->emit);
		show_legend(r);
	}
	if (!st->rows.len)
		pm_emit_line(r->emit, "%s",
			"This interpreter uses neither pymalloc nor mimalloc "
			"(PYTHONMALLOC=malloc?).");
	if (pm_run_given(r, "svg"))
		PM_TRY(write_svg(r, p, err));
	else if (pm_emit_shows_pictures(r->emit) && st->rows.len)
		PM_TRY(draw_svg(st, p, err));
	pm_emit_picture(r->emit, pm_strbuf_text(&st->svg.text));
	pm_emit_open_object(r->emit, "total");
	pm_emit_uint(r->emit, "arenas", st->rows.len);
	pm_emit_close(r->emit);
	pm_emit_variable(r->emit, "py_arenas", st->rows.len);
	pm_emit_skipped(r->emit, p->bad_arenas, p->bad_pools);
	return PM_OK;
}

static enum pm_status step_all(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct arena_map *st = r->state;
	const struct pm_pools *p = r->session->heap->pools;
	double deadline = pm_now() + PM_STEP_SECONDS;
	if (!st->begun)
		PM_TRY(begin(r, p, err));
	st->begun = true;
	bool json = pm_run_flag(r, "json");
	size_t last = st->rows.len;
	if (!json && r->top && r->top < last)
		last = r->top;
	while (st->at < last && pm_now() < deadline)
		PM_TRY(show_arena(r, p, &st->rows.data[st->at++], err));
	*ret_done = st->at == last;
	return *ret_done ? end(r, p, err) : PM_OK;
}

/* ---- one arena ---- */

static enum pm_status show_one(struct pm_run *r, const struct pm_pools *p,
	uint32_t arena, struct pm_error *err)
{
	struct arena_map *st = r->state;
	const struct pm_arena *a = &p->arenas.data[arena];
	struct pm_emit *e = r->emit;
	struct pm_occupancy o;
	char size[16], used[16];
	pm_occupancy_of(p, arena, &o);
	st->fills.len = 0;
	if (!pm_arena_fills(p, a, &st->fills))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_emit_line(e,
		"%s 0x%" PRIx64 ": %s, %s in %" PRIu64 " used blocks; one sign "
		"is %s of %" PRIu32 " bytes:",
		arena_word(p, false), a->address, pm_human_size(a->bytes, size),
		pm_human_size(o.bytes_used, used), o.blocks,
		p->pages ? "a slice" : "a pool", p->pool_size);
	for (size_t i = 0; i < st->fills.len; i += ACROSS) {
		pm_auto_strbuf text = {0};
		size_t n = st->fills.len - i;
		pm_shades_put(&st->shades, st->fills.data + i,
			n < ACROSS ? n : ACROSS, 1, &text);
		pm_emit_line(e, "  %s", pm_strbuf_text(&text));
	}
	show_legend(r);
	pm_emit_open_array(e, "arenas");
	if (pm_run_flag(r, "json"))
		show_json(r, a, &o, &st->fills);
	pm_emit_close(e);
	if (!pm_run_given(r, "svg"))
		return PM_OK;
	const struct row row = {arena, o};
	if (!pm_vec_push(&st->rows, row))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return write_svg(r, p, err);
}

static enum pm_status step_one(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	struct arena_map *st = r->state;
	struct pm_heap *h = r->session->heap;
	if (!st->walked) {
		PM_TRY(pm_walking_step(&st->walking, r, &st->walked, err));
		return PM_OK;
	}
	const struct pm_arena *a = pm_pools_arena(h->pools, r->addr);
	if (!a)
		return pm_fail(err, PM_USAGE, r->addr, "no such arena");
	uint32_t arena = (uint32_t)(a - h->pools->arenas.data);
	if (!st->pools)
		PM_TRY(pm_arena_pools_create(h, arena, &st->pools, err));
	snprintf(r->progress, sizeof r->progress, "reading pools");
	PM_TRY(pm_arena_pools_step(st->pools, PM_STEP_SECONDS, ret_done, err));
	if (!*ret_done)
		return PM_OK;
	PM_TRY(show_one(r, h->pools, arena, err));
	pm_arena_pools_show(st->pools, r);
	return PM_OK;
}

static enum pm_status step(
	struct pm_run *r, bool *ret_done, struct pm_error *err)
{
	*ret_done = false;
	return r->has_addr ? step_one(r, ret_done, err)
			   : step_all(r, ret_done, err);
}

static void finish(struct pm_run *r)
{
	struct arena_map *st = r->state;
	if (!st)
		return;
	pm_walking_finish(&st->walking);
	pm_arena_pools_destroy(st->pools);
	pm_vec_deinit(&st->rows);
	pm_vec_deinit(&st->fills);
	pm_svg_deinit(&st->svg);
	free(st);
	r->state = NULL;
}

static const struct pm_option options[] = {
	{.name = "sort",
		.type = PM_ARG_CHOICE,
		.value = "KEY",
		.choices = "addr|occupancy",
		.help = "Order of the arenas: by address (default), or the "
			"emptiest first."},
	{.name = "svg",
		.type = PM_ARG_FILE,
		.value = "FILE",
		.help = "Also write it as a picture, of all arenas."},
	{.name = "color",
		.type = PM_ARG_CHOICE,
		.value = "WHEN",
		.choices = "auto|always|never",
		.help = "Colours; auto: on a terminal, as \"set style "
			"enabled\" says."},
	{.name = "ascii",
		.type = PM_ARG_FLAG,
		.help = "No other signs than ASCII."},
	{0},
};

const struct pm_command pm_command_arena_map = {
	.name = "py-arena-map",
	.group = PM_GROUP_ALLOCATOR,
	.summary = "Draw how full the allocator's arenas are.",
	.options = options,
	.flags = PM_COMMAND_TABLE | PM_COMMAND_SIZES |
		 PM_COMMAND_ONE_INTERPRETER,
	.operand = PM_OPERAND_OPTIONAL_ADDR,
	.operand_help = "An address in an arena: that one in detail, with what "
			"lives in each of its pools.",
	.doc = "A line is an arena, a sign one of its pools (or some, where "
	       "there are more than a line has room for): the darker, the "
	       "more of its blocks are in use.  Many light signs and few "
	       "empty ones are fragmentation: an arena goes back to the "
	       "system only when all of its pools are empty.  Where there "
	       "are more arenas than -top shows, a picture of all of them "
	       "comes first.\n"
	       "With ADDR one arena is shown: its pools, what size of blocks "
	       "each has, how many are used and free, and which objects live "
	       "there; memory of an object (items of a list, the table of a "
	       "dict) goes by the object.\n"
	       "Where mimalloc is the allocator, arenas are its segments, "
	       "pools its pages: a sign is a slice of 64 KiB, and = what "
	       "mimalloc has of a segment for itself.\n"
	       "Where text is not UTF-8, with -ascii and in a file of "
	       "-output the signs are plain ASCII.  GDB does not tell "
	       "whether its output goes through a pipe: -color never is for "
	       "that.  -svg writes a file that any browser shows; of more "
	       "than 2,000 arenas it has a cell for each.",
	.examples = "py-arena-map -sort occupancy  # the emptiest first\n"
		    "py-arena-map 0x7f0c2a400000  # what lives in this one\n"
		    "py-arena-map -svg map.svg  # for a report",
	.start = start,
	.step = step,
	.finish = finish,
};
