/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where memory piles up, in trees of which each object's role is given. */
#include "graph/suspects.h"
#include "unit/unit.h"

#include <string.h>

/* Types, and what they are. */
enum { LIST, SPACE, NODE, HOLDER, FUNCTION, MODULE, TYPES };

/* A tree: every object but the first ones is held by one other. */
struct tree {
	struct pm_graph g;
	struct pm_dominators d;
	uint32_t cap;
};

#define MANY 400000

static void *filled(size_t n, size_t size)
{
	void *p = calloc(n, size);
	ck_assert_ptr_nonnull(p);
	return p;
}

static void begin(struct tree *t)
{
	memset(t, 0, sizeof *t);
	t->cap = MANY;
	t->g.type = filled(t->cap, 4);
	t->g.bytes = filled(t->cap, 4);
	t->d.of = filled(t->cap, 4);
	t->g.dominators = &t->d;
}

static uint32_t add(struct tree *t, uint32_t by, uint32_t type, uint32_t bytes)
{
	uint32_t node = t->g.n++;
	ck_assert_uint_lt(node, t->cap);
	t->g.type[node] = type;
	t->g.bytes[node] = bytes;
	t->d.of[node] = by;
	return node;
}

static void add_many(
	struct tree *t, uint32_t by, uint32_t type, uint32_t bytes, uint32_t n)
{
	while (n--)
		add(t, by, type, bytes);
}

/* Objects are added after what holds them: one pass back is enough. */
static void end(struct tree *t)
{
	struct pm_dominators *d = &t->d;
	uint32_t n = t->g.n;
	d->n = n;
	d->retained = filled(n, 8);
	d->objects = filled(n, 4);
	d->begin = filled(n + 3, 4);
	d->below = filled(n, 4);
	d->guessed = filled(n / 64 + 1, 8);
	for (uint32_t i = n; i--;) {
		d->retained[i] += t->g.bytes[i];
		d->objects[i]++;
		d->bytes += t->g.bytes[i];
		d->begin[(d->of[i] == PM_BY_ROOTS ? n : d->of[i]) + 2]++;
		if (d->of[i] == PM_BY_ROOTS)
			continue;
		d->retained[d->of[i]] += d->retained[i];
		d->objects[d->of[i]] += d->objects[i];
	}
	for (uint32_t i = 0; i <= n; i++)
		d->begin[i + 2] += d->begin[i + 1];
	for (uint32_t i = 0; i < n; i++)
		d->below[d->begin[(d->of[i] == PM_BY_ROOTS ? n : d->of[i]) +
				  1]++] = i;
}

static void deinit(struct tree *t)
{
	free(t->g.type);
	free(t->g.bytes);
	free(t->d.of);
	free(t->d.retained);
	free(t->d.objects);
	free(t->d.begin);
	free(t->d.below);
	free(t->d.guessed);
}

static enum pm_role role(void *arg, uint32_t node)
{
	static const enum pm_role roles[TYPES] = {[NODE] = PM_ROLE_INSTANCE,
		[HOLDER] = PM_ROLE_INSTANCE,
		[FUNCTION] = PM_ROLE_PROGRAM,
		[MODULE] = PM_ROLE_MACHINERY};
	const struct tree *t = arg;
	ck_assert_uint_lt(node, t->g.n);
	return roles[t->g.type[node]];
}

static bool is_space(void *arg, uint32_t node)
{
	const struct tree *t = arg;
	ck_assert_uint_lt(t->d.of[node], t->g.n);
	return t->g.type[node] == SPACE;
}

static struct pm_suspects_job *find(struct tree *t, uint64_t least)
{
	const struct pm_roles roles = {role, is_space, t};
	struct pm_suspects_job *j = NULL;
	struct pm_error err;
	bool done = false;
	end(t);
	if (!least)
		least = t->d.bytes / 100 * PM_SUSPECT_PERCENT;
	ck_assert_int_eq(
		pm_suspects_create(&t->g, &roles, TYPES, least, &j, &err),
		PM_OK);
	while (!done)
		ck_assert_int_eq(pm_suspects_step(j, 0, &done, &err), PM_OK);
	return j;
}

/* The i-th of the suspects, which are n. */
static const struct pm_suspect *suspect(
	const struct pm_suspects_job *j, size_t i, size_t n)
{
	size_t found;
	const struct pm_suspect *list = pm_suspects_result(j, &found);
	ck_assert_uint_eq(found, n);
	ck_assert_uint_lt(i, n);
	return &list[i];
}

START_TEST(through_wrappers_to_where_it_piles_up)
{
	struct tree t;
	begin(&t);
	uint32_t module = add(&t, PM_BY_ROOTS, MODULE, 100);
	uint32_t owner = add(&t, module, HOLDER, 50);
	uint32_t space = add(&t, owner, SPACE, 50);
	uint32_t list = add(&t, space, LIST, 1000);
	add_many(&t, list, NODE, 10, 1000);
	add_many(&t, list, LIST, 1, 1000);
	add_many(&t, module, LIST, 1, 200);
	struct pm_suspects_job *j = find(&t, 0);
	const struct pm_suspect *s = suspect(j, 0, 1);
	ck_assert_int_eq(s->kind, PM_SUSPECT_CONTAINER);
	ck_assert_uint_eq(s->node, list);
	ck_assert_uint_eq(s->retained, 12000);
	ck_assert_uint_eq(s->objects, 2001);
	ck_assert_uint_eq(s->type, NODE);
	ck_assert_uint_eq(s->count, 1000);
	ck_assert_uint_eq(s->type_retained, 10000);
	ck_assert_uint_eq(s->within, PM_NOT_WITHIN);
	ck_assert_uint_eq(pm_suspects_least(j), 12400 / 100 * 10);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

START_TEST(each_of_several_by_itself)
{
	/* An object with two large attributes is not where it piles up, and of
	   attributes that pile up it is. */
	struct tree t;
	begin(&t);
	uint32_t owner = add(&t, PM_BY_ROOTS, HOLDER, 50);
	uint32_t space = add(&t, owner, SPACE, 50);
	uint32_t one = add(&t, space, LIST, 100);
	uint32_t two = add(&t, space, LIST, 100);
	add_many(&t, one, NODE, 10, 400);
	add_many(&t, two, NODE, 10, 300);
	uint32_t other = add(&t, PM_BY_ROOTS, HOLDER, 50);
	uint32_t its = add(&t, other, SPACE, 50);
	add_many(&t, its, LIST, 10, 200);
	struct pm_suspects_job *j = find(&t, 0);
	ck_assert_uint_eq(suspect(j, 0, 3)->node, one);
	ck_assert_uint_eq(suspect(j, 1, 3)->node, two);
	ck_assert_uint_eq(suspect(j, 2, 3)->node, other);
	ck_assert_uint_eq(suspect(j, 2, 3)->retained, 2100);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

START_TEST(a_part_of_another)
{
	struct tree t;
	begin(&t);
	uint32_t list = add(&t, PM_BY_ROOTS, LIST, 10);
	add_many(&t, list, NODE, 10, 300);
	uint32_t wrapper = add(&t, list, HOLDER, 10);
	uint32_t blob = add(&t, wrapper, FUNCTION, 2000);
	add_many(&t, blob, LIST, 1, 10);
	struct pm_suspects_job *j = find(&t, 0);
	const struct pm_suspect *s = suspect(j, 1, 2);
	ck_assert_uint_eq(suspect(j, 0, 2)->node, list);
	ck_assert_uint_eq(suspect(j, 0, 2)->within, PM_NOT_WITHIN);
	ck_assert_uint_eq(s->node, blob);
	ck_assert_int_eq(s->kind, PM_SUSPECT_OBJECT);
	ck_assert_uint_eq(s->within, 0);
	ck_assert_uint_eq(s->count, 1);
	ck_assert_uint_eq(s->type, FUNCTION);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

START_TEST(lists_and_trees_of_one_class)
{
	struct tree t;
	begin(&t);
	uint32_t owner = add(&t, PM_BY_ROOTS, HOLDER, 10), at = owner;
	uint32_t first = PM_NO_NODE, root = PM_NO_NODE;
	enum { LONG = 100000, DEEP = 14 };
	for (unsigned i = 0; i < LONG; i++) {
		at = add(&t, at, NODE, 10);
		first = i ? first : at;
		add(&t, at, LIST, 20);
		at = add(&t, at, SPACE, 10);
	}
	/* A tree of holders, nodes in an order that has parents first. */
	uint32_t begin_of = t.g.n;
	for (uint32_t i = 0; i < (1u << DEEP) - 1; i++) {
		uint32_t up = i ? begin_of + (i - 1) / 2 : PM_BY_ROOTS;
		uint32_t node = add(&t, up, HOLDER, 200);
		root = i ? root : node;
	}
	struct pm_suspects_job *j = find(&t, 0);
	const struct pm_suspect *s = suspect(j, 0, 2);
	ck_assert_int_eq(s->kind, PM_SUSPECT_STRUCTURE);
	ck_assert_uint_eq(s->node, first);
	ck_assert_uint_eq(s->count, LONG);
	ck_assert_uint_eq(s->type, NODE);
	ck_assert_uint_eq(s->retained, 40 * LONG);
	s = suspect(j, 1, 2);
	ck_assert_int_eq(s->kind, PM_SUSPECT_STRUCTURE);
	ck_assert_uint_eq(s->node, root);
	ck_assert_uint_eq(s->count, (1u << DEEP) - 1);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

START_TEST(containers_in_containers)
{
	/* A list in a list is none; three in each other are. */
	struct tree t;
	begin(&t);
	uint32_t outer = add(&t, PM_BY_ROOTS, LIST, 10);
	uint32_t inner = add(&t, outer, LIST, 10);
	add_many(&t, inner, NODE, 10, 1000);
	uint32_t top = add(&t, PM_BY_ROOTS, LIST, 5), at = top;
	for (int i = 0; i < 5000; i++)
		at = add(&t, at, LIST, 5);
	struct pm_suspects_job *j = find(&t, 0);
	ck_assert_uint_eq(suspect(j, 0, 2)->node, top);
	ck_assert_int_eq(suspect(j, 0, 2)->kind, PM_SUSPECT_STRUCTURE);
	ck_assert_uint_eq(suspect(j, 0, 2)->count, 5001);
	ck_assert_uint_eq(suspect(j, 1, 2)->node, inner);
	ck_assert_int_eq(suspect(j, 1, 2)->kind, PM_SUSPECT_CONTAINER);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

START_TEST(many_without_an_owner)
{
	struct tree t;
	begin(&t);
	uint32_t module = add(&t, PM_BY_ROOTS, MODULE, 10);
	uint32_t inner = add(&t, module, MODULE, 10);
	uint32_t largest = PM_NO_NODE, n = 0;
	for (uint32_t i = 0; i < 600; i++) {
		uint32_t by = i % 3 == 0   ? module
			      : i % 3 == 1 ? inner
					   : PM_BY_ROOTS;
		uint32_t node = add(&t, by, NODE, i == 77 ? 11 : 10);
		largest = i == 77 ? node : largest;
		add(&t, node, LIST, 5);
	}
	/* Code is no leak; another module's own are one group there. */
	add_many(&t, inner, FUNCTION, 10, 600);
	uint32_t held = add(&t, module, MODULE, 10);
	add_many(&t, held, HOLDER, 10, 500);
	struct pm_suspects_job *j = find(&t, 0);
	const struct pm_suspect *s = suspect(j, 0, 2);
	ck_assert_int_eq(s->kind, PM_SUSPECT_GROUP);
	ck_assert_uint_eq(s->type, NODE);
	ck_assert_uint_eq(s->count, 600);
	ck_assert_uint_eq(s->retained, 600 * 15 + 1);
	ck_assert_uint_eq(s->node, largest);
	ck_assert_uint_eq(s->above, PM_BY_ROOTS);
	uint64_t *members = NULL;
	struct pm_error err;
	ck_assert_int_eq(pm_suspects_members(j, s, &members, &err), PM_OK);
	for (uint32_t i = 0; i < t.g.n; i++) {
		bool is = members[i / 64] >> i % 64 & 1;
		ck_assert_int_eq(is, t.g.type[i] == NODE);
		n += is;
	}
	ck_assert_uint_eq(n, 600);
	free(members);
	s = suspect(j, 1, 2);
	ck_assert_uint_eq(s->type, HOLDER);
	ck_assert_uint_eq(s->above, held);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

START_TEST(nothing_of_note)
{
	struct tree t;
	begin(&t);
	struct pm_suspects_job *j = find(&t, 0);
	size_t n;
	pm_suspects_result(j, &n);
	ck_assert_uint_eq(n, 0);
	pm_suspects_destroy(j);
	deinit(&t);

	/* Less than a tenth each. */
	begin(&t);
	for (uint32_t i = 0; i < 11; i++) {
		uint32_t list = add(&t, PM_BY_ROOTS, MODULE, 10);
		add_many(&t, list, FUNCTION, 10, 100);
	}
	j = find(&t, 0);
	pm_suspects_result(j, &n);
	ck_assert_uint_eq(n, 0);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

START_TEST(how_much_is_too_much)
{
	struct tree t;
	begin(&t);
	t.d.bytes = 3 * PM_SUSPECT_FLOOR;
	ck_assert_uint_eq(pm_suspects_usual(&t.d), PM_SUSPECT_FLOOR);
	t.d.bytes = 300 * PM_SUSPECT_FLOOR;
	ck_assert_uint_eq(pm_suspects_usual(&t.d), t.d.bytes / 100 * 10);
	t.d.bytes = 0;
	/* There is always an end to it. */
	for (uint32_t i = 0; i < 5000; i++)
		add(&t, PM_BY_ROOTS, i % 2 ? LIST : NODE, 10);
	struct pm_suspects_job *j = find(&t, 1);
	ck_assert_uint_eq(pm_suspects_least(j), 51);
	ck_assert_int_eq(suspect(j, 0, 2)->kind, PM_SUSPECT_GROUP);
	pm_suspects_destroy(j);
	deinit(&t);
}
END_TEST

/* Whatever the tree is: large enough, in order, not twice, within one that is
   there. */
START_TEST(random_trees)
{
	uint64_t state = 7;
	for (int round = 0; round < 300; round++) {
		struct tree t;
		begin(&t);
		uint32_t n = 1 + (uint32_t)round;
		for (uint32_t i = 0; i < n; i++) {
			state = state * 6364136223846793005u +
				1442695040888963407u;
			uint32_t r = (uint32_t)(state >> 33);
			uint32_t by = i && r % 8 ? r / 8 % i : PM_BY_ROOTS;
			add(&t, by,
				by == PM_BY_ROOTS && r / 64 % TYPES == SPACE
					? LIST
					: r / 64 % TYPES,
				1 + r / 4096 % 100);
		}
		struct pm_suspects_job *j = find(&t, 0);
		size_t found;
		const struct pm_suspect *s = pm_suspects_result(j, &found);
		for (size_t i = 0; i < found; i++) {
			ck_assert_uint_ge(s[i].retained,
				s[i].kind == PM_SUSPECT_GROUP
					? pm_suspects_least(j)
					: pm_suspects_least(j) / 2);
			ck_assert(!i || s[i - 1].retained >= s[i].retained);
			ck_assert_uint_ge(s[i].count, 1);
			ck_assert_uint_le(s[i].type_retained, s[i].retained);
			if (s[i].kind == PM_SUSPECT_GROUP)
				continue;
			ck_assert_int_ne(
				role(&t, s[i].node), PM_ROLE_MACHINERY);
			for (size_t k = 0; k < i; k++)
				ck_assert(s[k].kind == PM_SUSPECT_GROUP ||
					  s[k].node != s[i].node);
			if (s[i].within == PM_NOT_WITHIN)
				continue;
			uint32_t a = s[i].node, up = s[s[i].within].node;
			while (a != up && a != PM_BY_ROOTS)
				a = t.d.of[a];
			ck_assert_uint_eq(a, up);
			ck_assert_uint_ne(s[i].within, i);
		}
		pm_suspects_destroy(j);
		deinit(&t);
	}
}
END_TEST

UNIT_MAIN("suspects", through_wrappers_to_where_it_piles_up,
	each_of_several_by_itself, a_part_of_another,
	lists_and_trees_of_one_class, containers_in_containers,
	many_without_an_owner, nothing_of_note, how_much_is_too_much,
	random_trees)
