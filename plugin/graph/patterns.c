/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/patterns.h"
#include "graph/expression.h"

#include <string.h>

/* More are not told apart: what is behind is added to what is before. */
#define PATTERNS_MAX 65536
/* Steps that repeat have no more parts. */
#define PERIOD_MAX 8
/* Of a longer one the middle is left out. */
#define STEPS_SHOWN 64

void pm_patterns_init(struct pm_patterns *p, const struct pm_graph *g)
{
	*p = (struct pm_patterns){.g = g, .recent = PM_NO_PATTERN};
}

void pm_patterns_deinit(struct pm_patterns *p)
{
	pm_vec_deinit(&p->list);
	pm_map_deinit(&p->by_step);
	pm_map_deinit(&p->by_text);
	pm_strbuf_deinit(&p->texts);
}

static const char *text_at(const struct pm_patterns *p, uint32_t text)
{
	return pm_strbuf_text(&p->texts) + text;
}

/* Where a text stands: equal ones stand at one place. */
static bool put_text(struct pm_patterns *p, const char *text, uint32_t *ret)
{
	size_t n = strlen(text);
	for (uint64_t hash = pm_hash_text(PM_HASH_BEGIN, text) | 1;;
		hash += 2) {
		bool added;
		struct pm_map_slot *s = pm_map_put(&p->by_text, hash, &added);
		if (!s)
			return false;
		if (added) {
			*ret = (uint32_t)p->texts.len;
			s->value = p->texts.len + 1;
			pm_strbuf_append(&p->texts, text, n + 1);
			return !p->texts.failed && p->texts.len < UINT32_MAX;
		}
		*ret = (uint32_t)(s->value - 1);
		if (!strcmp(text_at(p, *ret), text))
			return true;
	}
}

static bool is_same(const struct pm_pattern *x, uint32_t above, uint32_t text,
	uint32_t type)
{
	return x->above == above && x->text == text && x->type == type;
}

/* The pattern with that step; PM_NO_PATTERN: there is none, and *ret is where
   it would be. */
static uint32_t look_up(struct pm_patterns *p, uint32_t above, uint32_t text,
	uint32_t type, uint64_t *ret)
{
	uint64_t hash =
		pm_hash_word(pm_hash_word(pm_hash_word(1, above), text), type) |
		1;
	const struct pm_map_slot *s;
	if (p->recent != PM_NO_PATTERN &&
		is_same(&p->list.data[p->recent], above, text, type))
		return p->recent;
	while ((s = pm_map_find(&p->by_step, hash))) {
		uint32_t at = (uint32_t)(s->value - 1);
		if (is_same(&p->list.data[at], above, text, type))
			return p->recent = at;
		hash += 2;
	}
	*ret = hash;
	return PM_NO_PATTERN;
}

static uint32_t add(
	struct pm_patterns *p, uint64_t hash, const struct pm_pattern *x)
{
	struct pm_map_slot *s = pm_map_put(&p->by_step, hash, NULL);
	if (!s || !pm_vec_push(&p->list, *x)) {
		p->no_memory = true;
		return PM_NO_PATTERN;
	}
	s->value = p->list.len;
	return (uint32_t)p->list.len - 1;
}

/* ---- roots ---- */

/* Of a kind that has thousands, all are one; of an array, all words. */
static void root_text(const struct pm_graph *g, const struct pm_root *root,
	struct pm_strbuf *out)
{
	struct pm_root one = *root;
	switch (root->kind) {
	case PM_ROOT_STATIC:
		pm_strbuf_puts(out, "(static objects)");
		return;
	case PM_ROOT_INTERNED:
		pm_strbuf_puts(out, "(interned strings)");
		return;
	case PM_ROOT_IMMORTAL:
		pm_strbuf_puts(out, "(immortal objects)");
		return;
	case PM_ROOT_C_STACK:
		pm_strbuf_printf(out, "C stack of thread %llu",
			(unsigned long long)root->native_thread);
		return;
	case PM_ROOT_REGISTER:
		pm_strbuf_printf(out, "register of thread %llu",
			(unsigned long long)root->native_thread);
		return;
	case PM_ROOT_INTERPRETER:
	case PM_ROOT_THREAD:
	case PM_ROOT_FRAME:
	case PM_ROOT_RUNTIME:
	case PM_ROOT_STATE_WORD:
	case PM_ROOT_STACK_WORD:
	case PM_ROOT_GLOBAL:
	case PM_ROOT_KINDS:
		break;
	}
	one.many = false;
	pm_root_name(g->h, &one, true, out);
}

uint32_t pm_patterns_root(
	struct pm_patterns *p, const struct pm_root *root, uint32_t node)
{
	pm_auto_strbuf name = {0};
	uint32_t text, type = p->g->type[node];
	uint64_t hash;
	root_text(p->g, root, &name);
	if (!put_text(p, pm_strbuf_text(&name), &text)) {
		p->no_memory = true;
		return PM_NO_PATTERN;
	}
	uint32_t at = look_up(p, PM_NO_PATTERN, text, type, &hash);
	if (at != PM_NO_PATTERN) {
		p->list.data[at].many = true;
		return at;
	}
	/* The globals of a function that runs, too. */
	bool states = root->kind <= PM_ROOT_FRAME && root->via == PM_VIA_FIELD;
	return add(p, hash,
		&(struct pm_pattern){.above = PM_NO_PATTERN,
			.type = type,
			.text = text,
			.loop = PM_NO_PATTERN,
			.holder = PM_NO_NODE,
			.child = node,
			.root = root,
			.is_space = !strncmp(pm_strbuf_text(&name), "vars(", 5),
			.names_all = states,
			.example = PM_NO_NODE});
}

/* ---- steps ---- */

/* Is it one of many that are not told apart?  Says what all of them are. */
static const char *any_item(
	const struct pm_pattern *above, const struct pm_ref *ref)
{
	switch (ref->via) {
	case PM_VIA_INDEX:
		return "[*]";
	case PM_VIA_VALUE:
		return above->is_space || above->names_all ? NULL : "[*]";
	case PM_VIA_KEY:
		return "[key *]";
	case PM_VIA_MEMBER:
		return "[member *]";
	case PM_VIA_FIELD:
	case PM_VIA_SLOT:
	case PM_VIA_ATTRIBUTE:
	case PM_VIA_LOCAL:
	case PM_VIA_STACK:
	case PM_VIA_TYPE:
	case PM_VIA_NATIVE:
		break;
	}
	return NULL;
}

/* Its keys are names of a program. */
static bool is_globals(const struct pm_ref *ref)
{
	return ref->via == PM_VIA_FIELD && ref->name &&
	       !strcmp(ref->name, "__globals__");
}

static bool step_text(struct pm_patterns *p, const struct pm_pattern *above,
	const struct pm_object *x, const struct pm_ref *ref, bool is_space,
	uint32_t *ret)
{
	const struct pm_objects *o = &p->g->h->objects;
	const char *any = any_item(above, ref);
	pm_auto_strbuf text = {0};
	if (above->is_space && ref->via != PM_VIA_VALUE)
		pm_strbuf_puts(&text, ".__dict__");
	if (any)
		pm_strbuf_puts(&text, any);
	else if (!x)
		pm_strbuf_puts(&text, " ?");
	else if (!is_space)
		pm_path_step_text(o, x, ref, above->is_space, &text);
	return !text.failed && put_text(p, pm_strbuf_text(&text), ret);
}

/* The pattern that the new one (above, text, type) repeats: one before it whose
   last steps to objects of this type are the same; PM_NO_PATTERN: none. */
static uint32_t find_loop(const struct pm_patterns *p, uint32_t above,
	uint32_t text, uint32_t type, uint32_t *ret_from)
{
	const struct pm_pattern *all = p->list.data;
	uint32_t a = above;
	unsigned period = 1;
	while (a != PM_NO_PATTERN && all[a].type != type) {
		a = all[a].above;
		if (++period > PERIOD_MAX)
			return PM_NO_PATTERN;
	}
	if (a == PM_NO_PATTERN || type == PM_NO_NODE)
		return PM_NO_PATTERN;
	uint32_t x = above, y = a;
	for (unsigned i = 0; i < period; i++) {
		if (all[y].above == PM_NO_PATTERN || all[y].text != text)
			return PM_NO_PATTERN;
		text = all[x].text;
		x = all[x].above;
		y = all[y].above;
		if (y == PM_NO_PATTERN)
			return PM_NO_PATTERN;
	}
	*ret_from = y;
	return all[y].type == type ? a : PM_NO_PATTERN;
}

static uint32_t seen_again(
	struct pm_patterns *p, uint32_t at, uint32_t holder, uint32_t child)
{
	struct pm_pattern *x = &p->list.data[at];
	x->many = x->many || x->holder != holder || x->child != child;
	return at;
}

uint32_t pm_patterns_step(struct pm_patterns *p, uint32_t above,
	const struct pm_object *x, const struct pm_ref *ref, uint32_t holder,
	uint32_t child)
{
	struct pm_pattern up = p->list.data[above];
	uint32_t text, from, type = p->g->type[child];
	uint64_t hash;
	bool is_space = pm_ref_is_namespace(ref);
	if (!step_text(p, &up, x, ref, is_space, &text)) {
		p->no_memory = true;
		return above;
	}
	uint32_t at = look_up(p, above, text, type, &hash);
	if (at != PM_NO_PATTERN)
		return seen_again(p, at, holder, child);
	at = find_loop(p, above, text, type, &from);
	if (at != PM_NO_PATTERN) {
		p->list.data[at].loop = from;
		return seen_again(p, at, holder, child);
	}
	if (p->list.len >= PATTERNS_MAX) {
		p->list.data[above].cut = true;
		return above;
	}
	at = add(p, hash,
		&(struct pm_pattern){.above = above,
			.type = type,
			.text = text,
			.loop = PM_NO_PATTERN,
			.holder = holder,
			.child = child,
			.any = any_item(&up, ref) != NULL,
			.is_space = is_space,
			.names_all = is_globals(ref),
			.example = PM_NO_NODE});
	return at == PM_NO_PATTERN ? above : at;
}

/* ---- what is shown ---- */

const struct pm_root *pm_patterns_begin(
	const struct pm_patterns *p, uint32_t pattern)
{
	while (p->list.data[pattern].above != PM_NO_PATTERN)
		pattern = p->list.data[pattern].above;
	return p->list.data[pattern].root;
}

static void show_root(struct pm_patterns *p, const struct pm_pattern *x,
	bool alone, struct pm_strbuf *out)
{
	const char *text = text_at(p, x->text);
	if (x->is_space && !alone) /* vars(sys) */
		pm_strbuf_append(out, text + 5, strlen(text) - 6);
	else if (x->many)
		pm_strbuf_puts(out, text);
	else
		pm_root_name(p->g->h, x->root, true, out);
}

/* A step that stands for one edge only: which one it is. */
static bool show_edge(struct pm_patterns *p, const struct pm_pattern *x,
	bool in_space, struct pm_strbuf *out)
{
	const struct pm_graph *g = p->g;
	struct pm_object holder;
	struct pm_ref ref;
	if (x->many || !x->any ||
		pm_object_load(&g->h->objects, g->addr[x->holder], &holder,
			NULL) != PM_OK ||
		!pm_graph_via(g, &holder, g->addr[x->child], &ref))
		return false;
	if (in_space)
		pm_strbuf_puts(out, ".__dict__");
	pm_path_step_text(&g->h->objects, &holder, &ref, false, out);
	return true;
}

/* Puts a bracket to where the steps begin that repeat. */
static bool open_bracket(struct pm_strbuf *out, size_t at)
{
	pm_auto_free char *rest = strdup(pm_strbuf_text(out) + at);
	if (!rest)
		return false;
	pm_strbuf_truncate(out, at);
	pm_strbuf_putc(out, '(');
	pm_strbuf_puts(out, rest);
	return true;
}

struct shown {
	uint32_t pattern;
	size_t end; /* of its text */
};

/* The step at shown[at] was put last: do its steps repeat? */
static void show_loop(const struct pm_patterns *p, struct shown *shown,
	size_t at, struct pm_strbuf *out)
{
	uint32_t from = p->list.data[shown[at].pattern].loop;
	size_t k = at;
	while (k && shown[k].pattern != from)
		k--;
	if (from == PM_NO_PATTERN || shown[k].pattern != from)
		return;
	if (shown[k].end && open_bracket(out, shown[k].end)) {
		for (size_t i = k + 1; i < at; i++)
			shown[i].end++;
		pm_strbuf_puts(out, ")*");
	}
}

static void show_step(struct pm_patterns *p, const struct shown *shown,
	size_t at, size_t n, struct pm_strbuf *out)
{
	const struct pm_pattern *x = &p->list.data[shown[at].pattern];
	if (!at) {
		show_root(p, x, n == 1, out);
		return;
	}
	const struct pm_pattern *up = &p->list.data[shown[at - 1].pattern];
	if (!show_edge(p, x, up->is_space && !x->is_space, out))
		pm_strbuf_puts(out, text_at(p, x->text));
}

void pm_patterns_show(
	struct pm_patterns *p, uint32_t pattern, struct pm_strbuf *out)
{
	size_t n = 0;
	for (uint32_t a = pattern; a != PM_NO_PATTERN;
		a = p->list.data[a].above)
		n++;
	pm_auto_free struct shown *shown = calloc(n, sizeof *shown);
	if (!shown) {
		out->failed = true;
		return;
	}
	for (size_t i = n; i--; pattern = p->list.data[pattern].above)
		shown[i].pattern = pattern;
	for (size_t i = 0; i < n; i++) {
		if (n > STEPS_SHOWN && i == STEPS_SHOWN / 2) {
			i = n - STEPS_SHOWN / 2;
			pm_strbuf_printf(
				out, " ...%zu more steps... ", n - STEPS_SHOWN);
		}
		show_step(p, shown, i, n, out);
		show_loop(p, shown, i, out);
		shown[i].end = out->len;
	}
	const struct pm_pattern *last = &p->list.data[shown[n - 1].pattern];
	if (last->is_space && n > 1)
		pm_strbuf_puts(out, ".__dict__");
	if (last->cut)
		pm_strbuf_puts(out, " ...");
}
