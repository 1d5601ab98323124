/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two tables, for what imports tables: objects, and the references between
   them by address.  What a root holds is referred to by address 0. */
#include "export/export-internal.h"
#include "graph/root-nodes.h"
#include "object/repr.h"

#include <string.h>

static void put_text(struct pm_strbuf *b, const struct pm_strbuf *text)
{
	pm_strbuf_putc(b, '"');
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '"')
			pm_strbuf_putc(b, '"');
		pm_strbuf_putc(b, text->data[i]);
	}
	pm_strbuf_putc(b, '"');
}

/* "heap.csv": "heap-nodes.csv" and "heap-edges.csv". */
static enum pm_status open_table(struct pm_out *o, const char *path,
	const char *what, struct pm_error *err)
{
	size_t n = strlen(path), stem = n;
	pm_auto_strbuf name = {0};
	if (n > 4 && !strcmp(path + n - 4, ".csv"))
		stem = n - 4;
	pm_strbuf_printf(&name, "%.*s-%s.csv", (int)stem, path, what);
	if (name.failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	return pm_out_open(o, pm_strbuf_text(&name), err);
}

static enum pm_status begin(struct pm_export *x, struct pm_error *err)
{
	PM_TRY(open_table(&x->out[0], x->q.path, "nodes", err));
	PM_TRY(open_table(&x->out[1], x->q.path, "edges", err));
	x->own = calloc(1, sizeof(struct pm_strbuf));
	if (!x->own)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_strbuf_puts(&x->out[0].text,
		"id,type,size,retained,dominator,reached,repr\r\n");
	pm_strbuf_puts(&x->out[1].text, "source,target,via\r\n");
	return PM_OK;
}

static void finish(struct pm_export *x)
{
	pm_strbuf_deinit(x->own);
	free(x->own);
	x->own = NULL;
}

static void node(struct pm_export *x, const struct pm_export_node *n)
{
	const struct pm_graph *g = x->g;
	const struct pm_dominators *d = g->dominators;
	struct pm_strbuf *b = &x->out[0].text, *text = x->own;
	uint32_t by = d->of[n->node];
	pm_out_number(b, g->addr[n->node]);
	pm_strbuf_putc(b, ',');
	pm_strbuf_truncate(text, 0);
	pm_strbuf_puts(text, pm_graph_type_name(g, n->node));
	put_text(b, text);
	pm_strbuf_putc(b, ',');
	pm_out_number(b, pm_graph_size(g, n->node));
	pm_strbuf_putc(b, ',');
	pm_out_number(b, d->retained[n->node]);
	pm_strbuf_putc(b, ',');
	pm_out_number(b, by < g->n ? g->addr[by] : 0);
	pm_strbuf_puts(b, by == PM_UNREACHED ? ",0," : ",1,");
	pm_strbuf_truncate(text, 0);
	pm_repr(&g->h->objects, g->addr[n->node], x->q.text_limit, text);
	put_text(b, text);
	pm_strbuf_puts(b, "\r\n");
}

static void put_edge(struct pm_export *x, pm_addr from, uint32_t to)
{
	struct pm_strbuf *b = &x->out[1].text;
	pm_out_number(b, from);
	pm_strbuf_putc(b, ',');
	pm_out_number(b, x->g->addr[to]);
	pm_strbuf_putc(b, ',');
	put_text(b, x->own);
	pm_strbuf_puts(b, "\r\n");
}

static void root(struct pm_export *x, const struct pm_graph_root *r)
{
	struct pm_strbuf *text = x->own;
	pm_strbuf_truncate(text, 0);
	pm_root_name(x->g->h, &r->root, true, text);
	put_edge(x, 0, r->node);
}

static void edge(struct pm_export *x, const struct pm_export_edge *e)
{
	struct pm_strbuf *text = x->own;
	pm_strbuf_truncate(text, 0);
	if (e->ref)
		pm_ref_describe(
			&x->g->h->objects, e->from->object, e->ref, text);
	put_edge(x, x->g->addr[e->from->node], e->to);
}

static enum pm_status end(
	struct pm_export *x, bool *ret_done, struct pm_error *err)
{
	const struct pm_strbuf *text = x->own;
	if (text->failed)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	*ret_done = true;
	return PM_OK;
}

const struct pm_export_format pm_export_csv = {
	.begin = begin,
	.node = node,
	.root = root,
	.edge = edge,
	.end = end,
	.finish = finish,
};
