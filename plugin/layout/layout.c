/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "layout/layout.h"

#include "layout/rows.h"

#include <string.h>

const struct pm_row *const pm_rows[] = {
#define X(name) &pm_row_##name,
	PM_ROWS(X) PM_TWINS(X)
#undef X
		NULL,
};

_Static_assert(sizeof pm_rows / sizeof *pm_rows - 1 <= PM_ROWS_MAX, "rows");

/* struct pm_fields seen as an array: nothing but struct pm_field in it. */
_Static_assert(sizeof(struct pm_fields) % sizeof(struct pm_field) == 0,
	"struct pm_fields holds fields only");

/* clang-format off */
static const struct {
	const char *of, *name;
} names[PM_FIELD_COUNT] = {
#define F(f, expr) { NULL, #f },
#define S(s, types) { #s, "sizeof_" }, PM_FIELDS_##s(F)
	PM_STRUCTS(S)
#undef S
#undef F
};
/* clang-format on */

const char *pm_layout_c_name(size_t i)
{
	/* clang-format off */
	static const char *const c_names[PM_FIELD_COUNT] = {
#define F(f, expr) expr,
#define S(s, types) types, PM_FIELDS_##s(F)
		PM_STRUCTS(S)
#undef S
#undef F
	};
	/* clang-format on */
	return i < PM_FIELD_COUNT ? c_names[i] : "";
}

const char *pm_source_text(enum pm_source s)
{
	switch (s) {
	case PM_SOURCE_NONE:
		return "none";
	case PM_SOURCE_KIN:
		return "another release";
	case PM_SOURCE_NEIGHBOURS:
		return "its neighbours";
	case PM_SOURCE_TABLE:
		return "table";
	case PM_SOURCE_CALIBRATED:
		return "calibration";
	case PM_SOURCE_SYMBOL:
		return "symbol table";
	case PM_SOURCE_DEBUG_OFFSETS:
		return "_Py_DebugOffsets";
	case PM_SOURCE_DEBUG_INFO:
		return "debug info";
	}
	return "unknown source";
}

enum pm_status pm_layout_from_row(
	const struct pm_row *row, struct pm_layout **ret, struct pm_error *err)
{
	struct pm_layout *l = calloc(1, sizeof *l);
	if (!l)
		return pm_fail(err, PM_NOMEM, 0, "no memory for a layout");
	l->f = row->fields;
	l->t = row->traits;
	l->row = row;
	l->debug = row->debug;
	l->free_threaded = row->free_threaded;
	l->hexversion = row->version << 16 | row->micro_min << 8 | 0xf0;
	l->version_source = PM_SOURCE_TABLE;
	l->version_exact = row->micro_min == row->micro_max;
	if (!l->version_exact)
		l->hexversion |= 0xffff;
	const struct pm_field *f = (const struct pm_field *)&l->f;
	for (size_t i = 0; i < PM_FIELD_COUNT; i++)
		if (pm_has(f[i]))
			l->sources[i] = PM_SOURCE_TABLE;
	*ret = l;
	return PM_OK;
}

void pm_layout_destroy(struct pm_layout *l)
{
	if (!l)
		return;
	pm_vec_each (w, &l->warnings)
		free(*w);
	pm_vec_deinit(&l->warnings);
	pm_vec_deinit(&l->nameless);
	free(l);
}

bool pm_layout_is_nameless(const struct pm_layout *l, pm_addr type)
{
	size_t lo = 0, hi = l->nameless.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (l->nameless.data[mid] < type)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->nameless.len && l->nameless.data[lo] == type;
}

bool pm_layout_field(const struct pm_layout *l, size_t i,
	const char **ret_struct, const char **ret_field,
	const struct pm_field **ret, enum pm_source *ret_source)
{
	if (i >= PM_FIELD_COUNT)
		return false;
	size_t first = i;
	while (!names[first].of)
		first--;
	*ret_struct = names[first].of;
	*ret_field = names[i].name;
	*ret = (const struct pm_field *)&l->f + i;
	*ret_source = (enum pm_source)l->sources[i];
	return true;
}

enum pm_status pm_layout_read(const struct pm_layout *l, struct pm_memory *m,
	pm_addr addr, struct pm_field f, uint64_t *ret, struct pm_error *err)
{
	if (!pm_has(f))
		return pm_fail(err, PM_ABSENT, addr,
			"no such field in the layout of Python %s",
			l->row->name);
	if (f.size > 8 || (f.size & (f.size - 1)))
		return pm_fail(err, PM_USAGE, addr,
			"a field of %u bytes is not a number", f.size);
	unsigned char bytes[8];
	PM_TRY(pm_memory_read(m, addr + f.off, bytes, f.size, err));
	uint64_t v = pm_load(bytes, f.size, l->t.big_endian);
	if (f.bits)
		v = v >> f.bit & ((UINT64_C(1) << f.bits) - 1);
	*ret = v;
	return PM_OK;
}

enum pm_status pm_layout_next_interpreter(const struct pm_layout *l,
	struct pm_memory *m, pm_addr *interp, struct pm_error *err)
{
	if (!l->all_interpreters)
		return pm_layout_read(
			l, m, *interp, l->f.interp.next, interp, err);
	*interp = 0;
	return PM_OK;
}
