/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/dot.h"

#include <string.h>

/* Of an edge that stands for more, so many references are told. */
#define LABELS_TOLD 3
#define LABEL_LENGTH 60

void pm_picture_deinit(struct pm_picture *p)
{
	pm_vec_each (n, &p->nodes)
		free(n->text);
	pm_vec_each (e, &p->edges)
		free(e->label);
	pm_vec_deinit(&p->nodes);
	pm_vec_deinit(&p->edges);
	free(pm_take(p->title));
}

uint32_t pm_picture_add(struct pm_picture *p, enum pm_figure figure,
	unsigned depth, bool held, const char *text)
{
	char *copy = strdup(text);
	if (!copy || !pm_vec_push(&p->nodes, (struct pm_picture_node){figure,
						     depth, held, copy})) {
		free(copy);
		p->failed = true;
		return 0;
	}
	return (uint32_t)p->nodes.len - 1;
}

static void add_label(
	struct pm_picture *p, struct pm_picture_edge *e, const char *label)
{
	char *text = NULL;
	if (e->labels++ >= LABELS_TOLD)
		return;
	if (asprintf(&text, "%s\n%s", e->label, label) < 0) {
		p->failed = true;
		return;
	}
	free(e->label);
	e->label = text;
}

void pm_picture_join(struct pm_picture *p, uint32_t from, uint32_t to,
	const char *label, bool exact)
{
	pm_vec_each (e, &p->edges)
		if (e->from == from && e->to == to) {
			add_label(p, e, label);
			e->exact = e->exact || exact;
			return;
		}
	char *copy = strdup(label);
	if (!copy || !pm_vec_push(&p->edges, (struct pm_picture_edge){from, to,
						     copy, 1, exact})) {
		free(copy);
		p->failed = true;
	}
}

void pm_picture_title(struct pm_picture *p, const char *text)
{
	free(p->title);
	p->title = strdup(text);
	p->failed = p->failed || !p->title;
}

void pm_dot_string(const char *text, struct pm_strbuf *out)
{
	size_t column = 0;
	pm_strbuf_putc(out, '"');
	for (; *text; text++) {
		/* Not within a character of UTF-8. */
		if (++column > LABEL_LENGTH && (*text & 0xc0) != 0x80) {
			pm_strbuf_puts(out, "\\n");
			column = 1;
		}
		if (*text == '\n') {
			pm_strbuf_puts(out, "\\n");
			column = 0;
			continue;
		}
		if (*text == '"' || *text == '\\')
			pm_strbuf_putc(out, '\\');
		pm_strbuf_putc(out, *text);
	}
	pm_strbuf_putc(out, '"');
}

static void put_node(const struct pm_picture *p, size_t i, unsigned deepest,
	struct pm_strbuf *out)
{
	static const char *const figures[] = {
#define X(name, text) text,
		PM_FIGURES(X)
#undef X
	};
	const struct pm_picture_node *n = &p->nodes.data[i];
	pm_strbuf_printf(out, "  n%zu [%s, label=", i, figures[n->figure]);
	pm_dot_string(n->text, out);
	/* Paler, the further away. */
	if (n->figure != PM_FIGURE_ROOT && n->figure != PM_FIGURE_MORE)
		pm_strbuf_printf(out, ", fillcolor=\"0.58 %.2f 1.00\"",
			0.55 - 0.50 * n->depth / (deepest ? deepest : 1));
	if (n->held)
		pm_strbuf_puts(out, ", peripheries=2");
	if (!n->depth && n->figure != PM_FIGURE_MORE)
		pm_strbuf_puts(out, ", penwidth=3");
	pm_strbuf_puts(out, "];\n");
}

static void put_edge(const struct pm_picture *p,
	const struct pm_picture_edge *e, struct pm_strbuf *out)
{
	pm_auto_strbuf label = {0};
	pm_strbuf_puts(&label, e->label);
	if (e->labels > LABELS_TOLD)
		pm_strbuf_printf(&label, "\n%u more", e->labels - LABELS_TOLD);
	pm_strbuf_printf(out, "  n%u -> n%u [label=", e->from, e->to);
	pm_dot_string(pm_strbuf_text(&label), out);
	if (p->nodes.data[e->to].figure == PM_FIGURE_MORE ||
		p->nodes.data[e->from].figure == PM_FIGURE_MORE)
		pm_strbuf_puts(out, ", style=dotted");
	else if (!e->exact)
		pm_strbuf_puts(out, ", style=dashed");
	pm_strbuf_puts(out, "];\n");
	if (label.failed)
		out->failed = true;
}

void pm_picture_dot(const struct pm_picture *p, struct pm_strbuf *out)
{
	unsigned deepest = 0;
	pm_vec_each (n, &p->nodes)
		if (n->depth > deepest)
			deepest = n->depth;
	pm_strbuf_puts(out,
		"digraph pymortem {\n"
		"  rankdir=LR;\n  ranksep=0.6;\n  nodesep=0.15;\n"
		"  node [fontname=\"sans-serif\", fontsize=10, margin=0.08];\n"
		"  edge [fontname=\"sans-serif\", fontsize=9, "
		"color=\"#505050\"];\n");
	if (p->title) {
		pm_strbuf_puts(out, "  label=");
		pm_dot_string(p->title, out);
		pm_strbuf_puts(out, ";\n  fontname=\"sans-serif\";\n");
	}
	for (size_t i = 0; i < p->nodes.len; i++)
		put_node(p, i, deepest, out);
	pm_vec_each (e, &p->edges)
		put_edge(p, e, out);
	pm_strbuf_puts(out, "}\n");
}
