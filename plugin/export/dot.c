/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes and edges for graphviz and for what reads its language (Gephi). */
#include "export/export-internal.h"
#include "object/repr.h"
#include "report/dot.h"

#include <inttypes.h>

static enum pm_status begin(struct pm_export *x, struct pm_error *err)
{
	PM_TRY(pm_out_open(&x->out[0], x->q.path, err));
	x->own = calloc(1, sizeof(struct pm_strbuf));
	if (!x->own)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_strbuf_puts(&x->out[0].text,
		"digraph heap {\n"
		"  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n"
		"  edge [fontname=\"sans-serif\", fontsize=9];\n");
	return PM_OK;
}

static void finish(struct pm_export *x)
{
	pm_strbuf_deinit(x->own);
	free(x->own);
	x->own = NULL;
}

/* What is in the text that is put together. */
static void put_label(struct pm_export *x)
{
	struct pm_strbuf *b = &x->out[0].text, *text = x->own;
	pm_strbuf_puts(b, "label=");
	pm_dot_string(pm_strbuf_text(text), b);
	b->failed |= text->failed;
	pm_strbuf_truncate(text, 0);
}

static void node(struct pm_export *x, const struct pm_export_node *n)
{
	const struct pm_graph *g = x->g;
	struct pm_strbuf *b = &x->out[0].text, *text = x->own;
	pm_strbuf_printf(b, "  \"0x%" PRIx64 "\" [", g->addr[n->node]);
	pm_strbuf_printf(text, "%s\n", pm_graph_type_name(g, n->node));
	pm_repr(&g->h->objects, g->addr[n->node], x->q.text_limit, text);
	put_label(x);
	pm_strbuf_printf(b, ", size=%" PRIu64 ", retained=%" PRIu64 "];\n",
		pm_graph_size(g, n->node), g->dominators->retained[n->node]);
}

static void root(struct pm_export *x, const struct pm_graph_root *r)
{
	struct pm_strbuf *b = &x->out[0].text;
	size_t i = (size_t)(r - x->g->roots.data);
	pm_strbuf_printf(b, "  root%zu [shape=house, orientation=270, ", i);
	pm_root_name(x->g->h, &r->root, true, x->own);
	put_label(x);
	pm_strbuf_printf(b, "];\n  root%zu -> \"0x%" PRIx64 "\";\n", i,
		x->g->addr[r->node]);
	x->result.nodes++;
}

static void edge(struct pm_export *x, const struct pm_export_edge *e)
{
	const struct pm_graph *g = x->g;
	struct pm_strbuf *b = &x->out[0].text;
	pm_strbuf_printf(b, "  \"0x%" PRIx64 "\" -> \"0x%" PRIx64 "\" [",
		g->addr[e->from->node], g->addr[e->to]);
	if (e->ref)
		pm_ref_describe(
			&g->h->objects, e->from->object, e->ref, x->own);
	put_label(x);
	pm_strbuf_puts(b, e->guess ? ", style=dashed];\n" : "];\n");
}

static enum pm_status end(
	struct pm_export *x, bool *ret_done, struct pm_error *err)
{
	(void)err;
	pm_strbuf_puts(&x->out[0].text, "}\n");
	*ret_done = true;
	return PM_OK;
}

const struct pm_export_format pm_export_dot = {
	.begin = begin,
	.node = node,
	.root = root,
	.edge = edge,
	.end = end,
	.finish = finish,
};
