/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/machinery.h"
#include "graph/expression.h"
#include "graph/root-nodes.h"

#include <string.h>

struct pm_machinery {
	const struct pm_graph *g;
	uint64_t *is;	/* bits, by node */
	uint8_t *roles; /* by type id */
	uint32_t ntypes;
};

void pm_machinery_destroy(struct pm_machinery *m)
{
	if (!m)
		return;
	free(m->is);
	free(m->roles);
	free(m);
}

static void cleanup_machinery(struct pm_machinery **m)
{
	pm_machinery_destroy(*m);
}

static enum pm_role role_of_type(const struct pm_type *t)
{
	static const char *const program[] = {"builtins.function",
		"builtins.builtin_function_or_method",
		"builtins.getset_descriptor", "builtins.member_descriptor",
		"builtins.method_descriptor", "builtins.wrapper_descriptor",
		"builtins.classmethod_descriptor"};
	if (t->kind == PM_KIND_MODULE)
		return PM_ROLE_MACHINERY;
	if (t->kind == PM_KIND_TYPE || t->kind == PM_KIND_CODE)
		return PM_ROLE_PROGRAM;
	for (size_t i = 0; i < sizeof program / sizeof *program; i++)
		if (!t->heap && !strcmp(t->name, program[i]))
			return PM_ROLE_PROGRAM;
	return t->heap ? PM_ROLE_INSTANCE : PM_ROLE_PLAIN;
}

static void set(struct pm_machinery *m, uint32_t node)
{
	if (node < m->g->n)
		m->is[node / 64] |= UINT64_C(1) << node % 64;
}

static bool see_ref(void *arg, const struct pm_ref *ref)
{
	struct pm_machinery *m = arg;
	if (pm_ref_is_namespace(ref))
		set(m, pm_graph_node(m->g, ref->target));
	return true;
}

static void add_module(struct pm_machinery *m, uint32_t node)
{
	struct pm_object x;
	set(m, node);
	if (pm_object_load(&m->g->h->objects, m->g->addr[node], &x, NULL) !=
		PM_OK)
		return;
	/* One that can't be read has globals like any dict. */
	enum pm_status s = pm_refs_each(&m->g->h->objects, &x, see_ref, m);
	(void)s;
}

/* sys.modules, and what the interpreter calls the globals of a module. */
static void add_roots(struct pm_machinery *m)
{
	static const char *const names[] = {
		"imports.modules", "modules", "sysdict", "builtins"};
	pm_vec_each (r, &m->g->roots)
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (r->root.kind == PM_ROOT_INTERPRETER &&
				r->root.name && !strcmp(r->root.name, names[i]))
				set(m, r->node);
}

enum pm_status pm_machinery_create(const struct pm_graph *g,
	struct pm_machinery **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_machinery)
	struct pm_machinery *m = calloc(1, sizeof *m);
	if (!m)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	m->g = g;
	m->ntypes = pm_types_count(g->h->types);
	m->is = calloc((size_t)g->n / 64 + 1, sizeof *m->is);
	m->roles = calloc((size_t)m->ntypes + 1, 1);
	if (!m->is || !m->roles)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < m->ntypes; i++) {
		const struct pm_type *t = pm_types_by_id(g->h->types, i);
		if (t && t->is_type)
			m->roles[i] = (uint8_t)role_of_type(t);
	}
	for (uint32_t i = 0; i < g->n; i++)
		if (g->type[i] < m->ntypes &&
			m->roles[g->type[i]] == PM_ROLE_MACHINERY)
			add_module(m, i);
	add_roots(m);
	*ret = pm_take(m);
	return PM_OK;
}

static enum pm_role role(void *arg, uint32_t node)
{
	const struct pm_machinery *m = arg;
	uint32_t type = m->g->type[node];
	if (m->is[node / 64] >> node % 64 & 1)
		return PM_ROLE_MACHINERY;
	return type < m->ntypes ? (enum pm_role)m->roles[type] : PM_ROLE_PLAIN;
}

static bool is_space(void *arg, uint32_t node)
{
	const struct pm_machinery *m = arg;
	const struct pm_graph *g = m->g;
	uint32_t by = g->dominators->of[node];
	const struct pm_type *t = pm_graph_type(g, node);
	struct pm_object holder;
	struct pm_ref ref;
	return by < g->n && t && t->kind == PM_KIND_DICT &&
	       pm_object_load(&g->h->objects, g->addr[by], &holder, NULL) ==
		       PM_OK &&
	       pm_graph_via(g, &holder, g->addr[node], &ref) &&
	       pm_ref_is_namespace(&ref);
}

struct pm_roles pm_machinery_roles(struct pm_machinery *m)
{
	return (struct pm_roles){.role = role, .is_space = is_space, .arg = m};
}
