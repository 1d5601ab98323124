/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/roots.h"

#include "object/text.h"

#include <inttypes.h>
#include <string.h>

/* How far below a word of a stack a return address is looked for. */
#define CALL_WORDS 4096

/* Members that a Python programmer knows by another name. */
static const char *const known[][2] = {
	{"imports.modules", "sys.modules"},
	{"modules", "sys.modules"},
	{"sysdict", "vars(sys)"},
	{"builtins", "vars(builtins)"},
	{"gc.garbage", "gc.garbage"},
	{"gc.callbacks", "gc.callbacks"},
};

static void put_member(const struct pm_root *root, struct pm_strbuf *out)
{
	const char *name = root->name;
	if (!name) {
		pm_strbuf_printf(out, "+0x%" PRIx64, root->index);
		return;
	}
	pm_strbuf_puts(out, name);
	if (root->many)
		pm_strbuf_printf(out, "[%" PRIu64 "]", root->index);
}

static void put_interpreter(const struct pm_root *root, struct pm_strbuf *out)
{
	const char *name = NULL;
	for (size_t i = 0; root->name && i < sizeof known / sizeof *known; i++)
		if (!strcmp(root->name, known[i][0]))
			name = known[i][1];
	if (root->interp_id)
		pm_strbuf_printf(
			out, "interpreter %" PRId64 " ", root->interp_id);
	else if (!name)
		pm_strbuf_puts(out, "interpreter ");
	if (name)
		pm_strbuf_puts(out, name);
	else
		put_member(root, out);
}

static void put_state_word(const struct pm_root *root, struct pm_strbuf *out)
{
	if (root->thread)
		pm_strbuf_printf(out, "thread %zu ", root->thread);
	else if (root->interp_id < 0)
		pm_strbuf_puts(out, "runtime ");
	else
		pm_strbuf_printf(
			out, "interpreter %" PRId64 " ", root->interp_id);
	put_member(root, out);
}

static void put_frame(struct pm_heap *h, const struct pm_root *root, bool place,
	struct pm_strbuf *out)
{
	const struct pm_objects *o = &h->objects;
	pm_strbuf_printf(out, "thread %zu ", root->thread);
	if (!pm_code_name(o, root->code, true, out))
		pm_strbuf_putc(out, '?');
	pm_strbuf_puts(out, "()");
	if (place) {
		bool object = h->l->t.frame_entry == PM_FRAME_OBJECTS;
		struct pm_stack_frame f = {.code = root->code,
			.iframe = object ? 0 : root->holder,
			.object = object ? root->holder : 0};
		struct pm_code_place p = pm_frame_place(o, &f);
		pm_strbuf_puts(out, " (");
		if (!pm_code_file(o, root->code, out))
			pm_strbuf_putc(out, '?');
		if (p.line > 0)
			pm_strbuf_printf(out, ":%" PRId64, p.line);
		pm_strbuf_putc(out, ')');
	}
	pm_strbuf_putc(out, ' ');
	const struct pm_ref ref = {.target = root->target,
		.via = root->via,
		.name = root->name,
		.key = root->key,
		.index = root->index,
		.at = root->at};
	pm_ref_describe(o, NULL, &ref, out);
}

static void put_file(const struct pm_module *m, struct pm_strbuf *out)
{
	const char *base = basename(m->path);
	pm_strbuf_escaped(out, base, strlen(base));
}

/* " name+0x8 (file.so)", or " file.so+0x1234". */
static void put_symbol(struct pm_heap *h, pm_addr at, struct pm_strbuf *out)
{
	const struct pm_module *m;
	const char *name;
	uint64_t off;
	pm_strbuf_putc(out, ' ');
	if (h->modules &&
		pm_modules_symbol_at(h->modules, at, &m, &name, &off)) {
		pm_strbuf_escaped(out, name, strlen(name));
		if (off)
			pm_strbuf_printf(out, "+0x%" PRIx64, off);
		pm_strbuf_puts(out, " (");
		put_file(m, out);
		pm_strbuf_putc(out, ')');
		return;
	}
	m = h->modules ? pm_modules_at(h->modules, at) : NULL;
	if (!m) {
		pm_strbuf_printf(out, "0x%" PRIx64, at);
		return;
	}
	put_file(m, out);
	pm_strbuf_printf(out, "+0x%" PRIx64, at - m->start);
}

static void put_thread(const struct pm_root *root, struct pm_strbuf *out)
{
	if (root->thread)
		pm_strbuf_printf(out, "thread %zu", root->thread);
	else
		pm_strbuf_printf(
			out, "system thread %" PRIu64, root->native_thread);
}

static bool is_code(const struct pm_heap *h, pm_addr at)
{
	const struct pm_mapping *m = pm_target_find_map(h->target, at);
	return m && m->flags & PM_MAP_EXEC && pm_modules_at(h->modules, at);
}

/* Whose part of the stack it is: what was called from there left its return
   address below, nearest to it, unless a word between is left over. */
static void put_function(
	struct pm_heap *h, const struct pm_root *root, struct pm_strbuf *out)
{
	unsigned ws = h->l->t.word_size;
	pm_addr at = root->at;
	const struct pm_module *m;
	const char *name;
	uint64_t word, off;
	for (unsigned i = 0; h->modules && i < CALL_WORDS && at >= ws; i++) {
		at -= ws;
		if (pm_memory_read_uint(h->memory, at, ws, &word, NULL) !=
			PM_OK)
			return;
		if (!is_code(h, word))
			continue;
		if (pm_modules_symbol_at(h->modules, word, &m, &name, &off)) {
			pm_strbuf_puts(out, " (");
			pm_strbuf_escaped(out, name, strlen(name));
			pm_strbuf_putc(out, ')');
		}
		return;
	}
}

/* A static object: what it is, by its type's name or the linker's. */
static void put_static(
	struct pm_heap *h, const struct pm_root *root, struct pm_strbuf *out)
{
	struct pm_object x;
	if (pm_object_load(&h->objects, root->target, &x, NULL) == PM_OK) {
		const struct pm_type *t =
			x.type->kind == PM_KIND_TYPE
				? pm_types_get(h->types, root->target)
				: NULL;
		if (t && t->is_type) {
			pm_strbuf_printf(out, "static type %s", t->name);
			return;
		}
		pm_strbuf_printf(out, "static %s", x.type->name);
	} else {
		pm_strbuf_puts(out, "static object");
	}
	put_symbol(h, root->target, out);
}

void pm_root_name(struct pm_heap *h, const struct pm_root *root, bool place,
	struct pm_strbuf *out)
{
	switch (root->kind) {
	case PM_ROOT_INTERPRETER:
		put_interpreter(root, out);
		return;
	case PM_ROOT_THREAD:
		pm_strbuf_printf(out, "thread %zu ", root->thread);
		put_member(root, out);
		return;
	case PM_ROOT_IMMORTAL:
		pm_strbuf_puts(out, "immortal object");
		return;
	case PM_ROOT_FRAME:
	case PM_ROOT_STACK_WORD:
		put_frame(h, root, place, out);
		return;
	case PM_ROOT_RUNTIME:
		pm_strbuf_puts(out, "runtime ");
		put_member(root, out);
		return;
	case PM_ROOT_STATIC:
		put_static(h, root, out);
		return;
	case PM_ROOT_INTERNED:
		pm_strbuf_puts(out, "interned string");
		return;
	case PM_ROOT_STATE_WORD:
		put_state_word(root, out);
		return;
	case PM_ROOT_GLOBAL:
		pm_strbuf_puts(out, "C variable");
		put_symbol(h, root->at, out);
		return;
	case PM_ROOT_C_STACK:
		pm_strbuf_puts(out, "C stack of ");
		put_thread(root, out);
		pm_strbuf_printf(out, " at sp%+" PRId64, (int64_t)root->index);
		put_function(h, root, out);
		return;
	case PM_ROOT_REGISTER:
		pm_strbuf_printf(out, "register %s of ", root->name);
		put_thread(root, out);
		return;
	case PM_ROOT_KINDS:
		return;
	}
}
