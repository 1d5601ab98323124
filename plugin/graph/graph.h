/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The object graph of a walked heap as flat arrays: a node for every object,
   in the order of addresses (those outside the allocator's pools come last),
   an edge for every strong reference.  Nodes are numbers of 32 bits; edges are
   stored as the number of the other node, forward and backward, so a graph
   takes 24 bytes per object and 8 per edge (build.c: while it is built, 12).

   What an edge is (attribute, item, local, ...) is not kept: pm_refs_each on
   its holder says so whenever it is to be shown. */
#ifndef PM_GRAPH_GRAPH_H
#define PM_GRAPH_GRAPH_H

#include "graph/roots.h"
#include "heap/walk.h"

/* The largest number of nodes; edges have a bit for themselves. */
#define PM_NODES_MAX (UINT32_C(1) << 31)
#define PM_NO_NODE UINT32_MAX
/* In an edge: found by looking at the words of a C extension's object. */
#define PM_EDGE_NATIVE PM_NODES_MAX

struct pm_large_node {
	uint32_t node;
	uint64_t size;
};

/* A root, and the node it leads to. */
struct pm_graph_root {
	uint32_t node;
	struct pm_root root;
};

struct pm_dominators; /* dominators.h */

struct pm_graph {
	struct pm_heap *h;
	uint32_t n;	 /* nodes */
	uint32_t inside; /* of these in pools: the first ones */
	uint32_t *rank;	 /* nodes before each word of h->is_object */
	pm_addr *addr;	 /* by node, as all that follows */
	uint32_t *type;	 /* type id; PM_NO_NODE: could not be read */
	uint32_t *bytes; /* sys.getsizeof; UINT32_MAX: in large */
	uint32_t *out_begin, *in_begin; /* n + 1 each */
	uint32_t *out;			/* edges: nodes referred to */
	uint32_t *in;			/* the same edges: nodes that refer */
	PM_VEC(struct pm_large_node) large; /* sorted */
	/* Tables of interned strings: what is in them is not held by them. */
	PM_VEC(pm_addr) weak;
	uint64_t *immortal; /* bits, by node: in the heap, and never freed */
	uint64_t edges;
	uint64_t unreadable; /* objects, roots: could not be followed in full */
	uint64_t inconsistent;

	/* Of root-nodes.h: by node, the best kind first. */
	PM_VEC(struct pm_graph_root) roots;
	bool has_roots;
	struct pm_dominators *dominators; /* owned; NULL: not computed yet */
};

/* The heap was walked, and lives longer.  *ret has its nodes, no edges. */
PM_CHECKED enum pm_status pm_graph_create(
	struct pm_heap *h, struct pm_graph **ret, struct pm_error *err);
void pm_graph_destroy(struct pm_graph *g);
static inline void pm_cleanup_graph(struct pm_graph **g)
{
	pm_graph_destroy(*g);
}

/* The object that starts at addr; PM_NO_NODE: none does. */
uint32_t pm_graph_node(const struct pm_graph *g, pm_addr addr);

/* sys.getsizeof of it, in bytes. */
uint64_t pm_graph_size(const struct pm_graph *g, uint32_t node);

/* Its type; NULL: could not be read. */
const struct pm_type *pm_graph_type(const struct pm_graph *g, uint32_t node);

/* The same's qualified name; "?": could not be read. */
const char *pm_graph_type_name(const struct pm_graph *g, uint32_t node);

static inline bool pm_graph_is_immortal(const struct pm_graph *g, uint32_t node)
{
	return g->immortal[node / 64] >> node % 64 & 1;
}

static inline uint32_t pm_edge_node(uint32_t edge)
{
	return edge & ~PM_EDGE_NATIVE;
}

#endif
