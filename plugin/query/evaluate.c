/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "heap/footprint.h"
#include "object/numpy.h"
#include "query/query-internal.h"

#include <string.h>

#define MAX_MATCHED (1u << 20) /* characters that a pattern is tried on */

void pm_evaluator_destroy(struct pm_evaluator *e)
{
	if (!e)
		return;
	for (size_t i = 0; e->caches && i < e->q->steps.len; i++) {
		pm_attr_query_deinit(&e->caches[i].attribute);
		pm_map_deinit(&e->caches[i].of_class);
	}
	free(e->caches);
	for (size_t i = 0; i < e->npatterns; i++)
		regfree(&e->patterns[i]);
	free(e->patterns);
	pm_strbuf_deinit(&e->text);
	free(e);
}

static void cleanup_evaluator(struct pm_evaluator **e)
{
	pm_evaluator_destroy(*e);
}

enum pm_status pm_evaluator_create(const struct pm_query *q, struct pm_heap *h,
	const struct pm_objects *o, struct pm_evaluator **ret,
	struct pm_error *err)
{
	PM_CLEANUP(cleanup_evaluator)
	struct pm_evaluator *e = calloc(1, sizeof *e);
	if (!e)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	e->q = q;
	e->h = h;
	pm_value_reader_init(&e->reader, o);
	e->caches = calloc(q->steps.len + 1, sizeof *e->caches);
	e->patterns = calloc(q->patterns.len + 1, sizeof *e->patterns);
	if (!e->caches || !e->patterns)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < q->steps.len; i++)
		e->caches[i].attribute.name = q->steps.data[i].name;
	for (; e->npatterns < q->patterns.len; e->npatterns++)
		if (regcomp(&e->patterns[e->npatterns],
			    q->patterns.data[e->npatterns],
			    REG_EXTENDED | REG_NOSUB))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret = pm_take(e);
	return PM_OK;
}

uint64_t pm_evaluator_unreadable(const struct pm_evaluator *e)
{
	return e->reader.unreadable;
}

/* ---- values ---- */

static void property_len(
	struct pm_evaluator *e, const struct pm_value *v, struct pm_value *ret)
{
	const struct pm_layout *l = e->reader.o->l;
	if (pm_value_is_text(v) || v->kind == PM_VALUE_BYTES ||
		v->kind == PM_VALUE_DATA) {
		*ret = pm_value_int(v->n);
		return;
	}
	const struct pm_object *x =
		v->kind == PM_VALUE_OBJECT ? query_object(e, v) : NULL;
	if (!x)
		return;
	const void *body = pm_object_body(x);
	struct pm_ndarray a;
	int64_t length;
	if (pm_object_length(l, x->type, body, &length))
		*ret = pm_value_int(length);
	else if (x->type->kind == PM_KIND_NDARRAY &&
		 pm_ndarray_load(e->reader.o, x, &a) && a.nd)
		*ret = pm_value_int(a.shape[0]);
}

static void property_bytes(struct pm_evaluator *e, const struct pm_object *x,
	bool alloc, struct pm_value *ret)
{
	struct pm_measure m = {0};
	struct pm_footprint f;
	enum pm_status s = pm_object_measure(e->reader.o, x, &m);
	if (s != PM_OK)
		e->reader.unreadable++;
	if (s == PM_CORRUPT)
		return;
	if (alloc)
		pm_footprint(e->h, x, &m, &f);
	*ret = pm_value_int(alloc ? f.alloc : m.size);
}

static void property(struct pm_evaluator *e, enum query_property which,
	const struct pm_value *v, struct pm_value *ret)
{
	*ret = (struct pm_value){0};
	if (which == PROPERTY_LEN) {
		property_len(e, v, ret);
		return;
	}
	const struct pm_object *x = query_object(e, v);
	if (!x)
		return;
	switch (which) {
	case PROPERTY_SIZE:
	case PROPERTY_ALLOC:
		property_bytes(e, x, which == PROPERTY_ALLOC, ret);
		return;
	case PROPERTY_REFCOUNT:
		*ret = pm_value_int(x->refcnt);
		return;
	case PROPERTY_TYPE:
		*ret = pm_value_text(x->type->name, strlen(x->type->name));
		return;
	case PROPERTY_ADDR:
		*ret = pm_value_int(x->addr);
		return;
	case PROPERTY_TRACKED:
		*ret = pm_value_int(pm_object_is_tracked(e->reader.o, x));
		ret->is_bool = true;
		return;
	case PROPERTY_LEN:
		return;
	}
}

static void value_of(
	struct pm_evaluator *e, uint32_t node, struct pm_value *ret)
{
	const struct query_node *n = &e->q->nodes.data[node];
	struct pm_value v;
	switch (n->op) {
	case QUERY_LITERAL:
		*ret = n->literal;
		return;
	case QUERY_SELF:
		pm_value_of(&e->reader, e->self, ret);
		return;
	case QUERY_PATH:
		/* Most begin at the object itself: no need to decode it. */
		v = (struct pm_value){.kind = PM_VALUE_OBJECT,
			.addr = e->self->addr,
			.type = e->self->type};
		if (e->q->nodes.data[n->a].op != QUERY_SELF)
			value_of(e, n->a, &v);
		for (uint32_t i = 0; i < n->n && v.addr; i++)
			query_step(e, n->b + i, &v, &v);
		*ret = v;
		return;
	case QUERY_PROPERTY:
		value_of(e, n->a, &v);
		property(e, n->property, &v, ret);
		return;
	default:
		*ret = (struct pm_value){0};
		return;
	}
}

/* ---- conditions ---- */

static bool is_true(struct pm_evaluator *e, const struct pm_value *v)
{
	struct pm_value n = {0};
	switch (v->kind) {
	case PM_VALUE_MISSING:
	case PM_VALUE_NONE:
		return false;
	case PM_VALUE_INT:
		return v->i != 0;
	case PM_VALUE_HUGE:
		return true;
	case PM_VALUE_FLOAT:
		return v->d != 0;
	case PM_VALUE_STR:
	case PM_VALUE_BYTES:
	case PM_VALUE_TEXT:
	case PM_VALUE_DATA:
		return v->n != 0;
	case PM_VALUE_OBJECT:
		property_len(e, v, &n);
		return n.kind == PM_VALUE_MISSING || n.i != 0;
	}
	return false;
}

static void put_code_point(struct pm_strbuf *b, uint32_t c)
{
	/* A pattern would end at a NUL. */
	if (!c)
		c = 0xfffd;
	if (c < 0x80) {
		pm_strbuf_putc(b, (char)c);
		return;
	}
	if (c >= 0x10000)
		pm_strbuf_putc(b, (char)(0xf0 | c >> 18));
	if (c >= 0x800)
		pm_strbuf_putc(b, (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3f)
						      : 0xe0 | c >> 12));
	pm_strbuf_putc(
		b, (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6));
	pm_strbuf_putc(b, (char)(0x80 | (c & 0x3f)));
}

static bool is_like(
	struct pm_evaluator *e, const struct pm_value *v, uint32_t pattern)
{
	struct pm_value_chars c;
	uint32_t cp;
	if (!pm_value_is_text(v))
		return false;
	if (v->n > MAX_MATCHED) {
		e->reader.unreadable++;
		return false;
	}
	pm_strbuf_reset(&e->text);
	pm_strbuf_append(&e->text, "", 0);
	pm_value_chars_init(&c, &e->reader, v);
	while ((cp = pm_value_chars_next(&c)) != UINT32_MAX)
		put_code_point(&e->text, cp);
	return !c.failed && !e->text.failed &&
	       !regexec(&e->patterns[pattern], pm_strbuf_text(&e->text), 0,
		       NULL, 0);
}

/* The types' names: a name without a dot is the bare one, as elsewhere. */
static bool is_type_named(const struct pm_value *a, const struct pm_value *b)
{
	const char *dot = memrchr(a->bytes, '.', a->nbytes);
	if (!dot || memchr(b->bytes, '.', b->nbytes))
		return false;
	size_t n = a->nbytes - (size_t)(dot + 1 - a->bytes);
	return n == b->nbytes && !memcmp(dot + 1, b->bytes, n);
}

static bool is_equal(struct pm_evaluator *e, const struct query_node *n,
	const struct pm_value *a, const struct pm_value *b)
{
	const struct query_node *left = &e->q->nodes.data[n->a];
	if (pm_value_equal(&e->reader, a, b))
		return true;
	return left->op == QUERY_PROPERTY && left->property == PROPERTY_TYPE &&
	       a->kind == PM_VALUE_TEXT && b->kind == PM_VALUE_TEXT &&
	       is_type_named(a, b);
}

static bool is_same(const struct pm_value *a, const struct pm_value *b)
{
	if (a->kind == PM_VALUE_MISSING || b->kind == PM_VALUE_MISSING)
		return false;
	if (a->kind == PM_VALUE_NONE || b->kind == PM_VALUE_NONE)
		return a->kind == b->kind;
	if (a->is_bool || b->is_bool)
		return a->is_bool && b->is_bool && a->i == b->i;
	if (a->addr && b->addr)
		return a->addr == b->addr;
	/* An address, written as a number. */
	const struct pm_value *object = a->addr ? a : b;
	const struct pm_value *number = a->addr ? b : a;
	return object->addr && number->kind == PM_VALUE_INT &&
	       number->i == object->addr;
}

struct search {
	struct pm_evaluator *e;
	const struct pm_value *want;
	bool found;
};

static bool is_it(void *arg, const struct pm_value *item)
{
	struct search *s = arg;
	s->found = pm_value_equal(&s->e->reader, s->want, item);
	return !s->found;
}

static bool is_in(struct pm_evaluator *e, const struct query_node *n,
	const struct pm_value *a)
{
	struct pm_value b;
	struct search s = {e, a, false};
	if (a->kind == PM_VALUE_MISSING)
		return false;
	if (n->op == QUERY_IN_LIST) {
		for (uint32_t i = 0; i < n->n; i++)
			if (is_equal(e, n, a,
				    &e->q->nodes.data[n->b + i].literal))
				return true;
		return false;
	}
	value_of(e, n->b, &b);
	if (b.kind != PM_VALUE_OBJECT)
		return pm_value_contains(&e->reader, &b, a);
	query_each_item(e, &b, is_it, &s);
	return s.found;
}

static bool compares(struct pm_evaluator *e, const struct query_node *n)
{
	struct pm_value a, b;
	int order;
	value_of(e, n->a, &a);
	value_of(e, n->b, &b);
	if (a.kind == PM_VALUE_MISSING || b.kind == PM_VALUE_MISSING)
		return false;
	if (n->op == QUERY_EQUAL || n->op == QUERY_UNEQUAL)
		return is_equal(e, n, &a, &b) == (n->op == QUERY_EQUAL);
	if (n->op == QUERY_IS)
		return is_same(&a, &b);
	if (!pm_value_order(&e->reader, &a, &b, &order))
		return false;
	switch (n->op) {
	case QUERY_LESS:
		return order < 0;
	case QUERY_LESS_EQUAL:
		return order <= 0;
	case QUERY_GREATER:
		return order > 0;
	default:
		return order >= 0;
	}
}

/* No deeper than the text is long: parentheses are counted, chains of "and"
   lean to the left. */
static bool holds(struct pm_evaluator *e, uint32_t node)
{
	const struct query_node *n = &e->q->nodes.data[node];
	struct pm_value v;
	switch (n->op) {
	case QUERY_AND:
		return holds(e, n->a) && holds(e, n->b);
	case QUERY_OR:
		return holds(e, n->a) || holds(e, n->b);
	case QUERY_NOT:
		return !holds(e, n->a);
	case QUERY_TRUE:
		value_of(e, n->a, &v);
		return is_true(e, &v);
	case QUERY_LIKE:
		value_of(e, n->a, &v);
		return is_like(e, &v, n->b);
	case QUERY_IN:
	case QUERY_IN_LIST:
		value_of(e, n->a, &v);
		return is_in(e, n, &v);
	default:
		return compares(e, n);
	}
}

bool pm_evaluator_matches(struct pm_evaluator *e, const struct pm_object *x)
{
	e->self = x;
	return holds(e, e->q->root);
}

void pm_evaluator_value(
	struct pm_evaluator *e, const struct pm_object *x, struct pm_value *ret)
{
	e->self = x;
	value_of(e, e->q->root, ret);
}
