/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph/expression.h"
#include "object/repr.h"
#include "object/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define KEY_LIMIT 40
/* References of an object that are too many to look through twice. */
#define MANY 256

struct finder {
	pm_addr target;
	struct pm_ref ref;
	bool found;
};

static bool see_ref(void *arg, const struct pm_ref *ref)
{
	struct finder *f = arg;
	if (ref->target != f->target)
		return true;
	if (!f->found || f->ref.via == PM_VIA_NATIVE)
		f->ref = *ref;
	f->found = true;
	return f->ref.via == PM_VIA_NATIVE;
}

bool pm_graph_via(const struct pm_graph *g, const struct pm_object *holder,
	pm_addr target, struct pm_ref *ret)
{
	struct finder f = {.target = target};
	/* What can't be read is no reason to forget what was found. */
	enum pm_status s = pm_refs_each(&g->h->objects, holder, see_ref, &f);
	(void)s;
	if (f.found)
		*ret = f.ref;
	return f.found;
}

void pm_vias_deinit(struct pm_vias *v)
{
	pm_map_deinit(&v->by_edge);
	pm_vec_deinit(&v->found);
}

/* Out of memory, it is looked for again. */
static void remember(struct pm_vias *v, uint64_t edge, const struct pm_ref *ref)
{
	if (!pm_vec_push(&v->found, *ref))
		return;
	struct pm_map_slot *slot = pm_map_put(&v->by_edge, edge, NULL);
	if (slot)
		slot->value = v->found.len;
}

bool pm_path_via(const struct pm_graph *g, const struct pm_path *p, size_t i,
	struct pm_vias *vias, struct pm_object *ret_holder, struct pm_ref *ret)
{
	uint32_t from = p->nodes[i], to = p->nodes[i + 1];
	uint64_t edge = (uint64_t)from << 32 | (to + 1);
	bool many = g->out_begin[from + 1] - g->out_begin[from] >= MANY;
	if (pm_object_load(&g->h->objects, g->addr[from], ret_holder, NULL) !=
		PM_OK)
		return false;
	if (!vias || !many)
		return pm_graph_via(g, ret_holder, g->addr[to], ret);
	const struct pm_map_slot *known = pm_map_find(&vias->by_edge, edge);
	if (known && known->value) {
		*ret = vias->found.data[known->value - 1];
		return true;
	}
	if (!pm_graph_via(g, ret_holder, g->addr[to], ret))
		return false;
	remember(vias, edge, ret);
	return true;
}

/* A key that can be written behind a dot; appends it. */
static bool put_name(
	const struct pm_objects *o, pm_addr key, struct pm_strbuf *out)
{
	struct pm_object k;
	size_t start = out->len;
	if (!key || pm_object_load(o, key, &k, NULL) != PM_OK ||
		!pm_type_is_name(o->l, k.type) ||
		pm_text_append(o->l, o->m, key, KEY_LIMIT + 1, 0, out, NULL) !=
			PM_OK)
		return false;
	const char *text = pm_strbuf_text(out) + start;
	size_t n = out->len - start;
	bool good = n && n <= KEY_LIMIT && !isdigit((unsigned char)*text);
	for (size_t i = 0; good && i < n; i++)
		good = isalnum((unsigned char)text[i]) || text[i] == '_' ||
		       (unsigned char)text[i] >= 0x80;
	if (!good)
		pm_strbuf_truncate(out, start);
	return good;
}

static void put_key(
	const struct pm_objects *o, pm_addr key, struct pm_strbuf *out)
{
	if (key)
		pm_repr(o, key, KEY_LIMIT, out);
	else
		pm_strbuf_putc(out, '?');
}

bool pm_ref_is_namespace(const struct pm_ref *ref)
{
	return ref->via == PM_VIA_FIELD && ref->name &&
	       !strcmp(ref->name, "__dict__");
}

static void put_value(const struct pm_objects *o, const struct pm_ref *ref,
	bool in_namespace, struct pm_strbuf *out)
{
	if (in_namespace) {
		size_t dot = out->len;
		pm_strbuf_putc(out, '.');
		if (put_name(o, ref->key, out))
			return;
		pm_strbuf_truncate(out, dot);
		pm_strbuf_puts(out, ".__dict__");
	}
	pm_strbuf_putc(out, '[');
	put_key(o, ref->key, out);
	pm_strbuf_putc(out, ']');
}

static void put_field(const char *name, struct pm_strbuf *out)
{
	bool plain = !strchr(name, ' ');
	pm_strbuf_printf(out, plain ? ".%s" : " (%s)", name);
}

void pm_path_step_text(const struct pm_objects *o,
	const struct pm_object *holder, const struct pm_ref *ref,
	bool in_namespace, struct pm_strbuf *out)
{
	switch (ref->via) {
	case PM_VIA_FIELD:
	case PM_VIA_SLOT:
		put_field(ref->name, out);
		return;
	case PM_VIA_ATTRIBUTE:
		put_value(o, ref, true, out);
		return;
	case PM_VIA_INDEX:
		pm_strbuf_printf(out, "[%" PRIu64 "]", ref->index);
		return;
	case PM_VIA_VALUE:
		put_value(o, ref, in_namespace, out);
		return;
	case PM_VIA_KEY:
		pm_strbuf_puts(out, "[key ");
		put_key(o, ref->target, out);
		pm_strbuf_putc(out, ']');
		return;
	case PM_VIA_MEMBER:
		pm_strbuf_puts(out, "[member ");
		put_key(o, ref->target, out);
		pm_strbuf_putc(out, ']');
		return;
	case PM_VIA_TYPE:
		pm_strbuf_puts(out, ".__class__");
		return;
	case PM_VIA_LOCAL:
	case PM_VIA_STACK:
	case PM_VIA_NATIVE:
		break;
	}
	pm_strbuf_putc(out, ' ');
	pm_ref_describe(o, holder, ref, out);
}

/* Of a root that is a namespace itself, "vars(sys)", its owner. */
static bool put_root(const struct pm_graph *g, const struct pm_path *p,
	struct pm_strbuf *out)
{
	size_t start = out->len;
	pm_root_name(g->h, p->root, true, out);
	const char *text = pm_strbuf_text(out) + start;
	size_t n = strlen(text);
	char owner[64];
	if (p->n < 2 || strncmp(text, "vars(", 5) || n < 7 ||
		n - 6 >= sizeof owner)
		return false;
	memcpy(owner, text + 5, n - 6);
	owner[n - 6] = '\0';
	pm_strbuf_truncate(out, start);
	pm_strbuf_puts(out, owner);
	return true;
}

struct pm_path_gap pm_path_gap(const struct pm_path *p, size_t limit)
{
	if (!limit || p->n <= limit)
		return (struct pm_path_gap){0, 0};
	return (struct pm_path_gap){limit - limit / 2, p->n - limit / 2};
}

void pm_expression_begin(struct pm_expression *x, const struct pm_graph *g,
	const struct pm_path *p, size_t limit, struct pm_vias *vias)
{
	*x = (struct pm_expression){.g = g,
		.path = p,
		.gap = pm_path_gap(p, limit),
		.vias = vias,
		.at = 1};
	x->in_namespace = put_root(g, p, &x->text);
}

/* The next is behind the gap: is what leads to it in a namespace? */
static void leave_out(struct pm_expression *x)
{
	struct pm_object holder;
	struct pm_ref ref;
	char n[28];
	pm_strbuf_printf(&x->text, " ... %s more steps ... ",
		pm_grouped(x->gap.end - x->gap.begin, n));
	x->at = x->gap.end;
	x->in_namespace =
		x->at < x->path->n &&
		pm_path_via(x->g, x->path, x->at - 2, x->vias, &holder, &ref) &&
		pm_ref_is_namespace(&ref);
}

void pm_expression_deinit(struct pm_expression *x)
{
	pm_strbuf_deinit(&x->text);
}

bool pm_expression_step(struct pm_expression *x)
{
	struct pm_object holder;
	struct pm_ref ref;
	size_t i = x->at;
	if (i >= x->path->n)
		return false;
	if (x->gap.end && i == x->gap.begin) {
		leave_out(x);
		return true;
	}
	x->at++;
	if (!pm_path_via(x->g, x->path, i - 1, x->vias, &holder, &ref)) {
		pm_strbuf_puts(&x->text, " ?");
		x->in_namespace = false;
		return true;
	}
	bool opens = pm_ref_is_namespace(&ref) && i + 1 < x->path->n;
	if (x->in_namespace && ref.via != PM_VIA_VALUE)
		pm_strbuf_puts(&x->text, ".__dict__");
	if (!opens)
		pm_path_step_text(&x->g->h->objects, &holder, &ref,
			x->in_namespace, &x->text);
	x->in_namespace = opens;
	return true;
}

void pm_path_expression(const struct pm_graph *g, const struct pm_path *p,
	struct pm_strbuf *out)
{
	PM_CLEANUP(pm_expression_deinit) struct pm_expression x = {0};
	pm_expression_begin(&x, g, p, PM_PATH_STEPS, NULL);
	while (pm_expression_step(&x))
		;
	pm_strbuf_puts(out, pm_strbuf_text(&x.text));
	out->failed |= x.text.failed;
}
