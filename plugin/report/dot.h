/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A picture of objects and the references between them, as text for graphviz's
   dot.  Texts are copied; out of memory is remembered in .failed.
   To add a figure: a line in PM_FIGURES. */
#ifndef PM_REPORT_DOT_H
#define PM_REPORT_DOT_H

#include "base/strbuf.h"
#include "base/vec.h"

/* X(name, attributes of dot); objects get their colour by depth. */
#define PM_FIGURES(X)                                                          \
	X(OBJECT, "shape=box, style=\"filled,rounded\"")                       \
	X(MODULE, "shape=folder, style=filled")                                \
	X(CLASS, "shape=component, style=filled")                              \
	X(ROOT, "shape=house, orientation=270, style=filled, "                 \
		"fillcolor=\"#ffe08a\"")                                       \
	X(MORE, "shape=plaintext, fontcolor=\"#606060\"")

enum pm_figure {
#define X(name, text) PM_FIGURE_##name,
	PM_FIGURES(X)
#undef X
};

struct pm_picture_node {
	enum pm_figure figure;
	unsigned depth; /* from the object that is asked for, which has 0 */
	bool held;	/* a root leads to it directly */
	char *text;	/* lines */
};

struct pm_picture_edge {
	uint32_t from, to;
	char *label;
	unsigned labels; /* so many references; the first few are told */
	bool exact;
};

struct pm_picture {
	PM_VEC(struct pm_picture_node) nodes;
	PM_VEC(struct pm_picture_edge) edges;
	char *title;
	bool failed;
};

void pm_picture_deinit(struct pm_picture *p);

/* The new node's number. */
uint32_t pm_picture_add(struct pm_picture *p, enum pm_figure figure,
	unsigned depth, bool held, const char *text);
/* Several of the same two nodes become one. */
void pm_picture_join(struct pm_picture *p, uint32_t from, uint32_t to,
	const char *label, bool exact);
/* A line under the picture. */
void pm_picture_title(struct pm_picture *p, const char *text);

/* Appends text as dot's language quotes it, in lines that are not too long. */
void pm_dot_string(const char *text, struct pm_strbuf *out);

void pm_picture_dot(const struct pm_picture *p, struct pm_strbuf *out);

#endif
