/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One document in the "node-link" form that libraries of graphs read
   (networkx, d3), each node and edge on a line of its own. */
#include "export/export-internal.h"
#include "object/repr.h"
#include "report/json-string.h"

#include <inttypes.h>
#include <string.h>

struct json {
	struct pm_strbuf scratch;
	bool any; /* in the array that is written */
};

static enum pm_status begin(struct pm_export *x, struct pm_error *err)
{
	PM_TRY(pm_out_open(&x->out[0], x->q.path, err));
	x->own = calloc(1, sizeof(struct json));
	if (!x->own)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_strbuf_puts(&x->out[0].text,
		"{\"directed\": true, \"multigraph\": true,\n"
		"\"nodes\": [");
	return PM_OK;
}

static void finish(struct pm_export *x)
{
	struct json *j = x->own;
	pm_strbuf_deinit(&j->scratch);
	free(j);
	x->own = NULL;
}

/* "key": */
static void put_key(struct pm_strbuf *b, const char *key)
{
	pm_strbuf_putc(b, '"');
	pm_strbuf_puts(b, key);
	pm_strbuf_puts(b, "\": ");
}

static void put_addr(struct pm_strbuf *b, const char *key, pm_addr addr)
{
	put_key(b, key);
	pm_strbuf_printf(b, "\"0x%" PRIx64 "\"", addr);
}

static void put_number(struct pm_strbuf *b, const char *key, uint64_t n)
{
	pm_strbuf_puts(b, ", ");
	put_key(b, key);
	pm_out_number(b, n);
}

/* What is in scratch. */
static void put_text(struct pm_export *x, const char *key)
{
	struct json *j = x->own;
	struct pm_strbuf *b = &x->out[0].text;
	pm_strbuf_puts(b, ", ");
	put_key(b, key);
	pm_json_string(b, pm_strbuf_text(&j->scratch), j->scratch.len);
	b->failed |= j->scratch.failed;
	pm_strbuf_truncate(&j->scratch, 0);
}

static void begin_row(struct pm_export *x)
{
	struct json *j = x->own;
	pm_strbuf_puts(&x->out[0].text, j->any ? ",\n{" : "\n{");
	j->any = true;
}

static void node(struct pm_export *x, const struct pm_export_node *n)
{
	const struct pm_graph *g = x->g;
	const struct pm_dominators *d = g->dominators;
	struct pm_strbuf *b = &x->out[0].text;
	struct json *j = x->own;
	uint32_t by = d->of[n->node];
	begin_row(x);
	put_addr(b, "id", g->addr[n->node]);
	pm_strbuf_puts(&j->scratch, pm_graph_type_name(g, n->node));
	put_text(x, "type");
	put_number(b, "size", pm_graph_size(g, n->node));
	put_number(b, "retained", d->retained[n->node]);
	if (by < g->n) {
		pm_strbuf_puts(b, ", ");
		put_addr(b, "dominator", g->addr[by]);
	}
	pm_strbuf_puts(b, by == PM_UNREACHED ? ", \"reached\": false"
					     : ", \"reached\": true");
	pm_repr(&g->h->objects, g->addr[n->node], x->q.text_limit, &j->scratch);
	put_text(x, "repr");
	pm_strbuf_putc(b, '}');
}

static enum pm_status roots(struct pm_export *x, struct pm_error *err)
{
	struct json *j = x->own;
	(void)err;
	pm_strbuf_puts(&x->out[0].text, "],\n\"graph\": {\"roots\": [");
	j->any = false;
	return PM_OK;
}

static void root(struct pm_export *x, const struct pm_graph_root *r)
{
	struct json *j = x->own;
	begin_row(x);
	put_addr(&x->out[0].text, "target", x->g->addr[r->node]);
	pm_strbuf_puts(&j->scratch, pm_root_kind_text(r->root.kind));
	put_text(x, "kind");
	pm_root_name(x->g->h, &r->root, true, &j->scratch);
	put_text(x, "name");
	pm_strbuf_putc(&x->out[0].text, '}');
}

static enum pm_status edges(struct pm_export *x, struct pm_error *err)
{
	struct json *j = x->own;
	(void)err;
	pm_strbuf_puts(&x->out[0].text, "]},\n\"edges\": [");
	j->any = false;
	return PM_OK;
}

static void edge(struct pm_export *x, const struct pm_export_edge *e)
{
	struct pm_strbuf *b = &x->out[0].text;
	struct json *j = x->own;
	begin_row(x);
	put_addr(b, "source", x->g->addr[e->from->node]);
	pm_strbuf_puts(b, ", ");
	put_addr(b, "target", x->g->addr[e->to]);
	if (e->ref)
		pm_ref_describe(&x->g->h->objects, e->from->object, e->ref,
			&j->scratch);
	put_text(x, "via");
	pm_strbuf_putc(b, '}');
}

static enum pm_status end(
	struct pm_export *x, bool *ret_done, struct pm_error *err)
{
	(void)err;
	pm_strbuf_puts(&x->out[0].text, "]}\n");
	*ret_done = true;
	return PM_OK;
}

const struct pm_export_format pm_export_json = {
	.begin = begin,
	.node = node,
	.roots = roots,
	.root = root,
	.edges = edges,
	.edge = edge,
	.end = end,
	.finish = finish,
};
