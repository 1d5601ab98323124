/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which Python a runtime is: by what it says itself, by its symbols, by the
   size of _PyRuntime, by the name of its file. */
#include "layout/build.h"

#include <string.h>

static const char cookie[8] = "xdebugpy";

/* PY_VERSION_HEX: 2.x or 3.x, and a release level of alpha, beta, candidate,
   final. */
static bool is_hexversion(uint64_t v)
{
	unsigned level = (unsigned)(v >> 4 & 0xf);
	return (v >> 24 == 3 || v >> 24 == 2) && (v >> 16 & 0xff) < 64 &&
	       (level == 0xf || (level >= 0xa && level <= 0xc));
}

static bool by_debug_offsets(struct pm_build *b, struct pm_identity *ret)
{
	unsigned char head[24];
	if (pm_memory_read(b->m, b->runtime, head, sizeof head, NULL) !=
			PM_OK ||
		memcmp(head, cookie, sizeof cookie) != 0)
		return false;
	bool be = pm_memory_target(b->m)->big_endian;
	uint64_t version = pm_load(head + 8, 8, be);
	uint64_t free_threaded = pm_load(head + 16, 8, be);
	if (!is_hexversion(version) || free_threaded > 1)
		return false;
	ret->hexversion = (unsigned)version;
	ret->source = PM_SOURCE_DEBUG_OFFSETS;
	ret->free_threaded = (int)free_threaded;
	return true;
}

/* A symbol of the module that holds the runtime. */
static bool own_symbol(
	struct pm_build *b, const char *name, struct pm_symbol *ret)
{
	const struct pm_module *module;
	size_t pos = 0;
	while (pm_modules_next_symbol(b->ms, name, &pos, ret, &module))
		if (module == b->python)
			return true;
	return false;
}

static unsigned by_py_version(struct pm_build *b)
{
	struct pm_symbol symbol;
	uint64_t v;
	if (!own_symbol(b, "Py_Version", &symbol) ||
		pm_memory_read_uint(b->m, symbol.addr, b->python->word_size, &v,
			NULL) != PM_OK ||
		!is_hexversion(v))
		return 0;
	return (unsigned)v;
}

/* Several rows may share a size: then only what they agree on is known. */
static void by_runtime_size(
	const struct pm_build *b, uint64_t size, struct pm_identity *ret)
{
	const struct pm_row *first = NULL;
	bool one_debug = true;
	for (size_t i = 0; size && b->rows[i]; i++) {
		if (b->rows[i]->runtime_size != size ||
			!pm_row_is_of(b->rows[i], b->python))
			continue;
		if (!first)
			first = b->rows[i];
		if (first->version != b->rows[i]->version)
			return;
		one_debug = one_debug && first->debug == b->rows[i]->debug;
	}
	if (!first)
		return;
	if (!ret->hexversion) {
		ret->hexversion = first->version << 16 | 0xffff;
		ret->source = PM_SOURCE_TABLE;
	}
	if (one_debug && ret->debug < 0)
		ret->debug = first->debug;
}

/* ".../libpython3.11.so.1.0", ".../python2.7d" */
static unsigned by_path(const char *path)
{
	const char *p = path;
	while ((p = strstr(p, "python"))) {
		p += strlen("python");
		if ((p[0] != '2' && p[0] != '3') || p[1] != '.')
			continue;
		unsigned major = (unsigned)(p[0] - '0');
		char *end;
		unsigned long minor = strtoul(p + 2, &end, 10);
		if (end != p + 2 && minor < 64)
			return (unsigned)(major << 8 | minor) << 16 | 0xffff;
	}
	return 0;
}

void pm_identify(struct pm_build *b)
{
	struct pm_identity *id = &b->id;
	struct pm_symbol symbol;
	id->debug = id->free_threaded = id->trace_refs = -1;
	by_debug_offsets(b, id);
	unsigned version = by_py_version(b);
	if (version && id->hexversion && version != id->hexversion)
		pm_build_warn(b,
			"_Py_DebugOffsets is of version 0x%x, Py_Version says "
			"0x%x",
			id->hexversion, version);
	if (version && !id->hexversion) {
		id->hexversion = version;
		id->source = PM_SOURCE_SYMBOL;
	}
	by_runtime_size(b, id->runtime_size, id);
	if (own_symbol(b, "_Py_RefTotal", &symbol))
		id->debug = 1;
	else if (id->debug < 0 && own_symbol(b, "PyType_Type", &symbol))
		id->debug = 0;
	if (own_symbol(b, "_Py_ForgetReference", &symbol))
		id->trace_refs = 1;
	else if (own_symbol(b, "PyType_Type", &symbol))
		id->trace_refs = 0;
	version = b->python ? by_path(b->python->path) : 0;
	if (version && !id->hexversion) {
		id->hexversion = version;
		id->source = PM_SOURCE_TABLE;
	}
}

/* An int of 32 bits.  Digits have 15 bits or 30, as the build has it, which
   the type tells by their width. */
static uint64_t small_int(struct pm_build *b, pm_addr obj)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t digits = 0, v = 0;
	struct pm_field digit = f->long_.digit;
	pm_addr type = pm_build_number(b, obj, f->object.type);
	uint64_t width = pm_build_number(b, type, f->type.itemsize);
	if (width == 2 || width == 4)
		digit.size = (uint16_t)width;
	switch (b->l->t.int_form) {
	case PM_INT_SIGNED_SIZE:
		digits = pm_build_number(b, obj, f->var_object.size);
		break;
	case PM_INT_TAG:
		digits = pm_build_number(b, obj, f->long_.tag) >> 3;
		break;
	case PM_INT_TWO_TYPES:
		return pm_build_number(b, obj, f->int_.value);
	}
	for (uint64_t i = 0; i < digits && digits <= 3; i++) {
		v |= pm_build_number(b, obj, digit)
		     << i * (digit.size == 2 ? 15 : 30);
		digit.off += digit.size;
	}
	return v;
}

bool pm_identify_by_sys(struct pm_build *b, struct pm_identity *ret)
{
	pm_addr interp = b->l->at.interp_head.addr;
	pm_addr sys = pm_build_number(b, interp, b->l->f.interp.sysdict);
	uint64_t version =
		small_int(b, pm_build_dict_get(b, sys, "hexversion"));
	char flags[16];
	if (!is_hexversion(version))
		return false;
	*ret = (struct pm_identity){.hexversion = (unsigned)version,
		.source = PM_SOURCE_CALIBRATED,
		.debug = pm_build_dict_get(b, sys, "gettotalrefcount") != 0,
		.free_threaded = -1,
		.trace_refs = b->id.trace_refs,
		.runtime_size = b->id.runtime_size,
		.heads_at = b->id.heads_at,
		.by_front = b->id.by_front,
		.variable = b->id.variable,
		.head_size = b->id.head_size,
		.kin = b->id.kin};
	uint64_t largest =
		small_int(b, pm_build_dict_get(b, sys, "maxunicode"));
	if (largest == 0xffff) /* a narrow build of 2.7 */
		b->l->t.wide_size = 2;
	pm_addr abi = pm_build_dict_get(b, sys, "abiflags");
	if (pm_build_is_exact(b, abi, pm_build_name_type(b)) &&
		pm_build_ascii(b, abi, flags, sizeof flags))
		ret->free_threaded = strchr(flags, 't') != NULL;
	return true;
}
