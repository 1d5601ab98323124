/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small Python of some row with bytes changed anywhere: its layout is found
   or refused; what was found is consistent.  Input: a byte that chooses row
   and debugger, then changes of eleven bytes: near what, offset, value. */
#include "layout/build.h"
#include "lib/mini-python.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHANGE 11
#define MAX_CHANGES 64

static struct mini minis[64]; /* by row, made when first needed */

static struct mini *mini_of(unsigned n)
{
	unsigned rows = 0;
	while (pm_rows[rows])
		rows++;
	struct mini *m = &minis[n % rows];
	if (!m->row)
		mini_init(m, pm_rows[n % rows], "/opt/app");
	return m;
}

/* The types too: searching for them takes longer than all the rest. */
static bool lookup(void *arg, const char *expression, uint64_t *ret)
{
	const struct mini *m = arg;
	const struct pm_places *at = &m->l->at;
	const struct {
		const char *name;
		pm_addr addr;
	} known[] = {
		{"&_PyRuntime", m->runtime},
		{"&PyType_Type", at->type_type.addr},
		{"&PyBaseObject_Type", at->object_type.addr},
		{"&PyDict_Type", at->dict_type.addr},
		{"&PyUnicode_Type", at->unicode_type.addr},
		{"&_Py_NoneStruct", at->none.addr},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strstr(expression, known[i].name)) {
			*ret = known[i].addr;
			return true;
		}
	return false;
}

static pm_addr where(const struct mini *m, const uint8_t *p)
{
	const struct pm_places *at = &m->l->at;
	const pm_addr near[] = {m->runtime, m->interp, m->thread, m->gc,
		m->sysdict, m->interned_dict, at->type_type.addr,
		at->dict_type.addr, at->arenas.addr, m->heap_next - 4096};
	pm_addr base = near[p[0] % (sizeof near / sizeof *near)];
	return (base ? base : m->runtime) + p[1] * 8u + (p[2] & 3) * 2048u;
}

static void run(struct mini *m, bool debugger)
{
	pm_auto_memory memory = NULL;
	pm_auto_layout l = NULL;
	struct pm_debug_info info = {debugger, lookup, m};
	struct pm_error err = {0};
	if (pm_memory_create(m->t, 64, &memory, &err) != PM_OK)
		return;
	if (pm_layout_create(memory, &m->ms, &info, &l, &err) == PM_OK) {
		if (!pm_prove_static(l, &err) || !l->at.interp_head.addr)
			__builtin_trap();
	} else if (!err.msg[0] || l) {
		__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t before[MAX_CHANGES][8], *at[MAX_CHANGES];
	size_t n = 0;
	if (!size)
		return 0;
	struct mini *m = mini_of(data[0] / 2);
	for (size_t i = 1; i + CHANGE <= size && n < MAX_CHANGES; i += CHANGE) {
		uint64_t value = pm_load(data + i + 3, 8, false);
		at[n] = pm_image_at(m->t, where(m, data + i), 8);
		if (!at[n])
			continue;
		memcpy(before[n], at[n], 8);
		/* half of the values near something that is there */
		if (data[i + 2] & 4)
			value = where(m, data + i + 3) + (value >> 56 & 15);
		memcpy(at[n++], &value, 8);
	}
	run(m, (data[0] & 1) == 0);
	while (n--)
		memcpy(at[n], before[n], 8);
	return 0;
}
