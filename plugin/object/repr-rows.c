/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "object/repr-rows.h"

#include <string.h>

#define F(path)                                                                \
	{                                                                      \
		.index = (uint16_t)(offsetof(struct pm_fields, path) /         \
				    sizeof(struct pm_field))                   \
	}
#define W(n)                                                                   \
	{                                                                      \
		.index = PM_NO_FIELD, .words = n                               \
	}

#define P(name, fn)                                                            \
	{                                                                      \
		.type = name, .print = fn                                      \
	}
#define X(name, text, ...)                                                     \
	{                                                                      \
		.type = name, .format = text, .places = { __VA_ARGS__ }        \
	}

static const struct pm_repr_row rows[] = {
	P("object", pm_repr_default),
	P("int", pm_repr_int),
	P("long", pm_repr_int),
	P("bool", pm_repr_bool),
	P("float", pm_repr_float),
	P("complex", pm_repr_complex),
	P("str", pm_repr_str),
	P("unicode", pm_repr_str),
	P("bytes", pm_repr_bytes_object),
	P("bytearray", pm_repr_bytearray),
	X("NoneType", "None"),
	X("ellipsis", "Ellipsis"),
	X("NotImplementedType", "NotImplemented"),
	P("list", pm_repr_list),
	P("tuple", pm_repr_tuple),
	P("set", pm_repr_set),
	P("frozenset", pm_repr_set),
	P("dict", pm_repr_plain_dict),
	P("frozendict", pm_repr_frozendict),
	P("collections.OrderedDict", pm_repr_odict),
	P("collections.defaultdict", pm_repr_defaultdict),
	P("collections.deque", pm_repr_deque),
	P("dict_keys", pm_repr_view),
	P("dict_values", pm_repr_view),
	P("dict_items", pm_repr_view),
	P("odict_keys", pm_repr_view),
	P("odict_values", pm_repr_view),
	P("odict_items", pm_repr_view),
	P("types.SimpleNamespace", pm_repr_namespace),
	P("range", pm_repr_range),
	X("slice", "slice(%R, %R, %R)", F(slice.start), F(slice.stop),
		F(slice.step)),
	X("mappingproxy", "mappingproxy(%R)", F(mappingproxy.mapping)),
	P("memoryview", pm_repr_memoryview),
	P("type", pm_repr_class),
	P("module", pm_repr_module),
	P("function", pm_repr_function),
	P("classobj", pm_repr_classic_class),
	P("instance", pm_repr_classic_instance),
	P("instancemethod", pm_repr_instance_method),
	P("file", pm_repr_old_file),
	P("xrange", pm_repr_xrange),
	P("builtin_function_or_method", pm_repr_builtin),
	P("method", pm_repr_method),
	X("code", "<code object %S at %p, file \"%S\", line %d>", F(code.name),
		F(code.filename), F(code.firstlineno)),
	P("frame", pm_repr_frame),
	P("generator", pm_repr_generator),
	X("coroutine", "<coroutine object %S at %p>", F(gen.qualname)),
	X("async_generator", "<async_generator object %S at %p>",
		F(gen.qualname)),
	X("member_descriptor", "<member '%S'%D>", F(descr.name), F(descr.type)),
	X("getset_descriptor", "<attribute '%S'%D>", F(descr.name),
		F(descr.type)),
	X("method_descriptor", "<method '%S'%D>", F(descr.name), F(descr.type)),
	X("classmethod_descriptor", "<method '%S'%D>", F(descr.name),
		F(descr.type)),
	X("wrapper_descriptor", "<slot wrapper '%S'%D>", F(descr.name),
		F(descr.type)),
	P("method-wrapper", pm_repr_method_wrapper),
	X("staticmethod", "<staticmethod(%R)>", F(staticmethod.callable)),
	X("classmethod", "<classmethod(%R)>", F(classmethod.callable)),
	P("cell", pm_repr_cell),
	P("super", pm_repr_super),
	P("BaseException", pm_repr_exception),
	P("exceptions.BaseException", pm_repr_exception),
	P("BaseExceptionGroup", pm_repr_exception_group),
	P("ImportError", pm_repr_import_error),
	P("weakref", pm_repr_weakref),
	P("weakref.ReferenceType", pm_repr_weakref),
	P("weakproxy", pm_repr_proxy),
	P("weakref.ProxyType", pm_repr_proxy),
	P("weakcallableproxy", pm_repr_proxy),
	P("weakref.CallableProxyType", pm_repr_proxy),
	P("types.GenericAlias", pm_repr_alias),
	P("types.UnionType", pm_repr_union),
	P("typing.Union", pm_repr_union),
	P("typing.TypeVar", pm_repr_type_variable),
	P("typing.ParamSpec", pm_repr_type_variable),
	P("typing.ParamSpecArgs", pm_repr_type_parameter_part),
	P("typing.ParamSpecKwargs", pm_repr_type_parameter_part),
	X("string.templatelib.Template", "%N(strings=%R, interpolations=%R)",
		W(0), W(1)),
	X("string.templatelib.Interpolation", "%N(%R, %R, %R, %R)", W(0), W(1),
		W(2), W(3)),
	X("NoDefaultType", "typing.NoDefault"),
	X("functools._PlaceholderType", "Placeholder"),
	P("typing.TypeVarTuple", pm_repr_type_tuple),
	P("sentinel", pm_repr_sentinel),
	X("typing.TypeAliasType", "%S", W(0)),
	P("functools.partial", pm_repr_partial),
	P("operator.itemgetter", pm_repr_itemgetter),
	P("operator.attrgetter", pm_repr_attrgetter),
	P("operator.methodcaller", pm_repr_methodcaller),
	P("itertools.count", pm_repr_count),
	P("itertools.repeat", pm_repr_repeat),
	P("datetime.date", pm_repr_date),
	P("datetime.time", pm_repr_time),
	P("datetime.datetime", pm_repr_datetime),
	P("datetime.timedelta", pm_repr_timedelta),
	P("datetime.timezone", pm_repr_timezone),
	P("datetime.IsoCalendarDate", pm_repr_iso_date),
	P("zoneinfo.ZoneInfo", pm_repr_zone_info),
	P("collections._tuplegetter", pm_repr_tuple_getter),
	P("_collections._tuplegetter", pm_repr_tuple_getter),
	P("decimal.Decimal", pm_repr_decimal),
	P("decimal.Context", pm_repr_decimal_context),
	P("decimal.SignalDictMixin", pm_repr_signal_dict),
	P("array.array", pm_repr_array),
	P("mmap.mmap", pm_repr_mmap),
	P("re.Pattern", pm_repr_pattern),
	P("re.Match", pm_repr_match),
	P("_sre.SRE_Pattern", pm_repr_pattern),
	P("_sre.SRE_Match", pm_repr_match),
	P("_struct.Struct", pm_repr_struct),
	P("Struct", pm_repr_struct),
	P("_io.FileIO", pm_repr_file),
	P("_io.BufferedReader", pm_repr_buffered),
	P("_io.BufferedWriter", pm_repr_buffered),
	P("_io.BufferedRandom", pm_repr_buffered),
	P("_io.TextIOWrapper", pm_repr_text_file),
	P("_io._BufferedIOBase", pm_repr_buffered),
	P("_thread.lock", pm_repr_lock),
	P("_thread.RLock", pm_repr_rlock),
	P("_thread._ThreadHandle", pm_repr_thread_handle),
	P("_contextvars.ContextVar", pm_repr_context_var),
	P("ContextVar", pm_repr_context_var),
	X("Token.MISSING", "<Token.MISSING>"),
	P("_contextvars.Token", pm_repr_token),
	P("Token", pm_repr_token),
	P("_ctypes._SimpleCData", pm_repr_simple_cdata),
	X("_ctypes.CFuncPtr", "<%T object at %p>"),
	X("_ctypes.PyCFuncPtr", "<%T object at %p>"),
	P("_asyncio.Future", pm_repr_future),
	P("_asyncio.Task", pm_repr_task),
	X("xml.etree.ElementTree.Element", "<Element %R at %p>", W(0)),
};

const struct pm_repr_row *pm_repr_row_find(const char *type)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].type, type))
			return &rows[i];
	return NULL;
}
