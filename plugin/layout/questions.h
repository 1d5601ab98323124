/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Made by maint/gen-layout --questions from fields.h; do not edit.
   PM_QUESTION_SIZE(struct, C type), _FIELD(struct, field, C type,
   member), _PLACE(place, C name). */
PM_QUESTION_SIZE(object, "PyObject")
PM_QUESTION_SIZE(object, "struct _object")
PM_QUESTION_SIZE(gc_head, "PyGC_Head")
PM_QUESTION_SIZE(gc_generation, "struct gc_generation")
PM_QUESTION_SIZE(runtime, "_PyRuntimeState")
PM_QUESTION_SIZE(interp, "PyInterpreterState")
PM_QUESTION_SIZE(thread, "PyThreadState")
PM_QUESTION_SIZE(gc_state, "struct _gc_runtime_state")
PM_QUESTION_SIZE(type, "PyTypeObject")
PM_QUESTION_SIZE(type, "struct _typeobject")
PM_QUESTION_SIZE(heap_type, "PyHeapTypeObject")
PM_QUESTION_SIZE(ascii, "PyASCIIObject")
PM_QUESTION_SIZE(unicode, "PyUnicodeObject")
PM_QUESTION_SIZE(dict, "PyDictObject")
PM_QUESTION_SIZE(dict_keys, "struct _dictkeysobject")
PM_QUESTION_SIZE(set, "PySetObject")
PM_QUESTION_SIZE(list, "PyListObject")
PM_QUESTION_SIZE(tuple, "PyTupleObject")
PM_QUESTION_SIZE(long_, "PyLongObject")
PM_QUESTION_SIZE(long_, "struct _longobject")
PM_QUESTION_SIZE(bytes, "PyBytesObject")
PM_QUESTION_SIZE(bytes, "PyStringObject")
PM_QUESTION_SIZE(function, "PyFunctionObject")
PM_QUESTION_SIZE(code, "PyCodeObject")
PM_QUESTION_SIZE(module, "PyModuleObject")
PM_QUESTION_PLACE(runtime, "_PyRuntime")
PM_QUESTION_PLACE(type_type, "PyType_Type")
PM_QUESTION_PLACE(dict_type, "PyDict_Type")
PM_QUESTION_PLACE(unicode_type, "PyUnicode_Type")
PM_QUESTION_PLACE(object_type, "PyBaseObject_Type")
PM_QUESTION_PLACE(bytes_type, "PyString_Type")
PM_QUESTION_PLACE(set_dummy, "'setobject.c'::dummy")
PM_QUESTION_PLACE(dict_dummy, "'dictobject.c'::dummy")
PM_QUESTION_PLACE(gc_enabled, "'gcmodule.c'::enabled")
PM_QUESTION_PLACE(gc_collecting, "'gcmodule.c'::collecting")
PM_QUESTION_PLACE(interp_head, "interp_head")
PM_QUESTION_PLACE(generations, "generations")
PM_QUESTION_PLACE(arenas, "arenas")
PM_QUESTION_PLACE(maxarenas, "maxarenas")
PM_QUESTION_PLACE(interned, "interned")
PM_QUESTION_PLACE(raw_allocated_blocks, "raw_allocated_blocks")
PM_QUESTION_PLACE(narenas_currently_allocated, "narenas_currently_allocated")
PM_QUESTION_PLACE(ntimes_arena_allocated, "ntimes_arena_allocated")
PM_QUESTION_PLACE(narenas_highwater, "narenas_highwater")
PM_QUESTION_FIELD(runtime, initialized, "_PyRuntimeState", "initialized")
PM_QUESTION_FIELD(
	runtime, core_initialized, "_PyRuntimeState", "core_initialized")
PM_QUESTION_FIELD(runtime, finalizing, "_PyRuntimeState", "_finalizing")
PM_QUESTION_FIELD(runtime, finalizing, "_PyRuntimeState", "finalizing")
PM_QUESTION_FIELD(
	runtime, interpreters_head, "_PyRuntimeState", "interpreters.head")
PM_QUESTION_FIELD(
	runtime, interpreters_main, "_PyRuntimeState", "interpreters.main")
PM_QUESTION_FIELD(runtime, gc, "_PyRuntimeState", "gc")
PM_QUESTION_FIELD(runtime, is_debug_enabled, "_PyRuntimeState",
	"allocators.is_debug_enabled")
PM_QUESTION_FIELD(
	runtime, allocator_obj, "_PyRuntimeState", "allocators.standard.obj")
PM_QUESTION_FIELD(runtime, interned_strings, "_PyRuntimeState",
	"cached_objects.interned_strings")
PM_QUESTION_FIELD(runtime, static_objects, "_PyRuntimeState", "static_objects")
PM_QUESTION_FIELD(runtime, static_objects, "_PyRuntimeState", "global_objects")
PM_QUESTION_FIELD(runtime, tracemalloc, "_PyRuntimeState", "tracemalloc")
PM_QUESTION_FIELD(runtime, gilstate_tstate_current, "_PyRuntimeState",
	"gilstate.tstate_current")
PM_QUESTION_FIELD(
	runtime, main_interpreter, "_PyRuntimeState", "_main_interpreter")
PM_QUESTION_FIELD(interp, next, "PyInterpreterState", "next")
PM_QUESTION_FIELD(interp, id, "PyInterpreterState", "id")
PM_QUESTION_FIELD(interp, threads_head, "PyInterpreterState", "threads.head")
PM_QUESTION_FIELD(interp, threads_head, "PyInterpreterState", "tstate_head")
PM_QUESTION_FIELD(interp, threads_main, "PyInterpreterState", "threads.main")
PM_QUESTION_FIELD(interp, gc, "PyInterpreterState", "gc")
PM_QUESTION_FIELD(interp, obmalloc, "PyInterpreterState", "obmalloc")
PM_QUESTION_FIELD(interp, sysdict, "PyInterpreterState", "sysdict")
PM_QUESTION_FIELD(interp, builtins, "PyInterpreterState", "builtins")
PM_QUESTION_FIELD(interp, modules, "PyInterpreterState", "imports.modules")
PM_QUESTION_FIELD(interp, modules, "PyInterpreterState", "modules")
PM_QUESTION_FIELD(interp, interned_strings, "PyInterpreterState",
	"cached_objects.interned_strings")
PM_QUESTION_FIELD(interp, types, "PyInterpreterState", "types")
PM_QUESTION_FIELD(
	interp, freelists, "PyInterpreterState", "object_state.freelists")
PM_QUESTION_FIELD(interp, dict_state, "PyInterpreterState", "dict_state")
PM_QUESTION_FIELD(interp, ceval_gil, "PyInterpreterState", "ceval.gil")
PM_QUESTION_FIELD(interp, finalizing, "PyInterpreterState", "_finalizing")
PM_QUESTION_FIELD(interp, finalizing, "PyInterpreterState", "finalizing")
PM_QUESTION_FIELD(
	interp, static_objects, "PyInterpreterState", "static_objects")
PM_QUESTION_FIELD(interp, abandoned, "PyInterpreterState",
	"mimalloc.abandoned_pool.abandoned")
PM_QUESTION_FIELD(interp, abandoned_visited, "PyInterpreterState",
	"mimalloc.abandoned_pool.abandoned_visited")
PM_QUESTION_FIELD(interp, subproc, "PyInterpreterState", "mimalloc.subproc")
PM_QUESTION_FIELD(thread, prev, "PyThreadState", "prev")
PM_QUESTION_FIELD(thread, next, "PyThreadState", "next")
PM_QUESTION_FIELD(thread, interp, "PyThreadState", "interp")
PM_QUESTION_FIELD(thread, cframe, "PyThreadState", "cframe")
PM_QUESTION_FIELD(thread, frame, "PyThreadState", "frame")
PM_QUESTION_FIELD(thread, current_frame, "PyThreadState", "current_frame")
PM_QUESTION_FIELD(thread, datastack_chunk, "PyThreadState", "datastack_chunk")
PM_QUESTION_FIELD(thread, exc_info, "PyThreadState", "exc_info")
PM_QUESTION_FIELD(thread, exc_state, "PyThreadState", "exc_state")
PM_QUESTION_FIELD(
	thread, current_exception, "PyThreadState", "current_exception")
PM_QUESTION_FIELD(thread, dict, "PyThreadState", "dict")
PM_QUESTION_FIELD(thread, thread_id, "PyThreadState", "thread_id")
PM_QUESTION_FIELD(thread, native_thread_id, "PyThreadState", "native_thread_id")
PM_QUESTION_FIELD(thread, id, "PyThreadState", "id")
PM_QUESTION_FIELD(thread, context, "PyThreadState", "context")
PM_QUESTION_FIELD(thread, async_exc, "PyThreadState", "async_exc")
PM_QUESTION_FIELD(thread, delete_later, "PyThreadState", "delete_later")
PM_QUESTION_FIELD(thread, delete_later, "PyThreadState", "trash.delete_later")
PM_QUESTION_FIELD(thread, delete_later, "PyThreadState", "trash_delete_later")
PM_QUESTION_FIELD(
	thread_impl, mimalloc_heaps, "_PyThreadStateImpl", "mimalloc.heaps")
PM_QUESTION_FIELD(thread_impl, freelists, "_PyThreadStateImpl", "freelists")
PM_QUESTION_FIELD(cframe, current_frame, "_PyCFrame", "current_frame")
PM_QUESTION_FIELD(cframe, current_frame, "CFrame", "current_frame")
PM_QUESTION_FIELD(
	gc_state, generations, "struct _gc_runtime_state", "generations")
PM_QUESTION_FIELD(gc_state, generations, "struct _gc_runtime_state", "young")
PM_QUESTION_FIELD(gc_state, old, "struct _gc_runtime_state", "old")
PM_QUESTION_FIELD(
	gc_state, generation0, "struct _gc_runtime_state", "generation0")
PM_QUESTION_FIELD(
	gc_state, permanent, "struct _gc_runtime_state", "permanent_generation")
PM_QUESTION_FIELD(
	gc_state, collecting, "struct _gc_runtime_state", "collecting")
PM_QUESTION_FIELD(obmalloc, arenas, "struct _obmalloc_state", "mgmt.arenas")
PM_QUESTION_FIELD(
	obmalloc, maxarenas, "struct _obmalloc_state", "mgmt.maxarenas")
PM_QUESTION_FIELD(obmalloc, narenas_currently_allocated,
	"struct _obmalloc_state", "mgmt.narenas_currently_allocated")
PM_QUESTION_FIELD(obmalloc, ntimes_arena_allocated, "struct _obmalloc_state",
	"mgmt.ntimes_arena_allocated")
PM_QUESTION_FIELD(obmalloc, narenas_highwater, "struct _obmalloc_state",
	"mgmt.narenas_highwater")
PM_QUESTION_FIELD(obmalloc, raw_allocated_blocks, "struct _obmalloc_state",
	"mgmt.raw_allocated_blocks")
