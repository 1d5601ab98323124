/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every CPython struct and field that we read, once: the rows, the questions
   to debug info, the validator and "py-info -layout" all come from this list.
   PM_STRUCTS(S): S(identifier, "C type names, newest first, | between them").
   PM_FIELDS_x(F): F(identifier, "member expressions, | between them").
   Which of them a build has is the row's business.  To add a field: add it
   here, regenerate the rows (maint/gen-layout), read the diff. */
#ifndef PM_LAYOUT_FIELDS_H
#define PM_LAYOUT_FIELDS_H

/* clang-format off */
#define PM_STRUCTS(S) \
	S(object, "PyObject|struct _object") \
	S(var_object, "PyVarObject") \
	S(gc_head, "PyGC_Head") \
	S(runtime, "_PyRuntimeState") \
	S(interp, "PyInterpreterState") \
	S(thread, "PyThreadState") \
	S(thread_impl, "_PyThreadStateImpl") \
	S(cframe, "_PyCFrame|CFrame") \
	S(stack_chunk, "_PyStackChunk") \
	S(gc_state, "struct _gc_runtime_state") \
	S(gc_generation, "struct gc_generation") \
	S(obmalloc, "struct _obmalloc_state") \
	S(arena, "struct arena_object") \
	S(pool, "struct pool_header") \
	S(mi_segment, "mi_segment_t|struct mi_segment_s") \
	S(mi_page, "mi_page_t|struct mi_page_s") \
	S(mi_heap, "mi_heap_t|struct mi_heap_s") \
	S(type, "PyTypeObject|struct _typeobject") \
	S(heap_type, "PyHeapTypeObject") \
	S(types_state, "struct types_state") \
	S(static_type_state, "managed_static_type_state|static_builtin_state") \
	S(ascii, "PyASCIIObject") \
	S(compact, "PyCompactUnicodeObject") \
	S(unicode, "PyUnicodeObject") \
	S(dict, "PyDictObject") \
	S(dict_keys, "struct _dictkeysobject") \
	S(dict_values, "struct _dictvalues") \
	S(dict_entry, "PyDictKeyEntry|PyDictEntry") \
	S(dict_unicode_entry, "PyDictUnicodeEntry") \
	S(set, "PySetObject") \
	S(set_entry, "setentry") \
	S(list, "PyListObject") \
	S(tuple, "PyTupleObject") \
	S(long_, "PyLongObject|struct _longobject") \
	S(int_, "PyIntObject") \
	S(float_, "PyFloatObject") \
	S(complex_, "PyComplexObject") \
	S(bytes, "PyBytesObject|PyStringObject") \
	S(bytearray, "PyByteArrayObject") \
	S(slice, "PySliceObject") \
	S(cell, "PyCellObject") \
	S(method, "PyMethodObject") \
	S(classobj, "PyClassObject") \
	S(instance, "PyInstanceObject") \
	S(file, "PyFileObject") \
	S(cfunction, "PyCFunctionObject") \
	S(cmethod, "PyCMethodObject") \
	S(function, "PyFunctionObject") \
	S(code, "PyCodeObject") \
	S(module, "PyModuleObject") \
	S(gen, "PyGenObject") \
	S(coro, "PyCoroObject") \
	S(asyncgen, "PyAsyncGenObject") \
	S(future, "FutureObj") \
	S(task, "TaskObj|struct TaskObj") \
	S(frame, "PyFrameObject|struct _frame") \
	S(iframe, "_PyInterpreterFrame|struct _PyInterpreterFrame|InterpreterFrame") \
	S(traceback, "PyTracebackObject") \
	S(exception, "PyBaseExceptionObject") \
	S(weakref, "PyWeakReference|struct _PyWeakReference") \
	S(memoryview, "PyMemoryViewObject") \
	S(managed_buffer, "_PyManagedBufferObject") \
	S(buffer, "Py_buffer") \
	S(odict, "PyODictObject|struct _odictobject") \
	S(odict_node, "struct _odictnode|_ODictNode") \
	S(property, "propertyobject|PyPropertyObject|_PyPropertyObject") \
	S(descr, "PyDescrObject") \
	S(wrapper_descr, "PyWrapperDescrObject") \
	S(method_wrapper, "wrapperobject") \
	S(classmethod, "classmethod") \
	S(staticmethod, "staticmethod") \
	S(mappingproxy, "mappingproxyobject") \
	S(super, "superobject") \
	S(capsule, "PyCapsule") \
	S(enumerate, "enumobject") \
	S(map, "mapobject") \
	S(zip, "zipobject") \
	S(filter, "filterobject") \
	S(dict_iter, "dictiterobject") \
	S(dict_view, "_PyDictViewObject") \
	S(set_iter, "setiterobject") \
	S(list_iter, "_PyListIterObject|listiterobject") \
	S(tuple_iter, "_PyTupleIterObject|tupleiterobject") \
	S(seq_iter, "seqiterobject") \
	S(range, "rangeobject") \
	S(generic_alias, "gaobject") \
	S(union_, "unionobject") \
	S(context, "PyContext|struct _pycontextobject") \
	S(hamt, "PyHamtObject") \
	S(context_var, "PyContextVar|struct _pycontextvarobject") \
	S(context_token, "PyContextToken|struct _pycontexttokenobject") \
	S(frozendict, "PyFrozenDictObject") \
	S(freelists, "struct _Py_freelists|struct _Py_object_freelists|PyInterpreterState") \
	S(hashtable, "_Py_hashtable_t") \
	S(hashtable_entry, "_Py_hashtable_entry_t") \
	S(tracemalloc, "struct _tracemalloc_runtime_state") \
	S(trace_config, "struct _PyTraceMalloc_Config|typeof tracemalloc_config") \
	S(trace, "trace_t") \
	S(trace_key, "pointer_t") \
	S(trace_stack, "struct tracemalloc_traceback|traceback_t") \
	S(trace_frame, "struct tracemalloc_frame|frame_t") \
	S(gil, "struct _gil_runtime_state")

/* Those that no object begins with: all others begin with "object". */
#define PM_NO_OBJECTS(O) \
	O(gc_head) O(runtime) O(interp) O(thread) O(thread_impl) O(cframe) \
	O(stack_chunk) O(gc_state) O(gc_generation) O(obmalloc) O(arena) \
	O(pool) O(mi_segment) O(mi_page) O(mi_heap) O(types_state) \
	O(static_type_state) O(dict_keys) O(dict_values) O(dict_entry) \
	O(dict_unicode_entry) O(set_entry) O(iframe) O(buffer) O(odict_node) \
	O(freelists) O(hashtable) O(hashtable_entry) O(tracemalloc) \
	O(trace_config) O(trace) O(trace_key) O(trace_stack) O(trace_frame) \
	O(gil)

#define PM_FIELDS_object(F) \
	F(refcnt, "ob_refcnt") F(type, "ob_type") F(tid, "ob_tid") \
	F(gc_bits, "ob_gc_bits") F(ref_local, "ob_ref_local") \
	F(ref_shared, "ob_ref_shared") F(flags, "ob_flags")
#define PM_FIELDS_var_object(F) F(size, "ob_size")
#define PM_FIELDS_gc_head(F) \
	F(next, "_gc_next|gc.gc_next") F(prev, "_gc_prev|gc.gc_prev") \
	F(refs, "gc.gc_refs")
#define PM_FIELDS_runtime(F) \
	F(initialized, "initialized") F(core_initialized, "core_initialized") \
	F(finalizing, "_finalizing|finalizing") \
	F(interpreters_head, "interpreters.head") \
	F(interpreters_main, "interpreters.main") \
	F(gc, "gc") F(is_debug_enabled, "allocators.is_debug_enabled") \
	F(allocator_obj, "allocators.standard.obj") \
	F(interned_strings, "cached_objects.interned_strings") \
	F(static_objects, "static_objects|global_objects") \
	F(tracemalloc, "tracemalloc") \
	F(gilstate_tstate_current, "gilstate.tstate_current") \
	F(main_interpreter, "_main_interpreter")
#define PM_FIELDS_interp(F) \
	F(next, "next") F(id, "id") F(threads_head, "threads.head|tstate_head") \
	F(threads_main, "threads.main") F(gc, "gc") F(obmalloc, "obmalloc") \
	F(sysdict, "sysdict") F(builtins, "builtins") \
	F(modules, "imports.modules|modules") F(importlib, "importlib") \
	F(modules_by_index, "modules_by_index") \
	F(codec_search_path, "codecs.search_path|codec_search_path") \
	F(codec_search_cache, "codecs.search_cache|codec_search_cache") \
	F(interned_strings, "cached_objects.interned_strings") \
	F(types, "types") F(freelists, "object_state.freelists") \
	F(builtins_copy, "builtins_copy") F(dict_state, "dict_state") \
	F(ceval, "ceval") F(ceval_gil, "ceval.gil") F(gil, "_gil") \
	F(small_ints, "small_ints") F(finalizing, "_finalizing|finalizing") \
	F(float_state, "float_state") F(tuple_state, "tuple") \
	F(list_state, "list") F(context_state, "context") \
	F(atexit, "atexit") F(warnings, "warnings") F(eval_frame, "eval_frame") \
	F(static_objects, "static_objects") \
	F(memory_errors, "exc_state.memerrors_freelist") \
	F(memory_errors_n, "exc_state.memerrors_numfree") \
	F(abandoned, "mimalloc.abandoned_pool.abandoned") \
	F(abandoned_visited, "mimalloc.abandoned_pool.abandoned_visited") \
	F(subproc, "mimalloc.subproc") \
	F(id_strings, "unicode.ids.array|unicode_ids.array") \
	F(id_strings_n, "unicode.ids.size|unicode_ids.size") \
	F(exit_callbacks, "atexit.callbacks") \
	F(exit_callbacks_n, "atexit.ncallbacks")
#define PM_FIELDS_thread(F) \
	F(prev, "prev") F(next, "next") F(interp, "interp") \
	F(cframe, "cframe") F(frame, "frame") \
	F(current_frame, "current_frame") F(base_frame, "base_frame") \
	F(datastack_chunk, "datastack_chunk") F(datastack_top, "datastack_top") \
	F(exc_info, "exc_info") F(exc_state, "exc_state") \
	F(curexc_type, "curexc_type") F(curexc_value, "curexc_value") \
	F(curexc_traceback, "curexc_traceback") \
	F(current_exception, "current_exception") F(dict, "dict") \
	F(thread_id, "thread_id") F(native_thread_id, "native_thread_id") \
	F(id, "id") F(context, "context") F(async_exc, "async_exc") \
	F(delete_later, "delete_later|trash.delete_later|trash_delete_later") \
	F(state, "state")
#define PM_FIELDS_thread_impl(F) F(mimalloc_heaps, "mimalloc.heaps") \
	F(freelists, "freelists") F(asyncio_tasks_head, "asyncio_tasks_head")
#define PM_FIELDS_cframe(F) F(current_frame, "current_frame") F(previous, "previous")
#define PM_FIELDS_stack_chunk(F) F(previous, "previous") F(size, "size") \
	F(top, "top") F(data, "data")
#define PM_FIELDS_gc_state(F) \
	F(enabled, "enabled") \
	F(generations, "generations|young") F(old, "old") \
	F(generation0, "generation0") F(permanent, "permanent_generation") \
	F(generation_stats, "generation_stats") F(collecting, "collecting") \
	F(garbage, "garbage") F(callbacks, "callbacks") \
	F(heap_size, "heap_size")
#define PM_FIELDS_gc_generation(F) F(head, "head") F(threshold, "threshold") F(count, "count")
#define PM_FIELDS_obmalloc(F) \
	F(used_pools, "pools.used") F(arenas, "mgmt.arenas") \
	F(maxarenas, "mgmt.maxarenas") \
	F(unused_arena_objects, "mgmt.unused_arena_objects") \
	F(usable_arenas, "mgmt.usable_arenas") \
	F(narenas_currently_allocated, "mgmt.narenas_currently_allocated") \
	F(ntimes_arena_allocated, "mgmt.ntimes_arena_allocated") \
	F(narenas_highwater, "mgmt.narenas_highwater") \
	F(raw_allocated_blocks, "mgmt.raw_allocated_blocks")
#define PM_FIELDS_arena(F) \
	F(address, "address") F(pool_address, "pool_address") \
	F(nfreepools, "nfreepools") F(ntotalpools, "ntotalpools") \
	F(freepools, "freepools") F(nextarena, "nextarena") F(prevarena, "prevarena")
#define PM_FIELDS_pool(F) \
	F(ref_count, "ref.count") F(freeblock, "freeblock") \
	F(nextpool, "nextpool") F(prevpool, "prevpool") \
	F(arenaindex, "arenaindex") F(szidx, "szidx") \
	F(nextoffset, "nextoffset") F(maxnextoffset, "maxnextoffset")
#define PM_FIELDS_mi_segment(F) \
	F(used, "used") F(cookie, "cookie") F(segment_slices, "segment_slices") \
	F(info_slices, "segment_info_slices") F(kind, "kind") \
	F(slice_entries, "slice_entries") F(thread_id, "thread_id") \
	F(slices, "slices") F(abandoned_next, "abandoned_next") \
	F(subproc, "subproc")
#define PM_FIELDS_mi_page(F) \
	F(slice_count, "slice_count") F(slice_offset, "slice_offset") \
	F(tag, "tag|heap_tag") F(capacity, "capacity") F(reserved, "reserved") \
	F(free, "free") F(used, "used") F(block_size, "block_size|xblock_size") \
	F(local_free, "local_free") F(keys, "keys") \
	F(thread_free, "xthread_free") F(heap, "xheap") F(start, "page_start") \
	F(qsbr_goal, "qsbr_goal")
#define PM_FIELDS_mi_heap(F) \
	F(delayed_free, "thread_delayed_free") F(thread_id, "thread_id") \
	F(keys, "keys") F(tag, "tag")
#define PM_FIELDS_type(F) \
	F(name, "tp_name") F(basicsize, "tp_basicsize") F(itemsize, "tp_itemsize") \
	F(dealloc, "tp_dealloc") F(flags, "tp_flags") F(doc, "tp_doc") \
	F(traverse, "tp_traverse") F(weaklistoffset, "tp_weaklistoffset") \
	F(members, "tp_members") F(getset, "tp_getset") F(base, "tp_base") \
	F(dict, "tp_dict") F(dictoffset, "tp_dictoffset") F(bases, "tp_bases") \
	F(mro, "tp_mro") F(cache, "tp_cache") F(subclasses, "tp_subclasses") \
	F(weaklist, "tp_weaklist") F(is_gc, "tp_is_gc") F(new_, "tp_new") \
	F(repr, "tp_repr") F(finalize, "tp_finalize") F(del, "tp_del")
#define PM_FIELDS_heap_type(F) \
	F(name, "ht_name") F(slots, "ht_slots") F(qualname, "ht_qualname") \
	F(cached_keys, "ht_cached_keys") F(module, "ht_module") \
	F(tpname, "_ht_tpname") F(token, "ht_token")
#define PM_FIELDS_types_state(F) F(builtins, "builtins.initialized|builtins")
#define PM_FIELDS_static_type_state(F) \
	F(type, "type") F(dict, "tp_dict") F(subclasses, "tp_subclasses") \
	F(weaklist, "tp_weaklist")
#define PM_FIELDS_ascii(F) \
	F(length, "length") F(hash, "hash") F(state, "state") \
	F(interned, "state.interned") F(kind, "state.kind") \
	F(compact, "state.compact") F(is_ascii, "state.ascii") \
	F(ready, "state.ready") F(is_static, "state.statically_allocated") \
	F(wstr, "wstr")
#define PM_FIELDS_compact(F) F(utf8_length, "utf8_length") F(utf8, "utf8") \
	F(wstr_length, "wstr_length")
#define PM_FIELDS_unicode(F) F(data, "data|str") F(length, "length") \
	F(encoded, "defenc")
#define PM_FIELDS_dict(F) F(used, "ma_used") F(keys, "ma_keys") F(values, "ma_values") \
	F(mask, "ma_mask") F(table, "ma_table") F(smalltable, "ma_smalltable")
#define PM_FIELDS_dict_keys(F) \
	F(refcnt, "dk_refcnt") F(size, "dk_size") F(lookup, "dk_lookup") \
	F(usable, "dk_usable") F(nentries, "dk_nentries") \
	F(log2_size, "dk_log2_size") F(log2_index_bytes, "dk_log2_index_bytes") \
	F(kind, "dk_kind") F(indices, "dk_indices")
#define PM_FIELDS_dict_values(F) F(capacity, "capacity") F(size, "size") \
	F(embedded, "embedded") F(valid, "valid") F(values, "values")
#define PM_FIELDS_dict_entry(F) F(hash, "me_hash") F(key, "me_key") F(value, "me_value")
#define PM_FIELDS_dict_unicode_entry(F) F(key, "me_key") F(value, "me_value")
#define PM_FIELDS_set(F) F(fill, "fill") F(used, "used") F(mask, "mask") \
	F(table, "table") F(smalltable, "smalltable") F(weakrefs, "weakreflist")
#define PM_FIELDS_set_entry(F) F(key, "key") F(hash, "hash")
#define PM_FIELDS_list(F) F(item, "ob_item") F(allocated, "allocated")
#define PM_FIELDS_tuple(F) F(item, "ob_item")
#define PM_FIELDS_long_(F) F(tag, "long_value.lv_tag") \
	F(digit, "long_value.ob_digit|ob_digit")
#define PM_FIELDS_int_(F) F(value, "ob_ival")
#define PM_FIELDS_float_(F) F(value, "ob_fval")
#define PM_FIELDS_complex_(F) F(value, "cval")
#define PM_FIELDS_bytes(F) F(hash, "ob_shash") F(data, "ob_sval") F(state, "ob_sstate")
#define PM_FIELDS_bytearray(F) F(alloc, "ob_alloc") F(bytes, "ob_bytes") \
	F(start, "ob_start") F(bytes_object, "ob_bytes_object")
#define PM_FIELDS_slice(F) F(start, "start") F(stop, "stop") F(step, "step")
#define PM_FIELDS_cell(F) F(ref, "ob_ref")
#define PM_FIELDS_method(F) F(func, "im_func") F(self, "im_self") \
	F(class_, "im_class") F(weakrefs, "im_weakreflist")
#define PM_FIELDS_classobj(F) F(bases, "cl_bases") F(dict, "cl_dict") \
	F(name, "cl_name") F(getattr, "cl_getattr") F(setattr, "cl_setattr") \
	F(delattr, "cl_delattr") F(weakrefs, "cl_weakreflist")
#define PM_FIELDS_instance(F) F(class_, "in_class") F(dict, "in_dict") \
	F(weakrefs, "in_weakreflist")
#define PM_FIELDS_file(F) F(name, "f_name") F(mode, "f_mode") \
	F(encoding, "f_encoding") F(errors, "f_errors") \
	F(weakrefs, "weakreflist")
#define PM_FIELDS_cfunction(F) F(ml, "m_ml") F(self, "m_self") \
	F(module, "m_module") F(weakrefs, "m_weakreflist")
#define PM_FIELDS_cmethod(F) F(class_, "mm_class")
#define PM_FIELDS_function(F) \
	F(code, "func_code") F(globals, "func_globals") F(builtins, "func_builtins") \
	F(defaults, "func_defaults") F(kwdefaults, "func_kwdefaults") \
	F(closure, "func_closure") F(doc, "func_doc") F(name, "func_name") \
	F(dict, "func_dict") F(weakrefs, "func_weakreflist") \
	F(module, "func_module") F(annotations, "func_annotations") \
	F(annotate, "func_annotate") F(typeparams, "func_typeparams") \
	F(qualname, "func_qualname")
#define PM_FIELDS_code(F) \
	F(flags, "co_flags") F(code, "co_code") F(consts, "co_consts") F(names, "co_names") \
	F(exceptiontable, "co_exceptiontable") \
	F(localsplusnames, "co_localsplusnames") \
	F(localspluskinds, "co_localspluskinds") F(varnames, "co_varnames") \
	F(freevars, "co_freevars") F(cellvars, "co_cellvars") \
	F(cell2arg, "co_cell2arg") F(filename, "co_filename") \
	F(name, "co_name") F(qualname, "co_qualname") \
	F(linetable, "co_linetable|co_lnotab") F(weakrefs, "co_weakreflist") \
	F(extra, "co_extra") F(cached, "_co_cached") F(cached_code, "_co_code") \
	F(executors, "co_executors") F(monitoring, "_co_monitoring") \
	F(opcache, "co_opcache") F(opcache_map, "co_opcache_map") \
	F(zombieframe, "co_zombieframe") F(quickened, "co_quickened") \
	F(nlocalsplus, "co_nlocalsplus") F(nlocals, "co_nlocals") \
	F(stacksize, "co_stacksize") F(firstlineno, "co_firstlineno") \
	F(argcount, "co_argcount") F(code_adaptive, "co_code_adaptive") \
	F(ncells, "co_ncellvars") F(nfreevars, "co_nfreevars") F(tlbc, "co_tlbc")
#define PM_FIELDS_module(F) F(dict, "md_dict") F(def, "md_def") \
	F(state, "md_state") F(weakrefs, "md_weaklist") F(name, "md_name") \
	F(state_size, "md_state_size")
#define PM_FIELDS_gen(F) \
	F(frame, "gi_frame") F(code, "gi_code") F(weakrefs, "gi_weakreflist") \
	F(name, "gi_name") F(qualname, "gi_qualname") \
	F(exc_state, "gi_exc_state") F(frame_state, "gi_frame_state") \
	F(iframe, "gi_iframe") F(running, "gi_running") \
	F(origin_or_finalizer, "gi_origin_or_finalizer")
#define PM_FIELDS_coro(F) F(origin, "cr_origin|cr_origin_or_finalizer")
#define PM_FIELDS_asyncgen(F) F(finalizer, "ag_finalizer|ag_origin_or_finalizer")
#define PM_FIELDS_future(F) \
	F(loop, "fut_loop") F(exception, "fut_exception") \
	F(result, "fut_result") F(source_tb, "fut_source_tb") \
	F(awaited_by, "fut_awaited_by") F(state, "fut_state") \
	F(awaited_by_is_set, "fut_awaited_by_is_set")
#define PM_FIELDS_task(F) \
	F(waiter, "task_fut_waiter") F(coro, "task_coro") F(name, "task_name")
#define PM_FIELDS_frame(F) \
	F(back, "f_back") F(iframe, "f_frame") F(code, "f_code") \
	F(builtins, "f_builtins") F(globals, "f_globals") F(locals, "f_locals") \
	F(valuestack, "f_valuestack") F(stacktop, "f_stacktop") \
	F(stackdepth, "f_stackdepth") F(trace, "f_trace") F(gen, "f_gen") \
	F(localsplus, "f_localsplus") F(lasti, "f_lasti") F(lineno, "f_lineno") \
	F(state, "f_state") F(executing, "f_executing") \
	F(extra_locals, "f_extra_locals") F(locals_cache, "f_locals_cache") \
	F(overwritten, "f_overwritten_fast_locals") F(frame_data, "_f_frame_data") \
	F(exc_type, "f_exc_type") F(exc_value, "f_exc_value") \
	F(exc_traceback, "f_exc_traceback")
#define PM_FIELDS_iframe(F) \
	F(code, "f_executable|f_code") F(previous, "previous") \
	F(func, "f_funcobj|f_func") F(globals, "f_globals") \
	F(builtins, "f_builtins") F(locals, "f_locals") \
	F(frame_obj, "frame_obj") F(instr, "instr_ptr|prev_instr") \
	F(stacktop, "stacktop") F(stackpointer, "stackpointer") \
	F(owner, "owner") F(localsplus, "localsplus") F(tlbc_index, "tlbc_index")
#define PM_FIELDS_traceback(F) F(next, "tb_next") F(frame, "tb_frame") \
	F(lasti, "tb_lasti") F(lineno, "tb_lineno")
#define PM_FIELDS_exception(F) F(dict, "dict") F(args, "args") \
	F(notes, "notes") F(message, "message") F(traceback, "traceback") F(context, "context") \
	F(cause, "cause")
#define PM_FIELDS_weakref(F) F(object, "wr_object") F(callback, "wr_callback") \
	F(prev, "wr_prev") F(next, "wr_next")
#define PM_FIELDS_memoryview(F) F(mbuf, "mbuf") F(view, "view") \
	F(weakrefs, "weakreflist") F(array, "ob_array")
#define PM_FIELDS_managed_buffer(F) F(master, "master")
#define PM_FIELDS_buffer(F) F(obj, "obj") F(len, "len") F(buf, "buf")
#define PM_FIELDS_odict(F) F(fast_nodes, "od_fast_nodes") \
	F(fast_nodes_size, "od_fast_nodes_size") F(first, "od_first") \
	F(inst_dict, "od_inst_dict") F(weakrefs, "od_weakreflist")
#define PM_FIELDS_odict_node(F) F(key, "key") F(next, "next")
#define PM_FIELDS_property(F) F(get, "prop_get") F(set, "prop_set") \
	F(del, "prop_del") F(doc, "prop_doc") F(name, "prop_name")
#define PM_FIELDS_descr(F) F(type, "d_type") F(name, "d_name") F(qualname, "d_qualname")
#define PM_FIELDS_wrapper_descr(F) F(base, "d_base")
#define PM_FIELDS_method_wrapper(F) F(descr, "descr") F(self, "self")
#define PM_FIELDS_classmethod(F) F(callable, "cm_callable") F(dict, "cm_dict")
#define PM_FIELDS_staticmethod(F) F(callable, "sm_callable") F(dict, "sm_dict")
#define PM_FIELDS_mappingproxy(F) F(mapping, "mapping")
#define PM_FIELDS_super(F) F(type, "type") F(obj, "obj") F(obj_type, "obj_type")
#define PM_FIELDS_capsule(F) F(pointer, "pointer") F(name, "name")
#define PM_FIELDS_enumerate(F) F(sit, "en_sit") F(result, "en_result") \
	F(longindex, "en_longindex") F(one, "one")
#define PM_FIELDS_map(F) F(iters, "iters") F(func, "func")
#define PM_FIELDS_zip(F) F(ittuple, "ittuple") F(result, "result")
#define PM_FIELDS_filter(F) F(func, "func") F(it, "it")
#define PM_FIELDS_dict_iter(F) F(dict, "di_dict") F(result, "di_result")
#define PM_FIELDS_dict_view(F) F(dict, "dv_dict")
#define PM_FIELDS_set_iter(F) F(set, "si_set")
#define PM_FIELDS_list_iter(F) F(seq, "it_seq")
#define PM_FIELDS_tuple_iter(F) F(seq, "it_seq")
#define PM_FIELDS_seq_iter(F) F(seq, "it_seq")
#define PM_FIELDS_range(F) F(start, "start") F(stop, "stop") F(step, "step") F(length, "length")
#define PM_FIELDS_generic_alias(F) F(origin, "origin") F(args, "args") \
	F(parameters, "parameters") F(weakrefs, "weakreflist")
#define PM_FIELDS_union_(F) F(args, "args") F(hashable_args, "hashable_args") \
	F(unhashable_args, "unhashable_args") F(parameters, "parameters")
#define PM_FIELDS_context(F) F(prev, "ctx_prev") F(vars, "ctx_vars") F(weakrefs, "ctx_weakreflist")
#define PM_FIELDS_hamt(F) F(root, "h_root")
#define PM_FIELDS_context_var(F) F(name, "var_name") F(default_, "var_default")
#define PM_FIELDS_context_token(F) F(ctx, "tok_ctx") F(var, "tok_var") F(oldval, "tok_oldval")
#define PM_FIELDS_frozendict(F) F(hash, "ma_hash")
/* X and X_n: a list and its length; since 3.14 one field {head, length}. */
#define PM_FIELDS_freelists(F) \
	F(floats, "floats.items|float_state.free_list|floats") \
	F(floats_n, "floats.numfree|float_state.numfree") \
	F(complexes, "complexes") F(ints, "ints") \
	F(tuples, "tuples.items|tuple.free_list|tuples") \
	F(tuples_n, "tuples.numfree|tuple.numfree") \
	F(lists, "lists.items|list.free_list|lists") \
	F(lists_n, "lists.numfree|list.numfree") \
	F(list_iters, "list_iters") F(tuple_iters, "tuple_iters") \
	F(dicts, "dicts.items|dict_state.free_list|dicts") \
	F(dicts_n, "dicts.numfree|dict_state.numfree") \
	F(dict_keys, "dictkeys.items|dict_state.keys_free_list|dictkeys") \
	F(dict_keys_n, "dictkeys.numfree|dict_state.keys_numfree") \
	F(frames, "frame.free_list") F(frames_n, "frame.numfree") \
	F(slices, "slices.slice_cache|slice_cache|slices") \
	F(ranges, "ranges") F(range_iters, "range_iters") \
	F(contexts, "contexts.items|context.freelist|contexts") \
	F(contexts_n, "contexts.numfree|context.numfree") \
	F(async_gens, "async_gens.items|async_gen.value_freelist|async_gens") \
	F(async_gens_n, "async_gens.numfree|async_gen.value_numfree") \
	F(asends, "async_gen_asends.items|async_gen.asend_freelist|async_gen_asends") \
	F(asends_n, "async_gen_asends.numfree|async_gen.asend_numfree") \
	F(future_iters, "futureiters") \
	F(object_stacks, "object_stacks.items|object_stack_chunks") \
	F(object_stacks_n, "object_stacks.numfree") \
	F(unicode_writers, "unicode_writers") F(bytes_writers, "bytes_writers") \
	F(cfunctions, "pycfunctionobject") F(cmethods, "pycmethodobject") \
	F(methods, "pymethodobjects")
#define PM_FIELDS_hashtable(F) F(nentries, "nentries|entries") \
	F(nbuckets, "nbuckets|num_buckets") F(buckets, "buckets") \
	F(key_size, "key_size") F(data_size, "data_size")
#define PM_FIELDS_gil(F) F(last_holder, "last_holder") F(locked, "locked")
#define PM_FIELDS_hashtable_entry(F) F(next, "_Py_slist_item.next|next") F(hash, "key_hash") F(key, "key") F(value, "value")
#define PM_FIELDS_tracemalloc(F) \
	F(config, "config") F(lock, "tables_lock") \
	F(traced_memory, "traced_memory") F(peak, "peak_traced_memory") \
	F(traces, "traces") F(domains, "domains")
#define PM_FIELDS_trace_config(F) \
	F(initialized, "initialized") F(tracing, "tracing") \
	F(max_nframe, "max_nframe") F(use_domain, "use_domain")
#define PM_FIELDS_trace(F) F(size, "size") F(traceback, "traceback")
#define PM_FIELDS_trace_key(F) F(ptr, "ptr") F(domain, "domain")
#define PM_FIELDS_trace_stack(F) F(nframe, "nframe") \
	F(total_nframe, "total_nframe") F(frames, "frames")
#define PM_FIELDS_trace_frame(F) F(filename, "filename") F(lineno, "lineno")
/* clang-format on */

#endif
