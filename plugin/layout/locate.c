/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a _PyRuntime may be: the debugger and symbols say so, or, in a binary
   without any, data that looks like one.  Until 3.6 the variable interp_head
   is all there is of it. */
#include "layout/build.h"

#include <string.h>

/* Searched without symbols, in all. */
#define MAX_SEARCHED ((uint64_t)256 << 20)
#define MAX_CANDIDATES 64

void pm_candidates_deinit(struct pm_candidates *c)
{
	pm_vec_deinit(&c->list);
}

static enum pm_status add(
	struct pm_candidates *c, struct pm_candidate one, struct pm_error *err)
{
	pm_vec_each (old, &c->list) {
		if (old->addr == one.addr) {
			if (!old->size)
				old->size = one.size;
			return PM_OK;
		}
	}
	if (c->list.len >= MAX_CANDIDATES)
		return PM_OK;
	if (!pm_vec_push(&c->list, one))
		return pm_fail(err, PM_NOMEM, 0, "no memory for candidates");
	return PM_OK;
}

static enum pm_status by_debug_info(
	struct pm_build *b, struct pm_candidates *c, struct pm_error *err)
{
	struct pm_candidate one = {.source = PM_SOURCE_DEBUG_INFO};
	if (!b->debug_info || !b->debug_info->asked)
		return PM_OK;
	if (!b->debug_info->lookup(b->debug_info->arg,
		    "(unsigned long long) &_PyRuntime", &one.addr)) {
		one.variable = true;
		if (!b->debug_info->lookup(b->debug_info->arg,
			    "(unsigned long long) &interp_head", &one.addr))
			return PM_OK;
	}
	one.module = pm_modules_at(b->ms, one.addr);
	if (!one.module)
		return PM_OK;
	return add(c, one, err);
}

static enum pm_status by_symbols(
	struct pm_build *b, struct pm_candidates *c, struct pm_error *err)
{
	static const char *const names[] = {"_PyRuntime", "interp_head"};
	struct pm_symbol symbol;
	const struct pm_module *module;
	for (unsigned i = 0; i < 2 && !c->list.len; i++) {
		size_t pos = 0;
		while (pm_modules_next_symbol(
			b->ms, names[i], &pos, &symbol, &module)) {
			struct pm_candidate one = {.addr = symbol.addr,
				.size = symbol.size,
				.variable = i == 1,
				.source = PM_SOURCE_SYMBOL,
				.module = module};
			PM_TRY(add(c, one, err));
		}
	}
	return PM_OK;
}

/* 3.13 and later begin with a cookie. */
static enum pm_status by_cookie(const struct pm_span *data,
	const struct pm_module *module, struct pm_candidates *c,
	struct pm_error *err)
{
	static const char cookie[8] = "xdebugpy";
	for (size_t off = 0; off + sizeof cookie <= data->len; off += 4) {
		struct pm_candidate one = {.addr = data->start + off,
			.source = PM_SOURCE_CALIBRATED,
			.module = module};
		if (memcmp(data->bytes + off, cookie, sizeof cookie) == 0)
			PM_TRY(add(c, one, err));
	}
	return PM_OK;
}

/* How many bytes of a _PyRuntimeState stand before the heads of interpreters
   at p, of which room bytes are before it: flags, who finalizes, and a mutex
   (pycore_runtime.h, pycore_runtime_structs.h).  Once it is initialized, the
   flags are 1 1 in 3.7; since 3.8 "preinitializing" and a flag more stand
   before them (0 1 1 1); in 3.11 and 3.12 another one before those, and on
   64-bit machines four bytes of padding behind.  0: they are not. */
static uint32_t bytes_before_heads(
	const unsigned char *p, size_t room, unsigned word, bool big_endian)
{
	static const struct {
		unsigned n;
		uint32_t flags[6]; /* backwards */
		unsigned word;	   /* 0: any */
	} fronts[] = {
		{6, {0, 1, 1, 1, 0, 1}, 8},
		{5, {1, 1, 1, 0, 1}, 4},
		{4, {1, 1, 1, 0}, 0},
		{2, {1, 1}, 0},
	};
	for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) {
		uint32_t size = 2 * word + 4 * fronts[i].n;
		bool same = room >= size &&
			    (!fronts[i].word || fronts[i].word == word);
		for (unsigned k = 0; k < fronts[i].n && same; k++)
			same = pm_load(p - 2 * word - 4 * (k + 1), 4,
				       big_endian) == fronts[i].flags[k];
		if (same)
			return size;
	}
	return 0;
}

static bool is_address(struct pm_build *b, pm_addr p, unsigned word)
{
	struct pm_target *t = pm_memory_target(b->m);
	return p && p % word == 0 && (!t->maps.len || pm_target_find_map(t, p));
}

/* By what stands before the heads of interpreters, without any row. */
static enum pm_status by_front(struct pm_build *b, const struct pm_span *data,
	const struct pm_module *module, struct pm_candidates *c,
	struct pm_error *err)
{
	unsigned word = module->word_size;
	if (!word)
		return PM_OK;
	for (size_t off = 2 * word; off + 2 * word <= data->len; off += word) {
		bool be = module->big_endian, good = true;
		const unsigned char *p = data->bytes + off;
		uint32_t before = bytes_before_heads(p, off, word, be);
		if (!before)
			continue;
		/* The mutex, the newest interpreter, the main one. */
		for (unsigned i = 1; i < 4 && good; i++)
			good = is_address(b,
				pm_load(p - 2 * word + i * word, word, be),
				word);
		struct pm_candidate one = {.addr = data->start + off - before,
			.source = PM_SOURCE_CALIBRATED,
			.heads_at = before,
			.by_front = true,
			.module = module};
		if (good)
			PM_TRY(add(c, one, err));
	}
	return PM_OK;
}

static bool same_places(const struct pm_fields *a, const struct pm_fields *b)
{
	return a->runtime.interpreters_head.off ==
		       b->runtime.interpreters_head.off &&
	       a->interp.next.off == b->interp.next.off &&
	       a->interp.threads_head.off == b->interp.threads_head.off &&
	       a->thread.interp.off == b->thread.interp.off;
}

/* Head and main of the interpreters, as this row has them. */
static enum pm_status by_row(struct pm_build *b, const struct pm_row *row,
	const struct pm_span *data, const struct pm_module *module,
	struct pm_candidates *c, struct pm_error *err)
{
	uint32_t at = row->fields.runtime.interpreters_head.off;
	size_t word = row->traits.word_size;
	pm_layout_destroy(b->l);
	b->l = NULL;
	PM_TRY(pm_layout_from_row(row, &b->l, err));
	for (size_t off = at; off + 2 * word <= data->len; off += word) {
		pm_addr head = pm_span_pointer(b, data, off);
		pm_addr main = pm_span_pointer(b, data, off + word);
		if (!head || !main ||
			!pm_calibrate_are_interpreters(b, head, main))
			continue;
		struct pm_candidate one = {.addr = data->start + off - at,
			.heads_at = at,
			.source = PM_SOURCE_CALIBRATED,
			.module = module};
		PM_TRY(add(c, one, err));
	}
	return PM_OK;
}

/* The variable interp_head: of all that lead to a chain of interpreters (the
   main one is cached elsewhere, too) one with the longest. */
static enum pm_status by_variable(struct pm_build *b, const struct pm_row *row,
	const struct pm_span *data, const struct pm_module *module,
	struct pm_candidates *c, struct pm_error *err)
{
	size_t word = row->traits.word_size;
	unsigned longest = 0, n;
	struct pm_candidate best = {.variable = true,
		.source = PM_SOURCE_CALIBRATED,
		.module = module};
	pm_layout_destroy(b->l);
	b->l = NULL;
	PM_TRY(pm_layout_from_row(row, &b->l, err));
	for (size_t off = 0; off + word <= data->len; off += word) {
		pm_addr head = pm_span_pointer(b, data, off);
		if (!head || !pm_calibrate_main_interpreter(b, head, &n) ||
			n <= longest)
			continue;
		longest = n;
		best.addr = data->start + off;
	}
	return longest ? add(c, best, err) : PM_OK;
}

static enum pm_status by_structure(struct pm_build *b,
	const struct pm_span *data, const struct pm_module *module,
	struct pm_candidates *c, struct pm_error *err)
{
	/* A _PyRuntime holds what looks like an interp_head, too: it is tried
	   before. */
	for (int variable = 0; variable < 2; variable++)
		for (size_t i = 0; b->rows[i]; i++) {
			const struct pm_row *row = b->rows[i];
			bool seen = !pm_row_is_of(row, module);
			if ((row->traits.gc_home == PM_GC_STATIC) != variable)
				continue;
			for (size_t k = 0; k < i && !seen; k++)
				seen = pm_row_is_of(b->rows[k], module) &&
				       same_places(&b->rows[k]->fields,
					       &row->fields);
			if (!seen)
				PM_TRY((variable ? by_variable : by_row)(
					b, row, data, module, c, err));
		}
	return PM_OK;
}

static enum pm_status by_search(
	struct pm_build *b, struct pm_candidates *c, struct pm_error *err)
{
	uint64_t searched = 0;
	for (size_t i = 0; i < b->ms->list.len; i++) {
		const struct pm_module *module = &b->ms->list.data[i];
		PM_CLEANUP(pm_span_deinit) struct pm_span data = {0};
		uint64_t len = module->data_end - module->data_start;
		if (module->data_end <= module->data_start ||
			len > MAX_SEARCHED - searched)
			continue;
		searched += len;
		enum pm_status s = pm_span_read(
			b->m, module->data_start, (size_t)len, &data, err);
		if (pm_status_is_fatal(s))
			return s;
		if (s != PM_OK)
			continue;
		size_t before = c->list.len;
		PM_TRY(by_cookie(&data, module, c, err));
		if (c->list.len > before)
			continue;
		PM_TRY(by_front(b, &data, module, c, err));
		PM_TRY(by_structure(b, &data, module, c, err));
	}
	return PM_OK;
}

enum pm_status pm_locate(
	struct pm_build *b, struct pm_candidates *ret, struct pm_error *err)
{
	PM_TRY(by_debug_info(b, ret, err));
	PM_TRY(by_symbols(b, ret, err));
	if (ret->list.len)
		return PM_OK;
	return by_search(b, ret, err);
}
