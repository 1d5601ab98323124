/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "export/groups.h"
#include "graph/root-nodes.h"

#include <inttypes.h>

/* What a kind is shown under, and the number that tells one from another. */
static struct pm_root_group group_of(const struct pm_root *root)
{
	int64_t thread = root->thread ? (int64_t)root->thread
				      : (int64_t)root->native_thread;
	switch (root->kind) {
	case PM_ROOT_INTERPRETER:
		return (struct pm_root_group){root->kind, root->interp_id, 0};
	case PM_ROOT_THREAD:
	case PM_ROOT_FRAME:
	case PM_ROOT_STACK_WORD:
		return (struct pm_root_group){
			PM_ROOT_THREAD, (int64_t)root->thread, 0};
	case PM_ROOT_RUNTIME:
	case PM_ROOT_STATE_WORD:
		return (struct pm_root_group){PM_ROOT_RUNTIME, 0, 0};
	case PM_ROOT_C_STACK:
	case PM_ROOT_REGISTER:
		return (struct pm_root_group){PM_ROOT_C_STACK, thread, 0};
	case PM_ROOT_STATIC:
	case PM_ROOT_INTERNED:
	case PM_ROOT_IMMORTAL:
	case PM_ROOT_GLOBAL:
	case PM_ROOT_KINDS:
		break;
	}
	return (struct pm_root_group){root->kind, 0, 0};
}

void pm_root_group_name(const struct pm_root_group *r, struct pm_strbuf *out)
{
	switch (r->kind) {
	case PM_ROOT_INTERPRETER:
		pm_strbuf_printf(out, "(interpreter %" PRId64 ")", r->number);
		return;
	case PM_ROOT_THREAD:
		pm_strbuf_printf(out, "(thread %" PRId64 ")", r->number);
		return;
	case PM_ROOT_C_STACK:
		pm_strbuf_printf(
			out, "(C stack of thread %" PRId64 ")", r->number);
		return;
	case PM_ROOT_RUNTIME:
		pm_strbuf_puts(out, "(runtime)");
		return;
	case PM_ROOT_STATIC:
		pm_strbuf_puts(out, "(static objects)");
		return;
	case PM_ROOT_INTERNED:
		pm_strbuf_puts(out, "(interned strings)");
		return;
	case PM_ROOT_IMMORTAL:
		pm_strbuf_puts(out, "(immortal objects)");
		return;
	case PM_ROOT_GLOBAL:
		pm_strbuf_puts(out, "(C variables)");
		return;
	case PM_ROOT_FRAME:
	case PM_ROOT_STATE_WORD:
	case PM_ROOT_STACK_WORD:
	case PM_ROOT_REGISTER:
	case PM_ROOT_KINDS:
		return;
	}
}

bool pm_root_group_has_names(const struct pm_root_group *r)
{
	return r->kind != PM_ROOT_INTERNED && r->kind != PM_ROOT_IMMORTAL;
}

void pm_root_groups_deinit(struct pm_root_groups *r)
{
	pm_vec_deinit(&r->list);
	pm_vec_deinit(&r->telling);
	free(r->order);
	r->order = NULL;
}

/* The group's place in the list; UINT32_MAX: out of memory. */
static uint32_t find(struct pm_root_groups *r, const struct pm_root *root)
{
	const struct pm_root_group new = group_of(root);
	for (uint32_t i = 0; i < r->list.len; i++)
		if (r->list.data[i].kind == new.kind &&
			r->list.data[i].number == new.number)
			return i;
	return pm_vec_push(&r->list, new) ? (uint32_t)r->list.len - 1
					  : UINT32_MAX;
}

static bool is_telling(const struct pm_graph *g, size_t i)
{
	const struct pm_graph_root *r = &g->roots.data[i];
	return (!i || r[-1].node != r->node) &&
	       !pm_root_is_incidental(&r->root);
}

static enum pm_status sort(struct pm_root_groups *r, const uint32_t *group,
	size_t n, struct pm_error *err)
{
	pm_auto_free uint32_t *next = calloc(r->list.len + 1, sizeof *next);
	r->order = malloc((n + 1) * sizeof *r->order);
	if (!next || !r->order)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (size_t i = 0; i < r->list.len; i++)
		next[i + 1] = next[i] + r->list.data[i].roots;
	for (uint32_t i = 0; i < n; i++)
		r->order[next[group[i]]++] = i;
	return PM_OK;
}

enum pm_status pm_root_groups_make(const struct pm_graph *g,
	struct pm_root_groups *ret, struct pm_error *err)
{
	PM_CLEANUP(pm_root_groups_deinit) struct pm_root_groups r = {0};
	size_t n = g->roots.len;
	pm_auto_free uint32_t *group = malloc((n + 1) * sizeof *group);
	if (!group)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	for (uint32_t i = 0; i < n; i++) {
		group[i] = find(&r, &g->roots.data[i].root);
		if (group[i] == UINT32_MAX ||
			(is_telling(g, i) && !pm_vec_push(&r.telling, i)))
			return pm_fail(err, PM_NOMEM, 0, "out of memory");
		r.list.data[group[i]].roots++;
	}
	PM_TRY(sort(&r, group, n, err));
	*ret = r;
	r = (struct pm_root_groups){0};
	return PM_OK;
}
