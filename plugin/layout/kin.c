/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A release that the table does not have.  The row of its nearest kin serves,
   with what _Py_DebugOffsets and calibration say instead; what nobody tells
   moves as its neighbours do.  Every fact says which of these it is. */
#include "layout/build.h"

#include "base/strbuf.h"

#include <string.h>

#define NOT_TOLD UINT64_MAX

static struct pm_field *fields(struct pm_layout *l)
{
	return (struct pm_field *)&l->f;
}

static const struct pm_field *row_fields(const struct pm_layout *l)
{
	return (const struct pm_field *)&l->row->fields;
}

bool pm_kin_is_needed(const struct pm_build *b)
{
	if (b->id.source != PM_SOURCE_DEBUG_OFFSETS)
		return false;
	for (size_t i = 0; b->rows[i]; i++)
		if (b->rows[i]->version == b->id.hexversion >> 16)
			return false;
	return true;
}

void pm_kin_begin(struct pm_build *b)
{
	for (size_t i = 0; i < PM_FIELD_COUNT; i++)
		if (b->l->sources[i] == PM_SOURCE_TABLE)
			b->l->sources[i] = PM_SOURCE_KIN;
	b->l->kin = true;
}

/* ---- _Py_DebugOffsets of another shape ----
   Its words are in the order of old, with new ones in between, and mostly have
   much the same values.  So the two tables are put beside each other as texts
   are compared: what matches best, at the least cost. */

#define SLOTS_START 24
#define MAX_SLOTS 256
#define MAX_NEW 64
/* Costs, in thousandths of a new word's. */
#define COST_NEW 1000
#define COST_NEW_AT_END 500 /* of a struct, where most are added */
#define COST_GONE 6000
#define COST_UNUSED 300 /* words that the row has no field for */
#define COST_UNUSED_GONE 500
#define COST_NEVER 1000000

struct tables {
	size_t nrow, ntold;
	uint16_t field[MAX_SLOTS]; /* PM_FIELD_COUNT: none of ours */
	bool at_end[MAX_SLOTS + 1];
	uint64_t told[MAX_SLOTS + MAX_NEW];
	uint32_t cost[MAX_SLOTS + 1][MAX_SLOTS + MAX_NEW + 1];
	uint8_t from[MAX_SLOTS + 1][MAX_SLOTS + MAX_NEW + 1];
};

enum { FROM_BOTH, FROM_NEW, FROM_GONE };

static bool is_size(size_t field)
{
	size_t first, end;
	pm_prove_struct(field, &first, &end);
	return field == first;
}

static void read_row(const struct pm_row *row, struct tables *t)
{
	for (size_t i = 0; i < MAX_SLOTS; i++)
		t->field[i] = PM_FIELD_COUNT;
	for (const struct pm_slot *s = row->slots; s->at; s++) {
		size_t i = (size_t)(s->at - SLOTS_START) / 8;
		if (s->at < SLOTS_START || i >= MAX_SLOTS)
			continue;
		t->field[i] = s->field;
		if (i >= t->nrow)
			t->nrow = i + 1;
	}
	bool end = true;
	for (size_t i = t->nrow + 1; i-- > 0;) {
		if (i < t->nrow && t->field[i] < PM_FIELD_COUNT)
			end = is_size(t->field[i]);
		t->at_end[i] = end;
	}
}

static void read_told(struct pm_build *b, struct tables *t)
{
	t->ntold = t->nrow + MAX_NEW;
	for (size_t i = 0; i < t->ntold; i++)
		if (pm_memory_read_uint(b->m, b->runtime + SLOTS_START + 8 * i,
			    8, &t->told[i], NULL) != PM_OK)
			t->told[i] = NOT_TOLD;
}

static uint32_t cost_of(
	const struct pm_build *b, const struct tables *t, size_t i, size_t j)
{
	uint64_t told = t->told[j];
	if (t->field[i] == PM_FIELD_COUNT)
		return COST_UNUSED;
	uint64_t v = row_fields(b->l)[t->field[i]].off;
	bool size = is_size(t->field[i]);
	if (told == v)
		return 0;
	if (told > UINT32_MAX)
		return COST_NEVER;
	uint64_t by = told > v ? told - v : v - told, scale = v > 64 ? v : 64;
	if (by > scale)
		return size ? 5000 : 12000;
	return 1000 + (uint32_t)((size ? 6000 : 4000) * by / scale);
}

static void better(
	struct tables *t, size_t i, size_t j, uint32_t cost, uint8_t from)
{
	if (cost >= t->cost[i][j])
		return;
	t->cost[i][j] = cost;
	t->from[i][j] = from;
}

static void align(const struct pm_build *b, struct tables *t)
{
	memset(t->cost, 0xff, sizeof t->cost);
	t->cost[0][0] = 0;
	for (size_t i = 0; i <= t->nrow; i++)
		for (size_t j = 0; j <= t->ntold; j++) {
			uint32_t so_far = t->cost[i][j];
			if (so_far == UINT32_MAX)
				continue;
			if (i < t->nrow && j < t->ntold)
				better(t, i + 1, j + 1,
					so_far + cost_of(b, t, i, j),
					FROM_BOTH);
			if (j < t->ntold)
				better(t, i, j + 1,
					so_far + (t->at_end[i] ? COST_NEW_AT_END
							       : COST_NEW),
					FROM_NEW);
			if (i < t->nrow)
				better(t, i + 1, j,
					so_far +
						(t->field[i] == PM_FIELD_COUNT
								? COST_UNUSED_GONE
								: COST_GONE),
					FROM_GONE);
		}
}

void pm_kin_tell_offsets(struct pm_build *b, struct pm_told *ret)
{
	pm_auto_free struct tables *t = calloc(1, sizeof *t);
	if (!t)
		return;
	read_row(b->l->row, t);
	read_told(b, t);
	align(b, t);
	size_t i = t->nrow, j = 0;
	for (size_t k = 0; k <= t->ntold; k++)
		if (t->cost[i][k] < t->cost[i][j])
			j = k;
	while (i || j) {
		uint8_t from = t->from[i][j];
		i -= from != FROM_NEW;
		j -= from != FROM_GONE;
		if (from == FROM_BOTH && t->field[i] < PM_FIELD_COUNT)
			ret->off[t->field[i]] = t->told[j];
	}
}

/* ---- what nobody tells moves as its neighbours do ---- */

static bool is_told(const struct pm_build *b, size_t i)
{
	return pm_has(fields(b->l)[i]) && b->l->sources[i] > PM_SOURCE_TABLE;
}

struct anchor {
	uint64_t from; /* where the row has it */
	int64_t by;    /* how far it moved */
	uint64_t distance;
};

static void nearer(struct anchor *best, uint64_t off, uint64_t from, int64_t by)
{
	uint64_t distance = off > from ? off - from : from - off;
	if (distance < best->distance)
		*best = (struct anchor){from, by, distance};
}

/* How far the field moves: as the nearest that is told, or as the end of the
   struct that its own begins with. */
static int64_t movement(struct pm_build *b, size_t first, size_t end, size_t i)
{
	struct anchor best = {0, 0, UINT64_MAX};
	const struct pm_field *row = row_fields(b->l), *now = fields(b->l);
	static const size_t begins_with[][2] = {
		{PM_INDEX(heap_type.sizeof_), PM_INDEX(type.sizeof_)},
		{PM_INDEX(thread_impl.sizeof_), PM_INDEX(thread.sizeof_)},
	};
	for (size_t k = 0; k < sizeof begins_with / sizeof *begins_with; k++) {
		size_t base = begins_with[k][1];
		if (begins_with[k][0] == first)
			nearer(&best, row[i].off, row[base].off,
				(int64_t)now[base].off - row[base].off);
	}
	for (size_t k = first + 1; k < end; k++)
		if (is_told(b, k) && pm_has(row[k]))
			nearer(&best, row[i].off, row[k].off,
				(int64_t)now[k].off - row[k].off);
	return best.by;
}

static bool overlap(struct pm_field a, struct pm_field b)
{
	return a.off < b.off + b.size && b.off < a.off + a.size;
}

static bool is_number(struct pm_field f)
{
	return f.size == 1 || f.size == 2 || f.size == 4 || f.size == 8;
}

/* Structs and arrays reach no further than what is told behind them. */
static void clip(struct pm_build *b, size_t first, size_t end, size_t i)
{
	struct pm_field *now = fields(b->l);
	uint64_t limit = now[first].off;
	if (is_number(now[i]))
		return;
	for (size_t k = first + 1; k < end; k++)
		if (k != i && is_told(b, k) && now[k].off > now[i].off &&
			now[k].off < limit)
			limit = now[k].off;
	if (now[i].off < limit && limit - now[i].off < now[i].size)
		now[i].size = (uint16_t)(limit - now[i].off);
}

static bool collides(struct pm_build *b, size_t first, size_t end, size_t i)
{
	const struct pm_field *row = row_fields(b->l), *now = fields(b->l);
	for (size_t k = first + 1; k < end; k++)
		if (k != i && (k < i || is_told(b, k)) && pm_has(now[k]) &&
			overlap(now[i], now[k]) && !overlap(row[i], row[k]))
			return true;
	return false;
}

static void carry(struct pm_build *b, size_t first, size_t end, size_t i)
{
	struct pm_layout *l = b->l;
	struct pm_field *f = &fields(l)[i];
	int64_t by = movement(b, first, end, i);
	*f = row_fields(l)[i];
	l->sources[i] = by ? PM_SOURCE_NEIGHBOURS : PM_SOURCE_KIN;
	if (by < -(int64_t)f->off || by > UINT32_MAX / 2)
		by = 0;
	f->off = (uint32_t)(f->off + by);
	clip(b, first, end, i);
	if (pm_prove_fits(&l->f, &l->t, i, f->off) &&
		!collides(b, first, end, i))
		return;
	*f = (struct pm_field){0};
	l->sources[i] = PM_SOURCE_NONE;
}

void pm_kin_carry(struct pm_build *b)
{
	const struct pm_field *row = row_fields(b->l);
	struct pm_field *impl = &b->l->f.thread_impl.sizeof_;
	if (!is_told(b, PM_INDEX(thread_impl.sizeof_)))
		impl->off = b->l->row->fields.thread_impl.sizeof_.off +
			    b->l->f.thread.sizeof_.off -
			    b->l->row->fields.thread.sizeof_.off;
	for (size_t first = 0, end; first < PM_FIELD_COUNT; first = end) {
		size_t unused;
		pm_prove_struct(first, &unused, &end);
		for (size_t i = first + 1; i < end; i++)
			if (is_told(b, i))
				clip(b, first, end, i);
		for (size_t i = first + 1; i < end; i++)
			if (pm_has(row[i]) && !is_told(b, i))
				carry(b, first, end, i);
	}
}
