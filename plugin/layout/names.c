/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of static types when they are in neither the core nor a file: they
   are constants of Python's code, which a core leaves out.  The four types
   that all else builds on tell themselves by their flags; the others have
   their names in the dicts of modules.  What is found is supplied to the
   target, as if the constants were there. */
#include "layout/build.h"

#include <string.h>

/* Since 2.6: Include/object.h. */
#define FLAG_HEAPTYPE (UINT64_C(1) << 9)
#define FLAG_READY (UINT64_C(1) << 12)
#define FLAG_BYTES (UINT64_C(1) << 27)
#define FLAG_UNICODE (UINT64_C(1) << 28)
#define FLAG_DICT (UINT64_C(1) << 29)
#define FLAG_TYPE (UINT64_C(1) << 31)

#define MAX_STATIC_TYPES 512
#define MAX_BASIC_SIZE (1u << 20)
#define MAX_MODULE_DATA ((uint64_t)64 << 20)

/* Where no file is missing there is nothing to do. */
static bool lacks_memory(const struct pm_build *b)
{
	const struct pm_target *t = pm_memory_target(b->m);
	bool missing = false;
	for (size_t i = 0; i < b->ms->list.len && !missing; i++)
		missing = !b->ms->list.data[i].file_matches;
	if (!missing || t->kind == PM_TARGET_CORE)
		return missing;
	for (size_t i = 0; i < t->maps.len; i++)
		if (t->maps.data[i].flags & PM_MAP_ABSENT)
			return true;
	return false;
}

/* Where the name of a type would be, 0 when it is there. */
static pm_addr missing_name(struct pm_build *b, pm_addr type)
{
	struct pm_target *t = pm_memory_target(b->m);
	pm_addr at = pm_build_number(b, type, b->l->f.type.name);
	const struct pm_mapping *m = at ? pm_target_find_map(t, at) : NULL;
	char byte;
	/* Some cores do not even list what they leave out. */
	if (m ? !(m->flags & PM_MAP_ABSENT) : !pm_modules_at(b->ms, at))
		return 0;
	if (pm_target_is_supplied(t, at) || t->ops->read(t, at, &byte, 1))
		return 0;
	return at;
}

/* False when the type has a name already. */
static bool supply(struct pm_build *b, pm_addr type, const char *name)
{
	pm_addr at = missing_name(b, type);
	return at && pm_target_supply(pm_memory_target(b->m), at, name,
			     strlen(name) + 1, NULL) == PM_OK;
}

static pm_addr type_of(struct pm_build *b, pm_addr object)
{
	return pm_build_number(b, object, b->l->f.object.type);
}

/* ---- type, object, dict, str ---- */

static bool has_size(struct pm_build *b, pm_addr type, struct pm_field size)
{
	return pm_build_number(b, type, b->l->f.type.basicsize) == size.off;
}

/* PyType_Type is its own type, and all it has besides object's fields is a
   type's. */
static bool is_type_type(struct pm_build *b, pm_addr type)
{
	const struct pm_fields *f = &b->l->f;
	pm_addr base = pm_build_number(b, type, f->type.base);
	return (pm_build_number(b, type, f->type.flags) & FLAG_TYPE) &&
	       has_size(b, type, f->heap_type.sizeof_) && base &&
	       type_of(b, base) == type &&
	       has_size(b, base, f->object.sizeof_) &&
	       !pm_build_number(b, base, f->type.base) && missing_name(b, type);
}

/* A type with one of these flags hands it on to those that derive from it.
   Its own base is object; or basestring, in 2.7. */
static void name_basic(struct pm_build *b, pm_addr type)
{
	const struct pm_fields *f = &b->l->f;
	pm_addr base = pm_build_number(b, type, f->type.base);
	uint64_t flags = pm_build_number(b, type, f->type.flags);
	uint64_t own =
		base ? flags & ~pm_build_number(b, base, f->type.flags) : 0;
	bool wide = b->l->t.text_form == PM_TEXT_WIDE;
	if ((own & FLAG_DICT) && has_size(b, type, f->dict.sizeof_))
		supply(b, type, "dict");
	else if ((own & FLAG_UNICODE) && has_size(b, type, f->unicode.sizeof_))
		supply(b, type, wide ? "unicode" : "str");
	else if (wide && (own & FLAG_BYTES) &&
		 pm_build_number(b, type, f->type.basicsize) ==
			 f->bytes.data.off + 1)
		supply(b, type, "str");
	else if (!wide && !(flags & FLAG_READY) &&
		 !pm_build_number(b, type, f->type.basicsize))
		/* Never made ready: the marks of Objects/setobject.c. */
		supply(b, type, "<dummy key> type");
}

void pm_names_of_basic_types(struct pm_build *b)
{
	const struct pm_fields *f = &b->l->f;
	size_t step = b->l->t.word_size;
	pm_addr type = 0;
	if (!lacks_memory(b) || pm_build_data(b, NULL) != PM_OK)
		return;
	size_t end = b->data.len >= f->type.sizeof_.off
			     ? b->data.len - f->type.sizeof_.off
			     : 0;
	for (size_t off = 0; off < end && !type; off += step) {
		pm_addr at = b->data.start + off;
		if (pm_span_pointer(b, &b->data, off + f->object.type.off) ==
				at &&
			is_type_type(b, at))
			type = at;
	}
	if (!type)
		return;
	pm_addr object = pm_build_number(b, type, f->type.base);
	supply(b, type, "type");
	supply(b, object, "object");
	for (size_t off = 0; off < end; off += step)
		if (pm_span_pointer(b, &b->data, off + f->object.type.off) ==
			type)
			name_basic(b, b->data.start + off);
}

/* ---- all others ---- */

/* Names that differ from what their module calls them. */
static const struct alias {
	const char *module, *key, *name;
	bool of_value;	 /* the name of the value's type */
	unsigned before; /* only in versions below this; 0: in all */
} aliases[] = {
	{"builtins", "None", "NoneType", true, 0},
	{"builtins", "Ellipsis", "ellipsis", true, 0},
	{"builtins", "NotImplemented", "NotImplementedType", true, 0},
	{"builtins", "len", "builtin_function_or_method", true, 0},
	/* 2.7 */
	{"types", "ClassType", "classobj", false, 0x300},
	{"types", "DictProxyType", "dictproxy", false, 0x300},
	{"types", "InstanceType", "instance", false, 0x300},
	{"types", "MethodType", "instancemethod", false, 0x300},
	{"types", "UnboundMethodType", "instancemethod", false, 0x300},
	{"thread", "LockType", "thread.lock", false, 0x300},
	{"types", "FunctionType", "function", false, 0},
	{"types", "LambdaType", "function", false, 0},
	{"types", "CodeType", "code", false, 0},
	{"types", "MappingProxyType", "mappingproxy", false, 0},
	{"types", "SimpleNamespace", "types.SimpleNamespace", false, 0},
	{"types", "CellType", "cell", false, 0},
	{"types", "GeneratorType", "generator", false, 0},
	{"types", "CoroutineType", "coroutine", false, 0},
	{"types", "AsyncGeneratorType", "async_generator", false, 0},
	{"types", "MethodType", "method", false, 0},
	{"types", "BuiltinFunctionType", "builtin_function_or_method", false,
		0},
	{"types", "BuiltinMethodType", "builtin_function_or_method", false, 0},
	{"types", "WrapperDescriptorType", "wrapper_descriptor", false, 0},
	{"types", "MethodWrapperType", "method-wrapper", false, 0},
	{"types", "MethodDescriptorType", "method_descriptor", false, 0},
	{"types", "ClassMethodDescriptorType", "classmethod_descriptor", false,
		0},
	{"types", "ModuleType", "module", false, 0},
	{"types", "TracebackType", "traceback", false, 0},
	{"types", "FrameType", "frame", false, 0},
	{"types", "GetSetDescriptorType", "getset_descriptor", false, 0},
	{"types", "MemberDescriptorType", "member_descriptor", false, 0},
	{"types", "GenericAlias", "types.GenericAlias", false, 0},
	{"types", "UnionType", "types.UnionType", false, 0x30e},
	{"types", "UnionType", "typing.Union", false, 0},
	{"types", "EllipsisType", "ellipsis", false, 0},
	{"types", "NoneType", "NoneType", false, 0},
	{"types", "NotImplementedType", "NotImplementedType", false, 0},
	{"types", "CapsuleType", "PyCapsule", false, 0},
	{"types", "LazyImportType", "lazy_import", false, 0},
	/* 3.6 */
	{"inspect", "_MethodWrapper", "method-wrapper", false, 0},
	{"re", "_pattern_type", "_sre.SRE_Pattern", false, 0},
	{"sys", "flags", "sys.flags", true, 0},
	{"sys", "float_info", "sys.float_info", true, 0},
	{"sys", "hash_info", "sys.hash_info", true, 0},
	{"sys", "implementation", "types.SimpleNamespace", true, 0},
	{"sys", "int_info", "sys.int_info", true, 0},
	{"sys", "thread_info", "sys.thread_info", true, 0},
	{"sys", "version_info", "sys.version_info", true, 0},
	{"collections", "_tuplegetter", "_collections._tuplegetter", false, 0},
	{"_frozen_importlib", "_wrap", "function", true, 0},
	{"_frozen_importlib_external", "_code_type", "code", false, 0},
	{"_collections_abc", "EllipsisType", "ellipsis", false, 0},
	{"_collections_abc", "FunctionType", "function", false, 0},
	{"_collections_abc", "GenericAlias", "types.GenericAlias", false, 0},
	{"_collections_abc", "str_iterator", "str_iterator", false, 0x30b},
	{"_collections_abc", "str_iterator", "str_ascii_iterator", false, 0},
	{"_contextvars", "Context", "Context", false, 0x30a},
	{"_contextvars", "ContextVar", "ContextVar", false, 0x30a},
	{"_contextvars", "Token", "Token", false, 0x30a},
	{"_elementtree", "Element", "xml.etree.ElementTree.Element", false, 0},
	{"_elementtree", "TreeBuilder", "xml.etree.ElementTree.TreeBuilder",
		false, 0},
	{"_elementtree", "XMLParser", "xml.etree.ElementTree.XMLParser", false,
		0},
	{"_thread", "LockType", "_thread.lock", false, 0},
	{"posix", "stat_result", "posix.stat_result", false, 0x300},
	{"posix", "stat_result", "os.stat_result", false, 0},
	{"posix", "statvfs_result", "posix.statvfs_result", false, 0x300},
	{"posix", "statvfs_result", "os.statvfs_result", false, 0},
	{"posix", "terminal_size", "os.terminal_size", false, 0},
	{"_typing", "TypeAliasType", "typing.TypeAliasType", false, 0},
	{"_weakref", "ref", "weakref", false, 0x30a},
	{"_weakref", "ReferenceType", "weakref", false, 0x30a},
	{"_weakref", "ProxyType", "weakproxy", false, 0x30a},
	{"_weakref", "CallableProxyType", "weakcallableproxy", false, 0x30a},
	{"_weakref", "ref", "weakref.ReferenceType", false, 0},
	{"_weakref", "ProxyType", "weakref.ProxyType", false, 0},
	{"_weakref", "CallableProxyType", "weakref.CallableProxyType", false,
		0},
};

/* Modules in which names are sought, in this order, and then all others; a
   bare one's types have no module in their name. */
static const struct home {
	const char *module;
	bool bare;
	unsigned before; /* as of aliases */
} homes[] = {
	{"exceptions", false, 0x300}, /* builtins has them, too */
	{"builtins", true, 0},
	{"types", true, 0},
	{"thread", false, 0x300},
	{"sys", false, 0},
	{"_weakref", false, 0},
	{"_frozen_importlib", false, 0},
	{"_frozen_importlib_external", false, 0},
	{"_collections_abc", true, 0},
	{"_thread", false, 0},
	{"_contextvars", false, 0},
	{"posix", false, 0},
	{"itertools", false, 0},
	{"operator", false, 0},
	{"collections", false, 0},
	{"functools", false, 0},
	{"_io", false, 0},
	{"datetime", false, 0},
};
#define HOMES (sizeof homes / sizeof *homes)

struct naming {
	struct pm_build *b;
	size_t pass; /* index in homes; HOMES: all */
	const char *module;
	bool bare;
	size_t named;
};

/* A static type, made ready; classes keep their name in an object. */
static bool is_static_type(struct pm_build *b, pm_addr value)
{
	if (!pm_build_is_address(b, value) ||
		type_of(b, value) != b->l->at.type_type.addr)
		return false;
	uint64_t flags = pm_build_number(b, value, b->l->f.type.flags);
	return (flags & FLAG_READY) && !(flags & FLAG_HEAPTYPE);
}

static void name_type_of(struct naming *n, pm_addr object, const char *name)
{
	pm_addr type = object ? type_of(n->b, object) : 0;
	if (is_static_type(n->b, type))
		n->named += supply(n->b, type, name);
}

static bool is_of_release(const struct pm_build *b, unsigned before)
{
	return !before || b->l->row->version < before;
}

static bool name_value(void *arg, pm_addr key, pm_addr value)
{
	struct naming *n = arg;
	struct pm_build *b = n->b;
	char text[128], full[300];
	if (!pm_build_is_exact(b, key, pm_build_name_type(b)) ||
		!pm_build_ascii(b, key, text, sizeof text))
		return true;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		const struct alias *a = &aliases[i];
		if (strcmp(a->module, n->module) || strcmp(a->key, text) ||
			!is_of_release(b, a->before))
			continue;
		pm_addr type = a->of_value ? type_of(b, value) : value;
		if (is_static_type(b, type))
			n->named += supply(b, type, a->name);
		return true;
	}
	if (!is_static_type(b, value))
		return true;
	snprintf(full, sizeof full, "%s%s%s", n->bare ? "" : n->module,
		n->bare ? "" : ".", text);
	n->named += supply(b, value, full);
	return true;
}

static bool name_module(void *arg, pm_addr key, pm_addr module)
{
	struct naming *n = arg;
	struct pm_build *b = n->b;
	char name[128];
	if (!pm_build_is_exact(b, key, pm_build_name_type(b)) ||
		!pm_build_ascii(b, key, name, sizeof name) ||
		!pm_build_is_address(b, module))
		return true;
	if (strcmp(name, "__builtin__") == 0) /* 2.7 */
		memcpy(name, "builtins", sizeof "builtins");
	bool home = n->pass < HOMES;
	if (home && (strcmp(homes[n->pass].module, name) ||
			    !is_of_release(b, homes[n->pass].before)))
		return true;
	/* What stands in for a module may be anything. */
	pm_addr dict = pm_build_number(b, module, b->l->f.module.dict);
	if (!pm_build_is_exact(b, dict, b->l->at.dict_type.addr))
		return true;
	if (home) {
		name_type_of(n, module, "module");
		name_type_of(n, pm_build_number(b, module, b->l->f.module.def),
			"moduledef");
	}
	n->module = name;
	n->bare = home && homes[n->pass].bare;
	pm_build_dict_each(b, dict, UINT64_MAX, name_value, n);
	return !home;
}

/* 3.12 has the dicts of static types in the interpreter. */
static pm_addr dict_of_type(struct pm_build *b, pm_addr type)
{
	const struct pm_fields *f = &b->l->f;
	uint32_t stride = f->static_type_state.sizeof_.off;
	pm_addr dict = pm_build_number(b, type, f->type.dict);
	if (pm_build_is_exact(b, dict, b->l->at.dict_type.addr))
		return dict;
	if (!pm_has(f->interp.types) || !pm_has(f->types_state.builtins) ||
		!stride)
		return 0;
	pm_addr at = b->interp.start + f->interp.types.off +
		     f->types_state.builtins.off;
	/* Two arrays, with two words between them (3.13). */
	for (int i = 0; i < 2 * MAX_STATIC_TYPES; i++) {
		pm_addr state = at + (uint64_t)(i / 2) * stride +
				(i % 2 ? 2 * b->l->t.word_size : 0);
		if (pm_build_number(b, state, f->static_type_state.type) ==
			type)
			return pm_build_number(
				b, state, f->static_type_state.dict);
	}
	return 0;
}

/* Descriptors, which only classes show. */
static void name_descriptors(struct naming *n)
{
	struct pm_build *b = n->b;
	const struct pm_places *at = &b->l->at;
	const struct {
		pm_addr type;
		const char *key, *name;
	} all[] = {
		{at->object_type.addr, "__init__", "wrapper_descriptor"},
		{at->object_type.addr, "__class__", "getset_descriptor"},
		{at->object_type.addr, "__reduce__", "method_descriptor"},
		{at->dict_type.addr, "fromkeys", "classmethod_descriptor"},
		{at->type_type.addr, "__basicsize__", "member_descriptor"},
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		name_type_of(n,
			pm_build_dict_get(
				b, dict_of_type(b, all[i].type), all[i].key),
			all[i].name);
}

/* Types that every process has and no module shows before it is imported: what
   only they have in their dicts.  Their objects differ in size, which only the
   name tells. */
static const struct mark {
	const char *key, *but; /* it has this and not that */
	const char *name;
} marks[] = {
	{"total_seconds", NULL, "datetime.timedelta"},
	{"fromisocalendar", NULL, "datetime.date"},
	{"astimezone", NULL, "datetime.datetime"},
	{"microsecond", NULL, "datetime.time"},
	{"fromutc", "utc", "datetime.tzinfo"},
	{"fromutc", NULL, "datetime.timezone"},
};

static const char *name_by_mark(struct pm_build *b, pm_addr type)
{
	pm_addr dict = dict_of_type(b, type);
	for (size_t i = 0; dict && i < sizeof marks / sizeof *marks; i++)
		if (pm_build_dict_get(b, dict, marks[i].key) &&
			(!marks[i].but ||
				!pm_build_dict_get(b, dict, marks[i].but)))
			return marks[i].name;
	return NULL;
}

/* The second of sys.path_hooks is a function with a closure: FileFinder's. */
static void name_cell(struct naming *n)
{
	struct pm_build *b = n->b;
	const struct pm_fields *f = &b->l->f;
	pm_addr sys = pm_build_number(b, b->interp.start, f->interp.sysdict);
	pm_addr hooks = pm_build_dict_get(b, sys, "path_hooks");
	pm_addr items = pm_build_number(b, hooks, f->list.item);
	if (!items || pm_build_number(b, hooks, f->var_object.size) < 2)
		return;
	pm_addr hook = pm_build_pointer(b, items + b->l->t.word_size);
	pm_addr closure = pm_build_number(b, hook, f->function.closure);
	if (closure && pm_build_number(b, closure, f->var_object.size))
		name_type_of(n,
			pm_build_pointer(b, closure + f->tuple.item.off),
			"cell");
}

/* 3.10 and older have a frame object for all that runs. */
static void name_frame(struct naming *n)
{
	struct pm_build *b = n->b;
	const struct pm_fields *f = &b->l->f;
	pm_addr thread =
		pm_build_number(b, b->interp.start, f->interp.threads_head);
	if (b->l->t.frame_entry == PM_FRAME_OBJECTS)
		name_type_of(n, pm_build_number(b, thread, f->thread.frame),
			"frame");
}

/* An abstract class keeps its registry in an object of a type of its own. */
static void name_abc_data(struct naming *n, pm_addr modules)
{
	struct pm_build *b = n->b;
	const struct pm_fields *f = &b->l->f;
	pm_addr module = pm_build_dict_get(b, modules, "_collections_abc");
	pm_addr dict = pm_build_number(b, module, f->module.dict);
	pm_addr hashable = pm_build_dict_get(b, dict, "Hashable");
	name_type_of(n,
		pm_build_dict_get(b, pm_build_number(b, hashable, f->type.dict),
			"_abc_impl"),
		"_abc_data");
}

/* Until 3.9 some types are used that were never made ready.  Such a one has a
   name in memory that is missing, and the size of an object. */
static bool is_unready_type(struct pm_build *b, pm_addr at)
{
	const struct pm_fields *f = &b->l->f;
	uint64_t flags = pm_build_number(b, at, f->type.flags);
	uint64_t size = pm_build_number(b, at, f->type.basicsize);
	return !(flags & (FLAG_READY | FLAG_HEAPTYPE)) &&
	       size >= f->object.sizeof_.off && size < MAX_BASIC_SIZE &&
	       pm_build_number(b, at, f->type.itemsize) < MAX_BASIC_SIZE;
}

/* Types that no module shows, of one module's data.  Nothing can be put where
   their names were: how much room there is between others is not known. */
static void note_nameless(struct pm_build *b, const struct pm_module *mod)
{
	PM_CLEANUP(pm_span_deinit) struct pm_span data = {0};
	const struct pm_fields *f = &b->l->f;
	uint64_t len = mod->data_end - mod->data_start;
	if (mod->data_end <= mod->data_start || len > MAX_MODULE_DATA ||
		pm_span_read(b->m, mod->data_start, (size_t)len, &data, NULL) !=
			PM_OK)
		return;
	size_t step = b->l->t.word_size;
	for (size_t off = 0; off + f->type.sizeof_.off <= data.len;
		off += step) {
		pm_addr at = data.start + off;
		if (pm_span_pointer(b, &data, off + f->object.type.off) ==
				b->l->at.type_type.addr &&
			(is_static_type(b, at) || is_unready_type(b, at)) &&
			missing_name(b, at)) {
			const char *name = name_by_mark(b, at);
			if (!(name && supply(b, at, name)) &&
				!pm_vec_push(&b->l->nameless, at))
				return;
		}
	}
}

void pm_names_of_types(struct pm_build *b)
{
	const struct pm_fields *f = &b->l->f;
	struct naming n = {.b = b};
	if (!lacks_memory(b) || pm_build_interp(b, NULL) != PM_OK)
		return;
	pm_addr interp = b->interp.start;
	pm_addr modules = pm_build_number(b, interp, f->interp.modules);
	if (!pm_build_is_exact(b, modules, b->l->at.dict_type.addr))
		return;
	/* First what is sure, then modules that may call it something else. */
	name_descriptors(&n);
	name_cell(&n);
	name_frame(&n);
	name_abc_data(&n, modules);
	for (n.pass = 0; n.pass <= HOMES; n.pass++)
		pm_build_dict_each(b, modules, UINT64_MAX, name_module, &n);
	for (size_t i = 0; i < b->ms->list.len; i++)
		note_nameless(b, &b->ms->list.data[i]);
	if (!b->l->at.none.addr) {
		pm_addr builtins =
			pm_build_number(b, interp, f->interp.builtins);
		b->l->at.none = (struct pm_place){
			pm_build_dict_get(b, builtins, "None"),
			PM_SOURCE_CALIBRATED};
	}
	if (n.named)
		pm_build_warn(b,
			"names of %zu types are in no file that is here: "
			"taken from the modules that show them",
			n.named);
}
