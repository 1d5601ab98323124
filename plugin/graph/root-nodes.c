/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/root-nodes.h"
#include "graph/roots-native.h"

struct pm_root_nodes {
	struct pm_graph *g;
	struct pm_roots_job *job;
	struct pm_native_job *native; /* once the job is done */
	PM_VEC(struct pm_graph_root) found;
	PM_VEC(struct pm_graph_root) guesses; /* of the runtime's own words */
	bool no_memory;
};

void pm_root_nodes_destroy(struct pm_root_nodes *j)
{
	if (!j)
		return;
	pm_roots_destroy(j->job);
	pm_native_destroy(j->native);
	pm_vec_deinit(&j->found);
	pm_vec_deinit(&j->guesses);
	free(j);
}

static void cleanup_job(struct pm_root_nodes **j)
{
	pm_root_nodes_destroy(*j);
}

static bool see(void *arg, const struct pm_root *root)
{
	struct pm_root_nodes *j = arg;
	const struct pm_graph_root r = {
		pm_graph_node(j->g, root->target), *root};
	if (r.node != PM_NO_NODE &&
		!(pm_root_kind_is_precise(root->kind)
				? pm_vec_push(&j->found, r)
				: pm_vec_push(&j->guesses, r)))
		j->no_memory = true;
	return !j->no_memory;
}

enum pm_status pm_root_nodes_create(
	struct pm_graph *g, struct pm_root_nodes **ret, struct pm_error *err)
{
	PM_CLEANUP(cleanup_job) struct pm_root_nodes *j = calloc(1, sizeof *j);
	if (!j)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	j->g = g;
	PM_TRY(pm_roots_create(g->h, see, j, &j->job, err));
	*ret = pm_take(j);
	return PM_OK;
}

static int by_node(const void *a, const void *b)
{
	const struct pm_graph_root *x = a, *y = b;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->root.kind != y->root.kind)
		return x->root.kind < y->root.kind ? -1 : 1;
	if (x->root.at != y->root.at)
		return x->root.at < y->root.at ? -1 : 1;
	if (x->root.thread != y->root.thread)
		return x->root.thread < y->root.thread ? -1 : 1;
	return x->root.index < y->root.index ? -1
					     : x->root.index > y->root.index;
}

static bool is_found(const struct pm_root_nodes *j, pm_addr target)
{
	pm_vec_each (r, &j->found)
		if (r->root.target == target)
			return true;
	return false;
}

/* C code has the tables of interned strings, where they are not members of the
   interpreter's state (from 3.12 on). */
static bool add_tables(struct pm_root_nodes *j)
{
	pm_vec_each (w, &j->g->weak) {
		const struct pm_root root = {.kind = PM_ROOT_RUNTIME,
			.name = "interned strings",
			.counted = true,
			.target = *w};
		if (!is_found(j, *w) && !see(j, &root))
			return false;
	}
	return true;
}

static bool add_immortal(struct pm_root_nodes *j)
{
	const struct pm_graph *g = j->g;
	for (uint32_t i = 0; i < g->n; i++) {
		if (i % 64 == 0 && !g->immortal[i / 64]) {
			i += 63;
			continue;
		}
		if (pm_graph_is_immortal(g, i) &&
			!pm_vec_push(&j->found,
				(struct pm_graph_root){
					i, {.kind = PM_ROOT_IMMORTAL,
						   .target = g->addr[i]}}))
			return false;
	}
	return true;
}

/* What is known so far is the graph's, sorted. */
static void commit(struct pm_root_nodes *j)
{
	struct pm_graph *g = j->g;
	if (j->found.len)
		qsort(j->found.data, j->found.len, sizeof *j->found.data,
			by_node);
	pm_vec_deinit(&g->roots);
	g->roots.data = pm_take(j->found.data);
	g->roots.len = j->found.len;
	g->roots.cap = j->found.cap;
	j->found.len = j->found.cap = 0;
}

/* These, too. */
static enum pm_status commit_more(struct pm_root_nodes *j,
	const struct pm_graph_root *more, size_t n, struct pm_error *err)
{
	if (!pm_vec_reserve(&j->found, j->g->roots.len + n))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	pm_vec_each (r, &j->g->roots)
		j->found.data[j->found.len++] = *r;
	for (size_t i = 0; i < n; i++)
		j->found.data[j->found.len++] = more[i];
	commit(j);
	return PM_OK;
}

/* What ended calls left on a stack holds nothing: guesses are believed as far
   as the reference count leaves room for them. */
static enum pm_status weigh_guesses(
	struct pm_root_nodes *j, struct pm_error *err)
{
	size_t kept = 0;
	int64_t room = 0;
	uint32_t node = PM_NO_NODE;
	if (j->guesses.len)
		qsort(j->guesses.data, j->guesses.len, sizeof *j->guesses.data,
			by_node);
	for (size_t i = 0; i < j->guesses.len; i++) {
		const struct pm_graph_root r = j->guesses.data[i];
		if (node != r.node)
			room = pm_graph_room(j->g, r.node, true);
		node = r.node;
		if (room-- > 0)
			j->guesses.data[kept++] = r;
	}
	j->guesses.len = kept;
	return commit_more(j, j->guesses.data, kept, err);
}

static enum pm_status find_precise(
	struct pm_root_nodes *j, double seconds, struct pm_error *err)
{
	struct pm_graph *g = j->g;
	bool done = false;
	PM_TRY(pm_roots_step(j->job, seconds, &done, err));
	if (j->no_memory || (done && (!add_tables(j) || !add_immortal(j))))
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	if (!done)
		return PM_OK;
	commit(j);
	PM_TRY(weigh_guesses(j, err));
	return pm_native_create(g, &j->native, err);
}

enum pm_status pm_root_nodes_step(struct pm_root_nodes *j, double seconds,
	bool *ret_done, struct pm_error *err)
{
	struct pm_graph *g = j->g;
	bool done = false;
	size_t n;
	*ret_done = false;
	if (!j->native)
		return find_precise(j, seconds, err);
	PM_TRY(pm_native_step(j->native, seconds, &done, err));
	if (!done)
		return PM_OK;
	const struct pm_graph_root *native = pm_native_roots(j->native, &n);
	PM_TRY(commit_more(j, native, n, err));
	g->unreadable +=
		pm_roots_unreadable(j->job) + pm_native_unreadable(j->native);
	g->inconsistent += pm_roots_inconsistent(j->job);
	g->has_roots = *ret_done = true;
	return PM_OK;
}

const struct pm_graph_root *pm_graph_roots_of(
	const struct pm_graph *g, uint32_t node)
{
	size_t lo = 0, hi = g->roots.len;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (g->roots.data[mid].node < node)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < g->roots.len && g->roots.data[lo].node == node
		       ? &g->roots.data[lo]
		       : NULL;
}

const struct pm_root *pm_graph_root(const struct pm_graph *g, uint32_t node)
{
	const struct pm_graph_root *r = pm_graph_roots_of(g, node);
	return r ? &r->root : NULL;
}

bool pm_root_is_incidental(const struct pm_root *root)
{
	return root->kind > PM_ROOT_FRAME ||
	       (root->kind == PM_ROOT_FRAME && root->via == PM_VIA_FIELD);
}

/* The best root of each node is its first.  How many nodes were added. */
static size_t list_nodes(const struct pm_graph *g, bool sure, uint32_t *list)
{
	size_t n = 0;
	for (size_t i = 0; i < g->roots.len; i++) {
		const struct pm_graph_root *r = &g->roots.data[i];
		if ((!i || r[-1].node != r->node) &&
			pm_root_kind_is_precise(r->root.kind) == sure)
			list[n++] = r->node;
	}
	return n;
}

enum pm_status pm_graph_root_list(const struct pm_graph *g, uint32_t **ret,
	size_t *ret_n, size_t *ret_nsure, struct pm_error *err)
{
	uint32_t *list = malloc((g->roots.len + 1) * sizeof *list);
	if (!list)
		return pm_fail(err, PM_NOMEM, 0, "out of memory");
	size_t n = list_nodes(g, true, list);
	*ret_nsure = n;
	*ret_n = n + list_nodes(g, false, list + n);
	*ret = list;
	return PM_OK;
}
