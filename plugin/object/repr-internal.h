/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of repr() share.  A printer appends to r->out what Python
   would print of x, and may stop as soon as pm_repr_full says so: the whole is
   cut at the limit in the end. */
#ifndef PM_OBJECT_REPR_INTERNAL_H
#define PM_OBJECT_REPR_INTERNAL_H

#include "object/attributes.h"
#include "layout/wording.h"
#include "object/repr.h"

#define PM_REPR_DEPTH 200
/* What is looked at for one text, at most: entries of tables, most of all. */
#define PM_REPR_BUDGET 2000000

struct pm_repr {
	const struct pm_objects *o;
	struct pm_strbuf *out;
	size_t start;	    /* of this text in out */
	size_t limit;	    /* characters */
	size_t seen, chars; /* of out, counted so far */
	uint64_t budget;
	unsigned nesting; /* objects within objects */
	unsigned depth;	  /* of these in parents[] */
	pm_addr parents[PM_REPR_DEPTH];
};

typedef void pm_repr_fn(struct pm_repr *r, const struct pm_object *x);

/* Enough was written or looked at. */
bool pm_repr_full(struct pm_repr *r);
/* The object at addr; what can't be read is said. */
void pm_repr_put(struct pm_repr *r, pm_addr addr);
/* Begins a container; false, with text, when x is being printed already. */
bool pm_repr_enter(
	struct pm_repr *r, const struct pm_object *x, const char *text);
void pm_repr_leave(struct pm_repr *r);
/* <module.Class object at 0x...> */
void pm_repr_default(struct pm_repr *r, const struct pm_object *x);

/* Values of fields: of structs of fields.h, and words after the header of
   structs of C modules; 0 when there is none. */
uint64_t pm_repr_field(
	struct pm_repr *r, const struct pm_object *x, struct pm_field f);
uint64_t pm_repr_word(struct pm_repr *r, const struct pm_object *x, unsigned n);
/* size bytes at off from the start of x. */
uint64_t pm_repr_bytes(struct pm_repr *r, const struct pm_object *x,
	uint64_t off, unsigned size);
bool pm_repr_read(struct pm_repr *r, pm_addr at, void *buf, size_t n);
/* The n-th word behind the object's header, as a number with a sign. */
int64_t pm_repr_signed_word(
	struct pm_repr *r, const struct pm_object *x, unsigned n);
bool pm_repr_read_word(struct pm_repr *r, pm_addr at, uint64_t *ret);

/* tp_name; what follows its last dot; "module.Qualname" without "builtins." */
void pm_repr_tp_name(struct pm_repr *r, const struct pm_type *t);
void pm_repr_bare_name(struct pm_repr *r, const struct pm_type *t);
/* The name of its class; that of BASE until subclasses said theirs (3.7). */
void pm_repr_own_name(
	struct pm_repr *r, const struct pm_object *x, const char *base);
/* What follows the last dot of its qualified name. */
const char *pm_repr_last_name(const struct pm_type *t);
const char *pm_repr_qualified(const struct pm_type *t);
/* The text of a str, not quoted; false: it is none. */
bool pm_repr_text(struct pm_repr *r, pm_addr str);
/* n code points of width bytes each, as the repr() of a str. */
void pm_repr_code_points(
	struct pm_repr *r, pm_addr at, uint64_t n, unsigned width);

/* The name in the PyMethodDef at ml. */
void pm_repr_ml_name(struct pm_repr *r, pm_addr ml);

/* An attribute of the instance itself, 0: none. */
pm_addr pm_repr_attr(
	struct pm_repr *r, const struct pm_object *x, const char *name);
/* An attribute of a class: the first of its MRO that has one; 0: none. */
pm_addr pm_repr_class_attr(struct pm_repr *r, const struct pm_type *t,
	const char *name, const struct pm_type **ret_owner);
/* Is it True, or a number other than 0? */
bool pm_repr_true(struct pm_repr *r, pm_addr addr);
/* An int that fits; false: it does not. */
bool pm_repr_small_int(struct pm_repr *r, pm_addr addr, int64_t *ret);
/* Items of a tuple or list: the number of them, their first word. */
bool pm_repr_items(
	struct pm_repr *r, pm_addr addr, uint64_t *ret_n, pm_addr *ret_at);
pm_addr pm_repr_item(struct pm_repr *r, pm_addr at, uint64_t i);
/* Pairs of a dict; false: it is none. */
bool pm_repr_dict(struct pm_repr *r, pm_addr addr, struct pm_dict_iter *ret);

pm_repr_fn pm_repr_str, pm_repr_bytes_object, pm_repr_bytearray, pm_repr_int,
	pm_repr_bool, pm_repr_float, pm_repr_complex, pm_repr_decimal;
pm_repr_fn pm_repr_list, pm_repr_tuple, pm_repr_set, pm_repr_plain_dict,
	pm_repr_frozendict, pm_repr_odict, pm_repr_defaultdict, pm_repr_deque,
	pm_repr_view, pm_repr_structseq, pm_repr_range, pm_repr_namespace;
pm_repr_fn pm_repr_class, pm_repr_function, pm_repr_generator, pm_repr_module,
	pm_repr_builtin, pm_repr_method, pm_repr_method_wrapper, pm_repr_cell,
	pm_repr_super, pm_repr_frame, pm_repr_exception,
	pm_repr_exception_group, pm_repr_import_error, pm_repr_weakref,
	pm_repr_proxy, pm_repr_alias, pm_repr_union, pm_repr_memoryview;
pm_repr_fn pm_repr_partial, pm_repr_date, pm_repr_time, pm_repr_datetime,
	pm_repr_timedelta, pm_repr_timezone, pm_repr_array, pm_repr_mmap,
	pm_repr_pattern, pm_repr_match, pm_repr_struct, pm_repr_file,
	pm_repr_buffered, pm_repr_text_file, pm_repr_lock, pm_repr_rlock,
	pm_repr_thread_handle, pm_repr_context_var, pm_repr_token,
	pm_repr_simple_cdata, pm_repr_itemgetter, pm_repr_attrgetter,
	pm_repr_methodcaller, pm_repr_decimal_context, pm_repr_signal_dict,
	pm_repr_count, pm_repr_repeat, pm_repr_future, pm_repr_task;
pm_repr_fn pm_repr_type_variable, pm_repr_type_tuple, pm_repr_sentinel,
	pm_repr_type_parameter_part, pm_repr_iso_date, pm_repr_zone_info,
	pm_repr_tuple_getter;
pm_repr_fn pm_repr_classic_class, pm_repr_classic_instance,
	pm_repr_instance_method, pm_repr_old_file, pm_repr_xrange;
/* Arrays and scalars of numpy; false: neither. */
bool pm_repr_numpy(struct pm_repr *r, const struct pm_object *x);
/* Where a class of Python code has a __repr__ of its own. */
bool pm_repr_python(struct pm_repr *r, const struct pm_object *x);

/* What is known of a __repr__ that is a function of Python. */
struct pm_repr_found {
	const struct pm_type *owner; /* the class that has it */
	struct pm_object function;
	char module[80], name[120];
};

/* Of enum, and of re.RegexFlag; false: only the code would know. */
bool pm_repr_enum(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f);
bool pm_repr_global_enum(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f);
bool pm_repr_enum_class(struct pm_repr *r, const struct pm_object *x,
	const struct pm_repr_found *f);

/* float.__repr__; mode 'r' without the ".0" (complex). */
void pm_repr_double(struct pm_strbuf *out, double v, bool with_point);
/* bytes.__repr__ of bytes in the target; bytearray escapes ' always. */
void pm_repr_byte_string(
	struct pm_repr *r, pm_addr at, uint64_t n, bool escape_single);

#endif
