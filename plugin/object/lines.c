/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/lines.h"
#include "layout/wording.h"

#include <string.h>

/* A table longer than that is not believed. */
#define MAX_TABLE (UINT64_C(1) << 24)

const char *pm_run_state_text(enum pm_run_state s)
{
	switch (s) {
	case PM_RUN_CREATED:
		return "created";
	case PM_RUN_SUSPENDED:
		return "suspended";
	case PM_RUN_CREATED_OR_SUSPENDED:
		return "created or suspended";
	case PM_RUN_RUNNING:
		return "running";
	case PM_RUN_CLOSED:
		return "closed";
	case PM_RUN_UNKNOWN:
		break;
	}
	return "not known";
}

struct table {
	unsigned char *bytes; /* owned */
	uint64_t n, i;
};

static void table_deinit(struct table *t)
{
	free(t->bytes);
}

/* co_lnotab: pairs of {bytes, lines}, a pair may only add (until 3.9). */
static int64_t by_increments(
	const struct table *t, int64_t line, int64_t wanted)
{
	int64_t addr = 0;
	for (uint64_t i = 0; i + 1 < t->n; i += 2) {
		addr += t->bytes[i];
		if (addr > wanted)
			break;
		line += (int8_t)t->bytes[i + 1];
	}
	return line;
}

/* co_linetable of PEP 626: pairs of {length, lines}; -128 lines: none. */
static int64_t by_ranges(const struct table *t, int64_t line, int64_t wanted)
{
	int64_t end = 0;
	for (uint64_t i = 0; i + 1 < t->n; i += 2) {
		int8_t lines = (int8_t)t->bytes[i + 1];
		end += t->bytes[i];
		if (lines != -128)
			line += lines;
		if (end > wanted)
			return lines == -128 ? -1 : line;
	}
	return 0;
}

static uint64_t varint(struct table *t)
{
	uint64_t v = 0;
	unsigned shift = 0;
	while (t->i < t->n) {
		unsigned char b = t->bytes[t->i++];
		v |= (uint64_t)(b & 63) << shift;
		shift += 6;
		if (!(b & 64) || shift > 30)
			break;
	}
	return v;
}

/* Of PEP 657: entries begin with bit 7, a code of 4 bits and a length. */
static int64_t by_positions(struct table *t, int64_t line, int64_t wanted)
{
	int64_t end = 0;
	while (t->i < t->n) {
		unsigned char first = t->bytes[t->i++];
		unsigned code = first >> 3 & 15;
		end += 2 * ((first & 7) + 1);
		if (code == 13 || code == 14) {
			uint64_t v = varint(t);
			int64_t step = (int64_t)(v >> 1);
			line += v & 1 ? -step : step;
		} else if (code >= 10 && code <= 12) {
			line += code - 10;
		}
		if (end > wanted)
			return code == 15 ? -1 : line;
		while (t->i < t->n && !(t->bytes[t->i] & 0x80))
			t->i++;
	}
	return 0;
}

int64_t pm_code_line(const struct pm_objects *o, pm_addr code, int64_t at)
{
	const struct pm_layout *l = o->l;
	uint64_t first = 0, table = 0, n = 0;
	PM_CLEANUP(table_deinit) struct table t = {0};
	if (pm_layout_read(l, o->m, code, l->f.code.firstlineno, &first,
		    NULL) != PM_OK ||
		pm_layout_read(l, o->m, code, l->f.code.linetable, &table,
			NULL) != PM_OK ||
		pm_layout_read(l, o->m, table, l->f.var_object.size, &n,
			NULL) != PM_OK ||
		n > MAX_TABLE)
		return 0;
	int64_t line = (int32_t)first;
	if (at < 0 && pm_wording_is(l, PM_WORDING_LINES_BY_RANGE))
		return line;
	t.bytes = malloc(n + 1);
	t.n = n;
	if (!t.bytes || pm_memory_read(o->m, table + l->f.bytes.data.off,
				t.bytes, n, NULL) != PM_OK)
		return 0;
	if (pm_wording_is(l, PM_WORDING_LINES_BY_POSITION))
		return by_positions(&t, line, at);
	if (pm_wording_is(l, PM_WORDING_LINES_BY_RANGE))
		return by_ranges(&t, line, at);
	return by_increments(&t, line, at);
}

/* Where the bytecode begins that a frame runs: free-threaded builds make copies
   of it, one for each thread (co_tlbc, 3.14). */
static pm_addr bytecode(
	const struct pm_objects *o, pm_addr iframe, pm_addr code)
{
	const struct pm_layout *l = o->l;
	pm_addr own = code + l->f.code.code_adaptive.off;
	uint64_t copies = 0, i = 0, n = 0, at = 0;
	unsigned ws = l->t.word_size;
	if (!pm_has(l->f.code.tlbc) ||
		pm_layout_read(l, o->m, code, l->f.code.tlbc, &copies, NULL) !=
			PM_OK ||
		!copies ||
		pm_layout_read(l, o->m, iframe, l->f.iframe.tlbc_index, &i,
			NULL) != PM_OK ||
		pm_memory_read_uint(o->m, copies, ws, &n, NULL) != PM_OK ||
		i >= n ||
		pm_memory_read_uint(
			o->m, copies + (1 + i) * ws, ws, &at, NULL) != PM_OK)
		return own;
	return at;
}

bool pm_iframe_place(
	const struct pm_objects *o, pm_addr iframe, struct pm_code_place *ret)
{
	const struct pm_layout *l = o->l;
	uint64_t code = 0, instr = 0;
	if (pm_layout_read(l, o->m, iframe, l->f.iframe.code, &code, NULL) !=
			PM_OK ||
		pm_layout_read(l, o->m, iframe, l->f.iframe.instr, &instr,
			NULL) != PM_OK)
		return false;
	if (l->t.frame_refs == PM_REF_TAGGED)
		code &= ~UINT64_C(3);
	ret->code = code;
	ret->line = 0;
	int64_t at = (int64_t)(instr - bytecode(o, iframe, code));
	if (at >= -2 && at < INT64_C(1) << 28)
		ret->line = pm_code_line(o, code, at);
	return true;
}

static bool frame_place(const struct pm_objects *o, const struct pm_object *x,
	struct pm_code_place *p)
{
	const struct pm_layout *l = o->l;
	const struct pm_fields *f = &l->f;
	const void *body = pm_object_body(x);
	int64_t set = pm_get_signed(l, body, f->frame.lineno);
	if (pm_has(f->frame.iframe)) {
		(void)pm_iframe_place(o, pm_get(l, body, f->frame.iframe), p);
		if (set > 0)
			p->line = set;
		return p->code;
	}
	int64_t at = pm_get_signed(l, body, f->frame.lasti);
	p->code = pm_get(l, body, f->frame.code);
	if (pm_wording_is(l, PM_WORDING_LINES_BY_RANGE))
		at *= 2; /* it counts instructions */
	else if (!pm_get(l, body, f->frame.trace))
		set = 0; /* kept only while somebody traces */
	p->line = set > 0 ? set : pm_code_line(o, p->code, at);
	return p->code;
}

/* What gi_frame_state means; nothing but the order has stayed. */
static enum pm_run_state state_of(const struct pm_layout *l, int64_t v)
{
	if (l->t.gen_states == PM_GEN_STATES_315)
		return v == 0	? PM_RUN_CREATED
		       : v <= 3 ? PM_RUN_SUSPENDED
		       : v == 4 ? PM_RUN_RUNNING
				: PM_RUN_CLOSED;
	int64_t created = pm_wording_is(l, PM_WORDING_GEN_YIELD_FROM) ? -3 : -2;
	return v == created ? PM_RUN_CREATED
	       : v < 0	    ? PM_RUN_SUSPENDED
	       : v == 0	    ? PM_RUN_RUNNING
			    : PM_RUN_CLOSED;
}

/* A frame that runs is linked to the one that called it; one that was cleared
   has no function (gen_send_ex2, _PyFrame_ClearExceptCode). */
static enum pm_run_state state_by_frame(
	const struct pm_objects *o, pm_addr iframe)
{
	const struct pm_layout *l = o->l;
	uint64_t mask = l->t.frame_refs == PM_REF_TAGGED ? 3 : 0;
	uint64_t previous = 0, function = 0;
	if (pm_layout_read(l, o->m, iframe, l->f.iframe.previous, &previous,
		    NULL) != PM_OK ||
		pm_layout_read(l, o->m, iframe, l->f.iframe.func, &function,
			NULL) != PM_OK)
		return PM_RUN_UNKNOWN;
	return !(function & ~mask) ? PM_RUN_CLOSED
	       : previous	   ? PM_RUN_RUNNING
				   : PM_RUN_CREATED_OR_SUSPENDED;
}

enum pm_run_state pm_gen_state(
	const struct pm_objects *o, const struct pm_object *x)
{
	const struct pm_fields *f = &o->l->f;
	if (o->l->t.gen_states == PM_GEN_STATES_BY_FRAME)
		return state_by_frame(o, x->addr + f->gen.iframe.off);
	return state_of(o->l,
		pm_get_signed(o->l, pm_object_body(x), f->gen.frame_state));
}

static bool gen_place(const struct pm_objects *o, const struct pm_object *x,
	struct pm_code_place *p)
{
	const struct pm_layout *l = o->l;
	const struct pm_fields *f = &l->f;
	const void *body = pm_object_body(x);
	if (pm_has(f->gen.iframe)) {
		(void)pm_iframe_place(o, x->addr + f->gen.iframe.off, p);
		p->state = pm_gen_state(o, x);
		if (p->state == PM_RUN_CLOSED)
			p->line = 0;
		return true;
	}
	pm_addr frame = pm_get(l, body, f->gen.frame);
	struct pm_object inner;
	p->code = pm_get(l, body, f->gen.code);
	p->state = PM_RUN_CLOSED;
	if (!frame)
		return true;
	if (pm_object_load(o, frame, &inner, NULL) != PM_OK ||
		!frame_place(o, &inner, p))
		return false;
	const void *frame_body = pm_object_body(&inner);
	bool runs = pm_has(f->frame.state)
			    ? !pm_get(l, frame_body, f->frame.state)
			    : pm_get(l, body, f->gen.running);
	p->state = runs ? PM_RUN_RUNNING
		   : pm_get_signed(l, frame_body, f->frame.lasti) == -1
			   ? PM_RUN_CREATED
			   : PM_RUN_SUSPENDED;
	return true;
}

bool pm_code_place(const struct pm_objects *o, const struct pm_object *x,
	struct pm_code_place *ret)
{
	struct pm_code_place p = {0};
	bool found = x->type->kind == PM_KIND_FRAME ? frame_place(o, x, &p)
		     : x->type->kind == PM_KIND_GEN ? gen_place(o, x, &p)
						    : false;
	if (found)
		*ret = p;
	return found;
}
