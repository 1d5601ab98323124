/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Chrome's DevTools load: arrays of numbers for nodes and edges, edges in
   the order of their nodes, and then the strings that both refer to.

   The root refers to what tells why things are kept (sys.modules, locals of
   frames, ...), so that distances count from there, and to "(GC roots)", under
   which all roots are, by where they are.  What no root leads to is held by
   "(unreachable)"; it holds nothing else for good, so that what others retain
   is what py-retained says. */
#include "export/export-internal.h"
#include "export/groups.h"
#include "export/ids.h"
#include "export/names.h"
#include "export/strings.h"
#include "graph/root-nodes.h"
#include "object/repr.h"

#include <string.h>

/* Of V8 (src/profiler/heap-snapshot-generator.cc); programs look them up by
   name, some by place. */
#define NODE_TYPES(X)                                                          \
	X(HIDDEN, "hidden")                                                    \
	X(ARRAY, "array")                                                      \
	X(STRING, "string")                                                    \
	X(OBJECT, "object")                                                    \
	X(CODE, "code")                                                        \
	X(CLOSURE, "closure")                                                  \
	X(REGEXP, "regexp")                                                    \
	X(NUMBER, "number")                                                    \
	X(NATIVE, "native")                                                    \
	X(SYNTHETIC, "synthetic")                                              \
	X(CONS_STRING, "concatenated string")                                  \
	X(SLICED_STRING, "sliced string")                                      \
	X(SYMBOL, "symbol")                                                    \
	X(BIGINT, "bigint")                                                    \
	X(SHAPE, "object shape")
#define EDGE_TYPES(X)                                                          \
	X(CONTEXT, "context")                                                  \
	X(ELEMENT, "element")                                                  \
	X(PROPERTY, "property")                                                \
	X(INTERNAL, "internal")                                                \
	X(HIDDEN, "hidden")                                                    \
	X(SHORTCUT, "shortcut")                                                \
	X(WEAK, "weak")
#define NODE_FIELDS                                                            \
	"\"type\",\"name\",\"id\",\"self_size\",\"edge_count\","               \
	"\"trace_node_id\""
#define NODE_WIDTH 6
#define EDGE_FIELDS "\"type\",\"name_or_index\",\"to_node\""

enum node_type {
#define X(name, text) NODE_##name,
	NODE_TYPES(X)
#undef X
};

enum edge_type {
#define X(name, text) EDGE_##name,
	EDGE_TYPES(X)
#undef X
};

/* The first nodes; those of the groups follow. */
enum { ROOT, GC_ROOTS, GROUPS };

#define KEY_LIMIT 40

struct heapsnapshot {
	struct pm_strings *strings;
	struct pm_root_groups groups;
	uint32_t unreached; /* objects */
	uint32_t first;	    /* node of the first object */
	uint32_t ntypes;
	struct {
		uint32_t name; /* plus 1; 0: not known yet */
		uint8_t look;
	} * types;		  /* by id */
	uint32_t group, in_group; /* of the roots that are told */
	bool any_node, any_edge;
	struct pm_strbuf scratch;
};

static void finish(struct pm_export *x)
{
	struct heapsnapshot *h = x->own;
	pm_strings_destroy(h->strings);
	pm_root_groups_deinit(&h->groups);
	free(h->types);
	pm_strbuf_deinit(&h->scratch);
	free(h);
	x->own = NULL;
}

static uint32_t text_number(struct heapsnapshot *h, const char *text)
{
	return pm_strings_add(h->strings, text, strlen(text));
}

static uint32_t scratch_number(struct heapsnapshot *h)
{
	uint32_t ret = pm_strings_add(
		h->strings, pm_strbuf_text(&h->scratch), h->scratch.len);
	pm_strbuf_truncate(&h->scratch, 0);
	return ret;
}

static void put_node(struct pm_export *x, enum node_type type, uint32_t name,
	uint64_t id, uint64_t size, uint64_t edges)
{
	struct heapsnapshot *h = x->own;
	struct pm_strbuf *b = &x->out[0].text;
	const uint64_t fields[NODE_WIDTH] = {
		(uint64_t)type, name, id, size, edges, 0};
	for (unsigned i = 0; i < NODE_WIDTH; i++) {
		if (h->any_node)
			pm_strbuf_putc(b, ',');
		h->any_node = true;
		pm_out_number(b, fields[i]);
	}
	pm_strbuf_putc(b, '\n');
}

static void put_edge(
	struct pm_export *x, enum edge_type type, uint64_t name, uint32_t to)
{
	struct heapsnapshot *h = x->own;
	struct pm_strbuf *b = &x->out[0].text;
	if (h->any_edge)
		pm_strbuf_putc(b, ',');
	h->any_edge = true;
	pm_out_number(b, (uint64_t)type);
	pm_strbuf_putc(b, ',');
	pm_out_number(b, name);
	pm_strbuf_putc(b, ',');
	pm_out_number(b, (uint64_t)to * NODE_WIDTH);
	pm_strbuf_putc(b, '\n');
}

/* ---- the beginning ---- */

static void put_header(struct pm_export *x)
{
	struct pm_strbuf *b = &x->out[0].text;
	pm_strbuf_puts(b,
		"{\"snapshot\":{\"meta\":{\"node_fields\":[" NODE_FIELDS
		"],\"node_types\":[[");
#define X(name, text) "\"" text "\","
	static const char node_types[] = NODE_TYPES(X);
	static const char edge_types[] = EDGE_TYPES(X);
#undef X
	pm_strbuf_append(b, node_types, sizeof node_types - 2);
	pm_strbuf_puts(b, "],\"string\",\"number\",\"number\",\"number\","
			  "\"number\"],\"edge_fields\":[" EDGE_FIELDS
			  "],\"edge_types\":[[");
	pm_strbuf_append(b, edge_types, sizeof edge_types - 2);
	pm_strbuf_puts(b,
		"],\"string_or_number\",\"node\"],"
		"\"trace_function_info_fields\":[\"function_id\",\"name\","
		"\"script_name\",\"script_id\",\"line\",\"column\"],"
		"\"trace_node_fields\":[\"id\",\"function_info_index\","
		"\"count\",\"size\",\"children\"],"
		"\"sample_fields\":[\"timestamp_us\",\"last_assigned_id\"],"
		"\"location_fields\":[\"object_index\",\"script_id\","
		"\"line\",\"column\"]},\n\"node_count\":");
	pm_out_number(b, x->result.nodes + x->g->n);
	pm_strbuf_puts(b, ",\"edge_count\":");
	pm_out_number(b, x->result.edges + x->g->roots.len + x->g->edges);
	pm_strbuf_puts(b, ",\"trace_function_count\":0},\n\"nodes\":[");
}

/* Nodes that are no objects. */
static void put_synthetic(struct pm_export *x)
{
	struct heapsnapshot *h = x->own;
	const struct pm_layout *l = x->g->h->l;
	unsigned n = 0;
	put_node(x, NODE_SYNTHETIC, text_number(h, ""), pm_id_synthetic(l, n++),
		0, h->groups.telling.len + 1 + (h->unreached != 0));
	put_node(x, NODE_SYNTHETIC, text_number(h, "(GC roots)"),
		pm_id_synthetic(l, n++), 0, h->groups.list.len);
	if (h->unreached)
		put_node(x, NODE_SYNTHETIC, text_number(h, "(unreachable)"),
			pm_id_synthetic(l, n), 0, h->unreached);
	n++;
	pm_vec_each (r, &h->groups.list) {
		pm_root_group_name(r, &h->scratch);
		put_node(x, NODE_SYNTHETIC, scratch_number(h),
			pm_id_synthetic(l, n++), 0, r->roots);
	}
}

static enum pm_status prepare(struct pm_export *x, struct pm_error *err)
{
	const struct pm_graph *g = x->g;
	struct heapsnapshot *h = x->own = calloc(1, sizeof *h);
	if (!h)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	h->ntypes = pm_types_count(g->h->types);
	h->types = calloc((size_t)h->ntypes + 1, sizeof *h->types);
	if (!h->types)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	PM_TRY(pm_strings_create(&x->out[1], &h->strings, err));
	PM_TRY(pm_root_groups_make(g, &h->groups, err));
	x->order = pm_take(h->groups.order);
	for (uint32_t i = 0; i < h->ntypes; i++) {
		const struct pm_type *t = pm_types_by_id(g->h->types, i);
		if (t && t->is_type)
			h->types[i].look = (uint8_t)pm_look_of(g->h->l, t);
	}
	return PM_OK;
}

static enum pm_status begin(struct pm_export *x, struct pm_error *err)
{
	const struct pm_graph *g = x->g;
	PM_TRY(pm_out_open(&x->out[0], x->q.path, err));
	PM_TRY(pm_out_open_scratch(&x->out[1], &x->out[0], err));
	PM_TRY(prepare(x, err));
	struct heapsnapshot *h = x->own;
	h->unreached = g->n - g->dominators->reached;
	h->first = GROUPS + (h->unreached ? 1u : 0u) +
		   (uint32_t)h->groups.list.len;
	x->result.nodes = h->first;
	x->result.edges = h->groups.telling.len + 1 + (h->unreached != 0) +
			  h->groups.list.len + h->unreached;
	x->result.doubtful_ids = pm_id_doubtful(g->h->l, g->addr, g->n);
	put_header(x);
	put_synthetic(x);
	return PM_OK;
}

/* ---- nodes ---- */

static uint32_t type_number(struct heapsnapshot *h, const struct pm_type *t)
{
	if (t->id >= h->ntypes)
		return text_number(h, pm_type_bare(t));
	if (!h->types[t->id].name)
		h->types[t->id].name = text_number(h, pm_type_bare(t)) + 1;
	return h->types[t->id].name - 1;
}

static uint32_t node_name(
	struct pm_export *x, const struct pm_export_node *n, enum pm_look look)
{
	struct heapsnapshot *h = x->own;
	if (!n->type)
		return text_number(h, "?");
	if (look == PM_LOOK_INSTANCE)
		return type_number(h, n->type);
	pm_look_name(&x->g->h->objects, n->object, look, x->q.text_limit,
		&h->scratch);
	return scratch_number(h);
}

static void node(struct pm_export *x, const struct pm_export_node *n)
{
	static const enum node_type types[] = {[PM_LOOK_INSTANCE] = NODE_OBJECT,
		[PM_LOOK_TEXT] = NODE_STRING,
		[PM_LOOK_NUMBER] = NODE_NUMBER,
		[PM_LOOK_FUNCTION] = NODE_CLOSURE,
		[PM_LOOK_CODE] = NODE_CODE,
		[PM_LOOK_CLASS] = NODE_OBJECT,
		[PM_LOOK_MODULE] = NODE_OBJECT};
	const struct heapsnapshot *h = x->own;
	const struct pm_graph *g = x->g;
	uint64_t size = pm_graph_size(g, n->node);
	enum pm_look look = PM_LOOK_INSTANCE;
	if (n->object && n->type && n->type->id < h->ntypes)
		look = (enum pm_look)h->types[n->type->id].look;
	x->result.oversize += size > UINT32_MAX;
	put_node(x, types[look], node_name(x, n, look),
		pm_id_of(g->h->l, g->addr[n->node]), size,
		g->out_begin[n->node + 1] - g->out_begin[n->node]);
}

/* ---- roots ---- */

static uint32_t root_name(struct pm_export *x, const struct pm_root *root)
{
	struct heapsnapshot *h = x->own;
	pm_root_name(x->g->h, root, true, &h->scratch);
	return scratch_number(h);
}

static enum pm_status roots(struct pm_export *x, struct pm_error *err)
{
	const struct heapsnapshot *h = x->own;
	const struct pm_graph *g = x->g;
	uint32_t groups = GROUPS + (h->unreached ? 1 : 0);
	(void)err;
	pm_strbuf_puts(&x->out[0].text, "],\n\"edges\":[");
	put_edge(x, EDGE_ELEMENT, 1, GC_ROOTS);
	if (h->unreached)
		put_edge(x, EDGE_ELEMENT, 2, GROUPS);
	pm_vec_each (i, &h->groups.telling) {
		const struct pm_graph_root *r = &g->roots.data[*i];
		put_edge(x, EDGE_PROPERTY, root_name(x, &r->root),
			h->first + r->node);
	}
	for (uint32_t i = 0; i < h->groups.list.len; i++)
		put_edge(x, EDGE_ELEMENT, i + 1, groups + i);
	for (uint32_t i = 0, k = 0; h->unreached && i < g->n; i++)
		if (g->dominators->of[i] == PM_UNREACHED)
			put_edge(x, EDGE_ELEMENT, k++, h->first + i);
	return PM_OK;
}

static void root(struct pm_export *x, const struct pm_graph_root *r)
{
	struct heapsnapshot *h = x->own;
	while (h->in_group == h->groups.list.data[h->group].roots) {
		h->group++;
		h->in_group = 0;
	}
	uint32_t number = h->in_group++;
	if (pm_root_group_has_names(&h->groups.list.data[h->group]))
		put_edge(x, EDGE_INTERNAL, root_name(x, &r->root),
			h->first + r->node);
	else
		put_edge(x, EDGE_ELEMENT, number, h->first + r->node);
}

/* ---- edges ---- */

struct label {
	enum edge_type type;
	uint64_t name; /* a string's number, or the index of an element */
};

static uint32_t described(struct pm_export *x, const struct pm_export_edge *e)
{
	struct heapsnapshot *h = x->own;
	pm_ref_label(&x->g->h->objects, e->from->object, e->ref, &h->scratch);
	return scratch_number(h);
}

/* What a word of pm_strings_recall is of. */
enum word_of { WORD_NAME, WORD_KEY, WORD_FIELD, WORDS };

static uint32_t known(struct pm_export *x, const struct pm_export_edge *e,
	enum word_of of, uint64_t at)
{
	struct heapsnapshot *h = x->own;
	uint64_t word = at * WORDS + (uint64_t)of;
	uint32_t number;
	if (!at)
		return described(x, e);
	if (pm_strings_recall(h->strings, word, &number))
		return number;
	if (of == WORD_KEY) { /* as py-path writes it between brackets */
		pm_repr(&x->g->h->objects, at, KEY_LIMIT, &h->scratch);
		number = scratch_number(h);
	} else {
		number = described(x, e);
	}
	pm_strings_remember(h->strings, word, number);
	return number;
}

static struct label label_of(
	struct pm_export *x, const struct pm_export_edge *e)
{
	const struct pm_ref *ref = e->ref;
	if (!ref)
		return (struct label){EDGE_INTERNAL, text_number(x->own, "?")};
	switch (ref->via) {
	case PM_VIA_INDEX:
		return (struct label){EDGE_ELEMENT, ref->index};
	case PM_VIA_FIELD:
	case PM_VIA_SLOT:
		return (struct label){
			EDGE_PROPERTY, known(x, e, WORD_FIELD,
					       (uint64_t)(uintptr_t)ref->name)};
	case PM_VIA_ATTRIBUTE:
		return (struct label){
			EDGE_PROPERTY, known(x, e, WORD_NAME, ref->key)};
	case PM_VIA_VALUE:
		return (struct label){
			EDGE_PROPERTY, known(x, e, WORD_KEY, ref->key)};
	case PM_VIA_LOCAL:
		return (struct label){
			EDGE_CONTEXT, known(x, e, WORD_NAME, ref->key)};
	case PM_VIA_TYPE:
		return (struct label){
			EDGE_PROPERTY, text_number(x->own, "__class__")};
	case PM_VIA_KEY:
	case PM_VIA_MEMBER:
	case PM_VIA_STACK:
	case PM_VIA_NATIVE:
		break;
	}
	return (struct label){EDGE_INTERNAL, described(x, e)};
}

/* Does it hold something for others, too, which it does not keep? */
static bool is_in_vain(
	const struct pm_export *x, const struct pm_export_edge *e)
{
	const struct pm_dominators *d = x->g->dominators;
	return d->of[e->from->node] == PM_UNREACHED &&
	       d->of[e->to] != PM_UNREACHED;
}

static void edge(struct pm_export *x, const struct pm_export_edge *e)
{
	const struct heapsnapshot *h = x->own;
	struct label l;
	if (is_in_vain(x, e))
		l = (struct label){EDGE_WEAK,
			e->ref ? described(x, e) : text_number(x->own, "?")};
	else
		l = label_of(x, e);
	put_edge(x, l.type, l.name, h->first + e->to);
}

/* ---- the end ---- */

static enum pm_status end(
	struct pm_export *x, bool *ret_done, struct pm_error *err)
{
	struct pm_strbuf *b = &x->out[0].text;
	struct heapsnapshot *h = x->own;
	if (h->any_edge) {
		h->any_edge = false;
		pm_strbuf_puts(b, "],\n\"trace_function_infos\":[],"
				  "\"trace_tree\":[],\"samples\":[],"
				  "\"locations\":[],\n\"strings\":[");
	}
	PM_TRY(pm_out_move(&x->out[1], &x->out[0], ret_done, err));
	if (*ret_done)
		pm_strbuf_puts(b, "]}\n");
	return PM_OK;
}

const struct pm_export_format pm_export_heapsnapshot = {
	.begin = begin,
	.node = node,
	.roots = roots,
	.root = root,
	.edge = edge,
	.end = end,
	.finish = finish,
};
